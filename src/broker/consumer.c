// SPDX-License-Identifier: Apache-2.0
//
// Members, who owns what, and who is subscribed to what, kept as indexes so that a heartbeat that
// changes nothing costs nothing.
#include "broker/consumer_int.h"

#include "broker/assign.h"
#include "broker/consumer_records.h"
#include "os/clock.h"

#include <assert.h>
#include <stdlib.h>

struct consumer *consumer__new(struct consumer_env *env)
{
    struct consumer *consumer = MEM_NEW(struct consumer);
    consumer->env = env;
    // A member may get its first epoch before anything grew the group's: 0 would tell it to join.
    consumer->epoch = 1;
    return consumer;
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mem_free(names[i]);
}

static void free_classic(struct consumer_member *member)
{
    if (member->classic)
        group_protocols_release(&member->classic->protocols);
    mem_free(member->classic);
    member->classic = NULL;
}

void consumer__free_member(struct consumer_member *member)
{
    free_classic(member);
    free_names(member->topics.items, member->topics.count);
    vec_release(&member->topics);
    consumer_parts_release(&member->assigned);
    consumer_parts_release(&member->revoking);
    consumer_parts_release(&member->target);
    mem_free(member->id);
    mem_free(member->instance_id);
    mem_free(member->rack_id);
    mem_free(member->assignor);
    mem_free(member->regex);
    mem_free(member->client_id);
    mem_free(member->client_host);
    mem_free(member);
}

void consumer__free_regex(struct consumer_regex *regex)
{
    free_names(regex->topics.items, regex->topics.count);
    vec_release(&regex->topics);
    mem_free(regex->pattern);
    mem_free(regex);
}

static void free_subscription(struct consumer_subscription *subscription)
{
    mem_free(subscription->name);
    mem_free(subscription);
}

void consumer_free(struct consumer *consumer)
{
    for (size_t i = 0; i < consumer->members.count; i++)
        consumer__free_member(consumer->members.items[i]);
    for (size_t i = 0; i < consumer->regexes.count; i++)
        consumer__free_regex(consumer->regexes.items[i]);
    for (size_t i = 0; i < consumer->subscriptions.capacity; i++)
        if (consumer->subscriptions.used[i])
            free_subscription(consumer->subscriptions.values[i]);
    vec_release(&consumer->members);
    vec_release(&consumer->regexes);
    consumer_member_map_release(&consumer->by_id);
    consumer_member_map_release(&consumer->by_instance);
    consumer_subscription_map_release(&consumer->subscriptions);
    consumer_owner_map_release(&consumer->owners);
    group_votes_release(&consumer->votes);
    mem_free(consumer);
}

// --- members -------------------------------------------------------------------------

struct consumer_member *consumer_member(const struct consumer *consumer, struct bytes id)
{
    struct consumer_member **found = consumer_member_map_get(&consumer->by_id, id);
    return found ? *found : NULL;
}

struct consumer_member *consumer__of_instance(const struct consumer *consumer,
                                              struct bytes instance_id)
{
    struct consumer_member **found = consumer_member_map_get(&consumer->by_instance, instance_id);
    return found ? *found : NULL;
}

struct consumer_member *consumer__add_member(struct consumer *consumer, const char *id)
{
    struct consumer_member *member = MEM_NEW(struct consumer_member);
    member->id = mem_strdup(id);
    member->rebalance_timeout_ms = -1;
    vec_push(&consumer->members, member);
    *consumer_member_map_put(&consumer->by_id, bytes_from(member->id), NULL) = member;
    return member;
}

void consumer__set_instance(struct consumer *consumer, struct consumer_member *member,
                            struct bytes instance_id)
{
    if (member->instance_id &&
        consumer__of_instance(consumer, bytes_from(member->instance_id)) == member)
        consumer_member_map_remove(&consumer->by_instance, bytes_from(member->instance_id));
    mem_free(member->instance_id);
    member->instance_id = instance_id.ptr ? group__text(instance_id) : NULL;
    if (!member->instance_id)
        return;
    consumer_member_map_remove(&consumer->by_instance, bytes_from(member->instance_id));
    *consumer_member_map_put(&consumer->by_instance, bytes_from(member->instance_id), NULL) =
        member;
}

