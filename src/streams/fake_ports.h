// SPDX-License-Identifier: Apache-2.0
//
// fake_ports: a log of one topic and a store of tables in memory, for the tests of streams.
// Failures can be ordered. Included by tests only.
#ifndef STREAMS_FAKE_PORTS_H
#define STREAMS_FAKE_PORTS_H

#include "base/map.h"
#include "base/vec.h"
#include "data/cast.h"
#include "os/thread.h"
#include "port/log_port.h"
#include "port/table_port.h"
#include "wire/kafka/record.h"

#include <stdlib.h>
#include <strings.h>

// --- log
// -----------------------------------------------------------------------------------------------

enum {
    FAKE_PARTITIONS = 3,
};

struct fake_batch {
    struct str bytes;
    int64_t base, end;
};

struct fake_partition {
    VEC(struct fake_batch) batches;
    int64_t start, end, committed;
};

struct fake_log {
    struct mutex mutex;
    struct fake_partition partitions[FAKE_PARTITIONS];
    log_watch_fn fn;
    void *fn_ctx;
    int fail_reads, fail_commits; // how many of the next calls fail
    int hidden;                   // partitions that are still to be added
    int commits;
    char group[64];
};

static inline err_t fake_topics(void *self, struct arena *arena, const struct log_topic **out,
                                size_t *count, struct diag *diag)
{
    (void)self, (void)diag;
    struct log_topic topic = {.name = "events", .partitions = FAKE_PARTITIONS};
    *out = arena_dup(arena, &topic, sizeof topic);
    *count = 1;
    return ERR_OK;
}

static inline err_t fake_ensure(void *self, const char *topic, int32_t partitions, int32_t *out,
                                struct diag *diag)
{
    struct fake_log *log = self;
    (void)topic, (void)partitions, (void)diag;
    mutex_lock(&log->mutex);
    *out = FAKE_PARTITIONS - log->hidden;
    mutex_unlock(&log->mutex);
    return ERR_OK;
}

static inline err_t fake_offsets(void *self, const char *topic, int32_t partition, int64_t *start,
                                 int64_t *end, struct diag *diag)
{
    struct fake_log *log = self;
    (void)topic, (void)diag;
    mutex_lock(&log->mutex);
    *start = log->partitions[partition].start;
    *end = log->partitions[partition].end;
    mutex_unlock(&log->mutex);
    return ERR_OK;
}

static inline err_t fake_read(void *self, const char *topic, int32_t partition, int64_t offset,
                              size_t max_bytes, struct buf **out, struct diag *diag)
{
    struct fake_log *log = self;
    struct str bytes = {0};
    (void)topic;
    mutex_lock(&log->mutex);
    bool fail = log->fail_reads > 0 && log->fail_reads--;
    const struct fake_partition *part = &log->partitions[partition];
    for (size_t i = 0; i < part->batches.count && (bytes.size == 0 || bytes.size < max_bytes); i++)
        if (part->batches.items[i].end > offset)
            str_append_bytes(&bytes, str_bytes(&part->batches.items[i].bytes));
    mutex_unlock(&log->mutex);
    *out = bytes.size && !fail ? buf_copy(bytes.ptr, bytes.size) : NULL;
    str_release(&bytes);
    return fail ? FAIL(diag, ERR_IO, "the fake log was told to fail") : ERR_OK;
}

static inline err_t fake_watch(void *self, const char *topic, log_watch_fn fn, void *ctx,
                               struct log_watch **out, struct diag *diag)
{
    struct fake_log *log = self;
    (void)topic, (void)diag;
    mutex_lock(&log->mutex);
    log->fn = fn;
    log->fn_ctx = ctx;
    mutex_unlock(&log->mutex);
    *out = (struct log_watch *)(void *)log;
    return ERR_OK;
}

static inline void fake_unwatch(void *self, struct log_watch *watch)
{
    struct fake_log *log = self;
    (void)watch;
    mutex_lock(&log->mutex);
    log->fn = NULL;
    mutex_unlock(&log->mutex);
}

