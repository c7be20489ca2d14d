// SPDX-License-Identifier: Apache-2.0
//
// config_store: the settings given to brokers, groups and client metrics while weir runs; those of
// topics stand in the log's catalog. Kept in one JSON file, replaced as a whole.
//
// Thread     any.
#ifndef BROKER_CONFIG_STORE_H
#define BROKER_CONFIG_STORE_H

#include "base/arena.h"
#include "broker/kafka_config.h"
#include "store/log/log_store.h"

struct config_store;

// BLOCKS
MUST_USE err_t config_store_open(struct config_store **out, const char *path, struct diag *diag);
void config_store_free(struct config_store *store); // NULL is fine

// Settings of one resource, sorted by key, in `arena`. The resource of broker settings is its id,
// or
// "" for all brokers.
struct topic_setting *config_store_settings(struct config_store *store,
                                            enum kafka_config_scope scope, struct bytes resource,
                                            struct arena *arena, size_t *count);
// One of them, or NULL; in `arena`.
const char *config_store_get(struct config_store *store, enum kafka_config_scope scope,
                             struct bytes resource, const char *key, struct arena *arena);
// The resources of a scope that have settings, sorted, in `arena`.
const char **config_store_resources(struct config_store *store, enum kafka_config_scope scope,
                                    struct arena *arena, size_t *count);
// Changes settings, a value of NULL takes one away; on disk on return. BLOCKS
MUST_USE err_t config_store_change(struct config_store *store, enum kafka_config_scope scope,
                                   struct bytes resource, const struct topic_setting *settings,
                                   size_t count, struct diag *diag);

#endif
