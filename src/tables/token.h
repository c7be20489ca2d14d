// SPDX-License-Identifier: Apache-2.0
//
// token: Cassandra's Murmur3Partitioner, bit for bit. Pure.
#ifndef TABLES_TOKEN_H
#define TABLES_TOKEN_H

#include "base/bytes.h"

// The token of a serialised partition key; never INT64_MIN.
int64_t token_of(struct bytes partition_key);

#endif
