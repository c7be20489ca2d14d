// SPDX-License-Identifier: Apache-2.0
//
// Reading rows. Keys of a partition come in the order deletions, static row, rows (keys.h), so one
// pass is enough: what comes first covers or completes what follows. A key read takes only the
// stretches it needs; a token read is one long walk that begins anew at each change of the key's
// prefix.
//
// A row lives while its marker or one of its cells lives; what a partition or range deletion covers
// (timestamp <= its own) was already not there when row_merge() did not know of it, so it is hidden
// here.

#include "tables/tables_int.h"

#include "base/mem.h"
#include "tables/keys.h"

#include <stdlib.h>

struct range_deletion {
    struct bytes lower, upper;
    struct tombstone deletion;
};

struct reading {
    const struct read *read;
    const struct table_schema *table;
    const struct table_node *node;
    uint32_t table_id;
    struct diag *diag;
    bool stop;

    // the partition
    bool inside;
    bool skip; // the rest of it is not wanted
    struct str prefix;
    struct str partition_key;
    struct arena partition_arena;
    struct tombstone deletion;
    VEC(struct range_deletion) ranges;
    bool static_live;
    bool any_row;       // a live one, also if a test refused it
    uint32_t given_out; // rows

    // the row
    struct arena row_arena;
    struct str scratch;
    VEC(struct cell) cells;
    struct bytes *values;
    int64_t *ts;
    int32_t *ttl;
};

static err_t damaged(const struct reading *reading)
{
    return FAIL(reading->diag, ERR_CORRUPT, "a stored row of table %s.%s is damaged",
                reading->table->keyspace, reading->table->name);
}

static bool wants(const struct reading *reading, size_t column)
{
    return !reading->read->count && (!reading->read->wanted || reading->read->wanted[column]);
}

// --- one value ---

static _Thread_local const struct cql_type *sort_type;

static int by_element(const void *a, const void *b)
{
    return cql_value_compare(sort_type, ((const struct cell *)a)->path,
                             ((const struct cell *)b)->path);
}

// Paths come in byte order, which is not the order of every type.
static void sort_elements(struct reading *reading, const struct cql_type *type)
{
    if (type->kind == CQL_LIST)
        return;
    sort_type = type->params[0];
    for (size_t i = 1; i < reading->cells.count; i++) {
        if (by_element(&reading->cells.items[i - 1], &reading->cells.items[i]) > 0) {
            qsort(reading->cells.items, reading->cells.count, sizeof *reading->cells.items,
                  by_element);
            return;
        }
    }
}

static struct bytes build_collection(struct reading *reading, const struct cql_type *type,
                                     struct arena *arena)
{
    sort_elements(reading, type);
    str_clear(&reading->scratch);
    size_t begin = cql_items_begin(&reading->scratch);
    for (size_t i = 0; i < reading->cells.count; i++) {
        const struct cell *cell = &reading->cells.items[i];
        if (type->kind != CQL_LIST)
            cql_items_add(&reading->scratch, cell->path);
        if (type->kind != CQL_SET)
            cql_items_add(&reading->scratch, cell->value);
    }
    cql_items_end(&reading->scratch, begin, reading->cells.count);
    return arena_bytes(arena, str_bytes(&reading->scratch));
}

static void set_times(struct reading *reading, size_t slot, const struct cell *cell)
{
    reading->ts[slot] = cell->ts;
    reading->ttl[slot] = cell->ttl_s ? (int32_t)(cell->expiry_s - reading->read->now_s) : 0;
}

// True when an element lives.
static bool take_collection(struct reading *reading, struct row_reader *reader,
                            const struct row_column *column, size_t slot, int64_t covered,
                            struct arena *arena)
{
    struct cell cell;
    int64_t from = column->deletion.ts > covered ? column->deletion.ts : covered;
    bool live = false;
    bool wanted = slot != NO_SLOT && wants(reading, slot);
    vec_clear(&reading->cells);
    while (row_next_cell(reader, &cell)) {
        if (slot == NO_SLOT || cell.ts <= from || !cell_is_live(&cell, reading->read->now_s))
            continue;
        live = true;
        if (wanted)
            vec_push(&reading->cells, cell);
    }
    if (live && wanted) {
        reading->values[slot] =
            build_collection(reading, reading->table->columns[slot].type, arena);
        set_times(reading, slot, &reading->cells.items[0]);
    }
    return live;
}

// --- one row ---

