// SPDX-License-Identifier: Apache-2.0
#include "store/log/log_test_util.h"

#include <signal.h>
#include <sys/resource.h>

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

static void a_store_without_topics_and_settings_it_refuses(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, SYNCED);
    struct topic_setting bad = {"retention.ms", "soon"};
    assert_int_equal(log_store_create_topic(store, "a", 1, &bad, 1, NULL, NULL), ERR_CONFIG);
    struct topic_setting unknown_codec = {"compression.type", "rar"};
    assert_int_equal(log_store_create_topic(store, "a", 1, &unknown_codec, 1, NULL, NULL),
                     ERR_CONFIG);
    assert_int_equal(log_store_create_topic(store, "a b", 1, NULL, 0, NULL, NULL),
                     ERR_INVALID_TOPIC);
    assert_int_equal(log_store_create_topic(store, "..", 1, NULL, 0, NULL, NULL),
                     ERR_INVALID_TOPIC);
    assert_int_equal(log_store_create_topic(store, "a", 0, NULL, 0, NULL, NULL),
                     ERR_INVALID_PARTITIONS);
    assert_int_equal(log_store_delete_topic(store, "a", NULL), ERR_UNKNOWN_TOPIC);
    MUST(log_store_create_topic(store, "a", 1, NULL, 0, NULL, &diag));
    assert_int_equal(log_store_create_topic(store, "a", 1, NULL, 0, NULL, NULL), ERR_EXISTS);
    assert_int_equal(log_store_grow_topic(store, "a", 1, NULL), ERR_INVALID_PARTITIONS);
    MUST(log_store_grow_topic(store, "a", 4, &diag));
    log_store_close(store);
    store = open_store(dir, SYNCED);
    struct topic *topic = log_store_topic(store, bytes_from("a"));
    assert_int_equal(topic_partition_count(topic), 4);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(dir);
}

static void a_deleted_topic_is_gone_and_a_new_one_starts_empty(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, SYNCED);
    struct topic *old, *new;
    struct partition *partition = make_topic(store, "a", &old);
    put(partition, (struct batch_spec){.count = 5});
    MUST(log_store_delete_topic(store, "a", &diag));
    assert_true(topic_deleted(old));
    assert_int_equal(try_put(partition, (struct batch_spec){.count = 1}, NULL), ERR_UNKNOWN_TOPIC);
    struct partition *again = make_topic(store, "a", &new);
    assert_memory_not_equal(topic_id(old), topic_id(new), 16);
    assert_int_equal(partition_offsets(again).end, 0);
    put(again, (struct batch_spec){.count = 1});
    struct buf *buf;
    assert_int_equal(partition_read(partition, 0, 100, &buf, NULL), ERR_UNKNOWN_TOPIC);
    topic_unref(old);
    topic_unref(new);
    log_store_close(store);
    remove_dir(dir);
}

static void files_of_a_half_deleted_topic_do_not_come_back(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, SYNCED);
    struct topic *topic;
    put(make_topic(store, "a", &topic), (struct batch_spec){.count = 5});
    topic_unref(topic);
    char copy[300], command[1000];
    snprintf(copy, sizeof copy, "%s.killed", dir);
    // As if killed between the catalog's change and the renaming.
    snprintf(command, sizeof command, "mkdir -p %s/b-0 && cp %s/a-0/* %s/b-0/", dir, dir, dir);
    assert_int_equal(system(command), 0);
    copy_dir(dir, copy);
    log_store_close(store);
    store = open_store(copy, SYNCED);
    struct partition *partition = make_topic(store, "b", &topic);
    assert_int_equal(partition_offsets(partition).end, 0);
    assert_int_equal(put(partition, (struct batch_spec){.count = 1}), 0);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(copy);
    remove_dir(dir);
}

static _Atomic int appends_done;

struct two_appends {
    struct partition *partition;
    struct append appends[2];
};

static void count_done(struct append *append)
{
    (void)append;
    appends_done++;
}

// On the writer's thread: so the next round takes both.
static void append_twice(void *ctx)
{
    struct two_appends *two = ctx;
    struct batch_spec spec = {.count = 1, .producer_id = 3, .value_bytes = 10000};
    for (int i = 0; i < 2; i++) {
        struct buf *buf = make_batch(spec);
        two->appends[i] = (struct append){.buf = buf,
                                          .batch = buf->ptr,
                                          .size = buf->size,
                                          .until = APPEND_SYNCED,
                                          .done = count_done};
        partition_append(two->partition, &two->appends[i]);
    }
}

