// SPDX-License-Identifier: Apache-2.0
//
// A child process appends keyed records from two idempotent producers while its cleaner runs all
// the time; it is killed at some moment, again and again on the same folder. Of each key the newest
// acknowledged record, or a newer one, must be there, at the offset that was told; nothing else
// than what was sent; and the producers go on with their sequences.
#include "store/log/crash_test_util.h"

enum { ROUNDS = 12, PRODUCERS = 2, KEYS = 30, RECORDS_MAX = 1 << 20 };

static const struct log_store_options eager = {.sync = true, .cleaner_ms = 1};

static int key_of(int32_t sequence)
{
    return (int)(hash_u64((uint64_t)sequence) % KEYS);
}

static struct buf *make_record(int producer, int32_t sequence)
{
    struct record_builder builder = {.codec = sequence % 3 == 0 ? BATCH_LZ4 : BATCH_NONE};
    char key[40], value[100];
    snprintf(key, sizeof key, "%d.%d", producer, key_of(sequence));
    snprintf(value, sizeof value, "%d%*s", sequence, sequence % 60, "");
    // The last of each ten is a tombstone, which the default horizon keeps.
    record_builder_add(&builder, clock_now_ms(), bytes_from(key),
                       sequence % 10 == 9 ? BYTES_NULL : bytes_from(value), NULL, 0);
    struct str out = {0};
    MUST(record_builder_finish(&builder, &out, &diag));
    record_builder_release(&builder);
    struct buf *buf = buf_copy(out.ptr, out.size);
    str_release(&out);
    struct batch_header header;
    assert_true(batch_header_read(&header, buf_bytes(buf)));
    header.producer_id = 100 + producer;
    header.producer_epoch = 0;
    header.base_sequence = sequence;
    batch_header_write(buf->ptr, buf->size, &header);
    return buf;
}

static void produce(void *ctx)
{
    struct crash_producer *self = ctx;
    int64_t offset;
    do {
        MUST(partition_append_wait(topic_partition(self->topic, 0),
                                   make_record(self->producer, self->sequence), &offset, &diag));
    } while (tell_ack(self, offset));
}

struct seen {
    int32_t newest[PRODUCERS][KEYS]; // sequence of the newest record of the key; -1 = none
    int32_t next[PRODUCERS];         // sequence
    int64_t *offsets[PRODUCERS];     // acknowledged, by sequence; -1 = not
    int64_t records;
};

static void see_record(struct seen *seen, const struct batch_header *header,
                       const struct record *record)
{
    int producer = (int)header->producer_id - 100;
    int32_t sequence = header->base_sequence + (int32_t)(record->offset - header->base_offset);
    char expected[40];
    snprintf(expected, sizeof expected, "%d.%d", producer, key_of(sequence));
    assert_true(bytes_is(record->key, expected));
    assert_true(sequence % 10 == 9 ? !record->value.ptr
                                   : strtol((const char *)record->value.ptr, NULL, 10) == sequence);
    int64_t told = seen->offsets[producer][sequence];
    assert_true(told == -1 || told == record->offset);
    assert_true(sequence > seen->newest[producer][key_of(sequence)]);
    seen->newest[producer][key_of(sequence)] = sequence;
    seen->records++;
}

static void see_batch(struct seen *seen, struct bytes batch)
{
    struct record_reader reader;
    struct record record;
    struct batch_header header;
    assert_true(batch_header_read(&header, batch) && batch_crc_ok(batch));
    int producer = (int)header.producer_id - 100;
    assert_in_range(producer, 0, PRODUCERS - 1);
    if (batch_header_last_sequence(&header) >= seen->next[producer])
        seen->next[producer] = batch_header_last_sequence(&header) + 1;
    MUST(record_reader_open(&reader, batch, RECORD_UNPACKED_MAX_BYTES, &diag));
    while (record_reader_next(&reader, &record))
        see_record(seen, &header, &record);
    record_reader_release(&reader);
}

static void see_all(struct seen *seen, struct partition *partition)
{
    int64_t next = 0, end = partition_offsets(partition).end;
    memset(seen->newest, 0xff, sizeof seen->newest);
    memset(seen->next, 0, sizeof seen->next);
    seen->records = 0;
    while (next < end) {
        struct buf *buf = NULL;
        MUST(partition_read(partition, next, 1 << 20, &buf, &diag));
        assert_non_null(buf); // the end of the log is always there
        struct reader reader = reader_make(buf_bytes(buf));
        struct bytes batch;
        struct batch_header header;
        while (record_batch_next(&reader, &batch) && batch_header_read(&header, batch)) {
            see_batch(seen, batch);
            next = batch_header_last_offset(&header) + 1;
        }
        buf_unref(buf);
    }
}

static void check(struct seen *seen, const struct ack *acks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_true(seen->newest[acks[i].producer][key_of(acks[i].sequence)] >= acks[i].sequence);
}

static void make_topic_to_compact(const char *dir)
{
    struct log_store *store = open_store(dir, eager);
    struct topic_setting settings[] = {{"cleanup.policy", "compact"},
                                       {"segment.bytes", "4000"},
                                       {"min.cleanable.dirty.ratio", "0.1"}};
    MUST(log_store_create_topic(store, "a", 1, settings, 3, NULL, &diag));
    log_store_close(store);
}

static bool has_compacted(const struct seen *seen, const struct acks *acks)
{
    return acks->all.count > 1000 && seen->records < (int64_t)acks->all.count / 2;
}

static void the_newest_of_each_key_is_there_after_every_kill(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    make_topic_to_compact(dir);
    struct acks acks = {0};
    static struct seen seen;
    for (int i = 0; i < PRODUCERS; i++) {
        seen.offsets[i] = mem_alloc(RECORDS_MAX * sizeof(int64_t));
        memset(seen.offsets[i], 0xff, RECORDS_MAX * sizeof(int64_t));
    }
    const struct crash crash = {.dir = dir,
                                .options = eager,
                                .producers = PRODUCERS,
                                .sequences = seen.next,
                                .produce = produce,
                                .acks_max = 400};
    // More, should so many of them have been short, or over before the cleaner came.
    for (int round = 0; round < ROUNDS || (round < 10 * ROUNDS && !has_compacted(&seen, &acks));
         round++) {
        crash_once(&crash, &acks);
        for (size_t i = 0; i < acks.all.count; i++)
            seen.offsets[acks.all.items[i].producer][acks.all.items[i].sequence] =
                acks.all.items[i].offset;
        struct log_store *store =
            open_store(dir, (struct log_store_options){.sync = true, .cleaner_ms = 1LL << 40});
        struct topic *topic = log_store_topic(store, bytes_from("a"));
        see_all(&seen, topic_partition(topic, 0));
        check(&seen, acks.all.items, acks.all.count);
        topic_unref(topic);
        log_store_close(store);
    }
    assert_true(has_compacted(&seen, &acks));
    for (int i = 0; i < PRODUCERS; i++)
        mem_free(seen.offsets[i]);
    vec_release(&acks.all);
    remove_dir(dir);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_of_each_key_is_there_after_every_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
