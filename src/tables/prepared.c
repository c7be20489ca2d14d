// SPDX-License-Identifier: Apache-2.0
#include "tables/prepared.h"

#include "base/map.h"
#include "base/vec.h"

#include <openssl/evp.h>

struct entry {
    struct list link; // in use order, most recent first
    uint8_t id[PREPARED_ID_SIZE];
    char *keyspace; // or NULL
    char *text;
    size_t text_size;
    struct plan *plan;
};

MAP_DEFINE(entry_map, struct bytes, struct entry *, bytes_hash, bytes_equal);

struct prepared_cache {
    struct mutex mutex;
    struct entry_map map; // keys point at entry->id
    struct list order;
    size_t text_bytes;
};

struct prepared_cache *prepared_new(void)
{
    struct prepared_cache *cache = MEM_NEW(struct prepared_cache);
    mutex_init(&cache->mutex);
    list_init(&cache->order);
    return cache;
}

// Takes the entry out and gives the reference of its plan, to be dropped outside the mutex.
static struct plan *forget(struct prepared_cache *cache, struct entry *entry)
{
    struct plan *plan = entry->plan;
    entry_map_remove(&cache->map, bytes_make(entry->id, PREPARED_ID_SIZE));
    list_remove(&entry->link);
    cache->text_bytes -= entry->text_size;
    mem_free(entry->keyspace);
    mem_free(entry->text);
    mem_free(entry);
    return plan;
}

void prepared_free(struct prepared_cache *cache)
{
    while (!list_empty(&cache->order))
        plan_unref(forget(cache, CONTAINER_OF(cache->order.next, struct entry, link)));
    entry_map_release(&cache->map);
    mutex_release(&cache->mutex);
    mem_free(cache);
}

void prepared_id(uint8_t out[PREPARED_ID_SIZE], const char *keyspace, struct bytes text)
{
    EVP_MD_CTX *md5 = EVP_MD_CTX_new();
    EVP_DigestInit_ex(md5, EVP_md5(), NULL);
    if (keyspace)
        EVP_DigestUpdate(md5, keyspace, strlen(keyspace));
    EVP_DigestUpdate(md5, text.ptr, text.size);
    EVP_DigestFinal_ex(md5, out, NULL);
    EVP_MD_CTX_free(md5);
}

struct plan *prepared_get(struct prepared_cache *cache, struct bytes id)
{
    struct plan *plan = NULL, *stale = NULL;
    mutex_lock(&cache->mutex);
    struct entry **found = entry_map_get(&cache->map, id);
    if (found && plan_is_current((*found)->plan)) {
        list_remove(&(*found)->link);
        list_push_front(&cache->order, &(*found)->link);
        plan = plan_ref((*found)->plan);
    } else if (found) {
        stale = forget(cache, *found);
    }
    mutex_unlock(&cache->mutex);
    if (stale)
        plan_unref(stale);
    return plan;
}

static bool is_full(const struct prepared_cache *cache)
{
    return cache->map.count > PREPARED_MAX || cache->text_bytes > PREPARED_TEXT_MAX;
}

void prepared_put(struct prepared_cache *cache, const uint8_t id[PREPARED_ID_SIZE],
                  const char *keyspace, struct bytes text, struct plan *plan)
{
    struct entry *entry = MEM_NEW(struct entry);
    memcpy(entry->id, id, PREPARED_ID_SIZE);
    entry->keyspace = keyspace ? mem_strdup(keyspace) : NULL;
    entry->text = mem_dup(text.ptr, text.size);
    entry->text_size = text.size;
    entry->plan = plan_ref(plan);
    VEC(struct plan *) gone = {0};
    mutex_lock(&cache->mutex);
    struct entry **found = entry_map_get(&cache->map, bytes_make(id, PREPARED_ID_SIZE));
    if (found)
        vec_push(&gone, forget(cache, *found));
    *entry_map_put(&cache->map, bytes_make(entry->id, PREPARED_ID_SIZE), NULL) = entry;
    list_push_front(&cache->order, &entry->link);
    cache->text_bytes += entry->text_size;
    while (is_full(cache) && cache->order.prev != &entry->link)
        vec_push(&gone, forget(cache, CONTAINER_OF(cache->order.prev, struct entry, link)));
    mutex_unlock(&cache->mutex);
    for (size_t i = 0; i < gone.count; i++)
        plan_unref(gone.items[i]);
    vec_release(&gone);
}

void prepared_each(struct prepared_cache *cache,
                   void (*fn)(void *ctx, struct bytes id, const char *keyspace, struct bytes text),
                   void *ctx)
{
    mutex_lock(&cache->mutex);
    LIST_EACH(&cache->order, link)
    {
        struct entry *entry = CONTAINER_OF(link, struct entry, link);
        fn(ctx, bytes_make(entry->id, PREPARED_ID_SIZE), entry->keyspace,
           bytes_make(entry->text, entry->text_size));
    }
    mutex_unlock(&cache->mutex);
}
