// SPDX-License-Identifier: Apache-2.0
//
// Making table nodes and schemas; shared by catalog.c, ddl.c and schema.c only.
#ifndef TABLES_SCHEMA_INT_H
#define TABLES_SCHEMA_INT_H

#include "base/vec.h"
#include "os/thread.h"
#include "tables/catalog.h"

// The catalog's own list, from which each schema is made.
struct keyspace_entry {
    char *name;
    bool durable_writes;
    struct arena arena; // replication
    size_t replication_count;
    const struct option_pair *replication;
    VEC(struct table_node *) tables; // by name
};

struct catalog {
    struct kv *kv;
    struct mutex ddl;                       // one statement at a time
    struct mutex mutex;                     // leaf: present, grace
    struct schema *present;                 // under mutex
    VEC(struct keyspace_entry *) keyspaces; // by name; under ddl
    VEC(struct table_node *) virtuals;      // by keyspace and name; constant
    uint32_t next_storage_id;               // under ddl
    uint8_t version[16];
    VEC(struct table_storage *) storages; // under mutex
};

struct table_node *table_node_new(void);
// Sorts the columns into their order, sets counts, positions and slots. The columns' array is in
// node->arena.
void table_node_finish(struct table_node *node, struct column_meta *columns, size_t count);
// The catalog's form of a table in KV_META.
void table_node_write(struct str *out, const struct table_node *node);
MUST_USE err_t table_node_read(struct table_node **out, struct bytes bytes, struct diag *diag);
struct table_node *table_node_of_virtual(const struct virtual_table *virtual, struct diag *diag);

struct table_storage *table_storage_new(uint32_t id, int32_t gc_grace_s);
struct table_storage *table_storage_ref(struct table_storage *storage);
void table_storage_unref(struct table_storage *storage);

struct schema *schema_make(const struct catalog *catalog);

// catalog.c, for ddl.c. All but the storages under catalog->ddl.
void catalog__key(struct str *out, char kind, const char *keyspace, const char *table);
struct keyspace_entry *catalog__keyspace(struct catalog *catalog, const char *name);
void keyspace_entry_free(struct keyspace_entry *entry);
void keyspace_entry_write(struct str *out, const struct keyspace_entry *entry);
void catalog__storage_add(struct catalog *catalog, struct table_storage *storage);
void catalog__storage_remove(struct catalog *catalog, const struct table_storage *storage);
// Notes in `batch` that the rows of `storage` are to be removed; catalog__clean() does it after the
// commit.
void catalog__leave_behind(struct kv_batch *batch, const struct table_storage *storage);
MUST_USE err_t catalog__clean(struct catalog *catalog, struct diag *diag);
void catalog__new_version(struct catalog *catalog, struct kv_batch *batch);
void catalog__publish(struct catalog *catalog);

#endif
