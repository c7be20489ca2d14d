// SPDX-License-Identifier: Apache-2.0
//
// upsert: of the rows of one batch that have the same primary key only the last is kept. They are
// written with one write time, and between equal times a table would keep the larger value instead
// of the later one.
#ifndef STREAMS_UPSERT_H
#define STREAMS_UPSERT_H

#include "port/table_port.h"

// Batches are changed in place (their columns are gathered anew where rows go).
void upsert_keep_last(struct batch *batches, size_t count, const struct table_info *table,
                      struct arena *arena);

#endif
