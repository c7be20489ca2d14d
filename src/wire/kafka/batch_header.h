// SPDX-License-Identifier: Apache-2.0
//
// batch_header: the fixed first 61 bytes of a Kafka v2 record batch, and its checksum.
//
//      0 base_offset i64          23 last_offset_delta i32    53 base_sequence i32
//      8 batch_length i32         27 base_timestamp i64       57 record_count i32
//     12 leader_epoch i32         35 max_timestamp i64
//     16 magic i8 = 2             43 producer_id i64          batch_length: bytes after it
//     17 crc u32                  51 producer_epoch i16       crc: CRC-32C of 21..end
//     21 attributes i16
//
// base_offset and partition_leader_epoch lie outside the checksum, so a log may assign offsets in
// place. Pure. Records and compression are record.h's.
#ifndef WIRE_KAFKA_BATCH_HEADER_H
#define WIRE_KAFKA_BATCH_HEADER_H

#include "base/bytes.h"
#include "base/diag.h"

enum {
    BATCH_HEADER_BYTES = 61,
    BATCH_LENGTH_END = 12, // batch_length counts from here
    BATCH_CRC_START = 21,  // the checksum covers from here to the end
    BATCH_MAGIC = 2,
};

enum batch_attributes {
    BATCH_COMPRESSION_MASK = 7, // enum batch_compression
    BATCH_LOG_APPEND_TIME = 1 << 3,
    BATCH_TRANSACTIONAL = 1 << 4,
    BATCH_CONTROL = 1 << 5,
    BATCH_DELETE_HORIZON = 1 << 6,
};

enum batch_compression {
    BATCH_NONE = 0,
    BATCH_GZIP = 1,
    BATCH_SNAPPY = 2,
    BATCH_LZ4 = 3,
    BATCH_ZSTD = 4,
};

struct batch_header {
    int64_t base_offset;
    int32_t batch_length;
    int32_t leader_epoch;
    int8_t magic;
    uint32_t crc;
    int16_t attributes;
    int32_t last_offset_delta;
    int64_t base_timestamp;
    int64_t max_timestamp;
    int64_t producer_id; // -1 = none
    int16_t producer_epoch;
    int32_t base_sequence;
    int32_t record_count;
};

// Reads the header at the start of `bytes`. False when fewer than BATCH_HEADER_BYTES are there.
// Judges nothing.
bool batch_header_read(struct batch_header *out, struct bytes bytes);

// Size of the whole batch, prefix included; 0 when batch_length is too small to hold a header.
static inline size_t batch_header_size(const struct batch_header *header)
{
    if (header->batch_length < BATCH_HEADER_BYTES - BATCH_LENGTH_END)
        return 0;
    return (size_t)header->batch_length + BATCH_LENGTH_END;
}

static inline int64_t batch_header_last_offset(const struct batch_header *header)
{
    return header->base_offset + header->last_offset_delta;
}

static inline int32_t batch_header_last_sequence(const struct batch_header *header)
{
    // Sequences wrap from 2^31-1 to 0.
    return (int32_t)(((int64_t)header->base_sequence + header->last_offset_delta) & INT32_MAX);
}

// Does the checksum of this whole batch hold? `batch.size` is its exact size.
bool batch_crc_ok(struct bytes batch);

// Is `batch` exactly one whole v2 batch with sane lengths and counts and a checksum that holds?
// Fills `*out`. ERR_UNSUPPORTED (magic 0 or 1), ERR_CORRUPT (length, checksum), ERR_INVALID_RECORD
// (counts, sequence).
MUST_USE err_t batch_check(struct batch_header *out, struct bytes batch, struct diag *diag);

// Writes offset and leader epoch in place; the checksum stays right.
void batch_assign(uint8_t *batch, int64_t base_offset, int32_t leader_epoch);

// Writes a whole header with the lengths and checksum worked out from `size` (header and records,
// already in place behind it). header->batch_length, magic and crc are ignored.
void batch_header_write(uint8_t *batch, size_t size, const struct batch_header *header);

#endif
