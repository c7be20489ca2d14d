// SPDX-License-Identifier: Apache-2.0
//
// broker_int: what the request handlers of the broker share.
//
// A request arrives on its connection's loop, is decoded and handed to the handler of its API
// (api_handlers in dispatch.c). The handler answers at once, or later from any thread, exactly
// once. Answers leave in the order of the requests. The request, its arena and its frame live until
// it is answered.
#ifndef BROKER_BROKER_INT_H
#define BROKER_BROKER_INT_H

#include "broker/access.h"
#include "broker/broker.h"
#include "broker/crowd.h"
#include "broker/endpoint.h"
#include "broker/quota.h"
#include "broker/settings.h"
#include "net/conn.h"
#include "os/thread.h"
#include "store/log/log_store.h"
#include "wire/kafka/api.h"
#include "wire/kafka/header.h"

enum {
    BROKER_NODE_ID = 1,
    BROKER_LEADER_EPOCH = 0, // one leader, for ever
    BROKER_IN_FLIGHT_MAX = 64,
    BROKER_STRANGERS_MAX = 2000, // connections that have not signed in yet
};

struct groups;
struct config_store;
struct request_looks;
struct fetch_sessions;
struct txns;
struct txn_offsets;

struct security;
struct sign_in;

struct broker {
    struct broker_options options;
    struct settings settings;
    struct log_store *store;
    struct config_store *configs;
    struct request_looks *request_looks;
    struct loops *loops;
    struct endpoints endpoints;
    struct crowd *crowd;
    struct groups *groups;
    struct txns *txns;
    struct txn_offsets *txn_offsets;
    struct access *access;
    struct security *security;
    uint8_t decoy_secret[32];
    struct bytes decoy; // what strangers who try to sign in are misled with
    struct fetch_sessions *fetch_sessions;
    char cluster_id[23];  // 16 random bytes in URL-safe base64
    _Atomic bool closing; // what waits answers at once
    struct mutex lock;    // guards the next two
    struct cond idle;     // live_requests fell to 0
    size_t live_requests;
};

// The broker's setting in effect. Any thread.
static inline int64_t setting(const struct broker *broker, enum setting id)
{
    return atomic_load_explicit(&broker->settings.values[id], memory_order_relaxed);
}

// --- requests ---

struct session; // one connection (session.c)

// Bytes of a response that stand in a file or in a buf. Give the address of `at` to the
// kafka_records of the response; its encoder leaves the bytes out and tells the place there.
struct response_range {
    size_t at;
    size_t size;
    struct buf *buf; // a reference the response takes over; NULL: fd
    int fd;
    int64_t offset;
    void (*release)(void *ctx); // when fd was sent, or is not needed
    void *ctx;
};

struct request {
    struct broker *broker;
    struct session *session;
    struct kafka_request_header header;
    const struct kafka_api *api;
    struct arena arena;
    struct buf *frame; // the message's views point into it
    void *message;     // struct kafka_X_request
    void *state;       // the handler's
    // Set by a handler that waits: called on the loop when the connection goes or the broker stops;
    // the handler must end the request soon, then or later. Not called once the request has been
    // answered.
    void (*abandoned)(struct request *request);
    // private
    struct list link;
    struct work work;
    struct post post;
    void (*run)(struct request *request);
    struct str out;
    struct response_range *ranges;
    size_t range_count;
    size_t charged;
    int64_t arrived_us; // by clock_mono_us()
    int64_t queued_us;  // for a worker
    bool answered;
    bool silent;
    bool fatal;
    bool serial;
    bool last;              // the connection is closed behind it
    int64_t quiet_until_us; // nothing is taken behind it until then; 0: no quota holds it back
};

// The protocol's version of this request.
static inline int16_t request_version(const struct request *request)
{
    return request->header.version;
}

// Answers with a struct kafka_X_response, encoded before this returns. Any thread; ends the
// request: touch neither it nor its arena afterwards.
void request_respond(struct request *request, const void *response);
// The same with bytes that stand elsewhere, in the order they occur; `ranges` is in the request's
// arena. Takes over their references also when the connection has gone.
void request_respond_ranges(struct request *request, const void *response,
                            struct response_range *ranges, size_t count);
// Ends a request that gets no answer (acks=0). Any thread.
void request_done(struct request *request);
// Ends it by closing the connection, with a log line that says why. Any thread.
void request_refuse(struct request *request, const char *why);
// Answers with the bytes alone, without a header. Any thread.
void request_respond_raw(struct request *request, struct bytes bytes);
// Answers (NULL: not) after a pause, then closes the connection. LOOP
void request_respond_last(struct request *request, const void *response, int64_t pause_ms);
// Calls run(request) on a worker, which may block and must end the request.
void request_work(struct request *request, void (*run)(struct request *request));

struct loop *request_loop(struct request *request); // of its connection
const char *request_peer(struct request *request);  // "127.0.0.1:51234"
bool request_abandoned(struct request *request);    // has the connection gone? LOOP
// Where this client should connect to; the memory is in the request's arena.
void request_advertised(struct request *request, struct bytes *host, int32_t *port);

