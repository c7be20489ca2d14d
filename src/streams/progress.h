// SPDX-License-Identifier: Apache-2.0
//
// progress: what a batch did, as Spark's StreamingQueryProgress JSON, and the last hundred of them.
//
// Thread     one at a time (the stream's mutex).
#ifndef STREAMS_PROGRESS_H
#define STREAMS_PROGRESS_H

#include "base/str.h"

#include <stdint.h>

enum {
    PROGRESS_KEPT = 100,
};

struct progress_batch {
    const char *id, *run_id, *name, *topic;
    const char *sink; // "spark_streams.created_users"
    int64_t batch_id;
    int64_t started_us;        // wall clock
    int64_t since_previous_us; // between the starts of this batch and the one before; 0 = first
    int64_t rows_in, rows_out;
    int64_t latest_offset_us, get_batch_us, add_batch_us, commit_us, total_us;
    const int64_t *start, *end, *latest; // offsets per partition
    size_t partition_count;
    bool aggregate;
    int64_t state_updated;
};

struct progress_log {
    struct str items[PROGRESS_KEPT];
    size_t count;                      // written so far; item i is at i % PROGRESS_KEPT
    double input_rate, processed_rate; // of the last batch; rows per second
};

void progress_add(struct progress_log *log, const struct progress_batch *batch);
// The last `limit` as a JSON list, newest first.
void progress_write(const struct progress_log *log, size_t limit, struct str *out);
void progress_last(const struct progress_log *log, struct str *out); // null when there is none
void progress_release(struct progress_log *log);

#endif
