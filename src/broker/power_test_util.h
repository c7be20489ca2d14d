// SPDX-License-Identifier: Apache-2.0
//
// power_test_util: a client that, in every transaction, writes a record into each of two partitions
// and commits a group's offset, and commits an offset of another group outside; and what of that
// has to be there afterwards: a transaction in all of its parts or in none, as its owner was told.
#ifndef BROKER_POWER_TEST_UTIL_H
#define BROKER_POWER_TEST_UTIL_H

#include "os/disk_cut_test.h"

#include "broker/data_plane_test.h"
#include "wire/kafka/add_offsets_to_txn.h"
#include "wire/kafka/add_partitions_to_txn.h"
#include "wire/kafka/end_txn.h"
#include "wire/kafka/offset_commit.h"
#include "wire/kafka/offset_fetch.h"
#include "wire/kafka/txn_offset_commit.h"

enum {
    TXNS = 24,
    CONCURRENT = 51,
    VALUE_BYTES = 100, // and the number of the transaction
    DEADLINE_US = 60 * 1000 * 1000,
};

static const char txn_name[] = "t", topic_named[] = "a";

struct who {
    int64_t id;
    int16_t epoch;
};

struct promise {
    bool commit;
    size_t told;       // when the end was acknowledged; SIZE_MAX = it was not
    size_t plain_told; // when the other group's offset was
};

static struct promise promises[TXNS];
static struct who writer;
static uint64_t seed_now;
static size_t cut_now;
static const char *fault_now = "";

#define HOLDS(condition, ...)                                                               \
    do {                                                                                    \
        if (!(condition)) {                                                                 \
            print_error("POWER_SEED=%llu%s, cut at op %zu: ", (unsigned long long)seed_now, \
                        fault_now, cut_now);                                                \
            print_error(__VA_ARGS__);                                                       \
            print_error("\n");                                                              \
            fail();                                                                         \
        }                                                                                   \
    } while (0)

// --- requests ---

static inline struct who init_writer(struct client *client)
{
    struct kafka_init_producer_id_request m;
    struct kafka_init_producer_id_response got;
    int64_t until_us = clock_mono_us() + DEADLINE_US;
    kafka_init_producer_id_request_init(&m);
    m.transactional_id = bytes_from(txn_name);
    m.transaction_timeout_ms = 60000;
    do {
        call(client, KAFKA_INIT_PRODUCER_ID, 4, &m, &got);
        HOLDS(clock_mono_us() < until_us, "the transaction before does not end");
    } while (got.error_code == CONCURRENT);
    HOLDS(got.error_code == 0, "no producer id: %d", got.error_code);
    return (struct who){got.producer_id, got.producer_epoch};
}

static inline int16_t add_partitions_once(struct client *client)
{
    struct kafka_add_partitions_to_txn_request m;
    struct kafka_add_partitions_to_txn_response got;
    int32_t indexes[] = {0, 1};
    struct kafka_add_partitions_to_txn_request_v3_topic topic = {bytes_from(topic_named), indexes,
                                                                 2};
    kafka_add_partitions_to_txn_request_init(&m);
    m.v3_and_below_transactional_id = bytes_from(txn_name);
    m.v3_and_below_producer_id = writer.id;
    m.v3_and_below_producer_epoch = writer.epoch;
    m.v3_and_below_topics = &topic;
    m.v3_and_below_topics_count = 1;
    call(client, KAFKA_ADD_PARTITIONS_TO_TXN, 3, &m, &got);
    return got.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code;
}

// The markers of the transaction before may still be on their way.
static inline int16_t add_partitions(struct client *client)
{
    int64_t until_us = clock_mono_us() + DEADLINE_US;
    int16_t error;
    do {
        error = add_partitions_once(client);
        assert_true(clock_mono_us() < until_us);
    } while (error == CONCURRENT);
    return error;
}

