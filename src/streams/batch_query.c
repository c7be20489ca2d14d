// SPDX-License-Identifier: Apache-2.0
#include "streams/batch_query.h"

#include "data/cast.h"
#include "os/clock.h"
#include "streams/source.h"
#include "streams/table_scan.h"

#include <inttypes.h>
#include <strings.h>

enum {
    READ_BYTES = 2 << 20,
    SLICE_ROWS = 4096,
};

struct target {        // what a name in FROM means
    const char *topic; // or NULL
    int32_t partitions;
    const char *keyspace, *table;
};

struct input { // one appearance of it while the query runs
    const struct target *target;
    const bool *needed;
    bool started;
    struct source source; // topic
    struct arena arena;   // of the batch handed out
    int32_t partition;
    int64_t next, end;
    size_t row;
    struct table_scan scan; // table
};

struct run {
    const struct streams_options *options;
    const struct specs *specs;
    struct input *inputs;
    size_t input_count;
    struct cast_options show;
    size_t max_rows, rows;
    bool more;
    struct str *json;
    struct str text;
};

// --- names
// ---------------------------------------------------------------------------------------------

static char *join(struct arena *arena, const char *const *parts, size_t count)
{
    char *name = arena_strdup(arena, count ? parts[0] : "");
    for (size_t i = 1; i < count; i++)
        name = arena_printf(arena, "%s.%s", name, parts[i]);
    return name;
}

static const char *topic_of_stream(const struct run *run, const char *name)
{
    for (size_t i = 0; i < run->specs->count; i++)
        if (strcasecmp(run->specs->items[i].table, name) == 0)
            return run->specs->items[i].topic;
    return NULL;
}

static err_t find_topic(const struct run *run, struct arena *arena, const char *name,
                        struct target *target, struct diag *diag)
{
    struct log_port log = run->options->log;
    const struct log_topic *topics;
    size_t count;
    const char *alias = topic_of_stream(run, name);
    TRY(log.ops->topics(log.self, arena, &topics, &count, diag));
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(topics[i].name, name) == 0 ||
            (alias && strcmp(topics[i].name, alias) == 0)) {
            target->topic = arena_strdup(arena, topics[i].name);
            target->partitions = topics[i].partitions;
        }
    return ERR_OK;
}

static err_t find_table(const struct run *run, struct arena *arena, const char *const *parts,
                        struct target *target, const struct type **type, struct diag *diag)
{
    struct table_port tables = run->options->tables;
    const struct table_info *info;
    TRY(tables.ops->describe(tables.self, arena, parts[0], parts[1], &info, diag));
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, info->column_count + 1);
    for (size_t i = 0; i < info->column_count; i++)
        fields[i] = (struct type_field){info->columns[i].name, info->columns[i].type, true};
    target->keyspace = info->keyspace;
    target->table = info->name;
    *type = type_struct(arena, fields, info->column_count);
    return ERR_OK;
}

static err_t resolve(void *ctx, struct arena *arena, const char *const *parts, size_t part_count,
                     const struct type **type, void **id, struct diag *diag)
{
    const struct run *run = ctx;
    struct target *target = ARENA_NEW(arena, struct target);
    const char *name = join(arena, parts, part_count);
    *id = target;
    TRY(find_topic(run, arena, name, target, diag));
    if (target->topic) {
        *type = spec_topic_type(arena);
        return ERR_OK;
    }
    if (part_count == 2)
        return find_table(run, arena, parts, target, type, diag);
    return FAIL(diag, ERR_NOT_FOUND,
                "no topic '%s'; a table is written with its keyspace, as keyspace.table", name);
}

// --- reading
// -------------------------------------------------------------------------------------------

// Fills the source with rows of the next partition that has any; *end when none has.
static err_t read_more(struct run *run, struct input *input, bool *end, struct diag *diag)
{
    struct log_port log = run->options->log;
    const struct target *target = input->target;
    source_clear(&input->source);
    input->row = 0;
    while (input->source.rows.count == 0) {
        if (input->next == input->end && ++input->partition >= target->partitions) {
            *end = true;
            return ERR_OK;
        }
        if (input->next == input->end)
            TRY(log.ops->offsets(log.self, target->topic, input->partition, &input->next,
                                 &input->end, diag));
        int64_t before = input->next;
        if (input->next < input->end)
            TRY(source_read(&input->source, input->partition, &input->next, input->end, READ_BYTES,
                            diag));
        if (input->next == before)
            input->end = before;
    }
    return ERR_OK;
}

