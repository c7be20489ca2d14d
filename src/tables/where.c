// SPDX-License-Identifier: Apache-2.0
//
// Sorting out a WHERE clause. Relations on the partition key choose partitions; = and IN on leading
// clustering columns, then at most one stretch (< <= > >=, on one column or a tuple), choose
// intervals of encoded clusterings; what is left is a filter and needs ALLOW FILTERING.
//
// Intervals are plain byte strings (see keys.c): with `e` the encoded value behind the prefix `p`,
//     = e  ->  [pe, pe FF)      >= e -> [pe, …)      > e -> [pe FF, …)      < e -> […, pe)      <=
//     e -> […, pe FF)
// and a DESC column swaps the two sides.

#include "tables/where.h"

#include "tables/keys.h"
#include "tables/token.h"

#include <assert.h>
#include <stdlib.h>

#define NEEDS_FILTERING                                                                     \
    "Cannot execute this query as it might involve data filtering and thus may have "       \
    "unpredictable performance. If you want to execute this query despite the performance " \
    "unpredictability, use ALLOW FILTERING"

#define COMBINATIONS_MAX 10000

static bool is_slice(enum relation_op op)
{
    return op == RELATION_LT || op == RELATION_LE || op == RELATION_GT || op == RELATION_GE;
}

static bool is_lower(enum relation_op op)
{
    return op == RELATION_GT || op == RELATION_GE;
}

static bool is_exact(const struct relation *relation)
{
    return relation->op == RELATION_EQ || relation->op == RELATION_IN;
}

static err_t find(const struct table_schema *table, const char *name,
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
            if (is_lower(a->op) == is_lower(b->op))
                return FAIL(at->diag, ERR_INVALID,
                            "More than one restriction was found for the %s bound on %s",
                            is_lower(a->op) ? "start" : "end", a->columns[0]);
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
            TRY(find(at->table, relation->columns[i], &column, at->diag));
        }
        return FAIL(
            at->diag, ERR_INVALID,
            "The token() function must be applied to all partition key components or none of them");
    }
    const struct relation **place = relation->op == RELATION_EQ ? &plan->token_equal
                                    : is_lower(relation->op)    ? &plan->token_lower
                                    : is_slice(relation->op)    ? &plan->token_upper
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
        TRY(find(at->table, relation->columns[i], &column, at->diag));
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
        const struct relation **place = is_lower(relation->op) ? &plan->lower : &plan->upper;
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
        TRY(find(at->table, relation->columns[c], &column, at->diag));
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
            TRY(find(table, where->relations[i].columns[c], &column, diag));
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

// --- binding ---

// The type a relation's values have for column `index` of it.
static const struct cql_type *value_type(const struct relation *relation,
                                         const struct column_meta *column)
{
    if (relation->op == RELATION_CONTAINS)
        return column->type->params[column->type->kind == CQL_MAP ? 1 : 0];
    if (relation->op == RELATION_CONTAINS_KEY)
        return column->type->params[0];
    if (relation->target == RELATION_ELEMENT)
        return column->type->params[column->type->kind == CQL_MAP ? 1 : 0];
    return column->type;
}

static const struct cql_type *tuple_type(const struct table_schema *table,
                                         const struct relation *relation, struct arena *arena)
{
    const struct cql_type **types =
        ARENA_ARRAY(arena, const struct cql_type *, relation->column_count);
    for (size_t i = 0; i < relation->column_count; i++)
        types[i] = table_schema_column(table, relation->columns[i])->type;
    return cql_type_tuple(arena, types, relation->column_count);
}

static err_t bind_token(const struct table_schema *table, const struct relation *relation,
                        struct bind_specs *specs, struct diag *diag)
{
    const struct term *term = relation->values[0];
    if (term->kind != TERM_FUNCTION || strcmp(term->function, "token") != 0)
        return term_bind(term, cql_type_scalar(CQL_BIGINT), "partition key token", specs, diag);
    if (term->count != table->partition_count)
        return FAIL(
            diag, ERR_INVALID,
            "Invalid number of arguments in call to function token: %zu required but %zu provided",
            table->partition_count, term->count);
    for (size_t i = 0; i < term->count; i++)
        TRY(term_bind(term->items[i], table->columns[i].type, table->columns[i].name, specs, diag));
    return ERR_OK;
}

