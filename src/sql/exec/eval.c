// SPDX-License-Identifier: Apache-2.0
//
// An expression is evaluated bottom-up, a vector at a time. A call whose arguments are all constant
// is computed once and stays constant; a kernel never sees the difference except through
// vector_at().
#include "sql/exec/eval.h"

#include "base/mem.h"
#include "sql/function/function.h"
#include "sql/parse/lex.h"

#include <assert.h>
#include <stdarg.h>

void run_init(struct run *run, size_t state_count, size_t param_count)
{
    *run = (struct run){.state_count = state_count, .param_count = param_count};
    arena_init(&run->arena, 0);
    run->states = ARENA_ARRAY(&run->arena, void *, state_count + 1);
}

void run_release(struct run *run)
{
    arena_release(&run->arena);
    *run = (struct run){0};
}

err_t eval_fail(const struct eval *eval, uint32_t at, err_t code, const char *format, ...)
{
    char words[320];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    return lex_fail(eval->diag, eval->session->statement, at, code, "%s", words);
}

void eval_cast_options(const struct eval *eval, struct cast_options *out)
{
    *out = (struct cast_options){
        .zone = eval->session->zone, .now_us = eval->session->now_us, .ansi = eval->session->ansi};
}

static err_t eval_cast(struct eval *eval, const struct expr *expr, const struct frame *frame,
                       struct vector *out)
{
    struct vector in = {0};
    TRY(eval_expr(eval, expr->args[0], frame, &in));
    struct cast_options options;
    eval_cast_options(eval, &options);
    options.try_cast = expr->try_cast;
    out->constant = in.constant;
    struct diag diag = DIAG_INIT;
    err_t err = cast_column(&out->column, eval->arena, &in.column, expr->type, &options, &diag);
    return err ? eval_fail(eval, expr->at, err, "%s", diag_text(&diag)) : ERR_OK;
}

// Null wherever an argument is.
static void spread_nulls(struct call *call)
{
    uint8_t *valid = NULL;
    for (size_t a = 0; a < call->arg_count; a++) {
        const struct vector *arg = &call->args[a];
        bool all_null = arg->column.type->kind == TYPE_NULL;
        if (!all_null && !arg->column.valid)
            continue;
        if (arg->constant && !all_null && arg->column.valid[0])
            continue;
        if (!valid) {
            valid = arena_alloc(call->eval->arena, call->count + 1);
            memset(valid, 1, call->count);
        }
        if (all_null || arg->constant) {
            memset(valid, 0, call->count);
            break;
        }
        for (size_t i = 0; i < call->count; i++)
            valid[i] &= arg->column.valid[i];
    }
    call->out->valid = valid;
}

static bool all_null(const struct column *column)
{
    for (size_t i = 0; i < column->count; i++)
        if (column->valid[i])
            return false;
    return true;
}

static err_t eval_call(struct eval *eval, const struct expr *expr, const struct frame *frame,
                       struct vector *out)
{
    const struct sql_function *function = expr->function;
    if (function->lazy)
        return function->lazy(eval, expr, frame, out);
    struct vector *args = arena_alloc(eval->arena, (expr->arg_count + 1) * sizeof *args);
    bool constant = !(function->flags & FUNCTION_VOLATILE);
    for (size_t i = 0; i < expr->arg_count; i++) {
        if (expr->args[i]->kind == EXPR_LAMBDA)
            continue;
        TRY(eval_expr(eval, expr->args[i], frame, &args[i]));
        constant &= args[i].constant;
    }
    out->constant = constant;
    struct call call = {.eval = eval,
                        .expr = expr,
                        .count = constant ? 1 : frame->count,
                        .args = args,
                        .arg_count = expr->arg_count,
                        .out = &out->column};
    TRY(call_room(&call, 0));
    column_init(call.out, eval->arena, expr->type, call.count);
    if (!(function->flags & FUNCTION_NULLS)) {
        spread_nulls(&call);
        if (call.out->valid && all_null(call.out))
            return ERR_OK;
    }
    return function->kernel(&call);
}

static err_t eval_subquery(struct eval *eval, const struct expr *expr, struct vector *out)
{
    const struct column *value = eval->run->states[expr->state];
    if (!value)
        return eval_fail(eval, expr->at, ERR_UNSUPPORTED, "a subquery is not supported here");
    *out = (struct vector){*value, true};
    return ERR_OK;
}

