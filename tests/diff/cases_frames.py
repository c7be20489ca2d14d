# SPDX-License-Identifier: Apache-2.0
"""Frames: APIs and versions that are not served, bodies that do not decode, sizes, order."""
import struct


def case_unknown_apis_and_versions(d):
    for key in (7, 53, 93, 500, 32767, -1):
        for version in (0, 1):
            d.raw("API %d v%d" % (key, version), d.codec.header(key, version, False) + b"\0\0\0\0", None, 0)
    for name, (low, high) in sorted(d.served.items()):
        message = d.codec.requests[name]
        for version in {low - 1, high + 1, 99, -1} - ({0, 1, 2} if name == "Produce" else set()):
            if name != "ApiVersions" and not low <= version <= high and not d.ranges[name][0] <= version <= d.ranges[name][1]:
                d.raw("%s v%d" % (name, version), d.codec.header(message.key, version, message.is_flexible(version)) + bytes(40),
                      None, 0)
    for version in range(3):
        d.raw("Produce v%d" % version, d.codec.header(0, version, False) + bytes(40), None, 0)


def case_bodies_that_do_not_decode(d):
    for name, (low, high) in sorted(d.served.items()):
        message = d.codec.requests[name]
        for version in {max(low, message.valid[0]), high}:
            if not d.ranges[name][0] <= version <= d.ranges[name][1]:
                continue
            head = d.codec.header(message.key, version, message.is_flexible(version))
            if message.encode({}, version) and name not in ("ApiVersions", "SaslHandshake", "SaslAuthenticate"):
                d.raw("%s v%d without a body" % (name, version), head, None, 0)
            first = [field for field in message.fields if field.versions[0] <= version <= field.versions[1]][:1]
            if any(field.element or field.type == "string" for field in first):
                d.raw("%s v%d with a huge first array" % (name, version), head + b"\x7f\xff\xff\xff\xff" + bytes(20), None, 0)
    plain = d.codec.requests["Metadata"]
    for note, body in (("a negative count", struct.pack(">i", -2)), ("a null in an array", struct.pack(">ih", 1, -1)),
                       ("a cut string", struct.pack(">ih", 1, 9) + b"abc")):
        d.raw("Metadata v1, " + note, d.codec.header(plain.key, 1, False) + body, "Metadata", 1)
    d.raw("Metadata v1, bytes left over", d.codec.header(plain.key, 1, False) + struct.pack(">i", 0) + b"rest", "Metadata", 1)
    flexible = d.codec.header(plain.key, 9, True)
    good = plain.encode(dict(Topics=[]), 9)
    d.raw("Metadata v9, an unknown tag", flexible + good[:-1] + b"\x01\x63\x02hi", "Metadata", 9)
    d.raw("Metadata v9, a tag that ends behind the frame", flexible + good[:-1] + b"\x01\x63\x7fhi", "Metadata", 9)
    d.raw("Metadata v9, a tag in the header", d.codec.header(plain.key, 9, False) + b"\x01\x05\x02hi" + good, "Metadata", 9)
    d.raw("Metadata v9, a tag twice", flexible + good[:-1] + b"\x02\x63\x01a\x63\x01b", "Metadata", 9)


def case_headers(d):
    body = d.codec.requests["Metadata"].encode(dict(Topics=[]), 1)
    for note, frame in (("empty", b""), ("one byte", b"\0"), ("half a header", b"\0\3\0\1\0\0"),
                        ("no client id", b"\0\3\0\1\0\0\0\0"), ("client id cut", b"\0\3\0\1\0\0\0\0\0\x09ab"),
                        ("client id of length -2", b"\0\3\0\1\0\0\0\0\xff\xfe" + body),
                        ("client id that is no UTF-8", b"\0\3\0\1\0\0\0\0\0\2\xff\xfe" + body)):
        d.raw("header: " + note, frame, "Metadata", 1)


def case_order(d):
    """Many requests at once: answers in their order."""
    frames = [d.codec.request("ApiVersions", i % 3, {}, i) if i % 2 else d.codec.request("Metadata", 4, dict(Topics=[]), i)
              for i in range(60)]
    for peer in (d.kafka, d.weir):
        peer.connect()
        peer.sock.sendall(b"".join(struct.pack(">i", len(frame)) + frame for frame in frames))
        assert [struct.unpack(">i", peer.receive()[:4])[0] for _ in frames] == list(range(60)), peer.name


def case_sizes(d):
    for size in (-1, -2147483648, (100 << 20) + 1, 2147483647):
        answers = []
        for peer in (d.kafka, d.weir):
            peer.connect()
            peer.sock.sendall(struct.pack(">i", size))
            answers.append(peer.sock.recv(1))
            peer.close()
        assert answers == [b"", b""], "a frame of %d bytes: %r" % (size, answers)
