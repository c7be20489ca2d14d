// SPDX-License-Identifier: Apache-2.0
//
// bash and python tasks: a child process whose output goes into the log. Exit code 99 skips the
// task, as Airflow's BashOperator has it. The last line a bash task prints is its XCom; a python
// task's is what the function returns. The sentence of a failure is the last line of output: of a
// Python exception, its own words.
//
// The function is called by a small program given to python3 -c; its result comes back through a
// file.
#include "scheduler/attempt.h"

#include "base/mem.h"
#include "os/file.h"

#include <ctype.h>
#include <stdlib.h>

#define GRACE_MS        INT64_C(2000)
#define LINE_MAX_BYTES  400
#define EXIT_SKIPPED    99
#define EXIT_FAIL_FINAL 98

static const char wrapper[] =
    "import sys, json, os, importlib.util\n"
    "path, name, kwargs, result = sys.argv[1:5]\n"
    "sys.argv = [path]\n"
    "sys.path.insert(0, os.path.dirname(os.path.abspath(path)))\n"
    "spec = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(path))[0], "
    "path)\n"
    "module = importlib.util.module_from_spec(spec)\n"
    "sys.modules[spec.name] = module\n"
    "try:\n"
    "    spec.loader.exec_module(module)\n"
    "    value = getattr(module, name)(**json.loads(kwargs))\n"
    "    text = json.dumps(value, default=str)\n"
    "except Exception as error:\n"
    "    import traceback\n"
    "    traceback.print_exc()\n"
    "    sys.stdout.flush()\n"
    "    sys.stderr.flush()\n"
    "    kind = type(error).__name__\n"
    "    os._exit({'AirflowSkipException': 99, 'AirflowFailException': 98}.get(kind, 1))\n"
    "with open(result, 'w') as out:\n"
    "    out.write(text)\n";

struct output {
    struct attempt *attempt;
    char line[LINE_MAX_BYTES + 1]; // being read
    size_t size;
    char last[LINE_MAX_BYTES + 1]; // the last one that was not empty
};

static void end_line(struct output *output)
{
    while (output->size && isspace((unsigned char)output->line[output->size - 1]))
        output->size--;
    output->line[output->size] = '\0';
    if (output->size)
        memcpy(output->last, output->line, output->size + 1);
    output->size = 0;
}

static void on_output(struct bytes bytes, void *ctx)
{
    struct output *output = ctx;
    attempt_log_raw(output->attempt, bytes);
    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.ptr[i] == '\n')
            end_line(output);
        else if (output->size < LINE_MAX_BYTES)
            output->line[output->size++] = (char)bytes.ptr[i];
    }
}

// --- environment ---

struct texts {
    VEC(char *) all;
};

static void texts_release(struct texts *texts)
{
    for (size_t i = 0; i < texts->all.count; i++)
        mem_free(texts->all.items[i]);
    vec_release(&texts->all);
}

static void add_context(struct attempt *attempt, struct texts *out)
{
    struct str date = {0};
    instant_append_offset(&date, attempt->logical_us);
    vec_push(&out->all, mem_printf("AIRFLOW_CTX_DAG_ID=%s", attempt->dag->id));
    vec_push(&out->all, mem_printf("AIRFLOW_CTX_TASK_ID=%s", attempt->task->id));
    vec_push(&out->all, mem_printf("AIRFLOW_CTX_DAG_RUN_ID=%s", attempt->run_id));
    vec_push(&out->all, mem_printf("AIRFLOW_CTX_LOGICAL_DATE=%s", str_text(&date)));
    vec_push(&out->all, mem_printf("AIRFLOW_CTX_TRY_NUMBER=%d", attempt->try_number));
    vec_push(&out->all, mem_strdup("PYTHONUNBUFFERED=1"));
    str_release(&date);
}

static err_t build_environment(struct attempt *attempt, struct texts *out, struct diag *diag)
{
    struct name_texts env = attempt->task->shell.env;
    struct str value = {0};
    err_t err = ERR_OK;
    add_context(attempt, out);
    for (size_t i = 0; err == ERR_OK && i < env.count; i++) {
        str_clear(&value);
        err = attempt_render(attempt, 0, env.items[i].text, &value, diag);
        vec_push(&out->all, mem_printf("%s=%s", env.items[i].name, str_text(&value)));
    }
    vec_push(&out->all, NULL);
    str_release(&value);
    return err;
}

// --- running ---

static void set_process(struct attempt *attempt, struct process *process)
{
    mutex_lock(&attempt->mutex);
    attempt->process = process;
    if (process) {
        attempt->pid = process_pid(process);
        attempt->pid_token = process_token(process);
        if (attempt->reason != CANCEL_NONE)
            process_cancel(process);
    }
    mutex_unlock(&attempt->mutex);
}

static err_t wait_for(struct attempt *attempt, struct process *process, struct process_exit *out,
                      struct diag *diag)
{
    struct diag story = DIAG_INIT;
    int64_t limit = attempt->deadline_us ? attempt_left_ms(attempt, 0) : 0;
    err_t err = process_wait(process, limit, out, &story);
    if (err != ERR_TIMEOUT && err != ERR_CANCELLED)
        return err == ERR_OK ? ERR_OK : FAIL(diag, err, "%s", diag_text(&story));
    attempt_log(attempt, "%s: stopping process %lld",
                err == ERR_TIMEOUT ? "execution_timeout" : "cancelled",
                (long long)process_pid(process));
    process_stop(process, GRACE_MS);
    if (err == ERR_CANCELLED)
        return FAIL(diag, err, "cancelled");
    return FAIL(diag, err, "did not end within its execution_timeout of %g s",
                (double)attempt->task->execution_timeout_ms / 1000);
}

