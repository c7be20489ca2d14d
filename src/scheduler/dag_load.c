// SPDX-License-Identifier: Apache-2.0
//
// Files of dags/: each top-level key is a DAG, but `default`. A DAG with a problem is left out of
// the set; the problems say so and the program does not start, so nobody runs half of what was
// written.
#include "scheduler/dag_int.h"

#include "base/vec.h"
#include "os/file.h"

#include <stdlib.h>

#define TASKS_MAX 10000

static const char *const known_dag[] = {"schedule",
                                        "schedule_interval",
                                        "timezone",
                                        "start_date",
                                        "end_date",
                                        "catchup",
                                        "max_active_runs",
                                        "dagrun_timeout",
                                        "dagrun_timeout_sec",
                                        "description",
                                        "tags",
                                        "params",
                                        "tasks",
                                        "default_args",
                                        "is_paused_upon_creation",
                                        "doc_md",
                                        "default_view",
                                        "orientation",
                                        "concurrency",
                                        "max_active_tasks",
                                        "owner_links",
                                        "dag_display_name",
                                        NULL};
static const char *const known_schedule[] = {"kind", "cron", "preset", "every", "timezone", NULL};
static const char *const known_defaults[] = {DAG_COMMON_KEYS, NULL};
static const char *const known_default_block[] = {"default_args",    "schedule", "start_date",
                                                  "timezone",        "catchup",  "tags",
                                                  "max_active_runs", NULL};

struct loading {
    struct arena *arena;
    const struct scheduler_var *vars;
    size_t var_count;
    struct problems *problems;
    const char *path;   // of the folder, as the user gave it
    const char *folder; // the same from the root on
    VEC(struct dag) dags;
};

// --- schedule ---

struct schedule {
    enum timetable_kind kind;
    const char *text; // cron or preset
    const char *zone;
    int64_t every_ms;
    const struct yaml *node; // where a problem is shown
};

static void read_schedule_map(struct dag_reader *reader, const struct yaml *map,
                              struct schedule *out)
{
    const struct yaml_source *source = &reader->source;
    yaml_known(source, map, known_schedule);
    const char *kind = yaml_text(source, map, "kind", "interval");
    if (strcmp(kind, "trigger") == 0)
        out->kind = TIMETABLE_TRIGGER;
    else if (strcmp(kind, "interval") != 0)
        yaml_problem(source, yaml_get(map, "kind"),
                     "'kind' must be interval or trigger, not '%.40s'", kind);
    const char *cron = yaml_text(source, map, "cron", NULL);
    const char *preset = yaml_text(source, map, "preset", NULL);
    out->text = cron ? cron : preset;
    out->every_ms = dag__duration_ms(reader, map, "every", NULL, 0);
    out->zone = yaml_text(source, map, "timezone", out->zone);
    if ((cron != NULL) + (preset != NULL) + !yaml_is_null(yaml_get(map, "every")) != 1)
        yaml_problem(source, map, "'schedule' needs one of 'cron', 'preset' and 'every'");
}

static void read_schedule(struct dag_reader *reader, const struct yaml *dag_node, struct dag *dag)
{
    const char *key = yaml_get(dag_node, "schedule") ? "schedule" : "schedule_interval";
    const struct yaml *node = yaml_get(dag_node, key);
    struct schedule schedule = {.node = node ? node : dag_node};
    struct diag diag = DIAG_INIT;
    schedule.zone = yaml_text(&reader->source, dag_node, "timezone", NULL);
    if (node && node->kind == YAML_MAP)
        read_schedule_map(reader, node, &schedule);
    else
        schedule.text = yaml_text(&reader->source, dag_node, key, NULL);
    const char *text = schedule.text;
    if (text && *text != '@' && !strchr(text, '*') && *text != 'P' &&
        duration_parse_ms(bytes_from(text), &schedule.every_ms))
        schedule.text = NULL;
    err_t err =
        schedule.every_ms
            ? timetable_open_every(&dag->timetable, schedule.kind, schedule.every_ms * 1000, &diag)
            : timetable_open(&dag->timetable, schedule.kind, schedule.text, schedule.zone, &diag);
    if (err != ERR_OK) {
        yaml_problem(&reader->source, schedule.node, "%s", diag_text(&diag));
        return;
    }
    if (schedule.text || schedule.every_ms)
        dag->schedule = arena_strdup(reader->arena, timetable_text(dag->timetable));
    if (timetable_is_continuous(dag->timetable))
        dag->max_active_runs = 1;
}

