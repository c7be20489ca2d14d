// SPDX-License-Identifier: Apache-2.0
//
// template: the part of Airflow's templates that pipelines use: `{{ name }}` in texts of a task.
//
// Names: ds ds_nodash ts ts_nodash ts_nodash_with_tz logical_date data_interval_start
// data_interval_end run_id dag.dag_id task.task_id dag_run.run_id dag_run.conf.x params.x
// ti.try_number ti.xcom_pull('task'), page (from 1) and iteration (from 0) in an http task,
// var.value.x and the names the program gives (weir.people_url). A quoted text stands for itself:
// {{ '{{' }}. No statements, no filters.
//
// Errors     ERR_INVALID: what is unknown, at which character of the text, what is known.
#ifndef SCHEDULER_TEMPLATE_H
#define SCHEDULER_TEMPLATE_H

#include "base/diag.h"
#include "base/str.h"

#include <jansson.h>
#include <stdint.h>

struct scheduler_var {
    const char *name; // "weir.people_url"
    const char *value;
};

struct template_scope {
    const char *dag_id, *task_id, *run_id;
    int64_t logical_us, interval_start_us, interval_end_us;
    int try_number;
    int64_t page;                // 0: not in an http task
    const json_t *params, *conf; // objects or NULL
    const struct scheduler_var *vars;
    size_t var_count;
    // Appends the XCom of a task as JSON, or nothing if there is none.
    err_t (*xcom)(const char *task_id, const char *key, struct str *json, void *ctx,
                  struct diag *diag);
    void *ctx;
};

MUST_USE err_t template_render(struct str *out, const char *text,
                               const struct template_scope *scope, struct diag *diag);
// Looks at syntax and names only; `vars` NULL: any name that begins with `weir.` is known. `*at` is
// where the wrong expression begins in `text`.
MUST_USE err_t template_check(const char *text, const struct scheduler_var *vars, size_t var_count,
                              size_t *at, struct diag *diag);

#endif
