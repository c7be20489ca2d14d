// SPDX-License-Identifier: Apache-2.0
//
// Keys and values are Apache Kafka's (schema/kafka/consumer_offsets.tbl): OffsetCommitKey v1 ->
// OffsetCommitValue v4 (v1 for one that expires by itself), a null value deletes. Tools that read
// __consumer_offsets understand them.
#include "broker/offsets.h"

#include "base/map.h"
#include "wire/kafka/consumer_offsets.h"
#include "wire/kafka/record.h"

#include <assert.h>
#include <stdlib.h>

enum { KEY_VERSION = 1, VALUE_VERSION = 4, VALUE_VERSION_EXPIRES = 1, VALUE_VERSION_MAX = 4 };

struct place {
    struct bytes topic;
    int32_t partition;
};

static uint64_t place_hash(struct place place)
{
    return bytes_hash(place.topic) ^ hash_u64((uint64_t)(uint32_t)place.partition);
}

static bool place_equal(struct place a, struct place b)
{
    return a.partition == b.partition && bytes_equal(a.topic, b.topic);
}

MAP_DEFINE(place_map, struct place, struct offset_entry *, place_hash, place_equal);

struct offsets {
    struct place_map map;
};

static struct bytes own(struct bytes bytes)
{
    return bytes_make(bytes.size ? mem_dup(bytes.ptr, bytes.size) : NULL, bytes.size);
}

static void set_value(struct offset_value *slot, const struct offset_value *value)
{
    struct bytes metadata = own(value->metadata);
    mem_free((void *)(uintptr_t)slot->metadata.ptr);
    *slot = *value;
    slot->metadata = metadata;
}

static void free_entry(struct offset_entry *entry)
{
    mem_free((void *)(uintptr_t)entry->value.metadata.ptr);
    mem_free(entry->topic);
    mem_free(entry);
}

void offsets_free(struct offsets *offsets)
{
    for (size_t i = 0; i < offsets->map.capacity; i++)
        if (offsets->map.used[i])
            free_entry(offsets->map.values[i]);
    place_map_release(&offsets->map);
    mem_free(offsets);
}

static struct offset_entry *find(const struct group *group, struct bytes topic, int32_t partition)
{
    if (!group->offsets)
        return NULL;
    struct offset_entry **found =
        place_map_get(&group->offsets->map, (struct place){topic, partition});
    return found ? *found : NULL;
}

static struct offset_entry *get(struct group *group, struct bytes topic, int32_t partition)
{
    struct offset_entry *entry = find(group, topic, partition);
    if (entry)
        return entry;
    if (!group->offsets)
        group->offsets = MEM_NEW(struct offsets);
    entry = MEM_NEW(struct offset_entry);
    entry->topic = mem_printf("%.*s", BYTES_PRINT(topic));
    entry->partition = partition;
    entry->value.offset = OFFSET_NONE;
    *place_map_put(&group->offsets->map, (struct place){bytes_from(entry->topic), partition},
                   NULL) = entry;
    return entry;
}

static void drop_if_gone(struct group *group, struct offset_entry *entry)
{
    if (entry->writing || entry->value.offset != OFFSET_NONE)
        return;
    place_map_remove(&group->offsets->map,
                     (struct place){bytes_from(entry->topic), entry->partition});
    free_entry(entry);
}

// --- records -------------------------------------------------------------------------

static void add_record(struct record_builder *builder, struct bytes group, struct bytes topic,
                       int32_t partition, const struct offset_value *value)
{
    struct kafka_offset_commit_key key = {.group = group, .topic = topic, .partition = partition};
    struct str key_bytes = {0};
    struct str value_bytes = {0};
    writer_i16(&key_bytes, KEY_VERSION);
    kafka_offset_commit_key_encode(&key, KEY_VERSION, &key_bytes);
    if (value->offset != OFFSET_NONE) {
        struct kafka_offset_commit_value m;
        kafka_offset_commit_value_init(&m);
        m.offset = value->offset;
        m.leader_epoch = value->leader_epoch;
        m.commit_timestamp = value->commit_ms;
        m.metadata = value->metadata;
        if (value->expire_ms)
            m.expire_timestamp = value->expire_ms;
        memcpy(m.topic_id.bytes, value->topic_id, sizeof m.topic_id.bytes);
        int16_t version = value->expire_ms ? VALUE_VERSION_EXPIRES : VALUE_VERSION;
        writer_i16(&value_bytes, version);
        kafka_offset_commit_value_encode(&m, version, &value_bytes);
    }
    record_builder_add(builder, value->commit_ms, str_bytes(&key_bytes),
                       value->offset != OFFSET_NONE ? str_bytes(&value_bytes) : BYTES_NULL, NULL,
                       0);
    str_release(&key_bytes);
    str_release(&value_bytes);
}

