// SPDX-License-Identifier: Apache-2.0
//
// Responses (native protocol v4 §4.2).
#include "wire/cql/message.h"

#include "base/utf8.h"
#include "wire/writer.h"

enum { RESULT_ROWS = 2, RESULT_PREPARED = 4 };
enum { META_GLOBAL_SPEC = 1 << 0, META_MORE_PAGES = 1 << 1, META_NONE = 1 << 2 };

void cql_string(struct str *out, const char *text)
{
    size_t size = strlen(text);
    if (size > UINT16_MAX)
        size = UINT16_MAX;
    writer_u16(out, (uint16_t)size);
    str_append(out, text, size);
}

void cql_bytes(struct str *out, struct bytes value)
{
    writer_i32(out, value.ptr ? (int32_t)value.size : -1);
    if (value.ptr)
        str_append_bytes(out, value);
}

void cql_short_bytes(struct str *out, struct bytes value)
{
    writer_u16(out, (uint16_t)value.size);
    str_append_bytes(out, value);
}

int cql_prelude_flags(const struct cql_prelude *prelude)
{
    return (prelude->trace_id ? CQL_FLAG_TRACING : 0) |
           (prelude->warning_count ? CQL_FLAG_WARNING : 0);
}

void cql_prelude_encode(struct str *out, const struct cql_prelude *prelude)
{
    if (prelude->trace_id)
        str_append(out, prelude->trace_id, 16);
    if (prelude->warning_count)
        writer_u16(out, (uint16_t)prelude->warning_count);
    for (size_t i = 0; i < prelude->warning_count; i++)
        cql_string(out, prelude->warnings[i]);
}

static void encode_class(struct str *out, const struct cql_type *type)
{
    struct str name = {0};
    cql_type_write_class(&name, type);
    writer_u16(out, CQL_CUSTOM);
    cql_string(out, str_text(&name));
    str_release(&name);
}

static void encode_udt(struct str *out, const struct cql_type *type, int version)
{
    cql_string(out, type->keyspace ? type->keyspace : "");
    cql_string(out, type->name);
    writer_u16(out, (uint16_t)type->param_count);
    for (size_t i = 0; i < type->param_count; i++) {
        cql_string(out, type->field_names[i]);
        cql_type_encode(out, type->params[i], version);
    }
}

// Types a version does not know yet travel as their class names.
void cql_type_encode(struct str *out, const struct cql_type *type, int version)
{
    bool since_v4 = type->kind >= CQL_DATE && type->kind <= CQL_TINYINT;
    if (type->kind == CQL_CUSTOM || type->kind == CQL_DURATION || (since_v4 && version < 4)) {
        encode_class(out, type);
        return;
    }
    writer_u16(out, (uint16_t)type->kind);
    if (type->kind == CQL_UDT) {
        encode_udt(out, type, version);
        return;
    }
    if (type->kind == CQL_TUPLE)
        writer_u16(out, (uint16_t)type->param_count);
    for (size_t i = 0; i < type->param_count; i++)
        cql_type_encode(out, type->params[i], version);
}

// Words may quote what the client sent; drivers refuse a string that is not UTF-8.
static void append_utf8(struct str *out, const char *text)
{
    const uint8_t *at = (const uint8_t *)text;
    for (size_t left = strlen(text); left > 0;) {
        size_t length = utf8_sequence(at, left);
        if (length > 0)
            str_append(out, at, length);
        else
            str_append_text(out, "\xef\xbf\xbd");
        length = length > 0 ? length : 1;
        at += length;
        left -= length;
    }
}

void cql_error_encode(struct str *out, int code, const char *text)
{
    struct str words = {0};
    append_utf8(&words, text);
    writer_u32(out, (uint32_t)code);
    cql_string(out, str_text(&words));
    str_release(&words);
}

static void encode_list(struct str *out, const char *key, const char *const *values, size_t count)
{
    cql_string(out, key);
    writer_u16(out, (uint16_t)count);
    for (size_t i = 0; i < count; i++)
        cql_string(out, values[i]);
}

void cql_supported_encode(struct str *out)
{
    writer_u16(out, 3);
    encode_list(out, "COMPRESSION", (const char *const[]){"snappy", "lz4"}, 2);
    encode_list(out, "CQL_VERSION", (const char *const[]){"3.4.7"}, 1);
    encode_list(out, "PROTOCOL_VERSIONS", (const char *const[]){"3/v3", "4/v4"}, 2);
}

static bool is_one_table(const struct column_spec *columns, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (strcmp(columns[i].keyspace, columns[0].keyspace) != 0 ||
            strcmp(columns[i].table, columns[0].table) != 0)
            return false;
    }
    return count > 0;
}

static void encode_columns(struct str *out, const struct column_spec *columns, size_t count,
                           bool one_table, int version)
{
    if (one_table) {
        cql_string(out, columns[0].keyspace);
        cql_string(out, columns[0].table);
    }
    for (size_t i = 0; i < count; i++) {
        if (!one_table) {
            cql_string(out, columns[i].keyspace);
            cql_string(out, columns[i].table);
        }
        cql_string(out, columns[i].name);
        cql_type_encode(out, columns[i].type, version);
    }
}

static void encode_meta(struct str *out, const struct cql_rows_meta *meta, int version)
{
    bool more = meta->paging_state.size > 0, skip = meta->skip || meta->column_count == 0;
    bool one_table = is_one_table(meta->columns, meta->column_count);
    writer_u32(out, (uint32_t)((one_table ? META_GLOBAL_SPEC : 0) | (more ? META_MORE_PAGES : 0) |
                               (skip ? META_NONE : 0)));
    writer_u32(out, (uint32_t)meta->column_count);
    if (more)
        cql_bytes(out, meta->paging_state);
    if (!skip)
        encode_columns(out, meta->columns, meta->column_count, one_table, version);
}

void cql_rows_begin(struct str *out, const struct cql_rows_meta *meta, int version)
{
    writer_u32(out, RESULT_ROWS);
    encode_meta(out, meta, version);
}

void cql_prepared_encode(struct str *out, const struct cql_prepared *prepared, int version)
{
    writer_u32(out, RESULT_PREPARED);
    cql_short_bytes(out, prepared->id);
    bool one_table = is_one_table(prepared->binds, prepared->bind_count);
    writer_u32(out, one_table ? META_GLOBAL_SPEC : 0);
    writer_u32(out, (uint32_t)prepared->bind_count);
    if (version >= 4) {
        writer_u32(out, (uint32_t)prepared->key_count);
        for (size_t i = 0; i < prepared->key_count; i++)
            writer_u16(out, prepared->key_binds[i]);
    }
    encode_columns(out, prepared->binds, prepared->bind_count, one_table, version);
    encode_meta(out,
                &(struct cql_rows_meta){.column_count = prepared->result_count,
                                        .columns = prepared->results},
                version);
}

void cql_schema_change_encode(struct str *out, const char *change, const char *target,
                              const char *keyspace, const char *name)
{
    cql_string(out, change);
    cql_string(out, target);
    cql_string(out, keyspace);
    if (name && *name)
        cql_string(out, name);
}
