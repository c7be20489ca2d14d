// SPDX-License-Identifier: Apache-2.0
//
// tables: keyspaces and tables in RocksDB, behind the CQL native protocol and behind
// port/table_port.h.
#ifndef TABLES_TABLES_H
#define TABLES_TABLES_H

#include "base/budget.h"
#include "base/diag.h"
#include "loop/loop.h"
#include "port/table_port.h"

#include <stdbool.h>
#include <stdint.h>

struct tables;

struct tables_options {
    const char *data_dir; // its own folder; made if absent
    struct loops *loops;
    bool sync;             // acknowledged means on disk; false: durability os
    size_t memory_bytes;   // block cache and write buffers together
    struct budget *budget; // requests in memory; may be NULL
};

struct tables_listen_options {
    const char *host;
    uint16_t port; // 0 = any free one
};

// Opens (recovers) the store. BLOCKS
MUST_USE err_t tables_open(struct tables **out, const struct tables_options *options,
                           struct diag *diag);
// Serves CQL. At most once. BLOCKS
MUST_USE err_t tables_listen(struct tables *tables, const struct tables_listen_options *options,
                             struct diag *diag);
uint16_t tables_port_number(const struct tables *tables); // 0 before tables_listen
struct table_port tables_port(struct tables *tables);
// Stops listening, finishes what runs, closes the store. Not from a loop. BLOCKS
void tables_close(struct tables *tables);

#endif
