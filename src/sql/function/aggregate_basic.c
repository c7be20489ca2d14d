// SPDX-License-Identifier: Apache-2.0
//
// count, sum, avg, min, max, first, last, bool_and/or, max_by/min_by.
#include "sql/bind/bind_rules.h"
#include "sql/exec/aggregate.h"
#include "sql/exec/value.h"

#include "data/decimal.h"

// --- count
// -----------------------------------------------------------------------------------------

static err_t count_update(const struct agg_context *context, const struct agg_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        bool null = false;
        for (size_t a = 0; a < context->call->arg_count; a++)
            null |= vector_null(&rows->args[a], i);
        *(int64_t *)agg_state(rows, i) += !null;
    }
    return ERR_OK;
}

static err_t count_if_update(const struct agg_context *context, const struct agg_rows *rows)
{
    (void)context;
    for (size_t i = 0; i < rows->count; i++)
        *(int64_t *)agg_state(rows, i) +=
            !vector_null(&rows->args[0], i) && vector_bool(&rows->args[0], i);
    return ERR_OK;
}

static err_t count_finish(const struct agg_context *context, const void *state, struct builder *out)
{
    (void)context;
    builder_long(out, *(const int64_t *)state);
    return ERR_OK;
}

static void save_long(const struct agg_context *context, const void *state, struct str *out)
{
    (void)context;
    str_append(out, state, sizeof(int64_t));
}

static bool load_long(const struct agg_context *context, void *state, struct bytes *in)
{
    (void)context;
    return agg_take(in, state, sizeof(int64_t));
}

const struct aggregate aggregate_count = {.state_size = sizeof(int64_t),
                                          .update = count_update,
                                          .finish = count_finish,
                                          .save = save_long,
                                          .load = load_long};
const struct aggregate aggregate_count_if = {.state_size = sizeof(int64_t),
                                             .update = count_if_update,
                                             .finish = count_finish,
                                             .save = save_long,
                                             .load = load_long};

// --- sum and avg
// -----------------------------------------------------------------------------------

struct sum {
    int128_t exact; // LONG, DECIMAL, intervals
    double real;
    int64_t count;
    bool overflow;
};

static void sum_decimal(struct sum *sum, int128_t value)
{
    if (__builtin_add_overflow(sum->exact, value, &sum->exact))
        sum->overflow = true;
    sum->count++;
}

static err_t sum_update(const struct agg_context *context, const struct agg_rows *rows)
{
    (void)context;
    const struct vector *arg = &rows->args[0];
    for (size_t i = 0; i < rows->count; i++) {
        if (vector_null(arg, i))
            continue;
        struct sum *sum = agg_state(rows, i);
        size_t at = vector_at(arg, i);
        switch ((int)arg->column.type->kind) {
        case TYPE_DOUBLE:
            sum->real += arg->column.doubles[at];
            sum->count++;
            break;
        case TYPE_DECIMAL:
            sum_decimal(sum, arg->column.decimals[at]);
            break;
        case TYPE_INTERVAL_YM:
            sum_decimal(sum, arg->column.ints[at]);
            break;
        default:
            sum_decimal(sum, arg->column.longs[at]);
        }
    }
    return ERR_OK;
}

static bool is_try(const struct agg_context *context)
{
    return strncmp(context->call->function->name, "try_", 4) == 0;
}

static err_t overflow(const struct agg_context *context, struct builder *out, bool fails)
{
    if (fails && !is_try(context))
        return eval_fail(context->eval, context->call->at, ERR_INVALID,
                         "[ARITHMETIC_OVERFLOW] the result of %s does not fit",
                         context->call->function->name);
    builder_null(out);
    return ERR_OK;
}

static void put_decimal(struct builder *out, int128_t value)
{
    struct column one = {.type = out->type, .count = 1};
    one.data = &value;
    builder_value(out, &one, 0);
}

