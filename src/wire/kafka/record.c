// SPDX-License-Identifier: Apache-2.0
//
// A record: varint length of what follows, i8 attributes (unused), varlong timestamp delta, varint
// offset delta, varint key length (-1 = null) and key, varint value length and value, varint header
// count, then per header varint key length and key, varint value length and value.
#include "wire/kafka/record.h"

#include "wire/kafka/compress.h"
#include "wire/writer.h"

bool record_batch_next(struct reader *reader, struct bytes *batch)
{
    struct batch_header header;
    if (reader->failed || !batch_header_read(&header, bytes_make(reader->at, reader_left(reader))))
        return false;
    size_t size = batch_header_size(&header);
    if (size == 0 || size > reader_left(reader))
        return false;
    *batch = reader_bytes(reader, size);
    return true;
}

err_t record_reader_open(struct record_reader *reader, struct bytes batch, size_t max_bytes,
                         struct diag *diag)
{
    *reader = (struct record_reader){0};
    if (!batch_header_read(&reader->header, batch) ||
        batch_header_size(&reader->header) != batch.size)
        return FAIL(diag, ERR_CORRUPT, "%zu bytes are not one whole record batch", batch.size);
    if (reader->header.magic != BATCH_MAGIC)
        return FAIL(diag, ERR_UNSUPPORTED, "record batch has magic %d, expected 2",
                    reader->header.magic);
    struct bytes records =
        bytes_make(batch.ptr + BATCH_HEADER_BYTES, batch.size - BATCH_HEADER_BYTES);
    enum batch_compression codec = reader->header.attributes & BATCH_COMPRESSION_MASK;
    if (codec != BATCH_NONE) {
        err_t err = compress_unpack(codec, records, max_bytes, &reader->unpacked, diag);
        if (err != ERR_OK) {
            str_release(&reader->unpacked);
            return err;
        }
        records = str_bytes(&reader->unpacked);
    }
    reader->at = reader_make(records);
    reader->left = reader->header.record_count;
    return ERR_OK;
}

static struct bytes varint_bytes(struct reader *reader)
{
    int32_t size = reader_varint(reader);
    if (size < 0)
        return BYTES_NULL;
    return reader_bytes(reader, (size_t)size);
}

bool record_header_next(struct reader *headers, struct record_header *header)
{
    if (headers->failed || reader_left(headers) == 0)
        return false;
    header->key = varint_bytes(headers);
    header->value = varint_bytes(headers);
    return !headers->failed && header->key.ptr;
}

bool record_reader_next(struct record_reader *reader, struct record *record)
{
    if (reader->left <= 0 || reader->at.failed)
        return false;
    int32_t size = reader_varint(&reader->at);
    if (size < 0)
        reader_fail(&reader->at);
    struct bytes bytes = reader_bytes(&reader->at, size < 0 ? 0 : (size_t)size);
    struct reader body = reader_make(bytes);
    body.failed = reader->at.failed;
    reader_i8(&body);
    int64_t timestamp_delta = reader_varlong(&body);
    int32_t offset_delta = reader_varint(&body);
    record->timestamp_ms =
        reader->header.attributes & BATCH_LOG_APPEND_TIME
            ? reader->header.max_timestamp
            : (int64_t)((uint64_t)reader->header.base_timestamp + (uint64_t)timestamp_delta);
    record->offset = (int64_t)((uint64_t)reader->header.base_offset + (uint64_t)offset_delta);
    record->key = varint_bytes(&body);
    record->value = varint_bytes(&body);
    record->header_count = reader_varint(&body);
    record->headers = body;
    if (body.failed || record->header_count < 0) {
        reader_fail(&reader->at);
        return false;
    }
    reader->left--;
    return true;
}

void record_reader_release(struct record_reader *reader)
{
    str_release(&reader->unpacked);
}

static void look_at(struct record_survey *survey, const struct record *record)
{
    if (record->timestamp_ms < survey->min_timestamp)
        survey->min_timestamp = record->timestamp_ms;
    if (record->timestamp_ms > survey->max_timestamp)
        survey->max_timestamp = record->timestamp_ms;
    survey->keyless += !record->key.ptr;
}

