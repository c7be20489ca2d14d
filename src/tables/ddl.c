// SPDX-License-Identifier: Apache-2.0
//
// CREATE, ALTER, DROP and TRUNCATE. Each checks everything, writes one batch, and only then changes
// the catalog's lists and publishes the new schema. Error words are Cassandra's.

#include "tables/schema_int.h"

#include "base/mem.h"
#include "os/clock.h"
#include "os/random.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#define GC_GRACE_DEFAULT_S 864000
#define TTL_MAX_S          630720000
#define NAME_MAX_BYTES     48

// One statement at work.
struct ddl {
    struct catalog *catalog;
    const char *keyspace; // the connection's
    struct arena *arena;
    struct exec_result *result;
    struct exec_error *error;
    struct diag *diag; // error->diag
    struct kv_batch batch;
};

static void changed(struct ddl *ddl, const char *change, const char *keyspace, const char *table)
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

static err_t commit(struct ddl *ddl)
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
    return commit(ddl);
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
    changed(ddl, "CREATED", name, NULL);
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
    changed(ddl, "UPDATED", entry->name, NULL);
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
    TRY(commit(ddl));
    changed(ddl, "DROPPED", entry->name, NULL);
    for (size_t i = 0; i < entry->tables.count; i++) {
        entry->tables.items[i]->gone = true;
        catalog__storage_remove(catalog, entry->tables.items[i]->table.storage);
    }
    vec_remove(&catalog->keyspaces, keyspace_place(catalog, entry->name));
    keyspace_entry_free(entry);
    return ERR_OK;
}

// --- table options ---

static const char *const known_options[] = {
    "additional_write_policy",
    "allow_auto_snapshot",
    "bloom_filter_fp_chance",
    "caching",
    "cdc",
    "compaction",
    "compression",
    "crc_check_chance",
    "dclocal_read_repair_chance",
    "extensions",
    "incremental_backups",
    "max_index_interval",
    "memtable",
    "memtable_flush_period_in_ms",
    "min_index_interval",
    "nodesync",
    "read_repair",
    "read_repair_chance",
    "speculative_retry",
};

static bool is_known(const char *name)
{
    for (size_t i = 0; i < sizeof known_options / sizeof *known_options; i++)
        if (strcmp(known_options[i], name) == 0)
            return true;
    return false;
}

static err_t option_int(struct ddl *ddl, const struct option *option, int32_t max, int32_t *out)
{
    char *end = NULL;
    errno = 0;
    long value = option->text ? strtol(option->text, &end, 10) : 0;
    if (option->kind != OPTION_TEXT || !option->text || *end || errno || end == option->text)
        return FAIL(ddl->diag, ERR_SYNTAX, "Invalid integer value %s for '%s'",
                    option->text ? option->text : "", option->name);
    if (value < 0 || value > max)
        return FAIL(ddl->diag, ERR_CONFIG,
                    "%s must be greater than or equal to 0 and at most %d (got %ld)", option->name,
                    max, value);
    *out = (int32_t)value;
    return ERR_OK;
}

static void copy_option(struct arena *arena, struct option *to, const struct option *from)
{
    *to = *from;
    to->name = arena_strdup(arena, from->name);
    to->text = from->text ? arena_strdup(arena, from->text) : NULL;
    struct option_pair *pairs = ARENA_ARRAY(arena, struct option_pair, from->pair_count + 1);
    for (size_t i = 0; i < from->pair_count; i++) {
        pairs[i].key = arena_strdup(arena, from->pairs[i].key);
        pairs[i].value = arena_strdup(arena, from->pairs[i].value);
    }
    to->pairs = pairs;
}

