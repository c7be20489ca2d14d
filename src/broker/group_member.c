// SPDX-License-Identifier: Apache-2.0
#include "broker/group_int.h"

#include "base/mem.h"
#include "os/clock.h"

#include <assert.h>

static struct bytes own(struct bytes bytes)
{
    return bytes_make(group__text(bytes), bytes.size);
}

static void disown(struct bytes bytes)
{
    mem_free((void *)(uintptr_t)bytes.ptr);
}

// --- the protocols members know ------------------------------------------------------

static void count_protocols(struct group *group, const struct group_member *member)
{
    group_votes_add(&group->votes, &member->protocols);
    group->metadata_bytes += member->protocols.bytes;
}

static void discount_protocols(struct group *group, const struct group_member *member)
{
    group_votes_drop(&group->votes, &member->protocols);
    group->metadata_bytes -= member->protocols.bytes;
}

bool group__has_common_protocol(const struct group *group, const struct group_join *join)
{
    if (join->protocol_type.size == 0 || join->protocol_count == 0)
        return false;
    if (group->members.count == 0)
        return true;
    if (!group->protocol_type || !bytes_is(join->protocol_type, group->protocol_type))
        return false;
    return group_votes_agree(&group->votes, group->members.count, join->protocols,
                             join->protocol_count);
}

// Each member votes for the first of its protocols that all know; on a tie the order of the first
// member decides.
const char *group__vote(const struct group *group)
{
    for (size_t i = 0; i < group->votes.capacity; i++)
        if (group->votes.used[i])
            group->votes.values[i]->votes = 0;
    for (size_t i = 0; i < group->members.count; i++) {
        const struct group_member *member = group->members.items[i];
        for (size_t p = 0; p < member->protocols.count; p++) {
            struct group_vote *vote =
                group_votes_find(&group->votes, member->protocols.items[p].name);
            if (vote->count < group->members.count)
                continue;
            vote->votes++;
            break;
        }
    }
    const struct group_member *first = group->members.items[0];
    const struct group_vote *best = NULL;
    for (size_t p = 0; p < first->protocols.count; p++) {
        const struct group_vote *vote =
            group_votes_find(&group->votes, first->protocols.items[p].name);
        if (vote->votes && (!best || vote->votes > best->votes))
            best = vote;
    }
    return best ? best->name : NULL;
}

bool group__same_protocols(const struct group_member *member, const struct group_join *join)
{
    return group_protocols_same(&member->protocols, join->protocols, join->protocol_count);
}

struct bytes group__metadata(const struct group_member *member, const char *protocol)
{
    return group_protocols_metadata(&member->protocols, protocol);
}

// --- members -------------------------------------------------------------------------

static void free_member(struct group_member *member)
{
    assert(!member->join && !member->sync);
    group_protocols_release(&member->protocols);
    disown(member->assignment);
    disown(member->next_assignment);
    mem_free(member->id);
    mem_free(member->instance_id);
    mem_free(member->client_id);
    mem_free(member->client_host);
    mem_free(member);
}

void group__take_join(struct group *group, struct group_member *member,
                      const struct group_join *join)
{
    discount_protocols(group, member);
    group_protocols_set(&member->protocols, join->protocols, join->protocol_count);
    count_protocols(group, member);
    mem_free(member->client_id);
    mem_free(member->client_host);
    member->client_id = group__text(join->client_id);
    member->client_host = group__text(join->client_host);
    member->session_timeout_ms = join->session_timeout_ms;
    member->rebalance_timeout_ms = join->rebalance_timeout_ms;
    member->may_skip_assignment = join->may_skip_assignment;
}

struct group_member *group__new_member(struct group *group, const char *id,
                                       const struct group_join *join)
{
    struct group_member *member = MEM_NEW(struct group_member);
    member->id = mem_strdup(id);
    member->instance_id = join->instance_id.ptr ? group__text(join->instance_id) : NULL;
    vec_push(&group->members, member);
    *group_member_map_put(&group->by_id, bytes_from(member->id), NULL) = member;
    if (member->instance_id)
        *group_member_map_put(&group->by_instance, bytes_from(member->instance_id), NULL) = member;
    group__take_join(group, member, join);
    if (!group->leader)
        group__set_text(&group->leader, id);
    return member;
}

void group__drop_member(struct group *group, struct group_member *member)
{
    for (size_t i = 0; i < group->members.count; i++) {
        if (group->members.items[i] == member) {
            vec_remove(&group->members, i);
            break;
        }
    }
    discount_protocols(group, member);
    group_member_map_remove(&group->by_id, bytes_from(member->id));
    if (member->instance_id)
        group_member_map_remove(&group->by_instance, bytes_from(member->instance_id));
    if (group->leader && strcmp(group->leader, member->id) == 0)
        group__set_text(&group->leader, group->members.count ? group->members.items[0]->id : NULL);
    free_member(member);
}

void group__rename_member(struct group *group, struct group_member *member, const char *id)
{
    if (group->leader && strcmp(group->leader, member->id) == 0)
        group__set_text(&group->leader, id);
    group_member_map_remove(&group->by_id, bytes_from(member->id));
    group__set_text(&member->id, id);
    *group_member_map_put(&group->by_id, bytes_from(member->id), NULL) = member;
}

struct group_member *group__member(const struct group *group, struct bytes id)
{
    struct group_member **found = group_member_map_get(&group->by_id, id);
    return found ? *found : NULL;
}

struct group_member *group__member_of_instance(const struct group *group, struct bytes instance_id)
{
    struct group_member **found = group_member_map_get(&group->by_instance, instance_id);
    return found ? *found : NULL;
}

err_t group__find_caller(const struct group *group, const struct group_caller *caller,
                         struct group_member **out)
{
    if (caller->instance_id.ptr) {
        *out = group__member_of_instance(group, caller->instance_id);
        if (!*out)
            return ERR_UNKNOWN_MEMBER;
        return bytes_is(caller->member_id, (*out)->id) ? ERR_OK : ERR_FENCED_INSTANCE;
    }
    *out = group__member(group, caller->member_id);
    return *out ? ERR_OK : ERR_UNKNOWN_MEMBER;
}

void group__lead(struct group *group, struct bytes id)
{
    const struct group_member *member = group__member(group, id);
    if (member)
        group__set_text(&group->leader, member->id);
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

void group__set_next(struct group_member *member, struct bytes assignment)
{
    struct bytes copy = own(assignment);
    disown(member->next_assignment);
    member->next_assignment = copy;
}

void group__hold(struct group *group, struct group_member *member, struct group_join *join)
{
    assert(!member->join);
    member->join = join;
    group->joined++;
}

struct group_join *group__let_go(struct group *group, struct group_member *member)
{
    struct group_join *join = member->join;
    member->join = NULL;
    group->joined -= join != NULL;
    return join;
}

void group__reset(struct group *group)
{
    for (size_t i = 0; i < group->members.count; i++)
        free_member(group->members.items[i]);
    for (size_t i = 0; i < group->pending.count; i++)
        mem_free(group->pending.items[i].id);
    vec_release(&group->members);
    group_votes_release(&group->votes);
    vec_release(&group->pending);
    group_member_map_release(&group->by_id);
    group_member_map_release(&group->by_instance);
    group__set_text(&group->protocol_type, NULL);
    group__set_text(&group->protocol, NULL);
    group__set_text(&group->leader, NULL);
    group->metadata_bytes = 0;
    group->joined = 0;
    group->generation = 0;
    group__enter(group, GROUP_EMPTY);
}
