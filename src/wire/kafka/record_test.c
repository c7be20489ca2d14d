// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/api.h"
#include "wire/kafka/compress.h"
#include "wire/kafka/golden.h"
#include "wire/kafka/header.h"
#include "wire/kafka/murmur2.h"
#include "wire/kafka/produce.h"
#include "wire/kafka/fetch.h"
#include "wire/kafka/record.h"
#include "wire/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { MAX_BYTES = 1 << 20 };

struct seen {
    int batches[5];
    int records;
};

static void check_batches(struct bytes bytes, struct seen *seen)
{
    struct reader reader = reader_make(bytes);
    struct bytes batch;
    while (record_batch_next(&reader, &batch)) {
        struct batch_header header;
        struct diag diag = DIAG_INIT;
        assert_true(batch_header_read(&header, batch));
        if (header.attributes & BATCH_CONTROL)
            continue; // the broker's own marker, which no client may write
        if (batch_check(&header, batch, &diag) != ERR_OK ||
            record_validate(batch, MAX_BYTES, &(struct record_survey){0}, &diag) != ERR_OK)
            fail_msg("%s", diag.text);
        seen->batches[header.attributes & BATCH_COMPRESSION_MASK]++;
        seen->records += header.record_count;
    }
}

static void check_exchange(const struct golden *golden, void *ctx)
{
    struct kafka_request_header header;
    struct reader reader = reader_make(golden->request);
    struct arena arena = ARENA_INIT;
    if (golden->key == KAFKA_PRODUCE && kafka_request_header_decode(&header, &reader)) {
        struct kafka_produce_request m;
        assert_true(kafka_produce_request_decode(&m, golden->version, &reader, &arena));
        for (int32_t t = 0; t < m.topic_data_count; t++)
            for (int32_t p = 0; p < m.topic_data[t].partition_data_count; p++)
                check_batches(kafka_records_bytes(m.topic_data[t].partition_data[p].records), ctx);
    }
    if (golden->key == KAFKA_FETCH && golden->response.ptr) {
        struct kafka_fetch_response m;
        int32_t correlation_id;
        reader = reader_make(golden->response);
        assert_true(
            kafka_response_header_decode(KAFKA_FETCH, golden->version, &correlation_id, &reader));
        assert_true(kafka_fetch_response_decode(&m, golden->version, &reader, &arena));
        for (int32_t t = 0; t < m.responses_count; t++)
            for (int32_t p = 0; p < m.responses[t].partitions_count; p++)
                check_batches(kafka_records_bytes(m.responses[t].partitions[p].records), ctx);
    }
    arena_release(&arena);
}

static void batches_of_real_clients_validate_in_every_codec(void **state)
{
    (void)state;
    struct seen seen = {0};
    golden_each(check_exchange, &seen);
    for (int codec = BATCH_NONE; codec <= BATCH_ZSTD; codec++)
        if (!seen.batches[codec])
            fail_msg("no golden batch in %s", compress_name((enum batch_compression)codec));
    assert_true(seen.records > 100);
}

static void build(struct str *out, enum batch_compression codec, int count)
{
    struct record_builder builder = {.codec = codec};
    struct record_header headers[] = {{bytes_from("trace"), bytes_from("1")},
                                      {bytes_from("none"), BYTES_NULL}};
    for (int i = 0; i < count; i++) {
        char value[64];
        int size = snprintf(value, sizeof value, "value number %d", i);
        record_builder_add(
            &builder, 1700000000000 + (i % 3), i % 2 ? bytes_from("key") : BYTES_NULL,
            i == 3 ? BYTES_NULL : bytes_make(value, (size_t)size), headers, (size_t)i % 3);
    }
    assert_int_equal(record_builder_finish(&builder, out, NULL), ERR_OK);
    record_builder_release(&builder);
}

