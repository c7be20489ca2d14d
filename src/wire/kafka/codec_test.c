// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/api.h"
#include "wire/kafka/api_versions.h"
#include "wire/kafka/fetch.h"
#include "wire/kafka/header.h"
#include "wire/kafka/golden.h"
#include "wire/kafka/metadata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct coverage {
    bool request[128][32];
    bool response[128][32];
};

static void same_bytes(const struct golden *golden, const char *what, struct bytes expected,
                       const struct str *got, const struct str *text)
{
    if (bytes_equal(expected, str_bytes(got)))
        return;
    size_t at = 0;
    while (at < got->size && at < expected.size && (uint8_t)got->ptr[at] == expected.ptr[at])
        at++;
    fail_msg("%s:%d: %s of key %d v%d differs at byte %zu (%zu for %zu bytes): %s", golden->file,
             golden->line, what, golden->key, golden->version, at, got->size, expected.size,
             str_text(text));
}

static void check_request(const struct golden *golden, struct coverage *coverage)
{
    struct reader reader = reader_make(golden->request);
    struct kafka_request_header header;
    assert_true(kafka_request_header_decode(&header, &reader));
    const struct kafka_api *api = kafka_api_find(header.key);
    if (!api)
        return;
    struct arena arena = ARENA_INIT;
    struct str out = {0};
    struct str text = {0};
    void *m = mem_alloc(api->request.size);
    bool fine = api->request.decode(m, header.version, &reader, &arena);
    if (!fine || reader_left(&reader))
        fail_msg("%s:%d: %s v%d does not decode (%zu bytes left)", golden->file, golden->line,
                 api->name, header.version, reader_left(&reader));
    kafka_request_header_encode(&header, &out);
    api->request.encode(m, header.version, &out);
    api->request.print(m, header.version, &text);
    same_bytes(golden, "request", golden->request, &out, &text);
    coverage->request[header.key][header.version] = true;
    mem_free(m);
    str_release(&out);
    str_release(&text);
    arena_release(&arena);
}

static void check_response(const struct golden *golden, struct coverage *coverage)
{
    const struct kafka_api *api = kafka_api_find(golden->key);
    if (!api || !golden->response.ptr)
        return;
    int16_t version = golden->version;
    struct reader reader = reader_make(golden->response);
    int32_t correlation_id;
    struct arena arena = ARENA_INIT;
    struct str out = {0};
    struct str text = {0};
    assert_true(kafka_response_header_decode(golden->key, version, &correlation_id, &reader));
    void *m = mem_alloc(api->response.size);
    bool fine = api->response.decode(m, version, &reader, &arena);
    if (!fine || reader_left(&reader))
        fail_msg("%s:%d: response of %s v%d does not decode (%zu bytes left)", golden->file,
                 golden->line, api->name, version, reader_left(&reader));
    kafka_response_header_encode(golden->key, version, correlation_id, &out);
    api->response.encode(m, version, &out);
    api->response.print(m, version, &text);
    same_bytes(golden, "response", golden->response, &out, &text);
    coverage->response[golden->key][version] = true;
    mem_free(m);
    str_release(&out);
    str_release(&text);
    arena_release(&arena);
}

static void check_golden(const struct golden *golden, void *ctx)
{
    check_request(golden, ctx);
    check_response(golden, ctx);
}

static void what_real_clients_and_brokers_sent_decodes_and_encodes_to_the_same_bytes(void **state)
{
    (void)state;
    static struct coverage coverage;
    assert_true(golden_each(check_golden, &coverage) > 100);
    int versions = 0;
    int requests = 0;
    int responses = 0;
    for (size_t i = 0; i < kafka_api_count; i++) {
        for (int v = kafka_apis[i].version_min; v <= kafka_apis[i].version_max; v++) {
            versions++;
            requests += coverage.request[kafka_apis[i].key][v];
            responses += coverage.response[kafka_apis[i].key][v];
            if (!coverage.request[kafka_apis[i].key][v] || !coverage.response[kafka_apis[i].key][v])
                print_message("no golden bytes: %s v%d\n", kafka_apis[i].name, v);
        }
    }
    print_message("golden bytes cover %d requests and %d responses of %d versions\n", requests,
                  responses, versions);
}

