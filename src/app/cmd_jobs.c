// SPDX-License-Identifier: Apache-2.0
//
// weir dags, weir streams.

#include "app/cmd.h"

#include <stdio.h>
#include <string.h>

#define DAGS_USAGE                                                                              \
    "weir dags [list | trigger DAG | runs DAG | run DAG RUN | logs DAG RUN TASK | pause DAG | " \
    "unpause DAG | rerun DAG RUN TASK | backfill DAG --from DATE --to DATE]"

static const struct option dags_options[] = {
    {"conf", "JSON", "trigger: an object the run can read as {{ dag_run.conf }}"},
    {"limit", "N", "runs: how many, newest first (default 20)"},
    {"try", "N", "logs: which try (default: the latest)"},
    {"from", "DATE", "backfill: first day, 2026-11-01"},
    {"to", "DATE", "backfill: last day, included"},
    {"reprocess", "WHICH", "backfill: runs to do again: none (default), failed, completed"},
    {"dry", NULL, "rerun, backfill: only tell what would run"},
    CLIENT_OPTIONS,
    {NULL, NULL, NULL}};

// "/api/dags/A/runs/B/tasks/C": `parts` are alternately fixed words and names to be escaped.
static void dag_path(struct str *path, const char *const *parts)
{
    for (size_t i = 0; parts[i]; i++) {
        if (i % 2 == 0)
            str_append_text(path, parts[i]);
        else
            client_escape(path, parts[i]);
    }
}

static int trigger(const struct args *args, const char *path)
{
    const char *conf = args_text(args, "conf", NULL);
    json_t *body = json_object();
    if (conf) {
        json_error_t where;
        json_t *object = json_loads(conf, 0, &where);
        if (!json_is_object(object)) {
            fprintf(stderr, "weir dags: --conf is not a JSON object: %s\n",
                    object ? "another value" : where.text);
            json_decref(object);
            json_decref(body);
            return EXIT_USAGE;
        }
        json_object_set_new(body, "conf", object);
    }
    return cmd_send(args, "POST", path, body, "triggered");
}

static int print_log(const struct args *args, struct str *path)
{
    struct diag diag = DIAG_INIT;
    struct client client;
    struct str text = {0};
    str_printf(path, "?try=%s", args_text(args, "try", "0"));
    err_t err = client_find(&client, args, &diag);
    if (!err)
        err = client_text(&client, str_text(path), &text, &diag);
    if (!err)
        fwrite(text.ptr, 1, text.size, stdout);
    str_release(&text);
    return err ? cmd_failed(args->command, &diag) : EXIT_FINE;
}

static int backfill(const struct args *args, const char *path)
{
    const char *from = args_text(args, "from", NULL);
    const char *to = args_text(args, "to", from);
    if (!from)
        return cmd_usage(
            "weir dags backfill DAG --from DATE [--to DATE] [--reprocess WHICH] [--dry]");
    json_t *body = json_pack("{s:s, s:s, s:s, s:b}", "from", from, "to", to, "reprocess",
                             args_text(args, "reprocess", "none"), "dry", args_flag(args, "dry"));
    return cmd_send(args, "POST", path, body, "backfill started");
}

static const struct view_column dag_columns[] = {{"DAG", "dag_id"},
                                                 {"SCHEDULE", "schedule"},
                                                 {"PAUSED", "is_paused"},
                                                 {"LAST", "last_run.state"},
                                                 {"NEXT", "next_run_at"},
                                                 {"WAITING", "waiting"},
                                                 {NULL, NULL}};
static const struct view_column run_columns[] = {
    {"RUN", "run_id"},      {"STATE", "state"}, {"START", "start_date"}, {"SECONDS", "duration_s"},
    {"RECORDS", "records"}, {"BYTES", "bytes"}, {"NOTE", "note"},        {NULL, NULL}};

static int one_run(const struct args *args, const char *path)
{
    static const struct view_column columns[] = {{"TASK", "task_id"},    {"STATE", "state"},
                                                 {"TRY", "try_number"},  {"SECONDS", "duration_s"},
                                                 {"RECORDS", "records"}, {"ERROR", "error"},
                                                 {"WAITING", "waiting"}, {NULL, NULL}};
    struct diag diag = DIAG_INIT;
    struct client client;
    json_t *run = NULL;
    err_t err = client_find(&client, args, &diag);
    if (!err)
        err = client_call(&client, "GET", path, NULL, &run, &diag);
    if (err)
        return cmd_failed(args->command, &diag);
    if (args_flag(args, "json")) {
        cmd_print_json(run);
    } else {
        struct str out = {0};
        view_rows(&out, json_object_get(run, "tasks"), columns);
        fputs(str_text(&out), stdout);
        str_release(&out);
    }
    json_decref(run);
    return EXIT_FINE;
}

