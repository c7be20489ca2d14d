// SPDX-License-Identifier: Apache-2.0
//
// Comparisons. Numbers and texts have loops of their own; the rest goes through value_compare().
#include "sql/function_rules.h"

#include "base/hash.h"
#include "sql/exec/value.h"

#include <math.h>

enum test {
    TEST_EQ,
    TEST_LT,
    TEST_LE,
    TEST_GT,
    TEST_GE,
};

static inline bool holds(enum test test, int order)
{
    switch (test) {
    case TEST_EQ:
        return order == 0;
    case TEST_LT:
        return order < 0;
    case TEST_LE:
        return order <= 0;
    case TEST_GT:
        return order > 0;
    case TEST_GE:
        return order >= 0;
    }
    return false;
}

#define NUMBERS(type_, field)                            \
    do {                                                 \
        const type_ *left = call->args[0].column.field;  \
        const type_ *right = call->args[1].column.field; \
        size_t step_a = !call->args[0].constant;         \
        size_t step_b = !call->args[1].constant;         \
        uint8_t *to = call->out->booleans;               \
        for (size_t i = 0; i < call->count; i++) {       \
            type_ x = left[i * step_a];                  \
            type_ y = right[i * step_b];                 \
            to[i] = holds(test, (x > y) - (x < y));      \
        }                                                \
        return ERR_OK;                                   \
    } while (0)

static inline __attribute__((always_inline)) err_t compare(struct call *call, enum test test)
{
    const struct column *a = &call->args[0].column;
    const struct column *b = &call->args[1].column;
    switch ((int)a->type->kind) {
    case TYPE_INT:
    case TYPE_DATE:
    case TYPE_INTERVAL_YM:
        NUMBERS(int32_t, ints);
    case TYPE_LONG:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_NTZ:
    case TYPE_INTERVAL_DT:
        NUMBERS(int64_t, longs);
    case TYPE_STRING:
    case TYPE_BINARY:
        for (size_t i = 0; i < call->count; i++) {
            struct bytes x = vector_text(&call->args[0], i);
            struct bytes y = vector_text(&call->args[1], i);
            call->out->booleans[i] =
                test == TEST_EQ ? bytes_equal(x, y) : holds(test, bytes_compare(x, y));
        }
        return ERR_OK;
    default:
        break;
    }
    CALL_ROWS(call, i)
    call->out->booleans[i] = holds(
        test, value_compare(a, vector_at(&call->args[0], i), b, vector_at(&call->args[1], i)));
    return ERR_OK;
}

err_t kernel_eq(struct call *call)
{
    return compare(call, TEST_EQ);
}
err_t kernel_lt(struct call *call)
{
    return compare(call, TEST_LT);
}
err_t kernel_le(struct call *call)
{
    return compare(call, TEST_LE);
}
err_t kernel_gt(struct call *call)
{
    return compare(call, TEST_GT);
}
err_t kernel_ge(struct call *call)
{
    return compare(call, TEST_GE);
}

err_t kernel_null_safe_eq(struct call *call)
{
    for (size_t i = 0; i < call->count; i++)
        call->out->booleans[i] = value_equal(&call->args[0].column, vector_at(&call->args[0], i),
                                             &call->args[1].column, vector_at(&call->args[1], i));
    return ERR_OK;
}

// --- IN
// --------------------------------------------------------------------------------------------

// The constants of a long IN list, hashed once per run.
struct in_set {
    bool built;
    bool has_null;
    uint32_t *slots; // index + 1 into args; 0 = free
    size_t capacity;
};

#define IN_HASH_MIN 8

static void build_set(struct call *call, struct in_set *set)
{
    set->built = true;
    set->capacity = 16;
    while (set->capacity < call->arg_count * 2)
        set->capacity *= 2;
    set->slots = ARENA_ARRAY(call_run_arena(call), uint32_t, set->capacity);
    for (size_t a = 1; a < call->arg_count; a++) {
        const struct column *column = &call->args[a].column;
        if (column_is_null(column, 0)) {
            set->has_null = true;
            continue;
        }
        size_t at = value_hash(column, 0) & (set->capacity - 1);
        while (set->slots[at])
            at = (at + 1) & (set->capacity - 1);
        set->slots[at] = (uint32_t)a;
    }
}

static bool in_set_has(const struct call *call, const struct in_set *set, size_t row)
{
    const struct column *column = &call->args[0].column;
    size_t at = value_hash(column, row) & (set->capacity - 1);
    for (; set->slots[at]; at = (at + 1) & (set->capacity - 1))
        if (value_equal(column, row, &call->args[set->slots[at]].column, 0))
            return true;
    return false;
}

