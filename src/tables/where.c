// SPDX-License-Identifier: Apache-2.0
//
// Sorting out a WHERE clause. Relations on the partition key choose partitions; = and IN on leading
// clustering columns, then at most one stretch (< <= > >=, on one column or a tuple), choose
// intervals of encoded clusterings; what is left is a filter and needs ALLOW FILTERING.

#include "tables/where_int.h"

#define NEEDS_FILTERING                                                                     \
    "Cannot execute this query as it might involve data filtering and thus may have "       \
    "unpredictable performance. If you want to execute this query despite the performance " \
    "unpredictability, use ALLOW FILTERING"

static bool is_slice(enum relation_op op)
{
    return op == RELATION_LT || op == RELATION_LE || op == RELATION_GT || op == RELATION_GE;
}

static bool is_exact(const struct relation *relation)
{
    return relation->op == RELATION_EQ || relation->op == RELATION_IN;
}

err_t where__column(const struct table_schema *table, const char *name,
                    const struct column_meta **out, struct diag *diag)
{
    *out = table_schema_column(table, name);
    if (!*out)
        return FAIL(diag, ERR_INVALID, "Undefined column name %s in table %s.%s", name,
                    table->keyspace, table->name);
    return ERR_OK;
}

// --- planning ---

struct planning {
    struct where_plan *plan;
    const struct table_schema *table;
    const struct where *where;
    enum where_use use;
    struct arena *arena;
    struct diag *diag;
    bool *taken; // per relation: used for keys or intervals
};

// The relation (= or IN) on `column`, or NULL.
static const struct relation *exact_on(struct planning *at, const char *column, size_t *index)
{
    for (size_t i = 0; i < at->where->count; i++) {
        const struct relation *relation = &at->where->relations[i];
        if (relation->target == RELATION_COLUMN && is_exact(relation) &&
            strcmp(relation->columns[0], column) == 0) {
            *index = i;
            return relation;
        }
    }
    return NULL;
}

static bool mentions(const struct relation *relation, const char *column)
{
    for (size_t i = 0; i < relation->column_count; i++)
        if (strcmp(relation->columns[i], column) == 0)
            return true;
    return false;
}

// Two relations on one column: only a pair of bounds, or CONTAINS, make sense.
static err_t check_doubles(struct planning *at)
{
    for (size_t i = 0; i < at->where->count; i++) {
        const struct relation *a = &at->where->relations[i];
        for (size_t j = i + 1; j < at->where->count; j++) {
            const struct relation *b = &at->where->relations[j];
            if (a->target != RELATION_COLUMN || b->target != RELATION_COLUMN ||
                strcmp(a->columns[0], b->columns[0]) != 0 || a->op > RELATION_IN ||
                b->op > RELATION_IN)
                continue;
            if (is_exact(a) || is_exact(b))
                return FAIL(
                    at->diag, ERR_INVALID,
                    "%s cannot be restricted by more than one relation if it includes %s %s",
                    a->columns[0], a->op == RELATION_IN || b->op == RELATION_IN ? "a" : "an",
                    a->op == RELATION_EQ || b->op == RELATION_EQ ? "Equal" : "IN");
            if (where__is_lower(a->op) == where__is_lower(b->op))
                return FAIL(at->diag, ERR_INVALID,
                            "More than one restriction was found for the %s bound on %s",
                            where__is_lower(a->op) ? "start" : "end", a->columns[0]);
        }
    }
    return ERR_OK;
}

static err_t plan_token(struct planning *at, size_t index)
{
    const struct relation *relation = &at->where->relations[index];
    struct where_plan *plan = at->plan;
    if (at->use != WHERE_FOR_SELECT)
        return FAIL(at->diag, ERR_INVALID,
                    "The token function cannot be used in WHERE clauses for %s statements",
                    at->use == WHERE_FOR_UPDATE ? "UPDATE" : "DELETE");
    bool same = relation->column_count == at->table->partition_count;
    for (size_t i = 0; same && i < relation->column_count; i++)
        same = strcmp(relation->columns[i], at->table->columns[i].name) == 0;
    if (!same) {
        for (size_t i = 0; i < relation->column_count; i++) {
            const struct column_meta *column;
            TRY(where__column(at->table, relation->columns[i], &column, at->diag));
        }
        return FAIL(
            at->diag, ERR_INVALID,
            "The token() function must be applied to all partition key components or none of them");
    }
    const struct relation **place = relation->op == RELATION_EQ     ? &plan->token_equal
                                    : where__is_lower(relation->op) ? &plan->token_lower
                                    : is_slice(relation->op)        ? &plan->token_upper
                                                                    : NULL;
    if (!place)
        return FAIL(at->diag, ERR_INVALID, "%s cannot be used with the token function",
                    relation->op == RELATION_IN ? "IN" : "this relation");
    if (*place)
        return FAIL(at->diag, ERR_INVALID,
                    "More than one restriction was found for the %s bound on the token of the "
                    "partition key",
                    place == &plan->token_upper ? "end" : "start");
    *place = relation;
    plan->partitions = WHERE_TOKENS;
    at->taken[index] = true;
    return ERR_OK;
}

