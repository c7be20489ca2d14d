"""What a program on confluent-kafka (librdkafka) does, in one walk; only what every release since 2.0 has.
usage: confluent_kafka_walk.py HOST:PORT walk|transactions|consumer_protocol

consumer_protocol: the groups of KIP-848, in releases that have them."""
import sys
import time

import confluent_kafka
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

DEADLINE = 60


def until(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "waited for " + what


def done(futures):
    (future,) = futures.values()
    return future.result(DEADLINE)


def assignment(consumer):
    return {place.partition for place in consumer.assignment()}


def transactions(brokers):
    name = "confluent-txn-%d" % time.time_ns()
    admin = AdminClient({"bootstrap.servers": brokers})
    for topic in (name, name + "-out"):
        done(admin.create_topics([NewTopic(topic, 1, 1)]))
    writer = Producer({"bootstrap.servers": brokers})
    for i in range(10):
        writer.produce(name, b"%d" % i)
    assert writer.flush(DEADLINE) == 0
    reader = Consumer({"bootstrap.servers": brokers, "group.id": name, "auto.offset.reset": "earliest",
                       "enable.auto.commit": False})
    reader.subscribe([name])
    producer = Producer({"bootstrap.servers": brokers, "transactional.id": name})
    producer.init_transactions(DEADLINE)
    carried = []
    until(lambda: carried.extend(reader.consume(10, 0.1)) or len(carried) == 10, "ten records")
    for commit in (False, True):
        producer.begin_transaction()
        for message in carried:
            producer.produce(name + "-out", (b"kept " if commit else b"dropped ") + message.value())
        assert producer.flush(DEADLINE) == 0
        producer.send_offsets_to_transaction(reader.position(reader.assignment()), reader.consumer_group_metadata(), DEADLINE)
        if commit:
            producer.commit_transaction(DEADLINE)
        else:
            producer.abort_transaction(DEADLINE)
            assert reader.committed([TopicPartition(name, 0)], timeout=DEADLINE)[0].offset < 0
    assert reader.committed([TopicPartition(name, 0)], timeout=DEADLINE)[0].offset == 10
    reader.close()

    fenced = producer
    second = Producer({"bootstrap.servers": brokers, "transactional.id": name})
    fenced.begin_transaction()
    second.init_transactions(DEADLINE)
    try:
        fenced.produce(name + "-out", b"fenced")
        fenced.commit_transaction(DEADLINE)
        raise AssertionError("a fenced producer committed")
    except KafkaException as refused:
        assert refused.args[0].code() in (KafkaError._FENCED, KafkaError.PRODUCER_FENCED), refused

    for isolation, wanted in (("read_committed", [b"kept"] * 10), ("read_uncommitted", [b"dropped"] * 10 + [b"kept"] * 10)):
        check = Consumer({"bootstrap.servers": brokers, "group.id": name + "-check", "isolation.level": isolation})
        check.assign([TopicPartition(name + "-out", 0, 0)])
        got = []
        until(lambda: got.extend(check.consume(50, 0.1)) or len(got) >= len(wanted), f"{len(wanted)} records")
        assert [message.value().split()[0] for message in got] == wanted
        check.close()
    print("ok")


def main(brokers):
    print(confluent_kafka.version()[0], confluent_kafka.libversion()[0])
    name = "confluent-%d" % time.time_ns()
    admin = AdminClient({"bootstrap.servers": brokers})
    done(admin.create_topics([NewTopic(name, 2, 1, config={"retention.ms": "1000000"})]))
    try:
        done(admin.create_topics([NewTopic(name, 2, 1)]))
        raise AssertionError("created twice")
    except KafkaException as refused:
        assert refused.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS, refused
    done(admin.create_partitions([NewPartitions(name, 4)]))
    assert done(admin.describe_configs([ConfigResource("topic", name)]))["retention.ms"].value == "1000000"

    wanted = []
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        producer = Producer({"bootstrap.servers": brokers, "compression.type": codec, "enable.idempotence": True})
        failures = []
        for i in range(200):
            value = b"%s %d" % (codec.encode(), i)
            wanted.append(value)
            producer.produce(name, value, key=b"%d" % i, headers={"codec": codec}, partition=i % 4,
                             on_delivery=lambda error, _: error and failures.append(error))
        assert producer.flush(DEADLINE) == 0 and not failures, failures

    settings = {"bootstrap.servers": brokers, "group.id": name, "auto.offset.reset": "earliest",
                "enable.auto.commit": False, "heartbeat.interval.ms": 200, "session.timeout.ms": 30000}
    got = []
    first, second = Consumer(settings), Consumer(settings)

    def poll():
        for member in (first, second):
            for message in member.consume(500, 0.05):
                assert not message.error(), message.error()
                assert message.headers() == [("codec", message.value().split()[0])]
                got.append(message.value())

    first.subscribe([name])
    until(lambda: poll() or len(got) == len(wanted), "all records")
    assert sorted(got) == sorted(wanted)
    first.commit(asynchronous=False)
    second.subscribe([name])
    until(lambda: poll() or len(assignment(first)) == len(assignment(second)) == 2, "two partitions for each member")
    assert assignment(first) | assignment(second) == {0, 1, 2, 3}
    groups = admin.list_consumer_groups().result(DEADLINE)
    assert name in [group.group_id for group in groups.valid]
    assert len(done(admin.describe_consumer_groups([name])).members) == 2
    first.close()
    until(lambda: second.consume(1, 0.05) or len(assignment(second)) == 4, "the survivor to own all")
    place = TopicPartition(name, 1)
    assert second.get_watermark_offsets(place, timeout=DEADLINE) == (0, 250)
    assert second.offsets_for_times([TopicPartition(name, 1, 0)], timeout=DEADLINE)[0].offset == 0
    second.close()
    assert len(got) == len(wanted), "nothing is read twice after the commit"

    listed = done(admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(name)]))
    assert sorted((p.partition, p.offset) for p in listed.topic_partitions) == [(n, 250) for n in range(4)]
    # close() waits 5 s for its leaving to be answered: the group may have its member for longer.
    until(lambda: not done(admin.describe_consumer_groups([name])).members, "the group to be empty")
    done(admin.delete_consumer_groups([name]))
    done(admin.delete_topics([name]))
    until(lambda: name not in admin.list_topics(timeout=DEADLINE).topics, "the topic to be gone")
    print("ok")


