"""A disk that fills up under load: writers get an error they may retry, what was acknowledged stays readable, and when
there is space again everything acknowledged is there and writes go on, without a repair."""
import struct
import subprocess

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, OFFSET_BEGINNING, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from conftest import wait_for
from raw import (assert_soon, assert_well, connect, cql_call, cql_connect, cql_error, cql_query, http_is_well, kafka_batch,
                 kafka_call, kafka_create, kafka_fetch_body, kafka_produce_body)

KAFKA_STORAGE_ERROR = 56
CQL_RETRY = (0x0000, 0x1001, 0x1100)  # server error, overloaded, write timeout: drivers may try again
VALUE_BYTES = 100000


class Disk:
    """A small file system of its own."""

    def __init__(self, path):
        self.path = path
        path.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(path)], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"cannot mount a small file system here: {done.stderr.strip()}")

    def resize(self, size):
        subprocess.run(["mount", "-o", f"remount,size={size}", str(self.path)], check=True)

    def free(self):
        subprocess.run(["umount", "-l", str(self.path)], check=True)


@pytest.fixture
def disk(tmp_path):
    one = Disk(tmp_path / "data")
    yield one
    one.free()


def value(number):
    head = b"value %d " % number
    return head + b"." * (VALUE_BYTES - len(head))


def produce(sock, number):
    """(error code, offset) of one record to `full`."""
    answer = kafka_call(sock, 0, 3, kafka_produce_body("full", kafka_batch(value(number))))
    _, code, offset = struct.unpack(">ihq", answer[14:28])
    return code, offset


def fetch_one(sock, offset):
    return kafka_call(sock, 1, 4, kafka_fetch_body("full", offset, 100, 1))


def assert_all_there(weir, acked):
    with connect(weir, "kafka") as sock:
        for offset, number in acked.items():
            assert b"value %d " % number in fetch_one(sock, offset), f"acknowledged record {number} is gone"


def fill_kafka(sock, acked, start=0):
    """Produces until refused; the code of the refusal."""
    for number in range(start, start + 5000):
        code, offset = produce(sock, number)
        if code:
            return code
        acked[offset] = number
    raise AssertionError("the disk never filled")


def test_a_full_disk_refuses_produces_and_keeps_what_was_acknowledged(start_weir, empty_project, disk):
    weir = start_weir(empty_project)
    acked = {}
    with connect(weir, "kafka") as sock:
        kafka_create(sock, "full")
        assert fill_kafka(sock, acked) == KAFKA_STORAGE_ERROR
        assert len(acked) > 20
        for _ in range(5):
            assert produce(sock, 99999)[0] == KAFKA_STORAGE_ERROR, "still refused, still answered"
        assert_all_there(weir, acked)
        assert_soon(lambda: http_is_well(weir, "console"), "the console")
        disk.resize("400m")
        code, offset = wait_for(lambda: [r for r in [produce(sock, 77777)] if r[0] == 0], "writes to go on")[0]
        acked[offset] = 77777
        assert_all_there(weir, acked)
    weir.kill()
    weir.start()
    assert_all_there(weir, acked)
    assert_well(weir, "after the disk had been full")


def test_a_full_disk_and_kill_9_lose_nothing_acknowledged(start_weir, empty_project, disk):
    weir = start_weir(empty_project)
    acked = {}
    with connect(weir, "kafka") as sock:
        kafka_create(sock, "full")
        assert fill_kafka(sock, acked) == KAFKA_STORAGE_ERROR
    weir.kill()
    disk.resize("400m")
    weir.start()
    assert_all_there(weir, acked)
    with connect(weir, "kafka") as sock:
        assert produce(sock, 88888)[0] == 0
    assert_well(weir, "after the disk had been full")


def keyed(weir, pairs, time):
    """One batch to `keys`, at a time of its own, so that segment.ms ends the segment before it."""
    producer = Producer({"bootstrap.servers": weir.at["kafka"], "linger.ms": 50})
    for key, data in pairs:
        producer.produce("keys", key=key, value=data, partition=0, timestamp=time)
    assert producer.flush(60) == 0


def keys_left(weir):
    consumer = Consumer({"bootstrap.servers": weir.at["kafka"], "group.id": "disk", "enable.partition.eof": True})
    consumer.assign([TopicPartition("keys", 0, OFFSET_BEGINNING)])
    found = []
    while True:
        message = consumer.poll(60)
        assert message is not None
        if message.error():
            assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
            consumer.close()
            return found
        found.append((message.key(), message.value()))


