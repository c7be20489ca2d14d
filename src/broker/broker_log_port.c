// SPDX-License-Identifier: Apache-2.0
//
// The broker's log as a log_port: what the services of this process read and write without a
// socket.
#include "base/mem.h"
#include "base/vec.h"
#include "broker/batch_rules.h"
#include "broker/broker_int.h"
#include "broker/committed_read.h"
#include "os/clock.h"
#include "os/thread.h"
#include "wire/kafka/murmur2.h"

enum { PORT_BATCH_BYTES = 900 << 10 }; // below max.message.bytes, with room for the header

static err_t need_topic(struct broker *broker, const char *name, struct topic **out,
                        struct diag *diag)
{
    *out = log_store_topic(broker->store, bytes_from(name));
    return *out ? ERR_OK : FAIL(diag, ERR_UNKNOWN_TOPIC, "no topic %s", name);
}

static err_t need_partition(struct broker *broker, const char *name, int32_t index,
                            struct topic **topic, struct partition **out, struct diag *diag)
{
    TRY(need_topic(broker, name, topic, diag));
    *out = topic_partition(*topic, index);
    if (*out)
        return ERR_OK;
    int32_t count = topic_partition_count(*topic);
    topic_unref(*topic);
    return FAIL(diag, ERR_UNKNOWN_TOPIC, "topic %s has no partition %d, it has %d", name, index,
                count);
}

// --- topics ---

static err_t port_topics(void *self, struct arena *arena, const struct log_topic **out,
                         size_t *count, struct diag *diag)
{
    (void)diag;
    struct broker *broker = self;
    struct topic **topics = log_store_topics(broker->store, arena, count);
    struct log_topic *list = ARENA_ARRAY(arena, struct log_topic, *count + 1);
    for (size_t i = 0; i < *count; i++) {
        struct log_topic *to = &list[i];
        to->name = arena_strdup(arena, topic_name(topics[i]));
        to->partitions = topic_partition_count(topics[i]);
        to->internal = broker_topic_internal(to->name);
        for (int32_t p = 0; p < to->partitions; p++) {
            struct partition_offsets offsets = partition_offsets(topic_partition(topics[i], p));
            to->bytes += offsets.bytes;
            to->records += offsets.end - offsets.start;
        }
        topic_unref(topics[i]);
    }
    *out = list;
    return ERR_OK;
}

static err_t port_ensure(void *self, const char *name, int32_t partitions, int32_t *out,
                         struct diag *diag)
{
    struct broker *broker = self;
    struct topic *topic = log_store_topic(broker->store, bytes_from(name));
    if (!topic) {
        int32_t count = partitions > 0 ? partitions : (int32_t)setting(broker, SETTING_PARTITIONS);
        err_t err = log_store_create_topic(broker->store, name, count, NULL, 0, &topic, diag);
        if (err == ERR_EXISTS) { // somebody was faster
            diag_clear(diag);
            err = need_topic(broker, name, &topic, diag);
        }
        TRY(err);
    }
    if (out)
        *out = topic_partition_count(topic);
    topic_unref(topic);
    return ERR_OK;
}

static err_t port_remove(void *self, const char *name, struct diag *diag)
{
    struct broker *broker = self;
    return log_store_delete_topic(broker->store, name, diag);
}

// --- offsets ---

static err_t port_offsets(void *self, const char *name, int32_t index, int64_t *start, int64_t *end,
                          struct diag *diag)
{
    struct topic *topic;
    struct partition *partition;
    TRY(need_partition(self, name, index, &topic, &partition, diag));
    struct partition_offsets offsets = partition_offsets(partition);
    *start = offsets.start;
    *end = offsets.stable;
    topic_unref(topic);
    return ERR_OK;
}

static err_t port_offset_at(void *self, const char *name, int32_t index, int64_t timestamp_ms,
                            int64_t *out, struct diag *diag)
{
    struct topic *topic;
    struct partition *partition;
    TRY(need_partition(self, name, index, &topic, &partition, diag));
    int64_t end = partition_offsets(partition).stable, found_ms;
    err_t err = partition_offset_at(partition, timestamp_ms, out, &found_ms, diag);
    if (err == ERR_OK && *out < 0)
        *out = end;
    topic_unref(topic);
    return err;
}

// --- append ---

struct port_batch {
    struct append append;
    struct port_wait *wait;
};

