// SPDX-License-Identifier: Apache-2.0
//
// sql and cql tasks: one statement through the port; its first rows go into the log, all of the
// (bounded) result of a query is its XCom.
#include "scheduler/attempt.h"

#include "base/mem.h"

#define ROWS_MAX 1000

static err_t run_sql(struct attempt *attempt, const struct str *text, struct diag *diag)
{
    const struct stream_port *port = &attempt->host->streams;
    struct str json = {0};
    if (!port->ops)
        return FAIL(diag, ERR_UNSUPPORTED, "there is no SQL engine to ask");
    err_t err = port->ops->query(port->self, str_bytes(text), ROWS_MAX, &json, diag);
    json_t *answer = err == ERR_OK ? json_loadb(str_text(&json), json.size, 0, NULL) : NULL;
    size_t rows = json_array_size(json_object_get(answer, "rows"));
    if (err == ERR_OK && rows == 0 && !attempt->task->query.allow_empty)
        err = FAIL(diag, ERR_NOT_FOUND, "the query gave 0 rows");
    if (err == ERR_OK) {
        attempt_log(attempt, "%zu rows", rows);
        attempt_log_raw(attempt, str_bytes(&json));
        attempt_log_raw(attempt, bytes_from("\n"));
        attempt_count(attempt, (int64_t)rows, (int64_t)json.size);
    }
    json_decref(answer);
    if (err == ERR_OK && json.size && json.size <= ATTEMPT_XCOM_MAX_BYTES)
        attempt->xcom = str_take(&json);
    str_release(&json);
    return err;
}

static void rows_json(struct str *out, const struct cql_result *result)
{
    str_append_byte(out, '[');
    for (size_t row = 0; row < result->row_count; row++) {
        str_append_text(out, row ? ",{" : "{");
        for (size_t column = 0; column < result->column_count; column++) {
            struct bytes value = result->values[row * result->column_count + column];
            if (column)
                str_append_byte(out, ',');
            str_append_json(out, bytes_from(result->names[column]));
            str_append_byte(out, ':');
            if (value.ptr)
                str_append_json(out, value);
            else
                str_append_text(out, "null");
        }
        str_append_byte(out, '}');
    }
    str_append_byte(out, ']');
}

static err_t run_cql(struct attempt *attempt, const struct str *text, struct diag *diag)
{
    const struct table_port *port = &attempt->host->tables;
    struct arena arena = ARENA_INIT;
    struct cql_result result = {0};
    struct str json = {0};
    if (!port->ops)
        return FAIL(diag, ERR_UNSUPPORTED, "there are no tables to ask");
    err_t err = port->ops->cql(port->self, attempt->task->query.keyspace, str_bytes(text), ROWS_MAX,
                               &arena, &result, diag);
    if (err == ERR_OK && result.column_count) {
        rows_json(&json, &result);
        attempt_log(attempt, "%zu rows%s", result.row_count, result.more ? " and more" : "");
        attempt_log_raw(attempt, str_bytes(&json));
        attempt_log_raw(attempt, bytes_from("\n"));
        attempt_count(attempt, (int64_t)result.row_count, (int64_t)json.size);
        if (json.size <= ATTEMPT_XCOM_MAX_BYTES)
            attempt->xcom = str_take(&json);
    }
    str_release(&json);
    arena_release(&arena);
    return err;
}

err_t task_query_run(struct attempt *attempt, struct diag *diag)
{
    struct str text = {0};
    err_t err = attempt_render(attempt, 0, attempt->task->query.text, &text, diag);
    if (err == ERR_OK) {
        attempt_log(attempt, "%s", str_text(&text));
        err = attempt->task->type == TYPE_OF_SQL ? run_sql(attempt, &text, diag)
                                                 : run_cql(attempt, &text, diag);
    }
    str_release(&text);
    return err;
}