// Lays `options` over what table->options has.
static err_t set_options(struct ddl *ddl, struct table_node *node, const struct option *options,
                         size_t count)
{
    struct table_meta_options *meta = &node->table.options;
    struct option *all = ARENA_ARRAY(&node->arena, struct option, meta->option_count + count + 1);
    size_t used = 0;
    for (size_t i = 0; i < meta->option_count; i++)
        copy_option(&node->arena, &all[used++], &meta->options[i]);
    for (size_t i = 0; i < count; i++) {
        const struct option *option = &options[i];
        if (strcmp(option->name, "comment") == 0) {
            meta->comment = arena_strdup(&node->arena, option->text ? option->text : "");
        } else if (strcmp(option->name, "default_time_to_live") == 0) {
            TRY(option_int(ddl, option, TTL_MAX_S, &meta->default_ttl_s));
        } else if (strcmp(option->name, "gc_grace_seconds") == 0) {
            TRY(option_int(ddl, option, INT32_MAX, &meta->gc_grace_s));
        } else if (!is_known(option->name)) {
            return FAIL(ddl->diag, ERR_SYNTAX, "Unknown property '%s'", option->name);
        } else {
            size_t at = 0;
            while (at < used && strcmp(all[at].name, option->name) != 0)
                at++;
            copy_option(&node->arena, &all[at], option);
            used += at == used;
        }
    }
    meta->options = all;
    meta->option_count = used;
    return ERR_OK;
}

// --- columns ---

static err_t check_type(struct ddl *ddl, const char *keyspace, const struct cql_type *type)
{
    if (type->kind == CQL_CUSTOM)
        return FAIL(ddl->diag, ERR_INVALID, "Custom type %s is not supported", type->name);
    if (type->kind == CQL_UDT)
        return FAIL(ddl->diag, ERR_INVALID, "Unknown type %s.%s", keyspace, type->name);
    for (size_t i = 0; i < type->param_count; i++)
        TRY(check_type(ddl, keyspace, type->params[i]));
    return cql_type_check(type, ddl->diag);
}

static bool has_duration(const struct cql_type *type)
{
    bool found = type->kind == CQL_DURATION;
    for (size_t i = 0; i < type->param_count; i++)
        found |= has_duration(type->params[i]);
    return found;
}

static err_t check_key_column(struct ddl *ddl, const struct column_meta *column)
{
    struct str type = {0};
    cql_type_write(&type, column->type);
    err_t err = ERR_OK;
    if (cql_type_is_multicell(column->type))
        err = FAIL(ddl->diag, ERR_INVALID,
                   "Invalid non-frozen collection type %s for PRIMARY KEY column '%s'",
                   str_text(&type), column->name);
    else if (column->type->kind == CQL_COUNTER)
        err = FAIL(ddl->diag, ERR_INVALID,
                   "counter type is not supported for PRIMARY KEY column '%s'", column->name);
    else if (has_duration(column->type))
        err = FAIL(ddl->diag, ERR_INVALID,
                   "duration type is not supported for PRIMARY KEY column '%s'", column->name);
    str_release(&type);
    return err;
}

static struct column_meta *find_column(struct column_meta *columns, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(columns[i].name, name) == 0)
            return &columns[i];
    return NULL;
}

static err_t set_keys(struct ddl *ddl, const struct create_table *statement,
                      struct column_meta *columns)
{
    size_t keys = statement->partition_key_count + statement->clustering_count;
    for (size_t i = 0; i < keys; i++) {
        bool partition = i < statement->partition_key_count;
        const char *name = partition ? statement->partition_key[i]
                                     : statement->clustering[i - statement->partition_key_count];
        struct column_meta *column = find_column(columns, statement->column_count, name);
        if (!column)
            return FAIL(ddl->diag, ERR_INVALID,
                        "Unknown column '%s' referenced in PRIMARY KEY for table '%s'", name,
                        statement->table.name);
        if (column->position >= 0)
            return FAIL(ddl->diag, ERR_INVALID,
                        "Duplicate column '%s' in PRIMARY KEY clause for table '%s'", name,
                        statement->table.name);
        if (column->kind == COLUMN_STATIC)
            return FAIL(ddl->diag, ERR_INVALID,
                        "Static column '%s' cannot be part of the PRIMARY KEY", name);
        TRY(check_key_column(ddl, column));
        column->kind = partition ? COLUMN_PARTITION_KEY : COLUMN_CLUSTERING;
        column->position = (int)(partition ? i : i - statement->partition_key_count);
    }
    return ERR_OK;
}

