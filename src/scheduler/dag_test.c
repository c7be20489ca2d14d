// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "scheduler/dag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static struct dag_set set;
static struct problems problems;

static void read_text(const char *yaml)
{
    problems_release(&problems);
    dag_set_parse(&set, "a.yaml", bytes_from(yaml), &problems);
}

static void read_good(const char *yaml)
{
    read_text(yaml);
    if (problems.count)
        fail_msg("%s", str_text(&problems.text));
}

static void assert_problem(const char *yaml, const char *expected)
{
    read_text(yaml);
    if (!strstr(str_text(&problems.text), expected))
        fail_msg("no '%s' in:\n%s", expected, str_text(&problems.text));
    dag_set_close(&set);
    problems_release(&problems);
}

static void a_dag_factory_file_is_understood(void **state)
{
    (void)state;
    read_good(
        "default:\n"
        "  default_args: {owner: me, start_date: 2026-01-01, retries: 3, retry_delay_sec: 10}\n"
        "example:\n"
        "  default_args: {retries: 1}\n"
        "  schedule_interval: '0 3 * * *'\n"
        "  description: an example\n"
        "  max_active_runs: 2\n"
        "  dagrun_timeout_sec: 600\n"
        "  tasks:\n"
        "    - task_id: one\n"
        "      operator: airflow.operators.bash_operator.BashOperator\n"
        "      bash_command: echo 1\n"
        "    - task_id: two\n"
        "      operator: airflow.providers.standard.operators.python.PythonOperator\n"
        "      python_callable_name: go\n"
        "      python_callable_file: /srv/a.py\n"
        "      dependencies: [one]\n"
        "      retries: 5\n"
        "      trigger_rule: dummy\n");
    const struct dag *dag = dag_set_find(&set, "example");
    assert_non_null(dag);
    assert_string_equal(dag->schedule, "0 3 * * *");
    assert_int_equal(dag->max_active_runs, 2);
    assert_int_equal(dag->timeout_ms, 600000);
    assert_true(dag->limits.start_us == INT64_C(1767225600000000));
    const struct task *one = dag_task(dag, "one"), *two = dag_task(dag, "two");
    assert_int_equal(one->retries, 1);
    assert_int_equal(two->retries, 5);
    assert_int_equal(one->retry_delay_ms, 10000);
    assert_int_equal(two->rule, RULE_ALWAYS);
    assert_string_equal(two->shell.file, "/srv/a.py");
    assert_int_equal(two->upstream_count, 1);
    assert_int_equal(one->downstream_count, 1);
    assert_int_equal(one->downstream[0], two->index);
    assert_false(dag->limits.catchup);
    dag_set_close(&set);
}

static void schedules_of_every_form_are_read(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"'@daily'", "@daily"},
        {"'*/5 * * * *'", "*/5 * * * *"},
        {"90s", "every 90 s"},
        {"1 day", "every 86400 s"},
        {"PT90S", "PT90S"},
        {"{kind: trigger, cron: '0 9 * * MON#1', timezone: Europe/Berlin}", "0 9 * * MON#1"},
        {"{every: 250ms}", "every 250 ms"},
        {"{preset: '@hourly'}", "@hourly"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str yaml = {0};
        str_printf(&yaml, "a: {schedule: %s, tasks: {t: {type: empty}}}\n", rows[i][0]);
        read_good(str_text(&yaml));
        assert_string_equal(set.items[0].schedule, rows[i][1]);
        dag_set_close(&set);
        str_release(&yaml);
    }
    read_good("a: {tasks: {t: {type: empty}}}\n");
    assert_null(set.items[0].schedule);
    dag_set_close(&set);
}

static void dates_are_in_the_zone_of_the_schedule(void **state)
{
    (void)state;
    read_good(
        "a: {schedule: {cron: '0 0 * * *', timezone: Europe/Berlin}, start_date: 2026-07-01,\n"
        "    end_date: 2026-07-02T00:00:00Z, tasks: {t: {type: empty}}}\n");
    assert_true(set.items[0].limits.start_us == INT64_C(1782856800000000)); // 2026-06-30T22:00Z
    assert_true(set.items[0].limits.end_us == INT64_C(1782950400000000));
    dag_set_close(&set);
}

