// SPDX-License-Identifier: Apache-2.0
#include "store/log/cleaner.h"
#include "store/log/log_int.h"
#include "store/log/names.h"
#include "store/log/round_mark.h"

#include "base/log.h"
#include "os/clock.h"
#include "os/random.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

enum { PARTITIONS_MAX = 100000, PRODUCER_ID_BLOCK = 1000, CLEANER_MIN_MS = 100 };

// --- open and close ---

static void set_options(struct log_store *store, const struct log_store_options *options)
{
    store->options = *options;
    struct log_store_options *set = &store->options;
    if (set->checkpoint_ms <= 0)
        set->checkpoint_ms = 60 * 1000;
    if (set->queue_max_bytes == 0)
        set->queue_max_bytes = 256 << 20;
    if (set->file_max == 0)
        set->file_max = 1024;
    if (!set->sync_file)
        set->sync_file = file_datasync;
    store->dir = mem_strdup(options->dir);
    set->dir = store->dir;
    store->retention_ms = set->retention_ms > 0 ? set->retention_ms : 30 * 1000;
    store->cleaner_ms = set->cleaner_ms > 0 ? set->cleaner_ms : 15 * 1000;
    store->producer_expiry_ms = 24 * 60 * 60 * 1000;
    store->cleans = true;
}

void log_store_set_pace(struct log_store *store, const struct log_store_pace *pace)
{
    store->retention_ms = pace->retention_ms;
    store->cleaner_ms = pace->cleaner_ms < CLEANER_MIN_MS ? CLEANER_MIN_MS : pace->cleaner_ms;
    store->producer_expiry_ms = pace->producer_expiry_ms;
    store->cleans = pace->cleans;
    mutex_lock(&store->cleaner.mutex);
    cond_broadcast(&store->cleaner.wake);
    mutex_unlock(&store->cleaner.mutex);
}

static void init_all(struct log_store *store)
{
    mutex_init(&store->mutex);
    cond_init(&store->admin_free);
    cond_init(&store->unpinned);
    cond_init(&store->index_ready);
    mutex_init(&store->index_mutex);
    mutex_init(&store->names.mutex);
    file_cache_init(&store->files, store->options.file_max);
    mutex_init(&store->writer.mutex);
    cond_init(&store->writer.wake);
    cond_init(&store->writer.call_done);
    list_init(&store->writer.ready);
    list_init(&store->writer.calls);
    sync_pool_init(&store->writer.syncs);
    mutex_init(&store->keeper.mutex);
    cond_init(&store->keeper.wake);
    mutex_init(&store->cleaner.mutex);
    cond_init(&store->cleaner.wake);
    cond_init(&store->cleaner.idle);
}

static void free_all(struct log_store *store)
{
    swap_forget(store);
    for (size_t i = 0; i < store->by_name.capacity; i++)
        if (store->by_name.used[i])
            topic_unref(store->by_name.values[i]);
    topic_map_release(&store->by_name);
    topic_id_map_release(&store->by_id);
    file_cache_release(&store->files);
    mutex_release(&store->mutex);
    cond_release(&store->admin_free);
    cond_release(&store->unpinned);
    cond_release(&store->index_ready);
    mutex_release(&store->index_mutex);
    mutex_release(&store->names.mutex);
    mem_free(store->names.story);
    sync_pool_release(&store->writer.syncs);
    mutex_release(&store->writer.mutex);
    cond_release(&store->writer.wake);
    cond_release(&store->writer.call_done);
    mutex_release(&store->keeper.mutex);
    cond_release(&store->keeper.wake);
    mutex_release(&store->cleaner.mutex);
    cond_release(&store->cleaner.wake);
    cond_release(&store->cleaner.idle);
    mem_free(store->dir);
    mem_free(store);
}

static void path_of(const struct log_store *store, const char *name, char *out)
{
    snprintf(out, PATH_BYTES, "%s/%s", store->dir, name);
}

struct orphans {
    struct log_store *store;
    struct diag *diag;
};

// Puts a folder that belongs to no topic where the keeper removes it.
static err_t set_aside(struct log_store *store, const char *name, struct diag *diag)
{
    char from[PATH_BYTES], aside[PATH_BYTES], to[PATH_BYTES + 300];
    path_of(store, name, from);
    path_of(store, "deleted", aside);
    TRY(dir_make(aside, diag));
    snprintf(to, sizeof to, "%s/%016" PRIx64, aside, random_u64());
    LOG_INFO("store/log", "removing the files of a deleted topic", "folder=%s", name);
    return file_rename(from, to, diag);
}

