// SPDX-License-Identifier: Apache-2.0
#include "broker/assign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { TOPICS = 6, MEMBERS = 12 };

// A group whose target is computed again and again.
struct scene {
    struct assign assign;
    struct assign_topic topics[TOPICS];
    struct assign_member members[MEMBERS];
    struct consumer_parts present[MEMBERS];
    uint32_t subscriptions[MEMBERS][TOPICS];
    char ids[MEMBERS][8];
};

static void add_topic(struct scene *scene, int32_t partitions)
{
    struct assign_topic *topic = &scene->topics[scene->assign.topic_count++];
    memset(topic->id, (int)scene->assign.topic_count, sizeof topic->id);
    topic->partitions = partitions;
    scene->assign.topics = scene->topics;
    scene->assign.members = scene->members;
}

// `topics` is a mask.
static void add_member(struct scene *scene, unsigned topics)
{
    size_t i = scene->assign.member_count++;
    struct assign_member *member = &scene->members[i];
    snprintf(scene->ids[i], sizeof scene->ids[i], "m%02zu", i);
    member->id = scene->ids[i];
    member->present = &scene->present[i];
    member->topics = scene->subscriptions[i];
    for (uint32_t t = 0; t < scene->assign.topic_count; t++)
        if (topics & 1u << t)
            scene->subscriptions[i][member->topic_count++] = t;
}

static void run(struct scene *scene, void (*assignor)(struct assign *))
{
    assignor(&scene->assign);
    for (size_t i = 0; i < scene->assign.member_count; i++)
        consumer_parts_take(&scene->present[i], &scene->members[i].target);
}

static size_t count_of(const struct scene *scene, size_t member, uint32_t topic)
{
    size_t count = 0;
    for (size_t p = 0; p < scene->present[member].count; p++)
        count += memcmp(scene->present[member].items[p].topic, scene->topics[topic].id, 16) == 0;
    return count;
}

// Every partition of a topic somebody reads has one owner, who reads it.
static void check(const struct scene *scene)
{
    for (uint32_t t = 0; t < scene->assign.topic_count; t++) {
        bool read = false;
        for (size_t i = 0; i < scene->assign.member_count; i++)
            read = read || assign_subscribed(&scene->members[i], t);
        for (int32_t p = 0; p < scene->topics[t].partitions; p++) {
            int owners = 0;
            for (size_t i = 0; i < scene->assign.member_count; i++) {
                if (!consumer_parts_find(&scene->present[i], scene->topics[t].id, p))
                    continue;
                owners++;
                assert_true(assign_subscribed(&scene->members[i], t));
            }
            assert_int_equal(owners, read ? 1 : 0);
        }
    }
}

static void release(struct scene *scene)
{
    for (size_t i = 0; i < MEMBERS; i++)
        consumer_parts_release(&scene->present[i]);
}

static size_t kept(const struct consumer_parts *before, const struct consumer_parts *after)
{
    size_t count = 0;
    for (size_t i = 0; i < before->count; i++)
        count +=
            consumer_parts_find(after, before->items[i].topic, before->items[i].partition) != NULL;
    return count;
}

static void uniform_shares_all_topics_evenly(void **state)
{
    (void)state;
    struct scene scene = {.assign.same = true};
    add_topic(&scene, 3);
    add_topic(&scene, 4);
    for (int i = 0; i < 3; i++)
        add_member(&scene, 3);
    run(&scene, assign_uniform);
    check(&scene);
    for (int i = 0; i < 3; i++)
        assert_in_range(scene.present[i].count, 2, 3);
    release(&scene);
}

static void uniform_moves_only_what_a_new_member_needs(void **state)
{
    (void)state;
    struct scene scene = {.assign.same = true};
    add_topic(&scene, 12);
    for (int i = 0; i < 3; i++)
        add_member(&scene, 1);
    run(&scene, assign_uniform);
    struct consumer_parts before[3] = {0};
    for (int i = 0; i < 3; i++)
        consumer_parts_set(&before[i], &scene.present[i]);
    add_member(&scene, 1);
    run(&scene, assign_uniform);
    check(&scene);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(scene.present[i].count, 3);
        assert_int_equal(kept(&before[i], &scene.present[i]), 3);
        consumer_parts_release(&before[i]);
    }
    assert_int_equal(scene.present[3].count, 3);
    release(&scene);
}

static void uniform_keeps_the_rest_when_a_member_leaves(void **state)
{
    (void)state;
    struct scene scene = {.assign.same = true};
    add_topic(&scene, 7);
    for (int i = 0; i < 3; i++)
        add_member(&scene, 1);
    run(&scene, assign_uniform);
    struct consumer_parts before = {0};
    consumer_parts_set(&before, &scene.present[0]);
    scene.assign.member_count = 2;
    run(&scene, assign_uniform);
    check(&scene);
    assert_int_equal(kept(&before, &scene.present[0]), before.count);
    assert_int_equal(scene.present[0].count + scene.present[1].count, 7);
    consumer_parts_release(&before);
    release(&scene);
}

