// SPDX-License-Identifier: Apache-2.0
//
// weir topics: over the Kafka protocol, so that they are the same for weir and for any other Kafka.

#include "app/admin.h"
#include "app/cmd.h"
#include "app/kafka_client.h"
#include "base/mem.h"
#include "wire/kafka/api.h"
#include "wire/kafka/incremental_alter_configs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPICS_USAGE                                                                              \
    "weir topics [list]\n"                                                                        \
    "       weir topics describe NAME [--configs]\n"                                              \
    "       weir topics create NAME [--partitions N] [--config KEY=VALUE ...]\n"                  \
    "       weir topics alter NAME [--partitions N] [--config KEY=VALUE ...] [--reset KEY ...]\n" \
    "       weir topics delete NAME ..."

static const struct option topics_options[] = {
    {"partitions", "N", "create: how many (default: the broker's); alter: the new, larger number"},
    {"replicas", "N", "create: copies of each partition (default: the broker's)"},
    {"config", "KEY=VALUE", "create, alter: a setting, as retention.ms=60000; repeatable"},
    {"reset", "KEY", "alter: this setting goes back to its default; repeatable"},
    {"configs", NULL, "describe: all settings, not only those that were given"},
    {"internal", NULL, "list: also topics whose names begin with __"},
    KAFKA_OPTIONS,
    {NULL, NULL, NULL}};

static int print(const struct args *args, json_t *rows, const struct view_column *columns)
{
    if (args_flag(args, "json")) {
        cmd_print_json(rows);
    } else {
        struct str out = {0};
        view_rows(&out, rows, columns);
        fputs(str_text(&out), stdout);
        str_release(&out);
    }
    return EXIT_FINE;
}

// --- list ---

// Bytes on disk only weir itself tells.
static void add_bytes(const struct kafka_client *client, json_t *rows)
{
    json_t *told = NULL;
    size_t index, other;
    json_t *row, *topic;
    if (!client->own || client_call(&client->weir, "GET", "/api/topics", NULL, &told, NULL))
        return;
    json_array_foreach(rows, index, row)
    {
        json_array_foreach(told, other, topic)
        {
            if (json_equal(json_object_get(row, "name"), json_object_get(topic, "name")))
                json_object_set(row, "bytes", json_object_get(topic, "bytes"));
        }
    }
    json_decref(told);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct rd_kafka_metadata_topic *const *)a)->topic,
                  (*(const struct rd_kafka_metadata_topic *const *)b)->topic);
}

static rd_kafka_topic_partition_list_t *all_partitions(const struct rd_kafka_metadata *metadata)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(64);
    for (int t = 0; t < metadata->topic_cnt; t++)
        for (int p = 0; p < metadata->topics[t].partition_cnt; p++)
            rd_kafka_topic_partition_list_add(list, metadata->topics[t].topic,
                                              metadata->topics[t].partitions[p].id);
    return list;
}

static int64_t offset_in(const rd_kafka_topic_partition_list_t *list, const char *topic, int32_t id)
{
    const rd_kafka_topic_partition_t *found = rd_kafka_topic_partition_list_find(
        (rd_kafka_topic_partition_list_t *)(uintptr_t)list, topic, id);
    return found ? found->offset : 0;
}

static err_t bounds(struct kafka_client *client, const struct rd_kafka_metadata *metadata,
                    rd_kafka_topic_partition_list_t **starts,
                    rd_kafka_topic_partition_list_t **ends, struct diag *diag)
{
    *starts = all_partitions(metadata);
    *ends = all_partitions(metadata);
    err_t err = kafka_client_offsets(client, *starts, RD_KAFKA_OFFSET_BEGINNING, diag);
    return err ? err : kafka_client_offsets(client, *ends, RD_KAFKA_OFFSET_END, diag);
}

static json_t *list_rows(const struct rd_kafka_metadata *metadata,
                         const rd_kafka_topic_partition_list_t *starts,
                         const rd_kafka_topic_partition_list_t *ends, bool internal)
{
    json_t *rows = json_array();
    size_t count = (size_t)metadata->topic_cnt;
    const struct rd_kafka_metadata_topic **topics = mem_alloc((count + 1) * sizeof *topics);
    for (size_t i = 0; i < count; i++)
        topics[i] = &metadata->topics[i];
    qsort(topics, count, sizeof *topics, by_name);
    for (size_t i = 0; i < count; i++) {
        int64_t records = 0;
        if (!internal && strncmp(topics[i]->topic, "__", 2) == 0)
            continue;
        for (int p = 0; p < topics[i]->partition_cnt; p++) {
            int32_t id = topics[i]->partitions[p].id;
            records +=
                offset_in(ends, topics[i]->topic, id) - offset_in(starts, topics[i]->topic, id);
        }
        json_array_append_new(rows,
                              json_pack("{s:s, s:i, s:I}", "name", topics[i]->topic, "partitions",
                                        topics[i]->partition_cnt, "records", (json_int_t)records));
    }
    mem_free(topics);
    return rows;
}

