// SPDX-License-Identifier: Apache-2.0
//
// __consumer_offsets has one partition. It is a compacted topic: what groups and their offsets are
// is the last record of each key, and loading replays them.
#include "broker/groups_int.h"

#include "base/log.h"
#include "broker/topics.h"
#include "os/clock.h"

#include <stdatomic.h>
#include <stdlib.h>

#define TICK_MS 200
// The record of a group holds all its members (GROUP_BYTES_MAX of metadata and as much of
// assignments).
#define BATCH_MAX_TEXT "67108864"

// --- the map -------------------------------------------------------------------------

struct group *groups_find(struct groups *groups, struct bytes id)
{
    mutex_lock(&groups->lock);
    struct group **found = group_map_get(&groups->map, id);
    struct group *group = found ? group_ref(*found) : NULL;
    mutex_unlock(&groups->lock);
    return group;
}

struct group *groups_get(struct groups *groups, struct bytes id)
{
    id = bytes_text(id); // else one with a zero byte would take the place of the shorter one
    mutex_lock(&groups->lock);
    struct group **found = group_map_get(&groups->map, id);
    struct group *group = found ? *found : NULL;
    if (!group) {
        group = group_new(id, &groups->journal);
        *group_map_put(&groups->map, bytes_from(group->id), NULL) = group;
    }
    group_ref(group);
    mutex_unlock(&groups->lock);
    return group;
}

struct group **groups__collect(struct groups *groups, struct arena *arena, size_t *count)
{
    mutex_lock(&groups->lock);
    struct group **all = ARENA_ARRAY(arena, struct group *, groups->map.count + 1);
    *count = 0;
    for (size_t i = 0; i < groups->map.capacity; i++)
        if (groups->map.used[i])
            all[(*count)++] = group_ref(groups->map.values[i]);
    mutex_unlock(&groups->lock);
    return all;
}

static int by_id(const void *a, const void *b)
{
    return strcmp((*(struct group *const *)a)->id, (*(struct group *const *)b)->id);
}

struct group **groups_all(struct groups *groups, struct arena *arena, size_t *count)
{
    struct group **all = groups__collect(groups, arena, count);
    qsort(all, *count, sizeof *all, by_id);
    return all;
}

static bool take_out(struct groups *groups, const struct group *group)
{
    struct group **found = group_map_get(&groups->map, bytes_from(group->id));
    bool ours = found && *found == group;
    if (ours)
        group_map_remove(&groups->map, bytes_from(group->id));
    return ours;
}

void groups__take_out(struct groups *groups, struct group *group)
{
    mutex_lock(&groups->lock);
    bool taken = take_out(groups, group);
    mutex_unlock(&groups->lock);
    if (taken)
        group_unref(group);
}

// --- the tick ------------------------------------------------------------------------

void groups__drop_if_unused(struct groups *groups, struct group *group)
{
    enum { MAP_AND_CALLER = 2 }; // whoever else has got hold of it may be about to join
    bool taken = false;
    mutex_lock(&group->lock);
    if (group_is_empty(group) && !group->consumer && !group->generation && !offsets_any(group)) {
        mutex_lock(&groups->lock);
        taken = group->refs == MAP_AND_CALLER && take_out(groups, group);
        mutex_unlock(&groups->lock);
    }
    mutex_unlock(&group->lock);
    if (taken)
        group_unref(group);
}

static int64_t tick(struct ticker *ticker)
{
    struct groups *groups = CONTAINER_OF(ticker, struct groups, ticker);
    struct arena arena = ARENA_INIT;
    size_t count;
    bool more = false;
    struct group **all = groups__collect(groups, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        if (group_tick(all[i]))
            more = true;
        else
            groups__drop_if_unused(groups, all[i]);
        group_unref(all[i]);
    }
    arena_release(&arena);
    if (clock_now_ms() - groups->expired_ms >= setting(groups->broker, SETTING_OFFSETS_CHECK_MS))
        groups__start_upkeep(groups);
    return more ? TICK_MS : setting(groups->broker, SETTING_OFFSETS_CHECK_MS);
}

void groups_watch(struct groups *groups)
{
    ticker_wake(&groups->ticker);
}

// --- writing -------------------------------------------------------------------------

struct partition *groups_partition(struct groups *groups)
{
    return groups->partition;
}

void groups_write(struct groups *groups, struct offset_write *write)
{
    offsets_write(write, groups->partition);
}

struct waited {
    struct offset_write write;
    struct mutex lock;
    struct cond cond;
    bool finished;
    char *story;
};