// A partition's folder whose topic is not in the catalog: a deletion that a crash cut short.
static err_t see_folder(const char *name, bool is_dir, void *ctx)
{
    struct orphans *orphans = ctx;
    struct log_store *store = orphans->store;
    const char *dash = strrchr(name, '-');
    if (!is_dir || !dash)
        return ERR_OK;
    struct topic **topic = topic_map_get(&store->by_name, bytes_make(name, (size_t)(dash - name)));
    char *end;
    long index = strtol(dash + 1, &end, 10);
    if (topic && *end == '\0' && index >= 0 && (size_t)index < (*topic)->partitions.count)
        return ERR_OK;
    return set_aside(store, name, orphans->diag);
}

static err_t load_producer_ids(struct log_store *store, struct diag *diag)
{
    char path[PATH_BYTES];
    path_of(store, "producer-ids", path);
    if (!file_exists(path))
        return ERR_OK;
    struct str text = {0};
    err_t err = file_read_all(path, 64, &text, diag);
    char *end = NULL;
    long long next = err == ERR_OK ? strtoll(str_text(&text), &end, 10) : 0;
    if (err == ERR_OK && (end == text.ptr || *end != '\n' || next < 0))
        err = FAIL(diag, ERR_CORRUPT, "%s does not hold a number", path);
    str_release(&text);
    store->producer_id_next = store->producer_id_end = next;
    return err;
}

static struct topic_limits base_limits(const struct log_store *store)
{
    struct topic_limits limits = limits__default;
    if (store->options.segment_bytes > 0)
        limits.segment_bytes = store->options.segment_bytes;
    return limits;
}

err_t log_store__look(struct log_store **out, const char *dir, struct diag *diag)
{
    struct log_store *store = MEM_NEW(struct log_store);
    struct log_store_options options = {.dir = dir};
    set_options(store, &options);
    init_all(store);
    err_t err = catalog_load(store, diag);
    if (err == ERR_OK)
        *out = store;
    else
        free_all(store);
    return err;
}

void log_store__look_end(struct log_store *store)
{
    free_all(store);
}

err_t log_store_open(struct log_store **out, const struct log_store_options *options,
                     struct diag *diag)
{
    if (strlen(options->dir) > PATH_BYTES - 400)
        return FAIL(diag, ERR_CONFIG, "the path of the data directory is longer than %d bytes",
                    PATH_BYTES - 400);
    TRY(dir_make(options->dir, diag));
    struct log_store *store = MEM_NEW(struct log_store);
    set_options(store, options);
    init_all(store);
    store->defaults = base_limits(store);
    err_t err = catalog_load(store, diag);
    bool keyless = store->mark_key == ROUND_MARK_ANY;
    if (keyless)
        store->mark_key = random_u64() | 1;
    if (err == ERR_OK)
        err = load_producer_ids(store, diag);
    if (err == ERR_OK)
        err = checkpoint_recover(store, diag);
    if (err == ERR_OK && !store->clean) {
        struct orphans orphans = {store, diag};
        err = dir_each(store->dir, see_folder, &orphans, diag);
    }
    if (err == ERR_OK && keyless && store->by_name.count > 0)
        err = catalog_save(store, NULL, 0, diag); // before it stands in a mark
    if (err != ERR_OK) {
        free_all(store);
        return err;
    }
    char path[PATH_BYTES];
    path_of(store, "deleted", path);
    store->keeper.remove_wanted = file_exists(path);
    writer_start(store);
    keeper_start(store);
    cleaner_start(store);
    *out = store;
    return ERR_OK;
}

void log_store_close(struct log_store *store)
{
    cleaner_stop(store);
    keeper_stop(store);
    mutex_lock(&store->mutex);
    bool clean = store->clean, leftovers = store->leftovers || store->cleaner.swaps.count > 0;
    mutex_unlock(&store->mutex);
    struct diag diag = DIAG_INIT;
    if (!clean && checkpoint_write(store, !leftovers, &diag) != ERR_OK)
        LOG_WARN("store/log", "cannot write the last checkpoint, the next start will read more",
                 "err=\"%s\"", diag.text);
    writer_stop(store);
    free_all(store);
}

