// SPDX-License-Identifier: Apache-2.0
//
// Whole runs on a real folder and real child processes; the clock is simulated where time matters.
#include "scheduler/scheduler_test.h"

#include "store/db/db.h"

// --- tests ---

static void tasks_run_in_order_and_hand_on_results(void **state)
{
    (void)state;
    clean();
    write_file(
        "dags/work.py",
        "def double(n, word):\n    print('got', n)\n    return {'n': int(n) * 2, 'w': word}\n");
    write_file(
        "dags/a.yaml",
        "chain:\n"
        "  params: {word: 'say \"hi\"'}\n"
        "  tasks:\n"
        "    first: {type: bash, bash_command: 'echo {{ ds }}; echo 21'}\n"
        "    second:\n"
        "      type: python\n"
        "      python_callable: work.py:double\n"
        "      op_kwargs: {n: \"{{ ti.xcom_pull('first') }}\", word: '{{ params.word }}'}\n"
        "      dependencies: [first]\n"
        "    third: {operator: airflow.operators.bash.BashOperator, dependencies: [second],\n"
        "            bash_command: \"printf '%s\\\\n' \\\"$X\\\"; pwd\", env: {X: \"{{ "
        "ti.xcom_pull('second') }}\"}}\n"
        "    last: {type: empty, dependencies: third}\n");
    open_again();
    settle();
    trigger("chain", NULL);
    settle();
    json_t *run = newest("chain");
    if (strcmp(text_of(run, "state"), "success") != 0)
        fail_msg("%s", json_dumps(run, JSON_INDENT(1)));
    assert_string_equal(text_of(run, "run_type"), "manual");
    assert_task(run, "last", "success", 1);
    assert_log("chain", run, "second", 0, "got 21");
    assert_log("chain", run, "third", 1, "{\"n\":42,\"w\":\"say \\\"hi\\\"\"}");
    json_decref(run);
    trigger("chain", "{\"word\": \"conf\"}");
    settle();
    run = newest("chain");
    assert_log("chain", run, "third", 0, "\"w\":\"conf\"");
    json_decref(run);
    close_it();
}

static void a_month_of_a_daily_dag_runs_in_a_second(void **state)
{
    (void)state;
    clock_simulate(at("2026-10-01T00:00:00Z") - 1);
    open_with("daily:\n"
              "  schedule: '@daily'\n"
              "  start_date: 2026-09-30\n"
              "  tasks:\n"
              "    a: {type: empty}\n"
              "    b: {type: empty, dependencies: [a]}\n");
    for (int day = 0; day < 31; day++) {
        settle();
        clock_advance(INSTANT_DAY);
        scheduler_wake(scheduler);
    }
    settle();
    json_t *runs = runs_of("daily");
    assert_int_equal(json_array_size(runs), 31);
    for (size_t i = 0; i < json_array_size(runs); i++)
        assert_string_equal(text_of(json_array_get(runs, i), "state"), "success");
    assert_string_equal(text_of(json_array_get(runs, 0), "run_id"),
                        "scheduled__2026-10-30T00:00:00+00:00");
    assert_string_equal(text_of(json_array_get(runs, 0), "data_interval_end"),
                        "2026-10-31T00:00:00Z");
    json_decref(runs);
    struct str json = {0};
    assert_int_equal(port.ops->dags(port.self, &json, NULL), ERR_OK);
    json_t *dags = parse(&json);
    assert_string_equal(text_of(json_array_get(dags, 0), "next_run_at"), "2026-11-01T00:00:00Z");
    assert_string_equal(text_of(json_array_get(dags, 0), "waiting"),
                        "next run at 2026-11-01T00:00:00Z");
    json_decref(dags);
    close_it();
}

