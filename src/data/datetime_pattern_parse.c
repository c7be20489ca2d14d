// SPDX-License-Identifier: Apache-2.0
//
// Reads a text by a compiled pattern, strictly: a number of one letter takes as many digits as
// there are (less those the fixed numbers right behind need), of two letters exactly two, yyyy
// exactly four unless a sign comes first. What stands in [brackets] may be absent.
#include "data/datetime_pattern_int.h"

#include <strings.h>

struct state {
    const char *at, *end;
    const struct zone *zone;
    int64_t year, month, day, day_of_year; // 0: not given (year has its own flag)
    int64_t hour, hour12, minute, second, us;
    bool has_year, has_hour, has_hour12, pm, before_christ;
    bool has_offset;
    int64_t offset_s;
};

static bool take_digits(struct state *s, int least, int most, int64_t *out)
{
    const char *start = s->at;
    int64_t value = 0;
    while (s->at < s->end && s->at - start < most && *s->at >= '0' && *s->at <= '9')
        value = value * 10 + (*s->at++ - '0');
    *out = value;
    return s->at - start >= least;
}

// How many digits a number of one letter may take.
static int available(const struct state *s, const struct pattern_item *item)
{
    int run = 0;
    while (run < 18 && s->at + run < s->end && s->at[run] >= '0' && s->at[run] <= '9')
        run++;
    run -= item->reserve;
    return run > 9 ? 9 : run;
}

static bool take_number(struct state *s, const struct pattern_item *item, int64_t least,
                        int64_t most, int64_t *out)
{
    int width = item->count;
    bool fine =
        width == 1 ? take_digits(s, 1, available(s, item), out) : take_digits(s, width, width, out);
    return fine && *out >= least && *out <= most;
}

static bool take_year(struct state *s, const struct pattern_item *item)
{
    s->has_year = true;
    if (item->count == 2) {
        bool fine = take_digits(s, 2, 2, &s->year);
        s->year += 2000;
        return fine;
    }
    char sign = s->at < s->end && (*s->at == '-' || *s->at == '+') ? *s->at++ : 0;
    int run = available(s, item);
    int least = sign == '+' && item->count >= 4 ? item->count + 1 : item->count;
    int most = sign || item->count == 1 ? run : item->count;
    if (run < least || !take_digits(s, least, most, &s->year))
        return false;
    if (sign == '-')
        s->year = -s->year;
    return true;
}

static bool take_word(struct state *s, const char *word, size_t size)
{
    if ((size_t)(s->end - s->at) < size || strncasecmp(s->at, word, size) != 0)
        return false;
    s->at += size;
    return true;
}

static bool take_month(struct state *s, const struct pattern_item *item)
{
    if (item->count < 3)
        return take_number(s, item, 1, 12, &s->month);
    for (int i = 0; i < 12; i++) {
        const char *name = datetime_pattern_months[i];
        if (take_word(s, name, item->count == 3 ? 3 : strlen(name))) {
            s->month = i + 1;
            return true;
        }
    }
    return false;
}

static bool take_fraction(struct state *s, const struct pattern_item *item)
{
    const char *start = s->at;
    int64_t value;
    if (!take_digits(s, 1, item->count, &value))
        return false;
    for (int64_t digits = s->at - start; digits != 6; digits += digits < 6 ? 1 : -1)
        value = digits < 6 ? value * 10 : value / 10;
    s->us = value;
    return true;
}

static bool take_colon(struct state *s, bool colon)
{
    return !colon || (s->at < s->end && *s->at++ == ':');
}

// [+-]hh with mm and ss as the letters' count says (X x Z).
static bool take_offset(struct state *s, const struct pattern_item *item)
{
    int count = item->letter == 'Z' ? (item->count == 5 ? 5 : 2) : item->count;
    bool z = item->letter == 'X' || (item->letter == 'Z' && item->count == 5);
    s->has_offset = true;
    s->offset_s = 0;
    if (z && take_word(s, "Z", 1))
        return true;
    if (s->at == s->end || (*s->at != '+' && *s->at != '-'))
        return false;
    bool negative = *s->at++ == '-', colon = count == 3 || count == 5;
    int64_t h, m = 0, sec = 0;
    if (!take_digits(s, 2, 2, &h))
        return false;
    const char *before = s->at;
    if (!take_colon(s, colon) || !take_digits(s, 2, 2, &m)) {
        if (count > 1)
            return false;
        s->at = before;
        m = 0;
    }
    before = s->at;
    if (count > 3 && (!take_colon(s, colon) || !take_digits(s, 2, 2, &sec))) {
        s->at = before;
        sec = 0;
    }
    s->offset_s = (h * 3600 + m * 60 + sec) * (negative ? -1 : 1);
    return m < 60 && sec < 60 && h * 3600 + m * 60 + sec <= 18 * 3600;
}

