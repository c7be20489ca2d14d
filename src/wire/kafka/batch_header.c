// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/batch_header.h"

#include "base/hash.h"
#include "wire/reader.h"

static void put_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(at, (uint16_t)(value >> 16));
    put_u16(at + 2, (uint16_t)value);
}

static void put_u64(uint8_t *at, uint64_t value)
{
    put_u32(at, (uint32_t)(value >> 32));
    put_u32(at + 4, (uint32_t)value);
}

bool batch_header_read(struct batch_header *out, struct bytes bytes)
{
    if (bytes.size < BATCH_HEADER_BYTES)
        return false;
    struct reader reader = reader_make(bytes);
    out->base_offset = reader_i64(&reader);
    out->batch_length = reader_i32(&reader);
    out->leader_epoch = reader_i32(&reader);
    out->magic = reader_i8(&reader);
    out->crc = reader_u32(&reader);
    out->attributes = reader_i16(&reader);
    out->last_offset_delta = reader_i32(&reader);
    out->base_timestamp = reader_i64(&reader);
    out->max_timestamp = reader_i64(&reader);
    out->producer_id = reader_i64(&reader);
    out->producer_epoch = reader_i16(&reader);
    out->base_sequence = reader_i32(&reader);
    out->record_count = reader_i32(&reader);
    return true;
}

bool batch_crc_ok(struct bytes batch)
{
    struct batch_header header;
    return batch_header_read(&header, batch) &&
           crc32c(0, batch.ptr + BATCH_CRC_START, batch.size - BATCH_CRC_START) == header.crc;
}

err_t batch_check(struct batch_header *out, struct bytes batch, struct diag *diag)
{
    if (!batch_header_read(out, batch)) {
        if (batch.size > 16 && batch.ptr[16] < BATCH_MAGIC)
            return FAIL(diag, ERR_UNSUPPORTED, "message format %d, only 2 is taken", batch.ptr[16]);
        return FAIL(diag, ERR_CORRUPT, "a record batch of %zu bytes, its header alone has %d",
                    batch.size, BATCH_HEADER_BYTES);
    }
    if (out->magic != BATCH_MAGIC)
        return FAIL(diag, ERR_UNSUPPORTED, "message format %d, only 2 is taken", out->magic);
    if (batch_header_size(out) == 0 || batch_header_size(out) > batch.size)
        return FAIL(diag, ERR_CORRUPT,
                    "a record batch says it has %d bytes after its length, %zu are there",
                    out->batch_length, batch.size - BATCH_LENGTH_END);
    if (batch_header_size(out) < batch.size)
        return FAIL(diag, ERR_INVALID_RECORD, "more than one record batch for a partition");
    if (!batch_crc_ok(batch))
        return FAIL(diag, ERR_CORRUPT, "the checksum of a record batch does not hold");
    if (out->record_count <= 0 || out->last_offset_delta != out->record_count - 1)
        return FAIL(diag, ERR_INVALID_RECORD, "record count %d does not fit last offset delta %d",
                    out->record_count, out->last_offset_delta);
    if (out->producer_id >= 0 && out->base_sequence < 0)
        return FAIL(diag, ERR_INVALID_RECORD, "producer %lld with sequence %d",
                    (long long)out->producer_id, out->base_sequence);
    return ERR_OK;
}

void batch_assign(uint8_t *batch, int64_t base_offset, int32_t leader_epoch)
{
    put_u64(batch, (uint64_t)base_offset);
    put_u32(batch + BATCH_LENGTH_END, (uint32_t)leader_epoch);
}

void batch_header_write(uint8_t *batch, size_t size, const struct batch_header *header)
{
    put_u64(batch, (uint64_t)header->base_offset);
    put_u32(batch + 8, (uint32_t)(size - BATCH_LENGTH_END));
    put_u32(batch + 12, (uint32_t)header->leader_epoch);
    batch[16] = BATCH_MAGIC;
    put_u16(batch + 21, (uint16_t)header->attributes);
    put_u32(batch + 23, (uint32_t)header->last_offset_delta);
    put_u64(batch + 27, (uint64_t)header->base_timestamp);
    put_u64(batch + 35, (uint64_t)header->max_timestamp);
    put_u64(batch + 43, (uint64_t)header->producer_id);
    put_u16(batch + 51, (uint16_t)header->producer_epoch);
    put_u32(batch + 53, (uint32_t)header->base_sequence);
    put_u32(batch + 57, (uint32_t)header->record_count);
    put_u32(batch + 17, crc32c(0, batch + BATCH_CRC_START, size - BATCH_CRC_START));
}