void consumer__rename(struct consumer *consumer, struct consumer_member *member, const char *id)
{
    consumer_member_map_remove(&consumer->by_id, bytes_from(member->id));
    group__set_text(&member->id, id);
    *consumer_member_map_put(&consumer->by_id, bytes_from(member->id), NULL) = member;
}

// --- members of the classic protocol -------------------------------------------------

static bool same_classic(const struct consumer_classic *classic, int32_t session_ms,
                         const struct group_protocol *protocols, size_t count)
{
    return classic && classic->session_ms == session_ms &&
           group_protocols_same(&classic->protocols, protocols, count);
}

bool consumer__set_classic(struct consumer *consumer, struct consumer_member *member,
                           int32_t session_ms, const struct group_protocol *protocols, size_t count)
{
    if (same_classic(member->classic, session_ms, protocols, count))
        return false;
    consumer__drop_classic(consumer, member);
    member->classic = MEM_NEW(struct consumer_classic);
    member->classic->session_ms = session_ms;
    group_protocols_set(&member->classic->protocols, protocols, count);
    group_votes_add(&consumer->votes, &member->classic->protocols);
    consumer->classic_bytes += member->classic->protocols.bytes;
    consumer->classics++;
    return true;
}

bool consumer__drop_classic(struct consumer *consumer, struct consumer_member *member)
{
    if (!member->classic)
        return false;
    group_votes_drop(&consumer->votes, &member->classic->protocols);
    consumer->classic_bytes -= member->classic->protocols.bytes;
    consumer->classics--;
    free_classic(member);
    return true;
}

void consumer__touch(const struct group *group, struct consumer_member *member)
{
    struct consumer_env *env = group->consumer->env;
    int32_t session_ms =
        member->classic ? member->classic->session_ms : env->settings(env, group->id).session_ms;
    member->expires_us = clock_mono_us() + (int64_t)session_ms * 1000;
}

err_t consumer__check_fenced(const struct consumer_member *member, struct bytes id)
{
    return bytes_is(id, member->id) ? ERR_OK : ERR_FENCED_INSTANCE;
}

// --- who owns what -------------------------------------------------------------------

static void disown(struct consumer *consumer, const struct consumer_member *member,
                   const struct consumer_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        struct consumer_member **owner = consumer_owner_map_get(&consumer->owners, parts->items[i]);
        if (owner && *owner == member)
            consumer_owner_map_remove(&consumer->owners, parts->items[i]);
    }
}

static void own(struct consumer *consumer, struct consumer_member *member,
                const struct consumer_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++)
        *consumer_owner_map_put(&consumer->owners, parts->items[i], NULL) = member;
}

void consumer__set_parts(struct consumer *consumer, struct consumer_member *member,
                         struct consumer_parts *assigned, struct consumer_parts *revoking)
{
    disown(consumer, member, &member->assigned);
    disown(consumer, member, &member->revoking);
    consumer_parts_take(&member->assigned, assigned);
    consumer_parts_take(&member->revoking, revoking);
    own(consumer, member, &member->assigned);
    own(consumer, member, &member->revoking);
}

// --- who is subscribed to what -------------------------------------------------------

static struct consumer_subscription *subscription_of(struct consumer *consumer, const char *name)
{
    struct consumer_subscription **found =
        consumer_subscription_map_get(&consumer->subscriptions, bytes_from(name));
    if (found)
        return *found;
    struct consumer_subscription *subscription = MEM_NEW(struct consumer_subscription);
    subscription->name = mem_strdup(name);
    *consumer_subscription_map_put(&consumer->subscriptions, bytes_from(subscription->name), NULL) =
        subscription;
    return subscription;
}

static void drop_if_unused(struct consumer *consumer, struct consumer_subscription *subscription)
{
    if (subscription->by_name || subscription->by_regex)
        return;
    consumer_subscription_map_remove(&consumer->subscriptions, bytes_from(subscription->name));
    free_subscription(subscription);
}

static void count_topics(struct consumer *consumer, const struct consumer_member *member)
{
    for (size_t i = 0; i < member->topics.count; i++)
        subscription_of(consumer, member->topics.items[i])->by_name++;
}

