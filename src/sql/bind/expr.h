// SPDX-License-Identifier: Apache-2.0
//
// expr: a bound expression: every name is a slot, every call a function of the catalogue, every
// value has a type.
//
// A slot is a column of the input batch or, above those, a parameter of a lambda. Read-only once
// compiled; what changes while running is found through `state`.
#ifndef SQL_BIND_EXPR_H
#define SQL_BIND_EXPR_H

#include "base/str.h"
#include "data/column.h"

enum expr_kind {
    EXPR_LITERAL,
    EXPR_SLOT,
    EXPR_CALL, // of a scalar, aggregate, window or generator function
    EXPR_CAST,
    EXPR_LAMBDA,
    EXPR_SUBQUERY, // one value, computed before the first row
};

struct sql_function;
struct plan;

#define SLOT_PARAM (1U << 20) // slots from here on are parameters of lambdas

struct expr_order {
    struct expr *expr;
    bool descending, nulls_first;
};

enum frame_bound {
    FRAME_UNBOUNDED_PRECEDING,
    FRAME_PRECEDING,
    FRAME_CURRENT,
    FRAME_FOLLOWING,
    FRAME_UNBOUNDED_FOLLOWING,
};

struct expr_window {
    struct expr **partition;
    size_t partition_count;
    struct expr_order *order;
    size_t order_count;
    bool range;
    enum frame_bound from, to;
    int64_t from_value, to_value;
};

struct expr {
    enum expr_kind kind;
    uint32_t at; // offset in the statement
    const struct type *type;
    struct column literal; // LITERAL: one row
    uint32_t slot;         // SLOT; CALL of get_field: the field's number
    const char *name; // SLOT: the column's name; LITERAL: how it is shown when not as its value
    const struct sql_function *function;
    struct expr **args; // CALL, CAST (1), LAMBDA (1: the body)
    size_t arg_count;
    const uint32_t *params; // LAMBDA: the slots of its parameters
    size_t param_count;
    const void *extra;   // CALL: made by the function's binder
    const char *display; // CALL: template that overrides the function's
    int state;           // CALL: index of its run state
    bool user_cast, try_cast;
    bool field; // CALL of get_field: named by its field at the top
    bool distinct, ignore_nulls;
    struct expr *filter;
    struct expr_window *window;
    struct plan *plan;     // SUBQUERY
    const uint32_t *slots; // every slot it reads but those of its own lambdas, ascending
    size_t slot_count;
    bool volatile_;     // may give another value for the same arguments
    bool has_aggregate; // itself or below, outside a window
    bool has_window;
    bool has_generator;
};

// Computes what is known from the arguments (slots, has_…). Call once args are set.
void expr_finish(struct arena *arena, struct expr *expr);
struct expr *expr_literal(struct arena *arena, const struct type *type, uint32_t at);
struct expr *expr_slot(struct arena *arena, uint32_t slot, const struct type *type,
                       const char *name, uint32_t at);
struct expr *expr_cast(struct arena *arena, struct expr *from, const struct type *to);
bool expr_equal(const struct expr *a, const struct expr *b);
bool expr_is_null_literal(const struct expr *expr);
// The text of a STRING literal; false when it is something else or NULL.
bool expr_text(const struct expr *expr, struct bytes *out);
bool expr_long(const struct expr *expr, int64_t *out); // of an integral literal

// The column name Spark gives the expression: "sum(x)", "(a + 1)".
void expr_name(struct str *out, const struct expr *expr);
const char *expr_column_name(struct arena *arena, const struct expr *expr);

#endif
