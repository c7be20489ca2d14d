// SPDX-License-Identifier: Apache-2.0
//
// weir log check, weir log dump: the log's files themselves. Needs no running weir, disturbs none.
// weir log repair: with weir stopped.

#include "app/cmd.h"
#include "app/config.h"
#include "app/dump.h"
#include "os/file.h"
#include "store/log/inspect.h"
#include "store/log/repair.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_USAGE                                                                           \
    "weir log check [DIR] [TOPIC[-PARTITION]] [--records]\n"                                \
    "       weir log dump FILE|TOPIC-PARTITION [--offset N] [--count N] [--records]\n"      \
    "       weir log repair TOPIC-PARTITION\n\n"                                            \
    "check reads every segment, its indexes, the checkpoint and the catalog, says what\n"   \
    "is damaged and what a weir that starts does about it, and changes nothing. Exit\n"     \
    "code 0: no damage, 1: damage. dump prints batches, and with --records keys and\n"      \
    "values too, in the words of kafka-dump-log.sh. repair, while weir is stopped, gives\n" \
    "up what check calls damaged, so that the partition takes appends again: every whole\n" \
    "batch stays at its offset, offsets of lost records stay empty. DIR is a project, a\n"  \
    "data directory or its log folder"

static const struct option log_options[] = {
    {"data-dir", "DIR", "the data directory (default: that of the project)"},
    {"dir", "DIR", "the project (default: the one here, or an example that has run)"},
    {"records", NULL, "check: unpack and parse every record too; dump: print them"},
    {"offset", "N", "dump: begin at this offset"},
    {"count", "N", "dump: print so many batches (default: all)"},
    {"json", NULL, "print JSON"},
    {NULL, NULL, NULL}};

// --- which log ---

// A log folder is one with a catalog.
static bool take_folder(const char *dir, const char *below, char *out, size_t size)
{
    char path[4200];
    snprintf(out, size, "%s%s", dir, below);
    snprintf(path, sizeof path, "%s/catalog", out);
    return file_exists(path);
}

// `dir` is a log folder, a data directory or a project.
static bool find_in(const char *dir, char *out, size_t size)
{
    if (take_folder(dir, "", out, size) || take_folder(dir, "/kafka/log", out, size))
        return true;
    struct problems problems = {0};
    struct config config;
    config_load(&config, dir, NULL, &problems);
    bool found = take_folder(config.data_dir, "/kafka/log", out, size);
    config_release(&config);
    problems_release(&problems);
    return found;
}

static bool find_log(const struct args *args, const char *word, char *out, size_t size)
{
    static const char *const places[] = {".", "examples/users", "examples/sentences"};
    const char *dir = args_text(args, "data-dir", args_text(args, "dir", word));
    bool found = dir && find_in(dir, out, size);
    for (size_t i = 0; !dir && !found && i < sizeof places / sizeof *places; i++)
        found = find_in(places[i], out, size);
    if (!found)
        fprintf(stderr,
                "%s: no log (a folder with a catalog) found %s%s; name it with --data-dir\n",
                args->command, dir ? "in " : "here or in examples/", dir ? dir : "");
    return found;
}

// "orders-3" is partition 3 of orders when there is such a folder, else all of a topic "orders-3".
static int32_t split_partition(const char *log_dir, const char *word, char *topic, size_t size)
{
    const char *dash = strrchr(word, '-');
    char path[5000], *end = NULL;
    snprintf(topic, size, "%s", word);
    snprintf(path, sizeof path, "%s/%s", log_dir, word);
    if (!dash || !isdigit((unsigned char)dash[1]) || !file_exists(path))
        return -1;
    long index = strtol(dash + 1, &end, 10);
    if (*end != '\0' || index > INT32_MAX)
        return -1;
    snprintf(topic, size, "%.*s", (int)(dash - word), word);
    return (int32_t)index;
}

// --- check ---

