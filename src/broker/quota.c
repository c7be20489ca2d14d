// SPDX-License-Identifier: Apache-2.0
//
// The rate is Kafka's: bytes of the last 11 seconds, the present one included, over at least 10
// seconds. A bucket is dropped when nothing was counted for so long.
#include "broker/quota.h"

#include "base/map.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/thread.h"

#include <stdlib.h>

#define SAMPLES        11
#define SAMPLE_MS      1000
#define SWEEP_EVERY_MS 60000

struct bucket {
    double bytes[SAMPLES];
    int64_t second; // of the newest sample
};

struct limit {
    uint8_t *key;
    double limits[QUOTA_KINDS];
};

MAP_DEFINE(limit_map, struct bytes, struct limit, bytes_hash, bytes_equal);
MAP_DEFINE(bucket_map, struct bytes, struct bucket *, bytes_hash, bytes_equal);

struct quotas {
    struct mutex lock;
    struct limit_map limits;   // by entity_key()
    struct bucket_map buckets; // by entity_key() of who shares it; the keys are on the heap
    _Atomic size_t count;      // limits: nothing to do while there are none
    int64_t swept_ms;
};

struct quotas *quotas_new(void)
{
    struct quotas *quotas = MEM_NEW(struct quotas);
    mutex_init(&quotas->lock);
    return quotas;
}

void quotas_free(struct quotas *quotas)
{
    for (size_t i = 0; i < quotas->limits.capacity; i++)
        if (quotas->limits.used[i])
            mem_free(quotas->limits.values[i].key);
    limit_map_release(&quotas->limits);
    for (size_t i = 0; i < quotas->buckets.capacity; i++) {
        if (!quotas->buckets.used[i])
            continue;
        mem_free((void *)(uintptr_t)quotas->buckets.keys[i].ptr);
        mem_free(quotas->buckets.values[i]);
    }
    bucket_map_release(&quotas->buckets);
    mutex_release(&quotas->lock);
    mem_free(quotas);
}

const char *quota_name(enum quota_kind kind)
{
    return kind == QUOTA_PRODUCE ? "producer_byte_rate" : "consumer_byte_rate";
}

// --- limits --------------------------------------------------------------------------

enum { KEY_USER = 1, KEY_USER_NAMED = 2, KEY_CLIENT = 4, KEY_CLIENT_NAMED = 8, KEY_HEAD_BYTES = 5 };

// What is said about the parts, the length of the user's name, both names.
static struct bytes entity_key(struct str *buffer, const struct quota_entity *entity)
{
    int parts = (entity->has_user ? KEY_USER : 0) | (entity->has_client ? KEY_CLIENT : 0) |
                (entity->has_user && entity->user.ptr ? KEY_USER_NAMED : 0) |
                (entity->has_client && entity->client.ptr ? KEY_CLIENT_NAMED : 0);
    uint32_t user_size = parts & KEY_USER_NAMED ? (uint32_t)entity->user.size : 0;
    str_clear(buffer);
    str_append_byte(buffer, (char)parts);
    str_append(buffer, &user_size, sizeof user_size);
    if (parts & KEY_USER_NAMED)
        str_append_bytes(buffer, entity->user);
    if (parts & KEY_CLIENT_NAMED)
        str_append_bytes(buffer, entity->client);
    return str_bytes(buffer);
}

static struct quota_entity entity_of(struct bytes key, struct arena *arena)
{
    int parts = key.ptr[0];
    uint32_t user_size;
    memcpy(&user_size, key.ptr + 1, sizeof user_size);
    struct bytes user = bytes_make(key.ptr + KEY_HEAD_BYTES, user_size);
    struct bytes client = bytes_make(user.ptr + user_size, key.size - KEY_HEAD_BYTES - user_size);
    return (struct quota_entity){
        .has_user = parts & KEY_USER,
        .has_client = parts & KEY_CLIENT,
        .user = parts & KEY_USER_NAMED ? arena_bytes(arena, user) : BYTES_NULL,
        .client = parts & KEY_CLIENT_NAMED ? arena_bytes(arena, client) : BYTES_NULL};
}