static err_t list(struct kafka_client *client, const struct args *args, struct diag *diag)
{
    static const struct view_column columns[] = {{"TOPIC", "name"},
                                                 {"PARTITIONS", "partitions"},
                                                 {"RECORDS", "records"},
                                                 {"BYTES", "bytes"},
                                                 {NULL, NULL}};
    static const struct view_column foreign[] = {
        {"TOPIC", "name"}, {"PARTITIONS", "partitions"}, {"RECORDS", "records"}, {NULL, NULL}};
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_partition_list_t *starts, *ends;
    TRY(kafka_client_metadata(client, NULL, &metadata, diag));
    err_t err = bounds(client, metadata, &starts, &ends, diag);
    if (err == ERR_OK) {
        json_t *rows = list_rows(metadata, starts, ends, args_flag(args, "internal"));
        add_bytes(client, rows);
        print(args, rows, client->own ? columns : foreign);
        json_decref(rows);
    }
    rd_kafka_topic_partition_list_destroy(starts);
    rd_kafka_topic_partition_list_destroy(ends);
    rd_kafka_metadata_destroy(metadata);
    return err;
}

// --- settings ---

static const char *source_name(rd_kafka_ConfigSource_t source)
{
    switch (source) {
    case RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG:
        return "topic";
    case RD_KAFKA_CONFIG_SOURCE_DYNAMIC_BROKER_CONFIG:
    case RD_KAFKA_CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER_CONFIG:
    case RD_KAFKA_CONFIG_SOURCE_STATIC_BROKER_CONFIG:
        return "broker";
    case RD_KAFKA_CONFIG_SOURCE_DEFAULT_CONFIG:
    case RD_KAFKA_CONFIG_SOURCE_UNKNOWN_CONFIG:
    case RD_KAFKA_CONFIG_SOURCE__CNT:
        break;
    }
    return "default";
}

static int by_key(const void *a, const void *b)
{
    return strcmp(rd_kafka_ConfigEntry_name(*(const rd_kafka_ConfigEntry_t *const *)a),
                  rd_kafka_ConfigEntry_name(*(const rd_kafka_ConfigEntry_t *const *)b));
}

// [{key, value, source}], sorted; only those of the topic itself unless `all`.
static json_t *settings_rows(const rd_kafka_ConfigResource_t *resource, bool all)
{
    size_t count;
    json_t *rows = json_array();
    const rd_kafka_ConfigEntry_t **told = rd_kafka_ConfigResource_configs(resource, &count);
    const rd_kafka_ConfigEntry_t **entries = mem_alloc((count + 1) * sizeof *entries);
    memcpy(entries, told, count * sizeof *entries);
    qsort(entries, count, sizeof *entries, by_key);
    for (size_t i = 0; i < count; i++) {
        const char *source = source_name(rd_kafka_ConfigEntry_source(entries[i]));
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        if (all || strcmp(source, "topic") == 0)
            json_array_append_new(rows, json_pack("{s:s, s:s, s:s}", "key",
                                                  rd_kafka_ConfigEntry_name(entries[i]), "value",
                                                  value ? value : "", "source", source));
    }
    mem_free(entries);
    return rows;
}

static err_t read_settings(struct kafka_client *client, const char *topic, bool all, json_t **out,
                           struct diag *diag)
{
    rd_kafka_event_t *event;
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    rd_kafka_DescribeConfigs(client->rk, &resource, 1, NULL, client->queue);
    rd_kafka_ConfigResource_destroy(resource);
    TRY(kafka_client_wait(client, &event, diag));
    size_t count;
    const rd_kafka_ConfigResource_t **told = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(told[0]);
    err_t err =
        code ? kafka_client_failed(diag, code, rd_kafka_ConfigResource_error_string(told[0]), topic)
             : ERR_OK;
    if (err == ERR_OK)
        *out = settings_rows(told[0], all);
    rd_kafka_event_destroy(event);
    return err;
}

// --- describe ---

