// SPDX-License-Identifier: Apache-2.0
//
// The types of operators: arithmetic with decimals, dates and intervals, comparison, IN, negation.
#include "sql/bind/bind_rules.h"

#include "data/decimal.h"
#include "data/interval.h"

#include <stdlib.h>

static struct expr *mismatch(struct binder *binder, const struct expr *call)
{
    if (call->arg_count != 2)
        return binder__fail(binder, call->at, ERR_TYPE, "[WRONG_NUM_ARGS] %s takes 2 arguments",
                            call->function->name);
    return binder__fail(
        binder, call->at, ERR_TYPE,
        "[DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES] %s cannot be applied to %s and %s",
        call->function->name, binder__type_text(binder, call->args[0]->type),
        binder__type_text(binder, call->args[1]->type));
}

static const struct type *day_interval(struct binder *binder, uint8_t from, uint8_t to)
{
    struct type *type = ARENA_NEW(binder->arena, struct type);
    type->kind = TYPE_INTERVAL_DT;
    type->from_unit = from;
    type->to_unit = to;
    return type;
}

// The decimal type an operand has beside another decimal: a literal is as narrow as its value.
static const struct type *operand_decimal(struct binder *binder, const struct expr *operand)
{
    int64_t value;
    if (operand->type->kind != TYPE_DECIMAL && expr_long(operand, &value))
        return type_decimal(binder->arena, decimal_digits(value), 0);
    return coerce_decimal_of(binder->arena, operand->type);
}

static struct expr *arith_decimal(struct binder *binder, struct expr *call, enum decimal_op op)
{
    for (size_t i = 0; i < 2; i++)
        call->args[i] =
            expr_cast(binder->arena, call->args[i], operand_decimal(binder, call->args[i]));
    if (op == DECIMAL_IDIV)
        return binder__done(binder, call, &type_long);
    int precision, scale;
    const struct type *a = call->args[0]->type;
    const struct type *b = call->args[1]->type;
    decimal_result(op, a->precision, a->scale, b->precision, b->scale, true, &precision, &scale);
    return binder__done(binder, call, type_decimal(binder->arena, precision, scale));
}

static struct expr *arith_time(struct binder *binder, struct expr *call, bool minus)
{
    struct expr *a = call->args[0];
    struct expr *b = call->args[1];
    bool time_a = type_is_datetime(a->type);
    bool time_b = type_is_datetime(b->type);
    uint32_t at = call->at;
    if (time_a && time_b) {
        if (!minus)
            return mismatch(binder, call);
        if (a->type->kind == TYPE_DATE && b->type->kind == TYPE_DATE)
            return binder__make(binder, "subtract_dates", at, 2, a, b);
        return binder__make(binder, "subtract_timestamps", at, 2, a, b);
    }
    struct expr *time = time_a ? a : b;
    struct expr *other = time_a ? b : a;
    if (!time_a && minus)
        return mismatch(binder, call);
    if (type_is_interval(other->type)) {
        bool whole_days = other->type->kind == TYPE_INTERVAL_DT && other->type->to_unit == 0;
        if (time->type->kind == TYPE_DATE && other->type->kind == TYPE_INTERVAL_DT && !whole_days)
            time = expr_cast(binder->arena, time, &type_timestamp);
        return binder__make(binder, minus ? "time_sub" : "time_add", at, 2, time, other);
    }
    if (time->type->kind != TYPE_DATE)
        return mismatch(binder, call);
    return binder__make(binder, minus ? "date_sub" : "date_add", at, 2, time, other);
}

static const struct type *wider_interval(struct binder *binder, const struct type *a,
                                         const struct type *b)
{
    if (a->kind != b->kind)
        return NULL;
    return a->kind == TYPE_INTERVAL ? a : coerce_tightest(binder->arena, a, b);
}

static struct expr *arith_interval(struct binder *binder, struct expr *call, enum decimal_op op)
{
    const struct type *a = call->args[0]->type;
    const struct type *b = call->args[1]->type;
    if (op == DECIMAL_ADD || op == DECIMAL_SUB) {
        if (a->kind == TYPE_NULL || b->kind == TYPE_NULL)
            a = b = a->kind == TYPE_NULL ? b : a;
        const struct type *type = wider_interval(binder, a, b);
        if (!type)
            return mismatch(binder, call);
        for (size_t i = 0; i < 2; i++)
            call->args[i] = expr_cast(binder->arena, call->args[i], type);
        return binder__done(binder, call, type);
    }
    bool left = type_is_interval(a);
    struct expr *interval = call->args[left ? 0 : 1];
    struct expr *factor = call->args[left ? 1 : 0];
    if ((op != DECIMAL_MUL && (op != DECIMAL_DIV || !left)) || type_is_interval(factor->type))
        return mismatch(binder, call);
    const struct type *type = interval->type;
    if (type->kind == TYPE_INTERVAL_DT)
        type = day_interval(binder, 0, 3);
    if (type->kind == TYPE_INTERVAL_YM) {
        struct type *whole = ARENA_NEW(binder->arena, struct type);
        *whole = (struct type){.kind = TYPE_INTERVAL_YM, .from_unit = 0, .to_unit = 1};
        type = whole;
    }
    call = binder__make(binder, op == DECIMAL_MUL ? "interval_mul" : "interval_div", call->at, 2,
                        interval, expr_cast(binder->arena, factor, &type_double));
    if (call)
        call->type = type;
    return call;
}

