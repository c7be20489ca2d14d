// SPDX-License-Identifier: Apache-2.0
//
// SyncGroup, Heartbeat and LeaveGroup of the classic protocol, and who may commit.
//
// The leader's assignments are written first; the members get them once that is durable, so that
// after a restart every member goes on with what it has.
#include "broker/group_int.h"

#include "base/mem.h"
#include "broker/consumer.h"
#include "broker/group_records.h"
#include "broker/group_write.h"

#include <assert.h>

static void fail_syncs(struct group *group, err_t err)
{
    for (size_t i = 0; i < group->members.count; i++)
        if (group->members.items[i]->sync)
            group__finish_sync(group, group->members.items[i], err);
}

static void hand_out(struct group_write *write)
{
    struct group *group = write->group;
    if (group->state != GROUP_COMPLETING || write->generation != group->generation)
        return;
    if (write->err != ERR_OK) {
        fail_syncs(group,
                   write->err == ERR_TOO_LARGE ? ERR_INTERNAL : ERR_COORDINATOR_NOT_AVAILABLE);
        group__prepare(group);
        return;
    }
    for (size_t i = 0; i < group->members.count; i++)
        group__assign(group->members.items[i], group->members.items[i]->next_assignment);
    group__enter(group, GROUP_STABLE);
    for (size_t i = 0; i < group->members.count; i++) {
        group__set_next(group->members.items[i], BYTES_NULL);
        if (group->members.items[i]->sync)
            group__finish_sync(group, group->members.items[i], ERR_OK);
    }
}

static bool is_too_large(const struct group_sync *sync)
{
    size_t bytes = 0;
    for (size_t i = 0; i < sync->assignment_count; i++)
        bytes += sync->assignments[i].assignment.size;
    return bytes > GROUP_BYTES_MAX;
}

static void take_assignments(struct group *group, const struct group_sync *sync)
{
    struct record_builder records = {0};
    struct group_write *write = MEM_NEW(struct group_write);
    write->done = hand_out;
    write->generation = group->generation;
    for (size_t i = 0; i < group->members.count; i++)
        group__set_next(group->members.items[i], BYTES_NULL);
    for (size_t i = 0; i < sync->assignment_count; i++) {
        struct group_member *member = group__member(group, sync->assignments[i].member_id);
        if (member)
            group__set_next(member, sync->assignments[i].assignment);
    }
    group_record_add(&records, group, true);
    group_write(group, &records, write);
}

static err_t check_sync(struct group *group, struct group_sync *sync, struct group_member **member)
{
    if (group->state == GROUP_DEAD)
        return ERR_COORDINATOR_NOT_AVAILABLE;
    if (group->consumer)
        return consumer_sync(group, sync);
    TRY(group__find_caller(group, &sync->caller, member));
    if (sync->caller.generation != group->generation)
        return ERR_ILLEGAL_GENERATION;
    if ((sync->protocol_type.ptr && group->protocol_type &&
         !bytes_is(sync->protocol_type, group->protocol_type)) ||
        (sync->protocol_name.ptr && group->protocol &&
         !bytes_is(sync->protocol_name, group->protocol)))
        return ERR_INCONSISTENT_PROTOCOL;
    if (group->state == GROUP_PREPARING)
        return ERR_REBALANCE;
    return is_too_large(sync) ? ERR_INTERNAL : ERR_OK;
}

void group_sync(struct group *group, struct group_sync *sync)
{
    struct group_member *member = NULL;
    list_init(&sync->link);
    mutex_lock(&group->lock);
    sync->err = check_sync(group, sync, &member);
    if (!member || sync->err != ERR_OK) {
        list_push_back(&group->syncs, &sync->link);
        group__unlock(group);
        return;
    }
    if (member->sync)
        group__finish_sync(group, member, ERR_REBALANCE);
    member->sync = sync;
    member->synced = true;
    group__touch(member);
    if (group->state == GROUP_STABLE)
        group__finish_sync(group, member, ERR_OK);
    else if (strcmp(member->id, group->leader) == 0)
        take_assignments(group, sync);
    group__unlock(group);
}

