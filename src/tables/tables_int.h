// SPDX-License-Identifier: Apache-2.0
//
// Shared by the store's files only: the tables object, plans, and how statements run.
#ifndef TABLES_TABLES_INT_H
#define TABLES_TABLES_INT_H

#include "os/thread.h"
#include "store/kv/kv.h"
#include "tables/catalog.h"
#include "tables/cells.h"
#include "tables/tables.h"
#include "tables/where.h"

enum { TABLES_STRIPES = 256, TTL_MAX_S = 630720000 };

struct tables {
    struct kv *kv;
    struct catalog *catalog; // NULL while opening
    struct loops *loops;
    struct budget *budget;
    _Atomic int64_t last_us; // of the timestamps given out
    // Who reads and then writes a partition (IF, counters, lists) holds its stripe, across the
    // commit.
    struct mutex stripes[TABLES_STRIPES];
    struct tables_server *server;
};

// The first of `count` consecutive microseconds, all greater than those given out before.
int64_t tables_timestamps(struct tables *tables, size_t count);

// --- plans ---

// One column's change of an INSERT, UPDATE or DELETE; ascending by column id.
struct write_op {
    const struct column_meta *column;
    enum assignment_kind kind;
    bool remove;            // DELETE c, DELETE c[key]: value is NULL
    const struct term *key; // ELEMENT
    const struct term *value;
    const struct cql_type *type; // of value
};

struct write_plan {
    struct where_plan where;
    size_t op_count;
    struct write_op *ops;
    bool insert;      // writes a row marker
    bool delete_rows; // DELETE without columns
    bool only_static; // touches the static row alone
    bool any_static, any_regular;
    bool reads_first; // counters, list elements and removals
    const struct using *using;
    const struct conditions *conditions; // NULL: none
    struct conditions own;               // INSERT … IF NOT EXISTS
};

enum select_kind {
    SELECT_COLUMN,
    SELECT_WRITETIME,
    SELECT_TTL,
    SELECT_TERM,
    SELECT_CALL,
    SELECT_TOKEN,
    SELECT_CAST,
    SELECT_AGGREGATE,
};

enum aggregate { AGGREGATE_COUNT, AGGREGATE_MIN, AGGREGATE_MAX, AGGREGATE_SUM, AGGREGATE_AVG };

// A selector with its names resolved.
struct select_item {
    enum select_kind kind;
    const struct cql_type *type; // of its result
    size_t column;               // COLUMN, WRITETIME, TTL: index into table->columns
    enum aggregate aggregate;
    size_t aggregate_index; // its accumulator
    const struct function_info *function;
    const struct term *term;
    size_t arg_count;
    struct select_item *args;
};

struct select_plan {
    struct where_plan where;
    size_t item_count;
    struct select_item *items;
    size_t aggregate_count;
    bool distinct;
    bool reversed;
    bool count_only; // every item is count(*), nothing is asked of rows
    bool wants_times;
    bool *wanted; // per table column: somebody looks at its value
    const struct term *limit, *partition_limit;
    bool order_by;
};

struct plan {
    struct plan_info info;
    _Atomic unsigned refs;
    struct arena arena; // holds the statement too
    const struct statement *statement;
    struct tables *tables;
    struct table_node *node; // NULL: no table
    char *keyspace;          // the connection's, or NULL
    union {
        struct select_plan select;
        struct write_plan write;
    };
    struct plan **children; // of a batch
    size_t child_count;
};

MUST_USE err_t plan_write(struct plan *plan, struct bind_specs *specs, struct diag *diag);
MUST_USE err_t plan_select(struct plan *plan, struct bind_specs *specs, struct diag *diag);

// --- writes ---

// One write statement under execution.
struct write_context {
    struct tables *tables;
    const struct plan *plan;
    struct term_context terms;
    int64_t now_s;
    int64_t ts; // of this statement
    int32_t ttl_s;
    struct kv_batch *batch;
    uint64_t *list_sequence; // counts the list elements made by the request
};

// Sets ts and ttl_s from USING and the request (INT64_MIN: none).
MUST_USE err_t write_times(struct write_context *context, int64_t request_us,
                           const struct using *batch_using, struct diag *diag);
MUST_USE err_t write_lists(const struct write_context *context, struct where_lists *out,
                           struct diag *diag);
// Appends what the statement does to `lists` to context->batch.
MUST_USE err_t write_build(struct write_context *context, const struct where_lists *lists,
                           struct diag *diag);

// --- reads ---

// A row on its way to whoever asked. Arrays have one entry per table column.
struct read_row {
    const struct bytes *values; // serialised; ptr NULL = null
    const int64_t *ts;          // with wants_times; INT64_MIN = none
    const int32_t *ttl;         // seconds left; 0 = none
    struct bytes partition_key;
    struct bytes clustering; // encoded; ptr NULL for a row made of statics alone
    uint32_t partition_rows; // rows of its partition given out, with this one
};

struct read_position {          // resume behind it; all empty = from the start
    struct bytes partition_key; // ptr NULL: none
    struct bytes clustering;    // ptr NULL: behind the static row
    bool partition_done;
    uint32_t partition_rows; // given out of this partition so far
};

struct read {
    struct tables *tables;
    const struct table_schema *table;
    const bool *wanted; // per column; NULL = all
    bool wants_times;
    bool distinct;
    bool reversed;
    bool skip_static_rows;    // no row for a partition of statics alone
    uint32_t partition_limit; // 0 = none
    int64_t now_s;
    size_t test_count;
    const struct where_test *tests;
    const struct kv_snapshot *snapshot; // may be NULL
    struct read_position from;
    bool scan; // long: leave the cache alone
    // False ends the read. With `count` set rows are only counted and nobody is called.
    bool (*row)(void *ctx, const struct read_row *row);
    void *ctx;
    uint64_t *count;
};

// Partitions in the order given / in token order. BLOCKS
MUST_USE err_t read_keys(const struct read *read, const struct where_lists *lists,
                         struct diag *diag);
MUST_USE err_t read_tokens(const struct read *read, int64_t first, int64_t last, struct diag *diag);

// --- running ---

void select_run(struct tables *tables, struct exec *exec);
void exec_fail(struct exec *exec, err_t err);
// Conditional writes: reads, decides, writes; the result is EXEC_ROWS with [applied]. BLOCKS
void conditional_run(struct tables *tables, struct exec *exec);

// The write statements of one exec: its plans and their batches' children.
struct request_item {
    struct write_context write;
    const struct using *batch_using;
    struct where_lists lists;
};

struct request {
    struct tables *tables;
    int64_t ts;
    int64_t now_s;
    size_t count;
    struct request_item *items;
    bool reads_first;
    uint64_t list_sequence;
    struct kv_batch batch;
    uint64_t stripes[TABLES_STRIPES / 64]; // held between lock and unlock
};

// Evaluates times and keys of all statements. request_release() also after a failure.
MUST_USE err_t request_begin(struct request *request, struct tables *tables, struct exec *exec);
MUST_USE err_t request_build(struct request *request, struct diag *diag);
void request_lock(struct request *request);
void request_unlock(struct request *request);
void request_release(struct request *request);

#endif
