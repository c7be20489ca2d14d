// SPDX-License-Identifier: Apache-2.0
//
// reader: a sticky big-endian reader. After the first failure every read gives zero or empty, and
// reader.failed is tested once at the end. Views point into the input. Pure.
#ifndef WIRE_READER_H
#define WIRE_READER_H

#include "base/bytes.h"

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static inline struct reader reader_make(struct bytes bytes)
{
    return (struct reader){.at = bytes.ptr, .end = bytes.ptr + bytes.size};
}

static inline size_t reader_left(const struct reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

static inline void reader_fail(struct reader *reader)
{
    reader->failed = true;
    reader->at = reader->end;
}

// The next `size` bytes, or NULL (and failed) when there are fewer.
static inline const uint8_t *reader_take(struct reader *reader, size_t size)
{
    if (reader->failed || reader_left(reader) < size) {
        reader_fail(reader);
        return NULL;
    }
    const uint8_t *ptr = reader->at;
    reader->at += size;
    return ptr;
}

static inline struct bytes reader_bytes(struct reader *reader, size_t size)
{
    const uint8_t *ptr = reader_take(reader, size);
    return bytes_make(ptr, ptr ? size : 0);
}

static inline uint8_t reader_u8(struct reader *reader)
{
    const uint8_t *ptr = reader_take(reader, 1);
    return ptr ? ptr[0] : 0;
}

static inline uint16_t reader_u16(struct reader *reader)
{
    const uint8_t *ptr = reader_take(reader, 2);
    return ptr ? (uint16_t)(ptr[0] << 8 | ptr[1]) : 0;
}

static inline uint32_t reader_u32(struct reader *reader)
{
    const uint8_t *ptr = reader_take(reader, 4);
    return ptr ? (uint32_t)ptr[0] << 24 | (uint32_t)ptr[1] << 16 | (uint32_t)ptr[2] << 8 | ptr[3]
               : 0;
}

static inline uint64_t reader_u64(struct reader *reader)
{
    uint64_t high = reader_u32(reader);
    return high << 32 | reader_u32(reader);
}

static inline int8_t reader_i8(struct reader *reader)
{
    return (int8_t)reader_u8(reader);
}

static inline int16_t reader_i16(struct reader *reader)
{
    return (int16_t)reader_u16(reader);
}

static inline int32_t reader_i32(struct reader *reader)
{
    return (int32_t)reader_u32(reader);
}

static inline int64_t reader_i64(struct reader *reader)
{
    return (int64_t)reader_u64(reader);
}

uint64_t reader_uvarint_long(struct reader *reader, int bits); // of more than one byte, or none

// LEB128, at most `bits` (32 or 64) wide; longer or wider forms fail.
static inline uint64_t reader_uvarint(struct reader *reader, int bits)
{
    if (reader->at < reader->end && *reader->at < 0x80)
        return *reader->at++;
    return reader_uvarint_long(reader, bits);
}

// Zigzag, 32 bits.
static inline int32_t reader_varint(struct reader *reader)
{
    uint32_t raw = (uint32_t)reader_uvarint(reader, 32);
    return (int32_t)(raw >> 1 ^ (~(raw & 1) + 1));
}

// Zigzag, 64 bits.
static inline int64_t reader_varlong(struct reader *reader)
{
    uint64_t raw = reader_uvarint(reader, 64);
    return (int64_t)(raw >> 1 ^ (~(raw & 1) + 1));
}

#endif
