// SPDX-License-Identifier: Apache-2.0
#include "app/client.h"

#include "app/config.h"
#include "net/http_client.h"
#include "os/file.h"

#include <ctype.h>

#define READY_MAX_BYTES 4096

static void take_addresses(struct client *client, const json_t *object)
{
    const char *kafka = json_string_value(json_object_get(object, "kafka"));
    const char *cql = json_string_value(json_object_get(object, "cql"));
    snprintf(client->kafka, sizeof client->kafka, "%s", kafka ? kafka : "");
    snprintf(client->cql, sizeof client->cql, "%s", cql ? cql : "");
}

static err_t read_ready(struct client *client, const char *path, struct diag *diag)
{
    struct str text = {0};
    err_t err = file_read_all(path, READY_MAX_BYTES, &text, diag);
    json_t *ready = err ? NULL : json_loadb(str_text(&text), text.size, 0, NULL);
    str_release(&text);
    if (err)
        return err;
    const char *console = json_string_value(json_object_get(ready, "console"));
    take_addresses(client, ready);
    if (console)
        snprintf(client->address, sizeof client->address, "%s", console);
    err = console ? ERR_OK : FAIL(diag, ERR_MALFORMED, "%s does not hold addresses", path);
    json_decref(ready);
    return err;
}

static err_t find_by_folder(struct client *client, const struct args *args, struct diag *diag)
{
    static const char *const places[] = {".", "examples/users", "examples/sentences"};
    const char *dir = args_text(args, "dir", NULL);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct problems problems = {0};
        struct config config;
        config_load(&config, dir ? dir : places[i], NULL, &problems);
        char path[4096];
        snprintf(path, sizeof path, "%s/ready.json", config.data_dir);
        snprintf(client->log_dir, sizeof client->log_dir, "%s/kafka", config.data_dir);
        config_release(&config);
        problems_release(&problems);
        if (file_exists(path))
            return read_ready(client, path, diag);
        if (dir)
            break;
    }
    return FAIL(
        diag, ERR_NOT_FOUND,
        "no running weir found %s; start one with `weir up`, or name it with --at HOST:PORT",
        dir ? dir : "here or in examples/");
}

err_t client_find(struct client *client, const struct args *args, struct diag *diag)
{
    memset(client, 0, sizeof *client);
    const char *at = args_text(args, "at", NULL);
    if (!at)
        return find_by_folder(client, args, diag);
    snprintf(client->address, sizeof client->address, "%s", at);
    json_t *status = NULL;
    TRY(client_call(client, "GET", "/api/status", NULL, &status, diag));
    take_addresses(client, status);
    json_decref(status);
    return ERR_OK;
}

static err_t fetch(const struct client *client, const char *method, const char *path,
                   struct bytes body, struct http_reply *reply, struct diag *diag)
{
    char url[4096];
    snprintf(url, sizeof url, "http://%s%s", client->address, path);
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    struct http_call call = {
        .method = method, .url = url, .headers = headers, .body = body, .timeout_ms = 600000};
    call.reply_max_bytes = (size_t)256 << 20;
    struct diag inner = DIAG_INIT;
    err_t err = http_fetch(&call, reply, &inner);
    if (err)
        return FAIL(diag, err, "the weir at %s does not answer: %s", client->address,
                    diag_text(&inner));
    if (reply->status < 400)
        return ERR_OK;
    json_t *answer = json_loadb(str_text(&reply->body), reply->body.size, 0, NULL);
    const char *words = json_string_value(json_object_get(answer, "error"));
    err = FAIL(diag, reply->status == 404 ? ERR_NOT_FOUND : ERR_INVALID, "%s",
               words ? words : "the request was refused");
    json_decref(answer);
    http_reply_release(reply);
    return err;
}

err_t client_call(const struct client *client, const char *method, const char *path,
                  const json_t *body, json_t **out, struct diag *diag)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct http_reply reply;
    err_t err = fetch(client, method, path, bytes_from(text), &reply, diag);
    free(text);
    if (err)
        return err;
    json_error_t where;
    *out = json_loadb(str_text(&reply.body), reply.body.size, JSON_DECODE_ANY, &where);
    http_reply_release(&reply);
    if (!*out)
        return FAIL(diag, ERR_MALFORMED, "the weir at %s answered no JSON: %s", client->address,
                    where.text);
    return ERR_OK;
}

err_t client_text(const struct client *client, const char *path, struct str *out, struct diag *diag)
{
    struct http_reply reply;
    TRY(fetch(client, "GET", path, BYTES_NULL, &reply, diag));
    str_append_bytes(out, str_bytes(&reply.body));
    http_reply_release(&reply);
    return ERR_OK;
}

void client_escape(struct str *out, const char *text)
{
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (isalnum(byte) || strchr("-._~", byte))
            str_append_byte(out, (char)byte);
        else
            str_printf(out, "%%%02X", byte);
    }
}
