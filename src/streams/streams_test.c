// SPDX-License-Identifier: Apache-2.0
#include "streams/streams.h"

#include "os/clock.h"
#include "os/file.h"
#include "streams/fake_ports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

struct fixture {
    struct fake_log log;
    struct fake_tables tables;
    struct streams *streams;
    struct stream_port port;
    struct problems problems;
    char dir[64];
    struct mutex mutex;
    struct cond cond;
    unsigned changes;
};

static int set_up(void **state)
{
    struct fixture *f = MEM_NEW(struct fixture);
    *f = (struct fixture){.tables.arena = ARENA_INIT, .tables.timestamps_grow = true};
    mutex_init(&f->log.mutex);
    mutex_init(&f->tables.mutex);
    mutex_init(&f->mutex);
    cond_init(&f->cond);
    snprintf(f->dir, sizeof f->dir, "/tmp/streams_test_XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    streams_close(f->streams);
    (void)!dir_remove(f->dir, NULL);
    fake_log_release(&f->log);
    fake_tables_release(&f->tables);
    problems_release(&f->problems);
    cond_release(&f->cond);
    mutex_release(&f->mutex);
    mem_free(f);
    return 0;
}

static void changed(void *ctx)
{
    struct fixture *f = ctx;
    mutex_lock(&f->mutex);
    f->changes++;
    cond_broadcast(&f->cond);
    mutex_unlock(&f->mutex);
}

static void write_file(struct fixture *f, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    assert_int_equal(file_replace(path, bytes_from(text), NULL), ERR_OK);
}

static void open_streams(struct fixture *f)
{
    struct streams_options options = {.dir = f->dir,
                                      .log = fake_log_port(&f->log),
                                      .tables = fake_table_port(&f->tables),
                                      .changed = changed,
                                      .changed_ctx = f};
    struct diag diag = DIAG_INIT;
    if (streams_open(&f->streams, &options, &f->problems, &diag) != ERR_OK)
        fail_msg("%s\n%s", diag_text(&diag), str_text(&f->problems.text));
    f->port = streams_port(f->streams);
}

static void close_streams(struct fixture *f)
{
    streams_close(f->streams);
    f->streams = NULL;
}

// Until the list of streams holds `text`; the list is left in `json`.
static void wait_for(struct fixture *f, const char *text, struct str *json)
{
    int64_t deadline = clock_mono_us() + 60000000;
    for (;;) {
        mutex_lock(&f->mutex);
        unsigned seen = f->changes;
        mutex_unlock(&f->mutex);
        str_clear(json);
        assert_int_equal(f->port.ops->streams(f->port.self, json, NULL), ERR_OK);
        if (strstr(str_text(json), text))
            return;
        if (clock_mono_us() > deadline)
            fail_msg("no '%s' in %s", text, str_text(json));
        mutex_lock(&f->mutex);
        while (f->changes == seen && cond_wait_for(&f->cond, &f->mutex, 100000)) {
        }
        mutex_unlock(&f->mutex);
    }
}

static void wait_rows(struct fixture *f, int rows)
{
    struct str json = {0};
    char text[64];
    snprintf(text, sizeof text, "\"numInputRows\":%d,\"inputRows", rows);
    wait_for(f, text, &json);
    str_release(&json);
}

static void check_row(struct fixture *f, const char *id, const char *expected)
{
    mutex_lock(&f->tables.mutex);
    struct bytes *found = fake_map_get(&f->tables.rows, bytes_from(id));
    if (!found || !bytes_is(*found, expected))
        fail_msg("row %s is %.*s, expected %s", id, found ? (int)found->size : 6,
                 found ? (const char *)found->ptr : "absent", expected);
    mutex_unlock(&f->tables.mutex);
}

static const char stateless[] = "name: words\nsource: {topic: events, startingOffsets: earliest}\n"
                                "sql: |\n"
                                "  SELECT d.id, d.n, d.word FROM (\n"
                                "    SELECT from_json(CAST(value AS STRING), 'id STRING, n BIGINT, "
                                "word STRING') AS d FROM events)\n"
                                "  WHERE d.id IS NOT NULL\n"
                                "sink: {keyspace: ks, table: t}\n";

static const char counting[] =
    "name: counts\nsource: {topic: events, startingOffsets: earliest, maxOffsetsPerTrigger: 7}\n"
    "sql: |\n"
    "  SELECT d.id, count(*) AS n FROM (SELECT from_json(CAST(value AS STRING), 'id STRING') AS d "
    "FROM events)\n"
    "  WHERE d.id IS NOT NULL GROUP BY d.id\n"
    "sink: {keyspace: ks, table: t}\noutputMode: update\n";

static void produce_numbers(struct fixture *f, int from, int to)
{
    for (int i = from; i < to; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"id\":\"k%d\"}", i % 5);
        const char *values[] = {text};
        fake_produce(&f->log, i % FAKE_PARTITIONS, values, 1);
    }
}

