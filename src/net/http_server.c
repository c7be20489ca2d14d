// SPDX-License-Identifier: Apache-2.0
//
// libmicrohttpd's own thread reads and writes all connections; a request that has arrived whole is
// suspended there and queued for one of our handler threads, so a handler may block without
// delaying anybody's stream. The answer resumes the connection.
//
// It polls rather than uses edge-triggered epoll: with that, a client that ends its side in the
// middle of a request goes unnoticed until the timeout.
//
// One daemon per listening socket, because loopback names listen on IPv4 and IPv6.

#include "net/http_server.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/vec.h"
#include "os/socket.h"
#include "os/thread.h"

#include <assert.h>
#include <stdatomic.h>
#include <microhttpd.h>
#include <stdlib.h>

#define REQUESTS_QUEUED_MAX 512
#define STREAM_QUEUE_BYTES  ((size_t)1 << 20)
#define BODY_PATIENCE       4 // a body this many times too large is read to its end and answered 413
#define CONN_MAX            4096
// Just above 32 KiB libmicrohttpd takes the memory from mmap: an idle connection touches little of
// it.
#define CONN_BYTES     36864
#define CONN_TIMEOUT_S 120

struct http_server {
    struct MHD_Daemon *daemons[2];
    size_t daemon_count;
    uint16_t port;
    struct http_server_options options;
    struct thread *threads;
    struct mutex mutex; // guards everything below
    struct cond more;
    struct list queue;   // requests waiting for a handler
    struct list streams; // open streams
    size_t queued;
    bool stopping;
};

struct http_request {
    struct list link;
    struct http_server *server;
    struct MHD_Connection *connection;
    const char *method;
    char *path;
    struct str body;
    size_t uploaded; // bytes of the body so far, kept or not
    bool too_large;
    struct MHD_Response *response; // set once the handler has answered
    int status;
    VEC(char *) headers; // name, value, name, value
};

struct http_stream {
    struct list link; // in server->streams, empty when not
    struct http_server *server;
    struct MHD_Connection *connection;
    struct mutex mutex;
    struct str queue; // bytes not yet taken
    bool suspended;
    bool closed; // by us
    bool gone;   // by the client
    _Atomic int refs;
};

// --- requests ---

static void request_free(struct http_request *request)
{
    for (size_t i = 0; i < request->headers.count; i++)
        mem_free(request->headers.items[i]);
    vec_release(&request->headers);
    str_release(&request->body);
    mem_free(request->path);
    if (request->response)
        MHD_destroy_response(request->response);
    mem_free(request);
}

static void handler_thread(void *ctx)
{
    struct http_server *server = ctx;
    mutex_lock(&server->mutex);
    for (;;) {
        struct list *link = list_pop_front(&server->queue);
        if (link) {
            server->queued--;
            mutex_unlock(&server->mutex);
            server->options.handler(CONTAINER_OF(link, struct http_request, link),
                                    server->options.ctx);
            mutex_lock(&server->mutex);
            continue;
        }
        if (server->stopping)
            break;
        cond_wait(&server->more, &server->mutex);
    }
    mutex_unlock(&server->mutex);
}

static bool enqueue(struct http_server *server, struct http_request *request)
{
    mutex_lock(&server->mutex);
    bool fits = server->queued < REQUESTS_QUEUED_MAX && !server->stopping;
    if (fits) {
        MHD_suspend_connection(request->connection);
        list_push_back(&server->queue, &request->link);
        server->queued++;
        cond_signal(&server->more);
    }
    mutex_unlock(&server->mutex);
    return fits;
}

