# SPDX-License-Identifier: Apache-2.0
"""Records written, read, found by time, deleted."""
import gzip
import struct
import time
import zlib

import lz4.frame
import snappy
from allowed import OWN_WAY
from cases_topics import NOBODY, create
from codec import ZERO_ID
from pair import Var
from records import TIME, batch, legacy, record, text, varint

ONE = batch()


def produce(topic, records, acks=-1, partition=0, txn=None, timeout=30000):
    """A body for every version: since 13 topics go by id."""
    topic_id = topic if isinstance(topic, (Var, bytes)) else Var("id of " + topic)
    name = topic if isinstance(topic, str) else "x"
    return dict(TransactionalId=txn, Acks=acks, TimeoutMs=timeout, TopicData=[dict(
        Name=name, TopicId=topic_id, PartitionData=[dict(Index=partition, Records=records)])])


def fetch(topic, offset=0, partition=0, wait=0, least=0, most=1 << 26, part_most=1 << 25, isolation=0, epoch=-1, session=0,
          session_epoch=-1, **more):
    topic_id = topic if isinstance(topic, (Var, bytes)) else Var("id of " + topic)
    asked = dict(Partition=partition, FetchOffset=offset, PartitionMaxBytes=part_most, CurrentLeaderEpoch=epoch)
    return dict(dict(ReplicaId=-1, MaxWaitMs=wait, MinBytes=least, MaxBytes=most, IsolationLevel=isolation, SessionId=session,
                     SessionEpoch=session_epoch, Topics=[dict(Topic=topic if isinstance(topic, str) else "x", TopicId=topic_id,
                                                              Partitions=[asked])]), **more)


def case_produce(d):
    create(d, "put", 3)
    good = {
        "one record": ONE,
        "three records": batch([(b"a", b"1"), (None, b"2"), (b"c", None)]),
        "headers": batch([(b"k", b"v", [(b"h", b"x"), (b"", None)])]),
        "gzip": batch([(b"a", b"1"), (b"b", b"2")], codec=1),
        "leader epoch of the client": batch(leader_epoch=5),
        "timestamps out of order": batch([(b"a", b"1")] * 3, record_times=[5, 0, 9]),
        "timestamp 0": batch(time=0),
        "timestamp -1": batch(time=-1, max_time=-1),
    }
    for v in d.versions("Produce", 3):
        for note, records in good.items():
            for acks in (-1, 1):
                d.same("Produce", v, produce("put", records, acks), note=note + " acks=%d" % acks)
    d.same("Fetch", 12, fetch("put"), note="all that was produced")


def xerial(*blocks, version=1, compatible=1):
    return b"\x82SNAPPY\0" + struct.pack(">ii", version, compatible) + b"".join(
        struct.pack(">i", len(block)) + block for block in blocks)


def zstd(data):
    """A frame of one raw block: magic, a single segment with one byte of size, the last block."""
    return struct.pack("<IBB", 0xFD2FB528, 0x20, len(data)) + struct.pack("<I", len(data) << 3 | 1)[:3] + data


