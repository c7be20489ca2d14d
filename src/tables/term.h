// SPDX-License-Identifier: Apache-2.0
//
// term: the right-hand sides of CQL (constants, bind markers, collections, function calls) and
// their evaluation to serialised values.
//
// Lifetime   terms live in the statement's arena and never change after parsing.
#ifndef TABLES_TERM_H
#define TABLES_TERM_H

#include "wire/cql/value.h"

enum term_kind {
    TERM_LITERAL,
    TERM_NULL,
    TERM_MARKER,
    TERM_LIST,  // [a, b]
    TERM_SET,   // {a, b}; {} is an empty TERM_SET and fits a map too
    TERM_MAP,   // {a: b}: items are key, value, key, value …
    TERM_TUPLE, // (a, b)
    TERM_UDT,   // {field: value}: field_names beside items
    TERM_FUNCTION,
    TERM_HINT,  // (type) term: items[0], hint
    TERM_ARITH, // items[0] op items[1]; op is one of + - * / %; unary minus has one item
};

struct term {
    enum term_kind kind;
    enum cql_literal literal; // LITERAL
    struct bytes text;        // LITERAL
    size_t marker;            // MARKER: index into the statement's markers
    size_t count;
    const struct term *const *items;
    const char *const *field_names; // UDT
    const char *function; // FUNCTION: lower case ("now", "totimestamp"); keyspace-qualified ones
                          // are refused
    const struct cql_type *hint; // HINT
    char op;                     // ARITH
    uint32_t line, column;       // where it stands, from 1 and 0
};

// What a statement's markers are: filled by who knows the columns. `items` is an array of
// marker_count.
struct bind_specs {
    struct arena *arena;
    const char *keyspace, *table;
    const char *const *marker_names; // of the statement; NULL entries are positional
    size_t count;
    struct column_spec *items;
};

// Gives every marker inside `term` its type and name, for a term that will be stored as `type` in
// (or compared with) `column`. Also refuses what can never fit (ERR_INVALID with Cassandra's
// words).
MUST_USE err_t term_bind(const struct term *term, const struct cql_type *type, const char *column,
                         struct bind_specs *specs, struct diag *diag);

struct term_context {
    struct arena *arena; // results live here (or in the bound values and the statement)
    const struct bound_value *values;
    size_t value_count;
    int64_t now_us; // for now(), currentTimestamp() …: one per statement
};

// The value of `term` for `type`. Null: out->ptr NULL. `*unset` (may be NULL: then unset is an
// error) tells a marker bound to "not set".
MUST_USE err_t term_eval(const struct term *term, const struct cql_type *type, const char *column,
                         const struct term_context *context, struct bytes *out, bool *unset,
                         struct diag *diag);
bool term_is_constant(const struct term *term); // no marker, no now()-like function inside
// As CQL text, for error messages and unaliased column names.
void term_write(struct str *out, const struct term *term, const char *const *marker_names);

// A new version 1 UUID, different from all others of this process.
void term_timeuuid_new(uint8_t out[16], int64_t now_us);

// --- functions (function.c) ----------------------------------------------------------------------
// Scalar functions, shared by terms and selectors. `name` is lower case, old ("totimestamp") or new
// ("to_timestamp"). NULL if there is none of that name and argument count.
struct function_info {
    const char *name;
    enum cql_kind result;
    size_t arg_count;
    enum cql_kind arg; // CQL_CUSTOM = any type
    // `types` and `args` have arg_count entries; a null argument never gets here: the result is
    // null then.
    err_t (*eval)(const struct function_info *info, const struct term_context *context,
                  const struct cql_type *const *types, const struct bytes *args, struct bytes *out,
                  struct diag *diag);
};
const struct function_info *function_find(const char *name, size_t arg_count);
// Checks the argument types, then evaluates; a null argument gives null (but tojson(null) is
// 'null').
MUST_USE err_t function_eval(const struct function_info *info, const struct term_context *context,
                             const struct cql_type *const *types, const struct bytes *args,
                             struct bytes *out, struct diag *diag);
// "Invalid call to function …" unless the types fit.
MUST_USE err_t function_check(const struct function_info *info, const struct cql_type *const *types,
                              struct diag *diag);

// --- casts and arithmetic (arith.c) --------------------------------------------------------------
// CAST(value AS type) of SELECT: numbers among each other and to text, dates and times among each
// other and to text.
bool term_cast_allowed(const struct cql_type *to, const struct cql_type *from);
MUST_USE err_t term_cast_value(const struct cql_type *to, const struct cql_type *from,
                               struct bytes value, struct arena *arena, struct bytes *out,
                               struct diag *diag);
// a op b, op one of + - * / %: the type of the result, NULL if these types have no such operation.
const struct cql_type *arith_type(char op, const struct cql_type *a, const struct cql_type *b);
// Null if either is null. ERR_INVALID: overflow, division by zero.
MUST_USE err_t arith_eval(char op, const struct cql_type *a_type, struct bytes a,
                          const struct cql_type *b_type, struct bytes b, struct arena *arena,
                          struct bytes *out, struct diag *diag);

#endif
