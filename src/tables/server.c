// SPDX-License-Identifier: Apache-2.0
//
// Connections of the CQL native protocol: where frames end, the handshake, events.
//
// A wrong version is refused in a frame of our highest version, with the stream id of the request
// and the words drivers look for, then the connection is closed: that is how they fall back from
// v5.
#include "tables/server.h"

#include "base/log.h"
#include "base/metric.h"
#include "os/random.h"

static bool version_is_known(uint8_t version)
{
    return version >= CQL_VERSION_MIN && version <= CQL_VERSION_MAX;
}

// --- frames --------------------------------------------------------------------------------------
enum { REFUSED_BODY_MAX = 1 << 16 }; // of a version we do not speak

static void refuse_version(struct conn *conn, const uint8_t *head)
{
    uint8_t version = head[0] & 0x7f;
    int16_t stream = version < 3 ? (int8_t)head[2] : (int16_t)(head[2] << 8 | head[3]);
    char words[160];
    snprintf(
        words, sizeof words,
        "Invalid or unsupported protocol version (%d); supported versions are " CQL_VERSIONS_TEXT,
        version);
    conn_send(conn, respond_error(CQL_VERSION_MAX, stream, err_info(ERR_MALFORMED)->cql, words));
}

static int64_t frame_size(struct conn *conn, const uint8_t *head, size_t size)
{
    if (size < CQL_HEAD_SIZE && !(size == 8 && (head[0] & 0x7f) < 3))
        return FRAME_MORE;
    if (!version_is_known(head[0])) {
        bool old = (head[0] & 0x7f) < 3; // one byte of stream id
        const uint8_t *at = head + (old ? 4 : 5);
        uint32_t body =
            (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
        if (body <= REFUSED_BODY_MAX)
            return (old ? 8 : CQL_HEAD_SIZE) + (int64_t)body;
        refuse_version(conn, head);
        return FRAME_REFUSED;
    }
    struct cql_head parsed = cql_head_read(head);
    const struct session *session = conn_data(conn);
    size_t max = session->server->body_max_bytes;
    if (parsed.body_size <= max)
        return CQL_HEAD_SIZE + (int64_t)parsed.body_size;
    char words[120];
    snprintf(words, sizeof words,
             "Request is too big: length %u exceeds maximum allowed length %zu.", parsed.body_size,
             max);
    conn_send(conn,
              respond_error(parsed.version, parsed.stream, err_info(ERR_INVALID)->cql, words));
    return FRAME_REFUSED;
}

static void protocol_error(struct session *session, struct cql_head head, const char *words)
{
    conn_send(session->conn,
              respond_error(head.version, head.stream, err_info(ERR_MALFORMED)->cql, words));
}

// --- handshake -----------------------------------------------------------------------------------
static void copy_text(char *to, size_t room, struct bytes from)
{
    snprintf(to, room, "%.*s", BYTES_PRINT(from));
}

static void startup(struct session *session, const struct cql_request *message)
{
    const struct cql_startup *options = &message->startup;
    if (session->started) {
        protocol_error(session, message->head,
                       "Unexpected message STARTUP: this connection is past its handshake");
        return;
    }
    if (options->cql_version.size < 2 || memcmp(options->cql_version.ptr, "3.", 2) != 0) {
        char words[120];
        snprintf(
            words, sizeof words,
            "CQL version %.*s is not supported by the binary protocol (supported version are >= "
            "3.0.0)",
            BYTES_PRINT(options->cql_version));
        protocol_error(session, message->head, words);
        return;
    }
    session->started = true;
    session->compression = options->compression;
    mutex_lock(&session->server->mutex);
    copy_text(session->driver_name, sizeof session->driver_name, options->driver_name);
    copy_text(session->driver_version, sizeof session->driver_version, options->driver_version);
    mutex_unlock(&session->server->mutex);
    conn_send(session->conn,
              respond_simple(message->head.version, message->head.stream, CQL_READY));
}

// STARTUP, OPTIONS, REGISTER, AUTH_RESPONSE: answered on the loop at once.
static void control(struct session *session, struct cql_head head, const struct buf *frame)
{
    struct arena arena = ARENA_INIT;
    struct diag diag = DIAG_INIT;
    struct cql_request message;
    struct str body = {0};
    struct bytes bytes = bytes_make(frame->ptr + CQL_HEAD_SIZE, frame->size - CQL_HEAD_SIZE);
    err_t err = ERR_OK;
    if (head.flags & CQL_FLAG_COMPRESSED) {
        err = cql_decompress(&body, session->compression, bytes, REFUSED_BODY_MAX, &diag);
        bytes = bytes_make(str_text(&body), body.size);
    }
    if (err == ERR_OK)
        err = cql_request_decode(&message, &arena, head, bytes, &diag);
    if (err != ERR_OK) {
        protocol_error(session, head, diag_text(&diag));
    } else if (head.opcode == CQL_STARTUP) {
        startup(session, &message);
    } else if (head.opcode == CQL_OPTIONS) {
        conn_send(session->conn, respond_simple(head.version, head.stream, CQL_SUPPORTED));
    } else if (head.opcode == CQL_REGISTER && session->started) {
        mutex_lock(&session->server->mutex);
        session->events |= message.events;
        mutex_unlock(&session->server->mutex);
        conn_send(session->conn, respond_simple(head.version, head.stream, CQL_READY));
    } else {
        protocol_error(session, head,
                       head.opcode == CQL_REGISTER
                           ? "Unexpected message REGISTER, expecting STARTUP or OPTIONS"
                           : "Unexpected message AUTH_RESPONSE: no authentication was asked for");
    }
    str_release(&body);
    arena_release(&arena);
}

static bool is_request(uint8_t opcode)
{
    return opcode == CQL_QUERY || opcode == CQL_PREPARE || opcode == CQL_EXECUTE ||
           opcode == CQL_BATCH;
}

static void frame(struct conn *conn, struct buf *frame_buf)
{
    struct session *session = conn_data(conn);
    if (!version_is_known(frame_buf->ptr[0])) {
        refuse_version(conn, frame_buf->ptr);
        buf_unref(frame_buf);
        conn_close(conn);
        return;
    }
    struct cql_head head = cql_head_read(frame_buf->ptr);
    char words[160];
    if (session->version == 0)
        session->version = head.version;
    if (session->version != head.version) {
        snprintf(words, sizeof words,
                 "Invalid message version. Got %d/v%d but previous messages on this connection had "
                 "version %d/v%d",
                 head.version, head.version, session->version, session->version);
        protocol_error(session, head, words);
    } else if (is_request(head.opcode) && session->started) {
        request_start(session, head, frame_buf);
        return;
    } else if (is_request(head.opcode)) {
        snprintf(words, sizeof words,
                 "Unexpected message with opcode 0x%02X, expecting STARTUP or "
                 "OPTIONS",
                 head.opcode);
        protocol_error(session, head, words);
    } else {
        control(session, head, frame_buf);
    }
    buf_unref(frame_buf);
}

// --- connections ---------------------------------------------------------------------------------
static void opened(struct conn *conn, void *ctx)
{
    struct tables_server *server = ctx;
    struct session *session = MEM_NEW(struct session);
    session->server = server;
    session->conn = conn;
    list_init(&session->waiting);
    list_init(&session->points);
    conn_set_data(conn, session);
    mutex_lock(&server->mutex);
    list_push_back(&server->sessions, &session->link);
    mutex_unlock(&server->mutex);
    metric_add(METRIC_CQL_CONNECTIONS, 1);
}

static void closed(struct conn *conn)
{
    struct session *session = conn_data(conn);
    mutex_lock(&session->server->mutex);
    list_remove(&session->link);
    mutex_unlock(&session->server->mutex);
    metric_add(METRIC_CQL_CONNECTIONS, -1);
    conn_set_data(conn, NULL);
    request_drop_waiting(session);
    mem_free(session->keyspace);
    mem_free(session);
}

static void start_waiting(struct conn *conn)
{
    request_start_waiting(conn_data(conn));
}

// --- events --------------------------------------------------------------------------------------
struct event {
    struct post post;
    struct conn *conn;
    struct buf *frame;
};

static void send_event(struct post *post)
{
    struct event *event = CONTAINER_OF(post, struct event, post);
    if (conn_is_open(event->conn))
        conn_send(event->conn, event->frame);
    else
        buf_unref(event->frame);
    conn_unref(event->conn);
    mem_free(event);
}

void tables_server_schema_changed(struct tables_server *server, const struct exec_result *change)
{
    if (!server)
        return;
    struct buf *frames[CQL_VERSION_MAX + 1] = {0};
    for (int version = CQL_VERSION_MIN; version <= CQL_VERSION_MAX; version++)
        frames[version] = respond_event(version, change);
    mutex_lock(&server->mutex);
    LIST_EACH(&server->sessions, link)
    {
        struct session *session = CONTAINER_OF(link, struct session, link);
        if (!(session->events & CQL_SCHEMA_CHANGE))
            continue;
        struct event *event = MEM_NEW(struct event);
        event->conn = conn_ref(session->conn);
        event->frame = buf_ref(frames[session->version]);
        loop_post(conn_loop(session->conn), &event->post, send_event);
    }
    mutex_unlock(&server->mutex);
    for (int version = CQL_VERSION_MIN; version <= CQL_VERSION_MAX; version++)
        buf_unref(frames[version]);
}

// --- host id -------------------------------------------------------------------------------------
// Drivers know a node by its id, so it is made once and kept beside the tables.
static err_t host_id(struct tables *tables, uint8_t out[16], struct diag *diag)
{
    struct table_port port = tables_port(tables);
    struct arena arena = ARENA_INIT;
    struct table_meta meta = {.key = bytes_from("weir/host_id")};
    struct bytes found = BYTES_NULL;
    err_t err = port.ops->meta_get(port.self, &arena, meta.key, &found, diag);
    if (err == ERR_OK && found.size == 16) {
        memcpy(out, found.ptr, 16);
    } else if (err == ERR_OK) {
        random_uuid(out);
        meta.value = bytes_make(out, 16);
        err = port.ops->apply(port.self, &(struct table_write){.metas = &meta, .meta_count = 1},
                              diag);
    }
    arena_release(&arena);
    return err;
}

// --- start and stop ------------------------------------------------------------------------------
err_t tables_listen(struct tables *tables, const struct tables_listen_options *options,
                    struct diag *diag)
{
    static const struct conn_ops ops = {.opened = opened,
                                        .frame_size = frame_size,
                                        .frame = frame,
                                        .closed = closed,
                                        .drained = start_waiting,
                                        .gathered = start_waiting};
    struct tables_server *server = MEM_NEW(struct tables_server);
    server->tables = tables;
    server->prepared = prepared_new();
    mutex_init(&server->mutex);
    cond_init(&server->idle);
    list_init(&server->sessions);
    struct budget *budget = tables_budget(tables);
    budget_init(&server->answers, budget, budget ? budget->limit_bytes / 4 : SIZE_MAX);
    budget_init(&server->frames, budget, budget ? budget->limit_bytes / 4 : SIZE_MAX);
    server->body_max_bytes = CQL_FRAME_MAX;
    server->running_max = 2 + loops_count(tables_loops(tables));
    if (server->frames.limit_bytes < CQL_FRAME_MAX + CQL_HEAD_SIZE)
        server->body_max_bytes = server->frames.limit_bytes - CQL_HEAD_SIZE;
    snprintf(server->host, sizeof server->host, "%s", options->host);
    tables_set_server(tables, server);
    struct listener_options listener = {.host = options->host,
                                        .port = options->port,
                                        .frame_max_bytes = CQL_FRAME_MAX + CQL_HEAD_SIZE,
                                        .budget = &server->frames,
                                        .ops = &ops,
                                        .ctx = server};
    err_t err = host_id(tables, server->host_id, diag);
    if (err == ERR_OK)
        err = listener_open(&server->listener, tables_loops(tables), &listener, diag);
    if (err != ERR_OK) {
        tables_set_server(tables, NULL);
        tables_server_stop(server);
        return err;
    }
    LOG_INFO("tables", "serves CQL", "listen=%s:%u", options->host,
             (unsigned)listener_port(server->listener));
    return ERR_OK;
}

uint16_t tables_port_number(const struct tables *tables)
{
    struct tables_server *server = tables_server_of((struct tables *)(uintptr_t)tables);
    return server ? listener_port(server->listener) : 0;
}

void tables_server_stop(struct tables_server *server)
{
    if (!server)
        return;
    if (server->listener)
        listener_close(server->listener);
    mutex_lock(&server->mutex);
    while (server->in_flight > 0)
        cond_wait(&server->idle, &server->mutex);
    mutex_unlock(&server->mutex);
    prepared_free(server->prepared);
    cond_release(&server->idle);
    mutex_release(&server->mutex);
    mem_free(server);
}
