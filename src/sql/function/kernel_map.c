// SPDX-License-Identifier: Apache-2.0
//
// Maps, and the element of an array or a map. A map that is a literal is hashed once per run, so a
// lookup in a word list of thousands costs as much as in one of ten.
#include "sql/function_rules.h"

#include "base/hash.h"
#include "sql/exec/builder.h"
#include "sql/exec/value.h"

struct map_index {
    bool built;
    uint32_t *slots; // entry + 1; 0 = free
    size_t capacity;
};

#define MAP_INDEX_MIN 8

static struct map_index *index_of(struct call *call)
{
    const struct vector *map = &call->args[0];
    if (call->expr->args[0]->kind != EXPR_LITERAL || vector_null(map, 0) ||
        map->column.offsets[1] - map->column.offsets[0] < MAP_INDEX_MIN)
        return NULL;
    struct map_index *index = call_state(call, sizeof *index);
    if (index->built)
        return index;
    index->built = true;
    int32_t from = map->column.offsets[0];
    int32_t to = map->column.offsets[1];
    index->capacity = 16;
    while (index->capacity < (size_t)(to - from) * 2)
        index->capacity *= 2;
    index->slots = ARENA_ARRAY(call_run_arena(call), uint32_t, index->capacity);
    for (int32_t i = from; i < to; i++) {
        size_t at = value_hash(&map->column.children[0], (size_t)i) & (index->capacity - 1);
        while (index->slots[at])
            at = (at + 1) & (index->capacity - 1);
        index->slots[at] = (uint32_t)i + 1;
    }
    return index;
}

// The entry of a key in row `row` of the map; -1 when it has none.
static int32_t entry_of(const struct call *call, const struct map_index *index, size_t row)
{
    const struct vector *map = &call->args[0];
    const struct column *keys = &map->column.children[0];
    const struct column *key = &call->args[1].column;
    size_t at_key = vector_at(&call->args[1], row);
    if (index && key->type->kind == TYPE_STRING) {
        struct bytes text = key->strings[at_key];
        size_t at = hash_bytes(text.ptr, text.size) & (index->capacity - 1);
        for (; index->slots[at]; at = (at + 1) & (index->capacity - 1))
            if (bytes_equal(keys->strings[index->slots[at] - 1], text))
                return (int32_t)index->slots[at] - 1;
        return -1;
    }
    if (index) {
        size_t at = value_hash(key, at_key) & (index->capacity - 1);
        for (; index->slots[at]; at = (at + 1) & (index->capacity - 1))
            if (value_equal(keys, index->slots[at] - 1, key, at_key))
                return (int32_t)index->slots[at] - 1;
        return -1;
    }
    size_t at = vector_at(map, row);
    for (int32_t i = map->column.offsets[at]; i < map->column.offsets[at + 1]; i++)
        if (value_equal(keys, (size_t)i, key, at_key))
            return i;
    return -1;
}

// Gathers the values at `entries`; UINT32_MAX is NULL.
static void gather_entries(struct call *call, const struct column *values, const uint32_t *entries)
{
    size_t width = type_width(values->type);
    if (width && values->type->kind != TYPE_ARRAY && values->type->kind != TYPE_MAP) {
        for (size_t i = 0; i < call->count; i++) {
            if (entries[i] == UINT32_MAX || column_is_null(values, entries[i]))
                call_null(call, i);
            else
                memcpy((uint8_t *)call->out->data + i * width,
                       (const uint8_t *)values->data + entries[i] * width, width);
        }
        return;
    }
    struct builder builder;
    builder_init(&builder, call_arena(call), call->expr->type, call->count);
    for (size_t i = 0; i < call->count; i++)
        if (entries[i] == UINT32_MAX)
            builder_null(&builder);
        else
            builder_value(&builder, values, entries[i]);
    builder_finish(&builder, call->out);
}

static err_t map_lookup(struct call *call)
{
    struct map_index *index = index_of(call);
    uint32_t *entries = arena_alloc(call_arena(call), (call->count + 1) * sizeof *entries);
    for (size_t i = 0; i < call->count; i++)
        entries[i] = column_is_null(call->out, i) ? UINT32_MAX : (uint32_t)entry_of(call, index, i);
    gather_entries(call, &call->args[0].column.children[1], entries);
    return ERR_OK;
}

static err_t array_lookup(struct call *call, bool from_one)
{
    const struct vector *list = &call->args[0];
    uint32_t *entries = arena_alloc(call_arena(call), (call->count + 1) * sizeof *entries);
    bool ansi = call->eval->session->ansi && strncmp(call->expr->function->name, "try_", 4) != 0;
    for (size_t i = 0; i < call->count; i++) {
        entries[i] = UINT32_MAX;
        if (column_is_null(call->out, i))
            continue;
        size_t at = vector_at(list, i);
        int64_t size = list->column.offsets[at + 1] - list->column.offsets[at];
        int64_t place = vector_int(&call->args[1], i);
        if (from_one && place == 0)
            return call_fail(call, ERR_INVALID,
                             "[INVALID_INDEX_OF_ZERO] the index 0 is invalid: the first element "
                             "has index 1");
        if (from_one)
            place = place > 0 ? place - 1 : size + place;
        if (place >= 0 && place < size)
            entries[i] = (uint32_t)(list->column.offsets[at] + place);
        else if (ansi)
            return call_fail(call, ERR_INVALID,
                             "[INVALID_ARRAY_INDEX] the index is outside of the array of %lld "
                             "elements",
                             (long long)size);
    }
    gather_entries(call, &list->column.children[0], entries);
    return ERR_OK;
}

