// SPDX-License-Identifier: Apache-2.0
//
// inspect: looks at the files of a log without a store, changes nothing, and tells all that is not
// as it should be. A weir may be writing them meanwhile: what is being written is looked at again
// before it is called damaged. BLOCKS.
#ifndef STORE_LOG_INSPECT_H
#define STORE_LOG_INSPECT_H

#include "base/arena.h"
#include "base/diag.h"

#include <stdint.h>

enum inspect_kind {
    INSPECT_NOTE,   // nothing is lost, nobody has to do anything
    INSPECT_DAMAGE, // bytes are not those that were written
};

struct inspect_finding {
    enum inspect_kind kind;
    const char *path;
    int64_t byte;       // in the file; -1 = the file as a whole
    const char *topic;  // NULL = it belongs to none
    int32_t partition;  // -1 = none
    int64_t offset;     // of a record; -1 = none
    const char *found;  // what was found and what was expected
    const char *remedy; // what a weir that starts does about it
};

struct inspect_options {
    const char *dir;   // the log folder
    const char *topic; // NULL = all
    int32_t partition; // -1 = all
    bool records;      // unpack and parse every record too
    void (*found)(const struct inspect_finding *finding, void *ctx); // the strings live until then
    void *ctx;
};

struct inspect_totals {
    uint64_t partitions, segments, batches, records;
    int64_t bytes;
    uint64_t damages, notes;
};

// Fails only when the folder cannot be looked at, or has no such topic or partition.
MUST_USE err_t inspect_log(const struct inspect_options *options, struct inspect_totals *totals,
                           struct diag *diag);

// First offsets of the segments in a partition's folder, in order.
MUST_USE err_t inspect_segments(const char *dir, struct arena *arena, int64_t **bases,
                                size_t *count, struct diag *diag);

#endif
