// SPDX-License-Identifier: Apache-2.0
//
// The catalog's keys in KV_META, each DDL statement one batch:
//
//     k keyspace                  durable writes (1) · pairs of replication
//     t keyspace 00 table         table_node_write()
//     f storage id (4) flag (1)   empty: the table has had such deletions
//     d storage id (4)            empty: what remains of a dropped or truncated table, to be
//     removed v                           schema version (16) · next storage id (4)
//
// The rows of a dropped table are removed right after the batch, or at the next open if we died
// between; the compaction filter drops what slips through (a write that was under way).

#include "tables/schema_int.h"

#include "base/mem.h"
#include "os/random.h"
#include "os/thread.h"
#include "tables/keys.h"
#include "wire/reader.h"
#include "wire/writer.h"

#include <stdatomic.h>
#include <stdlib.h>

// Below that many keys a range deletion costs readers more than single deletions do.
#define FEW_KEYS 256

void catalog__key(struct str *out, char kind, const char *keyspace, const char *table)
{
    str_append_byte(out, kind);
    str_append_text(out, keyspace);
    if (table) {
        str_append_byte(out, 0);
        str_append_text(out, table);
    }
}

static void id_key(struct str *out, char kind, uint32_t id)
{
    str_append_byte(out, kind);
    writer_u32(out, id);
}

void catalog_flag(const struct table_schema *table, enum table_flags flag, struct kv_batch *batch)
{
    struct table_storage *storage = table_storage_of(table);
    if (storage->flags & flag)
        return;
    struct str key = {0};
    id_key(&key, 'f', storage->id);
    writer_u8(&key, (uint8_t)flag);
    kv_put(batch, KV_META, str_bytes(&key), bytes_make("", 0));
    str_release(&key);
    // Before the commit: a reader that looks in vain loses nothing, one that does not look would.
    atomic_fetch_or(&storage->flags, (unsigned)flag);
}

int32_t catalog_gc_grace(struct catalog *catalog, uint32_t id)
{
    int32_t grace_s = -1;
    mutex_lock(&catalog->mutex);
    for (size_t i = 0; i < catalog->storages.count; i++)
        if (catalog->storages.items[i]->id == id)
            grace_s = catalog->storages.items[i]->gc_grace_s;
    mutex_unlock(&catalog->mutex);
    return grace_s;
}

struct schema *catalog_schema(struct catalog *catalog)
{
    mutex_lock(&catalog->mutex);
    struct schema *schema = schema_ref(catalog->present);
    mutex_unlock(&catalog->mutex);
    return schema;
}

// --- storages ---

void catalog__storage_add(struct catalog *catalog, struct table_storage *storage)
{
    mutex_lock(&catalog->mutex);
    vec_push(&catalog->storages, table_storage_ref(storage));
    mutex_unlock(&catalog->mutex);
}

void catalog__storage_remove(struct catalog *catalog, const struct table_storage *storage)
{
    mutex_lock(&catalog->mutex);
    for (size_t i = 0; i < catalog->storages.count; i++) {
        if (catalog->storages.items[i] == storage) {
            table_storage_unref(catalog->storages.items[i]);
            vec_remove(&catalog->storages, i);
            break;
        }
    }
    mutex_unlock(&catalog->mutex);
}

// Removes the keys of `id`, one by one while they are few.
static err_t remove_rows(struct catalog *catalog, uint32_t id, struct diag *diag)
{
    struct str from = {0}, to = {0};
    struct kv_batch batch = {0};
    key_table(&from, id);
    key_table(&to, id + 1);
    struct kv_iter *iter = kv_iter_open(
        catalog->kv, &(struct kv_iter_options){.lower = str_bytes(&from), .upper = str_bytes(&to)});
    for (kv_iter_first(iter); kv_iter_valid(iter) && batch.count < FEW_KEYS; kv_iter_next(iter))
        kv_delete(&batch, KV_DATA, kv_iter_key(iter));
    err_t err = kv_iter_error(iter, diag);
    kv_iter_close(iter);
    if (!err && batch.count == FEW_KEYS)
        err = kv_drop_range(catalog->kv, KV_DATA, str_bytes(&from), str_bytes(&to), diag);
    else if (!err)
        err = kv_commit(catalog->kv, &batch, diag);
    str_release(&from);
    str_release(&to);
    kv_batch_release(&batch);
    return err;
}

void catalog__leave_behind(struct kv_batch *batch, const struct table_storage *storage)
{
    struct str key = {0};
    id_key(&key, 'd', storage->id);
    kv_put(batch, KV_META, str_bytes(&key), bytes_make("", 0));
    str_clear(&key);
    id_key(&key, 'f', storage->id);
    writer_u8(&key, TABLE_HAS_PARTITION_DELETIONS);
    kv_delete(batch, KV_META, str_bytes(&key));
    key.ptr[key.size - 1] = TABLE_HAS_RANGE_DELETIONS;
    kv_delete(batch, KV_META, str_bytes(&key));
    str_release(&key);
}

