// SPDX-License-Identifier: Apache-2.0
//
// Power cuts under transactions and compaction. On a recorded disk (os/disk_cut_test.h) producers
// write keyed records into one compacted partition, most of them in transactions that commit or
// abort, while it is compacted and checkpointed. After a cut at any moment, with any outcome, also
// while a start comes back from the one before: of each key the newest committed record that was
// acknowledged is there (or a newer one), each record is what was sent at its offset, what was
// aborted is hidden, the last stable offset is where the first open transaction begins, and it can
// be ended. POWER_SEED and POWER_SECONDS as in power_test.c.
#include "store/log/power_txn_test_util.h"

static void run_txn(struct producer_thread *self)
{
    struct world *world = self->world;
    bool commit = disk_random(&self->random) % 10 < 7;
    mutex_lock(&world->mutex);
    int txn = (int)world->txns.count;
    struct txn begun = {commit ? OUTCOME_COMMIT : OUTCOME_ABORT, SIZE_MAX};
    vec_push(&world->txns, begun);
    mutex_unlock(&world->mutex);
    for (int i = 1 + (int)(disk_random(&self->random) % 3); i > 0; i--)
        (void)send_batch(self, txn);
    assert_int_equal(put_marker(world->partition, self->producer, commit), ERR_OK);
    size_t told = disk_moment();
    mutex_lock(&world->mutex);
    world->txns.items[txn].told = told;
    mutex_unlock(&world->mutex);
}

static void produce(void *ctx)
{
    struct producer_thread *self = ctx;
    while (self->number < self->goal) {
        if (self->producer < TRANSACTIONAL)
            run_txn(self);
        else
            (void)send_batch(self, -1);
    }
    self->world->producing--;
}

static void run_load(struct world *world, const char *dir, int32_t goal)
{
    struct topic *topic;
    world->store = open_store(dir, options);
    MUST(log_store_create_topic(world->store, "c", 1, compacted, 3, &topic, &diag));
    world->partition = topic_partition(topic, 0);
    world->producing = PRODUCERS;
    struct producer_thread producers[PRODUCERS];
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer_thread){.world = world, .producer = i, .goal = goal};
        producers[i].random = hash_u64(world->seed * 10 + (uint64_t)i);
        thread_start(&producers[i].thread, "producer", produce, &producers[i]);
    }
    uint64_t random = hash_u64(world->seed);
    while (world->producing > 0) {
        if (disk_random(&random) % 3)
            cleaner_run(world->store);
        else
            (void)!checkpoint_write(world->store, false, NULL);
    }
    for (int i = 0; i < PRODUCERS; i++)
        thread_join(&producers[i].thread);
    cleaner_run(world->store);
    topic_unref(topic);
    log_store_close(world->store);
}

static void run_world(uint64_t seed, int32_t goal, size_t cuts)
{
    static struct world world;
    world = (struct world){.seed = seed};
    mutex_init(&world.mutex);
    char dir[256], scratch[300], left[300];
    snprintf(dir, sizeof dir, "%s", fresh_dir());
    snprintf(scratch, sizeof scratch, "%s.scratch", dir);
    snprintf(left, sizeof left, "%s.left", dir);
    MUST(dir_make(dir, &diag));
    struct disk disk;
    disk_start(&disk, dir);
    run_load(&world, dir, goal);
    disk_stop();
    assert_true(disk_check(&disk, scratch));
    uint64_t random = hash_u64(seed + 77);
    for (size_t i = 0; i < cuts; i++) {
        uint64_t one = (uint64_t)disk_random(&random) << 31 | disk_random(&random);
        check = (struct check){.world = &world,
                               .disk = &disk,
                               .at = one % (disk.ops.count + 1),
                               .outcome = (enum disk_outcome)(i % DISK_OUTCOMES),
                               .again = i % 4 == 3};
        disk_crash(&disk, check.at, check.outcome, one, left);
        check_left(left, one, NULL);
    }
    disk_release(&disk);
    remove_dir(dir);
    vec_release(&world.txns);
    mutex_release(&world.mutex);
}

static void transactions_and_newest_keys_survive_every_power_cut(void **state)
{
    (void)state;
    int64_t first = disk_setting("POWER_SEED", 1);
    int64_t end_us = disk_setting("POWER_SECONDS", 0) * 1000000;
    end_us = end_us ? clock_mono_us() + end_us : 0;
    for (int64_t seed = first; seed < first + 2 || clock_mono_us() < end_us; seed++)
        run_world((uint64_t)seed, 60, 150);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(transactions_and_newest_keys_survive_every_power_cut,
                                  disk_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
