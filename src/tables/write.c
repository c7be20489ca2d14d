// SPDX-License-Identifier: Apache-2.0
//
// From a write statement to deltas: each row it touches gets one kv merge. Deltas never look at
// what is stored, except for counters and for list elements by index or value
// (write_plan.reads_first), whose caller holds the partition's stripe.
//
// List elements are told by a 16-byte path: 8 bytes of microseconds (sign bit flipped) and 8 of
// sequence, big-endian, so paths sort as the list does. Appended ones carry the write's time;
// prepended ones a time mirrored at LIST_MIRROR_US and a falling sequence, so that each stands
// before all earlier ones.

#include "tables/tables_int.h"

#include "base/metric.h"
#include "tables/keys.h"

#include <stdlib.h>

#define LIST_MIRROR_US INT64_C(1262304000000000) // 2010-01-01

struct cells {
    VEC(struct cell) all;
    struct tombstone deletion;
};

// --- times ---

static uint64_t be(struct bytes bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size; i++)
        value = value << 8 | bytes.ptr[i];
    return value;
}

static err_t eval_timestamp(struct write_context *context, const struct term *term,
                            struct diag *diag)
{
    struct bytes value;
    bool unset = false;
    TRY(term_eval(term, cql_type_scalar(CQL_BIGINT), "[timestamp]", &context->terms, &value, &unset,
                  diag));
    if (unset)
        return ERR_OK;
    if (value.size != 8)
        return FAIL(diag, ERR_INVALID, "Invalid null value of timestamp");
    context->ts = (int64_t)be(value);
    if (context->ts == INT64_MIN)
        return FAIL(diag, ERR_INVALID, "Out of bound timestamp, must be in [%lld, %lld]",
                    (long long)INT64_MIN + 1, (long long)INT64_MAX);
    return ERR_OK;
}

static err_t eval_ttl(struct write_context *context, const struct term *term, struct diag *diag)
{
    struct bytes value;
    bool unset = false;
    TRY(term_eval(term, cql_type_scalar(CQL_INT), "[ttl]", &context->terms, &value, &unset, diag));
    if (unset)
        return ERR_OK;
    if (!value.ptr) { // a null TTL is none at all
        context->ttl_s = 0;
        return ERR_OK;
    }
    if (value.size != 4)
        return FAIL(diag, ERR_INVALID, "Invalid value of ttl");
    int32_t ttl_s = (int32_t)be(value);
    if (ttl_s < 0)
        return FAIL(diag, ERR_INVALID, "A TTL must be greater or equal to 0, but was %d", ttl_s);
    if (ttl_s > TTL_MAX_S)
        return FAIL(diag, ERR_INVALID, "ttl is too large. requested (%d) maximum (%d)", ttl_s,
                    TTL_MAX_S);
    context->ttl_s = ttl_s;
    return ERR_OK;
}

err_t write_times(struct write_context *context, int64_t request_us,
                  const struct using *batch_using, struct diag *diag)
{
    const struct using *using = context->plan->write.using;
    context->ttl_s = context->plan->node->table.options.default_ttl_s;
    if (request_us != INT64_MIN)
        context->ts = request_us;
    if (batch_using && batch_using->timestamp)
        TRY(eval_timestamp(context, batch_using->timestamp, diag));
    if (using && using->timestamp)
        TRY(eval_timestamp(context, using->timestamp, diag));
    if (using && using->ttl)
        TRY(eval_ttl(context, using->ttl, diag));
    return ERR_OK;
}

err_t write_lists(const struct write_context *context, struct where_lists *out, struct diag *diag)
{
    return where_eval(&context->plan->write.where, &context->terms, out, diag);
}

// --- cells ---

static struct cell make_cell(const struct write_context *context, struct bytes value)
{
    struct cell cell = {.ts = context->ts, .value = value};
    if (!value.ptr) {
        cell.dead = true;
        cell.expiry_s = context->now_s;
    } else if (context->ttl_s) {
        cell.ttl_s = context->ttl_s;
        cell.expiry_s = context->now_s + context->ttl_s;
    }
    return cell;
}

