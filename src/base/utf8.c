// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <string.h>

static bool continues(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

size_t utf8_sequence(const uint8_t *ptr, size_t size)
{
    if (size == 0)
        return 0;
    uint8_t first = ptr[0];
    if (first < 0x80)
        return 1;
    if (first < 0xC2)
        return 0;
    if (first < 0xE0)
        return size >= 2 && continues(ptr[1]) ? 2 : 0;
    if (first < 0xF0) {
        if (size < 3 || !continues(ptr[1]) || !continues(ptr[2]))
            return 0;
        if ((first == 0xE0 && ptr[1] < 0xA0) || (first == 0xED && ptr[1] >= 0xA0))
            return 0;
        return 3;
    }
    if (first < 0xF5) {
        if (size < 4 || !continues(ptr[1]) || !continues(ptr[2]) || !continues(ptr[3]))
            return 0;
        if ((first == 0xF0 && ptr[1] < 0x90) || (first == 0xF4 && ptr[1] >= 0x90))
            return 0;
        return 4;
    }
    return 0;
}

bool utf8_valid(const uint8_t *ptr, size_t size)
{
    size_t at = 0;
    while (at < size) {
        uint64_t word; // most text is ASCII: eight bytes at once
        if (size - at >= sizeof word) {
            memcpy(&word, ptr + at, sizeof word);
            if (!(word & UINT64_C(0x8080808080808080))) {
                at += sizeof word;
                continue;
            }
        }
        size_t length = utf8_sequence(ptr + at, size - at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

size_t utf8_count(const uint8_t *ptr, size_t size)
{
    size_t count = 0;
    size_t at = 0;
    while (at < size) {
        size_t length = utf8_sequence(ptr + at, size - at);
        at += length ? length : 1;
        count++;
    }
    return count;
}

uint32_t utf8_decode(const uint8_t *ptr, size_t size, size_t *length)
{
    size_t bytes = utf8_sequence(ptr, size);
    *length = bytes ? bytes : 1;
    switch (bytes) {
    case 1:
        return ptr[0];
    case 2:
        return (uint32_t)(ptr[0] & 0x1F) << 6 | (ptr[1] & 0x3F);
    case 3:
        return (uint32_t)(ptr[0] & 0x0F) << 12 | (uint32_t)(ptr[1] & 0x3F) << 6 | (ptr[2] & 0x3F);
    case 4:
        return (uint32_t)(ptr[0] & 0x07) << 18 | (uint32_t)(ptr[1] & 0x3F) << 12 |
               (uint32_t)(ptr[2] & 0x3F) << 6 | (ptr[3] & 0x3F);
    default:
        return 0xFFFD;
    }
}

size_t utf8_encode(uint32_t code, uint8_t out[4])
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xC0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (uint8_t)(0xE0 | code >> 12);
        out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | code >> 18);
    out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (code & 0x3F));
    return 4;
}
