// SPDX-License-Identifier: Apache-2.0
//
// weir sql, weir cql, weir tables.

#include "app/cmd.h"

#include <stdio.h>
#include <string.h>

static const struct option query_options[] = {
    {"csv", NULL, "print CSV"},
    {"max-rows", "N", "stop after so many rows (default 10000)"},
    {"keyspace", "NAME", "cql: the keyspace of names without one"},
    CLIENT_OPTIONS,
    {NULL, NULL, NULL}};

static void print_result(const struct args *args, const json_t *answer)
{
    if (args_flag(args, "json")) {
        cmd_print_json(answer);
        return;
    }
    json_t *titles = json_array();
    size_t index;
    json_t *column;
    json_array_foreach(json_object_get(answer, "columns"), index, column)
        json_array_append(titles, json_object_get(column, "name"));
    struct str out = {0};
    if (args_flag(args, "csv"))
        view_csv(&out, titles, json_object_get(answer, "rows"));
    else
        view_grid(&out, titles, json_object_get(answer, "rows"));
    fwrite(str_text(&out), 1, out.size, stdout);
    if (json_is_true(json_object_get(answer, "more")))
        fprintf(stderr, "%s: there are more rows; --max-rows raises the bound\n", args->command);
    str_release(&out);
    json_decref(titles);
}

static int run_query(int argc, char **argv, const char *command, const char *field,
                     const char *usage)
{
    struct args args;
    if (!args_parse(&args, command, query_options, argc, argv))
        return EXIT_USAGE;
    if (args.help)
        return cmd_help(usage, query_options);
    bool ok = true;
    int64_t max_rows = args_int(&args, "max-rows", 10000, 1, 1000000, &ok);
    if (!ok)
        return EXIT_USAGE;
    if (args.word_count != 1)
        return cmd_usage(usage);
    struct diag diag = DIAG_INIT;
    struct client client;
    char path[32];
    snprintf(path, sizeof path, "/api/%s", field);
    json_t *body = json_pack("{s:s, s:I}", field, args.words[0], "max_rows", (json_int_t)max_rows);
    if (args_text(&args, "keyspace", NULL))
        json_object_set_new(body, "keyspace", json_string(args_text(&args, "keyspace", "")));
    json_t *answer = NULL;
    err_t err = client_find(&client, &args, &diag);
    if (!err)
        err = client_call(&client, "POST", path, body, &answer, &diag);
    json_decref(body);
    if (err)
        return cmd_failed(command, &diag);
    print_result(&args, answer);
    json_decref(answer);
    return EXIT_FINE;
}

int cmd_sql(int argc, char **argv)
{
    return run_query(argc, argv, "weir sql", "sql", "weir sql 'SELECT ...' [--csv] [--json]");
}

int cmd_cql(int argc, char **argv)
{
    return run_query(argc, argv, "weir cql", "cql",
                     "weir cql 'SELECT ...' [--keyspace NAME] [--csv] [--json]");
}

#define TABLES_USAGE "weir tables [list | describe KEYSPACE.TABLE]"

static const struct option tables_options[] = {CLIENT_OPTIONS, {NULL, NULL, NULL}};

int cmd_tables(int argc, char **argv)
{
    static const struct view_column columns[] = {
        {"KEYSPACE", "keyspace"}, {"TABLE", "name"}, {"PRIMARY KEY", "primary_key"}, {NULL, NULL}};
    static const struct view_column described[] = {
        {"COLUMN", "name"}, {"TYPE", "type"}, {"KIND", "kind"}, {NULL, NULL}};
    struct args args;
    if (!args_parse(&args, "weir tables", tables_options, argc, argv))
        return EXIT_USAGE;
    if (args.help)
        return cmd_help(TABLES_USAGE, tables_options);
    const char *verb = args.word_count ? args.words[0] : "list";
    if (strcmp(verb, "list") == 0 && args.word_count < 2)
        return cmd_list(&args, "/api/tables", columns);
    const char *dot = args.word_count == 2 ? strchr(args.words[1], '.') : NULL;
    if (strcmp(verb, "describe") != 0 || !dot)
        return cmd_usage(TABLES_USAGE);
    struct str path = {0};
    char keyspace[128];
    snprintf(keyspace, sizeof keyspace, "%.*s", (int)(dot - args.words[1]), args.words[1]);
    str_append_text(&path, "/api/tables/");
    client_escape(&path, keyspace);
    str_append_byte(&path, '/');
    client_escape(&path, dot + 1);
    str_append_text(&path, "/columns");
    int code = cmd_list(&args, str_text(&path), described);
    str_release(&path);
    return code;
}
