// SPDX-License-Identifier: Apache-2.0
//
// folder: the CQL files of a project (tables/*.cql), applied in the order of their names at start.
// They are to be idempotent (IF NOT EXISTS). BLOCKS
#ifndef TABLES_FOLDER_H
#define TABLES_FOLDER_H

#include "data/yaml.h"
#include "tables/tables.h"

// Runs every statement of every file. What is refused is a problem at the statement's line and
// gives ERR_CONFIG; the statements after it in the same file are left out.
MUST_USE err_t folder_apply(struct tables *tables, const char *dir, struct problems *problems,
                            struct diag *diag);
// Reads the files only: mistakes of syntax.
void folder_check(const char *dir, struct problems *problems);

#endif
