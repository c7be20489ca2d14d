// SPDX-License-Identifier: Apache-2.0
//
// Compaction of one partition, by Kafka's rules:
//
//   map     the dirty part is read; of each key the newest offset is remembered (offset_map.h).
//   When
//           the map is full the rest stays dirty
//   filter  everything from the start to the end of what the map has seen is read again. A record
//           stays when the map knows no newer one of its key. A tombstone stays until its horizon.
//           Records without a key go. Data of aborted transactions goes; a marker goes when it has
//           no data left and its horizon has passed
//   write   neighbouring segments that fit into segment.bytes together become one file
//
// Batches are kept without records where they are the newest of a producer that may go on (its
// sequence is in them), and at the end of each file: so files keep joining on to each other, and
// recovery still notices a missing one.
//
// Every batch is checked against its checksum before it is written anew: damage is never given a
// checksum that holds.
#include "store/log/cleaner.h"

#include "store/log/batch_walk.h"
#include "store/log/clean_batch.h"
#include "store/log/clean_txn.h"
#include "store/log/offset_map.h"

#include "base/metric.h"
#include "os/clock.h"

enum {
    OUT_BYTES = 1 << 20,      // written at once
    SYNC_BYTES = 4 << 20,     // so that the last sync is no burst
    SPARE_BYTES = 32 << 20,   // of the disk, that are left to others
    MAP_BYTES_MAX = 32 << 20, // of the offset map
    MAP_SLOTS_MIN = 1024,
};

struct last_record { // of a producer that may go on
    int64_t offset;  // of its newest data; -1 = only a marker
    int16_t epoch;
};
MAP_DEFINE(last_map, int64_t, struct last_record, producer_id_hash, producer_id_equal);

struct compaction {
    struct partition *partition;
    const struct topic_limits *limits;
    const struct clean_plan *plan;
    int64_t now_ms;
    VEC(struct segment *) segments; // references; all below plan->end
    struct clean_txns txns;
    struct offset_map map;
    int64_t map_end; // offsets below it are in the map
    struct last_map last;
    struct str scratch;
};

// --- what there is ---

static void take_segments(struct compaction *compaction)
{
    struct partition *partition = compaction->partition;
    mutex_lock(&partition->mutex);
    for (size_t i = 0; i < partition->segments.count; i++)
        if (partition->segments.items[i]->base_offset < compaction->plan->end)
            vec_push(&compaction->segments, segment__ref(partition->segments.items[i]));
    mutex_unlock(&partition->mutex);
}

// On the writer's thread, where the producers are.
static void take_producers(void *ctx)
{
    struct compaction *compaction = ctx;
    const struct producer_map *map = &compaction->partition->producers.map;
    for (size_t i = 0; i < map->capacity; i++) {
        if (!map->used[i])
            continue;
        const struct producer *producer = map->values[i];
        int64_t offset = -1;
        if (producer->batch_count > 0)
            offset = producer->batches[producer->batch_count - 1].last_offset;
        *last_map_put(&compaction->last, producer->id, NULL) =
            (struct last_record){offset, producer->epoch};
    }
}

// --- a walk over batches ---

// Called with each whole batch, or with its header alone. ERR_TIMEOUT ends the walk: enough.
typedef err_t visit_fn(struct compaction *compaction, struct batch_walk *walk, void *ctx,
                       struct diag *diag);

static err_t visit_batches(struct compaction *compaction, struct segment *segment, int64_t position,
                           size_t step_bytes, visit_fn *visit, void *ctx, struct diag *diag)
{
    int fd;
    TRY(segment__get(segment, &fd, diag));
    mutex_lock(&compaction->partition->mutex);
    int64_t size = segment->readable_size;
    mutex_unlock(&compaction->partition->mutex);
    struct batch_walk walk;
    batch_walk_init(&walk, fd, position, size, step_bytes);
    err_t err;
    int64_t paced = position;
    while (batch_walk_next(&walk, &err, diag)) {
        err = visit(compaction, &walk, ctx, diag);
        if (err == ERR_OK && walk.position - paced >= OUT_BYTES) {
            err = cleaner_pace(compaction->partition, walk.position - paced);
            paced = walk.position;
        }
        if (err != ERR_OK)
            break;
    }
    batch_walk_release(&walk);
    segment__put(segment);
    if (err == ERR_CORRUPT) {
        char path[PATH_BYTES];
        segment__path(segment, "log", path);
        diag_context(diag, "%s", path);
    }
    return err;
}

