// SPDX-License-Identifier: Apache-2.0
//
// An expression is a path (a.b['c']) with at most one call at its end. Checking runs the same code
// as rendering, without a scope and without output.
#include "scheduler/template.h"

#include "base/mem.h"
#include "scheduler/instant.h"

#include <ctype.h>

#define PARTS_MAX 8
#define PART_MAX  128
#define KNOWN                                                                           \
    "ds, ts, logical_date, data_interval_start, data_interval_end, run_id, dag.dag_id," \
    " task.task_id, params.x, dag_run.conf.x, ti.xcom_pull('task'), var.value.x or weir.x"

struct expression {
    char parts[PARTS_MAX][PART_MAX];
    size_t count;
    bool call;
    bool literal; // parts[0] is a quoted text
    char argument[PART_MAX], key[PART_MAX];
};

struct reader {
    const char *text, *at;
    struct diag *diag;
};

struct names {
    const struct template_scope *scope; // NULL when checking
    const struct scheduler_var *vars;
    size_t var_count;
    bool any_weir;
};

static err_t wrong(struct reader *reader, const char *what)
{
    return FAIL(reader->diag, ERR_INVALID, "template '%.60s': %s at character %zu", reader->text,
                what, (size_t)(reader->at - reader->text) + 1);
}

static void skip_space(struct reader *reader)
{
    while (isspace((unsigned char)*reader->at))
        reader->at++;
}

static err_t read_word(struct reader *reader, char out[PART_MAX])
{
    size_t size = 0;
    const char *at = reader->at;
    if (!isalpha((unsigned char)*at) && *at != '_')
        return wrong(reader, "expected a name");
    while (isalnum((unsigned char)at[size]) || at[size] == '_')
        size++;
    if (size >= PART_MAX)
        return wrong(reader, "name too long");
    snprintf(out, PART_MAX, "%.*s", (int)size, at);
    reader->at += size;
    return ERR_OK;
}

static err_t read_quoted(struct reader *reader, char out[PART_MAX])
{
    char quote = *reader->at;
    if (quote != '\'' && quote != '"')
        return wrong(reader, "expected a quoted text");
    const char *end = strchr(reader->at + 1, quote);
    if (!end)
        return wrong(reader, "quote is not closed");
    size_t size = (size_t)(end - reader->at) - 1;
    if (size >= PART_MAX)
        return wrong(reader, "quoted text too long");
    snprintf(out, PART_MAX, "%.*s", (int)size, reader->at + 1);
    reader->at = end + 1;
    return ERR_OK;
}

// ('task'), (task_ids='task', key='rows')
static err_t read_call(struct reader *reader, struct expression *expression)
{
    expression->call = true;
    snprintf(expression->key, PART_MAX, "return_value");
    reader->at++;
    for (skip_space(reader); *reader->at != ')'; skip_space(reader)) {
        char name[PART_MAX] = "task_ids", value[PART_MAX];
        if (isalpha((unsigned char)*reader->at)) {
            TRY(read_word(reader, name));
            skip_space(reader);
            if (*reader->at != '=')
                return wrong(reader, "expected '='");
            reader->at++;
            skip_space(reader);
        }
        TRY(read_quoted(reader, value));
        if (strcmp(name, "key") == 0)
            snprintf(expression->key, PART_MAX, "%s", value);
        else if (strcmp(name, "task_ids") == 0)
            snprintf(expression->argument, PART_MAX, "%s", value);
        else
            return wrong(reader, "unknown argument");
        skip_space(reader);
        if (*reader->at == ',')
            reader->at++;
        else if (*reader->at != ')')
            return wrong(reader, "expected ')'");
    }
    reader->at++;
    return ERR_OK;
}

static err_t read_expression(struct reader *reader, struct expression *out)
{
    skip_space(reader);
    if (*reader->at == '\'' || *reader->at == '"') {
        out->literal = true;
        TRY(read_quoted(reader, out->parts[0]));
    } else {
        TRY(read_word(reader, out->parts[out->count++]));
    }
    while (!out->literal && !out->call) {
        skip_space(reader);
        if (*reader->at != '.' && *reader->at != '[' && *reader->at != '(')
            break;
        if (*reader->at == '(') {
            TRY(read_call(reader, out));
            break;
        }
        bool bracket = *reader->at++ == '[';
        if (out->count == PARTS_MAX)
            return wrong(reader, "path too deep");
        skip_space(reader);
        TRY(bracket ? read_quoted(reader, out->parts[out->count])
                    : read_word(reader, out->parts[out->count]));
        out->count++;
        skip_space(reader);
        if (bracket && *reader->at++ != ']')
            return wrong(reader, "expected ']'");
    }
    skip_space(reader);
    if (strncmp(reader->at, "}}", 2) != 0)
        return wrong(reader,
                     *reader->at == '|' ? "filters are not supported, found '|'" : "expected '}}'");
    reader->at += 2;
    return ERR_OK;
}

