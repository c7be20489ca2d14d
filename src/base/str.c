// SPDX-License-Identifier: Apache-2.0
#include "base/str.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdio.h>

void str_reserve(struct str *str, size_t more)
{
    size_t need = str->size + more + 1;
    if (need <= str->capacity)
        return;
    size_t capacity = str->capacity ? str->capacity : 64;
    while (capacity < need)
        capacity *= 2;
    str->ptr = mem_realloc(str->ptr, capacity);
    str->capacity = capacity;
    str->ptr[str->size] = '\0';
}

void str_append(struct str *str, const void *ptr, size_t size)
{
    str_reserve(str, size);
    if (size)
        memcpy(str->ptr + str->size, ptr, size);
    str->size += size;
    str->ptr[str->size] = '\0';
}

void str_append_text(struct str *str, const char *text)
{
    str_append(str, text, strlen(text));
}

void str_append_bytes(struct str *str, struct bytes bytes)
{
    str_append(str, bytes.ptr, bytes.size);
}

void str_append_byte(struct str *str, char byte)
{
    str_append(str, &byte, 1);
}

void str_vprintf(struct str *str, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    str_reserve(str, 64);
    size_t room = str->capacity - str->size;
    int need = vsnprintf(str->ptr + str->size, room, format, args);
    if ((size_t)need >= room) {
        str_reserve(str, (size_t)need);
        vsnprintf(str->ptr + str->size, str->capacity - str->size, format, again);
    }
    str->size += (size_t)need;
    va_end(again);
}

void str_printf(struct str *str, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str_vprintf(str, format, args);
    va_end(args);
}

void str_append_json(struct str *str, struct bytes bytes)
{
    static const char short_escapes[] = "btn?fr"; // 0x08 .. 0x0d; 0x0b has none
    str_append_byte(str, '"');
    size_t at = 0;
    while (at < bytes.size) {
        uint8_t byte = bytes.ptr[at];
        if (byte == '"' || byte == '\\') {
            str_append_byte(str, '\\');
            str_append_byte(str, (char)byte);
            at++;
        } else if (byte < 0x20) {
            if (byte >= 0x08 && byte <= 0x0d && byte != 0x0b) {
                str_append_byte(str, '\\');
                str_append_byte(str, short_escapes[byte - 0x08]);
            } else {
                str_printf(str, "\\u%04x", byte);
            }
            at++;
        } else {
            size_t size = utf8_sequence(bytes.ptr + at, bytes.size - at);
            if (size == 0) {
                str_append_text(str, "\xEF\xBF\xBD");
                at++;
            } else {
                str_append(str, bytes.ptr + at, size);
                at += size;
            }
        }
    }
    str_append_byte(str, '"');
}

const char *str_text(const struct str *str)
{
    return str->ptr ? str->ptr : "";
}

struct bytes str_bytes(const struct str *str)
{
    return bytes_make(str_text(str), str->size);
}

char *str_take(struct str *str)
{
    str_reserve(str, 0);
    char *text = str->ptr;
    *str = (struct str){0};
    return text;
}

void str_clear(struct str *str)
{
    str->size = 0;
    if (str->ptr)
        str->ptr[0] = '\0';
}

void str_release(struct str *str)
{
    mem_free(str->ptr);
    *str = (struct str){0};
}
