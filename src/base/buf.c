// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include "base/mem.h"

#include <stdatomic.h>

struct buf *buf_new(size_t size)
{
    struct buf *buf = mem_alloc(sizeof *buf + size);
    buf->ptr = (uint8_t *)(buf + 1);
    buf->size = size;
    atomic_init(&buf->refs, 1);
    buf->release = NULL;
    buf->ctx = NULL;
    return buf;
}

struct buf *buf_copy(const void *ptr, size_t size)
{
    struct buf *buf = buf_new(size);
    if (size)
        memcpy(buf->ptr, ptr, size);
    return buf;
}

struct buf *buf_wrap(void *ptr, size_t size, void (*release)(void *ctx), void *ctx)
{
    struct buf *buf = buf_new(0);
    buf->ptr = ptr;
    buf->size = size;
    buf->release = release;
    buf->ctx = ctx;
    return buf;
}

struct buf *buf_ref(struct buf *buf)
{
    atomic_fetch_add_explicit(&buf->refs, 1, memory_order_relaxed);
    return buf;
}

void buf_unref(struct buf *buf)
{
    if (!buf || atomic_fetch_sub_explicit(&buf->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (buf->release)
        buf->release(buf->ctx);
    mem_free(buf);
}
