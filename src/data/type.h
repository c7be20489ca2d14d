// SPDX-License-Identifier: Apache-2.0
//
// type: Spark SQL's data types. Immutable, allocated in an arena or static; compare with
// type_equal().
#ifndef DATA_TYPE_H
#define DATA_TYPE_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"

enum type_kind {
    TYPE_NULL, // the type of a bare NULL ("void")
    TYPE_BOOLEAN,
    TYPE_BYTE,  // tinyint
    TYPE_SHORT, // smallint
    TYPE_INT,
    TYPE_LONG, // bigint
    TYPE_FLOAT,
    TYPE_DOUBLE,
    TYPE_DECIMAL,
    TYPE_STRING, // UTF-8, not checked (as in Spark)
    TYPE_BINARY,
    TYPE_DATE,          // int32 days since 1970-01-01
    TYPE_TIMESTAMP,     // int64 microseconds since 1970-01-01 UTC
    TYPE_TIMESTAMP_NTZ, // int64 microseconds, no zone
    TYPE_INTERVAL_YM,   // int32 months
    TYPE_INTERVAL_DT,   // int64 microseconds
    TYPE_INTERVAL,      // calendar interval: struct interval
    TYPE_ARRAY,
    TYPE_MAP,
    TYPE_STRUCT,
};

struct type_field {
    const char *name;
    const struct type *type;
    bool nullable;
};

struct type {
    enum type_kind kind;
    uint8_t precision;          // DECIMAL 1..38
    int8_t scale;               // DECIMAL
    uint8_t from_unit, to_unit; // INTERVAL_YM: 0 year 1 month; INTERVAL_DT: 0 day .. 3 second
    size_t field_count;         // ARRAY 1 (element), MAP 2 (key, value), STRUCT n
    const struct type_field *fields;
};

extern const struct type type_null, type_boolean, type_byte, type_short, type_int, type_long,
    type_float, type_double, type_string, type_binary, type_date, type_timestamp,
    type_timestamp_ntz, type_interval;

const struct type *type_decimal(struct arena *arena, int precision, int scale);
const struct type *type_array(struct arena *arena, const struct type *element, bool nullable);
const struct type *type_map(struct arena *arena, const struct type *key, const struct type *value,
                            bool value_nullable);
const struct type *type_struct(struct arena *arena, const struct type_field *fields, size_t count);
// A deep copy into `arena`.
const struct type *type_copy(struct arena *arena, const struct type *type);
bool type_equal(const struct type *a, const struct type *b); // names count, nullability does not
// Spark's simpleString: "bigint", "decimal(10,2)", "array<struct<a:int>>".
void type_write(struct str *out, const struct type *type);
// As Spark's error messages and schema_of_json have it: "BIGINT", "STRUCT<a: BIGINT, b:
// ARRAY<STRING>>".
void type_write_sql(struct str *out, const struct type *type);
// Parses Spark DDL: one type ("array<int>", "struct<a:int>") or a column list ("a INT, b STRING").
MUST_USE err_t type_parse(const struct type **out, struct arena *arena, struct bytes text,
                          struct diag *diag);

#endif
