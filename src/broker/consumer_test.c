// SPDX-License-Identifier: Apache-2.0
//
// Groups of the new protocol, heartbeat by heartbeat, with a simulated clock, made-up topics and a
// log in memory.
#include "broker/consumer.h"

#include "broker/consumer_regex.h"
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

static bool env_topic(struct consumer_env *env, struct bytes name, uint8_t id[16],
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

static uint64_t env_version(struct consumer_env *env)
{
    return CONTAINER_OF(env, struct world, env)->version;
}

static struct consumer_settings env_settings(struct consumer_env *env, const char *group)
{
    (void)env;
    (void)group;
    return (struct consumer_settings){45000, 5000, 1000};
}

static const char *env_name(struct consumer_env *env, const uint8_t id[16], struct arena *arena)
{
    (void)arena;
    return CONTAINER_OF(env, struct world, env)->topics[id[0] - 1].name;
}

static void set_topic(struct world *world, int index, const char *name, int32_t partitions)
{
    world->topics[index].name = name;
    world->topics[index].partitions = partitions;
    world->version++;
}

static void begin(struct world *world)
{
    clock_simulate(1700000000000000);
    *world = (struct world){.env = {env_topic, env_version, env_settings, env_name, true, true},
                            .version = 1};
    test_journal_init(&world->log);
    set_topic(world, 0, "orders", 6);
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
    world->group = test_journal_replay(&world->log, "g", &world->env);
}

static struct client client_make(struct world *world, const char *id)
{
    struct client client = {.world = world, .arena = ARENA_INIT, .topic = "orders"};
    snprintf(client.id, sizeof client.id, "%s", id);
    return client;
}

static void release(struct client *client)
{
    consumer_parts_release(&client->owned);
    arena_release(&client->arena);
}

static void on_done(struct consumer_beat *beat)
{
    CONTAINER_OF(beat, struct client, beat)->answers++;
}

static void on_resolve(struct consumer_beat *beat, struct group *group)
{
    (void)group;
    CONTAINER_OF(beat, struct client, beat)->world->resolves++;
}

static void send(struct client *client, int32_t epoch)
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
static void obey(struct client *client)
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

static err_t beat(struct client *client)
{
    send(client, client->epoch);
    obey(client);
    return client->beat.err;
}

static err_t join(struct client *client)
{
    client->epoch = 0;
    return beat(client);
}

static void wait_for_target(void)
{
    clock_advance(1100 * 1000); // a target is not made more often than once a second
}

static size_t total(struct client *const *clients, size_t count)
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
static void settle(struct client *const *clients, size_t count)
{
    for (int round = 0; round < 6; round++) {
        wait_for_target();
        for (size_t i = 0; i < count; i++)
            assert_int_equal(beat(clients[i]), ERR_OK);
        total(clients, count);
    }
    assert_string_equal(group_state_name(clients[0]->world->group), "Stable");
}

// --- joining and reconciling ---------------------------------------------------------

static void a_first_member_gets_everything_at_once(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world, "a");
    assert_int_equal(join(&a), ERR_OK);
    assert_int_equal(a.answers, 1);
    assert_int_equal(a.epoch, 2);
    assert_int_equal(a.owned.count, 6);
    assert_int_equal(a.beat.heartbeat_ms, 5000);
    assert_string_equal(group_state_name(world.group), "Stable");
    assert_string_equal(group_type_name(world.group), "consumer");
    assert_int_equal(beat(&a), ERR_OK);
    assert_false(a.beat.has_assignment); // nothing new
    release(&a);
    end(&world);
}

static void a_partition_goes_to_the_next_only_when_it_was_let_go(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world, "a");
    struct client b = client_make(&world, "b");
    join(&a);
    wait_for_target();
    assert_int_equal(join(&b), ERR_OK);
    assert_int_equal(b.epoch, 3);
    assert_int_equal(b.owned.count, 0); // a still has them
    assert_string_equal(group_state_name(world.group), "Reconciling");
    send(&a, a.epoch); // is told to revoke; it stays in its epoch
    assert_true(a.beat.has_assignment);
    assert_int_equal(a.beat.assignment_count, 3);
    assert_int_equal(a.beat.out_epoch, 2);
    send(&b, b.epoch);
    assert_false(b.beat.has_assignment); // not yet
    send(&a, a.epoch);
    assert_int_equal(a.beat.out_epoch, 2); // has not said that it has revoked
    a.owned.count = 3;
    assert_int_equal(beat(&a), ERR_OK);
    assert_int_equal(a.epoch, 3);
    assert_int_equal(beat(&b), ERR_OK);
    assert_int_equal(b.owned.count, 3);
    assert_int_equal(total((struct client *[]){&a, &b}, 2), 6);
    assert_string_equal(group_state_name(world.group), "Stable");
    release(&a);
    release(&b);
    end(&world);
}