static err_t whole_batch(struct batch_walk *walk, struct bytes *out, struct diag *diag)
{
    TRY(batch_walk_body(walk, out, diag));
    if (!batch_crc_ok(*out))
        return FAIL(diag, ERR_CORRUPT, "the checksum of the batch at byte %lld does not hold",
                    (long long)walk->at);
    return ERR_OK;
}

// --- map ---

static bool is_dirty(const struct compaction *compaction, size_t at)
{
    int64_t end = at + 1 < compaction->segments.count
                      ? compaction->segments.items[at + 1]->base_offset
                      : compaction->plan->end;
    return end > compaction->plan->dirty;
}

// Room for each offset of the dirty part if that is not too much: there are no more keys.
static void make_map(struct compaction *compaction)
{
    size_t slots = MAP_BYTES_MAX / OFFSET_MAP_SLOT_BYTES;
    int64_t limit = compaction->partition->topic->store->options.cleaner_map_bytes;
    if (limit > 0)
        slots = (size_t)limit / OFFSET_MAP_SLOT_BYTES;
    else if (compaction->plan->end - compaction->plan->dirty < (int64_t)slots / 2)
        slots = (size_t)(compaction->plan->end - compaction->plan->dirty) * 2 + MAP_SLOTS_MIN;
    offset_map_init(&compaction->map, slots);
}

static err_t map_records(struct compaction *compaction, struct bytes batch, struct diag *diag)
{
    struct record_reader reader;
    struct record record;
    err_t err = ERR_OK;
    TRY(record_reader_open(&reader, batch, RECORD_UNPACKED_MAX_BYTES, diag));
    while (err == ERR_OK && record_reader_next(&reader, &record))
        if (record.key.ptr && record.offset >= compaction->plan->dirty &&
            !offset_map_put(&compaction->map, record.key, record.offset))
            err = ERR_TIMEOUT;
    if (reader.at.failed)
        err = FAIL(diag, ERR_CORRUPT, "the batch at offset %lld breaks the record format",
                   (long long)reader.header.base_offset);
    record_reader_release(&reader);
    return err;
}

static err_t map_batch(struct compaction *compaction, struct batch_walk *walk, void *ctx,
                       struct diag *diag)
{
    (void)ctx;
    const struct batch_header *header = &walk->header;
    int64_t end = batch_header_last_offset(header) + 1;
    err_t err = ERR_OK;
    if (header->attributes & BATCH_CONTROL) {
        struct aborted_txn entry;
        (void)clean_txns_marker(&compaction->txns, header, &entry);
    } else if (!clean_txns_data(&compaction->txns, header) && end > compaction->plan->dirty) {
        struct bytes batch;
        TRY(whole_batch(walk, &batch, diag));
        err = map_records(compaction, batch, diag);
    }
    // A batch with more keys than the map takes is passed all the same: what of it the map does not
    // know stays until the key is written again.
    bool first = compaction->map_end <= compaction->plan->dirty;
    if ((err == ERR_OK || (err == ERR_TIMEOUT && first)) && end > compaction->map_end)
        compaction->map_end = end;
    return err;
}

static err_t fill_map(struct compaction *compaction, struct diag *diag)
{
    make_map(compaction);
    compaction->map_end = compaction->plan->dirty;
    bool first = true;
    err_t err = ERR_OK;
    for (size_t i = 0; i < compaction->segments.count && err == ERR_OK; i++) {
        if (!is_dirty(compaction, i))
            continue;
        if (first)
            clean_txns_begin(&compaction->txns, compaction->segments.items[i]->base_offset);
        first = false;
        err = visit_batches(compaction, compaction->segments.items[i], 0, BATCH_WALK_SCAN,
                            map_batch, NULL, diag);
    }
    if (err == ERR_OK)
        compaction->map_end = compaction->plan->end;
    return err == ERR_TIMEOUT ? ERR_OK : err;
}

// --- filter and write ---

struct output {
    struct segment *segment;
    int64_t end; // the file covers offsets up to here
    struct str bytes;
    struct index_builder index;
    struct aborted_list aborted;
    int64_t written; // of the file, without `bytes`
    int64_t synced;
    bool changed; // it is not the same bytes as the old ones
};

static bool keeps_record(void *ctx, const struct batch_header *header, const struct record *record)
{
    const struct compaction *compaction = ctx;
    if (record->offset >= compaction->map_end)
        return true;
    if (!record->key.ptr || record->offset < offset_map_get(&compaction->map, record->key))
        return false;
    int64_t horizon_ms = batch_horizon_ms(header);
    return record->value.ptr || horizon_ms < 0 || compaction->now_ms < horizon_ms;
}