static err_t set_order(struct ddl *ddl, const struct create_table *statement,
                       struct column_meta *columns)
{
    if (statement->order_count > statement->clustering_count)
        return FAIL(ddl->diag, ERR_INVALID,
                    "Only clustering columns can be defined in CLUSTERING ORDER directive");
    for (size_t i = 0; i < statement->order_count; i++) {
        struct column_meta *column =
            find_column(columns, statement->column_count, statement->order[i].column);
        if (!column || column->kind != COLUMN_CLUSTERING)
            return FAIL(
                ddl->diag, ERR_INVALID,
                "Only clustering key columns can be defined in CLUSTERING ORDER directive: [%s] "
                "are not clustering columns",
                statement->order[i].column);
        if (column->position != (int)i)
            return FAIL(ddl->diag, ERR_INVALID,
                        "The order of columns in the CLUSTERING ORDER directive must match that of "
                        "the clustering columns (%s was at position %zu)",
                        column->name, i);
        column->descending = statement->order[i].descending;
    }
    if (statement->order_count > 0 && statement->order_count < statement->clustering_count)
        return FAIL(ddl->diag, ERR_INVALID, "Missing CLUSTERING ORDER for column %s",
                    statement->clustering[statement->order_count]);
    return ERR_OK;
}

static err_t check_counters(struct ddl *ddl, const struct column_meta *columns, size_t count)
{
    size_t counters = 0, others = 0;
    for (size_t i = 0; i < count; i++) {
        if (columns[i].position >= 0)
            continue;
        counters += columns[i].type->kind == CQL_COUNTER;
        others += columns[i].type->kind != CQL_COUNTER;
    }
    if (counters && others)
        return FAIL(ddl->diag, ERR_INVALID,
                    "Cannot mix counter and non counter columns in the same table");
    return ERR_OK;
}

static err_t set_columns(struct ddl *ddl, struct table_node *node,
                         const struct create_table *statement)
{
    struct column_meta *columns =
        ARENA_ARRAY(&node->arena, struct column_meta, statement->column_count + 1);
    bool any_static = false;
    for (size_t i = 0; i < statement->column_count; i++) {
        const struct column_def *def = &statement->columns[i];
        if (find_column(columns, i, def->name))
            return FAIL(ddl->diag, ERR_INVALID, "Duplicate column '%s' declaration for table '%s'",
                        def->name, statement->table.name);
        TRY(check_type(ddl, node->table.keyspace, def->type));
        columns[i] = (struct column_meta){.name = arena_strdup(&node->arena, def->name),
                                          .type = cql_type_copy(&node->arena, def->type),
                                          .kind = def->is_static ? COLUMN_STATIC : COLUMN_REGULAR,
                                          .position = -1,
                                          .id = node->next_id++};
        any_static |= def->is_static;
    }
    if (statement->partition_key_count == 0)
        return FAIL(ddl->diag, ERR_INVALID,
                    "No PRIMARY KEY specifed for table '%s' (exactly one required)",
                    statement->table.name);
    TRY(set_keys(ddl, statement, columns));
    if (any_static && statement->clustering_count == 0)
        return FAIL(
            ddl->diag, ERR_INVALID,
            "Static columns are only useful (and thus allowed) if the table has at least one "
            "clustering column");
    TRY(set_order(ddl, statement, columns));
    TRY(check_counters(ddl, columns, statement->column_count));
    table_node_finish(node, columns, statement->column_count);
    return ERR_OK;
}

// --- tables ---

static size_t table_place(const struct keyspace_entry *entry, const char *name)
{
    size_t at = 0;
    while (at < entry->tables.count && strcmp(entry->tables.items[at]->table.name, name) < 0)
        at++;
    return at;
}

static struct table_node *table_in(const struct keyspace_entry *entry, const char *name)
{
    size_t at = table_place(entry, name);
    bool found = at < entry->tables.count && strcmp(entry->tables.items[at]->table.name, name) == 0;
    return found ? entry->tables.items[at] : NULL;
}

static void save_table(struct ddl *ddl, const struct table_node *node)
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
    TRY(set_columns(ddl, node, statement));
    TRY(set_options(ddl, node, statement->options, statement->option_count));
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
        save_table(ddl, node);
        err = commit(ddl);
        if (err)
            catalog__storage_remove(catalog, node->table.storage);
    }
    if (err) {
        table_node_unref(node);
        return err;
    }
    size_t at = table_place(entry, node->table.name);
    vec_push(&entry->tables, node);
    for (size_t i = entry->tables.count - 1; i > at; i--)
        entry->tables.items[i] = entry->tables.items[i - 1];
    entry->tables.items[at] = node;
    changed(ddl, "CREATED", entry->name, node->table.name);
    return ERR_OK;
}

