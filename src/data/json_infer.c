// SPDX-License-Identifier: Apache-2.0
//
// schema_of_json: the type of one document, after Spark's JsonInferSchema: fields sorted by name,
// whole numbers are BIGINT, what does not agree becomes STRING, what is unknown (null) too.
#include "data/json_text.h"

#include "base/vec.h"
#include "data/json_lex.h"

#include <stdlib.h>

struct field_list {
    VEC(struct type_field) all;
};

static const struct type *infer(struct arena *arena, struct json_lex *lex,
                                const struct json_value *value);

static bool is_number(const struct type *type)
{
    return type->kind == TYPE_LONG || type->kind == TYPE_DOUBLE || type->kind == TYPE_DECIMAL;
}

static const struct type *merge(struct arena *arena, const struct type *a, const struct type *b);

static const struct type *merge_structs(struct arena *arena, const struct type *a,
                                        const struct type *b)
{
    struct type_field *fields =
        ARENA_ARRAY(arena, struct type_field, a->field_count + b->field_count + 1);
    size_t i = 0, j = 0, count = 0;
    while (i < a->field_count || j < b->field_count) { // both are sorted
        int order = i == a->field_count   ? 1
                    : j == b->field_count ? -1
                                          : strcmp(a->fields[i].name, b->fields[j].name);
        fields[count] = order <= 0 ? a->fields[i] : b->fields[j];
        if (order == 0)
            fields[count].type = merge(arena, a->fields[i].type, b->fields[j].type);
        i += order <= 0;
        j += order >= 0;
        count++;
    }
    return type_struct(arena, fields, count);
}

static const struct type *merge(struct arena *arena, const struct type *a, const struct type *b)
{
    if (a->kind == TYPE_NULL || type_equal(a, b))
        return b;
    if (b->kind == TYPE_NULL)
        return a;
    if (is_number(a) && is_number(b)) {
        if (a->kind == TYPE_DOUBLE || b->kind == TYPE_DOUBLE)
            return &type_double;
        int digits_a = a->kind == TYPE_LONG ? 20 : a->precision;
        int digits_b = b->kind == TYPE_LONG ? 20 : b->precision;
        return type_decimal(arena, digits_a > digits_b ? digits_a : digits_b, 0);
    }
    if (a->kind == TYPE_STRUCT && b->kind == TYPE_STRUCT)
        return merge_structs(arena, a, b);
    if (a->kind == TYPE_ARRAY && b->kind == TYPE_ARRAY)
        return type_array(arena, merge(arena, a->fields[0].type, b->fields[0].type), true);
    return &type_string;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct type_field *)a)->name, ((const struct type_field *)b)->name);
}

static const struct type *infer_object(struct arena *arena, struct json_lex *lex)
{
    struct field_list fields = {0};
    struct json_value item;
    const struct type *type = NULL;
    int more;
    for (bool first = true; (more = json_lex_key(lex, first, &item)) == 1; first = false) {
        struct type_field field = {.nullable = true};
        field.name = arena_text(arena, json_lex_unescape(arena, &item));
        if (!json_lex_value(lex, &item) || !(field.type = infer(arena, lex, &item)))
            break;
        vec_push(&fields.all, field);
    }
    if (more == 0 && fields.all.count)
        qsort(fields.all.items, fields.all.count, sizeof *fields.all.items, by_name);
    if (more == 0)
        type = type_struct(arena, fields.all.items, fields.all.count);
    vec_release(&fields.all);
    return type;
}

static const struct type *infer_array(struct arena *arena, struct json_lex *lex)
{
    const struct type *element = &type_null;
    struct json_value item;
    int more;
    for (bool first = true; (more = json_lex_item(lex, first)) == 1; first = false) {
        const struct type *type = json_lex_value(lex, &item) ? infer(arena, lex, &item) : NULL;
        if (!type)
            return NULL;
        element = merge(arena, element, type);
    }
    return more == 0 ? type_array(arena, element, true) : NULL;
}

static const struct type *infer_number(struct arena *arena, const struct json_lex *lex,
                                       const struct json_value *value)
{
    int64_t number;
    if (lex->options->primitives_as_string)
        return &type_string;
    if (value->token != JSON_INT)
        return &type_double;
    if (json_lex_int(value, &number))
        return &type_long;
    size_t digits = value->text.size - (value->text.ptr[0] == '-');
    return digits <= 38 ? type_decimal(arena, (int)digits, 0) : &type_double;
}

static const struct type *infer(struct arena *arena, struct json_lex *lex,
                                const struct json_value *value)
{
    switch (value->token) {
    case JSON_NULL:
        return &type_null;
    case JSON_TRUE:
    case JSON_FALSE:
        return lex->options->primitives_as_string ? &type_string : &type_boolean;
    case JSON_INT:
    case JSON_FLOAT:
    case JSON_NAN:
        return infer_number(arena, lex, value);
    case JSON_STRING:
        return &type_string;
    case JSON_OBJECT:
        return infer_object(arena, lex);
    case JSON_ARRAY:
        return infer_array(arena, lex);
    case JSON_BROKEN:
        break;
    }
    return NULL;
}

// Nulls become strings; a struct without fields disappears.
static const struct type *settle(struct arena *arena, const struct type *type)
{
    if (type->kind == TYPE_NULL)
        return &type_string;
    if (type->kind == TYPE_ARRAY) {
        const struct type *element = settle(arena, type->fields[0].type);
        return element ? type_array(arena, element, true) : NULL;
    }
    if (type->kind != TYPE_STRUCT)
        return type;
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, type->field_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < type->field_count; i++) {
        const struct type *inner = settle(arena, type->fields[i].type);
        if (inner && type->fields[i].name[0])
            fields[count++] = (struct type_field){type->fields[i].name, inner, true};
    }
    return count ? type_struct(arena, fields, count) : NULL;
}

err_t json_infer(const struct type **out, struct arena *arena, struct bytes document,
                 const struct json_options *options, struct diag *diag)
{
    struct json_lex lex = {document.ptr, document.ptr + document.size, options, 0};
    struct json_value root;
    if (json_lex_peek(&lex) < 0) {
        *out = &type_string;
        return ERR_OK;
    }
    const struct type *type = json_lex_value(&lex, &root) ? infer(arena, &lex, &root) : NULL;
    if (!type)
        return FAIL(diag, ERR_INVALID, "schema_of_json: the text is not JSON, near character %td",
                    lex.at - document.ptr + 1);
    type = settle(arena, type);
    *out = type ? type : &type_string;
    return ERR_OK;
}
