// SPDX-License-Identifier: Apache-2.0
#include "broker/consumer_parts.h"

#include <stdlib.h>

int consumer_part_compare(const struct consumer_part *a, const struct consumer_part *b)
{
    int order = memcmp(a->topic, b->topic, sizeof a->topic);
    return order ? order : (a->partition > b->partition) - (a->partition < b->partition);
}

static int compare(const void *a, const void *b)
{
    return consumer_part_compare(a, b);
}

void consumer_parts_release(struct consumer_parts *parts)
{
    vec_release(parts);
}

void consumer_parts_add(struct consumer_parts *parts, struct consumer_part part)
{
    vec_push(parts, part);
}

void consumer_parts_sort(struct consumer_parts *parts)
{
    size_t kept = 0;
    if (parts->count)
        qsort(parts->items, parts->count, sizeof *parts->items, compare);
    for (size_t i = 0; i < parts->count; i++)
        if (!kept || compare(&parts->items[kept - 1], &parts->items[i]) != 0)
            parts->items[kept++] = parts->items[i];
    parts->count = kept;
}

void consumer_parts_set(struct consumer_parts *parts, const struct consumer_parts *from)
{
    vec_clear(parts);
    if (!from->count)
        return;
    vec_reserve(parts, from->count);
    memcpy(parts->items, from->items, from->count * sizeof *from->items);
    parts->count = from->count;
}

void consumer_parts_take(struct consumer_parts *parts, struct consumer_parts *from)
{
    vec_release(parts);
    *parts = *from;
    *from = (struct consumer_parts){0};
}

const struct consumer_part *consumer_parts_find(const struct consumer_parts *parts,
                                                const uint8_t topic[16], int32_t partition)
{
    struct consumer_part key = {.partition = partition};
    memcpy(key.topic, topic, sizeof key.topic);
    return parts->count ? bsearch(&key, parts->items, parts->count, sizeof key, compare) : NULL;
}

bool consumer_parts_equal(const struct consumer_parts *a, const struct consumer_parts *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (compare(&a->items[i], &b->items[i]) != 0 || a->items[i].epoch != b->items[i].epoch)
            return false;
    return true;
}

bool consumer_parts_meet(const struct consumer_parts *a, const struct consumer_parts *b)
{
    for (size_t i = 0, k = 0; i < a->count && k < b->count;) {
        int order = compare(&a->items[i], &b->items[k]);
        if (order == 0)
            return true;
        *(order < 0 ? &i : &k) += 1;
    }
    return false;
}

bool consumer_parts_within(const struct consumer_parts *part, const struct consumer_parts *whole)
{
    for (size_t i = 0; i < part->count; i++)
        if (!consumer_parts_find(whole, part->items[i].topic, part->items[i].partition))
            return false;
    return true;
}