static void print_finding(const struct inspect_finding *finding, void *ctx)
{
    (void)ctx;
    printf("%s: %s", finding->kind == INSPECT_DAMAGE ? "damage" : "note", finding->path);
    if (finding->byte >= 0)
        printf(", byte %lld", (long long)finding->byte);
    if (finding->offset >= 0 && finding->topic)
        printf(" (offset %lld of %s-%d)", (long long)finding->offset, finding->topic,
               finding->partition);
    printf(": %s\n        a weir that starts %s\n", finding->found, finding->remedy);
}

static void keep_finding(const struct inspect_finding *finding, void *ctx)
{
    json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "kind",
                             finding->kind == INSPECT_DAMAGE ? "damage" : "note", "file",
                             finding->path, "found", finding->found, "at_start", finding->remedy);
    if (finding->byte >= 0)
        json_object_set_new(json, "byte", json_integer((json_int_t)finding->byte));
    if (finding->topic) {
        json_object_set_new(json, "topic", json_string(finding->topic));
        json_object_set_new(json, "partition", json_integer(finding->partition));
    }
    if (finding->offset >= 0)
        json_object_set_new(json, "offset", json_integer((json_int_t)finding->offset));
    json_array_append_new(ctx, json);
}

static void print_totals(const struct inspect_totals *totals, json_t *findings)
{
    if (findings) {
        json_t *all =
            json_pack("{s:O, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "findings", findings, "damages",
                      (json_int_t)totals->damages, "notes", (json_int_t)totals->notes, "partitions",
                      (json_int_t)totals->partitions, "segments", (json_int_t)totals->segments,
                      "batches", (json_int_t)totals->batches, "records",
                      (json_int_t)totals->records, "bytes", (json_int_t)totals->bytes);
        cmd_print_json(all);
        json_decref(all);
        return;
    }
    printf("%llu partitions, %llu segments, %llu batches, %llu records, %lld bytes: ",
           (unsigned long long)totals->partitions, (unsigned long long)totals->segments,
           (unsigned long long)totals->batches, (unsigned long long)totals->records,
           (long long)totals->bytes);
    if (totals->damages > 0)
        printf("%llu damaged places\n", (unsigned long long)totals->damages);
    else
        puts("no damage");
}

static bool is_topic_word(const struct args *args, size_t index)
{
    char scratch[4200];
    return args->word_count > index &&
           (index > 1 || !find_in(args->words[index], scratch, sizeof scratch));
}

static int check_log(const struct args *args)
{
    char dir[4096], topic[256] = "";
    size_t topic_at = is_topic_word(args, 1) ? 1 : 2;
    const char *folder = topic_at == 2 && args->word_count > 1 ? args->words[1] : NULL;
    if (args->word_count > topic_at + 1)
        return cmd_usage(LOG_USAGE);
    if (!find_log(args, folder, dir, sizeof dir))
        return EXIT_FAILED;
    struct inspect_options options = {
        .dir = dir, .partition = -1, .records = args_flag(args, "records")};
    if (args->word_count > topic_at) {
        options.partition = split_partition(dir, args->words[topic_at], topic, sizeof topic);
        options.topic = topic;
    }
    json_t *findings = args_flag(args, "json") ? json_array() : NULL;
    options.found = findings ? keep_finding : print_finding;
    options.ctx = findings;
    struct inspect_totals totals;
    struct diag diag = DIAG_INIT;
    err_t err = inspect_log(&options, &totals, &diag);
    if (err == ERR_OK)
        print_totals(&totals, findings);
    json_decref(findings);
    if (err != ERR_OK)
        return cmd_failed(args->command, &diag);
    return totals.damages > 0 ? EXIT_FAILED : EXIT_FINE;
}

// --- dump ---

static err_t dump_partition(struct dump *dump, const char *dir, struct diag *diag)
{
    struct arena arena = ARENA_INIT;
    int64_t *bases;
    size_t count;
    err_t err = inspect_segments(dir, &arena, &bases, &count, diag);
    for (size_t i = 0; err == ERR_OK && i < count && dump->left > 0; i++) {
        if (i + 1 < count && bases[i + 1] <= dump->offset)
            continue;
        char path[5200];
        snprintf(path, sizeof path, "%s/%020lld.log", dir, (long long)bases[i]);
        err = dump_file(dump, path, diag);
    }
    arena_release(&arena);
    return err;
}

