// SPDX-License-Identifier: Apache-2.0
//
// The parser against tests/golden/cql/parse.txt: what Cassandra 5.0.9 accepts, and its words where
// it does not.
#include "tables/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct statement *parsed(struct arena *arena, const char *text)
{
    const struct statement *out = NULL;
    struct diag diag = DIAG_INIT;
    if (statement_parse(&out, arena, bytes_from(text), &diag) != ERR_OK)
        fail_msg("%s: %s", text, diag.text);
    return out;
}

static void words_are_cassandras(void **state)
{
    (void)state;
    FILE *file = fopen("tests/golden/cql/parse.txt", "r");
    assert_non_null(file);
    char line[4096];
    int count = 0, wrong = 0;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *text = strchr(line, '\t');
        if (line[0] == '#' || !text)
            continue;
        *text++ = '\0';
        struct arena arena = ARENA_INIT;
        struct diag diag = DIAG_INIT;
        const struct statement *out;
        err_t err = statement_parse(&out, &arena, bytes_from(text), &diag);
        bool same = strcmp(line, "OK") == 0 ? err != ERR_SYNTAX : strcmp(diag.text, line) == 0;
        if (!same) {
            print_message("%s\n   Cassandra: %s\n   here:      %s\n", text, line,
                          err ? diag.text : "OK");
            wrong++;
        }
        count++;
        arena_release(&arena);
    }
    fclose(file);
    assert_true(count > 400);
    assert_int_equal(wrong, 0);
}

static void select_has_its_parts(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    const struct statement *s = parsed(
        &arena,
        "SELECT DISTINCT a, Count(*) AS n, writetime(\"B\"), cast(c AS text), token(a), m['k'] "
        "FROM Ks.T WHERE a IN (1, ?) AND (b, c) > (:x, 2) AND token(a) >= -5 AND l CONTAINS 'x' "
        "ORDER BY b DESC, c PER PARTITION LIMIT 2 LIMIT ? ALLOW FILTERING;");
    assert_int_equal(s->kind, STATEMENT_SELECT);
    const struct select *select = &s->select;
    assert_true(select->distinct && select->allow_filtering && !select->json);
    assert_string_equal(select->table.keyspace, "ks");
    assert_string_equal(select->table.name, "t");
    assert_int_equal(select->selector_count, 6);
    assert_int_equal(select->selectors[1].kind, SELECTOR_COUNT);
    assert_string_equal(select->selectors[1].alias, "n");
    assert_int_equal(select->selectors[2].kind, SELECTOR_WRITETIME);
    assert_string_equal(select->selectors[2].name, "B");
    assert_int_equal(select->selectors[3].type->kind, CQL_VARCHAR);
    assert_int_equal(select->selectors[5].kind, SELECTOR_ELEMENT);
    assert_int_equal(select->where.count, 4);
    assert_int_equal(select->where.relations[0].value_count, 2);
    assert_int_equal(select->where.relations[1].target, RELATION_TUPLE);
    assert_int_equal(select->where.relations[1].column_count, 2);
    assert_int_equal(select->where.relations[2].target, RELATION_TOKEN);
    assert_int_equal(select->where.relations[2].op, RELATION_GE);
    assert_int_equal(select->where.relations[3].op, RELATION_CONTAINS);
    assert_int_equal(select->order_by_count, 2);
    assert_true(select->order_by[0].descending && !select->order_by[1].descending);
    assert_int_equal(s->marker_count, 3);
    assert_null(s->marker_names[0]);
    assert_string_equal(s->marker_names[1], "x");
    assert_int_equal(select->limit->marker, 2);
    arena_release(&arena);
}

