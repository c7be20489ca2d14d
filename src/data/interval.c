// SPDX-License-Identifier: Apache-2.0
#include "data/interval.h"

#include "data/number.h"

#include <strings.h>

static const struct {
    const char *word;
    enum interval_unit unit;
} unit_words[] = {
    {"year", INTERVAL_YEAR},
    {"month", INTERVAL_MONTH},
    {"day", INTERVAL_DAY},
    {"hour", INTERVAL_HOUR},
    {"minute", INTERVAL_MINUTE},
    {"second", INTERVAL_SECOND},
    {"week", INTERVAL_WEEK},
    {"millisecond", INTERVAL_MILLISECOND},
    {"microsecond", INTERVAL_MICROSECOND},
    {"quarter", INTERVAL_QUARTER},
};

bool interval_unit_find(struct bytes word, enum interval_unit *out)
{
    for (size_t i = 0; i < sizeof unit_words / sizeof *unit_words; i++) {
        size_t n = strlen(unit_words[i].word);
        if (word.size < n || word.size > n + 1 ||
            strncasecmp((const char *)word.ptr, unit_words[i].word, n) != 0)
            continue;
        if (word.size == n || (word.ptr[n] | 32) == 's') {
            *out = unit_words[i].unit;
            return true;
        }
    }
    return false;
}

// --- reading
// -------------------------------------------------------------------------------------------

struct cursor {
    const char *at, *end;
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->end && is_blank(*c->at))
        c->at++;
}

static bool take_digits(struct cursor *c, int64_t *out)
{
    const char *start = c->at;
    int64_t value = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *c->at - '0', &value))
            return false;
    *out = value;
    return c->at > start;
}

// ".5" as 500000 microseconds; up to nine digits.
static bool take_fraction(struct cursor *c, int64_t *us)
{
    *us = 0;
    if (c->at == c->end || *c->at != '.')
        return true;
    const char *start = ++c->at;
    int64_t unit = 100000;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9' && c->at - start < 9; c->at++) {
        *us += unit * (*c->at - '0');
        unit /= 10;
    }
    return true;
}

static bool add_unit(struct interval *out, enum interval_unit unit, int64_t value)
{
    static const int64_t month_sizes[] = {
        [INTERVAL_YEAR] = 12, [INTERVAL_MONTH] = 1, [INTERVAL_QUARTER] = 3};
    static const int64_t us_sizes[] = {[INTERVAL_HOUR] = US_PER_HOUR,
                                       [INTERVAL_MINUTE] = US_PER_MINUTE,
                                       [INTERVAL_SECOND] = US_PER_SECOND,
                                       [INTERVAL_MILLISECOND] = 1000,
                                       [INTERVAL_MICROSECOND] = 1};
    int64_t size = 0;
    if (unit == INTERVAL_YEAR || unit == INTERVAL_MONTH || unit == INTERVAL_QUARTER) {
        if (__builtin_mul_overflow(value, month_sizes[unit], &size))
            return false;
        return !__builtin_add_overflow(out->months, size, &out->months);
    }
    if (unit == INTERVAL_DAY || unit == INTERVAL_WEEK) {
        if (__builtin_mul_overflow(value, unit == INTERVAL_WEEK ? 7 : 1, &size))
            return false;
        return !__builtin_add_overflow(out->days, size, &out->days);
    }
    return !__builtin_mul_overflow(value, us_sizes[unit], &size) &&
           !__builtin_add_overflow(out->us, size, &out->us);
}

static bool take_part(struct cursor *c, struct interval *out)
{
    bool negative = false;
    if (*c->at == '-' || *c->at == '+') {
        negative = *c->at++ == '-';
        skip_blanks(c);
    }
    int64_t value = 0, fraction;
    bool point_first = c->at < c->end && *c->at == '.';
    if (!point_first && !take_digits(c, &value))
        return false;
    bool has_fraction = c->at < c->end && *c->at == '.';
    const char *point = c->at;
    if (!take_fraction(c, &fraction) || (point_first && c->at == point + 1))
        return false;
    if (c->at == c->end || !is_blank(*c->at))
        return false;
    skip_blanks(c);
    const char *word = c->at;
    while (c->at < c->end && ((*c->at | 32) >= 'a' && (*c->at | 32) <= 'z'))
        c->at++;
    enum interval_unit unit;
    if (!interval_unit_find(bytes_make(word, (size_t)(c->at - word)), &unit) ||
        unit == INTERVAL_QUARTER || (has_fraction && unit != INTERVAL_SECOND))
        return false;
    if (c->at < c->end && !is_blank(*c->at))
        return false;
    skip_blanks(c);
    return add_unit(out, unit, negative ? -value : value) &&
           add_unit(out, INTERVAL_MICROSECOND, negative ? -fraction : fraction);
}

