// SPDX-License-Identifier: Apache-2.0
#include "net/conn.h"

#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

// A frame is a 4-byte big-endian length and so many bytes; the answer is the same frame.
static _Atomic int opened, closed;
static int file_fd = -1;

static void on_open(struct conn *conn, void *ctx)
{
    conn_set_data(conn, ctx);
    atomic_fetch_add(&opened, 1);
}

static int64_t frame_size(struct conn *conn, const uint8_t *head, size_t size)
{
    (void)conn;
    if (size < 4)
        return FRAME_MORE;
    return 4 + ((int64_t)head[0] << 24 | head[1] << 16 | head[2] << 8 | head[3]);
}

static void nothing(void *ctx)
{
    (void)ctx;
}

struct later {
    struct post post;
    struct conn *conn;
};

static void resume_later(struct post *post)
{
    struct later *later = CONTAINER_OF(post, struct later, post);
    conn_resume(later->conn);
    conn_unref(later->conn);
    mem_free(later);
}

static void on_frame(struct conn *conn, struct buf *frame)
{
    if (frame->size == 8 && memcmp(frame->ptr + 4, "file", 4) == 0) {
        conn_send_file(conn, file_fd, 1, 100000, nothing, NULL);
        buf_unref(frame);
        return;
    }
    if (frame->size == 8 && memcmp(frame->ptr + 4, "quit", 4) == 0) {
        conn_send(conn, frame);
        conn_close(conn);
        return;
    }
    if (frame->size == 9) { // pauses, so that frames read in the same turn wait
        struct later *later = MEM_NEW(struct later);
        later->conn = conn_ref(conn);
        conn_pause(conn);
        loop_post(conn_loop(conn), &later->post, resume_later);
    }
    conn_send(conn, frame);
}

static void on_closed(struct conn *conn)
{
    (void)conn;
    atomic_fetch_add(&closed, 1);
}

static const struct conn_ops ops = {
    .opened = on_open, .frame_size = frame_size, .frame = on_frame, .closed = on_closed};

struct fixture {
    struct loops *loops;
    struct listener *listener;
};

static void start(struct fixture *fixture, struct budget *budget)
{
    struct diag diag = DIAG_INIT;
    assert_int_equal(loops_start(&fixture->loops, 2, 1, &diag), ERR_OK);
    struct listener_options options = {.host = "127.0.0.1",
                                       .frame_max_bytes = 16 << 20,
                                       .budget = budget,
                                       .queue_max_bytes = 1 << 20,
                                       .ops = &ops};
    assert_int_equal(listener_open(&fixture->listener, fixture->loops, &options, &diag), ERR_OK);
}

static void stop(struct fixture *fixture)
{
    listener_close(fixture->listener);
    loops_stop(fixture->loops);
    assert_int_equal(opened, closed);
}

