// SPDX-License-Identifier: Apache-2.0
//
// Prepared inserts and reads with 128 requests in flight on one connection of the CQL native
// protocol v4, spoken here by hand: no driver stands between the figures and the server. Works
// against any server (--cql HOST:PORT).
//
// Frames: version, flags, stream (2), opcode, length (4), body. A request's stream id is its slot.

#include "app/bench.h"
#include "app/config.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/socket.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define IN_FLIGHT   128
#define READ_BYTES  262144
#define FRAME_BYTES 9

enum { OP_ERROR = 0, OP_STARTUP = 1, OP_QUERY = 7, OP_RESULT = 8, OP_PREPARE = 9, OP_EXECUTE = 10 };

struct cql_bench {
    int fd;
    struct str in;  // bytes received
    size_t at;      // of them, taken
    struct str out; // frames to be sent
    struct diag *diag;
};

static err_t flush(struct cql_bench *cql)
{
    size_t sent = 0;
    while (sent < cql->out.size) {
        struct socket_part part = {cql->out.ptr + sent, cql->out.size - sent};
        int64_t moved = socket_write(cql->fd, &part, 1);
        if (moved < 0)
            return FAIL(cql->diag, ERR_IO, "the CQL server closed the connection");
        sent += (size_t)moved;
    }
    str_clear(&cql->out);
    return ERR_OK;
}

static void begin(struct cql_bench *cql, int stream, int opcode, size_t *length_at)
{
    writer_u8(&cql->out, 4);
    writer_u8(&cql->out, 0);
    writer_u16(&cql->out, (uint16_t)stream);
    writer_u8(&cql->out, (uint8_t)opcode);
    *length_at = cql->out.size;
    writer_u32(&cql->out, 0);
}

static void end(struct cql_bench *cql, size_t length_at)
{
    writer_patch_u32(&cql->out, length_at, (uint32_t)(cql->out.size - length_at - 4));
}

// The next whole frame: its stream and body. The body is valid until the next call. BLOCKS
static err_t next_frame(struct cql_bench *cql, int *stream, int *opcode, struct bytes *body)
{
    for (;;) {
        size_t left = cql->in.size - cql->at;
        const uint8_t *head = (const uint8_t *)cql->in.ptr + cql->at;
        if (left >= FRAME_BYTES) {
            struct reader reader = reader_make(bytes_make(head, FRAME_BYTES));
            reader_take(&reader, 2);
            *stream = reader_u16(&reader);
            *opcode = reader_u8(&reader);
            uint32_t size = reader_u32(&reader);
            if (left >= FRAME_BYTES + (size_t)size) {
                *body = bytes_make(head + FRAME_BYTES, size);
                cql->at += FRAME_BYTES + size;
                break;
            }
        }
        memmove(cql->in.ptr, head, left);
        cql->in.size = left;
        cql->at = 0;
        str_reserve(&cql->in, READ_BYTES);
        int64_t got = socket_read(cql->fd, cql->in.ptr + cql->in.size, READ_BYTES);
        if (got < 0)
            return FAIL(cql->diag, ERR_IO, "the CQL server closed the connection");
        cql->in.size += (size_t)got;
    }
    if (*opcode != OP_ERROR)
        return ERR_OK;
    struct reader reader = reader_make(*body);
    uint32_t code = reader_u32(&reader);
    struct bytes text = reader_bytes(&reader, reader_u16(&reader));
    return FAIL(cql->diag, ERR_INVALID, "CQL error 0x%04x: %.*s", code, BYTES_PRINT(text));
}

static void put_string(struct str *out, const char *text)
{
    writer_u16(out, (uint16_t)strlen(text));
    str_append_text(out, text);
}

static err_t ask(struct cql_bench *cql, int opcode, const char *text, struct bytes *body)
{
    size_t length_at;
    int stream, answer;
    begin(cql, 0, opcode, &length_at);
    if (opcode == OP_STARTUP) {
        writer_u16(&cql->out, 1);
        put_string(&cql->out, "CQL_VERSION");
        put_string(&cql->out, "3.0.0");
    } else {
        writer_u32(&cql->out, (uint32_t)strlen(text));
        str_append_text(&cql->out, text);
        if (opcode == OP_QUERY) {
            writer_u16(&cql->out, 1);
            writer_u8(&cql->out, 0);
        }
    }
    end(cql, length_at);
    TRY(flush(cql));
    return next_frame(cql, &stream, &answer, body);
}

