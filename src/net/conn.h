// SPDX-License-Identifier: Apache-2.0
//
// conn: a TCP listener and its framed connections, for Kafka and CQL.
//
// The protocol tells where a frame ends (frame_size) and takes whole frames; net does the reading,
// the bounds, the write queue and the closing. A frame arrives as its own struct buf, so a handler
// may keep its bytes (a produced batch goes to the log without a copy).
//
// Lifetime   a conn is freed when it is closed *and* its last reference is gone (conn_ref).
// Thread     all conn_ functions on the conn's loop only, except conn_ref, conn_unref, conn_loop.
// Bounds     a frame larger than frame_max_bytes closes the connection before it is allocated; when
//            queue_max_bytes wait to be written, reading stops until half of it is gone; frames in
//            memory are charged to `budget` and reading waits while it is exhausted.
#ifndef NET_CONN_H
#define NET_CONN_H

#include "base/budget.h"
#include "base/buf.h"
#include "base/diag.h"
#include "loop/loop.h"
#include "net/tls.h"

struct conn;
struct listener;

enum { FRAME_MORE = 0, FRAME_REFUSED = -1 };

struct conn_ops {
    void (*opened)(struct conn *conn, void *ctx);
    // Total size of the frame that starts at `head`, FRAME_MORE when `size` bytes do not tell yet,
    // FRAME_REFUSED to close. Called again with more bytes after FRAME_MORE. May send an error
    // first.
    int64_t (*frame_size)(struct conn *conn, const uint8_t *head, size_t size);
    // One whole frame; the callee owns the reference.
    void (*frame)(struct conn *conn, struct buf *frame);
    // Last call. Work in flight may still hold references; conn_is_open() is false from here on.
    void (*closed)(struct conn *conn);
    // All that was queued has been written. May be NULL.
    void (*drained)(struct conn *conn);
    // The frames of one read have been handed over: what they ask for may be started as one. May be
    // NULL.
    void (*gathered)(struct conn *conn);
};

struct listener_options {
    const char *host;     // "127.0.0.1", "localhost" and "::1" listen on both loopbacks
    uint16_t port;        // 0 = any free one
    uint16_t *bound_port; // gets the port before the first connection is accepted; may be NULL
    // Instead of host and port: the Unix socket `name` in the folder `dir`, for this user only.
    const char *dir, *name;
    size_t conn_max; // further ones are accepted and closed at once; 0 = 20000
    size_t frame_max_bytes;
    size_t queue_max_bytes;  // 0 = 64 MiB
    int64_t idle_timeout_ms; // no byte for so long closes; 0 = never
    struct budget *budget;   // may be NULL
    struct tls *tls;         // NULL: plain; the listener keeps a reference of its own
    const struct conn_ops *ops;
    void *ctx;
};

// Connections are dealt to the loops in turn. ERR_IO "port 9092 on 127.0.0.1 is in use ...".
MUST_USE err_t listener_open(struct listener **out, struct loops *loops,
                             const struct listener_options *options, struct diag *diag);
uint16_t listener_port(const struct listener *listener);
// Stops accepting, closes every connection, waits until all are closed. Not from a loop. BLOCKS
void listener_close(struct listener *listener);

void conn_send(struct conn *conn, struct buf *buf); // takes the reference
// `size` bytes of `fd` from `offset`, by sendfile where the connection is plain, read by workers
// where it is not. `fd` must stay open until release(ctx) is called (also when the connection
// closes first).
void conn_send_file(struct conn *conn, int fd, int64_t offset, size_t size,
                    void (*release)(void *ctx), void *ctx);
void conn_pause(struct conn *conn); // no frame() until as many conn_resume(); a counter
void conn_resume(struct conn *conn);
void conn_close(struct conn *conn); // after what is queued has been written; no more frames
void conn_abort(struct conn *conn); // now
bool conn_is_open(const struct conn *conn);
struct conn *conn_ref(struct conn *conn);
void conn_unref(struct conn *conn); // any thread
struct loop *conn_loop(const struct conn *conn);
void *conn_data(const struct conn *conn);
void conn_set_data(struct conn *conn, void *data);
uint64_t conn_id(const struct conn *conn);
const char *conn_peer(const struct conn *conn);  // "127.0.0.1:51234"
const char *conn_local(const struct conn *conn); // the address the client reached, no port
// Subject of the certificate the client showed ("CN=app,O=weir"), once a frame has come; false when
// it showed none.
bool conn_tls_subject(const struct conn *conn, char *out, size_t size);
size_t conn_queued_bytes(const struct conn *conn);

#endif
