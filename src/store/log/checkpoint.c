// SPDX-License-Identifier: Apache-2.0
//
// The checkpoint: where recovery starts, one file for all partitions, replaced as a whole. After a
// crash only what was written behind it is read again; after a clean stop nothing is. Big-endian:
//
//     "weircp3\n" · partition count u32 · per partition: topic id 16 bytes · index i32 ·
//     start_offset i64 · next_offset i64 · cleaned_to i64 · rescan u8 · segment count u32 · per
//     segment (base_offset, size, max_timestamp, created_ms, aborted_count) i64 · producers size
//     u32 · producers
//     (producer.c) · at the end: crc32c u32 of all before
//
// It is taken on the writer thread between two rounds, when every file is synced and the producers'
// state is exactly that of next_offset. A file clean-stop beside it, holding the checkpoint's
// checksum, says nothing was written since; the first change takes it away (checkpoint_touch).
#include "store/log/names.h"
#include "store/log/recover.h"

#include "base/log.h"
#include "os/clock.h"
#include "wire/reader.h"
#include "wire/writer.h"

static const char magic[8] = "weircp3\n";

enum { CHECKPOINT_MAX_BYTES = 1 << 30 };

static void path_of(const struct log_store *store, const char *name, char *out)
{
    snprintf(out, PATH_BYTES, "%s/%s", store->dir, name);
}

// --- write ---

struct capture {
    struct log_store *store;
    struct str bytes;
    VEC(struct segment *) unsynced; // references
};

static void capture_partition(struct capture *capture, struct partition *partition)
{
    struct str *out = &capture->bytes;
    producers_expire(&partition->producers, clock_now_ms() - capture->store->producer_expiry_ms);
    writer_i32(out, partition->index);
    mutex_lock(&partition->mutex);
    writer_i64(out, partition->start_offset);
    writer_i64(out, partition->next_offset);
    writer_i64(out, partition->cleaned_to);
    writer_u8(out, partition->rescan);
    writer_u32(out, (uint32_t)partition->segments.count);
    for (size_t i = 0; i < partition->segments.count; i++) {
        struct segment *segment = partition->segments.items[i];
        writer_i64(out, segment->base_offset);
        writer_i64(out, segment->size);
        writer_i64(out, segment->max_timestamp);
        writer_i64(out, segment->created_ms);
        writer_i64(out, segment->aborted_count);
        if (segment->unsynced) {
            segment->unsynced = false;
            vec_push(&capture->unsynced, segment__ref(segment));
        }
    }
    mutex_unlock(&partition->mutex);
    size_t at = out->size;
    writer_u32(out, 0);
    producers_write(&partition->producers, out);
    writer_patch_u32(out, at, (uint32_t)(out->size - at - 4));
}

static void capture_all(void *ctx)
{
    struct capture *capture = ctx;
    struct arena arena = ARENA_INIT;
    size_t count;
    uint32_t partitions = 0;
    struct topic **topics = log_store_topics(capture->store, &arena, &count);
    str_append(&capture->bytes, magic, sizeof magic);
    writer_u32(&capture->bytes, 0);
    for (size_t i = 0; i < count; i++) {
        int32_t partition_count = topic_partition_count(topics[i]);
        for (int32_t p = 0; p < partition_count; p++) {
            struct partition *partition = topic_partition(topics[i], p);
            mutex_lock(&partition->mutex);
            bool untouched = partition->segments.count == 0 && partition->next_offset == 0;
            mutex_unlock(&partition->mutex);
            if (untouched)
                continue;
            str_append(&capture->bytes, topics[i]->id.bytes, sizeof topics[i]->id.bytes);
            capture_partition(capture, partition);
            partitions++;
        }
        topic_unref(topics[i]);
    }
    writer_patch_u32(&capture->bytes, sizeof magic, partitions);
    writer_u32(&capture->bytes, crc32c(0, capture->bytes.ptr, capture->bytes.size));
    capture->store->bytes_since_checkpoint = 0;
    arena_release(&arena);
}