// --- values ---

static void append_nodash(struct str *out, int64_t us, bool with_time)
{
    struct str text = {0};
    instant_append(&text, us);
    for (size_t i = 0; i < (with_time ? 19u : 10u); i++)
        if (text.ptr[i] != '-' && text.ptr[i] != ':')
            str_append_byte(out, text.ptr[i]);
    str_release(&text);
}

// As Python prints an aware datetime.
static void append_datetime(struct str *out, int64_t us)
{
    size_t start = out->size;
    instant_append_offset(out, us);
    out->ptr[start + 10] = ' ';
}

static void append_json(struct str *out, const json_t *value)
{
    if (json_is_string(value)) {
        str_append(out, json_string_value(value), json_string_length(value));
        return;
    }
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    str_append_text(out, text ? text : "null");
    free(text);
}

// True when `name` is one of the dates of a run.
static bool date_value(struct str *out, const char *name, const struct template_scope *scope)
{
    static const char *const dates[] = {"ds",
                                        "ds_nodash",
                                        "ts",
                                        "ts_nodash",
                                        "ts_nodash_with_tz",
                                        "logical_date",
                                        "data_interval_start",
                                        "data_interval_end"};
    size_t which = 0, count = sizeof dates / sizeof *dates;
    while (which < count && strcmp(name, dates[which]) != 0)
        which++;
    if (which == count)
        return false;
    if (!scope)
        return true;
    int64_t us = scope->logical_us;
    switch (which) {
    case 0:
        instant_append_date(out, us);
        break;
    case 1:
        append_nodash(out, us, false);
        break;
    case 2:
        instant_append_offset(out, us);
        break;
    case 3:
        append_nodash(out, us, true);
        break;
    case 4:
        append_nodash(out, us, true);
        str_append_text(out, "+0000");
        break;
    case 5:
        append_datetime(out, us);
        break;
    default:
        append_datetime(out, which == 6 ? scope->interval_start_us : scope->interval_end_us);
    }
    return true;
}

static bool is_path(const struct expression *expression, const char *a, const char *b)
{
    return expression->count == 2 && strcmp(expression->parts[0], a) == 0 &&
           strcmp(expression->parts[1], b) == 0;
}

static bool is_task_instance(const struct expression *expression)
{
    return expression->count == 2 && (strcmp(expression->parts[0], "ti") == 0 ||
                                      strcmp(expression->parts[0], "task_instance") == 0);
}

static bool text_value(struct str *out, const struct expression *expression,
                       const struct template_scope *scope)
{
    bool instance = is_task_instance(expression);
    const char *second = expression->parts[1];
    const char *value = NULL;
    if ((expression->count == 1 && strcmp(expression->parts[0], "run_id") == 0) ||
        is_path(expression, "dag_run", "run_id") || (instance && strcmp(second, "run_id") == 0))
        value = scope ? scope->run_id : "";
    else if (is_path(expression, "dag", "dag_id") || (instance && strcmp(second, "dag_id") == 0))
        value = scope ? scope->dag_id : "";
    else if (is_path(expression, "task", "task_id") || (instance && strcmp(second, "task_id") == 0))
        value = scope ? scope->task_id : "";
    if (value) {
        str_append_text(out, value);
        return true;
    }
    if (instance && strcmp(second, "try_number") == 0) {
        str_printf(out, "%d", scope ? scope->try_number : 1);
        return true;
    }
    return is_path(expression, "dag_run", "logical_date") && date_value(out, "logical_date", scope);
}

static bool variable_value(struct str *out, const struct expression *expression,
                           const struct names *names)
{
    char name[PARTS_MAX * PART_MAX] = "";
    size_t size = 0, first = 0;
    if (expression->count == 3 && strcmp(expression->parts[0], "var") == 0 &&
        strcmp(expression->parts[1], "value") == 0)
        first = 2;
    for (size_t i = first; i < expression->count; i++)
        size += (size_t)snprintf(name + size, sizeof name - size, "%s%s", i > first ? "." : "",
                                 expression->parts[i]);
    for (size_t i = 0; i < names->var_count; i++)
        if (strcmp(names->vars[i].name, name) == 0) {
            str_append_text(out, names->vars[i].value);
            return true;
        }
    return names->any_weir && (first == 2 || strcmp(expression->parts[0], "weir") == 0);
}

