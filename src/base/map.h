// SPDX-License-Identifier: Apache-2.0
//
// map: hash maps of one key and one value type, open addressing, linear probing.
//
//     MAP_DEFINE(topic_map, struct bytes, struct topic *, bytes_hash, bytes_equal)
//     struct topic_map map = {0};
//     struct topic **slot = topic_map_put(&map, name, &added);   // slot is valid until the next
//     put struct topic **found = topic_map_get(&map, name);          // NULL if absent for (size_t
//     i = 0; i < map.capacity; i++) if (map.used[i]) use(map.keys[i], map.values[i]);
//
// Keys are stored by value: a struct bytes key must point at memory that outlives the entry.
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/bytes.h"
#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>

static inline uint64_t bytes_hash(struct bytes bytes)
{
    return hash_bytes(bytes.ptr, bytes.size);
}

static inline bool u64_equal(uint64_t a, uint64_t b)
{
    return a == b;
}

#define MAP_DEFINE(name, key_t, value_t, hash_fn, equal_fn)                                      \
    struct name {                                                                                \
        uint8_t *used;                                                                           \
        key_t *keys;                                                                             \
        value_t *values;                                                                         \
        size_t count;                                                                            \
        size_t capacity; /* a power of two */                                                    \
    };                                                                                           \
    static inline size_t name##__find(const struct name *map, key_t key)                         \
    {                                                                                            \
        size_t at = (size_t)hash_fn(key) & (map->capacity - 1);                                  \
        while (map->used[at] && !equal_fn(map->keys[at], key))                                   \
            at = (at + 1) & (map->capacity - 1);                                                 \
        return at;                                                                               \
    }                                                                                            \
    static inline void name##__grow(struct name *map)                                            \
    {                                                                                            \
        struct name old = *map;                                                                  \
        map->capacity = old.capacity ? old.capacity * 2 : 16;                                    \
        map->used = mem_zalloc(map->capacity);                                                   \
        map->keys = mem_alloc(map->capacity * sizeof *map->keys);                                \
        map->values = mem_alloc(map->capacity * sizeof *map->values);                            \
        for (size_t i = 0; i < old.capacity; i++) {                                              \
            if (!old.used[i])                                                                    \
                continue;                                                                        \
            size_t at = name##__find(map, old.keys[i]);                                          \
            map->used[at] = 1;                                                                   \
            map->keys[at] = old.keys[i];                                                         \
            map->values[at] = old.values[i];                                                     \
        }                                                                                        \
        mem_free(old.used);                                                                      \
        mem_free(old.keys);                                                                      \
        mem_free(old.values);                                                                    \
    }                                                                                            \
    static inline value_t *name##_get(const struct name *map, key_t key)                         \
    {                                                                                            \
        if (map->count == 0)                                                                     \
            return NULL;                                                                         \
        assert(map->values);                                                                     \
        size_t at = name##__find(map, key);                                                      \
        return map->used[at] ? &map->values[at] : NULL;                                          \
    }                                                                                            \
    /* The slot of `key`, made (value zeroed) if absent; `*added` (may be NULL) tells which. */  \
    static inline value_t *name##_put(struct name *map, key_t key, bool *added)                  \
    {                                                                                            \
        if ((map->count + 1) * 4 > map->capacity * 3)                                            \
            name##__grow(map);                                                                   \
        assert(map->values);                                                                     \
        size_t at = name##__find(map, key);                                                      \
        if (added)                                                                               \
            *added = !map->used[at];                                                             \
        if (!map->used[at]) {                                                                    \
            map->used[at] = 1;                                                                   \
            map->keys[at] = key;                                                                 \
            memset(&map->values[at], 0, sizeof map->values[at]);                                 \
            map->count++;                                                                        \
        }                                                                                        \
        return &map->values[at];                                                                 \
    }                                                                                            \
    static inline bool name##_remove(struct name *map, key_t key)                                \
    {                                                                                            \
        if (map->count == 0)                                                                     \
            return false;                                                                        \
        size_t hole = name##__find(map, key);                                                    \
        if (!map->used[hole])                                                                    \
            return false;                                                                        \
        map->used[hole] = 0;                                                                     \
        map->count--;                                                                            \
        /* Pull back later entries of the run whose home lies at or before the hole. */          \
        for (size_t at = (hole + 1) & (map->capacity - 1); map->used[at];                        \
             at = (at + 1) & (map->capacity - 1)) {                                              \
            size_t home = (size_t)hash_fn(map->keys[at]) & (map->capacity - 1);                  \
            bool stays = hole <= at ? (hole < home && home <= at) : (hole < home || home <= at); \
            if (stays)                                                                           \
                continue;                                                                        \
            map->used[hole] = 1;                                                                 \
            map->keys[hole] = map->keys[at];                                                     \
            map->values[hole] = map->values[at];                                                 \
            map->used[at] = 0;                                                                   \
            hole = at;                                                                           \
        }                                                                                        \
        return true;                                                                             \
    }                                                                                            \
    static inline void name##_release(struct name *map)                                          \
    {                                                                                            \
        mem_free(map->used);                                                                     \
        mem_free(map->keys);                                                                     \
        mem_free(map->values);                                                                   \
        *map = (struct name){0};                                                                 \
    }                                                                                            \
    struct name

#endif
