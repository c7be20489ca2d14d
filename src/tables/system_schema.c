// SPDX-License-Identifier: Apache-2.0
//
// Rows of system_schema and system_virtual_schema, from the schema's picture.
#include "tables/system.h"
#include "tables/table_options.h"

#include <stdlib.h>

typedef void (*table_row_fn)(const struct table_schema *table, struct virtual_sink *sink);

static void each_table(const struct schema *schema, bool is_virtual, struct virtual_sink *sink,
                       table_row_fn fn)
{
    for (size_t i = 0; i < schema->keyspace_count; i++) {
        const struct keyspace_schema *keyspace = schema->keyspaces[i];
        for (size_t j = 0; j < keyspace->table_count; j++) {
            const struct table_schema *table = keyspace->tables[j];
            if ((table->virtual && table->virtual->is_virtual) == is_virtual)
                fn(table, sink);
        }
    }
}

static bool keyspace_is_virtual(const struct keyspace_schema *keyspace)
{
    return keyspace->table_count > 0 && keyspace->tables[0]->virtual &&
           keyspace->tables[0]->virtual->is_virtual;
}

void system__keyspaces(struct tables *tables, const struct schema *schema,
                       struct virtual_sink *sink)
{
    (void)tables;
    for (size_t i = 0; i < schema->keyspace_count; i++) {
        const struct keyspace_schema *keyspace = schema->keyspaces[i];
        if (keyspace_is_virtual(keyspace))
            continue;
        struct bytes cells[SYSTEM_SCHEMA_KEYSPACES__COUNT] = {
            [SYSTEM_SCHEMA_KEYSPACES_KEYSPACE_NAME] = cell_text(keyspace->name),
            [SYSTEM_SCHEMA_KEYSPACES_DURABLE_WRITES] = cell_bool(keyspace->durable_writes),
            [SYSTEM_SCHEMA_KEYSPACES_REPLICATION] =
                cell_map(sink->arena, keyspace->replication, keyspace->replication_count),
        };
        sink->row(sink, cells);
    }
}

// --- tables --------------------------------------------------------------------------------------
static struct bytes text_option(const struct table_schema *table, const char *name,
                                struct arena *arena)
{
    return cell_text(table_option_text(table, name, arena));
}

static struct bytes int_option(const struct table_schema *table, const char *name,
                               struct arena *arena)
{
    return cell_int(arena, strtol(table_option_text(table, name, arena), NULL, 10), 4);
}

static struct bytes double_option(const struct table_schema *table, const char *name,
                                  struct arena *arena)
{
    return cell_double(arena, strtod(table_option_text(table, name, arena), NULL));
}

static struct bytes map_option(const struct table_schema *table, const char *name,
                               struct arena *arena)
{
    size_t count;
    const struct option_pair *pairs = table_option_map(table, name, arena, &count);
    return cell_map(arena, pairs, count);
}

static struct bytes flags_of(const struct table_schema *table, struct arena *arena)
{
    struct str out = {0};
    size_t begin = cql_items_begin(&out);
    cql_items_add(&out, bytes_from("compound"));
    if (table->counter)
        cql_items_add(&out, bytes_from("counter"));
    cql_items_end(&out, begin, table->counter ? 2 : 1);
    struct bytes cell = arena_bytes(arena, str_bytes(&out));
    str_release(&out);
    return cell;
}

