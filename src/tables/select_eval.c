// SPDX-License-Identifier: Apache-2.0
//
// Values of SELECT items. Sums are kept in 128 bits and cut to the type at the end, as Java's wrap
// around.

#include "tables/select.h"

#include "tables/token.h"

#include <math.h>

static struct bytes be_bytes(struct arena *arena, uint64_t value, size_t size)
{
    uint8_t *bytes = arena_alloc(arena, size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    return bytes_make(bytes, size);
}

static int64_t signed_be(struct bytes bytes)
{
    uint64_t value = bytes.size && bytes.ptr[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < bytes.size; i++)
        value = value << 8 | bytes.ptr[i];
    return (int64_t)value;
}

static bool is_real(const struct cql_type *type)
{
    return type->kind == CQL_FLOAT || type->kind == CQL_DOUBLE;
}

static double real_of(struct bytes bytes)
{
    if (bytes.size == 4) {
        uint32_t bits = (uint32_t)signed_be(bytes);
        float value;
        memcpy(&value, &bits, sizeof value);
        return (double)value;
    }
    int64_t bits = signed_be(bytes);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static struct bytes real_bytes(struct arena *arena, double value, size_t size)
{
    if (size == 4) {
        float narrow = (float)value;
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof bits);
        return be_bytes(arena, bits, 4);
    }
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return be_bytes(arena, bits, 8);
}

// --- aggregates ---

static struct bytes aggregate_value(const struct select_item *item, const struct accumulator *at,
                                    struct arena *arena)
{
    if (item->aggregate == AGGREGATE_COUNT)
        return be_bytes(arena, at->count, 8);
    if (item->aggregate == AGGREGATE_MIN || item->aggregate == AGGREGATE_MAX)
        return at->has_value ? at->value : BYTES_NULL;
    size_t size = cql_kind_width(item->type->kind);
    bool average = item->aggregate == AGGREGATE_AVG;
    if (is_real(item->type)) {
        double sum = at->real_sum;
        return real_bytes(arena, average && at->count ? sum / (double)at->count : sum, size);
    }
    int128_t sum = at->sum;
    if (average && at->count)
        sum /= (int128_t)at->count;
    return be_bytes(arena, (uint64_t)sum, size);
}

static void accumulate(const struct select_item *item, struct bytes value, struct arena *arena,
                       struct accumulator *at)
{
    if (!value.ptr)
        return;
    at->count++;
    switch (item->aggregate) {
    case AGGREGATE_COUNT:
        break;
    case AGGREGATE_MIN:
    case AGGREGATE_MAX: {
        int order = at->has_value ? cql_value_compare(item->type, value, at->value) : 0;
        if (!at->has_value || (item->aggregate == AGGREGATE_MIN ? order < 0 : order > 0))
            at->value = arena_bytes(arena, value);
        at->has_value = true;
        break;
    }
    case AGGREGATE_SUM:
    case AGGREGATE_AVG:
        if (value.size == 0)
            at->count--;
        else if (is_real(item->type))
            at->real_sum += real_of(value);
        else
            at->sum += signed_be(value);
        break;
    }
}

err_t select_feed(const struct plan *plan, const struct select_item *item,
                  const struct read_row *row, const struct term_context *context,
                  struct accumulator *accumulators, struct diag *diag)
{
    if (item->kind == SELECT_AGGREGATE) {
        struct accumulator *at = &accumulators[item->aggregate_index];
        struct bytes value = bytes_make("", 0);
        if (item->arg_count > 0)
            TRY(select_eval(plan, item->args, row, context, accumulators, &value, diag));
        accumulate(item, value, context->arena, at);
        return ERR_OK;
    }
    for (size_t i = 0; i < item->arg_count; i++)
        TRY(select_feed(plan, &item->args[i], row, context, accumulators, diag));
    return ERR_OK;
}

// --- values ---

static err_t eval_call(const struct plan *plan, const struct select_item *item,
                       const struct read_row *row, const struct term_context *context,
                       const struct accumulator *accumulators, struct bytes *out, struct diag *diag)
{
    struct bytes args[2] = {BYTES_NULL, BYTES_NULL};
    const struct cql_type *types[2] = {NULL, NULL};
    for (size_t i = 0; i < item->arg_count && i < 2; i++) {
        types[i] = item->args[i].type;
        TRY(select_eval(plan, &item->args[i], row, context, accumulators, &args[i], diag));
    }
    return function_eval(item->function, context, types, args, out, diag);
}

err_t select_eval(const struct plan *plan, const struct select_item *item,
                  const struct read_row *row, const struct term_context *context,
                  const struct accumulator *accumulators, struct bytes *out, struct diag *diag)
{
    *out = BYTES_NULL;
    switch (item->kind) {
    case SELECT_COLUMN:
        if (row)
            *out = row->values[item->column];
        return ERR_OK;
    case SELECT_WRITETIME:
        if (row && row->values[item->column].ptr && row->ts)
            *out = be_bytes(context->arena, (uint64_t)row->ts[item->column], 8);
        return ERR_OK;
    case SELECT_TTL:
        if (row && row->values[item->column].ptr && row->ttl && row->ttl[item->column] > 0)
            *out = be_bytes(context->arena, (uint32_t)row->ttl[item->column], 4);
        return ERR_OK;
    case SELECT_TERM:
        return term_eval(item->term, item->type, "[selection]", context, out, NULL, diag);
    case SELECT_CALL:
        return eval_call(plan, item, row, context, accumulators, out, diag);
    case SELECT_TOKEN:
        if (row)
            *out = be_bytes(context->arena, (uint64_t)token_of(row->partition_key), 8);
        return ERR_OK;
    case SELECT_CAST: {
        struct bytes value;
        TRY(select_eval(plan, item->args, row, context, accumulators, &value, diag));
        if (!value.ptr)
            return ERR_OK;
        return term_cast_value(item->type, item->args->type, value, context->arena, out, diag);
    }
    case SELECT_AGGREGATE:
        *out = aggregate_value(item, &accumulators[item->aggregate_index], context->arena);
        return ERR_OK;
    }
    return ERR_OK;
}