// --- look-ups ---

struct topic *log_store_topic(struct log_store *store, struct bytes name)
{
    mutex_lock(&store->mutex);
    struct topic **slot = topic_map_get(&store->by_name, name);
    struct topic *topic = slot ? topic_ref(*slot) : NULL;
    mutex_unlock(&store->mutex);
    return topic;
}

struct topic *log_store_topic_by_id(struct log_store *store, const uint8_t id[16])
{
    struct topic *topic = NULL;
    struct topic_id key;
    memcpy(key.bytes, id, sizeof key.bytes);
    mutex_lock(&store->mutex);
    struct topic **slot = topic_id_map_get(&store->by_id, key);
    if (slot)
        topic = topic_ref(*slot);
    mutex_unlock(&store->mutex);
    return topic;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct topic *const *)a)->name, (*(struct topic *const *)b)->name);
}

struct topic **log_store_topics(struct log_store *store, struct arena *arena, size_t *count)
{
    mutex_lock(&store->mutex);
    struct topic **topics = ARENA_ARRAY(arena, struct topic *, store->by_name.count + 1);
    *count = 0;
    for (size_t i = 0; i < store->by_name.capacity; i++)
        if (store->by_name.used[i])
            topics[(*count)++] = topic_ref(store->by_name.values[i]);
    mutex_unlock(&store->mutex);
    qsort(topics, *count, sizeof *topics, by_name);
    return topics;
}

// --- changes: one at a time, each in the catalog before anybody sees it ---

static void admin_take(struct log_store *store)
{
    mutex_lock(&store->mutex);
    while (store->admin_busy)
        cond_wait(&store->admin_free, &store->mutex);
    store->admin_busy = true;
    mutex_unlock(&store->mutex);
}

static err_t admin_begin(struct log_store *store, struct diag *diag)
{
    admin_take(store);
    TRY(names_check(store, diag));
    return checkpoint_touch(store, diag);
}

static void admin_end(struct log_store *store)
{
    mutex_lock(&store->mutex);
    store->admin_busy = false;
    cond_broadcast(&store->admin_free);
    mutex_unlock(&store->mutex);
}

static err_t check_partitions(int32_t count, struct diag *diag)
{
    if (count < 1 || count > PARTITIONS_MAX)
        return FAIL(diag, ERR_INVALID_PARTITIONS, "%d partitions, expected 1 to %d", count,
                    PARTITIONS_MAX);
    return ERR_OK;
}

static void publish(struct log_store *store, struct topic *topic)
{
    mutex_lock(&store->mutex);
    *topic_map_put(&store->by_name, bytes_from(topic->name), NULL) = topic;
    *topic_id_map_put(&store->by_id, topic->id, NULL) = topic;
    mutex_unlock(&store->mutex);
    store->topics_version++;
}

static void unpublish(struct log_store *store, struct topic *topic)
{
    mutex_lock(&store->mutex);
    topic_map_remove(&store->by_name, bytes_from(topic->name));
    topic_id_map_remove(&store->by_id, topic->id);
    mutex_unlock(&store->mutex);
    store->topics_version++;
}

// Files of an earlier topic of the name, whose deletion could not move them, must never become
// those of this one. Before the catalog names it.
static err_t make_way(struct log_store *store, const struct topic *topic, int32_t first,
                      int32_t end, struct diag *diag)
{
    char name[300], path[PATH_BYTES];
    bool any = false;
    for (int32_t i = first; i < end; i++) {
        snprintf(name, sizeof name, "%s-%d", topic->name, i);
        path_of(store, name, path);
        if (!file_exists(path))
            continue;
        err_t err = set_aside(store, name, diag);
        if (err != ERR_OK) {
            diag_context(diag, "files of a deleted topic %s are in the way", topic->name);
            return err;
        }
        any = true;
    }
    if (any && store->options.sync)
        TRY(names_sync(store, diag));
    if (any)
        keeper_remove_deleted(store);
    return ERR_OK;
}

