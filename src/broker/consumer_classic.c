// SPDX-License-Identifier: Apache-2.0
//
// Members of the classic protocol in a KIP-848 group: JoinGroup is to them what the heartbeat is to
// the others, SyncGroup tells what they have, Heartbeat whether they must join again. No join waits
// for another, and nobody is the leader: the group assigns.
#include "broker/consumer_int.h"

#include "broker/consumer_embedded.h"
#include "broker/group_write.h"
#include "os/clock.h"

// --- who -----------------------------------------------------------------------------

static err_t find(const struct group *group, const struct group_caller *caller,
                  struct consumer_member **out)
{
    const struct consumer *consumer = group->consumer;
    if (group_unsaved(group))
        return ERR_COORDINATOR_NOT_AVAILABLE;
    *out = caller->instance_id.ptr ? consumer__of_instance(consumer, caller->instance_id)
                                   : consumer_member(consumer, caller->member_id);
    if (!*out)
        return ERR_UNKNOWN_MEMBER;
    if (caller->instance_id.ptr)
        TRY(consumer__check_fenced(*out, caller->member_id));
    if (!(*out)->classic)
        return ERR_UNKNOWN_MEMBER;
    return caller->generation == (*out)->epoch ? ERR_OK : ERR_ILLEGAL_GENERATION;
}

static err_t must_rejoin(struct consumer_member *member)
{
    if (!member->classic->join_until_us)
        member->classic->join_until_us =
            clock_mono_us() + (int64_t)member->rebalance_timeout_ms * 1000;
    return ERR_REBALANCE;
}

// --- Heartbeat and SyncGroup ---------------------------------------------------------

// Do others still hold anything of what it shall get?
static bool waits_for_others(const struct consumer *consumer, const struct consumer_member *member)
{
    for (size_t i = 0; i < member->target.count; i++) {
        const struct consumer_part *part = &member->target.items[i];
        if (!consumer_parts_find(&member->assigned, part->topic, part->partition) &&
            consumer_owner_map_get(&consumer->owners, *part))
            return true;
    }
    return false;
}

err_t consumer_classic_beat(struct group *group, const struct group_caller *caller)
{
    const struct consumer *consumer = group->consumer;
    struct consumer_member *member;
    TRY(find(group, caller, &member));
    consumer__touch(group, member);
    bool rejoin = member->epoch < consumer->target_epoch || member->state == CONSUMER_UNREVOKED ||
                  (member->state == CONSUMER_UNRELEASED && !waits_for_others(consumer, member));
    return rejoin ? must_rejoin(member) : ERR_OK;
}

err_t consumer_sync(struct group *group, struct group_sync *sync)
{
    const struct consumer *consumer = group->consumer;
    struct consumer_member *member;
    TRY(find(group, &sync->caller, &member));
    const struct group_protocol *protocol = &member->classic->protocols.items[0];
    if ((sync->protocol_type.ptr && !bytes_is(sync->protocol_type, "consumer")) ||
        (sync->protocol_name.ptr && !bytes_equal(sync->protocol_name, protocol->name)))
        return ERR_INCONSISTENT_PROTOCOL;
    // Who has something to revoke has joined already, and does so again once it has.
    if (consumer->target_epoch > member->epoch && member->state != CONSUMER_UNREVOKED)
        return must_rejoin(member);
    member->classic->sync_until_us = 0;
    consumer__touch(group, member);
    sync->group_protocol_type = sync->protocol_type;
    sync->group_protocol_name = sync->protocol_name;
    sync->assignment = consumer_assignment_write(consumer->env, &member->assigned,
                                                 protocol->metadata, sync->arena);
    return ERR_OK;
}

// --- JoinGroup: checks ---------------------------------------------------------------

static err_t check(const struct group *group, const struct group_join *join)
{
    const struct consumer *consumer = group->consumer;
    size_t bytes = group_protocols_bytes(join->protocols, join->protocol_count);
    if (!consumer->env->upgrades && !consumer->env->downgrades)
        return ERR_INCONSISTENT_PROTOCOL;
    if ((consumer->members.count >= (size_t)consumer__members_max(consumer->env, group->id) &&
         !consumer_member(consumer, join->member_id)) ||
        consumer->classic_bytes + bytes > GROUP_BYTES_MAX)
        return ERR_GROUP_FULL;
    if (!bytes_is(join->protocol_type, "consumer") ||
        !group_votes_agree(&consumer->votes, consumer->classics, join->protocols,
                           join->protocol_count))
        return ERR_INCONSISTENT_PROTOCOL;
    bool nameless = !join->member_id.size && !join->instance_id.ptr;
    return nameless && join->member_id_required ? ERR_MEMBER_ID_REQUIRED : ERR_OK;
}

