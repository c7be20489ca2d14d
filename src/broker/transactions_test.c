// SPDX-License-Identifier: Apache-2.0
#include "broker/data_plane_test.h"
#include "broker/topics.h"
#include "broker/txn_record.h"
#include "broker/txns.h"
#include "wire/kafka/add_offsets_to_txn.h"
#include "wire/kafka/add_partitions_to_txn.h"
#include "wire/kafka/describe_transactions.h"
#include "wire/kafka/end_txn.h"
#include "wire/kafka/list_transactions.h"
#include "wire/kafka/offset_fetch.h"
#include "wire/kafka/txn_offset_commit.h"

struct who {
    int64_t id;
    int16_t epoch;
};

static int16_t init(struct client *client, int16_t version, const char *name, int32_t timeout_ms,
                    struct who expected, struct who *who)
{
    struct kafka_init_producer_id_request m;
    struct kafka_init_producer_id_response got;
    kafka_init_producer_id_request_init(&m);
    m.transactional_id = bytes_from(name);
    m.transaction_timeout_ms = timeout_ms;
    m.producer_id = expected.id;
    m.producer_epoch = expected.epoch;
    call(client, KAFKA_INIT_PRODUCER_ID, version, &m, &got);
    *who = (struct who){got.producer_id, got.producer_epoch};
    return got.error_code;
}

static struct who begin(struct client *client, const char *name)
{
    struct who who;
    assert_int_equal(init(client, 4, name, 60000, (struct who){-1, -1}, &who), 0);
    return who;
}

static int16_t add(struct client *client, int16_t version, const char *name, struct who who,
                   const char *topic, int32_t index)
{
    struct kafka_add_partitions_to_txn_request m;
    struct kafka_add_partitions_to_txn_response got;
    struct kafka_add_partitions_to_txn_request_v3_topic old = {bytes_from(topic), &index, 1};
    struct kafka_add_partitions_to_txn_request_topic now = {bytes_from(topic), &index, 1};
    struct kafka_add_partitions_to_txn_request_transaction one = {.transactional_id =
                                                                      bytes_from(name),
                                                                  .producer_id = who.id,
                                                                  .producer_epoch = who.epoch,
                                                                  .topics = &now,
                                                                  .topics_count = 1};
    kafka_add_partitions_to_txn_request_init(&m);
    m.v3_and_below_transactional_id = bytes_from(name);
    m.v3_and_below_producer_id = who.id;
    m.v3_and_below_producer_epoch = who.epoch;
    m.v3_and_below_topics = &old;
    m.v3_and_below_topics_count = 1;
    m.transactions = &one;
    m.transactions_count = 1;
    call(client, KAFKA_ADD_PARTITIONS_TO_TXN, version, &m, &got);
    if (version < 4)
        return got.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code;
    return got.results_by_transaction[0]
        .topic_results[0]
        .results_by_partition[0]
        .partition_error_code;
}

static int16_t add_offsets(struct client *client, int16_t version, const char *name, struct who who)
{
    struct kafka_add_offsets_to_txn_request m = {bytes_from(name), who.id, who.epoch,
                                                 bytes_from("g")};
    struct kafka_add_offsets_to_txn_response got;
    call(client, KAFKA_ADD_OFFSETS_TO_TXN, version, &m, &got);
    return got.error_code;
}

static int16_t end(struct client *client, int16_t version, const char *name, struct who who,
                   bool commit)
{
    struct kafka_end_txn_request m = {bytes_from(name), who.id, who.epoch, commit};
    struct kafka_end_txn_response got;
    call(client, KAFKA_END_TXN, version, &m, &got);
    return got.error_code;
}

static int16_t commit_offset(struct client *client, int16_t version, const char *name,
                             struct who who, int32_t generation, int64_t offset)
{
    struct kafka_txn_offset_commit_request m;
    struct kafka_txn_offset_commit_response got;
    struct kafka_txn_offset_commit_request_request_partition partition = {
        .committed_offset = offset, .committed_metadata = bytes_from("m")};
    struct kafka_txn_offset_commit_request_request_topic topic = {bytes_from("a"), &partition, 1};
    kafka_txn_offset_commit_request_init(&m);
    m.transactional_id = bytes_from(name);
    m.group_id = bytes_from("g");
    m.producer_id = who.id;
    m.producer_epoch = who.epoch;
    m.generation_id = generation;
    m.topics = &topic;
    m.topics_count = 1;
    call(client, KAFKA_TXN_OFFSET_COMMIT, version, &m, &got);
    return got.topics[0].partitions[0].error_code;
}