static err_t next_rows(struct run *run, struct input *input, struct batch *batch, bool *end,
                       struct diag *diag)
{
    if (!input->started) {
        source_init(&input->source, run->options->log, input->target->topic);
        arena_init(&input->arena, 1 << 16);
        input->partition = -1;
        input->started = true;
    }
    *end = false;
    if (input->row == input->source.rows.count)
        TRY(read_more(run, input, end, diag));
    if (*end)
        return ERR_OK;
    size_t left = input->source.rows.count - input->row;
    size_t count = left < SLICE_ROWS ? left : SLICE_ROWS;
    arena_clear(&input->arena);
    source_batch(&input->source, input->row, count, input->needed, &input->arena, batch);
    input->row += count;
    return ERR_OK;
}

static err_t next(void *ctx, size_t index, struct batch *batch, bool *end, struct diag *diag)
{
    struct run *run = ctx;
    struct input *input = &run->inputs[index];
    if (input->target->topic)
        return next_rows(run, input, batch, end, diag);
    if (!input->started)
        table_scan_start(&input->scan, run->options->tables, input->target->keyspace,
                         input->target->table);
    input->started = true;
    return table_scan_next(&input->scan, batch, end, diag);
}

static void stop_inputs(struct run *run)
{
    for (size_t i = 0; i < run->input_count; i++) {
        struct input *input = &run->inputs[i];
        if (!input->started)
            continue;
        if (input->target->topic) {
            source_release(&input->source);
            arena_release(&input->arena);
        } else {
            table_scan_stop(&input->scan);
        }
    }
}

// --- results
// -------------------------------------------------------------------------------------------

static void put_row(struct run *run, const struct batch *batch, size_t row)
{
    str_append_text(run->json, run->rows ? ",[" : "[");
    for (size_t i = 0; i < batch->column_count; i++) {
        if (i)
            str_append_byte(run->json, ',');
        if (column_is_null(&batch->columns[i], row)) {
            str_append_text(run->json, "null");
            continue;
        }
        str_clear(&run->text);
        cast_value_text(&run->text, &batch->columns[i], row, &run->show);
        str_append_json(run->json, bytes_make(str_text(&run->text), run->text.size));
    }
    str_append_byte(run->json, ']');
}

static err_t push(void *ctx, const struct batch *batch, struct diag *diag)
{
    struct run *run = ctx;
    (void)diag;
    for (size_t row = 0; row < batch->count; row++) {
        run->more = run->rows == run->max_rows;
        if (run->more)
            return ERR_CANCELLED;
        put_row(run, batch, row);
        run->rows++;
    }
    return ERR_OK;
}

static void put_columns(struct str *json, const struct sql_query *query)
{
    struct str type = {0};
    str_append_text(json, "{\"columns\":[");
    for (size_t i = 0; i < sql_query_column_count(query); i++) {
        str_append_text(json, i ? ",{\"name\":" : "{\"name\":");
        str_append_json(json, bytes_from(sql_query_names(query)[i]));
        str_append_text(json, ",\"type\":");
        str_clear(&type);
        type_write(&type, sql_query_types(query)[i]);
        str_append_json(json, str_bytes(&type));
        str_append_byte(json, '}');
    }
    str_append_text(json, "],\"rows\":[");
    str_release(&type);
}

static err_t execute(struct run *run, const struct sql_query *query, struct diag *diag)
{
    struct sql_io io = {run, next, push};
    struct str rows = {0};
    int64_t start = clock_mono_us();
    run->input_count = sql_query_source_count(query);
    run->inputs = mem_zalloc((run->input_count + 1) * sizeof *run->inputs);
    for (size_t i = 0; i < run->input_count; i++) {
        const struct sql_source *source = sql_query_source(query, i);
        run->inputs[i].target = source->id;
        run->inputs[i].needed = source->needed;
    }
    struct str *json = run->json;
    run->json = &rows;
    put_columns(&rows, query);
    err_t err = sql_execute(query, &io, clock_now_us(), diag);
    stop_inputs(run);
    if (run->more)
        err = ERR_OK;
    str_printf(&rows, "],\"more\":%s,\"elapsed_ms\":%" PRId64 "}", run->more ? "true" : "false",
               (clock_mono_us() - start) / 1000);
    if (err == ERR_OK)
        str_append_bytes(json, str_bytes(&rows));
    str_release(&rows);
    str_release(&run->text);
    mem_free(run->inputs);
    return err;
}

err_t batch_query(const struct streams_options *options, const struct specs *specs,
                  struct bytes sql, size_t max_rows, struct str *json, struct diag *diag)
{
    struct run run = {.options = options, .specs = specs, .max_rows = max_rows, .json = json};
    struct sql_catalog catalog = {&run, resolve};
    struct sql_options settings = {
        .ansi = options->ansi, .time_zone = options->time_zone, .now_us = clock_now_us()};
    struct sql_query *query;
    run.show.ansi = options->ansi;
    if (options->time_zone)
        TRY(zone_find(&run.show.zone, bytes_from(options->time_zone), diag));
    TRY(sql_compile(&query, &catalog, sql, &settings, diag));
    err_t err = execute(&run, query, diag);
    sql_query_free(query);
    return err;
}
