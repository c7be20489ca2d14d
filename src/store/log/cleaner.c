// SPDX-License-Identifier: Apache-2.0
//
// Which partition is cleaned when, as Kafka's LogCleanerManager decides: whole segments below the
// active one, the last stable offset and min.compaction.lag.ms are cleanable; a partition is due
// when the dirty bytes of these are more than min.cleanable.dirty.ratio of all, or when its oldest
// dirty record is older than max.compaction.lag.ms. The dirtiest is first.
//
// Cleaning reads and writes a lot that nobody waits for. While others append it works half of the
// time, so that disk and page cache are theirs for the other half.
#include "store/log/cleaner.h"

#include "base/log.h"
#include "base/metric.h"
#include "os/clock.h"

#include <stdlib.h>

enum {
    PACE_BYTES = 1 << 20,
    REST_MAX_US = 50 * 1000,
    SWAPS_MAX = 32, // before they are finished: each holds two files open, and the old ones' space
};

// --- the plan of one partition ---

struct segment_view {
    struct segment *segment; // a reference
    int64_t base_offset;
    int64_t size;
    int64_t newest_ms; // by its records, else by its age
};

struct view {
    VEC(struct segment_view) segments;
    int64_t start;
    int64_t stable;
    int64_t cleaned_to;
};

static bool look(struct partition *partition, struct view *view)
{
    struct partition_offsets offsets = partition_offsets(partition);
    mutex_lock(&partition->mutex);
    bool sound = !partition->deleted && partition->failed == ERR_OK && !partition->uncleanable &&
                 partition->damaged_from == INT64_MAX && partition->segments.count > 1;
    view->start = partition->start_offset;
    view->stable = offsets.stable;
    view->cleaned_to = partition->cleaned_to;
    for (size_t i = 0; sound && i < partition->segments.count; i++) {
        struct segment *segment = partition->segments.items[i];
        struct segment_view one = {
            .segment = segment__ref(segment),
            .base_offset = segment->base_offset,
            .size = segment->size,
            .newest_ms = segment->max_timestamp >= 0 ? segment->max_timestamp : segment->created_ms,
        };
        vec_push(&view->segments, one);
    }
    if (view->cleaned_to < view->start || view->cleaned_to > partition->end_offset)
        view->cleaned_to = view->start;
    mutex_unlock(&partition->mutex);
    return sound;
}

static void view_release(struct view *view)
{
    for (size_t i = 0; i < view->segments.count; i++)
        segment__unref(view->segments.items[i].segment);
    vec_release(&view->segments);
}

// Does segment `i` reach into the dirty part? The last one is never asked about.
static bool is_dirty(const struct view *view, size_t i)
{
    return view->segments.items[i + 1].base_offset > view->cleaned_to;
}

static int64_t find_end(const struct view *view, const struct topic_limits *limits, int64_t now_ms)
{
    size_t last = view->segments.count - 1;
    int64_t end = view->segments.items[last].base_offset;
    if (view->stable < end)
        end = view->stable;
    for (size_t i = 0; i < last && limits->compaction_lag_min_ms > 0; i++) {
        const struct segment_view *segment = &view->segments.items[i];
        if (!is_dirty(view, i) || segment->newest_ms <= now_ms - limits->compaction_lag_min_ms)
            continue;
        if (segment->base_offset < end)
            end = segment->base_offset;
        break;
    }
    if (end < view->cleaned_to)
        end = view->cleaned_to;
    size_t at = last;
    while (at > 0 && view->segments.items[at].base_offset > end)
        at--;
    return view->segments.items[at].base_offset;
}

static bool is_overdue(const struct view *view, const struct topic_limits *limits, int64_t now_ms)
{
    if (limits->compaction_lag_max_ms > now_ms)
        return false;
    for (size_t i = 0; i + 1 < view->segments.count; i++) {
        int64_t first_ms =
            is_dirty(view, i) ? segment__first_timestamp(view->segments.items[i].segment) : -1;
        if (first_ms > 0 && first_ms < now_ms - limits->compaction_lag_max_ms)
            return true;
    }
    return false;
}

