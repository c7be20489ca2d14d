// SPDX-License-Identifier: Apache-2.0
//
// The rules are those of Apache Kafka's classic group coordinator. group_int.h's functions do the
// moves between states; here are the calls clients make.
#include "broker/group_int.h"

#include "base/mem.h"
#include "os/clock.h"
#include "os/random.h"

#include <assert.h>

static const char *const state_names[] = {"Empty", "PreparingRebalance", "CompletingRebalance",
                                          "Stable", "Dead"};

const char *group_state_name(enum group_state state)
{
    return state_names[state];
}

struct group *group_new(struct bytes id)
{
    struct group *group = MEM_NEW(struct group);
    group->id = group__text(id);
    group->refs = 1;
    group->state_since_ms = clock_now_ms();
    mutex_init(&group->lock);
    list_init(&group->joins);
    list_init(&group->syncs);
    return group;
}

struct group *group_ref(struct group *group)
{
    group->refs++;
    return group;
}

void group_unref(struct group *group)
{
    if (--group->refs)
        return;
    assert(list_empty(&group->joins) && list_empty(&group->syncs));
    for (size_t i = 0; i < group->members.count; i++)
        group__member_free(group->members.items[i]);
    for (size_t i = 0; i < group->pending.count; i++)
        mem_free(group->pending.items[i].id);
    vec_release(&group->members);
    vec_release(&group->pending);
    if (group->offsets)
        offsets_free(group->offsets);
    mutex_release(&group->lock);
    mem_free(group->id);
    mem_free(group->protocol_type);
    mem_free(group->protocol);
    mem_free(group->leader);
    mem_free(group);
}

// Frees the mutex, then answers what has finished meanwhile.
static void unlock_and_answer(struct group *group)
{
    struct list joins;
    struct list syncs;
    list_init(&joins);
    list_init(&syncs);
    list_splice(&joins, &group->joins);
    list_splice(&syncs, &group->syncs);
    mutex_unlock(&group->lock);
    struct list *link;
    while ((link = list_pop_front(&joins))) {
        struct group_join *join = CONTAINER_OF(link, struct group_join, link);
        join->done(join);
    }
    while ((link = list_pop_front(&syncs))) {
        struct group_sync *sync = CONTAINER_OF(link, struct group_sync, link);
        sync->done(sync);
    }
}

// --- join ----------------------------------------------------------------------------

// Is there a protocol of the joining member that all others know too?
static bool has_common_protocol(const struct group *group, const struct group_join *join)
{
    if (join->protocol_type.size == 0 || join->protocol_count == 0)
        return false;
    if (group->members.count == 0)
        return true;
    if (!bytes_is(join->protocol_type, group->protocol_type))
        return false;
    for (size_t p = 0; p < join->protocol_count; p++) {
        size_t known = 0;
        for (size_t i = 0; i < group->members.count; i++)
            known += group__member_knows(group->members.items[i], join->protocols[p].name);
        if (known == group->members.count)
            return true;
    }
    return false;
}

static void refuse(struct group *group, struct group_join *join, err_t err)
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
    refuse(group, join, ERR_MEMBER_ID_REQUIRED);
}

static void join_new(struct group *group, struct group_join *join)
{
    struct group_member *old =
        join->instance_id.ptr ? group__member_of_instance(group, join->instance_id) : NULL;
    if (!old && group->members.count + group->pending.count >= GROUP_MEMBERS_MAX) {
        refuse(group, join, ERR_OVERLOADED);
        return;
    }
    char *id = make_member_id(join);
    if (old) {
        group__replace_static(group, old, id, join);
    } else if (!join->instance_id.ptr && join->member_id_required) {
        tell_member_id(group, join, id);
        return;
    } else {
        group__add_member(group, id, join);
    }
    mem_free(id);
}

static bool take_pending(struct group *group, struct bytes id)
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

