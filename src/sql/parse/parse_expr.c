// SPDX-License-Identifier: Apache-2.0
//
// Expressions by precedence, loosest first (SqlBaseParser.g4): OR, AND, NOT, predicates (one,
// behind a value), comparison, |, ^, &, + - ||, * / % DIV, unary, then postfix :: [] and field
// access.
#include "sql/parse/parse_int.h"

#include <strings.h>

struct level {
    const char *sign;
    const char *word; // an operator that is a word
    int binds;        // higher binds tighter
};

static const struct level levels[] = {
    {"=", NULL, 1}, {"==", NULL, 1}, {"<=>", NULL, 1}, {"<>", NULL, 1},  {"!=", NULL, 1},
    {"<", NULL, 1}, {"<=", NULL, 1}, {">", NULL, 1},   {">=", NULL, 1},  {"|", NULL, 2},
    {"^", NULL, 3}, {"&", NULL, 4},  {"+", NULL, 5},   {"-", NULL, 5},   {"||", NULL, 5},
    {"*", NULL, 6}, {"/", NULL, 6},  {"%", NULL, 6},   {NULL, "div", 6},
};

static const struct level *next_level(const struct parser *parser)
{
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (levels[i].sign ? sql_parser__is_sign(parser, 0, levels[i].sign)
                           : sql_parser__is_word(parser, 0, levels[i].word))
            return &levels[i];
    return NULL;
}

static struct ast *unary(struct parser *parser)
{
    uint32_t at = sql_parser__token(parser, 0)->at;
    static const char *const signs[] = {"-", "+", "~"};
    static const char *const names[] = {"negative", "positive", "bitnot"};
    if (sql_parser__is_sign(parser, 0, "-") && sql_parser__token(parser, 1)->kind == TOKEN_NUMBER) {
        parser->at++;
        struct ast *number = sql_parser__number(parser, true);
        if (number)
            number->at = at;
        return number;
    }
    for (size_t i = 0; i < 3; i++) {
        if (!sql_parser__sign(parser, signs[i]))
            continue;
        if (!sql_parser__enter(parser))
            return NULL;
        struct ast *value = unary(parser);
        sql_parser__leave(parser);
        return sql_parser__call(parser, names[i], at, 1, value);
    }
    return sql_parser__primary(parser);
}

static struct ast *binary(struct parser *parser, int floor)
{
    struct ast *left = unary(parser);
    while (left) {
        const struct level *level = next_level(parser);
        if (!level || level->binds < floor)
            break;
        uint32_t at = sql_parser__token(parser, 0)->at;
        parser->at++;
        if (!sql_parser__enter(parser))
            return NULL;
        struct ast *right = binary(parser, level->binds + 1);
        sql_parser__leave(parser);
        const char *name = level->sign ? level->sign : level->word;
        static const char *const renamed[][2] = {
            {"==", "="}, {"|", "bitor"}, {"&", "bitand"}, {"^", "bitxor"}, {"||", "concat"}};
        for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++)
            if (strcmp(name, renamed[i][0]) == 0)
                name = renamed[i][1];
        if (strcmp(name, "<>") == 0 || strcmp(name, "!=") == 0) {
            left = sql_parser__call(parser, "not", at, 1,
                                    sql_parser__call(parser, "=", at, 2, left, right));
            continue;
        }
        left = sql_parser__call(parser, name, at, 2, left, right);
    }
    return left;
}

struct ast *sql_parser__value(struct parser *parser)
{
    if (!sql_parser__enter(parser))
        return NULL;
    struct ast *value = binary(parser, 1);
    sql_parser__leave(parser);
    return value;
}

static struct ast *negate(struct parser *parser, struct ast *node, bool negated)
{
    return negated && node ? sql_parser__call(parser, "not", node->at, 1, node) : node;
}

static struct ast *in_list(struct parser *parser, struct ast *value, uint32_t at)
{
    if (!sql_parser__need_sign(parser, "("))
        return NULL;
    if (sql_parser__at_query(parser, 0)) {
        struct ast *node = sql_parser__node(parser, AST_SUBQUERY, at);
        node->name = "in";
        node->args = ARENA_ARRAY(parser->arena, struct ast *, 1);
        node->args[0] = value;
        node->arg_count = 1;
        node->query = sql_parser__query(parser);
        return node->query && sql_parser__need_sign(parser, ")") ? node : NULL;
    }
    struct ast_list list = {0};
    sql_parser__add(parser, &list, value);
    do {
        struct ast *item = sql_parser__expr(parser);
        if (!item)
            return NULL;
        sql_parser__add(parser, &list, item);
    } while (sql_parser__sign(parser, ","));
    if (!sql_parser__need_sign(parser, ")"))
        return NULL;
    struct ast *node = sql_parser__call(parser, "in", at, 0);
    node->args = (struct ast **)list.items;
    node->arg_count = list.count;
    return node;
}

