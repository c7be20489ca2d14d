// SPDX-License-Identifier: Apache-2.0
//
// Memory holds what is active and decides; SQLite holds all of it. A round of the scheduler's
// thread: take what has happened (ends of tries, wishes), decide, save every changed row in one
// transaction, and only then start the tasks. When saving fails nothing starts, and the same rows
// are saved again a second later.
//
// A start waits for the commit but not for the disk: what is committed survives kill -9, and a loss
// of power can only make the tries of its last 20 ms run once more. Wishes are answered when
// the disk has them. The syncer's thread brings commits to disk as fast as the disk can, many at
// once when tasks are short.
#include "scheduler/scheduler_int.h"

#include "base/log.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"

#include <stdlib.h>

#define PARALLELISM    8
#define SAVE_AGAIN_US  INT64_C(1000000)
#define SLEEP_MAX_US   (60 * INSTANT_SECOND) // a clock set by hand is noticed after that
#define SYNC_WINDOW_US INT64_C(20000)
#define SAVES_AT_STOP  3

// --- reports and tasks ---

static void report(void *self, struct attempt *attempt, bool done)
{
    struct scheduler *scheduler = self;
    mutex_lock(&scheduler->mutex);
    attempt->done |= done;
    if (!attempt->reported) {
        attempt->reported = true;
        list_push_back(&scheduler->reports, &attempt->report_link);
    }
    scheduler->idle = false;
    cond_signal(&scheduler->wake);
    mutex_unlock(&scheduler->mutex);
}

static err_t read_xcom(void *self, int64_t run, const char *task_id, const char *key,
                       struct str *json, struct diag *diag)
{
    struct scheduler *scheduler = self;
    mutex_lock(&scheduler->read_mutex);
    err_t err = history_load_xcom(scheduler->reader, run, task_id, key, json, diag);
    mutex_unlock(&scheduler->read_mutex);
    return err;
}

static void run_worker(void *ctx)
{
    struct scheduler *scheduler = ctx;
    for (;;) {
        mutex_lock(&scheduler->mutex);
        while (list_empty(&scheduler->work) && !scheduler->workers_stop)
            cond_wait(&scheduler->work_wake, &scheduler->mutex);
        struct list *link = list_pop_front(&scheduler->work);
        mutex_unlock(&scheduler->mutex);
        if (!link)
            return;
        attempt_run(CONTAINER_OF(link, struct attempt, link));
    }
}

static void run_syncer(void *ctx)
{
    struct scheduler *scheduler = ctx;
    mutex_lock(&scheduler->mutex);
    while (!scheduler->syncer_stop) {
        uint64_t upto = scheduler->committed;
        if (upto == scheduler->synced) {
            cond_wait(&scheduler->sync_wake, &scheduler->mutex);
            continue;
        }
        // Writing to a file under sync is slow: unless somebody waits, more commits gather first.
        while (scheduler->askers == 0 && !scheduler->syncer_stop &&
               cond_wait_for(&scheduler->sync_asked, &scheduler->mutex, SYNC_WINDOW_US))
            continue;
        upto = scheduler->committed;
        mutex_unlock(&scheduler->mutex);
        struct diag diag = DIAG_INIT;
        err_t err = history_sync(scheduler->db_path, &diag);
        if (err != ERR_OK)
            LOG_ERROR("scheduler", "cannot sync its state", "%s", diag_text(&diag));
        mutex_lock(&scheduler->mutex);
        scheduler->sync_failed = err != ERR_OK;
        scheduler->synced = upto;
        cond_broadcast(&scheduler->answered);
    }
    mutex_unlock(&scheduler->mutex);
}

// --- saving ---

static err_t save_rows(struct scheduler *scheduler, struct diag *diag)
{
    const struct run_changes *changes = &scheduler->changes;
    struct history *history = scheduler->history;
    for (size_t i = 0; i < scheduler->dags.count; i++) {
        const struct dag_state *state = &scheduler->states[i];
        int64_t next = state->has_next ? state->next.run_after_us : INSTANT_NONE;
        if (state->dirty)
            TRY(history_save_dag(history, state->dag->id, state->paused, next, diag));
    }
    for (size_t i = 0; i < changes->runs.count; i++)
        TRY(history_save_run(history, changes->runs.items[i], diag));
    for (size_t i = 0; i < changes->tries.count; i++)
        TRY(history_save_try(history, &changes->tries.items[i], diag));
    for (size_t i = 0; i < changes->instances.count; i++)
        TRY(history_save_instance(history, changes->instances.items[i], diag));
    for (size_t i = 0; i < scheduler->xcoms.count; i++) {
        const struct xcom_change *xcom = &scheduler->xcoms.items[i];
        TRY(history_save_xcom(history, xcom->run, xcom->task_id, xcom->json, diag));
    }
    return ERR_OK;
}

