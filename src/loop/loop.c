// SPDX-License-Identifier: Apache-2.0
//
// A loop is a thread around a uv_loop_t with two handles of ours: a descriptor that wakes it, and
// one uv_timer for the earliest of our timers (a binary heap).
//
// Posts are a lock-free stack: a poster links its message in front; only the one that finds the
// stack empty wakes the loop, which takes the whole stack at once and runs it in posting order.
//
// Not uv_async: a loop woken by it waits, spinning, until the poster has run to the end of
// uv_async_send(), and a poster that was preempted by the very loop it woke (they often share a
// core) gets there late: a tenth of the time of a lone Produce request.

#include "loop/loop.h"

#include "base/mem.h"
#include "base/vec.h"
#include "loop/pool.h"
#include "os/clock.h"
#include "os/thread.h"
#include "os/wake.h"

#include <assert.h>
#include <stdatomic.h>
#include <unistd.h>
#include <uv.h>

struct loop {
    uv_loop_t uv;
    int wake; // os/wake.h
    uv_poll_t wake_poll;
    uv_timer_t clock;
    struct thread thread;
    struct loops *loops;
    _Atomic(struct post *) posts; // newest first
    _Atomic uintptr_t here;       // pthread_self() of its thread
    VEC(struct timer *) heap;     // heap[0] is due first
    struct post stop;
};

struct loops {
    struct loop *items;
    size_t count;
    struct pool *pool;
};

// --- posts ---

// Posts of this thread between begin and end, for one loop.
static _Thread_local struct {
    unsigned depth; // of begins
    struct loop *loop;
    struct post *newest, *oldest;
} held;

// Puts a chain in front, newest first.
static void push(struct loop *loop, struct post *newest, struct post *oldest)
{
    struct post *head = atomic_load_explicit(&loop->posts, memory_order_relaxed);
    do {
        oldest->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&loop->posts, &head, newest,
                                                    memory_order_release, memory_order_relaxed));
    if (!head)
        wake_send(loop->wake);
}

static void push_held(void)
{
    if (held.newest)
        push(held.loop, held.newest, held.oldest);
    held.newest = held.oldest = NULL;
}

void loop_posts_begin(void)
{
    held.depth++;
}

void loop_posts_end(void)
{
    assert(held.depth > 0);
    if (--held.depth == 0)
        push_held();
}

void loop_post(struct loop *loop, struct post *post, void (*run)(struct post *post))
{
    post->run = run;
    if (held.depth == 0) {
        push(loop, post, post);
        return;
    }
    if (held.loop != loop)
        push_held();
    held.loop = loop;
    post->next = held.newest;
    held.newest = post;
    if (!held.oldest)
        held.oldest = post;
}

static void run_posts(struct loop *loop)
{
    struct post *newest = atomic_exchange_explicit(&loop->posts, NULL, memory_order_acquire);
    struct post *oldest = NULL;
    while (newest) {
        struct post *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct post *next = oldest->next; // run() may free it
        oldest->run(oldest);
        oldest = next;
    }
}

static void on_wake(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct loop *loop = poll->data;
    wake_take(loop->wake);
    run_posts(loop);
}

// --- timers ---

static void place(struct loop *loop, size_t index, struct timer *timer)
{
    loop->heap.items[index] = timer;
    timer->heap_index = index;
}

static void sift_up(struct loop *loop, size_t index)
{
    struct timer *timer = loop->heap.items[index];
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (loop->heap.items[parent]->due_us <= timer->due_us)
            break;
        place(loop, index, loop->heap.items[parent]);
        index = parent;
    }
    place(loop, index, timer);
}

static void sift_down(struct loop *loop, size_t index)
{
    struct timer *timer = loop->heap.items[index];
    for (;;) {
        size_t child = index * 2 + 1;
        if (child >= loop->heap.count)
            break;
        if (child + 1 < loop->heap.count &&
            loop->heap.items[child + 1]->due_us < loop->heap.items[child]->due_us)
            child++;
        if (timer->due_us <= loop->heap.items[child]->due_us)
            break;
        place(loop, index, loop->heap.items[child]);
        index = child;
    }
    place(loop, index, timer);
}

static void run_timers(uv_timer_t *clock);

static void arm(struct loop *loop)
{
    if (loop->heap.count == 0) {
        uv_timer_stop(&loop->clock);
        return;
    }
    int64_t wait_us = loop->heap.items[0]->due_us - clock_mono_us();
    uv_timer_start(&loop->clock, run_timers, wait_us <= 0 ? 0 : (uint64_t)(wait_us + 999) / 1000,
                   0);
}

