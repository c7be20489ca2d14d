# SPDX-License-Identifier: Apache-2.0
"""The same batches to Apache Kafka 4.3.1 and to weir, both compact, and the same must be left: every batch that still
has records, with its header, and every record at its offset.

Segments end by segment.ms, which goes by the records' own times: each batch here is two seconds later than the one
before, so each begins a new segment in both brokers. A dirty ratio of 1 keeps the cleaners out until all is written.
"""
import gzip
import os
import random
import signal
import struct
import subprocess
import time

import lz4.frame
import pytest
import snappy

import records
from codec import Codec
from conftest import ROOT, Weir, wait_for
from pair import Peer

KAFKA_SETTINGS = ("log.cleaner.backoff.ms=200", "log.retention.check.interval.ms=500", "log.cleaner.threads=1")
PATIENCE_S = 180  # weir looks every 15 s
AHEAD_MS = 1200000  # of the clock, which gives the markers their time: no marker is late enough to begin a segment
HORIZON, TRANSACTIONAL = 1 << 6, 1 << 4
TOPIC = 2  # a kind of resource
CODECS = ("none", "gzip", "snappy", "lz4")
AGAIN = {3, 5, 6, 14, 15, 16, 51}  # a topic just made, a coordinator that loads, a transaction that still ends


@pytest.fixture(scope="module")
def peers(tmp_path_factory, empty_project):
    home = tmp_path_factory.mktemp("compaction")
    script = str(ROOT / "bench" / "peers" / "start_kafka.sh")
    with open(home / "start.log", "w") as log:
        subprocess.run([script, str(home / "kafka"), *KAFKA_SETTINGS], stdout=log, timeout=600, check=True)
    at, pid, _ = (home / "start.log").read_text().split()
    codec = Codec(ROOT / "build" / "peers" / "kafka" / "lib" / "kafka-clients-4.3.1.jar")
    weir = Weir(empty_project, home / "weir").start()
    yield {"kafka": Peer("kafka", at, codec), "weir": Peer("weir", weir.at["kafka"], codec)}
    weir.stop()
    os.kill(int(pid), signal.SIGTERM)


