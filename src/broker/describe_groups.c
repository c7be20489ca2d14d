// SPDX-License-Identifier: Apache-2.0
//
// DescribeGroups: a group nobody knows is "Dead" without an error until v5, GROUP_ID_NOT_FOUND
// since v6.
#include "wire/kafka/describe_groups.h"

#include "broker/access.h"
#include "broker/group_int.h"
#include "broker/groups.h"

enum { NOT_FOUND_FROM = 6 };

static struct bytes text(struct request *request, const char *value)
{
    return value ? bytes_from(arena_strdup(&request->arena, value)) : bytes_make("", 0);
}

static void fill_members(struct request *request, const struct group *group,
                         struct kafka_describe_groups_response_group *out)
{
    out->members_count = (int32_t)group->members.count;
    out->members = ARENA_ARRAY(&request->arena, struct kafka_describe_groups_response_member,
                               group->members.count);
    for (size_t i = 0; i < group->members.count; i++) {
        const struct group_member *member = group->members.items[i];
        struct kafka_describe_groups_response_member *to = &out->members[i];
        to->member_id = text(request, member->id);
        to->group_instance_id =
            member->instance_id ? text(request, member->instance_id) : BYTES_NULL;
        to->client_id = text(request, member->client_id);
        to->client_host = text(request, member->client_host);
        to->member_assignment = arena_bytes(&request->arena, member->assignment);
        if (group->state == GROUP_STABLE)
            to->member_metadata =
                arena_bytes(&request->arena, group__metadata(member, group->protocol));
    }
}

static void fill(struct request *request, const struct group *group,
                 struct kafka_describe_groups_response_group *out)
{
    out->group_state = bytes_from(group_state_name(group));
    out->protocol_type = text(request, group->protocol_type);
    if (group->state == GROUP_STABLE)
        out->protocol_data = text(request, group->protocol);
    fill_members(request, group, out);
}

static void not_found(struct request *request, bool other_type,
                      struct kafka_describe_groups_response_group *out)
{
    out->group_state = bytes_from("Dead");
    if (request_version(request) < NOT_FOUND_FROM)
        return;
    out->error_code = kafka_code(ERR_GROUP_NOT_FOUND);
    out->error_message =
        bytes_from(arena_printf(&request->arena, "Group %.*s %s.", BYTES_PRINT(out->group_id),
                                other_type ? "is not a classic group" : "not found"));
}

static void describe(struct request *request, struct bytes id,
                     struct kafka_describe_groups_response_group *out)
{
    const struct kafka_describe_groups_request *m = request->message;
    kafka_describe_groups_response_group_init(out);
    out->group_id = id;
    if (!request_may(request, ACL_DESCRIBE, ACL_GROUP, id)) {
        out->error_code = kafka_code(ERR_GROUP_UNAUTHORIZED);
        return;
    }
    struct group *group = groups_find(request->broker->groups, id);
    bool classic = false;
    if (group) {
        mutex_lock(&group->lock);
        classic = !group->consumer;
        if (classic)
            fill(request, group, out);
        mutex_unlock(&group->lock);
        group_unref(group);
    }
    if (!classic)
        not_found(request, group != NULL, out);
    if (m->include_authorized_operations && out->error_code == 0)
        out->authorized_operations = request_operations(request, ACL_GROUP, id);
}

void describe_groups_handle(struct request *request)
{
    const struct kafka_describe_groups_request *m = request->message;
    struct kafka_describe_groups_response response;
    kafka_describe_groups_response_init(&response);
    response.groups_count = m->groups_count;
    response.groups = ARENA_ARRAY(&request->arena, struct kafka_describe_groups_response_group,
                                  (size_t)m->groups_count);
    for (int32_t i = 0; i < m->groups_count; i++)
        describe(request, m->groups[i], &response.groups[i]);
    request_respond(request, &response);
}
