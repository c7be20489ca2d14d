// SPDX-License-Identifier: Apache-2.0
//
// What people ask for. Each wish is carried out on the scheduler's thread and answered once its
// rows are saved.
#include "scheduler/scheduler_int.h"

#include "base/mem.h"
#include "scheduler/sentence.h"

#define BACKFILL_MAX   10000
#define CONF_MAX_BYTES ((size_t)1 << 20)

static err_t find_state(struct scheduler *scheduler, const char *dag_id, struct dag_state **out,
                        struct diag *diag)
{
    *out = scheduler__state(scheduler, dag_id);
    return *out ? ERR_OK : FAIL(diag, ERR_NOT_FOUND, "there is no DAG '%.100s'", dag_id);
}

// --- trigger ---

static err_t check_conf(const char *conf, struct diag *diag)
{
    json_error_t error;
    if (!conf)
        return ERR_OK;
    if (strlen(conf) > CONF_MAX_BYTES)
        return FAIL(diag, ERR_TOO_LARGE, "conf may have 1 MiB, this one has %zu bytes",
                    strlen(conf));
    json_t *value = json_loads(conf, 0, &error);
    bool object = json_is_object(value);
    json_decref(value);
    if (!object)
        return FAIL(diag, ERR_INVALID, "conf must be a JSON object%s%s", value ? "" : ": ",
                    value ? "" : error.text);
    return ERR_OK;
}

static err_t do_trigger(struct scheduler *scheduler, struct command *command, struct diag *diag)
{
    struct dag_state *state;
    struct run *old = NULL;
    int64_t logical_us = scheduler->changes.now_us;
    TRY(find_state(scheduler, command->dag_id, &state, diag));
    for (;; logical_us++) { // two wishes in one microsecond
        if (scheduler__active_run(state, NULL, logical_us))
            continue;
        if (history_load_run(scheduler->history, state->dag, NULL, logical_us, &old, NULL) !=
            ERR_OK)
            break;
        run_free(old);
    }
    struct run *run = scheduler__new_run(scheduler, state, RUN_MANUAL, logical_us,
                                         timetable_manual(state->dag->timetable, logical_us));
    run->conf = command->text ? mem_strdup(command->text) : NULL;
    str_append_text(command->json, run->run_id);
    return ERR_OK;
}

err_t scheduler__trigger(void *self, const char *dag_id, const char *conf, struct str *json,
                         struct diag *diag)
{
    struct str run_id = {0};
    struct command command = {.run = do_trigger, .dag_id = dag_id, .text = conf, .json = &run_id};
    TRY(check_conf(conf, diag));
    err_t err = scheduler__ask(self, &command, diag);
    if (err == ERR_OK)
        err = scheduler__write_run(self, dag_id, str_text(&run_id), json, diag);
    str_release(&run_id);
    return err;
}

// --- pause ---

static err_t do_pause(struct scheduler *scheduler, struct command *command, struct diag *diag)
{
    struct dag_state *state;
    TRY(find_state(scheduler, command->dag_id, &state, diag));
    state->paused = command->flag;
    scheduler__compute_next(scheduler, state);
    return ERR_OK;
}

err_t scheduler__pause(void *self, const char *dag_id, bool paused, struct diag *diag)
{
    struct command command = {.run = do_pause, .dag_id = dag_id, .flag = paused};
    return scheduler__ask(self, &command, diag);
}

// --- rerun ---

static void write_rerun(struct str *json, const struct run *run, const bool *chosen)
{
    struct str sentence = {0};
    bool first = true;
    sentence_rerun(&sentence, run, chosen);
    str_append_text(json, "{\"sentence\":");
    str_append_json(json, str_bytes(&sentence));
    str_append_text(json, ",\"tasks\":[");
    for (size_t i = 0; i < run->dag->task_count; i++) {
        if (!chosen[run->dag->order[i]])
            continue;
        str_append_text(json, first ? "" : ",");
        str_append_json(json, bytes_from(run->dag->tasks[run->dag->order[i]].id));
        first = false;
    }
    str_append_text(json, "]}");
    str_release(&sentence);
}

