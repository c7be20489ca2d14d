// SPDX-License-Identifier: Apache-2.0
//
// micro: the micro-batches of one query, without a thread. After any failure it is closed and
// opened again: it then stands where the tables say, whether the batch that failed got through or
// not.
//
// Thread     one. Blocking: micro_open and micro_step BLOCK.
#ifndef STREAMS_MICRO_H
#define STREAMS_MICRO_H

#include "streams/checkpoint.h"
#include "streams/progress.h"
#include "streams/source.h"
#include "streams/spec.h"
#include "streams/streams.h"

enum {
    MICRO_BATCH_BYTES = 2 << 20,
    MICRO_SLICE_ROWS = 4096,
    MICRO_SHOW_US = 200000,      // how often the visible group is written under load
    MICRO_GROUPS_KEPT = 1 << 20, // groups changed before the ones in memory are let go
};

struct micro {
    const struct spec *spec;
    const struct streams_options *options;
    struct arena arena; // lives from open to close
    struct arena batch_arena;
    struct arena load_arena; // the state being loaded
    struct source source;
    struct sql_run *run;
    struct sql_agg *agg;
    size_t groups_changed;
    const struct table_info *sink;
    struct checkpoint at;
    int64_t *start, *latest, *end; // of the batch that runs, per partition
    int64_t *targets;              // availableNow: where to stop
    int64_t lag;
    int64_t shown_us; // when the visible group was last written
    bool unshown;     // offsets were committed since
};

MUST_USE err_t micro_open(struct micro *micro, const struct spec *spec,
                          const struct streams_options *options, struct diag *diag);
void micro_close(struct micro *micro);
// Runs the next batch, if there is anything to read (`*did`); fills what progress needs (run id and
// the previous start are the caller's).
MUST_USE err_t micro_step(struct micro *micro, bool *did, struct progress_batch *progress,
                          struct diag *diag);
// Partitions that were added to the topic join from their beginning.
MUST_USE err_t micro_refresh(struct micro *micro, struct diag *diag);

#endif
