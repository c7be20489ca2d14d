// SPDX-License-Identifier: Apache-2.0
//
// DeleteRecords: moves log starts forward; whole segments below go with the next retention.
#include "broker/broker_int.h"
#include "wire/kafka/delete_records.h"

static void answer_partition(struct topic *topic, bool may,
                             const struct kafka_delete_records_request_partition *asked,
                             struct kafka_delete_records_response_partition *out)
{
    struct partition *partition = topic ? topic_partition(topic, asked->partition_index) : NULL;
    kafka_delete_records_response_partition_init(out);
    out->partition_index = asked->partition_index;
    err_t err = may ? ERR_UNKNOWN_TOPIC : ERR_TOPIC_UNAUTHORIZED;
    if (may && partition)
        err = partition_delete_before(partition, asked->offset, &out->low_watermark, NULL);
    if (err != ERR_OK)
        out->low_watermark = -1;
    out->error_code = kafka_code(err);
}

static void answer(struct request *request)
{
    const struct kafka_delete_records_request *message = request->message;
    struct arena *arena = &request->arena;
    struct kafka_delete_records_response response;
    kafka_delete_records_response_init(&response);
    response.topics_count = message->topics_count;
    response.topics = ARENA_ARRAY(arena, struct kafka_delete_records_response_topic,
                                  (size_t)message->topics_count + 1);
    for (int32_t t = 0; t < message->topics_count; t++) {
        const struct kafka_delete_records_request_topic *asked = &message->topics[t];
        struct kafka_delete_records_response_topic *out = &response.topics[t];
        kafka_delete_records_response_topic_init(out);
        out->name = asked->name;
        out->partitions_count = asked->partitions_count;
        out->partitions = ARENA_ARRAY(arena, struct kafka_delete_records_response_partition,
                                      (size_t)asked->partitions_count + 1);
        struct topic *topic = log_store_topic(request->broker->store, asked->name);
        bool may = request_may(request, ACL_DELETE, ACL_TOPIC, asked->name);
        for (int32_t p = 0; p < asked->partitions_count; p++)
            answer_partition(topic, may, &asked->partitions[p], &out->partitions[p]);
        topic_unref(topic);
    }
    request_respond(request, &response);
}

void delete_records_handle(struct request *request)
{
    request_work(request, answer);
}
