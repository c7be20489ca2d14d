// SPDX-License-Identifier: Apache-2.0
//
// The rebalance of a classic group, and what happens to it by time alone.
#include "broker/group_int.h"

#include "base/log.h"
#include "base/mem.h"
#include "broker/consumer.h"
#include "broker/group_records.h"
#include "broker/group_write.h"
#include "os/clock.h"
#include "wire/kafka/consumer_protocol.h"

#include <assert.h>

void group__enter(struct group *group, enum group_state state)
{
    group->state = state;
    group->state_since_ms = clock_now_ms();
}

// --- answers -------------------------------------------------------------------------

static void list_members(struct group *group, struct group_join *join)
{
    join->members = ARENA_ARRAY(join->arena, struct group_join_member, group->members.count);
    join->member_count = group->members.count;
    for (size_t i = 0; i < group->members.count; i++) {
        const struct group_member *member = group->members.items[i];
        join->members[i].member_id = group__copy(join->arena, member->id);
        join->members[i].instance_id = group__copy(join->arena, member->instance_id);
        join->members[i].metadata =
            arena_bytes(join->arena, group__metadata(member, group->protocol));
    }
}

void group__fill_join(struct group *group, struct group_member *member, struct group_join *join,
                      const char *leader)
{
    assert(leader);
    join->err = ERR_OK;
    join->generation = group->generation;
    join->new_member_id = group__copy(join->arena, member->id);
    join->leader = group__copy(join->arena, leader);
    join->protocol_name = group__copy(join->arena, group->protocol);
    join->group_protocol_type = group__copy(join->arena, group->protocol_type);
    join->skip_assignment = false;
    join->members = NULL;
    join->member_count = 0;
    if (strcmp(leader, member->id) == 0)
        list_members(group, join);
    list_push_back(&group->joins, &join->link);
}

void group__finish_sync(struct group *group, struct group_member *member, err_t err)
{
    struct group_sync *sync = member->sync;
    member->sync = NULL;
    sync->err = err;
    sync->group_protocol_type = group__copy(sync->arena, group->protocol_type);
    sync->group_protocol_name = group__copy(sync->arena, group->protocol);
    sync->assignment = err == ERR_OK && member->assignment.ptr
                           ? arena_bytes(sync->arena, member->assignment)
                           : bytes_make("", 0);
    group__touch(member);
    list_push_back(&group->syncs, &sync->link);
}

void group__answer_held_join(struct group *group, struct group_member *member, err_t err)
{
    struct group_join *join = group__let_go(group, member);
    if (!join)
        return;
    join->err = err;
    join->generation = -1;
    join->new_member_id = group__copy(join->arena, member->id);
    list_push_back(&group->joins, &join->link);
}

// --- rebalance -----------------------------------------------------------------------

static int64_t longest_rebalance_us(const struct group *group)
{
    int64_t longest_ms = 0;
    for (size_t i = 0; i < group->members.count; i++)
        if (group->members.items[i]->rebalance_timeout_ms > longest_ms)
            longest_ms = group->members.items[i]->rebalance_timeout_ms;
    return longest_ms * 1000;
}

static void become_empty(struct group *group)
{
    struct record_builder records = {0};
    group__set_text(&group->protocol, NULL);
    group__set_text(&group->leader, NULL);
    group->generation++;
    group__enter(group, GROUP_EMPTY);
    group_record_add(&records, group, false);
    group_write(group, &records, MEM_NEW(struct group_write));
}

// The leader must be among those that joined. False when nobody did.
static bool elect(struct group *group)
{
    const struct group_member *leader = group__member(group, bytes_from(group->leader));
    if (leader && leader->join)
        return true;
    for (size_t i = 0; i < group->members.count; i++) {
        if (group->members.items[i]->join) {
            group__set_text(&group->leader, group->members.items[i]->id);
            return true;
        }
    }
    return false;
}

