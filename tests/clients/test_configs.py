"""Settings of topics, brokers and groups through unmodified clients: what is taken, what is refused in which words, and that
what is taken happens. Runs on a real Kafka too (KAFKA_AT), except where weir refuses what it cannot honour."""
import os
import subprocess
import time

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ConfigSource, NewTopic,
                                   ResourceType)

from conftest import WEIR, wait_for
from test_java import Jvm

ON_KAFKA = "KAFKA_AT" in os.environ
SET, DELETE, APPEND, SUBTRACT = (AlterConfigOpType.SET, AlterConfigOpType.DELETE, AlterConfigOpType.APPEND,
                                 AlterConfigOpType.SUBTRACT)
CONFIG, REQUEST, UNKNOWN_TOPIC = (KafkaError.INVALID_CONFIG, KafkaError.INVALID_REQUEST, KafkaError.UNKNOWN_TOPIC_OR_PART)
TOPIC, BROKER = ResourceType.TOPIC, ResourceType.BROKER


@pytest.fixture(scope="module")
def admin(at):
    return AdminClient({"bootstrap.servers": at})


def result(futures):
    (future,) = futures.values()
    return future.result(60)


def make(admin, topic, **config):
    result(admin.create_topics([NewTopic(topic, 1, 1, config=config)]))


def describe(admin, name, kind=TOPIC):
    return result(admin.describe_configs([ConfigResource(kind, name)]))


def alter(admin, name, *changes, kind=TOPIC, **kwargs):
    entries = [ConfigEntry(key, value, incremental_operation=how) for how, key, value in changes]
    return result(admin.incremental_alter_configs([ConfigResource(kind, name, incremental_configs=entries)], **kwargs))


def refused(admin, name, *changes, kind=TOPIC):
    with pytest.raises(KafkaException) as caught:
        alter(admin, name, *changes, kind=kind)
    return caught.value.args[0].code(), caught.value.args[0].str()


def values(admin, name, *keys, kind=TOPIC):
    described = describe(admin, name, kind)
    return [described[key].value for key in keys]


def produce(at, topic, values, partition=0, **config):
    told = []
    producer = Producer({"bootstrap.servers": at, **config})
    for key, value, timestamp in values:
        producer.produce(topic, value, key=key, partition=partition, timestamp=timestamp,
                         on_delivery=lambda error, message: told.append((error, message)))
    assert producer.flush(60) == 0
    return told


