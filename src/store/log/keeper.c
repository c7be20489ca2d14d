// SPDX-License-Identifier: Apache-2.0
//
// The keeper: a thread for what is not urgent. It removes segments that are too old or too many,
// removes what is left of deleted topics, and writes a checkpoint when enough was written or enough
// time has passed since the last.
#include "store/log/names.h"

#include "base/log.h"
#include "os/clock.h"

enum { TICK_US = 500 * 1000 };

// --- retention ---

static bool expired(const struct segment *segment, const struct topic_limits *limits,
                    int64_t now_ms)
{
    int64_t newest = segment->max_timestamp >= 0 ? segment->max_timestamp : segment->created_ms;
    return limits->retention_ms >= 0 && newest < now_ms - limits->retention_ms;
}

// May the first segment go, by its age or by the size of all? Under the mutex.
static bool is_due(const struct partition *partition, const struct topic_limits *limits,
                   int64_t now_ms)
{
    const struct segment *first = partition->segments.items[0];
    bool too_many =
        limits->retention_bytes >= 0 && partition->bytes - first->size >= limits->retention_bytes;
    return limits->delete_old && (too_many || expired(first, limits, now_ms));
}

// Takes the first segment out if it has to go; never the last one.
static struct segment *take_first(struct partition *partition, const struct topic_limits *limits,
                                  int64_t now_ms)
{
    struct segment *taken = NULL;
    mutex_lock(&partition->mutex);
    if (partition->segments.count > 1 && !partition->deleted &&
        !partition->segments.items[0]->swapping && !partition->names_lost &&
        !partition->unremovable && partition->damaged_from == INT64_MAX) {
        int64_t next_base = partition->segments.items[1]->base_offset;
        if (next_base <= partition->end_offset &&
            (next_base <= partition->start_offset || is_due(partition, limits, now_ms))) {
            taken = partition->segments.items[0];
            vec_remove(&partition->segments, 0);
            partition->bytes -= taken->size;
            taken->removed = true;
            if (next_base > partition->start_offset)
                partition->start_offset = next_base;
        }
    }
    mutex_unlock(&partition->mutex);
    return taken;
}

// Has all that is left to go, the segment that is written too?
static bool last_is_due(struct partition *partition, const struct topic_limits *limits,
                        int64_t now_ms)
{
    mutex_lock(&partition->mutex);
    bool due = partition->segments.count == 1 && partition->segments.items[0]->size > 0 &&
               partition->end_offset == partition->next_offset && !partition->deleted &&
               partition->failed == ERR_OK && is_due(partition, limits, now_ms);
    mutex_unlock(&partition->mutex);
    return due;
}

struct roll {
    struct partition *partition;
    const struct topic_limits *limits;
    int64_t now_ms;
};

// On the writer thread: an empty segment behind the one that has to go.
static void roll_due(void *ctx)
{
    struct roll *roll = ctx;
    struct partition *partition = roll->partition;
    struct diag diag = DIAG_INIT;
    if (last_is_due(partition, roll->limits, roll->now_ms) &&
        writer_roll(partition, &diag) != ERR_OK)
        LOG_WARN("store/log", "cannot start a segment", "topic=%s partition=%d err=\"%s\"",
                 partition->topic->name, partition->index, diag.text);
}

// The files of a segment that nobody finds any more.
static err_t remove_files(struct log_store *store, struct segment *segment, struct diag *diag)
{
    static const char *const suffixes[] = {"log", "index", "txnindex"};
    char path[PATH_BYTES];
    TRY(checkpoint_touch(store, diag));
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        segment__path(segment, suffixes[i], path);
        TRY(file_remove(path, diag));
    }
    if (!store->options.sync)
        return ERR_OK;
    // One after the other on disk too: a power cut must not leave an older one with a hole behind
    // it.
    return partition__sync_names(segment->partition, diag);
}

static void stop_removing(struct partition *partition)
{
    mutex_lock(&partition->mutex);
    partition->unremovable = true;
    mutex_unlock(&partition->mutex);
}

