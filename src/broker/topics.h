// SPDX-License-Identifier: Apache-2.0
//
// topics: what the handlers about topics share.
#ifndef BROKER_TOPICS_H
#define BROKER_TOPICS_H

#include "broker/broker_int.h"

#define OFFSETS_TOPIC "__consumer_offsets"

// Operations a client may do, as Kafka's bit mask (bit = AclOperation code): all that exist for the
// kind.
enum {
    TOPICS_OPERATIONS_TOPIC =
        0xdf8, // read write create delete alter describe describe/alter-configs
    TOPICS_OPERATIONS_CLUSTER =
        0x1fa0, // create alter describe cluster-action describe/alter-configs idempotent-write
    TOPICS_OPERATIONS_GROUP = 0xd48, // read delete describe describe/alter-configs
};

struct kafka_uuid topics_uuid(const struct topic *topic);
int32_t *topics_replicas(struct arena *arena); // one node: us

#endif