static void add_cell(struct write_context *context, struct cells *cells, struct bytes path,
                     struct bytes value)
{
    struct cell cell = make_cell(context, value);
    cell.path = path;
    vec_push(&cells->all, cell);
}

static struct bytes list_path(struct write_context *context, int64_t us, bool falling)
{
    uint8_t *path = arena_alloc(context->terms.arena, 16);
    uint64_t sequence = (*context->list_sequence)++;
    uint64_t words[2] = {(uint64_t)us ^ UINT64_C(1) << 63, falling ? ~sequence : sequence};
    for (int i = 0; i < 16; i++)
        path[i] = (uint8_t)(words[i / 8] >> (56 - 8 * (i % 8)));
    return bytes_make(path, 16);
}

static struct bytes no_value(void)
{
    return bytes_make("", 0);
}

// Cells for the elements of a serialised collection.
static err_t add_elements(struct write_context *context, const struct column_meta *column,
                          struct bytes value, struct cells *cells, struct diag *diag)
{
    struct cql_items items = cql_items_of(column->type, value);
    struct bytes item, map_value;
    while (cql_items_next(&items, &item)) {
        if (!item.ptr)
            return FAIL(diag, ERR_INVALID, "null is not supported inside collections");
        if (column->type->kind == CQL_LIST) {
            add_cell(context, cells, list_path(context, context->terms.now_us, false), item);
        } else if (column->type->kind == CQL_SET) {
            add_cell(context, cells, item, no_value());
        } else {
            if (!cql_items_next(&items, &map_value) || !map_value.ptr)
                return FAIL(diag, ERR_INVALID, "null is not supported inside collections");
            add_cell(context, cells, item, map_value);
        }
    }
    return ERR_OK;
}

static void replace_all(struct write_context *context, struct cells *cells, int64_t ts)
{
    cells->deletion = tombstone_max(cells->deletion, (struct tombstone){ts, context->now_s});
}

static err_t prepend(struct write_context *context, const struct column_meta *column,
                     struct bytes value, struct cells *cells, struct diag *diag)
{
    // The sequence falls: walk the list backwards so that its first element gets the lowest path.
    VEC(struct bytes) all = {0};
    struct cql_items items = cql_items_of(column->type, value);
    struct bytes item;
    err_t err = ERR_OK;
    while (cql_items_next(&items, &item)) {
        if (!item.ptr)
            err = FAIL(diag, ERR_INVALID, "null is not supported inside collections");
        vec_push(&all, item);
    }
    int64_t us = 2 * LIST_MIRROR_US - context->terms.now_us;
    for (size_t i = all.count; !err && i-- > 0;)
        add_cell(context, cells, list_path(context, us, true), all.items[i]);
    vec_release(&all);
    return err;
}

// --- what must read first ---

// The live cells of a list, in order; they point into `value`.
static void live_cells(struct write_context *context, const struct column_meta *column,
                       struct bytes stored, struct cells *out)
{
    struct row_reader reader;
    struct row_column found;
    struct cell cell;
    if (!stored.ptr || !row_open(&reader, stored))
        return;
    while (row_next(&reader, &found)) {
        while (found.many && row_next_cell(&reader, &cell))
            if (found.id == column->id && cell_is_live(&cell, context->now_s))
                vec_push(&out->all, cell);
        if (!found.many && found.id == column->id && cell_is_live(&found.cell, context->now_s))
            vec_push(&out->all, found.cell);
    }
}

