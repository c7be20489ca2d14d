// SPDX-License-Identifier: Apache-2.0
//
// Topics and groups under the names of kafka_exporter, so its dashboards and alerts work as they
// are.
#include "broker/groups.h"

static void family(struct str *out, const char *name, const char *help)
{
    str_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

// A label value: \, " and line feeds are escaped.
static void put_label(struct str *out, const char *name, const char *value)
{
    str_printf(out, "%s=\"", name);
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            str_append_byte(out, '\\');
        if (*value == '\n')
            str_append_text(out, "\\n");
        else
            str_append_byte(out, *value);
    }
    str_append_byte(out, '"');
}

static void put_topic(struct str *out, const char *metric, const char *topic, int32_t partition,
                      int64_t value)
{
    str_printf(out, "%s{", metric);
    if (partition >= 0)
        str_printf(out, "partition=\"%d\",", partition);
    put_label(out, "topic", topic);
    str_printf(out, "} %lld\n", (long long)value);
}

static void collect_topics(struct str *out, struct broker *broker, struct arena *arena)
{
    size_t count;
    struct topic **topics = log_store_topics(broker->store, arena, &count);
    family(out, "kafka_topic_partitions", "Number of partitions of a topic");
    for (size_t i = 0; i < count; i++)
        put_topic(out, "kafka_topic_partitions", topic_name(topics[i]), -1,
                  topic_partition_count(topics[i]));
    family(out, "kafka_topic_partition_current_offset", "Next offset of a partition");
    for (size_t i = 0; i < count; i++)
        for (int32_t p = 0; p < topic_partition_count(topics[i]); p++)
            put_topic(out, "kafka_topic_partition_current_offset", topic_name(topics[i]), p,
                      partition_offsets(topic_partition(topics[i], p)).end);
    family(out, "kafka_topic_partition_oldest_offset", "First offset held of a partition");
    for (size_t i = 0; i < count; i++)
        for (int32_t p = 0; p < topic_partition_count(topics[i]); p++)
            put_topic(out, "kafka_topic_partition_oldest_offset", topic_name(topics[i]), p,
                      partition_offsets(topic_partition(topics[i], p)).start);
    for (size_t i = 0; i < count; i++)
        topic_unref(topics[i]);
}

static void put_offset(struct str *out, const char *metric, const struct log_group *group,
                       const struct log_group_offset *offset, int64_t value)
{
    str_printf(out, "%s{", metric);
    put_label(out, "consumergroup", group->id);
    str_printf(out, ",partition=\"%d\",", offset->partition);
    put_label(out, "topic", offset->topic);
    str_printf(out, "} %lld\n", (long long)value);
}

static void collect_groups(struct str *out, struct broker *broker, struct arena *arena)
{
    size_t count;
    const struct log_group *groups;
    if (broker_group_list(broker, arena, &groups, &count, NULL) != ERR_OK)
        return;
    family(out, "kafka_consumergroup_members", "Members of a group");
    for (size_t i = 0; i < count; i++) {
        str_append_text(out, "kafka_consumergroup_members{");
        put_label(out, "consumergroup", groups[i].id);
        str_printf(out, "} %zu\n", groups[i].member_count);
    }
    family(out, "kafka_consumergroup_current_offset", "Committed offset of a group in a partition");
    for (size_t i = 0; i < count; i++)
        for (size_t o = 0; o < groups[i].offset_count; o++)
            put_offset(out, "kafka_consumergroup_current_offset", &groups[i], &groups[i].offsets[o],
                       groups[i].offsets[o].committed);
    family(out, "kafka_consumergroup_lag", "Records a group has not committed in a partition");
    for (size_t i = 0; i < count; i++) {
        for (size_t o = 0; o < groups[i].offset_count; o++) {
            const struct log_group_offset *offset = &groups[i].offsets[o];
            int64_t lag = offset->end > offset->committed ? offset->end - offset->committed : 0;
            put_offset(out, "kafka_consumergroup_lag", &groups[i], offset, lag);
        }
    }
}

void broker_collect(struct str *out, void *ctx)
{
    struct broker *broker = ctx;
    struct arena arena = ARENA_INIT;
    family(out, "kafka_brokers", "Number of brokers");
    str_append_text(out, "kafka_brokers 1\n");
    collect_topics(out, broker, &arena);
    collect_groups(out, broker, &arena);
    arena_release(&arena);
}
