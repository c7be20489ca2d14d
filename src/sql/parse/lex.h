// SPDX-License-Identifier: Apache-2.0
//
// lex: a statement as tokens, and the form of every error that points into a statement:
// "line 3, column 14: message", the source line, and a caret under the place.
//
// Bounds     1 MiB of text.
#ifndef SQL_PARSE_LEX_H
#define SQL_PARSE_LEX_H

#include "base/arena.h"
#include "base/diag.h"

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,   // a bare identifier or keyword; text as written
    TOKEN_QUOTED, // `…`, unquoted
    TOKEN_STRING, // '…' or "…", escapes resolved
    TOKEN_NUMBER, // text as written
    TOKEN_SIGN,   // an operator or punctuation
};

struct token {
    enum token_kind kind;
    uint32_t at, end; // offsets in the statement
    struct bytes text;
};

struct tokens {
    struct bytes statement;
    struct token *items; // ends with TOKEN_END
    size_t count;
};

#define LEX_SIZE_MAX_BYTES (1 << 20)

MUST_USE err_t lex(struct tokens *out, struct arena *arena, struct bytes statement,
                   struct diag *diag);

// Fails with the place and a caret.
err_t lex_fail(struct diag *diag, struct bytes statement, uint32_t at, err_t code,
               const char *format, ...) PRINTF_LIKE(5, 6);

#endif