def test_a_full_disk_refuses_new_topics_and_holds_compaction_back(start_weir, empty_project, disk):
    weir = start_weir(empty_project)
    admin = AdminClient({"bootstrap.servers": weir.at["kafka"]})

    def create(name, **config):
        admin.create_topics([NewTopic(name, 1, 1, config=config)])[name].result(60)

    create("keys", **{"cleanup.policy": "compact", "segment.ms": "1000", "min.cleanable.dirty.ratio": "0.01"})
    acked = {}
    create("full")
    with connect(weir, "kafka") as sock:
        assert fill_kafka(sock, acked) == KAFKA_STORAGE_ERROR
        ballast = disk.path / "ballast"
        with open(ballast, "wb", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while file.write(b"x" * size):
                        pass
                except OSError:
                    pass
        with pytest.raises(KafkaException) as refused:
            create("new")
        assert refused.value.args[0].code() == KAFKA_STORAGE_ERROR
        assert "new" not in admin.list_topics(timeout=60).topics
        assert_all_there(weir, acked)
        ballast.unlink()
        disk.resize("44m")  # enough to write a little, not enough to compact
        for number in range(12):
            keyed(weir, [("a", str(number)), ("k%d" % number, "1")], 1700000000000 + 2000 * number)
        wait_for(lambda: "cannot compact" in weir.log.read_text(), "compaction to be held back", 120)
        assert len(keys_left(weir)) == 24
        disk.resize("400m")
        create("new")
        wait_for(lambda: len(keys_left(weir)) == 14, "compaction to go on", 120)  # two of a: one is in the last segment
        assert produce(sock, 77777)[0] == 0
    weir.kill()
    weir.start()
    assert_all_there(weir, acked)
    assert [data for key, data in keys_left(weir) if key == b"a"][-1] == b"11"
    assert_well(weir, "after the disk had been full")


def insert(sock, number):
    return cql_call(sock, 7, cql_query(f"INSERT INTO k.filled (id, value) VALUES ({number}, '{value(number).decode()}')"))


def assert_rows_there(weir, acked):
    with cql_connect(weir) as sock:
        for number in acked:
            opcode, body = cql_call(sock, 7, cql_query(f"SELECT value FROM k.filled WHERE id = {number}"))
            assert opcode == 8 and b"value %d " % number in body, f"acknowledged row {number} is gone: {body[:100]!r}"


def make_table(sock):
    for text in ("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
                 "CREATE TABLE k.filled (id int PRIMARY KEY, value text)"):
        opcode, body = cql_call(sock, 7, cql_query(text))
        assert opcode == 8, cql_error(body)


def test_a_full_disk_refuses_cql_writes_and_keeps_what_was_acknowledged(start_weir, empty_project, disk):
    weir = start_weir(empty_project)
    acked = []
    with cql_connect(weir) as sock:
        make_table(sock)
        for number in range(5000):
            opcode, body = insert(sock, number)
            if opcode == 0:
                break
            acked.append(number)
        assert opcode == 0 and len(acked) > 20
        code, words = cql_error(body)
        assert code in CQL_RETRY and "space" in words, (hex(code), words)
        assert_rows_there(weir, acked)
        assert_soon(lambda: http_is_well(weir, "console"), "the console")
    disk.resize("400m")

    def writes_again():
        with cql_connect(weir) as sock:
            return insert(sock, 77777)[0] == 8

    wait_for(writes_again, "writes to go on")
    acked.append(77777)
    assert_rows_there(weir, acked)
    weir.kill()
    weir.start()
    assert_rows_there(weir, acked)
    with cql_connect(weir) as sock:
        assert insert(sock, 88888)[0] == 8
    assert_well(weir, "after the disk had been full")


def test_a_weir_started_on_a_full_disk_says_so_or_serves_reads(start_weir, empty_project, disk):
    weir = start_weir(empty_project)
    acked = {}
    with connect(weir, "kafka") as sock:
        kafka_create(sock, "full")
        fill_kafka(sock, acked)
    weir.kill()
    (disk.path / "ballast").write_bytes(b"")
    with open(disk.path / "ballast", "wb", buffering=0) as ballast:
        try:
            while ballast.write(b"x" * 4096):
                pass
        except OSError:
            pass
    try:
        weir.start()
        assert_all_there(weir, acked)
        weir.kill()
    except AssertionError:
        assert weir.process.poll() == 1 and "space" in weir.log.read_text()[-1000:], weir.log.read_text()[-1000:]
    (disk.path / "ballast").unlink()
    disk.resize("400m")
    weir.start()
    assert_all_there(weir, acked)
