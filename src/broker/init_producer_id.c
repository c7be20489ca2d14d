// SPDX-License-Identifier: Apache-2.0
//
// InitProducerId: a fresh id, epoch 0, for an idempotent producer. For a transactional one its
// transactional id's producer id with the next epoch, which fences whoever had the one before; a
// transaction that one left open is aborted first, and the caller told to come again.
#include "wire/kafka/init_producer_id.h"

#include "broker/access.h"
#include "broker/txns.h"
#include "os/clock.h"

enum { FENCED_FROM = 4 }; // older clients know error 47 only

struct init {
    struct request *request;
    struct kafka_init_producer_id_response response;
    struct txn_write write;
    bool fences;
};

static void respond(struct init *init, err_t err)
{
    struct request *request = init->request;
    if (err == ERR_PRODUCER_FENCED && request_version(request) < FENCED_FROM)
        err = ERR_PRODUCER_EPOCH;
    init->response.error_code = kafka_code(err);
    if (err != ERR_OK) {
        init->response.producer_id = -1;
        init->response.producer_epoch = -1;
    }
    request_respond(request, &init->response);
}

static void written(struct txn_write *write)
{
    struct init *init = CONTAINER_OF(write, struct init, write);
    err_t err = write->err;
    respond(init, err == ERR_OK && init->fences ? ERR_CONCURRENT_TRANSACTIONS : err);
}

static err_t check(struct request *request)
{
    const struct kafka_init_producer_id_request *m = request->message;
    if ((m->producer_id < 0) != (m->producer_epoch < 0))
        return ERR_INVALID;
    if (!m->transactional_id.ptr)
        return request_could(request, ACL_IDEMPOTENT_WRITE, ACL_CLUSTER,
                             bytes_from(ACL_CLUSTER_NAME)) ||
                       request_may_some(request, ACL_WRITE, ACL_TOPIC)
                   ? ERR_OK
                   : ERR_CLUSTER_UNAUTHORIZED;
    if (!request_may(request, ACL_WRITE, ACL_TRANSACTIONAL_ID, m->transactional_id))
        return ERR_TXN_UNAUTHORIZED;
    // Ids are texts here: one with a zero byte would be taken for the shorter one before it.
    if (m->transactional_id.size == 0 ||
        memchr(m->transactional_id.ptr, '\0', m->transactional_id.size))
        return ERR_INVALID;
    return m->transaction_timeout_ms > 0 &&
                   m->transaction_timeout_ms <= setting(request->broker, SETTING_TXN_TIMEOUT_MAX_MS)
               ? ERR_OK
               : ERR_INVALID_TXN_TIMEOUT;
}

// With a reference and the mutex of the txn, which it gives back.
static void prepare(struct init *init, struct txn *txn)
{
    struct request *request = init->request;
    const struct kafka_init_producer_id_request *m = request->message;
    const struct txn_caller expected = {m->producer_id, m->producer_epoch};
    enum txn_outcome outcome;
    int64_t fresh_id = -1;
    err_t err;
    for (;;) {
        err = txn_init(txn, &expected, m->transaction_timeout_ms, fresh_id, TXN_SERVER_VERSION,
                       clock_now_ms(), &outcome);
        if (err != ERR_OK || outcome != TXN_NEEDS_ID)
            break;
        mutex_unlock(&txn->lock);
        err = log_store_producer_id(request->broker->store, &fresh_id, NULL);
        mutex_lock(&txn->lock);
        if (err != ERR_OK)
            break;
    }
    if (err != ERR_OK) {
        mutex_unlock(&txn->lock);
        txn_unref(txn);
        respond(init, err);
        return;
    }
    init->response.producer_id = txn->next.producer_id;
    init->response.producer_epoch = txn->next.epoch;
    init->fences = outcome == TXN_FENCE_FIRST;
    init->write = (struct txn_write){.to_the_end = init->fences, .done = written};
    txns_write(request->broker->txns, txn, &init->write);
}

static void answer(struct request *request)
{
    const struct kafka_init_producer_id_request *m = request->message;
    struct init *init = ARENA_NEW(&request->arena, struct init);
    init->request = request;
    kafka_init_producer_id_response_init(&init->response);
    err_t err = check(request);
    if (err != ERR_OK || !m->transactional_id.ptr) {
        if (err == ERR_OK)
            err = log_store_producer_id(request->broker->store, &init->response.producer_id, NULL);
        respond(init, err);
        return;
    }
    for (;;) {
        struct txn *txn;
        err = txns_get(request->broker->txns, m->transactional_id, &txn, NULL);
        if (err != ERR_OK) {
            respond(init, ERR_COORDINATOR_NOT_AVAILABLE);
            return;
        }
        mutex_lock(&txn->lock);
        if (!txn->gone) {
            prepare(init, txn);
            return;
        }
        mutex_unlock(&txn->lock); // it is being forgotten this moment
        txn_unref(txn);
    }
}

void init_producer_id_handle(struct request *request)
{
    request_work(request, answer);
}
