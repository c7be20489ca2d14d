// SPDX-License-Identifier: Apache-2.0
//
//   START           -> ApiVersions, SaslHandshake
//   VERSIONS_KNOWN  -> SaslHandshake
//   CHOSEN          -> the first token, inside SaslAuthenticate (handshake version 1) or alone (0)
//   CHALLENGED      -> the second token of SCRAM
//   DONE            -> requests
//
// Somebody we do not know is led through the whole exchange like everybody else, so that names
// cannot be tried out: with SCRAM by a decoy, with PLAIN by as much work.
#include "broker/sign_in.h"

#include "base/log.h"
#include "base/mem.h"
#include "broker/security.h"
#include "os/clock.h"
#include "os/random.h"
#include "wire/kafka/sasl_authenticate.h"
#include "wire/kafka/sasl_handshake.h"

#include <openssl/crypto.h>

enum { TOKEN_MAX_BYTES = 64 * 1024, NONCE_BYTES = 24, PAUSE_MS = 100 };

enum stage { START, VERSIONS_KNOWN, CHOSEN, CHALLENGED, DONE };

struct sign_in {
    enum stage stage;
    bool alone;                     // tokens come without requests
    enum scram_mechanism mechanism; // SCRAM_NONE: PLAIN
    struct arena arena;
    struct bytes user;
    struct scram_exchange exchange;
    // of before, when it is done again
    char *old_user; // NULL: it is the first time
    enum scram_mechanism old_mechanism;
    bool other_mechanism; // than before: to be refused with the token
    int64_t begun_us;     // again
    int64_t expires_us;   // 0: never
};

struct sign_in *sign_in_new(void)
{
    struct sign_in *sign_in = MEM_NEW(struct sign_in);
    arena_init(&sign_in->arena, 1024);
    return sign_in;
}

void sign_in_free(struct sign_in *sign_in)
{
    if (!sign_in)
        return;
    arena_release(&sign_in->arena);
    mem_free(sign_in->old_user);
    mem_free(sign_in);
}

bool sign_in_done(const struct sign_in *sign_in)
{
    return sign_in->stage == DONE;
}

bool sign_in_takes_token(const struct sign_in *sign_in)
{
    return sign_in->alone && (sign_in->stage == CHOSEN || sign_in->stage == CHALLENGED);
}

const char *sign_in_refuses(struct sign_in *sign_in, const struct request *request)
{
    int16_t key = request->header.key;
    if (sign_in->stage == DONE)
        return sign_in->expires_us && request->arrived_us > sign_in->expires_us &&
                       key != KAFKA_SASL_HANDSHAKE
                   ? "the client has not signed in again in time"
                   : NULL;
    if (sign_in->stage == START && key == KAFKA_API_VERSIONS) {
        // A version we do not know is asked again.
        if (request->header.version <= api_handler_find(key)->max)
            sign_in->stage = VERSIONS_KNOWN;
        return NULL;
    }
    if (sign_in->stage <= VERSIONS_KNOWN)
        return key == KAFKA_SASL_HANDSHAKE ? NULL : "the client has not signed in";
    return key == KAFKA_SASL_AUTHENTICATE || key == KAFKA_SASL_HANDSHAKE
               ? NULL
               : "the client is not done signing in";
}

// --- again ---------------------------------------------------------------------------

enum { AGAIN_EVERY_US = 1000000 };

// What was known of the client stays in force, and its requests under way go on.
static void begin_again(struct sign_in *sign_in, const struct request *request)
{
    if (sign_in->stage != DONE || !sign_in->expires_us ||
        (sign_in->begun_us && request->arrived_us - sign_in->begun_us < AGAIN_EVERY_US))
        return;
    mem_free(sign_in->old_user);
    sign_in->old_user = mem_printf("%.*s", BYTES_PRINT(sign_in->user));
    sign_in->old_mechanism = sign_in->mechanism;
    sign_in->begun_us = request->arrived_us;
    sign_in->user = BYTES_NULL;
    sign_in->exchange = (struct scram_exchange){0};
    arena_clear(&sign_in->arena);
    sign_in->stage = VERSIONS_KNOWN;
}

static const char *authentication(const struct sign_in *sign_in)
{
    return sign_in->old_user ? "re-authentication" : "authentication";
}

// The time until it has to be done again; 0: for ever.
static int64_t set_expiry(struct sign_in *sign_in, const struct broker *broker)
{
    int64_t lifetime_ms = setting(broker, SETTING_SIGN_IN_AGAIN_MS);
    sign_in->expires_us = lifetime_ms > 0 ? clock_mono_us() + lifetime_ms * 1000 : 0;
    return lifetime_ms > 0 ? lifetime_ms : 0;
}

// --- the handshake -------------------------------------------------------------------

static struct bytes *mechanisms(int32_t *count)
{
    static struct bytes names[3];
    names[0] = bytes_from("PLAIN");
    names[1] = bytes_from("SCRAM-SHA-256");
    names[2] = bytes_from("SCRAM-SHA-512");
    *count = 3;
    return names;
}

