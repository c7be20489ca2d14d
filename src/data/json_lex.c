// SPDX-License-Identifier: Apache-2.0
#include "data/json_lex.h"

#include "base/utf8.h"
#include "data/number.h"

#include <math.h>

// At a byte that may begin a comment, or at a control character.
int json_lex_blank(struct json_lex *lex)
{
    while (lex->at < lex->end) {
        uint8_t byte = *lex->at;
        bool star = byte == '/' && lex->end - lex->at > 1 && lex->at[1] == '*';
        bool line = byte == '/' && lex->end - lex->at > 1 && lex->at[1] == '/';
        if (lex->options->allow_comments && star) {
            lex->at += 2;
            while (lex->end - lex->at > 1 && (lex->at[0] != '*' || lex->at[1] != '/'))
                lex->at++;
            lex->at = lex->end - lex->at > 1 ? lex->at + 2 : lex->end;
        } else if (lex->options->allow_comments && line) {
            while (lex->at < lex->end && *lex->at != '\n')
                lex->at++;
        } else if (byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r') {
            lex->at++;
        } else {
            return byte;
        }
    }
    return -1;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_name(uint8_t c)
{
    return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || c == '$' ||
           c == '@' || c == '#' || c == '*' || c == '+' || c == '-' || c >= 0x80;
}

bool json_lex_name(struct json_lex *lex, struct json_value *out)
{
    const uint8_t *start = lex->at;
    if (!lex->options->allow_unquoted_names)
        return false;
    while (lex->at < lex->end && is_name(*lex->at))
        lex->at++;
    *out = (struct json_value){.token = JSON_STRING,
                               .text = bytes_make(start, (size_t)(lex->at - start))};
    return lex->at > start;
}

bool json_lex_odd(struct json_lex *lex, struct json_value *out)
{
    static const char *const words[] = {"NaN",       "INF",       "Infinity", "+INF",
                                        "+Infinity", "-Infinity", "-INF"};
    if (lex->options->no_non_numeric)
        return false;
    const uint8_t *start = lex->at;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        lex->at = start;
        if (json_lex_word(lex, words[i], strlen(words[i]))) {
            out->token = JSON_NAN;
            out->text = bytes_from(words[i]);
            return true;
        }
    }
    return false;
}

static bool digits(struct json_lex *lex)
{
    const uint8_t *start = lex->at;
    while (lex->at < lex->end && is_digit(*lex->at))
        lex->at++;
    return lex->at > start;
}

// Digits eight bytes at a time: which bytes are digits shows in their top bits; those before the
// first other byte are shifted to the end of the word, where pairs, fours and eights are joined by
// multiplication.
static uint64_t take_eights(struct json_lex *lex, uint64_t whole)
{
    static const uint64_t powers[] = {1,      10,      100,      1000,     10000,
                                      100000, 1000000, 10000000, 100000000};
    size_t count = 8;
    while (count == 8 && lex->end - lex->at >= 8) {
        uint64_t word;
        memcpy(&word, lex->at, 8);
        word ^= 0x3030303030303030U;
        uint64_t other = ((word + 0x7676767676767676U) | word) & 0x8080808080808080U;
        count = other ? (size_t)__builtin_ctzll(other) / 8 : 8;
        if (count == 0)
            break;
        word <<= 8 * (8 - count);
        word = (word * 10 + (word >> 8)) & 0x00ff00ff00ff00ffU;
        word = (word * 100 + (word >> 16)) & 0x0000ffff0000ffffU;
        word = word * 10000 + (word >> 32);
        whole = whole * powers[count] + (word & 0xffffffffU);
        lex->at += count;
    }
    return whole;
}

