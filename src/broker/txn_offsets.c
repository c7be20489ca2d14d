// SPDX-License-Identifier: Apache-2.0
//
// A commit outside of the transaction that came later than the pending one stays: the place of its
// record in the log (`order`) decides, as in Kafka.
#include "broker/txn_offsets.h"

#include "base/map.h"
#include "wire/kafka/record.h"

#include <assert.h>

struct waiting {
    char *group;
    struct offset_change change; // owned bytes
    bool durable;
};

struct waiting_list {
    VEC(struct waiting) items;
};

static uint64_t id_hash(int64_t id)
{
    return hash_u64((uint64_t)id);
}

static bool id_equal(int64_t a, int64_t b)
{
    return a == b;
}

MAP_DEFINE(waiting_map, int64_t, struct waiting_list, id_hash, id_equal);

// What is asked for at every fetch of offsets: how many wait for one place.
struct place {
    struct bytes group;
    struct bytes topic;
    int32_t partition;
};

struct place_count {
    struct place place; // owned bytes
    size_t count;
};

static uint64_t place_hash(struct place place)
{
    return bytes_hash(place.group) * 31 + bytes_hash(place.topic) +
           hash_u64((uint64_t)(uint32_t)place.partition);
}

static bool place_equal(struct place a, struct place b)
{
    return a.partition == b.partition && bytes_equal(a.topic, b.topic) &&
           bytes_equal(a.group, b.group);
}

MAP_DEFINE(place_map, struct place, struct place_count *, place_hash, place_equal);

struct txn_offsets {
    struct mutex lock;
    struct waiting_map producers;
    struct place_map places;
};

static struct bytes own(struct bytes bytes)
{
    return bytes_make(bytes.size ? mem_dup(bytes.ptr, bytes.size) : NULL, bytes.size);
}

static void disown(struct bytes bytes)
{
    mem_free((void *)(uintptr_t)bytes.ptr);
}

// --- places --------------------------------------------------------------------------

static struct place place_of(const struct waiting *waiting)
{
    return (struct place){bytes_from(waiting->group), waiting->change.topic,
                          waiting->change.partition};
}

static void count_up(struct txn_offsets *offsets, const struct waiting *waiting)
{
    struct place_count **found = place_map_get(&offsets->places, place_of(waiting));
    if (found) {
        (*found)->count++;
        return;
    }
    struct place_count *count = MEM_NEW(struct place_count);
    struct place place = place_of(waiting);
    count->place = (struct place){own(place.group), own(place.topic), place.partition};
    count->count = 1;
    *place_map_put(&offsets->places, count->place, NULL) = count;
}

static void count_down(struct txn_offsets *offsets, const struct waiting *waiting)
{
    struct place_count *count = *place_map_get(&offsets->places, place_of(waiting));
    if (--count->count > 0)
        return;
    place_map_remove(&offsets->places, count->place);
    disown(count->place.group);
    disown(count->place.topic);
    mem_free(count);
}

// --- what waits ----------------------------------------------------------------------

static void release(struct waiting *waiting)
{
    mem_free(waiting->group);
    disown(waiting->change.topic);
    disown(waiting->change.value.metadata);
}

static void add(struct txn_offsets *offsets, int64_t producer_id, struct bytes group,
                const struct offset_change *change, bool durable)
{
    bool added;
    struct waiting waiting = {
        .group = mem_printf("%.*s", BYTES_PRINT(group)), .change = *change, .durable = durable};
    waiting.change.topic = own(change->topic);
    waiting.change.value.metadata = own(change->value.metadata);
    struct waiting_list *list = waiting_map_put(&offsets->producers, producer_id, &added);
    if (added)
        *list = (struct waiting_list){0};
    vec_push(&list->items, waiting);
    count_up(offsets, &waiting);
}

static void drop(struct txn_offsets *offsets, struct waiting_list *list, size_t at)
{
    count_down(offsets, &list->items.items[at]);
    release(&list->items.items[at]);
    vec_remove(&list->items, at);
}

