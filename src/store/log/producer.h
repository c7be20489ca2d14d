// SPDX-License-Identifier: Apache-2.0
//
// producer: what one partition remembers of each producer that has an id, so a repeated batch is
// found and a missing one is noticed: the epoch, the last five batches, and where its open
// transaction begins.
//
// Thread     the store's writer thread only, and recovery before that starts.
// Errors     ERR_DUPLICATE_SEQUENCE (was written before, see `struct producer_match`),
//            ERR_OUT_OF_ORDER_SEQUENCE, ERR_PRODUCER_EPOCH, ERR_INVALID_TXN_STATE,
//            ERR_TXN_COORDINATOR_FENCED.
#ifndef STORE_LOG_PRODUCER_H
#define STORE_LOG_PRODUCER_H

#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"
#include "wire/kafka/batch_header.h"
#include "wire/kafka/marker.h"
#include "wire/reader.h"

enum {
    PRODUCER_BATCHES = 5,
    PRODUCERS_MAX = 20000, // of a partition; past it those unseen for longest are forgotten, but
                           // for those in a transaction
    PRODUCER_BUMPS = 2,    // from this transaction version on a marker has a newer epoch
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
    int64_t last_timestamp;    // the newest of the last batch's records, or of the marker
    int64_t txn_first_offset;  // of the open transaction; -1 = none
    int32_t coordinator_epoch; // of the last marker; -1 = none yet
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

// The first batch of an open transaction.
struct open_txn {
    int64_t first_offset;
    int64_t producer_id;
    int64_t segment_base; // with `position`: where it lies; -1 = not known
    int64_t position;
};

struct producers {
    struct producer_map map;
    VEC(struct open_txn) open; // by first_offset
};

// One batch about to be written.
struct producer_write {
    const struct batch_header *header; // producers_record(): with its offset
    const struct marker *marker;       // a control batch's; NULL: data
    bool internal;        // the broker's own data (committed offsets): it has no sequence
    uint8_t txn_version;  // 2: the transaction's protocol moves the epoch with every end
    int64_t segment_base; // where it goes; -1 = not known
    int64_t position;
    int64_t now_ms;
};

// A transaction that a marker has ended here.
struct ended_txn {
    int64_t first_offset; // -1: there was none
    int64_t stable;       // the last stable offset afterwards
};

struct producer_match {
    int64_t base_offset;
    int64_t last_offset;
};

// What stood there before a record, to take it back when the write fails.
struct producer_undo {
    bool existed;
    struct producer before; // id is always set
    struct open_txn open;   // of `before`
};

// May this batch be written next? A batch without a producer id always may.
MUST_USE err_t producers_admit(const struct producers *producers,
                               const struct producer_write *write, struct producer_match *match,
                               struct diag *diag);
// Remembers a batch with its offsets assigned. `undo` and `ended` may be NULL.
void producers_record(struct producers *producers, const struct producer_write *write,
                      struct producer_undo *undo, struct ended_txn *ended);
void producers_undo(struct producers *producers, const struct producer_undo *undo);
// Forgets producers not seen since `before_ms`, but for those in a transaction.
void producers_expire(struct producers *producers, int64_t before_ms);
void producers_write(const struct producers *producers, struct str *out);
// Reads what producers_write wrote; the reader fails on nonsense.
void producers_read(struct producers *producers, struct reader *reader);
void producers_release(struct producers *producers);

#endif
