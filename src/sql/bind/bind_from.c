// SPDX-License-Identifier: Apache-2.0
//
// FROM and WHERE: tables, subqueries, VALUES, range(), joins, LATERAL VIEW; EXISTS and IN (query)
// in WHERE become semi and anti joins.
#include "sql/bind/rewrite.h"

#include "base/vec.h"
#include "sql/query.h"

#include <strings.h>

static struct plan *one_row(struct binder *binder)
{
    struct plan *plan = plan_new(binder->arena, PLAN_VALUES, NULL, NULL);
    plan_columns(binder->arena, plan, 0);
    plan->values.count = 1;
    return plan;
}

static struct plan *scan(struct binder *binder, const struct ast_relation *relation)
{
    struct str name = {0};
    for (size_t i = 0; i < relation->part_count; i++)
        str_printf(&name, "%s%s", i ? "." : "", relation->parts[i]);
    const char *table = arena_text(binder->arena, str_bytes(&name));
    str_release(&name);
    const struct type *type = NULL;
    void *id = NULL;
    struct diag diag = DIAG_INIT;
    err_t err = ERR_NOT_FOUND;
    if (binder->catalog && binder->catalog->resolve)
        err = binder->catalog->resolve(binder->catalog->ctx, binder->arena, relation->parts,
                                       relation->part_count, &type, &id, &diag);
    if (err)
        return binder__fail(binder, relation->at, err,
                            "[TABLE_OR_VIEW_NOT_FOUND] there is no table %s%s%s", table,
                            diag.code ? ": " : "", diag.code ? diag_text(&diag) : "");
    struct plan *plan = plan_new(binder->arena, PLAN_SCAN, NULL, NULL);
    plan_columns(binder->arena, plan, type->field_count);
    for (size_t i = 0; i < type->field_count; i++) {
        plan->names[i] = type->fields[i].name;
        plan->types[i] = type->fields[i].type;
    }
    plan->table = table;
    plan->table_id = id;
    plan->needed = ARENA_ARRAY(binder->arena, bool, type->field_count + 1);
    plan->table_index = (uint32_t)binder->table_count;
    if (binder->table_count == binder->table_capacity) {
        size_t capacity = binder->table_capacity ? binder->table_capacity * 2 : 4;
        struct plan **grown = ARENA_ARRAY(binder->arena, struct plan *, capacity);
        if (binder->table_count)
            memcpy(grown, binder->tables, binder->table_count * sizeof *grown);
        binder->tables = grown;
        binder->table_capacity = capacity;
    }
    binder->tables[binder->table_count++] = plan;
    return plan;
}

static struct plan *renamed(struct binder *binder, struct plan *plan, const char *const *names,
                            size_t count, uint32_t at)
{
    if (count == 0)
        return plan;
    if (count != plan->column_count)
        return binder__fail(binder, at, ERR_INVALID, "%zu column names are given to %zu columns",
                            count, plan->column_count);
    struct plan *copy = arena_dup(binder->arena, plan, sizeof *plan);
    if (plan->kind == PLAN_SCAN) // a scan is known by its address
        copy = plan;
    copy->names = arena_dup(binder->arena, names, count * sizeof *names);
    return copy;
}

static struct plan *table(struct binder *binder, const struct ast_relation *relation)
{
    struct plan *plan = NULL;
    for (const struct cte_scope *cte = binder->ctes; cte && relation->part_count == 1;
         cte = cte->outer) {
        if (!binder__same_name(binder, cte->cte->name, relation->parts[0]))
            continue;
        const struct cte_scope *back = binder->ctes;
        binder->ctes = cte->outer;
        struct scope scope = {0};
        plan = binder__query(binder, cte->cte->query, &scope);
        binder->ctes = back;
        return plan ? renamed(binder, plan, cte->cte->columns, cte->cte->column_count, relation->at)
                    : NULL;
    }
    return scan(binder, relation);
}

// --- VALUES and functions
// --------------------------------------------------------------------------

