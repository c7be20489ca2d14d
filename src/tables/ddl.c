// SPDX-License-Identifier: Apache-2.0
//
// CREATE, ALTER, DROP and TRUNCATE. Each checks everything, writes one batch, and only then changes
// the catalog's lists and publishes the new schema. Error words are Cassandra's.

#include "tables/ddl_int.h"

#include "base/mem.h"
#include "os/random.h"

#include <stdatomic.h>

#define GC_GRACE_DEFAULT_S 864000
#define NAME_MAX_BYTES     48

void ddl__changed(struct ddl *ddl, const char *change, const char *keyspace, const char *table)
{
    struct exec_result *result = ddl->result;
    result->kind = EXEC_SCHEMA_CHANGE;
    result->change = change;
    result->target = table ? "TABLE" : "KEYSPACE";
    result->keyspace = arena_strdup(ddl->arena, keyspace);
    result->name = table ? arena_strdup(ddl->arena, table) : NULL;
}

static err_t exists(struct ddl *ddl, const char *keyspace, const char *table)
{
    ddl->error->keyspace = arena_strdup(ddl->arena, keyspace);
    ddl->error->table = arena_strdup(ddl->arena, table);
    if (table[0])
        return FAIL(ddl->diag, ERR_EXISTS,
                    "Cannot add already existing table \"%s\" to keyspace \"%s\"", table, keyspace);
    return FAIL(ddl->diag, ERR_EXISTS, "Cannot add existing keyspace \"%s\"", keyspace);
}

// The keyspace a statement names, if a user may change it.
static err_t writable(struct ddl *ddl, const char *keyspace, const char **out)
{
    *out = keyspace ? keyspace : ddl->keyspace;
    if (!*out)
        return FAIL(ddl->diag, ERR_INVALID,
                    "No keyspace has been specified. USE a keyspace, or explicitly specify "
                    "keyspace.tablename");
    if (keyspace_is_system(*out))
        return FAIL(ddl->diag, ERR_UNAUTHORIZED, "%s keyspace is not user-modifiable.", *out);
    return ERR_OK;
}

static err_t check_name(struct ddl *ddl, const char *what, const char *name)
{
    size_t size = strlen(name);
    bool fine = size > 0 && size <= NAME_MAX_BYTES;
    for (size_t i = 0; i < size && fine; i++)
        fine = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
               (name[i] >= '0' && name[i] <= '9') || name[i] == '_';
    if (fine)
        return ERR_OK;
    return FAIL(ddl->diag, ERR_INVALID,
                "%s name must not be empty, more than %d characters long, or contain "
                "non-alphanumeric-underscore characters (got \"%s\")",
                what, NAME_MAX_BYTES, name);
}

err_t ddl__commit(struct ddl *ddl)
{
    catalog__new_version(ddl->catalog, &ddl->batch);
    return kv_commit(ddl->catalog->kv, &ddl->batch, ddl->diag);
}

// --- keyspaces ---

static err_t set_replication(struct ddl *ddl, struct keyspace_entry *entry,
                             const struct option *option)
{
    struct arena *arena = &entry->arena;
    struct option_pair *pairs = ARENA_ARRAY(arena, struct option_pair, option->pair_count + 1);
    size_t count = 1;
    for (size_t i = 0; i < option->pair_count; i++) {
        const struct option_pair *pair = &option->pairs[i];
        if (strcmp(pair->key, "class") == 0) {
            pairs[0].key = "class";
            pairs[0].value =
                strchr(pair->value, '.')
                    ? arena_strdup(arena, pair->value)
                    : arena_printf(arena, "org.apache.cassandra.locator.%s", pair->value);
        } else {
            pairs[count].key = arena_strdup(arena, pair->key);
            pairs[count++].value = arena_strdup(arena, pair->value);
        }
    }
    if (option->kind != OPTION_MAP || !pairs[0].key)
        return FAIL(ddl->diag, ERR_CONFIG, "Missing replication strategy class");
    const char *dot = strrchr(pairs[0].value, '.');
    if (strcmp(dot, ".SimpleStrategy") != 0 && strcmp(dot, ".NetworkTopologyStrategy") != 0 &&
        strcmp(dot, ".LocalStrategy") != 0 && strcmp(dot, ".EverywhereStrategy") != 0)
        return FAIL(ddl->diag, ERR_CONFIG, "Unable to find replication strategy class '%s'",
                    pairs[0].value);
    entry->replication = pairs;
    entry->replication_count = count;
    return ERR_OK;
}