def case_produce_packed(d):
    """Records packed in every way a library can, and in some it should not."""
    count = 40
    plain = b"".join(record(i, b"key %d" % i, b"some text " * 20) for i in range(count))
    large = b"".join(record(i, b"key %d" % i, b"%d" % i * 50000) for i in range(count))
    two = record(0) + record(1)
    half, frame = len(plain) // 2, zstd(two)
    small, bare = lz4.frame.compress(plain, block_linked=False), snappy.compress(plain)
    zipped = gzip.compress(plain, mtime=0)
    deflated = zlib.compressobj(9, zlib.DEFLATED, -15)
    raw = deflated.compress(plain) + deflated.flush()
    ways = {
        "gzip": (1, zipped),
        "gzip level 0": (1, gzip.compress(plain, 0, mtime=0)),
        "gzip with a name": (1, b"\x1f\x8b\x08\x08\0\0\0\0\0\x03name\0" + zipped[10:]),
        "gzip with a checked header": (1, (lambda head: head + struct.pack("<H", zlib.crc32(head) & 0xFFFF) + zipped[10:])(
            b"\x1f\x8b\x08\x02\0\0\0\0\0\x03")),
        "gzip with a wrongly checked header": (1, b"\x1f\x8b\x08\x02\0\0\0\0\0\x03xx" + zipped[10:]),
        "gzip in two members": (1, gzip.compress(plain[:half], mtime=0) + gzip.compress(plain[half:], mtime=0)),
        "gzip with bytes behind": (1, zipped + b"rest"),
        "gzip without its checksum": (1, zipped[:-8]),
        "gzip with a wrong checksum": (1, zipped[:-8] + b"abcd" + zipped[-4:]),
        "gzip with a wrong length": (1, zipped[:-4] + b"abcd"),
        "gzip cut": (1, zipped[:-20]),
        "zlib": (1, zlib.compress(plain)),
        "deflate": (1, raw),
        "snappy, bare": (2, bare),
        "snappy, framed": (2, xerial(snappy.compress(plain[:half]), snappy.compress(plain[half:]))),
        "snappy, framed, two frames": (2, xerial(snappy.compress(plain[:half])) + xerial(snappy.compress(plain[half:]))),
        "snappy, framed, an empty block": (2, xerial(snappy.compress(b""), bare)),
        "snappy, framed, version 2": (2, xerial(bare, version=2)),
        "snappy, framed, version 0": (2, xerial(bare, version=0, compatible=0)),
        "snappy, framed, only for version 2": (2, xerial(bare, version=2, compatible=2)),
        "snappy, framed, cut": (2, xerial(bare)[:-5]),
        "snappy, framed, bytes behind": (2, xerial(bare) + b"rs"),
        "snappy, bare, cut": (2, bare[:-5]),
        "snappy, bare, bytes behind": (2, bare + b"rest"),
        "snappy, the standard's frame": (2, snappy.StreamCompressor().compress(plain)),
        "lz4": (3, small),
        "lz4 large": (3, lz4.frame.compress(large, block_linked=False, block_size=lz4.frame.BLOCKSIZE_MAX64KB)),
        "lz4 large, blocks of 4 MB": (3, lz4.frame.compress(large, block_linked=False, block_size=lz4.frame.BLOCKSIZE_MAX4MB)),
        "lz4, linked blocks": (3, lz4.frame.compress(plain)),
        "lz4 large, linked blocks": (3, lz4.frame.compress(large, block_size=lz4.frame.BLOCKSIZE_MAX64KB)),
        "lz4, no size": (3, lz4.frame.compress(plain, block_linked=False, store_size=False)),
        "lz4, checked content": (3, lz4.frame.compress(plain, block_linked=False, content_checksum=True)),
        "lz4, checked blocks": (3, lz4.frame.compress(plain, block_linked=False, block_checksum=True)),
        "lz4, wrongly checked content": (3, lz4.frame.compress(plain, block_linked=False, content_checksum=True)[:-4] + b"abcd"),
        "lz4, wrongly checked header": (3, small[:14] + bytes([small[14] ^ 1]) + small[15:]),
        "lz4, two frames": (3, lz4.frame.compress(plain[:half], block_linked=False) + lz4.frame.compress(plain[half:], block_linked=False)),
        "lz4, bytes behind": (3, small + b"rest"),
        "lz4, no end": (3, small[:-4]),
        "lz4, cut": (3, small[:-9]),
        "lz4, a skipped frame first": (3, struct.pack("<II", 0x184D2A50, 4) + b"skip" + small),
        "zstd": (4, frame),
        "zstd, two frames": (4, zstd(two[:9]) + zstd(two[9:])),
        "zstd, bytes behind": (4, frame + b"rest"),
        "zstd, cut": (4, frame[:-3]),
        "zstd, a skipped frame first": (4, struct.pack("<II", 0x184D2A50, 4) + b"skip" + frame),
        "zstd, a skipped frame last": (4, frame + struct.pack("<II", 0x184D2A50, 4) + b"skip"),
    }
    for number, (note, (codec, payload)) in enumerate(ways.items()):
        create(d, "packed-%d" % number)
        many = 2 if codec == 4 else count
        data = batch(payload=payload, attributes=codec, count=many, last=many - 1, max_time=TIME)
        d.same("Produce", 9, produce("packed-%d" % number, data), note=note)
        d.same("Fetch", 12, fetch("packed-%d" % number), note=note)
    d.same("DeleteTopics", 5, dict(TopicNames=["packed-%d" % number for number in range(len(ways))], TimeoutMs=60000))


