// SPDX-License-Identifier: Apache-2.0
//
// OffsetCommit is answered when its records are as durable as produced ones.
#include "wire/kafka/offset_commit.h"

#include "broker/groups.h"
#include "os/clock.h"

struct committing {
    struct request *request;
    struct kafka_offset_commit_response response;
    struct offset_write write;
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

static err_t check_partition(struct topic *topic,
                             const struct kafka_offset_commit_request_partition *partition)
{
    if (!topic || partition->partition_index < 0 ||
        partition->partition_index >= topic_partition_count(topic))
        return ERR_UNKNOWN_TOPIC;
    if (partition->committed_metadata.size > OFFSETS_METADATA_MAX)
        return ERR_OFFSET_METADATA_TOO_LARGE;
    return ERR_OK;
}

static void add_topic(struct committing *committing,
                      const struct kafka_offset_commit_request_topic *in,
                      struct kafka_offset_commit_response_topic *out)
{
    struct topic *topic = log_store_topic(committing->request->broker->store, in->name);
    bool may = request_may(committing->request, ACL_READ, ACL_TOPIC, in->name);
    for (int32_t p = 0; p < in->partitions_count; p++) {
        const struct kafka_offset_commit_request_partition *partition = &in->partitions[p];
        err_t err = may ? check_partition(topic, partition) : ERR_TOPIC_UNAUTHORIZED;
        out->partitions[p].error_code = kafka_code(err);
        if (err != ERR_OK)
            continue;
        int64_t now_ms = clock_now_ms();
        struct offset_value value = {.offset = partition->committed_offset,
                                     .leader_epoch = partition->committed_leader_epoch,
                                     .commit_ms = now_ms,
                                     .metadata = partition->committed_metadata};
        committing->write.changes[committing->write.count++] =
            (struct offset_change){in->name, partition->partition_index, value};
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
    for (int32_t t = 0; t < m->topics_count; t++)
        add_topic(committing, &m->topics[t], &committing->response.topics[t]);
}

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
    struct group *group =
        caller.generation < 0 ? groups_get(groups, m->group_id) : groups_find(groups, m->group_id);
    if (!group) { // it has been forgotten, or never was
        refuse(committing, ERR_ILLEGAL_GENERATION);
        return;
    }
    arena_on_clear(&request->arena, unref_group, group);
    add_topics(committing);
    committing->write.group = group;
    committing->write.done = committed;
    mutex_lock(&group->lock);
    err_t err = group_may_commit(group, &caller);
    bool write = err == ERR_OK && committing->write.count > 0;
    group_ref(group); // the request may be over, and its reference gone, before the mutex is free
    if (write)
        groups_write(groups, &committing->write);
    mutex_unlock(&group->lock);
    group_unref(group);
    if (!write)
        refuse(committing, err);
}
