// SPDX-License-Identifier: Apache-2.0
//
// attempt: one try of one task, from its start on a task thread until its outcome is back with the
// scheduler.
//
// Thread     the task thread runs it and writes the outcome; what the scheduler reads while it runs
// (progress, pid)
//            and what it asks for (cancel) goes through the mutex.
#ifndef SCHEDULER_ATTEMPT_H
#define SCHEDULER_ATTEMPT_H

#include "base/list.h"
#include "os/process.h"
#include "os/thread.h"
#include "port/job_port.h"
#include "port/log_port.h"
#include "port/table_port.h"
#include "scheduler/run.h"

#define ATTEMPT_LOG_MAX_BYTES  ((int64_t)8 << 20)
#define ATTEMPT_XCOM_MAX_BYTES ((size_t)1 << 20)

enum cancel_reason {
    CANCEL_NONE,
    CANCEL_STOP,    // weir stops: the try is repeated
    CANCEL_TIMEOUT, // of the task or of its run
    CANCEL_CLEAR,   // run again from here
};

// What tasks need from outside.
struct attempt_host {
    struct log_port log;
    struct table_port tables;
    struct stream_port streams;
    const struct scheduler_var *vars;
    size_t var_count;
    const char *logs_dir;
    // Appends the XCom of a task of the run as JSON.
    err_t (*xcom)(void *self, int64_t run, const char *task_id, const char *key, struct str *json,
                  struct diag *diag);
    // Progress, or the end: then the attempt is the scheduler's and may be gone when this returns.
    void (*report)(void *self, struct attempt *attempt, bool done);
    void *self;
};

struct attempt {
    struct list link;        // of the task threads' queue, then private to the scheduler
    struct list report_link; // of the reports to the scheduler; this and two more under its mutex
    bool reported, done;
    struct instance *instance; // the scheduler's; a task thread does not look inside
    const struct attempt_host *host;
    const struct dag *dag;
    const struct task *task;
    int64_t run;
    char *run_id;
    char *conf; // JSON object or NULL
    int64_t logical_us;
    struct data_interval interval;
    int try_number;

    struct mutex mutex;
    struct cond wake;
    enum cancel_reason reason;
    _Atomic bool cancelled;
    struct process *process; // while a child runs
    int64_t records, bytes;
    int64_t pid, pid_token;

    // The outcome, complete once its end is reported.
    enum task_state outcome; // TASK_SUCCESS, TASK_SKIPPED, TASK_FAILED
    bool final;              // failed, and trying again would not help
    char *error;             // TASK_FAILED: the sentence
    char *xcom;              // JSON or NULL

    int log_fd;
    int64_t log_bytes;
    int64_t deadline_us; // clock_mono_us(); 0 = none
    int64_t reported_us;
};

struct attempt *attempt_new(struct instance *instance, const struct attempt_host *host);
void attempt_free(struct attempt *attempt);
// Runs the task and reports its end. On a task thread. BLOCKS
void attempt_run(struct attempt *attempt);
// The first reason stays. Any thread.
void attempt_cancel(struct attempt *attempt, enum cancel_reason reason);

// The path of a try's log, for readers too: logs_dir/dag/run/task/1.log
char *attempt_log_path(const char *logs_dir, const char *dag_id, const char *run_id,
                       const char *task_id, int try_number);

// --- for the task types ---

// One line into the log, with the time.
void attempt_log(struct attempt *attempt, const char *format, ...) PRINTF_LIKE(2, 3);
void attempt_log_raw(struct attempt *attempt, struct bytes bytes); // what a child writes
// Counts what went through; tells the scheduler now and then.
void attempt_count(struct attempt *attempt, int64_t records, int64_t bytes);
// Sleeps; ERR_CANCELLED or ERR_TIMEOUT (execution_timeout) when that ends it early.
MUST_USE err_t attempt_sleep(struct attempt *attempt, int64_t us, struct diag *diag);
// What is left until the execution_timeout, at most `limit_ms`; at least 1.
int64_t attempt_left_ms(const struct attempt *attempt, int64_t limit_ms);
// Renders a template of the task in the scope of the try.
MUST_USE err_t attempt_render(struct attempt *attempt, int64_t page, const char *text,
                              struct str *out, struct diag *diag);

// The task types. The diag of an error is the failure's sentence.
MUST_USE err_t task_http_run(struct attempt *attempt, struct diag *diag);
MUST_USE err_t task_shell_run(struct attempt *attempt, struct diag *diag);
MUST_USE err_t task_query_run(struct attempt *attempt, struct diag *diag);

#endif