static inline err_t fake_commit(void *self, const char *group, const char *topic,
                                const int32_t *partitions, const int64_t *offsets, size_t count,
                                struct diag *diag)
{
    struct fake_log *log = self;
    (void)topic;
    mutex_lock(&log->mutex);
    bool fail = log->fail_commits > 0 && log->fail_commits--;
    for (size_t i = 0; i < count && !fail; i++)
        log->partitions[partitions[i]].committed = offsets[i];
    log->commits += !fail;
    snprintf(log->group, sizeof log->group, "%s", group);
    mutex_unlock(&log->mutex);
    return fail ? FAIL(diag, ERR_TIMEOUT, "the fake log was told to fail") : ERR_OK;
}

static inline struct log_port fake_log_port(struct fake_log *log)
{
    static const struct log_port_ops ops = {.topics = fake_topics,
                                            .ensure = fake_ensure,
                                            .offsets = fake_offsets,
                                            .read = fake_read,
                                            .watch = fake_watch,
                                            .unwatch = fake_unwatch,
                                            .commit = fake_commit};
    return (struct log_port){&ops, log};
}

// One batch of the given values.
static inline void fake_produce(struct fake_log *log, int partition, const char *const *values,
                                size_t count)
{
    struct record_builder builder = {.codec = count > 2 ? BATCH_ZSTD : BATCH_NONE};
    struct fake_batch batch = {0};
    for (size_t i = 0; i < count; i++)
        record_builder_add(&builder, 1709210096000 + (int64_t)i, BYTES_NULL, bytes_from(values[i]),
                           NULL, 0);
    if (record_builder_finish(&builder, &batch.bytes, NULL) != ERR_OK)
        abort();
    record_builder_release(&builder);
    mutex_lock(&log->mutex);
    struct fake_partition *part = &log->partitions[partition];
    batch.base = part->end;
    batch.end = part->end += (int64_t)count;
    for (int i = 0; i < 8; i++)
        batch.bytes.ptr[i] = (char)((uint64_t)batch.base >> (8 * (7 - i)));
    vec_push(&part->batches, batch);
    log_watch_fn fn = log->fn;
    if (fn)
        fn(log->fn_ctx);
    mutex_unlock(&log->mutex);
}

static inline void fake_log_release(struct fake_log *log)
{
    for (int p = 0; p < FAKE_PARTITIONS; p++) {
        for (size_t i = 0; i < log->partitions[p].batches.count; i++)
            str_release(&log->partitions[p].batches.items[i].bytes);
        vec_release(&log->partitions[p].batches);
    }
    mutex_release(&log->mutex);
}

// --- tables
// --------------------------------------------------------------------------------------------

MAP_DEFINE(fake_map, struct bytes, struct bytes, bytes_hash, bytes_equal);

struct fake_tables { // one table, ks.t(id text primary key, n bigint, word text)
    struct mutex mutex;
    struct arena arena;
    struct fake_map rows; // id -> "n|word"
    struct fake_map metas;
    int fail_before, fail_after; // the next applies fail without, or with their effect
    int applies, rows_written;
    int64_t last_timestamp_us;
    bool timestamps_grow;
};

static const struct table_column fake_columns[] = {
    {"id", "text", &type_string, TABLE_PARTITION_KEY, 0},
    {"n", "bigint", &type_long, TABLE_REGULAR, 0},
    {"word", "text", &type_string, TABLE_REGULAR, 1}};
static const struct table_info fake_table = {"ks", "t", 3, fake_columns};

static inline err_t fake_describe(void *self, struct arena *arena, const char *keyspace,
                                  const char *table, const struct table_info **out,
                                  struct diag *diag)
{
    (void)self, (void)arena;
    if (strcmp(keyspace, "ks") != 0 || strcmp(table, "t") != 0)
        return FAIL(diag, ERR_NOT_FOUND, "no table %s.%s", keyspace, table);
    *out = &fake_table;
    return ERR_OK;
}

static inline const struct column *fake_column(const struct batch *batch, const char *name)
{
    for (size_t i = 0; i < batch->column_count; i++)
        if (strcasecmp(batch->names[i], name) == 0)
            return &batch->columns[i];
    return NULL;
}

