// SPDX-License-Identifier: Apache-2.0
//
// DescribeProducers: what partitions remember of their producers; kafka-transactions.sh finds
// hanging transactions with it.
#include "wire/kafka/describe_producers.h"

#include "broker/access.h"
#include "broker/broker_int.h"

typedef struct kafka_describe_producers_response_topic_response out_topic;
typedef struct kafka_describe_producers_response_partition_response out_partition;
typedef struct kafka_describe_producers_response_producer_state out_producer;

static err_t check(struct request *request, const struct topic *topic, struct bytes name)
{
    if (!topic_name_valid(name))
        return ERR_INVALID_TOPIC;
    if (!request_may(request, ACL_READ, ACL_TOPIC, name))
        return ERR_TOPIC_UNAUTHORIZED;
    return topic ? ERR_OK : ERR_UNKNOWN_TOPIC;
}

static void fill(struct request *request, struct partition *partition, out_partition *out)
{
    struct arena *arena = &request->arena;
    size_t count;
    const struct partition_producer *producers = partition_producers(partition, arena, &count);
    out->active_producers = ARENA_ARRAY(arena, out_producer, count + 1);
    out->active_producers_count = (int32_t)count;
    for (size_t i = 0; i < count; i++)
        out->active_producers[i] = (out_producer){
            .producer_id = producers[i].id,
            .producer_epoch = producers[i].epoch,
            .last_sequence = producers[i].last_sequence,
            .last_timestamp = producers[i].last_timestamp,
            .coordinator_epoch = producers[i].coordinator_epoch,
            .current_txn_start_offset = producers[i].txn_first_offset,
        };
}

static void describe(struct request *request,
                     const struct kafka_describe_producers_request_topic_request *in,
                     out_topic *out)
{
    struct topic *topic = log_store_topic(request->broker->store, in->name);
    err_t topic_err = check(request, topic, in->name);
    out->name = in->name;
    out->partitions_count = in->partition_indexes_count;
    out->partitions =
        ARENA_ARRAY(&request->arena, out_partition, (size_t)in->partition_indexes_count + 1);
    for (int32_t p = 0; p < out->partitions_count; p++) {
        out_partition *to = &out->partitions[p];
        kafka_describe_producers_response_partition_response_init(to);
        to->partition_index = in->partition_indexes[p];
        struct partition *partition =
            topic_err == ERR_OK ? topic_partition(topic, to->partition_index) : NULL;
        err_t err = topic_err != ERR_OK ? topic_err : partition ? ERR_OK : ERR_UNKNOWN_TOPIC;
        to->error_code = kafka_code(err);
        to->error_message = kafka_story(request, err, NULL);
        if (partition)
            fill(request, partition, to);
    }
    topic_unref(topic);
}

static void answer(struct request *request)
{
    const struct kafka_describe_producers_request *m = request->message;
    struct kafka_describe_producers_response response;
    kafka_describe_producers_response_init(&response);
    response.topics_count = m->topics_count;
    response.topics = ARENA_ARRAY(&request->arena, out_topic, (size_t)m->topics_count + 1);
    for (int32_t t = 0; t < m->topics_count; t++)
        describe(request, &m->topics[t], &response.topics[t]);
    request_respond(request, &response);
}

void describe_producers_handle(struct request *request)
{
    request_work(request, answer);
}
