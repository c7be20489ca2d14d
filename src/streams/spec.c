// SPDX-License-Identifier: Apache-2.0
#include "streams/spec.h"

#include "base/vec.h"
#include "os/file.h"

#include <stdlib.h>
#include <strings.h>

struct spec_list {
    VEC(struct spec) all;
};

struct load {
    struct arena *arena;
    const char *dir;
    const struct sql_options *options;
    struct problems *problems;
    struct spec_list list;
    struct yaml_source source; // of the file being read
    struct bytes text;
};

static const char *const top_fields[] = {
    "name",        "source", "sql", "sink", "trigger", "outputMode", "engine", "checkpointLocation",
    "description", NULL};
static const char *const source_fields[] = {
    "topic",      "name", "startingOffsets", "maxOffsetsPerTrigger", "failOnDataLoss",
    "partitions", NULL};
static const char *const sink_fields[] = {"keyspace", "table", "topic", "format", NULL};

const struct type *spec_topic_type(struct arena *arena)
{
    const struct type_field fields[] = {
        {"key", &type_binary, true},        {"value", &type_binary, true},
        {"topic", &type_string, true},      {"partition", &type_int, true},
        {"offset", &type_long, true},       {"timestamp", &type_timestamp, true},
        {"timestampType", &type_int, true},
    };
    return type_struct(arena, fields, sizeof fields / sizeof *fields);
}

// --- source
// --------------------------------------------------------------------------------------------

static bool whole_number(const char *text, int64_t *out)
{
    char *end;
    *out = strtoll(text, &end, 10);
    return end != text && *end == '\0';
}

// {0: 23, 1: -2}, or Spark's {"topic": {"0": 23}}.
static void read_offset_map(struct load *load, struct spec *spec, const struct yaml *map)
{
    const struct yaml *inner = yaml_get(map, spec->topic);
    if (inner && map->count == 1)
        map = inner;
    struct spec_offset *offsets = ARENA_ARRAY(load->arena, struct spec_offset, map->count + 1);
    for (size_t i = 0; map->kind == YAML_MAP && i < map->count; i++) {
        int64_t partition, offset = 0;
        bool fine = whole_number(map->keys[i]->text, &partition) && partition >= 0 &&
                    partition < SPEC_PARTITIONS_MAX && map->items[i]->kind == YAML_SCALAR &&
                    whole_number(map->items[i]->text, &offset) && offset >= SPEC_OFFSET_EARLIEST;
        if (!fine) {
            yaml_problem(&load->source, map->keys[i],
                         "startingOffsets takes partition: offset, with -2 for earliest and -1 for "
                         "latest, not '%.60s'",
                         map->keys[i]->text);
            return;
        }
        offsets[spec->offset_count++] = (struct spec_offset){(int32_t)partition, offset};
    }
    spec->start = SPEC_OFFSETS;
    spec->offsets = offsets;
}

static void read_start(struct load *load, struct spec *spec, const struct yaml *source)
{
    const struct yaml *node = yaml_get(source, "startingOffsets");
    spec->start = SPEC_LATEST;
    if (yaml_is_null(node))
        return;
    if (node->kind == YAML_MAP) {
        read_offset_map(load, spec, node);
        return;
    }
    const char *text = node->kind == YAML_SCALAR ? node->text : "";
    if (strcasecmp(text, "earliest") == 0) {
        spec->start = SPEC_EARLIEST;
    } else if (strcasecmp(text, "latest") != 0) {
        struct problems unused = {0};
        struct yaml_source json = {load->source.file, &unused};
        const struct yaml *map =
            *text == '{' ? yaml_parse(load->arena, &json, bytes_from(text)) : NULL;
        problems_release(&unused);
        if (map && map->kind == YAML_MAP)
            read_offset_map(load, spec, map);
        else
            yaml_problem(&load->source, node,
                         "'startingOffsets' must be latest, earliest or "
                         "{\"%s\": {\"0\": 23, \"1\": -2}}, not '%.60s'",
                         spec->topic, text);
    }
}

