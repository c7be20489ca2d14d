// SPDX-License-Identifier: Apache-2.0
//
// The WITH options and the columns of CREATE TABLE.

#include "tables/ddl_int.h"

#include <errno.h>
#include <stdlib.h>

#define OPTION_TTL_MAX_S 630720000

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
err_t ddl__set_options(struct ddl *ddl, struct table_node *node, const struct option *options,
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
            TRY(option_int(ddl, option, OPTION_TTL_MAX_S, &meta->default_ttl_s));
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

err_t ddl__check_type(struct ddl *ddl, const char *keyspace, const struct cql_type *type)
{
    if (type->kind == CQL_CUSTOM)
        return FAIL(ddl->diag, ERR_INVALID, "Custom type %s is not supported", type->name);
    if (type->kind == CQL_UDT)
        return FAIL(ddl->diag, ERR_INVALID, "Unknown type %s.%s", keyspace, type->name);
    for (size_t i = 0; i < type->param_count; i++)
        TRY(ddl__check_type(ddl, keyspace, type->params[i]));
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

struct column_meta *ddl__find_column(struct column_meta *columns, size_t count, const char *name)
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
        struct column_meta *column = ddl__find_column(columns, statement->column_count, name);
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
            ddl__find_column(columns, statement->column_count, statement->order[i].column);
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

err_t ddl__check_counters(struct ddl *ddl, const struct column_meta *columns, size_t count)
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

err_t ddl__set_columns(struct ddl *ddl, struct table_node *node,
                       const struct create_table *statement)
{
    struct column_meta *columns =
        ARENA_ARRAY(&node->arena, struct column_meta, statement->column_count + 1);
    bool any_static = false;
    for (size_t i = 0; i < statement->column_count; i++) {
        const struct column_def *def = &statement->columns[i];
        if (ddl__find_column(columns, i, def->name))
            return FAIL(ddl->diag, ERR_INVALID, "Duplicate column '%s' declaration for table '%s'",
                        def->name, statement->table.name);
        TRY(ddl__check_type(ddl, node->table.keyspace, def->type));
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
    TRY(ddl__check_counters(ddl, columns, statement->column_count));
    table_node_finish(node, columns, statement->column_count);
    return ERR_OK;
}
