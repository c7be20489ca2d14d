// SPDX-License-Identifier: Apache-2.0
//
// Values marked (gold) were taken from a real Spark 3.5.
#include "data/cast.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

// Casts `text` to the type `via`, that to `to`, and that back to a text; nulls and errors show as
// words.
static void check(const char *text, const char *via, const char *to, struct cast_options options,
                  const char *expected)
{
    struct arena arena = ARENA_INIT;
    struct diag diag = DIAG_INIT;
    struct column column, next, last;
    const struct type *type;
    struct str out = {0};
    struct cast_options plain = {0};
    column_init(&column, &arena, &type_string, 1);
    column.strings[0] = bytes_from(text);
    assert_int_equal(type_parse(&type, &arena, bytes_from(via), &diag), ERR_OK);
    assert_int_equal(cast_column(&next, &arena, &column, type, &plain, &diag), ERR_OK);
    assert_int_equal(type_parse(&type, &arena, bytes_from(to), &diag), ERR_OK);
    if (cast_column(&last, &arena, &next, type, &options, &diag) != ERR_OK)
        str_append_text(&out, diag_text(&diag));
    else if (column_is_null(&last, 0))
        str_append_text(&out, "null");
    else
        cast_value_text(&out, &last, 0, &options);
    if (strcmp(str_text(&out), expected) != 0)
        fail_msg("'%s' as %s as %s: %s, expected %s", text, via, to, str_text(&out), expected);
    str_release(&out);
    arena_release(&arena);
}

static const struct cast_options plain = {0};
static const struct cast_options ansi = {.ansi = true};
static const struct cast_options lenient = {.try_cast = true};

static void texts_cast_as_in_a_real_spark(void **state)
{
    (void)state;
    static const char *const gold[][3] = {
        {"12x", "bigint", "null"},
        {"", "boolean", "null"},
        {"", "int", "null"},
        {"+7", "int", "7"},
        {"-12.9", "int", "-12"},
        {"0x1F", "int", "null"},
        {"1,5", "double", "null"},
        {"1.5d", "double", "1.5"},
        {"123.455", "decimal(5,2)", "123.46"},
        {"1234.5", "decimal(5,2)", "null"},
        {"127", "tinyint", "127"},
        {"128", "tinyint", "null"},
        {"1709210096", "timestamp", "null"},
        {"2", "boolean", "null"},
        {"on", "boolean", "null"},
        {"true", "boolean", "true"},
        {"yes", "boolean", "true"},
        {" F ", "boolean", "false"},
        {"2024-02-29 12:34", "timestamp", "2024-02-29 12:34:00"},
        {"abc", "binary", "abc"},
        {"\t5\n", "int", "5"},
        {"9223372036854775808", "bigint", "null"},
        {"2 days", "interval", "2 days"},
        {"1-2", "interval year to month", "INTERVAL '1-2' YEAR TO MONTH"},
        {"INTERVAL '1 02:03:04' DAY TO SECOND", "interval day to second",
         "INTERVAL '1 02:03:04' DAY TO SECOND"},
        {"x", "interval", "null"},
    };
    for (size_t i = 0; i < sizeof gold / sizeof *gold; i++)
        check(gold[i][0], "string", gold[i][1], plain, gold[i][2]);
}

static void numbers_wrap_and_saturate_as_java_does(void **state)
{
    (void)state;
    check("3000000000", "bigint", "int", plain, "-1294967296");      // (gold)
    check("1e10", "double", "int", plain, "2147483647");             // (gold)
    check("1e20", "double", "bigint", plain, "9223372036854775807"); // (gold)
    check("-1e10", "double", "smallint", plain, "0");
    check("NaN", "double", "int", plain, "0");                                  // (gold)
    check("-2.9", "double", "int", plain, "-2");                                // (gold)
    check("0.125", "double", "decimal(5,2)", plain, "0.13");                    // (gold)
    check("1.005", "decimal(10,3)", "double", plain, "1.005");                  // (gold)
    check("-1", "int", "timestamp", plain, "1969-12-31 23:59:59");              // (gold)
    check("true", "boolean", "timestamp", plain, "1970-01-01 00:00:00.000001"); // (gold)
    check("1709210096", "bigint", "timestamp", plain, "2024-02-29 12:34:56");   // (gold)
    check("1.5", "decimal(3,1)", "timestamp", plain, "1970-01-01 00:00:01.5");
    check("99999999999999999999", "decimal(20,0)", "bigint", plain, "7766279631452241919");
    check("300", "int", "tinyint", plain, "44");
    check("123", "int", "decimal(2,0)", plain, "null");
    check("0", "decimal(38,18)", "string", plain, "0E-18");
    check("0", "decimal(38,18)", "string", ansi, "0.000000000000000000");
    check("258", "int", "binary", plain, (const char[]){0x00, 0});
    check("2", "int", "interval day", plain, "INTERVAL '2' DAY");
    check("INTERVAL '26' HOUR", "interval hour", "bigint", plain, "26");
}

