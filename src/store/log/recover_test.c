// SPDX-License-Identifier: Apache-2.0
#include "store/log/log_test_util.h"
#include "store/log/repair.h"
#include "store/log/round_mark.h"

#define SYNCED ((struct log_store_options){.sync = true})

static const char log_name[] = "00000000000000000000.log";

static void path_in(char *out, size_t size, const char *dir, const char *name)
{
    snprintf(out, size, "%s/a-0/%s", dir, name);
}

// A killed store's folder with `batches` batches of two records; tells the size of one.
static int64_t killed_store(const char *dir, const char *killed, int batches)
{
    struct log_store *store = open_store(dir, SYNCED);
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    for (int i = 0; i < batches; i++)
        put(partition, (struct batch_spec){.count = 2, .producer_id = 5, .sequence = 2 * i});
    int64_t size = partition_offsets(partition).bytes / batches;
    topic_unref(topic);
    copy_dir(dir, killed);
    log_store_close(store);
    return size;
}

static void a_torn_tail_is_cut_at_every_byte_of_the_last_batch(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    char killed[300], work[300], path[400];
    snprintf(killed, sizeof killed, "%s.killed", dir);
    snprintf(work, sizeof work, "%s.work", dir);
    int64_t size = killed_store(dir, killed, 3);
    for (int64_t cut = 0; cut < size; cut++) {
        copy_dir(killed, work);
        path_in(path, sizeof path, work, log_name);
        assert_int_equal(truncate(path, size * 2 + cut), 0);
        struct log_store *store = open_store(work, SYNCED);
        struct topic *topic;
        struct partition *partition = make_topic(store, "a", &topic);
        assert_int_equal(partition_offsets(partition).end, 4);
        assert_int_equal(count_records(partition), 4);
        assert_int_equal(size_of(path), size * 2 + ROUND_MARK_BYTES);
        // What was cut is forgotten: the producer may send it again.
        assert_int_equal(
            put(partition, (struct batch_spec){.count = 2, .producer_id = 5, .sequence = 4}), 4);
        assert_int_equal(count_records(partition), 6);
        topic_unref(topic);
        log_store_close(store);
    }
    remove_dir(work);
    remove_dir(killed);
    remove_dir(dir);
}

static void a_flipped_bit_in_the_last_batch_is_a_torn_tail_too(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    char killed[300], path[400];
    snprintf(killed, sizeof killed, "%s.killed", dir);
    int64_t size = killed_store(dir, killed, 3);
    path_in(path, sizeof path, killed, log_name);
    flip_bit(path, size * 2 + 70);
    struct log_store *store = open_store(killed, SYNCED);
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    assert_int_equal(partition_offsets(partition).end, 4);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(killed);
    remove_dir(dir);
}

static void damage_in_the_middle_is_told_and_never_skipped(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    char killed[300], path[400], expected[100];
    snprintf(killed, sizeof killed, "%s.killed", dir);
    int64_t size = killed_store(dir, killed, 5);
    path_in(path, sizeof path, killed, log_name);
    int64_t places[] = {size + 8, size + 16, size + 17, size + 30,
                        size + 65}; // length, magic, checksum, header, data
    int64_t at = 0, file_bytes = size_of(path);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (at)
            flip_bit(path, at); // undo the one before
        at = places[i];
        flip_bit(path, at);
        struct log_store *store = open_store(killed, SYNCED);
        struct topic *topic;
        struct partition *partition = make_topic(store, "a", &topic);
        struct partition_offsets offsets = partition_offsets(partition);
        assert_int_equal(offsets.end, 10);
        struct buf *buf;
        MUST(partition_read(partition, 0, 1 << 20, &buf, &diag));
        assert_int_equal(buf->size, size);
        buf_unref(buf);
        struct diag told = DIAG_INIT;
        assert_int_equal(partition_read(partition, 2, 1 << 20, &buf, &told), ERR_CORRUPT);
        snprintf(expected, sizeof expected, "%s is damaged at byte %lld", log_name,
                 (long long)size);
        assert_non_null(strstr(told.text, expected));
        assert_int_equal(partition_read(partition, 8, 1 << 20, &buf, NULL), ERR_CORRUPT);
        int64_t offset;
        assert_int_equal(try_put(partition, (struct batch_spec){.count = 1}, &offset), ERR_CORRUPT);
        assert_int_equal(size_of(path), file_bytes);
        topic_unref(topic);
        log_store_close(store); // a clean stop does not hide it from the next start
        store = open_store(killed, SYNCED);
        partition = make_topic(store, "a", &topic);
        assert_int_equal(partition_read(partition, 2, 1 << 20, &buf, NULL), ERR_CORRUPT);
        topic_unref(topic);
        log_store_close(store);
    }
    remove_dir(killed);
    remove_dir(dir);
}