static int64_t fetch_offset(struct client *client, bool stable, int16_t *error)
{
    struct kafka_offset_fetch_request m;
    struct kafka_offset_fetch_response got;
    int32_t index = 0;
    struct kafka_offset_fetch_request_topic topic = {bytes_from("a"), &index, 1};
    kafka_offset_fetch_request_init(&m);
    m.group_id = bytes_from("g");
    m.topics = &topic;
    m.topics_count = 1;
    m.require_stable = stable;
    call(client, KAFKA_OFFSET_FETCH, 7, &m, &got);
    *error = got.topics[0].partitions[0].error_code;
    return got.topics[0].partitions[0].committed_offset;
}

static int16_t send_batch(struct client *client, int16_t version, const char *name, struct who who,
                          int32_t sequence, int32_t index)
{
    struct kafka_produce_request m;
    struct kafka_produce_response got;
    struct str batch =
        make_batch((struct spec){.count = 1, .producer_id = who.id + 1, .sequence = sequence});
    struct batch_header header;
    assert_true(batch_header_read(&header, str_bytes(&batch)));
    header.producer_id = who.id;
    header.producer_epoch = who.epoch;
    header.base_sequence = sequence;
    header.attributes |= BATCH_TRANSACTIONAL;
    batch_header_write((uint8_t *)batch.ptr, batch.size, &header);
    build_produce(client, &m, "a", -1, &index, &batch, 1);
    m.transactional_id = bytes_from(name);
    call(client, KAFKA_PRODUCE, version, &m, &got);
    str_release(&batch);
    return got.responses[0].partition_responses[0].error_code;
}

static struct partition_offsets offsets_of(const char *name, int32_t index)
{
    struct topic *topic = log_store_topic(broker->store, bytes_from(name));
    struct partition_offsets offsets = partition_offsets(topic_partition(topic, index));
    topic_unref(topic);
    return offsets;
}

// Until the markers stand that the start has begun to write.
static void wait_stable(const char *name)
{
    int64_t until_us = clock_mono_us() + 60000000;
    while (offsets_of(name, 0).stable < offsets_of(name, 0).end)
        assert_true(clock_mono_us() < until_us);
}

static void restart(struct client *client)
{
    client_close(client);
    broker_close(broker);
    start_broker();
    client_open(client);
}

static void fencing_is_told_as_each_version_understands_it(void **state)
{
    (void)state;
    struct client client;
    struct who who;
    client_open(&client);
    make_topic("a", 1);
    struct who old = begin(&client, "t");
    struct who now = begin(&client, "t");
    struct who third;
    assert_int_equal(now.epoch, old.epoch + 1);
    begin(&client, "t");
    for (int16_t version = 0; version <= 3; version++)
        assert_int_equal(add(&client, version, "t", old, "a", 0), version < 2 ? 47 : 90);
    for (int16_t version = 0; version <= 4; version++)
        assert_int_equal(add_offsets(&client, version, "t", old), version < 2 ? 47 : 90);
    for (int16_t version = 0; version <= 5; version++)
        assert_int_equal(end(&client, version, "t", old, true), version < 2 ? 47 : 90);
    for (int16_t version = 0; version <= 5; version++)
        assert_int_equal(commit_offset(&client, version, "t", old, -1, 1), 47);
    for (int16_t version = 3; version <= 5; version++)
        assert_int_equal(init(&client, version, "t", 60000, old, &who), version < 4 ? 47 : 90);
    for (int16_t version = 3; version <= 13; version++)
        assert_int_equal(send_batch(&client, version, "t", old, 0, 0), 47);
    assert_int_equal(end(&client, 3, "nobody", old, true), 49);
    assert_int_equal(end(&client, 3, "", old, true), 42);
    third = (struct who){now.id + 1000, 0};
    assert_int_equal(add(&client, 3, "t", third, "a", 0), 49);
    client_close(&client);
}

static void an_init_checks_what_it_is_given(void **state)
{
    (void)state;
    struct client client;
    struct who who, none = {-1, -1};
    client_open(&client);
    assert_int_equal(init(&client, 4, "t", 15 * 60 * 1000 + 1, none, &who), 50);
    assert_int_equal(init(&client, 4, "t", 0, none, &who), 50);
    assert_int_equal(init(&client, 4, "", 1000, none, &who), 42);
    assert_int_equal(init(&client, 4, "t", 1000, (struct who){5, -1}, &who), 42);
    assert_int_equal(init(&client, 4, "t", 1000, (struct who){-1, 5}, &who), 42);
    assert_int_equal(who.id, -1);
    assert_int_equal(who.epoch, -1);
    for (int16_t version = 0; version <= 5; version++) {
        assert_int_equal(init(&client, version, "t", 15 * 60 * 1000, none, &who), 0);
        assert_int_equal(who.epoch, version);
    }
    client_close(&client);
}

