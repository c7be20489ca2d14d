// SPDX-License-Identifier: Apache-2.0
//
// Mathematics. Functions of doubles share one kernel each by way of a table; round, ceil and floor
// keep decimals exact.
#include "sql/bind/bind_rules.h"

#include "data/decimal.h"
#include "data/number.h"

#include <math.h>
#include <stdlib.h>

// --- functions of one double
// -----------------------------------------------------------------------

static double java_signum(double x)
{
    return isnan(x) ? x : x > 0 ? 1.0 : x < 0 ? -1.0 : x;
}
static double to_degrees(double x)
{
    return x * (180.0 / M_PI);
}
static double to_radians(double x)
{
    return x / 180.0 * M_PI;
}
static double cotangent(double x)
{
    return 1.0 / tan(x);
}
static double secant(double x)
{
    return 1.0 / cos(x);
}
static double cosecant(double x)
{
    return 1.0 / sin(x);
}

struct real_function {
    const char *name;
    double (*apply)(double x);
    bool logarithm; // NULL at and below `least`
    double least;
};

static const struct real_function real_functions[] = {
    {"sqrt", sqrt, false, 0},
    {"cbrt", cbrt, false, 0},
    {"exp", exp, false, 0},
    {"expm1", expm1, false, 0},
    {"ln", log, true, 0},
    {"log10", log10, true, 0},
    {"log2", log2, true, 0},
    {"log1p", log1p, true, -1},
    {"sin", sin, false, 0},
    {"cos", cos, false, 0},
    {"tan", tan, false, 0},
    {"asin", asin, false, 0},
    {"acos", acos, false, 0},
    {"atan", atan, false, 0},
    {"sinh", sinh, false, 0},
    {"cosh", cosh, false, 0},
    {"tanh", tanh, false, 0},
    {"asinh", asinh, false, 0},
    {"acosh", acosh, false, 0},
    {"atanh", atanh, false, 0},
    {"rint", rint, false, 0},
    {"signum", java_signum, false, 0},
    {"sign", java_signum, false, 0},
    {"degrees", to_degrees, false, 0},
    {"radians", to_radians, false, 0},
    {"cot", cotangent, false, 0},
    {"sec", secant, false, 0},
    {"csc", cosecant, false, 0},
};

err_t kernel_real(struct call *call)
{
    const struct real_function *function = NULL;
    for (size_t i = 0; i < sizeof real_functions / sizeof *real_functions; i++)
        if (strcmp(real_functions[i].name, call->expr->function->name) == 0)
            function = &real_functions[i];
    if (!function)
        return call_fail(call, ERR_INTERNAL, "no such function of a double");
    CALL_ROWS(call, i)
    {
        double x = vector_double(&call->args[0], i);
        if (function->logarithm && x <= function->least)
            call_null(call, i);
        else
            call->out->doubles[i] = function->apply(x);
    }
    return ERR_OK;
}

err_t kernel_constant(struct call *call)
{
    call->out->doubles[0] = call->expr->function->name[0] == 'p' ? M_PI : M_E;
    return ERR_OK;
}

err_t kernel_power(struct call *call)
{
    CALL_ROWS(call, i)
    call->out->doubles[i] = pow(vector_double(&call->args[0], i), vector_double(&call->args[1], i));
    return ERR_OK;
}

err_t kernel_atan2(struct call *call)
{
    CALL_ROWS(call, i)
    call->out->doubles[i] =
        atan2(vector_double(&call->args[0], i), vector_double(&call->args[1], i));
    return ERR_OK;
}

err_t kernel_hypot(struct call *call)
{
    CALL_ROWS(call, i)
    call->out->doubles[i] =
        hypot(vector_double(&call->args[0], i), vector_double(&call->args[1], i));
    return ERR_OK;
}

