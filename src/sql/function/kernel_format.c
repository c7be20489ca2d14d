// SPDX-License-Identifier: Apache-2.0
//
// Times from and to texts and numbers.
#include "sql/bind/bind_rules.h"

#include "data/datetime_pattern.h"
#include "data/decimal.h"
#include "data/interval.h"

#include <ctype.h>
#include <math.h>

static const struct zone *zone_of(const struct call *call)
{
    return call->eval->session->zone;
}

// The compiled pattern of a call site, as long as its text stays the same.
struct pattern_state {
    const struct datetime_pattern *pattern;
    struct bytes text;
};

static err_t pattern_of(struct call *call, size_t arg, size_t row, bool parsing,
                        const struct datetime_pattern **out)
{
    struct pattern_state *state = call_state(call, sizeof *state);
    struct bytes text = vector_text(&call->args[arg], row);
    if (!state->pattern || !bytes_equal(state->text, text)) {
        struct diag diag = DIAG_INIT;
        state->text = arena_bytes(call_run_arena(call), text);
        if (datetime_pattern_compile(&state->pattern, call_run_arena(call), state->text, parsing,
                                     &diag)) {
            state->pattern = NULL;
            return call_fail(call, ERR_INVALID, "%s", diag_text(&diag));
        }
    }
    *out = state->pattern;
    return ERR_OK;
}

static err_t format_row(struct call *call, size_t row, int64_t utc_us, struct str *text)
{
    const struct datetime_pattern *pattern = NULL;
    TRY(pattern_of(call, 1, row, false, &pattern));
    text->size = 0;
    datetime_pattern_format(pattern, text, utc_us, zone_of(call));
    call->out->strings[row] = arena_bytes(call_arena(call), str_bytes(text));
    return ERR_OK;
}

static err_t format_rows(struct call *call, int64_t unit_us)
{
    struct str text = {0};
    err_t err = ERR_OK;
    for (size_t i = 0; i < call->count && !err; i++) {
        if (column_is_null(call->out, i))
            continue;
        int64_t time;
        if (__builtin_mul_overflow(vector_long(&call->args[0], i), unit_us, &time))
            call_null(call, i);
        else
            err = format_row(call, i, time, &text);
    }
    str_release(&text);
    return err;
}

err_t kernel_date_format(struct call *call)
{
    return format_rows(call, 1);
}
err_t kernel_from_unixtime(struct call *call)
{
    return format_rows(call, US_PER_SECOND);
}

// --- parsing
// ---------------------------------------------------------------------------------------

// Without a pattern these are casts; a date or time argument needs no parsing.
static struct expr *parse_or_cast(struct binder *binder, struct expr *call, const struct type *type)
{
    const struct type *from = call->args[0]->type;
    if (call->arg_count == 1 || type_is_datetime(from)) {
        if (!coerce_implicit(from, type))
            return binder__fail(binder, call->at, ERR_TYPE,
                                "[DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE] %s cannot take %s",
                                call->function->name, binder__type_text(binder, from));
        // The cast keeps the name of the call.
        struct expr *keep = binder__make(binder, "coalesce", call->at, 1,
                                         expr_cast(binder->arena, call->args[0], type));
        if (keep)
            keep->display = arena_printf(
                binder->arena, call->arg_count > 1 ? "%s($0, %s)" : "%s($0)", call->function->name,
                call->arg_count > 1 ? expr_column_name(binder->arena, call->args[1]) : "");
        return keep;
    }
    return binder__convert(binder, call, 0, &type_string) ? binder__done(binder, call, type) : NULL;
}

struct expr *bind_to_date(struct binder *binder, struct expr *call)
{
    return parse_or_cast(binder, call, &type_date);
}
struct expr *bind_to_timestamp(struct binder *binder, struct expr *call)
{
    return parse_or_cast(binder, call, &type_timestamp);
}

// Parses argument 0 by the pattern in argument 1; *ok tells whether it is a time.
static err_t parse_row(struct call *call, size_t row, int64_t *out, bool *ok)
{
    const struct datetime_pattern *pattern = NULL;
    TRY(pattern_of(call, 1, row, true, &pattern));
    *ok = datetime_pattern_parse(pattern, vector_text(&call->args[0], row), zone_of(call), out);
    if (!*ok && call->eval->session->ansi && call->expr->function->name[1] != 'r')
        return call_fail(call, ERR_INVALID,
                         "[CANNOT_PARSE_TIMESTAMP] '%.*s' does not fit the pattern '%.*s'",
                         BYTES_PRINT(vector_text(&call->args[0], row)),
                         BYTES_PRINT(vector_text(&call->args[1], row)));
    return ERR_OK;
}

