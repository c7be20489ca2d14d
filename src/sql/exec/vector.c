// SPDX-License-Identifier: Apache-2.0
#include "sql/exec/vector.h"

void vector_flatten(struct column *out, struct arena *arena, const struct vector *vector,
                    size_t count)
{
    if (!vector->constant) {
        *out = vector->column;
        return;
    }
    uint32_t *rows = ARENA_ARRAY(arena, uint32_t, count + 1);
    column_gather(out, arena, &vector->column, rows, count);
}
