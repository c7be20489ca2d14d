// SPDX-License-Identifier: Apache-2.0
//
// cmd: the commands of the `weir` program. Each takes the words after its name and gives the exit
// code: 0 fine, 1 the request failed, 2 wrong usage.
#ifndef APP_CMD_H
#define APP_CMD_H

#include "app/args.h"
#include "app/client.h"
#include "app/view.h"

enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define WEIR_VERSION "0.1.0"

int cmd_up(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_people(int argc, char **argv);
int cmd_sentences(int argc, char **argv);
int cmd_topics(int argc, char **argv);
int cmd_groups(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_produce(int argc, char **argv);
int cmd_consume(int argc, char **argv);
int cmd_users(int argc, char **argv);
int cmd_acls(int argc, char **argv);
int cmd_streams(int argc, char **argv);
int cmd_dags(int argc, char **argv);
int cmd_tables(int argc, char **argv);
int cmd_sql(int argc, char **argv);
int cmd_cql(int argc, char **argv);
int cmd_bench(int argc, char **argv);

// Prints "usage: ..." and the options of a command; the exit code for it.
int cmd_help(const char *usage, const struct option *options);
int cmd_usage(const char *usage); // wrong words: the usage on stderr, exit code 2
int cmd_failed(const char *command, const struct diag *diag); // the story on stderr, exit code 1

// GETs `path` and prints it: as JSON with --json, else as the table of `columns`.
int cmd_list(const struct args *args, const char *path, const struct view_column *columns);
// Sends a request and prints `done` (or the JSON answer with --json).
int cmd_send(const struct args *args, const char *method, const char *path, json_t *body,
             const char *done);
void cmd_print_json(const json_t *json);

#endif