static void update_tells_its_operations(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    const struct statement *s = parsed(
        &arena,
        "UPDATE t USING TTL 5 AND TIMESTAMP ? SET a = 1, b = b + [1], c = [1] + c, d = d - {1}, "
        "e[0] = 'x', f += 7, g = g -3, h = now() WHERE k = ? IF a = 2 AND b != null");
    const struct update *update = &s->update;
    static const enum assignment_kind kinds[] = {ASSIGN_SET,    ASSIGN_APPEND,  ASSIGN_PREPEND,
                                                 ASSIGN_REMOVE, ASSIGN_ELEMENT, ASSIGN_APPEND,
                                                 ASSIGN_APPEND, ASSIGN_SET};
    assert_int_equal(update->count, 8);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(update->assignments[i].kind, kinds[i]);
    assert_true(bytes_is(update->assignments[6].value->text, "-3"));
    assert_string_equal(update->assignments[7].value->function, "now");
    assert_true(bytes_is(update->using.ttl->text, "5"));
    assert_int_equal(update->using.timestamp->marker, 0);
    assert_int_equal(update->conditions.where.count, 2);
    assert_int_equal(update->conditions.where.relations[1].op, RELATION_NE);
    arena_release(&arena);
}

static void terms_have_their_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum term_kind kind;
        int literal;
    } rows[] = {
        {"'it''s'", TERM_LITERAL, CQL_LITERAL_STRING},
        {"$$a'b$$", TERM_LITERAL, CQL_LITERAL_STRING},
        {"-12", TERM_LITERAL, CQL_LITERAL_INTEGER},
        {"1.5e-3", TERM_LITERAL, CQL_LITERAL_FLOAT},
        {"1E5", TERM_LITERAL, CQL_LITERAL_FLOAT},
        {"-Infinity", TERM_LITERAL, CQL_LITERAL_FLOAT},
        {"TRUE", TERM_LITERAL, CQL_LITERAL_BOOLEAN},
        {"abcdef12-29bb-11e5-b345-feff819cdc9f", TERM_LITERAL, CQL_LITERAL_UUID},
        {"0xCAFE", TERM_LITERAL, CQL_LITERAL_HEX},
        {"-1h30m", TERM_LITERAL, CQL_LITERAL_DURATION},
        {"P1Y2M3DT4H", TERM_LITERAL, CQL_LITERAL_DURATION},
        {"P0001-02-03T04:05:06", TERM_LITERAL, CQL_LITERAL_DURATION},
        {"null", TERM_NULL, -1},
        {"?", TERM_MARKER, -1},
        {":\"Name\"", TERM_MARKER, -1},
        {"[1, 2]", TERM_LIST, -1},
        {"{}", TERM_SET, -1},
        {"{1: 2}", TERM_MAP, -1},
        {"{a: 1}", TERM_UDT, -1},
        {"(1, 2)", TERM_TUPLE, -1},
        {"(list<int>)[1]", TERM_HINT, -1},
        {"(int)?", TERM_HINT, -1},
        {"toTimestamp(now())", TERM_FUNCTION, -1},
        {"1 + 2 * 3", TERM_ARITH, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena = ARENA_INIT;
        struct str text = {0};
        str_printf(&text, "INSERT INTO t (a) VALUES (%s)", rows[i].text);
        const struct term *term = parsed(&arena, str_text(&text))->insert.values[0];
        assert_int_equal(term->kind, rows[i].kind);
        if (rows[i].literal >= 0)
            assert_int_equal(term->literal, rows[i].literal);
        if (i == 0)
            assert_true(bytes_is(term->text, "it's"));
        str_release(&text);
        arena_release(&arena);
    }
}

static void create_table_has_its_parts(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    const struct statement *s = parsed(
        &arena,
        "CREATE TABLE IF NOT EXISTS k.t (a int, b set<text>, c frozen<map<int, list<text>>>, s int "
        "static, PRIMARY KEY ((a, d), e)) WITH CLUSTERING ORDER BY (e DESC) AND comment = 'x' AND "
        "compaction = {'class': 'LeveledCompactionStrategy', 'n': 5} AND gc_grace_seconds = 60");
    const struct create_table *table = &s->create_table;
    assert_true(table->if_not_exists);
    assert_int_equal(table->column_count, 4);
    assert_int_equal(table->columns[1].type->kind, CQL_SET);
    assert_true(table->columns[2].type->frozen);
    assert_true(table->columns[3].is_static);
    assert_int_equal(table->partition_key_count, 2);
    assert_int_equal(table->clustering_count, 1);
    assert_true(table->order[0].descending);
    assert_int_equal(table->option_count, 3);
    assert_string_equal(table->options[1].pairs[1].value, "5");
    arena_release(&arena);
}

