// SPDX-License-Identifier: Apache-2.0
//
// Planning a SELECT: what its items are, what they are called, which columns are looked at, and in
// which order.

#include "tables/tables_int.h"

#include <ctype.h>
#include <stdlib.h>

struct planner {
    struct plan *plan;
    const struct table_schema *table;
    struct bind_specs *specs;
    struct diag *diag;
    bool any_aggregate;
};

static err_t column_index(struct planner *at, const char *name, size_t *out)
{
    const struct column_meta *column = table_schema_column(at->table, name);
    if (!column)
        return FAIL(at->diag, ERR_INVALID, "Undefined column name %s in table %s.%s", name,
                    at->table->keyspace, at->table->name);
    *out = (size_t)(column - at->table->columns);
    at->plan->select.wanted[*out] = true;
    return ERR_OK;
}

// --- items ---

static err_t plan_item(struct planner *at, const struct selector *selector,
                       const struct cql_type *expected, bool inside, struct select_item *out);

static bool aggregate_named(const char *name, enum aggregate *out)
{
    static const char *const names[] = {"count", "min", "max", "sum", "avg"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = (enum aggregate)i;
            return true;
        }
    }
    return false;
}

static bool is_summable(const struct cql_type *type)
{
    switch ((int)type->kind) {
    case CQL_TINYINT:
    case CQL_SMALLINT:
    case CQL_INT:
    case CQL_BIGINT:
    case CQL_COUNTER:
    case CQL_FLOAT:
    case CQL_DOUBLE:
        return true;
    default:
        return false;
    }
}

static err_t plan_aggregate(struct planner *at, const struct selector *selector, bool inside,
                            struct select_item *out)
{
    if (inside)
        return FAIL(at->diag, ERR_INVALID,
                    "aggregate functions cannot be used as arguments of aggregate functions");
    out->kind = SELECT_AGGREGATE;
    out->aggregate_index = at->plan->select.aggregate_count++;
    at->any_aggregate = true;
    if (selector->kind == SELECTOR_COUNT) {
        out->aggregate = AGGREGATE_COUNT;
        out->type = cql_type_scalar(CQL_BIGINT);
        return ERR_OK;
    }
    if (selector->arg_count != 1)
        return FAIL(at->diag, ERR_INVALID, "Invalid number of arguments for function %s",
                    selector->name);
    out->args = ARENA_NEW(&at->plan->arena, struct select_item);
    out->arg_count = 1;
    TRY(plan_item(at, &selector->args[0], NULL, true, out->args));
    out->type = out->aggregate == AGGREGATE_COUNT ? cql_type_scalar(CQL_BIGINT) : out->args->type;
    if ((out->aggregate == AGGREGATE_SUM || out->aggregate == AGGREGATE_AVG) &&
        !is_summable(out->type))
        return FAIL(at->diag, ERR_INVALID,
                    "Invalid call to function %s, none of its type signatures match (known type "
                    "signatures: "
                    "system.%s(tinyint|smallint|int|bigint|counter|float|double))",
                    selector->name, selector->name);
    if (out->type->kind == CQL_COUNTER)
        out->type = cql_type_scalar(CQL_BIGINT);
    return ERR_OK;
}

static err_t plan_token(struct planner *at, const struct selector *selector,
                        struct select_item *out)
{
    bool same = selector->arg_count == at->table->partition_count;
    for (size_t i = 0; same && i < selector->arg_count; i++)
        same = selector->args[i].kind == SELECTOR_COLUMN &&
               strcmp(selector->args[i].name, at->table->columns[i].name) == 0;
    if (!same)
        return FAIL(
            at->diag, ERR_INVALID,
            "token() must be applied to all partition key columns of the table in their order");
    out->kind = SELECT_TOKEN;
    out->type = cql_type_scalar(CQL_BIGINT);
    return ERR_OK;
}

