// SPDX-License-Identifier: Apache-2.0
#include "broker/txn.h"
#include "broker/txn_record.h"
#include "wire/kafka/record.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { NOW_MS = 1000000 };

static const struct txn_caller nobody = {-1, -1};

static struct txn *begin(void)
{
    struct txn *txn = txn_new(bytes_from("t"));
    mutex_lock(&txn->lock);
    return txn;
}

static void finish(struct txn *txn)
{
    mutex_unlock(&txn->lock);
    txn_unref(txn);
}

static err_t init_as(struct txn *txn, struct txn_caller expected, int64_t fresh_id,
                     enum txn_outcome *outcome)
{
    return txn_init(txn, &expected, 60000, fresh_id, 2, NOW_MS, outcome);
}

static struct txn_caller init(struct txn *txn)
{
    enum txn_outcome outcome;
    assert_int_equal(init_as(txn, nobody, 77, &outcome), ERR_OK);
    assert_int_equal(outcome, TXN_PREPARED);
    txn_apply(txn);
    return (struct txn_caller){txn->now.producer_id, txn->now.epoch};
}

static err_t add(struct txn *txn, struct txn_caller caller, int32_t index)
{
    enum txn_outcome outcome;
    struct txn_partitions partitions = {0};
    txn_partitions_add(&partitions, bytes_from("a"), index);
    err_t err = txn_add(txn, &caller, &partitions, 0, NOW_MS, &outcome);
    txn_partitions_release(&partitions);
    if (err == ERR_OK && outcome == TXN_PREPARED)
        txn_apply(txn);
    return err;
}

static err_t end(struct txn *txn, struct txn_caller caller, bool commit, int16_t version)
{
    enum txn_outcome outcome;
    TRY(txn_end(txn, &caller, commit, version, 500, NOW_MS, &outcome));
    if (outcome == TXN_PREPARED)
        txn_apply(txn);
    return ERR_OK;
}

static void complete(struct txn *txn)
{
    txn_complete(txn, NOW_MS);
    txn_apply(txn);
}

static void an_init_takes_the_next_epoch_and_fences_the_one_before(void **state)
{
    (void)state;
    struct txn *txn = begin();
    enum txn_outcome outcome;
    assert_int_equal(init_as(txn, nobody, -1, &outcome), ERR_OK);
    assert_int_equal(outcome, TXN_NEEDS_ID);
    struct txn_caller first = init(txn);
    assert_int_equal(first.producer_id, 77);
    assert_int_equal(first.epoch, 0);
    struct txn_caller second = init(txn);
    assert_int_equal(second.producer_id, 77);
    assert_int_equal(second.epoch, 1);
    assert_int_equal(add(txn, first, 0), ERR_PRODUCER_FENCED);
    assert_int_equal(add(txn, (struct txn_caller){78, 1}, 0), ERR_PRODUCER_ID_MAPPING);
    assert_int_equal(add(txn, second, 0), ERR_OK);
    finish(txn);
}

static void while_a_change_is_being_written_every_other_has_to_wait(void **state)
{
    (void)state;
    struct txn *txn = begin();
    struct txn_caller caller = init(txn);
    enum txn_outcome outcome;
    assert_int_equal(init_as(txn, nobody, -1, &outcome), ERR_OK);
    assert_true(txn->pending);
    assert_int_equal(add(txn, caller, 0), ERR_CONCURRENT_TRANSACTIONS);
    assert_int_equal(end(txn, caller, true, 0), ERR_CONCURRENT_TRANSACTIONS);
    assert_int_equal(init_as(txn, nobody, -1, &outcome), ERR_CONCURRENT_TRANSACTIONS);
    txn_revert(txn);
    assert_int_equal(add(txn, caller, 0), ERR_OK); // as if nothing had been asked
    finish(txn);
}

static void an_init_aborts_what_is_open_and_its_second_try_gets_in(void **state)
{
    (void)state;
    struct txn *txn = begin();
    struct txn_caller caller = init(txn);
    enum txn_outcome outcome;
    assert_int_equal(add(txn, caller, 0), ERR_OK);
    assert_int_equal(init_as(txn, nobody, -1, &outcome), ERR_OK);
    assert_int_equal(outcome, TXN_FENCE_FIRST);
    assert_int_equal(txn->next.state, TXN_PREPARE_ABORT);
    assert_int_equal(txn->next.epoch, caller.epoch + 1);
    txn_apply(txn);
    assert_int_equal(init_as(txn, nobody, -1, &outcome), ERR_CONCURRENT_TRANSACTIONS);
    assert_int_equal(end(txn, caller, true, 0), ERR_PRODUCER_FENCED);
    complete(txn);
    assert_int_equal(init(txn).epoch, caller.epoch + 2);
    finish(txn);
}