static void catching_up_keeps_to_max_active_runs(void **state)
{
    (void)state;
    clock_simulate(at("2026-10-11T12:00:00Z"));
    open_with(
        "late: {schedule: '@daily', start_date: 2026-10-01, catchup: true, max_active_runs: 1,\n"
        "       tasks: {a: {type: bash, bash_command: 'echo {{ ds }} >> ../order'}}}\n");
    settle();
    struct str order = {0};
    assert_int_equal(file_read_all(in("order"), 4096, &order, NULL), ERR_OK);
    assert_string_equal(str_text(&order),
                        "2026-10-01\n2026-10-02\n2026-10-03\n2026-10-04\n2026-10-05\n"
                        "2026-10-06\n2026-10-07\n2026-10-08\n2026-10-09\n2026-10-10\n");
    str_release(&order);
    close_it();
}

static void a_failed_try_is_repeated_after_its_delay(void **state)
{
    (void)state;
    clock_simulate(at("2026-10-11T12:00:00Z"));
    open_with("flaky:\n"
              "  default_args: {retries: 2, retry_delay: 1m}\n"
              "  tasks:\n"
              "    a: {type: bash, bash_command: 'echo try {{ ti.try_number }}; test {{ "
              "ti.try_number }} = 3'}\n"
              "    b: {type: empty, dependencies: [a]}\n");
    settle();
    trigger("flaky", NULL);
    settle();
    json_t *run = newest("flaky");
    assert_task(run, "a", "up_for_retry", 1);
    assert_string_equal(text_of(task_of(run, "a"), "error"), "exit code 1: try 1");
    assert_string_equal(text_of(task_of(run, "a"), "waiting"),
                        "tries again at 2026-10-11T12:01:00Z (try 2 of 3)");
    assert_string_equal(text_of(task_of(run, "b"), "waiting"),
                        "waits for a, which tries again at 2026-10-11T12:01:00Z (try 2 of 3)");
    json_decref(run);
    for (int i = 0; i < 2; i++) {
        clock_advance(INSTANT_MINUTE);
        scheduler_wake(scheduler);
        settle();
    }
    run = newest("flaky");
    assert_task(run, "a", "success", 3);
    assert_string_equal(text_of(run, "state"), "success");
    assert_log("flaky", run, "a", 1, "try 1");
    json_decref(run);
    close_it();
}

static void trigger_rules_skips_and_failures_settle_a_run(void **state)
{
    (void)state;
    open_with("rules:\n"
              "  tasks:\n"
              "    skips: {type: bash, bash_command: exit 99}\n"
              "    fails: {type: bash, bash_command: 'echo no such thing; exit 3'}\n"
              "    after_skip: {type: empty, dependencies: [skips]}\n"
              "    after_fail: {type: empty, dependencies: [fails]}\n"
              "    cleans: {type: empty, dependencies: [after_fail, after_skip], trigger_rule: "
              "all_done}\n");
    settle();
    trigger("rules", NULL);
    settle();
    json_t *run = newest("rules");
    assert_task(run, "skips", "skipped", 1);
    assert_task(run, "fails", "failed", 1);
    assert_task(run, "after_skip", "skipped", 0);
    assert_task(run, "after_fail", "upstream_failed", 0);
    assert_task(run, "cleans", "success", 1);
    assert_string_equal(text_of(run, "state"), "success"); // the only leaf went well
    json_decref(run);
    close_it();
}

static void a_failed_run_says_why(void **state)
{
    (void)state;
    clean();
    write_file("dags/bad.py", "def f():\n    raise ValueError('the cat is out')\n");
    write_file("dags/a.yaml", "bad: {tasks: {a: {type: python, python_callable: 'bad.py:f'}, b: "
                              "{type: empty, dependencies: a}}}\n");
    open_again();
    settle();
    trigger("bad", NULL);
    settle();
    json_t *run = newest("bad");
    assert_string_equal(text_of(run, "state"), "failed");
    assert_string_equal(text_of(run, "note"), "a: ValueError: the cat is out");
    assert_log("bad", run, "a", 1, "Traceback");
    json_decref(run);
    close_it();
}