static err_t set_at(struct write_context *context, const struct write_op *op, struct bytes key,
                    struct bytes value, const struct cells *stored, struct cells *cells,
                    struct diag *diag)
{
    int32_t index = key.size == 4 ? (int32_t)be(key) : -1;
    if (stored->all.count == 0)
        return FAIL(diag, ERR_INVALID, "Attempted to %s an element on a list which is null",
                    op->remove ? "delete" : "set");
    if (index < 0 || (size_t)index >= stored->all.count)
        return FAIL(diag, ERR_INVALID, "List index %d out of bound, list has size %zu", index,
                    stored->all.count);
    add_cell(context, cells, stored->all.items[index].path, value);
    return ERR_OK;
}

static void remove_values(struct write_context *context, const struct column_meta *column,
                          struct bytes value, const struct cells *stored, struct cells *cells)
{
    const struct cql_type *element = column->type->params[0];
    for (size_t i = 0; i < stored->all.count; i++) {
        struct cql_items items = cql_items_of(column->type, value);
        struct bytes item;
        while (cql_items_next(&items, &item)) {
            if (item.ptr && cql_value_compare(element, item, stored->all.items[i].value) == 0) {
                add_cell(context, cells, stored->all.items[i].path, BYTES_NULL);
                break;
            }
        }
    }
}

static void count(struct write_context *context, enum assignment_kind kind, struct bytes value,
                  const struct cells *stored, struct cells *cells)
{
    uint64_t old = stored->all.count ? be(stored->all.items[0].value) : 0;
    uint64_t now = kind == ASSIGN_REMOVE ? old - be(value) : old + be(value);
    uint8_t *bytes = arena_alloc(context->terms.arena, 8);
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(now >> (56 - 8 * i));
    add_cell(context, cells, BYTES_NULL, bytes_make(bytes, 8));
    // Built on what is stored, so newer than it, whatever the clock says.
    struct cell *cell = &cells->all.items[cells->all.count - 1];
    if (stored->all.count && stored->all.items[0].ts >= cell->ts)
        cell->ts = stored->all.items[0].ts + 1;
}

// --- one assignment ---

static err_t remove_elements(struct write_context *context, const struct write_op *op,
                             struct bytes value, const struct cells *stored, struct cells *cells)
{
    if (op->column->type->kind == CQL_LIST) {
        remove_values(context, op->column, value, stored, cells);
        return ERR_OK;
    }
    struct cql_items items = cql_items_of(op->type, value);
    struct bytes item;
    while (cql_items_next(&items, &item))
        if (item.ptr)
            add_cell(context, cells, item, BYTES_NULL);
    return ERR_OK;
}

static err_t assign_element(struct write_context *context, const struct write_op *op,
                            struct bytes value, const struct cells *stored, struct cells *cells,
                            struct diag *diag)
{
    const struct cql_type *type = op->column->type;
    const struct cql_type *key_type =
        type->kind == CQL_LIST ? cql_type_scalar(CQL_INT) : type->params[0];
    struct bytes key;
    bool unset = false;
    TRY(term_eval(op->key, key_type, op->column->name, &context->terms, &key, &unset, diag));
    if (unset || !key.ptr)
        return FAIL(diag, ERR_INVALID, "Invalid %s value for %s %s", unset ? "unset" : "null",
                    type->kind == CQL_LIST ? "list index" : "map key", op->column->name);
    if (type->kind == CQL_LIST)
        return set_at(context, op, key, value, stored, cells, diag);
    add_cell(context, cells, key, value);
    return ERR_OK;
}

