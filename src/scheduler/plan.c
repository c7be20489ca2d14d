// SPDX-License-Identifier: Apache-2.0
//
// One round of deciding: runs that are due are made, queued runs start within max_active_runs,
// retries whose time has come queue up, runs that took too long end, ready tasks get free threads.
// Repeated until nothing moves, because an ended run may let the next one start.
#include "scheduler/scheduler_int.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "os/clock.h"

#define ROUNDS_MAX 10000

struct dag_state *scheduler__state(struct scheduler *scheduler, const char *dag_id)
{
    for (size_t i = 0; i < scheduler->dags.count; i++)
        if (strcmp(scheduler->dags.items[i].id, dag_id) == 0)
            return &scheduler->states[i];
    return NULL;
}

struct run *scheduler__active_run(const struct dag_state *state, const char *run_id,
                                  int64_t logical_us)
{
    LIST_EACH(&state->runs, link)
    {
        struct run *run = CONTAINER_OF(link, struct run, link);
        if (run_id ? strcmp(run->run_id, run_id) == 0 : run->logical_us == logical_us)
            return run;
    }
    return NULL;
}

static struct dag_state *state_of(struct scheduler *scheduler, const struct run *run)
{
    return &scheduler->states[run->dag - scheduler->dags.items];
}

void scheduler__compute_next(struct scheduler *scheduler, struct dag_state *state)
{
    state->has_next = timetable_next(state->dag->timetable, state->dag->limits,
                                     state->has_last ? &state->last : NULL,
                                     scheduler->changes.now_us, &state->next);
    state->dirty = true;
}

// --- runs ---

void scheduler__add_run(struct scheduler *scheduler, struct dag_state *state, struct run *run)
{
    (void)scheduler;
    list_push_back(&state->runs, &run->link);
    state->running += run->state == RUN_RUNNING;
    state->active += run->type != RUN_BACKFILL;
}

struct run *scheduler__new_run(struct scheduler *scheduler, struct dag_state *state,
                               enum run_type type, int64_t logical_us,
                               struct data_interval interval)
{
    struct run *run = run_new(state->dag, type);
    run->id = ++scheduler->newest_run;
    run->run_id = run_make_id(type, logical_us);
    run->logical_us = logical_us;
    run->interval = interval;
    run->run_after_us = type == RUN_MANUAL ? scheduler->changes.now_us : interval.end_us;
    run->queued_us = scheduler->changes.now_us;
    run_touch(&scheduler->changes, run);
    for (size_t i = 0; i < state->dag->task_count; i++)
        run_touch_instance(&scheduler->changes, &run->instances[i]);
    scheduler__add_run(scheduler, state, run);
    return run;
}

static bool date_is_taken(struct scheduler *scheduler, struct dag_state *state, int64_t logical_us)
{
    struct run *old = NULL;
    if (scheduler__active_run(state, NULL, logical_us))
        return true;
    if (history_load_run(scheduler->history, state->dag, NULL, logical_us, &old, NULL) != ERR_OK)
        return false;
    run_free(old);
    return true;
}

static bool make_due_runs(struct scheduler *scheduler, struct dag_state *state)
{
    bool any = false;
    if (timetable_is_continuous(state->dag->timetable) && state->active == 0)
        scheduler__compute_next(scheduler, state);
    while (!state->paused && state->has_next && state->active < state->dag->max_active_runs &&
           state->next.run_after_us <= scheduler->changes.now_us) {
        struct timetable_run due = state->next;
        if (date_is_taken(scheduler, state, due.interval.start_us))
            LOG_INFO("scheduler", "a run of that date exists already", "dag=%s", state->dag->id);
        else
            scheduler__new_run(scheduler, state, RUN_SCHEDULED, due.interval.start_us,
                               due.interval);
        state->last = due.interval;
        state->has_last = true;
        scheduler__compute_next(scheduler, state);
        any = true;
    }
    return any;
}

