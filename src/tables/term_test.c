// SPDX-License-Identifier: Apache-2.0
#include "tables/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

// Evaluates the term `text` for `type` and prints it, or its refusal.
static void evaluate(struct str *out, const char *text, const char *type_text,
                     const struct bound_value *values, size_t count)
{
    struct arena arena = ARENA_INIT;
    struct diag diag = DIAG_INIT;
    struct str whole = {0};
    const struct statement *statement;
    const struct cql_type *type;
    str_clear(out);
    str_printf(&whole, "INSERT INTO t (a) VALUES (%s)", text);
    assert_int_equal(statement_parse(&statement, &arena, str_bytes(&whole), &diag), ERR_OK);
    assert_int_equal(cql_type_parse(&type, &arena, bytes_from(type_text), &diag), ERR_OK);
    const struct term *term = statement->insert.values[0];
    struct bind_specs specs = {
        .arena = &arena,
        .keyspace = "k",
        .table = "t",
        .marker_names = statement->marker_names,
        .count = statement->marker_count,
        .items = ARENA_ARRAY(&arena, struct column_spec, statement->marker_count)};
    struct term_context context = {
        .arena = &arena, .values = values, .value_count = count, .now_us = 1600000000123456};
    struct bytes value;
    bool unset;
    err_t err = term_bind(term, type, "a", &specs, &diag);
    if (err == ERR_OK)
        err = term_eval(term, type, "a", &context, &value, &unset, &diag);
    if (err != ERR_OK)
        str_append_text(out, diag.text);
    else if (unset)
        str_append_text(out, "unset");
    else
        cql_value_write_literal(out, type, value);
    for (size_t i = 0; i < specs.count; i++)
        str_printf(out, " [%s]", specs.items[i].name ? specs.items[i].name : "?");
    str_release(&whole);
    arena_release(&arena);
}

static void terms_become_values_or_cassandras_words(void **state)
{
    (void)state;
    static const struct {
        const char *term, *type, *want;
    } rows[] = {
        {"'it''s'", "text", "'it''s'"},
        {"{3, 1, 2, 1}", "set<int>", "{1, 2, 3}"},
        {"{'b': 1, 'a': 2}", "map<text, int>", "{'a': 2, 'b': 1}"},
        {"{}", "map<text, int>", "{}"},
        {"[[1], [2, 3]]", "list<frozen<list<int>>>", "[[1], [2, 3]]"},
        {"(1, 'x')", "tuple<int, text>", "(1, 'x')"},
        {"(1)", "int", "1"},
        {"null", "int", "null"},
        {"1 + 2 * 3", "int", "7"},
        {"7 - -7", "bigint", "14"},
        {"5 -3", "int", "2"},
        {"-(int)5", "int", "-5"},
        {"10 / 4", "double", "2.5"},
        {"(int)7", "int", "7"},
        {"intAsBlob(7)", "blob", "0x00000007"},
        {"blob_as_int(0x00000005)", "int", "5"},
        {"minTimeuuid('2020-01-01')", "timeuuid", "a747c000-2c29-11ea-8080-808080808080"},
        {"toTimestamp(now())", "timestamp", "'2020-09-13 12:26:40.123+0000'"},
        {"to_date(current_timestamp())", "date", "'2020-09-13'"},
        {"toUnixTimestamp(maxTimeuuid('2020-01-01'))", "bigint", "1577836800000"},
        {"toJson((list<int>)[1])", "text", "'[1]'"},
        {"['x']", "list<int>", "Invalid list literal for a: value 'x' is not of type int"},
        {"[null]", "list<int>", "null is not supported inside collections"},
        {"{'a'}", "map<text, int>", "Invalid set literal for a of type map<text, int>"},
        {"{1}", "int", "Invalid set literal for a of type int"},
        {"(1, 2)", "int", "Invalid tuple type literal for a of type int"},
        {"(1, 2)", "tuple<int, text>",
         "Invalid tuple literal for a: component 1 is not of type text"},
        {"(1, 'x', 2)", "tuple<int, text>",
         "Invalid tuple literal for a: too many elements. Type frozen<tuple<int, text>> expects 2 "
         "but got 3"},
        {"uuid()", "timeuuid",
         "Type error: cannot assign result of function system.uuid (type uuid) to a (type "
         "timeuuid)"},
        {"nofunc()", "int", "Unknown function nofunc called"},
        {"(bigint)7", "int", "Cannot assign value (bigint)7 to a of type int"},
        {"9223372036854775807 + 1", "bigint", "The operation 'bigint + bigint' failed: overflow"},
        {"1 / 0", "int", "The operation 'int / int' failed: / by zero"},
    };
    struct str out = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        evaluate(&out, rows[i].term, rows[i].type, NULL, 0);
        if (strcmp(str_text(&out), rows[i].want) != 0)
            fail_msg("%s as %s: %s, expected %s", rows[i].term, rows[i].type, str_text(&out),
                     rows[i].want);
    }
    str_release(&out);
}