static err_t judge(struct attempt *attempt, const struct output *output,
                   const struct process_exit *exit, struct diag *diag)
{
    if (exit->code == 0)
        return ERR_OK;
    if (exit->code == EXIT_SKIPPED) {
        attempt->outcome = TASK_SKIPPED;
        return ERR_OK;
    }
    bool python = attempt->task->type == TYPE_OF_PYTHON;
    attempt->final = python && exit->code == EXIT_FAIL_FINAL;
    if (exit->signal)
        return FAIL(diag, ERR_INTERNAL, "ended by signal %d", exit->signal);
    if (python && output->last[0])
        return FAIL(diag, ERR_INTERNAL, "%s", output->last);
    return FAIL(diag, ERR_INTERNAL, "exit code %d%s%s", exit->code, output->last[0] ? ": " : "",
                output->last);
}

static err_t run_child(struct attempt *attempt, const char *const *argv, struct output *output,
                       struct diag *diag)
{
    struct texts environment = {0};
    struct str cwd = {0};
    struct process *process = NULL;
    struct process_exit exit = {0};
    err_t err = build_environment(attempt, &environment, diag);
    if (err == ERR_OK)
        err = attempt_render(attempt, 0, attempt->task->shell.cwd, &cwd, diag);
    struct process_options options = {
        .argv = argv,
        .environment = (const char *const *)environment.all.items,
        .environment_only = !attempt->task->shell.append_env,
        .cwd = str_text(&cwd),
        .output = on_output,
        .ctx = output,
    };
    if (err == ERR_OK)
        err = process_spawn(&process, &options, diag);
    if (err == ERR_OK) {
        set_process(attempt, process);
        attempt->host->report(attempt->host->self, attempt, false);
        err = wait_for(attempt, process, &exit, diag);
        set_process(attempt, NULL);
        end_line(output);
    }
    if (err == ERR_OK)
        err = judge(attempt, output, &exit, diag);
    process_close(process);
    texts_release(&environment);
    str_release(&cwd);
    return err;
}

static err_t run_bash(struct attempt *attempt, struct diag *diag)
{
    struct output output = {.attempt = attempt};
    struct str command = {0};
    err_t err = attempt_render(attempt, 0, attempt->task->shell.command, &command, diag);
    const char *argv[] = {"bash", "-c", str_text(&command), NULL};
    if (err == ERR_OK)
        err = run_child(attempt, argv, &output, diag);
    if (err == ERR_OK && attempt->outcome == TASK_SUCCESS && output.last[0]) {
        struct str json = {0};
        str_append_json(&json, bytes_from(output.last));
        attempt->xcom = str_take(&json);
    }
    str_release(&command);
    return err;
}

// Renders every text inside a JSON value, in place.
static err_t render_json(struct attempt *attempt, json_t *value, struct diag *diag)
{
    const char *key;
    size_t index;
    json_t *inner;
    void *next;
    struct str text = {0};
    err_t err = ERR_OK;
    if (json_is_string(value)) {
        err = attempt_render(attempt, 0, json_string_value(value), &text, diag);
        if (err == ERR_OK && json_string_setn(value, str_text(&text), text.size) != 0)
            err = FAIL(diag, ERR_INVALID, "op_kwargs: the rendered text is not UTF-8");
        str_release(&text);
        return err;
    }
    json_object_foreach_safe(value, next, key, inner)
    {
        if (err == ERR_OK)
            err = render_json(attempt, inner, diag);
    }
    json_array_foreach(value, index, inner)
    {
        if (err == ERR_OK)
            err = render_json(attempt, inner, diag);
    }
    return err;
}

static err_t render_kwargs(struct attempt *attempt, struct str *out, struct diag *diag)
{
    json_t *kwargs = json_loads(attempt->task->shell.kwargs, 0, NULL);
    err_t err = render_json(attempt, kwargs, diag);
    char *text = err == ERR_OK ? json_dumps(kwargs, JSON_COMPACT) : NULL;
    str_append_text(out, text ? text : "{}");
    free(text);
    json_decref(kwargs);
    return err;
}

static err_t run_python(struct attempt *attempt, struct diag *diag)
{
    const struct shell_settings *shell = &attempt->task->shell;
    struct output output = {.attempt = attempt};
    struct str kwargs = {0}, result = {0};
    char *log = attempt_log_path(attempt->host->logs_dir, attempt->dag->id, attempt->run_id,
                                 attempt->task->id, attempt->try_number);
    char *path = mem_printf("%s.result", log);
    err_t err = render_kwargs(attempt, &kwargs, diag);
    const char *argv[] = {"python3",         "-c", wrapper, shell->file, shell->function,
                          str_text(&kwargs), path, NULL};
    if (err == ERR_OK && !file_exists(shell->file))
        err = FAIL(diag, ERR_NOT_FOUND, "there is no file %s", shell->file);
    if (err == ERR_OK)
        err = run_child(attempt, argv, &output, diag);
    if (err == ERR_OK && attempt->outcome == TASK_SUCCESS)
        err = file_read_all(path, ATTEMPT_XCOM_MAX_BYTES, &result, diag);
    if (err == ERR_OK && result.size)
        attempt->xcom = str_take(&result);
    if (file_exists(path) && file_remove(path, NULL) != ERR_OK)
        attempt_log(attempt, "cannot remove %s", path);
    mem_free(path);
    mem_free(log);
    str_release(&kwargs);
    str_release(&result);
    return err;
}

err_t task_shell_run(struct attempt *attempt, struct diag *diag)
{
    return attempt->task->type == TYPE_OF_BASH ? run_bash(attempt, diag)
                                               : run_python(attempt, diag);
}