bool json_lex_number(struct json_lex *lex, struct json_value *out)
{
    const uint8_t *start = lex->at;
    lex->at += *lex->at == '-';
    const uint8_t *first = lex->at;
    uint64_t whole = take_eights(lex, 0);
    while (lex->at < lex->end && is_digit(*lex->at))
        whole = whole * 10 + (*lex->at++ - '0'); // wraps; used up to 18 digits only
    out->token = JSON_INT;
    out->whole = whole;
    if (lex->at == first) {
        lex->at = start;
        return json_lex_odd(lex, out);
    }
    if (*first == '0' && lex->at - first > 1 && !lex->options->allow_leading_zeros)
        return false;
    if (lex->at < lex->end && *lex->at == '.') {
        lex->at++;
        out->token = JSON_FLOAT;
        if (!digits(lex))
            return false;
    }
    if (lex->at < lex->end && (*lex->at | 32) == 'e') {
        lex->at++;
        out->token = JSON_FLOAT;
        if (lex->at < lex->end && (*lex->at == '-' || *lex->at == '+'))
            lex->at++;
        if (!digits(lex))
            return false;
    }
    out->text = bytes_make(start, (size_t)(lex->at - start));
    return true;
}

static int hex4(const uint8_t *t)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c = t[i];
        int digit = is_digit(c)                          ? c - '0'
                    : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                         : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

bool json_lex_escape(struct json_lex *lex)
{
    if (lex->end - lex->at < 2)
        return false;
    uint8_t byte = lex->at[1];
    if (byte == 'u') {
        if (lex->end - lex->at < 6 || hex4(lex->at + 2) < 0)
            return false;
        lex->at += 6;
        return true;
    }
    lex->at += 2;
    return strchr("\"\\/bfnrt", byte) != NULL
               ? byte != 0
               : lex->options->allow_backslash_any ||
                     (byte == '\'' && !lex->options->no_single_quotes);
}

static uint8_t plain_escape(uint8_t byte)
{
    switch (byte) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return byte;
    }
}

// \uXXXX at `t`, with the second half of a surrogate pair. A lone half becomes '?', as in Java's
// UTF-8.
static size_t decode_unicode(const uint8_t *t, const uint8_t *end, uint8_t *out, size_t *read)
{
    int code = hex4(t + 2), low;
    *read = 6;
    if (code < 0xd800 || code > 0xdfff)
        return utf8_encode((uint32_t)code, out);
    if (code < 0xdc00 && end - t >= 12 && t[6] == '\\' && t[7] == 'u') {
        low = hex4(t + 8);
        if (low >= 0xdc00 && low <= 0xdfff) {
            *read = 12;
            return utf8_encode(
                0x10000U + (((uint32_t)code - 0xd800) << 10) + (uint32_t)low - 0xdc00, out);
        }
    }
    *out = '?';
    return 1;
}

struct bytes json_lex_unescape(struct arena *arena, const struct json_value *value)
{
    if (!value->escaped)
        return value->text;
    uint8_t *out = arena_alloc(arena, value->text.size);
    size_t size = 0;
    const uint8_t *t = value->text.ptr, *end = t + value->text.size;
    while (t < end) {
        if (*t != '\\') {
            out[size++] = *t++;
        } else if (t[1] != 'u') {
            out[size++] = plain_escape(t[1]);
            t += 2;
        } else {
            size_t read;
            size += decode_unicode(t, end, out + size, &read);
            t += read;
        }
    }
    return bytes_make(out, size);
}

bool json_lex_skip(struct json_lex *lex, const struct json_value *value)
{
    struct json_value item;
    int more;
    if (value->token == JSON_OBJECT) {
        for (bool first = true; (more = json_lex_key(lex, first, &item)) == 1; first = false)
            if (!json_lex_value(lex, &item) || !json_lex_skip(lex, &item))
                return false;
        return more == 0;
    }
    if (value->token != JSON_ARRAY)
        return true;
    for (bool first = true; (more = json_lex_item(lex, first)) == 1; first = false)
        if (!json_lex_value(lex, &item) || !json_lex_skip(lex, &item))
            return false;
    return more == 0;
}

