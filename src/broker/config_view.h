// SPDX-License-Identifier: Apache-2.0
//
// config_view: the value a setting has, where it comes from, and what stands behind it: the
// resource's own, the broker's (given to it, or to all brokers), weir's, Kafka's default.
#ifndef BROKER_CONFIG_VIEW_H
#define BROKER_CONFIG_VIEW_H

#include "broker/broker_int.h"
#include "broker/kafka_config.h"

enum config_source { // codes of DescribeConfigs
    CONFIG_SOURCE_TOPIC = 1,
    CONFIG_SOURCE_BROKER = 2,
    CONFIG_SOURCE_ALL_BROKERS = 3,
    CONFIG_SOURCE_STATIC = 4,
    CONFIG_SOURCE_DEFAULT = 5,
    CONFIG_SOURCE_LOGGER = 6,
    CONFIG_SOURCE_CLIENT_METRICS = 7,
    CONFIG_SOURCE_GROUP = 8,
};

enum { CONFIG_SYNONYMS_MAX = 13 };

struct config_synonym {
    const char *name;
    const char *value;
    enum config_source source;
};

struct config_view {
    const char *value; // NULL = null
    enum config_source source;
    enum config_source creation_source; // as CreateTopics tells it: also where it is in hours
    struct config_synonym synonyms[CONFIG_SYNONYMS_MAX]; // the first is the one in effect
    size_t synonym_count;
};

// `own` are the settings of the resource; of a broker those of the store are taken. Texts are in
// the request's arena or in `own`.
void config_view(struct request *request, const struct kafka_config *config,
                 const struct topic_setting *own, size_t own_count, struct config_view *out);

// The value in effect for a group, within the broker's bounds: consumer.session.timeout.ms,
// consumer.heartbeat.interval.ms. Any thread.
int64_t config_of_group(struct broker *broker, struct bytes group, const char *name);

#endif
