# SPDX-License-Identifier: Apache-2.0
"""The same request to Apache Kafka and to weir, and the two answers side by side."""
import fnmatch
import itertools
import os
import socket
import struct
import time

from allowed import ALLOWED, LATE_S, LEFT_OUT, ORDER, OWN_WAY
from codec import Malformed

ANSWER_S = float(os.environ.get("DIFF_ANSWER_S", 60))


class Closed(Exception):
    pass


class Peer:
    """One broker, one connection (made again after the broker closed it)."""

    def __init__(self, name, at, codec):
        self.name, self.codec = name, codec
        self.host, port = at.rsplit(":", 1)
        self.port = int(port)
        self.sock, self.count = None, 0
        self.record = None  # called with each exchange: key, version, request, response
        self.known = {}   # a value of this broker's own making -> what both call it
        self.values = {}  # the other way round

    def connect(self):
        self.close()
        self.sock = socket.create_connection((self.host, self.port), timeout=ANSWER_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        if self.sock:
            self.sock.close()
        self.sock = None

    def send(self, frame):
        if not self.sock:
            self.connect()
        try:
            self.sock.sendall(struct.pack(">i", len(frame)) + frame)
        except OSError as error:
            self.close()
            raise Closed() from error

    def exact(self, size):
        data = b""
        while len(data) < size:
            try:
                part = self.sock.recv(size - len(data))
            except ConnectionError:
                part = b""
            if not part:
                self.close()
                raise Closed()
            data += part
        return data

    def receive(self):
        return self.exact(struct.unpack(">i", self.exact(4))[0])

    def call(self, name, version, body, client="diff"):
        """The decoded answer; Closed when the broker ended the connection instead."""
        self.count += 1
        request = self.codec.request(name, version, self.resolve(body), self.count, client)
        self.send(request)
        frame = self.receive()
        if self.record:
            self.record(self.codec.requests[name].key, version, request, frame)
        return self.answer(name, version, self.count, frame)

    def answer(self, name, version, correlation, frame=None):
        frame = frame or self.receive()
        if struct.unpack(">i", frame[:4])[0] != correlation:
            raise Malformed("%s answered with another correlation id" % self.name)
        return self.codec.response(name, version, frame)

    def until(self, name, version, body, done):
        """Asks until the answer is `done`; for what takes a while."""
        end = time.monotonic() + ANSWER_S
        while not done(self.call(name, version, body)):
            assert time.monotonic() < end, "%s never came to it: %s %r" % (self.name, name, body)
            time.sleep(0.02)

    def resolve(self, value):
        """The body with each Var replaced by this broker's own value."""
        if isinstance(value, Var):
            return self.values[value.label]
        if isinstance(value, dict):
            return {key: self.resolve(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.resolve(item) for item in value]
        return value

    def learn(self, label, value):
        self.values[label] = value
        if isinstance(value, (str, bytes)) and value not in ("", bytes(16)):
            self.known[value] = "<%s>" % label


class Var:
    """A value each broker made up itself: Var("id of t") stands for both."""

    def __init__(self, label):
        self.label = label

    def __repr__(self):
        return "<%s>" % self.label


def align(kafka, weir, order):
    """Both lists by the key of their items; None stands where one has no such item."""
    sides = [{}, {}]
    for side, items in zip(sides, (kafka, weir)):
        for item in items:
            side.setdefault(order(item), []).append(item)
    pairs = []
    for key in sorted(set(sides[0]) | set(sides[1])):
        pairs += itertools.zip_longest(*(side.get(key, []) for side in sides))
    return [a for a, _ in pairs], [b for _, b in pairs]


class Pair:
    """Both brokers. Differences collect in `differences` until take() empties it."""

    def __init__(self, kafka, weir, codec):
        self.kafka, self.weir, self.codec = kafka, weir, codec
        self.compared, self.allowed, self.differences = 0, {}, []
        self.served = {codec.requests[key["ApiKey"]].name[:-len("Request")]: (key["MinVersion"], key["MaxVersion"])
                       for key in weir.call("ApiVersions", 0, {})["ApiKeys"]}
        self.ranges = {}
        for key in kafka.call("ApiVersions", 0, {})["ApiKeys"]:
            if key["ApiKey"] in codec.requests:
                name = codec.requests[key["ApiKey"]].name[:-len("Request")]
                self.ranges[name] = (max(key["MinVersion"], codec.requests[name].valid[0]), key["MaxVersion"])

    def versions(self, name, low=0):
        first, last = self.ranges[name]
        return range(max(first, low), last + 1)

    # --- exchanges ---

    def ask(self, peer, name, version, body, client):
        try:
            return peer.call(name, version, body, client)
        except Closed:
            return "connection closed"
        except TimeoutError:
            peer.close()
            return "no answer in %d s" % ANSWER_S
        except (Malformed, UnicodeDecodeError) as error:
            peer.close()
            return "malformed: %s" % error

    def same(self, name, version, body, note="", settle=False, client="diff"):
        """Sends it to both and compares. `settle`: what it reads may reach Kafka late, so ask again while they differ."""
        end = time.monotonic() + LATE_S
        while True:
            answers = self.ask(self.kafka, name, version, body, client), self.ask(self.weir, name, version, body, client)
            self.learn_ids(name, answers)
            found, allowed = self.compare(name, *answers)
            if found and note in OWN_WAY:
                found, allowed = [], [OWN_WAY[note]]
            if not (settle and found) or time.monotonic() > end:
                break
            time.sleep(0.05)
        self.keep("%s v%d %s" % (name, version, note or self.short(body)), found, allowed)
        return answers

    def raw(self, note, frame, name, version, alone=True):
        """A frame made by hand. What comes back is decoded as an answer of `name` in `version`."""
        answers = []
        for peer in (self.kafka, self.weir):
            if alone:
                peer.connect()
            try:
                peer.send(frame)
                reply = peer.receive()
                answers.append(self.codec.response(name, version, reply) if name else reply.hex())
            except Closed:
                answers.append("connection closed")
            except (Malformed, UnicodeDecodeError) as error:
                answers.append("malformed: %s" % error)
                peer.close()
        self.keep(note, *self.compare(name or "raw", *answers))
        return answers

    def until(self, name, version, body, done):
        """Asks both, without comparing, until each answer is `done`."""
        self.kafka.until(name, version, body, done)
        self.weir.until(name, version, body, done)

    def learn(self, label, answers, pick):
        """Takes a value out of both answers, to be sent back as Var(label) and to count as equal from now on."""
        for peer, answer in zip((self.kafka, self.weir), answers):
            if isinstance(answer, dict):
                peer.learn(label, pick(answer))

    def learn_ids(self, name, answers):
        if name not in ("Metadata", "CreateTopics"):
            return
        for peer, answer in zip((self.kafka, self.weir), answers):
            for topic in answer["Topics"] if isinstance(answer, dict) else ():
                if topic.get("TopicId", bytes(16)) != bytes(16) and topic["Name"]:
                    peer.learn("id of " + topic["Name"], topic["TopicId"])

    # --- comparison ---

    def keep(self, what, found, allowed):
        self.compared += 1
        for reason in allowed:
            self.allowed[reason] = self.allowed.get(reason, 0) + 1
        self.differences += [(line, what) for line in found]

    def compare(self, name, kafka, weir):
        found, allowed = [], []

        def walk(path, place, k, w):
            if isinstance(k, dict) and isinstance(w, dict):
                for key in sorted(set(k) | set(w)):
                    walk(path + "." + key, place + "." + key, k.get(key, "absent"), w.get(key, "absent"))
            elif isinstance(k, list) and isinstance(w, list):
                order = ORDER.get(path)
                for pattern, leave_out, reason in LEFT_OUT:
                    if pattern == path:
                        rest = [[item for item in side if not leave_out(item)] for side in (k, w)]
                        allowed.extend([reason] * (rest != [k, w]))
                        k, w = rest
                if order:
                    k, w = align(k, w, order)
                if len(k) == len(w):
                    for i, (a, b) in enumerate(zip(k, w)):
                        walk(path, "%s[%s]" % (place, order(a if b is None else b) if order else i), a, b)
                elif not self.is_allowed(path, k, w, allowed):
                    found.append("%s: Kafka has %d %s, weir %d %s" % (
                        place, len(k), self.short(k), len(w), self.short(w)))
            else:
                k, w = self.common(self.kafka, k), self.common(self.weir, w)
                if k != w and not self.is_allowed(path, k, w, allowed):
                    found.append("%s: Kafka %s, weir %s" % (place, self.short(k), self.short(w)))

        walk(name, name, kafka, weir)
        return found, allowed

    @staticmethod
    def common(peer, value):
        try:
            return peer.known.get(value, value)
        except TypeError:
            return value

    @staticmethod
    def is_allowed(path, kafka, weir, reasons):
        for pattern, check, reason in ALLOWED:
            if fnmatch.fnmatchcase(path, pattern) and check(kafka, weir):
                reasons.append(reason)
                return True
        return False

    @staticmethod
    def short(value):
        text = repr(value)
        return text if len(text) < 300 else text[:300] + "..."

    def take(self):
        """What differed since the last call, once each, with the exchanges it was seen in."""
        where = {}
        for line, what in self.differences:
            where.setdefault(line, []).append(what)
        self.differences = []
        return ["%s\n    %d times: %s" % (line, len(seen), " | ".join(seen[:6])) for line, seen in where.items()]

    def summary(self):
        lines = ["%d exchanges compared, %d allowed differences" % (self.compared, sum(self.allowed.values()))]
        return lines + ["  %6d  %s" % (count, reason) for reason, count in sorted(self.allowed.items())]