static err_t set_keyspace_options(struct ddl *ddl, struct keyspace_entry *entry,
                                  const struct create_keyspace *statement)
{
    for (size_t i = 0; i < statement->option_count; i++) {
        const struct option *option = &statement->options[i];
        if (strcmp(option->name, "replication") == 0)
            TRY(set_replication(ddl, entry, option));
        else if (strcmp(option->name, "durable_writes") == 0)
            entry->durable_writes = option->text && strcasecmp(option->text, "true") == 0;
        else
            return FAIL(ddl->diag, ERR_SYNTAX, "Unknown property '%s'", option->name);
    }
    return ERR_OK;
}

static err_t save_keyspace(struct ddl *ddl, const struct keyspace_entry *entry)
{
    struct str key = {0}, value = {0};
    catalog__key(&key, 'k', entry->name, NULL);
    keyspace_entry_write(&value, entry);
    kv_put(&ddl->batch, KV_META, str_bytes(&key), str_bytes(&value));
    str_release(&key);
    str_release(&value);
    return ddl__commit(ddl);
}

static size_t keyspace_place(const struct catalog *catalog, const char *name)
{
    size_t at = 0;
    while (at < catalog->keyspaces.count && strcmp(catalog->keyspaces.items[at]->name, name) < 0)
        at++;
    return at;
}

static err_t create_keyspace(struct ddl *ddl, const struct create_keyspace *statement)
{
    struct catalog *catalog = ddl->catalog;
    const char *name;
    TRY(writable(ddl, statement->name, &name));
    TRY(check_name(ddl, "Keyspace", name));
    if (catalog__keyspace(catalog, name))
        return statement->if_not_exists ? ERR_OK : exists(ddl, name, "");
    struct keyspace_entry *entry = MEM_NEW(struct keyspace_entry);
    arena_init(&entry->arena, 256);
    entry->name = mem_strdup(name);
    entry->durable_writes = true;
    err_t err = set_keyspace_options(ddl, entry, statement);
    if (!err && entry->replication_count == 0)
        err = FAIL(ddl->diag, ERR_CONFIG, "Missing mandatory option 'replication'");
    if (!err)
        err = save_keyspace(ddl, entry);
    if (err) {
        keyspace_entry_free(entry);
        return err;
    }
    size_t at = keyspace_place(catalog, name);
    vec_push(&catalog->keyspaces, entry);
    for (size_t i = catalog->keyspaces.count - 1; i > at; i--)
        catalog->keyspaces.items[i] = catalog->keyspaces.items[i - 1];
    catalog->keyspaces.items[at] = entry;
    ddl__changed(ddl, "CREATED", name, NULL);
    return ERR_OK;
}

static err_t find_keyspace(struct ddl *ddl, const char *given, struct keyspace_entry **out)
{
    const char *name;
    TRY(writable(ddl, given, &name));
    *out = catalog__keyspace(ddl->catalog, name);
    return *out ? ERR_OK : FAIL(ddl->diag, ERR_INVALID, "Keyspace '%s' doesn't exist", name);
}

static err_t alter_keyspace(struct ddl *ddl, const struct create_keyspace *statement)
{
    struct keyspace_entry *entry;
    if (statement->if_exists && !catalog__keyspace(ddl->catalog, statement->name))
        return ERR_OK;
    TRY(find_keyspace(ddl, statement->name, &entry));
    struct keyspace_entry before = *entry;
    err_t err = set_keyspace_options(ddl, entry, statement);
    if (!err)
        err = save_keyspace(ddl, entry);
    if (err) {
        entry->durable_writes = before.durable_writes;
        entry->replication = before.replication;
        entry->replication_count = before.replication_count;
        return err;
    }
    ddl__changed(ddl, "UPDATED", entry->name, NULL);
    return ERR_OK;
}

static void forget_table(struct ddl *ddl, const struct table_node *node)
{
    struct str key = {0};
    catalog__key(&key, 't', node->table.keyspace, node->table.name);
    kv_delete(&ddl->batch, KV_META, str_bytes(&key));
    str_release(&key);
    catalog__leave_behind(&ddl->batch, node->table.storage);
}