static int64_t read_date(struct dag_reader *reader, const struct yaml *dag_node,
                         const struct dag *dag, const char *key)
{
    const struct yaml *chain[] = {dag_node, reader->defaults[0], reader->defaults[1]};
    int64_t out = INSTANT_NONE;
    for (int i = 0; i < 3; i++) {
        if (!chain[i] || yaml_is_null(yaml_get(chain[i], key)))
            continue;
        struct diag diag = DIAG_INIT;
        const char *text = yaml_text(&reader->source, chain[i], key, NULL);
        const struct zone *zone = dag->timetable ? timetable_zone(dag->timetable) : NULL;
        if (text && instant_parse(text, zone, &out, &diag) != ERR_OK)
            yaml_problem(&reader->source, yaml_get(chain[i], key), "'%s': %s", key,
                         diag_text(&diag));
        return out;
    }
    return out;
}

// --- tasks ---

struct index_list {
    VEC(size_t) all;
};

static void add_dependency(struct dag_reader *reader, const struct yaml *item, struct task *task,
                           const struct task *tasks, size_t count, struct index_list *list)
{
    if (item->kind != YAML_SCALAR) {
        yaml_problem(&reader->source, item, "a dependency must be the id of a task");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tasks[i].id, item->text) != 0)
            continue;
        for (size_t k = 0; k < list->all.count; k++)
            if (list->all.items[k] == i)
                return;
        vec_push(&list->all, i);
        return;
    }
    yaml_problem(&reader->source, item,
                 "task '%s' depends on '%.60s', which is no task of this DAG", task->id,
                 item->text);
}

static void read_dependencies(struct dag_reader *reader, const struct yaml *node, struct task *task,
                              const struct task *tasks, size_t count)
{
    const struct yaml *given = yaml_get(node, "dependencies");
    struct index_list list = {0};
    if (given && given->kind == YAML_LIST)
        for (size_t i = 0; i < given->count; i++)
            add_dependency(reader, given->items[i], task, tasks, count, &list);
    else if (given && !yaml_is_null(given))
        add_dependency(reader, given, task, tasks, count, &list);
    task->upstream_count = list.all.count;
    task->upstream = arena_dup(reader->arena, list.all.items, list.all.count * sizeof(size_t));
    vec_release(&list.all);
}

static void link_downstream(struct arena *arena, struct task *tasks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < tasks[i].upstream_count; k++)
            tasks[tasks[i].upstream[k]].downstream_count++;
    for (size_t i = 0; i < count; i++) {
        size_t *list = ARENA_ARRAY(arena, size_t, tasks[i].downstream_count + 1);
        size_t at = 0;
        for (size_t d = 0; d < count; d++)
            for (size_t k = 0; k < tasks[d].upstream_count; k++)
                if (tasks[d].upstream[k] == i)
                    list[at++] = d;
        tasks[i].downstream = list;
    }
}

// Follows upstreams that are themselves in the cycle until one comes again.
static void report_cycle(struct dag_reader *reader, const struct yaml *node,
                         const struct task *tasks, const bool *placed, size_t count)
{
    struct str path = {0};
    size_t at = 0, first;
    while (placed[at])
        at++;
    bool *seen = ARENA_ARRAY(reader->arena, bool, count);
    while (!seen[at]) {
        seen[at] = true;
        size_t k = 0;
        while (placed[tasks[at].upstream[k]])
            k++;
        at = tasks[at].upstream[k];
    }
    first = at;
    str_append_text(&path, tasks[at].id);
    do {
        size_t k = 0;
        while (placed[tasks[at].upstream[k]])
            k++;
        at = tasks[at].upstream[k];
        str_printf(&path, " <- %s", tasks[at].id);
    } while (at != first && path.size < 300);
    yaml_problem(&reader->source, node, "the tasks wait for each other in a circle: %s",
                 str_text(&path));
    str_release(&path);
}