static uint64_t mark_key_of(const char *dir)
{
    struct log_store *store;
    MUST(log_store__look(&store, dir, &diag));
    uint64_t key = store->mark_key;
    log_store__look_end(store);
    return key;
}

static void put_mark(const char *path, uint64_t key, int64_t start, int64_t end)
{
    uint8_t mark[ROUND_MARK_BYTES];
    round_mark_write(mark, key, start, end);
    int fd = open(path, O_RDWR);
    assert_int_equal(pwrite(fd, mark, sizeof mark, end), sizeof mark);
    close(fd);
}

static void a_torn_batch_of_the_last_round_is_cut_with_the_whole_ones_behind_it(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    char killed[300], work[300], path[400];
    snprintf(killed, sizeof killed, "%s.killed", dir);
    snprintf(work, sizeof work, "%s.work", dir);
    int64_t size = killed_store(dir, killed, 5);
    for (int torn = 0; torn < 5; torn++) {
        for (int marked = 0; marked < 2; marked++) {
            copy_dir(killed, work);
            path_in(path, sizeof path, work, log_name);
            put_mark(path, mark_key_of(work), size * 2, size * 5);
            flip_bit(path, size * torn + 70);
            if (!marked)
                assert_int_equal(truncate(path, size * 5), 0);
            bool cut = torn >= 2 || !marked;
            struct log_store *store = open_store(work, SYNCED);
            struct topic *topic;
            struct partition *partition = make_topic(store, "a", &topic);
            assert_int_equal(partition_offsets(partition).end, cut ? 2 * torn : 10);
            int64_t offset;
            struct batch_spec next = {.count = 2, .producer_id = 5, .sequence = 2 * torn};
            assert_int_equal(try_put(partition, next, &offset), cut ? ERR_OK : ERR_CORRUPT);
            if (cut)
                assert_int_equal(count_records(partition), 2 * torn + 2);
            topic_unref(topic);
            log_store_close(store);
        }
    }
    remove_dir(work);
    remove_dir(killed);
    remove_dir(dir);
}

// What a client could do who knows where in the file its record comes to lie.
static void a_mark_of_a_stranger_behind_damage_cuts_nothing_off(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    char killed[300], path[400];
    snprintf(killed, sizeof killed, "%s.killed", dir);
    int64_t size = killed_store(dir, killed, 5);
    path_in(path, sizeof path, killed, log_name);
    put_mark(path, mark_key_of(killed), size * 4, size * 5);
    put_mark(path, mark_key_of(killed) ^ 2, 0, size * 5 + ROUND_MARK_BYTES);
    flip_bit(path, size + 70);
    struct log_store *store = open_store(killed, SYNCED);
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    assert_int_equal(partition_offsets(partition).end, 10);
    int64_t offset;
    assert_int_equal(try_put(partition, (struct batch_spec){.count = 1}, &offset), ERR_CORRUPT);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(killed);
    remove_dir(dir);
}

