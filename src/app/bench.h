// SPDX-License-Identifier: Apache-2.0
//
// bench: what `weir bench` measures, one function per subject, and how it tells the results.
#ifndef APP_BENCH_H
#define APP_BENCH_H

#include "app/client.h"

struct bench {
    const struct args *args;
    int64_t count;      // records or rows
    int64_t size;       // bytes of a record's value
    const char *topic;  // of the Kafka subjects
    int64_t partitions; // of the topic
    int64_t rate;       // records a second of "paced"
    bool json;
    int64_t pid;     // of the server, 0: its CPU time is not told
    json_t *results; // {name: number}
};

// Prints or collects one result: "produce, acks=all: 812345 records/s".
void bench_result(struct bench *bench, const char *name, double value, const char *unit);

// Latencies in microseconds: sorts them and reports p50 and p99 under `name`.
void bench_latencies(struct bench *bench, const char *name, int64_t *latencies_us, size_t count);

// The CPU time the server has used so far. 0 without --pid.
int64_t bench_cpu_us(const struct bench *bench);
// Tells what one of `count` records or requests cost the server since `since_us`, in nanoseconds.
void bench_cpu(struct bench *bench, const char *name, int64_t since_us, int64_t count);

MUST_USE err_t bench_people(struct bench *bench, struct diag *diag);
MUST_USE err_t bench_produce(struct bench *bench, struct diag *diag);
MUST_USE err_t bench_single(struct bench *bench, struct diag *diag); // one request in flight
MUST_USE err_t bench_paced(struct bench *bench, struct diag *diag);  // at a steady rate, linger 0
MUST_USE err_t bench_consume(struct bench *bench, struct diag *diag);
MUST_USE err_t bench_cql(struct bench *bench, struct diag *diag);

#endif
