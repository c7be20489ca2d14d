// SPDX-License-Identifier: Apache-2.0
//
// Values against tests/golden/cql/values.txt: bytes made by the real Python driver.
#include "wire/cql/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdlib.h>

static const char *const kinds[] = {"STRING", "INTEGER", "FLOAT",   "BOOLEAN",
                                    "UUID",   "HEX",     "DURATION"};

static void put_hex(struct str *out, struct bytes value)
{
    for (size_t i = 0; i < value.size; i++)
        str_printf(out, "%02x", value.ptr[i]);
}

static struct bytes from_hex(struct arena *arena, const char *hex)
{
    size_t size = strlen(hex) / 2;
    uint8_t *bytes = arena_zalloc(arena, size + 1);
    for (size_t i = 0; i < size; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return bytes_make(bytes, size);
}

static const struct cql_type *type_of(struct arena *arena, const char *text)
{
    const struct cql_type *type = NULL;
    struct diag diag = DIAG_INIT;
    if (cql_type_parse(&type, arena, bytes_from(text), &diag) != ERR_OK)
        fail_msg("%s: %s", text, diag.text);
    return type;
}

static void check_line(struct arena *arena, char *line)
{
    char *literal = strchr(line, '|'), *text, *hex;
    *literal++ = '\0';
    text = strchr(literal, '|');
    *text++ = '\0';
    hex = strrchr(text, '|');
    *hex++ = '\0';
    const struct cql_type *type = type_of(arena, line);
    struct bytes want = from_hex(arena, hex);
    struct diag diag = DIAG_INIT;
    if (cql_value_check(type, want, &diag) != ERR_OK)
        fail_msg("%s %s: %s", line, hex, diag.text);
    struct str got = {0};
    if (strcmp(literal, "TERM") == 0) {
        cql_value_write_literal(&got, type, want);
        assert_string_equal(str_text(&got), text);
    } else {
        enum cql_literal kind = CQL_LITERAL_STRING;
        while (strcmp(kinds[kind], literal) != 0)
            kind++;
        struct str bytes = {0};
        if (cql_value_literal(&bytes, type, kind, bytes_from(text), "c", &diag) != ERR_OK)
            fail_msg("%s %s: %s", line, text, diag.text);
        put_hex(&got, str_bytes(&bytes));
        if (strcmp(str_text(&got), hex) != 0)
            fail_msg("%s %s: %s, the driver has %s", line, text, str_text(&got), hex);
        str_clear(&got); // and back: the printed form reads as the same bytes
        cql_value_write(&got, type, want);
        str_clear(&bytes);
        if (type->kind != CQL_TIMESTAMP) { // microseconds are cut
            assert_int_equal(cql_value_text(&bytes, type, str_bytes(&got), &diag), ERR_OK);
            assert_int_equal(cql_value_compare(type, str_bytes(&bytes), want), 0);
        }
        str_release(&bytes);
    }
    str_release(&got);
}

static void values_have_the_bytes_of_the_python_driver(void **state)
{
    (void)state;
    FILE *file = fopen("tests/golden/cql/values.txt", "r");
    assert_non_null(file);
    struct arena arena = ARENA_INIT;
    char line[1024];
    int count = 0;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0')
            continue;
        check_line(&arena, line);
        count++;
    }
    fclose(file);
    arena_release(&arena);
    assert_true(count > 100);
}

static void refused(const char *type_text, enum cql_literal kind, const char *text,
                    const char *words)
{
    struct arena arena = ARENA_INIT;
    struct diag diag = DIAG_INIT;
    struct str out = {0};
    assert_int_equal(
        cql_value_literal(&out, type_of(&arena, type_text), kind, bytes_from(text), "a", &diag),
        ERR_INVALID);
    assert_string_equal(diag.text, words);
    str_release(&out);
    arena_release(&arena);
}