static void a_topic_made_again_never_gets_the_files_of_one_that_could_not_be_moved(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, SYNCED);
    struct topic *topic;
    put(make_topic(store, "a", &topic), (struct batch_spec){.count = 5});
    topic_unref(topic);
    char in_the_way[300];
    snprintf(in_the_way, sizeof in_the_way, "%s/deleted", dir);
    close(open(in_the_way, O_CREAT | O_RDWR, 0644)); // a file where a folder must be
    MUST(log_store_delete_topic(store, "a", &diag));
    struct diag told = DIAG_INIT;
    assert_true(log_store_create_topic(store, "a", 1, NULL, 0, NULL, &told) != ERR_OK);
    assert_non_null(strstr(told.text, "are in the way"));
    log_store_close(store);
    unlink(in_the_way);
    char path[300];
    snprintf(path, sizeof path, "%s/a-0", dir);
    store = open_store(dir, SYNCED);
    assert_false(file_exists(path)); // the stop was not a clean one
    MUST(dir_make(path, &diag));     // and one that comes back in some other way
    struct partition *partition = make_topic(store, "a", &topic);
    assert_false(file_exists(path));
    assert_int_equal(put(partition, (struct batch_spec){.count = 1}), 0);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(dir);
}

static void append_then_delete(void *ctx)
{
    struct two_appends *two = ctx;
    append_twice(two);
    mutex_lock(&two->partition->mutex);
    two->partition->deleted = true;
    mutex_unlock(&two->partition->mutex);
}

static void appends_that_a_deletion_overtakes_make_no_files(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, SYNCED);
    struct topic *topic;
    struct two_appends two = {.partition = make_topic(store, "a", &topic)};
    appends_done = 0;
    writer_call(store, append_then_delete, &two);
    topic_unref(topic);
    log_store_close(store);
    assert_int_equal(appends_done, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(two.appends[i].err, ERR_UNKNOWN_TOPIC);
        mem_free(two.appends[i].story);
    }
    char path[300];
    snprintf(path, sizeof path, "%s/a-0", dir);
    assert_false(file_exists(path));
    remove_dir(dir);
}

// --- producers ---

static void a_repeated_batch_keeps_its_offset_also_after_restarts(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, SYNCED);
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    struct batch_spec spec = {.count = 10, .producer_id = 7, .epoch = 1};
    for (int i = 0; i < 6; i++) {
        spec.sequence = i * 10;
        assert_int_equal(put(partition, spec), i * 10);
    }
    assert_int_equal(put(partition, spec), 50);
    topic_unref(topic);
    char killed[300];
    snprintf(killed, sizeof killed, "%s.killed", dir);
    copy_dir(dir, killed);
    log_store_close(store);
    const char *dirs[] = {dir, killed};
    for (int i = 0; i < 2; i++) {
        store = open_store(dirs[i], SYNCED);
        partition = make_topic(store, "a", &topic);
        int64_t offset;
        spec.sequence = 10;
        assert_int_equal(put(partition, spec), 10);
        spec.sequence = 0; // older than the last five
        assert_int_equal(try_put(partition, spec, &offset), ERR_OUT_OF_ORDER_SEQUENCE);
        spec.sequence = 70;
        assert_int_equal(try_put(partition, spec, &offset), ERR_OUT_OF_ORDER_SEQUENCE);
        struct batch_spec older = {.count = 1, .producer_id = 7, .epoch = 0, .sequence = 60};
        assert_int_equal(try_put(partition, older, &offset), ERR_PRODUCER_EPOCH);
        struct batch_spec newer = {.count = 1, .producer_id = 7, .epoch = 2, .sequence = 5};
        assert_int_equal(try_put(partition, newer, &offset), ERR_OUT_OF_ORDER_SEQUENCE);
        spec.sequence = 60;
        assert_int_equal(put(partition, spec), 60);
        newer.sequence = 0;
        assert_int_equal(put(partition, newer), 70);
        topic_unref(topic);
        log_store_close(store);
        remove_dir(dirs[i]);
    }
}

static void an_unknown_producer_starts_anywhere_and_sequences_wrap(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, SYNCED);
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    struct batch_spec spec = {.count = 10, .producer_id = 9, .sequence = INT32_MAX - 4};
    assert_int_equal(put(partition, spec), 0);
    spec.sequence = 5; // 2^31-5 .. 2^31-1, 0 .. 4
    assert_int_equal(put(partition, spec), 10);
    spec.sequence = INT32_MAX - 4;
    assert_int_equal(put(partition, spec), 0);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(dir);
}