// Starts the next generation with those that have joined.
static void complete(struct group *group)
{
    group->first.until_us = 0;
    if (group->members.count == 0) {
        become_empty(group);
        return;
    }
    int64_t now_us = clock_mono_us();
    if (!elect(group)) { // only static members, none of them here: wait on
        group->rebalance_until_us = now_us + longest_rebalance_us(group);
        return;
    }
    group->generation++;
    group__set_text(&group->protocol, group__vote(group));
    group__enter(group, GROUP_COMPLETING);
    group->rebalance_until_us = now_us + longest_rebalance_us(group);
    LOG_DEBUG("broker", "group goes to its next generation",
              "group=%s generation=%d members=%zu protocol=%s", group->id, group->generation,
              group->members.count, group->protocol);
    for (size_t i = 0; i < group->members.count; i++) {
        struct group_member *member = group->members.items[i];
        member->synced = false;
        struct group_join *join = group__let_go(group, member);
        if (!join)
            continue;
        member->fresh = false;
        group__touch(member);
        group__fill_join(group, member, join, group->leader);
    }
}

void group__maybe_complete(struct group *group)
{
    if (group->first.until_us)
        return;
    if (group->state == GROUP_PREPARING && !group->pending.count &&
        group->joined == group->members.count)
        complete(group);
}

void group__wait_for_joins(struct group *group)
{
    group->rebalance_until_us = clock_mono_us() + longest_rebalance_us(group);
}

static void wait_for_others(struct group *group)
{
    int64_t longest_us = longest_rebalance_us(group), delay_us = group->first.delay_us;
    group->first.step_us = delay_us;
    group->first.left_us = longest_us > delay_us ? longest_us - delay_us : 0;
    group->first.until_us = clock_mono_us() + delay_us;
    group->first.more = false;
}

// Once more when somebody came meanwhile.
static void waited_for_others(struct group *group, int64_t now_us)
{
    bool more = group->first.more && group->first.left_us > 0;
    group->first.more = false;
    group->first.until_us = 0;
    if (!more) {
        group->rebalance_until_us = now_us;
        return;
    }
    int64_t left_us = group->first.left_us, before_us = group->first.step_us;
    group->first.step_us = group->first.delay_us < left_us ? group->first.delay_us : left_us;
    group->first.left_us = left_us > before_us ? left_us - before_us : 0;
    group->first.until_us = now_us + group->first.step_us;
}

void group__prepare(struct group *group)
{
    if (group->state == GROUP_PREPARING) {
        group__maybe_complete(group);
        return;
    }
    for (size_t i = 0; i < group->members.count; i++)
        if (group->members.items[i]->sync)
            group__finish_sync(group, group->members.items[i], ERR_REBALANCE);
    if (group->state == GROUP_EMPTY && group->first.delay_us > 0)
        wait_for_others(group);
    group__enter(group, GROUP_PREPARING);
    group__wait_for_joins(group);
    group__maybe_complete(group);
}

static void hold(struct group *group, struct group_member *member, struct group_join *join)
{
    group__hold(group, member, join);
    group__touch(member);
    if (member->fresh)
        member->expires_us = clock_mono_us() + (int64_t)GROUP_NEW_MEMBER_MS * 1000;
    group__prepare(group);
}

void group__add_member(struct group *group, const char *id, struct group_join *join)
{
    if (group->members.count == 0) {
        char *type = group__text(join->protocol_type);
        mem_free(group->protocol_type);
        group->protocol_type = type;
    }
    group->first.delay_us = (int64_t)join->first_delay_ms * 1000;
    group->first.more = group->first.until_us != 0;
    struct group_member *member = group__new_member(group, id, join);
    member->fresh = true;
    hold(group, member, join);
}

void group__rejoin(struct group *group, struct group_member *member, struct group_join *join)
{
    // A second join of the same member takes the place of the first, whose connection is gone or
    // confused.
    group__answer_held_join(group, member, ERR_REBALANCE);
    group__take_join(group, member, join);
    hold(group, member, join);
}

