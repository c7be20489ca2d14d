// SPDX-License-Identifier: Apache-2.0
//
// prune: from the result down to the tables: which columns of each scan somebody reads, and which
// fields of each from_json, so that sources need not fetch the one nor parse the other.
#include "sql/bind/prune.h"

#include "sql/function/function.h"
#include "sql/function/json_call.h"

#include <strings.h>

// What the operators above read of one column.
struct usage {
    bool used;
    bool whole;   // more than some of its fields
    bool *fields; // STRUCT
};

static struct json_call *json_of(const struct expr *expr)
{
    if (expr->kind != EXPR_CALL || strcmp(expr->function->name, "from_json") != 0)
        return NULL;
    return (struct json_call *)(uintptr_t)expr->extra; // plans are not shared before they are done
}

static bool is_column(const struct expr *expr)
{
    return expr->kind == EXPR_SLOT && expr->slot < SLOT_PARAM;
}

static void vote(struct json_call *json, bool whole, const bool *fields)
{
    if (!json->seen)
        json->whole = false;
    json->seen = true;
    json->whole |= whole || json->options.failfast;
    bool any = false;
    for (size_t i = 0; i < json->type->field_count; i++) {
        const char *corrupt =
            json->options.corrupt_column ? json->options.corrupt_column : "_corrupt_record";
        json->whole |=
            json->type->kind != TYPE_STRUCT || strcasecmp(json->type->fields[i].name, corrupt) == 0;
        json->fields[i] |= fields && fields[i];
        any |= json->fields[i];
    }
    json->whole |= !any;
}

static void read_expr(struct usage *usage, const struct expr *expr, struct arena *arena)
{
    bool of_field =
        expr->kind == EXPR_CALL && expr->field && strcmp(expr->function->name, "get_field") == 0;
    const struct expr *base = of_field ? expr->args[0] : NULL;
    if (base && is_column(base)) {
        struct usage *column = &usage[base->slot];
        column->used = true;
        if (!column->fields)
            column->fields = ARENA_ARRAY(arena, bool, base->type->field_count + 1);
        column->fields[expr->slot] = true;
        return;
    }
    if (base && json_of(base) && base->type->kind == TYPE_STRUCT) {
        bool *fields = ARENA_ARRAY(arena, bool, base->type->field_count + 1);
        fields[expr->slot] = true;
        vote(json_of(base), false, fields);
        read_expr(usage, base->args[0], arena);
        return;
    }
    if (is_column(expr)) {
        usage[expr->slot].used = usage[expr->slot].whole = true;
        return;
    }
    if (json_of(expr))
        vote(json_of(expr), true, NULL);
    for (size_t i = 0; i < expr->arg_count; i++)
        read_expr(usage, expr->args[i], arena);
    if (expr->filter)
        read_expr(usage, expr->filter, arena);
    for (size_t i = 0; expr->window && i < expr->window->partition_count; i++)
        read_expr(usage, expr->window->partition[i], arena);
    for (size_t i = 0; expr->window && i < expr->window->order_count; i++)
        read_expr(usage, expr->window->order[i].expr, arena);
}

static void merge(struct usage *to, const struct usage *from, const struct type *type,
                  struct arena *arena)
{
    to->used = true;
    to->whole |= from->whole;
    if (!from->fields)
        return;
    if (!to->fields)
        to->fields = ARENA_ARRAY(arena, bool, type->field_count + 1);
    for (size_t i = 0; i < type->field_count; i++)
        to->fields[i] |= from->fields[i];
}

static void read_output(struct usage *below, const struct expr *expr, const struct usage *above,
                        struct arena *arena)
{
    if (is_column(expr)) {
        merge(&below[expr->slot], above, expr->type, arena);
        return;
    }
    if (json_of(expr)) {
        vote(json_of(expr), above->whole, above->fields);
        read_expr(below, expr->args[0], arena);
        return;
    }
    read_expr(below, expr, arena);
}

static void prune(const struct usage *above, struct plan *plan, struct arena *arena)
{
    if (plan->kind == PLAN_SCAN) {
        for (size_t i = 0; i < plan->column_count; i++)
            plan->needed[i] |= above[i].used;
        return;
    }
    bool several = plan->kind == PLAN_UNION || plan->kind == PLAN_SET || plan->kind == PLAN_JOIN;
    for (size_t side = 0; several && side < 2; side++)
        prune_plan(plan->inputs[side], arena);
    if (several || plan->input_count == 0)
        return;
    struct plan *input = plan->inputs[0];
    struct usage *below = ARENA_ARRAY(arena, struct usage, input->column_count + 1);
    bool keeps = plan->kind != PLAN_PROJECT && plan->kind != PLAN_AGGREGATE;
    if (plan->kind == PLAN_PROJECT)
        plan->needed = ARENA_ARRAY(arena, bool, plan->column_count + 1);
    for (size_t i = 0; plan->kind == PLAN_PROJECT && i < plan->column_count; i++)
        plan->needed[i] = above[i].used;
    for (size_t i = 0; keeps && i < input->column_count; i++)
        if (above[i].used)
            merge(&below[i], &above[i], input->types[i], arena);
    for (size_t i = 0; i < plan->expr_count; i++) {
        if (plan->kind != PLAN_PROJECT)
            read_expr(below, plan->exprs[i], arena);
        else if (above[i].used)
            read_output(below, plan->exprs[i], &above[i], arena);
    }
    for (size_t i = 0; i < plan->more_count; i++)
        read_expr(below, plan->more[i], arena);
    for (size_t i = 0; i < plan->order_count; i++)
        read_expr(below, plan->order[i].expr, arena);
    prune(below, input, arena);
}

void prune_plan(struct plan *plan, struct arena *arena)
{
    struct usage *all = ARENA_ARRAY(arena, struct usage, plan->column_count + 1);
    for (size_t i = 0; i < plan->column_count; i++)
        all[i].used = all[i].whole = true;
    prune(all, plan, arena);
}
