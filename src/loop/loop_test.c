// SPDX-License-Identifier: Apache-2.0
#include "loop/loop.h"

#include "base/mem.h"
#include "os/clock.h"
#include "os/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <cmocka.h>

static bool wait_for(_Atomic int *value, int at_least)
{
    int64_t until = clock_mono_us() + 60 * 1000000;
    while (atomic_load(value) < at_least && clock_mono_us() < until)
        clock_sleep_us(200);
    return atomic_load(value) >= at_least;
}

static _Atomic int posted, others;
static int last_seen;
static bool in_order;

struct message {
    struct post post;
    int number;
};

static void take(struct post *post)
{
    struct message *message = CONTAINER_OF(post, struct message, post);
    if (message->number != last_seen + 1)
        in_order = false;
    last_seen = message->number;
    mem_free(message);
    atomic_fetch_add(&posted, 1);
}

static void post_number(struct loops *loops, int number)
{
    struct message *message = MEM_NEW(struct message);
    message->number = number;
    loop_post(loops_at(loops, 1), &message->post, take);
}

static void posts_of_one_thread_run_in_order(void **state)
{
    (void)state;
    struct loops *loops = NULL;
    assert_int_equal(loops_start(&loops, 2, 2, NULL), ERR_OK);
    in_order = true;
    for (int i = 1; i <= 10000; i++)
        post_number(loops, i);
    assert_true(wait_for(&posted, 10000));
    assert_true(in_order);
    loops_stop(loops);
}

static void count_other(struct post *post)
{
    mem_free(CONTAINER_OF(post, struct message, post));
    atomic_fetch_add(&others, 1);
}

static void posts_between_begin_and_end_run_in_order_on_each_loop(void **state)
{
    (void)state;
    struct loops *loops = NULL;
    assert_int_equal(loops_start(&loops, 2, 2, NULL), ERR_OK);
    in_order = true;
    last_seen = 0;
    atomic_store(&posted, 0);
    for (int i = 1; i <= 9000; i++) {
        if (i % 30 == 1)
            loop_posts_begin();
        post_number(loops, i);
        if (i % 10 == 0) {
            struct message *message = MEM_NEW(struct message);
            loop_post(loops_at(loops, 0), &message->post, count_other);
        }
        if (i % 30 == 0)
            loop_posts_end();
    }
    assert_true(wait_for(&posted, 9000));
    assert_true(wait_for(&others, 900));
    assert_true(in_order);
    loops_stop(loops);
}

static _Atomic int ran, finished;

struct job {
    struct work work;
    struct loop *loop;
};

static void job_run(struct work *work)
{
    struct job *job = CONTAINER_OF(work, struct job, work);
    assert_false(loop_is_here(job->loop));
    atomic_fetch_add(&ran, 1);
}

static void job_done(struct work *work)
{
    struct job *job = CONTAINER_OF(work, struct job, work);
    assert_true(loop_is_here(job->loop));
    mem_free(job);
    atomic_fetch_add(&finished, 1);
}

static void work_runs_on_a_worker_and_ends_on_its_loop(void **state)
{
    (void)state;
    struct loops *loops = NULL;
    assert_int_equal(loops_start(&loops, 2, 3, NULL), ERR_OK);
    for (int i = 0; i < 1000; i++) {
        struct job *job = MEM_NEW(struct job);
        job->loop = loops_at(loops, (size_t)i % 2);
        job->work = (struct work){.run = job_run, .done = job_done, .loop = job->loop};
        work_submit(loops, &job->work);
    }
    assert_true(wait_for(&finished, 1000));
    loops_stop(loops);
    assert_int_equal(ran, 1000);
}

static struct timer timers[5];
static int fired[5];
static _Atomic int fired_count;
static struct loop *timer_loop;

static void fire(struct timer *timer)
{
    fired[atomic_fetch_add(&fired_count, 1)] = (int)(timer - timers);
}

static void start_timers(struct post *post)
{
    (void)post;
    static const int64_t after_ms[5] = {30, 10, 20, 5, 15};
    clock_simulate(clock_mono_us()); // all at one moment, however long it takes
    for (int i = 0; i < 5; i++) {
        timer_init(&timers[i], fire);
        timer_start(timer_loop, &timers[i], after_ms[i]);
    }
    timer_stop(&timers[2]);
    timer_start(timer_loop, &timers[3], 25);
    clock_real();
}

static void timers_fire_in_order_of_their_due_times(void **state)
{
    (void)state;
    struct loops *loops = NULL;
    assert_int_equal(loops_start(&loops, 1, 1, NULL), ERR_OK);
    timer_loop = loops_at(loops, 0);
    struct post post;
    loop_post(timer_loop, &post, start_timers);
    assert_true(wait_for(&fired_count, 4));
    loops_stop(loops);
    const int expected[] = {1, 4, 3, 0};
    assert_memory_equal(fired, expected, sizeof expected);
    assert_int_equal(fired_count, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts_of_one_thread_run_in_order),
        cmocka_unit_test(posts_between_begin_and_end_run_in_order_on_each_loop),
        cmocka_unit_test(work_runs_on_a_worker_and_ends_on_its_loop),
        cmocka_unit_test(timers_fire_in_order_of_their_due_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