static void list_names(struct planning *at, char *out, size_t size, bool missing_only)
{
    size_t used = 0;
    out[0] = 0;
    for (size_t i = 0; i < at->table->partition_count; i++) {
        size_t index;
        if (missing_only && exact_on(at, at->table->columns[i].name, &index))
            continue;
        int more =
            snprintf(out + used, size - used, "%s%s", used ? ", " : "", at->table->columns[i].name);
        used += more > 0 && (size_t)more < size - used ? (size_t)more : 0;
    }
}

static err_t plan_partition(struct planning *at)
{
    const struct table_schema *table = at->table;
    struct where_plan *plan = at->plan;
    for (size_t i = 0; i < at->where->count; i++)
        if (at->where->relations[i].target == RELATION_TOKEN)
            TRY(plan_token(at, i));
    size_t found = 0, restricted = 0;
    plan->keys = ARENA_ARRAY(at->arena, const struct relation *, table->partition_count);
    for (size_t c = 0; c < table->partition_count; c++) {
        size_t index;
        plan->keys[c] = exact_on(at, table->columns[c].name, &index);
        found += plan->keys[c] != NULL;
        for (size_t i = 0; i < at->where->count; i++) {
            const struct relation *relation = &at->where->relations[i];
            if (relation->target == RELATION_TOKEN || !mentions(relation, table->columns[c].name))
                continue;
            restricted++;
            if (relation->target == RELATION_TUPLE)
                return FAIL(
                    at->diag, ERR_INVALID,
                    "Multi-column relations can only be applied to clustering columns but was "
                    "applied to: %s",
                    table->columns[c].name);
        }
    }
    char names[256];
    if (found == table->partition_count && plan->partitions == WHERE_ALL && restricted == found) {
        plan->partitions = WHERE_KEYS;
        for (size_t c = 0; c < table->partition_count; c++) {
            size_t index;
            exact_on(at, table->columns[c].name, &index);
            at->taken[index] = true;
            plan->key_in |= plan->keys[c]->op == RELATION_IN;
        }
        return ERR_OK;
    }
    if (at->use != WHERE_FOR_SELECT) {
        if (restricted > found)
            return FAIL(
                at->diag, ERR_INVALID,
                "Only EQ and IN relation are supported on the partition key (unless you use the "
                "token() function)%s",
                at->use == WHERE_FOR_DELETE ? " for DELETE statements" : " for UPDATE statements");
        list_names(at, names, sizeof names, true);
        return FAIL(at->diag, ERR_INVALID, "Some partition key parts are missing: %s", names);
    }
    if (restricted > 0)
        plan->needs_filtering = true; // a part of the partition key, or < on it
    return ERR_OK;
}

// May a tuple over these columns, from clustering position `first` on, be taken as one stretch of
// bytes?
static bool tuple_is_stretch(const struct planning *at, const struct relation *relation,
                             size_t first)
{
    const struct column_meta *columns = at->table->columns + at->table->partition_count;
    for (size_t i = 0; i < relation->column_count; i++) {
        if (first + i >= at->table->clustering_count ||
            strcmp(relation->columns[i], columns[first + i].name) != 0 ||
            columns[first + i].descending != columns[first].descending)
            return false;
    }
    return true;
}

static err_t check_tuple(struct planning *at, const struct relation *relation)
{
    int previous = -1;
    for (size_t i = 0; i < relation->column_count; i++) {
        const struct column_meta *column;
        TRY(where__column(at->table, relation->columns[i], &column, at->diag));
        if (column->kind != COLUMN_CLUSTERING)
            return FAIL(
                at->diag, ERR_INVALID,
                "Multi-column relations can only be applied to clustering columns but was applied "
                "to: %s",
                column->name);
        if (i > 0 && column->position != previous + 1)
            return FAIL(at->diag, ERR_INVALID,
                        "Clustering columns must appear in the PRIMARY KEY order in multi-column "
                        "relations");
        previous = column->position;
    }
    return ERR_OK;
}

