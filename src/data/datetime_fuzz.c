// SPDX-License-Identifier: Apache-2.0
//
// An input's first line is a pattern, the second a zone, the rest texts to read by it.
#include "data/datetime.h"
#include "data/datetime_pattern.h"
#include "data/interval.h"

#include "data/fuzz_corpus.h"

static struct bytes line(struct bytes *rest)
{
    const uint8_t *end = rest->size ? memchr(rest->ptr, '\n', rest->size) : NULL;
    size_t size = end ? (size_t)(end - rest->ptr) : rest->size;
    struct bytes out = bytes_make(rest->ptr, size);
    rest->ptr += size + (end != NULL);
    rest->size -= size + (end != NULL);
    return out;
}

static void use(int64_t us, const struct zone *zone)
{
    char out[DATETIME_TEXT_MAX];
    timestamp_text(out, us, zone);
    timestamp_text_iso(out, us, zone);
    for (int unit = TRUNC_MICROSECOND; unit <= TRUNC_YEAR; unit++)
        timestamp_trunc((enum trunc_unit)unit, us, zone);
    for (int field = FIELD_YEAR; field <= FIELD_SECOND; field++)
        datetime_field((enum datetime_field)field, zone_local_us(zone, us));
    struct interval interval = {(int32_t)fuzz_random(), (int32_t)fuzz_random(),
                                (int64_t)fuzz_random()};
    int64_t moved;
    timestamp_add_interval(us, interval, zone, &moved);
    months_between(us, (int64_t)fuzz_random(), true);
}

static void run(struct bytes text)
{
    struct arena arena = ARENA_INIT;
    struct str out = {0};
    const struct datetime_pattern *pattern = NULL, *format = NULL;
    const struct zone *zone = zone_utc;
    struct bytes first = line(&text), second = line(&text);
    int64_t us;
    int32_t days;
    struct interval interval;
    bool parses = datetime_pattern_compile(&pattern, &arena, first, true, NULL) == ERR_OK;
    bool formats = datetime_pattern_compile(&format, &arena, first, false, NULL) == ERR_OK;
    if (zone_find(&zone, second, NULL) != ERR_OK)
        zone = zone_utc;
    use((int64_t)fuzz_random(), zone);
    while (text.size) {
        struct bytes value = line(&text);
        if (timestamp_parse(value, zone, 0, &us))
            use(us, zone);
        if (timestamp_ntz_parse(value, true, &us))
            use(us, zone);
        if (date_parse(value, &days))
            date_trunc(TRUNC_WEEK, days);
        if (interval_parse(&interval, value, NULL) == ERR_OK)
            interval_write(&out, interval);
        if (parses && datetime_pattern_parse(pattern, value, zone, &us))
            use(us, zone);
        if (formats)
            datetime_pattern_format(format, &out, (int64_t)fuzz_random(), zone);
    }
    str_release(&out);
    arena_release(&arena);
}

int main(void)
{
    return fuzz_run("datetime", 4000, run);
}
