// SPDX-License-Identifier: Apache-2.0
//
// One pass, longest match, as Cassandra's ANTLR lexer: a minus sign in front of digits belongs to
// the number; 8-4-4-4-12 hex digits are a UUID; digits followed by a unit are a duration.
#include "tables/lex.h"

#include <ctype.h>
#include <strings.h>

struct lexer {
    const char *text;
    size_t size, at;
    uint32_t line;
    size_t line_start;
    struct diag *diag;
};

static const char *const reserved[] = {
    "add",    "allow",       "alter",  "and",          "apply",    "asc",      "authorize",
    "batch",  "begin",       "by",     "columnfamily", "create",   "default",  "delete",
    "desc",   "describe",    "drop",   "entries",      "execute",  "from",     "full",
    "grant",  "if",          "in",     "index",        "infinity", "insert",   "into",
    "is",     "keyspace",    "limit",  "materialized", "mbean",    "mbeans",   "modify",
    "nan",    "norecursive", "not",    "null",         "of",       "on",       "or",
    "order",  "primary",     "rename", "replace",      "revoke",   "schema",   "select",
    "set",    "table",       "to",     "token",        "truncate", "unlogged", "unset",
    "update", "use",         "using",  "view",         "where",    "with",
};

bool lex_word_is_reserved(struct bytes word)
{
    if (word.size < 2 || word.size > 12)
        return false;
    size_t low = 0, high = sizeof reserved / sizeof *reserved;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strncasecmp((const char *)word.ptr, reserved[middle], word.size);
        if (order == 0)
            order = reserved[middle][word.size] == '\0' ? 0 : -1;
        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

static char at(const struct lexer *lexer, size_t offset)
{
    return lexer->at + offset < lexer->size ? lexer->text[lexer->at + offset] : '\0';
}

static size_t run_of(const struct lexer *lexer, size_t from, int (*is)(int))
{
    size_t count = 0;
    while (lexer->at + from + count < lexer->size && is((unsigned char)at(lexer, from + count)))
        count++;
    return count;
}

static size_t uuid_size(const struct lexer *lexer)
{
    static const size_t groups[] = {8, 4, 4, 4, 12};
    size_t offset = 0;
    for (int i = 0; i < 5; i++) {
        for (size_t j = 0; j < groups[i]; j++, offset++) {
            if (!isxdigit((unsigned char)at(lexer, offset)))
                return 0;
        }
        if (i < 4 && at(lexer, offset++) != '-')
            return 0;
    }
    return offset;
}

static size_t unit_size(const struct lexer *lexer, size_t from)
{
    static const char *const units[] = {"mo", "ms", "us", "ns", "\xc2\xb5s", "y",
                                        "w",  "d",  "h",  "m",  "s"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t size = strlen(units[i]);
        if (lexer->at + from + size <= lexer->size &&
            strncasecmp(lexer->text + lexer->at + from, units[i], size) == 0)
            return size;
    }
    return 0;
}

// Digits and units in turn; 0 if this is none, or if something more sticks to it.
static size_t duration_size(const struct lexer *lexer, size_t from)
{
    size_t offset = from;
    if ((at(lexer, offset) | 32) == 'p') {
        size_t digits = run_of(lexer, offset + 1, isdigit);
        if (digits == 0 && (at(lexer, offset + 1) | 32) != 't')
            return 0;
        offset++;
        while (isalnum((unsigned char)at(lexer, offset)) ||
               ((at(lexer, offset) == '-' || at(lexer, offset) == ':') &&
                isdigit((unsigned char)at(lexer, offset + 1))))
            offset++;
        return offset;
    }
    for (size_t digits; (digits = run_of(lexer, offset, isdigit)) > 0;) {
        size_t unit = unit_size(lexer, offset + digits);
        if (unit == 0)
            return 0;
        offset += digits + unit;
    }
    return offset > from && !isalnum((unsigned char)at(lexer, offset)) ? offset : 0;
}

static size_t number_size(const struct lexer *lexer, size_t from, enum token_kind *kind)
{
    size_t offset = from + run_of(lexer, from, isdigit);
    *kind = TOKEN_INTEGER;
    if (at(lexer, offset) == '.' && isdigit((unsigned char)at(lexer, offset + 1))) {
        *kind = TOKEN_FLOAT;
        offset += 1 + run_of(lexer, offset + 1, isdigit);
    } else if (at(lexer, offset) == '.' && !isalpha((unsigned char)at(lexer, offset + 1)) &&
               at(lexer, offset + 1) != '.') {
        *kind = TOKEN_FLOAT;
        offset++;
    }
    if ((at(lexer, offset) | 32) == 'e') {
        size_t sign = at(lexer, offset + 1) == '+' || at(lexer, offset + 1) == '-';
        size_t digits = run_of(lexer, offset + 1 + sign, isdigit);
        if (digits > 0) {
            *kind = TOKEN_FLOAT;
            offset += 1 + sign + digits;
        }
    }
    return offset;
}

static err_t unterminated(struct lexer *lexer, const char *expecting)
{
    return FAIL(lexer->diag, ERR_SYNTAX, "line %u:%zu mismatched character '<EOF>' expecting %s",
                lexer->line, lexer->size - lexer->line_start, expecting);
}

static void count_lines(struct lexer *lexer, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (lexer->text[lexer->at + i] == '\n') {
            lexer->line++;
            lexer->line_start = lexer->at + i + 1;
        }
    }
}

