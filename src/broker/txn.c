// SPDX-License-Identifier: Apache-2.0
#include "broker/txn.h"

#include <assert.h>

// --- partitions ----------------------------------------------------------------------

static struct txn_topic *find_topic(const struct txn_partitions *partitions, struct bytes name)
{
    for (size_t i = 0; i < partitions->topics.count; i++)
        if (bytes_equal(bytes_from(partitions->topics.items[i].name), name))
            return &partitions->topics.items[i];
    return NULL;
}

// Where the index stands, or would.
static size_t place_of(const struct txn_topic *topic, int32_t index)
{
    size_t low = 0, high = topic->indexes.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (topic->indexes.items[middle] < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool stands_at(const struct txn_topic *topic, size_t at, int32_t index)
{
    return at < topic->indexes.count && topic->indexes.items[at] == index;
}

bool txn_partitions_has(const struct txn_partitions *partitions, struct bytes topic, int32_t index)
{
    const struct txn_topic *found = find_topic(partitions, topic);
    return found && stands_at(found, place_of(found, index), index);
}

void txn_partitions_add(struct txn_partitions *partitions, struct bytes topic, int32_t index)
{
    struct txn_topic *found = find_topic(partitions, topic);
    if (!found) {
        struct txn_topic added = {.name = mem_printf("%.*s", BYTES_PRINT(topic))};
        vec_push(&partitions->topics, added);
        found = &partitions->topics.items[partitions->topics.count - 1];
    }
    size_t at = place_of(found, index);
    if (stands_at(found, at, index))
        return;
    vec_push(&found->indexes, index);
    memmove(found->indexes.items + at + 1, found->indexes.items + at,
            (found->indexes.count - 1 - at) * sizeof *found->indexes.items);
    found->indexes.items[at] = index;
    partitions->count++;
}

void txn_partitions_remove(struct txn_partitions *partitions, struct bytes topic, int32_t index)
{
    struct txn_topic *found = find_topic(partitions, topic);
    size_t at = found ? place_of(found, index) : 0;
    if (!found || !stands_at(found, at, index))
        return;
    vec_remove(&found->indexes, at);
    partitions->count--;
    if (found->indexes.count > 0)
        return;
    vec_release(&found->indexes);
    mem_free(found->name);
    vec_remove(&partitions->topics, (size_t)(found - partitions->topics.items));
}

void txn_partitions_release(struct txn_partitions *partitions)
{
    for (size_t i = 0; i < partitions->topics.count; i++) {
        vec_release(&partitions->topics.items[i].indexes);
        mem_free(partitions->topics.items[i].name);
    }
    vec_release(&partitions->topics);
    partitions->count = 0;
}

static void join(struct txn_partitions *into, const struct txn_partitions *from, bool only_new,
                 const struct txn_partitions *known)
{
    for (size_t t = 0; t < from->topics.count; t++) {
        const struct txn_topic *topic = &from->topics.items[t];
        struct bytes name = bytes_from(topic->name);
        for (size_t i = 0; i < topic->indexes.count; i++)
            if (!only_new || !txn_partitions_has(known, name, topic->indexes.items[i]))
                txn_partitions_add(into, name, topic->indexes.items[i]);
    }
}

// --- life ----------------------------------------------------------------------------

struct txn *txn_new(struct bytes id)
{
    struct txn *txn = MEM_NEW(struct txn);
    txn->id = mem_printf("%.*s", BYTES_PRINT(id));
    txn->refs = 1;
    mutex_init(&txn->lock);
    list_init(&txn->waiters);
    txn->now = (struct txn_meta){.state = TXN_EMPTY,
                                 .producer_id = -1,
                                 .previous_id = -1,
                                 .next_id = -1,
                                 .epoch = -1,
                                 .last_epoch = -1,
                                 .start_ms = -1};
    return txn;
}

struct txn *txn_ref(struct txn *txn)
{
    txn->refs++;
    return txn;
}

void txn_unref(struct txn *txn)
{
    if (!txn || --txn->refs > 0)
        return;
    txn_partitions_release(&txn->partitions);
    txn_partitions_release(&txn->added);
    mutex_release(&txn->lock);
    mem_free(txn->id);
    mem_free(txn);
}

// --- changes -------------------------------------------------------------------------

static const char *const state_names[TXN_STATE_COUNT] = {
    "Empty",          "Ongoing",       "PrepareCommit", "PrepareAbort",
    "CompleteCommit", "CompleteAbort", "Dead",          "PrepareEpochFence",
};

const char *txn_state_name(enum txn_state state)
{
    return state_names[state];
}

bool txn_state_parse(struct bytes name, enum txn_state *out)
{
    for (int i = 0; i < TXN_STATE_COUNT; i++) {
        if (!bytes_equal(name, bytes_from(state_names[i])))
            continue;
        *out = (enum txn_state)i;
        return true;
    }
    return false;
}

bool txn_prepared(const struct txn *txn)
{
    return txn->now.state == TXN_PREPARE_COMMIT || txn->now.state == TXN_PREPARE_ABORT;
}

static bool exhausted(int16_t epoch)
{
    return epoch >= INT16_MAX - 1; // the last one is for fencing
}

bool txn_exhausted(const struct txn *txn)
{
    return exhausted(txn->now.epoch);
}

// A copy of the present to be changed.
static struct txn_meta *prepare(struct txn *txn, enum txn_state state, int64_t now_ms)
{
    assert(mutex_held(&txn->lock) && !txn->pending);
    txn->pending = true;
    txn->next = txn->now;
    txn->next.state = state;
    txn->next.previous_id = txn->now.producer_id;
    txn->next.update_ms = now_ms;
    return &txn->next;
}

void txn_apply(struct txn *txn)
{
    assert(mutex_held(&txn->lock) && txn->pending);
    if (txn->next.state == TXN_ONGOING)
        join(&txn->partitions, &txn->added, false, NULL);
    else if (txn->next.state != TXN_PREPARE_COMMIT && txn->next.state != TXN_PREPARE_ABORT)
        txn_partitions_release(&txn->partitions);
    txn->now = txn->next;
    txn_revert(txn);
}

void txn_revert(struct txn *txn)
{
    txn_partitions_release(&txn->added);
    txn->pending = false;
}

// --- init ----------------------------------------------------------------------------

static bool may_init(const struct txn_meta *now, const struct txn_caller *expected)
{
    return expected->producer_id < 0 || now->epoch < 0 ||
           expected->producer_id == now->producer_id ||
           (expected->producer_id == now->previous_id && exhausted(expected->epoch));
}

static void init_rotate(struct txn *txn, const struct txn_caller *expected, int64_t fresh_id,
                        int64_t now_ms)
{
    struct txn_meta *next = prepare(txn, TXN_EMPTY, now_ms);
    next->producer_id = fresh_id;
    next->epoch = 0;
    next->last_epoch = expected->producer_id >= 0 ? txn->now.epoch : -1;
}

static err_t init_next_epoch(struct txn *txn, const struct txn_caller *expected, int64_t now_ms)
{
    const struct txn_meta *now = &txn->now;
    bool anonymous = expected->producer_id < 0;
    bool current = now->epoch < 0 || expected->epoch == now->epoch;
    // A repetition of an init that succeeded. No newer producer can have come: it would have
    // cleared last_epoch.
    bool repeats = !anonymous && !current && expected->epoch == now->last_epoch;
    if (!anonymous && !current && !repeats)
        return ERR_PRODUCER_FENCED;
    struct txn_meta *next = prepare(txn, TXN_EMPTY, now_ms);
    if (repeats)
        return ERR_OK;
    next->epoch = (int16_t)(now->epoch + 1);
    next->last_epoch = anonymous ? -1 : now->epoch;
    return ERR_OK;
}

err_t txn_init(struct txn *txn, const struct txn_caller *expected, int32_t timeout_ms,
               int64_t fresh_id, int16_t server_version, int64_t now_ms, enum txn_outcome *outcome)
{
    *outcome = TXN_PREPARED;
    if (txn->pending)
        return ERR_CONCURRENT_TRANSACTIONS;
    if (!may_init(&txn->now, expected))
        return ERR_PRODUCER_FENCED;
    if (txn_prepared(txn))
        return ERR_CONCURRENT_TRANSACTIONS;
    if (txn->now.state == TXN_ONGOING) {
        TRY(txn_fence(txn, server_version, fresh_id, now_ms, outcome));
        if (*outcome == TXN_PREPARED)
            *outcome = TXN_FENCE_FIRST;
        return ERR_OK;
    }
    bool rotates =
        txn_exhausted(txn) && (expected->producer_id < 0 || expected->epoch == txn->now.epoch);
    bool needs_id = txn->now.producer_id < 0 || rotates;
    if (needs_id && fresh_id < 0) {
        *outcome = TXN_NEEDS_ID;
        return ERR_OK;
    }
    if (txn->now.producer_id < 0)
        txn->now.producer_id = fresh_id;
    if (rotates)
        init_rotate(txn, expected, fresh_id, now_ms);
    else if (txn_exhausted(txn))
        return ERR_INTERNAL; // an old epoch of an id that has none left, as Kafka answers
    else
        TRY(init_next_epoch(txn, expected, now_ms));
    txn->next.timeout_ms = timeout_ms;
    txn->next.start_ms = -1;
    return ERR_OK;
}

// --- add -----------------------------------------------------------------------------

static err_t check_caller(const struct txn *txn, const struct txn_caller *caller)
{
    if (txn->now.producer_id != caller->producer_id)
        return ERR_PRODUCER_ID_MAPPING;
    return txn->now.epoch == caller->epoch ? ERR_OK : ERR_PRODUCER_FENCED;
}

err_t txn_add(struct txn *txn, const struct txn_caller *caller, const struct txn_partitions *adding,
              int16_t version, int64_t now_ms, enum txn_outcome *outcome)
{
    *outcome = TXN_UNCHANGED;
    if (txn->pending)
        return ERR_CONCURRENT_TRANSACTIONS;
    TRY(check_caller(txn, caller));
    if (txn_prepared(txn))
        return ERR_CONCURRENT_TRANSACTIONS;
    bool begins = txn->now.state != TXN_ONGOING;
    struct txn_partitions added = {0};
    join(&added, adding, !begins, &txn->partitions);
    if (!begins && added.count == 0)
        return ERR_OK;
    if (txn->partitions.count + added.count > TXN_PARTITIONS_MAX) {
        txn_partitions_release(&added);
        return ERR_OVERLOADED;
    }
    struct txn_meta *next = prepare(txn, TXN_ONGOING, now_ms);
    if (begins)
        next->start_ms = now_ms;
    next->version = version;
    txn->added = added;
    *outcome = TXN_PREPARED;
    return ERR_OK;
}

// --- end -----------------------------------------------------------------------------

static void prepare_end(struct txn *txn, bool commit, int16_t version, int64_t fresh_id,
                        int64_t now_ms)
{
    bool empty = txn->now.state != TXN_ONGOING;
    struct txn_meta *next = prepare(txn, commit ? TXN_PREPARE_COMMIT : TXN_PREPARE_ABORT, now_ms);
    if (version >= TXN_VERSION_BUMPS) {
        if (txn->now.epoch < INT16_MAX)
            next->epoch = (int16_t)(txn->now.epoch + 1);
        next->last_epoch = txn->now.epoch;
    }
    // An abort before any partition was added has no start of its own.
    if (empty)
        next->start_ms = now_ms;
    next->next_id = fresh_id;
    next->version = version;
}

// Version 1: the epoch stays, so state and epoch together tell a repetition.
static err_t end_v1(struct txn *txn, const struct txn_caller *caller, bool commit, int64_t now_ms,
                    enum txn_outcome *outcome)
{
    TRY(check_caller(txn, caller));
    if (txn->pending)
        return ERR_CONCURRENT_TRANSACTIONS;
    switch (txn->now.state) {
    case TXN_ONGOING:
        prepare_end(txn, commit, 0, -1, now_ms);
        *outcome = TXN_PREPARED;
        return ERR_OK;
    case TXN_COMPLETE_COMMIT:
        return commit ? ERR_OK : ERR_INVALID_TXN_STATE;
    case TXN_COMPLETE_ABORT:
        return commit ? ERR_INVALID_TXN_STATE : ERR_OK;
    case TXN_PREPARE_COMMIT:
        return commit ? ERR_CONCURRENT_TRANSACTIONS : ERR_INVALID_TXN_STATE;
    case TXN_PREPARE_ABORT:
        return commit ? ERR_INVALID_TXN_STATE : ERR_CONCURRENT_TRANSACTIONS;
    case TXN_EMPTY:
    case TXN_DEAD:
    case TXN_PREPARE_EPOCH_FENCE:
        break;
    }
    return ERR_INVALID_TXN_STATE;
}

// Version 2: a repetition comes with the epoch before; the present epoch is a new transaction's.
//
//                       abort, repeated · abort · commit, repeated · commit
//     Empty             fenced            abort   fenced             refused
//     CompleteAbort     done              abort   refused            refused
//     CompleteCommit    refused           abort   done               refused
static err_t end_v2(struct txn *txn, const struct txn_caller *caller, bool commit, int64_t fresh_id,
                    int64_t now_ms, enum txn_outcome *outcome)
{
    const struct txn_meta *now = &txn->now;
    if (txn->pending)
        return ERR_CONCURRENT_TRANSACTIONS;
    bool same = caller->epoch == now->epoch;
    bool before_rotation = now->previous_id == caller->producer_id &&
                           caller->epoch == INT16_MAX - 1 && now->epoch == 0;
    bool before_bump = now->epoch == caller->epoch + 1;
    bool complete = now->state == TXN_COMPLETE_COMMIT || now->state == TXN_COMPLETE_ABORT;
    if (now->producer_id != caller->producer_id && !before_rotation)
        return ERR_PRODUCER_ID_MAPPING;
    if (complete ? !same && !before_bump && !before_rotation
                 : !(txn_prepared(txn) ? before_bump : same))
        return ERR_PRODUCER_FENCED;
    bool repeats = before_bump || before_rotation;
    bool committed = now->state == TXN_COMPLETE_COMMIT || now->state == TXN_PREPARE_COMMIT;
    if (txn_prepared(txn))
        return committed == commit ? ERR_CONCURRENT_TRANSACTIONS : ERR_INVALID_TXN_STATE;
    if (complete && repeats)
        return committed == commit ? ERR_OK : ERR_INVALID_TXN_STATE;
    if (now->state != TXN_ONGOING && commit)
        return ERR_INVALID_TXN_STATE;
    *outcome = txn_exhausted(txn) && fresh_id < 0 ? TXN_NEEDS_ID : TXN_PREPARED;
    if (*outcome == TXN_PREPARED)
        prepare_end(txn, commit, TXN_VERSION_BUMPS, txn_exhausted(txn) ? fresh_id : -1, now_ms);
    return ERR_OK;
}

err_t txn_end(struct txn *txn, const struct txn_caller *caller, bool commit, int16_t version,
              int64_t fresh_id, int64_t now_ms, enum txn_outcome *outcome)
{
    *outcome = TXN_UNCHANGED;
    if (version >= TXN_VERSION_BUMPS)
        return end_v2(txn, caller, commit, fresh_id, now_ms, outcome);
    return end_v1(txn, caller, commit, now_ms, outcome);
}

err_t txn_fence(struct txn *txn, int16_t version, int64_t fresh_id, int64_t now_ms,
                enum txn_outcome *outcome)
{
    *outcome = TXN_UNCHANGED;
    if (txn->pending)
        return ERR_CONCURRENT_TRANSACTIONS;
    if (txn->now.state != TXN_ONGOING)
        return ERR_INVALID_TXN_STATE;
    bool bumps = version >= TXN_VERSION_BUMPS;
    if (bumps && txn_exhausted(txn) && fresh_id < 0) {
        *outcome = TXN_NEEDS_ID;
        return ERR_OK;
    }
    prepare_end(txn, false, version, bumps && txn_exhausted(txn) ? fresh_id : -1, now_ms);
    if (!bumps && txn->now.epoch < INT16_MAX)
        txn->next.epoch = (int16_t)(txn->now.epoch + 1);
    if (!bumps)
        txn->next.last_epoch = -1;
    *outcome = TXN_PREPARED;
    return ERR_OK;
}

void txn_complete(struct txn *txn, int64_t now_ms)
{
    bool commit = txn->now.state == TXN_PREPARE_COMMIT;
    assert(txn_prepared(txn));
    struct txn_meta *next = prepare(txn, commit ? TXN_COMPLETE_COMMIT : TXN_COMPLETE_ABORT, now_ms);
    if (txn->now.version >= TXN_VERSION_BUMPS && txn->now.next_id >= 0) {
        next->producer_id = txn->now.next_id;
        next->epoch = 0;
    }
    next->next_id = -1;
}

void txn_expire(struct txn *txn, int64_t now_ms)
{
    (void)prepare(txn, TXN_DEAD, now_ms);
}

// --- writing -------------------------------------------------------------------------

err_t txn_verify(const struct txn *txn, const struct txn_caller *caller, struct bytes topic,
                 int32_t index)
{
    TRY(check_caller(txn, caller));
    if (txn_prepared(txn))
        return ERR_CONCURRENT_TRANSACTIONS;
    return txn_partitions_has(&txn->partitions, topic, index) ? ERR_OK : ERR_TRANSACTION_ABORTABLE;
}
