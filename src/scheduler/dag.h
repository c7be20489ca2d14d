// SPDX-License-Identifier: Apache-2.0
//
// dag: what dags/*.yaml declare, read and checked: field names of Airflow and dag-factory.
//
//     user_automation:                  # the DAG's id; the block `default` holds default_args for
//     all
//       schedule: "@daily"              # preset | cron | "30s" | {kind: interval|trigger,
//       cron|every, timezone} start_date: 2026-01-01          # a bare cron or preset is of
//       interval kind catchup: false                  # default default_args: {retries: 2,
//       retry_delay: 10s} tasks:
//         fetch:
//           type: http                  # http | bash | python | sql | cql | empty, or operator:
//           ...BashOperator url: "{{ weir.people_url }}?results=100&page={{ page }}" records:
//           results            # path of the array in the answer topic: users_created key:
//           login.uuid repeat: {every: 1s, for: 60s} fields: {id: login.uuid, address:
//           "{location.street.number} {location.street.name}"}
//         report: {type: bash, bash_command: "echo {{ ds }}", dependencies: [fetch]}
//
// Lifetime   a set of DAGs lives until dags_close(); everything in it is read-only, so any thread
// may
//            look, except for the timetables (one thread).
#ifndef SCHEDULER_DAG_H
#define SCHEDULER_DAG_H

#include "base/arena.h"
#include "data/yaml.h"
#include "scheduler/template.h"
#include "scheduler/timetable.h"
#include "scheduler/trigger_rule.h"

enum task_type {
    TYPE_OF_HTTP,
    TYPE_OF_BASH,
    TYPE_OF_PYTHON,
    TYPE_OF_SQL,
    TYPE_OF_CQL,
    TYPE_OF_EMPTY,
};

struct name_text {
    const char *name, *text;
};

struct name_texts {
    const struct name_text *items;
    size_t count;
};

struct http_settings {
    const char *url, *method, *body;
    struct name_texts headers;
    const char *records;      // path in the answer; NULL = the whole answer
    const char *key;          // one of `fields` or a path in a record; NULL = null keys
    struct name_texts fields; // name -> path or "{path} text"; none = the record as it came
    int64_t timeout_ms;       // of one request
    int request_retries;      // after 429, 5xx, time-outs, broken connections
    int64_t every_ms, for_ms; // 0 = one page
    int32_t partitions;       // of a topic made by this task; 0 = the broker's default
    bool allow_empty;
};

struct shell_settings {          // bash, python
    const char *command;         // bash
    const char *file, *function; // python
    const char *kwargs;          // python: a JSON object
    struct name_texts env;
    bool append_env;
    const char *cwd;
};

struct query_settings { // sql, cql
    const char *text, *keyspace;
    bool allow_empty;
};

struct task {
    const char *id;
    enum task_type type;
    size_t index;
    const size_t *upstream, *downstream; // indexes of tasks
    size_t upstream_count, downstream_count;
    enum trigger_rule rule;
    int retries;
    int64_t retry_delay_ms, max_retry_delay_ms; // 0 = no maximum
    bool exponential;
    int64_t execution_timeout_ms; // 0 = none
    bool depends_on_past;
    const char *topic, *table; // what it fills, or NULL
    struct http_settings http;
    struct shell_settings shell;
    struct query_settings query;
};

struct dag {
    const char *id, *description, *file, *folder;
    const char *schedule; // as written, NULL = by hand only
    struct timetable *timetable;
    struct timetable_limits limits;
    size_t max_active_runs;
    int64_t timeout_ms; // of a run; 0 = none
    bool paused_at_creation;
    const char *params;     // a JSON object
    struct name_texts tags; // names only
    const struct task *tasks;
    const size_t *order; // task indexes, upstream first
    size_t task_count;
};

struct dag_set {
    struct arena arena;
    const struct dag *items; // sorted by file, then as written
    size_t count;
};

// Reads every *.yaml and *.yml in `folder` (none or no folder: an empty set). Whatever is wrong
// goes to `problems`; then the set holds what is right. `vars` as in template_check().
void dag_set_load(struct dag_set *out, const char *folder, const struct scheduler_var *vars,
                  size_t var_count, struct problems *problems);
// The same from one text, for tests.
void dag_set_parse(struct dag_set *out, const char *file, struct bytes text,
                   struct problems *problems);
void dag_set_close(struct dag_set *set);
const struct dag *dag_set_find(const struct dag_set *set, const char *dag_id); // NULL if absent

const struct task *dag_task(const struct dag *dag, const char *task_id); // NULL if absent
const char *dag_task_type_name(enum task_type type);

#endif
