// SPDX-License-Identifier: Apache-2.0
//
// op: a running query: one operator per plan node, batches pushed from the tables up to the result.
//
// Every operator has the same four verbs. push() takes a batch of one input and may push batches to
// its parent before it returns; finish() says that an input has ended; batches live only for the
// call.
#ifndef SQL_EXEC_OP_H
#define SQL_EXEC_OP_H

#include "sql/bind/plan.h"
#include "sql/exec/builder.h"
#include "sql/exec/eval.h"
#include "sql/query.h"

#define OP_BATCH_ROWS 2048

struct op;

struct op_class {
    err_t (*open)(struct op *op);
    err_t (*push)(struct op *op, unsigned input, const struct batch *batch);
    err_t (*finish)(struct op *op, unsigned input);
    void (*close)(struct op *op);
};

struct exec {
    struct eval eval; // its arena is cleared between batches
    const struct sql_io *io;
    const struct plan *const *tables;
    size_t memory_max_bytes;
};

struct op {
    const struct op_class *class;
    const struct plan *plan;
    struct exec *exec;
    struct op *parent; // NULL: results go to io->push
    unsigned input;    // which input of the parent this is
    struct op *inputs[2];
    bool done;   // wants no more rows
    void *state; // of the operator
};

MUST_USE err_t op_open(struct op **out, struct exec *exec, const struct plan *plan,
                       struct op *parent, unsigned input);
MUST_USE err_t op_run(struct op *op); // all inputs to their end, then finish
void op_close(struct op *op);         // NULL is fine
MUST_USE err_t op_emit(struct op *op, const struct batch *batch);
// Pushes rows kept in columns to the parent, OP_BATCH_ROWS at a time, in the order `rows` (NULL: as
// they are).
MUST_USE err_t op_emit_rows(struct op *op, const struct column *columns, const uint32_t *rows,
                            size_t count);

// Rows kept beyond their batch: copies in an arena of their own.
struct rows {
    struct arena arena;
    struct builder *builders;
    size_t column_count;
    size_t count;
};
void rows_init(struct rows *rows, const struct type *const *types, size_t column_count);
void rows_release(struct rows *rows);
MUST_USE err_t rows_add(struct rows *rows, const struct op *op, const struct batch *batch);
struct column *rows_columns(struct rows *rows);

extern const struct op_class op_class_values, op_class_range, op_class_scan, op_class_filter,
    op_class_project, op_class_generate, op_class_aggregate, op_class_sort, op_class_limit,
    op_class_union, op_class_set, op_class_join, op_class_window;

#endif
