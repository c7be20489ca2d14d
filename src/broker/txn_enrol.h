// SPDX-License-Identifier: Apache-2.0
//
// txn_enrol: partitions join a transaction because something is about to be written into them
// (Produce from version 12 on, TxnOffsetCommit from 5 on). Unlike AddPartitionsToTxn it waits for a
// change that is on its way, since a client would only come back at once.
#ifndef BROKER_TXN_ENROL_H
#define BROKER_TXN_ENROL_H

#include "broker/txns.h"

struct txn_enrol {
    // in
    struct request *request;
    struct txn *txn; // a reference the caller keeps until done()
    struct txn_caller caller;
    struct txn_partitions partitions; // released by txn_enrol() when it ends
    // On the request's loop, perhaps inside txn_enrol().
    void (*done)(struct txn_enrol *enrol);
    // out: those of txn_add(), ERR_COORDINATOR_NOT_AVAILABLE
    err_t err;
    // private
    struct txn_write write;
    struct txn_waiter waiter;
    struct post post;
};

void txn_enrol(struct txn_enrol *enrol); // LOOP

#endif
