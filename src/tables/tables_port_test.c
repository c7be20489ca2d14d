// SPDX-License-Identifier: Apache-2.0

#include "tables/tables.h"

#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];

static struct tables *open_tables(void)
{
    struct tables *tables;
    struct diag diag = DIAG_INIT;
    struct tables_options options = {.data_dir = dir, .sync = true};
    if (tables_open(&tables, &options, &diag))
        fail_msg("%s", diag_text(&diag));
    return tables;
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/weir-port-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return dir_remove(dir, NULL) == ERR_OK ? 0 : -1;
}

static void cql(struct table_port port, const char *text)
{
    struct arena arena = ARENA_INIT;
    struct cql_result result;
    struct diag diag = DIAG_INIT;
    if (port.ops->cql(port.self, "ks", bytes_from(text), 100, &arena, &result, &diag))
        fail_msg("%s: %s", text, diag_text(&diag));
    arena_release(&arena);
}

static void make_table(struct table_port port, const char *columns)
{
    char text[1000];
    cql(port, "CREATE KEYSPACE IF NOT EXISTS ks WITH replication = {'class': 'SimpleStrategy', "
              "'replication_factor': 1}");
    snprintf(text, sizeof text, "CREATE TABLE IF NOT EXISTS t (%s)", columns);
    cql(port, text);
}

static void expect_cql(struct table_port port, const char *text, const char *expected)
{
    struct arena arena = ARENA_INIT;
    struct cql_result result;
    struct diag diag = DIAG_INIT;
    struct str got = {0};
    if (port.ops->cql(port.self, "ks", bytes_from(text), 100, &arena, &result, &diag))
        fail_msg("%s: %s", text, diag_text(&diag));
    for (size_t i = 0; i < result.row_count * result.column_count; i++) {
        struct bytes value = result.values[i];
        str_append_text(&got, i == 0 ? "" : i % result.column_count ? ";" : "|");
        str_append_bytes(&got, value.ptr ? value : bytes_from("null"));
    }
    if (strcmp(str_text(&got), expected) != 0)
        fail_msg("%s\n  gave     %s\n  expected %s", text, str_text(&got), expected);
    str_release(&got);
    arena_release(&arena);
}

static struct column text_column(struct arena *arena, const char *const *values, size_t count)
{
    struct column column;
    column_init(&column, arena, &type_string, count);
    for (size_t i = 0; i < count; i++) {
        if (values[i])
            column.strings[i] = bytes_from(values[i]);
        else
            column_set_null(&column, arena, i);
    }
    return column;
}

static err_t apply(struct table_port port, struct column *columns, const char *const *names,
                   size_t column_count, size_t rows, struct diag *diag)
{
    struct batch batch = {
        .count = rows, .column_count = column_count, .columns = columns, .names = names};
    struct table_rows set = {.keyspace = "ks", .table = "t", .batch = &batch};
    return port.ops->apply(port.self, &(struct table_write){.rows = &set, .row_set_count = 1},
                           diag);
}

static void text_becomes_every_type_it_spells(void **state)
{
    (void)state;
    struct tables *tables = open_tables();
    struct table_port port = tables_port(tables);
    struct arena arena = ARENA_INIT;
    make_table(port, "id uuid PRIMARY KEY, i int, b bigint, d double, ok boolean, ts timestamp, dt "
                     "date, ip inet, v "
                     "varint, dec decimal, t text");
    static const char *const names[] = {"ID", "i",  "b", "d",   "ok", "ts",
                                        "dt", "ip", "v", "dec", "t"};
    static const char *const values[][1] = {{"11111111-2222-4333-8444-555555555555"},
                                            {"-7"},
                                            {"9000000000"},
                                            {"2.5"},
                                            {"true"},
                                            {"2026-11-21T08:00:00Z"},
                                            {"2026-11-21"},
                                            {"10.1.2.3"},
                                            {"123456789012345678901234567890"},
                                            {"1.50"},
                                            {"plain"}};
    struct column columns[11];
    struct diag diag = DIAG_INIT;
    for (size_t i = 0; i < 11; i++)
        columns[i] = text_column(&arena, values[i], 1);
    if (apply(port, columns, names, 11, 1, &diag))
        fail_msg("%s", diag_text(&diag));
    expect_cql(
        port, "SELECT id, i, b, d, ok, ts, dt, ip, v, dec, t FROM t",
        "11111111-2222-4333-8444-555555555555;-7;9000000000;2.5;True;2026-11-21 "
        "08:00:00.000000+0000;2026-11-21;10.1.2.3;123456789012345678901234567890;1.50;plain");
    static const char *const bad[] = {"not a uuid"};
    columns[0] = text_column(&arena, bad, 1);
    diag_clear(&diag);
    assert_int_equal(apply(port, columns, names, 11, 1, &diag), ERR_TYPE);
    assert_string_equal(diag.text, "row 0, column id of ks.t: cannot store 'not a uuid' as uuid");
    diag_clear(&diag);
    static const char *const unknown[] = {"id", "nope"};
    assert_int_equal(apply(port, columns, unknown, 2, 1, &diag), ERR_NOT_FOUND);
    diag_clear(&diag);
    assert_int_equal(apply(port, columns + 1, names + 1, 1, 1, &diag), ERR_INVALID);
    arena_release(&arena);
    tables_close(tables);
}