static err_t drop_keyspace(struct ddl *ddl, const struct drop *statement)
{
    struct catalog *catalog = ddl->catalog;
    struct keyspace_entry *entry;
    if (statement->if_exists && !keyspace_is_system(statement->table.keyspace) &&
        !catalog__keyspace(catalog, statement->table.keyspace))
        return ERR_OK;
    TRY(find_keyspace(ddl, statement->table.keyspace, &entry));
    struct str key = {0};
    catalog__key(&key, 'k', entry->name, NULL);
    kv_delete(&ddl->batch, KV_META, str_bytes(&key));
    str_release(&key);
    for (size_t i = 0; i < entry->tables.count; i++)
        forget_table(ddl, entry->tables.items[i]);
    TRY(ddl__commit(ddl));
    ddl__changed(ddl, "DROPPED", entry->name, NULL);
    for (size_t i = 0; i < entry->tables.count; i++) {
        entry->tables.items[i]->gone = true;
        catalog__storage_remove(catalog, entry->tables.items[i]->table.storage);
    }
    vec_remove(&catalog->keyspaces, keyspace_place(catalog, entry->name));
    keyspace_entry_free(entry);
    return ERR_OK;
}

// --- tables ---

size_t ddl__table_place(const struct keyspace_entry *entry, const char *name)
{
    size_t at = 0;
    while (at < entry->tables.count && strcmp(entry->tables.items[at]->table.name, name) < 0)
        at++;
    return at;
}

static struct table_node *table_in(const struct keyspace_entry *entry, const char *name)
{
    size_t at = ddl__table_place(entry, name);
    bool found = at < entry->tables.count && strcmp(entry->tables.items[at]->table.name, name) == 0;
    return found ? entry->tables.items[at] : NULL;
}

void ddl__save_table(struct ddl *ddl, const struct table_node *node)
{
    struct str key = {0}, value = {0};
    catalog__key(&key, 't', node->table.keyspace, node->table.name);
    table_node_write(&value, node);
    kv_put(&ddl->batch, KV_META, str_bytes(&key), str_bytes(&value));
    str_release(&key);
    str_release(&value);
}

static bool parse_id(const char *text, uint8_t out[16])
{
    size_t digits = 0;
    for (; *text; text++) {
        int digit = *text >= '0' && *text <= '9'   ? *text - '0'
                    : *text >= 'a' && *text <= 'f' ? *text - 'a' + 10
                    : *text >= 'A' && *text <= 'F' ? *text - 'A' + 10
                                                   : -1;
        if (digit < 0 && *text == '-')
            continue;
        if (digit < 0 || digits == 32)
            return false;
        out[digits / 2] = (uint8_t)(digits % 2 ? out[digits / 2] | digit : digit << 4);
        digits++;
    }
    return digits == 32;
}

static err_t fill_table(struct ddl *ddl, struct table_node *node, const char *keyspace,
                        const struct create_table *statement)
{
    struct table_schema *table = &node->table;
    table->keyspace = arena_strdup(&node->arena, keyspace);
    table->name = arena_strdup(&node->arena, statement->table.name);
    table->options = (struct table_meta_options){.comment = "", .gc_grace_s = GC_GRACE_DEFAULT_S};
    random_uuid(table->id);
    if (statement->id && !parse_id(statement->id, table->id))
        return FAIL(ddl->diag, ERR_CONFIG, "Invalid table id %s", statement->id);
    if (statement->column_count >= NO_SLOT)
        return FAIL(ddl->diag, ERR_INVALID, "too many columns (%zu)", statement->column_count);
    TRY(ddl__set_columns(ddl, node, statement));
    TRY(ddl__set_options(ddl, node, statement->options, statement->option_count));
    if (table->counter && table->options.default_ttl_s > 0)
        return FAIL(ddl->diag, ERR_INVALID,
                    "Cannot set default_time_to_live on a table with counters");
    table->storage = table_storage_new(ddl->catalog->next_storage_id, table->options.gc_grace_s);
    return ERR_OK;
}

static err_t create_table(struct ddl *ddl, const struct create_table *statement)
{
    struct catalog *catalog = ddl->catalog;
    struct keyspace_entry *entry;
    TRY(find_keyspace(ddl, statement->table.keyspace, &entry));
    TRY(check_name(ddl, "Table", statement->table.name));
    if (table_in(entry, statement->table.name))
        return statement->if_not_exists ? ERR_OK : exists(ddl, entry->name, statement->table.name);
    struct table_node *node = table_node_new();
    err_t err = fill_table(ddl, node, entry->name, statement);
    if (!err) {
        catalog->next_storage_id++;
        // Before any of its keys can exist: the filter drops what belongs to no table.
        catalog__storage_add(catalog, node->table.storage);
        ddl__save_table(ddl, node);
        err = ddl__commit(ddl);
        if (err)
            catalog__storage_remove(catalog, node->table.storage);
    }
    if (err) {
        table_node_unref(node);
        return err;
    }
    size_t at = ddl__table_place(entry, node->table.name);
    vec_push(&entry->tables, node);
    for (size_t i = entry->tables.count - 1; i > at; i--)
        entry->tables.items[i] = entry->tables.items[i - 1];
    entry->tables.items[at] = node;
    ddl__changed(ddl, "CREATED", entry->name, node->table.name);
    return ERR_OK;
}

