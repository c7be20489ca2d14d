// SPDX-License-Identifier: Apache-2.0
#include "scheduler/task_state.h"

#include <stddef.h>
#include <string.h>

static const char *const state_names[] = {
    [TASK_NONE] = "none",
    [TASK_SCHEDULED] = "scheduled",
    [TASK_QUEUED] = "queued",
    [TASK_RUNNING] = "running",
    [TASK_UP_FOR_RETRY] = "up_for_retry",
    [TASK_SUCCESS] = "success",
    [TASK_SKIPPED] = "skipped",
    [TASK_FAILED] = "failed",
    [TASK_UPSTREAM_FAILED] = "upstream_failed",
    [TASK_REMOVED] = "removed",
};

const char *task_state_name(enum task_state state)
{
    return state_names[state];
}

bool task_state_parse(const char *name, enum task_state *out)
{
    for (size_t i = 0; i < sizeof state_names / sizeof *state_names; i++)
        if (strcmp(name, state_names[i]) == 0) {
            *out = (enum task_state)i;
            return true;
        }
    return false;
}

bool task_state_finished(enum task_state state)
{
    return state >= TASK_SUCCESS;
}
