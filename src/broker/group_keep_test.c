// SPDX-License-Identifier: Apache-2.0
//
// What a classic group keeps for a restart, and what happens when that cannot be written; when
// offsets expire; large groups.
#include "broker/group.h"

#include "broker/group_test_journal.h"
#include "broker/offsets.h"
#include "os/clock.h"
#include "wire/kafka/consumer_protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

enum { DAY_MS = 24 * 60 * 60 * 1000 };

struct world {
    struct test_journal log;
    struct group *group;
};

struct client {
    struct world *world;
    struct arena arena;
    char id[64];
    const char *instance;
    struct bytes metadata;
    bool may_skip;
    struct group_join join;
    struct group_sync sync;
    int joined, synced;
};

static void begin(struct world *world)
{
    clock_simulate(1700000000000000);
    test_journal_init(&world->log);
    world->group = group_new(bytes_from("g"), &world->log.journal);
}

static void end(struct world *world)
{
    group_kill(world->group);
    group_unref(world->group);
    test_journal_release(&world->log);
    clock_real();
}

static void restart(struct world *world)
{
    group_kill(world->group);
    group_unref(world->group);
    world->group = test_journal_replay(&world->log, "g", NULL);
}

static struct client client_make(struct world *world)
{
    return (struct client){
        .world = world, .arena = ARENA_INIT, .metadata = bytes_from("what it reads")};
}

static void release(struct client *client)
{
    arena_release(&client->arena);
}

static void on_joined(struct group_join *join)
{
    struct client *client = CONTAINER_OF(join, struct client, join);
    client->joined++;
    if (join->new_member_id.ptr)
        snprintf(client->id, sizeof client->id, "%.*s", BYTES_PRINT(join->new_member_id));
}

static void on_synced(struct group_sync *sync)
{
    CONTAINER_OF(sync, struct client, sync)->synced++;
}

static void join(struct client *client)
{
    struct group_protocol *protocol = ARENA_NEW(&client->arena, struct group_protocol);
    *protocol = (struct group_protocol){bytes_from("range"), client->metadata};
    client->join = (struct group_join){
        .member_id = bytes_from(arena_strdup(&client->arena, client->id)),
        .instance_id = client->instance ? bytes_from(client->instance) : BYTES_NULL,
        .client_id = bytes_from("test"),
        .client_host = bytes_from("/127.0.0.1"),
        .protocol_type = bytes_from("consumer"),
        .protocols = protocol,
        .protocol_count = 1,
        .session_timeout_ms = 10000,
        .rebalance_timeout_ms = 60000,
        .may_skip_assignment = client->may_skip,
        .arena = &client->arena,
        .done = on_joined,
    };
    group_join(client->world->group, &client->join);
}

static struct group_caller caller(const struct client *client)
{
    return (struct group_caller){bytes_from(client->id),
                                 client->instance ? bytes_from(client->instance) : BYTES_NULL,
                                 client->join.generation};
}

static void sync(struct client *client, const struct group_assignment *assignments, size_t count)
{
    client->sync = (struct group_sync){.caller = caller(client),
                                       .assignments = assignments,
                                       .assignment_count = count,
                                       .arena = &client->arena,
                                       .done = on_synced};
    group_sync(client->world->group, &client->sync);
}

static err_t beat(struct client *client)
{
    struct group_caller who = caller(client);
    return group_heartbeat(client->world->group, &who);
}

static bool leads(const struct client *client)
{
    return bytes_is(client->join.leader, client->id);
}

// Everybody (re)joins at once and gets its own id as its assignment.
static void settle(struct client *clients, size_t count)
{
    struct group_assignment *assignments = mem_zalloc(sizeof *assignments * count);
    join(&clients[0]);
    for (size_t i = 1; i < count; i++)
        join(&clients[i]);
    if (count > 1)
        join(&clients[0]);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(clients[i].join.err, ERR_OK);
        assignments[i] =
            (struct group_assignment){bytes_from(clients[i].id), bytes_from(clients[i].id)};
    }
    for (size_t i = 0; i < count; i++)
        sync(&clients[i], assignments, leads(&clients[i]) ? count : 0);
    mem_free(assignments);
}