void sign_in_handshake(struct request *request)
{
    const struct kafka_sasl_handshake_request *m = request->message;
    struct sign_in *sign_in = request_sign_in(request);
    struct kafka_sasl_handshake_response response;
    kafka_sasl_handshake_response_init(&response);
    if (sign_in)
        begin_again(sign_in, request);
    bool now = sign_in && sign_in->stage <= VERSIONS_KNOWN;
    if (!now) {
        response.error_code = kafka_code(ERR_ILLEGAL_SASL_STATE);
        if (sign_in && sign_in->stage != DONE)
            request_respond_last(request, &response, PAUSE_MS);
        else
            request_respond(request, &response);
        return;
    }
    response.mechanisms = mechanisms(&response.mechanisms_count);
    sign_in->mechanism = scram_find(m->mechanism);
    if (sign_in->mechanism == SCRAM_NONE && !bytes_is(m->mechanism, "PLAIN")) {
        response.error_code = kafka_code(ERR_UNSUPPORTED_SASL_MECHANISM);
        request_respond_last(request, &response, PAUSE_MS);
        return;
    }
    sign_in->other_mechanism = sign_in->old_user && sign_in->mechanism != sign_in->old_mechanism;
    sign_in->alone = request_version(request) == 0;
    sign_in->stage = CHOSEN;
    request_respond(request, &response);
}

// --- answers to tokens ---------------------------------------------------------------

static void answer(struct request *request, struct bytes token)
{
    struct sign_in *sign_in = request_sign_in(request);
    int64_t lifetime_ms = 0;
    if (sign_in->stage == DONE)
        lifetime_ms = set_expiry(sign_in, request->broker);
    if (sign_in->stage == DONE && !sign_in->old_user)
        request_signed_in(request, sign_in->user);
    if (sign_in->alone) {
        request_respond_raw(request, token);
        return;
    }
    struct kafka_sasl_authenticate_response response;
    kafka_sasl_authenticate_response_init(&response);
    response.auth_bytes = token;
    response.session_lifetime_ms = lifetime_ms;
    request_respond(request, &response);
}

// `told` goes to the client, the story to the log.
static void refuse(struct request *request, const char *told, const struct diag *diag)
{
    LOG_INFO("broker", "a client did not sign in", "peer=%s why=\"%s\"", request_peer(request),
             diag && diag->code != ERR_OK ? diag_text(diag) : told);
    if (request_sign_in(request)->alone) {
        request_respond_last(request, NULL, PAUSE_MS);
        return;
    }
    struct kafka_sasl_authenticate_response response;
    kafka_sasl_authenticate_response_init(&response);
    response.error_code = kafka_code(ERR_UNAUTHENTICATED);
    response.error_message = bytes_from(arena_strdup(&request->arena, told));
    response.auth_bytes = bytes_from("");
    request_respond_last(request, &response, PAUSE_MS);
}

// The client is who it says. It must be the one it was.
static void finish(struct request *request, struct bytes token)
{
    struct sign_in *sign_in = request_sign_in(request);
    if (sign_in->old_user && !bytes_is(sign_in->user, sign_in->old_user)) {
        refuse(request,
               arena_printf(&request->arena,
                            "Cannot change principals during re-authentication from User.%s: "
                            "User.%.*s",
                            sign_in->old_user, BYTES_PRINT(sign_in->user)),
               NULL);
        return;
    }
    sign_in->stage = DONE;
    answer(request, token);
}

static const char *mechanism_name(enum scram_mechanism mechanism)
{
    return mechanism == SCRAM_NONE ? "PLAIN" : scram_name(mechanism);
}

// --- PLAIN ---------------------------------------------------------------------------

struct plain {
    struct post post;
    struct request *request;
    struct scram_credential credential;
    struct bytes password;
    bool known;
    bool right;
};

static void plain_checked(struct post *post)
{
    struct plain *plain = CONTAINER_OF(post, struct plain, post);
    struct request *request = plain->request;
    if (!plain->right)
        refuse(request, "Authentication failed: Invalid username or password", NULL);
    else
        finish(request, bytes_from(""));
}

static void check_plain(struct request *request)
{
    struct plain *plain = request->state;
    bool right = scram_is_password(&plain->credential, plain->password);
    plain->right = right && plain->known;
    OPENSSL_cleanse((void *)(uintptr_t)plain->password.ptr, plain->password.size);
    loop_post(request_loop(request), &plain->post, plain_checked);
}

// Three texts with zero bytes between them.
static bool split_plain(struct bytes token, struct bytes parts[3])
{
    for (int i = 0; i < 3; i++) {
        const uint8_t *end = token.size ? memchr(token.ptr, 0, token.size) : NULL;
        if ((end != NULL) != (i < 2))
            return false;
        size_t size = end ? (size_t)(end - token.ptr) : token.size;
        parts[i] = bytes_make(token.ptr, size);
        if (end)
            token = bytes_make(end + 1, token.size - size - 1);
    }
    return true;
}

