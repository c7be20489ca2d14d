// SPDX-License-Identifier: Apache-2.0
//
// spark_hash: hash() (Murmur3, seed 42) and xxhash64() (seed 42) exactly as Spark computes them
// over columns.
//
// Each column continues from the hashes of the columns before it; a null leaves the hash as it is.
// Start every row with SPARK_HASH_SEED.
#ifndef DATA_SPARK_HASH_H
#define DATA_SPARK_HASH_H

#include "data/column.h"

#define SPARK_HASH_SEED 42

void spark_murmur3(int32_t *hashes, const struct column *column);  // one per row, in and out
void spark_xxhash64(int64_t *hashes, const struct column *column); // one per row, in and out

#endif
