// SPDX-License-Identifier: Apache-2.0
//
// The types of arrays, maps and structs.
#include "sql/bind/bind_rules.h"

struct expr *bind_array(struct binder *binder, struct expr *call)
{
    const struct type *type = call->arg_count ? call->args[0]->type : &type_null;
    return binder__done(binder, call, type_array(binder->arena, type, true));
}

// map(k, v, …): all keys meet at one type, and all values.
struct expr *bind_map(struct binder *binder, struct expr *call)
{
    const struct type *types[2] = {&type_null, &type_null};
    if (call->arg_count % 2)
        return binder__fail(binder, call->at, ERR_TYPE,
                            "[WRONG_NUM_ARGS.WITHOUT_SUGGESTION] map takes an even number of "
                            "arguments");
    for (size_t i = 0; i < call->arg_count; i++) {
        const struct type *wider = coerce_wider(binder->arena, types[i % 2], call->args[i]->type);
        if (!wider)
            return binder__fail(binder, call->args[i]->at, ERR_TYPE,
                                "[DATATYPE_MISMATCH] the %s of a map must have one type, they are "
                                "%s and %s",
                                i % 2 ? "values" : "keys", binder__type_text(binder, types[i % 2]),
                                binder__type_text(binder, call->args[i]->type));
        types[i % 2] = wider;
    }
    for (size_t i = 0; i < call->arg_count; i++)
        call->args[i] = expr_cast(binder->arena, call->args[i], types[i % 2]);
    return binder__done(binder, call, type_map(binder->arena, types[0], types[1], true));
}

// struct(a, b AS c, 1): names were collected by bind_call.c in `extra`.
struct expr *bind_struct(struct binder *binder, struct expr *call)
{
    const char *const *names = call->extra;
    struct type_field *fields = ARENA_ARRAY(binder->arena, struct type_field, call->arg_count + 1);
    for (size_t i = 0; i < call->arg_count; i++) {
        const char *name = names ? names[i] : NULL;
        fields[i] = (struct type_field){name ? name : arena_printf(binder->arena, "col%zu", i + 1),
                                        call->args[i]->type, true};
    }
    call->extra = NULL;
    return binder__done(binder, call, type_struct(binder->arena, fields, call->arg_count));
}

struct expr *bind_named_struct(struct binder *binder, struct expr *call)
{
    if (call->arg_count % 2)
        return binder__fail(binder, call->at, ERR_TYPE,
                            "[WRONG_NUM_ARGS] named_struct takes an even number of arguments");
    struct type_field *fields = ARENA_ARRAY(binder->arena, struct type_field, call->arg_count + 1);
    for (size_t i = 0; i < call->arg_count; i += 2) {
        struct bytes name;
        if (!expr_text(call->args[i], &name))
            return binder__fail(binder, call->args[i]->at, ERR_TYPE,
                                "the name of a field must be a constant text");
        fields[i / 2] =
            (struct type_field){arena_text(binder->arena, name), call->args[i + 1]->type, true};
    }
    return binder__done(binder, call, type_struct(binder->arena, fields, call->arg_count / 2));
}

static struct expr *not_indexable(struct binder *binder, const struct expr *call)
{
    return binder__fail(binder, call->at, ERR_TYPE,
                        "[INVALID_EXTRACT_BASE_FIELD_TYPE] cannot take an element of %s",
                        binder__type_text(binder, call->args[0]->type));
}

struct expr *bind_subscript(struct binder *binder, struct expr *call)
{
    const struct type *type = call->args[0]->type;
    struct bytes name;
    if (type->kind == TYPE_STRUCT && expr_text(call->args[1], &name))
        return binder__field(binder, call->args[0], arena_text(binder->arena, name), call->at);
    if (type->kind == TYPE_MAP)
        return binder__convert(binder, call, 1, type->fields[0].type)
                   ? binder__done(binder, call, type->fields[1].type)
                   : NULL;
    if (type->kind != TYPE_ARRAY)
        return not_indexable(binder, call);
    return binder__convert(binder, call, 1, &type_int)
               ? binder__done(binder, call, type->fields[0].type)
               : NULL;
}

struct expr *bind_element_at(struct binder *binder, struct expr *call)
{
    if (call->args[0]->type->kind == TYPE_STRUCT)
        return not_indexable(binder, call);
    return bind_subscript(binder, call);
}

struct expr *bind_size(struct binder *binder, struct expr *call)
{
    enum type_kind kind = call->args[0]->type->kind;
    if (kind != TYPE_ARRAY && kind != TYPE_MAP && kind != TYPE_NULL)
        return binder__fail(binder, call->at, ERR_TYPE, "size needs an array or a map, not %s",
                            binder__type_text(binder, call->args[0]->type));
    return binder__done(binder, call, &type_int);
}

