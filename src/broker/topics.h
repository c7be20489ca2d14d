// SPDX-License-Identifier: Apache-2.0
//
// topics: what the handlers about topics share.
#ifndef BROKER_TOPICS_H
#define BROKER_TOPICS_H

#include "broker/broker_int.h"

#define OFFSETS_TOPIC "__consumer_offsets"
#define TXN_TOPIC     "__transaction_state"

// What the caller may do with the cluster, as the field of that name; 0 if not even describe it.
int32_t topics_cluster_operations(struct request *request);
struct kafka_uuid topics_uuid(const struct topic *topic);
int32_t *topics_replicas(struct arena *arena); // one node: us

// One partition a client named; `index` tells where.
struct topics_item {
    struct bytes topic;
    int32_t partition;
    size_t index;
    // Set by topics_group():
    size_t rank;   // index of the first item of the same topic
    bool repeats;  // an earlier item names the same partition
    bool repeated; // a later one does
};
// By topic, partition and index.
void topics_sort(struct topics_item *items, size_t count);
// Topic by topic, topics and partitions in the order they were first named.
void topics_group(struct topics_item *items, size_t count);

// For each of `count` names the index of the first equal one: its own where it is the first.
size_t *topics_first(struct arena *arena, const struct bytes *names, size_t count);
// Replicas that a client chose for one partition: one node can only hold each partition once.
MUST_USE err_t topics_check_replicas(const int32_t *nodes, int32_t count, struct diag *diag);

#endif
