// SPDX-License-Identifier: Apache-2.0
#include "sql/exec/value.h"

#include "base/hash.h"

#include <math.h>

static int order_double(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) - isnan(b);
    return (a > b) - (a < b);
}

#define ORDER(field) ((a->field[i] > b->field[j]) - (a->field[i] < b->field[j]))

static int order_lists(const struct column *a, size_t i, const struct column *b, size_t j)
{
    int32_t size_a = a->offsets[i + 1] - a->offsets[i];
    int32_t size_b = b->offsets[j + 1] - b->offsets[j];
    for (int32_t k = 0; k < size_a && k < size_b; k++)
        for (size_t c = 0; c < a->type->field_count; c++) {
            int order = value_compare(&a->children[c], (size_t)(a->offsets[i] + k), &b->children[c],
                                      (size_t)(b->offsets[j] + k));
            if (order)
                return order;
        }
    return (size_a > size_b) - (size_a < size_b);
}

int value_compare(const struct column *a, size_t i, const struct column *b, size_t j)
{
    bool null_a = column_is_null(a, i);
    bool null_b = column_is_null(b, j);
    if (null_a || null_b)
        return null_b - null_a;
    switch (a->type->kind) {
    case TYPE_NULL:
        return 0;
    case TYPE_BOOLEAN:
        return ORDER(booleans);
    case TYPE_BYTE:
        return ORDER(bytes8);
    case TYPE_SHORT:
        return ORDER(shorts);
    case TYPE_INT:
    case TYPE_DATE:
    case TYPE_INTERVAL_YM:
        return ORDER(ints);
    case TYPE_LONG:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_NTZ:
    case TYPE_INTERVAL_DT:
        return ORDER(longs);
    case TYPE_FLOAT:
        return order_double((double)a->floats[i], (double)b->floats[j]);
    case TYPE_DOUBLE:
        return order_double(a->doubles[i], b->doubles[j]);
    case TYPE_DECIMAL:
        return ORDER(decimals);
    case TYPE_STRING:
    case TYPE_BINARY:
        return bytes_compare(a->strings[i], b->strings[j]);
    case TYPE_INTERVAL: {
        const struct interval *x = &a->intervals[i];
        const struct interval *y = &b->intervals[j];
        return x->months != y->months ? (x->months > y->months) - (x->months < y->months)
               : x->days != y->days   ? (x->days > y->days) - (x->days < y->days)
                                      : (x->us > y->us) - (x->us < y->us);
    }
    case TYPE_ARRAY:
    case TYPE_MAP:
        return order_lists(a, i, b, j);
    case TYPE_STRUCT:
        for (size_t c = 0; c < a->type->field_count; c++) {
            int order = value_compare(&a->children[c], i, &b->children[c], j);
            if (order)
                return order;
        }
        return 0;
    }
    return 0;
}

uint64_t value_hash(const struct column *column, size_t row)
{
    if (column_is_null(column, row))
        return 0x9e3779b97f4a7c15U;
    switch ((int)column->type->kind) {
    case TYPE_STRING:
    case TYPE_BINARY:
        return hash_bytes(column->strings[row].ptr, column->strings[row].size);
    case TYPE_INT:
    case TYPE_DATE:
        return hash_u64((uint64_t)column->ints[row]);
    case TYPE_LONG:
    case TYPE_TIMESTAMP:
        return hash_u64((uint64_t)column->longs[row]);
    default: {
        struct str bytes = {0};
        value_encode(&bytes, column, row);
        uint64_t hash = hash_bytes(bytes.ptr, bytes.size);
        str_release(&bytes);
        return hash;
    }
    }
}

static void put_u32(struct str *out, size_t value)
{
    uint32_t size = (uint32_t)value;
    str_append(out, &size, sizeof size);
}

void value_encode(struct str *out, const struct column *column, size_t row)
{
    if (column_is_null(column, row)) {
        str_append_byte(out, 0);
        return;
    }
    str_append_byte(out, 1);
    const struct type *type = column->type;
    size_t width = type_width(type);
    switch ((int)type->kind) {
    case TYPE_STRING:
    case TYPE_BINARY:
        put_u32(out, column->strings[row].size);
        str_append_bytes(out, column->strings[row]);
        return;
    case TYPE_FLOAT: {
        float value = column->floats[row];
        value = isnan(value) ? NAN : value == 0 ? 0.0F : value;
        str_append(out, &value, sizeof value);
        return;
    }
    case TYPE_DOUBLE: {
        double value = column->doubles[row];
        value = isnan(value) ? (double)NAN : value == 0 ? 0.0 : value;
        str_append(out, &value, sizeof value);
        return;
    }
    case TYPE_ARRAY:
    case TYPE_MAP:
        put_u32(out, (size_t)(column->offsets[row + 1] - column->offsets[row]));
        for (int32_t i = column->offsets[row]; i < column->offsets[row + 1]; i++)
            for (size_t c = 0; c < type->field_count; c++)
                value_encode(out, &column->children[c], (size_t)i);
        return;
    case TYPE_STRUCT:
        for (size_t c = 0; c < type->field_count; c++)
            value_encode(out, &column->children[c], row);
        return;
    default:
        str_append(out, (const uint8_t *)column->data + row * width, width);
    }
}

static bool take(struct bytes *in, void *out, size_t size)
{
    if (in->size < size)
        return false;
    memcpy(out, in->ptr, size);
    in->ptr += size;
    in->size -= size;
    return true;
}

static bool decode_list(struct bytes *in, struct builder *builder)
{
    uint32_t count;
    if (!take(in, &count, sizeof count) || count > in->size)
        return false;
    for (uint32_t i = 0; i < count; i++)
        for (size_t c = 0; c < builder->type->field_count; c++)
            if (!value_decode(in, &builder->children[c]))
                return false;
    builder_list(builder);
    return true;
}

bool value_decode(struct bytes *in, struct builder *builder)
{
    uint8_t present;
    if (!take(in, &present, 1))
        return false;
    if (!present || builder->type->kind == TYPE_NULL) {
        builder_null(builder);
        return true;
    }
    switch ((int)builder->type->kind) {
    case TYPE_STRING:
    case TYPE_BINARY: {
        uint32_t size;
        if (!take(in, &size, sizeof size) || size > in->size)
            return false;
        builder_text(builder, arena_bytes(builder->arena, bytes_make(in->ptr, size)));
        in->ptr += size;
        in->size -= size;
        return true;
    }
    case TYPE_ARRAY:
    case TYPE_MAP:
        return decode_list(in, builder);
    case TYPE_STRUCT:
        for (size_t c = 0; c < builder->type->field_count; c++)
            if (!value_decode(in, &builder->children[c]))
                return false;
        builder_struct(builder);
        return true;
    default: {
        _Alignas(16) uint8_t raw[16];
        struct column one = {.type = builder->type, .count = 1};
        one.data = raw;
        if (!take(in, raw, type_width(builder->type)))
            return false;
        builder_value(builder, &one, 0);
        return true;
    }
    }
}
