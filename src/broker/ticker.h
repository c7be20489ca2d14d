// SPDX-License-Identifier: Apache-2.0
//
// ticker: a look at things now and then on a loop: every `period_ms` while there is something to
// look after, seldom when there is not.
//
// Lifetime   ticker_stop() before ticker_release(); one that nobody ever woke need not be stopped.
// Thread     any, but for `look`, which runs on the loop. ticker_wake() may be called with other
//            locks held: it takes only its own, a leaf.
// Blocking   ticker_stop() waits for a look that runs, so not from the loop.
#ifndef BROKER_TICKER_H
#define BROKER_TICKER_H

#include "loop/loop.h"
#include "os/thread.h"

struct ticker {
    struct loop *loop;
    int64_t period_ms;
    // Milliseconds until the next look; period_ms or less: there is something to look after.
    int64_t (*look)(struct ticker *ticker);
    struct timer timer;
    struct post start, stop;
    struct mutex lock;
    struct cond changed;
    bool starting; // `start` is on its way
    bool stopping, stopped;
    _Atomic bool soon; // a look is to come within the period
};

void ticker_init(struct ticker *ticker, struct loop *loop, int64_t period_ms,
                 int64_t (*look)(struct ticker *ticker));
void ticker_wake(struct ticker *ticker); // there is something to look after; nothing once it stops
void ticker_stop(struct ticker *ticker); // no look runs or will
void ticker_release(struct ticker *ticker);

#endif
