// SPDX-License-Identifier: Apache-2.0
#include "broker/data_plane_test.h"

static void what_is_produced_is_fetched_in_every_version(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    struct topic *topic = make_topic("a", 1);
    int64_t next = 0;
    for (int16_t version = 3; version < 13; version++) { // from 13 on topics have no names
        struct produced produced = produce(&client, version, "a", -1, (struct spec){.count = 2});
        assert_int_equal(produced.error, 0);
        assert_int_equal(produced.offset, next);
        next += 2;
    }
    for (int16_t version = 4; version <= api_handler_find(KAFKA_FETCH)->max; version++) {
        struct kafka_fetch_response_partition got =
            fetch(&client, version,
                  (struct fetch_spec){.topic = "a", .id = topic_id(topic), .min_bytes = 1});
        assert_int_equal(got.error_code, 0);
        assert_int_equal(got.high_watermark, next);
        assert_int_equal(got.last_stable_offset, next);
        assert_int_equal(count_batches(got.records), next / 2);
        assert_int_equal(got.aborted_transactions_count, -1);
    }
    client_close(&client);
}

static void each_partition_has_its_own_answer_in_the_order_asked(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("a", 3);
    struct str good = make_batch((struct spec){.count = 1}),
               bad = make_batch((struct spec){.count = 1});
    bad.ptr[bad.size - 3] ^= 1;
    struct str batches[] = {good, bad, good, good};
    int32_t indexes[] = {2, 1, 7, 0};
    int16_t errors[] = {0, 2, 3, 0};
    struct kafka_produce_request message;
    struct kafka_produce_response response;
    build_produce(&client, &message, "a", -1, indexes, batches, 4);
    call(&client, KAFKA_PRODUCE, 8, &message, &response);
    for (int i = 0; i < 4; i++) {
        struct kafka_produce_response_partition_response *out =
            &response.responses[0].partition_responses[i];
        assert_int_equal(out->index, indexes[i]);
        assert_int_equal(out->error_code, errors[i]);
        assert_int_equal(out->base_offset, errors[i] ? -1 : 0);
        assert_true((out->error_message.ptr != NULL) == (errors[i] != 0));
    }
    str_release(&good);
    str_release(&bad);
    client_close(&client);
}

static void bad_batches_get_their_own_codes(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("a", 1);
    assert_int_equal(produce(&client, 7, "missing", -1, (struct spec){.count = 1}).error, 3);
    assert_int_equal(produce(&client, 7, "a", 2, (struct spec){.count = 1}).error, 21);
    assert_int_equal(
        produce(&client, 7, "a", -1, (struct spec){.count = 1, .value_bytes = 1100000}).error, 10);
    assert_int_equal(
        produce(&client, 6, "a", -1, (struct spec){.count = 1, .codec = BATCH_ZSTD}).error, 76);
    assert_int_equal(
        produce(&client, 7, "a", -1, (struct spec){.count = 1, .codec = BATCH_ZSTD}).error, 0);
    int64_t far_ms = clock_now_ms() + 7200 * 1000;
    assert_int_equal(
        produce(&client, 7, "a", -1, (struct spec){.count = 1, .timestamp_ms = far_ms}).error, 32);
    struct str batch = make_batch((struct spec){.count = 2});
    struct batch_header header;
    assert_true(batch_header_read(&header, str_bytes(&batch)));
    header.record_count = 3;
    batch_header_write((uint8_t *)batch.ptr, batch.size, &header);
    assert_int_equal(produce_bytes(&client, 7, "a", -1, batch).error, 87);
    header.record_count = 2;
    header.attributes = BATCH_CONTROL;
    batch_header_write((uint8_t *)batch.ptr, batch.size, &header);
    assert_int_equal(produce_bytes(&client, 7, "a", -1, batch).error, 87);
    header.attributes = BATCH_TRANSACTIONAL;
    batch_header_write((uint8_t *)batch.ptr, batch.size, &header);
    assert_int_equal(produce_bytes(&client, 7, "a", -1, batch).error, 53); // names no transaction
    header.base_offset = 9;
    header.attributes = 0;
    batch_header_write((uint8_t *)batch.ptr, batch.size, &header);
    assert_int_equal(produce_bytes(&client, 7, "a", -1, batch).error, 87);
    header.base_offset = 0;
    header.attributes = 0;
    batch_header_write((uint8_t *)batch.ptr, batch.size, &header);
    batch.ptr[16] = 1; // an old message format
    assert_int_equal(produce_bytes(&client, 7, "a", -1, batch).error, 87);
    batch.ptr[16] = 2;
    size_t size = batch.size;
    struct str packed = make_batch((struct spec){.count = 2, .codec = BATCH_LZ4});
    assert_true(batch_header_read(&header, str_bytes(&packed)));
    packed.ptr[BATCH_HEADER_BYTES] ^= 1; // the checksum is made to fit, what it packs is broken
    batch_header_write((uint8_t *)packed.ptr, packed.size, &header);
    assert_int_not_equal(produce_bytes(&client, 7, "a", -1, packed).error, 0);
    str_release(&packed);
    struct str twice = {0};
    str_append(&twice, batch.ptr, size);
    str_append(&twice, batch.ptr, size);
    assert_int_equal(produce_bytes(&client, 7, "a", -1, twice).error, 87);
    assert_int_equal(
        produce_bytes(&client, 7, "a", -1, (struct str){.ptr = batch.ptr, .size = 40}).error, 87);
    assert_int_equal(produce_bytes(&client, 7, "a", -1, batch).error, 0);
    str_release(&twice);
    str_release(&batch);
    client_close(&client);
}

