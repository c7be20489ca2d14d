// SPDX-License-Identifier: Apache-2.0
#include "data/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

struct fixture {
    struct arena arena;
    struct problems problems;
    struct yaml_source source;
};

static struct yaml *parse(struct fixture *f, const char *text)
{
    f->source = (struct yaml_source){"dags/a.yaml", &f->problems};
    return yaml_parse(&f->arena, &f->source, bytes_from(text));
}

static void check(struct fixture *f, const char *problems)
{
    assert_string_equal(str_text(&f->problems.text), problems);
    problems_release(&f->problems);
    arena_clear(&f->arena);
}

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.arena = ARENA_INIT};
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    problems_release(&f->problems);
    arena_release(&f->arena);
    return 0;
}

static void nodes_know_where_they_stand(void **state)
{
    struct fixture *f = *state;
    struct yaml *root =
        parse(f, "dag_id: users\ntasks:\n  - id: fetch\n    sql: |\n      SELECT 1\n");
    assert_non_null(root);
    const struct yaml *tasks = yaml_list(&f->source, root, "tasks");
    assert_int_equal(tasks->line, 3);
    assert_int_equal(tasks->column, 3);
    const struct yaml *sql = yaml_get(tasks->items[0], "sql");
    assert_int_equal(sql->line, 4);
    assert_int_equal(sql->column, 10);
    assert_string_equal(sql->text, "SELECT 1\n");
    assert_true(sql->quoted);
    check(f, "");
}

static void broken_text_is_one_problem_with_its_place(void **state)
{
    struct fixture *f = *state;
    assert_null(parse(f, "a: 1\nb: [1, 2\nc: 3\n"));
    check(f, "dags/a.yaml:3:2: not YAML: did not find expected ',' or ']' while parsing a flow "
             "sequence begun in line 2\n");
    assert_null(parse(f, "a:\n\tb: 1\n"));
    check(f, "dags/a.yaml:2:1: not YAML: found character that cannot start any token while "
             "scanning for the next token; a tab cannot indent, use blanks\n");
    assert_null(parse(f, "a: 1\nb: \xff\n"));
    check(f, "dags/a.yaml:2:4: not YAML: invalid leading UTF-8 octet (byte 0xff)\n");
    assert_null(parse(f, "a: 1\n---\nb: 2\n"));
    check(f, "dags/a.yaml:2:1: a second document begins here, one is expected\n");
    assert_null(parse(f, "[a]: 1\n"));
    check(f, "dags/a.yaml:1:1: a key must be a text, not a list\n");
    assert_null(parse(f, "a: \"x\\0y\"\n"));
    check(f, "dags/a.yaml:1:4: a text cannot hold the character \\0\n");
}

static void every_duplicate_key_is_told(void **state)
{
    struct fixture *f = *state;
    assert_null(parse(f, "a: 1\nb: 2\na: 3\nb: 4\n"));
    check(f, "dags/a.yaml:3:1: 'a' stands here twice, first in line 1\n"
             "dags/a.yaml:4:1: 'b' stands here twice, first in line 2\n");
}

static void empty_text_has_no_tree_and_no_problem(void **state)
{
    struct fixture *f = *state;
    assert_null(parse(f, "# only words\n"));
    check(f, "");
}

static void unknown_fields_name_the_nearest_known_word(void **state)
{
    struct fixture *f = *state;
    static const char *const known[] = {"retries", "schedule", "tasks", NULL};
    struct yaml *root = parse(f, "retrys: 1\nschedule: x\nzzz: 1\nTasks: []\n");
    yaml_known(&f->source, root, known);
    check(f, "dags/a.yaml:1:1: unknown field 'retrys', did you mean 'retries'?\n"
             "dags/a.yaml:3:1: unknown field 'zzz', expected one of: retries, schedule, tasks\n"
             "dags/a.yaml:4:1: unknown field 'Tasks', did you mean 'tasks'?\n");
}

static void typed_reads_give_the_value_or_the_fallback_and_a_problem(void **state)
{
    struct fixture *f = *state;
    struct yaml *root = parse(f, "n: 5\nbig: 50\nword: many\nx: 1.5\nyes: 'no'\noff: maybe\n"
                                 "d: 1h30m\nbad: soon\nlist: [1]\nempty:\ntext: \"12\"\n");
    const struct yaml_source *s = &f->source;
    assert_int_equal(yaml_int(s, root, "n", 1, 0, 10), 5);
    assert_int_equal(yaml_int(s, root, "absent", 7, 0, 10), 7);
    assert_int_equal(yaml_int(s, root, "empty", 7, 0, 10), 7);
    assert_true(yaml_double(s, root, "x", 0, 0, 2) == 1.5);
    assert_false(yaml_bool(s, root, "yes", true));
    assert_int_equal(yaml_duration_ms(s, root, "d", 0), 5400000);
    assert_string_equal(yaml_text(s, root, "text", ""), "12");
    check(f, "");
    root = parse(f, "big: 50\nword: many\noff: maybe\nbad: soon\nlist: [1]\nempty:\n");
    assert_int_equal(yaml_int(s, root, "big", 1, 0, 10), 1);
    assert_int_equal(yaml_int(s, root, "word", 2, 0, INT64_MAX), 2);
    assert_true(yaml_bool(s, root, "off", true));
    assert_int_equal(yaml_duration_ms(s, root, "bad", 9), 9);
    assert_string_equal(yaml_text(s, root, "list", "f"), "f");
    assert_null(yaml_map(s, root, "list"));
    assert_null(yaml_text_required(s, root, "empty"));
    assert_null(yaml_text_required(s, root, "absent"));
    check(f, "dags/a.yaml:1:6: 'big' must be a whole number from 0 to 10, not '50'\n"
             "dags/a.yaml:2:7: 'word' must be a whole number from 0 up, not 'many'\n"
             "dags/a.yaml:3:6: 'off' must be true or false, not 'maybe'\n"
             "dags/a.yaml:4:6: 'bad' must be a duration such as '30s', '5 minutes' or '1h30m', not "
             "'soon'\n"
             "dags/a.yaml:5:7: 'list' must be a text, not a list\n"
             "dags/a.yaml:5:7: 'list' must be a map, not a list\n"
             "dags/a.yaml:6:7: 'empty' is missing\n"
             "dags/a.yaml:1:1: 'absent' is missing\n");
}

