"""kcat and confluent-kafka (librdkafka), unmodified, against weir."""
import subprocess

import pytest
from confluent_kafka import (Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, Producer,
                             TopicPartition)
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic,
                                   OffsetSpec, ResourceType)

from conftest import wait_for


@pytest.fixture
def admin(at):
    return AdminClient({"bootstrap.servers": at})


def result(futures):
    """The value of the only future of an admin call."""
    (future,) = futures.values()
    return future.result(60)


def make(admin, topic, partitions=1, **config):
    result(admin.create_topics([NewTopic(topic, partitions, 1, config=config)]))


def produce(at, topic, values, **config):
    failures = []
    producer = Producer({"bootstrap.servers": at, **config})
    for n, value in enumerate(values):
        producer.produce(topic, value, key=b"%d" % n, on_delivery=lambda e, m: e and failures.append(e))
    assert producer.flush(60) == 0 and not failures, failures


def consumer(at, group, **config):
    return Consumer({"bootstrap.servers": at, "group.id": group, "auto.offset.reset": "earliest",
                     "enable.auto.commit": False, "session.timeout.ms": 45000, **config})


def read(one, count, into=None):
    got = [] if into is None else into

    def poll():
        for message in one.consume(500, 0.1):
            assert not message.error(), message.error()
            got.append(message)
        return len(got) >= count

    wait_for(poll, f"{count} records")
    return got


# --- kcat -------------------------------------------------------------------------------------------------------------


def kcat(at, *words, **kwargs):
    patient = ["-m", "60", "-X", "api.version.request.timeout.ms=60000"]  # of its own it waits for 5 s, and for 10 s to connect
    done = subprocess.run(["kcat", "-b", at, *patient, *words], capture_output=True, text=True, timeout=120, **kwargs)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_kcat_lists_the_cluster(at, admin, topic):
    make(admin, topic, 3)
    listing = kcat(at, "-L")
    assert f"broker 1 at {at}" in listing and f'topic "{topic}" with 3 partitions' in listing


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_kcat_reads_back_what_it_wrote_in_every_codec(at, topic, codec):
    lines = "".join(f"k{i}:some text some text {i}\n" for i in range(500))
    kcat(at, "-P", "-t", topic, "-K", ":", "-z", codec, "-H", "h=1", input=lines)
    assert kcat(at, "-C", "-t", topic, "-e", "-q", "-K", ":") == lines
    assert kcat(at, "-C", "-t", topic, "-e", "-q", "-o", "-2", "-f", "%o %h\n") == "498 h=1\n499 h=1\n"


def test_kcat_reads_in_a_group(at, topic):
    kcat(at, "-P", "-t", topic, input="a\nb\n")
    words = ["-G", topic + "-g", "-X", "auto.offset.reset=earliest", "-e", "-q", topic]
    assert kcat(at, *words) == "a\nb\n"
    kcat(at, "-P", "-t", topic, input="c\n")
    assert kcat(at, *words) == "c\n"


# --- confluent-kafka --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_an_idempotent_producer_writes_each_record_once(at, topic, codec):
    values = [b"value %d" % i for i in range(2000)]
    produce(at, topic, values, **{"enable.idempotence": True, "compression.type": codec})
    one = consumer(at, topic)
    one.assign([TopicPartition(topic, 0, 0)])
    got = read(one, 2000)
    assert [m.value() for m in got] == values and [m.offset() for m in got] == list(range(2000))
    one.close()


@pytest.mark.parametrize("acks", ["1", "all"])
def test_what_is_acknowledged_is_seen_at_once(at, admin, topic, acks):
    make(admin, topic)
    reader = consumer(at, topic)
    producer = Producer({"bootstrap.servers": at, "acks": acks, "linger.ms": 0})
    for n in range(1, 201):
        producer.produce(topic, b"x" * 1000)
        assert producer.flush(60) == 0
        assert reader.get_watermark_offsets(TopicPartition(topic, 0), 60, cached=False) == (0, n)
    reader.close()


def assignment(one):
    return {(p.topic, p.partition) for p in one.assignment()}


@pytest.mark.parametrize("strategy", ["range", "cooperative-sticky"])
def test_two_members_share_a_topic_and_the_survivor_takes_all(at, admin, topic, strategy):
    make(admin, topic, 4)
    produce(at, topic, [b"%d" % i for i in range(400)])
    whole = {(topic, n) for n in range(4)}
    got = []
    first = consumer(at, topic, **{"partition.assignment.strategy": strategy})
    first.subscribe([topic])
    read(first, 400, got)
    first.commit(asynchronous=False)
    second = consumer(at, topic, **{"partition.assignment.strategy": strategy})
    second.subscribe([topic])

    def shared():
        got.extend(first.consume(10, 0.1) + second.consume(10, 0.1))
        return len(assignment(first)) == len(assignment(second)) == 2

    wait_for(shared, "two partitions for each member")
    assert assignment(first) | assignment(second) == whole
    groups = result(admin.describe_consumer_groups([topic]))
    assert groups.state.name == "STABLE" and len(groups.members) == 2
    first.close()
    wait_for(lambda: got.extend(second.consume(10, 0.1)) or assignment(second) == whole, "the survivor to own all")
    second.close()
    assert len(got) == 400


