// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/sync_group.h"

#include "broker/access.h"
#include "broker/groups.h"

enum { PROTOCOL_FROM = 5 }; // since then it must be said

struct syncing {
    struct request *request;
    struct group *group;
    struct group_sync sync;
};

static void unref_group(void *ctx)
{
    group_unref(ctx);
}

static void respond(struct request *request, const struct group_sync *sync)
{
    struct kafka_sync_group_response response;
    kafka_sync_group_response_init(&response);
    response.error_code = kafka_code(sync->err);
    if (sync->err == ERR_OK) {
        response.protocol_type = sync->group_protocol_type;
        response.protocol_name = sync->group_protocol_name;
        response.assignment = sync->assignment;
    }
    request_respond(request, &response);
}

static void synced(struct group_sync *sync)
{
    respond(CONTAINER_OF(sync, struct syncing, sync)->request, sync);
}

static void abandoned(struct request *request)
{
    struct syncing *syncing = request->state;
    group_abandon_sync(syncing->group, &syncing->sync);
}

static const struct group_assignment *assignments(struct request *request)
{
    const struct kafka_sync_group_request *m = request->message;
    struct group_assignment *all =
        ARENA_ARRAY(&request->arena, struct group_assignment, (size_t)m->assignments_count);
    for (int32_t i = 0; i < m->assignments_count; i++)
        all[i] =
            (struct group_assignment){m->assignments[i].member_id, m->assignments[i].assignment};
    return all;
}

static void refuse(struct request *request, err_t err)
{
    struct group_sync refused = {.err = err};
    respond(request, &refused);
}

void sync_group_handle(struct request *request)
{
    const struct kafka_sync_group_request *m = request->message;
    if (request_version(request) >= PROTOCOL_FROM &&
        !(m->protocol_type.ptr && m->protocol_name.ptr)) {
        refuse(request, ERR_INCONSISTENT_PROTOCOL);
        return;
    }
    if (!request_may(request, ACL_READ, ACL_GROUP, m->group_id)) {
        refuse(request, ERR_GROUP_UNAUTHORIZED);
        return;
    }
    struct group *group = groups_find(request->broker->groups, m->group_id);
    if (!group) {
        refuse(request, m->group_id.size ? ERR_UNKNOWN_MEMBER : ERR_INVALID_GROUP);
        return;
    }
    struct syncing *syncing = ARENA_NEW(&request->arena, struct syncing);
    syncing->request = request;
    syncing->group = group;
    arena_on_clear(&request->arena, unref_group, group);
    syncing->sync = (struct group_sync){
        .caller = {m->member_id, m->group_instance_id, m->generation_id},
        .protocol_type = m->protocol_type,
        .protocol_name = m->protocol_name,
        .assignments = assignments(request),
        .assignment_count = (size_t)m->assignments_count,
        .arena = &request->arena,
        .done = synced,
    };
    request->state = syncing;
    request->abandoned = abandoned;
    group_sync(group, &syncing->sync); // may end the request
}
