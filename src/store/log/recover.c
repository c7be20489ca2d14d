// SPDX-License-Identifier: Apache-2.0
//
// Recovery of one partition after an unclean stop. From the checkpoint's place on every batch is
// read and its checksum worked out. The first one that does not hold is one of two things:
//
//   a torn tail   in the last file, and nothing whole behind it but what the last round of the
//                 writer wrote (round_mark.h): the crash cut a write short that nobody was told
//                 about. It is cut off, with a line in the log.
//   damage        something valid of a later round follows: acknowledged data is broken. Nothing is
//                 cut. The partition serves what lies before, refuses reads from there on and all
//                 appends with ERR_CORRUPT, and the story names the file and the byte. The walk
//                 goes on behind it, to know the partition's end.
//
// Only the last file can be torn because writer_roll() syncs a file before it starts the next.
// Zeros behind its last batch are blocks the writer had reserved.
#include "store/log/recover.h"

#include "store/log/batch_search.h"
#include "store/log/round_mark.h"
#include "store/log/cleaner.h"

#include "base/log.h"
#include "os/clock.h"
#include "wire/reader.h"

#include <stdlib.h>

enum { NAME_DIGITS = 20 };

struct found {
    VEC(int64_t) bases;
    VEC(int64_t) covered; // files whose swap for a cleaned one a crash cut short
    struct swap_ranges swaps;
};

static err_t see_name(const char *name, bool is_dir, void *ctx)
{
    struct found *found = ctx;
    if (is_dir || strlen(name) != NAME_DIGITS + 4 || strcmp(name + NAME_DIGITS, ".log") != 0)
        return ERR_OK;
    char *end;
    long long base = strtoll(name, &end, 10);
    if (end == name + NAME_DIGITS && base >= 0)
        vec_push(&found->bases, base);
    return ERR_OK;
}

static const struct swap_range *find_swap(const struct found *found, int64_t offset)
{
    for (size_t i = 0; i < found->swaps.count; i++)
        if (offset >= found->swaps.items[i].base && offset < found->swaps.items[i].end)
            return &found->swaps.items[i];
    return NULL;
}

static int by_base(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;
    return (*x > *y) - (*x < *y);
}

// One file for each swap instead of those it covers.
static void apply_swaps(struct found *found)
{
    size_t kept = 0;
    for (size_t i = 0; i < found->bases.count; i++) {
        int64_t base = found->bases.items[i];
        const struct swap_range *swap = find_swap(found, base);
        if (!swap)
            found->bases.items[kept++] = base;
        else if (base != swap->base)
            vec_push(&found->covered, base);
    }
    found->bases.count = kept;
    for (size_t i = 0; i < found->swaps.count; i++)
        vec_push(&found->bases, found->swaps.items[i].base);
    if (found->swaps.count > 0)
        qsort(found->bases.items, found->bases.count, sizeof *found->bases.items, by_base);
}

static void found_release(struct found *found)
{
    vec_release(&found->bases);
    vec_release(&found->covered);
    vec_release(&found->swaps);
}

// --- one segment ---

struct scan {
    struct partition *partition;
    const struct found *found;
    int64_t next_offset;
    int64_t producers_from; // batches below are in the checkpoint's producers
    int64_t now_ms;
    struct index_builder index;
    VEC(struct aborted_txn) aborted; // of the segment being read
};

static void damage(struct scan *scan, struct segment *segment, int64_t position, const char *what)
{
    struct partition *partition = scan->partition;
    if (partition->damaged_from != INT64_MAX)
        return;
    char path[PATH_BYTES];
    segment__path(segment, "log", path);
    partition->damaged_from = scan->next_offset;
    partition->damage_story = mem_printf("%s is damaged at byte %lld (offset %lld of %s-%d): %s",
                                         path, (long long)position, (long long)scan->next_offset,
                                         partition->topic->name, partition->index, what);
    segment->readable_size = position;
    partition__fail(partition, ERR_CORRUPT, partition->damage_story);
    LOG_ERROR("store/log", "damaged segment", "topic=%s partition=%d err=\"%s\"",
              partition->topic->name, partition->index, partition->damage_story);
}

