// SPDX-License-Identifier: Apache-2.0
//
// A member's way to its target (Kafka's CurrentAssignmentBuilder). A partition is first taken from
// the one who has it, and given to the next only when that one has said it owns it no more.
#include "broker/consumer_int.h"

#include "broker/assign.h"
#include "broker/consumer_records.h"
#include "os/clock.h"

bool consumer__is_reconciled(const struct consumer *consumer, const struct consumer_member *member)
{
    return member->state == CONSUMER_STABLE && member->epoch == consumer->target_epoch;
}

// What a move makes of a member.
struct step {
    struct consumer_parts assigned;
    struct consumer_parts revoking;
    struct consumer_parts added;
    bool waits; // for partitions others have not given up
};

static bool is_read(const struct assign_topic *topics, size_t count, const uint8_t id[16])
{
    struct assign reads = {.topics = topics, .topic_count = count};
    return assign_topic_index(&reads, id) >= 0;
}

// Does the member still own anything of what it shall give up? Silence means that it does.
static bool owns_any(const struct consumer_parts *owned, const struct consumer_parts *revoking)
{
    return !owned || consumer_parts_meet(owned, revoking);
}

// A partition that the member itself gives up is not held by somebody else.
static bool is_held(const struct consumer *consumer, const struct consumer_member *member,
                    const struct consumer_part *part)
{
    return consumer_owner_map_get(&consumer->owners, *part) &&
           !consumer_parts_find(&member->revoking, part->topic, part->partition);
}

static void compare(const struct consumer *consumer, const struct consumer_member *member,
                    struct step *step)
{
    size_t count;
    struct assign_topic *topics = consumer__topics_of(consumer, member, &count);
    for (size_t i = 0; i < member->assigned.count; i++) {
        const struct consumer_part *part = &member->assigned.items[i];
        bool keep = is_read(topics, count, part->topic) &&
                    consumer_parts_find(&member->target, part->topic, part->partition);
        consumer_parts_add(keep ? &step->assigned : &step->revoking, *part);
    }
    for (size_t i = 0; i < member->target.count; i++) {
        struct consumer_part part = member->target.items[i];
        if (!is_read(topics, count, part.topic) ||
            consumer_parts_find(&member->assigned, part.topic, part.partition))
            continue;
        if (is_held(consumer, member, &part)) {
            step->waits = true;
            continue;
        }
        part.epoch = consumer->target_epoch;
        consumer_parts_add(&step->added, part);
    }
    mem_free(topics);
}

static void set_epoch(struct consumer_member *member, int32_t epoch)
{
    member->previous_epoch = member->epoch;
    member->epoch = epoch;
}

static void advance(struct consumer *consumer, struct consumer_member *member,
                    const struct consumer_parts *owned)
{
    struct step step = {0};
    compare(consumer, member, &step);
    if (step.revoking.count && owns_any(owned, &step.revoking)) {
        member->state = CONSUMER_UNREVOKED;
        set_epoch(member, member->epoch);
    } else {
        vec_clear(&step.revoking);
        for (size_t i = 0; i < step.added.count; i++)
            consumer_parts_add(&step.assigned, step.added.items[i]);
        consumer_parts_sort(&step.assigned);
        member->state = step.waits ? CONSUMER_UNRELEASED : CONSUMER_STABLE;
        set_epoch(member, consumer->target_epoch);
    }
    consumer__set_parts(consumer, member, &step.assigned, &step.revoking);
    consumer_parts_release(&step.added);
}

// Without a newer target: gives up at once what it no longer reads.
static void drop_unread(struct consumer *consumer, struct consumer_member *member,
                        const struct consumer_parts *owned)
{
    struct consumer_parts assigned = {0};
    struct consumer_parts revoking = {0};
    size_t count;
    struct assign_topic *topics = consumer__topics_of(consumer, member, &count);
    consumer_parts_set(&revoking, &member->revoking);
    for (size_t i = 0; i < member->assigned.count; i++) {
        const struct consumer_part *part = &member->assigned.items[i];
        bool read = is_read(topics, count, part->topic);
        consumer_parts_add(read ? &assigned : &revoking, *part);
    }
    mem_free(topics);
    consumer_parts_sort(&revoking);
    if (assigned.count == member->assigned.count) {
        consumer_parts_release(&assigned);
        consumer_parts_release(&revoking);
        return;
    }
    if (owns_any(owned, &revoking))
        member->state = CONSUMER_UNREVOKED;
    else
        consumer_parts_set(&revoking, &member->revoking);
    set_epoch(member, member->epoch);
    consumer__set_parts(consumer, member, &assigned, &revoking);
}

static void move(struct consumer *consumer, struct consumer_member *member, bool resubscribed,
                 const struct consumer_parts *owned)
{
    bool has_revoked = !owns_any(owned, &member->revoking);
    if (member->state == CONSUMER_UNRELEASED ||
        (member->state == CONSUMER_STABLE && member->epoch != consumer->target_epoch) ||
        (member->state == CONSUMER_UNREVOKED && has_revoked))
        advance(consumer, member, owned);
    else if (resubscribed)
        drop_unread(consumer, member, owned);
}

// The time to revoke begins when there is something new to revoke, or in a new epoch. A classic
// member has a time to join and to sync instead.
static void watch_revocation(struct consumer_member *member, bool changed)
{
    if (member->state != CONSUMER_UNREVOKED || member->classic)
        member->revoke_until_us = 0;
    else if (changed)
        member->revoke_until_us = clock_mono_us() + (int64_t)member->rebalance_timeout_ms * 1000;
}

void consumer__reconcile(struct group *group, struct consumer_member *member, bool resubscribed,
                         const struct consumer_parts *owned, struct record_builder *records)
{
    struct consumer *consumer = group->consumer;
    if (!resubscribed && consumer__is_reconciled(consumer, member))
        return;
    struct consumer_parts assigned = {0};
    struct consumer_parts revoking = {0};
    enum consumer_state state = member->state;
    int32_t epoch = member->epoch;
    int32_t previous_epoch = member->previous_epoch;
    consumer_parts_set(&assigned, &member->assigned);
    consumer_parts_set(&revoking, &member->revoking);
    move(consumer, member, resubscribed, owned);
    bool changed = state != member->state || epoch != member->epoch ||
                   previous_epoch != member->previous_epoch ||
                   !consumer_parts_equal(&assigned, &member->assigned) ||
                   !consumer_parts_equal(&revoking, &member->revoking);
    if (changed)
        consumer_record_add_current(records, group, member);
    watch_revocation(member, changed);
    consumer_parts_release(&assigned);
    consumer_parts_release(&revoking);
}