static void many_members_share_evenly_and_never_own_the_same(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    set_topic(&world, 0, "orders", 30);
    struct client clients[7];
    struct client *all[7];
    char id[4];
    for (int i = 0; i < 7; i++) {
        snprintf(id, sizeof id, "m%d", i);
        clients[i] = client_make(&world, id);
        all[i] = &clients[i];
        assert_int_equal(join(all[i]), ERR_OK);
        for (int k = 0; k <= i; k++) {
            assert_int_equal(beat(all[k]), ERR_OK);
            total(all, (size_t)i + 1);
        }
    }
    settle(all, 7);
    assert_int_equal(total(all, 7), 30);
    for (int i = 0; i < 7; i++)
        assert_in_range(clients[i].owned.count, 4, 5);
    send(&clients[3], -1);
    assert_int_equal(clients[3].beat.err, ERR_OK);
    assert_int_equal(clients[3].beat.out_epoch, -1);
    release(&clients[3]);
    clients[3] = clients[6];
    settle(all, 6);
    assert_int_equal(total(all, 6), 30);
    for (int i = 0; i < 6; i++)
        release(&clients[i]);
    end(&world);
}

static void targets_are_made_once_a_second(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world, "a");
    struct client b = client_make(&world, "b");
    join(&a);
    join(&b);
    assert_int_equal(world.group->consumer->epoch, 3);
    assert_int_equal(world.group->consumer->target_epoch, 2);
    assert_string_equal(group_state_name(world.group), "Assigning");
    assert_int_equal(b.epoch, 2);
    wait_for_target();
    beat(&a);
    assert_int_equal(world.group->consumer->target_epoch, 3);
    release(&a);
    release(&b);
    end(&world);
}

// --- epochs --------------------------------------------------------------------------

static void a_member_of_another_epoch_is_fenced_and_rejoins(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world, "a");
    join(&a);
    send(&a, 7);
    assert_int_equal(a.beat.err, ERR_FENCED_MEMBER_EPOCH);
    assert_non_null(strstr(a.beat.message, "greater member epoch (7)"));
    assert_int_equal(join(&a), ERR_OK);
    assert_int_equal(a.owned.count, 6);
    struct client stranger = client_make(&world, "s");
    send(&stranger, 1);
    assert_int_equal(stranger.beat.err, ERR_UNKNOWN_MEMBER);
    release(&a);
    release(&stranger);
    end(&world);
}

static void a_lost_answer_is_given_again_to_the_epoch_before(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world, "a");
    join(&a);
    set_topic(&world, 0, "orders", 8);
    wait_for_target();
    send(&a, a.epoch); // the answer gets lost
    assert_int_equal(a.beat.out_epoch, 3);
    a.full = true;
    assert_int_equal(beat(&a), ERR_OK);
    assert_int_equal(a.epoch, 3);
    assert_int_equal(a.owned.count, 8);
    release(&a);
    end(&world);
}

// --- static members ------------------------------------------------------------------

static void a_static_member_that_left_for_a_while_gets_its_partitions_back(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world, "a");
    struct client b = client_make(&world, "b");
    a.instance = "one";
    b.instance = "two";
    join(&a);
    wait_for_target();
    join(&b);
    settle((struct client *[]){&a, &b}, 2);
    int32_t epoch = world.group->consumer->epoch;
    struct consumer_parts before = {0};
    consumer_parts_set(&before, &b.owned);
    send(&b, -2);
    assert_int_equal(b.beat.err, ERR_OK);
    assert_int_equal(b.beat.out_epoch, -2);
    wait_for_target();
    beat(&a);
    assert_int_equal(a.owned.count, 3); // they wait for b
    struct client again = client_make(&world, "b2");
    again.instance = "two";
    assert_int_equal(join(&again), ERR_OK);
    assert_int_equal(again.owned.count, 3);
    assert_true(consumer_parts_within(&before, &again.owned));
    assert_int_equal(world.group->consumer->epoch, epoch); // nobody else noticed
    consumer_parts_release(&before);
    release(&a);
    release(&b);
    release(&again);
    end(&world);
}