void group_abandon_sync(struct group *group, struct group_sync *sync)
{
    mutex_lock(&group->lock);
    for (size_t i = 0; i < group->members.count; i++)
        if (group->members.items[i]->sync == sync)
            group__finish_sync(group, group->members.items[i], ERR_CANCELLED);
    group__unlock(group);
}

// --- the rest ------------------------------------------------------------------------

static err_t beat(struct group *group, const struct group_caller *caller)
{
    struct group_member *member;
    if (group->state == GROUP_DEAD)
        return ERR_COORDINATOR_NOT_AVAILABLE;
    if (group->consumer)
        return consumer_classic_beat(group, caller);
    TRY(group__find_caller(group, caller, &member));
    if (caller->generation != group->generation)
        return ERR_ILLEGAL_GENERATION;
    group__touch(member);
    return group->state == GROUP_PREPARING ? ERR_REBALANCE : ERR_OK;
}

err_t group_heartbeat(struct group *group, const struct group_caller *caller)
{
    mutex_lock(&group->lock);
    err_t err = beat(group, caller);
    group__unlock(group);
    return err;
}

static err_t leave(struct group *group, const struct group_caller *caller)
{
    struct group_member *member = NULL;
    if (caller->instance_id.ptr && caller->member_id.size == 0) {
        member = group__member_of_instance(group, caller->instance_id);
        if (!member)
            return ERR_UNKNOWN_MEMBER;
    } else if (group__take_pending(group, caller->member_id)) {
        group__maybe_complete(group);
        return ERR_OK;
    } else {
        TRY(group__find_caller(group, caller, &member));
    }
    group__remove_member(group, member);
    return ERR_OK;
}

void group_leave(struct group *group, const struct group_caller *callers, size_t count, err_t *errs)
{
    mutex_lock(&group->lock);
    if (group->state != GROUP_DEAD && group->consumer)
        consumer_leave(group, callers, count, errs);
    else
        for (size_t i = 0; i < count; i++)
            errs[i] = group->state == GROUP_DEAD ? ERR_COORDINATOR_NOT_AVAILABLE
                                                 : leave(group, &callers[i]);
    group__unlock(group);
}

// A commit inside a transaction may come without a member and during a rebalance.
static err_t may_commit(struct group *group, const struct group_caller *caller, bool transactional)
{
    struct group_member *member = NULL;
    if (group->state == GROUP_DEAD)
        return ERR_COORDINATOR_NOT_AVAILABLE;
    if (caller->generation < 0 && group->state == GROUP_EMPTY)
        return ERR_OK;
    if (caller->generation >= 0 || caller->member_id.size || caller->instance_id.ptr) {
        TRY(group__find_caller(group, caller, &member));
        if (caller->generation != group->generation)
            return ERR_ILLEGAL_GENERATION;
    } else if (!transactional) {
        return ERR_UNKNOWN_MEMBER;
    }
    if (!transactional && group->state == GROUP_COMPLETING)
        return ERR_REBALANCE;
    if (!transactional)
        group__touch(member);
    return ERR_OK;
}

err_t group_may_commit(struct group *group, const struct group_caller *caller, int16_t version)
{
    assert(mutex_held(&group->lock));
    if (group->consumer && group->state != GROUP_DEAD)
        return consumer_may_commit(group->consumer, caller, version, false);
    return may_commit(group, caller, false);
}

err_t group_may_commit_txn(struct group *group, const struct group_caller *caller)
{
    assert(mutex_held(&group->lock));
    if (!group->consumer || group->state == GROUP_DEAD)
        return may_commit(group, caller, true);
    err_t err = consumer_may_commit(group->consumer, caller, 0, true);
    return err == ERR_STALE_MEMBER_EPOCH ? ERR_ILLEGAL_GENERATION : err;
}

err_t group_may_commit_part(struct group *group, const struct group_caller *caller,
                            const uint8_t topic[16], int32_t partition)
{
    assert(mutex_held(&group->lock));
    return group->consumer ? consumer_may_commit_part(group->consumer, caller, topic, partition)
                           : ERR_OK;
}
