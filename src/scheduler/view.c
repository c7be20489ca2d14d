// SPDX-License-Identifier: Apache-2.0
//
// What people see, read from the saved rows on a connection of its own: looking never holds up the
// scheduler.
#include "scheduler/scheduler_int.h"

#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"
#include "scheduler/sentence.h"

#define LIMIT_MAX 10000

// --- JSON ---

static void name_of(struct str *json, const char *name)
{
    char last = json->size ? json->ptr[json->size - 1] : '{';
    str_printf(json, "%s\"%s\":", last == '{' ? "" : ",", name);
}

static void text_field(struct str *json, const char *name, const char *text)
{
    name_of(json, name);
    if (text)
        str_append_json(json, bytes_from(text));
    else
        str_append_text(json, "null");
}

static void sentence_field(struct str *json, const char *name, struct str *sentence)
{
    text_field(json, name, sentence->size ? str_text(sentence) : NULL);
    str_release(sentence);
}

static void int_field(struct str *json, const char *name, int64_t value)
{
    name_of(json, name);
    str_printf(json, "%lld", (long long)value);
}

static void time_field(struct str *json, const char *name, int64_t us)
{
    struct str text = {0};
    if (us != 0 && us != INSTANT_NONE)
        instant_append(&text, us);
    sentence_field(json, name, &text);
}

static void duration_field(struct str *json, int64_t start_us, int64_t end_us, int64_t now_us)
{
    name_of(json, "duration_s");
    if (start_us == 0)
        str_append_text(json, "null");
    else
        str_printf(json, "%.3f", (double)((end_us ? end_us : now_us) - start_us) / 1e6);
}

// --- runs ---

static void write_run_fields(struct str *json, const struct run *run,
                             const struct surroundings *now)
{
    int64_t records = 0, bytes = 0;
    for (size_t i = 0; i < run->dag->task_count; i++) {
        records += run->instances[i].records;
        bytes += run->instances[i].bytes;
    }
    struct str note = {0};
    if (run->note)
        str_append_text(&note, run->note);
    else
        sentence_run(&note, run, now);
    text_field(json, "dag_id", run->dag->id);
    text_field(json, "run_id", run->run_id);
    text_field(json, "run_type", run_type_name(run->type));
    text_field(json, "state", run_state_name(run->state));
    time_field(json, "logical_date", run->logical_us);
    time_field(json, "data_interval_start", run->interval.start_us);
    time_field(json, "data_interval_end", run->interval.end_us);
    time_field(json, "start_date", run->started_us);
    time_field(json, "end_date", run->finished_us);
    duration_field(json, run->started_us, run->finished_us, now->now_us);
    int_field(json, "records", records);
    int_field(json, "bytes", bytes);
    sentence_field(json, "note", &note);
}

static void write_instance(struct str *json, const struct instance *instance,
                           const struct surroundings *now)
{
    struct str waiting = {0};
    sentence_task(&waiting, instance, now);
    str_append_text(json, "{");
    text_field(json, "task_id", instance->task->id);
    text_field(json, "state",
               instance->state == TASK_NONE ? NULL : task_state_name(instance->state));
    int_field(json, "try_number", instance->try_number);
    int_field(json, "max_tries", instance->max_tries);
    time_field(json, "start_date", instance->started_us);
    time_field(json, "end_date", instance->finished_us);
    duration_field(json, instance->started_us, instance->finished_us, now->now_us);
    int_field(json, "records", instance->records);
    int_field(json, "bytes", instance->bytes);
    text_field(json, "topic", instance->task->topic);
    text_field(json, "table", instance->task->table);
    text_field(json, "error", instance->error);
    sentence_field(json, "waiting", &waiting);
    str_append_text(json, "}");
}

static const struct dag *find_dag(struct scheduler *scheduler, const char *dag_id,
                                  struct diag *diag)
{
    const struct dag *dag = dag_set_find(&scheduler->dags, dag_id);
    if (!dag)
        (void)FAIL(diag, ERR_NOT_FOUND, "there is no DAG '%.100s'", dag_id);
    return dag;
}

static void count_running(struct run *run, void *ctx)
{
    *(size_t *)ctx += run->state == RUN_RUNNING;
    run_free(run);
}

