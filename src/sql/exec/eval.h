// SPDX-License-Identifier: Apache-2.0
//
// eval: bound expressions over batches.
//
// Lifetime   results live in eval->arena or in the input; what must outlive one batch is kept in
// struct run. Thread     an eval and its run belong to one thread; expressions are shared.
#ifndef SQL_EXEC_EVAL_H
#define SQL_EXEC_EVAL_H

#include "base/diag.h"
#include "data/cast.h"
#include "sql/bind/expr.h"
#include "sql/exec/vector.h"

// What stays the same for all rows of one run.
struct session {
    const struct zone *zone;
    const char *zone_name;
    bool ansi;
    int64_t now_us;          // current_timestamp() of this batch
    struct bytes statement;  // for places in error messages
    size_t memory_max_bytes; // of one batch's values
};

struct run {
    struct arena arena; // until the run ends
    void **states;      // one per call site, made on first use
    size_t state_count;
    size_t param_count; // of all lambdas
    uint64_t random;
};

struct eval {
    struct arena *arena; // of this batch
    const struct session *session;
    struct run *run;
    struct diag *diag;
};

// The input rows of an expression. Slots that nobody reads may be left empty.
struct frame {
    size_t count;
    struct vector *slots;
    size_t slot_count;
    struct vector *params; // of lambdas: slots from SLOT_PARAM on; run->param_count of them
    size_t param_count;
};

static inline struct vector *frame_slot(const struct frame *frame, uint32_t slot)
{
    return slot >= SLOT_PARAM ? &frame->params[slot - SLOT_PARAM] : &frame->slots[slot];
}

void run_init(struct run *run, size_t state_count, size_t param_count);
void run_release(struct run *run);

MUST_USE err_t eval_expr(struct eval *eval, const struct expr *expr, const struct frame *frame,
                         struct vector *out);
// The same as a plain column of frame->count rows.
MUST_USE err_t eval_column(struct eval *eval, const struct expr *expr, const struct frame *frame,
                           struct column *out);
// The rows where a BOOLEAN expression is true; `rows` has room for frame->count.
MUST_USE err_t eval_filter(struct eval *eval, const struct expr *expr, const struct frame *frame,
                           uint32_t *rows, size_t *count);
// A frame of rows `rows[0..count)`, holding the slots `slots` only.
void frame_gather(struct frame *out, struct arena *arena, const struct frame *frame,
                  const uint32_t *slots, size_t slot_count, const uint32_t *rows, size_t count);
// A frame over the columns of a batch.
void frame_of_batch(struct frame *out, const struct eval *eval, const struct batch *batch);
void eval_cast_options(const struct eval *eval, struct cast_options *out);
err_t eval_fail(const struct eval *eval, uint32_t at, err_t code, const char *format, ...)
    PRINTF_LIKE(4, 5);

#endif
