// SPDX-License-Identifier: Apache-2.0
#include "app/record_print.h"

#include "base/utf8.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

const char *record_format_check(const char *format)
{
    for (; *format; format++) {
        if (*format == '%') {
            if (!format[1] || !strchr("tpoksKSTh%", format[1]))
                return format;
            format++;
        } else if (*format == '\\') {
            if (!format[1] || !strchr("ntr0\\x", format[1]) ||
                (format[1] == 'x' && (hex(format[2]) < 0 || hex(format[3]) < 0)))
                return format;
            format += format[1] == 'x' ? 3 : 1;
        }
    }
    return NULL;
}

static void put_headers(struct str *out, const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t size;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++) {
        str_printf(out, "%s%s=", i ? "," : "", name);
        str_append(out, value ? value : "NULL", value ? size : 4);
    }
}

static void put_field(struct str *out, char field, const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    switch (field) {
    case 't':
        str_append_text(out, rd_kafka_topic_name(message->rkt));
        break;
    case 'p':
        str_printf(out, "%" PRId32, message->partition);
        break;
    case 'o':
        str_printf(out, "%" PRId64, message->offset);
        break;
    case 'k':
        str_append(out, message->key, message->key_len);
        break;
    case 's':
        str_append(out, message->payload, message->len);
        break;
    case 'K':
        str_printf(out, "%zd", message->key ? (ssize_t)message->key_len : -1);
        break;
    case 'S':
        str_printf(out, "%zd", message->payload ? (ssize_t)message->len : -1);
        break;
    case 'T':
        str_printf(out, "%" PRId64, rd_kafka_message_timestamp(message, &type));
        break;
    case 'h':
        put_headers(out, message);
        break;
    default:
        str_append_byte(out, field);
    }
}

void record_print_format(struct str *out, const char *format, const rd_kafka_message_t *message)
{
    static const char escapes[] = "n\nt\tr\r\\\\";
    for (; *format; format++) {
        if (*format == '%') {
            put_field(out, *++format, message);
        } else if (*format != '\\') {
            str_append_byte(out, *format);
        } else if (*++format == 'x') {
            str_append_byte(out, (char)((unsigned)hex(format[1]) << 4 | (unsigned)hex(format[2])));
            format += 2;
        } else {
            const char *escape = strchr(escapes, *format);
            str_append_byte(out, *format == '0' ? '\0' : escape[1]);
        }
    }
}

// --- JSON ---

static bool is_text(struct bytes bytes)
{
    for (size_t at = 0; at < bytes.size;) {
        size_t width = utf8_sequence(bytes.ptr + at, bytes.size - at);
        if (width == 0)
            return false;
        at += width;
    }
    return true;
}

static void put_base64(struct str *out, struct bytes bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    str_append_byte(out, '"');
    for (size_t at = 0; at < bytes.size; at += 3) {
        size_t left = bytes.size - at;
        uint32_t three = (uint32_t)bytes.ptr[at] << 16 |
                         (uint32_t)(left > 1 ? bytes.ptr[at + 1] : 0) << 8 |
                         (left > 2 ? bytes.ptr[at + 2] : 0);
        for (size_t i = 0; i < 4; i++)
            str_append_byte(out, i <= left ? digits[three >> (18 - 6 * i) & 63] : '=');
    }
    str_append_byte(out, '"');
}

static void put_bytes(struct str *out, const char *name, const void *ptr, size_t size)
{
    struct bytes bytes = bytes_make(ptr, size);
    if (!ptr) {
        str_printf(out, ",\"%s\":null", name);
    } else if (is_text(bytes)) {
        str_printf(out, ",\"%s\":", name);
        str_append_json(out, bytes);
    } else {
        str_printf(out, ",\"%s_base64\":", name);
        put_base64(out, bytes);
    }
}

void record_print_json(struct str *out, const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t size;
    str_printf(out, "{\"partition\":%d,\"offset\":%" PRId64 ",\"timestamp\":%" PRId64,
               message->partition, message->offset, rd_kafka_message_timestamp(message, &type));
    put_bytes(out, "key", message->key, message->key_len);
    put_bytes(out, "value", message->payload, message->len);
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        str_append_text(out, ",\"headers\":{");
        for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++) {
            if (i > 0)
                str_append_byte(out, ',');
            str_append_json(out, bytes_from(name));
            str_append_byte(out, ':');
            if (value)
                str_append_json(out, bytes_make(value, size));
            else
                str_append_text(out, "null");
        }
        str_append_byte(out, '}');
    }
    str_append_text(out, "}\n");
}
