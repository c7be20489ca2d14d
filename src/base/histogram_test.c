// SPDX-License-Identifier: Apache-2.0
#include "base/histogram.h"
#include "base/metric.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void times_fall_into_doubling_buckets(void **state)
{
    (void)state;
    struct histogram histogram = {0};
    struct histogram_counts counts;
    const int64_t times[] = {-5, 0, 1, 2, 3, 4, 5, 1 << 26, INT64_MAX};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        histogram_add(&histogram, times[i]);
    histogram_read(&histogram, &counts);
    assert_int_equal(counts.buckets[0], 3); // up to 1 us
    assert_int_equal(counts.buckets[1], 1); // 2
    assert_int_equal(counts.buckets[2], 2); // 3, 4
    assert_int_equal(counts.buckets[3], 1); // 5
    assert_int_equal(counts.buckets[26], 1);
    assert_int_equal(counts.buckets[27], 1);
    assert_int_equal(histogram_count(&counts), 9);
}

static void quantiles_lie_in_their_bucket(void **state)
{
    (void)state;
    struct histogram histogram = {0};
    struct histogram_counts counts;
    histogram_read(&histogram, &counts);
    assert_true(histogram_quantile(&counts, 0.99) <= 0);
    for (int i = 0; i < 99; i++)
        histogram_add(&histogram, 100);
    histogram_add(&histogram, 5000);
    histogram_read(&histogram, &counts);
    double half = histogram_quantile(&counts, 0.5), most = histogram_quantile(&counts, 0.999);
    assert_true(half > 64 && half <= 128);
    assert_true(most > 4096 && most <= 8192);
}

static void prometheus_gets_cumulative_seconds(void **state)
{
    (void)state;
    struct histogram histogram = {0};
    struct histogram_counts counts;
    struct str out = {0};
    histogram_add(&histogram, 3);
    histogram_add(&histogram, 1000000);
    histogram_read(&histogram, &counts);
    histogram_write(&out, "x_seconds", "a=\"b\"", &counts);
    assert_non_null(strstr(str_text(&out), "x_seconds_bucket{a=\"b\",le=\"2e-06\"} 0\n"));
    assert_non_null(strstr(str_text(&out), "x_seconds_bucket{a=\"b\",le=\"4e-06\"} 1\n"));
    assert_non_null(strstr(str_text(&out), "x_seconds_bucket{a=\"b\",le=\"+Inf\"} 2\n"));
    assert_non_null(strstr(str_text(&out), "x_seconds_sum{a=\"b\"} 1.000003\n"));
    assert_non_null(strstr(str_text(&out), "x_seconds_count{a=\"b\"} 2\n"));
    str_clear(&out);
    metric_observe(METRIC_LOG_SYNC_TIME, 100);
    metric_write(&out);
    assert_non_null(strstr(str_text(&out), "# TYPE weir_log_sync_seconds histogram\n"));
    assert_non_null(strstr(str_text(&out), "weir_log_sync_seconds_count 1\n"));
    str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_fall_into_doubling_buckets),
        cmocka_unit_test(quantiles_lie_in_their_bucket),
        cmocka_unit_test(prometheus_gets_cumulative_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
