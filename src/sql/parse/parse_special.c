// SPDX-License-Identifier: Apache-2.0
//
// Expressions with a syntax of their own: CASE, CAST, EXTRACT, TRIM, SUBSTRING, POSITION, OVERLAY,
// EXISTS, INTERVAL, TIMESTAMPADD and CURRENT_DATE without parentheses.
#include "sql/parse/parse_int.h"

#include <ctype.h>
#include <strings.h>

static struct ast *text_literal(struct parser *parser, struct bytes text, uint32_t at)
{
    struct ast *node = parser__node(parser, AST_LITERAL, at);
    node->type = &type_string;
    node->text = text;
    return node;
}

// CASE: a call "case" of (condition, value)* [else]; with an operand each condition is operand =
// value.
static struct ast *case_form(struct parser *parser, uint32_t at)
{
    struct ast *operand = NULL;
    if (!parser__is_word(parser, 0, "when")) {
        operand = parser__expr(parser);
        if (!operand)
            return NULL;
    }
    struct ast_list args = {0};
    while (parser__word(parser, "when")) {
        struct ast *condition = parser__expr(parser);
        if (condition && operand)
            condition = parser__call(parser, "=", condition->at, 2, operand, condition);
        if (!condition || !parser__need_word(parser, "then"))
            return NULL;
        struct ast *value = parser__expr(parser);
        if (!value)
            return NULL;
        parser__add(parser, &args, condition);
        parser__add(parser, &args, value);
    }
    if (args.count == 0)
        return parser__expected(parser, "WHEN");
    if (parser__word(parser, "else")) {
        struct ast *value = parser__expr(parser);
        if (!value)
            return NULL;
        parser__add(parser, &args, value);
    }
    if (!parser__need_word(parser, "end"))
        return NULL;
    struct ast *node = parser__call(parser, "case", at, 0);
    node->args = (struct ast **)args.items;
    node->arg_count = args.count;
    return node;
}

static struct ast *cast_form(struct parser *parser, const char *name, uint32_t at)
{
    struct ast *node = parser__node(parser, AST_CAST, at);
    node->name = name;
    node->args = ARENA_ARRAY(parser->arena, struct ast *, 1);
    node->arg_count = 1;
    node->args[0] = parser__expr(parser);
    if (!node->args[0] || !parser__need_word(parser, "as"))
        return NULL;
    node->type = parser__type(parser);
    return node->type && parser__need_sign(parser, ")") ? node : NULL;
}

static struct ast *extract_form(struct parser *parser, uint32_t at)
{
    const struct token *field = parser__token(parser, 0);
    parser->at++;
    if (!parser__need_word(parser, "from"))
        return NULL;
    struct ast *node =
        parser__call(parser, "extract", at, 2, text_literal(parser, field->text, field->at),
                     parser__value(parser));
    return node && parser__need_sign(parser, ")") ? node : NULL;
}

// TRIM([BOTH | LEADING | TRAILING] [chars] FROM text); the plain call form is left to the caller.
static struct ast *trim_form(struct parser *parser, uint32_t at)
{
    const char *name = "trim";
    bool side = true;
    if (parser__word(parser, "leading"))
        name = "ltrim";
    else if (parser__word(parser, "trailing"))
        name = "rtrim";
    else
        side = parser__word(parser, "both");
    struct ast *first = NULL;
    if (!parser__is_word(parser, 0, "from")) {
        first = parser__value(parser);
        if (!first)
            return NULL;
    }
    struct ast *node;
    if (parser__word(parser, "from")) {
        struct ast *text = parser__value(parser);
        node = first ? parser__call(parser, strcmp(name, "trim") == 0 ? "trim_chars" : name, at, 2,
                                    strcmp(name, "trim") == 0 ? text : first,
                                    strcmp(name, "trim") == 0 ? first : text)
                     : parser__call(parser, name, at, 1, text);
    } else if (side) {
        return parser__expected(parser, "FROM");
    } else if (parser__sign(parser, ",")) {
        node = parser__call(parser, "trim_chars", at, 2, parser__value(parser), first);
    } else {
        node = parser__call(parser, name, at, 1, first);
    }
    return node && parser__need_sign(parser, ")") ? node : NULL;
}