static err_t sync_segment(struct segment *segment, struct diag *diag)
{
    struct log_store *store = segment->partition->topic->store;
    int fd;
    err_t err = ERR_OK;
    if (!store->options.sync) {
        err = segment__get(segment, &fd, diag);
        if (err == ERR_OK) {
            err = store->options.sync_file(fd, diag);
            if (err != ERR_OK)
                partition__fail(segment->partition, err, diag_text(diag));
            segment__put(segment);
        }
    }
    if (err == ERR_OK &&
        segment__open(segment, &segment->index, "index", FILE_WRITE, &fd, NULL) == ERR_OK) {
        err = store->options.sync_file(fd, diag);
        file_cache_put(&store->files, &segment->index);
    }
    mutex_lock(&segment->partition->mutex);
    bool aborted = segment->aborted_count > 0;
    mutex_unlock(&segment->partition->mutex);
    if (err == ERR_OK && aborted &&
        segment__open(segment, &segment->aborted, "txnindex", FILE_WRITE, &fd, NULL) == ERR_OK) {
        err = store->options.sync_file(fd, diag);
        file_cache_put(&store->files, &segment->aborted);
    }
    mutex_lock(&segment->partition->mutex);
    bool gone = segment->partition->deleted || segment->removed;
    mutex_unlock(&segment->partition->mutex);
    return gone ? ERR_OK : err;
}

static void begin(struct log_store *store)
{
    mutex_lock(&store->mutex);
    while (store->checkpoint_busy)
        cond_wait(&store->admin_free, &store->mutex);
    store->checkpoint_busy = true;
    mutex_unlock(&store->mutex);
}

static void end(struct log_store *store)
{
    mutex_lock(&store->mutex);
    store->checkpoint_busy = false;
    cond_broadcast(&store->admin_free);
    mutex_unlock(&store->mutex);
}

err_t checkpoint_write(struct log_store *store, bool clean, struct diag *diag)
{
    begin(store);
    struct capture capture = {.store = store};
    writer_call(store, capture_all, &capture);
    err_t err = ERR_OK;
    for (size_t i = 0; i < capture.unsynced.count; i++) {
        if (err == ERR_OK)
            err = sync_segment(capture.unsynced.items[i], diag);
        segment__unref(capture.unsynced.items[i]);
    }
    vec_release(&capture.unsynced);
    if (err == ERR_OK)
        err = names_replace(store, "checkpoint", str_bytes(&capture.bytes), diag);
    if (err == ERR_OK && clean)
        err = names_replace(store, "clean-stop",
                            bytes_make(capture.bytes.ptr + capture.bytes.size - 4, 4), diag);
    str_release(&capture.bytes);
    end(store);
    return err;
}

err_t checkpoint_touch(struct log_store *store, struct diag *diag)
{
    mutex_lock(&store->mutex);
    bool clean = store->clean;
    mutex_unlock(&store->mutex);
    if (!clean)
        return ERR_OK;
    char path[PATH_BYTES];
    path_of(store, "clean-stop", path);
    TRY(file_remove(path, diag));
    TRY(names_sync(store, diag));
    mutex_lock(&store->mutex);
    store->clean = false;
    mutex_unlock(&store->mutex);
    return ERR_OK;
}

// --- read ---

struct saved_key {
    uint8_t bytes[20]; // topic id, index
};

static uint64_t saved_key_hash(struct saved_key key)
{
    return hash_bytes(key.bytes, sizeof key.bytes);
}

