// SPDX-License-Identifier: Apache-2.0
//
// SELECT: FROM and WHERE, then the output list (stars expanded), GROUP BY, HAVING, window
// functions, explode, and last ORDER BY, which may see outputs as well as inputs: what it needs
// beyond the outputs is computed as hidden columns and dropped after the sort.
#include "sql/bind/rewrite.h"

#include "base/vec.h"

#include <strings.h>

struct output {
    struct expr *expr;
    const char *name;
    const char **names; // of a generator's columns
    size_t name_count;
};

struct selecting {
    struct binder *binder;
    const struct ast_select *select;
    struct scope scope;
    VEC(struct output) outputs;
    VEC(struct scope_alias) aliases;
    VEC(struct expr *) groups;
    struct expr *having;
    VEC(struct expr_order) order; // expr: the output's or a hidden one
    VEC(size_t) order_outputs;    // index of the output an order key is
};

static bool add_output(struct selecting *selecting, struct expr *expr, const char *name)
{
    if (!expr)
        return false;
    struct output output = {.expr = expr};
    output.name = name ? name : expr_column_name(selecting->binder->arena, expr);
    vec_push(&selecting->outputs, output);
    if (name) {
        struct scope_alias alias = {name, expr};
        vec_push(&selecting->aliases, alias);
        selecting->scope.aliases = selecting->aliases.items;
        selecting->scope.alias_count = selecting->aliases.count;
    }
    return true;
}

// a.* of a struct column: its fields.
static bool expand_struct(struct selecting *selecting, const struct ast *star)
{
    struct binder *binder = selecting->binder;
    struct ast name = *star;
    name.kind = AST_NAME;
    struct expr *base = binder__name(binder, &name);
    if (!base)
        return false;
    if (base->type->kind != TYPE_STRUCT) {
        binder__fail(binder, star->at, ERR_TYPE, "`%s` is %s: only a table or a struct has .*",
                     star->parts[0], binder__type_text(binder, base->type));
        return false;
    }
    for (size_t i = 0; i < base->type->field_count; i++) {
        struct expr *field = binder__make(binder, "get_field", star->at, 1, base);
        field->slot = (uint32_t)i;
        field->type = base->type->fields[i].type;
        field->field = true;
        field->name = base->type->fields[i].name;
        if (!add_output(selecting, field, field->name))
            return false;
    }
    return true;
}

static bool expand_star(struct selecting *selecting, const struct ast *star)
{
    struct binder *binder = selecting->binder;
    const struct scope *scope = &selecting->scope;
    const char *qualifier = star->part_count ? star->parts[star->part_count - 1] : NULL;
    size_t found = 0;
    for (size_t i = 0; i < scope->count; i++) {
        const struct scope_column *column = &scope->columns[i];
        if (qualifier
                ? !column->qualifier || !binder__same_name(binder, column->qualifier, qualifier)
                : column->hidden)
            continue;
        found++;
        struct output output = {
            .expr = expr_slot(binder->arena, column->slot, column->type, column->name, star->at),
            .name = column->name};
        vec_push(&selecting->outputs, output);
    }
    if (found)
        return true;
    if (qualifier)
        return expand_struct(selecting, star);
    binder__fail(binder, star->at, ERR_INVALID, "there is nothing '*' could stand for");
    return false;
}

static bool bind_items(struct selecting *selecting)
{
    struct binder *binder = selecting->binder;
    selecting->scope.aggregates = selecting->scope.windows = selecting->scope.generators = true;
    selecting->scope.select = selecting->select;
    for (size_t i = 0; i < selecting->select->item_count; i++) {
        const struct ast *item = selecting->select->items[i];
        if (item->kind == AST_STAR) {
            if (!expand_star(selecting, item))
                return false;
            continue;
        }
        bool alias = item->kind == AST_ALIAS;
        struct expr *expr = binder__expr(binder, alias ? item->args[0] : item);
        if (!add_output(selecting, expr, alias ? item->parts[0] : NULL))
            return false;
        if (alias) {
            struct output *output = &selecting->outputs.items[selecting->outputs.count - 1];
            output->names = item->parts;
            output->name_count = item->part_count;
        }
    }
    return true;
}

