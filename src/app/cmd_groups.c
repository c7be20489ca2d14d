// SPDX-License-Identifier: Apache-2.0
//
// weir groups: over the Kafka protocol, so that they are the same for weir and for any other Kafka.

#include "app/cmd.h"
#include "app/group_client.h"
#include "app/when.h"
#include "os/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS_USAGE                                                                             \
    "weir groups [list]\n"                                                                       \
    "       weir groups describe GROUP [--members]\n"                                            \
    "       weir groups reset GROUP [--topic TOPIC[:PARTITION] ...] --to-earliest [--execute]\n" \
    "       weir groups delete GROUP ..."

static const struct option groups_options[] = {
    {"members", NULL, "describe: the members instead of the offsets"},
    {"topic", "TOPIC[:P]", "reset: only there, repeatable (default: where the group has offsets)"},
    {"to-earliest", NULL, "reset: to the first record there is"},
    {"to-latest", NULL, "reset: to the end"},
    {"to-offset", "N", "reset: to this offset"},
    {"to-datetime", "TIME", "reset: to the first record from then on, as 2026-11-21T10:00:00Z"},
    {"by-duration", "TIME", "reset: to the first record since so long ago, as 15m, 2h or PT2H"},
    {"shift-by", "N", "reset: so many records forward, or back when negative"},
    {"execute", NULL, "reset: do it; without it only what would happen is shown"},
    KAFKA_OPTIONS,
    {NULL, NULL, NULL}};

static void print(const struct args *args, json_t *rows, const struct view_column *columns)
{
    struct str out = {0};
    if (args_flag(args, "json")) {
        cmd_print_json(rows);
        return;
    }
    view_rows(&out, rows, columns);
    fputs(str_text(&out), stdout);
    str_release(&out);
}

static err_t list(struct kafka_client *client, const struct args *args, struct diag *diag)
{
    static const struct view_column columns[] = {
        {"GROUP", "id"}, {"STATE", "state"}, {"MEMBERS", "members"}, {"LAG", "lag"}, {NULL, NULL}};
    json_t *rows;
    TRY(group_client_list(client, &rows, diag));
    print(args, rows, columns);
    json_decref(rows);
    return ERR_OK;
}

static err_t describe(struct kafka_client *client, const struct args *args, struct diag *diag)
{
    static const struct view_column offsets[] = {{"TOPIC", "topic"},
                                                 {"PARTITION", "partition"},
                                                 {"OFFSET", "committed"},
                                                 {"END", "end"},
                                                 {"LAG", "lag"},
                                                 {"MEMBER", "member"},
                                                 {NULL, NULL}};
    static const struct view_column members[] = {{"MEMBER", "id"},
                                                 {"CLIENT", "client"},
                                                 {"HOST", "host"},
                                                 {"PARTITIONS", "partitions"},
                                                 {NULL, NULL}};
    json_t *group;
    TRY(group_client_describe(client, args->words[1], &group, diag));
    if (args_flag(args, "json")) {
        cmd_print_json(group);
    } else {
        printf("%s is %s, %zu member%s\n", args->words[1],
               json_string_value(json_object_get(group, "state")),
               json_array_size(json_object_get(group, "members")),
               json_array_size(json_object_get(group, "members")) == 1 ? "" : "s");
        if (args_flag(args, "members"))
            print(args, json_object_get(group, "members"), members);
        else
            print(args, json_object_get(group, "offsets"), offsets);
    }
    json_decref(group);
    return ERR_OK;
}

// --- reset ---

struct reset {
    enum { TO_EARLIEST, TO_LATEST, TO_OFFSET, TO_TIME, SHIFT, NOT_SAID } how;
    int64_t value; // offset, ms, or records
};

static bool number(const struct args *args, const char *name, int64_t *out)
{
    bool ok = true;
    *out = args_int(args, name, 0, INT64_MIN, INT64_MAX, &ok);
    return ok;
}

