// SPDX-License-Identifier: Apache-2.0
//
// FROM: tables, subqueries, VALUES, table functions, joins and LATERAL VIEW.
#include "sql/parse/parse_int.h"

static struct ast_relation *relation(struct parser *parser, enum ast_relation_kind kind,
                                     uint32_t at)
{
    struct ast_relation *node = ARENA_NEW(parser->arena, struct ast_relation);
    node->kind = kind;
    node->at = at;
    return node;
}

static bool names_in_parentheses(struct parser *parser, const char ***out, size_t *count)
{
    struct ast_list names = {0};
    do {
        const char *name = sql_parser__name(parser, "a column name");
        if (!name)
            return false;
        sql_parser__add(parser, &names, (void *)(uintptr_t)name);
    } while (sql_parser__sign(parser, ","));
    *out = (const char **)names.items;
    *count = names.count;
    return sql_parser__need_sign(parser, ")");
}

static struct ast_relation *alias(struct parser *parser, struct ast_relation *node)
{
    if (!node)
        return NULL;
    if (sql_parser__word(parser, "as") || sql_parser__at_alias(parser, true)) {
        node->alias = sql_parser__name(parser, "an alias");
        if (!node->alias)
            return NULL;
    }
    if (node->alias && sql_parser__sign(parser, "(") &&
        !names_in_parentheses(parser, &node->columns, &node->column_count))
        return NULL;
    return node;
}

struct ast_relation *sql_parser__values(struct parser *parser)
{
    struct ast_relation *node = relation(parser, RELATION_VALUES, sql_parser__token(parser, 0)->at);
    parser->at++;
    struct ast_list rows = {0};
    do {
        struct ast *row = sql_parser__expr(parser);
        if (!row)
            return NULL;
        sql_parser__add(parser, &rows, row);
    } while (sql_parser__sign(parser, ","));
    node->rows = (struct ast **)rows.items;
    node->row_count = rows.count;
    return alias(parser, node);
}

static struct ast_relation *parenthesis(struct parser *parser, uint32_t at)
{
    parser->at++;
    struct ast_relation *node;
    if (sql_parser__at_query(parser, 0)) {
        node = relation(parser, RELATION_QUERY, at);
        node->query = sql_parser__query(parser);
        if (!node->query)
            return NULL;
    } else {
        node = sql_parser__from(parser);
        if (!node)
            return NULL;
    }
    return sql_parser__need_sign(parser, ")") ? alias(parser, node) : NULL;
}

static struct ast_relation *table(struct parser *parser, uint32_t at)
{
    struct ast_relation *node = relation(parser, RELATION_TABLE, at);
    struct ast_list parts = {0};
    do {
        const char *part = sql_parser__name(parser, "a table");
        if (!part)
            return NULL;
        sql_parser__add(parser, &parts, (void *)(uintptr_t)part);
    } while (sql_parser__sign(parser, "."));
    node->parts = (const char **)parts.items;
    node->part_count = parts.count;
    return alias(parser, node);
}

static struct ast_relation *primary(struct parser *parser)
{
    uint32_t at = sql_parser__token(parser, 0)->at;
    bool lateral =
        sql_parser__is_word(parser, 0, "lateral") && !sql_parser__is_word(parser, 1, "view");
    if (lateral)
        parser->at++;
    struct ast_relation *node;
    if (sql_parser__is_sign(parser, 0, "(")) {
        node = parenthesis(parser, at);
    } else if (sql_parser__is_word(parser, 0, "values") && !sql_parser__is_sign(parser, 1, ".")) {
        node = sql_parser__values(parser);
    } else if (sql_parser__token(parser, 0)->kind == TOKEN_WORD &&
               sql_parser__is_sign(parser, 1, "(")) {
        node = relation(parser, RELATION_FUNCTION, at);
        node->rows = ARENA_ARRAY(parser->arena, struct ast *, 1);
        node->rows[0] = sql_parser__primary(parser);
        node->row_count = 1;
        node = node->rows[0] ? alias(parser, node) : NULL;
    } else {
        node = table(parser, at);
    }
    if (node)
        node->lateral = lateral;
    return node;
}

