// SPDX-License-Identifier: Apache-2.0
//
// Reading: from an offset to the place in a file, and to the last batch boundary that fits.
//
// A consumer goes on where it stopped, or waits at the end. Both places are remembered as hints, so
// it needs neither index nor header: partition_range() then touches no file at all.
#include "store/log/batch_walk.h"
#include "store/log/log_int.h"

#include "base/metric.h"
#include "wire/kafka/record.h"

// What is known under the mutex of where an offset lies.
struct place {
    struct segment *segment; // a reference; NULL: the offset is the end
    int64_t position;        // -1 = not known
    int64_t readable_size;
    int64_t next_offset; // behind readable_size
    int64_t stop_offset; // the batch of this offset, in this segment, is the end; -1 = none
};

static err_t check_offset(struct partition *partition, int64_t offset, struct diag *diag)
{
    const char *name = partition->topic->name;
    if (partition->deleted)
        return FAIL(diag, ERR_UNKNOWN_TOPIC, "topic %s was deleted", name);
    if (offset < partition->start_offset || offset > partition->end_offset)
        return FAIL(diag, ERR_OFFSET_OUT_OF_RANGE, "offset %lld of %s-%d, it holds %lld to %lld",
                    (long long)offset, name, partition->index, (long long)partition->start_offset,
                    (long long)partition->end_offset);
    if (offset >= partition->damaged_from && offset < partition->end_offset)
        return FAIL(diag, ERR_CORRUPT, "%s", partition->damage_story);
    return ERR_OK;
}

