// SPDX-License-Identifier: Apache-2.0
//
// The tables as a struct table_port: what streams and the console use.
//
// apply() turns whole batches of columns into row deltas without going through CQL: one marker and
// one cell per column, all at one timestamp; rows and metas go into one kv batch.

#include "base/metric.h"
#include "os/clock.h"
#include "tables/convert.h"
#include "tables/keys.h"
#include "tables/parse.h"
#include "tables/tables_int.h"

#include <stdlib.h>
#include <strings.h>

#define SCAN_ROWS      4096
#define CQL_RESULT_MAX ((size_t)64 << 20)

// --- tables and their columns ---

static enum table_column_kind kind_of(enum column_kind kind)
{
    static const enum table_column_kind kinds[] = {TABLE_PARTITION_KEY, TABLE_CLUSTERING_KEY,
                                                   TABLE_STATIC, TABLE_REGULAR};
    return kinds[kind];
}

static void fill_info(struct table_info *out, struct arena *arena, const struct table_schema *table)
{
    struct table_column *columns = ARENA_ARRAY(arena, struct table_column, table->column_count);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column_meta *from = &table->columns[i];
        struct str type = {0};
        cql_type_write(&type, from->type);
        columns[i] =
            (struct table_column){.name = arena_strdup(arena, from->name),
                                  .cql_type = arena_strdup(arena, str_text(&type)),
                                  .type = convert_type(arena, from->type),
                                  .kind = kind_of(from->kind),
                                  .position = from->position < 0 ? (int)i : from->position};
        str_release(&type);
    }
    *out = (struct table_info){.keyspace = arena_strdup(arena, table->keyspace),
                               .name = arena_strdup(arena, table->name),
                               .column_count = table->column_count,
                               .columns = columns};
}

static err_t port_tables(void *self, struct arena *arena, const struct table_info **out,
                         size_t *count, struct diag *diag)
{
    (void)diag;
    struct tables *tables = self;
    struct schema *schema = catalog_schema(tables->catalog);
    size_t total = 0, used = 0;
    for (size_t k = 0; k < schema->keyspace_count; k++)
        total += schema->keyspaces[k]->table_count;
    struct table_info *all = ARENA_ARRAY(arena, struct table_info, total + 1);
    for (size_t k = 0; k < schema->keyspace_count; k++)
        for (size_t t = 0; t < schema->keyspaces[k]->table_count; t++)
            if (!schema->keyspaces[k]->tables[t]->virtual)
                fill_info(&all[used++], arena, schema->keyspaces[k]->tables[t]);
    schema_unref(schema);
    *out = all;
    *count = used;
    return ERR_OK;
}

// A table by name, exactly or without case. The node is the caller's to unref.
static err_t find_table(struct tables *tables, const char *keyspace, const char *name,
                        struct table_node **out, struct diag *diag)
{
    struct schema *schema = catalog_schema(tables->catalog);
    const struct table_schema *table = schema_table(schema, keyspace, name);
    for (size_t k = 0; !table && k < schema->keyspace_count; k++) {
        const struct keyspace_schema *in = schema->keyspaces[k];
        for (size_t t = 0; strcasecmp(in->name, keyspace) == 0 && !table && t < in->table_count;
             t++)
            if (strcasecmp(in->tables[t]->name, name) == 0)
                table = in->tables[t];
    }
    err_t err = ERR_OK;
    if (table)
        *out = table_node_ref(table);
    else
        err = FAIL(diag, ERR_NOT_FOUND,
                   schema_keyspace(schema, keyspace)
                       ? "there is no table %s.%s"
                       : "there is no table %s.%s: the keyspace does not exist",
                   keyspace, name);
    schema_unref(schema);
    return err;
}

static err_t port_describe(void *self, struct arena *arena, const char *keyspace, const char *name,
                           const struct table_info **out, struct diag *diag)
{
    struct table_node *node;
    TRY(find_table(self, keyspace, name, &node, diag));
    struct table_info *info = ARENA_NEW(arena, struct table_info);
    fill_info(info, arena, &node->table);
    table_node_unref(node);
    *out = info;
    return ERR_OK;
}

