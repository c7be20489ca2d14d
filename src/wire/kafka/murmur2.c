// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/murmur2.h"

uint32_t murmur2(struct bytes key)
{
    const uint32_t m = 0x5bd1e995;
    uint32_t h = 0x9747b28c ^ (uint32_t)key.size;
    const uint8_t *at = key.ptr;
    size_t left = key.size;
    for (; left >= 4; at += 4, left -= 4) {
        uint32_t k =
            (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        k *= m;
        k ^= k >> 24;
        k *= m;
        h *= m;
        h ^= k;
    }
    if (left >= 3)
        h ^= (uint32_t)at[2] << 16;
    if (left >= 2)
        h ^= (uint32_t)at[1] << 8;
    if (left >= 1) {
        h ^= at[0];
        h *= m;
    }
    h ^= h >> 13;
    h *= m;
    h ^= h >> 15;
    return h;
}

int32_t murmur2_partition(struct bytes key, int32_t partitions)
{
    return (int32_t)((murmur2(key) & 0x7fffffff) % (uint32_t)partitions);
}
