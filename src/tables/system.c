// SPDX-License-Identifier: Apache-2.0
//
// Rows of system, system_auth, system_traces and system_views. Peers are always empty: this is one
// node that owns the whole ring.
#include "tables/system.h"

#include "tables/server.h"
#include "wire/writer.h"

#include <arpa/inet.h>
#include <stdlib.h>

// --- cells ---------------------------------------------------------------------------------------
struct bytes cell_int(struct arena *arena, int64_t value, size_t width)
{
    uint8_t *bytes = arena_alloc(arena, width);
    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)((uint64_t)value >> (8 * (width - 1 - i)));
    return bytes_make(bytes, width);
}

struct bytes cell_bool(bool value)
{
    return bytes_make(value ? "\1" : "\0", 1);
}

struct bytes cell_double(struct arena *arena, double value)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return cell_int(arena, bits, 8);
}

struct bytes cell_inet(struct arena *arena, const char *host)
{
    uint8_t address[16];
    if (inet_pton(AF_INET, host, address) == 1 && memcmp(address, "\0\0\0\0", 4) != 0)
        return bytes_make(arena_dup(arena, address, 4), 4);
    if (inet_pton(AF_INET6, host, address) == 1 && strcmp(host, "::") != 0 &&
        strcmp(host, "::1") != 0)
        return bytes_make(arena_dup(arena, address, 16), 16);
    return bytes_make("\x7f\0\0\1", 4);
}

struct bytes cell_map(struct arena *arena, const struct option_pair *pairs, size_t count)
{
    struct str out = {0};
    size_t begin = cql_items_begin(&out);
    for (size_t i = 0; i < count; i++) {
        cql_items_add(&out, bytes_from(pairs[i].key));
        cql_items_add(&out, bytes_from(pairs[i].value));
    }
    cql_items_end(&out, begin, count);
    struct bytes cell = arena_bytes(arena, str_bytes(&out));
    str_release(&out);
    return cell;
}

struct bytes cell_set(struct arena *arena, const char *element)
{
    struct str out = {0};
    size_t begin = cql_items_begin(&out);
    cql_items_add(&out, bytes_from(element));
    cql_items_end(&out, begin, 1);
    struct bytes cell = arena_bytes(arena, str_bytes(&out));
    str_release(&out);
    return cell;
}

// --- rows ----------------------------------------------------------------------------------------
void system__none(struct tables *tables, const struct schema *schema, struct virtual_sink *sink)
{
    (void)tables, (void)schema, (void)sink;
}

void system__local(struct tables *tables, const struct schema *schema, struct virtual_sink *sink)
{
    struct tables_server *server = tables_server_of(tables);
    struct arena *arena = sink->arena;
    struct bytes address = cell_inet(arena, server ? server->host : "127.0.0.1");
    struct bytes cells[SYSTEM_LOCAL__COUNT] = {
        [SYSTEM_LOCAL_KEY] = cell_text("local"),
        [SYSTEM_LOCAL_BOOTSTRAPPED] = cell_text("COMPLETED"),
        [SYSTEM_LOCAL_BROADCAST_ADDRESS] = address,
        [SYSTEM_LOCAL_BROADCAST_PORT] = cell_int(arena, 7000, 4),
        [SYSTEM_LOCAL_CLUSTER_NAME] = cell_text(SYSTEM_CLUSTER_NAME),
        [SYSTEM_LOCAL_CQL_VERSION] = cell_text(SYSTEM_CQL_VERSION),
        [SYSTEM_LOCAL_DATA_CENTER] = cell_text("datacenter1"),
        [SYSTEM_LOCAL_GOSSIP_GENERATION] = cell_int(arena, 1, 4),
        [SYSTEM_LOCAL_LISTEN_ADDRESS] = address,
        [SYSTEM_LOCAL_LISTEN_PORT] = cell_int(arena, 7000, 4),
        [SYSTEM_LOCAL_NATIVE_PROTOCOL_VERSION] = cell_text("4"),
        [SYSTEM_LOCAL_PARTITIONER] = cell_text(SYSTEM_PARTITIONER),
        [SYSTEM_LOCAL_RACK] = cell_text("rack1"),
        [SYSTEM_LOCAL_RELEASE_VERSION] = cell_text(SYSTEM_RELEASE_VERSION),
        [SYSTEM_LOCAL_RPC_ADDRESS] = address,
        [SYSTEM_LOCAL_RPC_PORT] = cell_int(arena, tables_port_number(tables), 4),
        [SYSTEM_LOCAL_SCHEMA_VERSION] = bytes_make(schema->version, sizeof schema->version),
        [SYSTEM_LOCAL_TOKENS] = cell_set(arena, SYSTEM_TOKEN),
    };
    if (server)
        cells[SYSTEM_LOCAL_HOST_ID] = bytes_make(server->host_id, sizeof server->host_id);
    sink->row(sink, cells);
}