// --- apply ---

// A batch column and where it goes.
struct target {
    const struct column_meta *column;
    const struct column *values;
};

struct applying {
    struct tables *tables;
    const struct table_schema *table;
    const struct table_rows *rows;
    struct diag *diag;
    struct kv_batch *batch;
    int64_t ts, now_s;
    uint64_t list_sequence;
    const struct column **keys; // per partition and clustering column
    struct target *cells;       // the others, by column id
    size_t cell_count;
    bool any_static, any_regular;
    struct arena arena; // of one row
    struct str partition, key, value;
    struct bytes *parts;
};

static int by_id(const void *a, const void *b)
{
    uint32_t left = ((const struct target *)a)->column->id,
             right = ((const struct target *)b)->column->id;
    return (left > right) - (left < right);
}

static const struct column_meta *column_named(const struct table_schema *table, const char *name)
{
    const struct column_meta *exact = table_schema_column(table, name);
    for (size_t i = 0; !exact && i < table->column_count; i++)
        if (strcasecmp(table->columns[i].name, name) == 0)
            exact = &table->columns[i];
    return exact;
}

static err_t match_columns(struct applying *at, struct arena *arena)
{
    const struct batch *batch = at->rows->batch;
    const struct table_schema *table = at->table;
    size_t key_count = table->partition_count + table->clustering_count;
    at->keys = ARENA_ARRAY(arena, const struct column *, key_count);
    at->cells = ARENA_ARRAY(arena, struct target, batch->column_count + 1);
    at->parts = ARENA_ARRAY(arena, struct bytes, key_count);
    for (size_t i = 0; i < batch->column_count; i++) {
        const struct column_meta *column = column_named(table, batch->names[i]);
        if (!column)
            return FAIL(at->diag, ERR_NOT_FOUND, "table %s.%s has no column %s", table->keyspace,
                        table->name, batch->names[i]);
        if (convert_check(batch->columns[i].type, column->type, at->diag)) {
            diag_context(at->diag, "column %s of %s.%s", column->name, table->keyspace,
                         table->name);
            return ERR_TYPE;
        }
        if (column->position >= 0) {
            at->keys[column - table->columns] = &batch->columns[i];
            continue;
        }
        at->cells[at->cell_count++] = (struct target){column, &batch->columns[i]};
        at->any_static |= column->kind == COLUMN_STATIC;
        at->any_regular |= column->kind == COLUMN_REGULAR;
    }
    for (size_t i = 0; i < key_count; i++)
        if (!at->keys[i])
            return FAIL(at->diag, ERR_INVALID,
                        "the rows have no column for %s, which is part of the key of %s.%s",
                        table->columns[i].name, table->keyspace, table->name);
    if (table->counter)
        return FAIL(at->diag, ERR_UNSUPPORTED, "%s.%s has counters: rows cannot be stored there",
                    table->keyspace, table->name);
    if (at->cell_count > 1)
        qsort(at->cells, at->cell_count, sizeof *at->cells, by_id);
    return ERR_OK;
}

static err_t convert(struct applying *at, const struct column_meta *column,
                     const struct column *values, size_t row, struct bytes *out)
{
    err_t err = convert_to_cql(out, values, row, column->type, &at->arena, at->diag);
    if (err)
        diag_context(at->diag, "row %zu, column %s of %s.%s", row, column->name,
                     at->table->keyspace, at->table->name);
    return err;
}

