"""kill -9 at random moments under load: nothing acknowledged is lost, nothing is doubled, nothing needs repair."""
import collections
import json
import os
import pathlib
import random
import threading
import time
import urllib.request

from cassandra.cluster import Cluster
from cassandra.policies import ConstantReconnectionPolicy
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from conftest import cql_session, wait_for

PROJECT = pathlib.Path(__file__).parent / "project"
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "20"))
SEED = int(os.environ.get("CRASH_SEED", str(random.randrange(1 << 30))))


QUICK = {"reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 100}


class KafkaLoad(threading.Thread):
    """An idempotent producer of 0, 1, 2, ...; remembers what was acknowledged."""

    def __init__(self, brokers, topic, keys=0, **settings):
        super().__init__(daemon=True)  # a failed test must not wait for it
        self.topic, self.keys, self.acked, self.stopping, self.errors = topic, keys, set(), False, []
        self.settings = {"bootstrap.servers": brokers, "enable.idempotence": True, "linger.ms": 1,
                         "message.timeout.ms": 600000, **QUICK, **settings}

    def delivered(self, err, message):
        if err:
            self.errors.append(str(err))
        else:
            self.acked.add(int(message.value().split()[0]))

    def run(self):
        producer = Producer(self.settings)
        number = 0
        while not self.stopping:
            if len(producer) < 200:
                key = f"key {number % self.keys}" if self.keys else None
                value = f"{number} {'pad ' * 40}" if self.keys else str(number)
                producer.produce(self.topic, value.encode(), key=key, on_delivery=self.delivered)
                number += 1
            producer.poll(0 if len(producer) < 200 else 0.005)
        left = producer.flush(60)
        if left:
            self.errors.append(f"{left} records never answered")


class TxnLoad(threading.Thread):
    """Transactions of a few records into two partitions; remembers those it was told are committed or aborted. One whose
    end is unknown is ended by the next incarnation, which fences it."""

    def __init__(self, brokers):
        super().__init__(daemon=True)  # a failed test must not wait for it
        self.brokers, self.committed, self.aborted, self.stopping = brokers, {}, set(), False
        self.number, self.txn = 0, 0

    def run(self):
        while not self.stopping:
            producer = Producer({"bootstrap.servers": self.brokers, "transactional.id": "txn load", "linger.ms": 1, **QUICK})
            try:
                producer.init_transactions(60)
                while not self.stopping:
                    self.one(producer)
            except KafkaException:  # killed in the middle: unknown, begin anew
                time.sleep(0.02)

    def one(self, producer):
        self.txn += 1
        txn, numbers = self.txn, []
        producer.begin_transaction()
        for _ in range(1 + txn % 5):
            numbers.append(self.number)
            producer.produce("txn", f"{self.number} {txn}".encode(), partition=self.number % 2, key=f"k{self.number % 9}")
            self.number += 1
        if txn % 4:
            producer.commit_transaction(60)
            self.committed[txn] = numbers
        else:
            producer.abort_transaction(60)
            self.aborted.add(txn)

    def check(self):
        # The answer to a commit does not wait for its markers; who takes the name is let in when the last one stands.
        Producer({"bootstrap.servers": self.brokers, "transactional.id": "txn load", **QUICK}).init_transactions(60)
        found = collections.defaultdict(list)
        for partition in range(2):
            reader = Consumer({"bootstrap.servers": self.brokers, "group.id": "check", "enable.partition.eof": True,
                               "enable.auto.commit": False, "isolation.level": "read_committed"})
            reader.assign([TopicPartition("txn", partition, 0)])
            last = -1
            while (message := reader.poll(60)) is not None and not message.error():
                number, txn = map(int, message.value().split())
                assert number > last, "doubled or out of order"
                last = number
                found[txn].append(number)
            assert message is not None and message.error().code() == KafkaError._PARTITION_EOF, "the end was not reached"
            reader.close()
        for txn, numbers in self.committed.items():
            assert sorted(found[txn]) == numbers, f"transaction {txn}: {numbers} were committed, {found[txn]} are there"
        for txn, numbers in found.items():
            assert txn not in self.aborted, f"records of the aborted transaction {txn} are there"
            assert len(numbers) == 1 + txn % 5, f"transaction {txn} is there in part: {numbers}"


class CompactedLoad(KafkaLoad):
    """KafkaLoad into a compacted topic: of each key the newest acknowledged record, or a newer one, must stay."""

    def check(self):
        newest = {}
        for key, number in read_all(self.settings["bootstrap.servers"], self.topic, compacted=True):
            assert number > newest.get(key, -1), f"{key}: {number} behind {newest[key]}"
            newest[key] = number
        for number in self.acked:
            key = f"key {number % self.keys}".encode()
            assert newest.get(key, -1) >= number, f"{key}: {number} was acknowledged, the newest is {newest.get(key)}"


class CommitLoad(threading.Thread):
    """Commits 1, 2, 3, ... for a group; remembers the last one acknowledged and the last one sent."""

    def __init__(self, brokers):
        super().__init__(daemon=True)  # a failed test must not wait for it
        self.brokers, self.acked, self.sent, self.stopping = brokers, 0, 0, False

    def place(self, offset=-1001):
        return TopicPartition("keyed", 1, offset)

    def consumer(self):
        return Consumer({"bootstrap.servers": self.brokers, "group.id": "commits", "enable.auto.commit": False,
                         "session.timeout.ms": 6000, **QUICK})

    def run(self):
        consumer = self.consumer()
        while not self.stopping:
            self.sent += 1
            try:
                consumer.commit(offsets=[self.place(self.sent)], asynchronous=False)
                self.acked = self.sent
            except KafkaException:  # the server was killed: this commit is unknown, go on with the next
                time.sleep(0.01)
        consumer.close()

    def check(self):
        acked = self.acked  # before the question: an answer may only be newer
        consumer = self.consumer()
        found = max(0, consumer.committed([self.place()], timeout=60)[0].offset)  # negative: none yet, as acked 0
        consumer.close()
        assert found >= acked, f"group commit {acked} was acknowledged, {found} is there"
        assert found <= self.sent


class CqlLoad(threading.Thread):
    """Calls step(session, 0, 1, 2, ...), which writes; remembers what was acknowledged."""

    def __init__(self, address, step):
        super().__init__(daemon=True)  # a failed test must not wait for it
        self.address, self.step, self.acked, self.stopping = address, step, set(), False

    def run(self):
        host, port = self.address.rsplit(":", 1)
        number = 0
        while not self.stopping:
            cluster = Cluster([host], port=int(port), reconnection_policy=ConstantReconnectionPolicy(0.05, None),
                              connect_timeout=20, control_connection_timeout=20)
            try:
                session = cluster.connect()
                while not self.stopping:
                    self.step(session, number)
                    self.acked.add(number)
                    number += 1
            except Exception:  # the server was killed: the write in flight is unknown, go on with the next
                number += 1
                time.sleep(0.02)
            finally:
                cluster.shutdown()


def insert(session, number):
    session.execute("INSERT INTO crash.written (id, value) VALUES (%s, %s)", (number, f"value {number}"), timeout=20)


def create_table(session, number):
    session.execute(f"CREATE TABLE crash.made_{number} (id bigint PRIMARY KEY, value text)", timeout=20)
    session.execute(f"INSERT INTO crash.made_{number} (id) VALUES (1)", timeout=20)


def api(weir, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://{weir.at['console']}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def runs_of(weir):
    found = api(weir, "/api/dags/working/runs?limit=1000")
    return {run["run_id"]: run["state"] for run in (found["runs"] if isinstance(found, dict) else found)}


def read_all(brokers, topic, partition=0, compacted=False):
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "check", "enable.auto.commit": False,
                         "enable.partition.eof": True, "auto.offset.reset": "earliest"})
    low, high = wait_for(lambda: consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=60), "watermarks")
    consumer.assign([TopicPartition(topic, partition, low)])
    found, end, at_end = [], time.monotonic() + 60, False
    while not at_end and time.monotonic() < end:
        for message in consumer.consume(1000, 1.0):
            if message.error():
                assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                at_end = True
            else:
                found.append((message.key(), int(message.value().split()[0])))
    consumer.close()
    assert at_end and (compacted or len(found) == high - low)
    return found


