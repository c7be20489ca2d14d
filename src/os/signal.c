// SPDX-License-Identifier: Apache-2.0
#include "os/signal.h"

#include "os/thread.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

static void stop_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
}

void signal_block(void)
{
    sigset_t set;
    stop_signals(&set);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

int signal_wait(int64_t max_ms)
{
    sigset_t set;
    struct timespec left = {.tv_sec = max_ms / 1000, .tv_nsec = max_ms % 1000 * 1000000};
    stop_signals(&set);
    sigaddset(&set, SIGHUP);
    int number = sigtimedwait(&set, NULL, &left);
    return number > 0 ? number : 0;
}

bool signal_is_reload(int number)
{
    return number == SIGHUP;
}

enum { STEP_MS = 100 };

static int64_t exit_after_ms;

static void exit_late(void *ctx)
{
    (void)ctx;
    sigset_t set;
    stop_signals(&set);
    // Step by step: what the whole process stood still for is not taken off its time.
    struct timespec step = {.tv_nsec = STEP_MS * 1000000};
    for (int64_t left_ms = exit_after_ms; left_ms > 0; left_ms -= STEP_MS) {
        if (sigtimedwait(&set, NULL, &step) > 0)
            break;
    }
    _exit(0);
}

void signal_exit_after(int64_t ms)
{
    static struct thread thread; // never joined: it dies with the process
    exit_after_ms = ms;
    thread_start(&thread, "stop-limit", exit_late, NULL);
}
