// SPDX-License-Identifier: Apache-2.0
#include "data/cast_int.h"

#include "data/decimal.h"

static bool is_whole(enum type_kind kind)
{
    return kind >= TYPE_BYTE && kind <= TYPE_LONG;
}

static bool is_number(enum type_kind kind)
{
    return kind >= TYPE_BYTE && kind <= TYPE_DECIMAL;
}

static bool is_ansi_interval(enum type_kind kind)
{
    return kind == TYPE_INTERVAL_YM || kind == TYPE_INTERVAL_DT;
}

// --- which casts exist
// ---------------------------------------------------------------------------------

// Whether a present value may become null: such a cast is not allowed for the keys of a map.
static bool may_null(const struct type *from, const struct type *to)
{
    if (from->kind == TYPE_NULL || type_equal(from, to) || to->kind == TYPE_STRING)
        return from->kind == TYPE_NULL;
    if (from->kind == TYPE_STRING)
        return to->kind != TYPE_BINARY;
    if (to->kind == TYPE_DECIMAL)
        return !cast_widens(from, to);
    if (to->kind == TYPE_DATE || to->kind == TYPE_INTERVAL)
        return from->kind != TYPE_TIMESTAMP && from->kind != TYPE_TIMESTAMP_NTZ;
    if (from->kind == TYPE_DATE)
        return to->kind != TYPE_TIMESTAMP && to->kind != TYPE_TIMESTAMP_NTZ;
    return (from->kind == TYPE_FLOAT || from->kind == TYPE_DOUBLE) && to->kind == TYPE_TIMESTAMP;
}

static bool text_allowed(enum type_kind to)
{
    return to != TYPE_NULL && to < TYPE_ARRAY;
}

static bool number_allowed(enum type_kind from, enum type_kind to, bool ansi)
{
    if (is_number(to) || to == TYPE_BOOLEAN || to == TYPE_TIMESTAMP)
        return true;
    if (to == TYPE_BINARY)
        return is_whole(from) && !ansi;
    return is_ansi_interval(to) && is_whole(from);
}

static bool time_allowed(enum type_kind from, enum type_kind to, bool ansi)
{
    bool time = to == TYPE_DATE || to == TYPE_TIMESTAMP || to == TYPE_TIMESTAMP_NTZ;
    if (from == TYPE_TIMESTAMP)
        return time || is_number(to) || (to == TYPE_BOOLEAN && !ansi);
    if (from == TYPE_DATE)
        return time || (!ansi && (is_number(to) || to == TYPE_BOOLEAN));
    return time;
}

static bool fields_allowed(const struct type *from, const struct type *to, bool ansi)
{
    if (from->kind != to->kind || from->field_count != to->field_count)
        return false;
    if (from->kind == TYPE_MAP && !ansi && may_null(from->fields[0].type, to->fields[0].type))
        return false;
    for (size_t i = 0; i < from->field_count; i++)
        if (!cast_allowed(from->fields[i].type, to->fields[i].type, ansi))
            return false;
    return true;
}

bool cast_allowed(const struct type *from, const struct type *to, bool ansi)
{
    if (from->kind == TYPE_NULL || to->kind == TYPE_STRING || type_equal(from, to))
        return true;
    switch (from->kind) {
    case TYPE_STRING:
        return text_allowed(to->kind);
    case TYPE_BOOLEAN:
        return is_number(to->kind) || (to->kind == TYPE_TIMESTAMP && !ansi);
    case TYPE_BYTE:
    case TYPE_SHORT:
    case TYPE_INT:
    case TYPE_LONG:
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
    case TYPE_DECIMAL:
        return number_allowed(from->kind, to->kind, ansi);
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_NTZ:
        return time_allowed(from->kind, to->kind, ansi);
    case TYPE_INTERVAL_YM:
    case TYPE_INTERVAL_DT:
        return to->kind == from->kind || is_whole(to->kind);
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_STRUCT:
        return fields_allowed(from, to, ansi);
    case TYPE_NULL:
    case TYPE_BINARY:
    case TYPE_INTERVAL:
        break;
    }
    return false;
}

static bool fields_widen(const struct type *from, const struct type *to)
{
    if (from->kind != to->kind || from->field_count != to->field_count)
        return false;
    for (size_t i = 0; i < from->field_count; i++)
        if (!cast_widens(from->fields[i].type, to->fields[i].type))
            return false;
    return true;
}

bool cast_widens(const struct type *from, const struct type *to)
{
    static const uint8_t digits[] = {
        [TYPE_BYTE] = 3, [TYPE_SHORT] = 5, [TYPE_INT] = 10, [TYPE_LONG] = 19};
    if (type_equal(from, to))
        return true;
    if (from->kind >= TYPE_ARRAY)
        return fields_widen(from, to);
    if (to->kind == TYPE_DECIMAL && is_whole(from->kind))
        return to->precision - to->scale >= digits[from->kind];
    if (to->kind == TYPE_DECIMAL && from->kind == TYPE_DECIMAL)
        return to->scale >= from->scale &&
               to->precision - to->scale >= from->precision - from->scale;
    if (is_whole(from->kind) && is_whole(to->kind))
        return from->kind < to->kind;
    return (from->kind == TYPE_FLOAT && to->kind == TYPE_DOUBLE) ||
           (is_whole(from->kind) && from->kind <= TYPE_INT && to->kind == TYPE_DOUBLE) ||
           (from->kind <= TYPE_SHORT && is_whole(from->kind) && to->kind == TYPE_FLOAT);
}

// --- running
// -------------------------------------------------------------------------------------------

