// SPDX-License-Identifier: Apache-2.0
//
// batch_walk: goes through the batches of a segment file, header by header, with few reads. BLOCKS.
#ifndef STORE_LOG_BATCH_WALK_H
#define STORE_LOG_BATCH_WALK_H

#include "base/diag.h"
#include "wire/kafka/batch_header.h"

struct batch_walk {
    int fd;
    int64_t end;      // bytes of the file that count
    int64_t position; // of the next batch
    struct batch_header header;
    int64_t at; // where `header` was found
    uint8_t *buffer;
    size_t buffer_bytes;
    int64_t buffered_at;
    size_t buffered;
};

enum { BATCH_WALK_STEP = 8192, BATCH_WALK_SCAN = 1 << 20 };

// `buffer_bytes`: BATCH_WALK_STEP for a few batches, BATCH_WALK_SCAN for a whole file.
void batch_walk_init(struct batch_walk *walk, int fd, int64_t position, int64_t end,
                     size_t buffer_bytes);
void batch_walk_release(struct batch_walk *walk);
// Moves to the next batch. False at the end, or with `*err` set when the file cannot be read or
// what is there is not a batch (ERR_CORRUPT; walk->position is where).
bool batch_walk_next(struct batch_walk *walk, err_t *err, struct diag *diag);
// The whole current batch; valid until the next call. Grows the buffer: the caller has bounded the
// size.
MUST_USE err_t batch_walk_body(struct batch_walk *walk, struct bytes *out, struct diag *diag);

#endif
