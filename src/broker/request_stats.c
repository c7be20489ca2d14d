// SPDX-License-Identifier: Apache-2.0
//
// Quantiles are those of the last one to two minutes, as far as somebody looks: the counts of an
// earlier look are taken off.
#include "broker/request_stats.h"

#include "base/histogram.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/thread.h"
#include "wire/kafka/api.h"

#include <inttypes.h>
#include <stdatomic.h>

enum { KEYS = 96, VERSIONS = 24, WINDOW_US = 60 * 1000 * 1000 };

static struct {
    _Atomic uint64_t requests[VERSIONS];
    _Atomic uint64_t refused;
    struct histogram times;
} stats[KEYS];

struct request_looks {
    struct mutex mutex;
    int64_t newer_us;
    struct histogram_counts older[KEYS], newer[KEYS]; // one to two windows ago, and after that
    struct histogram_counts now[KEYS];
};

struct request_looks *request_looks_new(void)
{
    struct request_looks *looks = MEM_NEW(struct request_looks);
    mutex_init(&looks->mutex);
    return looks;
}

void request_looks_free(struct request_looks *looks)
{
    if (!looks)
        return;
    mutex_release(&looks->mutex);
    mem_free(looks);
}

void request_stats_add(int16_t key, int16_t version, int64_t took_us, bool refused)
{
    if (key < 0 || key >= KEYS || version < 0 || version >= VERSIONS)
        return;
    atomic_fetch_add_explicit(&stats[key].requests[version], 1, memory_order_relaxed);
    if (refused)
        atomic_fetch_add_explicit(&stats[key].refused, 1, memory_order_relaxed);
    histogram_add(&stats[key].times, took_us);
}

static uint64_t requests_of(int key, int version)
{
    return atomic_load_explicit(&stats[key].requests[version], memory_order_relaxed);
}

uint64_t request_stats_count(int16_t key)
{
    uint64_t sum = 0;
    for (int version = 0; key >= 0 && key < KEYS && version < VERSIONS; version++)
        sum += requests_of(key, version);
    return sum;
}

// A consumer's fetch is told under both of Kafka's names.
static const char *const *names_of(int16_t key, const char *names[3])
{
    const struct kafka_api *api = kafka_api_find((int16_t)key);
    names[0] = api ? api->name : NULL;
    names[1] = key == KAFKA_FETCH ? "FetchConsumer" : NULL;
    names[2] = NULL;
    return names;
}

static void begin_family(struct str *out, const char *name, const char *help, const char *kind)
{
    str_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void write_counts(struct str *out)
{
    const char *names[3];
    begin_family(out, "kafka_network_requestmetrics_requests_total", "Requests by API and version",
                 "counter");
    for (int key = 0; key < KEYS; key++)
        for (int version = 0; version < VERSIONS; version++)
            for (const char *const *name = names_of((int16_t)key, names);
                 *name && requests_of(key, version) > 0; name++)
                str_printf(out,
                           "kafka_network_requestmetrics_requests_total{request=\"%s\","
                           "version=\"%d\"} %" PRIu64 "\n",
                           *name, version, requests_of(key, version));
    begin_family(out, "kafka_network_requestmetrics_errors_total",
                 "Requests answered (NONE) and requests that broke the protocol", "counter");
    for (int key = 0; key < KEYS; key++) {
        uint64_t all = request_stats_count((int16_t)key);
        uint64_t refused = atomic_load_explicit(&stats[key].refused, memory_order_relaxed);
        for (const char *const *name = names_of((int16_t)key, names); *name && all > 0; name++) {
            str_printf(out,
                       "kafka_network_requestmetrics_errors_total{request=\"%s\",error=\"NONE\"} "
                       "%" PRIu64 "\n",
                       *name, all - (refused < all ? refused : all));
            if (refused > 0)
                str_printf(out,
                           "kafka_network_requestmetrics_errors_total{request=\"%s\","
                           "error=\"INVALID_REQUEST\"} %" PRIu64 "\n",
                           *name, refused);
        }
    }
}

static void take_off(struct histogram_counts *counts, const struct histogram_counts *earlier)
{
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
        counts->buckets[i] -= earlier->buckets[i];
    counts->sum_us -= earlier->sum_us;
}

static void write_times(struct str *out, const struct request_looks *looks)
{
    const struct histogram_counts *now = looks->now;
    static const char *const quantiles[] = {"0.50", "0.75", "0.95", "0.98", "0.99", "0.999"};
    static const double parts[] = {0.5, 0.75, 0.95, 0.98, 0.99, 0.999};
    const char *names[3];
    begin_family(out, "kafka_network_requestmetrics_totaltimems",
                 "Milliseconds from request to answer, of the last minute or two", "gauge");
    for (int key = 0; key < KEYS; key++) {
        struct histogram_counts recent = now[key];
        take_off(&recent, &looks->older[key]);
        for (const char *const *name = names_of((int16_t)key, names);
             *name && histogram_count(&now[key]) > 0; name++)
            for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
                str_printf(out,
                           "kafka_network_requestmetrics_totaltimems{request=\"%s\","
                           "quantile=\"%s\"} %.3f\n",
                           *name, quantiles[i], histogram_quantile(&recent, parts[i]) / 1000);
    }
    begin_family(out, "kafka_network_requestmetrics_totaltimems_count", "Requests timed",
                 "counter");
    for (int key = 0; key < KEYS; key++)
        for (const char *const *name = names_of((int16_t)key, names);
             *name && histogram_count(&now[key]) > 0; name++)
            str_printf(
                out, "kafka_network_requestmetrics_totaltimems_count{request=\"%s\"} %" PRIu64 "\n",
                *name, histogram_count(&now[key]));
    begin_family(out, "weir_kafka_request_seconds", "Time from request to answer", "histogram");
    for (int key = 0; key < KEYS; key++) {
        char label[64];
        const struct kafka_api *api = kafka_api_find((int16_t)key);
        if (!api || histogram_count(&now[key]) == 0)
            continue;
        snprintf(label, sizeof label, "request=\"%s\"", api->name);
        histogram_write(out, "weir_kafka_request_seconds", label, &now[key]);
    }
}

void request_stats_write(struct str *out, struct request_looks *looks)
{
    mutex_lock(&looks->mutex);
    for (int key = 0; key < KEYS; key++)
        histogram_read(&stats[key].times, &looks->now[key]);
    write_counts(out);
    write_times(out, looks);
    if (clock_mono_us() - looks->newer_us >= WINDOW_US) {
        memcpy(looks->older, looks->newer, sizeof looks->older);
        memcpy(looks->newer, looks->now, sizeof looks->newer);
        looks->newer_us = clock_mono_us();
    }
    mutex_unlock(&looks->mutex);
}
