// SPDX-License-Identifier: Apache-2.0
//
// http_server: an HTTP/1.1 listener on libmicrohttpd.
//
// The handler is called once per whole request, on one of the server's threads, and may BLOCK for
// disk work (a few threads serve all connections: queries that run long go to the pool). It answers
// exactly once, at once or later from any thread: http_respond() or http_stream_open().
//
// Bounds     bodies above body_max_bytes are refused with 413 before the handler sees them; headers
// 32 KiB.
#ifndef NET_HTTP_SERVER_H
#define NET_HTTP_SERVER_H

#include "base/diag.h"
#include "base/str.h"

struct http_server;
struct http_request;
struct http_stream;

struct http_server_options {
    const char *host; // loopback names listen on both loopbacks
    uint16_t port;    // 0 = any free one
    size_t threads;   // 0 = 2
    size_t body_max_bytes;
    void (*handler)(struct http_request *request, void *ctx);
    void *ctx;
};

MUST_USE err_t http_server_start(struct http_server **out,
                                 const struct http_server_options *options, struct diag *diag);
uint16_t http_server_port(const struct http_server *server);
void http_server_stop(struct http_server *server); // closes streams, waits for handlers

const char *http_method(const struct http_request *request);
const char *http_path(const struct http_request *request); // percent-decoded, without the query
const char *http_query(const struct http_request *request,
                       const char *name); // decoded, NULL if absent
const char *http_header(const struct http_request *request,
                        const char *name); // case-insensitive, or NULL
struct bytes http_body(const struct http_request *request);

// Adds a header to the answer to come. Before http_respond.
void http_set_header(struct http_request *request, const char *name, const char *value);
// Answers; the body is copied; `request` is gone afterwards. HEAD sends the headers only.
void http_respond(struct http_request *request, int status, const char *content_type,
                  struct bytes body);
// Answers {"error":"...","code":status} built with str_append_json.
void http_respond_error(struct http_request *request, int status, const char *text);

// An answer that goes on (server-sent events). Writes are queued up to 1 MiB; a client too slow for
// that is closed. Any thread.
struct http_stream *http_stream_open(struct http_request *request, const char *content_type);
bool http_stream_write(struct http_stream *stream, struct bytes bytes); // false: the client is gone
void http_stream_close(struct http_stream *stream); // must be called once, also after false

#endif