static err_t create(struct log_store *store, const char *name, int32_t partition_count,
                    const struct topic_setting *settings, size_t setting_count, struct topic **out,
                    struct diag *diag)
{
    struct topic *present = log_store_topic(store, bytes_from(name));
    topic_unref(present);
    if (present)
        return FAIL(diag, ERR_EXISTS, "topic %s exists already", name);
    uint8_t id[16];
    random_uuid(id);
    struct topic *topic = topic__new(store, name, id);
    for (int32_t i = 0; i < partition_count; i++)
        (void)topic__add_partition(topic);
    err_t err = topic__set(topic, settings, setting_count, diag);
    if (err == ERR_OK)
        err = make_way(store, topic, 0, partition_count, diag);
    if (err == ERR_OK)
        err = catalog_save(store, topic, 0, diag);
    if (err != ERR_OK) {
        topic_unref(topic);
        return err;
    }
    publish(store, topic);
    if (out)
        *out = topic_ref(topic);
    return ERR_OK;
}

err_t log_store_create_topic(struct log_store *store, const char *name, int32_t partition_count,
                             const struct topic_setting *settings, size_t setting_count,
                             struct topic **out, struct diag *diag)
{
    if (!topic_name_valid(bytes_from(name)))
        return FAIL(diag, ERR_INVALID_TOPIC,
                    "topic name \"%.300s\", expected 1 to 249 of a-z A-Z 0-9 . _ -, not . or ..",
                    name);
    TRY(check_partitions(partition_count, diag));
    err_t err = admin_begin(store, diag);
    if (err == ERR_OK)
        err = create(store, name, partition_count, settings, setting_count, out, diag);
    admin_end(store);
    return err;
}

struct removal {
    struct topic *topic;
    struct diag *diag;
    err_t err;
};

// On the writer thread, so no append makes a file meanwhile.
static void move_aside(void *ctx)
{
    struct removal *removal = ctx;
    struct topic *topic = removal->topic;
    char aside[PATH_BYTES], from[PATH_BYTES], to[PATH_BYTES + 100], id[37];
    uuid_text(topic->id.bytes, id);
    path_of(topic->store, "deleted", aside);
    removal->err = dir_make(aside, removal->diag);
    for (size_t i = 0; i < topic->partitions.count && removal->err == ERR_OK; i++) {
        partition__dir(topic->partitions.items[i], from);
        snprintf(to, sizeof to, "%s/%s-%zu", aside, id, i);
        if (file_exists(from))
            removal->err = file_rename(from, to, removal->diag);
    }
    // Else a power cut could bring the old files back under a new topic of the name.
    if (removal->err == ERR_OK && topic->store->options.sync)
        removal->err = names_sync(topic->store, removal->diag);
}

static void mark_deleted(struct topic *topic)
{
    mutex_lock(&topic->mutex);
    topic->deleted = true;
    mutex_unlock(&topic->mutex);
    for (size_t i = 0; i < topic->partitions.count; i++) {
        struct partition *partition = topic->partitions.items[i];
        mutex_lock(&partition->mutex);
        partition->deleted = true;
        mutex_unlock(&partition->mutex);
        partition__wake(partition);
    }
}

static err_t delete (struct log_store *store, const char *name, struct diag *diag)
{
    struct topic *topic = log_store_topic(store, bytes_from(name));
    if (!topic)
        return FAIL(diag, ERR_UNKNOWN_TOPIC, "no topic %s", name);
    unpublish(store, topic);
    err_t err = catalog_save(store, NULL, 0, diag);
    if (err != ERR_OK && names_check(store, NULL) == ERR_OK) {
        publish(store, topic);
        topic_unref(topic);
        return err;
    }
    // Where the catalog is in doubt the topic takes nothing more that the next start might miss,
    // and its files stay for it.
    mark_deleted(topic);
    for (size_t i = 0; i < topic->partitions.count; i++)
        partition__wait_unpinned(topic->partitions.items[i]);
    struct diag move_diag = DIAG_INIT;
    struct removal removal = {.topic = topic, .diag = &move_diag, .err = err};
    if (err == ERR_OK)
        writer_call(store, move_aside, &removal);
    if (err == ERR_OK && removal.err != ERR_OK)
        LOG_WARN("store/log", "cannot move the files of a deleted topic", "topic=%s err=\"%s\"",
                 name, move_diag.text);
    if (removal.err != ERR_OK) {
        // The topic is gone all the same; make_way() or the next start moves what is left of it.
        mutex_lock(&store->mutex);
        store->leftovers = true;
        mutex_unlock(&store->mutex);
    }
    topic_unref(topic); // the map's
    topic_unref(topic);
    keeper_remove_deleted(store);
    return err;
}