err_t interval_parse(struct interval *out, struct bytes text, struct diag *diag)
{
    struct bytes trimmed = number_trim(text);
    struct cursor c = {(const char *)trimmed.ptr, (const char *)trimmed.ptr + trimmed.size};
    *out = (struct interval){0};
    if (trimmed.size > 9 && strncasecmp(c.at, "interval", 8) == 0 && is_blank(c.at[8])) {
        c.at += 8;
        skip_blanks(&c);
    }
    bool fine = c.at < c.end;
    while (fine && c.at < c.end)
        fine = take_part(&c, out);
    if (!fine)
        return FAIL(diag, ERR_INVALID,
                    "'%.*s' is no interval; expected such as '1 day 2 hours' or '10 minutes'",
                    BYTES_PRINT(text));
    return ERR_OK;
}

static bool take_byte(struct cursor *c, char byte)
{
    if (c->at == c->end || *c->at != byte)
        return false;
    c->at++;
    return true;
}

// Fields `from` to `to` of DAY TO SECOND: "d h:m:s.f". Only the first field may pass its usual
// range.
static bool take_day_time(struct cursor *c, enum interval_unit from, enum interval_unit to,
                          struct interval *out)
{
    static const int64_t sizes[] = {US_PER_DAY, US_PER_HOUR, US_PER_MINUTE, US_PER_SECOND};
    static const int64_t most[] = {0, 23, 59, 59};
    for (enum interval_unit unit = from; unit <= to; unit++) {
        int64_t value, fraction = 0, size;
        if (unit > from && !take_byte(c, unit == INTERVAL_HOUR ? ' ' : ':'))
            return false;
        if (!take_digits(c, &value) || (unit > from && value > most[unit - INTERVAL_DAY]))
            return false;
        if (unit == INTERVAL_SECOND && !take_fraction(c, &fraction))
            return false;
        if (__builtin_mul_overflow(value, sizes[unit - INTERVAL_DAY], &size) ||
            __builtin_add_overflow(size, fraction, &size) ||
            __builtin_add_overflow(out->us, size, &out->us))
            return false;
    }
    return true;
}

static bool take_literal(struct cursor *c, enum interval_unit from, enum interval_unit to,
                         struct interval *out)
{
    int64_t value, months;
    if (from >= INTERVAL_DAY && to <= INTERVAL_SECOND)
        return take_day_time(c, from, to, out);
    if (!take_digits(c, &value))
        return false;
    if (from == to && from >= INTERVAL_WEEK) { // days count as 24 hours here
        struct interval part = {0};
        int64_t us;
        if (!add_unit(&part, from, value) ||
            __builtin_mul_overflow((int64_t)part.days, US_PER_DAY, &us))
            return false;
        out->months = part.months;
        out->us = part.us + us;
        return true;
    }
    if (from == to)
        return add_unit(out, from, value);
    if (from != INTERVAL_YEAR || to != INTERVAL_MONTH || !take_byte(c, '-') ||
        !take_digits(c, &months) || months > 11)
        return false;
    return add_unit(out, INTERVAL_YEAR, value) && add_unit(out, INTERVAL_MONTH, months);
}

err_t interval_parse_literal(struct interval *out, struct bytes text, enum interval_unit from,
                             enum interval_unit to, struct diag *diag)
{
    struct bytes trimmed = number_trim(text);
    struct cursor c = {(const char *)trimmed.ptr, (const char *)trimmed.ptr + trimmed.size};
    *out = (struct interval){0};
    bool negative = false;
    if (c.at < c.end && (*c.at == '-' || *c.at == '+'))
        negative = *c.at++ == '-';
    if (!take_literal(&c, from, to, out) || c.at != c.end) {
        const char *from_word = unit_words[from].word, *to_word = unit_words[to].word;
        return FAIL(diag, ERR_INVALID, "'%.*s' is no interval %s%s%s", BYTES_PRINT(text), from_word,
                    from == to ? "" : " to ", from == to ? "" : to_word);
    }
    if (negative)
        *out = (struct interval){-out->months, -out->days, -out->us};
    return ERR_OK;
}

// --- writing
// -------------------------------------------------------------------------------------------