err_t kernel_subscript(struct call *call)
{
    return call->args[0].column.type->kind == TYPE_MAP ? map_lookup(call)
                                                       : array_lookup(call, false);
}

err_t kernel_element_at(struct call *call)
{
    return call->args[0].column.type->kind == TYPE_MAP ? map_lookup(call)
                                                       : array_lookup(call, true);
}

err_t kernel_map_contains_key(struct call *call)
{
    struct map_index *index = index_of(call);
    CALL_ROWS(call, i)
    call->out->booleans[i] = entry_of(call, index, i) >= 0;
    return ERR_OK;
}

// --- making maps
// -----------------------------------------------------------------------------------

// Closes the open row of the builder after a look for null and double keys in its entries from
// `from` on.
static err_t close_map(struct call *call, struct builder *builder, size_t from)
{
    struct column keys;
    builder_finish(&builder->children[0], &keys);
    size_t count = keys.count - from;
    size_t capacity = 16;
    while (capacity < count * 2)
        capacity *= 2;
    uint32_t small[64] = {0};
    uint32_t *slots = capacity <= 64 ? small : ARENA_ARRAY(call_arena(call), uint32_t, capacity);
    for (size_t i = from; i < keys.count; i++) {
        if (column_is_null(&keys, i))
            return call_fail(call, ERR_INVALID, "[NULL_MAP_KEY] a map cannot have a NULL key");
        size_t at = value_hash(&keys, i) & (capacity - 1);
        for (; slots[at]; at = (at + 1) & (capacity - 1))
            if (value_equal(&keys, slots[at] - 1, &keys, i))
                return call_fail(call, ERR_INVALID,
                                 "[DUPLICATED_MAP_KEY] a map cannot have the same key twice");
        slots[at] = (uint32_t)i + 1;
    }
    builder_list(builder);
    return ERR_OK;
}

err_t kernel_map(struct call *call)
{
    struct builder builder;
    builder_init(&builder, call_arena(call), call->expr->type, call->count);
    for (size_t i = 0; i < call->count; i++) {
        size_t from = builder.children[0].count;
        for (size_t a = 0; a < call->arg_count; a++)
            builder_value(&builder.children[a % 2], &call->args[a].column,
                          vector_at(&call->args[a], i));
        TRY(close_map(call, &builder, from));
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

err_t kernel_map_concat(struct call *call)
{
    struct builder builder;
    builder_init(&builder, call_arena(call), call->expr->type, call->count);
    for (size_t i = 0; i < call->count; i++) {
        if (column_is_null(call->out, i)) {
            builder_null(&builder);
            continue;
        }
        size_t from = builder.children[0].count;
        for (size_t a = 0; a < call->arg_count; a++) {
            const struct column *map = &call->args[a].column;
            size_t at = vector_at(&call->args[a], i);
            for (int32_t k = map->offsets[at]; k < map->offsets[at + 1]; k++)
                for (size_t c = 0; c < 2; c++)
                    builder_value(&builder.children[c], &map->children[c], (size_t)k);
        }
        TRY(close_map(call, &builder, from));
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

err_t kernel_map_from_arrays(struct call *call)
{
    struct builder builder;
    builder_init(&builder, call_arena(call), call->expr->type, call->count);
    for (size_t i = 0; i < call->count; i++) {
        if (column_is_null(call->out, i)) {
            builder_null(&builder);
            continue;
        }
        size_t from = builder.children[0].count;
        int32_t sizes[2];
        for (size_t c = 0; c < 2; c++) {
            const struct column *list = &call->args[c].column;
            size_t at = vector_at(&call->args[c], i);
            sizes[c] = list->offsets[at + 1] - list->offsets[at];
            for (int32_t k = list->offsets[at]; k < list->offsets[at + 1]; k++)
                builder_value(&builder.children[c], &list->children[0], (size_t)k);
        }
        if (sizes[0] != sizes[1])
            return call_fail(call, ERR_INVALID,
                             "map_from_arrays needs arrays of equal size, not %d and %d", sizes[0],
                             sizes[1]);
        TRY(close_map(call, &builder, from));
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

err_t kernel_map_from_entries(struct call *call)
{
    struct builder builder;
    builder_init(&builder, call_arena(call), call->expr->type, call->count);
    for (size_t i = 0; i < call->count; i++) {
        if (column_is_null(call->out, i)) {
            builder_null(&builder);
            continue;
        }
        size_t from = builder.children[0].count;
        const struct column *list = &call->args[0].column;
        size_t at = vector_at(&call->args[0], i);
        for (int32_t k = list->offsets[at]; k < list->offsets[at + 1]; k++)
            for (size_t c = 0; c < 2; c++)
                builder_value(&builder.children[c], &list->children[0].children[c], (size_t)k);
        TRY(close_map(call, &builder, from));
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

// map_keys, map_values: the children as they are.
err_t kernel_map_part(struct call *call)
{
    bool keys = strcmp(call->expr->function->name, "map_keys") == 0;
    const struct type *type = call->expr->type;
    uint8_t *valid = call->out->valid;
    *call->out = call->args[0].column;
    call->out->valid = valid;
    call->out->type = type;
    call->out->children = &call->args[0].column.children[keys ? 0 : 1];
    return ERR_OK;
}

err_t kernel_map_entries(struct call *call)
{
    const struct column *map = &call->args[0].column;
    const struct type *type = call->expr->type;
    struct column *record = ARENA_NEW(call_arena(call), struct column);
    record->type = type->fields[0].type;
    record->count = map->children[0].count;
    record->children = map->children;
    uint8_t *valid = call->out->valid;
    *call->out = *map;
    call->out->valid = valid;
    call->out->type = type;
    call->out->children = record;
    return ERR_OK;
}