err_t log_store_delete_topic(struct log_store *store, const char *name, struct diag *diag)
{
    err_t err = admin_begin(store, diag);
    if (err == ERR_OK)
        err = delete (store, name, diag);
    admin_end(store);
    return err;
}

static err_t grow(struct log_store *store, const char *name, int32_t partition_count,
                  struct diag *diag)
{
    struct topic *topic = log_store_topic(store, bytes_from(name));
    if (!topic)
        return FAIL(diag, ERR_UNKNOWN_TOPIC, "no topic %s", name);
    int32_t present = topic_partition_count(topic);
    err_t err = check_partitions(partition_count, diag);
    if (err == ERR_OK && partition_count <= present)
        err = FAIL(diag, ERR_INVALID_PARTITIONS,
                   "topic %s has %d partitions already, %d were asked for", name, present,
                   partition_count);
    if (err == ERR_OK)
        err = make_way(store, topic, present, partition_count, diag);
    if (err == ERR_OK)
        err = catalog_save(store, topic, partition_count, diag);
    for (int32_t i = present; i < partition_count && err == ERR_OK; i++)
        (void)topic__add_partition(topic);
    store->topics_version++;
    topic_unref(topic);
    return err;
}

uint64_t log_store_topics_version(const struct log_store *store)
{
    return store->topics_version;
}

err_t log_store_grow_topic(struct log_store *store, const char *name, int32_t partition_count,
                           struct diag *diag)
{
    err_t err = admin_begin(store, diag);
    if (err == ERR_OK)
        err = grow(store, name, partition_count, diag);
    admin_end(store);
    return err;
}

// Puts back what these settings were in `before`.
static void undo_settings(struct topic *topic, const struct topic_setting *settings,
                          size_t setting_count, const struct topic_setting *before,
                          size_t before_count)
{
    struct arena arena = ARENA_INIT;
    struct topic_setting *undo = ARENA_ARRAY(&arena, struct topic_setting, setting_count + 1);
    for (size_t i = 0; i < setting_count; i++) {
        undo[i] = (struct topic_setting){.key = settings[i].key};
        for (size_t j = 0; j < before_count; j++)
            if (strcmp(before[j].key, settings[i].key) == 0)
                undo[i].value = before[j].value;
    }
    (void)!topic__set(topic, undo, setting_count, NULL); // they held before
    arena_release(&arena);
}

static err_t alter(struct log_store *store, const char *name, const struct topic_setting *settings,
                   size_t setting_count, struct diag *diag)
{
    struct topic *topic = log_store_topic(store, bytes_from(name));
    if (!topic)
        return FAIL(diag, ERR_UNKNOWN_TOPIC, "no topic %s", name);
    struct arena arena = ARENA_INIT;
    size_t before_count;
    struct topic_setting *before = topic_settings(topic, &arena, &before_count);
    err_t err = topic__set(topic, settings, setting_count, diag);
    if (err == ERR_OK) {
        err = catalog_save(store, NULL, 0, diag);
        if (err != ERR_OK)
            undo_settings(topic, settings, setting_count, before, before_count);
    }
    arena_release(&arena);
    topic_unref(topic);
    return err;
}

err_t log_store_alter_topic(struct log_store *store, const char *name,
                            const struct topic_setting *settings, size_t setting_count,
                            struct diag *diag)
{
    err_t err = admin_begin(store, diag);
    if (err == ERR_OK)
        err = alter(store, name, settings, setting_count, diag);
    admin_end(store);
    return err;
}

err_t log_store_set_defaults(struct log_store *store, const struct topic_setting *settings,
                             size_t setting_count, struct diag *diag)
{
    struct topic_limits limits = base_limits(store);
    for (size_t i = 0; i < setting_count; i++)
        TRY(limits__apply(&limits, settings[i].key, settings[i].value, diag));
    struct arena arena = ARENA_INIT;
    size_t count;
    admin_take(store);
    store->defaults = limits;
    struct topic **topics = log_store_topics(store, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        struct diag why = DIAG_INIT;
        if (topic__set(topics[i], NULL, 0, &why) != ERR_OK)
            LOG_WARN("store/log", "a topic keeps its old settings", "topic=%s err=\"%s\"",
                     topics[i]->name, why.text);
        topic_unref(topics[i]);
    }
    admin_end(store);
    arena_release(&arena);
    return ERR_OK;
}

