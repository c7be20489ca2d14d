// SPDX-License-Identifier: Apache-2.0
//
// Running a SELECT: one page of rows in wire form, or the one row of an aggregate.
//
// A page ends when the next row would be one too many (or past PAGE_BYTES), so a page is never
// empty and "more" is never a lie. The paging state says where to go on; nothing is kept here:
//
//     version (1) · rows left of LIMIT (4) · rows given out of the partition (4) · flags (1) ·
//     partition key: size (2), bytes · clustering: the rest
// of a virtual table: version (1) · rows left (4) · rows to leap (4)

#include "tables/select.h"

#include "base/mem.h"
#include "os/clock.h"
#include "tables/keys.h"
#include "tables/token.h"
#include "wire/reader.h"
#include "wire/writer.h"

#include <stdlib.h>

#define PAGE_BYTES    ((size_t)1 << 20)
#define RESULT_BYTES  ((size_t)256 << 20)
#define STATE_STORED  1
#define STATE_VIRTUAL 2

enum { STATE_PARTITION_DONE = 1, STATE_NO_CLUSTERING = 2 };

// A row of a result that must still be put in order.
struct sort_row {
    struct bytes clustering;
    size_t begin, end; // in result.rows
};

struct selecting {
    struct exec *exec;
    const struct plan *plan;
    const struct select_plan *select;
    struct term_context context;
    struct diag *diag;
    err_t err;
    uint32_t left; // of LIMIT
    uint32_t partition_limit;
    uint32_t page_left; // UINT32_MAX: no pages
    struct read read;
    uint64_t count;                   // of rows only counted
    struct accumulator *accumulators; // NULL: no aggregates
    struct bytes *first;              // of the other items of an aggregate
    bool any_row;
    bool more;
    // The last row given out.
    struct str last_key, last_clustering;
    bool last_has_clustering;
    uint32_t last_partition_rows;
    bool sort;
    VEC(struct sort_row) sorted;
    struct arena row_arena;
};

// --- limits ---

static err_t eval_limit(const struct selecting *at, const struct term *term, const char *name,
                        const char *words, uint32_t *out)
{
    struct bytes value;
    bool unset = false;
    *out = UINT32_MAX;
    if (!term)
        return ERR_OK;
    TRY(term_eval(term, cql_type_scalar(CQL_INT), name, &at->context, &value, &unset, at->diag));
    if (unset)
        return ERR_OK;
    if (value.size != 4)
        return FAIL(at->diag, ERR_INVALID, "Invalid null value of %s", words);
    struct reader reader = reader_make(value);
    int32_t limit = reader_i32(&reader);
    if (limit <= 0)
        return FAIL(at->diag, ERR_INVALID, "%s must be strictly positive", words);
    *out = (uint32_t)limit;
    return ERR_OK;
}

// --- paging state ---

static err_t bad_state(const struct selecting *at)
{
    return FAIL(at->diag, ERR_MALFORMED, "Invalid value for the paging state");
}

static err_t load_state(struct selecting *at, struct bytes state, uint32_t *leap)
{
    if (state.size == 0)
        return ERR_OK;
    struct reader reader = reader_make(state);
    uint8_t version = reader_u8(&reader);
    at->left = reader_u32(&reader);
    if (at->plan->node->table.virtual) {
        *leap = reader_u32(&reader);
        return version == STATE_VIRTUAL && !reader.failed ? ERR_OK : bad_state(at);
    }
    struct read_position *from = &at->read.from;
    from->partition_rows = reader_u32(&reader);
    uint8_t flags = reader_u8(&reader);
    uint16_t size = reader_u16(&reader);
    from->partition_key = reader_bytes(&reader, size);
    if (reader.failed || version != STATE_STORED)
        return bad_state(at);
    from->partition_done = flags & STATE_PARTITION_DONE;
    from->clustering = bytes_make(reader.at, reader_left(&reader));
    if (flags & STATE_NO_CLUSTERING)
        from->clustering = BYTES_NULL;
    return ERR_OK;
}