static void
a_write_outside_of_the_transaction_is_refused_as_each_version_understands_it(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("a", 2);
    struct who who = begin(&client, "t");
    assert_int_equal(add(&client, 3, "t", who, "a", 1), 0);
    for (int16_t version = 3; version <= 11; version++)
        assert_int_equal(send_batch(&client, version, "t", who, 0, 0), version < 11 ? 48 : 120);
    assert_int_equal(send_batch(&client, 9, "t", who, 0, 1), 0);
    for (int16_t version = 0; version <= 4; version++)
        assert_int_equal(commit_offset(&client, version, "t", who, -1, 1), version < 4 ? 48 : 120);
    // From version 12 on writing makes the partition part of it.
    assert_int_equal(send_batch(&client, 12, "t", who, 0, 0), 0);
    assert_int_equal(commit_offset(&client, 5, "t", who, -1, 1), 0);
    assert_int_equal(end(&client, 3, "t", who, true), 0);
    assert_int_equal(offsets_of("a", 0).stable, 2);
    assert_int_equal(send_batch(&client, 9, "t", who, 1, 1), 48); // it is over
    client_close(&client);
}

// The sanitizer tells whether the packed batch stays behind.
static void a_batch_packed_for_its_topic_is_let_go_when_its_transaction_refuses_it(void **state)
{
    (void)state;
    static const struct topic_setting zstd = {"compression.type", "zstd"};
    struct client client;
    client_open(&client);
    make_topic("a", 1);
    MUST(log_store_alter_topic(broker->store, "a", &zstd, 1, &diag));
    struct who who = begin(&client, "t");
    assert_int_equal(send_batch(&client, 9, "t", who, 0, 0), 48);
    assert_int_equal(add(&client, 3, "t", who, "a", 0), 0);
    assert_int_equal(send_batch(&client, 9, "t", who, 0, 0), 0);
    client_close(&client);
}

static void one_bad_partition_keeps_the_others_out(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("a", 1);
    struct who who = begin(&client, "t");
    struct kafka_add_partitions_to_txn_request m;
    struct kafka_add_partitions_to_txn_response got;
    int32_t indexes[] = {0, 7};
    struct kafka_add_partitions_to_txn_request_v3_topic topic = {bytes_from("a"), indexes, 2};
    kafka_add_partitions_to_txn_request_init(&m);
    m.v3_and_below_transactional_id = bytes_from("t");
    m.v3_and_below_producer_id = who.id;
    m.v3_and_below_producer_epoch = who.epoch;
    m.v3_and_below_topics = &topic;
    m.v3_and_below_topics_count = 1;
    call(&client, KAFKA_ADD_PARTITIONS_TO_TXN, 3, &m, &got);
    assert_int_equal(
        got.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code, 55);
    assert_int_equal(
        got.results_by_topic_v3_and_below[0].results_by_partition[1].partition_error_code, 3);
    assert_int_equal(end(&client, 3, "t", who, true), 48); // nothing was begun
    client_close(&client);
}

static void offsets_wait_for_the_end_over_a_restart(void **state)
{
    (void)state;
    struct client client;
    int16_t error;
    client_open(&client);
    make_topic("a", 1);
    struct who who = begin(&client, "t");
    for (int round = 0; round < 3; round++) { // aborted, committed, committed after a restart
        int64_t before = round < 2 ? -1 : 11;
        assert_int_equal(add_offsets(&client, 3, "t", who), 0);
        assert_int_equal(commit_offset(&client, 3, "t", who, -1, 10 + round), 0);
        if (round == 2)
            restart(&client);
        assert_int_equal(fetch_offset(&client, true, &error), -1);
        assert_int_equal(error, 88);
        assert_int_equal(fetch_offset(&client, false, &error), before);
        assert_int_equal(error, 0);
        assert_int_equal(end(&client, 3, "t", who, round > 0), 0);
        assert_int_equal(fetch_offset(&client, true, &error), round == 0 ? -1 : 10 + round);
        assert_int_equal(error, 0);
    }
    restart(&client);
    assert_int_equal(fetch_offset(&client, true, &error), 12);
    client_close(&client);
}

static void a_generation_of_a_group_that_is_not_there_commits_nothing(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("a", 1);
    struct who who = begin(&client, "t");
    assert_int_equal(add_offsets(&client, 3, "t", who), 0);
    assert_int_equal(commit_offset(&client, 3, "t", who, 0, 10), 22);
    assert_int_equal(commit_offset(&client, 3, "t", who, 7, 10), 22);
    assert_int_equal(end(&client, 3, "t", who, true), 0);
    client_close(&client);
}

