// SPDX-License-Identifier: Apache-2.0
//
// DeleteTopics: names until v5, names or ids since v6. Committed offsets of the topic go with it.
#include "wire/kafka/delete_topics.h"

#include "base/log.h"
#include "broker/groups.h"
#include "broker/topics.h"

enum { TOPICS_FROM = 6 };

static err_t find(struct request *request, const struct kafka_delete_topics_request_topic *in,
                  struct topic **out, struct diag *diag)
{
    struct log_store *store = request->broker->store;
    if (in->name.ptr && !kafka_uuid_is_zero(in->topic_id))
        return FAIL(diag, ERR_INVALID, "give a topic's name or its id, not both");
    *out = in->name.ptr ? log_store_topic(store, in->name)
                        : log_store_topic_by_id(store, in->topic_id.bytes);
    if (*out)
        return ERR_OK;
    return in->name.ptr
               ? FAIL(diag, ERR_UNKNOWN_TOPIC, "This server does not host this topic-partition.")
               : FAIL(diag, ERR_UNKNOWN_TOPIC_ID, "This server does not host this topic ID.");
}

static void delete_one(struct request *request, const struct kafka_delete_topics_request_topic *in,
                       struct kafka_delete_topics_response_response *out)
{
    struct diag diag = DIAG_INIT;
    struct topic *topic = NULL;
    kafka_delete_topics_response_response_init(out);
    out->name = in->name;
    out->topic_id = in->topic_id;
    err_t err = find(request, in, &topic, &diag);
    if (err == ERR_OK) {
        const char *name = arena_strdup(&request->arena, topic_name(topic));
        out->name = bytes_from(name);
        out->topic_id = topics_uuid(topic);
        if (broker_topic_internal(name))
            err = FAIL(&diag, ERR_INVALID_TOPIC, "%s belongs to the broker", name);
        else
            err = log_store_delete_topic(request->broker->store, name, &diag);
        if (err == ERR_OK) {
            LOG_INFO("broker", "deleted a topic", "topic=%s", name);
            groups_forget_topic(request->broker->groups, out->name);
        }
    }
    topic_unref(topic);
    out->error_code = kafka_code(err);
    out->error_message = kafka_story(request, err, &diag);
}

static void run(struct request *request)
{
    const struct kafka_delete_topics_request *m = request->message;
    struct kafka_delete_topics_response response;
    kafka_delete_topics_response_init(&response);
    bool by_id = request_version(request) >= TOPICS_FROM;
    response.responses_count = by_id ? m->topics_count : m->topic_names_count;
    response.responses = ARENA_ARRAY(&request->arena, struct kafka_delete_topics_response_response,
                                     (size_t)response.responses_count);
    for (int32_t i = 0; i < response.responses_count; i++) {
        struct kafka_delete_topics_request_topic named = {.name = by_id ? BYTES_NULL
                                                                        : m->topic_names[i]};
        delete_one(request, by_id ? &m->topics[i] : &named, &response.responses[i]);
    }
    request_respond(request, &response);
}

void delete_topics_handle(struct request *request)
{
    request_work(request, run);
}
