// SPDX-License-Identifier: Apache-2.0
//
// producer: records from the command line into a topic, over the Kafka protocol (librdkafka,
// idempotent unless acks say otherwise), so it works on the running weir and on any other broker
// (--brokers).
#ifndef APP_PRODUCER_H
#define APP_PRODUCER_H

#include "app/kafka_client.h"
#include "wire/kafka/record.h"

struct producer;

struct producer_options {
    const char *topic;
    const char *acks;        // "all", "1", "0"; NULL = all
    const char *compression; // NULL = none
    bool progress;           // a line on stderr while it lasts, on a terminal
};

struct producer_record {
    int32_t partition;    // -1 = by key
    int64_t timestamp_ms; // 0 = now
    struct bytes key;     // ptr NULL = null
    struct bytes value;   // ptr NULL = null
    const struct record_header *headers;
    size_t header_count;
};

// host:port,... of --brokers or of the running weir.
MUST_USE err_t producer_brokers(const struct args *args, char *out, size_t size, struct diag *diag);
MUST_USE err_t producer_open(struct producer **out, const struct args *args,
                             const struct producer_options *options, struct diag *diag);
// Copies; waits while the queue is full. False when a record was refused: there is no sense in
// going on.
bool producer_send(struct producer *producer, const struct producer_record *record);
// Waits until all is acknowledged (60 s without progress give up), frees. `*written` counts what is
// on the broker.
MUST_USE err_t producer_close(struct producer *producer, int64_t *written, struct diag *diag);

#endif
