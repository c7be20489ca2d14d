// SPDX-License-Identifier: Apache-2.0

#include "store/kv/kv.h"

#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "os/thread.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

// The test's format: a merge joins texts with '+', the filter drops "drop" and shortens "long", a
// prefix ends at ':'.
static bool join(struct str *out, const struct bytes *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes_is(values[i], "bad"))
            return false;
        if (i > 0)
            str_append_byte(out, '+');
        str_append_bytes(out, values[i]);
    }
    return true;
}

static enum kv_verdict judge(void *ctx, struct bytes key, struct bytes value, struct str *out)
{
    (void)ctx, (void)key;
    if (bytes_is(value, "drop"))
        return KV_DROP;
    if (!bytes_is(value, "long"))
        return KV_KEEP;
    str_append_text(out, "l");
    return KV_CHANGE;
}

static size_t prefix(struct bytes key)
{
    const uint8_t *colon = key.size ? memchr(key.ptr, ':', key.size) : NULL;
    return colon ? (size_t)(colon - key.ptr) + 1 : 0;
}

static char dir[64];

static struct kv *open_kv(void)
{
    struct kv *kv = NULL;
    struct diag diag = DIAG_INIT;
    struct kv_options options = {.dir = dir, .sync = true, .format = {join, judge, prefix, NULL}};
    if (kv_open(&kv, &options, &diag))
        fail_msg("%s", diag_text(&diag));
    return kv;
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/weir-kv-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return dir_remove(dir, NULL) == ERR_OK ? 0 : -1;
}

static void expect(struct kv *kv, const struct kv_snapshot *snapshot, const char *key,
                   const char *value)
{
    struct kv_value got;
    assert_int_equal(kv_get(kv, snapshot, KV_DATA, bytes_from(key), &got, NULL), ERR_OK);
    if (!value)
        assert_null(got.bytes.ptr);
    else if (!bytes_is(got.bytes, value))
        fail_msg("%s is %.*s, expected %s", key, BYTES_PRINT(got.bytes), value);
    kv_value_release(&got);
}

static void commit(struct kv *kv, struct kv_batch *batch)
{
    assert_int_equal(kv_commit(kv, batch, NULL), ERR_OK);
    kv_batch_release(batch);
}

static void batches_are_atomic_over_families_and_survive_reopening(void **state)
{
    (void)state;
    struct kv *kv = open_kv();
    struct kv_batch batch = {0};
    char long_value[300];
    memset(long_value, 'x', sizeof long_value);
    kv_put(&batch, KV_DATA, bytes_from("a:1"), bytes_from("one"));
    kv_put(&batch, KV_DATA, bytes_from("a:big"), bytes_make(long_value, sizeof long_value));
    kv_put(&batch, KV_META, bytes_from("m"), bytes_from("meta"));
    kv_put(&batch, KV_STATE, bytes_from("s"), bytes_from("state"));
    kv_merge(&batch, bytes_from("a:2"), bytes_from("x"));
    kv_merge(&batch, bytes_from("a:2"), bytes_from("y"));
    kv_put(&batch, KV_DATA, bytes_from("a:3"), bytes_from("three"));
    kv_delete(&batch, KV_DATA, bytes_from("a:3"));
    commit(kv, &batch);
    kv_close(kv);
    kv = open_kv();
    expect(kv, NULL, "a:1", "one");
    expect(kv, NULL, "a:2", "x+y");
    expect(kv, NULL, "a:3", NULL);
    struct kv_value got[3];
    struct bytes keys[3] = {bytes_from("a:big"), bytes_from("none"), bytes_from("a:1")};
    assert_int_equal(kv_get_many(kv, NULL, KV_DATA, keys, 3, got, NULL), ERR_OK);
    assert_int_equal(got[0].bytes.size, 300);
    assert_null(got[1].bytes.ptr);
    assert_true(bytes_is(got[2].bytes, "one"));
    for (int i = 0; i < 3; i++)
        kv_value_release(&got[i]);
    assert_int_equal(kv_get(kv, NULL, KV_META, bytes_from("m"), &got[0], NULL), ERR_OK);
    assert_true(bytes_is(got[0].bytes, "meta"));
    kv_value_release(&got[0]);
    kv_close(kv);
}

