// SPDX-License-Identifier: Apache-2.0
//
// sign_in: the SASL exchange at the beginning of a connection: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512.
// Until it is complete the connection may ask for nothing but ApiVersions, a handshake and the
// exchange itself, one request at a time. Where it holds for a time only, the client does it again
// on the same connection, as the same user by the same mechanism.
//
// Thread     the connection's loop. Checking a PLAIN password takes milliseconds: on a worker.
// Errors     as Kafka: a wrong mechanism is answered with those there are (33), wrong credentials
//            with 58 after a pause; then, as after everything else that is wrong, the connection
//            is closed.
#ifndef BROKER_SIGN_IN_H
#define BROKER_SIGN_IN_H

#include "broker/broker_int.h"
#include "wire/reader.h"

enum {
    SIGN_IN_FRAME_MAX_BYTES = 512 * 1024, // sasl.server.max.receive.size
    SIGN_IN_TIMEOUT_MS = 30000,
};

struct sign_in;

struct sign_in *sign_in_new(void);
void sign_in_free(struct sign_in *sign_in); // NULL is fine
bool sign_in_done(const struct sign_in *sign_in);
// Does the next frame hold a token alone, without a request around it? (After a handshake of
// version 0.)
bool sign_in_takes_token(const struct sign_in *sign_in);
void sign_in_token(struct sign_in *sign_in, struct request *request, struct bytes token);
// SaslHandshake and SaslAuthenticate, also where nobody needs to sign in.
void sign_in_handshake(struct request *request);
void sign_in_authenticate(struct request *request);
// May this request be asked now? NULL, or why not: before it is complete, and when it has been too
// long ago (connections.max.reauth.ms) and is not begun again (KIP-368).
const char *sign_in_refuses(struct sign_in *sign_in, const struct request *request);

#endif