static void an_end_repeated_is_done_and_the_opposite_is_refused(void **state)
{
    (void)state;
    struct txn *txn = begin();
    struct txn_caller caller = init(txn);
    assert_int_equal(end(txn, caller, true, 0), ERR_INVALID_TXN_STATE); // nothing begun
    assert_int_equal(end(txn, caller, false, 0), ERR_INVALID_TXN_STATE);
    assert_int_equal(add(txn, caller, 0), ERR_OK);
    assert_int_equal(end(txn, caller, true, 0), ERR_OK);
    assert_int_equal(txn->now.state, TXN_PREPARE_COMMIT);
    assert_int_equal(end(txn, caller, true, 0), ERR_CONCURRENT_TRANSACTIONS);
    assert_int_equal(end(txn, caller, false, 0), ERR_INVALID_TXN_STATE);
    assert_int_equal(add(txn, caller, 1), ERR_CONCURRENT_TRANSACTIONS);
    complete(txn);
    assert_int_equal(txn->now.state, TXN_COMPLETE_COMMIT);
    assert_int_equal(txn->partitions.count, 0);
    assert_int_equal(end(txn, caller, true, 0), ERR_OK);
    assert_int_equal(end(txn, caller, false, 0), ERR_INVALID_TXN_STATE);
    assert_int_equal(txn->now.epoch, caller.epoch);
    finish(txn);
}

static void with_version_2_every_end_moves_the_epoch(void **state)
{
    (void)state;
    struct txn *txn = begin();
    struct txn_caller old = init(txn);
    assert_int_equal(end(txn, old, true, 2), ERR_INVALID_TXN_STATE);
    assert_int_equal(end(txn, old, false, 2), ERR_OK); // an abort before anything was added
    assert_int_equal(txn->now.state, TXN_PREPARE_ABORT);
    assert_int_equal(txn->now.epoch, old.epoch + 1);
    complete(txn);
    struct txn_caller now = {old.producer_id, (int16_t)(old.epoch + 1)};
    assert_int_equal(end(txn, old, false, 2), ERR_OK); // repeated
    assert_int_equal(end(txn, old, true, 2), ERR_INVALID_TXN_STATE);
    assert_int_equal(end(txn, now, true, 2), ERR_INVALID_TXN_STATE);
    assert_int_equal(add(txn, old, 0), ERR_PRODUCER_FENCED);
    assert_int_equal(add(txn, now, 0), ERR_OK);
    assert_int_equal(end(txn, old, true, 2), ERR_PRODUCER_FENCED);
    assert_int_equal(end(txn, now, true, 2), ERR_OK);
    assert_int_equal(end(txn, now, true, 2), ERR_CONCURRENT_TRANSACTIONS); // repeated, not over yet
    complete(txn);
    assert_int_equal(end(txn, now, true, 2), ERR_OK);
    assert_int_equal(end(txn, now, false, 2), ERR_INVALID_TXN_STATE);
    finish(txn);
}

static void an_exhausted_epoch_gets_a_fresh_producer_id(void **state)
{
    (void)state;
    struct txn *txn = begin();
    struct txn_caller caller = init(txn);
    enum txn_outcome outcome;
    txn->now.epoch = caller.epoch = INT16_MAX - 1;
    assert_int_equal(init_as(txn, nobody, -1, &outcome), ERR_OK);
    assert_int_equal(outcome, TXN_NEEDS_ID);
    assert_int_equal(init_as(txn, nobody, 99, &outcome), ERR_OK);
    assert_int_equal(txn->next.producer_id, 99);
    assert_int_equal(txn->next.previous_id, 77);
    assert_int_equal(txn->next.epoch, 0);
    txn_revert(txn);
    // At the end of a transaction too: the markers still go out with the old id and the last epoch.
    assert_int_equal(add(txn, caller, 0), ERR_OK);
    assert_int_equal(txn_end(txn, &caller, true, 2, -1, NOW_MS, &outcome), ERR_OK);
    assert_int_equal(outcome, TXN_NEEDS_ID);
    assert_int_equal(end(txn, caller, true, 2), ERR_OK);
    assert_int_equal(txn->now.producer_id, 77);
    assert_int_equal(txn->now.epoch, INT16_MAX);
    complete(txn);
    assert_int_equal(txn->now.producer_id, 500);
    assert_int_equal(txn->now.epoch, 0);
    assert_int_equal(end(txn, caller, true, 2), ERR_OK); // repeated over the change of ids
    finish(txn);
}