err_t catalog__clean(struct catalog *catalog, struct diag *diag)
{
    struct kv_batch batch = {0};
    err_t err = ERR_OK;
    struct kv_iter *iter = kv_iter_open(
        catalog->kv, &(struct kv_iter_options){
                         .family = KV_META, .lower = bytes_from("d"), .upper = bytes_from("e")});
    for (kv_iter_first(iter); !err && kv_iter_valid(iter); kv_iter_next(iter)) {
        struct reader reader = reader_make(kv_iter_key(iter));
        reader_u8(&reader);
        err = remove_rows(catalog, reader_u32(&reader), diag);
        kv_delete(&batch, KV_META, kv_iter_key(iter));
    }
    if (!err)
        err = kv_iter_error(iter, diag);
    kv_iter_close(iter);
    if (!err)
        err = kv_commit(catalog->kv, &batch, diag);
    kv_batch_release(&batch);
    return err;
}

// --- versions ---

void catalog__new_version(struct catalog *catalog, struct kv_batch *batch)
{
    struct str value = {0};
    random_uuid(catalog->version);
    str_append(&value, catalog->version, sizeof catalog->version);
    writer_u32(&value, catalog->next_storage_id);
    kv_put(batch, KV_META, bytes_from("v"), str_bytes(&value));
    str_release(&value);
}

void catalog__publish(struct catalog *catalog)
{
    struct schema *schema = schema_make(catalog);
    mutex_lock(&catalog->mutex);
    struct schema *old = catalog->present;
    catalog->present = schema;
    mutex_unlock(&catalog->mutex);
    schema_unref(old);
}

// --- opening ---

struct keyspace_entry *catalog__keyspace(struct catalog *catalog, const char *name)
{
    for (size_t i = 0; i < catalog->keyspaces.count; i++)
        if (strcmp(catalog->keyspaces.items[i]->name, name) == 0)
            return catalog->keyspaces.items[i];
    return NULL;
}

void keyspace_entry_free(struct keyspace_entry *entry)
{
    for (size_t i = 0; i < entry->tables.count; i++)
        table_node_unref(entry->tables.items[i]);
    vec_release(&entry->tables);
    arena_release(&entry->arena);
    mem_free(entry->name);
    mem_free(entry);
}

void keyspace_entry_write(struct str *out, const struct keyspace_entry *entry)
{
    writer_u8(out, entry->durable_writes);
    writer_u32(out, (uint32_t)entry->replication_count);
    for (size_t i = 0; i < entry->replication_count; i++) {
        writer_u32(out, (uint32_t)strlen(entry->replication[i].key));
        str_append_text(out, entry->replication[i].key);
        writer_u32(out, (uint32_t)strlen(entry->replication[i].value));
        str_append_text(out, entry->replication[i].value);
    }
}

static const char *read_text(struct reader *reader, struct arena *arena)
{
    uint32_t size = reader_u32(reader);
    return arena_text(arena, reader_bytes(reader, size));
}

static err_t read_keyspace(struct catalog *catalog, struct bytes key, struct bytes value,
                           struct diag *diag)
{
    struct reader reader = reader_make(value);
    struct keyspace_entry *entry = MEM_NEW(struct keyspace_entry);
    arena_init(&entry->arena, 256);
    entry->name = mem_printf("%.*s", (int)key.size - 1, (const char *)key.ptr + 1);
    entry->durable_writes = reader_u8(&reader);
    entry->replication_count = reader_u32(&reader);
    if (entry->replication_count > reader_left(&reader))
        entry->replication_count = 0, reader_fail(&reader);
    struct option_pair *pairs =
        ARENA_ARRAY(&entry->arena, struct option_pair, entry->replication_count);
    entry->replication = pairs;
    for (size_t i = 0; i < entry->replication_count && !reader.failed; i++) {
        pairs[i].key = read_text(&reader, &entry->arena);
        pairs[i].value = read_text(&reader, &entry->arena);
    }
    vec_push(&catalog->keyspaces, entry);
    return reader.failed ? FAIL(diag, ERR_CORRUPT,
                                "the stored definition of keyspace %s is damaged", entry->name)
                         : ERR_OK;
}

static err_t read_table(struct catalog *catalog, struct bytes value, struct diag *diag)
{
    struct table_node *node;
    TRY(table_node_read(&node, value, diag));
    struct keyspace_entry *entry = catalog__keyspace(catalog, node->table.keyspace);
    if (!entry) {
        err_t err = FAIL(diag, ERR_CORRUPT, "table %s.%s has no keyspace", node->table.keyspace,
                         node->table.name);
        table_node_unref(node);
        return err;
    }
    vec_push(&entry->tables, node);
    catalog__storage_add(catalog, node->table.storage);
    return ERR_OK;
}

