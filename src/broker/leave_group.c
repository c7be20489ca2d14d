// SPDX-License-Identifier: Apache-2.0
//
// LeaveGroup: one member until v2, whose error is the answer's; several since v3, each with its
// own.
#include "wire/kafka/leave_group.h"

#include "broker/access.h"
#include "broker/groups.h"

enum { MEMBERS_FROM = 3 };

static err_t leave(struct group *group, struct bytes member_id, struct bytes instance_id)
{
    struct group_caller caller = {member_id, instance_id, -1};
    return group ? group_leave(group, &caller) : ERR_UNKNOWN_MEMBER;
}

void leave_group_handle(struct request *request)
{
    const struct kafka_leave_group_request *m = request->message;
    struct group *group = groups_find(request->broker->groups, m->group_id);
    struct kafka_leave_group_response response;
    kafka_leave_group_response_init(&response);
    if (!request_may(request, ACL_READ, ACL_GROUP, m->group_id)) {
        response.error_code = kafka_code(ERR_GROUP_UNAUTHORIZED);
    } else if (m->group_id.size == 0) {
        response.error_code = kafka_code(ERR_INVALID_GROUP);
    } else if (request_version(request) < MEMBERS_FROM) {
        response.error_code = kafka_code(leave(group, m->member_id, BYTES_NULL));
    } else {
        response.members = ARENA_ARRAY(&request->arena, struct kafka_leave_group_response_member,
                                       (size_t)m->members_count);
        response.members_count = m->members_count;
        for (int32_t i = 0; i < m->members_count; i++) {
            const struct kafka_leave_group_request_member *member = &m->members[i];
            response.members[i].member_id = member->member_id;
            response.members[i].group_instance_id = member->group_instance_id;
            response.members[i].error_code =
                kafka_code(leave(group, member->member_id, member->group_instance_id));
        }
    }
    if (group)
        group_unref(group);
    request_respond(request, &response);
}
