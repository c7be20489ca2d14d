// SPDX-License-Identifier: Apache-2.0
//
// Queries: WITH, SELECT, set operations, ORDER BY, LIMIT.
#include "sql/parse/parse_int.h"

bool sql_parser__at_query(const struct parser *parser, size_t ahead)
{
    while (sql_parser__is_sign(parser, ahead, "("))
        ahead++;
    return sql_parser__is_word(parser, ahead, "select") ||
           sql_parser__is_word(parser, ahead, "with") ||
           (sql_parser__is_word(parser, ahead, "values") &&
            !sql_parser__is_sign(parser, ahead + 1, ")")) ||
           (sql_parser__is_word(parser, ahead, "from") &&
            !sql_parser__is_sign(parser, ahead + 1, ")") &&
            sql_parser__token(parser, ahead + 1)->kind == TOKEN_WORD);
}

static bool expr_list(struct parser *parser, struct ast ***out, size_t *count)
{
    struct ast_list list = {0};
    do {
        struct ast *node = sql_parser__expr(parser);
        if (!node)
            return false;
        sql_parser__add(parser, &list, node);
    } while (sql_parser__sign(parser, ","));
    *out = (struct ast **)list.items;
    *count = list.count;
    return true;
}

bool sql_parser__order_by(struct parser *parser, struct ast_order **out, size_t *count)
{
    if (!sql_parser__need_word(parser, "order") || !sql_parser__need_word(parser, "by"))
        return false;
    struct ast_list list = {0};
    do {
        struct ast_order *order = ARENA_NEW(parser->arena, struct ast_order);
        order->expr = sql_parser__expr(parser);
        if (!order->expr)
            return false;
        if (sql_parser__word(parser, "desc"))
            order->descending = true;
        else
            (void)sql_parser__word(parser, "asc");
        order->nulls_first = !order->descending;
        if (sql_parser__words(parser, "nulls", "first"))
            order->nulls_first = true;
        else if (sql_parser__words(parser, "nulls", "last"))
            order->nulls_first = false;
        sql_parser__add(parser, &list, order);
    } while (sql_parser__sign(parser, ","));
    *out = ARENA_ARRAY(parser->arena, struct ast_order, list.count);
    *count = list.count;
    for (size_t i = 0; i < list.count; i++)
        (*out)[i] = *(struct ast_order *)list.items[i];
    return true;
}

static bool bound(struct parser *parser, enum ast_bound *out, struct ast **value)
{
    if (sql_parser__words(parser, "unbounded", "preceding")) {
        *out = BOUND_UNBOUNDED_PRECEDING;
        return true;
    }
    if (sql_parser__words(parser, "unbounded", "following")) {
        *out = BOUND_UNBOUNDED_FOLLOWING;
        return true;
    }
    if (sql_parser__words(parser, "current", "row")) {
        *out = BOUND_CURRENT;
        return true;
    }
    *value = sql_parser__value(parser);
    if (!*value)
        return false;
    *out = BOUND_PRECEDING;
    if (sql_parser__word(parser, "preceding"))
        return true;
    *out = BOUND_FOLLOWING;
    return sql_parser__need_word(parser, "following");
}

static bool frame(struct parser *parser, struct ast_window *window)
{
    window->has_frame = true;
    if (sql_parser__word(parser, "between"))
        return bound(parser, &window->from, &window->from_value) &&
               sql_parser__need_word(parser, "and") &&
               bound(parser, &window->to, &window->to_value);
    window->to = BOUND_CURRENT;
    return bound(parser, &window->from, &window->from_value);
}

// w or ([w] [PARTITION BY …] [ORDER BY …] [ROWS | RANGE …])
struct ast_window *sql_parser__window(struct parser *parser)
{
    struct ast_window *window = ARENA_NEW(parser->arena, struct ast_window);
    window->at = sql_parser__token(parser, 0)->at;
    if (!sql_parser__is_sign(parser, 0, "(")) {
        window->name = sql_parser__name(parser, "a window");
        return window->name ? window : NULL;
    }
    parser->at++;
    if ((sql_parser__word(parser, "partition") || sql_parser__word(parser, "distribute")) &&
        (!sql_parser__need_word(parser, "by") ||
         !expr_list(parser, &window->partition, &window->partition_count)))
        return NULL;
    if (sql_parser__is_word(parser, 0, "order") &&
        !sql_parser__order_by(parser, &window->order, &window->order_count))
        return NULL;
    window->range = sql_parser__is_word(parser, 0, "range");
    if ((sql_parser__word(parser, "rows") || sql_parser__word(parser, "range")) &&
        !frame(parser, window))
        return NULL;
    return sql_parser__need_sign(parser, ")") ? window : NULL;
}

