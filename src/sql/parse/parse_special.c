// SPDX-License-Identifier: Apache-2.0
//
// Expressions with a syntax of their own: CASE, CAST, EXTRACT, TRIM, SUBSTRING, POSITION, OVERLAY,
// EXISTS, INTERVAL, TIMESTAMPADD and CURRENT_DATE without parentheses.
#include "sql/parse/parse_int.h"

#include <ctype.h>
#include <strings.h>

static struct ast *text_literal(struct parser *parser, struct bytes text, uint32_t at)
{
    struct ast *node = sql_parser__node(parser, AST_LITERAL, at);
    node->type = &type_string;
    node->text = text;
    return node;
}

// CASE: a call "case" of (condition, value)* [else]; with an operand each condition is operand =
// value.
static struct ast *case_form(struct parser *parser, uint32_t at)
{
    struct ast *operand = NULL;
    if (!sql_parser__is_word(parser, 0, "when")) {
        operand = sql_parser__expr(parser);
        if (!operand)
            return NULL;
    }
    struct ast_list args = {0};
    while (sql_parser__word(parser, "when")) {
        struct ast *condition = sql_parser__expr(parser);
        if (condition && operand)
            condition = sql_parser__call(parser, "=", condition->at, 2, operand, condition);
        if (!condition || !sql_parser__need_word(parser, "then"))
            return NULL;
        struct ast *value = sql_parser__expr(parser);
        if (!value)
            return NULL;
        sql_parser__add(parser, &args, condition);
        sql_parser__add(parser, &args, value);
    }
    if (args.count == 0)
        return sql_parser__expected(parser, "WHEN");
    if (sql_parser__word(parser, "else")) {
        struct ast *value = sql_parser__expr(parser);
        if (!value)
            return NULL;
        sql_parser__add(parser, &args, value);
    }
    if (!sql_parser__need_word(parser, "end"))
        return NULL;
    struct ast *node = sql_parser__call(parser, "case", at, 0);
    node->args = (struct ast **)args.items;
    node->arg_count = args.count;
    return node;
}

static struct ast *cast_form(struct parser *parser, const char *name, uint32_t at)
{
    struct ast *node = sql_parser__node(parser, AST_CAST, at);
    node->name = name;
    node->args = ARENA_ARRAY(parser->arena, struct ast *, 1);
    node->arg_count = 1;
    node->args[0] = sql_parser__expr(parser);
    if (!node->args[0] || !sql_parser__need_word(parser, "as"))
        return NULL;
    node->type = sql_parser__type(parser);
    return node->type && sql_parser__need_sign(parser, ")") ? node : NULL;
}

static struct ast *extract_form(struct parser *parser, uint32_t at)
{
    const struct token *field = sql_parser__token(parser, 0);
    parser->at++;
    if (!sql_parser__need_word(parser, "from"))
        return NULL;
    struct ast *node =
        sql_parser__call(parser, "extract", at, 2, text_literal(parser, field->text, field->at),
                         sql_parser__value(parser));
    return node && sql_parser__need_sign(parser, ")") ? node : NULL;
}

// TRIM([BOTH | LEADING | TRAILING] [chars] FROM text); the plain call form is left to the caller.
static struct ast *trim_form(struct parser *parser, uint32_t at)
{
    const char *name = "trim";
    bool side = true;
    if (sql_parser__word(parser, "leading"))
        name = "ltrim";
    else if (sql_parser__word(parser, "trailing"))
        name = "rtrim";
    else
        side = sql_parser__word(parser, "both");
    struct ast *first = NULL;
    if (!sql_parser__is_word(parser, 0, "from")) {
        first = sql_parser__value(parser);
        if (!first)
            return NULL;
    }
    struct ast *node;
    if (sql_parser__word(parser, "from")) {
        struct ast *text = sql_parser__value(parser);
        node = first ? sql_parser__call(parser, strcmp(name, "trim") == 0 ? "trim_chars" : name, at,
                                        2, strcmp(name, "trim") == 0 ? text : first,
                                        strcmp(name, "trim") == 0 ? first : text)
                     : sql_parser__call(parser, name, at, 1, text);
    } else if (side) {
        return sql_parser__expected(parser, "FROM");
    } else if (sql_parser__sign(parser, ",")) {
        node = sql_parser__call(parser, "trim_chars", at, 2, sql_parser__value(parser), first);
    } else {
        node = sql_parser__call(parser, name, at, 1, first);
    }
    return node && sql_parser__need_sign(parser, ")") ? node : NULL;
}

// SUBSTRING(text FROM a [FOR b]), OVERLAY(text PLACING x FROM a [FOR b]); commas work too.
static struct ast *from_for_form(struct parser *parser, const char *name, uint32_t at)
{
    static const char *const words[] = {",", "placing", "from", "for"};
    struct ast_list args = {0};
    for (;;) {
        struct ast *arg = sql_parser__value(parser);
        if (!arg)
            return NULL;
        sql_parser__add(parser, &args, arg);
        if (sql_parser__sign(parser, ")"))
            break;
        bool more = sql_parser__sign(parser, words[0]);
        for (size_t i = 1; !more && i < 4; i++)
            more = sql_parser__word(parser, words[i]);
        if (!more)
            return sql_parser__expected(parser, "FROM, FOR, ',' or ')'");
    }
    struct ast *node = sql_parser__call(parser, name, at, 0);
    node->args = (struct ast **)args.items;
    node->arg_count = args.count;
    return node;
}

