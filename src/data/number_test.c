// SPDX-License-Identifier: Apache-2.0
#include "data/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

static void doubles_print_as_java_prints_them(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{1, "1.0"},
                 {0.001, "0.001"},
                 {0.0001, "1.0E-4"},
                 {1e7, "1.0E7"},
                 {9999999, "9999999.0"},
                 {1.7092100965E9, "1.7092100965E9"},
                 {1.0 / 3, "0.3333333333333333"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {-1.5, "-1.5"},
                 {100, "100.0"},
                 {123456.789, "123456.789"},
                 {4.9e-324, "4.9E-324"},
                 {DBL_MAX, "1.7976931348623157E308"},
                 {1e23, "1.0E23"},
                 {0.0, "0.0"},
                 {-0.0, "-0.0"},
                 {NAN, "NaN"},
                 {INFINITY, "Infinity"},
                 {-INFINITY, "-Infinity"},
                 {12345678.5, "1.23456785E7"},
                 {2e-3, "0.002"},
                 {5e-324 * 3, "1.5E-323"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[NUMBER_TEXT_MAX + 1];
        out[number_double_text(out, cases[i].value)] = '\0';
        assert_string_equal(out, cases[i].text);
    }
}

static void floats_print_their_own_shortest_digits(void **state)
{
    (void)state;
    char out[NUMBER_TEXT_MAX + 1];
    out[number_float_text(out, 0.1F)] = '\0';
    assert_string_equal(out, "0.1");
    out[number_float_text(out, 16777216.0F)] = '\0';
    assert_string_equal(out, "1.6777216E7");
    out[number_float_text(out, 3.4028235e38F)] = '\0';
    assert_string_equal(out, "3.4028235E38");
    out[number_float_text(out, 1.4e-45F)] = '\0';
    assert_string_equal(out, "1.4E-45");
}

static void longs_read_by_the_rules_of_casts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool fraction, fine;
        int64_t value;
    } cases[] = {{"+7", true, true, 7},
                 {"-7", true, true, -7},
                 {"-12.9", true, true, -12},
                 {"-12.9", false, false, 0},
                 {"\t5\n", true, true, 5},
                 {"", true, false, 0},
                 {"1e3", true, false, 0},
                 {"0x1F", true, false, 0},
                 {"1_000", true, false, 0},
                 {"9223372036854775808", true, false, 0},
                 {"9223372036854775807", true, true, INT64_MAX},
                 {"-9223372036854775808", true, true, INT64_MIN},
                 {"-9223372036854775809", true, false, 0},
                 {"12.", true, true, 12},
                 {"1.2x", true, false, 0},
                 {"-", true, false, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 0;
        bool fine = number_parse_long(bytes_from(cases[i].text), cases[i].fraction, &value);
        if (fine != cases[i].fine || (fine && value != cases[i].value))
            fail_msg("'%s': %d %lld", cases[i].text, fine, (long long)value);
    }
}

static void doubles_read_by_the_rules_of_java(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value; // -1: refused
    } cases[] = {{"1.5d", 1.5},
                 {" 1e3 ", 1000},
                 {"1,5", -1},
                 {".5", 0.5},
                 {"5.", 5},
                 {".", -1},
                 {"", -1},
                 {"1e", -1},
                 {"Infinity", INFINITY},
                 {"+inf", INFINITY},
                 {"0x1.8p1", 3},
                 {"0x10", -1},
                 {"1e400", INFINITY},
                 {"1e-400", 0},
                 {"1dd", -1},
                 {"0.1", 0.1},
                 {"123456789012345678901234567890", 123456789012345678901234567890.0},
                 {"9007199254740993", 9007199254740993.0},
                 {"1.7976931348623157e308", DBL_MAX},
                 {"0.000000000000000000000000000001", 1e-30},
                 {"1e22", 1e22},
                 {"3e-22", 3e-22}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value = -1;
        if (!number_parse_double(bytes_from(cases[i].text), &value))
            value = -1;
        if (value != cases[i].value)
            fail_msg("'%s': %.17g", cases[i].text, value);
    }
    double value;
    assert_true(number_parse_double(bytes_from("nan"), &value) && isnan(value));
    float small;
    assert_true(number_parse_float(bytes_from("0.1"), &small) && small == 0.1F);
}

static void printed_doubles_read_back_and_decimals_agree_with_strtod(void **state)
{
    (void)state;
    uint64_t seed = 42;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        double value, back;
        uint64_t bits = i % 2 ? seed : (seed >> 12) | 0x3ff0000000000000U;
        memcpy(&value, &bits, 8);
        if (!isfinite(value))
            continue;
        char out[NUMBER_TEXT_MAX + 1];
        size_t size = number_double_text(out, value);
        assert_true(size < NUMBER_TEXT_MAX);
        out[size] = '\0';
        assert_true(number_parse_double(bytes_from(out), &back));
        assert_true(back == value);
        char decimal[40];
        snprintf(decimal, sizeof decimal, "%llu.%lluE%d", (unsigned long long)(seed >> 50),
                 (unsigned long long)(seed >> 30 & 0xfffff), (int)(seed % 40) - 20);
        assert_true(number_parse_decimal_double(bytes_from(decimal), &back));
        assert_true(back == strtod(decimal, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_print_as_java_prints_them),
        cmocka_unit_test(floats_print_their_own_shortest_digits),
        cmocka_unit_test(longs_read_by_the_rules_of_casts),
        cmocka_unit_test(doubles_read_by_the_rules_of_java),
        cmocka_unit_test(printed_doubles_read_back_and_decimals_agree_with_strtod),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
