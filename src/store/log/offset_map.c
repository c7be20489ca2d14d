// SPDX-License-Identifier: Apache-2.0
#include "store/log/offset_map.h"

#include "base/mem.h"
#include "os/random.h"

static uint64_t rotate(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

static uint64_t load_little(const uint8_t *ptr, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)ptr[i] << (8 * i);
    return value;
}

static void mix(uint64_t v[4], int rounds)
{
    for (int i = 0; i < rounds; i++) {
        v[0] += v[1];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[0] = rotate(v[0], 32);
        v[2] += v[3];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
    }
}

static void take_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    mix(v, 2);
    v[0] ^= word;
}

void offset_map_hash(const uint64_t seed[2], struct bytes bytes, uint64_t out[2])
{
    uint64_t v[4] = {seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d ^ 0xee,
                     seed[0] ^ 0x6c7967656e657261, seed[1] ^ 0x7465646279746573};
    size_t at = 0;
    for (; bytes.size - at >= 8; at += 8)
        take_word(v, load_little(bytes.ptr + at, 8));
    uint64_t last = (uint64_t)bytes.size << 56;
    if (bytes.size > at)
        last |= load_little(bytes.ptr + at, bytes.size - at);
    take_word(v, last);
    v[2] ^= 0xee;
    mix(v, 4);
    out[0] = v[0] ^ v[1] ^ v[2] ^ v[3];
    v[1] ^= 0xdd;
    mix(v, 4);
    out[1] = v[0] ^ v[1] ^ v[2] ^ v[3];
}

void offset_map_init(struct offset_map *map, size_t slot_count)
{
    *map = (struct offset_map){.slot_count = slot_count + 1};
    map->count_max = slot_count * 3 / 4 + 1;
    map->slots = mem_alloc(map->slot_count * sizeof *map->slots);
    for (size_t i = 0; i < map->slot_count; i++)
        map->slots[i].offset = -1;
    random_fill(map->seed, sizeof map->seed);
}

void offset_map_release(struct offset_map *map)
{
    mem_free(map->slots);
    *map = (struct offset_map){0};
}

// The slot of the key, or the empty one where it would go; one at least is always empty.
static struct offset_map_slot *find(const struct offset_map *map, const uint64_t hash[2])
{
    size_t at = (size_t)(hash[0] % map->slot_count);
    for (;;) {
        struct offset_map_slot *slot = &map->slots[at];
        if (slot->offset < 0 || (slot->hash[0] == hash[0] && slot->hash[1] == hash[1]))
            return slot;
        at = at + 1 == map->slot_count ? 0 : at + 1;
    }
}

bool offset_map_put(struct offset_map *map, struct bytes key, int64_t offset)
{
    uint64_t hash[2];
    offset_map_hash(map->seed, key, hash);
    struct offset_map_slot *slot = find(map, hash);
    if (slot->offset < 0) {
        if (map->count >= map->count_max)
            return false;
        map->count++;
        slot->hash[0] = hash[0];
        slot->hash[1] = hash[1];
    }
    slot->offset = offset;
    return true;
}

int64_t offset_map_get(const struct offset_map *map, struct bytes key)
{
    uint64_t hash[2];
    offset_map_hash(map->seed, key, hash);
    return find(map, hash)->offset;
}
