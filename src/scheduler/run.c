// SPDX-License-Identifier: Apache-2.0
//
// States of an instance: none -> queued (may start) -> running -> success | skipped | failed, or ->
// up_for_retry -> queued; a trigger rule may settle it from none. Settled instances go into a
// worklist; each one makes its direct downstream be looked at, so the cost of an end of task is its
// fan-out, not the size of the DAG.
#include "scheduler/run.h"

#include "base/hash.h"
#include "base/mem.h"

#define RETRY_MAX_MS INT64_C(86400000)

static const char *const type_names[] = {
    [RUN_SCHEDULED] = "scheduled", [RUN_MANUAL] = "manual", [RUN_BACKFILL] = "backfill"};
static const char *const state_names[] = {[RUN_QUEUED] = "queued",
                                          [RUN_RUNNING] = "running",
                                          [RUN_SUCCESS] = "success",
                                          [RUN_FAILED] = "failed"};

const char *run_type_name(enum run_type type)
{
    return type_names[type];
}

const char *run_state_name(enum run_state state)
{
    return state_names[state];
}

bool run_state_parse(const char *name, enum run_state *out)
{
    for (int i = RUN_QUEUED; i <= RUN_FAILED; i++)
        if (strcmp(name, state_names[i]) == 0) {
            *out = (enum run_state)i;
            return true;
        }
    return false;
}

bool run_type_parse(const char *name, enum run_type *out)
{
    for (int i = RUN_SCHEDULED; i <= RUN_BACKFILL; i++)
        if (strcmp(name, type_names[i]) == 0) {
            *out = (enum run_type)i;
            return true;
        }
    return false;
}

struct run *run_new(const struct dag *dag, enum run_type type)
{
    struct run *run = MEM_NEW(struct run);
    list_init(&run->link);
    run->dag = dag;
    run->type = type;
    run->unfinished = dag->task_count;
    run->instances = mem_zalloc((dag->task_count + 1) * sizeof(struct instance));
    for (size_t i = 0; i < dag->task_count; i++) {
        struct instance *instance = &run->instances[i];
        instance->run = run;
        instance->task = &dag->tasks[i];
        instance->max_tries = dag->tasks[i].retries;
        list_init(&instance->link);
    }
    return run;
}

void run_free(struct run *run)
{
    for (size_t i = 0; i < run->dag->task_count; i++) {
        list_remove(&run->instances[i].link);
        mem_free(run->instances[i].error);
    }
    list_remove(&run->link);
    mem_free(run->instances);
    mem_free(run->run_id);
    mem_free(run->conf);
    mem_free(run->note);
    mem_free(run);
}

char *run_make_id(enum run_type type, int64_t logical_us)
{
    struct str text = {0};
    str_printf(&text, "%s__", run_type_name(type));
    instant_append_offset(&text, logical_us);
    return str_take(&text);
}

// --- changing ---

void run_touch(struct run_changes *changes, struct run *run)
{
    if (run->dirty)
        return;
    run->dirty = true;
    vec_push(&changes->runs, run);
}

void run_touch_instance(struct run_changes *changes, struct instance *instance)
{
    if (instance->dirty)
        return;
    instance->dirty = true;
    vec_push(&changes->instances, instance);
}

void run_set_error(struct instance *instance, const char *error)
{
    char *copy = error ? mem_strdup(error) : NULL;
    mem_free(instance->error);
    instance->error = copy;
}

static bool is_moving(enum task_state state)
{
    return state == TASK_QUEUED || state == TASK_RUNNING || state == TASK_UP_FOR_RETRY;
}

void run_set_state(struct run_changes *changes, struct instance *instance, enum task_state state)
{
    struct run *run = instance->run;
    bool was_finished = task_state_finished(instance->state), finished = task_state_finished(state);
    run->moving += (size_t)is_moving(state) - (size_t)is_moving(instance->state);
    run->unfinished += (size_t)was_finished - (size_t)finished;
    instance->state = state;
    instance->blocked_by_past = false;
    list_remove(&instance->link);
    if (state == TASK_QUEUED) {
        instance->queued_us = changes->now_us;
        list_push_back(&changes->ready, &instance->link);
    }
    if (state == TASK_UP_FOR_RETRY)
        list_push_back(&changes->retrying, &instance->link);
    if (finished) {
        instance->finished_us = changes->now_us;
        vec_push(&changes->settled, instance);
    }
    run_touch_instance(changes, instance);
}

