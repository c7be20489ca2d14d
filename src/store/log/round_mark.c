// SPDX-License-Identifier: Apache-2.0
//
// A power cut may leave any of the sectors of a round that was not synced: the first batch torn, a
// later one whole. Nobody was told about either, so recovery may cut them off; but if a synced
// batch is damaged, acknowledged ones follow, and it must not. The mark tells the two apart:
//
//     0 "weirsync" · 8 start i64 · 16 end i64 · 24 key u64 · 32 crc32c u32 of all before
//
// It is written with the round's batches, right behind them, and overwritten by the next round. So
// the last mark in a file is that of the last round, and everything below its `start` was synced.
// A round that was synced has its mark: where there is none the last round was torn. Byte 16 is not
// that of a batch's magic, so a mark is never taken for one. The key is the log's own (catalog.c)
// and nobody reads beyond the last batch, so no client can put a mark into a record and have a
// start after damage cut off what others wrote. Without options.sync there are no marks, and
// nothing was promised either.
#include "store/log/round_mark.h"

#include "base/hash.h"
#include "base/mem.h"
#include "os/file.h"
#include "store/log/batch_search.h"
#include "wire/reader.h"
#include "wire/writer.h"

enum { CHUNK = 1 << 20, CRC_AT = 32 };

static const char magic[8] = "weirsync";

void round_mark_write(uint8_t out[ROUND_MARK_BYTES], uint64_t key, int64_t start, int64_t end)
{
    struct str mark = {0};
    str_append(&mark, magic, sizeof magic);
    writer_i64(&mark, start);
    writer_i64(&mark, end);
    writer_i64(&mark, (int64_t)key);
    writer_u32(&mark, crc32c(0, mark.ptr, mark.size));
    memcpy(out, mark.ptr, ROUND_MARK_BYTES);
    str_release(&mark);
}

// The start of the round whose mark stands at `at` of the file; -1 when it is none.
static int64_t read_mark(const uint8_t *ptr, uint64_t key, int64_t at)
{
    struct reader reader = reader_make(bytes_make(ptr, ROUND_MARK_BYTES));
    (void)reader_take(&reader, sizeof magic);
    int64_t start = reader_i64(&reader), end = reader_i64(&reader);
    uint64_t wrote = (uint64_t)reader_i64(&reader);
    bool good = (key == ROUND_MARK_ANY || wrote == key) && memcmp(ptr, magic, sizeof magic) == 0 &&
                end == at && start >= 0 && start <= end &&
                reader_u32(&reader) == crc32c(0, ptr, CRC_AT);
    return good ? start : -1;
}

int64_t round_mark_find(int fd, uint64_t key, int64_t from, int64_t end)
{
    uint8_t *chunk = mem_alloc(CHUNK);
    int64_t result = -1;
    for (int64_t at = from; end - at >= ROUND_MARK_BYTES;) {
        size_t size = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
        if (file_pread(fd, chunk, size, at, NULL) != ERR_OK)
            break;
        size_t tries = size - ROUND_MARK_BYTES + 1;
        for (size_t i = 0; i < tries; i++) {
            const uint8_t *found = memchr(chunk + i, magic[0], tries - i);
            if (!found)
                break;
            i = (size_t)(found - chunk);
            int64_t start = read_mark(found, key, at + (int64_t)i);
            result = start >= 0 ? start : result;
        }
        at += (int64_t)tries;
    }
    mem_free(chunk);
    return result;
}

bool round_mark_rest(int fd, uint64_t key, int64_t from, int64_t end)
{
    uint8_t raw[ROUND_MARK_BYTES];
    if (end - from >= ROUND_MARK_BYTES && file_pread(fd, raw, sizeof raw, from, NULL) == ERR_OK &&
        read_mark(raw, key, from) >= 0)
        from += ROUND_MARK_BYTES;
    return batch_search_zeros(fd, from, end);
}
