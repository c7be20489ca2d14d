// SPDX-License-Identifier: Apache-2.0
//
// One uv_poll per socket; reading, writing and sendfile are done here with non-blocking calls.
//
// Reading goes through a scratch buffer shared by all connections of a loop, so an idle connection
// owns no buffer (10,000 of them cost little). Whole small frames are copied out of the scratch;
// the rest of a large one is read straight into its own buffer. What a paused connection has
// already read is kept aside (`stash`) and handed out first when it resumes.
//
// Writing is deferred: conn_send() queues and marks the connection; a prepare handle flushes all
// marked connections once per loop turn, before the loop waits. Replies of one turn leave together.

#include "net/conn.h"

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
#define WRITE_PARTS     64

enum { CONN_MAGIC = 0x636f6e6e };

// --- write queue ---

static void item_free(struct conn__item *item)
{
    if (item->buf)
        buf_unref(item->buf);
    else
        item->release(item->ctx);
    mem_free(item);
}

static void watch(struct conn *conn)
{
    int events = 0;
    if (conn->open && conn->reading)
        events |= UV_READABLE;
    if (conn->open && conn->blocked)
        events |= UV_WRITABLE;
    if (events == conn->events || !conn->open)
        return;
    conn->events = events;
    if (events)
        uv_poll_start(&conn->poll, events, conn__on_event);
    else
        uv_poll_stop(&conn->poll);
}

static void set_reading(struct conn *conn)
{
    bool full = conn->queued_bytes >= conn->queue_max_bytes ||
                (conn->throttled && conn->queued_bytes > conn->queue_max_bytes / 2);
    conn->throttled = full;
    conn->reading = conn->paused == 0 && !full && !conn->closing && !conn->starved;
    watch(conn);
}

static int64_t write_some(struct conn *conn, struct conn__item *first)
{
    if (!first->buf)
        return socket_send_file(conn->fd, first->file, first->offset, first->size);
    struct socket_part parts[WRITE_PARTS];
    size_t count = 0;
    LIST_EACH(&conn->queue, link)
    {
        struct conn__item *item = CONTAINER_OF(link, struct conn__item, link);
        if (!item->buf || count == WRITE_PARTS)
            break;
        parts[count++] = (struct socket_part){item->buf->ptr + item->offset, item->size};
    }
    return socket_write(conn->fd, parts, count);
}

static void written(struct conn *conn, size_t size)
{
    conn->queued_bytes -= size;
    while (size > 0) {
        struct conn__item *item = CONTAINER_OF(conn->queue.next, struct conn__item, link);
        if (item->size > size) {
            item->offset += (int64_t)size;
            item->size -= size;
            return;
        }
        size -= item->size;
        list_remove(&item->link);
        item_free(item);
    }
}

static void flush(struct conn *conn)
{
    while (conn->open && !list_empty(&conn->queue)) {
        struct conn__item *first = CONTAINER_OF(conn->queue.next, struct conn__item, link);
        int64_t moved = write_some(conn, first);
        if (moved == SOCKET_AGAIN) {
            conn->blocked = true;
            set_reading(conn);
            return;
        }
        if (moved < 0) {
            conn_abort(conn);
            return;
        }
        conn->active_us = clock_mono_us();
        written(conn, (size_t)moved);
    }
    if (!conn->open)
        return;
    conn->blocked = false;
    if (conn->closing) {
        conn_abort(conn);
        return;
    }
    set_reading(conn);
    if (conn->listener->ops->drained)
        conn->listener->ops->drained(conn);
    conn__drain_stash(conn);
}

static void enqueue(struct conn *conn, struct conn__item *item)
{
    if (!conn->open || conn->closing || item->size == 0) {
        item_free(item);
        return;
    }
    list_push_back(&conn->queue, &item->link);
    conn->queued_bytes += item->size;
    if (!conn->blocked && list_empty(&conn->dirty))
        list_push_back(&conn->shard->dirty, &conn->dirty);
    if (conn->queued_bytes >= conn->queue_max_bytes)
        set_reading(conn);
}

void conn__flush_dirty(struct conn__shard *shard)
{
    struct list *link;
    while ((link = list_pop_front(&shard->dirty)))
        flush(CONTAINER_OF(link, struct conn, dirty));
}

void conn_send(struct conn *conn, struct buf *buf)
{
    assert(loop_is_here(conn->loop));
    struct conn__item *item = MEM_NEW(struct conn__item);
    item->buf = buf;
    item->size = buf->size;
    enqueue(conn, item);
}

void conn_send_file(struct conn *conn, int fd, int64_t offset, size_t size,
                    void (*release)(void *ctx), void *ctx)
{
    assert(loop_is_here(conn->loop));
    struct conn__item *item = MEM_NEW(struct conn__item);
    *item = (struct conn__item){
        .file = fd, .offset = offset, .size = size, .release = release, .ctx = ctx};
    enqueue(conn, item);
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
    set_reading(conn);
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
        set_reading(conn);
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

static void read_some(struct conn *conn)
{
    for (int turn = 0; turn < READ_TURNS && conn->open && conn->reading; turn++) {
        bool direct = conn->frame && conn->stash.size == 0 &&
                      conn->frame->size - conn->frame_used >= SCRATCH_BYTES / 4;
        size_t room = direct ? conn->frame->size - conn->frame_used : SCRATCH_BYTES;
        uint8_t *into = direct ? conn->frame->ptr + conn->frame_used : conn->shard->scratch;
        int64_t got = socket_read(conn->fd, into, room);
        if (got == SOCKET_AGAIN)
            return;
        if (got < 0) {
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
        if ((size_t)got < room)
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
    if (events & UV_WRITABLE)
        flush(conn);
    if (conn->open && events & UV_READABLE) {
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
    uv_poll_init(loop_uv(shard->loop), &conn->poll, fd);
    timer_init(&conn->idle_timer, check_idle);
    timer_init(&conn->budget_timer, retry_budget);
    if (listener->idle_timeout_ms > 0)
        timer_start(shard->loop, &conn->idle_timer, listener->idle_timeout_ms);
    listener->ops->opened(conn, listener->ctx);
    if (conn->open)
        set_reading(conn);
}

static void poll_closed(uv_handle_t *handle)
{
    struct conn *conn = CONTAINER_OF((uv_poll_t *)handle, struct conn, poll);
    struct conn__shard *shard = conn->shard;
    list_remove(&conn->link);
    conn_unref(conn);
    conn__one_gone(shard);
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
    socket_close(conn->fd);
    struct list *link;
    while ((link = list_pop_front(&conn->queue)))
        item_free(CONTAINER_OF(link, struct conn__item, link));
    conn->queued_bytes = 0;
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
    set_reading(conn);
    if (list_empty(&conn->queue))
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
    set_reading(conn);
}

void conn_resume(struct conn *conn)
{
    assert(loop_is_here(conn->loop) && conn->paused > 0);
    conn->paused--;
    if (!conn->open)
        return;
    set_reading(conn);
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

void conn_local(const struct conn *conn, char *host, size_t size)
{
    if (conn->open)
        socket_local_host(conn->fd, host, size);
    else
        snprintf(host, size, "127.0.0.1");
}

size_t conn_queued_bytes(const struct conn *conn)
{
    return conn->queued_bytes;
}
