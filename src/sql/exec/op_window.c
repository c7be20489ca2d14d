// SPDX-License-Identifier: Apache-2.0
//
// Window functions: all rows are kept; each call sorts them by its partition and order, then walks
// every partition. An aggregate over a frame that starts at the partition's first row grows with
// the frame; over other frames it is computed anew for each row.
#include "sql/exec/aggregate.h"
#include "sql/exec/op.h"
#include "sql/exec/value.h"
#include "sql/function/function.h"

#include "base/mem.h"

struct windowed {
    struct eval *eval;
    const struct expr *call;
    const struct column *partition, *order;
    struct vector *args;
    uint32_t *rows; // sorted
    size_t count;
    size_t from, to; // the present partition: rows[from..to)
    struct builder out;
    uint32_t *place; // result of rows[i] is out row i; place[row] = i
};

static int compare_keys(const struct windowed *w, uint32_t a, uint32_t b, bool partition_only)
{
    const struct expr_window *window = w->call->window;
    for (size_t i = 0; i < window->partition_count; i++) {
        int order = value_compare(&w->partition[i], a, &w->partition[i], b);
        if (order)
            return order;
    }
    for (size_t i = 0; i < window->order_count && !partition_only; i++) {
        const struct column *key = &w->order[i];
        bool null_a = column_is_null(key, a);
        bool null_b = column_is_null(key, b);
        if (null_a != null_b)
            return (null_a ? -1 : 1) * (window->order[i].nulls_first ? 1 : -1);
        int order = value_compare(key, a, key, b);
        if (order)
            return window->order[i].descending ? -order : order;
    }
    return 0;
}

static void sort_rows(const struct windowed *w, uint32_t *rows, uint32_t *scratch, size_t count)
{
    if (count < 2)
        return;
    size_t half = count / 2;
    sort_rows(w, rows, scratch, half);
    sort_rows(w, rows + half, scratch, count - half);
    memcpy(scratch, rows, half * sizeof *rows);
    size_t left = 0;
    size_t right = half;
    for (size_t to = 0; left < half; to++)
        rows[to] = right < count && compare_keys(w, rows[right], scratch[left], false) < 0
                       ? rows[right++]
                       : scratch[left++];
}

static bool peers(const struct windowed *w, size_t a, size_t b)
{
    return compare_keys(w, w->rows[a], w->rows[b], false) == 0;
}

static int64_t key_at(const struct windowed *w, size_t at)
{
    const struct column *key = &w->order[0];
    uint32_t row = w->rows[at];
    switch ((int)key->type->kind) {
    case TYPE_BYTE:
        return key->bytes8[row];
    case TYPE_SHORT:
        return key->shorts[row];
    case TYPE_INT:
        return key->ints[row];
    default:
        return key->longs[row];
    }
}

// Whether position `at` lies before (-1), in (0) or after (1) the frame of position `current`.
static int frame_side(const struct windowed *w, size_t at, size_t current, bool upper)
{
    const struct expr_window *window = w->call->window;
    enum frame_bound bound = upper ? window->to : window->from;
    int64_t value = upper ? window->to_value : window->from_value;
    int64_t distance = (int64_t)at - (int64_t)current;
    if (bound == FRAME_UNBOUNDED_PRECEDING || bound == FRAME_UNBOUNDED_FOLLOWING)
        return 0;
    int64_t limit = bound == FRAME_CURRENT ? 0 : bound == FRAME_PRECEDING ? -value : value;
    if (window->range) {
        if (peers(w, at, current) && limit == 0)
            return 0;
        bool null_at = column_is_null(&w->order[0], w->rows[at]);
        bool null_current = column_is_null(&w->order[0], w->rows[current]);
        if (bound == FRAME_CURRENT || null_at || null_current)
            distance = null_at && null_current ? 0 : distance;
        else {
            int64_t gap = key_at(w, at) - key_at(w, current);
            distance = window->order[0].descending ? -gap : gap;
            return upper ? distance > limit : -(distance < limit);
        }
        if (null_at != null_current)
            return at < current ? (upper ? 0 : -1) : (upper ? 1 : 0);
        return upper ? distance > 0 : -(distance < 0);
    }
    return upper ? distance > limit : -(distance < limit);
}

