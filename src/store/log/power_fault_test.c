// SPDX-License-Identifier: Apache-2.0
//
// A disk that fails once, at every single point of a load: each sync of a file or folder in turn
// (what it should have kept is lost, though the next one succeeds), each write (EIO or ENOSPC, half
// done), each name made, renamed or removed, each file cut. The load is transactions, compaction
// and checkpoints in one partition (power_txn_test_util.h), retention, deleted records and plain
// appends in another, topics made, altered and deleted. Afterwards
//
//     the store that goes on     serves all it acknowledged, as do
//     a start after its stop     which takes appends again,
//     and starts after cuts      of the power between the fault and the end
//
// POWER_SEED=N begins with that load; POWER_SECONDS=N goes on with others so long; POWER_STRIDE=1
// takes every point.
#include "store/log/power_txn_test_util.h"

enum { STEPS = 160, PLAIN_MAX = 300, TOPICS_MAX = 40 };

struct plain { // the record at an offset of topic d
    size_t told;
    int32_t number;
};

struct made {
    char name[8];
    size_t made, delete_begun, gone;
};

struct faulty {
    struct world world;
    struct producer_thread producers[PRODUCERS];
    int txns[TRANSACTIONAL]; // open; -1 = none
    struct topic *topic_c, *topic_d;
    struct plain plain[PLAIN_MAX];
    int32_t plain_number;
    int64_t start_promised; // at least
    size_t start_told;
    struct made made[TOPICS_MAX];
    int made_count;
    uint64_t random;
};

static struct faulty faulty;

// --- the load ---

static void begin_txn(struct producer_thread *self)
{
    struct txn begun = {disk_random(&self->random) % 10 < 7 ? OUTCOME_COMMIT : OUTCOME_ABORT,
                        SIZE_MAX};
    faulty.txns[self->producer] = (int)faulty.world.txns.count;
    vec_push(&faulty.world.txns, begun);
}

static void end_txn(struct producer_thread *self)
{
    struct txn *txn = &faulty.world.txns.items[faulty.txns[self->producer]];
    for (int i = 0; i < TRIES; i++) {
        if (put_marker(faulty.world.partition, self->producer, txn->outcome == OUTCOME_COMMIT) !=
            ERR_OK)
            continue;
        txn->told = disk_moment();
        faulty.txns[self->producer] = -1;
        return;
    }
}

static void step_producer(struct producer_thread *self)
{
    if (self->producer >= TRANSACTIONAL) {
        (void)send_batch(self, -1);
        return;
    }
    if (faulty.txns[self->producer] < 0)
        begin_txn(self);
    if (disk_random(&self->random) % 3)
        (void)send_batch(self, faulty.txns[self->producer]);
    else
        end_txn(self);
}

static void put_plain(void)
{
    struct partition *partition = topic_partition(faulty.topic_d, 0);
    char value[16];
    int64_t offset = -1;
    snprintf(value, sizeof value, "%d", (int)faulty.plain_number);
    struct record_builder builder = {0};
    struct str out = {0}, padded = {0};
    str_append_text(&padded, value);
    str_append_byte(&padded, ' ');
    for (int i = 0; i < 300; i++)
        str_append_byte(&padded, 'p');
    record_builder_add(&builder, clock_now_ms(), BYTES_NULL, str_bytes(&padded), NULL, 0);
    MUST(record_builder_finish(&builder, &out, &diag));
    record_builder_release(&builder);
    if (partition_append_wait(partition, buf_copy(out.ptr, out.size), &offset, NULL) == ERR_OK) {
        assert_true(offset < PLAIN_MAX);
        faulty.plain[offset] = (struct plain){disk_moment(), faulty.plain_number};
    }
    faulty.plain_number++;
    str_release(&out);
    str_release(&padded);
}

static void delete_records(void)
{
    struct partition *partition = topic_partition(faulty.topic_d, 0);
    int64_t asked = partition_offsets(partition).end / 2, start;
    if (partition_delete_before(partition, asked, &start, NULL) == ERR_OK) {
        faulty.start_promised = asked;
        faulty.start_told = disk_moment();
    }
}

static void change_topics(void)
{
    struct topic_setting setting = {"retention.ms", "123456789"};
    struct made *last = faulty.made_count > 0 ? &faulty.made[faulty.made_count - 1] : NULL;
    if (last && last->delete_begun == SIZE_MAX) {
        (void)!log_store_alter_topic(faulty.world.store, last->name, &setting, 1, NULL);
        last->delete_begun = disk_moment();
        if (log_store_delete_topic(faulty.world.store, last->name, NULL) == ERR_OK)
            last->gone = disk_moment();
        return;
    }
    struct made one = {.delete_begun = SIZE_MAX, .gone = SIZE_MAX};
    struct topic *topic = NULL;
    snprintf(one.name, sizeof one.name, "e%d", faulty.made_count);
    if (log_store_create_topic(faulty.world.store, one.name, 1, NULL, 0, &topic, NULL) != ERR_OK)
        return;
    one.made = disk_moment();
    assert_true(faulty.made_count < TOPICS_MAX);
    faulty.made[faulty.made_count++] = one;
    int64_t offset;
    (void)!try_put(topic_partition(topic, 0), (struct batch_spec){.count = 1}, &offset);
    topic_unref(topic);
}