static void batches_number_markers_through(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    const struct statement *s =
        parsed(&arena, "BEGIN UNLOGGED BATCH USING TIMESTAMP ? "
                       "INSERT INTO t (a) VALUES (?); UPDATE t SET b = ? WHERE a = ? "
                       "DELETE FROM t WHERE a = ? APPLY BATCH");
    assert_int_equal(s->batch.kind, BATCH_UNLOGGED);
    assert_int_equal(s->batch.count, 3);
    assert_int_equal(s->marker_count, 5);
    assert_int_equal(s->batch.statements[2]->delete_.where.relations[0].values[0]->marker, 4);
    arena_release(&arena);
}

static void what_is_not_supported_is_named(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"CREATE INDEX ON t (a)", "CREATE INDEX is not supported"},
        {"CREATE MATERIALIZED VIEW v AS SELECT * FROM t",
         "CREATE MATERIALIZED VIEW is not supported"},
        {"DROP TYPE t", "DROP TYPE is not supported"},
        {"GRANT SELECT ON t TO r", "GRANT is not supported"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena = ARENA_INIT;
        const struct statement *s = parsed(&arena, rows[i][0]);
        assert_int_equal(s->kind, STATEMENT_UNSUPPORTED);
        assert_string_equal(s->unsupported, rows[i][1]);
        arena_release(&arena);
    }
}

static void refused(const char *text, err_t want)
{
    struct arena arena = ARENA_INIT;
    const struct statement *out;
    assert_int_equal(statement_parse(&out, &arena, bytes_from(text), NULL), want);
    arena_release(&arena);
}

static void deep_and_long_texts_are_refused(void **state)
{
    (void)state;
    struct str text = {0};
    str_append_text(&text, "INSERT INTO t (a) VALUES (");
    for (int i = 0; i < 100000; i++)
        str_append_text(&text, "[");
    refused(str_text(&text), ERR_SYNTAX);
    str_clear(&text);
    str_append_text(&text, "SELECT a");
    for (int i = 0; i < 100000; i++)
        str_append_text(&text, "+a");
    str_append_text(&text, " FROM t");
    refused(str_text(&text), ERR_SYNTAX);
    str_clear(&text);
    str_append_text(&text, "SELECT * FROM t WHERE ");
    for (int i = 0; i < 100000; i++)
        str_append_text(&text, "(a=");
    refused(str_text(&text), ERR_SYNTAX);
    str_release(&text);
}

static void scripts_are_split_at_semicolons_outside_quotes(void **state)
{
    (void)state;
    struct bytes rest =
        bytes_from("-- first; comment\nUSE a;\n\n/* ; */ INSERT INTO t (a)\n VALUES (';''');\n"
                   "SELECT 1; -- end");
    struct bytes statement = BYTES_NULL;
    uint32_t line = 1;
    assert_true(parse_script_next(&rest, &statement, &line));
    assert_true(bytes_is(statement, "USE a"));
    assert_int_equal(line, 2);
    assert_true(parse_script_next(&rest, &statement, &line));
    assert_true(bytes_is(statement, "INSERT INTO t (a)\n VALUES (';''')"));
    assert_int_equal(line, 4);
    assert_true(parse_script_next(&rest, &statement, &line));
    assert_true(bytes_is(statement, "SELECT 1"));
    assert_int_equal(line, 6);
    assert_false(parse_script_next(&rest, &statement, &line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_cassandras),
        cmocka_unit_test(select_has_its_parts),
        cmocka_unit_test(update_tells_its_operations),
        cmocka_unit_test(terms_have_their_kinds),
        cmocka_unit_test(create_table_has_its_parts),
        cmocka_unit_test(batches_number_markers_through),
        cmocka_unit_test(what_is_not_supported_is_named),
        cmocka_unit_test(deep_and_long_texts_are_refused),
        cmocka_unit_test(scripts_are_split_at_semicolons_outside_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