static bool is_empty(const struct limit *limit)
{
    return limit->limits[QUOTA_PRODUCE] <= 0 && limit->limits[QUOTA_CONSUME] <= 0;
}

void quotas_set(struct quotas *quotas, const struct quota_entity *entity, enum quota_kind kind,
                double rate)
{
    struct str buffer = {0};
    struct bytes key = entity_key(&buffer, entity);
    mutex_lock(&quotas->lock);
    struct limit *limit = limit_map_get(&quotas->limits, key);
    if (!limit && rate > 0) {
        uint8_t *kept = mem_dup(key.ptr, key.size);
        limit = limit_map_put(&quotas->limits, bytes_make(kept, key.size), NULL);
        limit->key = kept;
    }
    if (limit) {
        limit->limits[kind] = rate;
        if (is_empty(limit)) {
            uint8_t *kept = limit->key;
            limit_map_remove(&quotas->limits, key);
            mem_free(kept);
        }
    }
    quotas->count = quotas->limits.count;
    mutex_unlock(&quotas->lock);
    str_release(&buffer);
}

static int compare_names(struct bytes a, struct bytes b)
{
    if (!a.ptr || !b.ptr)
        return (a.ptr != NULL) - (b.ptr != NULL);
    return bytes_compare(a, b);
}

static int by_entity(const void *left, const void *right)
{
    const struct quota_entity *a = &((const struct quota_entry *)left)->entity;
    const struct quota_entity *b = &((const struct quota_entry *)right)->entity;
    int order = b->has_user - a->has_user;
    if (!order)
        order = compare_names(a->user, b->user);
    if (!order)
        order = a->has_client - b->has_client;
    return order ? order : compare_names(a->client, b->client);
}

struct quota_entry *quotas_all(struct quotas *quotas, struct arena *arena, size_t *count)
{
    *count = 0;
    mutex_lock(&quotas->lock);
    struct quota_entry *all = ARENA_ARRAY(arena, struct quota_entry, quotas->limits.count + 1);
    for (size_t i = 0; i < quotas->limits.capacity; i++) {
        if (!quotas->limits.used[i])
            continue;
        struct quota_entry *entry = &all[(*count)++];
        entry->entity = entity_of(quotas->limits.keys[i], arena);
        memcpy(entry->limits, quotas->limits.values[i].limits, sizeof entry->limits);
    }
    mutex_unlock(&quotas->lock);
    qsort(all, *count, sizeof *all, by_entity);
    return all;
}

// --- counting ------------------------------------------------------------------------

// The limit that holds for the client, and who shares it with him; 0: none.
static double limit_of(const struct quotas *quotas, enum quota_kind kind, struct bytes user,
                       struct bytes client, struct quota_entity *shared)
{
    const struct bytes any = BYTES_NULL;
    const struct quota_entity places[] = {
        {true, true, user, client}, {true, true, user, any}, {true, false, user, any},
        {true, true, any, client},  {true, true, any, any},  {true, false, any, any},
        {false, true, any, client}, {false, true, any, any},
    };
    struct str buffer = {0};
    double rate = 0;
    *shared = places[0];
    for (size_t i = 0; i < sizeof places / sizeof *places && rate <= 0; i++) {
        const struct limit *limit = limit_map_get(&quotas->limits, entity_key(&buffer, &places[i]));
        rate = limit ? limit->limits[kind] : 0;
        *shared = places[i];
    }
    str_release(&buffer);
    shared->user = shared->has_user ? user : any;
    shared->client = shared->has_client ? client : any;
    return rate;
}

static int64_t now_ms(void)
{
    return clock_mono_us() / 1000;
}

