// SPDX-License-Identifier: Apache-2.0
//
// convert: Spark's columns to serialised CQL values and back, by the rules of the Spark Cassandra
// connector: numbers among each other when they fit, text to anything it spells, anything to text.
#ifndef TABLES_CONVERT_H
#define TABLES_CONVERT_H

#include "data/column.h"
#include "tables/schema.h"

// The value of `row` as a CQL value: a view of the column, or memory of `arena`. ptr NULL = null.
// ERR_TYPE when it does not fit; the diag names the value and the type.
MUST_USE err_t convert_to_cql(struct bytes *out, const struct column *column, size_t row,
                              const struct cql_type *type, struct arena *arena, struct diag *diag);
// Can a column of `from` ever be stored as `to`? ERR_TYPE if not.
MUST_USE err_t convert_check(const struct type *from, const struct cql_type *to, struct diag *diag);

// What a CQL type is as Spark's (port/table_port.h).
const struct type *convert_type(struct arena *arena, const struct cql_type *type);
// Makes a column of `count` values. Strings are views of `values`.
void convert_from_cql(struct column *out, struct arena *arena, const struct type *type,
                      const struct cql_type *from, const struct bytes *values, size_t count);

#endif