static bool anything_to_save(const struct scheduler *scheduler)
{
    bool any = scheduler->changes.runs.count || scheduler->changes.instances.count ||
               scheduler->xcoms.count;
    for (size_t i = 0; !any && i < scheduler->dags.count; i++)
        any = scheduler->states[i].dirty;
    return any;
}

static void forget_saved(struct scheduler *scheduler)
{
    struct run_changes *changes = &scheduler->changes;
    for (size_t i = 0; scheduler->states && i < scheduler->dags.count; i++)
        scheduler->states[i].dirty = false;
    for (size_t i = 0; i < changes->runs.count; i++)
        changes->runs.items[i]->dirty = false;
    for (size_t i = 0; i < changes->instances.count; i++)
        changes->instances.items[i]->dirty = false;
    for (size_t i = 0; i < changes->tries.count; i++)
        mem_free(changes->tries.items[i].error);
    vec_clear(&changes->tries);
    for (size_t i = 0; i < scheduler->xcoms.count; i++)
        mem_free(scheduler->xcoms.items[i].json);
    for (size_t i = 0; i < scheduler->finished.count; i++)
        run_free(scheduler->finished.items[i]);
    vec_clear(&changes->runs);
    vec_clear(&changes->instances);
    vec_clear(&scheduler->xcoms);
    vec_clear(&scheduler->finished);
}

// One transaction for everything that has changed. False when it could not be saved.
static bool save(struct scheduler *scheduler)
{
    struct diag diag = DIAG_INIT;
    if (!anything_to_save(scheduler)) {
        forget_saved(scheduler);
        return true;
    }
    err_t err = history_begin(scheduler->history, &diag);
    if (err == ERR_OK)
        err = save_rows(scheduler, &diag);
    if (err == ERR_OK)
        err = history_commit(scheduler->history, &diag);
    if (err != ERR_OK) {
        history_rollback(scheduler->history);
        if (!scheduler->broken)
            LOG_ERROR("scheduler", "cannot save its state; no task starts until it can", "%s",
                      diag_text(&diag));
        scheduler->broken = true;
        return false;
    }
    scheduler->broken = false;
    forget_saved(scheduler);
    mutex_lock(&scheduler->mutex);
    scheduler->committed++;
    cond_signal(&scheduler->sync_wake);
    mutex_unlock(&scheduler->mutex);
    if (scheduler->changed)
        scheduler->changed(scheduler->changed_ctx);
    return true;
}

// --- the thread ---

struct inbox {
    struct list ended, commands;
    bool stopping;
};

static void take_inbox(struct scheduler *scheduler, struct inbox *out)
{
    list_init(&out->ended);
    list_init(&out->commands);
    mutex_lock(&scheduler->mutex);
    for (struct list *link; (link = list_pop_front(&scheduler->reports));) {
        struct attempt *attempt = CONTAINER_OF(link, struct attempt, report_link);
        attempt->reported = false;
        if (attempt->done)
            list_push_back(&out->ended, link);
        else // it goes on on its thread, and may end once we let go of the mutex
            scheduler__note_progress(scheduler, attempt);
    }
    list_splice(&out->commands, &scheduler->commands);
    out->stopping = scheduler->stopping;
    scheduler->poked = false;
    mutex_unlock(&scheduler->mutex);
}

static void cancel_all(struct scheduler *scheduler)
{
    for (size_t i = 0; i < scheduler->dags.count; i++)
        LIST_EACH(&scheduler->states[i].runs, link)
        {
            struct run *run = CONTAINER_OF(link, struct run, link);
            for (size_t k = 0; run->attempts && k < run->dag->task_count; k++)
                if (run->instances[k].attempt)
                    attempt_cancel(run->instances[k].attempt, CANCEL_STOP);
        }
}

static void carry_out(struct scheduler *scheduler, struct inbox *inbox)
{
    scheduler->changes.now_us = clock_now_us();
    LIST_EACH(&inbox->ended, link)
    {
        list_remove(link);
        scheduler__finish_attempt(scheduler, CONTAINER_OF(link, struct attempt, report_link));
    }
    LIST_EACH(&inbox->commands, link)
    {
        struct command *command = CONTAINER_OF(link, struct command, link);
        command->err = inbox->stopping ? FAIL(command->diag, ERR_CANCELLED, "weir is stopping")
                                       : command->run(scheduler, command, command->diag);
    }
    if (inbox->stopping && !scheduler->stopping_seen) {
        scheduler->stopping_seen = true;
        cancel_all(scheduler);
    }
}

