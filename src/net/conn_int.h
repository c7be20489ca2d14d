// SPDX-License-Identifier: Apache-2.0
//
// conn_int: what conn.c (reading, life), conn_write.c (the write queue) and listener.c (accepting,
// dealing out, closing) share.
#ifndef NET_CONN_INT_H
#define NET_CONN_INT_H

#include "base/list.h"
#include "base/str.h"
#include "net/conn.h"
#include "net/tls_session.h"
#include "os/thread.h"

#include <uv.h>

// One piece to be written: bytes of a buf, or a range of a file.
struct conn__item {
    struct list link;
    struct buf *buf; // NULL: a file range
    int file;
    int64_t offset; // next byte to send
    size_t size;    // bytes left
    void (*release)(void *ctx);
    void *ctx;
};

// A listener's part on one loop. Touched on that loop only, except `starts`.
struct conn__shard {
    struct listener *listener;
    struct loop *loop;
    uv_prepare_t prepare;
    struct list conns;
    struct list dirty; // connections with something new to write
    size_t conn_count;
    bool closing;
    struct post open, close;
    uint8_t *scratch;
};

struct conn {
    uint32_t magic;
    _Atomic unsigned refs;
    uint64_t id;
    struct conn__shard *shard; // gone with the listener: not after closed()
    struct loop *loop;
    struct listener *listener;
    struct list link;  // in shard->conns
    struct list dirty; // in shard->dirty
    uv_poll_t poll;
    struct tls__session *tls; // NULL: plain
    int fd;
    int events; // what poll waits for
    bool open;
    bool closing;   // conn_close(): write what is queued, then abort
    bool reading;   // wants to read
    bool blocked;   // the socket took no more; waits to be writable
    bool throttled; // the write queue is over its bound
    bool starved;   // the budget had no room for the next frame
    bool draining;
    bool unwatched;         // closed, and libuv has let go of it
    bool loading;           // a file's bytes are on their way to the head of the queue
    bool reads_by_writing;  // TLS: a read waits until something can be written
    bool writes_by_reading; // TLS: a write waits until something can be read
    unsigned paused;
    struct buf *frame; // being received
    size_t frame_used;
    struct str stash; // read but not yet part of a frame
    struct list queue;
    size_t queued_bytes;
    size_t queue_max_bytes;
    int64_t active_us;
    struct timer idle_timer;
    struct timer budget_timer;
    void *data;
    char peer[64];
    char local[64];
};

struct listener {
    struct loops *loops;
    struct conn__shard *shards; // one per loop
    size_t shard_count;
    size_t next_shard;
    int fds[2];
    uv_poll_t accepts[2]; // on loop 0
    struct timer accept_timer;
    size_t fd_count;
    uint16_t port;
    const struct conn_ops *ops;
    void *ctx;
    size_t conn_max;
    size_t frame_max_bytes;
    size_t queue_max_bytes;
    int64_t idle_timeout_ms;
    struct budget *budget;
    struct tls *tls; // a reference; NULL: plain
    _Atomic size_t conn_count;
    struct mutex mutex; // guards closing_left
    struct cond all_closed;
    size_t closing_left; // handles and shards still to close
};

void conn__on_event(uv_poll_t *poll, int status, int events);
void conn__flush_dirty(struct conn__shard *shard);
void conn__watch(struct conn *conn);
void conn__set_reading(struct conn *conn);
void conn__gone(struct conn *conn);
void conn__flush(struct conn *conn);
void conn__drop_queue(struct conn *conn);
void conn__drain_stash(struct conn *conn);
void conn__start(struct conn__shard *shard, int fd); // takes fd
void conn__one_gone(struct conn__shard *shard);

#endif
