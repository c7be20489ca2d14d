// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/offset_delete.h"

#include "broker/groups.h"
#include "broker/txn_offsets.h"
#include "os/clock.h"

struct deleting {
    struct request *request;
    struct group *group;
    struct kafka_offset_delete_response response;
    struct offset_change *changes;
    size_t count;
};

// A group with members may forget only what none of them is subscribed to.
static err_t check_topic(struct group *group, struct bytes topic)
{
    mutex_lock(&group->lock);
    bool subscribed = group_subscribes(group, topic);
    mutex_unlock(&group->lock);
    return subscribed ? ERR_GROUP_SUBSCRIBED : ERR_OK;
}

static err_t check_group(struct group *group)
{
    if (!group)
        return ERR_GROUP_NOT_FOUND;
    mutex_lock(&group->lock);
    bool foreign = group->state != GROUP_EMPTY && group->protocol_type &&
                   strcmp(group->protocol_type, "consumer") != 0;
    bool dead = group->state == GROUP_DEAD;
    mutex_unlock(&group->lock);
    return dead ? ERR_GROUP_NOT_FOUND : foreign ? ERR_NON_EMPTY_GROUP : ERR_OK;
}

static void fill_topic(struct deleting *deleting,
                       const struct kafka_offset_delete_request_topic *in,
                       struct kafka_offset_delete_response_topic *out)
{
    struct arena *arena = &deleting->request->arena;
    err_t err = request_may(deleting->request, ACL_READ, ACL_TOPIC, in->name)
                    ? check_topic(deleting->group, in->name)
                    : ERR_TOPIC_UNAUTHORIZED;
    struct topic *topic = log_store_topic(deleting->request->broker->store, in->name);
    out->name = in->name;
    out->partitions_count = in->partitions_count;
    out->partitions = ARENA_ARRAY(arena, struct kafka_offset_delete_response_partition,
                                  (size_t)in->partitions_count);
    for (int32_t p = 0; p < in->partitions_count; p++) {
        out->partitions[p].partition_index = in->partitions[p].partition_index;
        bool known = topic && topic_partition(topic, in->partitions[p].partition_index);
        err_t why = err == ERR_OK && !known ? ERR_UNKNOWN_TOPIC : err;
        out->partitions[p].error_code = kafka_code(why);
        if (why == ERR_OK)
            deleting->changes[deleting->count++] =
                (struct offset_change){in->name,
                                       in->partitions[p].partition_index,
                                       {.offset = OFFSET_NONE, .commit_ms = clock_now_ms()}};
    }
    topic_unref(topic);
}

static void run(struct request *request)
{
    const struct kafka_offset_delete_request *m = request->message;
    struct deleting deleting = {.request = request,
                                .group = groups_find(request->broker->groups, m->group_id)};
    kafka_offset_delete_response_init(&deleting.response);
    err_t err = ERR_GROUP_UNAUTHORIZED;
    if (request_may(request, ACL_DELETE, ACL_GROUP, m->group_id))
        err = m->group_id.size ? check_group(deleting.group) : ERR_INVALID_GROUP;
    size_t count = 0;
    for (int32_t t = 0; t < m->topics_count; t++)
        count += (size_t)m->topics[t].partitions_count;
    if (err == ERR_OK) {
        deleting.changes = ARENA_ARRAY(&request->arena, struct offset_change, count);
        deleting.response.topics_count = m->topics_count;
        deleting.response.topics = ARENA_ARRAY(
            &request->arena, struct kafka_offset_delete_response_topic, (size_t)m->topics_count);
        for (int32_t t = 0; t < m->topics_count; t++)
            fill_topic(&deleting, &m->topics[t], &deleting.response.topics[t]);
        struct offset_write write = {.changes = deleting.changes, .count = deleting.count};
        err = groups_write_wait(request->broker->groups, deleting.group, NULL, write, NULL);
    }
    for (size_t i = 0; err == ERR_OK && i < deleting.count; i++)
        txn_offsets_forget(request->broker->txn_offsets, m->group_id, deleting.changes[i].topic,
                           deleting.changes[i].partition);
    deleting.response.error_code = kafka_code(err);
    if (deleting.group)
        group_unref(deleting.group);
    request_respond(request, &deleting.response);
}

void offset_delete_handle(struct request *request)
{
    request_work(request, run);
}
