// SPDX-License-Identifier: Apache-2.0
//
// Casts from and to STRING.
#include "data/cast_int.h"

#include "data/decimal.h"
#include "data/interval.h"
#include "data/number.h"

#include <strings.h>

// --- from text
// -----------------------------------------------------------------------------------------

static bool text_boolean(struct bytes text, uint8_t *out)
{
    static const char *const words[] = {"true", "t", "yes", "y", "1", "false", "f", "no", "n", "0"};
    text = number_trim(text);
    for (size_t i = 0; i < 10; i++)
        if (text.size == strlen(words[i]) &&
            strncasecmp((const char *)text.ptr, words[i], text.size) == 0) {
            *out = i < 5;
            return true;
        }
    return false;
}

static bool text_whole(const struct cast *cast, struct bytes text, size_t row)
{
    struct column *out = cast->out;
    int64_t value;
    if (!number_parse_long(text, !cast->ansi, &value))
        return false;
    switch ((int)cast->to->kind) {
    case TYPE_BYTE:
        out->bytes8[row] = (int8_t)value;
        return value == (int8_t)value;
    case TYPE_SHORT:
        out->shorts[row] = (int16_t)value;
        return value == (int16_t)value;
    case TYPE_INT:
        out->ints[row] = (int32_t)value;
        return value == (int32_t)value;
    default:
        out->longs[row] = value;
        return true;
    }
}

// '1-2', or the whole literal: INTERVAL '1-2' YEAR TO MONTH.
static bool text_ansi_interval(const struct cast *cast, struct bytes text, size_t row)
{
    text = number_trim(text);
    const char *t = (const char *)text.ptr, *end = t + text.size;
    bool negative = text.size > 1 && *t == '-' && (t[1] | 32) == 'i';
    t += negative || (text.size > 1 && *t == '+' && (t[1] | 32) == 'i');
    if (end - t > 10 && strncasecmp(t, "interval", 8) == 0) {
        const char *open = memchr(t, '\'', (size_t)(end - t));
        const char *close = open ? memchr(open + 1, '\'', (size_t)(end - open - 1)) : NULL;
        if (!close)
            return false;
        text = bytes_make(open + 1, (size_t)(close - open - 1));
    }
    bool months = cast->to->kind == TYPE_INTERVAL_YM;
    int base = months ? INTERVAL_YEAR : INTERVAL_DAY;
    struct interval interval;
    enum interval_unit from = (enum interval_unit)(base + cast->to->from_unit),
                       to = (enum interval_unit)(base + cast->to->to_unit);
    if (interval_parse_literal(&interval, text, from, to, NULL) != ERR_OK)
        return false;
    if (months) {
        cast->out->ints[row] = negative ? -interval.months : interval.months;
        return true;
    }
    int64_t us = interval.us + interval.days * US_PER_DAY;
    cast->out->longs[row] = negative ? -us : us;
    return true;
}

static bool text_value(const struct cast *cast, struct bytes text, size_t row)
{
    struct column *out = cast->out;
    switch ((int)cast->to->kind) {
    case TYPE_BOOLEAN:
        return text_boolean(text, &out->booleans[row]);
    case TYPE_BYTE:
    case TYPE_SHORT:
    case TYPE_INT:
    case TYPE_LONG:
        return text_whole(cast, text, row);
    case TYPE_FLOAT:
        return number_parse_float(text, &out->floats[row]);
    case TYPE_DOUBLE:
        return number_parse_double(text, &out->doubles[row]);
    case TYPE_DECIMAL:
        return decimal_parse(text, cast->to->precision, cast->to->scale, &out->decimals[row], NULL);
    case TYPE_DATE:
        return date_parse(text, &out->ints[row]);
    case TYPE_TIMESTAMP:
        return timestamp_parse(text, cast->zone, cast->options->now_us, &out->longs[row]);
    case TYPE_TIMESTAMP_NTZ:
        return timestamp_ntz_parse(text, true, &out->longs[row]);
    case TYPE_INTERVAL:
        return interval_parse(&out->intervals[row], text, NULL) == ERR_OK;
    default:
        return text_ansi_interval(cast, text, row);
    }
}

err_t cast__from_text(struct cast *cast)
{
    CAST_ROWS(cast, row)
    {
        if (!text_value(cast, cast->in->strings[row], row))
            TRY(cast__bad(cast, row));
    }
    return ERR_OK;
}

// --- to text
// -------------------------------------------------------------------------------------------

