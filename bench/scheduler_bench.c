// SPDX-License-Identifier: Apache-2.0
//
// scheduler_bench: from the end of one task to the start of the next, all state saved between; and
// chains and fan-outs of child processes. usage: scheduler_bench [DIR]
#include "os/clock.h"
#include "os/file.h"
#include "scheduler/scheduler.h"

#include <stdlib.h>

enum { CHAIN = 200, PROCESSES = 40, FAN = 400 };

static int64_t starts[CHAIN], ends[CHAIN];
static _Atomic int queries;

// A task that takes no time: it only notes when it ran.
static err_t query(void *self, struct bytes sql, size_t max_rows, struct str *json,
                   struct diag *diag)
{
    (void)self, (void)sql, (void)max_rows, (void)diag;
    int at = queries++;
    starts[at] = clock_mono_us();
    str_append_text(json, "{\"rows\":[]}");
    ends[at] = clock_mono_us();
    return ERR_OK;
}

static void must(err_t err, const struct diag *diag)
{
    if (err == ERR_OK)
        return;
    fprintf(stderr, "scheduler_bench: %s\n", diag_text(diag));
    exit(1);
}

static void add_dag(struct str *yaml, const char *name, const char *task, int count, bool chain)
{
    str_printf(yaml, "%s:\n  tasks:\n", name);
    for (int i = 0; i < count; i++) {
        str_printf(yaml, "    t%d: {%s", i, task);
        if (chain && i)
            str_printf(yaml, ", dependencies: [t%d]", i - 1);
        str_append_text(yaml, "}\n");
    }
}

static double run_ms(struct scheduler *scheduler, const char *dag_id)
{
    struct dag_port port = scheduler_dag_port(scheduler);
    struct diag diag = DIAG_INIT;
    struct str json = {0};
    scheduler_settle(scheduler, 60000);
    int64_t start = clock_mono_us();
    must(port.ops->trigger(port.self, dag_id, NULL, &json, &diag), &diag);
    scheduler_settle(scheduler, 60000);
    str_release(&json);
    return (double)(clock_mono_us() - start) / 1000;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static const struct stream_port_ops streams = {.query = query};
    struct diag diag = DIAG_INIT;
    struct problems problems = {0};
    struct str dags = {0}, file = {0}, yaml = {0};
    const char *dir = argc > 1 ? argv[1] : "build/scheduler_bench";
    if (file_exists(dir))
        must(dir_remove(dir, &diag), &diag);
    str_printf(&dags, "%s/dags", dir);
    str_printf(&file, "%s/bench.yaml", str_text(&dags));
    must(dir_make(str_text(&dags), &diag), &diag);
    add_dag(&yaml, "chain", "type: sql, sql: select 1", CHAIN, true);
    add_dag(&yaml, "processes", "type: bash, bash_command: 'true'", PROCESSES, true);
    add_dag(&yaml, "fan", "type: bash, bash_command: 'true'", FAN, false);
    must(file_replace(str_text(&file), str_bytes(&yaml), &diag), &diag);
    struct scheduler *scheduler;
    struct scheduler_options options = {
        .data_dir = dir, .dags_dir = str_text(&dags), .streams = {&streams, NULL}};
    must(scheduler_open(&scheduler, &options, &problems, &diag), &diag);
    run_ms(scheduler, "chain");
    int64_t gaps[CHAIN - 1];
    for (int i = 0; i + 1 < CHAIN; i++)
        gaps[i] = starts[i + 1] - ends[i];
    qsort(gaps, CHAIN - 1, sizeof *gaps, by_value);
    printf("task_gap_p50 %lld\ntask_gap_p99 %lld\n", (long long)gaps[CHAIN / 2],
           (long long)gaps[CHAIN * 99 / 100 - 1]);
    printf("chain_of_40_processes_ms %.0f\n", run_ms(scheduler, "processes"));
    printf("fan_of_400_processes_ms %.0f\n", run_ms(scheduler, "fan"));
    scheduler_close(scheduler);
    str_release(&dags);
    str_release(&file);
    str_release(&yaml);
    return 0;
}
