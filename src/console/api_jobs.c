// SPDX-License-Identifier: Apache-2.0
//
// The API of DAGs, streaming queries, SQL and CQL: bodies in, the ports' JSON out.

#include "console/board.h"
#include "console/route.h"

#include <jansson.h>

// The request's JSON object (an empty one when there is no body), or NULL and a diag.
static json_t *body_of(struct exchange *exchange)
{
    struct bytes body = http_body(exchange->request);
    if (body.size == 0)
        return json_object();
    json_error_t where;
    json_t *object = json_loadb((const char *)body.ptr, body.size, 0, &where);
    if (json_is_object(object))
        return object;
    (void)FAIL(&exchange->diag, ERR_MALFORMED, "the body must be a JSON object: %s",
               object ? "it is another value" : where.text);
    json_decref(object);
    return NULL;
}

static struct dag_port dags_of(const struct exchange *exchange)
{
    return exchange_options(exchange)->dags;
}

static err_t list_dags(struct exchange *exchange)
{
    struct dag_port dags = dags_of(exchange);
    return dags.ops->dags(dags.self, &exchange->json, &exchange->diag);
}

static err_t list_runs(struct exchange *exchange)
{
    struct dag_port dags = dags_of(exchange);
    int64_t limit;
    if (!exchange_int(exchange, "limit", 20, 1, 1000, &limit))
        return exchange->diag.code;
    return dags.ops->runs(dags.self, exchange->parts[0], (size_t)limit, &exchange->json,
                          &exchange->diag);
}

static err_t one_run(struct exchange *exchange)
{
    struct dag_port dags = dags_of(exchange);
    return dags.ops->run(dags.self, exchange->parts[0], exchange->parts[1], &exchange->json,
                         &exchange->diag);
}

static err_t trigger(struct exchange *exchange)
{
    struct dag_port dags = dags_of(exchange);
    json_t *body = body_of(exchange);
    if (!body)
        return exchange->diag.code;
    json_t *conf = json_object_get(body, "conf");
    char *text = conf ? json_dumps(conf, JSON_COMPACT) : NULL;
    err_t err =
        dags.ops->trigger(dags.self, exchange->parts[0], text, &exchange->json, &exchange->diag);
    free(text);
    json_decref(body);
    return err;
}

static err_t pause_dag(struct exchange *exchange)
{
    struct dag_port dags = dags_of(exchange);
    json_t *body = body_of(exchange);
    if (!body)
        return exchange->diag.code;
    json_t *paused = json_object_get(body, "paused");
    err_t err =
        json_is_boolean(paused)
            ? dags.ops->pause(dags.self, exchange->parts[0], json_is_true(paused), &exchange->diag)
            : FAIL(&exchange->diag, ERR_INVALID, "expected {\"paused\": true} or false");
    if (!err)
        str_append_text(&exchange->json, "{}");
    json_decref(body);
    return err;
}

static err_t rerun(struct exchange *exchange)
{
    struct dag_port dags = dags_of(exchange);
    json_t *body = body_of(exchange);
    if (!body)
        return exchange->diag.code;
    bool dry = json_is_true(json_object_get(body, "dry"));
    json_decref(body);
    return dags.ops->rerun(dags.self, exchange->parts[0], exchange->parts[1], exchange->parts[2],
                           dry, &exchange->json, &exchange->diag);
}

static const char *text_field(const json_t *body, const char *name, const char *fallback)
{
    const char *text = json_string_value(json_object_get(body, name));
    return text ? text : fallback;
}

static err_t backfill(struct exchange *exchange)
{
    struct dag_port dags = dags_of(exchange);
    json_t *body = body_of(exchange);
    if (!body)
        return exchange->diag.code;
    const char *from = text_field(body, "from", NULL);
    const char *to = text_field(body, "to", from);
    err_t err =
        from ? dags.ops->backfill(
                   dags.self, exchange->parts[0], from, to, text_field(body, "reprocess", "none"),
                   json_is_true(json_object_get(body, "dry")), &exchange->json, &exchange->diag)
             : FAIL(&exchange->diag, ERR_INVALID, "expected {\"from\": \"2026-11-01\", ...}");
    json_decref(body);
    return err;
}