// log(base, x), or log(x).
err_t kernel_log(struct call *call)
{
    bool based = call->arg_count > 1;
    CALL_ROWS(call, i)
    {
        double x = vector_double(&call->args[based], i);
        double base = based ? vector_double(&call->args[0], i) : M_E;
        if (x <= 0 || base <= 0)
            call_null(call, i);
        else
            call->out->doubles[i] = based ? log(x) / log(base) : log(x);
    }
    return ERR_OK;
}

// --- rounding
// --------------------------------------------------------------------------------------

static enum decimal_rounding rounding_of(const struct expr *call)
{
    const char *name = call->function->name;
    return name[0] == 'c'   ? DECIMAL_CEILING
           : name[0] == 'f' ? DECIMAL_FLOOR
           : name[0] == 'b' ? DECIMAL_HALF_EVEN
                            : DECIMAL_HALF_UP;
}

static bool constant_scale(struct binder *binder, struct expr *call, int64_t *out)
{
    call->args[1] = binder__fold(binder, expr_cast(binder->arena, call->args[1], &type_int));
    if (expr_long(call->args[1], out))
        return true;
    binder__fail(binder, call->at, ERR_UNSUPPORTED, "the scale of %s must be constant",
                 call->function->name);
    return false;
}

// round(x[, scale]), bround: a decimal gets the scale asked for.
struct expr *bind_round(struct binder *binder, struct expr *call)
{
    const struct type *type = call->args[0]->type;
    int64_t scale;
    if (!constant_scale(binder, call, &scale))
        return NULL;
    if (type->kind != TYPE_DECIMAL)
        return binder__done(binder, call, type);
    int kept = scale < 0 ? 0 : scale > type->scale ? type->scale : (int)scale;
    int whole = type->precision - type->scale + 1;
    if (scale < 0)
        whole = whole > 1 - scale ? whole : (int)(1 - scale);
    int precision = whole + kept;
    return binder__done(binder, call,
                        type_decimal(binder->arena, precision > 38 ? 38 : precision, kept));
}

// ceil(x[, scale]), floor: without a scale a BIGINT, or a decimal without fraction.
struct expr *bind_ceil(struct binder *binder, struct expr *call)
{
    const struct type *type = call->args[0]->type;
    const char *name = call->function->name;
    if (call->arg_count == 2) {
        call->display = name[0] == 'c' ? "ceil($0, $1)" : "floor($0, $1)";
        if (type->kind != TYPE_DECIMAL) // as Spark: through a decimal
            call->args[0] =
                expr_cast(binder->arena, call->args[0], coerce_decimal_of(binder->arena, type));
        return bind_round(binder, call);
    }
    call->display = name[0] == 'c' ? "CEIL($0)" : "FLOOR($0)";
    if (type_is_integral(type) && type->kind != TYPE_LONG) {
        call->args[0] = expr_cast(binder->arena, call->args[0], &type_long);
    } else if (type->kind == TYPE_DECIMAL) {
        int precision = type->precision - type->scale + 1;
        if (type->scale == 0)
            precision--;
        return binder__done(binder, call, type_decimal(binder->arena, precision, 0));
    } else if (type->kind == TYPE_FLOAT) {
        call->args[0] = expr_cast(binder->arena, call->args[0], &type_double);
    }
    return binder__done(binder, call, &type_long);
}

// By way of the shortest decimal text, as Java's BigDecimal(Double.toString(x)).
static double round_real(double x, int32_t scale, enum decimal_rounding rounding)
{
    if (!isfinite(x) || scale > 300)
        return x;
    char text[NUMBER_TEXT_MAX];
    size_t size = number_double_text(text, x);
    int128_t value;
    int precision, from_scale;
    if (!decimal_parse_exact(bytes_make(text, size), &value, &precision, &from_scale))
        return x;
    if (from_scale <= scale)
        return x;
    value = decimal_round(value, from_scale - scale, rounding);
    char out[80];
    char digits[DECIMAL_TEXT_MAX];
    size = decimal_text_plain(digits, value, 0);
    snprintf(out, sizeof out, "%.*se%d", (int)size, digits, -scale);
    return strtod(out, NULL);
}

