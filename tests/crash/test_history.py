"""Many clients of every kind while they and weir are paused and killed; what all of them saw is checked afterwards."""
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

import history
SECONDS = int(os.environ.get("HISTORY_SECONDS", "25"))
SEED = int(os.environ.get("HISTORY_SEED", str(random.randrange(1 << 30))))
WORKER = pathlib.Path(__file__).parent / "worker.py"
KINDS = ["plain", "idempotent", "idempotent", "transactional", "transactional", "group", "group", "group-committed",
         "assigned", "assigned-committed"]


class Worker:
    def __init__(self, kind, index, brokers, folder):
        self.kind, self.index, self.brokers, self.folder = kind, index, brokers, folder
        self.life, self.process = 0, None

    def start(self):
        self.life += 1
        name = f"{self.kind}-{self.index}#{self.life}"
        events = self.folder / f"{name}.jsonl"
        events.touch()
        self.process = subprocess.Popen([sys.executable, str(WORKER), self.kind, name, self.brokers, str(events),
                                         f"{SEED}-{name}"], stderr=open(self.folder / f"{name}.err", "wb"))

    def kill(self):
        self.process.kill()
        self.process.wait(60)

    def pause(self, seconds):
        self.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)  # the length of the pause is the input of this test
        self.process.send_signal(signal.SIGCONT)


def events_of(folder):
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                pass  # the last line of one that was killed
    return sorted(found, key=lambda event: event["at"])


AT_LEAST = {"acked": 101, "read": 101, "committed": 6, "aborted": 1}


def counts(events):
    return {op: sum(event["op"] == op for event in events) for op in (*AT_LEAST, "failed")}


def is_enough(folder):
    """Has enough happened? On a slow machine, or by a dull chance, that takes longer."""
    count = counts(events_of(folder))
    return all(count[op] >= least for op, least in AT_LEAST.items())


def read_log(brokers, committed):
    reader = Consumer({"bootstrap.servers": brokers, "group.id": "check", "enable.auto.commit": False,
                       "isolation.level": "read_committed" if committed else "read_uncommitted",
                       "enable.partition.eof": True})
    log = {}
    for partition in range(3):
        reader.assign([TopicPartition("history", partition, 0)])
        records, end = log.setdefault(partition, {}), time.monotonic() + 60
        while time.monotonic() < end:
            message = reader.poll(1.0)
            if message is not None and not message.error():
                records[message.offset()] = json.loads(message.value())
            elif message is not None:
                assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                break
        else:
            pytest.fail("the log could not be read to its end")
    reader.close()
    return log


def disturb(chance, weir, workers):
    """One thing that goes wrong."""
    worker = chance.choice(workers)
    weir.must_run()
    if worker.process.poll() is not None:
        worker.start()
    elif chance.random() < 0.25:
        weir.kill()
        weir.start()
    elif chance.random() < 0.4:
        worker.kill()
        worker.start()
    else:
        worker.pause(chance.uniform(0.05, 1.5))
    time.sleep(chance.uniform(0.05, 0.8))  # so is the time between


@pytest.fixture
def start_worker():
    """start_worker(kind, index, brokers, folder) -> a running Worker; none outlives the test."""
    running = []

    def start(*about):
        running.append(Worker(*about))
        running[-1].start()
        return running[-1]

    yield start
    for worker in running:
        if worker.process.poll() is None:
            worker.kill()


def test_a_history_of_pauses_kills_and_restarts_breaks_no_promise(start_weir, start_worker, tmp_path):
    print(f"HISTORY_SEED={SEED}")
    chance = random.Random(SEED)
    folder = tmp_path / "events"
    folder.mkdir()
    (tmp_path / "project").mkdir()
    weir = start_weir(tmp_path / "project")
    brokers = weir.at["kafka"]
    admin = AdminClient({"bootstrap.servers": brokers})
    creation = admin.create_topics([NewTopic("history", 3, config={"segment.bytes": "1048576"})])["history"]
    try:
        creation.result(60)
    finally:
        weir.must_run()
    workers = [start_worker(kind, index, brokers, folder) for index, kind in enumerate(KINDS)]
    end = time.monotonic() + SECONDS
    while time.monotonic() < end or not is_enough(folder) and time.monotonic() < end + 120:
        disturb(chance, weir, workers)
    for worker in workers:
        worker.process.send_signal(signal.SIGTERM)
    for worker in workers:
        try:
            worker.process.wait(90)
        except subprocess.TimeoutExpired:
            worker.kill()
            pytest.fail(f"{worker.kind}-{worker.index}#{worker.life} does not end")
    # What was killed in a transaction is ended by its timeout, or here by the one who takes its name.
    for index, kind in enumerate(KINDS):
        if kind == "transactional":
            Producer({"bootstrap.servers": brokers, "transactional.id": f"{kind}-{index}"}).init_transactions(60)
    log = {"all": read_log(brokers, False), "committed": read_log(brokers, True)}
    events = events_of(folder)
    count = counts(events)
    print(count, {kind: sum(event["kind"] == kind for event in events) for kind in sorted(set(KINDS))})
    assert all(count[op] >= least for op, least in AT_LEAST.items())
    broken = history.check(events, log)
    assert not broken, "\n".join(broken[:20])


