// SPDX-License-Identifier: Apache-2.0
//
// Topics and groups under the names of kafka_exporter, so its dashboards and alerts work as they
// are; metrics_jmx.c has those of Kafka itself.
#include "broker/groups.h"
#include "broker/metrics_jmx.h"

#include "base/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" // U+FFFD

void metrics_family(struct str *out, const char *name, const char *help, const char *kind)
{
    str_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void family(struct str *out, const char *name, const char *help)
{
    metrics_family(out, name, help, "gauge");
}

// A label value: \, " and line feeds are escaped. What is no UTF-8 would have Prometheus refuse the
// whole page.
void metrics_label(struct str *out, const char *name, const char *value)
{
    str_printf(out, "%s=\"", name);
    for (size_t left = strlen(value); left > 0;) {
        size_t length = utf8_sequence((const uint8_t *)value, left);
        if (*value == '\\' || *value == '"')
            str_append_byte(out, '\\');
        if (*value == '\n')
            str_append_text(out, "\\n");
        else if (length == 0)
            str_append_text(out, REPLACEMENT);
        else
            str_append(out, value, length);
        value += length ? length : 1;
        left -= length ? length : 1;
    }
    str_append_byte(out, '"');
}

static void put_topic(struct str *out, const char *metric, const char *topic, int32_t partition,
                      int64_t value)
{
    str_printf(out, "%s{", metric);
    if (partition >= 0)
        str_printf(out, "partition=\"%d\",", partition);
    metrics_label(out, "topic", topic);
    str_printf(out, "} %lld\n", (long long)value);
}

// One replica of each partition, here, in sync, leading.
static void collect_replicas(struct str *out, struct topic **topics, size_t count)
{
    static const struct {
        const char *name, *help;
        int64_t value;
    } families[] = {
        {"kafka_topic_partition_leader", "Leader of a partition", BROKER_NODE_ID},
        {"kafka_topic_partition_leader_is_preferred", "1: led by the preferred broker", 1},
        {"kafka_topic_partition_replicas", "Replicas of a partition", 1},
        {"kafka_topic_partition_in_sync_replica", "Replicas in sync", 1},
        {"kafka_topic_partition_under_replicated_partition", "1: replicas are missing", 0},
    };
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        family(out, families[f].name, families[f].help);
        for (size_t i = 0; i < count; i++)
            for (int32_t p = 0; p < topic_partition_count(topics[i]); p++)
                put_topic(out, families[f].name, topic_name(topics[i]), p, families[f].value);
    }
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
    collect_replicas(out, topics, count);
    for (size_t i = 0; i < count; i++)
        topic_unref(topics[i]);
}

static void put_offset(struct str *out, const char *metric, const struct log_group *group,
                       const struct log_group_offset *offset, int64_t value)
{
    str_printf(out, "%s{", metric);
    metrics_label(out, "consumergroup", group->id);
    str_printf(out, ",partition=\"%d\",", offset->partition);
    metrics_label(out, "topic", offset->topic);
    str_printf(out, "} %lld\n", (long long)value);
}

static int64_t lag_of(const struct log_group_offset *offset)
{
    return offset->end > offset->committed ? offset->end - offset->committed : 0;
}

// The offsets of a group stand together by topic.
static void collect_sums(struct str *out, const struct log_group *groups, size_t count, bool lag)
{
    const char *name =
        lag ? "kafka_consumergroup_lag_sum" : "kafka_consumergroup_current_offset_sum";
    family(out, name,
           lag ? "Lag of a group in a topic" : "Committed offsets of a group in a topic");
    for (size_t i = 0; i < count; i++) {
        for (size_t o = 0; o < groups[i].offset_count;) {
            const struct log_group_offset *first = &groups[i].offsets[o];
            int64_t sum = 0;
            for (; o < groups[i].offset_count &&
                   strcmp(groups[i].offsets[o].topic, first->topic) == 0;
                 o++)
                sum += lag ? lag_of(&groups[i].offsets[o]) : groups[i].offsets[o].committed;
            str_printf(out, "%s{", name);
            metrics_label(out, "consumergroup", groups[i].id);
            str_append_byte(out, ',');
            metrics_label(out, "topic", first->topic);
            str_printf(out, "} %lld\n", (long long)sum);
        }
    }
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
        metrics_label(out, "consumergroup", groups[i].id);
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
            put_offset(out, "kafka_consumergroup_lag", &groups[i], offset, lag_of(offset));
        }
    }
    collect_sums(out, groups, count, false);
    collect_sums(out, groups, count, true);
}

void broker_collect(struct str *out, void *ctx)
{
    struct broker *broker = ctx;
    struct arena arena = ARENA_INIT;
    family(out, "kafka_brokers", "Number of brokers");
    str_append_text(out, "kafka_brokers 1\n");
    collect_topics(out, broker, &arena);
    collect_groups(out, broker, &arena);
    metrics_jmx_write(out, broker, &arena);
    arena_release(&arena);
}
