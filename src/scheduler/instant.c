// SPDX-License-Identifier: Apache-2.0
#include "scheduler/instant.h"

int64_t instant_from_local(const struct zone *zone, int64_t local_us)
{
    // The offsets a day either side tell which transition, if any, is near; no zone changes twice
    // in two days.
    int64_t before = zone_offset_us(zone, local_us - INSTANT_DAY);
    int64_t after = zone_offset_us(zone, local_us + INSTANT_DAY);
    if (before == after)
        return local_us - before;
    // Clock set back: both readings may be valid and the later one (the offset after) wins if it
    // is. Clock set forward: the reading before the change is valid, or the time is in the gap.
    int64_t late = local_us - after;
    if (zone_offset_us(zone, late) == after)
        return late;
    return local_us - before;
}

// --- text ---

static bool digits(const char **at, int count, int32_t *out)
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

err_t instant_parse(const char *text, const struct zone *zone, int64_t *out, struct diag *diag)
{
    const char *at = text;
    struct civil date;
    int64_t local = 0, offset_us = 0;
    bool given = false;
    bool good = digits(&at, 4, &date.year) && *at == '-' && (at++, digits(&at, 2, &date.month)) &&
                *at == '-' && (at++, digits(&at, 2, &date.day)) && date.year > 0 &&
                date.month >= 1 && date.month <= 12 && date.day >= 1 &&
                date.day <= month_days(date.year, date.month);
    if (good && (*at == 'T' || *at == ' ' || *at == 't'))
        good = (at++, time_of_day(&at, &local)) && offset(&at, &given, &offset_us);
    if (!good || *at)
        return FAIL(diag, ERR_INVALID,
                    "'%.60s' is not a date, expected 2026-11-21 or 2026-11-21T05:30:00+01:00",
                    text);
    local += civil_days(date.year, date.month, date.day) * INSTANT_DAY;
    *out = given || !zone ? local - offset_us : instant_from_local(zone, local);
    return ERR_OK;
}

static void append_clock(struct str *out, int64_t instant_us, const char *suffix)
{
    int64_t days = floor_div(instant_us, INSTANT_DAY);
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
    struct civil date;
    civil_from_days((int32_t)floor_div(instant_us, INSTANT_DAY), &date);
    str_printf(out, "%04d-%02d-%02d", date.year, date.month, date.day);
}
