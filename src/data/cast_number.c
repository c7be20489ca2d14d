// SPDX-License-Identifier: Apache-2.0
//
// Numbers to numbers, booleans, timestamps and intervals. Without ANSI, whole numbers wrap as
// Java's do, doubles saturate (byte and short by way of int), decimals that do not fit are null.
#include "data/cast_int.h"

#include "data/decimal.h"

#include <math.h>

int64_t cast__unit_us(int unit)
{
    static const int64_t sizes[] = {US_PER_DAY, US_PER_HOUR, US_PER_MINUTE, US_PER_SECOND};
    return sizes[unit];
}

static int64_t seconds_to_us(int64_t seconds) // saturates
{
    int64_t us;
    if (__builtin_mul_overflow(seconds, US_PER_SECOND, &us))
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    return us;
}

static int64_t double_to_long(double value)
{
    if (isnan(value))
        return 0;
    if (value >= 9223372036854775808.0)
        return INT64_MAX;
    return value < -9223372036854775808.0 ? INT64_MIN : (int64_t)value;
}

static int32_t double_to_int(double value)
{
    if (isnan(value))
        return 0;
    return value >= 2147483647.0 ? INT32_MAX : value <= -2147483648.0 ? INT32_MIN : (int32_t)value;
}

#define NARROW(field_, type_t)                                   \
    CAST_ROWS(cast, row)                                         \
    {                                                            \
        cast->out->field_[row] = (type_t)values[row];            \
        if (cast->ansi && cast->out->field_[row] != values[row]) \
            TRY(cast__bad(cast, row));                           \
    }                                                            \
    return ERR_OK

static err_t whole_to_decimal(struct cast *cast, const int64_t *values)
{
    CAST_ROWS(cast, row)
    {
        if (!decimal_rescale(values[row], 0, cast->to->precision, cast->to->scale,
                             &cast->out->decimals[row]))
            TRY(cast__bad(cast, row));
    }
    return ERR_OK;
}

static err_t whole_to_interval(struct cast *cast, const int64_t *values)
{
    bool months = cast->to->kind == TYPE_INTERVAL_YM;
    int64_t unit = months ? (cast->to->to_unit == 0 ? 12 : 1) : cast__unit_us(cast->to->to_unit);
    CAST_ROWS(cast, row)
    {
        int64_t value;
        bool fine = !__builtin_mul_overflow(values[row], unit, &value) &&
                    (!months || value == (int32_t)value);
        if (!fine)
            TRY(cast__bad(cast, row));
        else if (months)
            cast->out->ints[row] = (int32_t)value;
        else
            cast->out->longs[row] = value;
    }
    return ERR_OK;
}

err_t cast__from_whole(struct cast *cast, const int64_t *values)
{
    struct column *out = cast->out;
    size_t count = cast->in->count;
    switch ((int)cast->to->kind) {
    case TYPE_BOOLEAN:
        for (size_t i = 0; i < count; i++)
            out->booleans[i] = values[i] != 0;
        return ERR_OK;
    case TYPE_BYTE:
        NARROW(bytes8, int8_t);
    case TYPE_SHORT:
        NARROW(shorts, int16_t);
    case TYPE_INT:
        NARROW(ints, int32_t);
    case TYPE_LONG:
        if (count)
            memcpy(out->longs, values, count * sizeof *values);
        return ERR_OK;
    case TYPE_FLOAT:
        for (size_t i = 0; i < count; i++)
            out->floats[i] = (float)values[i];
        return ERR_OK;
    case TYPE_DOUBLE:
        for (size_t i = 0; i < count; i++)
            out->doubles[i] = (double)values[i];
        return ERR_OK;
    case TYPE_DECIMAL:
        return whole_to_decimal(cast, values);
    case TYPE_TIMESTAMP: // true is one microsecond, a number counts seconds
        for (size_t i = 0; i < count; i++)
            out->longs[i] =
                cast->in->type->kind == TYPE_BOOLEAN ? values[i] : seconds_to_us(values[i]);
        return ERR_OK;
    default:
        return whole_to_interval(cast, values);
    }
}

