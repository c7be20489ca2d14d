// SPDX-License-Identifier: Apache-2.0
//
// Each segment that is not sound is written beside as BASE.repaired, synced and renamed over the
// old one, first to last: a repair that is cut short is begun again and finds less to do. The
// checkpoint is removed at the end, for it tells how far the last file has to reach.
#include "store/log/repair.h"

#include "store/log/batch_search.h"
#include "store/log/inspect.h"
#include "store/log/recover.h"
#include "store/log/round_mark.h"

enum { OUT_BYTES = 1 << 20, CHECKPOINT_MAX_BYTES = 1 << 30 };

struct repair {
    const char *dir; // of the partition
    const char *topic;
    int32_t index;
    struct topic_id id;
    int64_t promised; // the checkpoint's next offset
    int64_t next;     // the lowest offset that may follow
    int fd;           // the new file
    int64_t written;
    bool changed;
    struct str out;
    struct repaired *total;
};

static err_t flush(struct repair *repair, struct diag *diag)
{
    TRY(file_pwrite(repair->fd, repair->out.ptr, repair->out.size, repair->written, diag));
    repair->written += (int64_t)repair->out.size;
    str_clear(&repair->out);
    return ERR_OK;
}

// Batches without records for offsets up to `end`.
static void fill(struct repair *repair, int64_t end)
{
    repair->total->offsets += end > repair->next ? end - repair->next : 0;
    while (repair->next < end) {
        int64_t count = end - repair->next < INT32_MAX ? end - repair->next : INT32_MAX;
        const struct batch_header header = {.base_offset = repair->next,
                                            .last_offset_delta = (int32_t)(count - 1),
                                            .base_timestamp = -1,
                                            .max_timestamp = -1,
                                            .producer_id = -1,
                                            .producer_epoch = -1,
                                            .base_sequence = -1};
        uint8_t batch[BATCH_HEADER_BYTES];
        batch_header_write(batch, sizeof batch, &header);
        str_append(&repair->out, (const char *)batch, sizeof batch);
        repair->next += count;
        repair->changed = true;
    }
}

static err_t take(struct repair *repair, struct batch_walk *walk, struct diag *diag)
{
    size_t size = batch_header_size(&walk->header);
    str_reserve(&repair->out, size);
    TRY(file_pread(walk->fd, repair->out.ptr + repair->out.size, size, walk->at, diag));
    repair->out.size += size;
    repair->next = batch_header_last_offset(&walk->header) + 1;
    return repair->out.size >= OUT_BYTES ? flush(repair, diag) : ERR_OK;
}

static bool follows(const struct repair *repair, struct batch_walk *walk)
{
    return walk->header.base_offset >= repair->next &&
           walk->header.base_offset - repair->next <= INT32_MAX && batch_search_holds(walk);
}

static err_t copy_batches(struct repair *repair, int fd, int64_t end, struct diag *diag)
{
    struct batch_walk walk;
    batch_walk_init(&walk, fd, 0, end, BATCH_WALK_SCAN);
    bool behind_damage = false;
    err_t err = ERR_OK;
    while (err == ERR_OK) {
        struct diag why = DIAG_INIT;
        if (batch_walk_next(&walk, &err, &why)) {
            if (follows(repair, &walk)) {
                if (behind_damage)
                    fill(repair, walk.header.base_offset);
                behind_damage = false;
                err = take(repair, &walk, diag);
                continue;
            }
            walk.position = walk.at;
        } else if (err == ERR_OK) {
            break;
        } else if (err != ERR_CORRUPT) {
            err = FAIL(diag, err, "%s", diag_text(&why));
            break;
        }
        err = ERR_OK;
        int64_t at = walk.position;
        if (round_mark_rest(fd, ROUND_MARK_ANY, at, end))
            break;
        int64_t next = batch_search_next(fd, at + 1, end, repair->next);
        repair->total->bytes += (next < 0 ? end : next) - at;
        repair->changed = behind_damage = true;
        if (next < 0)
            break;
        walk.position = next;
    }
    batch_walk_release(&walk);
    return err;
}

static void path_in(const struct repair *repair, int64_t base, const char *suffix, char *out)
{
    snprintf(out, PATH_BYTES + 64, "%s/%020lld.%s", repair->dir, (long long)base, suffix);
}

static err_t put_in_place(struct repair *repair, int64_t base, struct diag *diag)
{
    char from[PATH_BYTES + 64], to[PATH_BYTES + 64];
    TRY(flush(repair, diag));
    TRY(file_datasync(repair->fd, diag));
    path_in(repair, base, "index", to);
    TRY(file_remove(to, diag));
    path_in(repair, base, "txnindex", to);
    TRY(file_remove(to, diag));
    path_in(repair, base, "repaired", from);
    path_in(repair, base, "log", to);
    TRY(file_rename(from, to, diag));
    repair->total->files++;
    return dir_sync(repair->dir, diag);
}

