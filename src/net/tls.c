// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL reads and writes the socket itself, through a BIO of our own (os/socket: no SIGPIPE), so
// no byte is copied twice. Its buffers are given back while a connection idles.
#include "net/tls.h"

#include "base/mem.h"
#include "net/tls_session.h"
#include "os/thread.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <stdatomic.h>
#include <stdio.h>

struct tls {
    _Atomic unsigned refs;
    struct mutex lock; // guards ctx
    SSL_CTX *ctx;
    char *cert, *key, *ca;
    enum tls_clients clients;
};

struct tls__session {
    SSL *ssl;
    bool waits_to_read;
    bool waits_to_write;
    bool failed;
    char problem[160];
};

// --- the socket, for OpenSSL ---------------------------------------------------------

static int fd_of(BIO *bio)
{
    return (int)(intptr_t)BIO_get_data(bio);
}

static int bio_read(BIO *bio, char *ptr, int size)
{
    BIO_clear_retry_flags(bio);
    int64_t got = socket_read(fd_of(bio), ptr, (size_t)size);
    if (got == SOCKET_AGAIN)
        BIO_set_retry_read(bio);
    return got >= 0 ? (int)got : got == SOCKET_CLOSED ? 0 : -1;
}

static int bio_write(BIO *bio, const char *ptr, int size)
{
    BIO_clear_retry_flags(bio);
    struct socket_part part = {ptr, (size_t)size};
    int64_t put = socket_write(fd_of(bio), &part, 1);
    if (put == SOCKET_AGAIN)
        BIO_set_retry_write(bio);
    return put >= 0 ? (int)put : -1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *ptr)
{
    (void)bio;
    (void)number;
    (void)ptr;
    return command == BIO_CTRL_FLUSH; // nothing is held back
}

static BIO_METHOD *socket_method(void)
{
    static BIO_METHOD *method;
    static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&once);
    if (!method) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir socket");
        BIO_meth_set_read(method, bio_read);
        BIO_meth_set_write(method, bio_write);
        BIO_meth_set_ctrl(method, bio_ctrl);
    }
    pthread_mutex_unlock(&once);
    return method;
}

// --- certificates --------------------------------------------------------------------

// Never asks at the terminal: an encrypted key is refused.
static int no_password(char *out, int size, int writing, void *ctx)
{
    (void)out;
    (void)size;
    (void)writing;
    *(bool *)ctx = true;
    return -1;
}

static const char *ssl_problem(char *out, size_t size)
{
    unsigned long error = ERR_peek_last_error();
    const char *reason = error ? ERR_reason_error_string(error) : NULL;
    snprintf(out, size, "%s", reason ? reason : "it cannot be read");
    ERR_clear_error();
    return out;
}

static err_t load_files(SSL_CTX *ctx, const struct tls *tls, struct diag *diag)
{
    char why[160];
    bool encrypted = false;
    SSL_CTX_set_default_passwd_cb(ctx, no_password);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, &encrypted);
    if (SSL_CTX_use_certificate_chain_file(ctx, tls->cert) != 1)
        return FAIL(diag, ERR_CONFIG, "certificate %s: %s", tls->cert,
                    ssl_problem(why, sizeof why));
    if (SSL_CTX_use_PrivateKey_file(ctx, tls->key, SSL_FILETYPE_PEM) != 1) {
        int reason = ERR_GET_REASON(ERR_peek_last_error());
        ssl_problem(why, sizeof why);
        if (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH)
            return FAIL(diag, ERR_CONFIG, "key %s does not belong to certificate %s", tls->key,
                        tls->cert);
        return FAIL(diag, ERR_CONFIG, "key %s: %s", tls->key,
                    encrypted ? "it is encrypted, expected one without a password" : why);
    }
    if (!tls->ca)
        return ERR_OK;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(tls->ca);
    if (!names || SSL_CTX_load_verify_locations(ctx, tls->ca, NULL) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return FAIL(diag, ERR_CONFIG, "certificates %s: %s", tls->ca, ssl_problem(why, sizeof why));
    }
    SSL_CTX_set_client_CA_list(ctx, names); // takes them
    return ERR_OK;
}

static void set_rules(SSL_CTX *ctx, enum tls_clients clients)
{
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    int verify = SSL_VERIFY_NONE;
    if (clients == TLS_CLIENTS_ASKED)
        verify = SSL_VERIFY_PEER;
    else if (clients == TLS_CLIENTS_REQUIRED)
        verify = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(ctx, verify, NULL);
}

static err_t make_ctx(SSL_CTX **out, const struct tls *tls, struct diag *diag)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx)
        return FAIL(diag, ERR_NO_MEMORY, "OpenSSL cannot make a context");
    set_rules(ctx, tls->clients);
    err_t err = load_files(ctx, tls, diag);
    if (err != ERR_OK)
        SSL_CTX_free(ctx);
    else
        *out = ctx;
    return err;
}