err_t kernel_in(struct call *call)
{
    bool literals = call->arg_count > IN_HASH_MIN;
    for (size_t a = 1; a < call->arg_count && literals; a++)
        literals = call->expr->args[a]->kind == EXPR_LITERAL;
    struct in_set *set = literals ? call_state(call, sizeof *set) : NULL;
    if (set && !set->built)
        build_set(call, set);
    for (size_t i = 0; i < call->count; i++) {
        size_t at = vector_at(&call->args[0], i);
        if (column_is_null(&call->args[0].column, at)) {
            call_null(call, i);
            continue;
        }
        bool found = false;
        bool null = false;
        if (set) {
            found = in_set_has(call, set, at);
            null = set->has_null;
        }
        for (size_t a = 1; !set && a < call->arg_count && !found; a++) {
            size_t other = vector_at(&call->args[a], i);
            if (column_is_null(&call->args[a].column, other))
                null = true;
            else
                found = value_equal(&call->args[0].column, at, &call->args[a].column, other);
        }
        call->out->booleans[i] = found;
        if (!found && null)
            call_null(call, i);
    }
    return ERR_OK;
}

// --- nulls and choice
// ------------------------------------------------------------------------------

err_t kernel_not(struct call *call)
{
    for (size_t i = 0; i < call->count; i++)
        call->out->booleans[i] = !vector_bool(&call->args[0], i);
    return ERR_OK;
}

err_t kernel_isnull(struct call *call)
{
    for (size_t i = 0; i < call->count; i++)
        call->out->booleans[i] = vector_null(&call->args[0], i);
    return ERR_OK;
}

err_t kernel_isnotnull(struct call *call)
{
    for (size_t i = 0; i < call->count; i++)
        call->out->booleans[i] = !vector_null(&call->args[0], i);
    return ERR_OK;
}

err_t kernel_isnan(struct call *call)
{
    for (size_t i = 0; i < call->count; i++)
        call->out->booleans[i] =
            !vector_null(&call->args[0], i) && isnan(vector_double(&call->args[0], i));
    return ERR_OK;
}

err_t kernel_nanvl(struct call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        const struct vector *from = &call->args[0];
        if (!vector_null(from, i) && isnan(vector_double(from, i)))
            from = &call->args[1];
        if (vector_null(from, i))
            call_null(call, i);
        else
            call->out->doubles[i] = vector_double(from, i);
    }
    return ERR_OK;
}

err_t kernel_nullif(struct call *call)
{
    struct builder builder;
    builder_init(&builder, call_arena(call), call->expr->type, call->count);
    // Arguments 2 and 3 are the pair brought to a common type.
    const struct vector *a = &call->args[2];
    const struct vector *b = &call->args[3];
    for (size_t i = 0; i < call->count; i++) {
        bool same = !vector_null(a, i) && !vector_null(b, i) &&
                    value_equal(&a->column, vector_at(a, i), &b->column, vector_at(b, i));
        if (same)
            builder_null(&builder);
        else
            builder_value(&builder, &call->args[0].column, vector_at(&call->args[0], i));
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

static err_t extreme(struct call *call, int sign)
{
    struct builder builder;
    builder_init(&builder, call_arena(call), call->expr->type, call->count);
    for (size_t i = 0; i < call->count; i++) {
        const struct vector *best = NULL;
        for (size_t a = 0; a < call->arg_count; a++) {
            const struct vector *arg = &call->args[a];
            if (vector_null(arg, i))
                continue;
            if (!best || sign * value_compare(&arg->column, vector_at(arg, i), &best->column,
                                              vector_at(best, i)) >
                             0)
                best = arg;
        }
        if (best)
            builder_value(&builder, &best->column, vector_at(best, i));
        else
            builder_null(&builder);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

err_t kernel_greatest(struct call *call)
{
    return extreme(call, 1);
}

err_t kernel_least(struct call *call)
{
    return extreme(call, -1);
}

err_t kernel_get_field(struct call *call)
{
    const struct column *record = &call->args[0].column;
    struct column field = record->children[call->expr->slot];
    if (record->valid) {
        uint8_t *valid = arena_alloc(call_arena(call), call->count + 1);
        for (size_t i = 0; i < call->count; i++)
            valid[i] = record->valid[i] && !column_is_null(&field, i);
        field.valid = valid;
    }
    field.type = call->expr->type;
    *call->out = field;
    return ERR_OK;
}

err_t kernel_get_fields(struct call *call)
{
    const struct column *list = &call->args[0].column;
    const struct column *record = &list->children[0];
    struct column *field =
        arena_dup(call_arena(call), &record->children[call->expr->slot], sizeof *field);
    if (record->valid) {
        uint8_t *valid = arena_alloc(call_arena(call), record->count + 1);
        for (size_t i = 0; i < record->count; i++)
            valid[i] = record->valid[i] && !column_is_null(field, i);
        field->valid = valid;
    }
    const struct type *type = call->expr->type;
    *call->out = *list;
    call->out->type = type;
    call->out->children = field;
    return ERR_OK;
}
