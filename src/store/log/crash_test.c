// SPDX-License-Identifier: Apache-2.0
//
// A child process appends from several threads and tells every acknowledgement through a pipe; it
// is killed after a random number of them, again and again on the same folder. What it told must be
// there, once, in order.
#include "store/log/log_test_util.h"

#include <signal.h>
#include <sys/wait.h>

enum { ROUNDS = 20, PRODUCERS = 4, PARTITIONS = 2 };

struct ack {
    int32_t partition;
    int32_t producer;
    int32_t sequence;
    int64_t offset;
};

struct child {
    struct thread thread;
    struct topic *topic;
    int pipe_fd;
    int producer;
    int32_t sequence;
};

static void produce(void *ctx)
{
    struct child *child = ctx;
    struct partition *partition = topic_partition(child->topic, child->producer % PARTITIONS);
    for (;;) {
        struct batch_spec spec = {.count = 1,
                                  .producer_id = 1000 + child->producer,
                                  .sequence = child->sequence,
                                  .value_bytes = 1 + (size_t)(child->sequence * 131 % 3000)};
        struct ack ack = {.partition = child->producer % PARTITIONS,
                          .producer = child->producer,
                          .sequence = child->sequence++,
                          .offset = put(partition, spec)};
        if (write(child->pipe_fd, &ack, sizeof ack) != sizeof ack)
            return;
    }
}

static void checkpoint_often(struct log_store *store)
{
    for (;;)
        MUST(checkpoint_write(store, false, &diag));
}

static void run_child(const char *dir, int pipe_fd, const int32_t *sequences)
{
    struct log_store *store =
        open_store(dir, (struct log_store_options){.sync = true, .segment_bytes = 100000});
    struct topic *topic = log_store_topic(store, bytes_from("a"));
    struct child children[PRODUCERS];
    for (int i = 0; i < PRODUCERS; i++) {
        children[i] = (struct child){
            .topic = topic, .pipe_fd = pipe_fd, .producer = i, .sequence = sequences[i]};
        thread_start(&children[i].thread, "producer", produce, &children[i]);
    }
    checkpoint_often(store);
}

// What each producer has in the log: its sequences, without holes or repeats. Tells the next one of
// each.
static void check_log(struct topic *topic, const struct ack *acks, size_t ack_count,
                      int32_t *sequences)
{
    int32_t expected[PRODUCERS] = {0};
    for (int32_t p = 0; p < PARTITIONS; p++) {
        struct partition *partition = topic_partition(topic, p);
        int64_t next = 0, end = partition_offsets(partition).end;
        size_t ack = 0;
        while (next < end) {
            struct buf *buf = NULL;
            MUST(partition_read(partition, next, 1 << 20, &buf, &diag));
            struct reader reader = reader_make(buf_bytes(buf));
            struct bytes batch;
            while (record_batch_next(&reader, &batch)) {
                struct batch_header header;
                assert_true(batch_header_read(&header, batch) && batch_crc_ok(batch));
                assert_int_equal(header.base_offset, next);
                int producer = (int)header.producer_id - 1000;
                assert_int_equal(header.base_sequence, expected[producer]);
                expected[producer]++;
                next++;
            }
            buf_unref(buf);
        }
        for (; ack < ack_count; ack++)
            if (acks[ack].partition == p)
                assert_true(acks[ack].offset < end &&
                            acks[ack].sequence < expected[acks[ack].producer]);
    }
    memcpy(sequences, expected, sizeof expected);
}

static void what_was_acknowledged_is_there_after_every_kill(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, (struct log_store_options){.sync = true});
    struct topic *topic;
    MUST(log_store_create_topic(store, "a", PARTITIONS, NULL, 0, &topic, &diag));
    topic_unref(topic);
    log_store_close(store);
    int32_t sequences[PRODUCERS] = {0};
    struct {
        VEC(struct ack) all;
    } acks = {0};
    for (int round = 0; round < ROUNDS; round++) {
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        if (pid == 0) {
            close(fds[0]);
            run_child(dir, fds[1], sequences);
        }
        close(fds[1]);
        struct ack ack;
        for (uint64_t left = 1 + random_u64() % 150; left > 0; left--) {
            assert_int_equal(read(fds[0], &ack, sizeof ack), sizeof ack);
            vec_push(&acks.all, ack);
        }
        kill(pid, SIGKILL);
        while (read(fds[0], &ack, sizeof ack) == sizeof ack)
            vec_push(&acks.all, ack);
        close(fds[0]);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        store = open_store(dir, (struct log_store_options){.sync = true, .segment_bytes = 100000});
        topic = log_store_topic(store, bytes_from("a"));
        check_log(topic, acks.all.items, acks.all.count, sequences);
        topic_unref(topic);
        log_store_close(store);
    }
    vec_release(&acks.all);
    remove_dir(dir);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_acknowledged_is_there_after_every_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
