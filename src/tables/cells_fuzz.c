// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a stored row: read, merged with themselves and with an older state, purged. What a
// merge gives must be readable again.
#include "tables/cells.h"

#include "base/mem.h"

#include <stdlib.h>

#include "data/fuzz_corpus.h"

static size_t walk(struct bytes value)
{
    struct row_reader reader;
    struct row_column column;
    struct cell cell;
    size_t cells = 0;
    if (!row_open(&reader, value))
        return 0;
    while (row_next(&reader, &column)) {
        cells++;
        while (column.many && row_next_cell(&reader, &cell))
            cells += cell.value.size + cell.path.size > 0;
    }
    return reader.failed ? 0 : cells + 1;
}

static void run(struct bytes value)
{
    struct str out = {0}, purged = {0};
    struct bytes twice[2] = {value, value};
    size_t cells = walk(value);
    if (row_merge(&out, twice, 2)) {
        if (walk(str_bytes(&out)) == 0)
            abort();
    } else if (cells > 0 && walk(value) == 0) {
        abort();
    }
    if (row_purge(value, 1800000000, 864000, &purged) == ROW_CHANGED &&
        walk(str_bytes(&purged)) == 0)
        abort();
    str_release(&out);
    str_release(&purged);
}

int main(void)
{
    return fuzz_run("cells", 20000, run);
}
