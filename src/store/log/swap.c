// SPDX-License-Identifier: Apache-2.0
//
// How compaction puts one file in the place of several:
//
//     BASE.cleaned            being written; a start removes it
//     BASE-END.swap           whole and synced. From here on it counts: it holds all that is left
//     of
//                             offsets [BASE, END). A start finishes the rest
//     (a checkpoint)          so that no checkpoint of before the swap meets files of after it
//     others removed          the .log files with a name in (BASE, END)
//     BASE.log                the new file takes the place of the first
//
// Readers that hold an old segment keep reading its files. Whoever opens a file by name afterwards
// finds its segment marked as removed and looks for the offset again (segment__open). The new
// segment's files are held open from the beginning until they have their final names, so nobody
// opens those by name before.
#include "store/log/cleaner.h"
#include "store/log/names.h"

#include "base/log.h"

#include <stdlib.h>

enum { NAME_DIGITS = 20 };

static void path_in(const char *dir, int64_t base, const char *suffix, char *out)
{
    snprintf(out, PATH_BYTES + 64, "%s/%020lld%s", dir, (long long)base, suffix);
}

static void swap_path(const char *dir, int64_t base, int64_t end, char *out)
{
    snprintf(out, PATH_BYTES + 64, "%s/%020lld-%020lld.swap", dir, (long long)base, (long long)end);
}

// --- one file ---

static err_t create(struct segment *segment, struct cached_file *file, const char *suffix,
                    struct diag *diag)
{
    char dir[PATH_BYTES], path[PATH_BYTES + 64];
    partition__dir(segment->partition, dir);
    path_in(dir, segment->base_offset, suffix, path);
    TRY(file_remove(path, diag));
    int fd;
    TRY(file_open(&fd, path, FILE_WRITE | FILE_CREATE | FILE_NEW, diag));
    int held;
    file_close(file_cache_put_open(&segment->partition->topic->store->files, file, fd, &held));
    return ERR_OK;
}

static const char *const suffixes[] = {".cleaned", ".index.cleaned", ".txnindex.cleaned"};

static struct cached_file *file_at(struct segment *segment, int at)
{
    return at == 0 ? &segment->log : at == 1 ? &segment->index : &segment->aborted;
}

static void remove_cleaned(struct segment *segment)
{
    char dir[PATH_BYTES], path[PATH_BYTES + 64];
    partition__dir(segment->partition, dir);
    for (int i = 0; i < 3; i++) {
        path_in(dir, segment->base_offset, suffixes[i], path);
        (void)!file_remove(path, NULL);
    }
}

// Gives back the first `count` of its files, and the reference.
static void let_go(struct segment *segment, int count)
{
    for (int i = 0; i < count; i++)
        file_cache_put(&segment->partition->topic->store->files, file_at(segment, i));
    segment__unref(segment);
}

err_t swap_begin(struct partition *partition, int64_t base_offset, struct segment **out,
                 struct diag *diag)
{
    struct segment *segment = segment__new(partition, base_offset);
    segment->index_state = INDEX_READY;
    segment->unsynced = true;
    for (int i = 0; i < 3; i++) {
        err_t err = create(segment, file_at(segment, i), suffixes[i], diag);
        if (err == ERR_OK)
            continue;
        remove_cleaned(segment);
        let_go(segment, i);
        return err;
    }
    *out = segment;
    return ERR_OK;
}

void swap_abandon(struct segment *segment)
{
    remove_cleaned(segment);
    let_go(segment, 3);
}

// --- into the partition ---

// Index of old[0] in the partition; -1 when not all of them are there.
static int64_t find(const struct partition *partition, struct segment **old, size_t count)
{
    for (size_t i = 0; i + count < partition->segments.count; i++) {
        if (partition->segments.items[i] != old[0])
            continue;
        for (size_t k = 0; k < count; k++)
            if (partition->segments.items[i + k] != old[k])
                return -1;
        return (int64_t)i;
    }
    return -1;
}

// Until the swap is over nobody else takes the old ones away.
static bool claim(struct partition *partition, struct segment **old, size_t count, int64_t *end)
{
    mutex_lock(&partition->mutex);
    int64_t at = find(partition, old, count);
    bool there = at >= 0 && !partition->deleted && partition->failed == ERR_OK;
    for (size_t i = 0; there && i < count; i++)
        there = !old[i]->swapping;
    for (size_t i = 0; there && i < count; i++)
        old[i]->swapping = true;
    if (there)
        *end = partition->segments.items[(size_t)at + count]->base_offset;
    mutex_unlock(&partition->mutex);
    return there;
}

static void unclaim(struct partition *partition, struct segment **old, size_t count)
{
    mutex_lock(&partition->mutex);
    for (size_t i = 0; i < count; i++)
        old[i]->swapping = false;
    mutex_unlock(&partition->mutex);
}

static void forget_hints(struct partition *partition, const struct segment *old)
{
    for (int i = 0; i < HINT_COUNT; i++)
        if (partition->hints[i].segment_base == old->base_offset)
            partition->hints[i].offset = -1;
}

