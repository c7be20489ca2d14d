// SPDX-License-Identifier: Apache-2.0
#include "people/api.h"

#include "base/mem.h"
#include "net/http_client.h"
#include "people/people_server.h"

#include <stdio.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

// A query written as in a URL, without escapes.
static const char *query_of(void *ctx, const char *name)
{
    static char values[32][400];
    static size_t next;
    const char *at = ctx;
    size_t size = strlen(name);
    while (at && *at) {
        size_t pair = strcspn(at, "&");
        if (strncmp(at, name, size) == 0 && (at[size] == '=' || size == pair)) {
            char *value = values[next++ % 32];
            size_t skip = size == pair ? size : size + 1;
            snprintf(value, sizeof values[0], "%.*s", (int)(pair - skip), at + skip);
            return value;
        }
        at += pair + (at[pair] == '&');
    }
    return NULL;
}

static struct people_answer ask(const char *path, const char *query)
{
    struct people_request request = {
        .method = "GET", .path = path, .query = query_of, .ctx = (void *)query};
    struct people_answer answer;
    people_api_answer(&request, &answer);
    return answer;
}

static json_t *ask_json(const char *query)
{
    struct people_answer answer = ask("/api/", query);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.content_type, "application/json; charset=utf-8");
    json_t *body = json_loadb(answer.body.ptr, answer.body.size, 0, NULL);
    assert_non_null(body);
    str_release(&answer.body);
    return body;
}

static json_t *result(json_t *body, size_t at)
{
    return json_array_get(json_object_get(body, "results"), at);
}

static void test_one_person_with_info_without_parameters(void **state)
{
    (void)state;
    static const char *const paths[] = {"/api", "/api/", "/api/1.4", "/api/1.4/"};
    for (size_t i = 0; i < 4; i++) {
        struct people_answer answer = ask(paths[i], "");
        assert_int_equal(answer.status, 200);
        json_t *body = json_loadb(answer.body.ptr, answer.body.size, 0, NULL);
        assert_int_equal(json_array_size(json_object_get(body, "results")), 1);
        assert_int_equal(json_object_size(result(body, 0)), 12);
        json_t *info = json_object_get(body, "info");
        assert_int_equal(json_integer_value(json_object_get(info, "results")), 1);
        assert_int_equal(json_integer_value(json_object_get(info, "page")), 1);
        assert_string_equal(json_string_value(json_object_get(info, "version")), "1.4");
        assert_int_equal(strlen(json_string_value(json_object_get(info, "seed"))), 16);
        json_decref(body);
        str_release(&answer.body);
    }
}

static void test_a_seed_repeats_and_pages_differ(void **state)
{
    (void)state;
    struct people_answer one = ask("/api/", "seed=abc&results=50&page=2");
    struct people_answer two = ask("/api/1.4/", "page=2&results=50&seed=abc");
    struct people_answer three = ask("/api/", "seed=abc&results=50&page=3");
    assert_string_equal(str_text(&one.body), str_text(&two.body));
    assert_string_not_equal(str_text(&one.body), str_text(&three.body));
    assert_non_null(
        strstr(str_text(&one.body), "\"info\":{\"seed\":\"abc\",\"results\":50,\"page\":2,"));
    str_release(&one.body);
    str_release(&two.body);
    str_release(&three.body);
}

static void test_results_up_to_5000(void **state)
{
    (void)state;
    json_t *body = ask_json("results=5000&inc=nat&noinfo");
    assert_int_equal(json_array_size(json_object_get(body, "results")), 5000);
    assert_null(json_object_get(body, "info"));
    json_decref(body);
}

static void test_nat_and_gender_choose_with_a_seed_too(void **state)
{
    (void)state;
    json_t *body = ask_json("seed=s&results=300&gender=female&nat=gb, FR");
    size_t british = 0;
    for (size_t i = 0; i < 300; i++) {
        const char *nat = json_string_value(json_object_get(result(body, i), "nat"));
        assert_true(strcmp(nat, "GB") == 0 || strcmp(nat, "FR") == 0);
        british += strcmp(nat, "GB") == 0;
        assert_string_equal(json_string_value(json_object_get(result(body, i), "gender")),
                            "female");
    }
    assert_in_range(british, 100, 200);
    json_decref(body);
}