static void an_instance_id_in_use_is_not_released_and_its_thief_is_fenced(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world, "a");
    struct client b = client_make(&world, "b");
    a.instance = b.instance = "one";
    join(&a);
    assert_int_equal(join(&b), ERR_UNRELEASED_INSTANCE);
    send(&b, 1);
    assert_int_equal(b.beat.err, ERR_FENCED_INSTANCE);
    send(&b, -2);
    assert_int_equal(b.beat.err, ERR_FENCED_INSTANCE);
    b.instance = "other";
    send(&b, 1);
    assert_int_equal(b.beat.err, ERR_UNKNOWN_MEMBER);
    assert_int_equal(beat(&a), ERR_OK);
    release(&a);
    release(&b);
    end(&world);
}

// --- time ----------------------------------------------------------------------------

static void a_silent_member_leaves_after_its_session(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world, "a");
    struct client b = client_make(&world, "b");
    join(&a);
    wait_for_target();
    join(&b);
    settle((struct client *[]){&a, &b}, 2);
    clock_advance(40000000LL);
    assert_int_equal(beat(&a), ERR_OK);
    clock_advance(6000000LL);
    group_tick(world.group);
    assert_int_equal(group_member_count(world.group), 1);
    assert_int_equal(beat(&b), ERR_UNKNOWN_MEMBER);
    settle((struct client *[]){&a}, 1);
    assert_int_equal(a.owned.count, 6);
    release(&a);
    release(&b);
    end(&world);
}

static void a_member_that_does_not_revoke_in_time_leaves(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world, "a");
    struct client b = client_make(&world, "b");
    join(&a);
    wait_for_target();
    join(&b);
    for (int i = 0; i < 13; i++) { // alive, but keeps everything
        send(&a, a.epoch);
        beat(&b);
        clock_advance(5000000LL);
        group_tick(world.group);
    }
    assert_null(consumer_member(world.group->consumer, bytes_from("a")));
    settle((struct client *[]){&b}, 1);
    assert_int_equal(b.owned.count, 6);
    release(&a);
    release(&b);
    end(&world);
}

// --- topics --------------------------------------------------------------------------

static void new_partitions_are_shared_out(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world, "a");
    join(&a);
    set_topic(&world, 0, "orders", 9);
    wait_for_target();
    assert_int_equal(beat(&a), ERR_OK);
    assert_int_equal(a.epoch, 3);
    assert_int_equal(a.owned.count, 9);
    set_topic(&world, 1, "unrelated", 9);
    wait_for_target();
    beat(&a);
    assert_int_equal(a.epoch, 3); // not its topic
    set_topic(&world, 0, NULL, 0);
    wait_for_target();
    beat(&a);
    assert_int_equal(a.owned.count, 0);
    release(&a);
    end(&world);
}

static void a_changed_subscription_gives_up_what_is_no_longer_read(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    set_topic(&world, 1, "bills", 2);
    struct client a = client_make(&world, "a");
    a.full = true;
    join(&a);
    a.topic = "bills";
    wait_for_target();
    send(&a, a.epoch);
    assert_int_equal(a.beat.assignment_count, 0); // first gives up
    obey(&a);
    assert_int_equal(beat(&a), ERR_OK);
    assert_int_equal(a.owned.count, 2);
    assert_true(consumer_subscribes(world.group->consumer, bytes_from("bills")));
    assert_false(consumer_subscribes(world.group->consumer, bytes_from("orders")));
    release(&a);
    end(&world);
}

static void the_assignor_most_members_ask_for_is_used(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world, "a");
    a.assignor = "range";
    join(&a);
    assert_string_equal(consumer_assignor_name(world.group->consumer), "range");
    release(&a);
    end(&world);
}

// --- regular expressions -------------------------------------------------------------

static void resolve(struct world *world, const char *pattern, char **topics, size_t count)
{
    char *patterns[] = {(char *)(uintptr_t)pattern};
    char **lists[] = {topics};
    consumer_resolve_end(world->group, patterns, lists, &count, 1, world->version);
}

