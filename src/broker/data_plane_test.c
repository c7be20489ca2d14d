// SPDX-License-Identifier: Apache-2.0
//
// Produce, Fetch, ListOffsets and their kin through a real socket, and the log port beside them.
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "broker/broker_int.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "os/socket.h"
#include "os/thread.h"
#include "wire/kafka/delete_records.h"
#include "wire/kafka/fetch.h"
#include "wire/kafka/init_producer_id.h"
#include "wire/kafka/list_offsets.h"
#include "wire/kafka/offset_for_leader_epoch.h"
#include "wire/kafka/produce.h"
#include "wire/kafka/record.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

static struct loops *loops;
static struct broker *broker;
static uint16_t port;
static char dir[200];

static void must(err_t err, const struct diag *diag)
{
    if (err != ERR_OK)
        fail_msg("%s: %s", err_name(err), diag_text(diag));
}

#define MUST(call)                    \
    do {                              \
        struct diag diag = DIAG_INIT; \
        must((call), &diag);          \
    } while (0)

static void start_broker(void)
{
    struct broker_options options = {
        .data_dir = dir, .loops = loops, .host = "127.0.0.1", .sync = true};
    MUST(broker_open(&broker, &options, &diag));
    MUST(broker_listen(broker, &port, &diag));
}

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/weir-data-plane-%d-%llx", (int)getpid(),
             (unsigned long long)random_u64());
    MUST(loops_start(&loops, 2, 2, &diag));
    start_broker();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    broker_close(broker);
    loops_stop(loops);
    MUST(dir_remove(dir, &diag));
    return 0;
}

static struct topic *make_topic(const char *name, int32_t partitions)
{
    struct topic *topic;
    MUST(log_store_create_topic(broker->store, name, partitions, NULL, 0, &topic, &diag));
    topic_unref(topic);
    return topic; // lives until it is deleted
}

// --- a client
// -----------------------------------------------------------------------------------------------

struct client {
    int fd;
    int32_t correlation_id;
    struct arena arena;
    struct str frame;
};

static void client_open(struct client *client)
{
    *client = (struct client){.arena = ARENA_INIT};
    MUST(socket_connect(&client->fd, "127.0.0.1", port, &diag));
}

static void client_close(struct client *client)
{
    socket_close(client->fd);
    arena_release(&client->arena);
    str_release(&client->frame);
}

static void send_request(struct client *client, int16_t key, int16_t version, const void *message)
{
    struct str out = {0};
    struct kafka_request_header header = {
        .key = key, .version = version, .correlation_id = ++client->correlation_id};
    writer_u32(&out, 0);
    kafka_request_header_encode(&header, &out);
    kafka_api_find(key)->request.encode(message, version, &out);
    writer_patch_u32(&out, 0, (uint32_t)(out.size - 4));
    assert_int_equal(write(client->fd, out.ptr, out.size), out.size);
    str_release(&out);
}