static void a_timeout_ends_a_task(void **state)
{
    (void)state;
    open_with(
        "slow: {tasks: {a: {type: bash, bash_command: sleep 600, execution_timeout: 200ms}}}\n");
    settle();
    trigger("slow", NULL);
    settle();
    json_t *run = newest("slow");
    assert_string_equal(text_of(task_of(run, "a"), "error"),
                        "did not end within its execution_timeout of 0.2 s");
    json_decref(run);
    close_it();
}

static void a_timeout_ends_a_run(void **state)
{
    (void)state;
    clock_simulate(at("2026-10-11T12:00:00Z"));
    open_with("late: {dagrun_timeout: 300ms, tasks: {a: {type: bash, bash_command: sleep 600},"
              " b: {type: empty, dependencies: a}}}\n");
    settle();
    trigger("late", NULL);
    wait_for_state("late", "a", "running");
    clock_advance(300000);
    scheduler_wake(scheduler);
    settle();
    json_t *run = newest("late");
    assert_string_equal(text_of(run, "state"), "failed");
    assert_string_equal(text_of(run, "note"), "did not end within its dagrun_timeout of 0.3 s");
    assert_task(run, "a", "skipped", 1);
    json_decref(run);
    close_it();
}

static void a_paused_dag_starts_nothing_and_stays_paused(void **state)
{
    (void)state;
    open_with("p: {tasks: {a: {type: empty}}}\n");
    settle();
    assert_int_equal(port.ops->pause(port.self, "p", true, NULL), ERR_OK);
    trigger("p", NULL);
    close_it();
    open_again();
    settle();
    json_t *run = newest("p");
    assert_string_equal(text_of(run, "state"), "queued");
    assert_string_equal(text_of(run, "note"), "waits: the DAG is paused");
    json_decref(run);
    assert_int_equal(port.ops->pause(port.self, "p", false, NULL), ERR_OK);
    settle();
    run = newest("p");
    assert_string_equal(text_of(run, "state"), "success");
    json_decref(run);
    close_it();
}

static void rerun_tells_first_and_runs_downstream_again(void **state)
{
    (void)state;
    clock_simulate(at("2026-11-21T05:00:00Z"));
    open_with(
        "pipe:\n"
        "  schedule: '@daily'\n"
        "  start_date: 2026-01-01\n"
        "  tasks:\n"
        "    fetch: {type: empty}\n"
        "    shape: {type: bash, bash_command: 'echo x >> ../shaped', dependencies: [fetch]}\n"
        "    store: {type: empty, dependencies: [shape]}\n"
        "    report: {type: empty, dependencies: [store]}\n");
    settle();
    json_t *run = newest("pipe");
    const char *run_id = text_of(run, "run_id");
    struct str json = {0};
    struct diag diag = DIAG_INIT;
    assert_int_equal(port.ops->rerun(port.self, "pipe", run_id, "shape", true, &json, &diag),
                     ERR_OK);
    json_t *told = parse(&json);
    assert_string_equal(text_of(told, "sentence"),
                        "Runs shape and store again for 2026-11-20, then report.");
    assert_int_equal(json_array_size(json_object_get(told, "tasks")), 3);
    json_decref(told);
    assert_int_equal(port.ops->rerun(port.self, "pipe", run_id, "shape", false, &json, &diag),
                     ERR_OK);
    str_release(&json);
    settle();
    json_t *again = run_of("pipe", run_id);
    assert_string_equal(text_of(again, "state"), "success");
    assert_task(again, "fetch", "success", 1);
    assert_task(again, "shape", "success", 2);
    assert_task(again, "report", "success", 2);
    struct str shaped = {0};
    assert_int_equal(file_read_all(in("shaped"), 100, &shaped, NULL), ERR_OK);
    assert_string_equal(str_text(&shaped), "x\nx\n");
    str_release(&shaped);
    assert_int_equal(port.ops->rerun(port.self, "pipe", run_id, "nothing", false, &json, &diag),
                     ERR_NOT_FOUND);
    json_decref(again);
    json_decref(run);
    close_it();
}