static err_t check_records(struct record_reader *reader, struct record_survey *survey,
                           struct diag *diag)
{
    struct record record;
    int32_t count = 0;
    *survey = (struct record_survey){INT64_MAX, INT64_MIN, 0};
    for (; record_reader_next(reader, &record); count++) {
        if (record.offset - reader->header.base_offset != count)
            return FAIL(diag, ERR_INVALID_RECORD, "record %d of the batch has offset delta %lld",
                        count, (long long)(record.offset - reader->header.base_offset));
        look_at(survey, &record);
        struct record_header header;
        int32_t headers = 0;
        while (headers < record.header_count && record_header_next(&record.headers, &header))
            headers++;
        if (headers != record.header_count || reader_left(&record.headers))
            return FAIL(diag, ERR_INVALID_RECORD, "record %d of the batch has broken headers",
                        count);
    }
    if (reader->at.failed || reader->left || reader_left(&reader->at))
        return FAIL(diag, ERR_INVALID_RECORD,
                    "the batch promises %d records, %d could be read, %zu bytes are left",
                    reader->header.record_count, count, reader_left(&reader->at));
    if (reader->header.last_offset_delta != count - 1)
        return FAIL(diag, ERR_INVALID_RECORD, "last offset delta is %d with %d records",
                    reader->header.last_offset_delta, count);
    return ERR_OK;
}

err_t record_validate(struct bytes batch, size_t max_bytes, struct record_survey *survey,
                      struct diag *diag)
{
    struct record_reader reader;
    TRY(record_reader_open(&reader, batch, max_bytes, diag));
    err_t err = check_records(&reader, survey, diag);
    record_reader_release(&reader);
    return err;
}

// --- building ---

static size_t varint_size(int64_t value)
{
    uint64_t zigzag = (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
    size_t size = 1;
    for (; zigzag >= 0x80; zigzag >>= 7)
        size++;
    return size;
}

static int64_t length_of(struct bytes bytes)
{
    return bytes.ptr ? (int64_t)bytes.size : -1;
}

static void put_bytes(struct str *out, struct bytes bytes)
{
    writer_varint(out, (int32_t)length_of(bytes));
    str_append_bytes(out, bytes);
}

void record_builder_add(struct record_builder *builder, int64_t timestamp_ms, struct bytes key,
                        struct bytes value, const struct record_header *headers,
                        size_t header_count)
{
    struct str *out = &builder->records;
    if (builder->count == 0)
        builder->base_timestamp = builder->max_timestamp = timestamp_ms;
    if (timestamp_ms > builder->max_timestamp)
        builder->max_timestamp = timestamp_ms;
    int64_t delta = (int64_t)((uint64_t)timestamp_ms - (uint64_t)builder->base_timestamp);
    size_t size = 1 + varint_size(delta) + varint_size(builder->count) +
                  varint_size(length_of(key)) + key.size + varint_size(length_of(value)) +
                  value.size + varint_size((int64_t)header_count);
    for (size_t i = 0; i < header_count; i++)
        size += varint_size((int64_t)headers[i].key.size) + headers[i].key.size +
                varint_size(length_of(headers[i].value)) + headers[i].value.size;
    str_reserve(out, size + 5);
    writer_varint(out, (int32_t)size);
    writer_u8(out, 0);
    writer_varlong(out, delta);
    writer_varint(out, builder->count);
    put_bytes(out, key);
    put_bytes(out, value);
    writer_varint(out, (int32_t)header_count);
    for (size_t i = 0; i < header_count; i++) {
        writer_varint(out, (int32_t)headers[i].key.size);
        str_append_bytes(out, headers[i].key);
        put_bytes(out, headers[i].value);
    }
    builder->count++;
}

err_t record_builder_finish(struct record_builder *builder, struct str *out, struct diag *diag)
{
    size_t start = out->size;
    str_reserve(out, BATCH_HEADER_BYTES + builder->records.size);
    out->size += BATCH_HEADER_BYTES;
    err_t err = compress_pack(builder->codec, str_bytes(&builder->records), out, diag);
    if (err != ERR_OK) {
        out->size = start;
        return err;
    }
    struct batch_header header = {
        .leader_epoch = -1,
        .attributes = (int16_t)builder->codec,
        .last_offset_delta = builder->count - 1,
        .base_timestamp = builder->base_timestamp,
        .max_timestamp = builder->max_timestamp,
        .producer_id = -1,
        .producer_epoch = -1,
        .base_sequence = -1,
        .record_count = builder->count,
    };
    batch_header_write((uint8_t *)out->ptr + start, out->size - start, &header);
    str_clear(&builder->records);
    builder->count = 0;
    return ERR_OK;
}

void record_builder_release(struct record_builder *builder)
{
    str_release(&builder->records);
}