static err_t assign(struct write_context *context, const struct write_op *op,
                    const struct cells *stored, struct cells *cells, struct diag *diag)
{
    struct bytes value = BYTES_NULL;
    bool unset = false;
    if (op->value)
        TRY(term_eval(op->value, op->type, op->column->name, &context->terms, &value, &unset,
                      diag));
    if (unset)
        return ERR_OK;
    bool many = cql_type_is_multicell(op->column->type);
    if (op->column->type->kind == CQL_COUNTER && op->kind != ASSIGN_SET) {
        if (value.size != 8)
            return FAIL(diag, ERR_INVALID, "Invalid null value for counter increment/decrement");
        count(context, op->kind, value, stored, cells);
        return ERR_OK;
    }
    if (op->kind == ASSIGN_ELEMENT)
        return assign_element(context, op, value, stored, cells, diag);
    if (!many) {
        add_cell(context, cells, BYTES_NULL, value);
        return ERR_OK;
    }
    if (op->kind == ASSIGN_SET) {
        replace_all(context, cells, value.ptr ? context->ts - 1 : context->ts);
        return value.ptr ? add_elements(context, op->column, value, cells, diag) : ERR_OK;
    }
    if (!value.ptr)
        return ERR_OK; // c = c + null
    if (op->kind == ASSIGN_APPEND)
        return add_elements(context, op->column, value, cells, diag);
    if (op->kind == ASSIGN_PREPEND)
        return prepend(context, op->column, value, cells, diag);
    return remove_elements(context, op, value, stored, cells);
}

static int by_path(const void *a, const void *b)
{
    const struct cell *left = a, *right = b;
    int order = bytes_compare(left->path, right->path);
    return order ? order : -cell_compare(left, right); // the winner first
}

static void put_column(struct row_writer *row, const struct column_meta *column,
                       struct cells *cells)
{
    if (!cql_type_is_multicell(column->type)) {
        const struct cell *best = NULL;
        for (size_t i = 0; i < cells->all.count; i++)
            if (!best || cell_compare(&cells->all.items[i], best) > 0)
                best = &cells->all.items[i];
        if (best)
            row_cell(row, column->id, best);
        return;
    }
    if (cells->all.count == 0 && tombstone_is_none(cells->deletion))
        return;
    if (cells->all.count > 1)
        qsort(cells->all.items, cells->all.count, sizeof *cells->all.items, by_path);
    row_cells_begin(row, column->id, cells->deletion);
    for (size_t i = 0; i < cells->all.count; i++) {
        const struct cell *cell = &cells->all.items[i];
        bool shadowed = cell->ts <= cells->deletion.ts;
        if (!shadowed && (i == 0 || !bytes_equal(cell->path, cell[-1].path)))
            row_cells_add(row, cell);
    }
    row_cells_end(row);
}

// --- one row ---

// The ops of the static row or of the row, column by column.
static err_t put_ops(struct write_context *context, struct row_writer *row, bool statics,
                     struct bytes stored, struct diag *diag)
{
    const struct write_plan *write = &context->plan->write;
    struct cells cells = {.deletion = TOMBSTONE_NONE}, before = {.deletion = TOMBSTONE_NONE};
    err_t err = ERR_OK;
    for (size_t i = 0; !err && i < write->op_count;) {
        const struct column_meta *column = write->ops[i].column;
        bool mine = (column->kind == COLUMN_STATIC) == statics;
        vec_clear(&cells.all);
        vec_clear(&before.all);
        cells.deletion = TOMBSTONE_NONE;
        if (mine && write->reads_first)
            live_cells(context, column, stored, &before);
        for (; !err && i < write->op_count && write->ops[i].column == column; i++)
            if (mine)
                err = assign(context, &write->ops[i], &before, &cells, diag);
        if (mine && !err)
            put_column(row, column, &cells);
    }
    vec_release(&cells.all);
    vec_release(&before.all);
    return err;
}

// A decimal or varint clustering value is kept as it was written: its key form does not tell 1.0
// from 1.00.
static err_t put_originals(struct write_context *context, struct row_writer *row, struct diag *diag)
{
    const struct where_plan *where = &context->plan->write.where;
    for (size_t p = 0; p < where->prefix_count; p++) {
        const struct relation *relation = where->prefix[p];
        const struct column_meta *column = table_schema_column(where->table, relation->columns[0]);
        if (relation->target != RELATION_COLUMN || relation->op != RELATION_EQ ||
            !key_component_is_lossy(column->type))
            continue;
        struct cell cell = {.ts = context->ts};
        TRY(term_eval(relation->values[0], column->type, column->name, &context->terms, &cell.value,
                      NULL, diag));
        row_cell(row, column->id, &cell);
    }
    return ERR_OK;
}

