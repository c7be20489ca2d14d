// SPDX-License-Identifier: Apache-2.0
//
// One uv_poll per socket; reading, writing and sendfile are done here with non-blocking calls.
//
// Reading goes through a scratch buffer shared by all connections of a loop, so an idle connection
// owns no buffer (10,000 of them cost little). Whole small frames are copied out of the scratch;
// the rest of a large one is read straight into its own buffer. What a paused connection has
// already read is kept aside (`stash`) and handed out first when it resumes.
//
// Through TLS a read may have to wait until it can write, and a write until it can read
// (reads_by_writing, writes_by_reading): then either event tries both.

#include "net/conn.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/conn_int.h"
#include "os/clock.h"
#include "os/socket.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>

#define SCRATCH_BYTES   65536
#define HEAD_BYTES      64    // a protocol must tell a frame's size within so many
#define CHARGED_BYTES   16384 // smaller frames are bounded by the handlers' in-flight limits
#define BUDGET_RETRY_MS 5
#define READ_TURNS      8 // scratch fills one connection may take before others get their turn

enum { CONN_MAGIC = 0x636f6e6e };

// --- what to wait for ---

void conn__watch(struct conn *conn)
{
    int events = 0;
    if (conn->open && (conn->reading || conn->writes_by_reading))
        events |= UV_READABLE;
    if (conn->open && (conn->blocked || conn->reads_by_writing))
        events |= UV_WRITABLE;
    if (events == conn->events || !conn->open)
        return;
    conn->events = events;
    if (events)
        uv_poll_start(&conn->poll, events, conn__on_event);
    else
        uv_poll_stop(&conn->poll);
}

void conn__set_reading(struct conn *conn)
{
    bool full = conn->queued_bytes >= conn->queue_max_bytes ||
                (conn->throttled && conn->queued_bytes > conn->queue_max_bytes / 2);
    conn->throttled = full;
    conn->reading = conn->paused == 0 && !full && !conn->closing && !conn->starved;
    conn__watch(conn);
}

// --- frames ---

struct charged {
    struct budget *budget;
    size_t size;
};

static void release_charged(void *ctx)
{
    struct charged *charged = ctx;
    budget_release(charged->budget, charged->size);
    mem_free(charged);
}

// NULL when the budget has no room now.
static struct buf *frame_new(struct conn *conn, size_t size)
{
    struct budget *budget = conn->listener->budget;
    if (!budget || size < CHARGED_BYTES)
        return buf_new(size);
    if (!budget_charge(budget, size))
        return NULL;
    struct charged *charged = mem_alloc(sizeof *charged + size);
    *charged = (struct charged){.budget = budget, .size = size};
    return buf_wrap(charged + 1, size, release_charged, charged);
}

static void hand_over(struct conn *conn)
{
    struct buf *frame = conn->frame;
    conn->frame = NULL;
    conn->listener->ops->frame(conn, frame);
}

static void retry_budget(struct timer *timer)
{
    struct conn *conn = CONTAINER_OF(timer, struct conn, budget_timer);
    conn->starved = false;
    conn__set_reading(conn);
    conn__drain_stash(conn);
}

// Asks the protocol for the size of the frame at `head`, and makes room for it. False: wait or
// closed.
static bool begin_frame(struct conn *conn, const uint8_t *head, size_t size)
{
    int64_t total = conn->listener->ops->frame_size(conn, head, size);
    if (!conn->open || conn->closing)
        return false;
    if (total == FRAME_MORE) {
        if (size >= HEAD_BYTES)
            conn_abort(conn);
        return false;
    }
    struct budget *budget = conn->listener->budget;
    if (total < 0 || (uint64_t)total > conn->listener->frame_max_bytes ||
        (budget && (uint64_t)total > budget->limit_bytes)) {
        conn_close(conn);
        return false;
    }
    conn->frame = frame_new(conn, (size_t)total);
    conn->frame_used = 0;
    if (!conn->frame) {
        conn->starved = true;
        timer_start(conn->shard->loop, &conn->budget_timer, BUDGET_RETRY_MS);
        conn__set_reading(conn);
        return false;
    }
    return true;
}

static bool may_take(const struct conn *conn)
{
    return conn->open && !conn->closing && conn->paused == 0 && !conn->starved && !conn->throttled;
}