static void records_become_rows_and_bad_json_becomes_nulls(void **state)
{
    struct fixture *f = *state;
    struct str json = {0};
    const char *first[] = {"{\"id\":\"a\",\"n\":1,\"word\":\"x\"}", "not json",
                           "{\"id\":\"b\",\"n\":\"bad\",\"word\":\"y\"}"};
    const char *second[] = {"{\"id\":\"c\"}"};
    fake_produce(&f->log, 0, first, 3);
    fake_produce(&f->log, 2, second, 1);
    write_file(f, "words.yaml", stateless);
    open_streams(f);
    wait_rows(f, 4);
    check_row(f, "a", "1|x");
    check_row(f, "b", "null|y");
    check_row(f, "c", "null|null");
    assert_int_equal(f->tables.rows.count, 3);
    wait_for(f, "\"state\":\"waiting\",\"waiting\":\"no new records in topic events\"", &json);
    assert_non_null(
        strstr(str_text(&json),
               "\"source\":{\"topic\":\"events\"},\"sink\":{\"keyspace\":\"ks\",\"table\":\"t\"}"));
    assert_non_null(strstr(str_text(&json), "\"lag\":0"));
    assert_string_equal(f->log.group, "weir-stream-words");
    assert_int_equal(f->log.partitions[0].committed, 3);
    const char *third[] = {"{\"id\":\"a\",\"n\":2}", "{\"id\":\"a\",\"n\":3}"};
    fake_produce(&f->log, 1, third, 2);
    wait_rows(f, 6);
    check_row(f, "a", "3|null"); // of one batch the later record wins
    assert_int_equal(f->tables.rows_written, 4);
    assert_true(f->tables.timestamps_grow);
    str_release(&json);
}

static void progress_has_the_fields_of_spark(void **state)
{
    struct fixture *f = *state;
    struct str json = {0};
    const char *values[] = {"{\"id\":\"a\"}", "{\"id\":\"b\"}"};
    fake_produce(&f->log, 1, values, 2);
    write_file(f, "words.yaml", stateless);
    open_streams(f);
    wait_rows(f, 2);
    assert_int_equal(f->port.ops->progress(f->port.self, "words", 10, &json, NULL), ERR_OK);
    static const char *const parts[] = {
        "[{\"id\":\"",
        "\"runId\":\"",
        "\"name\":\"words\"",
        "\"timestamp\":\"",
        "\"batchId\":0,\"numInputRows\":2,",
        "\"processedRowsPerSecond\":",
        "\"durationMs\":{\"addBatch\":",
        "\"triggerExecution\":",
        "\"walCommit\":",
        "\"stateOperators\":[]",
        "\"sources\":[{\"description\":\"KafkaV2[Subscribe[events]]\"",
        "\"startOffset\":{\"events\":{\"0\":0,\"1\":0,\"2\":0}}",
        "\"endOffset\":{\"events\":{\"0\":0,\"1\":2,\"2\":0}}",
        "\"latestOffset\":{\"events\":{\"0\":0,\"1\":2,\"2\":0}}",
        "\"maxOffsetsBehindLatest\":\"0\"",
        "\"sink\":{\"description\":\"ks.t\",\"numOutputRows\":2}}]"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(str_text(&json), parts[i]))
            fail_msg("no %s in %s", parts[i], str_text(&json));
    assert_null(strstr(str_text(&json), "inputRowsPerSecond\":-"));
    assert_int_equal(f->port.ops->progress(f->port.self, "none", 10, &json, NULL), ERR_NOT_FOUND);
    str_release(&json);
}

