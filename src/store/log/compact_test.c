// SPDX-License-Identifier: Apache-2.0
#include "store/log/compact_test_util.h"

#include "store/log/offset_map.h"
#include "wire/kafka/marker.h"

enum { DAY_MS = 24 * 60 * 60 * 1000 };

// --- the rules ---

static void the_newest_record_of_each_key_stays_where_it_was(void **state)
{
    (void)state;
    struct scene scene = make_scene(quiet, NULL, 0);
    SAY_SEGMENTS(&scene, "a=1 b=1 c=1", "a=2 d=1", "b=2 a=3");
    say(&scene, (struct spec){.records = "z=1"});
    cleaner_run(scene.store);
    assert_holds(&scene, "2:c=1 4:d=1 5:b=2 6:a=3 7:z=1");
    assert_int_equal(partition_offsets(scene.partition).start, 0);
    reopen(&scene);
    assert_holds(&scene, "2:c=1 4:d=1 5:b=2 6:a=3 7:z=1");
    assert_int_equal(say(&scene, (struct spec){.records = "c=2"}), 8);
    end_scene(&scene);
}

static void the_active_segment_is_left_alone(void **state)
{
    (void)state;
    struct scene scene = make_scene(quiet, NULL, 0);
    say(&scene, (struct spec){.records = "a=1 a=2"});
    say(&scene, (struct spec){.records = "a=3"});
    cleaner_run(scene.store);
    assert_holds(&scene, "0:a=1 1:a=2 2:a=3");
    roll(&scene);
    say(&scene, (struct spec){.records = "a=4"}); // in the active one: the map does not know it
    cleaner_run(scene.store);
    assert_holds(&scene, "2:a=3 3:a=4");
    end_scene(&scene);
}

static void a_topic_that_is_not_compacted_is_left_alone(void **state)
{
    (void)state;
    struct topic_setting setting = {"cleanup.policy", "delete"};
    struct scene scene = make_scene(quiet, &setting, 1);
    SAY_SEGMENTS(&scene, "a=1", "a=2");
    cleaner_run(scene.store);
    assert_holds(&scene, "0:a=1 1:a=2");
    end_scene(&scene);
}

static void records_without_a_key_go(void **state)
{
    (void)state;
    struct scene scene = make_scene(quiet, NULL, 0);
    SAY_SEGMENTS(&scene, "=1 a=1 =2");
    cleaner_run(scene.store);
    assert_holds(&scene, "1:a=1");
    end_scene(&scene);
}

static void a_tombstone_stays_for_delete_retention_from_when_it_was_first_cleaned(void **state)
{
    (void)state;
    struct topic_setting setting = {"delete.retention.ms", "1000"};
    struct scene scene = make_scene(quiet, &setting, 1);
    int64_t now_ms = clock_now_ms();
    // Written long ago: what counts is when it is cleaned.
    SAY_SEGMENTS(&scene, "a=1 b=1");
    say(&scene, (struct spec){.records = "x=1 a", .timestamp_ms = now_ms - 3LL * DAY_MS});
    roll(&scene);
    clock_simulate(now_ms * 1000);
    cleaner_run(scene.store);
    assert_holds(&scene, "1:b=1 2:x=1 3:a");
    struct batch_header *headers = headers_of(&scene);
    assert_int_equal(headers[0].attributes & BATCH_DELETE_HORIZON, 0);
    assert_int_equal(headers[1].attributes & BATCH_DELETE_HORIZON, BATCH_DELETE_HORIZON);
    assert_int_equal(headers[1].base_timestamp, now_ms + 1000);
    assert_int_equal(headers[1].max_timestamp, now_ms - 3LL * DAY_MS + 1);
    struct buf *buf;
    MUST(partition_read(scene.partition, 2, 10, &buf, &diag));
    struct record_reader reader;
    struct record record;
    MUST(record_reader_open(&reader, buf_bytes(buf), 1000, &diag));
    assert_true(record_reader_next(&reader, &record));
    assert_int_equal(record.timestamp_ms, now_ms - 3LL * DAY_MS); // what they were
    record_reader_release(&reader);
    buf_unref(buf);
    SAY_SEGMENTS(&scene, "c=1");
    clock_simulate((now_ms + 999) * 1000);
    cleaner_run(scene.store);
    assert_holds(&scene, "1:b=1 2:x=1 3:a 4:c=1");
    assert_int_equal(headers_of(&scene)[1].base_timestamp, now_ms + 1000); // set once
    SAY_SEGMENTS(&scene, "d=1");
    clock_simulate((now_ms + 1000) * 1000);
    cleaner_run(scene.store);
    assert_holds(&scene, "1:b=1 2:x=1 4:c=1 5:d=1");
    clock_real();
    end_scene(&scene);
}

