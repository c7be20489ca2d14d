// SPDX-License-Identifier: Apache-2.0
//
// Terms meet their types twice: term_bind() when a statement is prepared (what do the markers hold,
// can this ever fit), term_eval() at each execution. The words of refusals are Cassandra's.
#include "tables/term.h"

#include <stdlib.h>

static const struct column_spec *spec_of(const struct bind_specs *specs, size_t marker)
{
    return marker < specs->count ? &specs->items[marker] : NULL;
}

static void name_type(struct str *out, const struct cql_type *type)
{
    str_clear(out);
    cql_type_write(out, type);
}

// Can a literal or a function's result stand for `type` at all?
static bool fits(const struct term *term, const struct cql_type *type)
{
    switch (term->kind) {
    case TERM_LITERAL:
        return cql_literal_suits(type, term->literal);
    case TERM_LIST:
        return type->kind == CQL_LIST;
    case TERM_SET:
        return type->kind == CQL_SET || (type->kind == CQL_MAP && term->count == 0);
    case TERM_MAP:
        return type->kind == CQL_MAP;
    case TERM_TUPLE:
        return type->kind == CQL_TUPLE || (term->count == 1 && fits(term->items[0], type));
    case TERM_UDT:
        return type->kind == CQL_UDT;
    case TERM_HINT:
        return cql_type_is_compatible(type, term->hint);
    case TERM_FUNCTION: {
        const struct function_info *info = function_find(term->function, term->count);
        return info && cql_type_is_compatible(type, cql_type_scalar(info->result));
    }
    case TERM_NULL:
    case TERM_MARKER:
    case TERM_ARITH:
        return true;
    }
    return true;
}

static err_t misfit(const char *what, const struct cql_type *type, const char *column,
                    struct diag *diag)
{
    struct str name = {0};
    cql_type_write(&name, type);
    err_t err = FAIL(diag, ERR_INVALID, "Invalid %s literal for %s of type %s", what, column,
                     str_text(&name));
    str_release(&name);
    return err;
}

static err_t bad_element(const struct term *element, const char *what, const char *part,
                         const struct cql_type *type, const char *column, struct diag *diag)
{
    struct str name = {0}, text = {0};
    cql_type_write(&name, type);
    term_write(&text, element, NULL);
    err_t err = FAIL(diag, ERR_INVALID, "Invalid %s literal for %s: %s %s is not of type %s", what,
                     column, part, str_text(&text), str_text(&name));
    str_release(&name);
    str_release(&text);
    return err;
}

// --- bind ----------------------------------------------------------------------------------------
static err_t bind_marker(const struct term *term, const struct cql_type *type, const char *column,
                         struct bind_specs *specs)
{
    if (!spec_of(specs, term->marker))
        return ERR_INTERNAL;
    const char *given = specs->marker_names ? specs->marker_names[term->marker] : NULL;
    specs->items[term->marker] =
        (struct column_spec){specs->keyspace, specs->table, given ? given : column, type};
    return ERR_OK;
}

static err_t bind_collection(const struct term *term, const struct cql_type *type,
                             const char *column, struct bind_specs *specs, struct diag *diag)
{
    bool map = term->kind == TERM_MAP;
    const char *what = map ? "map" : term->kind == TERM_SET ? "set" : "list";
    if (!fits(term, type))
        return misfit(what, type, column, diag);
    const char *key_name = NULL, *value_name = NULL;
    for (size_t i = 0; i < term->count; i++) {
        bool key = map && i % 2 == 0;
        const struct cql_type *inner = type->params[map ? i % 2 : 0];
        const char **name = key ? &key_name : &value_name;
        if (!*name)
            *name = arena_printf(specs->arena, "%s(%s)", key ? "key" : "value", column);
        if (!fits(term->items[i], inner))
            return bad_element(term->items[i], what, key ? "key" : "value", inner, column, diag);
        TRY(term_bind(term->items[i], inner, *name, specs, diag));
    }
    return ERR_OK;
}

static err_t bind_tuple(const struct term *term, const struct cql_type *type, const char *column,
                        struct bind_specs *specs, struct diag *diag)
{
    if (type->kind != CQL_TUPLE && term->count == 1) // (5) is 5
        return term_bind(term->items[0], type, column, specs, diag);
    if (type->kind != CQL_TUPLE)
        return misfit("tuple type", type, column, diag);
    struct str name = {0};
    err_t err = ERR_OK;
    if (term->count > type->param_count) {
        name_type(&name, type);
        err =
            FAIL(diag, ERR_INVALID,
                 "Invalid tuple literal for %s: too many elements. Type %s expects %zu but got %zu",
                 column, str_text(&name), type->param_count, term->count);
    }
    for (size_t i = 0; i < term->count && err == ERR_OK; i++) {
        if (fits(term->items[i], type->params[i])) {
            err = term_bind(term->items[i], type->params[i],
                            arena_printf(specs->arena, "%s[%zu]", column, i), specs, diag);
        } else {
            name_type(&name, type->params[i]);
            err = FAIL(diag, ERR_INVALID,
                       "Invalid tuple literal for %s: component %zu is not of type %s", column, i,
                       str_text(&name));
        }
    }
    str_release(&name);
    return err;
}

