// SPDX-License-Identifier: Apache-2.0
//
// Aggregates that keep values: collect_list, collect_set, percentiles, mode, approx_count_distinct.
//
// Values are kept as bytes (value.h) one behind the other, so state is saved as it is.
#include "sql/bind/bind_rules.h"
#include "sql/exec/aggregate.h"
#include "sql/exec/value.h"

#include "base/hash.h"
#include "data/spark_hash.h"

#include <math.h>
#include <stdlib.h>

struct collected {
    uint8_t *bytes;
    size_t size, capacity;
    uint64_t count;
    uint32_t *slots; // collect_set: offset + 1 of each value
    uint32_t slot_count;
};

static void reserve(struct collected *collected, struct arena *arena, size_t more)
{
    if (collected->size + more <= collected->capacity)
        return;
    size_t capacity = collected->capacity ? collected->capacity * 2 : 32;
    while (capacity < collected->size + more)
        capacity *= 2;
    uint8_t *grown = arena_alloc(arena, capacity);
    if (collected->size)
        memcpy(grown, collected->bytes, collected->size);
    collected->bytes = grown;
    collected->capacity = capacity;
}

static void append(struct collected *collected, struct arena *arena, struct bytes value)
{
    uint32_t size = (uint32_t)value.size;
    reserve(collected, arena, sizeof size + value.size);
    memcpy(collected->bytes + collected->size, &size, sizeof size);
    memcpy(collected->bytes + collected->size + sizeof size, value.ptr, value.size);
    collected->size += sizeof size + value.size;
    collected->count++;
}

static struct bytes value_at(const struct collected *collected, size_t offset)
{
    uint32_t size;
    memcpy(&size, collected->bytes + offset, sizeof size);
    return bytes_make(collected->bytes + offset + sizeof size, size);
}

static size_t next_value(const struct collected *collected, size_t offset)
{
    return offset + sizeof(uint32_t) + value_at(collected, offset).size;
}

static void place(struct collected *collected, size_t offset)
{
    struct bytes value = value_at(collected, offset);
    size_t at = hash_bytes(value.ptr, value.size) & (collected->slot_count - 1);
    while (collected->slots[at])
        at = (at + 1) & (collected->slot_count - 1);
    collected->slots[at] = (uint32_t)offset + 1;
}

static void append_new(struct collected *collected, struct arena *arena, struct bytes value)
{
    if ((collected->count + 1) * 2 > collected->slot_count) {
        collected->slot_count = collected->slot_count ? collected->slot_count * 2 : 16;
        collected->slots = ARENA_ARRAY(arena, uint32_t, collected->slot_count);
        for (size_t at = 0; at < collected->size; at = next_value(collected, at))
            place(collected, at);
    }
    size_t at = hash_bytes(value.ptr, value.size) & (collected->slot_count - 1);
    for (; collected->slots[at]; at = (at + 1) & (collected->slot_count - 1))
        if (bytes_equal(value_at(collected, collected->slots[at] - 1), value))
            return;
    size_t offset = collected->size;
    append(collected, arena, value);
    collected->slots[at] = (uint32_t)offset + 1;
}

static err_t collect(const struct agg_context *context, const struct agg_rows *rows, size_t arg,
                     bool distinct)
{
    struct str value = {0};
    for (size_t i = 0; i < rows->count; i++) {
        if (vector_null(&rows->args[arg], i))
            continue;
        value.size = 0;
        value_encode(&value, &rows->args[arg].column, vector_at(&rows->args[arg], i));
        if (distinct)
            append_new(agg_state(rows, i), context->arena, str_bytes(&value));
        else
            append(agg_state(rows, i), context->arena, str_bytes(&value));
    }
    str_release(&value);
    return ERR_OK;
}

static err_t list_update(const struct agg_context *context, const struct agg_rows *rows)
{
    return collect(context, rows, 0, false);
}
static err_t set_update(const struct agg_context *context, const struct agg_rows *rows)
{
    return collect(context, rows, 0, true);
}

static err_t damaged(const struct agg_context *context)
{
    return FAIL(context->eval->diag, ERR_CORRUPT, "a collected value cannot be read");
}