static void a_null_deletes_the_cell_and_not_the_row(void **state)
{
    (void)state;
    struct tables *tables = open_tables();
    struct table_port port = tables_port(tables);
    struct arena arena = ARENA_INIT;
    make_table(port, "k text, c int, a text, b text, PRIMARY KEY (k, c)");
    cql(port, "INSERT INTO t (k, c, a, b) VALUES ('x', 1, 'old', 'kept')");
    static const char *const names[] = {"k", "c", "a"};
    struct column columns[3] = {text_column(&arena, (const char *const[]){"x", "x"}, 2)};
    column_init(&columns[1], &arena, &type_long, 2);
    columns[1].longs[0] = 1;
    columns[1].longs[1] = -5;
    columns[2] = text_column(&arena, (const char *const[]){NULL, NULL}, 2);
    assert_int_equal(apply(port, columns, names, 3, 2, NULL), ERR_OK);
    expect_cql(port, "SELECT c, a, b FROM t WHERE k = 'x'", "-5;null;null|1;null;kept");
    columns[0] = text_column(&arena, (const char *const[]){"x", NULL}, 2);
    assert_int_equal(apply(port, columns, names, 3, 2, NULL), ERR_INVALID);
    arena_release(&arena);
    tables_close(tables);
}

static void of_two_rows_with_one_key_the_later_one_wins(void **state)
{
    (void)state;
    struct tables *tables = open_tables();
    struct table_port port = tables_port(tables);
    struct arena arena = ARENA_INIT;
    make_table(port, "k text PRIMARY KEY, a text, b text");
    static const char *const names[] = {"k", "a", "b"};
    struct column columns[3] = {text_column(&arena, (const char *const[]){"x", "x"}, 2),
                                text_column(&arena, (const char *const[]){"9", "1"}, 2),
                                text_column(&arena, (const char *const[]){"z", NULL}, 2)};
    assert_int_equal(apply(port, columns, names, 3, 2, NULL), ERR_OK);
    expect_cql(port, "SELECT a, b FROM t", "1;null");
    columns[1] = text_column(&arena, (const char *const[]){"1", "0"}, 2);
    assert_int_equal(apply(port, columns, names, 3, 2, NULL), ERR_OK);
    expect_cql(port, "SELECT a, b FROM t", "0;null");
    arena_release(&arena);
    tables_close(tables);
}

struct seen {
    size_t rows;
    struct str text;
};

static err_t see(const struct batch *batch, void *ctx)
{
    struct seen *seen = ctx;
    seen->rows += batch->count;
    for (size_t i = 0; i < batch->count && seen->rows <= 3; i++) {
        const struct column *list = &batch->columns[1], *map = &batch->columns[2],
                            *real = &batch->columns[3];
        str_printf(&seen->text, "%d [", batch->columns[0].ints[i]);
        for (int32_t e = list->offsets[i]; e < list->offsets[i + 1]; e++)
            str_printf(&seen->text, "%d ", list->children[0].ints[e]);
        str_append_text(&seen->text, "] {");
        for (int32_t e = map->offsets[i]; e < map->offsets[i + 1]; e++)
            str_printf(&seen->text, "%.*s=%lld ", BYTES_PRINT(map->children[0].strings[e]),
                       (long long)map->children[1].longs[e]);
        str_printf(&seen->text, "} %s|", column_is_null(real, i) ? "null" : "set");
    }
    return ERR_OK;
}

static void a_scan_gives_spark_columns(void **state)
{
    (void)state;
    struct tables *tables = open_tables();
    struct table_port port = tables_port(tables);
    make_table(port, "k int PRIMARY KEY, l list<int>, m map<text, bigint>, r double");
    cql(port, "INSERT INTO t (k, l, m) VALUES (1, [3, 4], {'a': 1, 'b': 2})");
    cql(port, "INSERT INTO t (k, l, r) VALUES (2, [5], 1.5)");
    struct seen seen = {0};
    assert_int_equal(port.ops->scan(port.self, "ks", "t", see, &seen, NULL), ERR_OK);
    assert_string_equal(str_text(&seen.text), "1 [3 4 ] {a=1 b=2 } null|2 [5 ] {} set|");
    str_release(&seen.text);
    struct arena arena = ARENA_INIT;
    const struct table_info *info;
    assert_int_equal(port.ops->describe(port.self, &arena, "ks", "t", &info, NULL), ERR_OK);
    assert_int_equal(info->column_count, 4);
    assert_string_equal(info->columns[2].cql_type, "map<text, bigint>");
    assert_int_equal(info->columns[1].type->kind, TYPE_ARRAY);
    size_t count;
    assert_int_equal(port.ops->tables(port.self, &arena, &info, &count, NULL), ERR_OK);
    assert_int_equal(count, 1);
    struct diag diag = DIAG_INIT;
    assert_int_equal(port.ops->describe(port.self, &arena, "ks", "gone", &info, &diag),
                     ERR_NOT_FOUND);
    arena_release(&arena);
    tables_close(tables);
}