static void wake_waited(struct offset_write *write)
{
    struct waited *waited = CONTAINER_OF(write, struct waited, write);
    mutex_lock(&waited->lock);
    waited->story = write->story ? mem_strdup(write->story) : NULL;
    waited->finished = true;
    cond_signal(&waited->cond);
    mutex_unlock(&waited->lock);
}

err_t groups_write_wait(struct groups *groups, struct group *group,
                        const struct group_caller *caller, struct offset_write write,
                        struct diag *diag)
{
    if (write.count == 0 && !write.add)
        return ERR_OK;
    struct waited waited = {.write = write};
    waited.write.group = group;
    waited.write.done = wake_waited;
    mutex_init(&waited.lock);
    cond_init(&waited.cond);
    mutex_lock(&group->lock);
    err_t refused = caller ? group_may_commit(group, caller, INT16_MAX) : ERR_OK;
    if (refused == ERR_OK)
        groups_write(groups, &waited.write);
    mutex_unlock(&group->lock);
    mutex_lock(&waited.lock);
    while (refused == ERR_OK && !waited.finished)
        cond_wait(&waited.cond, &waited.lock);
    mutex_unlock(&waited.lock);
    cond_release(&waited.cond);
    mutex_release(&waited.lock);
    if (refused != ERR_OK)
        return FAIL(diag, refused, "group '%s' takes no commit: %s", group->id,
                    err_info(refused)->text);
    err_t err = waited.write.err;
    if (err != ERR_OK)
        err = FAIL(diag, err, "cannot write to " OFFSETS_TOPIC ": %s",
                   waited.story ? waited.story : err_info(err)->text);
    mem_free(waited.story);
    return err;
}

// --- opening and closing -------------------------------------------------------------

static err_t open_topic(struct groups *groups, struct diag *diag)
{
    static const struct topic_setting settings[] = {{"cleanup.policy", "compact"},
                                                    {"compression.type", "producer"},
                                                    {"max.message.bytes", BATCH_MAX_TEXT},
                                                    {"segment.bytes", "16777216"}};
    static const size_t count = sizeof settings / sizeof *settings;
    struct log_store *store = groups->broker->store;
    groups->topic = log_store_topic(store, bytes_from(OFFSETS_TOPIC));
    if (!groups->topic)
        TRY(log_store_create_topic(store, OFFSETS_TOPIC, 1, settings, count, &groups->topic, diag));
    groups->partition = topic_partition(groups->topic, 0);
    return ERR_OK;
}

static void append(struct group_journal *journal, struct append *append)
{
    partition_append(CONTAINER_OF(journal, struct groups, journal)->partition, append);
}

err_t groups_open(struct groups **out, struct broker *broker, struct diag *diag)
{
    struct groups *groups = MEM_NEW(struct groups);
    groups->broker = broker;
    groups->journal.append = append;
    groups__init_env(groups);
    groups->expired_ms = clock_now_ms() - setting(broker, SETTING_OFFSETS_CHECK_MS);
    mutex_init(&groups->lock);
    cond_init(&groups->idle);
    ticker_init(&groups->ticker, loops_at(broker->loops, 0), TICK_MS, tick);
    err_t err = open_topic(groups, diag);
    if (err == ERR_OK)
        err = groups__load(groups, diag);
    if (err != ERR_OK) {
        diag_context(diag, "cannot load the committed offsets");
        groups_close(groups);
        return err;
    }
    groups_watch(groups);
    *out = groups;
    return ERR_OK;
}

void groups_stop(struct groups *groups)
{
    struct arena arena = ARENA_INIT;
    size_t count;
    mutex_lock(&groups->lock);
    groups->stopping = true;
    mutex_unlock(&groups->lock);
    ticker_stop(&groups->ticker);
    struct group **all = groups__collect(groups, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        group_kill(all[i]);
        group_unref(all[i]);
    }
    arena_release(&arena);
    mutex_lock(&groups->lock);
    while (groups->upkeep_runs || groups->resolving)
        cond_wait(&groups->idle, &groups->lock);
    mutex_unlock(&groups->lock);
}

void groups_close(struct groups *groups)
{
    for (size_t i = 0; i < groups->map.capacity; i++)
        if (groups->map.used[i])
            group_unref(groups->map.values[i]);
    group_map_release(&groups->map);
    topic_unref(groups->topic);
    ticker_release(&groups->ticker);
    mutex_release(&groups->lock);
    cond_release(&groups->idle);
    mem_free(groups);
}
