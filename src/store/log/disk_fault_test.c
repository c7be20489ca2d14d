// SPDX-License-Identifier: Apache-2.0
#include "store/log/log_test_util.h"

#include <signal.h>
#include <sys/resource.h>

#define SYNCED ((struct log_store_options){.sync = true})

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

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_refuses_and_goes_on_when_space_returns),
        cmocka_unit_test(
            a_repeated_batch_is_refused_when_the_first_copy_of_its_round_was_not_written),
        cmocka_unit_test(a_failed_sync_is_final_and_what_it_carried_is_lost),
        cmocka_unit_test(a_round_that_began_a_segment_is_lost_without_a_hole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
