// SPDX-License-Identifier: Apache-2.0
//
// config_change: changing settings of topics, brokers, groups, client metrics and loggers, for
// AlterConfigs, IncrementalAlterConfigs and CreateTopics. What is refused and in which words is
// Kafka's; beyond that a setting weir cannot honour is refused (ERR_CONFIG), never ignored.
#ifndef BROKER_CONFIG_CHANGE_H
#define BROKER_CONFIG_CHANGE_H

#include "broker/broker_int.h"

enum config_operation { CONFIG_SET = 0, CONFIG_DELETE = 1, CONFIG_APPEND = 2, CONFIG_SUBTRACT = 3 };

enum config_resource { // codes of the protocol
    CONFIG_RESOURCE_TOPIC = 2,
    CONFIG_RESOURCE_BROKER = 4,
    CONFIG_RESOURCE_LOGGER = 8,
    CONFIG_RESOURCE_CLIENT_METRICS = 16,
    CONFIG_RESOURCE_GROUP = 32,
};

enum { CONFIG_RESOURCES_MAX = 10000, CONFIG_CHANGES_MAX = 1000 }; // in one request, of one resource

struct config_change {
    struct bytes name;
    struct bytes value; // ptr NULL = null
    int8_t operation;
};

struct config_request { // what is asked of one resource
    int8_t type;        // enum config_resource
    struct bytes name;
    const struct config_change *changes;
    size_t count;
    bool replace; // settings the changes do not name go back to their defaults
    bool validate_only;
};

struct config_result {
    int16_t code;
    struct bytes story;
};

// All of one request, each on its own, none of them named twice; asks for the right to do it first.
// Results in the request's arena. BLOCKS
struct config_result *config_change_all(struct request *request, const struct config_request *asked,
                                        size_t count);

// May a topic have these settings, which are all of its own? ERR_CONFIG.
MUST_USE err_t config_check_topic(struct request *request, const struct topic_setting *settings,
                                  size_t count, struct diag *diag);

// May the client do this to the settings of such a resource?
MUST_USE err_t config_check_right(struct request *request, enum acl_operation operation,
                                  int8_t type, struct bytes name, struct diag *diag);

// A broker's id, as the name of a resource. ERR_INVALID.
MUST_USE err_t config_check_broker_id(struct bytes name, struct diag *diag);

// --- loggers (config_logger.c) ---

const char *config_logger_level(void); // of the only logger, "root"
MUST_USE err_t config_logger_change(const struct config_request *asked, struct diag *diag);

#endif
