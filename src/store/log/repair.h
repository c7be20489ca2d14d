// SPDX-License-Identifier: Apache-2.0
//
// repair: gives up what is damaged or missing of a partition, so that it takes appends again, while
// no weir runs on the log. Every whole batch stays at its offset. Where records are lost a batch
// without any stands for their offsets, so none is given out twice and consumers pass over them.
// The next start reads every segment, for the checkpoint goes. BLOCKS.
#ifndef STORE_LOG_REPAIR_H
#define STORE_LOG_REPAIR_H

#include "base/diag.h"

#include <stdint.h>

struct repaired {
    int64_t bytes;   // that were no whole batch
    int64_t offsets; // that have no record any more
    int64_t files;   // written anew
};

// ERR_NOT_FOUND when the log in `dir` has no such partition.
MUST_USE err_t repair_partition(const char *dir, const char *topic, int32_t index,
                                struct repaired *out, struct diag *diag);

#endif
