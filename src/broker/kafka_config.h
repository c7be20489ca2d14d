// SPDX-License-Identifier: Apache-2.0
//
// kafka_config: every setting of Apache Kafka 4.3 under its name, with type, default, bounds and
// words, and what weir makes of it: honoured, accepted because there is nothing to do, or fixed to
// what weir does anyway. Generated from schema/kafka_configs.tbl and kafka_configs_weir.tbl. Pure.
#ifndef BROKER_KAFKA_CONFIG_H
#define BROKER_KAFKA_CONFIG_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/diag.h"

enum kafka_config_scope {
    KAFKA_CONFIG_TOPIC,
    KAFKA_CONFIG_BROKER,
    KAFKA_CONFIG_GROUP,
    KAFKA_CONFIG_CLIENT_METRICS,
};

enum kafka_config_type { // codes of DescribeConfigs
    KAFKA_CONFIG_TYPE_BOOLEAN = 1,
    KAFKA_CONFIG_TYPE_STRING = 2,
    KAFKA_CONFIG_TYPE_INT = 3,
    KAFKA_CONFIG_TYPE_SHORT = 4,
    KAFKA_CONFIG_TYPE_LONG = 5,
    KAFKA_CONFIG_TYPE_DOUBLE = 6,
    KAFKA_CONFIG_TYPE_LIST = 7,
    KAFKA_CONFIG_TYPE_CLASS = 8,
    KAFKA_CONFIG_TYPE_PASSWORD = 9,
};

enum kafka_config_update {
    KAFKA_CONFIG_READ_ONLY,
    KAFKA_CONFIG_CLUSTER_WIDE, // for the broker or for all
    KAFKA_CONFIG_PER_BROKER,
    KAFKA_CONFIG_DYNAMIC, // of topics, groups, client metrics
};

enum kafka_config_verdict {
    KAFKA_CONFIG_HONOURED,
    KAFKA_CONFIG_ACCEPTED,
    KAFKA_CONFIG_SYNCED, // accepted where every write is synced, otherwise fixed
    KAFKA_CONFIG_FIXED,
};

enum kafka_config_rule {
    KAFKA_CONFIG_ANY,
    KAFKA_CONFIG_AT_LEAST,
    KAFKA_CONFIG_RANGE,
    KAFKA_CONFIG_ONE_OF, // of a list: each of its words
    KAFKA_CONFIG_ONE_OF_ANY_CASE,
    KAFKA_CONFIG_REPLICAS,
};

struct kafka_config {
    const char *name;
    enum kafka_config_scope scope;
    enum kafka_config_type type;
    enum kafka_config_update update;
    enum kafka_config_verdict verdict;
    const char *value; // Kafka's default; NULL = null
    const char *own;   // weir's, where it differs; "@" = worked out while weir runs; or NULL
    struct {
        enum kafka_config_rule rule;
        int64_t min, max;
        bool or_minus_one;
        const char *words; // "a, b"
    } bounds;
    const char *inherits; // the broker's setting that stands in where this one is not set, or NULL
    const char *about;    // Kafka's documentation, or NULL
    const char *in_weir;  // what weir does instead, or NULL
};

extern const struct kafka_config kafka_configs[]; // by scope, then by name
extern const size_t kafka_config_count;

// NULL if there is no such setting.
const struct kafka_config *kafka_config_find(enum kafka_config_scope scope, struct bytes name);
// The settings of a scope stand together.
const struct kafka_config *kafka_config_first(enum kafka_config_scope scope, size_t *count);

// Is it a value Kafka takes? ERR_CONFIG in Kafka's words.
MUST_USE err_t kafka_config_check(const struct kafka_config *config, struct bytes value,
                                  struct diag *diag);
// Is it one weir takes? `synced`: every write is synced. `shown` is weir's own value, for settings
// that are fixed. ERR_CONFIG says what weir does instead.
MUST_USE err_t kafka_config_allow(const struct kafka_config *config, struct bytes value,
                                  const char *shown, bool synced, struct diag *diag);

// A checked value as Kafka tells it: numbers and booleans in their plain form, lists without blanks
// and repetitions. In `arena`.
const char *kafka_config_canonical(const struct kafka_config *config, struct bytes value,
                                   struct arena *arena);

// What is left without white space at both ends.
struct bytes kafka_config_trim(struct bytes value);
// The next word of a list; false at the end. `*at` moves behind it, from 0 on.
bool kafka_config_word(struct bytes list, size_t *at, struct bytes *word);

#endif
