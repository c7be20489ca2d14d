// SPDX-License-Identifier: Apache-2.0
#include "base/metric.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>

#define COLLECTORS_MAX 16

static _Atomic int64_t values[METRIC_COUNT];
static struct histogram times[METRIC_COUNT]; // used where the kind is histogram
static struct {
    void (*collect)(struct str *out, void *ctx);
    void *ctx;
} collectors[COLLECTORS_MAX];
static size_t collector_count;

void metric_add(enum metric_id id, int64_t by)
{
    atomic_fetch_add_explicit(&values[id], by, memory_order_relaxed);
}

void metric_set(enum metric_id id, int64_t value)
{
    atomic_store_explicit(&values[id], value, memory_order_relaxed);
}

int64_t metric_value(enum metric_id id)
{
    return atomic_load_explicit(&values[id], memory_order_relaxed);
}

void metric_observe(enum metric_id id, int64_t us)
{
    histogram_add(&times[id], us);
}

void metric_times(enum metric_id id, struct histogram_counts *out)
{
    histogram_read(&times[id], out);
}

void metric_collector(void (*collect)(struct str *out, void *ctx), void *ctx)
{
    assert(collector_count < COLLECTORS_MAX);
    collectors[collector_count].collect = collect;
    collectors[collector_count].ctx = ctx;
    collector_count++;
}

void metric_write(struct str *out)
{
    for (int id = 0; id < METRIC_COUNT; id++) {
        const struct metric_info *info = &metric_infos[id];
        str_printf(out, "# HELP %s %s\n# TYPE %s %s\n", info->name, info->help, info->name,
                   info->kind);
        if (strcmp(info->kind, "histogram") == 0) {
            struct histogram_counts counts;
            metric_times((enum metric_id)id, &counts);
            histogram_write(out, info->name, "", &counts);
        } else {
            str_printf(out, "%s %" PRId64 "\n", info->name, metric_value((enum metric_id)id));
        }
    }
    for (size_t i = 0; i < collector_count; i++)
        collectors[i].collect(out, collectors[i].ctx);
}
