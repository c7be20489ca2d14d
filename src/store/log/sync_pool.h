// SPDX-License-Identifier: Apache-2.0
//
// sync_pool: runs one call per file on several threads, because syncs of several files share a
// journal commit when they wait for it together and each cost one when they come one by one.
//
// Thread     sync_pool_run() from one thread at a time; it takes part in the work and returns when
//            all is done.
#ifndef STORE_LOG_SYNC_POOL_H
#define STORE_LOG_SYNC_POOL_H

#include "os/thread.h"

#include <stddef.h>

enum { SYNC_POOL_THREADS = 7 };

struct sync_pool {
    struct mutex mutex;
    struct cond wake;
    struct cond done;
    void (*run)(void *ctx, size_t index);
    void *ctx;
    size_t next;
    size_t count;
    size_t finished;
    bool stop;
    bool started; // the threads are made by the first run that has use for them
    struct thread threads[SYNC_POOL_THREADS];
};

void sync_pool_init(struct sync_pool *pool);
void sync_pool_release(struct sync_pool *pool);
// run(ctx, 0) to run(ctx, count - 1), in any order and at once. BLOCKS
void sync_pool_run(struct sync_pool *pool, size_t count, void (*run)(void *ctx, size_t index),
                   void *ctx);

#endif