err_t kernel_to_timestamp(struct call *call)
{
    CALL_ROWS(call, i)
    {
        bool ok;
        TRY(parse_row(call, i, &call->out->longs[i], &ok));
        if (!ok)
            call_null(call, i);
    }
    return ERR_OK;
}

err_t kernel_to_date(struct call *call)
{
    CALL_ROWS(call, i)
    {
        bool ok;
        int64_t time;
        TRY(parse_row(call, i, &time, &ok));
        if (ok)
            call->out->ints[i] = (int32_t)floor_div(zone_local_us(zone_of(call), time), US_PER_DAY);
        else
            call_null(call, i);
    }
    return ERR_OK;
}

struct expr *bind_unix_timestamp(struct binder *binder, struct expr *call)
{
    if (call->arg_count == 0 || (call->arg_count == 1 && call->args[0]->type->kind == TYPE_NULL))
        return binder__fail(binder, call->at, ERR_UNSUPPORTED,
                            "unix_timestamp() without a time is not supported");
    const struct type *type = call->args[0]->type;
    if (type_is_datetime(type))
        call->args[0] = expr_cast(binder->arena, call->args[0], &type_timestamp);
    else if (!binder__convert(binder, call, 0, &type_string))
        return NULL;
    return binder__done(binder, call, &type_long);
}

err_t kernel_unix_timestamp(struct call *call)
{
    bool text = call->args[0].column.type->kind == TYPE_STRING;
    CALL_ROWS(call, i)
    {
        bool ok = true;
        int64_t time = 0;
        if (text)
            TRY(parse_row(call, i, &time, &ok));
        else
            time = vector_long(&call->args[0], i);
        call->out->longs[i] = floor_div(time, US_PER_SECOND);
        if (!ok)
            call_null(call, i);
    }
    return ERR_OK;
}

// --- numbers
// ---------------------------------------------------------------------------------------

err_t kernel_unix_date(struct call *call)
{
    CALL_ROWS(call, i)
    call->out->ints[i] = vector_int(&call->args[0], i);
    return ERR_OK;
}

static int64_t unit_of(const struct call *call)
{
    const char *unit = strchr(call->expr->function->name, '_') + 1;
    return unit[0] == 's' ? US_PER_SECOND : unit[2] == 'l' ? 1000 : 1;
}

err_t kernel_unix_units(struct call *call)
{
    int64_t unit = unit_of(call);
    CALL_ROWS(call, i)
    call->out->longs[i] = floor_div(vector_long(&call->args[0], i), unit);
    return ERR_OK;
}

struct expr *bind_timestamp_seconds(struct binder *binder, struct expr *call)
{
    bool real = !type_is_integral(call->args[0]->type);
    call->args[0] = expr_cast(binder->arena, call->args[0], real ? &type_double : &type_long);
    return binder__done(binder, call, &type_timestamp);
}

err_t kernel_timestamp_units(struct call *call)
{
    int64_t unit = unit_of(call);
    CALL_ROWS(call, i)
    {
        if (call->args[0].column.type->kind == TYPE_DOUBLE) {
            double time = vector_double(&call->args[0], i) * (double)unit;
            if (!isfinite(time) || fabs(time) > 9.2e18)
                call_null(call, i);
            else
                call->out->longs[i] = (int64_t)time;
        } else if (__builtin_mul_overflow(vector_long(&call->args[0], i), unit,
                                          &call->out->longs[i])) {
            return call_fail(call, ERR_INVALID, "[ARITHMETIC_OVERFLOW] the time is out of range");
        }
    }
    return ERR_OK;
}

// --- zones
// -----------------------------------------------------------------------------------------

static err_t find_zone(struct call *call, struct bytes name, const struct zone **out)
{
    struct diag diag = DIAG_INIT;
    return zone_find(out, name, &diag)
               ? call_fail(call, ERR_INVALID, "[INVALID_TIMEZONE] %s", diag_text(&diag))
               : ERR_OK;
}

static err_t shift_zone(struct call *call, bool to_utc)
{
    CALL_ROWS(call, i)
    {
        const struct zone *zone;
        int64_t time = vector_long(&call->args[0], i);
        TRY(find_zone(call, vector_text(&call->args[1], i), &zone));
        call->out->longs[i] = to_utc ? zone_utc_us(zone, time) : zone_local_us(zone, time);
    }
    return ERR_OK;
}

