// SPDX-License-Identifier: Apache-2.0
#include "store/log/clean_batch.h"

#include "base/vec.h"
#include "wire/kafka/compress.h"
#include "wire/writer.h"

static void put_bytes(struct str *out, struct bytes bytes)
{
    writer_varint(out, bytes.ptr ? (int32_t)bytes.size : -1);
    str_append_bytes(out, bytes);
}

struct pass {
    const struct batch_cleaning *cleaning;
    struct record_reader reader;
    VEC(uint8_t) keeps;      // a bit per record
    bool tombstones;         // among what stays
    int64_t first_timestamp; // of what stays
    int64_t max_timestamp;
};

// Is there such a record, and does it stay?
static bool stays(struct pass *pass, const struct record *record)
{
    const struct batch_cleaning *cleaning = pass->cleaning;
    return cleaning->keeps_all || cleaning->keeps(cleaning->ctx, &pass->reader.header, record);
}

static bool in_batch(const struct batch_header *header, const struct record *record)
{
    return record->offset >= header->base_offset &&
           record->offset <= batch_header_last_offset(header);
}

static void keep(struct pass *pass, const struct record *record, struct batch_cleaned *cleaned)
{
    size_t at = (size_t)cleaned->records_read;
    pass->keeps.items[at / 8] |= (uint8_t)(1u << at % 8);
    if (cleaned->records_kept++ == 0)
        pass->first_timestamp = pass->max_timestamp = record->timestamp_ms;
    if (record->timestamp_ms > pass->max_timestamp)
        pass->max_timestamp = record->timestamp_ms;
    pass->tombstones = pass->tombstones || !record->value.ptr;
}

static err_t choose(struct pass *pass, struct batch_cleaned *cleaned, struct diag *diag)
{
    struct record_reader *reader = &pass->reader;
    struct record record;
    bool sound = true;
    while (sound && record_reader_next(reader, &record)) {
        if (cleaned->records_read % 8 == 0)
            vec_push(&pass->keeps, 0);
        sound = in_batch(&reader->header, &record);
        if (sound && stays(pass, &record))
            keep(pass, &record, cleaned);
        cleaned->records_read++;
    }
    if (!sound || reader->at.failed || reader_left(&reader->at) ||
        cleaned->records_read != reader->header.record_count)
        return FAIL(diag, ERR_CORRUPT, "the batch at offset %lld breaks the record format",
                    (long long)reader->header.base_offset);
    return ERR_OK;
}

// Headers are copied as they are: record.headers begins behind their count.
static void put_record(struct str *records, struct str *body, const struct record *record,
                       int64_t base_timestamp, int64_t base_offset)
{
    str_clear(body);
    writer_u8(body, 0);
    writer_varlong(body, (int64_t)((uint64_t)record->timestamp_ms - (uint64_t)base_timestamp));
    writer_varint(body, (int32_t)(record->offset - base_offset));
    put_bytes(body, record->key);
    put_bytes(body, record->value);
    writer_varint(body, record->header_count);
    str_append(body, record->headers.at, reader_left(&record->headers));
    writer_varint(records, (int32_t)body->size);
    str_append(records, body->ptr, body->size);
}

static void copy(struct pass *pass, struct reader records_at, int64_t base_timestamp,
                 struct str *out)
{
    struct str body = {0};
    struct record record;
    pass->reader.at = records_at;
    pass->reader.left = pass->reader.header.record_count;
    for (size_t at = 0; record_reader_next(&pass->reader, &record); at++)
        if (pass->keeps.items[at / 8] & 1u << at % 8)
            put_record(out, &body, &record, base_timestamp, pass->reader.header.base_offset);
    str_release(&body);
}

static void put_empty(const struct batch_header *from, struct str *out)
{
    struct batch_header header = *from;
    header.attributes =
        from->attributes & (BATCH_LOG_APPEND_TIME | BATCH_TRANSACTIONAL | BATCH_CONTROL);
    header.base_timestamp = -1;
    header.record_count = 0;
    str_reserve(out, BATCH_HEADER_BYTES);
    out->size += BATCH_HEADER_BYTES;
    batch_header_write((uint8_t *)out->ptr + out->size - BATCH_HEADER_BYTES, BATCH_HEADER_BYTES,
                       &header);
}

// What stays of the batch, packed anew with its own codec.
static err_t put_batch(struct pass *pass, struct reader records_at, int64_t horizon_ms,
                       struct batch_cleaned *cleaned, struct str *scratch, struct str *out,
                       struct diag *diag)
{
    struct batch_header header = pass->reader.header;
    header.record_count = (int32_t)cleaned->records_kept;
    header.base_timestamp = horizon_ms >= 0 ? horizon_ms : pass->first_timestamp;
    if (horizon_ms >= 0)
        header.attributes |= BATCH_DELETE_HORIZON;
    if (!(header.attributes & BATCH_LOG_APPEND_TIME))
        cleaned->max_timestamp = header.max_timestamp = pass->max_timestamp;
    str_clear(scratch);
    copy(pass, records_at, header.base_timestamp, scratch);
    size_t start = out->size;
    str_reserve(out, BATCH_HEADER_BYTES + scratch->size);
    out->size += BATCH_HEADER_BYTES;
    err_t err =
        compress_pack(header.attributes & BATCH_COMPRESSION_MASK, str_bytes(scratch), out, diag);
    if (err != ERR_OK)
        out->size = start;
    else
        batch_header_write((uint8_t *)out->ptr + start, out->size - start, &header);
    return err;
}

static err_t clean_records(struct pass *pass, struct bytes batch, struct str *scratch,
                           struct str *out, struct batch_cleaned *cleaned, struct diag *diag)
{
    const struct batch_header *header = &pass->reader.header;
    struct reader records_at = pass->reader.at;
    TRY(choose(pass, cleaned, diag));
    cleaned->kept = cleaned->records_kept > 0;
    if (!cleaned->kept)
        return ERR_OK;
    int64_t horizon_ms = batch_horizon_ms(header);
    bool sets = horizon_ms < 0 && (pass->tombstones || pass->cleaning->sets_horizon);
    if (cleaned->records_kept == cleaned->records_read && !sets) {
        str_append_bytes(out, batch);
        cleaned->same = true;
        return ERR_OK;
    }
    return put_batch(pass, records_at, sets ? pass->cleaning->horizon_ms : horizon_ms, cleaned,
                     scratch, out, diag);
}

err_t clean_batch(const struct batch_cleaning *cleaning, struct bytes batch, struct str *scratch,
                  struct str *out, struct batch_cleaned *cleaned, struct diag *diag)
{
    *cleaned = (struct batch_cleaned){0};
    struct batch_header header;
    if (!batch_header_read(&header, batch))
        return FAIL(diag, ERR_CORRUPT, "%zu bytes are no batch", batch.size);
    cleaned->max_timestamp = header.max_timestamp;
    if (cleaning->keeps_none) {
        cleaned->records_read = header.record_count;
    } else {
        struct pass pass = {.cleaning = cleaning};
        TRY(record_reader_open(&pass.reader, batch, RECORD_UNPACKED_MAX_BYTES, diag));
        err_t err = clean_records(&pass, batch, scratch, out, cleaned, diag);
        record_reader_release(&pass.reader);
        vec_release(&pass.keeps);
        TRY(err);
    }
    if (!cleaned->kept && cleaning->keeps_empty) {
        put_empty(&header, out);
        cleaned->kept = true;
    }
    return ERR_OK;
}
