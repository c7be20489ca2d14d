// SPDX-License-Identifier: Apache-2.0
//
// instant: points in time as microseconds since 1970-01-01 UTC: their texts, and wall-clock time as
// Airflow reads it. The calendar and the zones are data/'s.
//
// Pure functions.
#ifndef SCHEDULER_INSTANT_H
#define SCHEDULER_INSTANT_H

#include "base/diag.h"
#include "base/str.h"
#include "data/datetime.h"

#include <stdint.h>

#define INSTANT_NONE   INT64_MIN
#define INSTANT_SECOND INT64_C(1000000)
#define INSTANT_MINUTE (60 * INSTANT_SECOND)
#define INSTANT_HOUR   (60 * INSTANT_MINUTE)
#define INSTANT_DAY    (24 * INSTANT_HOUR)

// Wall-clock time (microseconds since 1970-01-01T00:00 on that clock) to an instant: the second of
// a repeated hour; a time inside a gap moves forward by the gap.
int64_t instant_from_local(const struct zone *zone, int64_t local_us);

// "2026-11-21", "2026-11-21T05:38:26", "2026-11-21 05:38:26.5+01:00", "...Z". Without an offset the
// time is that of `zone` (NULL = UTC). ERR_INVALID shows the text and what was expected.
MUST_USE err_t instant_parse(const char *text, const struct zone *zone, int64_t *out,
                             struct diag *diag);
// "2026-11-21T05:38:26Z", with ".123456" when not a whole second.
void instant_append(struct str *out, int64_t instant_us);
// "2026-11-21T05:38:26+00:00" (with microseconds if any): Airflow's run ids and `ts`.
void instant_append_offset(struct str *out, int64_t instant_us);
// "2026-11-21"
void instant_append_date(struct str *out, int64_t instant_us);

#endif
