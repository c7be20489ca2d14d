// SPDX-License-Identifier: Apache-2.0
//
// committed_read: the records of a partition as a reader of committed ones sees them, without
// markers and without what was aborted. For the services of this process; clients of the protocol
// are told what was aborted and leave it out themselves.
#ifndef BROKER_COMMITTED_READ_H
#define BROKER_COMMITTED_READ_H

#include "store/log/log_store.h"

// As partition_read(), up to the last stable offset. A batch that does not count is there without
// records, so that the reader goes on behind it. BLOCKS
MUST_USE err_t committed_read(struct partition *partition, int64_t offset, size_t max_bytes,
                              struct buf **out, struct diag *diag);

#endif
