// SPDX-License-Identifier: Apache-2.0
//
// One segment: every batch from the first byte on, its place in the order of offsets, its checksum,
// and the two indexes beside it. Of a bad batch the first wrong field is told.
#include "store/log/inspect_int.h"

#include "store/log/batch_search.h"
#include "os/clock.h"
#include "store/log/log_int.h"
#include "store/log/round_mark.h"
#include "wire/kafka/marker.h"
#include "wire/kafka/record.h"
#include "wire/reader.h"

enum {
    LOOKS = 6, // at a place that a running weir may be writing
    LOOK_AGAIN_US = 50 * 1000,
    TXN_ENTRY_BYTES = 36, // aborted.c
    TXN_ENTRY_CRC = 32,
    MARKER_MAX_BYTES = 1000,
};

// An index, gone through beside the batches.
struct beside {
    char path[PATH_BYTES + 40];
    struct str content;
    size_t at; // bytes gone through
    bool bad;  // told once
};

struct look {
    struct inspect_partition *partition;
    char path[PATH_BYTES + 40];
    int fd;
    int64_t base;
    int64_t size;
    int64_t saved_size; // was on disk at the checkpoint: a start does not read it again
    bool last;
    int64_t max_timestamp;
    struct beside index;
    struct beside txns;
};

// --- one batch ---

static bool out_of_order(const struct inspect_partition *partition, int64_t offset)
{
    bool exact = !partition->gaps && !partition->damaged;
    return offset < partition->next || offset - partition->next > INT32_MAX ||
           (exact && offset != partition->next);
}

// The first field of the header at `at` that cannot be right; false when all can.
static bool bad_header(const struct look *look, int64_t at, const struct batch_header *header,
                       struct str *why)
{
    int64_t left = look->size - at;
    if (header->magic != BATCH_MAGIC)
        str_printf(why, "magic is %d, expected %d", header->magic, BATCH_MAGIC);
    else if (batch_header_size(header) == 0)
        str_printf(why, "batch length is %d, a header alone has %d", header->batch_length,
                   BATCH_HEADER_BYTES - BATCH_LENGTH_END);
    else if ((int64_t)batch_header_size(header) > left)
        str_printf(why, "batch length is %d, the file ends %lld bytes behind it",
                   header->batch_length, (long long)left - BATCH_LENGTH_END);
    else if (out_of_order(look->partition, header->base_offset))
        str_printf(why, "base offset is %lld, expected %lld%s", (long long)header->base_offset,
                   (long long)look->partition->next, look->partition->gaps ? " or more" : "");
    else if (header->last_offset_delta < 0)
        str_printf(why, "last offset delta is %d", header->last_offset_delta);
    else if (header->record_count < 0)
        str_printf(why, "record count is %d", header->record_count);
    return why->size > 0;
}

static bool bad_records(struct bytes batch, struct str *why)
{
    struct record_reader reader;
    struct diag diag = DIAG_INIT;
    err_t err = record_reader_open(&reader, batch, RECORD_UNPACKED_MAX_BYTES, &diag);
    if (err != ERR_OK) {
        str_printf(why, "the records do not unpack: %s", diag_text(&diag));
        return true;
    }
    int32_t count = 0, expected = reader.header.record_count;
    struct record record;
    while (record_reader_next(&reader, &record))
        count++;
    if (reader.at.failed || count != expected)
        str_printf(why, "record %d of %d does not parse", count, expected);
    record_reader_release(&reader);
    return why->size > 0;
}

