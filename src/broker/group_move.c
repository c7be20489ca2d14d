// SPDX-License-Identifier: Apache-2.0
#include "broker/group_int.h"

#include "base/log.h"
#include "base/mem.h"
#include "os/clock.h"
#include "wire/kafka/consumer_protocol.h"

#include <assert.h>

char *group__text(struct bytes bytes)
{
    char *text = mem_alloc(bytes.size + 1);
    if (bytes.size)
        memcpy(text, bytes.ptr, bytes.size);
    text[bytes.size] = '\0';
    return text;
}

static struct bytes own(struct bytes bytes)
{
    return bytes_make(group__text(bytes), bytes.size);
}

static void disown(struct bytes bytes)
{
    mem_free((void *)(uintptr_t)bytes.ptr);
}

static void set_text(char **slot, const char *text)
{
    char *copy = text ? mem_strdup(text) : NULL;
    mem_free(*slot);
    *slot = copy;
}

static struct bytes copy_text(struct arena *arena, const char *text)
{
    return text ? bytes_from(arena_strdup(arena, text)) : BYTES_NULL;
}

// --- members -------------------------------------------------------------------------

static void drop_protocols(struct group_member *member)
{
    for (size_t i = 0; i < member->protocols.count; i++) {
        disown(member->protocols.items[i].name);
        disown(member->protocols.items[i].metadata);
    }
    vec_clear(&member->protocols);
}

void group__member_free(struct group_member *member)
{
    assert(!member->join && !member->sync);
    drop_protocols(member);
    vec_release(&member->protocols);
    disown(member->assignment);
    mem_free(member->id);
    mem_free(member->instance_id);
    mem_free(member->client_id);
    mem_free(member->client_host);
    mem_free(member);
}

static void take_join(struct group_member *member, struct group_join *join)
{
    drop_protocols(member);
    for (size_t i = 0; i < join->protocol_count; i++) {
        struct group_protocol protocol = {own(join->protocols[i].name),
                                          own(join->protocols[i].metadata)};
        vec_push(&member->protocols, protocol);
    }
    mem_free(member->client_id);
    mem_free(member->client_host);
    member->client_id = group__text(join->client_id);
    member->client_host = group__text(join->client_host);
    member->session_timeout_ms = join->session_timeout_ms;
    member->rebalance_timeout_ms = join->rebalance_timeout_ms;
    member->may_skip_assignment = join->may_skip_assignment;
}

bool group__member_knows(const struct group_member *member, struct bytes protocol)
{
    for (size_t i = 0; i < member->protocols.count; i++)
        if (bytes_equal(member->protocols.items[i].name, protocol))
            return true;
    return false;
}

bool group__same_protocols(const struct group_member *member, const struct group_join *join)
{
    if (member->protocols.count != join->protocol_count)
        return false;
    for (size_t i = 0; i < join->protocol_count; i++)
        if (!bytes_equal(member->protocols.items[i].name, join->protocols[i].name) ||
            !bytes_equal(member->protocols.items[i].metadata, join->protocols[i].metadata))
            return false;
    return true;
}

struct group_member *group__member_of_instance(struct group *group, struct bytes instance_id)
{
    for (size_t i = 0; i < group->members.count; i++) {
        struct group_member *member = group->members.items[i];
        if (member->instance_id && bytes_is(instance_id, member->instance_id))
            return member;
    }
    return NULL;
}

err_t group__find_caller(struct group *group, const struct group_caller *caller,
                         struct group_member **out)
{
    if (caller->instance_id.ptr) {
        struct group_member *member = group__member_of_instance(group, caller->instance_id);
        if (!member)
            return ERR_UNKNOWN_MEMBER;
        *out = member;
        return bytes_is(caller->member_id, member->id) ? ERR_OK : ERR_FENCED_INSTANCE;
    }
    for (size_t i = 0; i < group->members.count; i++) {
        if (bytes_is(caller->member_id, group->members.items[i]->id)) {
            *out = group->members.items[i];
            return ERR_OK;
        }
    }
    return ERR_UNKNOWN_MEMBER;
}

