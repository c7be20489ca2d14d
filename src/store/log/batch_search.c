// SPDX-License-Identifier: Apache-2.0
#include "store/log/batch_search.h"

#include "base/hash.h"
#include "base/mem.h"
#include "os/file.h"

enum {
    CRC_CHUNK = 1 << 20,
    SEARCH_CRC_MAX_BYTES = 512 << 20, // checksums tried while looking behind a bad batch
};

bool batch_search_crc(int fd, int64_t at, const struct batch_header *header, uint32_t *out)
{
    int64_t end = at + (int64_t)batch_header_size(header);
    uint8_t *chunk = mem_alloc(CRC_CHUNK);
    uint32_t crc = 0;
    bool good = true;
    for (int64_t next = at + BATCH_CRC_START; good && next < end;) {
        size_t size = end - next < CRC_CHUNK ? (size_t)(end - next) : CRC_CHUNK;
        good = file_pread(fd, chunk, size, next, NULL) == ERR_OK;
        crc = good ? crc32c(crc, chunk, size) : 0;
        next += (int64_t)size;
    }
    mem_free(chunk);
    *out = crc;
    return good;
}

static bool crc_holds(int fd, int64_t at, const struct batch_header *header)
{
    uint32_t crc;
    return batch_search_crc(fd, at, header, &crc) && crc == header->crc;
}

bool batch_search_holds(struct batch_walk *walk)
{
    if (batch_header_size(&walk->header) > BATCH_WALK_SCAN)
        return crc_holds(walk->fd, walk->at, &walk->header);
    struct bytes batch;
    return batch_walk_body(walk, &batch, NULL) == ERR_OK && batch_crc_ok(batch);
}

static bool plausible(const struct batch_header *header, int64_t at, int64_t end,
                      int64_t next_offset)
{
    size_t size = batch_header_size(header);
    return header->magic == BATCH_MAGIC && size > 0 && (int64_t)size <= end - at &&
           header->base_offset >= next_offset && header->base_offset - next_offset <= INT32_MAX &&
           header->last_offset_delta >= 0 && header->record_count >= 0 &&
           (int64_t)header->record_count <= (int64_t)header->last_offset_delta + 1 &&
           (header->attributes & ~0x7f) == 0;
}

int64_t batch_search_next(int fd, int64_t from, int64_t end, int64_t next_offset)
{
    uint8_t *chunk = mem_alloc(CRC_CHUNK);
    int64_t tried_bytes = 0, result = -1;
    for (int64_t at = from; result < 0 && end - at >= BATCH_HEADER_BYTES;) {
        size_t size = end - at < CRC_CHUNK ? (size_t)(end - at) : CRC_CHUNK;
        if (file_pread(fd, chunk, size, at, NULL) != ERR_OK)
            break;
        size_t tries = size - BATCH_HEADER_BYTES + 1;
        for (size_t i = 0; result < 0 && i < tries; i++) {
            struct batch_header header;
            if (chunk[i + 16] != BATCH_MAGIC ||
                !batch_header_read(&header, bytes_make(chunk + i, BATCH_HEADER_BYTES)) ||
                !plausible(&header, at + (int64_t)i, end, next_offset))
                continue;
            tried_bytes += header.batch_length;
            if (tried_bytes > SEARCH_CRC_MAX_BYTES || crc_holds(fd, at + (int64_t)i, &header))
                result = at + (int64_t)i;
        }
        at += (int64_t)tries;
    }
    mem_free(chunk);
    return result;
}

bool batch_search_zeros(int fd, int64_t from, int64_t end)
{
    uint8_t *chunk = mem_alloc(CRC_CHUNK);
    bool zeros = true;
    for (int64_t at = from; zeros && at < end;) {
        size_t size = end - at < CRC_CHUNK ? (size_t)(end - at) : CRC_CHUNK;
        zeros = file_pread(fd, chunk, size, at, NULL) == ERR_OK && chunk[0] == 0 &&
                memcmp(chunk, chunk + 1, size - 1) == 0;
        at += (int64_t)size;
    }
    mem_free(chunk);
    return zeros;
}