static err_t double_to_whole(struct cast *cast, const double *values)
{
    static const double limits[] = {[TYPE_BYTE] = 128.0,
                                    [TYPE_SHORT] = 32768.0,
                                    [TYPE_INT] = 2147483648.0,
                                    [TYPE_LONG] = 9223372036854775808.0};
    double limit = limits[cast->to->kind];
    CAST_ROWS(cast, row)
    {
        double value = values[row];
        bool fits = trunc(value) >= -limit && trunc(value) < limit;
        if (cast->ansi && !fits) {
            TRY(cast__bad(cast, row));
        } else if (cast->to->kind == TYPE_LONG) {
            cast->out->longs[row] = double_to_long(value);
        } else if (cast->to->kind == TYPE_INT) {
            cast->out->ints[row] = double_to_int(value);
        } else if (cast->to->kind == TYPE_SHORT) {
            cast->out->shorts[row] = (int16_t)double_to_int(value);
        } else {
            cast->out->bytes8[row] = (int8_t)double_to_int(value);
        }
    }
    return ERR_OK;
}

err_t cast__from_double(struct cast *cast, const double *values)
{
    struct column *out = cast->out;
    if (cast->to->kind >= TYPE_BYTE && cast->to->kind <= TYPE_LONG)
        return double_to_whole(cast, values);
    CAST_ROWS(cast, row)
    {
        double value = values[row];
        bool fine = true;
        if (cast->to->kind == TYPE_BOOLEAN) {
            out->booleans[row] = value != 0;
        } else if (cast->to->kind == TYPE_FLOAT) {
            out->floats[row] = (float)value;
        } else if (cast->to->kind == TYPE_DOUBLE) {
            out->doubles[row] = value;
        } else if (cast->to->kind == TYPE_TIMESTAMP) {
            fine = isfinite(value);
            out->longs[row] = fine ? double_to_long(value * US_PER_SECOND) : 0;
        } else {
            fine = decimal_from_double(value, cast->to->precision, cast->to->scale,
                                       &out->decimals[row]);
        }
        if (!fine)
            TRY(cast__bad(cast, row));
    }
    return ERR_OK;
}

static err_t decimal_to_whole(struct cast *cast)
{
    int scale = (uint8_t)cast->in->type->scale; // never negative
    CAST_ROWS(cast, row)
    {
        int128_t whole = decimal_round(cast->in->decimals[row], scale, DECIMAL_DOWN);
        int64_t value = (int64_t)whole;
        bool fits = whole == value;
        if (cast->to->kind == TYPE_LONG) {
            cast->out->longs[row] = value;
        } else if (cast->to->kind == TYPE_INT) {
            cast->out->ints[row] = (int32_t)value;
            fits &= (int32_t)value == value;
        } else if (cast->to->kind == TYPE_SHORT) {
            cast->out->shorts[row] = (int16_t)value;
            fits &= (int16_t)value == value;
        } else {
            cast->out->bytes8[row] = (int8_t)value;
            fits &= (int8_t)value == value;
        }
        if (cast->ansi && !fits)
            TRY(cast__bad(cast, row));
    }
    return ERR_OK;
}

err_t cast__from_decimal(struct cast *cast)
{
    struct column *out = cast->out;
    int scale = (uint8_t)cast->in->type->scale; // never negative
    if (cast->to->kind >= TYPE_BYTE && cast->to->kind <= TYPE_LONG)
        return decimal_to_whole(cast);
    CAST_ROWS(cast, row)
    {
        int128_t value = cast->in->decimals[row];
        if (cast->to->kind == TYPE_BOOLEAN) {
            out->booleans[row] = value != 0;
        } else if (cast->to->kind == TYPE_FLOAT) {
            out->floats[row] = (float)decimal_to_double(value, scale);
        } else if (cast->to->kind == TYPE_DOUBLE) {
            out->doubles[row] = decimal_to_double(value, scale);
        } else if (cast->to->kind == TYPE_TIMESTAMP) {
            int128_t us = scale >= 6
                              ? decimal_round(value, scale - 6, DECIMAL_DOWN)
                              : (int128_t)((uint128_t)value * (uint128_t)decimal_power(6 - scale));
            out->longs[row] = (int64_t)us;
        } else if (!decimal_rescale(value, scale, cast->to->precision, cast->to->scale,
                                    &out->decimals[row])) {
            TRY(cast__bad(cast, row));
        }
    }
    return ERR_OK;
}

