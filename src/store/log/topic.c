// SPDX-License-Identifier: Apache-2.0
#include "store/log/log_int.h"

#include <errno.h>
#include <stdlib.h>

static const struct topic_limits limits_default = {
    .segment_bytes = 1LL << 30,
    .segment_ms = 7LL * 24 * 60 * 60 * 1000,
    .retention_bytes = -1,
    .retention_ms = 7LL * 24 * 60 * 60 * 1000,
    .batch_max_bytes = 1048588,
    .ahead_max_ms = 60LL * 60 * 1000,
    .behind_max_ms = INT64_MAX,
    .file_delete_delay_ms = 60 * 1000,
    .delete_retention_ms = 24LL * 60 * 60 * 1000,
    .compaction_lag_max_ms = INT64_MAX,
    .dirty_ratio_min = 0.5,
    .delete_old = true,
};

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
    topic->limits = limits_default;
    if (store->options.segment_bytes > 0)
        topic->limits.segment_bytes = store->options.segment_bytes;
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

static err_t number(const char *key, const char *value, int64_t min, int64_t max, int64_t *out,
                    struct diag *diag)
{
    char *end;
    errno = 0;
    long long parsed = strtoll(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || parsed < min || parsed > max)
        return FAIL(diag, ERR_CONFIG, "%s is \"%s\", expected a whole number from %lld to %lld",
                    key, value, (long long)min, (long long)max);
    *out = parsed;
    return ERR_OK;
}

static err_t ratio(const char *key, const char *value, double *out, struct diag *diag)
{
    char *end;
    double parsed = strtod(value, &end);
    if (end == value || *end != '\0' || !(parsed >= 0 && parsed <= 1))
        return FAIL(diag, ERR_CONFIG, "%s is \"%s\", expected a number from 0 to 1", key, value);
    *out = parsed;
    return ERR_OK;
}

static err_t cleanup_policy(struct topic_limits *limits, const char *value, struct diag *diag)
{
    limits->compact = limits->delete_old = false;
    for (const char *at = value; *at;) {
        size_t size = strcspn(at, ",");
        struct bytes word = bytes_make(at, size);
        while (word.size > 0 && word.ptr[0] == ' ')
            word = bytes_make(word.ptr + 1, word.size - 1);
        while (word.size > 0 && word.ptr[word.size - 1] == ' ')
            word.size--;
        if (bytes_is(word, "compact"))
            limits->compact = true;
        else if (bytes_is(word, "delete"))
            limits->delete_old = true;
        else
            return FAIL(diag, ERR_CONFIG,
                        "cleanup.policy is \"%s\", expected compact, delete or both", value);
        at += size + (at[size] == ',');
    }
    return ERR_OK;
}

// What is not built is refused rather than ignored.
static err_t only(const char *key, const char *value, const char *allowed, struct diag *diag)
{
    if (strcmp(value, allowed) == 0)
        return ERR_OK;
    return FAIL(diag, ERR_CONFIG, "%s is \"%s\", only \"%s\" is supported", key, value, allowed);
}

static err_t apply_cleaning(struct topic_limits *limits, const char *key, const char *value,
                            struct diag *diag)
{
    struct bytes name = bytes_from(key);
    if (bytes_is(name, "segment.jitter.ms"))
        return number(key, value, 0, INT64_MAX, &limits->segment_jitter_ms, diag);
    if (bytes_is(name, "file.delete.delay.ms"))
        return number(key, value, 0, INT64_MAX, &limits->file_delete_delay_ms, diag);
    if (bytes_is(name, "delete.retention.ms"))
        return number(key, value, 0, INT64_MAX, &limits->delete_retention_ms, diag);
    if (bytes_is(name, "min.compaction.lag.ms"))
        return number(key, value, 0, INT64_MAX, &limits->compaction_lag_min_ms, diag);
    if (bytes_is(name, "max.compaction.lag.ms"))
        return number(key, value, 1, INT64_MAX, &limits->compaction_lag_max_ms, diag);
    if (bytes_is(name, "min.cleanable.dirty.ratio"))
        return ratio(key, value, &limits->dirty_ratio_min, diag);
    return ERR_OK;
}

static err_t apply(struct topic_limits *limits, const char *key, const char *value,
                   struct diag *diag)
{
    struct bytes name = bytes_from(key);
    if (bytes_is(name, "segment.bytes"))
        return number(key, value, 14, INT32_MAX, &limits->segment_bytes, diag);
    if (bytes_is(name, "segment.ms"))
        return number(key, value, 1, INT64_MAX, &limits->segment_ms, diag);
    if (bytes_is(name, "retention.bytes"))
        return number(key, value, -1, INT64_MAX, &limits->retention_bytes, diag);
    if (bytes_is(name, "retention.ms"))
        return number(key, value, -1, INT64_MAX, &limits->retention_ms, diag);
    if (bytes_is(name, "max.message.bytes"))
        return number(key, value, 0, INT32_MAX, &limits->batch_max_bytes, diag);
    if (bytes_is(name, "message.timestamp.after.max.ms"))
        return number(key, value, 0, INT64_MAX, &limits->ahead_max_ms, diag);
    if (bytes_is(name, "message.timestamp.before.max.ms"))
        return number(key, value, 0, INT64_MAX, &limits->behind_max_ms, diag);
    if (bytes_is(name, "message.timestamp.type"))
        return only(key, value, "CreateTime", diag);
    if (bytes_is(name, "compression.type"))
        return only(key, value, "producer", diag);
    if (bytes_is(name, "cleanup.policy"))
        return cleanup_policy(limits, value, diag);
    return apply_cleaning(limits, key, value, diag);
}

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
    struct topic_limits limits = limits_default;
    if (topic->store->options.segment_bytes > 0)
        limits.segment_bytes = topic->store->options.segment_bytes;
    err_t err = ERR_OK;
    for (size_t i = 0; i < merged_count && err == ERR_OK; i++)
        err = apply(&limits, merged[i].key, merged[i].value, diag);
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