static void damage_in_an_older_segment_and_a_missing_one_are_told(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store_options options = {.sync = true, .segment_bytes = 1000};
    struct log_store *store = open_store(dir, options);
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    for (int i = 0; i < 8; i++)
        put(partition, (struct batch_spec){.count = 1, .value_bytes = 700});
    topic_unref(topic);
    char killed[300], path[400];
    snprintf(killed, sizeof killed, "%s.killed", dir);
    copy_dir(dir, killed);
    path_in(path, sizeof path, killed, "00000000000000000003.log");
    flip_bit(path, 300);
    log_store_close(store);
    store = open_store(killed, options);
    partition = make_topic(store, "a", &topic);
    struct buf *buf;
    struct diag told = DIAG_INIT;
    assert_int_equal(partition_read(partition, 3, 100, &buf, &told), ERR_CORRUPT);
    assert_non_null(strstr(told.text, "00000000000000000003.log is damaged at byte 0"));
    assert_int_equal(partition_offsets(partition).end, 8);
    topic_unref(topic);
    log_store_close(store);
    copy_dir(dir, killed);
    char mark[400];
    snprintf(mark, sizeof mark, "%s/clean-stop", killed);
    unlink(mark);
    path_in(path, sizeof path, killed, "00000000000000000005.log");
    unlink(path);
    store = open_store(killed, options);
    partition = make_topic(store, "a", &topic);
    MUST(partition_read(partition, 4, 100, &buf, &diag));
    buf_unref(buf);
    told = (struct diag)DIAG_INIT;
    assert_int_equal(partition_read(partition, 5, 100, &buf, &told), ERR_CORRUPT);
    assert_non_null(strstr(told.text, "a file before it is missing"));
    topic_unref(topic);
    log_store_close(store);
    remove_dir(killed);
    remove_dir(dir);
}

static void a_crash_behind_a_checkpoint_reads_only_what_came_after(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store_options options = {.sync = true, .segment_bytes = 5000};
    struct log_store *store = open_store(dir, options);
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    struct batch_spec spec = {.count = 1, .producer_id = 5, .value_bytes = 300};
    for (int i = 0; i < 50; i++, spec.sequence++)
        put(partition, spec);
    MUST(checkpoint_write(store, false, &diag));
    char killed[300], path[400];
    snprintf(killed, sizeof killed, "%s.killed", dir);
    for (int more = 0; more < 40; more++, spec.sequence++) {
        copy_dir(dir, killed);
        // Not looked at: what lies before the checkpoint.
        path_in(path, sizeof path, killed, log_name);
        flip_bit(path, 200);
        struct log_store *again = open_store(killed, options);
        struct topic *topic2;
        struct partition *partition2 = make_topic(again, "a", &topic2);
        assert_int_equal(partition_offsets(partition2).end, 50 + more);
        assert_int_equal(put(partition2, spec), 50 + more);
        struct batch_spec repeated = spec;
        repeated.sequence -= 3;
        assert_int_equal(put(partition2, repeated), 47 + more);
        struct buf *buf;
        for (int64_t offset = 20; offset < 50 + more; offset++) {
            MUST(partition_read(partition2, offset, 100, &buf, &diag));
            buf_unref(buf);
        }
        topic_unref(topic2);
        log_store_close(again);
        put(partition, spec);
    }
    topic_unref(topic);
    log_store_close(store);
    remove_dir(killed);
    remove_dir(dir);
}

static void a_bad_checkpoint_means_reading_all(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, SYNCED);
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    for (int i = 0; i < 10; i++)
        put(partition, (struct batch_spec){.count = 1});
    MUST(checkpoint_write(store, false, &diag));
    topic_unref(topic);
    char killed[300], path[400];
    snprintf(killed, sizeof killed, "%s.killed", dir);
    copy_dir(dir, killed);
    snprintf(path, sizeof path, "%s/checkpoint", killed);
    flip_bit(path, 30);
    struct log_store *again = open_store(killed, SYNCED);
    partition = make_topic(again, "a", &topic);
    assert_int_equal(count_records(partition), 10);
    topic_unref(topic);
    log_store_close(again);
    log_store_close(store);
    remove_dir(killed);
    remove_dir(dir);
}

static void assert_ends_early(struct partition *partition)
{
    struct diag why = DIAG_INIT;
    struct buf *buf = NULL;
    char expected[400];
    int64_t offset;
    snprintf(expected, sizeof expected,
             "ends at offset 7 of a-0, but records up to offset 9 were on disk at the last "
             "checkpoint. Bring its files back, or give them up with `weir log repair a-0`");
    assert_int_equal(partition_offsets(partition).end, 10);
    MUST(partition_read(partition, 0, 1 << 20, &buf, &diag));
    buf_unref(buf);
    assert_int_equal(partition_read(partition, 8, 1 << 20, &buf, &why), ERR_CORRUPT);
    assert_non_null(strstr(why.text, expected));
    assert_int_equal(try_put(partition, (struct batch_spec){.count = 1}, &offset), ERR_CORRUPT);
}