static void wrong_constants_are_refused_in_cassandras_words(void **state)
{
    (void)state;
    refused("int", CQL_LITERAL_STRING, "x", "Invalid STRING constant (x) for \"a\" of type int");
    refused("int", CQL_LITERAL_FLOAT, "1.5", "Invalid FLOAT constant (1.5) for \"a\" of type int");
    refused("list<int>", CQL_LITERAL_INTEGER, "1",
            "Invalid INTEGER constant (1) for \"a\" of type list<int>");
    refused("int", CQL_LITERAL_INTEGER, "99999999999", "Unable to make int from '99999999999'");
    refused("bigint", CQL_LITERAL_INTEGER, "9223372036854775808",
            "Unable to make long from '9223372036854775808'");
    refused("smallint", CQL_LITERAL_INTEGER, "32768", "Unable to make short from '32768'");
    refused("tinyint", CQL_LITERAL_INTEGER, "128", "Unable to make byte from '128'");
    refused("blob", CQL_LITERAL_HEX, "0xabc", "cannot parse 'abc' as hex bytes");
    refused("date", CQL_LITERAL_STRING, "2020-02-30",
            "Unable to coerce '2020-02-30' to a formatted date (long)");
    refused("time", CQL_LITERAL_STRING, "24:00:00",
            "(TimeType) Unable to coerce '24:00:00' to a formatted time (long)");
    refused("time", CQL_LITERAL_STRING, "12:34",
            "(TimeType) Unable to coerce '12:34' to a formatted time (long)");
    refused("time", CQL_LITERAL_INTEGER, "86400000000000",
            "Unable to make long (for time) from: '86400000000000'");
    refused("timestamp", CQL_LITERAL_STRING, "x", "Unable to parse a date/time from 'x'");
    refused("timeuuid", CQL_LITERAL_UUID, "123e4567-e89b-42d3-a456-426614174000",
            "TimeUUID supports only version 1 UUIDs");
    refused("inet", CQL_LITERAL_STRING, "x y", "Unable to make inet address from 'x y'");
    refused("duration", CQL_LITERAL_DURATION, "1m2h",
            "Invalid duration. The minutes should be after hours");
}

static int order(const char *type_text, enum cql_literal kind, const char *a, const char *b)
{
    struct arena arena = ARENA_INIT;
    const struct cql_type *type = type_of(&arena, type_text);
    struct str x = {0}, y = {0};
    assert_int_equal(cql_value_literal(&x, type, kind, bytes_from(a), "c", NULL), ERR_OK);
    assert_int_equal(cql_value_literal(&y, type, kind, bytes_from(b), "c", NULL), ERR_OK);
    int result = cql_value_compare(type, str_bytes(&x), str_bytes(&y));
    assert_int_equal(cql_value_compare(type, str_bytes(&y), str_bytes(&x)) > 0, result < 0);
    str_release(&x);
    str_release(&y);
    arena_release(&arena);
    return result;
}

static void values_are_ordered_by_meaning_not_by_bytes(void **state)
{
    (void)state;
    assert_true(order("int", CQL_LITERAL_INTEGER, "-1", "0") < 0);
    assert_true(order("bigint", CQL_LITERAL_INTEGER, "-5", "-4") < 0);
    assert_true(order("varint", CQL_LITERAL_INTEGER, "-256", "-255") < 0);
    assert_true(order("varint", CQL_LITERAL_INTEGER, "255", "256") < 0);
    assert_true(order("varint", CQL_LITERAL_INTEGER, "-1", "99999999999999999999") < 0);
    assert_true(order("decimal", CQL_LITERAL_FLOAT, "1.0", "1.00") == 0);
    assert_true(order("decimal", CQL_LITERAL_FLOAT, "1e-2000000000", "0.1") < 0);
    assert_true(order("decimal", CQL_LITERAL_FLOAT, "-1.5", "-1.4999") < 0);
    assert_true(order("decimal", CQL_LITERAL_FLOAT, "9.9", "10") < 0);
    assert_true(order("double", CQL_LITERAL_FLOAT, "-0.0", "0.0") < 0);
    assert_true(order("double", CQL_LITERAL_FLOAT, "Infinity", "NaN") < 0);
    assert_true(order("date", CQL_LITERAL_STRING, "1969-12-31", "1970-01-01") < 0);
    assert_true(order("timeuuid", CQL_LITERAL_UUID, "ffffffff-29bb-11e5-b345-feff819cdc9f",
                      "00000000-29bc-11e5-b345-feff819cdc9f") < 0);
    assert_true(order("uuid", CQL_LITERAL_UUID, "ffffffff-29bb-11e5-b345-feff819cdc9f",
                      "00000000-29bc-41e5-b345-feff819cdc9f") < 0);
    assert_true(order("text", CQL_LITERAL_STRING, "", "a") < 0);
}

static void sets_and_maps_are_put_in_order_without_duplicates(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    const struct cql_type *set = type_of(&arena, "set<int>");
    struct bytes value = from_hex(&arena, "00000003"
                                          "0000000400000007"
                                          "00000004ffffffff"
                                          "0000000400000007");
    struct str text = {0};
    cql_value_write(&text, set, cql_value_normalize(set, value, &arena));
    assert_string_equal(str_text(&text), "{-1, 7}");
    const struct cql_type *map = type_of(&arena, "list<frozen<map<text, int>>>");
    value = from_hex(&arena, "000000010000002b"
                             "00000003"
                             "0000000162"
                             "0000000400000001"
                             "0000000161"
                             "0000000400000002"
                             "0000000162"
                             "0000000400000003");
    assert_int_equal(cql_value_check(map, value, NULL), ERR_OK);
    str_clear(&text);
    cql_value_write(&text, map, cql_value_normalize(map, value, &arena));
    assert_string_equal(str_text(&text), "[{'a': 2, 'b': 3}]");
    str_release(&text);
    arena_release(&arena);
}