void group__touch(struct group_member *member)
{
    member->expires_us = clock_mono_us() + (int64_t)member->session_timeout_ms * 1000;
}

void group__assign(struct group_member *member, struct bytes assignment)
{
    struct bytes copy = own(assignment);
    disown(member->assignment);
    member->assignment = copy;
}

void group__enter(struct group *group, enum group_state state)
{
    group->state = state;
    group->state_since_ms = clock_now_ms();
}

// --- answers -------------------------------------------------------------------------

static struct bytes metadata_of(const struct group_member *member, const char *protocol)
{
    for (size_t i = 0; i < member->protocols.count; i++)
        if (protocol && bytes_is(member->protocols.items[i].name, protocol))
            return member->protocols.items[i].metadata;
    return bytes_make("", 0);
}

static void list_members(struct group *group, struct group_join *join)
{
    join->members = ARENA_ARRAY(join->arena, struct group_join_member, group->members.count);
    join->member_count = group->members.count;
    for (size_t i = 0; i < group->members.count; i++) {
        const struct group_member *member = group->members.items[i];
        join->members[i].member_id = copy_text(join->arena, member->id);
        join->members[i].instance_id = copy_text(join->arena, member->instance_id);
        join->members[i].metadata = arena_bytes(join->arena, metadata_of(member, group->protocol));
    }
}

static void fill_join(struct group *group, struct group_member *member, struct group_join *join,
                      const char *leader)
{
    assert(leader);
    join->err = ERR_OK;
    join->generation = group->generation;
    join->new_member_id = copy_text(join->arena, member->id);
    join->leader = copy_text(join->arena, leader);
    join->protocol_name = copy_text(join->arena, group->protocol);
    join->group_protocol_type = copy_text(join->arena, group->protocol_type);
    join->skip_assignment = false;
    join->members = NULL;
    join->member_count = 0;
    if (strcmp(leader, member->id) == 0)
        list_members(group, join);
    list_push_back(&group->joins, &join->link);
}

void group__answer_current(struct group *group, struct group_member *member,
                           struct group_join *join)
{
    group__touch(member);
    fill_join(group, member, join, group->leader);
}

void group__finish_sync(struct group *group, struct group_member *member, err_t err)
{
    struct group_sync *sync = member->sync;
    member->sync = NULL;
    sync->err = err;
    sync->group_protocol_type = copy_text(sync->arena, group->protocol_type);
    sync->group_protocol_name = copy_text(sync->arena, group->protocol);
    sync->assignment = err == ERR_OK && member->assignment.ptr
                           ? arena_bytes(sync->arena, member->assignment)
                           : bytes_make("", 0);
    group__touch(member);
    list_push_back(&group->syncs, &sync->link);
}

// --- rebalance -----------------------------------------------------------------------

// The protocol all members know that most of them like best; on a tie the leader's order decides.
static const char *vote(const struct group *group)
{
    const struct group_member *first = group->members.items[0];
    struct bytes best = BYTES_NULL;
    size_t best_votes = 0;
    for (size_t p = 0; p < first->protocols.count; p++) {
        struct bytes name = first->protocols.items[p].name;
        size_t known = 0;
        for (size_t i = 0; i < group->members.count; i++)
            known += group__member_knows(group->members.items[i], name);
        if (known < group->members.count)
            continue;
        size_t votes = 1;
        for (size_t i = 0; i < group->members.count; i++) {
            const struct group_member *member = group->members.items[i];
            for (size_t q = 0; q < member->protocols.count; q++) {
                bool common = group__member_knows(first, member->protocols.items[q].name);
                if (!common)
                    continue;
                votes += bytes_equal(member->protocols.items[q].name, name);
                break;
            }
        }
        if (votes > best_votes) {
            best = name;
            best_votes = votes;
        }
    }
    return (const char *)best.ptr;
}

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
    set_text(&group->protocol, NULL);
    set_text(&group->leader, NULL);
    group->generation++;
    group__enter(group, GROUP_EMPTY);
}

