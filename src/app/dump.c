// SPDX-License-Identifier: Apache-2.0
//
// Bytes that are no batch are told with their place, and the dump goes on behind them.
#include "app/dump.h"

#include "base/hash.h"
#include "base/utf8.h"
#include "os/file.h"
#include "store/log/batch_search.h"
#include "store/log/round_mark.h"
#include "wire/kafka/compress.h"
#include "wire/kafka/marker.h"
#include "wire/kafka/record.h"

enum { INDEX_BYTES = 16, TXN_BYTES = 36, BATCH_MAX_BYTES = 1 << 30 };

// --- values ---

// What a person can read as it is, the rest as \xNN.
static void append_readable(struct str *out, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.size;) {
        size_t size = utf8_sequence(bytes.ptr + i, bytes.size - i);
        if (size == 0 || bytes.ptr[i] < ' ' || bytes.ptr[i] == 0x7f) {
            str_printf(out, "\\x%02x", bytes.ptr[i]);
            i++;
        } else {
            str_append(out, bytes.ptr + i, size);
            i += size;
        }
    }
}

static json_t *json_of(struct bytes bytes)
{
    if (!bytes.ptr)
        return json_null();
    struct str text = {0};
    append_readable(&text, bytes);
    json_t *json = json_stringn(str_text(&text), text.size);
    str_release(&text);
    return json;
}

static void print_bytes(FILE *out, const char *name, struct bytes bytes)
{
    if (!bytes.ptr)
        return;
    struct str text = {0};
    append_readable(&text, bytes);
    fprintf(out, " %s: %s", name, str_text(&text));
    str_release(&text);
}

static const char *codec_name(const struct batch_header *header)
{
    enum batch_compression codec = header->attributes & BATCH_COMPRESSION_MASK;
    return codec == BATCH_NONE ? "none" : compress_name(codec);
}

static const char *truth(bool is)
{
    return is ? "true" : "false";
}

// --- records ---

static const char *time_name(const struct batch_header *header)
{
    return header->attributes & BATCH_LOG_APPEND_TIME ? "LogAppendTime" : "CreateTime";
}

static void print_record(FILE *out, const struct batch_header *header, const struct record *record,
                         int32_t index)
{
    int32_t sequence = header->base_sequence < 0 ? -1 : header->base_sequence + index;
    fprintf(out, "| offset: %lld %s: %lld keySize: %zd valueSize: %zd sequence: %d headerKeys: [",
            (long long)record->offset, time_name(header), (long long)record->timestamp_ms,
            record->key.ptr ? (ssize_t)record->key.size : -1,
            record->value.ptr ? (ssize_t)record->value.size : -1, sequence);
    struct reader headers = record->headers;
    struct record_header one;
    for (int32_t i = 0; i < record->header_count && record_header_next(&headers, &one); i++) {
        struct str name = {0};
        append_readable(&name, one.key);
        fprintf(out, "%s%s", i ? "," : "", str_text(&name));
        str_release(&name);
    }
    fputs("]", out);
    print_bytes(out, "key", record->key);
    print_bytes(out, "payload", record->value);
    fputs("\n", out);
}

static json_t *json_record(const struct record *record)
{
    json_t *headers = json_array();
    struct reader at = record->headers;
    struct record_header one;
    for (int32_t i = 0; i < record->header_count && record_header_next(&at, &one); i++)
        json_array_append_new(
            headers, json_pack("{s:o, s:o}", "key", json_of(one.key), "value", json_of(one.value)));
    return json_pack("{s:I, s:I, s:o, s:o, s:o}", "offset", (json_int_t)record->offset, "timestamp",
                     (json_int_t)record->timestamp_ms, "key", json_of(record->key), "value",
                     json_of(record->value), "headers", headers);
}

// The end of a transaction, in words.
static void print_marker(FILE *out, struct bytes batch)
{
    struct marker marker;
    if (marker_read(&marker, batch))
        fprintf(out, "| endTxnMarker: %s coordinatorEpoch: %d\n",
                marker.commit ? "COMMIT" : "ABORT", marker.coordinator_epoch);
}

