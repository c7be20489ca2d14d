// SPDX-License-Identifier: Apache-2.0
//
// Members read different topics. Each keeps what it still reads; partitions nobody has go, topic by
// topic, to the least loaded of the topic's readers; then, topic by topic, partitions move from the
// most loaded reader to the least loaded one until that would not help, or ROUNDS_MAX times over
// all topics (each round about halves what is uneven, and different readers could keep it from
// ever being even).
#include "broker/assign.h"

#include <stdlib.h>

enum { ROUNDS_MAX = 16 };

struct mixed {
    struct assign *assign;
    size_t *load;      // partitions of each member
    size_t *first;     // where a topic's partitions begin in `owner`
    int64_t *owner;    // member index, -1: nobody
    size_t *begin;     // where a topic's readers begin in `readers`; begin[topic_count] is the end
    uint32_t *readers; // member indexes
    uint32_t *topics;  // in the order in which they are shared out
};

// The readers of one topic by load. Partitions are given to the low end, a level at a time, and
// taken from the high end.
struct balance {
    const struct mixed *mixed;
    uint32_t *order; // readers, least loaded first
    size_t count;
    size_t low_end; // order[0..low_end) have had `low_load` before the present round
    int64_t low_load;
    size_t low_next;
    size_t high_start, high_end; // order[high_start..high_end) have had `high_load`
    int64_t high_load;
    int64_t high_next;
};

static int64_t load_at(const struct balance *balance, size_t at)
{
    return (int64_t)balance->mixed->load[balance->order[at]];
}

static int by_load(const void *a, const void *b, void *ctx)
{
    const size_t *load = ctx;
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    int order = (load[x] > load[y]) - (load[x] < load[y]);
    return order ? order : (x > y) - (x < y);
}

// Tells the difference between the most and the least loaded.
static int64_t balance_begin(struct balance *balance, const struct mixed *mixed, uint32_t topic)
{
    size_t count = mixed->begin[topic + 1] - mixed->begin[topic];
    balance->mixed = mixed;
    balance->count = count;
    memcpy(balance->order, mixed->readers + mixed->begin[topic], count * sizeof *balance->order);
    qsort_r(balance->order, count, sizeof *balance->order, by_load, mixed->load);
    balance->low_end = balance->low_next = 0;
    balance->low_load = load_at(balance, 0) - 1;
    balance->high_start = balance->high_end = count;
    balance->high_load = load_at(balance, count - 1) + 1;
    balance->high_next = (int64_t)count - 1;
    return load_at(balance, count - 1) - load_at(balance, 0);
}

static uint32_t take_lowest(struct balance *balance)
{
    if (balance->low_next >= balance->low_end) { // everybody at this level has got one
        balance->low_load++;
        while (balance->low_end < balance->count &&
               load_at(balance, balance->low_end) == balance->low_load)
            balance->low_end++;
        balance->low_next = 0;
    }
    return balance->order[balance->low_next++];
}

// -1: nobody is left who could give.
static int64_t take_highest(struct balance *balance)
{
    if (balance->high_next < (int64_t)balance->high_start) {
        bool none = balance->high_end <= balance->high_start;
        if (none && balance->high_start > 0)
            balance->high_load = load_at(balance, balance->high_start - 1);
        else
            balance->high_load--;
        while (balance->high_start > 0 &&
               load_at(balance, balance->high_start - 1) == balance->high_load)
            balance->high_start--;
        balance->high_next = (int64_t)balance->high_end - 1;
    }
    if (balance->high_next < 0)
        return -1;
    return balance->order[balance->high_next--];
}

// The one just taken from the high end has nothing of this topic to give.
static void exclude_highest(struct balance *balance)
{
    size_t at = (size_t)(balance->high_next + 1);
    uint32_t member = balance->order[at];
    balance->order[at] = balance->order[balance->high_end - 1];
    balance->order[--balance->high_end] = member;
}

