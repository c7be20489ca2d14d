// SPDX-License-Identifier: Apache-2.0
//
// exec: what the protocol front end (server.c) asks of the store, and what the store asks of the
// front end (virtual tables). Implemented by the store (catalog, plan, storage); called by
// server.c, table_port, describe.c.
//
//     parse -> tables_prepare (resolve names, types, bind variables: a plan) -> tables_submit (run
//     it)
#ifndef TABLES_EXEC_H
#define TABLES_EXEC_H

#include "tables/schema.h"

#include "base/list.h"

struct tables;
struct plan;

// --- a failure, with all an ERROR frame may hold ---
struct exec_error {
    struct diag
        diag; // diag.code ERR_OK: none. The CQL code is err_info(code)->cql unless cql_code is set
    int cql_code; // 0, or the exact one (0x1100 write timeout …)
    const char *keyspace,
        *table; // ERR_EXISTS: what exists (table "" for a keyspace); static or arena memory
};

// --- plans ---
struct plan_info {
    enum statement_kind kind;
    size_t bind_count;
    const struct column_spec
        *binds; // every marker's keyspace, table, name ("[limit]", "[ttl]", "[timestamp]",
                // "in(c)", "partition key token", a column's name) and type
    size_t key_count;
    const uint16_t
        *key_binds; // markers that are the partition key, in its order; 0 if not all are markers
    size_t result_count; // columns of the rows it gives; 0 = void
    const struct column_spec
        *results; // for a conditional write: only known on execution (result_count 0)
    const char *keyspace,
        *table; // what it touches ("" if nothing): routing, and forgetting on ALTER or DROP
    bool is_write;
    bool is_conditional; // has IF: serial consistency applies
    bool is_counter;
    bool reads_one_row;  // at most: the whole key is given
    bool does_not_block; // tables_submit may be called on a loop thread: it only builds a delta and
                         // queues the commit
};

// Resolves a statement against the present schema. `keyspace` is the connection's, or NULL. The
// plan copies what it needs of its arguments but keeps pointing into `statement`: pass the arena
// that holds it and the plan takes it over (released with the plan), also on failure.
MUST_USE err_t tables_prepare(struct tables *tables, const struct statement *statement,
                              struct arena *statement_arena, const char *keyspace,
                              struct plan **out,
                              struct exec_error *error); // any thread; does not block
const struct plan_info *plan_info(const struct plan *plan);
struct plan *plan_ref(struct plan *plan);
void plan_unref(struct plan *plan); // any thread
// False once a table it uses was altered or dropped: then prepare again (ERROR Unprepared to the
// client).
bool plan_is_current(const struct plan *plan);

// --- running ---
enum exec_result_kind { // as on the wire
    EXEC_VOID = 1,
    EXEC_ROWS = 2,
    EXEC_SET_KEYSPACE = 3,
    EXEC_SCHEMA_CHANGE = 5,
    EXEC_ERROR = 0,
};

struct exec_result {
    enum exec_result_kind kind;
    struct exec_error error; // ERROR
    // ROWS: each cell as an int32 length (-1 = null) and its bytes, row after row: exactly the wire
    // form.
    size_t column_count;
    const struct column_spec *columns; // live as long as the plan or in the exec's arena
    struct str rows;
    uint32_t row_count;
    struct str paging_state; // size 0: no more pages
    const char *keyspace;    // SET_KEYSPACE; SCHEMA_CHANGE
    const char *change;      // "CREATED", "UPDATED", "DROPPED"
    const char *target;      // "KEYSPACE", "TABLE"
    const char *name;        // the table
    size_t warning_count;
    const char *warnings[4]; // static or arena memory
};

// One request. The caller fills the first part, owns the memory, and must not touch it between
// tables_submit and done.
struct exec {
    struct plan *const *plans; // one; for a batch of the protocol: many
    size_t plan_count;
    const struct bound_value *const *values; // per plan, in marker order
    const size_t *value_counts;
    bool is_batch; // a BATCH message, even of one
    enum batch_kind batch_kind;
    const char *keyspace; // the connection's, or NULL
    uint16_t consistency, serial_consistency;
    int64_t timestamp_us; // the protocol's default timestamp; INT64_MIN = none (server time)
    int32_t page_size;    // rows; <= 0 = all
    struct bytes paging_state;
    size_t result_max_bytes; // ERR_TOO_LARGE past it; 0 = 256 MiB. A page is cut at 1 MiB more or
                             // less anyway
    struct arena *arena;     // for values and results; dies with the request
    void (*done)(struct exec *exec); // exactly once, on any thread, perhaps inside tables_submit
    void *ctx;

    struct exec_result result;
    struct list link; // the store's own
    void *store;      // the store's own
};

// Runs it: reads on the calling thread (BLOCKS unless plan_info.does_not_block), writes are queued
// for the group commit, and done() comes when they are on disk.
void tables_submit(struct tables *tables, struct exec *exec);
// The same, waiting. BLOCKS
void tables_execute(struct tables *tables, struct exec *exec);
void exec_result_release(struct exec_result *result);

// --- schema ---
struct schema *tables_schema(struct tables *tables); // a reference: schema_unref() it. Any thread

// --- virtual tables
// -------------------------------------------------------------------------------- A system table:
// the store treats it like any other (WHERE, LIMIT, paging, aggregates), but takes all its rows
// from produce() and filters them. The row order given is kept.
struct virtual_sink {
    void (*row)(struct virtual_sink *sink,
                const struct bytes *cells); // column_count cells, in the order of columns
    struct arena *arena;
};

struct virtual_column {
    const char *name;
    const char *type; // CQL
    enum column_kind kind;
};

struct virtual_table {
    const char *keyspace;
    const char *name;
    const char *comment;
    bool is_virtual; // listed in system_virtual_schema, not in system_schema
    size_t column_count;
    const struct virtual_column
        *columns; // partition key first, then clustering, then the rest by name
    void (*produce)(struct tables *tables, const struct schema *schema, struct virtual_sink *sink);
};

// All of them (system.c). The catalog puts them into every schema it makes.
const struct virtual_table *system_tables(size_t *count);

// --- the server (server.c) ---
// tables_listen(), tables_port_number() of tables.h are there too. The store keeps one pointer for
// it.
struct tables_server;
struct tables_server *tables_server_of(struct tables *tables); // NULL before tables_listen
void tables_set_server(struct tables *tables, struct tables_server *server);
struct loops *tables_loops(struct tables *tables);
struct budget *tables_budget(struct tables *tables); // may be NULL
// Closes the listener and waits for requests in flight; tables_close() calls it first. NULL is
// fine. BLOCKS
void tables_server_stop(struct tables_server *server);
// The store calls this after each schema change, before its exec's done(): registered connections
// are told. NULL is fine. Any thread.
void tables_server_schema_changed(struct tables_server *server, const struct exec_result *change);

// Answers what needs only the schema: DESCRIBE and LIST ROLES, and refuses STATEMENT_UNSUPPORTED
// (describe.c). True if it did: then `result` is filled, its strings in `arena`.
bool describe_execute(struct tables *tables, const struct statement *statement,
                      const char *keyspace, struct arena *arena, struct exec_result *result);

#endif
