// SPDX-License-Identifier: Apache-2.0
//
// A try's log is a file of its own, cut at 8 MiB with a line that says so.
#include "scheduler/attempt.h"

#include "base/log.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"

#include <stdatomic.h>

#define REPORT_EVERY_US INT64_C(250000)

struct attempt *attempt_new(struct instance *instance, const struct attempt_host *host)
{
    struct attempt *attempt = MEM_NEW(struct attempt);
    const struct run *run = instance->run;
    list_init(&attempt->link);
    list_init(&attempt->report_link);
    mutex_init(&attempt->mutex);
    cond_init(&attempt->wake);
    attempt->instance = instance;
    attempt->host = host;
    attempt->dag = run->dag;
    attempt->task = instance->task;
    attempt->run = run->id;
    attempt->run_id = mem_strdup(run->run_id);
    attempt->conf = run->conf ? mem_strdup(run->conf) : NULL;
    attempt->logical_us = run->logical_us;
    attempt->interval = run->interval;
    attempt->try_number = instance->try_number;
    attempt->outcome = TASK_FAILED;
    attempt->log_fd = -1;
    return attempt;
}

void attempt_free(struct attempt *attempt)
{
    file_close(attempt->log_fd);
    mutex_release(&attempt->mutex);
    cond_release(&attempt->wake);
    mem_free(attempt->run_id);
    mem_free(attempt->conf);
    mem_free(attempt->error);
    mem_free(attempt->xcom);
    mem_free(attempt);
}

void attempt_cancel(struct attempt *attempt, enum cancel_reason reason)
{
    mutex_lock(&attempt->mutex);
    if (attempt->reason == CANCEL_NONE)
        attempt->reason = reason;
    atomic_store(&attempt->cancelled, true);
    if (attempt->process)
        process_cancel(attempt->process);
    cond_broadcast(&attempt->wake);
    mutex_unlock(&attempt->mutex);
}

char *attempt_log_path(const char *logs_dir, const char *dag_id, const char *run_id,
                       const char *task_id, int try_number)
{
    return mem_printf("%s/%s/%s/%s/%d.log", logs_dir, dag_id, run_id, task_id, try_number);
}

// --- log ---

static void open_log(struct attempt *attempt)
{
    struct diag diag = DIAG_INIT;
    char *path = attempt_log_path(attempt->host->logs_dir, attempt->dag->id, attempt->run_id,
                                  attempt->task->id, attempt->try_number);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    err_t err = dir_make(path, &diag);
    *slash = '/';
    if (err == ERR_OK)
        err = file_open(&attempt->log_fd, path, FILE_WRITE | FILE_CREATE, &diag);
    if (err == ERR_OK)
        err = file_size(attempt->log_fd, &attempt->log_bytes, &diag);
    if (err != ERR_OK)
        LOG_WARN("scheduler", "cannot write a task's log", "%s", diag_text(&diag));
    mem_free(path);
}

void attempt_log_raw(struct attempt *attempt, struct bytes bytes)
{
    static const char cut[] = "\n... the log is cut here: it has reached 8 MiB\n";
    if (attempt->log_fd < 0 || attempt->log_bytes >= ATTEMPT_LOG_MAX_BYTES)
        return;
    int64_t room = ATTEMPT_LOG_MAX_BYTES - attempt->log_bytes;
    size_t size = bytes.size < (size_t)room ? bytes.size : (size_t)room;
    err_t err = file_pwrite(attempt->log_fd, bytes.ptr, size, attempt->log_bytes, NULL);
    attempt->log_bytes += (int64_t)size;
    if (err == ERR_OK && attempt->log_bytes >= ATTEMPT_LOG_MAX_BYTES)
        err = file_pwrite(attempt->log_fd, cut, sizeof cut - 1, attempt->log_bytes, NULL);
    if (err != ERR_OK) { // the disk is full: the task goes on, its log ends here
        file_close(attempt->log_fd);
        attempt->log_fd = -1;
    }
}

void attempt_log(struct attempt *attempt, const char *format, ...)
{
    struct str line = {0};
    va_list args;
    instant_append(&line, clock_now_us());
    str_append_text(&line, " ");
    va_start(args, format);
    str_vprintf(&line, format, args);
    va_end(args);
    str_append_byte(&line, '\n');
    attempt_log_raw(attempt, str_bytes(&line));
    str_release(&line);
}

// --- services ---

void attempt_count(struct attempt *attempt, int64_t records, int64_t bytes)
{
    int64_t now = clock_mono_us();
    mutex_lock(&attempt->mutex);
    attempt->records += records;
    attempt->bytes += bytes;
    bool tell = now - attempt->reported_us >= REPORT_EVERY_US || now < attempt->reported_us;
    if (tell)
        attempt->reported_us = now;
    mutex_unlock(&attempt->mutex);
    if (tell)
        attempt->host->report(attempt->host->self, attempt, false);
}

