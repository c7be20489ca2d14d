// SPDX-License-Identifier: Apache-2.0
#include "store/log/sync_pool.h"

void sync_pool_init(struct sync_pool *pool)
{
    *pool = (struct sync_pool){0};
    mutex_init(&pool->mutex);
    cond_init(&pool->wake);
    cond_init(&pool->done);
}

// Takes indexes until there are none. With the mutex, which is free while run() is in.
static void take_all(struct sync_pool *pool)
{
    while (pool->next < pool->count) {
        size_t index = pool->next++;
        mutex_unlock(&pool->mutex);
        pool->run(pool->ctx, index);
        mutex_lock(&pool->mutex);
        if (++pool->finished == pool->count)
            cond_signal(&pool->done);
    }
}

static void pool_main(void *ctx)
{
    struct sync_pool *pool = ctx;
    mutex_lock(&pool->mutex);
    while (!pool->stop) {
        take_all(pool);
        cond_wait(&pool->wake, &pool->mutex);
    }
    mutex_unlock(&pool->mutex);
}

void sync_pool_run(struct sync_pool *pool, size_t count, void (*run)(void *ctx, size_t index),
                   void *ctx)
{
    if (count == 0)
        return;
    if (count == 1) {
        run(ctx, 0);
        return;
    }
    mutex_lock(&pool->mutex);
    pool->run = run;
    pool->ctx = ctx;
    pool->next = pool->finished = 0;
    pool->count = count;
    if (!pool->started) {
        pool->started = true;
        for (int i = 0; i < SYNC_POOL_THREADS; i++)
            thread_start(&pool->threads[i], "log sync", pool_main, pool);
    }
    cond_broadcast(&pool->wake);
    take_all(pool);
    while (pool->finished < pool->count)
        cond_wait(&pool->done, &pool->mutex);
    mutex_unlock(&pool->mutex);
}

void sync_pool_release(struct sync_pool *pool)
{
    mutex_lock(&pool->mutex);
    pool->stop = true;
    cond_broadcast(&pool->wake);
    mutex_unlock(&pool->mutex);
    for (int i = 0; pool->started && i < SYNC_POOL_THREADS; i++)
        thread_join(&pool->threads[i]);
    cond_release(&pool->wake);
    cond_release(&pool->done);
    mutex_release(&pool->mutex);
}
