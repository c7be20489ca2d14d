// SPDX-License-Identifier: Apache-2.0
//
// tables_prepare: a statement and the present schema become a plan: names resolved, rules checked,
// markers typed. A plan holds its table's node, so it stays valid (and says so: plan_is_current)
// while the schema moves on.

#include "tables/tables_int.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>

// --- writes: columns ---

static err_t column_of(const struct table_schema *table, const char *name,
                       const struct column_meta **out, struct diag *diag)
{
    *out = table_schema_column(table, name);
    return *out ? ERR_OK
                : FAIL(diag, ERR_INVALID, "Undefined column name %s in table %s.%s", name,
                       table->keyspace, table->name);
}

static err_t check_counter_op(const struct write_op *op, struct diag *diag)
{
    bool counter = op->column->type->kind == CQL_COUNTER;
    if (counter && !op->remove && op->kind == ASSIGN_SET)
        return FAIL(diag, ERR_INVALID,
                    "Cannot set the value of counter column %s (counters can only be "
                    "incremented/decremented, not set)",
                    op->column->name);
    return ERR_OK;
}

static err_t check_op(const struct write_op *op, struct diag *diag)
{
    static const char *const signs[] = {"=", "+", "+", "-", "[]", "."};
    const struct cql_type *type = op->column->type;
    const char *name = op->column->name;
    TRY(check_counter_op(op, diag));
    if (op->kind == ASSIGN_SET || (type->kind == CQL_COUNTER && op->kind != ASSIGN_ELEMENT))
        return ERR_OK;
    if (op->kind == ASSIGN_FIELD)
        return FAIL(diag, ERR_INVALID, "Invalid operation on field of column %s", name);
    if (!cql_type_is_collection(type))
        return FAIL(diag, ERR_INVALID,
                    op->remove ? "Invalid deletion operation for non collection column %s"
                    : op->kind == ASSIGN_ELEMENT
                        ? "Invalid operation for non collection column %s"
                        : "Invalid operation (%s) for non counter column %s",
                    op->remove || op->kind == ASSIGN_ELEMENT ? name : signs[op->kind], name);
    if (!cql_type_is_multicell(type))
        return FAIL(diag, ERR_INVALID, "Invalid operation (%s %s) for frozen collection column %s",
                    name, signs[op->kind], name);
    if (op->kind == ASSIGN_PREPEND && type->kind != CQL_LIST)
        return FAIL(diag, ERR_INVALID, "Invalid operation (prepend) for non list column %s", name);
    if (op->kind == ASSIGN_ELEMENT && type->kind == CQL_SET && !op->remove)
        return FAIL(diag, ERR_INVALID, "Invalid operation (%s[…] = …) for set column %s", name,
                    name);
    return ERR_OK;
}

// The type of what is assigned.
static const struct cql_type *operand_type(const struct write_op *op, struct arena *arena)
{
    const struct cql_type *type = op->column->type;
    if (type->kind == CQL_COUNTER)
        return cql_type_scalar(CQL_BIGINT);
    if (op->kind == ASSIGN_ELEMENT)
        return type->kind == CQL_MAP ? type->params[1] : type->params[0];
    if (op->kind == ASSIGN_REMOVE && type->kind == CQL_MAP)
        return cql_type_set(arena, type->params[0], false);
    return type;
}

static err_t add_op(struct plan *plan, struct write_op op, struct bind_specs *specs,
                    struct diag *diag)
{
    struct write_plan *write = &plan->write;
    const struct column_meta *column = op.column;
    if (column->position >= 0)
        return FAIL(diag, ERR_INVALID,
                    op.remove
                        ? "Invalid identifier %s for deletion (should not be a PRIMARY KEY part)"
                        : "PRIMARY KEY part %s found in SET part",
                    column->name);
    TRY(check_op(&op, diag));
    op.type = operand_type(&op, &plan->arena);
    if (op.key) {
        const struct cql_type *key =
            column->type->kind == CQL_LIST ? cql_type_scalar(CQL_INT) : column->type->params[0];
        TRY(term_bind(op.key, key,
                      arena_printf(&plan->arena,
                                   column->type->kind == CQL_LIST ? "idx(%s)" : "key(%s)",
                                   column->name),
                      specs, diag));
    }
    const char *name =
        op.key ? arena_printf(&plan->arena, "value(%s)", column->name) : column->name;
    if (op.value)
        TRY(term_bind(op.value, op.type, name, specs, diag));
    write->any_static |= column->kind == COLUMN_STATIC;
    write->any_regular |= column->kind == COLUMN_REGULAR;
    write->reads_first |=
        (column->type->kind == CQL_COUNTER && !op.remove) ||
        (column->type->kind == CQL_LIST && (op.kind == ASSIGN_ELEMENT || op.kind == ASSIGN_REMOVE));
    size_t at = write->op_count++;
    for (; at > 0 && write->ops[at - 1].column->id > column->id; at--)
        write->ops[at] = write->ops[at - 1];
    write->ops[at] = op;
    return ERR_OK;
}