// Puts the cells of `value` that live into reading->values; *live tells whether the row does.
// Collections are built in `arena`, the rest points into `value`.
static err_t decode(struct reading *reading, struct bytes value, int64_t covered,
                    struct arena *arena, bool *live)
{
    const struct table_node *node = reading->node;
    struct row_reader reader;
    *live = false;
    if (!row_open(&reader, value))
        return damaged(reading);
    if (reader.deletion.ts > covered)
        covered = reader.deletion.ts;
    if (reader.has_marker && reader.marker.ts > covered &&
        cell_is_live(&reader.marker, reading->read->now_s))
        *live = true;
    if (*live && reading->read->count)
        return ERR_OK;
    struct row_column column;
    while (row_next(&reader, &column)) {
        size_t slot = column.id < node->slot_count ? node->slots[column.id] : NO_SLOT;
        if (column.many) {
            *live |= take_collection(reading, &reader, &column, slot, covered, arena);
            continue;
        }
        if (slot == NO_SLOT || column.cell.ts <= covered ||
            !cell_is_live(&column.cell, reading->read->now_s))
            continue;
        if (wants(reading, slot)) {
            reading->values[slot] = column.cell.value;
            set_times(reading, slot, &column.cell);
        }
        *live |= reading->table->columns[slot].kind >= COLUMN_STATIC;
    }
    return reader.failed ? damaged(reading) : ERR_OK;
}

static void clear_values(struct reading *reading, enum column_kind from, enum column_kind to)
{
    for (size_t i = 0; i < reading->table->column_count; i++) {
        enum column_kind kind = reading->table->columns[i].kind;
        if (kind < from || kind > to)
            continue;
        reading->values[i] = BYTES_NULL;
        reading->ts[i] = INT64_MIN;
        reading->ttl[i] = 0;
    }
}

static err_t take_clustering(struct reading *reading, struct bytes clustering)
{
    const struct table_schema *table = reading->table;
    size_t first = table->partition_count, end = first + table->clustering_count;
    while (end > first && !wants(reading, end - 1))
        end--;
    size_t offsets[64];
    str_clear(&reading->scratch);
    for (size_t i = first; i < end; i++) {
        offsets[(i - first) % 64] = reading->scratch.size;
        if (i - first >= 64 || !key_component_take(&clustering, table->columns[i].type,
                                                   table->columns[i].descending, &reading->scratch))
            return damaged(reading);
    }
    struct bytes all = arena_bytes(&reading->row_arena, str_bytes(&reading->scratch));
    for (size_t i = first; i < end; i++) {
        size_t from = offsets[i - first], to = i + 1 < end ? offsets[i + 1 - first] : all.size;
        reading->values[i] = bytes_make(all.ptr + from, to - from);
    }
    return ERR_OK;
}

// Gives the row in reading->values to the caller, if the tests let it pass.
static void give_out(struct reading *reading, struct bytes clustering)
{
    const struct read *read = reading->read;
    if (read->count) {
        (*read->count)++;
    } else {
        for (size_t i = 0; i < read->test_count; i++)
            if (!where_test_passes(&read->tests[i], reading->values))
                return;
        struct read_row row = {.values = reading->values,
                               .ts = reading->ts,
                               .ttl = reading->ttl,
                               .partition_key = str_bytes(&reading->partition_key),
                               .clustering = clustering,
                               .partition_rows = reading->given_out + 1};
        reading->stop = !read->row(read->ctx, &row);
    }
    reading->given_out++;
    if (read->distinct || (read->partition_limit && reading->given_out >= read->partition_limit))
        reading->skip = true;
}

static int64_t covered_at(const struct reading *reading, struct bytes clustering)
{
    int64_t ts = reading->deletion.ts;
    for (size_t i = 0; i < reading->ranges.count; i++) {
        const struct range_deletion *range = &reading->ranges.items[i];
        if (range->deletion.ts > ts && bytes_compare(clustering, range->lower) >= 0 &&
            (range->upper.size == 0 || bytes_compare(clustering, range->upper) < 0))
            ts = range->deletion.ts;
    }
    return ts;
}

static err_t take_row(struct reading *reading, struct bytes clustering, struct bytes value)
{
    bool live;
    if (!reading->read->count) {
        arena_clear(&reading->row_arena);
        clear_values(reading, COLUMN_CLUSTERING, COLUMN_CLUSTERING);
        clear_values(reading, COLUMN_REGULAR, COLUMN_REGULAR);
        TRY(take_clustering(reading, clustering));
    }
    TRY(decode(reading, value, covered_at(reading, clustering), &reading->row_arena, &live));
    if (live) {
        reading->any_row = true;
        give_out(reading, clustering);
    }
    return ERR_OK;
}

// --- one partition ---

