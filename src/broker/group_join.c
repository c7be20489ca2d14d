// SPDX-License-Identifier: Apache-2.0
//
// JoinGroup of the classic protocol.
#include "broker/group_int.h"

#include "base/mem.h"
#include "broker/consumer.h"
#include "broker/group_records.h"
#include "broker/group_write.h"
#include "os/clock.h"
#include "os/random.h"

void group__refuse(struct group *group, struct group_join *join, err_t err)
{
    join->err = err;
    join->generation = -1;
    if (!join->new_member_id.ptr)
        join->new_member_id = join->member_id;
    list_push_back(&group->joins, &join->link);
}

// client_id-UUID, as Kafka names members.
static char *make_member_id(const struct group_join *join)
{
    uint8_t uuid[16];
    char text[37];
    random_uuid(uuid);
    uuid_text(uuid, text);
    struct bytes prefix = join->instance_id.ptr ? join->instance_id : join->client_id;
    return mem_printf("%.*s-%s", BYTES_PRINT(prefix), text);
}

static void tell_member_id(struct group *group, struct group_join *join, char *id)
{
    struct group_pending pending = {id, clock_mono_us() + (int64_t)join->session_timeout_ms * 1000};
    vec_push(&group->pending, pending);
    join->new_member_id = arena_bytes(join->arena, bytes_from(id));
    group__refuse(group, join, ERR_MEMBER_ID_REQUIRED);
}

// --- a static member comes back under a new id ---------------------------------------

// Nothing changed for the others. A leader is told to leave the assignments as they are: by a flag
// since v9, before by naming its old self the leader.
static void answer_replaced(struct group_write *write)
{
    struct group *group = write->group;
    struct group_member *member = group__member(group, bytes_from(write->member_id));
    if (group->state != GROUP_STABLE || !member || !member->join || member->join != write->ctx)
        return;
    if (write->err != ERR_OK) {
        group__answer_held_join(group, member, ERR_COORDINATOR_NOT_AVAILABLE);
        return;
    }
    struct group_join *join = group__let_go(group, member);
    bool leads = strcmp(group->leader, member->id) == 0;
    bool may_skip = join->may_skip_assignment;
    group__touch(member);
    group__fill_join(group, member, join, may_skip ? group->leader : write->leader);
    join->skip_assignment = may_skip && leads;
}

static void keep_replaced(struct group *group, struct group_member *member, char *old_leader)
{
    struct record_builder records = {0};
    struct group_write *write = MEM_NEW(struct group_write);
    write->done = answer_replaced;
    write->ctx = member->join;
    write->member_id = mem_strdup(member->id);
    write->leader = old_leader;
    group_record_add(&records, group, false);
    group_write(group, &records, write);
}

static void replace_static(struct group *group, struct group_member *member, const char *id,
                           struct group_join *join)
{
    char *old_leader = mem_strdup(group->leader);
    group__answer_held_join(group, member, ERR_FENCED_INSTANCE);
    if (member->sync)
        group__finish_sync(group, member, ERR_FENCED_INSTANCE);
    group__rename_member(group, member, id);
    group__take_join(group, member, join);
    group__touch(member);
    group__hold(group, member, join);
    bool same = group->state == GROUP_STABLE && strcmp(group__vote(group), group->protocol) == 0;
    if (same) {
        keep_replaced(group, member, old_leader);
        return;
    }
    mem_free(old_leader);
    group__prepare(group);
}

// --- the call ------------------------------------------------------------------------

static void join_new(struct group *group, struct group_join *join)
{
    struct group_member *old =
        join->instance_id.ptr ? group__member_of_instance(group, join->instance_id) : NULL;
    char *id = make_member_id(join);
    if (old) {
        replace_static(group, old, id, join);
    } else if (!join->instance_id.ptr && join->member_id_required) {
        tell_member_id(group, join, id);
        return;
    } else {
        group__add_member(group, id, join);
    }
    mem_free(id);
}

static bool is_pending(const struct group *group, struct bytes id)
{
    for (size_t i = 0; i < group->pending.count; i++)
        if (bytes_is(id, group->pending.items[i].id))
            return true;
    return false;
}

