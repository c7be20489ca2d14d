"""Transactions with unmodified clients: the Java producer before and with KIP-890, librdkafka, and the tools, with weir
killed in the middle of them."""
import re
import threading
import time
import uuid

import pytest
from confluent_kafka import Consumer, IsolationLevel, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

import packages
from conftest import wait_for
from test_java import HERE, Jvm, jvm_per_release
from versions import JAVA


def make(at, word, partitions=1):
    """A new topic."""
    topic = f"{word}-{uuid.uuid4().hex[:12]}"
    admin = AdminClient({"bootstrap.servers": at})
    (future,) = admin.create_topics([NewTopic(topic, partitions, 1)]).values()
    future.result(60)
    return topic


def transactional(at, name, **config):
    # librdkafka 2.16 that bootstraps anew gives up its broker but goes on waiting for it as the group's coordinator, so
    # send_offsets_to_transaction() never returns after a restart: with Apache Kafka 4.3.1 too (librdkafka issue 5511).
    one = Producer({"bootstrap.servers": at, "transactional.id": name, "metadata.recovery.strategy": "none", **config})
    one.init_transactions(60)
    return one


def read(at, topic, partitions=1, isolation="read_committed"):
    """Every record up to the end that this kind of reader sees."""
    one = Consumer({"bootstrap.servers": at, "group.id": "reader", "isolation.level": isolation,
                    "enable.auto.commit": False, "enable.partition.eof": True, "auto.offset.reset": "earliest"})
    one.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
    got, ended = [], set()

    def poll():
        for message in one.consume(500, 0.1):
            if message.error():
                ended.add(message.partition())
            else:
                got.append(message.value())
        return len(ended) == partitions

    wait_for(poll, f"the end of {topic}")
    one.close()
    return got


def end(at, topic, isolation):
    """The offset at which this kind of reader stops, of the first partition."""
    place = TopicPartition(topic, 0)
    admin = AdminClient({"bootstrap.servers": at})
    return admin.list_offsets({place: OffsetSpec.latest()}, isolation_level=isolation)[place].result(60).offset


# --- librdkafka -------------------------------------------------------------------------------------------------------


def test_committed_records_are_read_and_aborted_ones_are_not(at):
    topic = make(at, "plain", 2)
    one = transactional(at, topic)
    for n, ends in enumerate([one.commit_transaction, one.abort_transaction, one.commit_transaction]):
        one.begin_transaction()
        for value in range(50):
            one.produce(topic, f"{n}-{value}", partition=value % 2)
        one.flush(60)
        ends(60)
    wanted = sorted(f"{n}-{value}".encode() for n in (0, 2) for value in range(50))
    wait_for(lambda: sorted(read(at, topic, 2)) == wanted, "the committed records")  # markers may come after the answer
    assert len(read(at, topic, 2, "read_uncommitted")) == 150


def test_an_open_transaction_holds_back_readers_of_committed_records_only(at):
    topic = make(at, "open")
    one, two = transactional(at, topic + "-1"), transactional(at, topic + "-2")
    one.begin_transaction()
    one.produce(topic, "first")
    one.flush(60)
    two.begin_transaction()
    two.produce(topic, "second")
    two.commit_transaction(60)
    assert read(at, topic) == []
    assert read(at, topic, 1, "read_uncommitted") == [b"first", b"second"]
    one.commit_transaction(60)
    wait_for(lambda: read(at, topic) == [b"first", b"second"], "both")


def test_a_second_producer_fences_the_first(at):
    topic = make(at, "fence")
    old = transactional(at, topic)
    old.begin_transaction()
    old.produce(topic, "old")
    old.flush(60)
    young = transactional(at, topic)
    young.begin_transaction()
    young.produce(topic, "young")
    young.commit_transaction(60)
    with pytest.raises(KafkaException) as refused:
        old.produce(topic, "older")
        old.commit_transaction(60)
    assert refused.value.args[0].fatal()
    wait_for(lambda: read(at, topic) == [b"young"], "the young one's record")


