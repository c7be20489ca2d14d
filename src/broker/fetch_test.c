// SPDX-License-Identifier: Apache-2.0
#include "broker/data_plane_test.h"

static void a_long_poll_waits_for_data_and_no_longer_than_asked(void **state)
{
    (void)state;
    struct client consumer, producer;
    client_open(&consumer);
    client_open(&producer);
    make_topic("a", 1);
    struct fetch_spec spec = {.topic = "a", .max_wait_ms = 600000, .min_bytes = 1};
    int64_t start_us = clock_mono_us();
    send_request(&consumer, KAFKA_FETCH, 11, build_fetch(&consumer, spec));
    assert_int_equal(produce(&producer, 7, "a", -1, (struct spec){.count = 1}).offset, 0);
    struct kafka_fetch_response response;
    receive(&consumer, KAFKA_FETCH, 11, consumer.correlation_id, &response);
    assert_int_equal(count_batches(response.responses[0].partitions[0].records), 1);
    assert_true(clock_mono_us() - start_us < 60 * 1000 * 1000);
    spec.offset = 1;
    spec.max_wait_ms = 60;
    start_us = clock_mono_us();
    struct kafka_fetch_response_partition got = fetch(&consumer, 11, spec);
    assert_int_equal(got.error_code, 0);
    assert_int_equal(got.records.size, 0);
    assert_int_equal(got.high_watermark, 1);
    assert_true(clock_mono_us() - start_us >= 60 * 1000);
    // Not enough for min_bytes yet: what is there comes when the time is over.
    spec.offset = 0;
    spec.min_bytes = 100000;
    got = fetch(&consumer, 11, spec);
    assert_int_equal(count_batches(got.records), 1);
    client_close(&producer);
    client_close(&consumer);
}

static void errors_of_a_fetch_come_at_once(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("a", 1);
    assert_int_equal(produce(&client, 7, "a", -1, (struct spec){.count = 2}).error, 0);
    struct fetch_spec spec = {.topic = "a", .offset = 3, .max_wait_ms = 600000, .min_bytes = 1};
    struct kafka_fetch_response_partition got = fetch(&client, 11, spec);
    assert_int_equal(got.error_code, 1);
    assert_int_equal(got.high_watermark, -1);
    spec.offset = -1;
    assert_int_equal(fetch(&client, 11, spec).error_code, 1);
    spec.topic = "missing";
    assert_int_equal(fetch(&client, 11, spec).error_code, 3);
    spec.topic = "a";
    spec.partition = 4;
    assert_int_equal(fetch(&client, 11, spec).error_code, 3);
    uint8_t other[16] = {1};
    spec.id = other;
    assert_int_equal(fetch(&client, 13, spec).error_code, 100);
    struct kafka_fetch_request *message = build_fetch(&client, spec);
    message->session_id = 9;
    message->session_epoch = 1;
    struct kafka_fetch_response response;
    call(&client, KAFKA_FETCH, 11, message, &response);
    assert_int_equal(response.error_code, 70);
    client_close(&client);
}

static void a_waiting_fetch_hears_of_the_topics_end(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("a", 1);
    struct fetch_spec spec = {.topic = "a", .max_wait_ms = 600000, .min_bytes = 1};
    send_request(&client, KAFKA_FETCH, 11, build_fetch(&client, spec));
    MUST(log_store_delete_topic(broker->store, "a", &diag));
    struct kafka_fetch_response response;
    receive(&client, KAFKA_FETCH, 11, client.correlation_id, &response);
    assert_int_equal(response.responses[0].partitions[0].error_code, 3);
    client_close(&client);
}