static void a_repeat_is_answered_with_the_first_offset_and_a_gap_is_refused(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("a", 1);
    struct kafka_init_producer_id_request ask;
    struct kafka_init_producer_id_response got;
    kafka_init_producer_id_request_init(&ask);
    ask.transactional_id = BYTES_NULL;
    call(&client, KAFKA_INIT_PRODUCER_ID, 4, &ask, &got);
    assert_int_equal(got.error_code, 0);
    assert_int_equal(got.producer_epoch, 0);
    struct spec spec = {.count = 3, .producer_id = got.producer_id};
    if (spec.producer_id == 0) // the helper's "none"
        spec.producer_id = 77;
    assert_int_equal(produce(&client, 9, "a", -1, spec).offset, 0);
    spec.sequence = 3;
    assert_int_equal(produce(&client, 9, "a", -1, spec).offset, 3);
    assert_int_equal(produce(&client, 9, "a", -1, spec).offset, 3);
    spec.sequence = 9;
    assert_int_equal(produce(&client, 9, "a", -1, spec).error, 45);
    client_close(&client);
}

static void acks_0_gets_no_answer_and_an_error_closes_the_connection(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("a", 1);
    struct str batch = make_batch((struct spec){.count = 1});
    int32_t index = 0;
    struct kafka_produce_request message;
    build_produce(&client, &message, "a", 0, &index, &batch, 1);
    send_request(&client, KAFKA_PRODUCE, 7, &message);
    // The next answer on the wire is that of the next request.
    assert_int_equal(produce(&client, 7, "a", -1, (struct spec){.count = 1}).offset, 1);
    index = 5;
    build_produce(&client, &message, "a", 0, &index, &batch, 1);
    send_request(&client, KAFKA_PRODUCE, 7, &message);
    char byte;
    assert_int_equal(read(client.fd, &byte, 1), 0);
    str_release(&batch);
    client_close(&client);
}

static void pipelined_batches_keep_their_order(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    make_topic("a", 1);
    enum { DEPTH = 40 };
    for (int i = 0; i < DEPTH; i++) {
        // Compressed ones take another way than plain ones.
        struct spec spec = {.count = 1, .producer_id = 5, .sequence = i, .value_bytes = 20000};
        spec.codec = i % 3 ? BATCH_NONE : BATCH_GZIP;
        struct str batch = make_batch(spec);
        int32_t index = 0;
        struct kafka_produce_request message;
        build_produce(&client, &message, "a", -1, &index, &batch, 1);
        send_request(&client, KAFKA_PRODUCE, 7, &message);
        str_release(&batch);
    }
    for (int i = 0; i < DEPTH; i++) {
        struct kafka_produce_response response;
        receive(&client, KAFKA_PRODUCE, 7, i + 1, &response);
        assert_int_equal(response.responses[0].partition_responses[0].error_code, 0);
        assert_int_equal(response.responses[0].partition_responses[0].base_offset, i);
    }
    client_close(&client);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(what_is_produced_is_fetched_in_every_version),
        TEST(each_partition_has_its_own_answer_in_the_order_asked),
        TEST(bad_batches_get_their_own_codes),
        TEST(a_repeat_is_answered_with_the_first_offset_and_a_gap_is_refused),
        TEST(acks_0_gets_no_answer_and_an_error_closes_the_connection),
        TEST(pipelined_batches_keep_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