static void take_producer(struct scan *scan, const struct segment *segment, struct batch_walk *walk)
{
    const struct batch_header *header = &walk->header;
    struct marker marker;
    struct bytes batch;
    bool control = header->attributes & BATCH_CONTROL;
    if (header->producer_id < 0 || (control && (batch_walk_body(walk, &batch, NULL) != ERR_OK ||
                                                !marker_read(&marker, batch))))
        return;
    const struct producer_write write = {
        .header = header,
        .marker = control ? &marker : NULL,
        .segment_base = segment->base_offset,
        .position = walk->at,
        .now_ms = scan->now_ms,
    };
    struct ended_txn ended;
    producers_record(&scan->partition->producers, &write, NULL, &ended);
    if (!control || marker.commit || ended.first_offset < 0)
        return;
    struct aborted_txn entry = {header->producer_id, ended.first_offset,
                                batch_header_last_offset(header), ended.stable};
    vec_push(&scan->aborted, entry);
    aborted_remember(scan->partition, &entry);
}

static void take_batch(struct scan *scan, struct segment *segment, struct batch_walk *walk)
{
    const struct batch_header *header = &walk->header;
    if (header->max_timestamp > segment->max_timestamp)
        segment->max_timestamp = header->max_timestamp;
    index_builder_add(&scan->index, segment, walk->at, header, segment->max_timestamp);
    if (header->base_offset >= scan->producers_from)
        take_producer(scan, segment, walk);
    scan->next_offset = batch_header_last_offset(header) + 1;
}

static err_t cut(struct segment *segment, int fd, int64_t size, int64_t file_bytes,
                 struct diag *diag)
{
    const struct partition *partition = segment->partition;
    if (!round_mark_rest(fd, partition->topic->store->mark_key, size, file_bytes))
        LOG_WARN("store/log", "cut a torn tail",
                 "topic=%s partition=%d segment=%lld size=%lld bytes=%lld", partition->topic->name,
                 partition->index, (long long)segment->base_offset, (long long)size,
                 (long long)(file_bytes - size));
    return file_truncate(fd, size, diag);
}

// Is what begins at `at` nothing that anybody was told about? `next` is a whole batch behind it, or
// -1.
static bool may_cut(const struct segment *segment, int fd, int64_t at, int64_t next,
                    int64_t file_bytes, bool last)
{
    uint64_t key = segment->partition->topic->store->mark_key;
    if (!last)
        return next < 0 && round_mark_rest(fd, key, at, file_bytes);
    return next < 0 || at >= round_mark_find(fd, key, at, file_bytes);
}

// Reads batches from `from` on; segment->size and readable_size are right afterwards.
static err_t scan_file(struct scan *scan, struct segment *segment, int fd, int64_t from,
                       int64_t file_bytes, bool last, struct diag *diag)
{
    struct batch_walk walk;
    batch_walk_init(&walk, fd, from, file_bytes, BATCH_WALK_SCAN);
    segment->size = segment->readable_size = file_bytes;
    err_t err = ERR_OK;
    for (;;) {
        struct diag why = DIAG_INIT;
        err_t bad;
        if (batch_walk_next(&walk, &bad, &why)) {
            // It is not under the checksum: a lost sector may have left anything there.
            if (walk.header.base_offset < scan->next_offset ||
                walk.header.base_offset - scan->next_offset > INT32_MAX)
                bad = FAIL(&why, ERR_CORRUPT, "a batch of offset %lld, expected %lld",
                           (long long)walk.header.base_offset, (long long)scan->next_offset);
            else if (!batch_search_holds(&walk))
                bad = FAIL(&why, ERR_CORRUPT, "the checksum of a batch does not hold");
            if (bad == ERR_OK) {
                take_batch(scan, segment, &walk);
                continue;
            }
            walk.position = walk.at;
        }
        if (bad == ERR_OK)
            break;
        if (bad == ERR_IO) {
            err = FAIL(diag, bad, "%s", why.text);
            break;
        }
        int64_t at = walk.position;
        int64_t next = batch_search_next(fd, at + 1, file_bytes, scan->next_offset);
        if (scan->partition->damaged_from == INT64_MAX &&
            may_cut(segment, fd, at, next, file_bytes, last)) {
            err = cut(segment, fd, at, file_bytes, diag);
            segment->size = segment->readable_size = at;
            break;
        }
        damage(scan, segment, at, why.text);
        if (next < 0)
            break;
        walk.position = next;
    }
    batch_walk_release(&walk);
    return err;
}