static err_t convert_keys(struct applying *at, size_t row)
{
    const struct table_schema *table = at->table;
    size_t total = 0;
    for (size_t i = 0; i < table->partition_count + table->clustering_count; i++) {
        TRY(convert(at, &table->columns[i], at->keys[i], row, &at->parts[i]));
        if (!at->parts[i].ptr)
            return FAIL(at->diag, ERR_INVALID,
                        "row %zu has null in %s, which is part of the key of %s.%s", row,
                        table->columns[i].name, table->keyspace, table->name);
        total += at->parts[i].size;
    }
    if (total > KEY_PART_MAX)
        return FAIL(at->diag, ERR_TOO_LARGE, "row %zu: a key of %zu bytes; the most is %d", row,
                    total, KEY_PART_MAX);
    if (table->partition_count == 1 && at->parts[0].size == 0)
        return FAIL(at->diag, ERR_INVALID, "row %zu has an empty key", row);
    return ERR_OK;
}

static struct cell cell_of(const struct applying *at, struct bytes value)
{
    struct cell cell = {.ts = at->ts, .value = value};
    if (!value.ptr) {
        cell.dead = true;
        cell.expiry_s = at->now_s;
    } else if (at->rows->ttl_s > 0) {
        cell.ttl_s = at->rows->ttl_s;
        cell.expiry_s = at->now_s + at->rows->ttl_s;
    }
    return cell;
}

struct sortable {
    VEC(struct cell) all;
};

static int by_path(const void *a, const void *b)
{
    return bytes_compare(((const struct cell *)a)->path, ((const struct cell *)b)->path);
}

static struct bytes list_path(struct applying *at)
{
    uint64_t words[2] = {(uint64_t)at->ts ^ UINT64_C(1) << 63, at->list_sequence++};
    uint8_t *path = arena_alloc(&at->arena, 16);
    for (int i = 0; i < 16; i++)
        path[i] = (uint8_t)(words[i / 8] >> (56 - 8 * (i % 8)));
    return bytes_make(path, 16);
}

// Replaces a whole collection.
static void put_collection(struct applying *at, struct row_writer *row,
                           const struct column_meta *column, struct bytes value)
{
    struct sortable cells = {0};
    struct cql_items items = cql_items_of(column->type, value);
    struct bytes item, map_value;
    while (value.ptr && cql_items_next(&items, &item)) {
        struct cell cell = cell_of(at, column->type->kind == CQL_SET ? bytes_make("", 0) : item);
        cell.path = column->type->kind == CQL_LIST ? list_path(at) : item;
        if (column->type->kind == CQL_MAP) {
            cql_items_next(&items, &map_value);
            cell.value = map_value;
        }
        vec_push(&cells.all, cell);
    }
    if (cells.all.count > 1)
        qsort(cells.all.items, cells.all.count, sizeof *cells.all.items, by_path);
    row_cells_begin(row, column->id,
                    (struct tombstone){value.ptr ? at->ts - 1 : at->ts, at->now_s});
    for (size_t i = 0; i < cells.all.count; i++)
        if (i == 0 || !bytes_equal(cells.all.items[i].path, cells.all.items[i - 1].path))
            row_cells_add(row, &cells.all.items[i]);
    row_cells_end(row);
    vec_release(&cells.all);
}

static err_t put_row(struct applying *at, size_t index, bool statics)
{
    struct row_writer row;
    str_clear(&at->value);
    row_begin(&row, &at->value, at->ts);
    if (!statics) {
        struct cell marker = cell_of(at, bytes_make("", 0));
        row_marker(&row, &marker);
    }
    for (size_t i = 0; !statics && i < at->table->clustering_count; i++) {
        const struct column_meta *column = &at->table->columns[at->table->partition_count + i];
        struct cell original = {.ts = at->ts, .value = at->parts[at->table->partition_count + i]};
        if (key_component_is_lossy(column->type))
            row_cell(&row, column->id, &original);
    }
    for (size_t i = 0; i < at->cell_count; i++) {
        const struct target *target = &at->cells[i];
        struct bytes value;
        if ((target->column->kind == COLUMN_STATIC) != statics)
            continue;
        TRY(convert(at, target->column, target->values, index, &value));
        if (cql_type_is_multicell(target->column->type)) {
            put_collection(at, &row, target->column, value);
        } else {
            struct cell cell = cell_of(at, value);
            row_cell(&row, target->column->id, &cell);
        }
    }
    kv_merge(at->batch, str_bytes(&at->key), str_bytes(&at->value));
    return ERR_OK;
}