static size_t frame_from(const struct windowed *w, size_t current)
{
    size_t at = w->from;
    while (at < w->to && frame_side(w, at, current, false) < 0)
        at++;
    return at;
}

static size_t frame_to(const struct windowed *w, size_t current)
{
    size_t at = w->to;
    while (at > w->from && frame_side(w, at - 1, current, true) > 0)
        at--;
    return at;
}

static err_t feed(struct windowed *w, struct agg_context *context, uint8_t *state, size_t from,
                  size_t to)
{
    if (from >= to)
        return ERR_OK;
    size_t count = to - from;
    uint8_t **states = arena_alloc(w->eval->arena, count * sizeof *states);
    for (size_t i = 0; i < count; i++)
        states[i] = state;
    struct vector *args = ARENA_ARRAY(w->eval->arena, struct vector, w->call->arg_count + 1);
    for (size_t a = 0; a < w->call->arg_count; a++) {
        args[a] = w->args[a];
        if (!args[a].constant)
            column_gather(&args[a].column, w->eval->arena, &w->args[a].column, w->rows + from,
                          count);
    }
    struct agg_rows rows = {.states = states, .count = count, .args = args};
    return w->call->function->aggregate->update(context, &rows);
}

static err_t aggregate_partition(struct windowed *w)
{
    const struct aggregate *aggregate = w->call->function->aggregate;
    struct agg_context context = {.arena = w->eval->arena,
                                  .call = w->call,
                                  .input = w->call->arg_count ? w->call->args[0]->type : NULL,
                                  .eval = w->eval};
    bool grows = w->call->window->from == FRAME_UNBOUNDED_PRECEDING;
    uint8_t *state = NULL;
    size_t fed = w->from;
    for (size_t at = w->from; at < w->to; at++) {
        size_t from = grows ? w->from : frame_from(w, at);
        size_t to = frame_to(w, at);
        if (!state || !grows) {
            state = arena_zalloc(w->eval->arena, aggregate->state_size + 16);
            if (aggregate->init)
                aggregate->init(&context, state);
            fed = from;
        }
        TRY(feed(w, &context, state, fed, to));
        fed = to > fed ? to : fed;
        TRY(aggregate->finish(&context, state, &w->out));
    }
    return ERR_OK;
}

static void rank_partition(struct windowed *w)
{
    const char *name = w->call->function->name;
    size_t size = w->to - w->from;
    size_t rank = 0;
    size_t dense = 0;
    for (size_t at = w->from; at < w->to; at++) {
        size_t number = at - w->from + 1;
        if (at == w->from || !peers(w, at, at - 1)) {
            rank = number;
            dense++;
        }
        size_t last = at + 1;
        while (last < w->to && peers(w, at, last))
            last++;
        if (strcmp(name, "row_number") == 0)
            builder_int(&w->out, (int32_t)number);
        else if (strcmp(name, "rank") == 0)
            builder_int(&w->out, (int32_t)rank);
        else if (strcmp(name, "dense_rank") == 0)
            builder_int(&w->out, (int32_t)dense);
        else if (strcmp(name, "percent_rank") == 0)
            builder_double(&w->out, size > 1 ? (double)(rank - 1) / (double)(size - 1) : 0.0);
        else if (strcmp(name, "cume_dist") == 0)
            builder_double(&w->out, (double)(last - w->from) / (double)size);
        else { // ntile(n)
            int32_t n = vector_int(&w->args[0], 0);
            size_t tiles = n > 0 ? (size_t)n : 1;
            size_t big = size % tiles;
            size_t small = size / tiles;
            size_t before = number - 1;
            size_t tile = before < big * (small + 1) ? before / (small + 1)
                                                     : big + (before - big * (small + 1)) / small;
            builder_int(&w->out, (int32_t)tile + 1);
        }
    }
}

