// SPDX-License-Identifier: Apache-2.0
//
// Values marked (gold) were taken from a real Spark 3.5.
#include "data/cast.h"
#include "data/json_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void from_json(struct str *out, const char *text, const char *schema,
                      const char *const *settings)
{
    struct arena arena = ARENA_INIT;
    struct diag diag = DIAG_INIT;
    struct json_options options = {0};
    struct cast_options plain = {0};
    struct column documents, column;
    struct json_reader *reader;
    const struct type *type;
    column_init(&documents, &arena, &type_string, 1);
    documents.strings[0] = bytes_from(text);
    if (!text)
        column_set_null(&documents, &arena, 0);
    err_t err = type_parse(&type, &arena, bytes_from(schema), &diag);
    for (; settings && *settings && err == ERR_OK; settings += 2)
        err = json_options_set(&options, &arena, bytes_from(settings[0]), bytes_from(settings[1]),
                               &diag);
    if (err == ERR_OK)
        err = json_reader_new(&reader, &arena, type, &options, &diag);
    if (err == ERR_OK)
        err = json_reader_read(reader, &column, &arena, &documents, &diag);
    if (err != ERR_OK)
        str_append_text(out, diag_text(&diag));
    else if (column_is_null(&column, 0))
        str_append_text(out, "NULL");
    else
        cast_value_text(out, &column, 0, &plain);
    arena_release(&arena);
}

static void check(const char *text, const char *schema, const char *expected)
{
    struct str out = {0};
    from_json(&out, text, schema, NULL);
    if (strcmp(str_text(&out), expected) != 0)
        fail_msg("%s as %s: %s, expected %s", text, schema, str_text(&out), expected);
    str_release(&out);
}

static void check_with(const char *text, const char *schema, const char *key, const char *value,
                       const char *expected)
{
    struct str out = {0};
    const char *settings[] = {key, value, NULL};
    from_json(&out, text, schema, settings);
    if (strncmp(str_text(&out), expected, strlen(expected)) != 0)
        fail_msg("%s as %s with %s: %s, expected %s", text, schema, key, str_text(&out), expected);
    str_release(&out);
}

static void documents_read_as_in_a_real_spark(void **state)
{
    (void)state;
    static const char *const gold[][3] = {
        {"  ", "a INT", "NULL"},
        {NULL, "a INT", "NULL"},
        {"[1,2]", "ARRAY<INT>", "[1, 2]"},
        {"[]", "a INT", "{null}"},
        {"[{\"a\":1},{\"a\":2}]", "ARRAY<STRUCT<a:INT>>", "[{1}, {2}]"},
        {"bad", "ARRAY<INT>", "NULL"},
        {"bad", "id STRING", "{null}"},
        {"{\"A\":1}", "a INT", "{null}"},
        {"{\"a\": /* c */ 1}", "a INT", "{null}"},
        {"{\"a\":\"\",\"b\":1}", "a DOUBLE, b INT", "{null, 1}"},
        {"{\"a\":\"2024-02-29 12:34:56\"}", "a TIMESTAMP", "{2024-02-29 12:34:56}"},
        {"{\"a\":\"2024-02-29\"}", "a DATE", "{2024-02-29}"},
        {"{\"a\":\"2024-02-29T12:34:56Z\"}", "a TIMESTAMP", "{2024-02-29 12:34:56}"},
        {"{\"a\":\"NaN\"}", "a DOUBLE", "{NaN}"},
        {"{\"a\":NaN}", "a DOUBLE", "{NaN}"},
        {"{\"a\":\"bad\"}", "a TIMESTAMP", "{null}"},
        {"{\"a\":\"true\"}", "a BOOLEAN", "{null}"},
        {"{\"a\":\"x\"}", "a STRUCT<b:INT>", "{null}"},
        {"{\"a\":-0}", "a INT", "{0}"},
        {"{\"a\":1", "a INT", "{null}"},
        {"{\"a\":1.0}", "a INT", "{null}"},
        {"{\"a\":1.50}", "a STRING", "{1.5}"},
        {"{\"a\":1} trailing", "a INT", "{1}"},
        {"{\"a\":1}", "a DOUBLE", "{1.0}"},
        {"{\"a\":1}", "a INT NOT NULL, b INT NOT NULL", "{1, null}"},
        {"{\"a\":1}{\"a\":2}", "a INT", "{1}"},
        {"{\"a\":3000000000}", "a BIGINT", "{3000000000}"},
        {"{\"a\":3000000000}", "a INT", "{null}"},
        {"{\"a\":[1,2,null]}", "a ARRAY<INT>", "{[1, 2, null]}"},
        {"{\"a\":null}", "a STRING", "{null}"},
        {"{\"a\":true}", "a STRING", "{true}"},
        {"{\"a\":{\"b\":\"x\"},\"c\":2}", "a STRUCT<b:INT>, c INT", "{{null}, 2}"},
        {"{\"a\":{\"k\":\"x\"}}", "a MAP<STRING,INT>", "{null}"},
        {"{\"a\":{\"x\": 1,  \"y\":[1, 2]}}", "a STRING", "{{\"x\":1,\"y\":[1,2]}}"},
        {"{\"a.b\":1}", "`a.b` INT", "{1}"},
        {"{\"k\":1}", "MAP<STRING,INT>", "{k -> 1}"},
        {"{a:1}", "a INT", "{null}"},
        {"{}", "a INT", "{null}"},
    };
    for (size_t i = 0; i < sizeof gold / sizeof *gold; i++)
        check(gold[i][0], gold[i][1], gold[i][2]);
    check_with("{\"a\":\"x\"}", "a INT", "mode", "FAILFAST",
               "[MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION]");
    check_with("{\"a\":1", "a INT", "mode", "DROPMALFORMED", "[_LEGACY_ERROR_TEMP_1099]");
    check_with("{\"a\":01}", "a INT", "allowNumericLeadingZeros", "true", "{1}");
    check_with("{a:1}", "a INT", "allowUnquotedFieldNames", "true", "{1}");
    check_with("{\"a\":\"29/02/2024\"}", "a DATE", "dateFormat", "dd/MM/yyyy", "{2024-02-29}");
}

