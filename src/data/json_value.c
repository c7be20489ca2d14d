// SPDX-License-Identifier: Apache-2.0
//
// One JSON token -> one value of an atomic type, after Spark's JacksonParser.
#include "data/json_node.h"

#include "data/datetime.h"
#include "data/datetime_pattern.h"
#include "data/decimal.h"
#include "data/number.h"

#include <math.h>

static bool whole(struct json_node *node, size_t row, const struct json_value *value)
{
    int64_t number;
    struct column *column = node->column;
    if (value->token != JSON_INT || !json_lex_int(value, &number))
        return false;
    static const int64_t least[] = {[TYPE_BYTE] = -128,
                                    [TYPE_SHORT] = INT16_MIN,
                                    [TYPE_INT] = INT32_MIN,
                                    [TYPE_LONG] = INT64_MIN};
    static const int64_t most[] = {[TYPE_BYTE] = 255, // Jackson takes unsigned bytes too
                                   [TYPE_SHORT] = INT16_MAX,
                                   [TYPE_INT] = INT32_MAX,
                                   [TYPE_LONG] = INT64_MAX};
    if (number < least[node->type->kind] || number > most[node->type->kind])
        return false;
    switch ((int)node->type->kind) {
    case TYPE_BYTE:
        column->bytes8[row] = (int8_t)number;
        break;
    case TYPE_SHORT:
        column->shorts[row] = (int16_t)number;
        break;
    case TYPE_INT:
        column->ints[row] = (int32_t)number;
        break;
    default:
        column->longs[row] = number;
    }
    return true;
}

static bool floating(const struct json_reader *reader, const struct json_value *value, double *out)
{
    static const char *const above[] = {"Infinity", "+Infinity", "+INF"};
    static const char *const below[] = {"-Infinity", "-INF"};
    if (value->token == JSON_INT || value->token == JSON_FLOAT || value->token == JSON_NAN) {
        *out = json_lex_double(value);
        return true;
    }
    if (value->token != JSON_STRING || reader->options.no_non_numeric)
        return false;
    *out = NAN;
    for (int i = 0; i < 3; i++)
        if (bytes_is(value->text, above[i]))
            *out = INFINITY;
    for (int i = 0; i < 2; i++)
        if (bytes_is(value->text, below[i]))
            *out = -INFINITY;
    return !isnan(*out) || bytes_is(value->text, "NaN");
}

static bool decimal(struct json_reader *reader, struct json_node *node, size_t row,
                    const struct json_value *value)
{
    int128_t number;
    struct bytes text = value->text;
    if (value->token == JSON_STRING) {
        text = json_lex_unescape(reader->arena, value);
        if (text.size && memchr(text.ptr, ',', text.size)) { // "1,234.5"
            uint8_t *plain = arena_alloc(reader->arena, text.size);
            size_t size = 0;
            for (size_t i = 0; i < text.size; i++)
                if (text.ptr[i] != ',')
                    plain[size++] = text.ptr[i];
            text = bytes_make(plain, size);
        }
        if (text.size == 0 || number_trim(text).size != text.size)
            return false;
    } else if (value->token != JSON_INT && value->token != JSON_FLOAT) {
        return false;
    }
    if (!decimal_parse(text, node->type->precision, node->type->scale, &number, NULL))
        return false;
    node->column->decimals[row] = number;
    return true;
}

static bool date(struct json_reader *reader, struct json_node *node, size_t row,
                 const struct json_value *value)
{
    if (value->token != JSON_STRING || value->text.size == 0)
        return false;
    struct bytes text = json_lex_unescape(reader->arena, value);
    int32_t *out = &node->column->ints[row];
    int64_t number;
    int32_t days;
    if (reader->options.date_format) {
        if (!datetime_pattern_parse(reader->options.date_format, text, zone_utc, &number))
            return false;
        *out = (int32_t)floor_div(number, US_PER_DAY);
        return true;
    }
    if (date_parse(text, &days)) {
        *out = days;
        return true;
    }
    // Spark 1.5 wrote days since 1970.
    if (!number_parse_long(text, false, &number) || number != (int32_t)number)
        return false;
    *out = (int32_t)number;
    return true;
}

static bool timestamp(struct json_reader *reader, struct json_node *node, size_t row,
                      const struct json_value *value)
{
    int64_t us;
    bool ntz = node->type->kind == TYPE_TIMESTAMP_NTZ;
    if (value->token == JSON_INT && !ntz) {
        if (!json_lex_int(value, &us))
            return false;
        node->column->longs[row] = (int64_t)((uint64_t)us * US_PER_SECOND);
        return true;
    }
    if (value->token != JSON_STRING || value->text.size == 0)
        return false;
    struct bytes text = json_lex_unescape(reader->arena, value);
    const struct zone *zone = ntz ? zone_utc : reader->zone;
    bool fine = reader->options.timestamp_format
                    ? datetime_pattern_parse(reader->options.timestamp_format, text, zone, &us)
                : ntz ? timestamp_ntz_parse(text, false, &us)
                      : timestamp_parse(text, zone, 0, &us);
    if (fine)
        node->column->longs[row] = us;
    return fine;
}