static err_t quoted_size(struct lexer *lexer, char quote, struct token *token)
{
    size_t offset = 1;
    for (; lexer->at + offset < lexer->size; offset++) {
        char c = at(lexer, offset);
        if (c == '\0')
            break;
        if (c != quote)
            continue;
        if (at(lexer, offset + 1) != quote) {
            token->size = (uint32_t)offset + 1;
            return ERR_OK;
        }
        token->escaped = true;
        offset++;
    }
    if (lexer->at + offset < lexer->size)
        return FAIL(lexer->diag, ERR_SYNTAX, "line %u:%u a NUL byte inside quotes", token->line,
                    token->column);
    count_lines(lexer, lexer->size - lexer->at);
    return unterminated(lexer, quote == '"' ? "'\"'" : "'''");
}

static err_t dollar_size(struct lexer *lexer, struct token *token)
{
    for (size_t offset = 2; lexer->at + offset + 1 < lexer->size; offset++) {
        if (at(lexer, offset) == '$' && at(lexer, offset + 1) == '$') {
            token->size = (uint32_t)offset + 2;
            return ERR_OK;
        }
    }
    count_lines(lexer, lexer->size - lexer->at);
    return unterminated(lexer, "'$'");
}

static err_t space_size(struct lexer *lexer, struct token *token)
{
    const char *from = lexer->text + lexer->at, *end = lexer->text + lexer->size, *stop;
    if (isspace((unsigned char)*from)) {
        token->size = (uint32_t)run_of(lexer, 0, isspace);
        return ERR_OK;
    }
    if (from[0] == '/' && from[1] == '*') {
        stop = memmem(from + 2, (size_t)(end - from - 2), "*/", 2);
        if (!stop) {
            count_lines(lexer, lexer->size - lexer->at);
            return FAIL(lexer->diag, ERR_SYNTAX,
                        "line %u:%zu mismatched character '<EOF>' expecting '*'", lexer->line,
                        lexer->size - lexer->line_start);
        }
        token->size = (uint32_t)(stop + 2 - from);
        return ERR_OK;
    }
    stop = memchr(from, '\n', (size_t)(end - from)); // -- and //, also as the last line
    token->size = (uint32_t)((stop ? stop + 1 : end) - from);
    return ERR_OK;
}

static bool is_space(const struct lexer *lexer, char c)
{
    char next = at(lexer, 1);
    return isspace((unsigned char)c) || (c == '-' && next == '-') ||
           (c == '/' && (next == '/' || next == '*'));
}

static int is_word_char(int c)
{
    return isalnum(c) || c == '_';
}

static void read_word(const struct lexer *lexer, struct token *token)
{
    size_t size = uuid_size(lexer);
    if (size) {
        token->kind = TOKEN_UUID;
    } else if ((size = (at(lexer, 0) | 32) == 'p' ? duration_size(lexer, 0) : 0) > 0 &&
               size >= run_of(lexer, 0, is_word_char) && size > 1 &&
               (isdigit((unsigned char)at(lexer, 1)) || isdigit((unsigned char)at(lexer, 2)))) {
        token->kind = TOKEN_DURATION;
    } else {
        token->kind = TOKEN_WORD;
        size = run_of(lexer, 0, is_word_char);
    }
    token->size = (uint32_t)size;
}

static void read_number(const struct lexer *lexer, struct token *token)
{
    size_t sign = at(lexer, 0) == '-', size;
    enum token_kind kind;
    if (!sign && (size = uuid_size(lexer)) > 0) {
        kind = TOKEN_UUID;
    } else if (!sign && at(lexer, 0) == '0' && (at(lexer, 1) | 32) == 'x') {
        kind = TOKEN_HEX;
        size = 2 + run_of(lexer, 2, isxdigit);
    } else if ((size = duration_size(lexer, sign)) > 0) {
        kind = TOKEN_DURATION;
    } else {
        size = number_size(lexer, sign, &kind);
    }
    token->kind = (uint8_t)kind;
    token->size = (uint32_t)size;
}