static void other_rules_of_the_parser(void **state)
{
    (void)state;
    check("{'a':'it\\'s'}", "a STRING", "{it's}");
    check("{\"a\":\"x\\n\\u00e9\\ud83d\\ude00\\ud800\"}", "a STRING",
          "{x\n\xc3\xa9\xf0\x9f\x98\x80?}");
    check("{\"a\":1,\"a\":2}", "a INT", "{2}");
    check("{\"a\":1,\"a\":\"x\"}", "a INT", "{1}");
    check("{\"a\":[1],\"a\":[2,3]}", "a ARRAY<INT>", "{[2, 3]}");
    check("{\"a\":{\"b\":1},\"a\":{\"c\":2}}", "a STRUCT<b:INT,c:INT>", "{{null, 2}}");
    check("{\"a\":[1],\"a\":null}", "a ARRAY<INT>", "{null}");
    check("{\"a\":[1,\"x\",{\"b\":[2]}],\"b\":3}", "a ARRAY<INT>, b INT", "{null, 3}");
    check("{\"a\":[{\"b\":1},{\"b\":\"x\"}]}", "a ARRAY<STRUCT<b:INT>>", "{[{1}, {null}]}");
    check("{\"a\":{\"k\":[1,2],\"l\":[]}}", "a MAP<STRING,ARRAY<INT>>", "{{k -> [1, 2], l -> []}}");
    check("{\"a\":1", "ARRAY<STRUCT<a:INT>>", "NULL");
    check("{\"a\":1}", "ARRAY<STRUCT<a:INT>>", "[{1}]");
    check("{\"a\":1e2}", "a STRING", "{100.0}");
    check("{\"a\":-007}", "a INT", "{null}");
    check("{\"a\":200}", "a TINYINT", "{-56}");
    check("{\"a\":1709210096}", "a TIMESTAMP", "{2024-02-29 12:34:56}");
    check("{\"a\":\"1,234.565\"}", "a DECIMAL(6,2)", "{1234.57}");
    check("{\"a\":12345.678}", "a DECIMAL(6,2)", "{null}");
    check("{\"a\":\"YWJj\"}", "a BINARY", "{abc}");
    check("{\"a\":\"YWJ\"}", "a BINARY", "{null}");
    check("{\"a\":\"x\ty\"}", "a STRING", "{null}");
    check("{\"a\":\"\\q\"}", "a STRING", "{null}");
    check("{\"a\":tru}", "a BOOLEAN", "{null}");
    check("{\"a\":1,}", "a INT", "{null}");
    check("{\"a\":1 \"b\":2}", "a INT, b INT", "{null, null}");
    check("null", "a INT", "{null}");
    check("3", "a INT", "{null}");
    check("{\"a\":\"x\"}", "a INT, _corrupt_record STRING", "{null, {\"a\":\"x\"}}");
    check("{\"a\":1}", "a INT, _corrupt_record STRING", "{1, null}");
    check("{\"a\":{\"b\":\"x\"}}", "a INT, b INT", "{null, null}");
    check("{\"a\":1}", "MAP<INT,INT>", "from_json cannot make a value of type map<int,int>");
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    struct str text = {0};
    for (int i = 0; i < 100000; i++)
        str_append_text(&text, "{\"a\":[");
    check(str_text(&text), "b INT", "{null}");
    str_clear(&text);
    str_append_text(&text, "{\"a\":");
    for (int i = 0; i < 900; i++)
        str_append_text(&text, "[");
    for (int i = 0; i < 900; i++)
        str_append_text(&text, "]");
    str_append_text(&text, ",\"b\":1}");
    check(str_text(&text), "b INT", "{1}");
    str_release(&text);
}

