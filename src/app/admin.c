// SPDX-License-Identifier: Apache-2.0
#include "app/admin.h"

#include "app/project.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "os/file.h"
#include "os/socket.h"
#include "wire/kafka/api.h"
#include "wire/kafka/header.h"
#include "wire/writer.h"

#include <stdio.h>

#define ANSWER_MAX_BYTES (64u << 20)

struct admin {
    struct arena arena;
    int fd;
    int32_t correlation_id;
    int lock;            // of a data directory where no weir runs
    struct loops *loops; // and its broker, opened here
    struct broker *broker;
    struct config config; // of the project; its settings are the broker's
    struct kafka_config kafka;
};

static err_t open_broker(struct admin *admin, const char *data_dir, struct diag *diag)
{
    const char *kafka = arena_printf(&admin->arena, "%s/kafka", data_dir);
    struct broker_options options = {.data_dir = kafka,
                                     .host = "127.0.0.1",
                                     .sync = true,
                                     .settings = admin->kafka.settings,
                                     .setting_count = admin->kafka.setting_count};
    TRY(dir_make(kafka, diag));
    TRY(file_lock(&admin->lock, arena_printf(&admin->arena, "%s/lock", data_dir), diag));
    log_set_level(LOG_LEVEL_WARN);
    TRY(loops_start(&admin->loops, 1, 2, diag));
    options.loops = admin->loops;
    TRY(broker_open(&admin->broker, &options, diag));
    TRY(broker_listen_locally(admin->broker, diag));
    return socket_connect_at(&admin->fd, kafka, BROKER_LOCAL_SOCKET, diag);
}

// The running weir of the project, or its data.
static err_t connect_or_open(struct admin *admin, const char *data_dir, struct diag *diag)
{
    struct diag ignored = DIAG_INIT;
    const char *kafka = arena_printf(&admin->arena, "%s/kafka", data_dir);
    if (socket_connect_at(&admin->fd, kafka, BROKER_LOCAL_SOCKET, &ignored) == ERR_OK)
        return ERR_OK;
    return open_broker(admin, data_dir, diag);
}

// Where the project keeps its data; NULL when `dir` is no project and nobody named it.
static const char *data_dir_of(struct admin *admin, const char *dir, bool named, struct diag *diag)
{
    struct problems problems = {0};
    struct config *config = &admin->config;
    config_release(config);
    config_load(config, dir, NULL, &problems);
    admin->kafka = (struct kafka_config){0};
    kafka_config_read_settings(&admin->kafka, config, &problems);
    const char *data_dir = NULL;
    const char *file = arena_printf(&admin->arena, "%s/weir.yaml", dir);
    if (problems.count > 0)
        diag_fail(diag, __FILE__, __LINE__, ERR_CONFIG, "%s", str_text(&problems.text));
    else if (named || file_exists(file) || file_exists(config->data_dir))
        data_dir = config->data_dir;
    problems_release(&problems);
    return data_dir;
}

static err_t find(struct admin *admin, const struct args *args, struct diag *diag)
{
    static const char *const places[] = {".", "examples/users", "examples/sentences"};
    const char *named = args_text(args, "dir", NULL);
    if (named && !file_exists(named))
        return FAIL(diag, ERR_NOT_FOUND, "there is no folder %s", named);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *data_dir = data_dir_of(admin, named ? named : places[i], named, diag);
        if (data_dir)
            return connect_or_open(admin, data_dir, diag);
        if (diag->code != ERR_OK)
            return diag->code;
    }
    return FAIL(diag, ERR_NOT_FOUND, "no project here or in examples/; name it with --dir DIR");
}

static struct admin *admin_new(void)
{
    struct admin *admin = MEM_NEW(struct admin);
    admin->fd = admin->lock = -1;
    arena_init(&admin->arena, 16384);
    return admin;
}

static err_t opened(struct admin **out, struct admin *admin, err_t err)
{
    if (err != ERR_OK)
        admin_close(admin);
    else
        *out = admin;
    return err;
}

