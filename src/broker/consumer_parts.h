// SPDX-License-Identifier: Apache-2.0
//
// consumer_parts: a set of partitions of a KIP-848 member: an array sorted by topic id and
// partition, so that sets are compared and merged in one pass. All zero is a valid empty one.
#ifndef BROKER_CONSUMER_PARTS_H
#define BROKER_CONSUMER_PARTS_H

#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

struct consumer_part {
    uint8_t topic[16];
    int32_t partition;
    int32_t epoch; // the member epoch at which it was assigned; not part of the key
};

struct consumer_parts {
    struct consumer_part *items;
    size_t count;
    size_t capacity;
};

int consumer_part_compare(const struct consumer_part *a, const struct consumer_part *b);
void consumer_parts_release(struct consumer_parts *parts);
void consumer_parts_add(struct consumer_parts *parts, struct consumer_part part); // at the end
void consumer_parts_sort(struct consumer_parts *parts); // and drops repeated ones
void consumer_parts_set(struct consumer_parts *parts, const struct consumer_parts *from); // a copy
void consumer_parts_take(struct consumer_parts *parts, struct consumer_parts *from);
// NULL if absent. The set is sorted.
const struct consumer_part *consumer_parts_find(const struct consumer_parts *parts,
                                                const uint8_t topic[16], int32_t partition);
bool consumer_parts_equal(const struct consumer_parts *a, const struct consumer_parts *b);
bool consumer_parts_meet(const struct consumer_parts *a, const struct consumer_parts *b);
bool consumer_parts_within(const struct consumer_parts *part, const struct consumer_parts *whole);

#endif