static void list_text(struct str *out, const struct column *column, size_t row,
                      const struct cast_options *options)
{
    bool map = column->type->kind == TYPE_MAP;
    str_append_byte(out, map ? '{' : '[');
    for (int32_t i = column->offsets[row]; i < column->offsets[row + 1]; i++) {
        if (i > column->offsets[row])
            str_append_text(out, ", ");
        for (size_t f = 0; f < column->type->field_count; f++) {
            if (f)
                str_append_text(out, " -> ");
            if (column_is_null(&column->children[f], (size_t)i))
                str_append_text(out, "null");
            else
                cast_value_text(out, &column->children[f], (size_t)i, options);
        }
    }
    str_append_byte(out, map ? '}' : ']');
}

static void struct_text(struct str *out, const struct column *column, size_t row,
                        const struct cast_options *options)
{
    str_append_byte(out, '{');
    for (size_t f = 0; f < column->type->field_count; f++) {
        if (f)
            str_append_text(out, ", ");
        if (column_is_null(&column->children[f], row))
            str_append_text(out, "null");
        else
            cast_value_text(out, &column->children[f], row, options);
    }
    str_append_byte(out, '}');
}

static int64_t whole_at(const struct column *column, size_t row)
{
    switch (type_width(column->type)) {
    case 1:
        return column->bytes8[row];
    case 2:
        return column->shorts[row];
    case 4:
        return column->ints[row];
    default:
        return column->longs[row];
    }
}

void cast_value_text(struct str *out, const struct column *column, size_t row,
                     const struct cast_options *options)
{
    const struct zone *zone = options->zone ? options->zone : zone_utc;
    char text[DECIMAL_TEXT_MAX];
    size_t size = 0;
    switch (column->type->kind) {
    case TYPE_NULL:
        str_append_text(out, "null");
        return;
    case TYPE_BOOLEAN:
        str_append_text(out, column->booleans[row] ? "true" : "false");
        return;
    case TYPE_BYTE:
    case TYPE_SHORT:
    case TYPE_INT:
    case TYPE_LONG:
        size = number_long_text(text, whole_at(column, row));
        break;
    case TYPE_FLOAT:
        size = number_float_text(text, column->floats[row]);
        break;
    case TYPE_DOUBLE:
        size = number_double_text(text, column->doubles[row]);
        break;
    case TYPE_DECIMAL:
        size = (options->ansi ? decimal_text_plain : decimal_text_java)(text, column->decimals[row],
                                                                        column->type->scale);
        break;
    case TYPE_STRING:
    case TYPE_BINARY:
        str_append_bytes(out, column->strings[row]);
        return;
    case TYPE_DATE:
        size = date_text(text, column->ints[row]);
        break;
    case TYPE_TIMESTAMP:
        size = timestamp_text(text, column->longs[row], zone);
        break;
    case TYPE_TIMESTAMP_NTZ:
        size = local_text(text, column->longs[row]);
        break;
    case TYPE_INTERVAL_YM:
        interval_write_ym(out, column->ints[row], column->type);
        return;
    case TYPE_INTERVAL_DT:
        interval_write_dt(out, column->longs[row], column->type);
        return;
    case TYPE_INTERVAL:
        interval_write(out, column->intervals[row]);
        return;
    case TYPE_ARRAY:
    case TYPE_MAP:
        list_text(out, column, row, options);
        return;
    case TYPE_STRUCT:
        struct_text(out, column, row, options);
        return;
    }
    str_append(out, text, size);
}

// All texts of the column in one block: their sizes first, since the block moves while it grows.
err_t cast__to_text(struct cast *cast)
{
    struct str all = {0};
    CAST_ROWS(cast, row)
    {
        size_t before = all.size;
        cast_value_text(&all, cast->in, row, cast->options);
        cast->out->strings[row].size = all.size - before;
    }
    const uint8_t *at = arena_dup(cast->arena, all.ptr, all.size);
    CAST_ROWS(cast, row)
    {
        cast->out->strings[row].ptr = at;
        at += cast->out->strings[row].size;
    }
    str_release(&all);
    return ERR_OK;
}

err_t cast__to_binary(struct cast *cast, const int64_t *values)
{
    size_t width = type_width(cast->in->type);
    uint8_t *at = arena_alloc(cast->arena, width * cast->in->count);
    CAST_ROWS(cast, row)
    {
        for (size_t i = 0; i < width; i++)
            at[i] = (uint8_t)((uint64_t)values[row] >> (8 * (width - 1 - i)));
        cast->out->strings[row] = bytes_make(at, width);
        at += width;
    }
    return ERR_OK;
}
