// SPDX-License-Identifier: Apache-2.0
#include "store/log/log_test_util.h"

struct data {
    int64_t producer_id;
    int16_t epoch;
    int32_t sequence;
    int count;
    bool plain; // not part of a transaction
    uint8_t version;
    bool internal;
};

struct waited {
    struct append append;
    struct mutex mutex;
    struct cond cond;
    bool done;
};

static void wake(struct append *append)
{
    struct waited *waited = CONTAINER_OF(append, struct waited, append);
    mutex_lock(&waited->mutex);
    waited->done = true;
    cond_signal(&waited->cond);
    mutex_unlock(&waited->mutex);
}

static err_t append(struct partition *partition, struct buf *buf, bool internal, uint8_t version,
                    int64_t *offset)
{
    struct waited waited = {.append = {.buf = buf,
                                       .batch = buf->ptr,
                                       .size = buf->size,
                                       .checked = true,
                                       .internal = internal,
                                       .txn_version = version,
                                       .until = APPEND_SYNCED,
                                       .done = wake}};
    mutex_init(&waited.mutex);
    cond_init(&waited.cond);
    partition_append(partition, &waited.append);
    mutex_lock(&waited.mutex);
    while (!waited.done)
        cond_wait(&waited.cond, &waited.mutex);
    mutex_unlock(&waited.mutex);
    cond_release(&waited.cond);
    mutex_release(&waited.mutex);
    if (offset)
        *offset = waited.append.base_offset;
    mem_free(waited.append.story);
    return waited.append.err;
}

static err_t try_send(struct partition *partition, struct data data, int64_t *offset)
{
    struct buf *buf = make_batch((struct batch_spec){.count = data.count ? data.count : 1,
                                                     .timestamp_ms = clock_now_ms(),
                                                     .producer_id = data.producer_id,
                                                     .epoch = data.epoch,
                                                     .sequence = data.sequence});
    struct batch_header header;
    assert_true(batch_header_read(&header, buf_bytes(buf)));
    if (!data.plain)
        header.attributes |= BATCH_TRANSACTIONAL;
    batch_header_write(buf->ptr, buf->size, &header);
    return append(partition, buf, data.internal, data.version, offset);
}

static int64_t send(struct partition *partition, struct data data)
{
    int64_t offset;
    assert_int_equal(try_send(partition, data, &offset), ERR_OK);
    return offset;
}

static err_t try_end(struct partition *partition, struct marker marker, uint8_t version)
{
    struct str batch = {0};
    marker.timestamp_ms = clock_now_ms();
    marker_write(&marker, &batch);
    struct buf *buf = buf_copy(batch.ptr, batch.size);
    str_release(&batch);
    return append(partition, buf, true, version, NULL);
}

static void end(struct partition *partition, int64_t producer_id, int16_t epoch, bool commit)
{
    struct marker marker = {.producer_id = producer_id, .producer_epoch = epoch, .commit = commit};
    assert_int_equal(try_end(partition, marker, 0), ERR_OK);
}

static int64_t stable(struct partition *partition)
{
    return partition_offsets(partition).stable;
}

static size_t aborted(struct partition *partition, int64_t from, int64_t to,
                      struct aborted_txn *first)
{
    struct aborted_list list = {0};
    MUST(partition_aborted(partition, from, to, 0, &list, &diag));
    for (size_t i = 1; i < list.count; i++)
        assert_true(list.items[i - 1].first_offset <= list.items[i].first_offset);
    if (list.count > 0)
        *first = list.items[0];
    size_t count = list.count;
    vec_release(&list);
    return count;
}

// Bytes of committed records from `offset` on.
static size_t readable(struct partition *partition, int64_t offset, int64_t *next)
{
    struct log_range range;
    MUST(partition_range(partition, offset, 1 << 20, RANGE_COMMITTED, &range, &diag));
    size_t size = range.size;
    if (size > 0)
        *next = range.next_offset;
    log_range_release(&range);
    return size;
}

