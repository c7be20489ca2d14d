// SPDX-License-Identifier: Apache-2.0
//
// txn: the transactions of one transactional id. A state machine without I/O, after Kafka's
// TransactionCoordinator.
//
//     Empty ──add──▶ Ongoing ──end──▶ PrepareCommit ──markers──▶ CompleteCommit ──add──▶ Ongoing
//       ▲               │                                              │
//       │               └──end, timeout, fence──▶ PrepareAbort ──▶ CompleteAbort
//       └───────────── init (a new epoch: older producers are fenced) ──┘
//
// A call that wants a change only prepares it: `next` is what has to be written to
// __transaction_state, `pending` says so and keeps every other change away until txn_apply() (it is
// written) or txn_revert() (it could not be). From PrepareCommit and PrepareAbort on the outcome is
// decided, whatever happens.
//
// With version 2 of the protocol (KIP-890) every end moves the epoch on, so that a late request of
// one transaction cannot get into the next.
//
// Thread     any; with the mutex held, unless it says otherwise. Order: txn, group, partition.
#ifndef BROKER_TXN_H
#define BROKER_TXN_H

#include "base/bytes.h"
#include "base/diag.h"
#include "base/list.h"
#include "base/vec.h"
#include "os/thread.h"

enum {
    TXN_VERSION_BUMPS = 2, // of the protocol, from here on every end moves the epoch
    TXN_PARTITIONS_MAX = 100000,
};

// The values stand in __transaction_state.
enum txn_state {
    TXN_EMPTY = 0,
    TXN_ONGOING = 1,
    TXN_PREPARE_COMMIT = 2,
    TXN_PREPARE_ABORT = 3,
    TXN_COMPLETE_COMMIT = 4,
    TXN_COMPLETE_ABORT = 5,
    TXN_DEAD = 6, // being forgotten
    TXN_PREPARE_EPOCH_FENCE = 7,
};
enum { TXN_STATE_COUNT = 8 };

struct txn_topic {
    char *name;
    VEC(int32_t) indexes; // ascending
};

struct txn_partitions {
    VEC(struct txn_topic) topics;
    size_t count; // partitions
};

// What a record says, but for the partitions.
struct txn_meta {
    enum txn_state state;
    int64_t producer_id;
    int64_t previous_id; // the producer id before the last change; -1 = none
    int64_t next_id;     // takes over when the transaction is complete; -1 = none
    int16_t epoch;       // -1 = none yet
    int16_t last_epoch;  // of a producer that may repeat its init; -1 = none. Not in the log
    int32_t timeout_ms;
    int64_t start_ms; // of the transaction; -1 = none
    int64_t update_ms;
    int16_t version; // of the protocol that made the last change
};

struct txn_waiter {
    void (*wake)(struct txn_waiter *waiter); // any thread, without the mutex
    struct list link;                        // private
};

struct txn {
    char *id;
    struct mutex lock;
    _Atomic unsigned refs;
    struct txn_meta now;
    struct txn_partitions partitions;
    bool pending;
    struct txn_meta next;
    struct txn_partitions added; // joins `partitions` with `next`
    bool writing_markers;        // txns.c's, as are the next
    bool gone;                   // forgotten: ask for the id again
    void (*ended)(void *ctx, err_t err);
    void *ended_ctx;
    struct list waiters; // for pending to end, or the markers
};

struct txn *txn_new(struct bytes id); // one reference
struct txn *txn_ref(struct txn *txn);
void txn_unref(struct txn *txn); // NULL is fine

// The producer that calls. id -1: it says nothing of itself (InitProducerId).
struct txn_caller {
    int64_t producer_id;
    int16_t epoch;
};

// Has the producer id no epoch left to give out? Then the next change needs a fresh id.
bool txn_exhausted(const struct txn *txn);

enum txn_outcome {
    TXN_UNCHANGED,
    TXN_PREPARED,    // `next` has to be written
    TXN_FENCE_FIRST, // InitProducerId: the open transaction is being aborted (`next`)
    TXN_NEEDS_ID,    // call again with a fresh producer id
};

// InitProducerId. fresh_id -1: none there yet.
// ERR_CONCURRENT_TRANSACTIONS, ERR_PRODUCER_FENCED.
MUST_USE err_t txn_init(struct txn *txn, const struct txn_caller *expected, int32_t timeout_ms,
                        int64_t fresh_id, int16_t server_version, int64_t now_ms,
                        enum txn_outcome *outcome);
// Partitions join the transaction; the first of them begin it. ERR_CONCURRENT_TRANSACTIONS,
// ERR_PRODUCER_ID_MAPPING, ERR_PRODUCER_FENCED, ERR_OVERLOADED.
MUST_USE err_t txn_add(struct txn *txn, const struct txn_caller *caller,
                       const struct txn_partitions *adding, int16_t version, int64_t now_ms,
                       enum txn_outcome *outcome);
// The producer commits or aborts. TXN_UNCHANGED: it has been done already.
// As txn_add(), and ERR_INVALID_TXN_STATE.
MUST_USE err_t txn_end(struct txn *txn, const struct txn_caller *caller, bool commit,
                       int16_t version, int64_t fresh_id, int64_t now_ms,
                       enum txn_outcome *outcome);
// The coordinator aborts an ongoing transaction, with a new epoch: timeout, or a newer producer.
MUST_USE err_t txn_fence(struct txn *txn, int16_t version, int64_t fresh_id, int64_t now_ms,
                         enum txn_outcome *outcome);
// All markers are written.
void txn_complete(struct txn *txn, int64_t now_ms);
void txn_expire(struct txn *txn, int64_t now_ms); // prepares Dead

void txn_apply(struct txn *txn);
void txn_revert(struct txn *txn);

// May the producer write into the partition now? ERR_PRODUCER_ID_MAPPING, ERR_PRODUCER_FENCED,
// ERR_CONCURRENT_TRANSACTIONS, ERR_TRANSACTION_ABORTABLE (the partition is not part of it).
MUST_USE err_t txn_verify(const struct txn *txn, const struct txn_caller *caller,
                          struct bytes topic, int32_t index);

bool txn_prepared(const struct txn *txn);         // PrepareCommit or PrepareAbort
const char *txn_state_name(enum txn_state state); // "Ongoing"
bool txn_state_parse(struct bytes name, enum txn_state *out);

bool txn_partitions_has(const struct txn_partitions *partitions, struct bytes topic, int32_t index);
void txn_partitions_add(struct txn_partitions *partitions, struct bytes topic, int32_t index);
void txn_partitions_remove(struct txn_partitions *partitions, struct bytes topic, int32_t index);
void txn_partitions_release(struct txn_partitions *partitions);

#endif
