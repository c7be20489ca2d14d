// SPDX-License-Identifier: Apache-2.0
#include "broker/assign.h"

#include <stdlib.h>

struct share { // of one topic
    int32_t members;
    int32_t extra; // members that get one more
    int32_t next;  // partition
};

// Static members by their instance ids, then the others by their ids.
static int by_name(const void *a, const void *b)
{
    const struct assign_member *x = *(struct assign_member *const *)a;
    const struct assign_member *y = *(struct assign_member *const *)b;
    if (x->instance_id && y->instance_id)
        return strcmp(x->instance_id, y->instance_id);
    if (x->instance_id || y->instance_id)
        return x->instance_id ? -1 : 1;
    return strcmp(x->id, y->id);
}

static void give(const struct assign *assign, struct share *shares, struct assign_member *member)
{
    for (size_t t = 0; t < member->topic_count; t++) {
        const struct assign_topic *topic = &assign->topics[member->topics[t]];
        struct share *share = &shares[member->topics[t]];
        int32_t quota = topic->partitions / share->members;
        if (share->extra > 0) {
            quota++;
            share->extra--;
        }
        for (; quota > 0 && share->next < topic->partitions; quota--) {
            struct consumer_part part = {.partition = share->next++};
            memcpy(part.topic, topic->id, sizeof part.topic);
            consumer_parts_add(&member->target, part);
        }
    }
}

void assign_range(struct assign *assign)
{
    struct share *shares = mem_zalloc(sizeof *shares * (assign->topic_count + 1));
    struct assign_member **order = mem_alloc(sizeof(void *) * (assign->member_count + 1));
    for (size_t i = 0; i < assign->member_count; i++) {
        order[i] = &assign->members[i];
        for (size_t t = 0; t < order[i]->topic_count; t++)
            shares[order[i]->topics[t]].members++;
    }
    for (size_t t = 0; t < assign->topic_count; t++)
        if (shares[t].members)
            shares[t].extra = assign->topics[t].partitions % shares[t].members;
    qsort(order, assign->member_count, sizeof(void *), by_name);
    for (size_t i = 0; i < assign->member_count; i++)
        give(assign, shares, order[i]);
    mem_free(order);
    mem_free(shares);
}
