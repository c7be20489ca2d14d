// SPDX-License-Identifier: Apache-2.0
//
// The cursor, and errors as ANTLR and Cassandra's ErrorCollector word them: the position, what was
// found, and the query around it: up to ten tokens before, the bad one in [brackets], two after.
#include "tables/parser.h"

#include <ctype.h>
#include <strings.h>

const struct token *parser__peek(const struct parser *parser, size_t ahead)
{
    const struct token *token = &parser->tokens.items[parser->at];
    const struct token *last = &parser->tokens.items[parser->tokens.count - 1];
    while (ahead-- > 0 && token < last) {
        token++;
        while (token < last && token->kind == TOKEN_SPACE)
            token++;
    }
    return token;
}

void parser__next(struct parser *parser)
{
    parser->at = (size_t)(parser__peek(parser, 1) - parser->tokens.items);
}

static struct bytes source_of(const struct parser *parser, const struct token *token)
{
    return bytes_make(parser->tokens.text.ptr + token->start, token->size);
}

bool parser__is_word(const struct parser *parser, size_t ahead, const char *word)
{
    const struct token *token = parser__peek(parser, ahead);
    return token->kind == TOKEN_WORD && strlen(word) == token->size &&
           strncasecmp((const char *)parser->tokens.text.ptr + token->start, word, token->size) ==
               0;
}

bool parser__is_mark(const struct parser *parser, size_t ahead, int mark)
{
    const struct token *token = parser__peek(parser, ahead);
    return token->kind == TOKEN_MARK && token->mark == mark;
}

bool parser__is_name(const struct parser *parser, size_t ahead)
{
    const struct token *token = parser__peek(parser, ahead);
    return token->kind == TOKEN_QUOTED ||
           (token->kind == TOKEN_WORD && !lex_word_is_reserved(source_of(parser, token)));
}

bool parser__take_word(struct parser *parser, const char *word)
{
    if (!parser__is_word(parser, 0, word))
        return false;
    parser__next(parser);
    return true;
}

bool parser__take_words(struct parser *parser, const char *first, const char *second)
{
    if (!parser__is_word(parser, 0, first) || !parser__is_word(parser, 1, second))
        return false;
    parser__next(parser);
    parser__next(parser);
    return true;
}

bool parser__take_mark(struct parser *parser, int mark)
{
    if (!parser__is_mark(parser, 0, mark))
        return false;
    parser__next(parser);
    return true;
}

// --- errors --------------------------------------------------------------------------------------
enum { SNIPPET_BEFORE = 10, SNIPPET_AFTER = 2 };

static uint32_t shown_end(const struct parser *parser, const struct token *token)
{
    return token->start + (uint32_t)token_inside(parser->tokens.text, token).size;
}

static void append_snippet(const struct parser *parser, size_t decision, size_t bad,
                           struct str *out)
{
    const struct token *items = parser->tokens.items;
    const struct token *from = &items[decision > SNIPPET_BEFORE ? decision - SNIPPET_BEFORE : 0];
    const struct token *offending = &items[decision];
    const struct token *to =
        &items[bad < decision + SNIPPET_AFTER ? bad : decision + SNIPPET_AFTER];
    const char *text = (const char *)parser->tokens.text.ptr;
    uint32_t end = shown_end(parser, to), bad_end = shown_end(parser, offending);
    if (end < bad_end)
        end = bad_end;
    str_append_text(out, from->start > 0 ? " (..." : " (");
    str_append(out, text + from->start, offending->start - from->start);
    str_append_byte(out, '[');
    str_append(out, text + offending->start, bad_end - offending->start);
    str_append_byte(out, ']');
    str_append(out, text + bad_end, end - bad_end);
    str_append_text(out, end < parser->tokens.text.size ? "...)" : ")");
}

static err_t fail(struct parser *parser, size_t decision, const char *expecting)
{
    const struct token *bad = &parser->tokens.items[parser->at];
    struct str words = {0};
    if (bad->kind == TOKEN_END)
        str_append_text(&words, "line 0:-1 ");
    else
        str_printf(&words, "line %u:%u ", bad->line, bad->column);
    struct bytes found =
        bad->kind == TOKEN_END ? bytes_from("<EOF>") : token_inside(parser->tokens.text, bad);
    str_printf(&words, "%s '%.*s'",
               expecting ? "mismatched input" : "no viable alternative at input",
               BYTES_PRINT(found));
    if (expecting)
        str_printf(&words, " expecting %s", expecting);
    if (bad->kind != TOKEN_END)
        append_snippet(parser, decision, parser->at, &words);
    err_t err = FAIL(parser->diag, ERR_SYNTAX, "%s", str_text(&words));
    str_release(&words);
    return err;
}

err_t parser__mismatch(struct parser *parser, const char *expecting)
{
    return fail(parser, parser->at, expecting);
}

err_t parser__no_viable(struct parser *parser)
{
    return fail(parser, parser->at, NULL);
}

err_t parser__no_viable_from(struct parser *parser, size_t from)
{
    return fail(parser, from, NULL);
}

err_t parser__expect_word(struct parser *parser, const char *word)
{
    if (parser__take_word(parser, word))
        return ERR_OK;
    char expecting[32];
    snprintf(expecting, sizeof expecting, "K_%s", word);
    return parser__mismatch(parser, expecting);
}

