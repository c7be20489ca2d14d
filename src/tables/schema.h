// SPDX-License-Identifier: Apache-2.0
//
// schema: an immutable picture of all keyspaces and tables (the user's and the system ones). The
// catalog makes a new one for each DDL statement; readers keep a reference for as long as they look
// at it.
//
// Lifetime   everything inside lives as long as the schema; schema_ref / schema_unref. Any thread.
#ifndef TABLES_SCHEMA_H
#define TABLES_SCHEMA_H

#include "tables/ast.h"

enum column_kind {
    COLUMN_PARTITION_KEY,
    COLUMN_CLUSTERING,
    COLUMN_STATIC,
    COLUMN_REGULAR,
};

struct column_meta {
    const char *name;
    const struct cql_type *type;
    enum column_kind kind;
    int position;    // within the partition key or the clustering key; -1 for others
    bool descending; // clustering
    uint32_t id;     // storage's own; never reused within a table
};

struct dropped_column {
    const char *name;
    const struct cql_type *type;
    bool is_static;
    int64_t dropped_us;
};

struct table_meta_options { // WITH options that mean something to us or are shown back
    const char *comment;    // ""
    int32_t default_ttl_s;
    int32_t gc_grace_s;
    size_t option_count; // the others, as given, all with defaults filled in by who prints them
    const struct option *options;
};

struct virtual_table;

struct table_schema {
    const char *keyspace;
    const char *name;
    uint8_t id[16]; // a new one for each CREATE
    size_t column_count;
    const struct column_meta
        *columns; // partition key, clustering (by position), then static and regular by name
    size_t partition_count;  // columns[0 .. partition_count)
    size_t clustering_count; // the next clustering_count
    size_t static_count;     // the next static_count; the rest are regular
    bool counter;            // its regular columns are counters
    struct table_meta_options options;
    size_t dropped_count;
    const struct dropped_column *dropped;
    const struct virtual_table
        *virtual;  // system tables: where rows come from; NULL for stored tables
    void *storage; // the store's own
};

struct keyspace_schema {
    const char *name;
    bool durable_writes;
    size_t replication_count; // "class" (full class name) first
    const struct option_pair *replication;
    size_t table_count;
    const struct table_schema *const *tables; // by name
};

struct schema {
    _Atomic unsigned refs;
    uint8_t version[16]; // system.local.schema_version: changes with every DDL
    size_t keyspace_count;
    const struct keyspace_schema *const *keyspaces; // by name, system ones too
};

struct schema *schema_ref(struct schema *schema);
void schema_unref(struct schema *schema);
const struct keyspace_schema *schema_keyspace(const struct schema *schema, const char *name);
const struct table_schema *schema_table(const struct schema *schema, const char *keyspace,
                                        const char *name);
const struct column_meta *table_schema_column(const struct table_schema *table, const char *name);
bool keyspace_is_system(const char *name);

#endif