static int on_dag(const struct args *args, const char *verb, struct str *path)
{
    const char *dag = args->words[1];
    const char *run = args->word_count > 2 ? args->words[2] : NULL;
    const char *task = args->word_count > 3 ? args->words[3] : NULL;
    const char *const runs[] = {"/api/dags/", dag, "/runs", NULL};
    const char *const one[] = {"/api/dags/", dag, "/runs/", run, NULL};
    const char *const logs[] = {"/api/dags/", dag, "/runs/", run, "/tasks/", task, "/log", NULL};
    const char *const rerun[] = {"/api/dags/", dag, "/runs/", run, "/tasks/", task, "/rerun", NULL};
    const char *const pause[] = {"/api/dags/", dag, "/pause", NULL};
    const char *const fill[] = {"/api/dags/", dag, "/backfill", NULL};
    if (strcmp(verb, "trigger") == 0 && !run)
        return dag_path(path, runs), trigger(args, str_text(path));
    if (strcmp(verb, "runs") == 0 && !run) {
        dag_path(path, runs);
        str_printf(path, "?limit=%s", args_text(args, "limit", "20"));
        return cmd_list(args, str_text(path), run_columns);
    }
    if (strcmp(verb, "run") == 0 && run && !task)
        return dag_path(path, one), one_run(args, str_text(path));
    if (strcmp(verb, "logs") == 0 && task)
        return dag_path(path, logs), print_log(args, path);
    if (strcmp(verb, "pause") == 0 || strcmp(verb, "unpause") == 0) {
        bool paused = verb[0] == 'p';
        dag_path(path, pause);
        return cmd_send(args, "POST", str_text(path), json_pack("{s:b}", "paused", paused),
                        paused ? "paused" : "unpaused");
    }
    if (strcmp(verb, "rerun") == 0 && task) {
        dag_path(path, rerun);
        return cmd_send(args, "POST", str_text(path),
                        json_pack("{s:b}", "dry", args_flag(args, "dry")), "started again");
    }
    if (strcmp(verb, "backfill") == 0 && !run)
        return dag_path(path, fill), backfill(args, str_text(path));
    return cmd_usage(DAGS_USAGE);
}

int cmd_dags(int argc, char **argv)
{
    struct args args;
    if (!args_parse(&args, "weir dags", dags_options, argc, argv))
        return EXIT_USAGE;
    if (args.help)
        return cmd_help(DAGS_USAGE, dags_options);
    const char *verb = args.word_count ? args.words[0] : "list";
    if (strcmp(verb, "list") == 0 && args.word_count < 2)
        return cmd_list(&args, "/api/dags", dag_columns);
    if (args.word_count < 2)
        return cmd_usage(DAGS_USAGE);
    struct str path = {0};
    int code = on_dag(&args, verb, &path);
    str_release(&path);
    return code;
}

#define STREAMS_USAGE "weir streams [list | progress NAME]"

static const struct option streams_options[] = {CLIENT_OPTIONS, {NULL, NULL, NULL}};

int cmd_streams(int argc, char **argv)
{
    static const struct view_column columns[] = {
        {"QUERY", "name"},           {"STATE", "state"}, {"BATCH", "batchId"},
        {"ROWS IN", "numInputRows"}, {"LAG", "lag"},     {"ROWS/S", "processedRowsPerSecond"},
        {"WAITING", "waiting"},      {"ERROR", "error"}, {NULL, NULL}};
    static const struct view_column batches[] = {{"BATCH", "batchId"},
                                                 {"TIME", "timestamp"},
                                                 {"ROWS IN", "numInputRows"},
                                                 {"ROWS OUT", "sink.numOutputRows"},
                                                 {"MS", "durationMs.triggerExecution"},
                                                 {NULL, NULL}};
    struct args args;
    if (!args_parse(&args, "weir streams", streams_options, argc, argv))
        return EXIT_USAGE;
    if (args.help)
        return cmd_help(STREAMS_USAGE, streams_options);
    const char *verb = args.word_count ? args.words[0] : "list";
    if (strcmp(verb, "list") == 0 && args.word_count < 2)
        return cmd_list(&args, "/api/streams", columns);
    if (strcmp(verb, "progress") != 0 || args.word_count != 2)
        return cmd_usage(STREAMS_USAGE);
    struct str path = {0};
    const char *const parts[] = {"/api/streams/", args.words[1], "/progress", NULL};
    dag_path(&path, parts);
    int code = cmd_list(&args, str_text(&path), batches);
    str_release(&path);
    return code;
}
