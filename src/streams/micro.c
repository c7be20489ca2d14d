// SPDX-License-Identifier: Apache-2.0
//
// One micro-batch:
//
//     log_port.offsets        how far each partition goes; limits give each its end
//     log_port.read           blocks of record batches, decoded into rows that are views of them
//     sql_run / sql_agg       slices of 4096 rows through the query
//     table_port.apply        rows, the checkpoint with the new offsets, changed group states: one
//     write batch log_port.commit         the offsets as group weir-stream-<name>, for lag tools
//     only
//
// The apply is what makes it exactly once: if it happened, the checkpoint says so; if not, nothing
// of the batch is there. Write times grow from batch to batch, so that a later record wins in the
// table; of two rows for one key in one batch only the later is written.
#include "streams/micro.h"

#include "base/log.h"
#include "base/metric.h"
#include "os/clock.h"
#include "os/random.h"
#include "streams/upsert.h"

#include <strings.h>

// --- opening
// -------------------------------------------------------------------------------------------

static err_t check_sink(struct micro *micro, struct diag *diag)
{
    const struct spec *spec = micro->spec;
    struct table_port tables = micro->options->tables;
    TRY(tables.ops->describe(tables.self, &micro->arena, spec->sink_keyspace, spec->sink_table,
                             &micro->sink, diag));
    size_t count = sql_query_column_count(spec->query);
    const char *const *names = sql_query_names(spec->query);
    for (size_t i = 0; i < count; i++) {
        size_t c = 0;
        while (c < micro->sink->column_count &&
               strcasecmp(micro->sink->columns[c].name, names[i]) != 0)
            c++;
        if (c == micro->sink->column_count)
            return FAIL(
                diag, ERR_NOT_FOUND,
                "the query's column '%s' is not in table %s.%s; rename it with AS or add it "
                "to the table",
                names[i], spec->sink_keyspace, spec->sink_table);
    }
    for (size_t c = 0; c < micro->sink->column_count; c++) {
        const struct table_column *column = &micro->sink->columns[c];
        size_t i = 0;
        while (i < count && strcasecmp(column->name, names[i]) != 0)
            i++;
        bool key = column->kind == TABLE_PARTITION_KEY || column->kind == TABLE_CLUSTERING_KEY;
        if (key && i == count)
            return FAIL(diag, ERR_INVALID,
                        "the query gives no column '%s', which is part of the key of table %s.%s",
                        column->name, spec->sink_keyspace, spec->sink_table);
    }
    return ERR_OK;
}

static int64_t wanted_start(const struct spec *spec, int32_t partition, int64_t start, int64_t end)
{
    if (spec->start != SPEC_OFFSETS)
        return spec->start == SPEC_EARLIEST ? start : end;
    for (size_t i = 0; i < spec->offset_count; i++)
        if (spec->offsets[i].partition == partition)
            return spec->offsets[i].offset == SPEC_OFFSET_LATEST     ? end
                   : spec->offsets[i].offset == SPEC_OFFSET_EARLIEST ? start
                                                                     : spec->offsets[i].offset;
    return start;
}

// A query that never ran: its first offsets are kept at once, so that "latest" means the moment of
// its first start.
static err_t begin(struct micro *micro, struct diag *diag)
{
    const struct spec *spec = micro->spec;
    struct log_port log = micro->options->log;
    uint8_t id[16];
    random_uuid(id);
    uuid_text(id, micro->at.id);
    micro->at.batch_id = -1;
    micro->at.topic = spec->topic;
    for (size_t p = 0; p < micro->at.partition_count; p++) {
        int64_t start, end;
        TRY(log.ops->offsets(log.self, spec->topic, (int32_t)p, &start, &end, diag));
        micro->at.offsets[p] = wanted_start(spec, (int32_t)p, start, end);
    }
    struct table_meta meta = checkpoint_meta(&micro->at, spec->name, &micro->arena);
    struct table_write write = {.metas = &meta, .meta_count = 1};
    return micro->options->tables.ops->apply(micro->options->tables.self, &write, diag);
}

