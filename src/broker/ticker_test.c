// SPDX-License-Identifier: Apache-2.0
#include "broker/ticker.h"

#include "os/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <cmocka.h>

enum { PERIOD_MS = 1, SELDOM_MS = 3600000, PATIENCE_US = 60000000 };

struct watched {
    struct ticker ticker;
    _Atomic int looks;
    _Atomic int to_do; // a look takes one
};

static int64_t look(struct ticker *ticker)
{
    struct watched *watched = CONTAINER_OF(ticker, struct watched, ticker);
    watched->looks++;
    if (watched->to_do > 0 && --watched->to_do > 0)
        return PERIOD_MS;
    return SELDOM_MS;
}

static struct loops *begin(struct watched *watched)
{
    struct loops *loops = NULL;
    assert_int_equal(loops_start(&loops, 1, 1, NULL), ERR_OK);
    ticker_init(&watched->ticker, loops_at(loops, 0), PERIOD_MS, look);
    return loops;
}

static bool all_done(struct watched *watched)
{
    int64_t until_us = clock_mono_us() + PATIENCE_US;
    while (watched->to_do > 0 && clock_mono_us() < until_us)
        clock_sleep_us(100);
    return watched->to_do <= 0;
}

static void it_looks_until_there_is_nothing_and_again_when_it_is_woken(void **state)
{
    (void)state;
    struct watched watched = {0};
    struct loops *loops = begin(&watched);
    for (int round = 0; round < 3; round++) {
        watched.to_do = 5;
        ticker_wake(&watched.ticker);
        assert_true(all_done(&watched));
    }
    assert_true(watched.looks >= 15);
    ticker_stop(&watched.ticker);
    ticker_release(&watched.ticker);
    loops_stop(loops);
}

enum { WAKERS = 3, WAKES = 300 };

static void wake_often(void *ctx)
{
    struct watched *watched = ctx;
    for (int i = 0; i < WAKES; i++) {
        watched->to_do++;
        ticker_wake(&watched->ticker);
    }
}

static void what_came_while_it_looked_is_not_forgotten(void **state)
{
    (void)state;
    struct watched watched = {0};
    struct loops *loops = begin(&watched);
    struct thread wakers[WAKERS];
    for (int i = 0; i < WAKERS; i++)
        thread_start(&wakers[i], "waker", wake_often, &watched);
    for (int i = 0; i < WAKERS; i++)
        thread_join(&wakers[i]);
    assert_true(all_done(&watched));
    ticker_stop(&watched.ticker);
    ticker_release(&watched.ticker);
    loops_stop(loops);
}

static void after_the_stop_no_look_comes_whoever_wakes_it(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct watched watched = {.to_do = 1 << 30};
        struct loops *loops = begin(&watched);
        struct thread waker;
        thread_start(&waker, "waker", wake_often, &watched);
        ticker_stop(&watched.ticker);
        int looks = watched.looks;
        thread_join(&waker);
        ticker_wake(&watched.ticker);
        loops_stop(loops); // what was posted has run
        assert_int_equal(watched.looks, looks);
        ticker_release(&watched.ticker);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_looks_until_there_is_nothing_and_again_when_it_is_woken),
        cmocka_unit_test(what_came_while_it_looked_is_not_forgotten),
        cmocka_unit_test(after_the_stop_no_look_comes_whoever_wakes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