static void table_row(const struct table_schema *table, struct virtual_sink *sink)
{
    struct arena *arena = sink->arena;
    struct bytes cells[SYSTEM_SCHEMA_TABLES__COUNT] = {
        [SYSTEM_SCHEMA_TABLES_KEYSPACE_NAME] = cell_text(table->keyspace),
        [SYSTEM_SCHEMA_TABLES_TABLE_NAME] = cell_text(table->name),
        [SYSTEM_SCHEMA_TABLES_ADDITIONAL_WRITE_POLICY] =
            text_option(table, "additional_write_policy", arena),
        [SYSTEM_SCHEMA_TABLES_BLOOM_FILTER_FP_CHANCE] =
            double_option(table, "bloom_filter_fp_chance", arena),
        [SYSTEM_SCHEMA_TABLES_CACHING] = map_option(table, "caching", arena),
        [SYSTEM_SCHEMA_TABLES_COMMENT] = text_option(table, "comment", arena),
        [SYSTEM_SCHEMA_TABLES_COMPACTION] = map_option(table, "compaction", arena),
        [SYSTEM_SCHEMA_TABLES_COMPRESSION] = map_option(table, "compression", arena),
        [SYSTEM_SCHEMA_TABLES_CRC_CHECK_CHANCE] = double_option(table, "crc_check_chance", arena),
        [SYSTEM_SCHEMA_TABLES_DCLOCAL_READ_REPAIR_CHANCE] = cell_double(arena, 0),
        [SYSTEM_SCHEMA_TABLES_DEFAULT_TIME_TO_LIVE] =
            int_option(table, "default_time_to_live", arena),
        [SYSTEM_SCHEMA_TABLES_EXTENSIONS] = cell_map(arena, NULL, 0),
        [SYSTEM_SCHEMA_TABLES_FLAGS] = flags_of(table, arena),
        [SYSTEM_SCHEMA_TABLES_GC_GRACE_SECONDS] = int_option(table, "gc_grace_seconds", arena),
        [SYSTEM_SCHEMA_TABLES_ID] = bytes_make(table->id, sizeof table->id),
        [SYSTEM_SCHEMA_TABLES_MAX_INDEX_INTERVAL] = int_option(table, "max_index_interval", arena),
        [SYSTEM_SCHEMA_TABLES_MEMTABLE_FLUSH_PERIOD_IN_MS] =
            int_option(table, "memtable_flush_period_in_ms", arena),
        [SYSTEM_SCHEMA_TABLES_MIN_INDEX_INTERVAL] = int_option(table, "min_index_interval", arena),
        [SYSTEM_SCHEMA_TABLES_READ_REPAIR] = text_option(table, "read_repair", arena),
        [SYSTEM_SCHEMA_TABLES_READ_REPAIR_CHANCE] = cell_double(arena, 0),
        [SYSTEM_SCHEMA_TABLES_SPECULATIVE_RETRY] = text_option(table, "speculative_retry", arena),
    };
    sink->row(sink, cells);
}

void system__tables(struct tables *tables, const struct schema *schema, struct virtual_sink *sink)
{
    (void)tables;
    each_table(schema, false, sink, table_row);
}

// --- columns -------------------------------------------------------------------------------------
static const char *kind_name(enum column_kind kind)
{
    switch (kind) {
    case COLUMN_PARTITION_KEY:
        return "partition_key";
    case COLUMN_CLUSTERING:
        return "clustering";
    case COLUMN_STATIC:
        return "static";
    case COLUMN_REGULAR:
        return "regular";
    }
    return "regular";
}

static struct bytes type_text(struct arena *arena, const struct cql_type *type)
{
    struct str out = {0};
    cql_type_write(&out, type);
    struct bytes cell = arena_bytes(arena, str_bytes(&out));
    str_release(&out);
    return cell;
}

static int by_name(const void *a, const void *b)
{
    const struct column_meta *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static void column_rows(const struct table_schema *table, struct virtual_sink *sink)
{
    struct arena *arena = sink->arena;
    const struct column_meta **sorted =
        ARENA_ARRAY(arena, const struct column_meta *, table->column_count);
    for (size_t i = 0; i < table->column_count; i++)
        sorted[i] = &table->columns[i];
    qsort(sorted, table->column_count, sizeof *sorted, by_name);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column_meta *column = sorted[i];
        bool ordered = column->kind == COLUMN_CLUSTERING;
        bool key = ordered || column->kind == COLUMN_PARTITION_KEY;
        struct bytes cells[SYSTEM_SCHEMA_COLUMNS__COUNT] = {
            [SYSTEM_SCHEMA_COLUMNS_KEYSPACE_NAME] = cell_text(table->keyspace),
            [SYSTEM_SCHEMA_COLUMNS_TABLE_NAME] = cell_text(table->name),
            [SYSTEM_SCHEMA_COLUMNS_COLUMN_NAME] = cell_text(column->name),
            [SYSTEM_SCHEMA_COLUMNS_CLUSTERING_ORDER] = cell_text(!ordered             ? "none"
                                                                 : column->descending ? "desc"
                                                                                      : "asc"),
            [SYSTEM_SCHEMA_COLUMNS_COLUMN_NAME_BYTES] = cell_text(column->name),
            [SYSTEM_SCHEMA_COLUMNS_KIND] = cell_text(kind_name(column->kind)),
            [SYSTEM_SCHEMA_COLUMNS_POSITION] = cell_int(arena, key ? column->position : -1, 4),
            [SYSTEM_SCHEMA_COLUMNS_TYPE] = type_text(arena, column->type),
        };
        sink->row(sink, cells);
    }
}

