// SPDX-License-Identifier: Apache-2.0
#include "store/log/log_test_util.h"

#define SYNCED ((struct log_store_options){.sync = true})

static void retention_takes_whole_segments_by_size_and_by_age(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, (struct log_store_options){.segment_bytes = 5000});
    struct topic *topic;
    struct topic_setting setting = {"retention.bytes", "20000"};
    MUST(log_store_create_topic(store, "a", 1, &setting, 1, &topic, &diag));
    struct partition *partition = topic_partition(topic, 0);
    int64_t old_ms = clock_now_ms() - 5000;
    for (int i = 0; i < 100; i++)
        put(partition, (struct batch_spec){.count = 1, .timestamp_ms = old_ms, .value_bytes = 930});
    keeper_retain(store);
    struct partition_offsets offsets = partition_offsets(partition);
    assert_in_range(offsets.bytes, 20000, 25000);
    assert_in_range(offsets.start, 70, 85);
    assert_int_equal(count_records(partition), 100 - offsets.start);
    struct buf *buf;
    assert_int_equal(partition_read(partition, 0, 1, &buf, NULL), ERR_OFFSET_OUT_OF_RANGE);
    struct topic_setting age = {"retention.ms", "1000"};
    MUST(log_store_alter_topic(store, "a", &age, 1, &diag));
    keeper_retain(store);
    offsets = partition_offsets(partition);
    assert_int_equal(offsets.start, 100); // the last segment went too
    assert_int_equal(offsets.bytes, 0);
    assert_int_equal(put(partition, (struct batch_spec){.count = 1}), 100);
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

static void roll_now(void *ctx)
{
    MUST(writer_roll(ctx, &diag));
}

static void retention_stops_at_the_first_segment_that_is_not_due(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, SYNCED);
    struct topic *topic;
    struct topic_setting age = {"retention.ms", "1000"};
    MUST(log_store_create_topic(store, "a", 1, &age, 1, &topic, &diag));
    struct partition *partition = topic_partition(topic, 0);
    int64_t now_ms = clock_now_ms(), times_ms[] = {now_ms - 5000, now_ms + 600000, now_ms - 5000};
    for (int i = 0; i < 3; i++) {
        put(partition, (struct batch_spec){.count = 1, .timestamp_ms = times_ms[i]});
        writer_call(store, roll_now, partition);
    }
    put(partition, (struct batch_spec){.count = 1, .timestamp_ms = now_ms - 5000});
    keeper_retain(store);
    assert_int_equal(partition_offsets(partition).start, 1);
    assert_int_equal(partition->segments.count, 3); // the last one was not ended either
    topic_unref(topic);
    log_store_close(store);
    remove_dir(dir);
}

static void retention_bytes_of_zero_keeps_nothing_and_wakes_who_waits(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, SYNCED);
    struct topic *topic;
    struct topic_setting size = {"retention.bytes", "0"};
    MUST(log_store_create_topic(store, "a", 1, &size, 1, &topic, &diag));
    struct partition *partition = topic_partition(topic, 0);
    put(partition, (struct batch_spec){.count = 3, .timestamp_ms = clock_now_ms()});
    struct watcher watcher = {.waiter = {.wake = count_wake}};
    partition_wait(partition, &watcher.waiter);
    keeper_retain(store);
    partition_unwait(partition, &watcher.waiter);
    assert_true(watcher.wakes > 0);
    assert_int_equal(partition_offsets(partition).start, 3);
    assert_int_equal(partition_offsets(partition).bytes, 0);
    assert_int_equal(put(partition, (struct batch_spec){.count = 1}), 3);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(dir);
}

static void a_segment_ends_by_the_times_of_its_records(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, SYNCED);
    struct topic *topic;
    struct topic_setting age = {"segment.ms", "1000"};
    MUST(log_store_create_topic(store, "a", 1, &age, 1, &topic, &diag));
    struct partition *partition = topic_partition(topic, 0);
    int64_t at_ms = 1000000;
    int64_t steps_ms[] = {0, 1000, 1001, 900, 2001, 2002};
    size_t segments[] = {1, 1, 2, 2, 2, 3};
    for (int i = 0; i < 6; i++) {
        put(partition, (struct batch_spec){.count = 1, .timestamp_ms = at_ms + steps_ms[i]});
        assert_int_equal(partition->segments.count, segments[i]);
    }
    topic_unref(topic);
    log_store_close(store);
    remove_dir(dir);
}

static void records_of_a_topic_that_is_only_compacted_cannot_be_deleted(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, SYNCED);
    struct topic *topic;
    struct topic_setting policy = {"cleanup.policy", "compact"};
    MUST(log_store_create_topic(store, "a", 1, &policy, 1, &topic, &diag));
    struct partition *partition = topic_partition(topic, 0);
    put(partition, (struct batch_spec){.count = 3});
    int64_t start;
    assert_int_equal(partition_delete_before(partition, 1, &start, NULL), ERR_POLICY_VIOLATION);
    policy.value = "compact,delete";
    MUST(log_store_alter_topic(store, "a", &policy, 1, &diag));
    MUST(partition_delete_before(partition, -1, &start, &diag));
    assert_int_equal(start, 3);
    MUST(partition_delete_before(partition, 1, &start, &diag)); // it never goes back
    assert_int_equal(start, 3);
    assert_int_equal(partition_delete_before(partition, -2, &start, NULL), ERR_OFFSET_OUT_OF_RANGE);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(dir);
}

static void deleted_records_stay_deleted(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, SYNCED);
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    put(partition, (struct batch_spec){.count = 10});
    int64_t start;
    MUST(partition_delete_before(partition, 4, &start, &diag));
    assert_int_equal(start, 4);
    assert_int_equal(partition_delete_before(partition, 11, &start, NULL), ERR_OFFSET_OUT_OF_RANGE);
    assert_int_equal(count_records(partition), 6);
    topic_unref(topic);
    char killed[300];
    snprintf(killed, sizeof killed, "%s.killed", dir);
    copy_dir(dir, killed);
    log_store_close(store);
    const char *dirs[] = {dir, killed};
    for (int i = 0; i < 2; i++) {
        store = open_store(dirs[i], SYNCED);
        partition = make_topic(store, "a", &topic);
        assert_int_equal(partition_offsets(partition).start, 4);
        topic_unref(topic);
        log_store_close(store);
        remove_dir(dirs[i]);
    }
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retention_takes_whole_segments_by_size_and_by_age),
        cmocka_unit_test(retention_stops_at_the_first_segment_that_is_not_due),
        cmocka_unit_test(retention_bytes_of_zero_keeps_nothing_and_wakes_who_waits),
        cmocka_unit_test(a_segment_ends_by_the_times_of_its_records),
        cmocka_unit_test(records_of_a_topic_that_is_only_compacted_cannot_be_deleted),
        cmocka_unit_test(deleted_records_stay_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