static inline int16_t send_record(struct client *client, int32_t index, int txn, int32_t sequence)
{
    struct kafka_produce_request m;
    struct kafka_produce_response got;
    struct str batch = make_batch((struct spec){.count = 1,
                                                .producer_id = 1,
                                                .sequence = sequence,
                                                .value_bytes = VALUE_BYTES + (size_t)txn});
    struct batch_header header;
    assert_true(batch_header_read(&header, str_bytes(&batch)));
    header.producer_id = writer.id;
    header.producer_epoch = writer.epoch;
    header.attributes |= BATCH_TRANSACTIONAL;
    batch_header_write((uint8_t *)batch.ptr, batch.size, &header);
    build_produce(client, &m, topic_named, -1, &index, &batch, 1);
    m.transactional_id = bytes_from(txn_name);
    call(client, KAFKA_PRODUCE, 9, &m, &got);
    str_release(&batch);
    return got.responses[0].partition_responses[0].error_code;
}

static inline int16_t commit_in_txn(struct client *client, int64_t offset)
{
    struct kafka_add_offsets_to_txn_request add = {bytes_from(txn_name), writer.id, writer.epoch,
                                                   bytes_from("inside")};
    struct kafka_add_offsets_to_txn_response added;
    call(client, KAFKA_ADD_OFFSETS_TO_TXN, 3, &add, &added);
    if (added.error_code != 0)
        return added.error_code;
    struct kafka_txn_offset_commit_request m;
    struct kafka_txn_offset_commit_response got;
    struct kafka_txn_offset_commit_request_request_partition partition = {
        .committed_offset = offset, .committed_metadata = bytes_from("")};
    struct kafka_txn_offset_commit_request_request_topic topic = {bytes_from(topic_named),
                                                                  &partition, 1};
    kafka_txn_offset_commit_request_init(&m);
    m.transactional_id = bytes_from(txn_name);
    m.group_id = bytes_from("inside");
    m.producer_id = writer.id;
    m.producer_epoch = writer.epoch;
    m.topics = &topic;
    m.topics_count = 1;
    call(client, KAFKA_TXN_OFFSET_COMMIT, 3, &m, &got);
    return got.topics[0].partitions[0].error_code;
}

static inline int16_t commit_outside(struct client *client, int64_t offset)
{
    struct kafka_offset_commit_request m;
    struct kafka_offset_commit_response got;
    struct kafka_offset_commit_request_partition partition;
    struct kafka_offset_commit_request_topic topic;
    kafka_offset_commit_request_partition_init(&partition);
    kafka_offset_commit_request_topic_init(&topic);
    kafka_offset_commit_request_init(&m);
    partition.committed_offset = offset;
    topic.name = bytes_from(topic_named);
    topic.partitions = &partition;
    topic.partitions_count = 1;
    m.group_id = bytes_from("outside");
    m.topics = &topic;
    m.topics_count = 1;
    call(client, KAFKA_OFFSET_COMMIT, 7, &m, &got);
    return got.topics[0].partitions[0].error_code;
}

static inline int64_t fetch_offset(struct client *client, const char *group)
{
    struct kafka_offset_fetch_request m;
    struct kafka_offset_fetch_response got;
    int32_t index = 0;
    struct kafka_offset_fetch_request_topic topic = {bytes_from(topic_named), &index, 1};
    kafka_offset_fetch_request_init(&m);
    m.group_id = bytes_from(group);
    m.topics = &topic;
    m.topics_count = 1;
    m.require_stable = true;
    call(client, KAFKA_OFFSET_FETCH, 7, &m, &got);
    HOLDS(got.topics[0].partitions[0].error_code == 0, "offsets of %s: error %d", group,
          got.topics[0].partitions[0].error_code);
    return got.topics[0].partitions[0].committed_offset;
}

static inline int16_t end_txn_once(struct client *client, bool commit)
{
    struct kafka_end_txn_request m = {bytes_from(txn_name), writer.id, writer.epoch, commit};
    struct kafka_end_txn_response got;
    call(client, KAFKA_END_TXN, 3, &m, &got);
    return got.error_code;
}

static inline int16_t end_txn(struct client *client, bool commit)
{
    int64_t until_us = clock_mono_us() + DEADLINE_US;
    int16_t error;
    do {
        error = end_txn_once(client, commit);
        assert_true(clock_mono_us() < until_us);
    } while (error == CONCURRENT);
    return error;
}

// --- what is left ---