static void the_first_batch_comes_whole_and_the_rest_within_the_bounds(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("a", 1);
    for (int i = 0; i < 20; i++)
        assert_int_equal(
            produce(&client, 7, "a", -1, (struct spec){.count = 1, .value_bytes = 1000}).error, 0);
    struct fetch_spec spec = {.topic = "a", .offset = 3, .min_bytes = 1, .max_bytes = 10};
    assert_int_equal(count_batches(fetch(&client, 11, spec).records), 1);
    spec.max_bytes = 0;
    spec.partition_max_bytes = 10;
    assert_int_equal(count_batches(fetch(&client, 11, spec).records), 1);
    spec.partition_max_bytes = 3500;
    assert_int_equal(count_batches(fetch(&client, 11, spec).records), 3);
    spec.offset = 0;
    spec.partition_max_bytes = 0;
    assert_int_equal(count_batches(fetch(&client, 11, spec).records), 20);
    client_close(&client);
}

static struct kafka_list_offsets_response_partition list_offset(struct client *client,
                                                                int16_t version, int64_t timestamp)
{
    struct kafka_list_offsets_request message;
    struct kafka_list_offsets_request_topic topic;
    struct kafka_list_offsets_request_partition partition;
    kafka_list_offsets_request_init(&message);
    kafka_list_offsets_request_topic_init(&topic);
    kafka_list_offsets_request_partition_init(&partition);
    partition.timestamp = timestamp;
    topic.name = bytes_from("a");
    topic.partitions = &partition;
    topic.partitions_count = 1;
    message.topics = &topic;
    message.topics_count = 1;
    struct kafka_list_offsets_response response;
    call(client, KAFKA_LIST_OFFSETS, version, &message, &response);
    return response.topics[0].partitions[0];
}

static void offsets_are_listed_by_place_and_by_time(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("a", 1);
    keep_for_ever("a");
    for (int i = 0; i < 5; i++)
        assert_int_equal(
            produce(&client, 7, "a", -1,
                    (struct spec){.count = 3, .timestamp_ms = 1000 + 10 * i, .codec = BATCH_LZ4})
                .error,
            0);
    for (int16_t version = 1; version <= api_handler_find(KAFKA_LIST_OFFSETS)->max; version++) {
        assert_int_equal(list_offset(&client, version, -1).offset, 15);
        assert_int_equal(list_offset(&client, version, -2).offset, 0);
        assert_int_equal(list_offset(&client, version, 1021).offset, 7);
        assert_int_equal(list_offset(&client, version, 1021).timestamp, 1021);
        assert_int_equal(list_offset(&client, version, 9999).offset, -1);
        assert_int_equal(list_offset(&client, version, -3).error_code, version >= 7 ? 0 : 35);
    }
    assert_int_equal(list_offset(&client, 7, -3).offset, 14);
    struct kafka_delete_records_request message;
    struct kafka_delete_records_request_topic topic;
    struct kafka_delete_records_request_partition partition;
    kafka_delete_records_request_init(&message);
    kafka_delete_records_request_topic_init(&topic);
    kafka_delete_records_request_partition_init(&partition);
    partition.offset = 4;
    topic.name = bytes_from("a");
    topic.partitions = &partition;
    topic.partitions_count = 1;
    message.topics = &topic;
    message.topics_count = 1;
    struct kafka_delete_records_response response;
    call(&client, KAFKA_DELETE_RECORDS, 2, &message, &response);
    assert_int_equal(response.topics[0].partitions[0].low_watermark, 4);
    assert_int_equal(list_offset(&client, 7, -2).offset, 4);
    assert_int_equal(list_offset(&client, 7, 1000).offset, 4);
    client_close(&client);
}

