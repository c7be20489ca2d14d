// SPDX-License-Identifier: Apache-2.0
//
// catalog: keyspaces and tables, durable in KV_META, and the present schema made from them
// (schema.h).
//
// Thread     any. DDL statements run one after the other (catalog_execute takes a lock for its
// whole length, also
//            across the commit: nothing else waits on that lock); everybody else takes a schema
//            reference.
#ifndef TABLES_CATALOG_H
#define TABLES_CATALOG_H

#include "store/kv/kv.h"
#include "tables/exec.h"

struct catalog;

// What a stored table is in KV_DATA. Shared by all versions of its definition; replaced on CREATE.
struct table_storage {
    _Atomic unsigned refs;
    _Atomic uint32_t id;    // begins its keys; a new one on TRUNCATE
    _Atomic unsigned flags; // enum table_flags; bits are only added, except by TRUNCATE
    _Atomic int32_t gc_grace_s;
};

// Reads skip looking for what a table never had.
enum table_flags {
    TABLE_HAS_PARTITION_DELETIONS = 1,
    TABLE_HAS_RANGE_DELETIONS = 2,
};

// A version of a table's definition, referenced by schemas and plans.
struct table_node {
    struct table_schema
        table; // first; table.storage is a struct table_storage, NULL for a virtual table
    _Atomic unsigned refs;
    _Atomic bool gone; // replaced or dropped
    struct arena arena;
    uint32_t next_id; // of columns
    uint32_t slot_count;
    uint16_t *slots; // column id -> index into table.columns, NO_SLOT when dropped
};
#define NO_SLOT UINT16_MAX

MUST_USE err_t catalog_open(struct catalog **out, struct kv *kv, struct diag *diag); // BLOCKS
void catalog_close(struct catalog *catalog);
struct schema *catalog_schema(struct catalog *catalog); // a reference

// CREATE, ALTER, DROP and TRUNCATE. `result` becomes SCHEMA_CHANGE or VOID, its words in `arena`.
// BLOCKS
MUST_USE err_t catalog_execute(struct catalog *catalog, const struct statement *statement,
                               const char *keyspace, struct arena *arena,
                               struct exec_result *result, struct exec_error *error);

// gc_grace of the table whose keys begin with `id`; -1 = there is none any more.
int32_t catalog_gc_grace(struct catalog *catalog, uint32_t id);
// Remembers a flag, in the batch that makes it true.
void catalog_flag(const struct table_schema *table, enum table_flags flag, struct kv_batch *batch);

static inline const struct table_node *table_node_of(const struct table_schema *table)
{
    return (const struct table_node *)(const void *)table;
}
static inline struct table_storage *table_storage_of(const struct table_schema *table)
{
    return table->storage;
}
struct table_node *table_node_ref(const struct table_schema *table);
void table_node_unref(struct table_node *node);

// A statement's table: ERR_INVALID with Cassandra's words when there is none. `keyspace` may be
// NULL.
MUST_USE err_t catalog_find(const struct schema *schema, const struct table_name *name,
                            const char *keyspace, const struct table_schema **out,
                            struct diag *diag);

#endif