static void default_messages_survive_every_version(void **state)
{
    (void)state;
    for (size_t i = 0; i < kafka_api_count * 2; i++) {
        const struct kafka_api *api = &kafka_apis[i / 2];
        const struct kafka_codec *codec = i % 2 ? &api->response : &api->request;
        for (int16_t v = api->version_min; v <= api->version_max; v++) {
            struct arena arena = ARENA_INIT;
            struct str first = {0};
            struct str again = {0};
            void *m = mem_alloc(codec->size);
            codec->init(m);
            codec->encode(m, v, &first);
            struct reader reader = reader_make(str_bytes(&first));
            assert_true(codec->decode(m, v, &reader, &arena));
            assert_int_equal(reader_left(&reader), 0);
            codec->encode(m, v, &again);
            assert_true(bytes_equal(str_bytes(&first), str_bytes(&again)));
            mem_free(m);
            str_release(&first);
            str_release(&again);
            arena_release(&arena);
        }
    }
}

static void an_array_longer_than_the_frame_is_refused_before_it_is_allocated(void **state)
{
    (void)state;
    static const uint8_t huge[] = {0x7f, 0xff, 0xff, 0xff, 0, 0};
    struct reader reader = reader_make(bytes_make(huge, sizeof huge));
    struct arena arena = ARENA_INIT;
    struct kafka_metadata_request m;
    assert_false(kafka_metadata_request_decode(&m, 1, &reader, &arena));
    assert_true(arena.used_bytes < 4096);
    arena_release(&arena);
}

static void null_where_none_is_allowed_is_refused(void **state)
{
    (void)state;
    static const uint8_t null_topics[] = {0xff, 0xff, 0xff, 0xff};
    struct arena arena = ARENA_INIT;
    struct kafka_metadata_request m;
    struct reader reader = reader_make(bytes_make(null_topics, sizeof null_topics));
    assert_false(kafka_metadata_request_decode(&m, 0, &reader, &arena));
    reader = reader_make(bytes_make(null_topics, sizeof null_topics));
    assert_true(kafka_metadata_request_decode(&m, 1, &reader, &arena));
    assert_int_equal(m.topics_count, -1);
    arena_release(&arena);
}

static void unknown_tagged_fields_are_skipped(void **state)
{
    (void)state;
    // ApiVersions v3: name "a", version "b", one tagged field 99 of 2 bytes
    static const uint8_t bytes[] = {2, 'a', 2, 'b', 1, 99, 2, 7, 7};
    struct reader reader = reader_make(bytes_make(bytes, sizeof bytes));
    struct arena arena = ARENA_INIT;
    struct kafka_api_versions_request m;
    assert_true(kafka_api_versions_request_decode(&m, 3, &reader, &arena));
    assert_int_equal(reader_left(&reader), 0);
    assert_true(bytes_is(m.client_software_version, "b"));
    arena_release(&arena);
}

static void messages_print_as_json(void **state)
{
    (void)state;
    struct kafka_fetch_request_topic topic;
    kafka_fetch_request_topic_init(&topic);
    topic.topic = bytes_from("a\"b");
    struct kafka_fetch_request m;
    kafka_fetch_request_init(&m);
    m.topics = &topic;
    m.topics_count = 1;
    struct str out = {0};
    kafka_fetch_request_print(&m, 4, &out);
    assert_string_equal(
        str_text(&out),
        "{\"replica_id\":-1,\"max_wait_ms\":0,\"min_bytes\":0,\"max_bytes\":2147483647,"
        "\"isolation_level\":0,\"topics\":[{\"topic\":\"a\\\"b\",\"partitions\":[]}]}");
    str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_real_clients_and_brokers_sent_decodes_and_encodes_to_the_same_bytes),
        cmocka_unit_test(default_messages_survive_every_version),
        cmocka_unit_test(an_array_longer_than_the_frame_is_refused_before_it_is_allocated),
        cmocka_unit_test(null_where_none_is_allowed_is_refused),
        cmocka_unit_test(unknown_tagged_fields_are_skipped),
        cmocka_unit_test(messages_print_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