static bool remove_due(struct log_store *store, struct partition *partition,
                       const struct topic_limits *limits, int64_t now_ms)
{
    struct segment *segment;
    bool moved = false;
    while ((segment = take_first(partition, limits, now_ms)) != NULL) {
        struct diag diag = DIAG_INIT;
        err_t err = remove_files(store, segment, &diag);
        LOG_INFO("store/log",
                 err == ERR_OK ? "removed an old segment" : "cannot remove an old segment",
                 "topic=%s partition=%d segment=%lld %s", partition->topic->name, partition->index,
                 (long long)segment->base_offset, diag.text);
        if (err != ERR_OK) // a newer one that goes would leave a hole behind it
            stop_removing(partition);
        segment__unref(segment);
        moved = true;
    }
    return moved;
}

static void retain_partition(struct log_store *store, struct partition *partition)
{
    struct topic_limits limits = topic__limits(partition->topic);
    int64_t now_ms = clock_now_ms();
    bool moved = remove_due(store, partition, &limits, now_ms);
    if (last_is_due(partition, &limits, now_ms) && checkpoint_touch(store, NULL) == ERR_OK) {
        struct roll roll = {partition, &limits, now_ms};
        writer_call(store, roll_due, &roll);
        moved = remove_due(store, partition, &limits, now_ms) || moved;
    }
    if (moved)
        partition__wake(partition);
}

void keeper_retain(struct log_store *store)
{
    struct arena arena = ARENA_INIT;
    size_t count;
    struct topic **topics = log_store_topics(store, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        int32_t partitions = topic_partition_count(topics[i]);
        for (int32_t p = 0; p < partitions; p++) {
            struct partition *partition = topic_partition(topics[i], p);
            if (!partition__pin(partition))
                continue;
            retain_partition(store, partition);
            partition__unpin(partition);
        }
        topic_unref(topics[i]);
    }
    arena_release(&arena);
}

// --- the thread ---

struct removal {
    const char *dir;
    struct diag *diag;
};

static err_t remove_entry(const char *name, bool is_dir, void *ctx)
{
    (void)is_dir;
    struct removal *removal = ctx;
    char path[PATH_BYTES + 300];
    snprintf(path, sizeof path, "%s/%s", removal->dir, name);
    return dir_remove(path, removal->diag);
}

// The folder itself stays: another deletion may be about to move something into it.
static void remove_deleted(struct log_store *store)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/deleted", store->dir);
    struct diag diag = DIAG_INIT;
    struct removal removal = {path, &diag};
    if (dir_each(path, remove_entry, &removal, &diag) != ERR_OK)
        LOG_WARN("store/log", "cannot remove a deleted topic", "err=\"%s\"", diag.text);
}

static void keeper_main(void *ctx)
{
    struct log_store *store = ctx;
    struct keeper *keeper = &store->keeper;
    int64_t retained_us = clock_mono_us(), saved_us = retained_us;
    mutex_lock(&keeper->mutex);
    while (!keeper->stop) {
        (void)cond_wait_for(&keeper->wake, &keeper->mutex, TICK_US);
        if (keeper->stop)
            break;
        bool removes = keeper->remove_wanted;
        keeper->remove_wanted = false;
        mutex_unlock(&keeper->mutex);
        int64_t now_us = clock_mono_us();
        if (removes)
            remove_deleted(store);
        if (now_us - retained_us >= store->retention_ms * 1000) {
            retained_us = now_us;
            keeper_retain(store);
        }
        int64_t written = store->bytes_since_checkpoint;
        if (written >= CHECKPOINT_BYTES ||
            (written > 0 && now_us - saved_us >= store->options.checkpoint_ms * 1000)) {
            saved_us = now_us;
            struct diag diag = DIAG_INIT;
            if (checkpoint_write(store, false, &diag) != ERR_OK)
                LOG_WARN("store/log", "cannot write a checkpoint", "err=\"%s\"", diag.text);
        }
        mutex_lock(&keeper->mutex);
    }
    mutex_unlock(&keeper->mutex);
}

void keeper_start(struct log_store *store)
{
    thread_start(&store->keeper.thread, "log keeper", keeper_main, store);
}

void keeper_stop(struct log_store *store)
{
    mutex_lock(&store->keeper.mutex);
    store->keeper.stop = true;
    cond_signal(&store->keeper.wake);
    mutex_unlock(&store->keeper.mutex);
    thread_join(&store->keeper.thread);
}

void keeper_remove_deleted(struct log_store *store)
{
    mutex_lock(&store->keeper.mutex);
    store->keeper.remove_wanted = true;
    cond_signal(&store->keeper.wake);
    mutex_unlock(&store->keeper.mutex);
}
