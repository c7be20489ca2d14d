// SPDX-License-Identifier: Apache-2.0
//
// bytes: a view of somebody else's memory. Owns nothing; a function that keeps one copies it.
// ptr == NULL means "null" where a protocol tells null from empty.
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *ptr;
    size_t size;
};

#define BYTES_NULL ((struct bytes){NULL, 0})
// printf("%.*s", BYTES_PRINT(b))
#define BYTES_PRINT(b) (int)(b).size, (const char *)((b).ptr ? (b).ptr : (const uint8_t *)"")

static inline struct bytes bytes_make(const void *ptr, size_t size)
{
    return (struct bytes){ptr, size};
}

static inline struct bytes bytes_from(const char *text)
{
    return (struct bytes){(const uint8_t *)text, text ? strlen(text) : 0};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.ptr, b.ptr, a.size) == 0);
}

static inline bool bytes_is(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_from(text));
}

// Unsigned byte order, shorter first on a tie.
static inline int bytes_compare(struct bytes a, struct bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.ptr, b.ptr, size) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static inline bool bytes_starts(struct bytes a, struct bytes prefix)
{
    return a.size >= prefix.size &&
           (prefix.size == 0 || memcmp(a.ptr, prefix.ptr, prefix.size) == 0);
}

// Would a C text of these bytes lose some of them?
static inline bool bytes_has_zero(struct bytes bytes)
{
    return bytes.size > 0 && memchr(bytes.ptr, 0, bytes.size) != NULL;
}

// What a C text of these bytes holds: all before the first zero.
static inline struct bytes bytes_text(struct bytes bytes)
{
    return bytes_make(bytes.ptr, bytes.ptr ? strnlen((const char *)bytes.ptr, bytes.size) : 0);
}

#endif
