// SPDX-License-Identifier: Apache-2.0
#include "store/log/log_test_util.h"

#define SYNCED ((struct log_store_options){.sync = true})

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

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repeated_batch_keeps_its_offset_also_after_restarts),
        cmocka_unit_test(an_unknown_producer_starts_anywhere_and_sequences_wrap),
        cmocka_unit_test(producer_ids_are_never_given_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