// Is a whole batch at `at`? If not, `why` says what is wrong with it.
static bool whole(const struct look *look, int64_t at, struct batch_header *header, struct str *why)
{
    str_clear(why);
    uint8_t raw[BATCH_HEADER_BYTES];
    if (look->size - at < BATCH_HEADER_BYTES) {
        str_printf(why, "%lld bytes at the end, a batch header has %d",
                   (long long)(look->size - at), BATCH_HEADER_BYTES);
        return false;
    }
    struct diag diag = DIAG_INIT;
    if (file_pread(look->fd, raw, sizeof raw, at, &diag) != ERR_OK) {
        str_append_text(why, diag_text(&diag));
        return false;
    }
    (void)batch_header_read(header, bytes_make(raw, sizeof raw));
    if (bad_header(look, at, header, why))
        return false;
    uint32_t crc = 0;
    if (!batch_search_crc(look->fd, at, header, &crc))
        str_append_text(why, "it cannot be read");
    else if (crc != header->crc)
        str_printf(why, "the checksum is %08x, the bytes give %08x", header->crc, crc);
    if (why->size > 0 || !look->partition->inspect->options->records)
        return why->size == 0;
    size_t size = batch_header_size(header);
    uint8_t *batch = mem_alloc(size);
    bool bad = file_pread(look->fd, batch, size, at, NULL) != ERR_OK ||
               bad_records(bytes_make(batch, size), why);
    mem_free(batch);
    return !bad;
}

// --- the indexes beside it ---

