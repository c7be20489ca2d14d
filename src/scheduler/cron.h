// SPDX-License-Identifier: Apache-2.0
//
// cron: cron expressions in croniter's dialect (what Airflow reads), on wall-clock time without a
// zone.
//
// Five fields (minute hour day month weekday) or six (seconds last): names, lists, ranges (also
// wrapping: FRI-MON, 5-1), steps, `L` (last day of the month), `MON#2` (second Monday), `L5` (last
// Friday), `?`. Day of month and weekday both restricted: either may match. `H` and `R` are
// refused.
//
// Pure functions.
#ifndef SCHEDULER_CRON_H
#define SCHEDULER_CRON_H

#include "base/diag.h"

#include <stdbool.h>
#include <stdint.h>

struct cron {
    uint64_t seconds, minutes; // bit per value
    uint32_t hours, days, months;
    uint8_t weekdays; // bit 0 = Sunday
    uint8_t nth[7];   // per weekday: bits 1..5 = that one of the month, bit 6 = the last
    bool has_seconds; // six fields
    bool has_nth;
    bool day_and_nth; // both must match
    bool last_day;    // L in the day field
    bool any_day, any_weekday;
    bool every_hour; // the hour field is exactly *, so it also runs in a repeated hour
};

// ERR_INVALID tells the field, what stands there and what may.
MUST_USE err_t cron_parse(struct cron *out, const char *text, struct diag *diag);
// The first tick strictly after / before a local time, both in microseconds since 1970-01-01T00:00
// on the wall clock. False if there is none within 50 years.
bool cron_next(const struct cron *cron, int64_t local_us, int64_t *out);
bool cron_prev(const struct cron *cron, int64_t local_us, int64_t *out);

#endif
