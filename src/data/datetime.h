// SPDX-License-Identifier: Apache-2.0
//
// datetime: the calendar (proleptic Gregorian, ISO weeks): days and microseconds since 1970-01-01
// <-> fields, and Spark's date functions over them. "Local" microseconds are wall-clock time
// without a zone; a TIMESTAMP becomes local with zone_local_us() and goes back with zone_utc_us().
//
// Errors     a false result means "no such date" or out of range; the caller makes it NULL or an
// error.
#ifndef DATA_DATETIME_H
#define DATA_DATETIME_H

#include "data/column.h"
#include "data/zone.h"

#define US_PER_SECOND 1000000LL
#define US_PER_MINUTE (60 * US_PER_SECOND)
#define US_PER_HOUR   (60 * US_PER_MINUTE)
#define US_PER_DAY    (24 * US_PER_HOUR)

struct civil {
    int32_t year;       // 0 = 1 BC
    int32_t month, day; // from 1
    int32_t hour, minute, second, us;
};

static inline int64_t floor_div(int64_t a, int64_t b) // b > 0
{
    int64_t q = a / b;
    return q - (a % b < 0);
}

static inline int64_t floor_mod(int64_t a, int64_t b)
{
    int64_t r = a % b;
    return r < 0 ? r + b : r;
}

void civil_from_days(int32_t days, struct civil *out); // the time fields are 0
void civil_from_local_us(int64_t local_us, struct civil *out);
int64_t civil_days(int64_t year, int month, int day); // valid month and day
bool date_make(int64_t year, int64_t month, int64_t day, int32_t *days);
// Second may be 60 only with us 0 (it is the next minute then).
bool local_make(int64_t year, int64_t month, int64_t day, int64_t hour, int64_t minute,
                int64_t second, int64_t us, int64_t *local_us);
bool year_is_leap(int64_t year);
int month_days(int64_t year, int month);

enum datetime_field {
    FIELD_YEAR,
    FIELD_YEAR_OF_WEEK,
    FIELD_QUARTER,
    FIELD_MONTH,
    FIELD_WEEK, // ISO
    FIELD_DAY,
    FIELD_DAY_OF_WEEK,     // Sunday 1 .. Saturday 7
    FIELD_DAY_OF_WEEK_ISO, // Monday 1 .. Sunday 7
    FIELD_DAY_OF_YEAR,
    FIELD_HOUR,
    FIELD_MINUTE,
    FIELD_SECOND, // with fraction: DECIMAL(8,6) in microseconds
};
// The words of EXTRACT: "YEAR", "Y", "YEARS", "DOW", "DAYOFWEEK_ISO" ...
bool datetime_field_find(struct bytes word, enum datetime_field *out);
int32_t datetime_field(enum datetime_field field, int64_t local_us);
int32_t date_field(enum datetime_field field, int32_t days); // time fields are 0

enum trunc_unit {
    TRUNC_MICROSECOND,
    TRUNC_MILLISECOND,
    TRUNC_SECOND,
    TRUNC_MINUTE,
    TRUNC_HOUR,
    TRUNC_DAY,
    TRUNC_WEEK,
    TRUNC_MONTH,
    TRUNC_QUARTER,
    TRUNC_YEAR,
};
bool trunc_unit_find(struct bytes word,
                     enum trunc_unit *out);             // any case; "MON", "MM", "YYYY", "DD" ...
int32_t date_trunc(enum trunc_unit unit, int32_t days); // units of a day or less change nothing
int64_t local_trunc(enum trunc_unit unit, int64_t local_us);
int64_t timestamp_trunc(enum trunc_unit unit, int64_t utc_us, const struct zone *zone);

bool date_add_months(int32_t days, int64_t months,
                     int32_t *out); // the day is cut to the month's last
bool local_add_months(int64_t local_us, int64_t months, int64_t *out);
int32_t date_last_day(int32_t days);
// "Mon", "MONDAY", "MO" ...; 0 = Monday.
bool weekday_find(struct bytes word, int *out);
int32_t date_next_day(int32_t days, int weekday); // strictly after
double months_between(int64_t local1_us, int64_t local2_us, bool round_off);

// CAST(text AS DATE): [+-]y{4,7}[-m[-d]] with anything behind a 'T' or blank after the day.
bool date_parse(struct bytes text, int32_t *days);
// CAST(text AS TIMESTAMP): date forms as above, then [T ]h:m[:s[.f]] and a zone; or only a time
// (the date of `today_us`).
bool timestamp_parse(struct bytes text, const struct zone *zone, int64_t now_us, int64_t *utc_us);
// A zone in the text is dropped when allow_zone, refused otherwise.
bool timestamp_ntz_parse(struct bytes text, bool allow_zone, int64_t *local_us);

#define DATETIME_TEXT_MAX 48
size_t date_text(char out[DATETIME_TEXT_MAX], int32_t days);      // "2024-02-29"
size_t local_text(char out[DATETIME_TEXT_MAX], int64_t local_us); // "2024-02-29 12:34:56.1"
size_t timestamp_text(char out[DATETIME_TEXT_MAX], int64_t utc_us, const struct zone *zone);
// "2024-02-29T12:34:56.100Z", ".123+02:00": to_json and progress.
size_t timestamp_text_iso(char out[DATETIME_TEXT_MAX], int64_t utc_us, const struct zone *zone);

#endif
