// SPDX-License-Identifier: Apache-2.0
//
// Accepts on the first loop and deals connections to all loops in turn.
//
// Closing: accepting ends first, so that no arrival is on its way; then each shard aborts its
// connections; when the last is gone it closes its prepare handle and counts itself off;
// listener_close() waits for the count to reach zero.

#include "base/mem.h"
#include "net/conn_int.h"
#include "os/clock.h"
#include "os/socket.h"

#include <assert.h>
#include <stdatomic.h>

#define SCRATCH_BYTES    65536
#define ACCEPTS_PER_TURN 64
#define ACCEPT_RETRY_MS  100
#define CONN_MAX         20000
#define QUEUE_MAX_BYTES  ((size_t)64 << 20)

static void count_off(struct listener *listener)
{
    mutex_lock(&listener->mutex);
    listener->closing_left--;
    cond_broadcast(&listener->all_closed);
    mutex_unlock(&listener->mutex);
}

static void prepare_closed(uv_handle_t *handle)
{
    struct conn__shard *shard = handle->data;
    count_off(shard->listener);
}

static void maybe_shard_done(struct conn__shard *shard)
{
    if (shard->closing && shard->conn_count == 0 && !uv_is_closing((uv_handle_t *)&shard->prepare))
        uv_close((uv_handle_t *)&shard->prepare, prepare_closed);
}

void conn__one_gone(struct conn__shard *shard)
{
    shard->conn_count--;
    atomic_fetch_sub(&shard->listener->conn_count, 1);
    maybe_shard_done(shard);
}

struct arrival {
    struct post post;
    struct conn__shard *shard;
    int fd;
};

static void arrive(struct post *post)
{
    struct arrival *arrival = CONTAINER_OF(post, struct arrival, post);
    struct conn__shard *shard = arrival->shard;
    if (shard->closing) {
        socket_close(arrival->fd);
        atomic_fetch_sub(&shard->listener->conn_count, 1);
    } else {
        shard->conn_count++;
        conn__start(shard, arrival->fd);
    }
    mem_free(arrival);
}

static void accept_again(struct timer *timer);
static void on_accept(uv_poll_t *poll, int status, int events);

// Out of file descriptors: the waiting connection would be told again and again.
static void accept_later(struct listener *listener)
{
    for (size_t i = 0; i < listener->fd_count; i++)
        uv_poll_stop(&listener->accepts[i]);
    timer_start(listener->shards[0].loop, &listener->accept_timer, ACCEPT_RETRY_MS);
}

static void accept_again(struct timer *timer)
{
    struct listener *listener = CONTAINER_OF(timer, struct listener, accept_timer);
    for (size_t i = 0; i < listener->fd_count; i++)
        uv_poll_start(&listener->accepts[i], UV_READABLE, on_accept);
}

static void on_accept(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct listener *listener = poll->data;
    int listening = listener->fds[poll - listener->accepts];
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = socket_accept(listening);
        if (fd == SOCKET_CLOSED)
            accept_later(listener);
        if (fd < 0)
            return;
        if (atomic_fetch_add(&listener->conn_count, 1) >= listener->conn_max) {
            atomic_fetch_sub(&listener->conn_count, 1);
            socket_close(fd);
            continue;
        }
        struct arrival *arrival = MEM_NEW(struct arrival);
        arrival->shard = &listener->shards[listener->next_shard++ % listener->shard_count];
        arrival->fd = fd;
        loop_post(arrival->shard->loop, &arrival->post, arrive);
    }
}

static void on_prepare(uv_prepare_t *prepare)
{
    conn__flush_dirty(prepare->data);
}

static void open_shard(struct post *post)
{
    struct conn__shard *shard = CONTAINER_OF(post, struct conn__shard, open);
    struct listener *listener = shard->listener;
    uv_loop_t *uv = loop_uv(shard->loop);
    uv_prepare_init(uv, &shard->prepare);
    shard->prepare.data = shard;
    uv_prepare_start(&shard->prepare, on_prepare);
    if (shard != listener->shards)
        return;
    for (size_t i = 0; i < listener->fd_count; i++) {
        uv_poll_init(uv, &listener->accepts[i], listener->fds[i]);
        listener->accepts[i].data = listener;
        uv_poll_start(&listener->accepts[i], UV_READABLE, on_accept);
    }
}