static void uniform_gives_nobody_what_it_does_not_read(void **state)
{
    (void)state;
    struct scene scene = {0};
    add_topic(&scene, 6);
    add_topic(&scene, 2);
    add_topic(&scene, 9);
    add_member(&scene, 1);
    add_member(&scene, 3);
    add_member(&scene, 6);
    run(&scene, assign_uniform);
    check(&scene);
    assert_int_equal(scene.present[2].count, 9);
    assert_int_equal(scene.present[0].count + scene.present[1].count, 8);
    assert_in_range(scene.present[0].count, 4, 4);
    release(&scene);
}

static void uniform_evens_out_mixed_subscriptions_as_members_come_and_go(void **state)
{
    (void)state;
    srand(7);
    for (int round = 0; round < 200; round++) {
        struct scene scene = {0};
        size_t topics = 1 + (size_t)(rand() % TOPICS);
        for (size_t t = 0; t < topics; t++)
            add_topic(&scene, 1 + rand() % 20);
        size_t members = 2 + (size_t)(rand() % (MEMBERS - 2));
        for (size_t i = 0; i < members; i++)
            add_member(&scene, (unsigned)rand() % (1u << topics));
        for (int again = 0; again < 3; again++) {
            run(&scene, assign_uniform);
            check(&scene);
        }
        scene.assign.member_count--;
        consumer_parts_release(&scene.present[scene.assign.member_count]);
        run(&scene, assign_uniform);
        check(&scene);
        release(&scene);
    }
}

// Two members that read the same topics differ by at most one partition.
static void uniform_is_even_between_members_of_the_same_subscription(void **state)
{
    (void)state;
    struct scene scene = {0};
    add_topic(&scene, 10);
    add_topic(&scene, 10);
    for (int i = 0; i < 4; i++)
        add_member(&scene, 1);
    for (int i = 0; i < 4; i++)
        add_member(&scene, 3);
    run(&scene, assign_uniform);
    check(&scene);
    for (size_t i = 0; i < 8; i++)
        assert_in_range(scene.present[i].count, 2, 3);
    release(&scene);
}

static void range_gives_each_member_one_run_of_every_topic(void **state)
{
    (void)state;
    struct scene scene = {.assign.same = true};
    add_topic(&scene, 5);
    add_topic(&scene, 4);
    for (int i = 0; i < 2; i++)
        add_member(&scene, 3);
    run(&scene, assign_range);
    check(&scene);
    assert_int_equal(count_of(&scene, 0, 0), 3);
    assert_int_equal(count_of(&scene, 1, 0), 2);
    assert_int_equal(count_of(&scene, 0, 1), 2);
    for (int32_t p = 0; p < 3; p++)
        assert_non_null(consumer_parts_find(&scene.present[0], scene.topics[0].id, p));
    release(&scene);
}

static void range_puts_static_members_first_by_their_instance(void **state)
{
    (void)state;
    struct scene scene = {.assign.same = true};
    add_topic(&scene, 3);
    for (int i = 0; i < 3; i++)
        add_member(&scene, 1);
    scene.members[1].instance_id = "b";
    scene.members[2].instance_id = "a";
    run(&scene, assign_range);
    assert_non_null(consumer_parts_find(&scene.present[2], scene.topics[0].id, 0));
    assert_non_null(consumer_parts_find(&scene.present[1], scene.topics[0].id, 1));
    assert_non_null(consumer_parts_find(&scene.present[0], scene.topics[0].id, 2));
    release(&scene);
}

static void more_members_than_partitions_leave_some_idle(void **state)
{
    (void)state;
    struct scene scene = {.assign.same = true};
    add_topic(&scene, 2);
    for (int i = 0; i < 5; i++)
        add_member(&scene, 1);
    run(&scene, assign_uniform);
    check(&scene);
    run(&scene, assign_range);
    check(&scene);
    release(&scene);
}

static void assignors_are_found_by_name_and_uniform_is_the_first(void **state)
{
    (void)state;
    assert_string_equal(assignors[0].name, "uniform");
    assert_non_null(assignor_find(bytes_from("range")));
    assert_null(assignor_find(bytes_from("sticky")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uniform_shares_all_topics_evenly),
        cmocka_unit_test(uniform_moves_only_what_a_new_member_needs),
        cmocka_unit_test(uniform_keeps_the_rest_when_a_member_leaves),
        cmocka_unit_test(uniform_gives_nobody_what_it_does_not_read),
        cmocka_unit_test(uniform_evens_out_mixed_subscriptions_as_members_come_and_go),
        cmocka_unit_test(uniform_is_even_between_members_of_the_same_subscription),
        cmocka_unit_test(range_gives_each_member_one_run_of_every_topic),
        cmocka_unit_test(range_puts_static_members_first_by_their_instance),
        cmocka_unit_test(more_members_than_partitions_leave_some_idle),
        cmocka_unit_test(assignors_are_found_by_name_and_uniform_is_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