static void the_one_leader_epoch_ends_where_the_log_ends(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("a", 1);
    assert_int_equal(produce(&client, 7, "a", -1, (struct spec){.count = 3}).error, 0);
    struct kafka_offset_for_leader_epoch_request message;
    struct kafka_offset_for_leader_epoch_request_topic topic;
    struct kafka_offset_for_leader_epoch_request_partition partition;
    kafka_offset_for_leader_epoch_request_init(&message);
    kafka_offset_for_leader_epoch_request_topic_init(&topic);
    kafka_offset_for_leader_epoch_request_partition_init(&partition);
    topic.topic = bytes_from("a");
    topic.partitions = &partition;
    topic.partitions_count = 1;
    message.topics = &topic;
    message.topics_count = 1;
    struct kafka_offset_for_leader_epoch_response response;
    call(&client, KAFKA_OFFSET_FOR_LEADER_EPOCH, 4, &message, &response);
    assert_int_equal(response.topics[0].partitions[0].end_offset, 3);
    assert_int_equal(response.topics[0].partitions[0].leader_epoch, 0);
    partition.leader_epoch = 3;
    call(&client, KAFKA_OFFSET_FOR_LEADER_EPOCH, 4, &message, &response);
    assert_int_equal(response.topics[0].partitions[0].end_offset, -1);
    partition.current_leader_epoch = 3;
    call(&client, KAFKA_OFFSET_FOR_LEADER_EPOCH, 4, &message, &response);
    assert_int_equal(response.topics[0].partitions[0].error_code, 75);
    client_close(&client);
}

static void a_broker_closes_at_once_while_clients_wait(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("a", 1);
    struct fetch_spec spec = {.topic = "a", .max_wait_ms = 600000, .min_bytes = 1};
    send_request(&client, KAFKA_FETCH, 11, build_fetch(&client, spec));
    struct client other; // its answer shows that the fetch before it is waiting, or will be refused
    client_open(&other);
    assert_int_equal(produce(&other, 7, "missing", -1, (struct spec){.count = 1}).error, 3);
    int64_t start_us = clock_mono_us();
    broker_close(broker);
    assert_true(clock_mono_us() - start_us < 60 * 1000 * 1000);
    client_close(&client);
    client_close(&other);
    start_broker();
}

static void a_session_carries_a_long_poll_and_tells_only_of_what_came(void **state)
{
    (void)state;
    struct client consumer, producer;
    client_open(&consumer);
    client_open(&producer);
    make_topic("a", 2);
    struct fetch_spec spec = {.topic = "a", .max_wait_ms = 600000, .min_bytes = 1};
    struct kafka_fetch_request *message = build_fetch(&consumer, spec);
    struct kafka_fetch_request_partition both[2] = {*message->topics->partitions,
                                                    *message->topics->partitions};
    both[1].partition = 1;
    message->topics->partitions = both;
    message->topics->partitions_count = 2;
    message->session_epoch = 0;
    message->min_bytes = 0;
    struct kafka_fetch_response response;
    call(&consumer, KAFKA_FETCH, 12, message, &response);
    assert_true(response.session_id > 0);
    assert_int_equal(response.responses[0].partitions_count, 2);
    message = build_fetch(&consumer, spec);
    message->session_id = response.session_id;
    message->session_epoch = 1;
    message->topics_count = 0;
    send_request(&consumer, KAFKA_FETCH, 12, message);
    assert_int_equal(produce(&producer, 7, "a", -1, (struct spec){.count = 1}).error, 0);
    receive(&consumer, KAFKA_FETCH, 12, consumer.correlation_id, &response);
    assert_int_equal(response.session_id, message->session_id);
    assert_int_equal(response.responses_count, 1);
    assert_int_equal(response.responses[0].partitions_count, 1);
    assert_int_equal(response.responses[0].partitions[0].partition_index, 0);
    assert_int_equal(count_batches(response.responses[0].partitions[0].records), 1);
    client_close(&producer);
    client_close(&consumer);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(a_long_poll_waits_for_data_and_no_longer_than_asked),
        TEST(errors_of_a_fetch_come_at_once),
        TEST(a_waiting_fetch_hears_of_the_topics_end),
        TEST(the_first_batch_comes_whole_and_the_rest_within_the_bounds),
        TEST(offsets_are_listed_by_place_and_by_time),
        TEST(the_one_leader_epoch_ends_where_the_log_ends),
        TEST(a_session_carries_a_long_poll_and_tells_only_of_what_came),
        TEST(a_broker_closes_at_once_while_clients_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