// What a kill leaves between the decision and the markers.
static void leave_prepared(const char *name, struct who who, enum txn_state outcome)
{
    struct txn_meta meta = {.state = outcome,
                            .producer_id = who.id,
                            .previous_id = who.id,
                            .next_id = -1,
                            .epoch = who.epoch,
                            .timeout_ms = 60000,
                            .start_ms = clock_now_ms(),
                            .update_ms = clock_now_ms()};
    struct txn_partitions partitions = {0}, none = {0};
    struct str batch = {0};
    txn_partitions_add(&partitions, bytes_from("a"), 0);
    txn_record_write(name, &meta, &partitions, &none, &batch);
    struct topic *topic = log_store_topic(broker->store, bytes_from(TXN_TOPIC));
    MUST(partition_append_wait(topic_partition(topic, 0), buf_copy(batch.ptr, batch.size), NULL,
                               &diag));
    topic_unref(topic);
    str_release(&batch);
    txn_partitions_release(&partitions);
}

static void what_was_decided_before_a_crash_is_carried_out_at_the_start(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    struct topic *topic = make_topic("a", 1);
    for (int commit = 0; commit < 2; commit++) {
        struct who who = begin(&client, "t");
        int64_t first = offsets_of("a", 0).end;
        assert_int_equal(add(&client, 3, "t", who, "a", 0), 0);
        assert_int_equal(send_batch(&client, 9, "t", who, 0, 0), 0);
        assert_int_equal(offsets_of("a", 0).stable, first);
        leave_prepared("t", who, commit ? TXN_PREPARE_COMMIT : TXN_PREPARE_ABORT);
        restart(&client);
        wait_stable("a");
        topic = log_store_topic(broker->store, bytes_from("a"));
        struct aborted_list aborted = {0};
        MUST(partition_aborted(topic_partition(topic, 0), first, first + 1, 0, &aborted, &diag));
        assert_int_equal(aborted.count, commit ? 0 : 1);
        vec_release(&aborted);
        topic_unref(topic);
    }
    client_close(&client);
}

static void an_open_transaction_that_no_coordinator_knows_is_aborted_at_the_start(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("a", 1);
    struct who who = begin(&client, "t");
    assert_int_equal(add(&client, 3, "t", who, "a", 0), 0);
    assert_int_equal(send_batch(&client, 9, "t", who, 0, 0), 0);
    struct who other = {who.id, who.epoch};
    leave_prepared("t", other, TXN_COMPLETE_ABORT); // says it is over, without a marker
    restart(&client);
    wait_stable("a");
    assert_int_equal(offsets_of("a", 0).end, 2);
    client_close(&client);
}

static void services_read_what_is_committed_and_get_past_the_rest(void **state)
{
    (void)state;
    struct client client;
    struct log_port log = broker_log_port(broker);
    int64_t start, stop, records = 0;
    client_open(&client);
    make_topic("a", 1);
    struct who who = begin(&client, "t"), open = begin(&client, "open");
    for (int round = 0; round < 4; round++) { // the second and fourth are aborted
        assert_int_equal(add(&client, 3, "t", who, "a", 0), 0);
        assert_int_equal(send_batch(&client, 9, "t", who, round, 0), 0);
        assert_int_equal(end(&client, 3, "t", who, round % 2 == 0), 0);
    }
    assert_int_equal(add(&client, 3, "open", open, "a", 0), 0);
    assert_int_equal(send_batch(&client, 9, "open", open, 0, 0), 0);
    MUST(log.ops->offsets(log.self, "a", 0, &start, &stop, &diag));
    assert_int_equal(stop, 8);
    struct buf *buf = NULL;
    for (int64_t next = 0; next < stop;) {
        MUST(log.ops->read(log.self, "a", 0, next, 1, &buf, &diag));
        struct reader bytes = reader_make(buf_bytes(buf));
        struct bytes batch;
        struct batch_header header;
        while (record_batch_next(&bytes, &batch) && batch_header_read(&header, batch)) {
            assert_true(batch_crc_ok(batch));
            assert_int_equal(header.base_offset, next);
            assert_int_equal(header.record_count, next == 0 || next == 4 ? 1 : 0);
            records += header.record_count;
            next = batch_header_last_offset(&header) + 1;
        }
        buf_unref(buf);
    }
    assert_int_equal(records, 2);
    MUST(log.ops->read(log.self, "a", 0, stop, 1 << 20, &buf, &diag));
    assert_null(buf);
    client_close(&client);
}

