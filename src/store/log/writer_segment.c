// SPDX-License-Identifier: Apache-2.0
//
// What the writer does with the file it writes into: when it begins the next one, and the space it
// reserves ahead of the data.
#include "store/log/names.h"

#include "base/metric.h"
#include "os/clock.h"

enum {
    KAFKA_INDEX_ENTRY_BYTES = 8, // what segment.index.bytes counts in
    RESERVE_FROM = 64 << 10,
    RESERVE_MIN = 256 << 10,
    RESERVE_MAX = 16 << 20,
};

struct segment *writer_active(struct partition *partition)
{
    mutex_lock(&partition->mutex);
    size_t count = partition->segments.count;
    struct segment *segment = count ? partition->segments.items[count - 1] : NULL;
    mutex_unlock(&partition->mutex);
    return segment;
}

err_t writer_sync(struct log_store *store, int fd, struct diag *diag)
{
    metric_add(METRIC_LOG_SYNCS, 1);
    int64_t start = clock_mono_us();
    err_t err = store->options.sync_file(fd, diag);
    int64_t took_us = clock_mono_us() - start;
    metric_add(METRIC_LOG_SYNC_MICROSECONDS, took_us);
    metric_observe(METRIC_LOG_SYNC_TIME, took_us);
    return err;
}

// The file of a segment that did not come to be. Should it stay, the one before it must not grow
// past its name.
static void drop_begun(struct segment *segment)
{
    char path[PATH_BYTES];
    struct diag diag = DIAG_INIT;
    segment__path(segment, "log", path);
    err_t err = file_remove(path, &diag);
    if (err != ERR_OK)
        partition__fail(segment->partition, err, diag_text(&diag));
}

// --- folders -------------------------------------------------------------------------

static err_t make_folder(struct partition *partition, struct diag *diag)
{
    struct log_store *store = partition->topic->store;
    char path[PATH_BYTES];
    if (partition->folder_named)
        return ERR_OK;
    partition__dir(partition, path);
    TRY(dir_make(path, diag));
    if (store->options.sync)
        TRY(names_sync(store, diag));
    partition->folder_named = true;
    return ERR_OK;
}

static bool wants_folder(struct partition *partition)
{
    mutex_lock(&partition->mutex);
    bool wants = partition->segments.count == 0 && !partition->deleted && !partition->names_lost;
    mutex_unlock(&partition->mutex);
    return wants && !partition->folder_named;
}

// With its first file: a file system with a journal then has all of them in the commit of the first
// sync, and those that follow find little to do. A folder that is there holds who knows what.
static bool begin_folder(struct partition *partition)
{
    char dir[PATH_BYTES], path[PATH_BYTES + 32];
    int fd;
    partition__dir(partition, dir);
    snprintf(path, sizeof path, "%s/%020lld.log", dir, (long long)partition->next_offset);
    if (file_exists(dir) || dir_make(dir, NULL) != ERR_OK ||
        file_open(&fd, path, FILE_WRITE | FILE_CREATE, NULL) != ERR_OK)
        return false;
    file_close(fd);
    return true;
}

// What fails here is told by writer_roll(), which then does it itself.
void writer_make_folders(struct log_store *store, struct partition *const *partitions, size_t count)
{
    VEC(struct partition *) begun = {0};
    for (size_t i = 0; i < count && count > 1; i++)
        if (wants_folder(partitions[i]) && checkpoint_touch(store, NULL) == ERR_OK &&
            begin_folder(partitions[i]))
            vec_push(&begun, partitions[i]);
    if (begun.count > 0 && store->options.sync && names_sync(store, NULL) == ERR_OK) {
        partition__sync_all_names(store, begun.items, begun.count);
        for (size_t i = 0; i < begun.count; i++) {
            begun.items[i]->folder_named = true;
            begun.items[i]->first_named = partition__names_sound(begun.items[i]);
        }
    }
    vec_release(&begun);
}

// --- rolling -------------------------------------------------------------------------

