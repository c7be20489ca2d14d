// SPDX-License-Identifier: Apache-2.0
#include "data/column.h"

#include <assert.h>

size_t type_width(const struct type *type)
{
    static const uint8_t widths[] = {
        [TYPE_NULL] = 0,
        [TYPE_BOOLEAN] = 1,
        [TYPE_BYTE] = 1,
        [TYPE_SHORT] = 2,
        [TYPE_INT] = 4,
        [TYPE_LONG] = 8,
        [TYPE_FLOAT] = 4,
        [TYPE_DOUBLE] = 8,
        [TYPE_DECIMAL] = 16,
        [TYPE_STRING] = sizeof(struct bytes),
        [TYPE_BINARY] = sizeof(struct bytes),
        [TYPE_DATE] = 4,
        [TYPE_TIMESTAMP] = 8,
        [TYPE_TIMESTAMP_NTZ] = 8,
        [TYPE_INTERVAL_YM] = 4,
        [TYPE_INTERVAL_DT] = 8,
        [TYPE_INTERVAL] = sizeof(struct interval),
        [TYPE_ARRAY] = 4,
        [TYPE_MAP] = 4,
        [TYPE_STRUCT] = 0,
    };
    return widths[type->kind];
}

static bool is_list(const struct type *type)
{
    return type->kind == TYPE_ARRAY || type->kind == TYPE_MAP;
}

// Everything but the children and the contents of data.
static void prepare(struct column *column, struct arena *arena, const struct type *type,
                    size_t count)
{
    *column = (struct column){.type = type, .count = count};
    size_t width = type_width(type);
    if (width)
        column->data = arena_alloc(arena, width * (count + is_list(type)));
    if (type->field_count)
        column->children = ARENA_ARRAY(arena, struct column, type->field_count);
}

void column_init(struct column *column, struct arena *arena, const struct type *type, size_t count)
{
    prepare(column, arena, type, count);
    if (column->data)
        memset(column->data, 0, type_width(type) * (count + is_list(type)));
    for (size_t i = 0; i < type->field_count; i++)
        column_init(&column->children[i], arena, type->fields[i].type,
                    type->kind == TYPE_STRUCT ? count : 0);
}

static void make_valid(struct column *column, struct arena *arena)
{
    column->valid = arena_alloc(arena, column->count + 1);
    memset(column->valid, 1, column->count);
}

void column_set_null(struct column *column, struct arena *arena, size_t row)
{
    if (column->type->kind == TYPE_NULL)
        return;
    if (!column->valid)
        make_valid(column, arena);
    column->valid[row] = 0;
    size_t width = type_width(column->type);
    if (width && !is_list(column->type))
        memset((uint8_t *)column->data + row * width, 0, width);
}

#define GATHER(type_t)                     \
    do {                                   \
        const type_t *source = from->data; \
        type_t *target = out->data;        \
        for (size_t i = 0; i < count; i++) \
            target[i] = source[rows[i]];   \
    } while (0)

struct interval_slot { // 16 bytes that need no alignment of 16
    uint64_t low, high;
};

static void gather_values(struct column *out, const struct column *from, const uint32_t *rows,
                          size_t count)
{
    switch (type_width(out->type)) {
    case 1:
        GATHER(uint8_t);
        break;
    case 2:
        GATHER(uint16_t);
        break;
    case 4:
        GATHER(uint32_t);
        break;
    case 8:
        GATHER(uint64_t);
        break;
    case 16:
        GATHER(struct interval_slot);
        break;
    default:
        break;
    }
}

static void gather_lists(struct column *out, struct arena *arena, const struct column *from,
                         const uint32_t *rows, size_t count)
{
    int64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        size_t row = rows ? rows[i] : i;
        out->offsets[i] = (int32_t)total;
        total += from->offsets[row + 1] - from->offsets[row];
        assert(total <= INT32_MAX);
    }
    out->offsets[count] = (int32_t)total;
    uint32_t *items = arena_alloc(arena, (size_t)total * sizeof *items);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        size_t row = rows ? rows[i] : i;
        for (int32_t item = from->offsets[row]; item < from->offsets[row + 1]; item++)
            items[at++] = (uint32_t)item;
    }
    for (size_t i = 0; i < out->type->field_count; i++)
        column_gather(&out->children[i], arena, &from->children[i], items, (size_t)total);
}

