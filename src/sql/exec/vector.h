// SPDX-License-Identifier: Apache-2.0
//
// vector: a column as an expression sees it: all rows, or one value that stands for all of them.
#ifndef SQL_EXEC_VECTOR_H
#define SQL_EXEC_VECTOR_H

#include "data/column.h"

struct vector {
    struct column column;
    bool constant; // one row, standing for every row
};

// Where row `row` of the vector is in its column.
static inline size_t vector_at(const struct vector *vector, size_t row)
{
    return vector->constant ? 0 : row;
}

static inline bool vector_null(const struct vector *vector, size_t row)
{
    return column_is_null(&vector->column, vector_at(vector, row));
}

static inline struct bytes vector_text(const struct vector *vector, size_t row)
{
    return vector->column.strings[vector_at(vector, row)];
}

static inline int32_t vector_int(const struct vector *vector, size_t row)
{
    return vector->column.ints[vector_at(vector, row)];
}

static inline int64_t vector_long(const struct vector *vector, size_t row)
{
    return vector->column.longs[vector_at(vector, row)];
}

static inline double vector_double(const struct vector *vector, size_t row)
{
    return vector->column.doubles[vector_at(vector, row)];
}

static inline bool vector_bool(const struct vector *vector, size_t row)
{
    return vector->column.booleans[vector_at(vector, row)] != 0;
}

// The vector as a column of `count` rows.
void vector_flatten(struct column *out, struct arena *arena, const struct vector *vector,
                    size_t count);

#endif
