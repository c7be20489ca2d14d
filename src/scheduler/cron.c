// SPDX-License-Identifier: Apache-2.0
//
// A field becomes a set of bits; searching walks days and looks at the sets. What is not obvious
// follows croniter 6 and 7, whose results Airflow's users see:
// - `a/b` means a-max/b; `a-a` means the whole range; a range whose end is smaller wraps around;
// - a set that holds every value counts as `*`, for the day fields only if the other one has a `*`
// in it;
// - `MON#1` stands alone: croniter fails on a day of month or a `*` beside it, so it is refused
// here;
// - weekday 7 is Sunday with five fields only, day 0 is day 1 with six fields only.
#include "scheduler/cron.h"

#include "scheduler/instant.h"

#include <ctype.h>
#include <stdlib.h>

enum field_id {
    CRON_MINUTE,
    CRON_HOUR,
    CRON_DAY,
    CRON_MONTH,
    CRON_WEEKDAY,
    CRON_SECOND,
    CRON_COUNT,
};

#define TEXT_MAX  256
#define YEARS_MAX 50

static const struct field_info {
    const char *name;
    int min, max;
    const char *words; // three letters each, from `min`
} fields[CRON_COUNT] = {
    [CRON_MINUTE] = {"minute", 0, 59, NULL},
    [CRON_HOUR] = {"hour", 0, 23, NULL},
    [CRON_DAY] = {"day of month", 1, 31, NULL},
    [CRON_MONTH] = {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    [CRON_WEEKDAY] = {"day of week", 0, 6, "sunmontuewedthufrisat"},
    [CRON_SECOND] = {"second", 0, 59, NULL},
};

struct field {
    enum field_id id;
    size_t field_count;
    uint64_t bits;
    bool star;         // `*` stands in it
    bool last;         // `l` stands in it
    uint64_t nth_bits; // weekdays named by `#` or `l5`
    uint8_t nth[7];
};

static err_t wrong(const struct field *field, const char *item, struct diag *diag)
{
    const struct field_info *info = &fields[field->id];
    return FAIL(diag, ERR_INVALID,
                "cron field %d (%s): '%.40s' is not valid, expected %d-%d%s, *, a-b, */n or a list",
                field->id + 1, info->name, item, info->min, info->max,
                field->id == CRON_MONTH     ? ", JAN-DEC"
                : field->id == CRON_WEEKDAY ? ", SUN-SAT, MON#2, L5"
                : field->id == CRON_DAY     ? ", L"
                                            : "");
}

// A number or a name; -1 if it is neither. Sunday may be 7.
static int value_of(const struct field *field, const char *text, size_t size)
{
    const char *words = fields[field->id].words;
    if (size == 0)
        return -1;
    if (isdigit((unsigned char)text[0])) {
        int value = 0;
        for (size_t i = 0; i < size; i++) {
            if (!isdigit((unsigned char)text[i]) || value > 9999)
                return -1;
            value = value * 10 + (text[i] - '0');
        }
        if (field->id == CRON_WEEKDAY && value == 7 && field->field_count == 5)
            return 0;
        if (field->id == CRON_DAY && value == 0 && field->field_count == 6)
            return 1;
        return value;
    }
    if (words && size == 3)
        for (int i = 0; words[i * 3]; i++)
            if (memcmp(words + i * 3, text, 3) == 0)
                return fields[field->id].min + i;
    return -1;
}

static err_t add(struct field *field, int value, int nth, const char *item, struct diag *diag)
{
    if (value < 0 || value < fields[field->id].min || value > fields[field->id].max)
        return wrong(field, item, diag);
    field->bits |= UINT64_C(1) << value;
    if (nth) {
        field->nth_bits |= UINT64_C(1) << value;
        field->nth[value] |= (uint8_t)(1u << nth);
    }
    return ERR_OK;
}

static err_t add_range(struct field *field, int low, int high, int step, int nth, const char *item,
                       struct diag *diag)
{
    int min = fields[field->id].min, max = fields[field->id].max;
    if (step < 1 || low < 0 || high < 0 || low > max || high > max)
        return wrong(field, item, diag);
    if (low == high) {
        low = min;
        high = max;
    }
    if (low < high) {
        for (int value = low; value <= high; value += step)
            TRY(add(field, value, nth, item, diag));
        return ERR_OK;
    }
    int value = low, newest = low;
    for (; value <= max; value += step) {
        TRY(add(field, value, nth, item, diag));
        newest = value;
    }
    int skipped = max - newest, skip = 0;
    if (newest - min + step > max - min + 1 && skipped < step)
        skip = step - skipped;
    for (value = min + skip; value <= high; value += step)
        TRY(add(field, value, nth, item, diag));
    return ERR_OK;
}

// Splits `MON#2` and `L5` into the weekday part and which one of the month (6 = last).
static err_t take_nth(struct field *field, char *item, char **rest, int *nth, struct diag *diag)
{
    *rest = item;
    *nth = 0;
    if (field->id != CRON_WEEKDAY)
        return ERR_OK;
    char *hash = strchr(item, '#');
    if (hash) {
        bool named = !strchr(item, '-') || isalpha((unsigned char)item[0]);
        if (!named || strchr(item, '/') || hash[1] < '1' || hash[1] > '5' || hash[2])
            return wrong(field, item, diag);
        *nth = hash[1] - '0';
        *hash = '\0';
    } else if (item[0] == 'l' && isdigit((unsigned char)item[1])) {
        *nth = 6;
        *rest = item + 1;
    }
    return ERR_OK;
}

static err_t parse_item(struct field *field, char *item, struct diag *diag)
{
    char shown[TEXT_MAX], *text;
    int nth;
    snprintf(shown, sizeof shown, "%s", item);
    TRY(take_nth(field, item, &text, &nth, diag));
    if (strcmp(text, "*") == 0) {
        field->star = true;
        return ERR_OK;
    }
    if (field->id == CRON_DAY && strcmp(text, "l") == 0) {
        field->last = true;
        return ERR_OK;
    }
    int step = 1;
    char *slash = strchr(text, '/');
    if (slash) {
        *slash = '\0';
        if (!isdigit((unsigned char)slash[1]) ||
            strspn(slash + 1, "0123456789") != strlen(slash + 1))
            return wrong(field, shown, diag);
        step = strlen(slash + 1) > 6 ? 1000000 : atoi(slash + 1);
        if (strcmp(text, "*") == 0)
            return add_range(field, fields[field->id].min, fields[field->id].max, step, nth, shown,
                             diag);
    }
    char *dash = strchr(text, '-');
    int low = value_of(field, text, dash ? (size_t)(dash - text) : strlen(text));
    if (!dash && !slash)
        return add(field, low, nth, shown, diag);
    int high = fields[field->id].max;
    if (dash && field->id == CRON_DAY && strcmp(dash + 1, "l") == 0)
        high = 31;
    else if (dash)
        high = value_of(field, dash + 1, strlen(dash + 1));
    return add_range(field, low, high, step, nth, shown, diag);
}

static err_t parse_field(struct field *field, char *text, struct diag *diag)
{
    if (strcmp(text, "?") == 0 && (field->id == CRON_DAY || field->id == CRON_WEEKDAY)) {
        field->star = true;
        return ERR_OK;
    }
    for (char *item = text; item;) {
        char *comma = strchr(item, ',');
        if (comma)
            *comma = '\0';
        TRY(parse_item(field, item, diag));
        item = comma ? comma + 1 : NULL;
    }
    return ERR_OK;
}

static bool is_full(const struct field *field)
{
    int min = fields[field->id].min, max = fields[field->id].max;
    return field->bits == ((UINT64_C(2) << max) - 1) - ((UINT64_C(1) << min) - 1);
}

// True when the field stands for every value.
static bool is_any(const struct field *field, bool may_fold)
{
    return field->star || (may_fold && is_full(field) && !field->last);
}

static uint64_t all_of(const struct field *field, bool any)
{
    return any ? ~UINT64_C(0) : field->bits;
}

static err_t combine(struct cron *cron, const struct field *parsed, const bool *has_star,
                     struct diag *diag)
{
    const struct field *day = &parsed[CRON_DAY], *weekday = &parsed[CRON_WEEKDAY];
    const struct field *hour = &parsed[CRON_HOUR];
    cron->minutes = all_of(&parsed[CRON_MINUTE], parsed[CRON_MINUTE].star);
    cron->seconds = cron->has_seconds ? all_of(&parsed[CRON_SECOND], parsed[CRON_SECOND].star) : 1;
    cron->hours = (uint32_t)all_of(hour, hour->star);
    cron->months = (uint32_t)all_of(&parsed[CRON_MONTH], parsed[CRON_MONTH].star);
    cron->every_hour = (hour->star && hour->bits == 0) || (!hour->star && is_full(hour));
    cron->last_day = day->last;
    cron->days = (uint32_t)day->bits;
    cron->weekdays = (uint8_t)weekday->bits;
    cron->any_day = is_any(day, has_star[CRON_WEEKDAY]);
    cron->any_weekday = is_any(weekday, has_star[CRON_DAY]);
    cron->has_nth = weekday->nth_bits != 0;
    memcpy(cron->nth, weekday->nth, sizeof cron->nth);
    if (cron->has_nth && (weekday->bits & ~weekday->nth_bits) && !is_full(weekday))
        return FAIL(
            diag, ERR_INVALID,
            "cron field 5 (day of week): plain weekdays cannot be mixed with '#' or 'L' ones");
    if (cron->has_nth && weekday->star && !cron->any_day)
        return FAIL(
            diag, ERR_INVALID,
            "cron field 5 (day of week): '*' beside '#' or 'L' weekdays cannot be combined with"
            " a day of month");
    return ERR_OK;
}

err_t cron_parse(struct cron *out, const char *text, struct diag *diag)
{
    char copy[TEXT_MAX], *parts[CRON_COUNT + 1];
    size_t size = strlen(text), count = 0;
    if (size >= sizeof copy)
        return FAIL(diag, ERR_INVALID, "a cron expression has at most %d characters, this one %zu",
                    TEXT_MAX - 1, size);
    for (size_t i = 0; i <= size; i++)
        copy[i] = (char)tolower((unsigned char)text[i]);
    for (char *at = copy; *at && count <= CRON_COUNT;) {
        at += strspn(at, " \t\n\r\f\v");
        if (!*at)
            break;
        parts[count++] = at;
        at += strcspn(at, " \t\n\r\f\v");
        if (*at)
            *at++ = '\0';
    }
    if (count != 5 && count != 6)
        return FAIL(
            diag, ERR_INVALID,
            "cron expression '%.60s' has %zu fields%s, expected 5 (minute hour day month weekday)"
            " or 6 (with seconds last)",
            text, count, count > CRON_COUNT ? " or more" : "");
    struct field parsed[CRON_COUNT] = {0};
    bool has_star[CRON_COUNT] = {0};
    for (size_t i = 0; i < count; i++) {
        parsed[i] = (struct field){.id = (enum field_id)i, .field_count = count};
        has_star[i] = strchr(parts[i], '*') != NULL;
        TRY(parse_field(&parsed[i], parts[i], diag));
    }
    struct cron cron = {.has_seconds = count == 6};
    TRY(combine(&cron, parsed, has_star, diag));
    int64_t tick;
    struct cron strict = cron;
    strict.day_and_nth = cron.has_nth && !cron.any_day;
    if (!cron_next(&strict, 0, &tick))
        return FAIL(diag, ERR_INVALID, "cron expression '%.60s' never comes true", text);
    *out = cron;
    return ERR_OK;
}

// --- searching ---

static bool day_matches(const struct cron *cron, int64_t days)
{
    struct civil date;
    civil_from_days((int32_t)days, &date);
    if (!(cron->months >> date.month & 1))
        return false;
    int weekday = (int)(((days + 4) % 7 + 7) % 7);
    int last_day = month_days(date.year, date.month);
    bool by_day = (cron->days >> date.day & 1) || (cron->last_day && date.day == last_day);
    if (cron->has_nth) {
        int nth = (date.day - 1) / 7 + 1;
        bool last = date.day + 7 > last_day;
        bool by_nth = (cron->nth[weekday] >> nth & 1) || (last && (cron->nth[weekday] >> 6 & 1));
        return by_nth && (by_day || !cron->day_and_nth);
    }
    bool by_weekday = cron->weekdays >> weekday & 1;
    if (cron->any_day)
        return cron->any_weekday || by_weekday;
    return by_day || (!cron->any_weekday && by_weekday);
}

// Second of the day of the first tick at or after / the last one at or before `second`; -1 if none.
static int64_t seek_up(const struct cron *cron, int64_t second)
{
    for (int hour = (int)(second / 3600); hour < 24; hour++) {
        if (!(cron->hours >> hour & 1))
            continue;
        int64_t from = second > hour * 3600 ? second - hour * 3600 : 0;
        for (int minute = (int)(from / 60); minute < 60; minute++) {
            if (!(cron->minutes >> minute & 1))
                continue;
            for (int s = from > minute * 60 ? (int)(from - minute * 60) : 0; s < 60; s++)
                if (cron->seconds >> s & 1)
                    return hour * 3600 + minute * 60 + s;
        }
    }
    return -1;
}

static int64_t seek_down(const struct cron *cron, int64_t second)
{
    for (int hour = (int)(second / 3600); hour >= 0; hour--) {
        if (!(cron->hours >> hour & 1))
            continue;
        int64_t from = second < hour * 3600 + 3599 ? second - hour * 3600 : 3599;
        for (int minute = (int)(from / 60); minute >= 0; minute--) {
            if (!(cron->minutes >> minute & 1))
                continue;
            for (int s = from < minute * 60 + 59 ? (int)(from - minute * 60) : 59; s >= 0; s--)
                if (cron->seconds >> s & 1)
                    return hour * 3600 + minute * 60 + s;
        }
    }
    return -1;
}

bool cron_next(const struct cron *cron, int64_t local_us, int64_t *out)
{
    int64_t second = floor_div(local_us, INSTANT_SECOND) + 1;
    int64_t day = floor_div(second, 86400);
    int64_t from = second - day * 86400;
    for (int64_t end = day + YEARS_MAX * 366; day <= end; day++, from = 0) {
        if (!day_matches(cron, day))
            continue;
        int64_t found = seek_up(cron, from);
        if (found >= 0) {
            *out = (day * 86400 + found) * INSTANT_SECOND;
            return true;
        }
    }
    return false;
}

bool cron_prev(const struct cron *cron, int64_t local_us, int64_t *out)
{
    int64_t second = floor_div(local_us - 1, INSTANT_SECOND);
    int64_t day = floor_div(second, 86400);
    int64_t from = second - day * 86400;
    for (int64_t end = day - YEARS_MAX * 366; day >= end; day--, from = 86399) {
        if (!day_matches(cron, day))
            continue;
        int64_t found = seek_down(cron, from);
        if (found >= 0) {
            *out = (day * 86400 + found) * INSTANT_SECOND;
            return true;
        }
    }
    return false;
}
