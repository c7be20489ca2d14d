// SPDX-License-Identifier: Apache-2.0
//
// json_lex: the tokens of one JSON text as Jackson reads them with Spark's options; shared by
// json_column and json_text inside this folder. Inline, because this is where events per second are
// won.
//
// Bounds     JSON_LEVELS_MAX levels; every read is checked against the end, no byte behind it is
// touched.
#ifndef DATA_JSON_LEX_H
#define DATA_JSON_LEX_H

#include "base/arena.h"
#include "base/str.h"
#include "data/json_column.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    JSON_LEVELS_MAX = 1000,
};

enum json_token {
    JSON_BROKEN, // not JSON
    JSON_NULL,
    JSON_TRUE,
    JSON_FALSE,
    JSON_INT,
    JSON_FLOAT,
    JSON_NAN, // NaN, INF, +Infinity, ...
    JSON_STRING,
    JSON_OBJECT, // only the bracket has been read
    JSON_ARRAY,
};

struct json_lex {
    const uint8_t *at, *end;
    const struct json_options *options;
    unsigned level; // of brackets that are open
};

struct json_value {
    enum json_token token;
    bool escaped;      // STRING: json_lex_unescape() before use
    struct bytes text; // STRING: between the quotes; numbers: all of it
    uint64_t whole;    // INT of at most 18 digits: its magnitude
};

// The slow sides, in json_lex.c.
int json_lex_blank(struct json_lex *lex);                         // comments
bool json_lex_odd(struct json_lex *lex, struct json_value *out);  // NaN and friends
bool json_lex_name(struct json_lex *lex, struct json_value *out); // a key without quotes
bool json_lex_number(struct json_lex *lex, struct json_value *out);
bool json_lex_escape(struct json_lex *lex); // at a backslash: steps over the escape
// The text of a string value; decoded into `arena` where it has escapes.
struct bytes json_lex_unescape(struct arena *arena, const struct json_value *value);
// Steps over the rest of a value whose first token was read. False when it is broken.
bool json_lex_skip(struct json_lex *lex, const struct json_value *value);
// Appends the value as Jackson writes it: no blanks, doubles by Double.toString. Steps over it.
bool json_lex_rewrite(struct json_lex *lex, const struct json_value *value, struct str *out);
bool json_lex_int(const struct json_value *value, int64_t *out); // false: does not fit
double json_lex_double(const struct json_value *value);          // INT, FLOAT, NAN
void json_lex_write_string(struct str *out, struct bytes text);  // quoted, with Jackson's escapes

// The next byte that is no blank, not consumed; -1 at the end.
static inline int json_lex_peek(struct json_lex *lex)
{
    while (lex->at < lex->end) {
        uint8_t byte = *lex->at;
        if (byte > ' ' && byte != '/' && byte != '#')
            return byte;
        if (byte != ' ' && byte != '\n' && byte != '\t' && byte != '\r')
            return json_lex_blank(lex);
        lex->at++;
    }
    return -1;
}

// The first byte at or behind `at` that is `quote`, a backslash or a control character; or `end`.
static inline const uint8_t *json_lex_scan(const uint8_t *at, const uint8_t *end, uint8_t quote)
{
#ifdef __SSE2__
    const __m128i quotes = _mm_set1_epi8((char)quote), slashes = _mm_set1_epi8('\\'),
                  controls = _mm_set1_epi8(0x1f);
    while (end - at >= 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(x, quotes), _mm_cmpeq_epi8(x, slashes));
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_min_epu8(x, controls), x));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask)
            return at + __builtin_ctz(mask);
        at += 16;
    }
#endif
    while (at < end && *at != quote && *at != '\\' && *at >= 0x20)
        at++;
    return at;
}

// Behind the opening quote.
static inline bool json_lex_string(struct json_lex *lex, uint8_t quote, struct json_value *out)
{
    const uint8_t *start = lex->at;
    out->token = JSON_STRING;
    out->escaped = false;
    for (;;) {
        lex->at = json_lex_scan(lex->at, lex->end, quote);
        if (lex->at == lex->end)
            return false;
        if (*lex->at == quote)
            break;
        if (*lex->at == '\\') {
            out->escaped = true;
            if (!json_lex_escape(lex))
                return false;
        } else if (lex->options->allow_control_chars) {
            lex->at++;
        } else {
            return false;
        }
    }
    out->text = bytes_make(start, (size_t)(lex->at - start));
    lex->at++;
    return true;
}

static inline bool json_lex_word(struct json_lex *lex, const char *word, size_t size)
{
    if ((size_t)(lex->end - lex->at) < size || memcmp(lex->at, word, size) != 0)
        return false;
    lex->at += size;
    // A longer word is none of JSON's.
    return lex->at == lex->end || !((*lex->at | 32) >= 'a' && (*lex->at | 32) <= 'z');
}

// Reads a scalar whole, or the opening bracket.
static inline bool json_lex_value(struct json_lex *lex, struct json_value *out)
{
    int byte = json_lex_peek(lex);
    switch (byte) {
    case '"':
        lex->at++;
        return json_lex_string(lex, '"', out);
    case '{':
    case '[':
        lex->at++;
        out->token = byte == '{' ? JSON_OBJECT : JSON_ARRAY;
        return ++lex->level <= JSON_LEVELS_MAX;
    case 't':
        out->token = JSON_TRUE;
        return json_lex_word(lex, "true", 4);
    case 'f':
        out->token = JSON_FALSE;
        return json_lex_word(lex, "false", 5);
    case 'n':
        out->token = JSON_NULL;
        return json_lex_word(lex, "null", 4);
    case '\'':
        lex->at++;
        return !lex->options->no_single_quotes && json_lex_string(lex, '\'', out);
    default:
        if (byte == '-' || (byte >= '0' && byte <= '9'))
            return json_lex_number(lex, out);
        return byte > 0 && json_lex_odd(lex, out);
    }
}

// Inside an object: the next key with its colon (1), the end (0), or broken (-1).
static inline int json_lex_key(struct json_lex *lex, bool first, struct json_value *key)
{
    int byte = json_lex_peek(lex);
    if (byte == '}') {
        lex->at++;
        lex->level--;
        return 0;
    }
    if (!first) {
        if (byte != ',')
            return -1;
        lex->at++;
        byte = json_lex_peek(lex);
    }
    bool fine;
    if (byte == '"' || (byte == '\'' && !lex->options->no_single_quotes)) {
        lex->at++;
        fine = json_lex_string(lex, (uint8_t)byte, key);
    } else {
        fine = byte > 0 && json_lex_name(lex, key);
    }
    if (!fine || json_lex_peek(lex) != ':')
        return -1;
    lex->at++;
    return 1;
}

// Inside an array: an item follows (1), the end (0), or broken (-1).
static inline int json_lex_item(struct json_lex *lex, bool first)
{
    int byte = json_lex_peek(lex);
    if (byte == ']') {
        lex->at++;
        lex->level--;
        return 0;
    }
    if (first)
        return byte < 0 ? -1 : 1;
    if (byte != ',')
        return -1;
    lex->at++;
    return 1;
}

#endif
