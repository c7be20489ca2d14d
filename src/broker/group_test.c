// SPDX-License-Identifier: Apache-2.0
#include "broker/group_test_journal.h"

#include "base/mem.h"
#include "os/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

// A client of the group: its held requests and what came back.
struct client {
    struct arena arena;
    struct group *group;
    char id[128];
    const char *instance;
    const char *protocols[3];
    const char *metadata;
    bool required;
    bool may_skip;
    int32_t rebalance_ms, first_delay_ms;
    struct group_join join;
    struct group_sync sync;
    int joined; // answers
    int synced;
};

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

static struct client client_make(struct group *group)
{
    return (struct client){.arena = ARENA_INIT,
                           .group = group,
                           .protocols = {"range"},
                           .metadata = "topics",
                           .rebalance_ms = 60000};
}

static void join(struct client *client)
{
    static struct group_protocol protocols[3];
    size_t count = 0;
    for (; count < 3 && client->protocols[count]; count++)
        protocols[count] = (struct group_protocol){bytes_from(client->protocols[count]),
                                                   bytes_from(client->metadata)};
    client->join = (struct group_join){
        .member_id = bytes_from(arena_strdup(&client->arena, client->id)),
        .instance_id = client->instance ? bytes_from(client->instance) : BYTES_NULL,
        .client_id = bytes_from("test"),
        .client_host = bytes_from("/127.0.0.1"),
        .protocol_type = bytes_from("consumer"),
        .protocols = protocols,
        .protocol_count = count,
        .session_timeout_ms = 10000,
        .rebalance_timeout_ms = client->rebalance_ms,
        .first_delay_ms = client->first_delay_ms,
        .member_id_required = client->required,
        .may_skip_assignment = client->may_skip,
        .arena = &client->arena,
        .done = on_joined,
    };
    group_join(client->group, &client->join);
}

static struct group_caller caller(const struct client *client)
{
    return (struct group_caller){bytes_from(client->id),
                                 client->instance ? bytes_from(client->instance) : BYTES_NULL,
                                 client->join.generation};
}

static void sync_with(struct client *client, const struct group_assignment *assignments,
                      size_t count)
{
    client->sync = (struct group_sync){.caller = caller(client),
                                       .assignments = assignments,
                                       .assignment_count = count,
                                       .arena = &client->arena,
                                       .done = on_synced};
    group_sync(client->group, &client->sync);
}

static err_t beat(struct client *client)
{
    struct group_caller who = caller(client);
    return group_heartbeat(client->group, &who);
}

static err_t leave(struct client *client)
{
    struct group_caller who = caller(client);
    return test_leave(client->group, &who);
}

static void release(struct client *client)
{
    arena_release(&client->arena);
}

static bool leads(const struct client *client)
{
    return bytes_is(client->join.leader, client->id);
}

// One member, stable.
static void settle_one(struct client *a)
{
    join(a);
    assert_int_equal(a->joined, 1);
    struct group_assignment assignment = {bytes_from(a->id), bytes_from("all")};
    sync_with(a, &assignment, 1);
    assert_int_equal(a->sync.err, ERR_OK);
    assert_int_equal(a->group->state, GROUP_STABLE);
}

// Two members, stable.
static void settle_two(struct client *a, struct client *b)
{
    settle_one(a);
    join(b);
    join(a);
    struct client *leader = leads(a) ? a : b;
    struct client *other = leads(a) ? b : a;
    struct group_assignment assignments[] = {{bytes_from(a->id), bytes_from("a's")},
                                             {bytes_from(b->id), bytes_from("b's")}};
    sync_with(other, NULL, 0);
    sync_with(leader, assignments, 2);
    assert_int_equal(a->group->state, GROUP_STABLE);
    a->joined = b->joined = a->synced = b->synced = 0;
}

static struct group *begin(void)
{
    clock_simulate(1700000000000000);
    return group_new(bytes_from("g"), NULL);
}

static void end(struct group *group)
{
    group_kill(group);
    group_unref(group);
    clock_real();
}

