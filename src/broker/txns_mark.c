// SPDX-License-Identifier: Apache-2.0
//
// A prepared transaction gets a marker into each of its partitions; when all stand, it is complete.
// A partition leaves the transaction with its marker, so that only what failed is tried again, by
// the tick. Partitions that are gone, and damaged ones, which nobody reads or writes any more, need
// none.
#include "broker/txns_int.h"

#include "base/log.h"
#include "broker/topics.h"
#include "os/clock.h"
#include "wire/kafka/marker.h"

// --- one marker ----------------------------------------------------------------------

struct mark {
    struct txns *txns;
    struct topic *topic; // a reference
    int64_t producer_id;
    bool commit;
    void (*done)(void *ctx, err_t err);
    void *ctx;
    struct append append;
};

static void marked(struct append *append)
{
    struct mark *mark = CONTAINER_OF(append, struct mark, append);
    struct txns *txns = mark->txns;
    if (append->err == ERR_OK && strcmp(topic_name(mark->topic), OFFSETS_TOPIC) == 0)
        txn_offsets_end(txns->broker->txn_offsets, txns->broker->groups, mark->producer_id,
                        mark->commit);
    else if (append->err != ERR_OK)
        LOG_WARN("broker", "cannot write the marker of a transaction",
                 "topic=%s partition=%d producer=%lld err=\"%s\"", topic_name(mark->topic),
                 partition_index(append->partition), (long long)mark->producer_id,
                 append->story ? append->story : err_info(append->err)->text);
    mem_free(append->story);
    mark->done(mark->ctx, append->err);
    topic_unref(mark->topic);
    mem_free(mark);
    txns__live(txns, -1);
}

void txns_mark(struct txns *txns, struct topic *topic, int32_t index, const struct marker *marker,
               uint8_t version, void (*done)(void *ctx, err_t err), void *ctx)
{
    struct partition *partition = topic ? topic_partition(topic, index) : NULL;
    if (!partition) {
        done(ctx, ERR_UNKNOWN_TOPIC);
        return;
    }
    struct str batch = {0};
    marker_write(marker, &batch);
    struct buf *buf = buf_copy(batch.ptr, batch.size);
    str_release(&batch);
    struct mark *mark = MEM_NEW(struct mark);
    *mark = (struct mark){
        .txns = txns,
        .topic = topic_ref(topic),
        .producer_id = marker->producer_id,
        .commit = marker->commit,
        .done = done,
        .ctx = ctx,
        .append = {.buf = buf,
                   .batch = buf->ptr,
                   .size = buf->size,
                   .checked = true,
                   .internal = true,
                   .txn_version = version,
                   .until = APPEND_SYNCED,
                   .done = marked},
    };
    txns__live(txns, 1);
    partition_append(partition, &mark->append);
}

// --- all of a transaction ------------------------------------------------------------

struct marks {
    struct txns *txns;
    struct txn *txn;     // a reference
    _Atomic size_t left; // markers, and one for the loop that writes them
    _Atomic bool failed;
};

struct mark_place {
    struct marks *marks;
    char *topic; // owned
    int32_t index;
};

// CompleteCommit or CompleteAbort. Its record is not waited for: were it lost, the markers would be
// written once more.
struct completion {
    struct txns *txns;
    struct append append;
};

static void completion_written(struct append *append)
{
    struct completion *completion = CONTAINER_OF(append, struct completion, append);
    struct txns *txns = completion->txns;
    if (append->err != ERR_OK)
        LOG_WARN("broker", "cannot write the end of a transaction", "err=\"%s\"",
                 append->story ? append->story : err_info(append->err)->text);
    mem_free(append->story);
    mem_free(completion);
    txns__live(txns, -1);
}

