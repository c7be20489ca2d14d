// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic tries 128 bits first. Where a product or a scaled operand may not fit, it goes to sign
// and magnitude of 256 bits: two 38-digit numbers multiply to 76 digits, and 10^76 < 2^256. A
// dividend that would need more than that has a quotient past 38 digits anyway, so running out of
// 256 bits is an overflow of the result.
#include "data/decimal.h"

#include "data/number.h"

#include <math.h>
#include <stdlib.h>

struct wide { // least limb first
    uint64_t limb[4];
};

struct signed_wide {
    bool negative;
    struct wide size;
};

#define POW10_18 1000000000000000000LL

int128_t decimal_power(int exponent)
{
    static const int64_t small[] = {1LL,
                                    10LL,
                                    100LL,
                                    1000LL,
                                    10000LL,
                                    100000LL,
                                    1000000LL,
                                    10000000LL,
                                    100000000LL,
                                    1000000000LL,
                                    10000000000LL,
                                    100000000000LL,
                                    1000000000000LL,
                                    10000000000000LL,
                                    100000000000000LL,
                                    1000000000000000LL,
                                    10000000000000000LL,
                                    100000000000000000LL,
                                    POW10_18};
    if (exponent <= 18)
        return small[exponent];
    if (exponent <= 36)
        return (int128_t)POW10_18 * small[exponent - 18];
    return (int128_t)POW10_18 * POW10_18 * small[exponent - 36];
}

static uint128_t magnitude(int128_t value)
{
    return value < 0 ? -(uint128_t)value : (uint128_t)value;
}

int decimal_digits(int128_t value)
{
    uint128_t size = magnitude(value);
    int digits = 1;
    while (digits < 38 && size >= (uint128_t)decimal_power(digits))
        digits++;
    return size >= (uint128_t)decimal_power(38) ? 39 : digits;
}

bool decimal_fits(int128_t value, int precision)
{
    return magnitude(value) < (uint128_t)decimal_power(precision);
}

