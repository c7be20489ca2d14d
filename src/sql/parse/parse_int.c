// SPDX-License-Identifier: Apache-2.0
#include "sql/parse/parse_int.h"

#include "base/vec.h"
#include "sql/keywords.h"

#include <ctype.h>
#include <stdarg.h>
#include <strings.h>

void sql_parser__add(struct parser *parser, struct ast_list *list, void *item)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 4;
        void **items = arena_alloc(parser->arena, capacity * sizeof *items);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
}

void *sql_parser__fail(struct parser *parser, uint32_t at, err_t code, const char *format, ...)
{
    if (parser->err)
        return NULL;
    char words[320];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    parser->err = lex_fail(parser->diag, parser->tokens.statement, at, code, "%s", words);
    return NULL;
}

void *sql_parser__expected(struct parser *parser, const char *what)
{
    const struct token *token = sql_parser__token(parser, 0);
    if (token->kind == TOKEN_END)
        return sql_parser__fail(parser, token->at, ERR_SYNTAX,
                                "the statement ends here, expected %s", what);
    return sql_parser__fail(parser, token->at, ERR_SYNTAX, "unexpected '%.*s', expected %s",
                            token->end - token->at > 60 ? 60 : (int)(token->end - token->at),
                            (const char *)parser->tokens.statement.ptr + token->at, what);
}

bool sql_parser__enter(struct parser *parser)
{
    if (parser->err)
        return false;
    if (++parser->depth <= PARSE_DEPTH_MAX)
        return true;
    sql_parser__fail(parser, sql_parser__token(parser, 0)->at, ERR_TOO_LARGE,
                     "the statement is nested deeper than %d levels", PARSE_DEPTH_MAX);
    return false;
}

static bool word_is(const struct token *token, const char *word)
{
    return token->kind == TOKEN_WORD && token->text.size == strlen(word) &&
           strncasecmp((const char *)token->text.ptr, word, token->text.size) == 0;
}

bool sql_parser__is_word(const struct parser *parser, size_t ahead, const char *word)
{
    return word_is(sql_parser__token(parser, ahead), word);
}

bool sql_parser__is_sign(const struct parser *parser, size_t ahead, const char *sign)
{
    const struct token *token = sql_parser__token(parser, ahead);
    return token->kind == TOKEN_SIGN && bytes_is(token->text, sign);
}

bool sql_parser__word(struct parser *parser, const char *word)
{
    if (!sql_parser__is_word(parser, 0, word))
        return false;
    parser->at++;
    return true;
}

bool sql_parser__words(struct parser *parser, const char *first, const char *second)
{
    if (!sql_parser__is_word(parser, 0, first) || !sql_parser__is_word(parser, 1, second))
        return false;
    parser->at += 2;
    return true;
}

bool sql_parser__sign(struct parser *parser, const char *sign)
{
    if (!sql_parser__is_sign(parser, 0, sign))
        return false;
    parser->at++;
    return true;
}

bool sql_parser__need_word(struct parser *parser, const char *word)
{
    return sql_parser__word(parser, word) || sql_parser__expected(parser, word);
}

bool sql_parser__need_sign(struct parser *parser, const char *sign)
{
    if (sql_parser__sign(parser, sign))
        return true;
    char what[8];
    snprintf(what, sizeof what, "'%s'", sign);
    sql_parser__expected(parser, what);
    return false;
}

const char *sql_parser__name(struct parser *parser, const char *what)
{
    const struct token *token = sql_parser__token(parser, 0);
    if (token->kind != TOKEN_WORD && token->kind != TOKEN_QUOTED)
        return sql_parser__expected(parser, what);
    parser->at++;
    return arena_text(parser->arena, token->text);
}

static const struct sql_keyword *find_keyword(const struct token *token)
{
    if (token->kind != TOKEN_WORD)
        return NULL;
    for (size_t i = 0; i < sql_keyword_count; i++)
        if (word_is(token, sql_keywords[i].word))
            return &sql_keywords[i];
    return NULL;
}

