// SPDX-License-Identifier: Apache-2.0
//
// Groups that go from the classic protocol to KIP-848 and back, with members of both in them.
#include "broker/consumer_crowd_test.h"

// --- a group is rolled over ----------------------------------------------------------

static void a_group_rolls_over_to_the_new_protocol_and_back(void **state)
{
    (void)state;
    for (int cooperative = 0; cooperative < 2; cooperative++) {
        struct crowd crowd;
        crowd_begin(&crowd, cooperative);
        for (int i = 0; i < 3; i++)
            old_enter(&crowd, i);
        crowd_settles(&crowd);
        assert_string_equal(group_type_name(crowd.world.group), "classic");
        for (int i = 0; i < 3; i++) {
            new_enter(&crowd, i);
            assert_string_equal(group_type_name(crowd.world.group), "consumer");
            crowd_settles(&crowd);
            assert_int_equal(group_member_count(crowd.world.group), 4);
            old_leave(&crowd.olds[i]);
            crowd_settles(&crowd);
        }
        assert_int_equal(crowd.world.group->consumer->classics, 0);
        for (int i = 0; i < 3; i++) {
            old_enter(&crowd, i);
            crowd_settles(&crowd);
            new_leave(&crowd, i);
            crowd_settles(&crowd);
        }
        assert_string_equal(group_type_name(crowd.world.group), "classic");
        crowd_end(&crowd);
    }
}

static unsigned draw(unsigned *seed, unsigned below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed % below;
}

static void something_happens(struct crowd *crowd, unsigned *seed)
{
    int index = (int)draw(seed, OLDS_MAX);
    struct old *old = &crowd->olds[index];
    switch (draw(seed, 16)) {
    case 0:
        if (!old->in)
            old_enter(crowd, index);
        break;
    case 1:
        if (old->in && old->id[0] && !old->joining && !old->syncing && !old->rejoin)
            old_leave(old);
        break;
    case 2:
        if (!crowd->new_in[index])
            new_enter(crowd, index);
        break;
    case 3:
        if (crowd->new_in[index])
            new_leave(crowd, index);
        break;
    case 4:
        kill_and_restart(crowd);
        break;
    case 5:
        wait_for_target();
        break;
    default:
        old_act(crowd, index);
        new_act(crowd, (int)draw(seed, OLDS_MAX));
    }
}

static void whatever_happens_no_partition_has_two_owners_and_none_is_lost(void **state)
{
    (void)state;
    for (unsigned run = 0; run < 500; run++) {
        struct crowd crowd;
        unsigned seed = (run + 1) * 2654435761u;
        crowd_begin(&crowd, run % 2);
        for (int i = 0; i < 60; i++)
            something_happens(&crowd, &seed);
        if (!crowd.olds[0].in)
            old_enter(&crowd, 0);
        crowd_settles(&crowd);
        crowd_end(&crowd);
    }
}

// --- upgrade -------------------------------------------------------------------------

// A stable classic group of one member that has everything.
static void classic_begin(struct crowd *crowd)
{
    crowd_begin(crowd, true);
    old_enter(crowd, 0);
    for (int i = 0; i < 3; i++)
        everybody_acts(crowd);
    assert_true(is_settled(crowd));
}

static void an_upgrade_keeps_what_members_have_until_they_give_it_up(void **state)
{
    (void)state;
    struct crowd crowd;
    classic_begin(&crowd);
    struct old *old = &crowd.olds[0];
    int32_t generation = crowd.world.group->generation;
    new_enter(&crowd, 0);
    const struct consumer *consumer = crowd.world.group->consumer;
    const struct consumer_member *member = consumer_member(consumer, bytes_from(old->id));
    assert_int_equal(consumer->epoch, generation + 1);
    assert_int_equal(member->epoch, generation);
    assert_int_equal(member->assigned.count, PARTITIONS);
    assert_int_equal(member->target.count, PARTITIONS / 2);
    assert_int_equal(crowd.news[0].owned.count, 0);
    assert_string_equal(member->client_id, "old");
    assert_int_equal(old_beat(old), ERR_REBALANCE);
    assert_int_equal(old_sync(old), ERR_REBALANCE);
    assert_int_equal(old_join(old), ERR_OK); // has not given up anything yet
    assert_int_equal(old->generation, generation);
    assert_int_equal(old->join.leader.size, 0);
    assert_int_equal(old_sync(old), ERR_OK);
    assert_true(old->rejoin); // gave up half of it
    assert_int_equal(old_beat(old), ERR_REBALANCE);
    assert_int_equal(old_join(old), ERR_OK);
    assert_int_equal(old->generation, generation + 1);
    assert_int_equal(old_sync(old), ERR_OK);
    assert_int_equal(old_beat(old), ERR_OK);
    new_act(&crowd, 0);
    assert_int_equal(crowd.news[0].owned.count, PARTITIONS / 2);
    crowd_end(&crowd);
}

