// SPDX-License-Identifier: Apache-2.0
//
// The start: __transaction_state is replayed, prepared transactions are ended, and what partitions
// hold open without a coordinator that knows of it is aborted. Then the tick: transactions whose
// time is over, markers that could not be written, ids that nobody has used for a week.
#include "broker/txns_int.h"

#include "base/log.h"
#include "broker/topics.h"
#include "broker/txn_record.h"
#include "os/clock.h"
#include "wire/kafka/marker.h"
#include "wire/kafka/record.h"

#include <stdatomic.h>

#define READ_BYTES (4u << 20)
#define TICK_MS    500

// --- loading -------------------------------------------------------------------------

static void load_record(struct txns *txns, const struct record *record)
{
    struct txn_record read;
    if (!txn_record_read(record->key, record->value, &read)) {
        txn_partitions_release(&read.partitions);
        return;
    }
    struct txn **found = txn_map_get(&txns->map, read.id);
    struct txn *txn = found ? *found : NULL;
    if (read.deletes) {
        if (txn)
            txns__take_out(txns, txn);
        return;
    }
    if (!txn) {
        txn = txn_new(read.id);
        *txn_map_put(&txns->map, bytes_from(txn->id), NULL) = txn;
    }
    txn_partitions_release(&txn->partitions);
    txn->now = read.meta;
    txn->partitions = read.partitions;
}

static void load_batch(struct txns *txns, struct bytes batch)
{
    struct record_reader reader;
    struct record record;
    if (record_reader_open(&reader, batch, RECORD_UNPACKED_MAX_BYTES, NULL) != ERR_OK)
        return;
    while (record_reader_next(&reader, &record))
        load_record(txns, &record);
    record_reader_release(&reader);
}

static err_t load(struct txns *txns, struct diag *diag)
{
    int64_t offset = partition_offsets(txns->partition).start;
    for (;;) {
        struct buf *buf;
        TRY(partition_read(txns->partition, offset, READ_BYTES, &buf, diag));
        if (!buf)
            return ERR_OK;
        struct reader reader = reader_make(buf_bytes(buf));
        struct bytes batch;
        struct batch_header header;
        while (record_batch_next(&reader, &batch) && batch_header_read(&header, batch)) {
            load_batch(txns, batch);
            offset = batch_header_last_offset(&header) + 1;
        }
        buf_unref(buf);
    }
}

// --- repair --------------------------------------------------------------------------

static bool known(struct txn *const *all, size_t count, int64_t producer_id, const char *topic,
                  int32_t index)
{
    for (size_t i = 0; i < count; i++) {
        struct txn *txn = all[i];
        mutex_lock(&txn->lock);
        bool ours = txn->now.producer_id == producer_id &&
                    (txn->now.state == TXN_ONGOING || txn_prepared(txn)) &&
                    txn_partitions_has(&txn->partitions, bytes_from(topic), index);
        mutex_unlock(&txn->lock);
        if (ours)
            return true;
    }
    return false;
}

static void ignore(void *ctx, err_t err)
{
    (void)ctx;
    (void)err;
}

static void abort_unknown(struct txns *txns, struct topic *topic, int32_t index,
                          struct txn *const *all, size_t count)
{
    struct arena arena = ARENA_INIT;
    size_t producer_count;
    struct partition *partition = topic_partition(topic, index);
    const struct partition_producer *producers =
        partition_producers(partition, &arena, &producer_count);
    for (size_t i = 0; i < producer_count; i++) {
        const struct partition_producer *producer = &producers[i];
        if (producer->txn_first_offset < 0 ||
            known(all, count, producer->id, topic_name(topic), index))
            continue;
        LOG_WARN("broker", "aborting a transaction that no coordinator knows",
                 "topic=%s partition=%d producer=%lld first_offset=%lld", topic_name(topic), index,
                 (long long)producer->id, (long long)producer->txn_first_offset);
        struct marker marker = {
            .producer_id = producer->id,
            .producer_epoch = producer->epoch,
            .coordinator_epoch = producer->coordinator_epoch > 0 ? producer->coordinator_epoch : 0,
            .timestamp_ms = clock_now_ms()};
        txns_mark(txns, topic, index, &marker, 0, ignore, NULL);
    }
    arena_release(&arena);
}

