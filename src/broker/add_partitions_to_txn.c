// SPDX-License-Identifier: Apache-2.0
//
// AddPartitionsToTxn: all partitions of a transaction join it, or none. Up to version 3 a client
// names one transaction; from 4 on brokers name several, and may only ask whether partitions are
// part of them.
#include "wire/kafka/add_partitions_to_txn.h"

#include "broker/access.h"
#include "broker/topics.h"
#include "broker/txns.h"
#include "os/clock.h"

enum {
    FENCED_FROM = 2,  // older clients know error 47 only
    BATCHED_FROM = 4, // KIP-890
};

typedef struct kafka_add_partitions_to_txn_request_transaction in_transaction;
typedef struct kafka_add_partitions_to_txn_request_topic in_topic;
typedef struct kafka_add_partitions_to_txn_response_result out_result;
typedef struct kafka_add_partitions_to_txn_response_topic_result out_topic;

struct adding;

struct one {
    struct adding *adding;
    const in_transaction *in;
    out_result *out;
    struct txn_write write;
};

struct adding {
    struct request *request;
    struct kafka_add_partitions_to_txn_response response;
    _Atomic int32_t left; // transactions, and one for the loop that starts them
};

// --- the answer ----------------------------------------------------------------------

static void respond_one(struct adding *adding)
{
    struct kafka_add_partitions_to_txn_response *response = &adding->response;
    const out_result *result = &response->results_by_transaction[0];
    response->results_by_topic_v3_and_below_count = result->topic_results_count;
    response->results_by_topic_v3_and_below = ARENA_ARRAY(
        &adding->request->arena, struct kafka_add_partitions_to_txn_response_v3_topic_result,
        (size_t)result->topic_results_count + 1);
    for (int32_t t = 0; t < result->topic_results_count; t++) {
        const out_topic *from = &result->topic_results[t];
        struct kafka_add_partitions_to_txn_response_v3_topic_result *to =
            &response->results_by_topic_v3_and_below[t];
        to->name = from->name;
        to->results_by_partition_count = from->results_by_partition_count;
        to->results_by_partition =
            ARENA_ARRAY(&adding->request->arena,
                        struct kafka_add_partitions_to_txn_response_v3_partition_result,
                        (size_t)from->results_by_partition_count + 1);
        for (int32_t p = 0; p < from->results_by_partition_count; p++) {
            to->results_by_partition[p].partition_index =
                from->results_by_partition[p].partition_index;
            to->results_by_partition[p].partition_error_code =
                from->results_by_partition[p].partition_error_code;
        }
    }
}

static void one_ends(struct adding *adding)
{
    if (--adding->left > 0)
        return;
    if (request_version(adding->request) < BATCHED_FROM)
        respond_one(adding);
    request_respond(adding->request, &adding->response);
}

static void set_all(struct one *one, err_t err)
{
    if (err == ERR_PRODUCER_FENCED && request_version(one->adding->request) < FENCED_FROM)
        err = ERR_PRODUCER_EPOCH;
    for (int32_t t = 0; t < one->out->topic_results_count; t++)
        for (int32_t p = 0; p < one->out->topic_results[t].results_by_partition_count; p++)
            one->out->topic_results[t].results_by_partition[p].partition_error_code =
                kafka_code(err);
}

static void shape(struct one *one, struct arena *arena)
{
    const in_transaction *in = one->in;
    one->out->transactional_id = in->transactional_id;
    one->out->topic_results_count = in->topics_count;
    one->out->topic_results = ARENA_ARRAY(arena, out_topic, (size_t)in->topics_count + 1);
    for (int32_t t = 0; t < in->topics_count; t++) {
        out_topic *topic = &one->out->topic_results[t];
        topic->name = in->topics[t].name;
        topic->results_by_partition_count = in->topics[t].partitions_count;
        topic->results_by_partition =
            ARENA_ARRAY(arena, struct kafka_add_partitions_to_txn_response_partition_result,
                        (size_t)in->topics[t].partitions_count + 1);
        for (int32_t p = 0; p < topic->results_by_partition_count; p++)
            topic->results_by_partition[p].partition_index = in->topics[t].partitions[p];
    }
}

// --- checks --------------------------------------------------------------------------

// One bad partition keeps the others out.
static bool check_partitions(struct one *one)
{
    struct request *request = one->adding->request;
    bool good = true;
    set_all(one, ERR_OPERATION_NOT_ATTEMPTED);
    for (int32_t t = 0; t < one->in->topics_count; t++) {
        struct bytes name = one->in->topics[t].name;
        struct topic *topic = log_store_topic(request->broker->store, name);
        bool allowed =
            request_version(request) >= BATCHED_FROM ||
            (!txns_internal_topic(name) && request_may(request, ACL_WRITE, ACL_TOPIC, name));
        for (int32_t p = 0; p < one->in->topics[t].partitions_count; p++) {
            bool there = topic && topic_partition(topic, one->in->topics[t].partitions[p]);
            if (allowed && there)
                continue;
            good = false;
            one->out->topic_results[t].results_by_partition[p].partition_error_code =
                kafka_code(allowed ? ERR_UNKNOWN_TOPIC : ERR_TOPIC_UNAUTHORIZED);
        }
        topic_unref(topic);
    }
    return good;
}

