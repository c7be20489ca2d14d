// SPDX-License-Identifier: Apache-2.0
//
// DescribeTopicPartitions pages through topics in the order of their names: at most
// response_partition_limit partitions per answer, the cursor says where the next one begins.
#include "wire/kafka/describe_topic_partitions.h"

#include "broker/topics.h"

#include <stdlib.h>

enum { PARTITIONS_MAX = 2000 };

typedef struct kafka_describe_topic_partitions_response response_t;
typedef struct kafka_describe_topic_partitions_response_topic topic_out;
typedef struct kafka_describe_topic_partitions_response_partition partition_out;

static int by_name(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

// The names asked for, or all; sorted, without repeats.
static struct bytes *names(struct request *request, size_t *count)
{
    const struct kafka_describe_topic_partitions_request *m = request->message;
    struct bytes *all;
    *count = (size_t)m->topics_count;
    if (m->topics_count == 0) {
        struct topic **topics = log_store_topics(request->broker->store, &request->arena, count);
        all = ARENA_ARRAY(&request->arena, struct bytes, *count);
        for (size_t i = 0; i < *count; i++) {
            all[i] = bytes_from(arena_strdup(&request->arena, topic_name(topics[i])));
            topic_unref(topics[i]);
        }
        return all;
    }
    all = ARENA_ARRAY(&request->arena, struct bytes, *count);
    for (size_t i = 0; i < *count; i++)
        all[i] = m->topics[i].name;
    qsort(all, *count, sizeof *all, by_name);
    size_t kept = 1;
    for (size_t i = 1; i < *count; i++)
        if (!bytes_equal(all[i], all[kept - 1]))
            all[kept++] = all[i];
    *count = kept;
    return all;
}

static void fill_partitions(struct request *request, topic_out *out, int32_t first, int32_t count)
{
    int32_t *replicas = topics_replicas(&request->arena);
    out->partitions = ARENA_ARRAY(&request->arena, partition_out, (size_t)count);
    out->partitions_count = count;
    for (int32_t i = 0; i < count; i++) {
        partition_out *partition = &out->partitions[i];
        kafka_describe_topic_partitions_response_partition_init(partition);
        partition->partition_index = first + i;
        partition->leader_id = BROKER_NODE_ID;
        partition->leader_epoch = BROKER_LEADER_EPOCH;
        partition->replica_nodes = partition->isr_nodes = replicas;
        partition->replica_nodes_count = partition->isr_nodes_count = 1;
        partition->eligible_leader_replicas_count = partition->last_known_elr_count = 0;
    }
}

// Adds the topic's partitions from `first` on, at most `*room`. True when some were left out.
static bool add_topic(struct request *request, response_t *response, struct bytes name,
                      int32_t first, int32_t *room)
{
    topic_out *out = &response->topics[response->topics_count++];
    kafka_describe_topic_partitions_response_topic_init(out);
    out->name = name;
    struct topic *topic = log_store_topic(request->broker->store, name);
    if (!topic) {
        out->error_code =
            kafka_code(topic_name_valid(name) ? ERR_UNKNOWN_TOPIC : ERR_INVALID_TOPIC);
        return false;
    }
    int32_t count = topic_partition_count(topic) - first;
    bool cut = count > *room;
    if (cut)
        count = *room;
    if (count < 0)
        count = 0;
    out->topic_id = topics_uuid(topic);
    out->is_internal = broker_topic_internal(topic_name(topic));
    out->topic_authorized_operations = TOPICS_OPERATIONS_TOPIC;
    fill_partitions(request, out, first, count);
    topic_unref(topic);
    *room -= count;
    if (cut) {
        response->next_cursor =
            ARENA_NEW(&request->arena, struct kafka_describe_topic_partitions_response_next_cursor);
        response->next_cursor->topic_name = name;
        response->next_cursor->partition_index = first + count;
    }
    return cut;
}

void describe_topic_partitions_handle(struct request *request)
{
    const struct kafka_describe_topic_partitions_request *m = request->message;
    response_t response;
    kafka_describe_topic_partitions_response_init(&response);
    int32_t room = m->response_partition_limit;
    if (room < 1 || room > PARTITIONS_MAX)
        room = PARTITIONS_MAX;
    size_t count;
    const struct bytes *all = names(request, &count);
    response.topics = ARENA_ARRAY(&request->arena, topic_out, count);
    for (size_t i = 0; i < count; i++) {
        int order = m->cursor ? bytes_compare(all[i], m->cursor->topic_name) : 1;
        if (order < 0)
            continue;
        int32_t first =
            order == 0 && m->cursor->partition_index > 0 ? m->cursor->partition_index : 0;
        if (add_topic(request, &response, all[i], first, &room))
            break;
    }
    request_respond(request, &response);
}
