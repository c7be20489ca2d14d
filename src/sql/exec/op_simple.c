// SPDX-License-Identifier: Apache-2.0
//
// The operators that keep nothing: tables and constants, filter, projection, explode, limit, union.
#include "sql/exec/generator.h"
#include "sql/exec/op.h"
#include "sql/exec/stateless.h"

#include "base/mem.h"

static bool satisfied(const struct op *op)
{
    for (; op; op = op->parent)
        if (op->done)
            return true;
    return false;
}

static err_t scan_push(struct op *op, unsigned input, const struct batch *none)
{
    (void)input;
    (void)none;
    struct exec *exec = op->exec;
    bool end = false;
    while (!satisfied(op)) {
        struct batch batch = {0};
        TRY(exec->io->next(exec->io->ctx, op->plan->table_index, &batch, &end, exec->eval.diag));
        if (end)
            break;
        arena_clear(exec->eval.arena);
        stateless_source(&exec->eval, &batch, &batch);
        TRY(op_emit(op, &batch));
    }
    return ERR_OK;
}

static err_t values_push(struct op *op, unsigned input, const struct batch *none)
{
    (void)input;
    (void)none;
    return op_emit(op, &op->plan->values);
}

static err_t range_push(struct op *op, unsigned input, const struct batch *none)
{
    (void)input;
    (void)none;
    const struct plan *plan = op->plan;
    int128_t next = plan->start;
    for (;;) {
        if (satisfied(op))
            return ERR_OK;
        struct arena *arena = op->exec->eval.arena;
        arena_clear(arena);
        struct column column;
        column_init(&column, arena, &type_long, OP_BATCH_ROWS);
        size_t count = 0;
        for (; count < OP_BATCH_ROWS && (plan->step > 0 ? next < plan->end : next > plan->end);
             next += plan->step)
            column.longs[count++] = (int64_t)next;
        if (count == 0)
            return ERR_OK;
        column.count = count;
        struct batch batch = {
            .count = count, .column_count = 1, .columns = &column, .names = plan->names};
        TRY(op_emit(op, &batch));
    }
}

static err_t stateless_op_push(struct op *op, unsigned input, const struct batch *batch)
{
    (void)input;
    struct batch out;
    TRY(stateless_apply(&op->exec->eval, op->plan, batch, &out));
    return op_emit(op, &out);
}

static err_t no_finish(struct op *op, unsigned input)
{
    (void)op;
    (void)input;
    return ERR_OK;
}

// --- limit
// -----------------------------------------------------------------------------------------

struct limit {
    int64_t skip, left; // left < 0: all
};

static err_t limit_open(struct op *op)
{
    struct limit *limit = MEM_NEW(struct limit);
    limit->skip = op->plan->offset;
    limit->left = op->plan->limit;
    op->done = limit->left == 0;
    op->state = limit;
    return ERR_OK;
}

static err_t limit_push(struct op *op, unsigned input, const struct batch *batch)
{
    (void)input;
    struct limit *limit = op->state;
    size_t from = limit->skip < (int64_t)batch->count ? (size_t)limit->skip : batch->count;
    limit->skip -= (int64_t)from;
    size_t count = batch->count - from;
    if (limit->left >= 0 && (int64_t)count > limit->left)
        count = (size_t)limit->left;
    if (limit->left >= 0) {
        limit->left -= (int64_t)count;
        op->done = limit->left == 0;
    }
    if (count == batch->count)
        return op_emit(op, batch);
    struct arena *arena = op->exec->eval.arena;
    uint32_t *rows = arena_alloc(arena, (count + 1) * sizeof *rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = (uint32_t)(from + i);
    struct batch out = *batch;
    out.count = count;
    out.columns = ARENA_ARRAY(arena, struct column, batch->column_count + 1);
    for (size_t c = 0; c < batch->column_count; c++)
        column_gather(&out.columns[c], arena, &batch->columns[c], rows, count);
    return op_emit(op, &out);
}

static void free_state(struct op *op)
{
    mem_free(op->state);
}

static err_t union_push(struct op *op, unsigned input, const struct batch *batch)
{
    (void)input;
    return op_emit(op, batch);
}

const struct op_class op_class_scan = {.push = scan_push, .finish = no_finish};
const struct op_class op_class_values = {.push = values_push, .finish = no_finish};
const struct op_class op_class_range = {.push = range_push, .finish = no_finish};
const struct op_class op_class_filter = {.push = stateless_op_push, .finish = no_finish};
const struct op_class op_class_project = {.push = stateless_op_push, .finish = no_finish};
const struct op_class op_class_generate = {.push = stateless_op_push, .finish = no_finish};
const struct op_class op_class_union = {.push = union_push, .finish = no_finish};
const struct op_class op_class_limit = {
    .open = limit_open, .push = limit_push, .finish = no_finish, .close = free_state};
