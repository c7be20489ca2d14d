// SPDX-License-Identifier: Apache-2.0
//
// What CAST reads as a date or a timestamp, after Spark's DateTimeUtils: the fields are numbered 0
// year, 1 month, 2 day, 3 hour, 4 minute, 5 second, 6 fraction, and 7 stands behind them; a zone
// may follow the second or the fraction.
#include "data/datetime.h"

#include "data/number.h"

enum {
    SECOND = 5,
    FRACTION = 6,
    BEHIND = 7,
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

bool date_parse(struct bytes text, int32_t *days)
{
    text = number_trim(text);
    size_t at = 0;
    int sign = 1;
    if (text.size && (text.ptr[0] == '-' || text.ptr[0] == '+'))
        sign = text.ptr[at++] == '-' ? -1 : 1;
    int64_t fields[3] = {1, 1, 1};
    for (int i = 0; i < 3; i++) {
        size_t start = at;
        int64_t value = 0;
        for (; at < text.size && is_digit(text.ptr[at]) && at - start < 8; at++)
            value = value * 10 + (text.ptr[at] - '0');
        size_t digits = at - start;
        if (i == 0 ? digits < 4 || digits > 7 : digits < 1 || digits > 2)
            return false;
        fields[i] = value;
        if (at == text.size)
            break;
        uint8_t next = text.ptr[at++];
        if (i == 2 ? next != ' ' && next != 'T' : next != '-')
            return false;
    }
    return date_make(sign * fields[0], fields[1], fields[2], days);
}

struct fields {
    int64_t value[8];
    bool only_time;
    struct bytes zone; // ptr NULL: none
};

static bool digits_fit(int field, size_t digits)
{
    if (field == 0)
        return digits >= 4 && digits <= 6;
    if (field == FRACTION)
        return true;
    if (field == BEHIND)
        return digits <= 2;
    return digits > 0 && digits <= 2;
}

// The field that follows `byte` after `field`, or -1.
static int next_field(int field, uint8_t byte, bool is_signed)
{
    if (field < 2)
        return byte == '-' ? field + 1 : field == 0 && byte == ':' && !is_signed ? 4 : -1;
    if (field == 2)
        return byte == ' ' || byte == 'T' ? 3 : -1;
    if (field < SECOND)
        return byte == ':' ? field + 1 : -1;
    if (field == SECOND && byte == '.')
        return FRACTION;
    return field < BEHIND ? BEHIND : -1;
}

static bool split(struct fields *out, struct bytes text)
{
    *out = (struct fields){.value = {1, 1, 1}};
    text = number_trim(text);
    if (text.size == 0)
        return false;
    bool is_signed = text.ptr[0] == '-' || text.ptr[0] == '+';
    size_t at = is_signed, digits = 0, fraction_digits = 0;
    int field = 0;
    int64_t value = 0;
    if (text.ptr[0] == 'T') {
        out->only_time = true;
        field = 3;
        at = 1;
    }
    for (; at < text.size; at++) {
        uint8_t byte = text.ptr[at];
        if (is_digit(byte)) {
            if (digits < 7 && (field != FRACTION || digits < 6))
                value = value * 10 + (byte - '0');
            fraction_digits += field == FRACTION;
            digits++;
            continue;
        }
        int next = next_field(field, byte, is_signed);
        if (next < 0)
            return false;
        int target = field == 0 && next == 4 ? 3 : field;
        if (!digits_fit(target, digits))
            return false;
        out->only_time |= target != field;
        out->value[target] = value;
        value = 0;
        digits = 0;
        field = next;
        if (next == BEHIND) {
            out->zone = number_trim(bytes_make(text.ptr + at, text.size - at));
            break;
        }
    }
    if (!digits_fit(field, digits))
        return false;
    out->value[field] = value;
    for (; fraction_digits < 6; fraction_digits++)
        out->value[FRACTION] *= 10;
    if (is_signed && text.ptr[0] == '-')
        out->value[0] = -out->value[0];
    return true;
}

// The zone of a text; most are Z or a plain offset and need no table.
static bool find_zone(struct bytes name, const struct zone **zone)
{
    if (bytes_is(name, "Z")) {
        *zone = zone_utc;
        return true;
    }
    return zone_find(zone, name, NULL) == ERR_OK;
}

static bool make(const struct fields *fields, int64_t day_us, int64_t *local_us)
{
    const int64_t *v = fields->value;
    if (v[SECOND] > 59)
        return false;
    if (!fields->only_time)
        return local_make(v[0], v[1], v[2], v[3], v[4], v[SECOND], v[FRACTION], local_us);
    int64_t time;
    if (!local_make(1970, 1, 1, v[3], v[4], v[SECOND], v[FRACTION], &time))
        return false;
    *local_us = day_us + time;
    return true;
}

bool timestamp_parse(struct bytes text, const struct zone *zone, int64_t now_us, int64_t *utc_us)
{
    struct fields fields;
    if (!split(&fields, text) || (fields.zone.ptr && !find_zone(fields.zone, &zone)))
        return false;
    int64_t local, today = local_trunc(TRUNC_DAY, zone_local_us(zone, now_us));
    if (!make(&fields, today, &local))
        return false;
    *utc_us = zone_utc_us(zone, local);
    return true;
}

bool timestamp_ntz_parse(struct bytes text, bool allow_zone, int64_t *local_us)
{
    struct fields fields;
    const struct zone *zone;
    if (!split(&fields, text) || fields.only_time)
        return false;
    if (fields.zone.ptr && (!allow_zone || !find_zone(fields.zone, &zone)))
        return false;
    return make(&fields, 0, local_us);
}

// --- writing
// -------------------------------------------------------------------------------------------

static char *put2(char *t, int32_t value)
{
    t[0] = (char)('0' + value / 10);
    t[1] = (char)('0' + value % 10);
    return t + 2;
}

static char *put_date(char *t, const struct civil *civil)
{
    if (civil->year >= 0 && civil->year <= 9999) {
        t = put2(t, civil->year / 100);
        t = put2(t, civil->year % 100);
    } else {
        t += snprintf(t, 16, "%c%04d", civil->year < 0 ? '-' : '+',
                      civil->year < 0 ? -civil->year : civil->year);
    }
    *t++ = '-';
    t = put2(t, civil->month);
    *t++ = '-';
    return put2(t, civil->day);
}

static char *put_time(char *t, const struct civil *civil)
{
    t = put2(t, civil->hour);
    *t++ = ':';
    t = put2(t, civil->minute);
    *t++ = ':';
    return put2(t, civil->second);
}

size_t date_text(char out[DATETIME_TEXT_MAX], int32_t days)
{
    struct civil civil;
    civil_from_days(days, &civil);
    return (size_t)(put_date(out, &civil) - out);
}

size_t local_text(char out[DATETIME_TEXT_MAX], int64_t local_us)
{
    struct civil civil;
    civil_from_local_us(local_us, &civil);
    char *t = put_date(out, &civil);
    *t++ = ' ';
    t = put_time(t, &civil);
    if (civil.us) {
        *t++ = '.';
        for (int32_t unit = 100000, us = civil.us; us; us %= unit, unit /= 10)
            *t++ = (char)('0' + us / unit);
    }
    return (size_t)(t - out);
}

size_t timestamp_text(char out[DATETIME_TEXT_MAX], int64_t utc_us, const struct zone *zone)
{
    return local_text(out, zone_local_us(zone, utc_us));
}

size_t timestamp_text_iso(char out[DATETIME_TEXT_MAX], int64_t utc_us, const struct zone *zone)
{
    struct civil civil;
    int64_t offset = zone_offset_us(zone, utc_us) / US_PER_SECOND;
    civil_from_local_us(zone_local_us(zone, utc_us), &civil);
    char *t = put_date(out, &civil);
    *t++ = 'T';
    t = put_time(t, &civil);
    *t++ = '.';
    *t++ = (char)('0' + civil.us / 100000);
    t = put2(t, civil.us / 1000 % 100);
    if (offset == 0) {
        *t++ = 'Z';
        return (size_t)(t - out);
    }
    *t++ = offset < 0 ? '-' : '+';
    offset = offset < 0 ? -offset : offset;
    t = put2(t, (int32_t)(offset / 3600));
    *t++ = ':';
    return (size_t)(put2(t, (int32_t)(offset / 60 % 60)) - out);
}
