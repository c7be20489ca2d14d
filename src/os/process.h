// SPDX-License-Identifier: Apache-2.0
//
// process: a child program in a process group of its own, its stdin empty, its stdout and stderr
// read by the one who waits. The child dies with us, even on kill -9.
//
// Thread     one thread spawns, waits, stops and closes; process_cancel() from any.
// Blocking   all but process_cancel() BLOCK.
// Errors     ERR_NOT_FOUND (no such program or folder), ERR_TIMEOUT, ERR_CANCELLED, ERR_IO.
#ifndef OS_PROCESS_H
#define OS_PROCESS_H

#include "base/bytes.h"
#include "base/diag.h"

#include <stdbool.h>
#include <stdint.h>

struct process;

struct process_options {
    const char *const *argv;        // NULL-terminated; argv[0] is looked up in PATH
    const char *const *environment; // "NAME=value" added to ours, NULL-terminated; may be NULL
    bool environment_only;          // nothing of ours but PATH
    const char *cwd;                // NULL = ours
    // Takes what the child writes, on the thread that waits.
    void (*output)(struct bytes bytes, void *ctx);
    void *ctx;
};

struct process_exit {
    int code;   // -1 when a signal ended it
    int signal; // 0 = it exited by itself
};

MUST_USE err_t process_spawn(struct process **out, const struct process_options *options,
                             struct diag *diag);
// Passes output on until the child ends. ERR_TIMEOUT after `timeout_ms` (0 = never), ERR_CANCELLED
// after process_cancel(): then the child still runs.
MUST_USE err_t process_wait(struct process *process, int64_t timeout_ms, struct process_exit *out,
                            struct diag *diag);
void process_cancel(struct process *process);
// Asks the whole group to end (TERM), gives it `grace_ms`, then kills it.
void process_stop(struct process *process, int64_t grace_ms);
void process_close(struct process *process); // kills what still runs; NULL is fine

int64_t process_pid(const struct process *process);
// A random number that the child and all it starts carry in their environment (WEIR_PROCESS):
// together with the pid it names them for ever, also after a reboot.
int64_t process_token(const struct process *process);
// Kills what is left of the group of a process of an earlier life. True if there was anything.
bool process_kill_leftover(int64_t pid, int64_t token);
bool process_exists(int64_t pid); // and is no zombie

#endif
