// SPDX-License-Identifier: Apache-2.0
#include "broker/quota.h"

#include "os/clock.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct quota_entity who(const char *user, const char *client)
{
    // "*" is everyone, NULL says nothing
    struct quota_entity entity = {.has_user = user != NULL, .has_client = client != NULL};
    if (user && strcmp(user, "*") != 0)
        entity.user = bytes_from(user);
    if (client && strcmp(client, "*") != 0)
        entity.client = bytes_from(client);
    return entity;
}

static void set(struct quotas *quotas, const char *user, const char *client, double limit)
{
    struct quota_entity entity = who(user, client);
    quotas_set(quotas, &entity, QUOTA_PRODUCE, limit);
}

static int32_t charge(struct quotas *quotas, const char *user, const char *client, size_t bytes)
{
    return quotas_charge(quotas, QUOTA_PRODUCE, bytes_from(user), bytes_from(client), bytes);
}

static void without_a_limit_nobody_waits(void **state)
{
    (void)state;
    struct quotas *quotas = quotas_new();
    assert_int_equal(charge(quotas, "a", "c", 1 << 30), 0);
    set(quotas, "b", NULL, 1);
    assert_int_equal(charge(quotas, "a", "c", 1 << 30), 0);
    quotas_free(quotas);
}

static void who_was_too_fast_waits_until_the_rate_is_right_again(void **state)
{
    (void)state;
    clock_simulate(1000000000);
    struct quotas *quotas = quotas_new();
    set(quotas, "a", NULL, 1000);
    assert_int_equal(charge(quotas, "a", "c", 10000), 0); // 1000 a second over 10 seconds
    assert_int_equal(charge(quotas, "a", "c", 10000), 10000);
    clock_advance(20 * 1000000);
    assert_int_equal(charge(quotas, "a", "c", 1000), 0);
    clock_real();
    quotas_free(quotas);
}

static void what_is_not_sent_is_not_counted(void **state)
{
    (void)state;
    clock_simulate(1000000000);
    struct quotas *quotas = quotas_new();
    set(quotas, "a", NULL, 1000);
    struct bytes user = bytes_from("a"), client = bytes_from("c");
    assert_true(quotas_try(quotas, QUOTA_PRODUCE, user, client, 50000) > 0);
    assert_int_equal(quotas_try(quotas, QUOTA_PRODUCE, user, client, 10000), 0);
    assert_true(quotas_try(quotas, QUOTA_PRODUCE, user, client, 1) > 0);
    clock_real();
    quotas_free(quotas);
}

// Which limit holds shows in how long 1 MB makes wait.
static int32_t wait_of(struct quotas *quotas, const char *user, const char *client)
{
    clock_advance(100 * 1000000);
    return charge(quotas, user, client, 1000000);
}

static void the_most_exact_limit_counts(void **state)
{
    (void)state;
    clock_simulate(1000000000);
    struct quotas *quotas = quotas_new();
    set(quotas, NULL, "*", 100);
    int32_t last = wait_of(quotas, "a", "c");
    static const char *const order[][2] = {{NULL, "c"}, {"*", NULL}, {"*", "*"}, {"*", "c"},
                                           {"a", NULL}, {"a", "*"},  {"a", "c"}};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        set(quotas, order[i][0], order[i][1], 200 + 100.0 * (double)i);
        int32_t wait = wait_of(quotas, "a", "c");
        assert_true(wait > 0 && wait < last);
        last = wait;
    }
    set(quotas, "a", "c", 0);
    assert_true(wait_of(quotas, "a", "c") > last);
    clock_real();
    quotas_free(quotas);
}

static void clients_of_one_user_share_his_limit(void **state)
{
    (void)state;
    clock_simulate(1000000000);
    struct quotas *quotas = quotas_new();
    set(quotas, "*", NULL, 1000);
    assert_int_equal(charge(quotas, "a", "c1", 10000), 0);
    assert_true(charge(quotas, "a", "c2", 10000) > 0);
    assert_int_equal(charge(quotas, "b", "c1", 10000), 0);
    clock_real();
    quotas_free(quotas);
}

static void limits_are_listed_with_whom_they_are_for(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct quotas *quotas = quotas_new();
    size_t count;
    set(quotas, "a", "*", 5);
    set(quotas, NULL, "c", 7);
    struct quota_entity a = who("a", "*");
    quotas_set(quotas, &a, QUOTA_CONSUME, 6);
    struct quota_entry *all = quotas_all(quotas, &arena, &count);
    assert_int_equal(count, 2);
    assert_true(all[0].entity.has_user && bytes_is(all[0].entity.user, "a"));
    assert_true(all[0].entity.has_client && !all[0].entity.client.ptr);
    assert_true(all[0].limits[QUOTA_PRODUCE] == 5 && all[0].limits[QUOTA_CONSUME] == 6);
    assert_true(!all[1].entity.has_user && bytes_is(all[1].entity.client, "c"));
    set(quotas, "a", "*", 0);
    quotas_set(quotas, &a, QUOTA_CONSUME, 0);
    quotas_all(quotas, &arena, &count);
    assert_int_equal(count, 1);
    arena_release(&arena);
    quotas_free(quotas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_limit_nobody_waits),
        cmocka_unit_test(who_was_too_fast_waits_until_the_rate_is_right_again),
        cmocka_unit_test(what_is_not_sent_is_not_counted),
        cmocka_unit_test(the_most_exact_limit_counts),
        cmocka_unit_test(clients_of_one_user_share_his_limit),
        cmocka_unit_test(limits_are_listed_with_whom_they_are_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
