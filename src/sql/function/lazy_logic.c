// SPDX-License-Identifier: Apache-2.0
//
// AND, OR, CASE, COALESCE: an argument is only evaluated for the rows that need it, so 1/0 in a
// branch that is not taken does not fail, and costs nothing.
#include "sql/function_rules.h"

#include "sql/exec/builder.h"

// `sign` is the value that decides alone: false for AND, true for OR.
static err_t logic(struct eval *eval, const struct expr *expr, const struct frame *frame,
                   struct vector *out, bool decides)
{
    struct vector left, right;
    TRY(eval_expr(eval, expr->args[0], frame, &left));
    size_t open = 0;
    for (size_t i = 0; i < (left.constant ? 1 : frame->count); i++)
        open += vector_null(&left, i) || vector_bool(&left, i) != decides;
    if (open == 0) {
        *out = left;
        return ERR_OK;
    }
    bool careful = eval->session->ansi && expr->args[1]->kind == EXPR_CALL;
    uint32_t *rows = NULL;
    if (careful && !left.constant && open < frame->count) {
        rows = arena_alloc(eval->arena, (frame->count + 1) * sizeof *rows);
        size_t count = 0;
        for (size_t i = 0; i < frame->count; i++)
            if (vector_null(&left, i) || vector_bool(&left, i) != decides)
                rows[count++] = (uint32_t)i;
        struct frame some;
        frame_gather(&some, eval->arena, frame, expr->args[1]->slots, expr->args[1]->slot_count,
                     rows, count);
        TRY(eval_expr(eval, expr->args[1], &some, &right));
    } else {
        TRY(eval_expr(eval, expr->args[1], frame, &right));
    }
    out->constant = left.constant && right.constant;
    size_t count = out->constant ? 1 : frame->count;
    column_init(&out->column, eval->arena, &type_boolean, count);
    bool plain = !left.column.valid && !right.column.valid && !rows &&
                 left.column.type->kind == TYPE_BOOLEAN && right.column.type->kind == TYPE_BOOLEAN;
    if (plain) {
        for (size_t i = 0; i < count; i++)
            out->column.booleans[i] = decides ? vector_bool(&left, i) | vector_bool(&right, i)
                                              : vector_bool(&left, i) & vector_bool(&right, i);
        return ERR_OK;
    }
    size_t taken = 0;
    for (size_t i = 0; i < count; i++) {
        bool null_left = vector_null(&left, i);
        if (!null_left && vector_bool(&left, i) == decides) {
            out->column.booleans[i] = decides;
            continue;
        }
        size_t at = rows ? taken++ : i;
        bool null_right = vector_null(&right, at);
        if (!null_right && vector_bool(&right, at) == decides)
            out->column.booleans[i] = decides;
        else if (null_left || null_right)
            column_set_null(&out->column, eval->arena, i);
        else
            out->column.booleans[i] = !decides;
    }
    return ERR_OK;
}

err_t lazy_and(struct eval *eval, const struct expr *expr, const struct frame *frame,
               struct vector *out)
{
    return logic(eval, expr, frame, out, false);
}

err_t lazy_or(struct eval *eval, const struct expr *expr, const struct frame *frame,
              struct vector *out)
{
    return logic(eval, expr, frame, out, true);
}

// Where the value of each row comes from.
struct choice {
    struct vector *parts;
    size_t part_count;
    int32_t *part;   // per row; -1 = NULL
    uint32_t *index; // row within the part
    uint32_t *open;  // rows not decided yet
    size_t open_count;
};

static void choice_init(struct choice *choice, struct arena *arena, size_t rows, size_t parts)
{
    *choice = (struct choice){.open_count = rows};
    choice->parts = ARENA_ARRAY(arena, struct vector, parts + 1);
    choice->part = arena_alloc(arena, (rows + 1) * sizeof *choice->part);
    choice->index = arena_alloc(arena, (rows + 1) * sizeof *choice->index);
    choice->open = arena_alloc(arena, (rows + 1) * sizeof *choice->open);
    for (size_t i = 0; i < rows; i++) {
        choice->part[i] = -1;
        choice->open[i] = (uint32_t)i;
    }
}

