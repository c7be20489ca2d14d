// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/consumer_group_describe.h"

#include "broker/access.h"
#include "broker/consumer.h"
#include "broker/groups.h"

enum { MEMBER_TYPE_CLASSIC = 0, MEMBER_TYPE_CONSUMER = 1 };

typedef struct kafka_consumer_group_describe_response_described_group out_group;
typedef struct kafka_consumer_group_describe_response_member out_member;

// The partitions of one topic, in whichever of the two shapes.
struct described_topic {
    struct kafka_uuid id;
    struct bytes name;
    int32_t *partitions;
    int32_t count;
};

struct describing {
    struct request *request;
    bool hidden; // a topic the caller may not see was among them
};

static struct bytes text(struct request *request, const char *value)
{
    return value ? bytes_from(arena_strdup(&request->arena, value)) : BYTES_NULL;
}

static struct bytes name_of(struct request *request, const uint8_t id[16])
{
    struct topic *topic = log_store_topic_by_id(request->broker->store, id);
    struct bytes name = topic ? text(request, topic_name(topic)) : BYTES_NULL;
    topic_unref(topic);
    return name;
}

// Topics that are gone are left out.
static struct described_topic *topics_of(struct describing *describing,
                                         const struct consumer_parts *parts, size_t *count)
{
    struct arena *arena = &describing->request->arena;
    struct described_topic *topics = ARENA_ARRAY(arena, struct described_topic, parts->count);
    int32_t *partitions = ARENA_ARRAY(arena, int32_t, parts->count);
    size_t at = 0;
    *count = 0;
    while (at < parts->count) {
        struct described_topic topic = {.partitions = &partitions[at]};
        const uint8_t *id = parts->items[at].topic;
        memcpy(topic.id.bytes, id, sizeof topic.id.bytes);
        for (; at < parts->count && memcmp(parts->items[at].topic, id, 16) == 0; at++)
            topic.partitions[topic.count++] = parts->items[at].partition;
        topic.name = name_of(describing->request, id);
        if (!topic.name.ptr)
            continue;
        topics[(*count)++] = topic;
        describing->hidden = describing->hidden || !request_could(describing->request, ACL_DESCRIBE,
                                                                  ACL_TOPIC, topic.name);
    }
    return topics;
}

static void fill_assignment(struct describing *describing, const struct consumer_member *member,
                            out_member *out)
{
    struct consumer_parts all = {0};
    size_t count;
    // The member is in charge of what it revokes until it has.
    consumer_parts_set(&all, &member->assigned);
    for (size_t i = 0; i < member->revoking.count; i++)
        consumer_parts_add(&all, member->revoking.items[i]);
    consumer_parts_sort(&all);
    const struct described_topic *topics = topics_of(describing, &all, &count);
    out->assignment.topic_partitions =
        ARENA_ARRAY(&describing->request->arena,
                    struct kafka_consumer_group_describe_response_topic_partitions, count);
    out->assignment.topic_partitions_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        out->assignment.topic_partitions[i].topic_id = topics[i].id;
        out->assignment.topic_partitions[i].topic_name = topics[i].name;
        out->assignment.topic_partitions[i].partitions = topics[i].partitions;
        out->assignment.topic_partitions[i].partitions_count = topics[i].count;
    }
    consumer_parts_release(&all);
}

static void fill_target(struct describing *describing, const struct consumer_member *member,
                        out_member *out)
{
    size_t count;
    const struct described_topic *topics = topics_of(describing, &member->target, &count);
    out->target_assignment.topic_partitions =
        ARENA_ARRAY(&describing->request->arena,
                    struct kafka_consumer_group_describe_response_target_topic_partitions, count);
    out->target_assignment.topic_partitions_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        out->target_assignment.topic_partitions[i].topic_id = topics[i].id;
        out->target_assignment.topic_partitions[i].topic_name = topics[i].name;
        out->target_assignment.topic_partitions[i].partitions = topics[i].partitions;
        out->target_assignment.topic_partitions[i].partitions_count = topics[i].count;
    }
}

