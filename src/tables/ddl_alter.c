// SPDX-License-Identifier: Apache-2.0
//
// ALTER TABLE: a new version of the table's node that shares its storage. A column that comes back
// after a DROP has a new id, so cells of its former life stay hidden.

#include "tables/ddl_int.h"

#include "os/clock.h"

static err_t add_columns(struct ddl *ddl, const struct alter_table *statement,
                         struct table_node *node, struct column_meta *columns, size_t *count)
{
    for (size_t i = 0; i < statement->count; i++) {
        const struct column_def *def = &statement->defs[i];
        if (ddl__find_column(columns, *count, def->name)) {
            if (statement->column_if_exists)
                continue;
            return FAIL(ddl->diag, ERR_INVALID, "Column with name '%s' already exists", def->name);
        }
        TRY(ddl__check_type(ddl, node->table.keyspace, def->type));
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
    return ddl__check_counters(ddl, columns, *count);
}

static err_t drop_columns(struct ddl *ddl, const struct alter_table *statement,
                          struct table_node *node, struct column_meta *columns, size_t *count)
{
    struct dropped_column *dropped = ARENA_ARRAY(&node->arena, struct dropped_column,
                                                 node->table.dropped_count + statement->count + 1);
    memcpy(dropped, node->table.dropped, node->table.dropped_count * sizeof *dropped);
    for (size_t i = 0; i < statement->count; i++) {
        struct column_meta *column = ddl__find_column(columns, *count, statement->names[i]);
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
        struct column_meta *column = ddl__find_column(columns, count, statement->names[i]);
        if (!column && statement->column_if_exists)
            continue;
        if (!column)
            return FAIL(ddl->diag, ERR_INVALID, "Column %s was not found in table '%s.%s'",
                        statement->names[i], node->table.keyspace, node->table.name);
        if (column->position < 0)
            return FAIL(ddl->diag, ERR_INVALID, "Cannot rename non PRIMARY KEY column %s",
                        column->name);
        if (ddl__find_column(columns, count, statement->new_names[i]))
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
    return ddl__set_options(ddl, node, statement->options, statement->option_count);
}

err_t ddl__alter_table(struct ddl *ddl, const struct alter_table *statement)
{
    struct keyspace_entry *entry;
    struct table_node *from;
    TRY(ddl__find_table(ddl, &statement->table, statement->if_exists, &entry, &from));
    if (!from)
        return ERR_OK;
    struct table_node *node = table_node_new();
    err_t err = altered(ddl, statement, node, from);
    if (!err) {
        ddl__save_table(ddl, node);
        err = ddl__commit(ddl);
    }
    if (err) {
        table_node_unref(node);
        return err;
    }
    table_storage_of(&node->table)->gc_grace_s = node->table.options.gc_grace_s;
    entry->tables.items[ddl__table_place(entry, node->table.name)] = node;
    from->gone = true;
    table_node_unref(from);
    ddl__changed(ddl, "UPDATED", entry->name, node->table.name);
    return ERR_OK;
}
