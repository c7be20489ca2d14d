// SPDX-License-Identifier: Apache-2.0
//
// weir topics, weir groups.

#include "app/cmd.h"

#include <stdio.h>
#include <string.h>

#define TOPICS_USAGE \
    "weir topics [list | create NAME | describe NAME | delete NAME] [--partitions N]"

static const struct option topics_options[] = {
    {"partitions", "N", "create: how many partitions (default 1)"},
    CLIENT_OPTIONS,
    {NULL, NULL, NULL}};

static void topic_path(struct str *path, const char *name)
{
    str_append_text(path, "/api/topics/");
    client_escape(path, name);
}

static int describe_topic(const struct args *args, const char *name)
{
    static const struct view_column columns[] = {
        {"PARTITION", "partition"}, {"START", "start"}, {"END", "end"}, {NULL, NULL}};
    struct str path = {0};
    topic_path(&path, name);
    str_append_text(&path, "/partitions");
    int code = cmd_list(args, str_text(&path), columns);
    str_release(&path);
    return code;
}

static int delete_topic(const struct args *args, const char *name)
{
    struct str path = {0};
    topic_path(&path, name);
    int code = cmd_send(args, "DELETE", str_text(&path), NULL, "deleted");
    str_release(&path);
    return code;
}

int cmd_topics(int argc, char **argv)
{
    static const struct view_column columns[] = {{"TOPIC", "name"},
                                                 {"PARTITIONS", "partitions"},
                                                 {"RECORDS", "records"},
                                                 {"BYTES", "bytes"},
                                                 {NULL, NULL}};
    struct args args;
    if (!args_parse(&args, "weir topics", topics_options, argc, argv))
        return EXIT_USAGE;
    if (args.help)
        return cmd_help(TOPICS_USAGE, topics_options);
    const char *verb = args.word_count ? args.words[0] : "list";
    const char *name = args.word_count > 1 ? args.words[1] : NULL;
    bool ok = true;
    int64_t partitions = args_int(&args, "partitions", 1, 1, 10000, &ok);
    if (!ok)
        return EXIT_USAGE;
    if (strcmp(verb, "list") == 0 && !name)
        return cmd_list(&args, "/api/topics", columns);
    if (strcmp(verb, "create") == 0 && name)
        return cmd_send(&args, "POST", "/api/topics",
                        json_pack("{s:s, s:I}", "name", name, "partitions", (json_int_t)partitions),
                        "created");
    if (strcmp(verb, "describe") == 0 && name)
        return describe_topic(&args, name);
    if (strcmp(verb, "delete") == 0 && name)
        return delete_topic(&args, name);
    return cmd_usage(TOPICS_USAGE);
}

#define GROUPS_USAGE "weir groups [list | describe GROUP]"

static const struct option groups_options[] = {CLIENT_OPTIONS, {NULL, NULL, NULL}};

int cmd_groups(int argc, char **argv)
{
    static const struct view_column list[] = {
        {"GROUP", "id"}, {"STATE", "state"}, {"MEMBERS", "members"}, {"LAG", "lag"}, {NULL, NULL}};
    static const struct view_column offsets[] = {
        {"TOPIC", "topic"},      {"PARTITION", "partition"},
        {"OFFSET", "committed"}, {"END", "end"},
        {"LAG", "lag"},          {NULL, NULL}};
    struct args args;
    if (!args_parse(&args, "weir groups", groups_options, argc, argv))
        return EXIT_USAGE;
    if (args.help)
        return cmd_help(GROUPS_USAGE, groups_options);
    const char *verb = args.word_count ? args.words[0] : "list";
    if (strcmp(verb, "list") == 0 && args.word_count < 2)
        return cmd_list(&args, "/api/groups", list);
    if (strcmp(verb, "describe") != 0 || args.word_count != 2)
        return cmd_usage(GROUPS_USAGE);
    struct str path = {0};
    str_append_text(&path, "/api/groups/");
    client_escape(&path, args.words[1]);
    int code = cmd_list(&args, str_text(&path), offsets);
    str_release(&path);
    return code;
}
