// SPDX-License-Identifier: Apache-2.0
//
// Every line of the gold answers of a real Airflow 3.3.2 (../shared/gold), plus vectors of
// upstream's own tests.
#include "base/mem.h"
#include "os/file.h"
#include "scheduler/cron.h"
#include "scheduler/timetable.h"
#include "scheduler/trigger_rule.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static int64_t at(const char *text)
{
    int64_t out = 0;
    assert_int_equal(instant_parse(text, NULL, &out, NULL), ERR_OK);
    return out;
}

static void assert_instant(const char *id, int64_t got, const char *expected)
{
    struct str text = {0};
    instant_append(&text, got);
    if (strcmp(str_text(&text), expected) != 0)
        fail_msg("%s: got %s, expected %s", id, str_text(&text), expected);
    str_release(&text);
}

static const char *text_of(const json_t *row, const char *key)
{
    return json_string_value(json_object_get(row, key));
}

static int64_t instant_of(const json_t *row, const char *key)
{
    const char *text = text_of(row, key);
    return text ? at(text) : INSTANT_NONE;
}

static void check_runs(const json_t *row, const struct timetable *timetable)
{
    const char *id = text_of(row, "id");
    const json_t *expect = json_object_get(row, "expect"), *first = json_object_get(row, "last");
    const json_t *runs = json_object_get(expect, "runs");
    struct timetable_limits limits = {
        .start_us = instant_of(row, "start_date"),
        .end_us = instant_of(row, "end_date"),
        .catchup = json_is_true(json_object_get(row, "catchup")),
    };
    struct data_interval last;
    bool has_last = json_is_object(first);
    if (has_last)
        last = (struct data_interval){instant_of(first, "start"), instant_of(first, "end")};
    size_t count = 0, n = (size_t)json_integer_value(json_object_get(row, "n"));
    for (; count < n; count++) {
        struct timetable_run run;
        if (!timetable_next(timetable, limits, has_last ? &last : NULL, instant_of(row, "now"),
                            &run))
            break;
        const json_t *wanted = json_array_get(runs, count);
        if (!wanted)
            fail_msg("%s: more runs than expected", id);
        assert_instant(id, run.interval.start_us, text_of(wanted, "start"));
        assert_instant(id, run.interval.end_us, text_of(wanted, "end"));
        assert_instant(id, run.run_after_us, text_of(wanted, "run_after"));
        last = run.interval;
        has_last = true;
    }
    if (count != json_array_size(runs))
        fail_msg("%s: %zu runs, expected %zu", id, count, json_array_size(runs));
    assert_int_equal(count < n, json_is_true(json_object_get(expect, "exhausted")));
}

static void check_timetable(const json_t *row)
{
    const char *id = text_of(row, "id");
    const json_t *expect = json_object_get(row, "expect");
    enum timetable_kind kind =
        strcmp(text_of(row, "kind"), "trigger") == 0 ? TIMETABLE_TRIGGER : TIMETABLE_INTERVAL;
    struct timetable *timetable = NULL;
    struct diag diag = DIAG_INIT;
    err_t err =
        timetable_open(&timetable, kind, text_of(row, "schedule"), text_of(row, "timezone"), &diag);
    bool refused = json_is_true(json_object_get(expect, "error"));
    if (refused != (err != ERR_OK))
        fail_msg("%s: '%s' %s", id, text_of(row, "schedule"), diag_text(&diag));
    if (refused) {
        assert_true(strlen(diag.text) > 10);
        return;
    }
    const json_t *manual = json_object_get(expect, "manual");
    if (manual) {
        struct data_interval got = timetable_manual(timetable, instant_of(row, "manual_at"));
        assert_instant(id, got.start_us, text_of(manual, "start"));
        assert_instant(id, got.end_us, text_of(manual, "end"));
    } else {
        check_runs(row, timetable);
    }
    timetable_close(timetable);
}

static size_t each_gold(const char *path, void (*check)(const json_t *row))
{
    struct str text = {0};
    struct diag diag = DIAG_INIT;
    if (file_read_all(path, 1 << 24, &text, &diag) != ERR_OK)
        fail_msg("%s", diag_text(&diag));
    size_t lines = 0;
    for (char *line = text.ptr, *end; line && *line; line = end + 1) {
        end = strchr(line, '\n');
        assert_non_null(end);
        json_error_t error;
        json_t *row = json_loadb(line, (size_t)(end - line), 0, &error);
        assert_non_null(row);
        check(row);
        json_decref(row);
        lines++;
    }
    str_release(&text);
    return lines;
}

