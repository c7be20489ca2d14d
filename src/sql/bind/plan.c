// SPDX-License-Identifier: Apache-2.0
#include "sql/bind/plan.h"

struct plan *plan_new(struct arena *arena, enum plan_kind kind, struct plan *left,
                      struct plan *right)
{
    struct plan *plan = ARENA_NEW(arena, struct plan);
    plan->kind = kind;
    plan->inputs[0] = left;
    plan->inputs[1] = right;
    plan->input_count = (left != NULL) + (right != NULL);
    plan->limit = -1;
    if (left) { // most operators keep the columns of their input
        plan->names = left->names;
        plan->types = left->types;
        plan->column_count = left->column_count;
    }
    return plan;
}

void plan_columns(struct arena *arena, struct plan *plan, size_t count)
{
    plan->names = ARENA_ARRAY(arena, const char *, count + 1);
    plan->types = ARENA_ARRAY(arena, const struct type *, count + 1);
    plan->column_count = count;
}

struct plan *plan_project(struct arena *arena, struct plan *input, struct expr **exprs,
                          const char **names, size_t count)
{
    struct plan *plan = plan_new(arena, PLAN_PROJECT, input, NULL);
    plan_columns(arena, plan, count);
    plan->exprs = exprs;
    plan->expr_count = count;
    for (size_t i = 0; i < count; i++) {
        plan->names[i] = names[i];
        plan->types[i] = exprs[i]->type;
    }
    return plan;
}

struct plan *plan_filter(struct arena *arena, struct plan *input, struct expr *condition)
{
    struct plan *plan = plan_new(arena, PLAN_FILTER, input, NULL);
    plan->exprs = ARENA_ARRAY(arena, struct expr *, 1);
    plan->exprs[0] = condition;
    plan->expr_count = 1;
    return plan;
}