static bool is_ordinal(const struct ast *ast, int64_t *out)
{
    if (ast->kind != AST_LITERAL || ast->type->kind != TYPE_INT)
        return false;
    *out = (int64_t)ast->number;
    return true;
}

static struct expr *ordinal(struct selecting *selecting, const struct ast *ast, int64_t index)
{
    if (index >= 1 && index <= (int64_t)selecting->outputs.count)
        return selecting->outputs.items[index - 1].expr;
    return binder__fail(selecting->binder, ast->at, ERR_INVALID,
                        "position %lld is not in the select list, which has %zu columns",
                        (long long)index, selecting->outputs.count);
}

static bool bind_groups(struct selecting *selecting)
{
    struct binder *binder = selecting->binder;
    const struct ast_select *select = selecting->select;
    selecting->scope.aggregates = selecting->scope.windows = false;
    selecting->scope.place = "GROUP BY";
    for (size_t i = 0; select->group_all && i < selecting->outputs.count; i++)
        if (!selecting->outputs.items[i].expr->has_aggregate)
            vec_push(&selecting->groups, selecting->outputs.items[i].expr);
    for (size_t i = 0; i < select->group_count; i++) {
        int64_t index;
        struct expr *expr = is_ordinal(select->group_by[i], &index)
                                ? ordinal(selecting, select->group_by[i], index)
                                : binder__expr(binder, select->group_by[i]);
        if (!expr)
            return false;
        if (expr->has_aggregate || expr->has_generator) {
            binder__fail(binder, expr->at, ERR_INVALID,
                         "[GROUP_BY_AGGREGATE] GROUP BY cannot contain an aggregate function");
            return false;
        }
        if (!coerce_orderable(expr->type)) {
            binder__fail(binder, expr->at, ERR_TYPE, "cannot group by a value of type %s",
                         binder__type_text(binder, expr->type));
            return false;
        }
        vec_push(&selecting->groups, expr);
    }
    return true;
}

static bool bind_order(struct selecting *selecting, const struct ast_query *tail)
{
    struct binder *binder = selecting->binder;
    selecting->scope.aggregates = selecting->scope.windows = true;
    selecting->scope.aliases_first = true;
    VEC(struct scope_alias) aliases = {0};
    for (size_t i = 0; i < selecting->outputs.count; i++) {
        struct scope_alias alias = {selecting->outputs.items[i].name,
                                    selecting->outputs.items[i].expr};
        if (!alias.expr->has_generator)
            vec_push(&aliases, alias);
    }
    selecting->scope.aliases = aliases.items;
    selecting->scope.alias_count = aliases.count;
    bool ok = true;
    for (size_t i = 0; ok && i < tail->order_count; i++) {
        const struct ast_order *from = &tail->order[i];
        int64_t index;
        struct expr *expr;
        size_t at = SIZE_MAX;
        if (is_ordinal(from->expr, &index)) {
            expr = ordinal(selecting, from->expr, index);
            at = (size_t)index - 1;
        } else {
            expr = binder__expr(binder, from->expr);
        }
        ok = expr != NULL;
        if (ok && !coerce_orderable(expr->type))
            ok = binder__fail(binder, expr->at, ERR_TYPE, "cannot order by a value of type %s",
                              binder__type_text(binder, expr->type)) != NULL;
        for (size_t o = 0; ok && at == SIZE_MAX && o < selecting->outputs.count; o++)
            if (expr_equal(selecting->outputs.items[o].expr, expr))
                at = o;
        if (ok && at == SIZE_MAX) {
            if (selecting->select->distinct)
                ok = binder__fail(binder, expr->at, ERR_INVALID,
                                  "with DISTINCT, ORDER BY can only use the selected columns") !=
                     NULL;
            at = selecting->outputs.count;
            struct output hidden = {.expr = expr, .name = ""};
            vec_push(&selecting->outputs, hidden);
        }
        struct expr_order order = {expr, from->descending, from->nulls_first};
        vec_push(&selecting->order, order);
        vec_push(&selecting->order_outputs, at);
    }
    vec_release(&aliases);
    selecting->scope.aliases = selecting->aliases.items;
    selecting->scope.alias_count = selecting->aliases.count;
    return ok;
}

