// SPDX-License-Identifier: Apache-2.0
//
// A chain of malloc'd blocks with a bump pointer. A request larger than half a block gets a block
// of its own behind the newest one, so the newest keeps its free space. Under AddressSanitizer the
// free part of every block is poisoned.

#include "base/arena.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(ptr, size)   ASAN_POISON_MEMORY_REGION((ptr), (size))
#define UNPOISON(ptr, size) ASAN_UNPOISON_MEMORY_REGION((ptr), (size))
#else
#define POISON(ptr, size)   ((void)(ptr), (void)(size))
#define UNPOISON(ptr, size) ((void)(ptr), (void)(size))
#endif

#define ALIGNMENT 16

struct arena_block {
    struct arena_block *next;
    size_t size; // bytes of data behind the header
    _Alignas(ALIGNMENT) uint8_t data[];
};

struct arena_cleanup {
    struct arena_cleanup *next;
    void (*fn)(void *ctx);
    void *ctx;
};

void arena_init(struct arena *arena, size_t block_bytes)
{
    *arena = (struct arena){.block_bytes = block_bytes};
}

static struct arena_block *block_new(size_t size)
{
    struct arena_block *block = mem_alloc(sizeof *block + size);
    block->next = NULL;
    block->size = size;
    POISON(block->data, size);
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t aligned = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (aligned == 0)
        aligned = ALIGNMENT;
    arena->used_bytes += aligned;
    if ((size_t)(arena->end - arena->next) < aligned) {
        size_t block_bytes = arena->block_bytes ? arena->block_bytes : 4096;
        if (aligned > block_bytes / 2 && arena->blocks) {
            struct arena_block *own = block_new(aligned);
            own->next = arena->blocks->next;
            arena->blocks->next = own;
            UNPOISON(own->data, size);
            return own->data;
        }
        struct arena_block *block = block_new(aligned > block_bytes ? aligned : block_bytes);
        block->next = arena->blocks;
        arena->blocks = block;
        arena->next = block->data;
        arena->end = block->data + block->size;
    }
    uint8_t *ptr = arena->next;
    arena->next += aligned;
    UNPOISON(ptr, size);
    return ptr;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    void *ptr = arena_alloc(arena, size);
    if (size)
        memset(ptr, 0, size);
    return ptr;
}

void *arena_dup(struct arena *arena, const void *ptr, size_t size)
{
    void *copy = arena_alloc(arena, size);
    if (size)
        memcpy(copy, ptr, size);
    return copy;
}

struct bytes arena_bytes(struct arena *arena, struct bytes bytes)
{
    if (!bytes.ptr)
        return BYTES_NULL;
    return bytes_make(arena_dup(arena, bytes.ptr, bytes.size), bytes.size);
}

char *arena_text(struct arena *arena, struct bytes bytes)
{
    char *text = arena_alloc(arena, bytes.size + 1);
    if (bytes.size)
        memcpy(text, bytes.ptr, bytes.size);
    text[bytes.size] = '\0';
    return text;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_text(arena, bytes_from(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = arena_alloc(arena, (size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}

void arena_on_clear(struct arena *arena, void (*fn)(void *ctx), void *ctx)
{
    struct arena_cleanup *cleanup = arena_alloc(arena, sizeof *cleanup);
    *cleanup = (struct arena_cleanup){.next = arena->cleanups, .fn = fn, .ctx = ctx};
    arena->cleanups = cleanup;
}

static void run_cleanups(struct arena *arena)
{
    while (arena->cleanups) {
        struct arena_cleanup *cleanup = arena->cleanups;
        arena->cleanups = cleanup->next;
        cleanup->fn(cleanup->ctx);
    }
}

static void block_free(struct arena_block *block)
{
    UNPOISON(block->data, block->size);
    mem_free(block);
}

void arena_clear(struct arena *arena)
{
    run_cleanups(arena);
    struct arena_block *keep = arena->blocks;
    if (!keep)
        return;
    struct arena_block *block = keep->next;
    while (block) {
        struct arena_block *next = block->next;
        block_free(block);
        block = next;
    }
    keep->next = NULL;
    POISON(keep->data, keep->size);
    arena->next = keep->data;
    arena->end = keep->data + keep->size;
    arena->used_bytes = 0;
}

void arena_release(struct arena *arena)
{
    run_cleanups(arena);
    struct arena_block *block = arena->blocks;
    while (block) {
        struct arena_block *next = block->next;
        block_free(block);
        block = next;
    }
    *arena = (struct arena){.block_bytes = arena->block_bytes};
}
