// SPDX-License-Identifier: Apache-2.0
//
// recover: what a checkpoint remembers of a partition, and bringing the partition back from that
// and its files.
#ifndef STORE_LOG_RECOVER_H
#define STORE_LOG_RECOVER_H

#include "store/log/log_int.h"

// Up to here everything is on disk; a segment's size, index and time are those of that moment.
struct saved_segment {
    int64_t base_offset;
    int64_t size;
    int64_t max_timestamp;
    int64_t created_ms;
    int64_t aborted_count;
};

struct saved_partition {
    int64_t start_offset;
    int64_t next_offset;
    int64_t cleaned_to;
    bool rescan; // damaged or failed then: believe nothing
    size_t segment_count;
    const struct saved_segment *segments;
    struct bytes producers; // producers_write()
};

// The entries of a checkpoint file; `key` is the topic's id and the big-endian partition.
// ERR_CORRUPT. (checkpoint.c)
MUST_USE err_t checkpoint_each(struct bytes text, struct arena *arena,
                               void (*each)(const uint8_t key[20],
                                            const struct saved_partition *saved, void *ctx),
                               void *ctx, struct diag *diag);

// Takes it as it stands, after a clean stop.
MUST_USE err_t recover_adopt(struct partition *partition, const struct saved_partition *saved,
                             struct diag *diag);
// Re-reads what is behind `saved` (NULL: all of it). BLOCKS
MUST_USE err_t recover_partition(struct partition *partition, const struct saved_partition *saved,
                                 struct diag *diag);

// Makes durable what recover_partition() kept, several files at a time. BLOCKS
MUST_USE err_t recover_sync(struct log_store *store, struct diag *diag);
void recover_forget(struct log_store *store); // instead, when the start fails

#endif