static err_t find_table(struct ddl *ddl, const struct table_name *name, bool if_exists,
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
    TRY(find_table(ddl, &statement->table, statement->if_exists, &entry, &node));
    if (!node)
        return ERR_OK;
    forget_table(ddl, node);
    TRY(commit(ddl));
    changed(ddl, "DROPPED", entry->name, node->table.name);
    vec_remove(&entry->tables, table_place(entry, node->table.name));
    node->gone = true;
    catalog__storage_remove(ddl->catalog, node->table.storage);
    table_node_unref(node);
    return ERR_OK;
}

static err_t truncate(struct ddl *ddl, const struct table_name *name)
{
    struct keyspace_entry *entry;
    struct table_node *node;
    TRY(find_table(ddl, name, false, &entry, &node));
    struct table_storage *storage = node->table.storage;
    catalog__leave_behind(&ddl->batch, storage);
    uint32_t old_id = storage->id;
    storage->id = ddl->catalog->next_storage_id++;
    unsigned old_flags = atomic_exchange(&storage->flags, 0);
    save_table(ddl, node);
    err_t err = commit(ddl);
    if (err) {
        storage->id = old_id;
        atomic_fetch_or(&storage->flags, old_flags);
    }
    return err;
}

// --- ALTER TABLE ---

static err_t add_columns(struct ddl *ddl, const struct alter_table *statement,
                         struct table_node *node, struct column_meta *columns, size_t *count)
{
    for (size_t i = 0; i < statement->count; i++) {
        const struct column_def *def = &statement->defs[i];
        if (find_column(columns, *count, def->name)) {
            if (statement->column_if_exists)
                continue;
            return FAIL(ddl->diag, ERR_INVALID, "Column with name '%s' already exists", def->name);
        }
        TRY(check_type(ddl, node->table.keyspace, def->type));
        for (size_t d = 0; d < node->table.dropped_count; d++) {
            const struct dropped_column *dropped = &node->table.dropped[d];
            if (strcmp(dropped->name, def->name) == 0 && dropped->is_static != def->is_static)
                return FAIL(ddl->diag, ERR_INVALID,
                            "Cannot re-add previously dropped column '%s' of kind %s", def->name,
                            dropped->is_static ? "STATIC" : "REGULAR");
        }
        if (def->is_static && node->table.clustering_count == 0)
            return FAIL(
                ddl->diag, ERR_INVALID,
                "Static columns are only useful (and thus allowed) if the table has at least one "
                "clustering column");
        columns[(*count)++] =
            (struct column_meta){.name = arena_strdup(&node->arena, def->name),
                                 .type = cql_type_copy(&node->arena, def->type),
                                 .kind = def->is_static ? COLUMN_STATIC : COLUMN_REGULAR,
                                 .position = -1,
                                 .id = node->next_id++};
    }
    return check_counters(ddl, columns, *count);
}

static err_t drop_columns(struct ddl *ddl, const struct alter_table *statement,
                          struct table_node *node, struct column_meta *columns, size_t *count)
{
    struct dropped_column *dropped = ARENA_ARRAY(&node->arena, struct dropped_column,
                                                 node->table.dropped_count + statement->count + 1);
    memcpy(dropped, node->table.dropped, node->table.dropped_count * sizeof *dropped);
    for (size_t i = 0; i < statement->count; i++) {
        struct column_meta *column = find_column(columns, *count, statement->names[i]);
        if (!column) {
            if (statement->column_if_exists)
                continue;
            return FAIL(ddl->diag, ERR_INVALID, "Column %s was not found in table '%s.%s'",
                        statement->names[i], node->table.keyspace, node->table.name);
        }
        if (column->position >= 0)
            return FAIL(ddl->diag, ERR_INVALID, "Cannot drop PRIMARY KEY column %s", column->name);
        dropped[node->table.dropped_count++] = (struct dropped_column){
            column->name, column->type, column->kind == COLUMN_STATIC, clock_now_us()};
        *column = columns[--*count];
    }
    node->table.dropped = dropped;
    return ERR_OK;
}

