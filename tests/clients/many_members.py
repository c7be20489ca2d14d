"""Hundreds of members of one group, each with its own connection, speaking the protocol by hand: what a real client
library would send, without its threads and memory."""
import selectors
import socket
import struct
import time
import uuid


MEMBER_ID_REQUIRED, REBALANCE_IN_PROGRESS = 79, 27


def text(value):
    return struct.pack(">h", -1) if value is None else struct.pack(">h", len(value)) + value.encode()


def data(value):
    return struct.pack(">i", len(value)) + value


def uvarint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def compact(value):
    return uvarint(0) if value is None else uvarint(len(value) + 1) + value.encode()


class Reader:
    def __init__(self, payload):
        self.payload, self.at = payload, 0

    def take(self, form):
        values = struct.unpack_from(">" + form, self.payload, self.at)
        self.at += struct.calcsize(">" + form)
        return values[0]

    def raw(self, size):
        self.at += size
        return self.payload[self.at - size:self.at]

    def text(self):
        size = self.take("h")
        return None if size < 0 else self.raw(size).decode()

    def uvarint(self):
        value = shift = 0
        while True:
            byte = self.take("B")
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def compact(self):
        size = self.uvarint()
        return None if size == 0 else self.raw(size - 1).decode()


class Member:
    """One connection with at most one request on its way."""

    def __init__(self, at, group, number):
        host, port = at.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self.group, self.number = group, number
        self.buffer, self.correlation = b"", 0
        self.id, self.generation, self.leader, self.answer = "", -1, None, None

    def send(self, key, version, body, flexible=False):
        self.correlation += 1
        header = struct.pack(">hhi", key, version, self.correlation) + text(f"m{self.number}") + (b"\0" if flexible else b"")
        self.socket.sendall(struct.pack(">i", len(header) + len(body)) + header + body)

    def received(self):
        """The answer, once all of it is there."""
        self.buffer += self.socket.recv(1 << 20)
        if len(self.buffer) < 4 or len(self.buffer) < 4 + struct.unpack(">i", self.buffer[:4])[0]:
            return None
        size = struct.unpack(">i", self.buffer[:4])[0]
        frame, self.buffer = self.buffer[4:4 + size], self.buffer[4 + size:]
        reader = Reader(frame)
        assert reader.take("i") == self.correlation
        return reader

    def close(self):
        self.socket.close()


def gather(members, deadline=60):
    """Waits for one answer to each member."""
    selector = selectors.DefaultSelector()
    for member in members:
        selector.register(member.socket, selectors.EVENT_READ, member)
    left, end = set(members), time.monotonic() + deadline
    while left:
        assert time.monotonic() < end, f"{len(left)} members got no answer"
        for key, _ in selector.select(1):
            reader = key.data.received()
            if reader:
                yield key.data, reader
                left.discard(key.data)
                selector.unregister(key.fileobj)
    selector.close()


# --- the classic protocol ------------------------------------------------------------

class ClassicMember(Member):
    def join(self, topic):
        subscription = struct.pack(">hi", 0, 1) + text(topic) + struct.pack(">i", -1)
        self.send(11, 5, text(self.group) + struct.pack(">ii", 120000, 120000) + text(self.id) + text(None) + text("consumer")
                  + struct.pack(">i", 1) + text("range") + data(subscription))

    def joined(self, reader):
        """The error; takes over what the answer says."""
        reader.take("i")
        error = reader.take("h")
        self.generation = reader.take("i")
        reader.text()
        self.leader, self.id = reader.text(), reader.text()
        self.others = [(reader.text(), reader.text(), reader.raw(reader.take("i")))[0] for _ in range(reader.take("i"))]
        return error

    def sync(self):
        mine = [text(one) + data(one.encode()) for one in self.others] if self.leader == self.id else []
        self.send(14, 3, text(self.group) + struct.pack(">i", self.generation) + text(self.id) + text(None)
                  + struct.pack(">i", len(mine)) + b"".join(mine))

    def synced(self, reader):
        reader.take("i")
        error = reader.take("h")
        return error, reader.raw(reader.take("i")).decode()

    def beat(self):
        self.send(12, 3, text(self.group) + struct.pack(">i", self.generation) + text(self.id) + text(None))

    def beaten(self, reader):
        reader.take("i")
        return reader.take("h")


def classic_round(members, topic):
    """Everybody joins for the first time and syncs; tells the generation."""
    for member in members:
        member.join(topic)
    for member, reader in gather(members):
        assert member.joined(reader) == MEMBER_ID_REQUIRED
    for member in members:
        member.join(topic)
    return classic_sync(members)


def classic_rejoin(members, topic):
    """The leader joins again; everybody is told by a heartbeat and follows."""
    leader = next(member for member in members if member.id == member.leader)
    followers = [member for member in members if member is not leader]
    leader.join(topic)
    while True:
        for member in followers:
            member.beat()
        if {member.beaten(reader) for member, reader in gather(followers)} == {REBALANCE_IN_PROGRESS}:
            break
    for member in followers:
        member.join(topic)
    return classic_sync(members)


def classic_sync(members):
    for member, reader in gather(members):
        assert member.joined(reader) == 0
    for member in members:
        member.sync()
    for member, reader in gather(members):
        assert member.synced(reader) == (0, member.id)
    generations = {member.generation for member in members}
    assert len(generations) == 1
    return generations.pop()


# --- the consumer group protocol -----------------------------------------------------

class ConsumerMember(Member):
    def __init__(self, at, group, number):
        super().__init__(at, group, number)
        self.id, self.epoch, self.owned = str(uuid.uuid4()), 0, {}

    def beat(self, topic):
        body = compact(self.group) + compact(self.id) + struct.pack(">i", self.epoch) + compact(None) + compact(None)
        if self.epoch == 0:
            body += struct.pack(">i", 60000) + uvarint(2) + compact(topic) + compact(None) + compact(None) + uvarint(1)
        else:
            body += struct.pack(">i", -1) + uvarint(0) + compact(None) + compact(None) + uvarint(len(self.owned) + 1)
            for topic_id, partitions in self.owned.items():
                body += topic_id + uvarint(len(partitions) + 1) + b"".join(struct.pack(">i", p) for p in partitions) + b"\0"
        self.send(68, 1, body + b"\0", flexible=True)

    def beaten(self, reader):
        """The error; gives up and takes what the answer says."""
        reader.uvarint()
        reader.take("i")
        error, _message, _id = reader.take("h"), reader.compact(), reader.compact()
        epoch = reader.take("i")
        reader.take("i")
        if error:
            return error
        self.epoch = epoch
        if reader.take("b") == 1:
            self.owned = {}
            for _ in range(reader.uvarint() - 1):
                topic_id = reader.raw(16)
                self.owned[topic_id] = [reader.take("i") for _ in range(reader.uvarint() - 1)]
                reader.uvarint()
        return 0


def consumer_round(members, topic):
    for member in members:
        member.beat(topic)
    for member, reader in gather(members):
        assert member.beaten(reader) == 0
    owned = [(topic_id, p) for member in members for topic_id, ps in member.owned.items() for p in ps]
    assert len(owned) == len(set(owned)), "a partition has two owners"
    return len(owned)