// --- writes: keys ---

static err_t check_clustering(const struct plan *plan, bool update, struct diag *diag)
{
    const struct write_plan *write = &plan->write;
    const struct where_plan *where = &write->where;
    const struct table_schema *table = where->table;
    const char *what = write->insert ? "INSERT" : update ? "UPDATE" : "DELETE";
    if (write->only_static) {
        if (where->clustering_restricted && !write->insert)
            return FAIL(diag, ERR_INVALID,
                        "Invalid restrictions on clustering columns since the %s statement "
                        "modifies only static "
                        "columns",
                        what);
        return ERR_OK;
    }
    if (write->delete_rows || where->prefix_columns == table->clustering_count)
        return ERR_OK;
    if (where->lower || where->upper)
        return FAIL(diag, ERR_INVALID,
                    update ? "Slice restrictions are not supported on the clustering columns in "
                             "UPDATE statements"
                           : "Range deletions are not supported for specific columns");
    if (!update && !write->insert && where->prefix_columns < table->clustering_count &&
        write->op_count > 0)
        return FAIL(diag, ERR_INVALID, "Range deletions are not supported for specific columns");
    struct str names = {0};
    for (size_t i = where->prefix_columns; i < table->clustering_count; i++)
        str_printf(&names, "%s%s", names.size ? ", " : "",
                   table->columns[table->partition_count + i].name);
    err_t err = FAIL(diag, ERR_INVALID, "Some clustering keys are missing: %s", str_text(&names));
    str_release(&names);
    return err;
}

static err_t check_conditions(const struct plan *plan, struct bind_specs *specs, struct diag *diag)
{
    const struct write_plan *write = &plan->write;
    const struct table_schema *table = &plan->node->table;
    if (!write->conditions)
        return ERR_OK;
    if (table->counter)
        return FAIL(diag, ERR_INVALID, "Conditional updates are not supported on counter tables");
    if (write->using && write->using->timestamp)
        return FAIL(diag, ERR_INVALID, "Cannot provide custom timestamp for conditional updates");
    if (write->where.key_in)
        return FAIL(diag, ERR_INVALID,
                    "IN on the partition key is not supported with conditional %s",
                    write->delete_rows ? "deletions" : "updates");
    if (write->where.prefix_in)
        return FAIL(diag, ERR_INVALID,
                    "IN on the clustering key columns is not supported with conditional %s",
                    write->delete_rows ? "deletions" : "updates");
    if (write->delete_rows && write->where.prefix_columns < table->clustering_count)
        return FAIL(diag, ERR_INVALID,
                    "DELETE statements must restrict all PRIMARY KEY columns with equality "
                    "relations in order "
                    "to delete non static columns");
    const struct where *where = &write->conditions->where;
    for (size_t i = 0; i < where->count; i++) {
        const struct relation *relation = &where->relations[i];
        for (size_t c = 0; c < relation->column_count; c++) {
            const struct column_meta *column;
            TRY(column_of(table, relation->columns[c], &column, diag));
            if (column->position >= 0)
                return FAIL(diag, ERR_INVALID, "PRIMARY KEY column '%s' cannot have IF conditions",
                            column->name);
        }
        if (relation->target == RELATION_FIELD || relation->target == RELATION_TOKEN)
            return FAIL(diag, ERR_INVALID, "Unsupported condition on column %s",
                        relation->columns[0]);
    }
    return where_bind(table, where, specs, diag);
}

