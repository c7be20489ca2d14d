// SPDX-License-Identifier: Apache-2.0
//
// OffsetFetch: one group until v7, several since v8, in another shape; topics by their ids since
// v10. A partition without a commit has offset -1 and no error.
#include "wire/kafka/offset_fetch.h"

#include "broker/access.h"
#include "broker/consumer.h"
#include "broker/groups.h"
#include "broker/txn_offsets.h"

enum { ERROR_FROM = 2, GROUPS_FROM = 8, TOPIC_IDS_FROM = 10 };

typedef struct kafka_offset_fetch_request_group_topic in_topic;
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

// --- the topics asked for ------------------------------------------------------------

// The name of a topic the caller may know of.
static err_t find_name(struct request *request, const in_topic *asked, struct bytes *name)
{
    *name = asked->name;
    if (request_version(request) >= TOPIC_IDS_FROM) {
        struct topic *topic = log_store_topic_by_id(request->broker->store, asked->topic_id.bytes);
        *name = topic ? bytes_from(arena_strdup(&request->arena, topic_name(topic))) : BYTES_NULL;
        topic_unref(topic);
        if (!name->ptr)
            return ERR_UNKNOWN_TOPIC_ID;
    }
    return request_may(request, ACL_DESCRIBE, ACL_TOPIC, *name) ? ERR_OK : ERR_TOPIC_UNAUTHORIZED;
}

// An offset of an earlier topic of that name is none of this one's.
static bool is_of(const struct offset_value *value, struct kafka_uuid id)
{
    struct kafka_uuid of;
    memcpy(of.bytes, value->topic_id, sizeof of.bytes);
    return kafka_uuid_is_zero(of) || kafka_uuid_is_zero(id) ||
           memcmp(of.bytes, id.bytes, sizeof of.bytes) == 0;
}

static void fill_topic(struct request *request, struct bytes id, const struct group *group,
                       const in_topic *in, out_topic *out)
{
    struct bytes name;
    err_t err = find_name(request, in, &name);
    out->name = in->name;
    out->topic_id = in->topic_id;
    out->partitions_count = in->partition_indexes_count;
    out->partitions =
        ARENA_ARRAY(&request->arena, out_partition, (size_t)in->partition_indexes_count);
    for (int32_t p = 0; p < in->partition_indexes_count; p++) {
        int32_t index = in->partition_indexes[p];
        const struct offset_value *value =
            group && err == ERR_OK ? offsets_find(group, name, index) : NULL;
        if (value && !is_of(value, in->topic_id))
            value = NULL;
        fill_partition(request, &out->partitions[p], index, value);
        out->partitions[p].error_code = kafka_code(err);
        if (err == ERR_OK)
            wait_if_unstable(request, id, name, &out->partitions[p]);
    }
}

// --- all topics ----------------------------------------------------------------------

// May the topic be told, and as what?
static bool begin_topic(struct request *request, struct bytes name, out_topic *out)
{
    *out = (out_topic){.name = name};
    if (!request_could(request, ACL_DESCRIBE, ACL_TOPIC, name))
        return false;
    if (request_version(request) < TOPIC_IDS_FROM)
        return true;
    struct topic *topic = log_store_topic(request->broker->store, name);
    if (topic)
        memcpy(out->topic_id.bytes, topic_id(topic), sizeof out->topic_id.bytes);
    topic_unref(topic);
    return topic != NULL;
}

static void fill_all(struct request *request, const struct group *group,
                     struct kafka_offset_fetch_response_group *out)
{
    size_t count = 0;
    const struct offset_change *all = group ? offsets_all(group, &request->arena, &count) : NULL;
    out->topics = ARENA_ARRAY(&request->arena, out_topic, count);
    out->topics_count = 0;
    out_partition *partitions = ARENA_ARRAY(&request->arena, out_partition, count);
    for (size_t at = 0, end; at < count; at = end) {
        out_topic topic;
        bool told = begin_topic(request, all[at].topic, &topic);
        topic.partitions = &partitions[at];
        for (end = at; end < count && bytes_equal(all[end].topic, all[at].topic); end++) {
            out_partition *partition = &topic.partitions[topic.partitions_count++];
            fill_partition(request, partition, all[end].partition, &all[end].value);
            wait_if_unstable(request, bytes_from(group->id), all[end].topic, partition);
        }
        if (told)
            out->topics[out->topics_count++] = topic;
    }
}