static err_t list_finish(const struct agg_context *context, const void *state, struct builder *out)
{
    const struct collected *collected = state;
    for (size_t at = 0; at < collected->size; at = next_value(collected, at)) {
        struct bytes value = value_at(collected, at);
        if (!value_decode(&value, &out->children[0]))
            return damaged(context);
    }
    builder_list(out);
    return ERR_OK;
}

static void collected_save(const struct agg_context *context, const void *state, struct str *out)
{
    (void)context;
    const struct collected *collected = state;
    uint64_t size = collected->size;
    str_append(out, &size, sizeof size);
    if (size)
        str_append(out, collected->bytes, collected->size);
}

static bool collected_load(const struct agg_context *context, void *state, struct bytes *in)
{
    struct collected *collected = state;
    uint64_t size;
    if (!agg_take(in, &size, sizeof size) || size > in->size)
        return false;
    struct bytes all = bytes_make(in->ptr, size);
    in->ptr += size;
    in->size -= size;
    bool set = context->call->function->aggregate->update == set_update;
    while (all.size) {
        uint32_t one;
        if (!agg_take(&all, &one, sizeof one) || one > all.size)
            return false;
        if (set)
            append_new(collected, context->arena, bytes_make(all.ptr, one));
        else
            append(collected, context->arena, bytes_make(all.ptr, one));
        all.ptr += one;
        all.size -= one;
    }
    return true;
}

const struct aggregate aggregate_collect_list = {.state_size = sizeof(struct collected),
                                                 .update = list_update,
                                                 .finish = list_finish,
                                                 .save = collected_save,
                                                 .load = collected_load};
const struct aggregate aggregate_collect_set = {.state_size = sizeof(struct collected),
                                                .update = set_update,
                                                .finish = list_finish,
                                                .save = collected_save,
                                                .load = collected_load};

struct expr *bind_collect_set(struct binder *binder, struct expr *call)
{
    if (!coerce_orderable(call->args[0]->type))
        return binder__fail(binder, call->at, ERR_TYPE, "collect_set cannot take %s",
                            binder__type_text(binder, call->args[0]->type));
    return binder__done(binder, call, type_array(binder->arena, call->args[0]->type, false));
}

// --- mode
// ------------------------------------------------------------------------------------------

static err_t mode_finish(const struct agg_context *context, const void *state, struct builder *out)
{
    const struct collected *collected = state;
    struct bytes best = BYTES_NULL;
    size_t best_count = 0;
    size_t capacity = 16;
    while (capacity < collected->count * 2)
        capacity *= 2;
    size_t *slots = ARENA_ARRAY(context->eval->arena, size_t, capacity);
    size_t *counts = ARENA_ARRAY(context->eval->arena, size_t, capacity);
    for (size_t offset = 0; offset < collected->size; offset = next_value(collected, offset)) {
        struct bytes value = value_at(collected, offset);
        size_t at = hash_bytes(value.ptr, value.size) & (capacity - 1);
        while (slots[at] && !bytes_equal(value_at(collected, slots[at] - 1), value))
            at = (at + 1) & (capacity - 1);
        slots[at] = offset + 1;
        if (++counts[at] > best_count) {
            best_count = counts[at];
            best = value;
        }
    }
    if (!best.ptr)
        builder_null(out);
    else if (!value_decode(&best, out))
        return damaged(context);
    return ERR_OK;
}

const struct aggregate aggregate_mode = {.state_size = sizeof(struct collected),
                                         .update = list_update,
                                         .finish = mode_finish,
                                         .save = collected_save,
                                         .load = collected_load};

// --- percentiles
// -----------------------------------------------------------------------------------

struct percentile {
    double points[64];
    size_t count;
    bool list;     // the result is an array
    bool discrete; // a value that is there: approx_percentile, percentile_disc
};

static err_t percentile_update(const struct agg_context *context, const struct agg_rows *rows)
{
    bool within =
        strstr(context->call->function->name, "percentile_") == context->call->function->name &&
        context->call->function->name[11] != 'a';
    return collect(context, rows, within ? 1 : 0, false);
}

static void sift(const struct column *values, uint32_t *heap, size_t at, size_t count)
{
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= count)
            return;
        if (child + 1 < count && value_compare(values, heap[child], values, heap[child + 1]) < 0)
            child++;
        if (value_compare(values, heap[at], values, heap[child]) >= 0)
            return;
        uint32_t swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
        at = child;
    }
}

