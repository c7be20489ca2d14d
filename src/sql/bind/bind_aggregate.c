// SPDX-License-Identifier: Apache-2.0
//
// GROUP BY, window functions and generators: each moves calls out of expressions into an operator
// below and puts a slot in their place.
#include "sql/bind/rewrite.h"

#include "base/vec.h"
#include "sql/exec/aggregate.h"
#include "sql/exec/generator.h"

// --- GROUP BY
// --------------------------------------------------------------------------------------

struct grouping {
    struct expr **groups;
    size_t group_count;
    VEC(struct expr *) calls;
};

static struct expr *to_slots(struct binder *binder, struct expr *expr, void *ctx)
{
    struct grouping *grouping = ctx;
    for (size_t i = 0; i < grouping->group_count; i++)
        if (expr_equal(expr, grouping->groups[i]))
            return expr_slot(binder->arena, (uint32_t)i, expr->type,
                             expr_column_name(binder->arena, expr), expr->at);
    if (expr->kind == EXPR_CALL && expr->function->aggregate && !expr->window) {
        size_t at = 0;
        while (at < grouping->calls.count && !expr_equal(grouping->calls.items[at], expr))
            at++;
        if (at == grouping->calls.count)
            vec_push(&grouping->calls, expr);
        return expr_slot(binder->arena, (uint32_t)(grouping->group_count + at), expr->type,
                         expr_column_name(binder->arena, expr), expr->at);
    }
    if (expr->kind == EXPR_SLOT && expr->slot < SLOT_PARAM)
        return binder__fail(binder, expr->at, ERR_INVALID,
                            "[MISSING_AGGREGATION] `%s` is neither in GROUP BY nor in an aggregate "
                            "function; use first(`%s`) if any value will do",
                            expr->name, expr->name);
    return expr;
}

static void fold_call(struct binder *binder, struct expr *call, const struct plan *input)
{
    for (size_t i = 0; i < call->arg_count; i++)
        call->args[i] = binder__fold(binder, rewrite_literals(binder, call->args[i], input));
    if (call->filter)
        call->filter = binder__fold(binder, rewrite_literals(binder, call->filter, input));
}

struct plan *binder__aggregate(struct binder *binder, struct plan *input, struct expr **groups,
                               size_t group_count, struct expr **outputs, size_t output_count)
{
    struct grouping grouping = {.groups = groups, .group_count = group_count};
    for (size_t i = 0; i < output_count; i++) {
        outputs[i] = rewrite(binder, outputs[i], to_slots, &grouping);
        if (!outputs[i]) {
            vec_release(&grouping.calls);
            return NULL;
        }
    }
    struct plan *plan = plan_new(binder->arena, PLAN_AGGREGATE, input, NULL);
    plan_columns(binder->arena, plan, group_count + grouping.calls.count);
    plan->exprs = ARENA_ARRAY(binder->arena, struct expr *, group_count + 1);
    plan->expr_count = group_count;
    plan->more = ARENA_ARRAY(binder->arena, struct expr *, grouping.calls.count + 1);
    plan->more_count = grouping.calls.count;
    for (size_t i = 0; i < group_count; i++) {
        plan->names[i] = expr_column_name(binder->arena, groups[i]);
        plan->types[i] = groups[i]->type;
        plan->exprs[i] = binder__fold(binder, groups[i]);
    }
    for (size_t i = 0; i < grouping.calls.count; i++) {
        struct expr *call = grouping.calls.items[i];
        plan->names[group_count + i] = expr_column_name(binder->arena, call);
        plan->types[group_count + i] = call->type;
        call = arena_dup(binder->arena, call, sizeof *call);
        call->args =
            arena_dup(binder->arena, call->args, (call->arg_count + 1) * sizeof *call->args);
        fold_call(binder, call, input);
        plan->more[i] = call;
    }
    vec_release(&grouping.calls);
    return plan;
}

// --- OVER
// ------------------------------------------------------------------------------------------

static const struct ast_window *named_window(struct binder *binder, const struct ast_window *ast)
{
    if (!ast->name || ast->partition_count || ast->order_count || ast->has_frame)
        return ast;
    const struct ast_select *select = binder->scope->select;
    for (size_t i = 0; select && i < select->window_count; i++)
        if (binder__same_name(binder, select->windows[i]->name, ast->name))
            return select->windows[i];
    return binder__fail(binder, ast->at, ERR_NOT_FOUND, "there is no window `%s`", ast->name);
}

static bool frame_value(struct binder *binder, const struct ast *ast, int64_t *out)
{
    if (!ast)
        return true;
    struct expr *expr = binder__expr(binder, ast);
    expr = expr ? binder__fold(binder, expr) : NULL;
    if (!expr)
        return false;
    if (expr_long(expr, out))
        return true;
    binder__fail(binder, ast->at, ERR_UNSUPPORTED,
                 "the bounds of a window frame must be constant integers");
    return false;
}

