// SPDX-License-Identifier: Apache-2.0
//
// value: one value of a column against another: order, equality, hash, and bytes.
//
// The order is Spark's: null first, NaN above all numbers and equal to itself, -0.0 equal to 0.0,
// false before true, strings by bytes. Both columns must have the same type.
#ifndef SQL_EXEC_VALUE_H
#define SQL_EXEC_VALUE_H

#include "base/str.h"
#include "data/column.h"
#include "sql/exec/builder.h"

int value_compare(const struct column *a, size_t i, const struct column *b, size_t j);
static inline bool value_equal(const struct column *a, size_t row_a, const struct column *b,
                               size_t row_b)
{
    return value_compare(a, row_a, b, row_b) == 0;
}
uint64_t value_hash(const struct column *column, size_t row);

// Appends the value as bytes: equal values give equal bytes (-0.0 and NaN are normalised). Kept in
// state, so the form must not change: a null byte, then fixed-width little-endian, or a length and
// bytes, or the parts.
void value_encode(struct str *out, const struct column *column, size_t row);
// Reads one value off `*in` into the builder; false when the bytes are damaged.
bool value_decode(struct bytes *in, struct builder *builder);

#endif