static err_t ended_early(const struct attempt *attempt, struct diag *diag)
{
    if (atomic_load(&attempt->cancelled))
        return FAIL(diag, ERR_CANCELLED, "cancelled");
    return FAIL(diag, ERR_TIMEOUT, "did not end within its execution_timeout of %g s",
                (double)attempt->task->execution_timeout_ms / 1000);
}

err_t attempt_sleep(struct attempt *attempt, int64_t us, struct diag *diag)
{
    int64_t until = clock_mono_us() + (us > 0 ? us : 0);
    bool late = attempt->deadline_us && until > attempt->deadline_us;
    if (late)
        until = attempt->deadline_us;
    mutex_lock(&attempt->mutex);
    while (!atomic_load(&attempt->cancelled)) {
        int64_t left = until - clock_mono_us();
        if (left <= 0 || !cond_wait_for(&attempt->wake, &attempt->mutex, left))
            break;
    }
    mutex_unlock(&attempt->mutex);
    return late || atomic_load(&attempt->cancelled) ? ended_early(attempt, diag) : ERR_OK;
}

int64_t attempt_left_ms(const struct attempt *attempt, int64_t limit_ms)
{
    if (!attempt->deadline_us)
        return limit_ms;
    int64_t left = (attempt->deadline_us - clock_mono_us()) / 1000;
    left = left < 1 ? 1 : left;
    return limit_ms == 0 || left < limit_ms ? left : limit_ms;
}

static err_t pull_xcom(const char *task_id, const char *key, struct str *json, void *ctx,
                       struct diag *diag)
{
    struct attempt *attempt = ctx;
    return attempt->host->xcom(attempt->host->self, attempt->run, task_id, key, json, diag);
}

err_t attempt_render(struct attempt *attempt, int64_t page, const char *text, struct str *out,
                     struct diag *diag)
{
    if (!strstr(text, "{{") && !strstr(text, "{%")) {
        str_append_text(out, text);
        return ERR_OK;
    }
    json_t *params = json_loads(attempt->dag->params, 0, NULL);
    json_t *conf = attempt->conf ? json_loads(attempt->conf, 0, NULL) : NULL;
    if (params && conf)
        json_object_update(params, conf);
    struct template_scope scope = {
        .dag_id = attempt->dag->id,
        .task_id = attempt->task->id,
        .run_id = attempt->run_id,
        .logical_us = attempt->logical_us,
        .interval_start_us = attempt->interval.start_us,
        .interval_end_us = attempt->interval.end_us,
        .try_number = attempt->try_number,
        .page = page,
        .params = params,
        .conf = conf,
        .vars = attempt->host->vars,
        .var_count = attempt->host->var_count,
        .xcom = pull_xcom,
        .ctx = attempt,
    };
    err_t err = template_render(out, text, &scope, diag);
    json_decref(params);
    json_decref(conf);
    return err;
}

// --- running ---

static err_t run_task(struct attempt *attempt, struct diag *diag)
{
    switch (attempt->task->type) {
    case TYPE_OF_HTTP:
        return task_http_run(attempt, diag);
    case TYPE_OF_BASH:
    case TYPE_OF_PYTHON:
        return task_shell_run(attempt, diag);
    case TYPE_OF_SQL:
    case TYPE_OF_CQL:
        return task_query_run(attempt, diag);
    case TYPE_OF_EMPTY:
        break;
    }
    return ERR_OK;
}

void attempt_run(struct attempt *attempt)
{
    struct diag diag = DIAG_INIT;
    int64_t start = clock_mono_us();
    if (attempt->task->execution_timeout_ms)
        attempt->deadline_us = start + attempt->task->execution_timeout_ms * 1000;
    open_log(attempt);
    attempt_log(attempt, "%s of %s, try %d (%s)", attempt->task->id, attempt->run_id,
                attempt->try_number, dag_task_type_name(attempt->task->type));
    attempt->outcome = TASK_SUCCESS;
    err_t err = run_task(attempt, &diag);
    double seconds = (double)(clock_mono_us() - start) / 1e6;
    if (err != ERR_OK) {
        attempt->outcome = TASK_FAILED;
        attempt->error = mem_strdup(diag_text(&diag));
        attempt_log(attempt, "failed after %.3f s: %s", seconds, attempt->error);
    } else {
        attempt_log(attempt, "%s after %.3f s, %lld records, %lld bytes",
                    task_state_name(attempt->outcome), seconds, (long long)attempt->records,
                    (long long)attempt->bytes);
    }
    attempt->host->report(attempt->host->self, attempt, true);
}