static void heap_sort(const struct column *values, uint32_t *heap, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sift(values, heap, i, count);
    for (size_t end = count; end-- > 1;) {
        uint32_t swap = heap[0];
        heap[0] = heap[end];
        heap[end] = swap;
        sift(values, heap, 0, end);
    }
}

static void put_point(const struct percentile *percentile, double point,
                      const struct column *values, const uint32_t *order, struct builder *out)
{
    size_t count = values->count;
    if (percentile->discrete) {
        double rank = ceil(point * (double)count);
        size_t at = rank < 1 ? 0 : (size_t)rank - 1;
        builder_value(out, values, order[at < count ? at : count - 1]);
        return;
    }
    double position = (double)(count - 1) * point;
    size_t low = (size_t)floor(position);
    size_t high = (size_t)ceil(position);
    double a = values->doubles[order[low]];
    double b = values->doubles[order[high]];
    builder_double(out,
                   low == high ? a : ((double)high - position) * a + (position - (double)low) * b);
}

static err_t percentile_finish(const struct agg_context *context, const void *state,
                               struct builder *out)
{
    const struct collected *collected = state;
    const struct percentile *percentile = context->call->extra;
    struct arena *arena = context->eval->arena;
    if (collected->count == 0) {
        builder_null(out);
        return ERR_OK;
    }
    struct builder builder;
    struct column values;
    builder_init(&builder, arena,
                 percentile->discrete ? (percentile->list ? out->type->fields[0].type : out->type)
                                      : &type_double,
                 collected->count);
    for (size_t at = 0; at < collected->size; at = next_value(collected, at)) {
        struct bytes value = value_at(collected, at);
        if (!value_decode(&value, &builder))
            return damaged(context);
    }
    builder_finish(&builder, &values);
    uint32_t *order = arena_alloc(arena, (values.count + 1) * sizeof *order);
    for (size_t i = 0; i < values.count; i++)
        order[i] = (uint32_t)i;
    heap_sort(&values, order, values.count);
    for (size_t i = 0; i < percentile->count; i++)
        put_point(percentile, percentile->points[i], &values, order,
                  percentile->list ? &out->children[0] : out);
    if (percentile->list)
        builder_list(out);
    return ERR_OK;
}

const struct aggregate aggregate_percentile = {.state_size = sizeof(struct collected),
                                               .update = percentile_update,
                                               .finish = percentile_finish,
                                               .save = collected_save,
                                               .load = collected_load};

static bool read_points(struct binder *binder, struct expr *arg, struct percentile *out)
{
    struct column value;
    const struct type *type = arg->type->kind == TYPE_ARRAY ? arg->type->fields[0].type : arg->type;
    out->list = arg->type->kind == TYPE_ARRAY;
    const struct type *to =
        out->list ? type_array(binder->arena, &type_double, true) : &type_double;
    if (!type_is_numeric(type) ||
        !binder__value(binder, expr_cast(binder->arena, arg, to), &value) ||
        column_is_null(&value, 0)) {
        binder__fail(binder, arg->at, ERR_TYPE, "a percentage must be a constant number");
        return false;
    }
    const struct column *points = out->list ? &value.children[0] : &value;
    if (points->count > 64) {
        binder__fail(binder, arg->at, ERR_TOO_LARGE, "at most 64 percentages are supported");
        return false;
    }
    out->count = points->count;
    for (size_t i = 0; i < points->count; i++) {
        out->points[i] = points->doubles[i];
        if (!(points->doubles[i] >= 0 && points->doubles[i] <= 1)) {
            binder__fail(binder, arg->at, ERR_TYPE,
                         "[DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE] a percentage must be between 0.0 "
                         "and 1.0");
            return false;
        }
    }
    return true;
}

static struct expr *percentile_of(struct binder *binder, struct expr *call, size_t value,
                                  size_t points, bool discrete)
{
    struct percentile *percentile = ARENA_NEW(binder->arena, struct percentile);
    percentile->discrete = discrete;
    percentile->count = 1;
    percentile->points[0] = 0.5;
    if (points != SIZE_MAX && !read_points(binder, call->args[points], percentile))
        return NULL;
    const struct type *type = call->args[value]->type;
    if (!discrete) {
        if (!binder__convert(binder, call, value, &type_double))
            return NULL;
        type = &type_double;
    } else if (!type_is_numeric(type) && !type_is_datetime(type)) {
        return binder__fail(binder, call->at, ERR_TYPE, "%s needs numbers, not %s",
                            call->function->name, binder__type_text(binder, type));
    }
    call->extra = percentile;
    return binder__done(binder, call,
                        percentile->list ? type_array(binder->arena, type, false) : type);
}

