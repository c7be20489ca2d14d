// SPDX-License-Identifier: Apache-2.0
//
// The writer: one thread that is the only one to put bytes into segments, in rounds.
//
//     take     every partition with waiting appends, with all of its appends
//     write    per partition: check sequences, assign offsets, one pwritev per run of batches
//     sync     each file written, once, several at a time
//     publish  move the high watermarks, wake readers, complete the requests
//
// While a round syncs, the next one gathers: the busier the log, the more requests one sync serves,
// without a timer that would make a lone request wait.
//
// A write that fails leaves the partition as it was: the file is cut back, offsets and producer
// state too, and only the appends of that run fail. A sync that fails is different: nobody knows
// what is on disk, and the kernel may report it only once. What the round wrote counts as lost and
// the partition takes no more appends.
#include "store/log/log_int.h"

#include "store/log/names.h"
#include "store/log/round_mark.h"

#include "base/log.h"
#include "base/metric.h"
#include "loop/loop.h"
#include "os/clock.h"

#include <assert.h>

enum {
    RUN_BATCHES = 512,
    RUN_BYTES = 16 << 20,
};

// One partition in one round.
struct turn {
    struct partition *partition;
    struct list written; // appends that wait for the sync
    struct list done;    // appends to complete whatever the sync says
    bool wrote;
    err_t err; // of the sync
    char *story;
};

struct dirty {
    struct segment *segment; // a reference
    int fd;                  // held open
    size_t turn;
    err_t err; // of the sync
    struct diag diag;
};

struct round {
    struct log_store *store;
    VEC(struct turn) turns;
    VEC(struct dirty) dirty;
    size_t turn; // being written
};

// The batches of one pwritev, all for the same segment.
struct run {
    VEC(struct append *) appends;
    VEC(struct file_slice) slices;
    VEC(struct producer_undo) undos;
    VEC(struct aborted_txn) aborted;
    struct index_builder index;
    int64_t size;
    int64_t records;
    int64_t next_offset;
    int64_t max_timestamp;
    int64_t index_position; // of the last entry when the run began
};

static void run_clear(struct run *run)
{
    vec_clear(&run->appends);
    vec_clear(&run->slices);
    vec_clear(&run->undos);
    vec_clear(&run->aborted);
    vec_clear(&run->index.entries);
    run->size = run->records = 0;
}

static void run_release(struct run *run)
{
    vec_release(&run->appends);
    vec_release(&run->slices);
    vec_release(&run->undos);
    vec_release(&run->aborted);
    vec_release(&run->index.entries);
}

static void finish(struct append *append)
{
    struct log_store *store = append->partition->topic->store;
    if (append->err != ERR_OK)
        append->base_offset = -1;
    buf_unref(append->buf);
    append->buf = NULL;
    atomic_fetch_sub(&store->writer.queued_bytes, append->size);
    append->done(append);
}

static void finish_all(struct list *appends)
{
    struct list *link;
    while ((link = list_pop_front(appends)) != NULL)
        finish(CONTAINER_OF(link, struct append, link));
}

static void set_error(struct append *append, err_t err, const char *story)
{
    append->err = err;
    append->story = mem_strdup(story);
}

// --- write ---

// The first write of a round keeps the file open until its sync.
static void keep_dirty(struct round *round, struct segment *segment, int fd)
{
    if (segment->dirty) {
        segment__put(segment);
        return;
    }
    segment->dirty = true;
    struct dirty dirty = {.segment = segment__ref(segment), .fd = fd, .turn = round->turn};
    vec_push(&round->dirty, dirty);
}

// Where nothing is synced, an append is complete when readers see it.
static bool waits_for_sync(const struct append *append)
{
    return append->until == APPEND_SYNCED || !append->partition->topic->store->options.sync;
}

static err_t write_run(struct round *round, struct segment *segment, struct run *run,
                       const struct topic_limits *limits, struct diag *diag)
{
    int fd;
    TRY(segment__get(segment, &fd, diag));
    int64_t end = segment->size + run->size;
    writer_reserve(segment, fd, end + ROUND_MARK_BYTES, limits);
    uint8_t mark[ROUND_MARK_BYTES];
    size_t slices = run->slices.count;
    if (round->store->options.sync) {
        round_mark_write(mark, round->store->mark_key, segment->readable_size, end);
        struct file_slice slice = {mark, sizeof mark};
        vec_push(&run->slices, slice);
    }
    err_t err = file_pwritev(fd, run->slices.items, run->slices.count, segment->size, diag);
    run->slices.count = slices;
    if (err == ERR_OK) {
        // Behind the batches there is something to give back.
        if (segment->reserved < end + ROUND_MARK_BYTES && round->store->options.sync)
            segment->reserved = end + ROUND_MARK_BYTES;
        keep_dirty(round, segment, fd);
        return ERR_OK;
    }
    struct diag cut = DIAG_INIT;
    segment->reserved = 0;
    if (file_truncate(fd, segment->size, &cut) != ERR_OK) {
        partition__fail(segment->partition, ERR_IO, cut.text);
        segment__put(segment);
        return err;
    }
    // Half of the write may get to the disk all the same, and the mark lay under it. The sync of
    // this round settles both.
    if (round->store->options.sync)
        segment__mark(segment, fd);
    keep_dirty(round, segment, fd);
    return err;
}