static struct expr *arith(struct binder *binder, struct expr *call, enum decimal_op op)
{
    if (call->arg_count != 2)
        return mismatch(binder, call);
    for (size_t i = 0; i < 2; i++) {
        const struct type *other = call->args[1 - i]->type;
        if (call->args[i]->type->kind != TYPE_STRING)
            continue;
        call->args[i] = expr_cast(binder->arena, call->args[i],
                                  type_is_interval(other) || type_is_datetime(other)
                                      ? (type_is_datetime(other) && op == DECIMAL_SUB ? other
                                         : type_is_datetime(other)                    ? &type_double
                                                                   : &type_timestamp)
                                      : &type_double);
    }
    const struct type *a = call->args[0]->type;
    const struct type *b = call->args[1]->type;
    if ((op == DECIMAL_ADD || op == DECIMAL_SUB) && (type_is_datetime(a) || type_is_datetime(b)))
        return arith_time(binder, call, op == DECIMAL_SUB);
    if (type_is_interval(a) || type_is_interval(b))
        return arith_interval(binder, call, op);
    if ((!type_is_numeric(a) && a->kind != TYPE_NULL) ||
        (!type_is_numeric(b) && b->kind != TYPE_NULL))
        return mismatch(binder, call);
    if (a->kind == TYPE_NULL || b->kind == TYPE_NULL) {
        const struct type *type = a->kind == TYPE_NULL ? b : a;
        type = type->kind == TYPE_NULL ? &type_double : type;
        for (size_t i = 0; i < 2; i++)
            call->args[i] = expr_cast(binder->arena, call->args[i], type);
        a = b = type;
    }
    bool real = a->kind == TYPE_FLOAT || a->kind == TYPE_DOUBLE || b->kind == TYPE_FLOAT ||
                b->kind == TYPE_DOUBLE;
    if (!real && (a->kind == TYPE_DECIMAL || b->kind == TYPE_DECIMAL))
        return arith_decimal(binder, call, op);
    const struct type *type = a->kind == TYPE_DECIMAL || b->kind == TYPE_DECIMAL
                                  ? &type_double
                                  : coerce_tightest(binder->arena, a, b);
    if (op == DECIMAL_DIV)
        type = &type_double;
    if (op == DECIMAL_IDIV) {
        if (real)
            return mismatch(binder, call);
        type = &type_long;
    }
    for (size_t i = 0; i < 2; i++)
        call->args[i] = expr_cast(binder->arena, call->args[i], type);
    return binder__done(binder, call, type);
}

struct expr *bind_add(struct binder *binder, struct expr *call)
{
    return arith(binder, call, DECIMAL_ADD);
}
struct expr *bind_sub(struct binder *binder, struct expr *call)
{
    return arith(binder, call, DECIMAL_SUB);
}
struct expr *bind_mul(struct binder *binder, struct expr *call)
{
    return arith(binder, call, DECIMAL_MUL);
}
struct expr *bind_div(struct binder *binder, struct expr *call)
{
    return arith(binder, call, DECIMAL_DIV);
}
struct expr *bind_mod(struct binder *binder, struct expr *call)
{
    return arith(binder, call, DECIMAL_MOD);
}
struct expr *bind_pmod(struct binder *binder, struct expr *call)
{
    return arith(binder, call, DECIMAL_PMOD);
}
struct expr *bind_idiv(struct binder *binder, struct expr *call)
{
    return arith(binder, call, DECIMAL_IDIV);
}

// -x, +x, abs(x)
struct expr *bind_sign(struct binder *binder, struct expr *call)
{
    const struct type *type = call->args[0]->type;
    if (type->kind == TYPE_STRING || type->kind == TYPE_NULL)
        call->args[0] = expr_cast(binder->arena, call->args[0], &type_double);
    else if (!type_is_numeric(type) && !type_is_interval(type))
        return binder__fail(binder, call->at, ERR_TYPE,
                            "[DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE] %s needs a number, not %s",
                            call->function->name, binder__type_text(binder, type));
    return binder__done(binder, call, call->args[0]->type);
}

