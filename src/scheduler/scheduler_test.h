// SPDX-License-Identifier: Apache-2.0
//
// Helpers of the scheduler's tests: a log in memory, a folder of this program, one scheduler on it.
#ifndef SCHEDULER_SCHEDULER_TEST_H
#define SCHEDULER_SCHEDULER_TEST_H

#include "base/mem.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/process.h"
#include "os/thread.h"
#include "scheduler/instant.h"
#include "scheduler/scheduler.h"

#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#define WAIT_MS 60000

// --- a log in memory ---

struct fake_log {
    struct mutex mutex;
    struct str keys, values; // one per line
    _Atomic size_t records, calls;
    int32_t partitions;
};

static struct fake_log fake;

static inline err_t fake_ensure(void *self, const char *topic, int32_t partitions, int32_t *out,
                                struct diag *diag)
{
    (void)self;
    (void)topic;
    (void)diag;
    fake.partitions = *out = partitions ? partitions : 1;
    return ERR_OK;
}

static inline err_t fake_append(void *self, const char *topic, int32_t partition,
                                const struct log_record *records, size_t count,
                                int64_t *base_offset, struct diag *diag)
{
    (void)self;
    (void)base_offset;
    (void)diag;
    assert_string_equal(topic, "people");
    assert_int_equal(partition, -1);
    mutex_lock(&fake.mutex);
    for (size_t i = 0; i < count; i++) {
        str_append_bytes(&fake.keys, records[i].key.ptr ? records[i].key : bytes_from("null"));
        str_append_byte(&fake.keys, '\n');
        str_append_bytes(&fake.values, records[i].value);
        str_append_byte(&fake.values, '\n');
    }
    fake.records += count;
    fake.calls++;
    mutex_unlock(&fake.mutex);
    return ERR_OK;
}

static const struct log_port_ops fake_ops = {.ensure = fake_ensure, .append = fake_append};

// --- helpers ---

static struct scheduler *scheduler;
static struct dag_port port;
static struct scheduler_var vars[] = {{"weir.people_url", "http://127.0.0.1:1"}};

static char folder[64];

// The path of what is there so called; good for the next few calls.
static inline const char *in(const char *name)
{
    static char paths[8][200];
    static size_t next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline int remove_folder(void **state)
{
    (void)state;
    return folder[0] && dir_remove(folder, NULL) != ERR_OK;
}

static inline void clean(void)
{
    assert_int_equal(remove_folder(NULL), 0);
    snprintf(folder, sizeof folder, "/tmp/weir-scheduler-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(dir_make(in("dags"), NULL), ERR_OK);
    str_release(&fake.keys);
    str_release(&fake.values);
    fake.records = fake.calls = 0;
}

static inline void write_file(const char *name, const char *text)
{
    assert_int_equal(file_replace(in(name), bytes_from(text), NULL), ERR_OK);
}

static inline void open_again(void)
{
    struct problems problems = {0};
    struct diag diag = DIAG_INIT;
    struct scheduler_options options = {
        .data_dir = in("data"),
        .dags_dir = in("dags"),
        .log = {&fake_ops, NULL},
        .vars = vars,
        .var_count = 1,
        .parallelism = 4,
    };
    if (scheduler_open(&scheduler, &options, &problems, &diag) != ERR_OK)
        fail_msg("%s\n%s", diag_text(&diag), str_text(&problems.text));
    problems_release(&problems);
    port = scheduler_dag_port(scheduler);
}

static inline void open_with(const char *yaml)
{
    clean();
    write_file("dags/a.yaml", yaml);
    open_again();
}

static inline void close_it(void)
{
    scheduler_close(scheduler);
    scheduler = NULL;
    clock_real();
}

static inline void settle(void)
{
    if (!scheduler_settle(scheduler, WAIT_MS))
        fail_msg("does not settle");
}

static inline json_t *parse(struct str *json)
{
    json_error_t error;
    json_t *value = json_loadb(str_text(json), json->size, 0, &error);
    if (!value)
        fail_msg("bad JSON: %s in %s", error.text, str_text(json));
    str_release(json);
    return value;
}

static inline json_t *runs_of(const char *dag_id)
{
    struct str json = {0};
    struct diag diag = DIAG_INIT;
    if (port.ops->runs(port.self, dag_id, 100, &json, &diag) != ERR_OK)
        fail_msg("%s", diag_text(&diag));
    return parse(&json);
}

static inline const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static inline json_t *run_of(const char *dag_id, const char *run_id)
{
    struct str json = {0};
    struct diag diag = DIAG_INIT;
    if (port.ops->run(port.self, dag_id, run_id, &json, &diag) != ERR_OK)
        fail_msg("%s", diag_text(&diag));
    return parse(&json);
}

// The newest run with its tasks.
static inline json_t *newest(const char *dag_id)
{
    json_t *runs = runs_of(dag_id);
    assert_true(json_array_size(runs) > 0);
    json_t *run = run_of(dag_id, text_of(json_array_get(runs, 0), "run_id"));
    json_decref(runs);
    return run;
}

static inline const json_t *task_of(const json_t *run, const char *task_id)
{
    const json_t *tasks = json_object_get(run, "tasks");
    for (size_t i = 0; i < json_array_size(tasks); i++)
        if (strcmp(text_of(json_array_get(tasks, i), "task_id"), task_id) == 0)
            return json_array_get(tasks, i);
    fail_msg("no task %s", task_id);
    return NULL;
}

static inline void assert_task(const json_t *run, const char *task_id, const char *state, int tries)
{
    const json_t *task = task_of(run, task_id);
    assert_string_equal(text_of(task, "state"), state);
    assert_int_equal(json_integer_value(json_object_get(task, "try_number")), tries);
}

static inline void trigger(const char *dag_id, const char *conf)
{
    struct str json = {0};
    struct diag diag = DIAG_INIT;
    if (port.ops->trigger(port.self, dag_id, conf, &json, &diag) != ERR_OK)
        fail_msg("%s", diag_text(&diag));
    json_decref(parse(&json));
}

static inline void assert_log(const char *dag_id, const json_t *run, const char *task_id,
                              int try_number, const char *part)
{
    struct str text = {0};
    struct diag diag = DIAG_INIT;
    if (port.ops->log(port.self, dag_id, text_of(run, "run_id"), task_id, try_number, &text,
                      &diag) != ERR_OK)
        fail_msg("%s", diag_text(&diag));
    if (!strstr(str_text(&text), part))
        fail_msg("no '%s' in:\n%s", part, str_text(&text));
    str_release(&text);
}

// Also while the clock is simulated.
static inline int64_t real_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Waits until the task of the newest run is in that state.
static inline void wait_for_state(const char *dag_id, const char *task_id, const char *state)
{
    int64_t until_ms = real_ms() + WAIT_MS;
    while (real_ms() < until_ms) {
        json_t *run = newest(dag_id);
        bool there = strcmp(text_of(task_of(run, task_id), "state"), state) == 0;
        json_decref(run);
        if (there)
            return;
        clock_sleep_us(5000);
    }
    fail_msg("%s never became %s", task_id, state);
}

static inline int64_t at(const char *text)
{
    int64_t out = 0;
    assert_int_equal(instant_parse(text, NULL, &out, NULL), ERR_OK);
    return out;
}

#endif
