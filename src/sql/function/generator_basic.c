// SPDX-License-Identifier: Apache-2.0
//
// explode, posexplode (and their outer forms), inline, stack.
#include "sql/bind/bind_rules.h"
#include "sql/exec/generator.h"

static bool with_position(const struct expr *call)
{
    return strncmp(call->function->name, "pos", 3) == 0;
}

static void explode_make(const struct expr *call, const struct vector *args, size_t row,
                         struct builder *out)
{
    if (vector_null(&args[0], row))
        return;
    const struct column *list = &args[0].column;
    size_t at = vector_at(&args[0], row);
    size_t first = with_position(call);
    for (int32_t i = list->offsets[at]; i < list->offsets[at + 1]; i++) {
        if (first)
            builder_int(&out->children[0], i - list->offsets[at]);
        for (size_t c = 0; c < list->type->field_count; c++)
            builder_value(&out->children[first + c], &list->children[c], (size_t)i);
        builder_struct(out);
    }
}

const struct generator generator_explode = {.make = explode_make};
const struct generator generator_explode_outer = {.outer = true, .make = explode_make};

struct expr *bind_explode(struct binder *binder, struct expr *call)
{
    const struct type *type = call->args[0]->type;
    if (type->kind != TYPE_ARRAY && type->kind != TYPE_MAP)
        return binder__fail(binder, call->at, ERR_TYPE,
                            "[DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE] %s needs an array or a map, "
                            "not %s",
                            call->function->name, binder__type_text(binder, type));
    struct type_field fields[3];
    size_t count = 0;
    if (with_position(call))
        fields[count++] = (struct type_field){"pos", &type_int, false};
    if (type->kind == TYPE_ARRAY) {
        fields[count++] = (struct type_field){"col", type->fields[0].type, true};
    } else {
        fields[count++] = (struct type_field){"key", type->fields[0].type, false};
        fields[count++] = (struct type_field){"value", type->fields[1].type, true};
    }
    return binder__done(binder, call, type_struct(binder->arena, fields, count));
}

static void inline_make(const struct expr *call, const struct vector *args, size_t row,
                        struct builder *out)
{
    (void)call;
    if (vector_null(&args[0], row))
        return;
    const struct column *list = &args[0].column;
    size_t at = vector_at(&args[0], row);
    for (int32_t i = list->offsets[at]; i < list->offsets[at + 1]; i++)
        builder_value(out, &list->children[0], (size_t)i);
}

const struct generator generator_inline = {.make = inline_make};
const struct generator generator_inline_outer = {.outer = true, .make = inline_make};

struct expr *bind_inline(struct binder *binder, struct expr *call)
{
    const struct type *type = call->args[0]->type;
    if (type->kind != TYPE_ARRAY || type->fields[0].type->kind != TYPE_STRUCT)
        return binder__fail(binder, call->at, ERR_TYPE, "%s needs an array of structs, not %s",
                            call->function->name, binder__type_text(binder, type));
    return binder__done(binder, call, type->fields[0].type);
}

// stack(n, v1, v2, …): n rows.
static void stack_make(const struct expr *call, const struct vector *args, size_t row,
                       struct builder *out)
{
    size_t columns = call->type->field_count;
    size_t rows = (size_t)vector_int(&args[0], row);
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++) {
            size_t index = 1 + r * columns + c;
            if (index < call->arg_count)
                builder_value(&out->children[c], &args[index].column, vector_at(&args[index], row));
            else
                builder_null(&out->children[c]);
        }
        builder_struct(out);
    }
}

const struct generator generator_stack = {.make = stack_make};

struct expr *bind_stack(struct binder *binder, struct expr *call)
{
    int64_t rows = 0;
    if (call->arg_count < 2 || !expr_long(call->args[0], &rows) ||
        call->args[0]->type->kind != TYPE_INT || rows < 1 || rows > 100000)
        return binder__fail(binder, call->at, ERR_TYPE,
                            "stack(n, …) needs a constant positive number of rows and values");
    size_t values = call->arg_count - 1;
    size_t columns = (values + (size_t)rows - 1) / (size_t)rows;
    struct type_field *fields = ARENA_ARRAY(binder->arena, struct type_field, columns);
    for (size_t c = 0; c < columns; c++) {
        const struct type *type = &type_null;
        for (size_t i = 1 + c; i < call->arg_count && type; i += columns)
            type = coerce_tightest(binder->arena, type, call->args[i]->type);
        if (!type)
            return binder__fail(binder, call->at, ERR_TYPE, "column %zu of stack() mixes types",
                                c + 1);
        for (size_t i = 1 + c; i < call->arg_count; i += columns)
            call->args[i] = expr_cast(binder->arena, call->args[i], type);
        fields[c] = (struct type_field){arena_printf(binder->arena, "col%zu", c), type, true};
    }
    return binder__done(binder, call, type_struct(binder->arena, fields, columns));
}