def test_a_static_member_returns_without_a_rebalance(at, admin, topic):
    make(admin, topic, 2)
    static = {"group.instance.id": "worker-1"}
    other = consumer(at, topic, **{"group.instance.id": "worker-2"})
    other.subscribe([topic])
    one = consumer(at, topic, **static)
    one.subscribe([topic])
    wait_for(lambda: one.consume(1, 0.1) + other.consume(1, 0.1) == [] and len(assignment(one)) == len(assignment(other)) == 1, "a split")
    before = assignment(one)
    rebalances = []
    other.unsubscribe()
    other.close()
    one.close()
    again = consumer(at, topic, **static)
    again.subscribe([topic], on_revoke=lambda *_: rebalances.append(1))
    wait_for(lambda: again.consume(1, 0.1) == [] and assignment(again) >= before, "its partitions")
    assert not rebalances
    again.close()


def test_commits_are_kept_with_their_metadata(at, admin, topic):
    make(admin, topic, 2)
    one = consumer(at, topic)
    one.commit(offsets=[TopicPartition(topic, 0, 5, "why"), TopicPartition(topic, 1, 6)], asynchronous=False)
    kept = one.committed([TopicPartition(topic, 0), TopicPartition(topic, 1)], timeout=60)
    assert [(p.offset, p.metadata) for p in kept] == [(5, "why"), (6, None)] or \
           [(p.offset, p.metadata or "") for p in kept] == [(5, "why"), (6, "")]
    one.close()


def test_commits_and_records_survive_kill_9(start_weir, empty_project, topic):
    one = start_weir(empty_project)
    at = one.at["kafka"]
    produce(at, topic, [b"%d" % i for i in range(100)], acks="all")
    reader = consumer(at, topic)
    reader.subscribe([topic])
    read(reader, 100)
    reader.commit(asynchronous=False)
    one.kill()
    one.start()
    produce(at, topic, [b"after"], acks="all")
    again = consumer(at, topic + "-other")
    again.assign([TopicPartition(topic, 0, 0)])
    assert [m.value() for m in read(again, 101)][-2:] == [b"99", b"after"]
    kept = consumer(at, topic)
    assert kept.committed([TopicPartition(topic, 0)], timeout=60)[0].offset == 100
    # The member of before joins again by itself and reads on from its commit.
    assert [m.value() for m in read(reader, 1)] == [b"after"]
    for each in (reader, again, kept):
        each.close()


def test_topics_are_created_grown_altered_and_deleted(at, admin, topic):
    make(admin, topic, 2, **{"retention.ms": "1000000"})
    with pytest.raises(KafkaException) as info:
        make(admin, topic)
    assert info.value.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS
    result(admin.create_partitions([NewPartitions(topic, 5)]))
    assert len(admin.list_topics(topic, timeout=60).topics[topic].partitions) == 5
    with pytest.raises(KafkaException):
        result(admin.create_partitions([NewPartitions(topic, 4)]))
    resource = ConfigResource(ResourceType.TOPIC, topic)
    assert result(admin.describe_configs([resource]))["retention.ms"].value == "1000000"
    change = ConfigEntry("retention.ms", "2000000", incremental_operation=AlterConfigOpType.SET)
    result(admin.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[change])]))
    described = result(admin.describe_configs([resource]))
    assert described["retention.ms"].value == "2000000" and described["cleanup.policy"].value == "delete"
    bad = ConfigEntry("retention.ms", "soon", incremental_operation=AlterConfigOpType.SET)
    with pytest.raises(KafkaException) as info:
        result(admin.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[bad])]))
    assert info.value.args[0].code() == KafkaError.INVALID_CONFIG
    result(admin.delete_topics([topic]))
    wait_for(lambda: topic not in admin.list_topics(timeout=60).topics, "the topic to be gone")


def test_invalid_topics_are_refused_with_their_reason(at, admin):
    for name, partitions, code in [("no spaces", 1, KafkaError.TOPIC_EXCEPTION), ("x" * 250, 1, KafkaError.TOPIC_EXCEPTION),
                                   ("none", 0, KafkaError.INVALID_PARTITIONS)]:
        with pytest.raises(KafkaException) as info:
            make(admin, name, partitions)
        assert info.value.args[0].code() == code, info.value


def test_offsets_are_found_by_time_and_records_deleted(at, admin, topic):
    produce(at, topic, [b"%d" % i for i in range(100)])
    place = TopicPartition(topic, 0)
    assert result(admin.list_offsets({place: OffsetSpec.earliest()})).offset == 0
    assert result(admin.list_offsets({place: OffsetSpec.latest()})).offset == 100
    assert result(admin.list_offsets({place: OffsetSpec.for_timestamp(0)})).offset == 0
    assert result(admin.delete_records([TopicPartition(topic, 0, 40)])).low_watermark == 40
    assert result(admin.list_offsets({place: OffsetSpec.earliest()})).offset == 40


def test_groups_are_listed_described_altered_and_deleted(at, admin, topic):
    produce(at, topic, [b"x"] * 10)
    one = consumer(at, topic)
    one.subscribe([topic])
    read(one, 10)
    one.commit(asynchronous=False)
    with pytest.raises(KafkaException) as info:
        result(admin.delete_consumer_groups([topic]))
    assert info.value.args[0].code() == KafkaError.NON_EMPTY_GROUP
    one.close()
    assert topic in [g.group_id for g in admin.list_consumer_groups().result(60).valid]
    wait_for(lambda: result(admin.describe_consumer_groups([topic])).state.name == "EMPTY", "an empty group")
    result(admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(topic, [TopicPartition(topic, 0, 3)])]))
    listed = result(admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(topic)]))
    assert [(p.partition, p.offset) for p in listed.topic_partitions] == [(0, 3)]
    result(admin.delete_consumer_groups([topic]))
    assert topic not in [g.group_id for g in admin.list_consumer_groups().result(60).valid]