// Under read_mutex.
static err_t look_around(struct scheduler *scheduler, const struct dag *dag,
                         struct surroundings *out, struct diag *diag)
{
    bool known;
    *out = (struct surroundings){.now_us = clock_now_us(), .parallelism = scheduler->parallelism};
    TRY(history_load_dag(scheduler->reader, dag->id, &known, &out->paused, diag));
    TRY(history_count_running(scheduler->reader, &out->running_tasks, diag));
    return history_load_active(scheduler->reader, dag, count_running, &out->running_runs, diag);
}

struct listing {
    struct str *json;
    const struct surroundings *now;
    size_t count;
};

static void list_run(struct run *run, void *ctx)
{
    struct listing *listing = ctx;
    str_append_text(listing->json, listing->count++ ? ",{" : "{");
    write_run_fields(listing->json, run, listing->now);
    str_append_byte(listing->json, '}');
    run_free(run);
}

static err_t view_runs(void *self, const char *dag_id, size_t limit, struct str *json,
                       struct diag *diag)
{
    struct scheduler *scheduler = self;
    struct surroundings now;
    const struct dag *dag = find_dag(scheduler, dag_id, diag);
    if (!dag)
        return ERR_NOT_FOUND;
    struct listing listing = {.json = json, .now = &now};
    str_append_byte(json, '[');
    mutex_lock(&scheduler->read_mutex);
    err_t err = look_around(scheduler, dag, &now, diag);
    if (err == ERR_OK)
        err = history_load_newest(scheduler->reader, dag, limit < LIMIT_MAX ? limit : LIMIT_MAX,
                                  list_run, &listing, diag);
    mutex_unlock(&scheduler->read_mutex);
    str_append_byte(json, ']');
    return err;
}

err_t scheduler__write_run(struct scheduler *scheduler, const char *dag_id, const char *run_id,
                           struct str *json, struct diag *diag)
{
    struct surroundings now;
    struct run *run = NULL;
    const struct dag *dag = find_dag(scheduler, dag_id, diag);
    if (!dag)
        return ERR_NOT_FOUND;
    mutex_lock(&scheduler->read_mutex);
    err_t err = look_around(scheduler, dag, &now, diag);
    if (err == ERR_OK)
        err = history_load_run(scheduler->reader, dag, run_id, 0, &run, diag);
    mutex_unlock(&scheduler->read_mutex);
    TRY(err);
    str_append_byte(json, '{');
    write_run_fields(json, run, &now);
    name_of(json, "tasks");
    for (size_t i = 0; i < dag->task_count; i++) {
        str_append_byte(json, i ? ',' : '[');
        write_instance(json, &run->instances[dag->order[i]], &now);
    }
    str_append_text(json, "]}");
    run_free(run);
    return ERR_OK;
}

static err_t view_run(void *self, const char *dag_id, const char *run_id, struct str *json,
                      struct diag *diag)
{
    return scheduler__write_run(self, dag_id, run_id, json, diag);
}

// --- DAGs ---

static void write_tasks(struct str *json, const struct dag *dag)
{
    name_of(json, "tasks");
    for (size_t i = 0; i < dag->task_count; i++) {
        const struct task *task = &dag->tasks[dag->order[i]];
        str_append_text(json, i ? ",{" : "[{");
        text_field(json, "task_id", task->id);
        text_field(json, "type", dag_task_type_name(task->type));
        name_of(json, "downstream");
        str_append_byte(json, '[');
        for (size_t k = 0; k < task->downstream_count; k++) {
            str_append_text(json, k ? "," : "");
            str_append_json(json, bytes_from(dag->tasks[task->downstream[k]].id));
        }
        str_append_byte(json, ']');
        text_field(json, "topic", task->topic);
        text_field(json, "url", task->type == TYPE_OF_HTTP ? task->http.url : NULL);
        str_append_byte(json, '}');
    }
    str_append_byte(json, ']');
}

static void keep_run(struct run *run, void *ctx)
{
    struct run **slot = ctx;
    if (*slot)
        run_free(*slot);
    *slot = run;
}

