// SPDX-License-Identifier: Apache-2.0
//
// task_state: what a task of a run may be in.
#ifndef SCHEDULER_TASK_STATE_H
#define SCHEDULER_TASK_STATE_H

#include <stdbool.h>

// Names as in Airflow's API; NONE shows as null there.
enum task_state {
    TASK_NONE,
    TASK_SCHEDULED,
    TASK_QUEUED,
    TASK_RUNNING,
    TASK_UP_FOR_RETRY,
    TASK_SUCCESS,
    TASK_SKIPPED,
    TASK_FAILED,
    TASK_UPSTREAM_FAILED,
    TASK_REMOVED,
};

const char *task_state_name(enum task_state state); // "none" for TASK_NONE
bool task_state_parse(const char *name, enum task_state *out);
bool task_state_finished(enum task_state state);

#endif
