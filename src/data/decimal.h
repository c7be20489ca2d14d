// SPDX-License-Identifier: Apache-2.0
//
// decimal: Spark's DECIMAL(p, s) as an unscaled 128-bit integer: result types, arithmetic with
// HALF_UP rounding, text. Nothing here fails with words: `false` means overflow (or a zero
// divisor), which the caller turns into NULL or, in ANSI mode, into an error.
#ifndef DATA_DECIMAL_H
#define DATA_DECIMAL_H

#include "data/column.h"

#define DECIMAL_MAX_PRECISION 38

enum decimal_op {
    DECIMAL_ADD,
    DECIMAL_SUB,
    DECIMAL_MUL,
    DECIMAL_DIV,
    DECIMAL_MOD,  // sign of the dividend
    DECIMAL_PMOD, // never negative for a positive divisor
    DECIMAL_IDIV, // `div`: whole part; the result type is BIGINT, computed at (38, 0)
};

// The precision and scale of `op`; allow_loss is spark.sql.decimalOperations.allowPrecisionLoss
// (default true).
void decimal_result(enum decimal_op op, int p1, int s1, int p2, int s2, bool allow_loss,
                    int *precision, int *scale);
// a op b at the given result type.
bool decimal_compute(enum decimal_op op, int128_t a, int s1, int128_t b, int s2, int precision,
                     int scale, int128_t *out);
int decimal_compare(int128_t a, int s1, int128_t b, int s2);
// The same number at another type.
bool decimal_rescale(int128_t value, int from_scale, int precision, int scale, int128_t *out);

enum decimal_rounding {
    DECIMAL_HALF_UP,   // round()
    DECIMAL_HALF_EVEN, // bround()
    DECIMAL_FLOOR,
    DECIMAL_CEILING,
    DECIMAL_DOWN, // towards zero
};
// Divides by 10^digits (0..76) with that rounding.
int128_t decimal_round(int128_t value, int digits, enum decimal_rounding rounding);

int128_t decimal_power(int exponent); // 10^exponent, 0..38
int decimal_digits(int128_t value);   // 1 for 0
bool decimal_fits(int128_t value, int precision);

double decimal_to_double(int128_t value, int scale);
// By way of the shortest text of the double, as Java's BigDecimal.valueOf(double). False for NaN,
// infinity, overflow.
bool decimal_from_double(double value, int precision, int scale, int128_t *out);
// Truncated towards zero; false when it does not fit.
bool decimal_to_long(int128_t value, int scale, int64_t *out);

// "1.50", "-.5", "1e3", blanks around; rounded to the type. `*overflow` (may be NULL) tells "too
// large" from "not a number".
bool decimal_parse(struct bytes text, int precision, int scale, int128_t *out, bool *overflow);
// The number as written: "1.50" is 150 at (3, 2), "1e3" is 1000 at (4, 0); false past 38 digits.
bool decimal_parse_exact(struct bytes text, int128_t *value, int *precision, int *scale);

#define DECIMAL_TEXT_MAX 64
// BigDecimal.toPlainString and .toString ("0E-18", "1E-7"; what a non-ANSI cast gives). Not
// NUL-terminated.
size_t decimal_text_plain(char out[DECIMAL_TEXT_MAX], int128_t value, int scale);
size_t decimal_text_java(char out[DECIMAL_TEXT_MAX], int128_t value, int scale);

#endif