err_t cast__from_interval(struct cast *cast)
{
    const struct type *from = cast->in->type;
    bool months = from->kind == TYPE_INTERVAL_YM;
    if (cast->to->kind == from->kind) { // fewer or more fields of the same quantity
        int64_t unit = months ? (cast->to->to_unit == 0 ? 12 : 1)
                              : (cast->to->to_unit == 3 ? 1 : cast__unit_us(cast->to->to_unit));
        CAST_ROWS(cast, row)
        {
            if (months)
                cast->out->ints[row] = (int32_t)(cast->in->ints[row] - cast->in->ints[row] % unit);
            else
                cast->out->longs[row] = cast->in->longs[row] - cast->in->longs[row] % unit;
        }
        return ERR_OK;
    }
    int64_t unit = months ? (from->to_unit == 0 ? 12 : 1) : cast__unit_us(from->to_unit);
    int64_t *values = arena_alloc(cast->arena, (cast->in->count + 1) * sizeof *values);
    for (size_t i = 0; i < cast->in->count; i++)
        values[i] = (months ? cast->in->ints[i] : cast->in->longs[i]) / unit;
    return cast__from_whole(cast, values);
}

// --- dates and timestamps
// ------------------------------------------------------------------------------

static err_t timestamp_to_number(struct cast *cast)
{
    if (cast->to->kind >= TYPE_FLOAT) {
        double *values = arena_alloc(cast->arena, (cast->in->count + 1) * sizeof *values);
        for (size_t i = 0; i < cast->in->count; i++)
            values[i] = (double)cast->in->longs[i] / 1e6;
        return cast__from_double(cast, values);
    }
    int64_t *values = arena_alloc(cast->arena, (cast->in->count + 1) * sizeof *values);
    for (size_t i = 0; i < cast->in->count; i++)
        values[i] = cast->to->kind == TYPE_BOOLEAN ? cast->in->longs[i]
                                                   : floor_div(cast->in->longs[i], US_PER_SECOND);
    return cast__from_whole(cast, values);
}

static int64_t days_us(int32_t days) // saturates
{
    int64_t us;
    if (__builtin_mul_overflow((int64_t)days, US_PER_DAY, &us))
        return days < 0 ? INT64_MIN : INT64_MAX;
    return us;
}

static err_t no_such_value(struct cast *cast)
{
    CAST_ROWS(cast, row)
    {
        column_set_null(cast->out, cast->arena, row);
    }
    return ERR_OK;
}

err_t cast__from_time(struct cast *cast)
{
    const struct column *in = cast->in;
    struct column *out = cast->out;
    enum type_kind from = in->type->kind, to = cast->to->kind;
    bool to_time = to == TYPE_DATE || to == TYPE_TIMESTAMP || to == TYPE_TIMESTAMP_NTZ;
    if (!to_time)
        return from == TYPE_TIMESTAMP ? timestamp_to_number(cast) : no_such_value(cast);
    CAST_ROWS(cast, row)
    {
        int64_t local = from == TYPE_DATE        ? days_us(in->ints[row])
                        : from == TYPE_TIMESTAMP ? zone_local_us(cast->zone, in->longs[row])
                                                 : in->longs[row];
        if (to == TYPE_DATE)
            out->ints[row] = (int32_t)floor_div(local, US_PER_DAY);
        else
            out->longs[row] = to == TYPE_TIMESTAMP ? zone_utc_us(cast->zone, local) : local;
    }
    return ERR_OK;
}