static void answer(struct scheduler *scheduler, struct list *commands)
{
    if (list_empty(commands))
        return;
    mutex_lock(&scheduler->mutex);
    for (struct list *link; (link = list_pop_front(commands));) {
        struct command *command = CONTAINER_OF(link, struct command, link);
        command->commit = scheduler->committed;
        command->done = true;
    }
    cond_broadcast(&scheduler->answered);
    mutex_unlock(&scheduler->mutex);
}

static void start_attempts(struct scheduler *scheduler)
{
    if (list_empty(&scheduler->to_start))
        return;
    mutex_lock(&scheduler->mutex);
    for (struct list *link; (link = list_pop_front(&scheduler->to_start));) {
        list_push_back(&scheduler->work, link);
        cond_signal(&scheduler->work_wake);
    }
    mutex_unlock(&scheduler->mutex);
}

static bool inbox_is_empty(const struct scheduler *scheduler)
{
    return list_empty(&scheduler->reports) && list_empty(&scheduler->commands) && !scheduler->poked;
}

static void sleep_until_due(struct scheduler *scheduler, bool saved)
{
    int64_t due = scheduler__next_due(scheduler), now = clock_now_us();
    int64_t sleep_us = due == INSTANT_NONE || due - now > SLEEP_MAX_US ? SLEEP_MAX_US : due - now;
    if (!saved)
        sleep_us = SAVE_AGAIN_US;
    mutex_lock(&scheduler->mutex);
    if (inbox_is_empty(scheduler) && scheduler->stopping == scheduler->stopping_seen &&
        sleep_us > 0) {
        scheduler->idle = saved && scheduler->busy == 0;
        if (scheduler->idle)
            cond_broadcast(&scheduler->settled);
        cond_wait_for(&scheduler->wake, &scheduler->mutex, sleep_us);
        scheduler->idle = false;
    }
    mutex_unlock(&scheduler->mutex);
}

static void run_scheduler(void *ctx)
{
    struct scheduler *scheduler = ctx;
    struct list unanswered;
    int saves_left = SAVES_AT_STOP;
    list_init(&unanswered);
    for (;;) {
        struct inbox inbox;
        take_inbox(scheduler, &inbox);
        carry_out(scheduler, &inbox);
        list_splice(&unanswered, &inbox.commands);
        scheduler__plan(scheduler);
        bool saved = save(scheduler);
        if (saved) {
            answer(scheduler, &unanswered);
            start_attempts(scheduler);
        } else if (scheduler->stopping_seen) {
            saves_left--;
        }
        if (scheduler->stopping_seen && scheduler->busy == 0 && (saved || saves_left == 0))
            break;
        if (scheduler->stopping_seen && saves_left == 0)
            start_attempts(scheduler); // cancelled already: they only have to come back
        sleep_until_due(scheduler, saved);
    }
    answer(scheduler, &unanswered);
}

err_t scheduler__ask(struct scheduler *scheduler, struct command *command, struct diag *diag)
{
    command->diag = diag;
    list_init(&command->link);
    mutex_lock(&scheduler->mutex);
    if (scheduler->stopping) {
        mutex_unlock(&scheduler->mutex);
        return FAIL(diag, ERR_CANCELLED, "weir is stopping");
    }
    list_push_back(&scheduler->commands, &command->link);
    scheduler->idle = false;
    cond_signal(&scheduler->wake);
    scheduler->askers++;
    cond_signal(&scheduler->sync_asked);
    while (!command->done || scheduler->synced < command->commit)
        cond_wait(&scheduler->answered, &scheduler->mutex);
    scheduler->askers--;
    bool lost = scheduler->sync_failed;
    mutex_unlock(&scheduler->mutex);
    if (command->err == ERR_OK && lost)
        return FAIL(diag, ERR_IO, "the scheduler's state cannot be brought to disk");
    return command->err;
}

// --- opening and closing ---

static void take_recovered(struct run *run, void *ctx)
{
    struct scheduler *scheduler = ctx;
    scheduler__recover(scheduler, scheduler__state(scheduler, run->dag->id), run);
}

static err_t remove_tasks(struct scheduler *scheduler, const struct dag *dag, struct diag *diag)
{
    const char **ids = mem_zalloc((dag->task_count + 1) * sizeof *ids);
    for (size_t i = 0; i < dag->task_count; i++)
        ids[i] = dag->tasks[i].id;
    err_t err = history_remove_tasks(scheduler->history, dag->id, ids, diag);
    mem_free(ids);
    return err;
}