// False: a message was printed.
static bool read_reset(const struct args *args, struct reset *reset)
{
    static const char *const names[] = {"to-earliest", "to-latest",   "to-offset",
                                        "to-datetime", "by-duration", "shift-by"};
    const char *said = NULL;
    int64_t now_ms = clock_now_ms();
    reset->how = NOT_SAID;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!args_flag(args, names[i]))
            continue;
        if (said) {
            fprintf(stderr, "weir groups: --%s and --%s exclude each other\n", said, names[i]);
            return false;
        }
        said = names[i];
        reset->how = i < 3 ? (int)i : i < 5 ? TO_TIME : SHIFT;
    }
    const char *text = said ? args_text(args, said, "") : "";
    if (!said) {
        fputs("weir groups: say where to: --to-earliest, --to-latest, --to-offset, --to-datetime, "
              "--by-duration or --shift-by\n",
              stderr);
        return false;
    }
    if (strcmp(said, "to-datetime") == 0 && !when_parse(text, now_ms, &reset->value)) {
        fprintf(stderr,
                "weir groups: --to-datetime is '%s', expected a time as "
                "2026-11-21T10:00:00Z\n",
                text);
        return false;
    }
    if (strcmp(said, "by-duration") == 0) {
        if (!when_duration(text, &reset->value)) {
            fprintf(stderr,
                    "weir groups: --by-duration is '%s', expected a time as 15m, 2h or "
                    "PT2H\n",
                    text);
            return false;
        }
        reset->value = now_ms - reset->value;
    }
    return (reset->how != TO_OFFSET && reset->how != SHIFT) || number(args, said, &reset->value);
}

static err_t add_topic(struct kafka_client *client, rd_kafka_topic_partition_list_t *list,
                       const char *word, struct diag *diag)
{
    const struct rd_kafka_metadata *metadata;
    char topic[256], *end = NULL;
    const char *colon = strrchr(word, ':');
    long partition = colon ? strtol(colon + 1, &end, 10) : -1;
    snprintf(topic, sizeof topic, "%.*s", colon ? (int)(colon - word) : (int)strlen(word), word);
    if (colon && (end == colon + 1 || *end != '\0' || partition < 0))
        return FAIL(diag, ERR_INVALID, "--topic is '%s', expected TOPIC or TOPIC:PARTITION", word);
    TRY(kafka_client_metadata(client, topic, &metadata, diag));
    int count = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    if (partition >= count)
        return FAIL(diag, ERR_NOT_FOUND, "%s has %d partition%s, there is no %ld", topic, count,
                    count == 1 ? "" : "s", partition);
    for (int p = 0; p < count; p++)
        if (partition < 0 || p == partition)
            rd_kafka_topic_partition_list_add(list, topic, p)->offset = RD_KAFKA_OFFSET_INVALID;
    return ERR_OK;
}

// Where the offsets are to go, within what each partition holds.
static err_t work_out(struct kafka_client *client, const struct reset *reset,
                      const rd_kafka_topic_partition_list_t *present,
                      rd_kafka_topic_partition_list_t *wanted, struct diag *diag)
{
    rd_kafka_topic_partition_list_t *starts = rd_kafka_topic_partition_list_copy(wanted);
    rd_kafka_topic_partition_list_t *ends = rd_kafka_topic_partition_list_copy(wanted);
    err_t err = kafka_client_offsets(client, starts, RD_KAFKA_OFFSET_BEGINNING, diag);
    if (err == ERR_OK)
        err = kafka_client_offsets(client, ends, RD_KAFKA_OFFSET_END, diag);
    if (err == ERR_OK && reset->how == TO_TIME)
        err = kafka_client_offsets(client, wanted, reset->value, diag);
    for (int i = 0; err == ERR_OK && i < wanted->cnt; i++) {
        rd_kafka_topic_partition_t *one = &wanted->elems[i];
        int64_t start = starts->elems[i].offset, end = ends->elems[i].offset;
        const rd_kafka_topic_partition_t *now = rd_kafka_topic_partition_list_find(
            (rd_kafka_topic_partition_list_t *)(uintptr_t)present, one->topic, one->partition);
        if (reset->how == TO_EARLIEST)
            one->offset = start;
        else if (reset->how == TO_LATEST || (reset->how == TO_TIME && one->offset < 0))
            one->offset = end;
        else if (reset->how == TO_OFFSET)
            one->offset = reset->value;
        else if (reset->how == SHIFT && !now)
            err = FAIL(diag, ERR_INVALID, "the group has no offset in %s:%d to shift", one->topic,
                       one->partition);
        else if (reset->how == SHIFT &&
                 __builtin_add_overflow(now->offset, reset->value, &one->offset))
            one->offset = reset->value > 0 ? end : start;
        if (one->offset < start)
            one->offset = start;
        if (one->offset > end)
            one->offset = end;
    }
    rd_kafka_topic_partition_list_destroy(starts);
    rd_kafka_topic_partition_list_destroy(ends);
    return err;
}

