// SPDX-License-Identifier: Apache-2.0
//
// Primary expressions: literals, names, calls, parentheses, and what may stand behind them (:: []
// .field).
#include "sql/parse/parse_int.h"

#include "data/decimal.h"
#include "data/number.h"

#include <ctype.h>
#include <math.h>
#include <strings.h>

static struct ast *literal(struct parser *parser, const struct type *type, uint32_t at)
{
    struct ast *node = sql_parser__node(parser, AST_LITERAL, at);
    node->type = type;
    return node;
}

// Takes a suffix off the number's text ("10L", "1.5BD").
static bool cut_suffix(struct bytes *text, const char *suffix)
{
    size_t size = strlen(suffix);
    if (text->size <= size ||
        strncasecmp((const char *)text->ptr + text->size - size, suffix, size) != 0)
        return false;
    text->size -= size;
    return true;
}

static struct ast *small_integer(struct parser *parser, struct ast *node, struct bytes text,
                                 bool negative, int64_t min, int64_t max)
{
    int128_t value;
    int precision, scale;
    if (!decimal_parse_exact(text, &value, &precision, &scale) || scale != 0)
        return sql_parser__fail(parser, node->at, ERR_SYNTAX, "'%.*s' is not a number",
                                BYTES_PRINT(text));
    value = negative ? -value : value;
    if (value < min || value > max)
        return sql_parser__fail(parser, node->at, ERR_SYNTAX,
                                "the number %s%.*s does not fit its suffix", negative ? "-" : "",
                                BYTES_PRINT(text));
    node->number = value;
    return node;
}

static struct ast *decimal_number(struct parser *parser, struct ast *node, struct bytes text,
                                  bool negative)
{
    int128_t value;
    int precision, scale;
    if (!decimal_parse_exact(text, &value, &precision, &scale))
        return sql_parser__fail(parser, node->at, ERR_SYNTAX,
                                "'%.*s' is not a number of at most 38 digits", BYTES_PRINT(text));
    if (scale < 0) {
        int128_t wide = 0;
        if (precision - scale > DECIMAL_MAX_PRECISION ||
            !decimal_rescale(value, scale, precision - scale, 0, &wide))
            return sql_parser__fail(parser, node->at, ERR_SYNTAX, "'%.*s' has more than 38 digits",
                                    BYTES_PRINT(text));
        precision -= scale;
        value = wide;
        scale = 0;
    }
    if (precision < scale)
        precision = scale;
    node->type = type_decimal(parser->arena, precision, scale);
    node->number = negative ? -value : value;
    return node;
}

struct ast *sql_parser__number(struct parser *parser, bool negative)
{
    const struct token *token = sql_parser__token(parser, 0);
    struct bytes text = token->text;
    parser->at++;
    struct ast *node = literal(parser, NULL, token->at);
    if (cut_suffix(&text, "bd"))
        return decimal_number(parser, node, text, negative);
    static const struct {
        const char *suffix;
        const struct type *type;
        int64_t min, max;
    } integers[] = {{"l", &type_long, INT64_MIN, INT64_MAX},
                    {"s", &type_short, INT16_MIN, INT16_MAX},
                    {"y", &type_byte, INT8_MIN, INT8_MAX}};
    for (size_t i = 0; i < 3; i++)
        if (cut_suffix(&text, integers[i].suffix)) {
            node->type = integers[i].type;
            return small_integer(parser, node, text, negative, integers[i].min, integers[i].max);
        }
    bool is_float = cut_suffix(&text, "f");
    bool is_double = !is_float && cut_suffix(&text, "d");
    bool exponent = memchr(text.ptr, 'e', text.size) || memchr(text.ptr, 'E', text.size);
    if (is_float || is_double || exponent) {
        double value;
        if (!number_parse_double(text, &value) || isinf(value))
            return sql_parser__fail(parser, node->at, ERR_SYNTAX, "'%.*s' is not a number in range",
                                    BYTES_PRINT(text));
        node->type = is_float ? &type_float : &type_double;
        node->real = negative ? -value : value;
        return node;
    }
    for (size_t i = 0; i < text.size; i++)
        if (!isdigit(text.ptr[i]) && text.ptr[i] != '.')
            return sql_parser__fail(parser, node->at, ERR_SYNTAX, "'%.*s' is not a number",
                                    BYTES_PRINT(text));
    if (!decimal_number(parser, node, text, negative))
        return NULL;
    if (memchr(text.ptr, '.', text.size))
        return node;
    if (node->number >= INT32_MIN && node->number <= INT32_MAX)
        node->type = &type_int;
    else if (node->number >= INT64_MIN && node->number <= INT64_MAX)
        node->type = &type_long;
    return node;
}

