// SPDX-License-Identifier: Apache-2.0
//
// A query is parsed, bound and classified once. A stateless or aggregating query is a chain of
// operators over one scan: `chain` holds its FILTER, PROJECT and GENERATE nodes from the scan up,
// `agg` the one AGGREGATE, `above` the nodes over it.
#include "sql/query.h"

#include "base/mem.h"
#include "base/vec.h"
#include "sql/bind/bind.h"
#include "sql/exec/groups.h"
#include "sql/exec/op.h"
#include "sql/exec/stateless.h"
#include "sql/parse/parse.h"

#define MEMORY_DEFAULT_BYTES ((size_t)256 << 20)

struct sql_query {
    struct arena arena;
    struct session session;
    struct bound bound;
    struct sql_source *sources;
    enum sql_kind kind;
    const struct plan **chain;
    size_t chain_count;
    const struct plan *agg;
    const struct plan **above;
    size_t above_count;
    size_t memory_max_bytes;
};

// --- compile
// ---------------------------------------------------------------------------------------

static bool is_stateless(const struct plan *plan)
{
    return plan->kind == PLAN_FILTER || plan->kind == PLAN_PROJECT || plan->kind == PLAN_GENERATE;
}

static void classify(struct sql_query *query)
{
    size_t depth = 0;
    for (const struct plan *plan = query->bound.plan; plan; plan = plan->inputs[0])
        depth++;
    query->chain = ARENA_ARRAY(&query->arena, const struct plan *, depth + 1);
    query->above = ARENA_ARRAY(&query->arena, const struct plan *, depth + 1);
    const struct plan *plan = query->bound.plan;
    const struct plan **down = ARENA_ARRAY(&query->arena, const struct plan *, depth + 1);
    size_t above = 0;
    size_t below = 0;
    query->kind = SQL_BATCH;
    if (query->bound.subquery_count)
        return;
    for (; plan; plan = plan->inputs[0]) {
        if (plan->kind == PLAN_SCAN)
            break;
        if (plan->kind == PLAN_AGGREGATE && !query->agg) {
            query->agg = plan;
            above = below;
            memcpy(query->above, down, above * sizeof *down);
            below = 0;
        } else if (is_stateless(plan)) {
            down[below++] = plan;
        } else {
            return;
        }
    }
    if (!plan)
        return;
    for (size_t i = 0; i < below; i++)
        query->chain[i] = down[below - 1 - i];
    query->chain_count = below;
    for (size_t i = 0; i < above / 2; i++) {
        const struct plan *swap = query->above[i];
        query->above[i] = query->above[above - 1 - i];
        query->above[above - 1 - i] = swap;
    }
    query->above_count = above;
    query->kind = query->agg ? SQL_AGGREGATE : SQL_STATELESS;
}

static void describe_sources(struct sql_query *query)
{
    query->sources = ARENA_ARRAY(&query->arena, struct sql_source, query->bound.table_count + 1);
    for (size_t i = 0; i < query->bound.table_count; i++) {
        const struct plan *plan = query->bound.tables[i];
        query->sources[i] = (struct sql_source){.name = plan->table,
                                                .id = plan->table_id,
                                                .column_count = plan->column_count,
                                                .names = plan->names,
                                                .types = plan->types,
                                                .needed = plan->needed};
    }
}

static err_t compile(struct sql_query *query, const struct sql_catalog *catalog, struct bytes text,
                     const struct sql_options *options, struct diag *diag)
{
    query->session = (struct session){.zone = zone_utc,
                                      .zone_name = "UTC",
                                      .ansi = options->ansi,
                                      .now_us = options->now_us,
                                      .statement = arena_bytes(&query->arena, text)};
    query->memory_max_bytes =
        options->memory_max_bytes ? options->memory_max_bytes : MEMORY_DEFAULT_BYTES;
    query->session.memory_max_bytes = query->memory_max_bytes;
    if (options->time_zone) {
        TRY(zone_find(&query->session.zone, bytes_from(options->time_zone), diag));
        query->session.zone_name = arena_strdup(&query->arena, options->time_zone);
    }
    struct ast_query *ast;
    TRY(parse_query(&ast, &query->arena, query->session.statement, diag));
    TRY(bind_query(&query->bound, &query->arena, ast, catalog, &query->session,
                   options->case_sensitive, diag));
    describe_sources(query);
    classify(query);
    return ERR_OK;
}

err_t sql_compile(struct sql_query **out, const struct sql_catalog *catalog, struct bytes text,
                  const struct sql_options *options, struct diag *diag)
{
    struct sql_query *query = MEM_NEW(struct sql_query);
    arena_init(&query->arena, 16 << 10);
    err_t err = compile(query, catalog, text, options, diag);
    if (err)
        sql_query_free(query);
    else
        *out = query;
    return err;
}