static json_t *partition_rows(const struct rd_kafka_metadata_topic *topic,
                              const rd_kafka_topic_partition_list_t *starts,
                              const rd_kafka_topic_partition_list_t *ends)
{
    json_t *rows = json_array();
    for (int32_t wanted = 0; wanted < topic->partition_cnt; wanted++)
        for (int p = 0; p < topic->partition_cnt; p++) {
            const struct rd_kafka_metadata_partition *partition = &topic->partitions[p];
            if (partition->id != wanted)
                continue;
            json_t *replicas = json_array();
            for (int i = 0; i < partition->replica_cnt; i++)
                json_array_append_new(replicas, json_integer(partition->replicas[i]));
            int64_t start = offset_in(starts, topic->topic, wanted);
            int64_t end = offset_in(ends, topic->topic, wanted);
            json_array_append_new(
                rows, json_pack("{s:i, s:i, s:o, s:I, s:I, s:I}", "partition", wanted, "leader",
                                partition->leader, "replicas", replicas, "start", (json_int_t)start,
                                "end", (json_int_t)end, "records", (json_int_t)(end - start)));
        }
    return rows;
}

static void print_described(const struct args *args, const char *name, json_t *partitions,
                            json_t *settings)
{
    static const struct view_column columns[] = {{"PARTITION", "partition"}, {"LEADER", "leader"},
                                                 {"START", "start"},         {"END", "end"},
                                                 {"RECORDS", "records"},     {NULL, NULL}};
    static const struct view_column setting[] = {
        {"SETTING", "key"}, {"VALUE", "value"}, {"FROM", "source"}, {NULL, NULL}};
    if (args_flag(args, "json")) {
        json_t *all = json_pack("{s:s, s:O, s:O}", "name", name, "partitions", partitions,
                                "settings", settings);
        cmd_print_json(all);
        json_decref(all);
        return;
    }
    print(args, partitions, columns);
    if (json_array_size(settings) > 0) {
        putchar('\n');
        print(args, settings, setting);
    } else {
        printf("\nall settings at their defaults; --configs shows them\n");
    }
}

static err_t describe(struct kafka_client *client, const struct args *args, const char *name,
                      struct diag *diag)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_partition_list_t *starts, *ends;
    json_t *settings = NULL;
    TRY(kafka_client_metadata(client, name, &metadata, diag));
    err_t err = bounds(client, metadata, &starts, &ends, diag);
    if (err == ERR_OK)
        err = read_settings(client, name, args_flag(args, "configs"), &settings, diag);
    if (err == ERR_OK) {
        json_t *partitions = partition_rows(&metadata->topics[0], starts, ends);
        print_described(args, name, partitions, settings);
        json_decref(partitions);
    }
    json_decref(settings);
    rd_kafka_topic_partition_list_destroy(starts);
    rd_kafka_topic_partition_list_destroy(ends);
    rd_kafka_metadata_destroy(metadata);
    return err;
}

// --- create, alter, delete ---

static err_t done(struct kafka_client *client, const struct args *args, const char *what,
                  const char *name, struct diag *diag)
{
    rd_kafka_event_t *event;
    TRY(kafka_client_wait(client, &event, diag));
    size_t count = 0;
    const rd_kafka_topic_result_t **results = NULL;
    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_CREATETOPICS_RESULT)
        results =
            rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DELETETOPICS_RESULT)
        results =
            rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
    else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_CREATEPARTITIONS_RESULT)
        results = rd_kafka_CreatePartitions_result_topics(
            rd_kafka_event_CreatePartitions_result(event), &count);
    err_t err = ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++)
        if (rd_kafka_topic_result_error(results[i]))
            err = kafka_client_failed(diag, rd_kafka_topic_result_error(results[i]),
                                      rd_kafka_topic_result_error_string(results[i]), name);
    rd_kafka_event_destroy(event);
    if (err == ERR_OK && args_flag(args, "json"))
        printf("{\"%s\": \"%s\"}\n", what, name);
    else if (err == ERR_OK)
        printf("%s %s\n", name, what);
    return err;
}

static err_t split(const char *pair, char *key, size_t size, const char **value, struct diag *diag)
{
    const char *equals = strchr(pair, '=');
    if (!equals)
        return FAIL(diag, ERR_INVALID, "--config is '%s', expected KEY=VALUE", pair);
    snprintf(key, size, "%.*s", (int)(equals - pair), pair);
    *value = equals + 1;
    return ERR_OK;
}