def case_produce_records(d):
    """What a record says of itself, as it is and packed."""
    def body(*parts):
        return varint(len(b"".join(parts))) + b"".join(parts)

    key, value, none = text(b"k"), text(b"v"), varint(0)
    start = b"\0" + varint(0) + varint(0)
    good = record(0)
    ways = {
        "attributes 1": (1, body(b"\1" + varint(0) + varint(0), key, value, none)),
        "attributes 255": (1, body(b"\xff" + varint(0) + varint(0), key, value, none)),
        "nothing in it": (1, varint(0)),
        "only attributes": (1, body(b"\0")),
        "a negative length": (1, varint(-1) + good[1:]),
        "a length of 2 GB": (1, varint(0x7FFFFFFF) + good[1:]),
        "an overlong length": (1, bytes([good[0] | 0x80, 0x80, 0x80, 0]) + good[1:]),
        "a length that never ends": (1, b"\xff" * 12),
        "a length short by one": (1, varint(len(good) - 2) + good[1:]),
        "key of -2": (1, body(start, varint(-2), value, none)),
        "key beyond the record": (1, body(start, varint(100) + b"k", value, none)),
        "value of -2": (1, body(start, key, varint(-2), none)),
        "value beyond the record": (1, body(start, key, varint(100) + b"v", none)),
        "no value": (1, body(start, key, varint(-1), none)),
        "no header count": (1, body(start, key, value)),
        "header count -1": (1, body(start, key, value, varint(-1))),
        "header count beyond the record": (1, body(start, key, value, varint(50))),
        "a header without a key": (1, body(start, key, value, varint(1), varint(-1), text(b"v"))),
        "a header without a value": (1, body(start, key, value, varint(1), text(b"h"), varint(-1))),
        "a header of -2": (1, body(start, key, value, varint(1), text(b"h"), varint(-2))),
        "a header that is no UTF-8": (1, body(start, key, value, varint(1), text(b"\xff\xfe"), text(b"v"))),
        "bytes behind the headers": (1, body(start, key, value, none, b"zz")),
        "a header behind the headers": (1, body(start, key, value, none, text(b"h"), text(b"v"))),
        "a header without a key behind the headers": (1, body(start, key, value, none, varint(-1), varint(0))),
        "two headers of a name": (1, body(start, key, value, varint(2), text(b"h"), text(b"1"), text(b"h"), text(b"2"))),
        "a time before": (1, body(b"\0" + varint(-5) + varint(0), key, value, none)),
        "a time far behind": (1, body(b"\0" + varint(1 << 50) + varint(0), key, value, none)),
        "a time that overflows": (1, body(b"\0" + varint((1 << 63) - 1) + varint(0), key, value, none)),
        "its offset 1": (1, body(b"\0" + varint(0) + varint(1), key, value, none)),
        "its offset -1": (1, body(b"\0" + varint(0) + varint(-1), key, value, none)),
        "its offset 2^31": (1, body(b"\0" + varint(0) + varint(1 << 31), key, value, none)),
        "offsets out of order": (2, record(1) + record(0)),
        "one record too many": (1, record(0) + record(1)),
        "one record too few": (3, record(0) + record(1)),
        "a byte behind the records": (1, good + b"\0"),
        "none at all": (1, b""),
    }
    for codec in (0, 1):
        for number, (note, (count, payload)) in enumerate(ways.items()):
            name = "record-%d-%d" % (codec, number)
            create(d, name)
            note += ", packed" if codec else ""
            d.same("Produce", 9, produce(name, batch(payload=payload, codec=codec, count=count, last=count - 1, max_time=TIME)),
                   note=note)
            d.same("Fetch", 12, fetch(name), note=note)
            d.same("DeleteTopics", 5, dict(TopicNames=[name], TimeoutMs=60000))