static struct MHD_Response *text_response(const char *text)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "Content-Type", "application/json");
    return response;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *text)
{
    struct MHD_Response *response = text_response(text);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse_too_large(struct MHD_Connection *connection)
{
    return refuse(connection, 413, "{\"error\":\"the body is larger than allowed\",\"code\":413}");
}

// By what its head says, before any of the body is read.
static bool is_too_large(const struct http_server *server, struct MHD_Connection *connection)
{
    const char *size = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
    return size && strtoull(size, NULL, 10) > server->options.body_max_bytes;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **slot)
{
    (void)version;
    struct http_server *server = ctx;
    struct http_request *request = *slot;
    if (!request) {
        request = MEM_NEW(struct http_request);
        request->server = server;
        request->connection = connection;
        request->method = method;
        request->path = mem_strdup(url);
        *slot = request;
        return is_too_large(server, connection) ? refuse_too_large(connection) : MHD_YES;
    }
    if (request->response)
        return MHD_queue_response(connection, (unsigned)request->status, request->response);
    if (*upload_size > 0) {
        request->uploaded += *upload_size;
        if (request->uploaded > server->options.body_max_bytes) {
            request->too_large = true;
            str_release(&request->body);
        }
        if (request->uploaded > BODY_PATIENCE * server->options.body_max_bytes)
            return MHD_NO; // closes: libmicrohttpd cannot answer in the middle of a body
        if (!request->too_large)
            str_append(&request->body, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    metric_add(METRIC_HTTP_REQUESTS, 1);
    if (request->too_large)
        return refuse_too_large(connection);
    if (!enqueue(server, request))
        return refuse(connection, 503, "{\"error\":\"busy: too many requests wait\",\"code\":503}");
    return MHD_YES;
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode why)
{
    (void)ctx;
    (void)connection;
    (void)why;
    if (*slot)
        request_free(*slot);
    *slot = NULL;
}

const char *http_method(const struct http_request *request)
{
    return request->method;
}

const char *http_path(const struct http_request *request)
{
    return request->path;
}

const char *http_query(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

struct bytes http_body(const struct http_request *request)
{
    return str_bytes(&request->body);
}

void http_set_header(struct http_request *request, const char *name, const char *value)
{
    vec_push(&request->headers, mem_strdup(name));
    vec_push(&request->headers, mem_strdup(value));
}

static void answer(struct http_request *request, int status, const char *content_type,
                   struct MHD_Response *response)
{
    MHD_add_response_header(response, "Content-Type", content_type);
    for (size_t i = 0; i < request->headers.count; i += 2)
        MHD_add_response_header(response, request->headers.items[i], request->headers.items[i + 1]);
    request->status = status;
    request->response = response;
    MHD_resume_connection(request->connection);
}

void http_respond(struct http_request *request, int status, const char *content_type,
                  struct bytes body)
{
    answer(request, status, content_type,
           MHD_create_response_from_buffer(body.size, (void *)(uintptr_t)body.ptr,
                                           MHD_RESPMEM_MUST_COPY));
}

void http_respond_error(struct http_request *request, int status, const char *text)
{
    struct str body = {0};
    str_append_text(&body, "{\"error\":");
    str_append_json(&body, bytes_from(text));
    str_printf(&body, ",\"code\":%d}\n", status);
    http_respond(request, status, "application/json", str_bytes(&body));
    str_release(&body);
}

// --- streams ---

static void stream_unref(struct http_stream *stream)
{
    if (atomic_fetch_sub(&stream->refs, 1) != 1)
        return;
    mutex_release(&stream->mutex);
    str_release(&stream->queue);
    mem_free(stream);
}

static ssize_t on_read(void *ctx, uint64_t position, char *into, size_t room)
{
    (void)position;
    struct http_stream *stream = ctx;
    mutex_lock(&stream->mutex);
    ssize_t got = 0;
    if (stream->queue.size > 0) {
        size_t part = stream->queue.size < room ? stream->queue.size : room;
        memcpy(into, stream->queue.ptr, part);
        memmove(stream->queue.ptr, stream->queue.ptr + part, stream->queue.size - part);
        stream->queue.size -= part;
        got = (ssize_t)part;
    } else if (stream->closed) {
        got = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        stream->suspended = true;
        MHD_suspend_connection(stream->connection);
    }
    mutex_unlock(&stream->mutex);
    return got;
}

static void wake_locked(struct http_stream *stream)
{
    assert(mutex_held(&stream->mutex));
    if (!stream->suspended)
        return;
    stream->suspended = false;
    MHD_resume_connection(stream->connection);
}

static void on_stream_freed(void *ctx)
{
    struct http_stream *stream = ctx;
    mutex_lock(&stream->server->mutex);
    list_remove(&stream->link);
    mutex_unlock(&stream->server->mutex);
    mutex_lock(&stream->mutex);
    stream->gone = true;
    stream->suspended = false;
    mutex_unlock(&stream->mutex);
    stream_unref(stream);
}

struct http_stream *http_stream_open(struct http_request *request, const char *content_type)
{
    struct http_server *server = request->server;
    struct http_stream *stream = MEM_NEW(struct http_stream);
    stream->server = server;
    stream->connection = request->connection;
    mutex_init(&stream->mutex);
    atomic_init(&stream->refs, 2); // libmicrohttpd's and the caller's
    mutex_lock(&server->mutex);
    list_push_back(&server->streams, &stream->link);
    stream->closed = server->stopping;
    mutex_unlock(&server->mutex);
    http_set_header(request, "Cache-Control", "no-store");
    answer(request, 200, content_type,
           MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, on_read, stream,
                                             on_stream_freed));
    return stream;
}

bool http_stream_write(struct http_stream *stream, struct bytes bytes)
{
    mutex_lock(&stream->mutex);
    if (!stream->gone && stream->queue.size + bytes.size > STREAM_QUEUE_BYTES)
        stream->closed = true; // too slow: end it, the client may come back
    bool open = !stream->gone && !stream->closed;
    if (open)
        str_append_bytes(&stream->queue, bytes);
    wake_locked(stream);
    mutex_unlock(&stream->mutex);
    return open;
}

void http_stream_close(struct http_stream *stream)
{
    mutex_lock(&stream->mutex);
    stream->closed = true;
    if (!stream->gone)
        wake_locked(stream);
    mutex_unlock(&stream->mutex);
    stream_unref(stream);
}

// --- life ---

static struct MHD_Daemon *daemon_start(struct http_server *server, int fd)
{
    return MHD_start_daemon(
        MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, server,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONN_BYTES, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONN_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONN_TIMEOUT_S,
        MHD_OPTION_END);
}

err_t http_server_start(struct http_server **out, const struct http_server_options *options,
                        struct diag *diag)
{
    int fds[2];
    size_t count = 0;
    uint16_t port = options->port;
    TRY(socket_listen_all(fds, &count, options->host, &port, diag));
    struct http_server *server = MEM_NEW(struct http_server);
    server->options = *options;
    server->port = port;
    if (server->options.threads == 0)
        server->options.threads = 2;
    mutex_init(&server->mutex);
    cond_init(&server->more);
    list_init(&server->queue);
    list_init(&server->streams);
    server->threads = mem_zalloc(server->options.threads * sizeof *server->threads);
    for (size_t i = 0; i < server->options.threads; i++)
        thread_start(&server->threads[i], "http", handler_thread, server);
    for (size_t i = 0; i < count; i++) {
        struct MHD_Daemon *daemon = daemon_start(server, fds[i]);
        if (!daemon) {
            socket_close(fds[i]);
            if (i == 0) {
                if (count > 1)
                    socket_close(fds[1]);
                http_server_stop(server);
                return FAIL(diag, ERR_IO, "cannot serve HTTP on %s port %u", options->host, port);
            }
            continue;
        }
        server->daemons[server->daemon_count++] = daemon;
    }
    *out = server;
    return ERR_OK;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

void http_server_stop(struct http_server *server)
{
    mutex_lock(&server->mutex);
    server->stopping = true;
    cond_broadcast(&server->more);
    mutex_unlock(&server->mutex);
    for (size_t i = 0; i < server->options.threads; i++)
        thread_join(&server->threads[i]);
    mutex_lock(&server->mutex);
    LIST_EACH(&server->streams, link)
    {
        struct http_stream *stream = CONTAINER_OF(link, struct http_stream, link);
        mutex_lock(&stream->mutex);
        stream->closed = true;
        wake_locked(stream);
        mutex_unlock(&stream->mutex);
    }
    mutex_unlock(&server->mutex);
    for (size_t i = 0; i < server->daemon_count; i++)
        MHD_stop_daemon(server->daemons[i]);
    cond_release(&server->more);
    mutex_release(&server->mutex);
    mem_free(server->threads);
    mem_free(server);
}