static void run_begin(struct run *run, struct partition *partition)
{
    run_clear(run);
    const struct segment *segment = writer_active(partition);
    run->next_offset = partition->next_offset;
    run->max_timestamp = segment->max_timestamp;
    run->index.last_position = segment->indexed_position;
    run->index_position = segment->indexed_position;
}

// Puts the run on file and keeps the books, or takes everything back.
static void run_flush(struct round *round, struct turn *turn, struct run *run,
                      const struct topic_limits *limits)
{
    if (run->appends.count == 0)
        return;
    struct partition *partition = turn->partition;
    struct segment *segment = writer_active(partition);
    struct diag diag = DIAG_INIT;
    err_t err = write_run(round, segment, run, limits, &diag);
    if (err != ERR_OK) {
        for (size_t i = run->undos.count; i-- > 0;)
            producers_undo(&partition->producers, &run->undos.items[i]);
        LOG_ERROR("store/log", "cannot write", "topic=%s partition=%d err=\"%s\"",
                  partition->topic->name, partition->index, diag.text);
    }
    size_t entries = run->index.entries.count;
    bool indexed = err == ERR_OK && index_write(segment, segment->index_count,
                                                run->index.entries.items, entries, NULL) == ERR_OK;
    // Entries that could not be written are missed, and made anew, when they are first asked for.
    size_t aborted = err == ERR_OK ? run->aborted.count : 0;
    (void)!aborted_write(segment, segment->aborted_count, run->aborted.items, aborted, NULL);
    if (err == ERR_OK) {
        mutex_lock(&partition->mutex);
        segment->size += run->size;
        segment->max_timestamp = run->max_timestamp;
        if (indexed && entries > 0) {
            segment->index_count += (int64_t)entries;
            segment->indexed_position = run->index.last_position;
        }
        segment->unsynced |= entries > 0 || aborted > 0 || !round->store->options.sync;
        segment->aborted_count += (int64_t)aborted;
        for (size_t i = 0; i < aborted; i++)
            aborted_remember(partition, &run->aborted.items[i]);
        partition->next_offset = run->next_offset;
        partition->bytes += run->size;
        mutex_unlock(&partition->mutex);
        turn->wrote = true;
        round->store->bytes_since_checkpoint += run->size;
        round->store->appended_bytes += run->size;
        metric_add(METRIC_LOG_APPENDED_BYTES, run->size);
        metric_add(METRIC_LOG_APPENDED_RECORDS, run->records);
        atomic_fetch_add_explicit(&partition->topic->traffic.bytes_in, (uint64_t)run->size,
                                  memory_order_relaxed);
        atomic_fetch_add_explicit(&partition->topic->traffic.records_in, (uint64_t)run->records,
                                  memory_order_relaxed);
    }
    for (size_t i = 0; i < run->appends.count; i++) {
        struct append *append = run->appends.items[i];
        if (err != ERR_OK)
            set_error(append, err, diag.text);
        bool waits = err == ERR_OK && waits_for_sync(append);
        list_push_back(waits ? &turn->written : &turn->done, &append->link);
    }
    run_begin(run, partition);
}

// Remembers the batch, and the transaction it aborts.
static void record(struct run *run, struct producers *producers, const struct producer_write *write)
{
    const struct batch_header *header = write->header;
    struct ended_txn ended;
    vec_reserve(&run->undos, 1);
    producers_record(producers, write, &run->undos.items[run->undos.count++], &ended);
    if (!write->marker || write->marker->commit || ended.first_offset < 0)
        return;
    struct aborted_txn entry = {header->producer_id, ended.first_offset,
                                batch_header_last_offset(header), ended.stable};
    vec_push(&run->aborted, entry);
}