static void a_first_member_leads_at_once(void **state)
{
    (void)state;
    struct group *group = begin();
    struct client a = client_make(group);
    join(&a);
    assert_int_equal(a.joined, 1);
    assert_int_equal(a.join.err, ERR_OK);
    assert_int_equal(a.join.generation, 1);
    assert_true(leads(&a));
    assert_int_equal(a.join.member_count, 1);
    assert_true(bytes_is(a.join.members[0].metadata, "topics"));
    assert_true(bytes_is(a.join.protocol_name, "range"));
    assert_int_equal(group->state, GROUP_COMPLETING);
    struct group_assignment assignment = {bytes_from(a.id), bytes_from("all")};
    sync_with(&a, &assignment, 1);
    assert_int_equal(a.synced, 1);
    assert_true(bytes_is(a.sync.assignment, "all"));
    assert_int_equal(beat(&a), ERR_OK);
    release(&a);
    end(group);
}

static void a_second_member_makes_everybody_rejoin(void **state)
{
    (void)state;
    struct group *group = begin();
    struct client a = client_make(group);
    struct client b = client_make(group);
    settle_one(&a);
    join(&b);
    assert_int_equal(b.joined, 0); // held
    assert_int_equal(beat(&a), ERR_REBALANCE);
    join(&a);
    assert_int_equal(a.joined, 2);
    assert_int_equal(b.joined, 1);
    assert_int_equal(a.join.generation, 2);
    assert_int_equal(b.join.generation, 2);
    assert_true(leads(&a) != leads(&b));
    assert_int_equal((leads(&a) ? a : b).join.member_count, 2);
    assert_int_equal((leads(&a) ? b : a).join.member_count, 0);
    release(&a);
    release(&b);
    end(group);
}

static void followers_wait_for_the_leaders_sync(void **state)
{
    (void)state;
    struct group *group = begin();
    struct client a = client_make(group);
    struct client b = client_make(group);
    settle_one(&a);
    join(&b);
    join(&a);
    struct client *leader = leads(&a) ? &a : &b;
    struct client *other = leads(&a) ? &b : &a;
    other->synced = leader->synced = 0;
    sync_with(other, NULL, 0);
    assert_int_equal(other->synced, 0);
    assert_int_equal(beat(other), ERR_OK);
    struct group_assignment assignments[] = {{bytes_from(leader->id), bytes_from("1")},
                                             {bytes_from(other->id), bytes_from("2")}};
    sync_with(leader, assignments, 2);
    assert_int_equal(other->synced, 1);
    assert_true(bytes_is(other->sync.assignment, "2"));
    assert_true(bytes_is(leader->sync.assignment, "1"));
    release(&a);
    release(&b);
    end(group);
}

static void since_v4_a_new_member_is_told_its_id_first(void **state)
{
    (void)state;
    struct group *group = begin();
    struct client a = client_make(group);
    a.required = true;
    join(&a);
    assert_int_equal(a.join.err, ERR_MEMBER_ID_REQUIRED);
    assert_true(strncmp(a.id, "test-", 5) == 0);
    assert_int_equal(group->members.count, 0);
    join(&a);
    assert_int_equal(a.join.err, ERR_OK);
    assert_int_equal(a.join.generation, 1);
    release(&a);
    end(group);
}

static void a_first_member_waits_for_others_as_long_as_they_come(void **state)
{
    (void)state;
    struct group *group = begin();
    struct client a = client_make(group), b = client_make(group);
    a.first_delay_ms = b.first_delay_ms = 3000;
    join(&a);
    clock_advance(2000 * 1000);
    join(&b);
    clock_advance(1000 * 1000);
    group_tick(group); // b came: 3 s more
    assert_int_equal(a.joined + b.joined, 0);
    clock_advance(2999 * 1000);
    group_tick(group);
    assert_int_equal(a.joined + b.joined, 0);
    clock_advance(1000);
    group_tick(group);
    assert_int_equal(a.joined, 1);
    assert_int_equal(b.joined, 1);
    assert_int_equal(a.join.generation, 1);
    assert_int_equal(b.join.generation, 1);
    release(&a);
    release(&b);
    end(group);
}

