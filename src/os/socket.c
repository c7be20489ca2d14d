// SPDX-License-Identifier: Apache-2.0
#include "os/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define PARTS_MAX 64
#define DEAF_MS   120000 // a peer that takes nothing of what waits for it for so long is gone

static err_t listen_at(int *out, const struct addrinfo *info, const char *host, uint16_t *port,
                       struct diag *diag)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return FAIL(diag, ERR_IO, "cannot make a socket: %s", strerror(errno));
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (info->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, 4096) != 0) {
        int error = errno;
        close(fd);
        if (error == EADDRINUSE)
            return FAIL(diag, ERR_CONFLICT, "port %u on %s is in use by another program", *port,
                        host);
        if (error == EADDRNOTAVAIL)
            return FAIL(diag, ERR_INVALID, "%s is not an address of this machine", host);
        return FAIL(diag, ERR_IO, "cannot listen on %s port %u: %s", host, *port, strerror(error));
    }
    struct sockaddr_in6 bound = {0}; // large enough for both, and the port stands at one place
    socklen_t size = sizeof bound;
    getsockname(fd, (struct sockaddr *)&bound, &size);
    *port = ntohs(bound.sin6_port);
    *out = fd;
    return ERR_OK;
}

err_t socket_listen(int *out, const char *host, uint16_t *port, struct diag *diag)
{
    char service[8];
    snprintf(service, sizeof service, "%u", *port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *info = NULL;
    int failed = getaddrinfo(host, service, &hints, &info);
    if (failed)
        return FAIL(diag, ERR_INVALID, "cannot listen on %s: %s", host, gai_strerror(failed));
    err_t err = listen_at(out, info, host, port, diag);
    freeaddrinfo(info);
    return err;
}

err_t socket_listen_all(int out[2], size_t *count, const char *host, uint16_t *port,
                        struct diag *diag)
{
    bool loopback = strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 ||
                    strcmp(host, "::1") == 0;
    if (!loopback) {
        *count = 1;
        return socket_listen(&out[0], host, port, diag);
    }
    bool any_port = *port == 0;
    for (int attempt = 0;; attempt++) {
        if (any_port)
            *port = 0;
        TRY(socket_listen(&out[0], "127.0.0.1", port, diag));
        *count = 1;
        err_t err = socket_listen(&out[1], "::1", port, NULL);
        if (err == ERR_OK) {
            *count = 2;
            return ERR_OK;
        }
        if (err != ERR_CONFLICT)
            return ERR_OK; // no IPv6 here
        socket_close(out[0]);
        if (!any_port || attempt == 20)
            return FAIL(diag, ERR_CONFLICT, "port %u on ::1 is in use by another program", *port);
    }
}

// An address of at most 107 bytes however long the folder's path is: through its descriptor.
static err_t local_address(struct sockaddr_un *address, int *folder, const char *dir,
                           const char *name, struct diag *diag)
{
    *folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*folder < 0)
        return FAIL(diag, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open %s: %s", dir,
                    strerror(errno));
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", *folder, name);
    return ERR_OK;
}

err_t socket_listen_at(int *out, const char *dir, const char *name, struct diag *diag)
{
    struct sockaddr_un address;
    int folder;
    TRY(local_address(&address, &folder, dir, name, diag));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    unlink(address.sun_path);
    // Only who runs weir may connect: bind() makes the file with the mode of the socket itself.
    int result = fd < 0 ? -1 : fchmod(fd, S_IRUSR | S_IWUSR);
    if (result == 0)
        result = bind(fd, (struct sockaddr *)&address, sizeof address);
    if (result == 0)
        result = listen(fd, 64);
    int error = errno;
    close(folder);
    if (result != 0) {
        if (fd >= 0)
            close(fd);
        return FAIL(diag, ERR_IO, "cannot listen on %s/%s: %s", dir, name, strerror(error));
    }
    *out = fd;
    return ERR_OK;
}

