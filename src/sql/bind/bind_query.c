// SPDX-License-Identifier: Apache-2.0
//
// Queries: WITH, set operations, ORDER BY and LIMIT over them.
#include "sql/bind/prune.h"
#include "sql/bind/rewrite.h"

static struct plan *convert_columns(struct binder *binder, struct plan *plan,
                                    const struct type *const *types)
{
    bool same = true;
    for (size_t i = 0; i < plan->column_count; i++)
        same &= type_equal(plan->types[i], types[i]);
    if (same)
        return plan;
    struct expr **exprs = ARENA_ARRAY(binder->arena, struct expr *, plan->column_count + 1);
    for (size_t i = 0; i < plan->column_count; i++)
        exprs[i] = expr_cast(
            binder->arena, expr_slot(binder->arena, (uint32_t)i, plan->types[i], plan->names[i], 0),
            types[i]);
    return plan_project(binder->arena, plan, exprs, plan->names, plan->column_count);
}

static struct plan *set_operation(struct binder *binder, const struct ast_query *query)
{
    struct scope scope = {0};
    struct plan *left = binder__query(binder, query->left, &scope);
    struct plan *right = left ? binder__query(binder, query->right, &scope) : NULL;
    if (!right)
        return NULL;
    if (left->column_count != right->column_count)
        return binder__fail(binder, query->right->at, ERR_TYPE,
                            "[NUM_COLUMNS_MISMATCH] the first query has %zu columns, this one %zu",
                            left->column_count, right->column_count);
    const struct type **types =
        ARENA_ARRAY(binder->arena, const struct type *, left->column_count + 1);
    for (size_t i = 0; i < left->column_count; i++) {
        types[i] = coerce_wider(binder->arena, left->types[i], right->types[i]);
        if (!types[i])
            return binder__fail(binder, query->right->at, ERR_TYPE,
                                "[INCOMPATIBLE_COLUMN_TYPE] column %zu is %s in the first query "
                                "and %s in this one",
                                i + 1, binder__type_text(binder, left->types[i]),
                                binder__type_text(binder, right->types[i]));
    }
    left = convert_columns(binder, left, types);
    right = convert_columns(binder, right, types);
    bool is_union = query->set == SET_UNION || query->set == SET_UNION_ALL;
    struct plan *plan = plan_new(binder->arena, is_union ? PLAN_UNION : PLAN_SET, left, right);
    plan->except = query->set == SET_EXCEPT || query->set == SET_EXCEPT_ALL;
    plan->all = query->set == SET_EXCEPT_ALL || query->set == SET_INTERSECT_ALL;
    return query->set == SET_UNION ? binder__distinct(binder, plan) : plan;
}

// ORDER BY over a set operation or VALUES: its output columns only.
static struct plan *sort_outputs(struct binder *binder, struct plan *plan,
                                 const struct ast_query *query)
{
    if (query->order_count == 0)
        return plan;
    struct scope scope = {0};
    binder__scope_of(binder, &scope, plan, NULL);
    struct scope *back = binder->scope;
    binder->scope = &scope;
    scope.place = "ORDER BY";
    struct plan *sorted = plan_new(binder->arena, PLAN_SORT, plan, NULL);
    sorted->order = ARENA_ARRAY(binder->arena, struct expr_order, query->order_count);
    sorted->order_count = query->order_count;
    for (size_t i = 0; i < query->order_count; i++) {
        const struct ast_order *from = &query->order[i];
        struct expr_order *to = &sorted->order[i];
        int64_t index = from->expr->kind == AST_LITERAL && from->expr->type->kind == TYPE_INT
                            ? (int64_t)from->expr->number
                            : 0;
        if (index >= 1 && index <= (int64_t)plan->column_count)
            to->expr = expr_slot(binder->arena, (uint32_t)index - 1, plan->types[index - 1],
                                 plan->names[index - 1], from->expr->at);
        else
            to->expr = binder__expr(binder, from->expr);
        if (!to->expr) {
            binder->scope = back;
            return NULL;
        }
        to->descending = from->descending;
        to->nulls_first = from->nulls_first;
    }
    binder->scope = back;
    return sorted;
}

