// SPDX-License-Identifier: Apache-2.0
//
// request_stats: how many requests of each API came and how long they took from the frame to the
// answer, under the names of Kafka's own metrics (kafka.network:type=RequestMetrics) as the
// Prometheus JMX exporter writes them. Process-wide; any thread.
#ifndef BROKER_REQUEST_STATS_H
#define BROKER_REQUEST_STATS_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

// Two relaxed additions and two more for the time.
void request_stats_add(int16_t key, int16_t version, int64_t took_us, bool refused);
uint64_t request_stats_count(int16_t key); // all versions

// What one who looks saw before: quantiles are told of what came since.
struct request_looks;

struct request_looks *request_looks_new(void);
void request_looks_free(struct request_looks *looks); // NULL is fine
void request_stats_write(struct str *out, struct request_looks *looks);

#endif