static bool value_rows(struct binder *binder, const struct ast_relation *relation, size_t width,
                       struct expr **cells)
{
    struct scope scope = {.place = "VALUES"};
    struct scope *back = binder->scope;
    binder->scope = &scope;
    for (size_t r = 0; r < relation->row_count; r++) {
        const struct ast *row = relation->rows[r];
        bool tuple = row->kind == AST_CALL && strcmp(row->shown, "struct") == 0;
        if ((tuple ? row->arg_count : 1) != width) {
            binder__fail(binder, row->at, ERR_INVALID,
                         "[INVALID_INLINE_TABLE] this row does not have %zu columns", width);
            return false;
        }
        for (size_t c = 0; c < width; c++) {
            struct expr *cell = binder__expr(binder, tuple ? row->args[c] : row);
            if (!cell)
                return false;
            cells[r * width + c] = cell;
        }
    }
    binder->scope = back;
    return true;
}

static struct plan *values(struct binder *binder, const struct ast_relation *relation)
{
    const struct ast *first = relation->rows[0];
    bool tuple = first->kind == AST_CALL && strcmp(first->shown, "struct") == 0;
    size_t width = tuple ? first->arg_count : 1;
    struct expr **cells =
        ARENA_ARRAY(binder->arena, struct expr *, relation->row_count * width + 1);
    if (!value_rows(binder, relation, width, cells))
        return NULL;
    struct plan *plan = plan_new(binder->arena, PLAN_VALUES, NULL, NULL);
    plan_columns(binder->arena, plan, width);
    plan->values.count = relation->row_count;
    plan->values.column_count = width;
    plan->values.columns = ARENA_ARRAY(binder->arena, struct column, width + 1);
    for (size_t c = 0; c < width; c++) {
        const struct type *type = &type_null;
        for (size_t r = 0; r < relation->row_count; r++) {
            const struct expr *cell = cells[r * width + c];
            const struct type *wider = coerce_wider(binder->arena, type, cell->type);
            bool text = (type->kind == TYPE_STRING || cell->type->kind == TYPE_STRING) &&
                        type->kind != TYPE_NULL && cell->type->kind != type->kind &&
                        cell->type->kind != TYPE_NULL;
            if (!wider || text)
                return binder__fail(binder, cell->at, ERR_TYPE,
                                    "[INVALID_INLINE_TABLE.INCOMPATIBLE_TYPES_IN_INLINE_TABLE] "
                                    "column %zu is %s above and %s here",
                                    c + 1, binder__type_text(binder, type),
                                    binder__type_text(binder, cell->type));
            type = wider;
        }
        struct builder builder;
        builder_init(&builder, binder->arena, type, relation->row_count);
        for (size_t r = 0; r < relation->row_count; r++) {
            struct column value;
            struct expr *cell = expr_cast(binder->arena, cells[r * width + c], type);
            if (!binder__value(binder, cell, &value))
                return binder__fail(binder, cell->at, ERR_INVALID,
                                    "[INVALID_INLINE_TABLE.CANNOT_EVALUATE_EXPRESSION_IN_INLINE_"
                                    "TABLE] VALUES takes constants only");
            builder_value(&builder, &value, 0);
        }
        builder_finish(&builder, &plan->values.columns[c]);
        plan->names[c] = arena_printf(binder->arena, "col%zu", c + 1);
        plan->types[c] = type;
    }
    return plan;
}

static struct plan *range(struct binder *binder, const struct ast *call)
{
    int64_t args[4] = {0, 0, 1, 0};
    for (size_t i = 0; i < call->arg_count && i < 4; i++) {
        struct expr *arg = binder__expr(binder, call->args[i]);
        arg = arg ? binder__fold(binder, expr_cast(binder->arena, arg, &type_long)) : NULL;
        if (!arg)
            return NULL;
        if (!expr_long(arg, &args[i]))
            return binder__fail(binder, call->at, ERR_TYPE, "range() takes constant integers");
    }
    if (call->arg_count == 0 || call->arg_count > 4 || args[2] == 0)
        return binder__fail(binder, call->at, ERR_INVALID,
                            "range() takes an end, or a start, an end and a step that is not 0");
    struct plan *plan = plan_new(binder->arena, PLAN_RANGE, NULL, NULL);
    plan_columns(binder->arena, plan, 1);
    plan->names[0] = "id";
    plan->types[0] = &type_long;
    plan->start = call->arg_count == 1 ? 0 : args[0];
    plan->end = call->arg_count == 1 ? args[0] : args[1];
    plan->step = args[2];
    return plan;
}