static const struct saved_segment *find_saved(const struct saved_partition *saved,
                                              int64_t base_offset)
{
    for (size_t i = 0; saved && i < saved->segment_count; i++)
        if (saved->segments[i].base_offset == base_offset)
            return &saved->segments[i];
    return NULL;
}

// Where the segment behind `known` began, or the end of the log, when the checkpoint was taken.
static int64_t next_saved(const struct saved_partition *saved, const struct saved_segment *known)
{
    bool last = known == &saved->segments[saved->segment_count - 1];
    return last ? saved->next_offset : known[1].base_offset;
}

static err_t make_segment(const struct scan *scan, int64_t base, struct segment **out,
                          struct diag *diag)
{
    const struct found *found = scan->found;
    const struct swap_range *swap = find_swap(found, base);
    *out = NULL;
    if (!swap) {
        *out = segment__new(scan->partition, base);
        return ERR_OK;
    }
    VEC(int64_t) others = {0};
    for (size_t i = 0; i < found->covered.count; i++)
        if (find_swap(found, found->covered.items[i]) == swap)
            vec_push(&others, found->covered.items[i]);
    err_t err = swap_adopt(scan->partition, *swap, others.items, others.count, out, diag);
    vec_release(&others);
    if (err == ERR_OK && (*out)->aborted_count > 0 && scan->partition->aborted_from < swap->end)
        scan->partition->aborted_from = swap->end; // these are in the file only
    return err;
}

static err_t recover_segment(struct scan *scan, int64_t base, const struct saved_partition *saved,
                             const int64_t *next_base, struct diag *diag)
{
    struct partition *partition = scan->partition;
    struct log_store *store = partition->topic->store;
    struct segment *segment;
    TRY(make_segment(scan, base, &segment, diag));
    vec_push(&partition->segments, segment);
    segment->created_ms = scan->now_ms;
    if (base != scan->next_offset)
        damage(scan, segment, 0,
               base > scan->next_offset ? "a file before it is missing"
                                        : "it overlaps the file before it");
    int fd;
    TRY(segment__get(segment, &fd, diag));
    int64_t file_bytes = 0, from = 0;
    err_t err = file_size(fd, &file_bytes, diag);
    const struct saved_segment *known = find_saved(saved, base);
    if (scan->next_offset < base)
        scan->next_offset = base;
    if (known)
        segment->created_ms = known->created_ms;
    if (known && !segment->swapping && file_bytes >= known->size) {
        segment->max_timestamp = known->max_timestamp;
        from = known->size;
        scan->next_offset = next_saved(saved, known);
    }
    int64_t aborted = from > 0 || (known && known->size == 0) ? known->aborted_count : 0;
    vec_clear(&scan->index.entries);
    vec_clear(&scan->aborted);
    if (!segment->swapping)
        aborted_resume(segment, aborted);
    if (err == ERR_OK && (from == 0 || from < file_bytes)) {
        int64_t entries = index_resume(segment, from, &scan->index.last_position);
        err = scan_file(scan, segment, fd, from, file_bytes, next_base == NULL, diag);
        // An index that is not whole is noticed and made anew when it is first used.
        (void)!index_write(segment, entries, scan->index.entries.items, scan->index.entries.count,
                           NULL);
        if (!segment->swapping) {
            (void)!aborted_write(segment, aborted, scan->aborted.items, scan->aborted.count, NULL);
            segment->aborted_count = aborted + (int64_t)scan->aborted.count;
        }
        segment->unsynced = true;
        if (err == ERR_OK && store->options.sync) {
            struct recovered recovered = {.segment = segment__ref(segment),
                                          .marks = next_base == NULL &&
                                                   partition->damaged_from == INT64_MAX};
            vec_push(&store->recovered, recovered);
        }
    } else {
        segment->size = segment->readable_size = file_bytes;
    }
    if (partition->damaged_from != INT64_MAX && segment->base_offset > partition->damaged_from)
        segment->readable_size = 0;
    partition->bytes += segment->size;
    segment__put(segment);
    return err;
}

// --- one partition ---

