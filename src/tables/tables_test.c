// SPDX-License-Identifier: Apache-2.0
//
// Statements from text to rows and back, as a client would see them.

#include "tables/tables.h"

#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"
#include "tables/exec.h"
#include "tables/parse.h"
#include "tables/tables_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];
static struct tables *tables;

static void open_tables(void)
{
    struct diag diag = DIAG_INIT;
    struct tables_options options = {.data_dir = dir};
    if (tables_open(&tables, &options, &diag))
        fail_msg("%s", diag_text(&diag));
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/weir-tables-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    open_tables();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    clock_real();
    tables_close(tables);
    return dir_remove(dir, NULL) == ERR_OK ? 0 : -1;
}

static void reopen(void)
{
    tables_close(tables);
    open_tables();
}

// The rows of a statement as "a b|c d", or "! words" when it is refused.
static const char *run(const char *text)
{
    static struct str out;
    struct arena arena = ARENA_INIT;
    struct diag diag = DIAG_INIT;
    struct cql_result result;
    struct table_port port = tables_port(tables);
    str_clear(&out);
    if (port.ops->cql(port.self, "ks", bytes_from(text), 1000, &arena, &result, &diag)) {
        str_printf(&out, "! %s", diag_text(&diag));
    } else {
        for (size_t r = 0; r < result.row_count; r++) {
            str_append_text(&out, r ? "|" : "");
            for (size_t c = 0; c < result.column_count; c++) {
                struct bytes value = result.values[r * result.column_count + c];
                str_printf(&out, "%s%.*s", c ? " " : "", value.ptr ? (int)value.size : 4,
                           value.ptr ? (const char *)value.ptr : "null");
            }
        }
    }
    arena_release(&arena);
    static char kept[65536];
    snprintf(kept, sizeof kept, "%s", str_text(&out));
    str_release(&out);
    return kept;
}

static void check(const char *text, const char *expected, int line)
{
    const char *got = run(text);
    bool refusal = expected[0] == '!';
    if (refusal ? !(got[0] == '!' && strstr(got, expected + 2)) : strcmp(got, expected) != 0)
        fail_msg("line %d: %s\n  gave     %s\n  expected %s", line, text, got, expected);
}
#define CQL(text, expected) check(text, expected, __LINE__)

static void make_keyspace(void)
{
    CQL("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': "
        "1}",
        "");
}

static void rows_are_found_by_key_after_reopening(void **state)
{
    (void)state;
    make_keyspace();
    CQL("CREATE TABLE t (id int PRIMARY KEY, name text, age int)", "");
    CQL("INSERT INTO t (id, name, age) VALUES (1, 'ann', 30)", "");
    CQL("UPDATE t SET name = 'bob' WHERE id = 2", "");
    reopen();
    CQL("SELECT id, name, age FROM t WHERE id = 1", "1 ann 30");
    CQL("SELECT id, name, age FROM t WHERE id = 2", "2 bob null");
    CQL("SELECT * FROM t WHERE id = 3", "");
    CQL("SELECT count(*) FROM t", "2");
    CQL("SELECT id FROM t WHERE id IN (2, 1, 7, 1)", "1|2");
}

static void a_row_of_updates_alone_goes_with_its_last_cell(void **state)
{
    (void)state;
    make_keyspace();
    CQL("CREATE TABLE t (id int PRIMARY KEY, a int, b int)", "");
    CQL("UPDATE t SET a = 1 WHERE id = 1", "");
    CQL("INSERT INTO t (id, a) VALUES (2, 1)", "");
    CQL("UPDATE t SET a = null WHERE id = 1", "");
    CQL("UPDATE t SET a = null WHERE id = 2", "");
    CQL("SELECT id, a, b FROM t", "2 null null");
}

