// SPDX-License-Identifier: Apache-2.0
#include "os/thread.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void must(int result, const char *what)
{
    if (result == 0)
        return;
    fprintf(stderr, "weir: %s failed: %d\n", what, result);
    abort();
}

void mutex_init(struct mutex *mutex)
{
    must(pthread_mutex_init(&mutex->lock, NULL), "pthread_mutex_init");
    atomic_init(&mutex->owner, 0);
}

void mutex_release(struct mutex *mutex)
{
    pthread_mutex_destroy(&mutex->lock);
}

void mutex_lock(struct mutex *mutex)
{
    must(pthread_mutex_lock(&mutex->lock), "pthread_mutex_lock");
    atomic_store_explicit(&mutex->owner, (uintptr_t)pthread_self(), memory_order_relaxed);
}

void mutex_unlock(struct mutex *mutex)
{
    atomic_store_explicit(&mutex->owner, 0, memory_order_relaxed);
    must(pthread_mutex_unlock(&mutex->lock), "pthread_mutex_unlock");
}

bool mutex_held(struct mutex *mutex)
{
    return atomic_load_explicit(&mutex->owner, memory_order_relaxed) == (uintptr_t)pthread_self();
}

void cond_init(struct cond *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    must(pthread_cond_init(&cond->cond, &attr), "pthread_cond_init");
    pthread_condattr_destroy(&attr);
}

void cond_release(struct cond *cond)
{
    pthread_cond_destroy(&cond->cond);
}

static void waited(struct mutex *mutex)
{
    atomic_store_explicit(&mutex->owner, (uintptr_t)pthread_self(), memory_order_relaxed);
}

void cond_wait(struct cond *cond, struct mutex *mutex)
{
    atomic_store_explicit(&mutex->owner, 0, memory_order_relaxed);
    must(pthread_cond_wait(&cond->cond, &mutex->lock), "pthread_cond_wait");
    waited(mutex);
}

bool cond_wait_for(struct cond *cond, struct mutex *mutex, int64_t timeout_us)
{
    if (timeout_us < 0)
        timeout_us = 0;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_us / 1000000;
    until.tv_nsec += timeout_us % 1000000 * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    atomic_store_explicit(&mutex->owner, 0, memory_order_relaxed);
    int result = pthread_cond_timedwait(&cond->cond, &mutex->lock, &until);
    waited(mutex);
    if (result == ETIMEDOUT)
        return false;
    must(result, "pthread_cond_timedwait");
    return true;
}

void cond_signal(struct cond *cond)
{
    pthread_cond_signal(&cond->cond);
}

void cond_broadcast(struct cond *cond)
{
    pthread_cond_broadcast(&cond->cond);
}

struct start {
    void (*run)(void *ctx);
    void *ctx;
};

static void *trampoline(void *arg)
{
    struct start start = *(struct start *)arg;
    mem_free(arg);
    start.run(start.ctx);
    return NULL;
}

void thread_start(struct thread *thread, const char *name, void (*run)(void *ctx), void *ctx)
{
    struct start *start = MEM_NEW(struct start);
    *start = (struct start){.run = run, .ctx = ctx};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    must(pthread_create(&thread->id, NULL, trampoline, start), "pthread_create");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_setname_np(thread->id, name);
}

void thread_join(struct thread *thread)
{
    must(pthread_join(thread->id, NULL), "pthread_join");
}