static bool is_last_of_producer(const struct compaction *compaction,
                                const struct batch_header *header)
{
    const struct last_record *last =
        header->producer_id >= 0 ? last_map_get(&compaction->last, header->producer_id) : NULL;
    if (!last)
        return false;
    if (last->offset >= 0)
        return batch_header_last_offset(header) == last->offset;
    return (header->attributes & BATCH_CONTROL) && header->producer_epoch == last->epoch;
}

static void decide(struct compaction *compaction, struct batch_walk *walk, struct output *out,
                   struct batch_cleaning *cleaning)
{
    const struct batch_header *header = &walk->header;
    bool control = header->attributes & BATCH_CONTROL;
    int64_t horizon_ms = batch_horizon_ms(header);
    bool over;
    if (control) {
        struct aborted_txn entry;
        over = clean_txns_marker(&compaction->txns, header, &entry);
        if (!over && entry.first_offset >= 0)
            vec_push(&out->aborted, entry);
    } else {
        over = clean_txns_data(&compaction->txns, header);
    }
    int64_t keep_ms = compaction->limits->delete_retention_ms;
    *cleaning = (struct batch_cleaning){
        .keeps_none = over && (!control || (horizon_ms >= 0 && horizon_ms <= compaction->now_ms)),
        .keeps_all = control,
        .keeps_empty = is_last_of_producer(compaction, header) ||
                       batch_header_last_offset(header) + 1 == out->end,
        .sets_horizon = over && control,
        .horizon_ms =
            keep_ms > INT64_MAX - compaction->now_ms ? INT64_MAX : compaction->now_ms + keep_ms,
        .keeps = keeps_record,
        .ctx = compaction,
    };
}

static err_t flush(struct output *out, struct diag *diag)
{
    struct segment *segment = out->segment;
    struct log_store *store = segment->partition->topic->store;
    int fd;
    TRY(segment__get(segment, &fd, diag));
    err_t err = file_pwrite(fd, out->bytes.ptr, out->bytes.size, out->written, diag);
    if (err == ERR_OK) {
        out->written += (int64_t)out->bytes.size;
        metric_add(METRIC_LOG_CLEANER_WRITTEN_BYTES, (int64_t)out->bytes.size);
        str_clear(&out->bytes);
    }
    if (err == ERR_OK && out->written - out->synced >= SYNC_BYTES) {
        err = store->options.sync_file(fd, diag);
        out->synced = out->written;
    }
    segment__put(segment);
    return err;
}

static err_t filter_batch(struct compaction *compaction, struct batch_walk *walk, void *ctx,
                          struct diag *diag)
{
    struct output *out = ctx;
    struct batch_cleaning cleaning;
    struct batch_cleaned cleaned;
    struct bytes batch;
    metric_add(METRIC_LOG_CLEANER_READ_BYTES, walk->position - walk->at);
    decide(compaction, walk, out, &cleaning);
    if (cleaning.keeps_none && !cleaning.keeps_empty) {
        out->changed = true;
        return ERR_OK;
    }
    TRY(whole_batch(walk, &batch, diag));
    int64_t position = out->written + (int64_t)out->bytes.size;
    TRY(clean_batch(&cleaning, batch, &compaction->scratch, &out->bytes, &cleaned, diag));
    out->changed = out->changed || !cleaned.same;
    if (!cleaned.kept)
        return ERR_OK;
    struct segment *segment = out->segment;
    if (cleaned.max_timestamp > segment->max_timestamp)
        segment->max_timestamp = cleaned.max_timestamp;
    index_builder_add(&out->index, segment, position, &walk->header, segment->max_timestamp);
    return out->bytes.size >= OUT_BYTES ? flush(out, diag) : ERR_OK;
}

// --- groups ---

// How many segments from `first` on become one file.
static size_t group_size(const struct compaction *compaction, size_t first, int64_t *bytes,
                         int64_t *end)
{
    size_t count = 0;
    *bytes = 0;
    for (size_t i = first; i < compaction->segments.count; i++, count++) {
        const struct segment *segment = compaction->segments.items[i];
        int64_t segment_end = i + 1 < compaction->segments.count
                                  ? compaction->segments.items[i + 1]->base_offset
                                  : compaction->plan->end;
        bool fits = *bytes + segment->size <= compaction->limits->segment_bytes &&
                    segment_end - 1 - compaction->segments.items[first]->base_offset <= INT32_MAX;
        if (count > 0 && !fits)
            break;
        if (segment->base_offset >= compaction->map_end)
            break; // nothing of it was looked at
        *bytes += segment->size;
        *end = segment_end;
    }
    return count;
}