static void the_stable_offset_is_the_first_of_all_open_transactions(void **state)
{
    (void)state;
    struct topic *topic;
    struct log_store *store = open_store(fresh_dir(), (struct log_store_options){0});
    struct partition *partition = make_topic(store, "a", &topic);
    int64_t next = -1;
    assert_int_equal(send(partition, (struct data){.producer_id = 1}), 0);
    assert_int_equal(send(partition, (struct data){.producer_id = 2}), 1);
    put(partition, (struct batch_spec){.count = 1});
    assert_int_equal(stable(partition), 0);
    assert_int_equal(readable(partition, 0, &next), 0);
    end(partition, 1, 0, true); // offset 3
    assert_int_equal(stable(partition), 1);
    assert_true(readable(partition, 0, &next) > 0);
    assert_int_equal(next, 1);
    assert_int_equal(readable(partition, 1, &next), 0);
    end(partition, 2, 0, false);
    assert_int_equal(stable(partition), 5);
    assert_true(readable(partition, 0, &next) > 0);
    assert_int_equal(next, 5);
    struct aborted_txn found;
    assert_int_equal(aborted(partition, 0, 5, &found), 1);
    assert_int_equal(found.producer_id, 2);
    assert_int_equal(found.first_offset, 1);
    assert_int_equal(found.last_offset, 4);
    assert_int_equal(aborted(partition, 0, 1, &found), 0);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(test_dir);
}

static void sequences_and_epochs_follow_kafkas_rules(void **state)
{
    (void)state;
    struct topic *topic;
    struct log_store *store = open_store(fresh_dir(), (struct log_store_options){0});
    struct partition *partition = make_topic(store, "a", &topic);
    int64_t offset;
    // Wraps at 2^31-1.
    send(partition,
         (struct data){.producer_id = 1, .sequence = INT32_MAX - 1, .count = 2, .plain = true});
    send(partition, (struct data){.producer_id = 1, .sequence = 0, .plain = true});
    // A new epoch starts at 0; an older one is fenced.
    struct data data = {.producer_id = 1, .epoch = 1, .sequence = 3, .plain = true};
    assert_int_equal(try_send(partition, data, &offset), ERR_OUT_OF_ORDER_SEQUENCE);
    data.sequence = 0;
    assert_int_equal(try_send(partition, data, &offset), ERR_OK);
    assert_int_equal(try_send(partition, data, &offset), ERR_OK); // a repetition
    assert_int_equal(offset, 3);
    data.epoch = 0;
    data.sequence = 1;
    assert_int_equal(try_send(partition, data, &offset), ERR_PRODUCER_EPOCH);
    // What is not part of the open transaction is refused while it is open.
    send(partition, (struct data){.producer_id = 2});
    data = (struct data){.producer_id = 2, .sequence = 1, .plain = true};
    assert_int_equal(try_send(partition, data, &offset), ERR_INVALID_TXN_STATE);
    end(partition, 2, 0, true);
    assert_int_equal(try_send(partition, data, &offset), ERR_OK);
    // A marker brings its epoch: the producer starts again at 0 with it.
    struct marker marker = {.producer_id = 2, .producer_epoch = 1};
    assert_int_equal(try_end(partition, marker, 0), ERR_OK);
    data = (struct data){.producer_id = 2, .sequence = 2};
    assert_int_equal(try_send(partition, data, &offset), ERR_PRODUCER_EPOCH);
    data.epoch = 1;
    assert_int_equal(try_send(partition, data, &offset), ERR_OUT_OF_ORDER_SEQUENCE);
    data.sequence = 0;
    assert_int_equal(try_send(partition, data, &offset), ERR_OK);
    // With version 2 a producer nobody remembers starts at 0 too.
    data = (struct data){.producer_id = 3, .sequence = 5, .version = 2};
    assert_int_equal(try_send(partition, data, &offset), ERR_OUT_OF_ORDER_SEQUENCE);
    data.version = 0;
    assert_int_equal(try_send(partition, data, &offset), ERR_OK);
    // The broker's own data has no sequence, but an epoch.
    data = (struct data){.producer_id = 4, .epoch = 3, .sequence = -1, .internal = true};
    assert_int_equal(try_send(partition, data, &offset), ERR_OK);
    assert_int_equal(try_send(partition, data, &offset), ERR_OK);
    data.epoch = 2;
    assert_int_equal(try_send(partition, data, &offset), ERR_PRODUCER_EPOCH);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(test_dir);
}