// Checks the sequence of one append and gives it its offsets. Refused and repeated ones leave the
// run.
static void admit(struct round *round, struct turn *turn, struct run *run, struct append *append,
                  const struct topic_limits *limits, int64_t now_ms)
{
    struct partition *partition = turn->partition;
    struct batch_header header;
    struct marker marker;
    struct bytes batch = bytes_make(append->batch, append->size);
    (void)batch_header_read(&header, batch);
    bool ends = (header.attributes & BATCH_CONTROL) && marker_read(&marker, batch);
    const struct segment *segment = writer_active(partition);
    const struct producer_write write = {
        .header = &header,
        .marker = ends ? &marker : NULL,
        .internal = append->internal,
        .txn_version = append->txn_version,
        .segment_base = segment->base_offset,
        .position = segment->size + run->size,
        .now_ms = now_ms,
    };
    struct producer_match match;
    struct diag diag = DIAG_INIT;
    err_t err = producers_admit(&partition->producers, &write, &match, &diag);
    if (err == ERR_DUPLICATE_SEQUENCE && match.last_offset >= partition->next_offset) {
        // The first copy is in this run: write it, for if that fails this one is no repetition.
        run_flush(round, turn, run, limits);
        diag_clear(&diag);
        err = producers_admit(&partition->producers, &write, &match, &diag);
    }
    if (err == ERR_DUPLICATE_SEQUENCE) {
        append->base_offset = match.base_offset;
        append->last_offset = match.last_offset;
        append->repeated = true;
        append->max_timestamp = header.max_timestamp;
        // The first copy may be in this very round, not yet synced.
        bool waits = waits_for_sync(append) && match.last_offset >= partition->end_offset;
        list_push_back(waits ? &turn->written : &turn->done, &append->link);
        return;
    }
    if (err != ERR_OK) {
        set_error(append, err, diag.text);
        list_push_back(&turn->done, &append->link);
        return;
    }
    header.base_offset = run->next_offset;
    batch_assign(append->batch, header.base_offset, 0);
    append->base_offset = header.base_offset;
    append->last_offset = batch_header_last_offset(&header);
    if (header.producer_id >= 0)
        record(run, &partition->producers, &write);
    if (header.max_timestamp > run->max_timestamp)
        run->max_timestamp = header.max_timestamp;
    index_builder_add(&run->index, segment, segment->size + run->size, &header, run->max_timestamp);
    run->next_offset = append->last_offset + 1;
    run->records += header.record_count;
    run->size += (int64_t)append->size;
    vec_push(&run->appends, append);
    struct file_slice slice = {append->batch, append->size};
    vec_push(&run->slices, slice);
}

// Flushes the run and starts a new segment where this append asks for it.
static err_t make_room(struct round *round, struct turn *turn, struct run *run,
                       const struct append *append, const struct topic_limits *limits,
                       struct diag *diag)
{
    struct partition *partition = turn->partition;
    struct segment *segment = writer_active(partition);
    int64_t size = (int64_t)append->size;
    if (segment && run->size > 0 &&
        (run->appends.count >= RUN_BATCHES || run->size + size > RUN_BYTES ||
         segment->size + run->size + size > limits->segment_bytes))
        run_flush(round, turn, run, limits);
    struct batch_header header;
    (void)batch_header_read(&header, bytes_make(append->batch, append->size));
    if (segment &&
        (run->size > 0 ||
         !writer_must_roll(segment, limits, size, partition->next_offset + header.last_offset_delta,
                           header.max_timestamp)))
        return ERR_OK;
    TRY(writer_roll(partition, diag));
    run_begin(run, partition);
    return ERR_OK;
}

static err_t begin_turn(struct round *round, struct partition *partition, struct run *run,
                        struct diag *diag)
{
    mutex_lock(&partition->mutex);
    bool deleted = partition->deleted;
    mutex_unlock(&partition->mutex);
    if (deleted) // its folder was moved away on this thread, or is about to be
        return FAIL(diag, ERR_UNKNOWN_TOPIC, "topic %s was deleted", partition->topic->name);
    TRY(checkpoint_touch(round->store, diag));
    struct segment *segment = writer_active(partition);
    if (!segment)
        return ERR_OK;
    TRY(index_ensure(segment, diag));
    run_begin(run, partition);
    return ERR_OK;
}

