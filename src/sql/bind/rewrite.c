// SPDX-License-Identifier: Apache-2.0
#include "sql/bind/rewrite.h"

static bool rewrite_window(struct binder *binder, struct expr *copy, rewrite_fn *fn, void *ctx)
{
    struct expr_window *window = arena_dup(binder->arena, copy->window, sizeof *window);
    copy->window = window;
    window->partition = arena_dup(binder->arena, window->partition,
                                  (window->partition_count + 1) * sizeof *window->partition);
    window->order =
        arena_dup(binder->arena, window->order, (window->order_count + 1) * sizeof *window->order);
    for (size_t i = 0; i < window->partition_count; i++)
        if (!(window->partition[i] = rewrite(binder, window->partition[i], fn, ctx)))
            return false;
    for (size_t i = 0; i < window->order_count; i++)
        if (!(window->order[i].expr = rewrite(binder, window->order[i].expr, fn, ctx)))
            return false;
    return true;
}

struct expr *rewrite(struct binder *binder, struct expr *expr, rewrite_fn *fn, void *ctx)
{
    struct expr *other = fn(binder, expr, ctx);
    if (other != expr)
        return other;
    if (expr->arg_count == 0 && !expr->window && !expr->filter)
        return expr;
    struct expr *copy = arena_dup(binder->arena, expr, sizeof *expr);
    copy->args = ARENA_ARRAY(binder->arena, struct expr *, expr->arg_count + 1);
    copy->has_aggregate = copy->has_window = copy->has_generator = false;
    for (size_t i = 0; i < expr->arg_count; i++)
        if (!(copy->args[i] = rewrite(binder, expr->args[i], fn, ctx)))
            return NULL;
    if (expr->filter && !(copy->filter = rewrite(binder, expr->filter, fn, ctx)))
        return NULL;
    if (expr->window && !rewrite_window(binder, copy, fn, ctx))
        return NULL;
    expr_finish(binder->arena, copy);
    return copy;
}

static struct expr *shift_one(struct binder *binder, struct expr *expr, void *ctx)
{
    if (expr->kind != EXPR_SLOT || expr->slot >= SLOT_PARAM)
        return expr;
    int64_t shift = *(int64_t *)ctx;
    return expr_slot(binder->arena, (uint32_t)(expr->slot + shift), expr->type, expr->name,
                     expr->at);
}

struct expr *rewrite_shift(struct binder *binder, struct expr *expr, int64_t shift)
{
    return rewrite(binder, expr, shift_one, &shift);
}

static struct expr *literal_of(struct binder *binder, struct expr *expr, void *ctx)
{
    (void)binder;
    const struct plan *project = ctx;
    if (expr->kind != EXPR_SLOT || expr->slot >= project->expr_count)
        return expr;
    struct expr *column = project->exprs[expr->slot];
    return column->kind == EXPR_LITERAL ? column : expr;
}

struct expr *rewrite_literals(struct binder *binder, struct expr *expr, const struct plan *input)
{
    while (input->kind == PLAN_FILTER) // its columns are those of its input
        input = input->inputs[0];
    if (input->kind != PLAN_PROJECT)
        return expr;
    return rewrite(binder, expr, literal_of, (void *)(uintptr_t)input);
}
