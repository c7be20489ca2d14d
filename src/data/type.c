// SPDX-License-Identifier: Apache-2.0
#include "data/type.h"

const struct type type_null = {.kind = TYPE_NULL}, type_boolean = {.kind = TYPE_BOOLEAN},
                  type_byte = {.kind = TYPE_BYTE}, type_short = {.kind = TYPE_SHORT},
                  type_int = {.kind = TYPE_INT}, type_long = {.kind = TYPE_LONG},
                  type_float = {.kind = TYPE_FLOAT}, type_double = {.kind = TYPE_DOUBLE},
                  type_string = {.kind = TYPE_STRING}, type_binary = {.kind = TYPE_BINARY},
                  type_date = {.kind = TYPE_DATE}, type_timestamp = {.kind = TYPE_TIMESTAMP},
                  type_timestamp_ntz = {.kind = TYPE_TIMESTAMP_NTZ},
                  type_interval = {.kind = TYPE_INTERVAL};

static struct type *make(struct arena *arena, enum type_kind kind, size_t field_count)
{
    struct type *type = ARENA_NEW(arena, struct type);
    type->kind = kind;
    type->field_count = field_count;
    return type;
}

const struct type *type_decimal(struct arena *arena, int precision, int scale)
{
    struct type *type = make(arena, TYPE_DECIMAL, 0);
    type->precision = (uint8_t)precision;
    type->scale = (int8_t)scale;
    return type;
}

const struct type *type_array(struct arena *arena, const struct type *element, bool nullable)
{
    struct type *type = make(arena, TYPE_ARRAY, 1);
    struct type_field field = {"element", element, nullable};
    type->fields = arena_dup(arena, &field, sizeof field);
    return type;
}

const struct type *type_map(struct arena *arena, const struct type *key, const struct type *value,
                            bool value_nullable)
{
    struct type *type = make(arena, TYPE_MAP, 2);
    struct type_field fields[2] = {{"key", key, false}, {"value", value, value_nullable}};
    type->fields = arena_dup(arena, fields, sizeof fields);
    return type;
}

const struct type *type_struct(struct arena *arena, const struct type_field *fields, size_t count)
{
    struct type *type = make(arena, TYPE_STRUCT, count);
    struct type_field *copy = arena_dup(arena, fields, count * sizeof *fields);
    for (size_t i = 0; i < count; i++)
        copy[i].name = arena_strdup(arena, fields[i].name);
    type->fields = copy;
    return type;
}

const struct type *type_copy(struct arena *arena, const struct type *type)
{
    struct type *copy = arena_dup(arena, type, sizeof *type);
    struct type_field *fields =
        arena_dup(arena, type->fields, type->field_count * sizeof *type->fields);
    for (size_t i = 0; i < type->field_count; i++) {
        fields[i].name = arena_strdup(arena, type->fields[i].name);
        fields[i].type = type_copy(arena, type->fields[i].type);
    }
    copy->fields = type->field_count ? fields : NULL;
    return copy;
}

bool type_equal(const struct type *a, const struct type *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->precision != b->precision || a->scale != b->scale ||
        a->from_unit != b->from_unit || a->to_unit != b->to_unit ||
        a->field_count != b->field_count)
        return false;
    for (size_t i = 0; i < a->field_count; i++) {
        if (a->kind == TYPE_STRUCT && strcmp(a->fields[i].name, b->fields[i].name) != 0)
            return false;
        if (!type_equal(a->fields[i].type, b->fields[i].type))
            return false;
    }
    return true;
}

static void write_interval(struct str *out, const struct type *type)
{
    static const char *const ym[] = {"year", "month"};
    static const char *const dt[] = {"day", "hour", "minute", "second"};
    const char *const *units = type->kind == TYPE_INTERVAL_YM ? ym : dt;
    str_printf(out, "interval %s", units[type->from_unit]);
    if (type->to_unit != type->from_unit)
        str_printf(out, " to %s", units[type->to_unit]);
}

void type_write(struct str *out, const struct type *type)
{
    static const char *const names[] = {
        [TYPE_NULL] = "void",
        [TYPE_BOOLEAN] = "boolean",
        [TYPE_BYTE] = "tinyint",
        [TYPE_SHORT] = "smallint",
        [TYPE_INT] = "int",
        [TYPE_LONG] = "bigint",
        [TYPE_FLOAT] = "float",
        [TYPE_DOUBLE] = "double",
        [TYPE_STRING] = "string",
        [TYPE_BINARY] = "binary",
        [TYPE_DATE] = "date",
        [TYPE_TIMESTAMP] = "timestamp",
        [TYPE_TIMESTAMP_NTZ] = "timestamp_ntz",
        [TYPE_INTERVAL] = "interval",
        [TYPE_ARRAY] = "array",
        [TYPE_MAP] = "map",
        [TYPE_STRUCT] = "struct",
    };
    if (type->kind == TYPE_DECIMAL) {
        str_printf(out, "decimal(%d,%d)", type->precision, type->scale);
        return;
    }
    if (type->kind == TYPE_INTERVAL_YM || type->kind == TYPE_INTERVAL_DT) {
        write_interval(out, type);
        return;
    }
    str_append_text(out, names[type->kind]);
    if (type->kind < TYPE_ARRAY)
        return;
    str_append_byte(out, '<');
    for (size_t i = 0; i < type->field_count; i++) {
        if (i)
            str_append_byte(out, ',');
        if (type->kind == TYPE_STRUCT)
            str_printf(out, "%s:", type->fields[i].name);
        type_write(out, type->fields[i].type);
    }
    str_append_byte(out, '>');
}

void type_write_sql(struct str *out, const struct type *type)
{
    if (type->kind < TYPE_ARRAY) {
        size_t start = out->size;
        type_write(out, type);
        for (size_t i = start; i < out->size; i++)
            if (out->ptr[i] >= 'a' && out->ptr[i] <= 'z')
                out->ptr[i] -= 'a' - 'A';
        return;
    }
    str_append_text(out, type->kind == TYPE_ARRAY ? "ARRAY<"
                         : type->kind == TYPE_MAP ? "MAP<"
                                                  : "STRUCT<");
    for (size_t i = 0; i < type->field_count; i++) {
        if (i)
            str_append_text(out, ", ");
        if (type->kind == TYPE_STRUCT)
            str_printf(out, "%s: ", type->fields[i].name);
        type_write_sql(out, type->fields[i].type);
    }
    str_append_byte(out, '>');
}
