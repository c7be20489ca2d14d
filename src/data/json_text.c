// SPDX-License-Identifier: Apache-2.0
//
// to_json, after Spark's JacksonGenerator: null fields of structs are left out unless asked for,
// null items and map values are written.
#include "data/json_text.h"

#include "data/cast.h"
#include "data/datetime.h"
#include "data/datetime_pattern.h"
#include "data/decimal.h"
#include "data/json_lex.h"

#include <math.h>

static void write_binary(struct str *out, struct bytes bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    str_append_byte(out, '"');
    for (size_t i = 0; i < bytes.size; i += 3) {
        uint32_t bits = (uint32_t)bytes.ptr[i] << 16;
        bits |= i + 1 < bytes.size ? (uint32_t)bytes.ptr[i + 1] << 8 : 0;
        bits |= i + 2 < bytes.size ? bytes.ptr[i + 2] : 0;
        char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63], digits[bits >> 6 & 63],
                        digits[bits & 63]};
        if (i + 1 >= bytes.size)
            four[2] = '=';
        if (i + 2 >= bytes.size)
            four[3] = '=';
        str_append(out, four, 4);
    }
    str_append_byte(out, '"');
}

static void write_time(struct str *out, const struct column *column, size_t row,
                       const struct json_options *options)
{
    char text[DATETIME_TEXT_MAX];
    bool date = column->type->kind == TYPE_DATE;
    bool local = date || column->type->kind == TYPE_TIMESTAMP_NTZ;
    const struct zone *zone = local || !options->zone ? zone_utc : options->zone;
    const struct datetime_pattern *pattern =
        date ? options->date_format_out : options->timestamp_format_out;
    int64_t us =
        date ? (int64_t)((uint64_t)(int64_t)column->ints[row] * US_PER_DAY) : column->longs[row];
    str_append_byte(out, '"');
    if (pattern) {
        datetime_pattern_format(pattern, out, us, zone);
    } else if (date) {
        str_append(out, text, date_text(text, column->ints[row]));
    } else {
        size_t size = timestamp_text_iso(text, us, zone);
        str_append(out, text, local ? size - 1 : size); // no Z behind a time without a zone
    }
    str_append_byte(out, '"');
}

static void write_struct(struct str *out, const struct column *column, size_t row,
                         const struct json_options *options)
{
    bool first = true;
    str_append_byte(out, '{');
    for (size_t i = 0; i < column->type->field_count; i++) {
        if (column_is_null(&column->children[i], row) && !options->keep_null_fields)
            continue;
        if (!first)
            str_append_byte(out, ',');
        first = false;
        json_lex_write_string(out, bytes_from(column->type->fields[i].name));
        str_append_byte(out, ':');
        json_write_value(out, &column->children[i], row, options);
    }
    str_append_byte(out, '}');
}

static void write_key(struct str *out, const struct column *keys, size_t row,
                      const struct json_options *options)
{
    struct cast_options plain = {.zone = options->zone};
    struct str text = {0};
    cast_value_text(&text, keys, row, &plain);
    json_lex_write_string(out, str_bytes(&text));
    str_release(&text);
}

static void write_list(struct str *out, const struct column *column, size_t row,
                       const struct json_options *options)
{
    bool map = column->type->kind == TYPE_MAP;
    str_append_byte(out, map ? '{' : '[');
    for (int32_t i = column->offsets[row]; i < column->offsets[row + 1]; i++) {
        if (i > column->offsets[row])
            str_append_byte(out, ',');
        if (map) {
            write_key(out, &column->children[0], (size_t)i, options);
            str_append_byte(out, ':');
        }
        json_write_value(out, &column->children[map], (size_t)i, options);
    }
    str_append_byte(out, map ? '}' : ']');
}

void json_write_value(struct str *out, const struct column *column, size_t row,
                      const struct json_options *options)
{
    struct cast_options plain = {.zone = options->zone};
    if (column_is_null(column, row)) {
        str_append_text(out, "null");
        return;
    }
    switch ((int)column->type->kind) {
    case TYPE_FLOAT:
    case TYPE_DOUBLE: {
        bool quote = !isfinite(column->type->kind == TYPE_FLOAT ? (double)column->floats[row]
                                                                : column->doubles[row]);
        if (quote)
            str_append_byte(out, '"');
        cast_value_text(out, column, row, &plain);
        if (quote)
            str_append_byte(out, '"');
        return;
    }
    case TYPE_STRING:
        json_lex_write_string(out, column->strings[row]);
        return;
    case TYPE_BINARY:
        write_binary(out, column->strings[row]);
        return;
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_NTZ:
        write_time(out, column, row, options);
        return;
    case TYPE_INTERVAL:
    case TYPE_INTERVAL_YM:
    case TYPE_INTERVAL_DT:
        write_key(out, column, row, options);
        return;
    case TYPE_ARRAY:
    case TYPE_MAP:
        write_list(out, column, row, options);
        return;
    case TYPE_STRUCT:
        write_struct(out, column, row, options);
        return;
    default:
        cast_value_text(out, column, row, &plain);
    }
}

err_t json_write_column(struct column *out, struct arena *arena, const struct column *in,
                        const struct json_options *options, struct diag *diag)
{
    if (in->type->kind < TYPE_ARRAY)
        return FAIL(diag, ERR_TYPE, "to_json takes a struct, an array or a map");
    struct str text = {0};
    column_init(out, arena, &type_string, in->count);
    for (size_t row = 0; row < in->count; row++) {
        if (column_is_null(in, row)) {
            column_set_null(out, arena, row);
            continue;
        }
        str_clear(&text);
        json_write_value(&text, in, row, options);
        out->strings[row] = arena_bytes(arena, str_bytes(&text));
    }
    str_release(&text);
    return ERR_OK;
}
