// SPDX-License-Identifier: Apache-2.0
//
// aggregate: the aggregate functions. The state of one group and call is a small struct at a fixed
// place of the group's memory; what grows (lists, sets) hangs off it in the arena of the groups.
#ifndef SQL_EXEC_AGGREGATE_H
#define SQL_EXEC_AGGREGATE_H

#include "sql/exec/builder.h"
#include "sql/exec/eval.h"

struct agg_context {
    struct arena *arena; // of the groups' memory
    const struct expr *call;
    const struct type *input; // of argument 0; NULL when there is none
    struct eval *eval;
};

// Rows of one batch for one aggregate: row i belongs to the state at states[i] + offset.
struct agg_rows {
    uint8_t *const *states;
    size_t offset;
    size_t count;
    const struct vector *args;
};

struct aggregate {
    size_t state_size;
    // An empty state is all zero unless `init` says more.
    void (*init)(const struct agg_context *context, void *state);
    err_t (*update)(const struct agg_context *context, const struct agg_rows *rows);
    err_t (*finish)(const struct agg_context *context, const void *state, struct builder *out);
    void (*save)(const struct agg_context *context, const void *state, struct str *out);
    // False when the bytes are damaged.
    bool (*load)(const struct agg_context *context, void *state, struct bytes *in);
};

static inline void *agg_state(const struct agg_rows *rows, size_t row)
{
    return rows->states[row] + rows->offset;
}

// Plain structs as they are in memory.
bool agg_take(struct bytes *in, void *out, size_t size);

#endif