static err_t finish_write(struct plan *plan, const struct where *where, enum where_use use,
                          struct bind_specs *specs, struct diag *diag)
{
    struct write_plan *write = &plan->write;
    const struct table_schema *table = &plan->node->table;
    TRY(where_plan(&write->where, table, where, use, false, &plan->arena, diag));
    TRY(where_bind(table, where, specs, diag));
    write->only_static = write->any_static && !write->any_regular &&
                         (!write->where.clustering_restricted || !write->insert) &&
                         !write->delete_rows;
    TRY(check_clustering(plan, use == WHERE_FOR_UPDATE, diag));
    TRY(check_conditions(plan, specs, diag));
    if (table->counter && write->using && (write->using->ttl || write->using->timestamp))
        return FAIL(diag, ERR_INVALID, "Cannot provide custom %s for counter updates",
                    write->using->ttl ? "TTL" : "timestamp");
    if (write->using && write->using->timestamp)
        TRY(term_bind(write->using->timestamp, cql_type_scalar(CQL_BIGINT), "[timestamp]", specs,
                      diag));
    if (write->using && write->using->ttl)
        TRY(term_bind(write->using->ttl, cql_type_scalar(CQL_INT), "[ttl]", specs, diag));
    return ERR_OK;
}

// --- INSERT, UPDATE, DELETE ---

static err_t missing_keys(const struct table_schema *table, const struct insert *insert,
                          bool only_static, struct diag *diag)
{
    for (int clustering = 0; clustering <= !only_static; clustering++) {
        struct str names = {0};
        size_t first = clustering ? table->partition_count : 0;
        size_t end = clustering ? first + table->clustering_count : table->partition_count;
        for (size_t i = first; i < end; i++) {
            bool given = false;
            for (size_t c = 0; c < insert->count; c++)
                given |= strcmp(insert->columns[c], table->columns[i].name) == 0;
            if (!given)
                str_printf(&names, "%s%s", names.size ? ", " : "", table->columns[i].name);
        }
        err_t err = names.size == 0 ? ERR_OK
                                    : FAIL(diag, ERR_INVALID, "Some %s are missing: %s",
                                           clustering ? "clustering keys" : "partition key parts",
                                           str_text(&names));
        str_release(&names);
        TRY(err);
    }
    return ERR_OK;
}

static err_t plan_insert(struct plan *plan, struct bind_specs *specs, struct diag *diag)
{
    const struct insert *insert = &plan->statement->insert;
    const struct table_schema *table = &plan->node->table;
    struct write_plan *write = &plan->write;
    if (insert->json)
        return FAIL(diag, ERR_INVALID, "INSERT JSON is not supported");
    if (table->counter)
        return FAIL(diag, ERR_INVALID,
                    "INSERT statements are not allowed on counter tables, use UPDATE instead");
    write->insert = true;
    write->using = &insert->using;
    write->own.if_not_exists = insert->if_not_exists;
    write->conditions = insert->if_not_exists ? &write->own : NULL;
    write->ops = ARENA_ARRAY(&plan->arena, struct write_op, insert->count + 1);
    struct relation *relations = ARENA_ARRAY(&plan->arena, struct relation, insert->count + 1);
    struct where *where = ARENA_NEW(&plan->arena, struct where);
    where->relations = relations;
    bool any_clustering = false;
    for (size_t i = 0; i < insert->count; i++) {
        const struct column_meta *column;
        TRY(column_of(table, insert->columns[i], &column, diag));
        for (size_t j = 0; j < i; j++)
            if (strcmp(insert->columns[i], insert->columns[j]) == 0)
                return FAIL(diag, ERR_INVALID, "The column names contains duplicates");
        any_clustering |= column->kind == COLUMN_CLUSTERING;
        if (column->position < 0) {
            TRY(add_op(plan, (struct write_op){.column = column, .value = insert->values[i]}, specs,
                       diag));
            continue;
        }
        relations[where->count++] = (struct relation){.target = RELATION_COLUMN,
                                                      .op = RELATION_EQ,
                                                      .column_count = 1,
                                                      .columns = &insert->columns[i],
                                                      .value_count = 1,
                                                      .values = &insert->values[i]};
    }
    bool only_static = write->any_static && !write->any_regular && !any_clustering;
    TRY(missing_keys(table, insert, only_static, diag));
    return finish_write(plan, where, WHERE_FOR_INSERT, specs, diag);
}

static const struct conditions *given(const struct conditions *conditions)
{
    bool any = conditions->if_exists || conditions->if_not_exists || conditions->where.count > 0;
    return any ? conditions : NULL;
}

