// SPDX-License-Identifier: Apache-2.0
//
// Values marked (gold) were taken from a real Spark 3.5.
#include "data/datetime.h"
#include "data/datetime_pattern.h"
#include "data/interval.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <inttypes.h>

static const struct zone *zone(const char *name)
{
    const struct zone *found = NULL;
    struct diag diag = DIAG_INIT;
    if (zone_find(&found, bytes_from(name), &diag) != ERR_OK)
        fail_msg("%s", diag_text(&diag));
    return found;
}

static int64_t at(const char *text)
{
    int64_t us = 0;
    if (!timestamp_parse(bytes_from(text), zone_utc, 0, &us))
        fail_msg("'%s' does not parse", text);
    return us;
}

static void check_time(int64_t utc_us, const char *expected)
{
    char text[DATETIME_TEXT_MAX + 1];
    text[timestamp_text(text, utc_us, zone_utc)] = '\0';
    assert_string_equal(text, expected);
}

static void check_date(int32_t days, const char *expected)
{
    char text[DATETIME_TEXT_MAX + 1];
    text[date_text(text, days)] = '\0';
    assert_string_equal(text, expected);
}

static int32_t day(const char *text)
{
    int32_t days = 0;
    assert_true(date_parse(bytes_from(text), &days));
    return days;
}

static void every_day_of_four_centuries_goes_there_and_back(void **state)
{
    (void)state;
    int64_t days = civil_days(1800, 1, 1);
    for (int64_t year = 1800; year < 2200; year++)
        for (int month = 1; month <= 12; month++)
            for (int d = 1; d <= month_days(year, month); d++, days++) {
                struct civil civil;
                civil_from_days((int32_t)days, &civil);
                assert_true(civil.year == year && civil.month == month && civil.day == d);
                assert_int_equal(civil_days(year, month, d), days);
            }
    assert_int_equal(civil_days(1970, 1, 1), 0);
}