_Static_assert((int)SYSTEM_SCHEMA_COLUMNS__COUNT == (int)SYSTEM_VIRTUAL_SCHEMA_COLUMNS__COUNT &&
                   (int)SYSTEM_SCHEMA_COLUMNS_TYPE == (int)SYSTEM_VIRTUAL_SCHEMA_COLUMNS_TYPE,
               "column_rows() serves both");

void system__columns(struct tables *tables, const struct schema *schema, struct virtual_sink *sink)
{
    (void)tables;
    each_table(schema, false, sink, column_rows);
}

static void dropped_rows(const struct table_schema *table, struct virtual_sink *sink)
{
    for (size_t i = 0; i < table->dropped_count; i++) {
        const struct dropped_column *dropped = &table->dropped[i];
        struct bytes cells[SYSTEM_SCHEMA_DROPPED_COLUMNS__COUNT] = {
            [SYSTEM_SCHEMA_DROPPED_COLUMNS_KEYSPACE_NAME] = cell_text(table->keyspace),
            [SYSTEM_SCHEMA_DROPPED_COLUMNS_TABLE_NAME] = cell_text(table->name),
            [SYSTEM_SCHEMA_DROPPED_COLUMNS_COLUMN_NAME] = cell_text(dropped->name),
            [SYSTEM_SCHEMA_DROPPED_COLUMNS_DROPPED_TIME] =
                cell_int(sink->arena, dropped->dropped_us / 1000, 8),
            [SYSTEM_SCHEMA_DROPPED_COLUMNS_KIND] =
                cell_text(dropped->is_static ? "static" : "regular"),
            [SYSTEM_SCHEMA_DROPPED_COLUMNS_TYPE] = type_text(sink->arena, dropped->type),
        };
        sink->row(sink, cells);
    }
}

void system__dropped(struct tables *tables, const struct schema *schema, struct virtual_sink *sink)
{
    (void)tables;
    each_table(schema, false, sink, dropped_rows);
}

// --- system_virtual_schema -----------------------------------------------------------------------
void system__virtual_keyspaces(struct tables *tables, const struct schema *schema,
                               struct virtual_sink *sink)
{
    (void)tables;
    for (size_t i = 0; i < schema->keyspace_count; i++) {
        struct bytes cells[SYSTEM_VIRTUAL_SCHEMA_KEYSPACES__COUNT] = {
            cell_text(schema->keyspaces[i]->name)};
        if (keyspace_is_virtual(schema->keyspaces[i]))
            sink->row(sink, cells);
    }
}

static void virtual_table_row(const struct table_schema *table, struct virtual_sink *sink)
{
    struct bytes cells[SYSTEM_VIRTUAL_SCHEMA_TABLES__COUNT] = {
        [SYSTEM_VIRTUAL_SCHEMA_TABLES_KEYSPACE_NAME] = cell_text(table->keyspace),
        [SYSTEM_VIRTUAL_SCHEMA_TABLES_TABLE_NAME] = cell_text(table->name),
        [SYSTEM_VIRTUAL_SCHEMA_TABLES_COMMENT] = cell_text(table->options.comment),
    };
    sink->row(sink, cells);
}

void system__virtual_tables(struct tables *tables, const struct schema *schema,
                            struct virtual_sink *sink)
{
    (void)tables;
    each_table(schema, true, sink, virtual_table_row);
}

void system__virtual_columns(struct tables *tables, const struct schema *schema,
                             struct virtual_sink *sink)
{
    (void)tables;
    each_table(schema, true, sink, column_rows);
}