static bool order_tasks(struct dag_reader *reader, const struct yaml *node,
                        const struct task *tasks, size_t count, struct dag *dag)
{
    size_t *order = ARENA_ARRAY(reader->arena, size_t, count + 1), done = 0;
    size_t *waiting = ARENA_ARRAY(reader->arena, size_t, count + 1);
    bool *placed = ARENA_ARRAY(reader->arena, bool, count + 1);
    for (size_t i = 0; i < count; i++) {
        waiting[i] = tasks[i].upstream_count;
        if (waiting[i] == 0)
            order[done++] = i;
    }
    for (size_t at = 0; at < done; at++) {
        placed[order[at]] = true;
        for (size_t k = 0; k < tasks[order[at]].downstream_count; k++)
            if (--waiting[tasks[order[at]].downstream[k]] == 0)
                order[done++] = tasks[order[at]].downstream[k];
    }
    dag->order = order;
    if (done == count)
        return true;
    report_cycle(reader, node, tasks, placed, count);
    return false;
}

static const char *task_id_of(struct dag_reader *reader, const struct yaml *tasks, size_t index)
{
    if (tasks->kind == YAML_MAP)
        return tasks->keys[index]->text;
    if (tasks->items[index]->kind == YAML_MAP)
        return yaml_text_required(&reader->source, tasks->items[index], "task_id");
    yaml_problem(&reader->source, tasks->items[index], "a task must be a map with a task_id");
    return NULL;
}

static void read_tasks(struct dag_reader *reader, const struct yaml *dag_node, struct dag *dag)
{
    const struct yaml *node = yaml_get(dag_node, "tasks");
    if (yaml_is_null(node) || node->kind == YAML_SCALAR || node->count == 0) {
        yaml_problem(&reader->source, node ? node : dag_node,
                     "DAG '%s' needs 'tasks': a map of task ids or a list with task_id", dag->id);
        return;
    }
    if (node->count > TASKS_MAX) {
        yaml_problem(&reader->source, node, "at most %d tasks per DAG", TASKS_MAX);
        return;
    }
    struct task *tasks = ARENA_ARRAY(reader->arena, struct task, node->count);
    const struct yaml **nodes = ARENA_ARRAY(reader->arena, const struct yaml *, node->count);
    size_t count = 0;
    for (size_t i = 0; i < node->count; i++) {
        const char *id = task_id_of(reader, node, i);
        if (!id || !dag__read_task(reader, id, node->items[i], &tasks[count]))
            continue;
        for (size_t k = 0; k < count; k++)
            if (strcmp(tasks[k].id, id) == 0)
                yaml_problem(&reader->source, node->items[i], "task '%s' is there twice", id);
        tasks[count].index = count;
        nodes[count++] = node->items[i];
    }
    dag->tasks = tasks;
    dag->task_count = count;
    if (count < node->count) // its problems are told; dependencies on it would only repeat them
        return;
    for (size_t i = 0; i < count; i++)
        read_dependencies(reader, nodes[i], &tasks[i], tasks, count);
    link_downstream(reader->arena, tasks, count);
    if (order_tasks(reader, node, tasks, count, dag))
        dag->task_count = count;
}

// --- DAGs ---

static void read_tags(struct dag_reader *reader, const struct yaml *node, struct dag *dag)
{
    const struct yaml *tags = yaml_list(&reader->source, node, "tags");
    if (!tags)
        return;
    struct name_text *items = ARENA_ARRAY(reader->arena, struct name_text, tags->count + 1);
    for (size_t i = 0; i < tags->count; i++)
        if (tags->items[i]->kind == YAML_SCALAR)
            items[dag->tags.count++].name = tags->items[i]->text;
    dag->tags.items = items;
}

