// SPDX-License-Identifier: Apache-2.0
//
// cast_int: what the files of cast share. A kernel fills `out` (made with zeros and the input's
// nulls) for every row that is present, and calls cast__bad() for a value that does not fit.
#ifndef DATA_CAST_INT_H
#define DATA_CAST_INT_H

#include "data/cast.h"
#include "data/datetime.h"

struct cast {
    struct column *out;
    struct arena *arena;
    const struct column *in;
    const struct type *to;
    const struct cast_options *options;
    const struct zone *zone;
    bool ansi; // strict rules (also for try_cast)
    struct diag *diag;
};

// The row becomes null, or the cast fails with Spark's words.
err_t cast__bad(struct cast *cast, size_t row);

err_t cast__from_text(struct cast *cast);
err_t cast__from_whole(struct cast *cast, const int64_t *values); // BOOLEAN, BYTE .. LONG, widened
err_t cast__from_double(struct cast *cast, const double *values); // FLOAT, DOUBLE
err_t cast__from_decimal(struct cast *cast);
err_t cast__from_time(struct cast *cast); // DATE, TIMESTAMP, TIMESTAMP_NTZ
err_t cast__from_interval(struct cast *cast);
err_t cast__to_text(struct cast *cast);
err_t cast__to_binary(struct cast *cast, const int64_t *values);

// Microseconds per unit of an INTERVAL_DT.
int64_t cast__unit_us(int unit);

#define CAST_ROWS(cast, row)                             \
    for (size_t row = 0; row < (cast)->in->count; row++) \
        if (!column_is_null((cast)->in, row))

#endif
