// SPDX-License-Identifier: Apache-2.0
//
// Power cuts under transactions, through the protocol. On a recorded disk (os/disk_cut_test.h) a
// client writes a record into each of two partitions and commits a group's offset in every
// transaction, ends most with a commit and some with an abort, and commits an offset of another
// group outside. After a cut at any moment, with any outcome, the broker starts again by itself;
// the transaction left open is fenced by its name's next owner. Then a transaction is there in all
// of its parts or in none, as its owner was told, and so are offsets. POWER_SEED=N begins with that
// one.
#include "broker/power_test_util.h"

enum { CUTS = 60 };

// --- the load ---

static void run_load(uint64_t seed)
{
    struct client client;
    uint64_t random = hash_u64(seed);
    client_open(&client);
    make_topic(topic_named, 2);
    writer = init_writer(&client);
    for (int i = 0; i < TXNS; i++) {
        promises[i] = (struct promise){.commit = disk_random(&random) % 4 != 0};
        assert_int_equal(add_partitions(&client), 0);
        assert_int_equal(send_record(&client, 0, i, i), 0);
        assert_int_equal(commit_in_txn(&client, i), 0);
        assert_int_equal(send_record(&client, 1, i, i), 0);
        assert_int_equal(commit_outside(&client, i), 0);
        promises[i].plain_told = disk_moment();
        assert_int_equal(end_txn(&client, promises[i].commit), 0);
        promises[i].told = disk_moment();
    }
    client_close(&client);
}

static void run_world(uint64_t seed)
{
    struct disk disk, left;
    char root[sizeof dir];
    seed_now = seed;
    snprintf(dir, sizeof dir, "/tmp/weir-broker-power-%d-%llx", (int)getpid(),
             (unsigned long long)random_u64());
    snprintf(root, sizeof root, "%s", dir);
    MUST(dir_make(dir, &diag));
    disk_start(&disk, dir);
    start_broker();
    run_load(seed);
    broker_close(broker);
    disk_stop();
    uint64_t random = hash_u64(seed + 77);
    for (int i = 0; i < CUTS; i++) {
        uint64_t one = (uint64_t)disk_random(&random) << 31 | disk_random(&random);
        cut_now = one % (disk.ops.count + 1);
        snprintf(dir, sizeof dir, "%.150s.left", root);
        disk_crash(&disk, cut_now, (enum disk_outcome)(i % DISK_OUTCOMES), one, dir);
        disk_start(&left, dir); // so that nothing is really synced
        check_left();
        disk_stop();
        disk_release(&left);
        MUST(dir_remove(dir, &diag));
    }
    disk_release(&disk);
    MUST(dir_remove(root, &diag));
}

static void a_transaction_is_there_in_all_its_parts_or_in_none_after_a_power_cut(void **state)
{
    (void)state;
    uint64_t seed = (uint64_t)disk_setting("POWER_SEED", 1);
    int64_t end_us = clock_mono_us() + disk_setting("POWER_SECONDS", 0) * 1000000;
    MUST(loops_start(&loops, 2, 2, &diag));
    do
        run_world(seed++);
    while (clock_mono_us() < end_us);
    loops_stop(loops);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_LEVEL_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            a_transaction_is_there_in_all_its_parts_or_in_none_after_a_power_cut, disk_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
