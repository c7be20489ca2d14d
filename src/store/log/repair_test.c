// SPDX-License-Identifier: Apache-2.0
#include "store/log/log_test_util.h"
#include "store/log/repair.h"

#define OPTIONS ((struct log_store_options){.sync = true, .segment_bytes = 1000})

// Ten records in files of three, and a checkpoint of all; `killed` is the folder as kill -9 leaves
// it.
static void make_log(const char *dir, char *killed, size_t size)
{
    struct log_store *store = open_store(dir, OPTIONS);
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    for (int i = 0; i < 10; i++)
        put(partition, (struct batch_spec){.count = 1, .value_bytes = 200});
    MUST(checkpoint_write(store, false, &diag));
    topic_unref(topic);
    snprintf(killed, size, "%s.killed", dir);
    copy_dir(dir, killed);
    log_store_close(store);
    remove_dir(dir);
}

static void path_of(char *out, size_t size, const char *dir, int64_t base)
{
    snprintf(out, size, "%s/a-0/%020lld.log", dir, (long long)base);
}

// Opens the log: appends go on at 10, and all offsets but the lost ones have their record.
static void check_repaired(const char *dir, const bool lost[10])
{
    struct log_store *store = open_store(dir, OPTIONS);
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    bool found[11] = {0};
    assert_int_equal(put(partition, (struct batch_spec){.count = 1}), 10);
    for (int64_t next = 0; next < 11;) {
        struct buf *buf = NULL;
        MUST(partition_read(partition, next, 1 << 16, &buf, &diag));
        assert_non_null(buf);
        struct reader reader = reader_make(buf_bytes(buf));
        struct bytes batch;
        while (record_batch_next(&reader, &batch)) {
            struct batch_header header;
            assert_true(batch_header_read(&header, batch) && batch_crc_ok(batch));
            assert_int_equal(header.base_offset, next);
            found[next] = header.record_count > 0;
            next = batch_header_last_offset(&header) + 1;
        }
        buf_unref(buf);
    }
    for (int i = 0; i < 10; i++)
        assert_int_equal(found[i], !lost[i]);
    topic_unref(topic);
    log_store_close(store);
}

static struct repaired repair(const char *dir)
{
    struct repaired repaired;
    MUST(repair_partition(dir, "a", 0, &repaired, &diag));
    return repaired;
}

static void offsets_of_damaged_and_missing_records_stay_empty(void **state)
{
    (void)state;
    char killed[300], path[400];
    make_log(fresh_dir(), killed, sizeof killed);
    path_of(path, sizeof path, killed, 3);
    flip_bit(path, size_of(path) / 3 + 100); // offset 4
    path_of(path, sizeof path, killed, 6);
    assert_int_equal(truncate(path, size_of(path) / 3 * 2), 0); // offset 8
    path_of(path, sizeof path, killed, 9);
    assert_int_equal(truncate(path, 20), 0); // offset 9
    struct repaired done = repair(killed);
    assert_int_equal(done.offsets, 3);
    assert_int_equal(done.files, 3);
    assert_true(done.bytes > 200);
    check_repaired(killed, (bool[10]){[4] = true, [8] = true, [9] = true});
    done = repair(killed);
    assert_int_equal(done.files, 0);
    remove_dir(killed);
}

static void a_missing_file_is_stood_in_for_by_the_one_before_it(void **state)
{
    (void)state;
    char killed[300], path[400];
    make_log(fresh_dir(), killed, sizeof killed);
    path_of(path, sizeof path, killed, 3);
    assert_int_equal(unlink(path), 0);
    path_of(path, sizeof path, killed, 9);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(repair(killed).offsets, 4);
    check_repaired(killed, (bool[10]){[3] = true, [4] = true, [5] = true, [9] = true});
    remove_dir(killed);
}

static void a_sound_partition_is_left_alone(void **state)
{
    (void)state;
    char killed[300], path[400];
    make_log(fresh_dir(), killed, sizeof killed);
    struct repaired done = repair(killed);
    assert_int_equal(done.files + done.bytes + done.offsets, 0);
    snprintf(path, sizeof path, "%s/checkpoint", killed);
    assert_true(file_exists(path));
    check_repaired(killed, (bool[10]){0});
    struct repaired none;
    assert_int_equal(repair_partition(killed, "b", 0, &none, NULL), ERR_NOT_FOUND);
    remove_dir(killed);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_of_damaged_and_missing_records_stay_empty),
        cmocka_unit_test(a_missing_file_is_stood_in_for_by_the_one_before_it),
        cmocka_unit_test(a_sound_partition_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
