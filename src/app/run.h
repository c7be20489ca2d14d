// SPDX-License-Identifier: Apache-2.0
//
// run: everything a project declares, started in order, stopped in reverse. app/ alone decides
// which part is which: here our own broker, tables, streams and scheduler are joined through their
// ports.
#ifndef APP_RUN_H
#define APP_RUN_H

#include "app/project.h"
#include "port/job_port.h"

struct run;

// With problems in the user's files: ERR_CONFIG and `problems` says all of them. BLOCKS
MUST_USE err_t run_start(struct run **out, const struct project *project, struct problems *problems,
                         struct diag *diag);
// The ready file: {"kafka":"127.0.0.1:9092","cql":...,"console":...,"people":...,"pid":...}
const char *run_ready_json(const struct run *run);
struct dag_port run_dags(const struct run *run);
struct stream_port run_streams(const struct run *run);
// Reads certificates again. BLOCKS
void run_reload(struct run *run);
// Every few seconds: when little memory is in use, what a burst left is given back. BLOCKS
void run_look(struct run *run);
// Stops accepting, finishes, checkpoints. BLOCKS
void run_stop(struct run *run);

#endif
