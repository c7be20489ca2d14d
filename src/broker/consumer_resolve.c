// SPDX-License-Identifier: Apache-2.0
//
// Regular expressions are matched against all topics away from the group's mutex; what they matched
// comes back here.
#include "broker/consumer_int.h"

#include "broker/consumer_records.h"
#include "broker/group_write.h"
#include "os/clock.h"

char **consumer_resolve_begin(const struct group *group, struct arena *arena, size_t *count)
{
    const struct consumer *consumer = group->consumer;
    *count = consumer ? consumer->regexes.count : 0;
    char **patterns = ARENA_ARRAY(arena, char *, *count + 1);
    for (size_t i = 0; i < *count; i++)
        patterns[i] = arena_strdup(arena, consumer->regexes.items[i]->pattern);
    return patterns;
}

static bool same_topics(const struct consumer_regex *regex, char **topics, size_t count)
{
    if (regex->topics.count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(regex->topics.items[i], topics[i]) != 0)
            return false;
    return true;
}

void consumer_resolve_end(struct group *group, char **patterns, char ***topics,
                          const size_t *counts, size_t count, uint64_t version)
{
    struct record_builder records = {0};
    bool changed = false;
    mutex_lock(&group->lock);
    struct consumer *consumer = group->consumer;
    if (consumer)
        consumer->resolving = false;
    for (size_t i = 0; consumer && !group_unsaved(group) && i < count; i++) {
        struct consumer_regex *regex = consumer__regex(consumer, patterns[i]);
        if (!regex) // nobody uses it any more
            continue;
        if (!same_topics(regex, topics[i], counts[i])) {
            consumer__set_regex_topics(consumer, regex, topics[i], counts[i]);
            changed = true;
        }
        regex->resolved = true;
        regex->version = version;
        regex->resolved_ms = clock_now_ms();
        consumer_record_add_regex(&records, group, regex);
    }
    if (changed || (records.count && consumer__topics_hash(consumer) != consumer->topics_hash))
        consumer__bump(group, &records);
    struct group_write *write = MEM_NEW(struct group_write);
    write->keep = true;
    group_write(group, &records, write);
    group__unlock(group);
}