// LIKE ANY | SOME | ALL (…)
static struct ast *like_many(struct parser *parser, struct ast *value, const char *name,
                             const char *all_name, const char *any_name, uint32_t at)
{
    const char *chosen = NULL;
    if (sql_parser__word(parser, "all"))
        chosen = all_name;
    else if (sql_parser__word(parser, "any") || sql_parser__word(parser, "some"))
        chosen = any_name;
    if (!chosen)
        return sql_parser__fail(parser, at, ERR_SYNTAX, "%s: expected a pattern", name);
    struct ast *node = in_list(parser, value, at);
    if (node && node->kind == AST_SUBQUERY)
        return sql_parser__fail(parser, at, ERR_SYNTAX, "a list of patterns was expected");
    if (node)
        node->name = node->shown = chosen;
    return node;
}

static struct ast *like(struct parser *parser, struct ast *value, const char *name, uint32_t at)
{
    if (sql_parser__is_word(parser, 0, "all") || sql_parser__is_word(parser, 0, "any") ||
        sql_parser__is_word(parser, 0, "some")) {
        bool plain = strcmp(name, "like") == 0;
        return like_many(parser, value, name, plain ? "likeall" : "ilikeall",
                         plain ? "likeany" : "ilikeany", at);
    }
    struct ast *pattern = sql_parser__value(parser);
    struct ast *node = sql_parser__call(parser, name, at, 2, value, pattern);
    if (!node || !sql_parser__word(parser, "escape"))
        return node;
    if (sql_parser__token(parser, 0)->kind != TOKEN_STRING)
        return sql_parser__expected(parser, "an escape character");
    struct ast *escape = sql_parser__node(parser, AST_LITERAL, sql_parser__token(parser, 0)->at);
    escape->type = &type_string;
    escape->text = sql_parser__strings(parser);
    if (escape->text.size != 1)
        return sql_parser__fail(parser, escape->at, ERR_SYNTAX,
                                "the escape must be a single character");
    return sql_parser__call(parser, name, at, 3, value, pattern, escape);
}

static struct ast *literal_bool(struct parser *parser, bool value, uint32_t at)
{
    struct ast *node = sql_parser__node(parser, AST_LITERAL, at);
    node->type = &type_boolean;
    node->number = value;
    return node;
}

static struct ast *is_test(struct parser *parser, struct ast *value, uint32_t at)
{
    bool negated = sql_parser__word(parser, "not");
    if (sql_parser__word(parser, "null") || sql_parser__word(parser, "unknown"))
        return sql_parser__call(parser, negated ? "isnotnull" : "isnull", at, 1, value);
    if (sql_parser__is_word(parser, 0, "true") || sql_parser__is_word(parser, 0, "false")) {
        struct ast *truth = literal_bool(parser, sql_parser__is_word(parser, 0, "true"),
                                         sql_parser__token(parser, 0)->at);
        parser->at++;
        return negate(parser, sql_parser__call(parser, "<=>", at, 2, value, truth), negated);
    }
    if (sql_parser__words(parser, "distinct", "from")) {
        struct ast *other = sql_parser__value(parser);
        return negate(parser, sql_parser__call(parser, "<=>", at, 2, value, other), !negated);
    }
    return sql_parser__expected(parser, "NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM");
}

static struct ast *predicate(struct parser *parser)
{
    struct ast *value = sql_parser__value(parser);
    if (!value)
        return NULL;
    uint32_t at = sql_parser__token(parser, 0)->at;
    if (sql_parser__word(parser, "is"))
        return is_test(parser, value, at);
    bool negated = false;
    static const char *const words[] = {"between", "in", "like", "ilike", "rlike", "regexp"};
    if (sql_parser__is_word(parser, 0, "not"))
        for (size_t i = 0; i < 6; i++)
            negated |= sql_parser__is_word(parser, 1, words[i]);
    if (negated)
        parser->at++;
    struct ast *node = value;
    if (sql_parser__word(parser, "between")) {
        struct ast *low = sql_parser__value(parser);
        if (!low || !sql_parser__need_word(parser, "and"))
            return NULL;
        struct ast *high = sql_parser__value(parser);
        node = sql_parser__call(parser, "and", at, 2,
                                sql_parser__call(parser, ">=", at, 2, value, low),
                                sql_parser__call(parser, "<=", at, 2, value, high));
    } else if (sql_parser__word(parser, "in")) {
        node = in_list(parser, value, at);
    } else if (sql_parser__word(parser, "like")) {
        node = like(parser, value, "like", at);
    } else if (sql_parser__word(parser, "ilike")) {
        node = like(parser, value, "ilike", at);
    } else if (sql_parser__word(parser, "rlike") || sql_parser__word(parser, "regexp")) {
        node = sql_parser__call(parser, "rlike", at, 2, value, sql_parser__value(parser));
    }
    return negate(parser, node, negated);
}