static err_t create(struct kafka_client *client, const struct args *args, const char *name,
                    int64_t partitions, int64_t replicas, struct diag *diag)
{
    char error[256], key[128];
    const char *pair, *value;
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(name, (int)partitions, (int)replicas, error, sizeof error);
    if (!topic)
        return FAIL(diag, ERR_INVALID, "%s", error);
    err_t err = ERR_OK;
    for (size_t at = 0; err == ERR_OK && (pair = args_next(args, "config", &at)) != NULL;) {
        err = split(pair, key, sizeof key, &value, diag);
        if (err == ERR_OK)
            rd_kafka_NewTopic_set_config(topic, key, value);
    }
    if (err == ERR_OK)
        rd_kafka_CreateTopics(client->rk, &topic, 1, NULL, client->queue);
    rd_kafka_NewTopic_destroy(topic);
    return err ? err : done(client, args, "created", name, diag);
}

static err_t grow(struct kafka_client *client, const struct args *args, const char *name,
                  int64_t partitions, struct diag *diag)
{
    char error[256], what[64];
    rd_kafka_NewPartitions_t *more =
        rd_kafka_NewPartitions_new(name, (size_t)partitions, error, sizeof error);
    if (!more)
        return FAIL(diag, ERR_INVALID, "%s", error);
    rd_kafka_CreatePartitions(client->rk, &more, 1, NULL, client->queue);
    rd_kafka_NewPartitions_destroy(more);
    snprintf(what, sizeof what, "has %" PRId64 " partitions", partitions);
    return done(client, args, what, name, diag);
}

// AlterConfigs, which is all that librdkafka has, sets all settings of a topic at once: those it
// has are said again.
static err_t configure_other(struct kafka_client *client, const struct args *args, const char *name,
                             struct diag *diag)
{
    json_t *settings;
    const char *pair, *value;
    char key[128];
    TRY(read_settings(client, name, false, &settings, diag));
    json_t *wanted = json_object();
    size_t index;
    json_t *row;
    json_array_foreach(settings, index, row)
    {
        json_object_set(wanted, json_string_value(json_object_get(row, "key")),
                        json_object_get(row, "value"));
    }
    json_decref(settings);
    for (size_t at = 0; (pair = args_next(args, "reset", &at)) != NULL;)
        json_object_del(wanted, pair);
    err_t err = ERR_OK;
    for (size_t at = 0; err == ERR_OK && (pair = args_next(args, "config", &at)) != NULL;) {
        err = split(pair, key, sizeof key, &value, diag);
        if (err == ERR_OK)
            json_object_set_new(wanted, key, json_string(value));
    }
    rd_kafka_event_t *event;
    if (err == ERR_OK) {
        rd_kafka_ConfigResource_t *resource =
            rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
        const char *wanted_key;
        json_object_foreach(wanted, wanted_key, row)
        {
            rd_kafka_ConfigResource_set_config(resource, wanted_key, json_string_value(row));
        }
        rd_kafka_AlterConfigs(client->rk, &resource, 1, NULL, client->queue);
        rd_kafka_ConfigResource_destroy(resource);
        err = kafka_client_wait(client, &event, diag);
    }
    json_decref(wanted);
    if (err)
        return err;
    size_t count;
    const rd_kafka_ConfigResource_t **told =
        rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(event), &count);
    rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(told[0]);
    if (code)
        err = kafka_client_failed(diag, code, rd_kafka_ConfigResource_error_string(told[0]), name);
    rd_kafka_event_destroy(event);
    return err;
}

typedef struct kafka_incremental_alter_configs_request_config change_t;

static err_t read_changes(struct arena *arena, const struct args *args, change_t *changes,
                          int32_t *count, struct diag *diag)
{
    enum { SET = 0, DELETE = 1 };
    const char *word, *value;
    char key[128];
    for (size_t at = 0; (word = args_next(args, "reset", &at)) != NULL;)
        changes[(*count)++] = (change_t){bytes_from(word), DELETE, BYTES_NULL};
    for (size_t at = 0; (word = args_next(args, "config", &at)) != NULL;) {
        TRY(split(word, key, sizeof key, &value, diag));
        changes[(*count)++] =
            (change_t){bytes_from(arena_strdup(arena, key)), SET, bytes_from(value)};
    }
    return ERR_OK;
}

