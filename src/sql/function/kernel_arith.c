// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic. Integers wrap unless ANSI (an error) or try_ (NULL); decimals that do not fit are
// NULL or an error; division by zero is NULL or an error.
#include "sql/function_rules.h"

#include "data/decimal.h"

#include <math.h>

enum mode {
    MODE_WRAP, // as Java
    MODE_FAIL, // ANSI
    MODE_NULL, // try_…
};

static enum mode session_mode(const struct call *call)
{
    return call->eval->session->ansi ? MODE_FAIL : MODE_WRAP;
}

static err_t overflow(struct call *call, enum mode mode, size_t row)
{
    if (mode == MODE_FAIL)
        return call_fail(call, ERR_INVALID, "[ARITHMETIC_OVERFLOW] the result of '%s' does not fit",
                         call->expr->function->name);
    call_null(call, row);
    return ERR_OK;
}

static err_t by_zero(struct call *call, enum mode mode, size_t row)
{
    if (mode == MODE_FAIL)
        return call_fail(call, ERR_INVALID, "[DIVIDE_BY_ZERO] division by zero");
    call_null(call, row);
    return ERR_OK;
}

// One loop per type and operation; nulls are computed along with the rest (their slots are zero).
#define WRAPPING(type_, wide, field, op)                                 \
    do {                                                                 \
        const type_ *a = call->args[0].column.field;                     \
        const type_ *b = call->args[1].column.field;                     \
        size_t step_a = !call->args[0].constant;                         \
        size_t step_b = !call->args[1].constant;                         \
        type_ *to = call->out->field;                                    \
        for (size_t i = 0; i < call->count; i++)                         \
            to[i] = (type_)((wide)a[i * step_a] op(wide) b[i * step_b]); \
    } while (0)

#define CHECKED(type_, field, builtin)                                                  \
    CALL_ROWS(call, i)                                                                  \
    {                                                                                   \
        type_ result;                                                                   \
        if (builtin(call->args[0].column.field[vector_at(&call->args[0], i)],           \
                    call->args[1].column.field[vector_at(&call->args[1], i)], &result)) \
            TRY(overflow(call, mode, i));                                               \
        else                                                                            \
            call->out->field[i] = result;                                               \
    }

#define INTEGERS(type_, field, op, builtin)       \
    do {                                          \
        if (mode == MODE_WRAP)                    \
            WRAPPING(type_, uint64_t, field, op); \
        else                                      \
            CHECKED(type_, field, builtin);       \
    } while (0)

static err_t decimal_rows(struct call *call, enum decimal_op op, enum mode mode)
{
    const struct column *a = &call->args[0].column;
    const struct column *b = &call->args[1].column;
    const struct type *to = call->out->type;
    CALL_ROWS(call, i)
    {
        int128_t x = a->decimals[vector_at(&call->args[0], i)];
        int128_t y = b->decimals[vector_at(&call->args[1], i)];
        if (y == 0 && op >= DECIMAL_DIV) {
            TRY(by_zero(call, mode, i));
            continue;
        }
        int128_t value;
        if (!decimal_compute(op, x, a->type->scale, y, b->type->scale,
                             to->kind == TYPE_DECIMAL ? to->precision : 38, to->scale, &value))
            TRY(overflow(call, mode, i));
        else if (to->kind == TYPE_DECIMAL)
            call->out->decimals[i] = value;
        else
            call->out->longs[i] = (int64_t)value;
    }
    return ERR_OK;
}

static err_t interval_rows(struct call *call, int sign)
{
    CALL_ROWS(call, i)
    {
        struct interval x = call->args[0].column.intervals[vector_at(&call->args[0], i)];
        struct interval y = call->args[1].column.intervals[vector_at(&call->args[1], i)];
        struct interval sum;
        if (__builtin_add_overflow(x.months, sign * y.months, &sum.months) ||
            __builtin_add_overflow(x.days, sign * y.days, &sum.days) ||
            __builtin_add_overflow(x.us, sign * y.us, &sum.us))
            TRY(overflow(call, MODE_FAIL, i));
        else
            call->out->intervals[i] = sum;
    }
    return ERR_OK;
}

