// SPDX-License-Identifier: Apache-2.0
#include "net/tls_test.h"

#include "net/conn.h"
#include "os/file.h"
#include "os/random.h"
#include "os/socket.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define FILE_BYTES (3 << 20)

// A frame is a 4-byte big-endian length and so many bytes. "file" is answered with a file, "name"
// with the client's certificate, "quit" by closing, the rest with itself.
static int file_fd = -1;
static uint8_t *file_bytes;
static _Atomic int opened, closed, released;

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

static void on_release(void *ctx)
{
    (void)ctx;
    atomic_fetch_add(&released, 1);
}

static bool asks(const struct buf *frame, const char *word)
{
    return frame->size == 8 && memcmp(frame->ptr + 4, word, 4) == 0;
}

static void on_frame(struct conn *conn, struct buf *frame)
{
    if (asks(frame, "file")) {
        conn_send(conn, buf_copy("head", 4));
        conn_send_file(conn, file_fd, 1, FILE_BYTES - 1, on_release, NULL);
        conn_send(conn, frame);
        return;
    }
    if (asks(frame, "name")) {
        char subject[256] = "nobody";
        conn_tls_subject(conn, subject, sizeof subject);
        conn_send(conn, buf_copy(subject, strlen(subject)));
        buf_unref(frame);
        return;
    }
    bool quit = asks(frame, "quit");
    conn_send(conn, frame);
    if (quit)
        conn_close(conn);
}

static void on_closed(struct conn *conn)
{
    (void)conn;
    atomic_fetch_add(&closed, 1);
}

static const struct conn_ops ops = {
    .opened = on_open, .frame_size = frame_size, .frame = on_frame, .closed = on_closed};

static char dir[] = "/tmp/weir-tls-XXXXXX";
static char cert_path[64], key_path[64], ca_path[64];

struct fixture {
    struct loops *loops;
    struct listener *listener;
    struct tls *tls;
};

static void start(struct fixture *fixture, enum tls_clients clients)
{
    struct diag diag = DIAG_INIT;
    struct tls_options tls = {cert_path, key_path, ca_path, clients};
    assert_int_equal(tls_open(&fixture->tls, &tls, &diag), ERR_OK);
    assert_int_equal(loops_start(&fixture->loops, 2, 2, &diag), ERR_OK);
    struct listener_options options = {.host = "127.0.0.1",
                                       .frame_max_bytes = 16 << 20,
                                       .queue_max_bytes = 8 << 20,
                                       .ops = &ops,
                                       .tls = fixture->tls};
    assert_int_equal(listener_open(&fixture->listener, fixture->loops, &options, &diag), ERR_OK);
}

static void stop(struct fixture *fixture)
{
    listener_close(fixture->listener);
    loops_stop(fixture->loops);
    tls_unref(fixture->tls);
    assert_int_equal(opened, closed);
}

struct client {
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
};

static int dial(struct fixture *fixture)
{
    int fd;
    assert_int_equal(socket_connect(&fd, "127.0.0.1", listener_port(fixture->listener), NULL),
                     ERR_OK);
    struct timeval limit = {.tv_sec = 60};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

static struct client client_open(struct fixture *fixture, const char *name, int version_max)
{
    char path[64];
    struct client client = {dial(fixture), SSL_CTX_new(TLS_client_method()), NULL};
    SSL_CTX_set_max_proto_version(client.ctx, version_max);
    if (name) {
        snprintf(path, sizeof path, "%s/%s.pem", dir, name);
        SSL_CTX_use_certificate_file(client.ctx, path, SSL_FILETYPE_PEM);
        snprintf(path, sizeof path, "%s/%s.key", dir, name);
        SSL_CTX_use_PrivateKey_file(client.ctx, path, SSL_FILETYPE_PEM);
    }
    client.ssl = SSL_new(client.ctx);
    SSL_set_fd(client.ssl, client.fd);
    return client;
}

static void client_close(struct client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->ctx);
    close(client->fd);
    ERR_clear_error();
}

static void put(struct client *client, const void *ptr, size_t size)
{
    size_t done;
    assert_int_equal(SSL_write_ex(client->ssl, ptr, size, &done), 1);
    assert_int_equal(done, size);
}

static void take(struct client *client, void *ptr, size_t size)
{
    for (size_t at = 0, got; at < size; at += got)
        assert_int_equal(SSL_read_ex(client->ssl, (uint8_t *)ptr + at, size - at, &got), 1);
}

