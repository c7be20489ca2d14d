// SPDX-License-Identifier: Apache-2.0
//
// A disk that fails once under transactions, through the protocol: at each sync of a file or folder
// (what it should have kept is lost, though the next one succeeds), each write (EIO, or three of
// ENOSPC), each name made, renamed or removed, in turn. A client goes on as clients do: what is
// refused is sent again, a transaction that cannot go on is aborted, and its owner begins anew with
// the next epoch. __transaction_state and __consumer_offsets have small segments and are compacted
// all the while. Every refusal has a code that clients try again after; and after a stop, or a cut
// of the power since, a broker that starts by itself has each transaction in all of its parts or in
// none, as its owner was told.
//
// POWER_SEED=N begins with that load; POWER_SECONDS=N goes on with others so long; POWER_STRIDE=1
// takes every point.
#include "broker/power_test_util.h"

void cleaner_run(struct log_store *store); // of store/log's inside: compaction, now

enum { ROUNDS = 9, TRIES = 4, STORAGE = 56, NOT_AVAILABLE = 15 };

static struct client client;
static int32_t sequences[2];
static bool added; // the transaction has begun
static bool over;  // the disk has failed for good as far as this client can see

// What a client may be told about a disk that fails.
static void check_code(const char *what, int16_t code)
{
    HOLDS(code == 0 || code == STORAGE || code == NOT_AVAILABLE || code == CONCURRENT,
          "%s: error %d", what, code);
}

#define AGAIN(code, what, call)              \
    do {                                     \
        for (int t_ = 0; t_ < TRIES; t_++) { \
            (code) = (call);                 \
            check_code((what), (code));      \
            if ((code) == 0)                 \
                break;                       \
        }                                    \
    } while (0)

// False when the disk does not let anybody write transactions any more.
static bool begin_anew(void)
{
    struct kafka_init_producer_id_request m;
    struct kafka_init_producer_id_response got;
    kafka_init_producer_id_request_init(&m);
    m.transactional_id = bytes_from(txn_name);
    m.transaction_timeout_ms = 60000;
    for (int i = 0; i < 100; i++) {
        call(&client, KAFKA_INIT_PRODUCER_ID, 4, &m, &got);
        check_code("InitProducerId", got.error_code);
        if (got.error_code == 0) {
            writer = (struct who){got.producer_id, got.producer_epoch};
            sequences[0] = sequences[1] = 0;
            return true;
        }
    }
    return false;
}

static int16_t fill_txn(int i)
{
    int16_t code;
    AGAIN(code, "AddPartitionsToTxn", add_partitions_once(&client));
    added = code == 0;
    for (int32_t p = 0; p < 2 && code == 0; p++) {
        AGAIN(code, "Produce", send_record(&client, p, i, sequences[p]));
        sequences[p] += code == 0;
    }
    if (code == 0)
        AGAIN(code, "TxnOffsetCommit", commit_in_txn(&client, i));
    return code;
}

static void run_txn(int i, bool commit)
{
    int16_t code = fill_txn(i);
    promises[i].commit = commit && code == 0;
    bool ends_well = code == 0;
    if (added)
        AGAIN(code, "EndTxn", end_txn_once(&client, promises[i].commit));
    if (code == 0)
        promises[i].told = disk_moment();
    if (code != 0 || !ends_well)
        over = !begin_anew();
}

static void run_load(uint64_t seed)
{
    uint64_t random = hash_u64(seed);
    for (int i = 0; i < ROUNDS; i++) {
        bool commit = disk_random(&random) % 4 != 0;
        int16_t code;
        if (!over)
            run_txn(i, commit);
        AGAIN(code, "OffsetCommit", commit_outside(&client, i));
        if (code == 0)
            promises[i].plain_told = disk_moment();
        if (disk_random(&random) % 3 == 0)
            cleaner_run(broker->store);
    }
}

static void make_small(const char *topic)
{
    static const struct topic_setting small[] = {{"segment.bytes", "700"},
                                                 {"min.cleanable.dirty.ratio", "0"}};
    MUST(log_store_alter_topic(broker->store, topic, small, 2, &diag));
}