def case_produce_refused(d):
    create(d, "put-bad", 3)
    create(d, "put-odd")
    create(d, "put-compact", 1, [("cleanup.policy", "compact")])
    create(d, "put-small", 1, [("max.message.bytes", "200")])
    now = int(time.time() * 1000)
    bad = {  # null records are not here: Kafka never answers them
        "no bytes": b"",
        "61 zeros": bytes(61),
        "a few bytes": ONE[:20],
        "cut": ONE[:-1],
        "one byte more": ONE + b"x",
        "two batches": ONE + ONE,
        "bad crc": batch(bad_crc=True),
        "base offset": batch(base=77),
        "format 0": legacy(0),
        "format 1": legacy(1),
        "format 3": batch(magic=3),
        "no records": batch([]),
        "count too small": batch([(b"a", b"1"), (b"b", b"2")], count=1),
        "count too large": batch(count=2),
        "last offset too large": batch(last=5),
        "last offset negative": batch(last=-1),
        "count negative": batch(count=-1),
        "length too large": batch(length=5000),
        "length too small": batch(length=10),
        "length negative": batch(length=-5),
        "codec 5": batch(attributes=5),
        "codec 7": batch(attributes=7),
        "gzip of nothing": batch(attributes=1, payload=b""),
        "gzip of rubbish": batch(attributes=1, payload=b"rubbish"),
        "control": batch(attributes=0x20),
        "transactional": batch(attributes=0x10),
        "transactional with an id": batch(attributes=0x10, pid=1, epoch=0, sequence=0),
        "log append time": batch(attributes=8),
        "offsets from 1": batch(payload=record(0, offset=1)),
        "offsets repeat": batch([(b"a", b"1")] * 2, payload=record(0) + record(0)),
        "a record longer than the batch": batch(payload=b"\x7f" + record(0)[1:]),
        "negative header count": batch(payload=b"\x10\0\0\0\x02k\x02v\x01"),
        "bytes behind the records": batch(payload=record(0) + b"zz"),
        "far future": batch(time=now + 7200000),
        "producer epoch without id": batch(epoch=3),
        "id without sequence": batch(pid=5000, epoch=0, sequence=-1),
        "id without epoch": batch(pid=5000, epoch=-1, sequence=0),
    }
    for v in d.versions("Produce", 3):
        for note, records in bad.items():
            d.same("Produce", v, produce("put-odd" if note in OWN_WAY else "put-bad", records), note=note)
        for acks in (2, -2, 3, 127):
            d.same("Produce", v, produce("put-bad", ONE, acks), note="acks=%d" % acks)
        for partition in (3, -1, 1 << 30):
            d.same("Produce", v, produce("put-bad", ONE, partition=partition), note="partition %d" % partition)
        if v < 13:
            for name in ("put-absent", "", "a b", "x" * 250):
                body = produce("put-bad", ONE)
                body["TopicData"][0]["Name"] = name
                d.same("Produce", v, body, note="topic %r" % name[:12])
        else:
            d.same("Produce", v, produce(NOBODY, ONE), note="unknown id")
            d.same("Produce", v, produce(ZERO_ID, ONE), note="zero id")
        d.same("Produce", v, produce("put-compact", batch([(None, b"v")])), note="null key, compacted")
        d.same("Produce", v, produce("put-compact", batch([(b"k", b"v"), (None, b"v")])), note="one null key, compacted")
        d.same("Produce", v, produce("put-compact", batch([(None, b"v")], codec=1)), note="null key, compacted, gzip")
        d.same("Produce", v, produce("put-compact", ONE), note="key, compacted")
        d.same("Produce", v, produce("put-small", batch([(b"k", b"v" * 300)])), note="too large")
        d.same("Produce", v, dict(TransactionalId=None, Acks=-1, TimeoutMs=30000, TopicData=[]), note="nothing")
        d.same("Produce", v, dict(TransactionalId=None, Acks=-1, TimeoutMs=30000, TopicData=[
            dict(Name="put-bad", TopicId=Var("id of put-bad"), PartitionData=[])]), note="no partitions")
        parts = [dict(Index=0, Records=ONE), dict(Index=1, Records=batch(bad_crc=True)), dict(Index=9, Records=ONE)]
        d.same("Produce", v, dict(TransactionalId=None, Acks=-1, TimeoutMs=30000, TopicData=[
            dict(Name="put-bad", TopicId=Var("id of put-bad"), PartitionData=parts)]), note="good and bad together")
        d.same("Produce", v, produce("put-bad", ONE, txn="t"), note="transactional id, ordinary batch")
        d.same("Produce", v, produce("put-bad", ONE, timeout=0), note="timeout 0")
        d.same("Produce", v, produce("put-bad", ONE, timeout=-1), note="timeout -1")
    for partition in range(3):
        d.same("Fetch", 12, fetch("put-bad", partition=partition), note="what was taken")
    d.same("DeleteTopics", 5, dict(TopicNames=["put-odd"], TimeoutMs=60000))


