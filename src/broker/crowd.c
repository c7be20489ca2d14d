// SPDX-License-Identifier: Apache-2.0
#include "broker/crowd.h"

#include "base/map.h"
#include "base/str.h"
#include "broker/kafka_config.h"
#include "os/thread.h"

#include <stdlib.h>

struct place { // an address
    char *address;
    size_t count;
    int64_t max; // of the overrides; -1: as everywhere
};

MAP_DEFINE(place_map, struct bytes, struct place *, bytes_hash, bytes_equal);

struct crowd {
    struct mutex lock;
    struct place_map places;
    size_t count;
    int64_t count_max, per_address;
    struct list strangers; // who came first stands first
    size_t stranger_count, stranger_max;
};

struct crowd *crowd_new(size_t stranger_max)
{
    struct crowd *crowd = MEM_NEW(struct crowd);
    mutex_init(&crowd->lock);
    list_init(&crowd->strangers);
    crowd->count_max = crowd->per_address = INT32_MAX;
    crowd->stranger_max = stranger_max;
    return crowd;
}

void crowd_free(struct crowd *crowd)
{
    if (!crowd)
        return;
    for (size_t i = 0; i < crowd->places.capacity; i++)
        if (crowd->places.used[i]) {
            mem_free(crowd->places.values[i]->address);
            mem_free(crowd->places.values[i]);
        }
    place_map_release(&crowd->places);
    mutex_release(&crowd->lock);
    mem_free(crowd);
}

static struct place *place_of(struct crowd *crowd, struct bytes address)
{
    struct place **found = place_map_get(&crowd->places, address);
    if (found)
        return *found;
    struct place *place = MEM_NEW(struct place);
    place->address = mem_alloc(address.size + 1);
    memcpy(place->address, address.ptr, address.size);
    place->address[address.size] = '\0';
    place->max = -1;
    *place_map_put(&crowd->places, bytes_from(place->address), NULL) = place;
    return place;
}

static void drop_if_unused(struct crowd *crowd, struct place *place)
{
    if (place->count > 0 || place->max >= 0)
        return;
    place_map_remove(&crowd->places, bytes_from(place->address));
    mem_free(place->address);
    mem_free(place);
}

// "::1:5" -> "::1" and 5.
static bool split(struct bytes word, struct bytes *address, int64_t *max)
{
    char text[80], *end;
    if (word.size == 0 || word.size >= sizeof text)
        return false;
    memcpy(text, word.ptr, word.size);
    text[word.size] = '\0';
    char *colon = strrchr(text, ':');
    if (!colon || colon == text || colon[1] < '0' || colon[1] > '9')
        return false;
    *address = bytes_make(word.ptr, (size_t)(colon - text));
    *max = strtoll(colon + 1, &end, 10);
    return *end == '\0' && *max <= INT32_MAX &&
           strspn(text, "0123456789abcdefABCDEF.:") == word.size;
}

err_t crowd_check_overrides(const char *overrides, struct diag *diag)
{
    struct bytes word, address;
    int64_t max;
    for (size_t at = 0; kafka_config_word(bytes_from(overrides), &at, &word);)
        if (!split(word, &address, &max))
            return FAIL(diag, ERR_CONFIG,
                        "Invalid value %s for configuration max.connections.per.ip.overrides: "
                        "'%.*s' is not ADDRESS:COUNT (weir takes addresses, not names of hosts)",
                        overrides, BYTES_PRINT(word));
    return ERR_OK;
}

void crowd_set_limits(struct crowd *crowd, const struct crowd_limits *limits)
{
    struct bytes word, address;
    int64_t max;
    mutex_lock(&crowd->lock);
    crowd->count_max = limits->all;
    crowd->per_address = limits->per_address;
    for (size_t i = 0; i < crowd->places.capacity; i++)
        if (crowd->places.used[i])
            crowd->places.values[i]->max = -1; // an empty place goes with its last connection
    for (size_t at = 0; kafka_config_word(bytes_from(limits->overrides), &at, &word);)
        if (split(word, &address, &max))
            place_of(crowd, address)->max = max;
    mutex_unlock(&crowd->lock);
}

err_t crowd_arrive(struct crowd *crowd, const char *address, struct diag *diag)
{
    err_t err = ERR_OK;
    mutex_lock(&crowd->lock);
    struct place *place = place_of(crowd, bytes_from(address));
    int64_t most = place->max >= 0 ? place->max : crowd->per_address;
    if ((int64_t)crowd->count >= crowd->count_max)
        err = FAIL(diag, ERR_OVERLOADED, "there are max.connections=%lld already",
                   (long long)crowd->count_max);
    else if ((int64_t)place->count >= most)
        err = FAIL(diag, ERR_OVERLOADED, "there are max.connections.per.ip=%lld of it already",
                   (long long)most);
    if (err == ERR_OK) {
        crowd->count++;
        place->count++;
    }
    drop_if_unused(crowd, place);
    mutex_unlock(&crowd->lock);
    return err;
}

void crowd_leave(struct crowd *crowd, const char *address)
{
    mutex_lock(&crowd->lock);
    struct place *place = place_of(crowd, bytes_from(address));
    crowd->count--;
    place->count--;
    drop_if_unused(crowd, place);
    mutex_unlock(&crowd->lock);
}

// --- strangers -----------------------------------------------------------------------

static void take_out(struct crowd *crowd, struct list *link)
{
    list_remove(link);
    list_init(link);
    crowd->stranger_count--;
}

void crowd_stranger(struct crowd *crowd, struct list *link, void (*send_away)(struct list *link))
{
    mutex_lock(&crowd->lock);
    if (crowd->stranger_count >= crowd->stranger_max) {
        struct list *first = crowd->strangers.next;
        take_out(crowd, first);
        send_away(first);
    }
    list_push_back(&crowd->strangers, link);
    crowd->stranger_count++;
    mutex_unlock(&crowd->lock);
}

void crowd_knows(struct crowd *crowd, struct list *link)
{
    mutex_lock(&crowd->lock);
    if (!list_empty(link))
        take_out(crowd, link);
    mutex_unlock(&crowd->lock);
}
