# SPDX-License-Identifier: Apache-2.0
"""A codec for every message of Kafka, driven by the message descriptions inside kafka-clients.jar.

It shares nothing with src/wire/kafka: those tables are ours, these are Kafka's own. A message is a dict by the field
names of the description. Encoding: a field left out takes its default, a field the version has not is passed over.
Decoding: every field of the version is there; bytes and records are `bytes`, a uuid is 16 `bytes`.
"""
import json
import re
import struct
import zipfile

NUMBERS = {"bool": ">?", "int8": ">b", "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "int64": ">q",
           "float64": ">d"}
ZERO_ID = bytes(16)


class Malformed(Exception):
    pass


def versions(text):
    """"3+" -> (3, inf), "2-5" -> (2, 5), "none" -> nothing."""
    if text in (None, "none", ""):
        return (1, 0)
    low, _, high = text.replace("+", "-").partition("-")
    return (int(low), int(high) if high else (float("inf") if text[-1] in "+-" else int(low)))


def within(span, version):
    return span[0] <= version <= span[1]


class Field:
    def __init__(self, spec, structs):
        self.name, self.type = spec["name"], spec["type"]
        self.versions = versions(spec.get("versions", "0+"))
        self.nullable = versions(spec.get("nullableVersions"))
        self.tagged = versions(spec.get("taggedVersions"))
        self.tag = spec.get("tag")
        self.flexible = versions(spec["flexibleVersions"]) if "flexibleVersions" in spec else None
        self.default = spec.get("default")
        self.element = self.type[2:] if self.type.startswith("[]") else None
        if "fields" in spec:
            structs[(self.element or self.type)] = spec["fields"]

    def default_value(self):
        default = self.default
        if default == "null":
            return None
        if self.element:
            return []
        if self.type in ("string",):
            return default or ""
        if self.type in ("bytes", "records"):
            return b""
        if self.type == "uuid":
            return ZERO_ID
        if self.type == "bool":
            return default in (True, "true")
        if self.type == "float64":
            return float(default or 0)
        if self.type in NUMBERS:
            return int(str(default or 0), 0)
        return {}


class Message:
    def __init__(self, spec):
        self.name, self.key = spec["name"], spec.get("apiKey")
        self.valid, self.flexible = versions(spec["validVersions"]), versions(spec.get("flexibleVersions"))
        raw, self.structs = {}, {}
        for shared in spec.get("commonStructs", []):
            raw[shared["name"]] = shared["fields"]
        self.fields = [Field(field, raw) for field in spec.get("fields", [])]
        while len(raw) > len(self.structs):
            for name in [name for name in raw if name not in self.structs]:
                self.structs[name] = [Field(field, raw) for field in raw[name]]

    def is_flexible(self, version):
        return within(self.flexible, version)

    def encode(self, value, version):
        out = bytearray()
        Writer(self, version, out).struct(self.fields, value)
        return bytes(out)

    def decode(self, data, version):
        reader = Reader(self, version, data)
        value = reader.struct(self.fields)
        if reader.at != len(data):
            raise Malformed("%s v%d: %d bytes left over" % (self.name, version, len(data) - reader.at))
        return value


def uvarint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Writer:
    def __init__(self, message, version, out):
        self.message, self.version, self.out = message, version, out
        self.is_flexible = message.is_flexible(version)

    def length(self, size, flexible, wide):
        """`size` None is null."""
        if flexible:
            self.out += uvarint(0 if size is None else size + 1)
        else:
            self.out += struct.pack(">i" if wide else ">h", -1 if size is None else size)

    def struct(self, fields, value):
        tags = []
        for field in fields:
            if not within(field.versions, self.version):
                continue
            item = value.get(field.name, field.default_value())
            if self.is_flexible and within(field.tagged, self.version):
                if item != field.default_value():
                    tags.append((field.tag, field, item))
            else:
                self.field(field, item)
        if self.is_flexible:
            extra = value.get("_tags", {})
            self.out += uvarint(len(tags) + len(extra))
            for tag, field, item in sorted(tags, key=lambda entry: entry[0]):
                inner = Writer(self.message, self.version, bytearray())
                inner.field(field, item)
                self.out += uvarint(tag) + uvarint(len(inner.out)) + inner.out
            for tag, data in sorted(extra.items()):
                self.out += uvarint(tag) + uvarint(len(data)) + data

    def field(self, field, value):
        flexible = self.is_flexible if field.flexible is None else within(field.flexible, self.version)
        if field.element:
            self.length(None if value is None else len(value), flexible, True)
            for item in value or []:
                self.scalar(field.element, item, flexible, field)
        else:
            self.scalar(field.type, value, flexible, field)

    def scalar(self, kind, value, flexible, field):
        if kind in NUMBERS:
            self.out += struct.pack(NUMBERS[kind], value)
        elif kind == "uuid":
            self.out += value
        elif kind == "string":
            data = value.encode() if isinstance(value, str) else value
            self.length(None if data is None else len(data), flexible, False)
            self.out += data or b""
        elif kind in ("bytes", "records"):
            self.length(None if value is None else len(value), flexible, True)
            self.out += value or b""
        else:
            if not field.element and field.nullable[0] <= field.nullable[1]:
                self.out += struct.pack(">b", -1 if value is None else 1)
            if value is not None:
                self.struct(self.message.structs[kind], value)


