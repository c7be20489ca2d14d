// SPDX-License-Identifier: Apache-2.0
//
// history: the scheduler's rows in SQLite: DAGs (paused, next run), runs, task instances with the
// tries before, XComs.
//
// Thread     one (the scheduler's). Everything BLOCKS. Readers open the file for themselves.
#ifndef SCHEDULER_HISTORY_H
#define SCHEDULER_HISTORY_H

#include "scheduler/run.h"

struct history;

MUST_USE err_t history_open(struct history **out, const char *path, struct diag *diag);
void history_close(struct history *history); // NULL is fine

// Several saves belong in one transaction. A commit survives our death; history_sync(), on any
// thread, makes all commits before it survive a loss of power too.
MUST_USE err_t history_begin(struct history *history, struct diag *diag);
MUST_USE err_t history_commit(struct history *history, struct diag *diag);
MUST_USE err_t history_sync(const char *path, struct diag *diag);
void history_rollback(struct history *history);
MUST_USE err_t history_save_run(struct history *history, const struct run *run, struct diag *diag);
// Also keeps the try as it stands among the tries (try_number > 0).
MUST_USE err_t history_save_instance(struct history *history, const struct instance *instance,
                                     struct diag *diag);
MUST_USE err_t history_save_try(struct history *history, const struct closed_try *closed,
                                struct diag *diag);
MUST_USE err_t history_save_dag(struct history *history, const char *dag_id, bool paused,
                                int64_t next_us, struct diag *diag); // INSTANT_NONE = none
// NULL json takes it away.
MUST_USE err_t history_save_xcom(struct history *history, int64_t run, const char *task_id,
                                 const char *json, struct diag *diag);

MUST_USE err_t history_load_dag(struct history *history, const char *dag_id, bool *known,
                                bool *paused, struct diag *diag);
// The interval of the newest scheduled or backfilled run.
MUST_USE err_t history_last_interval(struct history *history, const char *dag_id, bool *found,
                                     struct data_interval *out, struct diag *diag);
MUST_USE err_t history_newest_run(struct history *history, int64_t *id, struct diag *diag);
// Calls take(run) for each queued or running run of `dag`, oldest first; the run is then the
// taker's.
MUST_USE err_t history_load_active(struct history *history, const struct dag *dag,
                                   void (*take)(struct run *run, void *ctx), void *ctx,
                                   struct diag *diag);
// The same for the newest `limit` runs, newest first.
MUST_USE err_t history_load_newest(struct history *history, const struct dag *dag, size_t limit,
                                   void (*take)(struct run *run, void *ctx), void *ctx,
                                   struct diag *diag);
MUST_USE err_t history_count_running(struct history *history, size_t *out,
                                     struct diag *diag); // tasks
MUST_USE err_t history_next_of_dag(struct history *history, const char *dag_id, int64_t *out,
                                   struct diag *diag);
// Appends the value, or nothing if there is none.
MUST_USE err_t history_load_xcom(struct history *history, int64_t run, const char *task_id,
                                 const char *key, struct str *json, struct diag *diag);
// The run, or ERR_NOT_FOUND. By id, or by logical date when `run_id` is NULL.
MUST_USE err_t history_load_run(struct history *history, const struct dag *dag, const char *run_id,
                                int64_t logical_us, struct run **out, struct diag *diag);
// State of the task in the run of the DAG just before `logical_us`; *found false when there was
// none.
MUST_USE err_t history_past_state(struct history *history, const char *dag_id, int64_t logical_us,
                                  const char *task_id, bool *found, enum task_state *out,
                                  int64_t *past_us, struct diag *diag);
// Ends the active runs of DAGs that `known` (NULL-terminated ids) does not name.
MUST_USE err_t history_end_orphans(struct history *history, const char *const *known,
                                   int64_t now_us, struct diag *diag);
// Marks unfinished tasks of the DAG's active runs as removed that `known` (NULL-terminated ids)
// does not name.
MUST_USE err_t history_remove_tasks(struct history *history, const char *dag_id,
                                    const char *const *known, struct diag *diag);

#endif
