// SPDX-License-Identifier: Apache-2.0
//
// Writing is deferred: conn_send() queues and marks the connection; a prepare handle flushes all
// marked connections once per loop turn, before the loop waits. Replies of one turn leave together.
//
// A plain connection sends file ranges by sendfile. Through TLS their bytes must pass through us: a
// worker reads the next piece of the range, and the queue waits for it. Small neighbours are
// gathered into one TLS record.
#include "net/conn.h"

#include "base/mem.h"
#include "net/conn_int.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/socket.h"

#include <assert.h>

#define WRITE_PARTS 64
#define PIECE_BYTES (128u << 10)

static void item_free(struct conn__item *item)
{
    if (item->buf)
        buf_unref(item->buf);
    else
        item->release(item->ctx);
    mem_free(item);
}

// --- files through TLS ---

// A piece of a file range on its way into memory. The item is out of the queue meanwhile, so that
// the range is not given back under the reader.
struct load {
    struct work work;
    struct conn *conn; // a reference
    struct conn__item *item;
    struct buf *buf;
    size_t got;
};

static void load_piece(struct work *work)
{
    struct load *load = CONTAINER_OF(work, struct load, work);
    struct conn__item *item = load->item;
    size_t want = item->size < PIECE_BYTES ? item->size : PIECE_BYTES;
    load->buf = buf_new(want);
    if (file_pread_some(item->file, load->buf->ptr, want, item->offset, &load->got, NULL) != ERR_OK)
        load->got = 0;
    load->buf->size = load->got;
}

static void piece_loaded(struct work *work)
{
    struct load *load = CONTAINER_OF(work, struct load, work);
    struct conn *conn = load->conn;
    struct conn__item *item = load->item;
    conn->loading = false;
    if (!conn->open || load->got == 0) { // 0: the file is shorter than promised
        buf_unref(load->buf);
        item_free(item);
        conn_abort(conn);
        conn__gone(conn);
    } else {
        struct conn__item *piece = MEM_NEW(struct conn__item);
        piece->buf = load->buf;
        piece->size = load->got;
        item->offset += (int64_t)load->got;
        item->size -= load->got;
        if (item->size > 0)
            list_push_front(&conn->queue, &item->link);
        else
            item_free(item);
        list_push_front(&conn->queue, &piece->link);
        conn__flush(conn);
    }
    conn_unref(conn);
    mem_free(load);
}

static void start_load(struct conn *conn, struct conn__item *item)
{
    struct load *load = MEM_NEW(struct load);
    load->work = (struct work){.run = load_piece, .done = piece_loaded, .loop = conn->loop};
    load->conn = conn_ref(conn);
    load->item = item;
    list_remove(&item->link);
    conn->loading = true;
    work_submit(loop_loops(conn->loop), &load->work);
}

// --- sockets ---

static int64_t write_tls(struct conn *conn, struct conn__item *first)
{
    uint8_t record[TLS_RECORD_BYTES];
    const void *ptr = first->buf->ptr + first->offset;
    size_t size = first->size;
    if (size < sizeof record && first->link.next != &conn->queue) {
        size = 0;
        LIST_EACH(&conn->queue, link)
        {
            struct conn__item *item = CONTAINER_OF(link, struct conn__item, link);
            size_t room = sizeof record - size;
            if (!item->buf || room == 0)
                break;
            size_t part = item->size < room ? item->size : room;
            memcpy(record + size, item->buf->ptr + item->offset, part);
            size += part;
        }
        ptr = record;
    }
    int64_t put = tls__write(conn->tls, ptr, size);
    conn->writes_by_reading = put == SOCKET_AGAIN && tls__waits_to_read(conn->tls);
    return put;
}

static int64_t write_some(struct conn *conn, struct conn__item *first)
{
    if (conn->tls)
        return write_tls(conn, first);
    if (!first->buf)
        return socket_send_file(conn->fd, first->file, first->offset, first->size);
    struct socket_part parts[WRITE_PARTS];
    size_t count = 0;
    bool file_next = false;
    LIST_EACH(&conn->queue, link)
    {
        struct conn__item *item = CONTAINER_OF(link, struct conn__item, link);
        file_next = !item->buf;
        if (file_next || count == WRITE_PARTS)
            break;
        parts[count++] = (struct socket_part){item->buf->ptr + item->offset, item->size};
    }
    return file_next ? socket_write_before_file(conn->fd, parts, count)
                     : socket_write(conn->fd, parts, count);
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

void conn__flush(struct conn *conn)
{
    while (conn->open && !list_empty(&conn->queue) && !conn->loading) {
        struct conn__item *first = CONTAINER_OF(conn->queue.next, struct conn__item, link);
        if (conn->tls && !first->buf) {
            start_load(conn, first);
            break;
        }
        int64_t moved = write_some(conn, first);
        if (moved == SOCKET_AGAIN) {
            conn->blocked = !conn->writes_by_reading;
            conn__set_reading(conn);
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
    if (conn->loading) {
        conn__set_reading(conn);
        return;
    }
    if (conn->closing) {
        conn_abort(conn);
        return;
    }
    conn__set_reading(conn);
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
    if (!conn->blocked && !conn->loading && list_empty(&conn->dirty))
        list_push_back(&conn->shard->dirty, &conn->dirty);
    if (conn->queued_bytes >= conn->queue_max_bytes)
        conn__set_reading(conn);
}

void conn__flush_dirty(struct conn__shard *shard)
{
    struct list *link;
    while ((link = list_pop_front(&shard->dirty)))
        conn__flush(CONTAINER_OF(link, struct conn, dirty));
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

void conn__drop_queue(struct conn *conn)
{
    struct list *link;
    while ((link = list_pop_front(&conn->queue)))
        item_free(CONTAINER_OF(link, struct conn__item, link));
    conn->queued_bytes = 0;
}
