// SPDX-License-Identifier: Apache-2.0
//
// number: varint and decimal (big-endian two's complement, after a 4-byte scale for decimal), and
// doubles as Java writes them. Pure.
//
// Bounds     at most CQL_NUMBER_MAX bytes: conversion to digits is quadratic.
#ifndef WIRE_CQL_NUMBER_H
#define WIRE_CQL_NUMBER_H

#include "base/str.h"

#include <stdbool.h>

enum { CQL_NUMBER_MAX = 4096, CQL_DIGITS_MAX = 9800 };

void cql_varint_write(struct str *out, struct bytes value); // "-12"
// Digits with an optional sign; false if they are not, or too many.
bool cql_varint_parse(struct str *out, struct bytes text);
int cql_varint_compare(struct bytes a, struct bytes b);
// A varint that fits, as int64.
bool cql_varint_to_i64(struct bytes value, int64_t *out);
void cql_varint_from_i64(struct str *out, int64_t value);

// As java.math.BigDecimal.toString: plain, or scientific for scales below 0 and long fractions.
void cql_decimal_write(struct str *out, struct bytes value);
bool cql_decimal_parse(struct str *out, struct bytes text); // "1.10", "-5e-3"
int cql_decimal_compare(struct bytes a, struct bytes b);
double cql_decimal_to_double(struct bytes value);

// The shortest text that reads back as the same number. `java`: always a fraction ("5.0"),
// "1.0E10".
void cql_double_write(struct str *out, double value, bool java);
void cql_float_write(struct str *out, float value, bool java);

#endif
