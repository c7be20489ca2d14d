// SPDX-License-Identifier: Apache-2.0
//
// lex: CQL text to tokens, white space and comments included (error messages quote them). Pure.
#ifndef TABLES_LEX_H
#define TABLES_LEX_H

#include "base/arena.h"
#include "base/diag.h"

enum token_kind {
    TOKEN_END,
    TOKEN_SPACE,  // white space or a comment
    TOKEN_WORD,   // bare identifier or keyword
    TOKEN_QUOTED, // "Identifier"
    TOKEN_STRING, // 'text' or $$text$$
    TOKEN_INTEGER,
    TOKEN_FLOAT,
    TOKEN_UUID,
    TOKEN_HEX,
    TOKEN_DURATION,
    TOKEN_MARK, // punctuation: `mark`
};

enum { MARK_LE = 256, MARK_GE, MARK_NE, MARK_PLUS_IS, MARK_MINUS_IS };

struct token {
    uint8_t kind;
    bool escaped;         // STRING, QUOTED: holds doubled quotes
    uint16_t mark;        // MARK: the character, or MARK_LE …
    uint32_t start, size; // in the text, quotes included
    uint32_t line, column;
};

struct tokens {
    struct bytes text;
    const struct token *items; // the last one is TOKEN_END
    size_t count;
};

enum { TOKENS_MAX = 1 << 20 };

// `text` must outlive the tokens.
MUST_USE err_t tokens_read(struct tokens *out, struct arena *arena, struct bytes text,
                           struct diag *diag);
// The token without its quotes (doubled ones still doubled).
struct bytes token_inside(struct bytes text, const struct token *token);
// The same, doubled quotes undone; in `arena` when that changes it.
struct bytes token_value(struct bytes text, const struct token *token, struct arena *arena);
bool lex_word_is_reserved(struct bytes word); // cannot be a bare identifier

#endif
