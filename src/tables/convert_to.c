// SPDX-License-Identifier: Apache-2.0
//
// Spark's columns to CQL values. The usual pairs are converted directly; any other goes by way of
// the text that CAST(… AS STRING) gives, read as a CQL constant.

#include "tables/convert.h"

#include "base/utf8.h"
#include "data/cast.h"
#include "wire/cql/number.h"

#include <math.h>

static struct bytes be_bytes(struct arena *arena, uint64_t value, size_t size)
{
    uint8_t *bytes = arena_alloc(arena, size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    return bytes_make(bytes, size);
}

static err_t refuse(const struct column *column, size_t row, const struct cql_type *type,
                    struct diag *diag)
{
    struct str value = {0}, name = {0};
    cast_value_text(&value, column, row, &(struct cast_options){0});
    cql_type_write(&name, type);
    err_t err = FAIL(diag, ERR_TYPE, "cannot store '%.*s' as %s",
                     value.size > 80 ? 80 : (int)value.size, str_text(&value), str_text(&name));
    str_release(&value);
    str_release(&name);
    return err;
}

// --- text ---

static struct bytes valid_utf8(struct bytes text, struct arena *arena)
{
    if (utf8_valid(text.ptr, text.size))
        return text;
    struct str out = {0};
    for (size_t i = 0; i < text.size;) {
        size_t size = utf8_sequence(text.ptr + i, text.size - i);
        if (size == 0)
            str_append(&out, "\xef\xbf\xbd", 3);
        else
            str_append(&out, text.ptr + i, size);
        i += size ? size : 1;
    }
    struct bytes kept = arena_bytes(arena, str_bytes(&out));
    str_release(&out);
    return kept;
}

static struct bytes trimmed(struct bytes text)
{
    while (text.size && text.ptr[0] <= ' ')
        text = bytes_make(text.ptr + 1, text.size - 1);
    while (text.size && text.ptr[text.size - 1] <= ' ')
        text.size--;
    return text;
}

static enum cql_literal literal_of(enum cql_kind kind, struct bytes text)
{
    switch ((int)kind) {
    case CQL_UUID:
    case CQL_TIMEUUID:
        return CQL_LITERAL_UUID;
    case CQL_TINYINT:
    case CQL_SMALLINT:
    case CQL_INT:
    case CQL_BIGINT:
    case CQL_VARINT:
        return CQL_LITERAL_INTEGER;
    case CQL_FLOAT:
    case CQL_DOUBLE:
    case CQL_DECIMAL:
        return memchr(text.ptr, '.', text.size) || memchr(text.ptr, 'e', text.size) ||
                       memchr(text.ptr, 'E', text.size) || memchr(text.ptr, 'N', text.size) ||
                       memchr(text.ptr, 'I', text.size)
                   ? CQL_LITERAL_FLOAT
                   : CQL_LITERAL_INTEGER;
    case CQL_BOOLEAN:
        return CQL_LITERAL_BOOLEAN;
    case CQL_DURATION:
        return CQL_LITERAL_DURATION;
    case CQL_BLOB:
        return CQL_LITERAL_HEX;
    default:
        return CQL_LITERAL_STRING;
    }
}

static err_t by_text(struct bytes *out, const struct column *column, size_t row,
                     const struct cql_type *type, struct arena *arena, struct diag *diag)
{
    struct str text = {0}, value = {0};
    cast_value_text(&text, column, row, &(struct cast_options){0});
    struct bytes constant = trimmed(str_bytes(&text));
    if (type->kind == CQL_COUNTER)
        type = cql_type_scalar(CQL_BIGINT);
    err_t err =
        constant.size == 0
            ? ERR_TYPE
            : cql_value_literal(&value, type, literal_of(type->kind, constant), constant, "", NULL);
    str_reserve(&value, 1);
    if (!err)
        *out = arena_bytes(arena, str_bytes(&value));
    str_release(&text);
    str_release(&value);
    return err ? refuse(column, row, type, diag) : ERR_OK;
}

static err_t to_text(struct bytes *out, const struct column *column, size_t row,
                     struct arena *arena)
{
    if (column->type->kind == TYPE_STRING) {
        *out = valid_utf8(column->strings[row], arena);
        return ERR_OK;
    }
    struct str text = {0};
    cast_value_text(&text, column, row, &(struct cast_options){0});
    str_reserve(&text, 1);
    *out = arena_bytes(arena, str_bytes(&text));
    str_release(&text);
    return ERR_OK;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_uuid(struct bytes text, uint8_t out[16])
{
    if (text.size != 36)
        return false;
    size_t digits = 0;
    for (size_t i = 0; i < 36; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text.ptr[i] != '-')
                return false;
            continue;
        }
        int digit = hex_digit(text.ptr[i]);
        if (digit < 0)
            return false;
        out[digits / 2] = (uint8_t)(digits % 2 ? out[digits / 2] | digit : digit << 4);
        digits++;
    }
    return true;
}