static void discount_topics(struct consumer *consumer, const struct consumer_member *member)
{
    for (size_t i = 0; i < member->topics.count; i++) {
        struct consumer_subscription *subscription =
            subscription_of(consumer, member->topics.items[i]);
        subscription->by_name--;
        drop_if_unused(consumer, subscription);
    }
}

static int by_bytes(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static bool same_names(const struct consumer_member *member, const struct bytes *names,
                       size_t count)
{
    if (member->topics.count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!bytes_is(names[i], member->topics.items[i]))
            return false;
    return true;
}

bool consumer__set_topics(struct consumer *consumer, struct consumer_member *member,
                          const struct bytes *topics, int32_t count)
{
    struct bytes *names = mem_alloc(sizeof *names * ((size_t)count + 1));
    size_t kept = 0;
    if (count > 0) {
        memcpy(names, topics, sizeof *names * (size_t)count);
        qsort(names, (size_t)count, sizeof *names, by_bytes);
    }
    for (int32_t i = 0; i < count; i++)
        if (!kept || !bytes_equal(names[kept - 1], names[i]))
            names[kept++] = names[i];
    bool changed = !same_names(member, names, kept);
    if (changed) {
        discount_topics(consumer, member);
        free_names(member->topics.items, member->topics.count);
        vec_clear(&member->topics);
        for (size_t i = 0; i < kept; i++)
            vec_push(&member->topics, group__text(names[i]));
        count_topics(consumer, member);
    }
    mem_free(names);
    return changed;
}

bool consumer_subscribes(const struct consumer *consumer, struct bytes topic)
{
    return consumer_subscription_map_get(&consumer->subscriptions, topic) != NULL;
}

// --- regular expressions -------------------------------------------------------------

struct consumer_regex *consumer__regex(const struct consumer *consumer, const char *pattern)
{
    for (size_t i = 0; pattern && i < consumer->regexes.count; i++)
        if (strcmp(consumer->regexes.items[i]->pattern, pattern) == 0)
            return consumer->regexes.items[i];
    return NULL;
}

static struct consumer_regex *add_regex(struct consumer *consumer, const char *pattern)
{
    struct consumer_regex *regex = consumer__regex(consumer, pattern);
    if (!regex) {
        regex = MEM_NEW(struct consumer_regex);
        regex->pattern = mem_strdup(pattern);
        vec_push(&consumer->regexes, regex);
    }
    return regex;
}

void consumer__use_regex(struct consumer *consumer, const char *pattern)
{
    add_regex(consumer, pattern)->members++;
}

static void drop_regex(struct consumer *consumer, struct consumer_regex *regex)
{
    consumer__set_regex_topics(consumer, regex, NULL, 0);
    for (size_t i = 0; i < consumer->regexes.count; i++) {
        if (consumer->regexes.items[i] == regex) {
            vec_remove(&consumer->regexes, i);
            break;
        }
    }
    consumer__free_regex(regex);
}

bool consumer__leave_regex(struct consumer *consumer, const char *pattern)
{
    struct consumer_regex *regex = consumer__regex(consumer, pattern);
    if (!regex || --regex->members)
        return false;
    drop_regex(consumer, regex);
    return true;
}

void consumer__set_regex_topics(struct consumer *consumer, struct consumer_regex *regex,
                                char **topics, size_t count)
{
    for (size_t i = 0; i < count; i++)
        subscription_of(consumer, topics[i])->by_regex++;
    for (size_t i = 0; i < regex->topics.count; i++) {
        struct consumer_subscription *subscription =
            subscription_of(consumer, regex->topics.items[i]);
        subscription->by_regex--;
        drop_if_unused(consumer, subscription);
    }
    free_names(regex->topics.items, regex->topics.count);
    vec_clear(&regex->topics);
    for (size_t i = 0; i < count; i++)
        vec_push(&regex->topics, mem_strdup(topics[i]));
}

// --- topics --------------------------------------------------------------------------

uint64_t consumer__topics_hash(const struct consumer *consumer)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < consumer->subscriptions.capacity; i++) {
        if (!consumer->subscriptions.used[i])
            continue;
        struct bytes name = consumer->subscriptions.keys[i];
        uint8_t id[16];
        int32_t partitions;
        if (!consumer->env->topic(consumer->env, name, id, &partitions))
            continue;
        uint32_t low = crc32c(crc32c(0, id, sizeof id), name.ptr, name.size);
        uint32_t high = crc32c(low, &partitions, sizeof partitions);
        sum += ((uint64_t)high << 32 | low) * 0x9e3779b97f4a7c15u;
    }
    return sum;
}