bool sql_parser__at_alias(const struct parser *parser, bool of_table)
{
    const struct token *token = sql_parser__token(parser, 0);
    if (token->kind == TOKEN_QUOTED)
        return true;
    if (token->kind != TOKEN_WORD)
        return false;
    const struct sql_keyword *keyword = find_keyword(token);
    return !keyword || !(of_table ? keyword->ends_table : keyword->ends_expression);
}

struct ast *sql_parser__node(struct parser *parser, enum ast_kind kind, uint32_t at)
{
    struct ast *node = ARENA_NEW(parser->arena, struct ast);
    node->kind = kind;
    node->at = at;
    return node;
}

struct ast *sql_parser__call(struct parser *parser, const char *name, uint32_t at, size_t count,
                             ...)
{
    struct ast *node = sql_parser__node(parser, AST_CALL, at);
    node->name = node->shown = name;
    node->args = ARENA_ARRAY(parser->arena, struct ast *, count + 1);
    node->arg_count = count;
    va_list args;
    va_start(args, count);
    for (size_t i = 0; i < count; i++) {
        node->args[i] = va_arg(args, struct ast *);
        if (!node->args[i])
            node = NULL;
        if (!node)
            break;
    }
    va_end(args);
    return node;
}

struct bytes sql_parser__strings(struct parser *parser)
{
    struct bytes text = sql_parser__token(parser, 0)->text;
    parser->at++;
    while (sql_parser__token(parser, 0)->kind == TOKEN_STRING) {
        struct bytes more = sql_parser__token(parser, 0)->text;
        uint8_t *joined = arena_alloc(parser->arena, text.size + more.size + 1);
        if (text.size)
            memcpy(joined, text.ptr, text.size);
        if (more.size)
            memcpy(joined + text.size, more.ptr, more.size);
        text = bytes_make(joined, text.size + more.size);
        parser->at++;
    }
    return text;
}

// A type is read by data/type.h; here its extent is found: words, <…> and (…).
const struct type *sql_parser__type(struct parser *parser)
{
    const struct token *first = sql_parser__token(parser, 0);
    if (first->kind != TOKEN_WORD)
        return sql_parser__expected(parser, "a type");
    uint32_t end = first->end;
    parser->at++;
    if (word_is(first, "interval") || word_is(first, "long") || word_is(first, "double")) {
        while (sql_parser__is_word(parser, 0, "year") || sql_parser__is_word(parser, 0, "month") ||
               sql_parser__is_word(parser, 0, "day") || sql_parser__is_word(parser, 0, "hour") ||
               sql_parser__is_word(parser, 0, "minute") ||
               sql_parser__is_word(parser, 0, "second") || sql_parser__is_word(parser, 0, "to")) {
            end = sql_parser__token(parser, 0)->end;
            parser->at++;
        }
    }
    int angles = 0;
    int rounds = 0;
    for (;;) {
        const struct token *token = sql_parser__token(parser, 0);
        if (token->kind == TOKEN_SIGN && bytes_is(token->text, "<"))
            angles++;
        else if (token->kind == TOKEN_SIGN && bytes_is(token->text, "("))
            rounds++;
        else if (angles > 0 && token->kind == TOKEN_SIGN && bytes_is(token->text, ">"))
            angles--;
        else if (rounds > 0 && token->kind == TOKEN_SIGN && bytes_is(token->text, ")"))
            rounds--;
        else if (angles == 0 && rounds == 0)
            break;
        else if (token->kind == TOKEN_SIGN && bytes_is(token->text, "<>"))
            ; // struct<>
        else if (token->kind == TOKEN_END)
            return sql_parser__expected(parser, angles ? "'>'" : "')'");
        end = token->end;
        parser->at++;
        if (angles == 0 && rounds == 0)
            break;
    }
    const struct type *type = NULL;
    struct diag diag = DIAG_INIT;
    struct bytes text = bytes_make(parser->tokens.statement.ptr + first->at, end - first->at);
    if (type_parse(&type, parser->arena, text, &diag) != ERR_OK)
        return sql_parser__fail(parser, first->at, ERR_SYNTAX, "%s", diag_text(&diag));
    return type;
}
