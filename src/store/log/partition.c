// SPDX-License-Identifier: Apache-2.0
#include "store/log/log_int.h"

#include "os/clock.h"
#include "wire/kafka/batch_header.h"

#include <stdlib.h>

void partition__dir(const struct partition *partition, char *out)
{
    const struct topic *topic = partition->topic;
    int size = snprintf(out, PATH_BYTES - 64, "%s/%s-%d", topic->store->dir, topic->name,
                        partition->index);
    (void)size; // log_store_open() has bounded the folder's length
}

struct topic *partition_topic(struct partition *partition)
{
    return partition->topic;
}

int32_t partition_index(const struct partition *partition)
{
    return partition->index;
}

struct partition_offsets partition_offsets(struct partition *partition)
{
    mutex_lock(&partition->mutex);
    struct partition_offsets offsets = {
        .start = partition->start_offset,
        .end = partition->end_offset,
        .stable = partition__stable(partition),
        .bytes = partition->bytes,
    };
    mutex_unlock(&partition->mutex);
    return offsets;
}

int64_t partition__stable(const struct partition *partition)
{
    int64_t stable = partition->first_open.first_offset;
    if (stable < 0 || stable > partition->end_offset)
        return partition->end_offset;
    return stable > partition->start_offset ? stable : partition->start_offset;
}

void partition__publish_open(struct partition *partition)
{
    struct open_txn first = {.first_offset = -1};
    if (partition->producers.open.count > 0)
        first = partition->producers.open.items[0];
    // The place may have been looked up since.
    if (first.position < 0 && first.first_offset == partition->first_open.first_offset)
        return;
    partition->first_open = first;
}

void partition__hint(struct partition *partition, int64_t offset, int64_t segment_base,
                     int64_t position)
{
    for (int i = 0; i < HINT_COUNT; i++)
        if (partition->hints[i].offset == offset)
            return;
    partition->hints[partition->hint_next++ % HINT_COUNT] =
        (struct hint){.offset = offset, .segment_base = segment_base, .position = position};
}

void partition__fail(struct partition *partition, err_t err, const char *story)
{
    mutex_lock(&partition->mutex);
    if (partition->failed == ERR_OK) {
        partition->failed = err;
        partition->failed_story = mem_strdup(story);
        partition->rescan = true;
    }
    mutex_unlock(&partition->mutex);
}

bool partition__pin(struct partition *partition)
{
    struct log_store *store = partition->topic->store;
    mutex_lock(&store->mutex);
    mutex_lock(&partition->mutex);
    bool there = !partition->deleted;
    mutex_unlock(&partition->mutex);
    partition->pins += there;
    mutex_unlock(&store->mutex);
    return there;
}

void partition__unpin(struct partition *partition)
{
    struct log_store *store = partition->topic->store;
    mutex_lock(&store->mutex);
    if (--partition->pins == 0)
        cond_broadcast(&store->unpinned);
    mutex_unlock(&store->mutex);
}

void partition__wait_unpinned(struct partition *partition)
{
    struct log_store *store = partition->topic->store;
    mutex_lock(&store->mutex);
    while (partition->pins > 0)
        cond_wait(&store->unpinned, &store->mutex);
    mutex_unlock(&store->mutex);
}

// --- append ---

static void refuse(struct append *append, err_t err, const char *story)
{
    append->err = err;
    append->story = story ? mem_strdup(story) : NULL;
    append->base_offset = -1;
    buf_unref(append->buf);
    append->buf = NULL;
    append->done(append);
}

static err_t check(struct partition *partition, const struct append *append, struct diag *diag)
{
    struct topic_limits limits = topic__limits(partition->topic);
    if ((int64_t)append->size > limits.batch_max_bytes)
        return FAIL(diag, ERR_TOO_LARGE, "a record batch of %zu bytes, max.message.bytes is %lld",
                    append->size, (long long)limits.batch_max_bytes);
    struct batch_header header;
    struct bytes batch = bytes_make(append->batch, append->size);
    if (!append->checked)
        TRY(batch_check(&header, batch, diag));
    else
        (void)batch_header_read(&header, batch);
    struct marker marker;
    if ((header.attributes & BATCH_CONTROL) && (!append->internal || !marker_read(&marker, batch)))
        return FAIL(diag, ERR_INVALID_RECORD, "clients may not write control batches");
    if ((header.attributes & BATCH_TRANSACTIONAL) && header.producer_id < 0)
        return FAIL(diag, ERR_INVALID_RECORD, "a transactional batch without a producer id");
    return ERR_OK;
}