err_t admin_open(struct admin **out, const struct args *args, struct diag *diag)
{
    struct admin *admin = admin_new();
    return opened(out, admin, find(admin, args, diag));
}

err_t admin_open_at(struct admin **out, const char *dir, struct diag *diag)
{
    struct admin *admin = admin_new();
    return opened(out, admin, socket_connect_at(&admin->fd, dir, BROKER_LOCAL_SOCKET, diag));
}

void admin_close(struct admin *admin)
{
    if (!admin)
        return;
    if (admin->fd >= 0)
        socket_close(admin->fd);
    if (admin->broker)
        broker_close(admin->broker);
    if (admin->loops)
        loops_stop(admin->loops);
    if (admin->lock >= 0)
        file_close(admin->lock);
    config_release(&admin->config);
    arena_release(&admin->arena);
    mem_free(admin);
}

struct arena *admin_arena(struct admin *admin)
{
    return &admin->arena;
}

static err_t read_exactly(int fd, uint8_t *out, size_t size, struct diag *diag)
{
    for (size_t at = 0; at < size;) {
        int64_t got = socket_read(fd, out + at, size - at);
        if (got <= 0)
            return FAIL(diag, ERR_IO, "the broker closed the connection");
        at += (size_t)got;
    }
    return ERR_OK;
}

static err_t write_all(int fd, struct bytes bytes, struct diag *diag)
{
    for (size_t at = 0; at < bytes.size;) {
        struct socket_part part = {bytes.ptr + at, bytes.size - at};
        int64_t put = socket_write(fd, &part, 1);
        if (put < 0)
            return FAIL(diag, ERR_IO, "the broker closed the connection");
        at += (size_t)put;
    }
    return ERR_OK;
}

static err_t send(struct admin *admin, const struct kafka_api *api, int16_t version,
                  const void *request, struct diag *diag)
{
    struct str out = {0};
    struct kafka_request_header header = {.key = api->key,
                                          .version = version,
                                          .correlation_id = ++admin->correlation_id,
                                          .client_id = bytes_from("weir")};
    writer_u32(&out, 0);
    kafka_request_header_encode(&header, &out);
    api->request.encode(request, version, &out);
    writer_patch_u32(&out, 0, (uint32_t)(out.size - 4));
    err_t err = write_all(admin->fd, str_bytes(&out), diag);
    str_release(&out);
    return err;
}

err_t admin_call(struct admin *admin, int16_t key, int16_t version, const void *request,
                 void **response, struct diag *diag)
{
    const struct kafka_api *api = kafka_api_find(key);
    uint8_t head[4];
    int32_t correlation_id;
    TRY(send(admin, api, version, request, diag));
    TRY(read_exactly(admin->fd, head, sizeof head, diag));
    struct reader reader = reader_make(bytes_make(head, sizeof head));
    uint32_t size = reader_u32(&reader);
    if (size > ANSWER_MAX_BYTES)
        return FAIL(diag, ERR_MALFORMED, "the broker sent an answer of %u bytes", size);
    uint8_t *body = arena_alloc(&admin->arena, size);
    TRY(read_exactly(admin->fd, body, size, diag));
    reader = reader_make(bytes_make(body, size));
    *response = arena_zalloc(&admin->arena, api->response.size);
    if (!kafka_response_header_decode(key, version, &correlation_id, &reader) ||
        !api->response.decode(*response, version, &reader, &admin->arena))
        return FAIL(diag, ERR_MALFORMED, "the broker sent an answer that cannot be read");
    return ERR_OK;
}

err_t admin_check(int16_t code, struct bytes message, struct diag *diag)
{
    if (code == 0)
        return ERR_OK;
    if (message.size > 0)
        return FAIL(diag, ERR_INVALID, "%.*s", BYTES_PRINT(message));
    return FAIL(diag, ERR_INVALID, "the broker refused it with error %d", code);
}