void offsets_add_record(struct record_builder *records, struct bytes group,
                        const struct offset_change *change)
{
    add_record(records, group, change->topic, change->partition, &change->value);
}

bool offsets_parse(struct bytes key, struct bytes value, struct offset_record *out)
{
    struct arena arena = ARENA_INIT; // these messages need none of it
    struct kafka_offset_commit_key k;
    struct kafka_offset_commit_value v = {.offset = OFFSET_NONE};
    struct reader reader = reader_make(key);
    int16_t version = reader_i16(&reader);
    bool fine = key.ptr && (version == 0 || version == KEY_VERSION) &&
                kafka_offset_commit_key_decode(&k, version, &reader, &arena);
    if (fine && value.ptr) {
        reader = reader_make(value);
        version = reader_i16(&reader);
        fine = version >= 0 && version <= VALUE_VERSION_MAX &&
               kafka_offset_commit_value_decode(&v, version, &reader, &arena);
    }
    arena_release(&arena);
    if (!fine)
        return false;
    out->group = k.group;
    out->change = (struct offset_change){.topic = k.topic,
                                         .partition = k.partition,
                                         .value = {.offset = v.offset,
                                                   .leader_epoch = v.leader_epoch,
                                                   .commit_ms = v.commit_timestamp,
                                                   .metadata = v.metadata}};
    if (value.ptr) {
        out->change.value.expire_ms = v.expire_timestamp > 0 ? v.expire_timestamp : 0;
        memcpy(out->change.value.topic_id, v.topic_id.bytes, sizeof v.topic_id.bytes);
    }
    return true;
}

// --- writing -------------------------------------------------------------------------

static void settle(struct offset_write *write)
{
    struct group *group = write->group;
    for (size_t i = 0; i < write->count; i++) {
        struct offset_change *change = &write->changes[i];
        struct offset_entry *entry = find(group, change->topic, change->partition);
        entry->writing--;
        change->value.order = write->append.base_offset + (int64_t)i;
        if (write->err == ERR_OK)
            set_value(&entry->value, &change->value);
        drop_if_gone(group, entry);
    }
}

static void appended(struct append *append)
{
    struct offset_write *write = CONTAINER_OF(append, struct offset_write, append);
    bool held = mutex_held(&write->group->lock); // refused at once, inside offsets_write()
    char *story = append->story;
    write->err = append->err;
    write->story = story;
    if (!held)
        mutex_lock(&write->group->lock);
    settle(write);
    if (!held)
        mutex_unlock(&write->group->lock);
    write->done(write);
    mem_free(story);
}

static void release_text(void *ctx)
{
    mem_free(ctx);
}

void offsets_write(struct offset_write *write, struct partition *partition)
{
    struct record_builder builder = {0};
    struct str batch = {0};
    assert(mutex_held(&write->group->lock) && (write->count || write->add));
    for (size_t i = 0; i < write->count; i++) {
        const struct offset_change *change = &write->changes[i];
        struct offset_entry *entry = get(write->group, change->topic, change->partition);
        entry->writing++;
        add_record(&builder, bytes_from(write->group->id), change->topic, change->partition,
                   &change->value);
    }
    if (write->add)
        write->add(&builder, write->group);
    err_t err = record_builder_finish(&builder, &batch, NULL);
    assert(err == ERR_OK); // uncompressed
    record_builder_release(&builder);
    size_t size = batch.size;
    char *bytes = str_take(&batch);
    write->append = (struct append){
        .buf = buf_wrap(bytes, size, release_text, bytes),
        .batch = (uint8_t *)bytes,
        .size = size,
        .until = APPEND_SYNCED,
        .done = appended,
    };
    partition_append(partition, &write->append);
}