static void the_newest_batch_of_a_producer_stays_without_records(void **state)
{
    (void)state;
    struct scene scene = make_scene(quiet, NULL, 0);
    say(&scene, (struct spec){.records = "a=1", .producer_id = 5});
    say(&scene, (struct spec){.records = "a=2 b=1", .producer_id = 5, .sequence = 1});
    say(&scene, (struct spec){.records = "a=3 b=2", .producer_id = 6});
    say(&scene, (struct spec){.records = "c=1"});
    roll(&scene);
    cleaner_run(scene.store);
    assert_holds(&scene, "3:a=3 4:b=2 5:c=1");
    struct batch_header *headers = headers_of(&scene);
    assert_int_equal(headers[0].producer_id, 5);
    assert_int_equal(headers[0].record_count, 0);
    assert_int_equal(headers[0].base_offset, 1);
    assert_int_equal(headers[0].last_offset_delta, 1);
    assert_int_equal(headers[0].base_sequence, 1);
    assert_int_equal(headers[1].producer_id, 6);
    // Without a checkpoint the sequences come from what compaction left.
    char copy[300], path[400];
    struct scene killed = after_kill(&scene, copy);
    close_scene(&killed);
    snprintf(path, sizeof path, "%s/checkpoint", copy);
    unlink(path);
    snprintf(path, sizeof path, "%s/clean-stop", copy);
    unlink(path);
    open_scene(&killed, quiet);
    assert_int_equal(
        say(&killed, (struct spec){.records = "a=2 b=1", .producer_id = 5, .sequence = 1}), 1);
    int64_t offset;
    assert_int_equal(partition_append_wait(killed.partition,
                                           keyed_batch((struct spec){
                                               .records = "a=4", .producer_id = 5, .sequence = 4}),
                                           &offset, NULL),
                     ERR_OUT_OF_ORDER_SEQUENCE);
    assert_int_equal(say(&killed, (struct spec){.records = "a=4", .producer_id = 5, .sequence = 3}),
                     6);
    end_scene(&killed);
    end_scene(&scene);
}

static void nothing_is_done_below_the_dirty_ratio(void **state)
{
    (void)state;
    struct topic_setting setting = {"min.cleanable.dirty.ratio", "0.5"};
    struct scene scene = make_scene(quiet, &setting, 1);
    SAY_SEGMENTS(&scene, "a=1 b=1 c=1 d=1");
    cleaner_run(scene.store); // all of it was dirty
    assert_int_equal(scene.partition->cleaned_to, 4);
    SAY_SEGMENTS(&scene, "a=2");
    cleaner_run(scene.store);
    assert_holds(&scene, "0:a=1 1:b=1 2:c=1 3:d=1 4:a=2");
    SAY_SEGMENTS(&scene, "b=2 a=3 b=3 a=4 b=4");
    cleaner_run(scene.store);
    assert_holds(&scene, "2:c=1 3:d=1 8:a=4 9:b=4");
    end_scene(&scene);
}

static void a_record_younger_than_the_least_lag_is_left_alone(void **state)
{
    (void)state;
    struct topic_setting setting = {"min.compaction.lag.ms", "60000"};
    struct scene scene = make_scene(quiet, &setting, 1);
    int64_t now_ms = clock_now_ms();
    say(&scene, (struct spec){.records = "a=1 a=2", .timestamp_ms = now_ms - 100000});
    roll(&scene);
    say(&scene, (struct spec){.records = "a=3", .timestamp_ms = now_ms - 1000});
    roll(&scene);
    say(&scene, (struct spec){.records = "a=4", .timestamp_ms = now_ms - 100000});
    roll(&scene);
    cleaner_run(scene.store);
    assert_holds(&scene, "1:a=2 2:a=3 3:a=4");
    end_scene(&scene);
}