static void dump_records(const struct dump *dump, const struct batch_header *header,
                         struct bytes batch, json_t *into)
{
    if (header->attributes & BATCH_CONTROL) {
        struct marker marker;
        if (!into)
            print_marker(dump->out, batch);
        else if (marker_read(&marker, batch))
            json_object_set_new(into, "marker", json_string(marker.commit ? "COMMIT" : "ABORT"));
        return;
    }
    struct record_reader reader;
    struct diag diag = DIAG_INIT;
    json_t *list = into ? json_array() : NULL;
    if (record_reader_open(&reader, batch, RECORD_UNPACKED_MAX_BYTES, &diag) == ERR_OK) {
        struct record record;
        for (int32_t i = 0; record_reader_next(&reader, &record); i++)
            if (list)
                json_array_append_new(list, json_record(&record));
            else
                print_record(dump->out, header, &record, i);
        if (reader.at.failed)
            diag = (struct diag){.text = "a record does not parse"};
        record_reader_release(&reader);
    }
    if (into)
        json_object_set_new(into, "records", list);
    if (into && diag.text[0])
        json_object_set_new(into, "error", json_string(diag.text));
    else if (diag.text[0])
        fprintf(dump->out, "| the records cannot be read: %s\n", diag.text);
}

// --- batches ---

static void print_batch(FILE *out, const struct batch_header *h, int64_t position, bool good)
{
    char horizon[64] = "OptionalLong.empty";
    if (h->attributes & BATCH_DELETE_HORIZON)
        snprintf(horizon, sizeof horizon, "OptionalLong[%lld]", (long long)h->base_timestamp);
    fprintf(out,
            "baseOffset: %lld lastOffset: %lld count: %d baseSequence: %d lastSequence: %d "
            "producerId: %lld producerEpoch: %d partitionLeaderEpoch: %d isTransactional: %s "
            "isControl: %s deleteHorizonMs: %s position: %lld %s: %lld size: %zu magic: %d "
            "compresscodec: %s crc: %u isvalid: %s\n",
            (long long)h->base_offset, (long long)batch_header_last_offset(h), h->record_count,
            h->base_sequence, h->base_sequence < 0 ? -1 : batch_header_last_sequence(h),
            (long long)h->producer_id, h->producer_epoch, h->leader_epoch,
            truth(h->attributes & BATCH_TRANSACTIONAL), truth(h->attributes & BATCH_CONTROL),
            horizon, (long long)position, time_name(h), (long long)h->max_timestamp,
            batch_header_size(h), h->magic, codec_name(h), h->crc, truth(good));
}

static json_t *json_batch(const struct batch_header *h, int64_t position, bool good)
{
    json_t *batch =
        json_pack("{s:I, s:I, s:i, s:I, s:i, s:i, s:b, s:b, s:I, s:s, s:I, s:I, s:s, s:I, s:b}",
                  "base_offset", (json_int_t)h->base_offset, "last_offset",
                  (json_int_t)batch_header_last_offset(h), "count", h->record_count, "producer_id",
                  (json_int_t)h->producer_id, "producer_epoch", h->producer_epoch, "base_sequence",
                  h->base_sequence, "transactional", (h->attributes & BATCH_TRANSACTIONAL) != 0,
                  "control", (h->attributes & BATCH_CONTROL) != 0, "position", (json_int_t)position,
                  "timestamp_type", time_name(h), "max_timestamp", (json_int_t)h->max_timestamp,
                  "size", (json_int_t)batch_header_size(h), "codec", codec_name(h), "crc",
                  (json_int_t)h->crc, "valid", good);
    return batch;
}

static void dump_batch(struct dump *dump, struct batch_walk *walk)
{
    const struct batch_header *header = &walk->header;
    if (batch_header_last_offset(header) < dump->offset)
        return;
    dump->left--;
    bool good = batch_search_holds(walk);
    json_t *json = dump->json ? json_batch(header, walk->at, good) : NULL;
    if (!json)
        print_batch(dump->out, header, walk->at, good);
    struct bytes batch;
    bool readable = good && batch_header_size(header) <= BATCH_MAX_BYTES &&
                    batch_walk_body(walk, &batch, NULL) == ERR_OK;
    if (readable && (dump->records || header->attributes & BATCH_CONTROL))
        dump_records(dump, header, batch, json);
    if (json)
        json_array_append_new(dump->json, json);
}

static void dump_gap(const struct dump *dump, int64_t at, int64_t next, int64_t end)
{
    int64_t bytes = (next < 0 ? end : next) - at;
    if (dump->json)
        json_array_append_new(dump->json, json_pack("{s:I, s:I}", "position", (json_int_t)at,
                                                    "invalid_bytes", (json_int_t)bytes));
    else if (next < 0)
        fprintf(dump->out, "Found %lld invalid bytes at the end, from position %lld\n",
                (long long)bytes, (long long)at);
    else
        fprintf(dump->out, "Found %lld invalid bytes at position %lld\n", (long long)bytes,
                (long long)at);
}