err_t eval_expr(struct eval *eval, const struct expr *expr, const struct frame *frame,
                struct vector *out)
{
    switch (expr->kind) {
    case EXPR_LITERAL:
        *out = (struct vector){expr->literal, true};
        return ERR_OK;
    case EXPR_SLOT:
        *out = *frame_slot(frame, expr->slot);
        return ERR_OK;
    case EXPR_CAST:
        return eval_cast(eval, expr, frame, out);
    case EXPR_CALL:
        return eval_call(eval, expr, frame, out);
    case EXPR_SUBQUERY:
        return eval_subquery(eval, expr, out);
    case EXPR_LAMBDA:
        break;
    }
    return eval_fail(eval, expr->at, ERR_INTERNAL, "a lambda has no value of its own");
}

err_t eval_column(struct eval *eval, const struct expr *expr, const struct frame *frame,
                  struct column *out)
{
    struct vector vector;
    TRY(eval_expr(eval, expr, frame, &vector));
    vector_flatten(out, eval->arena, &vector, frame->count);
    return ERR_OK;
}

err_t eval_filter(struct eval *eval, const struct expr *expr, const struct frame *frame,
                  uint32_t *rows, size_t *count)
{
    struct vector vector = {0};
    TRY(eval_expr(eval, expr, frame, &vector));
    assert(vector.column.type);
    size_t kept = 0;
    if (vector.column.type->kind == TYPE_BOOLEAN && !vector.constant && !vector.column.valid) {
        for (size_t i = 0; i < frame->count; i++) {
            rows[kept] = (uint32_t)i;
            kept += vector.column.booleans[i];
        }
    } else {
        for (size_t i = 0; i < frame->count; i++)
            if (!vector_null(&vector, i) && vector_bool(&vector, i))
                rows[kept++] = (uint32_t)i;
    }
    *count = kept;
    return ERR_OK;
}

void frame_gather(struct frame *out, struct arena *arena, const struct frame *frame,
                  const uint32_t *slots, size_t slot_count, const uint32_t *rows, size_t count)
{
    *out = (struct frame){
        .count = count, .slot_count = frame->slot_count, .param_count = frame->param_count};
    out->slots = ARENA_ARRAY(arena, struct vector, frame->slot_count + 1);
    out->params = ARENA_ARRAY(arena, struct vector, frame->param_count + 1);
    for (size_t i = 0; i < slot_count; i++) {
        const struct vector *from = frame_slot(frame, slots[i]);
        struct vector *to = frame_slot(out, slots[i]);
        if (from->constant)
            *to = *from;
        else
            column_gather(&to->column, arena, &from->column, rows, count);
    }
}

void frame_of_batch(struct frame *out, const struct eval *eval, const struct batch *batch)
{
    *out = (struct frame){.count = batch->count,
                          .slot_count = batch->column_count,
                          .param_count = eval->run->param_count};
    out->slots = ARENA_ARRAY(eval->arena, struct vector, batch->column_count + 1);
    out->params = ARENA_ARRAY(eval->arena, struct vector, out->param_count + 1);
    for (size_t i = 0; i < batch->column_count; i++)
        out->slots[i].column = batch->columns[i];
}

void call_null(struct call *call, size_t row)
{
    column_set_null(call->out, call->eval->arena, row);
}

err_t call_fail(const struct call *call, err_t code, const char *format, ...)
{
    char words[320];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    return eval_fail(call->eval, call->expr->at, code, "%s", words);
}

err_t call_room(const struct call *call, size_t more)
{
    size_t max = call->eval->session->memory_max_bytes;
    if (call->eval->arena->used_bytes + more <= max)
        return ERR_OK;
    return call_fail(call, ERR_OVERLOADED, "%s needs more than the %zu MiB of memory of the query",
                     call->expr->function->name, max >> 20);
}

void *call_state(const struct call *call, size_t size)
{
    void **slot = &call->eval->run->states[call->expr->state];
    if (!*slot)
        *slot = arena_zalloc(&call->eval->run->arena, size);
    return *slot;
}

struct arena *call_run_arena(const struct call *call)
{
    return &call->eval->run->arena;
}