static void frames_of_every_size_come_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 5, 16379, 16380, 16384, 70000, 5 << 20};
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct fixture fixture;
    start(&fixture, TLS_CLIENTS_ANY);
    uint8_t *frame = mem_alloc(4 + (5 << 20)), *back = mem_alloc(4 + (5 << 20));
    for (size_t v = 0; v < 2; v++) {
        struct client client = client_open(&fixture, NULL, versions[v]);
        assert_int_equal(SSL_connect(client.ssl), 1);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            size_t size = sizes[i];
            random_fill(frame, 4 + size);
            uint8_t head[4] = {(uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8),
                               (uint8_t)size};
            memcpy(frame, head, 4);
            put(&client, frame, 4 + size);
            take(&client, back, 4 + size);
            assert_memory_equal(frame, back, 4 + size);
        }
        client_close(&client);
    }
    mem_free(frame);
    mem_free(back);
    stop(&fixture);
}

static void many_small_frames_come_back_in_order(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, TLS_CLIENTS_ANY);
    struct client client = client_open(&fixture, NULL, TLS1_3_VERSION);
    assert_int_equal(SSL_connect(client.ssl), 1);
    uint8_t all[9 * 5000], back[9 * 5000];
    for (uint32_t i = 0; i < 5000; i++)
        memcpy(all + 9 * i, (uint8_t[]){0, 0, 0, 5, 'n', (uint8_t)(i >> 8), (uint8_t)i, 0, 0}, 9);
    put(&client, all, sizeof all);
    take(&client, back, sizeof back);
    assert_memory_equal(all, back, sizeof all);
    client_close(&client);
    stop(&fixture);
}

static void a_file_comes_between_what_was_sent_before_and_after_it(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, TLS_CLIENTS_ANY);
    struct client client = client_open(&fixture, NULL, TLS1_3_VERSION);
    assert_int_equal(SSL_connect(client.ssl), 1);
    uint8_t *back = mem_alloc(FILE_BYTES);
    released = 0;
    for (int i = 0; i < 3; i++)
        put(&client, "\0\0\0\4file", 8);
    put(&client, "\0\0\0\4quit", 8);
    for (int i = 0; i < 3; i++) {
        take(&client, back, 4);
        assert_memory_equal(back, "head", 4);
        take(&client, back, FILE_BYTES - 1);
        assert_memory_equal(back, file_bytes + 1, FILE_BYTES - 1);
        take(&client, back, 8);
        assert_memory_equal(back + 4, "file", 4);
    }
    take(&client, back, 8);
    size_t got;
    assert_int_equal(SSL_read_ex(client.ssl, back, 1, &got), 0); // the server said goodbye
    assert_int_equal(SSL_get_error(client.ssl, 0), SSL_ERROR_ZERO_RETURN);
    assert_int_equal(released, 3);
    mem_free(back);
    client_close(&client);
    stop(&fixture);
}

static void a_client_that_goes_while_files_are_read_gives_them_back(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, TLS_CLIENTS_ANY);
    released = 0;
    for (int i = 0; i < 20; i++) {
        struct client client = client_open(&fixture, NULL, TLS1_3_VERSION);
        assert_int_equal(SSL_connect(client.ssl), 1);
        uint8_t back[4];
        put(&client, "\0\0\0\4file\0\0\0\4file", 16);
        take(&client, back, 4);
        client_close(&client);
    }
    stop(&fixture);
    assert_true(released >= 20 && released <= 40);
}

static void ask_name(struct fixture *fixture, const char *cert, const char *expected)
{
    struct client client = client_open(fixture, cert, TLS1_2_VERSION);
    bool in = SSL_connect(client.ssl) == 1;
    assert_int_equal(in, expected != NULL);
    if (expected) {
        char name[64] = "";
        put(&client, "\0\0\0\4name", 8);
        take(&client, name, strlen(expected));
        assert_string_equal(name, expected);
    }
    client_close(&client);
}

static void who_shows_a_certificate_is_known_by_its_subject(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, TLS_CLIENTS_REQUIRED);
    ask_name(&fixture, "app", "CN=app,O=weir");
    ask_name(&fixture, NULL, NULL);
    ask_name(&fixture, "stranger", NULL);
    stop(&fixture);
    start(&fixture, TLS_CLIENTS_ASKED);
    ask_name(&fixture, "app", "CN=app,O=weir");
    ask_name(&fixture, NULL, "nobody");
    ask_name(&fixture, "stranger", NULL);
    stop(&fixture);
    start(&fixture, TLS_CLIENTS_ANY);
    ask_name(&fixture, "app", "nobody");
    stop(&fixture);
}