static int base64_digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool binary(struct json_reader *reader, struct json_node *node, size_t row,
                   const struct json_value *value)
{
    if (value->token != JSON_STRING)
        return false;
    struct bytes text = json_lex_unescape(reader->arena, value);
    if (text.size % 4)
        return false;
    size_t padding = 0;
    while (padding < 2 && padding < text.size && text.ptr[text.size - 1 - padding] == '=')
        padding++;
    uint8_t *out = arena_alloc(reader->arena, text.size / 4 * 3);
    size_t size = 0;
    for (size_t i = 0; i < text.size; i += 4) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 4; k++) {
            bool pad = i + k >= text.size - padding;
            int digit = pad ? 0 : base64_digit(text.ptr[i + k]);
            if (digit < 0)
                return false;
            bits = bits << 6 | (uint32_t)digit;
        }
        out[size++] = (uint8_t)(bits >> 16);
        out[size++] = (uint8_t)(bits >> 8);
        out[size++] = (uint8_t)bits;
    }
    node->column->strings[row] = bytes_make(out, size - padding);
    return true;
}

// Any token goes into a string field: 3.5 writes it anew, 4.x keeps its bytes.
static enum json_status string(struct json_reader *reader, struct json_lex *lex,
                               struct json_node *node, size_t row, const struct json_value *value)
{
    struct bytes *out = &node->column->strings[row];
    if (value->token == JSON_STRING) {
        *out = json_lex_unescape(reader->arena, value);
        return JSON_FINE;
    }
    if (reader->options.exact_text) {
        bool scalar = value->token != JSON_OBJECT && value->token != JSON_ARRAY;
        const uint8_t *start = scalar ? NULL : lex->at - 1;
        if (!json_lex_skip(lex, value))
            return JSON_DAMAGED;
        *out = scalar ? value->text : bytes_make(start, (size_t)(lex->at - start));
        if (value->token == JSON_TRUE || value->token == JSON_FALSE)
            *out = bytes_from(value->token == JSON_TRUE ? "true" : "false");
        return JSON_FINE;
    }
    str_clear(&reader->scratch);
    if (!json_lex_rewrite(lex, value, &reader->scratch))
        return JSON_DAMAGED;
    *out = arena_bytes(reader->arena, str_bytes(&reader->scratch));
    return JSON_FINE;
}

static bool boolean(struct json_node *node, size_t row, const struct json_value *value)
{
    if (value->token != JSON_TRUE && value->token != JSON_FALSE)
        return false;
    node->column->booleans[row] = value->token == JSON_TRUE;
    return true;
}

static bool set(struct json_reader *reader, struct json_node *node, size_t row,
                const struct json_value *value)
{
    double number;
    switch ((int)node->type->kind) {
    case TYPE_BOOLEAN:
        return boolean(node, row, value);
    case TYPE_BYTE:
    case TYPE_SHORT:
    case TYPE_INT:
    case TYPE_LONG:
        return whole(node, row, value);
    case TYPE_FLOAT:
        if (!floating(reader, value, &number))
            return false;
        if (value->token == JSON_STRING ||
            !number_parse_float(value->text, &node->column->floats[row]))
            node->column->floats[row] = (float)number;
        return true;
    case TYPE_DOUBLE:
        if (!floating(reader, value, &number))
            return false;
        node->column->doubles[row] = number;
        return true;
    case TYPE_DECIMAL:
        return decimal(reader, node, row, value);
    case TYPE_DATE:
        return date(reader, node, row, value);
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_NTZ:
        return timestamp(reader, node, row, value);
    case TYPE_BINARY:
        return binary(reader, node, row, value);
    default:
        return false;
    }
}

enum json_status json_node__scalar(struct json_reader *reader, struct json_lex *lex,
                                   struct json_node *node, size_t row,
                                   const struct json_value *value)
{
    if (node->type->kind == TYPE_STRING) {
        enum json_status status = string(reader, lex, node, row, value);
        if (status == JSON_FINE)
            node->column->valid[row] = 1;
        return status;
    }
    if (value->token != JSON_OBJECT && value->token != JSON_ARRAY &&
        set(reader, node, row, value)) {
        node->column->valid[row] = 1;
        return JSON_FINE;
    }
    return json_lex_skip(lex, value) ? JSON_WRONG : JSON_DAMAGED;
}