static void times_cast_through_the_session_zone(void **state)
{
    (void)state;
    struct cast_options berlin = plain;
    assert_int_equal(zone_find(&berlin.zone, bytes_from("Europe/Berlin"), NULL), ERR_OK);
    check("1969-12-31 23:59:59.5", "timestamp", "bigint", plain, "-1");             // (gold)
    check("2024-02-29 12:34:56.5", "timestamp", "double", plain, "1.7092100965E9"); // (gold)
    check("2024-02-29", "date", "boolean", plain, "null");                          // (gold)
    check("2024-02-29", "date", "int", plain, "null");                              // (gold)
    check("2024-02-29", "date", "timestamp", plain, "2024-02-29 00:00:00");         // (gold)
    check("2024-06-30 22:30:00", "timestamp", "date", berlin, "2024-07-01");
    check("2024-06-30 22:30:00", "timestamp", "timestamp_ntz", berlin, "2024-07-01 00:30:00");
    check("2024-07-01 00:30:00", "timestamp_ntz", "timestamp", berlin, "2024-07-01 00:30:00");
}

static void ansi_says_what_does_not_fit_and_try_gives_null(void **state)
{
    (void)state;
    check("abc", "string", "int", ansi,
          "[CAST_INVALID_INPUT] The value 'abc' of the type \"STRING\" cannot be cast to \"INT\" "
          "because it is malformed");
    check("3000000000", "bigint", "int", ansi,
          "[CAST_OVERFLOW] The value 3000000000 of the type \"BIGINT\" cannot be cast to \"INT\" "
          "due to an overflow");
    check("123", "int", "decimal(2,0)", ansi,
          "[NUMERIC_VALUE_OUT_OF_RANGE] 123 cannot be represented as Decimal(2, 0)");
    check("abc", "string", "int", lenient, "null");
    check("12.5", "string", "int", lenient, "null");
    check("true", "boolean", "timestamp", ansi,
          "[DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION] cannot cast \"BOOLEAN\" to \"TIMESTAMP\"");
    check(
        "[1,2]", "string", "array<int>", plain,
        "[DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION] cannot cast \"STRING\" to \"ARRAY<INT>\""); // (gold)
}

static void complex_values_print_and_cast_inside(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct column array, out, numbers;
    struct str text = {0};
    column_init(&array, &arena, type_array(&arena, &type_string, true), 1);
    column_init(&array.children[0], &arena, &type_string, 2);
    array.offsets[1] = 2;
    array.children[0].strings[0] = bytes_from("1");
    array.children[0].strings[1] = bytes_from("x");
    assert_int_equal(
        cast_column(&numbers, &arena, &array, type_array(&arena, &type_int, true), &plain, NULL),
        ERR_OK);
    cast_value_text(&text, &numbers, 0, &plain);
    assert_string_equal(str_text(&text), "[1, null]"); // (gold)
    str_clear(&text);

    const struct type *type;
    struct column row;
    assert_int_equal(type_parse(&type, &arena, bytes_from("a int, b map<string,int>"), NULL),
                     ERR_OK);
    column_init(&row, &arena, type, 2);
    column_init(&row.children[1].children[0], &arena, &type_string, 1);
    column_init(&row.children[1].children[1], &arena, &type_int, 1);
    row.children[1].offsets[1] = row.children[1].offsets[2] = 1;
    row.children[1].children[0].strings[0] = bytes_from("k");
    column_set_null(&row.children[0], &arena, 0);
    assert_int_equal(cast_column(&out, &arena, &row, &type_string, &plain, NULL), ERR_OK);
    assert_true(bytes_is(out.strings[0], "{null, {k -> 0}}"));
    assert_true(bytes_is(out.strings[1], "{0, {}}"));

    // A null struct is cast without looking into what stands in its fields.
    struct column nulls;
    const struct type *from, *to;
    assert_int_equal(type_parse(&from, &arena, bytes_from("a string, b string"), NULL), ERR_OK);
    assert_int_equal(type_parse(&to, &arena, bytes_from("a int, b string"), NULL), ERR_OK);
    column_init(&nulls, &arena, from, 1);
    column_set_null(&nulls, &arena, 0);
    assert_int_equal(cast_column(&out, &arena, &nulls, to, &ansi, NULL), ERR_OK);
    assert_true(column_is_null(&out, 0));
    assert_false(cast_allowed(from, type_array(&arena, &type_int, true), false));
    assert_true(cast_widens(&type_int, type_decimal(&arena, 12, 2)));
    assert_false(cast_widens(&type_int, type_decimal(&arena, 11, 2)));
    const struct type *keys = type_map(&arena, &type_string, &type_int, true);
    assert_false(cast_allowed(keys, type_map(&arena, &type_int, &type_int, true), false));
    str_release(&text);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_cast_as_in_a_real_spark),
        cmocka_unit_test(numbers_wrap_and_saturate_as_java_does),
        cmocka_unit_test(times_cast_through_the_session_zone),
        cmocka_unit_test(ansi_says_what_does_not_fit_and_try_gives_null),
        cmocka_unit_test(complex_values_print_and_cast_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
