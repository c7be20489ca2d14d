// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.h"
#include "net/http_server.h"

#include "base/mem.h"
#include "os/clock.h"
#include "os/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <cmocka.h>

static struct http_server *server;
static struct thread streamer;
static _Atomic bool slow_may_answer;

static void write_stream(void *ctx)
{
    struct http_stream *stream = ctx;
    for (int i = 0; i < 100; i++) {
        char text[32];
        int size = snprintf(text, sizeof text, "data: %d\n\n", i);
        if (!http_stream_write(stream, bytes_make(text, (size_t)size)))
            break;
        if (i % 10 == 0)
            clock_sleep_us(500); // lets the connection go to sleep between writes
    }
    http_stream_close(stream);
}

static void handle(struct http_request *request, void *ctx)
{
    (void)ctx;
    if (strcmp(http_path(request), "/echo me") == 0) {
        struct str body = {0};
        const char *name = http_query(request, "name");
        str_printf(&body, "%s %s %.*s", http_method(request), name ? name : "-",
                   BYTES_PRINT(http_body(request)));
        http_set_header(request, "X-Test", "yes");
        http_respond(request, 200, "text/plain", str_bytes(&body));
        str_release(&body);
    } else if (strcmp(http_path(request), "/stream") == 0) {
        thread_start(&streamer, "streamer", write_stream,
                     http_stream_open(request, "text/event-stream"));
    } else if (strcmp(http_path(request), "/forever") == 0) {
        http_stream_close(http_stream_open(request, "text/event-stream"));
    } else if (strcmp(http_path(request), "/busy") == 0) {
        http_set_header(request, "Retry-After", "7");
        http_respond_error(request, 429, "slow \"down\"");
    } else {
        int64_t until_us = clock_mono_us() + 60 * 1000000;
        while (!atomic_load(&slow_may_answer) && clock_mono_us() < until_us)
            clock_sleep_us(1000);
        http_respond_error(request, 404, "no such page");
    }
}

static int setup(void **state)
{
    (void)state;
    struct http_server_options options = {
        .host = "127.0.0.1", .body_max_bytes = 1 << 20, .handler = handle};
    return http_server_start(&server, &options, NULL) == ERR_OK ? 0 : 1;
}

static int teardown(void **state)
{
    (void)state;
    http_server_stop(server);
    return 0;
}

static char *url(const char *host, const char *path)
{
    return mem_printf("http://%s:%u%s", host, http_server_port(server), path);
}

static void a_request_arrives_decoded_and_the_answer_whole(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "[::1]"};
    for (int i = 0; i < 2; i++) {
        char *address = url(hosts[i], "/echo%20me?name=a%26b");
        struct http_call call = {.url = address, .body = bytes_from("hello"), .method = "PUT"};
        struct http_reply reply;
        struct diag diag = DIAG_INIT;
        if (http_fetch(&call, &reply, &diag) == ERR_OK) {
            assert_int_equal(reply.status, 200);
            assert_string_equal(str_text(&reply.body), "PUT a&b hello");
            http_reply_release(&reply);
        } else {
            assert_int_equal(i, 1); // only IPv6 may be missing
        }
        mem_free(address);
    }
}

static void a_body_over_the_bound_is_refused(void **state)
{
    (void)state;
    char *address = url("127.0.0.1", "/echo%20me");
    char *body = mem_zalloc(2 << 20);
    struct http_call call = {.url = address, .body = bytes_make(body, 2 << 20)};
    struct http_reply reply;
    assert_int_equal(http_fetch(&call, &reply, NULL), ERR_OK);
    assert_int_equal(reply.status, 413);
    http_reply_release(&reply);
    mem_free(body);
    mem_free(address);
}

static void a_stream_brings_every_event_in_order(void **state)
{
    (void)state;
    char *address = url("127.0.0.1", "/stream");
    struct http_call call = {.url = address};
    struct http_reply reply;
    assert_int_equal(http_fetch(&call, &reply, NULL), ERR_OK);
    thread_join(&streamer);
    struct str expected = {0};
    for (int i = 0; i < 100; i++)
        str_printf(&expected, "data: %d\n\n", i);
    assert_string_equal(str_text(&reply.body), str_text(&expected));
    str_release(&expected);
    http_reply_release(&reply);
    mem_free(address);
}

static void errors_say_what_happened(void **state)
{
    (void)state;
    char *busy = url("127.0.0.1", "/busy"), *slow = url("127.0.0.1", "/slow");
    struct http_reply reply;
    struct http_call call = {.url = busy};
    assert_int_equal(http_fetch(&call, &reply, NULL), ERR_OK);
    assert_int_equal(reply.status, 429);
    assert_int_equal(reply.retry_after_s, 7);
    assert_string_equal(str_text(&reply.body), "{\"error\":\"slow \\\"down\\\"\",\"code\":429}\n");
    http_reply_release(&reply);
    struct diag diag = DIAG_INIT;
    struct http_call late = {.url = slow, .timeout_ms = 50};
    assert_int_equal(http_fetch(&late, &reply, &diag), ERR_TIMEOUT); // no answer is on its way
    atomic_store(&slow_may_answer, true);
    diag_clear(&diag);
    struct http_call small = {.url = busy, .reply_max_bytes = 3};
    assert_int_equal(http_fetch(&small, &reply, &diag), ERR_TOO_LARGE);
    diag_clear(&diag);
    _Atomic bool cancelled = true;
    struct http_call stopped = {.url = slow, .cancelled = &cancelled};
    assert_int_equal(http_fetch(&stopped, &reply, &diag), ERR_CANCELLED);
    diag_clear(&diag);
    struct http_call file = {.url = "file:///etc/passwd"};
    assert_int_equal(http_fetch(&file, &reply, &diag), ERR_INVALID);
    diag_clear(&diag);
    struct http_call nobody = {.url = "http://127.0.0.1:1/"};
    assert_int_equal(http_fetch(&nobody, &reply, &diag), ERR_IO);
    assert_non_null(strstr(diag.text, "cannot reach http://127.0.0.1:1/"));
    mem_free(busy);
    mem_free(slow);
}

int main(void)
{
    http_client_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_arrives_decoded_and_the_answer_whole),
        cmocka_unit_test(a_body_over_the_bound_is_refused),
        cmocka_unit_test(a_stream_brings_every_event_in_order),
        cmocka_unit_test(errors_say_what_happened),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