static void rerun_of_a_running_task_stops_it_first(void **state)
{
    (void)state;
    open_with("r: {tasks: {a: {type: bash, bash_command: 'test -e ../twice || { touch ../twice; "
              "sleep 600; }'}}}\n");
    settle();
    trigger("r", NULL);
    wait_for_state("r", "a", "running");
    while (!file_exists(in("twice")))
        clock_sleep_us(1000);
    json_t *run = newest("r");
    struct str json = {0};
    assert_int_equal(
        port.ops->rerun(port.self, "r", text_of(run, "run_id"), "a", false, &json, NULL), ERR_OK);
    str_release(&json);
    json_decref(run);
    settle();
    run = newest("r");
    assert_task(run, "a", "success", 2);
    json_decref(run);
    close_it();
}

static void backfill_makes_missing_runs_and_repeats_only_what_is_asked(void **state)
{
    (void)state;
    clock_simulate(at("2026-11-21T05:00:00Z"));
    open_with("b: {schedule: '@daily', start_date: 2026-11-01, tasks: {a: {type: empty}}}\n");
    settle();
    struct str json = {0};
    struct diag diag = DIAG_INIT;
    assert_int_equal(
        port.ops->backfill(port.self, "b", "2026-11-10", "2026-11-12", "none", true, &json, &diag),
        ERR_OK);
    assert_string_equal(
        str_text(&json),
        "{\"runs\":[\"backfill__2026-11-10T00:00:00+00:00\","
        "\"backfill__2026-11-11T00:00:00+00:00\",\"backfill__2026-11-12T00:00:00+00:00\"]}");
    str_clear(&json);
    assert_int_equal(
        port.ops->backfill(port.self, "b", "2026-11-10", "2026-11-12", "none", false, &json, &diag),
        ERR_OK);
    settle();
    json_t *runs = runs_of("b");
    assert_int_equal(json_array_size(runs), 4);
    json_decref(runs);
    str_clear(&json);
    assert_int_equal(port.ops->backfill(port.self, "b", "2026-11-10", "2026-11-12", "failed", false,
                                        &json, &diag),
                     ERR_OK);
    assert_string_equal(str_text(&json), "{\"runs\":[]}");
    str_clear(&json);
    assert_int_equal(port.ops->backfill(port.self, "b", "2026-11-12", "2026-11-13", "completed",
                                        false, &json, &diag),
                     ERR_OK);
    settle();
    json_t *run = run_of("b", "backfill__2026-11-12T00:00:00+00:00");
    assert_task(run, "a", "success", 2);
    json_decref(run);
    assert_int_equal(
        port.ops->backfill(port.self, "b", "nonsense", "2026-11-12", "none", false, &json, &diag),
        ERR_INVALID);
    str_release(&json);
    close_it();
}

static void depends_on_past_waits_for_the_run_before(void **state)
{
    (void)state;
    clock_simulate(at("2026-11-03T12:00:00Z"));
    open_with("past:\n"
              "  schedule: '@daily'\n"
              "  start_date: 2026-11-01\n"
              "  catchup: true\n"
              "  tasks:\n"
              "    a: {type: bash, depends_on_past: true, bash_command: 'echo {{ ds }} >> "
              "../order; sleep 0.05'}\n");
    settle();
    struct str order = {0};
    assert_int_equal(file_read_all(in("order"), 4096, &order, NULL), ERR_OK);
    assert_string_equal(str_text(&order), "2026-11-01\n2026-11-02\n");
    str_release(&order);
    close_it();
}

