// SPDX-License-Identifier: Apache-2.0
//
// http tasks against a real server in this process.
#include "scheduler/scheduler_test.h"

// --- http ---

static _Atomic int requests_seen;
static int64_t answer_us; // that an answer takes, of simulated time

// /people answers N records a page, /flaky says 503 twice, /busy 429 once, /none nothing, /gone
// 404.
static void serve(struct http_request *request, void *ctx)
{
    (void)ctx;
    int seen = atomic_fetch_add(&requests_seen, 1);
    clock_advance(answer_us);
    const char *path = http_path(request), *page = http_query(request, "page");
    struct str body = {0};
    int status = 200;
    if (strcmp(path, "/flaky") == 0 && seen < 2)
        status = 503;
    if (strcmp(path, "/busy") == 0 && seen < 1) {
        http_set_header(request, "Retry-After", "0");
        status = 429;
    }
    if (strcmp(path, "/gone") == 0)
        status = 404;
    if (strcmp(path, "/none") == 0)
        str_append_text(&body, "{\"results\":[]}");
    else if (strcmp(path, "/text") == 0)
        str_append_text(&body, "<html>");
    else if (status != 200)
        str_append_text(&body, "no such thing here");
    else
        str_printf(
            &body,
            "{\"results\":[{\"login\":{\"uuid\":\"u%s-1\"},\"location\":{\"street\":{\"number\":7,"
            "\"name\":\"Main \\\"St\\\"\"},\"postcode\":8000}},{\"login\":{\"uuid\":\"u%s-2\"}}]}",
            page ? page : "", page ? page : "");
    http_respond(request, status, "application/json", str_bytes(&body));
    str_release(&body);
}

static struct http_server *server;

// Opens the scheduler on one http task with these settings, triggers it and gives the run when it
// has ended.
static json_t *fetch(const char *path, const char *settings)
{
    struct http_server_options options = {.host = "127.0.0.1", .handler = serve};
    struct str yaml = {0};
    char url[64];
    assert_int_equal(http_server_start(&server, &options, NULL), ERR_OK);
    atomic_store(&requests_seen, 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", http_server_port(server));
    vars[0].value = url;
    str_printf(
        &yaml,
        "f: {tasks: {get: {type: http, url: '{{ weir.people_url }}%s', topic: people, %s}}}\n",
        path, settings);
    open_with(str_text(&yaml));
    str_release(&yaml);
    settle();
    trigger("f", NULL);
    settle();
    json_t *run = newest("f");
    close_it();
    http_server_stop(server);
    return run;
}

static void http_puts_reshaped_records_into_the_topic(void **state)
{
    (void)state;
    json_t *run =
        fetch("/people?page=a", "records: results, key: id, partitions: 3, fields: {id: login.uuid,"
                                " address: '{location.street.number} {location.street.name}',"
                                " post: '{location.postcode}', code: location.postcode}");
    assert_string_equal(text_of(run, "state"), "success");
    assert_int_equal(json_integer_value(json_object_get(run, "records")), 2);
    assert_int_equal(json_integer_value(json_object_get(run, "bytes")), fake.values.size - 2 + 8);
    assert_string_equal(str_text(&fake.keys), "ua-1\nua-2\n");
    assert_string_equal(
        str_text(&fake.values),
        "{\"id\":\"ua-1\",\"address\":\"7 Main \\\"St\\\"\",\"post\":\"8000\",\"code\":8000}\n"
        "{\"id\":\"ua-2\",\"address\":\" \",\"post\":\"\",\"code\":null}\n");
    assert_int_equal(fake.partitions, 3);
    json_decref(run);
}

static void http_fetches_a_page_per_period(void **state)
{
    (void)state;
    static const struct {
        int64_t answer_us;
        size_t pages;
    } rows[] = {{10000, 5}, {20000, 5}, {30000, 4}}; // the last come late, which is not made up for
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        clock_simulate(at("2026-10-11T12:00:00Z"));
        answer_us = rows[i].answer_us;
        json_t *run = fetch("/people?page={{ page }}",
                            "records: results, key: login.uuid, repeat: {every: 20ms, for: 100ms}");
        answer_us = 0;
        assert_string_equal(text_of(run, "state"), "success");
        assert_int_equal(fake.calls, rows[i].pages);
        assert_int_equal(fake.records, fake.calls * 2);
        assert_non_null(strstr(str_text(&fake.keys), "u1-1\nu1-2\nu2-1\n"));
        json_decref(run);
    }
}

static void http_tries_again_when_the_server_is_busy(void **state)
{
    (void)state;
    json_t *run = fetch("/busy", "records: results");
    assert_string_equal(text_of(run, "state"), "success");
    assert_int_equal(atomic_load(&requests_seen), 2);
    assert_string_equal(str_text(&fake.keys), "null\nnull\n");
    json_decref(run);
    run = fetch("/flaky", "records: results, request_retries: 1");
    assert_non_null(strstr(text_of(run, "note"), "/flaky answered 503: no such thing here"));
    json_decref(run);
}

static void http_failures_have_their_own_sentences(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"/none", "records: results", "fetched 0 records from http://127.0.0.1:"},
        {"/gone", "records: results", "/gone answered 404: no such thing here"},
        {"/text", "records: results", "is not JSON: "},
        {"/people", "records: data.rows", "has no 'data.rows'"},
        {":1/x", "request_retries: 0, timeout: 2s", "http://127.0.0.1:"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *run = fetch(rows[i][0], rows[i][1]);
        assert_string_equal(text_of(run, "state"), "failed");
        if (!strstr(text_of(run, "note"), rows[i][2]))
            fail_msg("%s: %s", rows[i][0], text_of(run, "note"));
        json_decref(run);
    }
    json_t *run = fetch("/none", "records: results, allow_empty: true");
    assert_string_equal(text_of(run, "state"), "success");
    json_decref(run);
}

static void a_stop_ends_a_repeating_fetch_at_once(void **state)
{
    (void)state;
    struct http_server_options options = {.host = "127.0.0.1", .handler = serve};
    struct str yaml = {0};
    assert_int_equal(http_server_start(&server, &options, NULL), ERR_OK);
    str_printf(&yaml,
               "f: {tasks: {get: {type: http, url: 'http://127.0.0.1:%d/people', topic: people,"
               " records: results, repeat: {every: 10m, for: 100m}}}}\n",
               http_server_port(server));
    open_with(str_text(&yaml));
    settle();
    trigger("f", NULL);
    int64_t until_ms = real_ms() + WAIT_MS;
    while (fake.calls == 0 && real_ms() < until_ms)
        clock_sleep_us(1000);
    json_t *run = newest("f");
    assert_task(run, "get", "running", 1);
    json_decref(run);
    int64_t start = clock_mono_us();
    close_it();
    assert_true(clock_mono_us() - start < 60 * INSTANT_SECOND);
    http_server_stop(server);
    str_release(&yaml);
}

int main(void)
{
    http_client_init();
    mutex_init(&fake.mutex);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_puts_reshaped_records_into_the_topic),
        cmocka_unit_test(http_fetches_a_page_per_period),
        cmocka_unit_test(http_tries_again_when_the_server_is_busy),
        cmocka_unit_test(http_failures_have_their_own_sentences),
        cmocka_unit_test(a_stop_ends_a_repeating_fetch_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