static void enter(struct reading *reading, struct bytes prefix, struct bytes escaped)
{
    str_clear(&reading->prefix);
    str_append_bytes(&reading->prefix, prefix);
    reading->inside = true;
    reading->skip = reading->any_row = reading->static_live = false;
    reading->given_out = 0;
    reading->deletion = TOMBSTONE_NONE;
    vec_clear(&reading->ranges);
    if (reading->read->count)
        return;
    arena_clear(&reading->partition_arena);
    str_clear(&reading->partition_key);
    key_unescape(&reading->partition_key, escaped);
    clear_values(reading, COLUMN_PARTITION_KEY, COLUMN_REGULAR);
    str_reserve(&reading->partition_key, 1);
    if (!partition_key_split(reading->values, reading->table->partition_count,
                             str_bytes(&reading->partition_key)))
        reading->skip = true;
}

// A partition of statics alone gives one row.
static void leave(struct reading *reading)
{
    if (reading->inside && !reading->skip && !reading->stop && reading->static_live &&
        !reading->any_row && !reading->read->skip_static_rows) {
        if (!reading->read->count) {
            clear_values(reading, COLUMN_CLUSTERING, COLUMN_CLUSTERING);
            clear_values(reading, COLUMN_REGULAR, COLUMN_REGULAR);
        }
        give_out(reading, BYTES_NULL);
    }
    reading->inside = false;
}

static err_t take_tombstone(struct reading *reading, enum key_kind kind, struct bytes clustering,
                            struct bytes value)
{
    struct row_reader reader;
    if (!row_open(&reader, value))
        return damaged(reading);
    if (kind == KEY_PARTITION_DELETION) {
        reading->deletion = tombstone_max(reading->deletion, reader.deletion);
        return ERR_OK;
    }
    struct range_deletion range = {.deletion = reader.deletion};
    if (!key_range_split(arena_bytes(&reading->partition_arena, clustering), &range.lower,
                         &range.upper))
        return damaged(reading);
    vec_push(&reading->ranges, range);
    return ERR_OK;
}

static err_t take_static(struct reading *reading, struct bytes value)
{
    struct bytes kept =
        reading->read->count ? value : arena_bytes(&reading->partition_arena, value);
    TRY(decode(reading, kept, reading->deletion.ts, &reading->partition_arena,
               &reading->static_live));
    return ERR_OK;
}

static err_t take_key(struct reading *reading, enum key_kind kind, struct bytes clustering,
                      struct bytes value)
{
    if (kind == KEY_ROW)
        return take_row(reading, clustering, value);
    if (kind == KEY_STATIC)
        return take_static(reading, value);
    return take_tombstone(reading, kind, clustering, value);
}

static void reading_begin(struct reading *reading, const struct read *read, struct diag *diag)
{
    size_t columns = read->table->column_count;
    *reading = (struct reading){.read = read,
                                .table = read->table,
                                .node = table_node_of(read->table),
                                .table_id = table_storage_of(read->table)->id,
                                .diag = diag,
                                .deletion = TOMBSTONE_NONE,
                                .partition_arena = ARENA_INIT,
                                .row_arena = ARENA_INIT};
    reading->values = mem_zalloc(columns * sizeof *reading->values + 1);
    reading->ts = mem_zalloc(columns * sizeof *reading->ts + 1);
    reading->ttl = mem_zalloc(columns * sizeof *reading->ttl + 1);
}

static void reading_end(struct reading *reading)
{
    mem_free(reading->values);
    mem_free(reading->ts);
    mem_free(reading->ttl);
    str_release(&reading->prefix);
    str_release(&reading->partition_key);
    str_release(&reading->scratch);
    vec_release(&reading->ranges);
    vec_release(&reading->cells);
    arena_release(&reading->partition_arena);
    arena_release(&reading->row_arena);
}

// --- reading by key ---

// Where an iterator goes: bounds, and from `from` on.
static err_t walk(struct reading *reading, struct bytes lower, struct bytes upper, bool reversed)
{
    const struct read *read = reading->read;
    struct kv_iter *iter = kv_iter_open(
        read->tables->kv,
        &(struct kv_iter_options){
            .lower = lower, .upper = upper, .snapshot = read->snapshot, .prefix = !reversed});
    err_t err = ERR_OK;
    size_t prefix = reading->prefix.size;
    if (reversed)
        kv_iter_last(iter);
    else
        kv_iter_first(iter);
    while (!err && !reading->stop && !reading->skip && kv_iter_valid(iter)) {
        struct bytes key = kv_iter_key(iter);
        if (key.size <= prefix)
            err = damaged(reading);
        else
            err = take_key(reading, (enum key_kind)key.ptr[prefix],
                           bytes_make(key.ptr + prefix + 1, key.size - prefix - 1),
                           kv_iter_value(iter));
        if (reversed)
            kv_iter_prev(iter);
        else
            kv_iter_next(iter);
    }
    if (!err)
        err = kv_iter_error(iter, reading->diag);
    kv_iter_close(iter);
    return err;
}