static void problems_name_line_column_and_what_was_expected(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"a:\n  schedul: '@daily'\n  tasks: {t: {type: empty}}\n",
         "a.yaml:2:3: unknown field 'schedul', did you mean 'schedule'?"},
        {"a:\n  schedule: '61 * * * *'\n  tasks: {t: {type: empty}}\n",
         "a.yaml:2:13: cron field 1 (minute): '61'"},
        {"a:\n  schedule: '@dayly'\n  tasks: {t: {type: empty}}\n", "unknown schedule '@dayly'"},
        {"a:\n  schedule: {cron: '* * * * *', timezone: Mars/Base}\n  tasks: {t: {type: empty}}\n",
         "unknown time zone 'Mars/Base'"},
        {"a:\n  schedule: {kind: sometimes, cron: '* * * * *'}\n  tasks: {t: {type: empty}}\n",
         "'kind' must be interval or trigger"},
        {"a:\n  start_date: yesterday\n  tasks: {t: {type: empty}}\n",
         "a.yaml:2:15: 'start_date': 'yesterday' is not a date"},
        {"a: {tasks: {t: {type: empty, dependencies: [u]}}}\n", "depends on 'u', which is no task"},
        {"a: {tasks: {t: {type: empty, dependencies: [u]}, u: {type: empty, dependencies: [t]}}}\n",
         "wait for each other in a circle: "},
        {"a: {tasks: {t: {type: bush}}}\n", "unknown task type 'bush'"},
        {"a: {tasks: {t: {type: http}}}\n", "url"},
        {"a: {tasks: {t: {type: http, url: 'ftp://x'}}}\n", "must begin with http:// or https://"},
        {"a: {tasks: {t: {type: bash, bash_command: 'x', url: y}}}\n", "unknown field 'url'"},
        {"a: {tasks: {t: {type: python, python_callable: work}}}\n", "must be file.py:function"},
        {"a: {tasks: {t: {type: empty, trigger_rule: all_sucess}}}\n", "unknown trigger_rule"},
        {"a: {tasks: {t: {type: empty, retry_delay: soon}}}\n", "must be a duration"},
        {"a: {tasks: {'t/../x': {type: empty}}}\n", "must consist of letters"},
        {"a: {tasks: []}\n", "needs 'tasks'"},
        {"a: {tasks: [{task_id: t, type: empty}, {task_id: t, type: empty}]}\n", "is there twice"},
        {"a: [1]\n", "must be a map"},
        {"a:\n  tasks:\n    t:\n      type: bash\n      bash_command: echo {{ dss }}\n",
         "a.yaml:5:26: template 'echo {{ dss }}': unknown name 'dss'"},
        {"a: {tasks: {t: {type: bash, bash_command: 'x {% if a %}'}}}\n", "statements"},
        {"a: {tasks: {t: {type: bash, bash_command: 'x {{ ds | upper }}'}}}\n", "filters are not"},
        {"a: {tasks: {t: {type: bash, bash_command: 'x {{ ds'}}}\n", "expected '}}'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_problem(rows[i][0], rows[i][1]);
}

static void all_problems_come_at_once_and_good_dags_remain(void **state)
{
    (void)state;
    read_text("bad: {schedul: 1, tasks: {t: {type: bush}, u: {type: empty, retries: -1}}}\n"
              "good: {tasks: {t: {type: empty}}}\n"
              "also_bad: {tasks: {t: {type: empty, pol: x}}}\n");
    assert_int_equal(problems.count, 4);
    assert_int_equal(set.count, 1);
    assert_string_equal(set.items[0].id, "good");
    dag_set_close(&set);
    problems_release(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dag_factory_file_is_understood),
        cmocka_unit_test(schedules_of_every_form_are_read),
        cmocka_unit_test(dates_are_in_the_zone_of_the_schedule),
        cmocka_unit_test(problems_name_line_column_and_what_was_expected),
        cmocka_unit_test(all_problems_come_at_once_and_good_dags_remain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