// Runs `step` over the expressions of all outputs (and HAVING) in place.
static struct expr **all_exprs(struct selecting *selecting, size_t *count)
{
    struct expr **exprs =
        ARENA_ARRAY(selecting->binder->arena, struct expr *, selecting->outputs.count + 2);
    for (size_t i = 0; i < selecting->outputs.count; i++)
        exprs[i] = selecting->outputs.items[i].expr;
    *count = selecting->outputs.count;
    if (selecting->having)
        exprs[(*count)++] = selecting->having;
    return exprs;
}

static void put_exprs(struct selecting *selecting, struct expr *const *exprs)
{
    for (size_t i = 0; i < selecting->outputs.count; i++)
        selecting->outputs.items[i].expr = exprs[i];
    if (selecting->having)
        selecting->having = exprs[selecting->outputs.count];
}

static struct plan *aggregate(struct selecting *selecting, struct plan *plan)
{
    bool any = selecting->select->grouped || selecting->having != NULL;
    for (size_t i = 0; i < selecting->outputs.count; i++)
        any |= selecting->outputs.items[i].expr->has_aggregate;
    if (!any)
        return plan;
    size_t count;
    struct expr **exprs = all_exprs(selecting, &count);
    plan = binder__aggregate(selecting->binder, plan, selecting->groups.items,
                             selecting->groups.count, exprs, count);
    if (!plan)
        return NULL;
    put_exprs(selecting, exprs);
    if (selecting->having)
        plan = plan_filter(selecting->binder->arena, plan,
                           binder__fold(selecting->binder, selecting->having));
    return plan;
}

static struct plan *generate(struct selecting *selecting, struct plan *plan)
{
    struct binder *binder = selecting->binder;
    for (size_t i = 0; i < selecting->outputs.count; i++) {
        struct output output = selecting->outputs.items[i];
        if (!output.expr->has_generator)
            continue;
        if (output.expr->kind != EXPR_CALL || !output.expr->function->generator)
            return binder__fail(binder, output.expr->at, ERR_INVALID,
                                "[UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS] a generator cannot "
                                "stand inside another expression");
        size_t first = plan->column_count;
        plan = binder__generate(binder, plan, output.expr, false);
        if (!plan)
            return NULL;
        size_t made = plan->column_count - first;
        if (output.name_count && output.name_count != made)
            return binder__fail(binder, output.expr->at, ERR_INVALID,
                                "%zu names are given to %zu columns", output.name_count, made);
        vec_remove(&selecting->outputs, i);
        for (size_t c = 0; c < made; c++) {
            struct output column = {.name = output.name_count ? output.names[c]
                                                              : plan->names[first + c]};
            column.expr = expr_slot(binder->arena, (uint32_t)(first + c), plan->types[first + c],
                                    column.name, output.expr->at);
            vec_push(&selecting->outputs, column);
            // Into place: rotate it down to where the generator stood.
            for (size_t k = selecting->outputs.count - 1; k > i + c; k--) {
                selecting->outputs.items[k] = selecting->outputs.items[k - 1];
                selecting->outputs.items[k - 1] = column;
            }
        }
        break; // Spark allows one per SELECT
    }
    for (size_t i = 0; i < selecting->outputs.count; i++)
        if (selecting->outputs.items[i].expr->has_generator)
            return binder__fail(binder, selecting->outputs.items[i].expr->at, ERR_INVALID,
                                "[UNSUPPORTED_GENERATOR.MULTI_GENERATOR] only one generator is "
                                "allowed in a SELECT");
    return plan;
}

static struct plan *project(struct selecting *selecting, struct plan *plan)
{
    struct binder *binder = selecting->binder;
    size_t count = selecting->outputs.count;
    struct expr **exprs = ARENA_ARRAY(binder->arena, struct expr *, count + 1);
    const char **names = ARENA_ARRAY(binder->arena, const char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        exprs[i] =
            binder__fold(binder, rewrite_literals(binder, selecting->outputs.items[i].expr, plan));
        names[i] = selecting->outputs.items[i].name;
    }
    return plan_project(binder->arena, plan, exprs, names, count);
}