static int bounded(int value)
{
    return value > DECIMAL_MAX_PRECISION ? DECIMAL_MAX_PRECISION : value;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static void settle(int p, int s, bool allow_loss, int *precision, int *scale)
{
    *precision = bounded(p);
    *scale = bounded(s);
    if (!allow_loss || p <= DECIMAL_MAX_PRECISION)
        return;
    // Whole digits come first, but six digits of the fraction are kept.
    *scale = larger(DECIMAL_MAX_PRECISION - (p - s), smaller(s, 6));
}

static void divide_result(int p1, int s1, int p2, int s2, bool allow_loss, int *precision,
                          int *scale)
{
    int whole = p1 - s1 + s2, fraction = larger(6, s1 + p2 + 1);
    if (allow_loss) {
        settle(whole + fraction, fraction, true, precision, scale);
        return;
    }
    whole = bounded(whole);
    fraction = bounded(fraction);
    int excess = whole + fraction - DECIMAL_MAX_PRECISION;
    if (excess > 0) {
        fraction -= excess / 2 + 1;
        whole = DECIMAL_MAX_PRECISION - fraction;
    }
    settle(whole + fraction, fraction, false, precision, scale);
}

void decimal_result(enum decimal_op op, int p1, int s1, int p2, int s2, bool allow_loss,
                    int *precision, int *scale)
{
    int s = larger(s1, s2);
    switch (op) {
    case DECIMAL_ADD:
    case DECIMAL_SUB:
        settle(larger(p1 - s1, p2 - s2) + s + 1, s, allow_loss, precision, scale);
        break;
    case DECIMAL_MUL:
        settle(p1 + p2 + 1, s1 + s2, allow_loss, precision, scale);
        break;
    case DECIMAL_DIV:
        divide_result(p1, s1, p2, s2, allow_loss, precision, scale);
        break;
    case DECIMAL_MOD:
    case DECIMAL_PMOD:
        settle(smaller(p1 - s1, p2 - s2) + s, s, allow_loss, precision, scale);
        break;
    case DECIMAL_IDIV:
        *precision = bounded(larger(p1 - s1 + s2, 1));
        *scale = 0;
        break;
    }
}

// --- 256 bits ---

static struct wide wide_from(uint128_t value)
{
    return (struct wide){{(uint64_t)value, (uint64_t)(value >> 64), 0, 0}};
}

static int wide_compare(const struct wide *a, const struct wide *b)
{
    for (int i = 3; i >= 0; i--)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

// a * b, false when it needs more than 256 bits.
static bool wide_multiply(struct wide *out, const struct wide *a, uint128_t b)
{
    uint64_t limbs[6] = {0};
    uint64_t factor[2] = {(uint64_t)b, (uint64_t)(b >> 64)};
    for (int j = 0; j < 2; j++) {
        uint64_t carry = 0;
        for (int i = 0; i < 4; i++) {
            uint128_t sum = (uint128_t)a->limb[i] * factor[j] + limbs[i + j] + carry;
            limbs[i + j] = (uint64_t)sum;
            carry = (uint64_t)(sum >> 64);
        }
        limbs[4 + j] += carry;
    }
    memcpy(out->limb, limbs, sizeof out->limb);
    return limbs[4] == 0 && limbs[5] == 0;
}

static void wide_add(struct wide *a, const struct wide *b) // both below 2^255
{
    uint64_t carry = 0;
    for (int i = 0; i < 4; i++) {
        uint128_t sum = (uint128_t)a->limb[i] + b->limb[i] + carry;
        a->limb[i] = (uint64_t)sum;
        carry = (uint64_t)(sum >> 64);
    }
}

static void wide_subtract(struct wide *a, const struct wide *b) // a >= b
{
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        uint128_t difference = (uint128_t)a->limb[i] - b->limb[i] - borrow;
        a->limb[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1;
    }
}

static void wide_double(struct wide *a)
{
    for (int i = 3; i > 0; i--)
        a->limb[i] = a->limb[i] << 1 | a->limb[i - 1] >> 63;
    a->limb[0] <<= 1;
}

// Bit by bit: only results past 128 bits come here. The divisor is below 2^255.
static void wide_divide(const struct wide *dividend, const struct wide *divisor,
                        struct wide *quotient, struct wide *rest)
{
    *quotient = (struct wide){{0}};
    *rest = (struct wide){{0}};
    for (int bit = 255; bit >= 0; bit--) {
        wide_double(rest);
        rest->limb[0] |= dividend->limb[bit / 64] >> (bit % 64) & 1;
        wide_double(quotient);
        if (wide_compare(rest, divisor) >= 0) {
            wide_subtract(rest, divisor);
            quotient->limb[0] |= 1;
        }
    }
}

static bool wide_scale(struct wide *value, int digits) // times 10^digits, 0..76
{
    bool fine = true;
    if (digits > 38) {
        fine = wide_multiply(value, value, (uint128_t)decimal_power(38));
        digits -= 38;
    }
    return wide_multiply(value, value, (uint128_t)decimal_power(digits)) && fine;
}

// dividend / divisor rounded half up.
static struct wide wide_divide_round(const struct wide *dividend, const struct wide *divisor)
{
    struct wide quotient, rest;
    wide_divide(dividend, divisor, &quotient, &rest);
    wide_double(&rest);
    if (wide_compare(&rest, divisor) >= 0) {
        struct wide one = wide_from(1);
        wide_add(&quotient, &one);
    }
    return quotient;
}

static bool narrow(const struct signed_wide *value, int precision, int128_t *out)
{
    const uint64_t *limb = value->size.limb;
    uint128_t size = (uint128_t)limb[1] << 64 | limb[0];
    if (limb[2] || limb[3] || size >= (uint128_t)decimal_power(precision))
        return false;
    *out = value->negative ? -(int128_t)size : (int128_t)size;
    return true;
}

// Rounds from one scale to another and checks the precision.
static bool settle_wide(struct signed_wide *value, int from_scale, int precision, int scale,
                        int128_t *out)
{
    if (from_scale > scale) {
        struct wide divisor = wide_from(1);
        wide_scale(&divisor, from_scale - scale);
        value->size = wide_divide_round(&value->size, &divisor);
    } else if (!wide_scale(&value->size, scale - from_scale)) {
        return false;
    }
    return narrow(value, precision, out);
}

static struct signed_wide widen(int128_t value, int digits)
{
    struct signed_wide out = {value < 0, wide_from(magnitude(value))};
    wide_scale(&out.size, digits); // 38 digits and at most 38 more
    return out;
}

// --- rounding ---

int128_t decimal_round(int128_t value, int digits, enum decimal_rounding rounding)
{
    if (digits <= 0)
        return value;
    int sign = value < 0 ? -1 : 1;
    if (digits > 38) {
        bool away =
            (rounding == DECIMAL_FLOOR && value < 0) || (rounding == DECIMAL_CEILING && value > 0);
        return away ? sign : 0;
    }
    int128_t unit = decimal_power(digits), quotient, rest;
    if (value == (int64_t)value && digits <= 18) {
        quotient = (int64_t)value / (int64_t)unit;
        rest = (int64_t)value % (int64_t)unit;
    } else {
        quotient = value / unit;
        rest = value % unit;
    }
    uint128_t size = magnitude(rest), half = (uint128_t)unit / 2;
    switch (rounding) {
    case DECIMAL_HALF_UP:
        return size >= half ? quotient + sign : quotient;
    case DECIMAL_HALF_EVEN:
        return size > half || (size == half && quotient % 2 != 0) ? quotient + sign : quotient;
    case DECIMAL_FLOOR:
        return rest < 0 ? quotient - 1 : quotient;
    case DECIMAL_CEILING:
        return rest > 0 ? quotient + 1 : quotient;
    case DECIMAL_DOWN:
        break;
    }
    return quotient;
}

bool decimal_rescale(int128_t value, int from_scale, int precision, int scale, int128_t *out)
{
    int up = scale - from_scale;
    if (up <= 0) {
        *out = decimal_round(value, -up, DECIMAL_HALF_UP);
        return decimal_fits(*out, precision);
    }
    if (value != 0 && (up >= 38 || !decimal_fits(value, 38 - up)))
        return false;
    *out = value == 0 ? 0 : value * decimal_power(up);
    return decimal_fits(*out, precision);
}

// --- operations ---

static bool fits_scaled(int128_t value, int digits) // value * 10^digits < 10^37
{
    return digits < 37 && decimal_fits(value, 37 - digits);
}

static bool add(int128_t a, int s1, int128_t b, int s2, int precision, int scale, int128_t *out)
{
    int s = larger(s1, s2);
    if (fits_scaled(a, s - s1) && fits_scaled(b, s - s2)) {
        int128_t sum = a * decimal_power(s - s1) + b * decimal_power(s - s2);
        return decimal_rescale(sum, s, precision, scale, out);
    }
    struct signed_wide x = widen(a, s - s1), y = widen(b, s - s2);
    if (x.negative == y.negative) {
        wide_add(&x.size, &y.size);
    } else if (wide_compare(&x.size, &y.size) >= 0) {
        wide_subtract(&x.size, &y.size);
    } else {
        wide_subtract(&y.size, &x.size);
        x = y;
    }
    return settle_wide(&x, s, precision, scale, out);
}

static bool multiply(int128_t a, int128_t b, int from_scale, int precision, int scale,
                     int128_t *out)
{
    if (a == (int64_t)a && b == (int64_t)b)
        return decimal_rescale(a * b, from_scale, precision, scale, out);
    struct signed_wide x = {(a < 0) != (b < 0), wide_from(magnitude(a))};
    wide_multiply(&x.size, &x.size, magnitude(b));
    return settle_wide(&x, from_scale, precision, scale, out);
}

static bool divide(int128_t a, int128_t b, int shift, int precision, int128_t *out)
{
    if (shift >= 0 && fits_scaled(a, shift)) {
        int128_t dividend = a * decimal_power(shift);
        int128_t quotient, rest;
        if (dividend == (int64_t)dividend && b == (int64_t)b && b != -1) {
            quotient = (int64_t)dividend / (int64_t)b;
            rest = (int64_t)dividend % (int64_t)b;
        } else {
            quotient = dividend / b;
            rest = dividend % b;
        }
        if (magnitude(rest) >= magnitude(b) - magnitude(rest))
            quotient += (a < 0) != (b < 0) ? -1 : 1;
        *out = quotient;
        return decimal_fits(quotient, precision);
    }
    struct signed_wide x = {(a < 0) != (b < 0), wide_from(magnitude(a))};
    struct wide divisor = wide_from(magnitude(b));
    if (!wide_scale(shift >= 0 ? &x.size : &divisor, abs(shift)))
        return false;
    x.size = wide_divide_round(&x.size, &divisor);
    return narrow(&x, precision, out);
}

// Quotient towards zero and rest of a / b at their common scale.
static bool divide_whole(int128_t a, int s1, int128_t b, int s2, struct signed_wide *quotient,
                         struct signed_wide *rest)
{
    int s = larger(s1, s2);
    struct signed_wide x = widen(a, s - s1), y = widen(b, s - s2);
    wide_divide(&x.size, &y.size, &quotient->size, &rest->size);
    quotient->negative = x.negative != y.negative;
    rest->negative = x.negative;
    return true;
}

static bool modulo(int128_t a, int s1, int128_t b, int s2, bool positive, int precision, int scale,
                   int128_t *out)
{
    int s = larger(s1, s2);
    int128_t rest;
    if (fits_scaled(a, s - s1) && fits_scaled(b, s - s2)) {
        rest = a * decimal_power(s - s1) % (b * decimal_power(s - s2));
    } else {
        struct signed_wide quotient, wide_rest;
        divide_whole(a, s1, b, s2, &quotient, &wide_rest);
        if (!narrow(&wide_rest, 38, &rest))
            return false;
    }
    if (positive && rest < 0 && !add(rest, s, b, s2, 38, s, &rest))
        return false;
    if (positive && rest < 0)
        return modulo(rest, s, b, s2, false, precision, scale, out);
    return decimal_rescale(rest, s, precision, scale, out);
}

bool decimal_compute(enum decimal_op op, int128_t a, int s1, int128_t b, int s2, int precision,
                     int scale, int128_t *out)
{
    if (b == 0 && op >= DECIMAL_DIV)
        return false;
    switch (op) {
    case DECIMAL_ADD:
        return add(a, s1, b, s2, precision, scale, out);
    case DECIMAL_SUB:
        return add(a, s1, -b, s2, precision, scale, out);
    case DECIMAL_MUL:
        return multiply(a, b, s1 + s2, precision, scale, out);
    case DECIMAL_DIV:
        return divide(a, b, scale - s1 + s2, precision, out);
    case DECIMAL_MOD:
        return modulo(a, s1, b, s2, false, precision, scale, out);
    case DECIMAL_PMOD:
        return modulo(a, s1, b, s2, true, precision, scale, out);
    case DECIMAL_IDIV: {
        struct signed_wide quotient, rest;
        divide_whole(a, s1, b, s2, &quotient, &rest);
        return narrow(&quotient, precision, out);
    }
    }
    return false;
}

int decimal_compare(int128_t a, int s1, int128_t b, int s2)
{
    if (s1 != s2 && (a < 0) == (b < 0)) {
        int s = larger(s1, s2);
        struct signed_wide x = widen(a, s - s1), y = widen(b, s - s2);
        int order = wide_compare(&x.size, &y.size);
        return a < 0 ? -order : order;
    }
    return (a > b) - (a < b);
}