def test_offsets_of_a_transaction_move_with_it(at):
    source, target = make(at, "from"), make(at, "to")
    filler = Producer({"bootstrap.servers": at})
    for n in range(10):
        filler.produce(source, str(n))
    assert filler.flush(60) == 0
    one = transactional(at, source)
    reader = Consumer({"bootstrap.servers": at, "group.id": source, "auto.offset.reset": "earliest",
                       "enable.auto.commit": False, "isolation.level": "read_committed"})
    reader.subscribe([source])
    got = []
    wait_for(lambda: got.extend(reader.consume(10, 0.1)) or len(got) == 10, "ten records")
    for ends, wanted in ((one.abort_transaction, -1001), (one.commit_transaction, 10)):
        one.begin_transaction()
        one.produce(target, "x")
        one.send_offsets_to_transaction(reader.position(reader.assignment()), reader.consumer_group_metadata(), 60)
        ends(60)
        assert reader.committed([TopicPartition(source, 0)], 60)[0].offset == wanted
    reader.close()
    wait_for(lambda: read(at, target) == [b"x"], "the committed record")


def test_a_transaction_whose_time_is_over_is_aborted(at):
    topic = make(at, "late")
    one = transactional(at, topic, **{"transaction.timeout.ms": 1000})
    one.begin_transaction()
    one.produce(topic, "gone")
    one.flush(60)
    plain = Producer({"bootstrap.servers": at})
    plain.produce(topic, "stays")
    assert plain.flush(60) == 0
    wait_for(lambda: read(at, topic) == [b"stays"], "the transaction to be aborted")
    with pytest.raises(KafkaException):
        one.commit_transaction(60)


# --- killed in the middle ---------------------------------------------------------------------------------------------


def test_an_open_transaction_goes_on_after_a_kill(weir):
    at = weir.at["kafka"]
    topic = make(at, "kill", 3)
    one = transactional(at, topic)
    one.begin_transaction()
    for value in range(30):
        one.produce(topic, f"before-{value}", partition=value % 3)
    assert one.flush(60) == 0
    weir.kill()
    weir.start()
    for value in range(30):
        one.produce(topic, f"behind-{value}", partition=value % 3)
    one.commit_transaction(60)
    wait_for(lambda: len(read(at, topic, 3)) == 60, "the committed records")
    one.begin_transaction()
    one.produce(topic, "aborted", partition=0)
    assert one.flush(60) == 0
    weir.kill()
    weir.start()
    one.abort_transaction(60)
    wait_for(lambda: end(at, topic, IsolationLevel.READ_COMMITTED) == end(at, topic, IsolationLevel.READ_UNCOMMITTED), "the abort")
    assert len(read(at, topic, 3)) == 60
    assert len(read(at, topic, 3, "read_uncommitted")) == 61


def test_a_transaction_left_open_by_a_dead_producer_is_aborted_after_a_kill_too(weir):
    at = weir.at["kafka"]
    topic = make(at, "orphan")
    one = transactional(at, topic, **{"transaction.timeout.ms": 2000})
    one.begin_transaction()
    one.produce(topic, "gone")
    assert one.flush(60) == 0
    weir.kill()
    weir.start()
    plain = Producer({"bootstrap.servers": at})
    plain.produce(topic, "stays")
    assert plain.flush(60) == 0
    wait_for(lambda: read(at, topic) == [b"stays"], "the transaction to be aborted")