static void save_state(struct selecting *at)
{
    struct str *state = &at->exec->result.paging_state;
    bool done = !at->last_has_clustering || at->select->distinct ||
                (at->partition_limit && at->last_partition_rows >= at->partition_limit);
    writer_u8(state, STATE_STORED);
    writer_u32(state, at->left);
    writer_u32(state, at->last_partition_rows);
    writer_u8(state, (uint8_t)((done ? STATE_PARTITION_DONE : 0) |
                               (at->last_has_clustering ? 0 : STATE_NO_CLUSTERING)));
    writer_u16(state, (uint16_t)at->last_key.size);
    str_append_bytes(state, str_bytes(&at->last_key));
    str_append_bytes(state, str_bytes(&at->last_clustering));
}

// --- rows ---

static void put_value(struct str *out, struct bytes value)
{
    writer_i32(out, value.ptr ? (int32_t)value.size : -1);
    if (value.ptr)
        str_append_bytes(out, value);
}

static bool stop(struct selecting *at, err_t err)
{
    at->err = err;
    return false;
}

static err_t put_row(struct selecting *at, const struct read_row *row)
{
    struct exec_result *result = &at->exec->result;
    arena_clear(&at->row_arena);
    struct term_context context = at->context;
    context.arena = &at->row_arena;
    for (size_t i = 0; i < at->select->item_count; i++) {
        const struct select_item *item = &at->select->items[i];
        struct bytes value;
        if (item->kind == SELECT_COLUMN)
            value = row->values[item->column];
        else
            TRY(select_eval(at->plan, item, row, &context, at->accumulators, &value, at->diag));
        put_value(&result->rows, value);
    }
    size_t limit = at->exec->result_max_bytes ? at->exec->result_max_bytes : RESULT_BYTES;
    if (result->rows.size > limit)
        return FAIL(at->diag, ERR_TOO_LARGE,
                    "the result is larger than %zu bytes: use paging or LIMIT", limit);
    result->row_count++;
    return ERR_OK;
}

static err_t feed(struct selecting *at, const struct read_row *row)
{
    arena_clear(&at->row_arena);
    for (size_t i = 0; i < at->select->item_count; i++) {
        const struct select_item *item = &at->select->items[i];
        TRY(select_feed(at->plan, item, row, &at->context, at->accumulators, at->diag));
        if (!at->any_row && item->kind != SELECT_AGGREGATE && at->select->aggregate_count > 0) {
            TRY(select_eval(at->plan, item, row, &at->context, at->accumulators, &at->first[i],
                            at->diag));
            if (at->first[i].ptr)
                at->first[i] = arena_bytes(at->exec->arena, at->first[i]);
        }
    }
    at->any_row = true;
    return ERR_OK;
}

static void remember(struct selecting *at, const struct read_row *row)
{
    str_clear(&at->last_key);
    str_append_bytes(&at->last_key, row->partition_key);
    str_clear(&at->last_clustering);
    str_append_bytes(&at->last_clustering, row->clustering);
    at->last_has_clustering = row->clustering.ptr != NULL;
    at->last_partition_rows = row->partition_rows;
}

static bool on_row(void *ctx, const struct read_row *row)
{
    struct selecting *at = ctx;
    if (at->accumulators) {
        err_t err = feed(at, row);
        return err ? stop(at, err) : true;
    }
    if (at->left == 0)
        return false;
    bool paged = at->page_left != UINT32_MAX;
    if (paged && (at->page_left == 0 || at->exec->result.rows.size >= PAGE_BYTES)) {
        at->more = true;
        return false;
    }
    size_t begin = at->exec->result.rows.size;
    err_t err = put_row(at, row);
    if (err)
        return stop(at, err);
    if (at->sort) {
        struct sort_row sorted = {arena_bytes(at->exec->arena, row->clustering), begin,
                                  at->exec->result.rows.size};
        vec_push(&at->sorted, sorted);
        return true; // the limit counts after the order is known
    }
    at->left--;
    if (paged) {
        at->page_left--;
        remember(at, row);
    }
    return at->left > 0;
}

static err_t put_aggregates(struct selecting *at)
{
    struct exec_result *result = &at->exec->result;
    for (size_t i = 0; i < at->select->item_count; i++) {
        const struct select_item *item = &at->select->items[i];
        struct bytes value = at->first[i];
        bool plain = item->kind == SELECT_COLUMN || item->kind == SELECT_WRITETIME ||
                     item->kind == SELECT_TTL;
        if (!plain)
            TRY(select_eval(at->plan, item, NULL, &at->context, at->accumulators, &value,
                            at->diag));
        put_value(&result->rows, value);
    }
    result->row_count = 1;
    return ERR_OK;
}

