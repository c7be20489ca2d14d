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
        const char *name = parser__name(parser, "a column name");
        if (!name)
            return false;
        parser__add(parser, &names, (void *)(uintptr_t)name);
    } while (parser__sign(parser, ","));
    *out = (const char **)names.items;
    *count = names.count;
    return parser__need_sign(parser, ")");
}

static struct ast_relation *alias(struct parser *parser, struct ast_relation *node)
{
    if (!node)
        return NULL;
    if (parser__word(parser, "as") || parser__at_alias(parser, true)) {
        node->alias = parser__name(parser, "an alias");
        if (!node->alias)
            return NULL;
    }
    if (node->alias && parser__sign(parser, "(") &&
        !names_in_parentheses(parser, &node->columns, &node->column_count))
        return NULL;
    return node;
}

struct ast_relation *parser__values(struct parser *parser)
{
    struct ast_relation *node = relation(parser, RELATION_VALUES, parser__token(parser, 0)->at);
    parser->at++;
    struct ast_list rows = {0};
    do {
        struct ast *row = parser__expr(parser);
        if (!row)
            return NULL;
        parser__add(parser, &rows, row);
    } while (parser__sign(parser, ","));
    node->rows = (struct ast **)rows.items;
    node->row_count = rows.count;
    return alias(parser, node);
}

static struct ast_relation *parenthesis(struct parser *parser, uint32_t at)
{
    parser->at++;
    struct ast_relation *node;
    if (parser__at_query(parser, 0)) {
        node = relation(parser, RELATION_QUERY, at);
        node->query = parser__query(parser);
        if (!node->query)
            return NULL;
    } else {
        node = parser__from(parser);
        if (!node)
            return NULL;
    }
    return parser__need_sign(parser, ")") ? alias(parser, node) : NULL;
}

static struct ast_relation *table(struct parser *parser, uint32_t at)
{
    struct ast_relation *node = relation(parser, RELATION_TABLE, at);
    struct ast_list parts = {0};
    do {
        const char *part = parser__name(parser, "a table");
        if (!part)
            return NULL;
        parser__add(parser, &parts, (void *)(uintptr_t)part);
    } while (parser__sign(parser, "."));
    node->parts = (const char **)parts.items;
    node->part_count = parts.count;
    return alias(parser, node);
}

static struct ast_relation *primary(struct parser *parser)
{
    uint32_t at = parser__token(parser, 0)->at;
    bool lateral = parser__is_word(parser, 0, "lateral") && !parser__is_word(parser, 1, "view");
    if (lateral)
        parser->at++;
    struct ast_relation *node;
    if (parser__is_sign(parser, 0, "(")) {
        node = parenthesis(parser, at);
    } else if (parser__is_word(parser, 0, "values") && !parser__is_sign(parser, 1, ".")) {
        node = parser__values(parser);
    } else if (parser__token(parser, 0)->kind == TOKEN_WORD && parser__is_sign(parser, 1, "(")) {
        node = relation(parser, RELATION_FUNCTION, at);
        node->rows = ARENA_ARRAY(parser->arena, struct ast *, 1);
        node->rows[0] = parser__primary(parser);
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
        relation(parser, RELATION_LATERAL_VIEW, parser__token(parser, 0)->at);
    parser->at += 2;
    node->left = left;
    node->outer = parser__word(parser, "outer");
    node->rows = ARENA_ARRAY(parser->arena, struct ast *, 1);
    node->rows[0] = parser__primary(parser);
    node->row_count = 1;
    if (!node->rows[0])
        return NULL;
    if (parser__at_alias(parser, true) && !parser__is_word(parser, 0, "as"))
        node->alias = parser__name(parser, "an alias");
    if (parser__word(parser, "as")) {
        struct ast_list names = {0};
        do {
            const char *name = parser__name(parser, "a column name");
            if (!name)
                return NULL;
            parser__add(parser, &names, (void *)(uintptr_t)name);
        } while (parser__sign(parser, ","));
        node->columns = (const char **)names.items;
        node->column_count = names.count;
    }
    return parser->err ? NULL : node;
}

// Takes the words in front of JOIN; false when there is no join.
static bool join_kind(struct parser *parser, struct ast_relation *node)
{
    size_t back = parser->at;
    node->natural = parser__word(parser, "natural");
    node->join = JOIN_INNER;
    if (parser__word(parser, "cross")) {
        node->join = JOIN_CROSS;
    } else if (parser__word(parser, "inner")) {
        node->join = JOIN_INNER;
    } else if (parser__word(parser, "full")) {
        node->join = JOIN_FULL;
        (void)parser__word(parser, "outer");
    } else if (parser__word(parser, "right")) {
        node->join = JOIN_RIGHT;
        (void)parser__word(parser, "outer");
    } else {
        bool left = parser__word(parser, "left");
        if (parser__word(parser, "semi"))
            node->join = JOIN_SEMI;
        else if (parser__word(parser, "anti"))
            node->join = JOIN_ANTI;
        else if (left) {
            node->join = JOIN_LEFT;
            (void)parser__word(parser, "outer");
        }
    }
    if (parser__word(parser, "join"))
        return true;
    parser->at = back;
    return false;
}

static struct ast_relation *join_tail(struct parser *parser, struct ast_relation *left)
{
    while (left) {
        uint32_t at = parser__token(parser, 0)->at;
        if (parser__is_word(parser, 0, "pivot") || parser__is_word(parser, 0, "unpivot") ||
            parser__is_word(parser, 0, "tablesample"))
            return parser__fail(parser, at, ERR_UNSUPPORTED,
                                "PIVOT, UNPIVOT and TABLESAMPLE are not supported");
        if (parser__is_word(parser, 0, "lateral") && parser__is_word(parser, 1, "view")) {
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
        if (parser__word(parser, "on")) {
            node->on = parser__expr(parser);
            if (!node->on)
                return NULL;
        } else if (parser__word(parser, "using")) {
            if (!parser__need_sign(parser, "(") ||
                !names_in_parentheses(parser, &node->using_columns, &node->using_count))
                return NULL;
        }
        left = node;
    }
    return left;
}

struct ast_relation *parser__from(struct parser *parser)
{
    if (!parser__enter(parser))
        return NULL;
    struct ast_relation *left = join_tail(parser, primary(parser));
    while (left && parser__is_sign(parser, 0, ",")) {
        struct ast_relation *node = relation(parser, RELATION_JOIN, parser__token(parser, 0)->at);
        parser->at++;
        node->join = JOIN_CROSS;
        node->left = left;
        node->right = join_tail(parser, primary(parser));
        left = node->right ? node : NULL;
    }
    // `FROM a, b LATERAL VIEW …` sees both.
    left = join_tail(parser, left);
    parser__leave(parser);
    return left;
}
