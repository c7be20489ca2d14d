// SPDX-License-Identifier: Apache-2.0
//
// Terms. A bare identifier is never a term, so arithmetic stops in front of one: that is how
// "c = [0] + c" of UPDATE is told from a sum.
#include "tables/parser.h"

#include <assert.h>
#include <ctype.h>
#include <strings.h>

static struct term *term_new(struct parser *parser, enum term_kind kind)
{
    struct term *term = ARENA_NEW(parser->arena, struct term);
    term->kind = kind;
    term->line = parser__peek(parser, 0)->line;
    term->column = parser__peek(parser, 0)->column;
    return term;
}

static err_t marker(struct parser *parser, const char *name, const struct term **out)
{
    struct term *term = term_new(parser, TERM_MARKER);
    if (parser->marker_count >= PARSE_MARKERS_MAX)
        return FAIL(parser->diag, ERR_SYNTAX,
                    "Too many markers(?). %zu markers exceed the allowed "
                    "maximum of %d",
                    parser->marker_count + 1, PARSE_MARKERS_MAX);
    term->marker = parser->marker_count;
    PARSER_PUSH(parser, parser->marker_names, parser->marker_count, name);
    *out = term;
    return ERR_OK;
}

// ? or :name
static bool is_marker(const struct parser *parser)
{
    return parser__is_mark(parser, 0, '?') || parser__is_mark(parser, 0, ':');
}

static err_t take_marker(struct parser *parser, const struct term **out)
{
    const char *name = NULL;
    if (parser__take_mark(parser, '?'))
        return marker(parser, NULL, out);
    TRY(parser__expect_mark(parser, ':'));
    TRY(parser__name(parser, &name));
    return marker(parser, name, out);
}

static err_t literal(struct parser *parser, enum cql_literal kind, const struct term **out)
{
    struct term *term = term_new(parser, TERM_LITERAL);
    term->literal = kind;
    term->text = token_value(parser->tokens.text, parser__peek(parser, 0), parser->arena);
    parser__next(parser);
    *out = term;
    return ERR_OK;
}

static err_t list_of(struct parser *parser, int close, struct term *term)
{
    const struct term **items = NULL;
    if (!parser__is_mark(parser, 0, close)) {
        do {
            const struct term *item = NULL;
            TRY(parser__term(parser, &item));
            PARSER_PUSH(parser, items, term->count, item);
        } while (parser__take_mark(parser, ','));
    }
    term->items = items;
    return parser__expect_mark(parser, close);
}

static err_t udt(struct parser *parser, struct term *term)
{
    const struct term **items = NULL;
    const char **names = NULL;
    size_t name_count = 0;
    do {
        const char *name;
        const struct term *item;
        TRY(parser__name(parser, &name));
        TRY(parser__expect_mark(parser, ':'));
        TRY(parser__term(parser, &item));
        PARSER_PUSH(parser, names, name_count, name);
        PARSER_PUSH(parser, items, term->count, item);
    } while (parser__take_mark(parser, ','));
    term->kind = TERM_UDT;
    term->items = items;
    term->field_names = names;
    return parser__expect_mark(parser, '}');
}

static bool is_literal_word(const struct parser *parser, size_t ahead)
{
    static const char *const words[] = {"true", "false", "null", "nan", "infinity"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (parser__is_word(parser, ahead, words[i]))
            return true;
    }
    return false;
}

static err_t braces(struct parser *parser, const struct term **out)
{
    struct term *term = term_new(parser, TERM_SET);
    *out = term;
    TRY(parser__expect_mark(parser, '{'));
    if (parser__take_mark(parser, '}'))
        return ERR_OK;
    if (parser__is_name(parser, 0) && parser__is_mark(parser, 1, ':') &&
        !is_literal_word(parser, 0))
        return udt(parser, term);
    const struct term **items = NULL, *item;
    TRY(parser__term(parser, &item));
    PARSER_PUSH(parser, items, term->count, item);
    if (parser__is_mark(parser, 0, ':'))
        term->kind = TERM_MAP;
    for (;;) {
        if (term->kind == TERM_MAP) {
            TRY(parser__expect_mark(parser, ':'));
            TRY(parser__term(parser, &item));
            PARSER_PUSH(parser, items, term->count, item);
        }
        if (!parser__take_mark(parser, ','))
            break;
        TRY(parser__term(parser, &item));
        PARSER_PUSH(parser, items, term->count, item);
    }
    term->items = items;
    return parser__expect_mark(parser, '}');
}

