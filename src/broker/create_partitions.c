// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/create_partitions.h"

#include "broker/topics.h"

static err_t check(struct topic *topic, const struct kafka_create_partitions_request_topic *in,
                   struct diag *diag)
{
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
    if (in->assignments_count >= 0 && in->assignments_count != in->count - present)
        return FAIL(diag, ERR_INVALID, "%d partitions are to be added, %d assignments were given",
                    in->count - present, in->assignments_count);
    if (broker_topic_internal(topic_name(topic)))
        return FAIL(diag, ERR_INVALID_TOPIC, "%s belongs to the broker", topic_name(topic));
    return ERR_OK;
}

static void grow(struct request *request, const struct kafka_create_partitions_request_topic *in,
                 struct kafka_create_partitions_response_result *out)
{
    const struct kafka_create_partitions_request *m = request->message;
    struct diag diag = DIAG_INIT;
    struct topic *topic = log_store_topic(request->broker->store, in->name);
    err_t err = check(topic, in, &diag);
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
    kafka_create_partitions_response_init(&response);
    response.results_count = m->topics_count;
    response.results = ARENA_ARRAY(&request->arena, struct kafka_create_partitions_response_result,
                                   (size_t)m->topics_count);
    for (int32_t i = 0; i < m->topics_count; i++)
        grow(request, &m->topics[i], &response.results[i]);
    request_respond(request, &response);
}

void create_partitions_handle(struct request *request)
{
    request_work(request, run);
}
