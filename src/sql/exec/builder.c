// SPDX-License-Identifier: Apache-2.0
#include "sql/exec/builder.h"

void builder_init(struct builder *builder, struct arena *arena, const struct type *type,
                  size_t capacity)
{
    *builder = (struct builder){.type = type, .arena = arena};
    builder->capacity = capacity ? capacity : 8;
    size_t width = type_width(type);
    if (type->kind == TYPE_ARRAY || type->kind == TYPE_MAP)
        builder->offsets = ARENA_ARRAY(arena, int32_t, builder->capacity + 1);
    else if (width)
        builder->data = arena_zalloc(arena, width * builder->capacity);
    if (type->field_count) {
        builder->children = ARENA_ARRAY(arena, struct builder, type->field_count);
        for (size_t i = 0; i < type->field_count; i++)
            builder_init(&builder->children[i], arena, type->fields[i].type, capacity);
    }
}

static void *grown(struct arena *arena, const void *from, size_t old_bytes, size_t new_bytes)
{
    uint8_t *to = arena_zalloc(arena, new_bytes);
    if (old_bytes)
        memcpy(to, from, old_bytes);
    return to;
}

static size_t room(struct builder *builder)
{
    if (builder->count == builder->capacity) {
        size_t capacity = builder->capacity * 2;
        size_t width = type_width(builder->type);
        if (builder->type->kind == TYPE_ARRAY || builder->type->kind == TYPE_MAP)
            builder->offsets =
                grown(builder->arena, builder->offsets, (builder->capacity + 1) * sizeof(int32_t),
                      (capacity + 1) * sizeof(int32_t));
        else if (width)
            builder->data =
                grown(builder->arena, builder->data, builder->capacity * width, capacity * width);
        if (builder->valid)
            builder->valid = grown(builder->arena, builder->valid, builder->capacity, capacity);
        builder->capacity = capacity;
    }
    if (builder->valid)
        builder->valid[builder->count] = 1;
    return builder->count++;
}

void builder_null(struct builder *builder)
{
    size_t row = room(builder);
    if (!builder->valid) {
        builder->valid = arena_zalloc(builder->arena, builder->capacity);
        memset(builder->valid, 1, builder->capacity);
    }
    builder->valid[row] = 0;
    if (builder->type->kind == TYPE_ARRAY || builder->type->kind == TYPE_MAP)
        builder->offsets[row + 1] = (int32_t)builder->children[0].count;
    if (builder->type->kind == TYPE_STRUCT)
        for (size_t i = 0; i < builder->type->field_count; i++)
            builder_null(&builder->children[i]);
}

static void put(struct builder *builder, const struct column *column, size_t row, bool copy)
{
    if (column_is_null(column, row)) {
        builder_null(builder);
        return;
    }
    switch (builder->type->kind) {
    case TYPE_NULL:
        builder_null(builder);
        return;
    case TYPE_STRING:
    case TYPE_BINARY:
        builder_text(builder, copy ? arena_bytes(builder->arena, column->strings[row])
                                   : column->strings[row]);
        return;
    case TYPE_ARRAY:
    case TYPE_MAP:
        for (size_t c = 0; c < builder->type->field_count; c++)
            for (int32_t i = column->offsets[row]; i < column->offsets[row + 1]; i++)
                put(&builder->children[c], &column->children[c], (size_t)i, copy);
        builder_list(builder);
        return;
    case TYPE_STRUCT:
        for (size_t c = 0; c < builder->type->field_count; c++)
            put(&builder->children[c], &column->children[c], row, copy);
        builder_struct(builder);
        return;
    case TYPE_BOOLEAN:
    case TYPE_BYTE:
    case TYPE_SHORT:
    case TYPE_INT:
    case TYPE_LONG:
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
    case TYPE_DECIMAL:
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_NTZ:
    case TYPE_INTERVAL_YM:
    case TYPE_INTERVAL_DT:
    case TYPE_INTERVAL:
        break;
    }
    size_t width = type_width(builder->type);
    size_t at = room(builder);
    memcpy((uint8_t *)builder->data + at * width, (const uint8_t *)column->data + row * width,
           width);
}

void builder_value(struct builder *builder, const struct column *column, size_t row)
{
    put(builder, column, row, false);
}

void builder_copy(struct builder *builder, const struct column *column, size_t row)
{
    put(builder, column, row, true);
}

void builder_int(struct builder *builder, int32_t value)
{
    size_t row = room(builder);
    builder->ints[row] = value;
}

void builder_long(struct builder *builder, int64_t value)
{
    size_t row = room(builder);
    builder->longs[row] = value;
}

void builder_bool(struct builder *builder, bool value)
{
    size_t row = room(builder);
    builder->booleans[row] = value;
}

void builder_double(struct builder *builder, double value)
{
    size_t row = room(builder);
    builder->doubles[row] = value;
}

void builder_text(struct builder *builder, struct bytes value)
{
    size_t row = room(builder);
    builder->strings[row] = value;
}

void builder_list(struct builder *builder)
{
    size_t row = room(builder);
    builder->offsets[row + 1] = (int32_t)builder->children[0].count;
}

void builder_struct(struct builder *builder)
{
    (void)room(builder);
}

void builder_finish(struct builder *builder, struct column *out)
{
    *out = (struct column){.type = builder->type, .count = builder->count, .valid = builder->valid};
    out->data = builder->data;
    if (builder->type->field_count) {
        out->children = ARENA_ARRAY(builder->arena, struct column, builder->type->field_count);
        for (size_t i = 0; i < builder->type->field_count; i++)
            builder_finish(&builder->children[i], &out->children[i]);
    }
}