static void a_stop_repeats_what_was_running(void **state)
{
    (void)state;
    open_with("s: {tasks: {a: {type: bash, bash_command: 'test -e ../go || sleep 600'}}}\n");
    settle();
    trigger("s", NULL);
    wait_for_state("s", "a", "running");
    int64_t start = clock_mono_us();
    close_it();
    assert_true(clock_mono_us() - start < 60 * INSTANT_SECOND);
    write_file("go", "");
    open_again();
    settle();
    json_t *run = newest("s");
    assert_task(run, "a", "success", 2);
    json_decref(run);
    close_it();
}

static void wait_for_told_pid(void)
{
    struct str pid = {0};
    while (!strchr(str_text(&pid), '\n')) {
        clock_sleep_us(1000);
        str_clear(&pid);
        (void)!file_read_all(in("pid"), 100, &pid, NULL);
    }
    str_release(&pid);
}

static void wait_for_saved_pid(void)
{
    struct db *db;
    struct db_statement *ask;
    bool saved = false;
    assert_int_equal(db_open(&db, in("data/scheduler.db"), NULL), ERR_OK);
    assert_int_equal(db_prepare(db, "SELECT 1 FROM task_instance WHERE pid > 0", &ask, NULL),
                     ERR_OK);
    while (!saved) {
        clock_sleep_us(1000);
        assert_int_equal(db_step(ask, &saved, NULL), ERR_OK);
        db_reset(ask);
    }
    db_statement_close(ask);
    db_close(db);
}

// The other half of the next test, in a process of its own: killed while a task runs.
static int crash(void)
{
    open_again();
    trigger("k", NULL);
    wait_for_state("k", "a", "running");
    wait_for_told_pid();
    wait_for_saved_pid();
    return raise(SIGKILL);
}

static void after_kill_9_the_try_is_failed_and_repeated(void **state)
{
    (void)state;
    clean();
    write_file(
        "dags/a.yaml",
        "k: {default_args: {retries: 1, retry_delay: 10ms}, tasks: {a: {type: bash,"
        " bash_command: 'test -e ../pid && exit 0; (sleep 300 & echo $! > ../pid; wait)'}}}\n");
    const char *argv[] = {"/proc/self/exe", "crash", folder, NULL};
    struct process_options options = {.argv = argv};
    struct process *process;
    struct process_exit exit;
    assert_int_equal(process_spawn(&process, &options, NULL), ERR_OK);
    assert_int_equal(process_wait(process, WAIT_MS, &exit, NULL), ERR_OK);
    assert_int_equal(exit.signal, SIGKILL);
    process_close(process);
    struct str pid = {0};
    assert_int_equal(file_read_all(in("pid"), 100, &pid, NULL), ERR_OK);
    open_again();
    wait_for_state("k", "a", "success");
    json_t *run = newest("k");
    assert_task(run, "a", "success", 2);
    json_decref(run);
    int64_t grandchild = strtoll(str_text(&pid), NULL, 10);
    assert_true(grandchild > 0);
    int64_t until_ms = real_ms() + WAIT_MS;
    while (process_exists(grandchild) && real_ms() < until_ms)
        clock_sleep_us(1000);
    assert_false(process_exists(grandchild));
    str_release(&pid);
    close_it();
}

static void what_left_the_folder_does_not_linger(void **state)
{
    (void)state;
    open_with("g: {tasks: {a: {type: bash, bash_command: sleep 60}}}\n");
    settle();
    trigger("g", NULL);
    wait_for_state("g", "a", "running");
    close_it();
    write_file("dags/a.yaml", "g: {tasks: {c: {type: empty}}}\n");
    open_again();
    settle();
    json_t *run = newest("g");
    assert_task(run, "c", "success", 1);
    assert_string_equal(text_of(run, "state"), "success");
    json_decref(run);
    assert_int_equal(port.ops->pause(port.self, "g", true, NULL), ERR_OK);
    trigger("g", NULL);
    close_it();
    write_file("dags/a.yaml", "h: {tasks: {c: {type: empty}}}\n");
    open_again();
    settle();
    close_it();
    write_file("dags/a.yaml", "g: {tasks: {c: {type: empty}}}\n");
    open_again();
    run = newest("g");
    assert_string_equal(text_of(run, "state"), "failed");
    assert_string_equal(text_of(run, "note"), "its DAG is no longer in the folder dags");
    json_decref(run);
    close_it();
}