// Is the checkpoint's last file there, as long as it was?
static bool believable(struct partition *partition, const struct saved_partition *saved,
                       const struct found *found)
{
    if (saved->segment_count == 0)
        return found->bases.count == 0 || found->bases.items[0] == saved->next_offset;
    const struct saved_segment *last = &saved->segments[saved->segment_count - 1];
    if (find_swap(found, last->base_offset))
        return true; // it is all read
    bool present = false;
    for (size_t i = 0; i < found->bases.count; i++)
        present = present || found->bases.items[i] == last->base_offset;
    if (!present)
        return false;
    char dir[PATH_BYTES], path[PATH_BYTES + 32];
    partition__dir(partition, dir);
    snprintf(path, sizeof path, "%s/%020lld.log", dir, (long long)last->base_offset);
    int fd;
    int64_t size = -1;
    if (file_open(&fd, path, FILE_READ, NULL) != ERR_OK)
        return false;
    err_t err = file_size(fd, &size, NULL);
    file_close(fd);
    return err == ERR_OK && size >= last->size;
}

// A file that was begun and never written, from a crash in the middle of a roll.
static err_t drop_empty_tail(struct partition *partition, struct diag *diag)
{
    while (partition->segments.count > 1) {
        struct segment *last = partition->segments.items[partition->segments.count - 1];
        if (last->size > 0)
            return ERR_OK;
        char path[PATH_BYTES];
        segment__path(last, "log", path);
        TRY(file_remove(path, diag));
        segment__path(last, "index", path);
        TRY(file_remove(path, diag));
        segment__path(last, "txnindex", path);
        TRY(file_remove(path, diag));
        partition->segments.count--;
        mutex_lock(&partition->mutex);
        last->removed = true;
        mutex_unlock(&partition->mutex);
        segment__unref(last);
    }
    return ERR_OK;
}

static size_t count_written(struct partition *partition, const struct found *found)
{
    // Empty files at the end do not count: the one before them is the last that was written.
    size_t count = found->bases.count;
    char dir[PATH_BYTES], path[PATH_BYTES + 32];
    partition__dir(partition, dir);
    for (; count > 1; count--) {
        snprintf(path, sizeof path, "%s/%020lld.log", dir,
                 (long long)found->bases.items[count - 1]);
        int fd;
        int64_t size = 0;
        if (file_open(&fd, path, FILE_READ, NULL) != ERR_OK)
            break;
        err_t err = file_size(fd, &size, NULL);
        file_close(fd);
        if (err != ERR_OK || size > 0)
            break;
    }
    return count;
}

static err_t recover_found(struct partition *partition, const struct saved_partition *saved,
                           const struct found *found, struct diag *diag)
{
    struct scan scan = {.partition = partition,
                        .found = found,
                        .producers_from = saved ? saved->next_offset : 0,
                        .now_ms = clock_now_ms()};
    size_t written = count_written(partition, found);
    scan.next_offset = found->bases.count ? found->bases.items[0] : saved ? saved->next_offset : 0;
    partition->start_offset = scan.next_offset;
    err_t err = ERR_OK;
    for (size_t i = 0; i < written && err == ERR_OK; i++)
        err = recover_segment(&scan, found->bases.items[i], saved,
                              i + 1 < written ? &found->bases.items[i + 1] : NULL, diag);
    for (size_t i = written; i < found->bases.count && err == ERR_OK; i++)
        vec_push(&partition->segments, segment__new(partition, found->bases.items[i]));
    if (err == ERR_OK)
        err = drop_empty_tail(partition, diag);
    if (found->bases.count > 0 && saved && saved->start_offset > partition->start_offset)
        partition->start_offset = saved->start_offset;
    partition->next_offset = partition->end_offset = scan.next_offset;
    partition->cleaned_to = saved ? saved->cleaned_to : 0;
    partition__publish_open(partition);
    vec_release(&scan.index.entries);
    vec_release(&scan.aborted);
    return err;
}

// The entries from before the checkpoint are in the files only.
static void recall_aborted(struct partition *partition, const struct saved_partition *saved)
{
    for (size_t i = 0; i < saved->segment_count; i++)
        if (saved->segments[i].aborted_count > 0)
            partition->aborted_from = saved->next_offset;
}

