// SPDX-License-Identifier: Apache-2.0
//
// Serialised values as text in three styles: for people (as cqlsh prints), as CQL literals, as JSON
// (as SELECT JSON of Cassandra 5).
#include "wire/cql/value.h"

#include "data/datetime.h"
#include "wire/cql/number.h"

#include <arpa/inet.h>
#include <inttypes.h>

enum style { STYLE_PLAIN, STYLE_LITERAL, STYLE_JSON };

static int64_t integer_of(struct bytes value)
{
    uint64_t bits = value.size && (value.ptr[0] & 0x80) ? UINT64_MAX : 0;
    for (size_t i = 0; i < value.size; i++)
        bits = bits << 8 | value.ptr[i];
    return (int64_t)bits;
}

static void put_quoted(struct str *out, struct bytes text, enum style style)
{
    if (style == STYLE_PLAIN) {
        str_append_bytes(out, text);
    } else if (style == STYLE_JSON) {
        str_append_json(out, text);
    } else {
        str_append_byte(out, '\'');
        for (size_t i = 0; i < text.size; i++) {
            if (text.ptr[i] == '\'')
                str_append_byte(out, '\'');
            str_append_byte(out, (char)text.ptr[i]);
        }
        str_append_byte(out, '\'');
    }
}

static void put_hex(struct str *out, struct bytes value)
{
    str_append_text(out, "0x");
    str_reserve(out, value.size * 2);
    for (size_t i = 0; i < value.size; i++) {
        static const char digits[] = "0123456789abcdef";
        str_append_byte(out, digits[value.ptr[i] >> 4]);
        str_append_byte(out, digits[value.ptr[i] & 15]);
    }
}

static void put_year(struct str *out, const struct civil *civil)
{
    if (civil->year < 0)
        str_printf(out, "-%04d", -civil->year);
    else
        str_printf(out, "%04d", civil->year);
    str_printf(out, "-%02d-%02d", civil->month, civil->day);
}

static void put_date(struct str *out, struct bytes value)
{
    struct civil civil;
    civil_from_days((int32_t)((uint32_t)integer_of(value) ^ 0x80000000u), &civil);
    put_year(out, &civil);
}

static void put_time(struct str *out, int64_t nanos)
{
    int64_t seconds = nanos / 1000000000;
    str_printf(out, "%02" PRId64 ":%02" PRId64 ":%02" PRId64 ".%09" PRId64, seconds / 3600,
               seconds / 60 % 60, seconds % 60, nanos % 1000000000);
}

static void put_timestamp(struct str *out, int64_t ms, enum style style)
{
    int64_t days = floor_div(ms, 86400000);
    if (days < INT32_MIN || days > INT32_MAX) {
        str_printf(out, "%" PRId64, ms);
        return;
    }
    struct civil civil;
    civil_from_days((int32_t)days, &civil);
    int64_t rest = floor_mod(ms, 86400000);
    put_year(out, &civil);
    str_printf(out, " %02d:%02d:%02d.%03d%s", (int)(rest / 3600000), (int)(rest / 60000 % 60),
               (int)(rest / 1000 % 60), (int)(rest % 1000),
               style == STYLE_JSON ? "Z" : (style == STYLE_PLAIN ? "000+0000" : "+0000"));
}

static void put_part(struct str *out, uint64_t *rest, uint64_t unit, const char *name)
{
    if (*rest >= unit)
        str_printf(out, "%" PRIu64 "%s", *rest / unit, name);
    *rest %= unit;
}

static void put_duration(struct str *out, struct bytes value)
{
    struct cql_duration d;
    if (!cql_duration_read(value, &d)) {
        put_hex(out, value);
        return;
    }
    if (d.months < 0 || d.days < 0 || d.nanos < 0)
        str_append_byte(out, '-');
    uint64_t months = (uint64_t)(d.months < 0 ? -(int64_t)d.months : d.months);
    uint64_t days = (uint64_t)(d.days < 0 ? -(int64_t)d.days : d.days);
    uint64_t nanos = d.nanos < 0 ? 0 - (uint64_t)d.nanos : (uint64_t)d.nanos;
    size_t before = out->size;
    put_part(out, &months, 12, "y");
    put_part(out, &months, 1, "mo");
    put_part(out, &days, 1, "d");
    put_part(out, &nanos, 3600000000000, "h");
    put_part(out, &nanos, 60000000000, "m");
    put_part(out, &nanos, 1000000000, "s");
    put_part(out, &nanos, 1000000, "ms");
    put_part(out, &nanos, 1000, "us");
    put_part(out, &nanos, 1, "ns");
    if (out->size == before)
        str_append_text(out, "0s");
}

static void put_uuid(struct str *out, const uint8_t *uuid)
{
    for (int i = 0; i < 16; i++)
        str_printf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
}

static void put_inet(struct str *out, struct bytes value)
{
    char text[INET6_ADDRSTRLEN] = "";
    inet_ntop(value.size == 4 ? AF_INET : AF_INET6, value.ptr, text, sizeof text);
    str_append_text(out, text);
}

static void put_number(struct str *out, enum cql_kind kind, struct bytes value, enum style style)
{
    uint64_t bits = (uint64_t)integer_of(value);
    struct str text = {0};
    if (kind == CQL_FLOAT) {
        uint32_t half = (uint32_t)bits;
        float number;
        memcpy(&number, &half, sizeof number);
        cql_float_write(&text, number, style == STYLE_JSON);
    } else {
        double number;
        memcpy(&number, &bits, sizeof number);
        cql_double_write(&text, number, style == STYLE_JSON);
    }
    bool odd = text.ptr[text.size - 1] == 'y' || text.ptr[text.size - 1] == 'N';
    str_append_bytes(out, odd && style == STYLE_JSON ? bytes_from("null") : str_bytes(&text));
    str_release(&text);
}