static err_t add_row(struct applying *at, size_t index)
{
    const struct table_schema *table = at->table;
    TRY(convert_keys(at, index));
    str_clear(&at->partition);
    partition_key_join(&at->partition, at->parts, table->partition_count);
    str_clear(&at->key);
    key_partition(&at->key, table_storage_of(table)->id, str_bytes(&at->partition));
    size_t prefix = at->key.size;
    if (at->any_static) {
        key_kind(&at->key, KEY_STATIC);
        TRY(put_row(at, index, true));
        at->key.size = prefix;
    }
    key_kind(&at->key, KEY_ROW);
    for (size_t i = 0; i < table->clustering_count; i++) {
        const struct column_meta *column = &table->columns[table->partition_count + i];
        key_component(&at->key, column->type, column->descending,
                      at->parts[table->partition_count + i]);
    }
    return put_row(at, index, false);
}

static err_t apply_rows(struct tables *tables, const struct table_rows *rows,
                        struct kv_batch *batch, struct diag *diag)
{
    struct table_node *node;
    TRY(find_table(tables, rows->keyspace, rows->table, &node, diag));
    struct applying at = {.tables = tables,
                          .table = &node->table,
                          .rows = rows,
                          .diag = diag,
                          .batch = batch,
                          .ts = rows->timestamp_us ? rows->timestamp_us
                                                   : tables_timestamps(tables, rows->batch->count),
                          .now_s = clock_now_us() / 1000000,
                          .arena = ARENA_INIT};
    struct table_rows with_ttl = *rows;
    if (with_ttl.ttl_s == 0)
        with_ttl.ttl_s = node->table.options.default_ttl_s;
    at.rows = &with_ttl;
    struct arena arena = ARENA_INIT;
    err_t err = node->table.virtual
                    ? FAIL(diag, ERR_UNAUTHORIZED, "%s keyspace is not user-modifiable.",
                           node->table.keyspace)
                    : match_columns(&at, &arena);
    for (size_t i = 0; !err && i < rows->batch->count; i++) {
        arena_clear(&at.arena);
        err = add_row(&at, i);
        at.ts += rows->timestamp_us == 0; // of two rows with one key the later one wins
    }
    if (!err)
        metric_add(METRIC_TABLE_ROWS_WRITTEN, (int64_t)rows->batch->count);
    arena_release(&arena);
    arena_release(&at.arena);
    str_release(&at.partition);
    str_release(&at.key);
    str_release(&at.value);
    table_node_unref(node);
    return err;
}

static err_t port_apply(void *self, const struct table_write *write, struct diag *diag)
{
    struct tables *tables = self;
    struct kv_batch batch = {0};
    err_t err = ERR_OK;
    for (size_t i = 0; !err && i < write->row_set_count; i++)
        err = apply_rows(tables, &write->rows[i], &batch, diag);
    for (size_t i = 0; !err && i < write->meta_count; i++) {
        const struct table_meta *meta = &write->metas[i];
        if (meta->value.ptr)
            kv_put(&batch, KV_STATE, meta->key, meta->value);
        else
            kv_delete(&batch, KV_STATE, meta->key);
    }
    if (!err)
        err = kv_commit(tables->kv, &batch, diag);
    kv_batch_release(&batch);
    return err;
}

// --- metas ---

static err_t port_meta_get(void *self, struct arena *arena, struct bytes key, struct bytes *out,
                           struct diag *diag)
{
    struct tables *tables = self;
    struct kv_value value;
    TRY(kv_get(tables->kv, NULL, KV_STATE, key, &value, diag));
    *out = value.bytes.ptr ? arena_bytes(arena, value.bytes) : BYTES_NULL;
    kv_value_release(&value);
    return ERR_OK;
}

