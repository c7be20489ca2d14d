// SPDX-License-Identifier: Apache-2.0
//
// arena: memory that dies together (a request, a statement, a batch). The arena is always a
// parameter, never a global current one.
//
// Lifetime   everything handed out lives until arena_clear() or arena_release().
// Thread     one at a time.
// Errors     none: small allocations do not fail (base/mem.h). Charge outside sizes to a budget.
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/bytes.h"

struct arena_block;
struct arena_cleanup;

struct arena {
    struct arena_block *blocks; // newest first
    uint8_t *next;              // free bytes of the newest block
    uint8_t *end;
    struct arena_cleanup *cleanups;
    size_t block_bytes; // size of an ordinary block; 0 = 4 KiB
    size_t used_bytes;  // handed out since the last clear
};

#define ARENA_INIT          \
    {                       \
        .block_bytes = 4096 \
    }

void arena_init(struct arena *arena, size_t block_bytes);
void *arena_alloc(struct arena *arena, size_t size);  // 16-byte aligned, not cleared
void *arena_zalloc(struct arena *arena, size_t size); // cleared
void *arena_dup(struct arena *arena, const void *ptr, size_t size);
struct bytes arena_bytes(struct arena *arena, struct bytes bytes); // a copy
char *arena_text(struct arena *arena, struct bytes bytes);         // a NUL-terminated copy
char *arena_strdup(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// Calls fn(ctx) when the arena is cleared or released, last registered first.
void arena_on_clear(struct arena *arena, void (*fn)(void *ctx), void *ctx);
void arena_clear(struct arena *arena);   // keeps one block
void arena_release(struct arena *arena); // frees all

#define ARENA_NEW(arena, type)          ((type *)arena_zalloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_zalloc((arena), sizeof(type) * (count)))

#endif
