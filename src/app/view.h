// SPDX-License-Identifier: Apache-2.0
//
// view: JSON answers as aligned tables for a terminal.
#ifndef APP_VIEW_H
#define APP_VIEW_H

#include "base/str.h"

#include <jansson.h>

struct view_column {
    const char *title;
    const char *field; // of each row; dots go down: "last_run.state"
};

// Rows are objects. Columns end with a NULL title. Numbers stand right, text left; a person sees
// "(none)" for an empty list. Control characters and bad UTF-8 are shown as '?'.
void view_rows(struct str *out, const json_t *rows, const struct view_column *columns);
// Rows are arrays of texts or nulls, as SQL and CQL give them: a boxed table and "(3 rows)".
void view_grid(struct str *out, const json_t *titles, const json_t *rows);
void view_csv(struct str *out, const json_t *titles, const json_t *rows);

#endif