static void who_waits_for_the_classic_group_is_told_to_join_again(void **state)
{
    (void)state;
    struct crowd crowd;
    classic_begin(&crowd);
    old_enter(&crowd, 1); // waits for the first
    assert_true(crowd.olds[1].joining);
    new_enter(&crowd, 0);
    assert_false(crowd.olds[1].joining);
    assert_int_equal(crowd.olds[1].join.err, ERR_REBALANCE);
    crowd_settles(&crowd);
    assert_int_equal(crowd.world.group->consumer->classics, 2);
    crowd_end(&crowd);
}

static void upgrade_refused(struct crowd *crowd, const char *why)
{
    struct client *client = &crowd->news[0];
    snprintf(client->id, sizeof client->id, "new");
    assert_int_equal(join(client), ERR_GROUP_NOT_FOUND);
    if (!strstr(client->beat.message, why))
        fail_msg("%s", client->beat.message);
    assert_string_equal(group_type_name(crowd->world.group), "classic");
    assert_int_equal(old_beat(&crowd->olds[0]), ERR_OK); // unharmed
}

static void a_group_that_cannot_be_upgraded_stays_as_it_is(void **state)
{
    (void)state;
    struct crowd crowd;
    static const struct {
        const char *type, *metadata, *data, *why;
    } cases[] = {
        {"connect", NULL, NULL, "does not use the consumer embedded protocol"},
        {"consumer", "x", NULL, "the embedded consumer protocol is malformed"},
        {"consumer", NULL, "mine", "an unsupported custom assignor is in use"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        crowd_begin(&crowd, true);
        struct old *old = &crowd.olds[0];
        *old = old_make(&crowd.world);
        old->type = cases[i].type;
        if (cases[i].metadata)
            old->metadata = bytes_from(cases[i].metadata);
        assert_int_equal(old_join(old), ERR_MEMBER_ID_REQUIRED);
        assert_int_equal(old_join(old), ERR_OK);
        struct bytes everything = assignment_of(
            &old->arena, (bool[PARTITIONS]){true, true, true, true, true, true}, cases[i].data);
        struct group_assignment mine = {bytes_from(old->id), everything};
        old->sync = (struct group_sync){.caller = old_caller(old),
                                        .assignments = &mine,
                                        .assignment_count = 1,
                                        .arena = &old->arena,
                                        .done = on_synced};
        group_sync(crowd.world.group, &old->sync);
        upgrade_refused(&crowd, cases[i].why);
        crowd_end(&crowd);
    }
    classic_begin(&crowd);
    crowd.world.env.upgrades = false;
    upgrade_refused(&crowd, "online upgrade is disabled");
    old_leave(&crowd.olds[0]);
    assert_int_equal(join(&crowd.news[0]), ERR_OK); // an empty one changes whatever is set
    crowd_end(&crowd);
}

static void what_a_member_is_still_giving_up_is_not_given_to_another(void **state)
{
    (void)state;
    struct crowd crowd;
    classic_begin(&crowd);
    struct old *first = &crowd.olds[0];
    old_enter(&crowd, 1);
    assert_int_equal(old_beat(first), ERR_REBALANCE);
    assert_int_equal(old_join(first), ERR_OK);
    old_sync(&crowd.olds[1]);
    first->leads = true;
    bool had[PARTITIONS];
    memcpy(had, first->owns, sizeof had);
    old_sync(first); // three are nobody's now, but until this answer arrives the first has them
    memcpy(first->owns, had, sizeof had);
    new_enter(&crowd, 0);
    assert_int_equal(crowd.news[0].owned.count, 0);
    first->rejoin = true;
    crowd_settles(&crowd);
    crowd_end(&crowd);
}

// --- downgrade -----------------------------------------------------------------------

// A settled group of a classic and a new member.
static void mixed_begin(struct crowd *crowd)
{
    classic_begin(crowd);
    new_enter(crowd, 0);
    crowd_settles(crowd);
}

static void the_group_is_classic_again_when_its_last_new_member_goes(void **state)
{
    (void)state;
    struct crowd crowd;
    mixed_begin(&crowd);
    int32_t epoch = crowd.world.group->consumer->epoch;
    new_leave(&crowd, 0);
    assert_string_equal(group_type_name(crowd.world.group), "classic");
    assert_int_equal(crowd.world.group->generation, epoch);
    assert_int_equal(old_beat(&crowd.olds[0]), ERR_REBALANCE);
    kill_and_restart(&crowd);
    assert_int_equal(old_beat(&crowd.olds[0]), ERR_REBALANCE); // still
    assert_int_equal(old_join(&crowd.olds[0]), ERR_OK);
    assert_int_equal(crowd.olds[0].generation, epoch + 1);
    assert_true(crowd.olds[0].leads);
    crowd_settles(&crowd);
    crowd_end(&crowd);
}

static void a_session_that_ends_or_an_administrator_downgrades_too(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++) {
        struct crowd crowd;
        mixed_begin(&crowd);
        crowd.new_in[0] = false;
        struct group_caller who = {bytes_from(crowd.news[0].id), BYTES_NULL, -1};
        if (way == 0)
            assert_int_equal(test_leave(crowd.world.group, &who), ERR_OK);
        for (int i = 0; way == 1 && i < 6; i++) {
            clock_advance(8000000);
            old_act(&crowd, 0);
            group_tick(crowd.world.group);
        }
        assert_string_equal(group_type_name(crowd.world.group), "classic");
        crowd_settles(&crowd);
        crowd_end(&crowd);
    }
}

