// SPDX-License-Identifier: Apache-2.0
//
// Shared by the files of the scheduler: scheduler.c (threads, saving), plan.c (what is due),
// command.c (what people ask for), view.c (what they see).
#ifndef SCHEDULER_SCHEDULER_INT_H
#define SCHEDULER_SCHEDULER_INT_H

#include "scheduler/attempt.h"
#include "scheduler/history.h"
#include "scheduler/scheduler.h"

// A DAG as the scheduler's thread sees it.
struct dag_state {
    const struct dag *dag;
    bool paused;
    bool has_last, has_next;
    struct data_interval last;
    struct timetable_run next;
    struct list runs; // active ones, oldest first
    size_t running;   // of them running
    size_t active;    // not counting backfills: what catching up is throttled by
    bool dirty;
    bool past_matters; // a task of it has depends_on_past
    bool look_again;
    bool looking; // in this round
};

// A person's wish, carried out on the scheduler's thread.
struct command {
    struct list link;
    err_t (*run)(struct scheduler *scheduler, struct command *command, struct diag *diag);
    const char *dag_id, *run_id, *task_id, *text, *text2, *text3;
    bool flag;
    struct str *json;
    err_t err;
    struct diag *diag;
    bool done;
    uint64_t commit; // to be on disk before the answer counts
};

struct xcom_change {
    int64_t run;
    const char *task_id;
    char *json; // NULL takes it away
};

struct scheduler {
    struct attempt_host host;
    char *logs_dir, *db_path;
    struct dag_set dags;
    size_t parallelism;
    job_changed_fn changed;
    void *changed_ctx;

    // The scheduler thread's own.
    struct thread thread;
    struct history *history;
    struct dag_state *states; // one per DAG
    struct run_changes changes;
    VEC(struct xcom_change) xcoms;
    VEC(struct run *) finished; // to be freed once saved
    struct list to_start;       // attempts that run once their start is saved
    size_t busy;                // tasks on threads
    int64_t newest_run;
    bool stopping_seen, broken;

    // Between threads, under `mutex`.
    struct mutex mutex;
    struct cond wake, settled;
    struct list reports, commands, work;
    struct cond work_wake;
    bool stopping, workers_stop, poked, idle;
    struct cond answered, sync_wake, sync_asked;
    uint64_t committed, synced; // transactions so far; of them on disk
    size_t askers;              // who waits for the disk
    bool syncer_stop, sync_failed;
    struct thread *workers;
    struct thread syncer;

    // Readers, under `read_mutex`.
    struct mutex read_mutex;
    struct history *reader;
};

// plan.c
// Everything that follows from the present time and the latest changes; fills `to_start`.
void scheduler__plan(struct scheduler *scheduler);
int64_t scheduler__next_due(const struct scheduler *scheduler); // INSTANT_NONE = nothing
void scheduler__compute_next(struct scheduler *scheduler, struct dag_state *state);
void scheduler__add_run(struct scheduler *scheduler, struct dag_state *state, struct run *run);
// A new queued run; its id is made of type and logical date.
struct run *scheduler__new_run(struct scheduler *scheduler, struct dag_state *state,
                               enum run_type type, int64_t logical_us,
                               struct data_interval interval);
struct dag_state *scheduler__state(struct scheduler *scheduler, const char *dag_id);
struct run *scheduler__active_run(const struct dag_state *state, const char *run_id,
                                  int64_t logical_us); // by id, or by date when run_id is NULL
void scheduler__finish_attempt(struct scheduler *scheduler, struct attempt *attempt);
void scheduler__note_progress(struct scheduler *scheduler, struct attempt *attempt);
// Takes up a run that was active when an earlier weir ended.
void scheduler__recover(struct scheduler *scheduler, struct dag_state *state, struct run *run);
bool scheduler__past_allows(const struct instance *instance, void *ctx);

// scheduler.c
err_t scheduler__ask(struct scheduler *scheduler, struct command *command, struct diag *diag);

// command.c, view.c
extern const struct dag_port_ops scheduler__ops;
err_t scheduler__trigger(void *self, const char *dag_id, const char *conf, struct str *json,
                         struct diag *diag);
err_t scheduler__pause(void *self, const char *dag_id, bool paused, struct diag *diag);
err_t scheduler__rerun(void *self, const char *dag_id, const char *run_id, const char *task_id,
                       bool dry, struct str *json, struct diag *diag);
err_t scheduler__backfill(void *self, const char *dag_id, const char *from, const char *to,
                          const char *reprocess, bool dry, struct str *json, struct diag *diag);
err_t scheduler__write_run(struct scheduler *scheduler, const char *dag_id, const char *run_id,
                           struct str *json, struct diag *diag);

#endif
