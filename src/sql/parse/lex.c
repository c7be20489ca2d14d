// SPDX-License-Identifier: Apache-2.0
//
// Spark's lexical rules: '…' and "…" are both strings with backslash escapes, r'…' has none, `…`
// quotes an identifier, comments are -- and nested /* */. Adjacent strings are joined by the
// parser.
#include "sql/parse/lex.h"

#include "base/str.h"
#include "base/utf8.h"
#include "base/vec.h"

#include <ctype.h>
#include <stdarg.h>

struct lexer {
    struct bytes text;
    size_t at;
    struct arena *arena;
    struct diag *diag;
    VEC(struct token) tokens;
};

err_t lex_fail(struct diag *diag, struct bytes statement, uint32_t at, err_t code,
               const char *format, ...)
{
    char words[320];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    if (at > statement.size)
        at = (uint32_t)statement.size;
    size_t start = at;
    while (start > 0 && statement.ptr[start - 1] != '\n')
        start--;
    size_t end = at;
    while (end < statement.size && statement.ptr[end] != '\n')
        end++;
    int line = 1;
    for (size_t i = 0; i < start; i++)
        line += statement.ptr[i] == '\n';
    size_t column = utf8_count(statement.ptr + start, at - start) + 1;
    // A long line is cut around the place.
    size_t from = at - start > 60 ? at - 60 : start;
    while (from > start && from < at && (statement.ptr[from] & 0xC0) == 0x80)
        from++;
    size_t to = end - from > 100 ? from + 100 : end;
    int indent = (int)utf8_count(statement.ptr + from, at - from);
    return FAIL(diag, code, "line %d, column %zu: %s\n%.*s\n%*s^", line, column, words,
                (int)(to - from), (const char *)statement.ptr + from, indent, "");
}

static int peek(const struct lexer *lexer, size_t ahead)
{
    return lexer->at + ahead < lexer->text.size ? lexer->text.ptr[lexer->at + ahead] : -1;
}

static void push(struct lexer *lexer, enum token_kind kind, size_t from, struct bytes text)
{
    struct token token = {kind, (uint32_t)from, (uint32_t)lexer->at, text};
    vec_push(&lexer->tokens, token);
}

static bool word_byte(int byte)
{
    return isalnum(byte) || byte == '_' || byte >= 0x80;
}

static err_t skip_comment(struct lexer *lexer)
{
    size_t from = lexer->at;
    int depth = 0;
    do {
        if (peek(lexer, 0) < 0)
            return lex_fail(lexer->diag, lexer->text, (uint32_t)from, ERR_SYNTAX,
                            "this comment is not closed");
        if (peek(lexer, 0) == '/' && peek(lexer, 1) == '*') {
            depth++;
            lexer->at += 2;
        } else if (peek(lexer, 0) == '*' && peek(lexer, 1) == '/') {
            depth--;
            lexer->at += 2;
        } else {
            lexer->at++;
        }
    } while (depth > 0);
    return ERR_OK;
}