static void release_all(struct client *clients, size_t count)
{
    for (size_t i = 0; i < count; i++)
        release(&clients[i]);
}

// --- restarts ------------------------------------------------------------------------

static void members_go_on_after_a_restart_with_a_whole_session(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client clients[] = {client_make(&world), client_make(&world)};
    clients[1].instance = "one";
    settle(clients, 2);
    clock_advance(9000000);
    restart(&world);
    clock_advance(9000000);
    group_tick(world.group);
    assert_string_equal(group_state_name(world.group), "Stable");
    assert_int_equal(beat(&clients[0]), ERR_OK);
    assert_int_equal(beat(&clients[1]), ERR_OK);
    sync(&clients[1], NULL, 0); // asks again for what it has
    assert_int_equal(clients[1].sync.err, ERR_OK);
    assert_true(bytes_is(clients[1].sync.assignment, clients[1].id));
    clock_advance(11000000);
    group_tick(world.group);
    assert_int_equal(group_member_count(world.group), 0);
    release_all(clients, 2);
    end(&world);
}

static void a_group_that_emptied_keeps_its_generation(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world);
    settle(&a, 1);
    struct group_caller who = caller(&a);
    assert_int_equal(test_leave(world.group, &who), ERR_OK);
    int32_t generation = world.group->generation;
    int64_t since_ms = world.group->state_since_ms;
    clock_advance(5000000);
    restart(&world);
    assert_string_equal(group_state_name(world.group), "Empty");
    assert_int_equal(world.group->generation, generation);
    assert_int_equal(world.group->state_since_ms, since_ms); // its offsets' time goes on
    release(&a);
    end(&world);
}

static void a_deleted_group_is_gone_after_a_restart(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world);
    settle(&a, 1);
    mutex_lock(&world.group->lock);
    struct record_builder records = {0};
    group_record_add_tombstone(&records, world.group);
    group_write(world.group, &records, MEM_NEW(struct group_write));
    mutex_unlock(&world.group->lock);
    restart(&world);
    assert_int_equal(group_member_count(world.group), 0);
    assert_int_equal(world.group->generation, 0);
    release(&a);
    end(&world);
}

static void a_static_member_that_came_back_is_known_by_its_new_id(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world);
    a.instance = "one";
    settle(&a, 1);
    int32_t generation = world.group->generation;
    struct client again = client_make(&world);
    again.instance = "one";
    again.may_skip = true;
    world.log.wait = true;
    join(&again);
    assert_int_equal(again.joined, 0); // not before that is durable
    test_journal_settle(&world.log);
    assert_int_equal(again.joined, 1);
    assert_int_equal(again.join.err, ERR_OK);
    assert_int_equal(again.join.generation, generation); // no rebalance
    assert_true(again.join.skip_assignment);             // it leads
    assert_true(again.join.member_count == 1);
    restart(&world);
    assert_int_equal(beat(&again), ERR_OK);
    assert_int_equal(beat(&a), ERR_FENCED_INSTANCE);
    release(&a);
    release(&again);
    end(&world);
}

static void before_v9_a_static_leader_is_told_that_its_old_self_leads(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world);
    a.instance = "one";
    settle(&a, 1);
    struct client again = client_make(&world);
    again.instance = "one";
    join(&again);
    assert_true(bytes_is(again.join.leader, a.id));
    assert_false(again.join.skip_assignment);
    assert_int_equal(again.join.member_count, 0);
    release(&a);
    release(&again);
    end(&world);
}

// --- writes --------------------------------------------------------------------------