static void producer_ids_are_never_given_twice(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    int64_t last = -1;
    for (int round = 0; round < 3; round++) {
        struct log_store *store = open_store(dir, SYNCED);
        for (int i = 0; i < 1100; i++) {
            int64_t id;
            MUST(log_store_producer_id(store, &id, &diag));
            assert_true(id > last);
            last = id;
        }
        log_store_close(store);
    }
    remove_dir(dir);
}

// --- time, retention, deletion ---

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

static void retention_takes_whole_segments_by_size_and_by_age(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, (struct log_store_options){.segment_bytes = 5000});
    struct topic *topic;
    struct topic_setting setting = {"retention.bytes", "20000"};
    MUST(log_store_create_topic(store, "a", 1, &setting, 1, &topic, &diag));
    struct partition *partition = topic_partition(topic, 0);
    int64_t now_ms = clock_now_ms();
    for (int i = 0; i < 100; i++)
        put(partition, (struct batch_spec){.count = 1, .timestamp_ms = now_ms, .value_bytes = 930});
    keeper_retain(store);
    struct partition_offsets offsets = partition_offsets(partition);
    assert_in_range(offsets.bytes, 20000, 25000);
    assert_in_range(offsets.start, 70, 85);
    assert_int_equal(count_records(partition), 100 - offsets.start);
    struct buf *buf;
    assert_int_equal(partition_read(partition, 0, 1, &buf, NULL), ERR_OFFSET_OUT_OF_RANGE);
    struct topic_setting age = {"retention.ms", "1000"};
    MUST(log_store_alter_topic(store, "a", &age, 1, &diag));
    clock_simulate((now_ms + 5000) * 1000);
    keeper_retain(store);
    clock_real();
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
    int64_t now_ms = clock_now_ms(), times_ms[] = {now_ms - 5000, now_ms + 60000, now_ms - 5000};
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

// --- faults ---

static void a_full_disk_refuses_and_goes_on_when_space_returns(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, SYNCED);
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    struct batch_spec spec = {.count = 1, .producer_id = 3, .value_bytes = 10000};
    put(partition, spec);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit before, tight = {.rlim_cur = 25000};
    getrlimit(RLIMIT_FSIZE, &before);
    tight.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_FSIZE, &tight);
    spec.sequence = 1;
    put(partition, spec);
    spec.sequence = 2;
    int64_t offset;
    assert_int_equal(try_put(partition, spec, &offset), ERR_DISK_FULL);
    assert_int_equal(try_put(partition, spec, &offset), ERR_DISK_FULL);
    assert_int_equal(count_records(partition), 2);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(put(partition, spec), 2);
    assert_int_equal(put(partition, spec), 2); // repeated
    assert_int_equal(count_records(partition), 3);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(dir);
}

static void
a_repeated_batch_is_refused_when_the_first_copy_of_its_round_was_not_written(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, SYNCED);
    struct topic *topic;
    struct two_appends two = {.partition = make_topic(store, "a", &topic)};
    put(two.partition, (struct batch_spec){.count = 1});
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit before, tight = {.rlim_cur = 5000};
    getrlimit(RLIMIT_FSIZE, &before);
    tight.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_FSIZE, &tight);
    appends_done = 0;
    writer_call(store, append_twice, &two);
    topic_unref(topic);
    log_store_close(store); // completes them
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(appends_done, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(two.appends[i].err, ERR_DISK_FULL);
        mem_free(two.appends[i].story);
    }
    remove_dir(dir);
}

static _Atomic bool sync_fails;

static err_t sync_or_fail(int fd, struct diag *diag)
{
    return sync_fails ? FAIL(diag, ERR_IO, "injected") : file_datasync(fd, diag);
}

