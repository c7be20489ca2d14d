// SPDX-License-Identifier: Apache-2.0
#include "broker/txns_int.h"

#include "base/log.h"
#include "broker/topics.h"
#include "broker/txn_record.h"

#include <stdlib.h>

bool txns_internal_topic(struct bytes name)
{
    return bytes_equal(name, bytes_from(OFFSETS_TOPIC)) || bytes_equal(name, bytes_from(TXN_TOPIC));
}

// --- the map -------------------------------------------------------------------------

struct txn *txns_find(struct txns *txns, struct bytes id)
{
    mutex_lock(&txns->lock);
    struct txn **found = txn_map_get(&txns->map, id);
    struct txn *txn = found ? txn_ref(*found) : NULL;
    mutex_unlock(&txns->lock);
    return txn;
}

static err_t ensure_topic(struct txns *txns, struct diag *diag)
{
    static const struct topic_setting settings[] = {{"cleanup.policy", "compact"},
                                                    {"compression.type", "uncompressed"},
                                                    {"segment.bytes", "16777216"}};
    static const size_t count = sizeof settings / sizeof *settings;
    struct log_store *store = txns->broker->store;
    mutex_lock(&txns->lock);
    bool there = txns->topic != NULL;
    mutex_unlock(&txns->lock);
    if (there)
        return ERR_OK;
    struct topic *topic = NULL;
    err_t err = log_store_create_topic(store, TXN_TOPIC, 1, settings, count, &topic, diag);
    if (err == ERR_EXISTS) {
        diag_clear(diag);
        topic = log_store_topic(store, bytes_from(TXN_TOPIC));
        err = topic ? ERR_OK
                    : FAIL(diag, ERR_COORDINATOR_NOT_AVAILABLE, TXN_TOPIC " is being deleted");
    }
    TRY(err);
    mutex_lock(&txns->lock);
    bool ours = !txns->topic;
    if (ours) {
        txns->partition = topic_partition(topic, 0);
        txns->topic = topic;
    }
    mutex_unlock(&txns->lock);
    if (!ours)
        topic_unref(topic);
    return ERR_OK;
}

err_t txns_get(struct txns *txns, struct bytes id, struct txn **out, struct diag *diag)
{
    *out = NULL;
    TRY(ensure_topic(txns, diag));
    mutex_lock(&txns->lock);
    struct txn **found = txn_map_get(&txns->map, id);
    struct txn *txn = found ? *found : NULL;
    if (!txn && txns->map.count < TXN_IDS_MAX) {
        txn = txn_new(id);
        *txn_map_put(&txns->map, bytes_from(txn->id), NULL) = txn;
    }
    if (txn)
        *out = txn_ref(txn);
    mutex_unlock(&txns->lock);
    return txn ? ERR_OK
               : FAIL(diag, ERR_OVERLOADED, "there are %d transactional ids already", TXN_IDS_MAX);
}

static int by_id(const void *a, const void *b)
{
    return strcmp((*(struct txn *const *)a)->id, (*(struct txn *const *)b)->id);
}

struct txn **txns_all(struct txns *txns, struct arena *arena, size_t *count)
{
    *count = 0;
    mutex_lock(&txns->lock);
    struct txn **all = ARENA_ARRAY(arena, struct txn *, txns->map.count + 1);
    for (size_t i = 0; i < txns->map.capacity; i++)
        if (txns->map.used[i])
            all[(*count)++] = txn_ref(txns->map.values[i]);
    mutex_unlock(&txns->lock);
    qsort(all, *count, sizeof(struct txn *), by_id);
    return all;
}

void txns__take_out(struct txns *txns, struct txn *txn)
{
    mutex_lock(&txns->lock);
    struct txn **found = txn_map_get(&txns->map, bytes_from(txn->id));
    bool ours = found && *found == txn;
    if (ours)
        txn_map_remove(&txns->map, bytes_from(txn->id));
    mutex_unlock(&txns->lock);
    if (ours)
        txn_unref(txn);
}