static void clustering_ranges_and_their_order(void **state)
{
    (void)state;
    make_keyspace();
    CQL("CREATE TABLE t (k int, a int, b text, v int, PRIMARY KEY (k, a, b)) WITH CLUSTERING ORDER "
        "BY (a DESC, b ASC)",
        "");
    for (int a = -2; a <= 2; a++) {
        char text[200];
        snprintf(text, sizeof text,
                 "BEGIN BATCH INSERT INTO t (k,a,b,v) VALUES (1,%d,'x',%d); INSERT INTO t "
                 "(k,a,b,v) VALUES "
                 "(1,%d,'y',%d); APPLY BATCH",
                 a, a * 10, a, a * 10 + 1);
        CQL(text, "");
    }
    CQL("SELECT a, b FROM t WHERE k = 1", "2 x|2 y|1 x|1 y|0 x|0 y|-1 x|-1 y|-2 x|-2 y");
    CQL("SELECT a, b FROM t WHERE k = 1 AND a > 0", "2 x|2 y|1 x|1 y");
    CQL("SELECT a, b FROM t WHERE k = 1 AND a >= 0 AND a < 2", "1 x|1 y|0 x|0 y");
    CQL("SELECT a, b FROM t WHERE k = 1 AND a = 0 AND b > 'x'", "0 y");
    CQL("SELECT a, b FROM t WHERE k = 1 AND a IN (1, -1) AND b = 'y'", "1 y|-1 y");
    CQL("SELECT a, b FROM t WHERE k = 1 ORDER BY a ASC, b DESC LIMIT 3", "-2 y|-2 x|-1 y");
    CQL("SELECT a, b FROM t WHERE k = 1 AND a <= 0 ORDER BY a ASC, b DESC LIMIT 3",
        "-2 y|-2 x|-1 y");
    CQL("SELECT a, b FROM t WHERE k = 1 AND (a, b) = (2, 'y')", "2 y");
    CQL("SELECT a, b FROM t WHERE k = 1 AND (a, b) IN ((2, 'y'), (-1, 'x'))", "2 y|-1 x");
    CQL("SELECT a, b FROM t WHERE k = 1 AND (a, b) > (1, 'x')", "2 x|2 y|1 y");
    CQL("SELECT a FROM t WHERE k = 1 PER PARTITION LIMIT 2", "2|2");
    CQL("SELECT DISTINCT k FROM t", "1");
    CQL("SELECT v FROM t WHERE k = 1 AND b = 'x'",
        "! PRIMARY KEY column \"b\" cannot be restricted");
    CQL("SELECT v FROM t WHERE k = 1 AND a > 0 AND b = 'x'",
        "! Clustering column \"b\" cannot be restricted");
    CQL("SELECT v FROM t WHERE v = 1", "! use ALLOW FILTERING");
    CQL("SELECT a, b FROM t WHERE v = 21 ALLOW FILTERING", "2 y");
    CQL("SELECT a, b FROM t WHERE k = 1 AND b = 'x' AND v > 5 ALLOW FILTERING", "2 x|1 x");
    CQL("SELECT a FROM t WHERE k = 1 ORDER BY b ASC", "! Order by currently only supports");
    CQL("SELECT a FROM t ORDER BY a ASC",
        "! ORDER BY is only supported when the partition key is restricted");
}

static void deletions_of_every_size(void **state)
{
    (void)state;
    make_keyspace();
    CQL("CREATE TABLE t (k int, c int, v int, s int static, PRIMARY KEY (k, c))", "");
    for (int i = 0; i < 6; i++) {
        char text[100];
        snprintf(text, sizeof text, "INSERT INTO t (k,c,v) VALUES (1,%d,%d)", i, i);
        CQL(text, "");
    }
    CQL("DELETE v FROM t WHERE k = 1 AND c = 0", "");
    CQL("SELECT c, v FROM t WHERE k = 1 AND c = 0", "0 null");
    CQL("DELETE FROM t WHERE k = 1 AND c = 0", "");
    CQL("DELETE FROM t WHERE k = 1 AND c > 1 AND c <= 3", "");
    CQL("SELECT c FROM t WHERE k = 1", "1|4|5");
    CQL("SELECT count(*) FROM t", "3");
    CQL("INSERT INTO t (k, c, v) VALUES (1, 2, 22)", "");
    CQL("SELECT c FROM t WHERE k = 1", "1|2|4|5");
    CQL("INSERT INTO t (k, s) VALUES (1, 7)", "");
    CQL("SELECT c, s FROM t WHERE k = 1 LIMIT 1", "1 7");
    CQL("DELETE FROM t WHERE k = 1", "");
    CQL("SELECT * FROM t", "");
    CQL("INSERT INTO t (k, s) VALUES (1, 8)", "");
    CQL("SELECT k, c, s FROM t", "1 null 8");
    CQL("SELECT k, c, s FROM t WHERE k = 1", "1 null 8");
    CQL("SELECT DISTINCT k, s FROM t", "1 8");
    CQL("INSERT INTO t (k, c, v) VALUES (1, 2, 1) USING TIMESTAMP 1", "");
    CQL("SELECT k, c, s FROM t WHERE k = 1", "1 null 8");
    reopen();
    CQL("SELECT k, c, s FROM t WHERE k = 1", "1 null 8");
    CQL("TRUNCATE t", "");
    CQL("SELECT * FROM t", "");
    CQL("INSERT INTO t (k, c, v) VALUES (1, 2, 1) USING TIMESTAMP 1", "");
    CQL("SELECT c FROM t", "2");
}

