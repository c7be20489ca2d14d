// SPDX-License-Identifier: Apache-2.0
//
// endpoint: a place where the broker listens, with what it tells clients to connect to and how they
// prove who they are. One more than was asked for: a Unix socket in the data directory, where this
// user's own programs may do everything.
#ifndef BROKER_ENDPOINT_H
#define BROKER_ENDPOINT_H

#include "broker/broker.h"
#include "net/conn.h"

struct endpoint {
    struct broker *broker;
    struct broker_listener_options options; // its texts are ours
    struct listener *listener;              // NULL until it is open
    uint16_t port;
    bool local; // the Unix socket
};

struct endpoints {
    struct endpoint *all; // `count`, and the local one behind them
    size_t count;
};

void endpoints_init(struct endpoints *endpoints, struct broker *broker,
                    const struct broker_options *options);
// All or none of them. Without a local one when the file system cannot have it. BLOCKS
MUST_USE err_t endpoints_open(struct endpoints *endpoints, struct diag *diag);
MUST_USE err_t endpoints_open_local(struct endpoints *endpoints, struct diag *diag); // BLOCKS
void endpoints_close(struct endpoints *endpoints); // stops listening. BLOCKS
void endpoints_release(struct endpoints *endpoints);

static inline bool endpoint_wants_sasl(const struct endpoint *endpoint)
{
    return endpoint->options.security == BROKER_SASL_PLAINTEXT ||
           endpoint->options.security == BROKER_SASL_TLS;
}

static inline bool endpoint_wants_tls(const struct endpoint *endpoint)
{
    return endpoint->options.security == BROKER_TLS ||
           endpoint->options.security == BROKER_SASL_TLS;
}

#endif
