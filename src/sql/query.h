// SPDX-License-Identifier: Apache-2.0
//
// query: Spark SQL text, compiled and run. Three ways to run one compiled query:
//
//     batch       sql_run(): tables are read to their end through a callback, results are pushed to
//     another. stateless   sql_map(): a batch of the one source table in, a batch of results out
//     (filter and projection). aggregate   struct sql_agg: a batch in, the changed groups and their
//     state out (update mode).
//
// Which of the last two fits is told by sql_query_kind().
//
// Lifetime   a compiled query is read-only and may be shared by threads; each run has its own
// struct sql_run
//            or struct sql_agg.
// Thread     a run belongs to one thread at a time.
// Errors     compile: ERR_SYNTAX, ERR_TYPE, ERR_NOT_FOUND, ERR_INVALID, ERR_UNSUPPORTED with "line
// 3, column 14: …",
//            the source line and a caret. run: ERR_INVALID for values (ANSI, FAILFAST,
//            raise_error).
// Bounds     1 MiB of text, 200 levels of nesting; a run refuses (ERR_OVERLOADED) to hold more than
//            memory_max_bytes.
#ifndef SQL_QUERY_H
#define SQL_QUERY_H

#include "base/diag.h"
#include "data/column.h"

struct sql_query;
struct sql_run;
struct sql_agg;

// Resolves table names while compiling.
struct sql_catalog {
    void *ctx;
    // `parts` are the identifiers as written ("db", "table"). On success *type is a STRUCT type
    // with the columns, living in `arena`; *id is handed back in struct sql_source. ERR_NOT_FOUND
    // when there is none.
    err_t (*resolve)(void *ctx, struct arena *arena, const char *const *parts, size_t part_count,
                     const struct type **type, void **id, struct diag *diag);
};

struct sql_options {
    bool ansi;
    bool case_sensitive;
    const char *time_zone;   // NULL: UTC
    int64_t now_us;          // what 'today' and the like mean while compiling
    size_t memory_max_bytes; // of one run; 0: 256 MiB
};

// One appearance of a table in FROM.
struct sql_source {
    const char *name; // as written, parts joined by '.'
    void *id;         // from the catalogue
    size_t column_count;
    const char *const *names;
    const struct type *const *types;
    const bool *needed; // the other columns may be left out: their struct column all zero
};

enum sql_kind {
    SQL_STATELESS, // one source; each row alone
    SQL_AGGREGATE, // one source; one GROUP BY over it, then each group alone
    SQL_BATCH,     // joins, sorts, limits, several sources: batch only
};

MUST_USE err_t sql_compile(struct sql_query **out, const struct sql_catalog *catalog,
                           struct bytes text, const struct sql_options *options, struct diag *diag);
void sql_query_free(struct sql_query *query); // NULL is fine

enum sql_kind sql_query_kind(const struct sql_query *query);
size_t sql_query_source_count(const struct sql_query *query);
const struct sql_source *sql_query_source(const struct sql_query *query, size_t index);
// The result: names and types.
size_t sql_query_column_count(const struct sql_query *query);
const char *const *sql_query_names(const struct sql_query *query);
const struct type *const *sql_query_types(const struct sql_query *query);

// --- batch
// -------------------------------------------------------------------------------------------------------

struct sql_io {
    void *ctx;
    // The next batch of source `index`; *batch stays valid until the next call for the same source.
    // *end at the end (the batch is not looked at then). BLOCKS as the source does.
    err_t (*next)(void *ctx, size_t index, struct batch *batch, bool *end, struct diag *diag);
    // Takes one batch of results; it is gone after the call. Any other result than ERR_OK stops the
    // query with it.
    err_t (*push)(void *ctx, const struct batch *batch, struct diag *diag);
};

// Runs any query to its end.
MUST_USE err_t sql_execute(const struct sql_query *query, const struct sql_io *io, int64_t now_us,
                           struct diag *diag);

// --- streaming without state
// -------------------------------------------------------------------------------------

MUST_USE err_t sql_run_open(struct sql_run **out, const struct sql_query *query, struct diag *diag);
// `in` has the columns of source 0. `out` lives in `arena` and in the memory of `in`.
MUST_USE err_t sql_run_batch(struct sql_run *run, const struct batch *in, int64_t now_us,
                             struct arena *arena, struct batch *out, struct diag *diag);
void sql_run_close(struct sql_run *run);

// --- streaming aggregates (update mode)
// --------------------------------------------------------------------------

// Where the state of groups lives between batches. Keys and states are opaque bytes; both formats
// begin with a version byte and are kept by later versions.
struct sql_agg_store {
    void *ctx;
    // Gives the state of `key`, alive until the call returns to the caller's next load; ptr NULL
    // when there is none. BLOCKS.
    err_t (*load)(void *ctx, struct bytes key, struct bytes *state, struct diag *diag);
};

struct sql_agg_change {
    struct bytes key;
    struct bytes state;
};

MUST_USE err_t sql_agg_open(struct sql_agg **out, const struct sql_query *query, struct diag *diag);
// Takes in a batch of source 0; groups not met since the last sql_agg_clear() are loaded first.
MUST_USE err_t sql_agg_update(struct sql_agg *agg, const struct batch *in, int64_t now_us,
                              const struct sql_agg_store *store, struct diag *diag);
// What changed since the last call: result rows (after HAVING and projection) and the new state of
// each changed group. All in `arena`.
MUST_USE err_t sql_agg_take(struct sql_agg *agg, struct arena *arena, struct batch *rows,
                            struct sql_agg_change **changes, size_t *change_count,
                            struct diag *diag);
void sql_agg_clear(struct sql_agg *agg); // forgets all groups: the store has them
void sql_agg_close(struct sql_agg *agg);

#endif
