// SPDX-License-Identifier: Apache-2.0
#include "scheduler/dag.h"

static const char *const type_names[] = {
    [TYPE_OF_HTTP] = "http", [TYPE_OF_BASH] = "bash", [TYPE_OF_PYTHON] = "python",
    [TYPE_OF_SQL] = "sql",   [TYPE_OF_CQL] = "cql",   [TYPE_OF_EMPTY] = "empty",
};

const char *dag_task_type_name(enum task_type type)
{
    return type_names[type];
}

const struct dag *dag_set_find(const struct dag_set *set, const char *dag_id)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->items[i].id, dag_id) == 0)
            return &set->items[i];
    return NULL;
}

const struct task *dag_task(const struct dag *dag, const char *task_id)
{
    for (size_t i = 0; i < dag->task_count; i++)
        if (strcmp(dag->tasks[i].id, task_id) == 0)
            return &dag->tasks[i];
    return NULL;
}

void dag_set_close(struct dag_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        timetable_close(set->items[i].timetable);
    arena_release(&set->arena);
    *set = (struct dag_set){0};
}
