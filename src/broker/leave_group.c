// SPDX-License-Identifier: Apache-2.0
//
// LeaveGroup: one member until v2, whose error is the answer's; several since v3, each with its
// own.
#include "wire/kafka/leave_group.h"

#include "broker/access.h"
#include "broker/groups.h"

enum { MEMBERS_FROM = 3 };

static void leave(struct request *request, const struct group_caller *callers, size_t count,
                  err_t *errs)
{
    const struct kafka_leave_group_request *m = request->message;
    struct group *group = groups_find(request->broker->groups, m->group_id);
    for (size_t i = 0; i < count; i++)
        errs[i] = ERR_UNKNOWN_MEMBER;
    if (!group)
        return;
    group_leave(group, callers, count, errs);
    group_unref(group);
}

static void leave_several(struct request *request, struct kafka_leave_group_response *response)
{
    const struct kafka_leave_group_request *m = request->message;
    size_t count = (size_t)m->members_count;
    err_t *errs = ARENA_ARRAY(&request->arena, err_t, count);
    struct group_caller *callers = ARENA_ARRAY(&request->arena, struct group_caller, count);
    response->members =
        ARENA_ARRAY(&request->arena, struct kafka_leave_group_response_member, count);
    response->members_count = m->members_count;
    for (size_t i = 0; i < count; i++)
        callers[i] =
            (struct group_caller){m->members[i].member_id, m->members[i].group_instance_id, -1};
    leave(request, callers, count, errs);
    for (size_t i = 0; i < count; i++) {
        response->members[i].member_id = m->members[i].member_id;
        response->members[i].group_instance_id = m->members[i].group_instance_id;
        response->members[i].error_code = kafka_code(errs[i]);
    }
}

void leave_group_handle(struct request *request)
{
    const struct kafka_leave_group_request *m = request->message;
    struct kafka_leave_group_response response;
    kafka_leave_group_response_init(&response);
    if (!request_may(request, ACL_READ, ACL_GROUP, m->group_id)) {
        response.error_code = kafka_code(ERR_GROUP_UNAUTHORIZED);
    } else if (m->group_id.size == 0) {
        response.error_code = kafka_code(ERR_INVALID_GROUP);
    } else if (request_version(request) < MEMBERS_FROM) {
        struct group_caller caller = {m->member_id, BYTES_NULL, -1};
        err_t err;
        leave(request, &caller, 1, &err);
        response.error_code = kafka_code(err);
    } else {
        leave_several(request, &response);
    }
    request_respond(request, &response);
}