static void
a_file_shorter_than_the_checkpoint_says_is_told_until_somebody_gives_the_rest_up(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, SYNCED);
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    for (int i = 0; i < 10; i++)
        put(partition, (struct batch_spec){.count = 1});
    int64_t size = partition_offsets(partition).bytes / 10;
    MUST(checkpoint_write(store, false, &diag));
    topic_unref(topic);
    char killed[300], path[400];
    snprintf(killed, sizeof killed, "%s.killed", dir);
    copy_dir(dir, killed);
    log_store_close(store);
    path_in(path, sizeof path, killed, log_name);
    assert_int_equal(truncate(path, size * 7 + 5), 0);
    for (int start = 0; start < 2; start++) { // a clean stop does not hide it
        store = open_store(killed, SYNCED);
        partition = make_topic(store, "a", &topic);
        assert_ends_early(partition);
        topic_unref(topic);
        log_store_close(store);
    }
    struct repaired repaired;
    MUST(repair_partition(killed, "a", 0, &repaired, &diag));
    assert_int_equal(repaired.offsets, 3);
    store = open_store(killed, SYNCED);
    partition = make_topic(store, "a", &topic);
    assert_int_equal(put(partition, (struct batch_spec){.count = 1}), 10);
    assert_int_equal(count_records(partition), 11); // three of them empty
    topic_unref(topic);
    log_store_close(store);
    remove_dir(killed);
    remove_dir(dir);
}

static void a_roll_cut_short_by_a_crash_leaves_no_hole(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    char killed[300], path[400];
    snprintf(killed, sizeof killed, "%s.killed", dir);
    int64_t size = killed_store(dir, killed, 3);
    path_in(path, sizeof path, killed, "00000000000000000006.log");
    close(open(path, O_CREAT | O_RDWR, 0644)); // begun, nothing written
    path_in(path, sizeof path, killed, log_name);
    assert_int_equal(truncate(path, size * 3 - 1), 0); // and the tail before it torn
    struct log_store *store = open_store(killed, SYNCED);
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    assert_int_equal(partition_offsets(partition).end, 4);
    assert_int_equal(put(partition, (struct batch_spec){.count = 1}), 4);
    assert_int_equal(count_records(partition), 5);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(killed);
    remove_dir(dir);
}

static void what_was_reserved_behind_the_data_is_given_back(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    char killed[300], path[400];
    snprintf(killed, sizeof killed, "%s.killed", dir);
    struct log_store *store = open_store(dir, SYNCED);
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    for (int i = 0; i < 3; i++)
        put(partition, (struct batch_spec){.count = 1, .value_bytes = 50000});
    int64_t bytes = partition_offsets(partition).bytes;
    topic_unref(topic);
    copy_dir(dir, killed);
    path_in(path, sizeof path, dir, log_name);
    assert_true(size_of(path) > bytes);
    log_store_close(store);
    assert_int_equal(size_of(path), bytes);
    path_in(path, sizeof path, killed, log_name);
    assert_true(size_of(path) > bytes);
    store = open_store(killed, SYNCED);
    partition = make_topic(store, "a", &topic);
    assert_int_equal(size_of(path), bytes + ROUND_MARK_BYTES);
    assert_int_equal(count_records(partition), 3);
    assert_int_equal(put(partition, (struct batch_spec){.count = 1}), 3);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(killed);
    remove_dir(dir);
}

static void zeros_behind_an_older_file_are_no_damage(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    char killed[300], path[400];
    snprintf(killed, sizeof killed, "%s.killed", dir);
    struct log_store *store =
        open_store(dir, (struct log_store_options){.sync = true, .segment_bytes = 100000});
    struct topic *topic;
    struct partition *partition = make_topic(store, "a", &topic);
    for (int i = 0; i < 3; i++)
        put(partition, (struct batch_spec){.count = 1, .value_bytes = 60000});
    topic_unref(topic);
    copy_dir(dir, killed);
    log_store_close(store);
    path_in(path, sizeof path, killed, log_name);
    int64_t bytes = size_of(path);
    assert_int_equal(truncate(path, bytes + 300000), 0);
    store = open_store(killed, SYNCED);
    partition = make_topic(store, "a", &topic);
    assert_int_equal(size_of(path), bytes);
    assert_int_equal(count_records(partition), 3);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(killed);
    remove_dir(dir);
}