// SUBSTRING(text FROM a [FOR b]), OVERLAY(text PLACING x FROM a [FOR b]); commas work too.
static struct ast *from_for_form(struct parser *parser, const char *name, uint32_t at)
{
    static const char *const words[] = {",", "placing", "from", "for"};
    struct ast_list args = {0};
    for (;;) {
        struct ast *arg = parser__value(parser);
        if (!arg)
            return NULL;
        parser__add(parser, &args, arg);
        if (parser__sign(parser, ")"))
            break;
        bool more = parser__sign(parser, words[0]);
        for (size_t i = 1; !more && i < 4; i++)
            more = parser__word(parser, words[i]);
        if (!more)
            return parser__expected(parser, "FROM, FOR, ',' or ')'");
    }
    struct ast *node = parser__call(parser, name, at, 0);
    node->args = (struct ast **)args.items;
    node->arg_count = args.count;
    return node;
}

static struct ast *position_form(struct parser *parser, uint32_t at)
{
    struct ast *needle = parser__value(parser);
    if (!needle)
        return NULL;
    struct ast *node;
    if (parser__word(parser, "in")) {
        node = parser__call(parser, "position", at, 2, needle, parser__value(parser));
    } else {
        if (!parser__need_sign(parser, ","))
            return NULL;
        struct ast *text = parser__expr(parser);
        node = parser__sign(parser, ",")
                   ? parser__call(parser, "position", at, 3, needle, text, parser__expr(parser))
                   : parser__call(parser, "position", at, 2, needle, text);
    }
    return node && parser__need_sign(parser, ")") ? node : NULL;
}

