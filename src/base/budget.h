// SPDX-License-Identifier: Apache-2.0
//
// budget: a bound on memory whose size comes from outside. Charge before allocating, release after
// freeing; a charge that does not fit is refused and the caller answers ERR_OVERLOADED.
//
// Budgets form a tree (connection -> process): a charge goes to every level or to none. Any thread.
#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

struct budget {
    struct budget *parent; // may be NULL
    size_t limit_bytes;
    _Atomic size_t used_bytes;
};

void budget_init(struct budget *budget, struct budget *parent, size_t limit_bytes);
bool budget_charge(struct budget *budget, size_t bytes);
void budget_release(struct budget *budget, size_t bytes);

#endif