// Forgets buckets that hold nothing any more.
static void sweep(struct quotas *quotas)
{
    int64_t second = now_ms() / SAMPLE_MS;
    quotas->swept_ms = now_ms();
    for (size_t i = 0; i < quotas->buckets.capacity; i++) {
        if (!quotas->buckets.used[i] || quotas->buckets.values[i]->second + SAMPLES > second)
            continue;
        struct bytes key = quotas->buckets.keys[i];
        struct bucket *bucket = quotas->buckets.values[i];
        bucket_map_remove(&quotas->buckets, key);
        mem_free((void *)(uintptr_t)key.ptr);
        mem_free(bucket);
        i--; // another may have moved here
    }
}

static struct bucket *bucket_of(struct quotas *quotas, enum quota_kind kind,
                                const struct quota_entity *shared)
{
    struct str buffer = {0};
    entity_key(&buffer, shared);
    str_append_byte(&buffer, (char)kind);
    struct bytes key = str_bytes(&buffer);
    struct bucket **found = bucket_map_get(&quotas->buckets, key);
    struct bucket *bucket = found ? *found : NULL;
    if (!bucket) {
        bucket = MEM_NEW(struct bucket);
        bucket->second = now_ms() / SAMPLE_MS;
        *bucket_map_put(&quotas->buckets, bytes_make(mem_dup(key.ptr, key.size), key.size), NULL) =
            bucket;
    }
    str_release(&buffer);
    return bucket;
}

// Brings the samples up to now.
static void advance(struct bucket *bucket)
{
    int64_t second = now_ms() / SAMPLE_MS;
    if (second - bucket->second >= SAMPLES) { // a new beginning
        *bucket = (struct bucket){.second = second};
        return;
    }
    while (bucket->second < second)
        bucket->bytes[++bucket->second % SAMPLES] = 0;
}

// How long nothing may come for the rate to be the limit again.
static int32_t quiet_ms(const struct bucket *bucket, double limit)
{
    double bytes = 0;
    for (size_t i = 0; i < SAMPLES; i++)
        bytes += bucket->bytes[i];
    int64_t held_ms = now_ms() - (bucket->second - SAMPLES + 1) * SAMPLE_MS;
    double window_ms = (SAMPLES - 1) * SAMPLE_MS;
    if ((double)held_ms > window_ms)
        window_ms = (double)held_ms;
    double rate = bytes * 1000 / window_ms;
    double quiet = rate > limit ? (rate - limit) / limit * window_ms : 0;
    return quiet > INT32_MAX ? INT32_MAX : (int32_t)(quiet + 0.5);
}

static int32_t count(struct quotas *quotas, enum quota_kind kind, struct bytes user,
                     struct bytes client, size_t bytes, bool keep)
{
    struct quota_entity shared;
    int32_t quiet = 0;
    if (quotas->count == 0)
        return 0;
    if (!client.ptr)
        client = bytes_from("");
    mutex_lock(&quotas->lock);
    if (now_ms() - quotas->swept_ms > SWEEP_EVERY_MS)
        sweep(quotas);
    double limit = limit_of(quotas, kind, user, client, &shared);
    if (limit > 0) {
        struct bucket *bucket = bucket_of(quotas, kind, &shared);
        advance(bucket);
        double *sample = &bucket->bytes[bucket->second % SAMPLES];
        *sample += (double)bytes;
        quiet = quiet_ms(bucket, limit);
        if (quiet > 0 && !keep)
            *sample -= (double)bytes;
    }
    mutex_unlock(&quotas->lock);
    return quiet;
}

int32_t quotas_charge(struct quotas *quotas, enum quota_kind kind, struct bytes user,
                      struct bytes client, size_t bytes)
{
    return count(quotas, kind, user, client, bytes, true);
}

int32_t quotas_try(struct quotas *quotas, enum quota_kind kind, struct bytes user,
                   struct bytes client, size_t bytes)
{
    return count(quotas, kind, user, client, bytes, false);
}
