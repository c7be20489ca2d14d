// SPDX-License-Identifier: Apache-2.0
//
// Big numbers are magnitudes of 32-bit limbs, least significant first; text goes through base 10^9.
// Two decimals are compared by sign, then by the place of their first digit, then digit by digit,
// so no power of ten is ever computed (1e-2000000000 costs nothing).
#include "wire/cql/number.h"

#include "base/mem.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct digits { // a magnitude in decimal
    bool negative;
    char *text; // no leading zeros; "" is zero
    size_t count;
    char small[64];
};

static void digits_release(struct digits *digits)
{
    if (digits->text != digits->small)
        mem_free(digits->text);
}

// Divides the limbs by 10^9 in place and gives the remainder; drops leading zero limbs.
static uint32_t limbs_divide(uint32_t *limbs, size_t *count)
{
    uint64_t rest = 0;
    for (size_t i = *count; i-- > 0;) {
        uint64_t part = rest << 32 | limbs[i];
        limbs[i] = (uint32_t)(part / 1000000000);
        rest = part % 1000000000;
    }
    while (*count > 0 && limbs[*count - 1] == 0)
        --*count;
    return (uint32_t)rest;
}

static size_t limbs_from(uint32_t *limbs, struct bytes value, bool negative)
{
    size_t count = (value.size + 3) / 4;
    for (size_t i = 0; i < count; i++)
        limbs[i] = 0;
    uint32_t carry = negative; // two's complement: invert and add one
    for (size_t i = 0; i < count * 4; i++) {
        uint8_t byte = i < value.size ? value.ptr[value.size - 1 - i] : (negative ? 0xff : 0);
        uint32_t sum = negative ? (uint32_t)(uint8_t)~byte + carry : byte;
        carry = negative ? sum >> 8 : 0;
        limbs[i / 4] |= (sum & 0xff) << (i % 4 * 8);
    }
    while (count > 0 && limbs[count - 1] == 0)
        count--;
    return count;
}

static void digits_from(struct digits *digits, struct bytes value)
{
    if (value.size > CQL_NUMBER_MAX)
        value.size = CQL_NUMBER_MAX; // checked before; bounds the work whatever comes
    digits->negative = value.size > 0 && (value.ptr[0] & 0x80);
    uint32_t small[8], *limbs = small;
    if (value.size > sizeof small)
        limbs = mem_alloc((value.size + 3) / 4 * sizeof *limbs);
    size_t count = limbs_from(limbs, value, digits->negative);
    size_t room = count * 10 + 16;
    digits->text = room <= sizeof digits->small ? digits->small : mem_alloc(room);
    size_t at = room;
    while (count > 0) {
        uint32_t part = limbs_divide(limbs, &count);
        for (int i = 0; i < 9; i++, part /= 10)
            digits->text[--at] = (char)('0' + part % 10);
    }
    while (at < room && digits->text[at] == '0')
        at++;
    digits->count = room - at;
    memmove(digits->text, digits->text + at, digits->count);
    if (limbs != small)
        mem_free(limbs);
}

void cql_varint_write(struct str *out, struct bytes value)
{
    struct digits digits;
    digits_from(&digits, value);
    if (digits.negative)
        str_append_byte(out, '-');
    if (digits.count == 0)
        str_append_byte(out, '0');
    str_append(out, digits.text, digits.count);
    digits_release(&digits);
}

// Appends the two's complement of the magnitude given as decimal digits.
static void complement_append(struct str *out, const char *text, size_t count, bool negative)
{
    size_t room = count / 9 + 2, used = 0;
    uint32_t *limbs = mem_zalloc(room * sizeof *limbs);
    for (size_t i = 0; i < count;) {
        size_t take = (count - i) % 9 ? (count - i) % 9 : 9;
        uint64_t part = 0, scale = 1;
        for (size_t j = 0; j < take; j++, scale *= 10)
            part = part * 10 + (uint64_t)(text[i + j] - '0');
        for (size_t j = 0; j < used; j++) {
            uint64_t sum = limbs[j] * scale + part;
            limbs[j] = (uint32_t)sum;
            part = sum >> 32;
        }
        if (part)
            limbs[used++] = (uint32_t)part;
        i += take;
    }
    uint8_t *bytes = mem_zalloc(used * 4 + 1); // big-endian with a sign byte in front
    for (size_t i = 0; i < used * 4; i++)
        bytes[used * 4 - i] = (uint8_t)(limbs[i / 4] >> (i % 4 * 8));
    if (negative) {
        unsigned carry = 1;
        for (size_t i = used * 4 + 1; i-- > 0;) {
            unsigned sum = (uint8_t)~bytes[i] + carry;
            bytes[i] = (uint8_t)sum;
            carry = sum >> 8;
        }
    }
    size_t skip = 0; // shortest form: a leading byte goes while the next one keeps the sign
    while (skip < used * 4 && (bytes[skip] == 0 || bytes[skip] == 0xff) &&
           (bytes[skip] & 0x80) == (bytes[skip + 1] & 0x80))
        skip++;
    str_append(out, bytes + skip, used * 4 + 1 - skip);
    mem_free(bytes);
    mem_free(limbs);
}