static void begin_plain(struct sign_in *sign_in, struct request *request, struct bytes token)
{
    struct bytes parts[3]; // who to be, who, password
    const char *wrong = NULL;
    if (!split_plain(token, parts))
        wrong = "Invalid SASL/PLAIN response: expected 3 tokens";
    else if (parts[1].size == 0)
        wrong = "Authentication failed: username not specified";
    else if (parts[2].size == 0)
        wrong = "Authentication failed: password not specified";
    else if (parts[0].size > 0 && !bytes_equal(parts[0], parts[1]))
        wrong = "Authentication failed: Client requested an authorization id that is different "
                "from username";
    if (wrong) {
        refuse(request, wrong, NULL);
        return;
    }
    struct users *users = security_users(request->broker->security);
    struct plain *plain = ARENA_NEW(&request->arena, struct plain);
    plain->request = request;
    plain->password = arena_bytes(&request->arena, parts[2]);
    OPENSSL_cleanse((void *)(uintptr_t)parts[2].ptr, parts[2].size); // in the frame
    sign_in->user = arena_bytes(&sign_in->arena, parts[1]);
    plain->known = users_find(users, sign_in->user, SCRAM_NONE, &plain->credential);
    if (!plain->known)
        scram_decoy(&plain->credential, SCRAM_SHA_256, request->broker->decoy, sign_in->user);
    request->state = plain;
    request_work(request, check_plain);
}

// --- SCRAM ---------------------------------------------------------------------------

static void refuse_scram(struct sign_in *sign_in, struct request *request, const struct diag *diag)
{
    // Nothing that tells whether there is such a user.
    refuse(request,
           arena_printf(&request->arena,
                        "Authentication failed during %s due to invalid credentials with SASL "
                        "mechanism %s",
                        authentication(sign_in), scram_name(sign_in->mechanism)),
           diag);
}

static struct bytes make_nonce(struct arena *arena)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t *nonce = arena_alloc(arena, NONCE_BYTES);
    random_fill(nonce, NONCE_BYTES);
    for (int i = 0; i < NONCE_BYTES; i++)
        nonce[i] = (uint8_t)digits[nonce[i] & 63];
    return bytes_make(nonce, NONCE_BYTES);
}

static void begin_scram(struct sign_in *sign_in, struct request *request, struct bytes token)
{
    struct diag diag = DIAG_INIT;
    struct bytes authzid;
    struct scram_exchange *exchange = &sign_in->exchange;
    if (scram_begin(exchange, &sign_in->arena, token, &sign_in->user, &authzid, &diag) != ERR_OK) {
        refuse_scram(sign_in, request, &diag);
        return;
    }
    if (authzid.size > 0 && !bytes_equal(authzid, sign_in->user)) {
        refuse(request,
               "Authentication failed: Client requested an authorization id that is different "
               "from username",
               NULL);
        return;
    }
    if (!users_find(security_users(request->broker->security), sign_in->user, sign_in->mechanism,
                    &exchange->credential))
        scram_decoy(&exchange->credential, sign_in->mechanism, request->broker->decoy,
                    sign_in->user);
    sign_in->stage = CHALLENGED;
    answer(request, scram_challenge(exchange, &sign_in->arena, make_nonce(&sign_in->arena)));
}

static void finish_scram(struct sign_in *sign_in, struct request *request, struct bytes token)
{
    struct diag diag = DIAG_INIT;
    struct bytes out;
    if (scram_finish(&sign_in->exchange, &sign_in->arena, token, &out, &diag) != ERR_OK) {
        refuse_scram(sign_in, request, &diag);
        return;
    }
    finish(request, out);
}

// --- tokens --------------------------------------------------------------------------

void sign_in_token(struct sign_in *sign_in, struct request *request, struct bytes token)
{
    if (token.size > TOKEN_MAX_BYTES)
        refuse(request, "Authentication failed: the token is too large", NULL);
    else if (sign_in->other_mechanism)
        refuse(request,
               arena_printf(&request->arena,
                            "SASL mechanism '%s' requested by client is not supported for "
                            "re-authentication of mechanism '%s'",
                            mechanism_name(sign_in->mechanism),
                            mechanism_name(sign_in->old_mechanism)),
               NULL);
    else if (sign_in->mechanism == SCRAM_NONE)
        begin_plain(sign_in, request, token);
    else if (sign_in->stage == CHOSEN)
        begin_scram(sign_in, request, token);
    else
        finish_scram(sign_in, request, token);
}

void sign_in_authenticate(struct request *request)
{
    const struct kafka_sasl_authenticate_request *m = request->message;
    struct sign_in *sign_in = request_sign_in(request);
    if (sign_in && sign_in->stage != DONE) {
        sign_in_token(sign_in, request, m->auth_bytes);
        return;
    }
    struct kafka_sasl_authenticate_response response;
    kafka_sasl_authenticate_response_init(&response);
    response.error_code = kafka_code(ERR_ILLEGAL_SASL_STATE);
    response.error_message =
        bytes_from("SaslAuthenticate request received after successful authentication");
    response.auth_bytes = bytes_from("");
    request_respond(request, &response);
}