static void drop_list_if_empty(struct txn_offsets *offsets, int64_t producer_id)
{
    struct waiting_list *list = waiting_map_get(&offsets->producers, producer_id);
    if (!list || list->items.count > 0)
        return;
    vec_release(&list->items);
    waiting_map_remove(&offsets->producers, producer_id);
}

static bool same_place(const struct waiting *waiting, struct bytes group,
                       const struct offset_change *change)
{
    return place_equal(place_of(waiting), (struct place){group, change->topic, change->partition});
}

// The record on its way is durable: it replaces the one before for the same place.
static void settle_one(struct txn_offsets *offsets, struct waiting_list *list,
                       const struct txn_offset_write *write, size_t index)
{
    const struct offset_change *change = &write->changes[index];
    size_t own_place = list->items.count;
    for (size_t i = 0; i < list->items.count && own_place == list->items.count; i++)
        if (!list->items.items[i].durable &&
            same_place(&list->items.items[i], write->group, change))
            own_place = i; // the earliest on its way: appends of one partition end in their order
    if (own_place == list->items.count)
        return; // forgotten meanwhile
    if (write->err != ERR_OK) {
        drop(offsets, list, own_place);
        return;
    }
    struct waiting *waiting = &list->items.items[own_place];
    waiting->durable = true;
    waiting->change.value.order = write->append.base_offset + (int64_t)index;
    for (size_t i = 0; i < own_place; i++) {
        if (!list->items.items[i].durable ||
            !same_place(&list->items.items[i], write->group, change))
            continue;
        drop(offsets, list, i);
        return;
    }
}

// --- writing -------------------------------------------------------------------------

static void appended(struct append *append)
{
    struct txn_offset_write *write = CONTAINER_OF(append, struct txn_offset_write, append);
    struct txn_offsets *offsets = write->offsets;
    write->err = append->err;
    mutex_lock(&offsets->lock);
    struct waiting_list *list = waiting_map_get(&offsets->producers, write->producer_id);
    for (size_t i = 0; list && i < write->count; i++)
        settle_one(offsets, list, write, i);
    drop_list_if_empty(offsets, write->producer_id);
    mutex_unlock(&offsets->lock);
    mem_free(append->story);
    write->done(write);
}

static void release_text(void *ctx)
{
    mem_free(ctx);
}

static struct buf *make_batch(const struct txn_offset_write *write)
{
    struct record_builder builder = {0};
    struct str batch = {0};
    struct batch_header header;
    for (size_t i = 0; i < write->count; i++)
        offsets_add_record(&builder, write->group, &write->changes[i]);
    err_t err = record_builder_finish(&builder, &batch, NULL);
    assert(err == ERR_OK); // uncompressed
    record_builder_release(&builder);
    (void)batch_header_read(&header, str_bytes(&batch));
    header.attributes |= BATCH_TRANSACTIONAL;
    header.producer_id = write->producer_id;
    header.producer_epoch = write->epoch;
    batch_header_write((uint8_t *)batch.ptr, batch.size, &header);
    size_t size = batch.size;
    char *bytes = str_take(&batch);
    return buf_wrap(bytes, size, release_text, bytes);
}

void txn_offsets_write(struct txn_offsets *offsets, struct txn_offset_write *write,
                       struct partition *partition)
{
    assert(write->count > 0);
    mutex_lock(&offsets->lock);
    for (size_t i = 0; i < write->count; i++)
        add(offsets, write->producer_id, write->group, &write->changes[i], false);
    mutex_unlock(&offsets->lock);
    struct buf *buf = make_batch(write);
    write->offsets = offsets;
    write->append = (struct append){.buf = buf,
                                    .batch = buf->ptr,
                                    .size = buf->size,
                                    .checked = true,
                                    .internal = true,
                                    .txn_version = write->version,
                                    .until = APPEND_SYNCED,
                                    .done = appended};
    partition_append(partition, &write->append);
}

