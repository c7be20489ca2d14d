// SPDX-License-Identifier: Apache-2.0
//
// AddOffsetsToTxn: the partition of __consumer_offsets that keeps the group's offsets joins the
// transaction.
#include "wire/kafka/add_offsets_to_txn.h"

#include "broker/access.h"
#include "broker/topics.h"
#include "broker/txns.h"
#include "os/clock.h"

enum { FENCED_FROM = 2 }; // older clients know error 47 only

struct adding {
    struct request *request;
    struct txn_write write;
};

static void respond(struct request *request, err_t err)
{
    struct kafka_add_offsets_to_txn_response response;
    if (err == ERR_PRODUCER_FENCED && request_version(request) < FENCED_FROM)
        err = ERR_PRODUCER_EPOCH;
    kafka_add_offsets_to_txn_response_init(&response);
    response.error_code = kafka_code(err);
    request_respond(request, &response);
}

static void written(struct txn_write *write)
{
    respond(CONTAINER_OF(write, struct adding, write)->request, write->err);
}

// Takes over the reference.
static void add(struct request *request, struct txn *txn)
{
    const struct kafka_add_offsets_to_txn_request *m = request->message;
    const struct txn_caller caller = {m->producer_id, m->producer_epoch};
    struct adding *adding = ARENA_NEW(&request->arena, struct adding);
    struct txn_partitions partitions = {0};
    enum txn_outcome outcome = TXN_UNCHANGED;
    adding->request = request;
    txn_partitions_add(&partitions, bytes_from(OFFSETS_TOPIC), OFFSETS_PARTITION);
    mutex_lock(&txn->lock);
    err_t err = txn->gone ? ERR_PRODUCER_ID_MAPPING
                          : txn_add(txn, &caller, &partitions, 0, clock_now_ms(), &outcome);
    txn_partitions_release(&partitions);
    if (err == ERR_OK && outcome == TXN_PREPARED) {
        adding->write = (struct txn_write){.done = written};
        txns_write(request->broker->txns, txn, &adding->write);
        return;
    }
    mutex_unlock(&txn->lock);
    txn_unref(txn);
    respond(request, err);
}

void add_offsets_to_txn_handle(struct request *request)
{
    const struct kafka_add_offsets_to_txn_request *m = request->message;
    struct txn *txn = txns_find(request->broker->txns, m->transactional_id);
    if (!request_may(request, ACL_WRITE, ACL_TRANSACTIONAL_ID, m->transactional_id))
        respond(request, ERR_TXN_UNAUTHORIZED);
    else if (!request_may(request, ACL_READ, ACL_GROUP, m->group_id))
        respond(request, ERR_GROUP_UNAUTHORIZED);
    else if (m->transactional_id.size == 0)
        respond(request, ERR_INVALID);
    else if (!txn)
        respond(request, ERR_PRODUCER_ID_MAPPING);
    else {
        add(request, txn);
        return;
    }
    txn_unref(txn);
}
