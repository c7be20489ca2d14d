// SPDX-License-Identifier: Apache-2.0
#include "app/bench.h"
#include "os/clock.h"
#include "people/people.h"

static double people_per_second(enum people_shape shape, int64_t count)
{
    struct people_options options = {.seed = "bench", .shape = shape, .format = PEOPLE_JSON};
    struct people_stream *people = people_stream_new(&options);
    struct str out = {0};
    int64_t started_us = clock_mono_us();
    for (int64_t i = 0; i < count; i++) {
        if (out.size > 60000)
            str_clear(&out);
        people_stream_next(people, &out);
    }
    double seconds = (double)(clock_mono_us() - started_us) / 1e6;
    people_stream_free(people);
    str_release(&out);
    return (double)count / seconds;
}

err_t bench_people(struct bench *bench, struct diag *diag)
{
    (void)diag;
    bench_result(bench, "people_flat", people_per_second(PEOPLE_FLAT, bench->count), "records/s");
    bench_result(bench, "people_nested", people_per_second(PEOPLE_NESTED, bench->count / 4 + 1),
                 "records/s");
    return ERR_OK;
}