static void timetables_agree_with_airflow(void **state)
{
    (void)state;
    assert_int_equal(each_gold("../shared/gold/timetables.jsonl", check_timetable), 101);
}

static void check_rule(const json_t *row)
{
    enum trigger_rule rule;
    enum task_state states[8];
    const json_t *upstream = json_object_get(row, "upstream");
    assert_true(trigger_rule_parse(text_of(row, "rule"), &rule));
    for (size_t i = 0; i < json_array_size(upstream); i++)
        assert_true(task_state_parse(json_string_value(json_array_get(upstream, i)), &states[i]));
    static const char *const verdicts[] = {"run", "wait", "skipped", "upstream_failed"};
    const char *got = verdicts[trigger_rule_decide(rule, states, json_array_size(upstream))];
    if (strcmp(got, text_of(row, "expect")) != 0)
        fail_msg("%s: got %s, expected %s", text_of(row, "id"), got, text_of(row, "expect"));
}

static void trigger_rules_agree_with_airflow(void **state)
{
    (void)state;
    assert_int_equal(each_gold("../shared/gold/trigger_rules.jsonl", check_rule), 504);
}

// Upstream's own vectors for clock changes: the tick after each instant.
static void cron_in_a_zone_handles_clock_changes(void **state)
{
    (void)state;
    static const struct {
        const char *cron, *zone, *after, *tick;
    } rows[] = {
        {"0 2 * * *", "America/New_York", "2024-03-09T07:00:00Z", "2024-03-10T07:00:00Z"},
        {"0 2 * * *", "America/New_York", "2024-03-10T07:00:00Z", "2024-03-11T06:00:00Z"},
        {"0 1 * * *", "America/New_York", "2024-11-02T05:00:00Z", "2024-11-03T06:00:00Z"},
        {"0 2 * * *", "Europe/Zurich", "2023-03-25T01:00:00Z", "2023-03-26T01:00:00Z"},
        {"0 2 * * *", "Europe/Zurich", "2023-03-26T01:00:00Z", "2023-03-27T00:00:00Z"},
        {"0 2 * * *", "Europe/Zurich", "2023-10-28T00:00:00Z", "2023-10-29T01:00:00Z"},
        {"0 3 * * *", "Europe/Zurich", "2023-10-28T01:00:00Z", "2023-10-29T02:00:00Z"},
        {"0 2 * * *", "Australia/Lord_Howe", "2024-10-04T15:30:00Z", "2024-10-05T15:30:00Z"},
        {"0 7-8 * * *", "America/Los_Angeles", "2020-03-07T16:00:00Z", "2020-03-08T14:00:00Z"},
        {"30 * * * *", "Europe/Zurich", "2023-10-29T00:30:00Z", "2023-10-29T01:30:00Z"},
        {"0,15,30,45 6-22 * * *", "Europe/Brussels", "2023-03-25T21:45:00Z",
         "2023-03-26T04:00:00Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct timetable *timetable;
        struct timetable_run run;
        assert_int_equal(
            timetable_open(&timetable, TIMETABLE_TRIGGER, rows[i].cron, rows[i].zone, NULL),
            ERR_OK);
        struct timetable_limits limits = {INSTANT_NONE, INSTANT_NONE, true};
        struct data_interval last = {at(rows[i].after), at(rows[i].after)};
        assert_true(timetable_next(timetable, limits, &last, 0, &run));
        assert_instant(rows[i].cron, run.run_after_us, rows[i].tick);
        timetable_close(timetable);
    }
}

static void cron_dialect_is_croniters(void **state)
{
    (void)state;
    static const struct {
        const char *cron, *after, *tick;
    } rows[] = {
        {"0 0 * * L5", "2026-11-01T00:00:00Z", "2026-11-27T00:00:00Z"}, // the last Friday
        {"0 0 L 2 *", "2024-01-01T00:00:00Z", "2024-02-29T00:00:00Z"},
        {"0 0 * * FRI-MON", "2026-11-17T00:00:00Z", "2026-11-20T00:00:00Z"},
        {"0 0 * NOV-FEB *", "2026-03-01T00:00:00Z", "2026-11-01T00:00:00Z"},
        {"0 0 ? * 7", "2026-11-16T00:00:00Z", "2026-11-22T00:00:00Z"},
        {"50/5 1 * * *", "2026-11-16T01:50:00Z", "2026-11-16T01:55:00Z"},
        {"*/100 * * * *", "2026-11-16T01:50:00Z", "2026-11-16T02:00:00Z"},
        {"0 0 13 * FRI", "2026-11-16T00:00:00Z", "2026-11-20T00:00:00Z"},
        {"0 0 */1 * MON", "2026-11-17T00:00:00Z", "2026-11-18T00:00:00Z"},
        {"* * * * * */20", "2026-11-16T00:00:05Z", "2026-11-16T00:00:20Z"},
        {"0 0 1-7 * MON#1", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"},
        {"0 0 29 2 *", "2024-03-01T00:00:00Z", "2028-02-29T00:00:00Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cron cron;
        struct diag diag = DIAG_INIT;
        int64_t tick;
        if (cron_parse(&cron, rows[i].cron, &diag) != ERR_OK)
            fail_msg("%s", diag_text(&diag));
        assert_true(cron_next(&cron, at(rows[i].after), &tick));
        assert_instant(rows[i].cron, tick, rows[i].tick);
        int64_t back;
        assert_true(cron_prev(&cron, tick + 1, &back));
        assert_int_equal(back, tick);
    }
}

static void cron_refuses_with_field_and_text(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"61 * * * *", "cron field 1 (minute): '61'"},
        {"0 24 * * *", "cron field 2 (hour): '24'"},
        {"0 0 0 * *", "cron field 3"},
        {"*/0 * * * *", "'*/0'"},
        {"H * * * *", "'h'"},
        {"R(0-5) * * * *", "'r(0-5)'"},
        {"0 0 * * MON#6", "cron field 5"},
        {"0 0 * * MON#1,TUE", "cannot be mixed"},
        {"0 0 13 * FRI#1", "never comes true"},
        {"0 0 1 * FRI#1,*", "combined with a day of month"},
        {"1,,2 * * * *", "cron field 1"},
        {"0 0 * * L", "cron field 5"},
        {"0 0 31 2 *", "never comes true"},
        {"1 2 3 4 5 6 7", "7 fields or more"},
        {"99999999999 * * * *", "cron field 1"},
        {"1- * * * *", "cron field 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cron cron;
        struct diag diag = DIAG_INIT;
        assert_int_equal(cron_parse(&cron, rows[i][0], &diag), ERR_INVALID);
        if (!strstr(diag.text, rows[i][1]))
            fail_msg("'%s' says: %s", rows[i][0], diag.text);
    }
}

static void instants_parse_and_print(void **state)
{
    (void)state;
    const struct zone *berlin;
    struct diag diag = DIAG_INIT;
    int64_t out;
    assert_int_equal(zone_find(&berlin, bytes_from("Europe/Berlin"), &diag), ERR_OK);
    assert_int_equal(instant_parse("2026-07-01", berlin, &out, &diag), ERR_OK);
    assert_instant("zone", out, "2026-06-30T22:00:00Z");
    assert_int_equal(instant_parse("2026-07-01 10:00:00.25+05:30", berlin, &out, &diag), ERR_OK);
    assert_instant("offset", out, "2026-07-01T04:30:00.250000Z");
    static const char *const bad[] = {
        "", "2026", "2026-02-30", "2026-13-01", "2026-01-01T25:00", "2026-01-01x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(instant_parse(bad[i], NULL, &out, NULL), ERR_INVALID);
    assert_int_equal(zone_find(&berlin, bytes_from("Europe/Nowhere"), &diag), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timetables_agree_with_airflow),
        cmocka_unit_test(trigger_rules_agree_with_airflow),
        cmocka_unit_test(cron_in_a_zone_handles_clock_changes),
        cmocka_unit_test(cron_dialect_is_croniters),
        cmocka_unit_test(cron_refuses_with_field_and_text),
        cmocka_unit_test(instants_parse_and_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