static void test_inc_and_exc_choose_fields_and_change_no_value(void **state)
{
    (void)state;
    json_t *whole = ask_json("seed=f&results=20");
    json_t *some = ask_json("seed=f&results=20&inc=name, NAT,email&exc=email");
    json_t *less = ask_json("seed=f&results=20&exc=login,picture");
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(json_object_size(result(some, i)), 2);
        assert_int_equal(json_object_size(result(less, i)), 10);
        const char *key;
        json_t *value;
        json_object_foreach(result(some, i), key, value)
            assert_true(json_equal(value, json_object_get(result(whole, i), key)));
        json_object_foreach(result(less, i), key, value)
            assert_true(json_equal(value, json_object_get(result(whole, i), key)));
    }
    json_decref(whole);
    json_decref(some);
    json_decref(less);
}

static void test_pretty_is_the_same_data(void **state)
{
    (void)state;
    json_t *compact = ask_json("seed=p&results=5"),
           *pretty = ask_json("seed=p&results=5&format=pretty");
    assert_true(json_equal(compact, pretty));
    json_t *by_alias = ask_json("seed=p&results=5&fmt=prettyjson");
    assert_true(json_equal(compact, by_alias));
    json_decref(compact);
    json_decref(pretty);
    json_decref(by_alias);
}

static void test_csv_has_a_header_and_a_line_each(void **state)
{
    (void)state;
    struct people_answer answer =
        ask("/api/", "seed=c&results=3&format=csv&inc=gender,name,dob&dl");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.content_type, "text/csv; charset=utf-8");
    assert_string_equal(answer.disposition, "attachment; filename=\"people.csv\"");
    const char *text = str_text(&answer.body);
    assert_memory_equal(text, "gender,name.title,name.first,name.last,dob.date,dob.age\n", 56);
    size_t lines = 0;
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 4);
    str_release(&answer.body);
}

static void assert_refused(const char *query, const char *words)
{
    struct people_answer answer = ask("/api/", query);
    assert_int_equal(answer.status, 400);
    json_t *body = json_loadb(answer.body.ptr, answer.body.size, 0, NULL);
    assert_non_null(body);
    const char *error = json_string_value(json_object_get(body, "error"));
    if (!error || !strstr(error, words))
        fail_msg("%s: '%s' does not say '%s'", query, error ? error : "nothing", words);
    json_decref(body);
    str_release(&answer.body);
}

static void test_wrong_values_are_refused_with_what_was_expected(void **state)
{
    (void)state;
    assert_refused("results=0", "results is '0', expected a whole number from 1 to 5000");
    assert_refused("results=5001", "from 1 to 5000");
    assert_refused("results=99999999999999999999999999", "from 1 to 5000");
    assert_refused("results=-1", "results is '-1'");
    assert_refused("results=ten", "results is 'ten'");
    assert_refused("results=1.5", "whole number");
    assert_refused("page=0", "page is '0', expected a whole number from 1 to 10000");
    assert_refused("page=10001", "from 1 to 10000");
    assert_refused("gender=x", "gender is 'x', expected female or male");
    assert_refused("nat=US,XX", "nat has 'XX', expected a list by commas of: AU, BR, CA");
    assert_refused("nat=USA", "nat has 'USA'");
    assert_refused("inc=name,age", "inc has 'age', expected a list by commas of: gender, name");
    assert_refused("exc=averyveryverylongname", "exc has");
    assert_refused("format=xml", "format is 'xml', expected json, pretty or csv");
    assert_refused("gender=\"\n\\", "gender is '\"\n\\'");
}

static void test_unknown_and_empty_parameters_are_ignored(void **state)
{
    (void)state;
    json_t *body =
        ask_json("results=&page=&nat=&gender=&inc=&exc=&format=&seed=&lego&callback=x&nope=1");
    assert_int_equal(json_array_size(json_object_get(body, "results")), 1);
    json_decref(body);
}