// Cuts `ptr` into frames; returns how much was used. The rest waits for more bytes or a resume.
static size_t take_bytes(struct conn *conn, const uint8_t *ptr, size_t size)
{
    size_t used = 0;
    while (used < size && may_take(conn)) {
        if (!conn->frame && !begin_frame(conn, ptr + used, size - used))
            break;
        size_t want = conn->frame->size - conn->frame_used;
        size_t part = want < size - used ? want : size - used;
        memcpy(conn->frame->ptr + conn->frame_used, ptr + used, part);
        conn->frame_used += part;
        used += part;
        if (conn->frame_used == conn->frame->size)
            hand_over(conn);
    }
    return used;
}

static void tell_gathered(struct conn *conn)
{
    if (conn->open && conn->listener->ops->gathered)
        conn->listener->ops->gathered(conn);
}

void conn__drain_stash(struct conn *conn)
{
    if (conn->stash.size == 0 || conn->draining || !may_take(conn))
        return;
    conn->draining = true;
    struct str stash = conn->stash;
    conn->stash = (struct str){0};
    size_t used = take_bytes(conn, (const uint8_t *)stash.ptr, stash.size);
    if (conn->open && used < stash.size) {
        str_append(&conn->stash, stash.ptr + used, stash.size - used);
    }
    str_release(&stash);
    conn->draining = false;
    tell_gathered(conn);
}

static void take_scratch(struct conn *conn, size_t size)
{
    const uint8_t *scratch = conn->shard->scratch;
    if (conn->stash.size > 0) { // the head of a frame, or bytes read before a pause
        str_append(&conn->stash, scratch, size);
        conn__drain_stash(conn);
        return;
    }
    size_t used = take_bytes(conn, scratch, size);
    if (conn->open && used < size)
        str_append(&conn->stash, scratch + used, size - used);
}

static int64_t read_bytes(struct conn *conn, void *into, size_t room)
{
    if (!conn->tls)
        return socket_read(conn->fd, into, room);
    int64_t got = tls__read(conn->tls, into, room);
    conn->reads_by_writing = got == SOCKET_AGAIN && tls__waits_to_write(conn->tls);
    conn__watch(conn);
    return got;
}

static void tell_tls_problem(struct conn *conn)
{
    const char *problem = conn->tls ? tls__problem(conn->tls) : NULL;
    if (problem)
        LOG_INFO("net", "a TLS connection failed", "peer=%s why=\"%s\"", conn->peer, problem);
}

static void read_some(struct conn *conn)
{
    for (int turn = 0; turn < READ_TURNS && conn->open && conn->reading; turn++) {
        bool direct = conn->frame && conn->stash.size == 0 &&
                      conn->frame->size - conn->frame_used >= SCRATCH_BYTES / 4;
        size_t room = direct ? conn->frame->size - conn->frame_used : SCRATCH_BYTES;
        uint8_t *into = direct ? conn->frame->ptr + conn->frame_used : conn->shard->scratch;
        int64_t got = read_bytes(conn, into, room);
        if (got == SOCKET_AGAIN)
            return;
        if (got < 0) {
            tell_tls_problem(conn);
            conn_abort(conn);
            return;
        }
        conn->active_us = clock_mono_us();
        if (!direct) {
            take_scratch(conn, (size_t)got);
        } else {
            conn->frame_used += (size_t)got;
            if (conn->frame_used == conn->frame->size)
                hand_over(conn);
        }
        if ((size_t)got < room && !conn->tls) // a TLS record may be followed by another
            return;
    }
}

void conn__on_event(uv_poll_t *poll, int status, int events)
{
    struct conn *conn = CONTAINER_OF(poll, struct conn, poll);
    assert(conn->magic == CONN_MAGIC);
    if (status < 0) {
        conn_abort(conn);
        return;
    }
    conn_ref(conn);
    if (events & UV_WRITABLE || conn->writes_by_reading)
        conn__flush(conn);
    if (conn->open && (events & UV_READABLE || conn->reads_by_writing)) {
        read_some(conn);
        tell_gathered(conn);
    }
    conn_unref(conn);
}

// --- life ---

static void check_idle(struct timer *timer)
{
    struct conn *conn = CONTAINER_OF(timer, struct conn, idle_timer);
    int64_t left_ms = conn->listener->idle_timeout_ms - (clock_mono_us() - conn->active_us) / 1000;
    if (left_ms <= 0)
        conn_abort(conn);
    else
        timer_start(conn->shard->loop, timer, left_ms);
}