class Both:
    """One topic on both brokers, written to batch by batch: both get the same bytes but for the producer's id."""

    def __init__(self, peers, topic, **settings):
        self.peers, self.topic = peers, topic
        self.end_offset, self.changes = 0, 0
        self.time = int(time.time() * 1000) + AHEAD_MS
        config = {"cleanup.policy": "compact", "segment.ms": "1000", "min.cleanable.dirty.ratio": "1",
                  **{key.replace("_", "."): value for key, value in settings.items()}}
        self.ids = {}         # (peer, producer) -> its id and epoch
        self.sequences = {}   # producer -> the next sequence number
        for peer in peers.values():
            self.ask(peer, "CreateTopics", 7, dict(timeoutMs=60000, Topics=[dict(
                Name=topic, NumPartitions=1, ReplicationFactor=1, Configs=[dict(Name=k, Value=v) for k, v in config.items()])]),
                lambda a: a["Topics"][0]["ErrorCode"])

    def ask(self, peer, api, version, body, error):
        """The answer, once it is not "try again"."""
        found = []

        def settled():
            found[:] = [peer.call(api, version, body)]
            return error(found[0]) not in AGAIN

        wait_for(settled, "%s of %s" % (api, peer.name), PATIENCE_S)
        assert error(found[0]) == 0, (peer.name, api, found[0])
        return found[0]

    def identity(self, peer, producer, transactional=False):
        if (peer.name, producer) not in self.ids:
            if transactional:  # who looks for a coordinator has Kafka make its topic
                self.ask(peer, "FindCoordinator", 1, dict(Key=producer, KeyType=1), lambda a: a["ErrorCode"])
            answer = self.ask(peer, "InitProducerId", 4, dict(
                TransactionalId=producer if transactional else None, TransactionTimeoutMs=600000), lambda a: a["ErrorCode"])
            self.ids[peer.name, producer] = answer["ProducerId"], answer["ProducerEpoch"]
        return self.ids[peer.name, producer]

    def batch(self, pairs, codec="none", producer=None, transaction=None):
        """(key, value) pairs as one batch to each broker: of nobody, of an idempotent producer or of a transaction."""
        self.time += 2000
        who = transaction or producer
        sequence = self.sequences.get(who, 0) if who else -1
        payload = pack(codec, b"".join(
            records.record(i, key.encode(), value and value.encode(), [(b"h", key.encode())], delta=i)
            for i, (key, value) in enumerate(pairs)))
        for peer in self.peers.values():
            pid, epoch = self.identity(peer, who, bool(transaction)) if who else (-1, -1)
            if transaction:
                self.ask(peer, "AddPartitionsToTxn", 3, dict(
                    V3AndBelowTransactionalId=transaction, V3AndBelowProducerId=pid, V3AndBelowProducerEpoch=epoch,
                    V3AndBelowTopics=[dict(Name=self.topic, Partitions=[0])]),
                    lambda a: a["ResultsByTopicV3AndBelow"][0]["ResultsByPartition"][0]["PartitionErrorCode"])
            data = records.batch(payload=payload, attributes=CODECS.index(codec) | (TRANSACTIONAL if transaction else 0),
                                 pid=pid, epoch=epoch, sequence=sequence, time=self.time, max_time=self.time + len(pairs) - 1,
                                 count=len(pairs), last=len(pairs) - 1)
            answer = self.ask(peer, "Produce", 9, dict(
                TransactionalId=transaction, Acks=-1, TimeoutMs=60000,
                TopicData=[dict(Name=self.topic, PartitionData=[dict(Index=0, Records=data)])]),
                lambda a: a["Responses"][0]["PartitionResponses"][0]["ErrorCode"])
            assert answer["Responses"][0]["PartitionResponses"][0]["BaseOffset"] == self.end_offset, (peer.name, answer)
        if who:
            self.sequences[who] = sequence + len(pairs)
        self.end_offset += len(pairs)

    def end(self, commit, transaction):
        for peer in self.peers.values():
            pid, epoch = self.identity(peer, transaction)
            self.ask(peer, "EndTxn", 3, dict(TransactionalId=transaction, ProducerId=pid, ProducerEpoch=epoch, Committed=commit),
                     lambda a: a["ErrorCode"])
        self.end_offset += 1  # Kafka answers before the marker is written
        wait_for(lambda: all(self.fetch(name, 0)["HighWatermark"] == self.end_offset for name in self.peers),
                 "the marker", PATIENCE_S)

    def fetch(self, name, offset):
        answer = self.peers[name].call("Fetch", 11, {
            "ReplicaId": -1, "MaxWaitMs": 100, "MinBytes": 1, "MaxBytes": 50 << 20, "IsolationLevel": 0,
            "SessionId": 0, "SessionEpoch": -1, "Topics": [{"Topic": self.topic, "Partitions": [
                {"Partition": 0, "CurrentLeaderEpoch": -1, "FetchOffset": offset, "LogStartOffset": -1,
                 "PartitionMaxBytes": 50 << 20}]}], "ForgottenTopicsData": [], "RackId": ""})
        part = answer["Responses"][0]["Partitions"][0]
        assert part["ErrorCode"] == 0, part
        return part

    def set(self, peer, key, value):
        """Changed, and the broker has heard of it."""
        self.ask(peer, "IncrementalAlterConfigs", 1, dict(Resources=[dict(ResourceType=TOPIC, ResourceName=self.topic, Configs=[
            dict(Name=key, ConfigOperation=0, Value=value)])]), lambda a: a["Responses"][0]["ErrorCode"])
        peer.until("DescribeConfigs", 4, dict(Resources=[dict(ResourceType=TOPIC, ResourceName=self.topic, ConfigurationKeys=[key])]),
                   lambda a: float(a["Results"][0]["Configs"][0]["Value"]) == float(value))

    def clean_at(self, ratio):
        """In force on both. Kafka's broker takes one change after the other: one that means nothing (nothing is deleted here by
        age) is heard of when the one before it has reached the log."""
        self.changes += 1
        for peer in self.peers.values():
            self.set(peer, "min.cleanable.dirty.ratio", ratio)
            self.set(peer, "retention.ms", str(10 ** 9 + self.changes))

    def all(self, name):
        """All batches, also those that lost their records."""
        offset, found = 0, []
        while True:
            batches = records.headers(self.fetch(name, offset)["Records"] or b"")
            found += batches
            if not batches:
                return found
            offset = batches[-1]["base"] + batches[-1]["last"] + 1

    def left(self, name):
        """All batches that have records: header and records."""
        return [one for one in self.all(name) if one["count"]]

    def pass_horizons(self):
        """What waits for its time to go may go."""
        last = max([one["time"] for name in self.peers for one in self.all(name) if one["attributes"] & HORIZON], default=0)
        wait_for(lambda: time.time() * 1000 > last + 1, "the last horizon")

    def wait(self, what, settled):
        """Lets the cleaners in until both have left the same, and `settled` of that."""
        self.clean_at("0.01")
        end = time.monotonic() + PATIENCE_S
        while True:
            kafka = [shown(one) for one in self.left("kafka")]
            weir = [shown(one) for one in self.left("weir")]
            if kafka == weir and settled(kafka):
                self.clean_at("1")
                return kafka
            assert time.monotonic() < end, "%s:\nkafka %s\nweir  %s" % (what, kafka, weir)
            time.sleep(0.5)


def shown(one):
    """A batch without what each broker chose itself: producer ids, epochs, and the moment of a horizon."""
    horizon = one["attributes"] & HORIZON
    plain = payload(one)
    times = [one["time"] + delta for delta, *_ in plain]
    if one["attributes"] & 0x20:  # a marker has the time of its coordinator
        times, plain = [], [(0, offset, key, b"", []) for _, offset, key, _, _ in plain]
    return (one["base"], one["base"] + one["last"], one["attributes"], bool(horizon), one["sequence"], tuple(times),
            tuple((one["base"] + offset, key, value, tuple(headers)) for _, offset, key, value, headers in plain))


