// SPDX-License-Identifier: Apache-2.0
//
// consumer_test: a group of the new protocol and its members for tests, heartbeat by heartbeat,
// with a simulated clock, made-up topics and a log in memory.
#ifndef BROKER_CONSUMER_TEST_H
#define BROKER_CONSUMER_TEST_H

#include "broker/consumer.h"

#include "broker/group_test_journal.h"
#include "os/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

enum { TOPICS = 4 };

struct world {
    struct consumer_env env;
    struct test_journal log;
    struct group *group;
    struct {
        const char *name;
        int32_t partitions;
    } topics[TOPICS];
    uint64_t version;
    int resolves; // asked for
};

// A member: what it believes, and its last answer.
struct client {
    struct world *world;
    struct arena arena;
    char id[32];
    const char *instance;
    const char *topic; // NULL: says nothing more
    const char *regex;
    const char *assignor;
    int32_t epoch;
    bool full; // says everything with each beat
    struct consumer_parts owned;
    struct consumer_beat beat;
    int answers;
};

static inline bool env_topic(struct consumer_env *env, struct bytes name, uint8_t id[16],
                             int32_t *partitions)
{
    struct world *world = CONTAINER_OF(env, struct world, env);
    for (int i = 0; i < TOPICS; i++) {
        if (!world->topics[i].name || !bytes_is(name, world->topics[i].name))
            continue;
        memset(id, i + 1, 16);
        *partitions = world->topics[i].partitions;
        return true;
    }
    return false;
}

static inline uint64_t env_version(struct consumer_env *env)
{
    return CONTAINER_OF(env, struct world, env)->version;
}

static inline struct consumer_settings env_settings(struct consumer_env *env, const char *group)
{
    (void)env;
    (void)group;
    return (struct consumer_settings){45000, 5000, 1000, 0};
}

static inline const char *env_name(struct consumer_env *env, const uint8_t id[16],
                                   struct arena *arena)
{
    (void)arena;
    return CONTAINER_OF(env, struct world, env)->topics[id[0] - 1].name;
}

static inline void set_topic(struct world *world, int index, const char *name, int32_t partitions)
{
    world->topics[index].name = name;
    world->topics[index].partitions = partitions;
    world->version++;
}

static inline void begin(struct world *world)
{
    clock_simulate(1700000000000000);
    *world = (struct world){.env = {env_topic, env_version, env_settings, env_name, true, true},
                            .version = 1};
    test_journal_init(&world->log);
    set_topic(world, 0, "orders", 6);
    world->group = group_new(bytes_from("g"), &world->log.journal);
}

static inline void end(struct world *world)
{
    group_kill(world->group);
    group_unref(world->group);
    test_journal_release(&world->log);
    clock_real();
}

static inline void restart(struct world *world)
{
    group_kill(world->group);
    group_unref(world->group);
    world->group = test_journal_replay(&world->log, "g", &world->env);
}

static inline struct client client_make(struct world *world, const char *id)
{
    struct client client = {.world = world, .arena = ARENA_INIT, .topic = "orders"};
    snprintf(client.id, sizeof client.id, "%s", id);
    return client;
}

static inline void release(struct client *client)
{
    consumer_parts_release(&client->owned);
    arena_release(&client->arena);
}

static inline void on_done(struct consumer_beat *beat)
{
    CONTAINER_OF(beat, struct client, beat)->answers++;
}

static inline void on_resolve(struct consumer_beat *beat, struct group *group)
{
    (void)group;
    CONTAINER_OF(beat, struct client, beat)->world->resolves++;
}

static inline void send(struct client *client, int32_t epoch)
{
    static struct bytes topic;
    bool all = epoch == 0 || client->full;
    topic = bytes_from(client->topic);
    client->beat = (struct consumer_beat){
        .member_id = bytes_from(client->id),
        .epoch = epoch,
        .instance_id = client->instance ? bytes_from(client->instance) : BYTES_NULL,
        .rebalance_timeout_ms = all ? 60000 : -1,
        .topics = &topic,
        .topic_count = all && client->topic    ? 1
                       : all && !client->regex ? 0
                                               : -1,
        .regex = all && client->regex ? bytes_from(client->regex) : BYTES_NULL,
        .assignor = client->assignor ? bytes_from(client->assignor) : BYTES_NULL,
        .owned = epoch == 0 ? &(struct consumer_parts){0} : &client->owned,
        .client_id = bytes_from("test"),
        .client_host = bytes_from("/127.0.0.1"),
        .arena = &client->arena,
        .done = on_done,
        .resolve = on_resolve,
    };
    consumer_heartbeat(client->world->group, &client->world->env, &client->beat);
}

// Takes over what the answer says, as a client that revokes and begins at once.
static inline void obey(struct client *client)
{
    if (client->beat.err != ERR_OK)
        return;
    client->epoch = client->beat.out_epoch;
    if (!client->beat.has_assignment)
        return;
    vec_clear(&client->owned);
    for (size_t i = 0; i < client->beat.assignment_count; i++)
        consumer_parts_add(&client->owned, client->beat.assignment[i]);
}

static inline err_t beat(struct client *client)
{
    send(client, client->epoch);
    obey(client);
    return client->beat.err;
}

static inline err_t join(struct client *client)
{
    client->epoch = 0;
    return beat(client);
}

static inline void wait_for_target(void)
{
    clock_advance(1100 * 1000); // a target is not made more often than once a second
}

static inline size_t total(struct client *const *clients, size_t count)
{
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += clients[i]->owned.count;
        for (size_t k = 0; k < i; k++)
            assert_false(consumer_parts_meet(&clients[i]->owned, &clients[k]->owned));
    }
    return sum;
}

// Beats until nobody has anything to do.
static inline void settle(struct client *const *clients, size_t count)
{
    for (int round = 0; round < 6; round++) {
        wait_for_target();
        for (size_t i = 0; i < count; i++)
            assert_int_equal(beat(clients[i]), ERR_OK);
        total(clients, count);
    }
    assert_string_equal(group_state_name(clients[0]->world->group), "Stable");
}

#define TEST(name) cmocka_unit_test(name)

#endif