err_t socket_connect_at(int *out, const char *dir, const char *name, struct diag *diag)
{
    struct sockaddr_un address;
    int folder;
    TRY(local_address(&address, &folder, dir, name, diag));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, sizeof address);
    int error = errno;
    close(folder);
    if (result != 0) {
        if (fd >= 0)
            close(fd);
        return FAIL(diag, error == ENOENT || error == ECONNREFUSED ? ERR_NOT_FOUND : ERR_IO,
                    "cannot connect to %s/%s: %s", dir, name, strerror(error));
    }
    *out = fd;
    return ERR_OK;
}

err_t socket_connect(int *out, const char *host, uint16_t port, struct diag *diag)
{
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *info = NULL;
    int failed = getaddrinfo(host, service, &hints, &info);
    if (failed)
        return FAIL(diag, ERR_INVALID, "cannot reach %s: %s", host, gai_strerror(failed));
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = fd < 0 ? -1 : connect(fd, info->ai_addr, info->ai_addrlen);
    int error = errno;
    freeaddrinfo(info);
    if (result != 0) {
        if (fd >= 0)
            close(fd);
        return FAIL(diag, ERR_IO, "cannot connect to %s:%u: %s", host, port, strerror(error));
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    *out = fd;
    return ERR_OK;
}

int socket_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? SOCKET_AGAIN : SOCKET_CLOSED;
    int on = 1;
    unsigned deaf_ms = DEAF_MS;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &deaf_ms, sizeof deaf_ms);
    return fd;
}

void socket_close(int fd)
{
    close(fd);
}

static int64_t answer(ssize_t moved)
{
    if (moved >= 0)
        return moved;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? SOCKET_AGAIN : SOCKET_CLOSED;
}

int64_t socket_read(int fd, void *ptr, size_t size)
{
    ssize_t got = recv(fd, ptr, size, 0);
    return got == 0 ? SOCKET_CLOSED : answer(got);
}

static int64_t send_parts(int fd, const struct socket_part *parts, size_t count, int flags)
{
    struct iovec vectors[PARTS_MAX];
    if (count > PARTS_MAX)
        count = PARTS_MAX;
    for (size_t i = 0; i < count; i++)
        vectors[i] =
            (struct iovec){.iov_base = (void *)(uintptr_t)parts[i].ptr, .iov_len = parts[i].size};
    struct msghdr message = {.msg_iov = vectors, .msg_iovlen = count};
    return answer(sendmsg(fd, &message, MSG_NOSIGNAL | flags));
}

int64_t socket_write(int fd, const struct socket_part *parts, size_t count)
{
    return send_parts(fd, parts, count, 0);
}

int64_t socket_write_before_file(int fd, const struct socket_part *parts, size_t count)
{
    return send_parts(fd, parts, count, MSG_MORE);
}

int64_t socket_send_file(int fd, int file, int64_t offset, size_t size)
{
    off_t at = offset;
    ssize_t moved = sendfile(fd, file, &at, size);
    return moved == 0 && size > 0 ? SOCKET_CLOSED
                                  : answer(moved); // 0: the file is shorter than promised
}

static void numeric(const struct sockaddr_storage *address, socklen_t length, char *host,
                    size_t host_size, char *service, size_t service_size)
{
    if (getnameinfo((const struct sockaddr *)address, length, host, (socklen_t)host_size, service,
                    (socklen_t)service_size, NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        snprintf(host, host_size, "unknown");
        if (service_size)
            snprintf(service, service_size, "0");
    }
}

void socket_peer(int fd, char *out, size_t size)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    char host[NI_MAXHOST], service[16];
    getpeername(fd, (struct sockaddr *)&address, &length);
    if (address.ss_family == AF_UNIX) {
        snprintf(out, size, "local");
        return;
    }
    numeric(&address, length, host, sizeof host, service, sizeof service);
    snprintf(out, size, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, service);
}

void socket_local_host(int fd, char *out, size_t size)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    getsockname(fd, (struct sockaddr *)&address, &length);
    numeric(&address, length, out, size, NULL, 0);
}
