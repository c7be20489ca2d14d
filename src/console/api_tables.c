// SPDX-License-Identifier: Apache-2.0
//
// The API of tables: what there is, their columns, and rows to look at.

#include "console/route.h"

static const char *kind_name(enum table_column_kind kind)
{
    static const char *const names[] = {"partition_key", "clustering", "static", "regular"};
    return names[kind];
}

// "(id)", "((a, b), c)": as CQL writes it.
static void write_primary_key(struct str *text, const struct table_info *table)
{
    size_t partition = 0, clustering = 0;
    for (size_t i = 0; i < table->column_count; i++)
        partition += table->columns[i].kind == TABLE_PARTITION_KEY;
    str_append_text(text, partition > 1 ? "((" : "(");
    for (int kind = TABLE_PARTITION_KEY; kind <= TABLE_CLUSTERING_KEY; kind++) {
        for (size_t i = 0, written = 0; i < table->column_count; i++) {
            if ((int)table->columns[i].kind != kind)
                continue;
            clustering += kind == TABLE_CLUSTERING_KEY;
            str_printf(text, "%s%s", written++ || clustering ? ", " : "", table->columns[i].name);
        }
        if (kind == TABLE_PARTITION_KEY && partition > 1)
            str_append_byte(text, ')');
    }
    str_append_byte(text, ')');
}

static void write_columns(struct str *json, const struct table_info *table)
{
    str_append_byte(json, '[');
    for (size_t i = 0; i < table->column_count; i++) {
        const struct table_column *column = &table->columns[i];
        str_append_text(json, i ? ",{\"name\":" : "{\"name\":");
        str_append_json(json, bytes_from(column->name));
        str_append_text(json, ",\"type\":");
        str_append_json(json, bytes_from(column->cql_type));
        str_printf(json, ",\"kind\":\"%s\"}", kind_name(column->kind));
    }
    str_append_byte(json, ']');
}

static err_t list_tables(struct exchange *exchange)
{
    struct table_port port = exchange_options(exchange)->tables;
    const struct table_info *tables = NULL;
    size_t count = 0;
    TRY(port.ops->tables(port.self, &exchange->arena, &tables, &count, &exchange->diag));
    struct str *json = &exchange->json;
    str_append_byte(json, '[');
    for (size_t i = 0; i < count; i++) {
        struct str key = {0};
        write_primary_key(&key, &tables[i]);
        str_append_text(json, i ? ",{\"keyspace\":" : "{\"keyspace\":");
        str_append_json(json, bytes_from(tables[i].keyspace));
        str_append_text(json, ",\"name\":");
        str_append_json(json, bytes_from(tables[i].name));
        str_append_text(json, ",\"primary_key\":");
        str_append_json(json, str_bytes(&key));
        str_append_text(json, ",\"columns\":");
        write_columns(json, &tables[i]);
        str_append_byte(json, '}');
        str_release(&key);
    }
    str_append_byte(json, ']');
    return ERR_OK;
}

static err_t list_columns(struct exchange *exchange)
{
    struct table_port port = exchange_options(exchange)->tables;
    const struct table_info *table = NULL;
    TRY(port.ops->describe(port.self, &exchange->arena, exchange->parts[0], exchange->parts[1],
                           &table, &exchange->diag));
    write_columns(&exchange->json, table);
    return ERR_OK;
}

const struct route table_routes[] = {
    {"GET", "/api/tables", list_tables},
    {"GET", "/api/tables/*/*/columns", list_columns},
    {NULL, NULL, NULL},
};
