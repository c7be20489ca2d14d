// SPDX-License-Identifier: Apache-2.0
//
// All members read all topics: each gets its share of the sum of partitions, some one more. A
// member gives up what exceeds its share and what it no longer reads; the partitions nobody has
// then fill the others up.
#include "broker/assign.h"

struct spare {
    struct consumer_part *items; // partitions nobody has
    size_t count;
    size_t capacity;
    size_t next;
};

static struct consumer_part part_of(const struct assign *assign, size_t topic, int32_t partition)
{
    struct consumer_part part = {.partition = partition};
    memcpy(part.topic, assign->topics[topic].id, sizeof part.topic);
    return part;
}

// Marks what members have. `first[t]` is where topic t begins in `taken`.
static void mark(const struct assign *assign, const size_t *first, bool *taken)
{
    for (size_t i = 0; i < assign->member_count; i++) {
        const struct consumer_parts *present = assign->members[i].present;
        for (size_t p = 0; p < present->count; p++) {
            const struct consumer_part *part = &present->items[p];
            int64_t topic = assign_topic_index(assign, part->topic);
            if (topic >= 0 && part->partition < assign->topics[topic].partitions)
                taken[first[topic] + (size_t)part->partition] = true;
        }
    }
}

static size_t find_spare(const struct assign *assign, struct spare *spare)
{
    size_t *first = mem_zalloc(sizeof *first * (assign->topic_count + 1));
    for (size_t t = 0; t < assign->topic_count; t++)
        first[t + 1] = first[t] + (size_t)assign->topics[t].partitions;
    size_t total = first[assign->topic_count];
    bool *taken = mem_zalloc(total + 1);
    mark(assign, first, taken);
    for (size_t t = 0; t < assign->topic_count; t++)
        for (int32_t p = 0; p < assign->topics[t].partitions; p++)
            if (!taken[first[t] + (size_t)p])
                vec_push(spare, part_of(assign, t, p));
    mem_free(taken);
    mem_free(first);
    return total;
}

// Keeps at most `quota` of what the member has; tells how much of the quota is left.
static size_t keep(const struct assign *assign, struct assign_member *member, size_t quota,
                   struct spare *spare)
{
    for (size_t p = 0; p < member->present->count; p++) {
        struct consumer_part part = member->present->items[p];
        int64_t topic = assign_topic_index(assign, part.topic);
        if (topic < 0 || part.partition >= assign->topics[topic].partitions)
            continue;
        if (quota == 0) {
            vec_push(spare, part);
            continue;
        }
        consumer_parts_add(&member->target, part);
        quota--;
    }
    return quota;
}

static void assign_same(struct assign *assign)
{
    struct spare spare = {0};
    size_t total = find_spare(assign, &spare);
    size_t least = total / assign->member_count;
    size_t extra = total % assign->member_count; // members that get one more
    size_t *left = mem_zalloc(sizeof *left * assign->member_count);
    for (size_t i = 0; i < assign->member_count; i++) {
        bool more = extra > 0;
        left[i] = keep(assign, &assign->members[i], least + more, &spare);
        // One that has no use for the extra partition yet leaves it to those that have it, unless
        // only takers are left.
        if (left[i] && more && assign->member_count - i > extra) {
            left[i]--;
            more = false;
        }
        extra -= more;
    }
    for (size_t i = 0; i < assign->member_count; i++) {
        for (; left[i] && spare.next < spare.count; left[i]--)
            consumer_parts_add(&assign->members[i].target, spare.items[spare.next++]);
        consumer_parts_sort(&assign->members[i].target);
    }
    mem_free(left);
    vec_release(&spare);
}

void assign_uniform(struct assign *assign)
{
    if (!assign->topic_count || !assign->member_count)
        return;
    if (assign->same)
        assign_same(assign);
    else
        assign_uniform_mixed(assign);
}