// `*out` is NULL for a new member.
static err_t find_joiner(const struct consumer *consumer, const struct group_join *join,
                         struct consumer_member **out)
{
    *out = join->instance_id.ptr ? consumer__of_instance(consumer, join->instance_id)
                                 : consumer_member(consumer, join->member_id);
    if (!join->instance_id.ptr || !join->member_id.size)
        return ERR_OK;
    return *out ? consumer__check_fenced(*out, join->member_id) : ERR_UNKNOWN_MEMBER;
}

// --- JoinGroup -----------------------------------------------------------------------

static void refuse(struct group *group, struct group_join *join, err_t err)
{
    join->new_member_id = err == ERR_MEMBER_ID_REQUIRED ? bytes_from(consumer__make_id(join->arena))
                                                        : bytes_make("", 0);
    group__refuse(group, join, err);
}

static void answer(struct group_join *join, const struct consumer_member *member)
{
    join->err = ERR_OK;
    join->generation = member->epoch;
    join->new_member_id = group__copy(join->arena, member->id);
    join->leader = bytes_make("", 0);
    join->protocol_name = arena_bytes(join->arena, member->classic->protocols.items[0].name);
    join->group_protocol_type = bytes_from("consumer");
    join->skip_assignment = false;
    join->members = NULL;
    join->member_count = 0;
}

// Durable: the member's time to sync begins.
static void joined(struct group_write *write)
{
    struct group *group = write->group;
    struct group_join *join = write->ctx;
    struct consumer_member *member =
        group->consumer ? consumer_member(group->consumer, join->new_member_id) : NULL;
    if (write->err != ERR_OK) {
        join->err = ERR_COORDINATOR_NOT_AVAILABLE;
        join->generation = -1;
    } else if (member && member->classic) {
        member->classic->join_until_us = 0;
        member->classic->sync_until_us =
            clock_mono_us() + (int64_t)member->rebalance_timeout_ms * 1000;
        consumer__touch(group, member);
    }
    list_push_back(&group->joins, &join->link);
}

static struct consumer_words words_of(const struct group_join *join,
                                      const struct consumer_member *member,
                                      const struct consumer_subscribed *says)
{
    bool had_regex = member->regex && *member->regex;
    return (struct consumer_words){
        .instance_id = join->instance_id,
        .rack_id = says->rack_id,
        .regex = had_regex ? bytes_make("", 0) : BYTES_NULL,
        .client_id = join->client_id,
        .client_host = join->client_host,
        .topics = says->topics,
        .topic_count = says->topic_count,
        .rebalance_timeout_ms = join->rebalance_timeout_ms,
        .session_ms = join->session_timeout_ms,
        .protocols = join->protocols,
        .protocol_count = join->protocol_count,
    };
}

static bool all_reconciled(const struct consumer *consumer)
{
    for (size_t i = 0; i < consumer->members.count; i++)
        if (!consumer__is_reconciled(consumer, consumer->members.items[i]))
            return false;
    return true;
}

static void admit(struct group *group, struct group_join *join, struct consumer_member *member,
                  const struct consumer_subscribed *says)
{
    struct consumer *consumer = group->consumer;
    struct record_builder records = {0};
    int32_t epoch = consumer->epoch;
    // A static member that was the last to speak KIP-848 has come back with the classic protocol.
    bool downgrade = member && join->instance_id.ptr && !member->classic &&
                     consumer__may_downgrade(consumer, &member, 1);
    const char *id = join->member_id.size ? arena_text(join->arena, join->member_id)
                                          : consumer__make_id(join->arena);
    if (!member)
        member = consumer__add_member(consumer, id);
    else if (!bytes_is(join->member_id, member->id))
        consumer__replace(group, member, id, &records);
    struct consumer_words words = words_of(join, member, says);
    struct consumer_update change = consumer__update(group, member, &words, &records);
    bool resubscribed = change.topics || change.regex != REGEX_SAME;
    consumer__maybe_bump(group, resubscribed, &records);
    if (!downgrade)
        consumer__retarget(group, &records);
    if (!downgrade || consumer->target_epoch >= consumer->epoch)
        consumer__reconcile(group, member, resubscribed, &says->owned, &records);
    consumer__touch(group, member);
    answer(join, member);
    if (downgrade)
        consumer__downgrade(group, epoch,
                            consumer->target_epoch < consumer->epoch || !all_reconciled(consumer),
                            &records);
    struct group_write *write = MEM_NEW(struct group_write);
    write->keep = true;
    write->done = joined;
    write->ctx = join;
    group_write(group, &records, write);
}

void consumer_join(struct group *group, struct group_join *join)
{
    struct consumer *consumer = group->consumer;
    struct consumer_subscribed says = {0};
    struct consumer_member *member = NULL;
    err_t err = check(group, join);
    if (err == ERR_OK)
        err = find_joiner(consumer, join, &member);
    if (err == ERR_OK &&
        !consumer_subscribed_read(consumer->env, join->protocols[0].metadata, join->arena, &says))
        err = ERR_INCONSISTENT_PROTOCOL;
    if (err == ERR_OK)
        admit(group, join, member, &says);
    else
        refuse(group, join, err);
    consumer_parts_release(&says.owned);
}
