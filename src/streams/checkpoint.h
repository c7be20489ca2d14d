// SPDX-License-Identifier: Apache-2.0
//
// checkpoint: where a query stands, kept as metas beside the tables so that it commits with the
// rows:
//
//     stream/<name>/checkpoint     JSON:
//     {"version":1,"id":..,"batchId":..,"topic":..,"sql":..,"timestampUs":..,
//                                  "rows":..,"offsets":[..]}; offsets[p] = the next one to read of
//                                  partition p
//     stream/<name>/state/<key>    the state of one group, as sql_agg gave it
//
// Not here   the visible consumer group: that is a copy for lag tools, never read back.
#ifndef STREAMS_CHECKPOINT_H
#define STREAMS_CHECKPOINT_H

#include "base/str.h"
#include "port/table_port.h"

struct checkpoint {
    char id[37];          // of the query, for its whole life
    int64_t batch_id;     // the last one committed; -1 before the first
    int64_t rows;         // read so far
    int64_t timestamp_us; // write time of the last batch
    const char *topic;
    const char *sql; // an aggregate's text, blanks collapsed; "" for others
    int64_t *offsets;
    size_t partition_count;
};

// False when there is none. ERR_CORRUPT when it does not parse.
MUST_USE err_t checkpoint_load(struct checkpoint *out, bool *found, struct arena *arena,
                               struct table_port tables, const char *name, struct diag *diag);
// As the meta that belongs into the batch's apply; lives in `arena`.
struct table_meta checkpoint_meta(const struct checkpoint *checkpoint, const char *name,
                                  struct arena *arena);
struct bytes checkpoint_state_key(const char *name, struct bytes key, struct arena *arena);
// The text of a query with every run of blanks outside quotes as one: layout may change, the query
// may not.
char *checkpoint_sql(struct arena *arena, const char *sql);

#endif