static bool start_queued_runs(struct scheduler *scheduler, struct dag_state *state)
{
    bool any = false;
    if (state->paused)
        return false;
    LIST_EACH(&state->runs, link)
    {
        struct run *run = CONTAINER_OF(link, struct run, link);
        if (state->running >= state->dag->max_active_runs)
            break;
        if (run->state != RUN_QUEUED)
            continue;
        run->state = RUN_RUNNING;
        if (run->started_us == 0)
            run->started_us = scheduler->changes.now_us;
        state->running++;
        LOG_INFO("scheduler", "run started", "dag=%s run=%s", run->dag->id, run->run_id);
        run_touch(&scheduler->changes, run);
        run_evaluate(&scheduler->changes, run);
        any = true;
    }
    return any;
}

static void cancel_attempts(struct run *run, enum cancel_reason reason)
{
    for (size_t i = 0; run->attempts && i < run->dag->task_count; i++)
        if (run->instances[i].attempt)
            attempt_cancel(run->instances[i].attempt, reason);
}

static void tell_end(const struct run *run)
{
    int64_t records = 0, bytes = 0;
    for (size_t i = 0; i < run->dag->task_count; i++) {
        records += run->instances[i].records;
        bytes += run->instances[i].bytes;
    }
    LOG_INFO("scheduler", run->state == RUN_SUCCESS ? "run succeeded" : "run failed",
             "dag=%s run=%s records=%lld bytes=%lld%s%s%s", run->dag->id, run->run_id,
             (long long)records, (long long)bytes, run->note ? " note=\"" : "",
             run->note ? run->note : "", run->note ? "\"" : "");
}

// Takes ended runs out, times out slow ones, looks again at those that wait for the past.
static bool tend_running_runs(struct scheduler *scheduler, struct dag_state *state, bool look_again)
{
    bool any = false;
    LIST_EACH(&state->runs, link)
    {
        struct run *run = CONTAINER_OF(link, struct run, link);
        int64_t limit_us = state->dag->timeout_ms * 1000;
        if (run->state == RUN_RUNNING && limit_us &&
            run->started_us + limit_us <= scheduler->changes.now_us) {
            run_time_out(&scheduler->changes, run);
            cancel_attempts(run, CANCEL_TIMEOUT);
            run_propagate(&scheduler->changes);
        }
        if (run->state == RUN_RUNNING && look_again)
            run_evaluate(&scheduler->changes, run);
        if (run->state != RUN_SUCCESS && run->state != RUN_FAILED)
            continue;
        tell_end(run);
        list_remove(&run->link);
        state->running--;
        state->active -= run->type != RUN_BACKFILL;
        state->look_again = state->past_matters;
        if (run->attempts == 0)
            vec_push(&scheduler->finished, run);
        any = true;
    }
    return any;
}

// --- tasks ---

static void queue_retries(struct scheduler *scheduler)
{
    LIST_EACH(&scheduler->changes.retrying, link)
    {
        struct instance *instance = CONTAINER_OF(link, struct instance, link);
        if (instance->next_try_us <= scheduler->changes.now_us)
            run_set_state(&scheduler->changes, instance, TASK_QUEUED);
    }
}

static void start_instance(struct scheduler *scheduler, struct instance *instance)
{
    run_set_state(&scheduler->changes, instance, TASK_RUNNING);
    run_set_error(instance, NULL);
    instance->try_number++;
    instance->started_us = scheduler->changes.now_us;
    instance->finished_us = instance->next_try_us = 0;
    instance->records = instance->bytes = instance->pid = instance->pid_token = 0;
    if (instance->task->type == TYPE_OF_EMPTY) {
        metric_add(METRIC_SCHEDULER_TASKS, 1);
        run_set_state(&scheduler->changes, instance, TASK_SUCCESS);
        return;
    }
    struct xcom_change drop = {.run = instance->run->id, .task_id = instance->task->id};
    vec_push(&scheduler->xcoms, drop);
    instance->attempt = attempt_new(instance, &scheduler->host);
    instance->run->attempts++;
    scheduler->busy++;
    list_push_back(&scheduler->to_start, &instance->attempt->link);
}