err_t parser__expect_mark(struct parser *parser, int mark)
{
    if (parser__take_mark(parser, mark))
        return ERR_OK;
    char expecting[8];
    snprintf(expecting, sizeof expecting, "'%c'", mark);
    return parser__mismatch(parser, expecting);
}

err_t parser__enter(struct parser *parser)
{
    if (++parser->depth > PARSE_DEPTH_MAX)
        return FAIL(parser->diag, ERR_SYNTAX, "line %u:%u nested more than %d deep",
                    parser__peek(parser, 0)->line, parser__peek(parser, 0)->column,
                    PARSE_DEPTH_MAX);
    return ERR_OK;
}

void parser__leave(struct parser *parser)
{
    parser->depth--;
}

// --- taking --------------------------------------------------------------------------------------
void *parser__grown(struct parser *parser, void *items, size_t count, size_t item_bytes)
{
    if (count > 0 && (count < 4 || (count & (count - 1)) != 0))
        return items;
    size_t room = count == 0 ? 4 : count * 2;
    void *more = arena_alloc(parser->arena, room * item_bytes);
    if (count)
        memcpy(more, items, count * item_bytes);
    return more;
}

static const char *name_of(struct parser *parser, const struct token *token)
{
    char *name = arena_text(parser->arena, token_value(parser->tokens.text, token, parser->arena));
    for (char *c = name; *c && token->kind == TOKEN_WORD; c++)
        *c = (char)tolower((unsigned char)*c);
    return name;
}

err_t parser__name(struct parser *parser, const char **out)
{
    if (!parser__is_name(parser, 0))
        return parser__no_viable(parser);
    *out = name_of(parser, parser__peek(parser, 0));
    if (**out == '\0')
        return FAIL(parser->diag, ERR_SYNTAX, "line %u:%u an empty quoted name",
                    parser__peek(parser, 0)->line, parser__peek(parser, 0)->column);
    parser__next(parser);
    return ERR_OK;
}

err_t parser__table(struct parser *parser, struct table_name *out)
{
    *out = (struct table_name){0};
    TRY(parser__name(parser, &out->name));
    if (parser__take_mark(parser, '.')) {
        out->keyspace = out->name;
        TRY(parser__name(parser, &out->name));
    }
    return ERR_OK;
}

err_t parser__names(struct parser *parser, const char *const **out, size_t *count)
{
    const char **names = NULL;
    *count = 0;
    do {
        const char *name = NULL;
        TRY(parser__name(parser, &name));
        PARSER_PUSH(parser, names, *count, name);
    } while (parser__take_mark(parser, ','));
    *out = names;
    return ERR_OK;
}

err_t parser__string(struct parser *parser, const char **out)
{
    const struct token *token = parser__peek(parser, 0);
    if (token->kind != TOKEN_STRING)
        return parser__mismatch(parser, "STRING_LITERAL");
    *out = arena_text(parser->arena, token_value(parser->tokens.text, token, parser->arena));
    parser__next(parser);
    return ERR_OK;
}

// A type is found by its brackets and read as text by wire/cql/type.h.
err_t parser__type(struct parser *parser, const struct cql_type **out)
{
    const struct token *first = parser__peek(parser, 0);
    if (first->kind == TOKEN_STRING)
        parser__next(parser);
    else if (!parser__is_name(parser, 0) && !parser__is_word(parser, 0, "set"))
        return parser__no_viable(parser);
    else
        parser__next(parser);
    uint32_t end = first->start + first->size;
    if (first->kind != TOKEN_STRING && parser__is_mark(parser, 0, '.') &&
        parser__is_name(parser, 1)) {
        parser__next(parser);
        end = parser__peek(parser, 0)->start + parser__peek(parser, 0)->size;
        parser__next(parser);
    }
    for (int open = parser__is_mark(parser, 0, '<') ? 1 : 0; open > 0;) {
        parser__next(parser); // behind the bracket counted last
        end = parser__peek(parser, 0)->start + parser__peek(parser, 0)->size;
        if (parser__is_mark(parser, 0, '<'))
            open++;
        else if (parser__is_mark(parser, 0, '>'))
            open--;
        else if (!parser__is_name(parser, 0) && !parser__is_word(parser, 0, "set") &&
                 !parser__is_mark(parser, 0, ',') && !parser__is_mark(parser, 0, '.') &&
                 parser__peek(parser, 0)->kind != TOKEN_STRING)
            return parser__no_viable(parser);
        if (open == 0)
            parser__next(parser);
    }
    return cql_type_parse(out, parser->arena,
                          bytes_make(parser->tokens.text.ptr + first->start, end - first->start),
                          parser->diag);
}

err_t parser__if_not_exists(struct parser *parser, bool *out)
{
    *out = parser__take_word(parser, "IF");
    if (*out) {
        TRY(parser__expect_word(parser, "NOT"));
        TRY(parser__expect_word(parser, "EXISTS"));
    }
    return ERR_OK;
}

err_t parser__if_exists(struct parser *parser, bool *out)
{
    *out = parser__take_word(parser, "IF");
    return *out ? parser__expect_word(parser, "EXISTS") : ERR_OK;
}