static struct plan *only_columns(struct binder *binder, struct plan *plan, size_t from)
{
    size_t count = plan->column_count - from;
    struct expr **exprs = ARENA_ARRAY(binder->arena, struct expr *, count + 1);
    for (size_t i = 0; i < count; i++)
        exprs[i] = expr_slot(binder->arena, (uint32_t)(from + i), plan->types[from + i],
                             plan->names[from + i], 0);
    return plan_project(binder->arena, plan, exprs, plan->names + from, count);
}

static struct plan *function(struct binder *binder, const struct ast_relation *relation)
{
    const struct ast *call = relation->rows[0];
    struct scope scope = {.place = "FROM", .generators = true};
    struct scope *back = binder->scope;
    binder->scope = &scope;
    struct plan *plan = NULL;
    if (call->kind == AST_CALL && strcmp(call->name, "range") == 0) {
        plan = range(binder, call);
    } else {
        struct expr *expr = binder__expr(binder, call);
        if (expr && !expr->has_generator)
            binder__fail(binder, call->at, ERR_UNSUPPORTED,
                         "%s is not a function that makes a table", call->shown);
        else if (expr)
            plan = binder__generate(binder, one_row(binder), expr, false);
        plan = plan ? only_columns(binder, plan, 0) : NULL;
    }
    binder->scope = back;
    return plan;
}

// --- joins
// -----------------------------------------------------------------------------------------

// Which side an expression reads: 1 left, 2 right, 3 both.
static unsigned sides(const struct expr *expr, size_t left_count)
{
    unsigned found = 0;
    for (size_t i = 0; i < expr->slot_count; i++)
        found |= expr->slots[i] < left_count ? 1 : 2;
    return found;
}

static void add_key(struct binder *binder, struct plan *join, struct expr *left, struct expr *right,
                    bool null_safe)
{
    size_t left_count = join->inputs[0]->column_count;
    join->exprs[join->expr_count++] = binder__fold(binder, left);
    join->null_safe[join->more_count] = null_safe;
    join->more[join->more_count++] =
        binder__fold(binder, rewrite_shift(binder, right, -(int64_t)left_count));
}

// Splits a condition into hash keys and the rest.
static void split(struct binder *binder, struct plan *join, struct expr *condition)
{
    size_t left_count = join->inputs[0]->column_count;
    const char *name = condition->kind == EXPR_CALL ? condition->function->name : "";
    if (strcmp(name, "and") == 0) {
        split(binder, join, condition->args[0]);
        split(binder, join, condition->args[1]);
        return;
    }
    bool null_safe = strcmp(name, "<=>") == 0;
    if ((strcmp(name, "=") == 0 || null_safe) && join->expr_count < 16) {
        unsigned a = sides(condition->args[0], left_count);
        unsigned b = sides(condition->args[1], left_count);
        if ((a == 1 && b == 2) || (a == 2 && b == 1)) {
            add_key(binder, join, condition->args[a == 1 ? 0 : 1], condition->args[a == 1 ? 1 : 0],
                    null_safe);
            return;
        }
    }
    condition = binder__fold(binder, condition);
    join->condition =
        join->condition ? binder__make(binder, "and", condition->at, 2, join->condition, condition)
                        : condition;
}

static struct plan *new_join(struct binder *binder, struct plan *left, struct plan *right,
                             enum plan_join kind)
{
    struct plan *join = plan_new(binder->arena, PLAN_JOIN, left, right);
    join->join = kind;
    join->exprs = ARENA_ARRAY(binder->arena, struct expr *, 16);
    join->more = ARENA_ARRAY(binder->arena, struct expr *, 16);
    if (kind == PLAN_JOIN_SEMI || kind == PLAN_JOIN_ANTI)
        return join;
    plan_columns(binder->arena, join, left->column_count + right->column_count);
    for (size_t i = 0; i < join->column_count; i++) {
        bool of_left = i < left->column_count;
        join->names[i] = of_left ? left->names[i] : right->names[i - left->column_count];
        join->types[i] = of_left ? left->types[i] : right->types[i - left->column_count];
    }
    return join;
}