// May the checkpoint go on with this file? Spark's rules: another topic or another aggregation may
// not.
static err_t check_restart(const struct micro *micro, const struct checkpoint *old, const char *sql,
                           struct diag *diag)
{
    const struct spec *spec = micro->spec;
    if (strcmp(old->topic, spec->topic) != 0)
        return FAIL(diag, ERR_CONFLICT,
                    "stream '%s' has read topic '%s' up to batch %lld; it cannot go on with topic "
                    "'%s'. Give the stream another name to start anew",
                    spec->name, old->topic, (long long)old->batch_id, spec->topic);
    if (old->batch_id >= 0 && strcmp(old->sql, sql) != 0)
        return FAIL(diag, ERR_CONFLICT,
                    "the SQL of stream '%s' has changed since batch %lld, and the groups it keeps "
                    "belong to the old one. Give the stream another name to start anew, or restore "
                    "the old SQL",
                    spec->name, (long long)old->batch_id);
    return ERR_OK;
}

static err_t open_position(struct micro *micro, struct diag *diag)
{
    const struct spec *spec = micro->spec;
    struct log_port log = micro->options->log;
    struct arena *arena = &micro->arena;
    int32_t partitions;
    bool found, aggregate = sql_query_kind(spec->query) == SQL_AGGREGATE;
    const char *sql = aggregate ? checkpoint_sql(arena, spec->sql) : "";
    struct checkpoint old = {0};
    TRY(log.ops->ensure(log.self, spec->topic, spec->partitions, &partitions, diag));
    TRY(checkpoint_load(&old, &found, arena, micro->options->tables, spec->name, diag));
    size_t count =
        (size_t)partitions > old.partition_count ? (size_t)partitions : old.partition_count;
    micro->at = old;
    micro->at.partition_count = count;
    micro->at.sql = sql;
    micro->at.offsets = ARENA_ARRAY(arena, int64_t, count + 1);
    micro->start = ARENA_ARRAY(arena, int64_t, count + 1);
    micro->latest = ARENA_ARRAY(arena, int64_t, count + 1);
    micro->end = ARENA_ARRAY(arena, int64_t, count + 1);
    if (!found)
        return begin(micro, diag);
    TRY(check_restart(micro, &old, sql, diag));
    for (size_t p = 0; p < count; p++) {
        int64_t end;
        if (p < old.partition_count)
            micro->at.offsets[p] = old.offsets[p];
        else
            TRY(log.ops->offsets(log.self, spec->topic, (int32_t)p, &micro->at.offsets[p], &end,
                                 diag));
    }
    return ERR_OK;
}

err_t micro_open(struct micro *micro, const struct spec *spec,
                 const struct streams_options *options, struct diag *diag)
{
    *micro = (struct micro){.spec = spec, .options = options};
    arena_init(&micro->arena, 4096);
    arena_init(&micro->batch_arena, 1 << 18);
    arena_init(&micro->load_arena, 4096);
    source_init(&micro->source, options->log, spec->topic);
    err_t err = check_sink(micro, diag);
    if (err == ERR_OK)
        err = open_position(micro, diag);
    if (err == ERR_OK)
        err = sql_query_kind(spec->query) == SQL_AGGREGATE
                  ? sql_agg_open(&micro->agg, spec->query, diag)
                  : sql_run_open(&micro->run, spec->query, diag);
    if (err != ERR_OK)
        micro_close(micro);
    return err;
}

void micro_close(struct micro *micro)
{
    if (micro->agg)
        sql_agg_close(micro->agg);
    if (micro->run)
        sql_run_close(micro->run);
    micro->agg = NULL;
    micro->run = NULL;
    source_release(&micro->source);
    arena_release(&micro->batch_arena);
    arena_release(&micro->load_arena);
    arena_release(&micro->arena);
}

