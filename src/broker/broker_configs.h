// SPDX-License-Identifier: Apache-2.0
//
// broker_configs: what this broker says about itself in DescribeConfigs, under Kafka's names.
#ifndef BROKER_BROKER_CONFIGS_H
#define BROKER_BROKER_CONFIGS_H

#include "broker/broker_int.h"
#include "broker/topic_config.h"

struct broker_config {
    const char *name;
    enum topic_config_type type;
    const char *value;
    bool is_default;
    const char *about;
};

// In the request's arena.
const struct broker_config *broker_configs(struct request *request, size_t *count);

#endif
