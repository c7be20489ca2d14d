# SPDX-License-Identifier: Apache-2.0
"""Apache Kafka started with a server.properties, and weir with the same settings in weir.yaml: both show them in the same
way and do what they say; those that may change while they run do."""
import os
import signal
import subprocess

import pytest

from codec import Codec
from conftest import ROOT, Weir
from pair import Pair, Peer
from test_diff import PEERS

GIVEN = {
    "num.partitions": "3",
    "auto.create.topics.enable": "false",
    "delete.topic.enable": "false",
    "log.retention.hours": "2",
    "log.roll.hours": "48",
    "log.cleaner.min.cleanable.ratio": "0.25",
    "message.max.bytes": "2000",
    "offsets.retention.minutes": "30",
    "offsets.retention.check.interval.ms": "5000",
    "offset.metadata.max.bytes": "10",
    "transaction.max.timeout.ms": "60000",
    "transactional.id.expiration.ms": "3600000",
    "producer.id.expiration.ms": "600000",
    "group.min.session.timeout.ms": "1000",
    "group.max.session.timeout.ms": "20000",
    "group.initial.rebalance.delay.ms": "100",
    "group.max.size": "1",
    "group.consumer.min.session.timeout.ms": "10000",
    "group.consumer.session.timeout.ms": "20000",
    "group.consumer.min.heartbeat.interval.ms": "1000",
    "group.consumer.heartbeat.interval.ms": "3000",
    "group.consumer.max.size": "1",
    "group.consumer.assignors": "range",
    "group.consumer.migration.policy": "Upgrade",
    "fetch.max.bytes": "4096",
    "max.incremental.fetch.session.cache.slots": "0",
    "max.request.partition.size.limit": "2",
    "connections.max.idle.ms": "500000",
}
TOPIC, BROKER, GROUP = 2, 4, 32


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    home = tmp_path_factory.mktemp("settings")
    script = str(ROOT / "bench" / "peers" / "start_kafka.sh")
    with open(home / "start.log", "w") as log:
        subprocess.run([script, str(home / "kafka"), *("%s=%s" % item for item in GIVEN.items())], stdout=log, timeout=600,
                       check=True)
    at, pid, _ = (home / "start.log").read_text().split()
    codec = Codec(PEERS / "kafka" / "lib" / "kafka-clients-4.3.1.jar")
    (home / "project").mkdir()
    lines = ["kafka:", "  settings:", *("    %s: %s" % item for item in GIVEN.items())]
    (home / "project" / "weir.yaml").write_text("\n".join(lines) + "\n")
    weir = Weir(home / "project", home / "weir").start()
    yield Pair(Peer("kafka", at, codec), Peer("weir", weir.at["kafka"], codec), codec)
    weir.stop()
    os.kill(int(pid), signal.SIGTERM)


@pytest.fixture(autouse=True)
def same(pair):
    yield
    found = pair.take()
    assert not found, "%d differences:\n%s" % (len(found), "\n".join(found[:200]))


def describe(pair, kind, name, keys, settle=False):
    for version in pair.versions("DescribeConfigs"):
        pair.same("DescribeConfigs", version, dict(
            Resources=[dict(ResourceType=kind, ResourceName=name, ConfigurationKeys=sorted(keys))], IncludeSynonyms=True,
            IncludeDocumentation=False), settle=settle)


def alter(pair, name, *changes):
    pair.same("IncrementalAlterConfigs", 1, dict(Resources=[dict(ResourceType=BROKER, ResourceName=name, Configs=[
        dict(Name=key, ConfigOperation=0 if value is not None else 1, Value=value) for key, value in changes])],
        ValidateOnly=False))


def make(pair, name, **more):
    pair.same("CreateTopics", 7, dict(Topics=[dict(Name=name, NumPartitions=-1, ReplicationFactor=-1, Assignments=[],
                                                   Configs=[], **more)], timeoutMs=30000, validateOnly=False))
    pair.until("Metadata", 12, dict(Topics=[dict(Name=name)], AllowAutoTopicCreation=False),
               lambda answer: answer["Topics"][0]["ErrorCode"] == 0)