static void step(void)
{
    switch (disk_random(&faulty.random) % 14) {
    case 0:
    case 1:
        cleaner_run(faulty.world.store);
        break;
    case 2:
        (void)!checkpoint_write(faulty.world.store, false, NULL);
        break;
    case 3:
        keeper_retain(faulty.world.store);
        break;
    case 4:
        change_topics();
        break;
    case 5:
        delete_records();
        break;
    case 6:
    case 7:
    case 8:
        put_plain();
        break;
    default:
        step_producer(&faulty.producers[disk_random(&faulty.random) % PRODUCERS]);
        break;
    }
}

// The first steps are safe, and end with a stop: so the fault also meets the mark of a clean one.
static void begin_load(uint64_t seed, const char *dir)
{
    static const struct topic_setting plain[] = {{"retention.bytes", "4000"},
                                                 {"segment.bytes", "1500"}};
    vec_release(&faulty.world.txns);
    faulty = (struct faulty){.world = {.seed = seed, .faults = true}, .random = hash_u64(seed)};
    mutex_init(&faulty.world.mutex);
    for (int i = 0; i < PRODUCERS; i++)
        faulty.producers[i] = (struct producer_thread){
            .world = &faulty.world, .producer = i, .random = hash_u64(seed * 10 + (uint64_t)i)};
    for (int i = 0; i < TRANSACTIONAL; i++)
        faulty.txns[i] = -1;
    faulty.world.store = open_store(dir, options);
    MUST(log_store_create_topic(faulty.world.store, "c", 1, compacted, 3, &faulty.topic_c, &diag));
    MUST(log_store_create_topic(faulty.world.store, "d", 1, plain, 2, &faulty.topic_d, &diag));
}

static void take_topics(void)
{
    faulty.topic_c = log_store_topic(faulty.world.store, bytes_from("c"));
    faulty.topic_d = log_store_topic(faulty.world.store, bytes_from("d"));
    faulty.world.partition = topic_partition(faulty.topic_c, 0);
}

static void drop_topics(void)
{
    topic_unref(faulty.topic_c);
    topic_unref(faulty.topic_d);
}

// --- what is left ---

static void see_plain(const struct record *record)
{
    const struct plain *plain = &faulty.plain[record->offset];
    int32_t number = (int32_t)strtol((const char *)record->value.ptr, NULL, 10);
    HOLDS(plain->told == 0 || plain->told > check.at || number == plain->number,
          "d offset %lld: %d is there, %d was acknowledged", (long long)record->offset, number,
          plain->number);
}

static void check_plain(struct partition *partition)
{
    struct partition_offsets offsets = partition_offsets(partition);
    HOLDS(faulty.start_told == 0 || faulty.start_told > check.at ||
              offsets.start >= faulty.start_promised,
          "d starts at %lld, all before %lld was deleted", (long long)offsets.start,
          (long long)faulty.start_promised);
    for (int64_t i = offsets.start; i < PLAIN_MAX; i++)
        HOLDS(faulty.plain[i].told == 0 || faulty.plain[i].told > check.at || i < offsets.end,
              "d offset %lld was acknowledged, it ends at %lld", (long long)i,
              (long long)offsets.end);
    for (int64_t next = offsets.start; next < offsets.end;) {
        struct buf *buf = NULL;
        struct diag why = DIAG_INIT;
        err_t err = partition_read(partition, next, 1 << 16, &buf, &why);
        HOLDS(err == ERR_OK && buf, "cannot read d offset %lld: %s", (long long)next,
              diag_text(&why));
        struct reader reader = reader_make(buf_bytes(buf));
        struct bytes batch;
        while (record_batch_next(&reader, &batch)) {
            struct record_reader records;
            struct record record;
            MUST(record_reader_open(&records, batch, RECORD_UNPACKED_MAX_BYTES, &diag));
            while (record_reader_next(&records, &record)) {
                HOLDS(record.offset == next || record.offset < offsets.start,
                      "d has a hole at %lld", (long long)next);
                see_plain(&record);
                next = record.offset + 1;
            }
            record_reader_release(&records);
        }
        buf_unref(buf);
    }
}

