// SPDX-License-Identifier: Apache-2.0
//
// The operators that must see all rows first: aggregation, sort, EXCEPT and INTERSECT.
#include "sql/exec/groups.h"
#include "sql/exec/op.h"
#include "sql/exec/value.h"

#include "base/map.h"
#include "base/mem.h"

// --- aggregation
// -----------------------------------------------------------------------------------

static err_t aggregate_open(struct op *op)
{
    struct groups *groups = MEM_NEW(struct groups);
    groups_init(groups, op->plan);
    op->state = groups;
    return ERR_OK;
}

static err_t aggregate_push(struct op *op, unsigned input, const struct batch *batch)
{
    (void)input;
    struct groups *groups = op->state;
    struct frame frame;
    frame_of_batch(&frame, &op->exec->eval, batch);
    TRY(groups_update(groups, &op->exec->eval, &frame, NULL, NULL));
    if (groups->arena.used_bytes > op->exec->memory_max_bytes)
        return FAIL(op->exec->eval.diag, ERR_OVERLOADED,
                    "GROUP BY needs more than its %zu MiB of memory",
                    op->exec->memory_max_bytes >> 20);
    return ERR_OK;
}

static err_t aggregate_finish(struct op *op, unsigned input)
{
    (void)input;
    struct groups *groups = op->state;
    struct eval *eval = &op->exec->eval;
    if (op->plan->expr_count == 0)
        TRY(groups_global(groups, eval, NULL, NULL));
    for (size_t from = 0; from < groups->count; from += OP_BATCH_ROWS) {
        size_t count = groups->count - from < OP_BATCH_ROWS ? groups->count - from : OP_BATCH_ROWS;
        arena_clear(eval->arena);
        struct batch batch;
        TRY(groups_rows(groups, eval, NULL, from, count, &batch));
        TRY(op_emit(op, &batch));
    }
    return ERR_OK;
}

static void aggregate_close(struct op *op)
{
    if (op->state)
        groups_release(op->state);
    mem_free(op->state);
}

const struct op_class op_class_aggregate = {.open = aggregate_open,
                                            .push = aggregate_push,
                                            .finish = aggregate_finish,
                                            .close = aggregate_close};

// --- sort
// ------------------------------------------------------------------------------------------

static err_t rows_open(struct op *op)
{
    struct rows *rows = MEM_NEW(struct rows);
    rows_init(rows, op->plan->types, op->plan->column_count);
    op->state = rows;
    return ERR_OK;
}

static err_t rows_push(struct op *op, unsigned input, const struct batch *batch)
{
    (void)input;
    return rows_add(op->state, op, batch);
}

static void rows_close(struct op *op)
{
    if (op->state)
        rows_release(op->state);
    mem_free(op->state);
}

struct sorting {
    const struct column *keys;
    const struct expr_order *order;
    size_t count;
};

static int by_keys(const struct sorting *sorting, uint32_t a, uint32_t b)
{
    for (size_t i = 0; i < sorting->count; i++) {
        const struct column *key = &sorting->keys[i];
        bool null_a = column_is_null(key, a);
        bool null_b = column_is_null(key, b);
        if (null_a || null_b) {
            if (null_a && null_b)
                continue;
            return (null_a ? -1 : 1) * (sorting->order[i].nulls_first ? 1 : -1);
        }
        int order = value_compare(key, a, key, b);
        if (order)
            return sorting->order[i].descending ? -order : order;
    }
    return 0;
}

// Merge sort: stable, as results with equal keys keep their order.
static void merge_sort(const struct sorting *sorting, uint32_t *rows, uint32_t *scratch,
                       size_t count)
{
    if (count < 2)
        return;
    size_t half = count / 2;
    merge_sort(sorting, rows, scratch, half);
    merge_sort(sorting, rows + half, scratch, count - half);
    memcpy(scratch, rows, half * sizeof *rows);
    size_t left = 0;
    size_t right = half;
    for (size_t to = 0; left < half; to++)
        rows[to] = right < count && by_keys(sorting, rows[right], scratch[left]) < 0
                       ? rows[right++]
                       : scratch[left++];
}