err_t kernel_from_utc_timestamp(struct call *call)
{
    return shift_zone(call, false);
}
err_t kernel_to_utc_timestamp(struct call *call)
{
    return shift_zone(call, true);
}

err_t kernel_convert_timezone(struct call *call)
{
    CALL_ROWS(call, i)
    {
        const struct zone *from, *to;
        TRY(find_zone(call, vector_text(&call->args[0], i), &from));
        TRY(find_zone(call, vector_text(&call->args[1], i), &to));
        call->out->longs[i] = zone_local_us(to, zone_utc_us(from, vector_long(&call->args[2], i)));
    }
    return ERR_OK;
}

// --- making
// ----------------------------------------------------------------------------------------

err_t kernel_make_date(struct call *call)
{
    CALL_ROWS(call, i)
    if (!date_make(vector_int(&call->args[0], i), vector_int(&call->args[1], i),
                   vector_int(&call->args[2], i), &call->out->ints[i])) {
        if (call->eval->session->ansi)
            return call_fail(call, ERR_INVALID, "[DATETIME_FIELD_OUT_OF_BOUNDS] no such date");
        call_null(call, i);
    }
    return ERR_OK;
}

err_t kernel_make_timestamp(struct call *call)
{
    CALL_ROWS(call, i)
    {
        double seconds = vector_double(&call->args[5], i);
        int64_t us = (int64_t)llround(seconds * 1e6);
        int64_t local;
        if (seconds < 0 || seconds > 60 ||
            !local_make(vector_int(&call->args[0], i), vector_int(&call->args[1], i),
                        vector_int(&call->args[2], i), vector_int(&call->args[3], i),
                        vector_int(&call->args[4], i), us / US_PER_SECOND, us % US_PER_SECOND,
                        &local)) {
            if (call->eval->session->ansi)
                return call_fail(call, ERR_INVALID, "[DATETIME_FIELD_OUT_OF_BOUNDS] no such time");
            call_null(call, i);
        } else {
            call->out->longs[i] = zone_utc_us(zone_of(call), local);
        }
    }
    return ERR_OK;
}

struct expr *bind_make_dt_interval(struct binder *binder, struct expr *call)
{
    if (call->arg_count < 4)
        call->args[call->arg_count++] = binder__int_literal(binder, 0, call->at);
    call->args[3] = expr_cast(binder->arena, call->args[3], type_decimal(binder->arena, 18, 6));
    struct type *type = ARENA_NEW(binder->arena, struct type);
    *type = (struct type){.kind = TYPE_INTERVAL_DT, .to_unit = 3};
    return binder__done(binder, call, type);
}

err_t kernel_make_dt_interval(struct call *call)
{
    CALL_ROWS(call, i)
    {
        int128_t us = (int128_t)vector_int(&call->args[0], i) * US_PER_DAY +
                      (int128_t)vector_int(&call->args[1], i) * US_PER_HOUR +
                      (int128_t)vector_int(&call->args[2], i) * US_PER_MINUTE +
                      call->args[3].column.decimals[vector_at(&call->args[3], i)];
        if (us < INT64_MIN || us > INT64_MAX)
            return call_fail(call, ERR_INVALID, "[ARITHMETIC_OVERFLOW] the interval is too long");
        call->out->longs[i] = (int64_t)us;
    }
    return ERR_OK;
}

err_t kernel_make_ym_interval(struct call *call)
{
    CALL_ROWS(call, i)
    {
        int64_t months =
            (int64_t)vector_int(&call->args[0], i) * 12 + vector_int(&call->args[1], i);
        if (months < INT32_MIN || months > INT32_MAX)
            return call_fail(call, ERR_INVALID, "[ARITHMETIC_OVERFLOW] the interval is too long");
        call->out->ints[i] = (int32_t)months;
    }
    return ERR_OK;
}

struct expr *bind_timestampadd(struct binder *binder, struct expr *call)
{
    if (call->args[2]->type->kind != TYPE_TIMESTAMP_NTZ &&
        !binder__convert(binder, call, 2, &type_timestamp))
        return NULL;
    return binder__done(binder, call, call->args[2]->type);
}