static void prepared_row(void *ctx, struct bytes id, const char *keyspace, struct bytes text)
{
    struct virtual_sink *sink = ctx;
    struct bytes cells[SYSTEM_PREPARED_STATEMENTS__COUNT] = {
        [SYSTEM_PREPARED_STATEMENTS_PREPARED_ID] = id,
        [SYSTEM_PREPARED_STATEMENTS_LOGGED_KEYSPACE] = cell_text(keyspace),
        [SYSTEM_PREPARED_STATEMENTS_QUERY_STRING] = text,
    };
    sink->row(sink, cells);
}

void system__prepared(struct tables *tables, const struct schema *schema, struct virtual_sink *sink)
{
    (void)schema;
    struct tables_server *server = tables_server_of(tables);
    if (server)
        prepared_each(server->prepared, prepared_row, sink);
}

void system__roles(struct tables *tables, const struct schema *schema, struct virtual_sink *sink)
{
    (void)tables, (void)schema;
    struct bytes cells[SYSTEM_AUTH_ROLES__COUNT] = {
        [SYSTEM_AUTH_ROLES_ROLE] = cell_text("cassandra"),
        [SYSTEM_AUTH_ROLES_CAN_LOGIN] = cell_bool(true),
        [SYSTEM_AUTH_ROLES_IS_SUPERUSER] = cell_bool(true),
    };
    sink->row(sink, cells);
}

// "127.0.0.1:1234" or "[::1]:1234" in two.
static struct bytes peer_address(struct arena *arena, const char *peer, int64_t *port)
{
    const char *colon = strrchr(peer, ':');
    size_t size = colon ? (size_t)(colon - peer) : strlen(peer);
    *port = colon ? strtol(colon + 1, NULL, 10) : 0;
    if (size >= 2 && peer[0] == '[')
        return cell_inet(arena, arena_text(arena, bytes_make(peer + 1, size - 2)));
    return cell_inet(arena, arena_text(arena, bytes_make(peer, size)));
}

void system__clients(struct tables *tables, const struct schema *schema, struct virtual_sink *sink)
{
    (void)schema;
    struct tables_server *server = tables_server_of(tables);
    struct arena *arena = sink->arena;
    if (!server)
        return;
    mutex_lock(&server->mutex);
    LIST_EACH(&server->sessions, link)
    {
        struct session *session = CONTAINER_OF(link, struct session, link);
        int64_t port;
        struct bytes address = peer_address(arena, conn_peer(session->conn), &port);
        struct bytes cells[SYSTEM_VIEWS_CLIENTS__COUNT] = {
            [SYSTEM_VIEWS_CLIENTS_ADDRESS] = address,
            [SYSTEM_VIEWS_CLIENTS_PORT] = cell_int(arena, port, 4),
            [SYSTEM_VIEWS_CLIENTS_CONNECTION_STAGE] =
                cell_text(session->driver_name[0] ? "ready" : "startup"),
            [SYSTEM_VIEWS_CLIENTS_DRIVER_NAME] =
                cell_text(arena_strdup(arena, session->driver_name)),
            [SYSTEM_VIEWS_CLIENTS_DRIVER_VERSION] =
                cell_text(arena_strdup(arena, session->driver_version)),
            [SYSTEM_VIEWS_CLIENTS_PROTOCOL_VERSION] = cell_int(arena, CQL_VERSION_MAX, 4),
            [SYSTEM_VIEWS_CLIENTS_REQUEST_COUNT] = cell_int(arena, session->request_count, 8),
            [SYSTEM_VIEWS_CLIENTS_SSL_ENABLED] = cell_bool(false),
            [SYSTEM_VIEWS_CLIENTS_USERNAME] = cell_text("anonymous"),
        };
        sink->row(sink, cells);
    }
    mutex_unlock(&server->mutex);
}