static err_t sort_finish(struct op *op, unsigned input)
{
    (void)input;
    struct rows *rows = op->state;
    struct eval *eval = &op->exec->eval;
    struct column *columns = rows_columns(rows);
    struct batch all = {
        .count = rows->count, .column_count = rows->column_count, .columns = columns};
    struct arena *batch_arena = eval->arena;
    eval->arena = &rows->arena; // the keys live as long as the rows
    struct frame frame;
    frame_of_batch(&frame, eval, &all);
    struct column *keys = ARENA_ARRAY(&rows->arena, struct column, op->plan->order_count + 1);
    err_t err = ERR_OK;
    for (size_t i = 0; i < op->plan->order_count && !err; i++)
        err = eval_column(eval, op->plan->order[i].expr, &frame, &keys[i]);
    eval->arena = batch_arena;
    TRY(err);
    uint32_t *order = arena_alloc(&rows->arena, (rows->count + 1) * sizeof *order);
    uint32_t *scratch = arena_alloc(&rows->arena, (rows->count + 1) * sizeof *scratch);
    for (size_t i = 0; i < rows->count; i++)
        order[i] = (uint32_t)i;
    struct sorting sorting = {keys, op->plan->order, op->plan->order_count};
    merge_sort(&sorting, order, scratch, rows->count);
    return op_emit_rows(op, columns, order, rows->count);
}

const struct op_class op_class_sort = {
    .open = rows_open, .push = rows_push, .finish = sort_finish, .close = rows_close};

// --- EXCEPT and INTERSECT
// --------------------------------------------------------------------------

MAP_DEFINE(row_counts, struct bytes, int64_t, bytes_hash, bytes_equal);

struct set {
    struct arena arena;
    struct row_counts right; // how often each row of the right side is there
    struct row_counts seen;  // DISTINCT: rows already given
    struct str key;
};

static err_t set_open(struct op *op)
{
    struct set *set = MEM_NEW(struct set);
    arena_init(&set->arena, 64 << 10);
    op->state = set;
    return ERR_OK;
}

static struct bytes row_key(struct set *set, const struct batch *batch, size_t row)
{
    set->key.size = 0;
    for (size_t c = 0; c < batch->column_count; c++)
        value_encode(&set->key, &batch->columns[c], row);
    return str_bytes(&set->key);
}

static int64_t *count_of(struct set *set, struct row_counts *counts, struct bytes key)
{
    int64_t *found = row_counts_get(counts, key);
    return found ? found : row_counts_put(counts, arena_bytes(&set->arena, key), NULL);
}

static err_t set_push(struct op *op, unsigned input, const struct batch *batch)
{
    struct set *set = op->state;
    if (set->arena.used_bytes > op->exec->memory_max_bytes)
        return FAIL(op->exec->eval.diag, ERR_OVERLOADED, "the set operation needs too much memory");
    if (input == 1) {
        for (size_t i = 0; i < batch->count; i++)
            ++*count_of(set, &set->right, row_key(set, batch, i));
        return ERR_OK;
    }
    struct arena *arena = op->exec->eval.arena;
    uint32_t *rows = arena_alloc(arena, (batch->count + 1) * sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct bytes key = row_key(set, batch, i);
        int64_t *right = row_counts_get(&set->right, key);
        bool in_right = right && *right > 0;
        if (op->plan->all && in_right)
            --*right;
        if (in_right == op->plan->except)
            continue;
        if (!op->plan->all && (*count_of(set, &set->seen, key))++ > 0)
            continue;
        rows[count++] = (uint32_t)i;
    }
    struct batch out = *batch;
    out.count = count;
    out.columns = ARENA_ARRAY(arena, struct column, batch->column_count + 1);
    for (size_t c = 0; c < batch->column_count; c++)
        column_gather(&out.columns[c], arena, &batch->columns[c], rows, count);
    return op_emit(op, &out);
}

static err_t set_finish(struct op *op, unsigned input)
{
    (void)op;
    (void)input;
    return ERR_OK;
}

static void set_close(struct op *op)
{
    struct set *set = op->state;
    if (set) {
        arena_release(&set->arena);
        row_counts_release(&set->right);
        row_counts_release(&set->seen);
        str_release(&set->key);
    }
    mem_free(set);
}

const struct op_class op_class_set = {
    .open = set_open, .push = set_push, .finish = set_finish, .close = set_close};
