// SPDX-License-Identifier: Apache-2.0
//
// pool: the worker threads behind work_submit(). Private to loop/.
#ifndef LOOP_POOL_H
#define LOOP_POOL_H

#include "loop/loop.h"

struct pool;

struct pool *pool_new(size_t workers);
void pool_submit(struct pool *pool, struct work *work); // any thread
// Runs what is queued, then joins the workers. Later submissions run on the caller. BLOCKS
void pool_stop(struct pool *pool);
void pool_free(struct pool *pool);

#endif