bool group__take_pending(struct group *group, struct bytes id)
{
    for (size_t i = 0; i < group->pending.count; i++) {
        if (!bytes_is(id, group->pending.items[i].id))
            continue;
        mem_free(group->pending.items[i].id);
        vec_remove(&group->pending, i);
        return true;
    }
    return false;
}

static void answer_current(struct group *group, struct group_member *member,
                           struct group_join *join)
{
    group__touch(member);
    group__fill_join(group, member, join, group->leader);
}

static void join_known(struct group *group, struct group_join *join)
{
    struct group_caller caller = {join->member_id, join->instance_id, -1};
    struct group_member *member;
    if (!join->instance_id.ptr && group__take_pending(group, join->member_id)) {
        char *id = group__text(join->member_id);
        group__add_member(group, id, join);
        mem_free(id);
        return;
    }
    err_t err = group__find_caller(group, &caller, &member);
    if (err != ERR_OK) {
        group__refuse(group, join, err);
        return;
    }
    bool same = group__same_protocols(member, join);
    bool leads = strcmp(member->id, group->leader) == 0;
    if ((group->state == GROUP_COMPLETING && same) ||
        (group->state == GROUP_STABLE && same && !leads))
        answer_current(group, member, join);
    else
        group__rejoin(group, member, join);
}

static size_t metadata_bytes(const struct group_join *join)
{
    return group_protocols_bytes(join->protocols, join->protocol_count);
}

static bool is_known(const struct group *group, const struct group_join *join)
{
    if (join->member_id.size == 0)
        return join->instance_id.ptr && group__member_of_instance(group, join->instance_id);
    return group__member(group, join->member_id) || is_pending(group, join->member_id);
}

static size_t members_max(const struct group_join *join)
{
    return join->members_max > 0 && join->members_max < GROUP_MEMBERS_MAX
               ? (size_t)join->members_max
               : GROUP_MEMBERS_MAX;
}

// Is there no room for one more? Those who are in it may always come back.
static bool is_full(const struct group *group, const struct group_join *join)
{
    return group->metadata_bytes + metadata_bytes(join) > GROUP_BYTES_MAX ||
           (group->members.count + group->pending.count >= members_max(join) &&
            !is_known(group, join));
}

static err_t check_join(const struct group *group, const struct group_join *join)
{
    if (group->state == GROUP_DEAD || (group->consumer && group_unsaved(group)))
        return ERR_COORDINATOR_NOT_AVAILABLE;
    if (metadata_bytes(join) > GROUP_METADATA_MAX_BYTES)
        return ERR_TOO_LARGE;
    return join->protocol_count > GROUP_PROTOCOLS_MAX ? ERR_INCONSISTENT_PROTOCOL : ERR_OK;
}

static err_t check_classic_join(const struct group *group, const struct group_join *join)
{
    if (is_full(group, join))
        return ERR_GROUP_FULL;
    return group__has_common_protocol(group, join) ? ERR_OK : ERR_INCONSISTENT_PROTOCOL;
}

static void classic_join(struct group *group, struct group_join *join)
{
    err_t err = check_classic_join(group, join);
    if (err == ERR_OK && group->consumer)
        consumer_end(group);
    if (err != ERR_OK)
        group__refuse(group, join, err);
    else if (join->member_id.size == 0)
        join_new(group, join);
    else
        join_known(group, join);
}

void group_join(struct group *group, struct group_join *join)
{
    list_init(&join->link);
    join->new_member_id = BYTES_NULL;
    mutex_lock(&group->lock);
    err_t err = check_join(group, join);
    if (err != ERR_OK)
        group__refuse(group, join, err);
    else if (group->consumer && group->consumer->members.count)
        consumer_join(group, join);
    else
        classic_join(group, join);
    group__unlock(group);
}

void group_abandon_join(struct group *group, struct group_join *join)
{
    mutex_lock(&group->lock);
    for (size_t i = 0; i < group->members.count; i++) {
        struct group_member *member = group->members.items[i];
        if (member->join != join)
            continue;
        group__let_go(group, member);
        group__touch(member);
        group__refuse(group, join, ERR_CANCELLED);
    }
    group__unlock(group);
}