// The type a term has by itself, NULL if that cannot be told (a marker).
static const struct cql_type *own_type(const struct term *term)
{
    static const enum cql_kind kinds[] = {
        [CQL_LITERAL_STRING] = CQL_VARCHAR,   [CQL_LITERAL_INTEGER] = CQL_INT,
        [CQL_LITERAL_FLOAT] = CQL_DOUBLE,     [CQL_LITERAL_BOOLEAN] = CQL_BOOLEAN,
        [CQL_LITERAL_UUID] = CQL_UUID,        [CQL_LITERAL_HEX] = CQL_BLOB,
        [CQL_LITERAL_DURATION] = CQL_DURATION};
    if (term->kind == TERM_HINT)
        return term->hint;
    if (term->kind == TERM_LITERAL)
        return cql_type_scalar(kinds[term->literal]);
    if (term->kind == TERM_FUNCTION) {
        const struct function_info *info = function_find(term->function, term->count);
        return info ? cql_type_scalar(info->result) : NULL;
    }
    return NULL;
}

// What argument `i` of a call is evaluated as.
static const struct cql_type *arg_type(const struct function_info *info, const struct term *arg)
{
    return info->arg == CQL_CUSTOM ? own_type(arg) : cql_type_scalar(info->arg);
}

static err_t find_function(const struct term *term, const struct function_info **out,
                           struct diag *diag)
{
    *out = function_find(term->function, term->count);
    if (*out)
        return ERR_OK;
    return FAIL(diag, ERR_INVALID, "Unknown function %s called", term->function);
}

static err_t cannot_assign(const struct term *term, const struct cql_type *from,
                           const struct cql_type *type, const char *column, struct diag *diag)
{
    struct str name = {0}, other = {0}, text = {0};
    cql_type_write(&name, type);
    cql_type_write(&other, from);
    term_write(&text, term, NULL);
    err_t err;
    if (term->kind == TERM_FUNCTION)
        err =
            FAIL(diag, ERR_INVALID,
                 "Type error: cannot assign result of function system.%s (type %s) to %s (type %s)",
                 term->function, str_text(&other), column, str_text(&name));
    else
        err = FAIL(diag, ERR_INVALID, "Cannot assign value %s to %s of type %s", str_text(&text),
                   column, str_text(&name));
    str_release(&name);
    str_release(&other);
    str_release(&text);
    return err;
}

static err_t bind_function(const struct term *term, const struct cql_type *type, const char *column,
                           struct bind_specs *specs, struct diag *diag)
{
    const struct function_info *info;
    TRY(find_function(term, &info, diag));
    for (size_t i = 0; i < term->count; i++) {
        const struct cql_type *arg = arg_type(info, term->items[i]);
        if (!arg)
            return FAIL(diag, ERR_INVALID,
                        "Ambiguous call to function %s: use type casts to disambiguate",
                        info->name);
        TRY(term_bind(term->items[i], arg, arena_printf(specs->arena, "arg%zu(%s)", i, info->name),
                      specs, diag));
    }
    if (!fits(term, type))
        return cannot_assign(term, cql_type_scalar(info->result), type, column, diag);
    return ERR_OK;
}

err_t term_bind(const struct term *term, const struct cql_type *type, const char *column,
                struct bind_specs *specs, struct diag *diag)
{
    switch (term->kind) {
    case TERM_NULL:
        return ERR_OK;
    case TERM_MARKER:
        return bind_marker(term, type, column, specs);
    case TERM_LITERAL:
        if (!cql_literal_suits(type, term->literal)) {
            struct str unused = {0}; // fails before anything is written
            return cql_value_literal(&unused, type, term->literal, term->text, column, diag);
        }
        return ERR_OK;
    case TERM_LIST:
    case TERM_SET:
    case TERM_MAP:
        return bind_collection(term, type, column, specs, diag);
    case TERM_TUPLE:
        return bind_tuple(term, type, column, specs, diag);
    case TERM_UDT:
        return misfit("user type", type, column, diag);
    case TERM_FUNCTION:
        return bind_function(term, type, column, specs, diag);
    case TERM_HINT:
        if (!cql_type_is_compatible(type, term->hint))
            return cannot_assign(term, term->hint, type, column, diag);
        return term_bind(term->items[0], term->hint, column, specs, diag);
    case TERM_ARITH:
        for (size_t i = 0; i < term->count; i++)
            TRY(term_bind(term->items[i], type, column, specs, diag));
        return ERR_OK;
    }
    return ERR_INTERNAL;
}