struct expr *bind_compare(struct binder *binder, struct expr *call)
{
    const struct type *a = call->args[0]->type;
    const struct type *b = call->args[1]->type;
    const struct type *type = coerce_comparison(binder->arena, a, b);
    bool equality = strchr(call->function->name, '=') && call->function->name[0] != '>' &&
                    strcmp(call->function->name, "<=") != 0;
    if (!type && equality && (a->kind == TYPE_BOOLEAN || b->kind == TYPE_BOOLEAN) &&
        (type_is_numeric(a) || type_is_numeric(b)))
        type = type_is_numeric(a) ? a : b; // true = 1
    if (!type)
        return mismatch(binder, call);
    if (!coerce_orderable(type))
        return binder__fail(binder, call->at, ERR_TYPE,
                            "[DATATYPE_MISMATCH.INVALID_ORDERING_TYPE] values of type %s cannot be "
                            "compared",
                            binder__type_text(binder, type));
    for (size_t i = 0; i < 2; i++)
        call->args[i] = expr_cast(binder->arena, call->args[i], type);
    return binder__done(binder, call, &type_boolean);
}

struct expr *bind_in(struct binder *binder, struct expr *call)
{
    if (!binder__common(binder, call, 0, call->arg_count))
        return NULL;
    if (!coerce_orderable(call->args[0]->type))
        return mismatch(binder, call);
    return binder__done(binder, call, &type_boolean);
}

struct expr *bind_bits(struct binder *binder, struct expr *call)
{
    const struct type *type = binder__common(binder, call, 0, call->arg_count);
    if (!type)
        return NULL;
    if (type->kind == TYPE_NULL)
        type = binder__convert(binder, call, 0, &type_int) ? &type_int : NULL;
    if (type && !type_is_integral(type))
        return binder__fail(binder, call->at, ERR_TYPE,
                            "[DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE] %s needs integers, not %s",
                            call->function->name, binder__type_text(binder, type));
    for (size_t i = 0; type && i < call->arg_count; i++)
        call->args[i] = expr_cast(binder->arena, call->args[i], type);
    return binder__done(binder, call, type);
}

// CASE: conditions and values by turns, then perhaps ELSE.
struct expr *bind_case(struct binder *binder, struct expr *call)
{
    const struct type *type = NULL;
    for (size_t i = 0; i < call->arg_count; i++) {
        bool condition = i % 2 == 0 && i + 1 < call->arg_count;
        const struct expr *arg = call->args[i];
        if (condition) {
            if (arg->type->kind != TYPE_BOOLEAN)
                return binder__fail(binder, arg->at, ERR_TYPE,
                                    "[DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE] a condition must be "
                                    "boolean, not %s",
                                    binder__type_text(binder, arg->type));
            continue;
        }
        const struct type *wider = type ? coerce_wider(binder->arena, type, arg->type) : arg->type;
        if (!wider)
            return binder__fail(binder, arg->at, ERR_TYPE,
                                "[DATATYPE_MISMATCH.DATA_DIFF_TYPES] the branches have different "
                                "types: %s and %s",
                                binder__type_text(binder, type),
                                binder__type_text(binder, arg->type));
        type = wider;
    }
    for (size_t i = 0; i < call->arg_count; i++)
        if (i % 2 == 1 || i + 1 == call->arg_count)
            call->args[i] = expr_cast(binder->arena, call->args[i], type);
    return binder__done(binder, call, type);
}

struct expr *bind_if(struct binder *binder, struct expr *call)
{
    if (call->args[0]->type->kind == TYPE_NULL)
        call->args[0] = expr_cast(binder->arena, call->args[0], &type_boolean);
    return bind_case(binder, call);
}

// greatest, least: like coalesce, but text does not mix with anything else.
struct expr *bind_extreme(struct binder *binder, struct expr *call)
{
    const struct type *type = &type_null;
    for (size_t i = 0; i < call->arg_count && type; i++) {
        const struct type *arg = call->args[i]->type;
        bool text = (arg->kind == TYPE_STRING && type->kind != TYPE_STRING) ||
                    (type->kind == TYPE_STRING && arg->kind != TYPE_STRING);
        type = text && arg->kind != TYPE_NULL && type->kind != TYPE_NULL
                   ? NULL
                   : coerce_wider(binder->arena, type, arg);
    }
    if (!type || !coerce_orderable(type) || call->arg_count < 2)
        return binder__fail(binder, call->at, ERR_TYPE,
                            "[DATATYPE_MISMATCH.DATA_DIFF_TYPES] the arguments of %s must have one "
                            "orderable type",
                            call->function->name);
    for (size_t i = 0; i < call->arg_count; i++)
        call->args[i] = expr_cast(binder->arena, call->args[i], type);
    return binder__done(binder, call, type);
}