class Mover(threading.Thread):
    """Takes numbers from one topic and puts each into another exactly once, whatever happens to weir."""

    def __init__(self, at, source, target, number, stop):
        super().__init__()
        self.at, self.source, self.target, self.id, self.stop = at, source, target, f"{source}-{number}", stop
        self.moved = 0

    def run(self):
        while not self.stop.is_set():
            try:
                self.move()
            except KafkaException:
                time.sleep(0.2)  # weir is down, or this one was fenced: begin anew, as such programs do

    def move(self):
        one = transactional(self.at, self.id, **{"transaction.timeout.ms": 10000})
        reader = Consumer({"bootstrap.servers": self.at, "group.id": self.source, "auto.offset.reset": "earliest",
                           "enable.auto.commit": False, "isolation.level": "read_committed",
                           "session.timeout.ms": 6000})
        messages = []
        # What was taken and is not yet moved goes with its partition: it may be another mover's by now. (consume() would
        # still return it, when the group moves on within the call.)
        reader.subscribe([self.source], on_revoke=lambda *_: messages.clear())
        try:
            while not self.stop.is_set():
                messages.clear()
                while len(messages) < 20 and (message := reader.poll(0.1)) is not None:
                    if not message.error():
                        messages.append(message)
                if not messages:
                    continue
                one.begin_transaction()
                for message in messages:
                    one.produce(self.target, message.value(), partition=int(message.value()) % 2)
                one.send_offsets_to_transaction(reader.position(reader.assignment()),
                                                reader.consumer_group_metadata(), 60)
                one.commit_transaction(60)
                self.moved += 1
        finally:
            reader.close()


def test_every_record_is_copied_exactly_once_over_kills(weir):
    at = weir.at["kafka"]
    source, target = make(at, "numbers", 2), make(at, "copies", 2)
    total, part = 3000, 600
    filler = Producer({"bootstrap.servers": at, "enable.idempotence": True})
    stop = threading.Event()
    movers = [Mover(at, source, target, n, stop) for n in range(2)]
    for mover in movers:
        mover.start()
    try:
        for start in range(0, total, part):
            before = sum(mover.moved for mover in movers)
            for n in range(start, start + part):  # for 30 transactions or more: there is something to move, however fast they are
                filler.produce(source, str(n), partition=n % 2)
            wait_for(lambda: sum(mover.moved for mover in movers) > before + 3, "some transactions")
            weir.kill()
            weir.start()
        assert filler.flush(60) == 0
        wait_for(lambda: len(set(read(at, target, 2))) == total, "every number to be copied", 90)
    finally:
        stop.set()
        for mover in movers:
            mover.join(60)
    assert sorted(int(value) for value in read(at, target, 2)) == list(range(total))


# --- Java -------------------------------------------------------------------------------------------------------------

BEHAVIOURS = re.findall(r"^    static void (\w+)\(\) throws Exception",
                        (HERE / "TransactionWalk.java").read_text(), re.M)


class TransactionJvm(Jvm):
    """A JVM of one release with the walk of this file."""

    def __init__(self, release):
        libs = packages.jars(release, JAVA[release])
        own = packages.classes(f"transactions-{release}", libs,
                               [HERE / "Shell.java", HERE / "TransactionWalk.java"])
        self.open(libs, own, packages.CLIENTS / f"java-transactions-{release}.log")


@pytest.fixture(scope="module")
def jvms():
    yield from jvm_per_release(TransactionJvm)


@pytest.mark.parametrize("release", ["2.8", "4.3"])
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_java_transactions(jvms, at, release, behaviour):
    jvms(release)("TransactionWalk", at, behaviour)


def test_the_tool_finds_and_aborts_a_hanging_transaction(jvms, at):
    topic, jvm = make(at, "tool"), jvms("4.3")
    one = transactional(at, topic, **{"transaction.timeout.ms": 600000})  # a JVM may take long to start
    one.begin_transaction()
    one.produce(topic, "open")
    assert one.flush(60) == 0
    tool = "org.apache.kafka.tools.TransactionsCommand"
    assert re.search(topic + r".*\bOngoing\b", jvm(tool, "--bootstrap-server", at, "list"))
    described = jvm(tool, "--bootstrap-server", at, "describe", "--transactional-id", topic)
    assert "Ongoing" in described and f"{topic}-0" in described
    producers = jvm(tool, "--bootstrap-server", at, "describe-producers", "--topic", topic, "--partition", "0")
    assert len(producers.strip().splitlines()) == 2, producers
    jvm(tool, "--bootstrap-server", at, "abort", "--topic", topic, "--partition", "0", "--start-offset", "0")
    plain = Producer({"bootstrap.servers": at})
    plain.produce(topic, "stays")
    assert plain.flush(60) == 0
    wait_for(lambda: read(at, topic) == [b"stays"], "the aborted transaction to be out of the way")