static err_t sum_finish(const struct agg_context *context, const void *state, struct builder *out)
{
    const struct sum *sum = state;
    bool ansi = context->eval->session->ansi;
    if (sum->count == 0) {
        builder_null(out);
        return ERR_OK;
    }
    switch ((int)out->type->kind) {
    case TYPE_DOUBLE:
        builder_double(out, sum->real);
        return ERR_OK;
    case TYPE_DECIMAL:
        if (sum->overflow || !decimal_fits(sum->exact, out->type->precision))
            return overflow(context, out, ansi);
        put_decimal(out, sum->exact);
        return ERR_OK;
    case TYPE_INTERVAL_YM:
        if (sum->exact < INT32_MIN || sum->exact > INT32_MAX)
            return overflow(context, out, true);
        builder_int(out, (int32_t)sum->exact);
        return ERR_OK;
    default:
        if (sum->exact < INT64_MIN || sum->exact > INT64_MAX) {
            if (ansi || is_try(context) || out->type->kind != TYPE_LONG)
                return overflow(context, out, true);
        }
        builder_long(out, (int64_t)sum->exact); // wraps, as Java's addition
        return ERR_OK;
    }
}

static err_t avg_finish(const struct agg_context *context, const void *state, struct builder *out)
{
    const struct sum *sum = state;
    if (sum->count == 0) {
        builder_null(out);
        return ERR_OK;
    }
    if (out->type->kind == TYPE_DOUBLE) {
        double total = context->input->kind == TYPE_DOUBLE ? sum->real : (double)sum->exact;
        builder_double(out, total / (double)sum->count);
        return ERR_OK;
    }
    if (out->type->kind == TYPE_DECIMAL) {
        int128_t value;
        if (sum->overflow ||
            !decimal_compute(DECIMAL_DIV, sum->exact, context->input->scale, sum->count, 0,
                             out->type->precision, out->type->scale, &value))
            return overflow(context, out, context->eval->session->ansi);
        put_decimal(out, value);
        return ERR_OK;
    }
    int128_t half = sum->exact < 0 ? -(sum->count / 2) : sum->count / 2;
    int64_t mean = (int64_t)((sum->exact + half) / sum->count);
    if (out->type->kind == TYPE_INTERVAL_YM)
        builder_int(out, (int32_t)mean);
    else
        builder_long(out, mean);
    return ERR_OK;
}

static void sum_save(const struct agg_context *context, const void *state, struct str *out)
{
    (void)context;
    const struct sum *sum = state;
    str_append(out, &sum->exact, sizeof sum->exact);
    str_append(out, &sum->real, sizeof sum->real);
    str_append(out, &sum->count, sizeof sum->count);
    str_append_byte(out, sum->overflow);
}

static bool sum_load(const struct agg_context *context, void *state, struct bytes *in)
{
    (void)context;
    struct sum *sum = state;
    uint8_t overflowed = 0;
    bool ok = agg_take(in, &sum->exact, sizeof sum->exact) &&
              agg_take(in, &sum->real, sizeof sum->real) &&
              agg_take(in, &sum->count, sizeof sum->count) && agg_take(in, &overflowed, 1);
    sum->overflow = overflowed != 0;
    return ok;
}

const struct aggregate aggregate_sum = {.state_size = sizeof(struct sum),
                                        .update = sum_update,
                                        .finish = sum_finish,
                                        .save = sum_save,
                                        .load = sum_load};
const struct aggregate aggregate_avg = {.state_size = sizeof(struct sum),
                                        .update = sum_update,
                                        .finish = avg_finish,
                                        .save = sum_save,
                                        .load = sum_load};

struct expr *bind_sum(struct binder *binder, struct expr *call)
{
    bool avg = strstr(call->function->name, "avg") || strcmp(call->function->name, "mean") == 0;
    const struct type *type = call->args[0]->type;
    if (type->kind == TYPE_DECIMAL) {
        int precision = type->precision + (avg ? 4 : 10);
        int scale = type->scale + (avg ? 4 : 0);
        return binder__done(
            binder, call,
            type_decimal(binder->arena, precision > 38 ? 38 : precision, scale > 38 ? 38 : scale));
    }
    if (type->kind == TYPE_INTERVAL_DT || type->kind == TYPE_INTERVAL_YM)
        return binder__done(binder, call, type);
    bool integral = type_is_integral(type);
    if (!binder__convert(binder, call, 0, integral ? &type_long : &type_double))
        return NULL;
    return binder__done(binder, call, integral && !avg ? &type_long : &type_double);
}

// --- one value kept: min, max, first, last, max_by …
// -----------------------------------------------

// Kept as encoded bytes, which any type has; numbers of 8 bytes or less have room in `inline_`.
struct kept {
    bool set;
    struct bytes value;
    struct bytes order; // max_by, min_by
    uint32_t value_room, order_room;
};

