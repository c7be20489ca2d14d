// SPDX-License-Identifier: Apache-2.0
//
// interval: Spark's three interval types to and from text, and time plus interval.
//
// Errors     ERR_INVALID with words for text; `false` for overflow.
#ifndef DATA_INTERVAL_H
#define DATA_INTERVAL_H

#include "data/datetime.h"

enum interval_unit { // also from_unit and to_unit of INTERVAL_DT minus INTERVAL_DAY; of INTERVAL_YM
                     // as they are
    INTERVAL_YEAR,
    INTERVAL_MONTH,
    INTERVAL_DAY,
    INTERVAL_HOUR,
    INTERVAL_MINUTE,
    INTERVAL_SECOND,
    INTERVAL_WEEK,
    INTERVAL_MILLISECOND,
    INTERVAL_MICROSECOND,
    INTERVAL_QUARTER, // of timestampadd only
};
bool interval_unit_find(struct bytes word, enum interval_unit *out); // any case, plural too

// "1 day 2 hours", "interval 5 minutes", "-3 months 1.5 seconds": a calendar interval.
MUST_USE err_t interval_parse(struct interval *out, struct bytes text, struct diag *diag);
// INTERVAL 'text' FROM [TO to]: '1-2' YEAR TO MONTH, '1 02:03:04.5' DAY TO SECOND, '90' MINUTE.
MUST_USE err_t interval_parse_literal(struct interval *out, struct bytes text,
                                      enum interval_unit from, enum interval_unit to,
                                      struct diag *diag);

// "1 years 2 months 3 days 4 hours 5.5 seconds"; "0 seconds" for zero.
void interval_write(struct str *out, struct interval interval);
// "INTERVAL '1-2' YEAR TO MONTH", "INTERVAL '1 02:03:04.5' DAY TO SECOND".
void interval_write_ym(struct str *out, int32_t months, const struct type *type);
void interval_write_dt(struct str *out, int64_t us, const struct type *type);

// Months first (day cut to the month's end), then days, both on the wall clock of `zone`, then
// microseconds.
bool timestamp_add_interval(int64_t utc_us, struct interval interval, const struct zone *zone,
                            int64_t *out);
bool local_add_interval(int64_t local_us, struct interval interval, int64_t *out);
bool date_add_interval(int32_t days, struct interval interval, int32_t *out); // us must be 0

#endif
