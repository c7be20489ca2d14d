"""What a program on confluent-kafka (librdkafka) does, in one walk; only what every release since 2.0 has.
usage: confluent_kafka_walk.py HOST:PORT"""
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
                "enable.auto.commit": False, "heartbeat.interval.ms": 200, "session.timeout.ms": 10000}
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
    done(admin.delete_consumer_groups([name]))
    done(admin.delete_topics([name]))
    until(lambda: name not in admin.list_topics(timeout=DEADLINE).topics, "the topic to be gone")
    print("ok")


main(sys.argv[1])
