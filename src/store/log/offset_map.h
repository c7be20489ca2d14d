// SPDX-License-Identifier: Apache-2.0
//
// offset_map: the newest offset of each key, in memory of a fixed size: of a key only a 128-bit
// hash is kept. The hash is SipHash with a random seed, so that nobody can make two keys that pass
// for one.
//
// Thread     one at a time.
// Bounds     24 bytes per slot; three quarters of the slots are used, then the map is full.
#ifndef STORE_LOG_OFFSET_MAP_H
#define STORE_LOG_OFFSET_MAP_H

#include "base/bytes.h"

struct offset_map_slot {
    uint64_t hash[2];
    int64_t offset; // -1 = empty
};

enum { OFFSET_MAP_SLOT_BYTES = sizeof(struct offset_map_slot) };

struct offset_map {
    struct offset_map_slot *slots;
    size_t slot_count;
    size_t count;
    size_t count_max;
    uint64_t seed[2];
};

void offset_map_init(struct offset_map *map, size_t slot_count); // at least one
void offset_map_release(struct offset_map *map);
// Later calls for the same key win. False when there is no room for another key.
bool offset_map_put(struct offset_map *map, struct bytes key, int64_t offset);
int64_t offset_map_get(const struct offset_map *map, struct bytes key); // -1 = not there

// SipHash-2-4 with 128 bits of result (for the test: it has published vectors).
void offset_map_hash(const uint64_t seed[2], struct bytes bytes, uint64_t out[2]);

#endif