// X'6162'
static struct ast *hex_literal(struct parser *parser, uint32_t at)
{
    struct bytes text = sql_parser__strings(parser);
    struct ast *node = literal(parser, &type_binary, at);
    uint8_t *out = arena_zalloc(parser->arena, text.size / 2 + 1);
    size_t odd = text.size % 2;
    for (size_t i = 0; i < text.size; i++) {
        int byte = tolower(text.ptr[i]);
        if (!isxdigit(byte))
            return sql_parser__fail(parser, at, ERR_SYNTAX, "X'…' takes hexadecimal digits only");
        out[(i + odd) / 2] =
            (uint8_t)(out[(i + odd) / 2] * 16 + (isdigit(byte) ? byte - '0' : byte - 'a' + 10));
    }
    node->text = bytes_make(out, (text.size + odd) / 2);
    return node;
}

static struct ast *typed_literal(struct parser *parser)
{
    static const char *const words[] = {"date", "timestamp", "timestamp_ntz", "timestamp_ltz"};
    const struct token *token = sql_parser__token(parser, 0);
    if (token->kind != TOKEN_WORD || sql_parser__token(parser, 1)->kind != TOKEN_STRING)
        return NULL;
    if (sql_parser__is_word(parser, 0, "x")) {
        parser->at++;
        return hex_literal(parser, token->at);
    }
    for (size_t i = 0; i < 4; i++)
        if (sql_parser__is_word(parser, 0, words[i])) {
            parser->at++;
            struct ast *node = sql_parser__node(parser, AST_TYPED, token->at);
            node->name = words[i];
            node->text = sql_parser__strings(parser);
            return node;
        }
    return NULL;
}

static bool call_args(struct parser *parser, struct ast *node)
{
    struct ast_list args = {0};
    if (sql_parser__word(parser, "distinct"))
        node->distinct = true;
    else if (sql_parser__is_word(parser, 0, "all") && !sql_parser__is_sign(parser, 1, ")"))
        parser->at++;
    if (!sql_parser__is_sign(parser, 0, ")")) {
        do {
            struct ast *arg;
            if (sql_parser__is_sign(parser, 0, "*")) {
                arg = sql_parser__node(parser, AST_STAR, sql_parser__token(parser, 0)->at);
                parser->at++;
            } else {
                arg = sql_parser__named_expr(parser);
            }
            if (!arg)
                return false;
            sql_parser__add(parser, &args, arg);
        } while (sql_parser__sign(parser, ","));
    }
    if (sql_parser__words(parser, "ignore", "nulls"))
        node->ignore_nulls = true;
    else if (sql_parser__words(parser, "respect", "nulls"))
        node->ignore_nulls = false;
    node->args = (struct ast **)args.items;
    node->arg_count = args.count;
    return sql_parser__need_sign(parser, ")");
}

// Behind the arguments: WITHIN GROUP, FILTER, IGNORE NULLS, OVER.
static struct ast *call_tail(struct parser *parser, struct ast *node)
{
    if (sql_parser__words(parser, "within", "group")) {
        if (!sql_parser__need_sign(parser, "(") ||
            !sql_parser__order_by(parser, &node->within, &node->within_count) ||
            !sql_parser__need_sign(parser, ")"))
            return NULL;
    }
    if (sql_parser__is_word(parser, 0, "filter") && sql_parser__is_sign(parser, 1, "(")) {
        parser->at += 2;
        if (!sql_parser__need_word(parser, "where"))
            return NULL;
        node->filter = sql_parser__expr(parser);
        if (!node->filter || !sql_parser__need_sign(parser, ")"))
            return NULL;
    }
    if (sql_parser__words(parser, "ignore", "nulls"))
        node->ignore_nulls = true;
    else
        (void)sql_parser__words(parser, "respect", "nulls");
    if (sql_parser__word(parser, "over")) {
        node->over = sql_parser__window(parser);
        if (!node->over)
            return NULL;
    }
    return node;
}

static struct ast *call(struct parser *parser)
{
    const struct token *token = sql_parser__token(parser, 0);
    struct ast *node = sql_parser__node(parser, AST_CALL, token->at);
    char *name = arena_text(parser->arena, token->text);
    node->shown = arena_strdup(parser->arena, name);
    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    node->name = name;
    parser->at += 2;
    return call_args(parser, node) ? call_tail(parser, node) : NULL;
}

