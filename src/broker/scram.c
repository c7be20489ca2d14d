// SPDX-License-Identifier: Apache-2.0
//
//   client first   n,[a=authzid],n=user,r=nonce[,extensions]
//   server first   r=nonce+ours,s=base64 salt,i=iterations
//   client final   c=base64 of "n,,",r=nonce+ours[,extensions],p=base64 proof
//   server final   v=base64 signature
//
//   SaltedPassword  = PBKDF2(password, salt, iterations)
//   ClientKey       = HMAC(SaltedPassword, "Client Key")     StoredKey = H(ClientKey)
//   ServerKey       = HMAC(SaltedPassword, "Server Key")
//   AuthMessage     = client first without gs2 "," server first "," client final without proof
//   proof           = ClientKey xor HMAC(StoredKey, AuthMessage)
//   signature       = HMAC(ServerKey, AuthMessage)
#include "broker/scram.h"

#include "os/random.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define MESSAGE_MAX_BYTES 4096
#define SALT_BYTES        24

static const EVP_MD *digest_of(enum scram_mechanism mechanism)
{
    return mechanism == SCRAM_SHA_512 ? EVP_sha512() : EVP_sha256();
}

size_t scram_key_size(enum scram_mechanism mechanism)
{
    return mechanism == SCRAM_SHA_512 ? 64 : 32;
}

const char *scram_name(enum scram_mechanism mechanism)
{
    return mechanism == SCRAM_SHA_512 ? "SCRAM-SHA-512" : "SCRAM-SHA-256";
}

enum scram_mechanism scram_find(struct bytes name)
{
    if (bytes_is(name, "SCRAM-SHA-256"))
        return SCRAM_SHA_256;
    return bytes_is(name, "SCRAM-SHA-512") ? SCRAM_SHA_512 : SCRAM_NONE;
}

// --- keys ----------------------------------------------------------------------------

static void hmac(enum scram_mechanism mechanism, const uint8_t *key, size_t key_size,
                 struct bytes message, uint8_t *out)
{
    unsigned size = SCRAM_KEY_MAX;
    HMAC(digest_of(mechanism), key, (int)key_size, message.ptr, message.size, out, &size);
}

static void hash(enum scram_mechanism mechanism, const uint8_t *key, uint8_t *out)
{
    unsigned size = SCRAM_KEY_MAX;
    EVP_Digest(key, scram_key_size(mechanism), out, &size, digest_of(mechanism), NULL);
}

void scram_salt_password(enum scram_mechanism mechanism, struct bytes password, struct bytes salt,
                         int32_t iterations, uint8_t *out)
{
    PKCS5_PBKDF2_HMAC(password.ptr ? (const char *)password.ptr : "", (int)password.size, salt.ptr,
                      (int)salt.size, iterations, digest_of(mechanism),
                      (int)scram_key_size(mechanism), out);
}

void scram_derive(struct scram_credential *credential, const uint8_t *salted)
{
    enum scram_mechanism mechanism = credential->mechanism;
    size_t size = scram_key_size(mechanism);
    uint8_t client_key[SCRAM_KEY_MAX];
    hmac(mechanism, salted, size, bytes_from("Client Key"), client_key);
    hash(mechanism, client_key, credential->stored_key);
    hmac(mechanism, salted, size, bytes_from("Server Key"), credential->server_key);
    OPENSSL_cleanse(client_key, sizeof client_key);
}

static struct bytes salt_of(const struct scram_credential *credential)
{
    return bytes_make(credential->salt, credential->salt_size);
}

void scram_make(struct scram_credential *credential, enum scram_mechanism mechanism,
                struct bytes password, int32_t iterations)
{
    uint8_t salted[SCRAM_KEY_MAX];
    *credential = (struct scram_credential){
        .mechanism = mechanism, .iterations = iterations, .salt_size = SALT_BYTES};
    random_fill(credential->salt, SALT_BYTES);
    scram_salt_password(mechanism, password, salt_of(credential), iterations, salted);
    scram_derive(credential, salted);
    OPENSSL_cleanse(salted, sizeof salted);
}

bool scram_is_password(const struct scram_credential *credential, struct bytes password)
{
    struct scram_credential made = *credential;
    uint8_t salted[SCRAM_KEY_MAX];
    scram_salt_password(credential->mechanism, password, salt_of(credential),
                        credential->iterations, salted);
    scram_derive(&made, salted);
    OPENSSL_cleanse(salted, sizeof salted);
    return CRYPTO_memcmp(made.stored_key, credential->stored_key,
                         scram_key_size(credential->mechanism)) == 0;
}

