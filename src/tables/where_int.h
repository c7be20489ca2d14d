// SPDX-License-Identifier: Apache-2.0
//
// Shared by where.c, where_bind.c, where_eval.c and where_match.c only.
#ifndef TABLES_WHERE_INT_H
#define TABLES_WHERE_INT_H

#include "tables/where.h"

struct where_values {
    VEC(struct bytes) all;
};

static inline bool where__is_lower(enum relation_op op)
{
    return op == RELATION_GT || op == RELATION_GE;
}

MUST_USE err_t where__column(const struct table_schema *table, const char *name,
                             const struct column_meta **out, struct diag *diag);
// The type a relation's values have.
const struct cql_type *where__value_type(const struct relation *relation,
                                         const struct column_meta *column);
const struct cql_type *where__tuple_type(const struct table_schema *table,
                                         const struct relation *relation, struct arena *arena);
// Evaluates a relation's values into *out, also those of `IN ?`. Without `nulls` a null is refused.
MUST_USE err_t where__values(const struct relation *relation, const struct cql_type *type,
                             const char *name, bool nulls, const struct term_context *context,
                             struct where_values *out, struct diag *diag);
// Splits the serialised tuple `value` into the columns of `relation`.
MUST_USE err_t where__split_tuple(const struct table_schema *table, const struct relation *relation,
                                  struct bytes value, struct arena *arena, struct bytes *out,
                                  struct diag *diag);

#endif