static err_t bind_values(const struct relation *relation, const struct cql_type *type,
                         const char *name, struct bind_specs *specs, struct diag *diag)
{
    if (relation->in_marker)
        return term_bind(relation->values[0], cql_type_list(specs->arena, type, true),
                         arena_printf(specs->arena, "in(%s)", name), specs, diag);
    for (size_t i = 0; i < relation->value_count; i++)
        TRY(term_bind(relation->values[i], type, name, specs, diag));
    return ERR_OK;
}

err_t where_bind(const struct table_schema *table, const struct where *where,
                 struct bind_specs *specs, struct diag *diag)
{
    for (size_t i = 0; i < where->count; i++) {
        const struct relation *relation = &where->relations[i];
        if (relation->target == RELATION_TOKEN) {
            TRY(bind_token(table, relation, specs, diag));
            continue;
        }
        if (relation->target == RELATION_TUPLE) {
            TRY(bind_values(relation, tuple_type(table, relation, specs->arena),
                            relation->columns[0], specs, diag));
            continue;
        }
        const struct column_meta *column = table_schema_column(table, relation->columns[0]);
        const char *name = column->name;
        if (relation->target == RELATION_ELEMENT) {
            const struct cql_type *key =
                column->type->kind == CQL_MAP ? column->type->params[0] : cql_type_scalar(CQL_INT);
            TRY(term_bind(relation->key, key, arena_printf(specs->arena, "key(%s)", name), specs,
                          diag));
            name = arena_printf(specs->arena, "value(%s)", name);
        } else if (relation->op == RELATION_CONTAINS) {
            name = arena_printf(specs->arena, "value(%s)", name);
        } else if (relation->op == RELATION_CONTAINS_KEY) {
            name = arena_printf(specs->arena, "key(%s)", name);
        }
        TRY(bind_values(relation, value_type(relation, column), name, specs, diag));
    }
    return ERR_OK;
}

// --- values ---

struct values {
    VEC(struct bytes) all;
};

static err_t eval_values(const struct relation *relation, const struct cql_type *type,
                         const char *name, bool nulls, const struct term_context *context,
                         struct values *out, struct diag *diag)
{
    for (size_t i = 0; i < relation->value_count; i++) {
        struct bytes value;
        bool unset = false;
        const struct cql_type *of =
            relation->in_marker ? cql_type_list(context->arena, type, true) : type;
        TRY(term_eval(relation->values[i], of, name, context, &value, &unset, diag));
        if (unset)
            return FAIL(diag, ERR_INVALID, "Invalid unset value for column %s", name);
        if (relation->in_marker) {
            if (!value.ptr)
                return FAIL(diag, ERR_INVALID, "Invalid null value for column %s", name);
            struct cql_items items = cql_items_of(of, value);
            struct bytes item;
            while (cql_items_next(&items, &item)) {
                if (!item.ptr && !nulls)
                    return FAIL(diag, ERR_INVALID, "Invalid null value in condition for column %s",
                                name);
                vec_push(&out->all, item);
            }
            continue;
        }
        if (!value.ptr && !nulls)
            return FAIL(diag, ERR_INVALID, "Invalid null value in condition for column %s", name);
        vec_push(&out->all, value);
    }
    return ERR_OK;
}