struct port_wait {
    struct mutex mutex;
    struct cond cond;
    size_t pending;
};

struct port_append {
    struct broker *broker;
    struct topic *topic;
    int32_t partitions;
    struct record_builder *builders; // one per partition
    int32_t first;                   // partition of the first record
    struct port_wait wait;
    VEC(struct port_batch *) batches;
};

static void batch_done(struct append *append)
{
    struct port_wait *wait = CONTAINER_OF(append, struct port_batch, append)->wait;
    mutex_lock(&wait->mutex);
    if (--wait->pending == 0)
        cond_signal(&wait->cond);
    mutex_unlock(&wait->mutex);
}

static void free_text(void *ctx)
{
    mem_free(ctx);
}

static err_t send_batch(struct port_append *port, int32_t index, struct diag *diag)
{
    struct str bytes = {0};
    struct topic_rules rules = topic_rules(port->topic);
    struct record_builder *builder = &port->builders[index];
    struct record_survey survey = {.max_timestamp = builder->max_timestamp};
    struct buf *packed = NULL;
    err_t err = record_builder_finish(builder, &bytes, diag);
    if (err == ERR_OK)
        err = batch_rules_apply(&rules, (uint8_t *)bytes.ptr, bytes.size, &survey, clock_now_ms(),
                                &packed, diag);
    if (err != ERR_OK) {
        str_release(&bytes);
        return err;
    }
    struct port_batch *batch = MEM_NEW(struct port_batch);
    if (!packed) {
        size_t size = bytes.size;
        char *text = str_take(&bytes);
        packed = buf_wrap(text, size, free_text, text);
    }
    str_release(&bytes);
    batch->wait = &port->wait;
    batch->append = (struct append){.buf = packed,
                                    .batch = packed->ptr,
                                    .size = packed->size,
                                    .until = APPEND_SYNCED,
                                    .done = batch_done};
    vec_push(&port->batches, batch);
    mutex_lock(&port->wait.mutex);
    port->wait.pending++;
    mutex_unlock(&port->wait.mutex);
    partition_append(topic_partition(port->topic, index), &batch->append);
    return ERR_OK;
}

static err_t add_record(struct port_append *port, int32_t index, const struct log_record *record,
                        int64_t now_ms, struct arena *arena, struct diag *diag)
{
    struct record_builder *builder = &port->builders[index];
    size_t bytes = record->key.size + record->value.size;
    struct record_header *headers =
        ARENA_ARRAY(arena, struct record_header, record->header_count + 1);
    for (size_t i = 0; i < record->header_count; i++) {
        headers[i] = (struct record_header){record->headers[i].key, record->headers[i].value};
        bytes += record->headers[i].key.size + record->headers[i].value.size;
    }
    // A large call goes out as several batches.
    if (builder->count > 0 && builder->records.size + bytes > PORT_BATCH_BYTES)
        TRY(send_batch(port, index, diag));
    record_builder_add(builder, record->timestamp_ms == -1 ? now_ms : record->timestamp_ms,
                       record->key, record->value, headers, record->header_count);
    return ERR_OK;
}

// Spreads records without a key; where it starts does not matter.
static int32_t next_partition(int32_t partitions)
{
    static _Atomic uint32_t turn;
    return (int32_t)(turn++ % (uint32_t)partitions);
}

static err_t wait_all(struct port_append *port, int64_t *base_offset, struct diag *diag)
{
    mutex_lock(&port->wait.mutex);
    while (port->wait.pending > 0)
        cond_wait(&port->wait.cond, &port->wait.mutex);
    mutex_unlock(&port->wait.mutex);
    err_t err = ERR_OK;
    for (size_t i = 0; i < port->batches.count; i++) {
        struct append *append = &port->batches.items[i]->append;
        if (base_offset && *base_offset < 0 && partition_index(append->partition) == port->first)
            *base_offset = append->base_offset;
        if (append->err != ERR_OK && err == ERR_OK)
            err = FAIL(diag, append->err, "%s",
                       append->story ? append->story : err_info(append->err)->text);
        mem_free(append->story);
        mem_free(port->batches.items[i]);
    }
    vec_release(&port->batches);
    return err;
}