static void a_regular_expression_is_resolved_and_assigned(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world, "a");
    a.topic = NULL;
    a.regex = "or.*";
    assert_int_equal(join(&a), ERR_OK);
    assert_int_equal(a.epoch, 1); // it is a member before its topics are known
    assert_int_equal(a.owned.count, 0);
    assert_int_equal(world.resolves, 1);
    beat(&a);
    assert_int_equal(world.resolves, 1); // one at a time
    char orders[] = "orders";
    char orchids[] = "orchids";
    char *found[] = {orders};
    resolve(&world, "or.*", found, 1);
    wait_for_target();
    assert_int_equal(beat(&a), ERR_OK);
    assert_int_equal(a.owned.count, 6);
    set_topic(&world, 1, "orchids", 2);
    clock_advance(8000000LL);
    beat(&a);
    assert_int_equal(world.resolves, 1);
    clock_advance(2000000LL); // at most every 10 s
    beat(&a);
    assert_int_equal(world.resolves, 2);
    char *more[] = {orchids, orders};
    resolve(&world, "or.*", more, 2);
    wait_for_target();
    beat(&a);
    assert_int_equal(a.owned.count, 8);
    release(&a);
    end(&world);
}

static void an_invalid_regular_expression_is_refused(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world, "a");
    a.topic = NULL;
    a.regex = "or(";
    assert_int_equal(join(&a), ERR_INVALID_REGEX);
    assert_non_null(strstr(a.beat.message, "`or(` is not a valid regular expression"));
    assert_int_equal(group_member_count(world.group), 0);
    release(&a);
    end(&world);
}

static void what_re2_has_not_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"(?=a)",   "(?!a)", "(?<=a)", "(a)\\1", "(?>a)",   "a*+",
                                      "a++",     "(?R)",  "(?1)",   "\\K",    "(*FAIL)", "a{1001}",
                                      "(?(1)a)", "[a",    "a**",    "(?#x)"};
    static const char *const good[] = {
        "orders",     "or.*",        "^or[a-z]+$",    "(?i)ORDERS",   "(a|b)?orders", "\\w+",
        "(?:or)ders", "o{1,3}rders", "(?P<x>orders)", "[[:alpha:]]+", "orders|bills", ".*?"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (consumer_regex_check(bad[i], NULL) == ERR_OK)
            fail_msg("%s was taken", bad[i]);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct consumer_matcher *matcher = consumer_matcher_new(good[i]);
        if (!matcher || !consumer_matches(matcher, "orders"))
            fail_msg("%s does not match", good[i]);
        consumer_matcher_free(matcher);
    }
}

static void a_topic_matches_only_as_a_whole(void **state)
{
    (void)state;
    struct consumer_matcher *matcher = consumer_matcher_new("or|orders");
    assert_true(consumer_matches(matcher, "orders"));
    assert_true(consumer_matches(matcher, "or"));
    assert_false(consumer_matches(matcher, "orders-2"));
    assert_false(consumer_matches(matcher, "my-orders"));
    consumer_matcher_free(matcher);
}

static void no_expression_takes_exponential_time(void **state)
{
    (void)state;
    char name[250];
    memset(name, 'a', sizeof name);
    name[248] = '!';
    name[249] = '\0';
    struct consumer_matcher *matcher = consumer_matcher_new("(a+)+(a|aa)*(.*a){12}b");
    int64_t begin_us = clock_mono_us();
    assert_false(consumer_matches(matcher, name));
    assert_true(clock_mono_us() - begin_us < 5000000);
    consumer_matcher_free(matcher);
}

// --- the log -------------------------------------------------------------------------

static void members_go_on_after_a_restart(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world, "a");
    struct client b = client_make(&world, "b");
    b.instance = "two";
    join(&a);
    wait_for_target();
    join(&b);
    settle((struct client *[]){&a, &b}, 2);
    int32_t epoch = world.group->consumer->epoch;
    restart(&world);
    assert_string_equal(group_state_name(world.group), "Stable");
    assert_int_equal(beat(&a), ERR_OK);
    assert_int_equal(beat(&b), ERR_OK);
    assert_false(a.beat.has_assignment);
    assert_int_equal(world.group->consumer->epoch, epoch);
    clock_advance(46000000LL);
    group_tick(world.group);
    assert_int_equal(group_member_count(world.group), 0);
    restart(&world);
    assert_string_equal(group_state_name(world.group), "Empty");
    assert_string_equal(group_type_name(world.group), "consumer");
    release(&a);
    release(&b);
    end(&world);
}

