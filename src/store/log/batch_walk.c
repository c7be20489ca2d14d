// SPDX-License-Identifier: Apache-2.0
#include "store/log/batch_walk.h"

#include "base/mem.h"
#include "os/file.h"

void batch_walk_init(struct batch_walk *walk, int fd, int64_t position, int64_t end,
                     size_t buffer_bytes)
{
    *walk = (struct batch_walk){
        .fd = fd,
        .end = end,
        .position = position,
        .buffer = mem_alloc(buffer_bytes),
        .buffer_bytes = buffer_bytes,
    };
}

void batch_walk_release(struct batch_walk *walk)
{
    mem_free(walk->buffer);
    walk->buffer = NULL;
}

// Makes `size` bytes at `at` lie in the buffer.
static err_t fill(struct batch_walk *walk, int64_t at, size_t size, struct diag *diag)
{
    int64_t buffered_end = walk->buffered_at + (int64_t)walk->buffered;
    if (at >= walk->buffered_at && at + (int64_t)size <= buffered_end)
        return ERR_OK;
    if (size > walk->buffer_bytes) {
        walk->buffer_bytes = size;
        walk->buffer = mem_realloc(walk->buffer, size);
    }
    size_t want = walk->buffer_bytes;
    if ((int64_t)want > walk->end - at)
        want = (size_t)(walk->end - at);
    walk->buffered = 0;
    size_t got = 0;
    TRY(file_pread_some(walk->fd, walk->buffer, want, at, &got, diag));
    walk->buffered_at = at;
    walk->buffered = got;
    if (got < size)
        return FAIL(diag, ERR_CORRUPT, "the file ends at byte %lld, expected %zu bytes at %lld",
                    (long long)(at + (int64_t)got), size, (long long)at);
    return ERR_OK;
}

bool batch_walk_next(struct batch_walk *walk, err_t *err, struct diag *diag)
{
    *err = ERR_OK;
    int64_t at = walk->position;
    if (at >= walk->end)
        return false;
    if (walk->end - at < BATCH_HEADER_BYTES) {
        *err = FAIL(diag, ERR_CORRUPT, "%lld bytes at the end are too few for a batch",
                    (long long)(walk->end - at));
        return false;
    }
    *err = fill(walk, at, BATCH_HEADER_BYTES, diag);
    if (*err != ERR_OK)
        return false;
    (void)batch_header_read(
        &walk->header, bytes_make(walk->buffer + (at - walk->buffered_at), BATCH_HEADER_BYTES));
    const struct batch_header *header = &walk->header;
    size_t size = batch_header_size(header);
    if (header->magic != BATCH_MAGIC || size == 0 || (int64_t)size > walk->end - at ||
        header->base_offset < 0 || header->last_offset_delta < 0 || header->record_count < 0) {
        *err = FAIL(diag, ERR_CORRUPT, "no record batch at byte %lld", (long long)at);
        return false;
    }
    walk->at = at;
    walk->position = at + (int64_t)size;
    return true;
}

err_t batch_walk_body(struct batch_walk *walk, struct bytes *out, struct diag *diag)
{
    size_t size = batch_header_size(&walk->header);
    TRY(fill(walk, walk->at, size, diag));
    *out = bytes_make(walk->buffer + (walk->at - walk->buffered_at), size);
    return ERR_OK;
}
