// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/heartbeat.h"

#include "broker/access.h"
#include "broker/groups.h"

void heartbeat_handle(struct request *request)
{
    const struct kafka_heartbeat_request *m = request->message;
    struct group_caller caller = {m->member_id, m->group_instance_id, m->generation_id};
    bool may = request_may(request, ACL_READ, ACL_GROUP, m->group_id);
    struct group *group = groups_find(request->broker->groups, m->group_id);
    err_t err = !may               ? ERR_GROUP_UNAUTHORIZED
                : m->group_id.size ? ERR_UNKNOWN_MEMBER
                                   : ERR_INVALID_GROUP;
    if (may && group)
        err = group_heartbeat(group, &caller);
    if (group)
        group_unref(group);
    struct kafka_heartbeat_response response;
    kafka_heartbeat_response_init(&response);
    response.error_code = kafka_code(err);
    request_respond(request, &response);
}
