// SPDX-License-Identifier: Apache-2.0
//
// cleaner: the thread that compacts partitions whose cleanup.policy holds "compact".
//
//   cleaner.c     which partition is due, pace, the thread
//   compact.c     one partition: what stays, into new files
//   swap.c        new files for old ones, safe against a crash at any point
//
// Thread     one run at a time; cleaner_run() waits for the one that is on.
#ifndef STORE_LOG_CLEANER_H
#define STORE_LOG_CLEANER_H

#include "store/log/log_int.h"

// What of a partition is to be cleaned.
struct clean_plan {
    int64_t dirty;       // first offset not cleaned yet
    int64_t end;         // first offset of the first segment that is left alone
    int64_t bytes;       // below `end`
    int64_t dirty_bytes; // of these, at and behind `dirty`
    bool overdue;        // max.compaction.lag.ms has passed
};

// Is there something below the active segment and the last stable offset? BLOCKS
bool clean_plan(struct partition *partition, const struct topic_limits *limits, int64_t now_ms,
                struct clean_plan *plan);

// Cleans it. ERR_CANCELLED when the store stops or the topic was deleted. `*cleaned_to` is the
// first offset that is still dirty: less than plan->end when there were more keys than the map
// takes. BLOCKS
MUST_USE err_t compact_partition(struct partition *partition, const struct clean_plan *plan,
                                 const struct topic_limits *limits, int64_t *cleaned_to,
                                 struct diag *diag);
// After some work: keeps the pace, so that whoever appends does not notice. ERR_CANCELLED. BLOCKS
MUST_USE err_t cleaner_pace(struct partition *partition, int64_t bytes);

// --- swap.c ---

// A file of batches that is to take the place of some, being written. Its names until it does:
// BASE.cleaned and BASE.index.cleaned.
MUST_USE err_t swap_begin(struct partition *partition, int64_t base_offset, struct segment **out,
                          struct diag *diag);
void swap_abandon(struct segment *segment); // takes the reference, removes the files
// Puts it into the partition for `old` (borrowed, neighbours), whose files stay until
// swap_finish(). Takes the reference, also when it fails. ERR_CANCELLED: some of them are no longer
// there. BLOCKS
MUST_USE err_t swap_commit(struct segment *segment, struct segment **old, size_t count,
                           struct diag *diag);
// Once a checkpoint knows of every swap that was committed: gives the files their names. Those of
// which it cannot stay for the next time. BLOCKS
void swap_finish(struct log_store *store);
bool swap_waits(const struct partition *partition); // is there one of it that was not finished?
void swap_forget(struct log_store *store);          // leaves them to the next start
// Recovery: removes what was not committed and tells what was. BLOCKS
struct swap_range {
    int64_t base; // the file holds what is left of offsets from here
    int64_t end;  // to here
};
struct swap_ranges {
    struct swap_range *items;
    size_t count;
    size_t capacity;
};
MUST_USE err_t swap_look(const char *dir, struct swap_ranges *out, struct diag *diag);
// A committed file as a segment, to be finished like one of this run; `others`: the files in its
// range that it replaces. BLOCKS
MUST_USE err_t swap_adopt(struct partition *partition, struct swap_range range,
                          const int64_t *others, size_t count, struct segment **out,
                          struct diag *diag);

// --- cleaner.c ---

void cleaner_start(struct log_store *store);
void cleaner_stop(struct log_store *store);
// One look at all partitions; cleans those that are due. BLOCKS
void cleaner_run(struct log_store *store);

#endif
