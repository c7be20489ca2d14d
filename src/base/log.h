// SPDX-License-Identifier: Apache-2.0
//
// log: one logfmt line per event: time, level, module, event words, then key=value pairs.
//
//     LOG_INFO("store/log", "cut a torn tail", "topic=%s partition=%d bytes=%zu", ...);
//
// A client's mistake is info, not error. Each call site may write 20 lines a second; what it
// swallows is counted in the next line it writes. What is not printable in the values (they may be
// a client's) becomes '?'. Any thread.
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level {
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO,
    LOG_LEVEL_WARN,
    LOG_LEVEL_ERROR,
};

struct log_site { // one per call site, zero at start
    _Atomic int64_t window_s;
    _Atomic int count;
};

void log_write(struct log_site *site, enum log_level level, const char *module, const char *event,
               const char *format, ...) __attribute__((format(printf, 5, 6)));
void log_set_level(enum log_level level); // default LOG_LEVEL_INFO
enum log_level log_get_level(void);
// For a person at a terminal: "09:31:29 scheduler    run started: dag=users" instead of logfmt.
void log_set_plain(bool plain);
// Where lines go: a file descriptor, default 2. The caller keeps it open.
void log_set_fd(int fd);

#define LOG__AT(level, module, event, ...)                              \
    do {                                                                \
        static struct log_site log_site_;                               \
        log_write(&log_site_, (level), (module), (event), __VA_ARGS__); \
    } while (0)

// The last arguments are a printf format and its values; "%s", "" when there are none.
#define LOG_DEBUG(module, event, ...) LOG__AT(LOG_LEVEL_DEBUG, module, event, __VA_ARGS__)
#define LOG_INFO(module, event, ...)  LOG__AT(LOG_LEVEL_INFO, module, event, __VA_ARGS__)
#define LOG_WARN(module, event, ...)  LOG__AT(LOG_LEVEL_WARN, module, event, __VA_ARGS__)
#define LOG_ERROR(module, event, ...) LOG__AT(LOG_LEVEL_ERROR, module, event, __VA_ARGS__)

#endif
