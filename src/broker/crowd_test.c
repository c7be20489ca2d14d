// SPDX-License-Identifier: Apache-2.0
#include "broker/crowd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct list *away[4];
static size_t away_count;

static void send_away(struct list *link)
{
    away[away_count++] = link;
}

static void an_address_has_so_many_connections_and_others_have_theirs(void **state)
{
    (void)state;
    struct crowd *crowd = crowd_new(10);
    struct diag diag = DIAG_INIT;
    crowd_set_limits(crowd, &(struct crowd_limits){100, 2, "10.0.0.9:1, ::1:3"});
    assert_int_equal(crowd_arrive(crowd, "10.0.0.1", NULL), ERR_OK);
    assert_int_equal(crowd_arrive(crowd, "10.0.0.1", NULL), ERR_OK);
    assert_int_equal(crowd_arrive(crowd, "10.0.0.1", &diag), ERR_OVERLOADED);
    assert_string_equal(diag.text, "there are max.connections.per.ip=2 of it already");
    assert_int_equal(crowd_arrive(crowd, "10.0.0.9", NULL), ERR_OK);
    assert_int_equal(crowd_arrive(crowd, "10.0.0.9", NULL), ERR_OVERLOADED);
    for (int i = 0; i < 3; i++)
        assert_int_equal(crowd_arrive(crowd, "::1", NULL), ERR_OK);
    assert_int_equal(crowd_arrive(crowd, "::1", NULL), ERR_OVERLOADED);
    crowd_leave(crowd, "10.0.0.1");
    assert_int_equal(crowd_arrive(crowd, "10.0.0.1", NULL), ERR_OK);
    crowd_free(crowd);
}

static void all_together_are_so_many(void **state)
{
    (void)state;
    struct crowd *crowd = crowd_new(10);
    crowd_set_limits(crowd, &(struct crowd_limits){2, 100, ""});
    assert_int_equal(crowd_arrive(crowd, "a", NULL), ERR_OK);
    assert_int_equal(crowd_arrive(crowd, "b", NULL), ERR_OK);
    assert_int_equal(crowd_arrive(crowd, "c", NULL), ERR_OVERLOADED);
    crowd_set_limits(crowd, &(struct crowd_limits){3, 100, ""});
    assert_int_equal(crowd_arrive(crowd, "c", NULL), ERR_OK);
    crowd_free(crowd);
}

static void the_stranger_that_has_waited_longest_goes_first(void **state)
{
    (void)state;
    struct crowd *crowd = crowd_new(2);
    struct list a, b, c, d;
    away_count = 0;
    crowd_stranger(crowd, &a, send_away);
    crowd_stranger(crowd, &b, send_away);
    crowd_knows(crowd, &a);
    crowd_knows(crowd, &a);
    crowd_stranger(crowd, &c, send_away);
    assert_int_equal(away_count, 0);
    crowd_stranger(crowd, &d, send_away);
    assert_int_equal(away_count, 1);
    assert_ptr_equal(away[0], &b);
    crowd_knows(crowd, &b); // when its connection has closed
    crowd_knows(crowd, &c);
    crowd_stranger(crowd, &a, send_away);
    assert_int_equal(away_count, 1);
    crowd_free(crowd);
}

static void overrides_are_addresses_and_counts(void **state)
{
    (void)state;
    assert_int_equal(crowd_check_overrides("", NULL), ERR_OK);
    assert_int_equal(crowd_check_overrides("127.0.0.1:5, fe80::1:7", NULL), ERR_OK);
    assert_int_equal(crowd_check_overrides("127.0.0.1", NULL), ERR_CONFIG);
    assert_int_equal(crowd_check_overrides("127.0.0.1:-1", NULL), ERR_CONFIG);
    assert_int_equal(crowd_check_overrides("127.0.0.1:5,", NULL), ERR_CONFIG);
    assert_int_equal(crowd_check_overrides("example.com:5", NULL), ERR_CONFIG);
    assert_int_equal(crowd_check_overrides(":5", NULL), ERR_CONFIG);
    assert_int_equal(crowd_check_overrides("1.2.3.4:99999999999999999999", NULL), ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_has_so_many_connections_and_others_have_theirs),
        cmocka_unit_test(all_together_are_so_many),
        cmocka_unit_test(the_stranger_that_has_waited_longest_goes_first),
        cmocka_unit_test(overrides_are_addresses_and_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
