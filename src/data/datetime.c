// SPDX-License-Identifier: Apache-2.0
//
// Days <-> civil dates by eras of 400 years that begin in March, so that the leap day is the last
// of its year (Howard Hinnant's formulas).
#include "data/datetime.h"

#include <math.h>
#include <strings.h>

int64_t civil_days(int64_t year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = floor_div(y, 400);
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void civil_from_days(int32_t days, struct civil *out)
{
    int64_t z = (int64_t)days + 719468;
    int64_t era = floor_div(z, 146097);
    uint32_t of_era = (uint32_t)(z - era * 146097);
    uint32_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint32_t of_year = of_era - (365 * y + y / 4 - y / 100);
    uint32_t m = (5 * of_year + 2) / 153;
    *out = (struct civil){
        .day = (int32_t)(of_year - (153 * m + 2) / 5 + 1),
        .month = (int32_t)(m < 10 ? m + 3 : m - 9),
    };
    out->year = (int32_t)(era * 400 + y) + (out->month <= 2);
}

void civil_from_local_us(int64_t local_us, struct civil *out)
{
    int64_t days = floor_div(local_us, US_PER_DAY);
    int64_t us = floor_mod(local_us, US_PER_DAY);
    civil_from_days((int32_t)days, out);
    out->hour = (int32_t)(us / US_PER_HOUR);
    out->minute = (int32_t)(us / US_PER_MINUTE % 60);
    out->second = (int32_t)(us / US_PER_SECOND % 60);
    out->us = (int32_t)(us % US_PER_SECOND);
}

bool year_is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int month_days(int64_t year, int month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && year_is_leap(year));
}

bool date_make(int64_t year, int64_t month, int64_t day, int32_t *days)
{
    if (year < -6000000 || year > 6000000 || month < 1 || month > 12 || day < 1 ||
        day > month_days(year, (int)month))
        return false;
    int64_t value = civil_days(year, (int)month, (int)day);
    *days = (int32_t)value;
    return value == *days;
}

bool local_make(int64_t year, int64_t month, int64_t day, int64_t hour, int64_t minute,
                int64_t second, int64_t us, int64_t *local_us)
{
    int32_t days;
    if (!date_make(year, month, day, &days) || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
        second < 0 || second > 60 || us < 0 || us >= US_PER_SECOND || (second == 60 && us > 0))
        return false;
    int64_t of_day = hour * US_PER_HOUR + minute * US_PER_MINUTE + second * US_PER_SECOND + us;
    int64_t start;
    return !__builtin_mul_overflow((int64_t)days, US_PER_DAY, &start) &&
           !__builtin_add_overflow(start, of_day, local_us);
}

// --- fields
// --------------------------------------------------------------------------------------------

static bool word_is(struct bytes word, const char *text)
{
    return word.size == strlen(text) && strncasecmp((const char *)word.ptr, text, word.size) == 0;
}

