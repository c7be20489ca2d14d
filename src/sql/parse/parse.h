// SPDX-License-Identifier: Apache-2.0
//
// parse: Spark SQL text -> syntax tree (sql/parse/ast.h).
//
// Errors     ERR_SYNTAX with line, column, the source line and a caret; ERR_TOO_LARGE.
// Bounds     1 MiB of text, 200 levels of nesting.
#ifndef SQL_PARSE_PARSE_H
#define SQL_PARSE_PARSE_H

#include "sql/parse/ast.h"

#define PARSE_DEPTH_MAX 200

// One query, with an optional ';' behind it. The tree lives in `arena` and points into `statement`.
MUST_USE err_t parse_query(struct ast_query **out, struct arena *arena, struct bytes statement,
                           struct diag *diag);
// One expression on its own.
MUST_USE err_t parse_expression(struct ast **out, struct arena *arena, struct bytes text,
                                struct diag *diag);

#endif