static void replace(struct partition *partition, struct segment **old, size_t count,
                    struct segment *segment)
{
    mutex_lock(&partition->mutex);
    size_t at = (size_t)find(partition, old, count);
    segment->swapping = true;
    partition->bytes += segment->size;
    for (size_t i = 0; i < count; i++) {
        partition->bytes -= old[i]->size;
        forget_hints(partition, old[i]);
        old[i]->removed = true;
    }
    partition->segments.items[at] = segment__ref(segment);
    memmove(partition->segments.items + at + 1, partition->segments.items + at + count,
            (partition->segments.count - at - count) * sizeof *partition->segments.items);
    partition->segments.count -= count - 1;
    mutex_unlock(&partition->mutex);
    for (size_t i = 0; i < count; i++)
        segment__unref(old[i]); // the partition's; the caller has one more
}

static err_t rename_to_swap(struct segment *segment, int64_t end, struct diag *diag)
{
    char dir[PATH_BYTES], from[PATH_BYTES + 64], to[PATH_BYTES + 64];
    partition__dir(segment->partition, dir);
    path_in(dir, segment->base_offset, ".cleaned", from);
    swap_path(dir, segment->base_offset, end, to);
    TRY(checkpoint_touch(segment->partition->topic->store, diag));
    TRY(file_rename(from, to, diag));
    err_t err = partition__sync_names(segment->partition, diag);
    if (err != ERR_OK)
        (void)!file_rename(to, from, NULL); // it does not count
    return err;
}

err_t swap_commit(struct segment *segment, struct segment **old, size_t count, struct diag *diag)
{
    struct partition *partition = segment->partition;
    struct log_store *store = partition->topic->store;
    struct swap swap = {.segment = segment};
    err_t err = ERR_OK;
    bool claimed = claim(partition, old, count, &swap.end);
    if (!claimed)
        err = FAIL(diag, ERR_CANCELLED, "its segments are no longer there");
    else
        err = rename_to_swap(segment, swap.end, diag);
    if (err != ERR_OK) {
        if (claimed)
            unclaim(partition, old, count);
        swap_abandon(segment);
        return err;
    }
    for (size_t i = 1; i < count; i++)
        vec_push(&swap.others, old[i]->base_offset);
    (void)topic_ref(partition->topic);
    replace(partition, old, count, segment);
    vec_push(&store->cleaner.swaps, swap);
    return ERR_OK;
}

// --- the names ---

static err_t remove_log(const char *dir, int64_t base, struct diag *diag)
{
    char path[PATH_BYTES + 64];
    path_in(dir, base, ".log", path);
    TRY(file_remove(path, diag));
    path_in(dir, base, ".index", path);
    TRY(file_remove(path, diag));
    path_in(dir, base, ".txnindex", path);
    return file_remove(path, diag);
}

// The file of the suffix takes the place of the old one, if there is one.
static err_t name_index(const struct swap *swap, const char *dir, const char *suffix, bool keep,
                        struct diag *diag)
{
    char from[PATH_BYTES + 64], to[PATH_BYTES + 64], cleaned[40];
    snprintf(cleaned, sizeof cleaned, "%s.cleaned", suffix);
    path_in(dir, swap->segment->base_offset, cleaned, from);
    path_in(dir, swap->segment->base_offset, suffix, to);
    if (keep && file_exists(from))
        return file_rename(from, to, diag);
    TRY(file_remove(to, diag));
    return file_remove(from, diag);
}

static err_t name_files(const struct swap *swap, bool sync, struct diag *diag)
{
    char dir[PATH_BYTES], from[PATH_BYTES + 64], to[PATH_BYTES + 64];
    int64_t base = swap->segment->base_offset;
    partition__dir(swap->segment->partition, dir);
    for (size_t i = 0; i < swap->others.count; i++)
        TRY(remove_log(dir, swap->others.items[i], diag));
    if (sync)
        TRY(partition__sync_names(swap->segment->partition, diag));
    TRY(name_index(swap, dir, ".index", true, diag));
    TRY(name_index(swap, dir, ".txnindex", swap->segment->aborted_count > 0, diag));
    swap_path(dir, base, swap->end, from);
    path_in(dir, base, ".log", to);
    if (file_exists(from))
        TRY(file_rename(from, to, diag));
    return sync ? partition__sync_names(swap->segment->partition, diag) : ERR_OK;
}

static void release(struct swap *swap)
{
    struct partition *partition = swap->segment->partition;
    mutex_lock(&partition->mutex);
    swap->segment->swapping = false;
    mutex_unlock(&partition->mutex);
    let_go(swap->segment, 3);
    vec_release(&swap->others);
    topic_unref(partition->topic);
}

// False when it stays as it is: to be tried again, or left to the next start.
static bool finish_one(struct log_store *store, struct swap *swap)
{
    struct partition *partition = swap->segment->partition;
    struct diag diag = DIAG_INIT;
    if (!partition__pin(partition))
        return true; // the folder went with all that is in it
    bool sound = partition__names_sound(partition);
    err_t err = sound ? name_files(swap, store->options.sync, &diag) : ERR_IO;
    if (sound && err != ERR_OK)
        LOG_WARN("store/log", "cannot finish a compaction, tried again later",
                 "topic=%s partition=%d err=\"%s\"", partition->topic->name, partition->index,
                 diag_text(&diag));
    partition__unpin(partition);
    return err == ERR_OK;
}

