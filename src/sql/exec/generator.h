// SPDX-License-Identifier: Apache-2.0
//
// generator: functions that make rows (explode). A call's type is a STRUCT of the columns it makes.
#ifndef SQL_EXEC_GENERATOR_H
#define SQL_EXEC_GENERATOR_H

#include "sql/exec/builder.h"
#include "sql/exec/eval.h"

struct generator {
    bool outer; // a row of nulls where there would be none
    // Appends the rows made from row `row` of the arguments to the struct builder `out`.
    void (*make)(const struct expr *call, const struct vector *args, size_t row,
                 struct builder *out);
};

#endif