__attribute__((format(printf, 3, 4))) static void
bad_beside(struct look *look, struct beside *beside, const char *format, ...)
{
    char text[200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    beside->bad = true;
    // The ends of the last ones are synced with a checkpoint only.
    struct inspect_place place = {.kind = look->last ? INSPECT_NOTE : INSPECT_DAMAGE,
                                  .path = beside->path,
                                  .partition = look->partition,
                                  .byte = (int64_t)beside->at,
                                  .offset = -1,
                                  .remedy = "makes it anew from the segments when it is first "
                                            "used; nothing is lost"};
    inspect__tell(look->partition->inspect, &place, "%s", text);
}

static void load_beside(struct look *look, struct beside *beside, const char *suffix)
{
    snprintf(beside->path, sizeof beside->path, "%s/%020lld.%s", look->partition->dir,
             (long long)look->base, suffix);
    struct diag diag = DIAG_INIT;
    if (file_exists(beside->path) &&
        file_read_all(beside->path, INT32_MAX, &beside->content, &diag) != ERR_OK)
        bad_beside(look, beside, "%s", diag_text(&diag));
}

static struct index_entry entry_at(const struct beside *index)
{
    struct reader reader =
        reader_make(bytes_make(index->content.ptr + index->at, INDEX_ENTRY_BYTES));
    struct index_entry entry = {.offset_delta = reader_u32(&reader)};
    entry.position = reader_u32(&reader);
    entry.max_timestamp = reader_i64(&reader);
    return entry;
}

// Entries up to the batch at `at` must point at batches.
static void compare_index(struct look *look, int64_t at, const struct batch_header *header)
{
    struct beside *index = &look->index;
    while (!index->bad && index->content.size - index->at >= INDEX_ENTRY_BYTES) {
        struct index_entry entry = entry_at(index);
        int64_t offset = look->base + (int64_t)entry.offset_delta;
        if ((int64_t)entry.position > at)
            return;
        if ((int64_t)entry.position < at || entry.position == 0)
            bad_beside(look, index, "position %u, no batch begins there behind the entry before",
                       entry.position);
        else if (offset != header->base_offset)
            bad_beside(look, index, "offset %lld for position %u, the batch there has %lld",
                       (long long)offset, entry.position, (long long)header->base_offset);
        else if (entry.max_timestamp != look->max_timestamp)
            bad_beside(look, index,
                       "timestamp %lld for position %u, the largest until there is "
                       "%lld",
                       (long long)entry.max_timestamp, entry.position,
                       (long long)look->max_timestamp);
        index->at += INDEX_ENTRY_BYTES;
    }
}

static bool is_abort(const struct look *look, int64_t at, const struct batch_header *header)
{
    uint8_t raw[MARKER_MAX_BYTES];
    size_t size = batch_header_size(header);
    struct marker marker;
    return (header->attributes & BATCH_CONTROL) && size <= sizeof raw &&
           file_pread(look->fd, raw, size, at, NULL) == ERR_OK &&
           marker_read(&marker, bytes_make(raw, size)) && !marker.commit;
}

// The next entry must be whole, and of an abort marker that has not been passed.
static void compare_txns(struct look *look, int64_t at, const struct batch_header *header)
{
    struct beside *txns = &look->txns;
    if (txns->bad || txns->content.size - txns->at < TXN_ENTRY_BYTES)
        return;
    const uint8_t *raw = (const uint8_t *)txns->content.ptr + txns->at;
    struct reader reader = reader_make(bytes_make(raw, TXN_ENTRY_BYTES));
    int64_t producer = reader_i64(&reader), first = reader_i64(&reader);
    int64_t last = reader_i64(&reader);
    (void)reader_i64(&reader);
    uint32_t crc = reader_u32(&reader), expected = crc32c(0, raw, TXN_ENTRY_CRC);
    if (crc != expected)
        bad_beside(look, txns, "the checksum is %08x, the bytes give %08x", crc, expected);
    else if (last < header->base_offset || first > last)
        bad_beside(look, txns, "an abort of offsets %lld to %lld, no abort marker is there",
                   (long long)first, (long long)last);
    else if (last == header->base_offset && is_abort(look, at, header) &&
             producer != header->producer_id)
        bad_beside(look, txns, "producer %lld aborts at offset %lld, there it is %lld",
                   (long long)producer, (long long)last, (long long)header->producer_id);
    else if (last == header->base_offset)
        txns->at += TXN_ENTRY_BYTES;
}

static void end_beside(struct look *look)
{
    struct beside *index = &look->index, *txns = &look->txns;
    size_t left = index->content.size - index->at;
    if (!index->bad && left >= INDEX_ENTRY_BYTES)
        bad_beside(look, index, "position %u, the batches end before it", entry_at(index).position);
    else if (!index->bad && left > 0)
        bad_beside(look, index, "%zu bytes at the end, an entry has %d", left, INDEX_ENTRY_BYTES);
    left = txns->content.size - txns->at;
    if (!txns->bad && left > 0)
        bad_beside(look, txns, "%zu bytes at the end belong to no abort marker", left);
    str_release(&index->content);
    str_release(&txns->content);
}

// --- the segment ---

static void tell_tail(struct look *look, int64_t at, const struct str *why)
{
    struct inspect_place place = {.kind = INSPECT_NOTE,
                                  .path = look->path,
                                  .partition = look->partition,
                                  .byte = at,
                                  .offset = look->partition->next,
                                  .remedy = "cuts it off: nobody was told that it is written"};
    inspect__tell(look->partition->inspect, &place,
                  "a torn tail, %lld bytes behind the last whole batch: %s",
                  (long long)(look->size - at), str_text(why));
}

static void tell_damage(struct look *look, int64_t at, int64_t next, const struct str *why)
{
    struct inspect_partition *partition = look->partition;
    char remedy[200] = "serves nothing of it: it lies behind the damage before";
    if (at < look->saved_size)
        snprintf(remedy, sizeof remedy,
                 "does not read again what was whole at the last checkpoint: it serves these "
                 "bytes, and readers find the checksum wrong");
    else if (!partition->damaged)
        snprintf(remedy, sizeof remedy,
                 "serves the offsets below %lld of %s-%d, refuses reads from there on and appends",
                 (long long)partition->next, partition->topic, partition->index);
    partition->damaged = true;
    struct inspect_place place = {.kind = INSPECT_DAMAGE,
                                  .path = look->path,
                                  .partition = partition,
                                  .byte = at,
                                  .offset = partition->next,
                                  .remedy = remedy};
    if (next < 0)
        inspect__tell(partition->inspect, &place,
                      "%s; no whole batch follows, the file has %lld "
                      "more bytes",
                      str_text(why), (long long)(look->size - at));
    else
        inspect__tell(partition->inspect, &place, "%s; the next whole batch is at byte %lld",
                      str_text(why), (long long)next);
}

enum place { PLACE_WHOLE, PLACE_BAD, PLACE_RESERVED };

// A place that was being written when it was read is whole a moment later.
static enum place place_at(struct look *look, int64_t at, struct batch_header *header,
                           struct str *why)
{
    for (int i = 0; i < LOOKS; i++) {
        if (whole(look, at, header, why))
            return PLACE_WHOLE;
        if (round_mark_rest(look->fd, look->partition->inspect->mark_key, at, look->size))
            return PLACE_RESERVED;
        if (!look->last)
            break;
        clock_sleep_us(LOOK_AGAIN_US);
        (void)!file_size(look->fd, &look->size, NULL);
    }
    return PLACE_BAD;
}

static void count_batch(struct look *look, int64_t at, const struct batch_header *header)
{
    struct inspect_totals *totals = look->partition->inspect->totals;
    if (header->max_timestamp > look->max_timestamp)
        look->max_timestamp = header->max_timestamp;
    compare_index(look, at, header);
    compare_txns(look, at, header);
    totals->batches++;
    totals->records += (uint64_t)header->record_count;
    look->partition->next = batch_header_last_offset(header) + 1;
}

static void walk(struct look *look)
{
    struct str why = {0};
    for (int64_t at = 0; at < look->size;) {
        struct batch_header header;
        enum place place = place_at(look, at, &header, &why);
        if (place == PLACE_RESERVED)
            break;
        if (place == PLACE_WHOLE) {
            count_batch(look, at, &header);
            at += (int64_t)batch_header_size(&header);
            continue;
        }
        int64_t next = batch_search_next(look->fd, at + 1, look->size, look->partition->next);
        if (look->last && at >= look->saved_size &&
            (next < 0 ||
             at >= round_mark_find(look->fd, look->partition->inspect->mark_key, at, look->size))) {
            tell_tail(look, at, &why);
            break;
        }
        tell_damage(look, at, next, &why);
        if (next < 0) {
            look->index.bad = look->txns.bad = true; // they know more than is left
            break;
        }
        at = next;
    }
    str_release(&why);
}

static void begin(struct look *look)
{
    struct inspect_partition *partition = look->partition;
    struct inspect_place place = {.kind = INSPECT_DAMAGE,
                                  .path = look->path,
                                  .partition = partition,
                                  .byte = 0,
                                  .offset = partition->next,
                                  .remedy =
                                      "serves the offsets before it, refuses reads from there "
                                      "on and appends"};
    if (look->base < partition->next)
        inspect__tell(partition->inspect, &place,
                      "it begins at offset %lld, the file before it ends at %lld",
                      (long long)look->base, (long long)partition->next);
    else if (look->base > partition->next && !partition->gaps && !partition->damaged &&
             !partition->removed)
        inspect__tell(partition->inspect, &place,
                      "it begins at offset %lld, a file with the offsets from %lld on is missing",
                      (long long)look->base, (long long)partition->next);
    else
        return;
    partition->damaged = true;
}

void inspect__segment(struct inspect_partition *partition, int64_t base, int64_t saved_size,
                      bool last)
{
    struct look look = {.partition = partition,
                        .base = base,
                        .saved_size = saved_size,
                        .last = last,
                        .fd = -1,
                        .max_timestamp = -1};
    snprintf(look.path, sizeof look.path, "%s/%020lld.log", partition->dir, (long long)base);
    struct diag diag = DIAG_INIT;
    err_t err = file_open(&look.fd, look.path, FILE_READ, &diag);
    if (err == ERR_NOT_FOUND)
        return;                               // retention was faster
    load_beside(&look, &look.index, "index"); // before the size: an entry follows its batch
    load_beside(&look, &look.txns, "txnindex");
    if (err == ERR_OK)
        err = file_size(look.fd, &look.size, &diag);
    if (err == ERR_OK) {
        begin(&look);
        if (partition->next < base)
            partition->next = base;
        partition->inspect->totals->segments++;
        partition->inspect->totals->bytes += look.size;
        walk(&look);
    } else {
        struct inspect_place place = {.kind = INSPECT_DAMAGE,
                                      .path = look.path,
                                      .partition = partition,
                                      .byte = -1,
                                      .offset = base,
                                      .remedy = "does not start"};
        inspect__tell(partition->inspect, &place, "%s", diag_text(&diag));
    }
    file_close(look.fd);
    end_beside(&look);
}