// --- IN on the partition key with ORDER BY ---

static int by_clustering(const void *a, const void *b)
{
    const struct sort_row *left = a, *right = b;
    int order = bytes_compare(left->clustering, right->clustering);
    return order ? order : (left->begin > right->begin) - (left->begin < right->begin);
}

static int by_clustering_down(const void *a, const void *b)
{
    const struct sort_row *left = a, *right = b;
    int order = bytes_compare(right->clustering, left->clustering);
    return order ? order : (left->begin > right->begin) - (left->begin < right->begin);
}

static void put_in_order(struct selecting *at)
{
    struct exec_result *result = &at->exec->result;
    struct str rows = {0};
    if (at->sorted.count > 1)
        qsort(at->sorted.items, at->sorted.count, sizeof *at->sorted.items,
              at->select->reversed ? by_clustering_down : by_clustering);
    result->row_count = 0;
    for (size_t i = 0; i < at->sorted.count && result->row_count < at->left; i++) {
        const struct sort_row *row = &at->sorted.items[i];
        str_append(&rows, result->rows.ptr + row->begin, row->end - row->begin);
        result->row_count++;
    }
    str_release(&result->rows);
    result->rows = rows;
}

// --- virtual tables ---

struct virtual_select {
    struct virtual_sink sink; // first
    struct selecting *at;
    int64_t first, last; // tokens
    uint32_t leap, seen;
    bool stopped;
};

static void on_virtual_row(struct virtual_sink *sink, const struct bytes *cells)
{
    struct virtual_select *of = (struct virtual_select *)sink;
    struct selecting *at = of->at;
    const struct table_schema *table = &at->plan->node->table;
    if (of->stopped)
        return;
    for (size_t i = 0; i < at->read.test_count; i++)
        if (!where_test_passes(&at->read.tests[i], cells))
            return;
    struct str key = {0};
    struct read_row row = {.values = cells, .clustering = bytes_make("", 0), .partition_rows = 1};
    partition_key_join(&key, cells, table->partition_count);
    row.partition_key = str_bytes(&key);
    int64_t token = token_of(row.partition_key);
    bool inside = token >= of->first && token <= of->last;
    if (inside && of->seen >= of->leap)
        of->stopped = !on_row(at, &row);
    if (inside && !at->more)
        of->seen++;
    str_release(&key);
}

static err_t select_virtual(struct selecting *at, uint32_t leap)
{
    struct virtual_select of = {
        .sink = {.row = on_virtual_row, .arena = at->exec->arena}, .at = at, .leap = leap};
    TRY(where_tokens(&at->select->where, &at->context, &of.first, &of.last, at->diag));
    struct tables *tables = at->read.tables;
    struct schema *schema = catalog_schema(tables->catalog);
    at->plan->node->table.virtual->produce(tables, schema, &of.sink);
    schema_unref(schema);
    if (at->more) {
        struct str *state = &at->exec->result.paging_state;
        writer_u8(state, STATE_VIRTUAL);
        writer_u32(state, at->left);
        writer_u32(state, of.seen);
    }
    return at->err;
}

// --- stored tables ---

static err_t select_stored(struct selecting *at)
{
    const struct where_plan *where = &at->select->where;
    struct read *read = &at->read;
    err_t err;
    if (where->partitions != WHERE_KEYS) {
        int64_t first, last;
        TRY(where_tokens(where, &at->context, &first, &last, at->diag));
        read->scan = !at->plan->select.limit && at->page_left == UINT32_MAX;
        err = read_tokens(read, first, last, at->diag);
        return err ? err : at->err;
    }
    struct where_lists lists = {0};
    err = where_eval(where, &at->context, &lists, at->diag);
    at->sort = at->select->order_by && lists.keys.count > 1 && !at->accumulators;
    if (!err && at->sort && at->page_left != UINT32_MAX)
        err = FAIL(at->diag, ERR_INVALID,
                   "Cannot page queries with both ORDER BY and a IN restriction on the partition "
                   "key; you must "
                   "either remove the ORDER BY or the IN and sort client side, or disable paging "
                   "for this query");
    if (!err)
        err = read_keys(read, &lists, at->diag);
    where_lists_release(&lists);
    return err ? err : at->err;
}