// Only what was said is changed.
static err_t send_changes(struct admin *admin, const struct args *args, const char *name,
                          struct diag *diag)
{
    enum { TOPIC = 2, VERSION = 1 };
    struct arena *arena = admin_arena(admin);
    struct kafka_incremental_alter_configs_request_resource resource = {
        .resource_type = TOPIC,
        .resource_name = bytes_from(name),
        .configs = ARENA_ARRAY(arena, change_t, ARGS_GIVEN_MAX)};
    struct kafka_incremental_alter_configs_request request;
    struct kafka_incremental_alter_configs_response *response;
    TRY(read_changes(arena, args, resource.configs, &resource.configs_count, diag));
    kafka_incremental_alter_configs_request_init(&request);
    request.resources = &resource;
    request.resources_count = 1;
    TRY(admin_call(admin, KAFKA_INCREMENTAL_ALTER_CONFIGS, VERSION, &request, (void **)&response,
                   diag));
    if (response->responses_count != 1)
        return FAIL(diag, ERR_MALFORMED, "the broker sent an answer that cannot be read");
    err_t err =
        admin_check(response->responses[0].error_code, response->responses[0].error_message, diag);
    diag_context(diag, "%s", name);
    return err;
}

static err_t configure_own(struct kafka_client *client, const struct args *args, const char *name,
                           struct diag *diag)
{
    struct admin *admin;
    TRY(admin_open_at(&admin, client->weir.log_dir, diag));
    err_t err = send_changes(admin, args, name, diag);
    admin_close(admin);
    return err;
}

static err_t configure(struct kafka_client *client, const struct args *args, const char *name,
                       struct diag *diag)
{
    TRY(kafka_client_is_local(client) ? configure_own(client, args, name, diag)
                                      : configure_other(client, args, name, diag));
    if (args_flag(args, "json"))
        printf("{\"altered\": \"%s\"}\n", name);
    else
        printf("%s altered\n", name);
    return ERR_OK;
}

static err_t alter(struct kafka_client *client, const struct args *args, const char *name,
                   int64_t partitions, struct diag *diag)
{
    bool settings = args_flag(args, "config") || args_flag(args, "reset");
    if (partitions > 0)
        TRY(grow(client, args, name, partitions, diag));
    return settings ? configure(client, args, name, diag) : ERR_OK;
}

static err_t delete_all(struct kafka_client *client, const struct args *args, struct diag *diag)
{
    for (size_t i = 1; i < args->word_count; i++) {
        rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(args->words[i]);
        rd_kafka_DeleteTopics(client->rk, &topic, 1, NULL, client->queue);
        rd_kafka_DeleteTopic_destroy(topic);
        TRY(done(client, args, "deleted", args->words[i], diag));
    }
    return ERR_OK;
}

// --- the command ---

enum verb { LIST, DESCRIBE, CREATE, ALTER, DELETE, NO_VERB };

static const struct args_verb verbs[] = {
    [LIST] = {"list", 1, 1},
    [DESCRIBE] = {"describe", 2, 2},
    [CREATE] = {"create", 2, 2},
    [ALTER] = {"alter", 2, 2},
    [DELETE] = {"delete", 2, ARGS_WORDS_MAX},
    [NO_VERB] = {NULL, 0, 0},
};

int cmd_topics(int argc, char **argv)
{
    struct args args;
    if (!args_parse(&args, "weir topics", topics_options, argc, argv))
        return EXIT_USAGE;
    if (args.help)
        return cmd_help(TOPICS_USAGE, topics_options);
    bool ok = true;
    int64_t partitions = args_int(&args, "partitions", -1, 1, 100000, &ok);
    int64_t replicas = args_int(&args, "replicas", -1, 1, INT16_MAX, &ok);
    enum verb verb = (enum verb)args_verb(&args, verbs);
    const char *name = args.word_count > 1 ? args.words[1] : NULL;
    if (!ok)
        return EXIT_USAGE;
    if (verb == NO_VERB || (verb == ALTER && partitions < 0 && !args_flag(&args, "config") &&
                            !args_flag(&args, "reset")))
        return cmd_usage(TOPICS_USAGE);
    struct diag diag = DIAG_INIT;
    struct kafka_client client;
    if (kafka_client_open(&client, &args, RD_KAFKA_CONSUMER, kafka_client_asks, NULL, NULL, &diag))
        return cmd_failed(args.command, &diag);
    err_t err = verb == LIST       ? list(&client, &args, &diag)
                : verb == DESCRIBE ? describe(&client, &args, name, &diag)
                : verb == CREATE   ? create(&client, &args, name, partitions, replicas, &diag)
                : verb == ALTER    ? alter(&client, &args, name, partitions, &diag)
                                   : delete_all(&client, &args, &diag);
    kafka_client_close(&client);
    return err ? cmd_failed(args.command, &diag) : EXIT_FINE;
}
