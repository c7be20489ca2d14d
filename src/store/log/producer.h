// SPDX-License-Identifier: Apache-2.0
//
// producer: what one partition remembers of each idempotent producer, so a repeated batch is found
// and a missing one is noticed: the epoch and the last five batches.
//
// Thread     the store's writer thread only, and recovery before that starts.
// Errors     ERR_DUPLICATE_SEQUENCE (was written before, see `struct producer_match`),
//            ERR_OUT_OF_ORDER_SEQUENCE, ERR_PRODUCER_EPOCH.
#ifndef STORE_LOG_PRODUCER_H
#define STORE_LOG_PRODUCER_H

#include "base/map.h"
#include "base/str.h"
#include "wire/kafka/batch_header.h"
#include "wire/reader.h"

enum {
    PRODUCER_BATCHES = 5,
    PRODUCERS_MAX = 20000, // of a partition; past it those unseen for longest are forgotten
};

struct producer_batch {
    int32_t first_sequence;
    int32_t last_sequence;
    int64_t base_offset;
    int64_t last_offset;
};

struct producer {
    int64_t id;
    int64_t seen_ms; // wall clock of the last append, for expiry: never the records' own time
    int16_t epoch;
    uint8_t batch_count;
    struct producer_batch batches[PRODUCER_BATCHES]; // oldest first
};

static inline uint64_t producer_id_hash(int64_t id)
{
    return hash_u64((uint64_t)id);
}
static inline bool producer_id_equal(int64_t a, int64_t b)
{
    return a == b;
}
MAP_DEFINE(producer_map, int64_t, struct producer *, producer_id_hash, producer_id_equal);

struct producers {
    struct producer_map map;
};

struct producer_match {
    int64_t base_offset;
    int64_t last_offset;
};

// What stood there before a record, to take it back when the write fails.
struct producer_undo {
    bool existed;
    struct producer before; // id is always set
};

// May this batch be written next? A batch without a producer id always may.
MUST_USE err_t producers_admit(const struct producers *producers, const struct batch_header *header,
                               struct producer_match *match, struct diag *diag);
// Remembers a batch with its offsets assigned. `undo` may be NULL.
void producers_record(struct producers *producers, const struct batch_header *header,
                      int64_t now_ms, struct producer_undo *undo);
void producers_undo(struct producers *producers, const struct producer_undo *undo);
// Forgets producers not seen since `before_ms`.
void producers_expire(struct producers *producers, int64_t before_ms);
void producers_write(const struct producers *producers, struct str *out);
// Reads what producers_write wrote; the reader fails on nonsense.
void producers_read(struct producers *producers, struct reader *reader);
void producers_release(struct producers *producers);

#endif