static err_t plan_call(struct planner *at, const struct selector *selector, struct select_item *out)
{
    const struct function_info *function = function_find(selector->name, selector->arg_count);
    if (!function)
        return FAIL(at->diag, ERR_INVALID, "Unknown function '%s'", selector->name);
    out->kind = SELECT_CALL;
    out->function = function;
    out->type = cql_type_scalar(function->result);
    out->arg_count = selector->arg_count;
    out->args = ARENA_ARRAY(&at->plan->arena, struct select_item, selector->arg_count + 1);
    const struct cql_type **types =
        ARENA_ARRAY(&at->plan->arena, const struct cql_type *, selector->arg_count + 1);
    const struct cql_type *expected =
        function->arg == CQL_CUSTOM ? NULL : cql_type_scalar(function->arg);
    for (size_t i = 0; i < selector->arg_count; i++) {
        TRY(plan_item(at, &selector->args[i], expected, false, &out->args[i]));
        types[i] = out->args[i].type;
    }
    return function_check(function, types, at->diag);
}

static err_t plan_times(struct planner *at, const struct selector *selector,
                        struct select_item *out)
{
    const char *what = selector->kind == SELECTOR_WRITETIME ? "writetime" : "ttl";
    out->kind = selector->kind == SELECTOR_WRITETIME ? SELECT_WRITETIME : SELECT_TTL;
    out->type = cql_type_scalar(selector->kind == SELECTOR_WRITETIME ? CQL_BIGINT : CQL_INT);
    TRY(column_index(at, selector->name, &out->column));
    const struct column_meta *column = &at->table->columns[out->column];
    if (column->position >= 0)
        return FAIL(at->diag, ERR_INVALID,
                    "Cannot use selection function %s on PRIMARY KEY part %s", what, column->name);
    if (cql_type_is_multicell(column->type))
        return FAIL(at->diag, ERR_INVALID,
                    "Cannot use selection function %s on non-frozen collection %s", what,
                    column->name);
    return ERR_OK;
}

static err_t check_cast(struct planner *at, const struct select_item *item)
{
    if (term_cast_allowed(item->type, item->args->type))
        return ERR_OK;
    struct str from = {0}, to = {0};
    cql_type_write(&from, item->args->type);
    cql_type_write(&to, item->type);
    err_t err =
        FAIL(at->diag, ERR_INVALID, "%s cannot be cast to %s", str_text(&from), str_text(&to));
    str_release(&from);
    str_release(&to);
    return err;
}

static err_t plan_term(struct planner *at, const struct selector *selector,
                       const struct cql_type *expected, struct select_item *out)
{
    out->kind = SELECT_TERM;
    out->term = selector->term;
    out->type = selector->term->kind == TERM_HINT ? selector->term->hint : expected;
    if (!out->type) {
        struct str text = {0};
        term_write(&text, selector->term, NULL);
        err_t err = FAIL(
            at->diag, ERR_INVALID,
            "Cannot infer type for term %s in selection clause (try using a cast to force a type)",
            str_text(&text));
        str_release(&text);
        return err;
    }
    return term_bind(selector->term, out->type, "[selection]", at->specs, at->diag);
}

static err_t plan_item(struct planner *at, const struct selector *selector,
                       const struct cql_type *expected, bool inside, struct select_item *out)
{
    enum aggregate aggregate;
    switch (selector->kind) {
    case SELECTOR_COLUMN:
        out->kind = SELECT_COLUMN;
        TRY(column_index(at, selector->name, &out->column));
        out->type = at->table->columns[out->column].type;
        return ERR_OK;
    case SELECTOR_COUNT:
        return plan_aggregate(at, selector, inside, out);
    case SELECTOR_FUNCTION:
        if (strcmp(selector->name, "token") == 0)
            return plan_token(at, selector, out);
        if (aggregate_named(selector->name, &aggregate)) {
            out->aggregate = aggregate;
            return plan_aggregate(at, selector, inside, out);
        }
        return plan_call(at, selector, out);
    case SELECTOR_CAST:
        out->kind = SELECT_CAST;
        out->type = selector->type;
        out->arg_count = 1;
        out->args = ARENA_NEW(&at->plan->arena, struct select_item);
        TRY(plan_item(at, &selector->args[0], NULL, inside, out->args));
        return check_cast(at, out);
    case SELECTOR_WRITETIME:
    case SELECTOR_TTL:
        return plan_times(at, selector, out);
    case SELECTOR_TERM:
        return plan_term(at, selector, expected, out);
    case SELECTOR_ELEMENT:
    case SELECTOR_FIELD:
    case SELECTOR_ARITH:
        break;
    }
    return FAIL(at->diag, ERR_INVALID,
                "element, field and arithmetic selections are not supported");
}

// --- names ---

