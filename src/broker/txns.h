// SPDX-License-Identifier: Apache-2.0
//
// txns: all transactional ids of the broker, the topic that keeps them (__transaction_state), the
// markers that end transactions, and the tick that aborts those whose time is over.
//
// A change is written before anybody learns of it; a commit or abort is decided by its
// PrepareCommit or PrepareAbort record. After a crash those are ended again from there: their
// markers are written once more, which changes nothing where they stand already. An open
// transaction in a partition that no record knows of is aborted at the start.
//
// Thread     any, except where it says BLOCKS: those not on a loop.
#ifndef BROKER_TXNS_H
#define BROKER_TXNS_H

#include "broker/broker_int.h"
#include "broker/txn.h"

enum {
    TXN_IDS_MAX = 200000,
    // What ApiVersions says of transaction.version, and how the coordinator itself aborts.
    TXN_SERVER_VERSION = 2,
    OFFSETS_PARTITION = 0, // of __consumer_offsets, for every group
};

struct txns;

// Loads __transaction_state if it is there, after the groups. BLOCKS
MUST_USE err_t txns_open(struct txns **out, struct broker *broker, struct diag *diag);
// No more timeouts; waits for what is on its way. Before the listener closes. BLOCKS
void txns_stop(struct txns *txns);
void txns_close(struct txns *txns); // BLOCKS

bool txns_internal_topic(struct bytes name); // no client writes into it

struct txn *txns_find(struct txns *txns, struct bytes id); // a reference; NULL if absent
// A reference; made if absent, and so is the topic. ERR_OVERLOADED. BLOCKS
MUST_USE err_t txns_get(struct txns *txns, struct bytes id, struct txn **out, struct diag *diag);
// References for the caller, sorted by id, in `arena`.
struct txn **txns_all(struct txns *txns, struct arena *arena, size_t *count);

// txn->next on its way into the log.
struct txn_write {
    // in
    bool to_the_end; // PrepareCommit, PrepareAbort: done when the markers stand, or cannot now
    // Written and applied, or failed (ERR_COORDINATOR_NOT_AVAILABLE) and taken back. Any thread,
    // without the mutex, perhaps inside txns_write().
    void (*done)(struct txn_write *write);
    // out
    err_t err;
    // private
    struct txns *txns;
    struct txn *txn;
    struct append append;
};
// With the txn's mutex held and pending; gives the mutex back and takes over the caller's
// reference.
void txns_write(struct txns *txns, struct txn *txn, struct txn_write *write);

// Calls waiter->wake() when the change that is pending, or the writing of markers, is over. False
// when there is neither. Mutex held.
bool txns_wait(struct txn *txn, struct txn_waiter *waiter);

// Writes one marker into a partition and ends the offsets that wait for it; done(ctx, err) on any
// thread.
struct marker;
void txns_mark(struct txns *txns, struct topic *topic, int32_t index, const struct marker *marker,
               uint8_t version, void (*done)(void *ctx, err_t err), void *ctx);

#endif