static err_t count_meta(struct bytes key, struct bytes value, void *ctx)
{
    (void)key, (void)value;
    (*(size_t *)ctx)++;
    return ERR_OK;
}

static void metas_are_kept_found_by_prefix_and_removed(void **state)
{
    (void)state;
    struct tables *tables = open_tables();
    struct table_port port = tables_port(tables);
    struct table_meta metas[] = {{bytes_from("a/1"), bytes_from("x")},
                                 {bytes_from("a/2"), bytes_from("")},
                                 {bytes_from("b/1"), bytes_from("z")}};
    assert_int_equal(
        port.ops->apply(port.self, &(struct table_write){.metas = metas, .meta_count = 3}, NULL),
        ERR_OK);
    struct table_meta removal = {bytes_from("a/1"), BYTES_NULL};
    assert_int_equal(
        port.ops->apply(port.self, &(struct table_write){.metas = &removal, .meta_count = 1}, NULL),
        ERR_OK);
    size_t count = 0;
    assert_int_equal(port.ops->meta_scan(port.self, bytes_from("a/"), count_meta, &count, NULL),
                     ERR_OK);
    assert_int_equal(count, 1);
    struct arena arena = ARENA_INIT;
    struct bytes value;
    assert_int_equal(port.ops->meta_get(port.self, &arena, bytes_from("b/1"), &value, NULL),
                     ERR_OK);
    assert_true(bytes_is(value, "z"));
    assert_int_equal(port.ops->meta_get(port.self, &arena, bytes_from("a/1"), &value, NULL),
                     ERR_OK);
    assert_null(value.ptr);
    arena_release(&arena);
    tables_close(tables);
}

// Rows of a round and the round's number as its meta, until killed. Says each round it has on disk.
static void write_rounds(int say)
{
    struct tables *tables = open_tables();
    struct table_port port = tables_port(tables);
    static const char *const names[] = {"k", "c"};
    struct arena arena = ARENA_INIT;
    for (int64_t round = 0;; round++) {
        struct column columns[2];
        column_init(&columns[0], &arena, &type_long, 10);
        column_init(&columns[1], &arena, &type_long, 10);
        for (int64_t i = 0; i < 10; i++) {
            columns[0].longs[i] = round;
            columns[1].longs[i] = i;
        }
        struct batch batch = {.count = 10, .column_count = 2, .columns = columns, .names = names};
        struct table_rows rows = {.keyspace = "ks", .table = "t", .batch = &batch};
        struct table_meta meta = {bytes_from("round"), bytes_make(&round, sizeof round)};
        struct table_write write_of = {&rows, 1, &meta, 1};
        if (port.ops->apply(port.self, &write_of, NULL) ||
            write(say, &round, sizeof round) != sizeof round)
            _exit(1);
        arena_clear(&arena);
    }
}

static void rows_and_metas_survive_kill_9_together(void **state)
{
    (void)state;
    struct tables *tables = open_tables();
    make_table(tables_port(tables), "k bigint, c bigint, PRIMARY KEY (k, c)");
    tables_close(tables);
    for (int attempt = 1; attempt <= 3; attempt++) {
        int pipes[2];
        char say[16];
        assert_int_equal(pipe(pipes), 0);
        snprintf(say, sizeof say, "%d", pipes[1]);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) { // a bare fork would inherit locks of RocksDB's threads
            execl("/proc/self/exe", "tables_port_test", dir, say, NULL);
            _exit(1);
        }
        close(pipes[1]);
        int64_t acknowledged = -1, round;
        while (acknowledged < 20 * attempt && read(pipes[0], &round, sizeof round) == sizeof round)
            acknowledged = round;
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(pipes[0], &round, sizeof round) == sizeof round)
            acknowledged = round;
        close(pipes[0]);
        tables = open_tables();
        struct table_port port = tables_port(tables);
        struct arena arena = ARENA_INIT;
        struct bytes meta;
        assert_int_equal(port.ops->meta_get(port.self, &arena, bytes_from("round"), &meta, NULL),
                         ERR_OK);
        assert_int_equal(meta.size, sizeof round);
        memcpy(&round, meta.ptr, sizeof round);
        assert_true(round >= acknowledged);
        char expected[32], text[100];
        snprintf(expected, sizeof expected, "%lld", (long long)(round + 1) * 10);
        expect_cql(port, "SELECT count(*) FROM t", expected);
        snprintf(text, sizeof text, "SELECT count(*) FROM t WHERE k = %lld", (long long)round);
        expect_cql(port, text, "10");
        cql(port, "TRUNCATE t");
        arena_release(&arena);
        tables_close(tables);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        snprintf(dir, sizeof dir, "%s", argv[1]);
        write_rounds(atoi(argv[2]));
    }
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(text_becomes_every_type_it_spells),
        TEST(a_null_deletes_the_cell_and_not_the_row),
        TEST(of_two_rows_with_one_key_the_later_one_wins),
        TEST(a_scan_gives_spark_columns),
        TEST(metas_are_kept_found_by_prefix_and_removed),
        TEST(rows_and_metas_survive_kill_9_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