#define ARITHMETIC(op, builtin, decimal, interval)                            \
    switch ((int)call->out->type->kind) {                                     \
    case TYPE_BYTE:                                                           \
        INTEGERS(int8_t, bytes8, op, builtin);                                \
        break;                                                                \
    case TYPE_SHORT:                                                          \
        INTEGERS(int16_t, shorts, op, builtin);                               \
        break;                                                                \
    case TYPE_INT:                                                            \
        INTEGERS(int32_t, ints, op, builtin);                                 \
        break;                                                                \
    case TYPE_LONG:                                                           \
        INTEGERS(int64_t, longs, op, builtin);                                \
        break;                                                                \
    case TYPE_INTERVAL_YM:                                                    \
        mode = mode == MODE_WRAP ? MODE_FAIL : mode;                          \
        INTEGERS(int32_t, ints, op, builtin);                                 \
        break;                                                                \
    case TYPE_INTERVAL_DT:                                                    \
        mode = mode == MODE_WRAP ? MODE_FAIL : mode;                          \
        INTEGERS(int64_t, longs, op, builtin);                                \
        break;                                                                \
    case TYPE_FLOAT:                                                          \
        WRAPPING(float, float, floats, op);                                   \
        break;                                                                \
    case TYPE_DOUBLE:                                                         \
        WRAPPING(double, double, doubles, op);                                \
        break;                                                                \
    case TYPE_DECIMAL:                                                        \
        return decimal_rows(call, decimal, mode);                             \
    case TYPE_INTERVAL:                                                       \
        return interval_rows(call, interval);                                 \
    default:                                                                  \
        return call_fail(call, ERR_INTERNAL, "arithmetic of a strange type"); \
    }                                                                         \
    return ERR_OK

static err_t add(struct call *call, enum mode mode)
{
    ARITHMETIC(+, __builtin_add_overflow, DECIMAL_ADD, 1);
}

static err_t sub(struct call *call, enum mode mode)
{
    ARITHMETIC(-, __builtin_sub_overflow, DECIMAL_SUB, -1);
}

static err_t mul(struct call *call, enum mode mode)
{
    ARITHMETIC(*, __builtin_mul_overflow, DECIMAL_MUL, 1);
}

err_t kernel_add(struct call *call)
{
    return add(call, session_mode(call));
}
err_t kernel_sub(struct call *call)
{
    return sub(call, session_mode(call));
}
err_t kernel_mul(struct call *call)
{
    return mul(call, session_mode(call));
}
err_t kernel_try_add(struct call *call)
{
    return add(call, MODE_NULL);
}
err_t kernel_try_sub(struct call *call)
{
    return sub(call, MODE_NULL);
}
err_t kernel_try_mul(struct call *call)
{
    return mul(call, MODE_NULL);
}

static err_t divide(struct call *call, enum mode mode)
{
    if (call->out->type->kind == TYPE_DECIMAL)
        return decimal_rows(call, DECIMAL_DIV, mode);
    CALL_ROWS(call, i)
    {
        double divisor = vector_double(&call->args[1], i);
        if (divisor == 0)
            TRY(by_zero(call, mode, i));
        else
            call->out->doubles[i] = vector_double(&call->args[0], i) / divisor;
    }
    return ERR_OK;
}

err_t kernel_div(struct call *call)
{
    return divide(call, session_mode(call));
}
err_t kernel_try_div(struct call *call)
{
    return divide(call, MODE_NULL);
}

err_t kernel_idiv(struct call *call)
{
    enum mode mode = session_mode(call);
    if (call->args[0].column.type->kind == TYPE_DECIMAL)
        return decimal_rows(call, DECIMAL_IDIV, mode);
    CALL_ROWS(call, i)
    {
        int64_t a = vector_long(&call->args[0], i);
        int64_t b = vector_long(&call->args[1], i);
        if (b == 0)
            TRY(by_zero(call, mode, i));
        else if (b == -1) {
            if (__builtin_sub_overflow((int64_t)0, a, &call->out->longs[i]) && mode == MODE_FAIL)
                return overflow(call, mode, i);
        } else
            call->out->longs[i] = a / b;
    }
    return ERR_OK;
}

// Remainders of integers of any width, as 64-bit numbers.
static int64_t integer_at(const struct column *column, size_t row)
{
    switch ((int)column->type->kind) {
    case TYPE_BYTE:
        return column->bytes8[row];
    case TYPE_SHORT:
        return column->shorts[row];
    case TYPE_INT:
        return column->ints[row];
    default:
        return column->longs[row];
    }
}

static void integer_put(struct column *column, size_t row, int64_t value)
{
    switch ((int)column->type->kind) {
    case TYPE_BYTE:
        column->bytes8[row] = (int8_t)value;
        break;
    case TYPE_SHORT:
        column->shorts[row] = (int16_t)value;
        break;
    case TYPE_INT:
        column->ints[row] = (int32_t)value;
        break;
    default:
        column->longs[row] = value;
    }
}

