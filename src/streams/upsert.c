// SPDX-License-Identifier: Apache-2.0
//
// A key is compared as the texts of its columns, each behind its length. Going from the last row to
// the first, a row stays when its key was not met yet.
#include "streams/upsert.h"

#include "base/map.h"
#include "data/cast.h"

#include <strings.h>

MAP_DEFINE(key_set, struct bytes, bool, bytes_hash, bytes_equal);

enum {
    KEY_COLUMNS_MAX = 64,
};

struct keys {
    size_t count;
    size_t columns[KEY_COLUMNS_MAX]; // of the batch
};

static void find_keys(struct keys *keys, const struct batch *batch, const struct table_info *table)
{
    for (size_t c = 0; c < table->column_count && keys->count < KEY_COLUMNS_MAX; c++) {
        enum table_column_kind kind = table->columns[c].kind;
        if (kind != TABLE_PARTITION_KEY && kind != TABLE_CLUSTERING_KEY)
            continue;
        for (size_t i = 0; i < batch->column_count; i++)
            if (strcasecmp(batch->names[i], table->columns[c].name) == 0)
                keys->columns[keys->count++] = i;
    }
}

static struct bytes key_of(const struct keys *keys, const struct batch *batch, size_t row,
                           struct str *text)
{
    static const struct cast_options plain = {0};
    str_clear(text);
    for (size_t k = 0; k < keys->count; k++) {
        const struct column *column = &batch->columns[keys->columns[k]];
        uint32_t size = UINT32_MAX; // null
        size_t at = text->size;
        str_append(text, &size, sizeof size);
        if (column_is_null(column, row))
            continue;
        cast_value_text(text, column, row, &plain);
        size = (uint32_t)(text->size - at - sizeof size);
        memcpy(text->ptr + at, &size, sizeof size);
    }
    return bytes_make(str_text(text), text->size);
}

static void keep_rows(struct batch *batch, const uint32_t *rows, size_t count, struct arena *arena)
{
    struct column *columns = ARENA_ARRAY(arena, struct column, batch->column_count + 1);
    for (size_t i = 0; i < batch->column_count; i++)
        column_gather(&columns[i], arena, &batch->columns[i], rows, count);
    batch->columns = columns;
    batch->count = count;
}

static void keep_last(struct batch *batch, const struct keys *keys, struct key_set *seen,
                      struct str *text, struct arena *arena)
{
    uint32_t *rows = ARENA_ARRAY(arena, uint32_t, batch->count + 1);
    size_t first = batch->count;
    for (size_t row = batch->count; row-- > 0;) {
        struct bytes key = key_of(keys, batch, row, text);
        if (key_set_get(seen, key))
            continue;
        key_set_put(seen, arena_bytes(arena, key), NULL);
        rows[--first] = (uint32_t)row;
    }
    if (first > 0)
        keep_rows(batch, rows + first, batch->count - first, arena);
}

void upsert_keep_last(struct batch *batches, size_t count, const struct table_info *table,
                      struct arena *arena)
{
    struct keys keys = {0};
    struct key_set seen = {0};
    struct str text = {0};
    if (count)
        find_keys(&keys, &batches[0], table);
    for (size_t i = count; keys.count && i-- > 0;)
        keep_last(&batches[i], &keys, &seen, &text, arena);
    key_set_release(&seen);
    str_release(&text);
}