static void a_snapshot_does_not_see_later_writes(void **state)
{
    (void)state;
    struct kv *kv = open_kv();
    struct kv_batch batch = {0};
    kv_merge(&batch, bytes_from("k"), bytes_from("1"));
    commit(kv, &batch);
    struct kv_snapshot *snapshot = kv_snapshot_take(kv);
    kv_merge(&batch, bytes_from("k"), bytes_from("2"));
    commit(kv, &batch);
    expect(kv, snapshot, "k", "1");
    expect(kv, NULL, "k", "1+2");
    kv_snapshot_release(kv, snapshot);
    kv_close(kv);
}

static void iterators_stay_in_their_bounds_both_ways(void **state)
{
    (void)state;
    struct kv *kv = open_kv();
    struct kv_batch batch = {0};
    const char *const keys[] = {"a:1", "a:2", "b:1", "b:2", "b:3", "c:1"};
    for (size_t i = 0; i < 6; i++)
        kv_put(&batch, KV_DATA, bytes_from(keys[i]), bytes_from("v"));
    commit(kv, &batch);
    assert_int_equal(kv_flush(kv, NULL), ERR_OK);
    struct kv_iter *iter = kv_iter_open(kv, &(struct kv_iter_options){.lower = bytes_from("b:"),
                                                                      .upper = bytes_from("b:3"),
                                                                      .prefix = true});
    kv_iter_first(iter);
    assert_true(kv_iter_valid(iter) && bytes_is(kv_iter_key(iter), "b:1"));
    kv_iter_next(iter);
    assert_true(kv_iter_valid(iter) && bytes_is(kv_iter_key(iter), "b:2"));
    kv_iter_next(iter);
    assert_false(kv_iter_valid(iter));
    assert_int_equal(kv_iter_error(iter, NULL), ERR_OK);
    kv_iter_close(iter);
    iter = kv_iter_open(
        kv, &(struct kv_iter_options){.lower = bytes_from("a:2"), .upper = bytes_from("c")});
    kv_iter_last(iter);
    assert_true(kv_iter_valid(iter) && bytes_is(kv_iter_key(iter), "b:3"));
    kv_iter_seek_before(iter, bytes_from("b:0"));
    assert_true(kv_iter_valid(iter) && bytes_is(kv_iter_key(iter), "a:2"));
    kv_iter_prev(iter);
    assert_false(kv_iter_valid(iter));
    kv_iter_close(iter);
    kv_close(kv);
}

static void compaction_asks_the_filter_about_whole_values(void **state)
{
    (void)state;
    struct kv *kv = open_kv();
    struct kv_batch batch = {0};
    kv_put(&batch, KV_DATA, bytes_from("1"), bytes_from("drop"));
    kv_put(&batch, KV_DATA, bytes_from("2"), bytes_from("long"));
    kv_put(&batch, KV_DATA, bytes_from("3"), bytes_from("kept"));
    commit(kv, &batch);
    assert_int_equal(kv_compact(kv, NULL), ERR_OK);
    expect(kv, NULL, "1", NULL);
    expect(kv, NULL, "2", "l");
    expect(kv, NULL, "3", "kept");
    kv_close(kv);
}

static void a_dropped_range_is_gone_and_its_neighbours_stay(void **state)
{
    (void)state;
    struct kv *kv = open_kv();
    struct kv_batch batch = {0};
    for (int i = 0; i < 1000; i++) {
        char key[16];
        snprintf(key, sizeof key, "%04d", i);
        kv_put(&batch, KV_DATA, bytes_from(key), bytes_from("v"));
    }
    commit(kv, &batch);
    assert_int_equal(kv_flush(kv, NULL), ERR_OK);
    assert_int_equal(kv_drop_range(kv, KV_DATA, bytes_from("0100"), bytes_from("0900"), NULL),
                     ERR_OK);
    expect(kv, NULL, "0099", "v");
    expect(kv, NULL, "0100", NULL);
    expect(kv, NULL, "0899", NULL);
    expect(kv, NULL, "0900", "v");
    kv_close(kv);
}