void column_gather(struct column *out, struct arena *arena, const struct column *from,
                   const uint32_t *rows, size_t count)
{
    prepare(out, arena, from->type, count);
    if (from->valid) {
        out->valid = arena_alloc(arena, count + 1);
        for (size_t i = 0; i < count; i++)
            out->valid[i] = from->valid[rows ? rows[i] : i];
    }
    if (is_list(from->type)) {
        gather_lists(out, arena, from, rows, count);
        return;
    }
    if (out->data && !rows && count)
        memcpy(out->data, from->data, count * type_width(from->type));
    else if (out->data)
        gather_values(out, from, rows, count);
    for (size_t i = 0; i < from->type->field_count; i++)
        column_gather(&out->children[i], arena, &from->children[i], rows, count);
}

static void concat_valid(struct column *out, struct arena *arena, const struct column *const *parts,
                         size_t part_count)
{
    bool nulls = false;
    for (size_t p = 0; p < part_count; p++)
        nulls |= parts[p]->valid != NULL || parts[p]->type->kind == TYPE_NULL;
    if (!nulls || out->type->kind == TYPE_NULL)
        return;
    make_valid(out, arena);
    size_t at = 0;
    for (size_t p = 0; p < part_count; at += parts[p++]->count) {
        if (parts[p]->type->kind == TYPE_NULL)
            memset(out->valid + at, 0, parts[p]->count);
        else if (parts[p]->valid)
            memcpy(out->valid + at, parts[p]->valid, parts[p]->count);
    }
}

// Lists whose items are exactly what their offsets cover, so that items can be appended whole.
static const struct column *tight(struct arena *arena, const struct column *part)
{
    assert(!is_list(part->type) || part->children);
    if (!is_list(part->type) ||
        (part->offsets[0] == 0 && (size_t)part->offsets[part->count] == part->children[0].count))
        return part;
    struct column *copy = ARENA_NEW(arena, struct column);
    column_gather(copy, arena, part, NULL, part->count);
    return copy;
}

static void concat_offsets(struct column *out, const struct column *const *parts, size_t part_count)
{
    size_t at = 0;
    int64_t base = 0;
    for (size_t p = 0; p < part_count; p++) {
        bool none = parts[p]->type->kind == TYPE_NULL;
        for (size_t i = 0; i < parts[p]->count; i++)
            out->offsets[at++] = (int32_t)(base + (none ? 0 : parts[p]->offsets[i]));
        base += none ? 0 : (int64_t)parts[p]->children[0].count;
        assert(base <= INT32_MAX);
    }
    out->offsets[at] = (int32_t)base;
}

static void concat_children(struct column *out, struct arena *arena,
                            const struct column *const *parts, size_t part_count)
{
    const struct type *type = out->type;
    const struct column **inner = ARENA_ARRAY(arena, const struct column *, part_count + 1);
    for (size_t f = 0; f < type->field_count; f++) {
        for (size_t p = 0; p < part_count; p++) {
            inner[p] = &parts[p]->children[f];
            if (parts[p]->type->kind != TYPE_NULL)
                continue;
            struct column *none = ARENA_NEW(arena, struct column);
            column_init(none, arena, type->fields[f].type, is_list(type) ? 0 : parts[p]->count);
            inner[p] = none;
        }
        column_concat(&out->children[f], arena, inner, part_count);
    }
}

void column_concat(struct column *out, struct arena *arena, const struct column *const *parts,
                   size_t part_count)
{
    const struct type *type = part_count ? parts[0]->type : &type_null;
    const struct column **whole = ARENA_ARRAY(arena, const struct column *, part_count + 1);
    size_t count = 0;
    for (size_t p = 0; p < part_count; p++) {
        count += parts[p]->count;
        whole[p] = tight(arena, parts[p]);
        if (type->kind == TYPE_NULL)
            type = parts[p]->type;
    }
    column_init(out, arena, type, count);
    concat_valid(out, arena, whole, part_count);
    if (is_list(type))
        concat_offsets(out, whole, part_count);
    size_t width = is_list(type) ? 0 : type_width(type), at = 0;
    for (size_t p = 0; p < part_count && width; at += whole[p++]->count)
        if (whole[p]->count && whole[p]->type->kind != TYPE_NULL)
            memcpy((uint8_t *)out->data + at * width, whole[p]->data, whole[p]->count * width);
    if (type->field_count && part_count)
        concat_children(out, arena, whole, part_count);
}
