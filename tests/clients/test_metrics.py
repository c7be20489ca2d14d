"""/metrics under the names that published dashboards ask for: kafka_exporter's, and those the Prometheus JMX exporter gives Kafka's
own metrics with its usual rules (kafka_<domain>_<type>_<name>, PerSec counters as _total, percentiles as quantile)."""
import re
import time

import pytest
import requests
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from conftest import wait_for

# What the panels and alerts of kafka_exporter's dashboard (Grafana 7589), Strimzi's and the common JMX dashboards ask for.
DASHBOARDS = """
kafka_brokers kafka_topic_partitions kafka_topic_partition_current_offset kafka_topic_partition_oldest_offset
kafka_topic_partition_in_sync_replica kafka_topic_partition_leader kafka_topic_partition_leader_is_preferred
kafka_topic_partition_replicas kafka_topic_partition_under_replicated_partition kafka_consumergroup_current_offset
kafka_consumergroup_current_offset_sum kafka_consumergroup_lag kafka_consumergroup_lag_sum kafka_consumergroup_members
kafka_server_brokertopicmetrics_messagesin_total kafka_server_brokertopicmetrics_bytesin_total
kafka_server_brokertopicmetrics_bytesout_total kafka_server_brokertopicmetrics_totalproducerequests_total
kafka_server_brokertopicmetrics_failedproducerequests_total kafka_server_brokertopicmetrics_totalfetchrequests_total
kafka_network_requestmetrics_requests_total kafka_network_requestmetrics_totaltimems kafka_network_requestmetrics_errors_total
kafka_log_log_size kafka_log_log_logstartoffset kafka_log_log_logendoffset
kafka_log_logflushstats_logflushrateandtimems kafka_server_replicamanager_leadercount kafka_server_replicamanager_partitioncount
kafka_server_replicamanager_underreplicatedpartitions kafka_server_replicamanager_underminisrpartitioncount
kafka_server_replicamanager_offlinereplicacount kafka_server_replicamanager_isrshrinks_total
kafka_server_replicamanager_isrexpands_total kafka_controller_kafkacontroller_activecontrollercount
kafka_controller_kafkacontroller_offlinepartitionscount kafka_controller_controllerstats_uncleanleaderelections_total
kafka_coordinator_group_groupmetadatamanager_numgroups kafka_server_socket_server_metrics_connection_count
weir_log_sync_seconds_bucket weir_log_append_wait_seconds_bucket weir_kafka_work_wait_seconds_bucket weir_kafka_request_seconds_bucket
""".split()
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (-?[0-9.e+]+|NaN)$")


def scrape(weir):
    """{(name, labels): value}; fails on a line that is no Prometheus text, on a family told twice and on a sample told twice."""
    text = requests.get(f"http://{weir.at['console']}/metrics", timeout=60).text
    families, samples = set(), {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            family = line.split()[2]
            assert family not in families, f"{family} is told twice"
            families.add(family)
        elif not line.startswith("#"):
            found = SAMPLE.match(line)
            assert found, line
            key = found[1], found[2] or ""
            assert key not in samples, f"{key} is told twice"
            samples[key] = float(found[3])
    return samples


@pytest.fixture(scope="module")
def used(weir):
    """A weir that has been written to and read from."""
    at = weir.at["kafka"]
    admin = AdminClient({"bootstrap.servers": at})
    admin.create_topics([NewTopic("seen", 2, 1)])["seen"].result(60)
    producer = Producer({"bootstrap.servers": at})
    for n in range(100):
        producer.produce("seen", b"x" * 100, partition=n % 2)
    assert producer.flush(60) == 0
    consumer = Consumer({"bootstrap.servers": at, "group.id": "readers", "auto.offset.reset": "earliest",
                         "enable.auto.commit": False})
    consumer.assign([TopicPartition("seen", 0, 0)])
    got = []
    wait_for(lambda: got.extend(consumer.consume(50, 0.2)) or len(got) >= 50, "50 records")
    consumer.commit(offsets=[TopicPartition("seen", 0, 20)], asynchronous=False)
    consumer.close()
    return weir


def test_every_name_dashboards_ask_for_is_there(used):
    wait_for(lambda: not set(DASHBOARDS) - {name for name, _ in scrape(used)}, "them to be counted")


def test_the_numbers_are_those_of_what_happened(used):
    """An event loop counts a request after it has answered it, which may be long after the answers of another loop."""
    topic, producer = 'topic="seen"', Producer({"bootstrap.servers": used.at["kafka"]})

    def wrong(samples):
        produced = sum(value for (name, labels), value in samples.items()
                       if name == "kafka_network_requestmetrics_requests_total" and 'request="Produce"' in labels)
        told = {
            "messages in": samples.get(("kafka_server_brokertopicmetrics_messagesin_total", topic)) == 100,
            "messages into all": samples.get(("kafka_server_brokertopicmetrics_messagesin_total", ""), 0) >= 100,
            "bytes in": samples.get(("kafka_server_brokertopicmetrics_bytesin_total", topic), 0) > 10000,
            "bytes out": samples.get(("kafka_server_brokertopicmetrics_bytesout_total", topic), 0) > 5000,
            "end": samples.get(("kafka_log_log_logendoffset", topic + ',partition="1"')) == 50,
            "lag": samples.get(("kafka_consumergroup_lag_sum", 'consumergroup="readers",topic="seen"')) == 30,
            "produce requests": produced >= 1,
            "time": samples.get(("kafka_network_requestmetrics_totaltimems", 'request="Produce",quantile="0.99"'), 0) > 0,
            "syncs": samples.get(("weir_log_sync_seconds_count", ""), 0) >= 1,
            "appends": samples.get(("weir_log_append_wait_seconds_count", ""), 0) >= 1,
            "controllers": samples.get(("kafka_controller_kafkacontroller_activecontrollercount", "")) == 1}
        return [what for what, holds in told.items() if not holds]

    faults = []

    def right():
        producer.produce("again", b"x")  # times are those of the last minute
        assert producer.flush(60) == 0
        faults[:] = wrong(scrape(used))
        return not faults

    try:
        wait_for(right, "the numbers")
    except AssertionError:
        assert not faults
        raise


def test_a_scrape_of_many_partitions_is_quick(used):
    admin = AdminClient({"bootstrap.servers": used.at["kafka"]})
    for future in admin.create_topics([NewTopic(f"many-{n}", 50, 1) for n in range(20)]).values():
        future.result(60)
    start = time.monotonic()
    assert len(scrape(used)) > 8000
    assert time.monotonic() - start < 30