bool txn_offsets_pending(struct txn_offsets *offsets, struct bytes group, struct bytes topic,
                         int32_t partition)
{
    mutex_lock(&offsets->lock);
    bool pending = place_map_get(&offsets->places, (struct place){group, topic, partition}) != NULL;
    mutex_unlock(&offsets->lock);
    return pending;
}

// --- the end -------------------------------------------------------------------------

static void apply(struct groups *groups, const struct waiting *waiting)
{
    const struct offset_change *change = &waiting->change;
    struct group *group = groups_get(groups, bytes_from(waiting->group));
    mutex_lock(&group->lock);
    const struct offset_value *before = offsets_find(group, change->topic, change->partition);
    if (!before || before->order < change->value.order)
        offsets_apply(group, change);
    mutex_unlock(&group->lock);
    group_unref(group);
}

void txn_offsets_end(struct txn_offsets *offsets, struct groups *groups, int64_t producer_id,
                     bool commit)
{
    struct waiting_list list = {0};
    mutex_lock(&offsets->lock);
    struct waiting_list *found = waiting_map_get(&offsets->producers, producer_id);
    for (size_t i = 0; found && i < found->items.count;) {
        // One on its way belongs to the next transaction: it was queued behind the marker.
        if (!found->items.items[i].durable) {
            i++;
            continue;
        }
        vec_push(&list.items, found->items.items[i]);
        vec_remove(&found->items, i);
    }
    drop_list_if_empty(offsets, producer_id);
    mutex_unlock(&offsets->lock);
    // Counted until they can be read: nobody may find neither.
    for (size_t i = 0; i < list.items.count; i++) {
        struct waiting *waiting = &list.items.items[i];
        if (commit)
            apply(groups, waiting);
        mutex_lock(&offsets->lock);
        count_down(offsets, waiting);
        mutex_unlock(&offsets->lock);
        release(waiting);
    }
    vec_release(&list.items);
}

void txn_offsets_forget(struct txn_offsets *offsets, struct bytes group, struct bytes topic,
                        int32_t partition)
{
    mutex_lock(&offsets->lock);
    struct waiting_map *map = &offsets->producers;
    bool any =
        !topic.ptr || place_map_get(&offsets->places, (struct place){group, topic, partition});
    for (size_t p = 0; any && p < map->capacity; p++)
        for (size_t i = 0; map->used[p] && i < map->values[p].items.count;) {
            const struct waiting *waiting = &map->values[p].items.items[i];
            bool ours = bytes_equal(bytes_from(waiting->group), group) &&
                        (!topic.ptr || (bytes_equal(waiting->change.topic, topic) &&
                                        waiting->change.partition == partition));
            if (ours)
                drop(offsets, &map->values[p], i);
            else
                i++;
        }
    mutex_unlock(&offsets->lock);
}

void txn_offsets_load(struct txn_offsets *offsets, int64_t producer_id,
                      const struct offset_record *record)
{
    mutex_lock(&offsets->lock);
    add(offsets, producer_id, record->group, &record->change, true);
    mutex_unlock(&offsets->lock);
}

// --- life ----------------------------------------------------------------------------

struct txn_offsets *txn_offsets_new(void)
{
    struct txn_offsets *offsets = MEM_NEW(struct txn_offsets);
    mutex_init(&offsets->lock);
    return offsets;
}

void txn_offsets_free(struct txn_offsets *offsets)
{
    struct waiting_map *map = &offsets->producers;
    for (size_t p = 0; p < map->capacity; p++) {
        if (!map->used[p])
            continue;
        while (map->values[p].items.count > 0)
            drop(offsets, &map->values[p], map->values[p].items.count - 1);
        vec_release(&map->values[p].items);
    }
    waiting_map_release(map);
    place_map_release(&offsets->places);
    mutex_release(&offsets->lock);
    mem_free(offsets);
}
