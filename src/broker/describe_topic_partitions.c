// SPDX-License-Identifier: Apache-2.0
//
// DescribeTopicPartitions pages through topics in the order of their names: at most
// response_partition_limit partitions per answer, the cursor says where the next one begins.
#include "wire/kafka/describe_topic_partitions.h"

#include "broker/access.h"
#include "broker/topics.h"

#include <stdlib.h>

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

static void point_at(struct request *request, response_t *response, struct bytes name,
                     int32_t partition)
{
    response->next_cursor =
        ARENA_NEW(&request->arena, struct kafka_describe_topic_partitions_response_next_cursor);
    response->next_cursor->topic_name = name;
    response->next_cursor->partition_index = partition;
}

// Adds the topic's partitions from `first` on, at most `*room`. True when some were left out.
static bool add_topic(struct request *request, response_t *response, struct bytes name,
                      int32_t first, int32_t *room)
{
    const struct kafka_describe_topic_partitions_request *m = request->message;
    struct topic *topic = log_store_topic(request->broker->store, name);
    if (!topic && m->topics_count == 0) // deleted since its name was read
        return false;
    topic_out *out = &response->topics[response->topics_count++];
    kafka_describe_topic_partitions_response_topic_init(out);
    out->name = name;
    out->topic_authorized_operations = request_operations(request, ACL_TOPIC, name);
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
    fill_partitions(request, out, first, count);
    topic_unref(topic);
    *room -= count;
    if (cut)
        point_at(request, response, name, first + count);
    return cut;
}

// The cursor must name a topic that is asked for.
static bool is_cursor_valid(const struct kafka_describe_topic_partitions_request *m)
{
    if (!m->cursor)
        return true;
    bool found = m->topics_count == 0;
    for (int32_t i = 0; i < m->topics_count; i++)
        found = found || bytes_equal(m->topics[i].name, m->cursor->topic_name);
    return found && m->cursor->partition_index >= 0;
}

static void refuse(struct request *request)
{
    const struct kafka_describe_topic_partitions_request *m = request->message;
    response_t response;
    kafka_describe_topic_partitions_response_init(&response);
    response.topics_count = m->topics_count;
    response.topics = ARENA_ARRAY(&request->arena, topic_out, (size_t)m->topics_count);
    for (int32_t i = 0; i < m->topics_count; i++) {
        kafka_describe_topic_partitions_response_topic_init(&response.topics[i]);
        response.topics[i].name = m->topics[i].name;
        response.topics[i].error_code = kafka_code(ERR_INVALID);
    }
    request_respond(request, &response);
}

static void add_unauthorized(response_t *response, struct bytes name)
{
    topic_out *out = &response->topics[response->topics_count++];
    kafka_describe_topic_partitions_response_topic_init(out);
    out->name = name;
    out->error_code = kafka_code(ERR_TOPIC_UNAUTHORIZED);
}

// Pages through `names`; keeps those the caller may not see for the end of the answer.
static void fill(struct request *request, response_t *response, const struct bytes *all,
                 size_t count)
{
    const struct kafka_describe_topic_partitions_request *m = request->message;
    struct bytes *hidden = ARENA_ARRAY(&request->arena, struct bytes, count);
    size_t hidden_count = 0;
    int32_t room = m->response_partition_limit;
    int32_t most = (int32_t)setting(request->broker, SETTING_PAGE_PARTITIONS);
    room = room < 1 ? 1 : room > most ? most : room;
    bool full = false;
    for (size_t i = 0; i < count; i++) {
        int order = m->cursor ? bytes_compare(all[i], m->cursor->topic_name) : 1;
        if (order < 0)
            continue;
        if (!request_may(request, ACL_DESCRIBE, ACL_TOPIC, all[i])) {
            hidden[hidden_count++] = all[i];
        } else if (!full && room == 0) {
            point_at(request, response, all[i], 0);
            full = true;
        } else if (!full) {
            full = add_topic(request, response, all[i], order == 0 ? m->cursor->partition_index : 0,
                             &room);
        }
    }
    for (size_t i = 0; m->topics_count > 0 && i < hidden_count; i++)
        add_unauthorized(response, hidden[i]);
}

void describe_topic_partitions_handle(struct request *request)
{
    const struct kafka_describe_topic_partitions_request *m = request->message;
    if (!is_cursor_valid(m)) {
        refuse(request);
        return;
    }
    response_t response;
    kafka_describe_topic_partitions_response_init(&response);
    size_t count;
    const struct bytes *all = names(request, &count);
    response.topics = ARENA_ARRAY(&request->arena, topic_out, count);
    fill(request, &response, all, count);
    request_respond(request, &response);
}