static void dag_sentence(struct str *out, const struct run *last, const struct surroundings *now,
                         int64_t next_us)
{
    if (last && (last->state == RUN_QUEUED || last->state == RUN_RUNNING)) {
        sentence_run(out, last, now);
    } else if (now->paused) {
        str_append_text(out, "is paused");
    } else if (next_us != INSTANT_NONE) {
        str_append_text(out, "next run at ");
        instant_append(out, next_us);
    }
}

static err_t write_dag(struct scheduler *scheduler, const struct dag *dag, struct str *json,
                       struct diag *diag)
{
    struct surroundings now;
    struct run *last = NULL;
    struct str waiting = {0};
    int64_t next_us;
    TRY(look_around(scheduler, dag, &now, diag));
    TRY(history_next_of_dag(scheduler->reader, dag->id, &next_us, diag));
    TRY(history_load_newest(scheduler->reader, dag, 1, keep_run, &last, diag));
    dag_sentence(&waiting, last, &now, next_us);
    str_append_byte(json, '{');
    text_field(json, "dag_id", dag->id);
    text_field(json, "description", dag->description);
    text_field(json, "schedule", dag->schedule);
    name_of(json, "is_paused");
    str_append_text(json, now.paused ? "true" : "false");
    time_field(json, "next_run_at", now.paused ? INSTANT_NONE : next_us);
    sentence_field(json, "waiting", &waiting);
    name_of(json, "tags");
    for (size_t i = 0; i < dag->tags.count; i++) {
        str_append_byte(json, i ? ',' : '[');
        str_append_json(json, bytes_from(dag->tags.items[i].name));
    }
    str_append_text(json, dag->tags.count ? "]" : "[]");
    write_tasks(json, dag);
    name_of(json, "last_run");
    if (last) {
        str_append_byte(json, '{');
        write_run_fields(json, last, &now);
        str_append_byte(json, '}');
        run_free(last);
    } else {
        str_append_text(json, "null");
    }
    text_field(json, "file", dag->file);
    str_append_byte(json, '}');
    return ERR_OK;
}

static err_t view_dags(void *self, struct str *json, struct diag *diag)
{
    struct scheduler *scheduler = self;
    err_t err = ERR_OK;
    str_append_byte(json, '[');
    mutex_lock(&scheduler->read_mutex);
    for (size_t i = 0; err == ERR_OK && i < scheduler->dags.count; i++) {
        if (i)
            str_append_byte(json, ',');
        err = write_dag(scheduler, &scheduler->dags.items[i], json, diag);
    }
    mutex_unlock(&scheduler->read_mutex);
    str_append_byte(json, ']');
    return err;
}

// --- logs ---

static err_t view_log(void *self, const char *dag_id, const char *run_id, const char *task_id,
                      int try_number, struct str *text, struct diag *diag)
{
    struct scheduler *scheduler = self;
    struct run *run = NULL;
    const struct dag *dag = find_dag(scheduler, dag_id, diag);
    if (!dag)
        return ERR_NOT_FOUND;
    const struct task *task = dag_task(dag, task_id);
    if (!task)
        return FAIL(diag, ERR_NOT_FOUND, "DAG '%s' has no task '%.100s'", dag_id, task_id);
    mutex_lock(&scheduler->read_mutex);
    err_t err = history_load_run(scheduler->reader, dag, run_id, 0, &run, diag);
    mutex_unlock(&scheduler->read_mutex);
    TRY(err);
    int latest = run->instances[task->index].try_number;
    run_free(run);
    if (latest == 0 && try_number == 0)
        return ERR_OK;
    if (try_number < 0 || try_number > latest)
        return FAIL(diag, ERR_NOT_FOUND, "%s has had %d tries, there is no try %d", task_id, latest,
                    try_number);
    char *path = attempt_log_path(scheduler->logs_dir, dag_id, run_id, task_id,
                                  try_number ? try_number : latest);
    // A task without work of its own (empty) leaves no file.
    if (file_exists(path))
        err = file_read_all(path, (size_t)ATTEMPT_LOG_MAX_BYTES + 4096, text, diag);
    mem_free(path);
    return err;
}

const struct dag_port_ops scheduler__ops = {
    .dags = view_dags,
    .runs = view_runs,
    .run = view_run,
    .log = view_log,
    .trigger = scheduler__trigger,
    .pause = scheduler__pause,
    .rerun = scheduler__rerun,
    .backfill = scheduler__backfill,
};
