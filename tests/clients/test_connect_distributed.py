"""Distributed Kafka Connect, driven by its REST interface, and MirrorMaker 2, from their Maven jars, on weir; both with
exactly-once too."""
import socket
import subprocess

import pytest
import requests
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

import packages
from conftest import wait_for
from versions import JAVA

NEWEST = "4.3"
DEADLINE = 120
STRING = "org.apache.kafka.connect.storage.StringConverter"
# Of its own a worker has a session of 10 s, rests for 5 minutes when it reads its settings for 3 s, and gives up offsets after 5 s.
PATIENT = {"session.timeout.ms": 45000, "worker.sync.timeout.ms": 60000, "offset.flush.timeout.ms": 60000,
           "task.shutdown.graceful.timeout.ms": 60000}


@pytest.fixture(scope="module")
def libs():
    return packages.jars(NEWEST, JAVA[NEWEST])


class Java:
    """A JVM with a main class and a file of settings, which is stopped at the end of its `with`."""

    def __init__(self, libs, main, folder, name, settings):
        self.log = folder / f"{name}.log"
        file = folder / f"{name}.properties"
        file.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        with open(self.log, "a") as out:
            self.process = subprocess.Popen(["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-cp",
                                             f"{libs}/*", main, str(file)], stdout=out, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:  # all is asserted by now; Jetty 12 was seen to hang in its own end once
            self.process.kill()
            self.process.wait(DEADLINE)

    def until(self, condition, what):
        """The first true answer of condition(), which may fail while servers start."""
        def holds():
            assert self.process.poll() is None, self.log.read_text()[-4000:]
            try:
                return condition()
            except requests.ConnectionError:
                return False

        try:
            return wait_for(holds, what, DEADLINE)
        except AssertionError:
            print(self.log.read_text()[-4000:])
            raise


class Reader:
    """Reads some partitions of a topic from their start, when asked; `records` are those read so far."""

    def __init__(self, at, topic, partitions, isolation):
        self.consumer = Consumer({"bootstrap.servers": at, "group.id": "none", "enable.auto.commit": False,
                                  "isolation.level": isolation, "auto.offset.reset": "earliest"})
        self.places, self.records = [TopicPartition(topic, n, 0) for n in range(partitions)], []
        self.consumer.assign(self.places)

    def has(self, count):
        self.records += [record for record in self.consumer.consume(1000, 0.1) if not record.error()]
        return len(self.records) >= count

    def values(self):
        return [record.value().decode() for record in self.records]


class Worker(Java):
    """A worker of the group `name`, whose three topics bear its name."""

    def __init__(self, libs, at, folder, name, number, **settings):
        self.held = socket.socket()  # bound until the end, so that nobody else is given its port before the worker listens there
        self.held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.held.bind(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.held.getsockname()[1]
        kept = {f"{what}.storage.{key}": value for what in ("config", "offset", "status")
                for key, value in (("topic", f"{name}-{what}"), ("replication.factor", 1))}
        super().__init__(libs, "org.apache.kafka.connect.cli.ConnectDistributed", folder, f"worker-{number}", {
            "bootstrap.servers": at, "group.id": name, **kept, "listeners": self.url, "key.converter": STRING,
            "value.converter": STRING, "offset.flush.interval.ms": 200, "plugin.discovery": "service_load",
            "exactly.once.source.support": "enabled", "scheduled.rebalance.max.delay.ms": 500, "heartbeat.interval.ms": 500,
            "config.providers": "", **PATIENT, **settings})

    def __exit__(self, *_):
        super().__exit__()
        self.held.close()

    def ask(self, method, path, **kwargs):
        return requests.request(method, self.url + path, timeout=90, **kwargs)

    def create(self, name, settings):
        def created():
            answer = self.ask("PUT", f"/connectors/{name}/config", json=settings)
            assert answer.status_code in (201, 409), answer.text  # 409: the group is just being balanced
            return answer.status_code == 201

        self.until(created, f"connector {name}")

    def delete(self, name):
        def deleted():
            answer = self.ask("DELETE", f"/connectors/{name}")
            assert answer.status_code in (204, 409), answer.text
            return answer.status_code == 204

        self.until(deleted, f"connector {name} to be deleted")

    def states(self, name):
        said = self.ask("GET", f"/connectors/{name}/status").json()
        return [said.get("connector", {}).get("state")] + [task["state"] for task in said.get("tasks", [])]

    def where(self, name):
        """The workers that have this connector's tasks."""
        return {task["worker_id"] for task in self.ask("GET", f"/connectors/{name}/status").json().get("tasks", [])}

    def state(self, name, wanted):
        self.until(lambda: self.states(name) == [wanted, wanted], f"{name} to be {wanted}")


def cleanup_policy(at, topic):
    admin = AdminClient({"bootstrap.servers": at})
    (future,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
    return future.result(60)["cleanup.policy"].value


def test_distributed_connect_is_driven_over_rest_and_its_tasks_move_to_another_worker(at, libs, topic, tmp_path):
    lines = [f"line {n}\n" for n in range(1000)]
    source = {"connector.class": "FileStreamSource", "file": str(tmp_path / "in"), "topic": topic, "tasks.max": "1"}
    sink = {"connector.class": "FileStreamSink", "file": str(tmp_path / "out"), "topics": topic, "tasks.max": "1",
            "consumer.override.isolation.level": "read_committed"}

    def write(start, end):
        with open(tmp_path / "in", "a") as written:
            written.writelines(lines[start:end])

    def arrived(count):
        out = tmp_path / "out"
        return out.exists() and out.read_text().count("\n") >= count

    with Worker(libs, at, tmp_path, topic, 1) as first:
        first.until(lambda: first.ask("GET", "/connectors").status_code == 200, "the worker")
        write(0, 300)
        first.create("source", source)
        first.create("sink", sink)
        first.until(lambda: arrived(300), "300 lines")
        assert {cleanup_policy(at, f"{topic}-{what}") for what in ("config", "offset", "status")} == {"compact"}

        assert first.ask("PUT", "/connectors/sink/pause").status_code == 202
        first.state("sink", "PAUSED")
        write(300, 600)
        first.state("source", "RUNNING")
        assert not arrived(301)
        assert first.ask("PUT", "/connectors/sink/resume").status_code == 202
        first.until(lambda: arrived(600), "600 lines after the pause")

        with Worker(libs, at, tmp_path, topic, 2) as second:
            second.until(lambda: second.ask("GET", "/connectors").status_code == 200, "the second worker")
            first.until(lambda: len(first.where("source") | first.where("sink")) == 2, "a task for each worker")
            first.state("source", "RUNNING")
            first.state("sink", "RUNNING")
            first.process.terminate()
            first.process.wait(DEADLINE)
            mine = {second.url.removeprefix("http://")}
            second.until(lambda: second.where("source") | second.where("sink") == mine, "all tasks at the worker that stays")
            second.state("source", "RUNNING")
            second.state("sink", "RUNNING")
            write(600, 1000)
            second.until(lambda: arrived(1000), "all lines")
            offsets = second.ask("GET", "/connectors/sink/offsets").json()["offsets"]
            assert offsets[0]["partition"] == {"kafka_topic": topic, "kafka_partition": 0}, offsets
            for name in ("source", "sink"):
                second.delete(name)
            second.until(lambda: second.ask("GET", "/connectors").json() == [], "no connectors")
    assert (tmp_path / "out").read_text() == "".join(lines)


def test_a_source_killed_within_a_transaction_has_each_line_once(at, libs, topic, tmp_path):
    """The transaction that kill -9 leaves open would end by no timer within this test: the next worker's fencing ends it. That
    worker has the task when the session of the killed one is over."""
    lines = [f"line {n}" for n in range(900)]
    source = {"connector.class": "FileStreamSource", "file": str(tmp_path / "in"), "topic": topic, "tasks.max": "1",
              "transaction.boundary": "interval", "transaction.boundary.interval.ms": "3600000",
              "producer.override.transaction.timeout.ms": "900000"}
    written, committed = Reader(at, topic, 1, "read_uncommitted"), Reader(at, topic, 1, "read_committed")

    def write(start, end):
        with open(tmp_path / "in", "a") as file:
            file.writelines(f"{line}\n" for line in lines[start:end])

    def commit(worker, count):
        """A pause ends the open transaction."""
        worker.until(lambda: worker.ask("PUT", "/connectors/source/pause").status_code == 202, "the pause")
        worker.until(lambda: committed.has(count), f"{count} lines committed")

    write(0, 300)
    with Worker(libs, at, tmp_path, topic, 1, **{"session.timeout.ms": 20000}) as first:
        first.until(lambda: first.ask("GET", "/connectors").status_code == 200, "the worker")
        first.create("source", source)
        first.until(lambda: written.has(300), "300 lines")
        commit(first, 300)
        write(300, 600)
        assert first.ask("PUT", "/connectors/source/resume").status_code == 202
        first.until(lambda: written.has(600), "600 lines")
        first.process.kill()
        first.process.wait(60)
    assert not committed.has(301)

    with Worker(libs, at, tmp_path, topic, 2) as second:
        second.until(lambda: written.has(900), "the lines of the open transaction again")
        write(600, 900)
        second.until(lambda: written.has(1200), "all lines")
        commit(second, 900)
    assert committed.values() == lines
    assert written.values() == lines[:600] + lines[300:]
    for reader in (written, committed):
        reader.consumer.close()


def mirror_maker(libs, folder, source, target, topic, a, b, **settings):
    """Mirrors the topic and the group of its name from `source`, called `a`, to `target`, called `b`. MirrorMaker keeps some pairs
    of offsets, newest first, and translates no group that is behind them: nothing is written while a group is waited for, and
    heartbeats, whose topic would restart the task that has pairs yet to write, are not mirrored. The last pairs are written with
    the task's offsets."""
    one = {name: 1 for name in ("replication.factor", "checkpoints.topic.replication.factor", "heartbeats.topic.replication.factor",
                                "offset-syncs.topic.replication.factor", "config.storage.replication.factor",
                                "offset.storage.replication.factor", "status.storage.replication.factor")}
    often = {f"{what}.interval.seconds": 1 for what in ("refresh.topics", "refresh.groups", "sync.topic.configs",
                                                        "sync.group.offsets", "emit.checkpoints", "emit.heartbeats")}
    return Java(libs, "org.apache.kafka.connect.mirror.MirrorMaker", folder, "mirror", {
        "clusters": f"{a},{b}", f"{a}.bootstrap.servers": source, f"{b}.bootstrap.servers": target, f"{a}->{b}.enabled": "true",
        f"{a}->{b}.topics": topic, f"{a}->{b}.groups": topic, f"{a}->{b}.sync.group.offsets.enabled": "true",
        f"{b}->{a}.enabled": "false", "offset.lag.max": 0, f"{b}.offset.flush.interval.ms": 200,
        "heartbeats.replication.enabled": "false", **{f"{b}.{key}": value for key, value in PATIENT.items()}, **one, **often,
        **settings})


def test_mirror_maker_copies_topics_with_their_settings_and_groups_offsets(at, start_weir, empty_project, libs, topic, tmp_path):
    there = start_weir(empty_project).at["kafka"]
    here = AdminClient({"bootstrap.servers": at})
    (future,) = here.create_topics([NewTopic(topic, 3, 1, config={"retention.ms": "1234567"})]).values()
    future.result(60)
    producer = Producer({"bootstrap.servers": at})
    for n in range(300):
        producer.produce(topic, f"value {n}", key=str(n), partition=n % 3, headers=[("n", str(n))])
    assert producer.flush(60) == 0
    group = Consumer({"bootstrap.servers": at, "group.id": topic, "enable.auto.commit": False})
    group.commit(offsets=[TopicPartition(topic, n, 100) for n in range(3)], asynchronous=False)

    with mirror_maker(libs, tmp_path, at, there, topic, "a", "b") as mirror:
        reader = Consumer({"bootstrap.servers": there, "group.id": "check", "auto.offset.reset": "earliest",
                           "isolation.level": "read_committed"})
        admin = AdminClient({"bootstrap.servers": there})
        mirror.until(lambda: f"a.{topic}" in admin.list_topics(timeout=60).topics, "the topic")
        reader.assign([TopicPartition(f"a.{topic}", n, 0) for n in range(3)])
        got = []
        mirror.until(lambda: got.extend(m for m in reader.consume(100, 0.1) if not m.error()) or len(got) >= 300, "300 records")
        assert sorted((m.partition(), m.key(), m.value()) for m in got) == sorted(
            (n % 3, b"%d" % n, b"value %d" % n) for n in range(300))
        assert all(m.headers() == [("n", m.key())] for m in got)
        (future,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, f"a.{topic}")]).values()
        assert future.result(60)["retention.ms"].value == "1234567"
        places = [TopicPartition(f"a.{topic}", n) for n in range(3)]
        follower = Consumer({"bootstrap.servers": there, "group.id": topic})

        mirror.until(lambda: all(0 < place.offset <= 100 for place in follower.committed(places, 60)), "the group's offsets")
        for consumer in (reader, follower, group):
            consumer.close()


def test_mirror_maker_with_exactly_once_has_a_group_continue_where_it_stopped(at, libs, topic, tmp_path):
    """One cluster under two names, so that KAFKA_AT is a real Kafka on both sides; its heartbeats would be copied to themselves
    without end, with a restart of the task for each new name. The group stands behind the newest record, for only there
    does MirrorMaker translate exactly; which offset that is, is read from the copy: markers of transactions take some."""
    a, b = f"a{topic[2:]}", f"b{topic[2:]}"
    admin = AdminClient({"bootstrap.servers": at})
    (future,) = admin.create_topics([NewTopic(topic, 3, 1)]).values()
    future.result(60)
    producer = Producer({"bootstrap.servers": at})

    def produce(start, end):
        for n in range(start, end):
            producer.produce(topic, f"{n}", partition=n % 3)
        assert producer.flush(60) == 0

    produce(0, 300)
    group = Consumer({"bootstrap.servers": at, "group.id": topic, "enable.auto.commit": False})

    def stands():
        try:
            return group.commit(offsets=[TopicPartition(topic, n, 100) for n in range(3)], asynchronous=False)
        except KafkaException as error:
            assert error.args[0].code() == KafkaError.NOT_COORDINATOR, error  # a Kafka that makes its topic of offsets now
            return None

    wait_for(stands, "the group's offsets at the source")
    # The setting has to bear the target's name: without it, MirrorMaker passes it over.
    with mirror_maker(libs, tmp_path, at, at, topic, a, b, **{f"{b}.exactly.once.source.support": "enabled"}) as mirror:
        copy = Reader(at, f"{a}.{topic}", 3, "read_committed")
        mirror.until(lambda: copy.has(300), "300 records")
        last = {record.partition(): record.offset() for record in copy.records}
        assert all(copy.consumer.get_watermark_offsets(place)[1] > 100 for place in copy.places), "there are no markers"

        def translated():
            return {place.partition: place.offset - 1 for place in group.committed(copy.places, 60)} == last

        mirror.until(translated, "the group's offsets")
        produce(300, 450)
        mirror.until(lambda: copy.has(450), "450 records")
        group.assign(group.committed(copy.places, 60))
        more = []
        mirror.until(lambda: more.extend(m for m in group.consume(100, 0.1) if not m.error()) or len(more) >= 150, "150 records")
    assert sorted(int(value) for value in copy.values()) == list(range(450))
    assert sorted(int(m.value()) for m in more) == list(range(300, 450))
    for consumer in (copy.consumer, group):
        consumer.close()