def unvarint(data, at):
    shift = value = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at


def pack(codec, data):
    if codec == "gzip":
        return gzip.compress(data, mtime=0)
    if codec == "snappy":
        return snappy.compress(data)
    if codec == "lz4":
        return lz4.frame.compress(data, block_linked=False)  # Kafka takes no others
    return data


def unpack(codec, data):
    if codec == 1:
        return gzip.decompress(data)
    if codec == 2:
        if data[:8] != b"\x82SNAPPY\x00":
            return snappy.decompress(data)
        at, out = 16, b""
        while at < len(data):
            size = struct.unpack_from(">i", data, at)[0]
            out += snappy.decompress(data[at + 4:at + 4 + size])
            at += 4 + size
        return out
    if codec == 3:
        return lz4.frame.decompress(data)
    return data


def payload(one):
    """(time delta, offset delta, key, value, headers) of each record."""
    data, at, out = unpack(one["attributes"] & 7, one["payload"]), 0, []

    def block(at):
        size, at = unvarint(data, at)
        return (None, at) if size < 0 else (data[at:at + size], at + size)

    for _ in range(one["count"]):
        size, at = unvarint(data, at)
        end = at + size
        delta, at = unvarint(data, at + 1)
        offset, at = unvarint(data, at)
        key, at = block(at)
        value, at = block(at)
        count, at = unvarint(data, at)
        headers = []
        for _ in range(count):
            name, at = block(at)
            value_of, at = block(at)
            headers.append((name, value_of))
        assert at == end
        out.append((delta, offset, key, value, headers))
    return out


def keys_left(batches):
    return [key for *_, found in batches for _, key, *_ in found]


def test_the_same_records_stay_of_random_keys_and_codecs(peers):
    rng = random.Random(4)
    both = Both(peers, "keys")
    written = 0
    for number in range(40):
        pairs = [("k%d" % rng.randrange(60), None if rng.random() < 0.15 else "v%d.%d" % (number, i) * rng.randrange(1, 30))
                 for i in range(rng.randrange(1, 25))]
        written += len(pairs)
        both.batch(pairs, rng.choice(CODECS), producer=rng.choice((None, "p1", "p2")))
    both.batch([("end", "1")])
    found = both.wait("random keys", lambda found: len(keys_left(found)) == len(set(keys_left(found))))
    assert len(set(keys_left(found))) > 40 and written > 300
    # Once more: what was cleaned before is cleaned again with what is new.
    for number in range(10):
        both.batch([("k%d" % rng.randrange(60), "again") for _ in range(10)], "gzip")
    both.batch([("end", "2")])
    both.wait("random keys again", lambda found: len(keys_left(found)) <= 62 and b"end" in keys_left(found))


def test_tombstones_get_a_horizon_and_go(peers):
    both = Both(peers, "tombstones", delete_retention_ms="1000")
    for number in range(5):
        both.batch([("a%d" % number, "1"), ("b", str(number))])
    both.batch([("a1", None), ("a2", None), ("c", "1")])
    both.batch([("x", "1")])
    found = both.wait("tombstones are kept", lambda found: any(horizon for _, _, _, horizon, *_ in found))
    assert b"a1" in keys_left(found)
    both.pass_horizons()
    both.batch([("y", "1")])
    both.batch([("z", "1")])
    found = both.wait("tombstones go", lambda found: b"a1" not in keys_left(found))
    assert b"c" in keys_left(found)


def test_aborted_data_and_markers(peers):
    both = Both(peers, "transactions", delete_retention_ms="1000")
    both.batch([("a", "1"), ("b", "1")])
    both.batch([("a", "aborted"), ("c", "aborted")], transaction="t1")
    both.end(False, "t1")
    both.batch([("a", "2"), ("d", "1")], transaction="t2")
    both.batch([("b", "aborted")], transaction="t1")
    both.end(True, "t2")
    both.batch([("d", "aborted")], transaction="t1")
    both.end(False, "t1")
    both.batch([("e", "1")], transaction="t2")
    both.end(True, "t2")
    both.batch([("x", "1")])
    both.batch([("x", "2")])

    def values(found):
        return {key: value for _, _, attributes, *_, all_of in found for _, key, value, _ in all_of if not attributes & 0x20}

    found = both.wait("aborted data goes", lambda found: b"c" not in keys_left(found))
    assert values(found)[b"a"] == b"2" and values(found)[b"b"] == b"1" and values(found)[b"d"] == b"1"
    markers = [one for one in found if one[2] & 0x20]
    assert markers
    for number in range(3):
        both.pass_horizons()
        both.batch([("x", "again")])
        both.batch([("x", "and again")])
        # The last of all is in the segment that is written, the one before it stays as the newest of its key below.
        found = both.wait("markers, round %d" % number, lambda found: keys_left(found).count(b"x") == 2)
    assert len([one for one in found if one[2] & 0x20]) < len(markers)
