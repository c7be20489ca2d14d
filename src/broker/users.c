// SPDX-License-Identifier: Apache-2.0
#include "broker/users.h"

#include "base/map.h"
#include "os/thread.h"

#include <stdlib.h>

struct user {
    struct scram_credential *credentials[SCRAM_SHA_512 + 1]; // by mechanism; NULL: none
};

MAP_DEFINE(user_map, struct bytes, struct user, bytes_hash, bytes_equal);

struct users {
    struct mutex lock;
    struct user_map map; // the keys are on the heap
};

struct users *users_new(void)
{
    struct users *users = MEM_NEW(struct users);
    mutex_init(&users->lock);
    return users;
}

static void user_release(struct user *user)
{
    for (int i = 0; i <= SCRAM_SHA_512; i++)
        mem_free(user->credentials[i]);
}

void users_free(struct users *users)
{
    for (size_t i = 0; i < users->map.capacity; i++) {
        if (!users->map.used[i])
            continue;
        user_release(&users->map.values[i]);
        mem_free((void *)(uintptr_t)users->map.keys[i].ptr);
    }
    user_map_release(&users->map);
    mutex_release(&users->lock);
    mem_free(users);
}

void users_set(struct users *users, struct bytes name, const struct scram_credential *credential)
{
    struct scram_credential *copy = mem_dup(credential, sizeof *credential);
    mutex_lock(&users->lock);
    struct user *user = user_map_get(&users->map, name);
    if (!user)
        user = user_map_put(&users->map, bytes_make(mem_dup(name.ptr, name.size), name.size), NULL);
    mem_free(user->credentials[credential->mechanism]);
    user->credentials[credential->mechanism] = copy;
    mutex_unlock(&users->lock);
}

// Takes out a user who has no credential left.
static void forget(struct users *users, struct bytes name)
{
    for (size_t i = 0; i < users->map.capacity; i++) {
        if (!users->map.used[i] || !bytes_equal(users->map.keys[i], name))
            continue;
        void *key = (void *)(uintptr_t)users->map.keys[i].ptr;
        user_map_remove(&users->map, users->map.keys[i]);
        mem_free(key);
        return;
    }
}

bool users_remove(struct users *users, struct bytes name, enum scram_mechanism mechanism)
{
    mutex_lock(&users->lock);
    struct user *user = user_map_get(&users->map, name);
    bool had = user && user->credentials[mechanism];
    if (had) {
        mem_free(user->credentials[mechanism]);
        user->credentials[mechanism] = NULL;
        if (!user->credentials[SCRAM_SHA_256] && !user->credentials[SCRAM_SHA_512])
            forget(users, name);
    }
    mutex_unlock(&users->lock);
    return had;
}

bool users_find(struct users *users, struct bytes name, enum scram_mechanism mechanism,
                struct scram_credential *out)
{
    mutex_lock(&users->lock);
    const struct user *user = user_map_get(&users->map, name);
    const struct scram_credential *found = NULL;
    if (user && mechanism != SCRAM_NONE)
        found = user->credentials[mechanism];
    else if (user)
        found = user->credentials[SCRAM_SHA_256] ? user->credentials[SCRAM_SHA_256]
                                                 : user->credentials[SCRAM_SHA_512];
    if (found)
        *out = *found;
    mutex_unlock(&users->lock);
    return found != NULL;
}

static int by_name(const void *left, const void *right)
{
    const struct user_entry *a = left, *b = right;
    int order = bytes_compare(a->name, b->name);
    return order ? order : (int)a->credential.mechanism - (int)b->credential.mechanism;
}

struct user_entry *users_all(struct users *users, struct arena *arena, size_t *count)
{
    *count = 0;
    mutex_lock(&users->lock);
    struct user_entry *all =
        ARENA_ARRAY(arena, struct user_entry, users->map.count * SCRAM_SHA_512 + 1);
    for (size_t i = 0; i < users->map.capacity; i++) {
        if (!users->map.used[i])
            continue;
        struct bytes name = arena_bytes(arena, users->map.keys[i]);
        for (int m = SCRAM_SHA_256; m <= SCRAM_SHA_512; m++)
            if (users->map.values[i].credentials[m])
                all[(*count)++] = (struct user_entry){name, *users->map.values[i].credentials[m]};
    }
    mutex_unlock(&users->lock);
    qsort(all, *count, sizeof *all, by_name);
    return all;
}