static err_t read_mark(struct lexer *lexer, struct token *token)
{
    static const struct {
        char text[3];
        uint16_t mark;
    } pairs[] = {{"<=", MARK_LE},
                 {">=", MARK_GE},
                 {"!=", MARK_NE},
                 {"+=", MARK_PLUS_IS},
                 {"-=", MARK_MINUS_IS}};
    token->kind = TOKEN_MARK;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (at(lexer, 0) == pairs[i].text[0] && at(lexer, 1) == pairs[i].text[1]) {
            token->mark = pairs[i].mark;
            token->size = 2;
            return ERR_OK;
        }
    }
    char c = at(lexer, 0);
    if (c == '\0' || !strchr("()[]{}<>=,.;:?*+-/%", c)) {
        size_t more = 0;
        while ((at(lexer, more + 1) & 0xc0) == 0x80 && more < 3)
            more++;
        return FAIL(lexer->diag, ERR_SYNTAX, "line %u:%u no viable alternative at character '%.*s'",
                    token->line, token->column, (int)more + 1, lexer->text + lexer->at);
    }
    token->mark = (uint8_t)c;
    token->size = 1;
    return ERR_OK;
}

static err_t read_token(struct lexer *lexer, struct token *token)
{
    *token = (struct token){.start = (uint32_t)lexer->at,
                            .line = lexer->line,
                            .column = (uint32_t)(lexer->at - lexer->line_start)};
    char c = at(lexer, 0), next = at(lexer, 1);
    if (is_space(lexer, c)) {
        token->kind = TOKEN_SPACE;
        return space_size(lexer, token);
    }
    if (c == '\'' || c == '"') {
        token->kind = c == '"' ? TOKEN_QUOTED : TOKEN_STRING;
        return quoted_size(lexer, c, token);
    }
    if (c == '$' && next == '$') {
        token->kind = TOKEN_STRING;
        return dollar_size(lexer, token);
    }
    bool minus = c == '-' && (isdigit((unsigned char)next) ||
                              ((next | 32) == 'p' && isdigit((unsigned char)at(lexer, 2))));
    if (isdigit((unsigned char)c) || minus)
        read_number(lexer, token);
    else if (isalpha((unsigned char)c))
        read_word(lexer, token);
    else
        return read_mark(lexer, token);
    return ERR_OK;
}

err_t tokens_read(struct tokens *out, struct arena *arena, struct bytes text, struct diag *diag)
{
    struct lexer lexer = {
        .text = (const char *)text.ptr, .size = text.size, .line = 1, .diag = diag};
    size_t capacity = 64, count = 0;
    struct token *items = arena_alloc(arena, capacity * sizeof *items);
    while (lexer.at < lexer.size) {
        if (count + 1 == capacity) {
            struct token *more = arena_alloc(arena, capacity * 2 * sizeof *items);
            memcpy(more, items, count * sizeof *items);
            items = more;
            capacity *= 2;
        }
        if (count >= TOKENS_MAX)
            return FAIL(diag, ERR_SYNTAX, "the statement has more than %d tokens", TOKENS_MAX);
        TRY(read_token(&lexer, &items[count]));
        if (items[count].kind == TOKEN_SPACE || items[count].kind == TOKEN_STRING ||
            items[count].kind == TOKEN_QUOTED)
            count_lines(&lexer, items[count].size);
        lexer.at += items[count++].size;
    }
    items[count++] = (struct token){.kind = TOKEN_END, .start = (uint32_t)lexer.size};
    *out = (struct tokens){text, items, count};
    return ERR_OK;
}

struct bytes token_inside(struct bytes text, const struct token *token)
{
    size_t quote = 0;
    if (token->kind == TOKEN_STRING || token->kind == TOKEN_QUOTED)
        quote = text.ptr[token->start] == '$' ? 2 : 1;
    return bytes_make(text.ptr + token->start + quote, token->size - 2 * quote);
}

struct bytes token_value(struct bytes text, const struct token *token, struct arena *arena)
{
    struct bytes inside = token_inside(text, token);
    if (!token->escaped)
        return inside;
    char quote = (char)text.ptr[token->start];
    char *copy = arena_alloc(arena, inside.size);
    size_t size = 0;
    for (size_t i = 0; i < inside.size; i++) {
        copy[size++] = (char)inside.ptr[i];
        if (inside.ptr[i] == (uint8_t)quote)
            i++;
    }
    return bytes_make(copy, size);
}