// Index of the last segment that starts at or before `offset`; -1 if none does.
static int64_t segment_at(const struct partition *partition, int64_t offset)
{
    int64_t low = 0, high = (int64_t)partition->segments.count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (partition->segments.items[middle]->base_offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}

static void fill_place(struct partition *partition, int64_t at, int64_t offset, struct place *place)
{
    struct segment *segment = partition->segments.items[at];
    bool last = (size_t)at + 1 == partition->segments.count;
    place->segment = segment__ref(segment);
    place->readable_size = segment->readable_size;
    place->next_offset =
        last ? partition->end_offset : partition->segments.items[at + 1]->base_offset;
    place->position = offset == segment->base_offset ? 0 : -1;
    for (int i = 0; i < HINT_COUNT; i++) {
        const struct hint *hint = &partition->hints[i];
        if (hint->offset == offset && hint->segment_base == segment->base_offset)
            place->position = hint->position;
    }
}

// Nothing at or behind the last stable offset.
static void stop_at_stable(const struct partition *partition, int64_t stable, struct place *place)
{
    const struct open_txn *first = &partition->first_open;
    if (stable >= place->next_offset)
        return;
    if (first->first_offset == stable && first->segment_base == place->segment->base_offset &&
        first->position >= 0) {
        if (first->position < place->readable_size)
            place->readable_size = first->position;
    } else {
        place->stop_offset = stable;
    }
    place->next_offset = stable;
}

static err_t find_place(struct partition *partition, int64_t offset, unsigned flags,
                        struct place *place, struct partition_offsets *offsets, struct diag *diag)
{
    *place = (struct place){.stop_offset = -1};
    mutex_lock(&partition->mutex);
    *offsets = (struct partition_offsets){
        .start = partition->start_offset,
        .end = partition->end_offset,
        .stable = partition__stable(partition),
        .bytes = partition->bytes,
    };
    int64_t end = flags & RANGE_COMMITTED ? offsets->stable : offsets->end;
    err_t err = check_offset(partition, offset, diag);
    int64_t at = segment_at(partition, offset);
    if (err == ERR_OK && offset < end && partition->segments.count > 0) {
        fill_place(partition, at < 0 ? 0 : at, offset, place);
        if (flags & RANGE_COMMITTED)
            stop_at_stable(partition, offsets->stable, place);
    }
    mutex_unlock(&partition->mutex);
    return err;
}

static bool offset_before(const struct index_entry *entry, int64_t delta)
{
    return (int64_t)entry->offset_delta <= delta;
}

static bool position_before(const struct index_entry *entry, int64_t position)
{
    return (int64_t)entry->position <= position;
}

// Starts a walk at the batch an index entry points at; at the start of the file when it does not.
static void walk_from(struct batch_walk *walk, int fd, const struct place *place,
                      const struct index_entry *entry)
{
    batch_walk_init(walk, fd, entry->position, place->readable_size, BATCH_WALK_STEP);
    if (entry->position == 0)
        return;
    err_t err;
    if (!batch_walk_next(walk, &err, NULL) ||
        walk->header.base_offset != place->segment->base_offset + entry->offset_delta)
        walk->at = 0;
    walk->position = walk->at;
}

// Position of the batch that holds `offset`, or of the next one where compaction left a gap.
static err_t locate(struct place *place, int fd, int64_t offset, struct diag *diag)
{
    if (place->position >= 0)
        return ERR_OK;
    TRY(index_ensure(place->segment, diag));
    struct index_entry entry;
    TRY(index_find(place->segment, offset_before, offset - place->segment->base_offset, &entry,
                   diag));
    struct batch_walk walk;
    walk_from(&walk, fd, place, &entry);
    err_t err;
    while (batch_walk_next(&walk, &err, diag)) {
        if (batch_header_last_offset(&walk.header) < offset)
            continue;
        place->position = walk.at;
        break;
    }
    batch_walk_release(&walk);
    if (err == ERR_OK && place->position < 0)
        place->position = place->readable_size;
    return err;
}

// Finds where the first open transaction begins, when nobody remembers (it is older than this run
// of the program).
static err_t locate_stop(struct place *place, int fd, struct diag *diag)
{
    struct partition *partition = place->segment->partition;
    if (place->stop_offset < 0)
        return ERR_OK;
    struct place stop = *place;
    stop.position = place->stop_offset == place->segment->base_offset ? 0 : -1;
    TRY(locate(&stop, fd, place->stop_offset, diag));
    place->readable_size = stop.position;
    mutex_lock(&partition->mutex);
    if (partition->first_open.first_offset == place->stop_offset) {
        partition->first_open.segment_base = place->segment->base_offset;
        partition->first_open.position = stop.position;
    }
    mutex_unlock(&partition->mutex);
    return ERR_OK;
}

// How much from place->position on fits into max_bytes, in whole batches; `*next` is the offset
// behind.
static err_t measure(const struct place *place, int fd, size_t max_bytes, unsigned flags,
                     size_t *size, int64_t *next, struct diag *diag)
{
    int64_t limit = place->position + (int64_t)max_bytes;
    struct index_entry entry;
    TRY(index_ensure(place->segment, diag));
    TRY(index_find(place->segment, position_before, limit, &entry, diag));
    struct batch_walk walk;
    bool jump = (int64_t)entry.position > place->position;
    if (jump)
        walk_from(&walk, fd, place, &entry);
    if (!jump || walk.position < place->position) {
        if (jump)
            batch_walk_release(&walk);
        batch_walk_init(&walk, fd, place->position, place->readable_size, BATCH_WALK_STEP);
    }
    int64_t end = walk.position;
    *next = jump ? place->segment->base_offset + entry.offset_delta : -1;
    err_t err;
    while (batch_walk_next(&walk, &err, diag)) {
        bool first = walk.at == place->position;
        if (walk.position > limit && !(first && (flags & RANGE_WHOLE_FIRST)))
            break;
        end = walk.position;
        *next = batch_header_last_offset(&walk.header) + 1;
    }
    batch_walk_release(&walk);
    *size = (size_t)(end - place->position);
    return err;
}

static err_t range_in(struct place *place, int64_t offset, size_t max_bytes, unsigned flags,
                      struct log_range *out, struct diag *diag)
{
    struct partition *partition = place->segment->partition;
    struct file_cache *files = &partition->topic->store->files;
    bool whole =
        place->position >= 0 && place->readable_size - place->position <= (int64_t)max_bytes;
    if (flags & RANGE_MEMORY_ONLY) {
        if (!whole || place->stop_offset >= 0 ||
            !file_cache_try(files, &place->segment->log, &out->fd))
            return ERR_TIMEOUT;
    } else {
        TRY(segment__get(place->segment, &out->fd, diag));
    }
    bool searched = place->position < 0;
    err_t err = locate_stop(place, out->fd, diag);
    if (err == ERR_OK)
        err = locate(place, out->fd, offset, diag);
    int64_t next = place->next_offset;
    size_t size = 0;
    if (err == ERR_OK && place->readable_size - place->position <= (int64_t)max_bytes)
        size = (size_t)(place->readable_size - place->position);
    else if (err == ERR_OK)
        err = measure(place, out->fd, max_bytes, flags, &size, &next, diag);
    if (err == ERR_OK && size > 0) {
        mutex_lock(&partition->mutex);
        if (searched && !place->segment->removed)
            partition__hint(partition, offset, place->segment->base_offset, place->position);
        if (!place->segment->removed)
            partition__hint(partition, next, place->segment->base_offset,
                            place->position + (int64_t)size);
        mutex_unlock(&partition->mutex);
        out->position = place->position;
        out->size = size;
        out->next_offset = next;
        out->held = segment__ref(place->segment);
        (void)topic_ref(partition->topic);
        metric_add(METRIC_LOG_FETCHED_BYTES, (int64_t)size);
        atomic_fetch_add_explicit(&partition->topic->traffic.bytes_out, size, memory_order_relaxed);
        return ERR_OK;
    }
    segment__put(place->segment);
    out->fd = -1;
    return err;
}

// Retention or compaction took the segment before its file was open: look again.
static bool was_replaced(const struct place *place)
{
    struct partition *partition = place->segment->partition;
    mutex_lock(&partition->mutex);
    bool removed = place->segment->removed && !partition->deleted;
    mutex_unlock(&partition->mutex);
    return removed;
}

err_t partition_range(struct partition *partition, int64_t offset, size_t max_bytes, unsigned flags,
                      struct log_range *out, struct diag *diag)
{
    *out = (struct log_range){.fd = -1};
    struct place place;
    if (max_bytes > INT32_MAX)
        max_bytes = INT32_MAX;
    for (int64_t at = offset;;) {
        TRY(find_place(partition, at, flags, &place, &out->offsets, diag));
        if (!place.segment)
            return ERR_OK;
        struct diag range_diag = DIAG_INIT;
        err_t err = range_in(&place, at, max_bytes, flags, out, &range_diag);
        if (err != ERR_OK && was_replaced(&place)) {
            segment__unref(place.segment);
            continue;
        }
        if (err != ERR_OK && range_diag.code != ERR_OK && diag && diag->code == ERR_OK)
            *diag = range_diag;
        // Nothing left in this file (compaction may leave such ends): go on with the next.
        bool exhausted = err == ERR_OK && out->size == 0 && place.position == place.readable_size &&
                         place.next_offset > at;
        at = place.next_offset;
        segment__unref(place.segment);
        if (err != ERR_OK || !exhausted)
            return err;
    }
}

void log_range_release(struct log_range *range)
{
    struct segment *segment = range->held;
    if (!segment)
        return;
    struct topic *topic = segment->partition->topic;
    segment__put(segment);
    segment__unref(segment);
    topic_unref(topic);
    range->held = NULL;
    range->fd = -1;
}

void log_range_warm(const struct log_range *range)
{
    if (range->size > 0)
        file_warm(range->fd, range->position, range->size);
}

err_t partition_read(struct partition *partition, int64_t offset, size_t max_bytes,
                     struct buf **out, struct diag *diag)
{
    *out = NULL;
    struct log_range range;
    TRY(partition_range(partition, offset, max_bytes, RANGE_WHOLE_FIRST, &range, diag));
    if (range.size == 0)
        return ERR_OK;
    struct buf *buf = buf_new(range.size);
    err_t err = file_pread(range.fd, buf->ptr, range.size, range.position, diag);
    log_range_release(&range);
    if (err != ERR_OK)
        buf_unref(buf);
    else
        *out = buf;
    return err;
}

// --- time ---

static bool time_before(const struct index_entry *entry, int64_t timestamp_ms)
{
    return entry->max_timestamp < timestamp_ms;
}

// The first record of the batch at or after `from` with timestamp >= `timestamp_ms`.
static err_t search_batch(struct bytes batch, int64_t from, int64_t timestamp_ms, int64_t *offset,
                          int64_t *found_ms, struct diag *diag)
{
    struct record_reader reader;
    TRY(record_reader_open(&reader, batch, RECORD_UNPACKED_MAX_BYTES, diag));
    struct record record;
    while (*offset < 0 && record_reader_next(&reader, &record)) {
        if (record.offset < from || record.timestamp_ms < timestamp_ms)
            continue;
        *offset = record.offset;
        *found_ms = record.timestamp_ms;
    }
    err_t err = reader.at.failed
                    ? FAIL(diag, ERR_CORRUPT, "a stored batch breaks the record format")
                    : ERR_OK;
    record_reader_release(&reader);
    return err;
}

static err_t search_segment(struct place *place, int64_t from, int64_t timestamp_ms,
                            int64_t *offset, int64_t *found_ms, struct diag *diag)
{
    TRY(index_ensure(place->segment, diag));
    struct index_entry entry;
    TRY(index_find(place->segment, time_before, timestamp_ms, &entry, diag));
    int fd;
    TRY(segment__get(place->segment, &fd, diag));
    struct batch_walk walk;
    walk_from(&walk, fd, place, &entry);
    err_t err;
    while (*offset < 0 && batch_walk_next(&walk, &err, diag)) {
        if (walk.header.max_timestamp < timestamp_ms ||
            batch_header_last_offset(&walk.header) < from)
            continue;
        struct bytes batch;
        err = batch_walk_body(&walk, &batch, diag);
        if (err == ERR_OK)
            err = search_batch(batch, from, timestamp_ms, offset, found_ms, diag);
        if (err != ERR_OK)
            break;
    }
    batch_walk_release(&walk);
    segment__put(place->segment);
    return err;
}

err_t partition_offset_at(struct partition *partition, int64_t timestamp_ms, int64_t *offset,
                          int64_t *found_ms, struct diag *diag)
{
    *offset = *found_ms = -1;
    struct partition_offsets offsets = partition_offsets(partition);
    for (int64_t at = offsets.start; *offset < 0 && at < offsets.end;) {
        struct place place;
        struct partition_offsets now;
        TRY(find_place(partition, at, 0, &place, &now, diag));
        if (!place.segment)
            return ERR_OK;
        mutex_lock(&partition->mutex);
        bool holds = place.segment->max_timestamp >= timestamp_ms;
        mutex_unlock(&partition->mutex);
        err_t err = ERR_OK;
        struct diag search_diag = DIAG_INIT;
        if (holds)
            err =
                search_segment(&place, offsets.start, timestamp_ms, offset, found_ms, &search_diag);
        if (err != ERR_OK && was_replaced(&place)) {
            segment__unref(place.segment);
            at = at > partition_offsets(partition).start ? at : partition_offsets(partition).start;
            continue;
        }
        if (err != ERR_OK && diag && diag->code == ERR_OK)
            *diag = search_diag;
        bool moves = place.next_offset > at;
        at = place.next_offset;
        segment__unref(place.segment);
        TRY(err);
        if (!moves)
            return ERR_OK;
    }
    return ERR_OK;
}

err_t partition_offset_of_max(struct partition *partition, int64_t *offset, int64_t *found_ms,
                              struct diag *diag)
{
    *offset = *found_ms = -1;
    mutex_lock(&partition->mutex);
    int64_t max_timestamp = -1;
    for (size_t i = 0; i < partition->segments.count; i++)
        if (partition->segments.items[i]->max_timestamp > max_timestamp)
            max_timestamp = partition->segments.items[i]->max_timestamp;
    mutex_unlock(&partition->mutex);
    if (max_timestamp < 0)
        return ERR_OK;
    // Batches below the start or above the high watermark may have set it: then the largest
    // readable is less.
    TRY(partition_offset_at(partition, max_timestamp, offset, found_ms, diag));
    return ERR_OK;
}