bool clean_plan(struct partition *partition, const struct topic_limits *limits, int64_t now_ms,
                struct clean_plan *plan)
{
    struct view view = {0};
    *plan = (struct clean_plan){0};
    if (look(partition, &view)) {
        plan->dirty = view.cleaned_to;
        plan->end = find_end(&view, limits, now_ms);
        for (size_t i = 0; view.segments.items[i].base_offset < plan->end; i++) {
            if (view.segments.items[i].base_offset < plan->dirty)
                plan->bytes += view.segments.items[i].size;
            if (is_dirty(&view, i))
                plan->dirty_bytes += view.segments.items[i].size;
        }
        plan->bytes += plan->dirty_bytes;
        plan->overdue = is_overdue(&view, limits, now_ms);
    }
    view_release(&view);
    return plan->dirty_bytes > 0;
}

// --- pace ---

static bool stops(struct partition *partition)
{
    struct cleaner *cleaner = &partition->topic->store->cleaner;
    mutex_lock(&cleaner->mutex);
    bool stop = cleaner->stop;
    mutex_unlock(&cleaner->mutex);
    mutex_lock(&partition->mutex);
    stop = stop || partition->deleted;
    mutex_unlock(&partition->mutex);
    return stop;
}

err_t cleaner_pace(struct partition *partition, int64_t bytes)
{
    struct log_store *store = partition->topic->store;
    struct cleaner *cleaner = &store->cleaner;
    if (stops(partition))
        return ERR_CANCELLED;
    cleaner->paced_bytes += bytes;
    if (cleaner->paced_bytes < PACE_BYTES)
        return ERR_OK;
    int64_t worked_us = clock_mono_us() - cleaner->paced_us;
    int64_t appended = store->appended_bytes;
    if (appended != cleaner->appended_seen) {
        mutex_lock(&cleaner->mutex);
        if (!cleaner->stop)
            (void)cond_wait_for(&cleaner->wake, &cleaner->mutex,
                                worked_us < REST_MAX_US ? worked_us : REST_MAX_US);
        mutex_unlock(&cleaner->mutex);
    }
    cleaner->appended_seen = appended;
    cleaner->paced_bytes = 0;
    cleaner->paced_us = clock_mono_us();
    return ERR_OK;
}

// --- a run ---

struct candidate {
    struct partition *partition; // with a reference to its topic
    struct topic_limits limits;
    struct clean_plan plan;
    double ratio;
};

struct candidates {
    VEC(struct candidate) all;
};

static void consider(struct candidates *candidates, struct partition *partition,
                     const struct topic_limits *limits, int64_t now_ms)
{
    struct candidate candidate = {.partition = partition, .limits = *limits};
    if (!clean_plan(partition, limits, now_ms, &candidate.plan))
        return;
    candidate.ratio = (double)candidate.plan.dirty_bytes / (double)candidate.plan.bytes;
    if (!candidate.plan.overdue && candidate.ratio <= limits->dirty_ratio_min)
        return;
    (void)topic_ref(partition->topic);
    vec_push(&candidates->all, candidate);
}

static int by_ratio(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    return (x->ratio < y->ratio) - (x->ratio > y->ratio);
}

static void collect(struct log_store *store, struct candidates *candidates)
{
    struct arena arena = ARENA_INIT;
    size_t count;
    struct topic **topics = log_store_topics(store, &arena, &count);
    int64_t now_ms = clock_now_ms();
    for (size_t i = 0; i < count; i++) {
        struct topic_limits limits = topic__limits(topics[i]);
        int32_t partitions = limits.compact ? topic_partition_count(topics[i]) : 0;
        for (int32_t p = 0; p < partitions; p++)
            consider(candidates, topic_partition(topics[i], p), &limits, now_ms);
        topic_unref(topics[i]);
    }
    arena_release(&arena);
    if (candidates->all.count > 1)
        qsort(candidates->all.items, candidates->all.count, sizeof *candidates->all.items,
              by_ratio);
}

static void cleaned(struct candidate *candidate, int64_t to, err_t err, const struct diag *diag)
{
    struct partition *partition = candidate->partition;
    struct log_store *store = partition->topic->store;
    mutex_lock(&partition->mutex);
    if (err == ERR_OK)
        partition->cleaned_to = to;
    partition->uncleanable = err == ERR_CORRUPT;
    int64_t bytes = partition->bytes;
    mutex_unlock(&partition->mutex);
    if (err == ERR_OK) {
        metric_add(METRIC_LOG_CLEANER_RUNS, 1);
        store->bytes_since_checkpoint++; // so that it is remembered
        LOG_INFO("store/log", "compacted", "topic=%s partition=%d dirty=%lld to=%lld bytes=%lld",
                 partition->topic->name, partition->index, (long long)candidate->plan.dirty,
                 (long long)to, (long long)bytes);
    } else if (err != ERR_CANCELLED) {
        LOG_WARN("store/log",
                 err == ERR_CORRUPT ? "cannot compact, not tried again before the next start"
                                    : "cannot compact, tried again later",
                 "topic=%s partition=%d err=\"%s\"", partition->topic->name, partition->index,
                 diag_text(diag));
    }
}