static void a_record_older_than_the_greatest_lag_is_cleaned_at_any_ratio(void **state)
{
    (void)state;
    struct topic_setting settings[] = {{"min.cleanable.dirty.ratio", "1"},
                                       {"max.compaction.lag.ms", "60000"}};
    struct scene scene = make_scene(quiet, settings, 2);
    int64_t now_ms = clock_now_ms();
    say(&scene, (struct spec){.records = "a=1 a=2", .timestamp_ms = now_ms - 1000});
    roll(&scene);
    cleaner_run(scene.store);
    assert_holds(&scene, "0:a=1 1:a=2");
    clock_simulate((now_ms + 59500) * 1000);
    cleaner_run(scene.store);
    clock_real();
    assert_holds(&scene, "1:a=2");
    end_scene(&scene);
}

static void batches_are_packed_with_the_codec_they_had(void **state)
{
    (void)state;
    enum batch_compression codecs[] = {BATCH_GZIP, BATCH_SNAPPY, BATCH_LZ4, BATCH_ZSTD};
    struct scene scene = make_scene(quiet, NULL, 0);
    for (int i = 0; i < 4; i++)
        say(&scene,
            (struct spec){.records = "a=11111111111111111111111 k=1 b=2", .codec = codecs[i]});
    roll(&scene);
    SAY_SEGMENTS(&scene, "a=2");
    cleaner_run(scene.store);
    assert_holds(&scene, "10:k=1 11:b=2 12:a=2");
    assert_int_equal(headers_of(&scene)[0].attributes, BATCH_ZSTD);
    for (int i = 0; i < 4; i++) {
        char records[50];
        snprintf(records, sizeof records, "x%d=1 y=1", i);
        say(&scene, (struct spec){.records = records, .codec = codecs[i]});
    }
    roll(&scene);
    cleaner_run(scene.store);
    assert_holds(&scene, "10:k=1 11:b=2 12:a=2 13:x0=1 15:x1=1 17:x2=1 19:x3=1 20:y=1");
    for (int i = 0; i < 4; i++)
        assert_int_equal(headers_of(&scene)[2 + i].attributes, codecs[i]);
    end_scene(&scene);
}

static void headers_times_and_places_survive(void **state)
{
    (void)state;
    struct scene scene = make_scene(quiet, NULL, 0);
    int64_t now_ms = clock_now_ms() - 1000 * 1000;
    char records[100];
    for (int i = 0; i < 600; i++) {
        snprintf(records, sizeof records, "k%d=%060d b=1 last=%d", i % 500, i, i);
        say(&scene, (struct spec){.records = records, .timestamp_ms = now_ms + 10 * i});
        if (i % 100 == 99)
            roll(&scene);
    }
    cleaner_run(scene.store);
    assert_int_equal(segment_count(&scene), 2);
    for (int round = 0; round < 2; round++) {
        for (int i = 100; i < 600; i++) {
            int64_t offset, found;
            MUST(partition_offset_at(scene.partition, now_ms + 10 * i, &offset, &found, &diag));
            assert_int_equal(offset, 3 * i);
            assert_int_equal(found, now_ms + 10 * i);
            struct buf *buf;
            MUST(partition_read(scene.partition, 3 * i, 10, &buf, &diag));
            struct record_reader reader;
            struct record record;
            struct record_header header;
            MUST(record_reader_open(&reader, buf_bytes(buf), 1000, &diag));
            assert_true(record_reader_next(&reader, &record));
            assert_int_equal(record.offset, 3 * i);
            assert_true(record_header_next(&record.headers, &header));
            assert_true(bytes_is(header.key, "h") && bytes_is(header.value, "x"));
            record_reader_release(&reader);
            buf_unref(buf);
        }
        reopen(&scene);
    }
    end_scene(&scene);
}