static void put(struct str *out, const struct cql_type *type, struct bytes value, enum style style);

static void put_items(struct str *out, const struct cql_type *type, struct bytes value,
                      enum style style)
{
    bool json = style == STYLE_JSON, map = type->kind == CQL_MAP;
    bool tuple = type->kind == CQL_TUPLE || type->kind == CQL_UDT;
    bool square = type->kind == CQL_LIST || (json && (type->kind == CQL_SET || tuple));
    bool round = type->kind == CQL_TUPLE && !json;
    enum style inner = json ? STYLE_JSON : STYLE_LITERAL;
    struct cql_items items = cql_items_of(type, value);
    struct bytes element;
    str_append_byte(out, square ? '[' : round ? '(' : '{');
    for (size_t i = 0; cql_items_next(&items, &element); i++) {
        if (i)
            str_append_text(out, map && i % 2 ? ": " : ", ");
        const struct cql_type *param = type->params[tuple ? i : map ? i % 2 : 0];
        bool text = param->kind == CQL_ASCII || param->kind == CQL_VARCHAR;
        if (map && json && i % 2 == 0 && !text) { // JSON keys are strings
            struct str key = {0};
            put(&key, param, element, STYLE_JSON);
            if (key.size && key.ptr[0] == '"')
                str_append_bytes(out, str_bytes(&key));
            else
                str_append_json(out, str_bytes(&key));
            str_release(&key);
        } else {
            put(out, param, element, inner);
        }
    }
    str_append_byte(out, square ? ']' : round ? ')' : '}');
}

// Values that are quoted in literals and JSON alike.
static void put_wrapped(struct str *out, const struct cql_type *type, struct bytes value,
                        enum style style)
{
    char quote = style == STYLE_JSON ? '"' : '\'';
    bool bare = style == STYLE_PLAIN ||
                (style == STYLE_LITERAL &&
                 (type->kind == CQL_UUID || type->kind == CQL_TIMEUUID || type->kind == CQL_BLOB ||
                  type->kind == CQL_DURATION || type->kind == CQL_CUSTOM));
    if (!bare)
        str_append_byte(out, quote);
    switch ((int)type->kind) {
    case CQL_UUID:
    case CQL_TIMEUUID:
        put_uuid(out, value.ptr);
        break;
    case CQL_DATE:
        put_date(out, value);
        break;
    case CQL_TIME:
        put_time(out, integer_of(value));
        break;
    case CQL_TIMESTAMP:
        put_timestamp(out, integer_of(value), style);
        break;
    case CQL_DURATION:
        put_duration(out, value);
        break;
    case CQL_INET:
        put_inet(out, value);
        break;
    default:
        put_hex(out, value);
    }
    if (!bare)
        str_append_byte(out, quote);
}

static void put(struct str *out, const struct cql_type *type, struct bytes value, enum style style)
{
    if (!value.ptr) {
        str_append_text(out, "null");
        return;
    }
    bool text = type->kind == CQL_ASCII || type->kind == CQL_VARCHAR;
    if (cql_value_check(type, value, NULL) != ERR_OK) {
        put_hex(out, value);
        return;
    }
    if (value.size == 0 && !text && type->kind != CQL_BLOB && type->param_count == 0) {
        str_append_text(out, style == STYLE_PLAIN ? "" : style == STYLE_JSON ? "\"\"" : "''");
        return;
    }
    switch (type->kind) {
    case CQL_ASCII:
    case CQL_VARCHAR:
        put_quoted(out, value, style);
        return;
    case CQL_BIGINT:
    case CQL_COUNTER:
    case CQL_INT:
    case CQL_SMALLINT:
    case CQL_TINYINT:
        str_printf(out, "%" PRId64, integer_of(value));
        return;
    case CQL_BOOLEAN:
        str_append_text(out, value.ptr[0]           ? (style == STYLE_PLAIN ? "True" : "true")
                             : style == STYLE_PLAIN ? "False"
                                                    : "false");
        return;
    case CQL_DOUBLE:
    case CQL_FLOAT:
        put_number(out, type->kind, value, style);
        return;
    case CQL_VARINT:
        cql_varint_write(out, value);
        return;
    case CQL_DECIMAL:
        cql_decimal_write(out, value);
        return;
    case CQL_LIST:
    case CQL_SET:
    case CQL_MAP:
    case CQL_TUPLE:
    case CQL_UDT:
        put_items(out, type, value, style);
        return;
    case CQL_CUSTOM:
    case CQL_BLOB:
    case CQL_UUID:
    case CQL_TIMEUUID:
    case CQL_INET:
    case CQL_DATE:
    case CQL_TIME:
    case CQL_TIMESTAMP:
    case CQL_DURATION:
        put_wrapped(out, type, value, style);
        return;
    }
}

void cql_value_write(struct str *out, const struct cql_type *type, struct bytes value)
{
    put(out, type, value, STYLE_PLAIN);
}

void cql_value_write_literal(struct str *out, const struct cql_type *type, struct bytes value)
{
    put(out, type, value, STYLE_LITERAL);
}

void cql_value_write_json(struct str *out, const struct cql_type *type, struct bytes value)
{
    put(out, type, value, STYLE_JSON);
}
