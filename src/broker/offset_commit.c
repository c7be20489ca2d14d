// SPDX-License-Identifier: Apache-2.0
//
// OffsetCommit is answered when its records are as durable as produced ones. Since v10 topics are
// named by their ids.
#include "wire/kafka/offset_commit.h"

#include "broker/access.h"
#include "broker/groups.h"
#include "os/clock.h"

enum { NOT_FOUND_FROM = 9, TOPIC_IDS_FROM = 10 };

struct committing {
    struct request *request;
    struct kafka_offset_commit_response response;
    struct offset_write write;
    int64_t now_ms;
    int64_t expire_ms; // 0: with the group
};

static void unref_group(void *ctx)
{
    group_unref(ctx);
}

// The answer in the shape of the request, with each partition's own error.
static void shape_response(struct request *request, struct kafka_offset_commit_response *response)
{
    const struct kafka_offset_commit_request *m = request->message;
    kafka_offset_commit_response_init(response);
    response->topics_count = m->topics_count;
    response->topics = ARENA_ARRAY(&request->arena, struct kafka_offset_commit_response_topic,
                                   (size_t)m->topics_count);
    for (int32_t t = 0; t < m->topics_count; t++) {
        struct kafka_offset_commit_response_topic *out = &response->topics[t];
        out->name = m->topics[t].name;
        out->topic_id = m->topics[t].topic_id;
        out->partitions_count = m->topics[t].partitions_count;
        out->partitions =
            ARENA_ARRAY(&request->arena, struct kafka_offset_commit_response_partition,
                        (size_t)out->partitions_count);
        for (int32_t p = 0; p < out->partitions_count; p++)
            out->partitions[p].partition_index = m->topics[t].partitions[p].partition_index;
    }
}

// Gives every partition that has no error yet this one.
static void fail_rest(struct kafka_offset_commit_response *response, err_t err)
{
    for (int32_t t = 0; t < response->topics_count; t++)
        for (int32_t p = 0; p < response->topics[t].partitions_count; p++)
            if (response->topics[t].partitions[p].error_code == 0)
                response->topics[t].partitions[p].error_code = kafka_code(err);
}

// --- what is committed ---------------------------------------------------------------

// A reference to the topic, if the caller may read it.
static err_t find_topic(struct request *request, const struct kafka_offset_commit_request_topic *in,
                        struct topic **out)
{
    struct log_store *store = request->broker->store;
    if (request_version(request) >= TOPIC_IDS_FROM) {
        *out = log_store_topic_by_id(store, in->topic_id.bytes);
        if (!*out)
            return ERR_UNKNOWN_TOPIC_ID;
        return request_may(request, ACL_READ, ACL_TOPIC, bytes_from(topic_name(*out)))
                   ? ERR_OK
                   : ERR_TOPIC_UNAUTHORIZED;
    }
    *out = NULL;
    if (!request_may(request, ACL_READ, ACL_TOPIC, in->name))
        return ERR_TOPIC_UNAUTHORIZED;
    *out = log_store_topic(store, in->name);
    return *out ? ERR_OK : ERR_UNKNOWN_TOPIC;
}

static err_t check_partition(const struct request *request, struct topic *topic,
                             const struct kafka_offset_commit_request_partition *partition)
{
    if (partition->partition_index < 0 ||
        partition->partition_index >= topic_partition_count(topic))
        return ERR_UNKNOWN_TOPIC;
    size_t most = (size_t)setting(request->broker, SETTING_OFFSET_METADATA_BYTES);
    return partition->committed_metadata.size > most ? ERR_OFFSET_METADATA_TOO_LARGE : ERR_OK;
}

static void add_partition(struct committing *committing, struct topic *topic, struct bytes name,
                          const struct kafka_offset_commit_request_partition *in)
{
    struct offset_change *change = &committing->write.changes[committing->write.count++];
    *change = (struct offset_change){.topic = name,
                                     .partition = in->partition_index,
                                     .value = {.offset = in->committed_offset,
                                               .leader_epoch = in->committed_leader_epoch,
                                               .commit_ms = committing->now_ms,
                                               .metadata = in->committed_metadata,
                                               .expire_ms = committing->expire_ms}};
    memcpy(change->value.topic_id, topic_id(topic), sizeof change->value.topic_id);
}