static bool saved_key_equal(struct saved_key a, struct saved_key b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

MAP_DEFINE(saved_map, struct saved_key, struct saved_partition, saved_key_hash, saved_key_equal);

static void read_partition(struct reader *reader, struct arena *arena, struct saved_map *map)
{
    struct saved_key key = {0};
    const uint8_t *raw = reader_take(reader, sizeof key.bytes);
    if (raw)
        memcpy(key.bytes, raw, sizeof key.bytes);
    struct saved_partition saved = {.start_offset = reader_i64(reader)};
    saved.next_offset = reader_i64(reader);
    saved.cleaned_to = reader_i64(reader);
    saved.rescan = reader_u8(reader) != 0;
    saved.segment_count = reader_u32(reader);
    if (saved.segment_count > reader_left(reader) / sizeof(struct saved_segment))
        reader_fail(reader);
    if (reader->failed)
        return;
    struct saved_segment *segments =
        ARENA_ARRAY(arena, struct saved_segment, saved.segment_count + 1);
    for (size_t i = 0; i < saved.segment_count; i++) {
        segments[i].base_offset = reader_i64(reader);
        segments[i].size = reader_i64(reader);
        segments[i].max_timestamp = reader_i64(reader);
        segments[i].created_ms = reader_i64(reader);
        segments[i].aborted_count = reader_i64(reader);
    }
    saved.segments = segments;
    saved.producers = reader_bytes(reader, reader_u32(reader));
    if (!reader->failed)
        *saved_map_put(map, key, NULL) = saved;
}

static err_t parse(struct bytes text, struct arena *arena, struct saved_map *map, struct diag *diag)
{
    if (text.size < sizeof magic + 8 || memcmp(text.ptr, magic, sizeof magic) != 0)
        return FAIL(diag, ERR_CORRUPT, "it does not start with \"%.7s\"", magic);
    struct reader tail = reader_make(bytes_make(text.ptr + text.size - 4, 4));
    uint32_t crc = reader_u32(&tail), expected = crc32c(0, text.ptr, text.size - 4);
    if (crc != expected)
        return FAIL(diag, ERR_CORRUPT, "the checksum is %08x, the bytes give %08x", crc, expected);
    struct reader reader = reader_make(text);
    (void)reader_take(&reader, sizeof magic);
    uint32_t count = reader_u32(&reader);
    for (uint32_t i = 0; i < count && !reader.failed; i++)
        read_partition(&reader, arena, map);
    if (reader.failed)
        return FAIL(diag, ERR_CORRUPT, "its %u partitions do not fit into its %zu bytes", count,
                    text.size);
    return ERR_OK;
}

err_t checkpoint_each(struct bytes text, struct arena *arena,
                      void (*each)(const uint8_t key[20], const struct saved_partition *saved,
                                   void *ctx),
                      void *ctx, struct diag *diag)
{
    struct saved_map map = {0};
    err_t err = parse(text, arena, &map, diag);
    for (size_t i = 0; err == ERR_OK && i < map.capacity; i++)
        if (map.used[i])
            each(map.keys[i].bytes, &map.values[i], ctx);
    saved_map_release(&map);
    return err;
}

// A checkpoint that cannot be used is no error: everything is read instead.
static bool load(struct log_store *store, struct str *text, struct arena *arena,
                 struct saved_map *map)
{
    char path[PATH_BYTES];
    path_of(store, "checkpoint", path);
    if (!file_exists(path))
        return false;
    struct diag diag = DIAG_INIT;
    if (file_read_all(path, CHECKPOINT_MAX_BYTES, text, &diag) != ERR_OK) {
        LOG_WARN("store/log", "cannot read the checkpoint", "err=\"%s\"", diag.text);
        return false;
    }
    if (parse(str_bytes(text), arena, map, &diag) != ERR_OK) {
        LOG_WARN("store/log", "the checkpoint is damaged, all segments are read instead",
                 "path=%s err=\"%s\"", path, diag.text);
        return false;
    }
    return true;
}

static bool stopped_clean(struct log_store *store, const struct str *checkpoint)
{
    char path[PATH_BYTES];
    path_of(store, "clean-stop", path);
    struct str mark = {0};
    bool clean = file_exists(path) && file_read_all(path, 64, &mark, NULL) == ERR_OK &&
                 mark.size == 4 && memcmp(mark.ptr, checkpoint->ptr + checkpoint->size - 4, 4) == 0;
    str_release(&mark);
    return clean;
}

static err_t recover_topic(struct topic *topic, const struct saved_map *map, bool clean,
                           struct diag *diag)
{
    for (size_t i = 0; i < topic->partitions.count; i++) {
        struct saved_key key;
        memcpy(key.bytes, topic->id.bytes, 16);
        for (int b = 0; b < 4; b++)
            key.bytes[16 + b] = (uint8_t)(i >> (24 - 8 * b));
        const struct saved_partition *saved = saved_map_get(map, key);
        struct partition *partition = topic->partitions.items[i];
        if (!clean || (saved && saved->rescan))
            TRY(recover_partition(partition, saved, diag));
        else if (saved)
            TRY(recover_adopt(partition, saved, diag));
    }
    return ERR_OK;
}

err_t checkpoint_recover(struct log_store *store, struct diag *diag)
{
    struct str text = {0};
    struct arena arena = ARENA_INIT;
    struct saved_map map = {0};
    bool loaded = load(store, &text, &arena, &map);
    if (!loaded)
        saved_map_release(&map);
    store->clean = loaded && stopped_clean(store, &text);
    int64_t start = clock_mono_us();
    err_t err = ERR_OK;
    for (size_t i = 0; i < store->by_name.capacity && err == ERR_OK; i++)
        if (store->by_name.used[i])
            err = recover_topic(store->by_name.values[i], &map, store->clean, diag);
    if (err == ERR_OK)
        err = recover_sync(store, diag);
    else
        recover_forget(store);
    if (!store->clean && store->by_name.count > 0)
        store->bytes_since_checkpoint = CHECKPOINT_BYTES; // so that the next start reads less
    if (!store->clean && store->by_name.count > 0)
        LOG_INFO("store/log", "recovered after an unclean stop", "topics=%zu ms=%lld",
                 store->by_name.count, (long long)(clock_mono_us() - start) / 1000);
    saved_map_release(&map);
    arena_release(&arena);
    str_release(&text);
    return err;
}
