// SPDX-License-Identifier: Apache-2.0
#include "wire/reader.h"

uint64_t reader_uvarint_long(struct reader *reader, int bits)
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