static err_t task_log(struct exchange *exchange)
{
    struct dag_port dags = dags_of(exchange);
    int64_t number;
    if (!exchange_int(exchange, "try", 0, 0, 100000, &number))
        return exchange->diag.code;
    exchange->content_type = "text/plain; charset=utf-8";
    return dags.ops->log(dags.self, exchange->parts[0], exchange->parts[1], exchange->parts[2],
                         (int)number, &exchange->json, &exchange->diag);
}

static err_t list_streams(struct exchange *exchange)
{
    struct stream_port streams = exchange_options(exchange)->streams;
    return streams.ops->streams(streams.self, &exchange->json, &exchange->diag);
}

static err_t stream_progress(struct exchange *exchange)
{
    struct stream_port streams = exchange_options(exchange)->streams;
    int64_t limit;
    if (!exchange_int(exchange, "limit", 20, 1, 1000, &limit))
        return exchange->diag.code;
    return streams.ops->progress(streams.self, exchange->parts[0], (size_t)limit, &exchange->json,
                                 &exchange->diag);
}

static bool max_rows_of(struct exchange *exchange, const json_t *body, size_t *out)
{
    const json_t *value = json_object_get(body, "max_rows");
    json_int_t rows = value ? json_integer_value(value) : 10000;
    *out = (size_t)rows;
    if (rows >= 1 && rows <= 1000000)
        return true;
    (void)FAIL(&exchange->diag, ERR_INVALID, "max_rows must be a whole number from 1 to 1000000");
    return false;
}

static err_t run_sql(struct exchange *exchange)
{
    struct stream_port streams = exchange_options(exchange)->streams;
    json_t *body = body_of(exchange);
    size_t max_rows = 0;
    if (!body)
        return exchange->diag.code;
    const char *sql = text_field(body, "sql", NULL);
    err_t err = ERR_INVALID;
    if (!sql)
        (void)FAIL(&exchange->diag, err, "expected {\"sql\": \"SELECT ...\"}");
    else if (max_rows_of(exchange, body, &max_rows))
        err = streams.ops->query(streams.self, bytes_from(sql), max_rows, &exchange->json,
                                 &exchange->diag);
    json_decref(body);
    return err;
}

static err_t run_cql(struct exchange *exchange)
{
    struct table_port tables = exchange_options(exchange)->tables;
    json_t *body = body_of(exchange);
    size_t max_rows = 0;
    if (!body)
        return exchange->diag.code;
    const char *cql = text_field(body, "cql", NULL);
    struct cql_result result = {0};
    err_t err = ERR_INVALID;
    if (!cql)
        (void)FAIL(&exchange->diag, err, "expected {\"cql\": \"SELECT ...\"}");
    else if (max_rows_of(exchange, body, &max_rows))
        err = tables.ops->cql(tables.self, text_field(body, "keyspace", NULL), bytes_from(cql),
                              max_rows, &exchange->arena, &result, &exchange->diag);
    if (!err) {
        json_t *json = board_cql_json(&result);
        char *text = json_dumps(json, JSON_COMPACT);
        str_append_text(&exchange->json, text);
        free(text);
        json_decref(json);
    }
    json_decref(body);
    return err;
}

const struct route job_routes[] = {
    {"GET", "/api/dags", list_dags},
    {"GET", "/api/dags/*/runs", list_runs},
    {"POST", "/api/dags/*/runs", trigger},
    {"GET", "/api/dags/*/runs/*", one_run},
    {"GET", "/api/dags/*/runs/*/tasks/*/log", task_log},
    {"POST", "/api/dags/*/runs/*/tasks/*/rerun", rerun},
    {"POST", "/api/dags/*/pause", pause_dag},
    {"POST", "/api/dags/*/backfill", backfill},
    {"GET", "/api/streams", list_streams},
    {"GET", "/api/streams/*/progress", stream_progress},
    {"POST", "/api/sql", run_sql},
    {"POST", "/api/cql", run_cql},
    {NULL, NULL, NULL},
};
