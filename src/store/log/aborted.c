// SPDX-License-Identifier: Apache-2.0
//
// The aborted transactions of a partition: what a reader of committed records must leave out.
//
// Beside a segment in which an abort marker lies stands 00000000000000000042.txnindex, one entry of
// 36 big-endian bytes per such marker, in the order of the markers:
//
//     0 producer_id i64 · 8 first_offset i64 · 16 last_offset i64 (the marker's) ·
//     24 stable i64 (last stable offset behind the marker) · 32 crc32c u32 of all before
//
// How many entries a segment has is known from the checkpoint and from what was read behind it. A
// file that has not got them, or one whose checksum does not hold, is made anew from the log: the
// headers of all segments up to that one tell which transactions were open. The newest entries are
// kept in memory too, so that a reader at the tail touches no file.
#include "store/log/batch_walk.h"
#include "store/log/log_int.h"
#include "wire/reader.h"
#include "wire/writer.h"

#include "base/log.h"

#include <stdlib.h>

enum { ENTRY_BYTES = 36, ENTRY_CRC = 32, BLOCK_ENTRIES = 64, RECENT_MAX = 512 };

static struct log_store *store_of(const struct segment *segment)
{
    return segment->partition->topic->store;
}

static err_t get(struct segment *segment, int *fd, struct diag *diag)
{
    return segment__open(segment, &segment->aborted, "txnindex", FILE_WRITE | FILE_CREATE, fd,
                         diag);
}

static void put(struct segment *segment)
{
    file_cache_put(&store_of(segment)->files, &segment->aborted);
}

// --- the file ---

static void encode(struct str *out, const struct aborted_txn *entry)
{
    size_t start = out->size;
    writer_i64(out, entry->producer_id);
    writer_i64(out, entry->first_offset);
    writer_i64(out, entry->last_offset);
    writer_i64(out, entry->stable);
    writer_u32(out, crc32c(0, out->ptr + start, ENTRY_CRC));
}

static bool decode(struct aborted_txn *out, const uint8_t *ptr)
{
    struct reader reader = reader_make(bytes_make(ptr, ENTRY_BYTES));
    out->producer_id = reader_i64(&reader);
    out->first_offset = reader_i64(&reader);
    out->last_offset = reader_i64(&reader);
    out->stable = reader_i64(&reader);
    return reader_u32(&reader) == crc32c(0, ptr, ENTRY_CRC);
}

err_t aborted_write(struct segment *segment, int64_t count, const struct aborted_txn *entries,
                    size_t entry_count, struct diag *diag)
{
    if (entry_count == 0)
        return ERR_OK;
    struct str raw = {0};
    for (size_t i = 0; i < entry_count; i++)
        encode(&raw, &entries[i]);
    int fd;
    err_t err = get(segment, &fd, diag);
    if (err == ERR_OK) {
        err = file_pwrite(fd, raw.ptr, raw.size, count * ENTRY_BYTES, diag);
        put(segment);
    }
    str_release(&raw);
    return err;
}

void aborted_resume(struct segment *segment, int64_t count)
{
    char path[PATH_BYTES];
    int fd;
    segment__path(segment, "txnindex", path);
    segment->aborted_count = count;
    if (!file_exists(path) || get(segment, &fd, NULL) != ERR_OK)
        return;
    int64_t bytes;
    // An entry too many is of a marker that was lost: only what is written next may stand there.
    if (file_size(fd, &bytes, NULL) == ERR_OK && bytes > count * ENTRY_BYTES)
        (void)!file_truncate(fd, count * ENTRY_BYTES, NULL);
    put(segment);
}

err_t aborted_count_entries(struct segment *segment, int64_t *count, struct diag *diag)
{
    int fd;
    int64_t bytes = 0;
    TRY(get(segment, &fd, diag));
    err_t err = file_size(fd, &bytes, diag);
    put(segment);
    *count = bytes / ENTRY_BYTES;
    return err;
}

// --- made anew from the log ---

struct scan {
    struct producers producers;
    VEC(struct aborted_txn) found; // of the last segment walked
};

