// SPDX-License-Identifier: Apache-2.0
//
// plan: what a query does, as a tree of operators from the result down to its tables. Read-only
// once compiled.
#ifndef SQL_BIND_PLAN_H
#define SQL_BIND_PLAN_H

#include "sql/bind/expr.h"

enum plan_kind {
    PLAN_SCAN,
    PLAN_VALUES, // rows known at compile time
    PLAN_RANGE,
    PLAN_FILTER,
    PLAN_PROJECT,
    PLAN_AGGREGATE, // groups, then aggregates; DISTINCT has no aggregates
    PLAN_GENERATE,  // input columns, then those of explode() and the like
    PLAN_WINDOW,    // input columns, then one per window function
    PLAN_SORT,
    PLAN_LIMIT,
    PLAN_UNION,
    PLAN_JOIN, // left columns, then right ones
    PLAN_SET,  // EXCEPT, INTERSECT
};

enum plan_join {
    PLAN_JOIN_INNER,
    PLAN_JOIN_LEFT,
    PLAN_JOIN_RIGHT,
    PLAN_JOIN_FULL,
    PLAN_JOIN_SEMI,
    PLAN_JOIN_ANTI,
};

struct plan {
    enum plan_kind kind;
    struct plan *inputs[2];
    size_t input_count;
    const char **names; // of the output columns
    const struct type **types;
    size_t column_count;
    struct expr *
        *exprs; // FILTER 1, PROJECT, SORT keys, AGGREGATE groups, GENERATE 1, JOIN left keys
    size_t expr_count;
    struct expr **more; // AGGREGATE calls, WINDOW calls, JOIN right keys
    size_t more_count;
    struct expr_order *order; // SORT
    size_t order_count;
    const char *table; // SCAN: as written
    void *table_id;    // SCAN: from the catalogue
    bool *needed;      // SCAN, PROJECT: which columns somebody reads; NULL: all
    uint32_t table_index;
    struct batch values;      // VALUES
    int64_t start, end, step; // RANGE
    int64_t limit, offset;    // LIMIT; -1 = none
    bool outer;               // GENERATE
    enum plan_join join;      // JOIN
    bool null_safe[16];       // JOIN: key i is compared by <=>
    struct expr *condition;   // JOIN: beyond the keys; over left, then right columns
    bool null_aware;          // JOIN ANTI: NOT IN
    bool except, all;         // SET
};

struct plan *plan_new(struct arena *arena, enum plan_kind kind, struct plan *left,
                      struct plan *right);
void plan_columns(struct arena *arena, struct plan *plan, size_t count);
struct plan *plan_project(struct arena *arena, struct plan *input, struct expr **exprs,
                          const char **names, size_t count);
struct plan *plan_filter(struct arena *arena, struct plan *input, struct expr *condition);

#endif
