// SPDX-License-Identifier: Apache-2.0
#include "base/histogram.h"

#include <inttypes.h>
#include <stdatomic.h>

static unsigned bucket_of(uint64_t us)
{
    unsigned bucket = us <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(us - 1);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

void histogram_add(struct histogram *histogram, int64_t us)
{
    uint64_t took = us > 0 ? (uint64_t)us : 0;
    atomic_fetch_add_explicit(&histogram->buckets[bucket_of(took)], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_us, took, memory_order_relaxed);
}

void histogram_read(const struct histogram *histogram, struct histogram_counts *out)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        out->buckets[i] = atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
    out->sum_us = atomic_load_explicit(&histogram->sum_us, memory_order_relaxed);
}

uint64_t histogram_count(const struct histogram_counts *counts)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        sum += counts->buckets[i];
    return sum;
}

double histogram_quantile(const struct histogram_counts *counts, double part)
{
    uint64_t all = histogram_count(counts), below = 0;
    double wanted = part * (double)all;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS && all > 0; i++) {
        uint64_t here = counts->buckets[i];
        if (here > 0 && (double)(below + here) >= wanted) {
            double low = i == 0 ? 0 : (double)(UINT64_C(1) << (i - 1));
            double high = (double)(UINT64_C(1) << i);
            return low + (high - low) * (wanted - (double)below) / (double)here;
        }
        below += here;
    }
    return 0;
}

void histogram_write(struct str *out, const char *name, const char *labels,
                     const struct histogram_counts *counts)
{
    const char *comma = labels[0] ? "," : "";
    uint64_t sum = 0;
    for (unsigned i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
        sum += counts->buckets[i];
        str_printf(out, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", name, labels, comma,
                   (double)(UINT64_C(1) << i) / 1e6, sum);
    }
    sum += counts->buckets[HISTOGRAM_BUCKETS - 1];
    str_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, comma, sum);
    const char *open = labels[0] ? "{" : "", *close = labels[0] ? "}" : "";
    str_printf(out, "%s_sum%s%s%s %.6f\n%s_count%s%s%s %" PRIu64 "\n", name, open, labels, close,
               (double)counts->sum_us / 1e6, name, open, labels, close, sum);
}
