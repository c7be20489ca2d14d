// SPDX-License-Identifier: Apache-2.0
//
// The `weir` program: finds the command, and help for all of them.

#include "app/cmd.h"
#include "app/config.h"
#include "net/http_client.h"
#include "os/heap.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    const char *help;
    int (*run)(int argc, char **argv);
};

static int cmd_version(int argc, char **argv)
{
    (void)argv;
    if (argc > 0)
        return cmd_usage("weir version");
    puts("weir " WEIR_VERSION);
    return EXIT_FINE;
}

static const struct command commands[] = {
    {"up", "run everything a project declares, until interrupted", cmd_up},
    {"check", "read a project's files and tell every mistake", cmd_check},
    {"people", "generate people: to stdout or a topic", cmd_people},
    {"sentences", "generate sentences: to stdout or a topic", cmd_sentences},
    {"topics", "list, create, describe, alter, delete topics", cmd_topics},
    {"groups", "consumer groups: lag, members, reset offsets, delete", cmd_groups},
    {"log", "check and dump the log's files", cmd_log},
    {"produce", "write lines, JSON or files to a topic", cmd_produce},
    {"consume", "print the records of a topic, from any time, filtered", cmd_consume},
    {"users", "list, create, delete who may sign in to Kafka", cmd_users},
    {"acls", "list, add, remove who may do what in Kafka", cmd_acls},
    {"streams", "running queries and their progress", cmd_streams},
    {"dags", "list, trigger, pause, rerun, backfill; runs and logs", cmd_dags},
    {"tables", "list and describe tables", cmd_tables},
    {"sql", "run a Spark SQL query over topics and tables", cmd_sql},
    {"cql", "run a CQL statement", cmd_cql},
    {"bench", "measure this machine", cmd_bench},
    {"version", "print the version", cmd_version},
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int help_config(void)
{
    puts("Settings of weir.yaml. Each may also come from the environment (kafka.listen is\n"
         "WEIR_KAFKA_LISTEN) and from --set kafka.listen=HOST:PORT.\n");
    for (int id = 0; id < CONFIG_COUNT; id++) {
        const struct config_info *info = &config_infos[id];
        if (info->kind != CONFIG_LATER)
            printf("  %-20s %-16s %s\n", info->key, info->fallback[0] ? info->fallback : "(none)",
                   info->help);
    }
    return EXIT_FINE;
}

static int help(FILE *out)
{
    fputs("weir: the streaming data stack in one program\n\n"
          "  weir up            run examples/users; then open http://127.0.0.1:8080\n"
          "  weir up DIR        run your own project\n\n"
          "commands:\n",
          out);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
    fputs("\nweir COMMAND --help tells more; weir help config lists the settings.\n"
          "Exit codes: 0 fine, 1 the request failed, 2 wrong usage.\n",
          out);
    return out == stdout ? EXIT_FINE : EXIT_USAGE;
}

static int help_command(int argc, char **argv)
{
    if (argc == 0)
        return help(stdout);
    if (strcmp(argv[0], "config") == 0)
        return help_config();
    const struct command *command = find_command(argv[0]);
    static char word[] = "--help";
    char *words[] = {word, NULL};
    if (command && command->run != cmd_version)
        return command->run(1, words);
    return help(stderr);
}

int main(int argc, char **argv)
{
    heap_tune();
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2)
        return help(stderr);
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        return help_command(argc - 2, argv + 2);
    if (strcmp(name, "--version") == 0)
        name = "version";
    const struct command *command = find_command(name);
    if (!command) {
        fprintf(stderr, "weir: unknown command '%s'\n\n", name);
        return help(stderr);
    }
    http_client_init();
    return command->run(argc - 2, argv + 2);
}
