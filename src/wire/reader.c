// SPDX-License-Identifier: Apache-2.0
#include "wire/reader.h"

uint64_t reader_uvarint(struct reader *reader, int bits)
{
    uint64_t value = 0;
    for (int shift = 0; shift < bits; shift += 7) {
        uint8_t byte = reader_u8(reader);
        uint64_t part = byte & 0x7f;
        if (shift + 7 > bits && part >> (bits - shift) != 0)
            break;
        value |= part << shift;
        if (!(byte & 0x80))
            return value;
    }
    reader_fail(reader);
    return 0;
}

int32_t reader_varint(struct reader *reader)
{
    uint32_t raw = (uint32_t)reader_uvarint(reader, 32);
    return (int32_t)(raw >> 1 ^ (~(raw & 1) + 1));
}

int64_t reader_varlong(struct reader *reader)
{
    uint64_t raw = reader_uvarint(reader, 64);
    return (int64_t)(raw >> 1 ^ (~(raw & 1) + 1));
}
