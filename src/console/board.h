// SPDX-License-Identifier: Apache-2.0
//
// board: pages of panels (number, line, bar, table, map, pyramid) over CQL or SQL, from
// boards/*.yaml.
#ifndef CONSOLE_BOARD_H
#define CONSOLE_BOARD_H

#include "data/yaml.h"
#include "port/job_port.h"
#include "port/table_port.h"

#include <jansson.h>

enum { BOARD_ROWS_MAX = 5000 };

struct panel {
    const char *cql, *sql; // one of them
    const char *form;      // the panel's fields as JSON: title, kind, x, y, top ...
};

struct board {
    const char *name; // the file's, without .yaml
    const char *title;
    size_t panel_count;
    struct panel *panels;
};

// Reads every file of the folder (one that does not exist has no boards); what is wrong becomes
// problems. Lives in `arena`.
void boards_load(struct arena *arena, const char *dir, struct problems *problems,
                 const struct board **out, size_t *count);
void boards_check(const char *dir, struct problems *problems);

// {name, title, panels: [{title, kind, ..., columns: [..], rows: [[..]..], error}]}: runs every
// panel's query; one that fails carries its words in `error`. BLOCKS
json_t *board_json(const struct board *board, const struct table_port *tables,
                   const struct stream_port *streams);

// CQL rows as {columns: [{name, type}], rows: [[text or null]], more}.
json_t *board_cql_json(const struct cql_result *result);

#endif
