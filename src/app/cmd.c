// SPDX-License-Identifier: Apache-2.0
#include "app/cmd.h"

#include <stdio.h>
#include <stdlib.h>

int cmd_help(const char *usage, const struct option *options)
{
    printf("usage: %s\n\n", usage);
    args_print_options(options);
    return EXIT_FINE;
}

int cmd_usage(const char *usage)
{
    fprintf(stderr, "usage: %s\n", usage);
    return EXIT_USAGE;
}

int cmd_failed(const char *command, const struct diag *diag)
{
    fprintf(stderr, "%s: %s\n", command, diag_text(diag));
    return EXIT_FAILED;
}

void cmd_print_json(const json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY);
    puts(text);
    free(text);
}

int cmd_list(const struct args *args, const char *path, const struct view_column *columns)
{
    struct diag diag = DIAG_INIT;
    struct client client;
    json_t *answer = NULL;
    err_t err = client_find(&client, args, &diag);
    if (!err)
        err = client_call(&client, "GET", path, NULL, &answer, &diag);
    if (err)
        return cmd_failed(args->command, &diag);
    if (args_flag(args, "json")) {
        cmd_print_json(answer);
    } else {
        struct str out = {0};
        view_rows(&out, answer, columns);
        fputs(str_text(&out), stdout);
        str_release(&out);
    }
    json_decref(answer);
    return EXIT_FINE;
}

int cmd_send(const struct args *args, const char *method, const char *path, json_t *body,
             const char *done)
{
    struct diag diag = DIAG_INIT;
    struct client client;
    json_t *answer = NULL;
    err_t err = client_find(&client, args, &diag);
    if (!err)
        err = client_call(&client, method, path, body, &answer, &diag);
    json_decref(body);
    if (err)
        return cmd_failed(args->command, &diag);
    const char *sentence = json_string_value(json_object_get(answer, "sentence"));
    const char *run_id = json_string_value(json_object_get(answer, "run_id"));
    if (args_flag(args, "json"))
        cmd_print_json(answer);
    else if (sentence)
        puts(sentence);
    else if (run_id)
        printf("%s %s\n", done, run_id);
    else
        puts(done);
    json_decref(answer);
    return EXIT_FINE;
}