static err_t load_state(struct scheduler *scheduler, struct dag_state *state, struct diag *diag)
{
    bool known = false;
    const char *dag_id = state->dag->id;
    state->paused = state->dag->paused_at_creation;
    TRY(history_load_dag(scheduler->history, dag_id, &known, &state->paused, diag));
    TRY(history_last_interval(scheduler->history, dag_id, &state->has_last, &state->last, diag));
    TRY(history_load_active(scheduler->history, state->dag, take_recovered, scheduler, diag));
    if (!list_empty(&state->runs))
        TRY(remove_tasks(scheduler, state->dag, diag));
    for (size_t i = 0; i < state->dag->task_count; i++)
        state->past_matters |= state->dag->tasks[i].depends_on_past;
    scheduler__compute_next(scheduler, state);
    return ERR_OK;
}

static err_t load_states(struct scheduler *scheduler, struct diag *diag)
{
    const struct dag_set *dags = &scheduler->dags;
    const char **ids = mem_zalloc((dags->count + 1) * sizeof *ids);
    scheduler->states = mem_zalloc((dags->count + 1) * sizeof *scheduler->states);
    for (size_t i = 0; i < dags->count; i++) {
        scheduler->states[i].dag = &dags->items[i];
        list_init(&scheduler->states[i].runs);
        ids[i] = dags->items[i].id;
    }
    err_t err = history_end_orphans(scheduler->history, ids, scheduler->changes.now_us, diag);
    mem_free(ids);
    TRY(err);
    TRY(history_newest_run(scheduler->history, &scheduler->newest_run, diag));
    for (size_t i = 0; i < dags->count; i++)
        TRY(load_state(scheduler, &scheduler->states[i], diag));
    return ERR_OK;
}

static void copy_options(struct scheduler *scheduler, const struct scheduler_options *options)
{
    struct arena *arena = &scheduler->dags.arena;
    struct scheduler_var *vars = ARENA_ARRAY(arena, struct scheduler_var, options->var_count + 1);
    for (size_t i = 0; i < options->var_count; i++)
        vars[i] = (struct scheduler_var){arena_strdup(arena, options->vars[i].name),
                                         arena_strdup(arena, options->vars[i].value)};
    scheduler->parallelism = options->parallelism ? options->parallelism : PARALLELISM;
    scheduler->changed = options->changed;
    scheduler->changed_ctx = options->changed_ctx;
    scheduler->host = (struct attempt_host){
        .log = options->log,
        .tables = options->tables,
        .streams = options->streams,
        .vars = vars,
        .var_count = options->var_count,
        .xcom = read_xcom,
        .report = report,
        .self = scheduler,
    };
}

static struct scheduler *new_scheduler(void)
{
    struct scheduler *scheduler = MEM_NEW(struct scheduler);
    mutex_init(&scheduler->mutex);
    mutex_init(&scheduler->read_mutex);
    cond_init(&scheduler->wake);
    cond_init(&scheduler->settled);
    cond_init(&scheduler->work_wake);
    cond_init(&scheduler->answered);
    cond_init(&scheduler->sync_wake);
    cond_init(&scheduler->sync_asked);
    list_init(&scheduler->reports);
    list_init(&scheduler->commands);
    list_init(&scheduler->work);
    list_init(&scheduler->to_start);
    list_init(&scheduler->changes.ready);
    list_init(&scheduler->changes.retrying);
    scheduler->changes.past_allows = scheduler__past_allows;
    scheduler->changes.ctx = scheduler;
    scheduler->changes.now_us = clock_now_us();
    return scheduler;
}

static void free_runs(struct scheduler *scheduler)
{
    for (size_t i = 0; scheduler->states && i < scheduler->dags.count; i++)
        for (struct list *link; (link = list_pop_front(&scheduler->states[i].runs));)
            run_free(CONTAINER_OF(link, struct run, link));
    forget_saved(scheduler);
}