// --- one group -----------------------------------------------------------------------

static err_t may_fetch(struct request *request, struct group *group,
                       const struct kafka_offset_fetch_request_group *asked)
{
    if (!request_may(request, ACL_DESCRIBE, ACL_GROUP, asked->group_id))
        return ERR_GROUP_UNAUTHORIZED;
    return group && group->consumer
               ? consumer_may_fetch(group->consumer, asked->member_id, asked->member_epoch)
               : ERR_OK;
}

// Every partition asked for with the error, as until v7.
static void fail_topics(struct request *request,
                        const struct kafka_offset_fetch_request_group *asked, err_t err,
                        struct kafka_offset_fetch_response_group *out)
{
    out->error_code = kafka_code(err);
    if (request_version(request) >= ERROR_FROM)
        return;
    out->topics_count = asked->topics_count;
    out->topics = ARENA_ARRAY(&request->arena, out_topic, (size_t)asked->topics_count);
    for (int32_t t = 0; t < asked->topics_count; t++) {
        fill_topic(request, asked->group_id, NULL, &asked->topics[t], &out->topics[t]);
        for (int32_t p = 0; p < out->topics[t].partitions_count; p++)
            out->topics[t].partitions[p].error_code = kafka_code(err);
    }
}

static void fill_topics(struct request *request, const struct group *group,
                        const struct kafka_offset_fetch_request_group *asked,
                        struct kafka_offset_fetch_response_group *out)
{
    if (asked->topics_count < 0) {
        fill_all(request, group, out);
        return;
    }
    out->topics_count = asked->topics_count;
    out->topics = ARENA_ARRAY(&request->arena, out_topic, (size_t)asked->topics_count);
    for (int32_t t = 0; t < asked->topics_count; t++)
        fill_topic(request, asked->group_id, group, &asked->topics[t], &out->topics[t]);
}

static void fill_group(struct request *request,
                       const struct kafka_offset_fetch_request_group *asked,
                       struct kafka_offset_fetch_response_group *out)
{
    kafka_offset_fetch_response_group_init(out);
    out->group_id = asked->group_id;
    struct group *group = groups_find(request->broker->groups, asked->group_id);
    if (group)
        mutex_lock(&group->lock);
    err_t err = may_fetch(request, group, asked);
    if (err == ERR_OK)
        fill_topics(request, group, asked, out);
    else
        fail_topics(request, asked, err, out);
    if (group) {
        mutex_unlock(&group->lock);
        group_unref(group);
    }
}

// --- the answer ----------------------------------------------------------------------

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

// The same through the shape of v8.
static void respond_one(struct request *request)
{
    const struct kafka_offset_fetch_request *m = request->message;
    struct kafka_offset_fetch_request_group asked = {
        .group_id = m->group_id, .topics_count = m->topics_count, .member_epoch = -1};
    struct kafka_offset_fetch_response_group got;
    asked.topics =
        ARENA_ARRAY(&request->arena, in_topic, (size_t)(m->topics_count > 0 ? m->topics_count : 0));
    for (int32_t t = 0; t < m->topics_count; t++) {
        asked.topics[t].name = m->topics[t].name;
        asked.topics[t].partition_indexes = m->topics[t].partition_indexes;
        asked.topics[t].partition_indexes_count = m->topics[t].partition_indexes_count;
    }
    fill_group(request, &asked, &got);
    struct kafka_offset_fetch_response response;
    kafka_offset_fetch_response_init(&response);
    response.error_code = got.error_code;
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