err_t tls_open(struct tls **out, const struct tls_options *options, struct diag *diag)
{
    if (options->clients == TLS_CLIENTS_REQUIRED && !options->ca)
        return FAIL(diag, ERR_CONFIG,
                    "clients must show a certificate, but there is no file of "
                    "certificates that may have issued them");
    struct tls *tls = MEM_NEW(struct tls);
    atomic_init(&tls->refs, 1);
    mutex_init(&tls->lock);
    tls->cert = mem_strdup(options->cert);
    tls->key = mem_strdup(options->key);
    tls->ca = options->ca ? mem_strdup(options->ca) : NULL;
    tls->clients = options->clients;
    err_t err = make_ctx(&tls->ctx, tls, diag);
    if (err != ERR_OK)
        tls_unref(tls);
    else
        *out = tls;
    return err;
}

err_t tls_reload(struct tls *tls, struct diag *diag)
{
    SSL_CTX *fresh;
    TRY(make_ctx(&fresh, tls, diag));
    mutex_lock(&tls->lock);
    SSL_CTX *old = tls->ctx;
    tls->ctx = fresh;
    mutex_unlock(&tls->lock);
    SSL_CTX_free(old);
    return ERR_OK;
}

struct tls *tls_ref(struct tls *tls)
{
    atomic_fetch_add_explicit(&tls->refs, 1, memory_order_relaxed);
    return tls;
}

void tls_unref(struct tls *tls)
{
    if (!tls || atomic_fetch_sub_explicit(&tls->refs, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(tls->ctx);
    mem_free(tls->cert);
    mem_free(tls->key);
    mem_free(tls->ca);
    mutex_release(&tls->lock);
    mem_free(tls);
}

// --- one connection ------------------------------------------------------------------

struct tls__session *tls__accept(struct tls *tls, int fd)
{
    struct tls__session *session = MEM_NEW(struct tls__session);
    mutex_lock(&tls->lock);
    session->ssl = SSL_new(tls->ctx);
    mutex_unlock(&tls->lock);
    BIO *bio = session->ssl ? BIO_new(socket_method()) : NULL;
    if (!bio) {
        SSL_free(session->ssl);
        mem_free(session);
        ERR_clear_error();
        return NULL;
    }
    BIO_set_data(bio, (void *)(intptr_t)fd);
    BIO_set_init(bio, 1);
    SSL_set_bio(session->ssl, bio, bio); // takes it
    SSL_set_accept_state(session->ssl);
    return session;
}

void tls__free(struct tls__session *session)
{
    if (!session->failed && SSL_is_init_finished(session->ssl))
        SSL_shutdown(session->ssl);
    SSL_free(session->ssl);
    ERR_clear_error();
    mem_free(session);
}

// What a call that moved nothing means.
static int64_t outcome(struct tls__session *session, int result)
{
    int error = SSL_get_error(session->ssl, result);
    session->waits_to_read = error == SSL_ERROR_WANT_READ;
    session->waits_to_write = error == SSL_ERROR_WANT_WRITE;
    if (session->waits_to_read || session->waits_to_write)
        return SOCKET_AGAIN;
    if (error == SSL_ERROR_SSL && !session->failed)
        ssl_problem(session->problem, sizeof session->problem);
    session->failed = session->failed || error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL;
    ERR_clear_error();
    return SOCKET_CLOSED;
}

int64_t tls__read(struct tls__session *session, void *ptr, size_t size)
{
    size_t got = 0;
    ERR_clear_error(); // the queue is the thread's, not the connection's
    int result = SSL_read_ex(session->ssl, ptr, size, &got);
    session->waits_to_read = session->waits_to_write = false;
    return result == 1 ? (int64_t)got : outcome(session, result);
}

int64_t tls__write(struct tls__session *session, const void *ptr, size_t size)
{
    size_t put = 0;
    ERR_clear_error();
    int result = SSL_write_ex(session->ssl, ptr, size, &put);
    session->waits_to_read = session->waits_to_write = false;
    return result == 1 ? (int64_t)put : outcome(session, result);
}

bool tls__waits_to_read(const struct tls__session *session)
{
    return session->waits_to_read;
}

bool tls__waits_to_write(const struct tls__session *session)
{
    return session->waits_to_write;
}

bool tls__subject(const struct tls__session *session, char *out, size_t size)
{
    X509 *cert = SSL_get1_peer_certificate(session->ssl);
    if (!cert)
        return false;
    BIO *text = BIO_new(BIO_s_mem());
    // RFC 2253, with letters beyond ASCII as they are (Java's X500Principal does the same).
    X509_NAME_print_ex(text, X509_get_subject_name(cert), 0,
                       XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
    char *ptr = NULL;
    long length = BIO_get_mem_data(text, &ptr);
    bool fits = length > 0 && (size_t)length < size;
    if (fits) {
        memcpy(out, ptr, (size_t)length);
        out[length] = '\0';
    }
    BIO_free(text);
    X509_free(cert);
    return fits;
}

const char *tls__problem(const struct tls__session *session)
{
    return session->problem[0] ? session->problem : NULL;
}
