// SPDX-License-Identifier: Apache-2.0
//
// function: the catalogue of SQL functions (operators too). The rows live in
// schema/sql/functions.tbl; tools/gen_sql.c makes the table and its dispatch.
#ifndef SQL_FUNCTION_FUNCTION_H
#define SQL_FUNCTION_FUNCTION_H

#include "sql/exec/eval.h"

struct binder;
struct aggregate;
struct generator;

// One call of a kernel: all arguments are evaluated, `out` is prepared: `count` rows of the result
// type (lists are empty: a kernel that makes them replaces *out), null wherever an argument is null
// unless FUNCTION_NULLS.
struct call {
    struct eval *eval;
    const struct expr *expr;
    size_t count;
    const struct vector *args;
    size_t arg_count;
    struct column *out;
};

typedef err_t kernel_fn(struct call *call);
// Evaluates its arguments itself (CASE, AND, lambdas).
typedef err_t lazy_fn(struct eval *eval, const struct expr *expr, const struct frame *frame,
                      struct vector *out);
// Checks and converts the arguments of `expr` and sets its type; may put another expression in its
// place. NULL after binder__fail().
typedef struct expr *bind_fn(struct binder *binder, struct expr *expr);

enum function_flags {
    FUNCTION_NULLS = 1,    // the kernel sees null arguments
    FUNCTION_VOLATILE = 2, // another value each time; never folded
    FUNCTION_WINDOW = 4,   // only with OVER
    FUNCTION_RUN = 8,      // the same for all rows of a run, not known at compile time
};

struct sql_function {
    const char *name;
    const char *display;
    const char *args;   // see functions.tbl
    const char *result; // type text, or rule; NULL when `bind` does it
    bind_fn *bind;
    kernel_fn *kernel;
    lazy_fn *lazy;
    const struct aggregate *aggregate;
    const struct generator *generator;
    unsigned flags;
};

extern const struct sql_function sql_functions[]; // sorted by name
extern const size_t sql_function_count;

const struct sql_function *sql_function_find(const char *name); // NULL if absent
// The known name nearest to a misspelt one; NULL when none is near.
const char *sql_function_near(const char *name);

// For kernels.
#define CALL_ROWS(call, i)                     \
    for (size_t i = 0; i < (call)->count; i++) \
        if (!column_is_null((call)->out, i))

void call_null(struct call *call, size_t row);
err_t call_fail(const struct call *call, err_t code, const char *format, ...) PRINTF_LIKE(3, 4);
// Refuses (ERR_OVERLOADED) when the values of this batch and `more` bytes pass the memory of the
// run: for kernels whose results are larger than their arguments.
MUST_USE err_t call_room(const struct call *call, size_t more);
static inline struct arena *call_arena(const struct call *call)
{
    return call->eval->arena;
}
// Memory of this call site that lives as long as the run; zeroed the first time.
void *call_state(const struct call *call, size_t size);
struct arena *call_run_arena(const struct call *call);

#endif
