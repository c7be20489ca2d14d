// SPDX-License-Identifier: Apache-2.0
//
// streams: the running queries of streams/*.yaml: topic -> Spark SQL -> table, exactly once.
//
// Each query has one thread. A micro-batch reads every partition of its topic up to a limit, runs
// the SQL, and commits rows, source offsets and state in ONE table_port.apply; then it shows its
// offsets as the consumer group `weir-stream-<name>`. After a crash it goes on from what the tables
// hold. A query that fails is retried with growing pauses when the error is retriable, and disturbs
// no other.
//
// Lifetime   the ports outlive the streams. Thread: any but a loop's.
// Blocking   everything here BLOCKS.
#ifndef STREAMS_STREAMS_H
#define STREAMS_STREAMS_H

#include "base/arena.h"
#include "data/yaml.h"
#include "port/job_port.h"
#include "port/log_port.h"
#include "port/table_port.h"

struct streams;

struct streams_options {
    const char *dir; // the folder with *.yaml; one that does not exist has no queries
    struct log_port log;
    struct table_port tables;
    const char *time_zone;  // session zone; NULL = UTC
    bool ansi;              // spark.sql.ansi.enabled
    job_changed_fn changed; // may be NULL; after every batch and change of state
    void *changed_ctx;
};

// Reads the files only: everything `weir check` can know without running anything.
void streams_check(const char *dir, struct problems *problems);
// Reads the files and starts a query for each. With problems in any file nothing starts:
// ERR_CONFIG, and `problems` says all of them.
MUST_USE err_t streams_open(struct streams **out, const struct streams_options *options,
                            struct problems *problems, struct diag *diag);
struct stream_port streams_port(struct streams *streams);
// Ends the batches that run (they commit), stops the threads, frees. NULL is fine.
void streams_close(struct streams *streams);

#endif
