// SPDX-License-Identifier: Apache-2.0
#include "app/when.h"

#include "data/datetime.h"
#include "data/zone.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool unit_ms(char unit, bool iso_date, int64_t *ms)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}, {'w', 604800000}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (tolower((unsigned char)unit) == units[i].unit && !(iso_date && units[i].unit == 'm')) {
            *ms = units[i].ms;
            return true;
        }
    return false;
}

bool when_duration(const char *text, int64_t *out_ms)
{
    bool iso = *text == 'P' || *text == 'p';
    bool date = iso; // months of ISO durations have no fixed length
    int64_t sum = 0;
    text += iso;
    if (*text == '\0')
        return false;
    while (*text) {
        if (iso && (*text == 'T' || *text == 't')) {
            date = false;
            text++;
        }
        char *end;
        int64_t factor, part;
        errno = 0;
        long long number = strtoll(text, &end, 10);
        if (end == text || errno || number < 0 || !isdigit((unsigned char)*text) ||
            !unit_ms(*end, date, &factor) || __builtin_mul_overflow(number, factor, &part) ||
            __builtin_add_overflow(sum, part, &sum))
            return false;
        text = end + 1;
    }
    *out_ms = sum;
    return true;
}

bool when_parse(const char *text, int64_t now_ms, int64_t *out_ms)
{
    const struct zone *utc;
    int64_t us;
    char *end;
    if (*text == '@') {
        errno = 0;
        *out_ms = strtoll(text + 1, &end, 10);
        return end != text + 1 && *end == '\0' && errno == 0 && *out_ms >= 0;
    }
    if (*text == '-' && when_duration(text + 1, &us)) {
        *out_ms = now_ms - us;
        return true;
    }
    if (zone_find(&utc, bytes_from("UTC"), NULL) != ERR_OK ||
        !timestamp_parse(bytes_from(text), utc, now_ms * 1000, &us))
        return false;
    *out_ms = us / 1000;
    return true;
}