static bool windows(struct parser *parser, struct ast_select *select)
{
    struct ast_list list = {0};
    do {
        const char *name = sql_parser__name(parser, "a window name");
        if (!name || !sql_parser__need_word(parser, "as"))
            return false;
        struct ast_window *window = sql_parser__window(parser);
        if (!window)
            return false;
        window->name = name;
        sql_parser__add(parser, &list, window);
    } while (sql_parser__sign(parser, ","));
    select->windows = (struct ast_window **)list.items;
    select->window_count = list.count;
    return true;
}

static bool group_by(struct parser *parser, struct ast_select *select)
{
    select->grouped = true;
    uint32_t at = sql_parser__token(parser, 0)->at;
    if (sql_parser__is_word(parser, 0, "all") &&
        (sql_parser__token(parser, 1)->kind != TOKEN_SIGN || sql_parser__is_sign(parser, 1, ")"))) {
        parser->at++;
        select->group_all = true;
        return true;
    }
    if ((sql_parser__is_word(parser, 0, "rollup") || sql_parser__is_word(parser, 0, "cube") ||
         sql_parser__is_word(parser, 0, "grouping")) &&
        (sql_parser__is_sign(parser, 1, "(") || sql_parser__is_word(parser, 1, "sets"))) {
        sql_parser__fail(parser, at, ERR_UNSUPPORTED,
                         "GROUPING SETS, ROLLUP and CUBE are not supported");
        return false;
    }
    return expr_list(parser, &select->group_by, &select->group_count);
}

static bool select_items(struct parser *parser, struct ast_select *select)
{
    struct ast_list list = {0};
    do {
        struct ast *item = sql_parser__named_expr(parser);
        if (!item)
            return false;
        sql_parser__add(parser, &list, item);
    } while (sql_parser__sign(parser, ","));
    select->items = (struct ast **)list.items;
    select->item_count = list.count;
    return true;
}

static struct ast_select *select_core(struct parser *parser)
{
    struct ast_select *select = ARENA_NEW(parser->arena, struct ast_select);
    select->at = sql_parser__token(parser, 0)->at;
    bool from_first = sql_parser__word(parser, "from");
    if (from_first) {
        select->from = sql_parser__from(parser);
        if (!select->from || !sql_parser__need_word(parser, "select"))
            return NULL;
    } else if (!sql_parser__need_word(parser, "select")) {
        return NULL;
    }
    if (sql_parser__word(parser, "distinct"))
        select->distinct = true;
    else
        (void)sql_parser__word(parser, "all");
    if (!select_items(parser, select))
        return NULL;
    if (!from_first && sql_parser__word(parser, "from")) {
        select->from = sql_parser__from(parser);
        if (!select->from)
            return NULL;
    }
    if (sql_parser__word(parser, "where") && !(select->where = sql_parser__expr(parser)))
        return NULL;
    if (sql_parser__words(parser, "group", "by") && !group_by(parser, select))
        return NULL;
    if (sql_parser__word(parser, "having") && !(select->having = sql_parser__expr(parser)))
        return NULL;
    if (sql_parser__word(parser, "window") && !windows(parser, select))
        return NULL;
    return select;
}

static struct ast_query *query_term(struct parser *parser)
{
    struct ast_query *query = ARENA_NEW(parser->arena, struct ast_query);
    query->at = sql_parser__token(parser, 0)->at;
    if (sql_parser__is_sign(parser, 0, "(")) {
        parser->at++;
        query->inner = sql_parser__query(parser);
        return query->inner && sql_parser__need_sign(parser, ")") ? query : NULL;
    }
    if (sql_parser__is_word(parser, 0, "values")) {
        query->values = sql_parser__values(parser);
        return query->values ? query : NULL;
    }
    query->select = select_core(parser);
    return query->select ? query : NULL;
}

static bool set_operator(struct parser *parser, bool intersect, enum ast_set *out)
{
    bool all;
    if (intersect) {
        if (!sql_parser__word(parser, "intersect"))
            return false;
        all = sql_parser__word(parser, "all");
        *out = all ? SET_INTERSECT_ALL : SET_INTERSECT;
    } else if (sql_parser__word(parser, "union")) {
        all = sql_parser__word(parser, "all");
        *out = all ? SET_UNION_ALL : SET_UNION;
    } else if (sql_parser__word(parser, "except") || sql_parser__word(parser, "minus")) {
        all = sql_parser__word(parser, "all");
        *out = all ? SET_EXCEPT_ALL : SET_EXCEPT;
    } else {
        return false;
    }
    if (!all)
        (void)sql_parser__word(parser, "distinct");
    return true;
}