static void put_unit(struct str *out, int64_t value, const char *unit)
{
    if (value)
        str_printf(out, "%lld %s ", (long long)value, unit);
}

// Seconds with what is needed of six digits; `pad` puts a zero before one whole digit.
static void put_seconds(struct str *out, int64_t us, bool pad)
{
    uint64_t size = us < 0 ? -(uint64_t)us : (uint64_t)us;
    str_printf(out, pad ? "%s%02llu" : "%s%llu", us < 0 ? "-" : "",
               (unsigned long long)(size / US_PER_SECOND));
    uint64_t rest = size % US_PER_SECOND;
    if (rest == 0)
        return;
    char digits[12];
    int count = snprintf(digits, sizeof digits, ".%06u", (unsigned)rest);
    while (digits[count - 1] == '0')
        count--;
    str_append(out, digits, (size_t)count);
}

void interval_write(struct str *out, struct interval interval)
{
    size_t start = out->size;
    put_unit(out, interval.months / 12, "years");
    put_unit(out, interval.months % 12, "months");
    put_unit(out, interval.days, "days");
    put_unit(out, interval.us / US_PER_HOUR, "hours");
    put_unit(out, interval.us % US_PER_HOUR / US_PER_MINUTE, "minutes");
    if (interval.us % US_PER_MINUTE) {
        put_seconds(out, interval.us % US_PER_MINUTE, false);
        str_append_text(out, " seconds ");
    }
    if (out->size == start)
        str_append_text(out, "0 seconds ");
    out->ptr[--out->size] = '\0';
}

void interval_write_ym(struct str *out, int32_t months, const struct type *type)
{
    const char *sign = months < 0 ? "-" : "";
    uint32_t size = months < 0 ? -(uint32_t)months : (uint32_t)months;
    if (type->from_unit != type->to_unit)
        str_printf(out, "INTERVAL '%s%u-%u' YEAR TO MONTH", sign, size / 12, size % 12);
    else if (type->from_unit == INTERVAL_YEAR)
        str_printf(out, "INTERVAL '%s%u' YEAR", sign, size / 12);
    else
        str_printf(out, "INTERVAL '%s%u' MONTH", sign, size);
}

void interval_write_dt(struct str *out, int64_t us, const struct type *type)
{
    static const char *const names[] = {"DAY", "HOUR", "MINUTE", "SECOND"};
    static const int64_t sizes[] = {US_PER_DAY, US_PER_HOUR, US_PER_MINUTE, 1};
    uint64_t rest = us < 0 ? -(uint64_t)us : (uint64_t)us;
    str_printf(out, "INTERVAL '%s", us < 0 ? "-" : "");
    for (int unit = type->from_unit; unit <= type->to_unit; unit++) {
        if (unit > type->from_unit)
            str_append_byte(out, unit == 1 ? ' ' : ':');
        if (unit == 3) {
            put_seconds(out, (int64_t)rest, true);
            break;
        }
        str_printf(out, unit == 0 ? "%llu" : "%02llu",
                   (unsigned long long)(rest / (uint64_t)sizes[unit]));
        rest %= (uint64_t)sizes[unit];
    }
    str_printf(out, "' %s", names[type->from_unit]);
    if (type->to_unit != type->from_unit)
        str_printf(out, " TO %s", names[type->to_unit]);
}

// --- arithmetic
// ----------------------------------------------------------------------------------------

bool date_add_interval(int32_t days, struct interval interval, int32_t *out)
{
    int32_t moved = days;
    if (interval.us != 0 || (interval.months && !date_add_months(days, interval.months, &moved)))
        return false;
    return !__builtin_add_overflow(moved, interval.days, out);
}

bool local_add_interval(int64_t local_us, struct interval interval, int64_t *out)
{
    int64_t moved = local_us, days;
    if (interval.months && !local_add_months(local_us, interval.months, &moved))
        return false;
    return !__builtin_mul_overflow((int64_t)interval.days, US_PER_DAY, &days) &&
           !__builtin_add_overflow(moved, days, &moved) &&
           !__builtin_add_overflow(moved, interval.us, out);
}

bool timestamp_add_interval(int64_t utc_us, struct interval interval, const struct zone *zone,
                            int64_t *out)
{
    int64_t moved = utc_us;
    if (interval.months || interval.days) {
        struct interval whole_days = {interval.months, interval.days, 0};
        if (!local_add_interval(zone_local_us(zone, utc_us), whole_days, &moved))
            return false;
        moved = zone_utc_us(zone, moved);
    }
    return !__builtin_add_overflow(moved, interval.us, out);
}