static void timestamps_and_ttl(void **state)
{
    (void)state;
    clock_simulate(INT64_C(1700000000000000));
    make_keyspace();
    CQL("CREATE TABLE t (k int PRIMARY KEY, v int, w int)", "");
    CQL("INSERT INTO t (k, v) VALUES (1, 1) USING TIMESTAMP 100", "");
    CQL("INSERT INTO t (k, v) VALUES (1, 2) USING TIMESTAMP 99", "");
    CQL("SELECT v, writetime(v), ttl(v) FROM t", "1 100 null");
    CQL("UPDATE t USING TIMESTAMP 100 SET v = 5 WHERE k = 1", "");
    CQL("SELECT v FROM t", "5");
    CQL("DELETE v FROM t USING TIMESTAMP 100 WHERE k = 1", "");
    CQL("SELECT v FROM t", "null");
    CQL("UPDATE t USING TTL 100 SET w = 3 WHERE k = 1", "");
    CQL("INSERT INTO t (k, v) VALUES (2, 2) USING TTL 50", "");
    clock_advance(INT64_C(40000000));
    CQL("SELECT ttl(w) FROM t WHERE k = 1", "60");
    CQL("SELECT ttl(v) FROM t WHERE k = 2", "10");
    clock_advance(INT64_C(10000000));
    CQL("SELECT k FROM t WHERE k = 2", "");
    CQL("SELECT count(*) FROM t", "1");
    CQL("UPDATE t SET w = 4 WHERE k = 1", "");
    clock_advance(INT64_C(100000000));
    CQL("SELECT w FROM t WHERE k = 1", "4");
    CQL("INSERT INTO t (k) VALUES (3) USING TTL -1",
        "! A TTL must be greater or equal to 0, but was -1");
    CQL("CREATE TABLE d (k int PRIMARY KEY, v int) WITH default_time_to_live = 10", "");
    CQL("INSERT INTO d (k, v) VALUES (1, 1)", "");
    CQL("INSERT INTO d (k, v) VALUES (2, 1) USING TTL 0", "");
    clock_advance(INT64_C(11000000));
    CQL("SELECT k FROM d", "2");
}

static void collections(void **state)
{
    (void)state;
    make_keyspace();
    CQL("CREATE TABLE t (k int PRIMARY KEY, l list<int>, s set<int>, m map<text, int>, f "
        "frozen<list<int>>)",
        "");
    CQL("INSERT INTO t (k, l, s, m, f) VALUES (1, [3, 1], {5, -2}, {'b': 2, 'a': 1}, [9, 8])", "");
    CQL("SELECT l, s, m, f FROM t", "[3, 1] {-2, 5} {'a': 1, 'b': 2} [9, 8]");
    CQL("UPDATE t SET l = l + [4], s = s + {0}, m = m + {'c': 3} WHERE k = 1", "");
    CQL("UPDATE t SET l = [7, 8] + l, s = s - {5}, m['a'] = 9 WHERE k = 1", "");
    CQL("SELECT l, s, m FROM t", "[7, 8, 3, 1, 4] {-2, 0} {'a': 9, 'b': 2, 'c': 3}");
    CQL("UPDATE t SET l[1] = 80, m = m - {'b'} WHERE k = 1", "");
    CQL("UPDATE t SET l = l - [1] WHERE k = 1", "");
    CQL("DELETE l[0], m['c'] FROM t WHERE k = 1", "");
    CQL("SELECT l, m FROM t", "[80, 3, 4] {'a': 9}");
    CQL("SELECT k FROM t WHERE s CONTAINS -2 ALLOW FILTERING", "1");
    CQL("SELECT k FROM t WHERE m CONTAINS KEY 'zz' ALLOW FILTERING", "");
    CQL("UPDATE t SET l[9] = 1 WHERE k = 1", "! List index 9 out of bound, list has size 3");
    CQL("UPDATE t SET l = [1], s = {}, m = null WHERE k = 1", "");
    CQL("SELECT l, s, m FROM t", "[1] null null");
}