static void who_waits_for_others_does_not_wait_longer_than_a_rebalance_may_take(void **state)
{
    (void)state;
    struct group *group = begin();
    struct client a = client_make(group), b = client_make(group);
    a.first_delay_ms = b.first_delay_ms = 60000;
    a.rebalance_ms = b.rebalance_ms = 5000;
    join(&a);
    join(&b);
    clock_advance(5000 * 1000);
    group_tick(group);
    assert_int_equal(a.joined + b.joined, 2);
    release(&a);
    release(&b);
    end(group);
}

static void an_id_that_was_given_out_delays_the_rebalance_until_it_expires(void **state)
{
    (void)state;
    struct group *group = begin();
    struct client a = client_make(group);
    struct client ghost = client_make(group);
    struct client b = client_make(group);
    settle_one(&a);
    ghost.required = true;
    join(&ghost);
    join(&b);
    join(&a);
    assert_int_equal(b.joined, 0);
    clock_advance(10001 * 1000);
    assert_true(group_tick(group));
    assert_int_equal(b.joined, 1);
    assert_int_equal(b.join.err, ERR_OK);
    release(&a);
    release(&b);
    release(&ghost);
    end(group);
}

static void a_silent_member_is_removed_after_its_session(void **state)
{
    (void)state;
    struct group *group = begin();
    struct client a = client_make(group);
    struct client b = client_make(group);
    settle_two(&a, &b);
    clock_advance(6000 * 1000);
    assert_int_equal(beat(&a), ERR_OK);
    clock_advance(5000 * 1000);
    group_tick(group);
    assert_int_equal(group->members.count, 1);
    assert_int_equal(beat(&b), ERR_UNKNOWN_MEMBER);
    assert_int_equal(beat(&a), ERR_REBALANCE);
    join(&a);
    assert_int_equal(a.join.err, ERR_OK);
    assert_true(leads(&a));
    release(&a);
    release(&b);
    end(group);
}

static void a_rebalance_goes_on_without_those_that_do_not_come(void **state)
{
    (void)state;
    struct group *group = begin();
    struct client a = client_make(group);
    struct client b = client_make(group);
    a.rebalance_ms = b.rebalance_ms = 7000;
    settle_one(&a);
    join(&b);
    clock_advance(6900 * 1000);
    assert_int_equal(beat(&a), ERR_REBALANCE); // alive, but does not rejoin
    group_tick(group);
    assert_int_equal(b.joined, 0);
    clock_advance(200 * 1000);
    group_tick(group);
    assert_int_equal(b.joined, 1);
    assert_true(leads(&b));
    assert_int_equal(beat(&a), ERR_UNKNOWN_MEMBER);
    release(&a);
    release(&b);
    end(group);
}

static void a_leader_that_dies_before_its_sync_restarts_the_rebalance(void **state)
{
    (void)state;
    struct group *group = begin();
    struct client a = client_make(group);
    struct client b = client_make(group);
    settle_one(&a);
    join(&b);
    join(&a);
    struct client *leader = leads(&a) ? &a : &b;
    struct client *other = leads(&a) ? &b : &a;
    other->synced = 0;
    sync_with(other, NULL, 0);
    assert_int_equal(leave(leader), ERR_OK);
    assert_int_equal(other->synced, 1);
    assert_int_equal(other->sync.err, ERR_REBALANCE);
    join(other);
    assert_int_equal(other->join.err, ERR_OK);
    assert_true(leads(other));
    release(&a);
    release(&b);
    end(group);
}

static void the_last_one_to_leave_empties_the_group(void **state)
{
    (void)state;
    struct group *group = begin();
    struct client a = client_make(group);
    settle_one(&a);
    assert_int_equal(leave(&a), ERR_OK);
    assert_int_equal(group->state, GROUP_EMPTY);
    assert_int_equal(leave(&a), ERR_UNKNOWN_MEMBER);
    assert_false(group_tick(group));
    release(&a);
    end(group);
}

static void a_follower_that_rejoins_unchanged_gets_the_present_generation(void **state)
{
    (void)state;
    struct group *group = begin();
    struct client a = client_make(group);
    struct client b = client_make(group);
    settle_two(&a, &b);
    struct client *leader = leads(&a) ? &a : &b;
    struct client *other = leads(&a) ? &b : &a;
    join(other);
    assert_int_equal(other->joined, 1);
    assert_int_equal(group->state, GROUP_STABLE);
    other->metadata = "other topics";
    join(other);
    assert_int_equal(other->joined, 1); // held: a rebalance has begun
    assert_int_equal(beat(leader), ERR_REBALANCE);
    join(leader);
    assert_int_equal(other->joined, 2);
    release(&a);
    release(&b);
    end(group);
}

