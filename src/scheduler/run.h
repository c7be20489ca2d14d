// SPDX-License-Identifier: Apache-2.0
//
// run: one run of a DAG and the instances of its tasks, in memory while it is active; and what
// decides the next state of each. No I/O in here: changes are collected in a struct run_changes
// that the scheduler saves.
//
// Thread     the scheduler's only.
#ifndef SCHEDULER_RUN_H
#define SCHEDULER_RUN_H

#include "base/list.h"
#include "base/vec.h"
#include "scheduler/dag.h"

struct attempt;

enum run_type {
    RUN_SCHEDULED,
    RUN_MANUAL,
    RUN_BACKFILL,
};

enum run_state {
    RUN_QUEUED,
    RUN_RUNNING,
    RUN_SUCCESS,
    RUN_FAILED,
};

struct instance {
    struct run *run;
    const struct task *task;
    struct list link; // of the ready or the retrying list
    enum task_state state;
    int try_number, max_tries;
    int64_t queued_us, started_us, finished_us, next_try_us; // 0 = not yet
    int64_t records, bytes;
    char *error; // of the latest try, NULL = none
    int64_t pid, pid_token;
    struct attempt *attempt; // while one runs
    bool dirty;
    bool blocked_by_past;
};

struct run {
    struct list link; // of its DAG's active runs, oldest first
    int64_t id;
    const struct dag *dag;
    char *run_id;
    enum run_type type;
    enum run_state state;
    int64_t logical_us;
    struct data_interval interval;
    int64_t run_after_us, queued_us, started_us, finished_us; // 0 = not yet
    char *conf;                                               // a JSON object or NULL
    char *note;
    struct instance *instances; // one per task of the DAG
    size_t unfinished;          // instances not in a final state
    size_t moving;              // queued, running or waiting for a retry
    size_t attempts;            // of it on task threads
    bool dirty;
};

// A try that has ended while the instance goes on to another one.
struct closed_try {
    int64_t run;
    const char *task_id;
    int try_number;
    int64_t started_us, finished_us, records, bytes;
    char *error;
};

// What has to be saved and looked at after a change.
struct run_changes {
    VEC(struct closed_try) tries;
    VEC(struct run *) runs;
    VEC(struct instance *) instances; // saved
    VEC(struct instance *)
    settled;           // just reached a final state: their downstream is to be looked at
    struct list ready; // instances that may start, in order
    struct list retrying;
    int64_t now_us;
    // May the instance start, given the previous run (depends_on_past)? Asked only for such tasks.
    bool (*past_allows)(const struct instance *instance, void *ctx);
    void *ctx;
};

const char *run_type_name(enum run_type type);
const char *run_state_name(enum run_state state);
bool run_state_parse(const char *name, enum run_state *out);
bool run_type_parse(const char *name, enum run_type *out);

struct run *run_new(const struct dag *dag, enum run_type type);
void run_free(struct run *run);
// "scheduled__2026-11-20T00:00:00+00:00"
char *run_make_id(enum run_type type, int64_t logical_us);

void run_touch(struct run_changes *changes, struct run *run); // its row is to be saved
void run_touch_instance(struct run_changes *changes, struct instance *instance);
void run_set_state(struct run_changes *changes, struct instance *instance, enum task_state state);
// Looks at every instance (a run that starts, was loaded or cleared) ...
void run_evaluate(struct run_changes *changes, struct run *run);
// ... or only at what comes after the settled ones; then ends the runs that are through.
void run_propagate(struct run_changes *changes);
// The try has ended in failure: a retry if one is left, else failed.
void run_fail_try(struct run_changes *changes, struct instance *instance, const char *error,
                  bool may_retry);
// Keeps the present try as a failed one.
void run_close_try(struct run_changes *changes, const struct instance *instance, const char *error);
void run_set_error(struct instance *instance, const char *error);
// Ends a run that took too long: what is unfinished is skipped.
void run_time_out(struct run_changes *changes, struct run *run);
// Clears the instance and everything after it for another go. Running ones must have no attempt any
// more.
void run_clear(struct run_changes *changes, struct run *run, const bool *chosen);
// Marks `task` and everything downstream of it in `chosen` (one per task).
void run_choose_downstream(const struct dag *dag, size_t task, bool *chosen);
int64_t run_retry_delay_us(const struct task *task, const struct run *run, int try_number);

#endif