err_t micro_refresh(struct micro *micro, struct diag *diag)
{
    struct log_port log = micro->options->log;
    int32_t partitions;
    TRY(log.ops->ensure(log.self, micro->spec->topic, micro->spec->partitions, &partitions, diag));
    size_t old = micro->at.partition_count, count = (size_t)partitions;
    if (count <= old)
        return ERR_OK;
    int64_t *offsets = ARENA_ARRAY(&micro->arena, int64_t, count + 1);
    memcpy(offsets, micro->at.offsets, old * sizeof *offsets);
    for (size_t p = old; p < count; p++) {
        int64_t end;
        TRY(log.ops->offsets(log.self, micro->spec->topic, (int32_t)p, &offsets[p], &end, diag));
    }
    micro->at.offsets = offsets;
    micro->at.partition_count = count;
    micro->start = ARENA_ARRAY(&micro->arena, int64_t, count + 1);
    micro->latest = ARENA_ARRAY(&micro->arena, int64_t, count + 1);
    micro->end = ARENA_ARRAY(&micro->arena, int64_t, count + 1);
    micro->targets = NULL;
    return ERR_OK;
}

// --- planning
// ------------------------------------------------------------------------------------------

// The log no longer holds what comes next: an error, or a warning and a step forward.
static err_t lost(struct micro *micro, size_t p, int64_t start, int64_t end, struct diag *diag)
{
    const struct spec *spec = micro->spec;
    int64_t next = micro->at.offsets[p];
    if (spec->fail_on_data_loss)
        return FAIL(
            diag, ERR_OFFSET_OUT_OF_RANGE,
            "records of %s, partition %zu, from offset %lld on are gone: the log holds %lld "
            "to %lld. Set failOnDataLoss: false to go on with what is there",
            spec->topic, p, (long long)next, (long long)start, (long long)end);
    LOG_WARN("streams", "records lost", "stream=%s topic=%s partition=%zu from=%lld to=%lld",
             spec->name, spec->topic, p, (long long)next, (long long)start);
    micro->at.offsets[p] = start;
    return ERR_OK;
}

static err_t look(struct micro *micro, struct diag *diag)
{
    struct log_port log = micro->options->log;
    size_t count = micro->at.partition_count;
    micro->lag = 0;
    for (size_t p = 0; p < count; p++) {
        int64_t start;
        TRY(log.ops->offsets(log.self, micro->spec->topic, (int32_t)p, &start, &micro->latest[p],
                             diag));
        if (micro->at.offsets[p] < start || micro->at.offsets[p] > micro->latest[p])
            TRY(lost(micro, p, start, micro->latest[p], diag));
        micro->start[p] = micro->at.offsets[p];
        micro->lag += micro->latest[p] - micro->start[p];
    }
    if (micro->spec->trigger != SPEC_TRIGGER_AVAILABLE_NOW)
        return ERR_OK;
    if (!micro->targets)
        micro->targets = arena_dup(&micro->arena, micro->latest, count * sizeof *micro->targets);
    return ERR_OK;
}

// Each partition's end: its share of maxOffsetsPerTrigger by backlog. The number of partitions with
// anything to read.
static size_t plan(struct micro *micro)
{
    size_t active = 0;
    int64_t backlog = 0, limit = micro->spec->max_offsets_per_trigger;
    for (size_t p = 0; p < micro->at.partition_count; p++) {
        int64_t end = micro->latest[p];
        if (micro->targets && micro->targets[p] < end)
            end = micro->targets[p];
        micro->end[p] = end > micro->start[p] ? end : micro->start[p];
        backlog += micro->end[p] - micro->start[p];
        active += micro->end[p] > micro->start[p];
    }
    if (limit == 0 || backlog <= limit)
        return active;
    int64_t left = limit;
    for (size_t p = 0; p < micro->at.partition_count; p++) {
        int64_t behind = micro->end[p] - micro->start[p];
        int64_t share = (int64_t)((double)limit * (double)behind / (double)backlog);
        share = behind > 0 && share == 0 ? 1 : share;
        share = share < left ? share : left;
        left -= share;
        micro->end[p] = micro->start[p] + share;
    }
    return active;
}

