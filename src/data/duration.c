// SPDX-License-Identifier: Apache-2.0
//
// Durations as people write them in YAML and triggers: numbers with units, one after the other.
#include "data/yaml.h"

#include <strings.h>

static const struct {
    const char *word; // also with an 's' behind when it is longer than two letters
    int64_t ms;
} units[] = {
    {"ms", 1},         {"millisecond", 1}, {"msec", 1},      {"s", 1000},
    {"sec", 1000},     {"second", 1000},   {"m", 60000},     {"min", 60000},
    {"minute", 60000}, {"h", 3600000},     {"hr", 3600000},  {"hour", 3600000},
    {"d", 86400000},   {"day", 86400000},  {"w", 604800000}, {"week", 604800000},
};

static int64_t unit_ms(const char *word, size_t size)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t n = strlen(units[i].word);
        bool same = n <= size && strncasecmp(word, units[i].word, n) == 0;
        bool plural = n > 1 && size == n + 1 && (word[n] | 32) == 's';
        if (same && (size == n || plural) && !(plural && n == 2 && units[i].ms == 1))
            return units[i].ms;
    }
    return 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

// A number with up to six digits behind the point, as millionths.
static const char *read_number(const char *t, const char *end, int64_t *millionths)
{
    int64_t value = 0;
    const char *start = t;
    for (; t < end && is_digit(*t); t++) {
        if (value > 1000000000000)
            return NULL;
        value = value * 10 + (*t - '0');
    }
    if (t == start || value > 1000000000000)
        return NULL;
    value *= 1000000;
    if (t < end && *t == '.') {
        int64_t step = 100000;
        const char *point = t++;
        for (; t < end && is_digit(*t); t++, step /= 10)
            value += step * (*t - '0');
        if (t == point + 1)
            return NULL;
    }
    *millionths = value;
    return t;
}

bool duration_parse_ms(struct bytes text, int64_t *out)
{
    const char *t = (const char *)text.ptr, *end = t + text.size;
    int64_t total = 0;
    int parts = 0;
    for (;; parts++) {
        while (t < end && (*t == ' ' || *t == '\t'))
            t++;
        if (t == end)
            break;
        int64_t millionths;
        t = read_number(t, end, &millionths);
        if (!t)
            return false;
        while (t < end && *t == ' ')
            t++;
        const char *word = t;
        while (t < end && is_letter(*t))
            t++;
        int64_t unit = unit_ms(word, (size_t)(t - word));
        if (t == word && t == end && parts == 0)
            unit = 1000;
        __extension__ __int128 ms = (__int128)millionths * unit / 1000000;
        if (unit == 0 || ms > INT64_MAX / 4 - total)
            return false;
        total += (int64_t)ms;
    }
    if (parts)
        *out = total;
    return parts > 0;
}
