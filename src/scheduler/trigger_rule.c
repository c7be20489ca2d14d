// SPDX-License-Identifier: Apache-2.0
//
// Two steps as in Airflow's trigger_rule_dep.py: first what settles the task without running it
// (often before all upstreams are done), then whether it may run. A removed upstream counts as
// done; where a rule asks for all of something it counts as not being there.
#include "scheduler/trigger_rule.h"

#include <string.h>

static const char *const rule_names[] = {
    [RULE_ALL_SUCCESS] = "all_success",
    [RULE_ALL_FAILED] = "all_failed",
    [RULE_ALL_DONE] = "all_done",
    [RULE_ALL_DONE_MIN_ONE_SUCCESS] = "all_done_min_one_success",
    [RULE_ALL_SKIPPED] = "all_skipped",
    [RULE_ONE_SUCCESS] = "one_success",
    [RULE_ONE_FAILED] = "one_failed",
    [RULE_ONE_DONE] = "one_done",
    [RULE_NONE_FAILED] = "none_failed",
    [RULE_NONE_FAILED_MIN_ONE_SUCCESS] = "none_failed_min_one_success",
    [RULE_NONE_SKIPPED] = "none_skipped",
    [RULE_ALWAYS] = "always",
};

const char *trigger_rule_name(enum trigger_rule rule)
{
    return rule_names[rule];
}

bool trigger_rule_parse(const char *name, enum trigger_rule *out)
{
    if (strcmp(name, "dummy") == 0)
        name = "always";
    if (strcmp(name, "none_failed_or_skipped") == 0)
        name = "none_failed_min_one_success";
    for (size_t i = 0; i < sizeof rule_names / sizeof *rule_names; i++)
        if (strcmp(name, rule_names[i]) == 0) {
            *out = (enum trigger_rule)i;
            return true;
        }
    return false;
}

struct counts {
    size_t all, success, skipped, failed, removed, done; // failed: upstream_failed too
    size_t failed_itself;
};

static struct counts count_states(const enum task_state *upstream, size_t count)
{
    struct counts n = {.all = count};
    for (size_t i = 0; i < count; i++) {
        n.success += upstream[i] == TASK_SUCCESS;
        n.skipped += upstream[i] == TASK_SKIPPED;
        n.failed_itself += upstream[i] == TASK_FAILED;
        n.failed += upstream[i] == TASK_FAILED || upstream[i] == TASK_UPSTREAM_FAILED;
        n.removed += upstream[i] == TASK_REMOVED;
        n.done += task_state_finished(upstream[i]);
    }
    return n;
}

static enum trigger_verdict run_if(bool may_run)
{
    return may_run ? VERDICT_RUN : VERDICT_WAIT;
}

enum trigger_verdict trigger_rule_decide(enum trigger_rule rule, const enum task_state *upstream,
                                         size_t count)
{
    struct counts n = count_states(upstream, count);
    bool done = n.done == n.all;
    if (count == 0)
        return VERDICT_RUN;
    switch (rule) {
    case RULE_ALWAYS:
        return VERDICT_RUN;
    case RULE_ALL_SUCCESS:
        if (n.failed || n.skipped)
            return n.failed ? VERDICT_UPSTREAM_FAILED : VERDICT_SKIPPED;
        return run_if(n.success + n.removed == n.all);
    case RULE_ALL_FAILED:
        if (n.success || n.skipped)
            return VERDICT_SKIPPED;
        return run_if(n.failed + n.removed == n.all);
    case RULE_ALL_DONE:
        return run_if(done);
    case RULE_ALL_DONE_MIN_ONE_SUCCESS:
        if (n.skipped)
            return VERDICT_SKIPPED;
        if (done && n.success == 0)
            return VERDICT_UPSTREAM_FAILED;
        return run_if(done);
    case RULE_ALL_SKIPPED:
        if (n.success || n.failed)
            return VERDICT_SKIPPED;
        return run_if(n.skipped == n.all);
    case RULE_ONE_SUCCESS:
        if (done && n.success == 0)
            return n.skipped == n.all ? VERDICT_SKIPPED : VERDICT_UPSTREAM_FAILED;
        return run_if(n.success);
    case RULE_ONE_FAILED:
        if (done && n.failed == 0)
            return VERDICT_SKIPPED;
        return run_if(n.failed);
    case RULE_ONE_DONE:
        if (done && n.success + n.failed_itself == 0)
            return VERDICT_SKIPPED;
        return run_if(n.success + n.failed_itself);
    case RULE_NONE_FAILED:
        if (n.failed)
            return VERDICT_UPSTREAM_FAILED;
        return run_if(n.success + n.skipped + n.removed == n.all);
    case RULE_NONE_FAILED_MIN_ONE_SUCCESS:
        if (n.failed)
            return VERDICT_UPSTREAM_FAILED;
        if (done && n.success == 0)
            return n.skipped == n.all ? VERDICT_SKIPPED : VERDICT_UPSTREAM_FAILED;
        return run_if(n.success + n.skipped + n.removed == n.all);
    case RULE_NONE_SKIPPED:
        if (n.skipped)
            return VERDICT_SKIPPED;
        return run_if(done);
    }
    return VERDICT_WAIT;
}
