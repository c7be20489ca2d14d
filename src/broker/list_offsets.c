// SPDX-License-Identifier: Apache-2.0
//
// ListOffsets: first and last offsets from memory, offsets by time from the files.
#include "broker/broker_int.h"
#include "wire/kafka/list_offsets.h"

enum { KAFKA_UNKNOWN_LEADER_EPOCH = 75 };

enum special_time {
    TIME_LATEST = -1,
    TIME_EARLIEST = -2,
    TIME_MAX = -3,            // the record with the largest timestamp
    TIME_EARLIEST_LOCAL = -4, // all is local
    TIME_LATEST_TIERED = -5,  // nothing is tiered
    TIME_PENDING_UPLOAD = -6,
};

// From which version of the request each special time may be asked for.
static bool time_allowed(int64_t timestamp, int16_t version)
{
    return timestamp >= TIME_EARLIEST || (timestamp == TIME_MAX && version >= 7) ||
           (timestamp == TIME_EARLIEST_LOCAL && version >= 8) ||
           (timestamp == TIME_LATEST_TIERED && version >= 9) ||
           (timestamp == TIME_PENDING_UPLOAD && version >= 11);
}

static bool needs_files(const struct kafka_list_offsets_request *message)
{
    for (int32_t t = 0; t < message->topics_count; t++)
        for (int32_t p = 0; p < message->topics[t].partitions_count; p++) {
            int64_t timestamp = message->topics[t].partitions[p].timestamp;
            if (timestamp >= 0 || timestamp == TIME_MAX)
                return true;
        }
    return false;
}

static err_t look_up(struct partition *partition, int64_t timestamp, bool committed,
                     struct kafka_list_offsets_response_partition *out, struct diag *diag)
{
    struct partition_offsets offsets = partition_offsets(partition);
    switch (timestamp) {
    case TIME_LATEST:
        out->offset = committed ? offsets.stable : offsets.end;
        return ERR_OK;
    case TIME_EARLIEST:
    case TIME_EARLIEST_LOCAL:
        out->offset = offsets.start;
        return ERR_OK;
    case TIME_LATEST_TIERED:
    case TIME_PENDING_UPLOAD:
        return ERR_OK;
    case TIME_MAX:
        return partition_offset_of_max(partition, &out->offset, &out->timestamp, diag);
    default:
        return partition_offset_at(partition, timestamp, &out->offset, &out->timestamp, diag);
    }
}

static void answer_partition(struct request *request, struct topic *topic, bool may,
                             const struct kafka_list_offsets_request_partition *asked,
                             struct kafka_list_offsets_response_partition *out)
{
    const struct kafka_list_offsets_request *message = request->message;
    struct partition *partition = topic ? topic_partition(topic, asked->partition_index) : NULL;
    kafka_list_offsets_response_partition_init(out);
    out->partition_index = asked->partition_index;
    if (!may) {
        out->error_code = kafka_code(ERR_TOPIC_UNAUTHORIZED);
        return;
    }
    if (!partition) {
        out->error_code = kafka_code(ERR_UNKNOWN_TOPIC);
    } else if (!time_allowed(asked->timestamp, request_version(request))) {
        out->error_code = kafka_code(ERR_UNSUPPORTED_VERSION);
    } else if (asked->current_leader_epoch > BROKER_LEADER_EPOCH) {
        out->error_code = KAFKA_UNKNOWN_LEADER_EPOCH;
    } else {
        out->error_code = kafka_code(
            look_up(partition, asked->timestamp, message->isolation_level == 1, out, NULL));
        if (out->error_code != 0)
            out->offset = out->timestamp = -1;
        else if (out->offset >= 0)
            out->leader_epoch = BROKER_LEADER_EPOCH;
    }
}

static void answer(struct request *request)
{
    const struct kafka_list_offsets_request *message = request->message;
    struct arena *arena = &request->arena;
    struct kafka_list_offsets_response response;
    kafka_list_offsets_response_init(&response);
    response.topics_count = message->topics_count;
    response.topics = ARENA_ARRAY(arena, struct kafka_list_offsets_response_topic,
                                  (size_t)message->topics_count + 1);
    for (int32_t t = 0; t < message->topics_count; t++) {
        const struct kafka_list_offsets_request_topic *asked = &message->topics[t];
        struct kafka_list_offsets_response_topic *out = &response.topics[t];
        kafka_list_offsets_response_topic_init(out);
        out->name = asked->name;
        out->partitions_count = asked->partitions_count;
        out->partitions = ARENA_ARRAY(arena, struct kafka_list_offsets_response_partition,
                                      (size_t)asked->partitions_count + 1);
        struct topic *topic = log_store_topic(request->broker->store, asked->name);
        bool may = request_may(request, ACL_DESCRIBE, ACL_TOPIC, asked->name);
        for (int32_t p = 0; p < asked->partitions_count; p++)
            answer_partition(request, topic, may, &asked->partitions[p], &out->partitions[p]);
        topic_unref(topic);
    }
    request_respond(request, &response);
}

void list_offsets_handle(struct request *request)
{
    if (needs_files(request->message))
        request_work(request, answer);
    else
        answer(request);
}
