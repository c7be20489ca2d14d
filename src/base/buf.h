// SPDX-License-Identifier: Apache-2.0
//
// buf: shared bytes with a reference count, so socket -> log -> socket needs no copy. The bytes do
// not change once a second reference exists.
//
// Thread     buf_ref and buf_unref from any thread; the last unref frees (and calls release).
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/bytes.h"

struct buf {
    uint8_t *ptr;
    size_t size;
    _Atomic unsigned refs;
    void (*release)(void *ctx); // NULL: the bytes stand behind this struct and go with it
    void *ctx;
};

struct buf *buf_new(size_t size); // not cleared, one reference
struct buf *buf_copy(const void *ptr, size_t size);
// Wraps foreign bytes; release(ctx) is called when the last reference goes.
struct buf *buf_wrap(void *ptr, size_t size, void (*release)(void *ctx), void *ctx);
struct buf *buf_ref(struct buf *buf);
void buf_unref(struct buf *buf); // NULL is fine

static inline struct bytes buf_bytes(const struct buf *buf)
{
    return bytes_make(buf->ptr, buf->size);
}

#endif
