// SPDX-License-Identifier: Apache-2.0
//
// crc32c: the SSE4.2 instruction where the machine has it, a sliced table elsewhere. The
// instruction takes three cycles but one can begin in each, so three parts of a long input are
// summed side by side. Joining them takes the register "as if so many zeros followed", which is
// linear in its bits: a table for each of its bytes (M. Adler's crc32c.c explains the same).

#include "base/hash.h"

#include <stdatomic.h>

static uint64_t load64(const uint8_t *ptr)
{
    uint64_t value;
    memcpy(&value, ptr, sizeof value);
    return value;
}

uint64_t hash_u64(uint64_t value)
{
    // Finaliser of splitmix64.
    value ^= value >> 30;
    value *= 0xbf58476d1ce4e5b9ULL;
    value ^= value >> 27;
    value *= 0x94d049bb133111ebULL;
    return value ^ value >> 31;
}

uint64_t hash_bytes(const void *ptr, size_t size)
{
    const uint8_t *at = ptr;
    uint64_t hash = 0x9e3779b97f4a7c15ULL ^ size;
    while (size >= 8) {
        hash = (hash ^ load64(at)) * 0xff51afd7ed558ccdULL;
        hash ^= hash >> 32;
        at += 8;
        size -= 8;
    }
    uint64_t tail = 0;
    for (size_t i = 0; i < size; i++)
        tail |= (uint64_t)at[i] << (8 * i);
    return hash_u64(hash ^ tail);
}

static uint32_t crc_table[8][256];

static void crc_table_fill(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78U : crc >> 1;
        crc_table[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int slice = 1; slice < 8; slice++)
            crc_table[slice][i] =
                crc_table[0][crc_table[slice - 1][i] & 0xff] ^ crc_table[slice - 1][i] >> 8;
}

static uint32_t crc_by_table(uint32_t crc, const uint8_t *ptr, size_t size)
{
    while (size >= 8) {
        uint64_t word = load64(ptr) ^ crc;
        crc = crc_table[7][word & 0xff] ^ crc_table[6][word >> 8 & 0xff] ^
              crc_table[5][word >> 16 & 0xff] ^ crc_table[4][word >> 24 & 0xff] ^
              crc_table[3][word >> 32 & 0xff] ^ crc_table[2][word >> 40 & 0xff] ^
              crc_table[1][word >> 48 & 0xff] ^ crc_table[0][word >> 56];
        ptr += 8;
        size -= 8;
    }
    while (size--)
        crc = crc_table[0][(crc ^ *ptr++) & 0xff] ^ crc >> 8;
    return crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

enum { CRC_PART = 1024 }; // bytes of each of three parts

// crc_zeros[i][b]: the register b << 8 * i after CRC_PART zero bytes.
static uint32_t crc_zeros[4][256];

static void crc_zeros_fill(void)
{
    static const uint8_t zeros[CRC_PART];
    for (int i = 0; i < 4; i++)
        for (uint32_t b = 0; b < 256; b++)
            crc_zeros[i][b] = crc_by_table(b << 8 * i, zeros, sizeof zeros);
}

static uint32_t crc_after_zeros(uint64_t crc)
{
    return crc_zeros[0][crc & 0xff] ^ crc_zeros[1][crc >> 8 & 0xff] ^
           crc_zeros[2][crc >> 16 & 0xff] ^ crc_zeros[3][crc >> 24 & 0xff];
}

__attribute__((target("sse4.2"))) static uint32_t crc_by_sse42(uint32_t crc, const uint8_t *ptr,
                                                               size_t size)
{
    uint64_t first = crc;
    while (size >= 3 * (size_t)CRC_PART) {
        uint64_t second = 0, third = 0;
        for (const uint8_t *end = ptr + CRC_PART; ptr < end; ptr += 8) {
            first = _mm_crc32_u64(first, load64(ptr));
            second = _mm_crc32_u64(second, load64(ptr + CRC_PART));
            third = _mm_crc32_u64(third, load64(ptr + 2 * (size_t)CRC_PART));
        }
        first = crc_after_zeros(crc_after_zeros(first) ^ second) ^ third;
        ptr += 2 * (size_t)CRC_PART;
        size -= 3 * (size_t)CRC_PART;
    }
    while (size >= 8) {
        first = _mm_crc32_u64(first, load64(ptr));
        ptr += 8;
        size -= 8;
    }
    crc = (uint32_t)first;
    while (size--)
        crc = _mm_crc32_u8(crc, *ptr++);
    return crc;
}

static bool has_sse42(void)
{
    return __builtin_cpu_supports("sse4.2");
}
#else
static uint32_t crc_by_sse42(uint32_t crc, const uint8_t *ptr, size_t size)
{
    return crc_by_table(crc, ptr, size);
}

static void crc_zeros_fill(void)
{
}

static bool has_sse42(void)
{
    return false;
}
#endif

uint32_t crc32c(uint32_t crc, const void *ptr, size_t size)
{
    // 0 = not asked yet, 1 = instruction, 2 = table. Two threads asking at once find the same.
    static _Atomic int way;
    int now = atomic_load_explicit(&way, memory_order_acquire);
    if (now == 0) {
        crc_table_fill();
        crc_zeros_fill();
        now = has_sse42() ? 1 : 2;
        atomic_store_explicit(&way, now, memory_order_release);
    }
    crc = ~crc;
    crc = now == 1 ? crc_by_sse42(crc, ptr, size) : crc_by_table(crc, ptr, size);
    return ~crc;
}
