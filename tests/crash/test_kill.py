"""kill -9 at random moments under load: nothing acknowledged is lost, nothing is doubled, nothing needs repair."""
import os
import pathlib
import random
import threading
import time

from cassandra.cluster import Cluster
from cassandra.policies import ConstantReconnectionPolicy
from confluent_kafka import Consumer, Producer, TopicPartition

from conftest import wait_for

PROJECT = pathlib.Path(__file__).parent / "project"
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "20"))
SEED = int(os.environ.get("CRASH_SEED", str(random.randrange(1 << 30))))


class KafkaLoad(threading.Thread):
    """An idempotent producer of 0, 1, 2, ... into `load`; remembers what was acknowledged."""

    def __init__(self, brokers):
        super().__init__()
        self.brokers, self.acked, self.stopping, self.errors = brokers, set(), False, []

    def delivered(self, err, message):
        if err:
            self.errors.append(str(err))
        else:
            self.acked.add(int(message.value()))

    def run(self):
        producer = Producer({"bootstrap.servers": self.brokers, "enable.idempotence": True, "linger.ms": 1,
                             "message.timeout.ms": 120000, "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 100})
        number = 0
        while not self.stopping:
            if len(producer) < 200:
                producer.produce("load", str(number).encode(), on_delivery=self.delivered)
                number += 1
            producer.poll(0 if len(producer) < 200 else 0.005)
        left = producer.flush(60)
        if left:
            self.errors.append(f"{left} records never answered")
        self.sent = number


class CqlLoad(threading.Thread):
    """Inserts 0, 1, 2, ... into crash.written; remembers what was acknowledged."""

    def __init__(self, address):
        super().__init__()
        self.address, self.acked, self.stopping = address, set(), False

    def run(self):
        host, port = self.address.rsplit(":", 1)
        number = 0
        while not self.stopping:
            cluster = Cluster([host], port=int(port), reconnection_policy=ConstantReconnectionPolicy(0.05, None),
                              connect_timeout=2, control_connection_timeout=2)
            try:
                session = cluster.connect()
                insert = session.prepare("INSERT INTO crash.written (id, value) VALUES (?, ?)")
                while not self.stopping:
                    session.execute(insert, (number, f"value {number}"), timeout=2)
                    self.acked.add(number)
                    number += 1
            except Exception:  # the server was killed: the write in flight is unknown, go on with the next
                number += 1
                time.sleep(0.02)
            finally:
                cluster.shutdown()


def read_all(brokers):
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "check", "enable.auto.commit": False,
                         "enable.partition.eof": True, "auto.offset.reset": "earliest"})
    low, high = wait_for(lambda: consumer.get_watermark_offsets(TopicPartition("load", 0), timeout=5), "watermarks")
    consumer.assign([TopicPartition("load", 0, low)])
    values, end = [], time.monotonic() + 60
    while len(values) < high - low and time.monotonic() < end:
        for message in consumer.consume(1000, 1.0):
            if not message.error():
                values.append(int(message.value()))
    consumer.close()
    assert len(values) == high - low
    return values


def test_nothing_acknowledged_is_lost_and_nothing_is_doubled_over_kills(start_weir):
    chance = random.Random(SEED)
    print(f"CRASH_SEED={SEED}")
    weir = start_weir(PROJECT)
    kafka, cql = KafkaLoad(weir.at["kafka"]), CqlLoad(weir.at["cql"])
    kafka.start(), cql.start()
    for _ in range(ROUNDS):
        time.sleep(chance.uniform(0.02, 0.5))  # the moment of the crash is the input of this test
        weir.kill()
        weir.start()
    wait_for(lambda: len(kafka.acked) > 100 and len(cql.acked) > 10, "acknowledged writes")
    kafka.stopping = cql.stopping = True
    kafka.join(90), cql.join(30)
    assert kafka.errors == []

    values = read_all(weir.at["kafka"])
    assert values == sorted(set(values)), "doubled or out of order"
    assert kafka.acked <= set(values), f"lost {len(kafka.acked - set(values))} acknowledged records"

    host, port = weir.at["cql"].rsplit(":", 1)
    cluster = Cluster([host], port=int(port))
    session = cluster.connect("crash")
    session.default_fetch_size = 5000
    written = {row.id for row in session.execute("SELECT id FROM written")}
    assert cql.acked <= written, f"lost {len(cql.acked - written)} acknowledged CQL writes"

    wait_for(lambda: session.execute("SELECT count(*) FROM copied").one()[0] >= len(values), "the stream to catch up", 60)
    assert {row.id for row in session.execute("SELECT id FROM copied")} == set(values)
    wait_for(lambda: sum(row.records for row in session.execute("SELECT records FROM counted")) >= len(values),
             "the counts to catch up", 60)
    assert {row.bucket: row.records for row in session.execute("SELECT bucket, records FROM counted")} == {
        bucket: sum(1 for value in values if value % 7 == bucket) for bucket in range(7)}
    cluster.shutdown()
    print(f"{ROUNDS} kills: {len(values)} records, {len(written)} CQL writes")