static void a_fetch_of_committed_records_is_told_what_was_aborted(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("a", 1);
    struct who who = begin(&client, "t");
    assert_int_equal(add(&client, 3, "t", who, "a", 0), 0);
    assert_int_equal(send_batch(&client, 9, "t", who, 0, 0), 0);
    struct topic *topic = log_store_topic(broker->store, bytes_from("a"));
    struct fetch_spec spec = {.topic = "a", .id = topic_id(topic)};
    for (int ended = 0; ended < 2; ended++) {
        if (ended)
            assert_int_equal(end(&client, 3, "t", who, false), 0);
        for (int16_t version = 4; version <= 18; version++) {
            struct kafka_fetch_request *m = build_fetch(&client, spec);
            struct kafka_fetch_response got;
            m->isolation_level = 1;
            m->session_epoch = -1;
            call(&client, KAFKA_FETCH, version, m, &got);
            const struct kafka_fetch_response_partition *out = got.responses[0].partitions;
            assert_int_equal(out->high_watermark, 1 + ended);
            assert_int_equal(out->last_stable_offset, 2 * ended);
            assert_int_equal(out->aborted_transactions_count, ended);
            assert_int_equal(count_batches(out->records), 2 * ended);
            if (ended)
                assert_int_equal(out->aborted_transactions[0].producer_id, who.id);
        }
    }
    topic_unref(topic);
    client_close(&client);
}

static void transactions_are_described_and_listed(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("a", 2);
    struct who who = begin(&client, "t");
    begin(&client, "idle");
    assert_int_equal(add(&client, 3, "t", who, "a", 1), 0);
    struct bytes names[] = {bytes_from("t"), bytes_from("nobody"), bytes_from("")};
    struct kafka_describe_transactions_request ask = {names, 3};
    struct kafka_describe_transactions_response got;
    call(&client, KAFKA_DESCRIBE_TRANSACTIONS, 0, &ask, &got);
    assert_int_equal(got.transaction_states[0].error_code, 0);
    assert_true(bytes_is(got.transaction_states[0].transaction_state, "Ongoing"));
    assert_int_equal(got.transaction_states[0].topics[0].partitions[0], 1);
    assert_int_equal(got.transaction_states[0].transaction_timeout_ms, 60000);
    assert_int_equal(got.transaction_states[1].error_code, 105);
    assert_int_equal(got.transaction_states[2].error_code, 42);
    struct bytes states[] = {bytes_from("Ongoing"), bytes_from("Asleep")};
    struct kafka_list_transactions_request list;
    struct kafka_list_transactions_response all;
    kafka_list_transactions_request_init(&list);
    call(&client, KAFKA_LIST_TRANSACTIONS, 2, &list, &all);
    assert_int_equal(all.transaction_states_count, 2);
    list.state_filters = states;
    list.state_filters_count = 2;
    call(&client, KAFKA_LIST_TRANSACTIONS, 0, &list, &all);
    assert_int_equal(all.transaction_states_count, 1);
    assert_true(bytes_is(all.unknown_state_filters[0], "Asleep"));
    list.state_filters_count = 0;
    list.transactional_id_pattern = bytes_from("id.*");
    call(&client, KAFKA_LIST_TRANSACTIONS, 2, &list, &all);
    assert_int_equal(all.transaction_states_count, 1);
    assert_true(bytes_is(all.transaction_states[0].transactional_id, "idle"));
    list.transactional_id_pattern = bytes_from("(");
    call(&client, KAFKA_LIST_TRANSACTIONS, 2, &list, &all);
    assert_int_equal(all.error_code, 128);
    client_close(&client);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR + 1);
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        TEST(fencing_is_told_as_each_version_understands_it),
        TEST(an_init_checks_what_it_is_given),
        TEST(a_write_outside_of_the_transaction_is_refused_as_each_version_understands_it),
        TEST(a_batch_packed_for_its_topic_is_let_go_when_its_transaction_refuses_it),
        TEST(one_bad_partition_keeps_the_others_out),
        TEST(a_generation_of_a_group_that_is_not_there_commits_nothing),
        TEST(offsets_wait_for_the_end_over_a_restart),
        TEST(what_was_decided_before_a_crash_is_carried_out_at_the_start),
        TEST(an_open_transaction_that_no_coordinator_knows_is_aborted_at_the_start),
        TEST(services_read_what_is_committed_and_get_past_the_rest),
        TEST(a_fetch_of_committed_records_is_told_what_was_aborted),
        TEST(transactions_are_described_and_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
