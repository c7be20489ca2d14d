// SPDX-License-Identifier: Apache-2.0
#include "people/people_server.h"

#include "base/mem.h"
#include "net/http_server.h"
#include "people/api.h"

struct people_server {
    struct http_server *http;
};

static const char *query_of(void *ctx, const char *name)
{
    return http_query(ctx, name);
}

static void handle(struct http_request *request, void *ctx)
{
    (void)ctx;
    struct people_request people = {.method = http_method(request),
                                    .path = http_path(request),
                                    .query = query_of,
                                    .ctx = request};
    struct people_answer answer;
    people_api_answer(&people, &answer);
    http_set_header(request, "Access-Control-Allow-Origin", "*");
    if (answer.disposition)
        http_set_header(request, "Content-Disposition", answer.disposition);
    http_respond(request, answer.status, answer.content_type, str_bytes(&answer.body));
    str_release(&answer.body);
}

err_t people_server_start(struct people_server **out, const char *host, uint16_t port,
                          struct diag *diag)
{
    struct people_server *server = mem_zalloc(sizeof *server);
    struct http_server_options options = {
        .host = host, .port = port, .body_max_bytes = 4096, .handler = handle};
    err_t err = http_server_start(&server->http, &options, diag);
    if (err != ERR_OK) {
        diag_context(diag, "people API");
        mem_free(server);
        return err;
    }
    *out = server;
    return ERR_OK;
}

uint16_t people_server_port(const struct people_server *server)
{
    return http_server_port(server->http);
}

void people_server_stop(struct people_server *server)
{
    if (!server)
        return;
    http_server_stop(server->http);
    mem_free(server);
}