static void assignments_are_handed_out_when_they_are_durable(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world);
    join(&a);
    struct group_assignment mine = {bytes_from(a.id), bytes_from("all")};
    world.log.wait = true;
    sync(&a, &mine, 1);
    assert_int_equal(a.synced, 0);
    assert_string_equal(group_state_name(world.group), "CompletingRebalance");
    test_journal_settle(&world.log);
    assert_int_equal(a.synced, 1);
    assert_int_equal(a.sync.err, ERR_OK);
    assert_string_equal(group_state_name(world.group), "Stable");
    release(&a);
    end(&world);
}

static void assignments_that_cannot_be_written_begin_another_rebalance(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world);
    join(&a);
    struct group_assignment mine = {bytes_from(a.id), bytes_from("all")};
    world.log.fail = ERR_DISK_FULL;
    sync(&a, &mine, 1);
    assert_int_equal(a.sync.err, ERR_COORDINATOR_NOT_AVAILABLE);
    assert_string_equal(group_state_name(world.group), "PreparingRebalance");
    world.log.fail = ERR_OK;
    settle(&a, 1);
    assert_int_equal(a.sync.err, ERR_OK);
    release(&a);
    end(&world);
}

static void a_rebalance_that_begins_meanwhile_makes_the_write_count_for_nothing(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world);
    struct client b = client_make(&world);
    join(&a);
    struct group_assignment mine = {bytes_from(a.id), bytes_from("all")};
    world.log.wait = true;
    sync(&a, &mine, 1);
    join(&b);
    assert_int_equal(a.sync.err, ERR_REBALANCE);
    test_journal_settle(&world.log);
    assert_string_equal(group_state_name(world.group), "PreparingRebalance");
    release(&a);
    release(&b);
    end(&world);
}

static void a_member_that_never_asks_for_its_assignment_is_removed(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client clients[] = {client_make(&world), client_make(&world)};
    join(&clients[0]);
    join(&clients[1]);
    join(&clients[0]);
    struct client *leader = leads(&clients[0]) ? &clients[0] : &clients[1];
    struct client *other = leads(&clients[0]) ? &clients[1] : &clients[0];
    sync(leader, NULL, 0);
    assert_string_equal(group_state_name(world.group), "Stable");
    for (int i = 0; i < 13; i++) {
        beat(leader);
        beat(other);
        clock_advance(5000000);
        group_tick(world.group);
    }
    assert_int_equal(beat(other), ERR_UNKNOWN_MEMBER);
    assert_int_equal(beat(leader), ERR_REBALANCE);
    release_all(clients, 2);
    end(&world);
}

// --- large groups --------------------------------------------------------------------

static void two_thousand_members_rebalance_in_no_time(void **state)
{
    (void)state;
    enum { MEMBERS = 2000 };
    struct world world;
    begin(&world);
    struct client *clients = mem_zalloc(sizeof *clients * MEMBERS);
    for (int i = 0; i < MEMBERS; i++)
        clients[i] = client_make(&world);
    clock_real();
    int64_t begin_us = clock_mono_us();
    settle(clients, MEMBERS);
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(clients[i].sync.err, ERR_OK);
    assert_true(clock_mono_us() - begin_us < 60000000);
    clock_simulate(1700000000000000);
    release_all(clients, MEMBERS);
    mem_free(clients);
    end(&world);
}

static void a_group_takes_no_more_metadata_than_it_may(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client clients[5];
    char *large = mem_zalloc(4 << 20);
    int full = 0;
    for (int i = 0; i < 5; i++) {
        clients[i] = client_make(&world);
        clients[i].metadata = bytes_make(large, (4 << 20) - 100);
        join(&clients[i]);
        full += clients[i].joined && clients[i].join.err == ERR_GROUP_FULL;
    }
    assert_int_equal(full, 1);
    group_kill(world.group);
    release_all(clients, 5);
    mem_free(large);
    end(&world);
}

// --- offsets -------------------------------------------------------------------------

static void apply(struct group *group, const char *topic, int64_t commit_ms, int64_t expire_ms)
{
    struct offset_change change = {
        .topic = bytes_from(topic),
        .value = {.offset = 1, .commit_ms = commit_ms, .expire_ms = expire_ms}};
    mutex_lock(&group->lock);
    offsets_apply(group, &change);
    mutex_unlock(&group->lock);
}