static void check_cuts(const struct disk *disk, const char *root, uint64_t seed, int cuts)
{
    size_t end = disk->ops.count, from = disk->failed_at;
    uint64_t random = hash_u64(seed);
    for (int i = 0; i < cuts; i++) {
        uint64_t one = (uint64_t)disk_random(&random) << 31 | disk_random(&random);
        struct disk left;
        cut_now = i == 0 ? end : from + one % (end - from + 1);
        snprintf(dir, sizeof dir, "%.150s.left", root);
        disk_crash(disk, cut_now, i == 0 ? DISK_ALL : (enum disk_outcome)(one / 7 % DISK_OUTCOMES),
                   one, dir);
        disk_start(&left, dir); // so that nothing is really synced
        check_left();
        disk_stop();
        disk_release(&left);
        MUST(dir_remove(dir, &diag));
    }
}

// One load with the fault at the `at`th op of its kind, -1: without. Returns how many of the kind
// there were.
static long run_fault(uint64_t seed, enum disk_kind kind, long at, int error, int cuts)
{
    struct disk disk;
    char root[sizeof dir], what[80];
    seed_now = seed;
    snprintf(dir, sizeof dir, "/tmp/weir-broker-fault-%d-%llx", (int)getpid(),
             (unsigned long long)random_u64());
    snprintf(root, sizeof root, "%s", dir);
    snprintf(what, sizeof what, ", kind %d fails at its %ld (%s)", (int)kind, at, strerror(error));
    fault_now = what;
    for (int i = 0; i < TXNS; i++)
        promises[i] = (struct promise){false, SIZE_MAX, SIZE_MAX};
    MUST(dir_make(dir, &diag));
    disk_start(&disk, dir);
    start_broker();
    client_open(&client);
    make_topic(topic_named, 2);
    over = !begin_anew();
    assert_int_equal(commit_outside(&client, 0), 0);
    make_small("__transaction_state");
    make_small("__consumer_offsets");
    long before = disk.counts[kind];
    if (at >= 0)
        disk_fail(&disk, kind, at, error == ENOSPC ? 3 : 1, error);
    run_load(seed);
    disk_fail(&disk, kind, 0, 0, 0);
    client_close(&client);
    broker_close(broker);
    disk_stop();
    long count = disk.counts[kind] - before;
    if (disk.failed_at != SIZE_MAX)
        check_cuts(&disk, root, seed * 1000 + (uint64_t)at, cuts);
    disk_release(&disk);
    MUST(dir_remove(root, &diag));
    fault_now = "";
    return count;
}

static void run_kind(enum disk_kind kind, int error)
{
    int64_t seed = disk_setting("POWER_SEED", 1);
    int64_t end_us = clock_mono_us() + disk_setting("POWER_SECONDS", 0) * 1000000 / 4;
    long stride = (long)disk_setting("POWER_STRIDE", 12), points = 0;
    do { // each load begins with another point
        long count = run_fault((uint64_t)seed, kind, -1, error, 0);
        for (long at = seed % stride; at < count; at += stride, points++)
            run_fault((uint64_t)seed, kind, at, error, 3);
        seed++;
    } while (clock_mono_us() < end_us);
    print_message("%ld faults\n", points);
}

static void a_sync_that_fails_once(void **state)
{
    (void)state;
    run_kind(DISK_SYNC, EIO);
}

static void a_write_that_fails_once(void **state)
{
    (void)state;
    run_kind(DISK_WRITE, EIO);
}

static void a_disk_that_is_full_for_three_writes(void **state)
{
    (void)state;
    run_kind(DISK_WRITE, ENOSPC);
}

static void a_name_that_cannot_be_changed_once(void **state)
{
    (void)state;
    run_kind(DISK_RENAME, EIO);
}

static int begin_all(void **state)
{
    (void)state;
    MUST(loops_start(&loops, 2, 2, &diag));
    return 0;
}

static int end_all(void **state)
{
    (void)state;
    loops_stop(loops);
    return 0;
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_LEVEL_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_sync_that_fails_once, disk_tear_down),
        cmocka_unit_test_teardown(a_write_that_fails_once, disk_tear_down),
        cmocka_unit_test_teardown(a_disk_that_is_full_for_three_writes, disk_tear_down),
        cmocka_unit_test_teardown(a_name_that_cannot_be_changed_once, disk_tear_down),
    };
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
