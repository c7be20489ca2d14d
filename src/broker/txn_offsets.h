// SPDX-License-Identifier: Apache-2.0
//
// txn_offsets: offsets that were committed inside a transaction and wait for its end.
//
// They lie in __consumer_offsets as batches of the transaction. Until its marker stands behind them
// nobody reads them, and whoever asks for stable offsets of such a partition is told to wait; a
// restart finds them again in the log.
//
// Thread     any; a small mutex that is taken last but for a partition's.
#ifndef BROKER_TXN_OFFSETS_H
#define BROKER_TXN_OFFSETS_H

#include "broker/groups.h"

struct txn_offsets;

struct txn_offsets *txn_offsets_new(void);
void txn_offsets_free(struct txn_offsets *offsets);

// One batch of a transaction.
struct txn_offset_write {
    // in
    int64_t producer_id;
    int16_t epoch;
    uint8_t version; // of the transaction's protocol
    struct bytes group;
    const struct offset_change *changes; // live until done()
    size_t count;
    // Durable, or failed. Any thread, perhaps inside txn_offsets_write(): must not take a mutex.
    void (*done)(struct txn_offset_write *write);
    // out
    err_t err;
    // private
    struct txn_offsets *offsets;
    struct append append;
};

// With the group's mutex held, so that whoever gets the partition next already waits for it.
void txn_offsets_write(struct txn_offsets *offsets, struct txn_offset_write *write,
                       struct partition *partition);
// Is a transaction about to change it?
bool txn_offsets_pending(struct txn_offsets *offsets, struct bytes group, struct bytes topic,
                         int32_t partition);
// The transaction of the producer is over: its offsets count, or are forgotten. Without a group's
// mutex.
void txn_offsets_end(struct txn_offsets *offsets, struct groups *groups, int64_t producer_id,
                     bool commit);
// A deleted group, or (topic given) a deleted offset, has none waiting either.
void txn_offsets_forget(struct txn_offsets *offsets, struct bytes group, struct bytes topic,
                        int32_t partition);
// While loading: a record of a transaction.
void txn_offsets_load(struct txn_offsets *offsets, int64_t producer_id,
                      const struct offset_record *record);

#endif