static err_t read_rows(struct micro *micro, size_t active, struct diag *diag)
{
    size_t bytes = MICRO_BATCH_BYTES / active;
    source_clear(&micro->source);
    for (size_t p = 0; p < micro->at.partition_count; p++) {
        int64_t next = micro->start[p];
        if (micro->end[p] > next)
            TRY(source_read(&micro->source, (int32_t)p, &next, micro->end[p],
                            bytes > 65536 ? bytes : 65536, diag));
        micro->end[p] = next;
    }
    return ERR_OK;
}

// --- running
// -------------------------------------------------------------------------------------------

static err_t load_state(void *ctx, struct bytes key, struct bytes *state, struct diag *diag)
{
    struct micro *micro = ctx;
    struct table_port tables = micro->options->tables;
    arena_clear(&micro->load_arena);
    struct bytes meta = checkpoint_state_key(micro->spec->name, key, &micro->load_arena);
    return tables.ops->meta_get(tables.self, &micro->load_arena, meta, state, diag);
}

struct results {
    VEC(struct batch) rows;
    struct sql_agg_change *changes;
    size_t change_count;
};

static err_t run_query(struct micro *micro, int64_t now_us, struct results *results,
                       struct diag *diag)
{
    struct arena *arena = &micro->batch_arena;
    const struct sql_source *source = sql_query_source(micro->spec->query, 0);
    struct sql_agg_store store = {micro, load_state};
    size_t count = micro->source.rows.count;
    for (size_t from = 0; from < count; from += MICRO_SLICE_ROWS) {
        struct batch in, out = {0};
        size_t rows = count - from < MICRO_SLICE_ROWS ? count - from : MICRO_SLICE_ROWS;
        source_batch(&micro->source, from, rows, source->needed, arena, &in);
        if (micro->agg) {
            TRY(sql_agg_update(micro->agg, &in, now_us, &store, diag));
            continue;
        }
        TRY(sql_run_batch(micro->run, &in, now_us, arena, &out, diag));
        if (out.count)
            vec_push(&results->rows, out);
    }
    if (!micro->agg)
        return ERR_OK;
    struct batch out = {0};
    TRY(sql_agg_take(micro->agg, arena, &out, &results->changes, &results->change_count, diag));
    if (out.count)
        vec_push(&results->rows, out);
    return ERR_OK;
}

static err_t commit(struct micro *micro, struct results *results, struct checkpoint *next,
                    int64_t *rows_out, struct diag *diag)
{
    struct arena *arena = &micro->batch_arena;
    const struct spec *spec = micro->spec;
    size_t sets = results->rows.count, metas = 0;
    upsert_keep_last(results->rows.items, sets, micro->sink, arena);
    struct table_rows *rows = ARENA_ARRAY(arena, struct table_rows, sets + 1);
    struct table_meta *meta = ARENA_ARRAY(arena, struct table_meta, results->change_count + 1);
    *rows_out = 0;
    for (size_t i = 0; i < sets; i++) {
        rows[i] = (struct table_rows){.keyspace = spec->sink_keyspace,
                                      .table = spec->sink_table,
                                      .batch = &results->rows.items[i],
                                      .timestamp_us = next->timestamp_us};
        *rows_out += (int64_t)results->rows.items[i].count;
    }
    for (size_t i = 0; i < results->change_count; i++)
        meta[metas++] =
            (struct table_meta){checkpoint_state_key(spec->name, results->changes[i].key, arena),
                                results->changes[i].state};
    meta[metas++] = checkpoint_meta(next, spec->name, arena);
    struct table_write write = {rows, sets, meta, metas};
    return micro->options->tables.ops->apply(micro->options->tables.self, &write, diag);
}