static void counters(void **state)
{
    (void)state;
    make_keyspace();
    CQL("CREATE TABLE t (k int PRIMARY KEY, n counter)", "");
    CQL("UPDATE t SET n = n + 5 WHERE k = 1", "");
    CQL("UPDATE t SET n = n - 2 WHERE k = 1", "");
    CQL("BEGIN COUNTER BATCH UPDATE t SET n += 1 WHERE k = 1; UPDATE t SET n += 1 WHERE k = 1; "
        "APPLY BATCH",
        "");
    CQL("SELECT n FROM t", "5");
    CQL("INSERT INTO t (k, n) VALUES (1, 1)",
        "! INSERT statements are not allowed on counter tables");
}

static void conditions(void **state)
{
    (void)state;
    make_keyspace();
    CQL("CREATE TABLE t (k int PRIMARY KEY, v int, w text)", "");
    CQL("INSERT INTO t (k, v) VALUES (1, 1) IF NOT EXISTS", "True");
    CQL("INSERT INTO t (k, v) VALUES (1, 2) IF NOT EXISTS", "False 1 1 null");
    CQL("UPDATE t SET v = 3 WHERE k = 1 IF v = 2", "False 1");
    CQL("UPDATE t SET v = 3 WHERE k = 1 IF v = 1 AND w = null", "True");
    CQL("UPDATE t SET v = 4 WHERE k = 1 IF v IN (3, 7)", "True");
    CQL("UPDATE t SET v = 4 WHERE k = 9 IF EXISTS", "False");
    CQL("DELETE FROM t WHERE k = 1 IF v > 10", "False 4");
    CQL("DELETE FROM t WHERE k = 1 IF EXISTS", "True");
    CQL("SELECT * FROM t", "");
}

enum { RACERS = 4, RACER_TURNS = 100 };

struct racer {
    struct thread thread;
    const char *text;
    int failed;
    bool applied;
};

static void race(void *ctx)
{
    struct racer *racer = ctx;
    struct table_port port = tables_port(tables);
    for (int i = 0; i < RACER_TURNS; i++) {
        struct arena arena = ARENA_INIT;
        struct diag diag = DIAG_INIT;
        struct cql_result result;
        racer->failed += port.ops->cql(port.self, "ks", bytes_from(racer->text), 10, &arena,
                                       &result, &diag) != ERR_OK;
        arena_release(&arena);
    }
}

static void race_all(const char *const *texts)
{
    struct racer racers[RACERS] = {0};
    for (size_t i = 0; i < RACERS; i++) {
        racers[i].text = texts[i];
        thread_start(&racers[i].thread, "racer", race, &racers[i]);
    }
    for (size_t i = 0; i < RACERS; i++) {
        thread_join(&racers[i].thread);
        assert_int_equal(racers[i].failed, 0);
    }
}

static void run_conditional(void *ctx)
{
    struct racer *racer = ctx;
    racer->applied = strcmp(run(racer->text), "True") == 0;
}

static void a_conditional_write_that_waited_is_newer_than_what_it_waited_for(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    print_message("ThreadSanitizer ends a program that holds more than 64 locks at once\n");
    skip();
#endif
    make_keyspace();
    CQL("CREATE TABLE t (k int PRIMARY KEY, v int)", "");
    for (size_t i = 0; i < TABLES_STRIPES; i++)
        mutex_lock(&tables->stripes[i]);
    int64_t before = tables->last_us;
    struct racer racer = {.text = "UPDATE t SET v = 2 WHERE k = 1 IF v = 1"};
    thread_start(&racer.thread, "racer", run_conditional, &racer);
    for (int64_t end_us = clock_mono_us() + 60000000; tables->last_us == before;)
        assert_true(clock_mono_us() < end_us);
    static const char insert[] = "INSERT INTO t (k, v) VALUES (1, 1)";
    struct arena arena = ARENA_INIT;
    struct cql_result result;
    struct table_port port = tables_port(tables);
    assert_int_equal(port.ops->cql(port.self, "ks", bytes_from(insert), 1, &arena, &result, NULL),
                     ERR_OK);
    arena_release(&arena);
    for (size_t i = 0; i < TABLES_STRIPES; i++)
        mutex_unlock(&tables->stripes[i]);
    thread_join(&racer.thread);
    assert_true(racer.applied);
    CQL("SELECT v FROM t", "2");
}