static int hex_digit(int byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte = tolower(byte);
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

// The code of \uXXXX or \UXXXXXXXX at `at` (past the letter), or -1.
static int64_t unicode_escape(const struct lexer *lexer, size_t at, size_t end, int digits)
{
    if (at + (size_t)digits > end)
        return -1;
    int64_t code = 0;
    for (int i = 0; i < digits; i++) {
        int digit = hex_digit(lexer->text.ptr[at + (size_t)i]);
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    return code;
}

static size_t put_code(uint8_t *out, int64_t code)
{
    bool scalar = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
    return utf8_encode(scalar ? (uint32_t)code : 0xFFFD, out);
}

// Resolves the escapes of text[from, end) (AstBuilder's unescapeSQLString).
static struct bytes unescape(struct lexer *lexer, size_t from, size_t end)
{
    const uint8_t *text = lexer->text.ptr;
    uint8_t *out = arena_alloc(lexer->arena, end - from + 4);
    size_t size = 0;
    for (size_t i = from; i < end; i++) {
        if (text[i] != '\\' || i + 1 >= end) {
            out[size++] = text[i];
            continue;
        }
        uint8_t next = text[++i];
        int64_t code = -1;
        if (next == 'u' && (code = unicode_escape(lexer, i + 1, end, 4)) >= 0) {
            int64_t low;
            if (code >= 0xD800 && code < 0xDC00 && i + 6 < end && text[i + 5] == '\\' &&
                text[i + 6] == 'u' && (low = unicode_escape(lexer, i + 7, end, 4)) >= 0xDC00) {
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                i += 6;
            }
            size += put_code(out + size, code);
            i += 4;
            continue;
        }
        if (next == 'U' && (code = unicode_escape(lexer, i + 1, end, 8)) >= 0) {
            size += put_code(out + size, code);
            i += 8;
            continue;
        }
        if (next >= '0' && next <= '1' && i + 2 < end && text[i + 1] >= '0' && text[i + 1] <= '7' &&
            text[i + 2] >= '0' && text[i + 2] <= '7') {
            size += put_code(out + size,
                             (next - '0') * 64 + (text[i + 1] - '0') * 8 + (text[i + 2] - '0'));
            i += 2;
            continue;
        }
        static const char plain[] = "0\0b\bn\nr\rt\tZ\x1A";
        bool found = false;
        for (size_t p = 0; p + 1 < sizeof plain; p += 2)
            if (next == plain[p]) {
                out[size++] = (uint8_t)plain[p + 1];
                found = true;
            }
        if (found)
            continue;
        if (next == '%' || next == '_')
            out[size++] = '\\';
        out[size++] = next;
    }
    return bytes_make(out, size);
}

static err_t lex_string(struct lexer *lexer, size_t from, bool raw)
{
    int quote = peek(lexer, 0);
    size_t start = ++lexer->at;
    bool escaped = false;
    for (;; lexer->at++) {
        int byte = peek(lexer, 0);
        if (byte < 0)
            return lex_fail(lexer->diag, lexer->text, (uint32_t)from, ERR_SYNTAX,
                            "this string is not closed: expected %c", quote);
        if (byte == quote)
            break;
        if (byte == '\\' && !raw) {
            escaped = true;
            lexer->at++;
        }
    }
    size_t end = lexer->at++;
    struct bytes text =
        escaped ? unescape(lexer, start, end) : bytes_make(lexer->text.ptr + start, end - start);
    push(lexer, TOKEN_STRING, from, text);
    return ERR_OK;
}

static err_t lex_quoted(struct lexer *lexer)
{
    size_t from = lexer->at++;
    struct str name = {0};
    for (;; lexer->at++) {
        int byte = peek(lexer, 0);
        if (byte < 0) {
            str_release(&name);
            return lex_fail(lexer->diag, lexer->text, (uint32_t)from, ERR_SYNTAX,
                            "this identifier is not closed: expected `");
        }
        if (byte == '`') {
            if (peek(lexer, 1) != '`')
                break;
            lexer->at++;
        }
        str_append_byte(&name, (char)byte);
    }
    lexer->at++;
    push(lexer, TOKEN_QUOTED, from, arena_bytes(lexer->arena, str_bytes(&name)));
    str_release(&name);
    return ERR_OK;
}

static void lex_number(struct lexer *lexer)
{
    size_t from = lexer->at;
    while (isdigit(peek(lexer, 0)))
        lexer->at++;
    if (peek(lexer, 0) == '.' && !word_byte(peek(lexer, 1) < 0 ? ' ' : peek(lexer, 1)))
        lexer->at++;
    else if (peek(lexer, 0) == '.' && isdigit(peek(lexer, 1)))
        for (lexer->at++; isdigit(peek(lexer, 0));)
            lexer->at++;
    int e = peek(lexer, 0);
    if (e == 'e' || e == 'E') {
        size_t sign = peek(lexer, 1) == '+' || peek(lexer, 1) == '-';
        if (isdigit(peek(lexer, 1 + sign)))
            for (lexer->at += 1 + sign; isdigit(peek(lexer, 0));)
                lexer->at++;
    }
    while (isalnum(peek(lexer, 0)) || peek(lexer, 0) == '_')
        lexer->at++;
    push(lexer, TOKEN_NUMBER, from, bytes_make(lexer->text.ptr + from, lexer->at - from));
}

static err_t lex_sign(struct lexer *lexer)
{
    static const char *const signs[] = {
        "<=>", "<=", ">=", "<>", "!=", "==", "||", "->", "=>", "::"};
    struct bytes rest = bytes_make(lexer->text.ptr + lexer->at, lexer->text.size - lexer->at);
    size_t size = 1;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (bytes_starts(rest, bytes_from(signs[i]))) {
            size = strlen(signs[i]);
            break;
        }
    if (size == 1 && !strchr("()[]{},.;+-*/%=<>!~&|^:?", rest.ptr[0]))
        return lex_fail(lexer->diag, lexer->text, (uint32_t)lexer->at, ERR_SYNTAX,
                        "unexpected character (byte 0x%02x)", rest.ptr[0]);
    lexer->at += size;
    push(lexer, TOKEN_SIGN, lexer->at - size, bytes_make(rest.ptr, size));
    return ERR_OK;
}

static err_t lex_one(struct lexer *lexer)
{
    int byte = peek(lexer, 0);
    int next = peek(lexer, 1);
    size_t from = lexer->at;
    if (isspace(byte)) {
        lexer->at++;
        return ERR_OK;
    }
    if (byte == '-' && next == '-') {
        while (peek(lexer, 0) >= 0 && peek(lexer, 0) != '\n')
            lexer->at++;
        return ERR_OK;
    }
    if (byte == '/' && next == '*')
        return skip_comment(lexer);
    if ((byte == 'r' || byte == 'R') && (next == '\'' || next == '"')) {
        lexer->at++;
        return lex_string(lexer, from, true);
    }
    if (byte == '\'' || byte == '"')
        return lex_string(lexer, from, false);
    if (byte == '`')
        return lex_quoted(lexer);
    // `t.1` does not start a number, `.5` does.
    bool after_name = lexer->tokens.count > 0 &&
                      lexer->tokens.items[lexer->tokens.count - 1].end == from &&
                      (lexer->tokens.items[lexer->tokens.count - 1].kind == TOKEN_WORD ||
                       lexer->tokens.items[lexer->tokens.count - 1].kind == TOKEN_QUOTED);
    if (isdigit(byte) || (byte == '.' && isdigit(next) && !after_name)) {
        lex_number(lexer);
        return ERR_OK;
    }
    if (word_byte(byte)) {
        while (peek(lexer, 0) >= 0 && word_byte(peek(lexer, 0)))
            lexer->at++;
        push(lexer, TOKEN_WORD, from, bytes_make(lexer->text.ptr + from, lexer->at - from));
        return ERR_OK;
    }
    return lex_sign(lexer);
}

err_t lex(struct tokens *out, struct arena *arena, struct bytes statement, struct diag *diag)
{
    if (statement.size > LEX_SIZE_MAX_BYTES)
        return FAIL(diag, ERR_TOO_LARGE, "the statement has %zu bytes, at most %d are allowed",
                    statement.size, LEX_SIZE_MAX_BYTES);
    struct lexer lexer = {.text = statement, .arena = arena, .diag = diag};
    err_t err = ERR_OK;
    while (err == ERR_OK && lexer.at < statement.size)
        err = lex_one(&lexer);
    if (err == ERR_OK) {
        push(&lexer, TOKEN_END, statement.size, BYTES_NULL);
        out->statement = statement;
        out->count = lexer.tokens.count;
        out->items = arena_dup(arena, lexer.tokens.items, lexer.tokens.count * sizeof *out->items);
    }
    vec_release(&lexer.tokens);
    return err;
}