// Rows with other key orders, missing and unwanted keys, null and broken rows between good ones.
static void rows_keep_apart_whatever_stands_between_them(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{\"id\":1,\"skip\":{\"x\":[1,2]},\"tags\":[\"a\",\"b\"]}",
        "{\"tags\":[\"c\"],\"id\":2}",
        "{\"id\":3,\"tags\":[\"d\",\"e\"",
        "{\"id\":4,\"skip\":\"}\",\"tags\":[\"f\"]}",
        "",
        "{ \"id\" : 5 , \"a key that is longer than thirty-two bytes\":1,\"tags\" : [ ] }",
        "{\"id\":6,\"skip\":1,\"tags\":[\"g\",7]}"};
    static const char *const expected[] = {"{1, [a, b]}", "{2, [c]}", "{null, null}", "{4, [f]}",
                                           "NULL",        "{5, []}",  "{6, [g, 7]}"};
    struct arena arena = ARENA_INIT;
    struct column documents, column;
    struct json_options options = {0};
    struct cast_options plain = {0};
    struct json_reader *reader;
    const struct type *type;
    column_init(&documents, &arena, &type_string, 7);
    for (size_t i = 0; i < 7; i++)
        documents.strings[i] = bytes_from(rows[i]);
    assert_int_equal(type_parse(&type, &arena, bytes_from("id INT, tags ARRAY<STRING>"), NULL),
                     ERR_OK);
    assert_int_equal(json_reader_new(&reader, &arena, type, &options, NULL), ERR_OK);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(json_reader_read(reader, &column, &arena, &documents, NULL), ERR_OK);
        for (size_t i = 0; i < 7; i++) {
            struct str out = {0};
            if (column_is_null(&column, i))
                str_append_text(&out, "NULL");
            else
                cast_value_text(&out, &column, i, &plain);
            assert_string_equal(str_text(&out), expected[i]);
            str_release(&out);
        }
    }
    arena_release(&arena);
}

static void check_path(const char *document, const char *path, const char *expected)
{
    struct arena arena = ARENA_INIT;
    struct bytes out = bytes_from("NULL");
    const struct json_path *compiled = json_path_parse(&arena, bytes_from(path));
    if (compiled && !json_path_get(compiled, &arena, bytes_from(document), &out))
        out = bytes_from("NULL");
    if (!bytes_is(out, expected))
        fail_msg("%s of %s: %.*s, expected %s", path, document, BYTES_PRINT(out), expected);
    arena_release(&arena);
}