static void write_name(struct str *out, const struct selector *selector)
{
    switch (selector->kind) {
    case SELECTOR_COLUMN:
        str_append_text(out, selector->name);
        return;
    case SELECTOR_COUNT:
        str_append_text(out, "count");
        return;
    case SELECTOR_WRITETIME:
    case SELECTOR_TTL:
        str_printf(out, "%s(%s)", selector->kind == SELECTOR_TTL ? "ttl" : "writetime",
                   selector->name);
        return;
    case SELECTOR_CAST:
        str_append_text(out, "cast(");
        write_name(out, &selector->args[0]);
        str_append_text(out, " as ");
        cql_type_write(out, selector->type);
        str_append_byte(out, ')');
        return;
    case SELECTOR_TERM:
        term_write(out, selector->term, NULL);
        return;
    case SELECTOR_FUNCTION:
    case SELECTOR_ELEMENT:
    case SELECTOR_FIELD:
    case SELECTOR_ARITH:
        break;
    }
    str_printf(out, "system.%s(", selector->name ? selector->name : "");
    for (size_t i = 0; i < selector->arg_count; i++) {
        str_append_text(out, i ? ", " : "");
        write_name(out, &selector->args[i]);
    }
    str_append_byte(out, ')');
}

static const char *name_of(struct arena *arena, const struct selector *selector)
{
    if (selector->alias)
        return selector->alias;
    struct str text = {0};
    write_name(&text, selector);
    const char *name = arena_strdup(arena, str_text(&text));
    str_release(&text);
    return name;
}

// --- the clause ---

static err_t plan_all_columns(struct planner *at, struct column_spec *specs)
{
    struct select_plan *select = &at->plan->select;
    select->item_count = at->table->column_count;
    for (size_t i = 0; i < select->item_count; i++) {
        const struct column_meta *column = &at->table->columns[i];
        select->wanted[i] = true;
        select->items[i] =
            (struct select_item){.kind = SELECT_COLUMN, .column = i, .type = column->type};
        specs[i] =
            (struct column_spec){at->table->keyspace, at->table->name, column->name, column->type};
    }
    return ERR_OK;
}

static err_t plan_items(struct planner *at, const struct select *from)
{
    struct select_plan *select = &at->plan->select;
    struct arena *arena = &at->plan->arena;
    size_t count = from->all_columns ? at->table->column_count : from->selector_count;
    select->items = ARENA_ARRAY(arena, struct select_item, count + 1);
    struct column_spec *specs = ARENA_ARRAY(arena, struct column_spec, count + 1);
    at->plan->info.results = specs;
    at->plan->info.result_count = count;
    if (from->all_columns)
        return plan_all_columns(at, specs);
    select->item_count = count;
    select->count_only = true;
    for (size_t i = 0; i < count; i++) {
        struct select_item *item = &select->items[i];
        TRY(plan_item(at, &from->selectors[i], NULL, false, item));
        specs[i] = (struct column_spec){at->table->keyspace, at->table->name,
                                        name_of(arena, &from->selectors[i]), item->type};
        select->count_only &= item->kind == SELECT_AGGREGATE && item->arg_count == 0;
    }
    return ERR_OK;
}

static err_t check_distinct(struct planner *at, const struct select *from)
{
    struct select_plan *select = &at->plan->select;
    if (!select->distinct)
        return ERR_OK;
    for (size_t i = 0; i < at->table->column_count; i++) {
        const struct column_meta *column = &at->table->columns[i];
        if (select->wanted[i] && column->kind != COLUMN_PARTITION_KEY &&
            column->kind != COLUMN_STATIC)
            return FAIL(at->diag, ERR_INVALID,
                        "SELECT DISTINCT queries must only request partition key columns and/or "
                        "static columns "
                        "(not %s)",
                        column->name);
        if (column->kind != COLUMN_PARTITION_KEY || from->all_columns)
            continue;
        if (!select->wanted[i])
            return FAIL(
                at->diag, ERR_INVALID,
                "SELECT DISTINCT queries must request all the partition key columns (missing %s)",
                column->name);
    }
    for (size_t i = 0; i < from->where.count; i++) {
        for (size_t c = 0; c < from->where.relations[i].column_count; c++) {
            const struct column_meta *column =
                table_schema_column(at->table, from->where.relations[i].columns[c]);
            if (column->kind != COLUMN_PARTITION_KEY && column->kind != COLUMN_STATIC)
                return FAIL(at->diag, ERR_INVALID,
                            "SELECT DISTINCT with WHERE clause only supports restriction by "
                            "partition key and/or "
                            "static columns.");
        }
    }
    return ERR_OK;
}