static err_t scan_batch(struct scan *scan, struct batch_walk *walk, struct diag *diag)
{
    const struct batch_header *header = &walk->header;
    struct marker marker;
    struct bytes batch;
    bool control = header->attributes & BATCH_CONTROL;
    if (header->producer_id < 0 || !(header->attributes & BATCH_TRANSACTIONAL))
        return ERR_OK;
    if (control) {
        TRY(batch_walk_body(walk, &batch, diag));
        if (!marker_read(&marker, batch))
            return ERR_OK;
    }
    struct producer_write write = {
        .header = header, .marker = control ? &marker : NULL, .segment_base = -1, .position = -1};
    struct ended_txn ended;
    producers_record(&scan->producers, &write, NULL, &ended);
    if (control && !marker.commit && ended.first_offset >= 0) {
        struct aborted_txn entry = {header->producer_id, ended.first_offset,
                                    batch_header_last_offset(header), ended.stable};
        vec_push(&scan->found, entry);
    }
    return ERR_OK;
}

static err_t scan_segment(struct scan *scan, struct segment *segment, struct diag *diag)
{
    vec_clear(&scan->found);
    mutex_lock(&segment->partition->mutex);
    int64_t size = segment->readable_size;
    mutex_unlock(&segment->partition->mutex);
    int fd;
    TRY(segment__get(segment, &fd, diag));
    struct batch_walk walk;
    batch_walk_init(&walk, fd, 0, size, BATCH_WALK_SCAN);
    err_t err;
    while (batch_walk_next(&walk, &err, diag)) {
        err = scan_batch(scan, &walk, diag);
        if (err != ERR_OK)
            break;
    }
    batch_walk_release(&walk);
    segment__put(segment);
    return err;
}

// References to the segments of the partition up to `last`; whether that is the one being written.
static struct segment **segments_upto(struct segment *last, size_t *count, bool *active)
{
    struct partition *partition = last->partition;
    mutex_lock(&partition->mutex);
    size_t total = partition->segments.count;
    struct segment **list = mem_alloc((total + 1) * sizeof(struct segment *));
    *count = 0;
    for (size_t i = 0; i < total; i++)
        if (partition->segments.items[i]->base_offset <= last->base_offset)
            list[(*count)++] = segment__ref(partition->segments.items[i]);
    *active = total == 0 || partition->segments.items[total - 1] == last;
    mutex_unlock(&partition->mutex);
    return list;
}

static void replace(struct segment *segment, const struct aborted_txn *entries, size_t count)
{
    int fd;
    err_t err = aborted_write(segment, 0, entries, count, NULL);
    if (err == ERR_OK && get(segment, &fd, NULL) == ERR_OK) {
        (void)!file_truncate(fd, (int64_t)count * ENTRY_BYTES, NULL);
        put(segment);
    }
    mutex_lock(&segment->partition->mutex);
    segment->aborted_count = (int64_t)count;
    segment->unsynced = true;
    mutex_unlock(&segment->partition->mutex);
    LOG_INFO("store/log", "made the index of aborted transactions anew",
             "topic=%s partition=%d segment=%lld entries=%zu", segment->partition->topic->name,
             segment->partition->index, (long long)segment->base_offset, count);
}

// The entries of one segment, found by walking the log from its start.
static err_t rebuild(struct segment *segment, struct scan *scan, struct diag *diag)
{
    size_t count;
    bool active;
    struct segment **list = segments_upto(segment, &count, &active);
    err_t err = ERR_OK;
    for (size_t i = 0; i < count; i++) {
        if (err == ERR_OK)
            err = scan_segment(scan, list[i], diag);
        segment__unref(list[i]);
    }
    mem_free(list);
    // The one being written belongs to the writer: its file is put right once it is not.
    if (err == ERR_OK && !active)
        replace(segment, scan->found.items, scan->found.count);
    return err;
}

// --- search ---

struct search {
    int64_t from;
    int64_t to;
    struct aborted_list *out;
    bool over; // no later marker can end a transaction that began before `to`
};

static void see(struct search *search, const struct aborted_txn *entry)
{
    if (entry->last_offset >= search->from && entry->first_offset < search->to)
        vec_push(search->out, *entry);
    search->over =
        search->over || (entry->stable >= search->to && entry->last_offset >= search->from);
}