// Who is signing in here; NULL where nobody needs to.
struct sign_in *request_sign_in(struct request *request);
// The connection is User:`user`'s from now on. LOOP
void request_signed_in(struct request *request, struct bytes user);
// Counts bytes against the client's quota: how long it must be quiet, in milliseconds. The
// connection is muted for so long after the answer; tell it there as throttle_time_ms. Any thread.
int32_t request_charge(struct request *request, enum quota_kind kind, size_t bytes);
// The same, not counting the bytes when it is more than 0: they are not to be sent.
int32_t request_try(struct request *request, enum quota_kind kind, size_t bytes);

// A list head of the connection for produce.c: its requests whose batches are being checked. LOOP
struct list *request_produces(struct request *request);

extern const struct conn_ops session_ops;

// The protocol's code of an error.
int16_t kafka_code(err_t err);
// The story of `diag` for an error_message field; copies into the arena. Null on ERR_OK.
struct bytes kafka_story(struct request *request, err_t err, const struct diag *diag);

// --- handlers: one per API, in the file of that name; called on the connection's loop, must not
// block ---

struct api_handler {
    int16_t key;
    int16_t min, max; // advertised
    void (*handle)(struct request *request);
    bool serial; // later requests of the connection wait until it is answered
};

extern const struct api_handler api_handlers[];
extern const size_t api_handler_count;
const struct api_handler *api_handler_find(int16_t key);

void describe_acls_handle(struct request *request);
void create_acls_handle(struct request *request);
void delete_acls_handle(struct request *request);
void describe_client_quotas_handle(struct request *request);
void alter_client_quotas_handle(struct request *request);
void describe_user_scram_credentials_handle(struct request *request);
void alter_user_scram_credentials_handle(struct request *request);
void sasl_handshake_handle(struct request *request);
void sasl_authenticate_handle(struct request *request);
void api_versions_handle(struct request *request);
void metadata_handle(struct request *request);
void produce_handle(struct request *request);
void fetch_handle(struct request *request);
void list_offsets_handle(struct request *request);
void init_producer_id_handle(struct request *request);
void offset_for_leader_epoch_handle(struct request *request);
void add_partitions_to_txn_handle(struct request *request);
void add_offsets_to_txn_handle(struct request *request);
void end_txn_handle(struct request *request);
void write_txn_markers_handle(struct request *request);
void txn_offset_commit_handle(struct request *request);
void describe_producers_handle(struct request *request);
void describe_transactions_handle(struct request *request);
void list_transactions_handle(struct request *request);
void create_topics_handle(struct request *request);
void delete_topics_handle(struct request *request);
void create_partitions_handle(struct request *request);
void delete_records_handle(struct request *request);
void describe_configs_handle(struct request *request);
void alter_configs_handle(struct request *request);
void incremental_alter_configs_handle(struct request *request);
void describe_cluster_handle(struct request *request);
void describe_topic_partitions_handle(struct request *request);
void describe_log_dirs_handle(struct request *request);
void alter_replica_log_dirs_handle(struct request *request);
void elect_leaders_handle(struct request *request);
void alter_partition_reassignments_handle(struct request *request);
void list_partition_reassignments_handle(struct request *request);
void update_features_handle(struct request *request);
void list_config_resources_handle(struct request *request);
void find_coordinator_handle(struct request *request);
void join_group_handle(struct request *request);
void sync_group_handle(struct request *request);
void heartbeat_handle(struct request *request);
void leave_group_handle(struct request *request);
void offset_commit_handle(struct request *request);
void offset_fetch_handle(struct request *request);
void offset_delete_handle(struct request *request);
void list_groups_handle(struct request *request);
void describe_groups_handle(struct request *request);
void delete_groups_handle(struct request *request);
void consumer_group_heartbeat_handle(struct request *request);
void consumer_group_describe_handle(struct request *request);

// --- topics ---

// A reference to the topic, made with the broker's defaults when it is absent and `create` says so.
// ERR_UNKNOWN_TOPIC, ERR_INVALID_TOPIC. BLOCKS
MUST_USE err_t broker_topic(struct broker *broker, struct bytes name, bool create,
                            struct topic **out, struct diag *diag);
bool broker_topic_internal(const char *name); // begins with "__consumer_offsets", ...

// The folder of the log as an absolute path, in the request's arena: the name DescribeLogDirs and
// AlterReplicaLogDirs know it by. BLOCKS
const char *broker_log_dir(struct request *request);

// The leader epoch a client takes for the present one: ERR_FENCED_LEADER_EPOCH,
// ERR_UNKNOWN_LEADER_EPOCH. -1: it does not say.
static inline err_t broker_check_epoch(int32_t epoch)
{
    if (epoch == -1 || epoch == BROKER_LEADER_EPOCH)
        return ERR_OK;
    return epoch < BROKER_LEADER_EPOCH ? ERR_FENCED_LEADER_EPOCH : ERR_UNKNOWN_LEADER_EPOCH;
}
// Where the records of the epochs up to `*epoch` end; -1 and -1 when that is unknown.
int64_t broker_epoch_end(struct partition *partition, int32_t *epoch);

// --- groups, for broker_log_port.c ---

// Commits for a group without members; durable on return. BLOCKS
MUST_USE err_t broker_group_commit(struct broker *broker, const char *group, const char *topic,
                                   const int32_t *partitions, const int64_t *offsets, size_t count,
                                   struct diag *diag);
// As log_port_ops.groups.
MUST_USE err_t broker_group_list(struct broker *broker, struct arena *arena,
                                 const struct log_group **out, size_t *count, struct diag *diag);

#endif