static struct ast_relation *lateral_view(struct parser *parser, struct ast_relation *left)
{
    struct ast_relation *node =
        relation(parser, RELATION_LATERAL_VIEW, sql_parser__token(parser, 0)->at);
    parser->at += 2;
    node->left = left;
    node->outer = sql_parser__word(parser, "outer");
    node->rows = ARENA_ARRAY(parser->arena, struct ast *, 1);
    node->rows[0] = sql_parser__primary(parser);
    node->row_count = 1;
    if (!node->rows[0])
        return NULL;
    if (sql_parser__at_alias(parser, true) && !sql_parser__is_word(parser, 0, "as"))
        node->alias = sql_parser__name(parser, "an alias");
    if (sql_parser__word(parser, "as")) {
        struct ast_list names = {0};
        do {
            const char *name = sql_parser__name(parser, "a column name");
            if (!name)
                return NULL;
            sql_parser__add(parser, &names, (void *)(uintptr_t)name);
        } while (sql_parser__sign(parser, ","));
        node->columns = (const char **)names.items;
        node->column_count = names.count;
    }
    return parser->err ? NULL : node;
}

// Takes the words in front of JOIN; false when there is no join.
static bool join_kind(struct parser *parser, struct ast_relation *node)
{
    size_t back = parser->at;
    node->natural = sql_parser__word(parser, "natural");
    node->join = JOIN_INNER;
    if (sql_parser__word(parser, "cross")) {
        node->join = JOIN_CROSS;
    } else if (sql_parser__word(parser, "inner")) {
        node->join = JOIN_INNER;
    } else if (sql_parser__word(parser, "full")) {
        node->join = JOIN_FULL;
        (void)sql_parser__word(parser, "outer");
    } else if (sql_parser__word(parser, "right")) {
        node->join = JOIN_RIGHT;
        (void)sql_parser__word(parser, "outer");
    } else {
        bool left = sql_parser__word(parser, "left");
        if (sql_parser__word(parser, "semi"))
            node->join = JOIN_SEMI;
        else if (sql_parser__word(parser, "anti"))
            node->join = JOIN_ANTI;
        else if (left) {
            node->join = JOIN_LEFT;
            (void)sql_parser__word(parser, "outer");
        }
    }
    if (sql_parser__word(parser, "join"))
        return true;
    parser->at = back;
    return false;
}

static struct ast_relation *join_tail(struct parser *parser, struct ast_relation *left)
{
    while (left) {
        uint32_t at = sql_parser__token(parser, 0)->at;
        if (sql_parser__is_word(parser, 0, "pivot") || sql_parser__is_word(parser, 0, "unpivot") ||
            sql_parser__is_word(parser, 0, "tablesample"))
            return sql_parser__fail(parser, at, ERR_UNSUPPORTED,
                                    "PIVOT, UNPIVOT and TABLESAMPLE are not supported");
        if (sql_parser__is_word(parser, 0, "lateral") && sql_parser__is_word(parser, 1, "view")) {
            left = lateral_view(parser, left);
            continue;
        }
        struct ast_relation *node = relation(parser, RELATION_JOIN, at);
        if (!join_kind(parser, node))
            break;
        node->left = left;
        node->right = primary(parser);
        if (!node->right)
            return NULL;
        if (sql_parser__word(parser, "on")) {
            node->on = sql_parser__expr(parser);
            if (!node->on)
                return NULL;
        } else if (sql_parser__word(parser, "using")) {
            if (!sql_parser__need_sign(parser, "(") ||
                !names_in_parentheses(parser, &node->using_columns, &node->using_count))
                return NULL;
        }
        left = node;
    }
    return left;
}

struct ast_relation *sql_parser__from(struct parser *parser)
{
    if (!sql_parser__enter(parser))
        return NULL;
    struct ast_relation *left = join_tail(parser, primary(parser));
    while (left && sql_parser__is_sign(parser, 0, ",")) {
        struct ast_relation *node =
            relation(parser, RELATION_JOIN, sql_parser__token(parser, 0)->at);
        parser->at++;
        node->join = JOIN_CROSS;
        node->left = left;
        node->right = join_tail(parser, primary(parser));
        left = node->right ? node : NULL;
    }
    // `FROM a, b LATERAL VIEW …` sees both.
    left = join_tail(parser, left);
    sql_parser__leave(parser);
    return left;
}
