// SPDX-License-Identifier: Apache-2.0
//
// Arrays: made, read and combined element by element through builders.
#include "sql/function_rules.h"

#include "data/interval.h"
#include "sql/exec/builder.h"
#include "sql/exec/value.h"

#define SEQUENCE_MAX 10000000

struct list {
    const struct column *items;
    int32_t from, to;
};

static struct list list_at(const struct call *call, size_t arg, size_t row)
{
    const struct vector *vector = &call->args[arg];
    size_t at = vector_at(vector, row);
    return (struct list){vector->column.children, vector->column.offsets[at],
                         vector->column.offsets[at + 1]};
}

static bool has(struct list list, const struct column *other, size_t row)
{
    for (int32_t i = list.from; i < list.to; i++)
        if (value_equal(list.items, (size_t)i, other, row))
            return true;
    return false;
}

static void open_lists(struct call *call, struct builder *builder)
{
    builder_init(builder, call_arena(call), call->expr->type, call->count);
}

// Rows that are null stay so; the others are made by `body`, which ends with builder_list().
#define LIST_ROWS(call, builder, i)            \
    for (size_t i = 0; i < (call)->count; i++) \
        if (column_is_null((call)->out, i))    \
            builder_null(&builder);            \
        else

err_t kernel_array(struct call *call)
{
    struct builder builder;
    open_lists(call, &builder);
    for (size_t i = 0; i < call->count; i++) {
        for (size_t a = 0; a < call->arg_count; a++)
            builder_value(&builder.children[0], &call->args[a].column,
                          vector_at(&call->args[a], i));
        builder_list(&builder);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

err_t kernel_struct(struct call *call)
{
    bool named = call->expr->function->name[0] == 'n';
    for (size_t f = 0; f < call->expr->type->field_count; f++)
        vector_flatten(&call->out->children[f], call_arena(call),
                       &call->args[named ? f * 2 + 1 : f], call->count);
    return ERR_OK;
}

err_t kernel_size(struct call *call)
{
    const struct vector *arg = &call->args[0];
    for (size_t i = 0; i < call->count; i++) {
        if (vector_null(arg, i)) {
            call->out->ints[i] = -1;
            continue;
        }
        struct list list = list_at(call, 0, i);
        call->out->ints[i] = list.to - list.from;
    }
    return ERR_OK;
}

err_t kernel_array_size(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct list list = list_at(call, 0, i);
        call->out->ints[i] = list.to - list.from;
    }
    return ERR_OK;
}

err_t kernel_array_contains(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct list list = list_at(call, 0, i);
        bool null = false;
        bool found = false;
        for (int32_t k = list.from; k < list.to && !found; k++) {
            if (column_is_null(list.items, (size_t)k))
                null = true;
            else
                found = value_equal(list.items, (size_t)k, &call->args[1].column,
                                    vector_at(&call->args[1], i));
        }
        call->out->booleans[i] = found;
        if (!found && null)
            call_null(call, i);
    }
    return ERR_OK;
}

err_t kernel_array_position(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct list list = list_at(call, 0, i);
        for (int32_t k = list.from; k < list.to; k++)
            if (value_equal(list.items, (size_t)k, &call->args[1].column,
                            vector_at(&call->args[1], i))) {
                call->out->longs[i] = k - list.from + 1;
                break;
            }
    }
    return ERR_OK;
}

