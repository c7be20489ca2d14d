// SPDX-License-Identifier: Apache-2.0
//
// ast: what the parser makes of a statement. Operators, CASE and the special forms are calls with
// the operator's own name ("+", "and", "case"), so the binder has one path for all of them.
//
// Lifetime   lives in the statement's arena; texts are copies or views of the statement.
#ifndef SQL_PARSE_AST_H
#define SQL_PARSE_AST_H

#include "data/column.h"

enum ast_kind {
    AST_LITERAL,  // `type` and `number`/`real`/`text`
    AST_TYPED,    // DATE'…': `name` is the upper-case word, `text` what the quotes held
    AST_INTERVAL, // INTERVAL …: args are (literal text or expression), `units` one per arg
    AST_NAME,     // a.b.c in `parts`
    AST_STAR,     // `parts` are the qualifier
    AST_CALL,     // `name`(args)
    AST_CAST,     // args[0] AS `type`; name "cast", "try_cast" or "::"
    AST_LAMBDA,   // `parts` -> args[0]
    AST_FIELD,    // args[0].`name`
    AST_ALIAS,    // args[0] AS `parts`
    AST_SUBQUERY, // scalar; `name` "exists" for EXISTS, "in" for args[0] IN (query)
};

struct ast_query;
struct ast_window;

// The value of a literal; which member holds is told by `type`.
struct ast {
    enum ast_kind kind;
    uint32_t at;       // offset of its first byte in the statement
    const char *name;  // lower case
    const char *shown; // CALL: the name as written
    const struct type *type;
    int128_t number; // integers and decimals (unscaled), booleans
    double real;
    struct bytes text;
    const char **parts;
    size_t part_count;
    struct ast **args;
    size_t arg_count;
    const char **units;       // INTERVAL
    bool distinct;            // CALL
    bool ignore_nulls;        // CALL
    struct ast *filter;       // CALL … FILTER (WHERE …)
    struct ast_window *over;  // CALL … OVER …
    struct ast_query *query;  // SUBQUERY
    struct ast_order *within; // CALL … WITHIN GROUP (ORDER BY …)
    size_t within_count;
};

struct ast_order {
    struct ast *expr;
    bool descending;
    bool nulls_first;
};

enum ast_bound {
    BOUND_UNBOUNDED_PRECEDING,
    BOUND_PRECEDING,
    BOUND_CURRENT,
    BOUND_FOLLOWING,
    BOUND_UNBOUNDED_FOLLOWING,
};

struct ast_window {
    uint32_t at;
    const char *name; // OVER w, or the name it is declared with
    struct ast **partition;
    size_t partition_count;
    struct ast_order *order;
    size_t order_count;
    bool has_frame, range;
    enum ast_bound from, to;
    struct ast *from_value, *to_value;
};

enum ast_relation_kind {
    RELATION_TABLE,
    RELATION_QUERY,
    RELATION_VALUES,
    RELATION_FUNCTION, // range(…), explode(…)
    RELATION_JOIN,
    RELATION_LATERAL_VIEW, // left LATERAL VIEW [OUTER] f(…) alias AS a, b
};

enum ast_join {
    JOIN_INNER,
    JOIN_LEFT,
    JOIN_RIGHT,
    JOIN_FULL,
    JOIN_CROSS,
    JOIN_SEMI,
    JOIN_ANTI,
};

struct ast_relation {
    enum ast_relation_kind kind;
    uint32_t at;
    const char *alias;
    const char **columns; // AS t(a, b)
    size_t column_count;
    const char **parts; // TABLE
    size_t part_count;
    struct ast_query *query;
    bool lateral;
    struct ast *
        *rows; // VALUES: a call "struct" or a single value each; FUNCTION: rows[0] is the call
    size_t row_count;
    enum ast_join join;
    struct ast_relation *left, *right;
    struct ast *on;
    const char **using_columns;
    size_t using_count;
    bool natural;
    bool outer; // LATERAL_VIEW
};

struct ast_select {
    uint32_t at;
    bool distinct;
    struct ast **items;
    size_t item_count;
    struct ast_relation *from;
    struct ast *where;
    struct ast **group_by;
    size_t group_count;
    bool group_all, grouped;
    struct ast *having;
    struct ast_window **windows;
    size_t window_count;
};

enum ast_set {
    SET_NONE, // a select, VALUES or a query in parentheses
    SET_UNION_ALL,
    SET_UNION,
    SET_EXCEPT,
    SET_EXCEPT_ALL,
    SET_INTERSECT,
    SET_INTERSECT_ALL,
};

struct ast_cte {
    const char *name;
    const char **columns;
    size_t column_count;
    struct ast_query *query;
};

struct ast_query {
    uint32_t at;
    bool whole; // with its own WITH, ORDER BY and LIMIT around `inner`
    struct ast_cte *ctes;
    size_t cte_count;
    enum ast_set set;
    struct ast_query *left, *right; // set operations
    struct ast_select *select;      // SET_NONE, one of these
    struct ast_relation *values;
    struct ast_query *inner;
    struct ast_order *order;
    size_t order_count;
    struct ast *limit, *offset;
};

#endif