void sql_query_free(struct sql_query *query)
{
    if (!query)
        return;
    arena_release(&query->arena);
    mem_free(query);
}

enum sql_kind sql_query_kind(const struct sql_query *query)
{
    return query->kind;
}

size_t sql_query_source_count(const struct sql_query *query)
{
    return query->bound.table_count;
}

const struct sql_source *sql_query_source(const struct sql_query *query, size_t index)
{
    return &query->sources[index];
}

size_t sql_query_column_count(const struct sql_query *query)
{
    return query->bound.plan->column_count;
}

const char *const *sql_query_names(const struct sql_query *query)
{
    return query->bound.plan->names;
}

const struct type *const *sql_query_types(const struct sql_query *query)
{
    return query->bound.plan->types;
}

// --- batch
// -----------------------------------------------------------------------------------------

// Catches the one row of a scalar subquery.
struct scalar {
    const struct sql_io *io;
    struct run *run;
    const struct expr *expr;
    size_t rows;
};

static err_t scalar_next(void *ctx, size_t index, struct batch *batch, bool *end, struct diag *diag)
{
    struct scalar *scalar = ctx;
    return scalar->io->next(scalar->io->ctx, index, batch, end, diag);
}

static err_t scalar_push(void *ctx, const struct batch *batch, struct diag *diag)
{
    struct scalar *scalar = ctx;
    scalar->rows += batch->count;
    if (scalar->rows > 1)
        return FAIL(diag, ERR_INVALID,
                    "[SCALAR_SUBQUERY_TOO_MANY_ROWS] a scalar subquery gave more than one row");
    struct builder builder;
    builder_init(&builder, &scalar->run->arena, scalar->expr->type, 1);
    builder_copy(&builder, &batch->columns[0], 0);
    struct column *value = ARENA_NEW(&scalar->run->arena, struct column);
    builder_finish(&builder, value);
    scalar->run->states[scalar->expr->state] = value;
    return ERR_OK;
}

static err_t run_plan(struct exec *exec, const struct plan *plan)
{
    struct op *op = NULL;
    TRY(op_open(&op, exec, plan, NULL, 0));
    err_t err = op_run(op);
    op_close(op);
    return err;
}

static err_t run_subqueries(const struct sql_query *query, struct exec *exec)
{
    const struct sql_io *io = exec->io;
    for (size_t i = 0; i < query->bound.subquery_count; i++) {
        struct scalar scalar = {
            .io = io, .run = exec->eval.run, .expr = query->bound.subqueries[i]};
        struct sql_io catch = {.ctx = &scalar, .next = scalar_next, .push = scalar_push};
        exec->io = &catch;
        err_t err = run_plan(exec, scalar.expr->plan);
        exec->io = io;
        TRY(err);
        if (scalar.rows == 0) {
            struct column *value = ARENA_NEW(&exec->eval.run->arena, struct column);
            column_init(value, &exec->eval.run->arena, scalar.expr->type, 1);
            column_set_null(value, &exec->eval.run->arena, 0);
            exec->eval.run->states[scalar.expr->state] = value;
        }
    }
    return ERR_OK;
}

err_t sql_execute(const struct sql_query *query, const struct sql_io *io, int64_t now_us,
                  struct diag *diag)
{
    struct session session = query->session;
    session.now_us = now_us;
    struct arena arena;
    struct run run;
    arena_init(&arena, 256 << 10);
    run_init(&run, query->bound.state_count, query->bound.param_count);
    struct exec exec = {.eval = {.arena = &arena, .session = &session, .run = &run, .diag = diag},
                        .io = io,
                        .memory_max_bytes = query->memory_max_bytes};
    err_t err = run_subqueries(query, &exec);
    if (!err)
        err = run_plan(&exec, query->bound.plan);
    run_release(&run);
    arena_release(&arena);
    return err;
}

// --- streaming without state
// -----------------------------------------------------------------------

struct sql_run {
    const struct sql_query *query;
    struct session session;
    struct run run;
};

err_t sql_run_open(struct sql_run **out, const struct sql_query *query, struct diag *diag)
{
    if (query->kind != SQL_STATELESS)
        return FAIL(diag, ERR_UNSUPPORTED,
                    "this query is not a plain filter and projection of one "
                    "source");
    struct sql_run *run = MEM_NEW(struct sql_run);
    run->query = query;
    run->session = query->session;
    run_init(&run->run, query->bound.state_count, query->bound.param_count);
    *out = run;
    return ERR_OK;
}

