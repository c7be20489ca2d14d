// SPDX-License-Identifier: Apache-2.0
//
// Compaction beside readers, on damaged files and full disks, and cut short at every step.
#include "store/log/compact_test_util.h"

#include <signal.h>
#include <sys/resource.h>

// --- readers, faults, crashes ---

static void a_reader_of_an_old_segment_goes_on(void **state)
{
    (void)state;
    struct scene scene = make_scene(quiet, NULL, 0);
    SAY_SEGMENTS(&scene, "a=1 b=1", "a=2 b=2");
    struct log_range range;
    MUST(partition_range(scene.partition, 0, 1000, 0, &range, &diag));
    struct segment *never_opened = segment__ref(scene.partition->segments.items[1]);
    cleaner_run(scene.store);
    uint8_t *bytes = mem_alloc(range.size);
    MUST(file_pread(range.fd, bytes, range.size, range.position, &diag));
    struct str text = {0};
    show_batch(bytes_make(bytes, range.size), &text);
    assert_string_equal(str_text(&text), "0:a=1 1:b=1");
    str_release(&text);
    mem_free(bytes);
    log_range_release(&range);
    // One that opens the file only now must not get the new one.
    file_cache_drop(&scene.store->files, &never_opened->log);
    int fd;
    assert_int_equal(segment__get(never_opened, &fd, NULL), ERR_OFFSET_OUT_OF_RANGE);
    segment__unref(never_opened);
    assert_holds(&scene, "2:a=2 3:b=2");
    end_scene(&scene);
}

struct reader_thread {
    struct thread thread;
    struct scene *scene;
    _Atomic bool stop;
};

static void read_always(void *ctx)
{
    struct reader_thread *reader = ctx;
    while (!reader->stop) {
        struct str text = {0};
        each_batch(reader->scene->partition, show_one, &text);
        int64_t offset, found;
        MUST(partition_offset_at(reader->scene->partition, 1000, &offset, &found, &diag));
        assert_true(offset >= 0);
        str_release(&text);
    }
}

static void readers_and_the_writer_never_notice(void **state)
{
    (void)state;
    struct topic_setting setting = {"segment.bytes", "2000"};
    struct log_store_options options = quiet;
    options.file_max = 4; // files are closed and opened all the time
    struct scene scene = make_scene(options, &setting, 1);
    say(&scene, (struct spec){.records = "first=1"});
    struct reader_thread readers[2] = {{.scene = &scene}, {.scene = &scene}};
    for (int i = 0; i < 2; i++)
        thread_start(&readers[i].thread, "reader", read_always, &readers[i]);
    char records[100];
    for (int i = 0; i < 1500; i++) {
        snprintf(records, sizeof records, "k%d=%d shared=%d", i % 40, i, i);
        assert_int_equal(say(&scene, (struct spec){.records = records}), 1 + 2 * i);
        if (i % 50 == 49)
            cleaner_run(scene.store);
    }
    for (int i = 0; i < 2; i++) {
        readers[i].stop = true;
        thread_join(&readers[i].thread);
    }
    assert_true(partition_offsets(scene.partition).bytes < 20000);
    end_scene(&scene);
}

static void a_damaged_batch_is_never_given_a_good_checksum(void **state)
{
    (void)state;
    struct scene scene = make_scene(quiet, NULL, 0);
    SAY_SEGMENTS(&scene, "a=1 b=1", "a=2 b=2");
    char path[400];
    snprintf(path, sizeof path, "%s/a-0/%020d.log", scene.dir, 2);
    flip_bit(path, 70);
    cleaner_run(scene.store);
    assert_true(scene.partition->uncleanable);
    assert_int_equal(segment_count(&scene), 3);
    assert_int_equal(scene.partition->cleaned_to, 0);
    flip_bit(path, 70);
    assert_holds(&scene, "0:a=1 1:b=1 2:a=2 3:b=2");
    reopen(&scene);
    cleaner_run(scene.store);
    assert_holds(&scene, "2:a=2 3:b=2");
    end_scene(&scene);
}

static void a_full_disk_stops_it_and_nothing_else(void **state)
{
    (void)state;
    struct scene scene = make_scene(quiet, NULL, 0);
    for (int i = 0; i < 40; i++)
        say(&scene, (struct spec){.records = i % 2 ? "a=11111111111111111111111111111111111111"
                                                   : "b=22222222222222222222222222222222222222"});
    roll(&scene);
    for (int i = 0; i < 40; i++) {
        char records[100];
        snprintf(records, sizeof records, "k%d=22222222222222222222222222222222222222", i);
        say(&scene, (struct spec){.records = records});
    }
    roll(&scene);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit before, tight = {.rlim_cur = 3000};
    getrlimit(RLIMIT_FSIZE, &before);
    tight.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_FSIZE, &tight);
    cleaner_run(scene.store);
    assert_int_equal(scene.partition->cleaned_to, 0);
    assert_false(scene.partition->uncleanable);
    char path[400];
    snprintf(path, sizeof path, "%s/a-0/%020d.cleaned", scene.dir, 0);
    assert_false(file_exists(path));
    assert_int_equal(say(&scene, (struct spec){.records = "z=1"}), 80);
    setrlimit(RLIMIT_FSIZE, &before);
    cleaner_run(scene.store);
    assert_int_equal(scene.partition->cleaned_to, 80);
    end_scene(&scene);
}

static const char *const three_left = "2:c=1 4:d=1 5:b=2 6:a=3 7:z=1";

// All that a run does up to the swap, and not what comes behind it.
static void compact_half(struct scene *scene)
{
    struct topic_limits limits = topic__limits(scene->topic);
    struct clean_plan plan;
    int64_t to;
    assert_true(clean_plan(scene->partition, &limits, clock_now_ms(), &plan));
    MUST(compact_partition(scene->partition, &plan, &limits, &to, &diag));
}

