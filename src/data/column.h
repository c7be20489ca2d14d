// SPDX-License-Identifier: Apache-2.0
//
// column: a vector of values of one type; batch: columns of equal length. What SQL operators push,
// what JSON is parsed into and what tables take.
//
// Lifetime   everything lives in the batch's arena or in memory that outlives it (a log block).
//            Strings are views: copy what is kept.
// Nulls      valid == NULL means no nulls; else one byte per row, 1 = present. The value slot of a
// null row is
//            zero.
#ifndef DATA_COLUMN_H
#define DATA_COLUMN_H

#include "data/type.h"

__extension__ typedef __int128 int128_t; // decimals up to 38 digits; gcc and clang both have it
__extension__ typedef unsigned __int128 uint128_t;

struct interval {
    int32_t months, days;
    int64_t us;
};

struct column {
    const struct type *type;
    size_t count;
    uint8_t *valid;
    union {
        void *data;
        uint8_t *booleans;          // BOOLEAN 0/1
        int8_t *bytes8;             // BYTE
        int16_t *shorts;            // SHORT
        int32_t *ints;              // INT, DATE, INTERVAL_YM
        int64_t *longs;             // LONG, TIMESTAMP, TIMESTAMP_NTZ, INTERVAL_DT
        float *floats;              // FLOAT
        double *doubles;            // DOUBLE
        int128_t *decimals;         // DECIMAL: unscaled value
        struct bytes *strings;      // STRING, BINARY
        struct interval *intervals; // INTERVAL
        int32_t *offsets;           // ARRAY, MAP: count + 1 offsets into the children
    };
    struct column *children; // ARRAY 1, MAP 2 (keys, values), STRUCT one per field
};

struct batch {
    size_t count; // rows
    size_t column_count;
    struct column *columns;
    const char *const *names; // one per column
};

size_t type_width(const struct type *type); // bytes per value in `data`; 0 for NULL and STRUCT
// A column with room for `count` rows, all present and zero; children of ARRAY and MAP are empty.
void column_init(struct column *column, struct arena *arena, const struct type *type, size_t count);

static inline bool column_is_null(const struct column *column, size_t row)
{
    return column->type->kind == TYPE_NULL || (column->valid && !column->valid[row]);
}

// Marks a row null, making `valid` on first use.
void column_set_null(struct column *column, struct arena *arena, size_t row);
// Rows `rows[0..count)` of `from` (all rows in order when rows is NULL), as a new column.
void column_gather(struct column *out, struct arena *arena, const struct column *from,
                   const uint32_t *rows, size_t count);
// Appends `parts` in order into one column of their common type.
void column_concat(struct column *out, struct arena *arena, const struct column *const *parts,
                   size_t part_count);

#endif
