// SPDX-License-Identifier: Apache-2.0
//
// From the classic protocol to KIP-848 and back, with members in the group. What each member has
// stays its own: a classic group's last assignment is what its members own and shall own in the new
// one, and the other way round.
#include "broker/consumer_int.h"

#include "base/log.h"
#include "broker/consumer_embedded.h"
#include "broker/consumer_records.h"
#include "broker/group_records.h"
#include "os/clock.h"

// --- upgrade -------------------------------------------------------------------------

static err_t check_upgrade(const struct group *group, const struct consumer_env *env,
                           struct diag *diag)
{
    const char *why = NULL;
    if (!env->upgrades)
        why = "online upgrade is disabled";
    else if (!group->protocol_type || strcmp(group->protocol_type, "consumer") != 0)
        why = "the group does not use the consumer embedded protocol";
    if (!why)
        return ERR_OK;
    return FAIL(diag, ERR_GROUP_NOT_FOUND,
                "Cannot upgrade classic group %s to consumer group because %s.", group->id, why);
}

static err_t malformed(const struct group *group, err_t err, struct diag *diag)
{
    return FAIL(diag, ERR_GROUP_NOT_FOUND,
                "Cannot upgrade classic group %s to consumer group because %s.", group->id,
                err == ERR_UNSUPPORTED_VERSION
                    ? "an unsupported custom assignor is in use. Please refer to the documentation "
                      "or switch to a default assignor before re-attempting the upgrade"
                    : "the embedded consumer protocol is malformed");
}

// What it says in the protocol the group has voted for; who came since then may not know that one.
static struct bytes metadata_of(const struct group *group, const struct group_member *member)
{
    struct bytes metadata = group__metadata(member, group->protocol);
    return metadata.size || !member->protocols.count ? metadata
                                                     : member->protocols.items[0].metadata;
}

static void set_epochs(struct consumer_parts *parts, int32_t epoch)
{
    for (size_t i = 0; i < parts->count; i++)
        parts->items[i].epoch = epoch;
}

static char *text_or_null(struct bytes text)
{
    return text.ptr ? group__text(text) : NULL;
}

static void take_over(struct consumer *consumer, const struct group_member *from,
                      const struct consumer_subscribed *says, struct consumer_parts *assigned)
{
    struct consumer_parts none = {0};
    struct consumer_member *member = consumer__add_member(consumer, from->id);
    if (from->instance_id)
        consumer__set_instance(consumer, member, bytes_from(from->instance_id));
    member->rack_id = text_or_null(says->rack_id);
    member->client_id = mem_strdup(from->client_id);
    member->client_host = mem_strdup(from->client_host);
    member->rebalance_timeout_ms = from->rebalance_timeout_ms;
    member->epoch = member->previous_epoch = consumer->epoch;
    member->has_target = true;
    consumer__set_classic(consumer, member, from->session_timeout_ms, from->protocols.items,
                          from->protocols.count);
    consumer__set_topics(consumer, member, says->topics, says->topic_count);
    set_epochs(assigned, consumer->epoch);
    consumer_parts_set(&member->target, assigned);
    consumer__set_parts(consumer, member, assigned, &none);
    member->expires_us = clock_mono_us() + (int64_t)from->session_timeout_ms * 1000;
}

static err_t upgrade_member(const struct group *group, const struct group_member *from,
                            struct consumer *consumer, struct diag *diag)
{
    struct arena arena = ARENA_INIT;
    struct consumer_subscribed says = {0};
    struct consumer_parts assigned = {0};
    err_t err = consumer_assignment_read(consumer->env, from->assignment, &assigned);
    if (err == ERR_OK &&
        !consumer_subscribed_read(consumer->env, metadata_of(group, from), &arena, &says))
        err = ERR_INCONSISTENT_PROTOCOL;
    if (err == ERR_OK)
        take_over(consumer, from, &says, &assigned);
    else
        err = malformed(group, err, diag);
    consumer_parts_release(&assigned);
    consumer_parts_release(&says.owned);
    arena_release(&arena);
    return err;
}

// In the middle of a cooperative rebalance a member may still have what nobody is assigned any
// more: it has to say that it gave it up before another gets it.
static void hold_on(struct consumer *consumer, const struct group *group)
{
    for (size_t i = 0; i < consumer->members.count; i++) {
        struct arena arena = ARENA_INIT;
        struct consumer_subscribed says = {0};
        struct consumer_parts assigned = {0};
        struct consumer_parts held = {0};
        struct consumer_member *member = consumer->members.items[i];
        bool read = consumer_subscribed_read(
            consumer->env, metadata_of(group, group->members.items[i]), &arena, &says);
        for (size_t k = 0; read && k < says.owned.count; k++)
            if (!consumer_owner_map_get(&consumer->owners, says.owned.items[k]))
                consumer_parts_add(&held, says.owned.items[k]);
        set_epochs(&held, consumer->epoch);
        if (held.count) {
            member->state = CONSUMER_UNREVOKED;
            consumer_parts_set(&assigned, &member->assigned);
            consumer__set_parts(consumer, member, &assigned, &held);
        }
        consumer_parts_release(&held);
        consumer_parts_release(&says.owned);
        arena_release(&arena);
    }
}

