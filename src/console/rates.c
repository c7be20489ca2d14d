// SPDX-License-Identifier: Apache-2.0
#include "console/rates.h"

#include "base/arena.h"
#include "base/map.h"

#define READING_MIN_US 200000
#define SMOOTHING_S    2.0 // time constant of the moving average

struct rate {
    int64_t value, at_us;
    double per_second;
};

MAP_DEFINE(rate_map, struct bytes, struct rate, bytes_hash, bytes_equal);

struct rates {
    struct arena names;
    struct rate_map map;
};

struct rates *rates_new(void)
{
    struct rates *rates = MEM_NEW(struct rates);
    arena_init(&rates->names, 1024);
    return rates;
}

void rates_free(struct rates *rates)
{
    rate_map_release(&rates->map);
    arena_release(&rates->names);
    mem_free(rates);
}

static struct rate *find(struct rates *rates, const char *name)
{
    struct rate *rate = rate_map_get(&rates->map, bytes_from(name));
    return rate ? rate
                : rate_map_put(&rates->map, bytes_from(arena_strdup(&rates->names, name)), NULL);
}

void rates_note(struct rates *rates, const char *name, int64_t value, int64_t now_us)
{
    struct rate *rate = find(rates, name);
    if (rate->at_us == 0 || value < rate->value) {
        *rate = (struct rate){.value = value, .at_us = now_us};
        return;
    }
    int64_t passed_us = now_us - rate->at_us;
    if (passed_us < READING_MIN_US)
        return;
    double seconds = (double)passed_us / 1e6;
    double fresh = (double)(value - rate->value) / seconds;
    double weight = seconds / (seconds + SMOOTHING_S);
    rate->per_second += (fresh - rate->per_second) * weight;
    if (rate->per_second < 0.05)
        rate->per_second = 0;
    rate->value = value;
    rate->at_us = now_us;
}

double rates_per_second(const struct rates *rates, const char *name)
{
    const struct rate *rate = rate_map_get(&rates->map, bytes_from(name));
    return rate ? rate->per_second : 0;
}
