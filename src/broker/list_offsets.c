// SPDX-License-Identifier: Apache-2.0
//
// ListOffsets: first and last offsets from memory, offsets by time from the files.
//
// A partition asked for twice is answered once, with an error.
#include "broker/access.h"
#include "broker/topics.h"
#include "wire/kafka/list_offsets.h"

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

// What a reader of committed records cannot fetch yet is not there for it.
static void hide_unstable(int64_t stable, struct kafka_list_offsets_response_partition *out)
{
    if (out->offset >= stable)
        out->offset = out->timestamp = -1;
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
        TRY(partition_offset_of_max(partition, &out->offset, &out->timestamp, diag));
        break;
    default:
        TRY(partition_offset_at(partition, timestamp, &out->offset, &out->timestamp, diag));
        break;
    }
    if (committed)
        hide_unstable(offsets.stable, out);
    return ERR_OK;
}

static err_t check(const struct request *request, const struct partition *partition,
                   const struct kafka_list_offsets_request_partition *asked, bool twice)
{
    const struct kafka_list_offsets_request *message = request->message;
    if (twice || message->isolation_level < 0 || message->isolation_level > 1)
        return ERR_INVALID;
    if (!partition)
        return ERR_UNKNOWN_TOPIC;
    if (!time_allowed(asked->timestamp, request_version(request)))
        return ERR_UNSUPPORTED_VERSION;
    return broker_check_epoch(asked->current_leader_epoch);
}

static void answer_partition(struct request *request, struct topic *topic, struct bytes name,
                             const struct kafka_list_offsets_request_partition *asked, bool twice,
                             struct kafka_list_offsets_response_partition *out)
{
    const struct kafka_list_offsets_request *message = request->message;
    struct partition *partition = topic ? topic_partition(topic, asked->partition_index) : NULL;
    kafka_list_offsets_response_partition_init(out);
    out->partition_index = asked->partition_index;
    err_t err = request_may(request, ACL_DESCRIBE, ACL_TOPIC, name)
                    ? check(request, partition, asked, twice)
                    : ERR_TOPIC_UNAUTHORIZED;
    if (err == ERR_OK)
        err = look_up(partition, asked->timestamp, message->isolation_level == 1, out, NULL);
    out->error_code = kafka_code(err);
    if (err != ERR_OK)
        out->offset = out->timestamp = -1;
    else if (out->offset >= 0)
        out->leader_epoch = BROKER_LEADER_EPOCH;
}

struct asked {
    struct topics_item *items;
    const struct kafka_list_offsets_request_partition **partitions; // by index
    size_t count;
};

static struct asked load(struct request *request)
{
    const struct kafka_list_offsets_request *message = request->message;
    struct asked asked = {0};
    size_t room = 0;
    for (int32_t t = 0; t < message->topics_count; t++)
        room += (size_t)message->topics[t].partitions_count;
    asked.items = ARENA_ARRAY(&request->arena, struct topics_item, room);
    asked.partitions =
        ARENA_ARRAY(&request->arena, const struct kafka_list_offsets_request_partition *, room);
    for (int32_t t = 0; t < message->topics_count; t++)
        for (int32_t p = 0; p < message->topics[t].partitions_count; p++) {
            asked.partitions[asked.count] = &message->topics[t].partitions[p];
            asked.items[asked.count] =
                (struct topics_item){.topic = message->topics[t].name,
                                     .partition = message->topics[t].partitions[p].partition_index,
                                     .index = asked.count};
            asked.count++;
        }
    topics_group(asked.items, asked.count);
    return asked;
}

static void answer(struct request *request)
{
    struct kafka_list_offsets_response response;
    kafka_list_offsets_response_init(&response);
    struct asked asked = load(request);
    response.topics =
        ARENA_ARRAY(&request->arena, struct kafka_list_offsets_response_topic, asked.count);
    for (size_t i = 0, end; i < asked.count; i = end) {
        struct kafka_list_offsets_response_topic *out = &response.topics[response.topics_count++];
        for (end = i; end < asked.count && asked.items[end].rank == asked.items[i].rank;)
            end++;
        out->name = asked.items[i].topic;
        out->partitions =
            ARENA_ARRAY(&request->arena, struct kafka_list_offsets_response_partition, end - i);
        struct topic *topic = log_store_topic(request->broker->store, out->name);
        for (size_t k = i; k < end; k++)
            if (!asked.items[k].repeats)
                answer_partition(request, topic, out->name, asked.partitions[asked.items[k].index],
                                 asked.items[k].repeated,
                                 &out->partitions[out->partitions_count++]);
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
