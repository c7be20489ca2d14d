// SPDX-License-Identifier: Apache-2.0
#include "app/bench.h"
#include "app/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BENCH_USAGE "weir bench people|produce|single|paced|consume|cql [--count N] [--size BYTES]"

static const struct option bench_options[] = {
    {"count", "N", "records or rows (default 1000000; cql 200000, paced 10000, single 2000)"},
    {"size", "BYTES", "bytes of a record's value (default 270)"},
    {"topic", "NAME", "where produce, single, paced write and consume reads (default weir-bench)"},
    {"partitions", "N", "of the topic, when it is made (default 1)"},
    {"rate", "N", "records a second of paced (default 1000)"},
    {"brokers", "LIST", "measure the Kafka broker there instead of the running weir"},
    {"cql", "HOST:PORT", "measure the CQL server there instead of the running weir"},
    {"pid", "PID", "the server's process: also tell the CPU time it uses"},
    CLIENT_OPTIONS,
    {NULL, NULL, NULL}};

void bench_result(struct bench *bench, const char *name, double value, const char *unit)
{
    if (bench->json)
        json_object_set_new(bench->results, name, json_real(value));
    else
        printf("%-28s %14.0f %s\n", name, value, unit);
    fflush(stdout);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void bench_latencies(struct bench *bench, const char *name, int64_t *latencies_us, size_t count)
{
    char title[64];
    size_t half = count / 2, most = count * 99 / 100;
    qsort(latencies_us, count, sizeof *latencies_us, by_value);
    snprintf(title, sizeof title, "%s_p50", name);
    bench_result(bench, title, (double)latencies_us[half], "us");
    snprintf(title, sizeof title, "%s_p99", name);
    bench_result(bench, title, (double)latencies_us[most], "us");
}

int64_t bench_cpu_us(const struct bench *bench)
{
    clockid_t clock;
    struct timespec used;
    if (!bench->pid || clock_getcpuclockid((pid_t)bench->pid, &clock) != 0 ||
        clock_gettime(clock, &used) != 0)
        return 0;
    return (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

void bench_cpu(struct bench *bench, const char *name, int64_t since_us, int64_t count)
{
    char title[64];
    snprintf(title, sizeof title, "%s_cpu", name);
    if (bench->pid)
        bench_result(bench, title, (double)(bench_cpu_us(bench) - since_us) * 1000 / (double)count,
                     "ns of the server's CPU each");
}

int cmd_bench(int argc, char **argv)
{
    static const struct {
        const char *name;
        err_t (*run)(struct bench *bench, struct diag *diag);
        int64_t count;
    } subjects[] = {{"people", bench_people, 1000000},   {"produce", bench_produce, 1000000},
                    {"single", bench_single, 2000},      {"paced", bench_paced, 10000},
                    {"consume", bench_consume, 1000000}, {"cql", bench_cql, 200000}};
    struct args args;
    if (!args_parse(&args, "weir bench", bench_options, argc, argv))
        return EXIT_USAGE;
    if (args.help)
        return cmd_help(BENCH_USAGE, bench_options);
    if (args.word_count != 1)
        return cmd_usage(BENCH_USAGE);
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        if (strcmp(subjects[i].name, args.words[0]) != 0)
            continue;
        bool ok = true;
        struct bench bench = {.args = &args, .json = args_flag(&args, "json")};
        bench.count = args_int(&args, "count", subjects[i].count, 1, 1000000000, &ok);
        bench.pid = args_int(&args, "pid", 0, 1, INT32_MAX, &ok);
        bench.size = args_int(&args, "size", 270, 1, 1000000, &ok);
        bench.topic = args_text(&args, "topic", "weir-bench");
        bench.partitions = args_int(&args, "partitions", 1, 1, 10000, &ok);
        bench.rate = args_int(&args, "rate", 1000, 1, 1000000, &ok);
        if (!ok)
            return EXIT_USAGE;
        struct diag diag = DIAG_INIT;
        bench.results = json_object();
        err_t err = subjects[i].run(&bench, &diag);
        if (bench.json)
            cmd_print_json(bench.results);
        json_decref(bench.results);
        return err ? cmd_failed("weir bench", &diag) : EXIT_FINE;
    }
    return cmd_usage(BENCH_USAGE);
}