def check_keyed(load, brokers):
    by_key, partitions = collections.defaultdict(list), collections.defaultdict(set)
    for partition in range(3):
        for key, number in read_all(brokers, load.topic, partition):
            by_key[key].append(number)
            partitions[key].add(partition)
    assert all(len(where) == 1 for where in partitions.values()), "a key in two partitions"
    for key, numbers in by_key.items():
        assert numbers == sorted(set(numbers)), f"{key} is doubled or out of order"
    found = {number for numbers in by_key.values() for number in numbers}
    assert load.acked <= found, f"lost {len(load.acked - found)} acknowledged records of {load.topic}"


def test_nothing_acknowledged_is_lost_and_nothing_is_doubled_over_kills(start_weir):
    chance = random.Random(SEED)
    print(f"CRASH_SEED={SEED}")
    weir = start_weir(PROJECT)
    brokers = weir.at["kafka"]
    admin = AdminClient({"bootstrap.servers": brokers})  # kept: its futures die with it
    made = admin.create_topics([NewTopic("keyed", 3), NewTopic("lz4", 3), NewTopic("txn", 2), NewTopic(
        "compacted", 1, config={"cleanup.policy": "compact", "segment.bytes": "1048576", "min.cleanable.dirty.ratio": "0"})])
    for future in made.values():
        future.result(60)
    kafka = KafkaLoad(brokers, "load")
    keyed = [KafkaLoad(brokers, "keyed", keys=11), KafkaLoad(brokers, "lz4", keys=7, **{"compression.type": "lz4"})]
    cql, ddl = CqlLoad(weir.at["cql"], insert), CqlLoad(weir.at["cql"], create_table)
    commits = CommitLoad(brokers)
    txns, compacted = TxnLoad(brokers), CompactedLoad(brokers, "compacted", keys=50)
    loads = [kafka, *keyed, cql, ddl, commits, txns, compacted]
    for load in loads:
        load.start()
    triggered = set()
    for _ in range(ROUNDS):
        triggered.add(api(weir, "/api/dags/working/runs", {})["run_id"])
        time.sleep(chance.uniform(0.02, 0.5))  # the moment of the crash is the input of this test
        weir.kill()
        weir.start()
        commits.check()
        assert triggered <= set(runs_of(weir)), "a triggered run was forgotten"
    wait_for(lambda: len(kafka.acked) > 100 and len(cql.acked) > 10 and all(len(load.acked) > 100 for load in keyed)
             and len(ddl.acked) > 1 and commits.acked > 10 and len(txns.committed) > 10 and len(compacted.acked) > 100,
             "acknowledged writes", 120)
    for load in loads:
        load.stopping = True
    for load in loads:
        load.join(90)
    assert [load.errors for load in (kafka, *keyed, compacted)] == [[], [], [], []]
    commits.check()
    txns.check()
    compacted.check()

    found = read_all(brokers, "load")
    values = [number for _, number in found]
    assert values == sorted(set(values)), "doubled or out of order"
    assert kafka.acked <= set(values), f"lost {len(kafka.acked - set(values))} acknowledged records"
    for load in keyed:
        check_keyed(load, brokers)

    session = cql_session(weir, "crash")
    session.default_fetch_size = 5000
    written = {row.id for row in session.execute("SELECT id FROM written")}
    assert cql.acked <= written, f"lost {len(cql.acked - written)} acknowledged CQL writes"
    for number in ddl.acked:
        assert session.execute(f"SELECT id FROM made_{number}").one().id == 1

    wait_for(lambda: session.execute("SELECT count(*) FROM copied").one()[0] >= len(values), "the stream to catch up", 120)
    assert {row.id for row in session.execute("SELECT id FROM copied")} == set(values)
    wait_for(lambda: sum(row.records for row in session.execute("SELECT records FROM counted")) >= len(values),
             "the counts to catch up", 120)
    assert {row.bucket: row.records for row in session.execute("SELECT bucket, records FROM counted")} == {
        bucket: sum(1 for value in values if value % 7 == bucket) for bucket in range(7)}
    session.cluster.shutdown()
    wait_for(lambda: all(runs_of(weir)[run] in ("success", "failed") for run in triggered), "the runs to end", 120)
    print(f"{ROUNDS} kills: {len(values)} records, {len(written)} CQL writes, {len(ddl.acked)} tables, "
          f"{commits.acked} commits, {len(txns.committed)} transactions, {len(compacted.acked)} compacted, {len(triggered)} runs")