static void key_of(struct str *out, const struct reading *reading, enum key_kind kind,
                   struct bytes rest)
{
    str_clear(out);
    str_append(out, reading->prefix.ptr, reading->prefix.size);
    key_kind(out, kind);
    str_append_bytes(out, rest);
}

static err_t get_one(struct reading *reading, enum key_kind kind, struct bytes clustering)
{
    struct str key = {0};
    struct kv_value value = {0};
    key_of(&key, reading, kind, clustering);
    err_t err = kv_get(reading->read->tables->kv, reading->read->snapshot, KV_DATA, str_bytes(&key),
                       &value, reading->diag);
    if (!err && value.bytes.ptr)
        err = take_key(reading, kind, clustering, value.bytes);
    if (!err)
        kv_value_release(&value);
    str_release(&key);
    return err;
}

// Deletions and the static row of the partition.
static err_t read_head(struct reading *reading)
{
    unsigned flags = table_storage_of(reading->table)->flags;
    struct str from = {0}, to = {0};
    err_t err = ERR_OK;
    if (flags) {
        key_of(&from, reading, KEY_PARTITION_DELETION, BYTES_NULL);
        key_of(&to, reading, KEY_STATIC, BYTES_NULL);
        err = walk(reading, str_bytes(&from), str_bytes(&to), false);
    }
    str_release(&from);
    str_release(&to);
    if (!err && reading->table->static_count > 0)
        err = get_one(reading, KEY_STATIC, BYTES_NULL);
    return err;
}

static err_t read_interval(struct reading *reading, struct interval_bytes interval,
                           struct bytes behind)
{
    bool reversed = reading->read->reversed;
    struct str lower = {0}, upper = {0};
    if (interval.point)
        return behind.ptr && bytes_compare(interval.lower, behind) * (reversed ? -1 : 1) <= 0
                   ? ERR_OK
                   : get_one(reading, KEY_ROW, interval.lower);
    key_of(&lower, reading, KEY_ROW, interval.lower);
    key_of(&upper, reading, KEY_ROW, interval.upper);
    if (behind.ptr && reversed && bytes_compare(behind, interval.upper) < 0)
        key_of(&upper, reading, KEY_ROW, behind);
    if (behind.ptr && !reversed && bytes_compare(behind, interval.lower) >= 0) {
        key_of(&lower, reading, KEY_ROW, behind);
        str_append_byte(&lower, (char)KEY_AFTER);
    }
    err_t err = ERR_OK;
    if (bytes_compare(str_bytes(&lower), str_bytes(&upper)) < 0)
        err = walk(reading, str_bytes(&lower), str_bytes(&upper), reversed);
    str_release(&lower);
    str_release(&upper);
    return err;
}

static err_t read_partition(struct reading *reading, struct bytes partition_key,
                            const struct where_lists *lists)
{
    const struct read *read = reading->read;
    struct str prefix = {0};
    key_partition(&prefix, reading->table_id, partition_key);
    enter(reading, str_bytes(&prefix),
          bytes_make(prefix.ptr + KEY_TOKEN_BYTES, prefix.size - KEY_TOKEN_BYTES));
    str_release(&prefix);
    struct bytes behind = BYTES_NULL;
    if (read->from.partition_key.ptr && bytes_equal(read->from.partition_key, partition_key)) {
        behind = read->from.clustering;
        reading->given_out = read->from.partition_rows;
        reading->any_row = behind.ptr != NULL;
    }
    TRY(read_head(reading));
    for (size_t i = 0; i < lists->intervals.count && !reading->stop && !reading->skip; i++) {
        size_t at = read->reversed ? lists->intervals.count - 1 - i : i;
        TRY(read_interval(reading, lists->intervals.items[at], behind));
    }
    leave(reading);
    return ERR_OK;
}

err_t read_keys(const struct read *read, const struct where_lists *lists, struct diag *diag)
{
    struct reading reading;
    reading_begin(&reading, read, diag);
    size_t first = 0;
    if (read->from.partition_key.ptr) {
        while (first < lists->keys.count &&
               !bytes_equal(lists->keys.items[first], read->from.partition_key))
            first++;
        first += read->from.partition_done;
    }
    err_t err = ERR_OK;
    for (size_t i = first; !err && i < lists->keys.count && !reading.stop; i++)
        err = read_partition(&reading, lists->keys.items[i], lists);
    reading_end(&reading);
    return err;
}