static struct group_member *member_by_id(struct group *group, const char *id)
{
    for (size_t i = 0; id && i < group->members.count; i++)
        if (strcmp(group->members.items[i]->id, id) == 0)
            return group->members.items[i];
    return NULL;
}

// The leader must be among those that joined. False when nobody did.
static bool elect(struct group *group)
{
    struct group_member *leader = member_by_id(group, group->leader);
    if (leader && leader->join)
        return true;
    for (size_t i = 0; i < group->members.count; i++) {
        if (group->members.items[i]->join) {
            set_text(&group->leader, group->members.items[i]->id);
            return true;
        }
    }
    return false;
}

// Starts the next generation with those that have joined.
static void complete(struct group *group)
{
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
    char *protocol = mem_strdup(vote(group));
    mem_free(group->protocol);
    group->protocol = protocol;
    group__enter(group, GROUP_COMPLETING);
    group->rebalance_until_us = now_us + longest_rebalance_us(group);
    LOG_DEBUG("broker", "group goes to its next generation",
              "group=%s generation=%d members=%zu protocol=%s", group->id, group->generation,
              group->members.count, group->protocol);
    for (size_t i = 0; i < group->members.count; i++) {
        struct group_member *member = group->members.items[i];
        group__assign(member, bytes_make("", 0));
        if (!member->join)
            continue;
        struct group_join *join = member->join;
        member->join = NULL;
        member->fresh = false;
        group__touch(member);
        fill_join(group, member, join, group->leader);
    }
}

void group__maybe_complete(struct group *group)
{
    if (group->state != GROUP_PREPARING || group->pending.count)
        return;
    for (size_t i = 0; i < group->members.count; i++)
        if (!group->members.items[i]->join)
            return;
    complete(group);
}

static void prepare(struct group *group)
{
    if (group->state == GROUP_PREPARING) {
        group__maybe_complete(group);
        return;
    }
    for (size_t i = 0; i < group->members.count; i++)
        if (group->members.items[i]->sync)
            group__finish_sync(group, group->members.items[i], ERR_REBALANCE);
    group__enter(group, GROUP_PREPARING);
    group->rebalance_until_us = clock_mono_us() + longest_rebalance_us(group);
    group__maybe_complete(group);
}

static void hold(struct group_member *member, struct group_join *join)
{
    member->join = join;
    if (member->fresh)
        member->expires_us = clock_mono_us() + (int64_t)GROUP_NEW_MEMBER_MS * 1000;
}

void group__add_member(struct group *group, const char *id, struct group_join *join)
{
    struct group_member *member = MEM_NEW(struct group_member);
    member->id = mem_strdup(id);
    member->instance_id = join->instance_id.ptr ? group__text(join->instance_id) : NULL;
    member->fresh = true;
    take_join(member, join);
    if (group->members.count == 0) {
        char *type = group__text(join->protocol_type);
        mem_free(group->protocol_type);
        group->protocol_type = type;
    }
    vec_push(&group->members, member);
    if (!group->leader)
        set_text(&group->leader, id);
    hold(member, join);
    prepare(group);
}

static void answer_stale_join(struct group *group, struct group_member *member, err_t err)
{
    struct group_join *old = member->join;
    if (!old)
        return;
    member->join = NULL;
    old->err = err;
    old->generation = -1;
    old->new_member_id = copy_text(old->arena, member->id);
    list_push_back(&group->joins, &old->link);
}

void group__rejoin(struct group *group, struct group_member *member, struct group_join *join)
{
    // A second join of the same member takes the place of the first, whose connection is gone or
    // confused.
    answer_stale_join(group, member, ERR_REBALANCE);
    take_join(member, join);
    hold(member, join);
    group__touch(member);
    prepare(group);
}