// params.a.b and dag_run.conf.a.b
static err_t json_value(struct str *out, const struct expression *expression, size_t first,
                        const json_t *value, struct reader *reader)
{
    for (size_t i = first; i < expression->count; i++) {
        const json_t *inner = json_object_get(value, expression->parts[i]);
        if (!inner)
            return FAIL(reader->diag, ERR_INVALID, "template '%.60s': %s has no '%s'", reader->text,
                        first == 1 ? "params" : "dag_run.conf", expression->parts[i]);
        value = inner;
    }
    append_json(out, value);
    return ERR_OK;
}

static err_t xcom_value(struct str *out, const struct expression *expression,
                        const struct template_scope *scope, struct reader *reader)
{
    if (!expression->argument[0])
        return wrong(reader, "xcom_pull needs a task id");
    if (!scope)
        return ERR_OK;
    struct str json = {0};
    err_t err = scope->xcom(expression->argument, expression->key, &json, scope->ctx, reader->diag);
    json_t *value =
        err == ERR_OK && json.size ? json_loadb(json.ptr, json.size, JSON_DECODE_ANY, NULL) : NULL;
    if (value)
        append_json(out, value);
    else if (err == ERR_OK)
        str_append_text(out, "None");
    json_decref(value);
    str_release(&json);
    return err;
}

static err_t evaluate(struct str *out, const struct expression *expression,
                      const struct names *names, struct reader *reader)
{
    const struct template_scope *scope = names->scope;
    const char *first = expression->parts[0];
    if (expression->literal) {
        str_append_text(out, first);
        return ERR_OK;
    }
    if (expression->call) {
        if (is_task_instance(expression) && strcmp(expression->parts[1], "xcom_pull") == 0)
            return xcom_value(out, expression, scope, reader);
        return wrong(reader, "only ti.xcom_pull('task') can be called");
    }
    if (expression->count == 1 && date_value(out, first, scope))
        return ERR_OK;
    if (text_value(out, expression, scope))
        return ERR_OK;
    if (expression->count == 1 && (strcmp(first, "page") == 0 || strcmp(first, "iteration") == 0)) {
        if (scope && scope->page == 0)
            return wrong(reader, "page and iteration exist in http tasks only");
        str_printf(out, "%lld", scope ? (long long)scope->page - (*first == 'i') : 1);
        return ERR_OK;
    }
    if (strcmp(first, "params") == 0 && expression->count > 1)
        return scope ? json_value(out, expression, 1, scope->params, reader) : ERR_OK;
    if (expression->count > 2 && strcmp(first, "dag_run") == 0 &&
        strcmp(expression->parts[1], "conf") == 0)
        return scope ? json_value(out, expression, 2, scope->conf, reader) : ERR_OK;
    if (variable_value(out, expression, names))
        return ERR_OK;
    return FAIL(reader->diag, ERR_INVALID,
                "template '%.60s': unknown name '%.40s', known are " KNOWN, reader->text, first);
}

static err_t expand(struct str *out, const char *text, const struct names *names, size_t *start,
                    struct diag *diag)
{
    struct reader reader = {.text = text, .at = text, .diag = diag};
    while (*reader.at) {
        const char *open = strchr(reader.at, '{');
        size_t plain = open ? (size_t)(open - reader.at) : strlen(reader.at);
        str_append(out, reader.at, plain);
        reader.at += plain;
        if (!open)
            break;
        *start = (size_t)(open - text);
        if (open[1] == '%')
            return wrong(&reader, "statements ({%% ... %%}) are not supported");
        if (open[1] != '{') {
            str_append_byte(out, '{');
            reader.at++;
            continue;
        }
        struct expression expression = {0};
        reader.at += 2;
        TRY(read_expression(&reader, &expression));
        TRY(evaluate(out, &expression, names, &reader));
    }
    return ERR_OK;
}

err_t template_render(struct str *out, const char *text, const struct template_scope *scope,
                      struct diag *diag)
{
    size_t start;
    struct names names = {.scope = scope, .vars = scope->vars, .var_count = scope->var_count};
    return expand(out, text, &names, &start, diag);
}

err_t template_check(const char *text, const struct scheduler_var *vars, size_t var_count,
                     size_t *at, struct diag *diag)
{
    struct names names = {.vars = vars, .var_count = var_count, .any_weir = !vars};
    struct str ignored = {0};
    *at = 0;
    err_t err = expand(&ignored, text, &names, at, diag);
    str_release(&ignored);
    return err;
}
