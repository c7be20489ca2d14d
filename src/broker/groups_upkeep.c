// SPDX-License-Identifier: Apache-2.0
//
// Groups and offsets that go: deleted, of a deleted topic, or expired.
#include "broker/groups_int.h"

#include "base/log.h"
#include "broker/consumer_records.h"
#include "broker/group_records.h"
#include "broker/txn_offsets.h"
#include "os/clock.h"

enum { FORGET_AT_ONCE = 10000 }; // offsets in one batch

static void add_tombstones(struct record_builder *records, const struct group *group)
{
    if (group->consumer)
        consumer_record_add_group_gone(records, group);
    else
        group_record_add_tombstone(records, group);
}

// Writes the changes, then, with `whole`, the end of the group itself.
static err_t forget(struct groups *groups, struct group *group, struct offset_change *changes,
                    size_t count, bool whole, struct diag *diag)
{
    do {
        size_t some = count < FORGET_AT_ONCE ? count : FORGET_AT_ONCE;
        struct offset_write write = {.changes = changes,
                                     .count = some,
                                     .add = whole && some == count ? add_tombstones : NULL};
        TRY(groups_write_wait(groups, group, NULL, write, diag));
        changes += some;
        count -= some;
    } while (count);
    return ERR_OK;
}

static struct offset_change *all_gone(struct group *group, struct bytes topic, struct arena *arena,
                                      size_t *count)
{
    size_t found;
    mutex_lock(&group->lock);
    struct offset_change *all = offsets_all(group, arena, &found);
    mutex_unlock(&group->lock);
    *count = 0;
    for (size_t i = 0; i < found; i++) {
        if (topic.ptr && !bytes_equal(all[i].topic, topic))
            continue;
        all[*count] = all[i];
        all[(*count)++].value =
            (struct offset_value){.offset = OFFSET_NONE, .commit_ms = clock_now_ms()};
    }
    return all;
}

// The group as a whole, with what is left of its offsets. It is Dead meanwhile, so that nobody
// joins or commits; what cannot be written brings it back.
static err_t remove_group(struct groups *groups, struct group *group, struct diag *diag)
{
    struct arena arena = ARENA_INIT;
    size_t count;
    mutex_lock(&group->lock);
    bool empty = group_is_empty(group);
    bool dead = group->state == GROUP_DEAD;
    if (empty)
        group->state = GROUP_DEAD;
    mutex_unlock(&group->lock);
    if (!empty)
        return dead ? FAIL(diag, ERR_GROUP_NOT_FOUND, "there is no group '%s'", group->id)
                    : FAIL(diag, ERR_NON_EMPTY_GROUP, "group '%s' has members", group->id);
    struct offset_change *changes = all_gone(group, BYTES_NULL, &arena, &count);
    err_t err = forget(groups, group, changes, count, true, diag);
    arena_release(&arena);
    if (err == ERR_OK) {
        groups__take_out(groups, group);
        return ERR_OK;
    }
    mutex_lock(&group->lock);
    if (!groups->stopping)
        group->state = GROUP_EMPTY;
    mutex_unlock(&group->lock);
    return err;
}

err_t groups_delete(struct groups *groups, struct bytes id, struct diag *diag)
{
    struct group *group = groups_find(groups, id);
    if (!group)
        return FAIL(diag, ERR_GROUP_NOT_FOUND, "there is no group '%.*s'", BYTES_PRINT(id));
    err_t err = remove_group(groups, group, diag);
    if (err == ERR_OK)
        txn_offsets_forget(groups->broker->txn_offsets, id, BYTES_NULL, 0);
    group_unref(group);
    return err;
}

void groups_forget_topic(struct groups *groups, struct bytes topic)
{
    struct arena arena = ARENA_INIT;
    size_t count;
    struct group **all = groups__collect(groups, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        struct diag diag = DIAG_INIT;
        size_t doomed;
        struct offset_change *changes = all_gone(all[i], topic, &arena, &doomed);
        if (doomed && forget(groups, all[i], changes, doomed, false, &diag) != ERR_OK)
            LOG_WARN("broker", "cannot forget the offsets of a deleted topic",
                     "group=%s why=\"%s\"", all[i]->id, diag_text(&diag));
        group_unref(all[i]);
    }
    arena_release(&arena);
}

// --- expiry --------------------------------------------------------------------------

// What an open transaction is about to commit stays until it ends.
static size_t drop_pending(struct groups *groups, const struct group *group,
                           struct offset_change *changes, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!txn_offsets_pending(groups->broker->txn_offsets, bytes_from(group->id),
                                 changes[i].topic, changes[i].partition))
            changes[kept++] = changes[i];
    return kept;
}

static err_t expire_group(struct groups *groups, struct group *group, struct arena *arena,
                          struct diag *diag)
{
    size_t count;
    bool left;
    int64_t retention_ms = setting(groups->broker, SETTING_OFFSETS_RETENTION_MINUTES) * 60 * 1000;
    mutex_lock(&group->lock);
    struct offset_change *changes =
        offsets_expired(group, arena, clock_now_ms(), retention_ms, &count, &left);
    size_t expired = count;
    count = drop_pending(groups, group, changes, count);
    bool over = !left && count == expired && group_is_empty(group);
    mutex_unlock(&group->lock);
    if (count)
        TRY(forget(groups, group, changes, count, false, diag));
    return over ? remove_group(groups, group, diag) : ERR_OK;
}

void groups_expire(struct groups *groups)
{
    struct arena arena = ARENA_INIT;
    size_t count;
    groups->expired_ms = clock_now_ms();
    struct group **all = groups__collect(groups, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        struct diag diag = DIAG_INIT;
        struct arena scratch = ARENA_INIT;
        err_t err = expire_group(groups, all[i], &scratch, &diag);
        if (err != ERR_OK && err != ERR_NON_EMPTY_GROUP && err != ERR_GROUP_NOT_FOUND)
            LOG_WARN("broker", "cannot forget old offsets", "group=%s why=\"%s\"", all[i]->id,
                     diag_text(&diag));
        arena_release(&scratch);
        group_unref(all[i]);
    }
    arena_release(&arena);
}

static void run_upkeep(struct work *work)
{
    struct groups *groups = CONTAINER_OF(work, struct groups, upkeep);
    groups_expire(groups);
    mutex_lock(&groups->lock);
    groups->upkeep_runs = false;
    cond_broadcast(&groups->idle);
    mutex_unlock(&groups->lock);
}

void groups__start_upkeep(struct groups *groups)
{
    mutex_lock(&groups->lock);
    bool start = !groups->upkeep_runs && !groups->stopping;
    groups->upkeep_runs = groups->upkeep_runs || start;
    mutex_unlock(&groups->lock);
    if (!start)
        return;
    groups->upkeep = (struct work){.run = run_upkeep};
    work_submit(groups->broker->loops, &groups->upkeep);
}