def case_produce_without_answer(d):
    create(d, "mute", 1)
    for v in d.versions("Produce", 3):
        for note, body in (("good", produce("mute", ONE, 0)), ("unknown partition", produce("mute", ONE, 0, partition=7)),
                           ("bad crc", produce("mute", batch(bad_crc=True), 0))):
            # the answer that comes is that of the request behind it, or the connection closes
            frames = [d.codec.request("Produce", v, peer.resolve(body), 1) for peer in (d.kafka, d.weir)]
            for peer, frame in zip((d.kafka, d.weir), frames):
                peer.connect()
                peer.send(frame)
            d.same("ApiVersions", 0, {}, note="after acks=0 v%d, %s" % (v, note))
    d.until("ListOffsets", 7, offsets("mute", -1), lambda a: a["Topics"][0]["Partitions"][0]["Offset"] == len(d.versions("Produce", 3)))
    d.same("Fetch", 12, fetch("mute"), note="what was taken without an answer")


def case_sequences(d):
    for v in d.versions("Produce", 3):
        name = "seq-%d" % v
        create(d, name)
        two = [(b"a", b"1"), (b"b", b"2")]
        for note, make in (
                ("first", dict(pid=9000, epoch=0, sequence=0)), ("again", dict(pid=9000, epoch=0, sequence=0)),
                ("next", dict(pid=9000, epoch=0, sequence=2)), ("next again", dict(pid=9000, epoch=0, sequence=2)),
                ("first once more", dict(pid=9000, epoch=0, sequence=0)), ("a gap", dict(pid=9000, epoch=0, sequence=9)),
                ("overlap", dict(pid=9000, epoch=0, sequence=3)),
                ("new epoch, not from 0", dict(pid=9000, epoch=1, sequence=4)),
                ("new epoch", dict(pid=9000, epoch=1, sequence=0)), ("old epoch", dict(pid=9000, epoch=0, sequence=4)),
                ("another producer, not from 0", dict(pid=9001, epoch=0, sequence=7)),
                ("another producer goes on", dict(pid=9001, epoch=0, sequence=9)),
                ("wraps", dict(pid=9002, epoch=0, sequence=2147483646)),
                ("after the wrap", dict(pid=9002, epoch=0, sequence=0)),
                ("epoch -1", dict(pid=9003, epoch=-1, sequence=0)), ("sequence -2", dict(pid=9003, epoch=0, sequence=-2)),
                ("id -2", dict(pid=-2, epoch=0, sequence=0))):
            d.same("Produce", v, produce(name, batch(two, **make)), note=note)
        for i in range(8):
            d.same("Produce", v, produce(name, batch(two, pid=9004, epoch=0, sequence=2 * i)), note="number %d" % i)
        for i in range(8):
            d.same("Produce", v, produce(name, batch(two, pid=9004, epoch=0, sequence=2 * i)), note="number %d again" % i)
        d.same("Fetch", 12, fetch(name), note="what is in %s" % name)


def filled(d, name, partitions=2, configs=()):
    """Ten batches of two records in partition 0, a second apart; partition 1 stays empty."""
    create(d, name, partitions, configs)
    for i in range(10):
        d.same("Produce", 9, produce(name, batch([(b"k%d" % i, b"v"), (b"l", b"w" * i)], time=TIME + 1000 * i)))


