// SPDX-License-Identifier: Apache-2.0
#include "broker/data_plane_test.h"

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
    keep_for_ever("p");
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
        assert_true(cond_wait_for(&flag.cond, &flag.mutex, 60 * 1000 * 1000));
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

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(the_log_port_writes_reads_and_watches),
        TEST(a_large_append_through_the_port_is_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