def test_both_show_them_as_static(pair):
    describe(pair, BROKER, "1", set(GIVEN))


def test_topics_inherit_them(pair):
    make(pair, "inherits")
    describe(pair, TOPIC, "inherits", ["retention.ms", "segment.ms", "min.cleanable.dirty.ratio", "max.message.bytes"])


def test_groups_inherit_them(pair):
    describe(pair, GROUP, "g", ["consumer.session.timeout.ms", "consumer.heartbeat.interval.ms"])


def test_topics_are_neither_made_by_asking_nor_deleted(pair):
    for version in (4, 12):
        pair.same("Metadata", version, dict(Topics=[dict(Name="absent")], AllowAutoTopicCreation=True))
    for version in (2, 3, 5):
        pair.same("DeleteTopics", version, dict(TopicNames=["absent"], TimeoutMs=60000))
    pair.same("DeleteTopics", 6, dict(Topics=[dict(Name="absent")], TimeoutMs=60000))


def test_sessions_of_groups_and_transactions_are_bounded(pair):
    for session_ms in (999, 20001):
        pair.same("JoinGroup", 5, dict(GroupId="bounded", SessionTimeoutMs=session_ms, RebalanceTimeoutMs=1000, MemberId="",
                                       GroupInstanceId=None, ProtocolType="consumer",
                                       Protocols=[dict(Name="range", Metadata=b"")]))
    pair.same("InitProducerId", 4, dict(TransactionalId="t", TransactionTimeoutMs=60001, ProducerId=-1, ProducerEpoch=-1))


def test_only_the_assignors_named_are_there_and_the_first_is_used(pair):
    def heartbeat(assignor):
        return dict(GroupId="assigned", MemberId="m" * 22, MemberEpoch=0, InstanceId=None, RackId=None, RebalanceTimeoutMs=60000,
                    SubscribedTopicNames=["inherits"], SubscribedTopicRegex=None, ServerAssignor=assignor, TopicPartitions=[])

    pair.until("FindCoordinator", 4, dict(KeyType=0, CoordinatorKeys=["assigned"]),
               lambda answer: answer["Coordinators"][0]["ErrorCode"] == 0)
    pair.until("ConsumerGroupHeartbeat", 1, heartbeat(None), lambda answer: answer["ErrorCode"] == 0)
    for peer in (pair.kafka, pair.weir):
        described = peer.call("ConsumerGroupDescribe", 1, dict(GroupIds=["assigned"], IncludeAuthorizedOperations=False))
        assert described["Groups"][0]["AssignorName"] == "range"
    pair.same("ConsumerGroupHeartbeat", 1, heartbeat("uniform"))


def test_those_for_all_brokers_and_for_this_one_go_before(pair):
    alter(pair, "", ("producer.id.expiration.ms", "700000"), ("log.cleaner.backoff.ms", "1000"), ("log.retention.ms", "1000000"))
    alter(pair, "1", ("producer.id.expiration.ms", "800000"))
    make(pair, "altered")
    names = ["producer.id.expiration.ms", "log.cleaner.backoff.ms", "log.retention.ms", "log.retention.hours"]
    describe(pair, BROKER, "1", names, settle=True)
    describe(pair, TOPIC, "altered", ["retention.ms"], settle=True)
    alter(pair, "1", ("producer.id.expiration.ms", None))
    alter(pair, "", ("producer.id.expiration.ms", None), ("log.retention.ms", None))
    describe(pair, BROKER, "1", names, settle=True)
    describe(pair, TOPIC, "altered", ["retention.ms"], settle=True)


def test_those_that_are_read_only_are_refused(pair):
    for name in sorted(GIVEN):
        if name not in ("producer.id.expiration.ms", "log.cleaner.min.cleanable.ratio", "message.max.bytes"):
            alter(pair, "1", (name, GIVEN[name]))
