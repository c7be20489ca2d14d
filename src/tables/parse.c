// SPDX-License-Identifier: Apache-2.0
#include "tables/parser.h"

#include <ctype.h>

static err_t truncate_table(struct parser *parser, struct statement *out)
{
    out->kind = STATEMENT_TRUNCATE;
    if (!parser__take_word(parser, "TABLE"))
        parser__take_word(parser, "COLUMNFAMILY");
    return parser__table(parser, &out->truncate);
}

static err_t list(struct parser *parser, struct statement *out)
{
    if (parser__take_word(parser, "ROLES") || parser__take_word(parser, "USERS")) {
        out->kind = STATEMENT_LIST_ROLES;
        return ERR_OK;
    }
    return parser__unsupported(parser, out, "LIST PERMISSIONS");
}

// Dispatches on the first word, which is taken already.
static err_t by_verb(struct parser *parser, const char *verb, struct statement *out)
{
    switch (verb[0] << 8 | verb[1]) {
    case 'S' << 8 | 'E':
        out->kind = STATEMENT_SELECT;
        return parser__select(parser, &out->select);
    case 'I' << 8 | 'N':
        out->kind = STATEMENT_INSERT;
        return parser__insert(parser, &out->insert);
    case 'U' << 8 | 'P':
        out->kind = STATEMENT_UPDATE;
        return parser__update(parser, &out->update);
    case 'D' << 8 | 'E':
        if (verb[2] == 'L') {
            out->kind = STATEMENT_DELETE;
            return parser__delete(parser, &out->delete_);
        }
        out->kind = STATEMENT_DESCRIBE;
        return parser__describe(parser, &out->describe);
    case 'B' << 8 | 'E':
        out->kind = STATEMENT_BATCH;
        return parser__batch(parser, &out->batch);
    case 'C' << 8 | 'R':
        return parser__create(parser, out);
    case 'A' << 8 | 'L':
        return parser__alter(parser, out);
    case 'D' << 8 | 'R':
        return parser__drop(parser, out);
    case 'T' << 8 | 'R':
        return truncate_table(parser, out);
    case 'U' << 8 | 'S':
        out->kind = STATEMENT_USE;
        return parser__name(parser, &out->use);
    case 'L' << 8 | 'I':
        return list(parser, out);
    default:
        return parser__unsupported(parser, out, verb);
    }
}

static err_t statement(struct parser *parser, struct statement *out)
{
    static const char *const verbs[] = {"SELECT", "INSERT",   "UPDATE", "DELETE", "BEGIN",
                                        "CREATE", "ALTER",    "DROP",   "USE",    "TRUNCATE",
                                        "DESC",   "DESCRIBE", "LIST",   "GRANT",  "REVOKE"};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (parser__take_word(parser, verbs[i]))
            return by_verb(parser, verbs[i], out);
    }
    return parser__no_viable(parser);
}

// What may follow decides the words: "expecting EOF" once a ; has been seen, no alternative before.
static err_t end_of_statement(struct parser *parser)
{
    bool semicolon = parser__is_mark(parser, 0, ';');
    while (parser__take_mark(parser, ';'))
        ;
    if (parser__peek(parser, 0)->kind == TOKEN_END)
        return ERR_OK;
    return semicolon ? parser__mismatch(parser, "EOF") : parser__no_viable(parser);
}

err_t statement_parse(const struct statement **out, struct arena *arena, struct bytes text,
                      struct diag *diag)
{
    if (text.size > PARSE_TEXT_MAX)
        return FAIL(diag, ERR_INVALID, "a statement of %zu bytes is larger than the %d allowed",
                    text.size, PARSE_TEXT_MAX);
    struct parser parser = {.arena = arena, .diag = diag};
    TRY(tokens_read(&parser.tokens, arena, arena_bytes(arena, text), diag));
    if (parser.tokens.items[0].kind == TOKEN_SPACE)
        parser__next(&parser);
    struct statement *parsed = ARENA_NEW(arena, struct statement);
    TRY(statement(&parser, parsed));
    TRY(end_of_statement(&parser));
    parsed->marker_count = parser.marker_count;
    parsed->marker_names = parser.marker_names;
    *out = parsed;
    return ERR_OK;
}

// --- scripts -------------------------------------------------------------------------------------
// Size of the quoted text or comment that starts at `at`, or 0 if none does.
static size_t opaque_size(struct bytes text, size_t at)
{
    const char *from = (const char *)text.ptr + at;
    size_t left = text.size - at;
    const char *end, *close = NULL;
    if (*from == '\'' || *from == '"')
        close = memchr(from + 1, *from, left - 1), end = close ? close + 1 : NULL;
    else if (left >= 2 && memcmp(from, "/*", 2) == 0)
        close = memmem(from + 2, left - 2, "*/", 2), end = close ? close + 2 : NULL;
    else if (left >= 2 && memcmp(from, "$$", 2) == 0)
        close = memmem(from + 2, left - 2, "$$", 2), end = close ? close + 2 : NULL;
    else if (left >= 2 && (memcmp(from, "--", 2) == 0 || memcmp(from, "//", 2) == 0))
        close = memchr(from, '\n', left), end = close;
    else
        return 0;
    return close ? (size_t)(end - from) : left;
}

static bool is_comment(struct bytes text, size_t at)
{
    char c = (char)text.ptr[at];
    return c == '-' || c == '/';
}

bool parse_script_next(struct bytes *rest, struct bytes *statement_text, uint32_t *line)
{
    size_t start = 0, at = 0;
    bool begun = false;
    for (size_t i = 0; statement_text->ptr && i < statement_text->size; i++)
        *line += statement_text->ptr[i] == '\n';
    while (at < rest->size) {
        size_t opaque = opaque_size(*rest, at);
        char c = (char)rest->ptr[at];
        if (c == ';' && begun)
            break;
        bool blank = isspace((unsigned char)c) || c == ';' || (opaque && is_comment(*rest, at));
        if (!begun && !blank) {
            begun = true;
            start = at;
        }
        at += opaque ? opaque : 1;
    }
    for (size_t i = 0; i < start; i++)
        *line += rest->ptr[i] == '\n';
    *statement_text = bytes_make(rest->ptr + start, at - start);
    *rest = bytes_make(rest->ptr + at, rest->size - at);
    return begun;
}
