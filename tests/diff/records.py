# SPDX-License-Identifier: Apache-2.0
"""Record batches, good and bad, byte by byte."""
import gzip
import struct
import time

TABLE = []
for number in range(256):
    for _ in range(8):
        number = number >> 1 ^ (0x82F63B78 if number & 1 else 0)
    TABLE.append(number)
TIME = int(time.time()) * 1000 - 3_600_000  # young enough for no retention to take it


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def varint(value):
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value & ~0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def text(data):
    return varint(-1) if data is None else varint(len(data)) + data


def record(index, key=b"k", value=b"v", headers=(), delta=0, offset=None):
    body = b"\0" + varint(delta) + varint(index if offset is None else offset) + text(key) + text(value) + varint(len(headers))
    for name, data in headers:
        body += text(name) + text(data)
    return varint(len(body)) + body


def batch(records=((b"k", b"v"),), codec=0, attributes=0, pid=-1, epoch=-1, sequence=-1, base=0, time=TIME, count=None,
          last=None, magic=2, leader_epoch=-1, bad_crc=False, payload=None, max_time=None, length=None, record_times=None):
    """A version 2 batch; every field of the header can be made to lie."""
    records = list(records)
    if payload is None:
        times = record_times or range(len(records))
        payload = b"".join(record(i, *r, delta=t) for (i, r), t in zip(enumerate(records), times))
    if codec == 1:
        payload = gzip.compress(payload, mtime=0)
    spread = (max(record_times) if record_times else len(records) - 1) if records else 0
    body = struct.pack(">hiqqqhii", attributes | codec, len(records) - 1 if last is None else last, time,
                       time + max(spread, 0) if max_time is None else max_time, pid, epoch, sequence,
                       len(records) if count is None else count) + payload
    crc = crc32c(body) ^ (1 if bad_crc else 0)
    rest = struct.pack(">ibI", leader_epoch, magic, crc) + body
    return struct.pack(">qi", base, len(rest) if length is None else length) + rest


def legacy(magic=1, key=b"k", value=b"v"):
    """One message of format 0 or 1."""
    import zlib
    body = struct.pack(">bb", magic, 0) + (struct.pack(">q", TIME) if magic else b"") + \
        struct.pack(">i", len(key)) + key + struct.pack(">i", len(value)) + value
    return struct.pack(">qiI", 0, len(body) + 4, zlib.crc32(body)) + body


def headers(data):
    """What stands in front of each batch of a fetched set, without what the broker's clock wrote."""
    out = []
    while len(data) >= 61:
        base, size = struct.unpack_from(">qi", data)
        names = ("leader_epoch", "magic", "crc", "attributes", "last", "time", "max_time", "pid", "epoch", "sequence", "count")
        out.append(dict(zip(names, struct.unpack_from(">ibIhiqqqhii", data, 12)), base=base,
                        payload=bytes(data[61:12 + size])))
        data = data[12 + size:]
    return out