// The file at `base`; what it holds has to reach up to `end`.
static err_t repair_file(struct repair *repair, int64_t base, int64_t end, struct diag *diag)
{
    char path[PATH_BYTES + 64];
    int fd;
    int64_t size;
    path_in(repair, base, "log", path);
    TRY(file_open(&fd, path, FILE_READ, diag));
    path_in(repair, base, "repaired", path);
    err_t err = file_remove(path, diag);
    if (err == ERR_OK)
        err = file_open(&repair->fd, path, FILE_WRITE | FILE_CREATE | FILE_NEW, diag);
    if (err != ERR_OK) {
        file_close(fd);
        return err;
    }
    repair->changed = false;
    repair->written = 0;
    repair->next = repair->next < base ? base : repair->next;
    str_clear(&repair->out);
    err = file_size(fd, &size, diag);
    if (err == ERR_OK)
        err = copy_batches(repair, fd, size, diag);
    if (err == ERR_OK)
        fill(repair, end);
    if (err == ERR_OK && repair->changed)
        err = put_in_place(repair, base, diag);
    else
        (void)!file_remove(path, NULL);
    file_close(repair->fd);
    file_close(fd);
    return err;
}

// --- the partition ---

static void see_saved(const uint8_t key[20], const struct saved_partition *saved, void *ctx)
{
    struct repair *repair = ctx;
    int32_t index = (int32_t)((uint32_t)key[16] << 24 | (uint32_t)key[17] << 16 |
                              (uint32_t)key[18] << 8 | key[19]);
    if (memcmp(key, repair->id.bytes, sizeof repair->id.bytes) == 0 && index == repair->index)
        repair->promised = saved->next_offset;
}

// A checkpoint that cannot be read promises nothing, as at a start.
static void read_checkpoint(struct repair *repair, const char *dir)
{
    char path[PATH_BYTES];
    struct str text = {0};
    struct arena arena = ARENA_INIT;
    snprintf(path, sizeof path, "%s/checkpoint", dir);
    if (file_read_all(path, CHECKPOINT_MAX_BYTES, &text, NULL) == ERR_OK)
        (void)!checkpoint_each(str_bytes(&text), &arena, see_saved, repair, NULL);
    arena_release(&arena);
    str_release(&text);
}

static err_t find_topic(struct repair *repair, const char *dir, struct diag *diag)
{
    struct log_store *store;
    TRY(log_store__look(&store, dir, diag));
    struct topic *topic = log_store_topic(store, bytes_from(repair->topic));
    bool found = topic && topic_partition(topic, repair->index);
    if (found)
        repair->id = topic->id;
    topic_unref(topic);
    log_store__look_end(store);
    return found ? ERR_OK
                 : FAIL(diag, ERR_NOT_FOUND, "no partition %s-%d in %s", repair->topic,
                        repair->index, dir);
}

static err_t see_swap(const char *name, bool is_dir, void *ctx)
{
    size_t size = strlen(name);
    bool swap = !is_dir && size > 5 && strcmp(name + size - 5, ".swap") == 0;
    return swap ? FAIL(ctx, ERR_CONFIG, "%s: a compaction was cut short; start weir once first",
                       name)
                : ERR_OK;
}

static err_t repair_files(struct repair *repair, struct diag *diag)
{
    struct arena arena = ARENA_INIT;
    int64_t *bases;
    size_t count;
    err_t err = dir_each(repair->dir, see_swap, diag, diag);
    if (err == ERR_OK)
        err = inspect_segments(repair->dir, &arena, &bases, &count, diag);
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        err = repair_file(repair, bases[i], i + 1 < count ? bases[i + 1] : repair->promised, diag);
    if (err == ERR_OK && count == 0)
        err = FAIL(diag, ERR_NOT_FOUND, "no segment is left in %s", repair->dir);
    arena_release(&arena);
    return err;
}

static err_t forget_checkpoint(const char *dir, struct diag *diag)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/clean-stop", dir);
    TRY(file_remove(path, diag));
    TRY(dir_sync(dir, diag));
    snprintf(path, sizeof path, "%s/checkpoint", dir);
    TRY(file_remove(path, diag));
    return dir_sync(dir, diag);
}

err_t repair_partition(const char *dir, const char *topic, int32_t index, struct repaired *out,
                       struct diag *diag)
{
    char folder[PATH_BYTES];
    *out = (struct repaired){0};
    if (strlen(dir) > PATH_BYTES - 400)
        return FAIL(diag, ERR_CONFIG, "the path of the log is longer than %d bytes",
                    PATH_BYTES - 400);
    snprintf(folder, sizeof folder, "%s/%s-%d", dir, topic, (int)index);
    struct repair repair = {.dir = folder, .topic = topic, .index = index, .total = out};
    TRY(find_topic(&repair, dir, diag));
    read_checkpoint(&repair, dir);
    err_t err = repair_files(&repair, diag);
    str_release(&repair.out);
    if (err == ERR_OK && out->files > 0)
        err = forget_checkpoint(dir, diag);
    return err;
}