void offsets_apply(struct group *group, const struct offset_change *change)
{
    struct offset_entry *entry = get(group, change->topic, change->partition);
    set_value(&entry->value, &change->value);
    drop_if_gone(group, entry);
}

// --- reading -------------------------------------------------------------------------

const struct offset_value *offsets_find(const struct group *group, struct bytes topic,
                                        int32_t partition)
{
    struct offset_entry *entry = find(group, topic, partition);
    return entry && entry->value.offset != OFFSET_NONE ? &entry->value : NULL;
}

size_t offsets_count(const struct group *group)
{
    size_t count = 0;
    for (size_t i = 0; group->offsets && i < group->offsets->map.capacity; i++)
        count += group->offsets->map.used[i] &&
                 group->offsets->map.values[i]->value.offset != OFFSET_NONE;
    return count;
}

bool offsets_any(const struct group *group)
{
    return group->offsets && group->offsets->map.count > 0;
}

static int by_place(const void *a, const void *b)
{
    const struct offset_change *x = a;
    const struct offset_change *y = b;
    int order = bytes_compare(x->topic, y->topic);
    return order ? order : (x->partition > y->partition) - (x->partition < y->partition);
}

struct offset_change *offsets_all(const struct group *group, struct arena *arena, size_t *count)
{
    *count = 0;
    struct offset_change *all = ARENA_ARRAY(arena, struct offset_change, offsets_count(group) + 1);
    for (size_t i = 0; group->offsets && i < group->offsets->map.capacity; i++) {
        const struct offset_entry *entry =
            group->offsets->map.used[i] ? group->offsets->map.values[i] : NULL;
        if (!entry || entry->value.offset == OFFSET_NONE)
            continue;
        struct offset_change *out = &all[(*count)++];
        out->topic = bytes_from(arena_strdup(arena, entry->topic));
        out->partition = entry->partition;
        out->value = entry->value;
        out->value.metadata = arena_bytes(arena, entry->value.metadata);
    }
    qsort(all, *count, sizeof *all, by_place);
    return all;
}

// --- expiry --------------------------------------------------------------------------

// When the offset's time began to run; -1: it does not. A group of members keeps its offsets until
// so long after it became empty, a group that never had any until so long after the commit.
static int64_t begin_of(const struct group *group, const struct offset_entry *entry)
{
    if (group->consumer || !group->protocol_type)
        return entry->value.commit_ms;
    if (group->state == GROUP_EMPTY)
        return group->state_since_ms;
    bool reads = strcmp(group->protocol_type, "consumer") == 0;
    return reads && group->state == GROUP_STABLE ? entry->value.commit_ms : -1;
}

static bool is_expired(const struct group *group, const struct offset_entry *entry, int64_t now_ms,
                       int64_t retention_ms)
{
    int64_t begin_ms = begin_of(group, entry);
    if (begin_ms < 0 || entry->writing)
        return false;
    int64_t end_ms = entry->value.expire_ms ? entry->value.expire_ms : begin_ms + retention_ms;
    return now_ms >= end_ms && !group_subscribes(group, bytes_from(entry->topic));
}

struct offset_change *offsets_expired(const struct group *group, struct arena *arena,
                                      int64_t now_ms, int64_t retention_ms, size_t *count,
                                      bool *left)
{
    *count = 0;
    *left = false;
    struct offset_change *all = ARENA_ARRAY(arena, struct offset_change, offsets_count(group) + 1);
    for (size_t i = 0; group->offsets && i < group->offsets->map.capacity; i++) {
        const struct offset_entry *entry =
            group->offsets->map.used[i] ? group->offsets->map.values[i] : NULL;
        if (!entry)
            continue;
        if (!is_expired(group, entry, now_ms, retention_ms)) {
            *left = true;
            continue;
        }
        all[(*count)++] =
            (struct offset_change){.topic = bytes_from(arena_strdup(arena, entry->topic)),
                                   .partition = entry->partition,
                                   .value = {.offset = OFFSET_NONE, .commit_ms = now_ms}};
    }
    return all;
}