static void complete(struct txns *txns, struct txn *txn)
{
    mutex_lock(&txn->lock);
    txn_complete(txn, clock_now_ms());
    struct buf *buf = txns__encode(txn);
    mutex_unlock(&txn->lock);
    struct completion *completion = MEM_NEW(struct completion);
    *completion = (struct completion){.txns = txns,
                                      .append = {.buf = buf,
                                                 .batch = buf->ptr,
                                                 .size = buf->size,
                                                 .until = APPEND_WRITTEN,
                                                 .done = completion_written}};
    txns__live(txns, 1);
    partition_append(txns->partition, &completion->append);
    // Queued: what comes next for this id lies behind it.
    mutex_lock(&txn->lock);
    txn_apply(txn);
    txn->writing_markers = false;
    struct txn_woken woken;
    txns__take_waiters(txn, &woken);
    mutex_unlock(&txn->lock);
    txns__wake(&woken);
}

static void give_up_for_now(struct txns *txns, struct txn *txn)
{
    mutex_lock(&txn->lock);
    txn->writing_markers = false;
    struct txn_woken woken;
    txns__take_waiters(txn, &woken);
    mutex_unlock(&txn->lock);
    txns__wake(&woken);
    ticker_wake(&txns->ticker);
}

static void one_less(struct marks *marks)
{
    struct txns *txns = marks->txns;
    if (--marks->left > 0)
        return;
    if (marks->failed)
        give_up_for_now(txns, marks->txn);
    else
        complete(txns, marks->txn);
    txn_unref(marks->txn);
    mem_free(marks);
    txns__live(txns, -1);
}

// Fenced: the partition has seen a newer epoch, so it has seen the end of this one.
static bool needs_no_marker(err_t err)
{
    return err == ERR_UNKNOWN_TOPIC || err == ERR_CORRUPT || err == ERR_PRODUCER_EPOCH ||
           err == ERR_TXN_COORDINATOR_FENCED;
}

static void place_marked(void *ctx, err_t err)
{
    struct mark_place *place = ctx;
    struct marks *marks = place->marks;
    if (err == ERR_OK || needs_no_marker(err)) {
        mutex_lock(&marks->txn->lock);
        txn_partitions_remove(&marks->txn->partitions, bytes_from(place->topic), place->index);
        mutex_unlock(&marks->txn->lock);
    } else {
        marks->failed = true;
    }
    mem_free(place->topic);
    mem_free(place);
    one_less(marks);
}

static void collect(struct marks *marks, struct mark_place ***places)
{
    struct txn *txn = marks->txn;
    size_t count = 0;
    *places = mem_alloc((txn->partitions.count + 1) * sizeof **places);
    for (size_t t = 0; t < txn->partitions.topics.count; t++) {
        const struct txn_topic *topic = &txn->partitions.topics.items[t];
        for (size_t i = 0; i < topic->indexes.count; i++) {
            struct mark_place *place = MEM_NEW(struct mark_place);
            *place = (struct mark_place){marks, mem_strdup(topic->name), topic->indexes.items[i]};
            (*places)[count++] = place;
        }
    }
    marks->left = count + 1;
}

void txns__mark_all(struct txns *txns, struct txn *txn)
{
    struct marks *marks = MEM_NEW(struct marks);
    struct mark_place **places;
    marks->txns = txns;
    marks->txn = txn_ref(txn);
    txns__live(txns, 1);
    mutex_lock(&txn->lock);
    collect(marks, &places);
    struct marker marker = {.commit = txn->now.state == TXN_PREPARE_COMMIT,
                            .producer_id = txn->now.producer_id,
                            .producer_epoch = txn->now.epoch,
                            .timestamp_ms = clock_now_ms()};
    uint8_t version = (uint8_t)txn->now.version;
    mutex_unlock(&txn->lock);
    size_t count = marks->left - 1;
    for (size_t i = 0; i < count; i++) {
        struct topic *topic = log_store_topic(txns->broker->store, bytes_from(places[i]->topic));
        txns_mark(txns, topic, places[i]->index, &marker, version, place_marked, places[i]);
        topic_unref(topic);
    }
    mem_free(places);
    one_less(marks);
}
