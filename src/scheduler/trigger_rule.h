// SPDX-License-Identifier: Apache-2.0
//
// trigger_rule: may a task run, given the states of its direct upstream tasks? Airflow 3.3's rules.
#ifndef SCHEDULER_TRIGGER_RULE_H
#define SCHEDULER_TRIGGER_RULE_H

#include "scheduler/task_state.h"

#include <stdbool.h>
#include <stddef.h>

enum trigger_rule {
    RULE_ALL_SUCCESS,
    RULE_ALL_FAILED,
    RULE_ALL_DONE,
    RULE_ALL_DONE_MIN_ONE_SUCCESS,
    RULE_ALL_SKIPPED,
    RULE_ONE_SUCCESS,
    RULE_ONE_FAILED,
    RULE_ONE_DONE,
    RULE_NONE_FAILED,
    RULE_NONE_FAILED_MIN_ONE_SUCCESS,
    RULE_NONE_SKIPPED,
    RULE_ALWAYS,
};

enum trigger_verdict {
    VERDICT_RUN,
    VERDICT_WAIT,
    VERDICT_SKIPPED,
    VERDICT_UPSTREAM_FAILED,
};

// Removed names of Airflow 1 and 2 (dummy, none_failed_or_skipped) are understood.
bool trigger_rule_parse(const char *name, enum trigger_rule *out);
const char *trigger_rule_name(enum trigger_rule rule);

enum trigger_verdict trigger_rule_decide(enum trigger_rule rule, const enum task_state *upstream,
                                         size_t count);

#endif
