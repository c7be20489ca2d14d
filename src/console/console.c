// SPDX-License-Identifier: Apache-2.0
//
// The console's HTTP server: finds the route, runs it, answers its JSON or its refusal.

#include "console/console.h"

#include "base/mem.h"
#include "base/metric.h"
#include "console/board.h"
#include "console/live.h"
#include "console/page.h"
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
    struct arena arena; // of the boards
    const struct board *boards;
    size_t board_count;
    struct http_server *server;
    struct live *live;
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

static const struct route *const route_tables[] = {own_routes, log_routes, message_routes,
                                                   table_routes, job_routes};

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
    http_set_header(exchange->request, "Cache-Control", "no-store");
    if (err)
        http_respond_error(exchange->request, err_info(err)->http,
                           exchange->diag.code ? diag_text(&exchange->diag) : err_info(err)->text);
    else
        http_respond(exchange->request, 200,
                     exchange->content_type ? exchange->content_type : "application/json",
                     str_bytes(&exchange->json));
}

static void metrics(struct http_request *request)
{
    struct str text = {0};
    metric_write(&text);
    http_respond(request, 200, "text/plain; version=0.0.4; charset=utf-8", str_bytes(&text));
    str_release(&text);
}

static void page(struct console *console, struct http_request *request)
{
    struct str state = {0}, html = {0};
    struct diag diag = DIAG_INIT;
    live_page_json(console->live, &state);
    http_set_header(request, "Cache-Control", "no-store");
    if (page_write(&html, str_bytes(&state), &diag)) {
        http_respond_error(request, 500, diag_text(&diag));
    } else {
        http_set_header(request, "Content-Encoding", "gzip");
        http_respond(request, 200, "text/html; charset=utf-8", str_bytes(&html));
    }
    str_release(&state);
    str_release(&html);
}

// What is not JSON: the page, its event stream, the metrics. False: another address.
static bool handle_special(struct console *console, struct http_request *request)
{
    const char *path = http_path(request);
    bool get =
        strcmp(http_method(request), "GET") == 0 || strcmp(http_method(request), "HEAD") == 0;
    if (get && strcmp(path, "/") == 0)
        page(console, request);
    else if (get && strcmp(path, "/api/events") == 0)
        live_subscribe(console->live, request);
    else if (get && strcmp(path, "/metrics") == 0)
        metrics(request);
    else
        return false;
    return true;
}

static void handle(struct http_request *request, void *ctx)
{
    if (handle_special(ctx, request))
        return;
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
    struct console *console = MEM_NEW(struct console);
    arena_init(&console->arena, 4096);
    console->options = *options;
    boards_load(&console->arena, options->boards_dir, problems, &console->boards,
                &console->board_count);
    console->live = live_start(options, console->boards, console->board_count);
    struct http_server_options server = {.host = options->host,
                                         .port = options->port,
                                         .threads = THREADS,
                                         .body_max_bytes = BODY_MAX_BYTES,
                                         .handler = handle,
                                         .ctx = console};
    err_t err = http_server_start(&console->server, &server, diag);
    if (err) {
        console_stop(console);
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
    live_changed(console->live);
}

void console_stop(struct console *console)
{
    if (!console)
        return;
    live_stop(console->live);
    if (console->server)
        http_server_stop(console->server);
    live_free(console->live);
    arena_release(&console->arena);
    mem_free(console);
}
