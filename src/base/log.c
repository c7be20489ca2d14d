// SPDX-License-Identifier: Apache-2.0
//
// Takes the wall clock itself: a log line tells when it was written, also in a simulated run.

#include "base/log.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINES_PER_SECOND 20

static _Atomic int level_now = LOG_LEVEL_INFO;
static _Atomic int fd_now = 2;
static _Atomic bool plain_now;

void log_set_level(enum log_level level)
{
    atomic_store(&level_now, level);
}

enum log_level log_get_level(void)
{
    return (enum log_level)atomic_load(&level_now);
}

void log_set_plain(bool plain)
{
    atomic_store(&plain_now, plain);
}

// The line up to the event's keys.
static size_t begin_line(char *line, size_t size, const struct timespec *now, enum log_level level,
                         const char *module, const char *event)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    struct tm at;
    if (atomic_load(&plain_now)) {
        localtime_r(&now->tv_sec, &at);
        size_t used = strftime(line, size, "%H:%M:%S", &at);
        return used + (size_t)snprintf(line + used, size - used,
                                       " %s%-10s %s: ", level >= LOG_LEVEL_WARN ? "! " : "", module,
                                       event);
    }
    gmtime_r(&now->tv_sec, &at);
    size_t used = strftime(line, size, "time=%Y-%m-%dT%H:%M:%S", &at);
    return used + (size_t)snprintf(line + used, size - used,
                                   ".%03ldZ level=%s module=%s event=\"%s\" ",
                                   now->tv_nsec / 1000000, names[level], module, event);
}

// Names come from clients: none may begin a line of its own, or talk to the terminal.
static void make_printable(char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t length;
        uint32_t code = utf8_decode((const uint8_t *)text + at, size - at, &length);
        bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
        bool broken = code == 0xfffd && length == 1;
        if (control || broken)
            memset(text + at, '?', length);
        at += length;
    }
}

void log_set_fd(int fd)
{
    atomic_store(&fd_now, fd);
}

void log_write(struct log_site *site, enum log_level level, const char *module, const char *event,
               const char *format, ...)
{
    if ((int)level < atomic_load(&level_now))
        return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int swallowed = 0;
    if (atomic_exchange(&site->window_s, now.tv_sec) != now.tv_sec) {
        swallowed = atomic_exchange(&site->count, 1) - LINES_PER_SECOND;
    } else if (atomic_fetch_add(&site->count, 1) >= LINES_PER_SECOND) {
        return;
    }
    char line[2048];
    size_t used = begin_line(line, sizeof line, &now, level, module, event);
    va_list args;
    va_start(args, format);
    int more = vsnprintf(line + used, sizeof line - used, format, args);
    va_end(args);
    size_t keys_at = used;
    used += more > 0 ? (size_t)more : 0;
    if (used > sizeof line - 40)
        used = sizeof line - 40;
    make_printable(line + keys_at, used - keys_at);
    if (swallowed > 0)
        used += (size_t)snprintf(line + used, sizeof line - used, " swallowed=%d", swallowed);
    line[used++] = '\n';
    ssize_t written = write(atomic_load(&fd_now), line, used);
    (void)written; // nowhere left to complain
}
