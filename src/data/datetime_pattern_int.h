// SPDX-License-Identifier: Apache-2.0
//
// datetime_pattern_int: a compiled pattern, shared by the compiler (with the formatter) and the
// parser.
#ifndef DATA_DATETIME_PATTERN_INT_H
#define DATA_DATETIME_PATTERN_INT_H

#include "data/datetime.h"
#include "data/datetime_pattern.h"

enum {
    PATTERN_LITERAL = '\'',
    PATTERN_OPEN = '[',
    PATTERN_CLOSE = ']',
};

struct pattern_item {
    char letter; // of the pattern, or one of the above
    uint8_t count;
    uint8_t reserve;   // parsing: digits that the fixed numbers right behind need
    uint16_t close;    // OPEN: the index of its CLOSE
    struct bytes text; // LITERAL
};

struct datetime_pattern {
    size_t count;
    struct pattern_item *items;
};

extern const char *const datetime_pattern_months[12];
extern const char *const datetime_pattern_days[7]; // Monday first

#endif
