// SPDX-License-Identifier: Apache-2.0
//
// Doubles to text: the shortest decimal that reads back as the same double, found by trying 15, 16,
// then 17 digits (fewer than 15 show as trailing zeros); a value of one digit is written with the
// nearest two, as Java does (4.9E-324).
//
// Text to doubles: a mantissa below 2^53 and a power of ten up to 22 are exact doubles, so one
// division or multiplication rounds correctly (Clinger); the rest goes to strtod.
#include "data/number.h"

#include "base/mem.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

// --- to text ---

size_t number_long_text(char out[NUMBER_TEXT_MAX], int64_t value)
{
    char reversed[24];
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    size_t count = 0, at = 0;
    do {
        reversed[count++] = (char)('0' + (int)(size % 10));
        size /= 10;
    } while (size);
    if (value < 0)
        out[at++] = '-';
    while (count)
        out[at++] = reversed[--count];
    return at;
}

struct shortest {
    char digits[24];
    int count;
    int exponent; // of the first digit
};

// Reads "-d.ddde-xx" as printf wrote it, without the trailing zeros.
static void read_printed(struct shortest *out, const char *text)
{
    out->count = 0;
    if (*text == '-')
        text++;
    for (; *text && *text != 'e'; text++)
        if (*text != '.')
            out->digits[out->count++] = *text;
    out->exponent = atoi(text + 1);
    while (out->count > 1 && out->digits[out->count - 1] == '0')
        out->count--;
}

static void shorten_double(struct shortest *out, double value)
{
    char text[40];
    int digits = fabs(value) < DBL_MIN ? 2 : 15; // a subnormal may have fewer to give
    for (; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, value);
        if (digits == 17 || strtod(text, NULL) == value)
            break;
    }
    read_printed(out, text);
    if (out->count == 1) {
        snprintf(text, sizeof text, "%.1e", value);
        read_printed(out, text);
    }
}

static void shorten_float(struct shortest *out, float value)
{
    char text[40];
    int digits = fabsf(value) < FLT_MIN ? 2 : 6;
    for (; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, (double)value);
        if (digits == 9 || strtof(text, NULL) == value)
            break;
    }
    read_printed(out, text);
    if (out->count == 1) {
        snprintf(text, sizeof text, "%.1e", (double)value);
        read_printed(out, text);
    }
}

static size_t write_plain(char *out, const struct shortest *number)
{
    size_t size = 0;
    int at = 0;
    if (number->exponent < 0) {
        out[size++] = '0';
        out[size++] = '.';
        for (int i = -1; i > number->exponent; i--)
            out[size++] = '0';
    } else {
        for (int i = 0; i <= number->exponent; i++)
            out[size++] = at < number->count ? number->digits[at++] : '0';
        out[size++] = '.';
        if (at == number->count)
            out[size++] = '0';
    }
    while (at < number->count)
        out[size++] = number->digits[at++];
    return size;
}

static size_t write_scientific(char *out, const struct shortest *number)
{
    assert(number->count > 0);
    size_t size = 0;
    out[size++] = number->digits[0];
    out[size++] = '.';
    if (number->count == 1)
        out[size++] = '0';
    for (int i = 1; i < number->count; i++)
        out[size++] = number->digits[i];
    return size + (size_t)snprintf(out + size, 8, "E%d", number->exponent);
}

static size_t write_special(char *out, double value)
{
    const char *text = isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity";
    if (value == 0)
        text = signbit(value) ? "-0.0" : "0.0";
    size_t size = strlen(text);
    memcpy(out, text, size);
    return size;
}

static size_t write_shortest(char *out, const struct shortest *number, bool negative)
{
    size_t size = 0;
    if (negative)
        out[size++] = '-';
    if (number->exponent >= -3 && number->exponent < 7)
        return size + write_plain(out + size, number);
    return size + write_scientific(out + size, number);
}

size_t number_double_text(char out[NUMBER_TEXT_MAX], double value)
{
    if (!isfinite(value) || value == 0)
        return write_special(out, value);
    if (fabs(value) < 1e7 && value == (double)(int64_t)value) {
        size_t size = number_long_text(out, (int64_t)value);
        out[size++] = '.';
        out[size++] = '0';
        return size;
    }
    struct shortest number;
    shorten_double(&number, value);
    return write_shortest(out, &number, value < 0);
}

size_t number_float_text(char out[NUMBER_TEXT_MAX], float value)
{
    if (!isfinite(value) || value == 0)
        return write_special(out, (double)value);
    struct shortest number;
    shorten_float(&number, value);
    return write_shortest(out, &number, value < 0);
}

// --- from text ---

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

struct bytes number_trim(struct bytes text)
{
    while (text.size && (text.ptr[0] <= 0x20 || text.ptr[0] == 0x7f)) {
        text.ptr++;
        text.size--;
    }
    while (text.size && (text.ptr[text.size - 1] <= 0x20 || text.ptr[text.size - 1] == 0x7f))
        text.size--;
    return text;
}