// --- log start ---

static void start_path(const struct partition *partition, char *out)
{
    char dir[PATH_BYTES];
    partition__dir(partition, dir);
    snprintf(out, PATH_BYTES, "%.900s/start", dir);
}

err_t partition__load_start(struct partition *partition, struct diag *diag)
{
    char path[PATH_BYTES];
    start_path(partition, path);
    if (!file_exists(path))
        return ERR_OK;
    struct str text = {0};
    err_t err = file_read_all(path, 64, &text, diag);
    long long start = err == ERR_OK ? strtoll(str_text(&text), NULL, 10) : 0;
    str_release(&text);
    if (start > partition->start_offset && start <= partition->next_offset)
        partition->start_offset = start;
    partition->start_saved = start;
    return err;
}

static err_t delete_before(struct partition *partition, int64_t offset, int64_t *start,
                           struct diag *diag)
{
    struct partition_offsets offsets = partition_offsets(partition);
    struct topic_limits limits = topic__limits(partition->topic);
    if (limits.compact && !limits.delete_old)
        return FAIL(diag, ERR_POLICY_VIOLATION,
                    "records of %s cannot be deleted: its cleanup.policy is compact",
                    partition->topic->name);
    if (offset == -1)
        offset = offsets.end;
    if (offset < 0 || offset > offsets.end)
        return FAIL(diag, ERR_OFFSET_OUT_OF_RANGE, "offset %lld of %s-%d, it ends at %lld",
                    (long long)offset, partition->topic->name, partition->index,
                    (long long)offsets.end);
    *start = offsets.start;
    // What retention took may come back with a power cut; what was asked for must not.
    if (offset <= partition->start_saved)
        return ERR_OK;
    char text[32];
    int size = snprintf(text, sizeof text, "%lld\n", (long long)offset);
    TRY(partition__replace(partition, "start", bytes_make(text, (size_t)size), diag));
    mutex_lock(&partition->mutex);
    partition->start_saved = offset;
    if (offset > partition->start_offset)
        partition->start_offset = offset;
    *start = partition->start_offset;
    mutex_unlock(&partition->mutex);
    partition__wake(partition);
    return ERR_OK;
}

err_t partition_delete_before(struct partition *partition, int64_t offset, int64_t *start,
                              struct diag *diag)
{
    struct log_store *store = partition->topic->store;
    err_t err = admin_begin(store, diag);
    if (err == ERR_OK)
        err = delete_before(partition, offset, start, diag);
    admin_end(store);
    return err;
}

// --- producer ids ---

// Claims the next block on disk before any id of it is given out.
static err_t claim_block(struct log_store *store, int64_t end, struct diag *diag)
{
    char text[32];
    int size = snprintf(text, sizeof text, "%lld\n", (long long)end);
    return names_replace(store, "producer-ids", bytes_make(text, (size_t)size), diag);
}

err_t log_store_producer_id(struct log_store *store, int64_t *out, struct diag *diag)
{
    for (;;) {
        mutex_lock(&store->mutex);
        int64_t end = store->producer_id_end;
        bool free_left = store->producer_id_next < end;
        if (free_left)
            *out = store->producer_id_next++;
        mutex_unlock(&store->mutex);
        if (free_left)
            return ERR_OK;
        mutex_lock(&store->mutex);
        while (store->admin_busy)
            cond_wait(&store->admin_free, &store->mutex);
        store->admin_busy = true;
        bool mine = store->producer_id_end == end; // else somebody claimed one meanwhile
        mutex_unlock(&store->mutex);
        err_t err = mine ? claim_block(store, end + PRODUCER_ID_BLOCK, diag) : ERR_OK;
        if (mine && err == ERR_OK) {
            mutex_lock(&store->mutex);
            store->producer_id_next = end;
            store->producer_id_end = end + PRODUCER_ID_BLOCK;
            mutex_unlock(&store->mutex);
        }
        admin_end(store);
        TRY(err);
    }
}