// --- reading by token ---

// Enters the partition of `key` if it is another one. False: the key does not belong to any.
static bool enter_of(struct reading *reading, struct bytes key, struct key_parts *parts)
{
    size_t prefix = reading->prefix.size;
    if (reading->inside && key.size > prefix && memcmp(key.ptr, reading->prefix.ptr, prefix) == 0) {
        parts->kind = (enum key_kind)key.ptr[prefix];
        parts->clustering = bytes_make(key.ptr + prefix + 1, key.size - prefix - 1);
        return true;
    }
    leave(reading);
    if (!key_split(parts, key))
        return false;
    enter(reading, bytes_make(key.ptr, parts->prefix_size), parts->escaped);
    return true;
}

static err_t take_from_scan(struct reading *reading, struct kv_iter *iter)
{
    struct key_parts parts;
    if (!enter_of(reading, kv_iter_key(iter), &parts))
        return damaged(reading);
    if (reading->stop)
        return ERR_OK;
    if (!reading->skip)
        TRY(take_key(reading, parts.kind, parts.clustering, kv_iter_value(iter)));
    if (reading->skip && !reading->stop) {
        struct str next = {0};
        key_of(&next, reading, (enum key_kind)KEY_AFTER, BYTES_NULL);
        kv_iter_seek(iter, str_bytes(&next));
        str_release(&next);
    } else {
        kv_iter_next(iter);
    }
    return ERR_OK;
}

// Goes to where the last page ended: the partition's head is read again, its rows up to there are
// not.
static err_t resume(struct reading *reading, struct kv_iter *iter)
{
    const struct read_position *from = &reading->read->from;
    struct str key = {0};
    key_partition(&key, reading->table_id, from->partition_key);
    size_t prefix = key.size;
    err_t err = ERR_OK;
    if (from->partition_done) {
        str_append_byte(&key, (char)KEY_AFTER);
        kv_iter_seek(iter, str_bytes(&key));
        str_release(&key);
        return ERR_OK;
    }
    enter(reading, str_bytes(&key),
          bytes_make(key.ptr + KEY_TOKEN_BYTES, prefix - KEY_TOKEN_BYTES));
    kv_iter_seek(iter, str_bytes(&key));
    while (!err && kv_iter_valid(iter)) {
        struct key_parts parts;
        struct bytes at = kv_iter_key(iter);
        if (at.size <= prefix || memcmp(at.ptr, key.ptr, prefix) != 0 || at.ptr[prefix] >= KEY_ROW)
            break;
        if (!enter_of(reading, at, &parts))
            err = damaged(reading);
        else
            err = take_key(reading, parts.kind, parts.clustering, kv_iter_value(iter));
        kv_iter_next(iter);
    }
    reading->given_out = from->partition_rows;
    reading->any_row = true;
    key_of(&key, reading, KEY_ROW, from->clustering);
    str_append_byte(&key, (char)KEY_AFTER);
    kv_iter_seek(iter, str_bytes(&key));
    str_release(&key);
    return err;
}

static void token_bounds(const struct reading *reading, int64_t first, int64_t last,
                         struct str *lower, struct str *upper)
{
    key_token(lower, reading->table_id, first);
    if (last == INT64_MAX)
        key_table(upper, reading->table_id + 1);
    else
        key_token(upper, reading->table_id, last + 1);
}

err_t read_tokens(const struct read *read, int64_t first, int64_t last, struct diag *diag)
{
    if (first > last)
        return ERR_OK;
    struct reading reading;
    struct str lower = {0}, upper = {0};
    reading_begin(&reading, read, diag);
    token_bounds(&reading, first, last, &lower, &upper);
    struct kv_iter *iter =
        kv_iter_open(read->tables->kv, &(struct kv_iter_options){.lower = str_bytes(&lower),
                                                                 .upper = str_bytes(&upper),
                                                                 .snapshot = read->snapshot,
                                                                 .scan = read->scan});
    err_t err = ERR_OK;
    if (read->from.partition_key.ptr)
        err = resume(&reading, iter);
    else
        kv_iter_first(iter);
    while (!err && !reading.stop && kv_iter_valid(iter))
        err = take_from_scan(&reading, iter);
    if (!err)
        err = kv_iter_error(iter, diag);
    if (!err)
        leave(&reading);
    kv_iter_close(iter);
    str_release(&lower);
    str_release(&upper);
    reading_end(&reading);
    return err;
}
