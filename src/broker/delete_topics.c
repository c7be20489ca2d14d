// SPDX-License-Identifier: Apache-2.0
//
// DeleteTopics: names until v5, names or ids since v6. Committed offsets of the topic go with it.
// What is given twice, as a name, as an id or as one of each, is answered once and not deleted.
#include "wire/kafka/delete_topics.h"

#include "base/log.h"
#include "broker/access.h"
#include "broker/groups.h"
#include "broker/topics.h"

enum { TOPICS_FROM = 6, DISABLED_FROM = 3 };

struct deletion {
    struct bytes name; // null: by id
    struct kafka_uuid id;
    struct topic *topic; // a reference; NULL: there is none
    bool twice;
    bool both_ways; // another item has the id of this name
    bool said;      // that other item answers for this one
};

static struct deletion *load(struct request *request, size_t *count)
{
    const struct kafka_delete_topics_request *m = request->message;
    bool by_id = request_version(request) >= TOPICS_FROM;
    *count = (size_t)(by_id ? m->topics_count : m->topic_names_count);
    struct deletion *items = ARENA_ARRAY(&request->arena, struct deletion, *count);
    for (size_t i = 0; i < *count; i++) {
        items[i].name = by_id ? m->topics[i].name : m->topic_names[i];
        if (by_id)
            items[i].id = m->topics[i].topic_id;
    }
    return items;
}

static bool is_malformed(const struct deletion *item)
{
    return (item->name.ptr != NULL) == !kafka_uuid_is_zero(item->id);
}

// Names and ids in one sort: an id is told from a name by the byte in front of it.
static void find_twice(struct request *request, struct deletion *items, size_t count)
{
    struct bytes *keys = ARENA_ARRAY(&request->arena, struct bytes, count);
    for (size_t i = 0; i < count; i++) {
        struct bytes given = items[i].name.ptr ? items[i].name : bytes_make(items[i].id.bytes, 16);
        uint8_t *key = arena_alloc(&request->arena, given.size + 1);
        key[0] = items[i].name.ptr != NULL;
        if (given.size)
            memcpy(key + 1, given.ptr, given.size);
        keys[i] = bytes_make(key, given.size + 1);
    }
    const size_t *first = topics_first(&request->arena, keys, count);
    for (size_t i = 0; i < count; i++)
        if (first[i] != i && !is_malformed(&items[i]))
            items[i].said = items[first[i]].twice = true;
}

static void find_topics(struct request *request, struct deletion *items, size_t count)
{
    struct log_store *store = request->broker->store;
    struct bytes *ids = ARENA_ARRAY(&request->arena, struct bytes, count);
    for (size_t i = 0; i < count; i++) {
        struct deletion *item = &items[i];
        if (is_malformed(item) || item->said)
            continue;
        item->topic = item->name.ptr ? log_store_topic(store, item->name)
                                     : log_store_topic_by_id(store, item->id.bytes);
        if (item->topic)
            ids[i] = bytes_make(topic_id(item->topic), 16);
    }
    const size_t *first = topics_first(&request->arena, ids, count);
    for (size_t i = 0; i < count; i++) {
        if (!items[i].topic || first[i] == i)
            continue;
        bool named = items[i].name.ptr != NULL;
        items[named ? i : first[i]].both_ways = true;
        items[named ? first[i] : i].said = true;
    }
}

static err_t check(struct request *request, const struct deletion *item, struct diag *diag)
{
    if (!setting(request->broker, SETTING_DELETE_TOPICS))
        return request_version(request) < DISABLED_FROM
                   ? FAIL(diag, ERR_INVALID, "This version does not support topic deletion.")
                   : FAIL(diag, ERR_TOPIC_DELETION_DISABLED, "Topic deletion is disabled.");
    if (is_malformed(item))
        return FAIL(diag, ERR_INVALID, "give a topic's name or its id, and only one of them");
    if (item->twice)
        return FAIL(diag, ERR_INVALID, "the topic is given twice");
    struct bytes name = item->topic ? bytes_from(topic_name(item->topic)) : item->name;
    bool every = request_could(request, ACL_DELETE, ACL_CLUSTER, bytes_from(ACL_CLUSTER_NAME));
    bool may_describe = every || !name.ptr || request_could(request, ACL_DESCRIBE, ACL_TOPIC, name);
    if (!may_describe ||
        (!every && item->topic && !request_may(request, ACL_DELETE, ACL_TOPIC, name)))
        return FAIL(diag, ERR_TOPIC_UNAUTHORIZED, "Topic authorization failed.");
    if (item->both_ways)
        return FAIL(diag, ERR_INVALID,
                    "The provided topic name maps to an ID that was already supplied.");
    if (!item->topic)
        return item->name.ptr
                   ? FAIL(diag, ERR_UNKNOWN_TOPIC,
                          "This server does not host this topic-partition.")
                   : FAIL(diag, ERR_UNKNOWN_TOPIC_ID, "This server does not host this topic ID.");
    if (broker_topic_internal(topic_name(item->topic)))
        return FAIL(diag, ERR_INVALID_TOPIC, "%s belongs to the broker", topic_name(item->topic));
    return ERR_OK;
}

static void delete_one(struct request *request, const struct deletion *item,
                       struct kafka_delete_topics_response_response *out)
{
    struct diag diag = DIAG_INIT;
    kafka_delete_topics_response_response_init(out);
    out->name = item->name;
    out->topic_id = item->id;
    err_t err = check(request, item, &diag);
    bool may_know = err != ERR_TOPIC_UNAUTHORIZED ||
                    (item->topic && request_could(request, ACL_DESCRIBE, ACL_TOPIC,
                                                  bytes_from(topic_name(item->topic))));
    if (item->topic && !item->twice && may_know) {
        out->name = bytes_from(arena_strdup(&request->arena, topic_name(item->topic)));
        if (err != ERR_TOPIC_UNAUTHORIZED)
            out->topic_id = topics_uuid(item->topic);
    }
    if (err == ERR_OK)
        err = log_store_delete_topic(request->broker->store, topic_name(item->topic), &diag);
    if (err == ERR_OK) {
        LOG_INFO("broker", "deleted a topic", "topic=%s", topic_name(item->topic));
        groups_forget_topic(request->broker->groups, out->name);
    }
    out->error_code = kafka_code(err);
    out->error_message = kafka_story(request, err, &diag);
}

static void run(struct request *request)
{
    struct kafka_delete_topics_response response;
    kafka_delete_topics_response_init(&response);
    size_t count;
    struct deletion *items = load(request, &count);
    find_twice(request, items, count);
    find_topics(request, items, count);
    response.responses =
        ARENA_ARRAY(&request->arena, struct kafka_delete_topics_response_response, count);
    for (size_t i = 0; i < count; i++)
        if (!items[i].said)
            delete_one(request, &items[i], &response.responses[response.responses_count++]);
    for (size_t i = 0; i < count; i++)
        topic_unref(items[i].topic);
    request_respond(request, &response);
}

void delete_topics_handle(struct request *request)
{
    request_work(request, run);
}