// Lag tools see this, a few times a second and when the stream has caught up. The stream itself
// never reads it, so a failure is only told.
static void show_offsets(struct micro *micro, bool idle)
{
    int64_t now_us = clock_mono_us();
    if (!micro->unshown || (!idle && now_us - micro->shown_us < MICRO_SHOW_US))
        return;
    micro->shown_us = now_us;
    micro->unshown = false;
    struct log_port log = micro->options->log;
    struct diag diag = DIAG_INIT;
    size_t count = micro->at.partition_count;
    char group[256];
    int32_t *partitions = mem_alloc((count + 1) * sizeof *partitions);
    for (size_t p = 0; p < count; p++)
        partitions[p] = (int32_t)p;
    snprintf(group, sizeof group, "weir-stream-%s", micro->spec->name);
    if (log.ops->commit(log.self, group, micro->spec->topic, partitions, micro->at.offsets, count,
                        &diag) != ERR_OK)
        LOG_WARN("streams", "cannot show offsets", "stream=%s error=\"%s\"", micro->spec->name,
                 diag_text(&diag));
    mem_free(partitions);
}

static err_t run_batch(struct micro *micro, struct progress_batch *progress, struct diag *diag)
{
    int64_t now_us = clock_now_us(), before = clock_mono_us();
    struct results results = {0};
    struct checkpoint next = micro->at;
    next.batch_id++;
    next.offsets = micro->end;
    next.rows += (int64_t)micro->source.rows.count;
    next.timestamp_us = now_us > micro->at.timestamp_us ? now_us : micro->at.timestamp_us + 1;
    err_t err = run_query(micro, now_us, &results, diag);
    if (err == ERR_OK)
        err = commit(micro, &results, &next, &progress->rows_out, diag);
    progress->state_updated = (int64_t)results.change_count;
    vec_release(&results.rows);
    progress->add_batch_us = clock_mono_us() - before;
    if (err != ERR_OK)
        return err;
    memcpy(micro->at.offsets, micro->end, next.partition_count * sizeof *micro->end);
    next.offsets = micro->at.offsets;
    micro->at = next;
    micro->groups_changed += (size_t)progress->state_updated;
    if (micro->agg && micro->groups_changed > MICRO_GROUPS_KEPT) {
        sql_agg_clear(micro->agg);
        micro->groups_changed = 0;
    }
    return ERR_OK;
}

static void fill(const struct micro *micro, struct progress_batch *progress)
{
    progress->id = micro->at.id;
    progress->name = micro->spec->name;
    progress->topic = micro->spec->topic;
    progress->batch_id = micro->at.batch_id;
    progress->rows_in = (int64_t)micro->source.rows.count;
    progress->start = micro->start;
    progress->end = micro->end;
    progress->latest = micro->latest;
    progress->partition_count = micro->at.partition_count;
    progress->aggregate = micro->agg != NULL;
}

err_t micro_step(struct micro *micro, bool *did, struct progress_batch *progress, struct diag *diag)
{
    int64_t started = clock_mono_us();
    *progress = (struct progress_batch){.started_us = clock_now_us()};
    *did = false;
    TRY(look(micro, diag));
    size_t active = plan(micro);
    if (active == 0) {
        show_offsets(micro, true);
        return ERR_OK;
    }
    int64_t looked = clock_mono_us();
    progress->latest_offset_us = looked - started;
    arena_clear(&micro->batch_arena);
    TRY(read_rows(micro, active, diag));
    progress->get_batch_us = clock_mono_us() - looked;
    TRY(run_batch(micro, progress, diag));
    int64_t committed = clock_mono_us();
    micro->unshown = true;
    show_offsets(micro, false);
    progress->commit_us = clock_mono_us() - committed;
    progress->total_us = clock_mono_us() - started;
    fill(micro, progress);
    micro->lag = 0;
    for (size_t p = 0; p < micro->at.partition_count; p++)
        micro->lag += micro->latest[p] - micro->end[p];
    metric_add(METRIC_STREAM_ROWS_IN, progress->rows_in);
    metric_add(METRIC_STREAM_ROWS_OUT, progress->rows_out);
    metric_add(METRIC_STREAM_BATCHES, 1);
    *did = true;
    return ERR_OK;
}
