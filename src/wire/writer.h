// SPDX-License-Identifier: Apache-2.0
//
// writer: big-endian bytes appended to a struct str. Never fails. Pure.
#ifndef WIRE_WRITER_H
#define WIRE_WRITER_H

#include "base/str.h"

void writer_u8(struct str *out, uint8_t value);
void writer_u16(struct str *out, uint16_t value);
void writer_u32(struct str *out, uint32_t value);
void writer_u64(struct str *out, uint64_t value);
static inline void writer_i8(struct str *out, int8_t value)
{
    writer_u8(out, (uint8_t)value);
}
static inline void writer_i16(struct str *out, int16_t value)
{
    writer_u16(out, (uint16_t)value);
}
static inline void writer_i32(struct str *out, int32_t value)
{
    writer_u32(out, (uint32_t)value);
}
static inline void writer_i64(struct str *out, int64_t value)
{
    writer_u64(out, (uint64_t)value);
}
void writer_uvarint(struct str *out, uint64_t value);
void writer_varint(struct str *out, int32_t value);  // zigzag
void writer_varlong(struct str *out, int64_t value); // zigzag
// Overwrites four bytes at `at`, for a length known only afterwards.
void writer_patch_u32(struct str *out, size_t at, uint32_t value);

#endif
