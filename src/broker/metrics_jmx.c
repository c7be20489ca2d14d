// SPDX-License-Identifier: Apache-2.0
#include "broker/metrics_jmx.h"

#include "base/metric.h"
#include "broker/request_stats.h"

#include <inttypes.h>

struct census {
    struct topic **topics;
    size_t count;
    int64_t partitions;
};

// --- BrokerTopicMetrics ---

struct traffic_family {
    const char *name, *help;
    size_t offset; // of the counter in struct topic_traffic
};

#define TRAFFIC(field) offsetof(struct topic_traffic, field)
static const struct traffic_family families[] = {
    {"kafka_server_brokertopicmetrics_messagesin_total", "Records written", TRAFFIC(records_in)},
    {"kafka_server_brokertopicmetrics_bytesin_total", "Bytes written", TRAFFIC(bytes_in)},
    {"kafka_server_brokertopicmetrics_bytesout_total", "Bytes read", TRAFFIC(bytes_out)},
    {"kafka_server_brokertopicmetrics_totalproducerequests_total",
     "Produce requests, one for each partition", TRAFFIC(produces)},
    {"kafka_server_brokertopicmetrics_failedproducerequests_total",
     "Produce requests that were refused", TRAFFIC(failed_produces)},
};

static uint64_t counter_of(const struct topic_traffic *traffic, size_t offset)
{
    uint64_t value;
    memcpy(&value, (const char *)traffic + offset, sizeof value);
    return value;
}

// Of all topics, as process-wide counters have it where there is one: deleted topics count on.
static uint64_t total_of(const struct census *census, size_t offset)
{
    if (offset == TRAFFIC(records_in))
        return (uint64_t)metric_value(METRIC_LOG_APPENDED_RECORDS);
    if (offset == TRAFFIC(bytes_in))
        return (uint64_t)metric_value(METRIC_LOG_APPENDED_BYTES);
    if (offset == TRAFFIC(bytes_out))
        return (uint64_t)metric_value(METRIC_LOG_FETCHED_BYTES);
    if (offset == TRAFFIC(produces))
        return request_stats_count(KAFKA_PRODUCE);
    uint64_t sum = 0;
    for (size_t i = 0; i < census->count; i++) {
        struct topic_traffic traffic = topic_traffic(census->topics[i]);
        sum += counter_of(&traffic, offset);
    }
    return sum;
}

static void write_traffic(struct str *out, const struct census *census)
{
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        const struct traffic_family *family = &families[f];
        metrics_family(out, family->name, family->help, "counter");
        str_printf(out, "%s %" PRIu64 "\n", family->name, total_of(census, family->offset));
        for (size_t i = 0; i < census->count; i++) {
            struct topic_traffic traffic = topic_traffic(census->topics[i]);
            str_printf(out, "%s{", family->name);
            metrics_label(out, "topic", topic_name(census->topics[i]));
            str_printf(out, "} %" PRIu64 "\n", counter_of(&traffic, family->offset));
        }
    }
    metrics_family(out, "kafka_server_brokertopicmetrics_totalfetchrequests_total",
                   "Fetch requests", "counter");
    str_printf(out, "kafka_server_brokertopicmetrics_totalfetchrequests_total %" PRIu64 "\n",
               request_stats_count(KAFKA_FETCH));
}

// --- Log ---

static int64_t log_value(const struct partition_offsets *offsets, int which)
{
    return which == 0 ? offsets->bytes : which == 1 ? offsets->start : offsets->end;
}

static void write_logs(struct str *out, const struct census *census)
{
    static const char *const names[][2] = {{"kafka_log_log_size", "Bytes of a partition"},
                                           {"kafka_log_log_logstartoffset", "First offset held"},
                                           {"kafka_log_log_logendoffset", "Next offset"}};
    for (int which = 0; which < 3; which++) {
        metrics_family(out, names[which][0], names[which][1], "gauge");
        for (size_t i = 0; i < census->count; i++) {
            int32_t count = topic_partition_count(census->topics[i]);
            for (int32_t p = 0; p < count; p++) {
                struct partition_offsets offsets =
                    partition_offsets(topic_partition(census->topics[i], p));
                str_printf(out, "%s{", names[which][0]);
                metrics_label(out, "topic", topic_name(census->topics[i]));
                str_printf(out, ",partition=\"%d\"} %lld\n", p,
                           (long long)log_value(&offsets, which));
            }
        }
    }
}

static void write_flushes(struct str *out)
{
    static const char *const quantiles[] = {"0.50", "0.75", "0.95", "0.98", "0.99", "0.999"};
    static const double parts[] = {0.5, 0.75, 0.95, 0.98, 0.99, 0.999};
    const char *name = "kafka_log_logflushstats_logflushrateandtimems";
    struct histogram_counts counts;
    metric_times(METRIC_LOG_SYNC_TIME, &counts);
    metrics_family(out, name, "Milliseconds of one fdatasync, since the start", "gauge");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        str_printf(out, "%s{quantile=\"%s\"} %.3f\n", name, quantiles[i],
                   histogram_quantile(&counts, parts[i]) / 1000);
    metrics_family(out, "kafka_log_logflushstats_logflushrateandtimems_count", "Calls of fdatasync",
                   "counter");
    str_printf(out, "%s_count %" PRIu64 "\n", name, histogram_count(&counts));
}

