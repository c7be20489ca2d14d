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
    text = requests.get(f"http://{weir.at['console']}/metrics", timeout=20).text
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
    admin.create_topics([NewTopic("seen", 2, 1)])["seen"].result(30)
    producer = Producer({"bootstrap.servers": at})
    for n in range(100):
        producer.produce("seen", b"x" * 100, partition=n % 2)
    assert producer.flush(30) == 0
    consumer = Consumer({"bootstrap.servers": at, "group.id": "readers", "auto.offset.reset": "earliest",
                         "enable.auto.commit": False})
    consumer.assign([TopicPartition("seen", 0, 0)])
    got = []
    wait_for(lambda: got.extend(consumer.consume(50, 0.2)) or len(got) >= 50, "50 records")
    consumer.commit(offsets=[TopicPartition("seen", 0, 20)], asynchronous=False)
    consumer.close()
    return weir


def test_every_name_dashboards_ask_for_is_there(used):
    names = {name for name, _ in scrape(used)}
    assert [name for name in DASHBOARDS if name not in names] == []


def test_the_numbers_are_those_of_what_happened(used):
    samples = scrape(used)
    topic = 'topic="seen"'
    assert samples["kafka_server_brokertopicmetrics_messagesin_total", topic] == 100
    assert samples["kafka_server_brokertopicmetrics_messagesin_total", ""] >= 100
    assert samples["kafka_server_brokertopicmetrics_bytesin_total", topic] > 10000
    assert samples["kafka_server_brokertopicmetrics_bytesout_total", topic] > 5000
    assert samples["kafka_log_log_logendoffset", topic + ',partition="1"'] == 50
    assert samples["kafka_consumergroup_lag_sum", 'consumergroup="readers",topic="seen"'] == 30
    produced = [value for (name, labels), value in samples.items()
                if name == "kafka_network_requestmetrics_requests_total" and 'request="Produce"' in labels]
    assert produced and sum(produced) >= 1
    assert samples["kafka_network_requestmetrics_totaltimems", 'request="Produce",quantile="0.99"'] > 0
    assert samples["weir_log_sync_seconds_count", ""] >= 1 and samples["weir_log_append_wait_seconds_count", ""] >= 1
    assert samples["kafka_controller_kafkacontroller_activecontrollercount", ""] == 1


def test_a_scrape_of_many_partitions_is_quick(used):
    admin = AdminClient({"bootstrap.servers": used.at["kafka"]})
    for future in admin.create_topics([NewTopic(f"many-{n}", 50, 1) for n in range(20)]).values():
        future.result(60)
    start = time.monotonic()
    assert len(scrape(used)) > 8000
    assert time.monotonic() - start < 30