static inline void fake_cell(struct str *out, const struct column *column, size_t row)
{
    static const struct cast_options plain = {0};
    if (!column || column_is_null(column, row))
        str_append_text(out, "null");
    else
        cast_value_text(out, column, row, &plain);
}

static inline void fake_put_rows(struct fake_tables *tables, const struct table_rows *rows)
{
    struct str id = {0}, rest = {0};
    if (rows->timestamp_us < tables->last_timestamp_us)
        tables->timestamps_grow = false;
    tables->last_timestamp_us = rows->timestamp_us;
    for (size_t row = 0; row < rows->batch->count; row++) {
        str_clear(&id);
        str_clear(&rest);
        fake_cell(&id, fake_column(rows->batch, "id"), row);
        fake_cell(&rest, fake_column(rows->batch, "n"), row);
        str_append_byte(&rest, '|');
        fake_cell(&rest, fake_column(rows->batch, "word"), row);
        *fake_map_put(&tables->rows, arena_bytes(&tables->arena, str_bytes(&id)), NULL) =
            arena_bytes(&tables->arena, str_bytes(&rest));
        tables->rows_written++;
    }
    str_release(&id);
    str_release(&rest);
}

static inline err_t fake_apply(void *self, const struct table_write *write, struct diag *diag)
{
    struct fake_tables *tables = self;
    err_t err = ERR_OK;
    mutex_lock(&tables->mutex);
    if (tables->fail_before > 0 && tables->fail_before--) {
        err = FAIL(diag, ERR_IO, "the fake tables were told to fail before");
    } else {
        for (size_t i = 0; i < write->row_set_count; i++)
            fake_put_rows(tables, &write->rows[i]);
        for (size_t i = 0; i < write->meta_count; i++)
            *fake_map_put(&tables->metas, arena_bytes(&tables->arena, write->metas[i].key), NULL) =
                arena_bytes(&tables->arena, write->metas[i].value);
        tables->applies++;
        if (tables->fail_after > 0 && tables->fail_after--)
            err = FAIL(diag, ERR_IO, "the fake tables were told to fail after");
    }
    mutex_unlock(&tables->mutex);
    return err;
}

static inline err_t fake_meta_get(void *self, struct arena *arena, struct bytes key,
                                  struct bytes *out, struct diag *diag)
{
    struct fake_tables *tables = self;
    (void)diag;
    mutex_lock(&tables->mutex);
    struct bytes *found = fake_map_get(&tables->metas, key);
    *out = found ? arena_bytes(arena, *found) : BYTES_NULL;
    mutex_unlock(&tables->mutex);
    return ERR_OK;
}

// One batch per row, so that a query has several to pull.
static inline err_t fake_scan(void *self, const char *keyspace, const char *table,
                              err_t (*fn)(const struct batch *batch, void *ctx), void *ctx,
                              struct diag *diag)
{
    static const char *const names[] = {"id", "n", "word"};
    struct fake_tables *tables = self;
    (void)keyspace, (void)table, (void)diag;
    for (size_t i = 0; i < tables->rows.capacity; i++) {
        if (!tables->rows.used[i])
            continue;
        struct arena arena = ARENA_INIT;
        struct column columns[3];
        for (int c = 0; c < 3; c++)
            column_init(&columns[c], &arena, fake_columns[c].type, 1);
        columns[0].strings[0] = tables->rows.keys[i];
        columns[1].longs[0] = atoll(arena_text(&arena, tables->rows.values[i]));
        column_set_null(&columns[2], &arena, 0);
        struct batch batch = {1, 3, columns, names};
        err_t err = fn(&batch, ctx);
        arena_release(&arena);
        TRY(err);
    }
    return ERR_OK;
}

static inline struct table_port fake_table_port(struct fake_tables *tables)
{
    static const struct table_port_ops ops = {.describe = fake_describe,
                                              .apply = fake_apply,
                                              .meta_get = fake_meta_get,
                                              .scan = fake_scan};
    return (struct table_port){&ops, tables};
}

static inline void fake_tables_release(struct fake_tables *tables)
{
    fake_map_release(&tables->rows);
    fake_map_release(&tables->metas);
    arena_release(&tables->arena);
    mutex_release(&tables->mutex);
}

#endif