// Splits the serialised tuple `value` into the columns of `relation`.
static err_t split_tuple(const struct table_schema *table, const struct relation *relation,
                         struct bytes value, struct arena *arena, struct bytes *out,
                         struct diag *diag)
{
    struct cql_items items = cql_items_of(tuple_type(table, relation, arena), value);
    for (size_t i = 0; i < relation->column_count; i++) {
        if (!cql_items_next(&items, &out[i]) || !out[i].ptr)
            return FAIL(diag, ERR_INVALID, "Invalid null value in condition for columns: %s",
                        relation->columns[i]);
    }
    return ERR_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

// Encoded, sorted, without doubles: what `relation` allows behind a clustering prefix.
static err_t eval_encoded(const struct where_plan *plan, const struct relation *relation,
                          const struct term_context *context, struct values *out, struct diag *diag)
{
    const struct table_schema *table = plan->table;
    const struct column_meta *first = table_schema_column(table, relation->columns[0]);
    bool tuple = relation->target == RELATION_TUPLE;
    const struct cql_type *type = tuple ? tuple_type(table, relation, context->arena) : first->type;
    struct values plain = {0};
    err_t err = eval_values(relation, type, first->name, false, context, &plain, diag);
    struct bytes *parts = ARENA_ARRAY(context->arena, struct bytes, relation->column_count);
    for (size_t i = 0; !err && i < plain.all.count; i++) {
        struct str encoded = {0};
        parts[0] = plain.all.items[i];
        if (tuple)
            err = split_tuple(table, relation, plain.all.items[i], context->arena, parts, diag);
        for (size_t c = 0; !err && c < relation->column_count; c++) {
            const struct column_meta *column = table_schema_column(table, relation->columns[c]);
            if (parts[c].size > KEY_PART_MAX)
                err = FAIL(diag, ERR_INVALID, "Key length of %zu is longer than maximum of 65535",
                           parts[c].size);
            else
                key_component(&encoded, column->type, column->descending, parts[c]);
        }
        if (!err)
            vec_push(&out->all, arena_bytes(context->arena, str_bytes(&encoded)));
        str_release(&encoded);
    }
    vec_release(&plain.all);
    if (out->all.count > 1) {
        qsort(out->all.items, out->all.count, sizeof *out->all.items, by_bytes);
        size_t kept = 1;
        for (size_t i = 1; i < out->all.count; i++)
            if (!bytes_equal(out->all.items[i], out->all.items[kept - 1]))
                out->all.items[kept++] = out->all.items[i];
        out->all.count = kept;
    }
    return err;
}

static struct bytes join(struct arena *arena, struct bytes a, struct bytes b, bool after)
{
    uint8_t *ptr = arena_alloc(arena, a.size + b.size + 1);
    if (a.size)
        memcpy(ptr, a.ptr, a.size);
    if (b.size)
        memcpy(ptr + a.size, b.ptr, b.size);
    ptr[a.size + b.size] = KEY_AFTER;
    return bytes_make(ptr, a.size + b.size + after);
}

// The one encoded value of a bound.
static err_t eval_bound(const struct where_plan *plan, const struct relation *relation,
                        const struct term_context *context, struct bytes *out, struct diag *diag)
{
    struct values values = {0};
    err_t err = eval_encoded(plan, relation, context, &values, diag);
    if (!err)
        *out = values.all.items[0];
    vec_release(&values.all);
    return err;
}

// One side of a stretch: where it stands behind each prefix.
struct side {
    bool set;
    struct bytes value;
    bool after; // FF behind it
};

static err_t eval_sides(const struct where_plan *plan, const struct term_context *context,
                        struct side *lower, struct side *upper, struct diag *diag)
{
    const struct relation *relations[2] = {plan->lower, plan->upper};
    for (int i = 0; i < 2; i++) {
        const struct relation *relation = relations[i];
        if (!relation)
            continue;
        bool descending = table_schema_column(plan->table, relation->columns[0])->descending;
        bool low = is_lower(relation->op) != descending;
        bool inclusive = relation->op == RELATION_GE || relation->op == RELATION_LE;
        struct side *side = low ? lower : upper;
        side->set = true;
        side->after = low != inclusive;
        TRY(eval_bound(plan, relation, context, &side->value, diag));
    }
    return ERR_OK;
}

static err_t eval_prefixes(const struct where_plan *plan, const struct term_context *context,
                           struct values *out, struct diag *diag)
{
    vec_push(&out->all, bytes_make("", 0));
    for (size_t p = 0; p < plan->prefix_count; p++) {
        struct values choices = {0}, longer = {0};
        err_t err = eval_encoded(plan, plan->prefix[p], context, &choices, diag);
        if (!err && choices.all.count * out->all.count > COMBINATIONS_MAX)
            err = FAIL(diag, ERR_INVALID,
                       "IN restrictions give more than %d combinations of clustering keys",
                       COMBINATIONS_MAX);
        for (size_t i = 0; !err && i < out->all.count; i++)
            for (size_t j = 0; j < choices.all.count; j++)
                vec_push(&longer.all,
                         join(context->arena, out->all.items[i], choices.all.items[j], false));
        vec_release(&choices.all);
        vec_release(&out->all);
        *out = longer;
        TRY(err);
    }
    return ERR_OK;
}

static err_t eval_intervals(const struct where_plan *plan, const struct term_context *context,
                            struct where_lists *out, struct diag *diag)
{
    struct side lower = {0}, upper = {0};
    TRY(eval_sides(plan, context, &lower, &upper, diag));
    struct values prefixes = {0};
    err_t err = eval_prefixes(plan, context, &prefixes, diag);
    bool point = plan->prefix_columns == plan->table->clustering_count;
    for (size_t i = 0; !err && i < prefixes.all.count; i++) {
        struct bytes prefix = prefixes.all.items[i];
        struct interval_bytes interval = {.point = point};
        interval.lower =
            lower.set ? join(context->arena, prefix, lower.value, lower.after) : prefix;
        interval.upper = upper.set ? join(context->arena, prefix, upper.value, upper.after)
                                   : join(context->arena, prefix, BYTES_NULL, true);
        if (bytes_compare(interval.lower, interval.upper) < 0)
            vec_push(&out->intervals, interval);
    }
    vec_release(&prefixes.all);
    return err;
}

// --- partition keys ---

struct sort_key {
    struct bytes encoded, key;
};

static int by_encoded(const void *a, const void *b)
{
    return bytes_compare(((const struct sort_key *)a)->encoded,
                         ((const struct sort_key *)b)->encoded);
}

static err_t add_key(const struct where_plan *plan, const struct bytes *values, struct arena *arena,
                     struct sort_key *out, struct diag *diag)
{
    const struct table_schema *table = plan->table;
    struct str key = {0}, encoded = {0};
    size_t total = 0;
    for (size_t i = 0; i < table->partition_count; i++)
        total += values[i].size;
    if (total == 0 && table->partition_count == 1)
        return FAIL(diag, ERR_INVALID, "Key may not be empty");
    if (total > KEY_PART_MAX)
        return FAIL(diag, ERR_INVALID, "Key length of %zu is longer than maximum of 65535", total);
    partition_key_join(&key, values, table->partition_count);
    for (size_t i = 0; i < table->partition_count; i++)
        key_component(&encoded, table->columns[i].type, false, values[i]);
    out->key = arena_bytes(arena, str_bytes(&key));
    out->encoded = arena_bytes(arena, str_bytes(&encoded));
    str_release(&key);
    str_release(&encoded);
    return ERR_OK;
}

// All combinations of the columns' choices, like an odometer.
static err_t combine_keys(const struct where_plan *plan, const struct values *choices,
                          const struct term_context *context, struct where_lists *out,
                          struct diag *diag)
{
    size_t columns = plan->table->partition_count, total = 1;
    for (size_t i = 0; i < columns; i++) {
        total *= choices[i].all.count;
        if (total > COMBINATIONS_MAX)
            return FAIL(diag, ERR_INVALID,
                        "IN restrictions give more than %d combinations of partition keys",
                        COMBINATIONS_MAX);
    }
    struct sort_key *keys = ARENA_ARRAY(context->arena, struct sort_key, total + 1);
    struct bytes *values = ARENA_ARRAY(context->arena, struct bytes, columns);
    for (size_t k = 0; k < total; k++) {
        size_t rest = k;
        for (size_t i = columns; i-- > 0; rest /= choices[i].all.count)
            values[i] = choices[i].all.items[rest % choices[i].all.count];
        TRY(add_key(plan, values, context->arena, &keys[k], diag));
    }
    if (total > 1)
        qsort(keys, total, sizeof *keys, by_encoded);
    for (size_t k = 0; k < total; k++)
        if (k == 0 || !bytes_equal(keys[k].key, keys[k - 1].key))
            vec_push(&out->keys, keys[k].key);
    return ERR_OK;
}

static err_t eval_keys(const struct where_plan *plan, const struct term_context *context,
                       struct where_lists *out, struct diag *diag)
{
    size_t columns = plan->table->partition_count;
    struct values *choices = ARENA_ARRAY(context->arena, struct values, columns);
    err_t err = ERR_OK;
    for (size_t i = 0; !err && i < columns; i++)
        err = eval_values(plan->keys[i], plan->table->columns[i].type, plan->table->columns[i].name,
                          false, context, &choices[i], diag);
    if (!err)
        err = combine_keys(plan, choices, context, out, diag);
    for (size_t i = 0; i < columns; i++)
        vec_release(&choices[i].all);
    return err;
}

err_t where_eval(const struct where_plan *plan, const struct term_context *context,
                 struct where_lists *out, struct diag *diag)
{
    if (plan->partitions != WHERE_KEYS)
        return ERR_OK;
    TRY(eval_keys(plan, context, out, diag));
    return eval_intervals(plan, context, out, diag);
}

void where_lists_release(struct where_lists *lists)
{
    vec_release(&lists->keys);
    vec_release(&lists->intervals);
}

// --- tokens ---

static err_t eval_token(const struct where_plan *plan, const struct relation *relation,
                        const struct term_context *context, int64_t *out, struct diag *diag)
{
    const struct term *term = relation->values[0];
    struct bytes value;
    if (term->kind == TERM_FUNCTION && strcmp(term->function, "token") == 0) {
        struct bytes *parts = ARENA_ARRAY(context->arena, struct bytes, term->count + 1);
        for (size_t i = 0; i < term->count; i++) {
            TRY(term_eval(term->items[i], plan->table->columns[i].type,
                          plan->table->columns[i].name, context, &parts[i], NULL, diag));
            if (!parts[i].ptr)
                return FAIL(diag, ERR_INVALID, "Invalid null value in condition for column %s",
                            plan->table->columns[i].name);
        }
        struct str key = {0};
        partition_key_join(&key, parts, term->count);
        *out = token_of(str_bytes(&key));
        str_release(&key);
        return ERR_OK;
    }
    TRY(term_eval(term, cql_type_scalar(CQL_BIGINT), "partition key token", context, &value, NULL,
                  diag));
    if (value.size != 8)
        return FAIL(diag, ERR_INVALID, "Invalid null token value");
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++)
        bits = bits << 8 | value.ptr[i];
    *out = (int64_t)bits;
    return ERR_OK;
}