// --- one transaction -----------------------------------------------------------------

static void written(struct txn_write *write)
{
    struct one *one = CONTAINER_OF(write, struct one, write);
    set_all(one, write->err);
    one_ends(one->adding);
}

static void verify(struct one *one, struct txn *txn)
{
    const struct txn_caller caller = {one->in->producer_id, one->in->producer_epoch};
    mutex_lock(&txn->lock);
    for (int32_t t = 0; t < one->in->topics_count; t++) {
        const in_topic *topic = &one->in->topics[t];
        for (int32_t p = 0; p < topic->partitions_count; p++)
            one->out->topic_results[t].results_by_partition[p].partition_error_code =
                kafka_code(txn_verify(txn, &caller, topic->name, topic->partitions[p]));
    }
    mutex_unlock(&txn->lock);
    txn_unref(txn);
    one_ends(one->adding);
}

// Takes over the reference.
static void add(struct one *one, struct txn *txn)
{
    struct request *request = one->adding->request;
    const struct txn_caller caller = {one->in->producer_id, one->in->producer_epoch};
    int16_t version = request_version(request) >= BATCHED_FROM ? TXN_VERSION_BUMPS : 0;
    struct txn_partitions partitions = {0};
    enum txn_outcome outcome = TXN_UNCHANGED;
    for (int32_t t = 0; t < one->in->topics_count; t++)
        for (int32_t p = 0; p < one->in->topics[t].partitions_count; p++)
            txn_partitions_add(&partitions, one->in->topics[t].name,
                               one->in->topics[t].partitions[p]);
    mutex_lock(&txn->lock);
    err_t err = txn->gone ? ERR_PRODUCER_ID_MAPPING
                          : txn_add(txn, &caller, &partitions, version, clock_now_ms(), &outcome);
    txn_partitions_release(&partitions);
    if (err == ERR_OK && outcome == TXN_PREPARED) {
        one->write = (struct txn_write){.done = written};
        txns_write(request->broker->txns, txn, &one->write);
        return;
    }
    mutex_unlock(&txn->lock);
    txn_unref(txn);
    set_all(one, err);
    one_ends(one->adding);
}

static void start(struct one *one)
{
    struct request *request = one->adding->request;
    struct bytes id = one->in->transactional_id;
    struct txn *txn = txns_find(request->broker->txns, id);
    if (request_version(request) < BATCHED_FROM &&
        !request_may(request, ACL_WRITE, ACL_TRANSACTIONAL_ID, id)) {
        set_all(one, ERR_TXN_UNAUTHORIZED);
    } else if (!check_partitions(one)) {
        // the partitions tell
    } else if (id.size == 0) {
        set_all(one, ERR_INVALID);
    } else if (!txn) {
        set_all(one, ERR_PRODUCER_ID_MAPPING);
    } else {
        if (one->in->verify_only)
            verify(one, txn);
        else
            add(one, txn);
        return;
    }
    txn_unref(txn);
    one_ends(one->adding);
}

// Versions below 4 as one transaction of the newer shape.
static const in_transaction *transactions(struct request *request, int32_t *count)
{
    const struct kafka_add_partitions_to_txn_request *m = request->message;
    *count = m->transactions_count;
    if (request_version(request) >= BATCHED_FROM)
        return m->transactions;
    in_transaction *only = ARENA_NEW(&request->arena, in_transaction);
    only->transactional_id = m->v3_and_below_transactional_id;
    only->producer_id = m->v3_and_below_producer_id;
    only->producer_epoch = m->v3_and_below_producer_epoch;
    only->topics_count = m->v3_and_below_topics_count;
    only->topics = ARENA_ARRAY(&request->arena, in_topic, (size_t)only->topics_count + 1);
    for (int32_t t = 0; t < only->topics_count; t++) {
        only->topics[t].name = m->v3_and_below_topics[t].name;
        only->topics[t].partitions = m->v3_and_below_topics[t].partitions;
        only->topics[t].partitions_count = m->v3_and_below_topics[t].partitions_count;
    }
    *count = 1;
    return only;
}

void add_partitions_to_txn_handle(struct request *request)
{
    struct adding *adding = ARENA_NEW(&request->arena, struct adding);
    int32_t count;
    const in_transaction *in = transactions(request, &count);
    struct one *ones = ARENA_ARRAY(&request->arena, struct one, (size_t)count + 1);
    adding->request = request;
    kafka_add_partitions_to_txn_response_init(&adding->response);
    if (request_version(request) >= BATCHED_FROM &&
        !request_may_cluster(request, ACL_CLUSTER_ACTION)) {
        adding->response.error_code = kafka_code(ERR_CLUSTER_UNAUTHORIZED);
        request_respond(request, &adding->response);
        return;
    }
    adding->response.results_by_transaction_count = count;
    adding->response.results_by_transaction =
        ARENA_ARRAY(&request->arena, out_result, (size_t)count + 1);
    adding->left = count + 1;
    for (int32_t i = 0; i < count; i++) {
        ones[i] = (struct one){
            .adding = adding, .in = &in[i], .out = &adding->response.results_by_transaction[i]};
        shape(&ones[i], &request->arena);
    }
    for (int32_t i = 0; i < count; i++)
        start(&ones[i]);
    one_ends(adding);
}
