// SPDX-License-Identifier: Apache-2.0
//
// Regular expressions as subscriptions: what they may say, and how their topics are found.
#include "broker/consumer_test.h"

#include "broker/consumer_regex.h"

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
    assert_true(clock_mono_us() - begin_us < 60000000);
    consumer_matcher_free(matcher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_regular_expression_is_resolved_and_assigned),
        TEST(an_invalid_regular_expression_is_refused),
        TEST(what_re2_has_not_is_refused),
        TEST(a_topic_matches_only_as_a_whole),
        TEST(no_expression_takes_exponential_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
