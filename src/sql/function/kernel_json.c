// SPDX-License-Identifier: Apache-2.0
//
// JSON functions over data/json_column.h and data/json_text.h. A from_json call keeps its compiled
// reader as long as the run lives; the fields nobody reads (see bind_query.c) are not parsed at
// all.
#include "sql/function/json_call.h"

#include "sql/bind/bind_rules.h"
#include "sql/exec/generator.h"

#include "data/json_text.h"

// Options as a constant map of texts.
static bool read_options(struct binder *binder, struct expr *arg, struct json_options *out)
{
    struct column map;
    out->zone = binder->session->zone;
    if (!arg)
        return true;
    if (arg->type->kind != TYPE_MAP || arg->type->fields[0].type->kind != TYPE_STRING ||
        arg->type->fields[1].type->kind != TYPE_STRING || !binder__value(binder, arg, &map)) {
        binder__fail(binder, arg->at, ERR_TYPE,
                     "[INVALID_OPTIONS] options must be a constant map of texts: map('k', 'v')");
        return false;
    }
    for (int32_t i = map.offsets[0]; i < map.offsets[1]; i++) {
        struct diag diag = DIAG_INIT;
        struct bytes key = arena_bytes(binder->arena, map.children[0].strings[i]);
        struct bytes value = arena_bytes(binder->arena, map.children[1].strings[i]);
        if (json_options_set(out, binder->arena, key, value, &diag)) {
            binder__fail(binder, arg->at, ERR_INVALID, "%s", diag_text(&diag));
            return false;
        }
    }
    return true;
}

struct expr *bind_from_json(struct binder *binder, struct expr *call)
{
    struct json_call *json = ARENA_NEW(binder->arena, struct json_call);
    struct column schema;
    if (call->args[1]->type->kind != TYPE_STRING ||
        !binder__value(binder, call->args[1], &schema) || column_is_null(&schema, 0))
        return binder__fail(binder, call->args[1]->at, ERR_TYPE,
                            "[INVALID_SCHEMA] the schema of from_json must be a constant text");
    struct diag diag = DIAG_INIT;
    if (type_parse(&json->type, binder->arena, schema.strings[0], &diag))
        return binder__fail(binder, call->args[1]->at, ERR_SYNTAX,
                            "[PARSE_SYNTAX_ERROR] the schema of from_json: %s", diag_text(&diag));
    if (!read_options(binder, call->arg_count > 2 ? call->args[2] : NULL, &json->options))
        return NULL;
    struct json_reader *reader; // tells now whether the type can be read
    if (json_reader_new(&reader, binder->arena, json->type, &json->options, &diag))
        return binder__fail(binder, call->args[1]->at, ERR_TYPE, "%s", diag_text(&diag));
    json->fields = ARENA_ARRAY(binder->arena, bool, json->type->field_count + 1);
    json->whole = true;
    call->extra = json;
    call->arg_count = 1;
    if (json->type->kind == TYPE_MAP)
        call->display = "entries$9";
    return binder__done(binder, call, json->type);
}

// The type with only the wanted fields.
static const struct type *pruned(const struct json_call *json, struct arena *arena)
{
    if (json->whole || json->type->kind != TYPE_STRUCT)
        return json->type;
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, json->type->field_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < json->type->field_count; i++)
        if (json->fields[i])
            fields[count++] = json->type->fields[i];
    return type_struct(arena, fields, count);
}

static void spread_fields(struct call *call, const struct json_call *json)
{
    struct column *read = call->out->children;
    struct column *children =
        ARENA_ARRAY(call_arena(call), struct column, json->type->field_count + 1);
    for (size_t i = 0, from = 0; i < json->type->field_count; i++)
        children[i] = json->fields[i] ? read[from++]
                                      : (struct column){.type = &type_null, .count = call->count};
    call->out->children = children;
    call->out->type = json->type;
}

struct reading {
    struct json_reader *reader;
};

err_t kernel_from_json(struct call *call)
{
    const struct json_call *json = call->expr->extra;
    struct reading *reading = call_state(call, sizeof *reading);
    struct diag diag = DIAG_INIT;
    if (!reading->reader)
        TRY(json_reader_new(&reading->reader, call_run_arena(call),
                            pruned(json, call_run_arena(call)), &json->options, call->eval->diag));
    struct column documents;
    vector_flatten(&documents, call_arena(call), &call->args[0], call->count);
    err_t err = json_reader_read(reading->reader, call->out, call_arena(call), &documents, &diag);
    if (err)
        return call_fail(call, err, "%s", diag_text(&diag));
    if (!json->whole && json->type->kind == TYPE_STRUCT)
        spread_fields(call, json);
    return ERR_OK;
}