static void join_known(struct group *group, struct group_join *join)
{
    struct group_caller caller = {join->member_id, join->instance_id, -1};
    struct group_member *member;
    if (!join->instance_id.ptr && take_pending(group, join->member_id)) {
        char *id = group__text(join->member_id);
        group__add_member(group, id, join);
        mem_free(id);
        return;
    }
    err_t err = group__find_caller(group, &caller, &member);
    if (err != ERR_OK) {
        refuse(group, join, err);
        return;
    }
    bool same = group__same_protocols(member, join);
    bool leads = strcmp(member->id, group->leader) == 0;
    if ((group->state == GROUP_COMPLETING && same) ||
        (group->state == GROUP_STABLE && same && !leads))
        group__answer_current(group, member, join);
    else
        group__rejoin(group, member, join);
}

static bool is_too_large(const struct group_join *join)
{
    size_t bytes = 0;
    for (size_t i = 0; i < join->protocol_count; i++)
        bytes += join->protocols[i].name.size + join->protocols[i].metadata.size;
    return bytes > GROUP_METADATA_MAX_BYTES;
}

void group_join(struct group *group, struct group_join *join)
{
    list_init(&join->link);
    join->new_member_id = BYTES_NULL;
    mutex_lock(&group->lock);
    if (group->state == GROUP_DEAD)
        refuse(group, join, ERR_COORDINATOR_NOT_AVAILABLE);
    else if (join->session_timeout_ms < GROUP_SESSION_MIN_MS ||
             join->session_timeout_ms > GROUP_SESSION_MAX_MS)
        refuse(group, join, ERR_INVALID_SESSION_TIMEOUT);
    else if (is_too_large(join))
        refuse(group, join, ERR_TOO_LARGE);
    else if (!has_common_protocol(group, join))
        refuse(group, join, ERR_INCONSISTENT_PROTOCOL);
    else if (join->member_id.size == 0)
        join_new(group, join);
    else
        join_known(group, join);
    unlock_and_answer(group);
}

void group_abandon_join(struct group *group, struct group_join *join)
{
    mutex_lock(&group->lock);
    for (size_t i = 0; i < group->members.count; i++) {
        struct group_member *member = group->members.items[i];
        if (member->join != join)
            continue;
        member->join = NULL;
        member->expires_us = clock_mono_us() + (int64_t)member->session_timeout_ms * 1000;
        refuse(group, join, ERR_CANCELLED);
    }
    unlock_and_answer(group);
}

// --- sync ----------------------------------------------------------------------------

static void hand_out(struct group *group, const struct group_sync *sync)
{
    for (size_t i = 0; i < group->members.count; i++) {
        struct bytes assignment = bytes_make("", 0);
        for (size_t a = 0; a < sync->assignment_count; a++)
            if (bytes_is(sync->assignments[a].member_id, group->members.items[i]->id))
                assignment = sync->assignments[a].assignment;
        group__assign(group->members.items[i], assignment);
    }
    group__enter(group, GROUP_STABLE);
    for (size_t i = 0; i < group->members.count; i++)
        if (group->members.items[i]->sync)
            group__finish_sync(group, group->members.items[i], ERR_OK);
}

static err_t check_sync(struct group *group, const struct group_sync *sync,
                        struct group_member **member)
{
    if (group->state == GROUP_DEAD)
        return ERR_COORDINATOR_NOT_AVAILABLE;
    TRY(group__find_caller(group, &sync->caller, member));
    if (sync->caller.generation != group->generation)
        return ERR_ILLEGAL_GENERATION;
    if ((sync->protocol_type.ptr && !bytes_is(sync->protocol_type, group->protocol_type)) ||
        (sync->protocol_name.ptr && group->protocol &&
         !bytes_is(sync->protocol_name, group->protocol)))
        return ERR_INCONSISTENT_PROTOCOL;
    return group->state == GROUP_PREPARING ? ERR_REBALANCE : ERR_OK;
}

