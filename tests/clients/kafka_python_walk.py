"""What a program on kafka-python does, in one walk: admin, produce, consume, two members in a group. Runs under every
release the tests install (2.0.2 to the newest), so it uses only what they share.
usage: kafka_python_walk.py HOST:PORT walk|transactions (from 2.1 on)"""
import sys
import threading
import time

import kafka
from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

DEADLINE = 60
PATIENT = {"bootstrap_timeout_ms" if kafka.__version__ > "3" else "api_version_auto_timeout_ms": DEADLINE * 1000}  # before 3: 2 s
CODECS = (None, "gzip", "snappy", "lz4", "zstd")
TOTAL = 100 * len(CODECS)


def value(i):
    """The last one of a codec is too long for one block of snappy and lz4."""
    return b"value %d" % i + (b"".join(b" word %d" % n for n in range(30000)) if i % 100 == 99 else b"")


def until(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "waited for " + what
        time.sleep(0.02)


class Member(threading.Thread, ConsumerRebalanceListener):
    """A consumer on its own thread: 2.0.2 blocks inside poll() while a rebalance waits for others. A poll must be longer
    than a rebalance: 3.0 loses an assignment that comes just when poll() gives up. So it waits long, and a record wakes it."""

    def __init__(self, brokers, topic):
        super().__init__(daemon=True)
        self.consumer = KafkaConsumer(bootstrap_servers=brokers, group_id=topic, auto_offset_reset="earliest",
                                      enable_auto_commit=False, session_timeout_ms=30000, heartbeat_interval_ms=200,
                                      **PATIENT)
        self.consumer.subscribe([topic], listener=self)
        self.got, self.owns, self.committed, self.stopping = [], set(), False, False
        self.start()

    def on_partitions_revoked(self, revoked):
        self.owns = set()

    def on_partitions_assigned(self, assigned):
        self.owns = set(assigned)

    def run(self):
        while not self.stopping:
            for records in self.consumer.poll(DEADLINE * 1000).values():
                self.got.extend(record for record in records if record.value != b"wake up")
            if len(self.got) >= TOTAL and not self.committed:
                self.consumer.commit()
                self.committed = True
        self.consumer.close()

    def stop(self, producer):
        self.stopping = True
        for place in self.owns:
            producer.send(place.topic, b"wake up", partition=place.partition)
        self.join(DEADLINE)
        assert not self.is_alive()


def transactions(brokers):
    topic = "kafka-python-txn-%d" % time.time_ns()
    place = TopicPartition(topic, 0)
    admin = KafkaAdminClient(bootstrap_servers=brokers, **PATIENT)
    admin.create_topics([NewTopic(topic, 1, 1)])
    producer = KafkaProducer(bootstrap_servers=brokers, transactional_id=topic, **PATIENT)
    producer.init_transactions()
    for commit in (False, True):
        producer.begin_transaction()
        for _ in range(10):
            producer.send(topic, b"kept" if commit else b"dropped", partition=0)
        producer.flush()
        if commit:
            producer.commit_transaction()
        else:
            producer.abort_transaction()
    producer.close()
    for isolation, wanted in (("read_committed", [b"kept"] * 10), ("read_uncommitted", [b"dropped"] * 10 + [b"kept"] * 10)):
        check = KafkaConsumer(bootstrap_servers=brokers, isolation_level=isolation, **PATIENT)
        check.assign([place])
        check.seek_to_beginning(place)
        got = []
        until(lambda: [got.extend(records) for records in check.poll(100).values()] is None or len(got) >= len(wanted),
              f"{len(wanted)} records")
        assert [record.value for record in got] == wanted
        check.close()
    admin.close()
    print("ok")


def main(brokers):
    topic = "kafka-python-%d" % time.time_ns()
    admin = KafkaAdminClient(bootstrap_servers=brokers, **PATIENT)
    admin.create_topics([NewTopic(topic, 2, 1)])
    until(lambda: topic in admin.list_topics(), "the topic")

    sent = []
    for codec in CODECS:
        producer = KafkaProducer(bootstrap_servers=brokers, acks="all", compression_type=codec, **PATIENT)
        for i in range(len(sent), len(sent) + 100):
            sent.append(producer.send(topic, value(i), key=b"key %d" % i, headers=[("n", b"%d" % i)]))
        producer.flush(DEADLINE)
        producer.close()
    told = sorted((f.get(DEADLINE).partition, f.get(DEADLINE).offset) for f in sent)
    counts = [len([p for p, _ in told if p == n]) for n in (0, 1)]
    assert told == [(n, o) for n in (0, 1) for o in range(counts[n])]
    assert min(counts) > 100, counts
    places = [TopicPartition(topic, n) for n in (0, 1)]
    reader = KafkaConsumer(bootstrap_servers=brokers, **PATIENT)
    assert reader.offsets_for_times({places[0]: 0})[places[0]].offset == 0
    assert [reader.end_offsets(places)[place] for place in places] == counts
    reader.close()

    first = Member(brokers, topic)
    until(lambda: first.committed, f"{TOTAL} records")
    assert sorted(r.value for r in first.got) == sorted(value(i) for i in range(TOTAL))
    assert all(dict(r.headers)["n"] == r.key.split()[1] for r in first.got)
    producer = KafkaProducer(bootstrap_servers=brokers, **PATIENT)
    member = Member(brokers, topic)
    until(lambda: (len(first.owns), len(member.owns)) == (1, 1), "one partition for each member")
    assert first.owns | member.owns == set(places)
    first.stop(producer)
    until(lambda: len(member.owns) == 2, "the second member to own both partitions")
    member.stop(producer)
    assert not member.got, "nothing is read twice after the commit"

    second = KafkaConsumer(bootstrap_servers=brokers, group_id=topic, **PATIENT)
    assert sum(second.committed(place) for place in places) == TOTAL
    second.close()
    admin.delete_topics([topic])
    until(lambda: topic not in admin.list_topics(), "the topic to be gone")
    admin.close()
    producer.close()
    print("ok")


{"walk": main, "transactions": transactions}[sys.argv[2]](sys.argv[1])