// lag, lead, nth_value
static void offset_partition(struct windowed *w)
{
    const char *name = w->call->function->name;
    const struct column *value = &w->args[0].column;
    for (size_t at = w->from; at < w->to; at++) {
        uint32_t row = w->rows[at];
        int64_t shift = vector_int(&w->args[1], row);
        int64_t target = (int64_t)at + (strcmp(name, "lag") == 0 ? -shift : shift);
        int64_t end = (int64_t)w->to;
        if (strcmp(name, "nth_value") == 0) {
            target = (int64_t)frame_from(w, at) + shift - 1;
            end = (int64_t)frame_to(w, at);
        }
        if (target >= (int64_t)w->from && target < end && shift + (name[0] != 'n') > 0)
            builder_value(&w->out, value, vector_at(&w->args[0], w->rows[target]));
        else if (w->call->arg_count > 2)
            builder_value(&w->out, &w->args[2].column, vector_at(&w->args[2], row));
        else
            builder_null(&w->out);
    }
}

static err_t window_call(struct windowed *w, struct arena *arena, const struct batch *all,
                         struct column *out)
{
    const struct expr_window *window = w->call->window;
    struct frame frame;
    frame_of_batch(&frame, w->eval, all);
    struct column *partition = ARENA_ARRAY(arena, struct column, window->partition_count + 1);
    struct column *order = ARENA_ARRAY(arena, struct column, window->order_count + 1);
    for (size_t i = 0; i < window->partition_count; i++)
        TRY(eval_column(w->eval, window->partition[i], &frame, &partition[i]));
    for (size_t i = 0; i < window->order_count; i++)
        TRY(eval_column(w->eval, window->order[i].expr, &frame, &order[i]));
    w->partition = partition;
    w->order = order;
    w->args = ARENA_ARRAY(arena, struct vector, w->call->arg_count + 1);
    for (size_t i = 0; i < w->call->arg_count; i++)
        TRY(eval_expr(w->eval, w->call->args[i], &frame, &w->args[i]));
    w->count = all->count;
    w->rows = arena_alloc(arena, (w->count + 1) * sizeof *w->rows);
    uint32_t *scratch = arena_alloc(arena, (w->count + 1) * sizeof *scratch);
    for (size_t i = 0; i < w->count; i++)
        w->rows[i] = (uint32_t)i;
    sort_rows(w, w->rows, scratch, w->count);
    builder_init(&w->out, arena, w->call->type, w->count);
    for (w->from = 0; w->from < w->count; w->from = w->to) {
        w->to = w->from + 1;
        while (w->to < w->count && compare_keys(w, w->rows[w->from], w->rows[w->to], true) == 0)
            w->to++;
        if (w->call->function->aggregate)
            TRY(aggregate_partition(w));
        else if (w->call->arg_count > 1)
            offset_partition(w);
        else
            rank_partition(w);
    }
    struct column sorted;
    builder_finish(&w->out, &sorted);
    for (size_t i = 0; i < w->count; i++)
        scratch[w->rows[i]] = (uint32_t)i;
    column_gather(out, arena, &sorted, scratch, w->count);
    return ERR_OK;
}

static err_t window_open(struct op *op)
{
    struct rows *rows = MEM_NEW(struct rows);
    rows_init(rows, op->plan->inputs[0]->types, op->plan->inputs[0]->column_count);
    op->state = rows;
    return ERR_OK;
}

static err_t window_push(struct op *op, unsigned input, const struct batch *batch)
{
    (void)input;
    return rows_add(op->state, op, batch);
}

static err_t window_finish(struct op *op, unsigned input)
{
    (void)input;
    struct rows *rows = op->state;
    struct eval *eval = &op->exec->eval;
    struct column *columns = ARENA_ARRAY(&rows->arena, struct column, op->plan->column_count + 1);
    memcpy(columns, rows_columns(rows), rows->column_count * sizeof *columns);
    struct batch all = {
        .count = rows->count, .column_count = rows->column_count, .columns = columns};
    struct arena *batch_arena = eval->arena;
    eval->arena = &rows->arena;
    err_t err = ERR_OK;
    for (size_t i = 0; i < op->plan->more_count && !err; i++) {
        struct windowed w = {.eval = eval, .call = op->plan->more[i]};
        err = window_call(&w, &rows->arena, &all, &columns[rows->column_count + i]);
    }
    eval->arena = batch_arena;
    TRY(err);
    return op_emit_rows(op, columns, NULL, rows->count);
}

static void window_close(struct op *op)
{
    if (op->state)
        rows_release(op->state);
    mem_free(op->state);
}

const struct op_class op_class_window = {
    .open = window_open, .push = window_push, .finish = window_finish, .close = window_close};