void group__replace_static(struct group *group, struct group_member *member, const char *id,
                           struct group_join *join)
{
    char *old_leader = group->leader ? mem_strdup(group->leader) : NULL;
    bool led = old_leader && strcmp(old_leader, member->id) == 0;
    bool same = group__same_protocols(member, join);
    answer_stale_join(group, member, ERR_FENCED_INSTANCE);
    if (member->sync)
        group__finish_sync(group, member, ERR_FENCED_INSTANCE);
    set_text(&member->id, id);
    if (led)
        set_text(&group->leader, id);
    take_join(member, join);
    group__touch(member);
    if (group->state == GROUP_STABLE && same) {
        // Nothing changed for the others. A leader is told to leave the assignments as they are: by
        // a flag since v9, before by naming its old self the leader.
        bool skip = led && join->may_skip_assignment;
        fill_join(group, member, join, led && !skip ? old_leader : group->leader);
        join->skip_assignment = skip;
    } else {
        hold(member, join);
        prepare(group);
    }
    mem_free(old_leader);
}

void group__remove_member(struct group *group, struct group_member *member)
{
    answer_stale_join(group, member, ERR_UNKNOWN_MEMBER);
    if (member->sync)
        group__finish_sync(group, member, ERR_UNKNOWN_MEMBER);
    for (size_t i = 0; i < group->members.count; i++) {
        if (group->members.items[i] == member) {
            vec_remove(&group->members, i);
            break;
        }
    }
    if (group->leader && strcmp(group->leader, member->id) == 0)
        set_text(&group->leader, group->members.count ? group->members.items[0]->id : NULL);
    group__member_free(member);
    if (group->state == GROUP_STABLE || group->state == GROUP_COMPLETING ||
        group->state == GROUP_PREPARING)
        prepare(group);
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
    for (size_t i = 0; i < group->members.count;) {
        struct group_member *member = group->members.items[i];
        if (!is_silent(member, now_us)) {
            i++;
            continue;
        }
        LOG_INFO("broker", "a member was silent past its session", "group=%s member=%s", group->id,
                 member->id);
        group__remove_member(group, member);
        i = 0;
    }
}

// The rebalance timeout is over: on without the dynamic members that did not come.
static void give_up_waiting(struct group *group)
{
    bool joining = group->state == GROUP_PREPARING;
    for (size_t i = group->members.count; i-- > 0;) {
        struct group_member *member = group->members.items[i];
        if (joining ? member->join || member->instance_id : member->sync != NULL)
            continue;
        LOG_INFO("broker", "a member did not take part in the rebalance", "group=%s member=%s",
                 group->id, member->id);
        vec_remove(&group->members, i);
        if (strcmp(group->leader, member->id) == 0)
            set_text(&group->leader, group->members.count ? group->members.items[0]->id : NULL);
        group__member_free(member);
    }
    if (joining)
        complete(group);
    else
        prepare(group);
}

void group__expire(struct group *group)
{
    int64_t now_us = clock_mono_us();
    expire_pending(group, now_us);
    remove_silent(group, now_us);
    bool rebalancing = group->state == GROUP_PREPARING || group->state == GROUP_COMPLETING;
    if (rebalancing && now_us >= group->rebalance_until_us)
        give_up_waiting(group);
}

// --- subscriptions -------------------------------------------------------------------

bool group_subscribes(const struct group *group, struct bytes topic)
{
    bool found = false;
    if (!group->protocol_type || strcmp(group->protocol_type, "consumer") != 0)
        return false;
    struct arena arena = ARENA_INIT;
    for (size_t i = 0; i < group->members.count && !found; i++) {
        struct reader reader = reader_make(metadata_of(group->members.items[i], group->protocol));
        struct kafka_consumer_protocol_subscription subscription;
        int16_t version = reader_i16(&reader);
        if (version < 0 || !kafka_consumer_protocol_subscription_decode(
                               &subscription, version > 3 ? 3 : version, &reader, &arena))
            continue;
        for (int32_t t = 0; t < subscription.topics_count; t++)
            found = found || bytes_equal(subscription.topics[t], topic);
    }
    arena_release(&arena);
    return found;
}
