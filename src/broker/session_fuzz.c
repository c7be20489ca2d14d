// SPDX-License-Identifier: Apache-2.0
//
// session_fuzz: whole sessions against a broker. Each sends a handful of requests of any API and
// version, what real clients sent (tests/golden), mutations of that, and requests made up from
// pieces that mean something here (known names, small numbers) and kept when they parse; behind
// each other without waiting, cut into random pieces, ended politely, half closed, or not at all.
// Answers come in the order of the requests, each once. At the end the broker still answers and the
// log is whole. FUZZ_SEED takes another seed, as `make fuzz T=broker/session` does.
#include "base/log.h"
#include "broker/broker.h"
#include "os/file.h"
#include "store/log/inspect.h"
#include "wire/kafka/api.h"
#include "wire/kafka/golden.h"
#include "wire/kafka/header.h"
#include "wire/reader.h"
#include "wire/writer.h"

#include "base/vec.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    SESSIONS = 250,
    REQUESTS_MAX = 12,
    TRIES = 60, // to make up one that parses
    HEADER_BYTES = 8,
    PIECES_MAX = 24,
};

struct request {
    uint8_t *ptr;
    size_t size;
};

struct fuzz {
    uint16_t port;
    uint64_t random;
    struct {
        VEC(struct request) all;
    } golden;
    struct {
        VEC(struct request) all;
    } made;
    int ordered; // answers seen in their place
};

static uint32_t next(struct fuzz *fuzz)
{
    fuzz->random = fuzz->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(fuzz->random >> 33);
}

// --- requests ---

// A mutated partition count could ask for 100,000 partitions: legal, and slow.
static bool is_slow(int16_t key)
{
    return key == KAFKA_CREATE_TOPICS || key == KAFKA_CREATE_PARTITIONS;
}

static void keep_golden(const struct golden *golden, void *ctx)
{
    struct fuzz *fuzz = ctx;
    if (is_slow(golden->key))
        return;
    struct request request = {mem_dup(golden->request.ptr, golden->request.size),
                              golden->request.size};
    vec_push(&fuzz->golden.all, request);
}

static void put_name(struct fuzz *fuzz, struct str *out, bool compact)
{
    static const char *const names[] = {"topic",   "group", "txn",   "member", "range",
                                        "uniform", "",      "admin", "*",      "cleanup.policy"};
    const char *name = names[next(fuzz) % 10];
    if (compact)
        writer_u8(out, (uint8_t)(strlen(name) + 1));
    else
        writer_i16(out, (int16_t)strlen(name));
    str_append_text(out, name);
}

static void put_piece(struct fuzz *fuzz, struct str *out)
{
    static const int32_t numbers[] = {-2, -1, 0, 1, 2, 3, 5, 100, 1000, 30000};
    int32_t number = numbers[next(fuzz) % 10];
    switch (next(fuzz) % 9) {
    case 0:
        writer_u8(out, 0);
        break;
    case 1:
        writer_u8(out, (uint8_t)(next(fuzz) % 4));
        break;
    case 2:
        writer_i16(out, (int16_t)number);
        break;
    case 3:
        writer_i32(out, number);
        break;
    case 4:
        writer_i64(out, number);
        break;
    case 5:
    case 6:
        put_name(fuzz, out, false);
        break;
    default:
        put_name(fuzz, out, true);
        break;
    }
}

// A body of random pieces that the codec takes whole.
static bool make_body(struct fuzz *fuzz, const struct kafka_api *api, int16_t version,
                      struct str *out)
{
    struct arena arena = ARENA_INIT;
    void *message = mem_zalloc(api->request.size);
    size_t start = out->size;
    bool good = false;
    for (int i = 0; i < TRIES && !good; i++) {
        out->size = start;
        for (uint32_t n = next(fuzz) % PIECES_MAX; n > 0; n--)
            put_piece(fuzz, out);
        struct reader reader = reader_make(bytes_make(out->ptr + start, out->size - start));
        good = api->request.decode(message, version, &reader, &arena) && !reader.failed;
        out->size -= good ? reader_left(&reader) : 0;
        arena_release(&arena);
        arena = (struct arena)ARENA_INIT;
    }
    mem_free(message);
    return good;
}

static void make_requests(struct fuzz *fuzz)
{
    for (size_t i = 0; i < kafka_api_count; i++) {
        const struct kafka_api *api = &kafka_apis[i];
        for (int16_t v = api->version_min; v <= api->version_max && !is_slow(api->key); v++) {
            struct kafka_request_header header = {.key = api->key, .version = v};
            struct str out = {0};
            kafka_request_header_encode(&header, &out);
            if (make_body(fuzz, api, v, &out)) {
                struct request request = {mem_dup(out.ptr, out.size), out.size};
                vec_push(&fuzz->made.all, request);
            }
            str_release(&out);
        }
    }
}

static void mutate(struct fuzz *fuzz, uint8_t *ptr, size_t size)
{
    static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe};
    for (uint32_t n = 1 + next(fuzz) % 3; n > 0 && size > HEADER_BYTES; n--)
        ptr[HEADER_BYTES + next(fuzz) % (size - HEADER_BYTES)] =
            next(fuzz) % 2 ? edges[next(fuzz) % 6] : (uint8_t)next(fuzz);
}

static void add_frame(struct fuzz *fuzz, struct str *stream, int32_t correlation_id)
{
    bool made = fuzz->made.all.count > 0 && next(fuzz) % 2;
    const struct request *request =
        made ? &fuzz->made.all.items[next(fuzz) % fuzz->made.all.count]
             : &fuzz->golden.all.items[next(fuzz) % fuzz->golden.all.count];
    writer_u32(stream, (uint32_t)request->size);
    size_t start = stream->size;
    str_append(stream, request->ptr, request->size);
    writer_patch_u32(stream, start + 4, (uint32_t)correlation_id);
    if (next(fuzz) % 3 == 0)
        mutate(fuzz, (uint8_t *)stream->ptr + start, request->size);
    if (next(fuzz) % 60 == 0)
        writer_patch_u32(stream, start - 4, next(fuzz)); // a length that is none
}

