// SPDX-License-Identifier: Apache-2.0
//
// thread: POSIX threads behind short names; a mutex knows who holds it, so it can be asserted.
#ifndef OS_THREAD_H
#define OS_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct mutex {
    pthread_mutex_t lock;
    _Atomic uintptr_t owner; // pthread_self() of the holder, 0 if free
};

void mutex_init(struct mutex *mutex);
void mutex_release(struct mutex *mutex);
void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
bool mutex_held(struct mutex *mutex); // by this thread; for assert()

struct cond {
    pthread_cond_t cond;
};

void cond_init(struct cond *cond);
void cond_release(struct cond *cond);
void cond_wait(struct cond *cond, struct mutex *mutex);
// False when `timeout_us` of real time passed first.
bool cond_wait_for(struct cond *cond, struct mutex *mutex, int64_t timeout_us);
void cond_signal(struct cond *cond);
void cond_broadcast(struct cond *cond);

struct thread {
    pthread_t id;
};

// Signals are blocked in the new thread; `name` (<= 15 bytes) shows in top and gdb.
void thread_start(struct thread *thread, const char *name, void (*run)(void *ctx), void *ctx);
void thread_join(struct thread *thread);

#endif