static void read_source(struct load *load, struct spec *spec, const struct yaml *root)
{
    const struct yaml_source *at = &load->source;
    const struct yaml *source = yaml_map(at, root, "source");
    if (!source) {
        if (yaml_is_null(yaml_get(root, "source")))
            yaml_problem(at, root, "'source' is missing; expected source: {topic: ...}");
        return;
    }
    yaml_known(at, source, source_fields);
    spec->topic = yaml_text_required(at, source, "topic");
    if (!spec->topic)
        return;
    if (strlen(spec->topic) > 249 ||
        strspn(spec->topic, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
            strlen(spec->topic))
        yaml_problem(at, yaml_get(source, "topic"),
                     "'%.60s' is no topic name: letters, digits, '.', '_' and '-', at most 249",
                     spec->topic);
    spec->table = yaml_text(at, source, "name", spec->topic);
    spec->max_offsets_per_trigger = yaml_int(at, source, "maxOffsetsPerTrigger", 0, 1, INT64_MAX);
    spec->partitions = (int32_t)yaml_int(at, source, "partitions", 0, 1, SPEC_PARTITIONS_MAX);
    spec->fail_on_data_loss = yaml_bool(at, source, "failOnDataLoss", true);
    read_start(load, spec, source);
}

// --- sink, trigger, mode
// -------------------------------------------------------------------------------

static void read_sink(struct load *load, struct spec *spec, const struct yaml *root)
{
    const struct yaml_source *at = &load->source;
    const struct yaml *sink = yaml_map(at, root, "sink");
    if (!sink) {
        if (yaml_is_null(yaml_get(root, "sink")))
            yaml_problem(at, root, "'sink' is missing; expected sink: {keyspace: ..., table: ...}");
        return;
    }
    yaml_known(at, sink, sink_fields);
    const struct yaml *topic = yaml_get(sink, "topic"), *format = yaml_get(sink, "format");
    if (!yaml_is_null(topic)) {
        yaml_problem(
            at, topic,
            "a topic as sink is not in this build; write to a table with keyspace and table");
        return;
    }
    if (format && (format->kind != YAML_SCALAR ||
                   strcmp(format->text, "org.apache.spark.sql.cassandra") != 0)) {
        yaml_problem(at, format,
                     "the sink format '%.60s' is not in this build; leave it out and give keyspace "
                     "and table (`weir sql` shows results on a terminal)",
                     format->kind == YAML_SCALAR ? format->text : "");
        return;
    }
    spec->sink_keyspace = yaml_text_required(at, sink, "keyspace");
    spec->sink_table = yaml_text_required(at, sink, "table");
}

// Both `trigger: processingTime 1 second` and `trigger: {processingTime: 1 second}`.
static void read_trigger(struct load *load, struct spec *spec, const struct yaml *root)
{
    static const char *const fields[] = {"processingTime", "availableNow", NULL};
    const struct yaml_source *at = &load->source;
    const struct yaml *node = yaml_get(root, "trigger");
    if (yaml_is_null(node))
        return;
    if (node->kind == YAML_MAP) {
        yaml_known(at, node, fields);
        spec->interval_ms = yaml_duration_ms(at, node, "processingTime", 0);
        spec->trigger = spec->interval_ms ? SPEC_TRIGGER_PROCESSING_TIME : SPEC_TRIGGER_NONE;
        if (yaml_bool(at, node, "availableNow", false))
            spec->trigger = SPEC_TRIGGER_AVAILABLE_NOW;
        return;
    }
    const char *text = node->kind == YAML_SCALAR ? node->text : "";
    if (strcasecmp(text, "availableNow") == 0) {
        spec->trigger = SPEC_TRIGGER_AVAILABLE_NOW;
        return;
    }
    const char *time =
        strncasecmp(text, "processingTime", 14) == 0 ? text + 14 + strspn(text + 14, ": ") : text;
    if (strcasecmp(text, "none") == 0)
        return;
    if (duration_parse_ms(bytes_from(time), &spec->interval_ms))
        spec->trigger = spec->interval_ms ? SPEC_TRIGGER_PROCESSING_TIME : SPEC_TRIGGER_NONE;
    else
        yaml_problem(
            at, node,
            "'trigger' must be processingTime: '1 second', availableNow or none, not '%.60s'",
            text);
}

static void read_engine(struct load *load, const struct yaml *root)
{
    const char *engine = yaml_text(&load->source, root, "engine", "weir");
    if (strcmp(engine, "weir") == 0)
        return;
    const struct yaml *node = yaml_get(root, "engine");
    if (strcmp(engine, "spark") == 0)
        yaml_problem(&load->source, node,
                     "engine: spark is not in this build; leave it out or write engine: weir");
    else
        yaml_problem(&load->source, node, "'engine' must be weir, not '%.60s'", engine);
}

// What Spark refuses too, and why.
static void check_mode(struct load *load, struct spec *spec, const struct yaml *root)
{
    const struct yaml_source *at = &load->source;
    const struct yaml *node = yaml_get(root, "outputMode");
    const char *mode = yaml_text(at, root, "outputMode", "append");
    bool append = strcasecmp(mode, "append") == 0, update = strcasecmp(mode, "update") == 0,
         complete = strcasecmp(mode, "complete") == 0;
    spec->mode = update ? SPEC_UPDATE : SPEC_APPEND;
    if (!append && !update && !complete) {
        yaml_problem(at, node, "'outputMode' must be append or update, not '%.60s'", mode);
        return;
    }
    if (!spec->query)
        return;
    enum sql_kind kind = sql_query_kind(spec->query);
    const struct yaml *sql = yaml_get(root, "sql");
    if (kind == SQL_BATCH)
        yaml_problem(at, sql,
                     "this query cannot run on a stream: joins, ORDER BY, LIMIT, DISTINCT, window "
                     "functions, UNION and nested GROUP BY need all rows; use `weir sql` for it");
    else if (complete && kind == SQL_STATELESS)
        yaml_problem(at, node, "outputMode complete is for queries with GROUP BY; use append");
    else if (complete)
        yaml_problem(at, node,
                     "outputMode complete is not in this build; update keeps the same rows in a "
                     "table, by its key");
    else if (append && kind == SQL_AGGREGATE)
        yaml_problem(at, node ? node : sql,
                     "outputMode append cannot be used with GROUP BY without a watermark, because "
                     "a group's row changes with every record; use outputMode: update");
}

// --- SQL
// -----------------------------------------------------------------------------------------------

struct catalog_topic {
    const struct spec *spec;
};

static bool same_name(const char *const *parts, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(parts[i]);
        if (strncasecmp(name, parts[i], size) != 0)
            return false;
        name += size;
        if (i + 1 < count && *name++ != '.')
            return false;
    }
    return *name == '\0';
}