static bool start_tasks(struct scheduler *scheduler)
{
    bool any = false;
    LIST_EACH(&scheduler->changes.ready, link)
    {
        struct instance *instance = CONTAINER_OF(link, struct instance, link);
        if (state_of(scheduler, instance->run)->paused || instance->attempt)
            continue;
        if (scheduler->busy >= scheduler->parallelism && instance->task->type != TYPE_OF_EMPTY)
            continue;
        start_instance(scheduler, instance);
        any = true;
    }
    if (any)
        run_propagate(&scheduler->changes);
    return any;
}

void scheduler__plan(struct scheduler *scheduler)
{
    scheduler->changes.now_us = clock_now_us();
    if (scheduler->stopping_seen)
        return;
    for (size_t i = 0; i < scheduler->dags.count; i++) {
        scheduler->states[i].looking = scheduler->states[i].look_again;
        scheduler->states[i].look_again = false;
    }
    bool moved = true;
    for (int round = 0; moved && round < ROUNDS_MAX; round++) {
        moved = false;
        queue_retries(scheduler);
        for (size_t i = 0; i < scheduler->dags.count; i++) {
            struct dag_state *state = &scheduler->states[i];
            moved |= make_due_runs(scheduler, state);
            moved |= start_queued_runs(scheduler, state);
            moved |= tend_running_runs(scheduler, state, state->looking && round == 0);
        }
        moved |= start_tasks(scheduler);
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a == INSTANT_NONE || b < a ? b : a;
}

int64_t scheduler__next_due(const struct scheduler *scheduler)
{
    int64_t due = INSTANT_NONE;
    if (scheduler->stopping_seen)
        return due;
    for (size_t i = 0; i < scheduler->dags.count; i++) {
        const struct dag_state *state = &scheduler->states[i];
        if (state->look_again)
            return scheduler->changes.now_us;
        if (!state->paused && state->has_next && state->active < state->dag->max_active_runs)
            due = earlier(due, state->next.run_after_us);
        LIST_EACH(&state->runs, link)
        {
            const struct run *run = CONTAINER_OF(link, struct run, link);
            if (run->state == RUN_RUNNING && state->dag->timeout_ms)
                due = earlier(due, run->started_us + state->dag->timeout_ms * 1000);
        }
    }
    LIST_EACH(&scheduler->changes.retrying, retry)
    due = earlier(due, CONTAINER_OF(retry, struct instance, link)->next_try_us);
    return due;
}

// --- ends of tries ---

void scheduler__note_progress(struct scheduler *scheduler, struct attempt *attempt)
{
    struct instance *instance = attempt->instance;
    if (instance->state != TASK_RUNNING) // its run has ended without it
        return;
    mutex_lock(&attempt->mutex);
    instance->records = attempt->records;
    instance->bytes = attempt->bytes;
    instance->pid = attempt->pid;
    instance->pid_token = attempt->pid_token;
    mutex_unlock(&attempt->mutex);
    run_touch_instance(&scheduler->changes, instance);
}

static void apply_outcome(struct scheduler *scheduler, struct attempt *attempt)
{
    struct instance *instance = attempt->instance;
    struct run_changes *changes = &scheduler->changes;
    if (instance->state != TASK_RUNNING) // its run has ended without it
        return;
    if (attempt->reason == CANCEL_CLEAR) {
        run_close_try(changes, instance, "stopped, to run again from there");
        instance->max_tries = instance->try_number + instance->task->retries;
        instance->records = instance->bytes = 0;
        run_set_state(changes, instance, TASK_NONE);
        run_evaluate(changes, instance->run);
    } else if (attempt->reason == CANCEL_STOP && attempt->outcome == TASK_FAILED) {
        run_close_try(changes, instance, "weir was stopped while it ran");
        instance->max_tries++;
        instance->finished_us = changes->now_us;
        instance->next_try_us = changes->now_us;
        run_set_error(instance, "weir was stopped while it ran");
        run_set_state(changes, instance, TASK_UP_FOR_RETRY);
    } else if (attempt->outcome == TASK_FAILED) {
        run_fail_try(changes, instance, attempt->error, !attempt->final);
    } else {
        struct xcom_change xcom = {instance->run->id, instance->task->id, attempt->xcom};
        attempt->xcom = NULL;
        if (xcom.json)
            vec_push(&scheduler->xcoms, xcom);
        run_set_state(changes, instance, attempt->outcome);
    }
}

void scheduler__finish_attempt(struct scheduler *scheduler, struct attempt *attempt)
{
    struct instance *instance = attempt->instance;
    struct run *run = instance->run;
    struct dag_state *state = state_of(scheduler, run);
    metric_add(METRIC_SCHEDULER_TASKS, 1);
    if (attempt->outcome == TASK_FAILED)
        metric_add(METRIC_SCHEDULER_TASK_FAILURES, 1);
    scheduler__note_progress(scheduler, attempt);
    instance->pid = instance->pid_token = 0;
    instance->attempt = NULL;
    run->attempts--;
    scheduler->busy--;
    state->look_again = state->past_matters;
    apply_outcome(scheduler, attempt);
    run_propagate(&scheduler->changes);
    bool gone = list_empty(&run->link) && run->attempts == 0;
    if (gone)
        vec_push(&scheduler->finished, run);
    attempt_free(attempt);
}

void scheduler__recover(struct scheduler *scheduler, struct dag_state *state, struct run *run)
{
    struct run_changes *changes = &scheduler->changes;
    scheduler__add_run(scheduler, state, run);
    for (size_t i = 0; i < run->dag->task_count; i++) {
        struct instance *instance = &run->instances[i];
        enum task_state was = instance->state;
        if (was == TASK_QUEUED)
            list_push_back(&changes->ready, &instance->link);
        if (was == TASK_UP_FOR_RETRY)
            list_push_back(&changes->retrying, &instance->link);
        if (was != TASK_RUNNING)
            continue;
        if (process_kill_leftover(instance->pid, instance->pid_token))
            LOG_INFO("scheduler", "ended what an earlier weir left running",
                     "dag=%s task=%s pid=%lld", run->dag->id, instance->task->id,
                     (long long)instance->pid);
        instance->pid = instance->pid_token = 0;
        run_fail_try(changes, instance, "weir stopped while it ran", true);
    }
    run_propagate(changes);
    if (run->state == RUN_RUNNING)
        run_evaluate(changes, run);
}

bool scheduler__past_allows(const struct instance *instance, void *ctx)
{
    struct scheduler *scheduler = ctx;
    const struct run *run = instance->run;
    const struct run *before = NULL;
    struct dag_state *state = state_of(scheduler, run);
    LIST_EACH(&state->runs, link)
    {
        const struct run *other = CONTAINER_OF(link, struct run, link);
        if (other->logical_us < run->logical_us &&
            (!before || other->logical_us > before->logical_us))
            before = other;
    }
    enum task_state past = TASK_SUCCESS;
    int64_t past_us = INSTANT_NONE;
    bool found = false;
    err_t err = history_past_state(scheduler->history, run->dag->id, run->logical_us,
                                   instance->task->id, &found, &past, &past_us, NULL);
    if (err != ERR_OK)
        return false;
    if (before && before->logical_us >= past_us) { // memory knows more than what is saved
        past = before->instances[instance->task->index].state;
        found = true;
    }
    return !found || past == TASK_SUCCESS || past == TASK_SKIPPED;
}