static err_t to_uuid(struct bytes *out, const struct column *column, size_t row,
                     const struct cql_type *type, struct arena *arena, struct diag *diag)
{
    uint8_t uuid[16];
    if (column->type->kind != TYPE_STRING || !parse_uuid(trimmed(column->strings[row]), uuid) ||
        (type->kind == CQL_TIMEUUID && uuid[6] >> 4 != 1))
        return refuse(column, row, type, diag);
    *out = bytes_make(arena_dup(arena, uuid, sizeof uuid), sizeof uuid);
    return ERR_OK;
}

// --- numbers ---

static bool whole_of(const struct column *column, size_t row, int64_t *out)
{
    switch ((int)column->type->kind) {
    case TYPE_BYTE:
        *out = column->bytes8[row];
        return true;
    case TYPE_SHORT:
        *out = column->shorts[row];
        return true;
    case TYPE_INT:
        *out = column->ints[row];
        return true;
    case TYPE_LONG:
        *out = column->longs[row];
        return true;
    default:
        return false;
    }
}

static bool real_of(const struct column *column, size_t row, double *out)
{
    if (column->type->kind == TYPE_FLOAT)
        *out = (double)column->floats[row];
    else if (column->type->kind == TYPE_DOUBLE)
        *out = column->doubles[row];
    else
        return false;
    return true;
}

static err_t to_whole(struct bytes *out, const struct column *column, size_t row,
                      const struct cql_type *type, struct arena *arena, struct diag *diag)
{
    size_t width = type->kind == CQL_COUNTER ? 8 : cql_kind_width(type->kind);
    int64_t value;
    double real;
    if (real_of(column, row, &real)) {
        if (!(real >= -9223372036854775808.0 && real < 9223372036854775808.0))
            return refuse(column, row, type, diag);
        value = (int64_t)real;
    } else if (column->type->kind == TYPE_BOOLEAN) {
        value = column->booleans[row];
    } else if (!whole_of(column, row, &value)) {
        return by_text(out, column, row, type, arena, diag);
    }
    int64_t top = width == 8 ? INT64_MAX : (INT64_C(1) << (8 * width - 1)) - 1;
    if (value > top || value < -top - 1)
        return refuse(column, row, type, diag);
    *out = be_bytes(arena, (uint64_t)value, width);
    return ERR_OK;
}

static err_t to_real(struct bytes *out, const struct column *column, size_t row,
                     const struct cql_type *type, struct arena *arena, struct diag *diag)
{
    double value;
    int64_t whole;
    if (whole_of(column, row, &whole))
        value = (double)whole;
    else if (!real_of(column, row, &value))
        return by_text(out, column, row, type, arena, diag);
    if (type->kind == CQL_FLOAT) {
        float narrow = (float)value;
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof bits);
        *out = be_bytes(arena, bits, 4);
    } else {
        uint64_t bits;
        memcpy(&bits, &value, sizeof bits);
        *out = be_bytes(arena, bits, 8);
    }
    return ERR_OK;
}

// --- dates and times ---