static inline int txn_of(struct bytes batch)
{
    struct record_reader reader;
    struct record record;
    MUST(record_reader_open(&reader, batch, RECORD_UNPACKED_MAX_BYTES, &diag));
    int txn = record_reader_next(&reader, &record) ? (int)record.value.size - VALUE_BYTES : -1;
    record_reader_release(&reader);
    return txn;
}

// Which transactions a reader of committed records sees in a partition.
static inline void see_visible(struct partition *partition, bool visible[TXNS])
{
    struct partition_offsets offsets = partition_offsets(partition);
    struct aborted_list aborted = {0};
    HOLDS(offsets.stable == offsets.end, "partition %d: a transaction stays open",
          partition_index(partition));
    MUST(partition_aborted(partition, offsets.start, offsets.stable, 0, &aborted, &diag));
    for (int64_t next = offsets.start; next < offsets.end;) {
        struct buf *buf = NULL;
        struct diag why = DIAG_INIT;
        err_t err = partition_read(partition, next, 1 << 20, &buf, &why);
        HOLDS(err == ERR_OK && buf, "cannot read offset %lld: %s", (long long)next,
              diag_text(&why));
        struct reader reader = reader_make(buf_bytes(buf));
        struct bytes batch;
        while (record_batch_next(&reader, &batch)) {
            struct batch_header header;
            assert_true(batch_header_read(&header, batch));
            next = batch_header_last_offset(&header) + 1;
            bool hidden = (header.attributes & BATCH_CONTROL) != 0;
            for (size_t i = 0; i < aborted.count; i++)
                hidden = hidden || (aborted.items[i].producer_id == header.producer_id &&
                                    aborted.items[i].first_offset <= header.base_offset &&
                                    header.base_offset <= aborted.items[i].last_offset);
            if (hidden)
                continue;
            int txn = txn_of(batch);
            HOLDS(txn >= 0 && txn < TXNS && !visible[txn], "transaction %d is there twice", txn);
            visible[txn] = true;
        }
        buf_unref(buf);
    }
    vec_release(&aborted);
}

// Markers that a start still has to write are there soon.
static inline void wait_stable(struct topic *topic)
{
    int64_t until_us = clock_mono_us() + DEADLINE_US;
    for (int32_t p = 0; p < 2; p++)
        for (;;) {
            struct partition_offsets offsets = partition_offsets(topic_partition(topic, p));
            if (offsets.stable == offsets.end)
                break;
            HOLDS(clock_mono_us() < until_us, "partition %d: a transaction stays open", p);
        }
}

static inline void check_topic(struct client *client, struct topic *topic)
{
    bool visible[2][TXNS] = {0};
    wait_stable(topic);
    for (int32_t p = 0; p < 2; p++)
        see_visible(topic_partition(topic, p), visible[p]);
    int64_t inside = -1, outside = -1;
    for (int i = 0; i < TXNS; i++) {
        const struct promise *promise = &promises[i];
        bool told = promise->told <= cut_now;
        HOLDS(visible[0][i] == visible[1][i], "transaction %d is there in one of its partitions",
              i);
        HOLDS(!visible[0][i] || promise->commit, "transaction %d was aborted and is there", i);
        HOLDS(visible[0][i] || !promise->commit || !told,
              "transaction %d was committed and is lost", i);
        if (visible[0][i])
            inside = i;
        if (promise->plain_told <= cut_now)
            outside = i;
    }
    int64_t found = fetch_offset(client, "inside");
    HOLDS(found == inside, "offset %lld is committed, the last transaction there is %lld",
          (long long)found, (long long)inside);
    found = fetch_offset(client, "outside");
    HOLDS(found >= outside, "offset %lld is committed, %lld was acknowledged", (long long)found,
          (long long)outside);
}

static inline void check_left(void)
{
    struct client client;
    start_broker();
    client_open(&client);
    (void)init_writer(&client);
    struct topic *topic = log_store_topic(broker->store, bytes_from(topic_named));
    if (topic)
        check_topic(&client, topic);
    HOLDS(topic || promises[0].plain_told > cut_now, "the topic is gone");
    topic_unref(topic);
    client_close(&client);
    broker_close(broker);
}

#endif