void swap_finish(struct log_store *store)
{
    struct cleaner *cleaner = &store->cleaner;
    size_t kept = 0;
    for (size_t i = 0; i < cleaner->swaps.count; i++) {
        struct swap swap = cleaner->swaps.items[i];
        if (finish_one(store, &swap))
            release(&swap);
        else
            cleaner->swaps.items[kept++] = swap;
    }
    cleaner->swaps.count = kept;
}

bool swap_waits(const struct partition *partition)
{
    const struct cleaner *cleaner = &partition->topic->store->cleaner;
    for (size_t i = 0; i < cleaner->swaps.count; i++)
        if (cleaner->swaps.items[i].segment->partition == partition)
            return true;
    return false;
}

void swap_forget(struct log_store *store)
{
    while (store->cleaner.swaps.count > 0)
        release(&vec_pop(&store->cleaner.swaps));
    vec_release(&store->cleaner.swaps);
}

// --- recovery ---

struct look {
    const char *dir;
    struct swap_ranges *ranges;
    struct diag *diag;
};

static bool ends_with(const char *name, const char *suffix)
{
    size_t size = strlen(name), tail = strlen(suffix);
    return size >= tail && strcmp(name + size - tail, suffix) == 0;
}

static err_t see_swap(const char *name, bool is_dir, void *ctx)
{
    const struct look *look = ctx;
    char *rest;
    struct swap_range range = {.base = strtoll(name, &rest, 10)};
    if (is_dir || rest != name + NAME_DIGITS || *rest != '-' || !ends_with(rest, ".swap"))
        return ERR_OK;
    range.end = strtoll(rest + 1, NULL, 10);
    if (range.base >= 0 && range.end > range.base)
        vec_push(look->ranges, range);
    return ERR_OK;
}

// The index of aborted transactions was whole before the swap was committed. That of places is made
// anew.
static err_t remove_uncommitted(const char *name, bool is_dir, void *ctx)
{
    const struct look *look = ctx;
    char path[PATH_BYTES + 300];
    if (is_dir || !ends_with(name, ".cleaned"))
        return ERR_OK;
    int64_t base = strtoll(name, NULL, 10);
    for (size_t i = 0; i < look->ranges->count; i++)
        if (look->ranges->items[i].base == base && ends_with(name, ".txnindex.cleaned"))
            return ERR_OK;
    snprintf(path, sizeof path, "%s/%s", look->dir, name);
    return file_remove(path, look->diag);
}

err_t swap_look(const char *dir, struct swap_ranges *out, struct diag *diag)
{
    struct look look = {dir, out, diag};
    TRY(dir_each(dir, see_swap, &look, diag));
    return dir_each(dir, remove_uncommitted, &look, diag);
}

static err_t adopt_file(struct segment *segment, struct cached_file *file, const char *path,
                        unsigned flags, struct diag *diag)
{
    int fd, held;
    TRY(file_open(&fd, path, flags, diag));
    file_close(file_cache_put_open(&segment->partition->topic->store->files, file, fd, &held));
    return ERR_OK;
}

static err_t adopt_files(struct segment *segment, int64_t end, int *count, struct diag *diag)
{
    char dir[PATH_BYTES], path[PATH_BYTES + 64];
    partition__dir(segment->partition, dir);
    swap_path(dir, segment->base_offset, end, path);
    TRY(adopt_file(segment, &segment->log, path, FILE_WRITE, diag));
    *count = 1;
    TRY(create(segment, &segment->index, suffixes[1], diag));
    *count = 2;
    path_in(dir, segment->base_offset, suffixes[2], path);
    TRY(adopt_file(segment, &segment->aborted, path, FILE_WRITE | FILE_CREATE, diag));
    *count = 3;
    return aborted_count_entries(segment, &segment->aborted_count, diag);
}

err_t swap_adopt(struct partition *partition, struct swap_range range, const int64_t *others,
                 size_t count, struct segment **out, struct diag *diag)
{
    struct segment *segment = segment__new(partition, range.base);
    int files = 0;
    err_t err = adopt_files(segment, range.end, &files, diag);
    if (err != ERR_OK) {
        let_go(segment, files);
        return err;
    }
    segment->swapping = true;
    struct swap swap = {.segment = segment__ref(segment), .end = range.end};
    for (size_t i = 0; i < count; i++)
        vec_push(&swap.others, others[i]);
    (void)topic_ref(partition->topic);
    vec_push(&partition->topic->store->cleaner.swaps, swap);
    LOG_INFO("store/log", "a swap of cleaned segments goes on",
             "topic=%s partition=%d segment=%lld", partition->topic->name, partition->index,
             (long long)range.base);
    *out = segment;
    return ERR_OK;
}
