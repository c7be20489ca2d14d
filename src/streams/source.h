// SPDX-License-Identifier: Apache-2.0
//
// source: records of a topic as columns: key, value, topic, partition, offset, timestamp,
// timestampType.
//
// Lifetime   rows are views into the log's blocks, which the source keeps until source_clear().
// Blocking   source_read() BLOCKS.
#ifndef STREAMS_SOURCE_H
#define STREAMS_SOURCE_H

#include "base/vec.h"
#include "data/column.h"
#include "port/log_port.h"
#include "wire/kafka/record.h"

enum {
    SOURCE_COLUMNS = 7,
};

struct source_row {
    struct bytes key, value;
    int64_t offset;
    int64_t timestamp_ms;
    int32_t partition;
    int32_t timestamp_type; // 0 create time, 1 log append time
};

struct source {
    struct log_port log;
    const char *topic;
    VEC(struct source_row) rows;
    VEC(struct buf *) blocks;
    VEC(struct record_reader) readers; // of packed batches: they own what they unpacked
};

void source_init(struct source *source, struct log_port log, const char *topic);
void source_release(struct source *source);
void source_clear(struct source *source); // forgets the rows and their blocks
// Appends the rows of one partition from *next up to (not including) `end`, about max_bytes of
// them; *next moves behind the last one read. Nothing is appended on failure.
MUST_USE err_t source_read(struct source *source, int32_t partition, int64_t *next, int64_t end,
                           size_t max_bytes, struct diag *diag);
// Rows [from, from + count) as a batch in `arena`; columns that are not needed stay zero.
void source_batch(const struct source *source, size_t from, size_t count, const bool *needed,
                  struct arena *arena, struct batch *out);

#endif