// KIP-360: a producer that goes on after an error says who it was.
static void a_producer_may_bump_its_own_epoch_and_repeat_that(void **state)
{
    (void)state;
    struct txn *txn = begin();
    struct txn_caller caller = init(txn);
    enum txn_outcome outcome;
    assert_int_equal(init_as(txn, caller, -1, &outcome), ERR_OK);
    txn_apply(txn);
    assert_int_equal(txn->now.epoch, caller.epoch + 1);
    assert_int_equal(init_as(txn, caller, -1, &outcome), ERR_OK); // the answer got lost
    txn_apply(txn);
    assert_int_equal(txn->now.epoch, caller.epoch + 1);
    struct txn_caller other = init(txn);
    assert_int_equal(init_as(txn, caller, -1, &outcome), ERR_PRODUCER_FENCED);
    other.producer_id++;
    assert_int_equal(init_as(txn, other, -1, &outcome), ERR_PRODUCER_FENCED);
    finish(txn);
}

static void a_write_needs_its_partition_in_an_open_transaction(void **state)
{
    (void)state;
    struct txn *txn = begin();
    struct txn_caller caller = init(txn);
    struct bytes topic = bytes_from("a");
    assert_int_equal(txn_verify(txn, &caller, topic, 3), ERR_TRANSACTION_ABORTABLE);
    assert_int_equal(add(txn, caller, 3), ERR_OK);
    assert_int_equal(txn_verify(txn, &caller, topic, 3), ERR_OK);
    assert_int_equal(txn_verify(txn, &caller, topic, 2), ERR_TRANSACTION_ABORTABLE);
    assert_int_equal(txn_verify(txn, &caller, bytes_from("b"), 3), ERR_TRANSACTION_ABORTABLE);
    assert_int_equal(end(txn, caller, false, 0), ERR_OK);
    assert_int_equal(txn_verify(txn, &caller, topic, 3), ERR_CONCURRENT_TRANSACTIONS);
    complete(txn);
    assert_int_equal(txn_verify(txn, &caller, topic, 3), ERR_TRANSACTION_ABORTABLE);
    finish(txn);
}

static void partitions_are_a_set(void **state)
{
    (void)state;
    struct txn_partitions set = {0};
    for (int i = 0; i < 100; i++)
        txn_partitions_add(&set, bytes_from(i % 2 ? "a" : "b"), i * 37 % 50);
    assert_int_equal(set.count, 50);
    assert_int_equal(set.topics.count, 2);
    for (int i = 0; i < 100; i++)
        txn_partitions_remove(&set, bytes_from(i % 2 ? "a" : "b"), i * 37 % 50);
    txn_partitions_remove(&set, bytes_from("c"), 0);
    assert_int_equal(set.count, 0);
    assert_int_equal(set.topics.count, 0);
    txn_partitions_release(&set);
}

static void a_record_brings_back_what_was_written(void **state)
{
    (void)state;
    struct txn *txn = begin();
    struct txn_caller caller = init(txn);
    struct txn_record read;
    struct str batch = {0};
    struct record_reader reader;
    struct record record;
    assert_int_equal(add(txn, caller, 1), ERR_OK);
    struct txn_partitions more = {0};
    txn_partitions_add(&more, bytes_from("a"), 2);
    txn_partitions_add(&more, bytes_from("b"), 0);
    txn_record_write(txn->id, &txn->now, &txn->partitions, &more, &batch);
    assert_int_equal(record_reader_open(&reader, str_bytes(&batch), 1 << 20, NULL), ERR_OK);
    assert_true(record_reader_next(&reader, &record));
    assert_true(txn_record_read(record.key, record.value, &read));
    assert_true(bytes_is(read.id, "t"));
    assert_int_equal(read.meta.state, TXN_ONGOING);
    assert_int_equal(read.meta.producer_id, 77);
    assert_int_equal(read.meta.start_ms, NOW_MS);
    assert_int_equal(read.partitions.count, 3);
    assert_true(txn_partitions_has(&read.partitions, bytes_from("b"), 0));
    txn_partitions_release(&read.partitions);
    assert_true(txn_record_read(record.key, BYTES_NULL, &read));
    assert_true(read.deletes);
    assert_false(txn_record_read(record.value, record.value, &read));
    record_reader_release(&reader);
    str_release(&batch);
    txn_partitions_release(&more);
    finish(txn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_init_takes_the_next_epoch_and_fences_the_one_before),
        cmocka_unit_test(while_a_change_is_being_written_every_other_has_to_wait),
        cmocka_unit_test(an_init_aborts_what_is_open_and_its_second_try_gets_in),
        cmocka_unit_test(an_end_repeated_is_done_and_the_opposite_is_refused),
        cmocka_unit_test(with_version_2_every_end_moves_the_epoch),
        cmocka_unit_test(an_exhausted_epoch_gets_a_fresh_producer_id),
        cmocka_unit_test(a_producer_may_bump_its_own_epoch_and_repeat_that),
        cmocka_unit_test(a_write_needs_its_partition_in_an_open_transaction),
        cmocka_unit_test(partitions_are_a_set),
        cmocka_unit_test(a_record_brings_back_what_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