static void slots_are_bounded_and_the_waiting_say_so(void **state)
{
    (void)state;
    clock_simulate(at("2026-10-11T12:00:00Z"));
    open_with("wide: {tasks: {a: {type: bash, bash_command: 'while ! test -e ../go; do sleep 0.01; "
              "done'},\n"
              "  b: {type: bash, bash_command: 'while ! test -e ../go; do sleep 0.01; done'},\n"
              "  c: {type: bash, bash_command: 'while ! test -e ../go; do sleep 0.01; done'},\n"
              "  d: {type: bash, bash_command: 'while ! test -e ../go; do sleep 0.01; done'},\n"
              "  e: {type: bash, bash_command: 'true'}}}\n");
    settle();
    trigger("wide", NULL);
    wait_for_state("wide", "d", "running");
    json_t *run = newest("wide");
    assert_string_equal(text_of(task_of(run, "e"), "waiting"),
                        "waits for a free slot: 4 of 4 tasks run");
    assert_string_equal(text_of(run, "note"), "waits for a, running for 0 s");
    json_decref(run);
    write_file("go", "");
    settle();
    run = newest("wide");
    assert_string_equal(text_of(run, "state"), "success");
    json_decref(run);
    close_it();
}

static void a_wrong_folder_is_refused_with_all_problems(void **state)
{
    (void)state;
    clean();
    write_file(
        "dags/a.yaml",
        "x: {schedul: '@daily', tasks: {a: {type: bush}}}\ngood: {tasks: {a: {type: empty}}}\n");
    struct problems problems = {0};
    struct diag diag = DIAG_INIT;
    struct scheduler_options options = {.data_dir = in("data"), .dags_dir = in("dags")};
    assert_int_equal(scheduler_open(&scheduler, &options, &problems, &diag), ERR_CONFIG);
    assert_int_equal(problems.count, 2);
    assert_non_null(strstr(str_text(&problems.text), "did you mean 'schedule'"));
    problems_release(&problems);
}

int main(int argc, char **argv)
{
    http_client_init();
    mutex_init(&fake.mutex);
    if (argc > 2 && strcmp(argv[1], "crash") == 0) {
        snprintf(folder, sizeof folder, "%s", argv[2]);
        return crash();
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_run_in_order_and_hand_on_results),
        cmocka_unit_test(a_month_of_a_daily_dag_runs_in_a_second),
        cmocka_unit_test(catching_up_keeps_to_max_active_runs),
        cmocka_unit_test(a_failed_try_is_repeated_after_its_delay),
        cmocka_unit_test(trigger_rules_skips_and_failures_settle_a_run),
        cmocka_unit_test(a_failed_run_says_why),
        cmocka_unit_test(a_timeout_ends_a_task),
        cmocka_unit_test(a_timeout_ends_a_run),
        cmocka_unit_test(a_paused_dag_starts_nothing_and_stays_paused),
        cmocka_unit_test(rerun_tells_first_and_runs_downstream_again),
        cmocka_unit_test(rerun_of_a_running_task_stops_it_first),
        cmocka_unit_test(backfill_makes_missing_runs_and_repeats_only_what_is_asked),
        cmocka_unit_test(depends_on_past_waits_for_the_run_before),
        cmocka_unit_test(a_stop_repeats_what_was_running),
        cmocka_unit_test(after_kill_9_the_try_is_failed_and_repeated),
        cmocka_unit_test(what_left_the_folder_does_not_linger),
        cmocka_unit_test(slots_are_bounded_and_the_waiting_say_so),
        cmocka_unit_test(a_wrong_folder_is_refused_with_all_problems),
    };
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