static void what_is_built_reads_back_in_every_codec(void **state)
{
    (void)state;
    for (int codec = BATCH_NONE; codec <= BATCH_ZSTD; codec++) {
        struct str batch = {0};
        build(&batch, (enum batch_compression)codec, 5000);
        struct batch_header header;
        assert_int_equal(batch_check(&header, str_bytes(&batch), NULL), ERR_OK);
        assert_int_equal(
            record_validate(str_bytes(&batch), MAX_BYTES, &(struct record_survey){0}, NULL),
            ERR_OK);
        assert_true(header.max_timestamp == 1700000000002);
        batch_assign((uint8_t *)batch.ptr, 100, 0);
        struct record_reader reader;
        struct record record;
        assert_int_equal(record_reader_open(&reader, str_bytes(&batch), MAX_BYTES, NULL), ERR_OK);
        for (int i = 0; i < 5000; i++) {
            assert_true(record_reader_next(&reader, &record));
            assert_int_equal(record.offset, 100 + i);
            assert_true(record.timestamp_ms == 1700000000000 + (i % 3));
            assert_true((record.key.ptr != NULL) == (i % 2 == 1));
            assert_true((record.value.ptr == NULL) == (i == 3));
            assert_int_equal(record.header_count, i % 3);
        }
        struct record_header first;
        assert_true(record_header_next(&record.headers, &first));
        assert_true(bytes_is(first.key, "trace") && bytes_is(first.value, "1"));
        assert_false(record_reader_next(&reader, &record));
        assert_false(reader.at.failed);
        record_reader_release(&reader);
        str_release(&batch);
    }
}

static void a_bomb_stops_at_the_bound(void **state)
{
    (void)state;
    static char zeros[8 << 20];
    for (int codec = BATCH_GZIP; codec <= BATCH_ZSTD; codec++) {
        struct str packed = {0};
        struct str plain = {0};
        assert_int_equal(compress_pack((enum batch_compression)codec,
                                       bytes_make(zeros, sizeof zeros), &packed, NULL),
                         ERR_OK);
        assert_int_equal(compress_unpack((enum batch_compression)codec, str_bytes(&packed),
                                         MAX_BYTES, &plain, NULL),
                         ERR_TOO_LARGE);
        assert_true(plain.capacity <= 2 * MAX_BYTES + 64);
        str_clear(&plain);
        assert_int_equal(compress_unpack((enum batch_compression)codec, str_bytes(&packed),
                                         sizeof zeros, &plain, NULL),
                         ERR_OK);
        assert_int_equal(plain.size, sizeof zeros);
        str_release(&plain);
        str_release(&packed);
    }
}

static void cut_compressed_bytes_are_refused(void **state)
{
    (void)state;
    for (int codec = BATCH_GZIP; codec <= BATCH_ZSTD; codec++) {
        struct str packed = {0};
        struct str plain = {0};
        struct diag diag = DIAG_INIT;
        assert_int_equal(compress_pack((enum batch_compression)codec,
                                       bytes_from("some text some text"), &packed, NULL),
                         ERR_OK);
        assert_int_equal(compress_unpack((enum batch_compression)codec,
                                         bytes_make(packed.ptr, packed.size - 3), MAX_BYTES, &plain,
                                         &diag),
                         ERR_CORRUPT);
        str_release(&plain);
        str_release(&packed);
    }
    struct str out = {0};
    assert_int_equal(compress_unpack((enum batch_compression)7, bytes_from("x"), 10, &out, NULL),
                     ERR_UNSUPPORTED_COMPRESSION);
    str_release(&out);
}

// As Kafka does (tests/diff, produce_packed).
static void what_follows_a_stream_is_taken_as_kafka_takes_it(void **state)
{
    (void)state;
    static const struct {
        enum batch_compression codec;
        const char *all;
        err_t rubbish;
    } rules[] = {
        {BATCH_GZIP, "onetwo", ERR_OK},
        {BATCH_SNAPPY, "onetwo", ERR_OK},
        {BATCH_LZ4, "one", ERR_OK},
        {BATCH_ZSTD, "onetwo", ERR_CORRUPT},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct str packed = {0};
        struct str out = {0};
        assert_int_equal(compress_pack(rules[i].codec, bytes_from("one"), &packed, NULL), ERR_OK);
        assert_int_equal(compress_pack(rules[i].codec, bytes_from("two"), &packed, NULL), ERR_OK);
        assert_int_equal(compress_unpack(rules[i].codec, str_bytes(&packed), MAX_BYTES, &out, NULL),
                         ERR_OK);
        assert_true(bytes_is(str_bytes(&out), rules[i].all));
        if (rules[i].codec != BATCH_LZ4)
            assert_int_equal(compress_unpack(rules[i].codec, str_bytes(&packed), 5, &out, NULL),
                             ERR_TOO_LARGE);
        str_append(&packed, "xxx", 3);
        assert_int_equal(compress_unpack(rules[i].codec, str_bytes(&packed), MAX_BYTES, &out, NULL),
                         rules[i].rubbish);
        str_release(&packed);
        str_release(&out);
    }
}

