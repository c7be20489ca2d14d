// SPDX-License-Identifier: Apache-2.0
//
// Statements and mutations of them are compiled and, when they compile, run over a few rows in each
// of the three ways.
#include "sql/query.h"

#include "data/fuzz_corpus.h"

static err_t resolve(void *ctx, struct arena *arena, const char *const *parts, size_t part_count,
                     const struct type **type, void **id, struct diag *diag)
{
    (void)ctx, (void)parts, (void)part_count;
    *id = NULL;
    return type_parse(type, arena,
                      bytes_from("struct<key:string,value:binary,amount:int,ts:timestamp>"), diag);
}

enum {
    ROWS = 5,
};

static void make_rows(struct batch *batch, struct arena *arena)
{
    static const char *const names[] = {"key", "value", "amount", "ts"};
    static const char *const values[] = {"{\"id\":\"1\",\"n\":2}", "[1,{\"a\":null}]", "bad", "",
                                         "{\"name\":\"\\u00e9\",\"t\":[{\"x\":1}]}"};
    static const struct type *const types[] = {&type_string, &type_binary, &type_int,
                                               &type_timestamp};
    *batch = (struct batch){ROWS, 4, ARENA_ARRAY(arena, struct column, 4), names};
    for (size_t c = 0; c < 4; c++)
        column_init(&batch->columns[c], arena, types[c], ROWS);
    for (size_t r = 0; r < ROWS; r++) {
        batch->columns[0].strings[r] = bytes_from(r % 2 ? "a good day" : "\xc3\xa9t\xff");
        batch->columns[1].strings[r] = bytes_from(values[r]);
        batch->columns[2].ints[r] = (int32_t)r * 1000 - 1;
        batch->columns[3].longs[r] = (int64_t)r * 86400000000;
    }
    column_set_null(&batch->columns[0], arena, 3);
    batch->columns[0].strings[3] = BYTES_NULL;
    column_set_null(&batch->columns[2], arena, 4);
    batch->columns[2].ints[4] = 0;
}

struct feed {
    struct batch *batch;
    size_t given;
};

static err_t next(void *ctx, size_t index, struct batch *batch, bool *end, struct diag *diag)
{
    (void)diag;
    struct feed *feed = ctx;
    (void)index;
    *end = feed->given++ % 2 == 1; // one batch for each reader
    if (!*end)
        *batch = *feed->batch;
    return ERR_OK;
}

static err_t push(void *ctx, const struct batch *batch, struct diag *diag)
{
    (void)ctx, (void)batch, (void)diag;
    return ERR_OK;
}

static void run_streaming(const struct sql_query *query, struct batch *batch, struct arena *arena)
{
    struct batch out;
    struct diag diag = DIAG_INIT;
    if (sql_query_kind(query) == SQL_STATELESS) {
        struct sql_run *run = NULL;
        if (sql_run_open(&run, query, &diag) == ERR_OK)
            (void)!sql_run_batch(run, batch, 0, arena, &out, &diag);
        sql_run_close(run);
    } else if (sql_query_kind(query) == SQL_AGGREGATE) {
        struct sql_agg *agg = NULL;
        struct sql_agg_change *changes;
        size_t count;
        if (sql_agg_open(&agg, query, &diag) == ERR_OK &&
            sql_agg_update(agg, batch, 0, NULL, &diag) == ERR_OK)
            (void)!sql_agg_take(agg, arena, &out, &changes, &count, &diag);
        sql_agg_close(agg);
    }
}

static void run(struct bytes text)
{
    static const struct sql_catalog catalog = {.resolve = resolve};
    struct sql_options options = {.memory_max_bytes = 4 << 20, .ansi = text.size % 2};
    struct sql_query *query = NULL;
    struct diag diag = DIAG_INIT;
    // range() may count for ever by itself.
    if (memmem(text.ptr, text.size, "range", 5))
        return;
    if (sql_compile(&query, &catalog, text, &options, &diag))
        return;
    struct arena arena = ARENA_INIT;
    struct batch batch;
    make_rows(&batch, &arena);
    run_streaming(query, &batch, &arena);
    struct feed feed = {&batch, 0};
    struct sql_io io = {.ctx = &feed, .next = next, .push = push};
    (void)!sql_execute(query, &io, 0, &diag);
    sql_query_free(query);
    arena_release(&arena);
}

int main(void)
{
    return fuzz_run("sql", 12000, run);
}