static void a_leader_that_rejoins_starts_a_rebalance(void **state)
{
    (void)state;
    struct group *group = begin();
    struct client a = client_make(group);
    struct client b = client_make(group);
    settle_two(&a, &b);
    join(leads(&a) ? &a : &b);
    assert_int_equal(group->state, GROUP_PREPARING);
    release(&a);
    release(&b);
    end(group);
}

static void the_protocol_is_voted_among_those_all_know(void **state)
{
    (void)state;
    struct group *group = begin();
    struct client a = client_make(group);
    struct client b = client_make(group);
    struct client c = client_make(group);
    a.protocols[0] = "sticky";
    a.protocols[1] = "range";
    b.protocols[0] = "range";
    b.protocols[1] = "roundrobin";
    c.protocols[0] = "roundrobin";
    settle_one(&a);
    join(&b);
    join(&a);
    assert_true(bytes_is(b.join.protocol_name, "range"));
    join(&c);
    assert_int_equal(c.join.err, ERR_INCONSISTENT_PROTOCOL);
    release(&a);
    release(&b);
    release(&c);
    end(group);
}

static void calls_of_another_generation_or_by_strangers_are_refused(void **state)
{
    (void)state;
    struct group *group = begin();
    struct client a = client_make(group);
    settle_one(&a);
    a.join.generation = 7;
    assert_int_equal(beat(&a), ERR_ILLEGAL_GENERATION);
    sync_with(&a, NULL, 0);
    assert_int_equal(a.sync.err, ERR_ILLEGAL_GENERATION);
    snprintf(a.id, sizeof a.id, "stranger");
    assert_int_equal(beat(&a), ERR_UNKNOWN_MEMBER);
    join(&a);
    assert_int_equal(a.join.err, ERR_UNKNOWN_MEMBER);
    release(&a);
    end(group);
}

static void metadata_beyond_the_bound_is_refused(void **state)
{
    (void)state;
    struct group *group = begin();
    struct client a = client_make(group);
    char *large = mem_zalloc(GROUP_METADATA_MAX_BYTES + 1);
    memset(large, 'x', GROUP_METADATA_MAX_BYTES);
    a.metadata = large;
    join(&a);
    assert_int_equal(a.join.err, ERR_TOO_LARGE);
    assert_int_equal(group->members.count, 0);
    mem_free(large);
    release(&a);
    end(group);
}

static void a_static_member_comes_back_without_a_rebalance(void **state)
{
    (void)state;
    struct group *group = begin();
    struct client a = client_make(group);
    a.instance = "worker-1";
    settle_one(&a);
    struct client again = client_make(group);
    again.instance = "worker-1";
    again.may_skip = true;
    join(&again);
    assert_int_equal(again.join.err, ERR_OK);
    assert_int_equal(again.join.generation, 1);
    assert_true(again.join.skip_assignment);
    assert_string_not_equal(again.id, a.id);
    assert_int_equal(group->state, GROUP_STABLE);
    sync_with(&again, NULL, 0);
    assert_true(bytes_is(again.sync.assignment, "all"));
    assert_int_equal(beat(&a), ERR_FENCED_INSTANCE);
    assert_int_equal(beat(&again), ERR_OK);
    release(&a);
    release(&again);
    end(group);
}

static void commits_follow_the_rules_of_membership(void **state)
{
    (void)state;
    struct group *group = begin();
    struct client a = client_make(group);
    struct group_caller nobody = {bytes_from(""), BYTES_NULL, -1};
    mutex_lock(&group->lock);
    assert_int_equal(group_may_commit(group, &nobody, 9), ERR_OK);
    mutex_unlock(&group->lock);
    settle_one(&a);
    struct group_caller member = caller(&a);
    struct group_caller late = caller(&a);
    late.generation++;
    mutex_lock(&group->lock);
    assert_int_equal(group_may_commit(group, &nobody, 9), ERR_UNKNOWN_MEMBER);
    assert_int_equal(group_may_commit(group, &member, 9), ERR_OK);
    assert_int_equal(group_may_commit(group, &late, 9), ERR_ILLEGAL_GENERATION);
    mutex_unlock(&group->lock);
    release(&a);
    end(group);
}

