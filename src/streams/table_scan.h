// SPDX-License-Identifier: Apache-2.0
//
// table_scan: table_port.scan pushes batches, a query pulls them: a thread runs the scan and hands
// over one batch at a time, waiting until the query asks for the next.
#ifndef STREAMS_TABLE_SCAN_H
#define STREAMS_TABLE_SCAN_H

#include "os/thread.h"
#include "port/table_port.h"

struct table_scan {
    struct table_port tables;
    const char *keyspace, *table;
    struct thread thread;
    struct mutex mutex;
    struct cond cond;
    const struct batch *batch; // handed over, until the next pull
    bool wanted, finished, stopping;
    err_t err;
    struct diag diag;
};

void table_scan_start(struct table_scan *scan, struct table_port tables, const char *keyspace,
                      const char *table);
// The next batch, alive until the next call; *end behind the last one.
MUST_USE err_t table_scan_next(struct table_scan *scan, struct batch *batch, bool *end,
                               struct diag *diag);
void table_scan_stop(struct table_scan *scan);

#endif