static void check_others(struct log_store *store)
{
    struct topic *d = log_store_topic(store, bytes_from("d"));
    HOLDS(d, "topic d is gone");
    struct partition *partition = topic_partition(d, 0);
    HOLDS(partition->failed == ERR_OK && partition->damaged_from == INT64_MAX,
          "d needs a person: %s",
          partition->damage_story ? partition->damage_story : partition->failed_story);
    check_plain(partition);
    keeper_retain(store);
    HOLDS(try_put(partition, (struct batch_spec){.count = 1}, &(int64_t){0}) == ERR_OK,
          "d takes no append");
    topic_unref(d);
    for (int i = 0; i < faulty.made_count; i++) {
        const struct made *made = &faulty.made[i];
        struct topic *topic = log_store_topic(store, bytes_from(made->name));
        HOLDS(topic || made->made > check.at || made->delete_begun <= check.at, "topic %s is gone",
              made->name);
        HOLDS(!topic || made->gone > check.at, "topic %s is back", made->name);
        topic_unref(topic);
    }
}

static void check_cuts(const struct disk *disk, uint64_t seed, const char *dir, int cuts)
{
    char left[300];
    snprintf(left, sizeof left, "%s.left", dir);
    size_t end = disk->ops.count, from = disk->failed_at;
    uint64_t random = hash_u64(seed);
    for (int i = 0; i < cuts; i++) {
        uint64_t one = (uint64_t)disk_random(&random) << 31 | disk_random(&random);
        check.disk = disk;
        check.at = i == 0 ? end : from + one % (end - from + 1);
        check.outcome = i == 0 ? DISK_ALL : (enum disk_outcome)(one / 7 % DISK_OUTCOMES);
        check.again = i % 4 == 3;
        disk_crash(disk, check.at, check.outcome, one, left);
        check_left(left, one, check_others);
    }
}

// One load with the fault at the `at`th op of its kind, -1: without. Returns how many of the kind
// there were.
static long run_fault(uint64_t seed, enum disk_kind kind, long at, int error, int cuts)
{
    char dir[256], what[80];
    snprintf(dir, sizeof dir, "%s", fresh_dir());
    MUST(dir_make(dir, &diag));
    struct disk disk;
    disk_start(&disk, dir);
    begin_load(seed, dir);
    drop_topics();
    log_store_close(faulty.world.store);
    snprintf(what, sizeof what, ", kind %d fails at its %ld (%s)", (int)kind, at, strerror(error));
    check = (struct check){.world = &faulty.world, .fault = what, .disk = &disk};
    faulty.world.store = open_store(dir, options);
    take_topics();
    long before = disk.counts[kind];
    if (at >= 0)
        disk_fail(&disk, kind, at, error == ENOSPC ? 3 : 1, error);
    for (int i = 0; i < STEPS; i++)
        step();
    disk_fail(&disk, kind, 0, 0, 0);
    check.at = disk_moment();
    check.partition = faulty.world.partition;
    check_partition(true);
    check_plain(topic_partition(faulty.topic_d, 0));
    drop_topics();
    log_store_close(faulty.world.store);
    disk_stop();
    long count = disk.counts[kind] - before;
    if (disk.failed_at != SIZE_MAX)
        check_cuts(&disk, seed * 1000 + (uint64_t)at, dir, cuts);
    disk_release(&disk);
    remove_dir(dir);
    mutex_release(&faulty.world.mutex);
    return count;
}

static void run_kind(enum disk_kind kind, int error)
{
    int64_t seed = disk_setting("POWER_SEED", 1);
    int64_t end_us = clock_mono_us() + disk_setting("POWER_SECONDS", 0) * 1000000 / 6;
    long stride = (long)disk_setting("POWER_STRIDE", 8), points = 0;
    do { // each load begins with another point
        long count = run_fault((uint64_t)seed, kind, -1, error, 0);
        for (long at = seed % stride; at < count; at += stride, points++)
            run_fault((uint64_t)seed, kind, at, error, 4);
        seed++;
    } while (clock_mono_us() < end_us);
    print_message("%ld faults\n", points);
    vec_release(&faulty.world.txns);
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

static void a_file_that_cannot_be_cut_once(void **state)
{
    (void)state;
    run_kind(DISK_TRUNCATE, EIO);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_sync_that_fails_once, disk_tear_down),
        cmocka_unit_test_teardown(a_write_that_fails_once, disk_tear_down),
        cmocka_unit_test_teardown(a_disk_that_is_full_for_three_writes, disk_tear_down),
        cmocka_unit_test_teardown(a_name_that_cannot_be_changed_once, disk_tear_down),
        cmocka_unit_test_teardown(a_file_that_cannot_be_cut_once, disk_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
