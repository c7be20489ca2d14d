// SPDX-License-Identifier: Apache-2.0
//
// broker_fuzz: what real clients sent, mutated, thrown at a whole broker over sockets, several
// requests per connection. It must stay alive and still answer at the end.
#include "broker/broker.h"
#include "os/file.h"
#include "wire/kafka/api.h"
#include "wire/kafka/golden.h"
#include "wire/writer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { MUTATIONS = 4, HEADER_BYTES = 8 };

struct fuzz {
    uint16_t port;
    uint64_t random;
};

static uint32_t next(struct fuzz *fuzz)
{
    fuzz->random = fuzz->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(fuzz->random >> 33);
}

static int dial(const struct fuzz *fuzz)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(fuzz->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval limit = {.tv_usec = 2000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    int got = connect(fd, (struct sockaddr *)&address, sizeof address);
    assert(got == 0);
    return fd;
}

static void send_frame(int fd, struct bytes body)
{
    struct str frame = {0};
    writer_u32(&frame, (uint32_t)body.size);
    str_append_bytes(&frame, body);
    ssize_t sent = send(fd, frame.ptr, frame.size, MSG_NOSIGNAL);
    (void)sent; // the broker may have closed
    str_release(&frame);
}

static void throw_one(const struct golden *golden, void *ctx)
{
    struct fuzz *fuzz = ctx;
    // A mutated partition count could ask for 100,000 partitions: legal, and slow.
    if (golden->key == KAFKA_CREATE_TOPICS || golden->key == KAFKA_CREATE_PARTITIONS)
        return;
    int fd = dial(fuzz);
    for (int i = 0; i < MUTATIONS; i++) {
        uint8_t *copy = (uint8_t *)malloc(golden->request.size);
        memcpy(copy, golden->request.ptr, golden->request.size);
        static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe};
        for (uint32_t n = i ? 1 + next(fuzz) % 3 : 0; n && golden->request.size > HEADER_BYTES; n--)
            copy[HEADER_BYTES + next(fuzz) % (golden->request.size - HEADER_BYTES)] =
                next(fuzz) % 2 ? edges[next(fuzz) % 6] : (uint8_t)next(fuzz);
        send_frame(fd, bytes_make(copy, golden->request.size));
        free(copy);
    }
    uint8_t scratch[4096];
    while (next(fuzz) % 4 && recv(fd, scratch, sizeof scratch, 0) > 0)
        ;
    close(fd);
}

static bool still_answers(const struct fuzz *fuzz)
{
    static const uint8_t api_versions[] = {0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff};
    uint8_t head[4];
    int fd = dial(fuzz);
    struct timeval limit = {.tv_sec = 60};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    send_frame(fd, bytes_make(api_versions, sizeof api_versions));
    bool fine = recv(fd, head, sizeof head, MSG_WAITALL) == sizeof head;
    close(fd);
    return fine;
}

int main(void)
{
    char dir[] = "/tmp/weir-broker-fuzz-XXXXXX";
    struct loops *loops;
    struct broker *broker;
    struct diag diag = DIAG_INIT;
    struct fuzz fuzz = {.random = 99};
    bool made = mkdtemp(dir) != NULL;
    assert(made);
    err_t err = loops_start(&loops, 2, 3, &diag);
    struct broker_options options = {.data_dir = dir, .loops = loops, .host = "127.0.0.1"};
    if (err == ERR_OK)
        err = broker_open(&broker, &options, &diag);
    if (err == ERR_OK)
        err = broker_listen(broker, &fuzz.port, &diag);
    assert(err == ERR_OK);
    golden_each(throw_one, &fuzz);
    bool fine = still_answers(&fuzz);
    broker_close(broker);
    loops_stop(loops);
    err = dir_remove(dir, NULL);
    return fine && err == ERR_OK ? 0 : 1;
}