void partition_append(struct partition *partition, struct append *append)
{
    struct topic *topic =
        topic_ref(partition->topic); // done() may come before writer_submit() returns
    append->partition = partition;
    append->err = ERR_OK;
    append->story = NULL;
    append->base_offset = append->start_offset = -1;
    list_init(&append->link);
    append->queued_us = clock_mono_us();
    struct diag diag = DIAG_INIT;
    err_t err = check(partition, append, &diag);
    struct log_store *store = partition->topic->store;
    bool charged = false;
    if (err == ERR_OK) {
        size_t queued = atomic_fetch_add(&store->writer.queued_bytes, append->size) + append->size;
        charged = true;
        if (queued > store->options.queue_max_bytes && queued > append->size)
            err = FAIL(&diag, ERR_OVERLOADED, "%zu bytes wait to be written already",
                       queued - append->size);
    }
    if (err == ERR_OK) {
        mutex_lock(&partition->mutex);
        if (partition->deleted)
            err = FAIL(&diag, ERR_UNKNOWN_TOPIC, "topic %s was deleted", partition->topic->name);
        else if (partition->failed != ERR_OK)
            err = FAIL(&diag, partition->failed, "%s", partition->failed_story);
        append->start_offset = partition->start_offset;
        if (err == ERR_OK)
            list_push_back(&partition->queue, &append->link);
        mutex_unlock(&partition->mutex);
    }
    if (err == ERR_OK) {
        writer_submit(partition);
    } else {
        if (charged)
            atomic_fetch_sub(&store->writer.queued_bytes, append->size);
        refuse(append, err, diag.text);
    }
    topic_unref(topic);
}

struct wait {
    struct append append;
    struct mutex mutex;
    struct cond cond;
    bool done;
};

static void wait_done(struct append *append)
{
    struct wait *wait = CONTAINER_OF(append, struct wait, append);
    mutex_lock(&wait->mutex);
    wait->done = true;
    cond_signal(&wait->cond);
    mutex_unlock(&wait->mutex);
}

err_t partition_append_wait(struct partition *partition, struct buf *buf, int64_t *base_offset,
                            struct diag *diag)
{
    struct wait wait = {.append = {.buf = buf,
                                   .batch = buf->ptr,
                                   .size = buf->size,
                                   .until = APPEND_SYNCED,
                                   .done = wait_done}};
    mutex_init(&wait.mutex);
    cond_init(&wait.cond);
    partition_append(partition, &wait.append);
    mutex_lock(&wait.mutex);
    while (!wait.done)
        cond_wait(&wait.cond, &wait.mutex);
    mutex_unlock(&wait.mutex);
    cond_release(&wait.cond);
    mutex_release(&wait.mutex);
    err_t err = wait.append.err;
    if (base_offset)
        *base_offset = wait.append.base_offset;
    if (err != ERR_OK)
        err = FAIL(diag, err, "%s", wait.append.story ? wait.append.story : err_info(err)->text);
    mem_free(wait.append.story);
    return err;
}

// --- waiters ---

static void wake_all(struct list *waiters)
{
    LIST_EACH(waiters, link)
    {
        struct log_waiter *waiter = CONTAINER_OF(link, struct log_waiter, link);
        waiter->wake(waiter);
    }
}

void partition__wake(struct partition *partition)
{
    mutex_lock(&partition->mutex);
    wake_all(&partition->waiters);
    mutex_unlock(&partition->mutex);
    struct topic *topic = partition->topic;
    mutex_lock(&topic->mutex);
    wake_all(&topic->waiters);
    mutex_unlock(&topic->mutex);
}

void partition_wait(struct partition *partition, struct log_waiter *waiter)
{
    mutex_lock(&partition->mutex);
    list_push_back(&partition->waiters, &waiter->link);
    mutex_unlock(&partition->mutex);
}

void partition_unwait(struct partition *partition, struct log_waiter *waiter)
{
    mutex_lock(&partition->mutex);
    list_remove(&waiter->link);
    mutex_unlock(&partition->mutex);
}

// --- producers ---

struct producers_call {
    struct partition *partition;
    struct arena *arena;
    struct partition_producer *out;
    size_t count;
};

static int by_id(const void *a, const void *b)
{
    const struct partition_producer *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static void copy_producers(void *ctx)
{
    struct producers_call *call = ctx;
    const struct producer_map *map = &call->partition->producers.map;
    call->out = ARENA_ARRAY(call->arena, struct partition_producer, map->count + 1);
    for (size_t i = 0; i < map->capacity; i++) {
        if (!map->used[i])
            continue;
        const struct producer *producer = map->values[i];
        int32_t last_sequence = -1;
        if (producer->batch_count > 0)
            last_sequence = producer->batches[producer->batch_count - 1].last_sequence;
        call->out[call->count++] = (struct partition_producer){
            .id = producer->id,
            .epoch = producer->epoch,
            .last_sequence = last_sequence,
            .last_timestamp = producer->last_timestamp,
            .coordinator_epoch = producer->coordinator_epoch,
            .txn_first_offset = producer->txn_first_offset,
        };
    }
    qsort(call->out, call->count, sizeof *call->out, by_id);
}

struct partition_producer *partition_producers(struct partition *partition, struct arena *arena,
                                               size_t *count)
{
    struct producers_call call = {.partition = partition, .arena = arena};
    writer_call(partition->topic->store, copy_producers, &call);
    *count = call.count;
    return call.out;
}