// Nothing of it stays held.
static void drop(struct group *group, struct group_member *member)
{
    group__answer_held_join(group, member, ERR_UNKNOWN_MEMBER);
    if (member->sync)
        group__finish_sync(group, member, ERR_UNKNOWN_MEMBER);
    group__drop_member(group, member);
}

void group__remove_member(struct group *group, struct group_member *member)
{
    drop(group, member);
    if (group->state != GROUP_EMPTY && group->state != GROUP_DEAD)
        group__prepare(group);
}

// --- time ----------------------------------------------------------------------------

static void expire_pending(struct group *group, int64_t now_us)
{
    bool removed = false;
    for (size_t i = group->pending.count; i-- > 0;) {
        if (group->pending.items[i].expires_us > now_us)
            continue;
        mem_free(group->pending.items[i].id);
        vec_remove(&group->pending, i);
        removed = true;
    }
    if (removed)
        group__maybe_complete(group);
}

static bool is_silent(const struct group_member *member, int64_t now_us)
{
    if (member->expires_us > now_us)
        return false;
    return member->fresh || (!member->join && !member->sync);
}

static void remove_silent(struct group *group, int64_t now_us)
{
    size_t before = group->members.count;
    for (size_t i = before; i-- > 0;) {
        struct group_member *member = group->members.items[i];
        if (!is_silent(member, now_us))
            continue;
        LOG_INFO("broker", "a member was silent past its session", "group=%s member=%s", group->id,
                 member->id);
        drop(group, member);
    }
    if (group->members.count < before)
        group__prepare(group);
}

// Is the member late, now that the time for joining or for asking for the assignment is over? A
// static member may be late for a join.
static bool is_late(const struct group *group, const struct group_member *member)
{
    return group->state == GROUP_PREPARING ? !member->join && !member->instance_id
                                           : !member->synced;
}

static void give_up_waiting(struct group *group)
{
    size_t before = group->members.count;
    for (size_t i = before; i-- > 0;) {
        struct group_member *member = group->members.items[i];
        if (!is_late(group, member))
            continue;
        LOG_INFO("broker", "a member did not take part in the rebalance", "group=%s member=%s",
                 group->id, member->id);
        drop(group, member);
    }
    if (group->state == GROUP_PREPARING)
        complete(group);
    else if (group->members.count < before)
        group__prepare(group);
    else
        group->rebalance_until_us = INT64_MAX; // everybody has synced
}

void group__expire(struct group *group)
{
    int64_t now_us = clock_mono_us();
    expire_pending(group, now_us);
    remove_silent(group, now_us);
    if (group->state == GROUP_PREPARING && group->first.until_us && now_us >= group->first.until_us)
        waited_for_others(group, now_us);
    if (group->state != GROUP_EMPTY && now_us >= group->rebalance_until_us)
        give_up_waiting(group);
}

// --- subscriptions -------------------------------------------------------------------

// Do the member's subscriptions name the topic? `*known` turns false when they cannot be read.
static bool subscribes(const struct group *group, const struct group_member *member,
                       struct bytes topic, bool *known)
{
    struct arena arena = ARENA_INIT;
    struct reader reader = reader_make(group__metadata(member, group->protocol));
    struct kafka_consumer_protocol_subscription subscription;
    bool found = false;
    // Later versions begin with what version 0 says.
    if (reader_i16(&reader) >= 0 &&
        kafka_consumer_protocol_subscription_decode(&subscription, 0, &reader, &arena))
        for (int32_t t = 0; t < subscription.topics_count && !found; t++)
            found = bytes_equal(subscription.topics[t], topic);
    else
        *known = false;
    arena_release(&arena);
    return found;
}

bool group_subscribes(const struct group *group, struct bytes topic)
{
    if (group->consumer)
        return consumer_subscribes(group->consumer, topic);
    bool found = false;
    bool known = group->protocol != NULL || group->members.count == 0;
    if (!group->protocol_type || strcmp(group->protocol_type, "consumer") != 0)
        return false;
    for (size_t i = 0; i < group->members.count && known && !found; i++)
        found = subscribes(group, group->members.items[i], topic, &known);
    return found || !known;
}
