// SPDX-License-Identifier: Apache-2.0
//
// OffsetFetch: one group until v7, several since v8, in another shape. A partition without a commit
// has offset -1 and no error.
#include "wire/kafka/offset_fetch.h"

#include "broker/groups.h"
#include "broker/txn_offsets.h"

enum { ERROR_FROM = 2, GROUPS_FROM = 8 };

typedef struct kafka_offset_fetch_response_group_topic out_topic;
typedef struct kafka_offset_fetch_response_group_topic_partition out_partition;

static void fill_partition(struct request *request, out_partition *out, int32_t index,
                           const struct offset_value *value)
{
    out->partition_index = index;
    out->committed_offset = value ? value->offset : -1;
    out->committed_leader_epoch = value ? value->leader_epoch : -1;
    out->metadata = value && value->metadata.size ? arena_bytes(&request->arena, value->metadata)
                                                  : bytes_make("", 0);
}

// An open transaction is about to commit another offset: come again.
static void wait_if_unstable(struct request *request, struct bytes group, struct bytes topic,
                             out_partition *out)
{
    const struct kafka_offset_fetch_request *m = request->message;
    if (!m->require_stable ||
        !txn_offsets_pending(request->broker->txn_offsets, group, topic, out->partition_index))
        return;
    fill_partition(request, out, out->partition_index, NULL);
    out->error_code = kafka_code(ERR_UNSTABLE_OFFSETS);
}

static void fill_asked(struct request *request, const struct group *group,
                       const struct kafka_offset_fetch_request_group *asked,
                       struct kafka_offset_fetch_response_group *out)
{
    out->topics_count = asked->topics_count;
    out->topics = ARENA_ARRAY(&request->arena, out_topic, (size_t)asked->topics_count);
    for (int32_t t = 0; t < asked->topics_count; t++) {
        const struct kafka_offset_fetch_request_group_topic *in = &asked->topics[t];
        out_topic *topic = &out->topics[t];
        bool may = request_may(request, ACL_DESCRIBE, ACL_TOPIC, in->name);
        topic->name = in->name;
        topic->partitions_count = in->partition_indexes_count;
        topic->partitions =
            ARENA_ARRAY(&request->arena, out_partition, (size_t)in->partition_indexes_count);
        for (int32_t p = 0; p < in->partition_indexes_count; p++) {
            int32_t index = in->partition_indexes[p];
            fill_partition(request, &topic->partitions[p], index,
                           group && may ? offsets_find(group, in->name, index) : NULL);
            if (!may)
                topic->partitions[p].error_code = kafka_code(ERR_TOPIC_UNAUTHORIZED);
            else
                wait_if_unstable(request, asked->group_id, in->name, &topic->partitions[p]);
        }
    }
}

static void fill_all(struct request *request, const struct group *group,
                     struct kafka_offset_fetch_response_group *out)
{
    size_t count = 0;
    bool may = false;
    const struct offset_change *all = group ? offsets_all(group, &request->arena, &count) : NULL;
    out->topics = ARENA_ARRAY(&request->arena, out_topic, count);
    out_partition *partitions = ARENA_ARRAY(&request->arena, out_partition, count);
    for (size_t i = 0; i < count; i++) {
        bool first = i == 0 || !bytes_equal(all[i].topic, all[i - 1].topic);
        if (first)
            may = request_may(request, ACL_DESCRIBE, ACL_TOPIC, all[i].topic);
        if (!may)
            continue; // the client does not learn that there is such a topic
        if (first)
            out->topics[out->topics_count++] =
                (out_topic){.name = all[i].topic, .partitions = &partitions[i]};
        fill_partition(request, &partitions[i], all[i].partition, &all[i].value);
        wait_if_unstable(request, bytes_from(group->id), all[i].topic, &partitions[i]);
        out->topics[out->topics_count - 1].partitions_count++;
    }
}

static void fill_group(struct request *request,
                       const struct kafka_offset_fetch_request_group *asked,
                       struct kafka_offset_fetch_response_group *out)
{
    kafka_offset_fetch_response_group_init(out);
    out->group_id = asked->group_id;
    if (!request_may(request, ACL_DESCRIBE, ACL_GROUP, asked->group_id)) {
        out->error_code = kafka_code(ERR_GROUP_UNAUTHORIZED);
        return;
    }
    struct group *group = groups_find(request->broker->groups, asked->group_id);
    if (group)
        mutex_lock(&group->lock);
    if (asked->topics_count < 0)
        fill_all(request, group, out);
    else
        fill_asked(request, group, asked, out);
    if (group) {
        mutex_unlock(&group->lock);
        group_unref(group);
    }
}