static err_t make_tests(struct selecting *at)
{
    const struct table_schema *table = &at->plan->node->table;
    const struct where *where = &at->plan->statement->select.where;
    const struct where_plan *plan = &at->select->where;
    size_t count = table->virtual ? where->count : plan->filter_count;
    struct where_test *tests = ARENA_ARRAY(at->exec->arena, struct where_test, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct relation *relation = table->virtual ? &where->relations[i] : plan->filters[i];
        if (relation->target == RELATION_TOKEN)
            continue;
        TRY(where_test_make(&tests[at->read.test_count++], table, relation, &at->context, false,
                            at->diag));
    }
    at->read.tests = tests;
    return ERR_OK;
}

static bool is_one_get(const struct selecting *at)
{
    const struct where_plan *where = &at->select->where;
    const struct table_schema *table = &at->plan->node->table;
    return where->partitions == WHERE_KEYS && !where->key_in && !where->prefix_in &&
           where->prefix_columns == table->clustering_count && table->static_count == 0 &&
           table_storage_of(table)->flags == 0;
}

static err_t run(struct selecting *at)
{
    const struct table_schema *table = &at->plan->node->table;
    struct exec *exec = at->exec;
    uint32_t leap = 0, partition_limit;
    TRY(eval_limit(at, at->select->limit, "[limit]", "LIMIT", &at->left));
    TRY(eval_limit(at, at->select->partition_limit, "[per_partition_limit]", "PER PARTITION LIMIT",
                   &partition_limit));
    at->partition_limit = at->read.partition_limit =
        partition_limit == UINT32_MAX ? 0 : partition_limit;
    TRY(make_tests(at));
    if (at->select->aggregate_count > 0) {
        at->accumulators =
            ARENA_ARRAY(exec->arena, struct accumulator, at->select->aggregate_count);
        at->first = ARENA_ARRAY(exec->arena, struct bytes, at->select->item_count + 1);
        at->page_left = UINT32_MAX;
        if (at->select->count_only && at->read.test_count == 0)
            at->read.count = &at->count;
    } else {
        TRY(load_state(at, exec->paging_state, &leap));
    }
    if (table->virtual)
        TRY(select_virtual(at, at->accumulators ? 0 : leap));
    else
        TRY(select_stored(at));
    for (size_t i = 0; at->read.count && i < at->select->aggregate_count; i++)
        at->accumulators[i].count += at->count;
    if (at->accumulators)
        return put_aggregates(at);
    if (at->sort)
        put_in_order(at);
    else if (at->more && !table->virtual)
        save_state(at);
    return ERR_OK;
}

void select_run(struct tables *tables, struct exec *exec)
{
    const struct plan *plan = exec->plans[0];
    const struct table_schema *table = &plan->node->table;
    int64_t now_us = clock_now_us();
    struct selecting at = {.exec = exec,
                           .plan = plan,
                           .select = &plan->select,
                           .diag = &exec->result.error.diag,
                           .page_left =
                               exec->page_size > 0 ? (uint32_t)exec->page_size : UINT32_MAX,
                           .row_arena = ARENA_INIT};
    at.context =
        (struct term_context){.arena = exec->arena,
                              .values = exec->values ? exec->values[0] : NULL,
                              .value_count = exec->value_counts ? exec->value_counts[0] : 0,
                              .now_us = now_us};
    at.read = (struct read){.tables = tables,
                            .table = table,
                            .wanted = plan->select.wanted,
                            .distinct = plan->select.distinct,
                            .reversed = plan->select.reversed,
                            .skip_static_rows = plan->select.where.clustering_restricted,
                            .now_s = now_us / 1000000,
                            .row = on_row,
                            .ctx = &at};
    struct kv_snapshot *snapshot = NULL;
    if (!table->virtual && !is_one_get(&at))
        at.read.snapshot = snapshot = kv_snapshot_take(tables->kv);
    exec->result.kind = EXEC_ROWS;
    exec->result.columns = plan->info.results;
    exec->result.column_count = plan->info.result_count;
    err_t err = run(&at);
    kv_snapshot_release(tables->kv, snapshot);
    str_release(&at.last_key);
    str_release(&at.last_clustering);
    vec_release(&at.sorted);
    arena_release(&at.row_arena);
    if (err)
        exec_fail(exec, err);
}