// Running tasks are stopped first; what they were cleared to is done when they have come back.
static void clear(struct scheduler *scheduler, struct run *run, bool *chosen)
{
    for (size_t i = 0; i < run->dag->task_count; i++)
        if (chosen[i] && run->instances[i].attempt) {
            attempt_cancel(run->instances[i].attempt, CANCEL_CLEAR);
            chosen[i] = false;
        }
    run_clear(&scheduler->changes, run, chosen);
    if (run->state == RUN_RUNNING)
        run_evaluate(&scheduler->changes, run);
}

static err_t find_run(struct scheduler *scheduler, struct dag_state *state, const char *run_id,
                      int64_t logical_us, struct run **out, bool *loaded, struct diag *diag)
{
    *out = scheduler__active_run(state, run_id, logical_us);
    *loaded = !*out;
    return *out ? ERR_OK
                : history_load_run(scheduler->history, state->dag, run_id, logical_us, out, diag);
}

static err_t do_rerun(struct scheduler *scheduler, struct command *command, struct diag *diag)
{
    struct dag_state *state;
    struct run *run;
    bool loaded;
    TRY(find_state(scheduler, command->dag_id, &state, diag));
    const struct task *task = dag_task(state->dag, command->task_id);
    if (!task)
        return FAIL(diag, ERR_NOT_FOUND, "DAG '%s' has no task '%.100s'", command->dag_id,
                    command->task_id);
    TRY(find_run(scheduler, state, command->run_id, 0, &run, &loaded, diag));
    bool *chosen = mem_zalloc(state->dag->task_count * sizeof *chosen);
    run_choose_downstream(state->dag, task->index, chosen);
    write_rerun(command->json, run, chosen);
    if (!command->flag) {
        clear(scheduler, run, chosen);
        if (loaded)
            scheduler__add_run(scheduler, state, run);
    } else if (loaded) {
        run_free(run);
    }
    mem_free(chosen);
    return ERR_OK;
}

err_t scheduler__rerun(void *self, const char *dag_id, const char *run_id, const char *task_id,
                       bool dry, struct str *json, struct diag *diag)
{
    struct command command = {.run = do_rerun,
                              .dag_id = dag_id,
                              .run_id = run_id,
                              .task_id = task_id,
                              .flag = dry,
                              .json = json};
    return scheduler__ask(self, &command, diag);
}

// --- backfill ---

enum reprocess {
    REPROCESS_NONE,
    REPROCESS_FAILED,
    REPROCESS_COMPLETED,
};

struct backfill {
    struct scheduler *scheduler;
    struct dag_state *state;
    enum reprocess reprocess;
    bool dry;
    struct str *json;
    size_t count;
};

static void list_backfill(struct backfill *backfill, const char *run_id)
{
    str_append_text(backfill->json, backfill->count++ ? "," : "");
    str_append_json(backfill->json, bytes_from(run_id));
}

static void rerun_whole(struct backfill *backfill, struct run *run)
{
    size_t count = run->dag->task_count;
    bool *chosen = mem_alloc(count * sizeof *chosen);
    memset(chosen, 1, count * sizeof *chosen);
    clear(backfill->scheduler, run, chosen);
    scheduler__add_run(backfill->scheduler, backfill->state, run);
    mem_free(chosen);
}

