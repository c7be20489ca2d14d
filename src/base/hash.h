// SPDX-License-Identifier: Apache-2.0
//
// hash: in-memory hashing and CRC32C. Hashes that a protocol prescribes (murmur3 of Cassandra and
// Spark, murmur2 of Kafka's partitioner) live with that protocol.
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/bytes.h"

// For hash tables: fast, well mixed, not for storage (may change between versions).
uint64_t hash_bytes(const void *ptr, size_t size);
uint64_t hash_u64(uint64_t value);

// CRC-32C (Castagnoli, RFC 3720), continuing from `crc`; start with 0.
uint32_t crc32c(uint32_t crc, const void *ptr, size_t size);

#endif
