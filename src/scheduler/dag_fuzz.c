// SPDX-License-Identifier: Apache-2.0
//
// Any text of a DAG file is either read or has problems; what is read is linked soundly, and its
// first runs move forward.
#include "os/file.h"
#include "scheduler/dag.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define CORPUS    "tests/corpus/dags"
#define MUTATIONS 1500

static uint64_t seed = 0x2545F4914F6CDD1Du;

static uint32_t random_below(uint32_t bound)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % bound;
}

static void check_dag(const struct dag *dag)
{
    const int64_t now = INT64_C(1795000000000000);
    struct timetable_run run;
    struct data_interval last = {0};
    for (size_t i = 0; i < dag->task_count; i++)
        for (size_t k = 0; k < dag->tasks[i].upstream_count; k++)
            assert(dag->tasks[i].upstream[k] < dag->task_count);
    for (int i = 0; i < 3; i++) {
        if (!timetable_next(dag->timetable, dag->limits, i ? &last : NULL, now, &run))
            break;
        assert(i == 0 || run.interval.end_us >= last.end_us);
        last = run.interval;
    }
}

static void check(struct bytes text)
{
    struct dag_set set;
    struct problems problems = {0};
    dag_set_parse(&set, "fuzz.yaml", text, &problems);
    for (size_t i = 0; i < set.count; i++)
        check_dag(&set.items[i]);
    dag_set_close(&set);
    problems_release(&problems);
}

// Changes, doubles or drops a few bytes.
static void mutate(struct str *text)
{
    static const char letters[] = " \n:{}[],'\"-@*/0123456789abcdefghijklmnopqrstuvwxyz%&!|>";
    for (uint32_t i = 0, count = 1 + random_below(6); i < count && text->size > 1; i++) {
        uint32_t at = random_below((uint32_t)text->size);
        switch (random_below(3)) {
        case 0:
            text->ptr[at] = letters[random_below(sizeof letters - 1)];
            break;
        case 1:
            memmove(text->ptr + at, text->ptr + at + 1, text->size - at - 1);
            text->size--;
            break;
        default: {
            uint32_t size = 1 + random_below(40);
            if (at + size > text->size)
                break;
            struct str copy = {0};
            str_append(&copy, text->ptr + at, size);
            str_append_bytes(text, str_bytes(&copy));
            str_release(&copy);
        }
        }
    }
}

static err_t replay(const char *name, bool is_dir, void *ctx)
{
    (void)ctx;
    struct str path = {0}, text = {0};
    struct diag diag = DIAG_INIT;
    str_printf(&path, CORPUS "/%s", name);
    err_t err = is_dir ? ERR_OK : file_read_all(str_text(&path), 1 << 20, &text, &diag);
    if (err == ERR_OK && text.size) {
        check(str_bytes(&text));
        for (int i = 0; i < MUTATIONS; i++) {
            struct str copy = {0};
            str_append_bytes(&copy, str_bytes(&text));
            mutate(&copy);
            check(str_bytes(&copy));
            str_release(&copy);
        }
    }
    str_release(&path);
    str_release(&text);
    return err;
}

int main(void)
{
    struct diag diag = DIAG_INIT;
    if (dir_each(CORPUS, replay, NULL, &diag) != ERR_OK) {
        printf("%s\n", diag_text(&diag));
        return 1;
    }
    return 0;
}