static err_t plan_update(struct plan *plan, struct bind_specs *specs, struct diag *diag)
{
    const struct update *update = &plan->statement->update;
    struct write_plan *write = &plan->write;
    write->using = &update->using;
    write->conditions = given(&update->conditions);
    write->ops = ARENA_ARRAY(&plan->arena, struct write_op, update->count + 1);
    for (size_t i = 0; i < update->count; i++) {
        const struct assignment *from = &update->assignments[i];
        struct write_op op = {.kind = from->kind, .key = from->key, .value = from->value};
        TRY(column_of(&plan->node->table, from->column, &op.column, diag));
        TRY(add_op(plan, op, specs, diag));
    }
    return finish_write(plan, &update->where, WHERE_FOR_UPDATE, specs, diag);
}

static err_t plan_delete(struct plan *plan, struct bind_specs *specs, struct diag *diag)
{
    const struct delete_ *from = &plan->statement->delete_;
    struct write_plan *write = &plan->write;
    write->using = &from->using;
    write->conditions = given(&from->conditions);
    write->delete_rows = from->count == 0;
    write->ops = ARENA_ARRAY(&plan->arena, struct write_op, from->count + 1);
    for (size_t i = 0; i < from->count; i++) {
        const struct deletion *deletion = &from->deletions[i];
        struct write_op op = {.kind = deletion->key     ? ASSIGN_ELEMENT
                                      : deletion->field ? ASSIGN_FIELD
                                                        : ASSIGN_SET,
                              .key = deletion->key,
                              .remove = true};
        TRY(column_of(&plan->node->table, deletion->column, &op.column, diag));
        TRY(add_op(plan, op, specs, diag));
    }
    return finish_write(plan, &from->where, WHERE_FOR_DELETE, specs, diag);
}

err_t plan_write(struct plan *plan, struct bind_specs *specs, struct diag *diag)
{
    if (plan->node->table.virtual)
        return FAIL(diag, ERR_UNAUTHORIZED, "%s keyspace is not user-modifiable.",
                    plan->node->table.keyspace);
    plan->info.is_write = true;
    plan->info.is_counter = plan->node->table.counter;
    err_t err = plan->statement->kind == STATEMENT_INSERT   ? plan_insert(plan, specs, diag)
                : plan->statement->kind == STATEMENT_UPDATE ? plan_update(plan, specs, diag)
                                                            : plan_delete(plan, specs, diag);
    plan->info.is_conditional = plan->write.conditions != NULL;
    plan->info.does_not_block = !plan->write.conditions && !plan->write.reads_first;
    return err;
}

// --- all statements ---

static const struct table_name *table_of(const struct statement *statement)
{
    switch ((int)statement->kind) {
    case STATEMENT_SELECT:
        return &statement->select.table;
    case STATEMENT_INSERT:
        return &statement->insert.table;
    case STATEMENT_UPDATE:
        return &statement->update.table;
    case STATEMENT_DELETE:
        return &statement->delete_.table;
    default:
        return NULL;
    }
}

// The markers that are the partition key, when it is all markers.
static void set_key_binds(struct plan *plan, const struct where_plan *where)
{
    size_t count = plan->node->table.partition_count;
    if (where->partitions != WHERE_KEYS)
        return;
    uint16_t *binds = ARENA_ARRAY(&plan->arena, uint16_t, count);
    for (size_t i = 0; i < count; i++) {
        const struct relation *relation = where->keys[i];
        if (relation->op != RELATION_EQ || relation->values[0]->kind != TERM_MARKER)
            return;
        binds[i] = (uint16_t)relation->values[0]->marker;
    }
    plan->info.key_binds = binds;
    plan->info.key_count = count;
}

static err_t make(struct plan *plan, struct tables *tables, struct schema *schema,
                  const struct statement *statement, const char *keyspace, struct bind_specs *specs,
                  struct diag *diag);

