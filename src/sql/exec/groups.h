// SPDX-License-Identifier: Apache-2.0
//
// groups: the hash table of an aggregation: group keys as bytes, and behind each the states of all
// its aggregates. Batch queries fill it once and read it; streaming queries load, save and forget
// groups.
//
// Lifetime   keys and states live in the table's own arena until groups_clear().
#ifndef SQL_EXEC_GROUPS_H
#define SQL_EXEC_GROUPS_H

#include "sql/bind/plan.h"
#include "sql/exec/aggregate.h"

struct group {
    struct bytes key;
    uint64_t hash;
    uint8_t *state;
    bool changed;
};

struct groups {
    const struct plan *plan;
    struct arena arena;
    struct group *items;
    size_t count, capacity;
    uint32_t *slots;   // index + 1; 0 = free
    size_t slot_count; // a power of two
    size_t state_size;
    size_t *offsets; // of each aggregate's state
    struct agg_context *contexts;
    struct str key; // scratch
};

// Finds the state of a group that is new to the table; *state is {NULL, 0} when it never was.
typedef err_t groups_load_fn(void *ctx, struct bytes key, struct bytes *state, struct diag *diag);

void groups_init(struct groups *groups, const struct plan *plan);
void groups_release(struct groups *groups);
void groups_clear(struct groups *groups);
MUST_USE err_t groups_update(struct groups *groups, struct eval *eval, const struct frame *frame,
                             groups_load_fn *load, void *ctx);
// The one group of an aggregation without GROUP BY, made when there were no rows.
MUST_USE err_t groups_global(struct groups *groups, struct eval *eval, groups_load_fn *load,
                             void *ctx);
// Result rows of items[indexes[i]] (all from `first` on when indexes is NULL).
MUST_USE err_t groups_rows(struct groups *groups, struct eval *eval, const uint32_t *indexes,
                           size_t first, size_t count, struct batch *out);
void groups_save(struct groups *groups, const struct group *group, struct str *out);

#endif