void scram_decoy(struct scram_credential *credential, enum scram_mechanism mechanism,
                 struct bytes secret, struct bytes name)
{
    uint8_t salt[SCRAM_KEY_MAX];
    *credential = (struct scram_credential){
        .mechanism = mechanism, .iterations = SCRAM_ITERATIONS_MIN, .salt_size = SALT_BYTES};
    hmac(SCRAM_SHA_256, secret.ptr, secret.size, name, salt);
    memcpy(credential->salt, salt, SALT_BYTES);
    random_fill(credential->stored_key, sizeof credential->stored_key);
    random_fill(credential->server_key, sizeof credential->server_key);
}

// --- texts ---------------------------------------------------------------------------

static struct bytes base64(struct arena *arena, const uint8_t *ptr, size_t size)
{
    uint8_t *out = arena_alloc(arena, size / 3 * 4 + 5);
    int length = EVP_EncodeBlock(out, ptr, (int)size);
    return bytes_make(out, (size_t)length);
}

// ptr NULL when it is not base64.
static struct bytes unbase64(struct arena *arena, struct bytes text)
{
    if (text.size == 0 || text.size % 4 != 0 || text.size > MESSAGE_MAX_BYTES)
        return BYTES_NULL;
    uint8_t *out = arena_alloc(arena, text.size);
    int length = EVP_DecodeBlock(out, text.ptr, (int)text.size);
    if (length < 0)
        return BYTES_NULL;
    size_t padding =
        (size_t)(text.ptr[text.size - 1] == '=') + (size_t)(text.ptr[text.size - 2] == '=');
    return bytes_make(out, (size_t)length - padding);
}

// Takes "NAME=value" off the front of `*rest`, and the comma behind it. False when it is not there.
static bool take(struct bytes *rest, char name, struct bytes *value)
{
    if (rest->size < 2 || rest->ptr[0] != (uint8_t)name || rest->ptr[1] != '=')
        return false;
    const uint8_t *start = rest->ptr + 2;
    const uint8_t *comma = memchr(start, ',', rest->size - 2);
    size_t size = comma ? (size_t)(comma - start) : rest->size - 2;
    *value = bytes_make(start, size);
    size_t used = 2 + size + (comma != NULL);
    *rest = bytes_make(rest->ptr + used, rest->size - used);
    return true;
}

// "=2C" is a comma, "=3D" an equals sign; nothing else may follow one.
static bool unescape(struct arena *arena, struct bytes in, struct bytes *out)
{
    uint8_t *text = arena_alloc(arena, in.size + 1);
    size_t size = 0;
    for (size_t i = 0; i < in.size; i++) {
        text[size] = in.ptr[i];
        if (in.ptr[i] == '=') {
            bool comma = in.size - i >= 3 && memcmp(in.ptr + i, "=2C", 3) == 0;
            bool equals = in.size - i >= 3 && memcmp(in.ptr + i, "=3D", 3) == 0;
            if (!comma && !equals)
                return false;
            text[size] = comma ? ',' : '=';
            i += 2;
        }
        size++;
    }
    *out = bytes_make(text, size);
    return true;
}

static bool printable(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.ptr[i] <= 0x20 || text.ptr[i] >= 0x7f)
            return false;
    return text.size > 0;
}

// --- the exchange --------------------------------------------------------------------

err_t scram_begin(struct scram_exchange *exchange, struct arena *arena, struct bytes message,
                  struct bytes *user, struct bytes *authzid, struct diag *diag)
{
    struct bytes name, escaped = BYTES_NULL;
    if (message.size > MESSAGE_MAX_BYTES || message.size < 2 || message.ptr[1] != ',' ||
        (message.ptr[0] != 'n' && message.ptr[0] != 'y'))
        return FAIL(diag, ERR_UNAUTHENTICATED, "SCRAM: the first message does not begin with n,");
    message = arena_bytes(arena, message);
    struct bytes rest = bytes_make(message.ptr + 2, message.size - 2);
    if (!take(&rest, 'a', &escaped)) { // an empty authzid is one comma
        if (rest.size == 0 || rest.ptr[0] != ',')
            return FAIL(diag, ERR_UNAUTHENTICATED, "SCRAM: the first message is cut short");
        rest = bytes_make(rest.ptr + 1, rest.size - 1);
    }
    exchange->gs2 = bytes_make(message.ptr, (size_t)(rest.ptr - message.ptr));
    exchange->first_bare = rest;
    if (!take(&rest, 'n', &name) || !take(&rest, 'r', &exchange->nonce) ||
        !printable(exchange->nonce))
        return FAIL(diag, ERR_UNAUTHENTICATED, "SCRAM: the first message has no name or nonce");
    if (name.size == 0 || !unescape(arena, name, user) || !unescape(arena, escaped, authzid))
        return FAIL(diag, ERR_UNAUTHENTICATED, "SCRAM: the name is not a SASL name");
    return ERR_OK;
}

