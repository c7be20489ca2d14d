// SPDX-License-Identifier: Apache-2.0
//
// Who may commit and fetch offsets of a KIP-848 group.
#include "broker/consumer_int.h"

enum { MEMBER_EPOCH_FROM = 9 }; // OffsetCommit that speaks of member epochs

static err_t stale(const struct consumer_member *member)
{
    return member->classic ? ERR_ILLEGAL_GENERATION : ERR_STALE_MEMBER_EPOCH;
}

err_t consumer_may_commit(const struct consumer *consumer, const struct group_caller *caller,
                          int16_t version, bool transactional)
{
    if (caller->generation < 0 && !consumer->members.count)
        return ERR_OK;
    if (transactional && caller->generation < 0 && !caller->member_id.size &&
        !caller->instance_id.ptr)
        return ERR_OK;
    const struct consumer_member *member = consumer_member(consumer, caller->member_id);
    if (!member)
        return ERR_UNKNOWN_MEMBER;
    if (!transactional && !member->classic && version < MEMBER_EPOCH_FROM)
        return ERR_UNSUPPORTED_VERSION;
    return caller->generation > member->epoch ? stale(member) : ERR_OK;
}

err_t consumer_may_commit_part(const struct consumer *consumer, const struct group_caller *caller,
                               const uint8_t topic[16], int32_t partition)
{
    const struct consumer_member *member = consumer_member(consumer, caller->member_id);
    if (!member || caller->generation == member->epoch)
        return ERR_OK;
    const struct consumer_part *part = consumer_parts_find(&member->assigned, topic, partition);
    if (!part)
        part = consumer_parts_find(&member->revoking, topic, partition);
    return part && caller->generation >= part->epoch ? ERR_OK : stale(member);
}

err_t consumer_may_fetch(const struct consumer *consumer, struct bytes member_id, int32_t epoch)
{
    if (!member_id.ptr && epoch < 0)
        return ERR_OK;
    const struct consumer_member *member = consumer_member(consumer, member_id);
    if (!member)
        return ERR_UNKNOWN_MEMBER;
    return epoch == member->epoch ? ERR_OK : stale(member);
}
