// SPDX-License-Identifier: Apache-2.0
//
// The log honours retention.ms, retention.bytes, segment.bytes, segment.ms, max.message.bytes,
// cleanup.policy and message.timestamp.type. The others are known so that tools find them; setting
// one to something else than what weir does would be a promise not kept, and is refused.
#include "broker/topic_config.h"

#include <stdlib.h>

#define LONG_MAX_TEXT "9223372036854775807"
#define INT_MAX_TEXT  "2147483647"

const struct topic_config topic_configs[] = {
    {"cleanup.policy", TOPIC_CONFIG_LIST, "delete", "delete|compact|compact,delete|delete,compact",
     "Old segments are deleted by age and size (delete), or kept (compact)."},
    {"compression.type", TOPIC_CONFIG_STRING, "producer", "producer",
     "Batches are kept as the producer made them."},
    {"delete.retention.ms", TOPIC_CONFIG_LONG, "86400000", "0|" LONG_MAX_TEXT,
     "How long deletion markers of compacted topics are kept."},
    {"file.delete.delay.ms", TOPIC_CONFIG_LONG, "60000", "0|" LONG_MAX_TEXT,
     "How long a deleted file stays on disk."},
    {"flush.messages", TOPIC_CONFIG_LONG, LONG_MAX_TEXT, "1|" LONG_MAX_TEXT,
     "Flushing is the broker's durability setting."},
    {"flush.ms", TOPIC_CONFIG_LONG, LONG_MAX_TEXT, "0|" LONG_MAX_TEXT,
     "Flushing is the broker's durability setting."},
    {"index.interval.bytes", TOPIC_CONFIG_INT, "4096", "0|" INT_MAX_TEXT,
     "Bytes between two index entries."},
    {"max.compaction.lag.ms", TOPIC_CONFIG_LONG, LONG_MAX_TEXT, "1|" LONG_MAX_TEXT,
     "Longest time a record stays uncompacted."},
    {"max.message.bytes", TOPIC_CONFIG_INT, "1048588", "0|" INT_MAX_TEXT,
     "Largest record batch accepted."},
    {"message.timestamp.after.max.ms", TOPIC_CONFIG_LONG, "3600000", "0|" LONG_MAX_TEXT,
     "How far a timestamp may be ahead of the clock."},
    {"message.timestamp.before.max.ms", TOPIC_CONFIG_LONG, LONG_MAX_TEXT, "0|" LONG_MAX_TEXT,
     "How far a timestamp may be behind the clock."},
    {"message.timestamp.type", TOPIC_CONFIG_STRING, "CreateTime", "CreateTime",
     "Timestamps are the producer's."},
    {"min.cleanable.dirty.ratio", TOPIC_CONFIG_DOUBLE, "0.5", NULL,
     "Share of a log that makes compaction start."},
    {"min.compaction.lag.ms", TOPIC_CONFIG_LONG, "0", "0|" LONG_MAX_TEXT,
     "Shortest time a record stays uncompacted."},
    {"min.insync.replicas", TOPIC_CONFIG_INT, "1", "1|1", "There is one replica."},
    {"preallocate", TOPIC_CONFIG_BOOLEAN, "false", "true|false",
     "Segments are preallocated in small steps anyway."},
    {"retention.bytes", TOPIC_CONFIG_LONG, "-1", "-1|" LONG_MAX_TEXT,
     "Size of a partition above which its oldest segments go; -1 = no limit."},
    {"retention.ms", TOPIC_CONFIG_LONG, "604800000", "-1|" LONG_MAX_TEXT,
     "Age at which segments go; -1 = never."},
    {"segment.bytes", TOPIC_CONFIG_INT, "1073741824", "14|" INT_MAX_TEXT,
     "Size at which a segment is closed."},
    {"segment.index.bytes", TOPIC_CONFIG_INT, "10485760", "4|" INT_MAX_TEXT,
     "Largest size of an index."},
    {"segment.jitter.ms", TOPIC_CONFIG_LONG, "0", "0|" LONG_MAX_TEXT,
     "Spread of the times when segments are closed."},
    {"segment.ms", TOPIC_CONFIG_LONG, "604800000", "1|" LONG_MAX_TEXT,
     "Age at which a segment is closed."},
    {"unclean.leader.election.enable", TOPIC_CONFIG_BOOLEAN, "false", "true|false",
     "There is one replica."},
};
const size_t topic_config_count = sizeof topic_configs / sizeof *topic_configs;

const struct topic_config *topic_config_find(struct bytes name)
{
    for (size_t i = 0; i < topic_config_count; i++)
        if (bytes_is(name, topic_configs[i].name))
            return &topic_configs[i];
    return NULL;
}

static bool is_one_of(const char *words, struct bytes value)
{
    while (*words) {
        size_t size = strcspn(words, "|");
        if (bytes_equal(bytes_make(words, size), value))
            return true;
        words += size + (words[size] == '|');
    }
    return false;
}

static bool parse_long(struct bytes value, int64_t *out)
{
    char text[24];
    char *end;
    if (value.size == 0 || value.size >= sizeof text)
        return false;
    memcpy(text, value.ptr, value.size);
    text[value.size] = '\0';
    *out = strtoll(text, &end, 10);
    return *end == '\0';
}

static err_t check_number(const struct topic_config *config, struct bytes value, struct diag *diag)
{
    int64_t number;
    char *rest;
    int64_t low = strtoll(config->allowed, &rest, 10);
    int64_t high = strtoll(rest + 1, NULL, 10);
    if (!parse_long(value, &number))
        return FAIL(
            diag, ERR_CONFIG, "Invalid value %.*s for configuration %s: Not a number of type %s",
            BYTES_PRINT(value), config->name, config->type == TOPIC_CONFIG_INT ? "INT" : "LONG");
    if (number < low)
        return FAIL(diag, ERR_CONFIG,
                    "Invalid value %lld for configuration %s: Value must be at least %lld",
                    (long long)number, config->name, (long long)low);
    if (number > high)
        return FAIL(diag, ERR_CONFIG,
                    "Invalid value %lld for configuration %s: Value must be at most %lld",
                    (long long)number, config->name, (long long)high);
    return ERR_OK;
}

err_t topic_config_check(struct bytes name, struct bytes value, struct diag *diag)
{
    const struct topic_config *config = topic_config_find(name);
    if (!config)
        return FAIL(diag, ERR_CONFIG, "Unknown topic config name: %.*s", BYTES_PRINT(name));
    if (!value.ptr)
        return FAIL(diag, ERR_CONFIG, "Null value not supported for topic configs: %s",
                    config->name);
    if (config->type == TOPIC_CONFIG_INT || config->type == TOPIC_CONFIG_LONG)
        return check_number(config, value, diag);
    if (config->allowed && !is_one_of(config->allowed, value))
        return FAIL(diag, ERR_CONFIG,
                    "Invalid value %.*s for configuration %s: String must be one of: %s",
                    BYTES_PRINT(value), config->name, config->allowed);
    return ERR_OK;
}