static void check_counts(struct fixture *f, int records)
{
    for (int k = 0; k < 5; k++) {
        char id[8], expected[32];
        snprintf(id, sizeof id, "k%d", k);
        snprintf(expected, sizeof expected, "%d|null", (records + 4 - k) / 5);
        check_row(f, id, expected);
    }
}

static void counts_are_exact_when_every_step_fails_once(void **state)
{
    struct fixture *f = *state;
    write_file(f, "counts.yaml", counting);
    produce_numbers(f, 0, 20);
    f->log.fail_reads = 1;
    open_streams(f);
    wait_rows(f, 20);
    mutex_lock(&f->tables.mutex);
    f->tables.fail_before = 1;
    mutex_unlock(&f->tables.mutex);
    produce_numbers(f, 20, 41);
    wait_rows(f, 41);
    mutex_lock(&f->tables.mutex);
    f->tables.fail_after = 1; // it happened, but we are told it did not
    mutex_unlock(&f->tables.mutex);
    produce_numbers(f, 41, 60);
    wait_rows(f, 60);
    check_counts(f, 60);
    mutex_lock(&f->log.mutex);
    f->log.fail_commits = 1;
    mutex_unlock(&f->log.mutex);
    produce_numbers(f, 60, 63);
    wait_rows(f, 63);
    check_counts(f, 63);
}

static void a_restart_goes_on_where_the_tables_say(void **state)
{
    struct fixture *f = *state;
    write_file(f, "counts.yaml", counting);
    produce_numbers(f, 0, 23);
    f->log.fail_commits = 1000; // the visible group stays behind: nobody may read it back
    open_streams(f);
    wait_rows(f, 23);
    close_streams(f);
    produce_numbers(f, 23, 37);
    open_streams(f);
    wait_rows(f, 37);
    check_counts(f, 37);
    assert_true(f->tables.timestamps_grow);
}

static void the_running_aggregate_equals_the_batch_query(void **state)
{
    struct fixture *f = *state;
    struct str json = {0};
    write_file(f, "counts.yaml", counting);
    produce_numbers(f, 0, 101);
    open_streams(f);
    wait_rows(f, 101);
    static const char batch[] = "SELECT d.id, count(*) AS n FROM (SELECT from_json(CAST(value AS "
                                "STRING), 'id STRING') AS d "
                                "FROM events) GROUP BY d.id ORDER BY d.id";
    static const char table[] = "SELECT id, n FROM ks.t ORDER BY id";
    struct diag diag = DIAG_INIT;
    if (f->port.ops->query(f->port.self, bytes_from(batch), 100, &json, &diag) != ERR_OK)
        fail_msg("%s", diag_text(&diag));
    const char rows[] = "\"rows\":[[\"k0\",\"21\"],[\"k1\",\"20\"],[\"k2\",\"20\"],[\"k3\",\"20\"],"
                        "[\"k4\",\"20\"]],\"more\":false";
    assert_non_null(strstr(str_text(&json), rows));
    str_clear(&json);
    if (f->port.ops->query(f->port.self, bytes_from(table), 100, &json, &diag) != ERR_OK)
        fail_msg("%s", diag_text(&diag));
    assert_non_null(strstr(str_text(&json), rows));
    str_clear(&json);
    assert_int_equal(f->port.ops->query(f->port.self,
                                        bytes_from("SELECT partition, offset FROM events"), 2,
                                        &json, &diag),
                     ERR_OK);
    assert_non_null(
        strstr(str_text(&json),
               "{\"columns\":[{\"name\":\"partition\",\"type\":\"int\"},{\"name\":\"offset\","
               "\"type\":\"bigint\"}],\"rows\":[[\"0\",\"0\"],[\"0\",\"1\"]],\"more\":true"));
    str_clear(&json);
    assert_int_equal(
        f->port.ops->query(f->port.self, bytes_from("SELECT * FROM ks.t LIMIT 1"), 9, &json, &diag),
        ERR_OK);
    assert_int_equal(
        f->port.ops->query(f->port.self, bytes_from("SELECT * FROM nothing"), 9, &json, &diag),
        ERR_NOT_FOUND);
    str_release(&json);
}