def made(**changes):
    """A history in which everything is right, and what `changes` does to it."""
    p, t = "idempotent-0#1", "transactional-1#1"
    log = {0: {0: [p, 0, 0, None], 1: [t, 0, 0, 1], 3: [t, 0, 1, 2], 5: [p, 0, 1, None]}}
    committed = {0: {offset: value for offset, value in log[0].items() if offset != 3}}
    events = []

    def add(op, by, **fields):
        events.append({"op": op, "by": by, "kind": by.split("#")[0].rsplit("-", 1)[0], "at": len(events), **fields})

    for by, number, txn, offset in ((p, 0, None, 0), (t, 0, 1, 1)):
        add("send", by, partition=0, n=number, txn=txn)
        add("acked", by, partition=0, n=number, txn=txn, offset=offset)
    add("commit", t, txn=1)
    add("committed", t, txn=1)
    add("acked", t, partition=0, n=1, txn=2, offset=3)
    add("abort", t, txn=2)
    add("aborted", t, txn=2)
    add("acked", p, partition=0, n=1, txn=None, offset=5)
    for reader, offsets in (("assigned-2#1", (0, 1, 3, 5)), ("assigned-committed-3#1", (0, 1, 5))):
        add("assigned", reader, partition=0, offset=0)
        for offset in offsets:
            add("read", reader, partition=0, offset=offset, value=log[0][offset])
    add("committed", "group-4#1", partition=0, offset=2)
    add("assigned", "group-5#1", partition=0, offset=2, asked=len(events))
    world = {"events": events, "log": {"all": log, "committed": committed}}
    for change in changes.values():
        change(world)
    return history.check(world["events"], world["log"])


def read_of(world, reader, offset):
    return next(e for e in world["events"] if e["op"] == "read" and e["by"].startswith(reader) and e["offset"] == offset)


BROKEN = {
    "lost: ['idempotent-0#1', 0, 1": lambda w: w["log"]["all"][0].pop(5),
    "doubled: idempotent-0#1's 1": lambda w: w["log"]["all"][0].update({6: w["log"]["all"][0][5]}),
    "reordered: idempotent-0#1's 0": lambda w: w["log"]["all"][0].update({0: w["log"]["all"][0][5], 5: w["log"]["all"][0][0]}),
    "changed: assigned-2#1 read": lambda w: read_of(w, "assigned-2", 1).update(value=["other", 0, 9, None]),
    "torn: 1 of the 2": lambda w: w["events"].append({**w["events"][3], "n": 5, "offset": 1}),
    "lost: transaction ('transactional-1#1', 1)": lambda w: w["log"]["committed"][0].pop(1),
    "dirty: transaction ('transactional-1#1', 2)": lambda w: w["log"]["committed"][0].update({3: w["log"]["all"][0][3]}),
    "dirty: assigned-committed-3#1 read": lambda w: read_of(w, "assigned-committed-3", 5).update(
        offset=3, value=w["log"]["all"][0][3]),
    "back: assigned-2#1 read offset 0": lambda w: w["events"].append({**read_of(w, "assigned-2", 0), "at": 99}),
    "skipped: assigned-2#1 did not read offsets [1]": lambda w: w["events"].remove(read_of(w, "assigned-2", 1)),
    "back: group-4#1 committed 2": lambda w: w["events"][-1].update(offset=1),
}


def test_a_right_history_passes_the_check():
    assert made() == []


@pytest.mark.parametrize("words", BROKEN, ids=lambda words: words.split(":")[0])
def test_the_check_finds_each_broken_promise(words):
    found = made(change=BROKEN[words])
    assert any(sentence.startswith(words) for sentence in found), found