void group_sync(struct group *group, struct group_sync *sync)
{
    struct group_member *member = NULL;
    list_init(&sync->link);
    mutex_lock(&group->lock);
    sync->err = check_sync(group, sync, &member);
    if (sync->err != ERR_OK) {
        list_push_back(&group->syncs, &sync->link);
        unlock_and_answer(group);
        return;
    }
    if (member->sync)
        group__finish_sync(group, member, ERR_REBALANCE);
    member->sync = sync;
    group__touch(member);
    if (group->state == GROUP_STABLE)
        group__finish_sync(group, member, ERR_OK);
    else if (strcmp(member->id, group->leader) == 0)
        hand_out(group, sync);
    unlock_and_answer(group);
}

void group_abandon_sync(struct group *group, struct group_sync *sync)
{
    mutex_lock(&group->lock);
    for (size_t i = 0; i < group->members.count; i++)
        if (group->members.items[i]->sync == sync)
            group__finish_sync(group, group->members.items[i], ERR_CANCELLED);
    unlock_and_answer(group);
}

// --- the rest ------------------------------------------------------------------------

err_t group_heartbeat(struct group *group, const struct group_caller *caller)
{
    struct group_member *member;
    mutex_lock(&group->lock);
    err_t err = group->state == GROUP_DEAD ? ERR_COORDINATOR_NOT_AVAILABLE
                                           : group__find_caller(group, caller, &member);
    if (err == ERR_OK && caller->generation != group->generation)
        err = ERR_ILLEGAL_GENERATION;
    if (err == ERR_OK) {
        group__touch(member);
        if (group->state == GROUP_PREPARING)
            err = ERR_REBALANCE;
    }
    unlock_and_answer(group);
    return err;
}

err_t group_leave(struct group *group, const struct group_caller *caller)
{
    mutex_lock(&group->lock);
    struct group_member *member = NULL;
    err_t err = ERR_OK;
    if (group->state == GROUP_DEAD)
        err = ERR_COORDINATOR_NOT_AVAILABLE;
    else if (caller->instance_id.ptr && caller->member_id.size == 0)
        member = group__member_of_instance(group, caller->instance_id);
    else if (!take_pending(group, caller->member_id))
        err = group__find_caller(group, caller, &member);
    else
        group__maybe_complete(group);
    if (err == ERR_OK && caller->instance_id.ptr && !member)
        err = ERR_UNKNOWN_MEMBER;
    if (member)
        group__remove_member(group, member);
    unlock_and_answer(group);
    return err;
}

err_t group_may_commit(struct group *group, const struct group_caller *caller)
{
    struct group_member *member;
    assert(mutex_held(&group->lock));
    if (group->state == GROUP_DEAD)
        return ERR_COORDINATOR_NOT_AVAILABLE;
    if (caller->generation < 0 && group->state == GROUP_EMPTY)
        return ERR_OK;
    if (group->state == GROUP_EMPTY && caller->generation >= 0 && group->generation == 0)
        return ERR_ILLEGAL_GENERATION; // a group nobody knows
    TRY(group__find_caller(group, caller, &member));
    if (caller->generation != group->generation)
        return ERR_ILLEGAL_GENERATION;
    if (group->state == GROUP_COMPLETING)
        return ERR_REBALANCE;
    group__touch(member);
    return ERR_OK;
}

bool group_tick(struct group *group)
{
    mutex_lock(&group->lock);
    group__expire(group);
    bool more = group->members.count > 0 || group->pending.count > 0;
    unlock_and_answer(group);
    return more;
}

void group_kill(struct group *group)
{
    mutex_lock(&group->lock);
    for (size_t i = 0; i < group->members.count; i++) {
        struct group_member *member = group->members.items[i];
        if (member->join) {
            refuse(group, member->join, ERR_COORDINATOR_NOT_AVAILABLE);
            member->join = NULL;
        }
        if (member->sync)
            group__finish_sync(group, member, ERR_COORDINATOR_NOT_AVAILABLE);
    }
    group__enter(group, GROUP_DEAD);
    unlock_and_answer(group);
}
