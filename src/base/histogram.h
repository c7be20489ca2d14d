// SPDX-License-Identifier: Apache-2.0
//
// histogram: how long something took, in buckets that double: 1, 2, 4 ... microseconds to 67 s. Any
// thread; adding is two relaxed additions. All zero is a valid empty one.
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include "base/str.h"

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 28 }; // the last one holds all that took longer

struct histogram {
    _Atomic uint64_t buckets[HISTOGRAM_BUCKETS];
    _Atomic uint64_t sum_us;
};

struct histogram_counts {
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t sum_us;
};

void histogram_add(struct histogram *histogram, int64_t us); // less than 0 counts as 0
void histogram_read(const struct histogram *histogram, struct histogram_counts *out);
uint64_t histogram_count(const struct histogram_counts *counts);
// What `part` of all took at most, in microseconds: 0.99. 0 when there is nothing.
double histogram_quantile(const struct histogram_counts *counts, double part);
// The samples of a Prometheus histogram in seconds: _bucket, _sum, _count. `labels` is "a=\"b\"" or
// "".
void histogram_write(struct str *out, const char *name, const char *labels,
                     const struct histogram_counts *counts);

#endif