static void read_flag(struct catalog *catalog, struct bytes key)
{
    struct reader reader = reader_make(key);
    reader_u8(&reader);
    uint32_t id = reader_u32(&reader);
    uint8_t flag = reader_u8(&reader);
    for (size_t i = 0; i < catalog->storages.count; i++)
        if (catalog->storages.items[i]->id == id)
            catalog->storages.items[i]->flags |= flag;
}

static err_t read_entry(struct catalog *catalog, struct bytes key, struct bytes value,
                        struct diag *diag)
{
    struct reader reader = reader_make(value);
    switch (key.ptr[0]) {
    case 'k':
        return read_keyspace(catalog, key, value, diag);
    case 't':
        return read_table(catalog, value, diag);
    case 'v':
        if (value.size != sizeof catalog->version + 4)
            return FAIL(diag, ERR_CORRUPT, "the stored schema version is damaged");
        memcpy(catalog->version, reader_take(&reader, sizeof catalog->version),
               sizeof catalog->version);
        catalog->next_storage_id = reader_u32(&reader);
        return ERR_OK;
    default:
        return ERR_OK;
    }
}

static err_t load(struct catalog *catalog, struct diag *diag)
{
    err_t err = ERR_OK;
    struct kv_iter *iter = kv_iter_open(catalog->kv, &(struct kv_iter_options){.family = KV_META});
    for (kv_iter_first(iter); !err && kv_iter_valid(iter); kv_iter_next(iter))
        if (kv_iter_key(iter).size > 0)
            err = read_entry(catalog, kv_iter_key(iter), kv_iter_value(iter), diag);
    if (!err)
        err = kv_iter_error(iter, diag);
    // Flags stand before the tables they speak of.
    kv_iter_seek(iter, bytes_from("f"));
    for (; !err && kv_iter_valid(iter) && kv_iter_key(iter).ptr[0] == 'f'; kv_iter_next(iter))
        read_flag(catalog, kv_iter_key(iter));
    kv_iter_close(iter);
    return err;
}

static int by_keyspace_and_name(const void *a, const void *b)
{
    const struct table_schema *left = &(*(struct table_node *const *)a)->table;
    const struct table_schema *right = &(*(struct table_node *const *)b)->table;
    int order = strcmp(left->keyspace, right->keyspace);
    return order ? order : strcmp(left->name, right->name);
}

static err_t add_virtuals(struct catalog *catalog, struct diag *diag)
{
    size_t count;
    const struct virtual_table *all = system_tables(&count);
    for (size_t i = 0; i < count; i++) {
        struct table_node *node = table_node_of_virtual(&all[i], diag);
        if (!node)
            return ERR_INTERNAL;
        vec_push(&catalog->virtuals, node);
    }
    if (count > 0)
        qsort(catalog->virtuals.items, count, sizeof *catalog->virtuals.items,
              by_keyspace_and_name);
    return ERR_OK;
}

err_t catalog_open(struct catalog **out, struct kv *kv, struct diag *diag)
{
    struct catalog *catalog = MEM_NEW(struct catalog);
    catalog->kv = kv;
    catalog->next_storage_id = 1;
    mutex_init(&catalog->ddl);
    mutex_init(&catalog->mutex);
    err_t err = add_virtuals(catalog, diag);
    if (!err)
        err = load(catalog, diag);
    if (!err && catalog->version[8] == 0) { // new: a version all the same
        struct kv_batch batch = {0};
        catalog__new_version(catalog, &batch);
        err = kv_commit(kv, &batch, diag);
        kv_batch_release(&batch);
    }
    if (!err)
        err = catalog__clean(catalog, diag);
    if (err) {
        catalog_close(catalog);
        return err;
    }
    catalog__publish(catalog);
    *out = catalog;
    return ERR_OK;
}

void catalog_close(struct catalog *catalog)
{
    if (!catalog)
        return;
    schema_unref(catalog->present);
    for (size_t i = 0; i < catalog->keyspaces.count; i++)
        keyspace_entry_free(catalog->keyspaces.items[i]);
    vec_release(&catalog->keyspaces);
    for (size_t i = 0; i < catalog->virtuals.count; i++)
        table_node_unref(catalog->virtuals.items[i]);
    vec_release(&catalog->virtuals);
    for (size_t i = 0; i < catalog->storages.count; i++)
        table_storage_unref(catalog->storages.items[i]);
    vec_release(&catalog->storages);
    mutex_release(&catalog->ddl);
    mutex_release(&catalog->mutex);
    mem_free(catalog);
}
