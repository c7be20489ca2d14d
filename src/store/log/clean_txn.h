// SPDX-License-Identifier: Apache-2.0
//
// clean_txn: what compaction has to know of transactions while it walks over the batches of a
// partition: which data was aborted, and which markers have no data left to tell about. Pure.
#ifndef STORE_LOG_CLEAN_TXN_H
#define STORE_LOG_CLEAN_TXN_H

#include "store/log/log_store.h"
#include "store/log/producer.h"

// A producer's transaction that the walk is in.
struct clean_txn {
    bool aborted;
    bool has_data; // the walk has seen some of it
    struct aborted_txn entry;
};

MAP_DEFINE(clean_txn_map, int64_t, struct clean_txn, producer_id_hash, producer_id_equal);

struct clean_txns {
    struct aborted_list aborted; // by first offset: all that touch what is walked over
    struct clean_txn_map open;
    size_t next;   // of aborted, to be met
    int64_t begin; // of the walk
};

// The walk begins at `offset`.
void clean_txns_begin(struct clean_txns *txns, int64_t offset);
// Is this batch of data part of an aborted transaction?
bool clean_txns_data(struct clean_txns *txns, const struct batch_header *header);
// Has this marker nothing left to tell about? If it has, and it aborts, `*entry` is the entry that
// the index of aborted transactions must keep (first_offset -1 = none).
bool clean_txns_marker(struct clean_txns *txns, const struct batch_header *header,
                       struct aborted_txn *entry);
void clean_txns_release(struct clean_txns *txns);

#endif
