// SPDX-License-Identifier: Apache-2.0
//
// json_call: what a bound from_json knows: expr->extra.
#ifndef SQL_FUNCTION_JSON_CALL_H
#define SQL_FUNCTION_JSON_CALL_H

#include "data/json_column.h"

struct json_call {
    const struct type *type;
    struct json_options options;
    bool seen;    // pruning has looked at it
    bool whole;   // every field is wanted
    bool *fields; // else: which ones (STRUCT)
};

#endif
