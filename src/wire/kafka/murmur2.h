// SPDX-License-Identifier: Apache-2.0
//
// murmur2: the hash Kafka's default partitioner uses: a key belongs to partition
// murmur2_partition(key, partitions), in every client that follows Java. Pure.
#ifndef WIRE_KAFKA_MURMUR2_H
#define WIRE_KAFKA_MURMUR2_H

#include "base/bytes.h"

uint32_t murmur2(struct bytes key); // seed 0x9747b28c
int32_t murmur2_partition(struct bytes key, int32_t partitions);

#endif