// The exact relation that begins at clustering position `first`: single, or a tuple in order.
static const struct relation *exact_at(struct planning *at, size_t first, size_t *index)
{
    const char *name = at->table->columns[at->table->partition_count + first].name;
    const struct relation *single = exact_on(at, name, index);
    if (single)
        return single;
    for (size_t i = 0; i < at->where->count; i++) {
        const struct relation *relation = &at->where->relations[i];
        if (relation->target != RELATION_TUPLE || !is_exact(relation))
            continue;
        bool in_order = first + relation->column_count <= at->table->clustering_count;
        for (size_t c = 0; in_order && c < relation->column_count; c++)
            in_order = strcmp(relation->columns[c],
                              at->table->columns[at->table->partition_count + first + c].name) == 0;
        if (in_order) {
            *index = i;
            return relation;
        }
    }
    return NULL;
}

static void plan_slice(struct planning *at)
{
    struct where_plan *plan = at->plan;
    size_t first = plan->prefix_columns;
    if (first >= at->table->clustering_count)
        return;
    const char *name = at->table->columns[at->table->partition_count + first].name;
    for (size_t i = 0; i < at->where->count; i++) {
        const struct relation *relation = &at->where->relations[i];
        if (!is_slice(relation->op) || at->taken[i])
            continue;
        bool fits = relation->target == RELATION_COLUMN ? strcmp(relation->columns[0], name) == 0
                                                        : relation->target == RELATION_TUPLE &&
                                                              tuple_is_stretch(at, relation, first);
        const struct relation **place = where__is_lower(relation->op) ? &plan->lower : &plan->upper;
        if (!fits || *place)
            continue;
        *place = relation;
        at->taken[i] = true;
    }
}

static err_t refuse_gap(struct planning *at)
{
    const struct column_meta *clustering = at->table->columns + at->table->partition_count;
    size_t next = at->plan->prefix_columns;
    bool sliced = at->plan->lower || at->plan->upper;
    for (size_t c = next + (sliced ? 1 : 0); c < at->table->clustering_count; c++) {
        for (size_t i = 0; i < at->where->count; i++) {
            const struct relation *relation = &at->where->relations[i];
            if (at->taken[i] || relation->target != RELATION_COLUMN || relation->op > RELATION_IN ||
                !mentions(relation, clustering[c].name))
                continue;
            if (sliced)
                return FAIL(
                    at->diag, ERR_INVALID,
                    "Clustering column \"%s\" cannot be restricted (preceding column \"%s\" is "
                    "restricted by a non-EQ relation)",
                    clustering[c].name, clustering[next].name);
            return FAIL(
                at->diag, ERR_INVALID,
                "PRIMARY KEY column \"%s\" cannot be restricted as preceding column \"%s\" is not "
                "restricted",
                clustering[c].name, clustering[next].name);
        }
    }
    return ERR_OK;
}

static err_t plan_clustering(struct planning *at, bool allow_filtering)
{
    struct where_plan *plan = at->plan;
    const struct table_schema *table = at->table;
    for (size_t i = 0; i < at->where->count; i++) {
        const struct relation *relation = &at->where->relations[i];
        if (relation->target == RELATION_TUPLE)
            TRY(check_tuple(at, relation));
        for (size_t c = 0; relation->target != RELATION_TOKEN && c < relation->column_count; c++) {
            const struct column_meta *column = table_schema_column(table, relation->columns[c]);
            plan->clustering_restricted |= column && column->kind == COLUMN_CLUSTERING;
        }
    }
    if (plan->partitions != WHERE_KEYS)
        return ERR_OK; // clustering relations filter a scan
    plan->prefix = ARENA_ARRAY(at->arena, const struct relation *, table->clustering_count + 1);
    while (plan->prefix_columns < table->clustering_count) {
        size_t index;
        const struct relation *relation = exact_at(at, plan->prefix_columns, &index);
        if (!relation)
            break;
        at->taken[index] = true;
        plan->prefix[plan->prefix_count++] = relation;
        plan->prefix_columns += relation->column_count;
        plan->prefix_in |= relation->op == RELATION_IN;
    }
    plan_slice(at);
    return allow_filtering && at->use == WHERE_FOR_SELECT ? ERR_OK : refuse_gap(at);
}