// GMT, GMT+8, GMT+08:00 (O, OOOO, ZZZZ).
static bool take_gmt(struct state *s)
{
    s->has_offset = true;
    s->offset_s = 0;
    if (!take_word(s, "GMT", 3))
        return false;
    if (s->at == s->end || (*s->at != '+' && *s->at != '-'))
        return true;
    bool negative = *s->at++ == '-';
    int64_t h, m = 0;
    if (!take_digits(s, 1, 2, &h))
        return false;
    if (s->at < s->end && *s->at == ':') {
        s->at++;
        if (!take_digits(s, 2, 2, &m))
            return false;
    }
    s->offset_s = (h * 3600 + m * 60) * (negative ? -1 : 1);
    return m < 60 && h <= 18;
}

// A region id or an abbreviation: the longest run of its characters that is a zone.
static bool take_zone(struct state *s)
{
    const char *stop = s->at;
    while (stop < s->end && stop - s->at < 40 &&
           (((*stop | 32) >= 'a' && (*stop | 32) <= 'z') ||
            (*stop && strchr("/_+-:0123456789", *stop))))
        stop++;
    for (; stop > s->at; stop--) {
        struct bytes name = bytes_make(s->at, (size_t)(stop - s->at));
        if (zone_find(&s->zone, name, NULL) == ERR_OK) {
            s->at = stop;
            s->has_offset = false;
            return true;
        }
    }
    return false;
}

static bool take_hour12(struct state *s, const struct pattern_item *item, int64_t least,
                        int64_t most)
{
    s->has_hour12 = true;
    bool fine = take_number(s, item, least, most, &s->hour12);
    s->hour12 %= 12;
    return fine;
}

static bool take_item(struct state *s, const struct pattern_item *item)
{
    switch (item->letter) {
    case PATTERN_LITERAL:
        return take_word(s, (const char *)item->text.ptr, item->text.size);
    case 'G':
        s->before_christ = take_word(s, "BC", 2);
        return s->before_christ || take_word(s, "AD", 2);
    case 'y':
        return take_year(s, item);
    case 'M':
    case 'L':
        return take_month(s, item);
    case 'd':
        return take_number(s, item, 1, 31, &s->day);
    case 'D':
        return take_number(s, item, 1, 366, &s->day_of_year);
    case 'a':
        s->pm = take_word(s, "PM", 2);
        return s->pm || take_word(s, "AM", 2);
    case 'H':
        s->has_hour = true;
        return take_number(s, item, 0, 23, &s->hour);
    case 'k': {
        s->has_hour = true;
        bool fine = take_number(s, item, 1, 24, &s->hour);
        s->hour %= 24;
        return fine;
    }
    case 'K':
        return take_hour12(s, item, 0, 11);
    case 'h':
        return take_hour12(s, item, 1, 12);
    case 'm':
        return take_number(s, item, 0, 59, &s->minute);
    case 's':
        return take_number(s, item, 0, 59, &s->second);
    case 'S':
        return take_fraction(s, item);
    case 'V':
    case 'z':
        return take_zone(s);
    case 'X':
    case 'x':
        return take_offset(s, item);
    case 'Z':
        return item->count == 4 ? take_gmt(s) : take_offset(s, item);
    case 'O':
        return take_gmt(s);
    default:
        return false;
    }
}

static bool take_items(struct state *s, const struct datetime_pattern *pattern, size_t from,
                       size_t to)
{
    for (size_t i = from; i < to; i++) {
        const struct pattern_item *item = &pattern->items[i];
        if (item->letter != PATTERN_OPEN) {
            if (item->letter != PATTERN_CLOSE && !take_item(s, item))
                return false;
            continue;
        }
        struct state before = *s;
        if (!take_items(s, pattern, i + 1, item->close))
            *s = before;
        i = item->close;
    }
    return true;
}

static bool resolve(const struct state *s, int64_t *utc_us)
{
    int64_t year = s->has_year ? (s->before_christ ? 1 - s->year : s->year) : 1970;
    int64_t month = s->month ? s->month : 1, day = s->day ? s->day : 1;
    int64_t hour = s->has_hour ? s->hour : s->has_hour12 ? s->hour12 + (s->pm ? 12 : 0) : 0;
    int64_t local;
    if (!local_make(year, month, day, hour, s->minute, s->second, s->us, &local))
        return false;
    if (s->day_of_year && !s->month && !s->day) {
        if (s->day_of_year > 365 + year_is_leap(year))
            return false;
        if (__builtin_add_overflow(local, (s->day_of_year - 1) * US_PER_DAY, &local))
            return false;
    }
    if (s->has_offset)
        return !__builtin_sub_overflow(local, s->offset_s * US_PER_SECOND, utc_us);
    *utc_us = zone_utc_us(s->zone, local);
    return true;
}

bool datetime_pattern_parse(const struct datetime_pattern *pattern, struct bytes text,
                            const struct zone *zone, int64_t *utc_us)
{
    if (text.size == 0)
        return false;
    struct state state = {.at = (const char *)text.ptr, .zone = zone};
    state.end = state.at + text.size;
    return take_items(&state, pattern, 0, pattern->count) && state.at == state.end &&
           resolve(&state, utc_us);
}