static struct plan *distinct(struct binder *binder, struct plan *plan)
{
    struct expr **groups = ARENA_ARRAY(binder->arena, struct expr *, plan->column_count + 1);
    for (size_t i = 0; i < plan->column_count; i++)
        groups[i] = expr_slot(binder->arena, (uint32_t)i, plan->types[i], plan->names[i], 0);
    return binder__aggregate(binder, plan, groups, plan->column_count, NULL, 0);
}

static struct plan *sort(struct selecting *selecting, struct plan *plan, size_t visible)
{
    struct binder *binder = selecting->binder;
    if (selecting->order.count == 0)
        return plan;
    struct plan *sorted = plan_new(binder->arena, PLAN_SORT, plan, NULL);
    sorted->order_count = selecting->order.count;
    sorted->order = arena_dup(binder->arena, selecting->order.items,
                              selecting->order.count * sizeof *sorted->order);
    for (size_t i = 0; i < sorted->order_count; i++) {
        size_t at = selecting->order_outputs.items[i];
        sorted->order[i].expr =
            expr_slot(binder->arena, (uint32_t)at, plan->types[at], plan->names[at], 0);
    }
    if (visible == plan->column_count)
        return sorted;
    struct expr **exprs = ARENA_ARRAY(binder->arena, struct expr *, visible + 1);
    for (size_t i = 0; i < visible; i++)
        exprs[i] = expr_slot(binder->arena, (uint32_t)i, plan->types[i], plan->names[i], 0);
    return plan_project(binder->arena, sorted, exprs, plan->names, visible);
}

static struct plan *build(struct selecting *selecting, const struct ast_query *tail)
{
    struct binder *binder = selecting->binder;
    const struct ast_select *select = selecting->select;
    struct plan *plan = binder__from_where(binder, select, &selecting->scope);
    if (!plan)
        return NULL;
    binder->scope = &selecting->scope;
    if (!binder__time_windows(binder, select, &plan, &selecting->scope))
        return NULL;
    if (!bind_items(selecting) || !bind_groups(selecting))
        return NULL;
    if (select->having) {
        selecting->scope.aggregates = true;
        selecting->scope.place = "HAVING";
        selecting->having = binder__expr(binder, select->having);
        if (!selecting->having || !binder__condition(binder, &selecting->having))
            return NULL;
    }
    size_t visible = selecting->outputs.count;
    if (tail && !bind_order(selecting, tail))
        return NULL;
    if (!(plan = aggregate(selecting, plan)))
        return NULL;
    size_t count;
    struct expr **exprs = all_exprs(selecting, &count);
    if (!(plan = binder__windows(binder, plan, exprs, selecting->outputs.count)))
        return NULL;
    put_exprs(selecting, exprs);
    size_t before = selecting->outputs.count;
    if (!(plan = generate(selecting, plan)))
        return NULL;
    size_t grown = selecting->outputs.count - before;
    visible += grown;
    for (size_t i = 0; i < selecting->order_outputs.count; i++)
        if (selecting->order_outputs.items[i] >= visible - grown)
            selecting->order_outputs.items[i] += grown;
    plan = project(selecting, plan);
    if (select->distinct)
        plan = distinct(binder, plan);
    return plan ? sort(selecting, plan, visible) : NULL;
}

struct plan *binder__select(struct binder *binder, const struct ast_select *select,
                            const struct ast_query *tail, struct scope *scope)
{
    struct selecting selecting = {.binder = binder, .select = select};
    struct scope *back = binder->scope;
    const struct lambda_scope *lambdas = binder->lambdas;
    binder->lambdas = NULL;
    struct plan *plan = build(&selecting, tail);
    binder->scope = back;
    binder->lambdas = lambdas;
    vec_release(&selecting.outputs);
    vec_release(&selecting.aliases);
    vec_release(&selecting.groups);
    vec_release(&selecting.order);
    vec_release(&selecting.order_outputs);
    if (plan)
        binder__scope_of(binder, scope, plan, NULL);
    return plan;
}

struct plan *binder__distinct(struct binder *binder, struct plan *plan)
{
    return distinct(binder, plan);
}