static void join_scope(struct binder *binder, struct scope *out, const struct scope *left,
                       const struct scope *right, size_t left_count)
{
    *out = (struct scope){.place = "ON", .count = left->count + right->count};
    out->columns = ARENA_ARRAY(binder->arena, struct scope_column, out->count + 1);
    memcpy(out->columns, left->columns, left->count * sizeof *out->columns);
    for (size_t i = 0; i < right->count; i++) {
        out->columns[left->count + i] = right->columns[i];
        out->columns[left->count + i].slot += (uint32_t)left_count;
    }
}

// USING (a): left.a = right.a, shown once, in front.
static bool using_column(struct binder *binder, struct plan *join, struct scope *scope,
                         size_t left_columns, const char *name, enum ast_join kind, size_t place,
                         uint32_t at)
{
    struct scope_column *found[2] = {NULL, NULL};
    for (size_t i = 0; i < scope->count; i++)
        if (!scope->columns[i].hidden && binder__same_name(binder, scope->columns[i].name, name))
            found[i >= left_columns] = &scope->columns[i];
    if (!found[0] || !found[1]) {
        binder__fail(binder, at, ERR_NOT_FOUND,
                     "[UNRESOLVED_USING_COLUMN_FOR_JOIN] `%s` is not in both sides", name);
        return false;
    }
    struct expr *sides_[2];
    for (size_t i = 0; i < 2; i++)
        sides_[i] = expr_slot(binder->arena, found[i]->slot, found[i]->type, found[i]->name, at);
    struct expr *equal = binder__make(binder, "=", at, 2, sides_[0], sides_[1]);
    if (!equal)
        return false;
    split(binder, join, equal);
    size_t shown = kind == JOIN_RIGHT ? 1 : 0;
    found[1 - shown]->hidden = true;
    struct scope_column column = *found[shown];
    size_t from = (size_t)(found[shown] - scope->columns);
    for (size_t i = from; i > place; i--)
        scope->columns[i] = scope->columns[i - 1];
    scope->columns[place] = column;
    return true;
}

static struct plan *join(struct binder *binder, const struct ast_relation *relation,
                         struct scope *scope)
{
    static const enum plan_join kinds[] = {PLAN_JOIN_INNER, PLAN_JOIN_LEFT,  PLAN_JOIN_RIGHT,
                                           PLAN_JOIN_FULL,  PLAN_JOIN_INNER, PLAN_JOIN_SEMI,
                                           PLAN_JOIN_ANTI};
    struct scope left_scope = {0};
    struct scope right_scope = {0};
    struct plan *left = binder__from(binder, relation->left, &left_scope);
    if (left && relation->right->lateral)
        return binder__fail(binder, relation->right->at, ERR_UNSUPPORTED,
                            "LATERAL subqueries are not supported");
    struct plan *right = left ? binder__from(binder, relation->right, &right_scope) : NULL;
    if (!right)
        return NULL;
    if (relation->natural || (relation->using_count && relation->join == JOIN_FULL))
        return binder__fail(binder, relation->at, ERR_UNSUPPORTED,
                            "NATURAL JOIN and FULL JOIN … USING are not supported");
    struct plan *node = new_join(binder, left, right, kinds[relation->join]);
    struct scope both;
    join_scope(binder, &both, &left_scope, &right_scope, left->column_count);
    if (relation->on) {
        struct scope *back = binder->scope;
        binder->scope = &both;
        struct expr *condition = binder__expr(binder, relation->on);
        bool ok = condition && binder__condition(binder, &condition);
        binder->scope = back;
        if (!ok)
            return NULL;
        split(binder, node, condition);
    }
    for (size_t i = 0; i < relation->using_count; i++)
        if (!using_column(binder, node, &both, left_scope.count, relation->using_columns[i],
                          relation->join, i, relation->at))
            return NULL;
    *scope = node->join == PLAN_JOIN_SEMI || node->join == PLAN_JOIN_ANTI ? left_scope : both;
    return node;
}