// The checkpoint's records up to `promised` were on disk, and somebody was told so. Taking their
// offsets for others would let readers miss those without a word.
static void check_promised(struct partition *partition, int64_t promised)
{
    if (partition->next_offset >= promised)
        return;
    if (partition->damaged_from == INT64_MAX) {
        char dir[PATH_BYTES];
        partition__dir(partition, dir);
        partition->damaged_from = partition->next_offset;
        partition->damage_story = mem_printf(
            "%s ends at offset %lld of %s-%d, but records up to offset %lld were on disk at the "
            "last "
            "checkpoint. Bring its files back, or give them up with `weir log repair %s-%d`",
            dir, (long long)partition->next_offset, partition->topic->name, partition->index,
            (long long)promised - 1, partition->topic->name, partition->index);
        partition__fail(partition, ERR_CORRUPT, partition->damage_story);
        LOG_ERROR("store/log", "records are missing", "topic=%s partition=%d err=\"%s\"",
                  partition->topic->name, partition->index, partition->damage_story);
    }
    partition->next_offset = partition->end_offset = promised; // the next start finds it too
}

err_t recover_partition(struct partition *partition, const struct saved_partition *saved,
                        struct diag *diag)
{
    char dir[PATH_BYTES];
    partition__dir(partition, dir);
    struct found found = {0};
    err_t err = ERR_OK;
    int64_t promised = saved ? saved->next_offset : 0;
    if (saved && saved->rescan)
        saved = NULL;
    if (file_exists(dir)) {
        err = swap_look(dir, &found.swaps, diag);
        if (err == ERR_OK)
            err = dir_each(dir, see_name, &found, diag);
        apply_swaps(&found);
    }
    if (saved && !believable(partition, saved, &found)) {
        LOG_WARN("store/log", "files do not fit the checkpoint, all are read", "dir=%s", dir);
        saved = NULL;
    }
    if (saved) {
        struct reader reader = reader_make(saved->producers);
        producers_read(&partition->producers, &reader);
        recall_aborted(partition, saved);
    }
    if (err == ERR_OK)
        err = recover_found(partition, saved, &found, diag);
    found_release(&found);
    if (err == ERR_OK)
        check_promised(partition, promised);
    if (err == ERR_OK)
        err = partition__load_start(partition, diag);
    return err;
}

// --- syncing what was kept ---

static void sync_one(void *ctx, size_t index)
{
    struct log_store *store = ctx;
    struct recovered *recovered = &store->recovered.items[index];
    struct segment *segment = recovered->segment;
    int fd;
    if (segment->removed)
        return;
    recovered->err = segment__get(segment, &fd, &recovered->diag);
    if (recovered->err != ERR_OK)
        return;
    recovered->err = store->options.sync_file(fd, &recovered->diag);
    if (recovered->err == ERR_OK && recovered->marks)
        segment__mark(segment, fd);
    segment__put(segment);
}

err_t recover_sync(struct log_store *store, struct diag *diag)
{
    err_t err = ERR_OK;
    sync_pool_run(&store->writer.syncs, store->recovered.count, sync_one, store);
    for (size_t i = 0; i < store->recovered.count; i++) {
        const struct recovered *recovered = &store->recovered.items[i];
        if (err == ERR_OK && recovered->err != ERR_OK)
            err = FAIL(diag, recovered->err, "%s", recovered->diag.text);
    }
    recover_forget(store);
    return err;
}

void recover_forget(struct log_store *store)
{
    for (size_t i = 0; i < store->recovered.count; i++)
        segment__unref(store->recovered.items[i].segment);
    vec_release(&store->recovered);
}

err_t recover_adopt(struct partition *partition, const struct saved_partition *saved,
                    struct diag *diag)
{
    partition->start_offset = saved->start_offset;
    partition->next_offset = partition->end_offset = saved->next_offset;
    partition->cleaned_to = saved->cleaned_to;
    for (size_t i = 0; i < saved->segment_count; i++) {
        const struct saved_segment *from = &saved->segments[i];
        struct segment *segment = segment__new(partition, from->base_offset);
        segment->size = segment->readable_size = from->size;
        segment->max_timestamp = from->max_timestamp;
        segment->created_ms = from->created_ms;
        segment->aborted_count = from->aborted_count;
        partition->bytes += from->size;
        vec_push(&partition->segments, segment);
    }
    struct reader reader = reader_make(saved->producers);
    producers_read(&partition->producers, &reader);
    recall_aborted(partition, saved);
    partition__publish_open(partition);
    if (reader.failed)
        return FAIL(diag, ERR_CORRUPT, "the checkpoint's producers of %s-%d cannot be read",
                    partition->topic->name, partition->index);
    return ERR_OK;
}
