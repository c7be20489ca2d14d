// SPDX-License-Identifier: Apache-2.0
//
// Asking rows: filters and IF conditions.

#include "tables/where_int.h"

err_t where_test_make(struct where_test *out, const struct table_schema *table,
                      const struct relation *relation, const struct term_context *context,
                      bool condition, struct diag *diag)
{
    *out = (struct where_test){.relation = relation};
    if (relation->column_count > 8)
        return FAIL(diag, ERR_INVALID, "too many columns in one relation");
    for (size_t i = 0; i < relation->column_count; i++) {
        TRY(where__column(table, relation->columns[i], &out->columns[i], diag));
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
    struct where_values values = {0};
    const struct cql_type *type = tuple ? where__tuple_type(table, relation, context->arena)
                                        : where__value_type(relation, column);
    err_t err = where__values(relation, type, column->name, condition, context, &values, diag);
    out->value_count = values.all.count;
    out->values =
        ARENA_ARRAY(context->arena, struct bytes, values.all.count * relation->column_count + 1);
    for (size_t i = 0; !err && i < values.all.count; i++) {
        if (tuple)
            err = where__split_tuple(table, relation, values.all.items[i], context->arena,
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