static void a_restart_in_the_middle_of_a_rebalance_goes_on_with_it(void **state)
{
    (void)state;
    for (int cut = 0; cut < 6; cut++) {
        struct world world;
        begin(&world);
        struct client a = client_make(&world, "a");
        struct client b = client_make(&world, "b");
        struct client *all[] = {&a, &b};
        join(&a);
        wait_for_target();
        join(&b);
        for (int i = 0; i < cut; i++) {
            beat(all[i % 2]);
            total(all, 2);
        }
        restart(&world);
        settle(all, 2);
        assert_int_equal(total(all, 2), 6);
        release(&a);
        release(&b);
        end(&world);
    }
}

static void an_answer_waits_until_the_change_is_durable(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world, "a");
    world.log.wait = true;
    send(&a, 0);
    assert_int_equal(a.answers, 0);
    test_journal_settle(&world.log);
    assert_int_equal(a.answers, 1);
    assert_int_equal(a.beat.err, ERR_OK);
    release(&a);
    end(&world);
}

static void what_could_not_be_written_is_written_before_anything_else(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world, "a");
    world.log.fail = ERR_DISK_FULL;
    assert_int_equal(join(&a), ERR_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(join(&a), ERR_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(world.log.batches.count, 0);
    world.log.fail = ERR_OK;
    group_tick(world.group);
    assert_int_equal(world.log.batches.count, 1);
    assert_int_equal(join(&a), ERR_OK);
    restart(&world);
    assert_int_equal(beat(&a), ERR_OK);
    assert_int_equal(a.owned.count, 6);
    release(&a);
    end(&world);
}

// --- groups of both types ------------------------------------------------------------

static void on_classic(struct group_join *join)
{
    (void)join;
}

static void a_classic_member_is_refused_by_a_group_of_the_new_protocol(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world, "a");
    join(&a);
    struct arena arena = ARENA_INIT;
    struct group_protocol protocol = {bytes_from("range"), bytes_from("x")};
    struct group_join classic = {.member_id = bytes_make("", 0),
                                 .protocol_type = bytes_from("consumer"),
                                 .protocols = &protocol,
                                 .protocol_count = 1,
                                 .session_timeout_ms = 10000,
                                 .arena = &arena,
                                 .done = on_classic};
    group_join(world.group, &classic);
    assert_int_equal(classic.err, ERR_INCONSISTENT_PROTOCOL);
    struct group_caller who = {bytes_from("a"), BYTES_NULL, 1};
    assert_int_equal(group_heartbeat(world.group, &who), ERR_UNKNOWN_MEMBER);
    arena_release(&arena);
    release(&a);
    end(&world);
}

static void an_empty_classic_group_becomes_a_new_one_and_back(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    world.group->generation = 4; // had members
    struct client a = client_make(&world, "a");
    assert_int_equal(join(&a), ERR_OK);
    send(&a, -1);
    assert_string_equal(group_type_name(world.group), "consumer");
    struct group_protocol protocol = {bytes_from("range"), bytes_from("x")};
    struct classic {
        struct group_join join;
        struct arena arena;
    } classic = {.arena = ARENA_INIT};
    classic.join = (struct group_join){.member_id = bytes_make("", 0),
                                       .client_id = bytes_from("c"),
                                       .client_host = bytes_from("/h"),
                                       .protocol_type = bytes_from("consumer"),
                                       .protocols = &protocol,
                                       .protocol_count = 1,
                                       .session_timeout_ms = 10000,
                                       .rebalance_timeout_ms = 10000,
                                       .arena = &classic.arena,
                                       .done = on_classic};
    group_join(world.group, &classic.join);
    assert_int_equal(classic.join.err, ERR_OK);
    assert_string_equal(group_type_name(world.group), "classic");
    assert_int_equal(join(&a), ERR_GROUP_NOT_FOUND); // no upgrade of a group with members
    arena_release(&classic.arena);
    release(&a);
    end(&world);
}

static struct group_caller caller(const struct client *client, int32_t epoch)
{
    return (struct group_caller){bytes_from(client->id), BYTES_NULL, epoch};
}

