// SPDX-License-Identifier: Apache-2.0
//
// weir up, weir check.

#include "app/cmd.h"
#include "app/run.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/process_limits.h"
#include "os/signal.h"
#include "port/job_port.h"

#include <stdio.h>
#include <unistd.h>

#define UP_USAGE    "weir up [DIR] [--ready FILE] [--set KEY=VALUE ...]"
#define CHECK_USAGE "weir check [DIR] [--set KEY=VALUE ...]"
#define LOOK_MS     5000 // two quiet looks, and what a burst took is given back
#define STOP_MS     4800 // a stop that takes longer is cut off: what was acknowledged is on disk anyway

static const struct option up_options[] = {
    {"ready", "FILE", "write the bound addresses there as JSON when everything serves"},
    {"set", "KEY=VALUE", "a setting, over weir.yaml and the environment; may be repeated"},
    {NULL, NULL, NULL}};
static const struct option check_options[] = {
    {"set", "KEY=VALUE", "a setting, over weir.yaml and the environment; may be repeated"},
    {NULL, NULL, NULL}};

static int print_problems(struct problems *problems)
{
    fputs(str_text(&problems->text), stderr);
    fprintf(stderr, "weir: %zu mistake%s; nothing was started\n", problems->count,
            problems->count == 1 ? "" : "s");
    problems_release(problems);
    return EXIT_FAILED;
}

static void print_part(const json_t *addresses, const char *title, const char *name,
                       const char *format)
{
    const char *address = json_string_value(json_object_get(addresses, name));
    char text[256];
    snprintf(text, sizeof text, "%s", address ? address : "");
    char *colon = strrchr(text, ':');
    printf("  %-9s %-22s ", title, text);
    if (strcmp(name, "cql") == 0 && colon) {
        *colon = '\0';
        printf("cqlsh %s %s\n", text, colon + 1);
    } else {
        printf("%s%s\n", format, text);
    }
}

static void print_jobs(const struct run *run)
{
    struct str json = {0};
    struct dag_port dags = run_dags(run);
    struct stream_port streams = run_streams(run);
    size_t index;
    json_t *item;
    if (dags.ops->dags(dags.self, &json, NULL) == ERR_OK) {
        json_t *list = json_loads(str_text(&json), 0, NULL);
        json_array_foreach(list, index, item)
        {
            const char *schedule = json_string_value(json_object_get(item, "schedule"));
            printf("  %-9s %-22s %s\n", "DAG", json_string_value(json_object_get(item, "dag_id")),
                   schedule ? schedule : "when triggered");
        }
        json_decref(list);
    }
    str_clear(&json);
    if (streams.ops->streams(streams.self, &json, NULL) == ERR_OK) {
        json_t *list = json_loads(str_text(&json), 0, NULL);
        json_array_foreach(list, index, item)
        {
            json_t *sink = json_object_get(item, "sink");
            printf("  %-9s %-22s %s -> %s.%s\n", "Query",
                   json_string_value(json_object_get(item, "name")),
                   json_string_value(json_object_get(json_object_get(item, "source"), "topic")),
                   json_string_value(json_object_get(sink, "keyspace")),
                   json_string_value(json_object_get(sink, "table")));
        }
        json_decref(list);
    }
    str_release(&json);
}

static void print_screen(const struct run *run, const struct project *project, int64_t started_us)
{
    json_t *addresses = json_loads(run_ready_json(run), 0, NULL);
    printf("weir %s  %s, data in %s\n\n", WEIR_VERSION, project->config.dir,
           project->config.data_dir);
    if (config_is(&project->config, CONFIG_DURABILITY, "os"))
        puts("  durability: os  acknowledged from the page cache; a power cut can lose the last "
             "writes\n");
    print_part(addresses, "Kafka", "kafka", "kcat -L -b ");
    print_part(addresses, "CQL", "cql", "");
    print_part(addresses, "People", "people", "curl http://");
    print_part(addresses, "Console", "console", "http://");
    putchar('\n');
    print_jobs(run);
    printf("\nready in %lld ms; Ctrl-C stops\n",
           (long long)((clock_mono_us() - started_us) / 1000));
    fflush(stdout);
    json_decref(addresses);
}

static int serve(struct project *project, const char *ready_file, int64_t started_us)
{
    struct problems problems = {0};
    struct diag diag = DIAG_INIT;
    struct run *run = NULL;
    err_t err = run_start(&run, project, &problems, &diag);
    if (problems.count > 0) {
        if (run)
            run_stop(run);
        return print_problems(&problems);
    }
    if (err)
        return cmd_failed("weir up", &diag);
    print_screen(run, project, started_us);
    if (ready_file && file_replace(ready_file, bytes_from(run_ready_json(run)), &diag)) {
        run_stop(run);
        return cmd_failed("weir up", &diag);
    }
    int signal_number;
    while ((signal_number = signal_wait(LOOK_MS)) == 0 || signal_is_reload(signal_number)) {
        if (signal_number)
            run_reload(run);
        else
            run_look(run);
    }
    printf("%s: finishing what runs\n", signal_number == 2 ? "interrupted" : "told to stop");
    fflush(stdout);
    signal_exit_after(STOP_MS);
    run_stop(run);
    puts("stopped");
    return EXIT_FINE;
}

static const char *project_dir(const struct args *args)
{
    return args->word_count ? args->words[0] : "examples/users";
}

int cmd_up(int argc, char **argv)
{
    int64_t started_us = clock_mono_us();
    struct args args;
    if (!args_parse(&args, "weir up", up_options, argc, argv))
        return EXIT_USAGE;
    if (args.help)
        return cmd_help(UP_USAGE, up_options);
    if (args.word_count > 1)
        return cmd_usage(UP_USAGE);
    signal_block(); // before any thread, so that only signal_wait() sees them
    limits_raise_files();
    log_set_plain(isatty(2));
    struct problems problems = {0};
    struct diag diag = DIAG_INIT;
    struct project project;
    int code;
    if (project_load(&project, project_dir(&args), args.sets, &problems, &diag))
        code = cmd_failed("weir up", &diag);
    else if (project_check(&project, &problems), problems.count > 0)
        code = print_problems(&problems);
    else
        code = serve(&project, args_text(&args, "ready", NULL), started_us);
    problems_release(&problems);
    project_release(&project);
    return code;
}

int cmd_check(int argc, char **argv)
{
    struct args args;
    if (!args_parse(&args, "weir check", check_options, argc, argv))
        return EXIT_USAGE;
    if (args.help)
        return cmd_help(CHECK_USAGE, check_options);
    if (args.word_count > 1)
        return cmd_usage(CHECK_USAGE);
    struct problems problems = {0};
    struct diag diag = DIAG_INIT;
    struct project project;
    int code = EXIT_FINE;
    if (project_load(&project, project_dir(&args), args.sets, &problems, &diag)) {
        code = cmd_failed("weir check", &diag);
    } else {
        project_check(&project, &problems);
        fputs(str_text(&problems.text), stdout);
        if (problems.count == 0)
            printf("%s: no mistakes\n", project_dir(&args));
        else
            code = EXIT_FAILED;
    }
    problems_release(&problems);
    project_release(&project);
    return code;
}
