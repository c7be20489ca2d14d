// SPDX-License-Identifier: Apache-2.0
//
// One segment is two files named by the offset it starts at: 00000000000000000042.log holds record
// batches byte for byte, 00000000000000000042.index lets a reader jump near an offset, a position
// or a time (index.c). A third, 00000000000000000042.txnindex, is there when transactions were
// aborted in it (aborted.c).
#include "store/log/log_int.h"
#include "store/log/round_mark.h"

#include "os/random.h"
#include "wire/kafka/batch_header.h"

#include <assert.h>

struct segment *segment__new(struct partition *partition, int64_t base_offset)
{
    struct segment *segment = MEM_NEW(struct segment);
    segment->partition = partition;
    segment->refs = 1;
    segment->base_offset = base_offset;
    segment->max_timestamp = -1;
    segment->first_timestamp = INT64_MIN;
    segment->jitter = (uint32_t)random_u64();
    segment->index_step_bytes = topic__limits(partition->topic).index_interval_bytes;
    if (segment->index_step_bytes < 1)
        segment->index_step_bytes = 1; // an entry for every batch but the first
    cached_file_init(&segment->log);
    cached_file_init(&segment->index);
    cached_file_init(&segment->aborted);
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
    file_cache_drop(files, &segment->aborted);
    mem_free(segment);
}

void segment__path(const struct segment *segment, const char *suffix, char *out)
{
    char dir[PATH_BYTES];
    partition__dir(segment->partition, dir);
    snprintf(out, PATH_BYTES, "%s/%020lld.%s", dir, (long long)segment->base_offset, suffix);
}

static err_t gone(struct segment *segment, struct diag *diag)
{
    struct partition *partition = segment->partition;
    assert(mutex_held(&partition->mutex));
    if (partition->deleted)
        return FAIL(diag, ERR_UNKNOWN_TOPIC, "topic %s was deleted", partition->topic->name);
    if (segment->removed)
        return FAIL(diag, ERR_OFFSET_OUT_OF_RANGE, "the segment at offset %lld was removed",
                    (long long)segment->base_offset);
    return ERR_OK;
}

// Names are given up under the partition's mutex, before anything happens to the files: what was
// opened before that is the right file for good.
err_t segment__open(struct segment *segment, struct cached_file *file, const char *suffix,
                    unsigned flags, int *fd, struct diag *diag)
{
    struct partition *partition = segment->partition;
    struct file_cache *files = &partition->topic->store->files;
    if (file_cache_try(files, file, fd))
        return ERR_OK;
    mutex_lock(&partition->mutex);
    err_t err = gone(segment, diag);
    mutex_unlock(&partition->mutex);
    TRY(err);
    char path[PATH_BYTES];
    segment__path(segment, suffix, path);
    int opened = -1;
    struct diag open_diag = DIAG_INIT;
    err_t open_err = file_open(&opened, path, flags, &open_diag);
    mutex_lock(&partition->mutex);
    err = gone(segment, diag);
    int extra = opened;
    if (err == ERR_OK && open_err == ERR_OK)
        extra = file_cache_put_open(files, file, opened, fd);
    mutex_unlock(&partition->mutex);
    file_close(extra);
    if (err == ERR_OK && open_err != ERR_OK)
        err = FAIL(diag, open_err, "%s", open_diag.text);
    return err;
}

err_t segment__get(struct segment *segment, int *fd, struct diag *diag)
{
    return segment__open(segment, &segment->log, "log", FILE_WRITE, fd, diag);
}

int64_t segment__first_timestamp(struct segment *segment)
{
    struct mutex *mutex = &segment->partition->mutex;
    mutex_lock(mutex);
    int64_t known = segment->size == 0 ? -1 : segment->first_timestamp;
    mutex_unlock(mutex);
    if (known != INT64_MIN)
        return known;
    uint8_t raw[BATCH_HEADER_BYTES];
    struct batch_header header;
    int fd;
    if (segment__get(segment, &fd, NULL) != ERR_OK)
        return -1;
    err_t err = file_pread(fd, raw, sizeof raw, 0, NULL);
    segment__put(segment);
    if (err != ERR_OK || !batch_header_read(&header, bytes_make(raw, sizeof raw)))
        return -1;
    mutex_lock(mutex);
    segment->first_timestamp = header.max_timestamp;
    mutex_unlock(mutex);
    return header.max_timestamp;
}

void segment__mark(struct segment *segment, int fd)
{
    uint8_t mark[ROUND_MARK_BYTES];
    round_mark_write(mark, segment->partition->topic->store->mark_key, segment->readable_size,
                     segment->size);
    struct diag diag = DIAG_INIT;
    if (file_pwrite(fd, mark, sizeof mark, segment->size, NULL) == ERR_OK)
        segment->reserved = segment->size + ROUND_MARK_BYTES;
    else if (file_truncate(fd, segment->size, &diag) != ERR_OK) // half a mark
        partition__fail(segment->partition, ERR_IO, diag_text(&diag));
}

void segment__put(struct segment *segment)
{
    file_cache_put(&segment->partition->topic->store->files, &segment->log);
}