bool cql_varint_parse(struct str *out, struct bytes text)
{
    const char *at = (const char *)text.ptr, *end = at + text.size;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at == end || end - at > CQL_DIGITS_MAX)
        return false;
    for (const char *c = at; c < end; c++) {
        if (!isdigit((unsigned char)*c))
            return false;
    }
    complement_append(out, at, (size_t)(end - at), negative);
    return true;
}

static struct bytes trimmed(struct bytes value)
{
    while (value.size > 1 && (value.ptr[0] == 0 || value.ptr[0] == 0xff) &&
           (value.ptr[0] & 0x80) == (value.ptr[1] & 0x80))
        value = bytes_make(value.ptr + 1, value.size - 1);
    return value;
}

int cql_varint_compare(struct bytes a, struct bytes b)
{
    if (a.size == 0 || b.size == 0)
        return (a.size > 0) - (b.size > 0);
    a = trimmed(a);
    b = trimmed(b);
    bool a_negative = a.ptr[0] & 0x80, b_negative = b.ptr[0] & 0x80;
    if (a_negative != b_negative)
        return a_negative ? -1 : 1;
    if (a.size != b.size)
        return (a.size < b.size) == a_negative ? 1 : -1;
    return memcmp(a.ptr, b.ptr, a.size);
}

bool cql_varint_to_i64(struct bytes value, int64_t *out)
{
    value = trimmed(value);
    if (value.size == 0 || value.size > 8)
        return false;
    uint64_t bits = value.ptr[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < value.size; i++)
        bits = bits << 8 | value.ptr[i];
    *out = (int64_t)bits;
    return true;
}

void cql_varint_from_i64(struct str *out, int64_t value)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
    str_append_bytes(out, trimmed(bytes_make(bytes, 8)));
}

// --- decimal -------------------------------------------------------------------------------------
static int32_t scale_of(struct bytes value)
{
    return (int32_t)((uint32_t)value.ptr[0] << 24 | (uint32_t)value.ptr[1] << 16 |
                     (uint32_t)value.ptr[2] << 8 | value.ptr[3]);
}

static struct bytes unscaled_of(struct bytes value)
{
    return bytes_make(value.ptr + 4, value.size - 4);
}

static void write_scientific(struct str *out, const struct digits *digits, int64_t exponent)
{
    str_append_byte(out, digits->count ? digits->text[0] : '0');
    if (digits->count > 1) {
        str_append_byte(out, '.');
        str_append(out, digits->text + 1, digits->count - 1);
    }
    str_printf(out, "E%+lld", (long long)exponent);
}

void cql_decimal_write(struct str *out, struct bytes value)
{
    if (value.size < 4)
        return;
    int32_t scale = scale_of(value);
    struct digits digits;
    digits_from(&digits, unscaled_of(value));
    size_t count = digits.count ? digits.count : 1;
    const char *text = digits.count ? digits.text : "0";
    int64_t exponent = (int64_t)count - 1 - scale;
    if (digits.negative)
        str_append_byte(out, '-');
    if (scale == 0) {
        str_append(out, text, count);
    } else if (scale < 0 || exponent < -6) {
        write_scientific(out, &digits, exponent);
    } else if ((size_t)scale >= count) {
        str_append_text(out, "0.");
        for (size_t i = count; i < (size_t)scale; i++)
            str_append_byte(out, '0');
        str_append(out, text, count);
    } else {
        str_append(out, text, count - (size_t)scale);
        str_append_byte(out, '.');
        str_append(out, text + count - scale, (size_t)scale);
    }
    digits_release(&digits);
}