static err_t append_records(struct port_append *port, int32_t partition,
                            const struct log_record *records, size_t count, struct diag *diag)
{
    struct arena arena = ARENA_INIT;
    int64_t now_ms = clock_now_ms();
    int32_t keyless =
        next_partition(port->partitions); // of this call: one batch, not one per record
    err_t err = ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        int32_t index = partition >= 0       ? partition
                        : records[i].key.ptr ? murmur2_partition(records[i].key, port->partitions)
                                             : keyless;
        if (i == 0)
            port->first = index;
        err = add_record(port, index, &records[i], now_ms, &arena, diag);
        arena_clear(&arena);
    }
    arena_release(&arena);
    for (int32_t i = 0; i < port->partitions && err == ERR_OK; i++)
        if (port->builders[i].count > 0)
            err = send_batch(port, i, diag);
    return err;
}

static err_t port_append(void *self, const char *name, int32_t partition,
                         const struct log_record *records, size_t count, int64_t *base_offset,
                         struct diag *diag)
{
    struct port_append port = {.broker = self};
    struct partition *checked;
    if (base_offset)
        *base_offset = -1;
    if (count == 0)
        return ERR_OK;
    if (partition >= 0)
        TRY(need_partition(self, name, partition, &port.topic, &checked, diag));
    else
        TRY(need_topic(self, name, &port.topic, diag));
    port.partitions = topic_partition_count(port.topic);
    port.builders = mem_zalloc((size_t)port.partitions * sizeof *port.builders);
    mutex_init(&port.wait.mutex);
    cond_init(&port.wait.cond);
    err_t err = append_records(&port, partition, records, count, diag);
    err_t wait_err = wait_all(&port, base_offset, err == ERR_OK ? diag : NULL);
    for (int32_t i = 0; i < port.partitions; i++)
        record_builder_release(&port.builders[i]);
    mem_free(port.builders);
    cond_release(&port.wait.cond);
    mutex_release(&port.wait.mutex);
    topic_unref(port.topic);
    return err != ERR_OK ? err : wait_err;
}

// --- read and watch ---

static err_t port_read(void *self, const char *name, int32_t index, int64_t offset,
                       size_t max_bytes, struct buf **out, struct diag *diag)
{
    struct topic *topic;
    struct partition *partition;
    *out = NULL;
    TRY(need_partition(self, name, index, &topic, &partition, diag));
    err_t err = committed_read(partition, offset, max_bytes, out, diag);
    topic_unref(topic);
    return err;
}

struct log_watch {
    struct log_waiter waiter;
    struct topic *topic;
    log_watch_fn fn;
    void *ctx;
};

static void watch_woken(struct log_waiter *waiter)
{
    struct log_watch *watch = CONTAINER_OF(waiter, struct log_watch, waiter);
    watch->fn(watch->ctx);
}

static err_t port_watch(void *self, const char *name, log_watch_fn fn, void *ctx,
                        struct log_watch **out, struct diag *diag)
{
    struct topic *topic;
    TRY(need_topic(self, name, &topic, diag));
    struct log_watch *watch = MEM_NEW(struct log_watch);
    *watch =
        (struct log_watch){.waiter = {.wake = watch_woken}, .topic = topic, .fn = fn, .ctx = ctx};
    topic_wait(topic, &watch->waiter);
    *out = watch;
    return ERR_OK;
}

static void port_unwatch(void *self, struct log_watch *watch)
{
    (void)self;
    topic_unwait(watch->topic, &watch->waiter);
    topic_unref(watch->topic);
    mem_free(watch);
}

// --- groups ---

static err_t port_commit(void *self, const char *group, const char *topic,
                         const int32_t *partitions, const int64_t *offsets, size_t count,
                         struct diag *diag)
{
    return broker_group_commit(self, group, topic, partitions, offsets, count, diag);
}

static err_t port_groups(void *self, struct arena *arena, const struct log_group **out,
                         size_t *count, struct diag *diag)
{
    return broker_group_list(self, arena, out, count, diag);
}

static const struct log_port_ops port_ops = {
    .topics = port_topics,
    .ensure = port_ensure,
    .remove = port_remove,
    .offsets = port_offsets,
    .offset_at = port_offset_at,
    .append = port_append,
    .read = port_read,
    .watch = port_watch,
    .unwatch = port_unwatch,
    .commit = port_commit,
    .groups = port_groups,
};

struct log_port broker_log_port(struct broker *broker)
{
    return (struct log_port){.ops = &port_ops, .self = broker};
}
