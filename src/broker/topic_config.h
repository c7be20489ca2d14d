// SPDX-License-Identifier: Apache-2.0
//
// topic_config: the settings a topic can have, under Kafka's names, with types and defaults. What
// the log does not honour can only be set to what is true here. Pure.
#ifndef BROKER_TOPIC_CONFIG_H
#define BROKER_TOPIC_CONFIG_H

#include "base/bytes.h"
#include "base/diag.h"

enum topic_config_type { // codes of DescribeConfigs
    TOPIC_CONFIG_BOOLEAN = 1,
    TOPIC_CONFIG_STRING = 2,
    TOPIC_CONFIG_INT = 3,
    TOPIC_CONFIG_LONG = 5,
    TOPIC_CONFIG_DOUBLE = 6,
    TOPIC_CONFIG_LIST = 7,
};

struct topic_config {
    const char *name;
    enum topic_config_type type;
    const char *value;   // default
    const char *allowed; // a text: words separated by '|'; a number: "min|max"
    const char *about;
};

extern const struct topic_config topic_configs[]; // sorted by name
extern const size_t topic_config_count;

const struct topic_config *topic_config_find(struct bytes name); // NULL if there is no such setting
// ERR_CONFIG in Kafka's words.
MUST_USE err_t topic_config_check(struct bytes name, struct bytes value, struct diag *diag);

#endif
