// SPDX-License-Identifier: Apache-2.0
//
// sentence: what a person reads about a run: what it waits for, what running it again would do.
#ifndef SCHEDULER_SENTENCE_H
#define SCHEDULER_SENTENCE_H

#include "base/str.h"
#include "scheduler/run.h"

// What is going on around a run.
struct surroundings {
    int64_t now_us;
    bool paused;
    size_t running_tasks, parallelism; // tasks that run now, of how many at most
    size_t running_runs;               // of this DAG
};

// "3 min", "45 s", "2 h 5 min", "3 d 4 h"
void sentence_duration(struct str *out, int64_t us);
// Why a task does not run: "waits for fetch, running for 3 min". Appends nothing when it waits for
// nothing.
void sentence_task(struct str *out, const struct instance *instance,
                   const struct surroundings *now);
// The same for a run.
void sentence_run(struct str *out, const struct run *run, const struct surroundings *now);
// "Runs shape and store again for 2026-11-20, then report."
void sentence_rerun(struct str *out, const struct run *run, const bool *chosen);

#endif
