// SPDX-License-Identifier: Apache-2.0
//
// DeleteRecords: moves log starts forward; whole segments below go with the next retention. Of a
// partition named twice the last offset counts, and it is answered once.
#include "broker/access.h"
#include "broker/topics.h"
#include "wire/kafka/delete_records.h"

typedef struct kafka_delete_records_response_partition partition_out;

// Compacted topics keep what they keep, unless their policy deletes too.
static bool may_lose_records(struct request *request, struct topic *topic)
{
    size_t count;
    const struct topic_setting *settings = topic_settings(topic, &request->arena, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(settings[i].key, "cleanup.policy") == 0)
            return strstr(settings[i].value, "delete") != NULL;
    return true;
}

static err_t delete_before(struct request *request, struct topic *topic,
                           const struct topics_item *item, int64_t offset, int64_t *low)
{
    struct partition *partition = topic ? topic_partition(topic, item->partition) : NULL;
    if (!request_may(request, ACL_DELETE, ACL_TOPIC, item->topic))
        return ERR_TOPIC_UNAUTHORIZED;
    if (!partition)
        return ERR_UNKNOWN_TOPIC;
    if (broker_topic_internal(topic_name(topic)))
        return ERR_INVALID_TOPIC;
    if (!may_lose_records(request, topic))
        return ERR_POLICY_VIOLATION;
    return partition_delete_before(partition, offset, low, NULL);
}

struct asked {
    struct topics_item *items;
    int64_t *offsets; // by index
    size_t count;
};

static struct asked load(struct request *request)
{
    const struct kafka_delete_records_request *message = request->message;
    struct asked asked = {0};
    size_t room = 0;
    for (int32_t t = 0; t < message->topics_count; t++)
        room += (size_t)message->topics[t].partitions_count;
    asked.items = ARENA_ARRAY(&request->arena, struct topics_item, room);
    asked.offsets = ARENA_ARRAY(&request->arena, int64_t, room);
    for (int32_t t = 0; t < message->topics_count; t++)
        for (int32_t p = 0; p < message->topics[t].partitions_count; p++) {
            asked.offsets[asked.count] = message->topics[t].partitions[p].offset;
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
    struct kafka_delete_records_response response;
    kafka_delete_records_response_init(&response);
    struct asked asked = load(request);
    response.topics =
        ARENA_ARRAY(&request->arena, struct kafka_delete_records_response_topic, asked.count);
    for (size_t i = 0, end; i < asked.count; i = end) {
        struct kafka_delete_records_response_topic *out = &response.topics[response.topics_count++];
        for (end = i; end < asked.count && asked.items[end].rank == asked.items[i].rank;)
            end++;
        out->name = asked.items[i].topic;
        out->partitions = ARENA_ARRAY(&request->arena, partition_out, end - i);
        struct topic *topic = log_store_topic(request->broker->store, out->name);
        for (size_t k = i; k < end; k++) {
            const struct topics_item *item = &asked.items[k];
            partition_out *slot = &out->partitions[out->partitions_count];
            if (item->repeated)
                continue;
            err_t err = delete_before(request, topic, item, asked.offsets[item->index],
                                      &slot->low_watermark);
            slot->partition_index = item->partition;
            slot->error_code = kafka_code(err);
            if (err != ERR_OK)
                slot->low_watermark = -1;
            out->partitions_count++;
        }
        topic_unref(topic);
    }
    request_respond(request, &response);
}

void delete_records_handle(struct request *request)
{
    request_work(request, answer);
}