// INT('42'), DATE('2024-05-06'): casts that look like calls.
struct expr *bind_cast_call(struct binder *binder, struct expr *call)
{
    const struct type *type = NULL;
    if (type_parse(&type, binder->arena, bytes_from(call->function->name), NULL) != ERR_OK ||
        call->arg_count != 1 || !cast_allowed(call->args[0]->type, type, binder->session->ansi))
        return binder__fail(binder, call->at, ERR_TYPE, "[DATATYPE_MISMATCH] cannot cast to %s",
                            call->function->name);
    return expr_cast(binder->arena, call->args[0], type);
}

// --- intervals
// -------------------------------------------------------------------------------------

static struct expr *interval_literal(struct binder *binder, const struct type *type,
                                     struct interval value, uint32_t at)
{
    struct expr *expr = expr_literal(binder->arena, type, at);
    if (type->kind == TYPE_INTERVAL)
        expr->literal.intervals[0] = value;
    else if (type->kind == TYPE_INTERVAL_YM)
        expr->literal.ints[0] = value.months;
    else
        expr->literal.longs[0] = value.us + value.days * US_PER_DAY;
    return expr;
}

static const struct type *unit_type(struct binder *binder, enum interval_unit from,
                                    enum interval_unit to)
{
    struct type *type = ARENA_NEW(binder->arena, struct type);
    if (from <= INTERVAL_MONTH) {
        *type = (struct type){
            .kind = TYPE_INTERVAL_YM, .from_unit = (uint8_t)from, .to_unit = (uint8_t)to};
        return type;
    }
    *type = (struct type){.kind = TYPE_INTERVAL_DT,
                          .from_unit = (uint8_t)(from - INTERVAL_DAY),
                          .to_unit = (uint8_t)(to - INTERVAL_DAY)};
    return type;
}

// The unit whose interval type holds `unit` (weeks are days, milliseconds seconds).
static enum interval_unit base_unit(enum interval_unit unit)
{
    switch (unit) {
    case INTERVAL_WEEK:
        return INTERVAL_DAY;
    case INTERVAL_MILLISECOND:
    case INTERVAL_MICROSECOND:
        return INTERVAL_SECOND;
    case INTERVAL_QUARTER:
        return INTERVAL_MONTH;
    case INTERVAL_YEAR:
    case INTERVAL_MONTH:
    case INTERVAL_DAY:
    case INTERVAL_HOUR:
    case INTERVAL_MINUTE:
    case INTERVAL_SECOND:
        break;
    }
    return unit;
}

static bool unit_of(struct binder *binder, const char *word, uint32_t at, enum interval_unit *out)
{
    if (interval_unit_find(bytes_from(word), out))
        return true;
    binder__fail(binder, at, ERR_SYNTAX, "'%s' is not a unit of an interval", word);
    return false;
}

struct expr *binder__interval(struct binder *binder, const struct ast *ast)
{
    struct str text = {0};
    enum interval_unit low = INTERVAL_SECOND, high = INTERVAL_YEAR, to = INTERVAL_SECOND;
    struct interval value = {0};
    struct diag diag = DIAG_INIT;
    const struct type *type = NULL;
    err_t err = ERR_OK;
    bool first = true;
    for (size_t i = 0; i < ast->arg_count; i++) {
        struct expr *arg = binder__expr(binder, ast->args[i]);
        struct column one;
        if (!arg)
            goto fail;
        if (!binder__value(binder, arg, &one) || column_is_null(&one, 0)) {
            binder__fail(binder, ast->at, ERR_UNSUPPORTED,
                         "the value of an INTERVAL literal must be constant");
            goto fail;
        }
        static const struct cast_options plain = {0};
        size_t from = text.size;
        str_append_text(&text, i ? " " : "");
        cast_value_text(&text, &one, 0, &plain);
        if (!ast->units[i])
            break;
        enum interval_unit unit;
        if (!unit_of(binder, ast->units[i], ast->at, &unit))
            goto fail;
        if (ast->name) {
            if (!unit_of(binder, ast->name, ast->at, &to))
                goto fail;
            struct bytes inner = bytes_make(text.ptr + from, text.size - from);
            err = interval_parse_literal(&value, inner, unit, to, &diag);
            type = unit_type(binder, unit, to);
            break;
        }
        str_printf(&text, " %s", ast->units[i]);
        enum interval_unit base = base_unit(unit);
        low = first || base < low ? base : low;
        high = first || base > high ? base : high;
        first = false;
    }
    if (!type && !err)
        err = interval_parse(&value, str_bytes(&text), &diag);
    if (err) {
        binder__fail(binder, ast->at, ERR_SYNTAX, "%s", diag_text(&diag));
        goto fail;
    }
    if (!type)
        type = first || (low <= INTERVAL_MONTH) != (high <= INTERVAL_MONTH)
                   ? &type_interval
                   : unit_type(binder, low, high);
    str_release(&text);
    return interval_literal(binder, type, value, ast->at);
fail:
    str_release(&text);
    return NULL;
}