static struct plan *lateral_view(struct binder *binder, const struct ast_relation *relation,
                                 struct scope *scope)
{
    struct plan *input = binder__from(binder, relation->left, scope);
    if (!input)
        return NULL;
    struct scope *back = binder->scope;
    binder->scope = scope;
    scope->place = "LATERAL VIEW";
    scope->generators = true;
    struct expr *call = binder__expr(binder, relation->rows[0]);
    binder->scope = back;
    if (!call)
        return NULL;
    if (!call->has_generator)
        return binder__fail(binder, call->at, ERR_INVALID, "LATERAL VIEW needs a generator");
    size_t first = input->column_count;
    struct plan *plan = binder__generate(binder, input, call, relation->outer);
    if (!plan)
        return NULL;
    size_t made = plan->column_count - first;
    if (relation->column_count && relation->column_count != made)
        return binder__fail(binder, relation->at, ERR_INVALID, "%zu names are given to %zu columns",
                            relation->column_count, made);
    struct scope_column *columns =
        ARENA_ARRAY(binder->arena, struct scope_column, scope->count + made + 1);
    memcpy(columns, scope->columns, scope->count * sizeof *columns);
    for (size_t i = 0; i < made; i++) {
        if (relation->column_count)
            plan->names[first + i] = relation->columns[i];
        columns[scope->count + i] =
            (struct scope_column){relation->alias, plan->names[first + i], plan->types[first + i],
                                  (uint32_t)(first + i), false};
    }
    scope->columns = columns;
    scope->count += made;
    return plan;
}

struct plan *binder__from(struct binder *binder, const struct ast_relation *relation,
                          struct scope *scope)
{
    if (!binder__enter(binder, relation->at))
        return NULL;
    struct plan *plan = NULL;
    const char *alias = relation->alias;
    struct scope inner = {0};
    switch (relation->kind) {
    case RELATION_JOIN:
        plan = join(binder, relation, scope);
        break;
    case RELATION_LATERAL_VIEW:
        plan = lateral_view(binder, relation, scope);
        break;
    case RELATION_TABLE:
        plan = table(binder, relation);
        alias = alias ? alias : relation->parts[relation->part_count - 1];
        break;
    case RELATION_QUERY:
        plan = binder__query(binder, relation->query, &inner);
        break;
    case RELATION_VALUES:
        plan = values(binder, relation);
        break;
    case RELATION_FUNCTION:
        plan = function(binder, relation);
        break;
    }
    binder->depth--;
    if (!plan || relation->kind == RELATION_JOIN || relation->kind == RELATION_LATERAL_VIEW)
        return plan;
    plan = renamed(binder, plan, relation->columns, relation->column_count, relation->at);
    if (plan)
        binder__scope_of(binder, scope, plan, alias);
    return plan;
}

// --- WHERE
// -----------------------------------------------------------------------------------------

bool binder__condition(struct binder *binder, struct expr **condition)
{
    if ((*condition)->type->kind == TYPE_NULL)
        *condition = expr_cast(binder->arena, *condition, &type_boolean);
    if ((*condition)->type->kind == TYPE_BOOLEAN)
        return true;
    binder__fail(binder, (*condition)->at, ERR_TYPE, "a condition must be boolean, not %s",
                 binder__type_text(binder, (*condition)->type));
    return false;
}