// --- what a healthy cluster of one tells ---

static void write_gauges(struct str *out, const struct census *census)
{
    const struct {
        const char *name, *help;
        int64_t value;
    } gauges[] = {
        {"kafka_server_kafkaserver_brokerstate", "3: running", 3},
        {"kafka_server_replicamanager_leadercount", "Partitions led", census->partitions},
        {"kafka_server_replicamanager_partitioncount", "Partitions", census->partitions},
        {"kafka_server_replicamanager_underreplicatedpartitions", "Lacking replicas", 0},
        {"kafka_server_replicamanager_underminisrpartitioncount", "Below min.insync.replicas", 0},
        {"kafka_server_replicamanager_atminisrpartitioncount", "At min.insync.replicas",
         census->partitions},
        {"kafka_server_replicamanager_offlinereplicacount", "Replicas offline", 0},
        {"kafka_server_replicamanager_reassigningpartitions", "Being moved", 0},
        {"kafka_controller_kafkacontroller_activecontrollercount", "Controllers active", 1},
        {"kafka_controller_kafkacontroller_activebrokercount", "Brokers", 1},
        {"kafka_controller_kafkacontroller_fencedbrokercount", "Brokers fenced", 0},
        {"kafka_controller_kafkacontroller_offlinepartitionscount", "Partitions without a leader",
         0},
        {"kafka_controller_kafkacontroller_preferredreplicaimbalancecount",
         "Not led by the preferred replica", 0},
        {"kafka_controller_kafkacontroller_globaltopiccount", "Topics", (int64_t)census->count},
        {"kafka_controller_kafkacontroller_globalpartitioncount", "Partitions", census->partitions},
        {"kafka_server_socket_server_metrics_connection_count", "Open connections",
         metric_value(METRIC_KAFKA_CONNECTIONS)},
    };
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++) {
        metrics_family(out, gauges[i].name, gauges[i].help, "gauge");
        str_printf(out, "%s %" PRId64 "\n", gauges[i].name, gauges[i].value);
    }
    const struct {
        const char *name, *help;
    } never[] = {
        {"kafka_server_replicamanager_isrshrinks_total", "Replicas lost"},
        {"kafka_server_replicamanager_isrexpands_total", "Replicas won back"},
        {"kafka_controller_controllerstats_uncleanleaderelections_total", "Unclean elections"},
    };
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        metrics_family(out, never[i].name, never[i].help, "counter");
        str_printf(out, "%s 0\n", never[i].name);
    }
}

// --- groups ---

static void write_groups(struct str *out, struct broker *broker, struct arena *arena)
{
    static const char *const states[][2] = {
        {"", "kafka_coordinator_group_groupmetadatamanager_numgroups"},
        {"Stable", "kafka_coordinator_group_groupmetadatamanager_numgroupsstable"},
        {"PreparingRebalance",
         "kafka_coordinator_group_groupmetadatamanager_numgroupspreparingrebalance"},
        {"CompletingRebalance",
         "kafka_coordinator_group_groupmetadatamanager_numgroupscompletingrebalance"},
        {"Empty", "kafka_coordinator_group_groupmetadatamanager_numgroupsempty"},
        {"Dead", "kafka_coordinator_group_groupmetadatamanager_numgroupsdead"},
    };
    size_t count, offsets = 0;
    const struct log_group *groups;
    if (broker_group_list(broker, arena, &groups, &count, NULL) != ERR_OK)
        return;
    for (size_t s = 0; s < sizeof states / sizeof *states; s++) {
        size_t found = 0;
        for (size_t i = 0; i < count; i++)
            found += states[s][0][0] == '\0' || strcmp(groups[i].state, states[s][0]) == 0;
        metrics_family(out, states[s][1], "Groups", "gauge");
        str_printf(out, "%s %zu\n", states[s][1], found);
    }
    for (size_t i = 0; i < count; i++)
        offsets += groups[i].offset_count;
    metrics_family(out, "kafka_coordinator_group_groupmetadatamanager_numoffsets",
                   "Committed offsets", "gauge");
    str_printf(out, "kafka_coordinator_group_groupmetadatamanager_numoffsets %zu\n", offsets);
}

void metrics_jmx_write(struct str *out, struct broker *broker, struct arena *arena)
{
    struct census census = {0};
    census.topics = log_store_topics(broker->store, arena, &census.count);
    for (size_t i = 0; i < census.count; i++)
        census.partitions += topic_partition_count(census.topics[i]);
    write_traffic(out, &census);
    write_logs(out, &census);
    write_flushes(out);
    write_gauges(out, &census);
    write_groups(out, broker, arena);
    for (size_t i = 0; i < census.count; i++)
        topic_unref(census.topics[i]);
    request_stats_write(out, broker->request_looks);
}