static void without_downgrades_the_group_stays_new(void **state)
{
    (void)state;
    struct crowd crowd;
    mixed_begin(&crowd);
    crowd.world.env.downgrades = false;
    new_leave(&crowd, 0);
    assert_string_equal(group_type_name(crowd.world.group), "consumer");
    assert_int_equal(group_member_count(crowd.world.group), 1);
    wait_for_target();
    old_act(&crowd, 0); // nothing new: the target is made by whoever joins or beats
    old_enter(&crowd, 1);
    crowd_settles(&crowd);
    crowd_end(&crowd);
}

// --- static members ------------------------------------------------------------------

static void a_static_member_changes_its_protocol_and_keeps_its_partitions(void **state)
{
    (void)state;
    struct crowd crowd;
    crowd_begin(&crowd, true);
    struct old *old = &crowd.olds[0];
    *old = old_make(&crowd.world);
    old->instance = "one";
    for (int i = 0; i < 3; i++)
        old_act(&crowd, 0);
    assert_true(is_settled(&crowd));
    struct client *client = &crowd.news[0];
    client->instance = "one";
    old->in = false; // stopped; says nothing when it closes
    memset(old->owns, 0, sizeof old->owns);
    new_enter(&crowd, 0);
    assert_int_equal(group_member_count(crowd.world.group), 1);
    assert_int_equal(client->owned.count, PARTITIONS);
    struct group_caller before = old_caller(old);
    assert_int_equal(group_heartbeat(crowd.world.group, &before), ERR_FENCED_INSTANCE);
    send(client, -2); // and back
    crowd.new_in[0] = false;
    old->in = true;
    old->id[0] = '\0';
    assert_int_equal(old_join(old), ERR_OK);
    assert_string_equal(group_type_name(crowd.world.group), "classic");
    assert_string_equal(group_state_name(crowd.world.group), "Stable"); // nobody has to join again
    assert_int_equal(old->generation, crowd.world.group->generation);
    assert_int_equal(old_sync(old), ERR_OK);
    assert_true(is_settled(&crowd));
    kill_and_restart(&crowd);
    assert_int_equal(old_beat(old), ERR_OK);
    crowd_end(&crowd);
}

