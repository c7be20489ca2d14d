// SPDX-License-Identifier: Apache-2.0
//
// value: CQL values in their serialised form (native protocol v3 and later; collections have 4-byte
// counts and lengths): validation, constants to bytes, bytes to text, and order.
//
// A null value is a struct bytes with ptr NULL; an empty one has a ptr and size 0. Pure.
// Errors     ERR_INVALID with Cassandra's words.
#ifndef WIRE_CQL_VALUE_H
#define WIRE_CQL_VALUE_H

#include "wire/cql/type.h"

// Is `value` a well-formed value of `type`? Null passes; empty passes for scalars as in Cassandra.
MUST_USE err_t cql_value_check(const struct cql_type *type, struct bytes value, struct diag *diag);

// A value bound to a marker. unset: v4's "not set" (-2).
struct bound_value {
    struct bytes bytes; // ptr NULL = null
    bool unset;
};

// Constants as the lexer sees them.
enum cql_literal {
    CQL_LITERAL_STRING,  // text without its quotes, '' already one '
    CQL_LITERAL_INTEGER, // -12
    CQL_LITERAL_FLOAT,   // 1.5e3, NaN, -Infinity
    CQL_LITERAL_BOOLEAN, // true, FALSE
    CQL_LITERAL_UUID,
    CQL_LITERAL_HEX,      // 0x00ff
    CQL_LITERAL_DURATION, // 1h30m, P1DT2H
};

// Appends the serialised form of a scalar constant for `type`. Which literal suits which type is
// Cassandra's rule: 'Invalid STRING constant (a) for "id" of type int' (`column` is that name).
MUST_USE err_t cql_value_literal(struct str *out, const struct cql_type *type,
                                 enum cql_literal literal, struct bytes text, const char *column,
                                 struct diag *diag);
// Appends the serialised form of a scalar given as text ("12", "2020-01-01", "0x00ff", "true"),
// whatever literal it came from (JSON, values of people).
MUST_USE err_t cql_value_text(struct str *out, const struct cql_type *type, struct bytes text,
                              struct diag *diag);
bool cql_literal_suits(const struct cql_type *type, enum cql_literal literal);

// Appends the value for people, as cqlsh prints it, strings unquoted at top level and quoted inside
// collections; "null" for null. A malformed value is written as its hex form.
void cql_value_write(struct str *out, const struct cql_type *type, struct bytes value);
// Appends the value as a CQL literal ('it''s', 0x00, [1, 2]).
void cql_value_write_literal(struct str *out, const struct cql_type *type, struct bytes value);
// Appends the value as JSON text (toJson, SELECT JSON).
void cql_value_write_json(struct str *out, const struct cql_type *type, struct bytes value);

// The order of the type (clustering order ASC, set and map order, WHERE): <0, 0, >0. Both are
// well-formed and not null; empty sorts first.
int cql_value_compare(const struct cql_type *type, struct bytes a, struct bytes b);

// Sets and maps come from clients in any order and with duplicates: the same value in the order of
// its type, the last of equal keys kept, through all nesting. Gives `value` itself when nothing
// changes. `value` is well-formed.
struct bytes cql_value_normalize(const struct cql_type *type, struct bytes value,
                                 struct arena *arena);

// Elements of a serialised collection or tuple (a null element has ptr NULL).
//     struct cql_items items = cql_items_of(type, value);
//     while (cql_items_next(&items, &element)) …      // a map gives key, value, key, value …
struct cql_items {
    const uint8_t *at;
    const uint8_t *end;
    size_t left; // elements still to come (a map's count twice)
};
struct cql_items cql_items_of(const struct cql_type *type, struct bytes value);
bool cql_items_next(struct cql_items *items, struct bytes *element);
// Builds one: begin, add each element (map: key and value in turn), end patches the count.
size_t cql_items_begin(struct str *out);
void cql_items_add(struct str *out, struct bytes element);       // null ptr: length -1
void cql_items_end(struct str *out, size_t begin, size_t count); // count: a map's entries

struct cql_duration {
    int32_t months, days;
    int64_t nanos;
};
bool cql_duration_read(struct bytes value, struct cql_duration *out);
void cql_duration_write(struct str *out, const struct cql_duration *duration);

// The time inside a version 1 UUID: 100 ns ticks since 1582-10-15; and Unix milliseconds of it.
enum { CQL_TICKS_PER_MS = 10000 };
#define CQL_TICKS_AT_EPOCH 0x01b21dd213814000ULL
uint64_t cql_timeuuid_ticks(const uint8_t uuid[16]);

#endif
