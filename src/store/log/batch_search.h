// SPDX-License-Identifier: Apache-2.0
//
// batch_search: judging bytes of a segment file that may be damaged. BLOCKS.
#ifndef STORE_LOG_BATCH_SEARCH_H
#define STORE_LOG_BATCH_SEARCH_H

#include "store/log/batch_walk.h"

// The checksum worked out from the bytes of the batch at `at`, of any size; false when they cannot
// be read.
bool batch_search_crc(int fd, int64_t at, const struct batch_header *header, uint32_t *out);
// Does the checksum of the walk's current batch hold?
bool batch_search_holds(struct batch_walk *walk);
// Position of the first whole batch of an offset >= `next_offset` at or behind `from`; -1 if there
// is none.
int64_t batch_search_next(int fd, int64_t from, int64_t end, int64_t next_offset);
// Nothing but zeros from `from` to `end`: reserved and never written.
bool batch_search_zeros(int fd, int64_t from, int64_t end);

#endif