struct expr *bind_percentile(struct binder *binder, struct expr *call)
{
    call->display = "percentile($0, $1, 1)";
    return percentile_of(binder, call, 0, 1, false);
}
struct expr *bind_percentile_cont(struct binder *binder, struct expr *call)
{
    return percentile_of(binder, call, 1, 0, strstr(call->function->name, "disc") != NULL);
}
struct expr *bind_median(struct binder *binder, struct expr *call)
{
    return percentile_of(binder, call, 0, SIZE_MAX, false);
}
// Exact here: Spark's answer is within its accuracy of this one.
struct expr *bind_approx_percentile(struct binder *binder, struct expr *call)
{
    return percentile_of(binder, call, 0, 1, true);
}

// --- approx_count_distinct
// -------------------------------------------------------------------------

// HyperLogLog over xxhash64 with 2^12 registers (about 1.6 % error), linear counting while it is
// sparse.
#define HLL_BITS      12
#define HLL_REGISTERS (1 << HLL_BITS)

struct hll {
    uint8_t *registers;
};

static uint8_t *registers_of(struct hll *hll, struct arena *arena)
{
    if (!hll->registers)
        hll->registers = arena_zalloc(arena, HLL_REGISTERS);
    return hll->registers;
}

static err_t hll_update(const struct agg_context *context, const struct agg_rows *rows)
{
    struct column column;
    vector_flatten(&column, context->eval->arena, &rows->args[0], rows->count);
    int64_t *hashes = arena_alloc(context->eval->arena, (rows->count + 1) * sizeof *hashes);
    for (size_t i = 0; i < rows->count; i++)
        hashes[i] = SPARK_HASH_SEED;
    spark_xxhash64(hashes, &column);
    for (size_t i = 0; i < rows->count; i++) {
        if (column_is_null(&column, i))
            continue;
        uint8_t *registers = registers_of(agg_state(rows, i), context->arena);
        uint64_t hash = (uint64_t)hashes[i];
        uint64_t rest = hash << HLL_BITS | 1ULL << (HLL_BITS - 1);
        uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
        uint8_t *slot = &registers[hash >> (64 - HLL_BITS)];
        *slot = rank > *slot ? rank : *slot;
    }
    return ERR_OK;
}

static err_t hll_finish(const struct agg_context *context, const void *state, struct builder *out)
{
    (void)context;
    const struct hll *hll = state;
    double sum = 0;
    int zeros = 0;
    for (size_t i = 0; hll->registers && i < HLL_REGISTERS; i++) {
        sum += 1.0 / (double)(1ULL << hll->registers[i]);
        zeros += hll->registers[i] == 0;
    }
    double m = HLL_REGISTERS;
    double estimate = hll->registers ? 0.7213 / (1 + 1.079 / m) * m * m / sum : 0;
    if (zeros && estimate <= 2.5 * m)
        estimate = m * log(m / zeros);
    builder_long(out, (int64_t)llround(estimate));
    return ERR_OK;
}

static void hll_save(const struct agg_context *context, const void *state, struct str *out)
{
    (void)context;
    const struct hll *hll = state;
    str_append_byte(out, hll->registers != NULL);
    if (hll->registers)
        str_append(out, hll->registers, HLL_REGISTERS);
}

static bool hll_load(const struct agg_context *context, void *state, struct bytes *in)
{
    uint8_t some;
    if (!agg_take(in, &some, 1))
        return false;
    return !some || agg_take(in, registers_of(state, context->arena), HLL_REGISTERS);
}

const struct aggregate aggregate_approx_distinct = {.state_size = sizeof(struct hll),
                                                    .update = hll_update,
                                                    .finish = hll_finish,
                                                    .save = hll_save,
                                                    .load = hll_load};

struct expr *bind_approx_distinct(struct binder *binder, struct expr *call)
{
    if (call->args[0]->type->kind == TYPE_MAP)
        return binder__fail(binder, call->at, ERR_TYPE, "approx_count_distinct cannot take a map");
    return binder__done(binder, call, &type_long);
}