static void an_index_missing_short_or_wrong_is_made_anew(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    char path[400];
    for (int kind = 0; kind < 4; kind++) {
        struct log_store *store = open_store(dir, SYNCED);
        struct topic *topic;
        struct partition *partition = make_topic(store, "a", &topic);
        for (int i = 0; i < 100; i++)
            put(partition, (struct batch_spec){
                               .count = 1, .timestamp_ms = 1000 * kind + i, .value_bytes = 500});
        topic_unref(topic);
        log_store_close(store);
        path_in(path, sizeof path, dir, "00000000000000000000.index");
        int64_t size = size_of(path);
        assert_true(size >= 16 * 10);
        if (kind == 0)
            unlink(path);
        else if (kind == 1)
            assert_int_equal(truncate(path, size / 2 / 16 * 16), 0);
        else if (kind == 2)
            flip_bit(path, size - 16 + 2);
        else
            assert_int_equal(truncate(path, size - 3), 0);
        store = open_store(dir, SYNCED);
        partition = make_topic(store, "a", &topic);
        int64_t end = partition_offsets(partition).end;
        for (int64_t offset = 0; offset < end; offset += 7) {
            struct buf *buf;
            MUST(partition_read(partition, offset, 100, &buf, &diag));
            struct batch_header header;
            assert_true(batch_header_read(&header, buf_bytes(buf)));
            assert_int_equal(header.base_offset, offset);
            buf_unref(buf);
        }
        assert_int_equal(size_of(path), size);
        int64_t offset, found;
        MUST(partition_offset_at(partition, 1000 * kind + 50, &offset, &found, &diag));
        assert_int_equal(offset, 100 * kind + 50);
        topic_unref(topic);
        log_store_close(store);
    }
    remove_dir(dir);
}

static void a_bad_catalog_stops_the_start_with_its_path(void **state)
{
    (void)state;
    const char *dir = fresh_dir();
    struct log_store *store = open_store(dir, SYNCED);
    MUST(log_store_create_topic(store, "a", 1, NULL, 0, NULL, &diag));
    log_store_close(store);
    char path[400];
    snprintf(path, sizeof path, "%s/catalog", dir);
    flip_bit(path, 14);
    struct log_store_options options = {.dir = dir};
    struct diag told = DIAG_INIT;
    assert_int_equal(log_store_open(&store, &options, &told), ERR_CORRUPT);
    assert_non_null(strstr(told.text, "/catalog: its checksum does not hold"));
    remove_dir(dir);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_torn_tail_is_cut_at_every_byte_of_the_last_batch),
        cmocka_unit_test(a_flipped_bit_in_the_last_batch_is_a_torn_tail_too),
        cmocka_unit_test(damage_in_the_middle_is_told_and_never_skipped),
        cmocka_unit_test(a_torn_batch_of_the_last_round_is_cut_with_the_whole_ones_behind_it),
        cmocka_unit_test(a_mark_of_a_stranger_behind_damage_cuts_nothing_off),
        cmocka_unit_test(damage_in_an_older_segment_and_a_missing_one_are_told),
        cmocka_unit_test(a_crash_behind_a_checkpoint_reads_only_what_came_after),
        cmocka_unit_test(a_bad_checkpoint_means_reading_all),
        cmocka_unit_test(
            a_file_shorter_than_the_checkpoint_says_is_told_until_somebody_gives_the_rest_up),
        cmocka_unit_test(a_roll_cut_short_by_a_crash_leaves_no_hole),
        cmocka_unit_test(what_was_reserved_behind_the_data_is_given_back),
        cmocka_unit_test(zeros_behind_an_older_file_are_no_damage),
        cmocka_unit_test(an_index_missing_short_or_wrong_is_made_anew),
        cmocka_unit_test(a_bad_catalog_stops_the_start_with_its_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