static err_t read_entry(int fd, int64_t at, struct aborted_txn *out, struct diag *diag)
{
    uint8_t raw[ENTRY_BYTES];
    TRY(file_pread(fd, raw, sizeof raw, at * ENTRY_BYTES, diag));
    return decode(out, raw) ? ERR_OK : FAIL(diag, ERR_CORRUPT, "a damaged entry");
}

static err_t search_file(struct segment *segment, int64_t count, struct search *search,
                         struct diag *diag)
{
    int fd;
    TRY(get(segment, &fd, diag));
    int64_t low = 0, high = count;
    err_t err = ERR_OK;
    struct aborted_txn entry;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        err = read_entry(fd, middle, &entry, diag);
        if (err != ERR_OK)
            break;
        if (entry.last_offset < search->from)
            low = middle + 1;
        else
            high = middle;
    }
    while (err == ERR_OK && low < count && !search->over) {
        uint8_t raw[BLOCK_ENTRIES * ENTRY_BYTES];
        int64_t some = count - low < BLOCK_ENTRIES ? count - low : BLOCK_ENTRIES;
        err = file_pread(fd, raw, (size_t)some * ENTRY_BYTES, low * ENTRY_BYTES, diag);
        for (int64_t i = 0; err == ERR_OK && i < some && !search->over; i++) {
            if (decode(&entry, raw + i * ENTRY_BYTES))
                see(search, &entry);
            else
                err = FAIL(diag, ERR_CORRUPT, "a damaged entry");
        }
        low += some;
    }
    put(segment);
    return err;
}

static err_t search_segment(struct segment *segment, int64_t count, struct search *search,
                            struct diag *diag)
{
    size_t before = search->out->count;
    if (search_file(segment, count, search, NULL) == ERR_OK)
        return ERR_OK;
    search->out->count = before;
    search->over = false;
    struct scan scan = {0};
    err_t err = rebuild(segment, &scan, diag);
    for (size_t i = 0; err == ERR_OK && i < scan.found.count && !search->over; i++)
        see(search, &scan.found.items[i]);
    producers_release(&scan.producers);
    vec_release(&scan.found);
    return err;
}

// --- the partition ---

void aborted_remember(struct partition *partition, const struct aborted_txn *entry)
{
    if (partition->aborted.count == RECENT_MAX) {
        size_t half = RECENT_MAX / 2;
        partition->aborted_from = partition->aborted.items[half - 1].last_offset + 1;
        memmove(partition->aborted.items, partition->aborted.items + half,
                (RECENT_MAX - half) * sizeof *partition->aborted.items);
        partition->aborted.count -= half;
    }
    vec_push(&partition->aborted, *entry);
}

static int by_first_offset(const void *a, const void *b)
{
    const struct aborted_txn *x = a, *y = b;
    return (x->first_offset > y->first_offset) - (x->first_offset < y->first_offset);
}

struct place {
    struct segment *segment; // a reference
    int64_t count;
};

err_t partition_aborted(struct partition *partition, int64_t from, int64_t to, unsigned flags,
                        struct aborted_list *out, struct diag *diag)
{
    struct search search = {.from = from, .to = to, .out = out};
    VEC(struct place) places = {0};
    mutex_lock(&partition->mutex);
    bool in_memory = from >= partition->aborted_from;
    for (size_t i = 0; in_memory && i < partition->aborted.count && !search.over; i++)
        see(&search, &partition->aborted.items[i]);
    for (size_t i = 0; !in_memory && i < partition->segments.count; i++) {
        struct segment *segment = partition->segments.items[i];
        bool behind = i + 1 < partition->segments.count &&
                      partition->segments.items[i + 1]->base_offset <= from;
        if (behind || segment->aborted_count == 0)
            continue;
        struct place place = {segment__ref(segment), segment->aborted_count};
        vec_push(&places, place);
    }
    mutex_unlock(&partition->mutex);
    err_t err = ERR_OK;
    if (places.count > 0 && (flags & RANGE_MEMORY_ONLY))
        err = ERR_TIMEOUT;
    for (size_t i = 0; i < places.count; i++) {
        if (err == ERR_OK && !search.over)
            err = search_segment(places.items[i].segment, places.items[i].count, &search, diag);
        segment__unref(places.items[i].segment);
    }
    vec_release(&places);
    if (out->count > 1)
        qsort(out->items, out->count, sizeof *out->items, by_first_offset);
    return err;
}
