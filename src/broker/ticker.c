// SPDX-License-Identifier: Apache-2.0
#include "broker/ticker.h"

#include <stdatomic.h>

static void fire(struct timer *timer)
{
    struct ticker *ticker = CONTAINER_OF(timer, struct ticker, timer);
    ticker->soon = false; // who wakes it from now on may not be seen by this look
    int64_t next_ms = ticker->look(ticker);
    if (next_ms > ticker->period_ms || !atomic_exchange(&ticker->soon, true))
        timer_start(ticker->loop, timer, next_ms);
}

static void start(struct post *post)
{
    struct ticker *ticker = CONTAINER_OF(post, struct ticker, start);
    mutex_lock(&ticker->lock);
    if (!ticker->stopping)
        timer_start(ticker->loop, &ticker->timer, ticker->period_ms);
    ticker->starting = false;
    cond_broadcast(&ticker->changed);
    mutex_unlock(&ticker->lock);
}

static void stop(struct post *post)
{
    struct ticker *ticker = CONTAINER_OF(post, struct ticker, stop);
    timer_stop(&ticker->timer);
    mutex_lock(&ticker->lock);
    ticker->stopped = true;
    cond_broadcast(&ticker->changed);
    mutex_unlock(&ticker->lock);
}

void ticker_init(struct ticker *ticker, struct loop *loop, int64_t period_ms,
                 int64_t (*look)(struct ticker *ticker))
{
    *ticker = (struct ticker){.loop = loop, .period_ms = period_ms, .look = look};
    timer_init(&ticker->timer, fire);
    mutex_init(&ticker->lock);
    cond_init(&ticker->changed);
}

void ticker_wake(struct ticker *ticker)
{
    if (ticker->soon)
        return;
    mutex_lock(&ticker->lock);
    bool starts = !ticker->stopping && !ticker->starting;
    if (starts) {
        ticker->starting = true;
        ticker->soon = true;
    }
    mutex_unlock(&ticker->lock);
    if (starts) // the stop waits for it
        loop_post(ticker->loop, &ticker->start, start);
}

void ticker_stop(struct ticker *ticker)
{
    mutex_lock(&ticker->lock);
    ticker->stopping = true;
    mutex_unlock(&ticker->lock);
    loop_post(ticker->loop, &ticker->stop, stop);
    mutex_lock(&ticker->lock);
    while (!ticker->stopped || ticker->starting)
        cond_wait(&ticker->changed, &ticker->lock);
    mutex_unlock(&ticker->lock);
}

void ticker_release(struct ticker *ticker)
{
    mutex_release(&ticker->lock);
    cond_release(&ticker->changed);
}