static json_t *reset_rows(const rd_kafka_topic_partition_list_t *present,
                          const rd_kafka_topic_partition_list_t *wanted)
{
    json_t *rows = json_array();
    for (int i = 0; i < wanted->cnt; i++) {
        const rd_kafka_topic_partition_t *one = &wanted->elems[i];
        const rd_kafka_topic_partition_t *now = rd_kafka_topic_partition_list_find(
            (rd_kafka_topic_partition_list_t *)(uintptr_t)present, one->topic, one->partition);
        json_array_append_new(rows, json_pack("{s:s, s:i, s:o, s:I}", "topic", one->topic,
                                              "partition", one->partition, "from",
                                              now ? json_integer(now->offset) : json_null(), "to",
                                              (json_int_t)one->offset));
    }
    return rows;
}

static err_t move(struct kafka_client *client, const struct args *args, const struct reset *reset,
                  const rd_kafka_topic_partition_list_t *present,
                  rd_kafka_topic_partition_list_t *wanted, struct diag *diag)
{
    static const struct view_column columns[] = {{"TOPIC", "topic"},
                                                 {"PARTITION", "partition"},
                                                 {"FROM", "from"},
                                                 {"TO", "to"},
                                                 {NULL, NULL}};
    bool execute = args_flag(args, "execute");
    TRY(work_out(client, reset, present, wanted, diag));
    if (execute)
        TRY(group_client_commit(client, args->words[1], wanted, diag));
    json_t *rows = reset_rows(present, wanted);
    print(args, rows, columns);
    json_decref(rows);
    if (!execute)
        fputs("nothing was changed; --execute does it\n", stderr);
    return ERR_OK;
}

static err_t run_reset(struct kafka_client *client, const struct args *args,
                       const struct reset *reset, struct diag *diag)
{
    rd_kafka_topic_partition_list_t *present;
    const char *word;
    TRY(group_client_offsets(client, args->words[1], &present, diag));
    rd_kafka_topic_partition_list_t *wanted = args_flag(args, "topic")
                                                  ? rd_kafka_topic_partition_list_new(8)
                                                  : rd_kafka_topic_partition_list_copy(present);
    err_t err = ERR_OK;
    for (size_t at = 0; err == ERR_OK && (word = args_next(args, "topic", &at)) != NULL;)
        err = add_topic(client, wanted, word, diag);
    if (err == ERR_OK && wanted->cnt == 0)
        err = FAIL(diag, ERR_NOT_FOUND, "%s has no offsets; --topic says where it shall have some",
                   args->words[1]);
    if (err == ERR_OK)
        err = move(client, args, reset, present, wanted, diag);
    rd_kafka_topic_partition_list_destroy(present);
    rd_kafka_topic_partition_list_destroy(wanted);
    return err;
}

static err_t delete_all(struct kafka_client *client, const struct args *args, struct diag *diag)
{
    for (size_t i = 1; i < args->word_count; i++) {
        TRY(group_client_delete(client, args->words[i], diag));
        if (args_flag(args, "json"))
            printf("{\"deleted\": \"%s\"}\n", args->words[i]);
        else
            printf("%s deleted\n", args->words[i]);
    }
    return ERR_OK;
}

// --- the command ---

enum verb { LIST, DESCRIBE, RESET, DELETE, NO_VERB };

static const struct args_verb verbs[] = {
    [LIST] = {"list", 1, 1},   [DESCRIBE] = {"describe", 2, 2},
    [RESET] = {"reset", 2, 2}, [DELETE] = {"delete", 2, ARGS_WORDS_MAX},
    [NO_VERB] = {NULL, 0, 0},
};

int cmd_groups(int argc, char **argv)
{
    struct args args;
    struct reset reset = {.how = NOT_SAID};
    if (!args_parse(&args, "weir groups", groups_options, argc, argv))
        return EXIT_USAGE;
    if (args.help)
        return cmd_help(GROUPS_USAGE, groups_options);
    enum verb verb = (enum verb)args_verb(&args, verbs);
    if (verb == NO_VERB)
        return cmd_usage(GROUPS_USAGE);
    if (verb == RESET && !read_reset(&args, &reset))
        return EXIT_USAGE;
    struct diag diag = DIAG_INIT;
    struct kafka_client client;
    if (kafka_client_open(&client, &args, RD_KAFKA_CONSUMER, kafka_client_asks, NULL, NULL, &diag))
        return cmd_failed(args.command, &diag);
    err_t err = verb == LIST       ? list(&client, &args, &diag)
                : verb == DESCRIBE ? describe(&client, &args, &diag)
                : verb == RESET    ? run_reset(&client, &args, &reset, &diag)
                                   : delete_all(&client, &args, &diag);
    kafka_client_close(&client);
    return err ? cmd_failed(args.command, &diag) : EXIT_FINE;
}
