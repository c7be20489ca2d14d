// SPDX-License-Identifier: Apache-2.0
//
// bind_int: what the binder's files share: the scope names are looked up in, and how a call is
// converted.
//
// A rule returns its result, or NULL after binder__fail(); callers pass NULL up. The first failure
// wins.
#ifndef SQL_BIND_BIND_INT_H
#define SQL_BIND_BIND_INT_H

#include "sql/bind/bind.h"
#include "sql/bind/coerce.h"
#include "sql/exec/builder.h"
#include "sql/bind/expr.h"
#include "sql/function/function.h"
#include "sql/parse/ast.h"

#define BINDER_DEPTH_MAX 1000

struct scope_column {
    const char *qualifier; // table or alias; NULL
    const char *name;
    const struct type *type;
    uint32_t slot;
    bool hidden; // not in *: the second side of USING
};

// Another name for a bound expression: an output column seen by ORDER BY, GROUP BY, HAVING.
struct scope_alias {
    const char *name;
    struct expr *expr;
};

struct scope {
    struct scope_column *columns;
    size_t count;
    const struct scope_alias *aliases;
    size_t alias_count;
    bool aliases_first;
    bool aggregates, windows, generators; // what may stand here
    const char *place;                    // "WHERE": for the message when it may not
    const struct ast_select *select;      // whose WINDOW clause holds
    const struct scope *outer;            // of a correlated subquery
    bool outer_used;
};

struct lambda_scope {
    const char **names;
    const uint32_t *slots;
    const struct type **types;
    size_t count;
    const struct lambda_scope *outer;
};

struct cte_scope {
    const struct ast_cte *cte;
    const struct cte_scope *outer;
};

struct binder {
    struct arena *arena;
    struct diag *diag;
    struct bytes statement;
    const struct sql_catalog *catalog;
    const struct session *session;
    bool case_sensitive;
    err_t err;
    int depth;
    struct scope *scope;
    const struct lambda_scope *lambdas;
    const struct cte_scope *ctes;
    int state_count;
    uint32_t param_count;
    bool in_aggregate;    // below an aggregate function
    struct plan **tables; // scans, in order of appearance
    size_t table_count, table_capacity;
    struct expr **subqueries;
    size_t subquery_count, subquery_capacity;
};

void *binder__fail(struct binder *binder, uint32_t at, err_t code, const char *format, ...)
    PRINTF_LIKE(4, 5);
bool binder__enter(struct binder *binder, uint32_t at);
bool binder__same_name(const struct binder *binder, const char *a, const char *b);
const char *binder__type_text(struct binder *binder, const struct type *type);

struct expr *binder__expr(struct binder *binder, const struct ast *ast);
struct expr *binder__name(struct binder *binder, const struct ast *ast);
// The nearest known name in " Did you mean …?" form, or "".
const char *binder__suggest(struct binder *binder, const char *name);
struct expr *binder__literal(struct binder *binder, const struct ast *ast);
struct expr *binder__interval(struct binder *binder, const struct ast *ast);
struct expr *binder__field(struct binder *binder, struct expr *base, const char *name, uint32_t at);
struct expr *binder__call(struct binder *binder, const struct ast *ast);
// A call of a catalogue function with bound arguments.
struct expr *binder__make(struct binder *binder, const char *name, uint32_t at, size_t count, ...);
struct expr *binder__resolve(struct binder *binder, struct expr *call);
struct expr *binder__lambda(struct binder *binder, const struct ast *ast,
                            const struct type *const *types, size_t count);
struct expr *binder__lambda_call(struct binder *binder, const struct ast *ast,
                                 const struct sql_function *function);
bool binder__is_lambda_function(const char *name);
struct expr_window *binder__window(struct binder *binder, const struct ast_window *ast,
                                   const struct expr *call);
// Converts argument `index` implicitly.
bool binder__convert(struct binder *binder, struct expr *call, size_t index,
                     const struct type *type);
// Brings args [from, to) to their common type and returns it.
const struct type *binder__common(struct binder *binder, struct expr *call, size_t from, size_t to);
// The value of a constant expression: one row.
bool binder__value(struct binder *binder, const struct expr *expr, struct column *out);
struct expr *binder__fold(struct binder *binder, struct expr *expr);
struct expr *binder__text_literal(struct binder *binder, const char *text, uint32_t at);
struct expr *binder__int_literal(struct binder *binder, int32_t value, uint32_t at);
struct expr *binder__done(struct binder *binder, struct expr *call, const struct type *type);

struct plan *binder__query(struct binder *binder, const struct ast_query *query,
                           struct scope *scope);
struct plan *binder__from(struct binder *binder, const struct ast_relation *relation,
                          struct scope *scope);
struct plan *binder__select(struct binder *binder, const struct ast_select *select,
                            const struct ast_query *tail, struct scope *scope);
struct plan *binder__from_where(struct binder *binder, const struct ast_select *select,
                                struct scope *scope);
struct plan *binder__distinct(struct binder *binder, struct plan *plan);
// Makes sure a condition is BOOLEAN.
bool binder__condition(struct binder *binder, struct expr **condition);
// GROUP BY window(…): makes `window` known; sliding windows multiply the rows.
bool binder__time_windows(struct binder *binder, const struct ast_select *select,
                          struct plan **plan, struct scope *scope);
// Names and types of a plan as a scope.
void binder__scope_of(struct binder *binder, struct scope *scope, const struct plan *plan,
                      const char *qualifier);
struct plan *binder__aggregate(struct binder *binder, struct plan *input, struct expr **groups,
                               size_t group_count, struct expr **outputs, size_t output_count);
struct plan *binder__generate(struct binder *binder, struct plan *input, struct expr *call,
                              bool outer);
struct plan *binder__windows(struct binder *binder, struct plan *input, struct expr **outputs,
                             size_t output_count);

#endif
