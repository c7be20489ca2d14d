// SPDX-License-Identifier: Apache-2.0
#include "scheduler/sentence.h"

#define NAMES_MAX 5 // more tasks than that are counted, not named

void sentence_duration(struct str *out, int64_t us)
{
    long long seconds = us > 0 ? us / INSTANT_SECOND : 0;
    if (seconds < 60)
        str_printf(out, "%lld s", seconds);
    else if (seconds < 3600)
        str_printf(out, "%lld min", seconds / 60);
    else if (seconds < 86400)
        str_printf(out, "%lld h %lld min", seconds / 3600, seconds / 60 % 60);
    else
        str_printf(out, "%lld d %lld h", seconds / 86400, seconds / 3600 % 24);
}

static void append_retry(struct str *out, const struct instance *instance)
{
    struct str at = {0};
    instant_append(&at, instance->next_try_us / INSTANT_SECOND * INSTANT_SECOND);
    str_printf(out, "tries again at %s (try %d of %d)", str_text(&at), instance->try_number + 1,
               instance->max_tries + 1);
    str_release(&at);
}

static void append_slots(struct str *out, const struct surroundings *now)
{
    if (now->paused)
        str_append_text(out, "waits: the DAG is paused");
    else
        str_printf(out, "waits for a free slot: %zu of %zu tasks run", now->running_tasks,
                   now->parallelism);
}

// "fetch, running for 3 min"
static void append_upstream(struct str *out, const struct instance *instance,
                            const struct surroundings *now)
{
    str_append_text(out, instance->task->id);
    if (instance->state == TASK_RUNNING) {
        str_append_text(out, ", running for ");
        sentence_duration(out, now->now_us - instance->started_us);
    } else if (instance->state == TASK_UP_FOR_RETRY) {
        str_append_text(out, ", which ");
        append_retry(out, instance);
    } else if (instance->state == TASK_QUEUED) {
        str_append_text(out, ", which ");
        append_slots(out, now);
    }
}

static void append_upstreams(struct str *out, const struct instance *instance,
                             const struct surroundings *now)
{
    const struct instance *all = instance->run->instances, *named = NULL;
    size_t unfinished = 0;
    for (size_t i = 0; i < instance->task->upstream_count; i++) {
        const struct instance *upstream = &all[instance->task->upstream[i]];
        if (task_state_finished(upstream->state))
            continue;
        unfinished++;
        if (!named || (upstream->state == TASK_RUNNING && named->state != TASK_RUNNING))
            named = upstream;
    }
    if (!named) {
        str_append_text(out, instance->task->depends_on_past
                                 ? "waits for this task in the run before (depends_on_past)"
                                 : "waits to be looked at");
        return;
    }
    str_append_text(out, "waits for ");
    append_upstream(out, named, now);
    if (unfinished > 1)
        str_printf(out, ", and for %zu more", unfinished - 1);
}

void sentence_task(struct str *out, const struct instance *instance, const struct surroundings *now)
{
    enum run_state run = instance->run->state;
    if (task_state_finished(instance->state) || instance->state == TASK_RUNNING)
        return;
    if (run == RUN_QUEUED)
        str_append_text(out, "waits for its run to start");
    else if (instance->state == TASK_UP_FOR_RETRY)
        append_retry(out, instance);
    else if (instance->state == TASK_QUEUED)
        append_slots(out, now);
    else if (run == RUN_RUNNING)
        append_upstreams(out, instance, now);
}

// The instance a running run waits for most of all: one that runs, else one that will.
static const struct instance *foremost(const struct run *run)
{
    static const enum task_state order[] = {TASK_RUNNING, TASK_QUEUED, TASK_UP_FOR_RETRY,
                                            TASK_NONE};
    for (size_t s = 0; s < sizeof order / sizeof *order; s++)
        for (size_t i = 0; i < run->dag->task_count; i++)
            if (run->instances[run->dag->order[i]].state == order[s])
                return &run->instances[run->dag->order[i]];
    return NULL;
}

void sentence_run(struct str *out, const struct run *run, const struct surroundings *now)
{
    if (run->state == RUN_QUEUED) {
        if (now->paused)
            str_append_text(out, "waits: the DAG is paused");
        else
            str_printf(out, "waits for its turn: %zu of %zu runs of this DAG run",
                       now->running_runs, run->dag->max_active_runs);
        return;
    }
    const struct instance *instance = run->state == RUN_RUNNING ? foremost(run) : NULL;
    if (!instance)
        return;
    if (instance->state == TASK_NONE) {
        str_printf(out, "%s ", instance->task->id);
        sentence_task(out, instance, now);
        return;
    }
    str_append_text(out, "waits for ");
    append_upstream(out, instance, now);
}

// --- running again ---

static void append_names(struct str *out, const struct run *run, const bool *chosen, size_t count)
{
    size_t shown = count > NAMES_MAX ? NAMES_MAX : count, done = 0;
    for (size_t i = 0; i < run->dag->task_count && done < shown; i++) {
        size_t index = run->dag->order[i];
        if (!chosen[index])
            continue;
        bool last = done + 1 == shown && shown == count;
        str_printf(out, "%s%s", done == 0 ? "" : last ? " and " : ", ", run->dag->tasks[index].id);
        done++;
    }
    if (count > shown)
        str_printf(out, " and %zu more", count - shown);
}

// The last of the chosen, if it comes after all others.
static const struct task *closing_task(const struct run *run, const bool *chosen)
{
    const struct task *found = NULL;
    for (size_t i = 0; i < run->dag->task_count; i++) {
        const struct task *task = &run->dag->tasks[i];
        bool leaf = chosen[i];
        for (size_t k = 0; leaf && k < task->downstream_count; k++)
            leaf = !chosen[task->downstream[k]];
        if (leaf && found)
            return NULL;
        if (leaf)
            found = task;
    }
    return found;
}

void sentence_rerun(struct str *out, const struct run *run, const bool *chosen)
{
    size_t count = 0;
    for (size_t i = 0; i < run->dag->task_count; i++)
        count += chosen[i];
    const struct task *last = count > 1 ? closing_task(run, chosen) : NULL;
    str_append_text(out, "Runs ");
    if (last) {
        bool *rest = mem_dup(chosen, run->dag->task_count * sizeof *rest);
        rest[last->index] = false;
        append_names(out, run, rest, count - 1);
        mem_free(rest);
    } else {
        append_names(out, run, chosen, count);
    }
    str_append_text(out, " again for ");
    if (run->logical_us % INSTANT_DAY == 0)
        instant_append_date(out, run->logical_us);
    else
        instant_append(out, run->logical_us / INSTANT_SECOND * INSTANT_SECOND);
    if (last)
        str_printf(out, ", then %s", last->id);
    str_append_byte(out, '.');
}
