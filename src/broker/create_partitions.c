// SPDX-License-Identifier: Apache-2.0
//
// CreatePartitions: more partitions for topics. A topic named twice is answered once and left
// alone.
#include "wire/kafka/create_partitions.h"

#include "broker/access.h"
#include "broker/topics.h"

typedef struct kafka_create_partitions_request_topic asked_t;

static err_t check_assignments(const asked_t *in, int32_t more, struct diag *diag)
{
    if (in->assignments_count < 0)
        return ERR_OK;
    if (in->assignments_count != more)
        return FAIL(diag, ERR_INVALID_ASSIGNMENT,
                    "Attempted to add %d additional partition(s), but only %d assignment(s) were "
                    "specified.",
                    more, in->assignments_count);
    for (int32_t i = 0; i < in->assignments_count; i++)
        TRY(topics_check_replicas(in->assignments[i].broker_ids,
                                  in->assignments[i].broker_ids_count, diag));
    return ERR_OK;
}

static err_t check(struct request *request, struct topic *topic, const asked_t *in, bool twice,
                   struct diag *diag)
{
    if (twice)
        return FAIL(diag, ERR_INVALID, "Duplicate topic name.");
    if (!request_may(request, ACL_ALTER, ACL_TOPIC, in->name))
        return FAIL(diag, ERR_TOPIC_UNAUTHORIZED, "Topic authorization failed.");
    if (!topic)
        return FAIL(diag, ERR_UNKNOWN_TOPIC, "The topic '%.*s' does not exist.",
                    BYTES_PRINT(in->name));
    int32_t present = topic_partition_count(topic);
    if (in->count == present)
        return FAIL(diag, ERR_INVALID_PARTITIONS, "Topic already has %d partition(s).", present);
    if (in->count < present)
        return FAIL(diag, ERR_INVALID_PARTITIONS,
                    "The topic %.*s currently has %d partition(s); %d would not be an increase.",
                    BYTES_PRINT(in->name), present, in->count);
    TRY(check_assignments(in, in->count - present, diag));
    if (broker_topic_internal(topic_name(topic)))
        return FAIL(diag, ERR_INVALID_TOPIC, "%s belongs to the broker", topic_name(topic));
    return ERR_OK;
}

static void grow(struct request *request, const asked_t *in, bool twice,
                 struct kafka_create_partitions_response_result *out)
{
    const struct kafka_create_partitions_request *m = request->message;
    struct diag diag = DIAG_INIT;
    struct topic *topic = log_store_topic(request->broker->store, in->name);
    err_t err = check(request, topic, in, twice, &diag);
    if (err == ERR_OK && !m->validate_only)
        err = log_store_grow_topic(request->broker->store, topic_name(topic), in->count, &diag);
    topic_unref(topic);
    out->name = in->name;
    out->error_code = kafka_code(err);
    out->error_message = kafka_story(request, err, &diag);
}

static void run(struct request *request)
{
    const struct kafka_create_partitions_request *m = request->message;
    struct kafka_create_partitions_response response;
    size_t count = (size_t)m->topics_count;
    struct bytes *names = ARENA_ARRAY(&request->arena, struct bytes, count);
    bool *twice = ARENA_ARRAY(&request->arena, bool, count);
    for (size_t i = 0; i < count; i++)
        names[i] = m->topics[i].name;
    const size_t *first = topics_first(&request->arena, names, count);
    for (size_t i = 0; i < count; i++)
        if (first[i] != i)
            twice[first[i]] = true;
    kafka_create_partitions_response_init(&response);
    response.results =
        ARENA_ARRAY(&request->arena, struct kafka_create_partitions_response_result, count);
    for (size_t i = 0; i < count; i++)
        if (first[i] == i)
            grow(request, &m->topics[i], twice[i], &response.results[response.results_count++]);
    request_respond(request, &response);
}

void create_partitions_handle(struct request *request)
{
    request_work(request, run);
}
