// SPDX-License-Identifier: Apache-2.0
#include "os/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

static _Atomic bool simulated;
static _Atomic int64_t simulated_us;

static int64_t read_clock(clockid_t id)
{
    if (atomic_load_explicit(&simulated, memory_order_relaxed))
        return atomic_load(&simulated_us);
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_now_ms(void)
{
    return clock_now_us() / 1000;
}

int64_t clock_mono_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void clock_simulate(int64_t now_us)
{
    atomic_store(&simulated_us, now_us);
    atomic_store(&simulated, true);
}

void clock_advance(int64_t by_us)
{
    atomic_fetch_add(&simulated_us, by_us);
}

void clock_real(void)
{
    atomic_store(&simulated, false);
}

void clock_sleep_us(int64_t us)
{
    struct timespec left = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}
