// SPDX-License-Identifier: Apache-2.0
//
// stateless: filter, projection and explode of one batch: shared by running queries and by streams.
#ifndef SQL_EXEC_STATELESS_H
#define SQL_EXEC_STATELESS_H

#include "sql/bind/plan.h"
#include "sql/exec/eval.h"

// Applies one FILTER, PROJECT or GENERATE node. `out` lives in eval->arena and in the memory of
// `in`.
MUST_USE err_t stateless_apply(struct eval *eval, const struct plan *plan, const struct batch *in,
                               struct batch *out);

// A batch of a source, with NULL in place of the columns that were left out because nobody reads
// them.
void stateless_source(struct eval *eval, const struct batch *in, struct batch *out);

#endif