bool consumer__reads_same(const struct consumer *consumer)
{
    size_t members = consumer->members.count;
    bool regex = consumer->regexes.count > 0;
    if (regex && (consumer->regexes.count > 1 || consumer->regexes.items[0]->members != members))
        return false;
    for (size_t i = 0; i < consumer->subscriptions.capacity; i++) {
        if (!consumer->subscriptions.used[i])
            continue;
        const struct consumer_subscription *subscription = consumer->subscriptions.values[i];
        if (regex ? subscription->by_regex != 1 || subscription->by_name
                  : subscription->by_name != members)
            return false;
    }
    return true;
}

static int by_id(const void *a, const void *b)
{
    return memcmp(((const struct assign_topic *)a)->id, ((const struct assign_topic *)b)->id, 16);
}

struct assign_topic *consumer__topics_of(const struct consumer *consumer,
                                         const struct consumer_member *member, size_t *count)
{
    const struct consumer_regex *regex = consumer__regex(consumer, member->regex);
    size_t matched = regex ? regex->topics.count : 0;
    size_t total = member->topics.count + matched;
    struct assign_topic *topics = mem_alloc(sizeof *topics * (total + 1));
    size_t found = 0;
    for (size_t i = 0; i < total; i++) {
        const char *name = i < member->topics.count ? member->topics.items[i]
                                                    : regex->topics.items[i - member->topics.count];
        found += consumer->env->topic(consumer->env, bytes_from(name), topics[found].id,
                                      &topics[found].partitions);
    }
    qsort(topics, found, sizeof *topics, by_id);
    *count = 0;
    for (size_t i = 0; i < found; i++)
        if (!*count || by_id(&topics[*count - 1], &topics[i]) != 0)
            topics[(*count)++] = topics[i];
    return topics;
}

// --- what can be seen ----------------------------------------------------------------

const char *consumer_state_name(const struct consumer *consumer)
{
    if (!consumer->members.count)
        return "Empty";
    if (consumer->epoch > consumer->target_epoch)
        return "Assigning";
    for (size_t i = 0; i < consumer->members.count; i++)
        if (!consumer__is_reconciled(consumer, consumer->members.items[i]))
            return "Reconciling";
    return "Stable";
}

// The one most members ask for.
const char *consumer_assignor_name(const struct consumer *consumer)
{
    size_t best = 0;
    const char *name =
        consumer->env && consumer->env->assignor ? consumer->env->assignor : assignors[0].name;
    for (const struct assignor *assignor = assignors; assignor->name; assignor++) {
        size_t votes = 0;
        for (size_t i = 0; i < consumer->members.count; i++)
            votes += consumer->members.items[i]->assignor &&
                     strcmp(consumer->members.items[i]->assignor, assignor->name) == 0;
        if (votes > best) {
            best = votes;
            name = assignor->name;
        }
    }
    return name;
}

// --- leaving -------------------------------------------------------------------------

void consumer__take_out(struct group *group, struct consumer_member *member,
                        struct record_builder *records)
{
    struct consumer *consumer = group->consumer;
    struct consumer_parts none[2] = {{0}, {0}};
    consumer_record_add_gone(records, group, member->id);
    consumer__set_parts(consumer, member, &none[0], &none[1]);
    consumer__drop_classic(consumer, member);
    discount_topics(consumer, member);
    if (member->regex && *member->regex && consumer__leave_regex(consumer, member->regex))
        consumer_record_add_regex_gone(records, group, member->regex);
    consumer_member_map_remove(&consumer->by_id, bytes_from(member->id));
    consumer__set_instance(consumer, member, BYTES_NULL);
    for (size_t i = 0; i < consumer->members.count; i++) {
        if (consumer->members.items[i] == member) {
            vec_remove(&consumer->members, i);
            break;
        }
    }
    consumer__free_member(member);
}

void consumer__remove(struct group *group, struct consumer_member **members, size_t count,
                      struct record_builder *records)
{
    for (size_t i = 0; i < count; i++)
        consumer__take_out(group, members[i], records);
    consumer__bump(group, records);
}