static bool constant_count(struct binder *binder, const struct ast *ast, const char *what,
                           int64_t *out)
{
    struct scope scope = {.place = what};
    struct scope *back = binder->scope;
    binder->scope = &scope;
    struct expr *expr = binder__expr(binder, ast);
    binder->scope = back;
    expr = expr ? binder__fold(binder, expr) : NULL;
    if (!expr)
        return false;
    if (!expr_long(expr, out)) {
        binder__fail(binder, ast->at, ERR_TYPE, "%s must be a constant integer", what);
        return false;
    }
    if (*out < 0) {
        binder__fail(binder, ast->at, ERR_INVALID,
                     "[INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE] %s must not be negative, it is "
                     "%lld",
                     what, (long long)*out);
        return false;
    }
    return true;
}

static struct plan *limit(struct binder *binder, struct plan *plan, const struct ast_query *query)
{
    if (!plan || (!query->limit && !query->offset))
        return plan;
    struct plan *node = plan_new(binder->arena, PLAN_LIMIT, plan, NULL);
    if (query->limit && !constant_count(binder, query->limit, "LIMIT", &node->limit))
        return NULL;
    if (query->offset && !constant_count(binder, query->offset, "OFFSET", &node->offset))
        return NULL;
    return node;
}

static struct plan *body(struct binder *binder, const struct ast_query *query,
                         const struct ast_query *tail, struct scope *scope)
{
    // `query` wraps what it orders; a plain SELECT is bound together with its ORDER BY.
    if (query->set == SET_NONE && query->select)
        return binder__select(binder, query->select, tail->order_count ? tail : NULL, scope);
    struct plan *plan;
    if (query->set != SET_NONE)
        plan = set_operation(binder, query);
    else if (query->values)
        plan = binder__from(binder, query->values, scope);
    else
        plan = binder__query(binder, query->inner, scope);
    return plan ? sort_outputs(binder, plan, tail) : NULL;
}

struct plan *binder__query(struct binder *binder, const struct ast_query *query,
                           struct scope *scope)
{
    if (!binder__enter(binder, query->at))
        return NULL;
    const struct cte_scope *ctes = binder->ctes;
    for (size_t i = 0; i < query->cte_count; i++) {
        struct cte_scope *cte = ARENA_NEW(binder->arena, struct cte_scope);
        cte->cte = &query->ctes[i];
        cte->outer = binder->ctes;
        binder->ctes = cte;
    }
    struct plan *plan = body(binder, query->whole ? query->inner : query, query, scope);
    if (query->whole)
        plan = limit(binder, plan, query);
    binder->ctes = ctes;
    binder->depth--;
    if (plan)
        binder__scope_of(binder, scope, plan, NULL);
    return plan;
}

void binder__scope_of(struct binder *binder, struct scope *scope, const struct plan *plan,
                      const char *qualifier)
{
    *scope = (struct scope){.place = "this place"};
    scope->columns = ARENA_ARRAY(binder->arena, struct scope_column, plan->column_count + 1);
    scope->count = plan->column_count;
    for (size_t i = 0; i < plan->column_count; i++)
        scope->columns[i] =
            (struct scope_column){qualifier, plan->names[i], plan->types[i], (uint32_t)i, false};
}

err_t bind_query(struct bound *out, struct arena *arena, const struct ast_query *query,
                 const struct sql_catalog *catalog, const struct session *session,
                 bool case_sensitive, struct diag *diag)
{
    struct binder binder = {.arena = arena,
                            .diag = diag,
                            .statement = session->statement,
                            .catalog = catalog,
                            .session = session,
                            .case_sensitive = case_sensitive};
    struct scope scope = {.place = "this place"};
    binder.scope = &scope;
    struct plan *plan = binder__query(&binder, query, &scope);
    if (!plan)
        return binder.err ? binder.err : FAIL(diag, ERR_INTERNAL, "the query has no plan");
    prune_plan(plan, arena);
    for (size_t i = 0; i < binder.subquery_count; i++)
        prune_plan(binder.subqueries[i]->plan, arena);
    *out = (struct bound){.plan = plan,
                          .tables = binder.tables,
                          .table_count = binder.table_count,
                          .subqueries = binder.subqueries,
                          .subquery_count = binder.subquery_count,
                          .state_count = (size_t)binder.state_count,
                          .param_count = binder.param_count};
    return ERR_OK;
}
