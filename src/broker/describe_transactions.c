// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/describe_transactions.h"

#include "broker/access.h"
#include "broker/txns.h"

typedef struct kafka_describe_transactions_response_transaction_state out_state;
typedef struct kafka_describe_transactions_response_topic_data out_topic;

static void fill_topics(struct request *request, const struct txn *txn, out_state *out)
{
    struct arena *arena = &request->arena;
    out->topics = ARENA_ARRAY(arena, out_topic, txn->partitions.topics.count + 1);
    for (size_t t = 0; t < txn->partitions.topics.count; t++) {
        const struct txn_topic *in = &txn->partitions.topics.items[t];
        if (!request_could(request, ACL_DESCRIBE, ACL_TOPIC, bytes_from(in->name)))
            continue;
        out_topic *topic = &out->topics[out->topics_count++];
        topic->topic = bytes_from(arena_strdup(arena, in->name));
        topic->partitions_count = (int32_t)in->indexes.count;
        topic->partitions =
            arena_dup(arena, in->indexes.items, in->indexes.count * sizeof *in->indexes.items);
    }
}

static void fill(struct request *request, struct txn *txn, out_state *out)
{
    mutex_lock(&txn->lock);
    if (txn->gone) {
        out->error_code = kafka_code(ERR_TRANSACTIONAL_ID_NOT_FOUND);
    } else {
        out->producer_id = txn->now.producer_id;
        out->producer_epoch = txn->now.epoch;
        out->transaction_state = bytes_from(txn_state_name(txn->now.state));
        out->transaction_timeout_ms = txn->now.timeout_ms;
        out->transaction_start_time_ms = txn->now.start_ms;
        fill_topics(request, txn, out);
    }
    mutex_unlock(&txn->lock);
}

static void describe(struct request *request, struct bytes id, out_state *out)
{
    out->transactional_id = id;
    struct txn *txn = txns_find(request->broker->txns, id);
    if (!request_may(request, ACL_DESCRIBE, ACL_TRANSACTIONAL_ID, id))
        out->error_code = kafka_code(ERR_TXN_UNAUTHORIZED);
    else if (id.size == 0)
        out->error_code = kafka_code(ERR_INVALID);
    else if (!txn)
        out->error_code = kafka_code(ERR_TRANSACTIONAL_ID_NOT_FOUND);
    else
        fill(request, txn, out);
    txn_unref(txn);
}

void describe_transactions_handle(struct request *request)
{
    const struct kafka_describe_transactions_request *m = request->message;
    struct kafka_describe_transactions_response response;
    kafka_describe_transactions_response_init(&response);
    response.transaction_states_count = m->transactional_ids_count;
    response.transaction_states =
        ARENA_ARRAY(&request->arena, out_state, (size_t)m->transactional_ids_count + 1);
    for (int32_t i = 0; i < m->transactional_ids_count; i++) {
        kafka_describe_transactions_response_transaction_state_init(
            &response.transaction_states[i]);
        describe(request, m->transactional_ids[i], &response.transaction_states[i]);
    }
    request_respond(request, &response);
}