static void read_dag(struct loading *loading, const struct yaml_source *source,
                     const struct yaml *block, const char *id, const struct yaml *node)
{
    size_t problems_before = loading->problems->count;
    struct dag_reader reader = {.arena = loading->arena,
                                .source = *source,
                                .vars = loading->vars,
                                .var_count = loading->var_count,
                                .folder = loading->folder};
    struct dag dag = {
        .id = id, .file = source->file, .folder = loading->folder, .max_active_runs = 16};
    if (!dag__valid_id(id) || node->kind != YAML_MAP) {
        yaml_problem(source, node,
                     "DAG '%.60s' must be a map, its id of letters, digits, '-', '_' and '.'", id);
        return;
    }
    yaml_known(source, node, known_dag);
    reader.defaults[0] = yaml_map(source, node, "default_args");
    reader.defaults[1] = block ? yaml_map(source, block, "default_args") : NULL;
    yaml_known(source, reader.defaults[0], known_defaults);
    dag.description = yaml_text(source, node, "description", NULL);
    const struct yaml *runs = yaml_get(node, "max_active_runs") || !block ? node : block;
    dag.max_active_runs = (size_t)yaml_int(source, runs, "max_active_runs", 16, 1, 100000);
    bool inherits = block && !yaml_get(node, "schedule") && !yaml_get(node, "schedule_interval");
    read_schedule(&reader, inherits ? block : node, &dag);
    dag.limits.start_us = read_date(&reader, node, &dag, "start_date");
    dag.limits.end_us = read_date(&reader, node, &dag, "end_date");
    const struct yaml *catchup = yaml_get(node, "catchup") || !block ? node : block;
    dag.limits.catchup = yaml_bool(source, catchup, "catchup", false);
    dag.timeout_ms = dag__duration_ms(&reader, node, "dagrun_timeout", "dagrun_timeout_sec", 0);
    dag.paused_at_creation = yaml_bool(source, node, "is_paused_upon_creation", false);
    read_tags(&reader, node, &dag);
    const struct yaml *params = yaml_map(source, node, "params");
    struct str json = {0};
    yaml_json(&json, params);
    dag.params = arena_strdup(loading->arena, params ? str_text(&json) : "{}");
    str_release(&json);
    read_tasks(&reader, node, &dag);
    for (size_t i = 0; i < loading->dags.count; i++)
        if (strcmp(loading->dags.items[i].id, id) == 0)
            yaml_problem(source, node, "DAG '%s' is declared in %s already", id,
                         loading->dags.items[i].file);
    if (loading->problems->count == problems_before)
        vec_push(&loading->dags, dag);
    else
        timetable_close(dag.timetable);
}

static void read_document(struct loading *loading, const struct yaml_source *source,
                          const struct yaml *root)
{
    if (!root)
        return;
    if (root->kind != YAML_MAP) {
        yaml_problem(source, root, "expected a map of DAG ids");
        return;
    }
    const struct yaml *block = yaml_get(root, "default");
    if (block && block->kind == YAML_MAP) {
        yaml_known(source, block, known_default_block);
        yaml_known(source, yaml_map(source, block, "default_args"), known_defaults);
    } else {
        block = NULL;
    }
    for (size_t i = 0; i < root->count; i++)
        if (strcmp(root->keys[i]->text, "default") != 0)
            read_dag(loading, source, block, root->keys[i]->text, root->items[i]);
}

static void finish(struct loading *loading, struct dag_set *out)
{
    out->count = loading->dags.count;
    out->items = arena_dup(&out->arena, loading->dags.items, out->count * sizeof(struct dag));
    vec_release(&loading->dags);
}

static bool is_yaml(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && dot != name && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

static err_t load_file(const char *name, bool is_dir, void *ctx)
{
    struct loading *loading = ctx;
    struct yaml_source source;
    if (is_dir || name[0] == '.' || !is_yaml(name))
        return ERR_OK;
    const char *path = arena_printf(loading->arena, "%s/%s", loading->path, name);
    const struct yaml *root = yaml_load(loading->arena, loading->problems, path, &source);
    read_document(loading, &source, root);
    return ERR_OK;
}

void dag_set_load(struct dag_set *out, const char *folder, const struct scheduler_var *vars,
                  size_t var_count, struct problems *problems)
{
    *out = (struct dag_set){0};
    arena_init(&out->arena, 16384);
    char *real = realpath(folder, NULL); // tasks run in it, wherever we were started
    struct loading loading = {.arena = &out->arena,
                              .vars = vars,
                              .var_count = var_count,
                              .problems = problems,
                              .path = folder,
                              .folder = arena_strdup(&out->arena, real ? real : folder)};
    free(real);
    struct diag diag = DIAG_INIT;
    err_t err = file_exists(folder) ? dir_each(folder, load_file, &loading, &diag) : ERR_OK;
    if (err != ERR_OK)
        problem_add(problems, folder, 1, 1, "%s", diag_text(&diag));
    finish(&loading, out);
}

void dag_set_parse(struct dag_set *out, const char *file, struct bytes text,
                   struct problems *problems)
{
    *out = (struct dag_set){0};
    arena_init(&out->arena, 16384);
    struct loading loading = {.arena = &out->arena, .problems = problems, .folder = "."};
    struct yaml_source source = {.file = file, .problems = problems};
    read_document(&loading, &source, yaml_parse(&out->arena, &source, text));
    finish(&loading, out);
}