static double real_mod(double a, double b, bool positive)
{
    double r = fmod(a, b);
    return positive && r < 0 ? fmod(r + b, b) : r;
}

static err_t remainder_rows(struct call *call, bool positive)
{
    enum mode mode = session_mode(call);
    enum type_kind kind = call->out->type->kind;
    if (kind == TYPE_DECIMAL)
        return decimal_rows(call, positive ? DECIMAL_PMOD : DECIMAL_MOD, mode);
    CALL_ROWS(call, i)
    {
        size_t at_a = vector_at(&call->args[0], i);
        size_t at_b = vector_at(&call->args[1], i);
        if (kind == TYPE_DOUBLE || kind == TYPE_FLOAT) {
            bool wide = kind == TYPE_DOUBLE;
            double a = wide ? call->args[0].column.doubles[at_a]
                            : (double)call->args[0].column.floats[at_a];
            double b = wide ? call->args[1].column.doubles[at_b]
                            : (double)call->args[1].column.floats[at_b];
            if (b == 0)
                TRY(by_zero(call, mode, i));
            else if (wide)
                call->out->doubles[i] = real_mod(a, b, positive);
            else
                call->out->floats[i] = (float)real_mod(a, b, positive);
            continue;
        }
        int64_t a = integer_at(&call->args[0].column, at_a);
        int64_t b = integer_at(&call->args[1].column, at_b);
        if (b == 0) {
            TRY(by_zero(call, mode, i));
            continue;
        }
        int64_t r = b == -1 ? 0 : a % b;
        if (positive && r < 0)
            r = (int64_t)(((int128_t)r + b) % b);
        integer_put(call->out, i, r);
    }
    return ERR_OK;
}

err_t kernel_mod(struct call *call)
{
    return remainder_rows(call, false);
}

err_t kernel_pmod(struct call *call)
{
    return remainder_rows(call, true);
}

// --- one argument
// ----------------------------------------------------------------------------------

static err_t sign_rows(struct call *call, bool only_negative)
{
    const struct column *from = &call->args[0].column;
    bool ansi = call->eval->session->ansi;
    CALL_ROWS(call, i)
    {
        size_t at = vector_at(&call->args[0], i);
        switch ((int)from->type->kind) {
        case TYPE_FLOAT:
            call->out->floats[i] = only_negative ? fabsf(from->floats[at]) : -from->floats[at];
            break;
        case TYPE_DOUBLE:
            call->out->doubles[i] = only_negative ? fabs(from->doubles[at]) : -from->doubles[at];
            break;
        case TYPE_DECIMAL:
            call->out->decimals[i] =
                only_negative && from->decimals[at] >= 0 ? from->decimals[at] : -from->decimals[at];
            break;
        case TYPE_INTERVAL:
            call->out->intervals[i] = (struct interval){
                -from->intervals[at].months, -from->intervals[at].days, -from->intervals[at].us};
            break;
        case TYPE_INTERVAL_YM:
            call->out->ints[i] = only_negative && from->ints[at] >= 0
                                     ? from->ints[at]
                                     : (int32_t)(0U - (uint32_t)from->ints[at]);
            break;
        default: {
            int64_t value = type_width(from->type) == 8 ? from->longs[at] : integer_at(from, at);
            int64_t result = only_negative && value >= 0 ? value : (int64_t)(0U - (uint64_t)value);
            integer_put(call->out, i, result);
            if (ansi && integer_at(call->out, i) == value && value != 0 && result != value)
                TRY(overflow(call, MODE_FAIL, i));
        }
        }
    }
    return ERR_OK;
}

err_t kernel_negative(struct call *call)
{
    return sign_rows(call, false);
}

err_t kernel_abs(struct call *call)
{
    return sign_rows(call, true);
}

err_t kernel_positive(struct call *call)
{
    *call->out = call->args[0].column;
    return ERR_OK;
}

#define BITS(op)                                                                         \
    CALL_ROWS(call, i)                                                                   \
    integer_put(call->out, i,                                                            \
                integer_at(&call->args[0].column, vector_at(&call->args[0], i))          \
                    op integer_at(&call->args[1].column, vector_at(&call->args[1], i))); \
    return ERR_OK

err_t kernel_bitand(struct call *call)
{
    BITS(&);
}
err_t kernel_bitor(struct call *call)
{
    BITS(|);
}
err_t kernel_bitxor(struct call *call)
{
    BITS(^);
}
err_t kernel_bitnot(struct call *call)
{
    CALL_ROWS(call, i)
    integer_put(call->out, i, ~integer_at(&call->args[0].column, vector_at(&call->args[0], i)));
    return ERR_OK;
}
