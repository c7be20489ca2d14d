// SPDX-License-Identifier: Apache-2.0
//
// coerce: Spark's implicit type conversions (TypeCoercion, the non-ANSI rules): which type two
// values meet at. NULL means there is none.
#ifndef SQL_BIND_COERCE_H
#define SQL_BIND_COERCE_H

#include "data/column.h"

static inline bool type_is_integral(const struct type *type)
{
    return type->kind >= TYPE_BYTE && type->kind <= TYPE_LONG;
}

static inline bool type_is_numeric(const struct type *type)
{
    return type->kind >= TYPE_BYTE && type->kind <= TYPE_DECIMAL;
}

static inline bool type_is_datetime(const struct type *type)
{
    return type->kind >= TYPE_DATE && type->kind <= TYPE_TIMESTAMP_NTZ;
}

static inline bool type_is_interval(const struct type *type)
{
    return type->kind >= TYPE_INTERVAL_YM && type->kind <= TYPE_INTERVAL;
}

static inline bool type_is_nested(const struct type *type)
{
    return type->kind >= TYPE_ARRAY;
}

bool coerce_orderable(const struct type *type); // no map inside, no calendar interval
// DECIMAL wide enough for an integral type.
const struct type *coerce_decimal_of(struct arena *arena, const struct type *type);
// Without loss, without strings: UNION's and the comparison's first choice.
const struct type *coerce_tightest(struct arena *arena, const struct type *a, const struct type *b);
// coalesce, CASE, array(), UNION: strings too.
const struct type *coerce_wider(struct arena *arena, const struct type *a, const struct type *b);
// The type both sides of = < … are compared at.
const struct type *coerce_comparison(struct arena *arena, const struct type *a,
                                     const struct type *b);
// Whether an argument of type `from` is taken where `to` is expected.
bool coerce_implicit(const struct type *from, const struct type *to);

#endif
