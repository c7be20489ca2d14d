// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/join_group.h"

#include "broker/access.h"
#include "broker/groups.h"

enum { MEMBER_ID_REQUIRED_FROM = 4, NULL_PROTOCOL_FROM = 7, SKIP_ASSIGNMENT_FROM = 9 };

struct joining {
    struct request *request;
    struct group *group;
    struct group_join join;
};

static void unref_group(void *ctx)
{
    group_unref(ctx);
}

static void fill_members(struct request *request, const struct group_join *join,
                         struct kafka_join_group_response *response)
{
    response->members =
        ARENA_ARRAY(&request->arena, struct kafka_join_group_response_member, join->member_count);
    response->members_count = (int32_t)join->member_count;
    for (size_t i = 0; i < join->member_count; i++) {
        response->members[i].member_id = join->members[i].member_id;
        response->members[i].group_instance_id = join->members[i].instance_id;
        response->members[i].metadata = join->members[i].metadata;
    }
}

static void respond(struct request *request, const struct group_join *join)
{
    struct kafka_join_group_response response;
    kafka_join_group_response_init(&response);
    response.error_code = kafka_code(join->err);
    response.generation_id = join->generation;
    response.member_id = join->new_member_id;
    if (request_version(request) >= NULL_PROTOCOL_FROM)
        response.protocol_name = BYTES_NULL;
    if (join->err == ERR_OK) {
        response.protocol_type = join->group_protocol_type;
        response.protocol_name = join->protocol_name;
        response.leader = join->leader;
        response.skip_assignment = join->skip_assignment;
        fill_members(request, join, &response);
    }
    request_respond(request, &response);
}

static void joined(struct group_join *join)
{
    respond(CONTAINER_OF(join, struct joining, join)->request, join);
}

static void abandoned(struct request *request)
{
    struct joining *joining = request->state;
    group_abandon_join(joining->group, &joining->join);
}

static const struct group_protocol *protocols(struct request *request)
{
    const struct kafka_join_group_request *m = request->message;
    struct group_protocol *all =
        ARENA_ARRAY(&request->arena, struct group_protocol, (size_t)m->protocols_count);
    for (int32_t i = 0; i < m->protocols_count; i++)
        all[i] =
            (struct group_protocol){bytes_text(m->protocols[i].name), m->protocols[i].metadata};
    return all;
}

static void refuse(struct request *request, err_t err)
{
    const struct kafka_join_group_request *m = request->message;
    struct group_join join = {.err = err, .generation = -1, .new_member_id = m->member_id};
    respond(request, &join);
}

void join_group_handle(struct request *request)
{
    const struct kafka_join_group_request *m = request->message;
    struct groups *groups = request->broker->groups;
    int16_t version = request_version(request);
    if (!request_may(request, ACL_READ, ACL_GROUP, m->group_id)) {
        refuse(request, ERR_GROUP_UNAUTHORIZED);
        return;
    }
    if (m->group_id.size == 0 || bytes_has_zero(m->group_id)) {
        refuse(request, ERR_INVALID_GROUP);
        return;
    }
    if (m->session_timeout_ms < setting(request->broker, SETTING_GROUP_SESSION_MIN_MS) ||
        m->session_timeout_ms > setting(request->broker, SETTING_GROUP_SESSION_MAX_MS)) {
        refuse(request, ERR_INVALID_SESSION_TIMEOUT);
        return;
    }
    struct group *group =
        m->member_id.size ? groups_find(groups, m->group_id) : groups_get(groups, m->group_id);
    if (!group) {
        refuse(request, ERR_UNKNOWN_MEMBER);
        return;
    }
    struct joining *joining = ARENA_NEW(&request->arena, struct joining);
    joining->request = request;
    joining->group = group;
    arena_on_clear(&request->arena, unref_group, group);
    joining->join = (struct group_join){
        .member_id = m->member_id,
        .instance_id = m->group_instance_id,
        .client_id = request->header.client_id,
        .client_host = groups_client_host(request),
        .protocol_type = m->protocol_type,
        .protocols = protocols(request),
        .protocol_count = (size_t)m->protocols_count,
        .session_timeout_ms = m->session_timeout_ms,
        .members_max = (int32_t)setting(request->broker, SETTING_GROUP_SIZE),
        .first_delay_ms = (int32_t)setting(request->broker, SETTING_GROUP_FIRST_DELAY_MS),
        .rebalance_timeout_ms = version >= 1 ? m->rebalance_timeout_ms : m->session_timeout_ms,
        .member_id_required = version >= MEMBER_ID_REQUIRED_FROM,
        .may_skip_assignment = version >= SKIP_ASSIGNMENT_FROM,
        .arena = &request->arena,
        .done = joined,
    };
    request->state = joining;
    request->abandoned = abandoned;
    group_join(group, &joining->join); // may end the request
    groups_watch(groups);
}
