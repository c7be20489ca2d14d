// SPDX-License-Identifier: Apache-2.0
//
// The first append to a partition makes its folder. On the recorded disk of os/disk_test.h: many of
// them in one round share the sync of the store's own folder, and a power cut right after the
// answers keeps them all.
#include "os/disk_cut_test.h"
#include "store/log/log_test_util.h"

#include <stdatomic.h>

enum { PARTITIONS = 40 };

struct crowd {
    struct topic *topic;
    struct append appends[PARTITIONS];
    struct mutex mutex;
    struct cond cond;
    int done;
    int failed;
};

static struct crowd crowd;

static void done(struct append *append)
{
    mutex_lock(&crowd.mutex);
    crowd.failed += append->err != ERR_OK;
    mem_free(append->story);
    crowd.done++;
    cond_signal(&crowd.cond);
    mutex_unlock(&crowd.mutex);
}

// On the writer thread: the next round has all of them.
static void append_all(void *ctx)
{
    (void)ctx;
    for (int32_t p = 0; p < PARTITIONS; p++) {
        struct buf *buf = make_batch((struct batch_spec){.count = 1, .timestamp_ms = 1});
        crowd.appends[p] = (struct append){
            .buf = buf, .batch = buf->ptr, .size = buf->size, .until = APPEND_SYNCED, .done = done};
        partition_append(topic_partition(crowd.topic, p), &crowd.appends[p]);
    }
}

static void append_to_all(struct log_store *store)
{
    crowd.done = crowd.failed = 0;
    writer_call(store, append_all, NULL);
    mutex_lock(&crowd.mutex);
    while (crowd.done < PARTITIONS)
        cond_wait(&crowd.cond, &crowd.mutex);
    mutex_unlock(&crowd.mutex);
}

static size_t syncs_of_root(const struct disk *disk, size_t from)
{
    size_t count = 0;
    for (size_t i = from; i < disk->ops.count; i++)
        count += disk->ops.items[i].kind == DISK_SYNC && disk->ops.items[i].inode == 0;
    return count;
}

static struct log_store *begin(struct disk *disk)
{
    const char *dir = fresh_dir();
    MUST(dir_make(dir, &diag));
    disk_start(disk, dir);
    struct log_store *store = open_store(dir, (struct log_store_options){.sync = true});
    MUST(log_store_create_topic(store, "a", PARTITIONS, NULL, 0, &crowd.topic, &diag));
    mutex_init(&crowd.mutex);
    cond_init(&crowd.cond);
    return store;
}

static void end(struct log_store *store, struct disk *disk)
{
    topic_unref(crowd.topic);
    log_store_close(store);
    disk_stop();
    disk_release(disk);
    cond_release(&crowd.cond);
    mutex_release(&crowd.mutex);
    MUST(dir_remove(test_dir, &diag));
}

static void first_appends_of_one_round_share_the_sync_of_the_stores_folder(void **state)
{
    (void)state;
    struct disk disk;
    struct log_store *store = begin(&disk);
    size_t from = disk_moment();
    append_to_all(store);
    assert_int_equal(crowd.failed, 0);
    assert_in_range(syncs_of_root(&disk, from), 1, 3); // one; the start of a round may take its own
    from = disk_moment();
    append_to_all(store);
    assert_int_equal(crowd.failed, 0);
    assert_int_equal(syncs_of_root(&disk, from), 0);
    for (int32_t p = 0; p < PARTITIONS; p++)
        assert_int_equal(partition_offsets(topic_partition(crowd.topic, p)).end, 2);
    end(store, &disk);
}

static void when_that_sync_fails_none_of_them_is_acknowledged(void **state)
{
    (void)state;
    struct disk disk;
    struct log_store *store = begin(&disk);
    MUST(checkpoint_touch(store, &diag));
    disk_fail(&disk, DISK_SYNC, 0, 1, EIO);
    append_to_all(store);
    assert_int_equal(crowd.failed, PARTITIONS);
    append_to_all(store); // a later sync that succeeds proves nothing
    assert_int_equal(crowd.failed, PARTITIONS);
    end(store, &disk);
}

static void when_the_sync_of_a_partitions_folder_fails_that_partition_alone_ends(void **state)
{
    (void)state;
    struct disk disk;
    struct log_store *store = begin(&disk);
    MUST(checkpoint_touch(store, &diag));
    disk_fail(&disk, DISK_SYNC, 1, 1, EIO); // the first is that of the store's folder
    append_to_all(store);
    assert_int_equal(crowd.failed, 1);
    append_to_all(store);
    assert_int_equal(crowd.failed, 1);
    end(store, &disk);
}

static void what_was_acknowledged_outlives_a_power_cut(void **state)
{
    (void)state;
    struct disk disk;
    struct log_store *store = begin(&disk);
    append_to_all(store);
    assert_int_equal(crowd.failed, 0);
    size_t moment = disk_moment();
    topic_unref(crowd.topic);
    log_store_close(store);
    disk_stop();
    for (uint64_t seed = 1; seed <= 20; seed++) {
        char left[300];
        snprintf(left, sizeof left, "%s-left", test_dir);
        disk_crash(&disk, moment, (enum disk_outcome)(seed % DISK_OUTCOMES), seed, left);
        store = open_store(left, (struct log_store_options){.sync = true});
        struct topic *topic = log_store_topic(store, bytes_from("a"));
        assert_non_null(topic);
        for (int32_t p = 0; p < PARTITIONS; p++)
            assert_int_equal(partition_offsets(topic_partition(topic, p)).end, 1);
        topic_unref(topic);
        log_store_close(store);
        MUST(dir_remove(left, &diag));
    }
    disk_release(&disk);
    cond_release(&crowd.cond);
    mutex_release(&crowd.mutex);
    MUST(dir_remove(test_dir, &diag));
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(first_appends_of_one_round_share_the_sync_of_the_stores_folder,
                                  disk_tear_down),
        cmocka_unit_test_teardown(when_that_sync_fails_none_of_them_is_acknowledged,
                                  disk_tear_down),
        cmocka_unit_test_teardown(
            when_the_sync_of_a_partitions_folder_fails_that_partition_alone_ends, disk_tear_down),
        cmocka_unit_test_teardown(what_was_acknowledged_outlives_a_power_cut, disk_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