static err_t make_batch(struct plan *plan, struct schema *schema, const char *keyspace,
                        struct bind_specs *specs, struct diag *diag)
{
    const struct batch_statement *batch = &plan->statement->batch;
    plan->children = ARENA_ARRAY(&plan->arena, struct plan *, batch->count + 1);
    plan->info.is_write = true;
    plan->info.does_not_block = true;
    plan->info.is_counter = batch->kind == BATCH_COUNTER;
    if (batch->using.timestamp)
        TRY(term_bind(batch->using.timestamp, cql_type_scalar(CQL_BIGINT), "[timestamp]", specs,
                      diag));
    if (batch->using.ttl)
        return FAIL(diag, ERR_INVALID, "Global TTL on the BATCH statement is not supported.");
    for (size_t i = 0; i < batch->count; i++) {
        struct plan *child = MEM_NEW(struct plan);
        arena_init(&child->arena, 1024);
        child->refs = 1;
        plan->children[plan->child_count++] = child;
        TRY(make(child, plan->tables, schema, batch->statements[i], keyspace, specs, diag));
        if (!child->info.is_write)
            return FAIL(diag, ERR_INVALID,
                        "Invalid statement in batch: only UPDATE, INSERT and DELETE "
                        "statements are allowed.");
        if (batch->using.timestamp && child->write.using && child->write.using->timestamp)
            return FAIL(diag, ERR_INVALID,
                        "Timestamp must be set either on BATCH or individual statements");
        plan->info.is_conditional |= child->info.is_conditional;
        plan->info.does_not_block &= child->info.does_not_block;
        if (i == 0) {
            plan->info.keyspace = child->info.keyspace;
            plan->info.table = child->info.table;
        }
    }
    return ERR_OK;
}

static err_t make_on_table(struct plan *plan, struct schema *schema, const char *keyspace,
                           struct bind_specs *specs, struct diag *diag)
{
    const struct table_schema *table;
    TRY(catalog_find(schema, table_of(plan->statement), keyspace, &table, diag));
    plan->node = table_node_ref(table);
    plan->info.keyspace = specs->keyspace = table->keyspace;
    plan->info.table = specs->table = table->name;
    if (plan->statement->kind == STATEMENT_SELECT) {
        TRY(plan_select(plan, specs, diag));
        set_key_binds(plan, &plan->select.where);
    } else {
        TRY(plan_write(plan, specs, diag));
        set_key_binds(plan, &plan->write.where);
    }
    return ERR_OK;
}

static err_t make(struct plan *plan, struct tables *tables, struct schema *schema,
                  const struct statement *statement, const char *keyspace, struct bind_specs *specs,
                  struct diag *diag)
{
    plan->tables = tables;
    plan->statement = statement;
    plan->info.kind = statement->kind;
    plan->info.keyspace = plan->info.table = "";
    if (table_of(statement))
        return make_on_table(plan, schema, keyspace, specs, diag);
    if (statement->kind == STATEMENT_BATCH)
        return make_batch(plan, schema, keyspace, specs, diag);
    if (statement->kind == STATEMENT_UNSUPPORTED)
        return FAIL(diag, ERR_INVALID, "%s", statement->unsupported);
    return ERR_OK;
}

err_t tables_prepare(struct tables *tables, const struct statement *statement,
                     struct arena *statement_arena, const char *keyspace, struct plan **out,
                     struct exec_error *error)
{
    struct plan *plan = MEM_NEW(struct plan);
    plan->refs = 1;
    plan->arena = *statement_arena;
    arena_init(statement_arena, statement_arena->block_bytes);
    plan->keyspace = keyspace ? mem_strdup(keyspace) : NULL;
    struct bind_specs specs = {
        .arena = &plan->arena,
        .keyspace = "",
        .table = "",
        .marker_names = statement->marker_names,
        .count = statement->marker_count,
        .items = ARENA_ARRAY(&plan->arena, struct column_spec, statement->marker_count + 1)};
    struct schema *schema = catalog_schema(tables->catalog);
    err_t err = make(plan, tables, schema, statement, plan->keyspace, &specs, &error->diag);
    schema_unref(schema);
    if (err) {
        plan_unref(plan);
        return err;
    }
    plan->info.bind_count = specs.count;
    plan->info.binds = specs.items;
    *out = plan;
    return ERR_OK;
}

const struct plan_info *plan_info(const struct plan *plan)
{
    return &plan->info;
}

struct plan *plan_ref(struct plan *plan)
{
    atomic_fetch_add(&plan->refs, 1);
    return plan;
}

void plan_unref(struct plan *plan)
{
    if (!plan || atomic_fetch_sub(&plan->refs, 1) > 1)
        return;
    for (size_t i = 0; i < plan->child_count; i++)
        plan_unref(plan->children[i]);
    table_node_unref(plan->node);
    mem_free(plan->keyspace);
    arena_release(&plan->arena);
    mem_free(plan);
}

bool plan_is_current(const struct plan *plan)
{
    if (plan->node && plan->node->gone)
        return false;
    for (size_t i = 0; i < plan->child_count; i++)
        if (!plan_is_current(plan->children[i]))
            return false;
    return true;
}
