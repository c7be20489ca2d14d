// SPDX-License-Identifier: Apache-2.0
//
// metrics_jmx: the broker's state under the names that the Prometheus JMX exporter, with its usual
// rules for Kafka, gives Kafka's own metrics, so that dashboards made for it work as they are. What
// only a cluster can have is told as a healthy cluster of one broker has it.
#ifndef BROKER_METRICS_JMX_H
#define BROKER_METRICS_JMX_H

#include "broker/broker_int.h"

void metrics_jmx_write(struct str *out, struct broker *broker, struct arena *arena);

// --- metrics.c ---
void metrics_family(struct str *out, const char *name, const char *help, const char *kind);
void metrics_label(struct str *out, const char *name, const char *value); // escaped

#endif