bool json_lex_int(const struct json_value *value, int64_t *out)
{
    bool negative = value->text.ptr[0] == '-';
    if (value->text.size - negative <= 18) {
        *out = negative ? -(int64_t)value->whole : (int64_t)value->whole;
        return true;
    }
    return number_parse_long(value->text, false, out);
}

double json_lex_double(const struct json_value *value)
{
    double number = NAN;
    if (value->token == JSON_NAN)
        return value->text.ptr[0] == 'N' ? NAN : value->text.ptr[0] == '-' ? -INFINITY : INFINITY;
    number_parse_decimal_double(value->text, &number);
    return number;
}

void json_lex_write_string(struct str *out, struct bytes text)
{
    static const char hex[] = "0123456789ABCDEF";
    str_append_byte(out, '"');
    const uint8_t *t = text.ptr, *end = t + text.size;
    while (t < end) {
        const uint8_t *stop = json_lex_scan(t, end, '"');
        str_append(out, t, (size_t)(stop - t));
        t = stop;
        if (t == end)
            break;
        static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
        const char *known = *t ? strchr(from, *t) : NULL;
        str_append_byte(out, '\\');
        if (known) {
            str_append_byte(out, to[known - from]);
        } else {
            str_append_text(out, "u00");
            str_append_byte(out, hex[*t >> 4]);
            str_append_byte(out, hex[*t & 15]);
        }
        t++;
    }
    str_append_byte(out, '"');
}

static void rewrite_string(struct str *out, const struct json_value *value)
{
    if (!value->escaped) {
        json_lex_write_string(out, value->text);
        return;
    }
    struct arena arena = ARENA_INIT;
    json_lex_write_string(out, json_lex_unescape(&arena, value));
    arena_release(&arena);
}

static void rewrite_number(struct str *out, const struct json_value *value)
{
    char text[NUMBER_TEXT_MAX];
    if (value->token == JSON_INT) {
        struct bytes number = value->text; // -0 becomes 0, leading zeros go
        bool negative = number.ptr[0] == '-';
        number = bytes_make(number.ptr + negative, number.size - negative);
        while (number.size > 1 && number.ptr[0] == '0')
            number = bytes_make(number.ptr + 1, number.size - 1);
        if (negative && !bytes_is(number, "0"))
            str_append_byte(out, '-');
        str_append_bytes(out, number);
        return;
    }
    double number = json_lex_double(value);
    size_t size = number_double_text(text, number);
    if (isfinite(number))
        str_append(out, text, size);
    else
        json_lex_write_string(out, bytes_make(text, size));
}

static bool rewrite_inside(struct json_lex *lex, bool object, struct str *out)
{
    struct json_value item;
    int more;
    str_append_byte(out, object ? '{' : '[');
    for (bool first = true;; first = false) {
        more = object ? json_lex_key(lex, first, &item) : json_lex_item(lex, first);
        if (more <= 0)
            break;
        if (!first)
            str_append_byte(out, ',');
        if (object) {
            rewrite_string(out, &item);
            str_append_byte(out, ':');
        }
        if (!json_lex_value(lex, &item) || !json_lex_rewrite(lex, &item, out))
            return false;
    }
    str_append_byte(out, object ? '}' : ']');
    return more == 0;
}

bool json_lex_rewrite(struct json_lex *lex, const struct json_value *value, struct str *out)
{
    switch (value->token) {
    case JSON_NULL:
        str_append_text(out, "null");
        return true;
    case JSON_TRUE:
        str_append_text(out, "true");
        return true;
    case JSON_FALSE:
        str_append_text(out, "false");
        return true;
    case JSON_INT:
    case JSON_FLOAT:
    case JSON_NAN:
        rewrite_number(out, value);
        return true;
    case JSON_STRING:
        rewrite_string(out, value);
        return true;
    case JSON_OBJECT:
    case JSON_ARRAY:
        return rewrite_inside(lex, value->token == JSON_OBJECT, out);
    case JSON_BROKEN:
        break;
    }
    return false;
}