static void test_portraits_are_svg_of_the_size_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int status;
        const char *words;
    } cases[] = {
        {"/api/portraits/men/7.svg", 200, "width=\"128\""},
        {"/api/portraits/med/women/99.svg", 200, "width=\"72\""},
        {"/api/portraits/thumb/men/0.svg", 200, "width=\"48\""},
        {"/api/portraits/men/100.svg", 404, "no such portrait"},
        {"/api/portraits/men/.svg", 404, "no such portrait"},
        {"/api/portraits/dogs/1.svg", 404, "no such portrait"},
        {"/api/portraits/", 404, "no such portrait"},
        {"/other", 404, "expected /api/"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct people_answer answer = ask(cases[i].path, "");
        assert_int_equal(answer.status, cases[i].status);
        assert_non_null(strstr(str_text(&answer.body), cases[i].words));
        str_release(&answer.body);
    }
}

static void test_every_picture_of_a_person_can_be_fetched(void **state)
{
    (void)state;
    json_t *body = ask_json("results=200&inc=picture&seed=pic");
    for (size_t i = 0; i < 200; i++) {
        const char *key;
        json_t *value;
        json_object_foreach(json_object_get(result(body, i), "picture"), key, value)
        {
            struct people_answer answer = ask(json_string_value(value), "");
            assert_int_equal(answer.status, 200);
            str_release(&answer.body);
        }
    }
    json_decref(body);
}

static void test_only_reading_methods(void **state)
{
    (void)state;
    struct people_request request = {
        .method = "POST", .path = "/api/", .query = query_of, .ctx = NULL};
    struct people_answer answer;
    people_api_answer(&request, &answer);
    assert_int_equal(answer.status, 405);
    str_release(&answer.body);
    request.method = "OPTIONS";
    people_api_answer(&request, &answer);
    assert_int_equal(answer.status, 204);
    str_release(&answer.body);
}

static void test_the_server_answers_over_http(void **state)
{
    (void)state;
    struct people_server *server = NULL;
    struct diag diag = DIAG_INIT;
    http_client_init();
    assert_int_equal(people_server_start(&server, "127.0.0.1", 0, &diag), ERR_OK);
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/api/?results=3&seed=a%%20b&nat=gb,fr",
             people_server_port(server));
    struct http_call call = {.url = url};
    struct http_reply reply = {0};
    assert_int_equal(http_fetch(&call, &reply, &diag), ERR_OK);
    assert_int_equal(reply.status, 200);
    json_t *body = json_loadb(reply.body.ptr, reply.body.size, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(body, "results")), 3);
    assert_string_equal(json_string_value(json_object_get(json_object_get(body, "info"), "seed")),
                        "a b");
    json_decref(body);
    http_reply_release(&reply);

    snprintf(url, sizeof url, "http://127.0.0.1:%u/api/?results=many", people_server_port(server));
    assert_int_equal(http_fetch(&call, &reply, &diag), ERR_OK);
    assert_int_equal(reply.status, 400);
    http_reply_release(&reply);

    // Its port is taken now.
    struct people_server *second = NULL;
    assert_int_not_equal(
        people_server_start(&second, "127.0.0.1", people_server_port(server), &diag), ERR_OK);
    assert_non_null(strstr(diag_text(&diag), "people API"));
    people_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_person_with_info_without_parameters),
        cmocka_unit_test(test_a_seed_repeats_and_pages_differ),
        cmocka_unit_test(test_results_up_to_5000),
        cmocka_unit_test(test_nat_and_gender_choose_with_a_seed_too),
        cmocka_unit_test(test_inc_and_exc_choose_fields_and_change_no_value),
        cmocka_unit_test(test_pretty_is_the_same_data),
        cmocka_unit_test(test_csv_has_a_header_and_a_line_each),
        cmocka_unit_test(test_wrong_values_are_refused_with_what_was_expected),
        cmocka_unit_test(test_unknown_and_empty_parameters_are_ignored),
        cmocka_unit_test(test_portraits_are_svg_of_the_size_asked_for),
        cmocka_unit_test(test_every_picture_of_a_person_can_be_fetched),
        cmocka_unit_test(test_only_reading_methods),
        cmocka_unit_test(test_the_server_answers_over_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
