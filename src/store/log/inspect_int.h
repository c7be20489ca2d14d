// SPDX-License-Identifier: Apache-2.0
//
// inspect_int: what inspect.c and inspect_segment.c share.
#ifndef STORE_LOG_INSPECT_INT_H
#define STORE_LOG_INSPECT_INT_H

#include "store/log/inspect.h"

#include "base/str.h"

struct inspect {
    const struct inspect_options *options;
    struct inspect_totals *totals;
    uint64_t mark_key; // round_mark.h
};

// One partition while its segments are gone through.
struct inspect_partition {
    struct inspect *inspect;
    const char *topic;
    int32_t index;
    const char *dir;
    bool gaps;    // compacted: offsets may be missing
    bool damaged; // a damage was told; what follows is not served
    bool removed; // a file was there and has gone: a running weir took it
    int64_t next; // the lowest offset that may follow
};

struct inspect_place {
    enum inspect_kind kind;
    const char *path;
    const struct inspect_partition *partition; // NULL = none
    int64_t byte, offset;
    const char *remedy;
};

// Tells and counts a finding.
__attribute__((format(printf, 3, 4))) void
inspect__tell(struct inspect *inspect, const struct inspect_place *place, const char *format, ...);

// Goes through the segment at `base` and its indexes. Its first `saved_size` bytes were on disk at
// the checkpoint; `last`: it is the one that is written.
void inspect__segment(struct inspect_partition *partition, int64_t base, int64_t saved_size,
                      bool last);

#endif