static void keep(struct arena *arena, struct bytes *to, uint32_t *room, const struct str *from)
{
    if (from->size > *room) {
        *room = (uint32_t)from->size + 16;
        to->ptr = arena_alloc(arena, *room);
    }
    memcpy((uint8_t *)(uintptr_t)to->ptr, from->ptr, from->size);
    to->size = from->size;
}

static void encode_to(struct arena *arena, struct bytes *to, uint32_t *room,
                      const struct vector *vector, size_t row)
{
    struct str bytes = {0};
    value_encode(&bytes, &vector->column, vector_at(vector, row));
    keep(arena, to, room, &bytes);
    str_release(&bytes);
}

// Whether row `row` comes after (sign 1) or before (-1) the encoded value.
static bool beats(const struct agg_context *context, struct bytes encoded,
                  const struct vector *vector, size_t row, int sign)
{
    const struct type *type = vector->column.type;
    size_t at = vector_at(vector, row);
    size_t width = type_width(type);
    if (type->kind == TYPE_STRING || type->kind == TYPE_BINARY) { // presence, size, bytes
        struct bytes held = bytes_make(encoded.ptr + 5, encoded.size - 5);
        return sign * bytes_compare(vector->column.strings[at], held) > 0;
    }
    if (width && width <= 16 && type->kind != TYPE_ARRAY && type->kind != TYPE_MAP) {
        _Alignas(16) uint8_t raw[16];
        memcpy(raw, encoded.ptr + 1, width);
        struct column one = {.type = type, .count = 1};
        one.data = raw;
        return sign * value_compare(&vector->column, at, &one, 0) > 0;
    }
    struct builder builder;
    struct column old;
    struct arena *arena = context->eval->arena;
    builder_init(&builder, arena, vector->column.type, 1);
    (void)value_decode(&encoded, &builder);
    builder_finish(&builder, &old);
    return sign * value_compare(&vector->column, vector_at(vector, row), &old, 0) > 0;
}

// The best row of a run of rows of one group is found by comparing columns; only the winner is
// encoded.
static err_t best_update(const struct agg_context *context, const struct agg_rows *rows,
                         size_t order_arg, int sign)
{
    const struct vector *order = &rows->args[order_arg];
    struct kept **touched = arena_alloc(context->eval->arena, (rows->count + 1) * sizeof *touched);
    for (size_t i = 0; i < rows->count; i++) {
        struct kept *kept = agg_state(rows, i);
        touched[i] = kept;
        if (vector_null(order, i))
            continue;
        struct bytes *held = order_arg ? &kept->order : &kept->value;
        if (kept->set && !beats(context, *held, order, i, sign))
            continue;
        kept->set = true;
        encode_to(context->arena, &kept->value, &kept->value_room, &rows->args[0], i);
        if (order_arg)
            encode_to(context->arena, &kept->order, &kept->order_room, order, i);
    }
    return ERR_OK;
}

static err_t max_update(const struct agg_context *context, const struct agg_rows *rows)
{
    return best_update(context, rows, 0, 1);
}
static err_t min_update(const struct agg_context *context, const struct agg_rows *rows)
{
    return best_update(context, rows, 0, -1);
}
static err_t max_by_update(const struct agg_context *context, const struct agg_rows *rows)
{
    return best_update(context, rows, 1, 1);
}
static err_t min_by_update(const struct agg_context *context, const struct agg_rows *rows)
{
    return best_update(context, rows, 1, -1);
}

static bool skips_nulls(const struct agg_context *context)
{
    const struct expr *call = context->call;
    if (call->ignore_nulls)
        return true;
    return call->arg_count > 1 && call->args[1]->kind == EXPR_LITERAL &&
           call->args[1]->literal.booleans[0];
}

static err_t end_update(const struct agg_context *context, const struct agg_rows *rows, bool last)
{
    bool skip = skips_nulls(context);
    for (size_t i = 0; i < rows->count; i++) {
        struct kept *kept = agg_state(rows, i);
        if ((kept->set && !last) || (skip && vector_null(&rows->args[0], i)))
            continue;
        kept->set = true;
        encode_to(context->arena, &kept->value, &kept->value_room, &rows->args[0], i);
    }
    return ERR_OK;
}

static err_t first_update(const struct agg_context *context, const struct agg_rows *rows)
{
    return end_update(context, rows, false);
}
static err_t last_update(const struct agg_context *context, const struct agg_rows *rows)
{
    return end_update(context, rows, true);
}