static void take_out(struct loop *loop, struct timer *timer)
{
    size_t index = timer->heap_index;
    struct timer *last = vec_pop(&loop->heap);
    timer->due_us = 0;
    if (last == timer)
        return;
    place(loop, index, last);
    sift_up(loop, index);
    sift_down(loop, last->heap_index);
}

static void run_timers(uv_timer_t *clock)
{
    struct loop *loop = clock->data;
    int64_t now_us = clock_mono_us();
    while (loop->heap.count > 0 && loop->heap.items[0]->due_us <= now_us) {
        struct timer *timer = loop->heap.items[0];
        take_out(loop, timer);
        timer->fire(timer);
    }
    arm(loop);
}

void timer_init(struct timer *timer, void (*fire)(struct timer *timer))
{
    *timer = (struct timer){.fire = fire};
}

void timer_start(struct loop *loop, struct timer *timer, int64_t after_ms)
{
    assert(loop_is_here(loop));
    timer_stop(timer);
    timer->loop = loop;
    timer->due_us = clock_mono_us() + after_ms * 1000;
    vec_push(&loop->heap, timer);
    sift_up(loop, loop->heap.count - 1);
    if (timer->heap_index == 0)
        arm(loop);
}

void timer_stop(struct timer *timer)
{
    if (timer->due_us == 0)
        return;
    assert(loop_is_here(timer->loop));
    take_out(timer->loop, timer);
}

// --- life ---

static void close_handle(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void loop_main(void *ctx)
{
    struct loop *loop = ctx;
    atomic_store(&loop->here, (uintptr_t)pthread_self());
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    run_posts(loop); // messages that came after the stop
    uv_walk(&loop->uv, close_handle, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    int busy = uv_loop_close(&loop->uv);
    assert(busy == 0);
    (void)busy;
    wake_close(loop->wake);
    vec_release(&loop->heap);
}

static void stop_here(struct post *post)
{
    struct loop *loop = CONTAINER_OF(post, struct loop, stop);
    uv_stop(&loop->uv);
}

static void loop_init(struct loop *loop, struct loops *loops)
{
    loop->loops = loops;
    uv_loop_init(&loop->uv);
    loop->wake = wake_open();
    uv_poll_init(&loop->uv, &loop->wake_poll, loop->wake);
    uv_poll_start(&loop->wake_poll, UV_READABLE, on_wake);
    uv_timer_init(&loop->uv, &loop->clock);
    loop->wake_poll.data = loop;
    loop->clock.data = loop;
}

err_t loops_start(struct loops **out, size_t count, size_t workers, struct diag *diag)
{
    (void)diag;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (cores < 1)
        cores = 1;
    if (count == 0)
        count = cores > 16 ? 16 : (size_t)cores;
    if (workers == 0)
        workers = 4 + (size_t)cores;
    struct loops *loops = MEM_NEW(struct loops);
    loops->items = mem_zalloc(count * sizeof *loops->items);
    loops->count = count;
    loops->pool = pool_new(workers);
    for (size_t i = 0; i < count; i++) {
        loop_init(&loops->items[i], loops);
        thread_start(&loops->items[i].thread, "loop", loop_main, &loops->items[i]);
    }
    *out = loops;
    return ERR_OK;
}

void loops_stop(struct loops *loops)
{
    pool_stop(loops->pool);
    for (size_t i = 0; i < loops->count; i++)
        loop_post(&loops->items[i], &loops->items[i].stop, stop_here);
    for (size_t i = 0; i < loops->count; i++)
        thread_join(&loops->items[i].thread);
    pool_free(loops->pool);
    mem_free(loops->items);
    mem_free(loops);
}

size_t loops_count(const struct loops *loops)
{
    return loops->count;
}

struct loop *loops_at(struct loops *loops, size_t index)
{
    assert(index < loops->count);
    return &loops->items[index];
}

void *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

struct loops *loop_loops(struct loop *loop)
{
    return loop->loops;
}

bool loop_is_here(const struct loop *loop)
{
    return atomic_load_explicit(&loop->here, memory_order_relaxed) == (uintptr_t)pthread_self();
}

void work_submit(struct loops *loops, struct work *work)
{
    pool_submit(loops->pool, work);
}
