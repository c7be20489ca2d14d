// SPDX-License-Identifier: Apache-2.0
//
// CQL values to Spark's columns.

#include "data/decimal.h"
#include "tables/convert.h"
#include "wire/cql/number.h"

#define CQL_DECIMAL_PRECISION 38
#define CQL_DECIMAL_SCALE     18 // what the Spark connector gives

static uint64_t be(struct bytes bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size; i++)
        value = value << 8 | bytes.ptr[i];
    return value;
}

static const struct type *tuple_type(struct arena *arena, const struct cql_type *type)
{
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, type->param_count + 1);
    for (size_t i = 0; i < type->param_count; i++) {
        fields[i].name = type->kind == CQL_UDT && type->field_names ? type->field_names[i]
                                                                    : arena_printf(arena, "%zu", i);
        fields[i].type = convert_type(arena, type->params[i]);
        fields[i].nullable = true;
    }
    return type_struct(arena, fields, type->param_count);
}

const struct type *convert_type(struct arena *arena, const struct cql_type *type)
{
    switch (type->kind) {
    case CQL_TINYINT:
        return &type_byte;
    case CQL_SMALLINT:
        return &type_short;
    case CQL_INT:
        return &type_int;
    case CQL_BIGINT:
    case CQL_COUNTER:
    case CQL_TIME:
        return &type_long;
    case CQL_FLOAT:
        return &type_float;
    case CQL_DOUBLE:
        return &type_double;
    case CQL_BOOLEAN:
        return &type_boolean;
    case CQL_BLOB:
        return &type_binary;
    case CQL_DATE:
        return &type_date;
    case CQL_TIMESTAMP:
        return &type_timestamp;
    case CQL_DECIMAL:
        return type_decimal(arena, CQL_DECIMAL_PRECISION, CQL_DECIMAL_SCALE);
    case CQL_VARINT:
        return type_decimal(arena, CQL_DECIMAL_PRECISION, 0);
    case CQL_LIST:
    case CQL_SET:
        return type_array(arena, convert_type(arena, type->params[0]), true);
    case CQL_MAP:
        return type_map(arena, convert_type(arena, type->params[0]),
                        convert_type(arena, type->params[1]), true);
    case CQL_TUPLE:
    case CQL_UDT:
        return tuple_type(arena, type);
    case CQL_ASCII:
    case CQL_VARCHAR:
    case CQL_UUID:
    case CQL_TIMEUUID:
    case CQL_INET:
    case CQL_DURATION:
    case CQL_CUSTOM:
        break;
    }
    return &type_string;
}

static struct bytes text_of(struct arena *arena, const struct cql_type *type, struct bytes value)
{
    struct str text = {0};
    cql_value_write(&text, type, value);
    str_reserve(&text, 1);
    struct bytes kept = arena_bytes(arena, str_bytes(&text));
    str_release(&text);
    return kept;
}

// False: it has more digits than Spark's type.
static bool decimal_of(const struct type *type, const struct cql_type *from, struct bytes value,
                       int128_t *out)
{
    struct str text = {0};
    cql_value_write(&text, from, value);
    bool fits = decimal_parse(str_bytes(&text), type->precision, type->scale, out, NULL);
    str_release(&text);
    return fits;
}

// False: null after all.
static bool set_scalar(struct column *out, struct arena *arena, size_t row,
                       const struct cql_type *from, struct bytes value)
{
    size_t width = cql_kind_width(from->kind);
    if (width && value.size != width)
        return false;
    switch ((int)out->type->kind) {
    case TYPE_BOOLEAN:
        out->booleans[row] = be(value) != 0;
        return true;
    case TYPE_BYTE:
        out->bytes8[row] = (int8_t)be(value);
        return true;
    case TYPE_SHORT:
        out->shorts[row] = (int16_t)be(value);
        return true;
    case TYPE_INT:
        out->ints[row] = (int32_t)be(value);
        return true;
    case TYPE_DATE:
        out->ints[row] = (int32_t)(be(value) - (UINT64_C(1) << 31));
        return true;
    case TYPE_LONG:
        out->longs[row] = (int64_t)be(value);
        return true;
    case TYPE_TIMESTAMP:
        return !__builtin_mul_overflow((int64_t)be(value), 1000, &out->longs[row]);
    case TYPE_FLOAT: {
        uint32_t bits = (uint32_t)be(value);
        memcpy(&out->floats[row], &bits, sizeof bits);
        return true;
    }
    case TYPE_DOUBLE: {
        uint64_t bits = be(value);
        memcpy(&out->doubles[row], &bits, sizeof bits);
        return true;
    }
    case TYPE_DECIMAL:
        return value.size > 0 && decimal_of(out->type, from, value, &out->decimals[row]);
    case TYPE_BINARY:
        out->strings[row] = value;
        return true;
    default:
        out->strings[row] = from->kind == CQL_VARCHAR || from->kind == CQL_ASCII
                                ? value
                                : text_of(arena, from, value);
        return true;
    }
}

// The elements of all rows one behind the other: one array per child.
static void set_collections(struct column *out, struct arena *arena, const struct type *type,
                            const struct cql_type *from, const struct bytes *values, size_t count)
{
    size_t children = from->kind == CQL_MAP ? 2 : 1, total = 0;
    struct bytes item;
    for (size_t row = 0; row < count; row++) {
        struct cql_items items = cql_items_of(from, values[row]);
        while (values[row].ptr && cql_items_next(&items, &item))
            total++;
    }
    struct bytes *flat[2];
    for (size_t c = 0; c < children; c++)
        flat[c] = ARENA_ARRAY(arena, struct bytes, total / children + 1);
    size_t used = 0;
    for (size_t row = 0; row < count; row++) {
        out->offsets[row] = (int32_t)(used / children);
        struct cql_items items = cql_items_of(from, values[row]);
        while (values[row].ptr && used < total && cql_items_next(&items, &item)) {
            flat[used % children][used / children] = item;
            used++;
        }
        if (!values[row].ptr)
            column_set_null(out, arena, row);
    }
    out->offsets[count] = (int32_t)(used / children);
    for (size_t c = 0; c < children; c++)
        convert_from_cql(&out->children[c], arena, type->fields[c].type, from->params[c], flat[c],
                         used / children);
}

static void set_tuples(struct column *out, struct arena *arena, const struct type *type,
                       const struct cql_type *from, const struct bytes *values, size_t count)
{
    struct bytes *fields = ARENA_ARRAY(arena, struct bytes, count * from->param_count + 1);
    for (size_t row = 0; row < count; row++) {
        struct cql_items items = cql_items_of(from, values[row]);
        for (size_t f = 0; values[row].ptr && f < from->param_count; f++)
            if (!cql_items_next(&items, &fields[f * count + row]))
                break;
        if (!values[row].ptr)
            column_set_null(out, arena, row);
    }
    for (size_t f = 0; f < from->param_count; f++)
        convert_from_cql(&out->children[f], arena, type->fields[f].type, from->params[f],
                         fields + f * count, count);
}

void convert_from_cql(struct column *out, struct arena *arena, const struct type *type,
                      const struct cql_type *from, const struct bytes *values, size_t count)
{
    column_init(out, arena, type, count);
    if (type->kind == TYPE_ARRAY || type->kind == TYPE_MAP) {
        set_collections(out, arena, type, from, values, count);
    } else if (type->kind == TYPE_STRUCT) {
        set_tuples(out, arena, type, from, values, count);
    } else {
        for (size_t row = 0; row < count; row++)
            if (!values[row].ptr || !set_scalar(out, arena, row, from, values[row]))
                column_set_null(out, arena, row);
    }
}
