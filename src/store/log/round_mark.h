// SPDX-License-Identifier: Apache-2.0
//
// round_mark: the word a round of the writer leaves behind its batches, where the next round will
// overwrite it. BLOCKS.
#ifndef STORE_LOG_ROUND_MARK_H
#define STORE_LOG_ROUND_MARK_H

#include "base/str.h"

enum {
    ROUND_MARK_BYTES = 36,
    ROUND_MARK_ANY = 0, // for a key: whoever wrote it
};

// The round's batches lie in [start, end) of the file; what is below `start` was synced before.
void round_mark_write(uint8_t out[ROUND_MARK_BYTES], uint64_t key, int64_t start, int64_t end);
// Where the last round began that left a mark in [from, end) of the file; -1 when there is none.
int64_t round_mark_find(int fd, uint64_t key, int64_t from, int64_t end);
// Nothing from `from` to `end` but a mark, or none, and zeros: no round wrote batches there.
bool round_mark_rest(int fd, uint64_t key, int64_t from, int64_t end);

#endif
