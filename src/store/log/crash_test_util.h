// SPDX-License-Identifier: Apache-2.0
//
// crash_test_util: a child process in which producers append and tell every acknowledgement through
// a pipe, until it is killed.
#ifndef STORE_LOG_CRASH_TEST_UTIL_H
#define STORE_LOG_CRASH_TEST_UTIL_H

#include "store/log/log_test_util.h"

#include <signal.h>
#include <sys/wait.h>

struct ack {
    int32_t producer;
    int32_t sequence;
    int64_t offset;
};

struct acks {
    VEC(struct ack) all;
};

struct crash_producer { // a thread of the child
    struct thread thread;
    struct topic *topic; // "a"
    int pipe_fd;
    int producer;
    int32_t sequence;
};

struct crash {
    const char *dir;
    struct log_store_options options;
    int producers;
    const int32_t *sequences;   // each one's first
    void (*produce)(void *ctx); // of a struct crash_producer; returns when tell_ack() is false
    uint64_t acks_max;          // it is killed after up to so many
};

// The producer goes on behind it; false when nobody listens any more.
static inline bool tell_ack(struct crash_producer *self, int64_t offset)
{
    struct ack ack = {self->producer, self->sequence++, offset};
    return write(self->pipe_fd, &ack, sizeof ack) == sizeof ack;
}

static inline void crash_child(const struct crash *crash, int pipe_fd)
{
    struct log_store *store = open_store(crash->dir, crash->options);
    struct topic *topic = log_store_topic(store, bytes_from("a"));
    struct crash_producer *producers =
        mem_alloc((size_t)crash->producers * sizeof(struct crash_producer));
    for (int i = 0; i < crash->producers; i++) {
        producers[i] = (struct crash_producer){
            .topic = topic, .pipe_fd = pipe_fd, .producer = i, .sequence = crash->sequences[i]};
        thread_start(&producers[i].thread, "producer", crash->produce, &producers[i]);
    }
    for (;;) // all the time, so that kills meet it
        MUST(checkpoint_write(store, false, &diag));
}

// One life of the child. Adds what it told.
static inline void crash_once(const struct crash *crash, struct acks *acks)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        crash_child(crash, fds[1]);
    }
    close(fds[1]);
    struct ack ack;
    for (uint64_t left = 1 + random_u64() % crash->acks_max; left > 0; left--) {
        assert_int_equal(read(fds[0], &ack, sizeof ack), sizeof ack);
        vec_push(&acks->all, ack);
    }
    kill(pid, SIGKILL);
    while (read(fds[0], &ack, sizeof ack) == sizeof ack)
        vec_push(&acks->all, ack);
    close(fds[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

#endif