class Reader:
    def __init__(self, message, version, data):
        self.message, self.version, self.data, self.at = message, version, data, 0
        self.is_flexible = message.is_flexible(version)

    def take(self, size):
        if size < 0 or self.at + size > len(self.data):
            raise Malformed("%s v%d: %d bytes wanted at %d of %d" % (
                self.message.name, self.version, size, self.at, len(self.data)))
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def uvarint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    def length(self, flexible, wide):
        return self.uvarint() - 1 if flexible else self.number(">i" if wide else ">h")

    def struct(self, fields):
        value, tagged = {}, {}
        for field in fields:
            if not within(field.versions, self.version):
                continue
            if self.is_flexible and within(field.tagged, self.version):
                tagged[field.tag] = field
                value[field.name] = field.default_value()
            else:
                value[field.name] = self.field(field)
        if self.is_flexible:
            for _ in range(self.uvarint()):
                tag, size = self.uvarint(), self.uvarint()
                end = self.at + size
                if tag in tagged:
                    value[tagged[tag].name] = self.field(tagged[tag])
                    if self.at != end:
                        raise Malformed("tag %d of %s has another size" % (tag, self.message.name))
                else:
                    value.setdefault("_tags", {})[tag] = self.take(size)
        return value

    def field(self, field):
        flexible = self.is_flexible if field.flexible is None else within(field.flexible, self.version)
        if field.element:
            count = self.length(flexible, True)
            return None if count < 0 else [self.scalar(field.element, flexible, field) for _ in range(count)]
        return self.scalar(field.type, flexible, field)

    def scalar(self, kind, flexible, field):
        if kind in NUMBERS:
            return self.number(NUMBERS[kind])
        if kind == "uuid":
            return bytes(self.take(16))
        if kind == "string":
            size = self.length(flexible, False)
            return None if size < 0 else self.take(size).decode()
        if kind in ("bytes", "records"):
            size = self.length(flexible, True)
            return None if size < 0 else bytes(self.take(size))
        if not field.element and field.nullable[0] <= field.nullable[1] and self.number(">b") < 0:
            return None
        return self.struct(self.message.structs[kind])


class Codec:
    """requests and responses by name ("Fetch") or key (1)."""

    def __init__(self, jar):
        self.requests, self.responses, self.others = {}, {}, {}
        with zipfile.ZipFile(jar) as files:
            for path in files.namelist():
                if not re.fullmatch(r"common/message/\w+\.json", path):
                    continue
                text = re.sub(r"(?m)^\s*//.*$|(?<=[\],{}\s\"])//[^\"\n]*$", "", files.read(path).decode())
                spec = json.loads(text)
                message = Message(spec)
                home = {"request": self.requests, "response": self.responses}.get(spec["type"], self.others)
                name = re.sub("(Request|Response)$", "", spec["name"]) if home is not self.others else spec["name"]
                home[name] = message
                if message.key is not None and home is not self.others:
                    home[message.key] = message

    def request(self, name, version, body, correlation=0, client="diff"):
        """A whole frame without its length; `name` may be a (key, flexible) pair of an API nobody has."""
        message = self.requests[name]
        return self.header(message.key, version, message.is_flexible(version), correlation, client) + \
            message.encode(body, version)

    @staticmethod
    def header(key, version, flexible, correlation=0, client="diff"):
        data = client.encode() if client is not None else b""
        return struct.pack(">hhih", key, version, correlation, -1 if client is None else len(data)) + data + \
            (b"\0" if flexible else b"")

    def response(self, name, version, frame):
        """The decoded body; checks the header's length too."""
        message = self.responses[name]
        start = 5 if message.is_flexible(version) and message.key != 18 else 4
        return message.decode(frame[start:], version)
