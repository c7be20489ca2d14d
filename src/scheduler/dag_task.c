// SPDX-License-Identifier: Apache-2.0
//
// One task of a DAG file: the settings all types share (its own, then default_args), then those of
// its type.
#include "scheduler/dag_int.h"

#include <ctype.h>

#define HTTP_TIMEOUT_MS INT64_C(10000)
#define RETRY_DELAY_MS  INT64_C(300000) // Airflow's default
#define DAY_MS          INT64_C(86400000)

// Operator classes of Airflow files, by the last part of their dotted path.
static const struct {
    const char *name;
    enum task_type type;
} types[] = {
    {"http", TYPE_OF_HTTP},
    {"HttpOperator", TYPE_OF_HTTP},
    {"SimpleHttpOperator", TYPE_OF_HTTP},
    {"bash", TYPE_OF_BASH},
    {"BashOperator", TYPE_OF_BASH},
    {"python", TYPE_OF_PYTHON},
    {"PythonOperator", TYPE_OF_PYTHON},
    {"sql", TYPE_OF_SQL},
    {"cql", TYPE_OF_CQL},
    {"empty", TYPE_OF_EMPTY},
    {"EmptyOperator", TYPE_OF_EMPTY},
    {"DummyOperator", TYPE_OF_EMPTY},
};

#define TASK_KEYS DAG_COMMON_KEYS, "task_id", "type", "operator", "dependencies", "table"

static const char *const known_http[] = {
    TASK_KEYS,    "url",     "method", "headers", "body",        "records",         "topic", "key",
    "partitions", "timeout", "repeat", "fields",  "allow_empty", "request_retries", NULL};
static const char *const known_bash[] = {TASK_KEYS,    "bash_command", "env",
                                         "append_env", "cwd",          NULL};
static const char *const known_python[] = {TASK_KEYS,
                                           "python_callable",
                                           "python_callable_file",
                                           "python_callable_name",
                                           "op_kwargs",
                                           "env",
                                           "cwd",
                                           NULL};
static const char *const known_sql[] = {TASK_KEYS, "sql", "allow_empty", NULL};
static const char *const known_cql[] = {TASK_KEYS, "cql", "keyspace", NULL};
static const char *const known_empty[] = {TASK_KEYS, NULL};

static const char *const *const known_of[] = {
    [TYPE_OF_HTTP] = known_http, [TYPE_OF_BASH] = known_bash, [TYPE_OF_PYTHON] = known_python,
    [TYPE_OF_SQL] = known_sql,   [TYPE_OF_CQL] = known_cql,   [TYPE_OF_EMPTY] = known_empty,
};

bool dag__valid_id(const char *id)
{
    size_t size = strlen(id), dots = 0;
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)id[i]) && !strchr("_.-", id[i]))
            return false;
        dots += id[i] == '.';
    }
    return size > 0 && size <= 200 && dots < size;
}

int64_t dag__duration_ms(struct dag_reader *reader, const struct yaml *map, const char *key,
                         const char *seconds_key, int64_t fallback_ms)
{
    if (seconds_key && yaml_is_null(yaml_get(map, key)) &&
        !yaml_is_null(yaml_get(map, seconds_key)))
        key = seconds_key;
    int64_t value = yaml_duration_ms(&reader->source, map, key, fallback_ms);
    if (value >= 0 && value <= 36500 * DAY_MS)
        return value;
    yaml_problem(&reader->source, yaml_get(map, key), "'%s' must be between 0 and 100 years", key);
    return fallback_ms;
}

// --- helpers ---

// The map that says `key` for this task: its own, the DAG's default_args or the file's.
static const struct yaml *says(struct dag_reader *reader, const struct yaml *node, const char *key,
                               const char *other_key)
{
    const struct yaml *chain[] = {node, reader->defaults[0], reader->defaults[1]};
    for (int i = 0; i < 3; i++)
        if (chain[i] && (!yaml_is_null(yaml_get(chain[i], key)) ||
                         (other_key && !yaml_is_null(yaml_get(chain[i], other_key)))))
            return chain[i];
    return node;
}

static void check_template(struct dag_reader *reader, const struct yaml *node, const char *text)
{
    struct diag diag = DIAG_INIT;
    size_t at;
    if (!text || template_check(text, reader->vars, reader->var_count, &at, &diag) == ERR_OK)
        return;
    bool one_line = !memchr(text, '\n', at);
    problem_add(reader->source.problems, reader->source.file, node->line,
                node->column + (one_line ? (int)at : 0) + (node->quoted && one_line), "%s",
                diag_text(&diag));
}