void conn__start(struct conn__shard *shard, int fd)
{
    static _Atomic uint64_t last_id;
    struct listener *listener = shard->listener;
    struct conn *conn = MEM_NEW(struct conn);
    conn->magic = CONN_MAGIC;
    conn->id = atomic_fetch_add(&last_id, 1) + 1;
    conn->shard = shard;
    conn->loop = shard->loop;
    conn->listener = listener;
    conn->fd = fd;
    conn->open = true;
    conn->queue_max_bytes = listener->queue_max_bytes;
    conn->active_us = clock_mono_us();
    atomic_init(&conn->refs, 1);
    list_init(&conn->queue);
    list_init(&conn->dirty);
    list_push_back(&shard->conns, &conn->link);
    socket_peer(fd, conn->peer, sizeof conn->peer);
    socket_local_host(fd, conn->local, sizeof conn->local);
    uv_poll_init(loop_uv(shard->loop), &conn->poll, fd);
    timer_init(&conn->idle_timer, check_idle);
    timer_init(&conn->budget_timer, retry_budget);
    if (listener->idle_timeout_ms > 0)
        timer_start(shard->loop, &conn->idle_timer, listener->idle_timeout_ms);
    listener->ops->opened(conn, listener->ctx);
    if (conn->open && listener->tls && !(conn->tls = tls__accept(listener->tls, fd)))
        conn_abort(conn);
    if (conn->open)
        conn__set_reading(conn);
}

// The listener waits until each of its connections has gone, and what they held is given back.
void conn__gone(struct conn *conn)
{
    struct conn__shard *shard = conn->shard;
    if (!conn->unwatched || conn->loading)
        return;
    list_remove(&conn->link);
    conn_unref(conn);
    conn__one_gone(shard);
}

static void poll_closed(uv_handle_t *handle)
{
    struct conn *conn = CONTAINER_OF((uv_poll_t *)handle, struct conn, poll);
    conn->unwatched = true;
    conn__gone(conn);
}

void conn_abort(struct conn *conn)
{
    assert(loop_is_here(conn->loop));
    if (!conn->open)
        return;
    conn->open = false;
    timer_stop(&conn->idle_timer);
    timer_stop(&conn->budget_timer);
    list_remove(&conn->dirty);
    uv_poll_stop(&conn->poll);
    uv_close((uv_handle_t *)&conn->poll, poll_closed);
    if (conn->tls)
        tls__free(conn->tls);
    conn->tls = NULL;
    socket_close(conn->fd);
    conn__drop_queue(conn);
    buf_unref(conn->frame);
    conn->frame = NULL;
    str_release(&conn->stash);
    conn->listener->ops->closed(conn);
}

void conn_close(struct conn *conn)
{
    assert(loop_is_here(conn->loop));
    if (!conn->open || conn->closing)
        return;
    conn->closing = true;
    conn__set_reading(conn);
    if (list_empty(&conn->queue) && !conn->loading)
        conn_abort(conn);
}

struct conn *conn_ref(struct conn *conn)
{
    atomic_fetch_add_explicit(&conn->refs, 1, memory_order_relaxed);
    return conn;
}

void conn_unref(struct conn *conn)
{
    if (atomic_fetch_sub_explicit(&conn->refs, 1, memory_order_acq_rel) != 1)
        return;
    conn->magic = 0;
    mem_free(conn);
}

void conn_pause(struct conn *conn)
{
    assert(loop_is_here(conn->loop));
    conn->paused++;
    conn__set_reading(conn);
}

void conn_resume(struct conn *conn)
{
    assert(loop_is_here(conn->loop) && conn->paused > 0);
    conn->paused--;
    if (!conn->open)
        return;
    conn__set_reading(conn);
    conn__drain_stash(conn);
}

bool conn_is_open(const struct conn *conn)
{
    return conn->open && !conn->closing;
}

struct loop *conn_loop(const struct conn *conn)
{
    return conn->loop;
}

void *conn_data(const struct conn *conn)
{
    return conn->data;
}

void conn_set_data(struct conn *conn, void *data)
{
    conn->data = data;
}

uint64_t conn_id(const struct conn *conn)
{
    return conn->id;
}

const char *conn_peer(const struct conn *conn)
{
    return conn->peer;
}

const char *conn_local(const struct conn *conn)
{
    return conn->local;
}

bool conn_tls_subject(const struct conn *conn, char *out, size_t size)
{
    return conn->tls && tls__subject(conn->tls, out, size);
}

size_t conn_queued_bytes(const struct conn *conn)
{
    return conn->queued_bytes;
}
