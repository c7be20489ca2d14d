// SPDX-License-Identifier: Apache-2.0
//
// Dates and times: over data/datetime.h. A TIMESTAMP is taken apart on the wall clock of the
// session's zone.
#include "sql/bind/bind_rules.h"

#include "data/datetime_pattern.h"
#include "data/decimal.h"
#include "data/interval.h"

static const struct zone *zone_of(const struct call *call)
{
    return call->eval->session->zone;
}

// Wall-clock microseconds of a DATE, TIMESTAMP or TIMESTAMP_NTZ.
static int64_t local_of(const struct call *call, size_t arg, size_t row)
{
    const struct vector *vector = &call->args[arg];
    size_t at = vector_at(vector, row);
    switch ((int)vector->column.type->kind) {
    case TYPE_DATE:
        return vector->column.ints[at] * US_PER_DAY;
    case TYPE_TIMESTAMP:
        return zone_local_us(zone_of(call), vector->column.longs[at]);
    default:
        return vector->column.longs[at];
    }
}

err_t kernel_window(struct call *call)
{
    const int64_t *sizes = call->expr->extra; // size, slide, start
    struct builder builder;
    builder_init(&builder, call_arena(call), call->expr->type, call->count);
    bool sliding = call->expr->type->kind == TYPE_ARRAY;
    struct builder *record = sliding ? &builder.children[0] : &builder;
    for (size_t i = 0; i < call->count; i++) {
        if (column_is_null(call->out, i)) {
            builder_null(&builder);
            continue;
        }
        int64_t time = vector_long(&call->args[0], i);
        int64_t last = time - floor_mod(time - sizes[2], sizes[1]);
        int64_t first = last;
        while (sliding && first - sizes[1] + sizes[0] > time)
            first -= sizes[1];
        for (int64_t start = first; start <= last; start += sizes[1]) {
            builder_long(&record->children[0], start);
            builder_long(&record->children[1], start + sizes[0]);
            builder_struct(record);
        }
        if (sliding)
            builder_list(&builder);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

// --- fields
// ----------------------------------------------------------------------------------------

static enum datetime_field field_of(const struct call *call)
{
    enum datetime_field field = FIELD_YEAR;
    const char *name = call->expr->extra ? call->expr->extra : call->expr->function->name;
    (void)datetime_field_find(bytes_from(name), &field);
    return field;
}

err_t kernel_date_field(struct call *call)
{
    enum datetime_field field = field_of(call);
    bool date = call->args[0].column.type->kind == TYPE_DATE;
    if (call->out->type->kind == TYPE_DECIMAL) {
        CALL_ROWS(call, i)
        call->out->decimals[i] = date ? 0 : datetime_field(field, local_of(call, 0, i));
        return ERR_OK;
    }
    CALL_ROWS(call, i)
    {
        int32_t value = date ? date_field(field, vector_int(&call->args[0], i))
                             : datetime_field(field, local_of(call, 0, i));
        call->out->ints[i] = field == FIELD_SECOND ? value / (int32_t)US_PER_SECOND : value;
    }
    return ERR_OK;
}

err_t kernel_week(struct call *call)
{
    CALL_ROWS(call, i)
    call->out->ints[i] = date_field(FIELD_WEEK, vector_int(&call->args[0], i));
    return ERR_OK;
}

// weekday(): Monday 0.
err_t kernel_weekday(struct call *call)
{
    CALL_ROWS(call, i)
    call->out->ints[i] = date_field(FIELD_DAY_OF_WEEK_ISO, vector_int(&call->args[0], i)) - 1;
    return ERR_OK;
}

struct expr *bind_time_field(struct binder *binder, struct expr *call)
{
    if (call->args[0]->type->kind != TYPE_TIMESTAMP_NTZ &&
        !binder__convert(binder, call, 0, &type_timestamp))
        return NULL;
    return binder__done(binder, call, &type_int);
}

// extract(FIELD FROM x), date_part('FIELD', x)
struct expr *bind_extract(struct binder *binder, struct expr *call)
{
    struct bytes word;
    enum datetime_field field;
    if (!expr_text(call->args[0], &word) || !datetime_field_find(word, &field))
        return binder__fail(binder, call->at, ERR_INVALID,
                            "[INVALID_EXTRACT_FIELD] this field cannot be extracted");
    struct expr *value = call->args[1];
    if (type_is_interval(value->type))
        return binder__fail(binder, call->at, ERR_UNSUPPORTED,
                            "extracting from an interval is not supported");
    if (!type_is_datetime(value->type)) {
        if (!binder__convert(binder, call, 1, &type_timestamp))
            return NULL;
        value = call->args[1];
    }
    char *name = arena_text(binder->arena, word);
    const struct sql_function *function = call->function;
    struct expr *made = arena_dup(binder->arena, call, sizeof *call);
    made->args = ARENA_ARRAY(binder->arena, struct expr *, 2);
    made->args[0] = value;
    made->arg_count = 1;
    made->function = sql_function_find("year");
    made->extra = name;
    struct str shown = {0};
    str_printf(&shown,
               strcmp(function->name, "extract") == 0 ? "extract(%s FROM $0)" : "%s(%s, $0)",
               strcmp(function->name, "extract") == 0 ? name : function->name, name);
    made->display = arena_text(binder->arena, str_bytes(&shown));
    str_release(&shown);
    return binder__done(binder, made,
                        field == FIELD_SECOND ? type_decimal(binder->arena, 8, 6) : &type_int);
}

// --- parts and arithmetic
// --------------------------------------------------------------------------

err_t kernel_date_trunc(struct call *call)
{
    CALL_ROWS(call, i)
    {
        enum trunc_unit unit;
        if (!trunc_unit_find(vector_text(&call->args[0], i), &unit))
            call_null(call, i);
        else if (call->args[1].column.type->kind == TYPE_TIMESTAMP_NTZ)
            call->out->longs[i] = local_trunc(unit, vector_long(&call->args[1], i));
        else
            call->out->longs[i] =
                timestamp_trunc(unit, vector_long(&call->args[1], i), zone_of(call));
    }
    return ERR_OK;
}

err_t kernel_trunc(struct call *call)
{
    CALL_ROWS(call, i)
    {
        enum trunc_unit unit;
        if (!trunc_unit_find(vector_text(&call->args[1], i), &unit) || unit < TRUNC_WEEK)
            call_null(call, i);
        else
            call->out->ints[i] = date_trunc(unit, vector_int(&call->args[0], i));
    }
    return ERR_OK;
}

static err_t shift_days(struct call *call, int sign)
{
    CALL_ROWS(call, i)
    call->out->ints[i] = (int32_t)((uint32_t)vector_int(&call->args[0], i) +
                                   (uint32_t)sign * (uint32_t)vector_int(&call->args[1], i));
    return ERR_OK;
}

err_t kernel_date_add(struct call *call)
{
    return shift_days(call, 1);
}
err_t kernel_date_sub(struct call *call)
{
    return shift_days(call, -1);
}

// date_add(start, n): n is a byte, short or int, or a text that is one.
struct expr *bind_date_shift(struct binder *binder, struct expr *call)
{
    const struct type *type = call->args[1]->type;
    if (!binder__convert(binder, call, 0, &type_date))
        return NULL;
    if (type->kind == TYPE_LONG || type->kind == TYPE_FLOAT || type->kind == TYPE_DOUBLE ||
        type->kind == TYPE_DECIMAL)
        return binder__fail(binder, call->args[1]->at, ERR_TYPE,
                            "[DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE] the days of %s must be an "
                            "int, not %s",
                            call->function->name, binder__type_text(binder, type));
    return binder__convert(binder, call, 1, &type_int) ? binder__done(binder, call, &type_date)
                                                       : NULL;
}

err_t kernel_datediff(struct call *call)
{
    CALL_ROWS(call, i)
    call->out->ints[i] = vector_int(&call->args[0], i) - vector_int(&call->args[1], i);
    return ERR_OK;
}

err_t kernel_add_months(struct call *call)
{
    CALL_ROWS(call, i)
    if (!date_add_months(vector_int(&call->args[0], i), vector_int(&call->args[1], i),
                         &call->out->ints[i]))
        return call_fail(call, ERR_INVALID, "[DATETIME_OVERFLOW] the date is out of range");
    return ERR_OK;
}

err_t kernel_last_day(struct call *call)
{
    CALL_ROWS(call, i)
    call->out->ints[i] = date_last_day(vector_int(&call->args[0], i));
    return ERR_OK;
}

err_t kernel_next_day(struct call *call)
{
    CALL_ROWS(call, i)
    {
        int weekday;
        if (weekday_find(vector_text(&call->args[1], i), &weekday))
            call->out->ints[i] = date_next_day(vector_int(&call->args[0], i), weekday);
        else
            call_null(call, i);
    }
    return ERR_OK;
}

err_t kernel_months_between(struct call *call)
{
    CALL_ROWS(call, i)
    call->out->doubles[i] =
        months_between(local_of(call, 0, i), local_of(call, 1, i), vector_bool(&call->args[2], i));
    return ERR_OK;
}

err_t kernel_subtract_dates(struct call *call)
{
    CALL_ROWS(call, i)
    call->out->longs[i] =
        ((int64_t)vector_int(&call->args[0], i) - vector_int(&call->args[1], i)) * US_PER_DAY;
    return ERR_OK;
}

err_t kernel_subtract_timestamps(struct call *call)
{
    CALL_ROWS(call, i)
    call->out->longs[i] = local_of(call, 0, i) - local_of(call, 1, i);
    return ERR_OK;
}

struct expr *bind_subtract_dates(struct binder *binder, struct expr *call)
{
    bool dates = strcmp(call->function->name, "subtract_dates") == 0;
    struct type *type = ARENA_NEW(binder->arena, struct type);
    *type = (struct type){.kind = TYPE_INTERVAL_DT, .to_unit = dates ? 0 : 3};
    return binder__done(binder, call, type);
}

static struct interval interval_at(const struct vector *vector, size_t row, int sign)
{
    size_t at = vector_at(vector, row);
    struct interval value = {0};
    switch ((int)vector->column.type->kind) {
    case TYPE_INTERVAL_YM:
        value.months = sign * vector->column.ints[at];
        break;
    case TYPE_INTERVAL_DT:
        value.us = sign * vector->column.longs[at];
        break;
    default:
        value = vector->column.intervals[at];
        value.months *= sign;
        value.days *= sign;
        value.us *= sign;
    }
    return value;
}

static err_t shift_time(struct call *call, int sign)
{
    enum type_kind kind = call->out->type->kind;
    CALL_ROWS(call, i)
    {
        struct interval by = interval_at(&call->args[1], i, sign);
        bool ok;
        if (kind == TYPE_DATE) {
            by.days += (int32_t)(by.us / US_PER_DAY);
            by.us %= US_PER_DAY;
            ok = date_add_interval(vector_int(&call->args[0], i), by, &call->out->ints[i]);
        } else if (kind == TYPE_TIMESTAMP) {
            ok = timestamp_add_interval(vector_long(&call->args[0], i), by, zone_of(call),
                                        &call->out->longs[i]);
        } else {
            ok = local_add_interval(vector_long(&call->args[0], i), by, &call->out->longs[i]);
        }
        if (!ok)
            return call_fail(call, ERR_INVALID, "[DATETIME_OVERFLOW] the time is out of range");
    }
    return ERR_OK;
}

err_t kernel_time_add(struct call *call)
{
    return shift_time(call, 1);
}
err_t kernel_time_sub(struct call *call)
{
    return shift_time(call, -1);
}

static err_t scale_interval(struct call *call, bool divide)
{
    CALL_ROWS(call, i)
    {
        double factor = vector_double(&call->args[1], i);
        struct interval by = interval_at(&call->args[0], i, 1);
        if (divide && factor == 0) {
            if (call->eval->session->ansi)
                return call_fail(call, ERR_INVALID, "[DIVIDE_BY_ZERO] division by zero");
            call_null(call, i);
            continue;
        }
        factor = divide ? 1 / factor : factor;
        if (call->out->type->kind == TYPE_INTERVAL_YM)
            call->out->ints[i] = (int32_t)__builtin_round((double)by.months * factor);
        else if (call->out->type->kind == TYPE_INTERVAL_DT)
            call->out->longs[i] = (int64_t)__builtin_round((double)by.us * factor);
        else
            call->out->intervals[i] = (struct interval){(int32_t)((double)by.months * factor),
                                                        (int32_t)((double)by.days * factor),
                                                        (int64_t)((double)by.us * factor)};
    }
    return ERR_OK;
}

err_t kernel_interval_mul(struct call *call)
{
    return scale_interval(call, false);
}
err_t kernel_interval_div(struct call *call)
{
    return scale_interval(call, true);
}

// --- now
// -------------------------------------------------------------------------------------------

err_t kernel_now(struct call *call)
{
    int64_t now = call->eval->session->now_us;
    switch ((int)call->out->type->kind) {
    case TYPE_DATE:
        call->out->ints[0] = (int32_t)floor_div(zone_local_us(zone_of(call), now), US_PER_DAY);
        break;
    case TYPE_TIMESTAMP_NTZ:
        call->out->longs[0] = zone_local_us(zone_of(call), now);
        break;
    default:
        call->out->longs[0] = now;
    }
    return ERR_OK;
}

err_t kernel_current_timezone(struct call *call)
{
    call->out->strings[0] = bytes_from(call->eval->session->zone_name);
    return ERR_OK;
}
