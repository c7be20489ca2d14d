// SPDX-License-Identifier: Apache-2.0
#include "broker/group_protocols.h"

#include "base/mem.h"
#include "base/vec.h"

static struct bytes own(struct bytes bytes)
{
    char *copy = mem_alloc(bytes.size + 1);
    if (bytes.size)
        memcpy(copy, bytes.ptr, bytes.size);
    return bytes_make(copy, bytes.size);
}

static void disown(struct bytes bytes)
{
    mem_free((void *)(uintptr_t)bytes.ptr);
}

size_t group_protocols_bytes(const struct group_protocol *items, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += items[i].name.size + items[i].metadata.size;
    return bytes;
}

void group_protocols_set(struct group_protocols *protocols, const struct group_protocol *items,
                         size_t count)
{
    struct group_protocols made = {.bytes = group_protocols_bytes(items, count)};
    for (size_t i = 0; i < count; i++) {
        struct group_protocol protocol = {own(items[i].name), own(items[i].metadata)};
        vec_push(&made, protocol);
    }
    group_protocols_release(protocols);
    *protocols = made;
}

void group_protocols_release(struct group_protocols *protocols)
{
    for (size_t i = 0; i < protocols->count; i++) {
        disown(protocols->items[i].name);
        disown(protocols->items[i].metadata);
    }
    vec_release(protocols);
    protocols->bytes = 0;
}

bool group_protocols_same(const struct group_protocols *protocols,
                          const struct group_protocol *items, size_t count)
{
    if (protocols->count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!bytes_equal(protocols->items[i].name, items[i].name) ||
            !bytes_equal(protocols->items[i].metadata, items[i].metadata))
            return false;
    return true;
}

struct bytes group_protocols_metadata(const struct group_protocols *protocols, const char *name)
{
    for (size_t i = 0; name && i < protocols->count; i++)
        if (bytes_is(protocols->items[i].name, name))
            return protocols->items[i].metadata;
    return bytes_make("", 0);
}

// --- votes ---------------------------------------------------------------------------

static bool is_repeated(const struct group_protocols *protocols, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (bytes_equal(protocols->items[i].name, protocols->items[index].name))
            return true;
    return false;
}

struct group_vote *group_votes_find(const struct group_vote_map *votes, struct bytes name)
{
    struct group_vote **found = group_vote_map_get(votes, name);
    return found ? *found : NULL;
}

static void free_vote(struct group_vote *vote)
{
    mem_free(vote->name);
    mem_free(vote);
}

static struct group_vote *vote_make(struct group_vote_map *votes, struct bytes name)
{
    struct group_vote *vote = MEM_NEW(struct group_vote);
    vote->name = mem_printf("%.*s", BYTES_PRINT(name));
    *group_vote_map_put(votes, bytes_from(vote->name), NULL) = vote;
    return vote;
}

void group_votes_add(struct group_vote_map *votes, const struct group_protocols *protocols)
{
    for (size_t i = 0; i < protocols->count; i++) {
        if (is_repeated(protocols, i))
            continue;
        struct group_vote *vote = group_votes_find(votes, protocols->items[i].name);
        if (!vote)
            vote = vote_make(votes, protocols->items[i].name);
        vote->count++;
    }
}

void group_votes_drop(struct group_vote_map *votes, const struct group_protocols *protocols)
{
    for (size_t i = 0; i < protocols->count; i++) {
        if (is_repeated(protocols, i))
            continue;
        struct group_vote *vote = group_votes_find(votes, protocols->items[i].name);
        if (--vote->count)
            continue;
        group_vote_map_remove(votes, bytes_from(vote->name));
        free_vote(vote);
    }
}

bool group_votes_agree(const struct group_vote_map *votes, size_t members,
                       const struct group_protocol *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct group_vote *vote = group_votes_find(votes, items[i].name);
        if ((vote ? vote->count : 0) == members)
            return true;
    }
    return false;
}

void group_votes_release(struct group_vote_map *votes)
{
    for (size_t i = 0; i < votes->capacity; i++)
        if (votes->used[i])
            free_vote(votes->values[i]);
    group_vote_map_release(votes);
}
