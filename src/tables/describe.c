// SPDX-License-Identifier: Apache-2.0
//
// DESCRIBE on the server's side, as cqlsh 6 asks for it: rows of (keyspace_name, type, name) or
// those with the CREATE statement, printed by cqlsh as they are. LIST ROLES is here too: it needs
// no table.
#include "tables/system.h"
#include "tables/table_options.h"

#include "tables/lex.h"

struct out { // the result being made
    struct arena *arena;
    struct exec_result *result;
    const struct schema *schema;
    const char *current; // keyspace, or NULL
    const struct describe *wanted;
    bool with_text; // rows have create_statement
};

// --- rows ----------------------------------------------------------------------------------------
static void put_cell(struct out *out, struct bytes cell)
{
    cql_items_add(&out->result->rows, cell);
}

static void set_columns(struct out *out, const char *const *names, size_t count)
{
    struct column_spec *columns = ARENA_ARRAY(out->arena, struct column_spec, count);
    for (size_t i = 0; i < count; i++)
        columns[i] =
            (struct column_spec){"system", "describe", names[i], cql_type_scalar(CQL_VARCHAR)};
    out->result->kind = EXEC_ROWS;
    out->result->column_count = count;
    out->result->columns = columns;
}

// Names need quotes unless they are lower case and not reserved (all our system ones but IndexInfo
// are).
static void put_name(struct str *text, const char *name)
{
    bool plain = *name >= 'a' && *name <= 'z';
    for (const char *c = name; *c; c++)
        plain = plain && ((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_');
    if (plain && !lex_word_is_reserved(bytes_from(name))) {
        str_append_text(text, name);
        return;
    }
    str_append_byte(text, '"');
    for (const char *c = name; *c; c++) {
        if (*c == '"')
            str_append_byte(text, '"');
        str_append_byte(text, *c);
    }
    str_append_byte(text, '"');
}

static void put_quoted(struct str *text, const char *value)
{
    cql_value_write_literal(text, cql_type_scalar(CQL_VARCHAR), bytes_from(value));
}

static void put_element(struct out *out, const char *keyspace, const char *type, const char *name,
                        const struct str *text)
{
    struct str quoted = {0};
    put_cell(out, bytes_from(keyspace));
    put_cell(out, bytes_from(type));
    put_name(&quoted, name);
    put_cell(out, str_bytes(&quoted));
    str_release(&quoted);
    if (out->with_text)
        put_cell(out, str_bytes(text));
    out->result->row_count++;
}

// --- CREATE statements ---------------------------------------------------------------------------
static void put_pairs(struct str *text, const struct option_pair *pairs, size_t count)
{
    str_append_byte(text, '{');
    for (size_t i = 0; i < count; i++) {
        if (i)
            str_append_text(text, ", ");
        put_quoted(text, pairs[i].key);
        str_append_text(text, ": ");
        put_quoted(text, pairs[i].value);
    }
    str_append_byte(text, '}');
}

static void keyspace_text(struct str *text, const struct keyspace_schema *keyspace)
{
    static const char package[] = "org.apache.cassandra.locator.";
    str_append_text(text, "CREATE KEYSPACE ");
    put_name(text, keyspace->name);
    str_append_text(text, " WITH replication = {");
    for (size_t i = 0; i < keyspace->replication_count; i++) {
        const char *value = keyspace->replication[i].value;
        if (strncmp(value, package, sizeof package - 1) == 0)
            value += sizeof package - 1;
        if (i)
            str_append_text(text, ", ");
        put_quoted(text, keyspace->replication[i].key);
        str_append_text(text, ": ");
        put_quoted(text, value);
    }
    str_printf(text, "}  AND durable_writes = %s;", keyspace->durable_writes ? "true" : "false");
}

static void columns_text(struct str *text, const struct table_schema *table)
{
    bool single = table->partition_count == 1 && table->clustering_count == 0;
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column_meta *column = &table->columns[i];
        str_append_text(text, i ? ",\n    " : "    ");
        put_name(text, column->name);
        str_append_byte(text, ' ');
        cql_type_write(text, column->type);
        if (column->kind == COLUMN_STATIC)
            str_append_text(text, " static");
        if (single && column->kind == COLUMN_PARTITION_KEY)
            str_append_text(text, " PRIMARY KEY");
    }
    if (single)
        return;
    str_append_text(text, ",\n    PRIMARY KEY (");
    str_append_text(text, table->partition_count > 1 ? "(" : "");
    for (size_t i = 0; i < table->partition_count + table->clustering_count; i++) {
        if (i)
            str_append_text(text, ", ");
        put_name(text, table->columns[i].name);
        if (table->partition_count > 1 && i + 1 == table->partition_count)
            str_append_byte(text, ')');
    }
    str_append_byte(text, ')');
}

static void order_text(struct str *text, const struct table_schema *table)
{
    str_append_text(text, "CLUSTERING ORDER BY (");
    for (size_t i = 0; i < table->clustering_count; i++) {
        const struct column_meta *column = &table->columns[table->partition_count + i];
        str_append_text(text, i ? ", " : "");
        put_name(text, column->name);
        str_append_text(text, column->descending ? " DESC" : " ASC");
    }
    str_append_text(text, ")\n    AND ");
}

static void options_text(struct str *text, const struct table_schema *table, struct arena *arena)
{
    for (const char *const *name = table_option_names; *name; name++) {
        str_printf(text, "%s%s = ", name == table_option_names ? "" : "\n    AND ", *name);
        if (table_option_is_map(*name)) {
            size_t count;
            const struct option_pair *pairs = table_option_map(table, *name, arena, &count);
            put_pairs(text, pairs, count);
        } else if (table_option_is_quoted(*name)) {
            put_quoted(text, table_option_text(table, *name, arena));
        } else {
            str_append_text(text, table_option_text(table, *name, arena));
        }
    }
    str_append_byte(text, ';');
}

static bool is_virtual(const struct table_schema *table)
{
    return table->virtual && table->virtual->is_virtual;
}

static void table_text(struct str *text, const struct out *out, const struct table_schema *table)
{
    if (is_virtual(table))
        str_append_text(text,
                        "/*\nWarning: Table is a virtual table and cannot be recreated with CQL.\n"
                        "Structure, for reference:\nVIRTUAL TABLE ");
    else
        str_append_text(text, "CREATE TABLE ");
    put_name(text, table->keyspace);
    str_append_byte(text, '.');
    put_name(text, table->name);
    str_append_text(text, " (\n");
    columns_text(text, table);
    str_append_text(text, "\n) WITH ");
    if (is_virtual(table)) {
        str_append_text(text, "comment = ");
        put_quoted(text, table->options.comment);
        str_append_text(text, ";\n*/");
        return;
    }
    if (out->wanted->with_internals) {
        str_append_text(text, "ID = ");
        cql_value_write(text, cql_type_scalar(CQL_UUID), bytes_make(table->id, sizeof table->id));
        str_append_text(text, "\n    AND ");
    }
    if (table->clustering_count)
        order_text(text, table);
    options_text(text, table, out->arena);
}

// --- what is described ---------------------------------------------------------------------------
static void describe_table(struct out *out, const struct table_schema *table)
{
    struct str text = {0};
    if (out->with_text)
        table_text(&text, out, table);
    put_element(out, table->keyspace, "table", table->name, &text);
    str_release(&text);
}

static void describe_keyspace(struct out *out, const struct keyspace_schema *keyspace,
                              bool with_tables)
{
    struct str text = {0};
    bool made_up = keyspace->table_count > 0 && is_virtual(keyspace->tables[0]);
    if (made_up)
        str_printf(&text,
                   "/*\nWarning: Keyspace %s is a virtual keyspace and cannot be recreated with "
                   "CQL.\nStructure, for reference:*/\n// VIRTUAL KEYSPACE %s;",
                   keyspace->name, keyspace->name);
    else
        keyspace_text(&text, keyspace);
    put_element(out, keyspace->name, "keyspace", keyspace->name, &text);
    str_release(&text);
    for (size_t i = 0; with_tables && i < keyspace->table_count; i++)
        describe_table(out, keyspace->tables[i]);
}

static void list_columns(struct out *out, bool with_text)
{
    static const char *const names[] = {"keyspace_name", "type", "name", "create_statement"};
    out->with_text = with_text;
    set_columns(out, names, with_text ? 4 : 3);
}

static err_t describe_one(struct out *out, const char *keyspace_name, const char *name,
                          struct diag *diag)
{
    if (!keyspace_name)
        return FAIL(diag, ERR_INVALID, "No keyspace specified and no current keyspace");
    const struct keyspace_schema *keyspace = schema_keyspace(out->schema, keyspace_name);
    if (!keyspace)
        return FAIL(diag, ERR_INVALID, "'%s' not found in keyspaces", keyspace_name);
    if (!name) {
        describe_keyspace(out, keyspace, !out->wanted->only);
        return ERR_OK;
    }
    const struct table_schema *table = schema_table(out->schema, keyspace_name, name);
    if (!table && out->wanted->kind == DESCRIBE_ELEMENT)
        return FAIL(diag, ERR_INVALID, "'%s' not found in keyspace '%s'", name, keyspace_name);
    if (!table)
        return FAIL(diag, ERR_INVALID, "Table '%s' not found in keyspace '%s'", name,
                    keyspace_name);
    describe_table(out, table);
    return ERR_OK;
}

static void describe_schema(struct out *out)
{
    for (size_t i = 0; i < out->schema->keyspace_count; i++) {
        const struct keyspace_schema *keyspace = out->schema->keyspaces[i];
        if (out->wanted->full || !keyspace_is_system(keyspace->name))
            describe_keyspace(out, keyspace, true);
    }
}

static void list_keyspaces(struct out *out)
{
    for (size_t i = 0; i < out->schema->keyspace_count; i++) {
        const char *name = out->schema->keyspaces[i]->name;
        put_element(out, name, "keyspace", name, NULL);
    }
}

static err_t list_tables(struct out *out, struct diag *diag)
{
    const struct schema *schema = out->schema;
    const struct keyspace_schema *only = NULL;
    if (out->current && !(only = schema_keyspace(schema, out->current)))
        return FAIL(diag, ERR_INVALID, "'%s' not found in keyspaces", out->current);
    for (size_t i = 0; i < schema->keyspace_count; i++) {
        const struct keyspace_schema *keyspace = schema->keyspaces[i];
        for (size_t j = 0; (!only || keyspace == only) && j < keyspace->table_count; j++)
            put_element(out, keyspace->name, "table", keyspace->tables[j]->name, NULL);
    }
    return ERR_OK;
}

static void describe_cluster(struct out *out)
{
    static const char *const names[] = {"cluster", "partitioner", "snitch", "range_ownership"};
    set_columns(out, names, out->current ? 4 : 3);
    put_cell(out, bytes_from(SYSTEM_CLUSTER_NAME));
    put_cell(out, bytes_from("Murmur3Partitioner"));
    put_cell(out, bytes_from("DynamicEndpointSnitch"));
    if (out->current) {
        struct column_spec *columns =
            arena_dup(out->arena, out->result->columns, 4 * sizeof *columns);
        const struct cql_type *text = cql_type_scalar(CQL_VARCHAR);
        columns[3].type =
            cql_type_map(out->arena, text, cql_type_list(out->arena, text, true), false);
        out->result->columns = columns;
        struct str map = {0};
        size_t begin = cql_items_begin(&map);
        cql_items_add(&map, bytes_from(SYSTEM_TOKEN));
        cql_items_add(&map, cell_set(out->arena, "/127.0.0.1:7000"));
        cql_items_end(&map, begin, 1);
        put_cell(out, str_bytes(&map));
        str_release(&map);
    }
    out->result->row_count = 1;
}

static err_t no_such(const struct out *out, const char *what, struct diag *diag)
{
    const struct table_name *target = &out->wanted->target;
    const char *keyspace = target->keyspace ? target->keyspace : out->current;
    if (!keyspace)
        return FAIL(diag, ERR_INVALID, "No keyspace specified and no current keyspace");
    if (!schema_keyspace(out->schema, keyspace))
        return FAIL(diag, ERR_INVALID, "'%s' not found in keyspaces", keyspace);
    return FAIL(diag, ERR_INVALID, "%s '%s' not found in '%s'", what, target->name, keyspace);
}

// DESCRIBE name: a keyspace, else a table of the current one.
static err_t describe_element(struct out *out, struct diag *diag)
{
    const struct table_name *target = &out->wanted->target;
    if (!target->keyspace && schema_keyspace(out->schema, target->name))
        return describe_one(out, target->name, NULL, diag);
    if (!target->keyspace && !out->current)
        return FAIL(diag, ERR_INVALID, "'%s' not found in keyspaces", target->name);
    return describe_one(out, target->keyspace ? target->keyspace : out->current, target->name,
                        diag);
}

static err_t describe(struct out *out, struct diag *diag)
{
    const struct describe *wanted = out->wanted;
    const char *keyspace = wanted->target.keyspace ? wanted->target.keyspace : out->current;
    switch (wanted->kind) {
    case DESCRIBE_CLUSTER:
        describe_cluster(out);
        return ERR_OK;
    case DESCRIBE_SCHEMA:
        list_columns(out, true);
        describe_schema(out);
        return ERR_OK;
    case DESCRIBE_KEYSPACES:
        list_columns(out, false);
        list_keyspaces(out);
        return ERR_OK;
    case DESCRIBE_KEYSPACE:
        list_columns(out, true);
        return describe_one(out, keyspace, NULL, diag);
    case DESCRIBE_TABLES:
        list_columns(out, false);
        return list_tables(out, diag);
    case DESCRIBE_TABLE:
        list_columns(out, true);
        return describe_one(out, keyspace, wanted->target.name, diag);
    case DESCRIBE_ELEMENT:
        list_columns(out, true);
        return describe_element(out, diag);
    case DESCRIBE_TYPES:
    case DESCRIBE_FUNCTIONS:
    case DESCRIBE_AGGREGATES:
        list_columns(out, false);
        return ERR_OK;
    case DESCRIBE_INDEX:
        return no_such(out, "Table for existing index", diag);
    case DESCRIBE_VIEW:
        return no_such(out, "Materialized view", diag);
    case DESCRIBE_TYPE:
        return no_such(out, "User defined type", diag);
    case DESCRIBE_FUNCTION:
        return no_such(out, "User defined function", diag);
    case DESCRIBE_AGGREGATE:
        return no_such(out, "User defined aggregate", diag);
    }
    return ERR_INTERNAL;
}

// --- LIST ROLES ----------------------------------------------------------------------------------
static void list_roles(struct out *out)
{
    static const struct {
        const char *name;
        enum cql_kind kind;
    } names[] = {{"role", CQL_VARCHAR},
                 {"super", CQL_BOOLEAN},
                 {"login", CQL_BOOLEAN},
                 {"options", CQL_MAP},
                 {"datacenters", CQL_VARCHAR}};
    enum { COUNT = sizeof names / sizeof *names };
    struct column_spec *columns = ARENA_ARRAY(out->arena, struct column_spec, COUNT);
    const struct cql_type *text = cql_type_scalar(CQL_VARCHAR);
    for (size_t i = 0; i < COUNT; i++)
        columns[i] = (struct column_spec){"system_auth", "roles", names[i].name,
                                          names[i].kind == CQL_MAP
                                              ? cql_type_map(out->arena, text, text, false)
                                              : cql_type_scalar(names[i].kind)};
    out->result->kind = EXEC_ROWS;
    out->result->column_count = COUNT;
    out->result->columns = columns;
    put_cell(out, bytes_from("cassandra"));
    put_cell(out, cell_bool(true));
    put_cell(out, cell_bool(true));
    put_cell(out, cell_map(out->arena, NULL, 0));
    put_cell(out, bytes_from("ALL"));
    out->result->row_count = 1;
}

bool describe_execute(struct tables *tables, const struct statement *statement,
                      const char *keyspace, struct arena *arena, struct exec_result *result)
{
    enum statement_kind kind = statement->kind;
    if (kind != STATEMENT_DESCRIBE && kind != STATEMENT_LIST_ROLES && kind != STATEMENT_UNSUPPORTED)
        return false;
    *result = (struct exec_result){0};
    struct schema *schema = tables_schema(tables);
    struct out out = {.arena = arena,
                      .result = result,
                      .schema = schema,
                      .current = keyspace,
                      .wanted = &statement->describe};
    struct diag *diag = &result->error.diag;
    err_t err = ERR_OK;
    if (kind == STATEMENT_UNSUPPORTED)
        err = FAIL(diag, ERR_INVALID, "%s", statement->unsupported);
    else if (kind == STATEMENT_LIST_ROLES)
        list_roles(&out);
    else
        err = describe(&out, diag);
    if (err != ERR_OK) {
        result->kind = EXEC_ERROR;
        result->error.diag.code = err;
    }
    schema_unref(schema);
    return true;
}
