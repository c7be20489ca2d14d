// SPDX-License-Identifier: Apache-2.0
//
// OffsetForLeaderEpoch: there has only ever been one leader epoch, so it ends where the log ends.
#include "broker/broker_int.h"
#include "wire/kafka/offset_for_leader_epoch.h"

int64_t broker_epoch_end(struct partition *partition, int32_t *epoch)
{
    struct partition_offsets offsets = partition_offsets(partition);
    if (*epoch == BROKER_LEADER_EPOCH)
        return offsets.end;
    if (*epoch < -1) // before the first epoch, which begins where the log does
        return offsets.start;
    *epoch = -1;
    return -1;
}

static err_t check(const struct partition *partition, int32_t current_epoch)
{
    return partition ? broker_check_epoch(current_epoch) : ERR_UNKNOWN_TOPIC;
}

static void answer_partition(struct topic *topic, bool may,
                             const struct kafka_offset_for_leader_epoch_request_partition *asked,
                             struct kafka_offset_for_leader_epoch_response_partition *out)
{
    struct partition *partition = topic ? topic_partition(topic, asked->partition) : NULL;
    kafka_offset_for_leader_epoch_response_partition_init(out);
    out->partition = asked->partition;
    err_t err = may ? check(partition, asked->current_leader_epoch) : ERR_TOPIC_UNAUTHORIZED;
    out->error_code = kafka_code(err);
    if (err == ERR_OK) {
        out->leader_epoch = asked->leader_epoch;
        out->end_offset = broker_epoch_end(partition, &out->leader_epoch);
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
