// SPDX-License-Identifier: Apache-2.0
//
// jitter: a library to preload (tools/jitter.sh). Around locks and system calls a thread now and
// then stands still for some milliseconds, so that what may happen between two of them does happen.
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { MOST_US = 15000, LONG_ONE_IN = 8, LONG_FACTOR = 8 };
enum { LOCK_ONE_IN = 1500, CALL_ONE_IN = 150 };

static _Thread_local uint64_t state;

static void stall(unsigned one_in)
{
    if (state == 0) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        state = (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u ^ (uintptr_t)&state;
    }
    state ^= state << 13; // xorshift64 (Marsaglia, 2003)
    state ^= state >> 7;
    state ^= state << 17;
    if ((state >> 11) % one_in != 0)
        return;
    uint64_t us = (state >> 33) % MOST_US * ((state >> 22) % LONG_ONE_IN == 0 ? LONG_FACTOR : 1);
    nanosleep(&(struct timespec){.tv_nsec = (long)us * 1000}, NULL);
}

// POSIX: what dlsym() gives may be stored in a pointer to a function through a void **.
#define NEXT(result, name, parameters) \
    static result(*next) parameters;   \
    find((void **)&next, name)

static void find(void **function, const char *name)
{
    if (!*function)
        *function = dlsym(RTLD_NEXT, name);
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    NEXT(int, "pthread_mutex_lock", (pthread_mutex_t *));
    stall(LOCK_ONE_IN);
    return next(mutex);
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    NEXT(int, "pthread_mutex_unlock", (pthread_mutex_t *));
    int result = next(mutex);
    stall(LOCK_ONE_IN);
    return result;
}

int epoll_wait(int fd, struct epoll_event *events, int count, int timeout_ms)
{
    NEXT(int, "epoll_wait", (int, struct epoll_event *, int, int));
    int result = next(fd, events, count, timeout_ms);
    stall(CALL_ONE_IN);
    return result;
}

int epoll_pwait(int fd, struct epoll_event *events, int count, int timeout_ms, const sigset_t *mask)
{
    NEXT(int, "epoll_pwait", (int, struct epoll_event *, int, int, const sigset_t *));
    int result = next(fd, events, count, timeout_ms, mask);
    stall(CALL_ONE_IN);
    return result;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    NEXT(ssize_t, "write", (int, const void *, size_t));
    stall(CALL_ONE_IN);
    return next(fd, bytes, size);
}

ssize_t read(int fd, void *bytes, size_t size)
{
    NEXT(ssize_t, "read", (int, void *, size_t));
    stall(CALL_ONE_IN);
    return next(fd, bytes, size);
}

ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
    NEXT(ssize_t, "recv", (int, void *, size_t, int));
    stall(CALL_ONE_IN);
    return next(fd, bytes, size, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    NEXT(ssize_t, "sendmsg", (int, const struct msghdr *, int));
    stall(CALL_ONE_IN);
    return next(fd, message, flags);
}

int fdatasync(int fd)
{
    NEXT(int, "fdatasync", (int));
    stall(CALL_ONE_IN);
    int result = next(fd);
    stall(CALL_ONE_IN);
    return result;
}

// Between fork and exec.
int dup2(int old, int fd)
{
    NEXT(int, "dup2", (int, int));
    stall(CALL_ONE_IN / 10);
    return next(old, fd);
}

int close(int fd)
{
    NEXT(int, "close", (int));
    int result = next(fd);
    stall(CALL_ONE_IN);
    return result;
}

__attribute__((constructor)) static void begin(void)
{
    if (!getenv("JITTER_ALL"))
        unsetenv("LD_PRELOAD"); // the tasks that weir runs are not meant
}