static void lz4_that_kafka_cannot_read_is_refused(void **state)
{
    (void)state;
    struct str packed = {0};
    struct str out = {0};
    struct diag diag = DIAG_INIT;
    assert_int_equal(compress_pack(BATCH_LZ4, bytes_from("one"), &packed, NULL), ERR_OK);
    packed.ptr[4] = (char)(packed.ptr[4] & ~0x20);
    assert_int_equal(compress_unpack(BATCH_LZ4, str_bytes(&packed), MAX_BYTES, &out, &diag),
                     ERR_CORRUPT);
    assert_non_null(strstr(diag.text, "lean on"));
    packed.ptr[4] = (char)(packed.ptr[4] | 0x21);
    diag = (struct diag)DIAG_INIT;
    assert_int_equal(compress_unpack(BATCH_LZ4, str_bytes(&packed), MAX_BYTES, &out, &diag),
                     ERR_CORRUPT);
    assert_non_null(strstr(diag.text, "dictionary"));
    str_release(&packed);
    str_release(&out);
}

static void a_wrong_record_count_is_refused(void **state)
{
    (void)state;
    struct str batch = {0};
    build(&batch, BATCH_NONE, 10);
    struct batch_header header;
    assert_true(batch_header_read(&header, str_bytes(&batch)));
    header.record_count = 11;
    header.last_offset_delta = 10;
    batch_header_write((uint8_t *)batch.ptr, batch.size, &header);
    struct diag diag = DIAG_INIT;
    assert_int_equal(
        record_validate(str_bytes(&batch), MAX_BYTES, &(struct record_survey){0}, &diag),
        ERR_INVALID_RECORD);
    assert_non_null(strstr(diag.text, "11"));
    header.record_count = 9;
    header.last_offset_delta = 8;
    batch_header_write((uint8_t *)batch.ptr, batch.size, &header);
    assert_int_equal(
        record_validate(str_bytes(&batch), MAX_BYTES, &(struct record_survey){0}, NULL),
        ERR_INVALID_RECORD);
    str_release(&batch);
}

static void bytes_behind_the_headers_are_refused(void **state)
{
    (void)state;
    struct str batch = {0};
    build(&batch, BATCH_NONE, 2);
    char *count = batch.ptr + batch.size - strlen("_trace_1") - 1;
    assert_int_equal(*count, 2); // one, as a varint
    *count = 0;
    struct diag diag = DIAG_INIT;
    assert_int_equal(
        record_validate(str_bytes(&batch), MAX_BYTES, &(struct record_survey){0}, &diag),
        ERR_INVALID_RECORD);
    assert_non_null(strstr(diag.text, "broken headers"));
    str_release(&batch);
}

static void murmur2_agrees_with_the_java_client(void **state)
{
    (void)state;
    // From Apache Kafka's UtilsTest.testMurmur2.
    assert_int_equal((int32_t)murmur2(bytes_from("21")), -973932308);
    assert_int_equal((int32_t)murmur2(bytes_from("foobar")), -790332482);
    assert_int_equal((int32_t)murmur2(bytes_from("a-little-bit-long-string")), -985981536);
    assert_int_equal((int32_t)murmur2(bytes_from("a-little-bit-longer-string")), -1486304829);
    assert_int_equal(
        (int32_t)murmur2(bytes_from("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")),
        -58897971);
    assert_int_equal((int32_t)murmur2(bytes_from("abc")), 479470107);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_of_real_clients_validate_in_every_codec),
        cmocka_unit_test(what_is_built_reads_back_in_every_codec),
        cmocka_unit_test(a_bomb_stops_at_the_bound),
        cmocka_unit_test(cut_compressed_bytes_are_refused),
        cmocka_unit_test(what_follows_a_stream_is_taken_as_kafka_takes_it),
        cmocka_unit_test(lz4_that_kafka_cannot_read_is_refused),
        cmocka_unit_test(a_wrong_record_count_is_refused),
        cmocka_unit_test(bytes_behind_the_headers_are_refused),
        cmocka_unit_test(murmur2_agrees_with_the_java_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