static void commits_and_fetches_ask_for_the_member_epoch(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world, "a");
    struct client b = client_make(&world, "b");
    join(&a);
    wait_for_target();
    join(&b);
    settle((struct client *[]){&a, &b}, 2);
    const struct consumer *consumer = world.group->consumer;
    const struct consumer_part *mine = &a.owned.items[0];
    const struct consumer_part *other = &b.owned.items[0];
    struct group_caller now = caller(&a, a.epoch);
    struct group_caller before = caller(&a, a.epoch - 1);
    struct group_caller later = caller(&a, a.epoch + 1);
    struct group_caller nobody = {bytes_make("", 0), BYTES_NULL, -1};
    assert_int_equal(consumer_may_commit(consumer, &now, 9, false), ERR_OK);
    assert_int_equal(consumer_may_commit(consumer, &now, 8, false), ERR_UNSUPPORTED_VERSION);
    assert_int_equal(consumer_may_commit(consumer, &later, 9, false), ERR_STALE_MEMBER_EPOCH);
    assert_int_equal(consumer_may_commit(consumer, &nobody, 9, false), ERR_UNKNOWN_MEMBER);
    assert_int_equal(consumer_may_commit(consumer, &nobody, 0, true), ERR_OK);
    assert_int_equal(consumer_may_commit(consumer, &before, 9, false), ERR_OK);
    assert_int_equal(consumer_may_commit_part(consumer, &before, mine->topic, mine->partition),
                     ERR_OK); // it had it then
    assert_int_equal(consumer_may_commit_part(consumer, &before, other->topic, other->partition),
                     ERR_STALE_MEMBER_EPOCH);
    assert_int_equal(consumer_may_fetch(consumer, bytes_from("a"), a.epoch), ERR_OK);
    assert_int_equal(consumer_may_fetch(consumer, bytes_from("a"), 1), ERR_STALE_MEMBER_EPOCH);
    assert_int_equal(consumer_may_fetch(consumer, bytes_from("x"), 1), ERR_UNKNOWN_MEMBER);
    assert_int_equal(consumer_may_fetch(consumer, BYTES_NULL, -1), ERR_OK);
    release(&a);
    release(&b);
    end(&world);
}

static void an_administrator_removes_a_member(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world, "a");
    a.instance = "one";
    join(&a);
    struct group_caller who = {bytes_make("", 0), bytes_from("one"), -1};
    assert_int_equal(test_leave(world.group, &who), ERR_OK);
    assert_int_equal(test_leave(world.group, &who), ERR_UNKNOWN_MEMBER);
    assert_int_equal(beat(&a), ERR_UNKNOWN_MEMBER);
    release(&a);
    end(&world);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_first_member_gets_everything_at_once),
        TEST(a_partition_goes_to_the_next_only_when_it_was_let_go),
        TEST(many_members_share_evenly_and_never_own_the_same),
        TEST(targets_are_made_once_a_second),
        TEST(a_member_of_another_epoch_is_fenced_and_rejoins),
        TEST(a_lost_answer_is_given_again_to_the_epoch_before),
        TEST(a_static_member_that_left_for_a_while_gets_its_partitions_back),
        TEST(an_instance_id_in_use_is_not_released_and_its_thief_is_fenced),
        TEST(a_silent_member_leaves_after_its_session),
        TEST(a_member_that_does_not_revoke_in_time_leaves),
        TEST(new_partitions_are_shared_out),
        TEST(a_changed_subscription_gives_up_what_is_no_longer_read),
        TEST(the_assignor_most_members_ask_for_is_used),
        TEST(a_regular_expression_is_resolved_and_assigned),
        TEST(an_invalid_regular_expression_is_refused),
        TEST(what_re2_has_not_is_refused),
        TEST(a_topic_matches_only_as_a_whole),
        TEST(no_expression_takes_exponential_time),
        TEST(members_go_on_after_a_restart),
        TEST(a_restart_in_the_middle_of_a_rebalance_goes_on_with_it),
        TEST(an_answer_waits_until_the_change_is_durable),
        TEST(what_could_not_be_written_is_written_before_anything_else),
        TEST(an_empty_classic_group_becomes_a_new_one_and_back),
        TEST(a_classic_member_is_refused_by_a_group_of_the_new_protocol),
        TEST(commits_and_fetches_ask_for_the_member_epoch),
        TEST(an_administrator_removes_a_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