// [NOT] EXISTS (SELECT … FROM b WHERE b.x = a.x): the inner condition over both sides is the
// join's.
static struct plan *exists(struct binder *binder, struct plan *plan, const struct scope *outer,
                           const struct ast *ast, bool negated)
{
    const struct ast_query *query = ast->query;
    while (query && !query->select && query->inner && !query->cte_count && !query->limit)
        query = query->inner;
    const struct ast_select *select = query ? query->select : NULL;
    if (!select || select->grouped || select->having || !select->from)
        return binder__fail(binder, ast->at, ERR_UNSUPPORTED,
                            "EXISTS supports plain SELECT … FROM … WHERE only");
    struct scope inner = {0};
    struct plan *right = binder__from(binder, select->from, &inner);
    if (!right)
        return NULL;
    struct plan *join = new_join(binder, plan, right, negated ? PLAN_JOIN_ANTI : PLAN_JOIN_SEMI);
    if (!select->where)
        return join;
    struct scope both = inner;
    both.place = "WHERE";
    both.outer = outer;
    both.columns =
        arena_dup(binder->arena, inner.columns, (inner.count + 1) * sizeof *inner.columns);
    for (size_t i = 0; i < both.count; i++)
        both.columns[i].slot += (uint32_t)plan->column_count;
    struct scope *back = binder->scope;
    binder->scope = &both;
    struct expr *condition = binder__expr(binder, select->where);
    bool ok = condition && binder__condition(binder, &condition);
    binder->scope = back;
    if (!ok)
        return NULL;
    split(binder, join, condition);
    return join;
}

static struct plan *in_query(struct binder *binder, struct plan *plan, const struct ast *ast,
                             bool negated)
{
    struct expr *value = binder__expr(binder, ast->args[0]);
    if (!value)
        return NULL;
    struct scope inner = {0};
    struct scope *back = binder->scope;
    struct plan *right = binder__query(binder, ast->query, &inner);
    binder->scope = back;
    if (!right)
        return NULL;
    if (right->column_count != 1)
        return binder__fail(binder, ast->at, ERR_TYPE, "IN (query) needs a query of one column");
    struct plan *join = new_join(binder, plan, right, negated ? PLAN_JOIN_ANTI : PLAN_JOIN_SEMI);
    join->null_aware = negated;
    struct expr *other = expr_slot(binder->arena, (uint32_t)plan->column_count, right->types[0],
                                   right->names[0], ast->at);
    struct expr *equal = binder__make(binder, "=", ast->at, 2, value, other);
    if (!equal)
        return NULL;
    split(binder, join, equal);
    if (join->expr_count != 1)
        return binder__fail(binder, ast->at, ERR_UNSUPPORTED,
                            "IN (query) needs a value that reads a column");
    return join;
}

static struct plan *where(struct binder *binder, struct plan *plan, struct scope *scope,
                          const struct ast *ast)
{
    bool call = ast->kind == AST_CALL;
    if (call && strcmp(ast->name, "and") == 0) {
        if (!binder__enter(binder, ast->at))
            return NULL;
        plan = where(binder, plan, scope, ast->args[0]);
        plan = plan ? where(binder, plan, scope, ast->args[1]) : NULL;
        binder->depth--;
        return plan;
    }
    bool negated = call && strcmp(ast->name, "not") == 0 && ast->args[0]->kind == AST_SUBQUERY;
    const struct ast *inner = negated ? ast->args[0] : ast;
    if (inner->kind == AST_SUBQUERY && strcmp(inner->name, "exists") == 0)
        return exists(binder, plan, scope, inner, negated);
    if (inner->kind == AST_SUBQUERY && strcmp(inner->name, "in") == 0)
        return in_query(binder, plan, inner, negated);
    struct expr *condition = binder__expr(binder, ast);
    if (!condition || !binder__condition(binder, &condition))
        return NULL;
    condition = rewrite_literals(binder, condition, plan);
    return plan_filter(binder->arena, plan, binder__fold(binder, condition));
}

struct plan *binder__from_where(struct binder *binder, const struct ast_select *select,
                                struct scope *scope)
{
    struct plan *plan;
    if (select->from) {
        plan = binder__from(binder, select->from, scope);
    } else {
        plan = one_row(binder);
        binder__scope_of(binder, scope, plan, NULL);
    }
    if (!plan || !select->where)
        return plan;
    struct scope *back = binder->scope;
    binder->scope = scope;
    scope->place = "WHERE";
    scope->generators = false;
    plan = where(binder, plan, scope, select->where);
    binder->scope = back;
    return plan;
}