static struct ast *parenthesis(struct parser *parser)
{
    uint32_t at = sql_parser__token(parser, 0)->at;
    if (sql_parser__at_query(parser, 1)) {
        parser->at++;
        struct ast *node = sql_parser__node(parser, AST_SUBQUERY, at);
        node->name = "scalar";
        node->query = sql_parser__query(parser);
        return node->query && sql_parser__need_sign(parser, ")") ? node : NULL;
    }
    parser->at++;
    struct ast_list list = {0};
    do {
        struct ast *item = sql_parser__named_expr(parser);
        if (!item)
            return NULL;
        sql_parser__add(parser, &list, item);
    } while (sql_parser__sign(parser, ","));
    if (!sql_parser__need_sign(parser, ")"))
        return NULL;
    if (list.count == 1 && ((struct ast *)list.items[0])->kind != AST_ALIAS)
        return list.items[0];
    struct ast *node = sql_parser__call(parser, "struct", at, 0); // (a, b) is struct(a, b)
    node->args = (struct ast **)list.items;
    node->arg_count = list.count;
    return node;
}

static struct ast *constant(struct parser *parser)
{
    const struct token *token = sql_parser__token(parser, 0);
    if (token->kind == TOKEN_STRING) {
        struct ast *node = literal(parser, &type_string, token->at);
        node->text = sql_parser__strings(parser);
        return node;
    }
    if (token->kind == TOKEN_NUMBER)
        return sql_parser__number(parser, false);
    if (token->kind != TOKEN_WORD || sql_parser__is_sign(parser, 1, "("))
        return NULL;
    struct ast *node = NULL;
    if (sql_parser__is_word(parser, 0, "null"))
        node = literal(parser, &type_null, token->at);
    else if (sql_parser__is_word(parser, 0, "true") || sql_parser__is_word(parser, 0, "false"))
        node = literal(parser, &type_boolean, token->at);
    if (!node)
        return NULL;
    node->number = sql_parser__is_word(parser, 0, "true");
    parser->at++;
    return node;
}

static struct ast *name(struct parser *parser)
{
    struct ast *node = sql_parser__node(parser, AST_NAME, sql_parser__token(parser, 0)->at);
    struct ast_list parts = {0};
    do {
        if (sql_parser__is_sign(parser, 0, "*")) {
            parser->at++;
            node->kind = AST_STAR;
            break;
        }
        const char *part = sql_parser__name(parser, parts.count ? "a name" : "an expression");
        if (!part)
            return NULL;
        sql_parser__add(parser, &parts, (void *)(uintptr_t)part);
    } while (sql_parser__sign(parser, "."));
    node->parts = (const char **)parts.items;
    node->part_count = parts.count;
    return node;
}

static struct ast *start(struct parser *parser)
{
    struct ast *node = typed_literal(parser);
    if (node || parser->err)
        return node;
    node = constant(parser);
    if (node || parser->err)
        return node;
    node = sql_parser__special(parser);
    if (node || parser->err)
        return node;
    const struct token *token = sql_parser__token(parser, 0);
    if (sql_parser__is_sign(parser, 0, "("))
        return parenthesis(parser);
    if (sql_parser__is_sign(parser, 0, "*")) {
        node = sql_parser__node(parser, AST_STAR, token->at);
        parser->at++;
        return node;
    }
    if ((token->kind == TOKEN_WORD || token->kind == TOKEN_QUOTED) &&
        sql_parser__is_sign(parser, 1, "("))
        return call(parser);
    return name(parser);
}

struct ast *sql_parser__primary(struct parser *parser)
{
    if (!sql_parser__enter(parser))
        return NULL;
    struct ast *node = start(parser);
    while (node) {
        uint32_t at = sql_parser__token(parser, 0)->at;
        if (sql_parser__sign(parser, "[")) {
            node = sql_parser__call(parser, "[]", at, 2, node, sql_parser__value(parser));
            if (node && !sql_parser__need_sign(parser, "]"))
                node = NULL;
        } else if (sql_parser__sign(parser, "::")) {
            struct ast *cast = sql_parser__node(parser, AST_CAST, at);
            cast->name = "cast";
            cast->type = sql_parser__type(parser);
            cast->args = ARENA_ARRAY(parser->arena, struct ast *, 1);
            cast->args[0] = node;
            cast->arg_count = 1;
            node = cast->type ? cast : NULL;
        } else if (sql_parser__is_sign(parser, 0, ".") && node->kind != AST_STAR) {
            parser->at++;
            if (sql_parser__sign(parser, "*"))
                return sql_parser__fail(parser, at, ERR_UNSUPPORTED,
                                        "expression.* needs a name in front of it");
            struct ast *field = sql_parser__node(parser, AST_FIELD, at);
            field->name = sql_parser__name(parser, "a field name");
            field->args = ARENA_ARRAY(parser->arena, struct ast *, 1);
            field->args[0] = node;
            field->arg_count = 1;
            node = field->name ? field : NULL;
        } else {
            break;
        }
    }
    sql_parser__leave(parser);
    return node;
}
