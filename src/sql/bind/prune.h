// SPDX-License-Identifier: Apache-2.0
//
// prune: marks what a plan reads: columns of its scans (plan->needed), fields of its from_json
// calls.
#ifndef SQL_BIND_PRUNE_H
#define SQL_BIND_PRUNE_H

#include "sql/bind/plan.h"

// All output columns of `plan` are wanted.
void prune_plan(struct plan *plan, struct arena *arena);

#endif
