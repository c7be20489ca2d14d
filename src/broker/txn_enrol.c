// SPDX-License-Identifier: Apache-2.0
#include "broker/txn_enrol.h"

#include "os/clock.h"

static void end(struct txn_enrol *enrol, err_t err)
{
    txn_partitions_release(&enrol->partitions);
    enrol->err = err;
    enrol->done(enrol);
}

static void written_on_loop(struct post *post)
{
    struct txn_enrol *enrol = CONTAINER_OF(post, struct txn_enrol, post);
    end(enrol, enrol->write.err);
}

static void written(struct txn_write *write)
{
    struct txn_enrol *enrol = CONTAINER_OF(write, struct txn_enrol, write);
    loop_post(request_loop(enrol->request), &enrol->post, written_on_loop);
}

static void again_on_loop(struct post *post)
{
    txn_enrol(CONTAINER_OF(post, struct txn_enrol, post));
}

static void woken(struct txn_waiter *waiter)
{
    struct txn_enrol *enrol = CONTAINER_OF(waiter, struct txn_enrol, waiter);
    loop_post(request_loop(enrol->request), &enrol->post, again_on_loop);
}

void txn_enrol(struct txn_enrol *enrol)
{
    struct txn *txn = enrol->txn;
    enum txn_outcome outcome;
    enrol->waiter.wake = woken;
    enrol->write = (struct txn_write){.done = written};
    mutex_lock(&txn->lock);
    err_t err = txn->gone ? ERR_PRODUCER_ID_MAPPING
                          : txn_add(txn, &enrol->caller, &enrol->partitions, TXN_VERSION_BUMPS,
                                    clock_now_ms(), &outcome);
    if (err == ERR_OK && outcome == TXN_PREPARED) {
        txns_write(enrol->request->broker->txns, txn_ref(txn), &enrol->write);
        return;
    }
    bool waits = err == ERR_CONCURRENT_TRANSACTIONS && txns_wait(txn, &enrol->waiter);
    mutex_unlock(&txn->lock);
    if (!waits)
        end(enrol, err);
}
