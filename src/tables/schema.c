// SPDX-License-Identifier: Apache-2.0
//
// Schemas: arrays of references to table nodes, made anew for each DDL statement.

#include "tables/schema_int.h"

#include "base/hash.h"
#include "base/mem.h"
#include "wire/reader.h"
#include "wire/writer.h"

#include <stdatomic.h>
#include <stdlib.h>

// A schema with what it owns.
struct schema_box {
    struct schema schema; // first
    struct arena arena;
    VEC(struct table_node *) nodes;
};

struct schema *schema_ref(struct schema *schema)
{
    atomic_fetch_add(&schema->refs, 1);
    return schema;
}

void schema_unref(struct schema *schema)
{
    if (!schema || atomic_fetch_sub(&schema->refs, 1) > 1)
        return;
    struct schema_box *box = (struct schema_box *)schema;
    for (size_t i = 0; i < box->nodes.count; i++)
        table_node_unref(box->nodes.items[i]);
    vec_release(&box->nodes);
    arena_release(&box->arena);
    mem_free(box);
}

static int by_keyspace_name(const void *a, const void *b)
{
    const struct keyspace_schema *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

static int by_table_name(const void *a, const void *b)
{
    const struct table_schema *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

static void add_tables(struct schema_box *box, struct keyspace_schema *keyspace,
                       struct table_node *const *nodes, size_t count)
{
    const struct table_schema **tables =
        ARENA_ARRAY(&box->arena, const struct table_schema *, count + 1);
    for (size_t i = 0; i < count; i++) {
        tables[i] = &nodes[i]->table;
        vec_push(&box->nodes, table_node_ref(tables[i]));
    }
    qsort(tables, count, sizeof *tables, by_table_name);
    keyspace->tables = tables;
    keyspace->table_count = count;
}

static const struct option_pair local_replication[] = {
    {"class", "org.apache.cassandra.locator.LocalStrategy"},
};

// System tables of one keyspace stand together in catalog->virtuals.
static size_t add_virtuals(struct schema_box *box, const struct catalog *catalog,
                           const struct keyspace_schema **keyspaces)
{
    size_t count = 0;
    for (size_t i = 0, end; i < catalog->virtuals.count; i = end) {
        const char *name = catalog->virtuals.items[i]->table.keyspace;
        for (end = i; end < catalog->virtuals.count; end++)
            if (strcmp(catalog->virtuals.items[end]->table.keyspace, name) != 0)
                break;
        struct keyspace_schema *keyspace = ARENA_NEW(&box->arena, struct keyspace_schema);
        *keyspace = (struct keyspace_schema){.name = name,
                                             .durable_writes = true,
                                             .replication_count = 1,
                                             .replication = local_replication};
        add_tables(box, keyspace, catalog->virtuals.items + i, end - i);
        keyspaces[count++] = keyspace;
    }
    return count;
}

struct schema *schema_make(const struct catalog *catalog)
{
    struct schema_box *box = MEM_NEW(struct schema_box);
    arena_init(&box->arena, 0);
    box->schema.refs = 1;
    memcpy(box->schema.version, catalog->version, sizeof box->schema.version);
    const struct keyspace_schema **keyspaces =
        ARENA_ARRAY(&box->arena, const struct keyspace_schema *,
                    catalog->keyspaces.count + catalog->virtuals.count);
    size_t count = add_virtuals(box, catalog, keyspaces);
    for (size_t i = 0; i < catalog->keyspaces.count; i++) {
        const struct keyspace_entry *entry = catalog->keyspaces.items[i];
        struct keyspace_schema *keyspace = ARENA_NEW(&box->arena, struct keyspace_schema);
        keyspace->name = arena_strdup(&box->arena, entry->name);
        keyspace->durable_writes = entry->durable_writes;
        keyspace->replication_count = entry->replication_count;
        struct option_pair *pairs =
            ARENA_ARRAY(&box->arena, struct option_pair, entry->replication_count);
        for (size_t p = 0; p < entry->replication_count; p++) {
            pairs[p].key = arena_strdup(&box->arena, entry->replication[p].key);
            pairs[p].value = arena_strdup(&box->arena, entry->replication[p].value);
        }
        keyspace->replication = pairs;
        add_tables(box, keyspace, entry->tables.items, entry->tables.count);
        keyspaces[count++] = keyspace;
    }
    qsort(keyspaces, count, sizeof *keyspaces, by_keyspace_name);
    box->schema.keyspaces = keyspaces;
    box->schema.keyspace_count = count;
    return &box->schema;
}

static int find_keyspace(const void *name, const void *item)
{
    return strcmp(name, (*(const struct keyspace_schema *const *)item)->name);
}

static int find_table(const void *name, const void *item)
{
    return strcmp(name, (*(const struct table_schema *const *)item)->name);
}

const struct keyspace_schema *schema_keyspace(const struct schema *schema, const char *name)
{
    const struct keyspace_schema *const *found = bsearch(
        name, schema->keyspaces, schema->keyspace_count, sizeof *schema->keyspaces, find_keyspace);
    return found ? *found : NULL;
}

const struct table_schema *schema_table(const struct schema *schema, const char *keyspace,
                                        const char *name)
{
    const struct keyspace_schema *in = schema_keyspace(schema, keyspace);
    if (!in)
        return NULL;
    const struct table_schema *const *found =
        bsearch(name, in->tables, in->table_count, sizeof *in->tables, find_table);
    return found ? *found : NULL;
}

const struct column_meta *table_schema_column(const struct table_schema *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    return NULL;
}

bool keyspace_is_system(const char *name)
{
    return strcmp(name, "system") == 0 || strncmp(name, "system_", 7) == 0;
}

err_t catalog_find(const struct schema *schema, const struct table_name *name, const char *keyspace,
                   const struct table_schema **out, struct diag *diag)
{
    const char *in = name->keyspace ? name->keyspace : keyspace;
    if (!in)
        return FAIL(diag, ERR_INVALID,
                    "No keyspace has been specified. USE a keyspace, or explicitly specify "
                    "keyspace.tablename");
    if (!schema_keyspace(schema, in))
        return FAIL(diag, ERR_INVALID, "keyspace %s does not exist", in);
    *out = schema_table(schema, in, name->name);
    return *out ? ERR_OK : FAIL(diag, ERR_INVALID, "table %s does not exist", name->name);
}

// --- nodes ---

struct table_storage *table_storage_new(uint32_t id, int32_t gc_grace_s)
{
    struct table_storage *storage = MEM_NEW(struct table_storage);
    storage->refs = 1;
    storage->id = id;
    storage->gc_grace_s = gc_grace_s;
    return storage;
}

struct table_storage *table_storage_ref(struct table_storage *storage)
{
    atomic_fetch_add(&storage->refs, 1);
    return storage;
}

void table_storage_unref(struct table_storage *storage)
{
    if (storage && atomic_fetch_sub(&storage->refs, 1) == 1)
        mem_free(storage);
}

struct table_node *table_node_new(void)
{
    struct table_node *node = MEM_NEW(struct table_node);
    node->refs = 1;
    arena_init(&node->arena, 1024);
    return node;
}

struct table_node *table_node_ref(const struct table_schema *table)
{
    struct table_node *node = (struct table_node *)(uintptr_t)table;
    atomic_fetch_add(&node->refs, 1);
    return node;
}

void table_node_unref(struct table_node *node)
{
    if (!node || atomic_fetch_sub(&node->refs, 1) > 1)
        return;
    table_storage_unref(node->table.storage);
    arena_release(&node->arena);
    mem_free(node);
}

static int by_column_order(const void *a, const void *b)
{
    const struct column_meta *left = a, *right = b;
    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    if (left->position != right->position)
        return left->position < right->position ? -1 : 1;
    return strcmp(left->name, right->name);
}

void table_node_finish(struct table_node *node, struct column_meta *columns, size_t count)
{
    struct table_schema *table = &node->table;
    qsort(columns, count, sizeof *columns, by_column_order);
    table->columns = columns;
    table->column_count = count;
    table->partition_count = table->clustering_count = table->static_count = 0;
    table->counter = false;
    for (size_t i = 0; i < count; i++) {
        table->partition_count += columns[i].kind == COLUMN_PARTITION_KEY;
        table->clustering_count += columns[i].kind == COLUMN_CLUSTERING;
        table->static_count += columns[i].kind == COLUMN_STATIC;
        table->counter |= columns[i].type->kind == CQL_COUNTER;
    }
    node->slot_count = node->next_id;
    node->slots = ARENA_ARRAY(&node->arena, uint16_t, node->next_id + 1);
    memset(node->slots, 0xff, (node->next_id + 1) * sizeof *node->slots);
    for (size_t i = 0; i < count; i++)
        node->slots[columns[i].id] = (uint16_t)i;
}

struct table_node *table_node_of_virtual(const struct virtual_table *virtual, struct diag *diag)
{
    struct table_node *node = table_node_new();
    node->table.keyspace = virtual->keyspace;
    node->table.name = virtual->name;
    node->table.virtual = virtual;
    node->table.options.comment = virtual->comment ? virtual->comment : "";
    struct column_meta *columns =
        ARENA_ARRAY(&node->arena, struct column_meta, virtual->column_count);
    int positions[COLUMN_REGULAR + 1] = {0};
    for (size_t i = 0; i < virtual->column_count; i++) {
        const struct virtual_column *from = &virtual->columns[i];
        bool key = from->kind == COLUMN_PARTITION_KEY || from->kind == COLUMN_CLUSTERING;
        columns[i] = (struct column_meta){.name = from->name,
                                          .kind = from->kind,
                                          .position = key ? positions[from->kind]++ : -1,
                                          .id = node->next_id++};
        if (cql_type_parse(&columns[i].type, &node->arena, bytes_from(from->type), diag)) {
            diag_context(diag, "%s.%s", virtual->keyspace, virtual->name);
            table_node_unref(node);
            return NULL;
        }
    }
    // The id drivers see: made of the name, so that it stays the same.
    uint64_t id[2] = {hash_bytes(virtual->keyspace, strlen(virtual->keyspace)),
                      hash_bytes(virtual->name, strlen(virtual->name))};
    memcpy(node->table.id, id, sizeof id);
    node->table.id[6] = (uint8_t)(0x30 | (node->table.id[6] & 0x0f));
    node->table.id[8] = (uint8_t)(0x80 | (node->table.id[8] & 0x3f));
    table_node_finish(node, columns, virtual->column_count);
    return node;
}

// --- the durable form of a table ---
//
// version (1) · keyspace · name · id (16) · storage id (4) · next column id (4) · columns · comment
// · default ttl (4) · gc grace (4) · options · dropped columns. Texts are a 4-byte size and bytes;
// lists begin with a 4-byte count.

#define FORM 1

static void put_text(struct str *out, const char *text)
{
    writer_u32(out, (uint32_t)strlen(text));
    str_append_text(out, text);
}

static void put_type(struct str *out, const struct cql_type *type)
{
    struct str text = {0};
    cql_type_write(&text, type);
    put_text(out, str_text(&text));
    str_release(&text);
}

static char *get_text(struct reader *reader, struct arena *arena)
{
    uint32_t size = reader_u32(reader);
    struct bytes bytes = reader_bytes(reader, size);
    return arena_text(arena, bytes);
}

static uint32_t get_count(struct reader *reader)
{
    uint32_t count = reader_u32(reader);
    if (count > reader_left(reader)) {
        reader_fail(reader);
        return 0;
    }
    return count;
}

static const struct cql_type *get_type(struct reader *reader, struct arena *arena)
{
    const struct cql_type *type = NULL;
    uint32_t size = reader_u32(reader);
    struct bytes text = reader_bytes(reader, size);
    if (reader->failed || cql_type_parse(&type, arena, text, NULL)) {
        reader_fail(reader);
        return cql_type_scalar(CQL_BLOB);
    }
    return type;
}

static void put_options(struct str *out, const struct table_meta_options *options)
{
    put_text(out, options->comment);
    writer_i32(out, options->default_ttl_s);
    writer_i32(out, options->gc_grace_s);
    writer_u32(out, (uint32_t)options->option_count);
    for (size_t i = 0; i < options->option_count; i++) {
        const struct option *option = &options->options[i];
        put_text(out, option->name);
        writer_u8(out, (uint8_t)option->kind);
        put_text(out, option->text ? option->text : "");
        writer_u32(out, (uint32_t)option->pair_count);
        for (size_t p = 0; p < option->pair_count; p++) {
            put_text(out, option->pairs[p].key);
            put_text(out, option->pairs[p].value);
        }
    }
}

static void get_options(struct reader *reader, struct arena *arena,
                        struct table_meta_options *options)
{
    options->comment = get_text(reader, arena);
    options->default_ttl_s = reader_i32(reader);
    options->gc_grace_s = reader_i32(reader);
    options->option_count = get_count(reader);
    struct option *all = ARENA_ARRAY(arena, struct option, options->option_count);
    options->options = all;
    for (size_t i = 0; i < options->option_count && !reader->failed; i++) {
        all[i].name = get_text(reader, arena);
        all[i].kind = (enum option_kind)reader_u8(reader);
        all[i].text = get_text(reader, arena);
        all[i].pair_count = get_count(reader);
        struct option_pair *pairs = ARENA_ARRAY(arena, struct option_pair, all[i].pair_count);
        all[i].pairs = pairs;
        for (size_t p = 0; p < all[i].pair_count && !reader->failed; p++) {
            pairs[p].key = get_text(reader, arena);
            pairs[p].value = get_text(reader, arena);
        }
    }
}

void table_node_write(struct str *out, const struct table_node *node)
{
    const struct table_schema *table = &node->table;
    writer_u8(out, FORM);
    put_text(out, table->keyspace);
    put_text(out, table->name);
    str_append(out, table->id, sizeof table->id);
    writer_u32(out, table_storage_of(table)->id);
    writer_u32(out, node->next_id);
    writer_u32(out, (uint32_t)table->column_count);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column_meta *column = &table->columns[i];
        put_text(out, column->name);
        put_type(out, column->type);
        writer_u8(out, (uint8_t)column->kind);
        writer_i32(out, column->position);
        writer_u8(out, column->descending);
        writer_u32(out, column->id);
    }
    put_options(out, &table->options);
    writer_u32(out, (uint32_t)table->dropped_count);
    for (size_t i = 0; i < table->dropped_count; i++) {
        put_text(out, table->dropped[i].name);
        put_type(out, table->dropped[i].type);
        writer_u8(out, table->dropped[i].is_static);
        writer_i64(out, table->dropped[i].dropped_us);
    }
}

static void get_columns(struct reader *reader, struct table_node *node)
{
    size_t count = get_count(reader);
    struct column_meta *columns = ARENA_ARRAY(&node->arena, struct column_meta, count + 1);
    for (size_t i = 0; i < count && !reader->failed; i++) {
        columns[i].name = get_text(reader, &node->arena);
        columns[i].type = get_type(reader, &node->arena);
        columns[i].kind = (enum column_kind)reader_u8(reader);
        columns[i].position = reader_i32(reader);
        columns[i].descending = reader_u8(reader);
        columns[i].id = reader_u32(reader);
        if (columns[i].kind > COLUMN_REGULAR || columns[i].id >= node->next_id)
            reader_fail(reader);
    }
    if (!reader->failed)
        table_node_finish(node, columns, count);
}

static void get_dropped(struct reader *reader, struct table_node *node)
{
    size_t count = get_count(reader);
    struct dropped_column *dropped = ARENA_ARRAY(&node->arena, struct dropped_column, count + 1);
    for (size_t i = 0; i < count && !reader->failed; i++) {
        dropped[i].name = get_text(reader, &node->arena);
        dropped[i].type = get_type(reader, &node->arena);
        dropped[i].is_static = reader_u8(reader);
        dropped[i].dropped_us = reader_i64(reader);
    }
    node->table.dropped = dropped;
    node->table.dropped_count = count;
}

err_t table_node_read(struct table_node **out, struct bytes bytes, struct diag *diag)
{
    struct reader reader = reader_make(bytes);
    struct table_node *node = table_node_new();
    struct table_schema *table = &node->table;
    uint8_t form = reader_u8(&reader);
    table->keyspace = get_text(&reader, &node->arena);
    table->name = get_text(&reader, &node->arena);
    struct bytes id = reader_bytes(&reader, sizeof table->id);
    if (id.ptr)
        memcpy(table->id, id.ptr, id.size);
    uint32_t storage_id = reader_u32(&reader);
    node->next_id = reader_u32(&reader);
    if (node->next_id > NO_SLOT)
        reader_fail(&reader);
    get_columns(&reader, node);
    get_options(&reader, &node->arena, &table->options);
    get_dropped(&reader, node);
    if (reader.failed || form != FORM) {
        err_t err = FAIL(diag, ERR_CORRUPT, "the stored definition of table %s.%s is damaged",
                         table->keyspace, table->name);
        table_node_unref(node);
        return err;
    }
    table->storage = table_storage_new(storage_id, table->options.gc_grace_s);
    *out = node;
    return ERR_OK;
}
