// SPDX-License-Identifier: Apache-2.0
//
// bind: syntax tree -> plan: names become slots, calls catalogue functions, every value gets a
// type.
//
// Errors     ERR_TYPE, ERR_NOT_FOUND, ERR_INVALID, ERR_UNSUPPORTED with line, column and a caret.
#ifndef SQL_BIND_BIND_H
#define SQL_BIND_BIND_H

#include "sql/bind/plan.h"
#include "sql/exec/eval.h"
#include "sql/parse/ast.h"

struct sql_catalog;

struct bound {
    struct plan *plan;
    struct plan **tables; // the scans
    size_t table_count;
    struct expr **subqueries;
    size_t subquery_count;
    size_t state_count, param_count;
};

MUST_USE err_t bind_query(struct bound *out, struct arena *arena, const struct ast_query *query,
                          const struct sql_catalog *catalog, const struct session *session,
                          bool case_sensitive, struct diag *diag);

#endif