static int dial(struct fixture *fixture)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(listener_port(fixture->listener)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval limit = {.tv_sec = 60};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void put(int fd, const void *ptr, size_t size)
{
    const uint8_t *at = ptr;
    while (size > 0) {
        ssize_t n = send(fd, at, size, MSG_NOSIGNAL);
        assert_true(n > 0);
        at += n;
        size -= (size_t)n;
    }
}

static bool get(int fd, void *ptr, size_t size)
{
    uint8_t *at = ptr;
    while (size > 0) {
        ssize_t n = recv(fd, at, size, 0);
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static size_t make_frame(uint8_t *out, size_t size, uint8_t fill)
{
    out[0] = (uint8_t)(size >> 24);
    out[1] = (uint8_t)(size >> 16);
    out[2] = (uint8_t)(size >> 8);
    out[3] = (uint8_t)size;
    memset(out + 4, fill, size);
    return size + 4;
}

static void frames_come_back_whole_and_in_order_however_they_are_cut(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, NULL);
    int fd = dial(&fixture);
    uint8_t *sent = mem_alloc(4000000), *got = mem_alloc(4000000);
    size_t size = 0;
    static const size_t sizes[] = {0, 1, 5, 100, 5, 5, 65532, 65533, 200000, 4, 1000000, 5, 3};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        size += make_frame(sent + size, sizes[i], (uint8_t)i);
    put(fd, sent, 1); // a head cut in the middle
    put(fd, sent + 1, 2);
    put(fd, sent + 3, size - 3);
    assert_true(get(fd, got, size));
    assert_memory_equal(sent, got, size);
    close(fd);
    stop(&fixture);
    mem_free(sent);
    mem_free(got);
}

static void a_reader_who_does_not_read_is_throttled_and_gets_everything_later(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, NULL);
    int fd = dial(&fixture);
    size_t size = 300004;
    uint8_t *frame = mem_alloc(size), *got = mem_alloc(size);
    make_frame(frame, size - 4, 7);
    struct timeval patient = {.tv_sec = 60}, soon = {.tv_usec = 300000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patient, sizeof patient);
    size_t whole = 0, partial = 0;
    while (whole < 400) {
        if (whole == 4) // more than its queue takes: from now on it may have stopped reading
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
        ssize_t n = send(fd, frame + partial, size - partial, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        partial += (size_t)n;
        if (partial == size) {
            partial = 0;
            whole++;
        }
    }
    assert_true(whole < 400); // the server stopped reading
    assert_true(whole > 3);
    for (size_t i = 0; i < whole; i++) {
        assert_true(get(fd, got, size));
        assert_memory_equal(frame, got, size);
    }
    close(fd);
    stop(&fixture);
    mem_free(frame);
    mem_free(got);
}

static void a_frame_over_the_bound_closes_only_its_connection(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, NULL);
    int bad = dial(&fixture), good = dial(&fixture);
    put(bad, "\x7f\xff\xff\xff", 4);
    char byte;
    assert_false(get(bad, &byte, 1));
    put(good, "\0\0\0\1x", 5);
    char got[5];
    assert_true(get(good, got, 5));
    close(bad);
    close(good);
    stop(&fixture);
}

static void frames_wait_for_the_budget_and_pass_one_after_another(void **state)
{
    (void)state;
    struct budget budget;
    budget_init(&budget, NULL, 1200000);
    struct fixture fixture;
    start(&fixture, &budget);
    uint8_t *both = mem_alloc(5 + 1000004), *frame = both + 5, *got = mem_alloc(1000004);
    memcpy(both, "\0\0\0\1x", 5);
    make_frame(frame, 1000000, 9);
    char probe[5];
    int first = dial(&fixture), second = dial(&fixture);
    put(first, both, 5 + 100000); // holds the budget until it is answered
    assert_true(get(first, probe, 5));
    int third = dial(&fixture); // small frames need none of it
    put(third, "\0\0\0\1x", 5);
    assert_true(get(third, probe, 5));
    put(second, frame, 100000); // has to wait
    put(first, frame + 100000, 1000004 - 100000);
    assert_true(get(first, got, 1000004));
    put(second, frame + 100000, 1000004 - 100000);
    assert_true(get(second, got, 1000004));
    assert_memory_equal(frame, got, 1000004);
    close(first);
    close(second);
    close(third);
    stop(&fixture);
    assert_int_equal(budget.used_bytes, 0);
    mem_free(both);
    mem_free(got);
}

static void a_file_range_is_sent_between_frames(void **state)
{
    (void)state;
    char path[] = "/tmp/conn_test_XXXXXX";
    file_fd = mkstemp(path);
    uint8_t *bytes = mem_alloc(100001), *got = mem_alloc(100010);
    for (size_t i = 0; i < 100001; i++)
        bytes[i] = (uint8_t)(i * 7);
    assert_int_equal(file_pwrite(file_fd, bytes, 100001, 0, NULL), ERR_OK);
    struct fixture fixture;
    start(&fixture, NULL);
    int fd = dial(&fixture);
    put(fd, "\0\0\0\1a\0\0\0\4file\0\0\0\1b", 18);
    assert_true(get(fd, got, 5 + 100000 + 5));
    assert_memory_equal(got, "\0\0\0\1a", 5);
    assert_memory_equal(got + 5, bytes + 1, 100000);
    assert_memory_equal(got + 100005, "\0\0\0\1b", 5);
    close(fd);
    stop(&fixture);
    close(file_fd);
    unlink(path);
    mem_free(bytes);
    mem_free(got);
}

static void close_writes_the_answer_first(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, NULL);
    int fd = dial(&fixture);
    put(fd, "\0\0\0\4quit\0\0\0\1x", 13);
    char got[9];
    assert_true(get(fd, got, 8));
    assert_false(get(fd, got, 1));
    close(fd);
    stop(&fixture);
}

static void a_port_in_use_is_named(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, NULL);
    struct listener *second = NULL;
    struct diag diag = DIAG_INIT;
    struct listener_options options = {.host = "127.0.0.1",
                                       .port = listener_port(fixture.listener),
                                       .frame_max_bytes = 10,
                                       .ops = &ops};
    assert_int_equal(listener_open(&second, fixture.loops, &options, &diag), ERR_CONFLICT);
    assert_non_null(strstr(diag.text, "is in use by another program"));
    stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_back_whole_and_in_order_however_they_are_cut),
        cmocka_unit_test(a_reader_who_does_not_read_is_throttled_and_gets_everything_later),
        cmocka_unit_test(a_frame_over_the_bound_closes_only_its_connection),
        cmocka_unit_test(frames_wait_for_the_budget_and_pass_one_after_another),
        cmocka_unit_test(a_file_range_is_sent_between_frames),
        cmocka_unit_test(close_writes_the_answer_first),
        cmocka_unit_test(a_port_in_use_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
