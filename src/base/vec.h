// SPDX-License-Identifier: Apache-2.0
//
// vec: a growing array of one type.
//
//     struct topics { VEC(struct topic *) all; };
//     vec_push(&topics->all, topic);
//     for (size_t i = 0; i < topics->all.count; i++) use(topics->all.items[i]);
//     vec_release(&topics->all);
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include "base/mem.h"

#include <stddef.h>
#include <string.h>

#define VEC(type)        \
    struct {             \
        type *items;     \
        size_t count;    \
        size_t capacity; \
    }

static inline void *vec__grown(void *items, size_t *capacity, size_t need, size_t item_bytes)
{
    if (need <= *capacity)
        return items;
    size_t grown = *capacity ? *capacity * 2 : 8;
    if (grown < need)
        grown = need;
    *capacity = grown;
    return mem_realloc(items, grown * item_bytes);
}

#define vec_reserve(vec, more) \
    ((vec)->items =            \
         vec__grown((vec)->items, &(vec)->capacity, (vec)->count + (more), sizeof *(vec)->items))
#define vec_push(vec, item) (vec_reserve((vec), 1), (vec)->items[(vec)->count++] = (item))
#define vec_pop(vec)        ((vec)->items[--(vec)->count])
#define vec_clear(vec)      ((vec)->count = 0)
// Takes out item `index`, keeping the order of the rest.
#define vec_remove(vec, index)                                   \
    (memmove((vec)->items + (index), (vec)->items + (index) + 1, \
             ((vec)->count - (index)-1) * sizeof *(vec)->items), \
     (vec)->count--)
#define vec_release(vec) \
    (mem_free((vec)->items), (vec)->items = NULL, (vec)->count = 0, (vec)->capacity = 0)

#endif