static err_t port_meta_scan(void *self, struct bytes prefix,
                            err_t (*fn)(struct bytes key, struct bytes value, void *ctx), void *ctx,
                            struct diag *diag)
{
    struct tables *tables = self;
    err_t err = ERR_OK;
    struct kv_iter *iter = kv_iter_open(
        tables->kv,
        &(struct kv_iter_options){.family = KV_STATE, .lower = prefix.size ? prefix : BYTES_NULL});
    for (kv_iter_first(iter); !err && kv_iter_valid(iter); kv_iter_next(iter)) {
        if (!bytes_starts(kv_iter_key(iter), prefix))
            break;
        err = fn(kv_iter_key(iter), kv_iter_value(iter), ctx);
    }
    if (!err)
        err = kv_iter_error(iter, diag);
    kv_iter_close(iter);
    return err;
}

// --- scan ---

struct scanning {
    const struct table_schema *table;
    const struct type **types;
    const char **names;
    err_t (*fn)(const struct batch *batch, void *ctx);
    void *ctx;
    err_t err;
    size_t count;
    struct bytes *values; // column-major, SCAN_ROWS each
    struct arena arena;   // of one batch
};

static void flush(struct scanning *at)
{
    if (at->count == 0)
        return;
    struct batch batch = {.count = at->count,
                          .column_count = at->table->column_count,
                          .columns =
                              ARENA_ARRAY(&at->arena, struct column, at->table->column_count),
                          .names = at->names};
    for (size_t c = 0; c < batch.column_count; c++)
        convert_from_cql(&batch.columns[c], &at->arena, at->types[c], at->table->columns[c].type,
                         at->values + c * SCAN_ROWS, at->count);
    at->err = at->fn(&batch, at->ctx);
    arena_clear(&at->arena);
    at->count = 0;
}

static bool on_row(void *ctx, const struct read_row *row)
{
    struct scanning *at = ctx;
    for (size_t c = 0; c < at->table->column_count; c++)
        at->values[c * SCAN_ROWS + at->count] =
            row->values[c].ptr ? arena_bytes(&at->arena, row->values[c]) : BYTES_NULL;
    if (++at->count == SCAN_ROWS)
        flush(at);
    return at->err == ERR_OK;
}

static err_t port_scan(void *self, const char *keyspace, const char *name,
                       err_t (*fn)(const struct batch *batch, void *ctx), void *ctx,
                       struct diag *diag)
{
    struct tables *tables = self;
    struct table_node *node;
    TRY(find_table(tables, keyspace, name, &node, diag));
    if (node->table.virtual) {
        table_node_unref(node);
        return FAIL(diag, ERR_UNSUPPORTED, "%s.%s is a system table: read it with CQL", keyspace,
                    name);
    }
    struct arena arena = ARENA_INIT;
    size_t columns = node->table.column_count;
    struct scanning at = {.table = &node->table,
                          .types = ARENA_ARRAY(&arena, const struct type *, columns),
                          .names = ARENA_ARRAY(&arena, const char *, columns),
                          .fn = fn,
                          .ctx = ctx,
                          .values = ARENA_ARRAY(&arena, struct bytes, columns * SCAN_ROWS)};
    arena_init(&at.arena, 256 << 10);
    for (size_t c = 0; c < columns; c++) {
        at.types[c] = convert_type(&arena, node->table.columns[c].type);
        at.names[c] = node->table.columns[c].name;
    }
    struct read read = {.tables = tables,
                        .table = &node->table,
                        .now_s = clock_now_us() / 1000000,
                        .scan = true,
                        .row = on_row,
                        .ctx = &at};
    err_t err = read_tokens(&read, INT64_MIN, INT64_MAX, diag);
    if (!err && !at.err)
        flush(&at);
    arena_release(&at.arena);
    arena_release(&arena);
    table_node_unref(node);
    return err ? err : at.err;
}