static void write_turn(struct round *round, struct turn *turn, struct list *queue)
{
    struct partition *partition = turn->partition;
    struct topic_limits limits = topic__limits(partition->topic);
    struct run run = {0};
    struct diag begin_diag = DIAG_INIT;
    err_t begin_err = begin_turn(round, partition, &run, &begin_diag);
    int64_t now_ms = clock_now_ms(), taken_us = clock_mono_us();
    struct list *link;
    while ((link = list_pop_front(queue)) != NULL) {
        struct append *append = CONTAINER_OF(link, struct append, link);
        metric_observe(METRIC_LOG_APPEND_WAIT, taken_us - append->queued_us);
        struct diag diag = begin_diag;
        err_t err = begin_err;
        if (err == ERR_OK && partition->failed != ERR_OK)
            err = FAIL(&diag, partition->failed, "%s", partition->failed_story);
        if (err == ERR_OK)
            err = make_room(round, turn, &run, append, &limits, &diag);
        if (err == ERR_OK) {
            admit(round, turn, &run, append, &limits, now_ms);
            continue;
        }
        set_error(append, err, diag.text);
        list_push_back(&turn->done, &append->link);
    }
    run_flush(round, turn, &run, &limits);
    run_release(&run);
}

// --- sync and publish ---

static void sync_one(void *ctx, size_t index)
{
    struct round *round = ctx;
    struct dirty *dirty = &round->dirty.items[index];
    dirty->err = writer_sync(round->store, dirty->fd, &dirty->diag);
}

static void sync_dirty(struct round *round)
{
    if (!round->store->options.sync)
        return;
    // All at once to the disk, so that the waiting overlaps.
    for (size_t i = 0; round->dirty.count > 1 && i < round->dirty.count; i++)
        file_start_writeback(round->dirty.items[i].fd);
    sync_pool_run(&round->store->writer.syncs, round->dirty.count, sync_one, round);
    for (size_t i = 0; i < round->dirty.count; i++) {
        const struct dirty *dirty = &round->dirty.items[i];
        struct turn *turn = &round->turns.items[dirty->turn];
        if (dirty->err != ERR_OK && turn->err == ERR_OK) {
            turn->err = dirty->err;
            turn->story = mem_strdup(dirty->diag.text);
        }
    }
}

// Takes what the round wrote to a file back: a file it began goes.
static err_t take_back(const struct dirty *dirty)
{
    struct segment *segment = dirty->segment;
    struct partition *partition = segment->partition;
    mutex_lock(&partition->mutex);
    bool began = segment != partition->segments.items[0] && segment->readable_size == 0;
    mutex_unlock(&partition->mutex);
    if (!began)
        return file_truncate(dirty->fd, segment->readable_size, NULL);
    char path[PATH_BYTES];
    segment__path(segment, "log", path);
    TRY(file_remove(path, NULL));
    return partition__sync_names(partition, NULL);
}

// What the round wrote counts as lost: cut it off, so that a later start does not find it either.
// From the end, each durably before the next: what a power cut brings back must have no hole.
static void lose(struct round *round, size_t turn_index)
{
    struct turn *turn = &round->turns.items[turn_index];
    struct partition *partition = turn->partition;
    partition__fail(partition, turn->err, turn->story);
    LOG_ERROR("store/log", "cannot sync, the partition takes no more appends",
              "topic=%s partition=%d err=\"%s\"", partition->topic->name, partition->index,
              turn->story);
    err_t err = ERR_OK;
    for (size_t i = round->dirty.count; i-- > 0 && err == ERR_OK;)
        if (round->dirty.items[i].turn == turn_index)
            err = take_back(&round->dirty.items[i]);
    mutex_lock(&partition->mutex);
    partition->next_offset = partition->end_offset;
    mutex_unlock(&partition->mutex);
    LIST_EACH(&turn->written, link)
    set_error(CONTAINER_OF(link, struct append, link), turn->err, turn->story);
}

static void publish(struct turn *turn)
{
    struct partition *partition = turn->partition;
    mutex_lock(&partition->mutex);
    struct segment *last = partition->segments.items[partition->segments.count - 1];
    if (last->base_offset <= partition->end_offset)
        partition__hint(partition, partition->end_offset, last->base_offset, last->readable_size);
    for (size_t i = partition->segments.count; i-- > 0;) {
        struct segment *segment = partition->segments.items[i];
        if (segment->readable_size == segment->size && segment->size > 0)
            break;
        segment->readable_size = segment->size;
    }
    partition->end_offset = partition->next_offset;
    partition__publish_open(partition);
    mutex_unlock(&partition->mutex);
    partition__wake(partition);
}

