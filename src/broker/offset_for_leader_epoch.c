// SPDX-License-Identifier: Apache-2.0
//
// OffsetForLeaderEpoch: there has only ever been one leader epoch, so it ends where the log ends.
#include "broker/broker_int.h"
#include "wire/kafka/offset_for_leader_epoch.h"

enum { KAFKA_UNKNOWN_LEADER_EPOCH = 75 };

static void answer_partition(struct topic *topic, bool may,
                             const struct kafka_offset_for_leader_epoch_request_partition *asked,
                             struct kafka_offset_for_leader_epoch_response_partition *out)
{
    struct partition *partition = topic ? topic_partition(topic, asked->partition) : NULL;
    kafka_offset_for_leader_epoch_response_partition_init(out);
    out->partition = asked->partition;
    if (!may) {
        out->error_code = kafka_code(ERR_TOPIC_UNAUTHORIZED);
    } else if (!partition) {
        out->error_code = kafka_code(ERR_UNKNOWN_TOPIC);
    } else if (asked->current_leader_epoch > BROKER_LEADER_EPOCH) {
        out->error_code = KAFKA_UNKNOWN_LEADER_EPOCH;
    } else if (asked->leader_epoch == BROKER_LEADER_EPOCH) {
        out->leader_epoch = BROKER_LEADER_EPOCH;
        out->end_offset = partition_offsets(partition).end;
    }
}

void offset_for_leader_epoch_handle(struct request *request)
{
    const struct kafka_offset_for_leader_epoch_request *message = request->message;
    struct arena *arena = &request->arena;
    struct kafka_offset_for_leader_epoch_response response;
    kafka_offset_for_leader_epoch_response_init(&response);
    // Followers' right, or each topic's.
    bool all =
        request_could(request, ACL_CLUSTER_ACTION, ACL_CLUSTER, bytes_from(ACL_CLUSTER_NAME));
    response.topics_count = message->topics_count;
    response.topics = ARENA_ARRAY(arena, struct kafka_offset_for_leader_epoch_response_topic,
                                  (size_t)message->topics_count + 1);
    for (int32_t t = 0; t < message->topics_count; t++) {
        const struct kafka_offset_for_leader_epoch_request_topic *asked = &message->topics[t];
        struct kafka_offset_for_leader_epoch_response_topic *out = &response.topics[t];
        kafka_offset_for_leader_epoch_response_topic_init(out);
        out->topic = asked->topic;
        out->partitions_count = asked->partitions_count;
        out->partitions =
            ARENA_ARRAY(arena, struct kafka_offset_for_leader_epoch_response_partition,
                        (size_t)asked->partitions_count + 1);
        struct topic *topic = log_store_topic(request->broker->store, asked->topic);
        bool may = all || request_may(request, ACL_DESCRIBE, ACL_TOPIC, asked->topic);
        for (int32_t p = 0; p < asked->partitions_count; p++)
            answer_partition(topic, may, &asked->partitions[p], &out->partitions[p]);
        topic_unref(topic);
    }
    request_respond(request, &response);
}