static err_t apply_chain(struct eval *eval, const struct plan *const *chain, size_t count,
                         const struct batch *in, struct batch *out)
{
    struct batch batch = *in;
    for (size_t i = 0; i < count; i++) {
        struct batch next;
        TRY(stateless_apply(eval, chain[i], &batch, &next));
        batch = next;
    }
    *out = batch;
    return ERR_OK;
}

err_t sql_run_batch(struct sql_run *run, const struct batch *in, int64_t now_us,
                    struct arena *arena, struct batch *out, struct diag *diag)
{
    run->session.now_us = now_us;
    struct eval eval = {.arena = arena, .session = &run->session, .run = &run->run, .diag = diag};
    struct batch source;
    stateless_source(&eval, in, &source);
    TRY(apply_chain(&eval, run->query->chain, run->query->chain_count, &source, out));
    out->names = run->query->bound.plan->names;
    return ERR_OK;
}

void sql_run_close(struct sql_run *run)
{
    if (!run)
        return;
    run_release(&run->run);
    mem_free(run);
}

// --- streaming aggregates
// --------------------------------------------------------------------------

struct sql_agg {
    const struct sql_query *query;
    struct session session;
    struct run run;
    struct arena arena; // of one update
    struct groups groups;
};

err_t sql_agg_open(struct sql_agg **out, const struct sql_query *query, struct diag *diag)
{
    if (query->kind != SQL_AGGREGATE)
        return FAIL(diag, ERR_UNSUPPORTED, "this query is not one GROUP BY over one source");
    struct sql_agg *agg = MEM_NEW(struct sql_agg);
    agg->query = query;
    agg->session = query->session;
    run_init(&agg->run, query->bound.state_count, query->bound.param_count);
    arena_init(&agg->arena, 256 << 10);
    groups_init(&agg->groups, query->agg);
    *out = agg;
    return ERR_OK;
}

struct loading {
    const struct sql_agg_store *store;
};

static err_t load_group(void *ctx, struct bytes key, struct bytes *state, struct diag *diag)
{
    const struct loading *loading = ctx;
    *state = BYTES_NULL;
    if (!loading->store || !loading->store->load)
        return ERR_OK;
    return loading->store->load(loading->store->ctx, key, state, diag);
}

err_t sql_agg_update(struct sql_agg *agg, const struct batch *in, int64_t now_us,
                     const struct sql_agg_store *store, struct diag *diag)
{
    agg->session.now_us = now_us;
    arena_clear(&agg->arena);
    struct eval eval = {
        .arena = &agg->arena, .session = &agg->session, .run = &agg->run, .diag = diag};
    struct batch batch;
    stateless_source(&eval, in, &batch);
    TRY(apply_chain(&eval, agg->query->chain, agg->query->chain_count, &batch, &batch));
    struct frame frame;
    frame_of_batch(&frame, &eval, &batch);
    struct loading loading = {store};
    TRY(groups_update(&agg->groups, &eval, &frame, load_group, &loading));
    if (agg->groups.arena.used_bytes > agg->query->memory_max_bytes)
        return FAIL(diag, ERR_OVERLOADED, "the groups of one batch need more than %zu MiB",
                    agg->query->memory_max_bytes >> 20);
    return ERR_OK;
}

err_t sql_agg_take(struct sql_agg *agg, struct arena *arena, struct batch *rows,
                   struct sql_agg_change **changes, size_t *change_count, struct diag *diag)
{
    struct eval eval = {.arena = arena, .session = &agg->session, .run = &agg->run, .diag = diag};
    struct groups *groups = &agg->groups;
    uint32_t *indexes = arena_alloc(arena, (groups->count + 1) * sizeof *indexes);
    *changes = ARENA_ARRAY(arena, struct sql_agg_change, groups->count + 1);
    size_t count = 0;
    struct str state = {0};
    for (size_t i = 0; i < groups->count; i++) {
        struct group *group = &groups->items[i];
        if (!group->changed)
            continue;
        group->changed = false;
        state.size = 0;
        groups_save(groups, group, &state);
        (*changes)[count].key = arena_bytes(arena, group->key);
        (*changes)[count].state = arena_bytes(arena, str_bytes(&state));
        indexes[count++] = (uint32_t)i;
    }
    str_release(&state);
    *change_count = count;
    struct batch batch;
    TRY(groups_rows(groups, &eval, indexes, 0, count, &batch));
    TRY(apply_chain(&eval, agg->query->above, agg->query->above_count, &batch, rows));
    rows->names = agg->query->bound.plan->names;
    return ERR_OK;
}

void sql_agg_clear(struct sql_agg *agg)
{
    groups_clear(&agg->groups);
}

void sql_agg_close(struct sql_agg *agg)
{
    if (!agg)
        return;
    groups_release(&agg->groups);
    arena_release(&agg->arena);
    run_release(&agg->run);
    mem_free(agg);
}
