"""Consumer groups of both protocols: hundreds of members, real clients that live through kill -9, Kafka's own tools."""
import pathlib
import subprocess
import threading
import time

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

import many_members
import packages
from conftest import wait_for
from versions import JAVA

MEMBERS = 500


def cpu_seconds(weir):
    fields = pathlib.Path(f"/proc/{weir.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def make_topic(at, name, partitions):
    admin = AdminClient({"bootstrap.servers": at})
    admin.create_topics([NewTopic(name, partitions)])[name].result(60)


def produce(at, topic, values):
    producer = confluent_kafka.Producer({"bootstrap.servers": at})
    for value in values:
        producer.produce(topic, value=value, key=value)
    assert producer.flush(60) == 0


def test_500_classic_members_rebalance_without_a_storm(weir, topic):
    make_topic(weir.at["kafka"], topic, MEMBERS)
    members = [many_members.ClassicMember(weir.at["kafka"], topic, i) for i in range(MEMBERS)]
    begin, cpu = time.monotonic(), cpu_seconds(weir)
    first = many_members.classic_round(members, topic)
    again = many_members.classic_rejoin(members, topic)
    took, cpu = time.monotonic() - begin, cpu_seconds(weir) - cpu
    print(f"{MEMBERS} classic members joined and rejoined in {took:.2f} s, weir used {cpu:.2f} s of CPU")
    assert again == first + 1
    assert cpu < 10
    for member in members:
        member.close()


def test_500_members_of_the_new_protocol_converge_without_a_storm(weir, topic):
    make_topic(weir.at["kafka"], topic, 2 * MEMBERS)
    members = [many_members.ConsumerMember(weir.at["kafka"], topic, i) for i in range(MEMBERS)]
    begin, cpu = time.monotonic(), cpu_seconds(weir)
    rounds, done = 0, lambda: all(sum(map(len, member.owned.values())) == 2 for member in members)
    while not done():
        assert many_members.consumer_round(members, topic) <= 2 * MEMBERS
        rounds += 1
        assert time.monotonic() - begin < 60
    took, cpu = time.monotonic() - begin, cpu_seconds(weir) - cpu
    print(f"{MEMBERS} members converged in {rounds} rounds and {took:.2f} s, weir used {cpu:.2f} s of CPU")
    assert cpu < 10
    for member in members:
        member.close()


# What Apache Kafka 4.3.1 answers: step, error, member epoch, partitions the member then owns.
SEQUENCE = [
    ("a joins", 0, 2, 6), ("a", 0, 2, 6), ("b joins", 0, 3, 0), ("a told", 0, 2, 3), ("a keeps", 0, 2, 6), ("b waits", 0, 3, 0),
    ("a revoked", 0, 3, 3), ("b gets", 0, 3, 3), ("b", 0, 3, 3), ("a", 0, 3, 3), ("b ahead", 110, 8, 3),
    ("b lost answer", 110, 2, 0), ("b old", 110, 1, 3), ("b rejoins", 0, 3, 3), ("b leaves", 0, -1, 3), ("b gone", 25, 3, 3),
    ("a alone", 0, 4, 6), ("a again", 0, 4, 6)]


def test_heartbeats_are_answered_as_by_kafka(at, topic):
    make_topic(at, topic, 6)
    probe = many_members.ConsumerMember(at, f"{topic}-probe", 0)  # Kafka's coordinator hears of a new topic a little later
    wait_for(lambda: many_members.consumer_round([probe], topic) == 6, "the coordinator to know the topic")
    a, b = (many_members.ConsumerMember(at, topic, i) for i in range(2))
    steps = []

    def beat(member, step, owned=None, epoch=None):
        member.owned = member.owned if owned is None else owned
        member.epoch = member.epoch if epoch is None else epoch
        member.beat(topic)
        for _, reader in many_members.gather([member]):
            steps.append((step, member.beaten(reader), member.epoch, sum(map(len, member.owned.values()))))

    def next_target():  # targets are made once a second
        time.sleep(1.2)

    beat(a, "a joins")
    beat(a, "a")
    next_target()
    beat(b, "b joins")
    all_of_it = a.owned
    beat(a, "a told")
    half = a.owned
    beat(a, "a keeps", owned=all_of_it)
    beat(b, "b waits")
    beat(a, "a revoked", owned=half)
    beat(b, "b gets")
    beat(b, "b")
    beat(a, "a")
    epoch, owned = b.epoch, b.owned
    beat(b, "b ahead", epoch=epoch + 5)
    beat(b, "b lost answer", owned={}, epoch=epoch - 1)
    beat(b, "b old", owned=owned, epoch=1)
    beat(b, "b rejoins", epoch=0)
    beat(b, "b leaves", epoch=-1)
    beat(b, "b gone", epoch=epoch)
    next_target()
    beat(a, "a alone")
    beat(a, "a again")
    assert steps == SEQUENCE


class Reading(threading.Thread):
    """A consumer that polls until it is told to stop, and keeps what it got and how often it was assigned."""

    def __init__(self, at, group, topic, protocol, **settings):
        super().__init__(daemon=True)
        self.values, self.partitions, self.assigned, self.ending = [], set(), 0, False
        settings = {"bootstrap.servers": at, "group.id": group, "group.protocol": protocol, "auto.offset.reset": "earliest",
                    "enable.auto.commit": False, **settings}
        self.consumer = confluent_kafka.Consumer(settings)
        self.consumer.subscribe([topic], on_assign=self.on_assign, on_revoke=self.on_revoke, on_lost=self.on_revoke)
        self.start()

    def on_assign(self, _consumer, partitions):
        self.assigned += 1
        self.partitions |= {(p.topic, p.partition) for p in partitions}

    def on_revoke(self, _consumer, partitions):
        self.partitions -= {(p.topic, p.partition) for p in partitions}

    def run(self):
        while not self.ending:
            message = self.consumer.poll(0.1)
            if message and message.error() is None:
                self.values.append(message.value().decode())
                self.consumer.commit(message, asynchronous=True)
        self.consumer.close()

    def stop(self):
        self.ending = True
        self.join(60)


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_members_live_through_kill_9(start_weir, empty_project, topic, protocol):
    weir = start_weir(empty_project)
    at = weir.at["kafka"]
    make_topic(at, topic, 4)
    readers = [Reading(at, topic, topic, protocol) for _ in range(2)]
    wait_for(lambda: [len(r.partitions) for r in readers] == [2, 2], "two members with two partitions each")
    produce(at, topic, [f"before-{i}" for i in range(20)])
    wait_for(lambda: sum(len(r.values) for r in readers) >= 20, "the records")
    assigned = [r.assigned for r in readers]
    weir.kill()
    weir.start()
    produce(at, topic, [f"after-{i}" for i in range(20)])
    wait_for(lambda: sum(v.startswith("after") for r in readers for v in r.values) >= 20, "the records after the kill")
    assert [r.assigned for r in readers] == assigned  # nobody was asked to rejoin
    assert [len(r.partitions) for r in readers] == [2, 2]
    for reader in readers:
        reader.stop()
    weir.stop()


class Rolled:
    """A group of real members, one partition with one owner at most at any time, and a producer that never rests."""

    def __init__(self, at, topic, **classic):
        self.at, self.topic, self.owners, self.faults, self.members = at, topic, {}, [], []
        self.lock, self.sent, self.ending = threading.Lock(), 0, False
        self.classic = {"heartbeat.interval.ms": 300, **classic}
        self.producing = threading.Thread(target=self.produce, daemon=True)
        self.producing.start()

    def produce(self):
        producer = confluent_kafka.Producer({"bootstrap.servers": self.at})
        while not self.ending:
            producer.produce(self.topic, value=str(self.sent))
            self.sent += 1
            producer.poll(0.01)
        producer.flush(60)

    def enter(self, protocol):
        group, settings = self, self.classic if protocol == "classic" else {}

        class Member(Reading):
            def on_assign(self, consumer, partitions):
                super().on_assign(consumer, partitions)
                with group.lock:
                    for p in partitions:
                        if group.owners.setdefault(p.partition, self) is not self:
                            group.faults.append(f"partition {p.partition} has two owners")

            def on_revoke(self, consumer, partitions):
                super().on_revoke(consumer, partitions)
                with group.lock:
                    for p in partitions:
                        if group.owners.get(p.partition) is self:
                            del group.owners[p.partition]

        self.members.append(Member(self.at, self.topic, self.topic, protocol, **settings))
        self.settle()
        return self.members[-1]

    def leave(self, member):
        member.stop()
        self.settle()

    def settle(self):
        """All partitions are owned, by members that are still there, and as evenly as can be."""
        def even():
            alive = [member for member in self.members if not member.ending]
            with self.lock:
                owners = list(self.owners.values())
            shares = [sum(owner is member for owner in owners) for member in alive]
            return sum(shares) == 6 and max(shares) - min(shares) <= 1
        wait_for(even, "all partitions to be shared evenly", 90)
        assert not self.faults

    def end(self):
        self.ending = True
        self.producing.join(60)
        wait_for(lambda: len(self.read()) == self.sent, "every record to be read")
        for member in self.members:
            member.stop()
        assert not self.faults

    def read(self):
        return {value for member in self.members for value in list(member.values)}


def roll(group):
    first, second = group.enter("classic"), group.enter("classic")
    new = group.enter("consumer")
    group.leave(first)
    group.leave(second)
    group.enter("classic")
    group.leave(new)
    group.end()


def test_a_group_rolls_over_to_the_new_protocol_and_back(at, topic):
    make_topic(at, topic, 6)
    roll(Rolled(at, topic, **{"partition.assignment.strategy": "range"}))


def test_a_regular_expression_finds_new_topics(at, topic):
    make_topic(at, f"{topic}-a", 2)
    reader = Reading(at, topic, f"^{topic}-.*", "consumer")
    wait_for(lambda: len(reader.partitions) == 2, "the first topic")
    make_topic(at, f"{topic}-b", 3)
    wait_for(lambda: len(reader.partitions) == 5, "the second topic")
    reader.stop()


def test_a_static_member_comes_back_to_its_partitions(at, topic):
    make_topic(at, topic, 4)
    readers = [Reading(at, topic, topic, "consumer", **{"group.instance.id": f"i{i}"}) for i in range(2)]
    wait_for(lambda: [len(r.partitions) for r in readers] == [2, 2], "two partitions each")
    before = set(readers[1].partitions)
    assigned = readers[0].assigned
    readers[1].stop()
    again = Reading(at, topic, topic, "consumer", **{"group.instance.id": "i1"})
    wait_for(lambda: again.partitions == before, "the same partitions")
    assert readers[0].assigned == assigned
    readers[0].stop()
    again.stop()


# --- Kafka's own tools ---------------------------------------------------------------

@pytest.fixture(scope="module")
def java():
    return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-cp",
            f"{packages.jars('4.3', JAVA['4.3'])}/*"]