static struct ast_query *set_level(struct parser *parser, bool intersect)
{
    struct ast_query *left = intersect ? query_term(parser) : set_level(parser, true);
    enum ast_set set = SET_NONE;
    while (left && set_operator(parser, intersect, &set)) {
        struct ast_query *query = ARENA_NEW(parser->arena, struct ast_query);
        query->at = left->at;
        query->set = set;
        query->left = left;
        if (!sql_parser__enter(parser))
            return NULL;
        query->right = intersect ? query_term(parser) : set_level(parser, true);
        sql_parser__leave(parser);
        left = query->right ? query : NULL;
    }
    return left;
}

static bool ctes(struct parser *parser, struct ast_query *query)
{
    struct ast_list list = {0};
    (void)sql_parser__word(parser, "recursive");
    do {
        struct ast_cte *cte = ARENA_NEW(parser->arena, struct ast_cte);
        struct ast_list columns = {0};
        cte->name = sql_parser__name(parser, "a name");
        if (!cte->name)
            return false;
        if (sql_parser__sign(parser, "(")) {
            do {
                const char *name = sql_parser__name(parser, "a column name");
                if (!name)
                    return false;
                sql_parser__add(parser, &columns, (void *)(uintptr_t)name);
            } while (sql_parser__sign(parser, ","));
            if (!sql_parser__need_sign(parser, ")"))
                return false;
        }
        cte->columns = (const char **)columns.items;
        cte->column_count = columns.count;
        (void)sql_parser__word(parser, "as");
        if (!sql_parser__need_sign(parser, "(") || !(cte->query = sql_parser__query(parser)) ||
            !sql_parser__need_sign(parser, ")"))
            return false;
        sql_parser__add(parser, &list, cte);
    } while (sql_parser__sign(parser, ","));
    query->ctes = ARENA_ARRAY(parser->arena, struct ast_cte, list.count);
    query->cte_count = list.count;
    for (size_t i = 0; i < list.count; i++)
        query->ctes[i] = *(struct ast_cte *)list.items[i];
    return true;
}

struct ast_query *sql_parser__query(struct parser *parser)
{
    if (!sql_parser__enter(parser))
        return NULL;
    struct ast_query *with = ARENA_NEW(parser->arena, struct ast_query);
    if (sql_parser__word(parser, "with") && !ctes(parser, with))
        return NULL;
    struct ast_query *body = set_level(parser, false);
    if (!body)
        return NULL;
    struct ast_query *query = ARENA_NEW(parser->arena, struct ast_query);
    query->at = body->at;
    query->whole = true;
    query->inner = body;
    query->ctes = with->ctes;
    query->cte_count = with->cte_count;
    if (sql_parser__is_word(parser, 0, "order") &&
        !sql_parser__order_by(parser, &query->order, &query->order_count))
        return NULL;
    if (sql_parser__is_word(parser, 0, "sort") || sql_parser__is_word(parser, 0, "cluster") ||
        sql_parser__is_word(parser, 0, "distribute"))
        return sql_parser__fail(parser, sql_parser__token(parser, 0)->at, ERR_UNSUPPORTED,
                                "SORT BY, CLUSTER BY and DISTRIBUTE BY are not supported");
    if (sql_parser__word(parser, "limit") && !sql_parser__word(parser, "all") &&
        !(query->limit = sql_parser__expr(parser)))
        return NULL;
    if (sql_parser__word(parser, "offset") && !(query->offset = sql_parser__expr(parser)))
        return NULL;
    sql_parser__leave(parser);
    return query;
}

err_t parse_query(struct ast_query **out, struct arena *arena, struct bytes statement,
                  struct diag *diag)
{
    struct parser parser = {.arena = arena, .diag = diag};
    TRY(lex(&parser.tokens, arena, statement, diag));
    struct ast_query *query = sql_parser__query(&parser);
    if (query) {
        while (sql_parser__sign(&parser, ";"))
            ;
        if (sql_parser__token(&parser, 0)->kind != TOKEN_END)
            query = sql_parser__expected(&parser, "the end of the statement");
    }
    *out = query;
    return parser.err;
}

err_t parse_expression(struct ast **out, struct arena *arena, struct bytes text, struct diag *diag)
{
    struct parser parser = {.arena = arena, .diag = diag};
    TRY(lex(&parser.tokens, arena, text, diag));
    struct ast *node = sql_parser__expr(&parser);
    if (node && sql_parser__token(&parser, 0)->kind != TOKEN_END)
        node = sql_parser__expected(&parser, "the end of the expression");
    *out = node;
    return parser.err;
}