static err_t resolve(void *ctx, struct arena *arena, const char *const *parts, size_t part_count,
                     const struct type **type, void **id, struct diag *diag)
{
    const struct catalog_topic *catalog = ctx;
    if (!same_name(parts, part_count, catalog->spec->topic) &&
        !same_name(parts, part_count, catalog->spec->table))
        return FAIL(diag, ERR_NOT_FOUND, "no table '%s' here; this stream reads '%s'",
                    parts[part_count - 1], catalog->spec->table);
    *type = spec_topic_type(arena);
    *id = NULL;
    return ERR_OK;
}

// The byte of the file where line and column (from 1) stand; the end when they do not.
static size_t byte_at(struct bytes text, int line, int column)
{
    size_t at = 0;
    for (; at < text.size && line > 1; at++)
        line -= text.ptr[at] == '\n';
    at += (size_t)column - 1;
    return at < text.size ? at : text.size;
}

static int indent_of(struct bytes text, int line)
{
    for (size_t at = byte_at(text, line, 1); at < text.size;) {
        int indent = 0;
        while (at < text.size && text.ptr[at] == ' ') {
            indent++;
            at++;
        }
        if (at < text.size && text.ptr[at] != '\n')
            return indent;
        at++;
    }
    return 0;
}

// "line 3, column 14: words" inside the SQL becomes file:line:column: words.
static void sql_problem(struct load *load, const struct yaml *node, const struct diag *diag)
{
    int line = 1, column = 1, used = 0;
    const char *words = diag_text(diag);
    const char *place = strstr(words, "line ");
    if (place && sscanf(place, "line %d, column %d: %n", &line, &column, &used) == 2 && used > 0)
        words = place + used;
    else
        line = column = 1;
    size_t at = byte_at(load->text, node->line, node->column);
    uint8_t first = at < load->text.size ? load->text.ptr[at] : 0;
    if (first == '|') {
        column += indent_of(load->text, node->line + 1);
        line += node->line;
    } else if (first == '>') { // folded: the lines are joined, only the block can be named
        line = node->line;
        column = node->column;
    } else {
        column += line == 1 ? node->column - 1 + (first == '\'' || first == '"') : 0;
        line += node->line - 1;
    }
    int size = (int)strcspn(words, "\n");
    problem_add(load->problems, load->source.file, line, column, "%.*s", size, words);
}