static void repair(struct txns *txns)
{
    struct arena arena = ARENA_INIT;
    size_t count, topic_count;
    struct txn **all = txns_all(txns, &arena, &count);
    struct topic **topics = log_store_topics(txns->broker->store, &arena, &topic_count);
    for (size_t t = 0; t < topic_count; t++) {
        int32_t partitions = topic_partition_count(topics[t]);
        for (int32_t p = 0; p < partitions; p++) {
            struct partition_offsets offsets = partition_offsets(topic_partition(topics[t], p));
            if (offsets.stable < offsets.end)
                abort_unknown(txns, topics[t], p, all, count);
        }
        topic_unref(topics[t]);
    }
    for (size_t i = 0; i < count; i++) {
        mutex_lock(&all[i]->lock);
        bool marks = txn_prepared(all[i]);
        all[i]->writing_markers = marks;
        mutex_unlock(&all[i]->lock);
        if (marks)
            txns__mark_all(txns, all[i]);
        txn_unref(all[i]);
    }
    arena_release(&arena);
}

// --- upkeep --------------------------------------------------------------------------

struct upkeep_write {
    struct txn_write write;
};

static void upkeep_written(struct txn_write *write)
{
    mem_free(CONTAINER_OF(write, struct upkeep_write, write));
}

// `expiry_ms`: ids unused for so long go; 0: none do now.
enum due { DUE_NOTHING, DUE_LATER, DUE_ABORT, DUE_MARKERS, DUE_EXPIRY };

static enum due due_of(const struct txn *txn, int64_t now_ms, int64_t expiry_ms)
{
    enum txn_state state = txn->now.state;
    if (txn_prepared(txn))
        return txn->writing_markers || txn->pending ? DUE_LATER : DUE_MARKERS;
    if (state == TXN_ONGOING)
        return !txn->pending && now_ms - txn->now.start_ms > txn->now.timeout_ms ? DUE_ABORT
                                                                                 : DUE_LATER;
    if (expiry_ms > 0 && !txn->pending && !txn->gone && txn->now.producer_id >= 0 &&
        now_ms - txn->now.update_ms >= expiry_ms)
        return DUE_EXPIRY;
    return DUE_NOTHING;
}

static void start_write(struct txns *txns, struct txn *txn)
{
    struct upkeep_write *write = MEM_NEW(struct upkeep_write);
    write->write.done = upkeep_written;
    txns_write(txns, txn_ref(txn), &write->write); // gives the mutex back
}

static void abort_late(struct txns *txns, struct txn *txn, int64_t fresh_id, int64_t now_ms)
{
    enum txn_outcome outcome;
    err_t err = txn_fence(txn, TXN_SERVER_VERSION, fresh_id, now_ms, &outcome);
    if (err == ERR_OK && outcome == TXN_PREPARED) {
        LOG_INFO("broker", "aborting a transaction whose time is over",
                 "id=%s producer=%lld epoch=%d timeout_ms=%d", txn->id,
                 (long long)txn->now.producer_id, txn->now.epoch, txn->now.timeout_ms);
        start_write(txns, txn);
    } else {
        mutex_unlock(&txn->lock);
    }
}

static void look_after(struct txns *txns, struct txn *txn, int64_t now_ms, int64_t expiry_ms)
{
    int64_t fresh_id = -1;
    mutex_lock(&txn->lock);
    if (due_of(txn, now_ms, 0) == DUE_ABORT && txn_exhausted(txn)) {
        mutex_unlock(&txn->lock);
        if (log_store_producer_id(txns->broker->store, &fresh_id, NULL) != ERR_OK)
            return;
        mutex_lock(&txn->lock);
    }
    switch (due_of(txn, now_ms, expiry_ms)) {
    case DUE_ABORT:
        abort_late(txns, txn, fresh_id, now_ms);
        return;
    case DUE_MARKERS:
        txn->writing_markers = true;
        mutex_unlock(&txn->lock);
        txns__mark_all(txns, txn);
        return;
    case DUE_EXPIRY:
        txn_expire(txn, now_ms);
        start_write(txns, txn);
        return;
    case DUE_NOTHING:
    case DUE_LATER:
        break;
    }
    mutex_unlock(&txn->lock);
}