int64_t run_retry_delay_us(const struct task *task, const struct run *run, int try_number)
{
    int64_t delay_ms = task->retry_delay_ms;
    if (task->exponential) {
        // m, then a deterministic jitter in [m, 2m), as Airflow has it
        for (int i = 1; i < try_number && delay_ms < RETRY_MAX_MS; i++)
            delay_ms *= 2;
        delay_ms = delay_ms < 1000 ? 1000 : delay_ms;
        uint64_t seed = hash_bytes(task->id, strlen(task->id)) + (uint64_t)run->logical_us;
        delay_ms += (int64_t)(hash_u64(seed + (uint64_t)try_number) % (uint64_t)delay_ms);
    }
    if (task->max_retry_delay_ms && delay_ms > task->max_retry_delay_ms)
        delay_ms = task->max_retry_delay_ms;
    return (delay_ms < RETRY_MAX_MS ? delay_ms : RETRY_MAX_MS) * 1000;
}

void run_close_try(struct run_changes *changes, const struct instance *instance, const char *error)
{
    struct closed_try closed = {
        .run = instance->run->id,
        .task_id = instance->task->id,
        .try_number = instance->try_number,
        .started_us = instance->started_us,
        .finished_us = changes->now_us,
        .records = instance->records,
        .bytes = instance->bytes,
        .error = mem_strdup(error),
    };
    vec_push(&changes->tries, closed);
}

void run_fail_try(struct run_changes *changes, struct instance *instance, const char *error,
                  bool may_retry)
{
    run_set_error(instance, error);
    if (!may_retry || instance->try_number > instance->max_tries) {
        run_set_state(changes, instance, TASK_FAILED);
        return;
    }
    run_close_try(changes, instance, error);
    instance->finished_us = changes->now_us;
    instance->next_try_us =
        changes->now_us + run_retry_delay_us(instance->task, instance->run, instance->try_number);
    run_set_state(changes, instance, TASK_UP_FOR_RETRY);
}

// --- deciding ---

static void decide(struct run_changes *changes, struct instance *instance)
{
    const struct task *task = instance->task;
    struct run *run = instance->run;
    enum task_state few[16] = {TASK_NONE}, *states = few;
    if (instance->state != TASK_NONE)
        return;
    if (task->upstream_count > 16)
        states = mem_alloc(task->upstream_count * sizeof *states);
    for (size_t i = 0; i < task->upstream_count; i++)
        states[i] = run->instances[task->upstream[i]].state;
    enum trigger_verdict verdict = trigger_rule_decide(task->rule, states, task->upstream_count);
    if (states != few)
        mem_free(states);
    switch (verdict) {
    case VERDICT_WAIT:
        break;
    case VERDICT_SKIPPED:
        run_set_state(changes, instance, TASK_SKIPPED);
        break;
    case VERDICT_UPSTREAM_FAILED:
        run_set_state(changes, instance, TASK_UPSTREAM_FAILED);
        break;
    case VERDICT_RUN:
        if (task->depends_on_past && !changes->past_allows(instance, changes->ctx))
            instance->blocked_by_past = true;
        else
            run_set_state(changes, instance, TASK_QUEUED);
        break;
    }
}

static void end_run(struct run_changes *changes, struct run *run, enum run_state state,
                    const char *note)
{
    char *copy = note ? mem_strdup(note) : NULL;
    mem_free(run->note);
    run->note = copy;
    run->state = state;
    run->finished_us = changes->now_us;
    run_touch(changes, run);
}