static void a_static_member_that_reads_something_else_makes_all_join_again(void **state)
{
    (void)state;
    struct crowd crowd;
    mixed_begin(&crowd);
    struct client *client = &crowd.news[1];
    client->instance = "two";
    new_enter(&crowd, 1);
    crowd_settles(&crowd);
    new_leave(&crowd, 0);
    crowd_settles(&crowd);
    set_topic(&crowd.world, 1, "bills", 2);
    crowd.new_in[1] = false;
    struct old *old = &crowd.olds[1];
    *old = old_make(&crowd.world);
    old->instance = "two";
    static const uint8_t bills[] = {0,   1,   0,    0,    0,    1,    0, 5, 'b', 'i', 'l',
                                    'l', 's', 0xff, 0xff, 0xff, 0xff, 0, 0, 0,   0};
    old->metadata = bytes_make(bills, sizeof bills);
    assert_int_equal(old_join(old), ERR_OK);
    assert_string_equal(group_type_name(crowd.world.group), "classic");
    assert_string_equal(group_state_name(crowd.world.group), "PreparingRebalance");
    assert_int_equal(old_sync(old), ERR_ILLEGAL_GENERATION);
    assert_int_equal(old_beat(&crowd.olds[0]), ERR_REBALANCE);
    crowd_end(&crowd);
}

// --- who may not ---------------------------------------------------------------------

static void a_classic_member_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct crowd crowd;
    mixed_begin(&crowd);
    struct old other = old_make(&crowd.world);
    other.protocol = "nobody knows it";
    assert_int_equal(old_join(&other), ERR_INCONSISTENT_PROTOCOL);
    assert_int_equal(other.join.new_member_id.size, 0);
    other.protocol = "range";
    other.type = "connect";
    assert_int_equal(old_join(&other), ERR_INCONSISTENT_PROTOCOL);
    other.type = "consumer";
    other.metadata = bytes_from("x");
    snprintf(other.id, sizeof other.id, "known");
    assert_int_equal(old_join(&other), ERR_INCONSISTENT_PROTOCOL);
    other.metadata = BYTES_NULL;
    other.instance = "nobody";
    assert_int_equal(old_join(&other), ERR_UNKNOWN_MEMBER);
    crowd.world.env.upgrades = crowd.world.env.downgrades = false;
    other.instance = NULL;
    assert_int_equal(old_join(&other), ERR_INCONSISTENT_PROTOCOL);
    assert_int_equal(group_member_count(crowd.world.group), 2);
    old_release(&other);
    crowd_end(&crowd);
}

static void only_the_member_and_its_epoch_get_an_answer(void **state)
{
    (void)state;
    struct crowd crowd;
    mixed_begin(&crowd);
    struct old *old = &crowd.olds[0];
    struct group_caller who = old_caller(old);
    who.generation--;
    assert_int_equal(group_heartbeat(crowd.world.group, &who), ERR_ILLEGAL_GENERATION);
    who.member_id = bytes_from(crowd.news[0].id);
    assert_int_equal(group_heartbeat(crowd.world.group, &who), ERR_UNKNOWN_MEMBER);
    who.instance_id = bytes_from("nobody");
    assert_int_equal(group_heartbeat(crowd.world.group, &who), ERR_UNKNOWN_MEMBER);
    old->protocol = "other";
    assert_int_equal(old_sync(old), ERR_INCONSISTENT_PROTOCOL);
    old->protocol = "range";
    assert_int_equal(old_sync(old), ERR_OK);
    crowd_end(&crowd);
}

