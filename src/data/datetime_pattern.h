// SPDX-License-Identifier: Apache-2.0
//
// datetime_pattern: Spark 3's datetime patterns ("yyyy-MM-dd'T'HH:mm:ss[.SSS]XXX"), compiled once,
// for formatting and for parsing. English names, as Spark's default locale in its own tests.
//
// Errors     ERR_INVALID: a letter Spark refuses (w, W, Y, u, e, c, B and too many repetitions), an
// open quote or bracket.
#ifndef DATA_DATETIME_PATTERN_H
#define DATA_DATETIME_PATTERN_H

#include "base/arena.h"
#include "base/str.h"
#include "data/zone.h"

struct datetime_pattern;

// Lives in `arena`. Formatting knows a few letters more than parsing (E, F, Q, G as text).
MUST_USE err_t datetime_pattern_compile(const struct datetime_pattern **out, struct arena *arena,
                                        struct bytes text, bool for_parsing, struct diag *diag);
// `zone` also names itself for z, VV, XXX, Z, O, x.
void datetime_pattern_format(const struct datetime_pattern *pattern, struct str *out,
                             int64_t utc_us, const struct zone *zone);
// The whole text must match. Missing fields: 1970-01-01 00:00:00. A zone in the text wins over
// `zone`.
bool datetime_pattern_parse(const struct datetime_pattern *pattern, struct bytes text,
                            const struct zone *zone, int64_t *utc_us);

#endif
