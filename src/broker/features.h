// SPDX-License-Identifier: Apache-2.0
//
// features: the cluster features of Kafka that hold here, as ApiVersions tells them. They are
// fixed.
#ifndef BROKER_FEATURES_H
#define BROKER_FEATURES_H

#include "base/bytes.h"

struct feature {
    const char *name;
    int16_t min, max;  // supported
    int16_t finalized; // the level in force
};

extern const struct feature features[];
extern const size_t feature_count;

const struct feature *feature_find(struct bytes name); // NULL if there is no such feature

#endif