bool cql_decimal_parse(struct str *out, struct bytes text)
{
    const char *at = (const char *)text.ptr, *end = at + text.size;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    struct str digits = {0};
    int64_t scale = 0;
    bool point = false, any = false, fine = end - at <= CQL_DIGITS_MAX;
    for (; fine && at < end && (isdigit((unsigned char)*at) || (*at == '.' && !point)); at++) {
        if (*at == '.') {
            point = true;
            continue;
        }
        any = true;
        scale += point;
        str_append_byte(&digits, *at);
    }
    fine = fine && any;
    if (fine && at < end && (*at == 'e' || *at == 'E')) {
        char *stop = NULL;
        char small[16] = {0};
        size_t left = (size_t)(end - at) - 1;
        fine = left > 0 && left < sizeof small;
        if (fine) {
            memcpy(small, at + 1, left);
            fine = isdigit((unsigned char)small[0]) || small[0] == '-' || small[0] == '+';
            scale -= strtoll(small, &stop, 10);
            fine = fine && *stop == '\0' && isdigit((unsigned char)stop[-1]);
        }
        at = end;
    }
    fine = fine && at == end && scale >= INT32_MIN && scale <= INT32_MAX;
    if (fine) {
        uint8_t head[4] = {(uint8_t)(scale >> 24), (uint8_t)(scale >> 16), (uint8_t)(scale >> 8),
                           (uint8_t)scale};
        str_append(out, head, sizeof head);
        complement_append(out, digits.ptr, digits.size, negative);
    }
    str_release(&digits);
    return fine;
}

static int digits_order(const struct digits *a, int64_t a_first, const struct digits *b,
                        int64_t b_first)
{
    if (a->count == 0 || b->count == 0)
        return (a->count > 0) - (b->count > 0);
    if (a_first != b_first)
        return a_first < b_first ? -1 : 1;
    for (size_t i = 0; i < a->count || i < b->count; i++) {
        char x = i < a->count ? a->text[i] : '0', y = i < b->count ? b->text[i] : '0';
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

int cql_decimal_compare(struct bytes a, struct bytes b)
{
    if (a.size < 4 || b.size < 4)
        return (a.size >= 4) - (b.size >= 4);
    struct digits x, y;
    digits_from(&x, unscaled_of(a));
    digits_from(&y, unscaled_of(b));
    int order;
    if (x.negative != y.negative)
        order = x.negative ? -1 : 1;
    else
        order =
            digits_order(&x, (int64_t)x.count - scale_of(a), &y, (int64_t)y.count - scale_of(b));
    if (x.negative && y.negative)
        order = -order;
    digits_release(&x);
    digits_release(&y);
    return order;
}

double cql_decimal_to_double(struct bytes value)
{
    struct str text = {0};
    cql_decimal_write(&text, value);
    double number = strtod(str_text(&text), NULL);
    str_release(&text);
    return number;
}

// --- doubles -------------------------------------------------------------------------------------
static bool write_special(struct str *out, double value)
{
    if (isnan(value))
        str_append_text(out, "NaN");
    else if (isinf(value))
        str_append_text(out, value < 0 ? "-Infinity" : "Infinity");
    else
        return false;
    return true;
}

// From the shortest "d.ddde±x" to Java's layout.
static void write_java(struct str *out, const char *shortest)
{
    char digits[32] = {0};
    size_t count = 0;
    const char *at = shortest;
    if (*at == '-')
        str_append_byte(out, *at++);
    for (; *at && *at != 'e'; at++) {
        if (*at != '.')
            digits[count++] = *at;
    }
    int exponent = *at ? atoi(at + 1) : 0;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    bool zero = count == 1 && digits[0] == '0';
    if (zero || (exponent >= -3 && exponent < 7)) {
        if (exponent < 0)
            str_append_byte(out, '0');
        for (int i = 0; i <= exponent; i++)
            str_append_byte(out, (size_t)i < count ? digits[i] : '0');
        str_append_byte(out, '.');
        if (exponent < 0) {
            for (int i = -1; i > exponent; i--)
                str_append_byte(out, '0');
            str_append(out, digits, count);
        } else if (count > (size_t)exponent + 1) {
            str_append(out, digits + exponent + 1, count - (size_t)exponent - 1);
        } else {
            str_append_byte(out, '0');
        }
        return;
    }
    str_append_byte(out, digits[0]);
    str_append_byte(out, '.');
    str_append(out, count > 1 ? digits + 1 : "0", count > 1 ? count - 1 : 1);
    str_printf(out, "E%d", exponent);
}

void cql_double_write(struct str *out, double value, bool java)
{
    if (write_special(out, value))
        return;
    char text[40];
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(text, sizeof text, java ? "%.*e" : "%.*g", java ? precision - 1 : precision,
                 value);
        if (strtod(text, NULL) == value)
            break;
    }
    if (java)
        write_java(out, text);
    else
        str_append_text(out, text);
}

void cql_float_write(struct str *out, float value, bool java)
{
    if (write_special(out, (double)value))
        return;
    char text[40];
    for (int precision = 1; precision <= 9; precision++) {
        snprintf(text, sizeof text, java ? "%.*e" : "%.*g", java ? precision - 1 : precision,
                 (double)value);
        if (strtof(text, NULL) == value)
            break;
    }
    if (java)
        write_java(out, text);
    else
        str_append_text(out, text);
}