static void add_topic(struct committing *committing,
                      const struct kafka_offset_commit_request_topic *in,
                      struct kafka_offset_commit_response_topic *out)
{
    struct topic *topic;
    struct request *request = committing->request;
    err_t found = find_topic(request, in, &topic);
    struct bytes name =
        topic ? bytes_from(arena_strdup(&request->arena, topic_name(topic))) : in->name;
    for (int32_t p = 0; p < in->partitions_count; p++) {
        err_t err = found == ERR_OK ? check_partition(request, topic, &in->partitions[p]) : found;
        out->partitions[p].error_code = kafka_code(err);
        if (err == ERR_OK)
            add_partition(committing, topic, name, &in->partitions[p]);
    }
    topic_unref(topic);
}

static void add_topics(struct committing *committing)
{
    struct request *request = committing->request;
    const struct kafka_offset_commit_request *m = request->message;
    size_t count = 0;
    for (int32_t t = 0; t < m->topics_count; t++)
        count += (size_t)m->topics[t].partitions_count;
    committing->write.changes = ARENA_ARRAY(&request->arena, struct offset_change, count);
    committing->now_ms = clock_now_ms();
    if (m->retention_time_ms >= 0)
        committing->expire_ms = m->retention_time_ms < INT64_MAX - committing->now_ms
                                    ? committing->now_ms + m->retention_time_ms
                                    : INT64_MAX;
    for (int32_t t = 0; t < m->topics_count; t++)
        add_topic(committing, &m->topics[t], &committing->response.topics[t]);
}

// --- the request ---------------------------------------------------------------------

static void committed(struct offset_write *write)
{
    struct committing *committing = CONTAINER_OF(write, struct committing, write);
    fail_rest(&committing->response, write->err);
    request_respond(committing->request, &committing->response);
}

static void refuse(struct committing *committing, err_t err)
{
    fail_rest(&committing->response, err);
    request_respond(committing->request, &committing->response);
}

static err_t may_commit(struct committing *committing, const struct group_caller *caller)
{
    struct group *group = committing->write.group;
    TRY(group_may_commit(group, caller, request_version(committing->request)));
    for (size_t i = 0; i < committing->write.count; i++) {
        const struct offset_change *change = &committing->write.changes[i];
        TRY(group_may_commit_part(group, caller, change->value.topic_id, change->partition));
    }
    return ERR_OK;
}

static void commit(struct committing *committing, const struct group_caller *caller)
{
    struct group *group = committing->write.group;
    mutex_lock(&group->lock);
    err_t err = may_commit(committing, caller);
    group_ref(group); // the request may be over, and its reference gone, before the mutex is free
    if (err == ERR_OK)
        groups_write(committing->request->broker->groups, &committing->write);
    mutex_unlock(&group->lock);
    group_unref(group);
    if (err != ERR_OK)
        refuse(committing, err);
}

void offset_commit_handle(struct request *request)
{
    const struct kafka_offset_commit_request *m = request->message;
    struct groups *groups = request->broker->groups;
    struct group_caller caller = {m->member_id, m->group_instance_id,
                                  m->generation_id_or_member_epoch};
    struct committing *committing = ARENA_NEW(&request->arena, struct committing);
    committing->request = request;
    shape_response(request, &committing->response);
    if (!request_may(request, ACL_READ, ACL_GROUP, m->group_id)) {
        refuse(committing, ERR_GROUP_UNAUTHORIZED);
        return;
    }
    if (bytes_has_zero(m->group_id)) {
        refuse(committing, ERR_INVALID_GROUP);
        return;
    }
    add_topics(committing);
    if (committing->write.count == 0) {
        refuse(committing, ERR_OK);
        return;
    }
    struct group *group =
        caller.generation < 0 ? groups_get(groups, m->group_id) : groups_find(groups, m->group_id);
    if (!group) { // it has been forgotten, or never was
        refuse(committing, request_version(request) >= NOT_FOUND_FROM ? ERR_GROUP_NOT_FOUND
                                                                      : ERR_ILLEGAL_GENERATION);
        return;
    }
    arena_on_clear(&request->arena, unref_group, group);
    committing->write.group = group;
    committing->write.done = committed;
    commit(committing, &caller);
}
