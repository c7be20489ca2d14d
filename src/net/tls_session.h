// SPDX-License-Identifier: Apache-2.0
//
// tls_session: the TLS side of one connection. Private to net/: conn.c reads and writes through it.
//
// Thread     the connection's loop. Nothing here waits.
#ifndef NET_TLS_SESSION_H
#define NET_TLS_SESSION_H

#include "net/tls.h"
#include "os/socket.h"

enum { TLS_RECORD_BYTES = 16384 }; // a read with so much room leaves nothing behind in the session

struct tls__session;

struct tls__session *tls__accept(struct tls *tls, int fd);
void tls__free(struct tls__session *session); // says goodbye first, where that is still possible
// As socket_read() and socket_write(). After SOCKET_AGAIN the two below tell what to wait for. A
// write that had to wait is repeated with at least the same bytes.
int64_t tls__read(struct tls__session *session, void *ptr, size_t size);
int64_t tls__write(struct tls__session *session, const void *ptr, size_t size);
bool tls__waits_to_read(const struct tls__session *session);
bool tls__waits_to_write(const struct tls__session *session);
// Subject of the client's verified certificate as in RFC 2253 ("CN=app,O=weir"); false if none.
bool tls__subject(const struct tls__session *session, char *out, size_t size);
const char *tls__problem(const struct tls__session *session); // why it failed; NULL if it did not

#endif