bool datetime_field_find(struct bytes word, enum datetime_field *out)
{
    static const struct {
        const char *word;
        enum datetime_field field;
    } words[] = {{"YEAR", FIELD_YEAR},
                 {"Y", FIELD_YEAR},
                 {"YEARS", FIELD_YEAR},
                 {"YR", FIELD_YEAR},
                 {"YRS", FIELD_YEAR},
                 {"YEAROFWEEK", FIELD_YEAR_OF_WEEK},
                 {"QUARTER", FIELD_QUARTER},
                 {"QTR", FIELD_QUARTER},
                 {"MONTH", FIELD_MONTH},
                 {"MON", FIELD_MONTH},
                 {"MONS", FIELD_MONTH},
                 {"MONTHS", FIELD_MONTH},
                 {"WEEK", FIELD_WEEK},
                 {"W", FIELD_WEEK},
                 {"WEEKS", FIELD_WEEK},
                 {"DAY", FIELD_DAY},
                 {"D", FIELD_DAY},
                 {"DAYS", FIELD_DAY},
                 {"DAYOFWEEK", FIELD_DAY_OF_WEEK},
                 {"DOW", FIELD_DAY_OF_WEEK},
                 {"DAYOFWEEK_ISO", FIELD_DAY_OF_WEEK_ISO},
                 {"DOW_ISO", FIELD_DAY_OF_WEEK_ISO},
                 {"DOY", FIELD_DAY_OF_YEAR},
                 {"HOUR", FIELD_HOUR},
                 {"H", FIELD_HOUR},
                 {"HOURS", FIELD_HOUR},
                 {"HR", FIELD_HOUR},
                 {"HRS", FIELD_HOUR},
                 {"MINUTE", FIELD_MINUTE},
                 {"M", FIELD_MINUTE},
                 {"MIN", FIELD_MINUTE},
                 {"MINS", FIELD_MINUTE},
                 {"MINUTES", FIELD_MINUTE},
                 {"SECOND", FIELD_SECOND},
                 {"S", FIELD_SECOND},
                 {"SEC", FIELD_SECOND},
                 {"SECONDS", FIELD_SECOND},
                 {"SECS", FIELD_SECOND}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (word_is(word, words[i].word)) {
            *out = words[i].field;
            return true;
        }
    return false;
}

static int32_t weekday_of(int32_t days) // 0 = Monday
{
    return (int32_t)floor_mod((int64_t)days + 3, 7);
}

static int32_t day_of_year(const struct civil *civil, int32_t days)
{
    return days - (int32_t)civil_days(civil->year, 1, 1) + 1;
}

// The Thursday of a week decides its year.
static int32_t week_of(int32_t days, bool year)
{
    struct civil thursday;
    int32_t day = days - weekday_of(days) + 3;
    civil_from_days(day, &thursday);
    return year ? thursday.year : (day_of_year(&thursday, day) - 1) / 7 + 1;
}

int32_t date_field(enum datetime_field field, int32_t days)
{
    struct civil civil;
    civil_from_days(days, &civil);
    switch (field) {
    case FIELD_YEAR:
        return civil.year;
    case FIELD_YEAR_OF_WEEK:
        return week_of(days, true);
    case FIELD_QUARTER:
        return (civil.month + 2) / 3;
    case FIELD_MONTH:
        return civil.month;
    case FIELD_WEEK:
        return week_of(days, false);
    case FIELD_DAY:
        return civil.day;
    case FIELD_DAY_OF_WEEK:
        return (weekday_of(days) + 1) % 7 + 1;
    case FIELD_DAY_OF_WEEK_ISO:
        return weekday_of(days) + 1;
    case FIELD_DAY_OF_YEAR:
        return day_of_year(&civil, days);
    case FIELD_HOUR:
    case FIELD_MINUTE:
    case FIELD_SECOND:
        break;
    }
    return 0;
}

int32_t datetime_field(enum datetime_field field, int64_t local_us)
{
    if (field == FIELD_HOUR)
        return (int32_t)(floor_mod(local_us, US_PER_DAY) / US_PER_HOUR);
    if (field == FIELD_MINUTE)
        return (int32_t)(floor_mod(local_us, US_PER_HOUR) / US_PER_MINUTE);
    if (field == FIELD_SECOND)
        return (int32_t)floor_mod(local_us, US_PER_MINUTE);
    return date_field(field, (int32_t)floor_div(local_us, US_PER_DAY));
}

// --- truncation
// ----------------------------------------------------------------------------------------

bool trunc_unit_find(struct bytes word, enum trunc_unit *out)
{
    static const struct {
        const char *word;
        enum trunc_unit unit;
    } words[] = {{"MICROSECOND", TRUNC_MICROSECOND},
                 {"MILLISECOND", TRUNC_MILLISECOND},
                 {"SECOND", TRUNC_SECOND},
                 {"MINUTE", TRUNC_MINUTE},
                 {"HOUR", TRUNC_HOUR},
                 {"DAY", TRUNC_DAY},
                 {"DD", TRUNC_DAY},
                 {"WEEK", TRUNC_WEEK},
                 {"MON", TRUNC_MONTH},
                 {"MONTH", TRUNC_MONTH},
                 {"MM", TRUNC_MONTH},
                 {"QUARTER", TRUNC_QUARTER},
                 {"YEAR", TRUNC_YEAR},
                 {"YYYY", TRUNC_YEAR},
                 {"YY", TRUNC_YEAR}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (word_is(word, words[i].word)) {
            *out = words[i].unit;
            return true;
        }
    return false;
}

int32_t date_trunc(enum trunc_unit unit, int32_t days)
{
    struct civil civil;
    if (unit < TRUNC_WEEK)
        return days;
    if (unit == TRUNC_WEEK)
        return days - weekday_of(days);
    civil_from_days(days, &civil);
    int month = unit == TRUNC_YEAR      ? 1
                : unit == TRUNC_QUARTER ? (civil.month - 1) / 3 * 3 + 1
                                        : civil.month;
    return (int32_t)civil_days(civil.year, month, 1);
}

int64_t local_trunc(enum trunc_unit unit, int64_t local_us)
{
    static const int64_t sizes[] = {
        [TRUNC_MICROSECOND] = 1,        [TRUNC_MILLISECOND] = 1000, [TRUNC_SECOND] = US_PER_SECOND,
        [TRUNC_MINUTE] = US_PER_MINUTE, [TRUNC_HOUR] = US_PER_HOUR, [TRUNC_DAY] = US_PER_DAY,
    };
    // Unsigned, because the first unit of the range begins before the range.
    if (unit >= TRUNC_WEEK)
        return (int64_t)((uint64_t)date_trunc(unit, (int32_t)floor_div(local_us, US_PER_DAY)) *
                         US_PER_DAY);
    return (int64_t)((uint64_t)local_us - (uint64_t)floor_mod(local_us, sizes[unit]));
}

int64_t timestamp_trunc(enum trunc_unit unit, int64_t utc_us, const struct zone *zone)
{
    if (unit <= TRUNC_SECOND)
        return local_trunc(unit, utc_us);
    int64_t offset = zone_offset_us(zone, utc_us), same;
    int64_t local = local_trunc(unit, zone_local_us(zone, utc_us));
    // In the repeated hour of autumn the same offset stays, as Java's ZonedDateTime does.
    if (unit <= TRUNC_DAY && !__builtin_sub_overflow(local, offset, &same) &&
        zone_offset_us(zone, same) == offset)
        return same;
    return zone_utc_us(zone, local);
}

// --- arithmetic
// ----------------------------------------------------------------------------------------

bool date_add_months(int32_t days, int64_t months, int32_t *out)
{
    struct civil civil;
    civil_from_days(days, &civil);
    int64_t total;
    if (__builtin_add_overflow(civil.year * 12LL + civil.month - 1, months, &total))
        return false;
    int64_t year = floor_div(total, 12);
    int month = (int)floor_mod(total, 12) + 1;
    if (year < -6000000 || year > 6000000)
        return false;
    int last = month_days(year, month);
    return date_make(year, month, civil.day < last ? civil.day : last, out);
}

bool local_add_months(int64_t local_us, int64_t months, int64_t *out)
{
    int64_t days = floor_div(local_us, US_PER_DAY), start;
    int32_t moved;
    if (!date_add_months((int32_t)days, months, &moved) ||
        __builtin_mul_overflow((int64_t)moved, US_PER_DAY, &start))
        return false;
    return !__builtin_add_overflow(start, floor_mod(local_us, US_PER_DAY), out);
}

int32_t date_last_day(int32_t days)
{
    struct civil civil;
    civil_from_days(days, &civil);
    return days - civil.day + month_days(civil.year, civil.month);
}

bool weekday_find(struct bytes word, int *out)
{
    static const char *const names[] = {"MONDAY", "TUESDAY",  "WEDNESDAY", "THURSDAY",
                                        "FRIDAY", "SATURDAY", "SUNDAY"};
    for (int i = 0; i < 7; i++) {
        bool whole = word.size == strlen(names[i]) || word.size == 2 || word.size == 3;
        if (whole && strncasecmp((const char *)word.ptr, names[i], word.size) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

int32_t date_next_day(int32_t days, int weekday)
{
    int64_t ahead = floor_mod((int64_t)weekday - weekday_of(days), 7);
    return (int32_t)(days + (ahead ? ahead : 7));
}

double months_between(int64_t local1_us, int64_t local2_us, bool round_off)
{
    struct civil a, b;
    civil_from_local_us(local1_us, &a);
    civil_from_local_us(local2_us, &b);
    double months = (double)((a.year * 12LL + a.month) - (b.year * 12LL + b.month));
    bool last_a = a.day == month_days(a.year, a.month);
    bool last_b = b.day == month_days(b.year, b.month);
    if (a.day == b.day || (last_a && last_b))
        return months;
    int64_t seconds = (a.day - b.day) * 86400LL + floor_mod(local1_us, US_PER_DAY) / US_PER_SECOND -
                      floor_mod(local2_us, US_PER_DAY) / US_PER_SECOND;
    double result = months + (double)seconds / (31.0 * 86400);
    return round_off ? floor(result * 1e8 + 0.5) / 1e8 : result;
}