static void a_damaged_value_is_an_error_of_its_reader_only(void **state)
{
    (void)state;
    struct kv *kv = open_kv();
    struct kv_batch batch = {0};
    kv_merge(&batch, bytes_from("k"), bytes_from("bad"));
    kv_merge(&batch, bytes_from("k"), bytes_from("x"));
    kv_merge(&batch, bytes_from("other"), bytes_from("fine"));
    commit(kv, &batch);
    struct kv_value got;
    struct diag diag = DIAG_INIT;
    assert_int_equal(kv_get(kv, NULL, KV_DATA, bytes_from("k"), &got, &diag), ERR_CORRUPT);
    expect(kv, NULL, "other", "fine");
    kv_close(kv);
}

struct writer {
    struct thread thread;
    struct kv *kv;
    int id;
};

#define WRITERS     8
#define WRITER_KEYS 50

static void write_keys(void *ctx)
{
    struct writer *writer = ctx;
    struct kv_batch batch = {0};
    for (int i = 0; i < WRITER_KEYS; i++) {
        char key[32];
        snprintf(key, sizeof key, "w%d:%d", writer->id, i);
        kv_put(&batch, KV_DATA, bytes_from(key), bytes_from(key));
        if (kv_commit(writer->kv, &batch, NULL))
            abort();
        kv_batch_clear(&batch);
    }
    kv_batch_release(&batch);
}

struct submitted {
    struct kv_commit commit; // first
    _Atomic int *left;
};

static void submitted_done(struct kv_commit *commit)
{
    (*((struct submitted *)commit)->left)--;
}

static void threads_and_submitters_share_rounds(void **state)
{
    (void)state;
    struct kv *kv = open_kv();
    struct writer writers[WRITERS];
    struct submitted submitted[WRITER_KEYS];
    struct kv_batch batches[WRITER_KEYS] = {0};
    _Atomic int left = WRITER_KEYS;
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.kv = kv, .id = i};
        thread_start(&writers[i].thread, "writer", write_keys, &writers[i]);
    }
    for (int i = 0; i < WRITER_KEYS; i++) {
        char key[32];
        snprintf(key, sizeof key, "s:%d", i);
        kv_put(&batches[i], KV_DATA, bytes_from(key), bytes_from(key));
        submitted[i] = (struct submitted){{.batch = &batches[i], .done = submitted_done}, &left};
        kv_submit(kv, &submitted[i].commit);
    }
    for (int i = 0; i < WRITERS; i++)
        thread_join(&writers[i].thread);
    for (int64_t deadline = clock_mono_us() + 60000000; left > 0 && clock_mono_us() < deadline;)
        clock_sleep_us(1000);
    assert_int_equal(left, 0);
    for (int i = 0; i < WRITER_KEYS; i++) {
        assert_int_equal(submitted[i].commit.err, ERR_OK);
        kv_batch_release(&batches[i]);
        for (int w = 0; w < WRITERS; w++) {
            char key[32];
            snprintf(key, sizeof key, "w%d:%d", w, i);
            expect(kv, NULL, key, key);
        }
    }
    kv_close(kv);
}

// The child: acknowledges each commit through `say`, until it is killed.
static int write_for_ever(int say)
{
    struct kv *kv = NULL;
    struct kv_options options = {.dir = dir, .sync = true, .format = {join, judge, prefix, NULL}};
    if (kv_open(&kv, &options, NULL))
        return 1;
    struct kv_batch batch = {0};
    for (int i = 0;; i++) {
        char key[32];
        snprintf(key, sizeof key, "k:%06d", i);
        kv_put(&batch, KV_DATA, bytes_from(key), bytes_from(key));
        kv_put(&batch, KV_STATE, bytes_from("last"), bytes_make(&i, sizeof i));
        if (kv_commit(kv, &batch, NULL) || write(say, &i, sizeof i) != (ssize_t)sizeof i)
            return 1;
        kv_batch_clear(&batch);
    }
}

