// SPDX-License-Identifier: Apache-2.0
#include "store/log/log_test_util.h"

#define SYNCED ((struct log_store_options){.sync = true})

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

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_without_topics_and_settings_it_refuses),
        cmocka_unit_test(a_deleted_topic_is_gone_and_a_new_one_starts_empty),
        cmocka_unit_test(files_of_a_half_deleted_topic_do_not_come_back),
        cmocka_unit_test(a_topic_made_again_never_gets_the_files_of_one_that_could_not_be_moved),
        cmocka_unit_test(appends_that_a_deletion_overtakes_make_no_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
