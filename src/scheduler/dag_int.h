// SPDX-License-Identifier: Apache-2.0
//
// Shared by the files that read DAGs: dag_load.c (DAGs) and dag_task.c (their tasks).
#ifndef SCHEDULER_DAG_INT_H
#define SCHEDULER_DAG_INT_H

#include "scheduler/dag.h"

struct dag_reader {
    struct arena *arena;
    struct yaml_source source;
    const struct scheduler_var *vars;
    size_t var_count;
    const char *folder;             // of the file
    const struct yaml *defaults[2]; // default_args of the DAG, of the file; may be NULL
};

// The settings both default_args and a task may have.
#define DAG_COMMON_KEYS                                                                            \
    "retries", "retry_delay", "retry_delay_sec", "retry_exponential_backoff", "max_retry_delay",   \
        "execution_timeout", "execution_timeout_secs", "depends_on_past", "trigger_rule", "owner", \
        "pool", "pool_slots", "priority_weight", "queue", "email", "email_on_failure",             \
        "email_on_retry", "start_date", "end_date", "doc_md", "weight_rule", "do_xcom_push"

// Reads one task (dependencies not yet resolved). False when too wrong to go on with.
bool dag__read_task(struct dag_reader *reader, const char *id, const struct yaml *node,
                    struct task *out);
// "30s" from `key`, or a bare number of seconds from `seconds_key`.
int64_t dag__duration_ms(struct dag_reader *reader, const struct yaml *map, const char *key,
                         const char *seconds_key, int64_t fallback_ms);
// DAG and task ids: letters, digits, - _ . and not only dots.
bool dag__valid_id(const char *id);

#endif
