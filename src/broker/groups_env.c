// SPDX-License-Identifier: Apache-2.0
//
// What groups of the new protocol know of the broker: its topics and their settings; and the
// resolving of their regular expressions on a worker.
#include "broker/groups_int.h"

#include "broker/access.h"
#include "broker/assign.h"
#include "broker/config_view.h"
#include "broker/consumer_regex.h"
#include "os/clock.h"

#include <strings.h>

static bool find_topic(struct consumer_env *env, struct bytes name, uint8_t id[16],
                       int32_t *partitions)
{
    struct groups *groups = CONTAINER_OF(env, struct groups, env);
    struct topic *topic = log_store_topic(groups->broker->store, name);
    if (!topic)
        return false;
    memcpy(id, topic_id(topic), 16);
    *partitions = topic_partition_count(topic);
    topic_unref(topic);
    return true;
}

static uint64_t version(struct consumer_env *env)
{
    struct groups *groups = CONTAINER_OF(env, struct groups, env);
    return groups->versions_from + log_store_topics_version(groups->broker->store);
}

static struct consumer_settings settings(struct consumer_env *env, const char *group)
{
    struct broker *broker = CONTAINER_OF(env, struct groups, env)->broker;
    struct bytes id = bytes_from(group);
    return (struct consumer_settings){
        (int32_t)config_of_group(broker, id, "consumer.session.timeout.ms"),
        (int32_t)config_of_group(broker, id, "consumer.heartbeat.interval.ms"),
        (int32_t)config_of_group(broker, id, "consumer.assignment.interval.ms"),
        (int32_t)setting(broker, SETTING_CONSUMER_GROUP_SIZE),
    };
}

static const char *name(struct consumer_env *env, const uint8_t id[16], struct arena *arena)
{
    struct groups *groups = CONTAINER_OF(env, struct groups, env);
    struct topic *topic = log_store_topic_by_id(groups->broker->store, id);
    const char *copy = topic ? arena_strdup(arena, topic_name(topic)) : NULL;
    topic_unref(topic);
    return copy;
}

// The first of group.consumer.assignors.
static const char *first_assignor(struct broker *broker)
{
    struct arena arena = ARENA_INIT;
    struct bytes word = BYTES_NULL;
    size_t at = 0;
    const char *all = settings_text(broker, "group.consumer.assignors", &arena);
    const struct assignor *found =
        kafka_config_word(bytes_from(all), &at, &word) ? assignor_find(word) : NULL;
    arena_release(&arena);
    return found ? found->name : NULL;
}

void groups__init_env(struct groups *groups)
{
    struct arena arena = ARENA_INIT;
    const char *policy = settings_text(groups->broker, "group.consumer.migration.policy", &arena);
    bool both = strcasecmp(policy, "bidirectional") == 0;
    groups->versions_from = (uint64_t)clock_now_us();
    groups->env = (struct consumer_env){
        find_topic,
        version,
        settings,
        name,
        .upgrades = both || strcasecmp(policy, "upgrade") == 0,
        .downgrades = both || strcasecmp(policy, "downgrade") == 0,
        .assignor = first_assignor(groups->broker),
    };
    arena_release(&arena);
}

struct consumer_env *groups_env(struct groups *groups)
{
    return &groups->env;
}

struct bytes groups_client_host(struct request *request)
{
    const char *peer = request_peer(request);
    const char *colon = strrchr(peer, ':');
    size_t size = colon ? (size_t)(colon - peer) : strlen(peer);
    return bytes_from(arena_printf(&request->arena, "/%.*s", (int)size, peer));
}

// --- regular expressions -------------------------------------------------------------

struct resolving {
    struct work work;
    struct groups *groups;
    struct group *group;      // a reference
    struct identity identity; // whose eyes see the topics; owns its principal
};

// The topics the member that asked may describe; the others stay where they are.
static size_t keep_visible(const struct resolving *resolving, struct topic **topics, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct topic *topic = topics[i];
        if (!access_may(resolving->groups->broker->access, &resolving->identity, ACL_DESCRIBE,
                        ACL_TOPIC, bytes_from(topic_name(topic)))) {
            topic_unref(topic);
            continue;
        }
        topics[kept++] = topic;
    }
    return kept;
}

static char **match(const char *pattern, struct topic **topics, size_t topic_count,
                    struct arena *arena, size_t *count)
{
    char **names = ARENA_ARRAY(arena, char *, topic_count + 1);
    struct consumer_matcher *matcher = consumer_matcher_new(pattern);
    *count = 0;
    for (size_t i = 0; matcher && i < topic_count; i++)
        if (consumer_matches(matcher, topic_name(topics[i])))
            names[(*count)++] = arena_strdup(arena, topic_name(topics[i]));
    consumer_matcher_free(matcher);
    return names;
}

static void resolve(const struct resolving *resolving)
{
    struct groups *groups = resolving->groups;
    struct group *group = resolving->group;
    struct arena arena = ARENA_INIT;
    size_t count;
    size_t topic_count;
    mutex_lock(&group->lock);
    char **patterns = consumer_resolve_begin(group, &arena, &count);
    mutex_unlock(&group->lock);
    uint64_t now = version(&groups->env);
    struct topic **topics = log_store_topics(groups->broker->store, &arena, &topic_count);
    topic_count = keep_visible(resolving, topics, topic_count);
    char ***names = ARENA_ARRAY(&arena, char **, count + 1);
    size_t *counts = ARENA_ARRAY(&arena, size_t, count + 1);
    for (size_t i = 0; i < count; i++)
        names[i] = match(patterns[i], topics, topic_count, &arena, &counts[i]);
    for (size_t i = 0; i < topic_count; i++)
        topic_unref(topics[i]);
    consumer_resolve_end(group, patterns, names, counts, count, now);
    arena_release(&arena);
}

static void run_resolve(struct work *work)
{
    struct resolving *resolving = CONTAINER_OF(work, struct resolving, work);
    struct groups *groups = resolving->groups;
    resolve(resolving);
    group_unref(resolving->group);
    mem_free(resolving->identity.principal);
    mem_free(resolving);
    mutex_lock(&groups->lock);
    groups->resolving--;
    cond_broadcast(&groups->idle);
    mutex_unlock(&groups->lock);
}

void groups_resolve(struct groups *groups, struct group *group, const struct identity *identity)
{
    struct resolving *resolving = MEM_NEW(struct resolving);
    mutex_lock(&groups->lock);
    groups->resolving++;
    mutex_unlock(&groups->lock);
    resolving->groups = groups;
    resolving->group = group_ref(group);
    resolving->identity = *identity;
    resolving->identity.principal = mem_strdup(identity->principal);
    resolving->work.run = run_resolve;
    work_submit(groups->broker->loops, &resolving->work);
}
