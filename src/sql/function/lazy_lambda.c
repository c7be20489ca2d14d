// SPDX-License-Identifier: Apache-2.0
//
// Higher-order functions. The elements of all lists of a batch are one long vector, and the body of
// the lambda is evaluated over that; only the columns it reads are spread to the elements.
// aggregate() goes step by step: step k takes the k-th element of every list that has one.
#include "sql/function_rules.h"

#include "sql/exec/builder.h"
#include "sql/exec/value.h"

// Elements of the lists of `list`: how many, and which row each belongs to.
struct elements {
    size_t count;
    int32_t first; // of row 0 in the children
    uint32_t *rows;
};

static void elements_of(struct elements *elements, struct arena *arena, const struct column *list)
{
    elements->first = list->count ? list->offsets[0] : 0;
    elements->count = list->count ? (size_t)(list->offsets[list->count] - elements->first) : 0;
    elements->rows = arena_alloc(arena, (elements->count + 1) * sizeof *elements->rows);
    for (size_t row = 0; row < list->count; row++)
        for (int32_t i = list->offsets[row]; i < list->offsets[row + 1]; i++)
            elements->rows[i - elements->first] = (uint32_t)row;
}

static struct column slice(struct arena *arena, const struct column *column, int32_t first,
                           size_t count)
{
    if (first == 0) {
        struct column same = *column;
        same.count = count;
        return same;
    }
    uint32_t *rows = arena_alloc(arena, (count + 1) * sizeof *rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = (uint32_t)first + (uint32_t)i;
    struct column out;
    column_gather(&out, arena, column, rows, count);
    return out;
}

static void set_param(struct frame *frame, const struct expr *lambda, size_t param,
                      const struct column *column)
{
    if (param < lambda->param_count)
        *frame_slot(frame, lambda->params[param]) = (struct vector){*column, false};
}

// The first argument as a plain list column. When it is constant and the lambda reads nothing else,
// one row does.
static err_t list_arg(struct eval *eval, const struct expr *expr, const struct frame *frame,
                      struct frame *reduced, struct column *list, struct vector *out)
{
    struct vector vector;
    TRY(eval_expr(eval, expr->args[0], frame, &vector));
    *reduced = *frame;
    out->constant = vector.constant && expr->slot_count == 0;
    if (out->constant) {
        reduced->count = 1;
        *list = vector.column;
    } else {
        vector_flatten(list, eval->arena, &vector, frame->count);
    }
    return ERR_OK;
}

// Evaluates the lambda over all elements; params are set by the caller through `set`.
static err_t body_over(struct eval *eval, const struct expr *lambda, const struct frame *frame,
                       const struct elements *elements, struct frame *spread)
{
    (void)eval;
    frame_gather(spread, eval->arena, frame, lambda->slots, lambda->slot_count, elements->rows,
                 elements->count);
    return ERR_OK;
}

static void positions(struct column *out, struct arena *arena, const struct column *list,
                      const struct elements *elements)
{
    column_init(out, arena, &type_int, elements->count);
    for (size_t i = 0; i < elements->count; i++)
        out->ints[i] = (int32_t)i + elements->first - list->offsets[elements->rows[i]];
}

// List column, elements and the body's values for transform, filter and exists.
static err_t map_elements(struct eval *eval, const struct expr *expr, const struct frame *frame,
                          struct column *list, struct elements *elements, struct column *items,
                          struct column *made, struct vector *out)
{
    struct frame reduced, spread;
    TRY(list_arg(eval, expr, frame, &reduced, list, out));
    const struct expr *lambda = expr->args[1];
    elements_of(elements, eval->arena, list);
    *items = slice(eval->arena, &list->children[0], elements->first, elements->count);
    TRY(body_over(eval, lambda, &reduced, elements, &spread));
    set_param(&spread, lambda, 0, items);
    if (lambda->param_count > 1) {
        struct column index;
        if (list->type->kind == TYPE_MAP)
            index = slice(eval->arena, &list->children[1], elements->first, elements->count);
        else
            positions(&index, eval->arena, list, elements);
        set_param(&spread, lambda, 1, &index);
    }
    return eval_column(eval, lambda->args[0], &spread, made);
}

// The list with other children; offsets start at 0.
static void relist(struct column *out, struct arena *arena, const struct type *type,
                   const struct column *list, struct column *children)
{
    *out = *list;
    out->type = type;
    out->children = children;
    if (list->count && list->offsets[0] != 0) {
        out->offsets = ARENA_ARRAY(arena, int32_t, list->count + 1);
        for (size_t i = 0; i <= list->count; i++)
            out->offsets[i] = list->offsets[i] - list->offsets[0];
    }
}

err_t lazy_transform(struct eval *eval, const struct expr *expr, const struct frame *frame,
                     struct vector *out)
{
    struct column list, items;
    struct column *made = ARENA_NEW(eval->arena, struct column);
    struct elements elements;
    TRY(map_elements(eval, expr, frame, &list, &elements, &items, made, out));
    relist(&out->column, eval->arena, expr->type, &list, made);
    return ERR_OK;
}

err_t lazy_map_transform(struct eval *eval, const struct expr *expr, const struct frame *frame,
                         struct vector *out)
{
    struct column list, items;
    struct column *children = ARENA_ARRAY(eval->arena, struct column, 2);
    struct column made;
    struct elements elements;
    TRY(map_elements(eval, expr, frame, &list, &elements, &items, &made, out));
    bool keys = strcmp(expr->function->name, "transform_keys") == 0;
    children[0] = keys ? made : items;
    children[1] =
        keys ? slice(eval->arena, &list.children[1], elements.first, elements.count) : made;
    relist(&out->column, eval->arena, expr->type, &list, children);
    return ERR_OK;
}

// Keeps the elements for which the body is true.
static err_t keep_elements(struct eval *eval, const struct expr *expr, const struct frame *frame,
                           struct vector *out)
{
    struct column list, items, made;
    struct elements elements;
    TRY(map_elements(eval, expr, frame, &list, &elements, &items, &made, out));
    uint32_t *kept = arena_alloc(eval->arena, (elements.count + 1) * sizeof *kept);
    int32_t *offsets = ARENA_ARRAY(eval->arena, int32_t, list.count + 1);
    size_t count = 0;
    for (size_t i = 0; i < elements.count; i++)
        if (!column_is_null(&made, i) && made.booleans[i]) {
            kept[count++] = (uint32_t)i;
            offsets[elements.rows[i] + 1]++;
        }
    for (size_t row = 0; row < list.count; row++)
        offsets[row + 1] += offsets[row];
    out->column = list;
    out->column.type = expr->type;
    out->column.offsets = offsets;
    out->column.children = ARENA_ARRAY(eval->arena, struct column, 2);
    for (size_t c = 0; c < list.type->field_count; c++) {
        struct column all =
            c ? slice(eval->arena, &list.children[c], elements.first, elements.count) : items;
        column_gather(&out->column.children[c], eval->arena, &all, kept, count);
    }
    return ERR_OK;
}

err_t lazy_filter(struct eval *eval, const struct expr *expr, const struct frame *frame,
                  struct vector *out)
{
    return keep_elements(eval, expr, frame, out);
}

err_t lazy_map_filter(struct eval *eval, const struct expr *expr, const struct frame *frame,
                      struct vector *out)
{
    return keep_elements(eval, expr, frame, out);
}

// exists and forall, with three-valued logic.
err_t lazy_exists(struct eval *eval, const struct expr *expr, const struct frame *frame,
                  struct vector *out)
{
    bool decides = strcmp(expr->function->name, "exists") == 0 ||
                   strcmp(expr->function->name, "any_match") == 0;
    struct column list, items, made;
    struct elements elements;
    TRY(map_elements(eval, expr, frame, &list, &elements, &items, &made, out));
    column_init(&out->column, eval->arena, &type_boolean, list.count);
    for (size_t row = 0; row < list.count; row++) {
        if (column_is_null(&list, row)) {
            column_set_null(&out->column, eval->arena, row);
            continue;
        }
        bool null = false;
        bool decided = false;
        for (int32_t i = list.offsets[row]; i < list.offsets[row + 1] && !decided; i++) {
            size_t at = (size_t)(i - elements.first);
            if (column_is_null(&made, at))
                null = true;
            else
                decided = (made.booleans[at] != 0) == decides;
        }
        out->column.booleans[row] = decided ? decides : !decides;
        if (!decided && null)
            column_set_null(&out->column, eval->arena, row);
    }
    return ERR_OK;
}

// --- aggregate
// -------------------------------------------------------------------------------------

// One step: the rows of `active` (of which there are `count`) take their element `step`.
static err_t fold_step(struct eval *eval, const struct expr *expr, const struct frame *frame,
                       const struct column *list, uint32_t *active, size_t count, int32_t step,
                       const struct column *acc, struct column *made)
{
    const struct expr *merge = expr->args[2];
    struct frame some;
    frame_gather(&some, eval->arena, frame, merge->slots, merge->slot_count, active, count);
    uint32_t *at = arena_alloc(eval->arena, (count + 1) * sizeof *at);
    for (size_t i = 0; i < count; i++)
        at[i] = (uint32_t)(list->offsets[active[i]] + step);
    struct column item;
    column_gather(&item, eval->arena, &list->children[0], at, count);
    set_param(&some, merge, 0, acc);
    set_param(&some, merge, 1, &item);
    return eval_column(eval, merge->args[0], &some, made);
}

err_t lazy_aggregate(struct eval *eval, const struct expr *expr, const struct frame *frame,
                     struct vector *out)
{
    struct frame rows;
    struct column list, start;
    TRY(list_arg(eval, expr, frame, &rows, &list, out));
    TRY(eval_column(eval, expr->args[1], &rows, &start));
    size_t count = list.count;
    uint32_t *active = arena_alloc(eval->arena, (count + 1) * sizeof *active);
    uint32_t *place = arena_alloc(eval->arena, (count + 1) * sizeof *place);
    // The accumulators of rows that are through stay behind in `done`; `acc` holds the active ones.
    struct builder done;
    builder_init(&done, eval->arena, start.type, count);
    uint32_t *done_at = ARENA_ARRAY(eval->arena, uint32_t, count + 1);
    struct column acc = start;
    size_t active_count = count;
    for (size_t i = 0; i < count; i++)
        active[i] = (uint32_t)i;
    for (int32_t step = 0; active_count > 0; step++) {
        size_t kept = 0;
        for (size_t i = 0; i < active_count; i++) {
            uint32_t row = active[i];
            if (!column_is_null(&list, row) && list.offsets[row + 1] - list.offsets[row] > step) {
                active[kept] = row;
                place[kept++] = (uint32_t)i;
                continue;
            }
            done_at[row] = (uint32_t)done.count;
            builder_value(&done, &acc, i);
        }
        if (kept == 0)
            break;
        if (kept < active_count) {
            struct column fewer;
            column_gather(&fewer, eval->arena, &acc, place, kept);
            acc = fewer;
        }
        active_count = kept;
        struct column made;
        TRY(fold_step(eval, expr, &rows, &list, active, active_count, step, &acc, &made));
        acc = made;
    }
    struct column results, ordered;
    builder_finish(&done, &results);
    column_gather(&ordered, eval->arena, &results, done_at, count);
    const struct expr *finish = expr->args[3];
    struct frame last;
    for (size_t i = 0; i < count; i++)
        active[i] = (uint32_t)i;
    frame_gather(&last, eval->arena, &rows, finish->slots, finish->slot_count, active, count);
    set_param(&last, finish, 0, &ordered);
    TRY(eval_column(eval, finish->args[0], &last, &out->column));
    for (size_t row = 0; row < count; row++)
        if (column_is_null(&list, row))
            column_set_null(&out->column, eval->arena, row);
    return ERR_OK;
}

// --- two lists
// -------------------------------------------------------------------------------------

err_t lazy_zip_with(struct eval *eval, const struct expr *expr, const struct frame *frame,
                    struct vector *out)
{
    struct column a, b;
    out->constant = false;
    TRY(eval_column(eval, expr->args[0], frame, &a));
    TRY(eval_column(eval, expr->args[1], frame, &b));
    const struct expr *lambda = expr->args[2];
    struct builder items[2];
    builder_init(&items[0], eval->arena, a.children[0].type, a.children[0].count);
    builder_init(&items[1], eval->arena, b.children[0].type, b.children[0].count);
    struct builder rows;
    builder_init(&rows, eval->arena, &type_int, a.children[0].count);
    int32_t *offsets = ARENA_ARRAY(eval->arena, int32_t, frame->count + 1);
    column_init(&out->column, eval->arena, expr->type, frame->count);
    for (size_t row = 0; row < frame->count; row++) {
        bool null = column_is_null(&a, row) || column_is_null(&b, row);
        int32_t size_a = null ? 0 : a.offsets[row + 1] - a.offsets[row];
        int32_t size_b = null ? 0 : b.offsets[row + 1] - b.offsets[row];
        for (int32_t i = 0; i < size_a || i < size_b; i++) {
            if (i < size_a)
                builder_value(&items[0], &a.children[0], (size_t)(a.offsets[row] + i));
            else
                builder_null(&items[0]);
            if (i < size_b)
                builder_value(&items[1], &b.children[0], (size_t)(b.offsets[row] + i));
            else
                builder_null(&items[1]);
            builder_int(&rows, (int32_t)row);
        }
        offsets[row + 1] = (int32_t)rows.count;
        if (null)
            column_set_null(&out->column, eval->arena, row);
    }
    struct column parents, left, right;
    builder_finish(&rows, &parents);
    builder_finish(&items[0], &left);
    builder_finish(&items[1], &right);
    struct frame spread;
    frame_gather(&spread, eval->arena, frame, lambda->slots, lambda->slot_count,
                 (const uint32_t *)parents.ints, parents.count);
    set_param(&spread, lambda, 0, &left);
    set_param(&spread, lambda, 1, &right);
    struct column *made = ARENA_NEW(eval->arena, struct column);
    TRY(eval_column(eval, lambda->args[0], &spread, made));
    out->column.offsets = offsets;
    out->column.children = made;
    return ERR_OK;
}

static int32_t find_key(const struct column *map, size_t row, const struct column *keys, size_t key)
{
    for (int32_t i = map->offsets[row]; i < map->offsets[row + 1]; i++)
        if (value_equal(&map->children[0], (size_t)i, keys, key))
            return i;
    return -1;
}

static void zip_entry(struct builder *values, const struct column *map, int32_t at)
{
    if (at < 0)
        builder_null(values);
    else
        builder_value(values, &map->children[1], (size_t)at);
}

err_t lazy_map_zip_with(struct eval *eval, const struct expr *expr, const struct frame *frame,
                        struct vector *out)
{
    struct column a, b;
    out->constant = false;
    TRY(eval_column(eval, expr->args[0], frame, &a));
    TRY(eval_column(eval, expr->args[1], frame, &b));
    const struct expr *lambda = expr->args[2];
    struct builder keys, left, right, rows;
    builder_init(&keys, eval->arena, a.children[0].type, a.children[0].count);
    builder_init(&left, eval->arena, a.children[1].type, a.children[0].count);
    builder_init(&right, eval->arena, b.children[1].type, a.children[0].count);
    builder_init(&rows, eval->arena, &type_int, a.children[0].count);
    int32_t *offsets = ARENA_ARRAY(eval->arena, int32_t, frame->count + 1);
    column_init(&out->column, eval->arena, expr->type, frame->count);
    for (size_t row = 0; row < frame->count; row++) {
        bool null = column_is_null(&a, row) || column_is_null(&b, row);
        for (int32_t i = null ? 0 : a.offsets[row]; !null && i < a.offsets[row + 1]; i++) {
            builder_value(&keys, &a.children[0], (size_t)i);
            zip_entry(&left, &a, i);
            zip_entry(&right, &b, find_key(&b, row, &a.children[0], (size_t)i));
            builder_int(&rows, (int32_t)row);
        }
        for (int32_t i = null ? 0 : b.offsets[row]; !null && i < b.offsets[row + 1]; i++) {
            if (find_key(&a, row, &b.children[0], (size_t)i) >= 0)
                continue;
            builder_value(&keys, &b.children[0], (size_t)i);
            zip_entry(&left, &a, -1);
            zip_entry(&right, &b, i);
            builder_int(&rows, (int32_t)row);
        }
        offsets[row + 1] = (int32_t)rows.count;
        if (null)
            column_set_null(&out->column, eval->arena, row);
    }
    struct column parents, columns[3];
    builder_finish(&rows, &parents);
    builder_finish(&keys, &columns[0]);
    builder_finish(&left, &columns[1]);
    builder_finish(&right, &columns[2]);
    struct frame spread;
    frame_gather(&spread, eval->arena, frame, lambda->slots, lambda->slot_count,
                 (const uint32_t *)parents.ints, parents.count);
    for (size_t i = 0; i < 3; i++)
        set_param(&spread, lambda, i, &columns[i]);
    struct column *children = ARENA_ARRAY(eval->arena, struct column, 2);
    children[0] = columns[0];
    TRY(eval_column(eval, lambda->args[0], &spread, &children[1]));
    out->column.offsets = offsets;
    out->column.children = children;
    return ERR_OK;
}