static int64_t floor_of(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static err_t to_timestamp(struct bytes *out, const struct column *column, size_t row,
                          const struct cql_type *type, struct arena *arena, struct diag *diag)
{
    int64_t ms;
    if (column->type->kind == TYPE_TIMESTAMP || column->type->kind == TYPE_TIMESTAMP_NTZ)
        ms = floor_of(column->longs[row], 1000);
    else if (column->type->kind == TYPE_DATE)
        ms = (int64_t)column->ints[row] * 86400000;
    else if (!whole_of(column, row, &ms))
        return by_text(out, column, row, type, arena, diag);
    *out = be_bytes(arena, (uint64_t)ms, 8);
    return ERR_OK;
}

static err_t to_date(struct bytes *out, const struct column *column, size_t row,
                     const struct cql_type *type, struct arena *arena, struct diag *diag)
{
    int64_t days;
    if (column->type->kind == TYPE_DATE)
        days = column->ints[row];
    else if (column->type->kind == TYPE_TIMESTAMP || column->type->kind == TYPE_TIMESTAMP_NTZ)
        days = floor_of(column->longs[row], INT64_C(86400000000));
    else
        return by_text(out, column, row, type, arena, diag);
    *out = be_bytes(arena, (uint32_t)(days + (INT64_C(1) << 31)), 4);
    return ERR_OK;
}

// --- nested ---

static err_t add_item(struct str *items, const struct column *column, size_t row,
                      const struct cql_type *type, bool nulls, struct arena *arena,
                      struct diag *diag)
{
    struct bytes value;
    TRY(convert_to_cql(&value, column, row, type, arena, diag));
    if (!value.ptr && !nulls)
        return FAIL(diag, ERR_TYPE, "null is not supported inside collections");
    cql_items_add(items, value);
    return ERR_OK;
}

static err_t to_items(struct bytes *out, const struct column *column, size_t row,
                      const struct cql_type *type, struct arena *arena, struct diag *diag)
{
    bool tuple = !cql_type_is_collection(type);
    enum type_kind wanted = tuple ? TYPE_STRUCT : type->kind == CQL_MAP ? TYPE_MAP : TYPE_ARRAY;
    if (column->type->kind != wanted || (tuple && column->type->field_count > type->param_count))
        return refuse(column, row, type, diag);
    struct str items = {0};
    err_t err = ERR_OK;
    if (tuple) {
        for (size_t i = 0; !err && i < column->type->field_count; i++)
            err = add_item(&items, &column->children[i], row, type->params[i], true, arena, diag);
    } else {
        size_t first = (size_t)column->offsets[row], end = (size_t)column->offsets[row + 1];
        size_t begin = cql_items_begin(&items);
        for (size_t i = first; !err && i < end; i++)
            for (size_t c = 0; !err && c < (type->kind == CQL_MAP ? 2u : 1u); c++)
                err =
                    add_item(&items, &column->children[c], i, type->params[c], false, arena, diag);
        cql_items_end(&items, begin, end - first);
    }
    str_reserve(&items, 1);
    if (!err)
        *out = arena_bytes(arena, str_bytes(&items));
    str_release(&items);
    return err;
}

err_t convert_to_cql(struct bytes *out, const struct column *column, size_t row,
                     const struct cql_type *type, struct arena *arena, struct diag *diag)
{
    *out = BYTES_NULL;
    if (column_is_null(column, row))
        return ERR_OK;
    switch ((int)type->kind) {
    case CQL_VARCHAR:
    case CQL_ASCII:
        return to_text(out, column, row, arena);
    case CQL_UUID:
    case CQL_TIMEUUID:
        return to_uuid(out, column, row, type, arena, diag);
    case CQL_TINYINT:
    case CQL_SMALLINT:
    case CQL_INT:
    case CQL_BIGINT:
    case CQL_COUNTER:
    case CQL_TIME:
        return type->kind == CQL_TIME && column->type->kind == TYPE_STRING
                   ? by_text(out, column, row, type, arena, diag)
                   : to_whole(out, column, row, type, arena, diag);
    case CQL_FLOAT:
    case CQL_DOUBLE:
        return to_real(out, column, row, type, arena, diag);
    case CQL_TIMESTAMP:
        return to_timestamp(out, column, row, type, arena, diag);
    case CQL_DATE:
        return to_date(out, column, row, type, arena, diag);
    case CQL_BLOB:
        if (column->type->kind != TYPE_BINARY && column->type->kind != TYPE_STRING)
            return refuse(column, row, type, diag);
        *out = column->strings[row];
        return ERR_OK;
    case CQL_LIST:
    case CQL_SET:
    case CQL_MAP:
    case CQL_TUPLE:
    case CQL_UDT:
        return to_items(out, column, row, type, arena, diag);
    case CQL_BOOLEAN:
        if (column->type->kind == TYPE_BOOLEAN) {
            *out = be_bytes(arena, column->booleans[row], 1);
            return ERR_OK;
        }
        break;
    default:
        break;
    }
    return by_text(out, column, row, type, arena, diag);
}

err_t convert_check(const struct type *from, const struct cql_type *to, struct diag *diag)
{
    bool nested = cql_type_is_collection(to) || to->kind == CQL_TUPLE || to->kind == CQL_UDT;
    enum type_kind wanted = to->kind == CQL_MAP          ? TYPE_MAP
                            : cql_type_is_collection(to) ? TYPE_ARRAY
                                                         : TYPE_STRUCT;
    bool complex = from->kind == TYPE_ARRAY || from->kind == TYPE_MAP || from->kind == TYPE_STRUCT;
    bool text = to->kind == CQL_VARCHAR || to->kind == CQL_ASCII;
    if (from->kind == TYPE_NULL || (nested ? from->kind == wanted : !complex || text))
        return ERR_OK;
    struct str spark = {0}, cql = {0};
    type_write(&spark, from);
    cql_type_write(&cql, to);
    err_t err = FAIL(diag, ERR_TYPE, "%s cannot be stored as %s", str_text(&spark), str_text(&cql));
    str_release(&spark);
    str_release(&cql);
    return err;
}