static void markers_are_named_checked_and_put_in_order(void **state)
{
    (void)state;
    struct str out = {0};
    struct bound_value seven = {bytes_make("\0\0\0\7", 4), false};
    evaluate(&out, "?", "int", &seven, 1);
    assert_string_equal(str_text(&out), "7 [a]");
    evaluate(&out, ":given", "int", &seven, 1);
    assert_string_equal(str_text(&out), "7 [given]");
    evaluate(&out, "{?: 1}", "map<int, int>", &seven, 1);
    assert_string_equal(str_text(&out), "{7: 1} [key(a)]");
    evaluate(&out, "?", "text", &(struct bound_value){bytes_make("\xff", 1), false}, 1);
    assert_string_equal(str_text(&out), "String didn't validate. [a]");
    evaluate(&out, "?", "int", &(struct bound_value){BYTES_NULL, true}, 1);
    assert_string_equal(str_text(&out), "unset [a]");
    evaluate(&out, "[?]", "list<int>", &(struct bound_value){BYTES_NULL, true}, 1);
    assert_string_equal(str_text(&out), "Invalid unset value for column a [value(a)]");
    struct bound_value set = {bytes_make("\0\0\0\2\0\0\0\1b\0\0\0\1a", 14), false};
    evaluate(&out, "?", "set<text>", &set, 1);
    assert_string_equal(str_text(&out), "{'a', 'b'} [a]");
    evaluate(&out, "?", "int", NULL, 0);
    assert_string_equal(str_text(&out), "Invalid amount of bind variables [a]");
    str_release(&out);
}

static void time_uuids_grow_and_differ(void **state)
{
    (void)state;
    uint8_t last[16], next[16];
    term_timeuuid_new(last, 1600000000123456);
    for (int i = 0; i < 1000; i++) {
        term_timeuuid_new(next, 1600000000123456 - i);
        assert_true(cql_value_compare(cql_type_scalar(CQL_TIMEUUID), bytes_make(last, 16),
                                      bytes_make(next, 16)) < 0);
        memcpy(last, next, 16);
    }
}

static void casts_follow_cassandras_table(void **state)
{
    (void)state;
    static const struct {
        const char *from, *text, *to, *want;
    } rows[] = {
        {"int", "7", "text", "7"},
        {"double", "2.9", "int", "2"},
        {"double", "5", "text", "5.0"},
        {"bigint", "4294967297", "int", "1"},
        {"varint", "-7", "bigint", "-7"},
        {"int", "3", "decimal", "3"},
        {"decimal", "1.50", "text", "1.50"},
        {"date", "2020-02-29", "timestamp", "2020-02-29 00:00:00.000000+0000"},
        {"boolean", "true", "text", "true"},
        {"timestamp", "2020-01-01 10:00:00Z", "date", "2020-01-01"},
    };
    struct arena arena = ARENA_INIT;
    struct str out = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct cql_type *from = cql_type_scalar(cql_kind_named(bytes_from(rows[i].from)));
        const struct cql_type *to = cql_type_scalar(cql_kind_named(bytes_from(rows[i].to)));
        struct bytes value;
        str_clear(&out);
        assert_int_equal(cql_value_text(&out, from, bytes_from(rows[i].text), NULL), ERR_OK);
        assert_int_equal(term_cast_value(to, from, str_bytes(&out), &arena, &value, NULL), ERR_OK);
        str_clear(&out);
        cql_value_write(&out, to, value);
        assert_string_equal(str_text(&out), rows[i].want);
    }
    assert_false(term_cast_allowed(cql_type_scalar(CQL_INT), cql_type_scalar(CQL_VARCHAR)));
    assert_false(term_cast_allowed(cql_type_scalar(CQL_UUID), cql_type_scalar(CQL_INT)));
    str_release(&out);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_become_values_or_cassandras_words),
        cmocka_unit_test(markers_are_named_checked_and_put_in_order),
        cmocka_unit_test(time_uuids_grow_and_differ),
        cmocka_unit_test(casts_follow_cassandras_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