err_t kernel_array_remove(struct call *call)
{
    struct builder builder;
    open_lists(call, &builder);
    LIST_ROWS(call, builder, i)
    {
        struct list list = list_at(call, 0, i);
        for (int32_t k = list.from; k < list.to; k++)
            if (!value_equal(list.items, (size_t)k, &call->args[1].column,
                             vector_at(&call->args[1], i)))
                builder_value(&builder.children[0], list.items, (size_t)k);
        builder_list(&builder);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

static err_t extend(struct call *call, bool front)
{
    struct builder builder;
    open_lists(call, &builder);
    for (size_t i = 0; i < call->count; i++) {
        if (vector_null(&call->args[0], i)) {
            builder_null(&builder);
            continue;
        }
        struct list list = list_at(call, 0, i);
        const struct vector *item = &call->args[1];
        if (front)
            builder_value(&builder.children[0], &item->column, vector_at(item, i));
        for (int32_t k = list.from; k < list.to; k++)
            builder_value(&builder.children[0], list.items, (size_t)k);
        if (!front)
            builder_value(&builder.children[0], &item->column, vector_at(item, i));
        builder_list(&builder);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

err_t kernel_array_append(struct call *call)
{
    return extend(call, false);
}
err_t kernel_array_prepend(struct call *call)
{
    return extend(call, true);
}

// Appends the values of `list` that are not in the builder's open list yet and, when `filter` is
// given, whose being in `filter` is `wanted`.
static void add_distinct(struct builder *builder, struct list list, const struct list *filter,
                         bool wanted)
{
    struct builder *items = &builder->children[0];
    size_t from = (size_t)builder->offsets[builder->count];
    for (int32_t k = list.from; k < list.to; k++) {
        if (filter && has(*filter, list.items, (size_t)k) != wanted)
            continue;
        struct column so_far;
        builder_finish(items, &so_far);
        struct list open = {&so_far, (int32_t)from, (int32_t)items->count};
        if (!has(open, list.items, (size_t)k))
            builder_value(items, list.items, (size_t)k);
    }
}

err_t kernel_array_distinct(struct call *call)
{
    struct builder builder;
    open_lists(call, &builder);
    LIST_ROWS(call, builder, i)
    {
        add_distinct(&builder, list_at(call, 0, i), NULL, true);
        builder_list(&builder);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

static err_t combine(struct call *call, bool all, bool wanted)
{
    struct builder builder;
    open_lists(call, &builder);
    LIST_ROWS(call, builder, i)
    {
        struct list b = list_at(call, 1, i);
        add_distinct(&builder, list_at(call, 0, i), all ? NULL : &b, wanted);
        if (all)
            add_distinct(&builder, b, NULL, true);
        builder_list(&builder);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

err_t kernel_array_union(struct call *call)
{
    return combine(call, true, true);
}
err_t kernel_array_intersect(struct call *call)
{
    return combine(call, false, true);
}
err_t kernel_array_except(struct call *call)
{
    return combine(call, false, false);
}

err_t kernel_arrays_overlap(struct call *call)
{
    CALL_ROWS(call, i)
    {
        struct list a = list_at(call, 0, i);
        struct list b = list_at(call, 1, i);
        bool found = false;
        bool null = false;
        for (int32_t k = a.from; k < a.to; k++) {
            if (column_is_null(a.items, (size_t)k))
                null |= b.to > b.from;
            else
                found |= has(b, a.items, (size_t)k);
        }
        for (int32_t k = b.from; k < b.to; k++)
            null |= column_is_null(b.items, (size_t)k) && a.to > a.from;
        call->out->booleans[i] = found;
        if (!found && null)
            call_null(call, i);
    }
    return ERR_OK;
}

err_t kernel_array_join(struct call *call)
{
    struct str text = {0};
    CALL_ROWS(call, i)
    {
        struct list list = list_at(call, 0, i);
        bool first = true;
        text.size = 0;
        for (int32_t k = list.from; k < list.to; k++) {
            bool null = column_is_null(list.items, (size_t)k);
            if (null && call->arg_count < 3)
                continue;
            if (!first)
                str_append_bytes(&text, vector_text(&call->args[1], i));
            first = false;
            str_append_bytes(&text, null ? vector_text(&call->args[2], i) : list.items->strings[k]);
        }
        call->out->strings[i] = arena_bytes(call_arena(call), str_bytes(&text));
    }
    str_release(&text);
    return ERR_OK;
}

static err_t array_extreme(struct call *call, int sign)
{
    struct builder builder;
    open_lists(call, &builder);
    LIST_ROWS(call, builder, i)
    {
        struct list list = list_at(call, 0, i);
        int32_t best = -1;
        for (int32_t k = list.from; k < list.to; k++)
            if (!column_is_null(list.items, (size_t)k) &&
                (best < 0 ||
                 sign * value_compare(list.items, (size_t)k, list.items, (size_t)best) > 0))
                best = k;
        if (best < 0)
            builder_null(&builder);
        else
            builder_value(&builder, list.items, (size_t)best);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

err_t kernel_array_max(struct call *call)
{
    return array_extreme(call, 1);
}
err_t kernel_array_min(struct call *call)
{
    return array_extreme(call, -1);
}

// --- order
// -----------------------------------------------------------------------------------------

static int order_items(const struct column *items, uint32_t a, uint32_t b, bool descending,
                       bool nulls_first)
{
    bool null_a = column_is_null(items, a);
    bool null_b = column_is_null(items, b);
    if (null_a || null_b)
        return (null_b - null_a) * (nulls_first ? 1 : -1);
    int order = value_compare(items, a, items, b);
    return descending ? -order : order;
}

static void sort_items(const struct column *items, uint32_t *at, uint32_t *scratch, size_t count,
                       bool descending, bool nulls_first)
{
    if (count < 2)
        return;
    size_t half = count / 2;
    sort_items(items, at, scratch, half, descending, nulls_first);
    sort_items(items, at + half, scratch, count - half, descending, nulls_first);
    memcpy(scratch, at, half * sizeof *at);
    size_t left = 0;
    size_t right = half;
    for (size_t to = 0; left < half; to++)
        at[to] = right < count &&
                         order_items(items, at[right], scratch[left], descending, nulls_first) < 0
                     ? at[right++]
                     : scratch[left++];
}

static void sorted_list(struct builder *builder, struct arena *arena, struct list list,
                        bool descending, bool nulls_first)
{
    size_t count = (size_t)(list.to - list.from);
    uint32_t *at = arena_alloc(arena, (count + 1) * 2 * sizeof *at);
    for (size_t i = 0; i < count; i++)
        at[i] = (uint32_t)list.from + (uint32_t)i;
    sort_items(list.items, at, at + count, count, descending, nulls_first);
    for (size_t i = 0; i < count; i++)
        builder_value(&builder->children[0], list.items, at[i]);
    builder_list(builder);
}

err_t kernel_sort_array(struct call *call)
{
    struct builder builder;
    open_lists(call, &builder);
    LIST_ROWS(call, builder, i)
    {
        bool up = vector_bool(&call->args[1], i);
        sorted_list(&builder, call_arena(call), list_at(call, 0, i), !up, up);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

err_t lazy_array_sort(struct eval *eval, const struct expr *expr, const struct frame *frame,
                      struct vector *out)
{
    if (expr->arg_count > 1)
        return eval_fail(eval, expr->at, ERR_UNSUPPORTED,
                         "array_sort with a comparison of its own is not supported");
    struct vector list;
    TRY(eval_expr(eval, expr->args[0], frame, &list));
    out->constant = list.constant;
    struct builder builder;
    builder_init(&builder, eval->arena, expr->type, list.column.count);
    for (size_t i = 0; i < list.column.count; i++) {
        if (column_is_null(&list.column, i)) {
            builder_null(&builder);
            continue;
        }
        struct list items = {list.column.children, list.column.offsets[i],
                             list.column.offsets[i + 1]};
        sorted_list(&builder, eval->arena, items, false, false);
    }
    builder_finish(&builder, &out->column);
    return ERR_OK;
}

// --- others
// ----------------------------------------------------------------------------------------

err_t kernel_array_repeat(struct call *call)
{
    struct builder builder;
    open_lists(call, &builder);
    size_t total = 0;
    for (size_t i = 0; i < call->count; i++) {
        if (vector_null(&call->args[1], i)) {
            builder_null(&builder);
            continue;
        }
        int32_t times = vector_int(&call->args[1], i);
        total += times > 0 ? (size_t)times : 0;
        if (total > SEQUENCE_MAX)
            return call_fail(call, ERR_TOO_LARGE, "array_repeat makes too many elements");
        for (int32_t k = 0; k < times; k++) {
            TRY(call_room(call, 0));
            builder_value(&builder.children[0], &call->args[0].column,
                          vector_at(&call->args[0], i));
        }
        builder_list(&builder);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

err_t kernel_array_compact(struct call *call)
{
    struct builder builder;
    open_lists(call, &builder);
    LIST_ROWS(call, builder, i)
    {
        struct list list = list_at(call, 0, i);
        for (int32_t k = list.from; k < list.to; k++)
            if (!column_is_null(list.items, (size_t)k))
                builder_value(&builder.children[0], list.items, (size_t)k);
        builder_list(&builder);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

err_t kernel_arrays_zip(struct call *call)
{
    struct builder builder;
    open_lists(call, &builder);
    struct builder *record = &builder.children[0];
    LIST_ROWS(call, builder, i)
    {
        int32_t size = 0;
        for (size_t a = 0; a < call->arg_count; a++) {
            struct list list = list_at(call, a, i);
            size = list.to - list.from > size ? list.to - list.from : size;
        }
        for (int32_t k = 0; k < size; k++) {
            for (size_t a = 0; a < call->arg_count; a++) {
                struct list list = list_at(call, a, i);
                if (list.from + k < list.to)
                    builder_value(&record->children[a], list.items, (size_t)(list.from + k));
                else
                    builder_null(&record->children[a]);
            }
            builder_struct(record);
        }
        builder_list(&builder);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

err_t kernel_flatten(struct call *call)
{
    struct builder builder;
    open_lists(call, &builder);
    LIST_ROWS(call, builder, i)
    {
        struct list list = list_at(call, 0, i);
        bool null = false;
        for (int32_t k = list.from; k < list.to; k++)
            null |= column_is_null(list.items, (size_t)k);
        if (null) {
            builder_null(&builder);
            continue;
        }
        for (int32_t k = list.from; k < list.to; k++)
            for (int32_t j = list.items->offsets[k]; j < list.items->offsets[k + 1]; j++)
                builder_value(&builder.children[0], &list.items->children[0], (size_t)j);
        builder_list(&builder);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

err_t kernel_slice(struct call *call)
{
    struct builder builder;
    open_lists(call, &builder);
    LIST_ROWS(call, builder, i)
    {
        struct list list = list_at(call, 0, i);
        int64_t start = vector_int(&call->args[1], i);
        int64_t length = vector_int(&call->args[2], i);
        int64_t size = list.to - list.from;
        if (start == 0 || length < 0)
            return call_fail(call, ERR_INVALID,
                             "[INVALID_PARAMETER_VALUE] slice needs a start that is not 0 and a "
                             "length that is not negative");
        int64_t from = start > 0 ? start - 1 : size + start;
        for (int64_t k = from; from >= 0 && k < from + length && k < size; k++)
            builder_value(&builder.children[0], list.items, (size_t)(list.from + k));
        builder_list(&builder);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}

static int64_t number_at(const struct vector *vector, size_t row)
{
    return vector->column.type->kind == TYPE_LONG ? vector_long(vector, row)
                                                  : vector_int(vector, row);
}

static err_t sequence_row(struct call *call, struct builder *items, size_t row)
{
    int64_t from = number_at(&call->args[0], row);
    int64_t to = number_at(&call->args[1], row);
    int64_t step = from <= to ? 1 : -1;
    struct interval by = {0};
    bool dates = items->type->kind == TYPE_DATE;
    if (call->arg_count > 2 && !dates)
        step = number_at(&call->args[2], row);
    if (call->arg_count > 2 && dates) {
        const struct vector *arg = &call->args[2];
        size_t at = vector_at(arg, row);
        if (arg->column.type->kind == TYPE_INTERVAL_YM)
            by.months = arg->column.ints[at];
        else if (arg->column.type->kind == TYPE_INTERVAL_DT)
            step = arg->column.longs[at] / US_PER_DAY;
        else
            by = arg->column.intervals[at];
        step = by.months ? by.months : by.days ? by.days : step;
    }
    if (step == 0 || (step > 0 && from > to) || (step < 0 && from < to))
        return call_fail(call, ERR_INVALID,
                         "[INVALID_PARAMETER_VALUE] the step of sequence leads away from its end");
    int64_t value = from;
    for (int64_t n = 1; step > 0 ? value <= to : value >= to; n++) {
        if (n > SEQUENCE_MAX)
            return call_fail(call, ERR_TOO_LARGE, "sequence makes too many elements");
        TRY(call_room(call, 0));
        if (items->type->kind == TYPE_LONG)
            builder_long(items, value);
        else
            builder_int(items, (int32_t)value);
        int32_t next;
        if (by.months) {
            if (!date_add_months((int32_t)from, n * by.months, &next))
                break;
            value = next;
        } else if (__builtin_add_overflow(value, step, &value)) {
            break;
        }
    }
    return ERR_OK;
}

err_t kernel_sequence(struct call *call)
{
    struct builder builder;
    open_lists(call, &builder);
    LIST_ROWS(call, builder, i)
    {
        TRY(sequence_row(call, &builder.children[0], i));
        builder_list(&builder);
    }
    builder_finish(&builder, call->out);
    return ERR_OK;
}
