// SPDX-License-Identifier: Apache-2.0
//
// scram: SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, 7677) on the server's side, without channel
// binding. What is kept of a password cannot be used to sign in elsewhere. Pure.
//
// Errors     ERR_UNAUTHENTICATED for everything that is wrong with an exchange; the story is for
//            the log, not for the client.
#ifndef BROKER_SCRAM_H
#define BROKER_SCRAM_H

#include "base/arena.h"
#include "base/diag.h"

// The codes of Kafka's credential APIs.
enum scram_mechanism { SCRAM_NONE = 0, SCRAM_SHA_256 = 1, SCRAM_SHA_512 = 2 };

enum {
    SCRAM_KEY_MAX = 64,
    SCRAM_SALT_MAX = 256,
    SCRAM_ITERATIONS_MIN = 4096,
    SCRAM_ITERATIONS_MAX = 16384, // Kafka's bound
};

struct scram_credential {
    enum scram_mechanism mechanism;
    int32_t iterations;
    size_t salt_size;
    uint8_t salt[SCRAM_SALT_MAX];
    uint8_t stored_key[SCRAM_KEY_MAX];
    uint8_t server_key[SCRAM_KEY_MAX];
};

size_t scram_key_size(enum scram_mechanism mechanism);
const char *scram_name(enum scram_mechanism mechanism); // "SCRAM-SHA-256"
enum scram_mechanism scram_find(struct bytes name);     // SCRAM_NONE if it is none

// PBKDF2: takes milliseconds, on purpose. `out` has room for SCRAM_KEY_MAX.
void scram_salt_password(enum scram_mechanism mechanism, struct bytes password, struct bytes salt,
                         int32_t iterations, uint8_t *out);
// From the salted password, with the salt and iterations of `credential` set.
void scram_derive(struct scram_credential *credential, const uint8_t *salted);
// A credential for the password, with a fresh salt. As slow as scram_salt_password().
void scram_make(struct scram_credential *credential, enum scram_mechanism mechanism,
                struct bytes password, int32_t iterations);
// In constant time apart from scram_salt_password().
bool scram_is_password(const struct scram_credential *credential, struct bytes password);
// A credential nobody has the password of, the same each time for a name: what a stranger is shown
// so that names cannot be tried out.
void scram_decoy(struct scram_credential *credential, enum scram_mechanism mechanism,
                 struct bytes secret, struct bytes name);

// One exchange. All texts are in the arena, which outlives it.
struct scram_exchange {
    struct scram_credential credential;
    struct bytes gs2;        // "n,,"
    struct bytes first_bare; // the client's first message without it
    struct bytes server_first;
    struct bytes nonce; // both halves
};

// Reads the client's first message: who it is. `authzid` is empty when it gives none.
MUST_USE err_t scram_begin(struct scram_exchange *exchange, struct arena *arena,
                           struct bytes message, struct bytes *user, struct bytes *authzid,
                           struct diag *diag);
// The server's answer, once exchange->credential is set. `nonce` is the server's half, printable
// without commas.
struct bytes scram_challenge(struct scram_exchange *exchange, struct arena *arena,
                             struct bytes nonce);
// Checks the client's final message; `*out` is the server's.
MUST_USE err_t scram_finish(struct scram_exchange *exchange, struct arena *arena,
                            struct bytes message, struct bytes *out, struct diag *diag);

#endif
