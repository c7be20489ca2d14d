// SPDX-License-Identifier: Apache-2.0
#include "store/log/log_int.h"

#include <stdlib.h>

bool topic_name_valid(struct bytes name)
{
    if (name.size == 0 || name.size > 249 || bytes_is(name, ".") || bytes_is(name, ".."))
        return false;
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.ptr[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '.' || c == '_' || c == '-';
        if (!fine)
            return false;
    }
    return true;
}

struct topic *topic__new(struct log_store *store, const char *name, const uint8_t id[16])
{
    struct topic *topic = MEM_NEW(struct topic);
    topic->store = store;
    topic->refs = 1;
    topic->name = mem_strdup(name);
    memcpy(topic->id.bytes, id, sizeof topic->id.bytes);
    mutex_init(&topic->mutex);
    list_init(&topic->waiters);
    topic->limits = store->defaults;
    return topic;
}

struct partition *topic__add_partition(struct topic *topic)
{
    struct partition *partition = MEM_NEW(struct partition);
    partition->topic = topic;
    mutex_init(&partition->mutex);
    list_init(&partition->queue);
    list_init(&partition->ready_link);
    list_init(&partition->waiters);
    partition->damaged_from = INT64_MAX;
    partition->first_open.first_offset = -1;
    for (int i = 0; i < HINT_COUNT; i++)
        partition->hints[i].offset = -1;
    mutex_lock(&topic->mutex);
    partition->index = (int32_t)topic->partitions.count;
    vec_push(&topic->partitions, partition);
    mutex_unlock(&topic->mutex);
    return partition;
}

static void free_partition(struct partition *partition)
{
    for (size_t i = 0; i < partition->segments.count; i++)
        segment__unref(partition->segments.items[i]);
    vec_release(&partition->segments);
    producers_release(&partition->producers);
    vec_release(&partition->aborted);
    mem_free(partition->failed_story);
    mem_free(partition->damage_story);
    mutex_release(&partition->mutex);
    mem_free(partition);
}

struct topic *topic_ref(struct topic *topic)
{
    topic->refs++;
    return topic;
}

void topic_unref(struct topic *topic)
{
    if (!topic || --topic->refs > 0)
        return;
    for (size_t i = 0; i < topic->partitions.count; i++)
        free_partition(topic->partitions.items[i]);
    vec_release(&topic->partitions);
    for (size_t i = 0; i < topic->settings.count; i++) {
        mem_free(topic->settings.items[i].key);
        mem_free(topic->settings.items[i].value);
    }
    vec_release(&topic->settings);
    mutex_release(&topic->mutex);
    mem_free(topic->name);
    mem_free(topic);
}

const char *topic_name(const struct topic *topic)
{
    return topic->name;
}

const uint8_t *topic_id(const struct topic *topic)
{
    return topic->id.bytes;
}

int32_t topic_partition_count(struct topic *topic)
{
    mutex_lock(&topic->mutex);
    int32_t count = (int32_t)topic->partitions.count;
    mutex_unlock(&topic->mutex);
    return count;
}

bool topic_deleted(struct topic *topic)
{
    mutex_lock(&topic->mutex);
    bool deleted = topic->deleted;
    mutex_unlock(&topic->mutex);
    return deleted;
}

struct partition *topic_partition(struct topic *topic, int32_t index)
{
    mutex_lock(&topic->mutex);
    struct partition *partition = index >= 0 && (size_t)index < topic->partitions.count
                                      ? topic->partitions.items[index]
                                      : NULL;
    mutex_unlock(&topic->mutex);
    return partition;
}

struct topic_limits topic__limits(struct topic *topic)
{
    mutex_lock(&topic->mutex);
    struct topic_limits limits = topic->limits;
    mutex_unlock(&topic->mutex);
    return limits;
}

struct topic_rules topic_rules(struct topic *topic)
{
    mutex_lock(&topic->mutex);
    const struct topic_limits *limits = &topic->limits;
    struct topic_rules rules = {
        .batch_max_bytes = limits->batch_max_bytes,
        .ahead_max_ms = limits->ahead_max_ms,
        .behind_max_ms = limits->behind_max_ms,
        .codec = limits->codec,
        .level = limits->codec >= 0 ? limits->levels[limits->codec] : 0,
        .append_time = limits->append_time,
        .compact = limits->compact,
    };
    mutex_unlock(&topic->mutex);
    return rules;
}