static err_t rename_columns(struct ddl *ddl, const struct alter_table *statement,
                            struct table_node *node, struct column_meta *columns, size_t count)
{
    for (size_t i = 0; i < statement->count; i++) {
        struct column_meta *column = find_column(columns, count, statement->names[i]);
        if (!column && statement->column_if_exists)
            continue;
        if (!column)
            return FAIL(ddl->diag, ERR_INVALID, "Column %s was not found in table '%s.%s'",
                        statement->names[i], node->table.keyspace, node->table.name);
        if (column->position < 0)
            return FAIL(ddl->diag, ERR_INVALID, "Cannot rename non PRIMARY KEY column %s",
                        column->name);
        if (find_column(columns, count, statement->new_names[i]))
            return FAIL(
                ddl->diag, ERR_INVALID,
                "Cannot rename column %s to %s in table '%s.%s'; another column with that name "
                "already exists",
                column->name, statement->new_names[i], node->table.keyspace, node->table.name);
        column->name = arena_strdup(&node->arena, statement->new_names[i]);
    }
    return ERR_OK;
}

static err_t alter_columns(struct ddl *ddl, const struct alter_table *statement,
                           struct table_node *node, const struct table_schema *from)
{
    size_t count = from->column_count;
    struct column_meta *columns =
        ARENA_ARRAY(&node->arena, struct column_meta, count + statement->count + 1);
    for (size_t i = 0; i < count; i++) {
        columns[i] = from->columns[i];
        columns[i].name = arena_strdup(&node->arena, from->columns[i].name);
        columns[i].type = cql_type_copy(&node->arena, from->columns[i].type);
    }
    if (statement->kind == ALTER_ADD)
        TRY(add_columns(ddl, statement, node, columns, &count));
    else if (statement->kind == ALTER_DROP)
        TRY(drop_columns(ddl, statement, node, columns, &count));
    else if (statement->kind == ALTER_RENAME)
        TRY(rename_columns(ddl, statement, node, columns, count));
    else if (statement->kind == ALTER_TYPE)
        return FAIL(ddl->diag, ERR_INVALID, "Altering column types is no longer supported");
    if (node->next_id >= NO_SLOT)
        return FAIL(ddl->diag, ERR_INVALID, "too many columns were added and dropped");
    table_node_finish(node, columns, count);
    return ERR_OK;
}

// A new version of `from`, sharing its storage.
static err_t altered(struct ddl *ddl, const struct alter_table *statement, struct table_node *node,
                     const struct table_node *from)
{
    const struct table_schema *old = &from->table;
    struct table_schema *table = &node->table;
    *table = *old;
    table->storage = table_storage_ref(old->storage);
    table->keyspace = arena_strdup(&node->arena, old->keyspace);
    table->name = arena_strdup(&node->arena, old->name);
    table->options.comment = arena_strdup(&node->arena, old->options.comment);
    node->next_id = from->next_id;
    struct dropped_column *dropped =
        ARENA_ARRAY(&node->arena, struct dropped_column, old->dropped_count + 1);
    for (size_t i = 0; i < old->dropped_count; i++) {
        dropped[i] = old->dropped[i];
        dropped[i].name = arena_strdup(&node->arena, dropped[i].name);
        dropped[i].type = cql_type_copy(&node->arena, dropped[i].type);
    }
    table->dropped = dropped;
    TRY(alter_columns(ddl, statement, node, old));
    return set_options(ddl, node, statement->options, statement->option_count);
}

static err_t alter_table(struct ddl *ddl, const struct alter_table *statement)
{
    struct keyspace_entry *entry;
    struct table_node *from;
    TRY(find_table(ddl, &statement->table, statement->if_exists, &entry, &from));
    if (!from)
        return ERR_OK;
    struct table_node *node = table_node_new();
    err_t err = altered(ddl, statement, node, from);
    if (!err) {
        save_table(ddl, node);
        err = commit(ddl);
    }
    if (err) {
        table_node_unref(node);
        return err;
    }
    table_storage_of(&node->table)->gc_grace_s = node->table.options.gc_grace_s;
    entry->tables.items[table_place(entry, node->table.name)] = node;
    from->gone = true;
    table_node_unref(from);
    changed(ddl, "UPDATED", entry->name, node->table.name);
    return ERR_OK;
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
        return alter_table(ddl, &statement->alter_table);
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