static void a_changed_aggregate_is_refused_with_words(void **state)
{
    struct fixture *f = *state;
    struct str json = {0}, text = {0};
    write_file(f, "counts.yaml", counting);
    produce_numbers(f, 0, 3);
    open_streams(f);
    wait_rows(f, 3);
    close_streams(f);
    const char *at = strstr(counting, "count(*)");
    str_append(&text, counting, (size_t)(at - counting));
    str_printf(&text, "sum(1)%s", at + 8);
    write_file(f, "counts.yaml", str_text(&text));
    open_streams(f);
    wait_for(f, "\"state\":\"failed\"", &json);
    assert_non_null(
        strstr(str_text(&json), "the SQL of stream 'counts' has changed since batch 0"));
    close_streams(f);
    str_clear(&text); // another layout of the same query goes on
    str_append(&text, counting, (size_t)(at - counting));
    str_printf(&text, "  %s", at);
    write_file(f, "counts.yaml", str_text(&text));
    open_streams(f);
    produce_numbers(f, 3, 6);
    wait_rows(f, 6);
    str_release(&json);
    str_release(&text);
}

static void lost_records_stop_the_stream_unless_it_may_skip_them(void **state)
{
    struct fixture *f = *state;
    struct str json = {0};
    write_file(f, "words.yaml", stateless);
    open_streams(f);
    wait_for(f, "\"state\":\"waiting\",\"waiting\":\"no new", &json);
    close_streams(f);
    produce_numbers(f, 0, 9);
    f->log.partitions[1].start = 2;
    open_streams(f);
    wait_for(f,
             "records of events, partition 1, from offset 0 on are gone: the log holds 2 to 3. Set "
             "failOnDataLoss",
             &json);
    close_streams(f);
    write_file(
        f, "words.yaml",
        "name: words\nsource: {topic: events, failOnDataLoss: false}\n"
        "sql: SELECT CAST(offset AS STRING) AS id FROM events\nsink: {keyspace: ks, table: t}\n");
    open_streams(f);
    wait_rows(f, 7);
    str_release(&json);
}

static void a_stream_that_never_rests_finds_an_added_partition(void **state)
{
    struct fixture *f = *state;
    static const char *const values[] = {"{\"id\":\"busy\"}", "{\"id\":\"added\"}"};
    f->log.hidden = 1;
    write_file(f, "words.yaml", stateless);
    open_streams(f);
    fake_produce(&f->log, 0, values, 1);
    wait_rows(f, 1);
    mutex_lock(&f->log.mutex);
    f->log.hidden = 0;
    mutex_unlock(&f->log.mutex);
    fake_produce(&f->log, FAKE_PARTITIONS - 1, values + 1, 1);
    int64_t end_us = clock_mono_us() + 60000000;
    for (bool found = false; !found;) {
        fake_produce(&f->log, 0, values, 1);
        mutex_lock(&f->tables.mutex);
        found = fake_map_get(&f->tables.rows, bytes_from("added")) != NULL;
        mutex_unlock(&f->tables.mutex);
        assert_true(clock_mono_us() < end_us);
        clock_sleep_us(1000);
    }
}

static void a_sink_that_does_not_fit_is_told_and_others_go_on(void **state)
{
    struct fixture *f = *state;
    struct str json = {0};
    write_file(f, "a.yaml",
               "name: bad\nsource: {topic: events}\nsql: SELECT CAST(offset AS STRING) AS idd FROM "
               "events\n"
               "sink: {keyspace: ks, table: t}\n");
    write_file(f, "b.yaml",
               "name: keyless\nsource: {topic: events}\nsql: SELECT offset AS n FROM events\n"
               "sink: {keyspace: ks, table: t}\n");
    write_file(f, "c.yaml",
               "name: nowhere\nsource: {topic: events}\nsql: SELECT offset AS n FROM events\n"
               "sink: {keyspace: ks, table: u}\n");
    write_file(f, "d.yaml", stateless);
    produce_numbers(f, 0, 5);
    open_streams(f);
    wait_rows(f, 5);
    wait_for(f, "the query's column 'idd' is not in table ks.t", &json);
    wait_for(f, "the query gives no column 'id', which is part of the key of table ks.t", &json);
    wait_for(f, "no table ks.u", &json);
    str_release(&json);
}