def consumer_protocol(brokers):
    name = "confluent-848-%d" % time.time_ns()
    admin = AdminClient({"bootstrap.servers": brokers})
    done(admin.create_topics([NewTopic(name, 4, 1)]))
    producer = Producer({"bootstrap.servers": brokers})
    for i in range(100):
        producer.produce(name, b"%d" % i, partition=i % 4)
    assert producer.flush(DEADLINE) == 0
    settings = {"bootstrap.servers": brokers, "group.id": name, "group.protocol": "consumer", "auto.offset.reset": "earliest",
                "enable.auto.commit": False}
    got = []
    first, second = Consumer(settings), Consumer({**settings, "group.remote.assignor": "range"})

    def poll():
        for member in (first, second):
            for message in member.consume(500, 0.05):
                assert not message.error(), message.error()
                got.append(message.value())

    first.subscribe(["^" + name[:-1] + "."])
    until(lambda: poll() or len(got) == 100, "all records")
    first.commit(asynchronous=False)
    second.subscribe([name])
    until(lambda: poll() or len(assignment(first)) == len(assignment(second)) == 2, "two partitions for each member")
    assert assignment(first) | assignment(second) == {0, 1, 2, 3}
    first.close()
    until(lambda: second.consume(1, 0.05) or len(assignment(second)) == 4, "the survivor to own all")
    assert [place.offset for place in second.committed([TopicPartition(name, n) for n in range(4)], DEADLINE)] == [25] * 4
    second.close()
    assert len(got) == 100, "nothing is read twice after the commit"
    print("ok")


{"walk": main, "transactions": transactions, "consumer_protocol": consumer_protocol}[sys.argv[2]](sys.argv[1])