static const int64_t unit_us[] = {
    [INTERVAL_DAY] = US_PER_DAY,       [INTERVAL_HOUR] = US_PER_HOUR,
    [INTERVAL_MINUTE] = US_PER_MINUTE, [INTERVAL_SECOND] = US_PER_SECOND,
    [INTERVAL_WEEK] = 7 * US_PER_DAY,  [INTERVAL_MILLISECOND] = 1000,
    [INTERVAL_MICROSECOND] = 1,        [INTERVAL_QUARTER] = 0};

static int months_of(enum interval_unit unit)
{
    return unit == INTERVAL_YEAR ? 12 : unit == INTERVAL_QUARTER ? 3 : unit == INTERVAL_MONTH;
}

err_t kernel_timestampadd(struct call *call)
{
    CALL_ROWS(call, i)
    {
        enum interval_unit unit;
        if (!interval_unit_find(vector_text(&call->args[0], i), &unit))
            return call_fail(call, ERR_INVALID, "timestampadd does not know this unit");
        int64_t count = vector_long(&call->args[1], i);
        struct interval by = {0};
        bool ok = count >= INT32_MIN && count <= INT32_MAX;
        if (months_of(unit))
            by.months = (int32_t)(ok ? count * months_of(unit) : 0);
        else if (unit == INTERVAL_DAY || unit == INTERVAL_WEEK)
            by.days = (int32_t)(ok ? count * (unit == INTERVAL_WEEK ? 7 : 1) : 0);
        else
            ok = !__builtin_mul_overflow(count, unit_us[unit], &by.us);
        bool local = call->out->type->kind == TYPE_TIMESTAMP_NTZ;
        int64_t time = vector_long(&call->args[2], i);
        ok = ok && (local ? local_add_interval(time, by, &call->out->longs[i])
                          : timestamp_add_interval(time, by, zone_of(call), &call->out->longs[i]));
        if (!ok)
            return call_fail(call, ERR_INVALID, "[DATETIME_OVERFLOW] the time is out of range");
    }
    return ERR_OK;
}

static int64_t months_apart(int64_t from, int64_t to)
{
    struct civil a, b;
    civil_from_local_us(from, &a);
    civil_from_local_us(to, &b);
    int64_t months = ((int64_t)b.year - a.year) * 12 + b.month - a.month;
    int64_t rest_a = floor_mod(from, US_PER_DAY) + a.day * US_PER_DAY;
    int64_t rest_b = floor_mod(to, US_PER_DAY) + b.day * US_PER_DAY;
    if (months > 0 && rest_b < rest_a)
        months--;
    if (months < 0 && rest_b > rest_a)
        months++;
    return months;
}

err_t kernel_timestampdiff(struct call *call)
{
    CALL_ROWS(call, i)
    {
        enum interval_unit unit;
        if (!interval_unit_find(vector_text(&call->args[0], i), &unit))
            return call_fail(call, ERR_INVALID, "timestampdiff does not know this unit");
        int64_t from = zone_local_us(zone_of(call), vector_long(&call->args[1], i));
        int64_t to = zone_local_us(zone_of(call), vector_long(&call->args[2], i));
        call->out->longs[i] = months_of(unit) ? months_apart(from, to) / months_of(unit)
                                              : (to - from) / unit_us[unit];
    }
    return ERR_OK;
}

err_t kernel_dayname(struct call *call)
{
    static const char days[] = "MonTueWedThuFriSatSun";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    bool day = call->expr->function->name[0] == 'd';
    CALL_ROWS(call, i)
    {
        int32_t value =
            date_field(day ? FIELD_DAY_OF_WEEK_ISO : FIELD_MONTH, vector_int(&call->args[0], i));
        call->out->strings[i] = bytes_make((day ? days : months) + (value - 1) * 3, 3);
    }
    return ERR_OK;
}

// window_time(window): the last microsecond inside it.
struct expr *bind_window_time(struct binder *binder, struct expr *call)
{
    const struct type *type = call->args[0]->type;
    if (type->kind != TYPE_STRUCT || type->field_count != 2 ||
        !type_is_datetime(type->fields[1].type) || type->fields[1].type->kind == TYPE_DATE)
        return binder__fail(binder, call->at, ERR_TYPE, "window_time needs a window");
    return binder__done(binder, call, type->fields[1].type);
}

err_t kernel_window_time(struct call *call)
{
    const struct column *end = &call->args[0].column.children[1];
    CALL_ROWS(call, i)
    {
        size_t at = vector_at(&call->args[0], i);
        if (column_is_null(end, at))
            call_null(call, i);
        else
            call->out->longs[i] = end->longs[at] - 1;
    }
    return ERR_OK;
}