// --- eval ----------------------------------------------------------------------------------------
static err_t eval_marker(const struct term *term, const struct cql_type *type, const char *column,
                         const struct term_context *context, struct bytes *out, bool *unset,
                         struct diag *diag)
{
    if (term->marker >= context->value_count)
        return FAIL(diag, ERR_INVALID, "Invalid amount of bind variables");
    const struct bound_value *value = &context->values[term->marker];
    if (value->unset) {
        if (!unset)
            return FAIL(diag, ERR_INVALID, "Invalid unset value for column %s", column);
        *unset = true;
        *out = BYTES_NULL;
        return ERR_OK;
    }
    TRY(cql_value_check(type, value->bytes, diag));
    *out = cql_value_normalize(type, value->bytes, context->arena);
    return ERR_OK;
}

// An inner value: "not set" inside a collection, tuple or call is an error.
static err_t eval_inner(const struct term *term, const struct cql_type *type, const char *column,
                        const struct term_context *context, struct bytes *out, struct diag *diag)
{
    return term_eval(term, type, column, context, out, NULL, diag);
}

static err_t eval_items(const struct term *term, const struct cql_type *type, const char *column,
                        const struct term_context *context, struct str *text, struct diag *diag)
{
    bool tuple = type->kind == CQL_TUPLE, map = type->kind == CQL_MAP;
    size_t begin = tuple ? 0 : cql_items_begin(text);
    if (tuple && term->count > type->param_count)
        return misfit("tuple type", type, column, diag);
    for (size_t i = 0; i < term->count; i++) {
        struct bytes item;
        const struct cql_type *inner = type->params[tuple ? i : map ? i % 2 : 0];
        TRY(eval_inner(term->items[i], inner, column, context, &item, diag));
        if (!item.ptr && !tuple)
            return FAIL(diag, ERR_INVALID, "null is not supported inside collections");
        cql_items_add(text, item);
    }
    for (size_t i = term->count; tuple && i < type->param_count; i++)
        cql_items_add(text, BYTES_NULL);
    if (!tuple)
        cql_items_end(text, begin, map ? term->count / 2 : term->count);
    return ERR_OK;
}

static err_t eval_collection(const struct term *term, const struct cql_type *type,
                             const char *column, const struct term_context *context,
                             struct bytes *out, struct diag *diag)
{
    if (!fits(term, type))
        return misfit(term->kind == TERM_MAP   ? "map"
                      : term->kind == TERM_SET ? "set"
                                               : "list",
                      type, column, diag);
    struct str text = {0};
    err_t err = eval_items(term, type, column, context, &text, diag);
    if (err == ERR_OK)
        *out = cql_value_normalize(type, arena_bytes(context->arena, str_bytes(&text)),
                                   context->arena);
    str_release(&text);
    return err;
}

static err_t eval_function(const struct term *term, const char *column,
                           const struct term_context *context, struct bytes *out, struct diag *diag)
{
    const struct function_info *info;
    TRY(find_function(term, &info, diag));
    const struct cql_type *types[2];
    struct bytes args[2];
    for (size_t i = 0; i < term->count; i++) {
        types[i] = arg_type(info, term->items[i]);
        if (!types[i])
            return FAIL(diag, ERR_INVALID,
                        "Ambiguous call to function %s: use type casts to disambiguate",
                        info->name);
        TRY(eval_inner(term->items[i], types[i], column, context, &args[i], diag));
    }
    return function_eval(info, context, types, args, out, diag);
}

static err_t eval_arith(const struct term *term, const struct cql_type *type, const char *column,
                        const struct term_context *context, struct bytes *out, struct diag *diag)
{
    struct bytes left, right;
    if (!arith_type(term->op, type, type))
        return FAIL(diag, ERR_INVALID, "the '%c' operation is not supported on type %s", term->op,
                    cql_kind_name(type->kind));
    TRY(eval_inner(term->items[0], type, column, context, &left, diag));
    if (term->count == 2) {
        TRY(eval_inner(term->items[1], type, column, context, &right, diag));
        return arith_eval(term->op, type, left, type, right, context->arena, out, diag);
    }
    struct str zero = {0};
    err_t err = cql_value_text(&zero, type, bytes_from("0"), diag);
    if (err == ERR_OK)
        err = arith_eval('-', type, str_bytes(&zero), type, left, context->arena, out, diag);
    str_release(&zero);
    return err;
}

