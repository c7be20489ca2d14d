// SPDX-License-Identifier: Apache-2.0
//
// Day numbers follow Howard Hinnant's days_from_civil: eras of 400 years that begin on March 1.
#include "scheduler/instant.h"

#include "base/mem.h"

#include <stdlib.h>
#include <unicode/ucal.h>
#include <unicode/ustring.h>

int64_t instant_floor_div(int64_t value, int64_t by)
{
    int64_t quotient = value / by;
    return value % by < 0 ? quotient - 1 : quotient;
}

int64_t instant_days_of(struct instant_date date)
{
    int64_t year = date.month <= 2 ? (int64_t)date.year - 1 : date.year;
    int64_t era = instant_floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

struct instant_date instant_date_of(int64_t days)
{
    days += 719468;
    int64_t era = instant_floor_div(days, 146097);
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct instant_date date = {
        .year = (int)(year_of_era + era * 400 + (month >= 10)),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
    };
    return date;
}

int instant_month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

// --- zones ---

struct instant_zone {
    char *name;
    UCalendar *calendar; // NULL: UTC
};

err_t instant_zone_open(struct instant_zone **out, const char *name, struct diag *diag)
{
    UCalendar *calendar = NULL;
    if (strcmp(name, "UTC") != 0 && strcmp(name, "utc") != 0) {
        UChar wide[64], canonical[64];
        UErrorCode status = U_ZERO_ERROR;
        int32_t size = 0;
        u_strFromUTF8(wide, 64, &size, name, -1, &status);
        if (U_FAILURE(status) || size >= 64)
            return FAIL(diag, ERR_NOT_FOUND, "unknown time zone '%.80s'", name);
        ucal_getCanonicalTimeZoneID(wide, size, canonical, 64, NULL, &status);
        if (U_FAILURE(status) || strcmp(name, "Etc/Unknown") == 0)
            return FAIL(
                diag, ERR_NOT_FOUND,
                "unknown time zone '%.80s', expected a name such as 'Europe/Berlin' or 'UTC'",
                name);
        calendar = ucal_open(wide, size, "en", UCAL_GREGORIAN, &status);
        if (U_FAILURE(status))
            return FAIL(diag, ERR_INTERNAL, "cannot open time zone '%.80s': %s", name,
                        u_errorName(status));
    }
    struct instant_zone *zone = MEM_NEW(struct instant_zone);
    zone->name = mem_strdup(name);
    zone->calendar = calendar;
    *out = zone;
    return ERR_OK;
}

void instant_zone_close(struct instant_zone *zone)
{
    if (!zone)
        return;
    if (zone->calendar)
        ucal_close(zone->calendar);
    mem_free(zone->name);
    mem_free(zone);
}

const char *instant_zone_name(const struct instant_zone *zone)
{
    return zone->name;
}

int64_t instant_zone_offset_us(const struct instant_zone *zone, int64_t instant_us)
{
    if (!zone->calendar)
        return 0;
    UErrorCode status = U_ZERO_ERROR;
    ucal_setMillis(zone->calendar, (double)instant_floor_div(instant_us, 1000), &status);
    int64_t offset_ms = ucal_get(zone->calendar, UCAL_ZONE_OFFSET, &status);
    offset_ms += ucal_get(zone->calendar, UCAL_DST_OFFSET, &status);
    return U_FAILURE(status) ? 0 : offset_ms * 1000;
}

int64_t instant_zone_from_local(const struct instant_zone *zone, int64_t local_us)
{
    if (!zone->calendar)
        return local_us;
    // The offsets a day either side tell which transition, if any, is near; no zone changes twice
    // in two days.
    int64_t before = instant_zone_offset_us(zone, local_us - INSTANT_DAY);
    int64_t after = instant_zone_offset_us(zone, local_us + INSTANT_DAY);
    if (before == after)
        return local_us - before;
    // Clock set back: both readings may be valid and the later one (the offset after) wins if it
    // is. Clock set forward: the reading before the change is valid, or the time is in the gap.
    int64_t late = local_us - after;
    if (instant_zone_offset_us(zone, late) == after)
        return late;
    return local_us - before;
}

// --- text ---

static bool digits(const char **at, int count, int *out)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *at += count;
    *out = value;
    return true;
}

