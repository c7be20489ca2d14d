// SPDX-License-Identifier: Apache-2.0
//
// broker: the Kafka protocol in front of store/log: topics, produce and fetch, consumer groups.
//
// One broker is one node, id 1, leader of every partition and coordinator of every group.
//
// Lifetime   open -> listen -> close; the port of broker_log_port() ends with it.
// Thread     broker_open, broker_listen, broker_close on the application's thread.
// Errors     those of log_store_open(); ERR_IO "port 9092 on 127.0.0.1 is in use ...".
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include "base/arena.h"
#include "base/budget.h"
#include "base/diag.h"
#include "base/str.h"
#include "broker/access.h"
#include "loop/loop.h"
#include "net/tls.h"
#include "port/log_port.h"

struct broker;
struct topic_setting;

enum broker_security { BROKER_PLAINTEXT, BROKER_TLS, BROKER_SASL_PLAINTEXT, BROKER_SASL_TLS };

// A place where clients connect.
struct broker_listener_options {
    const char *name; // for people
    const char *host; // as struct listener_options
    uint16_t port;    // 0 = any free one
    // What clients are told to connect to; host NULL or "" = the address each client reached us at,
    // port 0 = the listener's.
    const char *advertised_host;
    uint16_t advertised_port;
    enum broker_security security;
    struct tls *tls; // with TLS; the broker keeps a reference of its own
};

#define BROKER_LOCAL_SOCKET "admin.sock" // in data_dir: where this user may do everything

struct broker_options {
    const char *data_dir; // keeps data_dir/log and data_dir/cluster_id
    struct loops *loops;
    // Where to listen; none = at the one place the four below tell, as struct
    // broker_listener_options.
    const struct broker_listener_options *listeners;
    size_t listener_count;
    const char *host;
    uint16_t port;
    const char *advertised_host;
    uint16_t advertised_port;
    // Kafka's settings of brokers, checked (broker_check_settings); topic_setting of store/log.
    const struct topic_setting *settings;
    size_t setting_count;
    bool sync;             // false: acknowledge from the page cache (durability: os)
    struct budget *budget; // may be NULL
    struct access_options access;
};

// May the setting stand among the options? ERR_CONFIG says in Kafka's words, or weir's, why not.
MUST_USE err_t broker_check_setting(const char *name, const char *value, bool sync,
                                    struct diag *diag);
// May these stand together? Each has passed broker_check_setting(); what is not among them has its
// default. ERR_CONFIG.
MUST_USE err_t broker_check_settings(const struct topic_setting *settings, size_t count,
                                     struct diag *diag);
// The names of all of Kafka's settings for brokers, NULL behind the last; in `arena`.
const char **broker_setting_names(struct arena *arena);

// Opens the log and loads the committed offsets. BLOCKS
MUST_USE err_t broker_open(struct broker **out, const struct broker_options *options,
                           struct diag *diag);
// Makes sure that the user can sign in with the password, by any mechanism; durable on return.
// BLOCKS
MUST_USE err_t broker_set_user(struct broker *broker, struct bytes name, struct bytes password,
                               struct diag *diag);
// Opens the ports and tells the first. BLOCKS
MUST_USE err_t broker_listen(struct broker *broker, uint16_t *port, struct diag *diag);
// Opens the local socket alone, instead. BLOCKS
MUST_USE err_t broker_listen_locally(struct broker *broker, struct diag *diag);
uint16_t broker_port(const struct broker *broker, size_t listener); // once it listens
// Stops listening, answers what waits, closes the log, frees. Not from a loop. BLOCKS
void broker_close(struct broker *broker);

// The broker's log for the services of this process; works without broker_listen().
struct log_port broker_log_port(struct broker *broker);

// A metric_collector(): topics, offsets and group lag under kafka_exporter's names. `ctx` is a
// struct broker *.
void broker_collect(struct str *out, void *ctx);

#endif