static err_t kept_finish(const struct agg_context *context, const void *state, struct builder *out)
{
    const struct kept *kept = state;
    struct bytes value = kept->value;
    if (!kept->set)
        builder_null(out);
    else if (!value_decode(&value, out))
        return FAIL(context->eval->diag, ERR_CORRUPT, "a kept value cannot be read");
    return ERR_OK;
}

static void put_bytes(struct str *out, struct bytes bytes)
{
    uint32_t size = (uint32_t)bytes.size;
    str_append(out, &size, sizeof size);
    str_append_bytes(out, bytes);
}

static bool get_bytes(const struct agg_context *context, struct bytes *in, struct bytes *out,
                      uint32_t *room)
{
    uint32_t size;
    if (!agg_take(in, &size, sizeof size) || size > in->size)
        return false;
    *out = arena_bytes(context->arena, bytes_make(in->ptr, size));
    *room = size;
    in->ptr += size;
    in->size -= size;
    return true;
}

static void kept_save(const struct agg_context *context, const void *state, struct str *out)
{
    (void)context;
    const struct kept *kept = state;
    str_append_byte(out, kept->set);
    put_bytes(out, kept->value);
    put_bytes(out, kept->order);
}

static bool kept_load(const struct agg_context *context, void *state, struct bytes *in)
{
    struct kept *kept = state;
    uint8_t set = 0;
    bool ok = agg_take(in, &set, 1) && get_bytes(context, in, &kept->value, &kept->value_room) &&
              get_bytes(context, in, &kept->order, &kept->order_room);
    kept->set = set != 0;
    return ok;
}

#define KEPT(name)                                                                \
    const struct aggregate aggregate_##name = {.state_size = sizeof(struct kept), \
                                               .update = name##_update,           \
                                               .finish = kept_finish,             \
                                               .save = kept_save,                 \
                                               .load = kept_load}
KEPT(max);
KEPT(min);
KEPT(max_by);
KEPT(min_by);
KEPT(first);
KEPT(last);

struct expr *bind_ordered(struct binder *binder, struct expr *call)
{
    const struct expr *order = call->args[call->arg_count - 1];
    if (!coerce_orderable(order->type))
        return binder__fail(binder, call->at, ERR_TYPE,
                            "[DATATYPE_MISMATCH.INVALID_ORDERING_TYPE] %s cannot order values of "
                            "type %s",
                            call->function->name, binder__type_text(binder, order->type));
    return binder__done(binder, call, call->args[0]->type);
}

// first(x, ignoreNulls): the flag is not shown.
struct expr *bind_first(struct binder *binder, struct expr *call)
{
    if (call->arg_count == 2) {
        call->args[1] = binder__fold(binder, call->args[1]);
        if (call->args[1]->kind != EXPR_LITERAL || call->args[1]->type->kind != TYPE_BOOLEAN)
            return binder__fail(binder, call->at, ERR_TYPE,
                                "the second argument of %s must be true or false",
                                call->function->name);
        call->display = arena_printf(binder->arena, "%s($0)", call->function->name);
    }
    return binder__done(binder, call, call->args[0]->type);
}

// --- bool_and, bool_or
// -----------------------------------------------------------------------------

static err_t bool_update(const struct agg_context *context, const struct agg_rows *rows)
{
    bool any = context->call->function->display[0] == 's' ||
               strstr(context->call->function->name, "or") ||
               strcmp(context->call->function->name, "any") == 0;
    for (size_t i = 0; i < rows->count; i++) {
        if (vector_null(&rows->args[0], i))
            continue;
        int64_t *state = agg_state(rows, i); // 0 unset, 1 false, 2 true
        bool value = vector_bool(&rows->args[0], i);
        bool old = *state ? *state == 2 : !any;
        *state = (any ? old || value : old && value) ? 2 : 1;
    }
    return ERR_OK;
}

static err_t bool_finish(const struct agg_context *context, const void *state, struct builder *out)
{
    (void)context;
    int64_t value = *(const int64_t *)state;
    if (value)
        builder_bool(out, value == 2);
    else
        builder_null(out);
    return ERR_OK;
}

const struct aggregate aggregate_bool = {.state_size = sizeof(int64_t),
                                         .update = bool_update,
                                         .finish = bool_finish,
                                         .save = save_long,
                                         .load = load_long};