// TIMESTAMPADD(unit, …): the unit becomes a text.
static struct ast *unit_form(struct parser *parser, const char *name, uint32_t at)
{
    const struct token *unit = parser__token(parser, 0);
    parser->at++;
    if (!parser__need_sign(parser, ","))
        return NULL;
    char *word = arena_text(parser->arena, unit->text);
    for (char *c = word; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    struct ast *first = parser__expr(parser);
    if (!first || !parser__need_sign(parser, ","))
        return NULL;
    struct ast *node =
        parser__call(parser, name, at, 3, text_literal(parser, bytes_from(word), unit->at), first,
                     parser__expr(parser));
    return node && parser__need_sign(parser, ")") ? node : NULL;
}

// INTERVAL 1 DAY 2 HOURS, INTERVAL '1-2' YEAR TO MONTH, INTERVAL '1 day'
struct ast *parser__interval(struct parser *parser)
{
    struct ast *node = parser__node(parser, AST_INTERVAL, parser__token(parser, 0)->at);
    parser->at++;
    struct ast_list args = {0};
    struct ast_list units = {0};
    do {
        uint32_t at = parser__token(parser, 0)->at;
        struct ast *value = parser__token(parser, 0)->kind == TOKEN_STRING
                                ? text_literal(parser, parser__strings(parser), at)
                                : parser__value(parser);
        if (!value)
            return NULL;
        parser__add(parser, &args, value);
        const struct token *unit = parser__token(parser, 0);
        if (unit->kind != TOKEN_WORD || !parser__at_alias(parser, false)) {
            parser__add(parser, &units, NULL);
            break; // the text holds its units
        }
        parser->at++;
        parser__add(parser, &units, arena_text(parser->arena, unit->text));
        if (args.count == 1 && parser__word(parser, "to")) {
            node->name = parser__name(parser, "a unit");
            break;
        }
    } while (parser__token(parser, 0)->kind == TOKEN_NUMBER ||
             parser__token(parser, 0)->kind == TOKEN_STRING);
    node->args = (struct ast **)args.items;
    node->arg_count = args.count;
    node->units = (const char **)units.items;
    return parser->err ? NULL : node;
}

static struct ast *without_parentheses(struct parser *parser, uint32_t at)
{
    static const char *const words[] = {"current_date", "current_timestamp", "current_user",
                                        "localtimestamp"};
    for (size_t i = 0; i < 4; i++)
        if (parser__is_word(parser, 0, words[i]) && !parser__is_sign(parser, 1, "(") &&
            !parser__is_sign(parser, 1, ".")) {
            parser->at++;
            return parser__call(parser, words[i], at, 0);
        }
    return NULL;
}

static bool opens(struct parser *parser, const char *word)
{
    if (!parser__is_word(parser, 0, word) || !parser__is_sign(parser, 1, "("))
        return false;
    parser->at += 2;
    return true;
}

struct ast *parser__special(struct parser *parser)
{
    const struct token *token = parser__token(parser, 0);
    uint32_t at = token->at;
    if (token->kind != TOKEN_WORD)
        return NULL;
    const struct token *next = parser__token(parser, 1);
    if (parser__is_word(parser, 0, "case") && next->kind != TOKEN_END &&
        !parser__is_sign(parser, 1, ".") && !parser__is_sign(parser, 1, ",") &&
        !parser__is_sign(parser, 1, ")")) {
        parser->at++;
        return case_form(parser, at);
    }
    if (parser__is_word(parser, 0, "interval") &&
        (next->kind == TOKEN_STRING || next->kind == TOKEN_NUMBER ||
         parser__is_sign(parser, 1, "(") || parser__is_sign(parser, 1, "-") ||
         (next->kind == TOKEN_WORD && parser__token(parser, 2)->kind == TOKEN_WORD &&
          !parser__is_word(parser, 1, "from") && !parser__is_word(parser, 1, "as"))))
        return parser__interval(parser);
    if (opens(parser, "cast"))
        return cast_form(parser, "cast", at);
    if (opens(parser, "try_cast"))
        return cast_form(parser, "try_cast", at);
    if (parser__is_sign(parser, 1, "(") && parser__is_word(parser, 3, "from") &&
        opens(parser, "extract"))
        return extract_form(parser, at);
    if (opens(parser, "trim"))
        return trim_form(parser, at);
    if (opens(parser, "substring"))
        return from_for_form(parser, "substring", at);
    if (opens(parser, "substr"))
        return from_for_form(parser, "substr", at);
    if (opens(parser, "overlay"))
        return from_for_form(parser, "overlay", at);
    if (opens(parser, "position"))
        return position_form(parser, at);
    static const char *const adders[] = {"timestampadd", "dateadd",  "timestampdiff",
                                         "datediff",     "date_add", "date_diff"};
    static const char *const adds[] = {"timestampadd",  "timestampadd", "timestampdiff",
                                       "timestampdiff", "timestampadd", "timestampdiff"};
    for (size_t i = 0; i < 6; i++) {
        enum token_kind kind = parser__token(parser, 2)->kind;
        // The two-argument date_add(date, n) and datediff(a, b) are ordinary calls.
        if (kind == TOKEN_WORD && parser__is_sign(parser, 3, ",") &&
            parser__is_word(parser, 0, adders[i]) && parser__is_sign(parser, 1, "(")) {
            size_t back = parser->at;
            struct diag *diag = parser->diag;
            parser->at += 2;
            parser->diag = NULL;
            struct ast *node = unit_form(parser, adds[i], at);
            parser->diag = diag;
            if (node)
                return node;
            parser->at = back;
            parser->err = ERR_OK;
        }
    }
    if (parser__is_word(parser, 0, "exists") && parser__is_sign(parser, 1, "(") &&
        parser__at_query(parser, 2)) {
        parser->at += 2;
        struct ast *node = parser__node(parser, AST_SUBQUERY, at);
        node->name = "exists";
        node->query = parser__query(parser);
        return node->query && parser__need_sign(parser, ")") ? node : NULL;
    }
    return without_parentheses(parser, at);
}