struct bytes scram_challenge(struct scram_exchange *exchange, struct arena *arena,
                             struct bytes nonce)
{
    const struct scram_credential *credential = &exchange->credential;
    struct bytes salt = base64(arena, credential->salt, credential->salt_size);
    char *text = arena_printf(arena, "r=%.*s%.*s,s=%.*s,i=%d", BYTES_PRINT(exchange->nonce),
                              BYTES_PRINT(nonce), BYTES_PRINT(salt), (int)credential->iterations);
    exchange->server_first = bytes_from(text);
    exchange->nonce = bytes_make(text + 2, exchange->nonce.size + nonce.size);
    return exchange->server_first;
}

// Does the proof show that the client knows the password?
static bool proves(const struct scram_credential *credential, struct bytes auth_message,
                   struct bytes proof)
{
    size_t size = scram_key_size(credential->mechanism);
    uint8_t key[SCRAM_KEY_MAX], stored[SCRAM_KEY_MAX];
    if (proof.size != size)
        return false;
    hmac(credential->mechanism, credential->stored_key, size, auth_message, key);
    for (size_t i = 0; i < size; i++)
        key[i] ^= proof.ptr[i];
    hash(credential->mechanism, key, stored);
    return CRYPTO_memcmp(stored, credential->stored_key, size) == 0;
}

// Older librdkafka (2.0.2, as in Debian 12) says its own half of the nonce once more in front of
// both, which Kafka took until 3.7.1 (CVE-2024-56128). Both halves must be there, as in what is
// proved.
static bool ends_in(struct bytes nonce, struct bytes both)
{
    return nonce.size >= both.size &&
           bytes_equal(bytes_make(nonce.ptr + nonce.size - both.size, both.size), both);
}

err_t scram_finish(struct scram_exchange *exchange, struct arena *arena, struct bytes message,
                   struct bytes *out, struct diag *diag)
{
    struct bytes rest = message, binding, nonce, proof = BYTES_NULL, other;
    if (message.size > MESSAGE_MAX_BYTES || !take(&rest, 'c', &binding) ||
        !take(&rest, 'r', &nonce))
        return FAIL(diag, ERR_UNAUTHENTICATED, "SCRAM: the final message has no c= or r=");
    struct bytes without = bytes_make(message.ptr, 0);
    while (rest.size > 0 && !proof.ptr) { // extensions may stand before the proof
        without.size = (size_t)(rest.ptr - message.ptr) - 1;
        if (!take(&rest, 'p', &proof) && !take(&rest, (char)rest.ptr[0], &other))
            return FAIL(diag, ERR_UNAUTHENTICATED, "SCRAM: the final message has no proof");
    }
    struct bytes header = unbase64(arena, binding);
    if (!proof.ptr || rest.size > 0)
        return FAIL(diag, ERR_UNAUTHENTICATED, "SCRAM: the final message does not end in a proof");
    if (!bytes_equal(header, exchange->gs2) && !bytes_is(header, "n,,"))
        return FAIL(diag, ERR_UNAUTHENTICATED, "SCRAM: another channel binding than at first");
    if (!ends_in(nonce, exchange->nonce))
        return FAIL(diag, ERR_UNAUTHENTICATED, "SCRAM: another nonce than ours");
    char *text = arena_printf(arena, "%.*s,%.*s,%.*s", BYTES_PRINT(exchange->first_bare),
                              BYTES_PRINT(exchange->server_first), BYTES_PRINT(without));
    if (!proves(&exchange->credential, bytes_from(text), unbase64(arena, proof)))
        return FAIL(diag, ERR_UNAUTHENTICATED, "SCRAM: wrong password, or no such user");
    uint8_t signature[SCRAM_KEY_MAX];
    size_t size = scram_key_size(exchange->credential.mechanism);
    hmac(exchange->credential.mechanism, exchange->credential.server_key, size, bytes_from(text),
         signature);
    struct bytes encoded = base64(arena, signature, size);
    *out = bytes_from(arena_printf(arena, "v=%.*s", BYTES_PRINT(encoded)));
    return ERR_OK;
}
