// SPDX-License-Identifier: Apache-2.0
//
// producer: records from the command line into a topic, over the Kafka protocol (librdkafka,
// idempotent), so it works on the running weir and on any other broker (--brokers).
#ifndef APP_PRODUCER_H
#define APP_PRODUCER_H

#include "app/client.h"

struct producer;

// host:port,... of --brokers or of the running weir.
MUST_USE err_t producer_brokers(const struct args *args, char *out, size_t size, struct diag *diag);
MUST_USE err_t producer_open(struct producer **out, const struct args *args, const char *topic,
                             struct diag *diag);
// Copies; waits while the queue is full. `key` may be BYTES_NULL.
void producer_send(struct producer *producer, struct bytes key, struct bytes value);
// Waits until all is acknowledged (60 s without progress give up), frees. `*written` counts what is
// on the broker.
MUST_USE err_t producer_close(struct producer *producer, int64_t *written, struct diag *diag);

#endif
