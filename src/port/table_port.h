// SPDX-License-Identifier: Apache-2.0
//
// table_port: keyspaces and tables, as the services see them. Our own tables and the client to a
// real Cassandra implement it.
//
// Thread     any thread but a loop's; every operation BLOCKS.
// Errors     ERR_NOT_FOUND (keyspace, table, column), ERR_TYPE (a value does not fit the column;
// the
//            diag names column, row and value), ERR_SYNTAX, ERR_INVALID, ERR_IO, ERR_DISK_FULL.
#ifndef PORT_TABLE_PORT_H
#define PORT_TABLE_PORT_H

#include "base/arena.h"
#include "base/diag.h"
#include "data/column.h"

enum table_column_kind {
    TABLE_PARTITION_KEY,
    TABLE_CLUSTERING_KEY,
    TABLE_STATIC,
    TABLE_REGULAR,
};

struct table_column {
    const char *name;
    const char *cql_type; // "uuid", "map<text, int>"
    const struct type
        *type; // what a scan gives: uuid and inet as STRING, timestamp as TIMESTAMP, counter as
               // LONG, varint as DECIMAL(38,0), time as LONG nanoseconds, blob as BINARY
    enum table_column_kind kind;
    int position; // within its kind
};

struct table_info {
    const char *keyspace;
    const char *name;
    size_t column_count;
    const struct table_column *columns;
};

// Rows for one table: column i of `batch` goes to the table column of the same name (names are
// matched without case); a null value writes a null cell (a tombstone), as Spark's connector does.
struct table_rows {
    const char *keyspace;
    const char *table;
    const struct batch *batch;
    int64_t timestamp_us; // write time; 0 = now
    int32_t ttl_s;        // 0 = none
};

// A small key and value of a stream (source offsets, state), kept beside the tables so that both
// commit together.
struct table_meta {
    struct bytes key;
    struct bytes value; // ptr NULL = delete
};

struct table_write {
    const struct table_rows *rows;
    size_t row_set_count;
    const struct table_meta *metas;
    size_t meta_count;
};

// Result of a CQL statement, as text for people: every value in CQL literal style without quotes.
struct cql_result {
    size_t column_count;
    const char *const *names;
    const char *const *types; // CQL types
    size_t row_count;
    const struct bytes *values; // row-major; ptr NULL = null
    bool more;                  // cut at max_rows
};

struct table_port_ops {
    err_t (*tables)(void *self, struct arena *arena, const struct table_info **out, size_t *count,
                    struct diag *diag); // user tables, sorted
    err_t (*describe)(void *self, struct arena *arena, const char *keyspace, const char *table,
                      const struct table_info **out, struct diag *diag);
    // All of it or nothing, in one write batch, on disk when it returns.
    err_t (*apply)(void *self, const struct table_write *write, struct diag *diag);
    err_t (*meta_get)(void *self, struct arena *arena, struct bytes key, struct bytes *out,
                      struct diag *diag); // absent: out->ptr NULL
    err_t (*meta_scan)(void *self, struct bytes prefix,
                       err_t (*fn)(struct bytes key, struct bytes value, void *ctx), void *ctx,
                       struct diag *diag);
    // Every live row in token order, in batches of up to 4096 rows whose columns are those of
    // describe(); each batch lives until fn returns. An error of fn ends the scan.
    err_t (*scan)(void *self, const char *keyspace, const char *table,
                  err_t (*fn)(const struct batch *batch, void *ctx), void *ctx, struct diag *diag);
    // One CQL statement (DDL too). Keyspace may be NULL. Results in `arena`.
    err_t (*cql)(void *self, const char *keyspace, struct bytes text, size_t max_rows,
                 struct arena *arena, struct cql_result *out, struct diag *diag);
};

struct table_port {
    const struct table_port_ops *ops;
    void *self;
};

#endif