static err_t build_row(struct write_context *context, struct bytes key, bool statics,
                       struct str *value, struct diag *diag)
{
    const struct write_plan *write = &context->plan->write;
    struct kv_value stored = {0};
    if (write->reads_first)
        TRY(kv_get(context->tables->kv, NULL, KV_DATA, key, &stored, diag));
    struct row_writer row;
    str_clear(value);
    row_begin(&row, value, context->ts);
    if (write->insert && !statics) {
        struct cell marker = make_cell(context, no_value());
        row_marker(&row, &marker);
    }
    err_t err = statics ? ERR_OK : put_originals(context, &row, diag);
    if (!err)
        err = put_ops(context, &row, statics, stored.bytes, diag);
    kv_value_release(&stored);
    if (err)
        return err;
    kv_merge(context->batch, key, str_bytes(value));
    metric_add(METRIC_TABLE_ROWS_WRITTEN, 1);
    return ERR_OK;
}

static void put_deletion(struct write_context *context, struct bytes key, struct str *value)
{
    struct row_writer row;
    str_clear(value);
    row_begin(&row, value, context->ts);
    row_deletion(&row, (struct tombstone){context->ts, context->now_s});
    kv_merge(context->batch, key, str_bytes(value));
}

// Deletes rows of the partition whose keys begin with key[0 .. prefix).
static void delete_rows(struct write_context *context, const struct where_lists *lists,
                        struct str *key, struct str *value)
{
    const struct write_plan *write = &context->plan->write;
    const struct table_schema *table = write->where.table;
    size_t prefix = key->size;
    if (table->clustering_count > 0 && !write->where.clustering_restricted) {
        key_kind(key, KEY_PARTITION_DELETION);
        catalog_flag(table, TABLE_HAS_PARTITION_DELETIONS, context->batch);
        put_deletion(context, str_bytes(key), value);
        return;
    }
    for (size_t i = 0; i < lists->intervals.count; i++) {
        const struct interval_bytes *interval = &lists->intervals.items[i];
        key->size = prefix;
        if (interval->point) {
            key_kind(key, KEY_ROW);
            str_append_bytes(key, interval->lower);
        } else {
            key_kind(key, KEY_RANGE_DELETION);
            key_range(key, interval->lower, interval->upper);
            catalog_flag(table, TABLE_HAS_RANGE_DELETIONS, context->batch);
        }
        put_deletion(context, str_bytes(key), value);
    }
}

static err_t build_partition(struct write_context *context, const struct where_lists *lists,
                             struct str *key, struct str *value, struct diag *diag)
{
    const struct write_plan *write = &context->plan->write;
    size_t prefix = key->size;
    if (write->delete_rows) {
        delete_rows(context, lists, key, value);
        return ERR_OK;
    }
    if (write->any_static) {
        key_kind(key, KEY_STATIC);
        TRY(build_row(context, str_bytes(key), true, value, diag));
    }
    for (size_t i = 0; !write->only_static && i < lists->intervals.count; i++) {
        key->size = prefix;
        key_kind(key, KEY_ROW);
        str_append_bytes(key, lists->intervals.items[i].lower);
        TRY(build_row(context, str_bytes(key), false, value, diag));
    }
    return ERR_OK;
}

err_t write_build(struct write_context *context, const struct where_lists *lists, struct diag *diag)
{
    uint32_t table_id = table_storage_of(context->plan->write.where.table)->id;
    struct str key = {0}, value = {0};
    err_t err = ERR_OK;
    for (size_t i = 0; !err && i < lists->keys.count; i++) {
        str_clear(&key);
        key_partition(&key, table_id, lists->keys.items[i]);
        err = build_partition(context, lists, &key, &value, diag);
    }
    str_release(&key);
    str_release(&value);
    return err;
}
