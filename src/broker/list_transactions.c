// SPDX-License-Identifier: Apache-2.0
//
// ListTransactions, filtered by state, producer id, age and a pattern of the transactional id.
#include "wire/kafka/list_transactions.h"

#include "broker/access.h"
#include "broker/txns.h"
#include "os/clock.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { MATCH_LIMIT = 100000 }; // steps of one match: an evil pattern finds nothing, slowly

struct filter {
    const struct kafka_list_transactions_request *asked;
    bool states[TXN_STATE_COUNT];
    int64_t now_ms;
    pcre2_code *pattern; // NULL: any
    pcre2_match_data *match;
    pcre2_match_context *limits;
};

static err_t open_pattern(struct filter *filter, struct bytes pattern)
{
    int code;
    size_t at;
    if (!pattern.ptr || pattern.size == 0)
        return ERR_OK;
    filter->pattern =
        pcre2_compile(pattern.ptr, pattern.size, PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED,
                      &code, &at, NULL);
    if (!filter->pattern)
        return ERR_INVALID_REGEX;
    filter->match = pcre2_match_data_create_from_pattern(filter->pattern, NULL);
    filter->limits = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(filter->limits, MATCH_LIMIT);
    return ERR_OK;
}

static void close_pattern(struct filter *filter)
{
    pcre2_match_context_free(filter->limits);
    pcre2_match_data_free(filter->match);
    pcre2_code_free(filter->pattern);
}

static bool matches(const struct filter *filter, const char *id)
{
    return !filter->pattern || pcre2_match(filter->pattern, (PCRE2_SPTR)id, strlen(id), 0, 0,
                                           filter->match, filter->limits) >= 0;
}

static bool has_producer(const struct kafka_list_transactions_request *asked, int64_t id)
{
    for (int32_t i = 0; i < asked->producer_id_filters_count; i++)
        if (asked->producer_id_filters[i] == id)
            return true;
    return asked->producer_id_filters_count == 0;
}

static bool passes(const struct filter *filter, const struct txn *txn)
{
    const struct kafka_list_transactions_request *asked = filter->asked;
    const struct txn_meta *now = &txn->now;
    if (txn->gone || now->state == TXN_DEAD || !has_producer(asked, now->producer_id))
        return false;
    if (asked->state_filters_count > 0 && !filter->states[now->state])
        return false;
    if (asked->duration_filter >= 0 && filter->now_ms - now->start_ms <= asked->duration_filter)
        return false;
    return matches(filter, txn->id);
}

static void read_states(struct request *request, struct filter *filter,
                        struct kafka_list_transactions_response *response)
{
    const struct kafka_list_transactions_request *m = request->message;
    response->unknown_state_filters =
        ARENA_ARRAY(&request->arena, struct bytes, (size_t)m->state_filters_count + 1);
    for (int32_t i = 0; i < m->state_filters_count; i++) {
        enum txn_state state;
        if (txn_state_parse(m->state_filters[i], &state))
            filter->states[state] = true;
        else
            response->unknown_state_filters[response->unknown_state_filters_count++] =
                m->state_filters[i];
    }
}

static void list(struct request *request, const struct filter *filter,
                 struct kafka_list_transactions_response *response)
{
    size_t count;
    struct arena *arena = &request->arena;
    struct txn **all = txns_all(request->broker->txns, arena, &count);
    response->transaction_states =
        ARENA_ARRAY(arena, struct kafka_list_transactions_response_transaction_state, count + 1);
    for (size_t i = 0; i < count; i++) {
        struct txn *txn = all[i];
        bool may = request_could(request, ACL_DESCRIBE, ACL_TRANSACTIONAL_ID, bytes_from(txn->id));
        mutex_lock(&txn->lock);
        if (may && passes(filter, txn)) {
            struct kafka_list_transactions_response_transaction_state *out =
                &response->transaction_states[response->transaction_states_count++];
            out->transactional_id = bytes_from(arena_strdup(arena, txn->id));
            out->producer_id = txn->now.producer_id;
            out->transaction_state = bytes_from(txn_state_name(txn->now.state));
        }
        mutex_unlock(&txn->lock);
        txn_unref(txn);
    }
}

static void answer(struct request *request)
{
    const struct kafka_list_transactions_request *m = request->message;
    struct kafka_list_transactions_response response;
    struct filter filter = {.asked = m, .now_ms = clock_now_ms()};
    kafka_list_transactions_response_init(&response);
    err_t err = open_pattern(&filter, m->transactional_id_pattern);
    response.error_code = kafka_code(err);
    if (err == ERR_OK) {
        read_states(request, &filter, &response);
        list(request, &filter, &response);
    }
    close_pattern(&filter);
    request_respond(request, &response);
}

void list_transactions_handle(struct request *request)
{
    request_work(request, answer);
}