err_t consumer__upgrade(const struct group *group, struct consumer_env *env, struct consumer **out,
                        struct diag *diag)
{
    TRY(check_upgrade(group, env, diag));
    err_t err = ERR_OK;
    struct consumer *consumer = consumer__new(env);
    if (group->generation > consumer->epoch)
        consumer->epoch = group->generation;
    consumer->target_epoch = consumer->epoch;
    for (size_t i = 0; i < group->members.count && err == ERR_OK; i++)
        err = upgrade_member(group, group->members.items[i], consumer, diag);
    if (err != ERR_OK) {
        consumer_free(consumer);
        return err;
    }
    hold_on(consumer, group);
    consumer->topics_version = env->version(env);
    consumer->topics_hash = consumer__topics_hash(consumer);
    *out = consumer;
    return ERR_OK;
}

static void add_records(struct record_builder *records, const struct group *group)
{
    const struct consumer *consumer = group->consumer;
    size_t count = consumer->members.count;
    for (size_t i = 0; i < count; i++)
        consumer_record_add_member(records, group, consumer->members.items[i]);
    consumer_record_add_group(records, group);
    for (size_t i = 0; i < count; i++)
        consumer_record_add_target_member(records, group, consumer->members.items[i]);
    consumer_record_add_target(records, group);
    for (size_t i = 0; i < count; i++)
        consumer_record_add_current(records, group, consumer->members.items[i]);
}

void consumer__become(struct group *group, struct consumer *consumer,
                      struct record_builder *records)
{
    for (size_t i = 0; i < group->members.count; i++) {
        struct group_member *member = group->members.items[i];
        group__answer_held_join(group, member, ERR_REBALANCE);
        if (member->sync)
            group__finish_sync(group, member, ERR_REBALANCE);
    }
    group_record_add_tombstone(records, group);
    group__reset(group);
    group->consumer = consumer;
    add_records(records, group);
    LOG_INFO("broker", "a classic group speaks KIP-848 from now on",
             "group=%s members=%zu epoch=%d", group->id, consumer->members.count, consumer->epoch);
}

// --- downgrade -----------------------------------------------------------------------

bool consumer__may_downgrade(const struct consumer *consumer,
                             struct consumer_member *const *leaving, size_t count)
{
    size_t classics = consumer->classics;
    for (size_t i = 0; i < count; i++)
        classics -= leaving[i]->classic != NULL;
    return classics == consumer->members.count - count && consumer->env->downgrades;
}

static void give_back(struct group *group, const struct consumer_member *from)
{
    struct group_join join = {
        .instance_id = from->instance_id ? bytes_from(from->instance_id) : BYTES_NULL,
        .client_id = bytes_from(from->client_id),
        .client_host = bytes_from(from->client_host),
        .protocols = from->classic->protocols.items,
        .protocol_count = from->classic->protocols.count,
        .session_timeout_ms = from->classic->session_ms,
        .rebalance_timeout_ms = from->rebalance_timeout_ms,
    };
    struct group_member *member = group__new_member(group, from->id, &join);
    member->synced = true;
    group__touch(member);
}

// What they have, and are still to give up, not what they shall have: the next one to count on it
// may be an upgrade.
static void assign(struct group *group, const struct consumer *consumer)
{
    for (size_t i = 0; i < group->members.count; i++) {
        struct arena arena = ARENA_INIT;
        struct consumer_parts parts = {0};
        struct group_member *member = group->members.items[i];
        const struct consumer_member *was = consumer_member(consumer, bytes_from(member->id));
        consumer_parts_set(&parts, &was->assigned);
        for (size_t k = 0; k < was->revoking.count; k++)
            consumer_parts_add(&parts, was->revoking.items[k]);
        consumer_parts_sort(&parts);
        group__assign(member,
                      consumer_assignment_write(consumer->env, &parts,
                                                group__metadata(member, group->protocol), &arena));
        consumer_parts_release(&parts);
        arena_release(&arena);
    }
}

void consumer__downgrade(struct group *group, int32_t generation, bool rebalance,
                         struct record_builder *records)
{
    struct consumer *consumer = group->consumer;
    for (size_t i = 0; i < consumer->members.count; i++)
        consumer_record_add_gone(records, group, consumer->members.items[i]->id);
    consumer_record_add_group_gone(records, group);
    group__reset(group);
    group->consumer = NULL;
    group->generation = generation;
    group->protocol_type = mem_strdup("consumer");
    for (size_t i = 0; i < consumer->members.count; i++)
        if (!consumer->members.items[i]->leaving)
            give_back(group, consumer->members.items[i]);
    group__set_text(&group->protocol, group__vote(group));
    assign(group, consumer);
    group__enter(group, GROUP_STABLE);
    if (rebalance)
        group__prepare(group);
    group_record_add(records, group, false);
    consumer_free(consumer);
    LOG_INFO("broker", "a group speaks the classic protocol again", "group=%s members=%zu",
             group->id, group->members.count);
}

void consumer__fence(struct group *group, struct consumer_member **members, size_t count,
                     struct record_builder *records)
{
    struct consumer *consumer = group->consumer;
    for (size_t i = 0; i < count; i++)
        members[i]->leaving = true;
    if (count < consumer->members.count && consumer__may_downgrade(consumer, members, count))
        consumer__downgrade(group, consumer->epoch, true, records);
    else
        consumer__remove(group, members, count, records);
}