static err_t dump_log(struct dump *dump, int fd, int64_t end, struct diag *diag)
{
    struct batch_walk walk;
    batch_walk_init(&walk, fd, 0, end, BATCH_WALK_SCAN);
    err_t err = ERR_OK;
    while (err == ERR_OK && dump->left > 0) {
        if (batch_walk_next(&walk, &err, diag)) {
            dump_batch(dump, &walk);
            continue;
        }
        if (err != ERR_CORRUPT)
            break;
        err = ERR_OK;
        diag_clear(diag);
        if (round_mark_rest(fd, ROUND_MARK_ANY, walk.position, end))
            break;
        int64_t at = walk.position, next = batch_search_next(fd, at + 1, end, 0);
        dump_gap(dump, at, next, end);
        if (next < 0)
            break;
        walk.position = next;
    }
    batch_walk_release(&walk);
    return err;
}

// --- indexes ---

static void dump_index_entry(const struct dump *dump, int64_t base, struct reader *reader)
{
    int64_t offset = base + reader_u32(reader);
    int64_t position = reader_u32(reader), timestamp = reader_i64(reader);
    if (dump->json)
        json_array_append_new(dump->json, json_pack("{s:I, s:I, s:I}", "offset", (json_int_t)offset,
                                                    "position", (json_int_t)position,
                                                    "max_timestamp", (json_int_t)timestamp));
    else
        fprintf(dump->out, "offset: %lld position: %lld timestamp: %lld\n", (long long)offset,
                (long long)position, (long long)timestamp);
}

static void dump_txn_entry(const struct dump *dump, struct reader *reader, const uint8_t *raw)
{
    int64_t producer = reader_i64(reader), first = reader_i64(reader), last = reader_i64(reader);
    int64_t stable = reader_i64(reader);
    bool good = reader_u32(reader) == crc32c(0, raw, TXN_BYTES - 4);
    if (dump->json)
        json_array_append_new(dump->json,
                              json_pack("{s:I, s:I, s:I, s:I, s:b}", "producer_id",
                                        (json_int_t)producer, "first_offset", (json_int_t)first,
                                        "last_offset", (json_int_t)last, "last_stable_offset",
                                        (json_int_t)stable, "valid", good));
    else
        fprintf(dump->out,
                "producerId: %lld firstOffset: %lld lastOffset: %lld lastStableOffset: %lld "
                "isvalid: %s\n",
                (long long)producer, (long long)first, (long long)last, (long long)stable,
                truth(good));
}

static err_t dump_entries(struct dump *dump, const char *path, int64_t base, size_t entry_bytes,
                          struct diag *diag)
{
    struct str content = {0};
    TRY(file_read_all(path, INT32_MAX, &content, diag));
    size_t at = 0;
    for (; content.size - at >= entry_bytes && dump->left > 0; at += entry_bytes, dump->left--) {
        const uint8_t *raw = (const uint8_t *)content.ptr + at;
        struct reader reader = reader_make(bytes_make(raw, entry_bytes));
        if (entry_bytes == INDEX_BYTES)
            dump_index_entry(dump, base, &reader);
        else
            dump_txn_entry(dump, &reader, raw);
    }
    if (dump->left > 0 && content.size > at)
        dump_gap(dump, (int64_t)at, -1, (int64_t)content.size);
    str_release(&content);
    return ERR_OK;
}

// --- a file ---

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

err_t dump_file(struct dump *dump, const char *path, struct diag *diag)
{
    const char *name = strrchr(path, '/');
    int64_t base = strtoll(name ? name + 1 : path, NULL, 10);
    bool log = ends_with(path, ".log"), txns = ends_with(path, ".txnindex");
    if (!log && !txns && !ends_with(path, ".index"))
        return FAIL(diag, ERR_INVALID, "%s is not a .log, .index or .txnindex file", path);
    if (!dump->json) {
        fprintf(dump->out, "Dumping %s\n", path);
        if (log)
            fprintf(dump->out, "Log starting offset: %lld\n", (long long)base);
    }
    if (!log)
        return dump_entries(dump, path, base, txns ? TXN_BYTES : INDEX_BYTES, diag);
    int fd = -1;
    int64_t end = 0;
    TRY(file_open(&fd, path, FILE_READ, diag));
    err_t err = file_size(fd, &end, diag);
    if (err == ERR_OK)
        err = dump_log(dump, fd, end, diag);
    file_close(fd);
    return err;
}