static void racing_counters_lose_no_increment(void **state)
{
    (void)state;
    make_keyspace();
    CQL("CREATE TABLE t (k int PRIMARY KEY, n counter)", "");
    static const char add[] = "UPDATE t SET n += 1 WHERE k = 1";
    static const char *const texts[RACERS] = {add, add, add, add};
    race_all(texts);
    CQL("SELECT n FROM t", "400");
}

static void a_counter_counts_on_when_the_clock_went_back_and_down_in_one_batch(void **state)
{
    (void)state;
    make_keyspace();
    CQL("CREATE TABLE t (k int PRIMARY KEY, n counter)", "");
    clock_simulate(INT64_C(2000000000000000));
    CQL("UPDATE t SET n += 5 WHERE k = 1", "");
    clock_simulate(INT64_C(1900000000000000));
    reopen();
    CQL("UPDATE t SET n -= 3 WHERE k = 1", "");
    CQL("SELECT n FROM t", "2");
    CQL("BEGIN COUNTER BATCH UPDATE t SET n += 5 WHERE k = 1; UPDATE t SET n -= 6 WHERE k = 1; "
        "APPLY BATCH",
        "");
    CQL("SELECT n FROM t", "1");
}

static void scans_go_in_token_order(void **state)
{
    (void)state;
    make_keyspace();
    CQL("CREATE TABLE t (k int PRIMARY KEY, v int)", "");
    for (int i = 0; i < 6; i++) {
        char text[100];
        snprintf(text, sizeof text, "INSERT INTO t (k,v) VALUES (%d,%d)", i, i);
        CQL(text, "");
    }
    // As Cassandra 5 answers.
    CQL("SELECT k, token(k) FROM t", "5 -7509452495886106294|1 -4069959284402364209|0 "
                                     "-3485513579396041028|2 -3248873570005575792|4 "
                                     "-2729420104000364805|3 9010454139840013625");
    CQL("SELECT k FROM t WHERE token(k) > token(1) AND token(k) <= token(4)", "0|2|4");
    CQL("SELECT k FROM t WHERE token(k) > -2729420104000364805", "3");
    CQL("SELECT min(v), max(v), sum(v), avg(v), count(v) FROM t", "0 5 15 2 6");
    CQL("SELECT k FROM t LIMIT 2", "5|1");
    CQL("SELECT k FROM t WHERE k > 3", "! use ALLOW FILTERING");
    CQL("SELECT k FROM t LIMIT 0", "! LIMIT must be strictly positive");
}

static void definitions_and_their_refusals(void **state)
{
    (void)state;
    make_keyspace();
    CQL("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': "
        "1}",
        "! Cannot add existing keyspace \"ks\"");
    CQL("CREATE TABLE t (k int PRIMARY KEY, v int)", "");
    CQL("CREATE TABLE t (k int PRIMARY KEY, v int)",
        "! Cannot add already existing table \"t\" to keyspace \"ks\"");
    CQL("CREATE TABLE IF NOT EXISTS t (k int PRIMARY KEY, v int)", "");
    CQL("INSERT INTO t (k, v) VALUES (1, 1)", "");
    CQL("ALTER TABLE t ADD w text", "");
    CQL("UPDATE t SET w = 'x' WHERE k = 1", "");
    CQL("SELECT * FROM t", "1 1 x");
    CQL("ALTER TABLE t DROP w", "");
    CQL("ALTER TABLE t ADD w text", "");
    CQL("SELECT * FROM t", "1 1 null");
    reopen();
    CQL("SELECT * FROM t", "1 1 null");
    CQL("ALTER TABLE t DROP k", "! Cannot drop PRIMARY KEY column k");
    CQL("SELECT x FROM t", "! Undefined column name x");
    CQL("SELECT * FROM nope", "! table nope does not exist");
    CQL("INSERT INTO t (v) VALUES (1)", "! Some partition key parts are missing: k");
    CQL("INSERT INTO t (k) VALUES (null)", "! Invalid null value in condition for column k");
    CQL("UPDATE t SET k = 2 WHERE k = 1", "! PRIMARY KEY part k found in SET part");
    CQL("DROP TABLE t", "");
    CQL("CREATE TABLE t (k int PRIMARY KEY, v int)", "");
    CQL("SELECT * FROM t", "");
    CQL("DROP KEYSPACE ks", "");
    CQL("SELECT * FROM t", "! keyspace ks does not exist");
}

// --- paging ---