def consume(at, topic, count):
    consumer = Consumer({"bootstrap.servers": at, "group.id": "none", "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition(topic, 0, 0)])
    got = []
    wait_for(lambda: got.extend(consumer.consume(count, 0.2)) or len(got) >= count, f"{count} records")
    consumer.close()
    return got


@pytest.fixture(scope="module")
def jvm():
    one = Jvm("4.3")
    yield one
    one.stop()


def configs(jvm, at, *words, **kwargs):
    return jvm("kafka.admin.ConfigCommand", "--bootstrap-server", at, *words, **kwargs)


# --- what is told ---


def test_every_setting_is_described_with_its_source(admin, topic):
    make(admin, topic, **{"retention.ms": "1000"})
    described = describe(admin, topic)
    assert len(described) == 33
    assert described["retention.ms"].source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    assert described["segment.bytes"].source == ConfigSource.DEFAULT_CONFIG.value
    broker = describe(admin, "1", BROKER)
    assert len(broker) == 340 and not broker["num.io.threads"].is_read_only and broker["node.id"].is_read_only
    assert broker["ssl.key.password"].is_sensitive and broker["log.dirs"].value


# --- what is refused, in Kafka's words ---

REFUSALS = [
    ([(SET, "retention.ms", "soon")], CONFIG, "Invalid value soon for configuration retention.ms: Not a number of type LONG"),
    ([(SET, "retention.ms", "-2")], CONFIG, "Invalid value -2 for configuration retention.ms: Value must be at least -1"),
    ([(SET, "segment.bytes", "1000")], CONFIG, "Invalid value 1000 for configuration segment.bytes: Value must be at least 1048576"),
    ([(SET, "min.cleanable.dirty.ratio", "1.5")], CONFIG,
     "Invalid value 1.5 for configuration min.cleanable.dirty.ratio: Value must be no more than 1"),
    ([(SET, "cleanup.policy", "shred")], CONFIG,
     "Invalid value shred for configuration cleanup.policy: String must be one of: compact, delete"),
    ([(SET, "compression.type", "rar")], CONFIG, "Invalid value rar for configuration compression.type: String must be one of: "
     "uncompressed, zstd, lz4, snappy, gzip, producer"),
    ([(SET, "no.such.setting", "1")], CONFIG, "Unknown topic config name: no.such.setting"),
    ([(APPEND, "retention.ms", "1")], CONFIG, "Can't APPEND to key retention.ms because its type is not LIST."),
    ([(SET, "min.compaction.lag.ms", "10"), (SET, "max.compaction.lag.ms", "5")], CONFIG,
     "conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)"),
    ([(SET, "remote.storage.enable", "true")], CONFIG, "Tiered Storage functionality is disabled in the broker. "
     "Topic cannot be configured with remote log storage."),
]


@pytest.mark.parametrize("changes,code,words", REFUSALS, ids=[f"{c[0][1]}-{c[0][2]}" for c, _, _ in REFUSALS])
def test_a_bad_topic_setting_is_refused_as_kafka_does(admin, topic, changes, code, words):
    make(admin, topic)
    got, text = refused(admin, topic, *changes)
    assert got == code and words in text
    assert all(entry.source != ConfigSource.DYNAMIC_TOPIC_CONFIG.value for entry in describe(admin, topic).values())


def test_a_missing_topic_is_told_after_its_settings_were_read(admin, topic):
    assert refused(admin, topic, (SET, "retention.ms", "1"))[0] == UNKNOWN_TOPIC
    assert refused(admin, topic, (SET, "retention.ms", "x"))[0] == CONFIG


def test_brokers_refuse_as_kafka_does(admin):
    assert refused(admin, "1", (SET, "num.partitions", "3"), kind=BROKER) == (
        REQUEST, "Cannot update these configs dynamically: [num.partitions]")
    assert refused(admin, "1", (SET, "log.retention.ms", "x"), kind=BROKER)[0] == REQUEST
    assert refused(admin, "1", (SET, "min.insync.replicas", "1"), kind=BROKER)[0] == CONFIG


@pytest.mark.skipif(ON_KAFKA, reason="Kafka has these")
def test_what_weir_cannot_honour_is_refused_with_what_it_does_instead(admin, topic):
    code, words = refused(admin, "1", (SET, "num.io.threads", "17"), kind=BROKER)
    assert code == CONFIG and "cores" in words
    alter(admin, "1", (SET, "num.io.threads", "8"), kind=BROKER)  # what it is anyway
    alter(admin, "1", (DELETE, "num.io.threads", None), kind=BROKER)


# --- what is taken ---


def test_lists_grow_and_shrink_and_settings_go_back(admin, topic):
    make(admin, topic)
    alter(admin, topic, (APPEND, "cleanup.policy", "compact"), (SET, "retention.ms", "5000"))
    assert values(admin, topic, "cleanup.policy", "retention.ms") == ["delete,compact", "5000"]
    alter(admin, topic, (APPEND, "cleanup.policy", "compact"))
    alter(admin, topic, (SUBTRACT, "cleanup.policy", "delete"), (DELETE, "retention.ms", None))
    assert values(admin, topic, "cleanup.policy", "retention.ms") == ["compact", "604800000"]
    alter(admin, topic, (SET, "retention.ms", "7"), validate_only=True)
    assert values(admin, topic, "retention.ms") == ["604800000"]


def test_topics_inherit_what_is_set_for_brokers(jvm, at, admin, topic):
    make(admin, topic)
    everyone = ["--entity-type", "brokers", "--entity-default"]
    try:
        configs(jvm, at, *everyone, "--alter", "--add-config", "log.retention.ms=111000")
        assert "log.retention.ms=111000" in configs(jvm, at, *everyone, "--describe")
        wait_for(lambda: values(admin, topic, "retention.ms") == ["111000"], "the setting for all brokers")
        alter(admin, "1", (SET, "log.retention.ms", "222000"), kind=BROKER)
        wait_for(lambda: values(admin, topic, "retention.ms") == ["222000"], "the broker's setting")
        entry = describe(admin, topic)["retention.ms"]
        assert entry.source == ConfigSource.DYNAMIC_BROKER_CONFIG.value
        assert set(entry.synonyms) == {"log.retention.ms", "log.retention.hours"}
    finally:
        alter(admin, "1", (DELETE, "log.retention.ms", None), kind=BROKER)
        configs(jvm, at, *everyone, "--alter", "--delete-config", "log.retention.ms")
    wait_for(lambda: values(admin, topic, "retention.ms") == ["604800000"], "the default")


# --- what is taken happens ---


@pytest.mark.parametrize("kept", ["uncompressed", "gzip", "snappy", "lz4", "zstd"])
def test_batches_are_kept_in_the_topics_codec(at, admin, topic, kept):
    make(admin, topic, **{"compression.type": kept})
    lines = [(b"k", b"some text some text some text %d" % n, 0) for n in range(300)]
    for codec in ("none", "lz4", "zstd"):
        assert not [error for error, _ in produce(at, topic, lines, **{"compression.type": codec, "linger.ms": 50}) if error]
    assert [message.value() for message in consume(at, topic, 900)] == [value for _, value, _ in lines] * 3


def test_log_append_time_is_the_brokers(at, admin, topic):
    make(admin, topic, **{"message.timestamp.type": "LogAppendTime"})
    before = int(time.time() * 1000)
    for codec in ("none", "gzip"):
        told = produce(at, topic, [(b"k", b"v", 12345)], **{"compression.type": codec})
        assert told[0][0] is None
    for message in consume(at, topic, 2):
        kind, timestamp = message.timestamp()
        assert kind == 2 and before - 1000 <= timestamp <= time.time() * 1000 + 1000


def test_timestamps_out_of_bounds_are_refused(at, admin, topic):
    now = int(time.time() * 1000)
    make(admin, topic, **{"message.timestamp.before.max.ms": "600000", "message.timestamp.after.max.ms": "600000"})
    ((early, _),) = produce(at, topic, [(b"k", b"v", now - 1200000)])
    ((late, _),) = produce(at, topic, [(b"k", b"v", now + 1200000)])
    ((fine, _),) = produce(at, topic, [(b"k", b"v", now)])
    assert early.code() == late.code() == KafkaError.INVALID_TIMESTAMP and fine is None


def test_compacted_topics_want_keys(at, admin, topic):
    make(admin, topic, **{"cleanup.policy": "compact"})
    ((error, _),) = produce(at, topic, [(None, b"v", 0)])
    assert error.code() == KafkaError.INVALID_RECORD


def test_more_replicas_than_there_are_do_not_stop_writes(at, admin, topic):
    make(admin, topic, **{"min.insync.replicas": "2"})
    assert produce(at, topic, [(b"k", b"v", 0)], acks="all")[0][0] is None


def test_large_batches_are_refused_by_the_topics_limit(at, admin, topic):
    make(admin, topic, **{"max.message.bytes": "1000"})
    ((error, _),) = produce(at, topic, [(b"k", bytes(2000), 0)])
    assert error.code() == KafkaError.MSG_SIZE_TOO_LARGE
    alter(admin, topic, (SET, "max.message.bytes", "5000"))
    wait_for(lambda: produce(at, topic, [(b"k", bytes(2000), 0)])[0][0] is None, "the new limit")


@pytest.mark.skipif(ON_KAFKA, reason="restarts weir")
def test_settings_outlive_kill(start_weir, empty_project):
    weir = start_weir(empty_project)
    admin = AdminClient({"bootstrap.servers": weir.at["kafka"]})
    make(admin, "kept")
    alter(admin, "1", (SET, "message.max.bytes", "2000"), kind=BROKER)
    weir.kill()
    weir.start()
    admin = AdminClient({"bootstrap.servers": weir.at["kafka"]})
    wait_for(lambda: values(admin, "kept", "max.message.bytes") == ["2000"], "the setting")
    ((error, _),) = produce(weir.at["kafka"], "kept", [(b"k", bytes(4000), 0)])
    assert error.code() == KafkaError.MSG_SIZE_TOO_LARGE


# --- kafka-configs.sh ---


def test_kafka_configs_alters_and_describes(jvm, at, admin, topic):
    make(admin, topic)
    entity = ["--entity-type", "topics", "--entity-name", topic]
    configs(jvm, at, *entity, "--alter", "--add-config", "cleanup.policy=[compact,delete],retention.ms=1000")
    assert "retention.ms=1000" in configs(jvm, at, *entity, "--describe")
    everything = configs(jvm, at, *entity, "--describe", "--all")
    assert "DYNAMIC_TOPIC_CONFIG:cleanup.policy=compact,delete" in everything and "DEFAULT_CONFIG" in everything
    configs(jvm, at, *entity, "--alter", "--delete-config", "retention.ms")
    assert "retention.ms" not in configs(jvm, at, *entity, "--describe")


def test_kafka_configs_of_groups(jvm, at, topic):
    entity = ["--entity-type", "groups", "--entity-name", topic]
    configs(jvm, at, *entity, "--alter", "--add-config", "consumer.session.timeout.ms=50000")
    assert "consumer.session.timeout.ms=50000" in configs(jvm, at, *entity, "--describe")
    out = configs(jvm, at, *entity, "--alter", "--add-config", "consumer.session.timeout.ms=1000", fails=True)
    assert "greater than or equal to group.consumer.min.session.timeout.ms" in out


def test_kafka_configs_of_brokers_and_loggers(jvm, at):
    assert "node.id=1" in configs(jvm, at, "--entity-type", "brokers", "--entity-name", "1", "--describe", "--all")
    assert "root" in configs(jvm, at, "--entity-type", "broker-loggers", "--entity-name", "1", "--describe")
    logger = ["--entity-type", "broker-loggers", "--entity-name", "1", "--alter", "--add-config"]
    configs(jvm, at, *logger, "root=WARN")
    configs(jvm, at, *logger, "root=INFO")
    assert "Invalid broker logger" in configs(jvm, at, *logger, "no.such=INFO", fails=True)


@pytest.mark.skipif(ON_KAFKA, reason="weir.yaml is weir's")
def test_mistakes_among_the_settings_of_weir_yaml_are_told_where_they_stand(tmp_path):
    (tmp_path / "weir.yaml").write_text("kafka:\n  settings:\n    num.partition: 3\n    auto.create.topics.enable: maybe\n"
                                        "    num.io.threads: 20\n    log.roll.hours: [1]\n")
    done = subprocess.run([WEIR, "check", str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    told = [line.removeprefix(f"{tmp_path}/") for line in (done.stdout + done.stderr).splitlines() if "weir.yaml:" in line]
    assert told == [
        "weir.yaml:3:5: unknown field 'num.partition', did you mean 'num.partitions'?",
        "weir.yaml:4:32: Invalid value maybe for configuration auto.create.topics.enable: Expected value to be either true or "
        "false",
        "weir.yaml:5:21: num.io.threads can only be '8' here: weir's threads follow the machine's cores.",
        "weir.yaml:6:21: log.roll.hours must be a single value; lists are written a,b"]


@pytest.mark.skipif(ON_KAFKA, reason="weir.yaml is weir's")
def test_settings_of_weir_yaml_that_shut_everybody_out_are_refused_at_start(tmp_path):
    (tmp_path / "weir.yaml").write_text("kafka:\n  settings:\n    max.connections.per.ip: 0\n")
    done = subprocess.run([WEIR, "up", str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "weir.yaml:3:5: requirement failed: max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides " \
           "property is set." in done.stdout + done.stderr


@pytest.mark.skipif(ON_KAFKA, reason="weir's environment and command line")
def test_settings_come_from_the_command_line_too_and_what_was_altered_goes_before_them(start_weir, empty_project, topic):
    weir = start_weir(empty_project, "kafka.settings={num.partitions: 2, producer.id.expiration.ms: 70000}")
    admin = AdminClient({"bootstrap.servers": weir.at["kafka"]})
    produce(weir.at["kafka"], topic, [("k", "v", 0)])
    assert len(admin.list_topics(topic, 60).topics[topic].partitions) == 2
    described = describe(admin, "1", BROKER)
    assert described["num.partitions"].value == "2"
    assert described["num.partitions"].source == ConfigSource.STATIC_BROKER_CONFIG.value
    alter(admin, "1", (SET, "producer.id.expiration.ms", "80000"), kind=BROKER)
    weir.kill()
    weir.start()
    admin = AdminClient({"bootstrap.servers": weir.at["kafka"]})  # the old one may not have seen yet that its connection is gone
    assert values(admin, "1", "producer.id.expiration.ms", kind=BROKER) == ["80000"]


@pytest.mark.skipif(ON_KAFKA, reason="weir's command line")
def test_users_are_made_with_the_settings_of_weir_yaml_also_while_weir_is_stopped(tmp_path):
    """The broker opened for it would expire offsets by Kafka's default otherwise."""
    def create(settings):
        (tmp_path / "weir.yaml").write_text("kafka:\n  settings: {%s}\n" % settings)
        return subprocess.run([WEIR, "users", "create", "bob", "--dir", str(tmp_path)], input="secret\n", capture_output=True,
                              text=True, timeout=60)

    assert "offsets.retention.minutes: Value must be at least 1" in create("offsets.retention.minutes: 0").stderr
    assert create("offsets.retention.minutes: 525600").returncode == 0