static bool read_exact(int fd, void *ptr, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = read(fd, (char *)ptr + done, size - done);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static void receive(struct client *client, int16_t key, int16_t version, int32_t correlation_id,
                    void *response)
{
    uint8_t head[4];
    assert_true(read_exact(client->fd, head, 4));
    size_t size = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    str_clear(&client->frame);
    str_reserve(&client->frame, size);
    assert_true(read_exact(client->fd, client->frame.ptr, size));
    struct reader reader = reader_make(bytes_make(client->frame.ptr, size));
    int32_t correlation;
    assert_true(kafka_response_header_decode(key, version, &correlation, &reader));
    assert_int_equal(correlation, correlation_id);
    assert_true(kafka_api_find(key)->response.decode(response, version, &reader, &client->arena));
    assert_int_equal(reader_left(&reader), 0);
}

static void call(struct client *client, int16_t key, int16_t version, const void *message,
                 void *response)
{
    send_request(client, key, version, message);
    receive(client, key, version, client->correlation_id, response);
}

// --- produce
// ------------------------------------------------------------------------------------------------

struct spec {
    int count;
    int64_t producer_id; // 0 = none
    int32_t sequence;
    size_t value_bytes;
    int64_t timestamp_ms;
    enum batch_compression codec;
};

static struct str make_batch(struct spec spec)
{
    struct record_builder builder = {.codec = spec.codec};
    struct str value = {0}, out = {0};
    for (size_t i = 0; i < (spec.value_bytes ? spec.value_bytes : 10); i++)
        str_append_byte(&value, 'v');
    for (int i = 0; i < spec.count; i++)
        record_builder_add(&builder, spec.timestamp_ms ? spec.timestamp_ms + i : clock_now_ms(),
                           bytes_from("k"), str_bytes(&value), NULL, 0);
    MUST(record_builder_finish(&builder, &out, &diag));
    record_builder_release(&builder);
    str_release(&value);
    if (spec.producer_id) {
        struct batch_header header;
        assert_true(batch_header_read(&header, str_bytes(&out)));
        header.producer_id = spec.producer_id;
        header.producer_epoch = 0;
        header.base_sequence = spec.sequence;
        batch_header_write((uint8_t *)out.ptr, out.size, &header);
    }
    return out;
}

struct produced {
    int16_t error;
    int64_t offset;
};

static void build_produce(struct client *client, struct kafka_produce_request *message,
                          const char *topic, int16_t acks, const int32_t *indexes,
                          const struct str *batches, int32_t count)
{
    kafka_produce_request_init(message);
    message->acks = acks;
    message->timeout_ms = 1000;
    message->topic_data = ARENA_NEW(&client->arena, struct kafka_produce_request_topic_data);
    message->topic_data_count = 1;
    kafka_produce_request_topic_data_init(message->topic_data);
    message->topic_data->name = bytes_from(topic);
    message->topic_data->partition_data_count = count;
    message->topic_data->partition_data =
        ARENA_ARRAY(&client->arena, struct kafka_produce_request_partition_data, (size_t)count);
    for (int32_t i = 0; i < count; i++) {
        kafka_produce_request_partition_data_init(&message->topic_data->partition_data[i]);
        message->topic_data->partition_data[i].index = indexes[i];
        message->topic_data->partition_data[i].records =
            (struct kafka_records){.ptr = (const uint8_t *)batches[i].ptr, .size = batches[i].size};
    }
}

static struct produced produce_bytes(struct client *client, int16_t version, const char *topic,
                                     int16_t acks, struct str batch)
{
    struct kafka_produce_request message;
    struct kafka_produce_response response;
    int32_t index = 0;
    build_produce(client, &message, topic, acks, &index, &batch, 1);
    call(client, KAFKA_PRODUCE, version, &message, &response);
    assert_int_equal(response.responses_count, 1);
    assert_int_equal(response.responses[0].partition_responses_count, 1);
    struct kafka_produce_response_partition_response *out =
        response.responses[0].partition_responses;
    return (struct produced){out->error_code, out->base_offset};
}

static struct produced produce(struct client *client, int16_t version, const char *topic,
                               int16_t acks, struct spec spec)
{
    struct str batch = make_batch(spec);
    struct produced produced = produce_bytes(client, version, topic, acks, batch);
    str_release(&batch);
    return produced;
}

// --- fetch
// --------------------------------------------------------------------------------------------------

struct fetch_spec {
    const char *topic;
    const uint8_t *id;
    int32_t partition;
    int64_t offset;
    int32_t max_wait_ms;
    int32_t min_bytes;
    int32_t max_bytes;
    int32_t partition_max_bytes;
};

static struct kafka_fetch_request *build_fetch(struct client *client, struct fetch_spec spec)
{
    struct kafka_fetch_request *message = ARENA_NEW(&client->arena, struct kafka_fetch_request);
    kafka_fetch_request_init(message);
    message->max_wait_ms = spec.max_wait_ms;
    message->min_bytes = spec.min_bytes;
    message->max_bytes = spec.max_bytes ? spec.max_bytes : 1 << 20;
    message->topics_count = 1;
    message->topics = ARENA_NEW(&client->arena, struct kafka_fetch_request_topic);
    kafka_fetch_request_topic_init(message->topics);
    message->topics->topic = bytes_from(spec.topic);
    if (spec.id)
        memcpy(message->topics->topic_id.bytes, spec.id, 16);
    message->topics->partitions_count = 1;
    message->topics->partitions = ARENA_NEW(&client->arena, struct kafka_fetch_request_partition);
    kafka_fetch_request_partition_init(message->topics->partitions);
    message->topics->partitions->partition = spec.partition;
    message->topics->partitions->fetch_offset = spec.offset;
    message->topics->partitions->partition_max_bytes =
        spec.partition_max_bytes ? spec.partition_max_bytes : 1 << 20;
    return message;
}

static struct kafka_fetch_response_partition fetch(struct client *client, int16_t version,
                                                   struct fetch_spec spec)
{
    struct kafka_fetch_response response;
    call(client, KAFKA_FETCH, version, build_fetch(client, spec), &response);
    assert_int_equal(response.error_code, 0);
    assert_int_equal(response.session_id, 0);
    assert_int_equal(response.responses_count, 1);
    assert_int_equal(response.responses[0].partitions_count, 1);
    return response.responses[0].partitions[0];
}

static int64_t count_batches(struct kafka_records records)
{
    struct reader reader = reader_make(kafka_records_bytes(records));
    struct bytes batch;
    int64_t count = 0;
    while (record_batch_next(&reader, &batch)) {
        assert_true(batch_crc_ok(batch));
        count++;
    }
    assert_int_equal(reader_left(&reader), 0);
    return count;
}

// --- tests
// --------------------------------------------------------------------------------------------------

static void what_is_produced_is_fetched_in_every_version(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    struct topic *topic = make_topic("a", 1);
    int64_t next = 0;
    for (int16_t version = 3; version <= api_handler_find(KAFKA_PRODUCE)->max; version++) {
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
    assert_int_equal(produce_bytes(&client, 7, "a", -1, batch).error, 48);
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
        produce_bytes(&client, 7, "a", -1, (struct str){.ptr = batch.ptr, .size = 40}).error, 2);
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
    ask.transactional_id = bytes_from("t");
    call(&client, KAFKA_INIT_PRODUCER_ID, 4, &ask, &got);
    assert_int_equal(got.error_code, 35);
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

static void a_long_poll_waits_for_data_and_no_longer_than_asked(void **state)
{
    (void)state;
    struct client consumer, producer;
    client_open(&consumer);
    client_open(&producer);
    make_topic("a", 1);
    struct fetch_spec spec = {.topic = "a", .max_wait_ms = 30000, .min_bytes = 1};
    int64_t start_us = clock_mono_us();
    send_request(&consumer, KAFKA_FETCH, 11, build_fetch(&consumer, spec));
    assert_int_equal(produce(&producer, 7, "a", -1, (struct spec){.count = 1}).offset, 0);
    struct kafka_fetch_response response;
    receive(&consumer, KAFKA_FETCH, 11, consumer.correlation_id, &response);
    assert_int_equal(count_batches(response.responses[0].partitions[0].records), 1);
    assert_true(clock_mono_us() - start_us < 20 * 1000 * 1000);
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
    struct fetch_spec spec = {.topic = "a", .offset = 3, .max_wait_ms = 60000, .min_bytes = 1};
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
    struct fetch_spec spec = {.topic = "a", .max_wait_ms = 60000, .min_bytes = 1};
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

// --- the log port
// -------------------------------------------------------------------------------------------

struct flag {
    struct mutex mutex;
    struct cond cond;
    int count;
};

static void raise_flag(void *ctx)
{
    struct flag *flag = ctx;
    mutex_lock(&flag->mutex);
    flag->count++;
    cond_signal(&flag->cond);
    mutex_unlock(&flag->mutex);
}

static void the_log_port_writes_reads_and_watches(void **state)
{
    (void)state;
    struct log_port log = broker_log_port(broker);
    int32_t partitions;
    MUST(log.ops->ensure(log.self, "p", 4, &partitions, &diag));
    assert_int_equal(partitions, 4);
    MUST(log.ops->ensure(log.self, "p", 9, &partitions, &diag));
    assert_int_equal(partitions, 4);
    struct flag flag = {.count = 0};
    mutex_init(&flag.mutex);
    cond_init(&flag.cond);
    struct log_watch *watch;
    MUST(log.ops->watch(log.self, "p", raise_flag, &flag, &watch, &diag));
    struct log_header header = {bytes_from("h"), bytes_from("1")};
    struct log_record records[] = {
        {.timestamp_ms = 1000,
         .key = bytes_from("foobar"),
         .value = bytes_from("x"),
         .headers = &header,
         .header_count = 1},
        {.timestamp_ms = 2000, .key = bytes_from("foobar"), .value = BYTES_NULL},
    };
    int64_t offset;
    MUST(log.ops->append(log.self, "p", -1, records, 2, &offset, &diag));
    assert_int_equal(offset, 0);
    mutex_lock(&flag.mutex);
    while (flag.count == 0)
        assert_true(cond_wait_for(&flag.cond, &flag.mutex, 10 * 1000 * 1000));
    mutex_unlock(&flag.mutex);
    log.ops->unwatch(log.self, watch);
    int32_t by_key = 0; // Java: murmur2("foobar") = -790332482
    by_key = (-790332482 & 0x7fffffff) % 4;
    int64_t start, end;
    MUST(log.ops->offsets(log.self, "p", by_key, &start, &end, &diag));
    assert_int_equal(end, 2);
    MUST(log.ops->offset_at(log.self, "p", by_key, 1500, &offset, &diag));
    assert_int_equal(offset, 1);
    MUST(log.ops->offset_at(log.self, "p", by_key, 2500, &offset, &diag));
    assert_int_equal(offset, 2);
    struct buf *buf;
    MUST(log.ops->read(log.self, "p", by_key, 0, 1 << 20, &buf, &diag));
    struct record_reader reader;
    struct record record;
    MUST(record_reader_open(&reader, buf_bytes(buf), 1 << 20, &diag));
    assert_true(record_reader_next(&reader, &record));
    assert_true(bytes_is(record.value, "x") && record.header_count == 1 &&
                record.timestamp_ms == 1000);
    assert_true(record_reader_next(&reader, &record));
    assert_null(record.value.ptr);
    record_reader_release(&reader);
    buf_unref(buf);
    MUST(log.ops->read(log.self, "p", by_key, 2, 1 << 20, &buf, &diag));
    assert_null(buf);
    assert_int_equal(log.ops->read(log.self, "p", 9, 0, 1, &buf, NULL), ERR_UNKNOWN_TOPIC);
    assert_int_equal(log.ops->append(log.self, "none", 0, records, 1, NULL, NULL),
                     ERR_UNKNOWN_TOPIC);
    struct arena arena = ARENA_INIT;
    const struct log_topic *topics;
    size_t count;
    MUST(log.ops->topics(log.self, &arena, &topics, &count, &diag));
    bool found = false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(topics[i].name, "p") == 0)
            found = topics[i].records == 2 && topics[i].bytes > 0 && topics[i].partitions == 4;
    assert_true(found);
    arena_release(&arena);
    MUST(log.ops->remove(log.self, "p", &diag));
    cond_release(&flag.cond);
    mutex_release(&flag.mutex);
}

static void a_large_append_through_the_port_is_split(void **state)
{
    (void)state;
    struct log_port log = broker_log_port(broker);
    MUST(log.ops->ensure(log.self, "p", 1, NULL, &diag));
    enum { RECORDS = 3000 };
    char value[1000];
    memset(value, 'x', sizeof value);
    struct log_record *records = mem_zalloc(RECORDS * sizeof *records);
    for (int i = 0; i < RECORDS; i++)
        records[i] =
            (struct log_record){.timestamp_ms = -1, .value = bytes_make(value, sizeof value)};
    int64_t offset, start, end;
    MUST(log.ops->append(log.self, "p", -1, records, RECORDS, &offset, &diag));
    assert_int_equal(offset, 0);
    MUST(log.ops->offsets(log.self, "p", 0, &start, &end, &diag));
    assert_int_equal(end, RECORDS);
    mem_free(records);
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
    assert_true(clock_mono_us() - start_us < 5 * 1000 * 1000);
    client_close(&client);
    client_close(&other);
    start_broker();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

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
        TEST(a_long_poll_waits_for_data_and_no_longer_than_asked),
        TEST(errors_of_a_fetch_come_at_once),
        TEST(a_waiting_fetch_hears_of_the_topics_end),
        TEST(the_first_batch_comes_whole_and_the_rest_within_the_bounds),
        TEST(offsets_are_listed_by_place_and_by_time),
        TEST(the_one_leader_epoch_ends_where_the_log_ends),
        TEST(the_log_port_writes_reads_and_watches),
        TEST(a_large_append_through_the_port_is_split),
        TEST(a_broker_closes_at_once_while_clients_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