// Every text below `node`.
static void check_templates(struct dag_reader *reader, const struct yaml *node)
{
    if (!node)
        return;
    if (node->kind == YAML_SCALAR)
        check_template(reader, node, node->text);
    for (size_t i = 0; node->kind != YAML_SCALAR && i < node->count; i++)
        check_templates(reader, node->items[i]);
}

static const char *templated(struct dag_reader *reader, const struct yaml *map, const char *key,
                             const char *fallback)
{
    const char *text = yaml_text(&reader->source, map, key, fallback);
    if (text && text != fallback)
        check_template(reader, yaml_get(map, key), text);
    return text;
}

static const char *templated_required(struct dag_reader *reader, const struct yaml *map,
                                      const char *key)
{
    const char *text = yaml_text_required(&reader->source, map, key);
    if (text)
        check_template(reader, yaml_get(map, key), text);
    return text;
}

static struct name_texts read_texts(struct dag_reader *reader, const struct yaml *map,
                                    const char *key, bool is_template)
{
    const struct yaml *inner = yaml_map(&reader->source, map, key);
    struct name_texts out = {0};
    if (!inner)
        return out;
    struct name_text *items = ARENA_ARRAY(reader->arena, struct name_text, inner->count + 1);
    for (size_t i = 0; i < inner->count; i++) {
        const char *name = inner->keys[i]->text;
        const char *text = is_template ? templated(reader, inner, name, "")
                                       : yaml_text(&reader->source, inner, name, "");
        items[out.count++] = (struct name_text){name, text};
    }
    out.items = items;
    return out;
}

// --- types ---

static void read_http(struct dag_reader *reader, const struct yaml *node, struct task *task)
{
    static const char *const known_repeat[] = {"every", "for", NULL};
    struct http_settings *http = &task->http;
    const struct yaml_source *source = &reader->source;
    http->url = templated_required(reader, node, "url");
    http->method = yaml_text(source, node, "method", "GET");
    http->body = templated(reader, node, "body", NULL);
    http->headers = read_texts(reader, node, "headers", true);
    http->records = yaml_text(source, node, "records", NULL);
    http->key = yaml_text(source, node, "key", NULL);
    http->fields = read_texts(reader, node, "fields", false);
    http->partitions = (int32_t)yaml_int(source, node, "partitions", 0, 0, 10000);
    http->timeout_ms = dag__duration_ms(reader, node, "timeout", NULL, HTTP_TIMEOUT_MS);
    http->request_retries = (int)yaml_int(source, node, "request_retries", 4, 0, 100);
    http->allow_empty = yaml_bool(source, node, "allow_empty", false);
    task->topic = yaml_text(source, node, "topic", NULL);
    const struct yaml *repeat = yaml_map(source, node, "repeat");
    yaml_known(source, repeat, known_repeat);
    if (repeat) {
        http->every_ms = dag__duration_ms(reader, repeat, "every", NULL, 1000);
        http->for_ms = dag__duration_ms(reader, repeat, "for", NULL, 0);
        if (http->for_ms == 0 || http->every_ms == 0)
            yaml_problem(source, repeat,
                         "'repeat' needs 'every' and 'for' above zero, such as"
                         " {every: 1s, for: 60s}");
    }
    if (http->url && strncmp(http->url, "http://", 7) != 0 &&
        strncmp(http->url, "https://", 8) != 0 && strncmp(http->url, "{{", 2) != 0)
        yaml_problem(source, yaml_get(node, "url"), "'url' must begin with http:// or https://");
}

static void read_bash(struct dag_reader *reader, const struct yaml *node, struct task *task)
{
    task->shell.command = templated_required(reader, node, "bash_command");
    task->shell.env = read_texts(reader, node, "env", true);
    task->shell.append_env =
        yaml_bool(&reader->source, node, "append_env", task->shell.env.count == 0);
    task->shell.cwd = templated(reader, node, "cwd", reader->folder);
}

// python_callable: file.py:function, or dag-factory's pair of keys.
static void read_python(struct dag_reader *reader, const struct yaml *node, struct task *task)
{
    const struct yaml_source *source = &reader->source;
    const char *file = yaml_text(source, node, "python_callable_file", NULL);
    const char *function = yaml_text(source, node, "python_callable_name", NULL);
    if (!file && !function) {
        const char *both = yaml_text_required(source, node, "python_callable");
        const char *colon = both ? strrchr(both, ':') : NULL;
        if (both && (!colon || colon == both || !colon[1]))
            yaml_problem(source, yaml_get(node, "python_callable"),
                         "'python_callable' must be file.py:function, not '%.60s'", both);
        if (!colon)
            return;
        file = arena_printf(reader->arena, "%.*s", (int)(colon - both), both);
        function = colon + 1;
    }
    if (!file || !function) {
        yaml_problem(source, node, "python_callable_file and python_callable_name go together");
        return;
    }
    task->shell.function = function;
    task->shell.file =
        file[0] == '/' ? file : arena_printf(reader->arena, "%s/%s", reader->folder, file);
    struct str kwargs = {0};
    const struct yaml *given = yaml_map(source, node, "op_kwargs");
    if (given)
        yaml_json(&kwargs, given);
    task->shell.kwargs = arena_strdup(reader->arena, given ? str_text(&kwargs) : "{}");
    str_release(&kwargs);
    check_templates(reader, given);
    task->shell.env = read_texts(reader, node, "env", true);
    task->shell.append_env = true;
    task->shell.cwd = templated(reader, node, "cwd", reader->folder);
}

