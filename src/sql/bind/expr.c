// SPDX-License-Identifier: Apache-2.0
#include "sql/bind/expr.h"

#include "base/vec.h"
#include "sql/exec/value.h"
#include "sql/function/function.h"

#include <stdlib.h>

static int order_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

struct gather {
    VEC(uint32_t) slots;
};

static void take(struct gather *gather, struct expr *expr, const struct expr *arg)
{
    for (size_t i = 0; i < arg->slot_count; i++)
        vec_push(&gather->slots, arg->slots[i]);
    expr->volatile_ |= arg->volatile_;
    expr->has_aggregate |= arg->has_aggregate;
    expr->has_window |= arg->has_window;
    expr->has_generator |= arg->has_generator;
}

static bool is_param(const struct expr *expr, uint32_t slot)
{
    for (size_t i = 0; i < expr->param_count; i++)
        if (expr->params[i] == slot)
            return true;
    return false;
}

void expr_finish(struct arena *arena, struct expr *expr)
{
    struct gather gather = {0};
    if (expr->kind == EXPR_SLOT)
        vec_push(&gather.slots, expr->slot);
    for (size_t i = 0; i < expr->arg_count; i++)
        take(&gather, expr, expr->args[i]);
    if (expr->filter)
        take(&gather, expr, expr->filter);
    if (expr->window) {
        for (size_t i = 0; i < expr->window->partition_count; i++)
            take(&gather, expr, expr->window->partition[i]);
        for (size_t i = 0; i < expr->window->order_count; i++)
            take(&gather, expr, expr->window->order[i].expr);
    }
    if (gather.slots.count)
        qsort(gather.slots.items, gather.slots.count, sizeof(uint32_t), order_u32);
    uint32_t *slots = arena_alloc(arena, (gather.slots.count + 1) * sizeof *slots);
    size_t count = 0;
    for (size_t i = 0; i < gather.slots.count; i++)
        if ((count == 0 || slots[count - 1] != gather.slots.items[i]) &&
            !is_param(expr, gather.slots.items[i]))
            slots[count++] = gather.slots.items[i];
    vec_release(&gather.slots);
    expr->slots = slots;
    expr->slot_count = count;
    if (expr->kind != EXPR_CALL)
        return;
    if (expr->function->flags & FUNCTION_VOLATILE)
        expr->volatile_ = true;
    if (expr->function->generator)
        expr->has_generator = true;
    if (expr->window)
        expr->has_window = true;
    else if (expr->function->aggregate)
        expr->has_aggregate = true;
}

struct expr *expr_literal(struct arena *arena, const struct type *type, uint32_t at)
{
    struct expr *expr = ARENA_NEW(arena, struct expr);
    expr->kind = EXPR_LITERAL;
    expr->type = type;
    expr->at = at;
    column_init(&expr->literal, arena, type, 1);
    expr_finish(arena, expr);
    return expr;
}

struct expr *expr_slot(struct arena *arena, uint32_t slot, const struct type *type,
                       const char *name, uint32_t at)
{
    struct expr *expr = ARENA_NEW(arena, struct expr);
    expr->kind = EXPR_SLOT;
    expr->type = type;
    expr->slot = slot;
    expr->name = name;
    expr->at = at;
    expr_finish(arena, expr);
    return expr;
}

struct expr *expr_cast(struct arena *arena, struct expr *from, const struct type *to)
{
    if (type_equal(from->type, to))
        return from;
    struct expr *expr = ARENA_NEW(arena, struct expr);
    expr->kind = EXPR_CAST;
    expr->type = to;
    expr->at = from->at;
    expr->args = ARENA_ARRAY(arena, struct expr *, 1);
    expr->args[0] = from;
    expr->arg_count = 1;
    expr_finish(arena, expr);
    return expr;
}

static bool window_equal(const struct expr_window *a, const struct expr_window *b)
{
    if (!a || !b)
        return a == b;
    if (a->partition_count != b->partition_count || a->order_count != b->order_count ||
        a->range != b->range || a->from != b->from || a->to != b->to ||
        a->from_value != b->from_value || a->to_value != b->to_value)
        return false;
    for (size_t i = 0; i < a->partition_count; i++)
        if (!expr_equal(a->partition[i], b->partition[i]))
            return false;
    for (size_t i = 0; i < a->order_count; i++)
        if (!expr_equal(a->order[i].expr, b->order[i].expr) ||
            a->order[i].descending != b->order[i].descending ||
            a->order[i].nulls_first != b->order[i].nulls_first)
            return false;
    return true;
}

bool expr_equal(const struct expr *a, const struct expr *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || !type_equal(a->type, b->type) || a->arg_count != b->arg_count)
        return false;
    if (a->kind == EXPR_LITERAL)
        return value_equal(&a->literal, 0, &b->literal, 0);
    if (a->kind == EXPR_SLOT)
        return a->slot == b->slot;
    if (a->kind == EXPR_SUBQUERY)
        return false;
    if (a->kind == EXPR_CALL && (a->function != b->function || a->slot != b->slot || a->volatile_ ||
                                 a->distinct != b->distinct || a->ignore_nulls != b->ignore_nulls ||
                                 !window_equal(a->window, b->window)))
        return false;
    if ((a->filter || b->filter) && (!a->filter || !b->filter || !expr_equal(a->filter, b->filter)))
        return false;
    if (a->kind == EXPR_LAMBDA) {
        if (a->param_count != b->param_count)
            return false;
        for (size_t i = 0; i < a->param_count; i++)
            if (a->params[i] != b->params[i])
                return false;
    }
    for (size_t i = 0; i < a->arg_count; i++)
        if (!expr_equal(a->args[i], b->args[i]))
            return false;
    return true;
}

bool expr_is_null_literal(const struct expr *expr)
{
    return expr->kind == EXPR_LITERAL && column_is_null(&expr->literal, 0);
}

bool expr_text(const struct expr *expr, struct bytes *out)
{
    if (expr->kind != EXPR_LITERAL || expr->type->kind != TYPE_STRING || expr_is_null_literal(expr))
        return false;
    *out = expr->literal.strings[0];
    return true;
}

bool expr_long(const struct expr *expr, int64_t *out)
{
    if (expr->kind != EXPR_LITERAL || expr_is_null_literal(expr))
        return false;
    switch ((int)expr->type->kind) {
    case TYPE_BYTE:
        *out = expr->literal.bytes8[0];
        return true;
    case TYPE_SHORT:
        *out = expr->literal.shorts[0];
        return true;
    case TYPE_INT:
        *out = expr->literal.ints[0];
        return true;
    case TYPE_LONG:
        *out = expr->literal.longs[0];
        return true;
    default:
        return false;
    }
}