// Evaluates for the rows `rows`; they are all rows of the frame when count == frame->count.
static err_t eval_some(struct eval *eval, const struct expr *expr, const struct frame *frame,
                       const uint32_t *rows, size_t count, struct vector *out)
{
    if (count == frame->count || expr->kind == EXPR_LITERAL)
        return eval_expr(eval, expr, frame, out);
    struct frame some;
    frame_gather(&some, eval->arena, frame, expr->slots, expr->slot_count, rows, count);
    return eval_expr(eval, expr, &some, out);
}

static void merge_fixed(const struct choice *choice, struct arena *arena, struct column *out,
                        size_t width)
{
    for (size_t i = 0; i < out->count; i++) {
        const struct vector *part = choice->part[i] < 0 ? NULL : &choice->parts[choice->part[i]];
        if (!part || vector_null(part, choice->index[i])) {
            column_set_null(out, arena, i);
            continue;
        }
        memcpy((uint8_t *)out->data + i * width,
               (const uint8_t *)part->column.data + vector_at(part, choice->index[i]) * width,
               width);
    }
}

static void merge(const struct choice *choice, struct arena *arena, const struct type *type,
                  size_t count, struct column *out)
{
    if (!type_width(type) || type->kind == TYPE_ARRAY || type->kind == TYPE_MAP) {
        struct builder builder;
        builder_init(&builder, arena, type, count);
        for (size_t i = 0; i < count; i++) {
            const struct vector *part =
                choice->part[i] < 0 ? NULL : &choice->parts[choice->part[i]];
            if (part)
                builder_value(&builder, &part->column, vector_at(part, choice->index[i]));
            else
                builder_null(&builder);
        }
        builder_finish(&builder, out);
        return;
    }
    column_init(out, arena, type, count);
    merge_fixed(choice, arena, out, type_width(type));
}

err_t lazy_case(struct eval *eval, const struct expr *expr, const struct frame *frame,
                struct vector *out)
{
    struct choice choice;
    choice_init(&choice, eval->arena, frame->count, expr->arg_count);
    uint32_t *taken = arena_alloc(eval->arena, (frame->count + 1) * sizeof *taken);
    for (size_t a = 0; a < expr->arg_count && choice.open_count; a += 2) {
        bool otherwise = a + 1 == expr->arg_count;
        const struct expr *value = expr->args[otherwise ? a : a + 1];
        size_t taken_count = 0;
        size_t left = 0;
        struct vector condition;
        if (!otherwise)
            TRY(eval_some(eval, expr->args[a], frame, choice.open, choice.open_count, &condition));
        for (size_t i = 0; i < choice.open_count; i++) {
            uint32_t row = choice.open[i];
            if (otherwise || (!vector_null(&condition, i) && vector_bool(&condition, i)))
                taken[taken_count++] = row;
            else
                choice.open[left++] = row;
        }
        choice.open_count = left;
        if (taken_count == 0)
            continue;
        struct vector *part = &choice.parts[choice.part_count];
        TRY(eval_some(eval, value, frame, taken, taken_count, part));
        for (size_t i = 0; i < taken_count; i++) {
            choice.part[taken[i]] = (int32_t)choice.part_count;
            choice.index[taken[i]] = (uint32_t)i;
        }
        choice.part_count++;
    }
    out->constant = false;
    merge(&choice, eval->arena, expr->type, frame->count, &out->column);
    return ERR_OK;
}

err_t lazy_coalesce(struct eval *eval, const struct expr *expr, const struct frame *frame,
                    struct vector *out)
{
    struct choice choice;
    choice_init(&choice, eval->arena, frame->count, expr->arg_count);
    for (size_t a = 0; a < expr->arg_count && choice.open_count; a++) {
        struct vector *part = &choice.parts[choice.part_count];
        TRY(eval_some(eval, expr->args[a], frame, choice.open, choice.open_count, part));
        if (a == 0 && !part->column.valid && part->column.type->kind != TYPE_NULL) {
            *out = *part;
            return ERR_OK;
        }
        size_t left = 0;
        for (size_t i = 0; i < choice.open_count; i++) {
            uint32_t row = choice.open[i];
            if (vector_null(part, i)) {
                choice.open[left++] = row;
                continue;
            }
            choice.part[row] = (int32_t)choice.part_count;
            choice.index[row] = (uint32_t)i;
        }
        choice.open_count = left;
        choice.part_count++;
    }
    out->constant = false;
    merge(&choice, eval->arena, expr->type, frame->count, &out->column);
    return ERR_OK;
}
