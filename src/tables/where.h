// SPDX-License-Identifier: Apache-2.0
//
// where: a WHERE clause sorted out against a table: which partitions, which stretch of each, and
// what is left to be asked of every row. Made once per plan (where_plan), evaluated per execution
// (where_keys …).
//
// Errors are ERR_INVALID with Cassandra's words.
#ifndef TABLES_WHERE_H
#define TABLES_WHERE_H

#include "base/vec.h"
#include "tables/schema.h"

enum where_partitions {
    WHERE_ALL,
    WHERE_KEYS,   // every partition key column by = or IN
    WHERE_TOKENS, // token(…) bounds
};

enum where_use { WHERE_FOR_SELECT, WHERE_FOR_UPDATE, WHERE_FOR_DELETE, WHERE_FOR_INSERT };

struct where_plan {
    const struct table_schema *table;
    enum where_partitions partitions;
    const struct relation **keys; // KEYS: one per partition key column
    bool key_in;                  // one of them is an IN
    const struct relation *token_lower, *token_upper, *token_equal;
    size_t prefix_count; // = and IN relations over the leading clustering columns
    const struct relation **prefix;
    size_t prefix_columns; // clustering columns they cover
    bool prefix_in;
    const struct relation *lower, *upper; // of the column (or tuple) behind the prefix
    size_t filter_count;                  // asked of every row
    const struct relation **filters;
    bool needs_filtering;       // ALLOW FILTERING must be given
    bool clustering_restricted; // by any relation
};

MUST_USE err_t where_plan(struct where_plan *plan, const struct table_schema *table,
                          const struct where *where, enum where_use use, bool allow_filtering,
                          struct arena *arena, struct diag *diag);
// Binds the markers of the clause.
MUST_USE err_t where_bind(const struct table_schema *table, const struct where *where,
                          struct bind_specs *specs, struct diag *diag);

struct interval_bytes { // [lower, upper) over encoded clusterings
    struct bytes lower, upper;
    bool point; // holds one full clustering: `lower`
};

struct where_lists {
    VEC(struct bytes) keys; // serialised partition keys, ascending by value, no doubles
    VEC(struct interval_bytes) intervals; // ascending, no overlap; none: nothing can match
};
void where_lists_release(struct where_lists *lists);

// Evaluates the keys (KEYS only) and the intervals. Bytes live in context->arena.
MUST_USE err_t where_eval(const struct where_plan *plan, const struct term_context *context,
                          struct where_lists *out, struct diag *diag);
// The token bounds, inclusive. An empty range has *first > *last.
MUST_USE err_t where_tokens(const struct where_plan *plan, const struct term_context *context,
                            int64_t *first, int64_t *last, struct diag *diag);

// A filter (or an IF condition) with its values at hand.
struct where_test {
    const struct relation *relation;
    const struct column_meta *columns[8]; // of the relation
    size_t column_index[8];               // in table->columns
    size_t value_count;
    struct bytes *values; // EQ…: one; IN: many. ptr NULL = null. For a TUPLE: column_count each
    struct bytes key;     // of an ELEMENT
};
MUST_USE err_t where_test_make(struct where_test *out, const struct table_schema *table,
                               const struct relation *relation, const struct term_context *context,
                               bool condition, struct diag *diag);
// Does a row with these values (one per table column) pass?
bool where_test_passes(const struct where_test *test, const struct bytes *values);

#endif
