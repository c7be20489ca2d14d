// SPDX-License-Identifier: Apache-2.0
//
// A child process appends from several threads and tells every acknowledgement through a pipe; it
// is killed after a random number of them, again and again on the same folder. What it told must be
// there, once, in order.
#include "store/log/crash_test_util.h"

enum { ROUNDS = 20, PRODUCERS = 4, PARTITIONS = 2 };

static void produce(void *ctx)
{
    struct crash_producer *self = ctx;
    struct partition *partition = topic_partition(self->topic, self->producer % PARTITIONS);
    struct batch_spec spec;
    do {
        spec = (struct batch_spec){.count = 1,
                                   .producer_id = 1000 + self->producer,
                                   .sequence = self->sequence,
                                   .value_bytes = 1 + (size_t)(self->sequence * 131 % 3000)};
    } while (tell_ack(self, put(partition, spec)));
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
            if (acks[ack].producer % PARTITIONS == p)
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
    const struct crash crash = {.dir = dir,
                                .options = {.sync = true, .segment_bytes = 100000},
                                .producers = PRODUCERS,
                                .sequences = sequences,
                                .produce = produce,
                                .acks_max = 150};
    struct acks acks = {0};
    for (int round = 0; round < ROUNDS; round++) {
        crash_once(&crash, &acks);
        store = open_store(dir, crash.options);
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
