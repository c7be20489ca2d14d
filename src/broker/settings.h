// SPDX-License-Identifier: Apache-2.0
//
// settings: the broker's settings in effect: what was set for this broker or for all while weir
// runs, what stands in weir.yaml (kafka.settings), weir's own, Kafka's default. Numbers that are
// asked for with every request stand ready.
//
// Thread     any.
#ifndef BROKER_SETTINGS_H
#define BROKER_SETTINGS_H

#include "base/arena.h"
#include "base/diag.h"
#include "broker/kafka_config.h"

#include <stdatomic.h>
#include <stdint.h>

struct broker;
struct topic_setting;

#define SETTINGS(X)                                                                      \
    X(CREATE_TOPICS, "auto.create.topics.enable")                                        \
    X(DELETE_TOPICS, "delete.topic.enable")                                              \
    X(PARTITIONS, "num.partitions")                                                      \
    X(FETCH_BYTES, "fetch.max.bytes")                                                    \
    X(FETCH_SESSIONS, "max.incremental.fetch.session.cache.slots")                       \
    X(PAGE_PARTITIONS, "max.request.partition.size.limit")                               \
    X(REQUEST_BYTES, "socket.request.max.bytes")                                         \
    X(GROUP_SESSION_MIN_MS, "group.min.session.timeout.ms")                              \
    X(GROUP_SESSION_MAX_MS, "group.max.session.timeout.ms")                              \
    X(GROUP_FIRST_DELAY_MS, "group.initial.rebalance.delay.ms")                          \
    X(GROUP_SIZE, "group.max.size")                                                      \
    X(CONSUMER_GROUP_SIZE, "group.consumer.max.size")                                    \
    X(OFFSETS_RETENTION_MINUTES, "offsets.retention.minutes")                            \
    X(OFFSETS_CHECK_MS, "offsets.retention.check.interval.ms")                           \
    X(OFFSET_METADATA_BYTES, "offset.metadata.max.bytes")                                \
    X(TXN_TIMEOUT_MAX_MS, "transaction.max.timeout.ms")                                  \
    X(TXN_ID_EXPIRY_MS, "transactional.id.expiration.ms")                                \
    X(TXN_EXPIRY_CHECK_MS, "transaction.remove.expired.transaction.cleanup.interval.ms") \
    X(PRODUCER_EXPIRY_MS, "producer.id.expiration.ms")                                   \
    X(SIGN_IN_AGAIN_MS, "connections.max.reauth.ms")                                     \
    X(RETENTION_CHECK_MS, "log.retention.check.interval.ms")                             \
    X(CLEANER_BACKOFF_MS, "log.cleaner.backoff.ms")                                      \
    X(CLEANER_ENABLE, "log.cleaner.enable")

enum setting {
#define X(id, name) SETTING_##id,
    SETTINGS(X)
#undef X
        SETTING_COUNT
};

struct settings {
    _Atomic int64_t values[SETTING_COUNT]; // booleans are 0 and 1
    struct arena arena;
    const struct topic_setting *given; // weir.yaml's
    size_t given_count;
};

void settings_init(struct settings *settings, const struct topic_setting *given, size_t count);
void settings_release(struct settings *settings);
// What weir.yaml says; NULL when it says nothing.
const char *settings_given(const struct settings *settings, const char *name);

// Takes over what the stored settings say now, and tells the log. BLOCKS
MUST_USE err_t settings_apply(struct broker *broker, struct diag *diag);
// In effect, in the form of its type; NULL = null. Text in `arena`, or for ever.
const char *settings_text(struct broker *broker, const char *name, struct arena *arena);
int64_t settings_number(struct broker *broker, const char *name);
// Beyond kafka_config_check(): what the form of its type does not tell. ERR_CONFIG.
MUST_USE err_t settings_check(const struct kafka_config *config, const char *value,
                              struct diag *diag);
// May all this stand together, when `planned` is all that is said at `place` (this broker's id, or
// "" = all brokers)? ERR_CONFIG in Kafka's words.
MUST_USE err_t settings_check_planned(struct broker *broker, const char *place,
                                      const struct topic_setting *planned, size_t count,
                                      struct diag *diag);
// What a topic inherits from the broker's setting `name`, in the topic's unit. As settings_text().
const char *settings_inherited(struct broker *broker, const char *name, struct arena *arena);

#endif