static int64_t round_long(int64_t x, int32_t scale, enum decimal_rounding rounding)
{
    if (scale >= 0)
        return x;
    if (scale < -19)
        return 0;
    return (int64_t)(decimal_round(x, -scale, rounding) * decimal_power(-scale));
}

err_t kernel_round(struct call *call)
{
    enum decimal_rounding rounding = rounding_of(call->expr);
    int32_t scale = call->arg_count > 1 ? vector_int(&call->args[1], 0) : 0;
    const struct column *from = &call->args[0].column;
    CALL_ROWS(call, i)
    {
        size_t at = vector_at(&call->args[0], i);
        switch ((int)from->type->kind) {
        case TYPE_DECIMAL: {
            int drop = from->type->scale - scale;
            int128_t value =
                drop > 0 ? decimal_round(from->decimals[at], drop > 76 ? 76 : drop, rounding)
                         : from->decimals[at];
            if (drop > 0 && scale < 0)
                value *= decimal_power(-scale > 38 ? 38 : -scale);
            call->out->decimals[i] = value;
            break;
        }
        case TYPE_DOUBLE:
            if (call->out->type->kind == TYPE_LONG) { // ceil, floor; saturating like Java
                double whole = rounding == DECIMAL_CEILING ? ceil(from->doubles[at])
                                                           : floor(from->doubles[at]);
                call->out->longs[i] = isnan(whole)      ? 0
                                      : whole >= 0x1p63 ? INT64_MAX
                                      : whole < -0x1p63 ? INT64_MIN
                                                        : (int64_t)whole;
            } else {
                call->out->doubles[i] = round_real(from->doubles[at], scale, rounding);
            }
            break;
        case TYPE_FLOAT:
            call->out->floats[i] = (float)round_real((double)from->floats[at], scale, rounding);
            break;
        case TYPE_BYTE:
            call->out->bytes8[i] = (int8_t)round_long(from->bytes8[at], scale, rounding);
            break;
        case TYPE_SHORT:
            call->out->shorts[i] = (int16_t)round_long(from->shorts[at], scale, rounding);
            break;
        case TYPE_INT:
            call->out->ints[i] = (int32_t)round_long(from->ints[at], scale, rounding);
            break;
        default:
            call->out->longs[i] = round_long(from->longs[at], scale, rounding);
        }
    }
    return ERR_OK;
}

// --- bits and bases
// --------------------------------------------------------------------------------

struct expr *bind_shift(struct binder *binder, struct expr *call)
{
    if (call->args[0]->type->kind != TYPE_LONG && !binder__convert(binder, call, 0, &type_int))
        return NULL;
    return binder__convert(binder, call, 1, &type_int)
               ? binder__done(binder, call, call->args[0]->type)
               : NULL;
}

err_t kernel_shift(struct call *call)
{
    const char *name = call->expr->function->name;
    bool left = strcmp(name, "shiftleft") == 0;
    bool sign = strcmp(name, "shiftright") == 0;
    CALL_ROWS(call, i)
    {
        uint32_t by = (uint32_t)vector_int(&call->args[1], i);
        if (call->out->type->kind == TYPE_LONG) {
            int64_t x = vector_long(&call->args[0], i);
            by &= 63;
            call->out->longs[i] = left   ? (int64_t)((uint64_t)x << by)
                                  : sign ? x >> by
                                         : (int64_t)((uint64_t)x >> by);
        } else {
            int32_t x = vector_int(&call->args[0], i);
            by &= 31;
            call->out->ints[i] = left   ? (int32_t)((uint32_t)x << by)
                                 : sign ? x >> by
                                        : (int32_t)((uint32_t)x >> by);
        }
    }
    return ERR_OK;
}

err_t kernel_bit_count(struct call *call)
{
    CALL_ROWS(call, i)
    call->out->ints[i] = __builtin_popcountll((uint64_t)vector_long(&call->args[0], i));
    return ERR_OK;
}