static bool is_even(const struct balance *balance)
{
    return balance->high_load - balance->low_load <= 1;
}

// --- setting up ----------------------------------------------------------------------

static void list_readers(struct mixed *mixed)
{
    struct assign *assign = mixed->assign;
    for (size_t i = 0; i < assign->member_count; i++)
        for (size_t t = 0; t < assign->members[i].topic_count; t++)
            mixed->begin[assign->members[i].topics[t] + 1]++;
    for (size_t t = 0; t < assign->topic_count; t++)
        mixed->begin[t + 1] += mixed->begin[t];
    mixed->readers = mem_alloc(sizeof *mixed->readers * (mixed->begin[assign->topic_count] + 1));
    size_t *next = mem_dup(mixed->begin, sizeof *next * (assign->topic_count + 1));
    for (size_t i = 0; i < assign->member_count; i++)
        for (size_t t = 0; t < assign->members[i].topic_count; t++)
            mixed->readers[next[assign->members[i].topics[t]]++] = (uint32_t)i;
    mem_free(next);
}

static void keep_present(struct mixed *mixed)
{
    const struct assign *assign = mixed->assign;
    for (size_t i = 0; i < assign->member_count; i++) {
        const struct consumer_parts *present = assign->members[i].present;
        for (size_t p = 0; p < present->count; p++) {
            int64_t topic = assign_topic_index(assign, present->items[p].topic);
            if (topic < 0 || present->items[p].partition >= assign->topics[topic].partitions ||
                !assign_subscribed(&assign->members[i], (uint32_t)topic))
                continue;
            mixed->owner[mixed->first[topic] + (size_t)present->items[p].partition] = (int64_t)i;
            mixed->load[i]++;
        }
    }
}

// Most partitions per reader first, then fewest readers, then by id.
static int by_pressure(const void *a, const void *b, void *ctx)
{
    const struct mixed *mixed = ctx;
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    double x_readers = (double)(mixed->begin[x + 1] - mixed->begin[x]);
    double y_readers = (double)(mixed->begin[y + 1] - mixed->begin[y]);
    double x_share = mixed->assign->topics[x].partitions / x_readers;
    double y_share = mixed->assign->topics[y].partitions / y_readers;
    int order = (y_share > x_share) - (y_share < x_share);
    if (order == 0)
        order = (x_readers > y_readers) - (x_readers < y_readers);
    return order ? order : (x > y) - (x < y);
}

// --- sharing out ---------------------------------------------------------------------

static void move(struct mixed *mixed, size_t at, uint32_t member)
{
    if (mixed->owner[at] >= 0)
        mixed->load[mixed->owner[at]]--;
    mixed->owner[at] = member;
    mixed->load[member]++;
}

static void fill(struct mixed *mixed, struct balance *balance, uint32_t topic)
{
    bool begun = false;
    for (size_t at = mixed->first[topic]; at < mixed->first[topic + 1]; at++) {
        if (mixed->owner[at] >= 0)
            continue;
        if (!begun)
            balance_begin(balance, mixed, topic);
        begun = true;
        move(mixed, at, take_lowest(balance));
    }
}

struct holding { // the partitions of one reader: a run of a list grouped by owner
    size_t begin, end;
};

static int by_owner(const void *a, const void *b, void *ctx)
{
    const int64_t *owner = ctx;
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;
    int order = (owner[x] > owner[y]) - (owner[x] < owner[y]);
    return order ? order : (x > y) - (x < y);
}

static int64_t find_giver(struct balance *balance, const struct holding *holdings)
{
    for (;;) {
        int64_t member = take_highest(balance);
        if (member < 0 || holdings[member].end > holdings[member].begin)
            return member;
        exclude_highest(balance);
    }
}