err_t listener_open(struct listener **out, struct loops *loops,
                    const struct listener_options *options, struct diag *diag)
{
    int fds[2];
    size_t fd_count = 0;
    uint16_t port = options->port;
    if (options->dir) {
        TRY(socket_listen_at(&fds[0], options->dir, options->name, diag));
        fd_count = 1;
    } else {
        TRY(socket_listen_all(fds, &fd_count, options->host, &port, diag));
    }
    struct listener *listener = MEM_NEW(struct listener);
    listener->loops = loops;
    memcpy(listener->fds, fds, sizeof fds);
    listener->fd_count = fd_count;
    listener->port = port;
    listener->ops = options->ops;
    listener->ctx = options->ctx;
    timer_init(&listener->accept_timer, accept_again);
    listener->conn_max = options->conn_max ? options->conn_max : CONN_MAX;
    listener->frame_max_bytes = options->frame_max_bytes;
    listener->queue_max_bytes =
        options->queue_max_bytes ? options->queue_max_bytes : QUEUE_MAX_BYTES;
    listener->idle_timeout_ms = options->idle_timeout_ms;
    listener->budget = options->budget;
    listener->tls = options->tls ? tls_ref(options->tls) : NULL;
    mutex_init(&listener->mutex);
    cond_init(&listener->all_closed);
    listener->shard_count = loops_count(loops);
    listener->shards = mem_zalloc(listener->shard_count * sizeof *listener->shards);
    for (size_t i = 0; i < listener->shard_count; i++) {
        struct conn__shard *shard = &listener->shards[i];
        shard->listener = listener;
        shard->loop = loops_at(loops, i);
        shard->scratch = mem_alloc(SCRATCH_BYTES);
        list_init(&shard->conns);
        list_init(&shard->dirty);
    }
    *out = listener;
    if (options->bound_port)
        *options->bound_port = port;
    for (size_t i = listener->shard_count; i-- > 0;) // the accepting one last
        loop_post(listener->shards[i].loop, &listener->shards[i].open, open_shard);
    return ERR_OK;
}

uint16_t listener_port(const struct listener *listener)
{
    return listener->port;
}

static void accept_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;
    socket_close(listener->fds[(uv_poll_t *)handle - listener->accepts]);
    count_off(listener);
}

static void close_accepts(struct post *post)
{
    struct listener *listener = CONTAINER_OF(post, struct conn__shard, close)->listener;
    timer_stop(&listener->accept_timer);
    for (size_t i = 0; i < listener->fd_count; i++)
        uv_close((uv_handle_t *)&listener->accepts[i], accept_closed);
}

static void close_shard(struct post *post)
{
    struct conn__shard *shard = CONTAINER_OF(post, struct conn__shard, close);
    shard->closing = true;
    conn__flush_dirty(shard);
    LIST_EACH(&shard->conns, link)
    conn_abort(CONTAINER_OF(link, struct conn, link));
    maybe_shard_done(shard);
}

static void wait_closed(struct listener *listener)
{
    mutex_lock(&listener->mutex);
    while (listener->closing_left > 0)
        cond_wait(&listener->all_closed, &listener->mutex);
    mutex_unlock(&listener->mutex);
}

void listener_close(struct listener *listener)
{
    listener->closing_left = listener->fd_count;
    loop_post(listener->shards[0].loop, &listener->shards[0].close, close_accepts);
    wait_closed(listener);
    listener->closing_left = listener->shard_count;
    for (size_t i = 0; i < listener->shard_count; i++)
        loop_post(listener->shards[i].loop, &listener->shards[i].close, close_shard);
    wait_closed(listener);
    for (size_t i = 0; i < listener->shard_count; i++)
        mem_free(listener->shards[i].scratch);
    mem_free(listener->shards);
    tls_unref(listener->tls);
    cond_release(&listener->all_closed);
    mutex_release(&listener->mutex);
    mem_free(listener);
}