static err_t eval_literal(const struct term *term, const struct cql_type *type, const char *column,
                          const struct term_context *context, struct bytes *out, struct diag *diag)
{
    bool verbatim = term->literal == CQL_LITERAL_STRING && type->kind == CQL_VARCHAR;
    if (verbatim) {
        *out = term->text;
        return cql_value_check(type, *out, diag);
    }
    struct str text = {0};
    err_t err = cql_value_literal(&text, type, term->literal, term->text, column, diag);
    if (err == ERR_OK)
        *out = arena_bytes(context->arena, bytes_make(str_text(&text), text.size));
    str_release(&text);
    return err;
}

err_t term_eval(const struct term *term, const struct cql_type *type, const char *column,
                const struct term_context *context, struct bytes *out, bool *unset,
                struct diag *diag)
{
    if (unset)
        *unset = false;
    *out = BYTES_NULL;
    switch (term->kind) {
    case TERM_NULL:
        return ERR_OK;
    case TERM_MARKER:
        return eval_marker(term, type, column, context, out, unset, diag);
    case TERM_LITERAL:
        return eval_literal(term, type, column, context, out, diag);
    case TERM_TUPLE:
        if (type->kind != CQL_TUPLE && term->count == 1)
            return term_eval(term->items[0], type, column, context, out, unset, diag);
        if (type->kind != CQL_TUPLE)
            return misfit("tuple type", type, column, diag);
        return eval_collection(term, type, column, context, out, diag);
    case TERM_LIST:
    case TERM_SET:
    case TERM_MAP:
        return eval_collection(term, type, column, context, out, diag);
    case TERM_UDT:
        return misfit("user type", type, column, diag);
    case TERM_FUNCTION:
        return eval_function(term, column, context, out, diag);
    case TERM_HINT:
        return term_eval(term->items[0], term->hint, column, context, out, unset, diag);
    case TERM_ARITH:
        return eval_arith(term, type, column, context, out, diag);
    }
    return ERR_INTERNAL;
}

bool term_is_constant(const struct term *term)
{
    if (term->kind == TERM_MARKER || (term->kind == TERM_FUNCTION && term->count == 0))
        return false;
    for (size_t i = 0; i < term->count; i++) {
        if (!term_is_constant(term->items[i]))
            return false;
    }
    return true;
}

// --- text ----------------------------------------------------------------------------------------
static void write_items(struct str *out, const struct term *term, const char *const *marker_names,
                        const char *brackets)
{
    str_append_byte(out, brackets[0]);
    for (size_t i = 0; i < term->count; i++) {
        if (i)
            str_append_text(out, term->kind == TERM_MAP && i % 2 ? ": " : ", ");
        if (term->kind == TERM_UDT)
            str_printf(out, "%s: ", term->field_names[i]);
        term_write(out, term->items[i], marker_names);
    }
    str_append_byte(out, brackets[1]);
}

static void write_literal(struct str *out, const struct term *term)
{
    if (term->literal == CQL_LITERAL_STRING)
        cql_value_write_literal(out, cql_type_scalar(CQL_VARCHAR), term->text);
    else
        str_append_bytes(out, term->text);
}

void term_write(struct str *out, const struct term *term, const char *const *marker_names)
{
    switch (term->kind) {
    case TERM_NULL:
        str_append_text(out, "null");
        return;
    case TERM_MARKER:
        if (marker_names && marker_names[term->marker])
            str_printf(out, ":%s", marker_names[term->marker]);
        else
            str_append_byte(out, '?');
        return;
    case TERM_LITERAL:
        write_literal(out, term);
        return;
    case TERM_LIST:
        write_items(out, term, marker_names, "[]");
        return;
    case TERM_SET:
    case TERM_MAP:
    case TERM_UDT:
        write_items(out, term, marker_names, "{}");
        return;
    case TERM_FUNCTION:
        str_append_text(out, term->function);
        write_items(out, term, marker_names, "()");
        return;
    case TERM_TUPLE:
        write_items(out, term, marker_names, "()");
        return;
    case TERM_HINT:
        str_append_byte(out, '(');
        cql_type_write(out, term->hint);
        str_append_byte(out, ')');
        term_write(out, term->items[0], marker_names);
        return;
    case TERM_ARITH:
        if (term->count == 2) {
            term_write(out, term->items[0], marker_names);
            str_printf(out, " %c ", term->op);
        } else {
            str_append_byte(out, term->op);
        }
        term_write(out, term->items[term->count - 1], marker_names);
        return;
    }
}