static struct ast *not_level(struct parser *parser)
{
    uint32_t at = sql_parser__token(parser, 0)->at;
    if (sql_parser__word(parser, "not") || sql_parser__sign(parser, "!")) {
        if (!sql_parser__enter(parser))
            return NULL;
        struct ast *value = not_level(parser);
        sql_parser__leave(parser);
        return sql_parser__call(parser, "not", at, 1, value);
    }
    return predicate(parser);
}

static struct ast *and_level(struct parser *parser)
{
    struct ast *left = not_level(parser);
    while (left && sql_parser__is_word(parser, 0, "and")) {
        uint32_t at = sql_parser__token(parser, 0)->at;
        parser->at++;
        left = sql_parser__call(parser, "and", at, 2, left, not_level(parser));
    }
    return left;
}

static struct ast *or_level(struct parser *parser)
{
    struct ast *left = and_level(parser);
    while (left && sql_parser__is_word(parser, 0, "or")) {
        uint32_t at = sql_parser__token(parser, 0)->at;
        parser->at++;
        left = sql_parser__call(parser, "or", at, 2, left, and_level(parser));
    }
    return left;
}

// x -> body, (x, y) -> body
static struct ast *lambda(struct parser *parser)
{
    struct ast *node = sql_parser__node(parser, AST_LAMBDA, sql_parser__token(parser, 0)->at);
    struct ast_list names = {0};
    if (sql_parser__sign(parser, "(")) {
        do {
            const char *name = sql_parser__name(parser, "a parameter");
            if (!name)
                return NULL;
            sql_parser__add(parser, &names, (void *)(uintptr_t)name);
        } while (sql_parser__sign(parser, ","));
        if (!sql_parser__need_sign(parser, ")"))
            return NULL;
    } else {
        sql_parser__add(parser, &names, (void *)(uintptr_t)sql_parser__name(parser, "a parameter"));
    }
    if (!sql_parser__need_sign(parser, "->"))
        return NULL;
    node->parts = (const char **)names.items;
    node->part_count = names.count;
    node->args = ARENA_ARRAY(parser->arena, struct ast *, 1);
    node->args[0] = sql_parser__expr(parser);
    node->arg_count = 1;
    return node->args[0] ? node : NULL;
}

static bool at_lambda(const struct parser *parser)
{
    const struct token *token = sql_parser__token(parser, 0);
    if (token->kind == TOKEN_WORD || token->kind == TOKEN_QUOTED)
        return sql_parser__is_sign(parser, 1, "->");
    if (!sql_parser__is_sign(parser, 0, "("))
        return false;
    for (size_t i = 1;; i += 2) {
        enum token_kind kind = sql_parser__token(parser, i)->kind;
        if (kind != TOKEN_WORD && kind != TOKEN_QUOTED)
            return false;
        if (sql_parser__is_sign(parser, i + 1, ")"))
            return sql_parser__is_sign(parser, i + 2, "->");
        if (!sql_parser__is_sign(parser, i + 1, ","))
            return false;
    }
}

struct ast *sql_parser__expr(struct parser *parser)
{
    if (!sql_parser__enter(parser))
        return NULL;
    struct ast *node = at_lambda(parser) ? lambda(parser) : or_level(parser);
    sql_parser__leave(parser);
    return node;
}

struct ast *sql_parser__named_expr(struct parser *parser)
{
    struct ast *node = sql_parser__expr(parser);
    if (!node)
        return NULL;
    struct ast_list names = {0};
    uint32_t at = node->at;
    bool as = sql_parser__word(parser, "as");
    if (as && sql_parser__sign(parser, "(")) { // AS (a, b): of a generator
        do {
            const char *name = sql_parser__name(parser, "a name");
            if (!name)
                return NULL;
            sql_parser__add(parser, &names, (void *)(uintptr_t)name);
        } while (sql_parser__sign(parser, ","));
        if (!sql_parser__need_sign(parser, ")"))
            return NULL;
    } else if (as || sql_parser__at_alias(parser, false)) {
        const char *name = sql_parser__name(parser, "a name");
        if (!name)
            return NULL;
        sql_parser__add(parser, &names, (void *)(uintptr_t)name);
    } else {
        return node;
    }
    struct ast *alias = sql_parser__node(parser, AST_ALIAS, at);
    alias->args = ARENA_ARRAY(parser->arena, struct ast *, 1);
    alias->args[0] = node;
    alias->arg_count = 1;
    alias->parts = (const char **)names.items;
    alias->part_count = names.count;
    return alias;
}