// "(type) term" when the parenthesis opens with a name that is no function call, else a tuple.
static err_t parentheses(struct parser *parser, const struct term **out)
{
    struct term *term = term_new(parser, TERM_TUPLE);
    *out = term;
    TRY(parser__expect_mark(parser, '('));
    bool name = (parser__is_name(parser, 0) || parser__is_word(parser, 0, "set")) &&
                !is_literal_word(parser, 0) && !parser__is_mark(parser, 1, '(') &&
                !(parser__is_mark(parser, 1, '.') && parser__is_mark(parser, 3, '('));
    if (!name)
        return list_of(parser, ')', term);
    term->kind = TERM_HINT;
    TRY(parser__type(parser, &term->hint));
    TRY(parser__expect_mark(parser, ')'));
    const struct term *inner;
    TRY(parser__simple_term(parser, &inner));
    term->items = arena_dup(parser->arena, &inner, sizeof(inner));
    term->count = 1;
    return ERR_OK;
}

static bool is_call(const struct parser *parser)
{
    bool token_call = parser__is_word(parser, 0, "token") && parser__is_mark(parser, 1, '(');
    return token_call || (parser__is_name(parser, 0) &&
                          (parser__is_mark(parser, 1, '(') ||
                           (parser__is_mark(parser, 1, '.') && parser__is_mark(parser, 3, '('))));
}

static err_t call(struct parser *parser, const struct term **out)
{
    struct term *term = term_new(parser, TERM_FUNCTION);
    *out = term;
    if (parser__take_word(parser, "token")) {
        term->function = "token";
    } else {
        TRY(parser__name(parser, &term->function));
        if (parser__take_mark(parser, '.')) {
            if (strcmp(term->function, "system") != 0)
                return FAIL(parser->diag, ERR_INVALID, "User-defined functions are not supported");
            TRY(parser__name(parser, &term->function));
        }
    }
    TRY(parser__expect_mark(parser, '('));
    return list_of(parser, ')', term);
}

static err_t word(struct parser *parser, const struct term **out)
{
    if (parser__is_word(parser, 0, "null")) {
        *out = term_new(parser, TERM_NULL);
        parser__next(parser);
        return ERR_OK;
    }
    if (parser__is_word(parser, 0, "true") || parser__is_word(parser, 0, "false"))
        return literal(parser, CQL_LITERAL_BOOLEAN, out);
    if (parser__is_word(parser, 0, "nan") || parser__is_word(parser, 0, "infinity"))
        return literal(parser, CQL_LITERAL_FLOAT, out);
    if (is_call(parser))
        return call(parser, out);
    if (parser__is_name(parser, 0)) {
        size_t from = parser->at;
        parser__next(parser); // a name alone is no term: Cassandra sees that at the next token
        return parser__no_viable_from(parser, from);
    }
    return parser__no_viable(parser);
}

static err_t negative(struct parser *parser, const struct term **out)
{
    struct term *term = term_new(parser, TERM_ARITH);
    *out = term;
    TRY(parser__expect_mark(parser, '-'));
    if (parser__is_word(parser, 0, "nan") || parser__is_word(parser, 0, "infinity")) {
        TRY(literal(parser, CQL_LITERAL_FLOAT, out));
        struct term *copy = arena_dup(parser->arena, *out, sizeof **out);
        copy->text = bytes_from(arena_printf(parser->arena, "-%.*s", BYTES_PRINT(copy->text)));
        *out = copy;
        return ERR_OK;
    }
    const struct term *inner;
    TRY(parser__simple_term(parser, &inner));
    term->op = '-';
    term->items = arena_dup(parser->arena, &inner, sizeof(inner));
    term->count = 1;
    return ERR_OK;
}

