// SPDX-License-Identifier: Apache-2.0
//
// socket: non-blocking TCP sockets, with errors that name the address.
//
// Errors     ERR_CONFLICT (the port is in use), ERR_INVALID (not an address of this machine),
// ERR_IO.
#ifndef OS_SOCKET_H
#define OS_SOCKET_H

#include "base/diag.h"

#include <stddef.h>
#include <stdint.h>

enum {
    SOCKET_AGAIN = -1,
    SOCKET_CLOSED = -2
}; // answers of the transfer functions beside a byte count

struct socket_part {
    const void *ptr;
    size_t size;
};

// A listening socket, non-blocking. `host` is a numeric address or a name; `*port` 0 takes a free
// one and is set to it.
MUST_USE err_t socket_listen(int *out, const char *host, uint16_t *port, struct diag *diag);
// Opens listeners for `host`: both loopbacks for "localhost", "127.0.0.1" and "::1" (a machine
// without IPv6 gets one), else one. Writes up to 2 descriptors and their count.
MUST_USE err_t socket_listen_all(int out[2], size_t *count, const char *host, uint16_t *port,
                                 struct diag *diag);
// A listening Unix socket in the folder `dir`, for this user's programs only; one left behind by a
// program that ended is replaced. The path may be longer than a socket's address can be.
MUST_USE err_t socket_listen_at(int *out, const char *dir, const char *name, struct diag *diag);
// A connected, *blocking* one. ERR_NOT_FOUND when nobody listens there. BLOCKS
MUST_USE err_t socket_connect_at(int *out, const char *dir, const char *name, struct diag *diag);
// A connected, *blocking* socket without delay, for clients. BLOCKS
MUST_USE err_t socket_connect(int *out, const char *host, uint16_t port, struct diag *diag);
// Non-blocking, no delay. SOCKET_AGAIN when nobody waits, SOCKET_CLOSED on another failure.
int socket_accept(int listener);
void socket_close(int fd);
int64_t socket_read(int fd, void *ptr, size_t size); // SOCKET_CLOSED also at the end
int64_t socket_write(int fd, const struct socket_part *parts, size_t count); // up to 64 parts
// The same where socket_send_file() follows at once: both leave in one packet, and wake the peer
// once.
int64_t socket_write_before_file(int fd, const struct socket_part *parts, size_t count);
int64_t socket_send_file(int fd, int file, int64_t offset, size_t size);
void socket_peer(int fd, char *out, size_t size);       // "127.0.0.1:51234", "[::1]:51234", "local"
void socket_local_host(int fd, char *out, size_t size); // "127.0.0.1", "::1"

#endif