static void a_swap_cut_short_is_finished_by_the_next_start(void **state)
{
    (void)state;
    for (int with_checkpoint = 0; with_checkpoint < 3; with_checkpoint++) {
        struct scene scene = make_scene(quiet, NULL, 0);
        say(&scene, (struct spec){.records = "a=0", .producer_id = 9});
        SAY_SEGMENTS(&scene, "b=1 c=1", "a=2 d=1");
        if (with_checkpoint == 1)
            MUST(checkpoint_write(scene.store, false, &diag)); // knows the old files
        SAY_SEGMENTS(&scene, "b=2 a=3");
        say(&scene, (struct spec){.records = "z=1"});
        compact_half(&scene);
        assert_int_equal(scene.store->cleaner.swaps.count, 1);
        assert_holds(&scene, three_left);
        if (with_checkpoint == 2)
            MUST(checkpoint_write(scene.store, false, &diag)); // knows the new ones
        char copy[300], path[400];
        struct scene killed = after_kill(&scene, copy);
        assert_holds(&killed, three_left);
        assert_int_equal(say(&killed, (struct spec){.records = "e=1"}), 8);
        cleaner_run(killed.store);
        snprintf(path, sizeof path, "%s/a-0/%020d-%020d.swap", copy, 0, 7);
        assert_false(file_exists(path));
        snprintf(path, sizeof path, "%s/a-0/%020d.log", copy, 3);
        assert_false(file_exists(path));
        reopen(&killed);
        assert_true(killed.store->clean);
        assert_int_equal(say(&killed, (struct spec){.records = "a=0", .producer_id = 9}),
                         0); // a repeated one
        end_scene(&killed);
        end_scene(&scene);
    }
}

static void what_was_not_swapped_in_is_removed(void **state)
{
    (void)state;
    struct scene scene = make_scene(quiet, NULL, 0);
    SAY_SEGMENTS(&scene, "a=1 b=1", "a=2");
    struct segment *begun;
    MUST(swap_begin(scene.partition, 0, &begun, &diag));
    char copy[300], path[400];
    struct scene killed = after_kill(&scene, copy);
    swap_abandon(begun);
    snprintf(path, sizeof path, "%s/a-0/%020d.cleaned", copy, 0);
    assert_false(file_exists(path));
    assert_holds(&killed, "0:a=1 1:b=1 2:a=2");
    end_scene(&killed);
    end_scene(&scene);
}

static void set_nothing(void *ctx)
{
    (void)ctx;
}

static void a_stop_before_a_swap_is_finished_is_no_clean_one(void **state)
{
    (void)state;
    struct scene scene = make_scene(quiet, NULL, 0);
    SAY_SEGMENTS(&scene, "a=1 b=1", "a=2");
    compact_half(&scene);
    // As if it could not be finished any more.
    topic_unref(scene.topic);
    scene.store->cleaner.busy = false;
    cleaner_stop(scene.store);
    thread_start(&scene.store->cleaner.thread, "none", set_nothing, NULL);
    log_store_close(scene.store);
    open_scene(&scene, quiet);
    assert_false(scene.store->clean);
    assert_holds(&scene, "1:b=1 2:a=2");
    end_scene(&scene);
}

static void a_deleted_topic_takes_its_half_done_compaction_with_it(void **state)
{
    (void)state;
    struct scene scene = make_scene(quiet, NULL, 0);
    SAY_SEGMENTS(&scene, "a=1 b=1", "a=2");
    compact_half(&scene);
    MUST(log_store_delete_topic(scene.store, "a", &diag));
    topic_unref(scene.topic);
    MUST(log_store_create_topic(scene.store, "a", 1, NULL, 0, &scene.topic, &diag));
    scene.partition = topic_partition(scene.topic, 0);
    SAY_SEGMENTS(&scene, "new=1");
    cleaner_run(scene.store);
    assert_int_equal(scene.store->cleaner.swaps.count, 0);
    assert_holds(&scene, "0:new=1");
    reopen(&scene);
    assert_holds(&scene, "0:new=1");
    end_scene(&scene);
}

static void retention_and_compaction_of_the_same_segments(void **state)
{
    (void)state;
    struct topic_setting settings[] = {{"cleanup.policy", "compact,delete"},
                                       {"retention.bytes", "0"}};
    struct scene scene = make_scene(quiet, settings, 2);
    SAY_SEGMENTS(&scene, "a=1 b=1", "a=2", "c=1");
    compact_half(&scene);
    keeper_retain(scene.store); // the swapped one is left alone until it has its name
    assert_holds(&scene, "1:b=1 2:a=2 3:c=1");
    cleaner_run(scene.store);
    keeper_retain(scene.store);
    assert_holds(&scene, "");
    assert_int_equal(partition_offsets(scene.partition).start, 4);
    reopen(&scene);
    assert_int_equal(say(&scene, (struct spec){.records = "d=1"}), 4);
    end_scene(&scene);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_of_an_old_segment_goes_on),
        cmocka_unit_test(readers_and_the_writer_never_notice),
        cmocka_unit_test(a_damaged_batch_is_never_given_a_good_checksum),
        cmocka_unit_test(a_full_disk_stops_it_and_nothing_else),
        cmocka_unit_test(a_swap_cut_short_is_finished_by_the_next_start),
        cmocka_unit_test(what_was_not_swapped_in_is_removed),
        cmocka_unit_test(a_stop_before_a_swap_is_finished_is_no_clean_one),
        cmocka_unit_test(a_deleted_topic_takes_its_half_done_compaction_with_it),
        cmocka_unit_test(retention_and_compaction_of_the_same_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