def case_fetch(d):
    filled(d, "get")
    for v in d.versions("Fetch"):
        for offset in (0, 1, 2, 3, 19, 20, 21, -1, -2, 1 << 40):
            for isolation in (0, 1):
                d.same("Fetch", v, fetch("get", offset, isolation=isolation))
        for most, part_most in ((1, 1), (0, 0), (1000, 200), (1 << 26, 1), (1, 1 << 26), (-1, -1), (1 << 26, 0), (300, 1 << 20)):
            d.same("Fetch", v, fetch("get", 0, most=most, part_most=part_most))
        for partition in (1, 2, -1, 1 << 30):
            d.same("Fetch", v, fetch("get", 0, partition=partition))
        for epoch in (-1, 0, 1, 9, -2):
            d.same("Fetch", v, fetch("get", 0, epoch=epoch))
        for kind in (2, -1, 7):
            d.same("Fetch", v, fetch("get", 0, isolation=kind))
        if v < 13:
            for name in ("get-absent", "", "a b"):
                body = fetch("get")
                body["Topics"][0]["Topic"] = name
                d.same("Fetch", v, body)
        else:
            d.same("Fetch", v, fetch(NOBODY))
            d.same("Fetch", v, fetch(ZERO_ID))
        d.same("Fetch", v, fetch("get", 20, wait=50, least=1))
        d.same("Fetch", v, fetch("get", 0, wait=-5, least=-5))
        d.same("Fetch", v, dict(fetch("get"), Topics=[]))
        many = fetch("get")
        many["Topics"][0]["Partitions"] = [dict(Partition=p, FetchOffset=o, PartitionMaxBytes=300) for p, o in
                                           ((0, 0), (1, 0), (0, 4), (7, 0), (0, 99))]
        d.same("Fetch", v, many, note="several partitions, one of them twice")
        both = fetch("get")
        both["Topics"] = both["Topics"] * 2
        d.same("Fetch", v, both, note="the same topic twice")
        if v >= 12:
            for last in (-1, 0, 1, 5, -2):
                body = fetch("get", 4)
                body["Topics"][0]["Partitions"][0]["LastFetchedEpoch"] = last
                d.same("Fetch", v, body)


def case_fetch_sessions(d):
    filled(d, "sess", 3)
    for v in d.versions("Fetch", 7):
        for session, epoch in ((0, 0), (0, -1), (0, 1), (0, 5), (12345, 1), (12345, 0), (12345, -1), (-1, 1), (-1, 0)):
            answers = d.same("Fetch", v, fetch("sess", session=session, session_epoch=epoch, part_most=100),
                             note="session %d epoch %d" % (session, epoch))
            if session == 0 and epoch == 0:
                d.learn("session of v%d" % v, answers, lambda answer: answer["SessionId"])
        mine = Var("session of v%d" % v)
        empty = dict(fetch("sess", session=mine), Topics=[])
        d.same("Fetch", v, dict(empty, SessionEpoch=1), note="session goes on, nothing new to ask")
        d.same("Fetch", v, dict(empty, SessionEpoch=2), note="session goes on again")
        d.same("Fetch", v, dict(empty, SessionEpoch=2), note="epoch repeated")
        d.same("Fetch", v, dict(empty, SessionEpoch=9), note="epoch too high")
        d.same("Fetch", v, fetch("sess", 4, session=mine, session_epoch=3, part_most=100), note="another offset")
        d.same("Fetch", v, fetch("sess", 0, partition=1, session=mine, session_epoch=4), note="another partition")
        d.same("Fetch", v, dict(empty, SessionEpoch=5, ForgottenTopicsData=[
            dict(Topic="sess", TopicId=Var("id of sess"), Partitions=[0])]), note="one forgotten")
        d.same("Fetch", v, fetch("sess", 99, partition=2, session=mine, session_epoch=6), note="out of range inside")
        d.same("Fetch", v, dict(empty, SessionEpoch=7), note="the error comes again")
        d.same("Fetch", v, fetch("sess", 0, partition=9, session=mine, session_epoch=8), note="unknown partition inside")
        d.same("Fetch", v, dict(empty, SessionEpoch=-1), note="session ends")
        d.same("Fetch", v, dict(empty, SessionEpoch=9), note="after its end")


def offsets(topic, *times, partition=0, isolation=0, epoch=-1, replica=-1):
    return dict(ReplicaId=replica, IsolationLevel=isolation, TimeoutMs=1000, Topics=[dict(Name=topic, Partitions=[
        dict(PartitionIndex=partition, CurrentLeaderEpoch=epoch, Timestamp=t) for t in times])])