static void a_failed_sync_is_final_and_what_it_carried_is_lost(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store_options options = {.sync = true, .sync_file = sync_or_fail};
    struct log_store *store = open_store(dir, options);
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    put(partition, (struct batch_spec){.count = 2});
    sync_fails = true;
    int64_t offset;
    assert_int_equal(try_put(partition, (struct batch_spec){.count = 1}, &offset), ERR_IO);
    sync_fails = false;
    // The kernel reports it once; a later sync that succeeds proves nothing.
    assert_int_equal(try_put(partition, (struct batch_spec){.count = 1}, &offset), ERR_IO);
    assert_int_equal(partition_offsets(partition).end, 2);
    assert_int_equal(count_records(partition), 2);
    topic_unref(topic);
    log_store_close(store);
    store = open_store(dir, options);
    partition = make_topic(store, "a", &topic);
    assert_int_equal(partition_offsets(partition).end, 2);
    assert_int_equal(put(partition, (struct batch_spec){.count = 1}), 2);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(dir);
}

static _Atomic int syncs_left;

static err_t sync_some(int fd, struct diag *diag)
{
    return syncs_left-- > 0 ? file_datasync(fd, diag) : FAIL(diag, ERR_IO, "injected");
}

// On the writer's thread: so one round takes both, and the second begins a segment.
static void append_over_a_roll(void *ctx)
{
    struct two_appends *two = ctx;
    for (int i = 0; i < 2; i++) {
        struct buf *buf = make_batch((struct batch_spec){.count = 1, .value_bytes = 600});
        two->appends[i] = (struct append){.buf = buf,
                                          .batch = buf->ptr,
                                          .size = buf->size,
                                          .until = APPEND_SYNCED,
                                          .done = count_done};
        partition_append(two->partition, &two->appends[i]);
    }
}

static void a_round_that_began_a_segment_is_lost_without_a_hole(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store_options options = {
        .sync = true, .segment_bytes = 1000, .sync_file = sync_some};
    syncs_left = 1000;
    struct log_store *store = open_store(dir, options);
    struct topic *topic;
    struct two_appends two = {.partition = make_topic(store, "a", &topic)};
    put(two.partition, (struct batch_spec){.count = 1});
    appends_done = 0;
    syncs_left = 1; // of the segment that ends; those of the round fail
    writer_call(store, append_over_a_roll, &two);
    while (appends_done < 2)
        clock_sleep_us(100);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(two.appends[i].err, ERR_IO);
        mem_free(two.appends[i].story);
    }
    char path[300];
    snprintf(path, sizeof path, "%s/a-0/%020d.log", dir, 2);
    assert_false(file_exists(path));
    topic_unref(topic);
    syncs_left = 1000;
    log_store_close(store);
    store = open_store(dir, options);
    two.partition = make_topic(store, "a", &topic);
    assert_int_equal(partition_offsets(two.partition).end, 1);
    assert_int_equal(put(two.partition, (struct batch_spec){.count = 1}), 1);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(dir);
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

// --- many at once ---

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
        cmocka_unit_test(a_store_without_topics_and_settings_it_refuses),
        cmocka_unit_test(a_deleted_topic_is_gone_and_a_new_one_starts_empty),
        cmocka_unit_test(files_of_a_half_deleted_topic_do_not_come_back),
        cmocka_unit_test(a_topic_made_again_never_gets_the_files_of_one_that_could_not_be_moved),
        cmocka_unit_test(appends_that_a_deletion_overtakes_make_no_files),
        cmocka_unit_test(a_repeated_batch_keeps_its_offset_also_after_restarts),
        cmocka_unit_test(an_unknown_producer_starts_anywhere_and_sequences_wrap),
        cmocka_unit_test(producer_ids_are_never_given_twice),
        cmocka_unit_test(time_is_looked_up_to_the_record),
        cmocka_unit_test(retention_takes_whole_segments_by_size_and_by_age),
        cmocka_unit_test(retention_stops_at_the_first_segment_that_is_not_due),
        cmocka_unit_test(retention_bytes_of_zero_keeps_nothing_and_wakes_who_waits),
        cmocka_unit_test(a_segment_ends_by_the_times_of_its_records),
        cmocka_unit_test(records_of_a_topic_that_is_only_compacted_cannot_be_deleted),
        cmocka_unit_test(deleted_records_stay_deleted),
        cmocka_unit_test(a_full_disk_refuses_and_goes_on_when_space_returns),
        cmocka_unit_test(
            a_repeated_batch_is_refused_when_the_first_copy_of_its_round_was_not_written),
        cmocka_unit_test(a_failed_sync_is_final_and_what_it_carried_is_lost),
        cmocka_unit_test(a_round_that_began_a_segment_is_lost_without_a_hole),
        cmocka_unit_test(bad_batches_are_refused),
        cmocka_unit_test(many_appenders_and_readers_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
