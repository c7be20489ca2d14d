// SPDX-License-Identifier: Apache-2.0
#include "broker/broker_configs.h"

static const struct broker_config fixed[] = {
    {"broker.id", TOPIC_CONFIG_INT, "1", false, "The only node."},
    {"node.id", TOPIC_CONFIG_INT, "1", false, "The only node."},
    {"default.replication.factor", TOPIC_CONFIG_INT, "1", true, "There is one replica."},
    {"min.insync.replicas", TOPIC_CONFIG_INT, "1", true, "There is one replica."},
    {"delete.topic.enable", TOPIC_CONFIG_BOOLEAN, "true", true, "Topics can be deleted."},
    {"message.max.bytes", TOPIC_CONFIG_INT, "1048588", true, "Largest record batch accepted."},
    {"log.message.timestamp.type", TOPIC_CONFIG_STRING, "CreateTime", true,
     "Timestamps are the producer's."},
    {"log.cleanup.policy", TOPIC_CONFIG_LIST, "delete", true, "What happens to old segments."},
    {"log.retention.ms", TOPIC_CONFIG_LONG, "604800000", true, "Age at which segments go."},
    {"log.retention.bytes", TOPIC_CONFIG_LONG, "-1", true,
     "Size of a partition above which segments go."},
    {"log.segment.bytes", TOPIC_CONFIG_INT, "1073741824", true,
     "Size at which a segment is closed."},
    {"group.initial.rebalance.delay.ms", TOPIC_CONFIG_INT, "0", false,
     "A first member does not wait for others."},
    {"group.min.session.timeout.ms", TOPIC_CONFIG_INT, "6000", true,
     "Shortest session of a group member."},
    {"group.max.session.timeout.ms", TOPIC_CONFIG_INT, "1800000", true,
     "Longest session of a group member."},
    {"offset.metadata.max.bytes", TOPIC_CONFIG_INT, "4096", true,
     "Longest text beside a committed offset."},
    {"offsets.retention.minutes", TOPIC_CONFIG_INT, "10080", true,
     "How long an empty group keeps its offsets."},
    {"offsets.topic.num.partitions", TOPIC_CONFIG_INT, "1", false,
     "Partitions of __consumer_offsets."},
    {"offsets.topic.replication.factor", TOPIC_CONFIG_INT, "1", false, "There is one replica."},
    {"connections.max.idle.ms", TOPIC_CONFIG_LONG, "600000", true, "Idle connections are closed."},
    {"socket.request.max.bytes", TOPIC_CONFIG_INT, "104857600", true, "Largest request accepted."},
    {"auto.create.topics.enable", TOPIC_CONFIG_BOOLEAN, NULL, true, "Asking for a topic makes it."},
    {"num.partitions", TOPIC_CONFIG_INT, NULL, false,
     "Partitions of topics made by asking for them."},
    {"advertised.listeners", TOPIC_CONFIG_STRING, NULL, false, "Where clients connect to."},
    {"log.dirs", TOPIC_CONFIG_STRING, NULL, false, "The data directory."},
};
enum { FIXED = sizeof fixed / sizeof *fixed };

static const char *value_of(struct request *request, const char *name)
{
    const struct broker_options *options = &request->broker->options;
    struct arena *arena = &request->arena;
    if (strcmp(name, "auto.create.topics.enable") == 0)
        return options->no_auto_create ? "false" : "true";
    if (strcmp(name, "num.partitions") == 0)
        return arena_printf(arena, "%d",
                            options->default_partitions > 0 ? options->default_partitions : 1);
    if (strcmp(name, "log.dirs") == 0)
        return arena_printf(arena, "%s/log", options->data_dir);
    struct bytes host;
    int32_t port;
    request_advertised(request, &host, &port);
    return arena_printf(arena, "PLAINTEXT://%.*s:%d", BYTES_PRINT(host), port);
}

const struct broker_config *broker_configs(struct request *request, size_t *count)
{
    struct broker_config *all = arena_dup(&request->arena, fixed, sizeof fixed);
    for (size_t i = 0; i < FIXED; i++)
        if (!all[i].value)
            all[i].value = value_of(request, all[i].name);
    *count = FIXED;
    return all;
}