static void dates_read_by_the_rules_of_casts(void **state)
{
    (void)state;
    int32_t days;
    check_date(day("-0001-01-01"), "-0001-01-01");        // (gold)
    check_date(day("2024"), "2024-01-01");                // (gold)
    check_date(day("2024-02"), "2024-02-01");             // (gold)
    check_date(day("2024-02-29T10:00:00"), "2024-02-29"); // (gold)
    check_date(day(" 2024-2-9 x"), "2024-02-09");
    check_date(day("+12345-01-02"), "+12345-01-02");
    static const char *const bad[] = {
        "",           "abc",      "24-01-01",    "2024-",          "2024-13-01",
        "2024-02-30", "2024-02x", "2024-02-29x", "12345678-01-01", "2024 01 01"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (date_parse(bytes_from(bad[i]), &days))
            fail_msg("'%s' was read as a date", bad[i]);
}

static void timestamps_read_by_the_rules_of_casts(void **state)
{
    (void)state;
    int64_t us;
    check_time(at("2024-02-29 12:34"), "2024-02-29 12:34:00");          // (gold)
    check_time(at("2024-02-29 12:34:56+02:00"), "2024-02-29 10:34:56"); // (gold)
    check_time(at("2024-02-29T12:34:56.000Z"), "2024-02-29 12:34:56");  // (gold)
    check_time(at("2024-02-29T12:34:56Z"), "2024-02-29 12:34:56");      // (gold)
    check_time(at("1969-12-31 23:59:59.5"), "1969-12-31 23:59:59.5");
    check_time(at("2024-02-29 12:34:56.1234567 Europe/Berlin"), "2024-02-29 11:34:56.123456");
    check_time(at("2024-7-1 1:2:3 +5:30"), "2024-06-30 19:32:03");
    check_time(at("2024"), "2024-01-01 00:00:00");
    assert_true(timestamp_parse(bytes_from("T07:08"), zone_utc, at("2024-05-06 20:00:00"), &us));
    check_time(us, "2024-05-06 07:08:00");
    assert_true(timestamp_parse(bytes_from("7:08:09"), zone_utc, at("2024-05-06 20:00:00"), &us));
    check_time(us, "2024-05-06 07:08:09");
    static const char *const bad[] = {"",
                                      "1709210096",
                                      "2016-12-31 24:00:00",
                                      "2024-02-29 12:34:60",
                                      "2024-02-29 12:34Z",
                                      "2024-02-29T",
                                      "2024-02-30 00:00:00",
                                      "2024-02-29 12:34:56 Mars/Base",
                                      "2024-02-29 12:34:56.1 +99:00",
                                      "T",
                                      "12:"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (timestamp_parse(bytes_from(bad[i]), zone_utc, 0, &us))
            fail_msg("'%s' was read as a timestamp", bad[i]);
    assert_true(timestamp_ntz_parse(bytes_from("2024-01-01 00:00:00+01:00"), true, &us));
    assert_int_equal(us, at("2024-01-01 00:00:00"));
    assert_false(timestamp_ntz_parse(bytes_from("2024-01-01 00:00:00+01:00"), false, &us));
}

static void zones_follow_their_rules_gaps_and_overlaps(void **state)
{
    (void)state;
    const struct zone *ny = zone("America/New_York"), *berlin = zone("Europe/Berlin");
    check_time(zone_local_us(ny, at("2024-07-01 12:00:00")), "2024-07-01 08:00:00");      // (gold)
    check_time(zone_utc_us(zone("Asia/Seoul"), at("2016-08-31")), "2016-08-30 15:00:00"); // (gold)
    check_time(zone_utc_us(berlin, at("2024-03-31 02:30:00")),
               "2024-03-31 01:30:00"); // gap: moves forward
    check_time(zone_utc_us(berlin, at("2024-10-27 02:30:00")),
               "2024-10-27 00:30:00"); // overlap: the earlier
    check_time(zone_utc_us(berlin, at("2024-10-27 03:00:00")), "2024-10-27 02:00:00");
    check_time(zone_local_us(berlin, at("2999-07-01 12:00:00")), "2999-07-01 14:00:00");
    check_time(zone_local_us(berlin, at("2999-12-01 12:00:00")), "2999-12-01 13:00:00");
    check_time(zone_local_us(ny, at("1850-01-01 12:00:00")),
               "1850-01-01 07:03:58"); // local mean time
    assert_int_equal(zone_offset_us(zone("+2"), 0), 2 * US_PER_HOUR);
    assert_int_equal(zone_offset_us(zone("GMT-03:30"), 0), -(3 * US_PER_HOUR + 30 * US_PER_MINUTE));
    assert_string_equal(zone_name(zone("UTC+5")), "UTC+05:00");
    assert_string_equal(zone_name(zone("-0800")), "-08:00");
    assert_ptr_equal(zone("Europe/Berlin"), berlin);
    const struct zone *none;
    static const char *const bad[] = {"",  "Mars/Base", "+19:00", "+1:2:3:4", "Europe/Berlin2",
                                      "+", "UTC+",      "a\x01",  "+ab"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_not_equal(zone_find(&none, bytes_from(bad[i]), NULL), ERR_OK);
}

static void fields_truncation_and_months_match_a_real_spark(void **state)
{
    (void)state;
    int32_t days;
    int64_t us;
    assert_int_equal(date_field(FIELD_WEEK, day("2024-03-05")), 10); // (gold)
    assert_int_equal(date_field(FIELD_WEEK, day("2024-12-30")), 1);  // (gold)
    assert_int_equal(date_field(FIELD_YEAR_OF_WEEK, day("2024-12-30")), 2025);
    assert_int_equal(date_field(FIELD_DAY_OF_WEEK, day("2024-03-03")), 1);
    assert_int_equal(date_field(FIELD_QUARTER, day("2024-03-05")), 1);
    assert_int_equal(date_field(FIELD_DAY_OF_YEAR, day("2024-03-05")), 65);
    assert_int_equal(datetime_field(FIELD_SECOND, at("1969-12-31 23:59:59.5")), 59500000);
    assert_int_equal(datetime_field(FIELD_HOUR, at("1969-12-31 23:59:59.5")), 23);
    assert_true(date_add_months(day("2024-02-29"), -1, &days)); // (gold)
    check_date(days, "2024-01-29");
    assert_true(date_add_months(day("2024-01-31"), 1, &days));
    check_date(days, "2024-02-29");
    assert_false(date_add_months(0, INT64_MAX, &days));
    check_date(date_last_day(day("2024-02-10")), "2024-02-29"); // (gold)
    int weekday;
    assert_true(weekday_find(bytes_from("Mon"), &weekday));
    check_date(date_next_day(day("2024-03-05"), weekday), "2024-03-11");          // (gold)
    assert_true(months_between(at("2024-03-31"), at("2024-02-29"), true) == 1.0); // (gold)
    assert_true(months_between(at("1997-02-28 10:30:00"), at("1996-10-30"), true) == 3.94959677);
    check_time(timestamp_trunc(TRUNC_MONTH, at("2024-03-05 07:08:09"), zone_utc),
               "2024-03-01 00:00:00");
    check_time(timestamp_trunc(TRUNC_WEEK, at("2024-03-03 07:08:09"), zone_utc),
               "2024-02-26 00:00:00");
    check_time(timestamp_trunc(TRUNC_DAY, at("2024-07-01 01:00:00"), zone("America/New_York")),
               "2024-06-30 04:00:00");
    check_time(timestamp_trunc(TRUNC_HOUR, at("2024-10-27 01:30:00"), zone("Europe/Berlin")),
               "2024-10-27 01:00:00");
    assert_false(date_make(2024, 2, 30, &days));
    assert_true(local_make(2024, 12, 31, 23, 59, 60, 0, &us));
    check_time(us, "2025-01-01 00:00:00");
}

static void check_format(const char *pattern, const char *time, const char *zone_text,
                         const char *expected)
{
    struct arena arena = ARENA_INIT;
    struct diag diag = DIAG_INIT;
    const struct datetime_pattern *compiled;
    struct str out = {0};
    if (datetime_pattern_compile(&compiled, &arena, bytes_from(pattern), false, &diag) == ERR_OK)
        datetime_pattern_format(compiled, &out, at(time), zone(zone_text));
    else
        str_printf(&out, "%.60s", diag_text(&diag));
    assert_string_equal(str_text(&out), expected);
    str_release(&out);
    arena_release(&arena);
}

static void patterns_format_as_spark_does(void **state)
{
    (void)state;
    check_format("E D Q", "2024-03-05", "UTC", "Tue 65 1");                          // (gold)
    check_format("EEEE, d MMMM yyyy", "2024-03-05", "UTC", "Tuesday, 5 March 2024"); // (gold)
    check_format("'T'HH XXX z", "2024-03-05 07:08:09", "UTC", "T07 Z UTC");          // (gold)
    check_format("h:mm a", "2024-03-05 17:08:09", "UTC", "5:08 PM");                 // (gold)
    check_format("yy/M/dd kk KK s.SSS ''", "2024-03-05 00:08:09.12", "UTC",
                 "24/3/05 24 00 9.120 '");
    check_format("XXX xx Z O VV zzzz", "2024-03-05", "Asia/Kolkata",
                 "+05:30 +0530 +0530 GMT+5:30 Asia/Kolkata India Standard Time");
    check_format("z", "2024-07-05", "America/Los_Angeles", "PDT");
    check_format("z zzzz", "2024-07-05", "Europe/Berlin", "CEST Central European Summer Time");
    check_format("yyyy[ G]", "2024-07-05", "UTC", "2024 AD");
    check_format("u", "2024-07-05", "UTC",
                 "[INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGN"); // (gold)
    check_format("yyyy'x", "2024-07-05", "UTC",
                 "the datetime pattern 'yyyy'x' has a quote without its end");
    check_format("MMMMM", "2024-07-05", "UTC",
                 "[INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGN");
}

static void check_parse(const char *pattern, const char *text, const char *expected)
{
    struct arena arena = ARENA_INIT;
    struct diag diag = DIAG_INIT;
    const struct datetime_pattern *compiled;
    char out[DATETIME_TEXT_MAX + 1] = "null";
    int64_t us;
    if (datetime_pattern_compile(&compiled, &arena, bytes_from(pattern), true, &diag) != ERR_OK)
        snprintf(out, sizeof out, "refused");
    else if (datetime_pattern_parse(compiled, bytes_from(text), zone_utc, &us))
        out[timestamp_text(out, us, zone_utc)] = '\0';
    if (strcmp(out, expected) != 0)
        fail_msg("'%s' by '%s': %s, expected %s", text, pattern, out, expected);
    arena_release(&arena);
}

static void patterns_parse_strictly(void **state)
{
    (void)state;
    check_parse("dd/MM/yy", "31/12/16", "2016-12-31 00:00:00");                      // (gold)
    check_parse("yyyy-MM-dd hh:mm a", "2016-12-31 10:11 PM", "2016-12-31 22:11:00"); // (gold)
    check_parse("yyyy-MM-dd HH:mm:ssZ", "2016-12-31 10:11:12+0530",
                "2016-12-31 04:41:12");                                       // (gold)
    check_parse("yyyyMMdd HHmmss", "20161231 101112", "2016-12-31 10:11:12"); // (gold)
    check_parse("yyyy-MM-dd", "2016-2-03", "null");
    check_parse("yyyy-M-d", "2016-2-03", "2016-02-03 00:00:00");
    check_parse("yyyy-MM-dd", "2016-02-30", "null");
    check_parse("yyyy-MM-dd", "2016-02-03 ", "null");
    check_parse("yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]", "2024-02-29T12:34:56", "2024-02-29 12:34:56");
    check_parse("yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]", "2024-02-29T12:34:56.5+01:00",
                "2024-02-29 11:34:56.5");
    check_parse("d MMM yyyy", "5 mar 2024", "2024-03-05 00:00:00");
    check_parse("yyyy D", "2024 60", "2024-02-29 00:00:00");
    check_parse("HH:mm VV", "12:00 America/New_York", "1970-01-01 17:00:00");
    check_parse("yyyy", "+12024", "+12024-01-01 00:00:00");
    check_parse("yyyy", "12024", "null");
    check_parse("E", "Tue", "refused");
    check_parse("YYYY-MM-dd", "2016-12-31", "refused"); // (gold)
}

static void check_interval(const char *text, const char *expected)
{
    struct interval interval;
    struct str out = {0};
    if (interval_parse(&interval, bytes_from(text), NULL) == ERR_OK)
        interval_write(&out, interval);
    else
        str_append_text(&out, "bad");
    assert_string_equal(str_text(&out), expected);
    str_release(&out);
}

static void intervals_read_write_and_add(void **state)
{
    (void)state;
    check_interval("1 day 2 hours", "1 days 2 hours");
    check_interval("interval 5 minutes", "5 minutes");
    check_interval(" -3 Months 1.5 seconds", "-3 months 1.5 seconds");
    check_interval("- 1 week", "-7 days");
    check_interval("100 milliseconds -1 microsecond", "0.099999 seconds");
    check_interval("0 days", "0 seconds");
    check_interval("1day", "bad");
    check_interval("", "bad");
    check_interval("1.5 days", "bad");
    check_interval("99999999999 days", "bad");
    struct interval i;
    assert_int_equal(
        interval_parse_literal(&i, bytes_from("-1-2"), INTERVAL_YEAR, INTERVAL_MONTH, NULL),
        ERR_OK);
    assert_int_equal(i.months, -14);
    assert_int_equal(
        interval_parse_literal(&i, bytes_from("1 02:03:04.5"), INTERVAL_DAY, INTERVAL_SECOND, NULL),
        ERR_OK);
    struct arena arena = ARENA_INIT;
    struct str out = {0};
    const struct type *type;
    assert_int_equal(type_parse(&type, &arena, bytes_from("interval day to second"), NULL), ERR_OK);
    interval_write_dt(&out, i.us, type);
    assert_string_equal(str_text(&out), "INTERVAL '1 02:03:04.5' DAY TO SECOND"); // (gold)
    str_clear(&out);
    assert_int_equal(type_parse(&type, &arena, bytes_from("interval year to month"), NULL), ERR_OK);
    interval_write_ym(&out, 14, type);
    assert_string_equal(str_text(&out), "INTERVAL '1-2' YEAR TO MONTH"); // (gold)
    str_clear(&out);
    assert_int_equal(type_parse(&type, &arena, bytes_from("interval second"), NULL), ERR_OK);
    interval_write_dt(&out, -4500000, type);
    assert_string_equal(str_text(&out), "INTERVAL '-04.5' SECOND");
    str_release(&out);
    arena_release(&arena);
    assert_int_not_equal(
        interval_parse_literal(&i, bytes_from("1 24:00:00"), INTERVAL_DAY, INTERVAL_SECOND, NULL),
        ERR_OK);
    int64_t us;
    struct interval month = {.months = 1};
    assert_true(timestamp_add_interval(at("2024-01-31 10:00:00"), month, zone_utc, &us)); // (gold)
    check_time(us, "2024-02-29 10:00:00");
    struct interval one_day = {.days = 1};
    assert_true(
        timestamp_add_interval(at("2024-03-30 12:00:00"), one_day, zone("Europe/Berlin"), &us));
    check_time(us, "2024-03-31 11:00:00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_of_four_centuries_goes_there_and_back),
        cmocka_unit_test(dates_read_by_the_rules_of_casts),
        cmocka_unit_test(timestamps_read_by_the_rules_of_casts),
        cmocka_unit_test(zones_follow_their_rules_gaps_and_overlaps),
        cmocka_unit_test(fields_truncation_and_months_match_a_real_spark),
        cmocka_unit_test(patterns_format_as_spark_does),
        cmocka_unit_test(patterns_parse_strictly),
        cmocka_unit_test(intervals_read_write_and_add),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