static uint64_t relaxed(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

struct topic_traffic topic_traffic(const struct topic *topic)
{
    return (struct topic_traffic){
        .records_in = relaxed(&topic->traffic.records_in),
        .bytes_in = relaxed(&topic->traffic.bytes_in),
        .bytes_out = relaxed(&topic->traffic.bytes_out),
        .produces = relaxed(&topic->traffic.produces),
        .failed_produces = relaxed(&topic->traffic.failed_produces),
    };
}

void topic_count_produce(struct topic *topic, bool failed)
{
    atomic_fetch_add_explicit(&topic->traffic.produces, 1, memory_order_relaxed);
    if (failed)
        atomic_fetch_add_explicit(&topic->traffic.failed_produces, 1, memory_order_relaxed);
}

struct topic_setting *topic_settings(struct topic *topic, struct arena *arena, size_t *count)
{
    mutex_lock(&topic->mutex);
    *count = topic->settings.count;
    struct topic_setting *out = ARENA_ARRAY(arena, struct topic_setting, *count + 1);
    for (size_t i = 0; i < *count; i++) {
        out[i].key = arena_strdup(arena, topic->settings.items[i].key);
        out[i].value = arena_strdup(arena, topic->settings.items[i].value);
    }
    mutex_unlock(&topic->mutex);
    return out;
}

// --- settings ---

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct setting *)a)->key, ((const struct setting *)b)->key);
}

// All settings after the change; values are borrowed.
static size_t merge(const struct topic *topic, const struct topic_setting *settings, size_t count,
                    struct setting *out)
{
    size_t merged = 0;
    for (size_t i = 0; i < topic->settings.count; i++) {
        bool replaced = false;
        for (size_t j = 0; j < count; j++)
            replaced = replaced || strcmp(settings[j].key, topic->settings.items[i].key) == 0;
        if (!replaced)
            out[merged++] = topic->settings.items[i];
    }
    for (size_t j = 0; j < count; j++) {
        bool repeated = false; // the last one of a key wins
        for (size_t k = j + 1; k < count; k++)
            repeated = repeated || strcmp(settings[j].key, settings[k].key) == 0;
        if (settings[j].value && !repeated)
            out[merged++] = (struct setting){(char *)settings[j].key, (char *)settings[j].value};
    }
    qsort(out, merged, sizeof *out, by_key);
    return merged;
}

err_t topic__set(struct topic *topic, const struct topic_setting *settings, size_t count,
                 struct diag *diag)
{
    mutex_lock(&topic->mutex);
    struct setting *merged = mem_alloc((topic->settings.count + count + 1) * sizeof *merged);
    size_t merged_count = merge(topic, settings, count, merged);
    struct topic_limits limits = topic->store->defaults;
    err_t err = ERR_OK;
    for (size_t i = 0; i < merged_count && err == ERR_OK; i++)
        err = limits__apply(&limits, merged[i].key, merged[i].value, diag);
    if (err == ERR_OK) {
        for (size_t i = 0; i < merged_count; i++)
            merged[i] = (struct setting){mem_strdup(merged[i].key), mem_strdup(merged[i].value)};
        for (size_t i = 0; i < topic->settings.count; i++) {
            mem_free(topic->settings.items[i].key);
            mem_free(topic->settings.items[i].value);
        }
        vec_clear(&topic->settings);
        for (size_t i = 0; i < merged_count; i++)
            vec_push(&topic->settings, merged[i]);
        topic->limits = limits;
    }
    mutex_unlock(&topic->mutex);
    mem_free(merged);
    return err;
}

// --- waiters ---

void topic_wait(struct topic *topic, struct log_waiter *waiter)
{
    mutex_lock(&topic->mutex);
    list_push_back(&topic->waiters, &waiter->link);
    mutex_unlock(&topic->mutex);
}

void topic_unwait(struct topic *topic, struct log_waiter *waiter)
{
    mutex_lock(&topic->mutex);
    list_remove(&waiter->link);
    mutex_unlock(&topic->mutex);
}