// A new segment at next_offset, its name durable. The one before it is synced first: then only the
// last file of a partition can be torn.
err_t writer_roll(struct partition *partition, struct diag *diag)
{
    struct log_store *store = partition->topic->store;
    struct segment *last = writer_active(partition);
    char path[PATH_BYTES];
    bool named = partition->first_named;
    partition->first_named = false; // should this fail, the file goes again
    if (!last) {
        TRY(make_folder(partition, diag));
    } else {
        int fd;
        TRY(segment__get(last, &fd, diag));
        err_t err = file_truncate(fd, last->size, diag); // gives back what was reserved
        if (err == ERR_OK && store->options.sync && last->dirty) {
            struct diag sync_diag = DIAG_INIT;
            err = writer_sync(store, fd, &sync_diag);
            if (err != ERR_OK) {
                partition__fail(partition, err, sync_diag.text);
                err = FAIL(diag, err, "%s", sync_diag.text);
            }
        }
        segment__put(last);
        TRY(err);
    }
    struct segment *segment = segment__new(partition, partition->next_offset);
    segment->created_ms = clock_now_ms();
    segment->index_state = INDEX_READY;
    segment->unsynced = true;
    segment__path(segment, "index", path);
    err_t err = file_remove(path, diag);
    segment__path(segment, "txnindex", path);
    if (err == ERR_OK)
        err = file_remove(path, diag);
    int fd;
    if (err == ERR_OK)
        err = segment__open(segment, &segment->log, "log", FILE_WRITE | FILE_CREATE, &fd, diag);
    if (err == ERR_OK) {
        err = file_truncate(fd, 0, diag);
        segment__put(segment);
    }
    if (err == ERR_OK && store->options.sync && !named)
        err = partition__sync_names(partition, diag);
    if (err != ERR_OK) {
        drop_begun(segment);
        segment__unref(segment);
        return err;
    }
    mutex_lock(&partition->mutex);
    vec_push(&partition->segments, segment);
    mutex_unlock(&partition->mutex);
    return ERR_OK;
}

// Ages are those of the records where they have a time, as in Kafka: a segment holds at most so
// much of it.
static bool must_roll_by_time(struct segment *segment, const struct topic_limits *limits,
                              int64_t max_timestamp)
{
    int64_t first = segment__first_timestamp(segment);
    int64_t age_ms = first >= 0 ? max_timestamp - first : clock_now_ms() - segment->created_ms;
    int64_t age_max_ms = limits->segment_ms;
    if (limits->compact && limits->compaction_lag_max_ms < age_max_ms)
        age_max_ms = limits->compaction_lag_max_ms;
    int64_t jitter_max_ms =
        limits->segment_jitter_ms < age_max_ms ? limits->segment_jitter_ms : age_max_ms;
    if (jitter_max_ms > 0)
        age_max_ms -= (int64_t)segment->jitter % jitter_max_ms;
    return age_ms > age_max_ms;
}

bool writer_must_roll(struct segment *segment, const struct topic_limits *limits, int64_t size,
                      int64_t last_offset, int64_t max_timestamp)
{
    if (segment->size == 0)
        return false;
    return segment->size + size > limits->segment_bytes || segment->size + size > INT32_MAX ||
           last_offset - segment->base_offset > INT32_MAX ||
           (segment->index_count + 1) * KAFKA_INDEX_ENTRY_BYTES > limits->index_max_bytes ||
           must_roll_by_time(segment, limits, max_timestamp);
}

void writer_reserve(struct segment *segment, int fd, int64_t end, const struct topic_limits *limits)
{
    if (end <= segment->reserved || (end < RESERVE_FROM && !limits->preallocate))
        return;
    int64_t step = end < RESERVE_MIN ? RESERVE_MIN : end > RESERVE_MAX ? RESERVE_MAX : end;
    if (limits->preallocate)
        step = limits->segment_bytes;
    int64_t to = end + step < limits->segment_bytes ? end + step : limits->segment_bytes;
    if (to <= end)
        return;
    // Without the reserve the write itself tells whether there is room.
    segment->reserved =
        file_reserve(fd, segment->size, to - segment->size, NULL) == ERR_OK ? to : end;
}

// What was reserved behind the last batches. Where that fails the next start skips the zeros.
void writer_give_back(struct log_store *store)
{
    struct arena arena = ARENA_INIT;
    size_t count;
    struct topic **topics = log_store_topics(store, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        for (int32_t p = 0; p < topic_partition_count(topics[i]); p++) {
            struct segment *segment = writer_active(topic_partition(topics[i], p));
            int fd;
            if (!segment || segment->reserved <= segment->size ||
                segment__get(segment, &fd, NULL) != ERR_OK)
                continue;
            (void)!file_truncate(fd, segment->size, NULL);
            segment__put(segment);
        }
        topic_unref(topics[i]);
    }
    arena_release(&arena);
}
