// SPDX-License-Identifier: Apache-2.0
//
// keywords: the words that cannot be an alias without AS. The rows live in schema/sql/keywords.tbl.
#ifndef SQL_KEYWORDS_H
#define SQL_KEYWORDS_H

#include <stdbool.h>
#include <stddef.h>

struct sql_keyword {
    const char *word;
    bool ends_expression; // cannot be the alias of an expression
    bool ends_table;      // cannot be the alias of a table
};

extern const struct sql_keyword sql_keywords[];
extern const size_t sql_keyword_count;

#endif
