// SPDX-License-Identifier: Apache-2.0
#include "sql/exec/op.h"

#include "base/mem.h"

static const struct op_class *class_of(enum plan_kind kind)
{
    switch (kind) {
    case PLAN_SCAN:
        return &op_class_scan;
    case PLAN_VALUES:
        return &op_class_values;
    case PLAN_RANGE:
        return &op_class_range;
    case PLAN_FILTER:
        return &op_class_filter;
    case PLAN_PROJECT:
        return &op_class_project;
    case PLAN_AGGREGATE:
        return &op_class_aggregate;
    case PLAN_GENERATE:
        return &op_class_generate;
    case PLAN_WINDOW:
        return &op_class_window;
    case PLAN_SORT:
        return &op_class_sort;
    case PLAN_LIMIT:
        return &op_class_limit;
    case PLAN_UNION:
        return &op_class_union;
    case PLAN_JOIN:
        return &op_class_join;
    case PLAN_SET:
        return &op_class_set;
    }
    return NULL;
}

err_t op_open(struct op **out, struct exec *exec, const struct plan *plan, struct op *parent,
              unsigned input)
{
    struct op *op = MEM_NEW(struct op);
    *op = (struct op){.class = class_of(plan->kind),
                      .plan = plan,
                      .exec = exec,
                      .parent = parent,
                      .input = input};
    err_t err = ERR_OK;
    for (unsigned i = 0; i < plan->input_count && !err; i++)
        err = op_open(&op->inputs[i], exec, plan->inputs[i], op, i);
    if (!err && op->class->open)
        err = op->class->open(op);
    if (err)
        op_close(op);
    else
        *out = op;
    return err;
}

void op_close(struct op *op)
{
    if (!op)
        return;
    if (op->class->close)
        op->class->close(op);
    op_close(op->inputs[0]);
    op_close(op->inputs[1]);
    mem_free(op);
}

err_t op_run(struct op *op)
{
    // The second input first: a join builds its table from it.
    for (unsigned i = op->plan->input_count; i-- > 0;)
        TRY(op_run(op->inputs[i]));
    if (op->plan->input_count == 0)
        TRY(op->class->push(op, 0, NULL));
    if (op->parent)
        return op->parent->class->finish(op->parent, op->input);
    return ERR_OK;
}

err_t op_emit(struct op *op, const struct batch *batch)
{
    if (batch->count == 0)
        return ERR_OK;
    if (op->parent)
        return op->parent->class->push(op->parent, op->input, batch);
    return op->exec->io->push(op->exec->io->ctx, batch, op->exec->eval.diag);
}

err_t op_emit_rows(struct op *op, const struct column *columns, const uint32_t *rows, size_t count)
{
    struct arena *arena = op->exec->eval.arena;
    for (size_t from = 0; from < count && !op->done; from += OP_BATCH_ROWS) {
        arena_clear(arena);
        size_t size = count - from < OP_BATCH_ROWS ? count - from : OP_BATCH_ROWS;
        uint32_t *chosen = arena_alloc(arena, (size + 1) * sizeof *chosen);
        for (size_t i = 0; i < size; i++)
            chosen[i] = rows ? rows[from + i] : (uint32_t)(from + i);
        struct batch batch = {
            .count = size, .column_count = op->plan->column_count, .names = op->plan->names};
        batch.columns = ARENA_ARRAY(arena, struct column, batch.column_count + 1);
        for (size_t c = 0; c < batch.column_count; c++)
            column_gather(&batch.columns[c], arena, &columns[c], chosen, size);
        TRY(op_emit(op, &batch));
    }
    return ERR_OK;
}

void rows_init(struct rows *rows, const struct type *const *types, size_t column_count)
{
    *rows = (struct rows){.column_count = column_count};
    arena_init(&rows->arena, 64 << 10);
    rows->builders = ARENA_ARRAY(&rows->arena, struct builder, column_count + 1);
    for (size_t i = 0; i < column_count; i++)
        builder_init(&rows->builders[i], &rows->arena, types[i], 64);
}

void rows_release(struct rows *rows)
{
    arena_release(&rows->arena);
    *rows = (struct rows){0};
}

err_t rows_add(struct rows *rows, const struct op *op, const struct batch *batch)
{
    for (size_t c = 0; c < rows->column_count; c++)
        for (size_t i = 0; i < batch->count; i++)
            builder_copy(&rows->builders[c], &batch->columns[c], i);
    rows->count += batch->count;
    if (rows->arena.used_bytes > op->exec->memory_max_bytes)
        return FAIL(op->exec->eval.diag, ERR_OVERLOADED,
                    "the query needs more than its %zu MiB of memory",
                    op->exec->memory_max_bytes >> 20);
    return ERR_OK;
}

struct column *rows_columns(struct rows *rows)
{
    struct column *columns = ARENA_ARRAY(&rows->arena, struct column, rows->column_count + 1);
    for (size_t c = 0; c < rows->column_count; c++)
        builder_finish(&rows->builders[c], &columns[c]);
    return columns;
}