static void respond_groups(struct request *request)
{
    const struct kafka_offset_fetch_request *m = request->message;
    struct kafka_offset_fetch_response response;
    kafka_offset_fetch_response_init(&response);
    response.groups_count = m->groups_count;
    response.groups = ARENA_ARRAY(&request->arena, struct kafka_offset_fetch_response_group,
                                  (size_t)m->groups_count);
    for (int32_t i = 0; i < m->groups_count; i++)
        fill_group(request, &m->groups[i], &response.groups[i]);
    request_respond(request, &response);
}

// The group's error: below v2 there is only a place for it in each partition.
static void refuse_one(struct request *request, int16_t code)
{
    const struct kafka_offset_fetch_request *m = request->message;
    struct kafka_offset_fetch_response response;
    kafka_offset_fetch_response_init(&response);
    response.error_code = code;
    response.topics_count = request_version(request) < ERROR_FROM ? m->topics_count : 0;
    response.topics = ARENA_ARRAY(&request->arena, struct kafka_offset_fetch_response_topic,
                                  (size_t)response.topics_count);
    for (int32_t t = 0; t < response.topics_count; t++) {
        struct kafka_offset_fetch_response_topic *topic = &response.topics[t];
        topic->name = m->topics[t].name;
        topic->partitions_count = m->topics[t].partition_indexes_count;
        topic->partitions =
            ARENA_ARRAY(&request->arena, struct kafka_offset_fetch_response_partition,
                        (size_t)topic->partitions_count);
        for (int32_t p = 0; p < topic->partitions_count; p++)
            topic->partitions[p] = (struct kafka_offset_fetch_response_partition){
                .partition_index = m->topics[t].partition_indexes[p],
                .committed_offset = -1,
                .committed_leader_epoch = -1,
                .metadata = bytes_make("", 0),
                .error_code = code};
    }
    request_respond(request, &response);
}

// The same through the shape of v8.
static void respond_one(struct request *request)
{
    const struct kafka_offset_fetch_request *m = request->message;
    struct kafka_offset_fetch_request_group asked = {.group_id = m->group_id,
                                                     .topics_count = m->topics_count};
    struct kafka_offset_fetch_response_group got;
    asked.topics = ARENA_ARRAY(&request->arena, struct kafka_offset_fetch_request_group_topic,
                               (size_t)(m->topics_count > 0 ? m->topics_count : 0));
    for (int32_t t = 0; t < m->topics_count; t++) {
        asked.topics[t].name = m->topics[t].name;
        asked.topics[t].partition_indexes = m->topics[t].partition_indexes;
        asked.topics[t].partition_indexes_count = m->topics[t].partition_indexes_count;
    }
    fill_group(request, &asked, &got);
    struct kafka_offset_fetch_response response;
    kafka_offset_fetch_response_init(&response);
    if (got.error_code != 0) {
        refuse_one(request, got.error_code);
        return;
    }
    response.topics_count = got.topics_count;
    response.topics = ARENA_ARRAY(&request->arena, struct kafka_offset_fetch_response_topic,
                                  (size_t)got.topics_count);
    for (int32_t t = 0; t < got.topics_count; t++) {
        struct kafka_offset_fetch_response_topic *topic = &response.topics[t];
        topic->name = got.topics[t].name;
        topic->partitions_count = got.topics[t].partitions_count;
        topic->partitions =
            ARENA_ARRAY(&request->arena, struct kafka_offset_fetch_response_partition,
                        (size_t)topic->partitions_count);
        for (int32_t p = 0; p < topic->partitions_count; p++) {
            const out_partition *in = &got.topics[t].partitions[p];
            topic->partitions[p] = (struct kafka_offset_fetch_response_partition){
                .partition_index = in->partition_index,
                .committed_offset = in->committed_offset,
                .committed_leader_epoch = in->committed_leader_epoch,
                .metadata = in->metadata,
                .error_code = in->error_code,
            };
        }
    }
    request_respond(request, &response);
}

void offset_fetch_handle(struct request *request)
{
    if (request_version(request) >= GROUPS_FROM)
        respond_groups(request);
    else
        respond_one(request);
}
