// SPDX-License-Identifier: Apache-2.0
//
// The rules are those of Apache Kafka's group coordinator. Here: what a group of either protocol
// is. The calls of the classic one are in group_join.c and group_sync.c, the moves they are made of
// in group_move.c.
#include "broker/group_int.h"

#include "base/mem.h"
#include "broker/consumer.h"
#include "broker/group_write.h"
#include "broker/offsets.h"
#include "os/clock.h"

#include <assert.h>

static const char *const state_names[] = {"Empty", "PreparingRebalance", "CompletingRebalance",
                                          "Stable", "Dead"};

const char *group_state_name(const struct group *group)
{
    if (group->consumer && group->state != GROUP_DEAD)
        return consumer_state_name(group->consumer);
    return state_names[group->state];
}

const char *group_type_name(const struct group *group)
{
    return group->consumer ? "consumer" : "classic";
}

bool group_is_empty(const struct group *group)
{
    return group->state == GROUP_EMPTY && !group->pending.count && !group_member_count(group);
}

size_t group_member_count(const struct group *group)
{
    return group->consumer ? group->consumer->members.count : group->members.count;
}

char *group__text(struct bytes bytes)
{
    char *text = mem_alloc(bytes.size + 1);
    if (bytes.size)
        memcpy(text, bytes.ptr, bytes.size);
    text[bytes.size] = '\0';
    return text;
}

void group__set_text(char **slot, const char *text)
{
    char *copy = text ? mem_strdup(text) : NULL;
    mem_free(*slot);
    *slot = copy;
}

struct bytes group__copy(struct arena *arena, const char *text)
{
    return text ? bytes_from(arena_strdup(arena, text)) : BYTES_NULL;
}

struct group *group_new(struct bytes id, struct group_journal *journal)
{
    struct group *group = MEM_NEW(struct group);
    group->id = group__text(id);
    group->refs = 1;
    group->journal = journal;
    group->state_since_ms = clock_now_ms();
    mutex_init(&group->lock);
    list_init(&group->joins);
    list_init(&group->syncs);
    list_init(&group->beats);
    list_init(&group->unsaved);
    return group;
}

struct group *group_ref(struct group *group)
{
    group->refs++;
    return group;
}

void group_unref(struct group *group)
{
    if (!group || --group->refs)
        return;
    assert(list_empty(&group->joins) && list_empty(&group->syncs) && list_empty(&group->beats));
    group__reset(group);
    struct list *link;
    while ((link = list_pop_front(&group->unsaved)))
        group_write_free(CONTAINER_OF(link, struct group_write, link));
    if (group->consumer)
        consumer_free(group->consumer);
    if (group->offsets)
        offsets_free(group->offsets);
    mutex_release(&group->lock);
    mem_free(group->id);
    mem_free(group);
}

void group__unlock(struct group *group)
{
    struct list joins;
    struct list syncs;
    struct list beats;
    list_init(&joins);
    list_init(&syncs);
    list_init(&beats);
    list_splice(&joins, &group->joins);
    list_splice(&syncs, &group->syncs);
    list_splice(&beats, &group->beats);
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
    while ((link = list_pop_front(&beats))) {
        struct consumer_beat *beat = CONTAINER_OF(link, struct consumer_beat, link);
        beat->done(beat);
    }
}

bool group_tick(struct group *group)
{
    mutex_lock(&group->lock);
    group_write_retry(group);
    if (group->state != GROUP_DEAD && group->consumer)
        consumer_tick(group);
    else if (group->state != GROUP_DEAD)
        group__expire(group);
    bool more = group_member_count(group) || group->pending.count || group_unsaved(group);
    group__unlock(group);
    return more;
}

void group_kill(struct group *group)
{
    mutex_lock(&group->lock);
    for (size_t i = 0; i < group->members.count; i++) {
        struct group_member *member = group->members.items[i];
        struct group_join *join = group__let_go(group, member);
        if (join)
            group__refuse(group, join, ERR_COORDINATOR_NOT_AVAILABLE);
        if (member->sync)
            group__finish_sync(group, member, ERR_COORDINATOR_NOT_AVAILABLE);
    }
    group__enter(group, GROUP_DEAD);
    group__unlock(group);
}

void group_loaded(struct group *group)
{
    mutex_lock(&group->lock);
    for (size_t i = 0; i < group->members.count; i++)
        group__touch(group->members.items[i]);
    if (group->state == GROUP_PREPARING)
        group__wait_for_joins(group);
    if (group->consumer)
        consumer_loaded(group);
    group__unlock(group);
}