// --- sessions ---

static int dial(const struct fuzz *fuzz, int timeout_ms)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(fuzz->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval limit = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    int got = connect(fd, (struct sockaddr *)&address, sizeof address);
    assert(got == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return fd;
}

static void send_in_pieces(struct fuzz *fuzz, int fd, const struct str *stream)
{
    uint32_t most = next(fuzz) % 3 ? 4096 : 1 + next(fuzz) % 40;
    for (size_t at = 0; at < stream->size;) {
        size_t size = 1 + next(fuzz) % most;
        size = size < stream->size - at ? size : stream->size - at;
        ssize_t sent = send(fd, stream->ptr + at, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return; // the broker may have closed
        at += (size_t)sent;
    }
}

// Reads until the other side is silent or gone; answers are in order.
static void read_answers(struct fuzz *fuzz, int fd, int32_t last_id)
{
    int32_t id = 0;
    for (;;) {
        uint8_t head[8];
        if (recv(fd, head, sizeof head, MSG_WAITALL) != sizeof head)
            return;
        struct reader reader = reader_make(bytes_make(head, sizeof head));
        uint32_t size = reader_u32(&reader);
        int32_t answered = reader_i32(&reader);
        assert(size >= 4 && size < 64 << 20 && answered > id && answered <= last_id);
        id = answered;
        fuzz->ordered++;
        uint8_t scratch[4096];
        for (uint32_t left = size - 4; left > 0;) {
            ssize_t got = recv(fd, scratch, left < sizeof scratch ? left : sizeof scratch, 0);
            if (got <= 0)
                return;
            left -= (uint32_t)got;
        }
    }
}

static void run_session(struct fuzz *fuzz)
{
    struct str stream = {0};
    int32_t count = 1 + (int32_t)(next(fuzz) % REQUESTS_MAX);
    for (int32_t id = 1; id <= count; id++)
        add_frame(fuzz, &stream, id);
    if (next(fuzz) % 8 == 0)
        stream.size -= next(fuzz) % (stream.size < 30 ? stream.size : 30); // ends inside a frame
    int fd = dial(fuzz, 25);
    send_in_pieces(fuzz, fd, &stream);
    uint32_t end = next(fuzz) % 6;
    if (end == 0)
        shutdown(fd, SHUT_WR);
    if (end == 1) {
        struct linger reset = {.l_onoff = 1};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    } else if (end != 2) {
        read_answers(fuzz, fd, count);
    }
    close(fd);
    str_release(&stream);
}

static bool still_answers(const struct fuzz *fuzz)
{
    static const uint8_t api_versions[] = {0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff};
    uint8_t head[4];
    int fd = dial(fuzz, 60000);
    ssize_t sent = send(fd, api_versions, sizeof api_versions, MSG_NOSIGNAL);
    bool fine =
        sent == sizeof api_versions && recv(fd, head, sizeof head, MSG_WAITALL) == sizeof head;
    close(fd);
    return fine;
}

static void say(const struct inspect_finding *finding, void *ctx)
{
    (void)ctx;
    fprintf(stderr, "%s byte %lld: %s\n", finding->path, (long long)finding->byte, finding->found);
}

static bool log_is_whole(const char *data_dir)
{
    char *dir = mem_printf("%s/log", data_dir);
    struct inspect_options options = {.dir = dir, .partition = -1, .records = true, .found = say};
    struct inspect_totals totals;
    err_t err = inspect_log(&options, &totals, NULL);
    mem_free(dir);
    return err == ERR_OK && totals.damages == 0;
}

int main(void)
{
    char dir[] = "/tmp/weir-session-fuzz-XXXXXX";
    struct loops *loops;
    struct broker *broker;
    struct diag diag = DIAG_INIT;
    const char *seed = getenv("FUZZ_SEED");
    struct fuzz fuzz = {.random = seed ? strtoull(seed, NULL, 10) : 7};
    bool made = mkdtemp(dir) != NULL;
    assert(made);
    log_set_level(LOG_LEVEL_ERROR + 1);
    err_t err = loops_start(&loops, 2, 3, &diag);
    struct broker_options options = {.data_dir = dir, .loops = loops, .host = "127.0.0.1"};
    if (err == ERR_OK)
        err = broker_open(&broker, &options, &diag);
    if (err == ERR_OK)
        err = broker_listen(broker, &fuzz.port, &diag);
    assert(err == ERR_OK);
    golden_each(keep_golden, &fuzz);
    make_requests(&fuzz);
    for (int i = 0; i < SESSIONS; i++)
        run_session(&fuzz);
    bool fine = still_answers(&fuzz);
    broker_close(broker);
    loops_stop(loops);
    fine = log_is_whole(dir) && fine;
    printf("%zu requests of clients, %zu made up, %d answers in order\n", fuzz.golden.all.count,
           fuzz.made.all.count, fuzz.ordered);
    fine = fine && fuzz.ordered > 0 && fuzz.made.all.count > kafka_api_count;
    for (size_t i = 0; i < fuzz.golden.all.count; i++)
        mem_free(fuzz.golden.all.items[i].ptr);
    for (size_t i = 0; i < fuzz.made.all.count; i++)
        mem_free(fuzz.made.all.items[i].ptr);
    vec_release(&fuzz.golden.all);
    vec_release(&fuzz.made.all);
    err = dir_remove(dir, NULL);
    return fine && err == ERR_OK ? 0 : 1;
}
