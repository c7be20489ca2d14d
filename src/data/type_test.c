// SPDX-License-Identifier: Apache-2.0
#include "data/type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void check_parse(const char *ddl, const char *expected)
{
    struct arena arena = ARENA_INIT;
    struct diag diag = DIAG_INIT;
    const struct type *type = NULL;
    struct str text = {0};
    if (type_parse(&type, &arena, bytes_from(ddl), &diag) == ERR_OK)
        type_write(&text, type);
    else
        str_printf(&text, "error: %s", diag_text(&diag));
    assert_string_equal(str_text(&text), expected);
    str_release(&text);
    arena_release(&arena);
}

static void ddl_reads_as_spark_prints_it(void **state)
{
    (void)state;
    check_parse("INT", "int");
    check_parse(" array< Struct<A: bigint , b:STRING NOT NULL COMMENT 'it\\'s'>>",
                "array<struct<A:bigint,b:string>>");
    check_parse("map<string,array<double>>", "map<string,array<double>>");
    check_parse("decimal", "decimal(10,0)");
    check_parse("DEC(5)", "decimal(5,0)");
    check_parse("numeric(38, 18)", "decimal(38,18)");
    check_parse("struct<>", "struct<>");
    check_parse("interval day to second", "interval day to second");
    check_parse("interval year", "interval year");
    check_parse("interval", "interval");
    check_parse("varchar(10)", "string");
    check_parse("timestamp_ltz", "timestamp");
    check_parse("id STRING, first_name string NOT NULL", "struct<id:string,first_name:string>");
    check_parse("a: INT, b: array<int>", "struct<a:int,b:array<int>>");
    check_parse("`a.b` INT, `x``y` date", "struct<a.b:int,x`y:date>");
    check_parse("int INT", "struct<int:int>");
}

static void bad_ddl_says_what_was_expected(void **state)
{
    (void)state;
    check_parse("", "error: the type ends where a field name is expected");
    check_parse("a INT, b", "error: the type ends where a data type is expected");
    check_parse("a itn", "error: in the type, at character 3: expected a data type, not 'itn'");
    check_parse("a decimal(40,2)", "error: decimal(40,2): the precision must be 1 to 38");
    check_parse("a decimal(4,5)",
                "error: decimal(4,5): the scale cannot be larger than the precision");
    check_parse("a array<int", "error: the type ends where '>' is expected");
    check_parse("a int b", "error: in the type, at character 7: expected ',' or the end, not 'b'");
    check_parse("a int comment 'x",
                "error: the type ends where the end of the comment is expected");
    check_parse("`a", "error: the type ends where a field name and '`' is expected");
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    struct str ddl = {0};
    str_append_text(&ddl, "a ");
    for (int i = 0; i < 5000; i++)
        str_append_text(&ddl, "array<");
    check_parse(str_text(&ddl), "error: the type is nested deeper than 100 levels");
    str_release(&ddl);
}

static void equality_looks_at_names_and_not_at_nullability(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    const struct type *a, *b, *c;
    assert_int_equal(type_parse(&a, &arena, bytes_from("a int, b decimal(3,1)"), NULL), ERR_OK);
    assert_int_equal(type_parse(&b, &arena, bytes_from("a int NOT NULL, b decimal(3,1)"), NULL),
                     ERR_OK);
    assert_int_equal(type_parse(&c, &arena, bytes_from("a int, c decimal(3,1)"), NULL), ERR_OK);
    assert_true(type_equal(a, b));
    assert_false(type_equal(a, c));
    struct arena other = ARENA_INIT;
    const struct type *copy = type_copy(&other, a);
    arena_release(&arena);
    struct str text = {0};
    type_write(&text, copy);
    assert_string_equal(str_text(&text), "struct<a:int,b:decimal(3,1)>");
    str_release(&text);
    arena_release(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ddl_reads_as_spark_prints_it),
        cmocka_unit_test(bad_ddl_says_what_was_expected),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(equality_looks_at_names_and_not_at_nullability),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
