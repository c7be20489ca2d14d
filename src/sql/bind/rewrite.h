// SPDX-License-Identifier: Apache-2.0
//
// rewrite: a copy of an expression in which some nodes are replaced.
#ifndef SQL_BIND_REWRITE_H
#define SQL_BIND_REWRITE_H

#include "sql/bind/bind_int.h"

// What stands in for `expr`: another expression, `expr` itself to go on below it, or NULL after an
// error.
typedef struct expr *rewrite_fn(struct binder *binder, struct expr *expr, void *ctx);

struct expr *rewrite(struct binder *binder, struct expr *expr, rewrite_fn *fn, void *ctx);
// Column slots moved by `shift`.
struct expr *rewrite_shift(struct binder *binder, struct expr *expr, int64_t shift);
// Columns of `input` that are literals (a map written in a subquery) as those literals, so that
// they stay one value instead of a copy per row.
struct expr *rewrite_literals(struct binder *binder, struct expr *expr, const struct plan *input);

#endif
