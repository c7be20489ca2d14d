// SPDX-License-Identifier: Apache-2.0
#include "base/budget.h"

#include <assert.h>
#include <stdatomic.h>

void budget_init(struct budget *budget, struct budget *parent, size_t limit_bytes)
{
    budget->parent = parent;
    budget->limit_bytes = limit_bytes;
    atomic_init(&budget->used_bytes, 0);
}

bool budget_charge(struct budget *budget, size_t bytes)
{
    for (struct budget *level = budget; level; level = level->parent) {
        size_t before = atomic_fetch_add(&level->used_bytes, bytes);
        if (before + bytes <= level->limit_bytes && before + bytes >= before)
            continue;
        for (struct budget *undo = budget; undo != level->parent; undo = undo->parent)
            atomic_fetch_sub(&undo->used_bytes, bytes);
        return false;
    }
    return true;
}

void budget_release(struct budget *budget, size_t bytes)
{
    for (struct budget *level = budget; level; level = level->parent) {
        size_t before = atomic_fetch_sub(&level->used_bytes, bytes);
        assert(before >= bytes);
    }
}