static bool is_fixed(const struct where_plan *where, const char *column)
{
    for (size_t p = 0; p < where->prefix_count; p++)
        for (size_t c = 0; c < where->prefix[p]->column_count; c++)
            if (where->prefix[p]->op == RELATION_EQ &&
                strcmp(where->prefix[p]->columns[c], column) == 0)
                return true;
    return false;
}

static err_t plan_order(struct planner *at, const struct select *from)
{
    struct select_plan *select = &at->plan->select;
    if (from->order_by_count == 0)
        return ERR_OK;
    if (select->where.partitions != WHERE_KEYS)
        return FAIL(
            at->diag, ERR_INVALID,
            "ORDER BY is only supported when the partition key is restricted by an EQ or an IN.");
    select->order_by = true;
    int expected = 0;
    for (size_t i = 0; i < from->order_by_count; i++) {
        const struct order_by *order = &from->order_by[i];
        const struct column_meta *column = table_schema_column(at->table, order->column);
        if (!column)
            return FAIL(at->diag, ERR_INVALID, "Undefined column name %s in table %s.%s",
                        order->column, at->table->keyspace, at->table->name);
        if (column->kind != COLUMN_CLUSTERING)
            return FAIL(at->diag, ERR_INVALID,
                        "Order by is currently only supported on the clustered columns of the "
                        "PRIMARY KEY, got %s",
                        order->column);
        while (column->position > expected &&
               is_fixed(&select->where,
                        at->table->columns[at->table->partition_count + (size_t)expected].name))
            expected++;
        if (column->position != expected++)
            return FAIL(at->diag, ERR_INVALID,
                        "Order by currently only supports the ordering of columns following their "
                        "declared order "
                        "in the PRIMARY KEY");
        bool reversed = order->descending != column->descending;
        if (i > 0 && reversed != select->reversed)
            return FAIL(at->diag, ERR_INVALID, "Unsupported order by relation");
        select->reversed = reversed;
    }
    return ERR_OK;
}

static void want_filters(struct planner *at)
{
    const struct where_plan *where = &at->plan->select.where;
    for (size_t i = 0; i < where->filter_count; i++)
        for (size_t c = 0; c < where->filters[i]->column_count; c++)
            at->plan->select.wanted[table_schema_column(at->table, where->filters[i]->columns[c]) -
                                    at->table->columns] = true;
}

err_t plan_select(struct plan *plan, struct bind_specs *specs, struct diag *diag)
{
    const struct select *from = &plan->statement->select;
    struct select_plan *select = &plan->select;
    const struct table_schema *table = &plan->node->table;
    struct planner at = {.plan = plan, .table = table, .specs = specs, .diag = diag};
    if (from->json)
        return FAIL(diag, ERR_INVALID, "SELECT JSON is not supported");
    if (from->group_by_count > 0)
        return FAIL(diag, ERR_INVALID, "GROUP BY is not supported");
    select->wanted = ARENA_ARRAY(&plan->arena, bool, table->column_count + 1);
    select->distinct = from->distinct;
    select->limit = from->limit;
    select->partition_limit = from->per_partition_limit;
    TRY(plan_items(&at, from));
    TRY(where_plan(&select->where, table, &from->where, WHERE_FOR_SELECT, from->allow_filtering,
                   &plan->arena, diag));
    TRY(check_distinct(&at, from));
    TRY(plan_order(&at, from));
    TRY(where_bind(table, &from->where, specs, diag));
    want_filters(&at);
    if (from->per_partition_limit)
        TRY(term_bind(from->per_partition_limit, cql_type_scalar(CQL_INT), "[per_partition_limit]",
                      specs, diag));
    if (from->limit)
        TRY(term_bind(from->limit, cql_type_scalar(CQL_INT), "[limit]", specs, diag));
    plan->info.reads_one_row = !table->virtual && select->where.partitions == WHERE_KEYS &&
                               !select->where.key_in && !select->where.prefix_in &&
                               select->where.prefix_columns == table->clustering_count;
    select->count_only &= at.any_aggregate && select->where.filter_count == 0;
    return ERR_OK;
}
