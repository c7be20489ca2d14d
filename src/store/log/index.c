// SPDX-License-Identifier: Apache-2.0
//
// The index of a segment: one entry of 16 big-endian bytes for every batch that starts at least
// 4096 bytes behind the one of the entry before (the start of the file counts as one):
//
//     0 offset_delta u32 · 4 position u32 · 8 max_timestamp i64 (all batches up to this one)
//
// Offsets, positions and times all grow, so one file serves as Kafka's offset index and time index
// at once. It is only ever a way to start near: whoever uses an entry goes on from batch header to
// batch header. It can be made anew from the segment at any time, so it is synced with a checkpoint
// only, and checked when it is first used: its last entry must point at that batch, and the batches
// behind it must be too near to have entries of their own.
#include "store/log/batch_walk.h"
#include "store/log/log_int.h"
#include "wire/reader.h"
#include "wire/writer.h"

#include "base/log.h"

enum { BLOCK_ENTRIES = 256 };

static struct log_store *store_of(const struct segment *segment)
{
    return segment->partition->topic->store;
}

void index_builder_add(struct index_builder *builder, const struct segment *segment,
                       int64_t position, const struct batch_header *header, int64_t max_timestamp)
{
    if (position - builder->last_position < segment->index_step_bytes)
        return;
    struct index_entry entry = {
        .offset_delta = (uint32_t)(header->base_offset - segment->base_offset),
        .position = (uint32_t)position,
        .max_timestamp = max_timestamp,
    };
    vec_push(&builder->entries, entry);
    builder->last_position = position;
}

static struct index_entry decode(const uint8_t *ptr)
{
    struct reader reader = reader_make(bytes_make(ptr, INDEX_ENTRY_BYTES));
    struct index_entry entry = {.offset_delta = reader_u32(&reader)};
    entry.position = reader_u32(&reader);
    entry.max_timestamp = reader_i64(&reader);
    return entry;
}

static err_t get(struct segment *segment, int *fd, struct diag *diag)
{
    return segment__open(segment, &segment->index, "index", FILE_WRITE | FILE_CREATE, fd, diag);
}

static void put(struct segment *segment)
{
    file_cache_put(&store_of(segment)->files, &segment->index);
}

static err_t read_entry(int fd, int64_t at, struct index_entry *out, struct diag *diag)
{
    uint8_t raw[INDEX_ENTRY_BYTES];
    TRY(file_pread(fd, raw, sizeof raw, at * INDEX_ENTRY_BYTES, diag));
    *out = decode(raw);
    return ERR_OK;
}

err_t index_write(struct segment *segment, int64_t count, const struct index_entry *entries,
                  size_t entry_count, struct diag *diag)
{
    if (entry_count == 0)
        return ERR_OK;
    struct str raw = {0};
    for (size_t i = 0; i < entry_count; i++) {
        writer_u32(&raw, entries[i].offset_delta);
        writer_u32(&raw, entries[i].position);
        writer_i64(&raw, entries[i].max_timestamp);
    }
    int fd;
    err_t err = get(segment, &fd, diag);
    if (err == ERR_OK) {
        err = file_pwrite(fd, raw.ptr, raw.size, count * INDEX_ENTRY_BYTES, diag);
        put(segment);
    }
    str_release(&raw);
    return err;
}

// Does the batch that `entry` points at stand there, and would none behind it have an entry of its
// own?
static bool fits(int log_fd, const struct segment *segment, const struct index_entry *entry,
                 int64_t size)
{
    struct batch_walk walk;
    batch_walk_init(&walk, log_fd, entry->position, size, BATCH_WALK_STEP);
    err_t err;
    bool first = true, good = true;
    while (good && batch_walk_next(&walk, &err, NULL)) {
        if (first && entry->position > 0)
            good = walk.header.base_offset == segment->base_offset + entry->offset_delta;
        first = false;
        if (walk.at - (int64_t)entry->position >= segment->index_step_bytes)
            good = false;
    }
    batch_walk_release(&walk);
    return good && err == ERR_OK;
}

static bool usable(struct segment *segment, int log_fd, int64_t size, int64_t *count, int64_t *last)
{
    int fd;
    if (get(segment, &fd, NULL) != ERR_OK)
        return false;
    int64_t bytes;
    struct index_entry entry = {0};
    bool good = file_size(fd, &bytes, NULL) == ERR_OK && bytes % INDEX_ENTRY_BYTES == 0;
    if (good && bytes > 0)
        good = read_entry(fd, bytes / INDEX_ENTRY_BYTES - 1, &entry, NULL) == ERR_OK;
    good = good && (int64_t)entry.position <= size && fits(log_fd, segment, &entry, size);
    put(segment);
    *count = good ? bytes / INDEX_ENTRY_BYTES : 0;
    *last = entry.position;
    return good;
}

static err_t collect(struct segment *segment, int log_fd, int64_t size,
                     struct index_builder *builder, struct diag *diag)
{
    struct batch_walk walk;
    batch_walk_init(&walk, log_fd, 0, size, BATCH_WALK_SCAN);
    int64_t max_timestamp = -1;
    err_t err;
    while (batch_walk_next(&walk, &err, diag)) {
        if (walk.header.max_timestamp > max_timestamp)
            max_timestamp = walk.header.max_timestamp;
        index_builder_add(builder, segment, walk.at, &walk.header, max_timestamp);
    }
    batch_walk_release(&walk);
    return err;
}