static void read_sql(struct load *load, struct spec *spec, const struct yaml *root)
{
    struct diag diag = DIAG_INIT;
    spec->sql = yaml_text_required(&load->source, root, "sql");
    if (!spec->sql || !spec->topic)
        return;
    struct catalog_topic topic = {spec};
    struct sql_catalog catalog = {&topic, resolve};
    if (sql_compile(&spec->query, &catalog, bytes_from(spec->sql), load->options, &diag) == ERR_OK)
        return;
    spec->query = NULL;
    sql_problem(load, yaml_get(root, "sql"), &diag);
}

// --- files
// ---------------------------------------------------------------------------------------------

static void read_name(struct load *load, struct spec *spec, const struct yaml *root)
{
    spec->name = yaml_text_required(&load->source, root, "name");
    if (!spec->name)
        return;
    const struct yaml *node = yaml_get(root, "name");
    if (strlen(spec->name) > 200 ||
        strspn(spec->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
            strlen(spec->name))
        yaml_problem(&load->source, node,
                     "'%.60s' is no name: letters, digits, '.', '_' and '-', at most 200",
                     spec->name);
    for (size_t i = 0; i < load->list.all.count; i++)
        if (strcmp(load->list.all.items[i].name, spec->name) == 0)
            yaml_problem(&load->source, node, "the name '%s' is taken by %s", spec->name,
                         load->list.all.items[i].file);
}

static void read_file(struct load *load, struct bytes text)
{
    size_t before = load->problems->count;
    load->text = text;
    struct yaml *root = yaml_parse(load->arena, &load->source, text);
    if (!root) {
        if (load->problems->count == before)
            problem_add(load->problems, load->source.file, 1, 1,
                        "the file is empty; expected name, source, sql and sink");
        return;
    }
    if (root->kind != YAML_MAP) {
        yaml_problem(&load->source, root, "expected a map with name, source, sql and sink");
        return;
    }
    struct spec spec = {.file = load->source.file};
    yaml_known(&load->source, root, top_fields);
    read_name(load, &spec, root);
    read_source(load, &spec, root);
    read_sql(load, &spec, root);
    read_sink(load, &spec, root);
    read_trigger(load, &spec, root);
    read_engine(load, root);
    yaml_text(&load->source, root, "checkpointLocation", NULL);
    check_mode(load, &spec, root);
    if (load->problems->count == before)
        vec_push(&load->list.all, spec);
    else
        sql_query_free(spec.query);
}

static bool ends_with(const char *name, const char *end)
{
    size_t a = strlen(name), b = strlen(end);
    return a > b && strcmp(name + a - b, end) == 0;
}

static err_t visit(const char *name, bool is_dir, void *ctx)
{
    struct load *load = ctx;
    struct diag diag = DIAG_INIT;
    struct str text = {0};
    if (is_dir || name[0] == '.' || (!ends_with(name, ".yaml") && !ends_with(name, ".yml")))
        return ERR_OK;
    load->source.file = arena_printf(load->arena, "%s/%s", load->dir, name);
    load->source.problems = load->problems;
    if (file_read_all(load->source.file, 1 << 20, &text, &diag) == ERR_OK)
        read_file(load, str_bytes(&text));
    else
        problem_add(load->problems, load->source.file, 1, 1, "%s", diag_text(&diag));
    str_release(&text);
    return ERR_OK;
}

void specs_load(struct specs *specs, struct arena *arena, const char *dir,
                const struct sql_options *options, struct problems *problems)
{
    struct load load = {.arena = arena, .dir = dir, .options = options, .problems = problems};
    struct diag diag = DIAG_INIT;
    err_t err = dir_each(dir, visit, &load, &diag);
    if (err != ERR_OK && err != ERR_NOT_FOUND)
        problem_add(problems, dir, 1, 1, "%s", diag_text(&diag));
    specs->count = load.list.all.count;
    specs->items =
        arena_dup(arena, load.list.all.items, load.list.all.count * sizeof *load.list.all.items);
    vec_release(&load.list.all);
}

void specs_release(struct specs *specs)
{
    for (size_t i = 0; i < specs->count; i++)
        sql_query_free(specs->items[i].query);
    specs->count = 0;
}
