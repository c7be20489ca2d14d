// SPDX-License-Identifier: Apache-2.0
#include "store/log/log_test_util.h"

#define SYNCED ((struct log_store_options){.sync = true})

static void appends_get_offsets_and_are_read_back(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, SYNCED);
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    assert_int_equal(put(partition, (struct batch_spec){.count = 3}), 0);
    assert_int_equal(put(partition, (struct batch_spec){.count = 1}), 3);
    assert_int_equal(partition_offsets(partition).end, 4);
    assert_int_equal(count_records(partition), 4);
    struct buf *buf = NULL;
    MUST(partition_read(partition, 4, 1000, &buf, &diag));
    assert_null(buf);
    assert_int_equal(partition_read(partition, 5, 1000, &buf, NULL), ERR_OFFSET_OUT_OF_RANGE);
    assert_int_equal(partition_read(partition, -1, 1000, &buf, NULL), ERR_OFFSET_OUT_OF_RANGE);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(dir);
}

static void a_range_ends_on_a_batch_and_gives_the_first_whole(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, SYNCED);
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    for (int i = 0; i < 200; i++)
        put(partition, (struct batch_spec){.count = 2, .value_bytes = 500});
    size_t batch_bytes = (size_t)partition_offsets(partition).bytes / 200;
    struct log_range range;
    MUST(partition_range(partition, 101, batch_bytes * 3 + 10, 0, &range, &diag));
    assert_int_equal(range.size, batch_bytes * 3);
    assert_int_equal(range.position, (int64_t)batch_bytes * 50);
    log_range_release(&range);
    MUST(partition_range(partition, 102, 10, RANGE_WHOLE_FIRST, &range, &diag));
    assert_int_equal(range.size, batch_bytes);
    log_range_release(&range);
    MUST(partition_range(partition, 102, 10, 0, &range, &diag));
    assert_int_equal(range.size, 0);
    log_range_release(&range);
    // From where the last read stopped, and no index needed at the tail.
    MUST(partition_range(partition, 398, 1 << 20, 0, &range, &diag));
    log_range_release(&range);
    put(partition, (struct batch_spec){.count = 2});
    MUST(partition_range(partition, 400, 1 << 20, RANGE_MEMORY_ONLY, &range, &diag));
    assert_true(range.size > 0);
    log_range_release(&range);
    assert_int_equal(partition_range(partition, 17, 100, RANGE_MEMORY_ONLY, &range, NULL),
                     ERR_TIMEOUT);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(dir);
}

static void every_offset_is_found_across_many_segments(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store =
        open_store(dir, (struct log_store_options){.segment_bytes = 20000, .file_max = 4});
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    for (int i = 0; i < 500; i++)
        put(partition,
            (struct batch_spec){.count = 1 + i % 3, .value_bytes = (size_t)(i * 37 % 900) + 1});
    int64_t end = partition_offsets(partition).end;
    for (int64_t offset = 0; offset < end; offset++) {
        struct buf *buf = NULL;
        MUST(partition_read(partition, offset, (size_t)(offset * 97 % 9000), &buf, &diag));
        struct batch_header header;
        assert_true(batch_header_read(&header, buf_bytes(buf)));
        assert_true(header.base_offset <= offset && batch_header_last_offset(&header) >= offset);
        buf_unref(buf);
    }
    assert_int_equal(count_records(partition), end);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(dir);
}

static void a_clean_stop_brings_everything_back(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store =
        open_store(dir, (struct log_store_options){.sync = true, .segment_bytes = 3000});
    struct topic *topic;
    struct topic_setting settings[] = {{"retention.ms", "-1"}, {"weird", "tab\there\\ and\nthere"}};
    MUST(log_store_create_topic(store, "a", 3, settings, 2, &topic, &diag));
    uint8_t id[16];
    memcpy(id, topic_id(topic), 16);
    for (int i = 0; i < 60; i++)
        put(topic_partition(topic, i % 3), (struct batch_spec){.count = 2, .value_bytes = 100});
    topic_unref(topic);
    log_store_close(store);
    store = open_store(dir, (struct log_store_options){.sync = true, .segment_bytes = 3000});
    assert_true(store->clean);
    topic = log_store_topic_by_id(store, id);
    assert_non_null(topic);
    assert_int_equal(topic_partition_count(topic), 3);
    struct arena arena = ARENA_INIT;
    size_t count;
    struct topic_setting *back = topic_settings(topic, &arena, &count);
    assert_int_equal(count, 2);
    assert_string_equal(back[1].value, "tab\there\\ and\nthere");
    arena_release(&arena);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(count_records(topic_partition(topic, i)), 40);
        assert_int_equal(put(topic_partition(topic, i), (struct batch_spec){.count = 1}), 40);
        assert_int_equal(count_records(topic_partition(topic, i)), 41);
    }
    assert_false(store->clean);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(dir);
}