static struct ast *position_form(struct parser *parser, uint32_t at)
{
    struct ast *needle = sql_parser__value(parser);
    if (!needle)
        return NULL;
    struct ast *node;
    if (sql_parser__word(parser, "in")) {
        node = sql_parser__call(parser, "position", at, 2, needle, sql_parser__value(parser));
    } else {
        if (!sql_parser__need_sign(parser, ","))
            return NULL;
        struct ast *text = sql_parser__expr(parser);
        node = sql_parser__sign(parser, ",")
                   ? sql_parser__call(parser, "position", at, 3, needle, text,
                                      sql_parser__expr(parser))
                   : sql_parser__call(parser, "position", at, 2, needle, text);
    }
    return node && sql_parser__need_sign(parser, ")") ? node : NULL;
}

// TIMESTAMPADD(unit, …): the unit becomes a text.
static struct ast *unit_form(struct parser *parser, const char *name, uint32_t at)
{
    const struct token *unit = sql_parser__token(parser, 0);
    parser->at++;
    if (!sql_parser__need_sign(parser, ","))
        return NULL;
    char *word = arena_text(parser->arena, unit->text);
    for (char *c = word; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    struct ast *first = sql_parser__expr(parser);
    if (!first || !sql_parser__need_sign(parser, ","))
        return NULL;
    struct ast *node =
        sql_parser__call(parser, name, at, 3, text_literal(parser, bytes_from(word), unit->at),
                         first, sql_parser__expr(parser));
    return node && sql_parser__need_sign(parser, ")") ? node : NULL;
}

// INTERVAL 1 DAY 2 HOURS, INTERVAL '1-2' YEAR TO MONTH, INTERVAL '1 day'
struct ast *sql_parser__interval(struct parser *parser)
{
    struct ast *node = sql_parser__node(parser, AST_INTERVAL, sql_parser__token(parser, 0)->at);
    parser->at++;
    struct ast_list args = {0};
    struct ast_list units = {0};
    do {
        uint32_t at = sql_parser__token(parser, 0)->at;
        struct ast *value = sql_parser__token(parser, 0)->kind == TOKEN_STRING
                                ? text_literal(parser, sql_parser__strings(parser), at)
                                : sql_parser__value(parser);
        if (!value)
            return NULL;
        sql_parser__add(parser, &args, value);
        const struct token *unit = sql_parser__token(parser, 0);
        if (unit->kind != TOKEN_WORD || !sql_parser__at_alias(parser, false)) {
            sql_parser__add(parser, &units, NULL);
            break; // the text holds its units
        }
        parser->at++;
        sql_parser__add(parser, &units, arena_text(parser->arena, unit->text));
        if (args.count == 1 && sql_parser__word(parser, "to")) {
            node->name = sql_parser__name(parser, "a unit");
            break;
        }
    } while (sql_parser__token(parser, 0)->kind == TOKEN_NUMBER ||
             sql_parser__token(parser, 0)->kind == TOKEN_STRING);
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
        if (sql_parser__is_word(parser, 0, words[i]) && !sql_parser__is_sign(parser, 1, "(") &&
            !sql_parser__is_sign(parser, 1, ".")) {
            parser->at++;
            return sql_parser__call(parser, words[i], at, 0);
        }
    return NULL;
}

static bool opens(struct parser *parser, const char *word)
{
    if (!sql_parser__is_word(parser, 0, word) || !sql_parser__is_sign(parser, 1, "("))
        return false;
    parser->at += 2;
    return true;
}

struct ast *sql_parser__special(struct parser *parser)
{
    const struct token *token = sql_parser__token(parser, 0);
    uint32_t at = token->at;
    if (token->kind != TOKEN_WORD)
        return NULL;
    const struct token *next = sql_parser__token(parser, 1);
    if (sql_parser__is_word(parser, 0, "case") && next->kind != TOKEN_END &&
        !sql_parser__is_sign(parser, 1, ".") && !sql_parser__is_sign(parser, 1, ",") &&
        !sql_parser__is_sign(parser, 1, ")")) {
        parser->at++;
        return case_form(parser, at);
    }
    if (sql_parser__is_word(parser, 0, "interval") &&
        (next->kind == TOKEN_STRING || next->kind == TOKEN_NUMBER ||
         sql_parser__is_sign(parser, 1, "(") || sql_parser__is_sign(parser, 1, "-") ||
         (next->kind == TOKEN_WORD && sql_parser__token(parser, 2)->kind == TOKEN_WORD &&
          !sql_parser__is_word(parser, 1, "from") && !sql_parser__is_word(parser, 1, "as"))))
        return sql_parser__interval(parser);
    if (opens(parser, "cast"))
        return cast_form(parser, "cast", at);
    if (opens(parser, "try_cast"))
        return cast_form(parser, "try_cast", at);
    if (sql_parser__is_sign(parser, 1, "(") && sql_parser__is_word(parser, 3, "from") &&
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
        enum token_kind kind = sql_parser__token(parser, 2)->kind;
        // The two-argument date_add(date, n) and datediff(a, b) are ordinary calls.
        if (kind == TOKEN_WORD && sql_parser__is_sign(parser, 3, ",") &&
            sql_parser__is_word(parser, 0, adders[i]) && sql_parser__is_sign(parser, 1, "(")) {
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
    if (sql_parser__is_word(parser, 0, "exists") && sql_parser__is_sign(parser, 1, "(") &&
        sql_parser__at_query(parser, 2)) {
        parser->at += 2;
        struct ast *node = sql_parser__node(parser, AST_SUBQUERY, at);
        node->name = "exists";
        node->query = sql_parser__query(parser);
        return node->query && sql_parser__need_sign(parser, ")") ? node : NULL;
    }
    return without_parentheses(parser, at);
}
