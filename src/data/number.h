// SPDX-License-Identifier: Apache-2.0
//
// number: numbers to and from text as Spark does it on the JVM.
#ifndef DATA_NUMBER_H
#define DATA_NUMBER_H

#include "base/bytes.h"

#define NUMBER_TEXT_MAX 32

// Double.toString, Float.toString (shortest digits that read back): "1.0", "1.0E7", "1.0E-4",
// "NaN", "-Infinity". The result is the length; not NUL-terminated.
size_t number_double_text(char out[NUMBER_TEXT_MAX], double value);
size_t number_float_text(char out[NUMBER_TEXT_MAX], float value);
size_t number_long_text(char out[NUMBER_TEXT_MAX], int64_t value);

// The text without the blanks Spark's casts ignore: bytes 0x00..0x20 and DEL at both ends.
struct bytes number_trim(struct bytes text);
// CAST(text AS BIGINT): blanks around, a sign, digits; with `fraction` also ".5", "12." and "12.9"
// (cut off; non-ANSI).
bool number_parse_long(struct bytes text, bool fraction, int64_t *out);
// CAST(text AS DOUBLE): blanks around, Java's grammar ("1.5d", "1e3", hexadecimal), NaN, inf,
// +Infinity in any case.
bool number_parse_double(struct bytes text, double *out);
bool number_parse_float(struct bytes text, float *out);
// A bare JSON-like decimal number without blanks; correctly rounded. Much faster than strtod.
bool number_parse_decimal_double(struct bytes text, double *out);

#endif