void txns__live(struct txns *txns, int change)
{
    mutex_lock(&txns->lock);
    txns->live += (size_t)change;
    if (txns->live == 0)
        cond_broadcast(&txns->idle);
    mutex_unlock(&txns->lock);
}

// --- waiting -------------------------------------------------------------------------

bool txns_wait(struct txn *txn, struct txn_waiter *waiter)
{
    bool waits = txn->pending || txn->writing_markers;
    if (waits)
        list_push_back(&txn->waiters, &waiter->link);
    return waits;
}

void txns__take_waiters(struct txn *txn, struct txn_woken *woken)
{
    woken->ended = txn->ended;
    woken->ctx = txn->ended_ctx;
    txn->ended = NULL;
    list_init(&woken->waiters);
    list_splice(&woken->waiters, &txn->waiters);
}

void txns__wake(struct txn_woken *woken)
{
    struct list *link;
    while ((link = list_pop_front(&woken->waiters)) != NULL) {
        struct txn_waiter *waiter = CONTAINER_OF(link, struct txn_waiter, link);
        waiter->wake(waiter);
    }
    if (woken->ended)
        woken->ended(woken->ctx, ERR_OK);
}

// --- writing -------------------------------------------------------------------------

static void release_text(void *ctx)
{
    mem_free(ctx);
}

struct buf *txns__encode(const struct txn *txn)
{
    struct str batch = {0};
    txn_record_write(txn->id, &txn->next, &txn->partitions, &txn->added, &batch);
    size_t size = batch.size;
    char *bytes = str_take(&batch);
    return buf_wrap(bytes, size, release_text, bytes);
}

static void ended(void *ctx, err_t err)
{
    struct txn_write *write = ctx;
    (void)err; // the outcome was decided before
    write->done(write);
}

static void written(struct append *append)
{
    struct txn_write *write = CONTAINER_OF(append, struct txn_write, append);
    struct txns *txns = write->txns;
    struct txn *txn = write->txn;
    struct txn_woken woken = {.ended = NULL};
    write->err = append->err == ERR_OK ? ERR_OK : ERR_COORDINATOR_NOT_AVAILABLE;
    if (append->err != ERR_OK)
        LOG_WARN("broker", "cannot write the state of a transaction", "id=%s err=\"%s\"", txn->id,
                 append->story ? append->story : err_info(append->err)->text);
    mem_free(append->story);
    mutex_lock(&txn->lock);
    if (write->err == ERR_OK)
        txn_apply(txn);
    else
        txn_revert(txn);
    bool marks = write->err == ERR_OK && txn_prepared(txn);
    bool waits = marks && write->to_the_end;
    bool open = txn->now.state == TXN_ONGOING;
    txn->gone = txn->now.state == TXN_DEAD;
    txn->writing_markers = marks;
    if (waits) {
        txn->ended = ended;
        txn->ended_ctx = write;
    }
    list_init(&woken.waiters);
    if (!marks)
        txns__take_waiters(txn, &woken);
    bool gone = txn->gone;
    mutex_unlock(&txn->lock);
    if (gone)
        txns__take_out(txns, txn);
    if (open)
        ticker_wake(&txns->ticker);
    if (!waits)
        write->done(write);
    txns__wake(&woken);
    if (marks)
        txns__mark_all(txns, txn);
    txn_unref(txn);
    txns__live(txns, -1);
}

void txns_write(struct txns *txns, struct txn *txn, struct txn_write *write)
{
    struct buf *buf = txns__encode(txn);
    mutex_unlock(&txn->lock);
    txns__live(txns, 1);
    write->txns = txns;
    write->txn = txn;
    write->append = (struct append){
        .buf = buf, .batch = buf->ptr, .size = buf->size, .until = APPEND_SYNCED, .done = written};
    mutex_lock(&txns->lock);
    struct partition *partition = txns->partition; // a transaction that exists has its topic
    mutex_unlock(&txns->lock);
    partition_append(partition, &write->append);
}
