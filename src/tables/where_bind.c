// SPDX-License-Identifier: Apache-2.0
//
// The markers of a WHERE clause: what each of them is compared with gives it its type and name.

#include "tables/where_int.h"

// The type a relation's values have for column `index` of it.
const struct cql_type *where__value_type(const struct relation *relation,
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

const struct cql_type *where__tuple_type(const struct table_schema *table,
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
            TRY(bind_values(relation, where__tuple_type(table, relation, specs->arena),
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
        TRY(bind_values(relation, where__value_type(relation, column), name, specs, diag));
    }
    return ERR_OK;
}
