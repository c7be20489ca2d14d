// SPDX-License-Identifier: Apache-2.0
#include "wire/writer.h"

#include <assert.h>

void writer_u8(struct str *out, uint8_t value)
{
    str_append(out, &value, 1);
}

void writer_u16(struct str *out, uint16_t value)
{
    uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    str_append(out, bytes, sizeof bytes);
}

void writer_u32(struct str *out, uint32_t value)
{
    uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                        (uint8_t)value};
    str_append(out, bytes, sizeof bytes);
}

void writer_u64(struct str *out, uint64_t value)
{
    writer_u32(out, (uint32_t)(value >> 32));
    writer_u32(out, (uint32_t)value);
}

void writer_uvarint(struct str *out, uint64_t value)
{
    uint8_t bytes[10];
    size_t used = 0;
    while (value >= 0x80) {
        bytes[used++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[used++] = (uint8_t)value;
    str_append(out, bytes, used);
}

void writer_varint(struct str *out, int32_t value)
{
    writer_uvarint(out, (uint32_t)value << 1 ^ (uint32_t)(value >> 31));
}

void writer_varlong(struct str *out, int64_t value)
{
    writer_uvarint(out, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

void writer_patch_u32(struct str *out, size_t at, uint32_t value)
{
    assert(at + 4 <= out->size);
    uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                        (uint8_t)value};
    memcpy(out->ptr + at, bytes, sizeof bytes);
}