static void publish_all(struct round *round)
{
    loop_posts_begin();
    for (size_t i = 0; i < round->turns.count; i++) {
        struct turn *turn = &round->turns.items[i];
        if (turn->err == ERR_OK && turn->partition->failed != ERR_OK) {
            turn->err = turn->partition->failed;
            turn->story = mem_strdup(turn->partition->failed_story);
        }
        if (turn->err != ERR_OK)
            lose(round, i);
        else if (turn->wrote)
            publish(turn);
        finish_all(&turn->written);
        mem_free(turn->story);
    }
    loop_posts_end();
    for (size_t i = 0; i < round->dirty.count; i++) {
        struct segment *segment = round->dirty.items[i].segment;
        segment->dirty = false;
        segment__put(segment);
        segment__unref(segment);
    }
    for (size_t i = 0; i < round->turns.count; i++)
        topic_unref(round->turns.items[i].partition->topic);
}

// --- the thread ---

void writer_submit(struct partition *partition)
{
    struct writer *writer = &partition->topic->store->writer;
    mutex_lock(&writer->mutex);
    if (!partition->ready) {
        partition->ready = true;
        (void)topic_ref(partition->topic);
        list_push_back(&writer->ready, &partition->ready_link);
    }
    bool wake = writer->sleeping;
    writer->sleeping = false;
    mutex_unlock(&writer->mutex);
    if (wake) // after the unlock: the woken writer would wait for the mutex otherwise
        cond_signal(&writer->wake);
}

void writer_call(struct log_store *store, void (*run)(void *ctx), void *ctx)
{
    struct writer *writer = &store->writer;
    struct writer_call call = {.run = run, .ctx = ctx};
    mutex_lock(&writer->mutex);
    list_push_back(&writer->calls, &call.link);
    writer->sleeping = false;
    cond_signal(&writer->wake);
    while (!call.done)
        cond_wait(&writer->call_done, &writer->mutex);
    mutex_unlock(&writer->mutex);
}

static void run_calls(struct writer *writer, struct list *calls)
{
    struct list *link;
    while ((link = list_pop_front(calls)) != NULL) {
        struct writer_call *call = CONTAINER_OF(link, struct writer_call, link);
        call->run(call->ctx);
        mutex_lock(&writer->mutex);
        call->done = true;
        cond_broadcast(&writer->call_done);
        mutex_unlock(&writer->mutex);
    }
}

// Its partitions, each with all its appends; each turn holds a reference to the topic.
static void run_round(struct round *round, struct partition **partitions, size_t count)
{
    vec_clear(&round->turns);
    vec_clear(&round->dirty);
    vec_reserve(&round->turns, count);
    writer_make_folders(round->store, partitions, count);
    for (size_t i = 0; i < count; i++) {
        struct turn *turn = &round->turns.items[round->turns.count];
        *turn = (struct turn){.partition = partitions[i]};
        list_init(&turn->written);
        list_init(&turn->done);
        round->turn = round->turns.count++;
        struct list queue;
        list_init(&queue);
        mutex_lock(&turn->partition->mutex);
        list_splice(&queue, &turn->partition->queue);
        mutex_unlock(&turn->partition->mutex);
        write_turn(round, turn, &queue);
        finish_all(&turn->done);
    }
    sync_dirty(round);
    publish_all(round);
}

static void writer_main(void *ctx)
{
    struct log_store *store = ctx;
    struct writer *writer = &store->writer;
    struct round round = {.store = store};
    VEC(struct partition *) partitions = {0};
    mutex_lock(&writer->mutex);
    for (;;) {
        while (list_empty(&writer->ready) && list_empty(&writer->calls) && !writer->stop) {
            writer->sleeping = true;
            cond_wait(&writer->wake, &writer->mutex);
            writer->sleeping = false;
        }
        if (list_empty(&writer->ready) && list_empty(&writer->calls))
            break;
        vec_clear(&partitions);
        struct list *link;
        while ((link = list_pop_front(&writer->ready)) != NULL) {
            struct partition *partition = CONTAINER_OF(link, struct partition, ready_link);
            partition->ready = false;
            vec_push(&partitions, partition);
        }
        struct list calls;
        list_init(&calls);
        list_splice(&calls, &writer->calls);
        mutex_unlock(&writer->mutex);
        if (partitions.count > 0)
            run_round(&round, partitions.items, partitions.count);
        run_calls(writer, &calls);
        mutex_lock(&writer->mutex);
    }
    mutex_unlock(&writer->mutex);
    vec_release(&partitions);
    vec_release(&round.turns);
    vec_release(&round.dirty);
}

void writer_start(struct log_store *store)
{
    thread_start(&store->writer.thread, "log writer", writer_main, store);
}

void writer_stop(struct log_store *store)
{
    struct writer *writer = &store->writer;
    mutex_lock(&writer->mutex);
    writer->stop = true;
    cond_signal(&writer->wake);
    mutex_unlock(&writer->mutex);
    thread_join(&writer->thread);
    writer_give_back(store);
}
