// SPDX-License-Identifier: Apache-2.0
//
// log_port: a log of topics, as the services see it. Our own broker, the client to a real Kafka and
// an in-memory fake implement it.
//
// Thread     any thread but a loop's; every operation BLOCKS unless it says otherwise.
// Shapes     record batches are Kafka v2, byte for byte (wire/kafka/record.h reads and writes
// them). Errors     ERR_UNKNOWN_TOPIC, ERR_INVALID_TOPIC, ERR_OFFSET_OUT_OF_RANGE, ERR_IO,
// ERR_TIMEOUT, ...
#ifndef PORT_LOG_PORT_H
#define PORT_LOG_PORT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"

struct log_topic {
    const char *name;
    int32_t partitions;
    bool internal;
    int64_t bytes;   // on disk
    int64_t records; // sum over partitions of end - start
};

struct log_header {
    struct bytes key, value;
};

struct log_record {
    int64_t timestamp_ms; // -1 = now
    struct bytes key;     // ptr NULL = null
    struct bytes value;   // ptr NULL = null
    const struct log_header *headers;
    size_t header_count;
};

struct log_group_offset {
    const char *topic;
    int32_t partition;
    int64_t committed; // next offset to read
    int64_t end;       // high watermark
};

struct log_group {
    const char *id;
    const char *state; // "Stable", "Empty", ...
    size_t member_count;
    const struct log_group_offset *offsets;
    size_t offset_count;
};

typedef void (*log_watch_fn)(void *ctx);
struct log_watch;

struct log_port_ops {
    // All topics, sorted by name; the memory is in `arena`.
    err_t (*topics)(void *self, struct arena *arena, const struct log_topic **out, size_t *count,
                    struct diag *diag);
    // Makes the topic if it is absent (partitions <= 0: the broker's default); tells its
    // partitions.
    err_t (*ensure)(void *self, const char *topic, int32_t partitions, int32_t *out,
                    struct diag *diag);
    err_t (*remove)(void *self, const char *topic, struct diag *diag);
    // First offset held, and the end: nothing behind it is committed yet.
    err_t (*offsets)(void *self, const char *topic, int32_t partition, int64_t *start, int64_t *end,
                     struct diag *diag);
    // First offset whose record has timestamp >= `timestamp_ms`, or the end.
    err_t (*offset_at)(void *self, const char *topic, int32_t partition, int64_t timestamp_ms,
                       int64_t *out, struct diag *diag);
    // Appends records as one batch per partition touched; partition -1 = by key (murmur2), round
    // robin without key. Returns when they are on disk. `*base_offset` (may be NULL) is that of the
    // first record's batch.
    err_t (*append)(void *self, const char *topic, int32_t partition,
                    const struct log_record *records, size_t count, int64_t *base_offset,
                    struct diag *diag);
    // Whole batches from the one that holds `offset` on, at most about max_bytes but at least one
    // batch; `*out` is NULL when `offset` is the end. The caller unrefs it. The first batch may
    // begin before `offset`. Committed records only: a batch that was aborted, or is the log's own,
    // comes without records.
    err_t (*read)(void *self, const char *topic, int32_t partition, int64_t offset,
                  size_t max_bytes, struct buf **out, struct diag *diag);
    // Calls fn(ctx) (any thread; it must not block or call back) whenever `topic` has got new
    // records.
    err_t (*watch)(void *self, const char *topic, log_watch_fn fn, void *ctx,
                   struct log_watch **out, struct diag *diag);
    void (*unwatch)(void *self, struct log_watch *watch); // fn is not called once this returns
    // Commits the offsets of a group that has no members (a stream's progress, shown to lag tools).
    err_t (*commit)(void *self, const char *group, const char *topic, const int32_t *partitions,
                    const int64_t *offsets, size_t count, struct diag *diag);
    err_t (*groups)(void *self, struct arena *arena, const struct log_group **out, size_t *count,
                    struct diag *diag);
};

struct log_port {
    const struct log_port_ops *ops;
    void *self;
};

#endif