static void paths_look_into_documents(void **state)
{
    (void)state;
    check_path("[1,2,3]", "$[1]", "2");                               // (gold)
    check_path("not json", "$.a", "NULL");                            // (gold)
    check_path("{\"a\":\"x\"}", "$.a", "x");                          // (gold)
    check_path("{\"a\":1", "$.a", "NULL");                            // (gold)
    check_path("{\"a\":1}", "$.*", "NULL");                           // (gold)
    check_path("{\"a\":1}", "a", "NULL");                             // (gold)
    check_path("{\"a\":[{\"b\":1},{\"b\":2}]}", "$.a[*].b", "[1,2]"); // (gold)
    check_path("{\"a\":[{\"b\":1}]}", "$.a[*].b", "1");               // (gold)
    check_path("{\"a\":true}", "$.a", "true");                        // (gold)
    check_path("{\"a\":{\"b\":[1, 2]}}", "$.a.b", "[1,2]");           // (gold)
    check_path("[[1,2],[3]]", "$[*][*]", "[1,2,3]");
    check_path("[[1,2],[3]]", "$[0]", "[1,2]");
    check_path("[{\"a\":\"x\"},{\"a\":\"y\"}]", "$[*].a", "[\"x\",\"y\"]");
    check_path("{\"a b\":1}", "$['a b']", "1");
    check_path("{\"a\":null}", "$.a", "NULL");
    check_path("{\"a\":1}", "$", "{\"a\":1}");
    check_path("{\"a\":1}", "$.", "NULL");
    check_path("[1]", "$[x]", "NULL");
    check_path("[1]", "$[1", "NULL");
    int32_t length;
    assert_true(json_array_length(bytes_from("[1,2,[3]]"), &length) && length == 3); // (gold)
    assert_false(json_array_length(bytes_from("{}"), &length));                      // (gold)
    struct arena arena = ARENA_INIT;
    struct bytes names[] = {bytes_from("b"), bytes_from("a"), bytes_from("c")}, values[3], *keys;
    json_tuple(&arena, bytes_from("{\"a\":\"x\",\"b\":{\"k\": 1},\"c\":null}"), names, 3, values);
    assert_true(bytes_is(values[0], "{\"k\":1}") && bytes_is(values[1], "x") && !values[2].ptr);
    size_t count;
    assert_true(json_object_keys(&arena, bytes_from("{\"a\":1,\"b\":[]}"), &keys, &count));
    assert_true(count == 2 && bytes_is(keys[1], "b"));
    arena_release(&arena);
}

static void check_infer(const char *text, const char *expected)
{
    struct arena arena = ARENA_INIT;
    struct json_options options = {0};
    struct diag diag = DIAG_INIT;
    struct str out = {0};
    const struct type *type;
    if (json_infer(&type, &arena, bytes_from(text), &options, &diag) == ERR_OK)
        type_write_sql(&out, type);
    else
        str_append_text(&out, "bad");
    assert_string_equal(str_text(&out), expected);
    str_release(&out);
    arena_release(&arena);
}

static void types_are_inferred_and_merged(void **state)
{
    (void)state;
    check_infer("{\"a\":1,\"b\":[\"x\"],\"c\":1.5,\"d\":null}",
                "STRUCT<a: BIGINT, b: ARRAY<STRING>, c: DOUBLE, d: STRING>"); // (gold)
    check_infer("[{\"b\":1},{\"a\":true,\"b\":1.5}]", "ARRAY<STRUCT<a: BOOLEAN, b: DOUBLE>>");
    check_infer("[1,\"x\"]", "ARRAY<STRING>");
    check_infer("{\"a\":{}}", "STRING");
    check_infer("12345678901234567890", "DECIMAL(20,0)");
    check_infer("{\"a\":", "bad");
}

static void columns_write_as_json(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct json_options options = {0};
    struct column documents, column, out;
    struct json_reader *reader;
    const struct type *type;
    column_init(&documents, &arena, &type_string, 1);
    documents.strings[0] =
        bytes_from("{\"a\":1.50,\"b\":\"x\\\"\\u0001\",\"c\":[null,1e10],\"d\":{\"k\":null},"
                   "\"t\":\"2024-02-29 12:34:56.5\",\"n\":\"YWJjZA==\",\"f\":\"NaN\"}");
    assert_int_equal(
        type_parse(
            &type, &arena,
            bytes_from("a DECIMAL(5,2), b STRING, c ARRAY<DOUBLE>, d MAP<STRING,INT>, t TIMESTAMP, "
                       "n BINARY, f DOUBLE, z INT"),
            NULL),
        ERR_OK);
    assert_int_equal(json_reader_new(&reader, &arena, type, &options, NULL), ERR_OK);
    assert_int_equal(json_reader_read(reader, &column, &arena, &documents, NULL), ERR_OK);
    assert_int_equal(json_write_column(&out, &arena, &column, &options, NULL), ERR_OK);
    static const char expected[] =
        "{\"a\":1.50,\"b\":\"x\\\"\\u0001\",\"c\":[null,1.0E10],\"d\":{\"k\":null},"
        "\"t\":\"2024-02-29T12:34:56.500Z\",\"n\":\"YWJjZA==\",\"f\":\"NaN\"}";
    if (!bytes_is(out.strings[0], expected))
        fail_msg("%.*s", BYTES_PRINT(out.strings[0]));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_read_as_in_a_real_spark),
        cmocka_unit_test(other_rules_of_the_parser),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(rows_keep_apart_whatever_stands_between_them),
        cmocka_unit_test(paths_look_into_documents),
        cmocka_unit_test(types_are_inferred_and_merged),
        cmocka_unit_test(columns_write_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