static void clean(struct candidate *candidate)
{
    struct partition *partition = candidate->partition;
    if (!partition__pin(partition))
        return;
    struct diag diag = DIAG_INIT;
    int64_t to = candidate->plan.dirty;
    err_t err = compact_partition(partition, &candidate->plan, &candidate->limits, &to, &diag);
    cleaned(candidate, to, err, &diag);
    partition__unpin(partition);
}

// False when there are too many swaps that cannot be finished now.
static bool finish_swaps(struct log_store *store)
{
    if (store->cleaner.swaps.count == 0)
        return true;
    struct diag diag = DIAG_INIT;
    err_t err = checkpoint_write(store, false, &diag);
    if (err == ERR_OK)
        swap_finish(store);
    else
        LOG_WARN("store/log", "cannot finish a compaction, tried again later", "err=\"%s\"",
                 diag_text(&diag));
    return err == ERR_OK && store->cleaner.swaps.count < SWAPS_MAX;
}

static bool stopping(struct cleaner *cleaner)
{
    mutex_lock(&cleaner->mutex);
    bool stop = cleaner->stop;
    mutex_unlock(&cleaner->mutex);
    return stop;
}

static void run(struct log_store *store)
{
    struct candidates candidates = {0};
    bool goes_on = finish_swaps(store);
    if (goes_on)
        collect(store, &candidates);
    store->cleaner.paced_us = clock_mono_us();
    for (size_t i = 0; i < candidates.all.count; i++) {
        struct candidate *candidate = &candidates.all.items[i];
        if (goes_on && !stopping(&store->cleaner) && !swap_waits(candidate->partition))
            clean(candidate);
        if (store->cleaner.swaps.count >= SWAPS_MAX)
            goes_on = goes_on && finish_swaps(store);
    }
    (void)finish_swaps(store);
    for (size_t i = 0; i < candidates.all.count; i++)
        topic_unref(candidates.all.items[i].partition->topic);
    vec_release(&candidates.all);
}

void cleaner_run(struct log_store *store)
{
    struct cleaner *cleaner = &store->cleaner;
    mutex_lock(&cleaner->mutex);
    while (cleaner->busy)
        cond_wait(&cleaner->idle, &cleaner->mutex);
    cleaner->busy = true;
    mutex_unlock(&cleaner->mutex);
    run(store);
    mutex_lock(&cleaner->mutex);
    cleaner->busy = false;
    cond_broadcast(&cleaner->idle);
    mutex_unlock(&cleaner->mutex);
}

// --- the thread ---

static void cleaner_main(void *ctx)
{
    struct log_store *store = ctx;
    struct cleaner *cleaner = &store->cleaner;
    mutex_lock(&cleaner->mutex);
    bool unfinished = cleaner->unfinished;
    while (!cleaner->stop) {
        if (!unfinished)
            (void)cond_wait_for(&cleaner->wake, &cleaner->mutex, store->cleaner_ms * 1000);
        unfinished = false;
        if (cleaner->stop)
            break;
        mutex_unlock(&cleaner->mutex);
        if (store->cleans)
            cleaner_run(store);
        mutex_lock(&cleaner->mutex);
    }
    mutex_unlock(&cleaner->mutex);
}

void cleaner_start(struct log_store *store)
{
    store->cleaner.unfinished = store->cleaner.swaps.count > 0;
    thread_start(&store->cleaner.thread, "log cleaner", cleaner_main, store);
}

void cleaner_stop(struct log_store *store)
{
    struct cleaner *cleaner = &store->cleaner;
    mutex_lock(&cleaner->mutex);
    cleaner->stop = true;
    cond_broadcast(&cleaner->wake);
    mutex_unlock(&cleaner->mutex);
    thread_join(&cleaner->thread);
}