// Runs this program again as the child (a bare fork would inherit locks of RocksDB's threads) and
// kills it between two commits, at the earliest after `rounds`. The last one acknowledged.
static int write_until_killed(int rounds)
{
    int pipes[2];
    char say[16];
    assert_int_equal(pipe(pipes), 0);
    snprintf(say, sizeof say, "%d", pipes[1]);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl("/proc/self/exe", "kv_test", dir, say, NULL);
        _exit(1);
    }
    close(pipes[1]);
    int acknowledged = -1, i;
    while (acknowledged + 1 < rounds && read(pipes[0], &i, sizeof i) == (ssize_t)sizeof i)
        acknowledged = i;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    while (read(pipes[0], &i, sizeof i) == (ssize_t)sizeof i)
        acknowledged = i;
    close(pipes[0]);
    return acknowledged;
}

static void nothing_acknowledged_is_lost_by_kill_9(void **state)
{
    (void)state;
    for (int round = 1; round <= 3; round++) {
        int acknowledged = write_until_killed(round * 40);
        assert_true(acknowledged >= round * 40 - 1);
        struct kv *kv = open_kv();
        for (int i = 0; i <= acknowledged; i++) {
            char key[32];
            snprintf(key, sizeof key, "k:%06d", i);
            expect(kv, NULL, key, key);
        }
        struct kv_value last;
        assert_int_equal(kv_get(kv, NULL, KV_STATE, bytes_from("last"), &last, NULL), ERR_OK);
        int value;
        memcpy(&value, last.bytes.ptr, sizeof value);
        char next[32];
        snprintf(next, sizeof next, "k:%06d", value);
        expect(kv, NULL, next, next); // both families or none
        kv_value_release(&last);
        kv_close(kv);
    }
}

static err_t find_log(const char *name, bool is_dir, void *ctx)
{
    size_t size = strlen(name);
    char *path = ctx;
    if (!is_dir && size > 4 && strcmp(name + size - 4, ".log") == 0)
        snprintf(path, 128, "%s/%s", dir, name);
    return ERR_OK;
}

static void a_torn_tail_is_cut_and_damage_before_it_is_reported(void **state)
{
    (void)state;
    int acknowledged = write_until_killed(100);
    char path[128] = "";
    assert_int_equal(dir_each(dir, find_log, path, NULL), ERR_OK);
    int fd;
    int64_t size;
    assert_int_equal(file_open(&fd, path, FILE_WRITE, NULL), ERR_OK);
    assert_int_equal(file_size(fd, &size, NULL), ERR_OK);
    assert_int_equal(file_truncate(fd, size - 3, NULL), ERR_OK);
    uint8_t byte;
    assert_int_equal(file_pread(fd, &byte, 1, size / 2, NULL), ERR_OK);
    byte ^= 0x40;
    assert_int_equal(file_pwrite(fd, &byte, 1, size / 2, NULL), ERR_OK);

    struct kv *kv = NULL;
    struct diag diag = DIAG_INIT;
    struct kv_options options = {.dir = dir, .sync = true, .format = {join, judge, prefix, NULL}};
    assert_int_equal(kv_open(&kv, &options, &diag), ERR_CORRUPT);
    if (!strstr(diag.text, ".log"))
        fail_msg("%s", diag.text);

    byte ^= 0x40;
    assert_int_equal(file_pwrite(fd, &byte, 1, size / 2, NULL), ERR_OK);
    file_close(fd);
    kv = open_kv();
    char key[32];
    snprintf(key, sizeof key, "k:%06d", acknowledged - 2);
    expect(kv, NULL, key, key);
    kv_close(kv);
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        snprintf(dir, sizeof dir, "%s", argv[1]);
        return write_for_ever(atoi(argv[2]));
    }
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(batches_are_atomic_over_families_and_survive_reopening),
        TEST(a_snapshot_does_not_see_later_writes),
        TEST(iterators_stay_in_their_bounds_both_ways),
        TEST(compaction_asks_the_filter_about_whole_values),
        TEST(a_dropped_range_is_gone_and_its_neighbours_stay),
        TEST(a_damaged_value_is_an_error_of_its_reader_only),
        TEST(threads_and_submitters_share_rounds),
        TEST(nothing_acknowledged_is_lost_by_kill_9),
        TEST(a_torn_tail_is_cut_and_damage_before_it_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