static void old_versions_and_garbage_are_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, TLS_CLIENTS_ANY);
    struct client client = client_open(&fixture, NULL, TLS1_1_VERSION);
    assert_int_not_equal(SSL_connect(client.ssl), 1);
    client_close(&client);
    uint8_t noise[2000];
    for (int i = 0; i < 200; i++) {
        int fd = dial(&fixture);
        random_fill(noise, sizeof noise);
        if (i % 2)
            memcpy(noise, (uint8_t[]){22, 3, 1, 1, 0}, 5); // begins as a handshake does
        struct socket_part part = {noise, (size_t)(1 + i * 7)};
        assert_true(socket_write(fd, &part, 1) > 0);
        shutdown(fd, SHUT_WR);
        uint8_t back[64];
        while (recv(fd, back, sizeof back, 0) > 0)
            ;
        close(fd);
    }
    stop(&fixture);
}

static void reloading_changes_what_new_connections_are_shown(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, TLS_CLIENTS_ANY);
    struct client before = client_open(&fixture, NULL, TLS1_3_VERSION);
    assert_int_equal(SSL_connect(before.ssl), 1);
    struct test_cert fresh = test_cert_make("fresh", NULL);
    test_cert_write(&fresh, dir, "server");
    assert_int_equal(tls_reload(fixture.tls, NULL), ERR_OK);
    struct client after = client_open(&fixture, NULL, TLS1_3_VERSION);
    assert_int_equal(SSL_connect(after.ssl), 1);
    X509 *shown = SSL_get1_peer_certificate(after.ssl);
    assert_int_equal(X509_cmp(shown, fresh.cert), 0);
    X509_free(shown);
    uint8_t back[8];
    put(&before, "\0\0\0\4echo", 8);
    take(&before, back, 8);
    FILE *out = fopen(cert_path, "w");
    fputs("nonsense\n", out);
    fclose(out);
    struct diag diag = DIAG_INIT;
    assert_int_equal(tls_reload(fixture.tls, &diag), ERR_CONFIG);
    assert_non_null(strstr(diag.text, cert_path));
    put(&after, "\0\0\0\4echo", 8);
    take(&after, back, 8);
    client_close(&before);
    client_close(&after);
    test_cert_free(&fresh);
    stop(&fixture);
}

static void wrong_files_are_named(void **state)
{
    (void)state;
    struct tls *tls;
    struct diag diag = DIAG_INIT;
    struct tls_options options = {"/nonexistent/a.pem", key_path, NULL, TLS_CLIENTS_ANY};
    assert_int_equal(tls_open(&tls, &options, &diag), ERR_CONFIG);
    assert_non_null(strstr(diag.text, "/nonexistent/a.pem"));
    diag = (struct diag)DIAG_INIT;
    options = (struct tls_options){ca_path, key_path, NULL, TLS_CLIENTS_ANY};
    assert_int_equal(tls_open(&tls, &options, &diag), ERR_CONFIG);
    assert_non_null(strstr(diag.text, "does not belong to"));
    diag = (struct diag)DIAG_INIT;
    options = (struct tls_options){ca_path, key_path, NULL, TLS_CLIENTS_REQUIRED};
    assert_int_equal(tls_open(&tls, &options, &diag), ERR_CONFIG);
}

static int make_files(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(cert_path, sizeof cert_path, "%s/server.pem", dir);
    snprintf(key_path, sizeof key_path, "%s/server.key", dir);
    snprintf(ca_path, sizeof ca_path, "%s/ca.pem", dir);
    struct test_cert ca = test_cert_make("ca", NULL), server = test_cert_make("server", &ca),
                     app = test_cert_make("app", &ca), stranger = test_cert_make("app", NULL);
    test_cert_write(&ca, dir, "ca");
    test_cert_write(&server, dir, "server");
    test_cert_write(&app, dir, "app");
    test_cert_write(&stranger, dir, "stranger");
    test_cert_free(&ca);
    test_cert_free(&server);
    test_cert_free(&app);
    test_cert_free(&stranger);
    char path[64];
    snprintf(path, sizeof path, "%s/file", dir);
    file_bytes = mem_alloc(FILE_BYTES);
    random_fill(file_bytes, FILE_BYTES);
    return file_open(&file_fd, path, FILE_NEW | FILE_WRITE, NULL) ||
           file_pwrite(file_fd, file_bytes, FILE_BYTES, 0, NULL);
}

static int remove_files(void **state)
{
    (void)state;
    file_close(file_fd);
    mem_free(file_bytes);
    return dir_remove(dir, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_every_size_come_back),
        cmocka_unit_test(many_small_frames_come_back_in_order),
        cmocka_unit_test(a_file_comes_between_what_was_sent_before_and_after_it),
        cmocka_unit_test(a_client_that_goes_while_files_are_read_gives_them_back),
        cmocka_unit_test(who_shows_a_certificate_is_known_by_its_subject),
        cmocka_unit_test(old_versions_and_garbage_are_refused),
        cmocka_unit_test(wrong_files_are_named),
        cmocka_unit_test(reloading_changes_what_new_connections_are_shown), // last: spoils the file
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