static void run_upkeep(struct work *work)
{
    struct txns *txns = CONTAINER_OF(work, struct txns, upkeep);
    struct arena arena = ARENA_INIT;
    size_t count;
    int64_t now_ms = clock_now_ms();
    bool expires = now_ms - txns->expired_ms >= setting(txns->broker, SETTING_TXN_EXPIRY_CHECK_MS);
    int64_t expiry_ms = expires ? setting(txns->broker, SETTING_TXN_ID_EXPIRY_MS) : 0;
    if (expires)
        txns->expired_ms = now_ms;
    struct txn **all = txns_all(txns, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        look_after(txns, all[i], now_ms, expiry_ms);
        txn_unref(all[i]);
    }
    arena_release(&arena);
    mutex_lock(&txns->lock);
    txns->upkeep_runs = false;
    mutex_unlock(&txns->lock);
    txns__live(txns, -1);
}

static void start_upkeep(struct txns *txns)
{
    mutex_lock(&txns->lock);
    bool start = !txns->upkeep_runs && !txns->stopping;
    txns->upkeep_runs = txns->upkeep_runs || start;
    txns->live += start;
    mutex_unlock(&txns->lock);
    if (!start)
        return;
    txns->upkeep = (struct work){.run = run_upkeep};
    work_submit(txns->broker->loops, &txns->upkeep);
}

// --- the tick ------------------------------------------------------------------------

static int64_t tick(struct ticker *ticker)
{
    struct txns *txns = CONTAINER_OF(ticker, struct txns, ticker);
    struct arena arena = ARENA_INIT;
    size_t count;
    int64_t now_ms = clock_now_ms();
    bool expires = now_ms - txns->expired_ms >= setting(txns->broker, SETTING_TXN_EXPIRY_CHECK_MS);
    bool now = expires, later = false;
    struct txn **all = txns_all(txns, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        mutex_lock(&all[i]->lock);
        enum due due = due_of(all[i], now_ms, 0);
        mutex_unlock(&all[i]->lock);
        now = now || due == DUE_ABORT || due == DUE_MARKERS;
        later = later || due != DUE_NOTHING;
        txn_unref(all[i]);
    }
    arena_release(&arena);
    if (now)
        start_upkeep(txns);
    return later ? TICK_MS : setting(txns->broker, SETTING_TXN_EXPIRY_CHECK_MS);
}

// --- life ----------------------------------------------------------------------------

static void wait_idle(struct txns *txns)
{
    mutex_lock(&txns->lock);
    while (txns->live > 0)
        cond_wait(&txns->idle, &txns->lock);
    mutex_unlock(&txns->lock);
}

err_t txns_open(struct txns **out, struct broker *broker, struct diag *diag)
{
    struct txns *txns = MEM_NEW(struct txns);
    txns->broker = broker;
    txns->expired_ms = clock_now_ms();
    mutex_init(&txns->lock);
    cond_init(&txns->idle);
    ticker_init(&txns->ticker, loops_at(broker->loops, 0), TICK_MS, tick);
    txns->topic = log_store_topic(broker->store, bytes_from(TXN_TOPIC));
    txns->partition = txns->topic ? topic_partition(txns->topic, 0) : NULL;
    err_t err = txns->topic ? load(txns, diag) : ERR_OK;
    if (err != ERR_OK) {
        diag_context(diag, "cannot load the transactions");
        txns_close(txns);
        return err;
    }
    repair(txns);
    ticker_wake(&txns->ticker);
    *out = txns;
    return ERR_OK;
}

void txns_stop(struct txns *txns)
{
    mutex_lock(&txns->lock);
    txns->stopping = true;
    mutex_unlock(&txns->lock);
    ticker_stop(&txns->ticker);
    wait_idle(txns);
}

void txns_close(struct txns *txns)
{
    wait_idle(txns);
    for (size_t i = 0; i < txns->map.capacity; i++)
        if (txns->map.used[i])
            txn_unref(txns->map.values[i]);
    txn_map_release(&txns->map);
    topic_unref(txns->topic);
    ticker_release(&txns->ticker);
    mutex_release(&txns->lock);
    cond_release(&txns->idle);
    mem_free(txns);
}