static void markers_of_old_epochs_and_coordinators_are_refused(void **state)
{
    (void)state;
    struct topic *topic;
    struct log_store *store = open_store(fresh_dir(), (struct log_store_options){0});
    struct partition *partition = make_topic(store, "a", &topic);
    send(partition, (struct data){.producer_id = 1, .epoch = 4});
    struct marker marker = {.producer_id = 1, .producer_epoch = 3};
    assert_int_equal(try_end(partition, marker, 0), ERR_PRODUCER_EPOCH);
    marker.producer_epoch = 4;
    assert_int_equal(try_end(partition, marker, 2), ERR_PRODUCER_EPOCH); // version 2 moves it
    marker.producer_epoch = 5;
    marker.coordinator_epoch = 2;
    assert_int_equal(try_end(partition, marker, 2), ERR_OK);
    assert_int_equal(try_end(partition, marker, 2), ERR_OK); // once more, after a crash
    marker.coordinator_epoch = 1;
    assert_int_equal(try_end(partition, marker, 2), ERR_TXN_COORDINATOR_FENCED);
    // A client cannot write one.
    struct str batch = {0};
    marker_write(&marker, &batch);
    struct buf *buf = buf_copy(batch.ptr, batch.size);
    str_release(&batch);
    assert_int_equal(append(partition, buf, false, 0, NULL), ERR_INVALID_RECORD);
    assert_int_equal(stable(partition), partition_offsets(partition).end);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(test_dir);
}

static void check_recovered(const char *dir)
{
    struct topic *topic;
    struct log_store *store = open_store(dir, (struct log_store_options){0});
    struct partition *partition = make_topic(store, "a", &topic);
    struct aborted_txn found = {0};
    int64_t next = -1, offset;
    assert_int_equal(stable(partition), 4);
    assert_true(readable(partition, 0, &next) > 0);
    assert_int_equal(next, 4);
    assert_int_equal(aborted(partition, 0, 4, &found), 1);
    assert_int_equal(found.producer_id, 1);
    assert_int_equal(found.first_offset, 0);
    struct arena arena = ARENA_INIT;
    size_t count;
    const struct partition_producer *producers = partition_producers(partition, &arena, &count);
    assert_int_equal(count, 3);
    assert_int_equal(producers[0].txn_first_offset, -1);
    assert_int_equal(producers[2].txn_first_offset, 4);
    assert_int_equal(producers[2].last_sequence, 1);
    assert_int_equal(producers[0].coordinator_epoch, 0);
    arena_release(&arena);
    struct data repeated = {.producer_id = 3, .sequence = 1};
    assert_int_equal(try_send(partition, repeated, &offset), ERR_OK);
    assert_int_equal(offset, 5);
    end(partition, 3, 0, false);
    assert_int_equal(stable(partition), 7);
    assert_int_equal(aborted(partition, 0, 7, &found), 2);
    topic_unref(topic);
    log_store_close(store);
}

