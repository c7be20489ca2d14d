// SPDX-License-Identifier: Apache-2.0
//
// Decimals to and from text and doubles. A text is read as a run of significant digits and the
// place of its point, so that rounding looks at one digit and texts of any length need no
// arithmetic past 38 digits.
#include "data/decimal.h"

#include "data/number.h"

#include <math.h>
#include <stdlib.h>

struct digits {
    bool negative;
    struct bytes text; // digits and perhaps one point, from the first digit that is not 0
    int64_t whole;     // how many digits stand before the point, with the exponent; below 0: zeros
                       // behind the point
    int64_t scale;     // digits behind the point as written, less the exponent
    size_t count;
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool read_exponent(const uint8_t *t, const uint8_t *end, int64_t *out)
{
    bool negative = t < end && *t == '-';
    if (t < end && (*t == '-' || *t == '+'))
        t++;
    if (t == end)
        return false;
    int64_t value = 0;
    for (; t < end; t++) {
        if (!is_digit(*t))
            return false;
        if (value < 1000000000)
            value = value * 10 + (*t - '0');
    }
    *out = negative ? -value : value;
    return value < 1000000000;
}

static bool read_digits(struct digits *out, struct bytes text)
{
    const uint8_t *t = text.ptr, *end = t + text.size;
    *out = (struct digits){.negative = t < end && *t == '-'};
    if (t < end && (*t == '-' || *t == '+'))
        t++;
    const uint8_t *point = NULL, *first = NULL;
    size_t digits = 0;
    for (; t < end && (is_digit(*t) || (*t == '.' && !point)); t++) {
        if (*t == '.') {
            point = t;
            continue;
        }
        digits++;
        if (!first && *t != '0')
            first = t;
    }
    const uint8_t *stop = t;
    int64_t exponent = 0;
    if (digits == 0 || (t < end && (*t | 32) != 'e'))
        return false;
    if (t < end && !read_exponent(t + 1, end, &exponent))
        return false;
    out->scale = (point ? stop - point - 1 : 0) - exponent;
    if (!first)
        return true;
    out->text = bytes_make(first, (size_t)(stop - first));
    bool point_inside = point && point > first;
    out->count = out->text.size - point_inside;
    out->whole = (int64_t)out->count - out->scale;
    return true;
}

// The first `keep` significant digits (0..38) with zeros behind, rounded half up by the next one.
static int128_t take_digits(const struct digits *digits, int64_t keep)
{
    int128_t value = 0;
    int64_t taken = 0;
    for (size_t i = 0; i < digits->text.size; i++) {
        if (digits->text.ptr[i] == '.')
            continue;
        int digit = digits->text.ptr[i] - '0';
        if (taken++ == keep) {
            value += digit >= 5;
            break;
        }
        value = value * 10 + digit;
    }
    for (; taken < keep; taken++)
        value *= 10;
    return digits->negative ? -value : value;
}

bool decimal_parse(struct bytes text, int precision, int scale, int128_t *out, bool *overflow)
{
    struct digits digits;
    if (overflow)
        *overflow = false;
    if (!read_digits(&digits, number_trim(text)))
        return false;
    int64_t keep = digits.whole + scale;
    *out = 0;
    if (digits.count == 0 || keep < 0)
        return true;
    if (keep <= precision) {
        *out = take_digits(&digits, keep);
        if (decimal_fits(*out, precision))
            return true;
    }
    if (overflow)
        *overflow = true;
    return false;
}

bool decimal_parse_exact(struct bytes text, int128_t *value, int *precision, int *scale)
{
    struct digits digits;
    if (!read_digits(&digits, text))
        return false;
    int64_t s = digits.scale > 0 ? digits.scale : 0;
    int64_t keep = digits.count ? digits.whole + s : 0;
    if (s > DECIMAL_MAX_PRECISION || keep > DECIMAL_MAX_PRECISION)
        return false;
    *value = digits.count ? take_digits(&digits, keep) : 0;
    *scale = (int)s;
    int count = decimal_digits(*value);
    *precision = count > *scale ? count : *scale;
    return true;
}

// Digits of the magnitude, most significant first; 1 to 39.
static int digits_text(char out[40], int128_t value)
{
    uint128_t size = value < 0 ? -(uint128_t)value : (uint128_t)value;
    char reversed[40];
    int count = 0;
    while (size > UINT64_MAX) {
        reversed[count++] = (char)('0' + (int)(size % 10));
        size /= 10;
    }
    uint64_t low = (uint64_t)size;
    do {
        reversed[count++] = (char)('0' + (int)(low % 10));
        low /= 10;
    } while (low);
    for (int i = 0; i < count; i++)
        out[i] = reversed[count - 1 - i];
    return count;
}

size_t decimal_text_plain(char out[DECIMAL_TEXT_MAX], int128_t value, int scale)
{
    char digits[40];
    int count = digits_text(digits, value);
    size_t size = 0;
    if (value < 0)
        out[size++] = '-';
    if (count <= scale) {
        out[size++] = '0';
        out[size++] = '.';
        for (int i = count; i < scale; i++)
            out[size++] = '0';
        memcpy(out + size, digits, (size_t)count);
        return size + (size_t)count;
    }
    int whole = count - scale;
    memcpy(out + size, digits, (size_t)whole);
    size += (size_t)whole;
    if (scale > 0) {
        out[size++] = '.';
        memcpy(out + size, digits + whole, (size_t)scale);
        size += (size_t)scale;
    }
    return size;
}

size_t decimal_text_java(char out[DECIMAL_TEXT_MAX], int128_t value, int scale)
{
    char digits[40];
    int count = digits_text(digits, value);
    int exponent = count - 1 - scale;
    if (scale == 0 || exponent >= -6)
        return decimal_text_plain(out, value, scale);
    size_t size = 0;
    if (value < 0)
        out[size++] = '-';
    out[size++] = digits[0];
    if (count > 1) {
        out[size++] = '.';
        memcpy(out + size, digits + 1, (size_t)count - 1);
        size += (size_t)count - 1;
    }
    return size + (size_t)snprintf(out + size, DECIMAL_TEXT_MAX - size, "E%d", exponent);
}

double decimal_to_double(int128_t value, int scale)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (value > -(1LL << 53) && value < 1LL << 53 && scale <= 22)
        return (double)(int64_t)value / powers[scale]; // both exact: one rounding
    char text[DECIMAL_TEXT_MAX + 1];
    text[decimal_text_plain(text, value, scale)] = '\0';
    return strtod(text, NULL);
}

bool decimal_from_double(double value, int precision, int scale, int128_t *out)
{
    if (!isfinite(value))
        return false;
    char text[NUMBER_TEXT_MAX];
    size_t size = number_double_text(text, value);
    return decimal_parse(bytes_make(text, size), precision, scale, out, NULL);
}

bool decimal_to_long(int128_t value, int scale, int64_t *out)
{
    int128_t whole = decimal_round(value, scale, DECIMAL_DOWN);
    *out = (int64_t)whole;
    return whole == *out;
}