static void a_batch_larger_than_any_buffer_is_cleaned(void **state)
{
    (void)state;
    struct topic_setting setting = {"max.message.bytes", "20000000"};
    struct scene scene = make_scene(quiet, &setting, 1);
    size_t size = 5 << 20;
    char *value = mem_alloc(size);
    memset(value, 'v', size);
    struct record_builder builder = {0};
    for (int i = 0; i < 3; i++)
        record_builder_add(&builder, clock_now_ms(), bytes_from(i == 1 ? "b" : "a"),
                           bytes_make(value, size), NULL, 0);
    struct str out = {0};
    MUST(record_builder_finish(&builder, &out, &diag));
    MUST(partition_append_wait(scene.partition, buf_copy(out.ptr, out.size), NULL, &diag));
    roll(&scene);
    SAY_SEGMENTS(&scene, "a=1");
    cleaner_run(scene.store);
    assert_in_range(partition_offsets(scene.partition).bytes, size, size + 300);
    str_release(&out);
    record_builder_release(&builder);
    mem_free(value);
    end_scene(&scene);
}

static void neighbours_become_one_segment_while_they_fit(void **state)
{
    (void)state;
    struct topic_setting setting = {"segment.bytes", "300"};
    struct scene scene = make_scene(quiet, &setting, 1);
    SAY_SEGMENTS(&scene, "a=1", "b=1", "c=1", "d=1", "e=1", "f=1", "g=1");
    assert_int_equal(segment_count(&scene), 8);
    cleaner_run(scene.store);
    assert_holds(&scene, "0:a=1 1:b=1 2:c=1 3:d=1 4:e=1 5:f=1 6:g=1");
    assert_int_equal(segment_count(&scene), 3); // four of 74 bytes, and three
    reopen(&scene);
    assert_holds(&scene, "0:a=1 1:b=1 2:c=1 3:d=1 4:e=1 5:f=1 6:g=1");
    end_scene(&scene);
}

static void more_keys_than_the_map_takes_need_more_rounds(void **state)
{
    (void)state;
    struct log_store_options options = quiet;
    options.cleaner_map_bytes = 24 * 13; // for ten keys
    struct scene scene = make_scene(options, NULL, 0);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 30; i++) {
            char records[30];
            snprintf(records, sizeof records, "k%d=%d", i, round);
            say(&scene, (struct spec){.records = records});
            if (i % 7 == 0)
                roll(&scene);
        }
    }
    roll(&scene);
    cleaner_run(scene.store);
    assert_in_range(scene.partition->cleaned_to, 8, 12);
    for (int i = 0; i < 20 && scene.partition->cleaned_to < 60; i++)
        cleaner_run(scene.store);
    assert_int_equal(scene.partition->cleaned_to, 60);
    struct str text = {0};
    each_batch(scene.partition, show_one, &text);
    int count = 0;
    for (const char *at = str_text(&text); *at; at++)
        count += *at == '=';
    assert_int_equal(count, 30);
    assert_non_null(strstr(str_text(&text), "30:k0=1 31:k1=1"));
    str_release(&text);
    end_scene(&scene);
}

static void one_batch_with_more_keys_than_the_map_takes_does_not_stop_it(void **state)
{
    (void)state;
    struct log_store_options options = quiet;
    options.cleaner_map_bytes = 24 * 2;
    struct scene scene = make_scene(options, NULL, 0);
    SAY_SEGMENTS(&scene, "a=1 b=1 c=1 d=1 e=1 f=1 g=1 a=2", "a=3");
    for (int i = 0; i < 4; i++)
        cleaner_run(scene.store);
    assert_int_equal(scene.partition->cleaned_to, 9);
    struct str text = {0};
    each_batch(scene.partition, show_one, &text);
    assert_non_null(strstr(str_text(&text), "6:g=1"));
    assert_non_null(strstr(str_text(&text), "8:a=3"));
    str_release(&text);
    end_scene(&scene);
}

static void both_policies_compact_and_delete(void **state)
{
    (void)state;
    struct topic_setting settings[] = {{"cleanup.policy", "compact,delete"},
                                       {"retention.ms", "1000000"}};
    struct scene scene = make_scene(quiet, settings, 2);
    int64_t now_ms = clock_now_ms();
    say(&scene, (struct spec){.records = "a=1", .timestamp_ms = now_ms - 2000000});
    roll(&scene);
    say(&scene, (struct spec){.records = "b=1 b=2", .timestamp_ms = now_ms - 1000});
    roll(&scene);
    keeper_retain(scene.store);
    assert_int_equal(partition_offsets(scene.partition).start, 1);
    cleaner_run(scene.store);
    assert_holds(&scene, "2:b=2");
    end_scene(&scene);
}

// --- transactions ---

