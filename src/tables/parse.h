// SPDX-License-Identifier: Apache-2.0
//
// parse: CQL text to statements. Recursive descent; a bad text gives ERR_SYNTAX in Cassandra's
// words
// ("line 1:7 no viable alternative at input 'FORM' (SELECT * [FORM]...)"). Pure.
//
// Bounds     text of at most PARSE_TEXT_MAX bytes, PARSE_MARKERS_MAX markers, terms nested
// PARSE_DEPTH_MAX deep.
#ifndef TABLES_PARSE_H
#define TABLES_PARSE_H

#include "tables/ast.h"

enum {
    PARSE_TEXT_MAX = 16 << 20,
    PARSE_MARKERS_MAX = 65535,
    PARSE_DEPTH_MAX = 100,
};

// One statement, with or without a ; at its end. `text` is copied where it is kept.
MUST_USE err_t statement_parse(const struct statement **out, struct arena *arena, struct bytes text,
                               struct diag *diag);
// Splits a script (tables/*.cql): the next statement of `*rest` and its first line, false at the
// end. Comments
// (--, //, /* */) and quoted ; are understood. Start with *statement all zero and *line 1, and keep
// both.
bool parse_script_next(struct bytes *rest, struct bytes *statement, uint32_t *line);

#endif
