"""weir log check, dump and repair: beside a running weir, and on damaged files."""
import json
import pathlib
import subprocess

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from conftest import WEIR


def log(*words):
    return subprocess.run([str(WEIR), "log", *map(str, words)], capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A stopped weir's log with 500 records of a topic; `check` was clean while it ran."""
    from conftest import Weir
    folder = tmp_path_factory.mktemp("log")
    (folder / "project").mkdir()
    weir = Weir(folder / "project", folder / "data").start()
    producer = Producer({"bootstrap.servers": weir.at["kafka"], "enable.idempotence": True, "linger.ms": 60000,  # until ten or flush()
                         "batch.num.messages": 10, "compression.type": "lz4"})
    for number in range(500):
        producer.produce("orders", f"value {number} ✓".encode(), key=f"key {number}", headers={"h": b"\x01"})
        if number % 50 == 0:
            assert producer.flush(60) == 0
            running = log("check", "--data-dir", weir.data_dir, "--records")
            assert running.returncode == 0, running.stdout
    assert producer.flush(60) == 0
    weir.stop()
    return weir.data_dir


def segment(data_dir):
    return sorted((data_dir / "kafka" / "log" / "orders-0").glob("*.log"))[0]


def test_a_clean_log_is_clean_and_counted(written):
    done = log("check", written, "orders", "--json")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert told["findings"] == [] and told["records"] == 500 and told["partitions"] == 1
    assert "no damage" in log("check", "--data-dir", written).stdout


def test_dump_prints_batches_and_records_as_kafka_does(written):
    done = log("dump", "orders-0", "--data-dir", written, "--records")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Dumping ") and lines[1] == "Log starting offset: 0"
    assert lines[2].startswith("baseOffset: 0 lastOffset: ")
    batches = [line for line in lines if line.startswith("baseOffset: ")]
    assert any(" compresscodec: lz4 " in line for line in batches) and all(line.endswith("isvalid: true") for line in batches)
    records = [line for line in lines if line.startswith("| offset: ")]
    assert len(records) == 500
    assert records[7].startswith("| offset: 7 CreateTime: ")
    assert records[7].endswith("sequence: 7 headerKeys: [h] key: key 7 payload: value 7 ✓")


def test_dump_goes_from_an_offset_and_gives_json(written):
    batches = json.loads(log("dump", segment(written), "--offset", 250, "--count", 2, "--records", "--json").stdout)
    assert len(batches) == 2
    assert batches[0]["base_offset"] <= 250 <= batches[0]["last_offset"] < batches[1]["base_offset"]
    record = batches[0]["records"][0]
    assert record["value"] == f"value {record['offset']} ✓"
    assert record["headers"] == [{"key": "h", "value": "\\x01"}]


def test_dump_reads_an_index(written):
    index = segment(written).with_suffix(".index")
    entries = json.loads(log("dump", index, "--json").stdout)
    assert entries and all(entry["position"] >= 4096 for entry in entries)
    assert len(log("dump", index).stdout.splitlines()) == len(entries) + 1


def test_damage_is_told_with_its_place_and_exit_code_1(written, tmp_path):
    path = segment(written)
    whole = path.read_bytes()
    batches = json.loads(log("dump", path, "--json").stdout)
    hit = batches[3]
    path.write_bytes(whole[:hit["position"] + 80] + bytes([whole[hit["position"] + 80] ^ 1]) + whole[hit["position"] + 81:])
    try:
        done = log("check", "--data-dir", written, "orders-0")
        assert done.returncode == 1
        assert f"{path}, byte {hit['position']} (offset {hit['base_offset']} of orders-0): the checksum is " in done.stdout
        assert "readers find the checksum wrong" in done.stdout  # a clean stop: it is not read again
        assert "1 damaged places" in done.stdout
        dumped = log("dump", path, "--offset", hit["base_offset"], "--count", 1).stdout
        assert dumped.rstrip().endswith("isvalid: false")
    finally:
        path.write_bytes(whole)
    assert log("check", "--data-dir", written).returncode == 0


def test_repair_gives_up_what_is_missing_and_appends_go_on_behind_it(tmp_path):
    from conftest import Weir
    (tmp_path / "project").mkdir()
    one = Weir(tmp_path / "project", tmp_path / "data").start()

    def send(count, timeout_ms=60000):
        errors = []
        producer = Producer({"bootstrap.servers": one.at["kafka"], "message.timeout.ms": timeout_ms,
                             "enable.idempotence": True})  # sent again, it is there once all the same
        for number in range(count):
            producer.produce("orders", value=b"x" * 100, partition=0, on_delivery=lambda e, m: errors.append((e, m)))
            assert producer.flush(60) == 0
        return errors

    assert not any(error for error, _ in send(20))
    assert str(one.process.pid) in log("repair", "orders-0", "--data-dir", one.data_dir).stderr, "it holds the lock"
    one.stop()
    path = segment(one.data_dir)
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])
    (one.data_dir / "kafka" / "log" / "clean-stop").unlink()
    one.start()
    assert all(error for error, _ in send(1, 3000)), "appends are refused until somebody decides"
    one.stop()
    done = log("repair", "orders-0", "--data-dir", one.data_dir)
    assert done.returncode == 0 and "10 offsets have no record any more" in done.stdout, done.stdout + done.stderr
    assert log("check", "--data-dir", one.data_dir).returncode == 0
    one.start()
    assert [message.offset() for error, message in send(1) if not error] == [20]
    reader = Consumer({"bootstrap.servers": one.at["kafka"], "group.id": "r", "auto.offset.reset": "earliest"})
    reader.assign([TopicPartition("orders", 0, 0)])
    assert [message.offset() for message in reader.consume(11, 60)] == [*range(10), 20]
    reader.close()
    one.stop()
    assert "nothing to repair" in log("repair", "orders-0", "--data-dir", one.data_dir).stdout


def test_what_is_not_there_is_said(written, tmp_path):
    assert "no topic missing" in log("check", "--data-dir", written, "missing").stderr
    assert "no partition missing-3" in log("dump", "missing-3", "--data-dir", written).stderr
    assert "no log" in log("check", "--data-dir", tmp_path).stderr
    assert log("check", "--data-dir", tmp_path).returncode == 1
    assert log("dump").returncode == 2 and log("mend").returncode == 2
    assert "is not a .log" in log("dump", pathlib.Path(written) / "kafka" / "log" / "catalog").stderr