struct expr_window *binder__window(struct binder *binder, const struct ast_window *ast,
                                   const struct expr *call)
{
    ast = named_window(binder, ast);
    if (!ast)
        return NULL;
    struct expr_window *window = ARENA_NEW(binder->arena, struct expr_window);
    window->partition = ARENA_ARRAY(binder->arena, struct expr *, ast->partition_count + 1);
    window->order = ARENA_ARRAY(binder->arena, struct expr_order, ast->order_count + 1);
    for (size_t i = 0; i < ast->partition_count; i++)
        if (!(window->partition[window->partition_count++] =
                  binder__expr(binder, ast->partition[i])))
            return NULL;
    for (size_t i = 0; i < ast->order_count; i++) {
        struct expr *expr = binder__expr(binder, ast->order[i].expr);
        if (!expr)
            return NULL;
        window->order[window->order_count++] =
            (struct expr_order){expr, ast->order[i].descending, ast->order[i].nulls_first};
    }
    if (!ast->has_frame) {
        window->range = true;
        window->from = FRAME_UNBOUNDED_PRECEDING;
        window->to = ast->order_count ? FRAME_CURRENT : FRAME_UNBOUNDED_FOLLOWING;
        return window;
    }
    window->range = ast->range;
    window->from = (enum frame_bound)ast->from;
    window->to = (enum frame_bound)ast->to;
    if (!frame_value(binder, ast->from_value, &window->from_value) ||
        !frame_value(binder, ast->to_value, &window->to_value))
        return NULL;
    bool shifted = ast->from_value || ast->to_value;
    if (ast->range && shifted &&
        (window->order_count != 1 || !type_is_integral(window->order[0].expr->type)))
        return binder__fail(binder, call->at, ERR_UNSUPPORTED,
                            "RANGE with an offset needs one ORDER BY integer");
    return window;
}

struct windowing {
    size_t first;
    VEC(struct expr *) calls;
};

static struct expr *window_to_slot(struct binder *binder, struct expr *expr, void *ctx)
{
    struct windowing *windowing = ctx;
    if (expr->kind != EXPR_CALL || !expr->window)
        return expr;
    size_t at = 0;
    while (at < windowing->calls.count && !expr_equal(windowing->calls.items[at], expr))
        at++;
    if (at == windowing->calls.count)
        vec_push(&windowing->calls, expr);
    return expr_slot(binder->arena, (uint32_t)(windowing->first + at), expr->type,
                     expr_column_name(binder->arena, expr), expr->at);
}

static void extend_columns(struct binder *binder, struct plan *plan, size_t more)
{
    struct plan *input = plan->inputs[0];
    plan_columns(binder->arena, plan, input->column_count + more);
    for (size_t i = 0; i < input->column_count; i++) {
        plan->names[i] = input->names[i];
        plan->types[i] = input->types[i];
    }
}

struct plan *binder__windows(struct binder *binder, struct plan *input, struct expr **outputs,
                             size_t output_count)
{
    struct windowing windowing = {.first = input->column_count};
    bool ok = true;
    for (size_t i = 0; ok && i < output_count; i++)
        if (outputs[i]->has_window)
            ok = (outputs[i] = rewrite(binder, outputs[i], window_to_slot, &windowing)) != NULL;
    struct plan *plan = input;
    if (ok && windowing.calls.count) {
        plan = plan_new(binder->arena, PLAN_WINDOW, input, NULL);
        extend_columns(binder, plan, windowing.calls.count);
        plan->more = ARENA_ARRAY(binder->arena, struct expr *, windowing.calls.count);
        plan->more_count = windowing.calls.count;
        for (size_t i = 0; i < windowing.calls.count; i++) {
            plan->more[i] = windowing.calls.items[i];
            plan->names[windowing.first + i] = "";
            plan->types[windowing.first + i] = plan->more[i]->type;
        }
    }
    vec_release(&windowing.calls);
    return ok ? plan : NULL;
}

// --- explode
// ---------------------------------------------------------------------------------------

struct plan *binder__generate(struct binder *binder, struct plan *input, struct expr *call,
                              bool outer)
{
    if (call->kind != EXPR_CALL || !call->function->generator)
        return binder__fail(binder, call->at, ERR_INVALID,
                            "[UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS] a generator cannot "
                            "stand inside another expression");
    const struct type *record = call->type; // a STRUCT of what it makes
    struct plan *plan = plan_new(binder->arena, PLAN_GENERATE, input, NULL);
    extend_columns(binder, plan, record->field_count);
    for (size_t i = 0; i < record->field_count; i++) {
        plan->names[input->column_count + i] = record->fields[i].name;
        plan->types[input->column_count + i] = record->fields[i].type;
    }
    for (size_t i = 0; i < call->arg_count; i++)
        call->args[i] = binder__fold(binder, call->args[i]);
    plan->exprs = ARENA_ARRAY(binder->arena, struct expr *, 1);
    plan->exprs[0] = call;
    plan->expr_count = 1;
    plan->outer = outer || call->function->generator->outer;
    return plan;
}
