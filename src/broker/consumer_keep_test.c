// SPDX-License-Identifier: Apache-2.0
//
// What a group of the new protocol keeps for a restart, and what happens when that cannot be
// written.
#include "broker/consumer_test.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(members_go_on_after_a_restart),
        TEST(a_restart_in_the_middle_of_a_rebalance_goes_on_with_it),
        TEST(an_answer_waits_until_the_change_is_durable),
        TEST(what_could_not_be_written_is_written_before_anything_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