static size_t expired(struct group *group, int64_t now_ms)
{
    struct arena arena = ARENA_INIT;
    size_t count;
    bool left;
    offsets_expired(group, &arena, now_ms, 7LL * DAY_MS, &count, &left);
    arena_release(&arena);
    return count;
}

static void offsets_without_members_expire_seven_days_after_the_commit(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    int64_t now_ms = clock_now_ms();
    apply(world.group, "a", now_ms, 0);
    apply(world.group, "b", now_ms + DAY_MS, 0);
    assert_int_equal(expired(world.group, now_ms + 7LL * DAY_MS - 1), 0);
    assert_int_equal(expired(world.group, now_ms + 7LL * DAY_MS), 1);
    assert_int_equal(expired(world.group, now_ms + 8LL * DAY_MS), 2);
    end(&world);
}

static void offsets_of_members_expire_seven_days_after_the_last_one_left(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world);
    int64_t now_ms = clock_now_ms();
    apply(world.group, "a", now_ms, 0);
    settle(&a, 1);
    clock_advance(30LL * DAY_MS * 1000);
    assert_int_equal(expired(world.group, clock_now_ms()), 0); // its subscription is not readable
    struct group_caller who = caller(&a);
    assert_int_equal(test_leave(world.group, &who), ERR_OK);
    assert_int_equal(expired(world.group, clock_now_ms() + 7LL * DAY_MS - 1), 0);
    assert_int_equal(expired(world.group, clock_now_ms() + 7LL * DAY_MS), 1);
    release(&a);
    end(&world);
}

static void a_stable_group_loses_the_old_offsets_of_topics_it_no_longer_reads(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world);
    struct str subscription = {0};
    struct bytes topic = bytes_from("read");
    struct kafka_consumer_protocol_subscription m = {.topics = &topic, .topics_count = 1};
    writer_i16(&subscription, 0);
    kafka_consumer_protocol_subscription_encode(&m, 0, &subscription);
    a.metadata = str_bytes(&subscription);
    settle(&a, 1);
    apply(world.group, "read", clock_now_ms(), 0);
    apply(world.group, "unread", clock_now_ms(), 0);
    assert_int_equal(expired(world.group, clock_now_ms() + 7LL * DAY_MS - 1), 0);
    assert_int_equal(expired(world.group, clock_now_ms() + 7LL * DAY_MS), 1);
    str_release(&subscription);
    release(&a);
    end(&world);
}

static void an_offset_with_its_own_retention_expires_by_it(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    int64_t now_ms = clock_now_ms();
    apply(world.group, "a", now_ms, now_ms + 1000);
    assert_int_equal(expired(world.group, now_ms + 999), 0);
    assert_int_equal(expired(world.group, now_ms + 1000), 1);
    end(&world);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(members_go_on_after_a_restart_with_a_whole_session),
        TEST(a_group_that_emptied_keeps_its_generation),
        TEST(a_deleted_group_is_gone_after_a_restart),
        TEST(a_static_member_that_came_back_is_known_by_its_new_id),
        TEST(before_v9_a_static_leader_is_told_that_its_old_self_leads),
        TEST(assignments_are_handed_out_when_they_are_durable),
        TEST(assignments_that_cannot_be_written_begin_another_rebalance),
        TEST(a_rebalance_that_begins_meanwhile_makes_the_write_count_for_nothing),
        TEST(a_member_that_never_asks_for_its_assignment_is_removed),
        TEST(two_thousand_members_rebalance_in_no_time),
        TEST(a_group_takes_no_more_metadata_than_it_may),
        TEST(offsets_without_members_expire_seven_days_after_the_commit),
        TEST(offsets_of_members_expire_seven_days_after_the_last_one_left),
        TEST(a_stable_group_loses_the_old_offsets_of_topics_it_no_longer_reads),
        TEST(an_offset_with_its_own_retention_expires_by_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
