// SPDX-License-Identifier: Apache-2.0
//
// One segment is two files named by the offset it starts at: 00000000000000000042.log holds record
// batches byte for byte, 00000000000000000042.index lets a reader jump near an offset, a position
// or a time (index.c).
#include "store/log/log_int.h"

struct segment *segment__new(struct partition *partition, int64_t base_offset)
{
    struct segment *segment = MEM_NEW(struct segment);
    segment->partition = partition;
    segment->refs = 1;
    segment->base_offset = base_offset;
    segment->max_timestamp = -1;
    cached_file_init(&segment->log);
    cached_file_init(&segment->index);
    return segment;
}

struct segment *segment__ref(struct segment *segment)
{
    segment->refs++;
    return segment;
}

void segment__unref(struct segment *segment)
{
    if (!segment || --segment->refs > 0)
        return;
    struct file_cache *files = &segment->partition->topic->store->files;
    file_cache_drop(files, &segment->log);
    file_cache_drop(files, &segment->index);
    mem_free(segment);
}

void segment__path(const struct segment *segment, const char *suffix, char *out)
{
    char dir[PATH_BYTES];
    partition__dir(segment->partition, dir);
    snprintf(out, PATH_BYTES, "%s/%020lld.%s", dir, (long long)segment->base_offset, suffix);
}

err_t segment__get(struct segment *segment, int *fd, struct diag *diag)
{
    struct partition *partition = segment->partition;
    struct file_cache *files = &partition->topic->store->files;
    if (file_cache_try(files, &segment->log, fd))
        return ERR_OK;
    char path[PATH_BYTES];
    segment__path(segment, "log", path);
    err_t err = file_cache_get(files, &segment->log, path, FILE_WRITE, fd, diag);
    // The path belongs to somebody else once the topic was deleted and made again.
    mutex_lock(&partition->mutex);
    bool deleted = partition->deleted, removed = segment->removed;
    mutex_unlock(&partition->mutex);
    if (!deleted && !removed)
        return err;
    if (err == ERR_OK)
        file_cache_put(files, &segment->log);
    diag_clear(diag);
    if (deleted)
        return FAIL(diag, ERR_UNKNOWN_TOPIC, "topic %s was deleted", partition->topic->name);
    return FAIL(diag, ERR_OFFSET_OUT_OF_RANGE, "the segment at offset %lld was removed as too old",
                (long long)segment->base_offset);
}

void segment__put(struct segment *segment)
{
    file_cache_put(&segment->partition->topic->store->files, &segment->log);
}