static void available_now_reads_what_is_there_and_stops(void **state)
{
    struct fixture *f = *state;
    struct str json = {0};
    write_file(
        f, "a.yaml",
        "name: once\nsource: {topic: events, startingOffsets: '{\"events\":{\"0\":1,\"1\":-1}}'}\n"
        "trigger: availableNow\nsql: SELECT CAST(offset AS STRING) AS id FROM events\n"
        "sink: {keyspace: ks, table: t}\n");
    produce_numbers(f, 0, 9);
    open_streams(f);
    wait_for(f, "\"state\":\"stopped\"", &json);
    assert_non_null(
        strstr(str_text(&json), "\"numInputRows\":5,\"inputRows")); // 2 of p0, 0 of p1, 3 of p2
    str_release(&json);
}

static void every_mistake_of_a_file_is_told_where_it_stands(void **state)
{
    struct fixture *f = *state;
    write_file(f, "a.yaml",
               "name: a b\nsource: {topic: events, startingOffset: earliest}\n"
               "sql: |\n  SELECT id\n  FROM evnts\nsink: {topic: out}\ntrigger: sometimes\nengine: "
               "spark\n");
    write_file(
        f, "b.yaml",
        "name: b\nsource: {topic: events}\nsql: SELECT id2 FROM events\nsink: {keyspace: ks}\n");
    write_file(
        f, "c.yaml",
        "name: c\nsource: {topic: events}\noutputMode: complete\n"
        "sql: SELECT topic, count(*) FROM events GROUP BY topic\nsink: {keyspace: ks, table: t}\n");
    write_file(
        f, "d.yaml",
        "name: d\nsource: {topic: events}\n"
        "sql: SELECT topic, count(*) FROM events GROUP BY topic\nsink: {keyspace: ks, table: t}\n");
    write_file(f, "e.yaml",
               "name: e\nsource: {topic: events}\nsql: SELECT topic FROM events ORDER BY 1\nsink: "
               "{keyspace: ks, table: t}\n");
    write_file(f, "f.yaml", "");
    streams_check(f->dir, &f->problems);
    const char *text = str_text(&f->problems.text);
    static const char *const parts[] = {
        "a.yaml:1:7: 'a b' is no name",
        "a.yaml:2:25: unknown field 'startingOffset', did you mean 'startingOffsets'?",
        "a.yaml:5:8: ",
        "a.yaml:6:15: a topic as sink is not in this build",
        "a.yaml:7:10: 'trigger' must be",
        "a.yaml:8:9: engine: spark is not in this build",
        "b.yaml:3:13: ",
        "b.yaml:4:7: 'table' is missing",
        "c.yaml:3:13: outputMode complete is not in this build",
        "d.yaml:3:6: outputMode append cannot be used with GROUP BY",
        "e.yaml:3:6: this query cannot run on a stream",
        "f.yaml:1:1: the file is empty"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(text, parts[i]))
            fail_msg("no '%s' in\n%s", parts[i], text);
    struct streams_options options = {.dir = f->dir};
    assert_int_equal(streams_open(&f->streams, &options, &f->problems, NULL), ERR_CONFIG);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(records_become_rows_and_bad_json_becomes_nulls),
        TEST(progress_has_the_fields_of_spark),
        TEST(counts_are_exact_when_every_step_fails_once),
        TEST(a_restart_goes_on_where_the_tables_say),
        TEST(the_running_aggregate_equals_the_batch_query),
        TEST(a_changed_aggregate_is_refused_with_words),
        TEST(lost_records_stop_the_stream_unless_it_may_skip_them),
        TEST(a_stream_that_never_rests_finds_an_added_partition),
        TEST(a_sink_that_does_not_fit_is_told_and_others_go_on),
        TEST(available_now_reads_what_is_there_and_stops),
        TEST(every_mistake_of_a_file_is_told_where_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