def groups_tool(java, at, *words):
    done = subprocess.run([*java, "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", "--bootstrap-server", at,
                           "--timeout", "60000", *words], capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_the_groups_tool_sees_resets_and_deletes_a_group(java, at, topic, protocol):
    make_topic(at, topic, 2)
    produce(at, topic, [str(i) for i in range(10)])
    done = subprocess.run([*java, "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", at, "--topic",
                           topic, "--group", topic, "--from-beginning", "--max-messages", "10",
                           "--command-property", f"group.protocol={protocol}"],
                          capture_output=True, text=True, timeout=180)
    assert sorted(done.stdout.split()) == sorted(str(i) for i in range(10)), done.stderr
    reader = Reading(at, topic, topic, protocol)
    wait_for(lambda: len(reader.partitions) == 2, "the assignment")
    described = groups_tool(java, at, "--describe", "--group", topic, "--members", "--verbose")
    assert [line for line in described.splitlines() if line.startswith(topic)]
    reader.stop()
    admin = AdminClient({"bootstrap.servers": at})
    wait_for(lambda: admin.describe_consumer_groups([topic])[topic].result(60).state.name == "EMPTY", "an empty group")
    reset = groups_tool(java, at, "--reset-offsets", "--group", topic, "--topic", topic, "--to-earliest", "--execute")
    assert [line.split()[3] for line in reset.splitlines() if line.startswith(topic)] == ["0", "0"]
    assert topic in groups_tool(java, at, "--list", "--type", protocol)
    groups_tool(java, at, "--delete", "--group", topic)
    assert topic not in groups_tool(java, at, "--list")
