// SPDX-License-Identifier: Apache-2.0
//
// The console's HTTP server: finds the route, runs it, answers its JSON or its refusal.

#include "console/console.h"

#include "base/mem.h"
#include "base/metric.h"
#include "console/route.h"
#include "net/http_server.h"
#include "os/clock.h"
#include "os/process_limits.h"

#include <inttypes.h>
#include <unistd.h>

#define BODY_MAX_BYTES ((size_t)4 << 20)
#define THREADS        4

struct console {
    struct console_options options;
    struct http_server *server;
};

const struct console_options *exchange_options(const struct exchange *exchange)
{
    return &exchange->console->options;
}

static err_t status(struct exchange *exchange)
{
    const struct console_options *options = exchange_options(exchange);
    const char *const fields[][2] = {{"kafka", options->kafka},
                                     {"cql", options->cql},
                                     {"people", options->people},
                                     {"project", options->project},
                                     {"data_dir", options->data_dir}};
    str_append_byte(&exchange->json, '{');
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        str_printf(&exchange->json, "%s\"%s\":", i ? "," : "", fields[i][0]);
        str_append_json(&exchange->json, bytes_from(fields[i][1]));
    }
    str_printf(&exchange->json, ",\"pid\":%ld,\"uptime_s\":%" PRId64 ",\"rss_bytes\":%zu}",
               (long)getpid(), clock_now_us() / 1000000 - metric_value(METRIC_PROCESS_START),
               process_rss_bytes());
    return ERR_OK;
}

static const struct route own_routes[] = {
    {"GET", "/api/status", status},
    {NULL, NULL, NULL},
};

static const struct route *const route_tables[] = {own_routes, log_routes, table_routes,
                                                   job_routes};

// The route for the request; `*known` tells whether the path fits with another method.
static const struct route *find_route(struct exchange *exchange, bool *known)
{
    const char *method = http_method(exchange->request);
    const char *path = http_path(exchange->request);
    for (size_t i = 0; i < sizeof route_tables / sizeof *route_tables; i++) {
        for (const struct route *route = route_tables[i]; route->method; route++) {
            if (!route_match(route->pattern, path, &exchange->arena, exchange->parts))
                continue;
            *known = true;
            if (strcmp(route->method, method) == 0)
                return route;
        }
    }
    return NULL;
}

static void answer_route(struct exchange *exchange, const struct route *route)
{
    err_t err = route->answer(exchange);
    size_t size = strlen(route->pattern);
    bool text = size > 4 && strcmp(route->pattern + size - 4, "/log") == 0;
    http_set_header(exchange->request, "Cache-Control", "no-store");
    if (err)
        http_respond_error(exchange->request, err_info(err)->http,
                           exchange->diag.code ? diag_text(&exchange->diag) : err_info(err)->text);
    else
        http_respond(exchange->request, 200,
                     text ? "text/plain; charset=utf-8" : "application/json",
                     str_bytes(&exchange->json));
}

static void metrics(struct http_request *request)
{
    struct str text = {0};
    metric_write(&text);
    http_respond(request, 200, "text/plain; version=0.0.4; charset=utf-8", str_bytes(&text));
    str_release(&text);
}

static void handle(struct http_request *request, void *ctx)
{
    if (strcmp(http_path(request), "/metrics") == 0) {
        metrics(request);
        return;
    }
    struct exchange exchange = {.console = ctx, .request = request, .arena = ARENA_INIT};
    bool known = false;
    const struct route *route = find_route(&exchange, &known);
    if (route)
        answer_route(&exchange, route);
    else if (known)
        http_respond_error(request, 405, "this address takes another method");
    else
        http_respond_error(request, 404, "there is nothing at this address");
    str_release(&exchange.json);
    arena_release(&exchange.arena);
}

err_t console_start(struct console **out, const struct console_options *options,
                    struct problems *problems, struct diag *diag)
{
    (void)problems;
    struct console *console = MEM_NEW(struct console);
    console->options = *options;
    struct http_server_options server = {.host = options->host,
                                         .port = options->port,
                                         .threads = THREADS,
                                         .body_max_bytes = BODY_MAX_BYTES,
                                         .handler = handle,
                                         .ctx = console};
    err_t err = http_server_start(&console->server, &server, diag);
    if (err) {
        mem_free(console);
        return err;
    }
    *out = console;
    return ERR_OK;
}

uint16_t console_port(const struct console *console)
{
    return http_server_port(console->server);
}

void console_changed(struct console *console)
{
    (void)console;
}

void console_stop(struct console *console)
{
    if (!console)
        return;
    http_server_stop(console->server);
    mem_free(console);
}
