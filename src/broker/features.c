// SPDX-License-Identifier: Apache-2.0
//
// Of Kafka's features those are left out that weir has not: kraft, share and streams groups,
// eligible leader replicas. metadata.version is that of Kafka 4.3, whose answers we give.
#include "broker/features.h"

#include "broker/txns.h"

const struct feature features[] = {
    {"group.version", 0, 1, 1}, // KIP-848
    {"metadata.version", 7, 30, 30},
    {"transaction.version", 0, TXN_SERVER_VERSION, TXN_SERVER_VERSION},
};
const size_t feature_count = sizeof features / sizeof *features;

const struct feature *feature_find(struct bytes name)
{
    for (size_t i = 0; i < feature_count; i++)
        if (bytes_is(name, features[i].name))
            return &features[i];
    return NULL;
}
