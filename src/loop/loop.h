// SPDX-License-Identifier: Apache-2.0
//
// loop: event loops on libuv, one thread each, and the pool of worker threads beside them.
//
// A connection lives on one loop for life. Anything that may block (fdatasync, RocksDB, file reads,
// DNS, running queries, child processes) is a `struct work` on the pool; its `done` comes back to
// the loop it names.
//
// Thread     functions marked LOOP are called on that loop's thread only (asserted); the rest on
// any. Not here   sockets (net/).
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include "base/diag.h"
#include "base/list.h"

#include <stddef.h>
#include <stdint.h>

struct loop;
struct loops;

// Starts `count` loop threads (0 = one per core, at most 16) and `workers` worker threads (0 = 4 +
// cores).
MUST_USE err_t loops_start(struct loops **out, size_t count, size_t workers, struct diag *diag);
// Stops taking new work, lets queued work finish and its callbacks run, joins all threads, frees.
void loops_stop(struct loops *loops);
size_t loops_count(const struct loops *loops);
struct loop *loops_at(struct loops *loops, size_t index);

// The libuv loop (uv_loop_t *), for net/. LOOP
void *loop_uv(struct loop *loop);
struct loops *loop_loops(struct loop *loop);
bool loop_is_here(const struct loop *loop); // is this its thread?

// A message to a loop: the caller owns the memory until run() is called. Order between two posts of
// one thread is kept. Posts of one turn are run as one batch.
struct post {
    void (*run)(struct post *post);
    struct post *next; // private
};
void loop_post(struct loop *loop, struct post *post, void (*run)(struct post *post));
// What this thread posts in between waits for the end and then wakes each loop once, so that a
// loop gets the outcomes of one round as one batch. May be nested; do not block in between.
void loop_posts_begin(void);
void loop_posts_end(void);

// One-shot timers. LOOP
struct timer {
    struct list link;
    int64_t due_us; // clock_mono_us(), 0 = not armed
    void (*fire)(struct timer *timer);
    size_t heap_index; // private
    struct loop *loop;
};
void timer_init(struct timer *timer, void (*fire)(struct timer *timer));
void timer_start(struct loop *loop, struct timer *timer, int64_t after_ms); // re-arms; LOOP
void timer_stop(struct timer *timer);                                       // LOOP

// Work for the pool: run() on a worker, then done() on `loop` (or on the worker when loop is NULL).
// First in, first out. The caller owns the memory until done() has been called.
struct work {
    void (*run)(struct work *work);
    void (*done)(struct work *work); // may be NULL
    struct loop *loop;
    struct post post; // private
    struct list link; // private
};
void work_submit(struct loops *loops, struct work *work);

#endif