err_t where_tokens(const struct where_plan *plan, const struct term_context *context,
                   int64_t *first, int64_t *last, struct diag *diag)
{
    *first = INT64_MIN;
    *last = INT64_MAX;
    if (plan->token_equal) {
        TRY(eval_token(plan, plan->token_equal, context, first, diag));
        *last = *first;
    }
    int64_t token;
    if (plan->token_lower) {
        TRY(eval_token(plan, plan->token_lower, context, &token, diag));
        bool strict = plan->token_lower->op == RELATION_GT;
        if (strict && token == INT64_MAX)
            *last = INT64_MIN; // nothing lies above
        else
            *first = token + strict;
    }
    if (plan->token_upper) {
        TRY(eval_token(plan, plan->token_upper, context, &token, diag));
        bool strict = plan->token_upper->op == RELATION_LT;
        // The lowest token stands for "the end of the ring" when it bounds from above.
        if (token == INT64_MIN)
            return ERR_OK;
        if (token - strict < *last)
            *last = token - strict;
    }
    return ERR_OK;
}

// --- tests ---

err_t where_test_make(struct where_test *out, const struct table_schema *table,
                      const struct relation *relation, const struct term_context *context,
                      bool condition, struct diag *diag)
{
    *out = (struct where_test){.relation = relation};
    if (relation->column_count > 8)
        return FAIL(diag, ERR_INVALID, "too many columns in one relation");
    for (size_t i = 0; i < relation->column_count; i++) {
        TRY(find(table, relation->columns[i], &out->columns[i], diag));
        out->column_index[i] = (size_t)(out->columns[i] - table->columns);
    }
    bool tuple = relation->target == RELATION_TUPLE;
    const struct column_meta *column = out->columns[0];
    if (relation->target == RELATION_ELEMENT) {
        const struct cql_type *key =
            column->type->kind == CQL_MAP ? column->type->params[0] : cql_type_scalar(CQL_INT);
        TRY(term_eval(relation->key, key, column->name, context, &out->key, NULL, diag));
        if (!out->key.ptr)
            return FAIL(diag, ERR_INVALID, "Invalid null value for element access of %s",
                        column->name);
    }
    struct values values = {0};
    const struct cql_type *type =
        tuple ? tuple_type(table, relation, context->arena) : value_type(relation, column);
    err_t err = eval_values(relation, type, column->name, condition, context, &values, diag);
    out->value_count = values.all.count;
    out->values =
        ARENA_ARRAY(context->arena, struct bytes, values.all.count * relation->column_count + 1);
    for (size_t i = 0; !err && i < values.all.count; i++) {
        if (tuple)
            err = split_tuple(table, relation, values.all.items[i], context->arena,
                              out->values + i * relation->column_count, diag);
        else
            out->values[i] = values.all.items[i];
    }
    vec_release(&values.all);
    return err;
}

