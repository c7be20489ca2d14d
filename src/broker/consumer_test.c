// SPDX-License-Identifier: Apache-2.0
//
// Groups of the new protocol: joining, epochs, static members, time, topics, offsets.
#include "broker/consumer_test.h"

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

static void a_member_has_its_id_alone(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct client a = client_make(&world, "a");
    struct client b = client_make(&world, "b");
    a.instance = "one";
    join(&a);
    join(&b);
    send(&a, -2);
    struct client thief = client_make(&world, "b");
    thief.instance = "one";
    assert_int_equal(join(&thief), ERR_FENCED_INSTANCE);
    assert_int_equal(beat(&b), ERR_OK);
    thief.instance = "two"; // nobody's: b has it from now on
    assert_int_equal(join(&thief), ERR_OK);
    assert_int_equal(world.group->consumer->members.count, 2);
    release(&a);
    release(&b);
    release(&thief);
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

// --- offsets and administrators ------------------------------------------------------

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
        TEST(a_member_has_its_id_alone),
        TEST(a_silent_member_leaves_after_its_session),
        TEST(a_member_that_does_not_revoke_in_time_leaves),
        TEST(new_partitions_are_shared_out),
        TEST(a_changed_subscription_gives_up_what_is_no_longer_read),
        TEST(the_assignor_most_members_ask_for_is_used),
        TEST(commits_and_fetches_ask_for_the_member_epoch),
        TEST(an_administrator_removes_a_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