struct waited {
    struct append append;
    _Atomic bool done;
};

static void set_done(struct append *append)
{
    CONTAINER_OF(append, struct waited, append)->done = true;
}

static int64_t mark(struct scene *scene, int64_t producer_id, bool commit)
{
    struct str out = {0};
    struct marker marker = {
        .commit = commit, .producer_id = producer_id, .timestamp_ms = clock_now_ms()};
    marker_write(&marker, &out);
    struct buf *buf = buf_copy(out.ptr, out.size);
    str_release(&out);
    struct waited waited = {.append = {.buf = buf,
                                       .batch = buf->ptr,
                                       .size = buf->size,
                                       .internal = true,
                                       .checked = true,
                                       .until = APPEND_SYNCED,
                                       .done = set_done}};
    partition_append(scene->partition, &waited.append);
    while (!waited.done)
        clock_sleep_us(100);
    if (waited.append.err != ERR_OK)
        fail_msg("%s: %s", err_name(waited.append.err), waited.append.story);
    return waited.append.base_offset;
}

static int64_t say_in_txn(struct scene *scene, const char *records, int64_t producer_id,
                          int32_t sequence)
{
    return say(scene, (struct spec){.records = records,
                                    .producer_id = producer_id,
                                    .sequence = sequence,
                                    .attributes = BATCH_TRANSACTIONAL});
}

static void aborted_data_goes_and_later_its_marker(void **state)
{
    (void)state;
    struct topic_setting setting = {"delete.retention.ms", "1000"};
    struct scene scene = make_scene(quiet, &setting, 1);
    int64_t now_ms = clock_now_ms();
    clock_simulate(now_ms * 1000);
    SAY_SEGMENTS(&scene, "a=1 b=1");
    say_in_txn(&scene, "a=2 c=2", 7, 0);
    roll(&scene);
    say_in_txn(&scene, "d=2", 7, 2);
    mark(&scene, 7, false);
    say_in_txn(&scene, "b=3", 7, 3);
    mark(&scene, 7, true);
    roll(&scene);
    assert_holds(&scene, "0:a=1 1:b=1 2:a=2 3:c=2 4:d=2 5:ABORT 6:b=3 7:COMMIT");
    cleaner_run(scene.store);
    // What was aborted neither stays nor hides the record before it.
    assert_holds(&scene, "0:a=1 5:ABORT 6:b=3 7:COMMIT");
    struct aborted_list aborted = {0};
    MUST(partition_aborted(scene.partition, 0, 8, 0, &aborted, &diag));
    assert_int_equal(aborted.count, 1);
    vec_release(&aborted);
    // Now the marker has no data: it goes delete.retention.ms after that was found.
    SAY_SEGMENTS(&scene, "x=1");
    cleaner_run(scene.store);
    assert_holds(&scene, "0:a=1 5:ABORT 6:b=3 7:COMMIT 8:x=1");
    const struct batch_header *marker = headers_of(&scene) + 1;
    assert_int_equal(marker->attributes & BATCH_DELETE_HORIZON, BATCH_DELETE_HORIZON);
    assert_int_equal(marker->base_timestamp, now_ms + 1000);
    clock_simulate((now_ms + 1000) * 1000);
    SAY_SEGMENTS(&scene, "x=2");
    cleaner_run(scene.store);
    assert_holds(&scene, "0:a=1 6:b=3 7:COMMIT 9:x=2");
    clock_real();
    reopen(&scene);
    assert_holds(&scene, "0:a=1 6:b=3 7:COMMIT 9:x=2");
    end_scene(&scene);
}

static void an_open_transaction_holds_compaction_back(void **state)
{
    (void)state;
    struct scene scene = make_scene(quiet, NULL, 0);
    SAY_SEGMENTS(&scene, "a=1 a=2");
    say_in_txn(&scene, "a=3", 7, 0);
    roll(&scene);
    SAY_SEGMENTS(&scene, "a=4");
    cleaner_run(scene.store);
    assert_holds(&scene, "1:a=2 2:a=3 3:a=4");
    mark(&scene, 7, false); // in the active segment: how it ended is known all the same
    cleaner_run(scene.store);
    assert_holds(&scene, "3:a=4 4:ABORT");
    end_scene(&scene);
}

