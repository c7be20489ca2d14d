// SPDX-License-Identifier: Apache-2.0
//
// scheduler: runs the DAGs of a folder. One thread decides (it sleeps until something is due or
// happens), a bounded set of threads does the tasks, all state is in SQLite and on disk before it
// counts.
//
// Lifetime   scheduler_close() asks running tasks to end; their tries are repeated at the next
// start. Thread     any. Blocking   everything BLOCKS but scheduler_wake(). Errors     what is
// wrong with dags/*.yaml goes to `problems`, and then ERR_CONFIG. Not here   the HTTP face
// (console/), the command line (app/).
#ifndef SCHEDULER_SCHEDULER_H
#define SCHEDULER_SCHEDULER_H

#include "data/yaml.h"
#include "port/job_port.h"
#include "port/log_port.h"
#include "port/table_port.h"
#include "scheduler/template.h"

struct scheduler;

struct scheduler_options {
    const char *data_dir;             // scheduler.db and logs/ go there
    const char *dags_dir;             // may be absent: no DAGs
    struct log_port log;              // ops NULL: tasks that need it fail saying so
    struct table_port tables;         // the same
    struct stream_port streams;       // the same
    const struct scheduler_var *vars; // for templates: {{ weir.people_url }}
    size_t var_count;
    size_t parallelism; // tasks at once; 0 = 8
    job_changed_fn changed;
    void *changed_ctx;
};

// Begins to run what is due at once; call it when the ports serve.
MUST_USE err_t scheduler_open(struct scheduler **out, const struct scheduler_options *options,
                              struct problems *problems, struct diag *diag);
void scheduler_close(struct scheduler *scheduler); // NULL is fine
struct dag_port scheduler_dag_port(struct scheduler *scheduler);

// Reads a folder of DAGs only to tell what is wrong with it.
void scheduler_check(const char *dags_dir, struct problems *problems);

// Looks at the clock again (after clock_advance()).
void scheduler_wake(struct scheduler *scheduler);
// Waits until nothing runs and nothing is due at the present time; false after `timeout_ms` of real
// time.
bool scheduler_settle(struct scheduler *scheduler, int64_t timeout_ms);

#endif