static err_t simple(struct parser *parser, const struct term **out)
{
    switch (parser__peek(parser, 0)->kind) {
    case TOKEN_STRING:
        return literal(parser, CQL_LITERAL_STRING, out);
    case TOKEN_INTEGER:
        return literal(parser, CQL_LITERAL_INTEGER, out);
    case TOKEN_FLOAT:
        return literal(parser, CQL_LITERAL_FLOAT, out);
    case TOKEN_UUID:
        return literal(parser, CQL_LITERAL_UUID, out);
    case TOKEN_HEX:
        return literal(parser, CQL_LITERAL_HEX, out);
    case TOKEN_DURATION:
        return literal(parser, CQL_LITERAL_DURATION, out);
    case TOKEN_WORD:
    case TOKEN_QUOTED:
        return word(parser, out);
    default:
        break;
    }
    if (is_marker(parser))
        return take_marker(parser, out);
    if (parser__is_mark(parser, 0, '[')) {
        struct term *term = term_new(parser, TERM_LIST);
        *out = term;
        parser__next(parser);
        return list_of(parser, ']', term);
    }
    if (parser__is_mark(parser, 0, '{'))
        return braces(parser, out);
    if (parser__is_mark(parser, 0, '('))
        return parentheses(parser, out);
    if (parser__is_mark(parser, 0, '-'))
        return negative(parser, out);
    return parser__no_viable(parser);
}

err_t parser__simple_term(struct parser *parser, const struct term **out)
{
    TRY(parser__enter(parser));
    TRY(simple(parser, out));
    parser__leave(parser);
    return ERR_OK;
}

// Chains lean to the left and are walked recursively, so their length is bounded like depth.
static err_t arith(struct parser *parser, char op, int length, const struct term **left,
                   const struct term *right)
{
    assert(*left && right);
    struct term *term = ARENA_NEW(parser->arena, struct term);
    const struct term *items[2] = {*left, right};
    if (length > PARSE_DEPTH_MAX)
        return FAIL(parser->diag, ERR_SYNTAX, "line %u:%u more than %d operators in a row",
                    right->line, right->column, PARSE_DEPTH_MAX);
    term->kind = TERM_ARITH;
    term->op = op;
    term->items = arena_dup(parser->arena, items, sizeof items);
    term->count = 2;
    term->line = items[0]->line;
    term->column = items[0]->column;
    *left = term;
    return ERR_OK;
}

// Is the mark here an operator with a term behind it?
static bool is_operator(const struct parser *parser, char op)
{
    if (!parser__is_mark(parser, 0, op))
        return false;
    const struct token *next = parser__peek(parser, 1);
    bool name = parser__is_name(parser, 1) && !is_literal_word(parser, 1);
    bool call_next = name && (parser__is_mark(parser, 2, '(') ||
                              (parser__is_mark(parser, 2, '.') && parser__is_mark(parser, 4, '(')));
    return !name || call_next || next->kind == TOKEN_STRING;
}

static err_t product(struct parser *parser, const struct term **out)
{
    TRY(parser__simple_term(parser, out));
    for (int length = 1;; length++) {
        char op = '\0';
        for (const char *c = "*/%"; *c; c++)
            op = is_operator(parser, *c) ? *c : op;
        if (!op)
            return ERR_OK;
        parser__next(parser);
        const struct term *right = NULL;
        TRY(parser__simple_term(parser, &right));
        TRY(arith(parser, op, length, out, right));
    }
}

// "5 -3": the lexer gave the sign to the number.
static bool is_glued_minus(const struct parser *parser)
{
    const struct token *token = parser__peek(parser, 0);
    return (token->kind == TOKEN_INTEGER || token->kind == TOKEN_FLOAT) &&
           parser->tokens.text.ptr[token->start] == '-';
}

err_t parser__term(struct parser *parser, const struct term **out)
{
    TRY(product(parser, out));
    for (int length = 1;; length++) {
        char op = is_operator(parser, '+') ? '+' : is_operator(parser, '-') ? '-' : '\0';
        bool glued = !op && is_glued_minus(parser);
        if (!op && !glued)
            return ERR_OK;
        if (op)
            parser__next(parser);
        const struct term *right = NULL;
        TRY(product(parser, &right));
        TRY(arith(parser, op ? op : '+', length, out, right)); // 5 -3 is 5 + (-3)
    }
}

err_t parser__integer_term(struct parser *parser, const struct term **out)
{
    if (is_marker(parser))
        return take_marker(parser, out);
    if (parser__peek(parser, 0)->kind == TOKEN_INTEGER)
        return literal(parser, CQL_LITERAL_INTEGER, out);
    return parser__no_viable(parser);
}
