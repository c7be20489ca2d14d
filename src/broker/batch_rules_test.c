// SPDX-License-Identifier: Apache-2.0
#include "broker/batch_rules.h"

#include "wire/kafka/compress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NOW_MS 1700000000000LL

static const struct topic_rules defaults = {
    .batch_max_bytes = 1048588, .ahead_max_ms = 3600000, .behind_max_ms = INT64_MAX, .codec = -1};

// A batch of three records with keys, the second at `timestamp_ms`, the others now.
static struct str three(enum batch_compression codec, int64_t timestamp_ms, bool keyless)
{
    struct record_builder builder = {.codec = codec};
    struct str out = {0};
    for (int i = 0; i < 3; i++)
        record_builder_add(&builder, i == 1 ? timestamp_ms : NOW_MS,
                           i == 1 && keyless ? BYTES_NULL : bytes_from("key"),
                           bytes_from("some text some text some text some text"), NULL, 0);
    assert_int_equal(record_builder_finish(&builder, &out, NULL), ERR_OK);
    record_builder_release(&builder);
    return out;
}

static err_t check(const struct topic_rules *rules, struct bytes batch, struct arena *arena,
                   struct batch_faults *faults)
{
    struct record_survey survey;
    assert_int_equal(record_validate(batch, 1 << 20, &survey, NULL), ERR_OK);
    return batch_rules_check(rules, batch, &survey, NOW_MS, arena, faults, NULL);
}

// The batch as the topic keeps it; checked to be whole and to hold the same records.
static struct buf *apply(const struct topic_rules *rules, struct str *batch)
{
    struct record_survey survey;
    struct batch_header header;
    struct buf *packed;
    assert_int_equal(record_validate(str_bytes(batch), 1 << 20, &survey, NULL), ERR_OK);
    assert_int_equal(batch_rules_apply(rules, (uint8_t *)batch->ptr, batch->size, &survey, NOW_MS,
                                       &packed, NULL),
                     ERR_OK);
    if (!packed)
        packed = buf_copy(batch->ptr, batch->size);
    assert_int_equal(batch_check(&header, buf_bytes(packed), NULL), ERR_OK);
    assert_int_equal(record_validate(buf_bytes(packed), 1 << 20, &survey, NULL), ERR_OK);
    assert_int_equal(header.record_count, 3);
    return packed;
}

static void timestamps_out_of_bounds_name_their_records(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct batch_faults faults;
    struct str batch = three(BATCH_NONE, NOW_MS + 3600001, false);
    assert_int_equal(check(&defaults, str_bytes(&batch), &arena, &faults), ERR_INVALID_TIMESTAMP);
    assert_int_equal(faults.count, 1);
    assert_int_equal(faults.items[0].index, 1);
    assert_non_null(strstr(faults.items[0].words, "out of range"));
    str_release(&batch);

    struct topic_rules strict = defaults;
    strict.behind_max_ms = 1000;
    batch = three(BATCH_ZSTD, NOW_MS - 1001, false);
    assert_int_equal(check(&strict, str_bytes(&batch), &arena, &faults), ERR_INVALID_TIMESTAMP);
    assert_int_equal(faults.items[0].index, 1);
    str_release(&batch);
    batch = three(BATCH_NONE, NOW_MS - 1000, false);
    assert_int_equal(check(&strict, str_bytes(&batch), &arena, &faults), ERR_OK);
    str_release(&batch);
    batch = three(BATCH_NONE, INT64_MIN, false);
    assert_int_equal(check(&strict, str_bytes(&batch), &arena, &faults), ERR_INVALID_TIMESTAMP);
    str_release(&batch);
    batch = three(BATCH_NONE, -1, false);
    assert_int_equal(check(&strict, str_bytes(&batch), &arena, &faults), ERR_OK);
    str_release(&batch);
    arena_release(&arena);
}

static void a_compacted_topic_takes_no_record_without_a_key(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct batch_faults faults;
    struct topic_rules compacted = defaults;
    compacted.compact = true;
    struct str batch = three(BATCH_NONE, NOW_MS, true);
    assert_int_equal(check(&defaults, str_bytes(&batch), &arena, &faults), ERR_OK);
    assert_int_equal(check(&compacted, str_bytes(&batch), &arena, &faults), ERR_INVALID_RECORD);
    assert_int_equal(faults.count, 1);
    assert_int_equal(faults.items[0].index, 1);
    str_release(&batch);
    arena_release(&arena);
}

static void log_append_time_replaces_the_producers(void **state)
{
    (void)state;
    struct topic_rules rules = defaults;
    rules.append_time = true;
    struct str batch = three(BATCH_LZ4, NOW_MS + 86400000, false);
    struct arena arena = ARENA_INIT;
    struct batch_faults faults;
    assert_int_equal(check(&rules, str_bytes(&batch), &arena, &faults), ERR_OK);
    struct buf *kept = apply(&rules, &batch);
    struct batch_header header;
    assert_true(batch_header_read(&header, buf_bytes(kept)));
    assert_int_equal(header.max_timestamp, NOW_MS);
    assert_int_equal(header.attributes, BATCH_LZ4 | BATCH_LOG_APPEND_TIME);
    // A producer that claims the broker's clock is refused.
    assert_int_equal(check(&rules, buf_bytes(kept), &arena, &faults), ERR_INVALID_TIMESTAMP);
    assert_int_equal(faults.count, 3);
    buf_unref(kept);
    str_release(&batch);
    arena_release(&arena);
}

static void a_batch_is_packed_in_the_topics_codec(void **state)
{
    (void)state;
    for (int from = BATCH_NONE; from <= BATCH_ZSTD; from++) {
        for (int to = BATCH_NONE; to <= BATCH_ZSTD; to++) {
            struct topic_rules rules = defaults;
            rules.codec = (int8_t)to;
            rules.level = to == BATCH_GZIP ? 9 : to == BATCH_LZ4 ? 17 : to == BATCH_ZSTD ? -5 : 0;
            struct str batch = three((enum batch_compression)from, NOW_MS + 5, false);
            assert_int_equal(batch_rules_packs(&rules, from), from != to);
            struct buf *kept = apply(&rules, &batch);
            struct batch_header header;
            assert_true(batch_header_read(&header, buf_bytes(kept)));
            assert_int_equal(header.attributes, to);
            assert_int_equal(header.max_timestamp, NOW_MS + 5);
            buf_unref(kept);
            str_release(&batch);
        }
    }
}

static void a_wrong_largest_timestamp_is_put_right(void **state)
{
    (void)state;
    struct str batch = three(BATCH_NONE, NOW_MS + 7, false);
    struct batch_header header;
    assert_true(batch_header_read(&header, str_bytes(&batch)));
    header.max_timestamp = 1;
    batch_header_write((uint8_t *)batch.ptr, batch.size, &header);
    struct buf *kept = apply(&defaults, &batch);
    assert_true(batch_header_read(&header, buf_bytes(kept)));
    assert_int_equal(header.max_timestamp, NOW_MS + 7);
    buf_unref(kept);
    str_release(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timestamps_out_of_bounds_name_their_records),
        cmocka_unit_test(a_compacted_topic_takes_no_record_without_a_key),
        cmocka_unit_test(log_append_time_replaces_the_producers),
        cmocka_unit_test(a_batch_is_packed_in_the_topics_codec),
        cmocka_unit_test(a_wrong_largest_timestamp_is_put_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
