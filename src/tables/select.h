// SPDX-License-Identifier: Apache-2.0
//
// select: evaluating the items of a SELECT over one row, and aggregates over many. For select*.c
// only.
#ifndef TABLES_SELECT_H
#define TABLES_SELECT_H

#include "tables/tables_int.h"

struct accumulator {
    uint64_t count; // rows, or values that were not null
    bool has_value;
    struct bytes value; // MIN, MAX: the best so far, in the arena
    int128_t sum;
    double real_sum;
};

// The value of `item` for `row` (NULL: no row; columns are null) into *out.
MUST_USE err_t select_eval(const struct plan *plan, const struct select_item *item,
                           const struct read_row *row, const struct term_context *context,
                           const struct accumulator *accumulators, struct bytes *out,
                           struct diag *diag);
// Feeds the aggregates inside `item`.
MUST_USE err_t select_feed(const struct plan *plan, const struct select_item *item,
                           const struct read_row *row, const struct term_context *context,
                           struct accumulator *accumulators, struct diag *diag);

#endif