static void aliases_and_merges_expand_within_the_bound(void **state)
{
    struct fixture *f = *state;
    struct yaml *root =
        parse(f, "base: &b {retries: 1, owner: x}\ntask:\n  <<: *b\n  retries: 2\n");
    const struct yaml *task = yaml_map(&f->source, root, "task");
    assert_int_equal(yaml_int(&f->source, task, "retries", 0, 0, 9), 2);
    assert_string_equal(yaml_text(&f->source, task, "owner", ""), "x");
    check(f, "");
    assert_null(parse(f, "a: *b\n"));
    check(f, "dags/a.yaml:1:4: no anchor '&b' stands before this alias\n");
    assert_null(parse(f, "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
                         "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
                         "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
                         "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"));
    check(f, "dags/a.yaml:5:29: too large: the aliases expand to more than 100000 values\n");
}

static void deep_nesting_is_refused(void **state)
{
    struct fixture *f = *state;
    char text[401];
    memset(text, '[', 400);
    text[400] = 0;
    assert_null(parse(f, text));
    check(f, "dags/a.yaml:1:65: nested deeper than 64 levels\n");
}

static void json_keeps_quoted_scalars_as_text(void **state)
{
    struct fixture *f = *state;
    struct yaml *root =
        parse(f, "{a: 1, b: '1', c: ~, d: true, e: yes, f: 1.5e3, g: 007, h: +4, i: [x], "
                 "\"j\\n\": null}");
    struct str out = {0};
    yaml_json(&out, root);
    assert_string_equal(str_text(&out), "{\"a\":1,\"b\":\"1\",\"c\":null,\"d\":true,\"e\":\"yes\","
                                        "\"f\":1.5e3,\"g\":\"007\",\"h\":4,\"i\":[\"x\"],"
                                        "\"j\\n\":null}");
    str_release(&out);
    check(f, "");
}

static void durations_read_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; // -1: refused
    } cases[] = {{"30s", 30000},
                 {"5m", 300000},
                 {"1h30m", 5400000},
                 {"250ms", 250},
                 {"2 days", 172800000},
                 {"5 seconds", 5000},
                 {"1 minute 30 seconds", 90000},
                 {"7", 7000},
                 {"1.5s", 1500},
                 {"1 second", 1000},
                 {"0", 0},
                 {"", -1},
                 {"s", -1},
                 {"5 parsecs", -1},
                 {"-5s", -1},
                 {"5 5", -1},
                 {"1.s", -1},
                 {"99999999999999999999s", -1},
                 {"1000000000000w", -1},
                 {"1mss", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms = -1;
        bool fine = duration_parse_ms(bytes_from(cases[i].text), &ms);
        if (fine != (cases[i].ms >= 0) || (fine && ms != cases[i].ms))
            fail_msg("'%s' gave %d, %lld", cases[i].text, fine, (long long)ms);
    }
}

static void a_missing_file_is_a_problem(void **state)
{
    struct fixture *f = *state;
    assert_null(yaml_load(&f->arena, &f->problems, "/nonexistent/x.yaml", &f->source));
    check(f, "/nonexistent/x.yaml:1:1: cannot read the file: No such file or directory\n");
}

static void a_problem_stays_one_line(void **state)
{
    struct fixture *f = *state;
    problem_add(&f->problems, "f", 1, 2, "bad '%s'", "a\nb\x01");
    assert_int_equal(f->problems.count, 1);
    check(f, "f:1:2: bad 'a b '\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nodes_know_where_they_stand, set_up, tear_down),
        cmocka_unit_test_setup_teardown(broken_text_is_one_problem_with_its_place, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(every_duplicate_key_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(empty_text_has_no_tree_and_no_problem, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unknown_fields_name_the_nearest_known_word, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(typed_reads_give_the_value_or_the_fallback_and_a_problem,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(aliases_and_merges_expand_within_the_bound, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(deep_nesting_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(json_keeps_quoted_scalars_as_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(durations_read_as_people_write_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_missing_file_is_a_problem, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_problem_stays_one_line, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