static void malformed(const char *type_text, const char *hex, const char *words)
{
    struct arena arena = ARENA_INIT;
    struct diag diag = DIAG_INIT;
    assert_int_equal(cql_value_check(type_of(&arena, type_text), from_hex(&arena, hex), &diag),
                     ERR_INVALID);
    assert_string_equal(diag.text, words);
    arena_release(&arena);
}

static void malformed_values_are_named(void **state)
{
    (void)state;
    malformed("int", "000000", "Expected 4 or 0 byte int (3)");
    malformed("bigint", "00", "Expected 8 or 0 byte long (1)");
    malformed("smallint", "", "Expected 2 bytes for a smallint (0)");
    malformed("text", "ff", "String didn't validate.");
    malformed("list<int>", "00000001", "Not enough bytes to read element 0 of a list");
    malformed("list<int>", "7fffffff00000004", "Not enough bytes to read element 0 of a list");
    malformed("list<int>", "00000001ffffffff", "null is not supported inside collections");
    malformed("list<int>", "0000000001", "Unexpected extraneous bytes after list value");
    malformed("list<int>", "0000000100000003aabbcc", "Expected 4 or 0 byte int (3)");
    malformed("timeuuid", "123e4567e89b42d3a456426614174000", "Invalid version for TimeUUID type.");
    malformed("duration", "0001", "Expected at least 3 bytes for a duration (2)");
}

static void json_is_cassandras(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"double", "4014000000000000", "5.0"},
        {"double", "4202a05f20000000", "1.0E10"},
        {"double", "3f50624dd2f1a9fc", "0.001"},
        {"double", "7ff8000000000000", "null"},
        {"decimal", "000000026e", "1.10"},
        {"blob", "616263", "\"0x616263\""},
        {"timestamp", "0000016f5e66e800", "\"2020-01-01 00:00:00.000Z\""},
        {"time", "00004e94914effff", "\"23:59:59.999999999\""},
        {"map<int, text>",
         "00000001000000040000000100000001"
         "61",
         "{\"1\": \"a\"}"},
        {"boolean", "01", "true"},
    };
    struct arena arena = ARENA_INIT;
    struct str text = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        str_clear(&text);
        cql_value_write_json(&text, type_of(&arena, rows[i][0]), from_hex(&arena, rows[i][1]));
        assert_string_equal(str_text(&text), rows[i][2]);
    }
    str_release(&text);
    arena_release(&arena);
}

static void types_print_as_they_are_stored(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"VARCHAR", "text"},
        {"list< int >", "list<int>"},
        {"frozen<map<text,frozen<list<int>>>>", "frozen<map<text, frozen<list<int>>>>"},
        {"frozen<list<set<int>>>", "frozen<list<frozen<set<int>>>>"},
        {"tuple<int,text>", "frozen<tuple<int, text>>"},
        {"ks.Type", "type"},
        {"\"Type\"", "\"Type\""},
    };
    struct arena arena = ARENA_INIT;
    struct str text = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        str_clear(&text);
        cql_type_write(&text, type_of(&arena, rows[i][0]));
        assert_string_equal(str_text(&text), rows[i][1]);
    }
    str_release(&text);
    arena_release(&arena);
}

static void bad_types_are_refused(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    const struct cql_type *type;
    static const char *const rows[] = {"",           "list",  "list<", "list<int", "list<int,int>",
                                       "map<int>",   "int x", "<",     "'",        "list<>",
                                       "frozen<int>"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(cql_type_parse(&type, &arena, bytes_from(rows[i]), NULL), ERR_SYNTAX);
    struct str deep = {0};
    for (int i = 0; i < 1000; i++)
        str_append_text(&deep, "list<");
    assert_int_equal(cql_type_parse(&type, &arena, str_bytes(&deep), NULL), ERR_INVALID);
    str_release(&deep);
    struct diag diag = DIAG_INIT;
    assert_int_equal(cql_type_check(type_of(&arena, "list<list<int>>"), &diag), ERR_INVALID);
    assert_string_equal(
        diag.text, "Non-frozen collections are not allowed inside collections: list<list<int>>");
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_have_the_bytes_of_the_python_driver),
        cmocka_unit_test(wrong_constants_are_refused_in_cassandras_words),
        cmocka_unit_test(values_are_ordered_by_meaning_not_by_bytes),
        cmocka_unit_test(sets_and_maps_are_put_in_order_without_duplicates),
        cmocka_unit_test(malformed_values_are_named),
        cmocka_unit_test(json_is_cassandras),
        cmocka_unit_test(types_print_as_they_are_stored),
        cmocka_unit_test(bad_types_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