static void a_subscription_tells_which_topics_are_in_use(void **state)
{
    (void)state;
    // ConsumerProtocolSubscription v0: one topic "orders", no user data
    static const uint8_t subscription[] = {0,   0,   0,   0,   0,   1,    0,    6,    'o',
                                           'r', 'd', 'e', 'r', 's', 0xff, 0xff, 0xff, 0xff};
    struct group *group = begin();
    struct client a = client_make(group);
    struct group_protocol range = {bytes_from("range"),
                                   bytes_make(subscription, sizeof subscription)};
    a.join = (struct group_join){.member_id = bytes_from(""),
                                 .client_id = bytes_from("x"),
                                 .protocol_type = bytes_from("consumer"),
                                 .protocols = &range,
                                 .protocol_count = 1,
                                 .session_timeout_ms = 10000,
                                 .rebalance_timeout_ms = 10000,
                                 .arena = &a.arena,
                                 .done = on_joined};
    group_join(group, &a.join);
    mutex_lock(&group->lock);
    assert_true(group_subscribes(group, bytes_from("orders")));
    assert_false(group_subscribes(group, bytes_from("order")));
    mutex_unlock(&group->lock);
    release(&a);
    end(group);
}

static void an_abandoned_join_is_answered_and_its_member_expires(void **state)
{
    (void)state;
    struct group *group = begin();
    struct client a = client_make(group);
    struct client b = client_make(group);
    settle_one(&a);
    join(&b);
    group_abandon_join(group, &b.join);
    assert_int_equal(b.joined, 1);
    assert_int_equal(b.join.err, ERR_CANCELLED);
    group_abandon_join(group, &b.join);
    assert_int_equal(b.joined, 1);
    clock_advance(10001 * 1000);
    group_tick(group);
    assert_int_equal(group->members.count, 0);
    release(&a);
    release(&b);
    end(group);
}

static void a_killed_group_answers_what_it_holds(void **state)
{
    (void)state;
    struct group *group = begin();
    struct client a = client_make(group);
    struct client b = client_make(group);
    settle_one(&a);
    join(&b);
    group_kill(group);
    assert_int_equal(b.join.err, ERR_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(beat(&a), ERR_COORDINATOR_NOT_AVAILABLE);
    release(&a);
    release(&b);
    end(group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_member_leads_at_once),
        cmocka_unit_test(a_second_member_makes_everybody_rejoin),
        cmocka_unit_test(followers_wait_for_the_leaders_sync),
        cmocka_unit_test(since_v4_a_new_member_is_told_its_id_first),
        cmocka_unit_test(a_first_member_waits_for_others_as_long_as_they_come),
        cmocka_unit_test(who_waits_for_others_does_not_wait_longer_than_a_rebalance_may_take),
        cmocka_unit_test(an_id_that_was_given_out_delays_the_rebalance_until_it_expires),
        cmocka_unit_test(a_silent_member_is_removed_after_its_session),
        cmocka_unit_test(a_rebalance_goes_on_without_those_that_do_not_come),
        cmocka_unit_test(a_leader_that_dies_before_its_sync_restarts_the_rebalance),
        cmocka_unit_test(the_last_one_to_leave_empties_the_group),
        cmocka_unit_test(a_follower_that_rejoins_unchanged_gets_the_present_generation),
        cmocka_unit_test(a_leader_that_rejoins_starts_a_rebalance),
        cmocka_unit_test(the_protocol_is_voted_among_those_all_know),
        cmocka_unit_test(calls_of_another_generation_or_by_strangers_are_refused),
        cmocka_unit_test(metadata_beyond_the_bound_is_refused),
        cmocka_unit_test(a_static_member_comes_back_without_a_rebalance),
        cmocka_unit_test(commits_follow_the_rules_of_membership),
        cmocka_unit_test(a_subscription_tells_which_topics_are_in_use),
        cmocka_unit_test(an_abandoned_join_is_answered_and_its_member_expires),
        cmocka_unit_test(a_killed_group_answers_what_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
