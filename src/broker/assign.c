// SPDX-License-Identifier: Apache-2.0
#include "broker/assign.h"

#include <stdlib.h>

const struct assignor assignors[] = {
    {"uniform", assign_uniform}, {"range", assign_range}, {NULL, NULL}};

const struct assignor *assignor_find(struct bytes name)
{
    for (const struct assignor *assignor = assignors; assignor->name; assignor++)
        if (bytes_is(name, assignor->name))
            return assignor;
    return NULL;
}

static int by_id(const void *key, const void *topic)
{
    return memcmp(key, ((const struct assign_topic *)topic)->id, 16);
}

int64_t assign_topic_index(const struct assign *assign, const uint8_t id[16])
{
    const struct assign_topic *found =
        assign->topic_count
            ? bsearch(id, assign->topics, assign->topic_count, sizeof *assign->topics, by_id)
            : NULL;
    return found ? found - assign->topics : -1;
}

static int by_index(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

bool assign_subscribed(const struct assign_member *member, uint32_t topic)
{
    return member->topic_count &&
           bsearch(&topic, member->topics, member->topic_count, sizeof topic, by_index);
}