// (array<T>, T): array_contains and its kind.
struct expr *bind_array_item(struct binder *binder, struct expr *call)
{
    const char *name = call->function->name;
    const struct type *list = call->args[0]->type;
    const struct type *item = call->args[1]->type;
    if (list->kind != TYPE_ARRAY)
        return binder__fail(binder, call->at, ERR_TYPE,
                            "[DATATYPE_MISMATCH] the first argument of %s must be an array, not %s",
                            name, binder__type_text(binder, list));
    const struct type *element = list->fields[0].type;
    bool text = (element->kind == TYPE_STRING) != (item->kind == TYPE_STRING) &&
                element->kind != TYPE_NULL && item->kind != TYPE_NULL;
    const struct type *meet = text ? NULL : coerce_wider(binder->arena, element, item);
    if (!meet)
        return binder__fail(binder, call->at, ERR_TYPE,
                            "[DATATYPE_MISMATCH.ARRAY_FUNCTION_DIFF_TYPES] %s of %s and %s", name,
                            binder__type_text(binder, list), binder__type_text(binder, item));
    if (strcmp(name, "array_contains") == 0 && item->kind == TYPE_NULL)
        return binder__fail(binder, call->at, ERR_TYPE,
                            "[DATATYPE_MISMATCH.NULL_TYPE] array_contains of NULL");
    list = type_array(binder->arena, meet, true);
    call->args[0] = expr_cast(binder->arena, call->args[0], list);
    call->args[1] = expr_cast(binder->arena, call->args[1], meet);
    const struct type *result = strcmp(name, "array_contains") == 0   ? &type_boolean
                                : strcmp(name, "array_position") == 0 ? &type_long
                                                                      : list;
    return binder__done(binder, call, result);
}

struct expr *bind_array_join(struct binder *binder, struct expr *call)
{
    const struct type *texts = type_array(binder->arena, &type_string, true);
    return binder__convert(binder, call, 0, texts) ? binder__done(binder, call, &type_string)
                                                   : NULL;
}

// array_sort without a lambda is named by the comparison Spark puts there.
struct expr *bind_array_sort(struct binder *binder, struct expr *call)
{
    call->display =
        "array_sort($0, lambdafunction((IF(((namedlambdavariable() IS NULL) AND "
        "(namedlambdavariable() IS NULL)), 0, (IF((namedlambdavariable() IS NULL), 1, "
        "(IF((namedlambdavariable() IS NULL), -1, (IF((namedlambdavariable() < "
        "namedlambdavariable()), -1, (IF((namedlambdavariable() > namedlambdavariable()), 1, "
        "0)))))))))), namedlambdavariable(), namedlambdavariable()))";
    return binder__done(binder, call, call->args[0]->type);
}

struct expr *bind_arrays_zip(struct binder *binder, struct expr *call)
{
    struct type_field *fields = ARENA_ARRAY(binder->arena, struct type_field, call->arg_count + 1);
    for (size_t i = 0; i < call->arg_count; i++) {
        const struct expr *arg = call->args[i];
        if (arg->type->kind != TYPE_ARRAY)
            return binder__fail(binder, arg->at, ERR_TYPE, "arrays_zip needs arrays, not %s",
                                binder__type_text(binder, arg->type));
        bool named = arg->kind == EXPR_SLOT || (arg->kind == EXPR_CALL && arg->field);
        fields[i] = (struct type_field){named ? arg->name : arena_printf(binder->arena, "%zu", i),
                                        arg->type->fields[0].type, true};
    }
    const struct type *record = type_struct(binder->arena, fields, call->arg_count);
    return binder__done(binder, call, type_array(binder->arena, record, false));
}

struct expr *bind_map_part(struct binder *binder, struct expr *call)
{
    const struct type *map = call->args[0]->type;
    const struct type *key = map->fields[0].type;
    const struct type *value = map->fields[1].type;
    if (strcmp(call->function->name, "map_keys") == 0)
        return binder__done(binder, call, type_array(binder->arena, key, false));
    if (strcmp(call->function->name, "map_values") == 0)
        return binder__done(binder, call, type_array(binder->arena, value, true));
    struct type_field fields[] = {{"key", key, false}, {"value", value, true}};
    return binder__done(binder, call,
                        type_array(binder->arena, type_struct(binder->arena, fields, 2), false));
}

struct expr *bind_map_contains_key(struct binder *binder, struct expr *call)
{
    return binder__convert(binder, call, 1, call->args[0]->type->fields[0].type)
               ? binder__done(binder, call, &type_boolean)
               : NULL;
}

struct expr *bind_map_from_arrays(struct binder *binder, struct expr *call)
{
    return binder__done(binder, call,
                        type_map(binder->arena, call->args[0]->type->fields[0].type,
                                 call->args[1]->type->fields[0].type, true));
}

struct expr *bind_map_from_entries(struct binder *binder, struct expr *call)
{
    const struct type *entry = call->args[0]->type->fields[0].type;
    if (entry->kind != TYPE_STRUCT || entry->field_count != 2)
        return binder__fail(binder, call->at, ERR_TYPE,
                            "map_from_entries needs an array of structs of two fields");
    return binder__done(
        binder, call, type_map(binder->arena, entry->fields[0].type, entry->fields[1].type, true));
}

// sequence(start, stop[, step]) of integers, or of dates by days or an interval.
struct expr *bind_sequence(struct binder *binder, struct expr *call)
{
    const struct type *type = coerce_wider(binder->arena, call->args[0]->type, call->args[1]->type);
    if (!type || (!type_is_integral(type) && type->kind != TYPE_DATE))
        return binder__fail(binder, call->at, ERR_UNSUPPORTED,
                            "sequence is supported for integers and dates");
    if (type_is_integral(type) && type->kind != TYPE_LONG)
        type = &type_int;
    call->args[0] = expr_cast(binder->arena, call->args[0], type);
    call->args[1] = expr_cast(binder->arena, call->args[1], type);
    if (call->arg_count == 3 && type->kind != TYPE_DATE && !binder__convert(binder, call, 2, type))
        return NULL;
    if (call->arg_count == 3 && type->kind == TYPE_DATE && !type_is_interval(call->args[2]->type))
        return binder__fail(binder, call->at, ERR_TYPE,
                            "the step of a sequence of dates must be an interval");
    return binder__done(binder, call, type_array(binder->arena, type, false));
}