static void commits_ask_a_classic_member_for_its_epoch_as_a_generation(void **state)
{
    (void)state;
    struct crowd crowd;
    mixed_begin(&crowd);
    const struct consumer *consumer = crowd.world.group->consumer;
    struct bytes id = bytes_from(crowd.olds[0].id);
    const struct consumer_member *member = consumer_member(consumer, id);
    struct group_caller now = {id, BYTES_NULL, member->epoch};
    struct group_caller later = {id, BYTES_NULL, member->epoch + 1};
    struct group_caller before = {id, BYTES_NULL, member->epoch - 1};
    const struct consumer_part *mine = &member->assigned.items[0];
    assert_int_equal(consumer_may_commit(consumer, &now, 2, false), ERR_OK); // any version
    assert_int_equal(consumer_may_commit(consumer, &later, 2, false), ERR_ILLEGAL_GENERATION);
    assert_int_equal(consumer_may_commit(consumer, &before, 2, false), ERR_OK);
    assert_int_equal(consumer_may_commit_part(consumer, &before, mine->topic, mine->partition),
                     ERR_OK);
    assert_int_equal(consumer_may_commit_part(consumer, &before, mine->topic, 77),
                     ERR_ILLEGAL_GENERATION);
    assert_int_equal(consumer_may_fetch(consumer, id, member->epoch), ERR_OK);
    assert_int_equal(consumer_may_fetch(consumer, id, 1), ERR_ILLEGAL_GENERATION);
    crowd_end(&crowd);
}

// --- time and the log ----------------------------------------------------------------

static void a_classic_member_that_does_not_join_or_sync_in_time_goes(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++) {
        struct crowd crowd;
        mixed_begin(&crowd);
        struct old *old = &crowd.olds[0];
        new_enter(&crowd, 1); // the classic one is to give up something
        wait_for_target();
        new_act(&crowd, 0);
        assert_int_equal(old_beat(old), ERR_REBALANCE);
        if (way == 1)
            assert_int_equal(old_join(old), ERR_OK);
        for (int i = 0; i < 8; i++) { // alive, but no more than that
            clock_advance(8000000);
            old_beat(old);
            new_act(&crowd, 0);
            new_act(&crowd, 1);
            group_tick(crowd.world.group);
        }
        assert_int_equal(crowd.world.group->consumer->classics, 0);
        assert_int_equal(group_member_count(crowd.world.group), 2);
        crowd_end(&crowd);
    }
}

static void a_join_is_answered_when_it_is_durable(void **state)
{
    (void)state;
    struct crowd crowd;
    mixed_begin(&crowd);
    struct old *old = &crowd.olds[1];
    *old = old_make(&crowd.world);
    assert_int_equal(old_join(old), ERR_MEMBER_ID_REQUIRED);
    crowd.world.log.wait = true;
    old_join(old);
    assert_true(old->joining);
    test_journal_settle(&crowd.world.log);
    assert_false(old->joining);
    assert_int_equal(old->join.err, ERR_OK);
    crowd.world.log.fail = ERR_DISK_FULL;
    old->owns[0] = true;
    assert_int_equal(old_join(old), ERR_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(old_beat(old), ERR_COORDINATOR_NOT_AVAILABLE);
    crowd.world.log.fail = ERR_OK;
    group_tick(crowd.world.group);
    old->owns[0] = false;
    old->rejoin = true;
    crowd_settles(&crowd);
    crowd_end(&crowd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_group_rolls_over_to_the_new_protocol_and_back),
        TEST(whatever_happens_no_partition_has_two_owners_and_none_is_lost),
        TEST(an_upgrade_keeps_what_members_have_until_they_give_it_up),
        TEST(who_waits_for_the_classic_group_is_told_to_join_again),
        TEST(a_group_that_cannot_be_upgraded_stays_as_it_is),
        TEST(what_a_member_is_still_giving_up_is_not_given_to_another),
        TEST(the_group_is_classic_again_when_its_last_new_member_goes),
        TEST(a_session_that_ends_or_an_administrator_downgrades_too),
        TEST(without_downgrades_the_group_stays_new),
        TEST(a_static_member_changes_its_protocol_and_keeps_its_partitions),
        TEST(a_static_member_that_reads_something_else_makes_all_join_again),
        TEST(a_classic_member_that_does_not_fit_is_refused),
        TEST(only_the_member_and_its_epoch_get_an_answer),
        TEST(commits_ask_a_classic_member_for_its_epoch_as_a_generation),
        TEST(a_classic_member_that_does_not_join_or_sync_in_time_goes),
        TEST(a_join_is_answered_when_it_is_durable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