void system__settings(struct tables *tables, const struct schema *schema, struct virtual_sink *sink)
{
    (void)schema;
    const char *settings[][2] = {
        {"cluster_name", SYSTEM_CLUSTER_NAME},
        {"native_transport_port", arena_printf(sink->arena, "%u", tables_port_number(tables))},
        {"partitioner", SYSTEM_PARTITIONER},
        {"release_version", SYSTEM_RELEASE_VERSION},
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        struct bytes cells[SYSTEM_VIEWS_SETTINGS__COUNT] = {cell_text(settings[i][0]),
                                                            cell_text(settings[i][1])};
        sink->row(sink, cells);
    }
}

// --- traces --------------------------------------------------------------------------------------
// A copy of the kept traces, so that rows are made outside the mutex.
static struct trace *traces_copy(struct tables *tables, struct arena *arena, size_t *count)
{
    struct tables_server *server = tables_server_of(tables);
    *count = 0;
    if (!server)
        return NULL;
    mutex_lock(&server->mutex);
    *count = server->trace_count < TRACES_MAX ? server->trace_count : TRACES_MAX;
    struct trace *copy = arena_dup(arena, server->traces, *count * sizeof *copy);
    mutex_unlock(&server->mutex);
    return copy;
}

void system__trace_sessions(struct tables *tables, const struct schema *schema,
                            struct virtual_sink *sink)
{
    (void)schema;
    size_t count;
    struct arena *arena = sink->arena;
    struct trace *traces = traces_copy(tables, arena, &count);
    for (size_t i = 0; i < count; i++) {
        int64_t port;
        struct option_pair parameters = {"query", traces[i].query};
        struct bytes cells[SYSTEM_TRACES_SESSIONS__COUNT] = {
            [SYSTEM_TRACES_SESSIONS_SESSION_ID] = bytes_make(traces[i].id, 16),
            [SYSTEM_TRACES_SESSIONS_CLIENT] = peer_address(arena, traces[i].client, &port),
            [SYSTEM_TRACES_SESSIONS_COMMAND] = cell_text("QUERY"),
            [SYSTEM_TRACES_SESSIONS_COORDINATOR] = cell_inet(arena, "127.0.0.1"),
            [SYSTEM_TRACES_SESSIONS_COORDINATOR_PORT] = cell_int(arena, 7000, 4),
            [SYSTEM_TRACES_SESSIONS_DURATION] = cell_int(arena, traces[i].duration_us, 4),
            [SYSTEM_TRACES_SESSIONS_PARAMETERS] = cell_map(arena, &parameters, 1),
            [SYSTEM_TRACES_SESSIONS_REQUEST] = cell_text(traces[i].command),
            [SYSTEM_TRACES_SESSIONS_STARTED_AT] = cell_int(arena, traces[i].started_us / 1000, 8),
        };
        sink->row(sink, cells);
    }
}

// One event per trace: the whole of the request.
void system__trace_events(struct tables *tables, const struct schema *schema,
                          struct virtual_sink *sink)
{
    (void)schema;
    size_t count;
    struct arena *arena = sink->arena;
    struct trace *traces = traces_copy(tables, arena, &count);
    for (size_t i = 0; i < count; i++) {
        struct bytes cells[SYSTEM_TRACES_EVENTS__COUNT] = {
            [SYSTEM_TRACES_EVENTS_SESSION_ID] = bytes_make(traces[i].id, 16),
            [SYSTEM_TRACES_EVENTS_EVENT_ID] = bytes_make(traces[i].id, 16),
            [SYSTEM_TRACES_EVENTS_ACTIVITY] = cell_text("Request complete"),
            [SYSTEM_TRACES_EVENTS_SOURCE] = cell_inet(arena, "127.0.0.1"),
            [SYSTEM_TRACES_EVENTS_SOURCE_ELAPSED] = cell_int(arena, traces[i].duration_us, 4),
            [SYSTEM_TRACES_EVENTS_SOURCE_PORT] = cell_int(arena, 7000, 4),
            [SYSTEM_TRACES_EVENTS_THREAD] = cell_text("worker"),
        };
        sink->row(sink, cells);
    }
}
