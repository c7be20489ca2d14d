// SPDX-License-Identifier: Apache-2.0
//
// Threads are started when there is work and none is idle, up to the limit, so an idle weir has
// few.

#include "loop/pool.h"

#include "base/mem.h"
#include "os/thread.h"

struct pool {
    struct mutex mutex;
    struct cond more;
    struct list queue; // of struct work, by link
    struct thread *threads;
    size_t started;
    size_t limit;
    size_t idle;
    bool stopping;
};

static void run_done(struct post *post)
{
    struct work *work = CONTAINER_OF(post, struct work, post);
    work->done(work);
}

static void finish(struct work *work)
{
    if (!work->done)
        return;
    if (work->loop)
        loop_post(work->loop, &work->post, run_done);
    else
        work->done(work);
}

static void run_one(struct work *work)
{
    void (*done)(struct work *) = work->done; // without done, run() may free the work
    work->run(work);
    if (done)
        finish(work);
}

static void worker(void *ctx)
{
    struct pool *pool = ctx;
    mutex_lock(&pool->mutex);
    for (;;) {
        struct list *link = list_pop_front(&pool->queue);
        if (link) {
            mutex_unlock(&pool->mutex);
            run_one(CONTAINER_OF(link, struct work, link));
            mutex_lock(&pool->mutex);
            continue;
        }
        if (pool->stopping)
            break;
        pool->idle++;
        cond_wait(&pool->more, &pool->mutex);
        pool->idle--;
    }
    mutex_unlock(&pool->mutex);
}

struct pool *pool_new(size_t workers)
{
    struct pool *pool = MEM_NEW(struct pool);
    mutex_init(&pool->mutex);
    cond_init(&pool->more);
    list_init(&pool->queue);
    pool->limit = workers;
    pool->threads = mem_zalloc(workers * sizeof *pool->threads);
    return pool;
}

void pool_submit(struct pool *pool, struct work *work)
{
    mutex_lock(&pool->mutex);
    if (pool->stopping) {
        mutex_unlock(&pool->mutex);
        run_one(work);
        return;
    }
    bool was_empty = list_empty(&pool->queue);
    bool wake = pool->idle > 0;
    list_push_back(&pool->queue, &work->link);
    if ((!wake || !was_empty) && pool->started < pool->limit) {
        thread_start(&pool->threads[pool->started], "worker", worker, pool);
        pool->started++;
        wake = false;
    }
    mutex_unlock(&pool->mutex);
    if (wake) // after the unlock: the woken worker would wait for the mutex otherwise
        cond_signal(&pool->more);
}

void pool_stop(struct pool *pool)
{
    mutex_lock(&pool->mutex);
    pool->stopping = true;
    cond_broadcast(&pool->more);
    mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < pool->started; i++)
        thread_join(&pool->threads[i]);
}

void pool_free(struct pool *pool)
{
    cond_release(&pool->more);
    mutex_release(&pool->mutex);
    mem_free(pool->threads);
    mem_free(pool);
}