static void fill_member(struct describing *describing, const struct consumer_member *member,
                        out_member *out)
{
    struct request *request = describing->request;
    out->member_id = text(request, member->id);
    out->instance_id = text(request, member->instance_id);
    out->rack_id = text(request, member->rack_id);
    out->member_epoch = member->epoch;
    out->client_id = text(request, member->client_id);
    out->client_host = text(request, member->client_host);
    out->subscribed_topic_names = ARENA_ARRAY(&request->arena, struct bytes, member->topics.count);
    out->subscribed_topic_names_count = (int32_t)member->topics.count;
    for (size_t i = 0; i < member->topics.count; i++)
        out->subscribed_topic_names[i] = text(request, member->topics.items[i]);
    out->subscribed_topic_regex = text(request, member->regex);
    out->member_type = member->classic ? MEMBER_TYPE_CLASSIC : MEMBER_TYPE_CONSUMER;
    fill_assignment(describing, member, out);
    fill_target(describing, member, out);
}

static void fill_group(struct describing *describing, const struct group *group, out_group *out)
{
    struct request *request = describing->request;
    const struct consumer *consumer = group->consumer;
    out->group_state = bytes_from(group_state_name(group));
    out->group_epoch = consumer->epoch;
    out->assignment_epoch = consumer->target_epoch;
    out->assignor_name = bytes_from(consumer_assignor_name(consumer));
    out->members_count = (int32_t)consumer->members.count;
    out->members = ARENA_ARRAY(&request->arena, out_member, consumer->members.count);
    for (size_t i = 0; i < consumer->members.count; i++)
        fill_member(describing, consumer->members.items[i], &out->members[i]);
}

static void refuse(out_group *out, err_t err, const char *message)
{
    out->error_code = kafka_code(err);
    out->error_message = bytes_from(message);
    out->members_count = 0;
}

static void describe(struct request *request, struct bytes id, out_group *out)
{
    const struct kafka_consumer_group_describe_request *m = request->message;
    struct describing describing = {.request = request};
    kafka_consumer_group_describe_response_described_group_init(out);
    out->group_id = id;
    if (!request_may(request, ACL_DESCRIBE, ACL_GROUP, id)) {
        out->error_code = kafka_code(ERR_GROUP_UNAUTHORIZED);
        return;
    }
    if (id.size == 0) {
        refuse(out, ERR_INVALID_GROUP, "a group id must not be empty");
        return;
    }
    struct group *group = groups_find(request->broker->groups, id);
    if (!group) {
        refuse(out, ERR_GROUP_NOT_FOUND,
               arena_printf(&request->arena, "Group %.*s not found.", BYTES_PRINT(id)));
        return;
    }
    mutex_lock(&group->lock);
    bool ours = group->consumer && group->state != GROUP_DEAD;
    if (ours)
        fill_group(&describing, group, out);
    mutex_unlock(&group->lock);
    group_unref(group);
    if (!ours)
        refuse(
            out, ERR_GROUP_NOT_FOUND,
            arena_printf(&request->arena, "Group %.*s is not a consumer group.", BYTES_PRINT(id)));
    else if (describing.hidden)
        refuse(out, ERR_TOPIC_UNAUTHORIZED,
               "The group has described topic(s) that the client is not authorized to describe.");
    else if (m->include_authorized_operations)
        out->authorized_operations = request_operations(request, ACL_GROUP, id);
}

void consumer_group_describe_handle(struct request *request)
{
    const struct kafka_consumer_group_describe_request *m = request->message;
    struct kafka_consumer_group_describe_response response;
    kafka_consumer_group_describe_response_init(&response);
    response.groups_count = m->group_ids_count;
    response.groups = ARENA_ARRAY(&request->arena, out_group, (size_t)m->group_ids_count);
    for (int32_t i = 0; i < m->group_ids_count; i++)
        describe(request, m->group_ids[i], &response.groups[i]);
    request_respond(request, &response);
}