static void free_scheduler(struct scheduler *scheduler)
{
    // Rows that could not be saved at the stop belong to runs freed below.
    vec_clear(&scheduler->changes.runs);
    vec_clear(&scheduler->changes.instances);
    free_runs(scheduler);
    vec_release(&scheduler->changes.runs);
    vec_release(&scheduler->changes.instances);
    vec_release(&scheduler->changes.settled);
    vec_release(&scheduler->changes.tries);
    vec_release(&scheduler->xcoms);
    vec_release(&scheduler->finished);
    history_close(scheduler->history);
    history_close(scheduler->reader);
    dag_set_close(&scheduler->dags);
    cond_release(&scheduler->wake);
    cond_release(&scheduler->settled);
    cond_release(&scheduler->work_wake);
    cond_release(&scheduler->answered);
    cond_release(&scheduler->sync_wake);
    cond_release(&scheduler->sync_asked);
    mutex_release(&scheduler->mutex);
    mutex_release(&scheduler->read_mutex);
    mem_free(scheduler->workers);
    mem_free(scheduler->states);
    mem_free(scheduler->logs_dir);
    mem_free(scheduler->db_path);
    mem_free(scheduler);
}

// From the root on: tasks run in folders of their own.
static void name_files(struct scheduler *scheduler, const char *data_dir)
{
    char *real = realpath(data_dir, NULL);
    scheduler->logs_dir = mem_printf("%s/logs", real ? real : data_dir);
    scheduler->db_path = mem_printf("%s/scheduler.db", real ? real : data_dir);
    scheduler->host.logs_dir = scheduler->logs_dir;
    free(real);
}

static err_t open_files(struct scheduler *scheduler, const struct scheduler_options *options,
                        struct diag *diag)
{
    TRY(dir_make(options->data_dir, diag));
    name_files(scheduler, options->data_dir);
    TRY(history_open(&scheduler->history, scheduler->db_path, diag));
    TRY(history_open(&scheduler->reader, scheduler->db_path, diag));
    return load_states(scheduler, diag);
}

err_t scheduler_open(struct scheduler **out, const struct scheduler_options *options,
                     struct problems *problems, struct diag *diag)
{
    struct scheduler *scheduler = new_scheduler();
    size_t problems_before = problems->count;
    dag_set_load(&scheduler->dags, options->dags_dir, options->vars, options->var_count, problems);
    copy_options(scheduler, options);
    err_t err = problems->count == problems_before
                    ? open_files(scheduler, options, diag)
                    : FAIL(diag, ERR_CONFIG, "%s has problems", options->dags_dir);
    if (err != ERR_OK) {
        free_scheduler(scheduler);
        return err;
    }
    scheduler->workers = mem_zalloc(scheduler->parallelism * sizeof *scheduler->workers);
    for (size_t i = 0; i < scheduler->parallelism; i++)
        thread_start(&scheduler->workers[i], "task", run_worker, scheduler);
    thread_start(&scheduler->syncer, "sched-sync", run_syncer, scheduler);
    thread_start(&scheduler->thread, "scheduler", run_scheduler, scheduler);
    *out = scheduler;
    return ERR_OK;
}

void scheduler_close(struct scheduler *scheduler)
{
    if (!scheduler)
        return;
    mutex_lock(&scheduler->mutex);
    scheduler->stopping = true;
    cond_signal(&scheduler->wake);
    mutex_unlock(&scheduler->mutex);
    thread_join(&scheduler->thread);
    mutex_lock(&scheduler->mutex);
    scheduler->workers_stop = scheduler->syncer_stop = true;
    scheduler->synced = scheduler->committed; // closing the files syncs them
    cond_broadcast(&scheduler->work_wake);
    cond_broadcast(&scheduler->answered);
    cond_signal(&scheduler->sync_wake);
    cond_signal(&scheduler->sync_asked);
    mutex_unlock(&scheduler->mutex);
    thread_join(&scheduler->syncer);
    for (size_t i = 0; i < scheduler->parallelism; i++)
        thread_join(&scheduler->workers[i]);
    free_scheduler(scheduler);
}

struct dag_port scheduler_dag_port(struct scheduler *scheduler)
{
    return (struct dag_port){&scheduler__ops, scheduler};
}

void scheduler_check(const char *dags_dir, struct problems *problems)
{
    struct dag_set dags;
    dag_set_load(&dags, dags_dir, NULL, 0, problems);
    dag_set_close(&dags);
}

void scheduler_wake(struct scheduler *scheduler)
{
    mutex_lock(&scheduler->mutex);
    scheduler->poked = true;
    scheduler->idle = false;
    cond_signal(&scheduler->wake);
    mutex_unlock(&scheduler->mutex);
}

bool scheduler_settle(struct scheduler *scheduler, int64_t timeout_ms)
{
    bool in_time = true;
    mutex_lock(&scheduler->mutex);
    while (!scheduler->idle && in_time)
        in_time = cond_wait_for(&scheduler->settled, &scheduler->mutex, timeout_ms * 1000);
    in_time = scheduler->idle;
    mutex_unlock(&scheduler->mutex);
    return in_time;
}