// An index that cannot be made whole only costs time: readers then walk further.
static void rebuild(struct segment *segment, int log_fd, int64_t size, int64_t *count,
                    int64_t *last)
{
    struct index_builder builder = {0};
    struct diag diag = DIAG_INIT;
    err_t err = collect(segment, log_fd, size, &builder, &diag);
    if (err != ERR_OK)
        builder.last_position = size; // entries behind a damage would break the order
    int fd;
    err_t write_err = get(segment, &fd, &diag);
    if (write_err == ERR_OK) {
        write_err = file_truncate(fd, 0, &diag);
        put(segment);
    }
    if (write_err == ERR_OK)
        write_err = index_write(segment, 0, builder.entries.items, builder.entries.count, &diag);
    *count = write_err == ERR_OK ? (int64_t)builder.entries.count : 0;
    *last = builder.last_position;
    vec_release(&builder.entries);
    LOG_INFO("store/log", "made an index anew",
             "topic=%s partition=%d segment=%lld entries=%lld%s%s", segment->partition->topic->name,
             segment->partition->index, (long long)segment->base_offset, (long long)*count,
             diag.text[0] ? " err=" : "", diag.text);
}

// True when the caller has to do the check; false when it is ready.
static bool claim(struct segment *segment)
{
    struct log_store *store = store_of(segment);
    struct mutex *mutex = &segment->partition->mutex;
    for (;;) {
        mutex_lock(mutex);
        uint8_t state = segment->index_state;
        if (state == INDEX_UNKNOWN)
            segment->index_state = INDEX_BUSY;
        mutex_unlock(mutex);
        if (state != INDEX_BUSY)
            return state == INDEX_UNKNOWN;
        // The owner leaves BUSY, then broadcasts with index_mutex held; a wake lost in between
        // costs one period.
        mutex_lock(&store->index_mutex);
        (void)cond_wait_for(&store->index_ready, &store->index_mutex, 5000);
        mutex_unlock(&store->index_mutex);
    }
}

err_t index_ensure(struct segment *segment, struct diag *diag)
{
    if (!claim(segment))
        return ERR_OK;
    struct mutex *mutex = &segment->partition->mutex;
    mutex_lock(mutex);
    int64_t size = segment->size < segment->readable_size ? segment->size : segment->readable_size;
    mutex_unlock(mutex);
    int log_fd;
    int64_t count = 0, last = 0;
    bool rebuilt = false;
    err_t err = segment__get(segment, &log_fd, diag);
    if (err == ERR_OK) {
        if (!usable(segment, log_fd, size, &count, &last)) {
            rebuilt = true;
            rebuild(segment, log_fd, size, &count, &last);
        }
        segment__put(segment);
    }
    mutex_lock(mutex);
    segment->index_state = err == ERR_OK ? INDEX_READY : INDEX_UNKNOWN;
    segment->index_count = count;
    segment->indexed_position = last;
    segment->unsynced = segment->unsynced || rebuilt;
    mutex_unlock(mutex);
    struct log_store *store = store_of(segment);
    mutex_lock(&store->index_mutex);
    cond_broadcast(&store->index_ready);
    mutex_unlock(&store->index_mutex);
    return err;
}

int64_t index_resume(struct segment *segment, int64_t position, int64_t *last_position)
{
    *last_position = 0;
    int fd;
    if (get(segment, &fd, NULL) != ERR_OK)
        return 0;
    int64_t bytes = 0;
    struct index_entry entry = {0};
    err_t err = file_size(fd, &bytes, NULL);
    int64_t count = err == ERR_OK ? bytes / INDEX_ENTRY_BYTES : 0;
    while (count > 0 &&
           (read_entry(fd, count - 1, &entry, NULL) != ERR_OK || entry.position >= position))
        count--;
    if (err == ERR_OK && file_truncate(fd, count * INDEX_ENTRY_BYTES, NULL) == ERR_OK && count > 0)
        *last_position = entry.position;
    put(segment);
    return count;
}

err_t index_find(struct segment *segment,
                 bool (*before)(const struct index_entry *entry, int64_t value), int64_t value,
                 struct index_entry *found, struct diag *diag)
{
    *found = (struct index_entry){.max_timestamp = INT64_MIN};
    mutex_lock(&segment->partition->mutex);
    int64_t count = segment->index_count;
    mutex_unlock(&segment->partition->mutex);
    if (count == 0)
        return ERR_OK;
    int fd;
    TRY(get(segment, &fd, diag));
    err_t err = ERR_OK;
    int64_t low = 0, high = count; // entries [0, low) are before, [high, count) are not
    struct index_entry entry;
    while (err == ERR_OK && high - low > BLOCK_ENTRIES) {
        int64_t middle = low + (high - low) / 2;
        err = read_entry(fd, middle, &entry, diag);
        if (err == ERR_OK && before(&entry, value)) {
            *found = entry;
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    uint8_t raw[BLOCK_ENTRIES * INDEX_ENTRY_BYTES];
    if (err == ERR_OK)
        err = file_pread(fd, raw, (size_t)(high - low) * INDEX_ENTRY_BYTES, low * INDEX_ENTRY_BYTES,
                         diag);
    for (int64_t i = 0; err == ERR_OK && i < high - low; i++) {
        entry = decode(raw + i * INDEX_ENTRY_BYTES);
        if (!before(&entry, value))
            break;
        *found = entry;
    }
    put(segment);
    return err;
}
