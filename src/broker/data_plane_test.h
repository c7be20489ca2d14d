// SPDX-License-Identifier: Apache-2.0
//
// data_plane_test: a broker on a real port, and a client that speaks the codecs, for the tests of
// produce and fetch.
#ifndef BROKER_DATA_PLANE_TEST_H
#define BROKER_DATA_PLANE_TEST_H

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
static const struct topic_setting *given; // weir.yaml's kafka.settings
static size_t given_count;

static inline void must(err_t err, const struct diag *diag)
{
    if (err != ERR_OK)
        fail_msg("%s: %s", err_name(err), diag_text(diag));
}

#define MUST(call)                    \
    do {                              \
        struct diag diag = DIAG_INIT; \
        must((call), &diag);          \
    } while (0)

static inline void start_broker(void)
{
    struct broker_options options = {.data_dir = dir,
                                     .loops = loops,
                                     .host = "127.0.0.1",
                                     .sync = true,
                                     .settings = given,
                                     .setting_count = given_count};
    MUST(broker_open(&broker, &options, &diag));
    MUST(broker_listen(broker, &port, &diag));
}

static inline int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/weir-data-plane-%d-%llx", (int)getpid(),
             (unsigned long long)random_u64());
    MUST(loops_start(&loops, 2, 2, &diag));
    start_broker();
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    broker_close(broker);
    loops_stop(loops);
    MUST(dir_remove(dir, &diag));
    return 0;
}

static inline struct topic *make_topic(const char *name, int32_t partitions)
{
    struct topic *topic;
    MUST(log_store_create_topic(broker->store, name, partitions, NULL, 0, &topic, &diag));
    topic_unref(topic);
    return topic; // lives until it is deleted
}

// For records of long ago, however long the test is held up: retention looks in every 30 s.
static inline void keep_for_ever(const char *topic)
{
    static const struct topic_setting kept = {"retention.ms", "-1"};
    MUST(log_store_alter_topic(broker->store, topic, &kept, 1, &diag));
}

// --- a client ---

struct client {
    int fd;
    int32_t correlation_id;
    struct arena arena;
    struct str frame;
};

static inline void client_open(struct client *client)
{
    *client = (struct client){.arena = ARENA_INIT};
    MUST(socket_connect(&client->fd, "127.0.0.1", port, &diag));
}

static inline void client_close(struct client *client)
{
    socket_close(client->fd);
    arena_release(&client->arena);
    str_release(&client->frame);
}

static inline void send_request(struct client *client, int16_t key, int16_t version,
                                const void *message)
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

static inline bool read_exact(int fd, void *ptr, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = read(fd, (char *)ptr + done, size - done);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static inline void receive(struct client *client, int16_t key, int16_t version,
                           int32_t correlation_id, void *response)
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

static inline void call(struct client *client, int16_t key, int16_t version, const void *message,
                        void *response)
{
    send_request(client, key, version, message);
    receive(client, key, version, client->correlation_id, response);
}

// --- produce ---

struct spec {
    int count;
    int64_t producer_id; // 0 = none
    int32_t sequence;
    size_t value_bytes;
    int64_t timestamp_ms;
    enum batch_compression codec;
};

static inline struct str make_batch(struct spec spec)
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

static inline void build_produce(struct client *client, struct kafka_produce_request *message,
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
    struct topic *found = log_store_topic(broker->store, bytes_from(topic));
    if (found)
        memcpy(message->topic_data->topic_id.bytes, topic_id(found), 16);
    topic_unref(found);
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

static inline struct produced produce_bytes(struct client *client, int16_t version,
                                            const char *topic, int16_t acks, struct str batch)
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

static inline struct produced produce(struct client *client, int16_t version, const char *topic,
                                      int16_t acks, struct spec spec)
{
    struct str batch = make_batch(spec);
    struct produced produced = produce_bytes(client, version, topic, acks, batch);
    str_release(&batch);
    return produced;
}

// --- fetch ---

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

static inline struct kafka_fetch_request *build_fetch(struct client *client, struct fetch_spec spec)
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

static inline struct kafka_fetch_response_partition fetch(struct client *client, int16_t version,
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

static inline int64_t count_batches(struct kafka_records records)
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