// Tells whether a partition moved.
static bool even_out(struct mixed *mixed, struct balance *balance, uint32_t topic)
{
    if (balance_begin(balance, mixed, topic) <= 1)
        return false;
    bool moved = false;
    size_t count = (size_t)mixed->assign->topics[topic].partitions;
    size_t *parts = mem_alloc(sizeof *parts * (count + 1));
    struct holding *holdings = mem_zalloc(sizeof *holdings * mixed->assign->member_count);
    for (size_t p = 0; p < count; p++)
        parts[p] = mixed->first[topic] + p;
    qsort_r(parts, count, sizeof *parts, by_owner, mixed->owner);
    for (size_t p = 0; p < count; p++) {
        struct holding *holding = &holdings[mixed->owner[parts[p]]];
        if (holding->end == holding->begin)
            holding->begin = p;
        holding->end = p + 1;
    }
    while (!is_even(balance)) {
        int64_t giver = find_giver(balance, holdings);
        if (giver < 0)
            break;
        size_t part = parts[--holdings[giver].end];
        uint32_t taker = take_lowest(balance);
        if (is_even(balance))
            break;
        move(mixed, part, taker);
        moved = true;
    }
    mem_free(holdings);
    mem_free(parts);
    return moved;
}

static void even_out_all(struct mixed *mixed, struct balance *balance)
{
    int64_t last = -1; // the topic that moved last
    for (int round = 0; round < ROUNDS_MAX; round++) {
        for (size_t i = 0; i < mixed->assign->topic_count; i++) {
            uint32_t topic = mixed->topics[i];
            if (mixed->begin[topic + 1] - mixed->begin[topic] < 2)
                continue;
            if ((int64_t)i == last)
                return;
            if (even_out(mixed, balance, topic) || last < 0)
                last = (int64_t)i;
        }
    }
}

static void tell(const struct mixed *mixed)
{
    struct assign *assign = mixed->assign;
    for (size_t t = 0; t < assign->topic_count; t++) {
        for (int32_t p = 0; p < assign->topics[t].partitions; p++) {
            int64_t owner = mixed->owner[mixed->first[t] + (size_t)p];
            if (owner < 0)
                continue;
            struct consumer_part part = {.partition = p};
            memcpy(part.topic, assign->topics[t].id, sizeof part.topic);
            consumer_parts_add(&assign->members[owner].target, part);
        }
    }
}

void assign_uniform_mixed(struct assign *assign)
{
    size_t topics = assign->topic_count;
    struct mixed mixed = {.assign = assign};
    struct balance balance = {0};
    mixed.load = mem_zalloc(sizeof *mixed.load * assign->member_count);
    mixed.first = mem_zalloc(sizeof *mixed.first * (topics + 1));
    for (size_t t = 0; t < topics; t++)
        mixed.first[t + 1] = mixed.first[t] + (size_t)assign->topics[t].partitions;
    mixed.owner = mem_alloc(sizeof *mixed.owner * (mixed.first[topics] + 1));
    for (size_t i = 0; i < mixed.first[topics]; i++)
        mixed.owner[i] = -1;
    mixed.begin = mem_zalloc(sizeof *mixed.begin * (topics + 2));
    list_readers(&mixed);
    keep_present(&mixed);
    mixed.topics = mem_alloc(sizeof *mixed.topics * (topics + 1));
    for (size_t t = 0; t < topics; t++)
        mixed.topics[t] = (uint32_t)t;
    qsort_r(mixed.topics, topics, sizeof *mixed.topics, by_pressure, &mixed);
    balance.order = mem_alloc(sizeof *balance.order * assign->member_count);
    for (size_t t = 0; t < topics; t++)
        if (mixed.begin[mixed.topics[t] + 1] > mixed.begin[mixed.topics[t]])
            fill(&mixed, &balance, mixed.topics[t]);
    even_out_all(&mixed, &balance);
    tell(&mixed);
    mem_free(balance.order);
    mem_free(mixed.topics);
    mem_free(mixed.readers);
    mem_free(mixed.begin);
    mem_free(mixed.owner);
    mem_free(mixed.first);
    mem_free(mixed.load);
}