static bool fraction_us(const char **at, int64_t *out)
{
    if (**at != '.')
        return true;
    (*at)++;
    int64_t scale = 100000, value = 0;
    const char *start = *at;
    for (; **at >= '0' && **at <= '9'; (*at)++, scale /= 10)
        value += (**at - '0') * scale;
    *out += value;
    return *at != start;
}

static bool time_of_day(const char **at, int64_t *out)
{
    int hour, minute, second = 0;
    if (!digits(at, 2, &hour) || **at != ':' || (++*at, !digits(at, 2, &minute)))
        return false;
    if (**at == ':' && (++*at, !digits(at, 2, &second)))
        return false;
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *out += hour * INSTANT_HOUR + minute * INSTANT_MINUTE + second * INSTANT_SECOND;
    return fraction_us(at, out);
}

static bool offset(const char **at, bool *given, int64_t *out)
{
    *given = true;
    if (**at == 'Z' || **at == 'z') {
        (*at)++;
        return true;
    }
    if (**at != '+' && **at != '-') {
        *given = false;
        return true;
    }
    int sign = *(*at)++ == '-' ? -1 : 1, hours, minutes = 0;
    if (!digits(at, 2, &hours))
        return false;
    if (**at == ':')
        (*at)++;
    if (**at && !digits(at, 2, &minutes))
        return false;
    *out = sign * (hours * INSTANT_HOUR + minutes * INSTANT_MINUTE);
    return hours < 24 && minutes < 60;
}

err_t instant_parse(const char *text, const struct instant_zone *zone, int64_t *out,
                    struct diag *diag)
{
    const char *at = text;
    struct instant_date date;
    int64_t local = 0, offset_us = 0;
    bool given = false;
    bool good = digits(&at, 4, &date.year) && *at == '-' && (at++, digits(&at, 2, &date.month)) &&
                *at == '-' && (at++, digits(&at, 2, &date.day)) && date.year > 0 &&
                date.month >= 1 && date.month <= 12 && date.day >= 1 &&
                date.day <= instant_month_days(date.year, date.month);
    if (good && (*at == 'T' || *at == ' ' || *at == 't'))
        good = (at++, time_of_day(&at, &local)) && offset(&at, &given, &offset_us);
    if (!good || *at)
        return FAIL(diag, ERR_INVALID,
                    "'%.60s' is not a date, expected 2026-11-21 or 2026-11-21T05:30:00+01:00",
                    text);
    local += instant_days_of(date) * INSTANT_DAY;
    *out = given || !zone ? local - offset_us : instant_zone_from_local(zone, local);
    return ERR_OK;
}

static void append_clock(struct str *out, int64_t instant_us, const char *suffix)
{
    int64_t days = instant_floor_div(instant_us, INSTANT_DAY);
    int64_t us = instant_us - days * INSTANT_DAY;
    instant_append_date(out, instant_us);
    int seconds = (int)(us / INSTANT_SECOND);
    str_printf(out, "T%02d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (us % INSTANT_SECOND)
        str_printf(out, ".%06d", (int)(us % INSTANT_SECOND));
    str_append_text(out, suffix);
}

void instant_append(struct str *out, int64_t instant_us)
{
    append_clock(out, instant_us, "Z");
}

void instant_append_offset(struct str *out, int64_t instant_us)
{
    append_clock(out, instant_us, "+00:00");
}

void instant_append_date(struct str *out, int64_t instant_us)
{
    struct instant_date date = instant_date_of(instant_floor_div(instant_us, INSTANT_DAY));
    str_printf(out, "%04d-%02d-%02d", date.year, date.month, date.day);
}