err_t kernel_bin(struct call *call)
{
    CALL_ROWS(call, i)
    {
        uint64_t x = (uint64_t)vector_long(&call->args[0], i);
        char *out = arena_alloc(call_arena(call), 64);
        size_t size = 0;
        int top = x ? 63 - __builtin_clzll(x) : 0;
        for (int bit = top; bit >= 0; bit--)
            out[size++] = (char)('0' + (x >> bit & 1));
        call->out->strings[i] = bytes_make(out, size);
    }
    return ERR_OK;
}

// conv(text, from, to): unsigned 64 bits; what is not a digit ends the number.
err_t kernel_conv(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct bytes text = number_trim(vector_text(&call->args[0], i));
        int32_t from = vector_int(&call->args[1], i);
        int32_t to = vector_int(&call->args[2], i);
        int32_t target = to < 0 ? -to : to;
        if (from < 2 || from > 36 || target < 2 || target > 36 || text.size == 0) {
            call_null(call, i);
            continue;
        }
        bool negative = text.ptr[0] == '-';
        uint64_t value = 0;
        for (size_t k = negative; k < text.size; k++) {
            int byte = text.ptr[k] | 0x20;
            int digit = text.ptr[k] >= '0' && text.ptr[k] <= '9' ? text.ptr[k] - '0'
                        : byte >= 'a' && byte <= 'z'             ? byte - 'a' + 10
                                                                 : 99;
            if (digit >= from)
                break;
            if (__builtin_mul_overflow(value, (uint64_t)from, &value) ||
                __builtin_add_overflow(value, (uint64_t)digit, &value)) {
                value = UINT64_MAX;
                break;
            }
        }
        if (negative)
            value = 0 - value;
        bool minus = to < 0 && (int64_t)value < 0;
        if (minus)
            value = 0 - value;
        char *out = arena_alloc(call_arena(call), 72);
        size_t at = 72;
        do {
            out[--at] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[value % (uint64_t)target];
            value /= (uint64_t)target;
        } while (value);
        if (minus)
            out[--at] = '-';
        call->out->strings[i] = bytes_make(out + at, 72 - at);
    }
    return ERR_OK;
}

err_t kernel_factorial(struct call *call)
{
    CALL_ROWS(call, i)
    {
        int32_t n = vector_int(&call->args[0], i);
        int64_t product = 1;
        for (int32_t k = 2; k <= n && n <= 20; k++)
            product *= k;
        call->out->longs[i] = product;
        if (n < 0 || n > 20)
            call_null(call, i);
    }
    return ERR_OK;
}

// --- random
// ----------------------------------------------------------------------------------------

static uint64_t next_random(struct call *call)
{
    uint64_t *state = &call->eval->run->random;
    if (*state == 0)
        *state = (uint64_t)call->eval->session->now_us | 1;
    *state += 0x9e3779b97f4a7c15U; // splitmix64
    uint64_t z = *state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
}

err_t kernel_rand(struct call *call)
{
    for (size_t i = 0; i < call->count; i++)
        call->out->doubles[i] = (double)(next_random(call) >> 11) * 0x1p-53;
    return ERR_OK;
}

err_t kernel_uuid(struct call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        uint64_t high = (next_random(call) & ~0xF000ULL) | 0x4000;
        uint64_t low = (next_random(call) & ~(3ULL << 62)) | 1ULL << 63;
        char *text = arena_printf(
            call_arena(call), "%08llx-%04llx-%04llx-%04llx-%012llx",
            (unsigned long long)(high >> 32), (unsigned long long)(high >> 16 & 0xFFFF),
            (unsigned long long)(high & 0xFFFF), (unsigned long long)(low >> 48),
            (unsigned long long)(low & 0xFFFFFFFFFFFFULL));
        call->out->strings[i] = bytes_make(text, 36);
    }
    return ERR_OK;
}