static void time_is_looked_up_to_the_record(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, (struct log_store_options){.segment_bytes = 30000});
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    int64_t offset, found;
    MUST(partition_offset_at(partition, 0, &offset, &found, &diag));
    assert_int_equal(offset, -1);
    for (int i = 0; i < 300; i++) // each batch: 3 records, 1000 + 10 i + 0..2
        put(partition,
            (struct batch_spec){.count = 3, .timestamp_ms = 1000 + 10 * i, .value_bytes = 200});
    for (int i = 0; i < 300; i += 7) {
        MUST(partition_offset_at(partition, 1000 + 10 * i + 1, &offset, &found, &diag));
        assert_int_equal(offset, 3 * i + 1);
        assert_int_equal(found, 1000 + 10 * i + 1);
        MUST(partition_offset_at(partition, 1000 + 10 * i - 5, &offset, &found, &diag));
        assert_int_equal(offset, 3 * i);
    }
    MUST(partition_offset_at(partition, 1 << 30, &offset, &found, &diag));
    assert_int_equal(offset, -1);
    // An older record later does not hide the first that is new enough.
    put(partition, (struct batch_spec){.count = 1, .timestamp_ms = 5});
    MUST(partition_offset_at(partition, 3992, &offset, &found, &diag));
    assert_int_equal(offset, 899);
    MUST(partition_offset_of_max(partition, &offset, &found, &diag));
    assert_int_equal(offset, 899);
    assert_int_equal(found, 3992);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(dir);
}

struct watcher {
    struct log_waiter waiter;
    _Atomic int wakes;
};

static void count_wake(struct log_waiter *waiter)
{
    CONTAINER_OF(waiter, struct watcher, waiter)->wakes++;
}

static void bad_batches_are_refused(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, SYNCED);
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    struct buf *buf = make_batch((struct batch_spec){.count = 1});
    buf->ptr[70] ^= 1;
    int64_t offset;
    assert_int_equal(partition_append_wait(partition, buf, &offset, NULL), ERR_CORRUPT);
    buf = make_batch((struct batch_spec){.count = 1});
    buf->size -= 1;
    assert_int_equal(partition_append_wait(partition, buf, &offset, NULL), ERR_CORRUPT);
    buf = make_batch((struct batch_spec){.count = 1, .value_bytes = 1100000});
    assert_int_equal(partition_append_wait(partition, buf, &offset, NULL), ERR_TOO_LARGE);
    assert_int_equal(partition_offsets(partition).end, 0);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(dir);
}

struct appender {
    struct thread thread;
    struct topic *topic;
    int number;
};

static void append_many(void *ctx)
{
    struct appender *appender = ctx;
    for (int i = 0; i < 200; i++) {
        struct batch_spec spec = {.count = 2,
                                  .producer_id = 100 + appender->number,
                                  .sequence = i / 3 * 2,
                                  .value_bytes = (size_t)(i % 50) + 1};
        put(topic_partition(appender->topic, i % 3), spec);
    }
}

static void many_appenders_and_readers_agree(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store =
        open_store(dir, (struct log_store_options){.sync = true, .segment_bytes = 10000});
    struct topic *topic;
    MUST(log_store_create_topic(store, "a", 3, NULL, 0, &topic, &diag));
    struct watcher watcher = {.waiter = {.wake = count_wake}};
    topic_wait(topic, &watcher.waiter);
    struct appender appenders[8];
    for (int i = 0; i < 8; i++) {
        appenders[i] = (struct appender){.topic = topic, .number = i};
        thread_start(&appenders[i].thread, "appender", append_many, &appenders[i]);
    }
    for (int i = 0; i < 30; i++)
        count_records(topic_partition(topic, i % 3));
    MUST(checkpoint_write(store, false, &diag));
    for (int i = 0; i < 8; i++)
        thread_join(&appenders[i].thread);
    int64_t records = 0;
    for (int p = 0; p < 3; p++)
        records += count_records(topic_partition(topic, p));
    assert_int_equal(records, 8 * 200 * 2);
    assert_true(watcher.wakes > 0);
    topic_unwait(topic, &watcher.waiter);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(dir);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_get_offsets_and_are_read_back),
        cmocka_unit_test(a_range_ends_on_a_batch_and_gives_the_first_whole),
        cmocka_unit_test(every_offset_is_found_across_many_segments),
        cmocka_unit_test(a_clean_stop_brings_everything_back),
        cmocka_unit_test(time_is_looked_up_to_the_record),
        cmocka_unit_test(bad_batches_are_refused),
        cmocka_unit_test(many_appenders_and_readers_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