// The first failure's own sentence.
static char *failure_note(const struct run *run)
{
    for (size_t i = 0; i < run->dag->task_count; i++) {
        const struct instance *instance = &run->instances[run->dag->order[i]];
        if (instance->state == TASK_FAILED)
            return mem_printf("%s: %s", instance->task->id,
                              instance->error ? instance->error : "failed");
    }
    return mem_strdup("a task before it failed");
}

// Failed when a leaf failed; a leaf that runs in spite of failures (all_done) makes the run a
// success.
static void check_end(struct run_changes *changes, struct run *run)
{
    if (run->state != RUN_RUNNING || run->moving > 0)
        return;
    bool failed = false, blocked = false;
    for (size_t i = 0; i < run->dag->task_count; i++) {
        const struct instance *instance = &run->instances[i];
        blocked |= instance->blocked_by_past;
        if (instance->task->downstream_count == 0)
            failed |= instance->state == TASK_FAILED || instance->state == TASK_UPSTREAM_FAILED;
    }
    if (run->unfinished > 0) {
        if (!blocked)
            end_run(
                changes, run, RUN_FAILED,
                "no task can run any more: their trigger rules wait for states that cannot come");
        return;
    }
    char *note = failed ? failure_note(run) : NULL;
    end_run(changes, run, failed ? RUN_FAILED : RUN_SUCCESS, note);
    mem_free(note);
}

void run_propagate(struct run_changes *changes)
{
    struct {
        VEC(struct run *) all;
    } touched = {0};
    for (size_t i = 0; i < changes->settled.count; i++) { // grows while it is walked
        struct instance *instance = changes->settled.items[i];
        struct run *run = instance->run;
        if (run->state == RUN_RUNNING)
            for (size_t k = 0; k < instance->task->downstream_count; k++)
                decide(changes, &run->instances[instance->task->downstream[k]]);
        if (touched.all.count == 0 || touched.all.items[touched.all.count - 1] != run)
            vec_push(&touched.all, run);
    }
    vec_clear(&changes->settled);
    for (size_t i = 0; i < touched.all.count; i++)
        check_end(changes, touched.all.items[i]);
    vec_release(&touched.all);
}

void run_evaluate(struct run_changes *changes, struct run *run)
{
    for (size_t i = 0; i < run->dag->task_count; i++)
        decide(changes, &run->instances[run->dag->order[i]]);
    run_propagate(changes);
    check_end(changes, run);
}

void run_time_out(struct run_changes *changes, struct run *run)
{
    char note[128];
    snprintf(note, sizeof note, "did not end within its dagrun_timeout of %g s",
             (double)run->dag->timeout_ms / 1000);
    end_run(changes, run, RUN_FAILED, note);
    for (size_t i = 0; i < run->dag->task_count; i++)
        if (!task_state_finished(run->instances[i].state))
            run_set_state(changes, &run->instances[i], TASK_SKIPPED);
}

void run_choose_downstream(const struct dag *dag, size_t task, bool *chosen)
{
    chosen[task] = true;
    for (size_t i = 0; i < dag->task_count; i++) {
        const struct task *next = &dag->tasks[dag->order[i]];
        for (size_t k = 0; k < next->upstream_count && !chosen[next->index]; k++)
            chosen[next->index] = chosen[next->upstream[k]];
    }
}

void run_clear(struct run_changes *changes, struct run *run, const bool *chosen)
{
    for (size_t i = 0; i < run->dag->task_count; i++) {
        struct instance *instance = &run->instances[i];
        if (!chosen[i])
            continue;
        instance->max_tries = instance->try_number + instance->task->retries;
        instance->records = instance->bytes = 0;
        instance->started_us = instance->finished_us = instance->next_try_us = 0;
        run_set_error(instance, NULL);
        run_set_state(changes, instance, TASK_NONE);
    }
    mem_free(run->note);
    run->note = NULL;
    run->finished_us = 0;
    if (run->state != RUN_RUNNING) {
        run->state = RUN_QUEUED;
        run->queued_us = changes->now_us;
        run->started_us = 0;
    }
    run_touch(changes, run);
}
