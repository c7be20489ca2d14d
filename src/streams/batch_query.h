// SPDX-License-Identifier: Apache-2.0
//
// batch_query: `weir sql`: any query over topics and tables, run to its end.
#ifndef STREAMS_BATCH_QUERY_H
#define STREAMS_BATCH_QUERY_H

#include "streams/spec.h"
#include "streams/streams.h"

// A topic is a table by its own name or by the source name of a stream; a table is keyspace.table.
// Topics are read from their first record to what was the last one when the query began. Appends
// the JSON of stream_port.query. BLOCKS.
MUST_USE err_t batch_query(const struct streams_options *options, const struct specs *specs,
                           struct bytes sql, size_t max_rows, struct str *json, struct diag *diag);

#endif