def case_list_offsets(d):
    filled(d, "find")
    create(d, "find-time", 1, [("message.timestamp.type", "CreateTime")])
    for i, t in enumerate((5000, 1000, 9000, 9000, 3000)):
        d.same("Produce", 9, produce("find-time", batch([(b"k", b"v")], time=TIME + t)))
    for v in d.versions("ListOffsets"):
        for t in (-1, -2, -3, -4, -5, -6, -7, -100, 0, TIME - 1, TIME, TIME + 1, TIME + 1000, TIME + 8999, TIME + 9000,
                  TIME + 9001, TIME + 9002, 1 << 62):
            for isolation in (0, 1):
                d.same("ListOffsets", v, offsets("find", t, isolation=isolation))
            d.same("ListOffsets", v, offsets("find", t, partition=1))
            d.same("ListOffsets", v, offsets("find-time", t))
        for t in (-1, 0):
            for partition in (2, -1, 1 << 30):
                d.same("ListOffsets", v, offsets("find", t, partition=partition))
            for name in ("find-absent", "", "a b"):
                d.same("ListOffsets", v, offsets(name, t))
            for epoch in (-1, 0, 1, 9, -2):
                d.same("ListOffsets", v, offsets("find", t, epoch=epoch))
            for replica in (-2, 0, 1, 5):
                d.same("ListOffsets", v, offsets("find", t, replica=replica))
            d.same("ListOffsets", v, offsets("find", t, isolation=3))
        d.same("ListOffsets", v, offsets("find", -1, -2), note="one partition twice")
        d.same("ListOffsets", v, offsets("find"), note="no partition")
        d.same("ListOffsets", v, dict(offsets("find"), Topics=[]), note="no topic")
        d.same("ListOffsets", v, dict(offsets("find"), Topics=offsets("find", -1)["Topics"] * 2), note="one topic twice")


def case_offset_for_leader_epoch(d):
    filled(d, "epochs")
    for v in d.versions("OffsetForLeaderEpoch"):
        for replica in (-1, -2, 1):
            for current in (-1, 0, 1, -2):
                for epoch in (-1, 0, 1, 7, -2):
                    for topic, partition in (("epochs", 0), ("epochs", 1), ("epochs", 5), ("epochs-absent", 0)):
                        d.same("OffsetForLeaderEpoch", v, dict(ReplicaId=replica if v >= 3 else -2, Topics=[dict(
                            Topic=topic, Partitions=[dict(Partition=partition, CurrentLeaderEpoch=current, LeaderEpoch=epoch)])]))
        d.same("OffsetForLeaderEpoch", v, dict(Topics=[]))
        d.same("OffsetForLeaderEpoch", v, dict(Topics=[dict(Topic="epochs", Partitions=[])]))
        d.same("OffsetForLeaderEpoch", v, dict(Topics=[dict(Topic="epochs", Partitions=[
            dict(Partition=0, LeaderEpoch=0), dict(Partition=0, LeaderEpoch=7)])]), note="twice")


def case_delete_records(d):
    for v in d.versions("DeleteRecords"):
        name = "cut-%d" % v
        filled(d, name)

        def ask(offset, topic=name, partition=0):
            d.same("DeleteRecords", v, dict(TimeoutMs=30000, Topics=[dict(Name=topic, Partitions=[
                dict(PartitionIndex=partition, Offset=offset)])]), note="%s before %d" % (topic, offset))
            for time_ in (-1, -2, TIME, TIME + 3000):
                d.same("ListOffsets", 7, offsets(name, time_))
            for offset in (0, 3, 5):
                d.same("Fetch", 12, fetch(name, offset, part_most=200))
        for offset in (0, 3, 3, 2, 5, 21, -2, 1 << 40):
            ask(offset)
        ask(0, "absent")
        ask(0, "a b")
        ask(0, name, 9)
        ask(0, name, -1)
        ask(5, name, 1)
        ask(-1)
        d.same("DeleteRecords", v, dict(TimeoutMs=30000, Topics=[]))
        d.same("DeleteRecords", v, dict(TimeoutMs=30000, Topics=[dict(Name=name, Partitions=[])]))
        d.same("DeleteRecords", v, dict(TimeoutMs=30000, Topics=[dict(Name=name, Partitions=[
            dict(PartitionIndex=0, Offset=20), dict(PartitionIndex=0, Offset=20)])]), note="twice")
        d.same("Produce", 9, produce(name, ONE), note="after all was deleted")
        d.same("Fetch", 12, fetch(name, 20), note="after all was deleted")
    create(d, "cut-compact", 1, [("cleanup.policy", "compact")])
    d.same("DeleteRecords", 2, dict(TimeoutMs=30000, Topics=[dict(Name="cut-compact", Partitions=[
        dict(PartitionIndex=0, Offset=0)])]), note="compacted")
