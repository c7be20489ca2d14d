// SPDX-License-Identifier: Apache-2.0
//
// server: the inside of the CQL listener, shared by server.c (connections, handshake, events),
// request.c (QUERY, PREPARE, EXECUTE, BATCH), respond.c (results to frames) and system.c (what it
// shows of them).
//
// Thread     a session belongs to its connection's loop; other threads see only what `mutex`
// guards. Bounds     SESSION_IN_FLIGHT_MAX requests per connection (reading pauses there),
// CQL_FRAME_MAX bytes per frame.
#ifndef TABLES_SERVER_H
#define TABLES_SERVER_H

#include "tables/prepared.h"
#include "tables/tables.h"

#include "base/mem.h"
#include "net/conn.h"
#include "os/thread.h"
#include "wire/cql/message.h"

enum {
    CQL_FRAME_MAX = 64 << 20,
    SESSION_IN_FLIGHT_MAX = 1024,
    BUNCH_MAX = 32,                 // reads of one row that a worker takes at once
    BUNCH_BYTES_MAX = 64 << 10,     // of answers; then the rest of the bunch waits again
    SESSION_UNREAD_MAX = 256 << 10, // bytes of answers not yet taken; more, and they wait too
    TRACES_MAX = 64,                // kept for system_traces
};

struct session {
    struct list link; // server->sessions, under its mutex
    struct tables_server *server;
    struct conn *conn;
    int version; // of the first message that fixed it, 0 before
    bool started;
    enum cql_compression compression;
    char *keyspace;  // USE, or NULL
    unsigned events; // enum cql_event bits; under the mutex
    size_t in_flight;
    struct list waiting; // requests for a worker
    struct list points;  // reads of one row for a worker, taken in bunches
    size_t point_count;
    size_t running; // works
    bool paused;
    char driver_name[64], driver_version[32]; // under the mutex
    _Atomic int64_t request_count;
};

struct trace {
    uint8_t id[16];
    int64_t started_us, duration_us;
    char client[64], command[16];
    char query[256];
};

struct tables_server {
    struct tables *tables;
    struct listener *listener;
    struct prepared_cache *prepared;
    struct mutex mutex; // sessions, traces, in_flight
    struct cond idle;
    struct list sessions;
    size_t in_flight;      // requests not yet answered
    struct budget answers; // large ones on their way to clients
    struct budget
        frames; // requests: each is held several times over while it is parsed and written
    size_t body_max_bytes;
    size_t running_max; // requests of one connection on workers; its others wait
    struct trace traces[TRACES_MAX];
    size_t trace_count; // ever; the newest is at (trace_count - 1) % TRACES_MAX
    char host[64];
    uint8_t host_id[16]; // kept in the store
};

// One request on its way: decoded on the loop, run on a worker (or at once), answered on the loop.
struct request {
    struct work work;
    struct post post;
    struct list link; // in session->waiting, session->points or a bunch
    bool running;     // counted in session->running
    struct exec exec;
    struct session *session; // on the loop only, and only while conn_is_open(conn)
    struct tables_server *server;
    struct conn *conn;    // a reference
    struct buf *frame;    // holds the body's bytes
    struct str body;      // or this does, when it came compressed
    size_t charged_bytes; // of `body`, to server->frames
    struct arena arena;
    struct cql_request message;
    int version;
    enum cql_compression compression;
    const char *keyspace; // of the session when the request came, in `arena`
    struct plan *plan;    // of a single statement
    size_t plan_count;    // of a batch: exec.plans
    uint8_t trace_id[16];
    int64_t started_us;
    bool traced;
    struct buf *answer;
};

// request.c: takes over `frame`. LOOP
void request_start(struct session *session, struct cql_head head, struct buf *frame);

// request.c: starts requests that wait, as many as may run now. LOOP
void request_start_waiting(struct session *session);
// request.c: forgets the requests that wait, when the connection closes. LOOP
void request_drop_waiting(struct session *session);

// respond.c: a frame with the outcome.
struct buf *respond_result(const struct request *request, const struct exec_result *result);
struct buf *respond_prepared(const struct request *request, const uint8_t id[PREPARED_ID_SIZE],
                             const struct plan_info *info);
struct buf *respond_unprepared(const struct request *request, struct bytes id);
struct buf *respond_error(int version, int16_t stream, int code, const char *text);
struct buf *respond_event(int version, const struct exec_result *change);
// An otherwise empty body: READY; or SUPPORTED.
struct buf *respond_simple(int version, int16_t stream, enum cql_opcode opcode);
int exec_error_code(const struct exec_error *error);

// The words after "supported versions are".
#define CQL_VERSIONS_TEXT "(3/v3, 4/v4)"

#endif
