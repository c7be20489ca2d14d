// SPDX-License-Identifier: Apache-2.0
#include "sql/bind/coerce.h"

#include <assert.h>
#include <strings.h>

bool coerce_orderable(const struct type *type)
{
    if (type->kind == TYPE_MAP || type->kind == TYPE_INTERVAL)
        return false;
    for (size_t i = 0; i < type->field_count; i++)
        if (!coerce_orderable(type->fields[i].type))
            return false;
    return true;
}

const struct type *coerce_decimal_of(struct arena *arena, const struct type *type)
{
    static const uint8_t precisions[] = {3, 5, 10, 20};
    if (type->kind == TYPE_DECIMAL)
        return type;
    if (type->kind == TYPE_FLOAT)
        return type_decimal(arena, 14, 7);
    if (type->kind == TYPE_DOUBLE)
        return type_decimal(arena, 30, 15);
    return type_decimal(arena, precisions[type->kind - TYPE_BYTE], 0);
}

static const struct type *decimal_wider(struct arena *arena, const struct type *a,
                                        const struct type *b)
{
    int scale = a->scale > b->scale ? a->scale : b->scale;
    int left = a->precision - a->scale;
    int right = b->precision - b->scale;
    int precision = (left > right ? left : right) + scale;
    return type_decimal(arena, precision > 38 ? 38 : precision, scale > 38 ? 38 : scale);
}

static const struct type *datetime_wider(const struct type *a, const struct type *b)
{
    if (a->kind == TYPE_TIMESTAMP || b->kind == TYPE_TIMESTAMP)
        return &type_timestamp;
    return &type_timestamp_ntz;
}

typedef const struct type *meet_fn(struct arena *, const struct type *, const struct type *);

static const struct type *nested(struct arena *arena, const struct type *a, const struct type *b,
                                 meet_fn *meet)
{
    if (a->kind != b->kind || a->field_count != b->field_count)
        return NULL;
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, a->field_count + 1);
    for (size_t i = 0; i < a->field_count; i++) {
        const struct type *type = meet(arena, a->fields[i].type, b->fields[i].type);
        if (!type)
            return NULL;
        if (a->kind == TYPE_STRUCT && strcasecmp(a->fields[i].name, b->fields[i].name) != 0)
            return NULL;
        fields[i] = (struct type_field){a->fields[i].name, type,
                                        a->fields[i].nullable || b->fields[i].nullable};
    }
    if (a->kind == TYPE_ARRAY)
        return type_array(arena, fields[0].type, fields[0].nullable);
    if (a->kind == TYPE_MAP)
        return type_map(arena, fields[0].type, fields[1].type, fields[1].nullable);
    return type_struct(arena, fields, a->field_count);
}

static const struct type *interval_wider(struct arena *arena, const struct type *a,
                                         const struct type *b)
{
    struct type *type = ARENA_NEW(arena, struct type);
    type->kind = a->kind;
    type->from_unit = a->from_unit < b->from_unit ? a->from_unit : b->from_unit;
    type->to_unit = a->to_unit > b->to_unit ? a->to_unit : b->to_unit;
    return type;
}

const struct type *coerce_tightest(struct arena *arena, const struct type *a, const struct type *b)
{
    assert(a && b);
    if (type_equal(a, b))
        return a;
    if (a->kind == TYPE_NULL)
        return b;
    if (b->kind == TYPE_NULL)
        return a;
    if (type_is_numeric(a) && type_is_numeric(b)) {
        if (a->kind == TYPE_DECIMAL && b->kind == TYPE_DECIMAL)
            return NULL;
        if (a->kind == TYPE_DECIMAL || b->kind == TYPE_DECIMAL) {
            const struct type *decimal = a->kind == TYPE_DECIMAL ? a : b;
            const struct type *other = a->kind == TYPE_DECIMAL ? b : a;
            if (!type_is_integral(other))
                return NULL;
            const struct type *as = coerce_decimal_of(arena, other);
            return decimal->precision - decimal->scale >= as->precision ? decimal : NULL;
        }
        return a->kind > b->kind ? a : b;
    }
    if (type_is_datetime(a) && type_is_datetime(b))
        return datetime_wider(a, b);
    if (a->kind == b->kind && (a->kind == TYPE_INTERVAL_DT || a->kind == TYPE_INTERVAL_YM))
        return interval_wider(arena, a, b);
    if (type_is_nested(a))
        return nested(arena, a, b, coerce_tightest);
    return NULL;
}

const struct type *coerce_wider(struct arena *arena, const struct type *a, const struct type *b)
{
    const struct type *type = coerce_tightest(arena, a, b);
    if (type)
        return type;
    if (type_is_numeric(a) && type_is_numeric(b)) {
        if (a->kind == TYPE_FLOAT || a->kind == TYPE_DOUBLE || b->kind == TYPE_FLOAT ||
            b->kind == TYPE_DOUBLE)
            return &type_double;
        return decimal_wider(arena, coerce_decimal_of(arena, a), coerce_decimal_of(arena, b));
    }
    const struct type *other = a->kind == TYPE_STRING ? b : b->kind == TYPE_STRING ? a : NULL;
    if (other)
        return type_is_nested(other) || other->kind == TYPE_BINARY || other->kind == TYPE_BOOLEAN
                   ? NULL
                   : &type_string;
    return type_is_nested(a) ? nested(arena, a, b, coerce_wider) : NULL;
}

const struct type *coerce_comparison(struct arena *arena, const struct type *a,
                                     const struct type *b)
{
    const struct type *other = a->kind == TYPE_STRING ? b : b->kind == TYPE_STRING ? a : NULL;
    if (other && other->kind != TYPE_STRING) {
        if (other->kind == TYPE_NULL)
            return &type_string;
        if (other->kind == TYPE_DECIMAL)
            return &type_double;
        return type_is_nested(other) ? NULL : other;
    }
    if (type_is_nested(a) && type_is_nested(b))
        return a->kind == b->kind ? nested(arena, a, b, coerce_comparison) : NULL;
    return coerce_wider(arena, a, b);
}

bool coerce_implicit(const struct type *from, const struct type *to)
{
    if (type_equal(from, to) || from->kind == TYPE_NULL)
        return true;
    if (type_is_numeric(from) && type_is_numeric(to))
        return true;
    if (from->kind == TYPE_STRING)
        return type_is_numeric(to) || type_is_datetime(to) || to->kind == TYPE_BINARY ||
               to->kind == TYPE_INTERVAL || to->kind == TYPE_INTERVAL_DT ||
               to->kind == TYPE_INTERVAL_YM;
    if (to->kind == TYPE_STRING)
        return !type_is_nested(from);
    if (type_is_datetime(from) && type_is_datetime(to))
        return true;
    if (from->kind == to->kind &&
        (from->kind == TYPE_INTERVAL_DT || from->kind == TYPE_INTERVAL_YM))
        return true;
    if (from->kind != to->kind || from->field_count != to->field_count || from->field_count == 0)
        return false;
    for (size_t i = 0; i < from->field_count; i++)
        if (!coerce_implicit(from->fields[i].type, to->fields[i].type))
            return false;
    return true;
}
