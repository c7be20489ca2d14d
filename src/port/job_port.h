// SPDX-License-Identifier: Apache-2.0
//
// job_port: what runs (DAGs and streaming queries), as the console and the command line see it.
//
// Answers are JSON texts appended to `json`, because they go to a browser, a terminal or Airflow's
// clients unchanged; their fields are listed beside each operation and carry Airflow's (or Spark's
// StreamingQueryProgress') names where those exist. Times are ISO-8601 UTC or null.
//
// Thread     any thread but a loop's; operations BLOCK for a short disk access.
// Errors     ERR_NOT_FOUND (names what), ERR_CONFLICT, ERR_INVALID.
#ifndef PORT_JOB_PORT_H
#define PORT_JOB_PORT_H

#include "base/diag.h"
#include "base/str.h"

struct dag_port_ops {
    // [{dag_id, description, schedule, is_paused, next_run_at, waiting (a sentence or null),
    // tasks:[{task_id, type,
    //   downstream:[..], topic (or null), url (of an http task, or null)}], last_run: run or null,
    //   file}]
    err_t (*dags)(void *self, struct str *json, struct diag *diag);
    // Newest first: [{dag_id, run_id, run_type, state, logical_date, data_interval_start,
    //   data_interval_end, start_date, end_date, duration_s, records, bytes, note (a sentence: why
    //   failed or what it waits for, or null)}]
    err_t (*runs)(void *self, const char *dag_id, size_t limit, struct str *json,
                  struct diag *diag);
    // One run with tasks: [{task_id, state, try_number, max_tries, start_date, end_date,
    // duration_s,
    //   records, bytes, topic, table, error (the error's own sentence or null), waiting}]
    err_t (*run)(void *self, const char *dag_id, const char *run_id, struct str *json,
                 struct diag *diag);
    // The text of a try's log; try_number 0 = the latest.
    err_t (*log)(void *self, const char *dag_id, const char *run_id, const char *task_id,
                 int try_number, struct str *text, struct diag *diag);
    // conf: a JSON object or NULL. Gives the run.
    err_t (*trigger)(void *self, const char *dag_id, const char *conf, struct str *json,
                     struct diag *diag);
    err_t (*pause)(void *self, const char *dag_id, bool paused, struct diag *diag);
    // Clears a task of a run and everything after it. dry: only tells: {sentence, tasks:[..]}.
    err_t (*rerun)(void *self, const char *dag_id, const char *run_id, const char *task_id,
                   bool dry, struct str *json, struct diag *diag);
    // from, to: ISO dates, inclusive. reprocess: "none", "failed", "completed". {runs:[run_id..]}
    err_t (*backfill)(void *self, const char *dag_id, const char *from, const char *to,
                      const char *reprocess, bool dry, struct str *json, struct diag *diag);
};

struct dag_port {
    const struct dag_port_ops *ops;
    void *self;
};

struct stream_port_ops {
    // [{name, id, state: "running"|"waiting"|"failed"|"stopped", waiting (a sentence or null),
    // error, source:{topic},
    //   sink:{keyspace, table}, sql, batchId, numInputRows (total), inputRowsPerSecond,
    //   processedRowsPerSecond, lag, lastProgress:{..Spark..}}]
    err_t (*streams)(void *self, struct str *json, struct diag *diag);
    // Spark's StreamingQueryProgress of the last `limit` batches, newest first.
    err_t (*progress)(void *self, const char *name, size_t limit, struct str *json,
                      struct diag *diag);
    // Runs a batch query over topics and tables.
    err_t (*query)(
        void *self, struct bytes sql, size_t max_rows, struct str *json,
        struct diag *diag); // {columns:[{name,type}], rows:[[text or null,..]], more, elapsed_ms}
};

struct stream_port {
    const struct stream_port_ops *ops;
    void *self;
};

// Something changed that a page shows; called on any thread, must not block or call back.
typedef void (*job_changed_fn)(void *ctx);

#endif