// An existing run is left alone unless it has ended the way `reprocess` names; one that is under
// way always is.
static void backfill_one(struct backfill *backfill, struct data_interval interval)
{
    struct run *run = NULL;
    bool loaded;
    err_t err = find_run(backfill->scheduler, backfill->state, NULL, interval.start_us, &run,
                         &loaded, NULL);
    if (err != ERR_OK) {
        char *run_id = run_make_id(RUN_BACKFILL, interval.start_us);
        list_backfill(backfill, run_id);
        mem_free(run_id);
        if (!backfill->dry)
            scheduler__new_run(backfill->scheduler, backfill->state, RUN_BACKFILL,
                               interval.start_us, interval);
        return;
    }
    if (!loaded)
        return;
    bool again = backfill->reprocess == REPROCESS_COMPLETED ||
                 (backfill->reprocess == REPROCESS_FAILED && run->state == RUN_FAILED);
    if (again)
        list_backfill(backfill, run->run_id);
    if (again && !backfill->dry)
        rerun_whole(backfill, run);
    else
        run_free(run);
}

static err_t parse_bound(const struct dag *dag, const char *text, bool end, int64_t *out,
                         struct diag *diag)
{
    if (!text)
        return FAIL(diag, ERR_INVALID, "a backfill needs its first and last date");
    TRY(instant_parse(text, timetable_zone(dag->timetable), out, diag));
    if (end && strlen(text) == 10) // a date alone means all of that day
        *out += INSTANT_DAY - 1;
    return ERR_OK;
}

static err_t check_dates(struct backfill *backfill, int64_t from, int64_t to, size_t *count,
                         struct diag *diag)
{
    const struct timetable_limits limits = {from, to, true};
    struct data_interval last;
    struct timetable_run run;
    int64_t now = backfill->scheduler->changes.now_us;
    if (from > to)
        return FAIL(diag, ERR_INVALID, "the first date of a backfill is after the last");
    *count = 0;
    while (
        timetable_next(backfill->state->dag->timetable, limits, *count ? &last : NULL, now, &run) &&
        run.run_after_us <= now) {
        if (++*count > BACKFILL_MAX)
            return FAIL(diag, ERR_TOO_LARGE, "these dates make more than %d runs", BACKFILL_MAX);
        last = run.interval;
    }
    return ERR_OK;
}

static err_t do_backfill(struct scheduler *scheduler, struct command *command, struct diag *diag)
{
    struct backfill backfill = {
        .scheduler = scheduler, .dry = command->flag, .json = command->json};
    const char *reprocess = command->text3 ? command->text3 : "none";
    int64_t from = 0, to = 0;
    size_t count = 0;
    TRY(find_state(scheduler, command->dag_id, &backfill.state, diag));
    TRY(parse_bound(backfill.state->dag, command->text, false, &from, diag));
    TRY(parse_bound(backfill.state->dag, command->text2, true, &to, diag));
    if (strcmp(reprocess, "failed") == 0)
        backfill.reprocess = REPROCESS_FAILED;
    else if (strcmp(reprocess, "completed") == 0)
        backfill.reprocess = REPROCESS_COMPLETED;
    else if (strcmp(reprocess, "none") != 0)
        return FAIL(diag, ERR_INVALID, "reprocess must be none, failed or completed, not '%.40s'",
                    reprocess);
    TRY(check_dates(&backfill, from, to, &count, diag));
    const struct timetable_limits limits = {from, to, true};
    struct data_interval last = {0};
    struct timetable_run run;
    str_append_text(command->json, "{\"runs\":[");
    for (size_t i = 0; i < count; i++) {
        if (!timetable_next(backfill.state->dag->timetable, limits, i ? &last : NULL,
                            scheduler->changes.now_us, &run))
            break;
        backfill_one(&backfill, run.interval);
        last = run.interval;
    }
    str_append_text(command->json, "]}");
    return ERR_OK;
}

err_t scheduler__backfill(void *self, const char *dag_id, const char *from, const char *to,
                          const char *reprocess, bool dry, struct str *json, struct diag *diag)
{
    struct command command = {.run = do_backfill,
                              .dag_id = dag_id,
                              .text = from,
                              .text2 = to,
                              .text3 = reprocess,
                              .flag = dry,
                              .json = json};
    return scheduler__ask(self, &command, diag);
}