bool number_parse_long(struct bytes text, bool fraction, int64_t *out)
{
    text = number_trim(text);
    const uint8_t *t = text.ptr, *end = t + text.size;
    bool negative = t < end && *t == '-';
    if (t < end && (*t == '-' || *t == '+'))
        t++;
    if (t == end)
        return false;
    uint64_t limit = negative ? 1ULL << 63 : INT64_MAX, value = 0;
    for (; t < end && is_digit(*t); t++) {
        uint64_t digit = *t - '0';
        if (value > (limit - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (t < end && *t == '.' && fraction)
        for (t++; t < end && is_digit(*t);)
            t++;
    *out = (int64_t)(negative ? -value : value);
    return t == end;
}

static double slow_double(struct bytes text, bool to_float)
{
    char small[128];
    char *copy = text.size < sizeof small ? small : mem_alloc(text.size + 1);
    memcpy(copy, text.ptr, text.size);
    copy[text.size] = '\0';
    double value = to_float ? (double)strtof(copy, NULL) : strtod(copy, NULL);
    if (copy != small)
        mem_free(copy);
    return value;
}

// The end of [digits][.digits][e[sign]digits] from `t`, or NULL where there is no number.
static const uint8_t *scan_decimal(const uint8_t *t, const uint8_t *end)
{
    const uint8_t *start = t;
    while (t < end && is_digit(*t))
        t++;
    size_t digits = (size_t)(t - start);
    if (t < end && *t == '.') {
        const uint8_t *point = t++;
        while (t < end && is_digit(*t))
            t++;
        digits += (size_t)(t - point - 1);
    }
    if (digits == 0)
        return NULL;
    if (t < end && (*t | 32) == 'e') {
        t++;
        if (t < end && (*t == '-' || *t == '+'))
            t++;
        if (t == end || !is_digit(*t))
            return NULL;
        while (t < end && is_digit(*t))
            t++;
    }
    return t;
}

// 0x1.8p3: the exponent is not optional.
static const uint8_t *scan_hex(const uint8_t *t, const uint8_t *end)
{
    if (end - t < 3 || t[0] != '0' || (t[1] | 32) != 'x')
        return NULL;
    size_t digits = 0;
    bool point = false;
    for (t += 2; t < end; t++) {
        bool hex = is_digit(*t) || ((*t | 32) >= 'a' && (*t | 32) <= 'f');
        if (!hex && (*t != '.' || point))
            break;
        point |= *t == '.';
        digits += hex;
    }
    if (digits == 0 || t == end || (*t | 32) != 'p')
        return NULL;
    t++;
    if (t < end && (*t == '-' || *t == '+'))
        t++;
    if (t == end || !is_digit(*t))
        return NULL;
    while (t < end && is_digit(*t))
        t++;
    return t;
}

static bool special_double(struct bytes text, double *out)
{
    static const struct {
        const char *word;
        double value;
    } words[] = {{"nan", NAN},
                 {"inf", INFINITY},
                 {"+inf", INFINITY},
                 {"infinity", INFINITY},
                 {"+infinity", INFINITY},
                 {"-inf", -INFINITY},
                 {"-infinity", -INFINITY}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].word) == text.size &&
            strncasecmp((const char *)text.ptr, words[i].word, text.size) == 0) {
            *out = words[i].value;
            return true;
        }
    return (bytes_is(text, "+NaN") || bytes_is(text, "-NaN")) && (*out = NAN, true);
}

static bool parse_floating(struct bytes text, bool to_float, double *out)
{
    text = number_trim(text);
    if (text.size == 0)
        return false;
    const uint8_t *t = text.ptr, *end = t + text.size;
    const uint8_t *digits = t + (*t == '-' || *t == '+');
    const uint8_t *stop = scan_hex(digits, end);
    bool hex = stop != NULL;
    if (!hex)
        stop = scan_decimal(digits, end);
    if (!stop)
        return special_double(text, out);
    if (stop < end && end - stop == 1 && strchr("dDfF", *stop))
        end = stop;
    if (stop != end)
        return false;
    struct bytes number = bytes_make(text.ptr, (size_t)(stop - text.ptr));
    if (to_float || hex)
        *out = slow_double(number, to_float);
    else
        number_parse_decimal_double(number, out);
    return true;
}

bool number_parse_double(struct bytes text, double *out)
{
    return parse_floating(text, false, out);
}

bool number_parse_float(struct bytes text, float *out)
{
    double value;
    if (!parse_floating(text, true, &value))
        return false;
    *out = (float)value;
    return true;
}

bool number_parse_decimal_double(struct bytes text, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const uint8_t *t = text.ptr, *end = t + text.size;
    bool negative = t < end && *t == '-';
    if (t < end && (*t == '-' || *t == '+'))
        t++;
    if (t == end || scan_decimal(t, end) != end)
        return false;
    uint64_t mantissa = 0;
    int exponent = 0;
    bool exact = true;
    for (bool point = false; t < end && (*t | 32) != 'e'; t++) {
        if (*t == '.') {
            point = true;
            continue;
        }
        exact &= mantissa < 100000000000000000ULL;
        mantissa = exact ? mantissa * 10 + (*t - '0') : mantissa;
        exponent -= point;
    }
    if (t < end) {
        int value = 0;
        bool below = t[1] == '-';
        for (t += 1 + (t[1] == '-' || t[1] == '+'); t < end && value < 1000; t++)
            value = value * 10 + (*t - '0');
        exponent += below ? -value : value;
    }
    if (!exact || mantissa > 1ULL << 53 || exponent < -22 || exponent > 22) {
        *out = slow_double(text, false);
        return true;
    }
    double value = (double)mantissa;
    value = exponent < 0 ? value / powers[-exponent] : value * powers[exponent];
    *out = negative ? -value : value;
    return true;
}