static err_t prepare(struct cql_bench *cql, const char *text, uint8_t id[64], uint16_t *id_size)
{
    struct bytes body;
    TRY(ask(cql, OP_PREPARE, text, &body));
    struct reader reader = reader_make(body);
    reader_u32(&reader);
    *id_size = reader_u16(&reader);
    struct bytes bytes = reader_bytes(&reader, *id_size);
    if (reader.failed || !bytes.ptr || *id_size > 64)
        return FAIL(cql->diag, ERR_MALFORMED, "unexpected answer to PREPARE");
    memcpy(id, bytes.ptr, bytes.size);
    return ERR_OK;
}

static void put_execute(struct cql_bench *cql, int stream, const uint8_t *id, uint16_t id_size,
                        int64_t key, const struct bytes *value)
{
    size_t length_at;
    begin(cql, stream, OP_EXECUTE, &length_at);
    writer_u16(&cql->out, id_size);
    str_append(&cql->out, id, id_size);
    writer_u16(&cql->out, 1);   // ONE
    writer_u8(&cql->out, 0x01); // values
    writer_u16(&cql->out, value ? 2 : 1);
    writer_u32(&cql->out, 8);
    writer_i64(&cql->out, key);
    if (value) {
        writer_u32(&cql->out, (uint32_t)value->size);
        str_append_bytes(&cql->out, *value);
    }
    end(cql, length_at);
}

// Keeps IN_FLIGHT executions on the way until `bench->count` are answered.
static err_t pipeline(struct cql_bench *cql, struct bench *bench, const char *name,
                      const char *statement, const struct bytes *value)
{
    uint8_t id[64];
    uint16_t id_size;
    TRY(prepare(cql, statement, id, &id_size));
    int64_t *latencies_us = mem_alloc((size_t)bench->count * sizeof *latencies_us);
    int64_t sent_us[IN_FLIGHT];
    int64_t sent = 0, done = 0;
    err_t err = ERR_OK;
    int64_t cpu_us = bench_cpu_us(bench), started_us = clock_mono_us();
    for (; sent < IN_FLIGHT && sent < bench->count; sent++) {
        sent_us[sent] = started_us;
        put_execute(cql, (int)sent, id, id_size, sent, value);
    }
    err = flush(cql);
    while (!err && done < bench->count) {
        int stream, opcode;
        struct bytes body;
        if ((err = next_frame(cql, &stream, &opcode, &body)))
            break;
        int64_t now_us = clock_mono_us();
        latencies_us[done++] = now_us - sent_us[stream % IN_FLIGHT];
        if (sent < bench->count) {
            sent_us[stream % IN_FLIGHT] = now_us;
            put_execute(cql, stream, id, id_size, sent++, value);
        }
        if (cql->at == cql->in.size) // answers arrive in bunches: send the next bunch as one
            err = flush(cql);
    }
    double seconds = (double)(clock_mono_us() - started_us) / 1e6;
    if (!err) {
        bench_result(bench, name, (double)bench->count / seconds, "requests/s");
        bench_cpu(bench, name, cpu_us, bench->count);
        bench_latencies(bench, name, latencies_us, (size_t)bench->count);
    }
    mem_free(latencies_us);
    return err;
}

static err_t run(struct cql_bench *cql, struct bench *bench)
{
    static const char *const setup[] = {
        "CREATE KEYSPACE IF NOT EXISTS weir_bench WITH replication = {'class': 'SimpleStrategy', "
        "'replication_factor': 1}",
        "CREATE TABLE IF NOT EXISTS weir_bench.rows (id bigint PRIMARY KEY, value text)"};
    struct bytes body;
    TRY(ask(cql, OP_STARTUP, NULL, &body));
    for (size_t i = 0; i < sizeof setup / sizeof *setup; i++)
        TRY(ask(cql, OP_QUERY, setup[i], &body));
    char *text = mem_alloc((size_t)bench->size);
    memset(text, 'x', (size_t)bench->size);
    struct bytes value = bytes_make(text, (size_t)bench->size);
    err_t err = pipeline(cql, bench, "cql_insert",
                         "INSERT INTO weir_bench.rows (id, value) VALUES (?, ?)", &value);
    mem_free(text);
    TRY(err);
    return pipeline(cql, bench, "cql_read", "SELECT value FROM weir_bench.rows WHERE id = ?", NULL);
}

err_t bench_cql(struct bench *bench, struct diag *diag)
{
    struct config_address address;
    struct client client;
    const char *given = args_text(bench->args, "cql", NULL);
    if (!given)
        TRY(client_find(&client, bench->args, diag));
    if (!address_parse(given ? given : client.cql, &address))
        return FAIL(diag, ERR_INVALID, "--cql is '%s', expected host:port", given ? given : "");
    struct cql_bench cql = {.diag = diag};
    TRY(socket_connect(&cql.fd, address.host, address.port, diag));
    err_t err = run(&cql, bench);
    socket_close(cql.fd);
    str_release(&cql.in);
    str_release(&cql.out);
    return err;
}
