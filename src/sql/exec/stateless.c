// SPDX-License-Identifier: Apache-2.0
#include "sql/exec/stateless.h"

#include "sql/exec/generator.h"
#include "sql/function/function.h"

static err_t filter(struct eval *eval, const struct plan *plan, const struct batch *in,
                    struct batch *out)
{
    struct frame frame;
    frame_of_batch(&frame, eval, in);
    uint32_t *rows = arena_alloc(eval->arena, (in->count + 1) * sizeof *rows);
    size_t count = 0;
    TRY(eval_filter(eval, plan->exprs[0], &frame, rows, &count));
    *out = *in;
    if (count == in->count)
        return ERR_OK;
    out->count = count;
    out->columns = ARENA_ARRAY(eval->arena, struct column, in->column_count + 1);
    for (size_t c = 0; c < in->column_count; c++)
        column_gather(&out->columns[c], eval->arena, &in->columns[c], rows, count);
    return ERR_OK;
}

static err_t project(struct eval *eval, const struct plan *plan, const struct batch *in,
                     struct batch *out)
{
    struct frame frame;
    frame_of_batch(&frame, eval, in);
    struct column *columns = ARENA_ARRAY(eval->arena, struct column, plan->expr_count + 1);
    for (size_t i = 0; i < plan->expr_count; i++) {
        if (plan->needed && !plan->needed[i]) {
            columns[i] = (struct column){.type = &type_null, .count = in->count};
            continue;
        }
        if (plan->exprs[i]->kind == EXPR_SLOT) {
            columns[i] = in->columns[plan->exprs[i]->slot];
            continue;
        }
        TRY(eval_column(eval, plan->exprs[i], &frame, &columns[i]));
    }
    *out = (struct batch){.count = in->count,
                          .column_count = plan->expr_count,
                          .columns = columns,
                          .names = plan->names};
    return ERR_OK;
}

static err_t generate(struct eval *eval, const struct plan *plan, const struct batch *in,
                      struct batch *out)
{
    const struct expr *call = plan->exprs[0];
    struct frame frame;
    frame_of_batch(&frame, eval, in);
    struct vector *args = ARENA_ARRAY(eval->arena, struct vector, call->arg_count + 1);
    for (size_t i = 0; i < call->arg_count; i++)
        TRY(eval_expr(eval, call->args[i], &frame, &args[i]));
    struct builder made;
    builder_init(&made, eval->arena, call->type, in->count);
    struct builder parents; // the input row of each row made
    builder_init(&parents, eval->arena, &type_int, in->count);
    for (size_t i = 0; i < in->count; i++) {
        size_t before = made.count;
        call->function->generator->make(call, args, i, &made);
        if (made.count == before && plan->outer)
            builder_null(&made);
        for (size_t k = before; k < made.count; k++)
            builder_int(&parents, (int32_t)i);
    }
    struct column record, parent;
    builder_finish(&made, &record);
    builder_finish(&parents, &parent);
    *out = (struct batch){
        .count = made.count, .column_count = plan->column_count, .names = plan->names};
    out->columns = ARENA_ARRAY(eval->arena, struct column, plan->column_count + 1);
    for (size_t c = 0; c < in->column_count; c++)
        column_gather(&out->columns[c], eval->arena, &in->columns[c], (const uint32_t *)parent.ints,
                      made.count);
    for (size_t c = in->column_count; c < plan->column_count; c++)
        out->columns[c] = record.children[c - in->column_count];
    return ERR_OK;
}

void stateless_source(struct eval *eval, const struct batch *in, struct batch *out)
{
    const struct column *from = in->columns; // `in` may be `out`
    *out = *in;
    out->columns = arena_alloc(eval->arena, (in->column_count + 1) * sizeof *out->columns);
    for (size_t c = 0; c < in->column_count; c++)
        out->columns[c] =
            from[c].type ? from[c] : (struct column){.type = &type_null, .count = in->count};
}

err_t stateless_apply(struct eval *eval, const struct plan *plan, const struct batch *in,
                      struct batch *out)
{
    if (plan->kind == PLAN_FILTER)
        return filter(eval, plan, in, out);
    if (plan->kind == PLAN_PROJECT)
        return project(eval, plan, in, out);
    return generate(eval, plan, in, out);
}