static const struct exec_result *execute_page(struct plan *plan, struct exec *exec,
                                              struct arena *arena, struct bytes state, int32_t size)
{
    *exec = (struct exec){.plans = (struct plan *const *)&plan,
                          .plan_count = 1,
                          .timestamp_us = INT64_MIN,
                          .page_size = size,
                          .paging_state = state,
                          .arena = arena};
    tables_execute(tables, exec);
    if (exec->result.kind != EXEC_ROWS)
        fail_msg("%s", diag_text(&exec->result.error.diag));
    return &exec->result;
}

static void collect_pages(const char *text, int32_t page_size, struct str *out)
{
    struct arena arena = ARENA_INIT, statement_arena = ARENA_INIT;
    const struct statement *statement;
    struct plan *plan;
    struct exec_error error = {0};
    struct str state = {0};
    assert_int_equal(statement_parse(&statement, &statement_arena, bytes_from(text), &error.diag),
                     ERR_OK);
    assert_int_equal(tables_prepare(tables, statement, &statement_arena, "ks", &plan, &error),
                     ERR_OK);
    for (bool more = true; more;) {
        struct exec exec;
        const struct exec_result *result =
            execute_page(plan, &exec, &arena, str_bytes(&state), page_size);
        assert_true(page_size <= 0 || result->row_count <= (uint32_t)page_size);
        more = result->paging_state.size > 0;
        assert_true(!more || result->row_count > 0);
        str_append_bytes(out, str_bytes(&result->rows));
        str_clear(&state);
        str_append_bytes(&state, str_bytes(&result->paging_state));
        exec_result_release(&exec.result);
    }
    str_release(&state);
    plan_unref(plan);
    arena_release(&arena);
}

static void pages_of_any_size_give_the_same_rows(void **state)
{
    (void)state;
    make_keyspace();
    CQL("CREATE TABLE t (k int, c int, v int, s int static, PRIMARY KEY (k, c))", "");
    for (int k = 0; k < 5; k++) {
        char text[100];
        snprintf(text, sizeof text, "INSERT INTO t (k, s) VALUES (%d, %d)", k, k);
        CQL(text, "");
        for (int c = 0; c < k; c++) {
            snprintf(text, sizeof text, "INSERT INTO t (k, c, v) VALUES (%d, %d, %d)", k, c, c);
            CQL(text, "");
        }
    }
    CQL("DELETE FROM t WHERE k = 4 AND c > 1 AND c < 3", "");
    static const char *const queries[] = {
        "SELECT * FROM t",
        "SELECT * FROM t WHERE k IN (1, 2, 3, 4, 9)",
        "SELECT * FROM t WHERE k = 4",
        "SELECT * FROM t WHERE k = 4 ORDER BY c DESC",
        "SELECT * FROM t WHERE k = 4 AND c >= 1",
        "SELECT * FROM t WHERE k IN (3, 4) AND c IN (0, 2)",
        "SELECT DISTINCT k, s FROM t",
        "SELECT * FROM t PER PARTITION LIMIT 2",
        "SELECT * FROM t WHERE k IN (2, 3, 4) PER PARTITION LIMIT 1",
        "SELECT * FROM t LIMIT 5",
        "SELECT * FROM t WHERE v = 1 ALLOW FILTERING",
        "SELECT * FROM t WHERE token(k) > token(1)",
    };
    for (size_t q = 0; q < sizeof queries / sizeof *queries; q++) {
        struct str whole = {0};
        collect_pages(queries[q], 0, &whole);
        assert_true(whole.size > 0);
        for (int32_t size = 1; size <= 7; size++) {
            struct str pages = {0};
            collect_pages(queries[q], size, &pages);
            if (!bytes_equal(str_bytes(&whole), str_bytes(&pages)))
                fail_msg("%s: pages of %d rows give %zu bytes, %zu expected", queries[q], size,
                         pages.size, whole.size);
            str_release(&pages);
        }
        str_release(&whole);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(rows_are_found_by_key_after_reopening),
        TEST(a_row_of_updates_alone_goes_with_its_last_cell),
        TEST(clustering_ranges_and_their_order),
        TEST(deletions_of_every_size),
        TEST(timestamps_and_ttl),
        TEST(collections),
        TEST(counters),
        TEST(conditions),
        TEST(a_conditional_write_that_waited_is_newer_than_what_it_waited_for),
        TEST(racing_counters_lose_no_increment),
        TEST(a_counter_counts_on_when_the_clock_went_back_and_down_in_one_batch),
        TEST(scans_go_in_token_order),
        TEST(definitions_and_their_refusals),
        TEST(pages_of_any_size_give_the_same_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