static const char *op_name(enum relation_op op)
{
    static const char *const names[] = {
        "=", "!=", "<", "<=", ">", ">=", "IN", "CONTAINS", "CONTAINS KEY", "IS NOT NULL", "LIKE"};
    return names[op];
}

static err_t check_filter(struct planning *at, const struct relation *relation)
{
    for (size_t c = 0; c < relation->column_count; c++) {
        const struct column_meta *column;
        TRY(where__column(at->table, relation->columns[c], &column, at->diag));
        bool contains = relation->op == RELATION_CONTAINS || relation->op == RELATION_CONTAINS_KEY;
        bool many = cql_type_is_multicell(column->type);
        if (contains && !cql_type_is_collection(column->type))
            return FAIL(at->diag, ERR_INVALID, "Cannot use %s on non-collection column %s",
                        op_name(relation->op), column->name);
        if (relation->op == RELATION_CONTAINS_KEY && column->type->kind != CQL_MAP)
            return FAIL(at->diag, ERR_INVALID, "Cannot use CONTAINS KEY on non-map column %s",
                        column->name);
        if (relation->target == RELATION_ELEMENT &&
            (column->type->kind != CQL_MAP || relation->op != RELATION_EQ))
            return FAIL(at->diag, ERR_INVALID,
                        "Only EQ relations are supported on map entries, got %s on %s",
                        op_name(relation->op), column->name);
        if (many && !contains && relation->target == RELATION_COLUMN)
            return FAIL(at->diag, ERR_INVALID,
                        "Collection column '%s' cannot be restricted by a '%s' relation",
                        column->name, op_name(relation->op));
        if (relation->op == RELATION_NE || relation->op == RELATION_LIKE ||
            relation->op == RELATION_IS_NOT_NULL || relation->target == RELATION_FIELD)
            return FAIL(at->diag, ERR_INVALID, "Unsupported \"%s\" relation on column %s",
                        op_name(relation->op), column->name);
    }
    return ERR_OK;
}

static err_t plan_filters(struct planning *at)
{
    struct where_plan *plan = at->plan;
    plan->filters = ARENA_ARRAY(at->arena, const struct relation *, at->where->count + 1);
    for (size_t i = 0; i < at->where->count; i++) {
        const struct relation *relation = &at->where->relations[i];
        if (at->taken[i])
            continue;
        TRY(check_filter(at, relation));
        plan->filters[plan->filter_count++] = relation;
        // A stretch over columns of mixed order is the only filter that chooses rows of one
        // partition by key.
        plan->needs_filtering |=
            plan->partitions != WHERE_KEYS || relation->target != RELATION_TUPLE;
    }
    return ERR_OK;
}

static err_t refuse_filters(struct planning *at)
{
    struct where_plan *plan = at->plan;
    for (size_t i = 0; i < plan->filter_count; i++) {
        const struct column_meta *column =
            table_schema_column(at->table, plan->filters[i]->columns[0]);
        if (column->kind == COLUMN_REGULAR || column->kind == COLUMN_STATIC)
            return FAIL(at->diag, ERR_INVALID, "Non PRIMARY KEY columns found in where clause: %s",
                        column->name);
    }
    if (plan->filter_count > 0)
        return FAIL(at->diag, ERR_INVALID, "Invalid where clause");
    return ERR_OK;
}

err_t where_plan(struct where_plan *plan, const struct table_schema *table,
                 const struct where *where, enum where_use use, bool allow_filtering,
                 struct arena *arena, struct diag *diag)
{
    *plan = (struct where_plan){.table = table};
    struct planning at = {.plan = plan,
                          .table = table,
                          .where = where,
                          .use = use,
                          .arena = arena,
                          .diag = diag,
                          .taken = ARENA_ARRAY(arena, bool, where->count + 1)};
    for (size_t i = 0; i < where->count; i++) {
        for (size_t c = 0; c < where->relations[i].column_count; c++) {
            const struct column_meta *column;
            TRY(where__column(table, where->relations[i].columns[c], &column, diag));
        }
    }
    TRY(check_doubles(&at));
    TRY(plan_partition(&at));
    TRY(plan_clustering(&at, allow_filtering));
    TRY(plan_filters(&at));
    if (use != WHERE_FOR_SELECT)
        return refuse_filters(&at);
    if (plan->needs_filtering && !allow_filtering && !table->virtual)
        return FAIL(diag, ERR_INVALID, NEEDS_FILTERING);
    return ERR_OK;
}