struct expr *bind_to_json(struct binder *binder, struct expr *call)
{
    struct json_options *options = ARENA_NEW(binder->arena, struct json_options);
    if (!type_is_nested(call->args[0]->type))
        return binder__fail(binder, call->at, ERR_TYPE,
                            "[DATATYPE_MISMATCH] to_json needs a struct, an array or a map, not %s",
                            binder__type_text(binder, call->args[0]->type));
    if (!read_options(binder, call->arg_count > 1 ? call->args[1] : NULL, options))
        return NULL;
    call->extra = options;
    call->arg_count = 1;
    return binder__done(binder, call, &type_string);
}

err_t kernel_to_json(struct call *call)
{
    struct diag diag = DIAG_INIT;
    err_t err = json_write_column(call->out, call_arena(call), &call->args[0].column,
                                  call->expr->extra, &diag);
    return err ? call_fail(call, err, "%s", diag_text(&diag)) : ERR_OK;
}

// --- paths
// -----------------------------------------------------------------------------------------

struct expr *bind_json_path(struct binder *binder, struct expr *call)
{
    struct bytes text;
    if (expr_text(call->args[1], &text))
        call->extra = json_path_parse(binder->arena, text);
    return binder__done(binder, call, &type_string);
}

err_t kernel_get_json_object(struct call *call)
{
    bool constant = call->expr->args[1]->kind == EXPR_LITERAL;
    CALL_ROWS(call, i)
    {
        const struct json_path *path =
            constant ? call->expr->extra
                     : json_path_parse(call_arena(call), vector_text(&call->args[1], i));
        if (!path || !json_path_get(path, call_arena(call), vector_text(&call->args[0], i),
                                    &call->out->strings[i]))
            call_null(call, i);
    }
    return ERR_OK;
}

err_t kernel_json_array_length(struct call *call)
{
    CALL_ROWS(call, i)
    if (!json_array_length(vector_text(&call->args[0], i), &call->out->ints[i]))
        call_null(call, i);
    return ERR_OK;
}

err_t kernel_json_object_keys(struct call *call)
{
    struct builder builder;
    builder_init(&builder, call_arena(call), call->expr->type, call->count);
    for (size_t i = 0; i < call->count; i++) {
        struct bytes *keys;
        size_t count;
        if (column_is_null(call->out, i) ||
            !json_object_keys(call_arena(call), vector_text(&call->args[0], i), &keys, &count)) {
            builder_null(&builder);
            continue;
        }
        for (size_t k = 0; k < count; k++)
            builder_text(&builder.children[0], keys[k]);
        builder_list(&builder);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

err_t kernel_schema_of_json(struct call *call)
{
    struct json_options options = {.zone = call->eval->session->zone};
    struct str text = {0};
    CALL_ROWS(call, i)
    {
        const struct type *type;
        struct diag diag = DIAG_INIT;
        if (json_infer(&type, call_arena(call), vector_text(&call->args[0], i), &options, &diag)) {
            str_release(&text);
            return call_fail(call, ERR_INVALID, "%s", diag_text(&diag));
        }
        text.size = 0;
        type_write_sql(&text, type);
        call->out->strings[i] = arena_bytes(call_arena(call), str_bytes(&text));
    }
    str_release(&text);
    return ERR_OK;
}

// json_tuple(text, name, …): one row of columns c0, c1, ….
static void tuple_make(const struct expr *call, const struct vector *args, size_t row,
                       struct builder *out)
{
    size_t count = call->arg_count - 1;
    struct bytes *names = ARENA_ARRAY(out->arena, struct bytes, count + 1);
    struct bytes *values = ARENA_ARRAY(out->arena, struct bytes, count + 1);
    for (size_t i = 0; i < count; i++)
        names[i] = vector_null(&args[i + 1], row) ? BYTES_NULL : vector_text(&args[i + 1], row);
    if (!vector_null(&args[0], row))
        json_tuple(out->arena, vector_text(&args[0], row), names, count, values);
    for (size_t i = 0; i < count; i++)
        if (values[i].ptr)
            builder_text(&out->children[i], values[i]);
        else
            builder_null(&out->children[i]);
    builder_struct(out);
}

const struct generator generator_json_tuple = {.make = tuple_make};

struct expr *bind_json_tuple(struct binder *binder, struct expr *call)
{
    if (call->arg_count < 2)
        return binder__fail(binder, call->at, ERR_TYPE,
                            "[WRONG_NUM_ARGS] json_tuple needs a text and at least one name");
    size_t count = call->arg_count - 1;
    struct type_field *fields = ARENA_ARRAY(binder->arena, struct type_field, count);
    for (size_t i = 0; i < count; i++)
        fields[i] = (struct type_field){arena_printf(binder->arena, "c%zu", i), &type_string, true};
    return binder__done(binder, call, type_struct(binder->arena, fields, count));
}