static void
open_and_aborted_transactions_survive_crashes_clean_stops_and_lost_checkpoints(void **state)
{
    (void)state;
    char crashed[300], clean[300], path[600];
    struct topic *topic;
    const char *dir = fresh_dir();
    snprintf(crashed, sizeof crashed, "%s-crashed", dir);
    snprintf(clean, sizeof clean, "%s-clean", dir);
    struct log_store *store = open_store(dir, (struct log_store_options){0});
    struct partition *partition = make_topic(store, "a", &topic);
    send(partition, (struct data){.producer_id = 1});
    send(partition, (struct data){.producer_id = 2});
    end(partition, 1, 0, false);
    end(partition, 2, 0, true);
    MUST(checkpoint_write(store, false, &diag));
    send(partition, (struct data){.producer_id = 3});
    send(partition, (struct data){.producer_id = 3, .sequence = 1});
    copy_dir(dir, crashed);
    topic_unref(topic);
    log_store_close(store);
    copy_dir(dir, clean);
    check_recovered(crashed);
    check_recovered(clean);
    // Everything is read again.
    copy_dir(dir, clean);
    snprintf(path, sizeof path, "%s/checkpoint", clean);
    assert_int_equal(unlink(path), 0);
    check_recovered(clean);
    // The index of aborted transactions is missing, or wrong.
    copy_dir(dir, clean);
    snprintf(path, sizeof path, "%s/a-0/%020d.txnindex", clean, 0);
    assert_int_equal(unlink(path), 0);
    check_recovered(clean);
    copy_dir(dir, clean);
    flip_bit(path, 10);
    check_recovered(clean);
    remove_dir(crashed);
    remove_dir(clean);
    remove_dir(dir);
}

static void what_was_aborted_is_found_over_segments_with_and_without_memory(void **state)
{
    (void)state;
    enum { ROUNDS = 1500 }; // more than the newest that are kept in memory
    struct topic *topic;
    const char *dir = fresh_dir();
    struct log_store *store =
        open_store(dir, (struct log_store_options){.segment_bytes = 64 << 10});
    struct partition *partition = make_topic(store, "a", &topic);
    for (int i = 0; i < ROUNDS; i++) {
        send(partition, (struct data){.producer_id = 1, .sequence = i});
        end(partition, 1, 0, i % 2 == 0);
    }
    for (int round = 0; round < 2; round++) {
        struct aborted_txn found;
        assert_true(partition->segments.count > 2);
        assert_int_equal(aborted(partition, 0, 2 * ROUNDS, &found), ROUNDS / 2);
        assert_int_equal(found.first_offset, 2);
        assert_int_equal(aborted(partition, 0, 7, &found), 2);
        assert_int_equal(aborted(partition, 3, 7, &found), 2); // from the middle of one
        assert_int_equal(aborted(partition, 4, 6, &found), 0);
        assert_int_equal(aborted(partition, 2 * ROUNDS - 2, 2 * ROUNDS, &found), 1);
        struct aborted_list list = {0};
        assert_int_equal(partition_aborted(partition, 0, 10, RANGE_MEMORY_ONLY, &list, NULL),
                         ERR_TIMEOUT);
        vec_release(&list);
        topic_unref(topic);
        log_store_close(store);
        store = open_store(dir, (struct log_store_options){.segment_bytes = 64 << 10});
        partition = make_topic(store, "a", &topic);
    }
    topic_unref(topic);
    log_store_close(store);
    remove_dir(dir);
}

struct counted {
    struct log_waiter waiter;
    _Atomic int wakes;
};

static void count_wake(struct log_waiter *waiter)
{
    CONTAINER_OF(waiter, struct counted, waiter)->wakes++;
}

static void a_waiter_is_woken_when_the_stable_offset_moves(void **state)
{
    (void)state;
    struct topic *topic;
    struct log_store *store = open_store(fresh_dir(), (struct log_store_options){0});
    struct partition *partition = make_topic(store, "a", &topic);
    struct counted counted = {.waiter.wake = count_wake};
    send(partition, (struct data){.producer_id = 1});
    partition_wait(partition, &counted.waiter);
    end(partition, 1, 0, true);
    assert_true(counted.wakes > 0);
    partition_unwait(partition, &counted.waiter);
    topic_unref(topic);
    log_store_close(store);
    remove_dir(test_dir);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stable_offset_is_the_first_of_all_open_transactions),
        cmocka_unit_test(sequences_and_epochs_follow_kafkas_rules),
        cmocka_unit_test(markers_of_old_epochs_and_coordinators_are_refused),
        cmocka_unit_test(
            open_and_aborted_transactions_survive_crashes_clean_stops_and_lost_checkpoints),
        cmocka_unit_test(what_was_aborted_is_found_over_segments_with_and_without_memory),
        cmocka_unit_test(a_waiter_is_woken_when_the_stable_offset_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
