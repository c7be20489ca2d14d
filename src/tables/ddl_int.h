// SPDX-License-Identifier: Apache-2.0
//
// Shared by ddl.c, ddl_columns.c and ddl_alter.c only.
#ifndef TABLES_DDL_INT_H
#define TABLES_DDL_INT_H

#include "tables/schema_int.h"

// One statement at work.
struct ddl {
    struct catalog *catalog;
    const char *keyspace; // the connection's
    struct arena *arena;
    struct exec_result *result;
    struct exec_error *error;
    struct diag *diag; // error->diag
    struct kv_batch batch;
};

void ddl__changed(struct ddl *ddl, const char *change, const char *keyspace, const char *table);
MUST_USE err_t ddl__commit(struct ddl *ddl);
size_t ddl__table_place(const struct keyspace_entry *entry, const char *name);
void ddl__save_table(struct ddl *ddl, const struct table_node *node);
// The table a statement names, or NULL when it may be absent.
MUST_USE err_t ddl__find_table(struct ddl *ddl, const struct table_name *name, bool if_exists,
                               struct keyspace_entry **entry, struct table_node **out);

// Lays `options` over what the table has.
MUST_USE err_t ddl__set_options(struct ddl *ddl, struct table_node *node,
                                const struct option *options, size_t count);
MUST_USE err_t ddl__set_columns(struct ddl *ddl, struct table_node *node,
                                const struct create_table *statement);
MUST_USE err_t ddl__check_type(struct ddl *ddl, const char *keyspace, const struct cql_type *type);
MUST_USE err_t ddl__check_counters(struct ddl *ddl, const struct column_meta *columns,
                                   size_t count);
struct column_meta *ddl__find_column(struct column_meta *columns, size_t count, const char *name);

MUST_USE err_t ddl__alter_table(struct ddl *ddl, const struct alter_table *statement);

#endif