// --- cql ---

static void render(const struct exec_result *from, size_t max_rows, struct arena *arena,
                   struct cql_result *out)
{
    const char **names = ARENA_ARRAY(arena, const char *, from->column_count + 1);
    const char **types = ARENA_ARRAY(arena, const char *, from->column_count + 1);
    struct str text = {0};
    for (size_t c = 0; c < from->column_count; c++) {
        names[c] = arena_strdup(arena, from->columns[c].name);
        str_clear(&text);
        cql_type_write(&text, from->columns[c].type);
        types[c] = arena_strdup(arena, str_text(&text));
    }
    size_t rows = from->row_count < max_rows ? from->row_count : max_rows;
    struct bytes *values = ARENA_ARRAY(arena, struct bytes, rows * from->column_count + 1);
    struct cql_items cells = {.at = (const uint8_t *)from->rows.ptr,
                              .end = (const uint8_t *)from->rows.ptr + from->rows.size,
                              .left = rows * from->column_count};
    struct bytes cell;
    for (size_t i = 0; from->column_count > 0 && cql_items_next(&cells, &cell); i++) {
        if (!cell.ptr)
            continue;
        str_clear(&text);
        cql_value_write(&text, from->columns[i % from->column_count].type, cell);
        str_reserve(&text, 1);
        values[i] = arena_bytes(arena, str_bytes(&text));
    }
    str_release(&text);
    *out = (struct cql_result){.column_count = from->column_count,
                               .names = names,
                               .types = types,
                               .row_count = rows,
                               .values = values,
                               .more = from->paging_state.size > 0 || from->row_count > rows};
}

static err_t execute(struct tables *tables, struct plan *plan, size_t max_rows, struct arena *arena,
                     struct cql_result *out, struct diag *diag)
{
    struct exec exec = {.plans = (struct plan *const *)&plan,
                        .plan_count = 1,
                        .timestamp_us = INT64_MIN,
                        .page_size = max_rows && max_rows < INT32_MAX ? (int32_t)max_rows : 0,
                        .result_max_bytes = CQL_RESULT_MAX,
                        .arena = arena};
    tables_execute(tables, &exec);
    err_t err = ERR_OK;
    *out = (struct cql_result){0};
    if (exec.result.kind == EXEC_ERROR) {
        err = exec.result.error.diag.code;
        if (diag && diag->code == ERR_OK)
            *diag = exec.result.error.diag;
    } else if (exec.result.kind == EXEC_ROWS) {
        render(&exec.result, max_rows ? max_rows : SIZE_MAX, arena, out);
    }
    exec_result_release(&exec.result);
    return err;
}

static err_t port_cql(void *self, const char *keyspace, struct bytes text, size_t max_rows,
                      struct arena *arena, struct cql_result *out, struct diag *diag)
{
    struct arena statement_arena = ARENA_INIT;
    const struct statement *statement;
    struct exec_error error = {0};
    struct plan *plan;
    err_t err = statement_parse(&statement, &statement_arena, text, diag);
    if (err) {
        arena_release(&statement_arena);
        return err;
    }
    if (statement->marker_count > 0) {
        arena_release(&statement_arena);
        return FAIL(diag, ERR_INVALID, "bind markers need a prepared statement");
    }
    err = tables_prepare(self, statement, &statement_arena, keyspace, &plan, &error);
    if (err) {
        if (diag && diag->code == ERR_OK)
            *diag = error.diag;
        return err;
    }
    err = execute(self, plan, max_rows, arena, out, diag);
    plan_unref(plan);
    return err;
}

static const struct table_port_ops ops = {
    .tables = port_tables,
    .describe = port_describe,
    .apply = port_apply,
    .meta_get = port_meta_get,
    .meta_scan = port_meta_scan,
    .scan = port_scan,
    .cql = port_cql,
};

struct table_port tables_port(struct tables *tables)
{
    return (struct table_port){&ops, tables};
}