static bool compares(enum relation_op op, int order)
{
    switch ((int)op) {
    case RELATION_EQ:
    case RELATION_IN:
        return order == 0;
    case RELATION_NE:
        return order != 0;
    case RELATION_LT:
        return order < 0;
    case RELATION_LE:
        return order <= 0;
    case RELATION_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

// Does the collection `value` have `wanted` among its elements (a map: its values, or its keys)?
static bool contains(const struct cql_type *type, struct bytes value, struct bytes wanted,
                     bool keys)
{
    struct cql_items items = cql_items_of(type, value);
    struct bytes item;
    for (size_t i = 0; cql_items_next(&items, &item); i++) {
        bool asked = type->kind != CQL_MAP || (i % 2 == 0) == keys;
        const struct cql_type *of = type->params[type->kind == CQL_MAP && !keys ? 1 : 0];
        if (asked && item.ptr && wanted.ptr && cql_value_compare(of, item, wanted) == 0)
            return true;
    }
    return false;
}

static uint32_t index_of(struct bytes key)
{
    uint32_t index = 0;
    for (size_t i = 0; i < key.size && i < 4; i++)
        index = index << 8 | key.ptr[i];
    return index;
}

// c[key], or null.
static struct bytes element_of(const struct cql_type *type, struct bytes value, struct bytes key)
{
    struct cql_items items = cql_items_of(type, value);
    struct bytes item, found = BYTES_NULL;
    for (uint32_t i = 0; value.ptr && cql_items_next(&items, &item); i++) {
        if (type->kind == CQL_MAP) {
            bool same = item.ptr && cql_value_compare(type->params[0], item, key) == 0;
            if (cql_items_next(&items, &item) && same)
                return item;
        } else if (i == index_of(key)) {
            return item;
        }
    }
    return found;
}

static bool one_passes(const struct where_test *test, const struct cql_type *type,
                       struct bytes value, struct bytes wanted)
{
    enum relation_op op = test->relation->op;
    if (op == RELATION_CONTAINS || op == RELATION_CONTAINS_KEY)
        return value.ptr &&
               contains(type, value, wanted, op == RELATION_CONTAINS_KEY || type->kind != CQL_MAP);
    if (!value.ptr || !wanted.ptr) { // null = null holds, null < 1 does not
        bool equal = !value.ptr && !wanted.ptr;
        return op == RELATION_EQ || op == RELATION_IN ? equal : op == RELATION_NE && !equal;
    }
    return compares(op, cql_value_compare(type, value, wanted));
}

static bool tuple_passes(const struct where_test *test, const struct bytes *values,
                         const struct bytes *wanted)
{
    int order = 0;
    for (size_t c = 0; order == 0 && c < test->relation->column_count; c++) {
        if (!values[test->column_index[c]].ptr)
            return false;
        order = cql_value_compare(test->columns[c]->type, values[test->column_index[c]], wanted[c]);
    }
    return compares(test->relation->op, order);
}

bool where_test_passes(const struct where_test *test, const struct bytes *values)
{
    const struct relation *relation = test->relation;
    const struct cql_type *type = test->columns[0]->type;
    struct bytes value = values[test->column_index[0]];
    if (relation->target == RELATION_ELEMENT) {
        value = element_of(type, value, test->key);
        type = type->params[type->kind == CQL_MAP ? 1 : 0];
    }
    for (size_t i = 0; i < test->value_count; i++) {
        if (relation->target == RELATION_TUPLE
                ? tuple_passes(test, values, test->values + i * relation->column_count)
                : one_passes(test, type, value, test->values[i]))
            return true;
    }
    return false;
}