static err_t check_room(const struct compaction *compaction, int64_t bytes, struct diag *diag)
{
    uint64_t room;
    TRY(dir_free_bytes(compaction->partition->topic->store->dir, &room, diag));
    if (room < (uint64_t)bytes + SPARE_BYTES)
        return FAIL(diag, ERR_DISK_FULL,
                    "compaction may need %lld bytes and leave %d, %llu are free", (long long)bytes,
                    SPARE_BYTES, (unsigned long long)room);
    return ERR_OK;
}

static err_t write_group(struct compaction *compaction, struct segment **old, size_t count,
                         struct output *out, struct diag *diag)
{
    for (size_t i = 0; i < count; i++)
        TRY(visit_batches(compaction, old[i], 0, BATCH_WALK_SCAN, filter_batch, out, diag));
    TRY(flush(out, diag));
    struct segment *segment = out->segment;
    struct log_store *store = compaction->partition->topic->store;
    segment->size = segment->readable_size = out->written;
    segment->created_ms = old[count - 1]->created_ms;
    TRY(index_write(segment, 0, out->index.entries.items, out->index.entries.count, diag));
    segment->index_count = (int64_t)out->index.entries.count;
    segment->indexed_position = out->index.last_position;
    int fd;
    if (out->aborted.count > 0) {
        TRY(aborted_write(segment, 0, out->aborted.items, out->aborted.count, diag));
        segment->aborted_count = (int64_t)out->aborted.count;
        TRY(segment__open(segment, &segment->aborted, "txnindex", FILE_WRITE, &fd, diag));
        err_t err = store->options.sync_file(fd, diag);
        file_cache_put(&store->files, &segment->aborted);
        TRY(err);
    }
    TRY(segment__get(segment, &fd, diag));
    err_t err = store->options.sync_file(fd, diag); // also where appends are not synced
    segment__put(segment);
    return err;
}

static err_t clean_group(struct compaction *compaction, size_t first, size_t count, int64_t bytes,
                         int64_t end, struct diag *diag)
{
    struct segment **old = compaction->segments.items + first;
    struct output out = {.end = end};
    TRY(check_room(compaction, bytes, diag));
    TRY(swap_begin(compaction->partition, old[0]->base_offset, &out.segment, diag));
    err_t err = write_group(compaction, old, count, &out, diag);
    if (err == ERR_OK && (out.changed || count > 1))
        err = swap_commit(out.segment, old, count, diag);
    else
        swap_abandon(out.segment);
    str_release(&out.bytes);
    vec_release(&out.index.entries);
    vec_release(&out.aborted);
    return err;
}

static err_t clean_groups(struct compaction *compaction, struct diag *diag)
{
    if (compaction->segments.count > 0)
        clean_txns_begin(&compaction->txns, compaction->segments.items[0]->base_offset);
    for (size_t at = 0; at < compaction->segments.count;) {
        int64_t bytes, end = 0;
        size_t count = group_size(compaction, at, &bytes, &end);
        if (count == 0)
            break;
        TRY(clean_group(compaction, at, count, bytes, end, diag));
        at += count;
    }
    return ERR_OK;
}

err_t compact_partition(struct partition *partition, const struct clean_plan *plan,
                        const struct topic_limits *limits, int64_t *cleaned_to, struct diag *diag)
{
    struct compaction compaction = {
        .partition = partition, .limits = limits, .plan = plan, .now_ms = clock_now_ms()};
    take_segments(&compaction);
    writer_call(partition->topic->store, take_producers, &compaction);
    int64_t start = compaction.segments.count ? compaction.segments.items[0]->base_offset : 0;
    err_t err = partition_aborted(partition, start, plan->end, 0, &compaction.txns.aborted, diag);
    if (err == ERR_OK)
        err = fill_map(&compaction, diag);
    if (err == ERR_OK)
        err = clean_groups(&compaction, diag);
    *cleaned_to = compaction.map_end;
    for (size_t i = 0; i < compaction.segments.count; i++)
        segment__unref(compaction.segments.items[i]);
    vec_release(&compaction.segments);
    clean_txns_release(&compaction.txns);
    offset_map_release(&compaction.map);
    last_map_release(&compaction.last);
    str_release(&compaction.scratch);
    return err;
}
