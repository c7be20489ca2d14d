// SPDX-License-Identifier: Apache-2.0
//
// metric: process-wide counters, gauges and histograms (schema/metrics.tbl) and collectors for
// labelled ones, written as Prometheus text (exposition format 0.0.4). Any thread.
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include "base/histogram.h"
#include "base/metric_ids.h"
#include "base/str.h"

struct metric_info {
    const char *name;
    const char *kind; // "counter", "gauge" or "histogram"
    const char *help;
};

extern const struct metric_info metric_infos[];

void metric_add(enum metric_id id, int64_t by);
void metric_set(enum metric_id id, int64_t value);
int64_t metric_value(enum metric_id id);
void metric_observe(enum metric_id id, int64_t us); // a histogram
void metric_times(enum metric_id id, struct histogram_counts *out);

// A collector appends whole families (# HELP, # TYPE, samples) to `out` at every scrape. Called on
// the scraping thread; must not block for long. At most 16; registered at start, before threads.
void metric_collector(void (*collect)(struct str *out, void *ctx), void *ctx);

void metric_write(struct str *out);

#endif