static void a_transaction_aborted_behind_what_is_cleaned_hides_nothing(void **state)
{
    (void)state;
    struct topic_setting setting = {"min.compaction.lag.ms", "60000"};
    struct scene scene = make_scene(quiet, &setting, 1);
    int64_t old_ms = clock_now_ms() - 100000;
    say(&scene, (struct spec){.records = "a=1", .timestamp_ms = old_ms});
    say(&scene, (struct spec){.records = "a=2",
                              .timestamp_ms = old_ms,
                              .producer_id = 7,
                              .attributes = BATCH_TRANSACTIONAL});
    roll(&scene);
    mark(&scene, 7, false); // too young to be cleaned
    roll(&scene);
    cleaner_run(scene.store);
    assert_int_equal(scene.partition->cleaned_to, 2);
    assert_holds(&scene, "0:a=1 2:ABORT");
    end_scene(&scene);
}

// --- parts ---

static void the_hash_of_keys_is_siphash(void **state)
{
    (void)state;
    // From the reference implementation: key 00 01 .. 0f, input 00 01 .. (n - 1).
    static const uint64_t expected[][2] = {
        {0xe6a825ba047f81a3, 0x930255c71472f66d}, // 0 bytes
        {0x44af996bd8c187da, 0x45fc229b11597634}, // 1
    };
    const uint64_t seed[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    for (size_t size = 0; size < 2; size++) {
        uint8_t input[1] = {0};
        uint64_t out[2];
        offset_map_hash(seed, bytes_make(input, size), out);
        assert_int_equal(out[0], expected[size][0]);
        assert_int_equal(out[1], expected[size][1]);
    }
}

static void the_map_of_keys_is_full_when_it_says_so(void **state)
{
    (void)state;
    struct offset_map map;
    offset_map_init(&map, 100);
    char key[20];
    int64_t kept = 0;
    for (; kept < 1000; kept++) {
        snprintf(key, sizeof key, "%lld", (long long)kept);
        if (!offset_map_put(&map, bytes_from(key), kept))
            break;
    }
    assert_int_equal(kept, 76);
    for (int64_t i = 0; i < 200; i++) {
        snprintf(key, sizeof key, "%lld", (long long)i);
        assert_int_equal(offset_map_get(&map, bytes_from(key)), i < kept ? i : -1);
    }
    assert_true(offset_map_put(&map, bytes_from("5"), 5000)); // one it knows has room
    assert_int_equal(offset_map_get(&map, bytes_from("5")), 5000);
    assert_int_equal(offset_map_get(&map, bytes_from("")), -1);
    offset_map_release(&map);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_record_of_each_key_stays_where_it_was),
        cmocka_unit_test(the_active_segment_is_left_alone),
        cmocka_unit_test(a_topic_that_is_not_compacted_is_left_alone),
        cmocka_unit_test(records_without_a_key_go),
        cmocka_unit_test(a_tombstone_stays_for_delete_retention_from_when_it_was_first_cleaned),
        cmocka_unit_test(the_newest_batch_of_a_producer_stays_without_records),
        cmocka_unit_test(nothing_is_done_below_the_dirty_ratio),
        cmocka_unit_test(a_record_younger_than_the_least_lag_is_left_alone),
        cmocka_unit_test(a_record_older_than_the_greatest_lag_is_cleaned_at_any_ratio),
        cmocka_unit_test(batches_are_packed_with_the_codec_they_had),
        cmocka_unit_test(headers_times_and_places_survive),
        cmocka_unit_test(a_batch_larger_than_any_buffer_is_cleaned),
        cmocka_unit_test(neighbours_become_one_segment_while_they_fit),
        cmocka_unit_test(more_keys_than_the_map_takes_need_more_rounds),
        cmocka_unit_test(one_batch_with_more_keys_than_the_map_takes_does_not_stop_it),
        cmocka_unit_test(both_policies_compact_and_delete),
        cmocka_unit_test(aborted_data_goes_and_later_its_marker),
        cmocka_unit_test(an_open_transaction_holds_compaction_back),
        cmocka_unit_test(a_transaction_aborted_behind_what_is_cleaned_hides_nothing),
        cmocka_unit_test(the_hash_of_keys_is_siphash),
        cmocka_unit_test(the_map_of_keys_is_full_when_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
