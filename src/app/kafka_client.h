// SPDX-License-Identifier: Apache-2.0
//
// kafka_client: a Kafka broker as the command line sees it, through librdkafka: the running weir's,
// or any other (--brokers), with any of librdkafka's settings (--property). BLOCKS
//
// Errors     ERR_IO, in plain words, when nobody answers; a broker's refusal as ERR_INVALID,
//            ERR_NOT_FOUND or ERR_UNAUTHORIZED with its words.
#ifndef APP_KAFKA_CLIENT_H
#define APP_KAFKA_CLIENT_H

#include "app/client.h"

#include <librdkafka/rdkafka.h>

// Options every such command takes: put KAFKA_OPTIONS at the end of its table.
#define KAFKA_OPTIONS                                                                              \
    {"brokers", "LIST", "host:port,... of any Kafka instead of the running weir"},                 \
        {"user", "NAME",                                                                           \
         "with --brokers: sign in; the password is asked for, or in WEIR_PASSWORD"},               \
        {"tls-ca", "FILE",                                                                         \
         "with --brokers: TLS, and who may have issued their certificate (PEM)"},                  \
        {"property", "KEY=VALUE", "a setting of librdkafka, as sasl.mechanism=PLAIN; repeatable"}, \
        CLIENT_OPTIONS

struct kafka_client {
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue; // for answers of admin requests
    char brokers[512];
    _Atomic bool fails;    // somebody has begun to say why in `trouble`
    _Atomic bool troubled; // and has said it
    char trouble[256];     // why the first connection failed
    bool own;              // the running weir, not --brokers
    struct client weir;
};

enum { KAFKA_TIMEOUT_MS = 30000 };

// Settings of a client that only asks: it makes no topic by naming it.
extern const char *const kafka_client_asks[];

// `settings` are pairs of librdkafka's names and values, ended by NULL; may be NULL. Fails when no
// broker answers.
MUST_USE err_t kafka_client_open(struct kafka_client *client, const struct args *args,
                                 rd_kafka_type_t type, const char *const *settings,
                                 void (*configure)(rd_kafka_conf_t *conf, void *ctx), void *ctx,
                                 struct diag *diag);
void kafka_client_close(struct kafka_client *client);

// Is it reached through the socket in its data directory (admin.h)?
bool kafka_client_is_local(const struct kafka_client *client);

// What the broker knows of all topics, or of one: rd_kafka_metadata_destroy().
MUST_USE err_t kafka_client_metadata(struct kafka_client *client, const char *topic,
                                     const struct rd_kafka_metadata **out, struct diag *diag);
// Fills in the offset of each partition of the list: RD_KAFKA_OFFSET_BEGINNING, _END, or of the
// first record from a time (ms) on, the end when there is none.
MUST_USE err_t kafka_client_offsets(struct kafka_client *client,
                                    rd_kafka_topic_partition_list_t *list, int64_t what,
                                    struct diag *diag);
// The answer of an admin request sent to client->queue: rd_kafka_event_destroy().
MUST_USE err_t kafka_client_wait(struct kafka_client *client, rd_kafka_event_t **out,
                                 struct diag *diag);
// A code of the broker as an error of ours; `words` may be NULL.
err_t kafka_client_failed(struct diag *diag, rd_kafka_resp_err_t code, const char *words,
                          const char *what);

#endif