err_t ddl__find_table(struct ddl *ddl, const struct table_name *name, bool if_exists,
                      struct keyspace_entry **entry, struct table_node **out)
{
    const char *keyspace;
    *out = NULL;
    TRY(writable(ddl, name->keyspace, &keyspace));
    *entry = catalog__keyspace(ddl->catalog, keyspace);
    *out = *entry ? table_in(*entry, name->name) : NULL;
    if (*out || if_exists)
        return ERR_OK;
    if (!*entry)
        return FAIL(ddl->diag, ERR_INVALID, "Keyspace '%s' doesn't exist", keyspace);
    return FAIL(ddl->diag, ERR_INVALID, "Table '%s.%s' doesn't exist", keyspace, name->name);
}

static err_t drop_table(struct ddl *ddl, const struct drop *statement)
{
    struct keyspace_entry *entry;
    struct table_node *node;
    TRY(ddl__find_table(ddl, &statement->table, statement->if_exists, &entry, &node));
    if (!node)
        return ERR_OK;
    forget_table(ddl, node);
    TRY(ddl__commit(ddl));
    ddl__changed(ddl, "DROPPED", entry->name, node->table.name);
    vec_remove(&entry->tables, ddl__table_place(entry, node->table.name));
    node->gone = true;
    catalog__storage_remove(ddl->catalog, node->table.storage);
    table_node_unref(node);
    return ERR_OK;
}

static err_t truncate(struct ddl *ddl, const struct table_name *name)
{
    struct keyspace_entry *entry;
    struct table_node *node;
    TRY(ddl__find_table(ddl, name, false, &entry, &node));
    struct table_storage *storage = node->table.storage;
    catalog__leave_behind(&ddl->batch, storage);
    uint32_t old_id = storage->id;
    storage->id = ddl->catalog->next_storage_id++;
    unsigned old_flags = atomic_exchange(&storage->flags, 0);
    ddl__save_table(ddl, node);
    err_t err = ddl__commit(ddl);
    if (err) {
        storage->id = old_id;
        atomic_fetch_or(&storage->flags, old_flags);
    }
    return err;
}

// --- all of them ---

static err_t run(struct ddl *ddl, const struct statement *statement)
{
    switch ((int)statement->kind) {
    case STATEMENT_CREATE_KEYSPACE:
        return create_keyspace(ddl, &statement->create_keyspace);
    case STATEMENT_ALTER_KEYSPACE:
        return alter_keyspace(ddl, &statement->create_keyspace);
    case STATEMENT_DROP_KEYSPACE:
        return drop_keyspace(ddl, &statement->drop);
    case STATEMENT_CREATE_TABLE:
        return create_table(ddl, &statement->create_table);
    case STATEMENT_ALTER_TABLE:
        return ddl__alter_table(ddl, &statement->alter_table);
    case STATEMENT_DROP_TABLE:
        return drop_table(ddl, &statement->drop);
    case STATEMENT_TRUNCATE:
        return truncate(ddl, &statement->truncate);
    default:
        return FAIL(ddl->diag, ERR_INTERNAL, "not a schema statement");
    }
}

err_t catalog_execute(struct catalog *catalog, const struct statement *statement,
                      const char *keyspace, struct arena *arena, struct exec_result *result,
                      struct exec_error *error)
{
    struct ddl ddl = {.catalog = catalog,
                      .keyspace = keyspace,
                      .arena = arena,
                      .result = result,
                      .error = error,
                      .diag = &error->diag};
    result->kind = EXEC_VOID;
    mutex_lock(&catalog->ddl);
    err_t err = run(&ddl, statement);
    if (!err && ddl.batch.count > 0) {
        catalog__publish(catalog);
        err = catalog__clean(catalog, ddl.diag);
    }
    mutex_unlock(&catalog->ddl);
    kv_batch_release(&ddl.batch);
    return err;
}
