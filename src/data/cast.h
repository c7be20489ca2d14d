// SPDX-License-Identifier: Apache-2.0
//
// cast: CAST(column AS type) by Spark 3.5's rules, a whole column at a time.
//
// Errors     ERR_TYPE: no such cast (callers ask cast_allowed() at analysis); in ANSI mode
// ERR_INVALID for the first
//            value that does not fit, in Spark's words ("[CAST_INVALID_INPUT] ..."). Otherwise such
//            values are NULL.
#ifndef DATA_CAST_H
#define DATA_CAST_H

#include "data/column.h"
#include "data/zone.h"

struct cast_options {
    const struct zone *zone; // session zone; NULL = UTC
    int64_t now_us;          // for a text that has only a time of day
    bool ansi;               // overflow and bad text are errors, fewer pairs are allowed
    bool try_cast;           // ANSI rules for pairs and values, but NULL instead of an error
};

bool cast_allowed(const struct type *from, const struct type *to, bool ansi);
// Whether a non-null value always stays non-null and unchanged (store assignment, plan
// simplification).
bool cast_widens(const struct type *from, const struct type *to);
// `out` lives in `arena`, or shares the memory of `in` where nothing changes.
MUST_USE err_t cast_column(struct column *out, struct arena *arena, const struct column *in,
                           const struct type *to, const struct cast_options *options,
                           struct diag *diag);
// One value as CAST(value AS STRING) shows it, appended: {1, a}, [1, 2], {k -> v}, null inside
// complex values. What a result prints; `row` must not be null.
void cast_value_text(struct str *out, const struct column *column, size_t row,
                     const struct cast_options *options);

#endif
