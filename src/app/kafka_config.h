// SPDX-License-Identifier: Apache-2.0
//
// kafka_config: who may connect to the Kafka listeners and how, from weir.yaml:
//
//     kafka:
//       listeners:
//         inside:  {listen: 0.0.0.0:9092, advertised: weir:9092, security: sasl_plaintext}
//         outside: {listen: 0.0.0.0:9093, advertised: kafka.example.com:9093, security: sasl_tls}
//       tls: {cert: server.pem, key: server.key, ca: clients.pem, client_auth: requested}
//       users: [{name: admin, password_env: ADMIN_PASSWORD}]
//       authorizer: on
//       super_users: User:admin
//       settings: {num.partitions: 3, auto.create.topics.enable: false}
//
// Everything lives as long as the config it was read from.
#ifndef APP_KAFKA_CONFIG_H
#define APP_KAFKA_CONFIG_H

#include "app/config.h"
#include "broker/broker.h"
#include "store/log/log_store.h"

struct kafka_config_user {
    const char *name;
    const char *password;
};

struct kafka_config {
    struct broker_listener_options *listeners; // without `tls`
    size_t listener_count;
    size_t tools_listener;  // where our own tools connect: the first that needs no password
    struct tls_options tls; // cert NULL: none
    struct kafka_config_user *users;
    size_t user_count;
    struct access_options access;
    struct topic_setting *settings; // Kafka's own, of brokers
    size_t setting_count;
};

// Every mistake becomes a problem.
void kafka_config_read(struct kafka_config *out, const struct config *config,
                       struct problems *problems);

// Only `settings`.
void kafka_config_read_settings(struct kafka_config *out, const struct config *config,
                                struct problems *problems);

#endif
