// SPDX-License-Identifier: Apache-2.0
//
// str: a growing byte string on the heap; always NUL-terminated one past its size.
// Not shared between threads. Release with str_release(); all zero is a valid empty one.
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/bytes.h"

#include <stdarg.h>

struct str {
    char *ptr; // NULL until the first append
    size_t size;
    size_t capacity;
};

void str_reserve(struct str *str, size_t more); // room for `more` bytes after size
void str_append(struct str *str, const void *ptr, size_t size);
void str_append_text(struct str *str, const char *text);
void str_append_bytes(struct str *str, struct bytes bytes);
void str_append_byte(struct str *str, char byte);
void str_printf(struct str *str, const char *format, ...) __attribute__((format(printf, 2, 3)));
void str_vprintf(struct str *str, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
// Appends `bytes` as a JSON string literal with its quotes; bad UTF-8 becomes U+FFFD.
void str_append_json(struct str *str, struct bytes bytes);

const char *str_text(const struct str *str); // never NULL
struct bytes str_bytes(const struct str *str);
char *str_take(struct str *str); // the heap text moves to the caller (mem_free); str is empty
void str_clear(struct str *str); // keeps the memory
void str_release(struct str *str);

#endif
