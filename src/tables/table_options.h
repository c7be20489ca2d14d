// SPDX-License-Identifier: Apache-2.0
//
// table_options: the WITH options of a table with their defaults, as system_schema.tables and
// DESCRIBE show them.
#ifndef TABLES_TABLE_OPTIONS_H
#define TABLES_TABLE_OPTIONS_H

#include "tables/schema.h"

// The text of a plain option: as given, or its default. NULL for a name that is no plain option.
const char *table_option_text(const struct table_schema *table, const char *name,
                              struct arena *arena);
// The pairs of a map option (caching, compaction, compression, extensions), by key.
const struct option_pair *table_option_map(const struct table_schema *table, const char *name,
                                           struct arena *arena, size_t *count);
// All names in the order DESCRIBE prints them; NULL ends.
extern const char *const table_option_names[];
bool table_option_is_map(const char *name);
bool table_option_is_quoted(const char *name); // its text is a string, not a number or boolean

#endif