static void read_query(struct dag_reader *reader, const struct yaml *node, struct task *task)
{
    bool sql = task->type == TYPE_OF_SQL;
    task->query.text = templated_required(reader, node, sql ? "sql" : "cql");
    task->query.keyspace = sql ? NULL : yaml_text(&reader->source, node, "keyspace", NULL);
    task->query.allow_empty = !sql || yaml_bool(&reader->source, node, "allow_empty", true);
}

static bool read_type(struct dag_reader *reader, const struct yaml *node, enum task_type *out)
{
    const char *key = yaml_is_null(yaml_get(node, "type")) ? "operator" : "type";
    const char *name = yaml_text(&reader->source, node, key, NULL);
    if (!name) {
        if (yaml_is_null(yaml_get(node, key)))
            yaml_problem(&reader->source, node,
                         "a task needs a 'type': http, bash, python, sql, cql or empty");
        return false;
    }
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(dot ? dot + 1 : name, types[i].name) == 0) {
            *out = types[i].type;
            return true;
        }
    yaml_problem(&reader->source, yaml_get(node, key),
                 "unknown task type '%.60s', expected http, bash, python, sql, cql or empty", name);
    return false;
}

static void read_common(struct dag_reader *reader, const struct yaml *node, struct task *task)
{
    const struct yaml_source *source = &reader->source;
    const struct yaml *map = says(reader, node, "retries", NULL);
    task->retries = (int)yaml_int(source, map, "retries", 0, 0, 10000);
    map = says(reader, node, "retry_delay", "retry_delay_sec");
    task->retry_delay_ms =
        dag__duration_ms(reader, map, "retry_delay", "retry_delay_sec", RETRY_DELAY_MS);
    map = says(reader, node, "max_retry_delay", NULL);
    task->max_retry_delay_ms = dag__duration_ms(reader, map, "max_retry_delay", NULL, 0);
    map = says(reader, node, "retry_exponential_backoff", NULL);
    task->exponential = yaml_bool(source, map, "retry_exponential_backoff", false);
    map = says(reader, node, "execution_timeout", "execution_timeout_secs");
    task->execution_timeout_ms =
        dag__duration_ms(reader, map, "execution_timeout", "execution_timeout_secs", 0);
    map = says(reader, node, "depends_on_past", NULL);
    task->depends_on_past = yaml_bool(source, map, "depends_on_past", false);
    map = says(reader, node, "trigger_rule", NULL);
    const char *rule = yaml_text(source, map, "trigger_rule", "all_success");
    if (!trigger_rule_parse(rule, &task->rule))
        yaml_problem(source, yaml_get(map, "trigger_rule"),
                     "unknown trigger_rule '%.60s', expected all_success, all_failed, all_done,"
                     " all_done_min_one_success, all_skipped, one_success, one_failed, one_done,"
                     " none_failed, none_failed_min_one_success, none_skipped or always",
                     rule);
    task->table = yaml_text(source, node, "table", NULL);
}

bool dag__read_task(struct dag_reader *reader, const char *id, const struct yaml *node,
                    struct task *out)
{
    out->id = id;
    if (!dag__valid_id(id)) {
        yaml_problem(&reader->source, node,
                     "task id '%.60s' must consist of letters, digits, '-', '_' and '.'", id);
        return false;
    }
    if (node->kind != YAML_MAP) {
        yaml_problem(&reader->source, node, "task '%s' must be a map with its type and settings",
                     id);
        return false;
    }
    if (!read_type(reader, node, &out->type))
        return false;
    yaml_known(&reader->source, node, known_of[out->type]);
    read_common(reader, node, out);
    switch (out->type) {
    case TYPE_OF_HTTP:
        read_http(reader, node, out);
        break;
    case TYPE_OF_BASH:
        read_bash(reader, node, out);
        break;
    case TYPE_OF_PYTHON:
        read_python(reader, node, out);
        break;
    case TYPE_OF_SQL:
    case TYPE_OF_CQL:
        read_query(reader, node, out);
        break;
    case TYPE_OF_EMPTY:
        break;
    }
    return true;
}
