// SPDX-License-Identifier: Apache-2.0
//
// txns_int: what txns.c (the map, writing), txns_mark.c (markers) and txns_load.c (the start, the
// tick) share.
#ifndef BROKER_TXNS_INT_H
#define BROKER_TXNS_INT_H

#include "base/map.h"
#include "broker/groups.h"
#include "broker/ticker.h"
#include "broker/txn_offsets.h"
#include "broker/txns.h"

MAP_DEFINE(txn_map, struct bytes, struct txn *, bytes_hash, bytes_equal);

struct txns {
    struct broker *broker;
    struct mutex lock; // guards map, topic, live; a leaf
    struct cond idle;
    struct txn_map map;
    struct topic *topic; // NULL until the first transactional id
    struct partition *partition;
    size_t live; // appends and works on their way
    struct ticker ticker;
    struct work upkeep;
    bool upkeep_runs;
    _Atomic bool stopping;
    _Atomic int64_t expired_ms; // when old ids were last looked for
};

void txns__live(struct txns *txns, int change);
void txns__take_out(struct txns *txns, struct txn *txn);
struct buf *txns__encode(const struct txn *txn); // txn->next as a batch; mutex held
// Markers of a prepared transaction, then its completion. Without the mutex.
void txns__mark_all(struct txns *txns, struct txn *txn);
// Takes what waits for the txn out of it; mutex held. And calls it; without the mutex.
struct txn_woken {
    struct list waiters;
    void (*ended)(void *ctx, err_t err);
    void *ctx;
};
void txns__take_waiters(struct txn *txn, struct txn_woken *woken);
void txns__wake(struct txn_woken *woken);

#endif
