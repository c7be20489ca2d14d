// SPDX-License-Identifier: Apache-2.0
//
// EndTxn: commit or abort. Answered when the markers stand, so that who has committed finds it
// committed; what decides is the record before them.
#include "wire/kafka/end_txn.h"

#include "broker/access.h"
#include "broker/txns.h"
#include "os/clock.h"

enum {
    FENCED_FROM = 2, // older clients know error 47 only
    BUMPS_FROM = 5,  // KIP-890
};

struct ending {
    struct request *request;
    struct kafka_end_txn_response response;
    struct txn_write write;
    int64_t fresh_id;
};

static void respond(struct ending *ending, err_t err)
{
    struct request *request = ending->request;
    if (err == ERR_PRODUCER_FENCED && request_version(request) < FENCED_FROM)
        err = ERR_PRODUCER_EPOCH;
    ending->response.error_code = kafka_code(err);
    if (err != ERR_OK) {
        ending->response.producer_id = -1;
        ending->response.producer_epoch = -1;
    }
    request_respond(request, &ending->response);
}

static void written(struct txn_write *write)
{
    respond(CONTAINER_OF(write, struct ending, write), write->err);
}

// What the producer goes on with.
static void tell_next(struct ending *ending, const struct txn_meta *meta)
{
    if (request_version(ending->request) < BUMPS_FROM)
        return;
    bool rotates = meta->next_id >= 0;
    ending->response.producer_id = rotates ? meta->next_id : meta->producer_id;
    ending->response.producer_epoch = rotates ? 0 : meta->epoch;
}

static void work_with_id(struct request *request);

// Takes over the reference.
static void end(struct ending *ending, struct txn *txn)
{
    struct request *request = ending->request;
    const struct kafka_end_txn_request *m = request->message;
    const struct txn_caller caller = {m->producer_id, m->producer_epoch};
    int16_t version = request_version(request) >= BUMPS_FROM ? TXN_VERSION_BUMPS : 0;
    enum txn_outcome outcome = TXN_UNCHANGED;
    mutex_lock(&txn->lock);
    err_t err = txn->gone ? ERR_PRODUCER_ID_MAPPING
                          : txn_end(txn, &caller, m->committed, version, ending->fresh_id,
                                    clock_now_ms(), &outcome);
    if (err == ERR_OK && outcome == TXN_PREPARED) {
        tell_next(ending, &txn->next);
        ending->write = (struct txn_write){.to_the_end = true, .done = written};
        txns_write(request->broker->txns, txn, &ending->write);
        return;
    }
    if (err == ERR_OK)
        tell_next(ending, &txn->now);
    mutex_unlock(&txn->lock);
    txn_unref(txn);
    if (err == ERR_OK && outcome == TXN_NEEDS_ID)
        request_work(request, work_with_id);
    else
        respond(ending, err);
}

static void start(struct ending *ending)
{
    struct request *request = ending->request;
    const struct kafka_end_txn_request *m = request->message;
    struct txn *txn = txns_find(request->broker->txns, m->transactional_id);
    if (!request_may(request, ACL_WRITE, ACL_TRANSACTIONAL_ID, m->transactional_id))
        respond(ending, ERR_TXN_UNAUTHORIZED);
    else if (m->transactional_id.size == 0)
        respond(ending, ERR_INVALID);
    else if (!txn)
        respond(ending, ERR_PRODUCER_ID_MAPPING);
    else {
        end(ending, txn);
        return;
    }
    txn_unref(txn);
}

static void work_with_id(struct request *request)
{
    struct ending *ending = request->state;
    err_t err = log_store_producer_id(request->broker->store, &ending->fresh_id, NULL);
    if (err == ERR_OK)
        start(ending);
    else
        respond(ending, ERR_COORDINATOR_NOT_AVAILABLE);
}

void end_txn_handle(struct request *request)
{
    struct ending *ending = ARENA_NEW(&request->arena, struct ending);
    request->state = ending;
    ending->request = request;
    ending->fresh_id = -1;
    kafka_end_txn_response_init(&ending->response);
    ending->response.producer_epoch = -1;
    start(ending);
}
