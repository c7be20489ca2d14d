// SPDX-License-Identifier: Apache-2.0
//
// MurmurHash3_x64_128 with seed 0, first half, as Cassandra has it: the bytes of the tail are
// sign-extended before they are combined (a slip of the first Java port that became the format),
// and the lowest value means the highest.

#include "tables/token.h"

#define C1 UINT64_C(0x87c37b91114253d5)
#define C2 UINT64_C(0x4cf5ad432745937f)

static uint64_t rotl(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static uint64_t mix(uint64_t k)
{
    k ^= k >> 33;
    k *= UINT64_C(0xff51afd7ed558ccd);
    k ^= k >> 33;
    k *= UINT64_C(0xc4ceb9fe1a85ec53);
    return k ^ k >> 33;
}

static uint64_t block(const uint8_t *ptr)
{
    uint64_t value;
    memcpy(&value, ptr, sizeof value);
    return value;
}

// Up to eight tail bytes, each sign-extended.
static uint64_t tail(const uint8_t *ptr, size_t size)
{
    uint64_t k = 0;
    for (size_t i = 0; i < size; i++)
        k ^= (uint64_t)(int64_t)(int8_t)ptr[i] << (8 * i);
    return k;
}

int64_t token_of(struct bytes key)
{
    if (key.size == 0)
        return INT64_MIN + 1; // not reached by a hash of bytes: an empty key is refused before
    uint64_t h1 = 0, h2 = 0;
    size_t whole = key.size / 16 * 16;
    for (size_t i = 0; i < whole; i += 16) {
        h1 ^= rotl(block(key.ptr + i) * C1, 31) * C2;
        h1 = (rotl(h1, 27) + h2) * 5 + 0x52dce729;
        h2 ^= rotl(block(key.ptr + i + 8) * C2, 33) * C1;
        h2 = (rotl(h2, 31) + h1) * 5 + 0x38495ab5;
    }
    size_t rest = key.size - whole;
    if (rest > 8)
        h2 ^= rotl(tail(key.ptr + whole + 8, rest - 8) * C2, 33) * C1;
    if (rest > 0)
        h1 ^= rotl(tail(key.ptr + whole, rest < 8 ? rest : 8) * C1, 31) * C2;
    h1 ^= key.size;
    h2 ^= key.size;
    h1 += h2;
    h2 += h1;
    h1 = mix(h1);
    h2 = mix(h2);
    h1 += h2;
    return (int64_t)h1 == INT64_MIN ? INT64_MAX : (int64_t)h1;
}