static int dump_log(const struct args *args)
{
    bool ok = true;
    struct dump dump = {.out = stdout,
                        .offset = args_int(args, "offset", 0, 0, INT64_MAX, &ok),
                        .left = args_int(args, "count", INT64_MAX, 0, INT64_MAX, &ok),
                        .records = args_flag(args, "records"),
                        .json = args_flag(args, "json") ? json_array() : NULL};
    if (!ok || args->word_count != 2) {
        json_decref(dump.json);
        return ok ? cmd_usage(LOG_USAGE) : EXIT_USAGE;
    }
    const char *word = args->words[1];
    struct diag diag = DIAG_INIT;
    err_t err = ERR_OK;
    int code = EXIT_FINE;
    char dir[4096], path[5000];
    if (strchr(word, '/') || file_exists(word)) {
        err = dump_file(&dump, word, &diag);
    } else if (!find_log(args, NULL, dir, sizeof dir)) {
        code = EXIT_FAILED;
    } else {
        snprintf(path, sizeof path, "%s/%s", dir, word);
        err = file_exists(path) ? dump_partition(&dump, path, &diag)
                                : FAIL(&diag, ERR_NOT_FOUND, "no partition %s in %s", word, dir);
    }
    if (err == ERR_OK && code == EXIT_FINE && dump.json)
        cmd_print_json(dump.json);
    json_decref(dump.json);
    return err == ERR_OK ? code : cmd_failed(args->command, &diag);
}

// --- repair ---

// As `weir up` does it: nobody else writes there meanwhile. Logs without a data directory have no
// lock.
static err_t lock_data_dir(const char *log_dir, int *lock, struct diag *diag)
{
    char path[4200];
    *lock = -1;
    snprintf(path, sizeof path, "%s/../../lock", log_dir);
    return file_exists(path) ? file_lock(lock, path, diag) : ERR_OK;
}

static int repair_log(const struct args *args)
{
    char dir[4096], topic[256];
    if (args->word_count != 2)
        return cmd_usage(LOG_USAGE);
    if (!find_log(args, NULL, dir, sizeof dir))
        return EXIT_FAILED;
    struct diag diag = DIAG_INIT;
    struct repaired repaired = {0};
    int32_t index = split_partition(dir, args->words[1], topic, sizeof topic);
    int lock;
    err_t err = lock_data_dir(dir, &lock, &diag);
    if (err == ERR_OK)
        err = repair_partition(dir, topic, index, &repaired, &diag);
    file_close(lock);
    if (err != ERR_OK)
        return cmd_failed(args->command, &diag);
    if (args_flag(args, "json")) {
        json_t *json = json_pack("{s:I, s:I, s:I}", "lost_offsets", (json_int_t)repaired.offsets,
                                 "dropped_bytes", (json_int_t)repaired.bytes, "files_written",
                                 (json_int_t)repaired.files);
        cmd_print_json(json);
        json_decref(json);
    } else if (repaired.files == 0) {
        printf("%s: nothing to repair\n", args->words[1]);
    } else {
        printf("%s: %lld offsets have no record any more, %lld bytes were dropped, %lld files were "
               "written anew; the next start reads every segment\n",
               args->words[1], (long long)repaired.offsets, (long long)repaired.bytes,
               (long long)repaired.files);
    }
    return EXIT_FINE;
}

int cmd_log(int argc, char **argv)
{
    struct args args;
    if (!args_parse(&args, "weir log", log_options, argc, argv))
        return EXIT_USAGE;
    if (args.help)
        return cmd_help(LOG_USAGE, log_options);
    if (args.word_count > 0 && strcmp(args.words[0], "check") == 0)
        return check_log(&args);
    if (args.word_count > 0 && strcmp(args.words[0], "dump") == 0)
        return dump_log(&args);
    if (args.word_count > 0 && strcmp(args.words[0], "repair") == 0)
        return repair_log(&args);
    return cmd_usage(LOG_USAGE);
}