static void message(struct str *out, const struct cast *cast, size_t row)
{
    struct str value = {0};
    cast_value_text(&value, cast->in, row, cast->options);
    if (value.size > 100)
        value.size = 100;
    bool text = cast->in->type->kind == TYPE_STRING;
    if (cast->to->kind == TYPE_DECIMAL && cast->in->type->kind != TYPE_STRING)
        str_printf(out,
                   "[NUMERIC_VALUE_OUT_OF_RANGE] %.*s cannot be represented as Decimal(%d, %d)",
                   (int)value.size, str_text(&value), cast->to->precision, cast->to->scale);
    else
        str_printf(out, "[%s] The value %s%.*s%s of the type \"",
                   text ? "CAST_INVALID_INPUT" : "CAST_OVERFLOW", text ? "'" : "", (int)value.size,
                   str_text(&value), text ? "'" : "");
    if (cast->to->kind != TYPE_DECIMAL || text) {
        type_write_sql(out, cast->in->type);
        str_append_text(out, "\" cannot be cast to \"");
        type_write_sql(out, cast->to);
        str_append_text(out, text ? "\" because it is malformed" : "\" due to an overflow");
    }
    str_release(&value);
}

err_t cast__bad(struct cast *cast, size_t row)
{
    if (!cast->ansi || cast->options->try_cast) {
        column_set_null(cast->out, cast->arena, row);
        return ERR_OK;
    }
    struct str text = {0};
    message(&text, cast, row);
    err_t err = FAIL(cast->diag, ERR_INVALID, "%s", str_text(&text));
    str_release(&text);
    return err;
}

static const int64_t *widen_whole(struct arena *arena, const struct column *in)
{
    if (in->type->kind == TYPE_LONG)
        return in->longs;
    int64_t *values = arena_alloc(arena, (in->count + 1) * sizeof *values);
    for (size_t i = 0; i < in->count; i++) {
        switch (type_width(in->type)) {
        case 1:
            values[i] = in->type->kind == TYPE_BOOLEAN ? in->booleans[i] : in->bytes8[i];
            break;
        case 2:
            values[i] = in->shorts[i];
            break;
        default:
            values[i] = in->ints[i];
        }
    }
    return values;
}

static const double *widen_floating(struct arena *arena, const struct column *in)
{
    if (in->type->kind == TYPE_DOUBLE)
        return in->doubles;
    double *values = arena_alloc(arena, (in->count + 1) * sizeof *values);
    for (size_t i = 0; i < in->count; i++)
        values[i] = (double)in->floats[i];
    return values;
}

static err_t cast_children(struct cast *cast)
{
    const struct column *in = cast->in;
    struct column *out = cast->out;
    *out = *in;
    out->type = cast->to;
    out->children = ARENA_ARRAY(cast->arena, struct column, in->type->field_count + 1);
    for (size_t i = 0; i < in->type->field_count; i++) {
        struct column child = in->children[i];
        if (in->type->kind == TYPE_STRUCT && in->valid) { // what a null struct holds is not cast
            child.valid = arena_alloc(cast->arena, in->count + 1);
            for (size_t row = 0; row < in->count; row++)
                child.valid[row] = in->valid[row] && !column_is_null(&in->children[i], row);
        }
        TRY(cast_column(&out->children[i], cast->arena, &child, cast->to->fields[i].type,
                        cast->options, cast->diag));
    }
    return ERR_OK;
}

static err_t run(struct cast *cast)
{
    const struct column *in = cast->in;
    enum type_kind from = in->type->kind;
    if (from >= TYPE_ARRAY && cast->to->kind >= TYPE_ARRAY)
        return cast_children(cast);
    column_init(cast->out, cast->arena, cast->to, in->count);
    if (from == TYPE_NULL || in->valid) {
        cast->out->valid = arena_zalloc(cast->arena, in->count + 1);
        if (in->valid)
            memcpy(cast->out->valid, in->valid, in->count);
    }
    if (from == TYPE_NULL)
        return ERR_OK;
    if (cast->to->kind == TYPE_STRING)
        return cast__to_text(cast);
    if (cast->to->kind == TYPE_BINARY && from != TYPE_STRING)
        return cast__to_binary(cast, widen_whole(cast->arena, in));
    if (from == TYPE_STRING)
        return cast__from_text(cast);
    if (from == TYPE_BOOLEAN || is_whole(from))
        return cast__from_whole(cast, widen_whole(cast->arena, in));
    if (from == TYPE_FLOAT || from == TYPE_DOUBLE)
        return cast__from_double(cast, widen_floating(cast->arena, in));
    if (from == TYPE_DECIMAL)
        return cast__from_decimal(cast);
    if (from == TYPE_INTERVAL_YM || from == TYPE_INTERVAL_DT)
        return cast__from_interval(cast);
    return cast__from_time(cast);
}

err_t cast_column(struct column *out, struct arena *arena, const struct column *in,
                  const struct type *to, const struct cast_options *options, struct diag *diag)
{
    bool ansi = options->ansi || options->try_cast;
    if (!cast_allowed(in->type, to, ansi)) {
        struct str text = {0};
        str_append_text(&text, "[DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION] cannot cast \"");
        type_write_sql(&text, in->type);
        str_append_text(&text, "\" to \"");
        type_write_sql(&text, to);
        err_t err = FAIL(diag, ERR_TYPE, "%s\"", str_text(&text));
        str_release(&text);
        return err;
    }
    bool same_bytes = (in->type->kind == TYPE_BINARY && to->kind == TYPE_STRING) ||
                      (in->type->kind == TYPE_STRING && to->kind == TYPE_BINARY);
    if (same_bytes || type_equal(in->type, to)) {
        *out = *in;
        out->type = to;
        return ERR_OK;
    }
    struct cast cast = {out,  arena, in, to, options, options->zone ? options->zone : zone_utc,
                        ansi, diag};
    return run(&cast);
}
